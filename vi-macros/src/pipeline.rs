//! The order of the passes. Each takes what the one before it made, and a report to add mistakes to.

use crate::report::Report;
use crate::{density, emit, kernel, model, plan, syntax};
use proc_macro2::TokenStream;

/// A block to the module it declares, or to a module that holds its mistakes.
pub fn expand(tokens: TokenStream) -> TokenStream {
    let mut report = Report::new();
    let block = syntax::parse(tokens, &mut report);
    // What a mistake of form leaves of the block is checked all the same, so that one run tells all.
    let module = block.as_ref().and_then(|block| checked(block, &mut report));
    let errors = report.into_compile_errors();
    match (module, &block) {
        (Some(module), _) => quote::quote!(#module #errors),
        (None, Some(block)) => emit::placeholder(block, &errors),
        (None, None) => errors,
    }
}

fn checked(block: &syntax::ast::Block, report: &mut Report) -> Option<TokenStream> {
    let mut model = model::check(block, report)?;
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
    model.integrated = plan::integrated(&model, &plan);
    let alone = plan::alone(&model, &plan);
    if !alone.is_empty() {
        model.integrated.extend(alone);
        // What this way has no code for goes with the latents that all units share.
        if kernel::build(&model, &densities, &plan, &mut Report::new()).is_none() {
            model.integrated = plan::integrated(&model, &plan);
        }
    }
    model.unit_normals = kernel::unit_normals(&model, &densities, &plan);
    let kernel = kernel::build(&model, &densities, &plan, report)?;
    if !report.is_empty() {
        return None;
    }
    emit::emit(&model, &plan, &kernel, report)
}
