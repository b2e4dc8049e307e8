//! What passes between a model and the runtime: statistics, components, terms, workspace.

use super::program::Program;
use crate::engine::covariance::Covariance;
use crate::engine::design::Design;
use crate::engine::gaps::Gaps;
use crate::engine::integrals::Integrals;
use crate::engine::unit::UnitNormals;
use crate::tile::TileBuffer;
use nalgebra::DMatrix;
use std::fmt::Debug;

/// Additive statistics.
pub trait Statistics: Clone + Debug + Send + Sync {
    /// self ← self + other
    fn merge(&mut self, other: &Self);
    /// Whether they have the same cells, so that they may be merged.
    fn fits(&self, _other: &Self) -> bool {
        true
    }
    /// Back to nothing.
    fn clear(&mut self);
    /// All weights times a number.
    fn scale(&mut self, by: f64);
    /// What was summed along with the statistics.
    fn evidence(&mut self) -> &mut Evidence;
}

/// The objective's share of the units that were added.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Evidence {
    /// Σ log p(xₙ; θ) over units.
    pub log: f64,
    /// Σ |log p(xₙ; θ)|: what rounding is measured by.
    pub magnitude: f64,
}

/// One part of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The latents of every unit, and with them the statistics.
    Units,
    /// A block of shared latents.
    Block(usize),
}

/// Latents that are enumerated together.
#[derive(Clone, Copy, Debug)]
pub struct Component {
    /// Its name in messages.
    pub name: &'static str,
    /// Number of independent copies.
    pub units: usize,
    /// Number of joint states.
    pub states: usize,
    /// Number of categories of the first latent.
    pub first: usize,
    /// Whether several categories share the table.
    pub joint: bool,
}

/// A row of a chain of Gaussians for each state of another block's categories.
#[derive(Clone, Copy, Debug)]
pub struct Gate {
    /// The component of the chain.
    pub chain: usize,
    /// The component of the categories.
    pub categories: usize,
    /// Whether the row belongs to the step to a unit of the chain.
    pub step: bool,
}

/// The outcome of an M-step.
#[derive(Clone, Debug)]
pub struct Maximised<M: Program> {
    /// The globals with the new params.
    pub globals: M::Globals,
    /// Params that lie on a bound.
    pub at_boundary: Vec<String>,
    /// What a user should know: a rank-deficient regression, an empty component.
    pub notes: Vec<String>,
}

/// One term of the ELBO.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ElboTerm {
    /// Such as `E log p(x)` or `H(z)`.
    pub name: String,
    /// Nats.
    pub value: f64,
    /// Σ of the absolute values that were added up: what rounding is measured by.
    pub magnitude: f64,
}

impl ElboTerm {
    /// What the term has gained since `before`.
    pub(super) fn since(&self, before: &ElboTerm) -> ElboTerm {
        ElboTerm {
            name: self.name.clone(),
            value: self.value - before.value,
            magnitude: self.magnitude.max(before.magnitude),
        }
    }
}

/// Workspace of one thread.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Columns of data of the current tile.
    pub tile: TileBuffer,
    /// Residuals, or one state's column.
    pub column: TileBuffer,
    /// One design vector.
    pub row: Vec<f64>,
    /// Those of a tile of units.
    pub design: Design,
    /// One for each latent that is integrated out in every state.
    pub integrals: Vec<Integrals>,
    /// Whether they are those of the potentials of the current tile.
    pub integrated: bool,
    /// Σ of absolute values that cancel inside the potentials.
    pub magnitude: f64,
    /// Gaussian latents of the units of the current tile.
    pub normals: UnitNormals,
    /// What a row's Gaussian latents are multiplied with: position in the design vector, latent, coefficient.
    pub spread: Vec<(usize, usize, f64)>,
    /// Missing coordinates of vectors with a dense scale.
    pub gaps: Gaps,
}

impl Scratch {
    /// Workspace where no params are known yet: vectors are completed by what is there of others.
    pub(crate) fn beginning() -> Scratch {
        let mut scratch = Scratch::default();
        scratch.gaps.beginning = true;
        scratch
    }

    /// The first `n` integrals.
    pub fn integrals(&mut self, n: usize) -> &mut [Integrals] {
        if self.integrals.len() < n {
            self.integrals.resize_with(n, Integrals::default);
        }
        &mut self.integrals[..n]
    }
}

/// State 0 of every unit of every component.
#[must_use]
pub fn first_states(components: &[Component]) -> Vec<Vec<usize>> {
    components.iter().map(|c| vec![0; c.units]).collect()
}

/// Entry k becomes what entry `order[k]` was.
pub fn permute<T: Clone>(x: &mut Vec<T>, order: &[usize]) {
    *x = order.iter().map(|&k| x[k].clone()).collect();
}

/// Covariances of blocks of unknowns, one for each copy, under a permutation of their elements: each move is the copy and the unknown of an
/// element, and those from which it comes. Elements of one copy come from one copy.
pub fn carry(covs: &mut [Covariance], moves: &[[[usize; 2]; 2]]) {
    let mut from: Vec<Vec<[usize; 2]>> =
        covs.iter().enumerate().map(|(c, m)| (0..m.unknowns()).map(|i| [c, i]).collect()).collect();
    for [[copy, unknown], old] in moves {
        if let Some(slot) = from.get_mut(*copy).and_then(|f| f.get_mut(*unknown)) {
            *slot = *old;
        }
    }
    let before = covs.to_vec();
    for (cov, from) in covs.iter_mut().zip(&from) {
        let Some([copy, _]) = from.first() else { continue };
        let rows: Vec<usize> = from.iter().map(|[_, row]| *row).collect();
        *cov = before[*copy].renamed(&rows);
    }
}

/// Covariances of blocks of unknowns, one for each copy, of which some became their negatives: each is a copy and an unknown.
pub fn flip(covs: &mut [Covariance], flipped: &[[usize; 2]]) {
    for (c, cov) in covs.iter_mut().enumerate() {
        let mut signs = vec![1.0; cov.unknowns()];
        for [_, unknown] in flipped.iter().filter(|[copy, _]| *copy == c) {
            if let Some(sign) = signs.get_mut(*unknown) {
                *sign = -1.0;
            }
        }
        cov.mirror(&signs);
    }
}

/// Where a component of a line stands in the covariances of its block.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The indices that number the lines.
    pub line: Vec<usize>,
    /// The component.
    pub at: usize,
    /// The copy of the block.
    pub copy: usize,
    /// The unknown.
    pub unknown: usize,
}

/// Covariances of blocks of unknowns, one for each copy, whose lines c became `by` · c.
pub fn turn_lines(covs: &mut [Covariance], mut places: Vec<Place>, by: &DMatrix<f64>) {
    places.sort_unstable();
    for line in places.chunk_by(|a, b| a.line == b.line) {
        let at: Vec<usize> = line.iter().map(|p| p.unknown).collect();
        if let Some(cov) = line.first().and_then(|p| covs.get_mut(p.copy)) {
            crate::engine::rotation::turn_rows(cov, &at, by);
        }
    }
}
