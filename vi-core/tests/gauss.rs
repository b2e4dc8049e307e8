//! The Gaussian engine against one dense multivariate Normal, a high-precision reference, and known answers.

#[path = "gauss/dense.rs"]
mod dense;
#[path = "gauss/oracle.rs"]
mod oracle;
