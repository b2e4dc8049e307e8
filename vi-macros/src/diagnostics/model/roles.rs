//! What a role allows: constraints, starting values, groups, copies.

use crate::report::Diagnostic;
use crate::syntax::ast::{Loc, Role};
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
        .help("bound a param by its type, as in `Real(min: 0)`; data are checked by theirs")
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
        .help(format!("take `{name}` out of `init`"))
        .note("`init` is for latents and params")
}

/// `init { mean[k in K] = x[k]; }` where x is observed.
pub fn init_reads(loc: Loc, name: &str, role: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("a starting value cannot read the {role} `{name}`"))
        .help("start from data with `fit_from(&data, Start::Params(…), &options)`")
        .note("`init` reads givens, constants, sizes and indices")
}

pub fn init_rank(name: &Ident, loc: Loc, wanted: usize, found: usize) -> Diagnostic {
    let indices = if wanted == 1 { "index" } else { "indices" };
    Diagnostic::new(loc, format!("`{name}` is declared with {wanted} {indices}, and started with {found}"))
        .help("start it with the indices it is declared with, as in `x[n in N] = …;`")
}

/// `factorize { q(x); }` where x is a size or a `let`.
pub fn factorize_of_what(name: &Ident, kind: &str) -> Diagnostic {
    factorize_of_what_at(name.span().into(), name, kind)
}

/// `factorize { q(mu); }` where mu is a param.
pub fn factorize_of_what_at(loc: Loc, name: &Ident, kind: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("`{name}` is {kind}, so it has no posterior"))
        .help(format!("take `{name}` out of `factorize`"))
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

/// `latent mu: Real;`: write `latent mu: Real ~ Normal(0, sd: 1);`, or make it a param.
pub fn needs_distribution(name: &Ident, role: Role) -> Diagnostic {
    let d = Diagnostic::new(name.span(), format!("{} `{name}` needs a distribution", article(role)));
    match role {
        Role::Latent => {
            d.help(format!("write `latent {name} ~ …;`, or `param {name}: …;` for maximum likelihood"))
        }
        Role::Observed | Role::Given | Role::Param => d.help(format!(
            "write `observed {name} ~ …;`, or `given {name}: …;` for data that are not modelled"
        )),
    }
}

/// `given x: Real ~ Normal(0, sd: 1);`: data that have a distribution are `observed`.
pub fn given_has_no_distribution(loc: Loc, name: &Ident) -> Diagnostic {
    Diagnostic::new(loc, format!("the given `{name}` has a distribution"))
        .help(format!("write `observed {name} ~ …;`"))
        .note("what is given is conditioned on, and has no term in the log-joint")
}

/// `latent z[n in N]: Category[K]? ~ …`: only observed elements can be missing.
pub fn missing_of_role(span: Span, name: &Ident, role: Role) -> Diagnostic {
    let d = Diagnostic::new(span, format!("{} `{name}` cannot be missing", article(role)));
    match role {
        Role::Latent | Role::Param | Role::Observed => d.help("remove the `?`"),
        Role::Given => {
            d.help(format!("write `observed {name}: … ? ~ …;`, which says what it might have been"))
        }
    }
    .note("`?` marks observations, each of which is latent where it is missing")
}

/// `observed x[n in N]: SymPos[D]? ~ …`
pub fn missing_of_type(span: Span, kind: &str) -> Diagnostic {
    Diagnostic::new(span, format!("a `{kind}` cannot be missing"))
        .help("remove the `?`")
        .note("numbers, categories, Bools, counts and vectors can")
}

/// `x[n in N if z[n]] ~ …` where z is latent: write `match z[n] { … }`.
pub fn guard_reads(loc: Loc, name: &str, role: &str, finite: bool) -> Diagnostic {
    let d = Diagnostic::new(loc, format!("a guard cannot read the {role} `{name}`"));
    if finite { d.help(format!("write `~ match {name}[…] {{ … }}`")) } else { d }
        .note("which statements there are is decided by givens, constants and indices alone")
}

/// A latent of a `repeat` that is read outside of it.
pub fn read_outside_repeat(loc: Loc, name: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("`{name}` is repeated, so it can be read inside its block only"))
        .help("move the statement into the `for … repeat`, or the latent out of it")
        .note("a repeated latent stands for independent copies, one for each count")
}

fn article(role: Role) -> &'static str {
    match role {
        Role::Observed => "an observed",
        Role::Given => "a given",
        Role::Latent => "a latent",
        Role::Param => "a param",
    }
}
