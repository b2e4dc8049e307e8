//! Futures of sequences that givens tell apart, and of steps with several observations, against sums by hand and against longer data whose end
//! is missing.

use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::law::close;

model! {
    /// Chains of two kinds of sequence, each with an exposure.
    pub mod grouped(K, G, V) {
        given    of[s in S]: Category[G];
        given    w[s in S]: Positive;
        param    start[g in G]: Simplex[K];
        param    trans[g in G, i in K]: Simplex[K];
        param    emit[g in G, k in K]: Simplex[V];
        param    rate[k in K]: Positive;
        for s in S {
            latent   z[s, 0]            ~ Categorical(start[of[s]]);
            latent   z[s, t in 1..T[s]] ~ Categorical(trans[of[s], z[s, t-1]]);
            observed y[s, t in T[s]]: Category[V]? ~ Categorical(emit[of[s], z[s, t]]);
            observed n[s, t in T[s]]: Count?       ~ Poisson(w[s] * rate[z[s, t]]);
        }
    }
}
model! {
    /// Sequences that count several times, and several answers in each step.
    pub mod weighted(K) {
        given    w[s in S]: Count;
        param    start: Simplex[K];
        param    trans[i in K]: Simplex[K];
        param    p[k in K, d in D]: Unit;
        for s in S repeat w[s] {
            latent   z[s, 0]            ~ Categorical(start);
            latent   z[s, t in 1..T[s]] ~ Categorical(trans[z[s, t-1]]);
            observed y[s, t in T[s], d in D]: Bool? ~ Bernoulli(p[z[s, t], d]);
        }
    }
}
model! {
    /// Several answers in each step.
    pub mod answers(K) {
        param    start: Simplex[K];
        param    trans[i in K]: Simplex[K];
        param    p[k in K, d in D]: Unit;
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed y[t in T, d in D]: Bool? ~ Bernoulli(p[z[t], d]);
    }
}
model! {
    /// Answers of several sequences, which can be drawn.
    pub mod drawn(K) {
        param    start: Simplex[K];
        param    trans[i in K]: Simplex[K];
        param    p[k in K, d in D]: Unit;
        latent   z[s in S, 0]            ~ Categorical(start);
        latent   z[s in S, t in 1..T[s]] ~ Categorical(trans[z[s, t-1]]);
        observed y[s in S, t in T[s], d in D]: Bool? ~ Bernoulli(p[z[s, t], d]);
    }
}
model! {
    /// Levels of two kinds of sequence, each with drifts and errors of its own.
    pub mod levels {
        given    of[s in S]: Category[G];
        given    w[s in S]: Positive;
        param    m[g in G]: Real;   param q[g in G]: Positive;   param r: Positive;
        latent   x[s in S, 0]            ~ Normal(m[of[s]], var: 2);
        latent   x[s in S, t in 1..T[s]] ~ Normal(0.8 * x[s, t-1] + m[of[s]], var: q[of[s]]);
        observed y[s in S, t in T[s]]: Real? ~ Normal(x[s, t], var: r * w[s]);
    }
}
model! {
    /// What is given in each step moves a level.
    pub mod moved {
        given    u[t in T]: Real;
        param    q: Positive;   param r: Positive;
        latent   x[0]         ~ Normal(u[0], var: 2);
        latent   x[t in 1..T] ~ Normal(0.8 * x[t-1] + u[t], var: q);
        observed y[t in T]: Real? ~ Normal(x[t], var: r);
    }
}

const LENGTHS: [usize; 5] = [3, 0, 1, 4, 0];
const OF: [usize; 5] = [0, 1, 1, 0, 0];

/// What comes after these probabilities, or at the start.
fn pushed(last: Option<&[f64]>, start: &[f64], trans: &[DVector<f64>]) -> Vec<f64> {
    match last {
        Some(last) => {
            (0..start.len()).map(|k| last.iter().zip(trans).map(|(q, row)| q * row[k]).sum()).collect()
        }
        None => start.to_vec(),
    }
}

fn padded<T: Clone>(rows: &[Vec<T>], none: &T, steps: usize) -> Vec<Vec<T>> {
    rows.iter().map(|row| row.iter().cloned().chain(vec![none.clone(); steps]).collect()).collect()
}

#[test]
fn sequences_in_groups_go_on_by_the_laws_of_their_own_group() {
    let mut g = Noise::new(3);
    let (k, v) = (3, 4);
    let mut y: Vec<Vec<Option<usize>>> = vec![];
    let mut n: Vec<Vec<Option<u64>>> = vec![];
    for len in LENGTHS {
        y.push((0..len).map(|_| (g.unit() < 0.8).then(|| g.below(v))).collect());
        n.push((0..len).map(|_| (g.unit() < 0.8).then(|| g.poisson(4.0))).collect());
    }
    let w = [0.5, 3.0, 1.0, 2.0, 0.7];
    let p = grouped::Params {
        start: g.rows(2, k),
        trans: (0..2).map(|_| g.rows(k, k)).collect(),
        emit: (0..2).map(|_| g.rows(k, v)).collect(),
        rate: vec![1.0, 4.0, 9.0],
    };
    let data = grouped::Data { of: (&OF).into(), w: (&w).into(), y: (&y).into(), n: (&n).into() };
    let model = grouped::Model::new(k, 2, v);
    let fit = model.infer(&data, &p).unwrap();
    let filtered = fit.filter(&data).unwrap();
    for steps in [0, 1, 2, 5] {
        let ahead = fit.forecast(&data, steps).unwrap();
        let (long_y, long_n) = (padded(&y, &None, steps), padded(&n, &None, steps));
        let long = grouped::Data { y: (&long_y).into(), n: (&long_n).into(), ..data };
        let long = model.infer(&long, &p).unwrap();
        for (s, len) in LENGTHS.into_iter().enumerate() {
            let of = OF[s];
            let mut now: Option<Vec<f64>> = (len > 0).then(|| filtered.z[s].probs(len - 1).to_vec());
            assert_eq!(ahead.posterior.z[s].len(), steps);
            for h in 0..steps {
                let next = pushed(now.as_deref(), p.start[of].as_slice(), &p.trans[of]);
                let (found, missing) = (ahead.posterior.z[s].probs(h), long.posterior.z[s].probs(len + h));
                for i in 0..k {
                    close(found[i], next[i], 1e-12);
                    close(found[i], missing[i], 1e-12);
                }
                let seen = ahead.absent.y.get([s, h]).unwrap();
                for c in 0..v {
                    close(seen[c], (0..k).map(|i| next[i] * p.emit[of][i][c]).sum(), 1e-12);
                }
                let rates: Vec<f64> = p.rate.iter().map(|rate| w[s] * rate).collect();
                let mean: f64 = next.iter().zip(&rates).map(|(q, rate)| q * rate).sum();
                let square: f64 = next.iter().zip(&rates).map(|(q, rate)| q * (rate + rate * rate)).sum();
                let counts = ahead.absent.n.get([s, h]).unwrap();
                close(counts.mean(), mean, 1e-12);
                close(counts.var(), square - mean * mean, 1e-11);
                now = Some(next);
            }
        }
    }
}

fn bits(g: &mut Noise, steps: usize, width: usize) -> DMatrix<Option<bool>> {
    DMatrix::from_fn(steps, width, |_, _| (g.unit() < 0.8).then(|| g.unit() < 0.4))
}

#[test]
fn a_sequence_goes_on_alike_however_often_it_counts() {
    let mut g = Noise::new(8);
    let (k, d, steps) = (2, 3, 3);
    let y: Vec<_> = LENGTHS.iter().map(|len| bits(&mut g, *len, d)).collect();
    let long: Vec<_> = y.iter().map(|y| y.clone().insert_rows(y.nrows(), steps, None)).collect();
    let p = weighted::Params {
        start: g.weights(k),
        trans: g.rows(k, k),
        p: vec![vec![0.1, 0.5, 0.8], vec![0.7, 0.2, 0.4]],
    };
    let w = [2, 3, 0, 1, 1];
    let model = weighted::Model::new(k);
    let data = weighted::Data { w: (&w).into(), y: (&y).into() };
    let fit = model.infer(&data, &p).unwrap();
    let filtered = fit.filter(&data).unwrap();
    let ahead = fit.forecast(&data, steps).unwrap();
    let once = [1; 5];
    let long = model.infer(&weighted::Data { w: (&once).into(), y: (&long).into() }, &p).unwrap();
    for (s, len) in LENGTHS.into_iter().enumerate() {
        let mut now: Option<Vec<f64>> = (len > 0).then(|| filtered.z[s].probs(len - 1).to_vec());
        for h in 0..steps {
            let next = pushed(now.as_deref(), p.start.as_slice(), &p.trans);
            for i in 0..k {
                close(ahead.posterior.z[s].probs(h)[i], next[i], 1e-12);
                close(ahead.posterior.z[s].probs(h)[i], long.posterior.z[s].probs(len + h)[i], 1e-12);
            }
            for j in 0..d {
                let yes: f64 = (0..k).map(|i| next[i] * p.p[i][j]).sum();
                close(ahead.absent.y.get([s, h, j]).unwrap()[1], yes, 1e-12);
            }
            now = Some(next);
        }
    }
}

#[test]
fn several_answers_in_each_step_are_followed_and_go_on() {
    let mut g = Noise::new(5);
    let (k, d, len, steps) = (3, 2, 6, 4);
    let y = bits(&mut g, len, d);
    let p = answers::Params {
        start: g.weights(k),
        trans: g.rows(k, k),
        p: vec![vec![0.1, 0.5], vec![0.7, 0.2], vec![0.4, 0.9]],
    };
    let model = answers::Model::new(k);
    let data = answers::Data { y: (&y).into() };
    let fit = model.infer(&data, &p).unwrap();
    let filtered = fit.filter(&data).unwrap();
    let mut online = fit.online();
    let mut total = 0.0;
    for t in 0..len {
        let window = y.rows(t.saturating_sub(1), (t + 1).min(2)).into_owned();
        let now = online.push(&answers::Data { y: (&window).into() }).unwrap();
        total += now.log_density;
        (0..k).for_each(|i| close(now.probs[i], filtered.z.probs(t)[i], 1e-12));
    }
    close(total, fit.log_likelihood(), 1e-12);
    let long = y.clone().insert_rows(len, steps, None);
    let long = model.infer(&answers::Data { y: (&long).into() }, &p).unwrap();
    let ahead = fit.forecast(&data, steps).unwrap();
    let mut now = filtered.z.probs(len - 1).to_vec();
    for h in 0..steps {
        now = pushed(Some(&now), p.start.as_slice(), &p.trans);
        for (i, q) in now.iter().enumerate() {
            close(ahead.posterior.z.probs(h)[i], *q, 1e-12);
            close(ahead.posterior.z.probs(h)[i], long.posterior.z.probs(len + h)[i], 1e-12);
        }
        for j in 0..d {
            let yes: f64 = (0..k).map(|i| now[i] * p.p[i][j]).sum();
            close(ahead.absent.y.get([h, j]).unwrap()[1], yes, 1e-12);
        }
    }
}

#[test]
fn answers_of_many_sequences_are_drawn_with_the_frequencies_of_their_states() {
    let p = drawn::Params {
        start: vec![0.3, 0.7].into(),
        trans: vec![vec![0.9, 0.1].into(), vec![0.2, 0.8].into()],
        p: vec![vec![0.1, 0.5, 1.0], vec![0.8, 0.5, 1.0]],
    };
    let shapes: Vec<(usize, usize)> = (0..4000).map(|s| (s % 4, 3)).collect();
    let model = drawn::Model::new(2);
    let draw = model.simulate(&p, &drawn::Data { y: Absent(&shapes).into() }, 11).unwrap();
    assert!(draw.y.iter().zip(&shapes).all(|(y, shape)| y.shape() == *shape));
    let mut now = p.start.as_slice().to_vec();
    for t in 0..3 {
        let there: Vec<_> = draw.y.iter().filter(|y| y.nrows() > t).collect();
        for j in 0..3 {
            let share = there.iter().filter(|y| y[(t, j)]).count() as f64 / there.len() as f64;
            let yes = now[0] * p.p[0][j] + now[1] * p.p[1][j];
            assert!((share - yes).abs() < 4.0 * (yes * (1.0 - yes) / there.len() as f64).sqrt() + 1e-12);
        }
        now = pushed(Some(&now), &[0.0; 2], &p.trans);
    }
    let again = model.simulate(&p, &drawn::Data { y: Absent(&shapes).into() }, 11).unwrap();
    assert_eq!(again.y, draw.y);
    assert!(model.infer(&draw.data(), &p).unwrap().log_likelihood().is_finite());
}

#[test]
fn levels_in_groups_go_on_by_the_drift_and_the_variance_of_their_own_group() {
    let mut g = Noise::new(2);
    let (of, w) = ([1, 0, 1, 0, 1], [0.5, 1.0, 2.0, 3.0, 0.1]);
    let y: Vec<Vec<f64>> = LENGTHS.iter().map(|len| (0..*len).map(|_| g.normal()).collect()).collect();
    let p = levels::Params { m: vec![0.5, -1.0], q: vec![0.3, 2.0], r: 0.4 };
    let model = levels::Model::new();
    let data = levels::Data { of: (&of).into(), w: (&w).into(), y: (&y).into() };
    let fit = model.infer(&data, &p).unwrap();
    for steps in [1, 2, 4] {
        let ahead = fit.forecast(&data, steps).unwrap();
        let long = padded(&y, &f64::NAN, steps);
        let long = model.infer(&levels::Data { y: (&long).into(), ..data }, &p).unwrap();
        for (s, y) in y.iter().enumerate() {
            let (m, q, r) = (p.m[of[s]], p.q[of[s]], p.r * w[s]);
            let predict = |t: usize, (mean, var): (f64, f64)| match t {
                0 => (m, 2.0),
                _ => (0.8 * mean + m, 0.64 * var + q),
            };
            let mut now = (0.0, 0.0);
            for (t, y) in y.iter().enumerate() {
                let (mean, var) = predict(t, now);
                let gain = var / (var + r);
                now = (mean + gain * (y - mean), (1.0 - gain) * var);
            }
            for h in 0..steps {
                let t = y.len() + h;
                now = predict(t, now);
                let found = &ahead.posterior.x[s][h];
                close(found.mean(), now.0, 1e-11);
                close(found.var(), now.1, 1e-11);
                close(long.posterior.x[s][t].mean(), now.0, 1e-11);
                close(long.posterior.x[s][t].var(), now.1, 1e-11);
                let datum = ahead.absent.y.get([s, h]).unwrap();
                close(datum.mean(), now.0, 1e-11);
                close(datum.var(), now.1 + r, 1e-11);
            }
        }
    }
}

#[test]
fn where_givens_have_the_index_of_the_chain_a_filter_of_data_with_a_missing_end_is_the_forecast() {
    let mut g = Noise::new(4);
    let (len, steps) = (5, 3);
    let u = g.normals(len + steps);
    let mut y = g.normals(len);
    y.extend([f64::NAN; 3]);
    let p = moved::Params { q: 0.3, r: 0.5 };
    let data = moved::Data { u: (&u[..len]).into(), y: (&y[..len]).into() };
    let long = moved::Data { u: (&u).into(), y: (&y).into() };
    let filtered = moved::Model::new().infer(&data, &p).unwrap().filter(&long).unwrap();
    let mut now = (0.0, 0.0);
    for t in 0..len + steps {
        let (mean, var) = if t == 0 { (u[0], 2.0) } else { (0.8 * now.0 + u[t], 0.64 * now.1 + p.q) };
        let gain = if t < len { var / (var + p.r) } else { 0.0 };
        now = if t < len { (mean + gain * (y[t] - mean), (1.0 - gain) * var) } else { (mean, var) };
        close(filtered.x[t].mean(), now.0, 1e-11);
        close(filtered.x[t].var(), now.1, 1e-11);
    }
}
