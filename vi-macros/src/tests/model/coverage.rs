//! Boxes, overlaps, gaps, ranges, order.

use super::{accepts, refuses};

#[test]
fn overlaps_are_refused() {
    refuses(
        "mod m { latent z[0] ~ Normal(0, sd: 1); latent z[t in T] ~ Normal(0, sd: 1); observed x[t in T] ~ Normal(z[t], sd: 1); }",
        &[("latent z[t in T] ~ Normal(0, sd: 1);", "`z[0]` is given two distributions")],
    );
    refuses(
        "mod m { latent z[t in 0..2] ~ Normal(0, sd: 1); latent z[t in 1..T] ~ Normal(0, sd: 1); observed x[t in T] ~ Normal(z[t], sd: 1); }",
        &[("latent z[t in 1..T] ~ Normal(0, sd: 1);", "`z[1]` is given two distributions")],
    );
    refuses(
        "mod m { for s in S { latent m ~ Normal(0, sd: 1); observed x[s] ~ Normal(m, sd: 1); } }",
        &[("latent m ~ Normal(0, sd: 1);", "`m` is declared once for every `s`")],
    );
    refuses(
        "mod m { param a: Real; param a: Real; observed x ~ Normal(a, sd: 1); }",
        &[("param a: Real;", "`a` is declared twice")],
    );
    let split = |second: &str| {
        format!(
            "mod m {{ given g[n in N]: Real; latent z[n in N if g[n] > 0] ~ Normal(0, sd: 1);
             latent z[n in N if {second}] ~ Normal(1, sd: 1); observed x[n in N] ~ Normal(z[n], sd: 1); }}"
        )
    };
    accepts(&split("g[n] <= 0"));
    accepts(&split("not (g[n] > 0)"));
    refuses(
        &split("g[n] < 1"),
        &[("latent z[n in N if g[n] < 1] ~ Normal(1, sd: 1);", "given two distributions")],
    );
}

#[test]
fn reads_find_something() {
    refuses(
        "mod m(K) { param p: Simplex[K]; param trans[i in K]: Simplex[K]; latent z[t in T] ~ Categorical(trans[z[t-1]]); observed x[t in T] ~ Normal(z[t], sd: 1); }",
        &[("z[t-1]", "at t = 0 this reads `z[-1]`")],
    );
    refuses(
        "mod m { latent z[t in 1..T] ~ Normal(0, sd: 1); observed x[t in T] ~ Normal(z[t], sd: 1); }",
        &[("z[t]", "`z[0]` is not declared: `z[t]` at t = 0 reads it")],
    );
    refuses(
        "mod m { latent z[t in T] ~ Normal(0, sd: 1); observed x[t in T] ~ Normal(z[t+1], sd: 1); }",
        &[("z[t+1]", "at t = T - 1 this reads `z[T]`")],
    );
    refuses(
        "mod m(L) { param a[l in L]: Real; given y[t in T]: Real; observed x[t in 1..T] ~ Normal(sum(a[l] * y[t - 1 - l] for l in L), sd: 1); }",
        &[("y[t - 1 - l]", "at t = 1, l = 1 this reads `y[-1]`")],
    );
    refuses(
        "mod m { observed y[i in N, j in N if i < j] ~ Normal(0, sd: 1); observed x[i in N, j in N] ~ Normal(y[i, j], sd: 1); }",
        &[("y[i, j]", "`y[0, 0]` is not declared")],
    );
    accepts(
        "mod m(L) { param a[l in L]: Real; given y[t in 0..L]: Real; observed y[t in L..T] ~ Normal(sum(a[l] * y[t - 1 - l] for l in L), sd: 1); }",
    );
    accepts("mod m { given y[0]: Real; observed y[t in 1..T] ~ Normal(0.5 * y[t-1], sd: 1); }");
    accepts(
        "mod m { latent z[t in T] ~ Normal(0, sd: 1); observed x[t in T if t > 0] ~ Normal(z[t-1], sd: 1); }",
    );
}

#[test]
fn ragged_rows_are_told_apart() {
    accepts(
        "mod m { for s in S { latent z[s, 0] ~ Normal(0, sd: 1); latent z[s, t in 1..T[s]] ~ Normal(z[s, t-1], sd: 1); observed x[s, t in T[s]] ~ Normal(z[s, t], sd: 1); } }",
    );
    refuses(
        "mod m { latent z[s in S, t in T[s]] ~ Normal(0, sd: 1); observed x[s in 1..S, t in T[s]] ~ Normal(z[s-1, t], sd: 1); }",
        &[("z[s-1, t]", "this reads `z[")],
    );
    refuses(
        "mod m { latent z[s in S, t in T[s]] ~ Normal(0, sd: 1); observed x[t in T] ~ Normal(z[0, t], sd: 1); }",
        &[("T", "the size `T` has 1 index")],
    );
}

#[test]
fn triangles_are_read_symmetrically() {
    let model = accepts(
        "mod m { latent B[a in K, b in K if a <= b] ~ Beta(1, 1); given z[n in N]: Category[K]; observed y[i in N, j in N if i < j] ~ Bernoulli(B[z[i], z[j]]); }",
    );
    assert!(model.arrays.iter().any(|a| a.name == "B" && a.symmetric));
    assert!(!model.arrays.iter().any(|a| a.name == "y" && a.symmetric));
    accepts(
        "mod m { latent B[a in K, b in K if a <= b] ~ Beta(1, 1); observed y[a in K, b in K] ~ Bernoulli(B[b, a]); }",
    );
}

#[test]
fn cycles_are_refused() {
    refuses(
        "mod m { latent a ~ Normal(b, sd: 1); latent b ~ Normal(a, sd: 1); observed x ~ Normal(a, sd: 1); }",
        &[("b", "`a → b → a`")],
    );
    refuses(
        "mod m { latent a: Real ~ Normal(a, sd: 1); observed x ~ Normal(a, sd: 1); }",
        &[("a", "`a → a`")],
    );
    refuses(
        "mod m { latent a ~ Normal(c, sd: 1); let c = 2 * a; observed x ~ Normal(a, sd: 1); }",
        &[("a", "`a → a`")],
    );
    refuses("mod m { let a = b + 1; let b = a; observed x ~ Normal(a, sd: 1); }", &[("a", "`a → b → a`")]);
    refuses(
        "mod m { given x[t in T]: Real; let s[0] = x[0]; let s[t in 1..T] = s[t-1] + x[t]; observed y[t in T] ~ Normal(s[t], sd: 1); }",
        &[("s", "`s → s`")],
    );
    refuses(
        "mod m { latent z[0] ~ Normal(0, sd: 1); latent z[t in 1..T-1] ~ Normal(z[t-1] + z[t+1], sd: 1); latent z[T-1] ~ Normal(0, sd: 1); observed x[t in T] ~ Normal(z[t], sd: 1); }",
        &[
            ("latent z[T-1] ~ Normal(0, sd: 1);", "this happens where a size is 1"),
            ("z[t+1]", "`z` reads both earlier and later elements"),
        ],
    );
}

#[test]
fn recursion_goes_one_way() {
    let backward = accepts(
        "mod m { latent z[T-1] ~ Normal(0, sd: 1); latent z[t in 0..T-1] ~ Normal(z[t+1], sd: 1); observed x[t in T] ~ Normal(z[t], sd: 1); }",
    );
    assert!(backward.to_string().ends_with("order\n  z[T - 1], z[t], x[t]\n"), "{backward}");
    // A cycle of arrays: u reads x at the same step, x reads u one step before.
    let pair = accepts(
        "mod m { latent x[0] ~ Normal(0, sd: 1); latent x[t in 1..T] ~ Normal(u[t-1], sd: 1);
         latent u[t in T] ~ Normal(x[t], sd: 1); observed y[t in T] ~ Normal(u[t], sd: 1); }",
    );
    assert!(pair.to_string().ends_with("order\n  x[0], x[t], u[t], y[t]\n"), "{pair}");
    accepts("mod m { latent g[0, 0] ~ Normal(0, sd: 1); latent g[0, j in 1..M] ~ Normal(g[0, j-1], sd: 1); latent g[i in 1..N, 0] ~ Normal(g[i-1, 0], sd: 1);
         latent g[i in 1..N, j in 1..M] ~ Normal(g[i-1, j] + g[i, j-1], sd: 1); observed x[i in N, j in M] ~ Normal(g[i, j], sd: 1); }");
}

#[test]
fn trees_recurse_through_a_map() {
    accepts(
        "mod m { given parent[n in 1..N]: Category[n]; latent v[0] ~ Normal(0, sd: 1); latent v[n in 1..N] ~ Normal(v[parent[n]], sd: 1); observed x[n in N] ~ Normal(v[n], sd: 1); }",
    );
    refuses(
        "mod m { given parent[n in 1..N]: Category[N]; latent v[0] ~ Normal(0, sd: 1); latent v[n in 1..N] ~ Normal(v[parent[n]], sd: 1); observed x[n in N] ~ Normal(v[n], sd: 1); }",
        &[("v[parent[n]]", "declare `given parent[n in 1..N]: Category[n];`")],
    );
}

#[test]
fn order_puts_declarations_first() {
    let model = accepts(
        "mod m { observed x[n in N] ~ Normal(w, sd: 1); let w = v + 1; latent v ~ Normal(u, sd: 1); latent u ~ Normal(0, sd: 1); }",
    );
    assert!(model.to_string().ends_with("order\n  u, v, x[n]\n"), "{model}");
}

#[test]
fn fixed_positions_exist() {
    let model = accepts(
        "mod m { latent z[0] ~ Normal(0, sd: 1); latent z[t in 1..T] ~ Normal(z[t-1], sd: 1); observed x[t in T] ~ Normal(z[t], sd: 1); }",
    );
    assert!(model.to_string().contains("latent z[0] ~ Normal(mean: 0, sd: 1) if 0 < T"), "{model}");
}

#[test]
fn boxes_have_one_size_an_axis() {
    refuses(
        "mod m { latent z[n in N] ~ Normal(0, sd: 1); latent z[m in N, k in K] ~ Normal(0, sd: 1); observed x[n in N, k in K] ~ Normal(0, sd: 1); }",
        &[("m", "`z` has 1 index above and 2 here")],
    );
    refuses(
        "mod m { given z[n in 0..3]: Real; observed z[k in 3..K] ~ Normal(0, sd: 1); observed z[m in M..N] ~ Normal(0, sd: 1); observed y[m in M] ~ Normal(0, sd: 1); }",
        &[("m", "`z` is indexed by `K` above and by `N` here")],
    );
    refuses(
        "mod m { given c[n in N]: Count; observed x[n in N, i in 0..c[n]] ~ Normal(0, sd: 1); }",
        &[("c[n]", "this range has no size")],
    );
    refuses(
        "mod m(K, L) { observed x[k in 0..K + L] ~ Normal(0, sd: 1); }",
        &[("K + L", "named by two sizes")],
    );
}

#[test]
fn forms_of_binders_and_accesses() {
    refuses(
        "mod m { for t in 0..T - 1 { latent x[t + 1] ~ Normal(0, sd: 1); } observed y[t in T] ~ Normal(0, sd: 1); }",
        &[("t + 1", "bind the position itself")],
    );
    refuses(
        "mod m { param a[k in K]: Real; given g: Real; observed x[k in K, t in T[g]] ~ Normal(0, sd: 1); }",
        &[("g", "`T` must be indexed by a bound index")],
    );
    refuses(
        "mod m { given z[n in N, t in T]: Category[K]; param a[k in K]: Real; given h[n in N]: Category[K]; observed x[n in N] ~ Normal(z[n], sd: 1); }",
        &[("z[n]", "`z` needs 2 indices, not 1")],
    );
    refuses(
        "mod m { given z[s in S, t in T[s]]: Real; observed x ~ Normal(trace(z), sd: 1); }",
        &[("z", "the rows of `z` differ in length")],
    );
    refuses("mod m(K) { given g[n in N]: Category[K]; param p: Simplex[K]; latent up[n in 1..N]: Category[n] ~ Uniform(); latent v[0] ~ Normal(0, sd: 1);
        latent c[n in N] ~ Categorical(p); latent v[n in 1..N] ~ Normal(v[w[n]], sd: 1); latent w[n in 1..N]: Category[N] ~ Uniform(); observed x[n in N] ~ Normal(v[n] + c[n] + g[n] + up[1], sd: 1); }",
        &[("v[w[n]]", "`w` is not given, so the order of the elements would be random")]);
}
