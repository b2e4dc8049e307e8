//! Mistakes found while the log-joint is written down.

use crate::report::Diagnostic;
use crate::syntax::ast::Loc;

/// `onehot(x)` of a Real, or a comparison of continuous things.
pub fn not_an_index(loc: Loc) -> Diagnostic {
    Diagnostic::new(loc, "a finite value is needed here")
        .help("use an index, a Category, a Bool or a whole number")
}

/// `w[3]` of a literal with three entries.
pub fn literal_too_short(loc: Loc) -> Diagnostic {
    Diagnostic::new(loc, "this vector is too short for its place")
        .help("give it one number for each value of the index")
}

/// `cov: W * W.t() + psi`: write the latent instead.
pub fn hidden_sum(loc: Loc) -> Diagnostic {
    Diagnostic::new(loc, "this matrix hides a latent Gaussian")
        .help("name the latent: `latent f[n in N]: Vector[H] ~ Normal(0, var: 1);` and `x[n] ~ Normal(W * f[n] + mu, …)`")
        .note("a covariance must be one matrix, a multiple of one, or a diagonal: the inverse of a sum has no closed statistics")
}

/// A construct that parses and checks but has no code yet.
pub fn not_generated(loc: Loc, what: &str, instead: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("{what}: not generated yet")).help(instead)
}

/// A family that was checked without one of its arguments.
pub fn missing_argument(loc: Loc, name: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("argument `{name}` is missing"))
}

/// `sum(mean[z[n]] for n in N)` with a latent z.
pub fn gathered_in_sum(loc: Loc, name: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("`{name}` is read as an index inside a sum"))
        .help(format!("give each element of `{name}` its own statement, or read it outside the sum"))
        .note("every term of the sum would depend on another latent, so all of them would be coupled in one density")
}

/// `observed y[n in N] ~ Normal(0, sd: 1, min: c)` with a param c: where y may lie depends on what is unknown.
pub fn unknown_bound(loc: Loc, name: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("a bound that reads the unknown `{name}`: not generated yet"))
        .help(format!("make `{name}` a `given` or a constant of the header"))
        .note("the likelihood jumps to 0 where the bound passes a value, so it has no mode that derivatives would find")
}
