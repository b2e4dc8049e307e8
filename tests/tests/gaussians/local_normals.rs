//! Gaussian latents of each unit: exact E-steps against dense Normals, and sweeps against EM as textbooks write it.

use vi_core::prelude::*;
use vi_tests::data::{self, Noise};
use vi_tests::density::mv_normal;
use vi_tests::factors::{completion, factor_analysis, ppca};
use vi_tests::law::{close, exact, monotone};

fn made(n: usize, d: usize, h: usize, seed: u64) -> DMatrix<f64> {
    let mut g = Noise::new(seed);
    let w = DMatrix::from_fn(d, h, |_, _| g.normal());
    let f = DMatrix::from_fn(n, h, |_, _| g.normal());
    let noise = DMatrix::from_fn(n, d, |_, j| g.normal() * (0.3 + 0.1 * j as f64));
    f * w.transpose() + noise.map_with_location(|_, j, x| x + 1.5 * j as f64)
}

/// log p(x) of factor analysis: every row is Normal(mu, W Wᵀ + Ψ).
fn marginal(x: &DMatrix<f64>, w: &DMatrix<f64>, mu: &DVector<f64>, psi: &[f64]) -> f64 {
    let cov = w * w.transpose() + DMatrix::from_diagonal(&DVector::from_column_slice(psi));
    (0..x.nrows()).map(|n| mv_normal(&x.row(n).iter().copied().collect::<Vec<_>>(), mu, &cov)).sum()
}

/// Rubin and Thayer's EM with the covariance of the factors free and given back to W (Liu, Rubin and Wu 1998). `spherical`: one variance.
struct Textbook {
    w: DMatrix<f64>,
    mu: DVector<f64>,
    psi: Vec<f64>,
}

impl Textbook {
    fn posterior(&self, x: &DMatrix<f64>) -> (DMatrix<f64>, DMatrix<f64>) {
        let h = self.w.ncols();
        let scaled = DMatrix::from_fn(self.w.nrows(), h, |d, k| self.w[(d, k)] / self.psi[d]);
        let cov = (DMatrix::identity(h, h) + self.w.transpose() * &scaled).try_inverse().unwrap();
        let centred = DMatrix::from_fn(x.nrows(), x.ncols(), |n, d| x[(n, d)] - self.mu[d]);
        (centred * scaled * &cov, cov)
    }

    fn step(&mut self, x: &DMatrix<f64>, spherical: bool) {
        // Mean and covariance of the factors, which are free too.
        let (mean, second) = self.plain_step(x, spherical);
        let phi = second - &mean * mean.transpose();
        self.mu += &self.w * mean;
        let eigen = phi.symmetric_eigen();
        let root = &eigen.eigenvectors
            * DMatrix::from_diagonal(&eigen.eigenvalues.map(f64::sqrt))
            * eigen.eigenvectors.transpose();
        self.w = &self.w * root;
    }

    /// Without expansion. Returns Σ E f / N and Σ E f fᵀ / N.
    fn plain_step(&mut self, x: &DMatrix<f64>, spherical: bool) -> (DVector<f64>, DMatrix<f64>) {
        let (n, d, h) = (x.nrows(), x.ncols(), self.w.ncols());
        let (mean, cov) = self.posterior(x);
        // Regression of x on (f, 1), the moments of f being those of its posterior.
        let mut gram = DMatrix::zeros(h + 1, h + 1);
        gram.view_mut((0, 0), (h, h)).copy_from(&(mean.transpose() * &mean + &cov * n as f64));
        let total = mean.row_sum();
        for k in 0..h {
            gram[(k, h)] = total[k];
            gram[(h, k)] = total[k];
        }
        gram[(h, h)] = n as f64;
        let mut right = DMatrix::zeros(h + 1, d);
        right.view_mut((0, 0), (h, d)).copy_from(&(mean.transpose() * x));
        right.row_mut(h).copy_from(&x.row_sum());
        let solved = gram.try_inverse().unwrap() * right;
        self.w = solved.rows(0, h).transpose();
        self.mu = solved.row(h).transpose();
        let fitted = &mean * self.w.transpose();
        let residual: Vec<f64> = (0..d)
            .map(|j| {
                let squares: f64 = (0..n).map(|i| (x[(i, j)] - self.mu[j] - fitted[(i, j)]).powi(2)).sum();
                let w = self.w.row(j);
                squares / n as f64 + (w * &cov * w.transpose())[0]
            })
            .collect();
        let pooled = residual.iter().sum::<f64>() / d as f64;
        self.psi = if spherical { vec![pooled; d] } else { residual };
        (total.transpose() / n as f64, (mean.transpose() * &mean + &cov * n as f64) / n as f64)
    }
}

fn begin(d: usize, h: usize) -> DMatrix<f64> {
    DMatrix::from_fn(d, h, |i, j| 0.3 + 0.2 * ((i * 3 + j * 5) % 7) as f64 - 0.1 * (i + j) as f64)
}

#[test]
fn sweeps_of_factor_analysis_are_the_textbook_s() {
    let x = made(60, 5, 2, 3);
    let data = factor_analysis::Data { x: (&x).into() };
    let mut by_hand = Textbook { w: begin(5, 2), mu: DVector::zeros(5), psi: vec![1.0; 5] };
    let start =
        factor_analysis::Params { W: by_hand.w.clone(), mu: by_hand.mu.clone(), psi: by_hand.psi.clone() };
    let model = factor_analysis::Model::new(2);
    let mut state = model.start(&data, Start::Params(start), &Options::new()).unwrap();
    for sweep in 0..30 {
        close(state.trace[sweep], marginal(&x, &by_hand.w, &by_hand.mu, &by_hand.psi), 1e-11);
        for d in 0..5 {
            close(state.params.psi[d], by_hand.psi[d], 1e-9);
            close(state.params.W[(d, 1)], by_hand.w[(d, 1)], 1e-9);
        }
        by_hand.step(&x, false);
        model.step(&mut state).unwrap();
    }
    monotone(&state.trace);
    let fit = state.finish().unwrap();
    let p = &fit.params;
    exact(&fit, &data, marginal(&x, &p.W, &p.mu, &p.psi));
    let (mean, cov) = Textbook { w: p.W.clone(), mu: p.mu.clone(), psi: p.psi.clone() }.posterior(&x);
    for n in 0..60 {
        let q = &fit.posterior.f[n];
        assert!((q.mean() - mean.row(n).transpose()).norm() < 1e-11, "unit {n}");
        assert!((q.cov() - &cov).norm() < 1e-12, "unit {n}");
    }
}

#[test]
fn sweeps_of_principal_components_are_the_textbook_s_and_end_where_they_must() {
    let x = data::read("iris.csv");
    let data = ppca::Data { x: (&x).into() };
    let mut by_hand = Textbook { w: begin(4, 2), mu: DVector::zeros(4), psi: vec![2.0; 4] };
    let start = ppca::Params { W: by_hand.w.clone(), mu: by_hand.mu.clone(), s2: 2.0 };
    let model = ppca::Model::new(2);
    let mut state = model.start(&data, Start::Params(start), &Options::new()).unwrap();
    for sweep in 0..20 {
        close(state.trace[sweep], marginal(&x, &by_hand.w, &by_hand.mu, &by_hand.psi), 1e-11);
        close(state.params.s2, by_hand.psi[0], 1e-9);
        by_hand.step(&x, true);
        model.step(&mut state).unwrap();
    }
    for (h, s2, log_likelihood) in [(1, 0.114_139_080, -470.669_458), (2, 0.050_682_147_9, -404.962_780)] {
        let options = Options::new().max_iterations(2000).tolerance(1e-12);
        let fit = ppca::Model::new(h).fit(&data, &options).unwrap();
        close(fit.log_likelihood(), log_likelihood, 1e-8);
        close(fit.params.s2, s2, 1e-6);
        exact(&fit, &data, marginal(&x, &fit.params.W, &fit.params.mu, &[fit.params.s2; 4]));
    }
}

#[test]
fn units_that_are_read_once_say_what_units_one_by_one_say() {
    let x = made(150, 4, 2, 5);
    let partial = x.map(Some);
    let once = ppca::Data { x: (&x).into() };
    let each = completion::Data { x: (&partial).into() };
    let w = begin(4, 2);
    let first = ppca::Params { W: w.clone(), mu: DVector::zeros(4), s2: 1.0 };
    let rows = (0..4).map(|d| w.row(d).transpose()).collect();
    let second = completion::Params { W: rows, mu: vec![0.0; 4], s2: 1.0 };
    let (a, b) = (ppca::Model::new(2), completion::Model::new(2));
    let mut one = a.start(&once, Start::Params(first), &Options::new()).unwrap();
    let mut other = b.start(&each, Start::Params(second), &Options::new()).unwrap();
    for _ in 0..25 {
        a.step(&mut one).unwrap();
        b.step(&mut other).unwrap();
    }
    for (x, y) in one.trace.iter().zip(&other.trace) {
        close(*x, *y, 1e-12);
    }
}

#[test]
fn missing_entries_are_absent_rows_and_a_row_without_entries_is_the_prior() {
    let full = made(40, 5, 2, 7);
    let x = full.map_with_location(|n, d, v| {
        (n != 11 && (n * 5 + d * 3) % 4 != 0 && !(n == 12 && d > 0)).then_some(v)
    });
    let data = completion::Data { x: (&x).into() };
    let fit = completion::Model::new(2).fit(&data, &Options::new().max_iterations(60)).unwrap();
    let p = &fit.params;
    let mut by_hand = 0.0;
    for n in 0..40 {
        let seen: Vec<usize> = (0..5).filter(|d| x[(n, *d)].is_some()).collect();
        if seen.is_empty() {
            continue;
        }
        let row: Vec<f64> = seen.iter().map(|d| full[(n, *d)]).collect();
        let mu = DVector::from_iterator(seen.len(), seen.iter().map(|d| p.mu[*d]));
        let cov = DMatrix::from_fn(seen.len(), seen.len(), |a, b| {
            p.W[seen[a]].dot(&p.W[seen[b]]) + if a == b { p.s2 } else { 0.0 }
        });
        by_hand += mv_normal(&row, &mu, &cov);
        let w = DMatrix::from_fn(seen.len(), 2, |a, k| p.W[seen[a]][k]);
        let gain = w.transpose() * cov.try_inverse().unwrap();
        let mean = &gain * (DVector::from_column_slice(&row) - mu);
        let left = DMatrix::identity(2, 2) - &gain * &w;
        assert!((fit.posterior.f[n].mean() - mean).norm() < 1e-10, "unit {n}");
        assert!((fit.posterior.f[n].cov() - left).norm() < 1e-10, "unit {n}");
    }
    exact(&fit, &data, by_hand);
    assert_eq!(fit.posterior.f[11].mean(), DVector::zeros(2));
    assert!((fit.posterior.f[11].cov() - DMatrix::identity(2, 2)).norm() < 1e-15);
    let (low, high) = fit.posterior.f[11].interval(0.95)[0];
    close(high, 1.959_963_984_540_054, 1e-12);
    close(low, -high, 1e-12);
}

#[test]
fn an_offset_of_the_data_changes_nothing_but_the_location() {
    let x = made(80, 4, 1, 17);
    let far = x.map(|v| v + 1e8);
    let fits = [x, far].map(|x| {
        let data = factor_analysis::Data { x: (&x).into() };
        let fit = factor_analysis::Model::new(1).fit(&data, &Options::new().max_iterations(40)).unwrap();
        (fit.log_likelihood(), fit.params.psi.clone(), fit.params.mu.clone())
    });
    close(fits[0].0, fits[1].0, 1e-6);
    for d in 0..4 {
        close(fits[0].1[d], fits[1].1[d], 1e-6);
        close(fits[0].2[d] + 1e8, fits[1].2[d], 1e-15);
    }
}

#[test]
fn threads_change_no_bit() {
    let x = made(5000, 4, 2, 19);
    let partial = x.map_with_location(|n, d, v| ((n + d) % 3 != 0).then_some(v));
    let by_threads = [1, 2, 7].map(|threads| {
        let options = Options::new().max_iterations(4).threads(threads);
        let once = ppca::Model::new(2).fit(&ppca::Data { x: (&x).into() }, &options).unwrap();
        let each =
            completion::Model::new(2).fit(&completion::Data { x: (&partial).into() }, &options).unwrap();
        (once.trace, each.trace)
    });
    assert_eq!(by_threads[0], by_threads[1]);
    assert_eq!(by_threads[0], by_threads[2]);
}

#[test]
fn what_is_missing_is_predicted_from_the_factors() {
    let full = made(30, 4, 1, 31);
    let x = full.map_with_location(|n, d, v| ((n + 2 * d) % 5 != 0).then_some(v));
    let data = completion::Data { x: (&x).into() };
    let fit = completion::Model::new(1).fit(&data, &Options::new().max_iterations(50)).unwrap();
    let p = &fit.params;
    let mut seen = 0;
    for (at, found) in fit.posterior.x.iter() {
        let (n, d) = (at[0], at[1]);
        let q = &fit.posterior.f[n];
        close(found.mean(), p.W[d].dot(&q.mean()) + p.mu[d], 1e-11);
        close(found.var(), p.s2 + (p.W[d].transpose() * q.cov() * &p.W[d])[0], 1e-11);
        seen += 1;
    }
    assert_eq!(seen, x.iter().filter(|v| v.is_none()).count());
    // A row of which nothing is known has the moments of the model.
    let none: DMatrix<Option<f64>> = DMatrix::from_element(2, 4, None);
    let new = fit.predict(&completion::Data { x: (&none).into() }).unwrap();
    assert_eq!(new.log_density, vec![0.0, 0.0]);
    close(new.absent.x.get([1, 2]).unwrap().mean(), p.mu[2], 1e-12);
    close(new.absent.x.get([1, 2]).unwrap().var(), p.s2 + p.W[2].norm_squared(), 1e-12);
}

#[test]
fn new_rows_are_scored_and_placed_at_the_params_of_the_fit() {
    let x = made(60, 4, 2, 37);
    let new = made(5, 4, 2, 41);
    let fit = factor_analysis::Model::new(2)
        .fit(&factor_analysis::Data { x: (&x).into() }, &Options::new())
        .unwrap();
    let p = &fit.params;
    let data = factor_analysis::Data { x: (&new).into() };
    let scored = fit.predict(&data).unwrap();
    for n in 0..5 {
        let row = DMatrix::from_fn(1, 4, |_, d| new[(n, d)]);
        close(scored.log_density[n], marginal(&row, &p.W, &p.mu, &p.psi), 1e-11);
    }
    let placed = fit.infer(&data).unwrap();
    let (mean, _) = Textbook { w: p.W.clone(), mu: p.mu.clone(), psi: p.psi.clone() }.posterior(&new);
    for n in 0..5 {
        assert!((placed.posterior.f[n].mean() - mean.row(n).transpose()).norm() < 1e-11);
    }
    close(placed.log_likelihood(), marginal(&new, &p.W, &p.mu, &p.psi), 1e-11);
}

#[test]
fn draws_have_the_moments_of_the_posterior_and_none_are_had_of_locals_that_were_not_kept() {
    let x = made(12, 4, 2, 43);
    let data = factor_analysis::Data { x: (&x).into() };
    let model = factor_analysis::Model::new(2);
    let fit = model.fit(&data, &Options::new().max_iterations(30)).unwrap();
    let draws = fit.draw(&data, 5, 4000).unwrap();
    let q = &fit.posterior.f[3];
    let mean = draws.iter().map(|z| z.f[3].clone()).sum::<DVector<f64>>() / 4000.0;
    assert!((&mean - q.mean()).norm() < 0.05);
    let cov = draws.iter().map(|z| (&z.f[3] - &mean) * (&z.f[3] - &mean).transpose()).sum::<DMatrix<f64>>()
        / 4000.0;
    assert!((&cov - q.cov()).norm() < 0.05);
    assert_eq!(fit.posterior.most_likely().unwrap().f[3], q.mean());
    let mut rng = vi_core::rng::stream(1, "test", &[]);
    assert_eq!(fit.posterior.sample(&mut rng).unwrap().f.len(), 12);
    let bare = model.fit(&data, &Options::new().max_iterations(30).keep_locals(false)).unwrap();
    assert_eq!(bare.trace, fit.trace);
    assert!(bare.posterior.f.is_empty() && bare.posterior.most_likely().is_err());
}

#[test]
fn a_start_from_factors_is_a_regression_on_them() {
    let mut g = Noise::new(47);
    let f: Vec<DVector<f64>> = (0..40).map(|_| DVector::from_element(1, g.normal())).collect();
    let x = DMatrix::from_fn(40, 3, |n, d| (d as f64 - 1.0) * f[n][0] + 2.0);
    let data = factor_analysis::Data { x: (&x).into() };
    let model = factor_analysis::Model::new(1);
    let start = Start::Latents(factor_analysis::Latents { f: f.clone() });
    let state = model.start(&data, start, &Options::new()).unwrap();
    // The mean of the factors is given back to the location, and their covariance to the slopes.
    let mean = f.iter().map(|f| f[0]).sum::<f64>() / 40.0;
    let phi = f.iter().map(|f| (f[0] - mean).powi(2)).sum::<f64>() / 40.0;
    for d in 0..3 {
        close(state.params.W[(d, 0)], (d as f64 - 1.0) * phi.sqrt(), 1e-10);
        close(state.params.mu[d], 2.0 + (d as f64 - 1.0) * mean, 1e-10);
    }
}

/// ∇ log p(x; θ) by differences is E ∇ log p(x, f; θ): the gradient with respect to W is Ψ⁻¹ Σ E (x − mu − W f) fᵀ.
#[test]
fn the_gradient_of_the_evidence_is_the_expected_gradient() {
    let x = made(20, 3, 2, 53);
    let data = factor_analysis::Data { x: (&x).into() };
    let model = factor_analysis::Model::new(2);
    let params = factor_analysis::Params {
        W: begin(3, 2),
        mu: DVector::from_vec(vec![0.2, 1.0, 3.0]),
        psi: vec![0.5, 1.0, 2.0],
    };
    let fit = model.infer(&data, &params).unwrap();
    for (d, k) in [(0, 0), (1, 1), (2, 0)] {
        let at = |step: f64| {
            let mut p = params.clone();
            p.W[(d, k)] += step;
            model.infer(&data, &p).unwrap().log_likelihood()
        };
        let numeric = (at(1e-5) - at(-1e-5)) / 2e-5;
        let expected: f64 = (0..20)
            .map(|n| {
                let (m, v) = (fit.posterior.f[n].mean(), fit.posterior.f[n].cov());
                let rho = x[(n, d)] - params.mu[d] - params.W.row(d).transpose().dot(&m);
                (rho * m[k] - (params.W.row(d) * v.column(k))[0]) / params.psi[d]
            })
            .sum();
        close(numeric, expected, 1e-7);
    }
}

#[test]
fn patterns_of_missing_entries_change_nothing_but_the_time() {
    // 400 rows in 3 patterns are factorised once for each; the first 20 of them, once for each row.
    let full = made(400, 4, 2, 59);
    let x = full.map_with_location(|n, d, v| (n % 3 != d).then_some(v));
    let few = x.rows(0, 20).into_owned();
    let params = completion::Params {
        W: (0..4).map(|d| begin(4, 2).row(d).transpose()).collect(),
        mu: vec![0.1, 1.4, 3.1, 4.4],
        s2: 0.4,
    };
    let model = completion::Model::new(2);
    let all = model.infer(&completion::Data { x: (&x).into() }, &params).unwrap();
    let some = model.infer(&completion::Data { x: (&few).into() }, &params).unwrap();
    let scored = all.predict(&completion::Data { x: (&x).into() }).unwrap().log_density;
    close(scored[..20].iter().sum(), some.log_likelihood(), 1e-12);
    for n in 0..20 {
        let (a, b) = (&all.posterior.f[n], &some.posterior.f[n]);
        assert!((a.mean() - b.mean()).norm() < 1e-12 && (a.cov() - b.cov()).norm() < 1e-13, "unit {n}");
    }
    assert!(all.verify(&completion::Data { x: (&x).into() }, 1).unwrap().is_exact());
}

#[test]
fn expansion_halves_the_sweeps_where_factors_are_well_seen() {
    let mut g = Noise::new(61);
    let w = DMatrix::from_fn(12, 2, |_, _| g.normal());
    let f = DMatrix::from_fn(200, 2, |_, _| g.normal());
    let x = f * w.transpose() + DMatrix::from_fn(200, 12, |_, _| 0.3 * g.normal());
    let data = factor_analysis::Data { x: (&x).into() };
    let model = factor_analysis::Model::new(2);
    let start = factor_analysis::Params { W: begin(12, 2) * 0.1, mu: DVector::zeros(12), psi: vec![1.0; 12] };
    let options = Options::new().max_iterations(3000).tolerance(1e-11);
    let fit = model.fit_from(&data, Start::Params(start.clone()), &options).unwrap();
    let best = fit.log_likelihood();
    let ours = fit.trace.iter().position(|v| *v > best - 1e-3).unwrap();
    let mut plain = Textbook { w: start.W, mu: start.mu, psi: start.psi };
    // One sweep fewer than twice as many is not enough without it.
    for _ in 0..2 * ours - 1 {
        plain.plain_step(&x, false);
    }
    let there = marginal(&x, &plain.w, &plain.mu, &plain.psi);
    assert!(there < best - 1e-3, "{ours} sweeps to {best}, and {there} without");
}
