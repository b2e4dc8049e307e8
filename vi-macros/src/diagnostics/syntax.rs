//! Mistakes of form: what does not follow the grammar.

use super::clip;
use crate::report::Diagnostic;
use crate::syntax::ast::{Loc, Role};

/// User text for a title: in backticks, and not too long for one.
pub fn quoted(text: &str) -> String {
    format!("`{}`", clip(text, 18))
}

/// `latent z[n in];` → `latent z[n in N] ~ …;`
pub fn expected(span: impl Into<Loc>, what: &str, found: &str) -> Diagnostic {
    Diagnostic::new(span, format!("expected {what}, found {found}"))
}

// Statements

/// `param a: Real param b: Real;` → `param a: Real; param b: Real;`
pub fn missing_semicolon(span: impl Into<Loc>, after: &str, found: &str) -> Diagnostic {
    let d = Diagnostic::new(span, format!("expected `;` after {after}, found {found}"));
    match after.starts_with("the indices") {
        true => d.help("go on with `: type`, with `~ distribution`, or end the statement with `;`"),
        false => d.help(format!("write `;` after {after}")),
    }
}

/// `for n in N { … };` → `for n in N { … }`
pub fn stray_semicolon(span: impl Into<Loc>, after: &str) -> Diagnostic {
    Diagnostic::new(span, format!("no `;` is needed after {after}")).help("remove the `;`")
}

/// `latent z Categorical(w);` → `latent z ~ Categorical(w);`
pub fn missing_tilde(span: impl Into<Loc>, found: &str) -> Diagnostic {
    Diagnostic::new(span, format!("expected `~` before {found}"))
        .help("a distribution follows `~`: `latent x ~ Normal(0, sd: 1);`")
}

/// `param w Simplex[K];` → `param w: Simplex[K];`
pub fn missing_colon(span: impl Into<Loc>, found: &str) -> Diagnostic {
    Diagnostic::new(span, format!("expected `:` before {found}"))
        .help("a type follows `:`: `param w: Simplex[K];`")
}

/// `x ~ Normal(0, sd: 1);` → `observed x ~ Normal(0, sd: 1);`
pub fn missing_role(span: impl Into<Loc>, name: &str) -> Diagnostic {
    Diagnostic::new(span, format!("{} has no role", quoted(name)))
        .help(format!("begin with `observed {name}`, `given {name}`, `latent {name}` or `param {name}`"))
        .note("`observed` and `given` are data, `latent` has a posterior, `param` has a value that is estimated")
}

/// `w = 3;` → `let w = 3;`
pub fn missing_let(span: impl Into<Loc>, name: &str) -> Diagnostic {
    Diagnostic::new(span, format!("{} is given a value without `let`", quoted(name)))
        .help(format!("`let {name} = …;`"))
}

/// `latnet z ~ Categorical(w);` → `latent z ~ Categorical(w);`
pub fn unknown_statement(span: impl Into<Loc>, word: &str, meant: &str) -> Diagnostic {
    Diagnostic::new(span, format!("{}: did you mean `{meant}`?", quoted(word)))
        .help(format!("write `{meant}` in its place"))
}

/// `n in N { … }`, `fro n in N { … }` → `for n in N { … }`
pub fn missing_for(span: impl Into<Loc>, word: &str, misspelt: bool) -> Diagnostic {
    let word = quoted(word);
    let title = if misspelt {
        format!("{word}: did you mean `for`?")
    } else {
        format!("expected `for` before {word}")
    };
    Diagnostic::new(span, title).help("`for n in N { … }`")
}

/// `model x;` → `latent x ~ …;`
pub fn not_a_statement(span: impl Into<Loc>, word: &str) -> Diagnostic {
    Diagnostic::new(span, format!("no statement begins with {}", quoted(word))).help(
        "a statement begins with `observed`, `given`, `latent`, `param`, `let`, `for`, `constrain`, `factorize` or `init`",
    )
}

/// `param a = 3;` → `let a = 3;`
pub fn value_in_a_declaration(span: impl Into<Loc>, role: Role, name: &str) -> Diagnostic {
    let named = format!("`let {name} = …;` is a name for a value");
    match role {
        Role::Given => Diagnostic::new(span, "a `given` has its value from the data, not from `=`")
            .help(format!("`given {name}: Real;`; {named}")),
        Role::Observed => Diagnostic::new(span, "`observed` takes `~` and a distribution, not `=`")
            .help(format!("`observed {name} ~ …;`; {named}")),
        Role::Latent | Role::Param => {
            Diagnostic::new(span, format!("`{role}` takes `~` and a distribution, not `=`"))
                .help(format!("`{role} {name} ~ …;`; {named}"))
                .note(format!("where it starts is said by `init {{ {name} = …; }}`"))
        }
    }
}

/// `param a, b: Real;` → `param a: Real; param b: Real;`
pub fn two_names(span: impl Into<Loc>, role: Role) -> Diagnostic {
    Diagnostic::new(span, "one statement declares one name")
        .help(format!("end the statement with `;` and write `{role}` again"))
}

/// `let x ~ Normal(0, sd: 1);` → `latent x ~ Normal(0, sd: 1);`
pub fn random_let(span: impl Into<Loc>, name: &str) -> Diagnostic {
    Diagnostic::new(span, "a `let` has a value, not a distribution")
        .help(format!("`latent {name} ~ …;`, or `let {name} = …;`"))
}

/// `let mut x = 1;` → `let x = 1;`
pub fn let_mut(span: impl Into<Loc>) -> Diagnostic {
    Diagnostic::new(span, "nothing in a model changes its value").help("`let name = …;`")
}

/// `let x: Real? = 1;` → `let x: Real = 1;`
pub fn let_with_question_mark(span: impl Into<Loc>) -> Diagnostic {
    Diagnostic::new(span, "a `let` is never missing")
        .help("remove the `?`, which is for `observed` and `given`")
}

/// `/// text }` → `/// text param a: Real; }`
pub fn attribute_without_statement(span: impl Into<Loc>) -> Diagnostic {
    Diagnostic::new(span, "no statement follows this attribute")
        .help("remove it, or write it as a `//` comment")
}

/// `#[cfg(test)] param a: Real;` → `param a: Real;`
pub fn attribute_of_a_statement(span: impl Into<Loc>) -> Diagnostic {
    Diagnostic::new(span, "this attribute has no effect on a statement")
        .help("write it before `mod`, where it is for the whole module, or remove it")
}

/// `#[doc "text"]` → `#[doc = "text"]`
pub fn unreadable_attribute(span: impl Into<Loc>, reason: &str) -> Diagnostic {
    Diagnostic::new(span, "this is not an attribute")
        .help("`#[name]`, `#[name = value]` or `#[name(…)]`")
        .note(reason)
}

/// `#![exact]` → `#[exact]` before `mod`
pub fn inner_attribute(span: impl Into<Loc>) -> Diagnostic {
    Diagnostic::new(span, "attributes are written `#[…]`, before what they are for")
        .help("take out the `!`, and move it before `mod` or before the statement")
}

// The block

/// `model! {}` → `model! { pub mod mixture(K) { … } }`
pub fn empty_model(span: impl Into<Loc>) -> Diagnostic {
    Diagnostic::new(span, "the model is empty").help("`model! { pub mod mixture(K) { … } }`")
}

/// `pub mixture(K) { … }` → `pub mod mixture(K) { … }`
pub fn block_without_mod(span: impl Into<Loc>, found: &str) -> Diagnostic {
    Diagnostic::new(span, format!("expected `mod` and the name of the model, found {found}"))
        .help("`model! { pub mod mixture(K) { … } }`")
}

/// `mod m;` → `mod m { … }`
pub fn block_without_body(span: impl Into<Loc>, found: &str) -> Diagnostic {
    let found = if found == "the closing bracket" { "the end" } else { found };
    Diagnostic::new(span, format!("expected `{{` and the statements, found {found}"))
        .help("`model! { pub mod mixture(K) { … } }`")
}

/// `mod a { … } mod b { … }` → `model! { mod a { … } } model! { mod b { … } }`
pub fn after_the_block(span: impl Into<Loc>) -> Diagnostic {
    Diagnostic::new(span, "one `model!` holds one block").help("write a second `model! { … }`")
}

/// `mod a { mod b { … } }` → two blocks
pub fn nested_block(span: impl Into<Loc>) -> Diagnostic {
    Diagnostic::new(span, "a model holds statements, not modules").help("write a second `model! { … }`")
}

/// `#[exact(yes)]` → `#[exact]`
pub fn exact_with_arguments(span: impl Into<Loc>) -> Diagnostic {
    Diagnostic::new(span, "`exact` takes no arguments").help("`#[exact]`")
}

/// `#[exact] latent z ~ …;` → `#[exact] mod m { … }`
pub fn exact_on_a_statement(span: impl Into<Loc>) -> Diagnostic {
    Diagnostic::new(span, "`#[exact]` is said of the whole model").help("move it before `mod`")
}

/// `mod m(K: usize)` → `mod m(K)`
pub fn typed_size(span: impl Into<Loc>, name: &str) -> Diagnostic {
    Diagnostic::new(span, "a size in the header has no type")
        .help(format!("`{name}`, or `{name} = 3` with a default"))
}

/// `mod m(R = T[s])` → `mod m(R)`
pub fn ragged_header_size(span: impl Into<Loc>, size: &str) -> Diagnostic {
    Diagnostic::new(span, format!("{} is not one number", quoted(size)))
        .help("the default of a size is made of numbers and sizes: `R = W + 1`")
}

// Names

/// `param type: Real;` → `param kind: Real;`
pub fn rust_keyword(span: impl Into<Loc>, word: &str) -> Diagnostic {
    Diagnostic::new(span, format!("`{word}` is a keyword of Rust, and cannot be a name here"))
        .help(format!("write `{word}_`, or another name"))
        .note(
        "keywords: abstract as async await become box break const continue crate do dyn else enum extern false final fn for gen if \
         impl in let loop macro match mod move mut override priv pub ref return self Self static struct super trait true try type \
         typeof unsafe unsized use virtual where while yield",
    )
}

// Indices and ranges

/// `mu[]` → `mu[k]`
pub fn empty_brackets(span: impl Into<Loc>) -> Diagnostic {
    Diagnostic::new(span, "nothing stands in these brackets").help("`mu[k]`, or no brackets at all")
}

/// `x[-1]` → `x[T-1]`
pub fn negative_index(span: impl Into<Loc>) -> Diagnostic {
    Diagnostic::new(span, "an index does not begin with `-`")
        .help("`x[t-1]` for the one before, `x[T-1]` for the last")
        .note("indices count from 0")
}

/// `x[2 * t]` → `x[t]`
pub fn index_product(span: impl Into<Loc>, found: &str) -> Diagnostic {
    Diagnostic::new(span, format!("an index or a size has `+` and `-`, not {found}"))
        .help("put the product in data: `given at[t in T]: Category[N];` and `x[at[t]]`")
}

/// `x[0.5]` → `x[0]`
pub fn fractional_index(span: impl Into<Loc>, found: &str) -> Diagnostic {
    Diagnostic::new(span, format!("an index or a size is whole, not {found}"))
        .help("write a whole number, such as `0`")
}

/// `x[(t + 1)]` → `x[t+1]`
pub fn parens_in_index(span: impl Into<Loc>) -> Diagnostic {
    Diagnostic::new(span, "an index has no parentheses").help("`x[t+1]`; `x[T-t-1]` for `x[T-(t+1)]`")
}

/// `mu[k, ..]` → `mu[k]`
pub fn slice(span: impl Into<Loc>) -> Diagnostic {
    Diagnostic::new(span, "an expression has no slices")
        .help("`mu[k]` for a row, `[mu[k, d] for k in K]` for a column")
}

/// `x[z[n][0]]` → `x[z[n, 0]]`
pub fn chained_index(span: impl Into<Loc>, access: &str) -> Diagnostic {
    let open = access.strip_suffix(']').unwrap_or(access);
    Diagnostic::new(span, "an array read inside an index has one pair of brackets")
        .help(format!("`{open}, …]`"))
}

/// `for (n in N) { … }` → `for n in N { … }`
pub fn parens_around_bind(span: impl Into<Loc>) -> Diagnostic {
    Diagnostic::new(span, "a range has no parentheses").help("`n in N`, `t in 1..T`")
}

/// `for n = 1..N { … }` → `for n in 1..N { … }`
pub fn range_by_equals(span: impl Into<Loc>, name: &str) -> Diagnostic {
    Diagnostic::new(span, "expected `in`, found `=`").help(format!("`{name} in 1..N`"))
}

/// `t in 1:T` → `t in 1..T`
pub fn range_by_colon(span: impl Into<Loc>, low: &str, high: Option<&str>) -> Diagnostic {
    let high = high.unwrap_or("T");
    Diagnostic::new(span, "a range is written with `..`")
        .help(format!("write `{low}..{high}`, which stops before `{high}`"))
}

/// `t in 0..=T` → `t in 0..T+1`
pub fn inclusive_range(span: impl Into<Loc>, low: &str, high: Option<&str>) -> Diagnostic {
    let high = high.unwrap_or("T");
    Diagnostic::new(span, "a range stops before its upper bound")
        .help(format!("write `{low}..{high}+1`, which includes `{high}`"))
}

/// `t in 1..` → `t in 1..T`
pub fn open_range(span: impl Into<Loc>, low: &str) -> Diagnostic {
    Diagnostic::new(span, "this range has no upper bound").help(format!("`{low}..T`"))
}

/// `k in K-1` → `k in 0..K-1`
pub fn range_from_zero(span: impl Into<Loc>, high: &str) -> Diagnostic {
    Diagnostic::new(span, format!("{} is not the name of a size", quoted(high))).help(format!("`0..{high}`"))
}

/// `sum(x[n] for n)` → `sum(x[n] for n in N)`
pub fn bind_without_range(span: impl Into<Loc>, name: &str) -> Diagnostic {
    Diagnostic::new(span, format!("{} has no range", quoted(name))).help("`n in N`")
}

// Expressions

/// `a && b` → `a and b`
pub fn foreign_operator(span: impl Into<Loc>, found: &str, instead: &str) -> Diagnostic {
    Diagnostic::new(span, format!("{found} is written `{instead}`"))
        .help(format!("write `{instead}` in its place"))
}

/// `a % b` → a `given`
pub fn remainder(span: impl Into<Loc>) -> Diagnostic {
    Diagnostic::new(span, "there is no remainder operator")
        .help("put it in data: `given phase[t in T]: Category[P];`")
}

/// `A' * B` → `A.t() * B`
pub fn transpose_by_quote(span: impl Into<Loc>) -> Diagnostic {
    Diagnostic::new(span, "the transpose is written `.t()`").help("`A.t() * B`")
}

/// `A.T * B` → `A.t() * B`
pub fn transpose_spelling(span: impl Into<Loc>, found: &str) -> Diagnostic {
    Diagnostic::new(span, "the transpose is written `.t()`").help(format!("`.t()` for `.{found}`"))
}

/// `x.exp()` → `exp(x)`
pub fn unknown_method(span: impl Into<Loc>, method: &str) -> Diagnostic {
    Diagnostic::new(span, format!("{} is not a method: the only one is `t()`", quoted(method)))
        .help(format!("a function stands before its argument: `{method}(…)`"))
}

/// `a < b < c` → `a < b and b < c`
pub fn chained_comparison(span: impl Into<Loc>) -> Diagnostic {
    Diagnostic::new(span, "comparisons do not chain").help("`a < b and b < c` for `a < b < c`")
}

/// `a + not b` → `a + (not b)`
pub fn not_inside_operator(span: impl Into<Loc>) -> Diagnostic {
    Diagnostic::new(span, "`not` here needs parentheses").help("`a == (not b)`")
}

/// `f(x)(y)`, `2(x)` → `2 * (x)`
pub fn not_a_function(span: impl Into<Loc>) -> Diagnostic {
    Diagnostic::new(span, "only a name can be called").help("`a * (b)` for a product")
}

/// `let w = if a { b } else { c };` → `let w = b * a + c * (1 - a);`
pub fn if_expression(span: impl Into<Loc>) -> Diagnostic {
    Diagnostic::new(span, "an expression has no `if`")
        .help("`a * c + b * (1 - c)` with a Bool `c`, which is 0 or 1")
        .note("a choice between distributions is `~ match c { true => …, false => … }`")
}

/// `x ~ if a { … } else { … };` → `x ~ match a { true => …, false => … };`
pub fn if_distribution(span: impl Into<Loc>) -> Diagnostic {
    Diagnostic::new(span, "a choice between distributions is a `match`")
        .help("`~ match c { true => …, false => … }`")
}

/// `let w = match z { … };` → `let w = …[z];`
pub fn match_expression(span: impl Into<Loc>) -> Diagnostic {
    Diagnostic::new(span, "a `match` stands only after `~`")
        .help("`a * z + b * (1 - z)` for a Bool `z`, or an array that is read at it: `v[z]`")
}

/// `(a, b)` → `[a, b]`
pub fn tuple(span: impl Into<Loc>) -> Diagnostic {
    Diagnostic::new(span, "parentheses hold one expression").help("`[a, b]` is a vector")
}

/// `[]` → `[0, 0]`
pub fn empty_vector(span: impl Into<Loc>) -> Diagnostic {
    Diagnostic::new(span, "a vector has at least one element").help("`[a, b]`, or `[e for k in K]`")
}

/// `sum(x)` → `sum(x[n] for n in N)`
pub fn reduction_without_for(span: impl Into<Loc>, word: &str) -> Diagnostic {
    Diagnostic::new(span, format!("`{word}` needs a `for`")).help(format!("`{word}(x[n] for n in N)`"))
}

/// `sum(e for i in I for j in J)` → `sum(e for i in I, j in J)`
pub fn nested_for(span: impl Into<Loc>) -> Diagnostic {
    Diagnostic::new(span, "one `for` holds all its ranges").help("`for i in I, j in J`")
}

/// `1.5f32` → `1.5`
pub fn suffix(span: impl Into<Loc>, digits: &str, suffix: &str) -> Diagnostic {
    Diagnostic::new(span, format!("a number has no suffix {}", quoted(suffix))).help(format!("`{digits}`"))
}

/// `1e999` → `1e99`
pub fn number_out_of_range(span: impl Into<Loc>, number: &str) -> Diagnostic {
    Diagnostic::new(span, format!("{} is too large", quoted(number)))
        .note("whole numbers have 64 bits, the others are `f64`")
}

/// `"red"` → `0`
pub fn not_a_number(span: impl Into<Loc>, found: &str) -> Diagnostic {
    Diagnostic::new(span, format!("{found} is not a number"))
        .help("categories are numbers from 0; their labels stay with the data")
}

// Types

/// `x: Rael` → `x: Real`
pub fn unknown_type(span: impl Into<Loc>, found: &str, types: &[&str]) -> Diagnostic {
    let rust = match found {
        "f32" | "f64" => Some("Real"),
        "bool" => Some("Bool"),
        "u32" | "u64" | "i32" | "i64" => Some("Count"),
        "usize" => Some("Category[K]"),
        _ => None,
    };
    let names = types.iter().map(|written| written.split('[').next().unwrap_or(written));
    let near = super::nearest(found, names);
    let title = match rust.or(near) {
        Some(near) => format!("{}: did you mean `{near}`?", quoted(found)),
        None => format!("{} is not a type", quoted(found)),
    };
    let list: Vec<String> = types.iter().map(|written| format!("`{written}`")).collect();
    Diagnostic::new(span, title).help(format!("the types are {}", list.join(", ")))
}

/// `Vector<D>` → `Vector[D]`
pub fn angle_brackets(span: impl Into<Loc>, name: &str) -> Diagnostic {
    let diagnostic = Diagnostic::new(span, "sizes stand in square brackets");
    match name {
        "Option" => diagnostic.help("`Real?` for a real that may be missing"),
        _ => diagnostic.help(format!("`{name}[D]`")),
    }
}

/// `mu: Vector` → `mu: Vector[D]`
pub fn type_without_size(span: impl Into<Loc>, name: &str, written: &str) -> Diagnostic {
    Diagnostic::new(span, format!("`{name}` needs its size")).help(format!("`{written}`"))
}

/// `x: Real[N]` → `x[n in N]: Real`
pub fn type_takes_no_size(span: impl Into<Loc>, name: &str) -> Diagnostic {
    Diagnostic::new(span, format!("`{name}` has no size"))
        .help(format!("`x[n in N]: {name}` is an array of `{name}`"))
}

/// `cov: SymPos[D, D]` → `cov: SymPos[D]`
pub fn type_size_count(span: impl Into<Loc>, name: &str, written: &str) -> Diagnostic {
    Diagnostic::new(span, format!("`{name}` is written `{written}`"))
        .help(format!("write `{written}`, with the sizes of your model"))
}

/// `w: Vector[D + 1]` → `mod m(E = D + 1)` and `w: Vector[E]`
pub fn computed_size(span: impl Into<Loc>, size: &str) -> Diagnostic {
    Diagnostic::new(span, format!("the size {} needs a name", quoted(size)))
        .help(format!("declare it in the header, `mod name(R = {size})`, and write `R` here"))
}

/// `Positive()` → `Positive`
pub fn empty_bounds(span: impl Into<Loc>) -> Diagnostic {
    Diagnostic::new(span, "these parentheses hold no bound")
        .help("`Positive(min: 1e-6)`, or no parentheses at all")
}

/// `Positive(lower: 0)` → `Positive(min: 0)`
pub fn unknown_bound(span: impl Into<Loc>, found: &str) -> Diagnostic {
    Diagnostic::new(span, format!("expected `min:` or `max:`, found {found}")).help("`Positive(min: 1e-6)`")
}

/// `Real(min: 0, min: 1)` → `Real(min: 1)`
pub fn twice(span: impl Into<Loc>, name: &str) -> Diagnostic {
    Diagnostic::new(span, format!("{} is given twice", quoted(name))).help("take one of the two out")
}

// Distributions

/// `x ~ Flat;` → `x ~ Flat();`
pub fn family_without_arguments(span: impl Into<Loc>, name: &str) -> Diagnostic {
    Diagnostic::new(span, format!("expected `(` and the arguments of {}", quoted(name)))
        .help(format!("`{name}(…)`"))
}

/// `Normal(0, sd = 1)` → `Normal(0, sd: 1)`
pub fn argument_by_equals(span: impl Into<Loc>, name: &str) -> Diagnostic {
    Diagnostic::new(span, "an argument is named with `:`").help(format!("`{name}: …`"))
}

/// `0 | 1 => …` → `0 => …, 1 => …`
pub fn alternative_patterns(span: impl Into<Loc>) -> Diagnostic {
    Diagnostic::new(span, "a pattern is one value").help("write an arm for each value, or `_` for all others")
}

// Constraints, factorize, init

/// `constrain 0 < a < b < c;` → `constrain 0 < a < b; constrain b < c;`
pub fn long_constraint(span: impl Into<Loc>) -> Diagnostic {
    Diagnostic::new(span, "a constraint has at most two bounds")
        .help("`constrain a < b < c; constrain c < d;`")
}

/// `constrain a > 0 and b > 0;` → `constrain a > 0; constrain b > 0;`
pub fn joined_constraint(span: impl Into<Loc>, found: &str) -> Diagnostic {
    let diagnostic = Diagnostic::new(span, format!("a constraint has no {found}"));
    match found {
        "`and`" => diagnostic.help("`constrain a > 0; constrain b > 0;`"),
        "`not`" => diagnostic.help("turn the comparison round: `constrain a <= b;` for `not a > b`"),
        _ => diagnostic.help("only the intersection of constraints can be written"),
    }
}

/// `factorize { z[..]; }` → `factorize { q(z[..]); }`
pub fn not_a_group(span: impl Into<Loc>, found: &str) -> Diagnostic {
    Diagnostic::new(span, format!("expected a group `q(…)`, found {found}"))
        .help("`q(z[..]);` is one block over all of z, `q(mu, tau);` one over both")
}

/// `q();` → `q(z[..]);`
pub fn empty_group(span: impl Into<Loc>) -> Diagnostic {
    Diagnostic::new(span, "this group holds no latent").help("`q(z[..]);`")
}

/// `q(z[n]);` → `q(z[each]);`
pub fn group_subscript(span: impl Into<Loc>, name: &str) -> Diagnostic {
    Diagnostic::new(span, "a group says `[..]` or `[each]`, not which element")
        .help(format!("`{name}[..]` is joint over the array, `{name}[each]` is fully factorised"))
}

/// `q(w): Normal;` → `q(w): Gaussian;`
pub fn unknown_form(span: impl Into<Loc>, found: &str) -> Diagnostic {
    Diagnostic::new(span, format!("{found} is not a form of q"))
        .help("`Point`, `Exact`, `Gaussian`, `Diagonal` or `Laplace`; without one it is planned")
}

/// `init { mu ~ Normal(0, sd: 1); }` → `init { mu = 0; }`
pub fn random_start(span: impl Into<Loc>, name: &str) -> Diagnostic {
    Diagnostic::new(span, "a start is a value, not a distribution")
        .help(format!("`{name} = …;`; for a category, its probabilities"))
}
