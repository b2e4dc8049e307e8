use vi_core::prelude::*;

model! {
    pub mod guarded {
        param    p: Unit;
        given    known[n in N]: Bool;
        latent   on[n in N if not known[n]] ~ Bernoulli(p);
        latent   up[n in N] ~ Bernoulli(p);
        observed x[n in N if not known[n]] ~ Normal(on[n] + up[n], sd: 1);
    }
}

model! {
    pub mod two_units(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Real;
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(mean[z[N-n-1]], sd: 1);
    }
}

model! {
    pub mod nonlinear {
        param    a: Real;   param b: Real;
        observed x[n in N] ~ Normal(exp(a * b), sd: 1);
    }
}

model! {
    pub mod joined_scale {
        given    w[n in N]: Positive;
        param    m: Real;   param r: Positive;
        observed x[n in N] ~ Normal(m, prec: r + w[n]);
    }
}

model! {
    pub mod unknown_bound {
        param    c: Real;
        observed x[n in N] ~ Normal(0, sd: 1, min: c);
    }
}

model! {
    pub mod mixed_pieces {
        given    old[n in N]: Bool;
        param    p: Unit;
        latent   on[0] ~ Bernoulli(p);
        latent   on[n in 1..N if old[n]] ~ Bernoulli(p);
        observed x[n in N if old[n]] ~ Normal(on[n], sd: 1);
    }
}

model! {
    pub mod quantified {
        given    on[n in N]: Bool;
        param    p: Unit;
        latent   z ~ Bernoulli(p);
        observed x ~ Normal(all(on[n] for n in N) + z, sd: 1);
    }
}

fn main() {}
