//! Indices, ranges, boxes and sizes.

use crate::diagnostics::nearest;
use crate::report::Diagnostic;
use crate::syntax::ast::Loc;
use proc_macro2::Ident;

/// `mean[n]` where `mean` is indexed by K and n counts N: write `mean[z[n]]`.
pub fn index_mismatch(
    loc: Loc,
    index: &str,
    found: &str,
    wanted: &str,
    through: Option<String>,
    notes: Vec<String>,
) -> Diagnostic {
    let mut d = Diagnostic::new(loc, format!("`{index}` counts `{found}`, but `{wanted}` is indexed here"));
    d = match through {
        Some(read) => d.help(format!("write `{read}`, which counts `{wanted}`")),
        None => d.help(format!("write an index or a Category that counts `{wanted}`")),
    };
    for note in notes.into_iter().filter(|n| !n.is_empty()) {
        d = d.note(note);
    }
    d
}

/// `k[0]` where k is a bound index: write `k`.
pub fn subscript_of_index(name: &Ident) -> Diagnostic {
    Diagnostic::new(name.span(), format!("the index `{name}` has no elements"))
        .help(format!("write `{name}`"))
}

/// `mean[x[n]]` where x is Real: index by a Category, a Bool or a Count.
pub fn not_an_index(name: &str, loc: Loc, found: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("`{name}` is not an index: it is {}", article(found)))
        .help("index by a bound index, a size, a Category, a Bool or a given Count")
}

/// `mean[c]` where `let c = …`: index by the category itself.
pub fn let_as_index(name: &Ident) -> Diagnostic {
    Diagnostic::new(name.span(), format!("the `let` `{name}` cannot be an index"))
        .help("index by the category it is computed from, or declare it with `~ Constant(…)`")
}

/// `mean[k, d, e]` where mean has two axes.
pub fn too_many_indices(name: &str, loc: Loc, axes: usize, found: usize) -> Diagnostic {
    let title = match axes {
        0 => format!("`{name}` has no index to be read at"),
        _ => format!("`{name}` has {}, not {found}", count(axes, "axis", "axes")),
    };
    let d = Diagnostic::new(loc, title);
    match axes {
        0 => d.help(format!("write `{name}`")),
        _ => d.help(format!("read it with {}, as it is declared", count(axes, "index", "indices"))),
    }
}

/// `z[n]` where `z[n in N, t in T]` is a Category: write `z[n, t]`.
pub fn too_few_indices(name: &str, loc: Loc, axes: usize, found: usize) -> Diagnostic {
    Diagnostic::new(loc, format!("`{name}` needs {}, not {found}", count(axes, "index", "indices")))
        .note("what is left out must be a vector or a matrix of numbers")
}

/// `x` read as a whole where its rows differ in length.
pub fn ragged_slice(name: &str, loc: Loc) -> Diagnostic {
    Diagnostic::new(loc, format!("the rows of `{name}` differ in length"))
        .help("index the row first, as in `x[s]`")
        .note("a ragged array is not a matrix")
}

/// `T` where it was declared as `T[s]`.
pub fn ragged_size(name: &Ident, loc: Loc, rank: usize) -> Diagnostic {
    match rank {
        0 => Diagnostic::new(loc, format!("the size `{name}` is a single number"))
            .help(format!("write `{name}`")),
        _ => Diagnostic::new(loc, format!("the size `{name}` has {}", count(rank, "index", "indices")))
            .help(format!("write `{name}[…]`, as where it is first used")),
    }
}

/// `T[x]` where x counts nothing.
pub fn ragged_over_what(name: &Ident, loc: Loc) -> Diagnostic {
    Diagnostic::new(loc, format!("`{name}` must be indexed by a bound index"))
        .help(format!("write `for s in S {{ … t in {name}[s] … }}`"))
}

/// `t in 0..count[n]`: a range needs a size.
pub fn range_without_size(loc: Loc) -> Diagnostic {
    Diagnostic::new(loc, "this range has no size")
        .help("end it with a size: `N`, `K - 1`, or `T[s]` for one that depends on `s`")
        .note("two indices may meet only if they count the same size, so each range needs one")
}

/// `k in 0..K + L`: declare a size for the sum.
pub fn range_of_two_sizes(loc: Loc) -> Diagnostic {
    Diagnostic::new(loc, "this range is named by two sizes")
        .help("give the sum a name in the header: `mod name(K, L, M = K + L)`")
}

/// `for 0 { … }`: write `for s in S { … }`.
pub fn for_without_range(loc: Loc) -> Diagnostic {
    Diagnostic::new(loc, "expected an index and its range").help("write `s in S`")
}

/// `x[t + 1] ~ …` under `for t in T`: bind the position itself.
pub fn moving_target(loc: Loc) -> Diagnostic {
    Diagnostic::new(loc, "a declaration binds an index or a fixed position")
        .help("bind the position itself: `x[t in 1..T] ~ … x[t - 1] …`")
}

/// `x[n in N]` and `x[n in N, d in D]`.
pub fn ranks_differ(name: &Ident, loc: Loc, first: usize, second: usize) -> Diagnostic {
    Diagnostic::new(loc, format!("`{name}` has {} above and {second} here", count(first, "index", "indices")))
        .help("declare all pieces of an array with the same indices")
}

/// `x[n in N]` and `x[t in T]`.
pub fn axis_of_two_sizes(name: &Ident, loc: Loc, first: &str, second: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("`{name}` is indexed by `{first}` above and by `{second}` here"))
        .help(format!("write `{first}` here, if the two are the same size"))
}

/// `[x[k] for k in 1..K]`: begin at 0.
pub fn comprehension_from(name: &Ident, loc: Loc) -> Diagnostic {
    Diagnostic::new(loc, format!("a vector begins at `{name}` = 0"))
        .help("begin the range at 0, and leave components out with `if`")
}

pub fn comprehension_axes(loc: Loc) -> Diagnostic {
    Diagnostic::new(loc, "a comprehension has one index, or two for a matrix")
        .help("write `[… for k in K]`, or `[… for i in I, j in J]`")
}

/// `Vector[0]`
pub fn empty_dimension(loc: Loc) -> Diagnostic {
    Diagnostic::new(loc, "a dimension is at least 1")
}

/// `x[n in N]: Vector[T[s]]` where s is not an index of x.
pub fn dimension_of_no_axis(loc: Loc, name: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("a dimension cannot depend on `{name}`"))
        .note("it may depend on the indices of the array that has it, as in `parent[n in 1..N]: Category[n]`")
}

/// `Simplex[k in 1..K if …]`: write `Simplex[k in K if …]`.
pub fn simplex_binder(loc: Loc) -> Diagnostic {
    Diagnostic::new(loc, "expected one index over a whole size").help("write `Simplex[k in K if …]`")
}

/// `Vector[D]` where `Vector[K]` is needed.
pub fn extent_mismatch(loc: Loc, found: &str, wanted: &str) -> Diagnostic {
    Diagnostic::new(loc, format!("this is a `{found}`, but `{wanted}` is needed"))
        .help("write one size in both declarations, if the two are the same")
        .note("sizes are told apart by name, even when they happen to be equal")
}

/// `A * x` where A has other columns than x has components.
pub fn inner_mismatch(loc: Loc, a: &str, b: &str, notes: Vec<String>) -> Diagnostic {
    let mut d = Diagnostic::new(loc, format!("`{a}` cannot be multiplied by `{b}`"));
    for note in notes {
        d = d.note(note);
    }
    d
}

/// `[1, 2] + [1, 2, 3]`
pub fn literal_lengths(loc: Loc, first: usize, second: usize) -> Diagnostic {
    Diagnostic::new(loc, format!("a vector of {first} numbers meets one of {second}"))
}

/// K is used and nothing says how large it is: add it to the header.
pub fn size_without_source(
    size: &Ident,
    module: &str,
    header: &[String],
    known: &[String],
    ragged: bool,
    in_params: Option<String>,
) -> Diagnostic {
    let mut d = Diagnostic::new(size.span(), format!("`{size}` is not fixed by any data axis"));
    if let Some(near) = nearest(&size.to_string(), known.iter().map(String::as_str)) {
        d = d.help(format!("did you mean `{near}`?"));
    }
    if ragged {
        return d.help(format!("declare data over it: `observed x[s in S, t in {size}[s]] ~ …;`"));
    }
    let mut names: Vec<String> = header.to_vec();
    names.push(size.to_string());
    d = d.help(format!("add it to the header, `mod {module}({})`", names.join(", ")));
    match in_params {
        Some(param) => d.note(format!("`{param}` has it as an axis, but a param is what is fitted")),
        None => d,
    }
}

/// `R = W + 1` where W comes later or is no size of the header.
pub fn default_of_size(name: &Ident, loc: Loc) -> Diagnostic {
    Diagnostic::new(loc, format!("the default of `{name}` may use earlier sizes of the header only"))
        .help("move the sizes it uses before it")
}

fn count(n: usize, one: &str, many: &str) -> String {
    match n {
        0 => format!("no {many}"),
        1 => format!("1 {one}"),
        _ => format!("{n} {many}"),
    }
}

fn article(noun: &str) -> String {
    if noun.starts_with("an ") { noun.to_owned() } else { format!("a {noun}") }
}
