use vi_core::prelude::*;

model! {
    pub mod m {
        latent   a ~ Normal(b, sd: 1);
        latent   b ~ Normal(c, sd: 1);
        latent   c ~ Normal(a, sd: 1);
        observed x[n in N] ~ Normal(a, sd: 1);
    }
}

model! {
    pub mod both_ways {
        latent   z[t in 1..T-1] ~ Normal(z[t-1] + z[t+1], sd: 1);
        latent   z[0]   ~ Normal(0, sd: 1);
        latent   z[T-1] ~ Normal(0, sd: 1);
        observed x[t in T] ~ Normal(z[t], sd: 1);
    }
}

model! {
    pub mod lets {
        let      a = b + 1;
        let      b = a + 1;
        observed x[n in N] ~ Normal(a, sd: 1);
    }
}

model! {
    pub mod through_a_map {
        given    parent[n in N]: Category[N];
        latent   z[n in N] ~ Normal(z[parent[n]], sd: 1);
        observed x[n in N] ~ Normal(z[n], sd: 1);
    }
}

fn main() {}
