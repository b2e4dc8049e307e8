//! Types of expressions and of arrays.

use crate::model::ir::Role;
use crate::report::Diagnostic;
use crate::syntax::ast::{Binary, Loc};
use proc_macro2::{Ident, Span};

/// `param mu;`: write `param mu: Real;`.
pub fn needs_type(name: &Ident, kind: &str) -> Diagnostic {
    Diagnostic::new(name.span(), format!("{kind} without `~` needs a type"))
        .help(format!("write `{name}: Real`, or another type"))
}

/// `latent weight ~ Dirichlet(1);`: write `latent weight: Simplex[K] ~ Dirichlet(1);`.
pub fn type_not_inferred(name: &Ident, example: &str) -> Diagnostic {
    Diagnostic::new(name.span(), format!("the type of `{name}` does not follow from its distribution"))
        .help(format!("write it: `{name}: {example} ~ …`"))
}

pub fn let_without_type(name: &Ident) -> Diagnostic {
    Diagnostic::new(name.span(), format!("the type of `{name}` does not follow from its value"))
        .help(format!("write it: `let {name}: Real = …;`"))
}

/// Two pieces of one array with types that cannot be one.
pub fn declared_with_two_types(name: &Ident, loc: Loc, first: &str, second: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("`{name}` is `{first}` above and `{second}` here"))
        .help(format!("write `{first}` here, or give the two different names"))
        .note("all elements of an array have one type")
}

pub fn value_of_wrong_type(loc: Loc, found: &str, wanted: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("this is a `{found}`, but `{wanted}` is needed"))
        .help(format!("write a value of `{wanted}`, or change the type that is declared"))
}

/// `Vector[D](min: 0)`
pub fn bounds_of(loc: Loc, kind: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("`{kind}` takes no `min:` or `max:`"))
        .note("Real, Positive, Unit and Count do; SymPos takes `min:`, a floor under its eigenvalues")
}

/// `let b: Real(min: 0) = a;`
pub fn bounds_of_a_let(loc: Loc, name: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("`let {name}` takes no `min:` or `max:`"))
        .help("give the bounds to the params that its value is made of")
        .note("a value that follows from others cannot be held inside of bounds of its own")
}

/// `Positive(min: x[n])`: use a constant.
pub fn bound_not_constant(loc: Loc, text: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("the bound `{text}` is not a constant"))
        .help("a bound that differs by element goes into the family, as in `Normal(…, min: lo[n])`")
}

/// `mod m(a: Real = x)` where x is not of the header.
pub fn default_reads(loc: Loc, name: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("a default cannot read `{name}`"))
        .note("it is computed from sizes and constants of the header")
}

pub fn not_a_number(loc: Loc, found: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("this is a `{found}`, but a number is needed"))
        .help("read one element of it, or write a number")
}

/// `[[1, a], [0, b]]`
pub fn matrix_literal(loc: Loc) -> Diagnostic {
    Diagnostic::new(loc, "a list of lists is no matrix").help(
        "write its entries before, as in `let A[0, 0] = 1; let A[0, 1] = a;`, one for each, and `A` in its place",
    )
}

pub fn not_a_condition(loc: Loc, found: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("this is a `{found}`, but a condition is needed"))
        .help("compare it, as in `k == 0`")
}

/// `v.t()` of a vector: write `dot(a, b)`.
pub fn transpose_of(loc: Loc, found: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("a `{found}` has no transpose")).help("an inner product is `dot(a, b)`")
}

/// `gap > 0` for a latent gap: constrain a latent that carries the difference.
pub fn comparison_of_numbers(loc: Loc, name: &str, role: Role, difference: &str) -> Diagnostic {
    let d = Diagnostic::new(loc, format!("`{name}` is not finite, so it cannot be compared here"));
    match role {
        Role::Latent => d.help(difference.to_owned()),
        Role::Param | Role::Observed | Role::Given | Role::Const => d,
    }
    .note("a comparison is a table over indices, categories, Bools and given numbers")
}

/// `a * b` of two vectors: write `dot(a, b)`.
pub fn operator_types(loc: Loc, op: Binary, a: &str, b: &str, help: Option<String>) -> Diagnostic {
    let symbol = match op {
        Binary::Or => "or",
        Binary::And => "and",
        Binary::Add => "+",
        Binary::Sub => "-",
        Binary::Mul => "*",
        Binary::Div => "/",
        Binary::Pow => "^",
    };
    let d = Diagnostic::new(loc, format!("`{symbol}` cannot join `{a}` and `{b}`"));
    match help {
        Some(help) => d.help(help),
        None => d,
    }
}

/// `x ^ 0.5` where x may be negative.
pub fn power_of_real(loc: Loc, base: &str, found: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("`{base}` may be negative: it is `{found}`"))
        .help("write a whole power, or declare it Positive")
}

pub fn function_arity(name: &Ident, loc: Loc, wanted: usize, found: usize) -> Diagnostic {
    let arguments = if wanted == 1 { "argument" } else { "arguments" };
    Diagnostic::new(loc, format!("`{name}` takes {wanted} {arguments}, not {found}"))
}

/// `log(x)` where x may be negative.
pub fn function_domain(name: &Ident, loc: Loc, found: &str, wanted: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("`{name}` needs {wanted}, and this is `{found}`"))
        .help(format!("declare what stands here so that it is {wanted}"))
}

/// `exp(v)` of a vector: write `[exp(v[d]) for d in D]`.
pub fn function_of_vector(name: &Ident, loc: Loc, found: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("`{name}` takes a number, and this is `{found}`"))
        .help(format!("write one component at a time: `[{name}(v[d]) for d in D]`"))
}

/// `match x[n] { … }` where x is Real.
pub fn match_on(loc: Loc, text: &str, found: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("`match` looks at something finite, and `{text}` is `{found}`"))
        .help("look at an index, a Category, a Bool or a given number, such as `match z[n] { … }`")
}

pub fn pattern_type(span: Span, found: &str) -> Diagnostic {
    Diagnostic::new(span, format!("this is never a value of `{found}`"))
        .help("take the arm out, or write `_`")
}

pub fn unreachable_arm(span: Span) -> Diagnostic {
    Diagnostic::new(span, "earlier arms leave nothing for this one").help("remove it")
}

/// `match z[n] { 0 => … }`: add `_ => …`.
pub fn arms_do_not_cover(span: Span, missing: &str) -> Diagnostic {
    Diagnostic::new(span, format!("no arm covers `{missing}`"))
        .help(format!("add `{missing} => …`, or `_ => …` for all that is left"))
}
