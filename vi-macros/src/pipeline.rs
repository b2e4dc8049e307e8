//! The order of the passes. Each takes what the one before it made, and a report to add mistakes to.

use crate::report::Report;
use crate::{density, emit, kernel, model, plan, syntax};
use proc_macro2::TokenStream;

/// A block to the module it declares. After a mistake the errors come last, behind whatever could be made.
pub fn expand(tokens: TokenStream) -> TokenStream {
    let mut report = Report::new();
    let module = compile(tokens, &mut report).unwrap_or_default();
    let errors = report.into_compile_errors();
    quote::quote!(#module #errors)
}

fn compile(tokens: TokenStream, report: &mut Report) -> Option<TokenStream> {
    let block = syntax::parse(tokens, report)?;
    if !report.is_empty() {
        return Some(emit::placeholder(&block));
    }
    let compiled = checked(&block, report);
    Some(compiled.unwrap_or_else(|| emit::placeholder(&block)))
}

fn checked(block: &syntax::ast::Block, report: &mut Report) -> Option<TokenStream> {
    let model = model::check(block, report)?;
    if !report.is_empty() {
        return None;
    }
    let densities = density::statement::densities(&model, report);
    if !report.is_empty() {
        return None;
    }
    let monomials = density::normal_form::normal_form(&model, &densities);
    let plan = plan::plan(&model, &densities, &monomials, report)?;
    if !report.is_empty() {
        return None;
    }
    let kernel = kernel::build(&model, &densities, &plan, report)?;
    if !report.is_empty() {
        return None;
    }
    emit::emit(&model, &plan, &kernel, report)
}
