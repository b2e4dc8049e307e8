//! Which reads are of one element: proved where it can be, and never assumed.

use super::{check, check_err, check_not_exact, planned};

/// A mixture whose observations look at two elements under a condition on i, j, f\[i\] and g\[i\].
fn pairs(indices: &str, guard: &str) -> String {
    format!(
        "mod m(N, K) {{ given f[n in N]: Category[N]; given g[n in N]: Category[N];
             param w: Simplex[K]; param B[a in K, b in K]: Real; latent z[n in N] ~ Categorical(w);
             observed y[{indices} if {guard}] ~ Normal(B[z[i], z[j]], sd: 1); }}"
    )
}

const ALONE: &[&str] = &["EXACT", "{z}: z log-sum-exp"];
const COUPLED: &[&str] = &["MEAN-FIELD", "{z} each: z log-sum-exp"];
const IN_PAIRS: &[&str] = &["z: its elements are coupled in pairs"];

#[test]
fn indices_that_a_guard_makes_equal_read_one_element() {
    for guard in ["i == j", "j == i", "i <= j and j <= i", "not (i < j or j < i)", "i == j and f[i] == g[j]"]
    {
        check(&pairs("i in N, j in N", guard), ALONE);
    }
    // By the bounds alone; the guard says nothing of it.
    check(&pairs("i in N, j in i..i + 1", "f[i] == g[i]"), ALONE);
}

#[test]
fn what_is_not_equal_everywhere_stays_two() {
    for guard in ["i <= j", "i != j", "i == j or f[i] == j", "f[i] == f[j]", "i == f[j]"] {
        check_not_exact(&pairs("i in N, j in N", guard), COUPLED, IN_PAIRS);
    }
    check_not_exact(&pairs("i in N, j in i..i + 2", "f[i] == g[i]"), COUPLED, IN_PAIRS);
}

/// An array that is kept once for both orders, and a cause of each row.
fn symmetric(guard: &str, read: &str) -> String {
    format!(
        "mod m(N, K) {{ given f[n in N]: Category[N]; param w: Simplex[K]; param p[k in K, l in K]: Unit;
             latent u[i in N] ~ Categorical(w);
             latent z[i in N, j in N if i <= j] ~ Categorical(w);
             observed y[i in N, j in N if {guard}] ~ Bernoulli(p[{read}, u[i]]); }}"
    )
}

#[test]
fn an_order_that_is_known_reads_one_place_of_a_symmetric_array() {
    for (guard, read) in [("i < j", "z[i, j]"), ("i <= j", "z[i, j]"), ("i < j", "z[j, i]")] {
        check(&symmetric(guard, read), &["EXACT", "{u, z}: z log-sum-exp; u log-sum-exp"]);
    }
    // Below the diagonal z[i, j] is kept at [j, i], and each row has one u[i] still, but its column has others.
    let pairs = "u: its elements are coupled in pairs";
    let many = "u: each element of it touches many elements of z";
    for (guard, read, reason) in
        [("i != j", "z[i, j]", pairs), ("i <= j + 1", "z[i, j]", pairs), ("i < j", "z[f[i], j]", many)]
    {
        check_not_exact(
            &symmetric(guard, read),
            &["MEAN-FIELD", "{u}: u log-sum-exp", "{z}: z log-sum-exp"],
            &[reason],
        );
    }
}

#[test]
fn two_orders_of_one_pair_are_one_element() {
    for (guard, one, other) in [
        ("i < j", "[i, j]", "[j, i]"),
        ("f[i] != j", "[f[i], j]", "[j, f[i]]"),
        ("i != j", "[i, j]", "[j, i]"),
    ] {
        let source = format!(
            "mod m(N, K) {{ given f[n in N]: Category[N]; param w: Simplex[K]; param B[a in K, b in K]: Real;
                 latent z[i in N, j in N if i <= j] ~ Categorical(w);
                 observed y[i in N, j in N if {guard}] ~ Normal(B[z{one}, z{other}], sd: 1); }}"
        );
        check(&source, ALONE);
    }
}

#[test]
fn the_square_of_an_element_is_not_a_product_of_two() {
    // rate = g² where g is read in both orders: its statistics are {log g, g, g²}, of no family. Read as two elements it would be a Gamma.
    let source = |read: &str| {
        format!(
            "mod m(N) {{ latent g[i in N, j in N if i <= j] ~ Gamma(shape: 1, rate: 1);
                 observed y[i in N, j in N if i < j] ~ Poisson(g[i, j] * {read}); }}"
        )
    };
    for read in ["g[j, i]", "g[i, j]"] {
        assert!(!planned(&source(read)).is_ok_and(|p| p.text.contains("Gamma(")), "{read}");
        check_err(&source(read), &["`g`"]);
    }
}

#[test]
fn positions_that_bounds_keep_apart_never_coincide() {
    let source = |indices: &str| {
        format!(
            "mod m(N) {{ latent u[i in N] ~ Gamma(shape: 1, rate: 1);
                 observed y[{indices}] ~ Poisson(u[i] * u[j]); }}"
        )
    };
    for indices in ["i in N, j in N if i != j", "i in N, j in i + 1..N", "i in N, j in 0..i"] {
        check(&source(indices), &["MEAN-FIELD", "{u} each: u Gamma"]);
    }
    check_err(&source("i in N, j in i..N"), &["`u`"]);
}
