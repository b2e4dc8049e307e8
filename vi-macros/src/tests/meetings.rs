//! Statements that read categories of several blocks.

use super::expand::expanded;

/// Whether `z`, whose elements also meet each other in `y`, may meet `u` in `x`.
fn with(observed: [&str; 2]) -> String {
    expanded(&format!(
        "pub mod both(K, L) {{
            latent w: Simplex[K] ~ Dirichlet(1);   latent v: Simplex[L] ~ Dirichlet(1);
            param m[k in K, l in L]: Real;
            latent B[a in K, b in K if a <= b] ~ Beta(1, 1);
            latent z[i in N] ~ Categorical(w);
            latent u[i in N] ~ Categorical(v);
            {} {}
            factorize {{ q(z[each]); q(u); }}
        }}",
        observed[0], observed[1]
    ))
}

#[test]
fn elements_that_take_turns_with_each_other_meet_no_other_block_whichever_statement_comes_first() {
    let x = "observed x[i in N] ~ Normal(m[z[i], u[i]], var: 1);";
    let y = "observed y[i in N, j in N if i < j] ~ Bernoulli(B[z[i], z[j]]);";
    for order in [[x, y], [y, x]] {
        let text = with(order);
        assert!(text.contains("categories of two blocks in one statement: not generated yet"), "{text}");
    }
    let alone = with([x, ""]);
    assert!(alone.contains("const MEETINGS"), "{alone}");
}
