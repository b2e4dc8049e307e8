use vi_core::fit::{Fit, Program};

/// A model of which nothing is proved.
fn likelihood<M: Program>(fit: &Fit<M>) -> f64 {
    fit.log_likelihood()
}

fn posterior<M: Program>(fit: &Fit<M>) -> f64 {
    fit.log_posterior()
}

fn evidence<M: Program>(fit: &Fit<M>) -> f64 {
    fit.log_evidence()
}

fn main() {}
