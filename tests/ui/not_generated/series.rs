vi_core::model! {
    /// A value that is missing is read by the step after it.
    pub mod autoregression {
        param    a: Real;   param q: Positive;
        observed y[0]: Real?         ~ Normal(0, var: 4);
        observed y[t in 1..T]: Real? ~ Normal(a * y[t-1], var: q);
    }
}

vi_core::model! {
    /// A value that is missing is read by another statement of its unit.
    pub mod mediator {
        param    k: Real;   param s: Positive;   param r: Positive;
        latent   f[n in N]        ~ Normal(0, var: 1);
        observed u[n in N]: Real? ~ Normal(f[n], var: s);
        observed w[n in N]        ~ Normal(k * u[n], var: r);
    }
}

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
