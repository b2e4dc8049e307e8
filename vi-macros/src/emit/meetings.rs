//! Statements that read categories of several blocks: their tables, over the states of all of them.

use super::Emitter;
use crate::kernel::Component;
use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

impl Emitter<'_> {
    pub(super) fn meeting_name(&self, c: &Component) -> String {
        format!("meeting_of_{}", self.component_name(c))
    }

    /// The trait's side of it.
    pub(super) fn meeting_fns(&self) -> TokenStream {
        if self.kernel.meetings.is_empty() {
            return TokenStream::new();
        }
        let of = self.kernel.meetings.iter().map(|m| {
            let of = m.of.iter().map(|n| Literal::usize_unsuffixed(*n));
            quote!(&[#(#of),*])
        });
        let (mut potentials, mut collects) = (TokenStream::new(), TokenStream::new());
        for (n, m) in self.kernel.meetings.iter().enumerate() {
            let (n, name) = (Literal::usize_unsuffixed(n), self.meeting_name(&m.component));
            let (potential, collect) = (format_ident!("potentials_{name}"), format_ident!("collect_{name}"));
            potentials.extend(quote!(#n => self.#potential(context, at, units, table, scratch),));
            collects.extend(quote!(#n => self.#collect(context, params, units, table, stats, scratch),));
        }
        let globals = self.globals_type();
        quote! {
            const MEETINGS: &'static [&'static [usize]] = &[#(#of),*];

            fn meet(&self, context: &Context<'_>, at: &Prepared, meeting: usize, units: Range<usize>, table: &mut [f64], scratch: &mut Scratch) {
                match meeting {
                    #potentials
                    _ => {}
                }
            }

            fn collect_meeting(&self, context: &Context<'_>, params: &#globals, meeting: usize, units: Range<usize>, table: &[f64], stats: &mut Stats, scratch: &mut Scratch) {
                match meeting {
                    #collects
                    _ => {}
                }
            }
        }
    }
}
