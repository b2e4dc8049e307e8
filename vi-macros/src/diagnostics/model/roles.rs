//! What a role allows: constraints, starting values, groups, copies.

use crate::report::Diagnostic;
use crate::syntax::ast::Loc;
use proc_macro2::{Ident, Span};

/// `for i in I repeat x[i]` where x is a latent: a count must be given.
pub fn repeat_of(name: &Ident, loc: Loc, found: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("`repeat` takes a given Count or Positive, not `{found}`"))
        .help(format!("declare `given {name}[…]: Count;`"))
}

/// `constrain x[n] > 0` where x is observed.
pub fn constrain_observed(loc: Loc, name: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("`{name}` is observed, so it cannot be constrained"))
        .help("bound the family instead, with `min:` or `max:`")
        .note("a constraint conditions on an event that the latents decide")
}

pub fn constrain_no_latent(loc: Loc) -> Diagnostic {
    Diagnostic::new(loc, "this constraint holds no latent")
        .note("a constraint conditions on an event that the latents decide")
}

/// `constrain a == b`
pub fn equality_constraint(span: Span) -> Diagnostic {
    Diagnostic::new(span, "an equality of numbers has probability 0")
        .help("use one latent in both places, or observe the difference")
}

/// `init { x = 1; }` where x is observed.
pub fn init_of_what(name: &Ident, kind: &str) -> Diagnostic {
    Diagnostic::new(name.span(), format!("`{name}` is {kind}, so it has no starting value"))
        .note("`init` is for latents and params")
}

/// `init { mean[k in K] = x[k]; }` where x is observed.
pub fn init_reads(loc: Loc, name: &str, role: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("a starting value cannot read the {role} `{name}`"))
        .help("start from data with `fit_from(&data, Start::Params(…), &options)`")
        .note("`init` reads givens, constants, sizes and indices")
}

pub fn init_rank(name: &Ident, loc: Loc, wanted: usize, found: usize) -> Diagnostic {
    Diagnostic::new(loc, format!("`{name}` is declared with {wanted} indices, and started with {found}"))
}

/// `factorize { q(x); }` where x is a size or a `let`.
pub fn factorize_of_what(name: &Ident, kind: &str) -> Diagnostic {
    factorize_of_what_at(name.span().into(), name, kind)
}

/// `factorize { q(mu); }` where mu is a param.
pub fn factorize_of_what_at(loc: Loc, name: &Ident, kind: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("`{name}` is {kind}, so it has no posterior"))
        .note("the groups of `factorize` hold latents")
}

/// `q(mu[..])` where mu is one number.
pub fn factorize_over_scalar(loc: Loc, name: &Ident) -> Diagnostic {
    Diagnostic::new(loc, format!("`{name}` is a single number")).help(format!("write `q({name})`"))
}

/// `q(mu, tau); q(mu);`
pub fn factorized_twice(loc: Loc, name: &Ident) -> Diagnostic {
    Diagnostic::new(loc, format!("`{name}` is in two groups"))
        .help("keep it in one")
        .note("the groups multiply, so a latent stands in one of them")
}
