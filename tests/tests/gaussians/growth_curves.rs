//! Intercepts and slopes that vary between units: growth curves, groups within groups, and what is common to all of them, against one dense
//! Normal and against EM written from its moments.

use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::dense::Dense;
use vi_tests::law::{close, exact, monotone};

model! {
    /// A line for each unit; its intercept and its slope go together.
    pub mod lines {
        given    u[j in J]: Vector[H];
        param    m: Vector[H];   param S: SymPos[H];   param s2: Positive;
        latent   c[i in I] ~ Normal(m, cov: S);
        observed y[i in I, j in J] ~ Normal(dot(c[i], u[j]), var: s2);
    }
}
model! {
    /// The same without a covariance between them.
    pub mod apart {
        given    age[j in J]: Real;
        param    ma: Real;   param va: Positive;   param mb: Real;   param vb: Positive;   param s2: Positive;
        latent   a[i in I] ~ Normal(ma, var: va);
        latent   b[i in I] ~ Normal(mb, var: vb);
        observed y[i in I, j in J] ~ Normal(a[i] + b[i] * age[j], var: s2);
    }
}
model! {
    /// Ages of each unit's own, and measurements that are missing.
    pub mod ragged {
        given    age[i in I, j in J[i]]: Real;
        param    m: Vector[2];   param S: SymPos[2];   param s2: Positive;
        latent   c[i in I] ~ Normal(m, cov: S);
        observed y[i in I, j in J[i]]: Real? ~ Normal(dot(c[i], [1, age[i, j]]), var: s2);
    }
}
model! {
    /// What all lines share has a prior.
    pub mod common_line {
        given    age[j in J]: Real;
        param    va: Positive;   param vb: Positive;   param s2: Positive;
        latent   ma ~ Normal(200, sd: 300);
        latent   mb ~ Normal(0, sd: 20);
        latent   a[i in I] ~ Normal(ma, var: va);
        latent   b[i in I] ~ Normal(mb, var: vb);
        observed y[i in I, j in J] ~ Normal(a[i] + b[i] * age[j], var: s2);
    }
}
model! {
    /// Pupils of classes, found through a map.
    pub mod classes {
        given    class[r in R]: Category[C];
        given    x[r in R]: Real;
        param    vc: Positive;   param s2: Positive;
        latent   mu ~ Normal(1, sd: 4);
        latent   slope ~ Normal(0, sd: 2);
        latent   effect[c in C] ~ Normal(mu, var: vc);
        observed y[r in R] ~ Normal(effect[class[r]] + slope * x[r], var: s2);
    }
}

/// Weights of 30 young rats at five ages in days (Gelfand, Hills, Racine-Poon & Smith 1990).
const RATS: [[f64; 5]; 30] = [
    [151., 199., 246., 283., 320.],
    [145., 199., 249., 293., 354.],
    [147., 214., 263., 312., 328.],
    [155., 200., 237., 272., 297.],
    [135., 188., 230., 280., 323.],
    [159., 210., 252., 298., 331.],
    [141., 189., 231., 275., 305.],
    [159., 201., 248., 297., 338.],
    [177., 236., 285., 350., 376.],
    [134., 182., 220., 260., 296.],
    [160., 208., 261., 313., 352.],
    [143., 188., 220., 273., 314.],
    [154., 200., 244., 289., 325.],
    [171., 221., 270., 326., 358.],
    [163., 216., 242., 281., 312.],
    [160., 207., 248., 288., 324.],
    [142., 187., 234., 280., 316.],
    [156., 203., 243., 283., 317.],
    [157., 212., 259., 307., 336.],
    [152., 203., 246., 286., 321.],
    [154., 205., 253., 298., 334.],
    [139., 190., 225., 267., 302.],
    [146., 191., 229., 272., 302.],
    [157., 211., 250., 285., 323.],
    [132., 185., 237., 286., 331.],
    [160., 207., 257., 303., 345.],
    [169., 216., 261., 295., 333.],
    [157., 205., 248., 289., 316.],
    [137., 180., 219., 258., 291.],
    [153., 200., 244., 286., 324.],
];
const AGES: [f64; 5] = [8., 15., 22., 29., 36.];

fn rats() -> DMatrix<f64> {
    DMatrix::from_fn(30, 5, |i, j| RATS[i][j])
}

/// EM of `apart` from dense moments: the log likelihood before the step, and the params after it. `each` holds the unit's (age, weight).
fn step(each: &[Vec<(f64, f64)>], p: &mut [f64; 5]) -> f64 {
    let [ma, va, mb, vb, s2] = *p;
    let mut units = vec![];
    let mut total = 0.0;
    for seen in each {
        let mut model = Dense::new();
        let (a, b) = (model.add(ma, &[], va), model.add(mb, &[], vb));
        let y: Vec<(usize, f64)> =
            seen.iter().map(|(t, y)| (model.add(0.0, &[(a, 1.0), (b, *t)], s2), *y)).collect();
        let known = model.given(&y);
        total += known.log_evidence;
        units.push(known);
    }
    let n = units.len() as f64;
    let average = |f: &dyn Fn(usize) -> f64| (0..units.len()).map(f).sum::<f64>() / n;
    p[0] = average(&|i| units[i].mean(0));
    p[2] = average(&|i| units[i].mean(1));
    p[1] = average(&|i| units[i].square(-p[0], &[(0, 1.0)]));
    p[3] = average(&|i| units[i].square(-p[2], &[(1, 1.0)]));
    let (mut s, mut count) = (0.0, 0.0);
    for (known, seen) in units.iter().zip(each) {
        for (t, y) in seen {
            s += known.square(-y, &[(0, 1.0), (1, *t)]);
            count += 1.0;
        }
    }
    p[4] = s / count;
    total
}

#[test]
fn intercepts_and_slopes_apart_take_the_steps_of_the_textbook() {
    let y = rats();
    let data = apart::Data { age: (&AGES).into(), y: (&y).into() };
    let model = apart::Model::new();
    let mut by_hand = [100.0, 150.0, 5.0, 0.4, 50.0];
    let [ma, va, mb, vb, s2] = by_hand;
    let begin = apart::Params { ma, va, mb, vb, s2 };
    let mut state = model.start(&data, Start::Params(begin), &Options::new()).unwrap();
    let each: Vec<Vec<(f64, f64)>> =
        (0..30).map(|i| (0..5).map(|j| (AGES[j], RATS[i][j])).collect()).collect();
    for sweep in 0..12 {
        let p = &state.params;
        for (found, expected) in [p.ma, p.va, p.mb, p.vb, p.s2].into_iter().zip(by_hand) {
            close(found, expected, 1e-10);
        }
        let log_likelihood = step(&each, &mut by_hand);
        close(state.trace[sweep], log_likelihood, 1e-11);
        model.step(&mut state).unwrap();
    }
}

/// log p, and mean and covariance of each unit's line.
fn dense_lines(
    x: &DMatrix<f64>,
    y: &DMatrix<f64>,
    p: (&DVector<f64>, &DMatrix<f64>, f64),
) -> (f64, Vec<DVector<f64>>, DMatrix<f64>) {
    let (mut total, mut means, mut cov) = (0.0, vec![], DMatrix::zeros(0, 0));
    let h = x.ncols();
    for i in 0..y.nrows() {
        let mut model = Dense::new();
        let c = model.add_vector(p.0.as_slice(), &vec![vec![]; h], p.1);
        let seen: Vec<(usize, f64)> = (0..y.ncols())
            .map(|j| {
                let form: Vec<(usize, f64)> = c.iter().map(|v| (*v, x[(j, *v)])).collect();
                (model.add(0.0, &form, p.2), y[(i, j)])
            })
            .collect();
        let known = model.given(&seen);
        total += known.log_evidence;
        means.push(known.mean.rows(0, h).into_owned());
        cov = known.cov.view((0, 0), (h, h)).into_owned();
    }
    (total, means, cov)
}

#[test]
fn lines_with_a_covariance_reach_a_maximum_that_the_dense_normal_confirms() {
    let y = rats();
    let u = DMatrix::from_fn(5, 2, |j, h| if h == 0 { 1.0 } else { AGES[j] - 22.0 });
    let data = lines::Data { u: (&u).into(), y: (&y).into() };
    let options = Options::new().max_iterations(5000).tolerance(1e-14);
    let fit = lines::Model::new().fit(&data, &options).unwrap();
    let p = fit.params.clone();
    let (log_likelihood, means, cov) = dense_lines(&u, &y, (&p.m, &p.S, p.s2));
    exact(&fit, &data, log_likelihood);
    for (i, mean) in means.iter().enumerate() {
        assert!((fit.posterior.c[i].mean() - mean).norm() < 1e-9 * mean.norm(), "rat {i}");
        assert!((fit.posterior.c[i].cov() - &cov).norm() < 1e-9, "rat {i}");
    }
    // The design is the same for all, so the maximum has a closed form: pooled least squares, and the residuals within and between.
    let gram = u.transpose() * &u;
    let own: Vec<DVector<f64>> =
        (0..30).map(|i| gram.clone().try_inverse().unwrap() * u.transpose() * y.row(i).transpose()).collect();
    let pooled = own.iter().sum::<DVector<f64>>() / 30.0;
    let within: f64 = (0..30).map(|i| (y.row(i).transpose() - &u * &own[i]).norm_squared()).sum();
    let s2 = within / (30.0 * 3.0);
    let between = own.iter().map(|c| (c - &pooled) * (c - &pooled).transpose()).sum::<DMatrix<f64>>() / 30.0;
    let spread = between - gram.try_inverse().unwrap() * s2;
    close(p.s2, s2, 1e-5);
    for (found, expected) in p.m.iter().zip(pooled.iter()) {
        close(*found, *expected, 1e-8);
    }
    for (found, expected) in p.S.iter().zip(spread.iter()) {
        close(*found, *expected, 1e-4);
    }
}

#[test]
fn a_parameterisation_of_the_ages_changes_the_params_and_not_the_likelihood() {
    let y = rats();
    let fits = [0.0, 22.0].map(|at| {
        let u = DMatrix::from_fn(5, 2, |j, h| if h == 0 { 1.0 } else { AGES[j] - at });
        let data = lines::Data { u: (&u).into(), y: (&y).into() };
        let options = Options::new().max_iterations(20_000).tolerance(1e-14);
        lines::Model::new().fit(&data, &options).unwrap()
    });
    close(fits[0].log_likelihood(), fits[1].log_likelihood(), 1e-7);
    close(fits[0].params.m[0] + 22.0 * fits[0].params.m[1], fits[1].params.m[0], 1e-6);
}

#[test]
fn units_with_ages_of_their_own_and_holes_are_dense_normals() {
    let mut g = Noise::new(4);
    let lengths = [3, 1, 0, 5, 2, 4, 6];
    let age: Vec<Vec<f64>> = lengths.iter().map(|n| (0..*n).map(|_| 3.0 * g.unit()).collect()).collect();
    let y: Vec<Vec<Option<f64>>> = age
        .iter()
        .enumerate()
        .map(|(i, a)| {
            a.iter()
                .enumerate()
                .map(|(j, t)| ((i + j) % 4 != 3).then_some(2.0 + 0.4 * i as f64 * t + g.normal()))
                .collect()
        })
        .collect();
    let data = ragged::Data { age: (&age).into(), y: (&y).into() };
    let p = ragged::Params { m: DVector::from_vec(vec![1.5, 0.7]), S: g.sym_pos(2), s2: 0.8 };
    let fit = ragged::Model::new().infer(&data, &p).unwrap();
    let mut total = 0.0;
    for i in 0..lengths.len() {
        let mut model = Dense::new();
        model.add_vector(p.m.as_slice(), &[vec![], vec![]], &p.S);
        let mut seen = vec![];
        for (t, y) in age[i].iter().zip(&y[i]) {
            let at = model.add(0.0, &[(0, 1.0), (1, *t)], p.s2);
            seen.extend(y.map(|y| (at, y)));
        }
        let known = model.given(&seen);
        total += known.log_evidence;
        for h in 0..2 {
            close(fit.posterior.c[i].mean()[h], known.mean(h), 1e-11);
            for g in 0..2 {
                close(fit.posterior.c[i].cov()[(h, g)], known.cov[(h, g)], 1e-11);
            }
        }
    }
    exact(&fit, &data, total);
    let fit = ragged::Model::new().fit(&data, &Options::new().max_iterations(50)).unwrap();
    monotone(&fit.trace);
}

#[test]
fn what_all_lines_share_is_integrated_with_them() {
    let y = rats();
    let data = common_line::Data { age: (&AGES).into(), y: (&y).into() };
    let model = common_line::Model::new();
    let mut p = [120.0, 0.3, 40.0];
    let begin = common_line::Params { va: p[0], vb: p[1], s2: p[2] };
    let mut state = model.start(&data, Start::Params(begin.clone()), &Options::new()).unwrap();
    for sweep in 0..6 {
        let found = &state.params;
        for (found, expected) in [found.va, found.vb, found.s2].into_iter().zip(p) {
            close(found, expected, 1e-9);
        }
        let mut dense = Dense::new();
        let (ma, mb) = (dense.add(200.0, &[], 9e4), dense.add(0.0, &[], 400.0));
        let mut seen = vec![];
        let mut own = vec![];
        for i in 0..30 {
            let (a, b) = (dense.add(0.0, &[(ma, 1.0)], p[0]), dense.add(0.0, &[(mb, 1.0)], p[1]));
            own.push((a, b));
            for j in 0..5 {
                seen.push((dense.add(0.0, &[(a, 1.0), (b, AGES[j])], p[2]), RATS[i][j]));
            }
        }
        let known = dense.given(&seen);
        close(state.trace[sweep], known.log_evidence, 1e-11);
        p[0] = own.iter().map(|(a, _)| known.square(0.0, &[(*a, 1.0), (ma, -1.0)])).sum::<f64>() / 30.0;
        p[1] = own.iter().map(|(_, b)| known.square(0.0, &[(*b, 1.0), (mb, -1.0)])).sum::<f64>() / 30.0;
        p[2] = (0..150)
            .map(|n| {
                let (a, b) = own[n / 5];
                known.square(-RATS[n / 5][n % 5], &[(a, 1.0), (b, AGES[n % 5])])
            })
            .sum::<f64>()
            / 150.0;
        if sweep == 0 {
            let fit = model.infer(&data, &begin).unwrap();
            exact(&fit, &data, known.log_evidence);
            close(fit.posterior.ma.mean(), known.mean(ma), 1e-10);
            close(fit.posterior.mb.var(), known.var(mb), 1e-10);
            close(fit.posterior.b.mean()[7], known.mean(own[7].1), 1e-10);
        }
        model.step(&mut state).unwrap();
    }
}

#[test]
fn classes_and_a_slope_for_all_are_one_normal() {
    let mut g = Noise::new(12);
    let (r, c) = (40, 6);
    let class: Vec<usize> = (0..r).map(|_| g.below(c)).collect();
    let x = g.normals(r);
    let y: Vec<f64> = (0..r).map(|i| 0.5 * class[i] as f64 - 1.2 * x[i] + g.normal()).collect();
    let data = classes::Data { class: (&class).into(), x: (&x).into(), y: (&y).into() };
    let model = classes::Model::new();
    let begin = classes::Params { vc: 0.7, s2: 1.4 };
    let mut state = model.start(&data, Start::Params(begin), &Options::new()).unwrap();
    let (mut vc, mut s2) = (0.7, 1.4);
    let width = class.iter().max().unwrap() + 1;
    for sweep in 0..8 {
        close(state.params.vc, vc, 1e-10);
        close(state.params.s2, s2, 1e-10);
        let mut dense = Dense::new();
        let (mu, slope) = (dense.add(1.0, &[], 16.0), dense.add(0.0, &[], 4.0));
        let effect: Vec<usize> = (0..width).map(|_| dense.add(0.0, &[(mu, 1.0)], vc)).collect();
        let seen: Vec<(usize, f64)> =
            (0..r).map(|i| (dense.add(0.0, &[(effect[class[i]], 1.0), (slope, x[i])], s2), y[i])).collect();
        let known = dense.given(&seen);
        close(state.trace[sweep], known.log_evidence, 1e-11);
        vc = effect.iter().map(|e| known.square(0.0, &[(*e, 1.0), (mu, -1.0)])).sum::<f64>() / width as f64;
        s2 = (0..r).map(|i| known.square(-y[i], &[(effect[class[i]], 1.0), (slope, x[i])])).sum::<f64>()
            / r as f64;
        if sweep == 7 {
            let fit = model.infer(&data, &state.params).unwrap();
            exact(&fit, &data, known.log_evidence);
            close(fit.posterior.slope.mean(), known.mean(slope), 1e-10);
            close(fit.posterior.slope.var(), known.var(slope), 1e-10);
            break;
        }
        model.step(&mut state).unwrap();
    }
}
