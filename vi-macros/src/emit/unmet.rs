//! Methods that a model does not have, refused where they are called, in the model's own words.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

/// A trait that nothing implements, for the bound `for<'a> &'a Model: …` of such a method. Over a lifetime, the bound is looked at where it is
/// needed, and `never` is what the method returns.
pub fn unmet(name: &Ident, message: &str, label: &str, notes: &[String]) -> TokenStream {
    quote! {
        #[diagnostic::on_unimplemented(message = #message, label = #label #(, note = #notes)*)]
        pub trait #name {
            fn never(self) -> ::std::convert::Infallible;
        }
    }
}
