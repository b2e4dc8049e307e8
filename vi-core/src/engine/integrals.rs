//! A family that is integrated out once for each state of finite latents: what is left is a number in the table of the states.
//!
//! ```text
//! ∫ p(data, x | state) dx ∝ exp (A(η(state)) − A(η₀(state))),   E [T(x) | data, state] = ∇A(η(state))
//! ```
//!
//! η₀ are the coefficients of the prior, which integrates to 1; η − η₀ comes from the data. Both are gathered for a tile of units at a time; nothing is kept of a tile when the next one begins.

use crate::dist::{
    Beta, BetaNatural, Dirichlet, DirichletNatural, PowerGamma, PowerGammaNatural, is_positive,
};
use crate::family::ExponentialFamily;
use crate::fit::Marginal;
use crate::fit::marginal::Law;
pub use crate::posterior::{Mixture, VectorMixture};
use crate::special::{digamma, lgamma_bregman};

/// A family whose log-partition and moments are had from coefficients of its statistics.
pub trait Integrable: Law + Sized {
    /// What is remembered from one element to the next, where neighbours have a parameter in common.
    type Memory: Default;

    /// A(η) − A(η₀), with ∇A(η) in `expected`; NaN where an integral is not finite.
    ///
    /// The difference is what data add to a prior that integrates to 1. It keeps its digits where the prior is sharp.
    fn integrate(
        memory: &mut Self::Memory,
        eta: &[f64],
        prior: &[f64],
        power: f64,
        expected: &mut [f64],
    ) -> f64;

    /// Coefficients of a law that is as simple as can be, and their A.
    fn simplest(power: f64, eta: &mut [f64]) -> f64;

    /// The law with these coefficients.
    fn with_coefficients(eta: &[f64], power: f64) -> Option<Self>;
}

/// log Γ(a) − log Γ(a₀), and ψ(a).
#[derive(Clone, Copy, Debug)]
struct Shape {
    lgamma: f64,
    digamma: f64,
}

impl Shape {
    fn new(a: f64, prior: f64) -> Self {
        Self { lgamma: lgamma_bregman(a, prior) + (a - prior) * digamma(prior), digamma: digamma(a) }
    }
}

/// The last pair of shapes: units differ in their rates, seldom in their shapes.
#[derive(Debug)]
pub struct LastShape {
    of: (f64, f64),
    shape: Shape,
}

impl Default for LastShape {
    fn default() -> Self {
        Self { of: (f64::NAN, f64::NAN), shape: Shape { lgamma: f64::NAN, digamma: f64::NAN } }
    }
}

/// Statistics log x and xᵖ.
impl Integrable for PowerGamma {
    type Memory = LastShape;

    fn integrate(last: &mut LastShape, eta: &[f64], prior: &[f64], power: f64, expected: &mut [f64]) -> f64 {
        let (shape, rate) = ((eta[0] + 1.0) / power, -eta[1]);
        let (shape0, rate0) = ((prior[0] + 1.0) / power, -prior[1]);
        if ![shape, rate, shape0, rate0].iter().all(|x| is_positive(*x)) {
            expected.fill(f64::NAN);
            return f64::NAN;
        }
        if last.of != (shape, shape0) {
            *last = LastShape { of: (shape, shape0), shape: Shape::new(shape, shape0) };
        }
        expected[0] = (last.shape.digamma - rate.ln()) / power;
        expected[1] = shape / rate;
        last.shape.lgamma - (shape - shape0) * rate0.ln() - shape * ((rate - rate0) / rate0).ln_1p()
    }

    fn simplest(power: f64, eta: &mut [f64]) -> f64 {
        (eta[0], eta[1]) = (power - 1.0, -1.0);
        -power.abs().ln()
    }

    fn with_coefficients(eta: &[f64], power: f64) -> Option<Self> {
        Self::from_natural(&PowerGammaNatural { log_x: eta[0], x_power: eta[1], power }).ok()
    }
}

/// Statistics log x and log(1 − x).
impl Integrable for Beta {
    type Memory = ();

    fn integrate(_: &mut (), eta: &[f64], prior: &[f64], _power: f64, expected: &mut [f64]) -> f64 {
        dirichlet(eta, prior, expected)
    }

    fn simplest(_power: f64, eta: &mut [f64]) -> f64 {
        eta.fill(0.0);
        0.0
    }

    fn with_coefficients(eta: &[f64], _power: f64) -> Option<Self> {
        Self::from_natural(&BetaNatural { log_x: eta[0], log_1mx: eta[1] }).ok()
    }
}

/// Statistics log xₖ.
impl Integrable for Dirichlet<'static> {
    type Memory = ();

    fn integrate(_: &mut (), eta: &[f64], prior: &[f64], _power: f64, expected: &mut [f64]) -> f64 {
        dirichlet(eta, prior, expected)
    }

    fn simplest(_power: f64, eta: &mut [f64]) -> f64 {
        eta.fill(0.0);
        -crate::special::lgamma(eta.len() as f64)
    }

    fn with_coefficients(eta: &[f64], _power: f64) -> Option<Self> {
        Self::from_natural(&DirichletNatural { log_x: eta.to_vec() }).ok()
    }
}

/// Σₖ (log Γ(aₖ) − log Γ(a₀ₖ)) − (log Γ(Σ a) − log Γ(Σ a₀)); of two coordinates it is that of a Beta.
fn dirichlet(eta: &[f64], prior: &[f64], expected: &mut [f64]) -> f64 {
    if !eta.iter().chain(prior).all(|c| is_positive(c + 1.0)) {
        expected.fill(f64::NAN);
        return f64::NAN;
    }
    let sum = |c: &[f64]| c.iter().map(|c| c + 1.0).sum::<f64>();
    let total = Shape::new(sum(eta), sum(prior));
    let mut log = -total.lgamma;
    for ((e, c), c0) in expected.iter_mut().zip(eta).zip(prior) {
        let shape = Shape::new(c + 1.0, c0 + 1.0);
        *e = shape.digamma - total.digamma;
        log += shape.lgamma;
    }
    log
}

/// The integrals of one latent over a tile of units: for each state, each of its elements in a unit, each statistic.
#[derive(Debug, Default)]
pub struct Integrals {
    elements: usize,
    statistics: usize,
    len: usize,
    /// Where not all units of the tile have the latent: those that do, and of each unit how many of them come before it.
    there: Vec<usize>,
    before: Vec<usize>,
    everywhere: bool,
    /// Whether the prior is one that integrates to 1.
    relative: bool,
    coefficients: Vec<f64>,
    prior: Vec<f64>,
    expected: Vec<f64>,
    one: Vec<f64>,
    prior_of_one: Vec<f64>,
    of_one: Vec<f64>,
}

impl Integrals {
    /// Coefficients of 0 for every statistic.
    pub fn begin(&mut self, states: usize, elements: usize, statistics: usize, len: usize) {
        self.everywhere = true;
        self.clear(states, elements, statistics, len);
    }

    /// The same of a latent that only some units of the tile have. What is asked of the others is nothing.
    pub fn begin_where(
        &mut self,
        states: usize,
        elements: usize,
        statistics: usize,
        len: usize,
        is_there: impl Fn(usize) -> bool,
    ) {
        self.everywhere = false;
        self.there.clear();
        self.before.clear();
        for i in 0..len {
            self.before.push(self.there.len());
            if is_there(i) {
                self.there.push(i);
            }
        }
        self.clear(states, elements, statistics, self.there.len());
    }

    fn clear(&mut self, states: usize, elements: usize, statistics: usize, len: usize) {
        (self.elements, self.statistics, self.len) = (elements, statistics, len);
        self.relative = false;
        self.coefficients.clear();
        self.coefficients.resize(states * elements * statistics * len, 0.0);
        self.prior.resize(self.coefficients.len(), 0.0);
        self.expected.resize(self.coefficients.len(), 0.0);
        self.one.resize(statistics, 0.0);
        self.prior_of_one.resize(statistics, 0.0);
        self.of_one.resize(statistics, 0.0);
    }

    #[inline]
    fn at(&self, state: usize, element: usize, statistic: usize, i: usize) -> usize {
        let i = if self.everywhere { i } else { self.before[i] };
        self.place(state, element, statistic, i)
    }

    #[inline]
    fn place(&self, state: usize, element: usize, statistic: usize, i: usize) -> usize {
        ((state * self.elements + element) * self.statistics + statistic) * self.len + i
    }

    /// Adds to the coefficient of a statistic, in one state of the i-th unit of the tile.
    #[inline]
    pub fn add(&mut self, state: usize, element: usize, statistic: usize, i: usize, coefficient: f64) {
        let at = self.at(state, element, statistic, i);
        self.coefficients[at] += coefficient;
    }

    /// What was added so far is a prior that integrates to 1; what follows are data.
    pub fn begin_data(&mut self) {
        self.relative = true;
        self.prior.copy_from_slice(&self.coefficients);
    }

    /// E [T(x) | data, state]
    #[inline]
    #[must_use]
    pub fn expect(&self, state: usize, element: usize, statistic: usize, i: usize) -> f64 {
        self.expected[self.at(state, element, statistic, i)]
    }

    /// Adds A(η) − A(η₀) of every state to its place in the table, η₀ the prior's coefficients; or A(η) where
    /// [`begin_data`](Self::begin_data) was not called: then the prior is averaged over its own parameters, and what is left of its
    /// normaliser is in the table. Works out what is expected, and returns the sum of the absolute values over the units, in the state where
    /// it is largest: what rounding is measured by.
    pub fn integrate<D: Integrable>(&mut self, power: f64, table: &mut [f64]) -> f64 {
        let (len, mut largest) = (self.len, 0.0_f64);
        let offset = if self.relative { 0.0 } else { D::simplest(power, &mut self.prior_of_one) };
        let states = self.coefficients.len() / (self.elements * self.statistics * len).max(1);
        let units = if self.everywhere { len } else { self.before.len() };
        for state in 0..states {
            let mut magnitude = 0.0;
            for element in 0..self.elements {
                let mut memory = D::Memory::default();
                for i in 0..len {
                    for s in 0..self.statistics {
                        let at = self.place(state, element, s, i);
                        self.one[s] = self.coefficients[at];
                        if self.relative {
                            self.prior_of_one[s] = self.prior[at];
                        }
                    }
                    let (eta, prior) = (&self.one, &self.prior_of_one);
                    let log = offset + D::integrate(&mut memory, eta, prior, power, &mut self.of_one);
                    let unit = if self.everywhere { i } else { self.there[i] };
                    table[state * units + unit] += log;
                    magnitude += log.abs();
                    for s in 0..self.statistics {
                        let at = self.place(state, element, s, i);
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
