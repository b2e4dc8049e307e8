//! The plan as text: the claim, each block and why its steps are licensed, what it costs, and what stands in the way.

use super::Rule;

/// A rule in a few words.
pub fn rule_name(r: &Rule) -> String {
    match r {
        Rule::Sum => "log-sum-exp".into(),
        Rule::Scan { axis } => format!("scan over {axis}"),
        Rule::Tree { axis } => format!("tree over {axis}"),
        Rule::Family { family } => family.clone(),
        Rule::Gaussian { stack: false, .. } => "Gaussian".into(),
        Rule::Gaussian { stack: true, .. } => "Gaussian stack".into(),
        Rule::GaussianScan { axis, .. } => format!("Gaussian scan over {axis}"),
    }
}
