use vi_core::prelude::*;
model! {
    pub mod moving_average {
        param    theta: Real; param q: Positive; param r: Positive;
        latent   e[t in T]       ~ Normal(0, var: q);
        observed y[0]: Real?     ~ Normal(e[0], var: r);
        observed y[t in 1..T]: Real? ~ Normal(e[t] + theta * e[t-1], var: r);
    }
}
model! {
    pub mod reads_missing {
        param    g: Real; param q: Positive; param r: Positive;
        latent   x[0]            ~ Normal(0, var: 1);
        latent   x[t in 1..T]    ~ Normal(0.9 * x[t-1], var: q);
        observed y[0]: Real?     ~ Normal(x[0], var: r);
        observed y[t in 1..T]: Real? ~ Normal(x[t] + g * y[t-1], var: r);
    }
}
model! {
    pub mod autoregression {
        param    a: Real; param b: Real; param q: Positive;
        observed y[0]: Real?     ~ Normal(0, var: 4);
        observed y[t in 1..T]: Real? ~ Normal(a * y[t-1] + b, var: q);
    }
}
model! {
    pub mod common_and_own {
        param    a: Real; param c[d in D]: Real; param q: Positive; param w: Positive; param r: Positive;
        latent   x[0]            ~ Normal(0, var: 1);
        latent   x[t in 1..T]    ~ Normal(a * x[t-1], var: q);
        latent   z[0]: Vector[D] ~ Normal(0, var: 1);
        latent   z[t in 1..T]    ~ Normal(0.5 * z[t-1], var: w);
        observed y[t in T, d in D]: Real? ~ Normal(c[d] * x[t] + z[t][d], var: r);
    }
}
model! {
    pub mod mid_missing {
        param    k: Real; param s: Positive; param r: Positive;
        latent   f[n in N] ~ Normal(0, var: 1);
        observed u[n in N]: Real? ~ Normal(f[n], var: s);
        observed w[n in N]: Real? ~ Normal(k * u[n] + 1, var: r);
    }
}
model! {
    pub mod weighted {
        given    c[s in S]: Count;
        param    a: Real; param q: Positive; param r: Positive; param m: Real; param b: Real;
        for s in S repeat c[s] {
            latent   x[s, 0]             ~ Normal(m, var: 1);
            latent   x[s, t in 1..T[s]]  ~ Normal(a * x[s, t-1], var: q);
            observed y[s, t in T[s]]: Real? ~ Normal(x[s, t] + b, var: r);
        }
    }
}
model! {
    pub mod rows_missing(H) {
        param    A: Matrix[H, H];  param Q: SymPos[H]; param C: Matrix[D, H]; param R: SymPos[D]; param mu: Vector[D];
        for s in S {
            latent   x[s, 0]: Vector[H]     ~ Normal(0, var: 1);
            latent   x[s, t in 1..T[s]]     ~ Normal(A * x[s, t-1], cov: Q);
            observed y[s, t in T[s]]: Vector[D]? ~ Normal(C * x[s, t] + mu, cov: R);
        }
    }
}
model! {
    pub mod inputs_collinear {
        given    u[t in T]: Vector[U];
        param    a: Real; param w: Vector[U]; param v: Vector[U]; param q: Positive; param r: Positive;
        latent   x[0]            ~ Normal(0, var: 1);
        latent   x[t in 1..T]    ~ Normal(a * x[t-1] + dot(w, u[t]), var: q);
        observed y[t in T]: Real? ~ Normal(x[t] + dot(v, u[t]), var: r);
    }
}
model! {
    pub mod noise_of_rows {
        given    L: Matrix[D, D];
        param    W: Matrix[D, H]; param s2: Positive;
        latent   g: Vector[H] ~ Normal(0, var: 3);
        latent   f[n in N]: Vector[H] ~ Normal(g, var: s2);
        observed x[n in N]: Vector[D] ~ Normal(W * f[n], chol: L);
    }
}
macro_rules! all {
    ($m:ident, $f:ident) => {
        fn $f(fit: &Fit<$m::Model>, d: &$m::Data<'_>, p: &$m::Params) {
            let _ = fit.filter(d);
            let _ = fit.online();
            let _ = fit.forecast(d, 3);
            let _ = fit.log_densities(d);
            let _ = fit.model.simulate(p, d, 1);
        }
    };
}
all!(moving_average, f1);
all!(reads_missing, f2);
all!(autoregression, f3);
all!(common_and_own, f4);
all!(mid_missing, f5);
all!(weighted, f6);
all!(rows_missing, f7);
all!(inputs_collinear, f8);
all!(noise_of_rows, f9);
fn main() {}
