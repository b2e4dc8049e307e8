//! State spaces whose law switches between regimes.

use crate::density::{log_sum_exp, mv_normal};
use nalgebra::{DMatrix, DVector};
use std::f64::consts::PI;
use std::ops::AddAssign as _;

/// Structured mean field as Ghahramani and Hinton describe it: q(regimes) q(states), each a whole sequence, exact given the other. The states are
/// one Normal, by the inverse of the precision matrix of all of them; the regimes go forward and backward in probabilities.
#[allow(missing_docs, reason = "the letters of the model")]
#[derive(Clone, Debug)]
pub struct Switching {
    pub start: DVector<f64>,
    /// From row to column.
    pub trans: DMatrix<f64>,
    /// Of each regime.
    pub a: Vec<DMatrix<f64>>,
    pub q: Vec<DMatrix<f64>>,
    pub c: Vec<DMatrix<f64>>,
    pub r: Vec<DMatrix<f64>>,
    pub m0: DVector<f64>,
    pub p0: DMatrix<f64>,
}

/// Observations of one sequence.
pub type Seen = Vec<Option<DVector<f64>>>;

/// q of one sequence.
#[derive(Clone, Debug, Default)]
pub struct Belief {
    /// q(z\[t\] = k), by steps.
    pub regime: Vec<DVector<f64>>,
    /// q(z\[t−1\] = j, z\[t\] = k), from t = 1 on.
    pub pair: Vec<DMatrix<f64>>,
    /// H(q(z))
    pub of_regimes: f64,
    /// E `x[t]`
    pub mean: Vec<DVector<f64>>,
    /// Cov of all of x, one step after another.
    pub cov: DMatrix<f64>,
    /// H(q(x))
    pub of_states: f64,
}

/// What is estimated of the laws of steps and of observations, and whether regimes share it.
#[derive(Clone, Copy, Debug)]
pub enum Law {
    /// Slopes and covariances of each regime.
    Own,
    /// One of both for all regimes.
    Shared,
    /// Slopes are known, covariances are of each regime.
    OwnNoise,
}

impl Belief {
    /// Cov(x\[s\], x\[t\])
    #[must_use]
    pub fn block(&self, s: usize, t: usize) -> DMatrix<f64> {
        let h = self.mean[0].len();
        self.cov.view((s * h, t * h), (h, h)).into_owned()
    }

    fn moment(&self, s: usize, t: usize) -> DMatrix<f64> {
        self.block(s, t) + &self.mean[s] * self.mean[t].transpose()
    }
}

fn log_det(m: &DMatrix<f64>) -> f64 {
    let l = m.clone().cholesky().expect("positive definite").l();
    2.0 * l.diagonal().iter().map(|x| x.ln()).sum::<f64>()
}

fn inverse(m: &DMatrix<f64>) -> DMatrix<f64> {
    m.clone().try_inverse().expect("a matrix can be inverted")
}

/// E log Normal(u; W v, S) from E uuᵀ, E uvᵀ and E vvᵀ.
fn expected(
    uu: &DMatrix<f64>,
    uv: &DMatrix<f64>,
    vv: &DMatrix<f64>,
    w: &DMatrix<f64>,
    s: &DMatrix<f64>,
) -> f64 {
    let cross = w * uv.transpose();
    let square = uu - &cross - cross.transpose() + w * vv * w.transpose();
    -0.5 * (uu.nrows() as f64 * (2.0 * PI).ln() + log_det(s) + (inverse(s) * square).trace())
}

impl Switching {
    /// Number of regimes.
    #[must_use]
    pub fn regimes(&self) -> usize {
        self.start.len()
    }

    /// E log p(x\[t\] | x\[t−1\], z\[t\] = k) + E log p(y\[t\] | x\[t\], z\[t\] = k).
    fn said(&self, y: &Seen, b: &Belief, t: usize, k: usize) -> f64 {
        let mut sum = 0.0;
        if t > 0 {
            let (uu, uv, vv) = (b.moment(t, t), b.moment(t, t - 1), b.moment(t - 1, t - 1));
            sum += expected(&uu, &uv, &vv, &self.a[k], &self.q[k]);
        }
        if let Some(y) = &y[t] {
            let (uu, uv) = (y * y.transpose(), y * b.mean[t].transpose());
            sum += expected(&uu, &uv, &b.moment(t, t), &self.c[k], &self.r[k]);
        }
        sum
    }

    /// q(z) given q(x); where there is none yet, the states say nothing.
    pub fn turn_of_regimes(&self, y: &Seen, b: &mut Belief) {
        let (k, n) = (self.regimes(), y.len());
        let said: Vec<DVector<f64>> = (0..n)
            .map(|t| DVector::from_fn(k, |k, _| if b.mean.is_empty() { 0.0 } else { self.said(y, b, t, k) }))
            .collect();
        let mut ahead: Vec<DVector<f64>> = vec![];
        let mut behind = vec![DVector::from_element(k, 1.0); n];
        let top: Vec<f64> = said.iter().map(DVector::max).collect();
        let weight = |t: usize| said[t].map(|v| (v - top[t]).exp());
        for t in 0..n {
            let prior = if t == 0 { self.start.clone() } else { self.trans.transpose() * &ahead[t - 1] };
            let joint = prior.component_mul(&weight(t));
            ahead.push(&joint / joint.sum());
        }
        for t in (1..n).rev() {
            let back = &self.trans * behind[t].component_mul(&weight(t));
            behind[t - 1] = &back / back.sum();
        }
        let normalised = |v: DMatrix<f64>| &v / v.sum();
        b.regime = (0..n)
            .map(|t| {
                let v = ahead[t].component_mul(&behind[t]);
                &v / v.sum()
            })
            .collect();
        b.pair = (0..n)
            .map(|t| match t {
                0 => DMatrix::zeros(k, k),
                _ => normalised(DMatrix::from_fn(k, k, |i, j| {
                    ahead[t - 1][i] * self.trans[(i, j)] * weight(t)[j] * behind[t][j]
                })),
            })
            .collect();
        let part = |p: f64| if p > 0.0 { -p * p.ln() } else { 0.0 };
        b.of_regimes = b.pair[1..].iter().flat_map(DMatrix::iter).map(|p| part(*p)).sum::<f64>()
            - b.regime[1..n.max(2) - 1].iter().flat_map(DVector::iter).map(|p| part(*p)).sum::<f64>();
        if n == 1 {
            b.of_regimes = b.regime[0].iter().map(|p| part(*p)).sum();
        }
    }

    /// q(x) given q(z).
    ///
    /// # Panics
    /// If a covariance is singular.
    pub fn turn_of_states(&self, y: &Seen, b: &mut Belief) {
        let (h, n) = (self.m0.len(), y.len());
        let mut precision = DMatrix::zeros(n * h, n * h);
        let mut shift = DVector::zeros(n * h);
        let first = inverse(&self.p0);
        precision.view_mut((0, 0), (h, h)).add_assign(&first);
        shift.rows_mut(0, h).add_assign(&(&first * &self.m0));
        for t in 0..n {
            for k in 0..self.regimes() {
                let p = b.regime[t][k];
                if t > 0 {
                    let w = inverse(&self.q[k]) * p;
                    let cross = -self.a[k].transpose() * &w;
                    let (now, before) = (t * h, (t - 1) * h);
                    precision.view_mut((now, now), (h, h)).add_assign(&w);
                    precision.view_mut((before, now), (h, h)).add_assign(&cross);
                    precision.view_mut((now, before), (h, h)).add_assign(&cross.transpose());
                    let back = self.a[k].transpose() * &w * &self.a[k];
                    precision.view_mut((before, before), (h, h)).add_assign(&back);
                }
                if let Some(y) = &y[t] {
                    let w = self.c[k].transpose() * inverse(&self.r[k]) * p;
                    precision.view_mut((t * h, t * h), (h, h)).add_assign(&(&w * &self.c[k]));
                    shift.rows_mut(t * h, h).add_assign(&(&w * y));
                }
            }
        }
        b.cov = inverse(&precision);
        let mean = &b.cov * shift;
        b.mean = (0..n).map(|t| mean.rows(t * h, h).into_owned()).collect();
        b.of_states = 0.5 * ((n * h) as f64 * (1.0 + (2.0 * PI).ln()) - log_det(&precision));
    }

    /// E log p + H(q(z)) + H(q(x)) of one sequence.
    #[must_use]
    pub fn bound(&self, y: &Seen, b: &Belief) -> f64 {
        let mut sum = b.of_regimes + b.of_states;
        let zero = DMatrix::zeros(self.m0.len(), 1);
        let off = &b.mean[0] - &self.m0;
        sum += expected(
            &(b.block(0, 0) + &off * off.transpose()),
            &zero,
            &DMatrix::zeros(1, 1),
            &zero,
            &self.p0,
        );
        for t in 0..y.len() {
            for k in 0..self.regimes() {
                let p = b.regime[t][k];
                sum += p * self.said(y, b, t, k);
                if t == 0 {
                    sum += p * self.start[k].ln();
                } else {
                    sum +=
                        (0..self.regimes()).map(|j| b.pair[t][(j, k)] * self.trans[(j, k)].ln()).sum::<f64>();
                }
            }
        }
        sum
    }

    /// The params that q of all sequences prefers.
    ///
    /// # Panics
    /// If moments are singular.
    pub fn m_step(&mut self, all: &[(Seen, Belief)], steps: Law, observations: Law) {
        let (regimes, h, d) = (self.regimes(), self.m0.len(), self.c[0].nrows());
        self.start = all.iter().map(|(_, b)| &b.regime[0]).sum::<DVector<f64>>() / all.len() as f64;
        let pairs: DMatrix<f64> =
            all.iter().flat_map(|(_, b)| &b.pair).fold(DMatrix::zeros(regimes, regimes), |sum, p| sum + p);
        self.trans = DMatrix::from_fn(regimes, regimes, |i, j| pairs[(i, j)] / pairs.row(i).sum());
        let zero = |u: usize| Sums {
            uu: DMatrix::zeros(u, u),
            uv: DMatrix::zeros(u, h),
            vv: DMatrix::zeros(h, h),
            n: 0.0,
        };
        let mut moved: Vec<Sums> = (0..regimes).map(|_| zero(h)).collect();
        let mut seen: Vec<Sums> = (0..regimes).map(|_| zero(d)).collect();
        for (y, b) in all {
            for t in 0..y.len() {
                for k in 0..regimes {
                    let p = b.regime[t][k];
                    if t > 0 {
                        moved[k].add(p, &b.moment(t, t), &b.moment(t, t - 1), &b.moment(t - 1, t - 1));
                    }
                    if let Some(y) = &y[t] {
                        seen[k].add(p, &(y * y.transpose()), &(y * b.mean[t].transpose()), &b.moment(t, t));
                    }
                }
            }
        }
        fit(&moved, steps, &mut self.a, &mut self.q);
        fit(&seen, observations, &mut self.c, &mut self.r);
    }

    /// log p(y) of one sequence: every path of the regimes, each of which makes y one Normal.
    ///
    /// # Panics
    /// If a covariance is singular.
    #[must_use]
    pub fn log_evidence(&self, y: &Seen) -> f64 {
        let (k, n) = (self.regimes(), y.len());
        let paths: Vec<Vec<usize>> = (0..n).fold(vec![vec![]], |all, _| {
            all.iter().flat_map(|z| (0..k).map(|k| [z.as_slice(), &[k]].concat())).collect()
        });
        let logs: Vec<f64> = paths
            .iter()
            .map(|z| {
                let prior = (1..n).map(|t| self.trans[(z[t - 1], z[t])].ln()).sum::<f64>();
                self.start[z[0]].ln() + prior + self.log_density(y, z)
            })
            .collect();
        log_sum_exp(&logs)
    }
}

impl Switching {
    /// log p(y | z): y as one Normal.
    ///
    /// # Panics
    /// If a covariance is singular.
    #[must_use]
    pub fn log_density(&self, y: &Seen, z: &[usize]) -> f64 {
        let (h, n) = (self.m0.len(), y.len());
        let (mut mean, mut cov) = (vec![self.m0.clone()], DMatrix::zeros(n * h, n * h));
        cov.view_mut((0, 0), (h, h)).add_assign(&self.p0);
        for t in 1..n {
            let a = &self.a[z[t]];
            mean.push(a * &mean[t - 1]);
            let row = a * cov.view(((t - 1) * h, 0), (h, t * h));
            let own = row.columns((t - 1) * h, h) * a.transpose() + &self.q[z[t]];
            cov.view_mut((t * h, 0), (h, t * h)).add_assign(&row);
            cov.view_mut((0, t * h), (t * h, h)).add_assign(&row.transpose());
            cov.view_mut((t * h, t * h), (h, h)).add_assign(&own);
        }
        let there: Vec<usize> = (0..n).filter(|t| y[*t].is_some()).collect();
        let d = self.c[0].nrows();
        let values: Vec<f64> =
            there.iter().filter_map(|t| y[*t].as_ref()).flat_map(DVector::iter).copied().collect();
        let mut center = DVector::zeros(values.len());
        let mut whole = DMatrix::zeros(values.len(), values.len());
        for (i, &s) in there.iter().enumerate() {
            center.rows_mut(i * d, d).add_assign(&(&self.c[z[s]] * &mean[s]));
            for (j, &t) in there.iter().enumerate() {
                let block = &self.c[z[s]] * cov.view((s * h, t * h), (h, h)) * self.c[z[t]].transpose();
                whole.view_mut((i * d, j * d), (d, d)).add_assign(&block);
            }
            whole.view_mut((i * d, i * d), (d, d)).add_assign(&self.r[z[s]]);
        }
        if values.is_empty() { 0.0 } else { mv_normal(&values, &center, &whole) }
    }
}

struct Sums {
    uu: DMatrix<f64>,
    uv: DMatrix<f64>,
    vv: DMatrix<f64>,
    n: f64,
}

impl Sums {
    fn add(&mut self, p: f64, uu: &DMatrix<f64>, uv: &DMatrix<f64>, vv: &DMatrix<f64>) {
        self.uu += uu * p;
        self.uv += uv * p;
        self.vv += vv * p;
        self.n += p;
    }
}

fn fit(of: &[Sums], law: Law, slopes: &mut [DMatrix<f64>], noises: &mut [DMatrix<f64>]) {
    let mut pooled = Sums { uu: &of[0].uu * 0.0, uv: &of[0].uv * 0.0, vv: &of[0].vv * 0.0, n: 0.0 };
    of.iter().for_each(|s| pooled.add(1.0, &s.uu, &s.uv, &s.vv));
    pooled.n = of.iter().map(|s| s.n).sum();
    for (k, own) in of.iter().enumerate() {
        let s = match law {
            Law::Own | Law::OwnNoise => own,
            Law::Shared => &pooled,
        };
        if !matches!(law, Law::OwnNoise) {
            slopes[k] = &s.uv * inverse(&s.vv);
        }
        let cross = &slopes[k] * s.uv.transpose();
        noises[k] = (&s.uu - &cross - cross.transpose() + &slopes[k] * &s.vv * slopes[k].transpose()) / s.n;
    }
}
