vi_core::model! {
    /// Sequences of Gaussians that count several times.
    pub mod weighted {
        given    c[s in S]: Count;
        param    a: Real;   param q: Positive;   param r: Positive;
        for s in S repeat c[s] {
            latent   x[s, 0]            ~ Normal(0, var: 1);
            latent   x[s, t in 1..T[s]] ~ Normal(a * x[s, t-1], var: q);
            observed y[s, t in T[s]]    ~ Normal(x[s, t], var: r);
        }
    }
}

fn main() {}
