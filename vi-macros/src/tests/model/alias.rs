//! Same, distinct or unknown: the claims that independence rests on.

use super::checked;
use crate::model::alias::{Alias, alias, alias_access};
use crate::model::ir::{Access, Model};

/// The accesses of `z` in the last statement, in the order they stand there, and the model.
fn accesses(source: &str) -> (Model, Vec<Access>) {
    let (model, _) = checked(source);
    let model = model.expect("types are known");
    let mut found = Vec::new();
    let last = model.statements.last().expect("there is a statement");
    for e in last.dist.iter().flat_map(|d| d.exprs()) {
        e.each_read(
            &mut |access| {
                if model.arrays[access.array.0].name == "z" {
                    found.push(access.clone());
                }
            },
            &mut |_| {},
        );
    }
    (model, found)
}

#[track_caller]
fn relation(source: &str) -> (Alias, Alias) {
    let (model, found) = accesses(source);
    assert!(found.len() >= 2, "two accesses of z in {source}");
    let guards = &model.statements.last().expect("there is a statement").guards;
    let within = alias_access(&model, &found[0], &found[1], guards, true);
    let across = alias_access(&model, &found[0], &found[1], guards, false);
    (within, across)
}

/// `binders`, two accesses of a `z` over N (and M), and the relation within one instance and across two.
#[track_caller]
fn check(binders: &str, first: &str, second: &str, within: Alias, across: Alias) {
    let plates = if first.contains(',') { "n in N, m in M" } else { "n in N" };
    let source = format!(
        "mod m(N, M) {{ given item[r in R]: Category[N]; given other[r in R]: Category[N]; given count[r in R]: Count;
         given parent[n in 1..N]: Category[n]; given flag[n in N]: Bool;
         latent z[{plates}] ~ Normal(0, sd: 1); observed x[{binders}] ~ Normal(z[{first}] + z[{second}], sd: 1); }}"
    );
    assert_eq!(relation(&source), (within, across), "x[{binders}]: z[{first}] and z[{second}]");
}

use Alias::{Distinct, Same, Unknown};

#[test]
fn affine_indices() {
    check("i in N", "i", "i", Same, Unknown);
    check("i in N, j in N", "i", "j", Unknown, Unknown);
    check("i in 1..N", "i", "i - 1", Distinct, Unknown);
    check("i in 2..N", "i - 1", "i - 2", Distinct, Unknown);
    check("i in N", "i", "N - 1 - i", Unknown, Unknown);
    check("i in N", "0", "0", Same, Same);
    check("i in N", "0", "1", Distinct, Distinct);
    check("i in 1..N", "0", "i", Distinct, Distinct);
    check("i in N", "0", "i", Unknown, Unknown);
    check("i in 0..N - 1", "N - 1", "i", Distinct, Distinct);
    check("i in N", "N - 1", "N - 1", Same, Same);
    check("i in N", "N - 1", "N - 2", Distinct, Distinct);
    check("i in N, j in 0..i", "i", "j", Distinct, Unknown);
    check("i in N, j in i..N", "i", "j", Unknown, Unknown);
    check("i in N, j in i + 1..N", "i", "j", Distinct, Unknown);
}

#[test]
fn guards() {
    check("i in N, j in N if i < j", "i", "j", Distinct, Unknown);
    check("i in N, j in N if j < i", "i", "j", Distinct, Unknown);
    check("i in N, j in N if i != j", "i", "j", Distinct, Unknown);
    check("i in N, j in N if not (i == j)", "i", "j", Distinct, Unknown);
    check("i in N, j in N if i < j or j < i", "i", "j", Distinct, Unknown);
    check("i in N, j in N if not (i <= j and j <= i)", "i", "j", Distinct, Unknown);
    check("i in N, j in N if i == j", "i", "j", Same, Unknown);
    check("i in N, j in N if i <= j and j <= i", "i", "j", Same, Unknown);
    check("i in N, j in N if i <= j", "i", "j", Unknown, Unknown);
    check("i in N, j in N if i < j or i == j", "i", "j", Unknown, Unknown);
    check("i in N, j in N if j == i + 1", "i + 1", "j", Same, Unknown);
    check("i in N, j in N if j == i + 1", "i", "j", Distinct, Unknown);
    check("i in N, j in N if i < 3 and j > 5", "i", "j", Distinct, Distinct);
    check("i in N, j in N if i < 3 and j >= 3", "i", "j", Distinct, Distinct);
    // Never true, since one side is even.
    check("i in N, j in N if 2 * i == 2 * j + 1", "i", "j", Distinct, Distinct);
    // A guard that is always false holds of nothing, so anything may be claimed.
    check("i in N, j in N if i < j and j < i", "i", "j", Distinct, Distinct);
    // Beyond what is linear, a guard says nothing.
    check("i in N, j in N if i * j == 1", "i", "j", Unknown, Unknown);
    check("i in N, j in N if flag[i]", "i", "j", Unknown, Unknown);
    check("i in N, j in N if flag[i] and not flag[j]", "i", "j", Unknown, Unknown);
}

#[test]
fn several_axes() {
    check("i in N, m in M", "i, m", "i, m", Same, Unknown);
    check("i in N, m in 1..M", "i, m", "i, m - 1", Distinct, Unknown);
    check("i in N, j in N, m in M if i < j", "i, m", "j, m", Distinct, Unknown);
    check("i in N, m in M", "i, 0", "i, 1", Distinct, Distinct);
    check("i in N, m in M", "i, 0", "i, m", Unknown, Unknown);
    check("i in N, j in N, m in M, l in M if i < j or m < l", "i, m", "j, l", Distinct, Unknown);
    check("i in N, j in N, m in M, l in M if i < j or m <= l", "i, m", "j, l", Unknown, Unknown);
}

#[test]
fn given_maps() {
    check("r in R", "item[r]", "item[r]", Same, Unknown);
    check("r in R", "item[r]", "other[r]", Unknown, Unknown);
    check("r in R if item[r] != other[r]", "item[r]", "other[r]", Distinct, Unknown);
    check("r in R if item[r] < other[r]", "item[r]", "other[r]", Distinct, Unknown);
    check("r in R if item[r] == other[r]", "item[r]", "other[r]", Same, Unknown);
    check("r in R, q in R if r != q", "item[r]", "item[q]", Unknown, Unknown);
    check("r in R, q in R if r == q", "item[r]", "item[r]", Same, Unknown);
    check("r in R, q in R if item[r] != item[q]", "item[r]", "item[q]", Distinct, Unknown);
    check("r in R if item[r] == 0", "item[r]", "0", Same, Same);
    check("r in R if item[r] > 0", "item[r]", "0", Distinct, Distinct);
    check("n in 1..N", "n", "parent[n]", Distinct, Unknown);
    check("n in 2..N", "parent[n]", "parent[n - 1]", Unknown, Unknown);
    check("n in 1..N", "parent[n]", "N - 1", Distinct, Distinct);
    check("r in R", "count[r]", "count[r] + 1", Distinct, Unknown);
    check("r in R", "count[r]", "0", Unknown, Unknown);
    check("r in R if count[r] >= 1", "count[r]", "0", Distinct, Distinct);
}

#[test]
fn categories_as_indices() {
    let source = |access: &str| {
        format!(
            "mod m(N) {{ latent c[t in T] ~ Uniform(); latent c[t in M..T]: Category[N] ~ Uniform(); latent z[n in N] ~ Normal(0, sd: 1);
             observed x[t in 1..T] ~ Normal({access}, sd: 1); }}"
        )
        .replace("latent c[t in T] ~ Uniform(); latent c[t in M..T]", "latent c[t in T]")
    };
    // The same category at one time, and two times that may agree in value.
    assert_eq!(relation(&source("z[c[t]] + z[c[t]]")), (Same, Unknown));
    assert_eq!(relation(&source("z[c[t]] + z[c[t-1]]")), (Unknown, Unknown));
}

#[test]
fn slices_are_whole_or_not() {
    let source = "mod m(N, M) { latent z[n in N, m in M] ~ Normal(0, sd: 1);
        observed x[i in N, j in N if i < j] ~ Normal(dot(z[i], z[j]) + z[i, 0], sd: 1); }";
    let (model, found) = accesses(source);
    let guards = &model.statements.last().expect("there is a statement").guards;
    assert_eq!(alias_access(&model, &found[0], &found[1], guards, true), Distinct);
    assert_eq!(alias_access(&model, &found[0], &found[0], guards, true), Same);
    // A row and an element of it overlap; a row and an element of another do not.
    assert_eq!(alias_access(&model, &found[0], &found[2], guards, true), Unknown);
    assert_eq!(alias_access(&model, &found[1], &found[2], guards, true), Distinct);
}

#[test]
fn symmetric_arrays_hold_a_pair_once() {
    let source = |accesses: &str| {
        format!(
            "mod m {{ latent z[a in N, b in N if a <= b] ~ Normal(0, sd: 1);
             observed x[i in N, j in N if i < j] ~ Normal({accesses}, sd: 1); }}"
        )
    };
    assert_eq!(relation(&source("z[i, j] + z[j, i]")), (Same, Unknown));
    assert_eq!(relation(&source("z[i, i] + z[i, j]")), (Distinct, Distinct));
    assert_eq!(relation(&source("z[i, i] + z[j, j]")), (Distinct, Unknown));
    let model = checked(&source("z[i, j] + z[j, i]")).0.expect("types are known");
    assert!(model.arrays.iter().any(|a| a.symmetric));
}

#[test]
fn ragged_rows() {
    let source = "mod m { for s in S { latent z[s, t in T[s]] ~ Normal(0, sd: 1);
        observed x[s, t in 1..T[s]] ~ Normal(z[s, t] + z[s, t-1] + z[s, T[s] - 1], sd: 1); } }";
    let (model, found) = accesses(source);
    let guards = &model.statements.last().expect("there is a statement").guards;
    assert_eq!(alias_access(&model, &found[0], &found[1], guards, true), Distinct);
    assert_eq!(alias_access(&model, &found[0], &found[2], guards, true), Unknown);
    assert_eq!(alias_access(&model, &found[1], &found[2], guards, true), Distinct);
    assert_eq!(alias_access(&model, &found[2], &found[2], guards, false), Unknown);
}

/// One instance of a statement over i and j, with data g: a map of N into itself.
#[derive(Clone, Debug)]
struct Instance {
    i: i64,
    j: i64,
    n: i64,
    g: Vec<i64>,
}

type Position = (&'static str, fn(&Instance) -> i64);
type Condition = (&'static str, fn(&Instance) -> bool);

const POSITIONS: &[Position] = &[
    ("i", |e| e.i),
    ("j", |e| e.j),
    ("i + 1", |e| e.i + 1),
    ("i - 1", |e| e.i - 1),
    ("j + 2", |e| e.j + 2),
    ("N - 1 - i", |e| e.n - 1 - e.i),
    ("i + j", |e| e.i + e.j),
    ("0", |_| 0),
    ("2", |_| 2),
    ("g[i]", |e| e.g[e.i as usize]),
    ("g[j]", |e| e.g[e.j as usize]),
    ("g[i] + 1", |e| e.g[e.i as usize] + 1),
];

const RANGES: &[Condition] = &[
    ("i in N, j in N", |_| true),
    ("i in 1..N, j in N", |e| e.i >= 1),
    ("i in N, j in 0..i", |e| e.j < e.i),
    ("i in N, j in i..N", |e| e.j >= e.i),
];

const GUARDS: &[Condition] = &[
    ("true", |_| true),
    ("i < j", |e| e.i < e.j),
    ("i <= j", |e| e.i <= e.j),
    ("i != j", |e| e.i != e.j),
    ("i == j", |e| e.i == e.j),
    ("j == i + 1", |e| e.j == e.i + 1),
    ("i < j or j + 1 < i", |e| e.i < e.j || e.j + 1 < e.i),
    ("not (i < 2 and j < 2)", |e| !(e.i < 2 && e.j < 2)),
    ("g[i] != g[j]", |e| e.g[e.i as usize] != e.g[e.j as usize]),
    ("g[i] < i", |e| e.g[e.i as usize] < e.i),
    ("g[i] == j", |e| e.g[e.i as usize] == e.j),
    ("i + j == N - 1", |e| e.i + e.j == e.n - 1),
    ("i * j == 2", |e| e.i * e.j == 2),
];

/// All instances of a statement for one size and one map.
fn instances(n: i64, g: &[i64], range: Condition, guard: Condition) -> Vec<Instance> {
    let all = (0..n).flat_map(|i| (0..n).map(move |j| (i, j)));
    all.map(|(i, j)| Instance { i, j, n, g: g.to_vec() }).filter(|e| range.1(e) && guard.1(e)).collect()
}

fn maps(n: i64) -> Vec<Vec<i64>> {
    (0..n).fold(vec![vec![]], |maps, _| {
        maps.iter().flat_map(|m| (0..n).map(move |v| [m.clone(), vec![v]].concat())).collect()
    })
}

/// What counting through small cases shows.
#[derive(Clone, Copy, Default)]
struct Seen {
    equal: bool,
    different: bool,
}

impl Seen {
    fn note(&mut self, equal: bool) {
        self.equal |= equal;
        self.different |= !equal;
    }
}

/// The model whose last statement reads z at all these positions.
fn reading_all(positions: &[&Position], range: Condition, guard: Condition) -> (Model, Vec<Access>) {
    let reads: Vec<String> = positions.iter().map(|(text, _)| format!("z[{text}]")).collect();
    let (model, found) = accesses(&format!(
        "mod m {{ given g[n in N]: Category[N]; latent z[n in N] ~ Normal(0, sd: 1);
         observed x[{} if {}] ~ Normal({}, sd: 1); }}",
        range.0,
        guard.0,
        reads.join(" + ")
    ));
    assert_eq!(found.len(), positions.len());
    (model, found)
}

#[test]
fn claims_hold_in_every_small_case() {
    let positions: Vec<&Position> = POSITIONS.iter().collect();
    let pairs: Vec<(usize, usize)> =
        (0..positions.len()).flat_map(|p| (0..positions.len()).map(move |q| (p, q))).collect();
    let mut definite = 0;
    for range in RANGES {
        for guard in GUARDS {
            let (model, found) = reading_all(&positions, *range, *guard);
            let guards = &model.statements.last().expect("there is a statement").guards;
            let (mut within, mut across) =
                (vec![Seen::default(); pairs.len()], vec![Seen::default(); pairs.len()]);
            for n in 0..=3 {
                for g in maps(n) {
                    let instances = instances(n, &g, *range, *guard);
                    let values: Vec<Vec<i64>> =
                        instances.iter().map(|e| positions.iter().map(|(_, at)| at(e)).collect()).collect();
                    for (first, a) in values.iter().enumerate() {
                        for (second, b) in values.iter().enumerate() {
                            for (n, (p, q)) in pairs.iter().enumerate() {
                                across[n].note(a[*p] == b[*q]);
                                if first == second {
                                    within[n].note(a[*p] == b[*q]);
                                }
                            }
                        }
                    }
                }
            }
            for (n, (p, q)) in pairs.iter().enumerate() {
                for (same_binding, seen) in [(true, within[n]), (false, across[n])] {
                    let claim = alias(&model, &found[*p].indices, &found[*q].indices, guards, same_binding);
                    let told = format!(
                        "{} and {} under {} if {}, same binding: {same_binding}",
                        positions[*p].0, positions[*q].0, range.0, guard.0
                    );
                    match claim {
                        Same => assert!(!seen.different, "claimed the same: {told}"),
                        Distinct => assert!(!seen.equal, "claimed distinct: {told}"),
                        Unknown => {}
                    }
                    definite += usize::from(claim != Unknown && seen.equal != seen.different);
                }
            }
        }
    }
    // All of it would hold of an analysis that always answers «unknown».
    assert!(definite > 2000, "the analysis says almost nothing: {definite} definite answers");
}

#[test]
fn nothing_affine_is_missed() {
    let positions: Vec<&Position> = POSITIONS.iter().filter(|(text, _)| !text.contains("g[")).collect();
    for range in RANGES {
        for guard in GUARDS.iter().filter(|(text, _)| !text.contains("g[") && !text.contains("i * j")) {
            let (model, found) = reading_all(&positions, *range, *guard);
            let guards = &model.statements.last().expect("there is a statement").guards;
            for (p, first) in positions.iter().enumerate() {
                for (q, second) in positions.iter().enumerate() {
                    // That j exists says more of i than its own bounds; only what is mentioned is a premise.
                    let mentioned = [first.0, second.0, guard.0].iter().any(|text| text.contains('j'));
                    if range.0.contains("0..i") && !mentioned {
                        continue;
                    }
                    let mut seen = Seen::default();
                    for n in 0..=9 {
                        let none = vec![0; n as usize];
                        instances(n, &none, *range, *guard)
                            .iter()
                            .for_each(|e| seen.note(first.1(e) == second.1(e)));
                    }
                    let expected = match (seen.equal, seen.different) {
                        (true, true) => Unknown,
                        (true, false) => Same,
                        (false, true) => Distinct,
                        (false, false) => continue,
                    };
                    let claim = alias(&model, &found[p].indices, &found[q].indices, guards, true);
                    assert_eq!(
                        claim, expected,
                        "{} and {} under {} if {}",
                        first.0, second.0, range.0, guard.0
                    );
                }
            }
        }
    }
}
