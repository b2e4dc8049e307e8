//! Chains whose steps are of kinds: rows are written once for each kind, and statistics read off one sum of moments for each.

use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::dense::{Dense, Known};

model! {
    /// Regimes are given, inputs push the state, and each observation remembers the one before.
    pub mod regimes(K) {
        given    k[t in T]: Category[K];   given u[t in T]: Vector[P];
        param    a[c in K]: Real;          param q[c in K]: Positive;
        param    b: Vector[P];             param g: Real;   param r: Positive;
        latent   x[0]         ~ Normal(0, var: 1);
        latent   x[t in 1..T] ~ Normal(a[k[t]] * x[t-1] + dot(b, u[t]), var: q[k[t]]);
        observed y[0]         ~ Normal(x[0], var: r);
        observed y[t in 1..T] ~ Normal(x[t] + g * y[t-1], var: r);
    }
}
model! {
    /// Sensors with noise of their own, each of which may be silent; sequences differ by their drift.
    pub mod sensors {
        param    a[s in S]: Real;   param q: Positive;   param c[d in D]: Real;   param r[d in D]: Positive;
        for s in S {
            latent   x[s, 0]                        ~ Normal(0, var: 1);
            latent   x[s, t in 1..T[s]]             ~ Normal(a[s] * x[s, t-1], var: q);
            observed y[s, t in T[s], d in D]: Real? ~ Normal(c[d] * x[s, t], var: r[d]);
        }
    }
}

model! {
    /// The first observation has a statement of its own, in one sequence.
    pub mod beginning {
        param    q: Positive;   param r: Positive;
        latent   x[0]                ~ Normal(0, var: 1);
        latent   x[t in 1..T]        ~ Normal(x[t-1], var: q);
        observed y[0]: Real?         ~ Normal(2 * x[0], var: r);
        observed y[t in 1..T]: Real? ~ Normal(x[t], var: r);
    }
}
model! {
    /// The same, in several.
    pub mod beginnings {
        param    q: Positive;   param r: Positive;
        for s in S {
            latent   x[s, 0]             ~ Normal(0, var: 1);
            latent   x[s, t in 1..T]     ~ Normal(x[s, t-1], var: q);
            observed y[s, 0]: Real?      ~ Normal(2 * x[s, 0], var: r);
            observed y[s, t in 1..T]: Real? ~ Normal(x[s, t], var: r);
        }
    }
}

fn close(a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance * (1.0 + b.abs()), "{a} and {b}");
}

struct Pushed {
    k: Vec<usize>,
    u: Vec<DVector<f64>>,
    y: Vec<f64>,
}

fn pushed(n: usize) -> Pushed {
    let mut noise = Noise::new(17);
    let (k, u) = (
        (0..n).map(|_| noise.below(2)).collect(),
        (0..n).map(|_| DVector::from_vec(noise.normals(2))).collect(),
    );
    Pushed { k, u, y: noise.normals(n).iter().map(|z| 3.0 + 1.5 * z).collect() }
}

fn at() -> regimes::Params {
    regimes::Params {
        a: vec![0.9, 0.4],
        q: vec![0.3, 1.1],
        b: DVector::from_vec(vec![0.5, -0.7]),
        g: 0.25,
        r: 0.6,
    }
}

/// The posterior of x, and log p(y), by one dense Normal.
fn dense(d: &Pushed, p: &regimes::Params) -> Known {
    let mut model = Dense::new();
    let x: Vec<usize> = (0..d.y.len()).fold(vec![], |mut x, t| {
        let v = match x.last() {
            None => model.add(0.0, &[], 1.0),
            Some(&before) => model.add(p.b.dot(&d.u[t]), &[(before, p.a[d.k[t]])], p.q[d.k[t]]),
        };
        x.push(v);
        x
    });
    let seen: Vec<(usize, f64)> = x
        .iter()
        .enumerate()
        .map(|(t, v)| (model.add(if t > 0 { p.g * d.y[t - 1] } else { 0.0 }, &[(*v, 1.0)], p.r), d.y[t]))
        .collect();
    model.given(&seen)
}

#[test]
fn regimes_inputs_and_data_of_the_step_before_are_the_dense_normal() {
    let (d, p) = (pushed(12), at());
    let data = regimes::Data { k: (&d.k).into(), u: (&d.u).into(), y: (&d.y).into() };
    let fit = regimes::Model::new(2).infer(&data, &p).unwrap();
    let known = dense(&d, &p);
    close(fit.log_likelihood(), known.log_evidence, 1e-12);
    for t in 0..12 {
        close(fit.posterior.x[t].mean(), known.mean(t), 1e-12);
        close(fit.posterior.x[t].var(), known.var(t), 1e-12);
    }
    let filtered = regimes::Model::new(2).infer(&data, &p).unwrap();
    assert_eq!(filtered.log_likelihood().to_bits(), fit.log_likelihood().to_bits());
}

/// Shumway and Stoffer's step of a regime, from moments of the dense posterior: a and q where b is known to EM's joint regression.
#[test]
fn an_em_step_of_regimes_is_the_regression_on_dense_moments() {
    let (d, p) = (pushed(40), at());
    let data = regimes::Data { k: (&d.k).into(), u: (&d.u).into(), y: (&d.y).into() };
    let model = regimes::Model::new(2);
    let next = model.maximise(&model.accumulate(&data, &p).unwrap(), &p).unwrap();
    let known = dense(&d, &p);
    // y[t] − x[t] on y[t−1], over t ≥ 1; its variance with the first step's.
    let (mut xy, mut yy) = (0.0, 0.0);
    for t in 1..40 {
        xy += (d.y[t] - known.mean(t)) * d.y[t - 1];
        yy += d.y[t - 1] * d.y[t - 1];
    }
    close(next.g, xy / yy, 1e-11);
    let left: f64 = (0..40)
        .map(|t| known.square(if t > 0 { d.y[t] - next.g * d.y[t - 1] } else { d.y[0] }, &[(t, -1.0)]))
        .sum();
    close(next.r, left / 40.0, 1e-11);
    // Given next.b, each regime's slope is a ratio of moments, and given the slopes its variance is a mean square.
    for c in 0..2 {
        let steps: Vec<usize> = (1..40).filter(|t| d.k[*t] == c).collect();
        let push = |t: usize| next.b.dot(&d.u[t]);
        let top: f64 =
            steps.iter().map(|t| known.product((-push(*t), &[(*t, 1.0)]), (0.0, &[(*t - 1, 1.0)]))).sum();
        let bottom: f64 = steps.iter().map(|t| known.square(0.0, &[(*t - 1, 1.0)])).sum();
        close(next.a[c], top / bottom, 1e-10);
        let left: f64 =
            steps.iter().map(|t| known.square(-push(*t), &[(*t, 1.0), (*t - 1, -next.a[c])])).sum();
        close(next.q[c], left / steps.len() as f64, 1e-10);
    }
}

fn silent(sequences: usize, steps: usize, d: usize) -> Vec<DMatrix<Option<f64>>> {
    let mut noise = Noise::new(5);
    let mut one = |_, _| if noise.below(3) == 0 { None } else { Some(noise.normal()) };
    (0..sequences).map(|_| DMatrix::from_fn(steps, d, &mut one)).collect()
}

fn sensors_at(sequences: usize, d: usize) -> sensors::Params {
    sensors::Params {
        a: (0..sequences).map(|s| 0.9 - 0.1 * s as f64).collect(),
        q: 0.4,
        c: (0..d).map(|d| 1.0 + 0.1 * d as f64).collect(),
        r: (0..d).map(|d| 0.5 + 0.05 * d as f64).collect(),
    }
}

#[test]
fn an_em_step_of_silent_sensors_is_the_regression_on_dense_moments() {
    let (y, p) = (silent(2, 15, 3), sensors_at(2, 3));
    let data = sensors::Data { y: (&y).into() };
    let model = sensors::Model::new();
    let stats = model.accumulate(&data, &p).unwrap();
    let next = model.maximise(&stats, &p).unwrap();
    let (mut steps, mut square) = (0.0, 0.0);
    let (mut top, mut bottom) = ([0.0; 3], [0.0; 3]);
    for (s, y) in y.iter().enumerate() {
        let mut dense = Dense::new();
        let mut x: Vec<usize> = vec![];
        for _ in 0..y.nrows() {
            let v = match x.last() {
                None => dense.add(0.0, &[], 1.0),
                Some(&before) => dense.add(0.0, &[(before, p.a[s])], p.q),
            };
            x.push(v);
        }
        let mut seen = vec![];
        let there = |t: usize| (0..3).filter_map(move |d| Some((d, y[(t, d)]?)));
        for t in 0..y.nrows() {
            there(t).for_each(|(d, y)| seen.push((dense.add(0.0, &[(x[t], p.c[d])], p.r[d]), y)));
        }
        let known = dense.given(&seen);
        for t in 0..y.nrows() {
            for (d, y) in there(t) {
                top[d] += y * known.mean(x[t]);
                bottom[d] += known.square(0.0, &[(x[t], 1.0)]);
            }
        }
        let pairs = || x.windows(2);
        let a = pairs().map(|w| known.product((0.0, &[(w[1], 1.0)]), (0.0, &[(w[0], 1.0)]))).sum::<f64>()
            / pairs().map(|w| known.square(0.0, &[(w[0], 1.0)])).sum::<f64>();
        close(next.a[s], a, 1e-10);
        square += pairs().map(|w| known.square(0.0, &[(w[1], 1.0), (w[0], -a)])).sum::<f64>();
        steps += pairs().count() as f64;
    }
    close(next.q, square / steps, 1e-10);
    (0..3).for_each(|d| close(next.c[d], top[d] / bottom[d], 1e-10));
}

#[test]
fn kinds_too_many_to_sum_apart_say_what_they_say_sequence_by_sequence() {
    // Of 20 sensors a third is silent: nearly every step is a kind of its own.
    let (y, p) = (silent(4, 700, 20), sensors_at(4, 20));
    let model = sensors::Model::new();
    let all = model.accumulate(&sensors::Data { y: (&y).into() }, &p).unwrap();
    // The same data, the sequences in four calls: those that are not asked have no steps.
    let mut sum = None;
    for s in 0..4 {
        let one: Vec<_> =
            (0..4).map(|i| if i == s { y[i].clone() } else { y[i].rows(0, 0).into_owned() }).collect();
        let stats = model.accumulate(&sensors::Data { y: (&one).into() }, &p).unwrap();
        match &mut sum {
            None => sum = Some(stats),
            Some(sum) => *sum += &stats,
        }
    }
    let sum = sum.unwrap();
    close(all.evidence.log, sum.evidence.log, 1e-12);
    let (a, b) = (model.maximise(&all, &p).unwrap(), model.maximise(&sum, &p).unwrap());
    (0..4).for_each(|s| close(a.a[s], b.a[s], 1e-10));
    (0..20).for_each(|d| close(a.c[d], b.c[d], 1e-10));
    (0..20).for_each(|d| close(a.r[d], b.r[d], 1e-10));
    close(a.q, b.q, 1e-10);
}

#[test]
fn a_first_observation_with_a_statement_of_its_own_is_read_where_it_stands() {
    let y = [[Some(0.7), None, Some(-0.4), Some(1.3), None], [None, Some(2.1), Some(0.2), None, Some(-1.0)]];
    let (q, r) = (0.4, 0.3);
    let each = y.map(|y| {
        let mut dense = Dense::new();
        let (mut x, mut seen) = (dense.add(0.0, &[], 1.0), vec![]);
        for (t, y) in y.iter().enumerate() {
            x = if t > 0 { dense.add(0.0, &[(x, 1.0)], q) } else { x };
            let load = if t > 0 { 1.0 } else { 2.0 };
            if let Some(y) = y {
                seen.push((dense.add(0.0, &[(x, load)], r), *y));
            }
        }
        dense.given(&seen).log_evidence
    });
    for (y, want) in y.iter().zip(each) {
        let data = beginning::Data { y: y.into() };
        let fit = beginning::Model::new().infer(&data, &beginning::Params { q, r }).unwrap();
        close(fit.log_likelihood(), want, 1e-12);
    }
    let rows = y.to_vec();
    let data = beginnings::Data { y: (&rows).into() };
    let model = beginnings::Model::new();
    let fit = model.infer(&data, &beginnings::Params { q, r }).unwrap();
    close(fit.log_likelihood(), each[0] + each[1], 1e-12);
    let options = Options::new().max_iterations(3);
    let one = model.fit(&data, &options.clone().threads(1)).unwrap();
    let two = model.fit(&data, &options.threads(2)).unwrap();
    assert_eq!(one.trace, two.trace);
}
