//! Draws from the posterior, its most likely states, and what is said of values that are not there.

use vi_core::data::Absent;
use vi_core::prelude::*;
use vi_core::{Error, rng};

model! {
    pub mod two_latents(K, C) {
        param    weight: Simplex[K];
        param    choice[k in K]: Simplex[C];
        param    mean[k in K, c in C]: Real;
        param    s2: Positive(min: 1e-6);
        latent   z[n in N] ~ Categorical(weight);
        latent   c[n in N] ~ Categorical(choice[z[n]]);
        observed x[n in N] ~ Normal(mean[z[n], c[n]], var: s2);
    }
}

fn two() -> (two_latents::Model, two_latents::Params) {
    let params = two_latents::Params {
        weight: DVector::from_vec(vec![0.4, 0.6]),
        choice: vec![DVector::from_vec(vec![0.3, 0.3, 0.4]), DVector::from_vec(vec![0.1, 0.2, 0.7])],
        mean: vec![vec![0.0, 2.0, 4.0], vec![0.1, 4.1, 2.1]],
        s2: 0.25,
    };
    (two_latents::Model::new(2, 3), params)
}

/// p(z, c | x), from the definition.
fn joint(p: &two_latents::Params, x: f64) -> [[f64; 3]; 2] {
    let mut out = [[0.0; 3]; 2];
    for (z, row) in out.iter_mut().enumerate() {
        for (c, cell) in row.iter_mut().enumerate() {
            *cell = p.weight[z] * p.choice[z][c] * (-0.5 * (x - p.mean[z][c]).powi(2) / p.s2).exp();
        }
    }
    let total: f64 = out.iter().flatten().sum();
    out.map(|row| row.map(|cell| cell / total))
}

#[test]
fn several_latents_of_a_unit_are_drawn_jointly() {
    let (model, params) = two();
    let x = [2.04, 4.05, 0.04];
    let data = two_latents::Data { x: (&x).into() };
    let fit = model.infer(&data, &params).unwrap();
    let draws = 20_000;
    let mut counts = [[[0.0; 3]; 2]; 3];
    for d in 0..draws {
        let latents = fit.posterior.sample(&mut rng::stream(5, "draw", &[d])).unwrap();
        for n in 0..3 {
            counts[n][latents.z[n]][latents.c[n]] += 1.0;
        }
    }
    for (n, &x) in x.iter().enumerate() {
        for (z, row) in joint(&params, x).iter().enumerate() {
            for (c, p) in row.iter().enumerate() {
                let error = 5.0 * (p * (1.0 - p) / f64::from(draws as u32)).sqrt() + 1e-9;
                let share = counts[n][z][c] / f64::from(draws as u32);
                assert!((share - p).abs() < error, "x[{n}] z {z} c {c}: {share} {p}");
            }
        }
    }
}

#[test]
fn the_most_likely_joint_state_need_not_be_made_of_the_most_likely_values() {
    let (model, mut params) = two();
    // Joint probabilities proportional to the prior: (0, 0) has 0.36; z = 1 has 0.64 in all, in three parts.
    params.weight = DVector::from_vec(vec![0.36, 0.64]);
    params.choice = vec![DVector::from_vec(vec![1.0, 0.0, 0.0]), DVector::from_vec(vec![0.0, 0.5, 0.5])];
    params.mean = vec![vec![1.0; 3]; 2];
    let x = [1.0];
    let data = two_latents::Data { x: (&x).into() };
    let fit = model.infer(&data, &params).unwrap();
    let best = fit.posterior.most_likely().unwrap();
    assert_eq!((best.z[0], best.c[0]), (0, 0));
    assert_eq!(fit.posterior.z.most_likely(0), 1);
}

#[test]
fn other_labels_keep_the_joint_law() {
    let (model, params) = two();
    let x = [2.04, 0.04];
    let data = two_latents::Data { x: (&x).into() };
    let mut fit = model.infer(&data, &params).unwrap();
    let before = fit.posterior.most_likely().unwrap();
    fit.relabel(&[1, 0]).unwrap();
    let after = fit.posterior.most_likely().unwrap();
    assert_eq!(after.c, before.c);
    assert!(after.z.iter().zip(&before.z).all(|(a, b)| *a == 1 - b));
}

#[test]
fn draws_without_locals_are_an_error() {
    let (model, params) = two();
    let x = [2.04, 4.05, 0.04, 0.0, 4.0, 2.0];
    let data = two_latents::Data { x: (&x).into() };
    let options = Options::new().keep_locals(false).max_iterations(2);
    let fit = model.fit_from(&data, Start::Params(params), &options).unwrap();
    let error = fit.posterior.sample(&mut rng::stream(1, "draw", &[])).unwrap_err();
    assert!(matches!(error, Error::LocalsNotKept { .. }), "{error}");
    assert!(fit.posterior.most_likely().is_err());
}

model! {
    pub mod switches(K) {
        param    p: Unit;
        param    rate[k in K]: Positive;
        param    start: Simplex[K];
        latent   on[s in S, t in T[s]] ~ Bernoulli(p);
        latent   k[s in S, t in T[s]]  ~ Categorical(start);
        observed y[s in S, t in T[s]]: Count? ~ match on[s, t] { true => Poisson(rate[k[s, t]]), false => Constant(0) };
    }
}

#[test]
fn nested_latents_are_drawn_where_they_stand() {
    let model = switches::Model::new(2);
    let params = switches::Params { p: 0.5, rate: vec![2.0, 50.0], start: DVector::from_vec(vec![0.5, 0.5]) };
    let y = vec![vec![Some(51), Some(0), None], vec![], vec![Some(1)]];
    let data = switches::Data { y: (&y).into() };
    let fit = model.infer(&data, &params).unwrap();
    let best = fit.posterior.most_likely().unwrap();
    assert_eq!((best.on[0][0], best.k[0][0]), (true, 1));
    assert!(!best.on[0][1] && best.on[2][0] && best.on[1].is_empty());
    assert_eq!(best.k[2][0], 0);
    // What is missing is off, or one of two Poissons.
    let m = fit.posterior.y.get([0, 2]).unwrap();
    let mean = 0.25 * 2.0 + 0.25 * 50.0;
    let second = 0.25 * (2.0 + 4.0) + 0.25 * (50.0 + 2500.0);
    assert!((m.mean() - mean).abs() < 1e-12 && (m.var() - (second - mean * mean)).abs() < 1e-9, "{m:?}");
    assert_eq!(fit.posterior.y.len(), 1);
    for d in 0..50 {
        let latents = fit.posterior.sample(&mut rng::stream(2, "draw", &[d])).unwrap();
        assert!(latents.on[0][0] && latents.k[0][0] == 1 && latents.on[2][0]);
    }
}

model! {
    pub mod answers(K, V) {
        param    weight: Simplex[K];
        param    p[k in K, j in J]: Simplex[V];
        param    mean[k in K]: Vector[D];
        param    s2[k in K]: Positive(min: 1e-6);
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N, j in J]: Category[V]? ~ Categorical(p[z[n], j]);
        observed x[n in N]: Vector[D]?           ~ Normal(mean[z[n]], var: s2[z[n]]);
    }
}

#[test]
fn missing_values_are_imputed_by_the_mixture_of_their_unit() {
    let model = answers::Model::new(2, 3);
    let v = |x: &[f64]| DVector::from_row_slice(x);
    let params = answers::Params {
        weight: v(&[0.3, 0.7]),
        p: vec![
            vec![v(&[0.7, 0.2, 0.1]), v(&[0.1, 0.1, 0.8])],
            vec![v(&[0.2, 0.2, 0.6]), v(&[0.6, 0.3, 0.1])],
        ],
        mean: vec![v(&[-1.0, 0.0]), v(&[1.0, 3.0])],
        s2: vec![0.5, 2.0],
    };
    let y = DMatrix::from_row_slice(2, 2, &[Some(0), None, None, Some(2)]);
    let x = DMatrix::from_row_slice(2, 2, &[0.2, f64::NAN, f64::NAN, f64::NAN]);
    let data = answers::Data { y: (&y).into(), x: (&x).into() };
    let fit = model.infer(&data, &params).unwrap();
    let normal = |x: f64, m: f64, s2: f64| (-0.5 * (x - m).powi(2) / s2).exp() / s2.sqrt();
    let mut q = [
        [0usize, 1]
            .map(|k| params.weight[k] * params.p[k][0][0] * normal(0.2, params.mean[k][0], params.s2[k])),
        [0usize, 1].map(|k| params.weight[k] * params.p[k][1][2]),
    ];
    for row in &mut q {
        let total: f64 = row.iter().sum();
        *row = row.map(|p| p / total);
    }
    let post = &fit.posterior;
    assert_eq!((post.y.len(), post.x.len()), (2, 3));
    assert_eq!(post.y.get([0, 0]), None);
    for (n, j) in [(0, 1), (1, 0)] {
        for value in 0..3 {
            let expected = (0..2).map(|k| q[n][k] * params.p[k][j][value]).sum::<f64>();
            assert!((post.y.get([n, j]).unwrap()[value] - expected).abs() < 1e-12);
        }
    }
    for (n, d) in [(0, 1), (1, 0), (1, 1)] {
        let mean: f64 = (0..2).map(|k| q[n][k] * params.mean[k][d]).sum();
        let second: f64 = (0..2).map(|k| q[n][k] * (params.s2[k] + params.mean[k][d].powi(2))).sum();
        let m = post.x.get([n, d]).unwrap();
        assert!((m.mean() - mean).abs() < 1e-12, "{n} {d}");
        assert!((m.var() - (second - mean * mean)).abs() < 1e-12, "{n} {d}");
        assert_eq!(m.sd(), m.var().sqrt());
    }
    // The same through `predict`, which is given no array of either kind.
    let none = answers::Data { y: Absent((4, 2)).into(), x: Absent((4, 2)).into() };
    let predicted = fit.predict(&none).unwrap();
    assert_eq!((predicted.absent.x.len(), predicted.absent.y.len()), (8, 8));
    assert!(predicted.log_density.iter().all(|l| l.abs() < 1e-12), "{:?}", predicted.log_density);
    let mean = 0.7 - 0.3;
    assert!((predicted.absent.x.get([3, 0]).unwrap().mean() - mean).abs() < 1e-12);
}

model! {
    pub mod gaussians(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Vector[D];
        param    cov[k in K]: SymPos[D];
        param    rate[k in K]: Positive;
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(mean[z[n]], cov: cov[z[n]]);
        observed y[n in N] ~ Poisson(rate[z[n]]);
    }
}

#[test]
fn an_absent_array_is_predicted_from_the_others() {
    let v = |x: &[f64]| DVector::from_row_slice(x);
    let params = gaussians::Params {
        weight: v(&[0.5, 0.5]),
        mean: vec![v(&[-1.0, 0.0]), v(&[1.0, 3.0])],
        cov: vec![DMatrix::from_row_slice(2, 2, &[2.0, 0.5, 0.5, 1.0]), DMatrix::identity(2, 2)],
        rate: vec![2.0, 30.0],
    };
    let model = gaussians::Model::new(2);
    let y = [2, 31, 9];
    let data = gaussians::Data { x: Absent((3, 2)).into(), y: (&y).into() };
    let fit = model.infer(&data, &params).unwrap();
    let predicted = fit.predict(&data).unwrap();
    for (n, &y) in y.iter().enumerate() {
        let log = |rate: f64| f64::from(y as u32) * rate.ln() - rate;
        let factorial: f64 = (1..=y).map(|k| (k as f64).ln()).sum();
        let terms = [0.5 * log(2.0).exp(), 0.5 * log(30.0).exp()];
        let total = terms[0] + terms[1];
        assert!((predicted.log_density[n] - (total.ln() - factorial)).abs() < 1e-11, "{n}");
        let q = terms.map(|t| t / total);
        assert!((fit.posterior.z.probs(n)[0] - q[0]).abs() < 1e-12);
        for d in 0..2 {
            let mean = q[0] * params.mean[0][d] + q[1] * params.mean[1][d];
            let second: f64 =
                (0..2).map(|k| q[k] * (params.cov[k][(d, d)] + params.mean[k][d].powi(2))).sum();
            let m = predicted.absent.x.get([n, d]).unwrap();
            assert!((m.mean() - mean).abs() < 1e-11 && (m.var() - second + mean * mean).abs() < 1e-10);
        }
    }
    assert!(predicted.absent.y.is_empty());
    // An array without values says nothing, in the check as in the fit.
    assert!(fit.verify(&data, 1).unwrap().is_exact());
}

model! {
    pub mod line {
        given    x[n in N]: Real;
        param    w: Real;   param b: Real;   param s2: Positive(min: 1e-9);
        observed y[n in N] ~ Normal(w * x[n] + b, var: s2);
    }
}

#[test]
fn a_regression_predicts_its_response() {
    let x: Vec<f64> = (0..20).map(f64::from).collect();
    let y: Vec<f64> = x.iter().map(|x| 2.0 * x - 1.0 + if *x as i64 % 2 == 0 { 0.5 } else { -0.5 }).collect();
    let fit =
        line::Model::new().fit(&line::Data { x: (&x).into(), y: (&y).into() }, &Options::new()).unwrap();
    let new = [100.0, -3.0];
    let predicted = fit.predict(&line::Data { x: (&new).into(), y: Absent(2).into() }).unwrap();
    for (n, x) in new.iter().enumerate() {
        let m = predicted.absent.y.get([n]).unwrap();
        assert!((m.mean() - (fit.params.w * x + fit.params.b)).abs() < 1e-9);
        assert!((m.var() - fit.params.s2).abs() < 1e-12);
    }
}
