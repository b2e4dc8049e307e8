//! Conditional blocks of units: a family integrated out in every state of a category, and then the sum over the states. Beside each model
//! stands what its posterior and its evidence are, by closed forms, by quadrature of one dimension, or by the textbook's loop.

use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::density::{self, digamma, log_integral, log_sum_exp};
use vi_tests::law::{close, exact, honest};

model! {
    /// A mixture of Student's t, each a scale mixture of Normals.
    pub mod t_mixture(K, nu: Positive) {
        param    weight: Simplex[K];
        param    mean[k in K]: Real;
        param    tau[k in K]: Positive;
        latent   z[n in N] ~ Categorical(weight);
        latent   u[n in N] ~ Gamma(shape: nu / 2, rate: nu / 2);
        observed x[n in N] ~ Normal(mean[z[n]], prec: u[n] * tau[z[n]]);
    }
}
model! {
    pub mod free_dof(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Real;
        param    tau[k in K]: Positive;
        param    nu: Positive;
        latent   z[n in N] ~ Categorical(weight);
        latent   u[n in N] ~ Gamma(shape: nu / 2, rate: nu / 2);
        observed x[n in N] ~ Normal(mean[z[n]], prec: u[n] * tau[z[n]]);
    }
}
model! {
    /// Vectors, and a matrix of their own in every state.
    pub mod vectors(K, nu: Positive) {
        param    weight: Simplex[K];
        param    mean[k in K]: Vector[D];
        param    prec[k in K]: SymPos[D];
        latent   z[n in N] ~ Categorical(weight);
        latent   u[n in N] ~ Gamma(shape: nu / 2, rate: nu / 2);
        observed x[n in N] ~ Normal(mean[z[n]], prec: u[n] * prec[z[n]]);
    }
}
model! {
    /// The prior itself depends on the category.
    pub mod own_scales(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Real;
        param    a[k in K]: Positive;
        param    b[k in K]: Positive;
        latent   z[n in N] ~ Categorical(weight);
        latent   u[n in N] ~ Gamma(shape: a[z[n]], rate: b[z[n]]);
        observed x[n in N]: Real? ~ Normal(mean[z[n]], prec: u[n]);
    }
}
model! {
    /// Counts of groups, found through a map: negative binomials in two kinds.
    pub mod counts(K) {
        given    group[r in R]: Category[G];
        given    time[r in R]: Positive;
        param    weight: Simplex[K];
        param    a[k in K]: Positive;
        param    b[k in K]: Positive;
        latent   z[g in G] ~ Categorical(weight);
        latent   rate[g in G] ~ Gamma(shape: a[z[g]], rate: b[z[g]]);
        observed y[r in R] ~ Poisson(rate[group[r]] * time[r]);
    }
}
model! {
    /// One latent for each coordinate of a unit.
    pub mod by_coordinate(K) {
        param    weight: Simplex[K];
        param    mean[k in K, d in D]: Real;
        param    tau[k in K]: Positive;
        latent   z[n in N] ~ Categorical(weight);
        latent   u[n in N, d in D] ~ Gamma(shape: 2, rate: 2);
        observed x[n in N, d in D] ~ Normal(mean[z[n], d], prec: u[n, d] * tau[z[n]]);
    }
}
model! {
    /// Two categories, one of which the latent knows nothing of.
    pub mod two_categories(K, J) {
        param    weight: Simplex[K];
        param    share: Simplex[J];
        param    mean[j in J]: Real;
        param    b[k in K]: Positive;
        latent   z[n in N] ~ Categorical(weight);
        latent   c[n in N] ~ Categorical(share);
        latent   u[n in N] ~ InverseGamma(shape: 3, scale: b[z[n]]);
        observed x[n in N] ~ Normal(mean[c[n]], var: u[n]);
    }
}
model! {
    /// A probability of its own for each unit: beta-binomials in kinds.
    pub mod skills(K) {
        given    m[n in N]: Count;
        param    weight: Simplex[K];
        param    a[k in K]: Positive;
        param    b[k in K]: Positive;
        latent   z[n in N] ~ Categorical(weight);
        latent   p[n in N] ~ Beta(a[z[n]], b[z[n]]);
        observed y[n in N] ~ Binomial(m[n], p[n]);
    }
}
model! {
    /// Profiles: Dirichlet-multinomials in two kinds.
    pub mod profiles(V) {
        param    w: Unit;
        latent   odd[n in N] ~ Bernoulli(w);
        latent   share[n in N]: Simplex[V] ~ match odd[n] { true => Dirichlet(0.5), false => Dirichlet(4) };
        observed word[n in N, i in I] ~ Categorical(share[n]);
    }
}
model! {
    /// All parameters uncertain too: a lower bound, in which {z, u} is one block.
    pub mod bayes(K) {
        latent   weight: Simplex[K] ~ Dirichlet(1);
        latent   tau[k in K] ~ Gamma(shape: 2, rate: 2);
        latent   mean[k in K] ~ Normal(0, prec: 0.01 * tau[k]);
        latent   z[n in N] ~ Categorical(weight);
        latent   u[n in N] ~ Gamma(shape: 2, rate: 2);
        observed x[n in N] ~ Normal(mean[z[n]], prec: u[n] * tau[z[n]]);
    }
}

fn two_lumps(n: usize, seed: u64) -> Vec<f64> {
    let mut g = Noise::new(seed);
    (0..n)
        .map(|_| {
            let center = if g.unit() < 0.4 { -3.0 } else { 4.0 };
            center + g.normal() / (g.gamma(2, 2.0)).sqrt()
        })
        .collect()
}

/// One sweep of the textbook's EM for mixtures of t with known degrees of freedom (Peel & McLachlan 2000), and the log-likelihood before it.
fn textbook(x: &[f64], nu: f64, w: &mut [f64], mean: &mut [f64], tau: &mut [f64]) -> f64 {
    let k = w.len();
    let (mut log_likelihood, mut n, mut s) = (0.0, vec![0.0; k], vec![[0.0; 3]; k]);
    for &x in x {
        let logs: Vec<f64> =
            (0..k).map(|j| w[j].ln() + density::student_t(x, nu, mean[j], tau[j].powf(-0.5))).collect();
        let total = log_sum_exp(&logs);
        log_likelihood += total;
        for j in 0..k {
            let r = (logs[j] - total).exp();
            let u = (nu + 1.0) / (nu + tau[j] * (x - mean[j]).powi(2));
            n[j] += r;
            s[j][0] += r * u;
            s[j][1] += r * u * x;
            s[j][2] += r * u * x * x;
        }
    }
    for j in 0..k {
        w[j] = n[j] / x.len() as f64;
        mean[j] = s[j][1] / s[j][0];
        tau[j] = n[j] / (s[j][2] - 2.0 * mean[j] * s[j][1] + mean[j] * mean[j] * s[j][0]);
    }
    log_likelihood
}

#[test]
fn a_mixture_of_student_t_takes_the_steps_of_the_textbook() {
    let x = two_lumps(300, 5);
    let data = t_mixture::Data { x: (&x).into() };
    let model = t_mixture::Model::new(2, 4.0);
    let (mut w, mut mean, mut tau) = (vec![0.5, 0.5], vec![-1.0, 1.0], vec![1.0, 0.7]);
    let start =
        t_mixture::Params { weight: DVector::from_column_slice(&w), mean: mean.clone(), tau: tau.clone() };
    let mut state = model.start(&data, Start::Params(start), &Options::new()).expect("it starts");
    for sweep in 0..25 {
        let log_likelihood = textbook(&x, 4.0, &mut w, &mut mean, &mut tau);
        close(state.trace[sweep], log_likelihood, 1e-12);
        model.step(&mut state).expect("it steps");
        for k in 0..2 {
            close(state.params.weight[k], w[k], 1e-11);
            close(state.params.mean[k], mean[k], 1e-11);
            close(state.params.tau[k], tau[k], 1e-11);
        }
    }
    let fit = state.finish().expect("it ends");
    let by_hand = textbook(&x, 4.0, &mut w, &mut mean, &mut tau);
    exact(&fit, &data, by_hand);
}

#[test]
fn the_marginal_of_a_scale_is_the_mixture_of_its_gammas() {
    let x = two_lumps(40, 3);
    let data = t_mixture::Data { x: (&x).into() };
    let fit = t_mixture::Model::new(2, 3.0).fit(&data, &Options::new().seed(2)).expect("it fits");
    let p = &fit.params;
    for (n, &x) in x.iter().enumerate() {
        let logs: Vec<f64> = (0..2)
            .map(|k| p.weight[k].ln() + density::student_t(x, 3.0, p.mean[k], p.tau[k].powf(-0.5)))
            .collect();
        let total = log_sum_exp(&logs);
        let parts: Vec<(f64, f64, f64)> = (0..2)
            .map(|k| ((logs[k] - total).exp(), 2.0, 0.5 * (3.0 + p.tau[k] * (x - p.mean[k]).powi(2))))
            .collect();
        let mean: f64 = parts.iter().map(|(r, a, b)| r * a / b).sum();
        let square: f64 = parts.iter().map(|(r, a, b)| r * a * (a + 1.0) / (b * b)).sum();
        let u = &fit.posterior.u[n];
        close(u.mean(), mean, 1e-12);
        close(u.var(), square - mean * mean, 1e-11);
        close(u.sd() * u.sd(), u.var(), 1e-13);
        let dense: Vec<f64> = parts.iter().map(|(r, a, b)| r.ln() + density::gamma(0.8, *a, *b)).collect();
        close(u.log_density(&0.8), log_sum_exp(&dense), 1e-12);
        // Half of each tail of the interval lies outside, by quadrature of the density.
        let (low, high) = u.interval(0.9);
        let inside = log_integral(low.ln(), high.ln(), |t| {
            let terms: Vec<f64> =
                parts.iter().map(|(r, a, b)| r.ln() + density::gamma(t.exp(), *a, *b)).collect();
            // Half weight at the ends is what the trapezoidal rule leaves to the caller.
            log_sum_exp(&terms) + t - if t == low.ln() || t >= high.ln() - 1e-12 { 2f64.ln() } else { 0.0 }
        });
        close(inside.exp(), 0.9, 1e-5);
    }
}

#[test]
fn degrees_of_freedom_are_those_at_which_the_likelihood_is_flat() {
    let x = two_lumps(400, 11);
    let data = free_dof::Data { x: (&x).into() };
    let options = Options::new().seed(1).tolerance(1e-13).max_iterations(20_000);
    let fit = free_dof::Model::new(2).fit(&data, &options).expect("it fits");
    assert!(fit.converged, "{fit}");
    let p = &fit.params;
    let log_likelihood = |nu: f64| -> f64 {
        x.iter()
            .map(|x| {
                let logs: Vec<f64> = (0..2)
                    .map(|k| p.weight[k].ln() + density::student_t(*x, nu, p.mean[k], p.tau[k].powf(-0.5)))
                    .collect();
                log_sum_exp(&logs)
            })
            .sum()
    };
    exact(&fit, &data, log_likelihood(p.nu));
    let h = 1e-4 * p.nu;
    let slope = (log_likelihood(p.nu + h) - log_likelihood(p.nu - h)) / (2.0 * h);
    let curvature =
        (log_likelihood(p.nu + h) - 2.0 * log_likelihood(p.nu) + log_likelihood(p.nu - h)) / (h * h);
    assert!(curvature < 0.0 && (slope / curvature).abs() < 1e-3 * p.nu, "nu = {}: slope {slope}", p.nu);
    // No other number of degrees of freedom does better, all else maximised again.
    for nu in [1.0, 2.0, 4.0, 8.0, 16.0, 64.0] {
        let data = t_mixture::Data { x: (&x).into() };
        let other = t_mixture::Model::new(2, nu).fit(&data, &Options::new().seed(1)).expect("it fits");
        println!("{nu} {} {}", other.log_likelihood(), fit.log_likelihood());
        assert!(other.log_likelihood() < fit.log_likelihood() + 1e-9, "{nu}");
    }
}

#[test]
fn the_step_of_the_degrees_of_freedom_solves_its_equation() {
    // d/dnu of Σ E log Gamma(u; nu/2, nu/2) = 0 with the expectations of the E-step before.
    let x = two_lumps(120, 8);
    let data = free_dof::Data { x: (&x).into() };
    let start = free_dof::Params {
        weight: DVector::from_column_slice(&[0.5, 0.5]),
        mean: vec![-2.0, 3.0],
        tau: vec![1.0, 1.0],
        nu: 5.0,
    };
    let model = free_dof::Model::new(2);
    let mut state = model.start(&data, Start::Params(start), &Options::new()).expect("it starts");
    let mut average = 0.0;
    for &x in &x {
        let logs: Vec<f64> =
            [-2.0, 3.0].iter().map(|m| 0.5_f64.ln() + density::student_t(x, 5.0, *m, 1.0)).collect();
        let total = log_sum_exp(&logs);
        for (log, m) in logs.iter().zip([-2.0, 3.0]) {
            let (a, b) = (3.0, 0.5 * (5.0 + (x - m) * (x - m)));
            average += (log - total).exp() * (digamma(a) - b.ln() - a / b) / 120.0;
        }
    }
    model.step(&mut state).expect("it steps");
    let nu = state.params.nu;
    let equation = 1.0 + average + (nu / 2.0).ln() - digamma(nu / 2.0);
    assert!(equation.abs() < 1e-8, "nu = {nu}: {equation}");
}

#[test]
fn vectors_with_a_matrix_in_every_state_are_multivariate_t() {
    let mut g = Noise::new(4);
    let x = DMatrix::from_fn(200, 3, |n, d| {
        let center = if n % 3 == 0 { 5.0 } else { 0.0 };
        center + g.normal() * (1.0 + d as f64)
    });
    let data = vectors::Data { x: (&x).into() };
    let model = vectors::Model::new(2, 5.0);
    let fit = model.fit(&data, &Options::new().seed(3)).expect("it fits");
    let by_hand = |p: &vectors::Params| -> f64 {
        (0..200)
            .map(|n| {
                let row: Vec<f64> = x.row(n).iter().copied().collect();
                let logs: Vec<f64> = (0..2)
                    .map(|k| {
                        let scale = p.prec[k].clone().try_inverse().expect("a precision");
                        p.weight[k].ln() + density::mv_student_t(&row, 5.0, &p.mean[k], &scale)
                    })
                    .collect();
                log_sum_exp(&logs)
            })
            .sum()
    };
    exact(&fit, &data, by_hand(&fit.params));
    // One sweep of the textbook from the params of the fit's own first sweeps.
    let mut state = model.start(&data, Start::Default, &Options::new().seed(9)).expect("it starts");
    let before = state.params.clone();
    model.step(&mut state).expect("it steps");
    let (mut n, mut s) = (vec![0.0; 2], vec![0.0; 2]);
    let (mut sx, mut sxx) = (vec![DVector::zeros(3); 2], vec![DMatrix::zeros(3, 3); 2]);
    for row in x.row_iter() {
        let row: DVector<f64> = row.transpose().into_owned();
        let logs: Vec<f64> = (0..2)
            .map(|k| {
                let scale = before.prec[k].clone().try_inverse().expect("a precision");
                before.weight[k].ln() + density::mv_student_t(row.as_slice(), 5.0, &before.mean[k], &scale)
            })
            .collect();
        let total = log_sum_exp(&logs);
        for k in 0..2 {
            let r = (logs[k] - total).exp();
            let gap = &row - &before.mean[k];
            let u = (5.0 + 3.0) / (5.0 + (gap.transpose() * &before.prec[k] * &gap)[(0, 0)]);
            n[k] += r;
            s[k] += r * u;
            sx[k] += &row * (r * u);
            sxx[k] += &row * row.transpose() * (r * u);
        }
    }
    for k in 0..2 {
        let mean: DVector<f64> = &sx[k] / s[k];
        let cov = (&sxx[k] - &mean * mean.transpose() * s[k]) / n[k];
        for d in 0..3 {
            close(state.params.mean[k][d], mean[d], 1e-10);
            for e in 0..3 {
                let found = (&state.params.prec[k] * &cov)[(d, e)];
                close(found, f64::from(u8::from(d == e)), 1e-9);
            }
        }
    }
}

#[test]
fn a_prior_that_depends_on_the_category_agrees_with_quadrature() {
    let x = [Some(0.3), None, Some(-2.0), Some(7.5), Some(1.1)];
    let values: Vec<f64> = x.iter().map(|v| v.unwrap_or(f64::NAN)).collect();
    let data = own_scales::Data { x: (&values).into() };
    let params = own_scales::Params {
        weight: DVector::from_column_slice(&[0.3, 0.7]),
        mean: vec![0.0, 2.0],
        a: vec![1.5, 4.0],
        b: vec![0.5, 3.0],
    };
    let fit = own_scales::Model::new(2).infer(&data, &params).expect("it infers");
    let joint = |x: Option<f64>, k: usize, t: f64| {
        let u = t.exp();
        let own = params.weight[k].ln() + density::gamma(u, params.a[k], params.b[k]) + t;
        own + x.map_or(0.0, |x| density::normal(x, params.mean[k], 1.0 / u))
    };
    let mut total = 0.0;
    for (n, x) in x.iter().enumerate() {
        let logs: Vec<f64> = (0..2).map(|k| log_integral(-40.0, 8.0, |t| joint(*x, k, t))).collect();
        let log = log_sum_exp(&logs);
        total += log;
        let of = |f: &dyn Fn(f64) -> f64| -> f64 {
            (0..2).map(|k| (log_integral(-40.0, 8.0, |t| joint(*x, k, t) + f(t)) - log).exp()).sum()
        };
        let mean = of(&|t| t);
        close(fit.posterior.u[n].mean(), mean, 1e-9);
        close(fit.posterior.u[n].var(), of(&|t| 2.0 * t) - mean * mean, 1e-8);
        for k in 0..2 {
            close(fit.posterior.z.probs(n)[k], (logs[k] - log).exp(), 1e-9);
        }
    }
    exact(&fit, &data, total);
}

#[test]
fn groups_of_counts_are_negative_multinomials_in_kinds() {
    let mut g = Noise::new(6);
    let groups = 30;
    let group: Vec<usize> = (0..120).map(|r| r % groups).collect();
    let time: Vec<f64> = (0..120).map(|_| 0.5 + g.unit()).collect();
    let rates: Vec<f64> =
        (0..groups).map(|j| if j % 2 == 0 { g.gamma(4, 2.0) } else { g.gamma(6, 0.5) }).collect();
    let y: Vec<u64> = (0..120).map(|r| g.poisson(rates[group[r]] * time[r])).collect();
    let data = counts::Data { group: (&group).into(), time: (&time).into(), y: (&y).into() };
    let fit = counts::Model::new(2).fit(&data, &Options::new().seed(1)).expect("it fits");
    let p = &fit.params;
    let by_hand: f64 = (0..groups)
        .map(|j| {
            let rows: Vec<usize> = (0..120).filter(|r| group[*r] == j).collect();
            let s: u64 = rows.iter().map(|r| y[*r]).sum();
            let t: f64 = rows.iter().map(|r| time[*r]).sum();
            let base: f64 = rows
                .iter()
                .map(|r| y[*r] as f64 * time[*r].ln() - density::ln_gamma(y[*r] as f64 + 1.0))
                .sum();
            let logs: Vec<f64> = (0..2)
                .map(|k| {
                    let (a, b) = (p.a[k], p.b[k]);
                    p.weight[k].ln() + a * b.ln() - density::ln_gamma(a) + density::ln_gamma(a + s as f64)
                        - (a + s as f64) * (b + t).ln()
                })
                .collect();
            base + log_sum_exp(&logs)
        })
        .sum();
    exact(&fit, &data, by_hand);
}

#[test]
fn every_coordinate_may_have_a_latent_of_its_own() {
    let mut g = Noise::new(12);
    let x =
        DMatrix::from_fn(80, 2, |n, d| (if n % 2 == 0 { 3.0 } else { -3.0 }) * (1.0 + d as f64) + g.normal());
    let data = by_coordinate::Data { x: (&x).into() };
    let fit = by_coordinate::Model::new(2).fit(&data, &Options::new().seed(4)).expect("it fits");
    let p = &fit.params;
    let by_hand: f64 = x
        .row_iter()
        .map(|row| {
            let logs: Vec<f64> = (0..2)
                .map(|k| {
                    p.weight[k].ln()
                        + (0..2)
                            .map(|d| density::student_t(row[d], 4.0, p.mean[k][d], p.tau[k].powf(-0.5)))
                            .sum::<f64>()
                })
                .collect();
            log_sum_exp(&logs)
        })
        .sum();
    exact(&fit, &data, by_hand);
    assert_eq!((fit.posterior.u.len(), fit.posterior.u[0].len()), (80, 2));
}

#[test]
fn joint_states_of_two_categories_have_a_law_each() {
    let mut g = Noise::new(14);
    let x: Vec<f64> =
        (0..90).map(|n| f64::from(n % 3) * 6.0 + g.normal() * if n % 2 == 0 { 0.5 } else { 2.0 }).collect();
    let data = two_categories::Data { x: (&x).into() };
    let fit = two_categories::Model::new(2, 3).fit(&data, &Options::new().seed(2)).expect("it fits");
    let p = &fit.params;
    let by_hand: f64 = x
        .iter()
        .map(|x| {
            let mut logs = vec![];
            for k in 0..2 {
                for j in 0..3 {
                    // InverseGamma(3, b) is b/3 times the inverse of Gamma(3, 3): Student's t with 6 degrees of freedom.
                    let t = density::student_t(*x, 6.0, p.mean[j], (p.b[k] / 3.0).sqrt());
                    logs.push(p.weight[k].ln() + p.share[j].ln() + t);
                }
            }
            log_sum_exp(&logs)
        })
        .sum();
    exact(&fit, &data, by_hand);
    let mut renamed = fit.clone();
    renamed.relabel(&[1, 0]).expect("categories can be renamed");
    for n in 0..90 {
        close(renamed.posterior.u[n].mean(), fit.posterior.u[n].mean(), 1e-13);
        let (a, b) = (renamed.posterior.u[n].law().expect("a law"), fit.posterior.u[n].law().expect("a law"));
        assert_eq!(a.weights()[..3], b.weights()[3..]);
        assert_eq!(a.components()[3..], b.components()[..3]);
    }
}

#[test]
fn probabilities_of_units_are_beta_binomials_in_kinds() {
    let mut g = Noise::new(21);
    let m: Vec<u64> = (0..60).map(|_| 5 + g.below(20) as u64).collect();
    let y: Vec<u64> = m
        .iter()
        .enumerate()
        .map(|(n, m)| {
            let (a, b) = if n % 3 == 0 {
                (g.gamma(8, 1.0), g.gamma(2, 1.0))
            } else {
                (g.gamma(2, 1.0), g.gamma(6, 1.0))
            };
            (0..*m).filter(|_| g.unit() < a / (a + b)).count() as u64
        })
        .collect();
    let data = skills::Data { m: (&m).into(), y: (&y).into() };
    let fit = skills::Model::new(2).fit(&data, &Options::new().seed(1)).expect("it fits");
    let p = &fit.params;
    let beta = |a: f64, b: f64| density::ln_gamma(a) + density::ln_gamma(b) - density::ln_gamma(a + b);
    let by_hand: f64 = m
        .iter()
        .zip(&y)
        .map(|(m, y)| {
            let (m, y) = (*m as f64, *y as f64);
            let choose =
                density::ln_gamma(m + 1.0) - density::ln_gamma(y + 1.0) - density::ln_gamma(m - y + 1.0);
            let logs: Vec<f64> = (0..2)
                .map(|k| p.weight[k].ln() + beta(p.a[k] + y, p.b[k] + m - y) - beta(p.a[k], p.b[k]))
                .collect();
            choose + log_sum_exp(&logs)
        })
        .sum();
    exact(&fit, &data, by_hand);
}

#[test]
fn profiles_are_dirichlet_multinomials_in_two_kinds() {
    let mut g = Noise::new(31);
    let word: Vec<Vec<usize>> = (0..40)
        .map(|n| {
            let share = if n % 2 == 0 { vec![0.9, 0.05, 0.05] } else { g.simplex(3) };
            (0..8)
                .map(|_| {
                    let t = g.unit();
                    usize::from(t > share[0]) + usize::from(t > share[0] + share[1])
                })
                .collect()
        })
        .collect();
    let table = DMatrix::from_fn(40, 8, |n, i| word[n][i]);
    let data = profiles::Data { word: (&table).into() };
    let fit = profiles::Model::new(3).fit(&data, &Options::new().seed(1)).expect("it fits");
    let w = fit.params.w;
    let by_hand: f64 = word
        .iter()
        .map(|row| {
            let count = |v: usize| row.iter().filter(|x| **x == v).count() as f64;
            let logs: Vec<f64> = [(w, 0.5), (1.0 - w, 4.0)]
                .iter()
                .map(|(w, a)| {
                    let each: f64 =
                        (0..3).map(|v| density::ln_gamma(a + count(v)) - density::ln_gamma(*a)).sum();
                    w.ln() + each + density::ln_gamma(3.0 * a) - density::ln_gamma(3.0 * a + 8.0)
                })
                .collect();
            log_sum_exp(&logs)
        })
        .sum();
    exact(&fit, &data, by_hand);
    let total: f64 = fit.posterior.share[0].mean().iter().sum();
    close(total, 1.0, 1e-13);
}

#[test]
fn under_uncertain_parameters_the_block_is_one_factor_of_a_bound() {
    let x = two_lumps(60, 17);
    let data = bayes::Data { x: (&x).into() };
    let fit = bayes::Model::new(2).fit(&data, &Options::new().seed(1)).expect("it fits");
    honest(&fit, &data);
    assert!(bayes::PLAN.to_string().contains("MEAN-FIELD"), "{}", bayes::PLAN);
    // Its optimum, by the formulas of the posterior of each unit at the expectations of the others.
    let q = &fit.posterior;
    for (n, &x) in x.iter().enumerate() {
        let mut logs = vec![];
        let mut rates = vec![];
        for k in 0..2 {
            let tau = q.tau[k].law().expect("a law");
            let a: Vec<f64> = q.weight.law().expect("a law").a.to_vec();
            let t = q.mean[k].law().expect("a law");
            // mean | tau ~ Normal(m, prec: c tau): E tau (x − mean)² = E tau (x − m)² + 1/c, and the marginal's scale² is rate/(shape c).
            let own = t.scale * t.scale * tau.shape / tau.rate;
            let square = tau.shape / tau.rate * (x - t.mean).powi(2) + own;
            let log_tau = digamma(tau.shape) - tau.rate.ln();
            let rate = 2.0 + 0.5 * square;
            let log_weight = digamma(a[k]) - digamma(a.iter().sum());
            logs.push(log_weight + 0.5 * log_tau + density::ln_gamma(2.5) - 2.5 * rate.ln());
            rates.push(rate);
        }
        let total = log_sum_exp(&logs);
        let mean: f64 = (0..2).map(|k| (logs[k] - total).exp() * 2.5 / rates[k]).sum();
        // The last sweep moved the others by no more than the tolerance.
        close(q.u[n].mean(), mean, 1e-3);
    }
}
