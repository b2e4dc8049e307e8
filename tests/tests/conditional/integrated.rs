//! Latents under a condition: elements that do not exist are absent units.

use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::density::{self, log_sum_exp};
use vi_tests::law::{close, exact};

model! {
    pub mod chosen(K) {
        given has[n in N]: Bool;
        param w: Simplex[K]; param m[k in K]: Real; param s: Positive;
        latent z[n in N if has[n]] ~ Categorical(w);
        observed y[n in N if has[n]] ~ Normal(m[z[n]], sd: s);
    }
}
model! {
    pub mod whole(K) {
        param w: Simplex[K]; param m[k in K]: Real; param s: Positive;
        latent z[n in N] ~ Categorical(w);
        observed y[n in N] ~ Normal(m[z[n]], sd: s);
    }
}
model! {
    /// Two kinds of unit: one a mixture, the other not.
    pub mod kinds(K) {
        given kind[n in N]: Category[3];
        param w: Simplex[K]; param m[k in K]: Real; param u: Real; param s: Positive;
        for n in N if kind[n] == 1 {
            latent z[n] ~ Categorical(w);
            observed y[n] ~ Normal(m[z[n]], sd: s);
        }
        for n in N if kind[n] != 1 {
            observed y[n] ~ Normal(u, sd: s);
        }
    }
}
model! {
    /// Every element exists, by one of two statements.
    pub mod pieces(K) {
        given old[n in N]: Bool;
        param a: Simplex[K]; param b: Simplex[K]; param m[k in K]: Real;
        latent z[n in N if old[n]] ~ Categorical(a);
        latent z[n in N if not old[n]] ~ Categorical(b);
        observed y[n in N] ~ Normal(m[z[n]], sd: 1);
    }
}
model! {
    pub mod ragged(K) {
        given has[s in S, t in T[s]]: Bool;
        param w: Simplex[K]; param m[k in K]: Real;
        latent z[s in S, t in T[s] if has[s, t]] ~ Categorical(w);
        observed y[s in S, t in T[s] if has[s, t]] ~ Normal(m[z[s, t]], sd: 1);
    }
}
model! {
    pub mod votes(K) {
        given item[r in R]: Category[N]; given real[n in N]: Bool;
        param w: Simplex[K]; param conf[k in K]: Simplex[K] ~ Dirichlet(1.5);
        latent z[n in N if real[n]] ~ Categorical(w);
        observed label[r in R] ~ Categorical(conf[z[item[r]]]);
    }
}

fn options() -> Options {
    Options::new().seed(3).threads(1).tolerance(1e-12).max_iterations(5000)
}

fn noise(n: usize, seed: u64) -> (Vec<bool>, Vec<f64>) {
    let mut g = Noise::new(seed);
    let has: Vec<bool> = (0..n).map(|_| g.unit() < 0.6).collect();
    let y = (0..n).map(|_| if g.unit() < 0.4 { 5.0 + g.normal() } else { g.normal() }).collect();
    (has, y)
}

#[test]
fn what_does_not_exist_is_as_if_it_had_been_left_out() {
    let (has, y) = noise(150, 1);
    let kept: Vec<f64> = y.iter().zip(&has).filter(|(_, h)| **h).map(|(y, _)| *y).collect();
    let data = chosen::Data { has: (&has).into(), y: (&y).into() };
    let begin = Params::START;
    let start = |p: [f64; 2]| chosen::Params { w: DVector::from_element(2, 0.5), m: p.to_vec(), s: 1.5 };
    let fit = chosen::Model::new(2).fit_from(&data, Start::Params(start(begin)), &options()).unwrap();
    let plain = whole::Model::new(2)
        .fit_from(
            &whole::Data { y: (&kept).into() },
            Start::Params(whole::Params { w: DVector::from_element(2, 0.5), m: begin.to_vec(), s: 1.5 }),
            &options(),
        )
        .unwrap();
    assert_eq!(fit.trace.len(), plain.trace.len());
    for (a, b) in fit.trace.iter().zip(&plain.trace) {
        close(*a, *b, 1e-12);
    }
    for k in 0..2 {
        close(fit.params.m[k], plain.params.m[k], 1e-10);
    }
    let p = &fit.params;
    let by_hand = kept
        .iter()
        .map(|y| log_sum_exp(&[0, 1].map(|k| p.w[k].ln() + density::normal(*y, p.m[k], p.s * p.s))))
        .sum();
    exact(&fit, &data, by_hand);
    // Posteriors stand at their own index; a hole has none.
    let mut next = 0;
    for n in 0..150 {
        if has[n] {
            close(fit.posterior.z.probs(n)[1], plain.posterior.z.probs(next)[1], 1e-10);
            next += 1;
        } else {
            assert!(fit.posterior.z.probs(n).iter().all(|p| p.is_nan()));
        }
    }
    // As a start, the holes of a posterior mean nothing.
    let again =
        chosen::Model::new(2).fit_from(&data, Start::Posterior(fit.posterior.clone()), &options()).unwrap();
    close(again.log_likelihood(), fit.log_likelihood(), 1e-9);
    let predicted = fit.predict(&data).unwrap();
    close(predicted.log_density.iter().sum::<f64>(), by_hand_sum(&kept, p), 1e-10);
}

struct Params;
impl Params {
    const START: [f64; 2] = [-1.0, 4.0];
}

fn by_hand_sum(kept: &[f64], p: &chosen::Params) -> f64 {
    kept.iter()
        .map(|y| log_sum_exp(&[0, 1].map(|k| p.w[k].ln() + density::normal(*y, p.m[k], p.s * p.s))))
        .sum()
}

#[test]
fn no_unit_at_all_and_every_unit() {
    let (_, y) = noise(40, 2);
    let none = vec![false; 40];
    let fit = chosen::Model::new(2).infer(
        &chosen::Data { has: (&none).into(), y: (&y).into() },
        &chosen::Params { w: DVector::from_element(2, 0.5), m: vec![0.0, 1.0], s: 1.0 },
    );
    close(fit.unwrap().log_likelihood(), 0.0, 1e-14);
    let all = vec![true; 40];
    let params = chosen::Params { w: DVector::from_element(2, 0.5), m: vec![0.0, 1.0], s: 1.0 };
    let fit =
        chosen::Model::new(2).infer(&chosen::Data { has: (&all).into(), y: (&y).into() }, &params).unwrap();
    close(fit.log_likelihood(), by_hand_sum(&y, &params), 1e-12);
}

#[test]
fn units_of_two_kinds() {
    let (has, y) = noise(120, 3);
    let kind: Vec<usize> = has.iter().enumerate().map(|(n, h)| if *h { 1 } else { 2 * (n % 2) }).collect();
    let data = kinds::Data { kind: (&kind).into(), y: (&y).into() };
    let fit = kinds::Model::new(2).fit(&data, &options().restarts(4)).unwrap();
    let p = &fit.params;
    let v = p.s * p.s;
    let by_hand = y
        .iter()
        .zip(&kind)
        .map(|(y, kind)| match kind {
            1 => log_sum_exp(&[0, 1].map(|k| p.w[k].ln() + density::normal(*y, p.m[k], v))),
            _ => density::normal(*y, p.u, v),
        })
        .sum();
    exact(&fit, &data, by_hand);
    let others: Vec<f64> = y.iter().zip(&kind).filter(|(_, k)| **k != 1).map(|(y, _)| *y).collect();
    close(p.u, others.iter().sum::<f64>() / others.len() as f64, 1e-9);
}

#[test]
fn pieces_that_cover_everything() {
    let (old, y) = noise(90, 4);
    let data = pieces::Data { old: (&old).into(), y: (&y).into() };
    let fit = pieces::Model::new(2).fit(&data, &options()).unwrap();
    let p = &fit.params;
    let by_hand = y
        .iter()
        .zip(&old)
        .map(|(y, old)| {
            let w = if *old { &p.a } else { &p.b };
            log_sum_exp(&[0, 1].map(|k| w[k].ln() + density::normal(*y, p.m[k], 1.0)))
        })
        .sum();
    exact(&fit, &data, by_hand);
    assert!((0..90).all(|n| fit.posterior.z.probs(n)[0].is_finite()));
}

#[test]
fn rows_of_different_lengths_with_holes() {
    let (flags, values) = noise(60, 5);
    let cut = |n: usize| [0..7, 7..7, 7..31, 31..60][n].clone();
    let has: Vec<Vec<bool>> = (0..4).map(|s| flags[cut(s)].to_vec()).collect();
    let y: Vec<Vec<f64>> = (0..4).map(|s| values[cut(s)].to_vec()).collect();
    let data = ragged::Data { has: (&has).into(), y: (&y).into() };
    let fit = ragged::Model::new(2).fit(&data, &options()).unwrap();
    let p = &fit.params;
    let of = |y: f64| log_sum_exp(&[0, 1].map(|k| p.w[k].ln() + density::normal(y, p.m[k], 1.0)));
    let by_hand = values.iter().zip(&flags).filter(|(_, h)| **h).map(|(y, _)| of(*y)).sum();
    exact(&fit, &data, by_hand);
    for s in 0..4 {
        assert_eq!(fit.posterior.z[s].len(), has[s].len());
        for t in 0..has[s].len() {
            let q = fit.posterior.z[s].probs(t);
            if has[s][t] {
                let want = (p.w[0].ln() + density::normal(y[s][t], p.m[0], 1.0) - of(y[s][t])).exp();
                close(q[0], want, 1e-10);
            } else {
                assert!(q[0].is_nan());
            }
        }
    }
}

#[test]
fn reading_what_does_not_exist_names_both() {
    let mut g = Noise::new(6);
    let real = vec![true, false, true, true];
    let item: Vec<usize> = (0..40).map(|_| [0, 2, 3][g.below(3)]).collect();
    let label: Vec<usize> =
        item.iter().map(|i| if g.unit() < 0.8 { usize::from(*i > 1) } else { g.below(2) }).collect();
    let fit = |item: &Vec<usize>| {
        let data = votes::Data { item: item.into(), real: (&real).into(), label: (&label).into() };
        votes::Model::new(2).fit(&data, &options()).map(|fit| {
            let p = &fit.params;
            let by_hand = [0, 2, 3]
                .iter()
                .map(|n| {
                    log_sum_exp(&[0, 1].map(|k| {
                        let rows = item.iter().zip(&label).filter(|(i, _)| *i == n);
                        p.w[k].ln() + rows.map(|(_, l)| p.conf[k][*l].ln()).sum::<f64>()
                    }))
                })
                .sum();
            exact(&fit, &data, by_hand);
        })
    };
    fit(&item).unwrap();
    let mut wrong = item.clone();
    wrong[17] = 1;
    let text = fit(&wrong).expect_err("item 1 does not exist").to_string();
    assert!(text.contains("z[1]") && text.contains("label[17]"), "{text}");
}
