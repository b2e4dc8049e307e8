//! Names: unknown, taken, or not available.

use crate::diagnostics::nearest;
use crate::report::Diagnostic;
use proc_macro2::Ident;

/// Short lists are shown whole.
const SHORT: usize = 12;

/// `x[n in N] ~ Normal(mo, sd: 1)` where only `mu` is declared: write `mu`.
pub fn unknown_name(name: &Ident, known: &[String]) -> Diagnostic {
    let mut d = Diagnostic::new(name.span(), format!("nothing is called `{name}` here"));
    if let Some(near) = nearest(&name.to_string(), known.iter().map(String::as_str)) {
        d = d.help(format!("did you mean `{near}`?"));
    }
    if known.len() <= SHORT && !known.is_empty() {
        d = d.note(format!("in scope are {}", quoted(known)));
    }
    d
}

/// What other systems call a distribution, and how it is written here.
const DISTRIBUTIONS: &[(&str, &str)] = &[
    ("Gaussian", "Normal(mean, sd: …)"),
    ("MvNormal", "Normal(mean, cov: …)"),
    ("MultivariateNormal", "Normal(mean, cov: …)"),
    ("HalfNormal", "Normal(0, sd: …, min: 0)"),
    ("HalfCauchy", "Cauchy(0, scale: …, min: 0)"),
    ("TruncatedNormal", "Normal(mean, sd: …, min: …, max: …)"),
    ("ChiSquared", "Gamma(shape: dof / 2, rate: 0.5)"),
    ("Discrete", "Categorical(p)"),
    ("Delta", "Constant(value)"),
];

/// The same of functions.
const FUNCTIONS: &[(&str, &str)] = &[
    ("ln", "log"),
    ("expit", "sigmoid"),
    ("logistic", "sigmoid"),
    ("inner", "dot"),
    ("tr", "trace"),
    ("pow", "a ^ b"),
    ("transpose", "a.t()"),
];

fn elsewhere(word: &str, table: &'static [(&'static str, &'static str)]) -> Option<&'static str> {
    table.iter().find(|(other, _)| other.eq_ignore_ascii_case(word)).map(|(_, here)| *here)
}

/// `x ~ Norml(0, sd: 1)`: write `Normal`.
pub fn unknown_family(name: &Ident, known: &[&str]) -> Diagnostic {
    let mut d = Diagnostic::new(name.span(), format!("there is no distribution `{name}`"));
    if let Some(here) = elsewhere(&name.to_string(), DISTRIBUTIONS) {
        d = d.help(format!("it is written `{here}`"));
    } else if let Some(near) = nearest(&name.to_string(), known.iter().copied()) {
        d = d.help(format!("did you mean `{near}`?"));
    } else {
        return d.help(format!("write one of {}", known.join(", ")));
    }
    d.note(format!("there are {}", known.join(", ")))
}

/// `x ~ Normal(ln(a), sd: 1)`: write `log(a)`.
pub fn unknown_function(name: &Ident, known: &[&str], family: bool) -> Diagnostic {
    let d = Diagnostic::new(name.span(), format!("there is no function `{name}`"));
    if family {
        return d
            .help(format!("give the draw a name of its own: `latent u ~ {name}(…);`"))
            .note(format!("`{name}` is a distribution, and a distribution stands only after `~`"));
    }
    match (elsewhere(&name.to_string(), FUNCTIONS), nearest(&name.to_string(), known.iter().copied())) {
        (Some(here), _) => d.help(format!("it is written `{here}`")),
        (None, Some(near)) => d.help(format!("did you mean `{near}`?")),
        (None, None) => d,
    }
    .note(format!("the functions are {}", quoted(known)))
}

/// `mod m(K) { param K: Real; }`: give one of the two another name.
pub fn declared_twice(name: &Ident, first: &str) -> Diagnostic {
    Diagnostic::new(name.span(), format!("`{name}` is already {first}"))
        .help("give one of the two another name")
}

/// `mod m(step) { … }`: write `steps`.
pub fn method_of_model(name: &Ident, methods: &[&str]) -> Diagnostic {
    Diagnostic::new(name.span(), format!("`{name}` is a method of `Model`"))
        .help(format!("write `{name}_`, or another name"))
        .note(format!("taken are {}", quoted(methods)))
}

/// `x[k in K, k in K]`: give each axis an index of its own.
pub fn bound_twice(name: &Ident) -> Diagnostic {
    Diagnostic::new(name.span(), format!("the index `{name}` is already bound here"))
        .help("give the inner index another name")
}

pub fn quoted<S: AsRef<str>>(names: &[S]) -> String {
    let names: Vec<String> = names.iter().map(|n| format!("`{}`", n.as_ref())).collect();
    names.join(", ")
}
