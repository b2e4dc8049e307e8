//! Linear Gaussian models of units: factors, regressions, hierarchies, missing entries.
#![allow(missing_docs, reason = "the modules that `model!` writes here are nobody's interface")]

mod by_component;
mod canonical;
mod evidence_of_regressions;
mod expansion;
mod factor_shapes;
mod fill;
mod growth_curves;
mod holes;
mod incomplete_more;
mod incomplete_rows;
mod joint;
mod known_in_part;
mod least_squares;
mod local_normals;
mod mixing;
mod orientations;
mod ratings;
mod read_once;
mod rotation;
mod scaled_matrices;
mod schools_in_many_forms;
mod uncertain_hostile;
mod uncertain_limits;
mod uncertain_normals;
mod uncertain_variants;
mod unit_effects;
