use vi_core::prelude::*;

model! {
    pub mod dirichlet {
        latent   w ~ Dirichlet(1);
        observed x[n in N] ~ Normal(0, sd: 1);
    }
}

model! {
    pub mod no_value {
        let      a = [];
        let      b = onehot(0);
        observed x[n in N] ~ Normal(b, sd: 1);
    }
}

model! {
    pub mod missing {
        observed S: SymPos[D]? ~ Wishart(dof: D, scale: diag([1 for d in D]));
    }
}

fn main() {}
