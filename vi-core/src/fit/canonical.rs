//! One orientation of latents that the data determine only up to one.
//!
//! ```text
//! x' = T x        W' = W T⁻¹        A' = T A T⁻¹        Q' = T Q Tᵀ
//! ```
//!
//! say of the data what x, W, A and Q say. T is chosen so that the columns of W' are orthogonal and ordered by their lengths, the longest first,
//! and the largest number of each is positive: W' is U S of the singular value decomposition U S Vᵀ of W. Where the covariance of x, or of its
//! steps, is free, it becomes the identity at first. Where W has a posterior, that of its mean is chosen; and where its prior tells the directions
//! apart, T is their order and their signs.

use super::program::Program;
use super::{Fit, Marginal};
use crate::dist::MvNormal;
use crate::linalg::Cholesky;
use crate::posterior::VectorMixture;
use nalgebra::{DMatrix, DVector};

/// Models in which a Gaussian latent and what it is multiplied with can be oriented: implemented by `model!` only where nothing else tells
/// the directions apart.
#[diagnostic::on_unimplemented(
    message = "no orientation is chosen for the latents of this model",
    label = "something tells their directions apart, or their entries are declared one by one",
    note = "`canonical()` turns vectors, `latent f[n in N]: Vector[H] ~ Normal(0, var: 1);` or a chain of such, and what multiplies them: a `param W: Matrix[D, H];`, or loadings with a Normal prior about 0"
)]
pub trait Canonical: Program {
    /// Turns the params and the laws of the latents.
    fn orient(globals: &mut Self::Globals, posterior: &mut Self::Posterior);
}

impl<M: Program> Fit<M> {
    /// The same fit in the one orientation in which loadings are orthogonal to one another, ordered by their lengths and positive in their
    /// largest entries; of a mixture whose categories have loadings of their own, in each of them.
    ///
    /// Params, the posteriors of the latents, and all that is asked of them from here on are those of the new orientation. The likelihood
    /// and what is predicted are the same to rounding; so is the objective, which is why its trace and its terms stay. A fit of which
    /// [`canonical`](Self::canonical) was asked holds no statistics, and cannot be [updated](Self::update).
    ///
    /// Two directions of one length have no order: then any two that are orthogonal stand for them. Of loadings with a posterior it is the means
    /// that are ordered; where their prior has a relevance for each direction, the fit has found the directions itself, and it is their order and
    /// their signs that are chosen.
    ///
    /// ```
    /// use vi_core::prelude::*;
    ///
    /// model! {
    ///     mod factors(H) {
    ///         param    W: Matrix[D, H];   param mu: Vector[D];   param psi[d in D]: Positive(min: 1e-6);
    ///         latent   f[n in N]: Vector[H] ~ Normal(0, var: 1);
    ///         observed x[n in N] ~ Normal(W * f[n] + mu, var: psi);
    ///     }
    /// }
    /// let x = DMatrix::from_fn(40, 3, |n, d| ((n * (d + 3)) % 11) as f64 + (n % 4) as f64 * d as f64);
    /// let fit = factors::Model::new(2).fit(&factors::Data { x: (&x).into() }, &Options::new())?.canonical();
    /// let products = fit.params.W.transpose() * &fit.params.W;
    /// assert!(products[(0, 1)].abs() < 1e-9 && products[(0, 0)] >= products[(1, 1)]);
    /// # Ok::<(), vi_core::Error>(())
    /// ```
    #[must_use]
    pub fn canonical(&self) -> Fit<M>
    where
        M: Canonical,
    {
        let mut fit = self.clone();
        M::orient(&mut fit.globals, &mut fit.posterior);
        fit.params = M::params(&fit.globals);
        M::share(&fit.globals, &mut fit.posterior);
        // The statistics are of the old directions.
        fit.totals = None;
        fit
    }
}

/// x' = T x.
#[derive(Clone, Debug)]
pub struct Turned {
    /// T: of indices that stand for a component of x.
    pub along: DMatrix<f64>,
    /// T⁻ᵀ: of indices that are summed with x.
    pub against: DMatrix<f64>,
}

impl Turned {
    /// The T that orders these loadings, one row for each number of the data. `scale` is the covariance that becomes the identity.
    ///
    /// Where the covariance is not positive definite or a loading not finite, T changes nothing.
    #[must_use]
    pub fn of(loadings: &[DVector<f64>], scale: Option<&DMatrix<f64>>) -> Turned {
        let width = loadings.first().map_or(0, DVector::len);
        let same =
            || Turned { along: DMatrix::identity(width, width), against: DMatrix::identity(width, width) };
        // Rows of zeros, so that there is a direction for each component even where the data have fewer numbers.
        let mut all = DMatrix::zeros(loadings.len().max(width), width);
        for (i, row) in loadings.iter().enumerate() {
            all.row_mut(i).copy_from(&row.transpose());
        }
        let factor = match scale.map(Cholesky::new) {
            None => None,
            Some(Ok(c)) => Some(c),
            Some(Err(_)) => return same(),
        };
        if let Some(c) = &factor {
            all *= c.lower();
        }
        if width == 0 || !all.iter().all(|x| x.is_finite()) {
            return same();
        }
        let Some(mut turn) = all.clone().svd(false, true).v_t else { return same() };
        let turned = &all * turn.transpose();
        for (j, column) in turned.column_iter().enumerate() {
            if column[column.icamax()] < 0.0 {
                turn.row_mut(j).neg_mut();
            }
        }
        match factor {
            None => Turned { along: turn.clone(), against: turn },
            Some(c) => Turned { along: &turn * c.inverse_lower(), against: turn * c.lower().transpose() },
        }
    }
}

/// An order of directions, and a sign for each: T has `signs[i]` where row i meets column `order[i]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Ordered {
    /// Direction i becomes what `order[i]` was.
    pub order: Vec<usize>,
    /// 1 or −1 for each of the new directions.
    pub signs: Vec<f64>,
}

impl Ordered {
    /// The longest column of these loadings first, each positive in its largest number; one row for each number of the data.
    #[must_use]
    pub fn of(loadings: &[DVector<f64>]) -> Ordered {
        let width = loadings.first().map_or(0, DVector::len);
        let length = |h: usize| loadings.iter().map(|row| row[h] * row[h]).sum::<f64>();
        let mut order: Vec<usize> = (0..width).collect();
        order.sort_by(|a, b| length(*b).total_cmp(&length(*a)));
        let largest = |h: &usize| {
            loadings.iter().map(|row| row[*h]).fold(0.0, |a: f64, b| if b.abs() > a.abs() { b } else { a })
        };
        let signs = order.iter().map(|h| if largest(h) < 0.0 { -1.0 } else { 1.0 }).collect();
        Ordered { order, signs }
    }
}

impl Turned {
    /// The T of an order and signs.
    #[must_use]
    pub fn ordered(order: &[usize], signs: &[f64]) -> Turned {
        let mut along = DMatrix::zeros(order.len(), order.len());
        for (i, (from, sign)) in order.iter().zip(signs).enumerate() {
            along[(i, *from)] = *sign;
        }
        Turned { against: along.clone(), along }
    }

    /// T = Φ^−½ with Φ = Σ scatter / Σ weight: steps of these scatters become standard. `None` where there are none, or Φ is not positive
    /// definite.
    #[must_use]
    pub fn rounding(steps: &[(DMatrix<f64>, f64)]) -> Option<Turned> {
        let (first, rest) = steps.split_first()?;
        let (mut scatter, mut weight) = first.clone();
        for (s, w) in rest {
            scatter += s;
            weight += w;
        }
        let phi = scatter / weight;
        if weight <= 0.0 || !phi.iter().all(|x| x.is_finite()) {
            return None;
        }
        let eigen = phi.symmetric_eigen();
        if !eigen.eigenvalues.iter().all(|x| *x > 0.0 && x.sqrt().recip().is_finite()) {
            return None;
        }
        let power = |f: fn(f64) -> f64| {
            let v = &eigen.eigenvectors;
            v * DMatrix::from_diagonal(&eigen.eigenvalues.map(f)) * v.transpose()
        };
        Some(Turned { along: power(|x| x.sqrt().recip()), against: power(f64::sqrt) })
    }
}

/// Arrays of numbers of which one index turns.
pub trait Turnable: Clone {
    /// new\[i\] = Σⱼ m\[i, j\] old\[j\] along one index.
    fn turn(&mut self, axis: usize, m: &DMatrix<f64>);
    /// All vectors along one index.
    fn lines(&self, axis: usize) -> Vec<DVector<f64>>;
    /// Every number, in one order.
    fn numbers(&self) -> Vec<f64>;
    /// self ← by · self
    fn scale(&mut self, by: f64);
    /// self ← self + by · other
    fn add(&mut self, by: f64, other: &Self);
}

impl Turnable for f64 {
    fn turn(&mut self, _axis: usize, _m: &DMatrix<f64>) {}

    fn lines(&self, _axis: usize) -> Vec<DVector<f64>> {
        vec![]
    }

    fn numbers(&self) -> Vec<f64> {
        vec![*self]
    }

    fn scale(&mut self, by: f64) {
        *self *= by;
    }

    fn add(&mut self, by: f64, other: &f64) {
        *self += by * other;
    }
}

impl Turnable for DVector<f64> {
    fn turn(&mut self, _axis: usize, m: &DMatrix<f64>) {
        *self = m * &*self;
    }

    fn lines(&self, _axis: usize) -> Vec<DVector<f64>> {
        vec![self.clone()]
    }

    fn numbers(&self) -> Vec<f64> {
        self.iter().copied().collect()
    }

    fn scale(&mut self, by: f64) {
        *self *= by;
    }

    fn add(&mut self, by: f64, other: &Self) {
        self.axpy(by, other, 1.0);
    }
}

impl Turnable for DMatrix<f64> {
    fn turn(&mut self, axis: usize, m: &DMatrix<f64>) {
        *self = if axis == 0 { m * &*self } else { &*self * m.transpose() };
    }

    fn lines(&self, axis: usize) -> Vec<DVector<f64>> {
        match axis {
            0 => self.column_iter().map(|c| c.into_owned()).collect(),
            _ => self.row_iter().map(|r| r.transpose()).collect(),
        }
    }

    fn numbers(&self) -> Vec<f64> {
        self.iter().copied().collect()
    }

    fn scale(&mut self, by: f64) {
        *self *= by;
    }

    fn add(&mut self, by: f64, other: &Self) {
        *self += other * by;
    }
}

impl<T: Turnable> Turnable for Vec<T> {
    fn turn(&mut self, axis: usize, m: &DMatrix<f64>) {
        if axis > 0 {
            self.iter_mut().for_each(|x| x.turn(axis - 1, m));
            return;
        }
        let old = self.clone();
        for (i, x) in self.iter_mut().enumerate() {
            x.scale(0.0);
            old.iter().enumerate().for_each(|(j, y)| x.add(m[(i, j)], y));
        }
    }

    fn lines(&self, axis: usize) -> Vec<DVector<f64>> {
        if axis > 0 {
            return self.iter().flat_map(|x| x.lines(axis - 1)).collect();
        }
        let each: Vec<Vec<f64>> = self.iter().map(Turnable::numbers).collect();
        let len = each.first().map_or(0, Vec::len);
        (0..len).map(|n| DVector::from_fn(each.len(), |i, _| each[i][n])).collect()
    }

    fn numbers(&self) -> Vec<f64> {
        self.iter().flat_map(Turnable::numbers).collect()
    }

    fn scale(&mut self, by: f64) {
        self.iter_mut().for_each(|x| x.scale(by));
    }

    fn add(&mut self, by: f64, other: &Self) {
        self.iter_mut().zip(other).for_each(|(x, y)| x.add(by, y));
    }
}

/// Covariances and precisions, in arrays or alone: both indices turn.
pub trait TurnBoth {
    /// C ← m C mᵀ
    fn turn_both(&mut self, m: &DMatrix<f64>);
}

impl TurnBoth for DMatrix<f64> {
    fn turn_both(&mut self, m: &DMatrix<f64>) {
        let turned = m * &*self * m.transpose();
        *self = (&turned + turned.transpose()) * 0.5;
    }
}

impl<T: TurnBoth> TurnBoth for Vec<T> {
    fn turn_both(&mut self, m: &DMatrix<f64>) {
        self.iter_mut().for_each(|x| x.turn_both(m));
    }
}

/// Laws of a latent, in arrays or alone.
pub trait TurnLaw {
    /// The law of T x; given each category, by its own T where there are several.
    fn turn_law(&mut self, turned: &[Turned]);
}

/// The law of T x, by the factor of its covariance: T L = (Q R)ᵀ. `None` where that is singular to rounding.
fn law(of: &MvNormal<'static>, t: &DMatrix<f64>) -> Option<MvNormal<'static>> {
    let mut root = (t * of.covariance_factor()?).transpose().qr().r();
    for i in 0..root.nrows() {
        if root[(i, i)] < 0.0 {
            root.row_mut(i).neg_mut();
        }
    }
    let mean = t * of.expectation();
    MvNormal::mean_chol(mean.as_slice(), &root.transpose()).ok().map(MvNormal::into_owned)
}

impl TurnLaw for Marginal<MvNormal<'static>> {
    fn turn_law(&mut self, turned: &[Turned]) {
        let [t, ..] = turned else { return };
        match self {
            Marginal::Unset => {}
            Marginal::Point(x) => *x = &t.along * &*x,
            Marginal::Law(x) => *self = law(x, &t.along).map_or(Marginal::Unset, Marginal::Law),
        }
    }
}

impl TurnLaw for Marginal<VectorMixture<MvNormal<'static>>> {
    fn turn_law(&mut self, turned: &[Turned]) {
        let [first, ..] = turned else { return };
        match self {
            Marginal::Unset => {}
            Marginal::Point(x) => *x = &first.along * &*x,
            Marginal::Law(x) => {
                let own = |s: usize| &turned.get(s).unwrap_or(first).along;
                let each: Option<Vec<_>> =
                    x.components().iter().enumerate().map(|(s, c)| law(c, own(s))).collect();
                let made = each.and_then(|each| VectorMixture::new(x.weights().to_vec(), each).ok());
                *self = made.map_or(Marginal::Unset, Marginal::Law);
            }
        }
    }
}

impl<T: TurnLaw> TurnLaw for Vec<T> {
    fn turn_law(&mut self, turned: &[Turned]) {
        self.iter_mut().for_each(|x| x.turn_law(turned));
    }
}
