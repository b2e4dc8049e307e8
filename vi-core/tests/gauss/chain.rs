//! A linear-Gaussian state space twice: as patterns of the engine, and variable by variable.

use crate::oracle::{Joint, noise};
use nalgebra::{DMatrix, DVector};
use vi_core::engine::gauss::scan::{Patterns, Row};
use vi_core::rng::Rng;

/// x[0] ~ Normal(m0, P0), x[t] ~ Normal(A x[t−1] + B u[t], Q), y[t] ~ Normal(C x[t] + d, R) with independent noise; P0 absent is diffuse.
pub struct Model {
    pub a: DMatrix<f64>,
    pub b: DMatrix<f64>,
    pub c: DMatrix<f64>,
    pub d: DVector<f64>,
    pub q: DVector<f64>,
    pub r: DVector<f64>,
    pub start: Option<(DVector<f64>, DVector<f64>)>,
}

impl Model {
    pub fn random(rng: &mut impl Rng, state: usize, given: usize, outputs: usize) -> Model {
        let mut matrix = |n, m, s: f64| DMatrix::from_fn(n, m, |_, _| s * noise(rng));
        let (a, b, c) = (matrix(state, state, 0.8), matrix(state, given, 1.0), matrix(outputs, state, 1.0));
        let mut vector = |n, low: f64| DVector::from_fn(n, |_, _| low + noise(rng).abs());
        let (q, r, p) = (vector(state, 0.05), vector(outputs, 0.1), vector(state, 0.3));
        let d = DVector::from_fn(outputs, |_, _| noise(rng));
        let m0 = DVector::from_fn(state, |_, _| 2.0 * noise(rng));
        Model { a, b, c, d, q, r, start: Some((m0, p)) }
    }

    pub fn state(&self) -> usize {
        self.a.nrows()
    }

    pub fn outputs(&self) -> usize {
        self.c.nrows()
    }

    /// u and then y.
    pub fn inputs(&self) -> usize {
        self.b.ncols() + self.outputs()
    }

    /// One pattern for each of (first or later) × (set of observed outputs): number `2 · set + later`.
    pub fn patterns(&self, gauge: (&[f64], &[f64])) -> Patterns {
        let mut patterns = Patterns::default();
        patterns.reset(self.state(), self.inputs(), gauge.0, gauge.1);
        for set in 0..1 << self.outputs() {
            for later in [false, true] {
                patterns.begin();
                self.add_rows(&mut patterns, later, set);
            }
        }
        patterns
    }

    pub fn add_rows(&self, patterns: &mut Patterns, later: bool, set: usize) {
        let (h, given) = (self.state(), self.b.ncols());
        let unit = |n: usize, i: usize| -> Vec<f64> { (0..n).map(|j| f64::from(i == j)).collect() };
        for i in 0..h {
            if later {
                let previous: Vec<f64> = self.a.row(i).iter().map(|a| -a).collect();
                let inputs: Vec<f64> = self.b.row(i).iter().copied().collect();
                let row = Row { previous: &previous, current: &unit(h, i), inputs: &inputs, constant: 0.0 };
                patterns.density(self.q[i].sqrt().recip(), row);
            } else if let Some((m0, p0)) = &self.start {
                let row = Row { current: &unit(h, i), constant: m0[i], ..Row::default() };
                patterns.density(p0[i].sqrt().recip(), row);
            }
        }
        for k in 0..self.outputs() {
            if set & (1 << k) != 0 {
                let current: Vec<f64> = self.c.row(k).iter().copied().collect();
                let inputs = unit(self.inputs(), given + k);
                let row = Row { current: &current, inputs: &inputs, constant: -self.d[k], ..Row::default() };
                patterns.density(self.r[k].sqrt().recip(), row);
            }
        }
    }

    /// Everything as one Normal: the variables of x[t], and what was observed.
    pub fn joint(&self, sets: &[usize], inputs: &[f64]) -> (Joint, Vec<usize>, Vec<(usize, f64)>) {
        let (h, given, m) = (self.state(), self.b.ncols(), self.inputs());
        let (m0, p0) = self.start.as_ref().expect("a proper model");
        let mut joint = Joint::default();
        let (mut states, mut observed) = (vec![], vec![]);
        for (t, set) in sets.iter().enumerate() {
            let u = &inputs[t * m..][..m];
            let before = states.len().saturating_sub(h);
            for i in 0..h {
                let at = if t == 0 {
                    joint.add(&[], m0[i], p0[i])
                } else {
                    let from: Vec<(usize, f64)> =
                        (0..h).map(|j| (states[before + j], self.a[(i, j)])).collect();
                    let offset = (0..given).map(|j| self.b[(i, j)] * u[j]).sum();
                    joint.add(&from, offset, self.q[i])
                };
                states.push(at);
            }
            for k in 0..self.outputs() {
                let from: Vec<(usize, f64)> = (0..h).map(|j| (states[t * h + j], self.c[(k, j)])).collect();
                let at = joint.add(&from, self.d[k], self.r[k]);
                if set & (1 << k) != 0 {
                    observed.push((at, u[given + k]));
                }
            }
        }
        (joint, states, observed)
    }

    /// The pattern of every step.
    pub fn which(sets: &[usize]) -> Vec<usize> {
        sets.iter().enumerate().map(|(t, set)| 2 * set + usize::from(t > 0)).collect()
    }
}

/// Sets of observed outputs and data; what is not observed is NaN.
pub fn data(rng: &mut impl Rng, model: &Model, steps: usize, holes: bool) -> (Vec<usize>, Vec<f64>) {
    let outputs = model.outputs();
    let sets: Vec<usize> = (0..steps)
        .map(|_| (0..outputs).filter(|_| !holes || noise(rng) > -0.3).map(|k| 1 << k).sum())
        .collect();
    let given = model.b.ncols();
    let inputs = sets
        .iter()
        .flat_map(|set| {
            (0..model.inputs())
                .map(|i| {
                    let x = 2.0 * noise(rng);
                    if i < given || set & (1 << (i - given)) != 0 { x } else { f64::NAN }
                })
                .collect::<Vec<_>>()
        })
        .collect();
    (sets, inputs)
}
