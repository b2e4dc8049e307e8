use vi_core::prelude::*;

use vi_core::fit::Fit;

fn known<M: vi_core::fit::ExactPosterior>(fit: &Fit<M>) -> f64 {
    fit.log_likelihood()
}

fn bound<M: vi_core::fit::Program>(fit: &Fit<M>) -> f64 {
    fit.log_likelihood()
}

fn evidence<M: vi_core::fit::Program>(fit: &Fit<M>) -> f64 {
    fit.log_evidence()
}

fn main() {}
