//! The compiler behind `vi_core::model!`.
//!
//! Use it through `vi-core`, which re-exports the macro and pins this version. Each stage is a folder with a printable result:
//! tokens → `syntax` → `model` → `density` → `plan` → `kernel` → `emit`.
#![allow(missing_docs, reason = "the modules are private; only the macro is public")]

mod density;
mod diagnostics;
mod emit;
mod families;
mod kernel;
mod model;
mod pipeline;
mod plan;
mod report;
mod syntax;

#[cfg(test)]
mod tests;

/// The module names `::vi_core`, which re-exports this macro and pins the version of its crate.
#[proc_macro]
pub fn model(tokens: proc_macro::TokenStream) -> proc_macro::TokenStream {
    pipeline::expand(tokens.into()).into()
}
