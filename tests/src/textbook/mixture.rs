//! Bayesian mixtures of Gaussians: Bishop, Pattern Recognition and Machine Learning, section 10.2.

use super::{Wishart, dirichlet_divergence, expected_logs};
use crate::density::{digamma, ln_gamma, ln_multigamma, log_sum_exp};
use nalgebra::{DMatrix, DVector};
use std::f64::consts::PI;

/// weight ~ Dirichlet(a0), prec ~ Wishart(nu0, w0), mean ~ Normal(m0, …).
#[derive(Clone, Debug)]
pub struct Prior {
    /// Of every weight.
    pub a0: f64,
    /// Precision of the mean, in units of prec\[k\] or of the identity.
    pub b0: f64,
    /// Centre of the means.
    pub m0: DVector<f64>,
    /// Scale of the precisions.
    pub w0: DMatrix<f64>,
    /// Degrees of freedom of the precisions.
    pub nu0: f64,
}

/// What a run went through.
#[derive(Clone, Debug)]
pub struct Run {
    /// The bound after each sweep.
    pub trace: Vec<f64>,
    /// q(z), one row for each observation.
    pub z: DMatrix<f64>,
    /// Parameters of q(weight).
    pub weight: Vec<f64>,
    /// E mean\[k\].
    pub mean: Vec<DVector<f64>>,
    /// q(prec\[k\]).
    pub prec: Vec<Wishart>,
}

fn row(x: &DMatrix<f64>, n: usize) -> DVector<f64> {
    x.row(n).transpose()
}

/// r ∝ exp(log ρ), by rows.
fn responsibilities(log_rho: &DMatrix<f64>) -> DMatrix<f64> {
    let mut r = log_rho.clone();
    for mut row in r.row_iter_mut() {
        let total = log_sum_exp(&row.iter().copied().collect::<Vec<_>>());
        row.iter_mut().for_each(|v| *v = (*v - total).exp());
    }
    r
}

/// Σ r (log ρ − log r)
fn local_bound(r: &DMatrix<f64>, log_rho: &DMatrix<f64>) -> f64 {
    r.iter().zip(log_rho.iter()).filter(|(r, _)| **r > 0.0).map(|(r, l)| r * (l - r.ln())).sum()
}

/// q(mean\[k\], prec\[k\]) of one component, where mean\[k\] ~ Normal(m0, prec: b0 prec\[k\]).
struct Component {
    mean: DVector<f64>,
    /// Precision of the mean in units of `prec`.
    b: f64,
    prec: Wishart,
}

impl Component {
    /// (10.51)–(10.53) and (10.60)–(10.63), with N S written as a sum so that empty components need no division.
    fn update(x: &DMatrix<f64>, r: &[f64], prior: &Prior) -> Component {
        let size: f64 = r.iter().sum();
        let b = prior.b0 + size;
        let sum = r.iter().enumerate().fold(DVector::zeros(x.ncols()), |s, (n, r)| s + row(x, n) * *r);
        let mean = (&prior.m0 * prior.b0 + sum) / b;
        let mut inverse = prior.w0.clone().try_inverse().expect("a scale can be inverted")
            + (&prior.m0 - &mean) * (&prior.m0 - &mean).transpose() * prior.b0;
        for (n, r) in r.iter().enumerate() {
            let e = row(x, n) - &mean;
            inverse += &e * e.transpose() * *r;
        }
        let scale = inverse.try_inverse().expect("a scale can be inverted");
        Component { mean, b, prec: Wishart { dof: prior.nu0 + size, scale } }
    }

    /// E log p(x | mean, prec): (10.64) and (10.65).
    fn log_density(&self, x: &DVector<f64>) -> f64 {
        let (e, d) = (x - &self.mean, x.len() as f64);
        let form = d / self.b + (e.transpose() * self.prec.mean() * &e)[0];
        0.5 * (self.prec.log_det() - d * (2.0 * PI).ln() - form)
    }

    /// E log p(mean, prec) − E log q(mean, prec): (10.74) and (10.77).
    fn bound(&self, prior: &Prior) -> f64 {
        let p0 = Wishart { dof: prior.nu0, scale: prior.w0.clone() };
        let (e, d, log_det) = (&self.mean - &prior.m0, self.mean.len() as f64, self.prec.log_det());
        let form = (e.transpose() * self.prec.mean() * &e)[0];
        let p = 0.5 * (d * (prior.b0 / (2.0 * PI)).ln() + log_det - d * prior.b0 / self.b - prior.b0 * form);
        let q = 0.5 * (d * (self.b / (2.0 * PI)).ln() + log_det - d);
        p - q + p0.expected_density(&self.prec) - self.prec.expected_density(&self.prec)
    }
}

fn components(x: &DMatrix<f64>, z: &DMatrix<f64>, prior: &Prior) -> Vec<Component> {
    z.column_iter().map(|r| Component::update(x, &r.iter().copied().collect::<Vec<_>>(), prior)).collect()
}

fn log_rho(x: &DMatrix<f64>, log_weight: &[f64], of: &[Component]) -> DMatrix<f64> {
    DMatrix::from_fn(x.nrows(), of.len(), |n, k| log_weight[k] + of[k].log_density(&row(x, n)))
}

/// mean\[k\] ~ Normal(m0, prec: b0 prec\[k\]), q(weight) Π q(mean\[k\], prec\[k\]) Π q(z\[n\]), updated in this order from given q(z).
///
/// # Panics
/// If a scale is singular.
#[must_use]
pub fn conjugate(x: &DMatrix<f64>, z: &DMatrix<f64>, prior: &Prior, sweeps: usize) -> Run {
    let k = z.ncols();
    let mut run = Run { trace: vec![], z: z.clone(), weight: vec![], mean: vec![], prec: vec![] };
    for _ in 0..sweeps {
        run.weight = (0..k).map(|k| prior.a0 + run.z.column(k).sum()).collect();
        let of = components(x, &run.z, prior);
        let rho = log_rho(x, &expected_logs(&run.weight), &of);
        run.z = responsibilities(&rho);
        run.trace.push(
            local_bound(&run.z, &rho) - dirichlet_divergence(&run.weight, &vec![prior.a0; k])
                + of.iter().map(|c| c.bound(prior)).sum::<f64>(),
        );
        (run.mean, run.prec) = of.into_iter().map(|c| (c.mean, c.prec)).unzip();
    }
    run
}

/// The same with weights broken off a stick (Blei and Jordan 2006), and a concentration of its own: conc ~ Gamma(1, 1),
/// v\[k\] ~ Beta(1, conc), weight\[k\] = v\[k\] Π (1 − v\[j\]), the last weight what is left. `a0` is not used; `weight` of the outcome holds
/// both parameters of every q(v\[k\]), then shape and rate of q(conc). Updated in the order v, (mean, prec), conc, z.
///
/// # Panics
/// If a scale is singular.
#[must_use]
pub fn stick_breaking(x: &DMatrix<f64>, z: &DMatrix<f64>, prior: &Prior, sweeps: usize) -> Run {
    let k = z.ncols();
    let mut run = Run { trace: vec![], z: z.clone(), weight: vec![], mean: vec![], prec: vec![] };
    let mut conc = (1.0, 1.0);
    for _ in 0..sweeps {
        let size: Vec<f64> = (0..k).map(|k| run.z.column(k).sum()).collect();
        let v: Vec<[f64; 2]> = (0..k - 1)
            .map(|k| [1.0 + size[k], conc.0 / conc.1 + size[k + 1..].iter().sum::<f64>()])
            .collect();
        let of = components(x, &run.z, prior);
        let logs: Vec<Vec<f64>> = v.iter().map(|v| expected_logs(v)).collect();
        conc = (k as f64, 1.0 - logs.iter().map(|l| l[1]).sum::<f64>());
        let log_weight: Vec<f64> = (0..k)
            .map(|k| logs.get(k).map_or(0.0, |l| l[0]) + logs[..k].iter().map(|l| l[1]).sum::<f64>())
            .collect();
        let rho = log_rho(x, &log_weight, &of);
        run.z = responsibilities(&rho);
        let (shape, rate) = conc;
        let log_conc = digamma(shape) - rate.ln();
        // E log Gamma(conc; 1, 1) and the entropy of q(conc).
        let mut bound = -shape / rate + shape - rate.ln() + ln_gamma(shape) + (1.0 - shape) * digamma(shape);
        for (v, logs) in v.iter().zip(&logs) {
            let entropy = ln_gamma(v[0]) + ln_gamma(v[1])
                - ln_gamma(v[0] + v[1])
                - (v[0] - 1.0) * logs[0]
                - (v[1] - 1.0) * logs[1];
            bound += log_conc + (shape / rate - 1.0) * logs[1] + entropy;
        }
        bound += of.iter().map(|c| c.bound(prior)).sum::<f64>();
        run.trace.push(bound + local_bound(&run.z, &rho));
        run.weight = v.into_iter().flatten().chain([shape, rate]).collect();
        (run.mean, run.prec) = of.into_iter().map(|c| (c.mean, c.prec)).unzip();
    }
    run
}

/// mean\[k\] ~ Normal(m0, prec: b0 I) independent of prec\[k\], so that q(mean\[k\]) q(prec\[k\]). Updated in the order mean, prec, z, weight from
/// given q(z), with prec and weight at their priors' moments before.
///
/// # Panics
/// If a scale is singular.
#[must_use]
pub fn independent(x: &DMatrix<f64>, z: &DMatrix<f64>, prior: &Prior, sweeps: usize) -> Run {
    let (n, d, k) = (x.nrows(), x.ncols(), z.ncols());
    let inverse0 = prior.w0.clone().try_inverse().expect("a scale can be inverted");
    let p0 = Wishart { dof: prior.nu0, scale: prior.w0.clone() };
    let mut run = Run {
        trace: vec![],
        z: z.clone(),
        weight: vec![prior.a0; k],
        mean: vec![prior.m0.clone(); k],
        prec: vec![p0.clone(); k],
    };
    let mut cov = vec![DMatrix::zeros(d, d); k];
    for _ in 0..sweeps {
        for k in 0..k {
            let r = run.z.column(k);
            let size = r.sum();
            let prec = run.prec[k].mean();
            let sum = (0..n).fold(DVector::zeros(d), |s, n| s + row(x, n) * r[n]);
            let total = DMatrix::identity(d, d) * prior.b0 + &prec * size;
            cov[k] = total.try_inverse().expect("a precision can be inverted");
            run.mean[k] = &cov[k] * (&prior.m0 * prior.b0 + prec * sum);
            let mut inverse = &inverse0 + &cov[k] * size;
            for n in 0..n {
                let e = row(x, n) - &run.mean[k];
                inverse += &e * e.transpose() * r[n];
            }
            let scale = inverse.try_inverse().expect("a scale can be inverted");
            run.prec[k] = Wishart { dof: prior.nu0 + size, scale };
        }
        let log_det: Vec<f64> = run.prec.iter().map(Wishart::log_det).collect();
        let rho = |weight: &[f64]| {
            let log_weight = expected_logs(weight);
            DMatrix::from_fn(n, k, |n, k| {
                let e = row(x, n) - &run.mean[k];
                let square = &e * e.transpose() + &cov[k];
                log_weight[k]
                    + 0.5 * (log_det[k] - d as f64 * (2.0 * PI).ln() - (run.prec[k].mean() * square).trace())
            })
        };
        run.z = responsibilities(&rho(&run.weight));
        run.weight = (0..k).map(|k| prior.a0 + run.z.column(k).sum()).collect();
        let mut bound =
            local_bound(&run.z, &rho(&run.weight)) - dirichlet_divergence(&run.weight, &vec![prior.a0; k]);
        for k in 0..k {
            let e = &run.mean[k] - &prior.m0;
            let d = d as f64;
            let p = 0.5 * (d * (prior.b0 / (2.0 * PI)).ln() - prior.b0 * (e.norm_squared() + cov[k].trace()));
            let entropy = 0.5 * (d * (1.0 + (2.0 * PI).ln()) + cov[k].determinant().ln());
            bound +=
                p + entropy + p0.expected_density(&run.prec[k]) - run.prec[k].expected_density(&run.prec[k]);
        }
        run.trace.push(bound);
    }
    run
}

/// log p(x of one component), mean and precision integrated out: Murphy, Machine Learning: A Probabilistic Perspective, (4.244).
///
/// # Panics
/// If a scale is singular.
#[must_use]
pub fn component(x: &DMatrix<f64>, own: &[usize], p: &Prior) -> f64 {
    let (n, d) = (own.len() as f64, x.ncols() as f64);
    let b = p.b0 + n;
    let sum = own.iter().fold(DVector::zeros(x.ncols()), |s, n| s + row(x, *n));
    let mean = (&p.m0 * p.b0 + &sum) / b;
    let mut s =
        p.w0.clone().try_inverse().expect("a scale can be inverted") + &p.m0 * p.m0.transpose() * p.b0;
    for n in own {
        s += row(x, *n) * row(x, *n).transpose();
    }
    s -= &mean * mean.transpose() * b;
    -n * d / 2.0 * PI.ln() + d / 2.0 * (p.b0 / b).ln() + ln_multigamma((p.nu0 + n) / 2.0, x.ncols())
        - ln_multigamma(p.nu0 / 2.0, x.ncols())
        - p.nu0 / 2.0 * p.w0.determinant().ln()
        - (p.nu0 + n) / 2.0 * s.determinant().ln()
}

/// log p(x), by every way of dividing the observations among two components.
///
/// # Panics
/// If a scale is singular.
#[must_use]
pub fn evidence(x: &DMatrix<f64>, p: &Prior) -> f64 {
    let n = x.nrows();
    let terms: Vec<f64> = (0..1usize << n)
        .map(|bits| {
            let (a, b): (Vec<usize>, Vec<usize>) = (0..n).partition(|i| bits >> i & 1 == 1);
            let weight = ln_gamma(2.0 * p.a0) - ln_gamma(2.0 * p.a0 + n as f64) - 2.0 * ln_gamma(p.a0)
                + ln_gamma(p.a0 + a.len() as f64)
                + ln_gamma(p.a0 + b.len() as f64);
            weight + component(x, &a, p) + component(x, &b, p)
        })
        .collect();
    log_sum_exp(&terms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Noise, read};
    use crate::density::log_integral;
    use crate::law::{close, monotone};

    fn prior() -> Prior {
        Prior {
            a0: 0.7,
            b0: 0.3,
            m0: DVector::from_vec(vec![0.5, -0.5]),
            w0: DMatrix::from_row_slice(2, 2, &[0.8, 0.2, 0.2, 0.5]),
            nu0: 3.5,
        }
    }

    fn start(n: usize, g: &mut Noise) -> DMatrix<f64> {
        let rows: Vec<f64> = (0..n).flat_map(|_| g.simplex(2)).collect();
        DMatrix::from_row_slice(n, 2, &rows)
    }

    #[test]
    fn bounds_rise_and_stay_below_the_evidence() {
        let mut g = Noise::new(1);
        for _ in 0..5 {
            let x = DMatrix::from_fn(7, 2, |n, _| g.normal() + if n < 3 { 3.0 } else { 0.0 });
            let z = start(7, &mut g);
            let run = conjugate(&x, &z, &prior(), 60);
            monotone(&run.trace);
            let exact = evidence(&x, &prior());
            let last = run.trace[59];
            assert!(last < exact && last > exact - 6.0, "{last} and {exact}");
            monotone(&independent(&x, &z, &prior(), 60).trace);
            monotone(&stick_breaking(&x, &z, &prior(), 60).trace);
        }
    }

    /// Given v, the concentration has a Gamma posterior; v and it by quadrature, z by enumeration.
    #[test]
    fn sticks_have_a_bound_below_the_evidence() {
        let mut g = Noise::new(5);
        let x = DMatrix::from_fn(6, 2, |n, _| g.normal() + if n < 3 { 3.0 } else { 0.0 });
        let run = stick_breaking(&x, &start(6, &mut g), &prior(), 200);
        let terms: Vec<f64> = (0..64usize)
            .map(|bits| {
                let (a, b): (Vec<usize>, Vec<usize>) = (0..6).partition(|i| bits >> i & 1 == 0);
                let (first, rest) = (a.len() as f64, b.len() as f64);
                // ∫ Beta(v; 1, c) v^first (1 − v)^rest dv, then c over its log.
                let weights = log_integral(-30.0, 5.0, |l| {
                    let c = l.exp();
                    let given =
                        l + ln_gamma(1.0 + first) + ln_gamma(c + rest) - ln_gamma(1.0 + first + c + rest);
                    given - c + l
                });
                weights + component(&x, &a, &prior()) + component(&x, &b, &prior())
            })
            .collect();
        let (exact, last) = (log_sum_exp(&terms), run.trace[199]);
        assert!(last < exact && last > exact - 6.0, "{last} and {exact}");
    }

    /// Another implementation, in another language, from the same start: its first and its last sweep.
    #[test]
    fn the_factorised_bound_is_the_published_one() {
        let y = read("vb_mixture_y.csv");
        let start = read("vb_mixture_z_init.csv");
        let z = DMatrix::from_fn(y.nrows(), 10, |n, k| f64::from(start[(n, 0)] as usize == k));
        let prior =
            Prior { a0: 1e-5, b0: 1e-5, m0: DVector::zeros(2), w0: DMatrix::identity(2, 2) * 1e5, nu0: 2.0 };
        let run = independent(&y, &z, &prior, 61);
        close(run.trace[0], -1402.344721444101, 1e-12);
        close(run.trace[60], -888.8463858356401, 1e-11);
    }

    /// Without a doubt about z there is one component and its evidence, which the joint posterior attains and the factorised one does not.
    #[test]
    fn one_component_is_exact() {
        let mut g = Noise::new(2);
        let x = DMatrix::from_fn(6, 2, |_, _| g.normal());
        let all: Vec<usize> = (0..6).collect();
        let ones = DMatrix::from_element(6, 1, 1.0);
        let run = conjugate(&x, &ones, &prior(), 2);
        let exact = component(&x, &all, &prior());
        assert!((run.trace[0] - exact).abs() < 1e-11 && (run.trace[1] - exact).abs() < 1e-11);
    }
}
