//! Vectors with gaps under a dense covariance, in ragged sequences, counted several times, in new data and in more of them.

use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::density::{log_sum_exp, mv_normal};
use vi_tests::law::{close, monotone};

model! {
    pub mod one_normal {
        param    mu: Vector[D];   param S: SymPos[D];
        observed x[n in N]: Vector[D]? ~ Normal(mu, cov: S);
    }
}
model! {
    pub mod counted {
        given    c[n in N]: Count;
        param    mu: Vector[D];   param S: SymPos[D];
        for n in N repeat c[n] {
            observed x[n]: Vector[D]? ~ Normal(mu, cov: S);
        }
    }
}
model! {
    pub mod sequences(K) {
        param    start: Simplex[K];   param trans[k in K]: Simplex[K];
        param    mean[k in K]: Vector[D];   param S: SymPos[D];
        for s in J {
            latent   z[s, 0]            ~ Categorical(start);
            latent   z[s, t in 1..T[s]] ~ Categorical(trans[z[s, t-1]]);
            observed x[s, t in T[s]]: Vector[D]? ~ Normal(mean[z[s, t]], cov: S);
        }
    }
}
model! {
    /// A precision in place of a covariance, and a location for each group.
    pub mod groups {
        given    group[n in N]: Category[G];
        param    mu[g in G]: Vector[D];   param P: SymPos[D];
        observed x[n in N]: Vector[D]? ~ Normal(mu[group[n]], prec: P);
    }
}

model! {
    /// Locations with a posterior, which take turns with the categories and with what is missing.
    pub mod uncertain_means(K) {
        param    weight: Simplex[K];   param S: SymPos[D];
        latent   mean[k in K]: Vector[D] ~ Normal(0, var: 9);
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N]: Vector[D]? ~ Normal(mean[z[n]], cov: S);
    }
}
model! {
    pub mod uncertain_and_whole(K) {
        param    weight: Simplex[K];   param S: SymPos[D];
        latent   mean[k in K]: Vector[D] ~ Normal(0, var: 9);
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(mean[z[n]], cov: S);
    }
}

type Rows = DMatrix<Option<f64>>;

fn spread(dim: usize, seed: usize) -> DMatrix<f64> {
    let a = DMatrix::from_fn(dim, dim, |i, j| ((i * 7 + j * 3 + i * j + seed * 5) % 9) as f64 * 0.2 - 0.6);
    &a * a.transpose() + DMatrix::identity(dim, dim) * 0.4
}

fn made(n: usize, dim: usize, seed: u64) -> Rows {
    let mut g = Noise::new(seed);
    let root = spread(dim, 1).cholesky().unwrap().l();
    let x = DMatrix::from_fn(n, dim, |_, _| g.normal()) * root.transpose();
    x.map_with_location(|i, d, v| {
        (i != 4 && (i * 7 + d * 3 + (i / 3) * d) % 4 != 1).then_some(v + 2.0 * d as f64)
    })
}

fn log_row(x: &Rows, n: usize, mean: &DVector<f64>, cov: &DMatrix<f64>) -> f64 {
    let o: Vec<usize> = (0..x.ncols()).filter(|d| x[(n, *d)].is_some()).collect();
    if o.is_empty() {
        return 0.0;
    }
    let seen: Vec<f64> = o.iter().map(|d| x[(n, *d)].unwrap()).collect();
    let block = DMatrix::from_fn(o.len(), o.len(), |i, j| cov[(o[i], o[j])]);
    mv_normal(&seen, &DVector::from_fn(o.len(), |i, _| mean[o[i]]), &block)
}

#[test]
fn a_row_that_counts_twice_is_two_rows() {
    let x = made(20, 3, 1);
    let c: Vec<u64> = (0..20).map(|n| (n % 3) as u64).collect();
    let which: Vec<usize> = (0..20).flat_map(|n| std::iter::repeat_n(n, n % 3)).collect();
    let long = Rows::from_fn(which.len(), 3, |i, d| x[(which[i], d)]);
    let start = (DVector::from_element(3, 0.5), DMatrix::identity(3, 3));
    let (a, b) = (counted::Model::new(), one_normal::Model::new());
    let first = counted::Params { mu: start.0.clone(), S: start.1.clone() };
    let second = one_normal::Params { mu: start.0, S: start.1 };
    let (one, other) =
        (counted::Data { c: (&c).into(), x: (&x).into() }, one_normal::Data { x: (&long).into() });
    let mut one = a.start(&one, Start::Params(first), &Options::new()).unwrap();
    let mut other = b.start(&other, Start::Params(second), &Options::new()).unwrap();
    for _ in 0..10 {
        close(*one.trace.last().unwrap(), *other.trace.last().unwrap(), 1e-12);
        a.step(&mut one).unwrap();
        b.step(&mut other).unwrap();
        assert!((&one.params.S - &other.params.S).norm() < 1e-11);
    }
}

#[test]
fn gaps_in_ragged_sequences_are_integrated_in_every_state() {
    let parts = [made(5, 2, 3), made(1, 2, 4), made(6, 2, 5)];
    let data = sequences::Data { x: (&parts).into() };
    let p = sequences::Params {
        start: DVector::from_column_slice(&[0.3, 0.7]),
        trans: vec![DVector::from_column_slice(&[0.8, 0.2]), DVector::from_column_slice(&[0.4, 0.6])],
        mean: vec![DVector::from_element(2, 0.0), DVector::from_element(2, 2.0)],
        S: spread(2, 3),
    };
    let log = |p: &sequences::Params| -> f64 {
        let of = |x: &Rows| {
            let paths = (0..1usize << x.nrows()).map(|path| {
                let state = |i: usize| path >> i & 1;
                p.start[state(0)].ln()
                    + (1..x.nrows()).map(|i| p.trans[state(i - 1)][state(i)].ln()).sum::<f64>()
                    + (0..x.nrows()).map(|i| log_row(x, i, &p.mean[state(i)], &p.S)).sum::<f64>()
            });
            log_sum_exp(&paths.collect::<Vec<_>>())
        };
        parts.iter().map(of).sum()
    };
    let model = sequences::Model::new(2);
    let mut state = model.start(&data, Start::Params(p), &Options::new()).unwrap();
    for _ in 0..12 {
        close(*state.trace.last().unwrap(), log(&state.params), 1e-10);
        model.step(&mut state).unwrap();
    }
    monotone(&state.trace);
}

#[test]
fn a_precision_and_locations_by_group_see_the_same_gaps() {
    let x = made(40, 3, 6);
    let group: Vec<usize> = (0..40).map(|n| n % 3).collect();
    let data = groups::Data { group: (&group).into(), x: (&x).into() };
    let model = groups::Model::new();
    let fit = model.fit(&data, &Options::new().max_iterations(30)).unwrap();
    monotone(&fit.trace);
    let cov = fit.params.P.clone().try_inverse().unwrap();
    close(fit.log_likelihood(), (0..40).map(|n| log_row(&x, n, &fit.params.mu[group[n]], &cov)).sum(), 1e-10);
}

#[test]
fn new_rows_are_scored_by_what_is_there_and_completed() {
    let (x, new) = (made(60, 3, 7), made(8, 3, 8));
    let model = one_normal::Model::new();
    let fit = model.fit(&one_normal::Data { x: (&x).into() }, &Options::new()).unwrap();
    let data = one_normal::Data { x: (&new).into() };
    let scored = fit.predict(&data).unwrap();
    for n in 0..8 {
        close(scored.log_density[n], log_row(&new, n, &fit.params.mu, &fit.params.S), 1e-11);
    }
    assert_eq!(scored.absent.x.len(), new.iter().filter(|x| x.is_none()).count());
    let prior = scored.absent.x.get([4, 2]).unwrap();
    close(prior.mean(), fit.params.mu[2], 1e-13);
}

#[test]
fn statistics_of_two_data_sets_add_up_to_those_of_both() {
    let (x, y) = (made(30, 3, 9), made(25, 3, 10));
    let both = Rows::from_fn(55, 3, |n, d| if n < 30 { x[(n, d)] } else { y[(n - 30, d)] });
    let model = one_normal::Model::new();
    let p = one_normal::Params { mu: DVector::from_element(3, 1.0), S: spread(3, 2) };
    let stats = |x: &Rows| model.accumulate(&one_normal::Data { x: x.into() }, &p).unwrap();
    let mut sum = stats(&x);
    sum += &stats(&y);
    let (a, b) = (model.maximise(&sum, &p).unwrap(), model.maximise(&stats(&both), &p).unwrap());
    assert!((a.mu - b.mu).norm() < 1e-12);
    assert!((a.S - b.S).norm() < 1e-12);
}

/// Two heaps of rows.
fn heaps(n: usize) -> Rows {
    made(n, 3, 12).map_with_location(|i, _, v| v.map(|v| if i % 2 == 0 { v + 4.0 } else { v }))
}

#[test]
fn beside_uncertain_locations_the_bound_is_that_of_what_is_missing_in_turn_with_them() {
    let x = heaps(60);
    let data = uncertain_means::Data { x: (&x).into() };
    let options = Options::new().tolerance(1e-14).max_iterations(5000).seed(1);
    let fit = uncertain_means::Model::new(2).fit(&data, &options).unwrap();
    monotone(&fit.trace);
    let (p, q) = (&fit.params, &fit.posterior);
    let inverse = p.S.clone().try_inverse().unwrap();
    // exp E log Normal(x | mean, S) is Normal(x | E mean, S) exp(−½ tr S⁻¹ Cov mean): what is missing is integrated out of that.
    let unit = |n: usize| {
        let each = (0..2).map(|k| {
            let m = &q.mean[k];
            p.weight[k].ln() - 0.5 * (&inverse * m.cov()).trace() + log_row(&x, n, &m.mean(), &p.S)
        });
        log_sum_exp(&each.collect::<Vec<_>>())
    };
    let divergence = |k: usize| {
        let (m, v) = (q.mean[k].mean(), q.mean[k].cov());
        0.5 * (v.trace() / 9.0 + m.norm_squared() / 9.0 - 3.0 + 3.0 * 9f64.ln() - v.determinant().ln())
    };
    let by_hand = (0..60).map(unit).sum::<f64>() - (0..2).map(divergence).sum::<f64>();
    close(fit.elbo(), by_hand, 1e-9);
    // q(mean) is the conjugate update by the completed rows.
    for k in 0..2 {
        let mut count = 0.0;
        let mut total = DVector::zeros(3);
        for n in 0..60 {
            let r = q.z.probs(n)[k];
            let o: Vec<usize> = (0..3).filter(|d| x[(n, *d)].is_some()).collect();
            let m = q.mean[k].mean();
            let gain = DMatrix::from_fn(3, o.len(), |i, j| p.S[(i, o[j])])
                * DMatrix::from_fn(o.len(), o.len(), |i, j| p.S[(o[i], o[j])]).try_inverse().unwrap();
            let gap = DVector::from_fn(o.len(), |i, _| x[(n, o[i])].unwrap() - m[o[i]]);
            total += (&m + gain * gap) * r;
            count += r;
        }
        let cov = (&inverse * count + DMatrix::identity(3, 3) / 9.0).try_inverse().unwrap();
        assert!((q.mean[k].cov() - &cov).norm() < 1e-6);
        assert!((q.mean[k].mean() - &cov * &inverse * total).norm() < 1e-5);
    }
}

#[test]
fn without_gaps_uncertain_locations_take_the_steps_of_whole_rows() {
    let whole =
        DMatrix::from_fn(50, 3, |n, d| ((n * (d + 2)) % 7) as f64 + if n % 2 == 0 { 5.0 } else { 0.0 });
    let partial = whole.map(Some);
    let options = Options::new().seed(2).max_iterations(12);
    let a = uncertain_means::Model::new(2)
        .fit(&uncertain_means::Data { x: (&partial).into() }, &options)
        .unwrap();
    let b = uncertain_and_whole::Model::new(2)
        .fit(&uncertain_and_whole::Data { x: (&whole).into() }, &options)
        .unwrap();
    assert_eq!(a.trace.len(), b.trace.len());
    for (x, y) in a.trace.iter().zip(&b.trace) {
        close(*x, *y, 1e-11);
    }
}
