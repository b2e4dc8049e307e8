//! The Gaussian engine against one dense multivariate Normal, a high-precision reference, and known answers.

#[path = "gauss/chain.rs"]
mod chain;
#[path = "gauss/dense.rs"]
mod dense;
#[path = "gauss/em.rs"]
mod em;
#[path = "gauss/learning.rs"]
mod learning;
#[path = "gauss/oracle.rs"]
mod oracle;
#[path = "gauss/reference.rs"]
mod reference;
#[path = "gauss/scan.rs"]
mod scan;
#[path = "gauss/tree.rs"]
mod tree;
