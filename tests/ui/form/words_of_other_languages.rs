use vi_core::prelude::*;

model! {
    pub mod m {
        given    on[n in N]: bool;
        param    w: Vector<D>;
        param    scale: Positive;
        latent   u[n in 1:N] ~ Normal(0, sd = scale);
        observed x[n in 0..=N] ~ if on[n] { Normal(0, sd: 1) } else { Normal(0, sd: 2) };
        let      both = on[0] && on[1];
    }
}

fn main() {}
