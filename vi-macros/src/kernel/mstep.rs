//! M-steps in terms of statistics: what is added up, and what is read off.

use super::{Design, MatrixRef};
use crate::density::poly::{Exponent, Poly};
use crate::density::symbol::{Cond, Elem, Ix, Var};
use crate::model::ir::{ArrayId, StatementId};

/// One M-step, in terms of statistics.
#[derive(Debug, Clone)]
pub struct MStep {
    pub kind: MStepKind,
    /// The block of shared latents whose q it is; `None` for a point.
    pub block: Option<usize>,
}

#[derive(Debug, Clone)]
pub enum MStepKind {
    /// Natural parameters of one array are added up, then its mode is taken.
    Natural { array: ArrayId, slots: Vec<Slot>, terms: Vec<Contribution> },
    /// A covariance or precision matrix.
    Matrix { array: ArrayId, inverse: bool, terms: Vec<Contribution>, residuals: Vec<MatrixResidual> },
    /// Locations.
    Regression(Regression),
    /// A smooth function of a few numbers.
    Newton { arrays: Vec<ArrayId>, terms: Vec<Contribution> },
}

impl MStepKind {
    /// What it updates.
    pub fn arrays(&self) -> Vec<ArrayId> {
        match self {
            MStepKind::Natural { array, .. } | MStepKind::Matrix { array, .. } => vec![*array],
            MStepKind::Regression(r) => r.arrays.clone(),
            MStepKind::Newton { arrays, .. } => arrays.clone(),
        }
    }
}

/// Which statistic of the param a coefficient multiplies.
#[derive(Debug, Clone, PartialEq)]
pub enum Slot {
    Log,
    Log1m,
    Power(Exponent),
    LogDet,
    /// tr of the inverse
    Inverse,
    Entry,
}

/// coefficient · statistic, summed over some indices, added to one element's natural parameter.
#[derive(Debug, Clone)]
pub struct Contribution {
    pub over: Vec<Var>,
    pub guards: Vec<Cond>,
    /// The element of the param, plates and events.
    pub target: Vec<Ix>,
    pub slot: usize,
    /// Numbers, constants and other params.
    pub coefficient: Poly,
    pub source: Source,
    /// The prior it comes from, if it is no statement of data.
    pub prior: Option<StatementId>,
}

#[derive(Debug, Clone)]
pub enum Source {
    /// A prior: no statistic.
    Prior,
    Sum {
        stat: usize,
        at: Vec<Ix>,
    },
    /// The count of a moment statistic.
    Count {
        stat: usize,
        at: Vec<Ix>,
    },
    /// Σ weight · ρ² at the current locations.
    Residual {
        stat: usize,
        at: Vec<Ix>,
        design: Design,
    },
    /// The square of a residual of a prior.
    Square {
        rho: Poly,
        design: Design,
    },
    /// Σ weight · ρᵀ M ρ of vectors at the current locations, M a precision or the inverse of a covariance.
    Form {
        stat: usize,
        at: Vec<Ix>,
        design: Design,
        event: Var,
        matrix: MatrixRef,
        inverse: bool,
    },
    /// The same of a prior.
    PriorForm {
        rho: Poly,
        design: Design,
        event: Var,
        matrix: MatrixRef,
        inverse: bool,
    },
    /// Gradient and Hessian at the current params.
    Taylor {
        stat: usize,
        at: Vec<Ix>,
    },
}

#[derive(Debug, Clone)]
pub struct MatrixResidual {
    pub over: Vec<Var>,
    pub guards: Vec<Cond>,
    pub target: Vec<Ix>,
    pub factor: Poly,
    pub source: MatrixSource,
}

#[derive(Debug, Clone)]
pub enum MatrixSource {
    Moments { stat: usize, at: Vec<Ix>, design: Design, event: Var },
    Prior { event: Var, rho: Poly, design: Design, statement: StatementId },
}

#[derive(Debug, Clone)]
pub struct Regression {
    pub arrays: Vec<ArrayId>,
    /// Indices every location carries in every residual: the problem splits over them.
    pub batch: Vec<Var>,
    /// Dense residuals whose whitening cancels: one solve for all outputs.
    pub outputs: Option<Var>,
    /// The scale that was left out of the precisions because every one of them holds it, at the batch.
    pub scale: Option<Elem>,
    /// The power of the scale in the precisions.
    pub power: Exponent,
    pub rows: Vec<RegressionRows>,
}

impl Regression {
    /// Whether the covariance of the locations is nothing but theirs: no scale and no outputs beside it.
    pub fn is_unscaled(&self) -> bool {
        self.scale.is_none() && self.outputs.is_none()
    }
}

#[derive(Debug, Clone)]
pub struct RegressionRows {
    /// Cells that are not in the batch.
    pub over: Vec<Var>,
    pub guards: Vec<Cond>,
    pub precision: Poly,
    /// A covariance or precision that does not cancel: the component, the matrix, and whether it is a covariance.
    pub dense: Option<(Var, MatrixRef, bool)>,
    pub source: RegressionSource,
}

impl RegressionRows {
    pub fn design(&self) -> &Design {
        match &self.source {
            RegressionSource::Moments { design, .. } | RegressionSource::Prior { design, .. } => design,
        }
    }
}

#[derive(Debug, Clone)]
pub enum RegressionSource {
    Moments { stat: usize, at: Vec<Ix>, design: Design },
    Prior { rho: Poly, design: Design, statement: StatementId },
}
