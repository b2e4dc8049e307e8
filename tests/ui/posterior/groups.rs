use vi_core::prelude::*;

model! {
    pub mod mixture(K) {
        latent   weight: Simplex[K] ~ Dirichlet(1);
        latent   mean[k in K] ~ Normal(0, sd: 10);
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(mean[z[n]], sd: 1);
        factorize { q(z[..], mean[..]); q(weight); }
    }
}

model! {
    pub mod of_what {
        param    mu: Real;
        latent   a ~ Normal(mu, sd: 1);
        latent   b ~ Normal(mu, sd: 1);
        observed x[n in N] ~ Normal(a + b, sd: 1);
        factorize { q(mu); q(a[..]); q(a, b); }
    }
}

model! {
    pub mod forms {
        latent   a ~ Normal(0, sd: 1);
        latent   b ~ Normal(0, sd: 1);
        latent   c[n in N] ~ Normal(0, sd: 1);
        observed x[n in N] ~ Normal(a + b + c[n], sd: 1);
        factorize { q(a): Laplace; q(c[each], b); }
    }
}

fn main() {}
