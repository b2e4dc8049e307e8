//! What is integrated out beside two neighbouring states: the chain remembers one state more, and is exact.

use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::density::{log_sum_exp, student_t};
use vi_tests::law::{close, exact};

model! {
    /// Jumps with heavy tails: each observation has a precision of its own, and a mean that two states choose.
    pub mod jumps(K) {
        param    trans[i in K]: Simplex[K];
        param    mean[i in K, k in K]: Real;
        latent   lambda[t in T] ~ Gamma(shape: 2, rate: 3);
        latent   z[0]           ~ Uniform();
        latent   z[t in 1..T]   ~ Categorical(trans[z[t-1]]);
        observed y[t in 1..T]: Real? ~ Normal(mean[z[t-1], z[t]], prec: lambda[t]);
    }
}

#[test]
fn precisions_of_jumps_are_integrated_in_the_states_of_both_ends() {
    let y = [0.0, 0.4, f64::NAN, -2.0, 1.3];
    let model = jumps::Model::new(2);
    let data = jumps::Data { y: (&y).into() };
    let mut g = Noise::new(3);
    for _ in 0..3 {
        let p = jumps::Params { trans: g.rows(2, 2), mean: (0..2).map(|_| g.normals(2)).collect() };
        let paths: Vec<Vec<usize>> = (0..32).map(|code| (0..5).map(|t| code >> t & 1).collect()).collect();
        // A Normal whose precision is Gamma is Student's.
        let scale = (3.0f64 / 2.0).sqrt();
        let logs: Vec<f64> = paths
            .iter()
            .map(|z| {
                let seen = |t: usize| match y[t].is_nan() {
                    true => 0.0,
                    false => student_t(y[t], 4.0, p.mean[z[t - 1]][z[t]], scale),
                };
                0.5f64.ln() + (1..5).map(|t| p.trans[z[t - 1]][z[t]].ln() + seen(t)).sum::<f64>()
            })
            .collect();
        let evidence = log_sum_exp(&logs);
        let fit = model.infer(&data, &p).unwrap();
        exact(&fit, &data, evidence);
        let expect = |f: &dyn Fn(&[usize]) -> f64| -> f64 {
            paths.iter().zip(&logs).map(|(z, log)| (log - evidence).exp() * f(z)).sum()
        };
        for t in 0..5 {
            close(fit.posterior.z.probs(t)[1], expect(&|z| z[t] as f64), 1e-11);
            let given = |z: &[usize]| match t == 0 || y[t].is_nan() {
                true => 2.0 / 3.0,
                false => 2.5 / (3.0 + 0.5 * (y[t] - p.mean[z[t - 1]][z[t]]).powi(2)),
            };
            close(fit.posterior.lambda[t].mean(), expect(&given), 1e-11);
        }
        for t in 1..5 {
            close(
                fit.posterior.z.pair(t)[(0, 1)],
                expect(&|z| f64::from(u8::from(z[t - 1] == 0 && z[t] == 1))),
                1e-11,
            );
        }
        // The M-step: counts, and means weighed by expected precisions.
        let next = model.maximise(&model.accumulate(&data, &p).unwrap(), &p).unwrap();
        for (i, k) in (0..2).flat_map(|i| (0..2).map(move |k| (i, k))) {
            let weighed = |value: &dyn Fn(usize) -> f64| {
                expect(&|z| {
                    let here = [1, 3, 4].into_iter().filter(|t| z[*t - 1] == i && z[*t] == k);
                    here.map(|t| value(t) * 2.5 / (3.0 + 0.5 * (y[t] - p.mean[i][k]).powi(2))).sum()
                })
            };
            close(next.mean[i][k], weighed(&|t| y[t]) / weighed(&|_| 1.0), 1e-10);
            let count =
                |k: usize| expect(&|z| (1..5).filter(|t| z[*t - 1] == i && z[*t] == k).count() as f64);
            close(next.trans[i][k], count(k) / (count(0) + count(1)), 1e-11);
        }
    }
    assert!(jumps::PLAN.to_string().contains("T·K³"), "{}", jumps::PLAN);
}
