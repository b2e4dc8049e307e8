//! The runtime's types of q. Each solver takes the statistics of one exponential family, on the support of its latent: q is of that family.

use crate::model::ir::ElemKind;

/// A type of the runtime, as a path.
pub struct Law {
    pub path: &'static [&'static str],
    /// It can borrow its parameters.
    pub borrows: bool,
}

impl Law {
    pub fn name(&self) -> &'static str {
        self.path.last().copied().unwrap_or_default()
    }
}

/// q of a latent that is updated by itself. A covariance, whose inverse is the statistic, is `inverse`.
pub fn of_support(kind: &ElemKind, inverse: bool) -> Law {
    match (kind, inverse) {
        (ElemKind::Simplex(_), _) => Law { path: &["dist", "Dirichlet"], borrows: true },
        (ElemKind::Unit, _) => Law { path: &["dist", "Beta"], borrows: false },
        (ElemKind::SymPos(_), true) => Law { path: &["dist", "InverseWishart"], borrows: false },
        (ElemKind::SymPos(_), false) => Law { path: &["dist", "Wishart"], borrows: false },
        (
            ElemKind::Real
            | ElemKind::Positive
            | ElemKind::Bool
            | ElemKind::Count
            | ElemKind::Counts(_)
            | ElemKind::Category(_)
            | ElemKind::Ordered(_)
            | ElemKind::Vector(_)
            | ElemKind::Matrix(..),
            _,
        ) => Law { path: &["dist", "PowerGamma"], borrows: false },
    }
}

/// The marginal of a location in a linear block. Where a scale of the same block is integrated out, its tails are heavier.
pub fn of_location(vector: bool, scale_integrated: bool) -> Law {
    match (vector, scale_integrated) {
        (true, true) => Law { path: &["MvStudentT"], borrows: false },
        (true, false) => Law { path: &["dist", "MvNormal"], borrows: true },
        (false, true) => Law { path: &["dist", "StudentT"], borrows: false },
        (false, false) => Law { path: &["dist", "Normal"], borrows: false },
    }
}
