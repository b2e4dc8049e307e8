//! Variational Bayes of linear state spaces as Barber and Chiappa (2006) and Beal (2003, ch. 5) write it, on dense Normals: every sequence is one
//! Gaussian whose precision matrix is written out. Sequences of one step are principal components (Bishop 1999).
//!
//! ```text
//! x[0] ~ Normal(0, I)    x[t] ~ Normal(A x[t−1] + B u[t], prec: diag(q))    y[t] ~ Normal(C x[t] + b, prec: diag(r))
//! A[i, j] ~ Normal(0, prec: α[j])    C[d, j] ~ Normal(0, prec: γ[j])    all precisions ~ Gamma
//! ```

use crate::density::{digamma, ln_gamma};
use nalgebra::{DMatrix, DVector};

const LOG_TWO_PI: f64 = 1.837_877_066_409_345_5;

/// q of a precision.
#[derive(Clone, Copy, Debug)]
pub struct Precision {
    /// The shape.
    pub shape: f64,
    /// The rate.
    pub rate: f64,
}

impl Precision {
    /// E τ
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.shape / self.rate
    }

    fn log(&self) -> f64 {
        digamma(self.shape) - self.rate.ln()
    }

    /// E log p(τ) − E log q(τ)
    fn bound(&self, prior: Precision) -> f64 {
        let density = |p: &Precision| {
            p.shape * p.rate.ln() - ln_gamma(p.shape) + (p.shape - 1.0) * self.log() - p.rate * self.mean()
        };
        density(&prior) - density(self)
    }
}

/// Rows of a matrix, each a Normal of its own.
#[derive(Clone, Debug)]
pub struct Rows {
    /// E of every row.
    pub mean: DMatrix<f64>,
    /// Cov of every row.
    pub cov: Vec<DMatrix<f64>>,
}

impl Rows {
    fn second(&self, i: usize) -> DMatrix<f64> {
        self.mean.row(i).transpose() * self.mean.row(i) + &self.cov[i]
    }

    fn row(&self, i: usize) -> DVector<f64> {
        self.mean.row(i).transpose()
    }
}

/// One sequence: observations that may be missing, and inputs.
#[derive(Clone, Debug, Default)]
pub struct Sequence {
    /// y\[t\]\[d\]
    pub y: Vec<Vec<Option<f64>>>,
    /// u\[t\]
    pub u: Vec<Vec<f64>>,
}

/// The model with q of all that is shared, and of every sequence after [`states`](Self::states).
#[derive(Clone, Debug)]
pub struct Vb {
    /// Rows of (A, B).
    pub a: Rows,
    /// Rows of (C, b).
    pub c: Rows,
    /// α
    pub alpha: Vec<Precision>,
    /// γ
    pub gamma: Vec<Precision>,
    /// q
    pub q: Vec<Precision>,
    /// r, and which of them each component has.
    pub r: Vec<Precision>,
    /// The component's own.
    pub noise: Vec<usize>,
    /// The prior of all of these.
    pub prior: Precision,
    /// Prior precision of what multiplies inputs.
    pub inputs: f64,
    /// Prior precision of b.
    pub offset: f64,
    /// E and Cov of each sequence, its steps one after another.
    pub x: Vec<(DVector<f64>, DMatrix<f64>)>,
}

impl Vb {
    fn h(&self) -> usize {
        self.gamma.len()
    }

    /// q(x) of every sequence.
    pub fn states(&mut self, data: &[Sequence]) {
        let h = self.h();
        self.x = data
            .iter()
            .map(|s| {
                let n = s.y.len() * h;
                let (mut j, mut l) = (DMatrix::<f64>::zeros(n, n), DVector::<f64>::zeros(n));
                for i in 0..h.min(n) {
                    j[(i, i)] += 1.0;
                }
                for (t, y) in s.y.iter().enumerate() {
                    for (d, y) in y.iter().enumerate() {
                        let Some(y) = y else { continue };
                        let (r, second, mean) =
                            (self.r[self.noise[d]].mean(), self.c.second(d), self.c.row(d));
                        for i in 0..h {
                            l[t * h + i] += r * (y * mean[i] - second[(i, h)]);
                            for k in 0..h {
                                j[(t * h + i, t * h + k)] += r * second[(i, k)];
                            }
                        }
                    }
                    if t == 0 {
                        continue;
                    }
                    for i in 0..h {
                        let (q, second, mean) = (self.q[i].mean(), self.a.second(i), self.a.row(i));
                        let (now, before) = (t * h + i, (t - 1) * h);
                        j[(now, now)] += q;
                        for (k, u) in s.u[t].iter().enumerate() {
                            l[now] += q * mean[h + k] * u;
                        }
                        for m in 0..h {
                            j[(now, before + m)] -= q * mean[m];
                            j[(before + m, now)] -= q * mean[m];
                            for k in 0..h {
                                j[(before + m, before + k)] += q * second[(m, k)];
                            }
                            for (k, u) in s.u[t].iter().enumerate() {
                                l[before + m] -= q * second[(m, h + k)] * u;
                            }
                        }
                    }
                }
                let cov = j.try_inverse().expect("a precision matrix");
                (&cov * l, cov)
            })
            .collect();
    }

    /// E and Cov of (x\[t\], what is known).
    fn design(&self, s: usize, t: usize, known: &[f64]) -> (DVector<f64>, DMatrix<f64>) {
        let (h, p) = (self.h(), self.h() + known.len());
        let (mean, cov) = &self.x[s];
        let of = |i: usize| if i < h { mean[t * h + i] } else { known[i - h] };
        let square =
            DMatrix::from_fn(p, p, |i, j| if i < h && j < h { cov[(t * h + i, t * h + j)] } else { 0.0 });
        (DVector::from_fn(p, |i, _| of(i)), square)
    }

    /// q of one row given E Σ w z zᵀ, E Σ w z y and its prior.
    fn solve(rows: &mut Rows, i: usize, gram: DMatrix<f64>, right: &DVector<f64>) {
        let cov = gram.try_inverse().expect("a precision matrix");
        rows.mean.set_row(i, &(&cov * right).transpose());
        rows.cov[i] = cov;
    }

    /// q of the rows of (A, B).
    pub fn transitions(&mut self, data: &[Sequence]) {
        let (h, p) = (self.h(), self.a.mean.ncols());
        for i in 0..h {
            let prior = |k: usize| if k < h { self.alpha[k].mean() } else { self.inputs };
            let mut gram = DMatrix::from_fn(p, p, |k, m| if k == m { prior(k) } else { 0.0 });
            let (mut right, q) = (DVector::zeros(p), self.q[i].mean());
            for (s, sequence) in data.iter().enumerate() {
                for t in 1..sequence.y.len() {
                    let (mean, cov) = self.design(s, t - 1, &sequence.u[t]);
                    gram += (&mean * mean.transpose() + cov) * q;
                    let (x, all) = &self.x[s];
                    right += mean * x[t * h + i] * q;
                    for k in 0..h {
                        right[k] += q * all[((t - 1) * h + k, t * h + i)];
                    }
                }
            }
            Self::solve(&mut self.a, i, gram, &right);
        }
    }

    /// q of the rows of (C, b).
    pub fn loadings(&mut self, data: &[Sequence]) {
        let (h, p) = (self.h(), self.c.mean.ncols());
        for d in 0..self.noise.len() {
            let prior = |k: usize| if k < h { self.gamma[k].mean() } else { self.offset };
            let mut gram = DMatrix::from_fn(p, p, |k, m| if k == m { prior(k) } else { 0.0 });
            let (mut right, r) = (DVector::zeros(p), self.r[self.noise[d]].mean());
            for (s, sequence) in data.iter().enumerate() {
                for (t, y) in sequence.y.iter().enumerate() {
                    let Some(y) = y[d] else { continue };
                    let (mean, cov) = self.design(s, t, &[1.0]);
                    gram += (&mean * mean.transpose() + cov) * r;
                    right += mean * y * r;
                }
            }
            Self::solve(&mut self.c, d, gram, &right);
        }
    }

    fn relevance(&self, rows: &Rows, j: usize) -> Precision {
        let squares: f64 = (0..rows.mean.nrows()).map(|i| rows.second(i)[(j, j)]).sum();
        Precision {
            shape: self.prior.shape + 0.5 * rows.mean.nrows() as f64,
            rate: self.prior.rate + 0.5 * squares,
        }
    }

    /// q(α)
    pub fn relevances_of_transitions(&mut self) {
        self.alpha = (0..self.h()).map(|j| self.relevance(&self.a, j)).collect();
    }

    /// q(γ)
    pub fn relevances_of_loadings(&mut self) {
        self.gamma = (0..self.h()).map(|j| self.relevance(&self.c, j)).collect();
    }

    /// How many residuals of component i of the transitions there are, and E Σ of their squares.
    fn steps(&self, data: &[Sequence], i: usize) -> (f64, f64) {
        let h = self.h();
        let (mut count, mut total) = (0.0, 0.0);
        let (mean_a, second) = (self.a.row(i), self.a.second(i));
        for (s, sequence) in data.iter().enumerate() {
            for t in 1..sequence.y.len() {
                let (mean, cov) = self.design(s, t - 1, &sequence.u[t]);
                let (x, all) = &self.x[s];
                let own = t * h + i;
                let mut cross = &mean * x[own];
                for k in 0..h {
                    cross[k] += all[((t - 1) * h + k, own)];
                }
                count += 1.0;
                total += x[own] * x[own] + all[(own, own)] - 2.0 * mean_a.dot(&cross)
                    + (&second * (&mean * mean.transpose() + cov)).trace();
            }
        }
        (count, total)
    }

    /// The same of component d of the observations.
    fn errors(&self, data: &[Sequence], d: usize) -> (f64, f64) {
        let (mut count, mut total) = (0.0, 0.0);
        let (mean_c, second) = (self.c.row(d), self.c.second(d));
        for (s, sequence) in data.iter().enumerate() {
            for (t, y) in sequence.y.iter().enumerate() {
                let Some(y) = y[d] else { continue };
                let (mean, cov) = self.design(s, t, &[1.0]);
                count += 1.0;
                total += y * y - 2.0 * y * mean_c.dot(&mean)
                    + (&second * (&mean * mean.transpose() + cov)).trace();
            }
        }
        (count, total)
    }

    /// q(q)
    pub fn process_noise(&mut self, data: &[Sequence]) {
        self.q = (0..self.h())
            .map(|i| {
                let (n, s) = self.steps(data, i);
                Precision { shape: self.prior.shape + 0.5 * n, rate: self.prior.rate + 0.5 * s }
            })
            .collect();
    }

    /// q(r)
    pub fn observation_noise(&mut self, data: &[Sequence]) {
        let mut r = vec![self.prior; self.r.len()];
        for d in 0..self.noise.len() {
            let (n, s) = self.errors(data, d);
            r[self.noise[d]].shape += 0.5 * n;
            r[self.noise[d]].rate += 0.5 * s;
        }
        self.r = r;
    }

    fn of_rows(rows: &Rows, prior: impl Fn(usize) -> (f64, f64)) -> f64 {
        let p = rows.mean.ncols();
        (0..rows.mean.nrows())
            .map(|i| {
                let second = rows.second(i);
                let density: f64 = (0..p)
                    .map(|k| {
                        let (precision, log) = prior(k);
                        0.5 * (log - LOG_TWO_PI - precision * second[(k, k)])
                    })
                    .sum();
                density + entropy(&rows.cov[i])
            })
            .sum()
    }

    /// The bound. `chained`: there are transitions.
    #[must_use]
    pub fn elbo(&self, data: &[Sequence], chained: bool) -> f64 {
        let h = self.h();
        let mut total = 0.0;
        for (mean, cov) in &self.x {
            let first: f64 = (0..h).map(|i| mean[i] * mean[i] + cov[(i, i)]).sum();
            total += -0.5 * (h as f64 * LOG_TWO_PI + first) + entropy(cov);
        }
        for d in 0..self.noise.len() {
            let (n, s) = self.errors(data, d);
            let r = &self.r[self.noise[d]];
            total += 0.5 * (n * (r.log() - LOG_TWO_PI) - r.mean() * s);
        }
        let all = |q: &[Precision]| q.iter().map(|p| p.bound(self.prior)).sum::<f64>();
        let of = |relevant: &[Precision], k: usize, other: f64| match relevant.get(k) {
            Some(p) => (p.mean(), p.log()),
            None => (other, other.ln()),
        };
        total +=
            Self::of_rows(&self.c, |k| of(&self.gamma, k, self.offset)) + all(&self.gamma) + all(&self.r);
        if chained {
            for i in 0..h {
                let (n, s) = self.steps(data, i);
                total += 0.5 * (n * (self.q[i].log() - LOG_TWO_PI) - self.q[i].mean() * s);
            }
            total +=
                Self::of_rows(&self.a, |k| of(&self.alpha, k, self.inputs)) + all(&self.alpha) + all(&self.q);
        }
        total
    }
}

fn entropy(cov: &DMatrix<f64>) -> f64 {
    let n = cov.nrows() as f64;
    0.5 * (n * (1.0 + LOG_TWO_PI)
        + 2.0 * nalgebra::Cholesky::new(cov.clone()).expect("a covariance").l().diagonal().map(f64::ln).sum())
}
