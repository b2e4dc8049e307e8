//! Constructs that are proved but have no code yet.

use crate::report::Diagnostic;
use crate::syntax::ast::Loc;

pub use super::density::not_generated;

/// `Simplex[j in K if j >= i]`: a simplex of which some components are not there.
pub fn structural_zeros(loc: Loc, name: &str, guard: &str) -> Diagnostic {
    Diagnostic::new(loc, "an `if` in a simplex: not generated yet")
        .help(format!("leave `if {guard}` out, and start the other components of `{name}` at 0 in `init`"))
        .note("a category that begins with probability 0 has no responsibility, so that its estimate stays 0")
}

/// A statement that reads the latents of two units at once.
pub fn not_local(loc: Loc, name: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("`{name}` is read at another unit than its own: not generated yet")).help(
        format!(
            "every statement may read `{name}` at one element only, such as `{name}[n]` or `{name}[item[r]]`"
        ),
    )
}

/// `NegativeBinomial(mean: m, dispersion: r)` with an unknown r: no statistic of finite size.
pub fn mixes(loc: Loc, family: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("`{family}` with these arguments: not generated yet"))
        .help("make the argument that joins data and params a `given` or a constant")
        .note("its log density has a function of data and params together, so no sufficient statistic of fixed size exists")
}

/// `u[t] ~ Categorical(a[u[t-1], v[t-1]])` where `u` and `v` are in different blocks.
pub fn two_blocks(loc: Loc, one: &str, other: &str) -> Diagnostic {
    not_generated(
        loc,
        "categories of two blocks in one statement",
        &format!(
            "let one block hold `{one}` and `{other}`: leave out `factorize`, or give both the same indices"
        ),
    )
}

/// A mean that is not linear in the params.
pub fn not_linear(loc: Loc) -> Diagnostic {
    Diagnostic::new(loc, "this mean is not linear in the params: not generated yet")
        .help("write it as a sum of products of data with one param each")
}

/// `latent mu ~ …; observed x[n in N]: Vector[D]? ~ Normal(mu, cov: S)`
pub fn missing_beside_uncertain(loc: Loc, name: &str, uncertain: &str) -> Diagnostic {
    let title = format!("missing entries of `{name}` beside an uncertain `{uncertain}`: not generated yet");
    Diagnostic::new(loc, title)
        .help(format!("hold it at a point: `factorize {{ q({uncertain}): Point; }}`, or give each coordinate its own scale, `var:` with a vector"))
        .note("under a dense scale the missing entries of a row depend on one another, so that q of them and of it would take turns")
}

/// `latent tau ~ Normal(0, sd: 10, min: 0)`
pub fn within_bounds(loc: Loc, names: &str, of_one_number: bool) -> Diagnostic {
    let d = no_engine(loc, names, "the posterior of a latent within bounds");
    match of_one_number {
        true => d
            .help(format!(
                "take `min:` and `max:` out of its prior, and set the bounds below it: `constrain low < {names} < high;`"
            ))
            .note("where the prior reads nothing unknown the posterior is the same; the evidence then counts the probability of the bounds"),
        false => d,
    }
}

/// A block whose posterior is proved, but whose engine is not there.
pub fn no_engine(loc: Loc, names: &str, rule: &str) -> Diagnostic {
    let title = format!("`{names}` needs {rule}: not generated yet");
    let d = match title.chars().count() < 70 {
        true => Diagnostic::new(loc, title),
        false => {
            Diagnostic::new(loc, format!("{rule}: not generated yet")).note(format!("`{names}` needs it"))
        }
    };
    d.note("the model is sound and its plan is proved: only the code of this step is missing")
}
