//! What a fit of a conditional block can be asked: on threads, without locals, of new data, for draws.

use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::density::{self, log_sum_exp};
use vi_tests::law::{close, monotone};

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

fn two_lumps(n: usize, seed: u64) -> Vec<f64> {
    let mut g = Noise::new(seed);
    (0..n)
        .map(|_| {
            let center = if g.unit() < 0.4 { -3.0 } else { 4.0 };
            center + g.normal() / (g.gamma(2, 2.0)).sqrt()
        })
        .collect()
}

#[test]
fn the_answer_is_the_same_on_any_number_of_threads_and_needs_no_locals() {
    let x = two_lumps(5000, 23);
    let data = t_mixture::Data { x: (&x).into() };
    let model = t_mixture::Model::new(2, 3.0);
    let options = Options::new().seed(1).max_iterations(5);
    let one = model.fit(&data, &options.clone().threads(1)).expect("it fits");
    let two = model.fit(&data, &options.clone().threads(2)).expect("it fits");
    assert_eq!(one.params, two.params);
    assert_eq!(one.trace, two.trace);
    assert_eq!(one.posterior, two.posterior);
    let without = model.fit(&data, &options.keep_locals(false)).expect("it fits");
    assert_eq!(without.params, one.params);
    assert!(without.posterior.u.is_empty());
    assert!(without.verify(&data, 1).expect("it verifies").is_exact());
}

#[test]
fn new_data_are_scored_and_their_latents_inferred() {
    let x = two_lumps(200, 29);
    let data = t_mixture::Data { x: (&x).into() };
    let fit = t_mixture::Model::new(2, 3.0).fit(&data, &Options::new().seed(1)).expect("it fits");
    let new = [0.0, 4.0, -50.0];
    let data = t_mixture::Data { x: (&new).into() };
    let p = &fit.params;
    let predicted = fit.predict(&data).expect("it predicts");
    let inferred = fit.infer(&data).expect("it infers");
    for (n, x) in new.iter().enumerate() {
        let logs: Vec<f64> = (0..2)
            .map(|k| p.weight[k].ln() + density::student_t(*x, 3.0, p.mean[k], p.tau[k].powf(-0.5)))
            .collect();
        close(predicted.log_density[n], log_sum_exp(&logs), 1e-12);
    }
    // What lies far away has a small precision.
    assert!(inferred.posterior.u[2].mean() < 0.1 && inferred.posterior.u[1].mean() > 0.5);
}

#[test]
fn draws_of_category_and_scale_are_joint() {
    let x = [0.5, -4.0];
    let data = t_mixture::Data { x: (&x).into() };
    let model = t_mixture::Model::new(2, 3.0);
    let params = t_mixture::Params {
        weight: DVector::from_column_slice(&[0.5, 0.5]),
        mean: vec![0.0, 1.0],
        tau: vec![1.0, 25.0],
    };
    let fit = model.infer(&data, &params).expect("it infers");
    let draws = fit.draw(&data, 3, 20_000).expect("it draws");
    for n in 0..2 {
        for k in 0..2 {
            let of: Vec<f64> = draws.iter().filter(|d| d.z[n] == k).map(|d| d.u[n]).collect();
            let p = fit.posterior.z.probs(n)[k];
            let share = of.len() as f64 / 20_000.0;
            assert!((share - p).abs() < 5.0 * (p * (1.0 - p) / 20_000.0).sqrt() + 1e-9, "{share} {p}");
            if of.len() < 100 {
                continue;
            }
            let gap = x[n] - params.mean[k];
            let (a, b) = (2.0, 0.5 * (3.0 + params.tau[k] * gap * gap));
            let mean = of.iter().sum::<f64>() / of.len() as f64;
            assert!((mean - a / b).abs() < 5.0 * (a / (b * b) / of.len() as f64).sqrt(), "{mean} {}", a / b);
        }
    }
    assert_eq!(draws, fit.draw(&data, 3, 20_000).expect("it draws"));
}

#[test]
fn the_posterior_itself_draws_category_and_scale_jointly() {
    let x = [0.5, -4.0];
    let data = t_mixture::Data { x: (&x).into() };
    let params = t_mixture::Params {
        weight: DVector::from_column_slice(&[0.5, 0.5]),
        mean: vec![0.0, 1.0],
        tau: vec![1.0, 25.0],
    };
    let fit = t_mixture::Model::new(2, 3.0).infer(&data, &params).expect("it infers");
    let mut rng = vi_core::rng::stream(4, "draws", &[]);
    let (mut sum, mut count) = (0.0, 0.0);
    for _ in 0..20_000 {
        let draw = fit.posterior.sample(&mut rng).expect("locals are kept");
        if draw.z[0] == 1 {
            sum += draw.u[0];
            count += 1.0;
        }
    }
    let p = fit.posterior.z.probs(0)[1];
    assert!((count / 20_000.0 - p).abs() < 5.0 * (p * (1.0 - p) / 20_000.0_f64).sqrt());
    let (a, b) = (2.0, 0.5 * (3.0 + 25.0 * 0.25));
    assert!((sum / count - a / b).abs() < 5.0 * (a / (b * b) / count).sqrt());
    let none = t_mixture::Posterior::default();
    assert!(none.sample(&mut rng).is_err());
}

#[test]
fn the_objective_never_falls_from_any_start() {
    let mut ended = 0;
    for seed in 0..15 {
        let x = two_lumps(50 + seed as usize, seed);
        let data = free_dof::Data { x: (&x).into() };
        let fit = free_dof::Model::new(3).fit(&data, &Options::new().seed(seed).max_iterations(200));
        // A component that collapses onto one point has no maximum; that is an error and no panic.
        if let Ok(fit) = fit {
            monotone(&fit.trace);
            ended += 1;
        }
    }
    assert!(ended >= 12, "{ended}");
}
