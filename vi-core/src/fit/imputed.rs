//! What is said of elements that were not observed: mixtures of the laws they have in each state of their unit.
//!
//! ```text
//! E x = Σₛ q(s) E(x | s)          Var x = Σₛ q(s) (Var(x | s) + (E(x | s) − E x)²)          p(x = v) = Σₛ q(s) p(v | s)
//! ```

use crate::dist;
use nalgebra::{DMatrix, DVector};

/// Indices of an element; an array has at most three. Unused ones are 0.
type At = [usize; 3];

/// Mean and variance of one element.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MeanVar {
    mean: f64,
    var: f64,
    shape: Shape,
    error: f64,
}

/// What is known of a law besides its mean and variance.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum Shape {
    #[default]
    Other,
    Normal,
    /// Student's t with this scale and so many degrees of freedom.
    Student(f64, f64),
}

impl MeanVar {
    fn new(mean: f64, var: f64, shape: Shape) -> MeanVar {
        MeanVar { mean, var, shape, error: 0.0 }
    }

    /// E x; NaN where the law has none, or none in closed form: a Cauchy, a truncated law.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// E (x − E x)²
    #[must_use]
    pub fn var(&self) -> f64 {
        self.var
    }

    /// √Var x
    #[must_use]
    pub fn sd(&self) -> f64 {
        self.var.sqrt()
    }

    /// The standard error of the mean, where it was averaged over draws of latents that all units share; else 0.
    #[must_use]
    pub fn error(&self) -> f64 {
        self.error
    }

    /// Takes the moments at one more draw into those of `n` draws: Var x = mean of variances + variance of means.
    fn average(&mut self, next: MeanVar, n: usize) {
        let (before, after) = (n as f64, n as f64 + 1.0);
        let mut squares = self.error * self.error * before * (before - 1.0).max(0.0);
        let within = self.var - if n > 1 { squares / (before - 1.0) } else { 0.0 };
        let gap = next.mean - self.mean;
        let mean = self.mean + gap / after;
        squares += gap * (next.mean - mean);
        let within = within + (next.var - within) / after;
        let var = within + squares / before;
        *self = MeanVar { mean, var, shape: Shape::Other, error: (squares / (before * after)).sqrt() };
    }

    /// The interval that leaves (1 − level)/2 on either side. `None` unless the law is a Normal or Student's t: what depends on Gaussian
    /// latents is, a mixture over categories is not.
    #[must_use]
    pub fn interval(&self, level: f64) -> Option<(f64, f64)> {
        match self.shape {
            Shape::Other => None,
            Shape::Normal => Some(dist::Normal::mean_var(self.mean, self.var).interval(level)),
            Shape::Student(scale, dof) => {
                Some(dist::StudentT::mean_scale_dof(self.mean, scale, dof).interval(level))
            }
        }
    }

    /// Degrees of freedom, where the law is Student's t.
    #[must_use]
    pub fn dof(&self) -> Option<f64> {
        match self.shape {
            Shape::Other | Shape::Normal => None,
            Shape::Student(_, dof) => Some(dof),
        }
    }

    /// The Normal that the law is.
    pub(super) fn normal(&self) -> Option<dist::Normal> {
        match self.shape {
            Shape::Normal => Some(dist::Normal::mean_var(self.mean, self.var)),
            Shape::Other | Shape::Student(..) => None,
        }
    }
}

/// What was found for the elements of an array that had no value; the others are not here.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Imputed<T> {
    rank: usize,
    /// In the order of their indices.
    elements: Vec<(At, T)>,
    /// Of vectors whose law is Normal, the covariances of all components, and which of them had no value.
    covs: Vec<(At, Cov)>,
}

/// The covariance of the components of a vector that had no value.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Cov {
    size: usize,
    /// By rows.
    values: Vec<f64>,
}

/// Moments of numbers that had no value.
pub type ImputedNumbers = Imputed<MeanVar>;

/// Probabilities of the categories of elements that had no value.
pub type ImputedCategories = Imputed<Vec<f64>>;

impl<T> Default for Imputed<T> {
    fn default() -> Self {
        Imputed { rank: 0, elements: vec![], covs: vec![] }
    }
}

impl<T> Imputed<T> {
    /// Number of elements without a value.
    #[must_use]
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// Whether every element had a value, or locals were not kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// What is said of the element at these indices: `None` if it had a value.
    #[must_use]
    pub fn get<const R: usize>(&self, at: [usize; R]) -> Option<&T> {
        if R != self.rank {
            return None;
        }
        let position = self.elements.binary_search_by_key(&padded(&at), |e| e.0).ok()?;
        Some(&self.elements[position].1)
    }

    /// Indices of the elements, and what is said of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[usize], &T)> {
        self.elements.iter().map(|(at, x)| (&at[..self.rank], x))
    }

    /// The covariance of those components of a vector that had no value, in their order; `None` unless their law is a Normal.
    #[must_use]
    pub fn cov<const R: usize>(&self, at: [usize; R]) -> Option<DMatrix<f64>> {
        if R + 1 != self.rank {
            return None;
        }
        let position = self.covs.binary_search_by_key(&padded(&at), |e| e.0).ok()?;
        let cov = &self.covs[position].1;
        Some(DMatrix::from_row_slice(cov.size, cov.size, &cov.values))
    }

    /// The same elements have no value at every draw.
    fn average_by(&mut self, next: Self, before: usize, take: impl Fn(&mut T, T)) {
        if before == 0 {
            *self = next;
        } else {
            self.elements.iter_mut().zip(next.elements).for_each(|((_, mean), (_, next))| take(mean, next));
        }
    }

    fn insert(&mut self, at: &[usize], value: T) {
        self.rank = at.len();
        let at = padded(at);
        // Statements are walked in the order of their indices; only where several declare one array does an element come late.
        match self.elements.last() {
            Some(last) if last.0 >= at => {
                let position = self.elements.partition_point(|e| e.0 < at);
                self.elements.insert(position, (at, value));
            }
            _ => self.elements.push((at, value)),
        }
    }
}

impl ImputedNumbers {
    /// A Normal with this mean and variance.
    #[doc(hidden)]
    pub fn give(&mut self, at: &[usize], mean: f64, var: f64) {
        self.insert(at, MeanVar::new(mean, var, Shape::Normal));
    }

    /// Takes what was found at one more draw into the mean of the `before` draws that came first.
    #[doc(hidden)]
    pub fn average(&mut self, next: Self, before: usize) {
        self.average_by(next, before, |mean, next| mean.average(next, before));
        self.covs.clear();
    }
}

impl ImputedCategories {
    /// The same of probabilities.
    #[doc(hidden)]
    pub fn average(&mut self, next: Self, before: usize) {
        let share = 1.0 / (before as f64 + 1.0);
        self.average_by(next, before, |mean, next| {
            mean.iter_mut().zip(next).for_each(|(p, q)| *p += share * (q - *p));
        });
    }
}

fn padded(at: &[usize]) -> At {
    let mut out = [0; 3];
    out.iter_mut().zip(at).for_each(|(to, i)| *to = *i);
    out
}

/// Adds up the laws of one element, state by state.
#[derive(Clone, Debug, Default)]
pub struct Mixture {
    weight: f64,
    /// Mean and Σ of squares about it, for each component.
    moments: Vec<(f64, f64)>,
    probabilities: Vec<f64>,
    /// Whether what is mixed are Normals over points of a Gaussian that they are linear in, so that the mixture stands for a Normal.
    normal: bool,
    /// Of such vectors, sums of products about the means, by rows.
    products: Vec<f64>,
    /// Whether the variance has no bound.
    infinite: bool,
    /// Degrees of freedom of Student's t whose squared scale the variance is.
    dof: Option<f64>,
}

impl Mixture {
    /// The components are points of a Gaussian, and the laws Normals that are linear in it.
    pub fn over_points(&mut self) {
        self.normal = true;
    }

    /// What is mixed are laws at the expectation of a scale that is Gamma with this shape, over points of a Gaussian measured in it.
    pub fn over_scale(&mut self, shape: f64) {
        self.dof = Some(2.0 * shape);
    }

    /// With probability `weight`, the variance is that of a scale whose expectation does not exist.
    pub fn without_variance(&mut self, weight: f64) {
        self.infinite |= weight > 0.0;
    }

    /// With probability `weight`, the components have these means and variances. A weight of 0 adds nothing, whatever they are.
    pub fn add(&mut self, weight: f64, law: &impl Moments) {
        if weight > 0.0 {
            let moments = law.moments();
            let wanted = self.normal && moments.len() > 1;
            self.add_moments(weight, moments, wanted.then(|| law.covariance()));
        }
    }

    /// The same of a vector, given the components that `value` has.
    pub fn add_given(&mut self, weight: f64, law: &impl Given, value: impl Fn(usize) -> Option<f64>) {
        if weight > 0.0 {
            let moments = law.moments_given(&value);
            let wanted = self.normal && moments.len() > 1;
            self.add_moments(weight, moments, wanted.then(|| law.covariance_given(&value)));
        }
    }

    fn add_moments(&mut self, weight: f64, moments: Vec<(f64, f64)>, covariance: Option<DMatrix<f64>>) {
        self.weight += weight;
        let d = moments.len();
        self.moments.resize(d, (0.0, 0.0));
        if let Some(own) = covariance {
            self.products.resize(d * d, 0.0);
            let share = weight / self.weight;
            let gaps: Vec<f64> = moments.iter().zip(&self.moments).map(|(m, o)| m.0 - o.0).collect();
            for i in 0..d {
                for j in 0..d {
                    let apart = gaps[i] * gaps[j] * (1.0 - share);
                    self.products[i * d + j] += weight * (own[(i, j)] + apart);
                }
            }
        }
        // The weighted recurrence of West (1979): no difference of squares.
        for ((mean, square), (m, v)) in self.moments.iter_mut().zip(moments) {
            let gap = m - *mean;
            *mean += gap * weight / self.weight;
            *square += weight * (v + gap * (m - *mean));
        }
    }

    /// With probability `weight`, one of so many categories follows this law.
    pub fn add_finite(&mut self, weight: f64, categories: usize, law: &impl Finite) {
        if weight > 0.0 {
            self.probabilities.resize(categories, 0.0);
            for (k, p) in self.probabilities.iter_mut().enumerate() {
                *p += weight * law.log_probability(k).exp();
            }
        }
    }

    /// The moments of a number.
    pub fn give_number(&self, to: &mut ImputedNumbers, at: &[usize]) {
        if let Some(m) = self.marginal(0) {
            to.insert(at, m);
        }
    }

    /// The moments of those components of a vector that `missing` says have no value.
    pub fn give_vector(&self, to: &mut ImputedNumbers, at: &[usize], missing: impl Fn(usize) -> bool) {
        if !self.products.is_empty() {
            let d = self.moments.len();
            let absent: Vec<usize> = (0..d).filter(|d| missing(*d)).collect();
            let values = absent.iter().flat_map(|i| absent.iter().map(move |j| (*i, *j)));
            // Of Student's t the covariance is a multiple of the scale matrix.
            let more = self.dof.map_or(1.0, |n| if n > 2.0 { n / (n - 2.0) } else { f64::INFINITY });
            let values = values.map(|(i, j)| match self.products[i * d + j] / self.weight {
                0.0 => 0.0,
                x => more * x,
            });
            let values = values.collect();
            let (at, cov) = (padded(at), Cov { size: absent.len(), values });
            let position = to.covs.partition_point(|e| e.0 < at);
            to.covs.insert(position, (at, cov));
        }
        let mut indices = [0; 3];
        for d in (0..self.moments.len()).filter(|d| missing(*d)) {
            let rank = at.len().min(2);
            indices[..rank].copy_from_slice(&at[..rank]);
            indices[rank] = d;
            if let Some(m) = self.marginal(d) {
                to.insert(&indices[..=rank], m);
            }
        }
    }

    /// The probabilities of a category.
    pub fn give_category(self, to: &mut ImputedCategories, at: &[usize]) {
        if !self.probabilities.is_empty() {
            to.insert(at, self.probabilities);
        }
    }

    fn marginal(&self, d: usize) -> Option<MeanVar> {
        let &(mean, square) = self.moments.get(d)?;
        let var = square / self.weight;
        Some(match self.dof {
            _ if self.infinite => MeanVar::new(mean, f64::INFINITY, Shape::Other),
            Some(dof) => {
                let law = dist::StudentT::mean_scale_dof(mean, var.sqrt(), dof);
                MeanVar::new(mean, law.variance(), Shape::Student(var.sqrt(), dof))
            }
            None if self.normal => MeanVar::new(mean, var, Shape::Normal),
            None => MeanVar::new(mean, var, Shape::Other),
        })
    }
}

/// Mean and variance of each component.
pub trait Moments {
    /// One pair for a number, one for each component of a vector.
    fn moments(&self) -> Vec<(f64, f64)>;

    /// The covariance of the components.
    fn covariance(&self) -> DMatrix<f64> {
        DMatrix::from_diagonal(&DVector::from_vec(self.moments().iter().map(|m| m.1).collect()))
    }
}

/// The same given the components that have a value.
pub trait Given {
    /// One pair for each component.
    fn moments_given(&self, value: impl Fn(usize) -> Option<f64>) -> Vec<(f64, f64)>;

    /// The covariance of the components: zeros where one has a value.
    fn covariance_given(&self, value: impl Fn(usize) -> Option<f64>) -> DMatrix<f64>;
}

impl Given for dist::MvNormal<'_> {
    fn moments_given(&self, value: impl Fn(usize) -> Option<f64>) -> Vec<(f64, f64)> {
        dist::MvNormal::moments_given(self, value)
    }

    fn covariance_given(&self, value: impl Fn(usize) -> Option<f64>) -> DMatrix<f64> {
        dist::MvNormal::covariance_given(self, value)
    }
}

/// Independent components say nothing of one another.
impl Given for dist::DiagNormal<'_> {
    fn moments_given(&self, _value: impl Fn(usize) -> Option<f64>) -> Vec<(f64, f64)> {
        self.moments()
    }

    fn covariance_given(&self, value: impl Fn(usize) -> Option<f64>) -> DMatrix<f64> {
        let variance = |d: usize, v: f64| if value(d).is_some() { 0.0 } else { v };
        let all = self.moments();
        DMatrix::from_diagonal(&DVector::from_fn(all.len(), |d, _| variance(d, all[d].1)))
    }
}

/// A law of a category or a Bool.
pub trait Finite {
    /// log p(x = k); false is 0 and true is 1.
    fn log_probability(&self, k: usize) -> f64;
}

impl Finite for dist::Categorical<'_> {
    fn log_probability(&self, k: usize) -> f64 {
        self.log_density(k)
    }
}

impl Finite for dist::Bernoulli {
    fn log_probability(&self, k: usize) -> f64 {
        self.log_density(k == 1)
    }
}

impl Finite for dist::UniformCategory {
    fn log_probability(&self, k: usize) -> f64 {
        self.log_density(k)
    }
}

impl Finite for dist::Constant<usize> {
    fn log_probability(&self, k: usize) -> f64 {
        self.log_density(k)
    }
}

impl Finite for dist::Constant<bool> {
    fn log_probability(&self, k: usize) -> f64 {
        self.log_density(k == 1)
    }
}

macro_rules! of_numbers {
    ($($family:ident),* $(,)?) => { $(
        impl Moments for dist::$family {
            fn moments(&self) -> Vec<(f64, f64)> {
                vec![(self.expectation(), self.variance())]
            }
        }
    )* };
}

of_numbers! {
    Beta, Binomial, Exponential, Gamma, Geometric, InverseGamma, Laplace, LogNormal, NegativeBinomial, Normal, Poisson, StudentT,
    Uniform,
}

macro_rules! of_vectors {
    ($($family:ident),* $(,)?) => { $(
        impl Moments for dist::$family<'_> {
            fn moments(&self) -> Vec<(f64, f64)> {
                self.expectation().iter().copied().zip(self.variance().iter().copied()).collect()
            }
        }
    )* };
}

of_vectors! { DiagNormal, Dirichlet, Multinomial }

impl Moments for dist::MvNormal<'_> {
    fn moments(&self) -> Vec<(f64, f64)> {
        self.expectation().iter().copied().zip(self.variance().diagonal().iter().copied()).collect()
    }

    fn covariance(&self) -> DMatrix<f64> {
        self.variance()
    }
}

impl Moments for dist::Cauchy {
    fn moments(&self) -> Vec<(f64, f64)> {
        vec![(f64::NAN, f64::NAN)]
    }
}

impl Moments for dist::Constant<u64> {
    fn moments(&self) -> Vec<(f64, f64)> {
        vec![(self.expectation() as f64, self.variance())]
    }
}

impl Moments for dist::Constant<f64> {
    fn moments(&self) -> Vec<(f64, f64)> {
        vec![(self.expectation(), self.variance())]
    }
}

impl<F> Moments for dist::Truncated<F> {
    fn moments(&self) -> Vec<(f64, f64)> {
        vec![(f64::NAN, f64::NAN)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mixture_has_the_moments_of_its_law() {
        let mut m = Mixture::default();
        m.add(0.25, &dist::Normal::mean_var(-1.0, 4.0));
        m.add(0.0, &dist::Normal::mean_var(f64::NAN, f64::NAN));
        m.add(0.75, &dist::Poisson::rate(3.0));
        let mut y = ImputedNumbers::default();
        m.give_number(&mut y, &[4, 1]);
        let got = y.get([4, 1]).copied().map(|m| (m.mean(), m.var()));
        let mean = 0.75 * 3.0 - 0.25;
        let second = 0.25 * (4.0 + 1.0) + 0.75 * (3.0 + 9.0);
        let (m, v) = got.unwrap();
        assert!((m - mean).abs() < 1e-15 && (v - (second - mean * mean)).abs() < 1e-14, "{m} {v}");
        assert_eq!(y.get([1, 4]), None);
        assert_eq!(y.get([4]), None);
    }

    #[test]
    fn a_variance_far_from_zero_keeps_its_digits() {
        let mut m = Mixture::default();
        m.add(0.5, &dist::Normal::mean_var(1e9, 1e-6));
        m.add(0.5, &dist::Normal::mean_var(1e9, 1e-6));
        let mut y = ImputedNumbers::default();
        m.give_number(&mut y, &[]);
        assert!((y.get([]).unwrap().var() - 1e-6).abs() < 1e-20);
    }

    #[test]
    fn elements_are_found_in_whatever_order_they_came() {
        let mut y = Imputed::<MeanVar>::default();
        for n in [3, 5, 1, 4] {
            y.insert(&[n], MeanVar::new(n as f64, 1.0, Shape::Other));
        }
        let order: Vec<usize> = y.iter().map(|(at, _)| at[0]).collect();
        assert_eq!(order, [1, 3, 4, 5]);
        assert!((1..6).all(|n| y.get([n]).map(MeanVar::mean) == (n != 2).then_some(n as f64)));
    }
}
