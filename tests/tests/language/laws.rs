//! Laws that hold of every fit: they compare the crate with itself under changes that must not matter, and with differences of its own
//! likelihood.

use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::law::{close, monotone};

model! {
    pub mod mixture(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Vector[D];
        param    cov[k in K]: SymPos[D];
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(mean[z[n]], cov: cov[z[n]]);
    }
}
model! {
    pub mod repeated(K) {
        given    copies[n in N]: Count;
        param    weight: Simplex[K];
        param    mean[k in K]: Vector[D];
        param    cov[k in K]: SymPos[D];
        for n in N repeat copies[n] {
            latent   z[n] ~ Categorical(weight);
            observed x[n] ~ Normal(mean[z[n]], cov: cov[z[n]]);
        }
    }
}
model! {
    pub mod weighted(K) {
        given    copies[n in N]: Positive;
        param    weight: Simplex[K];
        param    mean[k in K]: Vector[D];
        param    cov[k in K]: SymPos[D];
        for n in N repeat copies[n] {
            latent   z[n] ~ Categorical(weight);
            observed x[n] ~ Normal(mean[z[n]], cov: cov[z[n]]);
        }
    }
}
model! {
    pub mod gammas(K) {
        param    weight: Simplex[K];
        param    a[k in K]: Positive;
        param    r[k in K]: Positive;
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Gamma(shape: a[z[n]], rate: r[z[n]]);
    }
}
model! {
    pub mod compositions(K) {
        param    weight: Simplex[K];
        param    a[k in K, v in V]: Positive;
        latent   c[n in N] ~ Categorical(weight);
        observed x[n in N]: Simplex[V] ~ Dirichlet(a[c[n]]);
    }
}
model! {
    pub mod by_var(K) {
        param weight: Simplex[K]; param mean[k in K]: Real; param s[k in K]: Positive;
        latent z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Normal(mean[z[n]], var: s[z[n]]);
    }
}
model! {
    pub mod by_sd(K) {
        param weight: Simplex[K]; param mean[k in K]: Real; param s[k in K]: Positive;
        latent z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Normal(mean[z[n]], sd: s[z[n]]);
    }
}
model! {
    pub mod by_prec(K) {
        param weight: Simplex[K]; param mean[k in K]: Real; param s[k in K]: Positive;
        latent z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Normal(mean[z[n]], prec: s[z[n]]);
    }
}

fn cloud(n: usize, d: usize, seed: u64) -> DMatrix<f64> {
    let mut g = Noise::new(seed);
    DMatrix::from_fn(n, d, |i, j| g.normal() * (1.0 + j as f64) + if i % 3 == 0 { 4.0 } else { 0.0 })
}

/// Responsibilities that mean nothing: a start.
fn responsibilities(n: usize, k: usize, seed: u64) -> Categories {
    let mut g = Noise::new(seed);
    let rows: Vec<f64> = (0..n).flat_map(|_| g.simplex(k)).collect();
    Categories::from_rows(k, rows)
}

fn start(n: usize, seed: u64) -> Start<mixture::Model> {
    Start::Posterior(mixture::Posterior { z: responsibilities(n, 2, seed) })
}

#[test]
fn every_step_rises_from_a_hundred_random_starts() {
    let x = cloud(60, 3, 1);
    let data = mixture::Data { x: (&x).into() };
    let y: Vec<f64> = x.column(0).iter().map(|v| v.abs() + 0.1).collect();
    let positive = gammas::Data { y: (&y).into() };
    for seed in 0..100 {
        let fit = mixture::Model::new(2)
            .fit_from(&data, start(60, seed), &Options::new().max_iterations(60))
            .unwrap();
        monotone(&fit.trace);
        let begin = Start::Posterior(gammas::Posterior { z: responsibilities(60, 2, seed) });
        let fit =
            gammas::Model::new(2).fit_from(&positive, begin, &Options::new().max_iterations(60)).unwrap();
        monotone(&fit.trace);
    }
}

#[test]
fn every_step_rises_where_scales_differ_by_ten_powers_of_ten() {
    let mut x = cloud(80, 3, 2);
    x.column_mut(0).scale_mut(1e-5);
    // Nearly dependent columns: the condition number of the covariance is about 10¹⁰.
    for i in 0..80 {
        x[(i, 2)] = x[(i, 1)] + 1e-5 * x[(i, 2)];
    }
    let data = mixture::Data { x: (&x).into() };
    for seed in 0..20 {
        let fit = mixture::Model::new(2)
            .fit_from(&data, start(80, seed), &Options::new().max_iterations(80))
            .unwrap();
        monotone(&fit.trace);
    }
}

#[test]
fn where_the_data_lie_changes_nothing_but_the_location() {
    // Halves and quarters: adding 10⁸ is exact, so both data sets are the same up to the shift.
    let x = cloud(90, 2, 3).map(|v| (v * 64.0).round() / 64.0);
    let far = x.map(|v| v + 1e8);
    let model = mixture::Model::new(2);
    let here = model.fit_from(&mixture::Data { x: (&x).into() }, start(90, 5), &Options::new()).unwrap();
    let there = model.fit_from(&mixture::Data { x: (&far).into() }, start(90, 5), &Options::new()).unwrap();
    assert_eq!(here.iterations, there.iterations);
    for (a, b) in here.trace.iter().zip(&there.trace) {
        close(*b, *a, 1e-9);
    }
    for k in 0..2 {
        close(there.params.weight[k], here.params.weight[k], 1e-7);
        for d in 0..2 {
            // A location near 10⁸ is stored to about 10⁻⁸.
            assert!((there.params.mean[k][d] - 1e8 - here.params.mean[k][d]).abs() < 1e-6);
            for e in 0..2 {
                close(there.params.cov[k][(d, e)], here.params.cov[k][(d, e)], 1e-6);
            }
        }
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    // More than two leaves of the tree that sums are taken in.
    let x = cloud(7000, 2, 4);
    let data = mixture::Data { x: (&x).into() };
    let run = |threads| {
        let options = Options::new().threads(threads).max_iterations(8);
        mixture::Model::new(2).fit_from(&data, start(7000, 1), &options).unwrap()
    };
    let one = run(1);
    for threads in [2, 7] {
        let many = run(threads);
        let bits = |t: &[f64]| t.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&one.trace), bits(&many.trace));
        assert_eq!(one.params, many.params);
        assert_eq!(one.posterior, many.posterior);
    }
}

#[test]
fn the_order_of_rows_does_not_matter() {
    let x = cloud(75, 2, 6);
    let r = responsibilities(75, 2, 2);
    let turned = DMatrix::from_fn(75, 2, |i, j| x[((i * 31 + 7) % 75, j)]);
    let turned_r: Vec<f64> = (0..75).flat_map(|i| r.probs((i * 31 + 7) % 75).to_vec()).collect();
    let model = mixture::Model::new(2);
    let a = model
        .fit_from(
            &mixture::Data { x: (&x).into() },
            Start::Posterior(mixture::Posterior { z: r }),
            &Options::new(),
        )
        .unwrap();
    let z = Categories::from_rows(2, turned_r);
    let b = model
        .fit_from(
            &mixture::Data { x: (&turned).into() },
            Start::Posterior(mixture::Posterior { z }),
            &Options::new(),
        )
        .unwrap();
    for (u, v) in a.trace.iter().zip(&b.trace) {
        close(*u, *v, 1e-12);
    }
    for k in 0..2 {
        assert!((&a.params.mean[k] - &b.params.mean[k]).norm() < 1e-9);
    }
}

#[test]
fn exchanged_labels_give_exchanged_components() {
    let x = cloud(75, 2, 7);
    let data = mixture::Data { x: (&x).into() };
    let r = responsibilities(75, 2, 3);
    let swapped: Vec<f64> = (0..75).flat_map(|n| [r.probs(n)[1], r.probs(n)[0]]).collect();
    let model = mixture::Model::new(2);
    let options = Options::new().max_iterations(40).tolerance(0.0);
    let a = model.fit_from(&data, Start::Posterior(mixture::Posterior { z: r }), &options).unwrap();
    let z = Categories::from_rows(2, swapped);
    let b = model.fit_from(&data, Start::Posterior(mixture::Posterior { z }), &options).unwrap();
    close(a.elbo(), b.elbo(), 1e-12);
    for k in 0..2 {
        close(a.params.weight[k], b.params.weight[1 - k], 1e-8);
        assert!((&a.params.cov[k] - &b.params.cov[1 - k]).norm() < 1e-6);
    }
}

#[test]
fn two_of_every_row_is_a_weight_of_two() {
    let x = cloud(50, 2, 8);
    let twice = DMatrix::from_fn(100, 2, |i, j| x[(i / 2, j)]);
    let r = responsibilities(50, 2, 4);
    let both: Vec<f64> = (0..100).flat_map(|i| r.probs(i / 2).to_vec()).collect();
    let options = Options::new().max_iterations(30).tolerance(0.0);
    let z = Categories::from_rows(2, both);
    let rows = mixture::Model::new(2)
        .fit_from(&mixture::Data { x: (&twice).into() }, Start::Posterior(mixture::Posterior { z }), &options)
        .unwrap();
    let copies = vec![2u64; 50];
    let data = repeated::Data { copies: (&copies).into(), x: (&x).into() };
    let counted = repeated::Model::new(2)
        .fit_from(&data, Start::Posterior(repeated::Posterior { z: r.clone() }), &options)
        .unwrap();
    assert!(counted.verify(&data, 1).unwrap().is_exact());
    let copies = vec![2.0; 50];
    let data = weighted::Data { copies: (&copies).into(), x: (&x).into() };
    let real = weighted::Model::new(2)
        .fit_from(&data, Start::Posterior(weighted::Posterior { z: r }), &options)
        .unwrap();
    assert!(real.verify(&data, 1).unwrap().is_exact());
    for ((a, b), c) in rows.trace.iter().zip(&counted.trace).zip(&real.trace) {
        close(*b, *a, 1e-11);
        close(*c, *a, 1e-11);
    }
    for k in 0..2 {
        assert!((&rows.params.mean[k] - &counted.params.mean[k]).norm() < 1e-7);
        assert!((&rows.params.cov[k] - &real.params.cov[k]).norm() < 1e-7);
    }
}

#[test]
fn a_weight_of_zero_is_a_row_that_is_not_there() {
    let x = cloud(40, 2, 9);
    let copies: Vec<u64> = (0..40).map(|n| u64::from(n % 4 != 0)).collect();
    let kept: Vec<usize> = (0..40).filter(|n| n % 4 != 0).collect();
    let few = DMatrix::from_fn(kept.len(), 2, |i, j| x[(kept[i], j)]);
    let r = responsibilities(40, 2, 5);
    let few_r: Vec<f64> = kept.iter().flat_map(|n| r.probs(*n).to_vec()).collect();
    let options = Options::new().max_iterations(30).tolerance(0.0);
    let z = Categories::from_rows(2, few_r);
    let a = mixture::Model::new(2)
        .fit_from(&mixture::Data { x: (&few).into() }, Start::Posterior(mixture::Posterior { z }), &options)
        .unwrap();
    let data = repeated::Data { copies: (&copies).into(), x: (&x).into() };
    let b = repeated::Model::new(2)
        .fit_from(&data, Start::Posterior(repeated::Posterior { z: r }), &options)
        .unwrap();
    for (u, v) in a.trace.iter().zip(&b.trace) {
        close(*v, *u, 1e-12);
    }
}

#[test]
fn one_component_is_the_mean_and_the_scatter() {
    let x = cloud(60, 3, 10);
    let fit = mixture::Model::new(1).fit(&mixture::Data { x: (&x).into() }, &Options::new()).unwrap();
    let mean = x.row_mean().transpose();
    let mut cov = DMatrix::zeros(3, 3);
    for row in x.row_iter() {
        let d = row.transpose() - &mean;
        cov += &d * d.transpose() / 60.0;
    }
    assert!((&fit.params.mean[0] - &mean).norm() < 1e-12);
    assert!((&fit.params.cov[0] - &cov).norm() < 1e-12 * cov.norm().max(1.0) * 10.0);
    // At the maximum the quadratic form sums to N D.
    let tau = std::f64::consts::TAU;
    close(fit.log_likelihood(), -30.0 * (3.0 * tau.ln() + cov.determinant().ln() + 3.0), 1e-12);
}

#[test]
fn scales_by_any_name_give_one_fit() {
    let y: Vec<f64> = cloud(80, 1, 11).iter().copied().collect();
    let r = responsibilities(80, 2, 6);
    let options = Options::new().max_iterations(50).tolerance(0.0);
    macro_rules! fitted {
        ($m:ident) => {
            $m::Model::new(2)
                .fit_from(
                    &$m::Data { y: (&y).into() },
                    Start::Posterior($m::Posterior { z: r.clone() }),
                    &options,
                )
                .unwrap()
        };
    }
    let (var, sd, prec) = (fitted!(by_var), fitted!(by_sd), fitted!(by_prec));
    for ((a, b), c) in var.trace.iter().zip(&sd.trace).zip(&prec.trace) {
        close(*b, *a, 1e-11);
        close(*c, *a, 1e-11);
    }
    for k in 0..2 {
        close(sd.params.s[k].powi(2), var.params.s[k], 1e-7);
        close(1.0 / prec.params.s[k], var.params.s[k], 1e-7);
    }
}

/// Q(θ) = Σₙ Σₖ r[n,k] log p(x[n], z[n] = k; θ), one row at a time by the joint density: no statistics, no M-step.
fn expected_joint(x: &[f64], r: &Categories, p: &gammas::Params) -> f64 {
    let model = gammas::Model::new(2);
    let mut total = 0.0;
    for n in 0..x.len() {
        let row = [x[n]];
        let data = gammas::Data { y: (&row).into() };
        for k in 0..2 {
            let latents = gammas::Latents { z: vec![k] };
            total += r.probs(n)[k] * model.log_joint(&data, &latents, p).unwrap();
        }
    }
    total
}

fn moved(p: &gammas::Params, t: f64, along: &[f64; 5]) -> gammas::Params {
    let mut q = p.clone();
    // The weights stay on the simplex.
    q.weight[0] += t * along[0] * 0.1;
    q.weight[1] -= t * along[0] * 0.1;
    for k in 0..2 {
        q.a[k] *= (t * along[1 + k]).exp();
        q.r[k] *= (t * along[3 + k]).exp();
    }
    q
}

fn gamma_rows() -> Vec<f64> {
    let mut g = Noise::new(12);
    (0..40).map(|n| g.gamma(if n % 2 == 0 { 2 } else { 7 }, 1.3)).collect()
}

#[test]
fn the_gradient_of_the_likelihood_is_the_expected_gradient_of_the_joint() {
    let y = gamma_rows();
    let data = gammas::Data { y: (&y).into() };
    let model = gammas::Model::new(2);
    let p =
        gammas::Params { weight: DVector::from_vec(vec![0.4, 0.6]), a: vec![1.5, 6.0], r: vec![1.0, 1.1] };
    let here = model.infer(&data, &p).unwrap();
    let mut g = Noise::new(13);
    for _ in 0..10 {
        let along = [0; 5].map(|_| g.normal());
        let h = 1e-5;
        let log_p = |t: f64| model.infer(&data, &moved(&p, t, &along)).unwrap().log_likelihood();
        let q = |t: f64| expected_joint(&y, &here.posterior.z, &moved(&p, t, &along));
        let (left, right) = ((log_p(h) - log_p(-h)) / (2.0 * h), (q(h) - q(-h)) / (2.0 * h));
        assert!((left - right).abs() < 1e-5 * (1.0 + left.abs()), "{left} {right}");
        assert!(left.abs() > 1e-2, "a direction in which nothing changes would test nothing");
    }
}

#[test]
fn no_small_change_of_params_improves_on_an_m_step() {
    let y = gamma_rows();
    let data = gammas::Data { y: (&y).into() };
    let model = gammas::Model::new(2);
    let p =
        gammas::Params { weight: DVector::from_vec(vec![0.4, 0.6]), a: vec![1.5, 6.0], r: vec![1.0, 1.1] };
    let before = model.infer(&data, &p).unwrap();
    let mut state = model.start(&data, Start::Params(p), &Options::new()).unwrap();
    model.step(&mut state).unwrap();
    let found = state.params.clone();
    let q = |t: f64, along: &[f64; 5]| expected_joint(&y, &before.posterior.z, &moved(&found, t, along));
    let mut g = Noise::new(14);
    for _ in 0..20 {
        let along = [0; 5].map(|_| g.normal());
        let top = q(0.0, &along);
        for t in [1e-3, -1e-3, 1e-2, -1e-2] {
            assert!(q(t, &along) < top + 1e-9, "{t}: {} above {top}", q(t, &along) - top);
        }
        // The slope at the top vanishes far below the curvature.
        let slope = (q(1e-4, &along) - q(-1e-4, &along)) / 2e-4;
        assert!(slope.abs() < 1e-4, "slope {slope}");
    }
}

#[test]
fn the_maximum_of_a_vector_of_shapes_is_stationary() {
    let mut g = Noise::new(15);
    let mut x = DMatrix::zeros(60, 3);
    for n in 0..60 {
        let u: Vec<f64> = (0..3).map(|v| g.gamma(if (n + v) % 2 == 0 { 6 } else { 2 }, 1.0)).collect();
        for v in 0..3 {
            x[(n, v)] = u[v] / u.iter().sum::<f64>();
        }
    }
    let data = compositions::Data { x: (&x).into() };
    let model = compositions::Model::new(2);
    let fit = model.fit(&data, &Options::new().tolerance(0.0).max_iterations(4000)).unwrap();
    for k in 0..2 {
        for v in 0..3 {
            let at = |t: f64| {
                let mut p = fit.params.clone();
                p.a[k][v] *= f64::exp(t);
                model.infer(&data, &p).unwrap().log_likelihood()
            };
            let slope = (at(1e-4) - at(-1e-4)) / 2e-4;
            assert!(slope.abs() < 1e-3, "a[{k}, {v}]: slope {slope}");
            assert!(at(0.05) < at(0.0) && at(-0.05) < at(0.0));
        }
    }
}

#[test]
fn statistics_of_parts_add_up_to_those_of_the_whole() {
    let x = cloud(60, 2, 16);
    let (top, bottom) = (x.rows(0, 25).into_owned(), x.rows(25, 35).into_owned());
    let model = mixture::Model::new(2);
    let p = model.fit(&mixture::Data { x: (&x).into() }, &Options::new().max_iterations(3)).unwrap().params;
    let stats = |x: &DMatrix<f64>| model.accumulate(&mixture::Data { x: x.into() }, &p).unwrap();
    use vi_core::fit::Statistics;
    let whole = model.maximise(&stats(&x), &p).unwrap();
    let mut sum = stats(&top);
    sum.merge(&stats(&bottom));
    let parts = model.maximise(&sum, &p).unwrap();
    for k in 0..2 {
        close(parts.weight[k], whole.weight[k], 1e-12);
        assert!((&parts.mean[k] - &whole.mean[k]).norm() < 1e-10);
        assert!((&parts.cov[k] - &whole.cov[k]).norm() < 1e-10);
    }
}

#[test]
fn simulated_data_give_back_their_params() {
    let truth =
        gammas::Params { weight: DVector::from_vec(vec![0.35, 0.65]), a: vec![2.0, 30.0], r: vec![4.0, 3.0] };
    let model = gammas::Model::new(2);
    let absent = gammas::Data { y: vi_core::data::Absent(20_000).into() };
    let simulated = model.simulate(&truth, &absent, 3).unwrap();
    let again = model.simulate(&truth, &absent, 3).unwrap();
    assert_eq!(simulated.latents.z, again.latents.z, "one seed, one simulation");
    let z = Categories::one_hot(&simulated.latents.z, 2);
    let fit = model
        .fit_from(&simulated.data(), Start::Posterior(gammas::Posterior { z }), &Options::new())
        .unwrap();
    // Bounds of four standard errors: √(w(1 − w)/n), and a relative √(2 / nₖ) of shapes and rates.
    let se = (0.35f64 * 0.65 / 20_000.0).sqrt();
    assert!((fit.params.weight[0] - 0.35).abs() < 4.0 * se, "{}", fit.params.weight[0]);
    for k in 0..2 {
        let se = (2.0 / (20_000.0 * truth.weight[k])).sqrt();
        assert!((fit.params.a[k] / truth.a[k] - 1.0).abs() < 4.0 * se, "{} {}", fit.params.a[k], truth.a[k]);
        assert!((fit.params.r[k] / truth.r[k] - 1.0).abs() < 4.0 * se, "{} {}", fit.params.r[k], truth.r[k]);
    }
    let share = simulated.latents.z.iter().filter(|z| **z == 0).count() as f64 / 20_000.0;
    assert!((share - 0.35).abs() < 4.0 * se);
}
