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
    model::known::part(&mut model);
    let densities = density::statement::densities(&model, report);
    if !report.is_empty() {
        return None;
    }
    let monomials = density::normal_form::normal_form(&model, &densities);
    let mut plan = plan::plan(&model, &densities, &monomials, report)?;
    if !report.is_empty() {
        return None;
    }
    if plan.claim != plan::Claim::Exact && plan::has_laws_of_steps(&model, &plan) {
        let mut trial = model.clone();
        settle(&mut trial, &densities, &plan);
        if !has_code(&trial, &densities, &plan) {
            model.laws_apart = true;
            plan = plan::plan(&model, &densities, &monomials, report)?;
        }
    }
    let checked = model.clone();
    settle(&mut model, &densities, &plan);
    let kernel = kernel::build(&model, &densities, &plan, report)?;
    if !report.is_empty() {
        return None;
    }
    for o in plan.obstacles.iter_mut().filter(|o| o.apart) {
        if !joins(&checked, o.latent, &densities, &monomials) {
            o.help = None;
        }
    }
    emit::emit(&model, &plan, &kernel, report)
}

/// Whether the model has code where the user's groups do not hold a latent apart.
fn joins(
    model: &model::ir::Model,
    apart: model::ir::ArrayId,
    densities: &[density::statement::StatementDensity],
    monomials: &[density::normal_form::Monomial],
) -> bool {
    let mut model = model.clone();
    model.exact = None;
    model.groups.iter_mut().for_each(|g| g.vars.retain(|(a, ..)| *a != apart));
    model.groups.retain(|g| !g.vars.is_empty());
    let mut trial = Report::new();
    let plan = plan::plan(&model, densities, monomials, &mut trial);
    let planned = trial.take().is_empty();
    plan.filter(|_| planned).is_some_and(|plan| {
        settle(&mut model, densities, &plan);
        has_code(&model, densities, &plan)
    })
}

/// Settles which latents are integrated out in every state of their unit, and which Gaussians are eliminated unit by unit.
fn settle(
    model: &mut model::ir::Model,
    densities: &[density::statement::StatementDensity],
    plan: &plan::Plan,
) {
    model.integrated = plan::integrated(model, plan);
    let alone = plan::alone(model, plan);
    if !alone.is_empty() {
        model.integrated.extend(alone);
        // What this way has no code for goes with the latents that all units share.
        let mut trial = Report::new();
        let written = kernel::build(model, densities, plan, &mut trial).is_some();
        if !trial.take().is_empty() || !written {
            model.integrated = plan::integrated(model, plan);
        }
    }
    let scaled = plan::scaled(model, plan);
    if !scaled.is_empty() && !has_code(model, densities, plan) {
        // What has no code with the latents that all units share may have it unit by unit.
        let mut by_unit = model.clone();
        by_unit.integrated.extend(scaled);
        if has_code(&by_unit, densities, plan) {
            *model = by_unit;
        }
    }
    eliminate_by_unit(model, densities, plan);
}

/// Whether the kernel of a plan can be built.
fn has_code(
    model: &model::ir::Model,
    densities: &[density::statement::StatementDensity],
    plan: &plan::Plan,
) -> bool {
    let mut model = model.clone();
    eliminate_by_unit(&mut model, densities, plan);
    let mut trial = Report::new();
    let built = kernel::build(&model, densities, plan, &mut trial).is_some();
    trial.take().is_empty() && built
}

/// Settles which Gaussian latents are eliminated unit by unit.
fn eliminate_by_unit(
    model: &mut model::ir::Model,
    densities: &[density::statement::StatementDensity],
    plan: &plan::Plan,
) {
    (model.unit_normals, model.unit_plates) =
        kernel::unit_normals(model, densities, plan).into_iter().unzip();
}
