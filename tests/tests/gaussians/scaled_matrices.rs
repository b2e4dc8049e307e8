//! A number times a matrix as the scale of vectors: maximum likelihood, modes, exact blocks and blocks that take turns.

use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::density::{digamma, gamma, inverse_gamma, ln_gamma, mv_normal, mv_student_t};
use vi_tests::law::{close, exact, honest, monotone};

model! {
    pub mod known_shape(P: SymPos[D]) {
        param    m: Vector[D];   param tau: Positive;
        observed x[n in N] ~ Normal(m, prec: tau * P);
    }
}
model! {
    pub mod known_covariance(S: SymPos[D]) {
        given    u[n in N]: Real;
        param    a: Vector[D];   param b: Vector[D];   param s2: Positive;
        observed x[n in N] ~ Normal(a + b * u[n], cov: s2 * S);
    }
}
model! {
    /// The shape of the prior is not that of the data.
    pub mod mode(m0: Vector[D], P0: SymPos[D], P: SymPos[D]) {
        param    tau ~ Gamma(shape: 3, rate: 2);
        param    m: Vector[D] ~ Normal(m0, prec: tau * P0);
        observed x[n in N] ~ Normal(m, prec: tau * P);
    }
}
model! {
    pub mod conjugate(m0: Vector[D], P0: SymPos[D], P: SymPos[D], a0: Positive, b0: Positive) {
        latent   tau ~ Gamma(shape: a0, rate: b0);
        latent   m: Vector[D] ~ Normal(m0, prec: tau * P0);
        observed x[n in N] ~ Normal(m, prec: tau * P);
    }
}
model! {
    pub mod conjugate_covariance(m0: Vector[D], S0: SymPos[D], S: SymPos[D], a0: Positive, b0: Positive) {
        latent   s2 ~ InverseGamma(shape: a0, scale: b0);
        latent   m: Vector[D] ~ Normal(m0, cov: s2 * S0);
        observed x[n in N] ~ Normal(m, cov: s2 * S);
    }
}
model! {
    /// The prior of the mean does not scale with tau.
    pub mod parted(m0: Vector[D], P0: SymPos[D], P: SymPos[D], a0: Positive, b0: Positive) {
        latent   tau ~ Gamma(shape: a0, rate: b0);
        latent   m: Vector[D] ~ Normal(m0, prec: P0);
        observed x[n in N] ~ Normal(m, prec: tau * P);
        factorize { q(m); q(tau); }
    }
}
model! {
    /// A scale in each state.
    pub mod kinds(K, P: SymPos[D]) {
        param    weight: Simplex[K];   param m[k in K]: Vector[D];   param tau[k in K]: Positive;
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(m[z[n]], prec: tau[z[n]] * P);
    }
}
model! {
    /// An intercept and a slope that go together a priori.
    pub mod line(m0: Vector[2], P: SymPos[2]) {
        given    u[n in N]: Real;
        latent   v: Vector[2] ~ Normal(m0, prec: P);
        observed y[n in N] ~ Normal(v[0] + v[1] * u[n], var: 0.5);
    }
}

struct Setting {
    x: DMatrix<f64>,
    m0: DVector<f64>,
    p0: DMatrix<f64>,
    p: DMatrix<f64>,
}

fn setting(n: usize, seed: u64) -> Setting {
    let mut g = Noise::new(seed);
    Setting {
        x: DMatrix::from_fn(n, 2, |_, d| g.normal() + 2.0 * d as f64),
        m0: DVector::from_vec(vec![0.5, -0.3]),
        p0: g.sym_pos(2) * 0.4,
        p: g.sym_pos(2),
    }
}

fn form(x: &DMatrix<f64>, m: &DVector<f64>, p: &DMatrix<f64>) -> f64 {
    x.row_iter().map(|r| ((r.transpose() - m).transpose() * p * (r.transpose() - m))[0]).sum()
}

fn inverse(m: &DMatrix<f64>) -> DMatrix<f64> {
    m.clone().try_inverse().unwrap()
}

#[test]
fn a_precision_that_is_known_up_to_a_factor() {
    let s = setting(12, 1);
    let data = known_shape::Data { x: (&s.x).into() };
    let fit = known_shape::Model::new(s.p.clone()).fit(&data, &Options::new()).unwrap();
    let mean = s.x.row_mean().transpose();
    let tau = 24.0 / form(&s.x, &mean, &s.p);
    close(fit.params.tau, tau, 1e-12);
    (0..2).for_each(|d| close(fit.params.m[d], mean[d], 1e-12));
    let cov = inverse(&(&s.p * tau));
    let direct: f64 = s.x.row_iter().map(|r| mv_normal(r.transpose().as_slice(), &mean, &cov)).sum();
    close(fit.log_likelihood(), direct, 1e-11);
}

#[test]
fn a_regression_of_vectors_with_a_covariance_that_is_known_up_to_a_factor() {
    let s = setting(15, 2);
    let mut g = Noise::new(3);
    let u = g.normals(15);
    let data = known_covariance::Data { u: (&u).into(), x: (&s.x).into() };
    let fit = known_covariance::Model::new(s.p.clone()).fit(&data, &Options::new()).unwrap();
    let design = DMatrix::from_fn(15, 2, |i, j| if j == 0 { 1.0 } else { u[i] });
    let slopes = inverse(&(design.transpose() * &design)) * design.transpose() * &s.x;
    for d in 0..2 {
        close(fit.params.a[d], slopes[(0, d)], 1e-11);
        close(fit.params.b[d], slopes[(1, d)], 1e-11);
    }
    let s2 = form(&(&s.x - design * slopes), &DVector::zeros(2), &inverse(&s.p)) / 30.0;
    close(fit.params.s2, s2, 1e-11);
}

#[test]
fn the_joint_mode_of_a_mean_and_a_factor() {
    let s = setting(10, 4);
    let data = mode::Data { x: (&s.x).into() };
    let model = mode::Model::new(s.m0.clone(), s.p0.clone(), s.p.clone());
    let fit = model.fit(&data, &Options::new().tolerance(1e-15).max_iterations(5000)).unwrap();
    monotone(&fit.trace);
    let right = &s.p * s.x.row_sum().transpose() + &s.p0 * &s.m0;
    let m = inverse(&(&s.p * 10.0 + &s.p0)) * right;
    let square = form(&s.x, &m, &s.p) + ((&m - &s.m0).transpose() * &s.p0 * (&m - &s.m0))[0];
    let tau = (2.0 + 11.0) / (2.0 + 0.5 * square);
    (0..2).for_each(|d| close(fit.params.m[d], m[d], 1e-9));
    close(fit.params.tau, tau, 1e-9);
    let cov = |p: &DMatrix<f64>| inverse(&(p * tau));
    let direct: f64 =
        s.x.row_iter().map(|r| mv_normal(r.transpose().as_slice(), &m, &cov(&s.p))).sum::<f64>()
            + mv_normal(m.as_slice(), &s.m0, &cov(&s.p0))
            + gamma(tau, 3.0, 2.0);
    close(fit.log_posterior(), direct, 1e-10);
}

/// log p(x) of all rows together, the scale of each of which is b0 / a0 times (P⁻¹, and P0⁻¹ in common).
fn evidence(s: &Setting, a0: f64, b0: f64) -> f64 {
    let n = s.x.nrows();
    let cov = DMatrix::identity(n, n).kronecker(&inverse(&s.p))
        + DMatrix::from_element(n, n, 1.0).kronecker(&inverse(&s.p0));
    let all: Vec<f64> = s.x.row_iter().flat_map(|r| r.iter().copied().collect::<Vec<_>>()).collect();
    let mean = DVector::from_fn(2 * n, |i, _| s.m0[i % 2]);
    mv_student_t(&all, 2.0 * a0, &mean, &(cov * (b0 / a0)))
}

#[test]
fn one_block_of_a_mean_and_a_factor_whatever_their_shapes() {
    let s = setting(6, 5);
    let (a0, b0) = (1.7, 0.8);
    let data = conjugate::Data { x: (&s.x).into() };
    let model = conjugate::Model::new(s.m0.clone(), s.p0.clone(), s.p.clone(), a0, b0);
    let fit = model.fit(&data, &Options::new()).unwrap();
    exact(&fit, &data, evidence(&s, a0, b0));
    let precision = &s.p * 6.0 + &s.p0;
    let m = inverse(&precision) * (&s.p * s.x.row_sum().transpose() + &s.p0 * &s.m0);
    let square = form(&s.x, &m, &s.p) + ((&m - &s.m0).transpose() * &s.p0 * (&m - &s.m0))[0];
    let (a, b) = (a0 + 6.0, b0 + 0.5 * square);
    close(fit.posterior.tau.mean(), a / b, 1e-12);
    close(fit.posterior.tau.var(), a / (b * b), 1e-12);
    let cov = inverse(&precision) * (b / (a - 1.0));
    for d in 0..2 {
        close(fit.posterior.m.mean()[d], m[d], 1e-12);
        (0..2).for_each(|e| close(fit.posterior.m.cov()[(d, e)], cov[(d, e)], 1e-11));
    }
    // The same with a variance: P is the inverse of a covariance, and the prior of its factor an inverse Gamma.
    let data = conjugate_covariance::Data { x: (&s.x).into() };
    let model = conjugate_covariance::Model::new(s.m0.clone(), inverse(&s.p0), inverse(&s.p), a0, b0);
    let other = model.fit(&data, &Options::new()).unwrap();
    exact(&other, &data, evidence(&s, a0, b0));
    close(other.posterior.s2.mean(), b / (a - 1.0), 1e-11);
}

#[test]
fn blocks_of_a_mean_and_a_factor_take_turns() {
    let s = setting(6, 6);
    let (a0, b0) = (1.7, 0.8);
    let data = parted::Data { x: (&s.x).into() };
    let model = parted::Model::new(s.m0.clone(), s.p0.clone(), s.p.clone(), a0, b0);
    let fit = model.fit(&data, &Options::new().tolerance(0.0).max_iterations(2000)).unwrap();
    honest(&fit, &data);
    let a = a0 + 6.0;
    let (mut tau, mut m, mut cov) = (a0 / b0, s.m0.clone(), s.p0.clone());
    let mut b = b0;
    for _ in 0..500 {
        let precision = &s.p * (6.0 * tau) + &s.p0;
        cov = inverse(&precision);
        m = &cov * (&s.p * s.x.row_sum().transpose() * tau + &s.p0 * &s.m0);
        b = b0 + 0.5 * (form(&s.x, &m, &s.p) + 6.0 * (&s.p * &cov).trace());
        tau = a / b;
    }
    close(fit.posterior.tau.mean(), tau, 1e-7);
    (0..2).for_each(|d| close(fit.posterior.m.mean()[d], m[d], 1e-7));
    let ln_tau_pi = std::f64::consts::TAU.ln();
    let log = digamma(a) - b.ln();
    let bound = 6.0 * log - 6.0 * ln_tau_pi + 3.0 * s.p.determinant().ln() - tau * (b - b0)
        + 0.5 * s.p0.determinant().ln()
        - ln_tau_pi
        - 0.5 * (((&m - &s.m0).transpose() * &s.p0 * (&m - &s.m0))[0] + (&s.p0 * &cov).trace())
        + 0.5 * cov.determinant().ln()
        + ln_tau_pi
        + 1.0
        + (a0 * b0.ln() - ln_gamma(a0) + (a0 - 1.0) * log - b0 * tau)
        - (a * b.ln() - ln_gamma(a) + (a - 1.0) * log - a);
    close(fit.elbo(), bound, 1e-10);
}

#[test]
fn a_factor_in_each_state() {
    let mut g = Noise::new(7);
    let s = setting(3, 7);
    let x =
        DMatrix::from_fn(80, 2, |n, _| if n % 2 == 0 { 6.0 + 2.0 * g.normal() } else { 0.5 * g.normal() });
    let data = kinds::Data { x: (&x).into() };
    let options = Options::new().seed(3).tolerance(1e-14).max_iterations(3000);
    let fit = kinds::Model::new(2, s.p.clone()).fit(&data, &options).unwrap();
    monotone(&fit.trace);
    for k in 0..2 {
        let (mut weight, mut sum) = (0.0, DVector::zeros(2));
        for n in 0..80 {
            weight += fit.posterior.z.probs(n)[k];
            sum += x.row(n).transpose() * fit.posterior.z.probs(n)[k];
        }
        let m = sum / weight;
        let square: f64 = (0..80)
            .map(|n| {
                let r = x.row(n).transpose() - &m;
                fit.posterior.z.probs(n)[k] * (r.transpose() * &s.p * &r)[0]
            })
            .sum();
        close(fit.params.tau[k], 2.0 * weight / square, 1e-5);
        (0..2).for_each(|d| close(fit.params.m[k][d], m[d], 1e-5));
    }
}

#[test]
fn an_intercept_that_is_part_of_a_vector_is_measured_from_where_it_was_solved_for() {
    let mut g = Noise::new(8);
    let (m0, p) = (DVector::from_vec(vec![3.0, -1.0]), g.sym_pos(2));
    let u: Vec<f64> = (0..9).map(|_| 5.0 + g.normal()).collect();
    let y: Vec<f64> = u.iter().map(|u| 40.0 + 2.0 * u + g.normal()).collect();
    let data = line::Data { u: (&u).into(), y: (&y).into() };
    let fit = line::Model::new(m0.clone(), p.clone()).fit(&data, &Options::new()).unwrap();
    let x = DMatrix::from_fn(9, 2, |i, j| if j == 0 { 1.0 } else { u[i] });
    let cov = inverse(&(x.transpose() * &x * 2.0 + &p));
    let mean = &cov * (x.transpose() * DVector::from_vec(y.clone()) * 2.0 + &p * &m0);
    let total = &x * inverse(&p) * x.transpose() + DMatrix::identity(9, 9) * 0.5;
    exact(&fit, &data, mv_normal(&y, &(&x * &m0), &total));
    for d in 0..2 {
        close(fit.posterior.v.mean()[d], mean[d], 1e-10);
        (0..2).for_each(|e| close(fit.posterior.v.cov()[(d, e)], cov[(d, e)], 1e-10));
    }
}

#[test]
fn densities_used_here_are_one_another() {
    // Gamma(2, 3) of a precision is the inverse Gamma of its reciprocal.
    let t = 0.7_f64;
    close(gamma(t, 2.0, 3.0), inverse_gamma(1.0 / t, 2.0, 3.0) - 2.0 * t.ln(), 1e-13);
}
