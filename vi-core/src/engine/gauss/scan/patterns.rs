//! Rows of the steps of a chain, shared by all steps that are alike.

use crate::engine::gauss::HALF_LOG_TAU;
use crate::engine::gauss::compensated::Compensated;
use crate::engine::gauss::rows::roots;
use nalgebra::DMatrix;

/// A row before it is weighted: inputs · u\[t\] + constant − previous · x\[t−1\] − current · x\[t\].
///
/// An empty slice stands for zeros.
#[derive(Clone, Copy, Debug, Default)]
pub struct Row<'a> {
    /// Coefficients of x\[t−1\]. At the first step of a sequence they are not read.
    pub previous: &'a [f64],
    /// Coefficients of x\[t\].
    pub current: &'a [f64],
    /// Coefficients of the step's inputs u\[t\], observations among them.
    pub inputs: &'a [f64],
    /// What else the target has.
    pub constant: f64,
}

/// The rows of each kind of step: with and without a step before, with and without each observation.
///
/// A chain whose coefficients change along it has a pattern of its own for every step. Everything is measured from a gauge, one for the
/// states and one for the inputs, which [`reset`](Self::reset) sets before rows are added: data and states far from the origin then cost no
/// digits, because rows only ever see differences.
#[derive(Clone, Debug, Default)]
pub struct Patterns {
    state: usize,
    inputs: usize,
    state_gauge: Vec<f64>,
    input_gauge: Vec<f64>,
    /// Weighted: previous, current, inputs, constant.
    rows: Vec<f64>,
    /// Where the rows of each pattern end, in rows.
    ends: Vec<usize>,
    log_factors: Vec<f64>,
    /// For each pattern, whether it reads an input.
    reads: Vec<bool>,
}

impl Patterns {
    /// No patterns yet, for `state` unknowns and `inputs` numbers of data at each step, both measured from 0.
    #[must_use]
    pub fn new(state: usize, inputs: usize) -> Patterns {
        let mut patterns = Patterns::default();
        patterns.reset(state, inputs, &[], &[]);
        patterns
    }

    /// No patterns any more, another shape, and gauges of the state and of the inputs; an empty one is 0.
    pub fn reset(&mut self, state: usize, inputs: usize, state_gauge: &[f64], input_gauge: &[f64]) {
        (self.state, self.inputs) = (state, inputs);
        let set = |to: &mut Vec<f64>, len: usize, from: &[f64]| {
            to.clear();
            to.extend((0..len).map(|i| from.get(i).copied().filter(|x| x.is_finite()).unwrap_or(0.0)));
        };
        set(&mut self.state_gauge, state, state_gauge);
        set(&mut self.input_gauge, inputs, input_gauge);
        self.rows.clear();
        self.ends.clear();
        self.log_factors.clear();
        self.reads.clear();
    }

    /// Begins a pattern, to which the rows that follow belong, and returns its number.
    pub fn begin(&mut self) -> usize {
        self.ends.push(self.ends.last().copied().unwrap_or(0));
        self.log_factors.push(0.0);
        self.reads.resize(self.reads.len() + self.inputs, false);
        self.ends.len() - 1
    }

    /// Normal(inputs · u + constant | previous · x\[t−1\] + current · x\[t\], var: weight⁻²). A weight of 0 is no row.
    pub fn density(&mut self, weight: f64, row: Row<'_>) {
        if weight != 0.0 {
            self.square(weight, row);
            self.add_log(weight.abs().ln() - HALF_LOG_TAU);
        }
    }

    /// The square of a row without the constant of a density: what uncertain coefficients add, or a term whose constant is an expectation
    /// that [`add_log`](Self::add_log) takes.
    pub fn square(&mut self, weight: f64, row: Row<'_>) {
        if weight != 0.0 {
            let start = self.push();
            self.add(start, weight, row);
        }
    }

    /// A weighted row of square, whose constant is measured from the gauges already.
    pub(crate) fn centred(&mut self, row: Row<'_>) {
        let start = self.push();
        let (state, inputs) = (self.state, self.inputs);
        let to = &mut self.rows[start..];
        for (at, from) in [(0, row.previous), (state, row.current), (2 * state, row.inputs)] {
            to[at..][..from.len()].copy_from_slice(from);
        }
        to[2 * state + inputs] = row.constant;
        let reads = self.reads.len() - inputs;
        self.reads[reads..].iter_mut().zip(row.inputs).for_each(|(read, a)| *read |= *a != 0.0);
    }

    /// MvNormal(…, prec: WᵀW) with a triangular whitener W, one of `rows` for each component. The components that are not observed are not
    /// in `rows`, and W is that of the others.
    pub fn whitened(&mut self, whitener: &DMatrix<f64>, rows: &[Row<'_>]) {
        for d in 0..rows.len() {
            let start = self.push();
            for (e, row) in rows.iter().enumerate() {
                let w = whitener[(d, e)];
                if w != 0.0 {
                    self.add(start, w, *row);
                }
            }
            self.add_log(whitener[(d, d)].abs().ln() - HALF_LOG_TAU);
        }
    }

    /// The same density to the power of `copies`: as many rows that are alike. No copies are no row.
    pub fn copies(&mut self, copies: f64, weight: f64, row: Row<'_>) {
        if copies != 0.0 && weight != 0.0 {
            self.square(weight * copies.sqrt(), row);
            self.add_log(copies * (weight.abs().ln() - HALF_LOG_TAU));
        }
    }

    /// exp(−½ vᵀ S v) for v = (x\[t−1\], x\[t\], u\[t\], 1): what uncertain coefficients add, as S = Σ Λ\[d, e\] Cov(w\[d\], w\[e\]) over the
    /// coefficients of v in the components d, e of a mean. S is symmetric and positive semidefinite; there are as many rows as its rank.
    pub fn uncertain(&mut self, s: &DMatrix<f64>) {
        let (h, m) = (self.state, self.inputs);
        let mut states = vec![0.0; 2 * h];
        roots(s, |root| {
            states.iter_mut().zip(root).for_each(|(to, x)| *to = -x);
            let (previous, current) = states.split_at(h);
            let inputs = &root[2 * h..2 * h + m];
            self.square(1.0, Row { previous, current, inputs, constant: root[2 * h + m] });
        });
    }

    /// Multiplies the factor of every step of this pattern by exp(x).
    pub fn add_log(&mut self, x: f64) {
        if let Some(last) = self.log_factors.last_mut() {
            *last += x;
        }
    }

    /// An empty row, and where it starts.
    fn push(&mut self) -> usize {
        let start = self.rows.len();
        self.rows.resize(start + self.width(), 0.0);
        if let Some(end) = self.ends.last_mut() {
            *end += 1;
        }
        start
    }

    /// Adds a weighted row to the row at `start`.
    fn add(&mut self, start: usize, weight: f64, row: Row<'_>) {
        let (state, inputs) = (self.state, self.inputs);
        // Before it is weighted: gauges that balance each other do so to the last bit.
        let mut constant = Compensated::new(row.constant);
        for (i, (a, c)) in row.inputs.iter().zip(&self.input_gauge).enumerate() {
            constant.add_product(*a, *c);
            if *a != 0.0 {
                let pattern = self.ends.len() - 1;
                self.reads[pattern * inputs + i] = true;
            }
        }
        for a in [row.previous, row.current] {
            a.iter().zip(&self.state_gauge).for_each(|(a, c)| constant.add_product(-a, *c));
        }
        let to = &mut self.rows[start..];
        for (at, from) in [(0, row.previous), (state, row.current), (2 * state, row.inputs)] {
            to[at..].iter_mut().zip(from).for_each(|(x, a)| *x += weight * a);
        }
        to[2 * state + inputs] += weight * constant.value();
    }

    /// Number of patterns.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Unknowns at each step.
    #[must_use]
    pub fn state(&self) -> usize {
        self.state
    }

    /// Numbers of data at each step.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// What states are measured from.
    #[must_use]
    pub fn state_gauge(&self) -> &[f64] {
        &self.state_gauge
    }

    /// What inputs are measured from.
    #[must_use]
    pub fn input_gauge(&self) -> &[f64] {
        &self.input_gauge
    }

    pub(super) fn width(&self) -> usize {
        2 * self.state + self.inputs + 1
    }

    pub(super) fn rows(&self, pattern: usize) -> &[f64] {
        let start = if pattern == 0 { 0 } else { self.ends[pattern - 1] };
        &self.rows[start * self.width()..self.ends[pattern] * self.width()]
    }

    pub(super) fn log_factor(&self, pattern: usize) -> f64 {
        self.log_factors[pattern]
    }

    pub(super) fn reads(&self, pattern: usize) -> &[bool] {
        &self.reads[pattern * self.inputs..][..self.inputs]
    }
}
