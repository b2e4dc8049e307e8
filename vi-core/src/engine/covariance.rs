//! The covariance of a block of locations that all units share: a matrix, or what of it the model's rows ask for.

use super::gauss::fronts::Fronts;
use super::intercept::Intercept;
use super::law::Whitening;
use crate::Error;
use nalgebra::DMatrix;
use std::sync::Arc;

/// Covariances of numbers, two at a time.
pub trait Entries {
    /// Cov(xᵢ, xⱼ).
    fn entry(&self, i: usize, j: usize) -> f64;

    /// Cov(Σ aᵢ xᵢ, Σ bⱼ xⱼ).
    fn cross(&self, a: &[(usize, f64)], b: &[(usize, f64)]) -> f64 {
        by_entries(self, a, b)
    }

    /// What the numbers are kept as: [`kept`](Self::kept) is of them. `None`: as they are.
    fn intercept(&self) -> Option<&Intercept> {
        None
    }

    /// Cov of numbers as they are kept.
    fn kept(&self, i: usize, j: usize) -> f64 {
        self.entry(i, j)
    }
}

fn by_entries(of: &(impl Entries + ?Sized), a: &[(usize, f64)], b: &[(usize, f64)]) -> f64 {
    let mut s = 0.0;
    for &(i, x) in a {
        for &(j, y) in b {
            s += x * y * of.kept(i, j);
        }
    }
    s
}

impl Entries for DMatrix<f64> {
    #[inline]
    fn entry(&self, i: usize, j: usize) -> f64 {
        self[(i, j)]
    }
}

/// Cov of a block of locations.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Covariance {
    /// Points: no update has been made yet.
    None(Shape),
    /// All of it.
    Matrix(DMatrix<f64>),
    /// All of it, with one number replaced by its value in the midst of the data.
    Centred {
        /// Cov ψ
        matrix: DMatrix<f64>,
        /// Where ψ is.
        intercept: Intercept,
    },
    /// That of fronts; other entries are worked out when they are asked for.
    Fronts {
        /// The joint law about its mean.
        law: Arc<Fronts>,
        /// [`Options::budget`](crate::fit::Options::budget)
        budget: usize,
    },
}

/// What is known of a covariance before its first update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Shape {
    /// Its number of rows.
    pub unknowns: usize,
    /// [`Options::budget`](crate::fit::Options::budget)
    pub budget: usize,
    /// Whether what is asked of it takes all of it.
    pub whole: bool,
    /// Whether it is eliminated front by front however few its rows are.
    #[cfg_attr(feature = "serde", serde(default))]
    pub fronts: bool,
}

impl Shape {
    /// Whether some numbers kept, and additions and multiplications, are no more than of a dense block of `budget` rows.
    pub(super) fn allows(&self, entries: f64, cost: f64) -> bool {
        let budget = self.budget as f64;
        entries <= budget * budget && cost <= budget.powi(3)
    }

    pub(super) fn too_wide(&self, names: &str, entries: f64, cost: f64) -> Error {
        let wide = entries.sqrt().max(cost.cbrt()).ceil();
        Error::TooWide {
            block: names.to_string(),
            unknowns: self.unknowns,
            width: wide as usize,
            budget: self.budget,
        }
    }
}

impl Covariance {
    /// 0, of a block whose rows decide how it is eliminated; of one that is taken as a whole if `whole`.
    ///
    /// # Errors
    /// [`Error::TooWide`] if a block of as many numbers is beyond the budget whatever its rows.
    pub fn none(names: &str, unknowns: usize, budget: usize, whole: bool) -> Result<Covariance, Error> {
        let shape = Shape { unknowns, budget, whole, fronts: false };
        let n = unknowns as f64;
        // A number by itself is never too many.
        let (entries, cost) = if whole { (n * n, n * n * n) } else { (n, n) };
        if unknowns > 1 && !shape.allows(entries, cost) {
            return Err(shape.too_wide(names, n * n, n * n * n));
        }
        Ok(Covariance::None(shape))
    }

    /// The same of a block in which neighbours may be far closer to one another than each is known.
    ///
    /// # Errors
    /// See [`none`](Self::none).
    pub fn of_neighbours(names: &str, unknowns: usize, budget: usize) -> Result<Covariance, Error> {
        Covariance::none(names, unknowns, budget, false)?;
        Ok(Covariance::None(Shape { unknowns, budget, whole: false, fronts: true }))
    }

    /// The variance of one number.
    #[must_use]
    pub fn number(variance: f64) -> Covariance {
        Covariance::Matrix(DMatrix::from_element(1, 1, variance))
    }

    /// Of a matrix that is Cov ψ.
    pub(super) fn centred(self, intercept: Intercept) -> Covariance {
        match self {
            Covariance::Matrix(matrix) => Covariance::Centred { matrix, intercept },
            Covariance::None(_) | Covariance::Centred { .. } | Covariance::Fronts { .. } => self,
        }
    }

    /// The same of points.
    #[must_use]
    pub fn of_points(&self) -> Covariance {
        Covariance::None(self.shape())
    }

    pub(super) fn shape(&self) -> Shape {
        match self {
            Covariance::None(shape) => *shape,
            Covariance::Matrix(m) | Covariance::Centred { matrix: m, .. } => {
                Shape { unknowns: m.nrows(), budget: usize::MAX, whole: true, fronts: false }
            }
            Covariance::Fronts { law, budget } => {
                Shape { unknowns: law.unknowns(), budget: *budget, whole: false, fronts: true }
            }
        }
    }

    /// Number of rows.
    #[must_use]
    pub fn unknowns(&self) -> usize {
        self.shape().unknowns
    }

    /// Cov(xᵢ, xⱼ).
    #[inline]
    #[must_use]
    pub fn entry(&self, i: usize, j: usize) -> f64 {
        match self {
            Covariance::None(_) => 0.0,
            Covariance::Matrix(m) => m[(i, j)],
            Covariance::Centred { matrix, intercept } if i == intercept.id || j == intercept.id => {
                by_entries(matrix, &intercept.apply(&[(i, 1.0)]), &intercept.apply(&[(j, 1.0)]))
            }
            Covariance::Centred { matrix, .. } => matrix[(i, j)],
            Covariance::Fronts { law, .. } => law.covariance(i, j),
        }
    }

    fn plain(&self) -> DMatrix<f64> {
        let n = self.unknowns();
        DMatrix::from_fn(n, n, |i, j| self.entry(i, j))
    }

    /// The matrix, to be changed; none of points.
    pub(super) fn whole(&mut self) -> Option<&mut DMatrix<f64>> {
        if let Covariance::Fronts { law, .. } = self {
            let all: Vec<usize> = (0..law.unknowns()).collect();
            *self = Covariance::Matrix(part(law, &all));
        }
        if let Covariance::Centred { .. } = self {
            *self = Covariance::Matrix(self.plain());
        }
        match self {
            Covariance::Matrix(m) => Some(m),
            Covariance::None(_) | Covariance::Centred { .. } | Covariance::Fronts { .. } => None,
        }
    }

    /// log det of it.
    #[must_use]
    pub fn log_det(&self) -> f64 {
        match self {
            Covariance::None(s) if s.unknowns == 0 => 0.0,
            Covariance::None(_) => f64::NAN,
            // det ∂ψ/∂θ = 1
            Covariance::Matrix(m) | Covariance::Centred { matrix: m, .. } => super::dense::log_det(m),
            Covariance::Fronts { law, .. } => -2.0 * law.log_det(),
        }
    }

    /// Unknown i becomes what `from[i]` was.
    pub(crate) fn renamed(&self, from: &[usize]) -> Covariance {
        match self {
            Covariance::None(_) => self.clone(),
            Covariance::Matrix(m) => {
                Covariance::Matrix(DMatrix::from_fn(m.nrows(), m.ncols(), |i, j| m[(from[i], from[j])]))
            }
            Covariance::Centred { matrix: m, intercept } => Covariance::Centred {
                matrix: DMatrix::from_fn(m.nrows(), m.ncols(), |i, j| m[(from[i], from[j])]),
                intercept: intercept.renamed(from),
            },
            // Of rows that were a law already.
            Covariance::Fronts { law, budget } => match law.renamed(from) {
                Ok(law) => Covariance::Fronts { law: Arc::new(law), budget: *budget },
                Err(_) => self.of_points(),
            },
        }
    }

    /// Unknowns times these signs.
    pub(crate) fn mirror(&mut self, signs: &[f64]) {
        match self {
            Covariance::None(_) => {}
            Covariance::Matrix(m) => mirror(m, signs),
            Covariance::Centred { matrix, intercept } => {
                mirror(matrix, signs);
                intercept.mirror(signs);
            }
            Covariance::Fronts { law, .. } => Arc::make_mut(law).mirror(signs),
        }
    }

    /// Draws about 0 (unknowns × outputs), made of white noise; none of points.
    pub(super) fn colour(&self, mut white: DMatrix<f64>, scale: Whitening<'_>) -> Option<DMatrix<f64>> {
        let columns = scale.root(white.ncols()).ok()?;
        match self {
            Covariance::None(_) => None,
            Covariance::Matrix(m) => {
                Some(crate::linalg::Cholesky::new(m).ok()?.lower() * white * columns.transpose())
            }
            Covariance::Centred { matrix, intercept } => {
                let mut x = crate::linalg::Cholesky::new(matrix).ok()?.lower() * white * columns.transpose();
                intercept.leave(&mut x);
                Some(x)
            }
            Covariance::Fronts { law, .. } => {
                white.as_mut_slice().chunks_exact_mut(law.unknowns().max(1)).for_each(|x| law.colour(x));
                Some(white * columns.transpose())
            }
        }
    }
}

impl Entries for Covariance {
    #[inline]
    fn entry(&self, i: usize, j: usize) -> f64 {
        Covariance::entry(self, i, j)
    }

    fn cross(&self, a: &[(usize, f64)], b: &[(usize, f64)]) -> f64 {
        let within = match self {
            Covariance::None(_) => return 0.0,
            Covariance::Centred { matrix, intercept } => {
                return by_entries(matrix, &intercept.apply(a), &intercept.apply(b));
            }
            Covariance::Matrix(_) => None,
            Covariance::Fronts { law, .. } => law.within_front(a, b),
        };
        within.unwrap_or_else(|| by_entries(self, a, b))
    }

    fn intercept(&self) -> Option<&Intercept> {
        match self {
            Covariance::Centred { intercept, .. } => Some(intercept),
            Covariance::None(_) | Covariance::Matrix(_) | Covariance::Fronts { .. } => None,
        }
    }

    fn kept(&self, i: usize, j: usize) -> f64 {
        match self {
            Covariance::Centred { matrix, .. } => matrix[(i, j)],
            Covariance::None(_) | Covariance::Matrix(_) | Covariance::Fronts { .. } => self.entry(i, j),
        }
    }
}

fn mirror(m: &mut DMatrix<f64>, signs: &[f64]) {
    for (j, mut column) in m.column_iter_mut().enumerate() {
        column.iter_mut().zip(signs).for_each(|(x, s)| *x *= s * signs[j]);
    }
}

/// Cov of some unknowns of fronts: as many entries as the square of their number.
pub(crate) fn part(law: &Fronts, at: &[usize]) -> DMatrix<f64> {
    let mut m = DMatrix::zeros(at.len(), at.len());
    let mut next = 0;
    law.columns(at, |column| {
        (0..=next).for_each(|i| {
            m[(i, next)] = column[at[i]];
            m[(next, i)] = column[at[i]];
        });
        next += 1;
    });
    m
}
