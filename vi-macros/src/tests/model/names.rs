//! Names, header, roles.

use super::{accepts, refuses};

#[test]
fn unknown_names_are_told_with_the_nearest() {
    refuses(
        "mod m { latent mu ~ Normal(0, sd: 1); observed x[n in N] ~ Normal(mo, sd: 1); }",
        &[("mo", "did you mean `mu`?")],
    );
    refuses(
        "mod m { latent mu ~ Norml(0, sd: 1); observed x[n in N] ~ Normal(mu, sd: 1); }",
        &[("Norml", "did you mean `Normal`?")],
    );
    refuses(
        "mod m { param a: Positive; observed x[n in N] ~ Normal(logg(a), sd: 1); }",
        &[("logg", "did you mean `log`?")],
    );
    refuses(
        "mod m { observed x[n in N] ~ Normal(Gamma(1, 2), sd: 1); }",
        &[("Gamma", "stands only after `~`")],
    );
}

#[test]
fn names_are_taken_once() {
    refuses("mod m(K, K) { observed x[k in K] ~ Normal(0, sd: 1); }", &[("K", "already a size")]);
    refuses("mod m(K) { param K: Real; observed x[k in K] ~ Normal(0, sd: 1); }", &[("K", "already a size")]);
    refuses(
        "mod m { param a: Real; let a = 1; observed x[n in N] ~ Normal(a, sd: 1); }",
        &[("a", "already a `param`")],
    );
    refuses("mod m { observed x[n in N, n in N] ~ Normal(0, sd: 1); }", &[("n", "already bound")]);
}

#[test]
fn an_index_hides_an_outer_name() {
    accepts("mod m { latent s ~ Normal(0, sd: 1); observed x[s in S] ~ Normal(s, sd: 1); }");
}

#[test]
fn keywords_and_methods_are_not_names() {
    refuses(
        "mod m { latent loop ~ Normal(0, sd: 1); observed x[n in N] ~ Normal(loop, sd: 1); }",
        &[("loop", "keyword of Rust"), ("loop", "keyword of Rust")],
    );
    refuses("mod m(step: Real) { observed x[n in N] ~ Normal(step, sd: 1); }", &[("step", "`log_joint`")]);
}

#[test]
fn a_size_needs_a_source() {
    refuses(
        "mod mixture { param weight: Simplex[K]; latent z[n in N] ~ Categorical(weight); param mean[k in K]: Real;
         observed x[n in N] ~ Normal(mean[z[n]], sd: 1); }",
        &[("K", "add it to the header, `mod mixture(K)`")],
    );
    refuses(
        "mod m { latent f[n in M] ~ Normal(0, sd: 1); observed x[n in N] ~ Normal(0, sd: 1); }",
        &[("M", "`M` is not fixed by any data axis")],
    );
    // A param is what is fitted; a constant of the header is there from the start.
    refuses(
        "mod m { param W: Matrix[D, H]; latent f: Vector[H] ~ Normal(0, var: 1); observed x: Vector[D] ~ Normal(W * f, var: 1); }",
        &[("H", "`W` has it as an axis")],
    );
    accepts(
        "mod m(m0: Vector[H]) { latent f ~ Normal(m0, var: 1); observed x ~ Normal(dot(f, m0), sd: 1); }",
    );
}

#[test]
fn sizes_of_the_header_use_earlier_ones() {
    accepts("mod m(W, R = W + 1) { observed x[w in W, r in R] ~ Normal(0, sd: 1); }");
    refuses(
        "mod m(R = W + 1, W) { observed x[w in W, r in R] ~ Normal(0, sd: 1); }",
        &[("W + 1", "earlier sizes of the header")],
    );
}

#[test]
fn roles_say_who_has_a_distribution() {
    refuses(
        "mod m { latent mu: Real; observed x[n in N] ~ Normal(mu, sd: 1); }",
        &[("mu", "needs a distribution")],
    );
    refuses("mod m { observed x[n in N]: Real; }", &[("x", "given x: …;")]);
    refuses("mod m { given x[n in N]; observed y[n in N] ~ Normal(x[n], sd: 1); }", &[("x", "needs a type")]);
    refuses("mod m { param a; observed y[n in N] ~ Normal(a, sd: 1); }", &[("a", "needs a type")]);
    refuses(
        "mod m { given x[n in N]: Real ~ Normal(0, sd: 1); observed y[n in N] ~ Normal(x[n], sd: 1); }",
        &[("Normal(0, sd: 1)", "write `observed x ~ …;`")],
    );
}

#[test]
fn only_observations_can_be_missing() {
    refuses(
        "mod m { latent z[n in N]: Real? ~ Normal(0, sd: 1); observed x[n in N] ~ Normal(z[n], sd: 1); }",
        &[("?", "a latent `z` cannot be missing")],
    );
    refuses(
        "mod m { given x[n in N]: Real?; observed y[n in N] ~ Normal(x[n], sd: 1); }",
        &[("?", "write `observed x: … ? ~ …;`")],
    );
    refuses(
        "mod m { observed x[n in N]: Simplex[K]? ~ Dirichlet(1); }",
        &[("?", "`Simplex[K]` cannot be missing")],
    );
    for kind in ["Real?", "Vector[D]?"] {
        accepts(&format!("mod m {{ observed x[n in N]: {kind} ~ Normal(0, var: 1); }}"));
    }
    accepts("mod m(K) { param p: Simplex[K]; observed z[n in N]: Category[K]? ~ Categorical(p); }");
}

#[test]
fn guards_are_decided_by_givens() {
    refuses(
        "mod m { latent z[n in N] ~ Bernoulli(0.5); observed x[n in N if z[n]] ~ Normal(0, sd: 1); }",
        &[("z[n]", "write `~ match z[…] { … }`")],
    );
    accepts("mod m { given g[n in N]: Real; observed x[n in N if g[n] > 0.5] ~ Normal(0, sd: 1); }");
    // Inside a sum it is a factor.
    let model = accepts(
        "mod m { latent z[n in N] ~ Bernoulli(0.5); observed x ~ Normal(sum(2 for n in N if z[n]), sd: 1); given g[n in N]: Real; }",
    );
    assert!(model.to_string().contains("sum(z[n] * 2 for n in N)"), "{model}");
}

#[test]
fn repeated_latents_stay_inside() {
    refuses(
        "mod m(c: Count) {
            for i in I repeat c { latent z[i] ~ Normal(0, sd: 1); observed x[i] ~ Normal(z[i], sd: 1); }
            observed y[i in I] ~ Normal(z[i], sd: 1);
        }",
        &[("z[i]", "`z` is repeated")],
    );
    refuses(
        "mod m { latent c ~ Poisson(3); for i in I repeat c { observed x[i] ~ Normal(0, sd: 1); } }",
        &[("c", "given Count or Positive")],
    );
}

#[test]
fn constraints_condition_latents() {
    refuses("mod m { observed x ~ Normal(0, sd: 1); constrain x > 0; }", &[("x", "cannot be constrained")]);
    refuses(
        "mod m { param a: Real; observed x ~ Normal(a, sd: 1); constrain a > 0; }",
        &[("constrain a > 0;", "holds no latent")],
    );
    refuses(
        "mod m { latent a ~ Normal(0, sd: 1); observed x ~ Normal(a, sd: 1); constrain a == 0; }",
        &[("=", "probability 0")],
    );
    accepts("mod m { latent a ~ Normal(0, sd: 1); observed x ~ Normal(a, sd: 1); constrain -1 < a <= 2; }");
}

#[test]
fn groups_hold_latents_once() {
    let model = |group: &str| {
        format!(
            "mod m {{ param p: Real; latent mu ~ Normal(0, sd: 1); latent w[d in D] ~ Normal(0, sd: 1);
             observed x[d in D] ~ Normal(mu + w[d] + p, sd: 1); factorize {{ {group} }} }}"
        )
    };
    accepts(&model("q(mu, w[..]); "));
    accepts(&model("q(w[each]): Point; q(mu);"));
    refuses(&model("q(p);"), &[("p", "`p` is a `param`, so it has no posterior")]);
    refuses(&model("q(mu); q(mu, w);"), &[("mu", "`mu` is in two groups")]);
    refuses(&model("q(mu[..]);"), &[("mu", "write `q(mu)`")]);
    refuses(&model("q(nu);"), &[("nu", "nothing is called `nu` here")]);
    refuses(&model("q(D);"), &[("D", "`D` is a size")]);
}

#[test]
fn starting_values_read_what_is_given() {
    let model = |init: &str| {
        format!(
            "mod m(K) {{ given g[k in K]: Real; param mean[k in K]: Real; param p: Simplex[K];
             latent z[n in N] ~ Categorical(p); observed x[n in N] ~ Normal(mean[z[n]], sd: 1); init {{ {init} }} }}"
        )
    };
    accepts(&model("mean[k in K] = g[k]; z[n in N] = onehot(0); p = [1 / K for k in K];"));
    accepts(&model("z[n in N] = 1;"));
    refuses(
        &model("mean[k in K] = x[k];"),
        &[("k", "`k` counts `K`, but `N` is indexed here"), ("x[k]", "cannot read the observed `x`")],
    );
    refuses(&model("x[n in N] = 1;"), &[("x", "so it has no starting value")]);
    refuses(&model("mean = 1;"), &[("mean = 1;", "`mean` is declared with 1 index, and started with 0")]);
    refuses(&model("mean[k in K] = [1, 2];"), &[("[1, 2]", "`Real` is needed")]);
    refuses(&model("mean[n in N] = 1;"), &[("n", "`n` counts `N`, but `K` is indexed here")]);
}

#[test]
fn a_mistake_is_told_once() {
    // The name is unknown in two places; what x and y are follows from it.
    refuses(
        "mod m { observed x[n in N] ~ Normal(mu, sd: 1); observed y[n in N] ~ Normal(mu, sd: 1); }",
        &[("mu", "nothing is called `mu` here")],
    );
    // The statement that would declare mu was not read.
    let (_, mistakes) = super::checked("mod m { latent mu ~ ; observed x[n in N] ~ Normal(mu, sd: 1); }");
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    // A misspelt name beside it still is.
    let (_, mistakes) = super::checked(
        "mod m { latent mu ~ ; param scale: Positive; observed x[n in N] ~ Normal(mu, sd: scael); }",
    );
    assert!(mistakes.iter().any(|m| m.message().contains("did you mean `scale`?")), "{mistakes:?}");
}
