//! Types of expressions, arguments and values; indices and what they count.

use super::{accepts, refuses};

fn types_of(source: &str) -> String {
    accepts(source).to_string()
}

#[track_caller]
fn has_type(source: &str, line: &str) {
    let printed = types_of(source);
    assert!(printed.lines().any(|l| l.trim() == line), "expected `{line}` in\n{printed}");
}

#[test]
fn types_follow_from_distributions() {
    has_type(
        "mod m(w0: SymPos[D]) { latent prec ~ Wishart(dof: D + 2, scale: w0); observed x[n in N] ~ Normal(0, prec: prec); }",
        "observed x[N]: Vector[D]",
    );
    // Forward: x is typed by m, which is declared later.
    has_type(
        "mod m(D) { observed x[n in N] ~ Normal(m, var: 1); latent m: Vector[D] ~ Normal(0, var: 1); }",
        "observed x[N]: Vector[D]",
    );
    // One piece is a number or a vector, another says which.
    has_type(
        "mod m(H) { param A: Matrix[H, H]; latent x[0] ~ Normal(0, var: 1); latent x[t in 1..T] ~ Normal(A * x[t-1], var: 1);
         observed y[t in T] ~ Normal(x[t][0], sd: 1); }",
        "latent x[T]: Vector[H]",
    );
    has_type(
        "mod m { latent s ~ Normal(0, sd: 1, min: 0); observed x[n in N] ~ Normal(0, sd: s); }",
        "latent s: Positive",
    );
    has_type(
        "mod m { latent s ~ Uniform(0, 10); observed x[n in N] ~ Normal(0, sd: s); }",
        "latent s: Positive",
    );
    has_type("mod m { latent p ~ Uniform(0, 1); observed x[n in N] ~ Bernoulli(p); }", "latent p: Unit");
    has_type(
        "mod m { latent z ~ Categorical([0.2, 0.3, 0.5]); observed x ~ Normal(z, sd: 1); }",
        "latent z: Category[3]",
    );
    has_type(
        "mod m { given n[i in I]: Count; param p: Simplex[V]; observed y[i in I] ~ Multinomial(n[i], p); }",
        "observed y[I]: Counts[V]",
    );
    has_type(
        "mod m { latent a ~ Gamma(shape: 1, rate: 1); latent b ~ Gamma(shape: 1, rate: 1); let r = a / (a + b); observed x ~ Poisson(r); }",
        "let r: Positive, reported",
    );
    has_type(
        "mod m { latent a ~ Beta(1, 1); let r = a * (1 - a); observed x ~ Bernoulli(r); }",
        "let r: Unit, reported",
    );
}

#[test]
fn what_does_not_follow_is_written() {
    refuses(
        "mod m { latent w ~ Dirichlet(1); latent z[n in N] ~ Categorical(w); observed x[n in N] ~ Normal(z[n], sd: 1); }",
        &[("w", "write it: `w: Simplex[K] ~ …`")],
    );
    refuses(
        "mod m(D) { latent w ~ Wishart(dof: 3, scale: 1); observed x[n in N]: Vector[D] ~ Normal(0, prec: w); }",
        &[("w", "write it: `w: SymPos[D] ~ …`")],
    );
}

#[test]
fn arrays_are_vectors_and_vectors_are_arrays() {
    accepts(
        "mod m { given x[n in N]: Vector[D]; latent w[d in D] ~ Normal(0, sd: 1); observed y[n in N] ~ Normal(dot(w, x[n]), sd: 1); }",
    );
    accepts(
        "mod m { param mu[k in K]: Vector[D]; observed x[k in K, d in D] ~ Normal(mu[k][d] + mu[k, d], sd: 1); }",
    );
    accepts(
        "mod m { param W: Matrix[D, H]; given f[n in N]: Vector[H]; observed x[n in N, d in D] ~ Normal(dot(W[d], f[n]), sd: 1); }",
    );
    accepts("mod m { param s[d in D]: Positive; observed x[n in N]: Vector[D] ~ Normal(0, var: s); }");
    accepts(
        "mod m { latent B[i in N, j in H] ~ Normal(0, sd: 1); given f: Vector[H]; observed x[n in N] ~ Normal((B * f)[n], sd: 1); }",
    );
}

#[test]
fn indices_count_what_their_axes_count() {
    refuses(
        "mod m(K) { param mean[k in K]: Real; observed x[n in N] ~ Normal(mean[n], sd: 1); }",
        &[("n", "`n` counts `N`, but `K` is indexed here")],
    );
    let (_, mistakes) =
        super::checked("mod m(K) { param mean[k in K]: Real; observed x[n in N] ~ Normal(mean[n], sd: 1); }");
    let message = mistakes[0].message();
    assert!(
        message.contains("`n` is bound by `n in N`")
            && message.contains("`mean[K]`, on line 1 of the model, is indexed by `K`"),
        "{message}"
    );
    refuses(
        "mod m(K, L) { param p: Simplex[L]; param mean[k in K]: Real; latent z[n in N] ~ Categorical(p);
         observed x[n in N] ~ Normal(mean[z[n]], sd: 1); }",
        &[("z[n]", "`z`, on line 1 of the model, is `Category[L]`")],
    );
    refuses(
        "mod m(K) { param p: Simplex[K]; param mean[k in K]: Real; latent z[n in N] ~ Categorical(p);
         observed x[n in N] ~ Normal(mean[n], sd: 1); }",
        &[("n", "write `z[n]`, which counts `K`")],
    );
    refuses(
        "mod m(K) { param mean[k in K]: Real; given g[n in N]: Real; observed x[n in N] ~ Normal(mean[g[n]], sd: 1); }",
        &[("g[n]", "`g` is not an index: it is a Real")],
    );
    refuses(
        "mod m(K) { param a[k in K]: Real; observed x[n in N] ~ Normal(a[0, 1], sd: 1); }",
        &[("a[0, 1]", "`a` has 1 axis, not 2")],
    );
    refuses(
        "mod m(K) { param mean[k in K]: Real; latent z[n in N] ~ Categorical([0.5, 0.5]); observed x[n in N] ~ Normal(mean[z], sd: 1); }",
        &[("z", "`z` is not an index")],
    );
    refuses(
        "mod m(K) { param c[k in K]: Real; observed x[n in N if n == 0] ~ Normal(sum(c[k] for k in K if k == n), sd: 1); }",
        &[("n", "`n` counts `N`, but `K` is indexed here")],
    );
    refuses("mod m { observed x[n in N] ~ Normal(n[0], sd: 1); }", &[("n", "the index `n` has no elements")]);
}

#[test]
fn a_bool_is_an_index_of_extent_two() {
    accepts(
        "mod m { param mu[k in 0..2]: Real; latent b[n in N] ~ Bernoulli(0.3); observed x[n in N] ~ Normal(mu[b[n]], sd: 1); }",
    );
    accepts(
        "mod m { param mu[k in 0..2]: Real; given c[n in N]: Category[2]; observed x[n in N] ~ Normal(mu[c[n]], sd: 1); }",
    );
    accepts("mod m { latent b[n in N] ~ Bernoulli(0.3); observed x[n in N] ~ Normal(3 * b[n], sd: 1); }");
}

#[test]
fn arguments_are_matched_together() {
    refuses(
        "mod m { latent a ~ Gamma(sape: 1, rate: 2, rate: 3); observed x ~ Poisson(a); }",
        &[("sape", "write `Gamma(shape: > 0, rate: > 0)`")],
    );
    let (_, mistakes) =
        super::checked("mod m { latent a ~ Gamma(sape: 1, rate: 2, rate: 3); observed x ~ Poisson(a); }");
    assert_eq!(mistakes[0].title, "`Gamma` needs `shape:`, has no `sape:`, has `rate:` twice");
    refuses(
        "mod m { latent a ~ Normal(0, 1); observed x ~ Normal(a, sd: 1); }",
        &[("1", "`sd:`, `prec:`, `cov:`, `chol:` may stand in place of `var:`")],
    );
    refuses(
        "mod m { latent a ~ Gamma(1, 2); observed x ~ Poisson(a); }",
        &[("1, 2", "write `Gamma(shape: 1, rate: 2)`")],
    );
    refuses("mod m { observed x ~ Normal(0, sd: 1, var: 1); }", &[("var", "has `var:` twice")]);
    refuses("mod m { observed x ~ Poisson(); }", &[("Poisson()", "needs `rate:` or `log:`")]);
    refuses("mod m(K) { observed x: Simplex[K] ~ Dirichlet(1, min: 0); }", &[("min", "has no `min:`")]);
    accepts("mod m { observed x ~ Normal(mean: 0, sd: 1, min: 0, max: 3); }");
}

#[test]
fn arguments_lie_in_their_domains() {
    refuses(
        "mod m { latent a ~ Normal(0, sd: 1); observed x ~ Gamma(shape: 1, rate: a); }",
        &[("a", "give `a` a distribution on these values: Exponential, Gamma, InverseGamma, LogNormal")],
    );
    refuses("mod m { param a: Real; observed x ~ Normal(0, sd: a); }", &[("a", "declare `a` as `Positive`")]);
    refuses("mod m { observed x ~ Normal(0, sd: 0); }", &[("0", "`sd:` of `Normal` cannot be `0`")]);
    refuses("mod m { observed x ~ Bernoulli(1.5); }", &[("1.5", "write a number in 0..1")]);
    refuses("mod m { param a: Positive; observed x ~ Bernoulli(a); }", &[("a", "`a` is `Positive`")]);
    refuses(
        "mod m { param a: Positive; observed x ~ Normal(0, sd: 1 - a); }",
        &[("1 - a", "`1 - a` is `Real`")],
    );
    refuses(
        "mod m(D) { param a: Vector[D]; observed x: Real ~ Normal(a, sd: 1); }",
        &[("a", "`mean:` of `Normal` cannot be `Vector[D]`")],
    );
    refuses(
        "mod m(K, L) { param a: Vector[K]; observed x: Vector[L] ~ Normal(a, var: 1); }",
        &[("a", "this is a `Vector[K]`, but `Vector[L]` is needed")],
    );
    refuses(
        "mod m { param W: Matrix[D, D]; observed x: Vector[D] ~ Normal(0, cov: W); }",
        &[("W", "declare `W` as `SymPos[D]`")],
    );
}

#[test]
fn values_fit_the_declared_type() {
    refuses(
        "mod m { observed x: Positive ~ Normal(0, sd: 1); }",
        &[("Normal", "`Normal` gives Real or Vector, but `x` is `Positive`")],
    );
    refuses(
        "mod m { observed x: Real ~ Gamma(shape: 1, rate: 1); }",
        &[("Gamma", "values of `Real` come from Cauchy")],
    );
    refuses("mod m { observed x: Count ~ Bernoulli(0.5); }", &[("Bernoulli", "gives Bool")]);
    refuses(
        "mod m { latent z ~ Bernoulli(0.5); observed x ~ match z { true => Normal(0, sd: 1), false => Constant(0) }; }",
        &[("Constant", "`x` is `Real`")],
    );
    accepts("mod m { observed x: Positive ~ Normal(0, sd: 1, min: 0); }");
    refuses(
        "mod m { given y[0]: Real; observed y[t in 1..T]: Positive ~ Gamma(shape: 1, rate: 1); }",
        &[("Positive", "`y` is `Real` above and `Positive` here"), ("Gamma", "`y` is `Real`")],
    );
}

#[test]
fn a_simplex_is_seen_to_sum_to_one() {
    accepts("mod m { param p: Unit; observed z ~ Categorical([p, 1 - p]); }");
    accepts("mod m { param p: Unit; param q: Unit; observed z ~ Categorical([p * q, p * (1 - q), 1 - p]); }");
    accepts("mod m { param p: Unit; observed z ~ Categorical([p^2, 2 * p * (1 - p), (1 - p)^2]); }");
    accepts(
        "mod m { param w: Simplex[K]; given g[n in N]: Category[K]; observed z[n in N] ~ Categorical(0.9 * w + 0.1 * onehot(g[n])); }",
    );
    accepts(
        "mod m(K) { observed z ~ Categorical(0.7 * onehot(0) + 0.3 * [1 / K for k in K]); }"
            .replace("0.7 * onehot(0) + 0.3 * [1 / K for k in K]", "w")
            .replace("mod m(K) {", "mod m(K) { let w = [1 / K for k in K];")
            .as_str(),
    );
    refuses("mod m { observed z ~ Categorical([0.2, 0.7]); }", &[("[0.2, 0.7]", "not seen to sum to 1")]);
    refuses(
        "mod m { param p: Unit; param q: Unit; observed z ~ Categorical([p, q, 1 - p]); }",
        &[("[p, q, 1 - p]", "name the vector with `let`")],
    );
    refuses(
        "mod m { param p: Real; observed z ~ Categorical([p, 1 - p]); }",
        &[("[p, 1 - p]", "not seen to sum to 1")],
    );
}

#[test]
fn comparisons_are_of_finite_things() {
    refuses(
        "mod m { latent a ~ Normal(0, sd: 1); latent b ~ Normal(0, sd: 1); observed x ~ match a > b { true => Normal(0, sd: 1), false => Normal(1, sd: 1) }; }",
        &[("a", "write `latent gap ~ …; constrain gap > 0;`")],
    );
    accepts(
        "mod m { latent z[n in N] ~ Categorical([0.5, 0.5]); observed x[i in N, j in N if i < j] ~ match z[i] == z[j] { true => Normal(0, sd: 1), false => Normal(1, sd: 1) }; }",
    );
    accepts("mod m(c: Real) { given g[n in N]: Real; observed x[n in N] ~ Normal((g[n] > c) * 2, sd: 1); }");
}

#[test]
fn arms_cover() {
    let model = |arms: &str| {
        format!(
            "mod m(K) {{ param p: Simplex[K]; latent z ~ Categorical(p); latent b ~ Bernoulli(0.5); observed x ~ match {arms}; }}"
        )
    };
    refuses(&model("b { true => Normal(0, sd: 1) }"), &[("match", "no arm covers `false`")]);
    refuses(&model("z { 0 => Normal(0, sd: 1), 1 => Normal(1, sd: 1) }"), &[("match", "no arm covers `_`")]);
    refuses(
        &model("b { _ => Normal(0, sd: 1), true => Normal(1, sd: 1) }"),
        &[("true", "earlier arms leave nothing")],
    );
    refuses(
        &model("z { true => Normal(0, sd: 1), _ => Normal(1, sd: 1) }"),
        &[("true", "never a value of `Category[K]`")],
    );
    accepts(&model("z { 0 => Normal(0, sd: 1), _ => Normal(1, sd: 1) }"));
}

#[test]
fn a_match_inside_a_match_is_opened_up() {
    let model = accepts(
        "mod m { latent a ~ Bernoulli(0.5); latent b ~ Bernoulli(0.5);
         observed x ~ match a { true => match b { true => Normal(0, sd: 1), false => Normal(1, sd: 1) }, false => Normal(2, sd: 1) }; }",
    );
    let printed = model.to_string();
    let wanted = "match (a and not b) + 2 * (not a) { 0 => Normal(mean: 0, sd: 1), 1 => Normal(mean: 1, sd: 1), 2 => Normal(mean: 2, sd: 1) }";
    assert!(printed.contains(wanted), "{printed}");
}

#[test]
fn operators_join_what_they_can() {
    refuses(
        "mod m { param a: Vector[D]; observed x: Vector[D] ~ Normal(a * a, var: 1); }",
        &[("a * a", "write `dot(a, a)`")],
    );
    refuses(
        "mod m(H) { param W: Matrix[D, H]; param a: Vector[D]; observed x: Vector[D] ~ Normal(W * a, var: 1); }",
        &[("W * a", "`Matrix[D, H]` cannot be multiplied by `Vector[D]`")],
    );
    refuses(
        "mod m { param a: Vector[D]; observed x: Vector[D] ~ Normal(exp(a), var: 1); }",
        &[("a", "`[exp(v[d]) for d in D]`")],
    );
    refuses("mod m { param a: Real; observed x ~ Normal(a ^ 0.5, sd: 1); }", &[("a", "`a` may be negative")]);
    refuses(
        "mod m { param a: Real; observed x ~ Normal(log(a), sd: 1); }",
        &[("a", "`log` needs a positive number")],
    );
    refuses(
        "mod m { param a: Real; observed x ~ Normal(exp(a, a), sd: 1); }",
        &[("exp(a, a)", "takes 1 argument, not 2")],
    );
    accepts(
        "mod m(H) { param W: Matrix[D, H]; given a: Vector[D]; observed x: Vector[H] ~ Normal(W.t() * a + 1, var: [1, 2]); }",
    );
    accepts(
        "mod m { param a: Vector[D]; observed x: Vector[D] ~ Normal([a[d]^2 for d in D], prec: diag([exp(a[d]) for d in D])); }",
    );
}

#[test]
fn structural_zeros_of_a_simplex_are_kept() {
    let model = accepts(
        "mod m(K) { param trans[i in K]: Simplex[j in K if j >= i]; param p: Simplex[K]; latent z[0] ~ Categorical(p);
         latent z[t in 1..T] ~ Categorical(trans[z[t-1]]); observed x[t in T] ~ Normal(z[t], sd: 1); }",
    );
    let cells = model.arrays.iter().find(|a| a.name == "trans").and_then(|a| a.elem.cells.as_ref());
    let cells = cells.expect("the guard is kept");
    assert_eq!(model.show_expr(&cells.guard), "j >= i");
}

#[test]
fn header_values_fit_and_bounds_are_constant() {
    accepts(
        "mod m(a: Positive = 1.0, b: Positive = 2 * a, m0: Vector[D] = 0, K = 3) { observed x[n in N, k in K]: Vector[D] ~ Normal(m0, var: a * b); }",
    );
    refuses(
        "mod m(a: Positive = -1.0) { observed x ~ Normal(0, sd: a); }",
        &[("-1.0", "this is a `Real`, but `Positive` is needed")],
    );
    refuses("mod m(a: Real = x) { observed x ~ Normal(a, sd: 1); }", &[("x", "a default cannot read `x`")]);
    refuses(
        "mod m { param a: Vector[D](min: 0); observed x: Vector[D] ~ Normal(a, var: 1); }",
        &[("0", "`Vector[D]` takes no `min:` or `max:`")],
    );
    refuses(
        "mod m { given g: Real; param a: Positive(min: g); observed x ~ Normal(a, sd: 1); }",
        &[("g", "the bound `g` is not a constant")],
    );
    accepts("mod m(lo: Real) { param a: Real(min: lo, max: lo + 1); observed x ~ Normal(a, sd: 1); }");
}

#[test]
fn vectors_hold_numbers() {
    refuses(
        "mod m { param a: Vector[D]; observed x[d in D] ~ Normal([a, a][0], sd: 1); }",
        &[("a", "a number is needed")],
    );
    refuses(
        "mod m { param a[d in D]: Real; observed x: Vector[D] ~ Normal([a[d] for d in 1..D], var: 1); }",
        &[("1", "a vector begins at `d` = 0")],
    );
    refuses(
        "mod m { param a[d in D]: Real; observed x: Vector[D] ~ Normal([1 for d in D, e in D, f in D], var: 1); }",
        &[("[1 for d in D, e in D, f in D]", "one index, or two for a matrix")],
    );
    refuses(
        "mod m { observed x: Vector[D] ~ Normal([1, 2] + [1, 2, 3], var: 1); }",
        &[("[1, 2, 3]", "a vector of 2 numbers meets one of 3")],
    );
    refuses(
        "mod m { param a: Vector[D]; observed x ~ Normal(dot(a.t(), a), sd: 1); }",
        &[("a.t()", "a `Vector[D]` has no transpose")],
    );
    refuses(
        "mod m { param a: Vector[D]; observed x: Vector[D] ~ Normal(0, var: 1); constrain a > 0; }",
        &[("a", "a number is needed")],
    );
}

#[test]
fn conditions_and_matches_are_finite() {
    refuses(
        "mod m { param a: Real; observed x[n in N if n] ~ Normal(a, sd: 1); }",
        &[("n", "a condition is needed")],
    );
    refuses(
        "mod m { param a: Real; observed x ~ match a { 0 => Normal(0, sd: 1), _ => Normal(1, sd: 1) }; }",
        &[("a", "`match` looks at something finite, and `a` is `Real`")],
    );
    accepts(
        "mod m { given c: Count; observed x ~ match c { 0 => Normal(0, sd: 1), _ => Normal(1, sd: 1) }; }",
    );
    accepts(
        "mod m { given g[n in N]: Category[K]; observed x[n in N] ~ match g[n] == 2 { true => Normal(0, sd: 1), false => Normal(1, sd: 1) }; }",
    );
}

#[test]
fn lets_have_a_type_and_are_no_indices() {
    refuses(
        "mod m(K) { param a[k in K]: Real; let c = 1; observed x ~ Normal(a[c], sd: 1); }",
        &[("c", "the `let` `c` cannot be an index")],
    );
    refuses(
        "mod m { let c: Positive = -1; observed x ~ Normal(0, sd: c); }",
        &[("-1", "`Positive` is needed")],
    );
    accepts(
        "mod m { let c[k in K]: Positive = 1 + k; given g[k in K]: Real; observed x[k in K] ~ Normal(g[k], sd: c[k]); }",
    );
    // Reported only where it depends on what is inferred.
    let model = accepts(
        "mod m(s: Real) { let a = 2 * s; param b: Real; let c = a + b; observed x ~ Normal(c, sd: 1); }",
    );
    let reported: Vec<bool> = model.lets.iter().map(|l| l.reported).collect();
    assert_eq!(reported, [false, true]);
}

#[test]
fn dimensions_are_sizes() {
    refuses(
        "mod m { for s in S { observed y[s] ~ Normal(0, sd: 1); observed x[n in N]: Vector[T[s]] ~ Normal(0, var: 1); } }",
        &[
            ("T[s]", "a dimension cannot depend on `s`"),
            ("observed x[n in N]: Vector[T[s]] ~ Normal(0, var: 1);", "declared once for every `s`"),
        ],
    );
    refuses("mod m { observed x: Vector[0] ~ Normal(0, var: 1); }", &[("0", "a dimension is at least 1")]);
    refuses(
        "mod m(K) { param p: Simplex[k in 1..K if k > 1]; observed z ~ Categorical(p); }",
        &[("Simplex[k in 1..K if k > 1]", "write `Simplex[k in K if …]`")],
    );
    accepts("mod m { observed x[s in S]: Vector[T[s]] ~ Normal(0, var: 1); }");
}
