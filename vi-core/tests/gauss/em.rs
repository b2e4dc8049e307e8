//! EM of a state space by hand: nothing but the engine and least squares.

use nalgebra::{DMatrix, DVector};
use vi_core::engine::gauss::scan::{Failed, Patterns, Row, Scan, Sequence, Statistics};
use vi_core::engine::least_squares::{LeastSquares, Term, Value, residual_scatter};
use vi_core::linalg::Cholesky;

/// x[0] ~ Normal(m0, P0), x[t] ~ Normal(A x[t−1], Q), y[t] ~ Normal(C x[t], R)
#[derive(Clone, Debug)]
pub struct StateSpace {
    pub a: DMatrix<f64>,
    pub c: DMatrix<f64>,
    pub q: DMatrix<f64>,
    pub r: DMatrix<f64>,
    pub m0: DVector<f64>,
    pub p0: DMatrix<f64>,
}

/// What the iterations are computed on.
#[derive(Default)]
pub struct Workspace {
    pub patterns: Patterns,
    pub scan: Scan,
    pub statistics: Statistics,
}

impl StateSpace {
    /// Pattern 0 is the first step, pattern 1 a later one.
    pub fn patterns(&self, patterns: &mut Patterns) {
        let (h, m) = (self.a.nrows(), self.c.nrows());
        patterns.reset(h, m, self.m0.as_slice(), &[]);
        let whitener = |s: &DMatrix<f64>| Cholesky::new(s).expect("a covariance").inverse_lower();
        let (of_start, of_state, of_output) = (whitener(&self.p0), whitener(&self.q), whitener(&self.r));
        // Rows of matrices as slices.
        let unit = |n: usize| DMatrix::<f64>::identity(n, n);
        let (units, outputs, a, c) = (unit(h), unit(m), -self.a.transpose(), self.c.transpose());
        let row = |x: &'_ DMatrix<f64>, i: usize| -> Vec<f64> { x.column(i).iter().copied().collect() };
        let current: Vec<Vec<f64>> = (0..h).map(|i| row(&units, i)).collect();
        let previous: Vec<Vec<f64>> = (0..h).map(|i| row(&a, i)).collect();
        let loads: Vec<Vec<f64>> = (0..m).map(|k| row(&c, k)).collect();
        let reads: Vec<Vec<f64>> = (0..m).map(|k| row(&outputs, k)).collect();
        for later in [false, true] {
            patterns.begin();
            let states: Vec<Row<'_>> = (0..h)
                .map(|i| {
                    if later {
                        Row { previous: &previous[i], current: &current[i], ..Row::default() }
                    } else {
                        Row { current: &current[i], constant: self.m0[i], ..Row::default() }
                    }
                })
                .collect();
            patterns.whitened(if later { &of_state } else { &of_start }, &states);
            let observed: Vec<Row<'_>> =
                (0..m).map(|k| Row { current: &loads[k], inputs: &reads[k], ..Row::default() }).collect();
            patterns.whitened(&of_output, &observed);
        }
    }

    /// One iteration; the log-likelihood before it.
    pub fn step(&mut self, sequences: &[Sequence<'_>], on: &mut Workspace) -> Result<f64, Failed> {
        self.patterns(&mut on.patterns);
        on.statistics.reset(&on.patterns);
        on.scan.accumulate(&on.patterns, sequences, &mut on.statistics)?;
        let (h, m) = (self.a.nrows(), self.c.nrows());

        let transitions: Vec<usize> = (0..2 * h).collect();
        (self.a, self.q) = regression(&on.statistics, 1..2, &transitions, h, &self.a);
        let outputs: Vec<usize> = (2 * h..2 * h + m).chain(0..h).collect();
        (self.c, self.r) = regression(&on.statistics, 0..2, &outputs, m, &self.c);

        let start = on.statistics.select([0], &(0..h).collect::<Vec<_>>());
        let cell = start.cell(0);
        let shift = DVector::from_fn(h, |i, _| cell.sum[i] / cell.count);
        self.m0 = DVector::from_column_slice(cell.gauge) + &shift;
        self.p0 = DMatrix::from_fn(h, h, |i, j| cell.square(i, j) / cell.count - shift[i] * shift[j]);
        Ok((0..sequences.len()).map(|s| on.scan.log_evidence(s)).sum())
    }
}

/// The regression of the first `outputs` columns on the others, without intercept: coefficients and covariance.
fn regression(
    statistics: &Statistics,
    patterns: std::ops::Range<usize>,
    columns: &[usize],
    outputs: usize,
    current: &DMatrix<f64>,
) -> (DMatrix<f64>, DMatrix<f64>) {
    let moments = statistics.select(patterns, columns);
    let cell = moments.cell(0);
    let terms: Vec<Term> =
        (0..columns.len() - outputs).map(|j| Term::column(outputs + j, Value::Unknown(j))).collect();
    let mut system = LeastSquares::new(columns.len() - outputs, outputs);
    system.add_moments(1.0, cell, &terms);
    let coefficients = system.solve(&current.transpose()).values.transpose();
    let known: Vec<Vec<Term>> = (0..outputs)
        .map(|d| {
            (0..columns.len() - outputs)
                .map(|j| Term::column(outputs + j, Value::Known(coefficients[(d, j)])))
                .collect()
        })
        .collect();
    let cov = residual_scatter(cell, &known) / cell.count;
    (coefficients, cov)
}
