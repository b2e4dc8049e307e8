//! Factors where they are few, many, tied, fixed or missing; where columns are constant; in mixtures of every dress.

use vi_core::prelude::*;
use vi_tests::data::{self, Noise};
use vi_tests::dense::{Dense, Form};
use vi_tests::density::{log_sum_exp, mv_normal};
use vi_tests::factors::{factor_analysis, ppca};
use vi_tests::law::{close, digits, exact, monotone};

model! {
    /// Mixture of PPCA: everything differs between the kinds.
    pub mod kinds_of_components(K, H) {
        param    weight: Simplex[K];   param W[k in K]: Matrix[D, H];   param mu[k in K]: Vector[D];
        param    s2[k in K]: Positive(min: 1e-6);
        latent   z[n in N] ~ Categorical(weight);
        latent   f[n in N]: Vector[H] ~ Normal(0, var: 1);
        observed x[n in N] ~ Normal(W[z[n]] * f[n] + mu[z[n]], var: s2[z[n]]);
    }
}
model! {
    /// Mixture of factor analysers with a noise of their own.
    pub mod kinds_of_factors(K, H) {
        param    weight: Simplex[K];   param W[k in K]: Matrix[D, H];   param mu[k in K]: Vector[D];
        param    psi[k in K, d in D]: Positive(min: 1e-6);
        latent   z[n in N] ~ Categorical(weight);
        latent   f[n in N]: Vector[H] ~ Normal(0, var: 1);
        observed x[n in N] ~ Normal(W[z[n]] * f[n] + mu[z[n]], var: psi[z[n]]);
    }
}
model! {
    /// One factor read at a known load by the first column, and by others at free ones.
    pub mod anchored {
        param    l[d in D]: Real;   param m[d in D]: Real;   param v: Positive;   param a: Real;
        param    r: Positive;   param psi[d in D]: Positive(min: 1e-9);
        latent   f[n in N] ~ Normal(0, var: v);
        observed first[n in N]      ~ Normal(f[n] + a, var: r);
        observed x[n in N, d in D]: Real? ~ Normal(l[d] * f[n] + m[d], var: psi[d]);
    }
}
model! {
    /// All columns read the factor alike.
    pub mod tied {
        param    l: Real;   param m[d in D]: Real;   param s2: Positive;
        latent   f[n in N] ~ Normal(0, var: 1);
        observed x[n in N, d in D] ~ Normal(l * f[n] + m[d], var: s2);
    }
}
model! {
    /// Priors on loads and noise, apart.
    pub mod shrunk(H) {
        param    W[d in D]: Vector[H] ~ Normal(0, var: 0.5);
        param    psi[d in D] ~ InverseGamma(shape: 2, scale: 1);
        latent   f[n in N]: Vector[H] ~ Normal(0, var: 1);
        observed x[n in N, d in D] ~ Normal(dot(W[d], f[n]), var: psi[d]);
    }
}
model! {
    pub mod repeated(H) {
        given    times[n in N]: Count;
        param    W: Matrix[D, H];   param mu: Vector[D];   param psi[d in D]: Positive(min: 1e-9);
        for n in N repeat times[n] {
            latent   f[n]: Vector[H] ~ Normal(0, var: 1);
            observed x[n] ~ Normal(W * f[n] + mu, var: psi);
        }
    }
}
model! {
    /// Any entry may be missing, each column has a noise of its own.
    pub mod seen(H) {
        param    W[d in D]: Vector[H];   param mu[d in D]: Real;   param psi[d in D]: Positive(min: 1e-9);
        latent   f[n in N]: Vector[H]     ~ Normal(0, var: 1);
        observed x[n in N, d in D]: Real? ~ Normal(dot(W[d], f[n]) + mu[d], var: psi[d]);
    }
}

fn made(n: usize, d: usize, h: usize, seed: u64) -> DMatrix<f64> {
    let mut g = Noise::new(seed);
    let w = DMatrix::from_fn(d, h, |_, _| g.normal());
    let f = DMatrix::from_fn(n, h, |_, _| g.normal());
    let noise = DMatrix::from_fn(n, d, |_, j| g.normal() * (0.3 + 0.1 * j as f64));
    f * w.transpose() + noise.map_with_location(|_, j, x| x + 1.5 * j as f64)
}

fn total(x: &DMatrix<f64>, mu: &DVector<f64>, cov: &DMatrix<f64>) -> f64 {
    x.row_iter().map(|r| mv_normal(r.transpose().as_slice(), mu, cov)).sum()
}

fn diagonal(v: &[f64]) -> DMatrix<f64> {
    DMatrix::from_diagonal(&DVector::from_column_slice(v))
}

fn thorough() -> Options {
    Options::new().max_iterations(20_000).tolerance(1e-14)
}

#[test]
fn principal_components_of_the_irises_have_their_closed_form() {
    let x = data::read("iris.csv").columns(0, 4).into_owned();
    for (h, s2, log_likelihood) in [(1, 0.114_139_080, "-470.669458"), (2, 0.050_682_147_9, "-404.962780")] {
        let data = ppca::Data { x: (&x).into() };
        let fit = ppca::Model::new(h).fit(&data, &thorough()).unwrap();
        close(fit.params.s2, s2, 1e-6);
        digits(fit.log_likelihood(), log_likelihood);
        let cov = &fit.params.W * fit.params.W.transpose() + DMatrix::identity(4, 4) * fit.params.s2;
        exact(&fit, &data, total(&x, &fit.params.mu, &cov));
    }
}

#[test]
fn no_factors_leave_independent_columns() {
    let x = made(30, 4, 2, 3);
    let data = factor_analysis::Data { x: (&x).into() };
    let fit = factor_analysis::Model::new(0).fit(&data, &Options::new()).unwrap();
    let mean = x.row_mean().transpose();
    let var: Vec<f64> =
        (0..4).map(|d| x.column(d).iter().map(|v| (v - mean[d]).powi(2)).sum::<f64>() / 30.0).collect();
    for d in 0..4 {
        close(fit.params.mu[d], mean[d], 1e-12);
        close(fit.params.psi[d], var[d], 1e-12);
    }
    exact(&fit, &data, total(&x, &mean, &diagonal(&var)));
    assert_eq!(fit.posterior.f[3].mean().len(), 0);
}

#[test]
fn more_factors_than_columns_are_any_covariance() {
    let x = made(40, 3, 2, 4);
    let mean = x.row_mean().transpose();
    let centred = DMatrix::from_fn(40, 3, |i, j| x[(i, j)] - mean[j]);
    let cov = centred.transpose() * &centred / 40.0;
    let best = total(&x, &mean, &cov);
    for h in [3, 5] {
        let data = factor_analysis::Data { x: (&x).into() };
        let fit = factor_analysis::Model::new(h).fit(&data, &thorough()).unwrap();
        monotone(&fit.trace);
        let p = &fit.params;
        let fitted = &p.W * p.W.transpose() + diagonal(&p.psi);
        close(fit.log_likelihood(), total(&x, &p.mu, &fitted), 1e-10);
        assert!(fit.log_likelihood() <= best + 1e-8);
        // Any covariance can be had of three factors of three columns.
        close(fit.log_likelihood(), best, 1e-6);
        assert!(fit.verify(&data, 1).unwrap().is_exact());
    }
}

#[test]
fn a_constant_column_has_its_floor_and_the_others_their_factors() {
    let mut x = made(50, 4, 1, 5);
    (0..50).for_each(|i| x[(i, 2)] = 7.25);
    let data = factor_analysis::Data { x: (&x).into() };
    let fit = factor_analysis::Model::new(1).fit(&data, &thorough()).unwrap();
    monotone(&fit.trace);
    assert_eq!(fit.params.psi[2], 1e-9);
    assert!(fit.at_boundary.iter().any(|b| b == "psi[2]"), "{:?}", fit.at_boundary);
    close(fit.params.mu[2], 7.25, 1e-12);
    let others = x.clone().remove_column(2);
    let alone = factor_analysis::Model::new(1)
        .fit(&factor_analysis::Data { x: (&others).into() }, &thorough())
        .unwrap();
    let floor = 50.0 * -0.5 * (std::f64::consts::TAU * 1e-9).ln();
    close(fit.log_likelihood(), alone.log_likelihood() + floor, 1e-7);
}

#[test]
fn a_column_that_a_factor_explains_wholly_goes_to_its_floor() {
    // Heywood: the first two columns are one another.
    let mut x = made(60, 4, 1, 6);
    (0..60).for_each(|i| x[(i, 1)] = 2.0 * x[(i, 0)] + 1.0);
    let data = factor_analysis::Data { x: (&x).into() };
    let fit = factor_analysis::Model::new(1).fit(&data, &thorough()).unwrap();
    monotone(&fit.trace);
    let p = &fit.params;
    assert!(p.psi[0] < 1e-7 && p.psi[1] < 1e-7, "{:?}", p.psi);
    assert!(!fit.at_boundary.is_empty());
    assert!(fit.log_likelihood().is_finite());
}

#[test]
fn one_row_and_no_rows_are_no_panic() {
    for n in [0, 1, 2] {
        let x = made(n, 3, 1, 7);
        let data = factor_analysis::Data { x: (&x).into() };
        match factor_analysis::Model::new(1).fit(&data, &Options::new().max_iterations(50)) {
            Ok(fit) => assert!(fit.log_likelihood().is_finite() && fit.params.psi.iter().all(|v| *v > 0.0)),
            Err(e) => assert!(!e.to_string().is_empty()),
        }
        let p = factor_analysis::Params {
            W: DMatrix::from_element(3, 1, 0.5),
            mu: DVector::zeros(3),
            psi: vec![1.0, 2.0, 3.0],
        };
        let fit = factor_analysis::Model::new(1).infer(&data, &p).unwrap();
        let cov = DMatrix::from_element(3, 3, 0.25) + diagonal(&p.psi);
        close(fit.log_likelihood(), total(&x, &p.mu, &cov), 1e-12);
    }
}

#[test]
fn the_order_of_rows_and_of_columns_does_not_matter() {
    let x = made(70, 4, 2, 8);
    let rows: Vec<usize> = (0..70).map(|i| (i * 29 + 5) % 70).collect();
    let columns = [2, 0, 3, 1];
    let turned = DMatrix::from_fn(70, 4, |i, j| x[(rows[i], columns[j])]);
    let begin = |order: &[usize; 4]| factor_analysis::Params {
        W: DMatrix::from_fn(4, 1, |i, _| 0.3 + 0.2 * order[i] as f64),
        mu: DVector::from_fn(4, |i, _| 0.1 * order[i] as f64),
        psi: order.iter().map(|i| 1.0 + 0.3 * *i as f64).collect(),
    };
    let fits = [(&x, &[0, 1, 2, 3]), (&turned, &columns)].map(|(x, order)| {
        let data = factor_analysis::Data { x: x.into() };
        let options = Options::new().max_iterations(15);
        factor_analysis::Model::new(1).fit_from(&data, Start::Params(begin(order)), &options).unwrap()
    });
    for (a, b) in fits[0].trace.iter().zip(&fits[1].trace) {
        close(*a, *b, 1e-12);
    }
    for (i, j) in columns.iter().enumerate() {
        close(fits[1].params.psi[i], fits[0].params.psi[*j], 1e-10);
        close(fits[1].params.W[(i, 0)], fits[0].params.W[(*j, 0)], 1e-10);
    }
    close(fits[1].posterior.f[9].mean()[0], fits[0].posterior.f[rows[9]].mean()[0], 1e-10);
}

#[test]
fn a_row_twice_is_a_copy_of_it() {
    let x = made(20, 3, 1, 9);
    let times: Vec<u64> = (0..20).map(|i| i % 3).collect();
    let rows: Vec<_> = (0..20).flat_map(|i| std::iter::repeat_n(x.row(i).into_owned(), i % 3)).collect();
    let long = DMatrix::from_rows(&rows);
    let p = factor_analysis::Params {
        W: DMatrix::from_fn(3, 1, |i, _| 0.5 + i as f64 * 0.3),
        mu: DVector::from_element(3, 0.4),
        psi: vec![1.0, 0.6, 2.0],
    };
    let q = repeated::Params { W: p.W.clone(), mu: p.mu.clone(), psi: p.psi.clone() };
    let options = Options::new().max_iterations(20);
    let data_long = factor_analysis::Data { x: (&long).into() };
    let written_out =
        factor_analysis::Model::new(1).fit_from(&data_long, Start::Params(p), &options).unwrap();
    let data = repeated::Data { times: (&times).into(), x: (&x).into() };
    let counted = repeated::Model::new(1).fit_from(&data, Start::Params(q), &options).unwrap();
    // The rows that are written out follow from their moments, and their steps are expanded: only the first objective is the same.
    close(written_out.trace[0], counted.trace[0], 1e-12);
    monotone(&counted.trace);
    let end = factor_analysis::Model::new(1).fit(&data_long, &thorough()).unwrap();
    let other = repeated::Model::new(1).fit(&data, &thorough()).unwrap();
    close(other.log_likelihood(), end.log_likelihood(), 1e-8);
    (0..3).for_each(|d| close(other.params.psi[d], end.params.psi[d], 1e-3));
}

#[test]
fn kinds_of_principal_components_are_a_mixture_of_normals() {
    let mut g = Noise::new(10);
    let (a, b) = (made(60, 4, 1, 11), made(60, 4, 1, 12));
    let x = DMatrix::from_fn(120, 4, |n, d| {
        if n % 2 == 0 { a[(n / 2, d)] + 5.0 } else { b[(n / 2, d)] + 0.3 * g.normal() }
    });
    let data = kinds_of_components::Data { x: (&x).into() };
    let fit = kinds_of_components::Model::new(2, 1).fit(&data, &Options::new().seed(3)).unwrap();
    let p = &fit.params;
    let laws: Vec<DMatrix<f64>> =
        (0..2).map(|k| &p.W[k] * p.W[k].transpose() + DMatrix::identity(4, 4) * p.s2[k]).collect();
    let mut by_hand = 0.0;
    for n in 0..120 {
        let row = x.row(n).transpose();
        let joint: Vec<f64> =
            (0..2).map(|k| p.weight[k].ln() + mv_normal(row.as_slice(), &p.mu[k], &laws[k])).collect();
        by_hand += log_sum_exp(&joint);
        close(fit.posterior.z.probs(n)[0], (joint[0] - log_sum_exp(&joint)).exp(), 1e-9);
    }
    exact(&fit, &data, by_hand);
}

/// EM of a mixture of factor analysers (Ghahramani & Hinton 1996), its noise not shared. Its steps are not expanded, as those that are tested
/// are: only the beginning and the end are the same.
fn mixture_step(
    x: &DMatrix<f64>,
    weight: &mut [f64],
    w: &mut [DMatrix<f64>],
    mu: &mut [DVector<f64>],
    psi: &mut [Vec<f64>],
) -> f64 {
    let (n, d) = x.shape();
    let (k, h) = (weight.len(), w[0].ncols());
    let mut total = 0.0;
    let mut r = DMatrix::zeros(n, k);
    for i in 0..n {
        let row = x.row(i).transpose();
        let joint: Vec<f64> = (0..k)
            .map(|c| {
                let cov = &w[c] * w[c].transpose() + diagonal(&psi[c]);
                weight[c].ln() + mv_normal(row.as_slice(), &mu[c], &cov)
            })
            .collect();
        let all = log_sum_exp(&joint);
        total += all;
        (0..k).for_each(|c| r[(i, c)] = (joint[c] - all).exp());
    }
    for c in 0..k {
        let cov = (&w[c] * w[c].transpose() + diagonal(&psi[c])).try_inverse().unwrap();
        let beta = w[c].transpose() * cov;
        let left = DMatrix::identity(h, h) - &beta * &w[c];
        let mut gram = DMatrix::zeros(h + 1, h + 1);
        let mut right = DMatrix::zeros(d, h + 1);
        let mut squares = vec![0.0; d];
        for i in 0..n {
            let row = x.row(i).transpose();
            let e = &beta * (&row - &mu[c]);
            let mut v = DVector::from_element(h + 1, 1.0);
            v.rows_mut(0, h).copy_from(&e);
            gram += &v * v.transpose() * r[(i, c)];
            let mut inside = gram.view_mut((0, 0), (h, h));
            inside += &left * r[(i, c)];
            right += &row * v.transpose() * r[(i, c)];
            (0..d).for_each(|j| squares[j] += r[(i, c)] * row[j] * row[j]);
        }
        let own = r.column(c).sum();
        let slopes = &right * gram.try_inverse().unwrap();
        for j in 0..d {
            psi[c][j] = (squares[j] - (slopes.row(j) * right.row(j).transpose())[0]) / own;
        }
        w[c] = slopes.columns(0, h).into_owned();
        mu[c] = slopes.column(h).into_owned();
        weight[c] = own / n as f64;
    }
    total
}

#[test]
fn kinds_of_factors_end_where_the_textbook_s_do() {
    let (a, b) = (made(50, 4, 1, 13), made(50, 4, 1, 14));
    let x = DMatrix::from_fn(100, 4, |n, d| if n % 2 == 0 { a[(n / 2, d)] + 2.0 } else { b[(n / 2, d)] });
    let mut g = Noise::new(15);
    let mut weight = vec![0.4, 0.6];
    let mut w: Vec<DMatrix<f64>> = (0..2).map(|_| DMatrix::from_fn(4, 1, |_, _| g.normal())).collect();
    let mut mu: Vec<DVector<f64>> = (0..2).map(|k| DVector::from_element(4, 2.0 + k as f64)).collect();
    let mut psi = vec![vec![1.0; 4], vec![1.5; 4]];
    let data = kinds_of_factors::Data { x: (&x).into() };
    let model = kinds_of_factors::Model::new(2, 1);
    let begin = kinds_of_factors::Params {
        weight: DVector::from_column_slice(&weight),
        W: w.clone(),
        mu: mu.clone(),
        psi: psi.clone(),
    };
    let mut state = model.start(&data, Start::Params(begin), &Options::new()).unwrap();
    let mut ours = vec![];
    for sweep in 0..40 {
        let by_hand = mixture_step(&x, &mut weight, &mut w, &mut mu, &mut psi);
        ours.push(state.trace[sweep]);
        if sweep == 0 {
            close(state.trace[0], by_hand, 1e-11);
        }
        model.step(&mut state).unwrap();
    }
    monotone(&ours);
    let fit = model.fit_from(&data, Start::Params(state.params.clone()), &thorough()).unwrap();
    for _ in 0..4000 {
        mixture_step(&x, &mut weight, &mut w, &mut mu, &mut psi);
    }
    let by_hand = mixture_step(&x, &mut weight, &mut w, &mut mu, &mut psi);
    close(fit.log_likelihood(), by_hand, 1e-7);
}

#[test]
fn far_from_the_origin_kinds_of_factors_are_the_same() {
    let (a, b) = (made(50, 3, 1, 16), made(50, 3, 1, 17));
    let x = DMatrix::from_fn(100, 3, |n, d| if n % 2 == 0 { a[(n / 2, d)] + 6.0 } else { b[(n / 2, d)] });
    let fits = [0.0, 1e8].map(|offset| {
        let x = x.map(|v| v + offset);
        let begin = kinds_of_factors::Params {
            weight: DVector::from_vec(vec![0.5, 0.5]),
            W: vec![DMatrix::from_element(3, 1, 0.5), DMatrix::from_element(3, 1, -0.3)],
            mu: vec![DVector::from_element(3, offset + 6.0), DVector::from_element(3, offset)],
            psi: vec![vec![1.0; 3]; 2],
        };
        let data = kinds_of_factors::Data { x: (&x).into() };
        let options = Options::new().max_iterations(25);
        kinds_of_factors::Model::new(2, 1).fit_from(&data, Start::Params(begin), &options).unwrap()
    });
    close(fits[0].log_likelihood(), fits[1].log_likelihood(), 1e-7);
    for k in 0..2 {
        for d in 0..3 {
            close(fits[1].params.mu[k][d] - 1e8, fits[0].params.mu[k][d], 1e-6);
            close(fits[1].params.psi[k][d], fits[0].params.psi[k][d], 1e-6);
        }
    }
}

/// Evidence and moments of `anchored`, unit by unit, and what its M-step makes of them. `p`: v, a, r; then l, m and psi of each column.
#[test]
fn a_factor_with_one_load_known_takes_the_steps_of_em() {
    let (n, d) = (25, 2);
    let all = made(n, 3, 1, 18);
    let first: Vec<f64> = all.column(0).iter().copied().collect();
    let x = DMatrix::from_fn(n, d, |i, j| ((i + 3 * j) % 4 != 1).then_some(all[(i, j + 1)]));
    let data = anchored::Data { first: (&first).into(), x: (&x).into() };
    let model = anchored::Model::new();
    let (mut v, mut a, mut r) = (1.3, 0.2, 0.5);
    let (mut l, mut m, mut psi) = (vec![0.4, 1.1], vec![1.0, 2.0], vec![0.6, 0.8]);
    let begin = anchored::Params { l: l.clone(), m: m.clone(), v, a, r, psi: psi.clone() };
    let mut state = model.start(&data, Start::Params(begin), &Options::new()).unwrap();
    for sweep in 0..8 {
        let p = &state.params;
        for (found, expected) in
            [(p.v, v), (p.a, a), (p.r, r), (p.l[1], l[1]), (p.m[0], m[0]), (p.psi[1], psi[1])]
        {
            close(found, expected, 1e-9);
        }
        let mut units = vec![];
        for i in 0..n {
            let mut dense = Dense::new();
            let f = dense.add(0.0, &[], v);
            let mut seen = vec![(dense.add(a, &[(f, 1.0)], r), first[i])];
            for j in 0..d {
                let at = dense.add(m[j], &[(f, l[j])], psi[j]);
                seen.extend(x[(i, j)].map(|x| (at, x)));
            }
            units.push(dense.given(&seen));
        }
        close(state.trace[sweep], units.iter().map(|u| u.log_evidence).sum(), 1e-11);
        let f = [(0, 1.0)];
        v = units.iter().map(|u| u.square(0.0, &f)).sum::<f64>() / n as f64;
        a = (0..n).map(|i| first[i] - units[i].mean(0)).sum::<f64>() / n as f64;
        r = (0..n).map(|i| units[i].square(a - first[i], &f)).sum::<f64>() / n as f64;
        for j in 0..d {
            let own: Vec<usize> = (0..n).filter(|i| x[(*i, j)].is_some()).collect();
            let (mut gram, mut right) = (DMatrix::<f64>::zeros(2, 2), DVector::<f64>::zeros(2));
            for &i in &own {
                let (e, s, y) = (units[i].mean(0), units[i].square(0.0, &f), x[(i, j)].unwrap());
                gram += DMatrix::from_row_slice(2, 2, &[s, e, e, 1.0]);
                right += DVector::from_vec(vec![y * e, y]);
            }
            let slope = gram.try_inverse().unwrap() * right;
            (l[j], m[j]) = (slope[0], slope[1]);
            psi[j] =
                own.iter().map(|i| units[*i].square(m[j] - x[(*i, j)].unwrap(), &[(0, l[j])])).sum::<f64>()
                    / own.len() as f64;
        }
        model.step(&mut state).unwrap();
    }
}

#[test]
fn loads_that_are_the_same_are_compound_symmetry() {
    let mut x = made(40, 4, 1, 19);
    (0..40).for_each(|i| (0..4).for_each(|j| x[(i, j)] += 1.5 * (i as f64 / 10.0).sin()));
    let data = tied::Data { x: (&x).into() };
    let fit = tied::Model::new().fit(&data, &thorough()).unwrap();
    let mean = x.row_mean().transpose();
    // The maximum of compound symmetry: eigenvalues of the averaged covariance, one for the mean of the columns, one for the rest.
    let centred = DMatrix::from_fn(40, 4, |i, j| x[(i, j)] - mean[j]);
    let s = centred.transpose() * &centred / 40.0;
    let along = s.sum() / 4.0;
    let rest = (s.trace() - along) / 3.0;
    close(fit.params.s2, rest, 1e-5);
    close(fit.params.l.powi(2), (along - rest) / 4.0, 1e-4);
    let cov = DMatrix::from_element(4, 4, (along - rest) / 4.0) + DMatrix::identity(4, 4) * rest;
    close(fit.log_likelihood(), total(&x, &mean, &cov), 1e-9);
}

#[test]
fn priors_on_loads_and_noise_climb_to_a_stationary_point() {
    let x = made(30, 3, 1, 20).map_with_location(|_, j, v| v - 1.5 * j as f64);
    let data = shrunk::Data { x: (&x).into() };
    let fit = shrunk::Model::new(1).fit(&data, &thorough()).unwrap();
    monotone(&fit.trace);
    let objective = |w: &DMatrix<f64>, psi: &[f64]| {
        let cov = w * w.transpose() + diagonal(psi);
        let prior: f64 = w.iter().map(|w| vi_tests::density::normal(*w, 0.0, 0.5)).sum::<f64>()
            + psi.iter().map(|p| vi_tests::density::inverse_gamma(*p, 2.0, 1.0)).sum::<f64>();
        total(&x, &DVector::zeros(3), &cov) + prior
    };
    let (w, psi) = (&DMatrix::from_fn(3, 1, |d, _| fit.params.W[d][0]), &fit.params.psi);
    close(fit.log_posterior(), objective(w, psi), 1e-11);
    for d in 0..3 {
        let h = 1e-5;
        let (mut up, mut down) = (w.clone(), w.clone());
        up[(d, 0)] += h;
        down[(d, 0)] -= h;
        let slope = (objective(&up, psi) - objective(&down, psi)) / (2.0 * h);
        assert!(slope.abs() < 1e-3, "W[{d}]: {slope}");
        let (mut up, mut down) = (psi.clone(), psi.clone());
        up[d] += h;
        down[d] -= h;
        let slope = (objective(w, &up) - objective(w, &down)) / (2.0 * h);
        assert!(slope.abs() < 1e-3, "psi[{d}]: {slope}");
    }
}

#[test]
fn cells_that_are_listed_are_cells_that_were_seen() {
    let (n, d) = (60, 5);
    let all = made(n, d, 2, 21);
    let mut g = Noise::new(22);
    let x = DMatrix::from_fn(n, d, |i, j| (g.unit() < 0.4).then_some(all[(i, j)]));
    let mut cells = vec![];
    for i in 0..n {
        for j in 0..d {
            cells.extend(x[(i, j)].map(|v| (i, j, v)));
        }
    }
    let listed = Sparse::from_triplets(n, d, cells).unwrap();
    let begin = seen::Params {
        W: (0..d).map(|j| DVector::from_vec(vec![0.5, 0.2 * j as f64 - 0.3])).collect(),
        mu: vec![0.5; d],
        psi: vec![1.0; d],
    };
    let options = Options::new().max_iterations(20);
    let dense = seen::Model::new(2)
        .fit_from(&seen::Data { x: (&x).into() }, Start::Params(begin.clone()), &options)
        .unwrap();
    let sparse = seen::Model::new(2)
        .fit_from(&seen::Data { x: (&listed).into() }, Start::Params(begin), &options)
        .unwrap();
    for (a, b) in dense.trace.iter().zip(&sparse.trace) {
        close(*a, *b, 1e-12);
    }
    let mut by_hand = 0.0;
    let p = &dense.params;
    for i in 0..n {
        let mut model = Dense::new();
        let f = [model.add(0.0, &[], 1.0), model.add(0.0, &[], 1.0)];
        let mut cells = vec![];
        for j in 0..d {
            let form: Form = f.iter().map(|v| (*v, p.W[j][*v])).collect();
            let at = model.add(p.mu[j], &form, p.psi[j]);
            cells.extend(x[(i, j)].map(|v| (at, v)));
        }
        let known = model.given(&cells);
        by_hand += known.log_evidence;
        close(sparse.posterior.f[i].mean()[1], known.mean(1), 1e-10);
        close(sparse.posterior.f[i].cov()[(0, 1)], known.cov[(0, 1)], 1e-10);
    }
    close(sparse.log_likelihood(), by_hand, 1e-11);
}
