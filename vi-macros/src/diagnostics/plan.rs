//! Models that check but have no plan.

use crate::report::Diagnostic;
use crate::syntax::ast::Loc;

/// `latent w …; observed y ~ Bernoulli(logit: dot(w, x))`: maximise over `w` instead.
pub fn no_update(
    loc: Loc,
    latents: &[String],
    through: &str,
    augmentable: bool,
    reasons: &[String],
) -> Diagnostic {
    let all = latents.iter().map(|l| format!("`{l}`")).collect::<Vec<_>>().join(" and ");
    let list = latents.join(", ");
    let enter = if latents.len() == 1 { "it enters" } else { "they enter" };
    let title = format!("no update for {all}: {enter} through {through}");
    let long = title.chars().count() >= 70;
    let out = match long {
        true => {
            Diagnostic::new(loc, format!("no update for latents that enter through {through}")).note(title)
        }
        false => Diagnostic::new(loc, title),
    };
    let out = out
        .help(format!("write `param` in place of `latent` before {all}, or `factorize {{ q({list}): Point; }}`: both give the mode"))
        .note(match augmentable {
            true => "an exact update of this line needs auxiliary variables (augmentation), which are not available yet",
            false => "no distribution of the language has a term of this form in its log density",
        });
    reasons.iter().fold(out, |d, r| d.note(r))
}

/// Missing values that a statement reads in a way that leaves them no posterior: `Bernoulli(logit: b * x[n])` with `x[n in N]: Real?`.
pub fn missing_read(loc: Loc, name: &str, reason: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("missing values of `{name}` have no closed-form posterior"))
        .help(format!("declare `{name}` without `?`, and leave out the units that do not have it"))
        .note(reason)
}

/// A latent whose terms are of no family: `latent x: Positive ~ LogNormal(…)` under a Poisson.
pub fn no_family(loc: Loc, latent: &str, reason: &str, instead: Option<&str>) -> Diagnostic {
    let mode = format!("hold it at its mode: `factorize {{ q({latent}): Point; }}`");
    Diagnostic::new(loc, format!("`{latent}` has no closed-form posterior, even given all else"))
        .help(match instead {
            Some(instead) => format!("{instead}, or {mode}"),
            None => mode,
        })
        .note(format!("`{latent}`: {reason}"))
}

/// `constrain a[i] > b[i]` of two latents in different blocks.
pub fn torn_constraint(loc: Loc, reason: &str) -> Diagnostic {
    Diagnostic::new(loc, "this line joins latents that no exact block holds together")
        .help("let one latent carry the difference: `latent gap ~ Normal(a - b, var: …);` and `constrain gap > 0;`")
        .note(reason)
}

/// `x[a[r]] * x[b[r]]` where a[r] may be b[r].
pub fn may_coincide(loc: Loc, latent: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("two elements of `{latent}` in this line may be the same one"))
        .help("say that they differ, such as `if i != j` or `if a[r] != b[r]`")
        .note("where they are one the term has another form, so no single update serves both cases")
}

/// `factorize { q(z, x); }` where the two together are not exact.
pub fn group_not_exact(loc: Loc, group: &str, reasons: &[String]) -> Diagnostic {
    let mut out = Diagnostic::new(loc, format!("`q({group})` is not one exact block"))
        .help("give its members groups of their own, or leave them out: the planner then finds the largest exact blocks");
    for r in reasons {
        out = out.note(r);
    }
    out
}

/// `q(w): Laplace`
pub fn form_not_available(loc: Loc, form: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("`{form}` is not available yet"))
        .help("leave the form out for an exact block, or write `Point` for its mode")
}

/// `q(z[each], w)`
pub fn each_in_a_group(loc: Loc) -> Diagnostic {
    Diagnostic::new(loc, "`[each]` beside another latent is not available yet")
        .help("give it a group of its own: `q(z[each]); q(w);`")
}

/// `factorize { q(x); }` of an array with missing entries that nothing else reads: they are left out.
pub fn not_a_latent(loc: Loc, name: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("`{name}` is not a latent, so it has no q"))
        .help(format!("declare it `latent {name} … ~ …;` or take it out of `factorize`"))
}

/// `#[exact]` on a model whose posterior is a product of blocks.
pub fn exact_not_met(loc: Loc, latent: &str, reason: &str, help: Option<&str>) -> Diagnostic {
    let out = Diagnostic::new(loc, format!("`#[exact]` is not met: `{latent}` is in the way"));
    let out = match help {
        Some(help) => out.help(help),
        None => out.help("take `#[exact]` off to accept a lower bound"),
    };
    out.note(format!("`{latent}`: {reason}"))
}

/// `param k: Category[K];`
pub fn discrete_param(loc: Loc, name: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("the param `{name}` has no continuous value to maximise over"))
        .help(format!("declare it `latent {name} … ~ …;`: its posterior shows the mode"))
}

/// `param unused: Real;`
pub fn param_in_no_term(loc: Loc, name: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("nothing in the model depends on the param `{name}`"))
        .help(format!("use `{name}` in a distribution, or take the line out"))
}

/// `param x[0]: Real; latent x[t in 1..T] ~ …;`
pub fn latent_and_param(loc: Loc, name: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("`{name}` is a param here and a latent elsewhere")).help(format!(
        "give this piece a name of its own, such as `param {name}0: …;`, and let `{name}` depend on it"
    ))
}
