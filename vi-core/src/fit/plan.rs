//! The plan of a model, as the macro rendered it.

use std::fmt;

/// Blocks, updates, schedule, proof or obstacle, and cost of a sweep. `Display` writes all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The name of the model.
    pub model: &'static str,
    /// What is claimed of the posterior.
    pub claim: Claim,
    /// The whole plan in words and equations.
    pub text: &'static str,
}

/// The relation of q to the posterior.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// KL(q ‖ p) = 0: the objective is the log-likelihood.
    Exact,
    /// q is the best product of exact blocks: the objective is a lower bound.
    MeanField,
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Claim::Exact => "EXACT",
            Claim::MeanField => "MEAN-FIELD",
        })
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}
