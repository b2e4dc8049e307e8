//! A linear-Gaussian state space.

use crate::density::mv_normal;
use nalgebra::{DMatrix, DVector};

/// EM as Shumway and Stoffer print it: Kalman's filter, the smoother of Rauch, Tung and Striebel, and regressions on moments.
#[allow(missing_docs, reason = "the letters of the model")]
#[derive(Clone, Debug)]
pub struct Textbook {
    pub a: DMatrix<f64>,
    pub q: DMatrix<f64>,
    pub c: DMatrix<f64>,
    pub b: DVector<f64>,
    pub r: DMatrix<f64>,
    pub m0: DVector<f64>,
    pub p0: DMatrix<f64>,
}

/// What one sequence says of its states.
#[derive(Debug)]
pub struct Smoothed {
    /// log p(y)
    pub log_likelihood: f64,
    /// E `x[t]`
    pub mean: Vec<DVector<f64>>,
    /// Cov `x[t]`
    pub cov: Vec<DMatrix<f64>>,
    /// Cov(`x[t]`, `x[t-1]`), from t = 1 on.
    pub lag: Vec<DMatrix<f64>>,
}

impl Textbook {
    /// Filter, then smoother.
    ///
    /// # Panics
    /// If a covariance is singular.
    #[must_use]
    pub fn smooth(&self, y: &[Option<DVector<f64>>]) -> Smoothed {
        let inverse = |m: &DMatrix<f64>| m.clone().try_inverse().unwrap();
        let (mut mean, mut cov, mut ahead) = (vec![], vec![], vec![]);
        let mut log_likelihood = 0.0;
        for (t, seen) in y.iter().enumerate() {
            let (m, p) = match t {
                0 => (self.m0.clone(), self.p0.clone()),
                _ => (&self.a * &mean[t - 1], &self.a * &cov[t - 1] * self.a.transpose() + &self.q),
            };
            ahead.push((m.clone(), p.clone()));
            let Some(y) = seen else {
                mean.push(m);
                cov.push(p);
                continue;
            };
            let s = &self.c * &p * self.c.transpose() + &self.r;
            let expected = &self.c * &m + &self.b;
            log_likelihood += mv_normal(y.as_slice(), &expected, &s);
            let gain = &p * self.c.transpose() * inverse(&s);
            mean.push(&m + &gain * (y - expected));
            let left = DMatrix::identity(p.nrows(), p.nrows()) - &gain * &self.c;
            cov.push(&left * &p * left.transpose() + &gain * &self.r * gain.transpose());
        }
        let mut lag = vec![DMatrix::zeros(0, 0); y.len()];
        for t in (1..y.len()).rev() {
            let (m, p): &(DVector<f64>, DMatrix<f64>) = &ahead[t];
            let back = &cov[t - 1] * self.a.transpose() * inverse(p);
            lag[t] = &cov[t] * back.transpose();
            mean[t - 1] = &mean[t - 1] + &back * (&mean[t] - m);
            cov[t - 1] = &cov[t - 1] + &back * (&cov[t] - p) * back.transpose();
        }
        Smoothed { log_likelihood, mean, cov, lag }
    }

    /// One iteration; the log likelihood before it. Whether b, C and A are estimated.
    ///
    /// # Panics
    /// If moments are singular.
    pub fn step(
        &mut self,
        all: &[Vec<Option<DVector<f64>>>],
        (offset, loads, drifts): (bool, bool, bool),
    ) -> f64 {
        let (h, d) = (self.a.nrows(), self.c.nrows());
        let wide = h + usize::from(offset);
        let (mut s00, mut s10, mut s11) = (DMatrix::zeros(h, h), DMatrix::zeros(h, h), DMatrix::zeros(h, h));
        let (mut xx, mut yx, mut yy) =
            (DMatrix::zeros(wide, wide), DMatrix::zeros(d, wide), DMatrix::zeros(d, d));
        let (mut steps, mut seen, mut total) = (0.0, 0.0, 0.0);
        let mut first = vec![];
        for y in all {
            let e = self.smooth(y);
            total += e.log_likelihood;
            for t in 0..y.len() {
                let own = &e.cov[t] + &e.mean[t] * e.mean[t].transpose();
                if t > 0 {
                    s00 += &e.cov[t - 1] + &e.mean[t - 1] * e.mean[t - 1].transpose();
                    s10 += &e.lag[t] + &e.mean[t] * e.mean[t - 1].transpose();
                    s11 += &own;
                    steps += 1.0;
                } else {
                    first.push((e.mean[0].clone(), e.cov[0].clone()));
                }
                if let Some(y) = &y[t] {
                    let v = DVector::from_fn(wide, |i, _| if i < h { e.mean[t][i] } else { 1.0 });
                    xx += &v * v.transpose();
                    let mut inside = xx.view_mut((0, 0), (h, h));
                    inside += &e.cov[t];
                    yx += y * v.transpose();
                    yy += y * y.transpose();
                    seen += 1.0;
                }
            }
        }
        if drifts {
            self.a = &s10 * s00.clone().try_inverse().unwrap();
        }
        let cross = &self.a * s10.transpose();
        self.q = (&s11 - &cross - cross.transpose() + &self.a * &s00 * self.a.transpose()) / steps;
        let slopes = if loads {
            &yx * xx.clone().try_inverse().unwrap()
        } else {
            DMatrix::from_fn(d, wide, |i, j| if j < h { self.c[(i, j)] } else { self.b[i] })
        };
        let cross = &slopes * yx.transpose();
        self.r = (&yy - &cross - cross.transpose() + &slopes * &xx * slopes.transpose()) / seen;
        self.c = slopes.columns(0, h).into_owned();
        if offset {
            self.b = slopes.column(h).into_owned();
        }
        let n = first.len() as f64;
        self.m0 = first.iter().map(|(m, _)| m).sum::<DVector<f64>>() / n;
        self.p0 =
            first.iter().map(|(m, p)| p + (m - &self.m0) * (m - &self.m0).transpose()).sum::<DMatrix<f64>>()
                / n;
        total
    }
}
