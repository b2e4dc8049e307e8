//! A family that is integrated out once for each state of finite latents: what is left is a number in the table of the states.
//!
//! ```text
//! ∫ p(data, x | state) dx = exp A(η(state)),   E [T(x) | data, state] = ∇A(η(state))
//! ```
//!
//! η is gathered for a tile of units at a time; nothing is kept of a tile when the next one begins.

use crate::dist::{
    Beta, BetaNatural, Dirichlet, DirichletNatural, PowerGamma, PowerGammaNatural, is_positive,
};
use crate::family::ExponentialFamily;
use crate::fit::Marginal;
use crate::fit::marginal::Law;
pub use crate::posterior::{Mixture, VectorMixture};
use crate::special::{digamma, lgamma};

/// A family whose log-partition and moments are had from coefficients of its statistics.
pub trait Integrable: Law + Sized {
    /// What is remembered from one element to the next, where neighbours have a parameter in common.
    type Memory: Default;

    /// A(η), with ∇A(η) in `expected`; NaN where the integral is not finite.
    fn integrate(memory: &mut Self::Memory, eta: &[f64], power: f64, expected: &mut [f64]) -> f64;

    /// The law with these coefficients.
    fn with_coefficients(eta: &[f64], power: f64) -> Option<Self>;
}

/// log Γ and ψ at the last shape: units differ in their rates, seldom in their shapes.
#[derive(Debug)]
pub struct LastShape {
    shape: f64,
    lgamma: f64,
    digamma: f64,
}

impl Default for LastShape {
    fn default() -> Self {
        Self { shape: f64::NAN, lgamma: f64::NAN, digamma: f64::NAN }
    }
}

/// Statistics log x and xᵖ.
impl Integrable for PowerGamma {
    type Memory = LastShape;

    fn integrate(last: &mut LastShape, eta: &[f64], power: f64, expected: &mut [f64]) -> f64 {
        let (shape, rate) = ((eta[0] + 1.0) / power, -eta[1]);
        if !is_positive(shape) || !is_positive(rate) {
            expected.fill(f64::NAN);
            return f64::NAN;
        }
        if shape != last.shape {
            *last = LastShape { shape, lgamma: lgamma(shape), digamma: digamma(shape) };
        }
        let log_rate = rate.ln();
        expected[0] = (last.digamma - log_rate) / power;
        expected[1] = shape / rate;
        last.lgamma - shape * log_rate - power.abs().ln()
    }

    fn with_coefficients(eta: &[f64], power: f64) -> Option<Self> {
        Self::from_natural(&PowerGammaNatural { log_x: eta[0], x_power: eta[1], power }).ok()
    }
}

/// Statistics log x and log(1 − x).
impl Integrable for Beta {
    type Memory = ();

    fn integrate(_: &mut (), eta: &[f64], _power: f64, expected: &mut [f64]) -> f64 {
        let (a, b) = (eta[0] + 1.0, eta[1] + 1.0);
        if !is_positive(a) || !is_positive(b) {
            expected.fill(f64::NAN);
            return f64::NAN;
        }
        let sum = digamma(a + b);
        expected[0] = digamma(a) - sum;
        expected[1] = digamma(b) - sum;
        Beta::log_partition(&BetaNatural { log_x: eta[0], log_1mx: eta[1] }).unwrap_or(f64::NAN)
    }

    fn with_coefficients(eta: &[f64], _power: f64) -> Option<Self> {
        Self::from_natural(&BetaNatural { log_x: eta[0], log_1mx: eta[1] }).ok()
    }
}

/// Statistics log xₖ.
impl Integrable for Dirichlet<'static> {
    type Memory = ();

    fn integrate(_: &mut (), eta: &[f64], _power: f64, expected: &mut [f64]) -> f64 {
        let total: f64 = eta.iter().map(|c| c + 1.0).sum();
        if !eta.iter().all(|c| is_positive(c + 1.0)) {
            expected.fill(f64::NAN);
            return f64::NAN;
        }
        let of_total = digamma(total);
        expected.iter_mut().zip(eta).for_each(|(e, c)| *e = digamma(c + 1.0) - of_total);
        eta.iter().map(|c| lgamma(c + 1.0)).sum::<f64>() - lgamma(total)
    }

    fn with_coefficients(eta: &[f64], _power: f64) -> Option<Self> {
        Self::from_natural(&DirichletNatural { log_x: eta.to_vec() }).ok()
    }
}

/// The integrals of one latent over a tile of units: for each state, each of its elements in a unit, each statistic.
#[derive(Debug, Default)]
pub struct Integrals {
    elements: usize,
    statistics: usize,
    len: usize,
    coefficients: Vec<f64>,
    expected: Vec<f64>,
    one: Vec<f64>,
    of_one: Vec<f64>,
}

impl Integrals {
    /// Coefficients of 0 for every statistic.
    pub fn begin(&mut self, states: usize, elements: usize, statistics: usize, len: usize) {
        (self.elements, self.statistics, self.len) = (elements, statistics, len);
        self.coefficients.clear();
        self.coefficients.resize(states * elements * statistics * len, 0.0);
        self.expected.resize(self.coefficients.len(), 0.0);
        self.one.resize(statistics, 0.0);
        self.of_one.resize(statistics, 0.0);
    }

    fn at(&self, state: usize, element: usize, statistic: usize, i: usize) -> usize {
        ((state * self.elements + element) * self.statistics + statistic) * self.len + i
    }

    /// Adds to the coefficient of a statistic, in one state of the i-th unit of the tile.
    #[inline]
    pub fn add(&mut self, state: usize, element: usize, statistic: usize, i: usize, coefficient: f64) {
        let at = self.at(state, element, statistic, i);
        self.coefficients[at] += coefficient;
    }

    /// E [T(x) | data, state]
    #[inline]
    #[must_use]
    pub fn expect(&self, state: usize, element: usize, statistic: usize, i: usize) -> f64 {
        self.expected[self.at(state, element, statistic, i)]
    }

    /// Adds A(η) of every state to its place in the table, and works out what is expected. Returns Σ |A(η)| over the units, in the state
    /// where it is largest: what rounding is measured by.
    pub fn integrate<D: Integrable>(&mut self, power: f64, table: &mut [f64]) -> f64 {
        let (len, mut largest) = (self.len, 0.0_f64);
        let states = self.coefficients.len() / (self.elements * self.statistics * len).max(1);
        for state in 0..states {
            let mut magnitude = 0.0;
            for element in 0..self.elements {
                let mut memory = D::Memory::default();
                for i in 0..len {
                    for s in 0..self.statistics {
                        self.one[s] = self.coefficients[self.at(state, element, s, i)];
                    }
                    let log = D::integrate(&mut memory, &self.one, power, &mut self.of_one);
                    table[state * len + i] += log;
                    magnitude += log.abs();
                    for s in 0..self.statistics {
                        let at = self.at(state, element, s, i);
                        self.expected[at] = self.of_one[s];
                    }
                }
            }
            largest = largest.max(magnitude);
        }
        largest
    }

    /// The law of one element, given a state of the i-th unit of the tile: [`Marginal::Unset`] where there is none.
    #[must_use]
    pub fn law<D: Integrable>(&self, power: f64, state: usize, element: usize, i: usize) -> Marginal<D> {
        let eta: Vec<f64> =
            (0..self.statistics).map(|s| self.coefficients[self.at(state, element, s, i)]).collect();
        D::with_coefficients(&eta, power).map_or(Marginal::Unset, Marginal::Law)
    }
}
