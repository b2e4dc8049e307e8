//! What is known of a chain before all of its data are there.

use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::law::close;

model! {
    pub mod levels(K, C) {
        param    start: Simplex[K];
        param    trans[i in K]: Simplex[K];
        param    weight[k in K]: Simplex[C];
        param    mean[k in K, c in C]: Real;
        param    s2[k in K]: Positive;
        for s in S {
            latent   z[s, 0]            ~ Categorical(start);
            latent   z[s, t in 1..T[s]] ~ Categorical(trans[z[s, t-1]]);
            latent   c[s, t in T[s]]    ~ Categorical(weight[z[s, t]]);
            observed y[s, t in T[s]]: Real? ~ Normal(mean[z[s, t], c[s, t]], var: s2[z[s, t]]);
        }
    }
}
model! {
    pub mod counts(K) {
        param    start: Simplex[K];
        param    trans[i in K]: Simplex[K];
        param    rate[k in K]: Positive;
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed y[t in T]    ~ Poisson(rate[z[t]]);
    }
}

fn params(g: &mut Noise) -> levels::Params {
    levels::Params {
        start: g.simplex(3).into(),
        trans: (0..3).map(|_| g.simplex(3).into()).collect(),
        weight: (0..3).map(|_| g.simplex(2).into()).collect(),
        mean: (0..3).map(|_| (0..2).map(|_| 2.0 * g.normal()).collect()).collect(),
        s2: vec![0.5, 1.0, 0.25],
    }
}

#[test]
fn a_filter_knows_what_the_data_up_to_a_step_say() {
    let mut g = Noise::new(1);
    let p = params(&mut g);
    let y: Vec<Vec<f64>> = [5, 0, 1, 3].map(|n| (0..n).map(|_| 2.0 * g.normal()).collect()).into();
    let model = levels::Model::new(3, 2);
    let fit = model.infer(&levels::Data { y: (&y).into() }, &p).unwrap();
    let filtered = fit.filter(&levels::Data { y: (&y).into() }).unwrap();
    for (s, row) in y.iter().enumerate() {
        for t in 0..row.len() {
            let past = vec![row[..=t].to_vec()];
            let known = model.infer(&levels::Data { y: (&past).into() }, &p).unwrap().posterior;
            for k in 0..3 {
                close(filtered.z[s].probs(t)[k], known.z[0].probs(t)[k], 1e-12);
            }
            for c in 0..2 {
                close(filtered.c[s].probs(t)[c], known.c[0].probs(t)[c], 1e-12);
            }
        }
    }
}

#[test]
fn a_forecast_is_the_posterior_of_a_future_that_is_missing() {
    let mut g = Noise::new(2);
    let p = params(&mut g);
    let y: Vec<Vec<f64>> = [6, 0, 2].map(|n| (0..n).map(|_| 2.0 * g.normal()).collect()).into();
    let model = levels::Model::new(3, 2);
    let fit = model.infer(&levels::Data { y: (&y).into() }, &p).unwrap();
    for steps in [1, 4] {
        let ahead = fit.forecast(&levels::Data { y: (&y).into() }, steps).unwrap();
        let longer: Vec<Vec<f64>> =
            y.iter().map(|row| row.iter().copied().chain((0..steps).map(|_| f64::NAN)).collect()).collect();
        let all = model.infer(&levels::Data { y: (&longer).into() }, &p).unwrap().posterior;
        for (s, row) in y.iter().enumerate() {
            for h in 0..steps {
                let t = row.len() + h;
                (0..3).for_each(|k| close(ahead.posterior.z[s].probs(h)[k], all.z[s].probs(t)[k], 1e-12));
                (0..2).for_each(|c| close(ahead.posterior.c[s].probs(h)[c], all.c[s].probs(t)[c], 1e-12));
                let (a, b) = (ahead.absent.y.get([s, h]).unwrap(), all.y.get([s, t]).unwrap());
                close(a.mean(), b.mean(), 1e-12);
                close(a.var(), b.var(), 1e-12);
            }
        }
    }
}

#[test]
fn one_step_at_a_time_is_all_at_once() {
    let y = [3_u64, 0, 7, 9, 1, 1, 12];
    let p = counts::Params {
        start: vec![0.3, 0.7].into(),
        trans: vec![vec![0.9, 0.1].into(), vec![0.2, 0.8].into()],
        rate: vec![1.5, 8.0],
    };
    let model = counts::Model::new(2);
    let fit = model.infer(&counts::Data { y: (&y).into() }, &p).unwrap();
    let filtered = fit.filter(&counts::Data { y: (&y).into() }).unwrap();
    let mut filter = fit.online();
    let mut total = 0.0;
    for t in 0..y.len() {
        let window = &y[t.saturating_sub(1)..=t];
        let step = filter.push(&counts::Data { y: window.into() }).unwrap();
        total += step.log_density;
        (0..2).for_each(|k| close(step.probs[k], filtered.z.probs(t)[k], 1e-12));
    }
    close(total, fit.log_likelihood(), 1e-12);
    assert_eq!(filter.steps(), y.len());
    let wrong = filter.push(&counts::Data { y: (&y[..1]).into() }).unwrap_err();
    assert_eq!(
        wrong.to_string(),
        "the window has 1 steps in all, but the next step of a filter needs 2, of one sequence"
    );
}
