//! Latents of single steps that are integrated out in every state of a chain: Student's t, negative binomials, beta-binomials and noise of its
//! own as emissions, against sums over all paths of the laws that are known without them.

use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::density::{self, ln_gamma, log_sum_exp};
use vi_tests::law::{close, exact, honest, monotone};

model! {
    pub mod heavy(K) {
        param    start: Simplex[K];   param trans[i in K]: Simplex[K];
        param    mean[k in K]: Real;  param tau[k in K]: Positive;   param nu: Positive;
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        latent   u[t in T]    ~ Gamma(shape: nu / 2, rate: nu / 2);
        observed x[t in T]    ~ Normal(mean[z[t]], prec: u[t] * tau[z[t]]);
    }
}
model! {
    /// Many sequences of vectors.
    pub mod vectors(K, nu: Positive = 5.0) {
        param    start: Simplex[K];   param trans[i in K]: Simplex[K];
        param    mean[k in K]: Vector[D];   param cov[k in K]: SymPos[D];
        for s in S {
            latent   z[s, 0]            ~ Categorical(start);
            latent   z[s, t in 1..T[s]] ~ Categorical(trans[z[s, t-1]]);
            latent   u[s, t in T[s]]    ~ Gamma(shape: nu / 2, rate: nu / 2);
            observed x[s, t in T[s]]    ~ Normal(mean[z[s, t]], cov: cov[z[s, t]] / u[s, t]);
        }
    }
}
model! {
    /// The rates vary beyond what the states say; some counts are missing.
    pub mod counts(K) {
        param    start: Simplex[K];   param trans[i in K]: Simplex[K];
        param    a[k in K]: Positive; param b[k in K]: Positive;
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        latent   rate[t in T] ~ Gamma(shape: a[z[t]], rate: b[z[t]]);
        observed y[t in T]: Count? ~ Poisson(rate[t]);
    }
}
model! {
    pub mod proportions(K, n: Count = 12) {
        param    start: Simplex[K];   param trans[i in K]: Simplex[K];   param a[k in K]: Positive;
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        latent   p[t in T]    ~ Beta(a[z[t]], 2);
        observed y[t in T]    ~ Binomial(n, p[t]);
    }
}
model! {
    /// Every step has a level of its own, seen by several instruments.
    pub mod levels(K) {
        param    start: Simplex[K];   param trans[i in K]: Simplex[K];
        param    mean[k in K]: Real;  param v[k in K]: Positive;   param s2: Positive;
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        latent   e[t in T]    ~ Normal(mean[z[t]], var: v[z[t]]);
        observed x[t in T, d in D]: Real? ~ Normal(e[t], var: s2);
    }
}
model! {
    /// A factor analyser in every state.
    pub mod factors(K, H) {
        param    start: Simplex[K];   param trans[i in K]: Simplex[K];
        param    W[k in K]: Matrix[D, H];   param mu[k in K]: Vector[D];   param psi[d in D]: Positive;
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        latent   f[t in T]: Vector[H] ~ Normal(0, var: 1);
        observed x[t in T]    ~ Normal(W[z[t]] * f[t] + mu[z[t]], var: psi);
    }
}
model! {
    /// A rate and a level in one step.
    pub mod both(K) {
        param    start: Simplex[K];   param trans[i in K]: Simplex[K];
        param    a[k in K]: Positive; param m[k in K]: Real;
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        latent   rate[t in T] ~ Gamma(shape: a[z[t]], rate: 1);
        latent   e[t in T]    ~ Normal(m[z[t]], var: 2);
        observed y[t in T]    ~ Poisson(rate[t]);
        observed x[t in T]    ~ Normal(e[t], var: 0.5);
    }
}
model! {
    pub mod tree(K) {
        given    parent[i in 1..N]: Category[i];
        param    start: Simplex[K];   param trans[i in K]: Simplex[K];   param a[k in K]: Positive;
        latent   z[0]         ~ Categorical(start);
        latent   z[i in 1..N] ~ Categorical(trans[z[parent[i]]]);
        latent   rate[i in N] ~ Gamma(shape: a[z[i]], rate: 1);
        observed y[i in N]    ~ Poisson(rate[i]);
    }
}
model! {
    /// All is uncertain: the chain and its weights are one block, the parameters others.
    pub mod bayes(K) {
        latent   start: Simplex[K] ~ Dirichlet(1);
        latent   trans[i in K]: Simplex[K] ~ Dirichlet(1);
        latent   tau[k in K] ~ Gamma(shape: 2, rate: 2);
        latent   mean[k in K] ~ Normal(0, prec: 0.01 * tau[k]);
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        latent   u[t in T]    ~ Gamma(shape: 2, rate: 2);
        observed x[t in T]    ~ Normal(mean[z[t]], prec: u[t] * tau[z[t]]);
    }
}
model! {
    /// The same, the weights apart from the chain.
    pub mod apart(K) {
        latent   start: Simplex[K] ~ Dirichlet(1);
        latent   trans[i in K]: Simplex[K] ~ Dirichlet(1);
        latent   tau[k in K] ~ Gamma(shape: 2, rate: 2);
        latent   mean[k in K] ~ Normal(0, prec: 0.01 * tau[k]);
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        latent   u[t in T]    ~ Gamma(shape: 2, rate: 2);
        observed x[t in T]    ~ Normal(mean[z[t]], prec: u[t] * tau[z[t]]);
        factorize { q(u); q(z); }
    }
}

/// log p of the data of a chain or tree, and the probabilities of every state of every unit: by all paths. `parent(t)` is before t.
fn by_paths(
    start: &DVector<f64>,
    trans: &[DVector<f64>],
    parent: impl Fn(usize) -> usize,
    emission: &[Vec<f64>],
) -> (f64, Vec<Vec<f64>>) {
    let (k, n) = (start.len(), emission.len());
    let mut logs = vec![];
    let mut of: Vec<Vec<Vec<f64>>> = vec![vec![vec![]; k]; n];
    for path in 0..k.pow(n as u32) {
        let state = |t: usize| path / k.pow(t as u32) % k;
        let log = (0..n)
            .map(|t| {
                let step = if t == 0 { start[state(0)] } else { trans[state(parent(t))][state(t)] };
                step.ln() + emission[t][state(t)]
            })
            .sum();
        logs.push(log);
        (0..n).for_each(|t| of[t][state(t)].push(log));
    }
    let total = log_sum_exp(&logs);
    let probs = of.iter().map(|t| t.iter().map(|l| (log_sum_exp(l) - total).exp()).collect()).collect();
    (total, probs)
}

fn before(t: usize) -> usize {
    t - 1
}

fn simplex(x: &[f64]) -> DVector<f64> {
    DVector::from_column_slice(x)
}

fn steps() -> (DVector<f64>, Vec<DVector<f64>>) {
    (simplex(&[0.3, 0.7]), vec![simplex(&[0.8, 0.2]), simplex(&[0.35, 0.65])])
}

#[test]
fn weights_of_a_precision_make_a_chain_of_student_t() {
    let x = [0.2, 5.5, 4.0, -1.0, 30.0, 4.4, 0.0];
    let (start, trans) = steps();
    let p = heavy::Params { start, trans, mean: vec![0.0, 4.5], tau: vec![1.3, 0.6], nu: 3.0 };
    let data = heavy::Data { x: (&x).into() };
    let fit = heavy::Model::new(2).infer(&data, &p).expect("it infers");
    let emission: Vec<Vec<f64>> = x
        .iter()
        .map(|x| (0..2).map(|k| density::student_t(*x, p.nu, p.mean[k], p.tau[k].sqrt().recip())).collect())
        .collect();
    let (total, probs) = by_paths(&p.start, &p.trans, before, &emission);
    exact(&fit, &data, total);
    for t in 0..x.len() {
        let mut mean = 0.0;
        for k in 0..2 {
            close(fit.posterior.z.probs(t)[k], probs[t][k], 1e-12);
            let rate = 0.5 * (p.nu + p.tau[k] * (x[t] - p.mean[k]).powi(2));
            mean += probs[t][k] * 0.5 * (p.nu + 1.0) / rate;
        }
        close(fit.posterior.u[t].mean(), mean, 1e-12);
    }
}

#[test]
fn one_iteration_is_the_textbooks_and_the_dof_are_those_of_the_likelihood() {
    let mut g = Noise::new(3);
    let mut state = 0;
    let x: Vec<f64> = (0..300)
        .map(|_| {
            state = if g.unit() < 0.1 { 1 - state } else { state };
            6.0 * state as f64 + g.normal() / g.gamma(2, 2.0).sqrt()
        })
        .collect();
    let (start, trans) = steps();
    let p = heavy::Params { start, trans, mean: vec![1.0, 5.0], tau: vec![1.0, 0.5], nu: 4.0 };
    let model = heavy::Model::new(2);
    let data = heavy::Data { x: (&x).into() };
    let before_step = model.infer(&data, &p).expect("it infers");
    let begin = Start::Params(p.clone());
    let fit = model.fit_from(&data, begin.clone(), &Options::new().max_iterations(1)).expect("it fits");
    for k in 0..2 {
        let (mut n, mut w, mut s) = (0.0, 0.0, 0.0);
        let q = |t: usize| before_step.posterior.z.probs(t)[k];
        let u = |t: usize| (p.nu + 1.0) / (p.nu + p.tau[k] * (x[t] - p.mean[k]).powi(2));
        for t in 0..x.len() {
            n += q(t);
            w += q(t) * u(t);
            s += q(t) * u(t) * x[t];
        }
        close(fit.params.mean[k], s / w, 1e-10);
        let square: f64 = (0..x.len()).map(|t| q(t) * u(t) * (x[t] - s / w).powi(2)).sum();
        close(fit.params.tau[k], n / square, 1e-10);
    }
    // At the end, no dof is better.
    let options = Options::new().tolerance(1e-13).max_iterations(4000);
    let fit = model.fit_from(&data, begin, &options).expect("it fits");
    monotone(&fit.trace);
    let at = |nu: f64| {
        let p = heavy::Params { nu, ..fit.params.clone() };
        model.infer(&data, &p).expect("it infers").log_likelihood()
    };
    let best = fit.log_likelihood();
    close(at(fit.params.nu), best, 1e-12);
    let h = 1e-3 * fit.params.nu;
    let slope = (at(fit.params.nu + h) - at(fit.params.nu - h)) / (2.0 * h);
    assert!(slope.abs() < 1e-3, "{slope}");
}

#[test]
fn sequences_of_vectors_of_many_lengths_side_by_side() {
    let mut g = Noise::new(8);
    let lengths = [1, 4, 3, 5, 2, 4, 1, 3, 6, 2, 5];
    let x: Vec<DMatrix<f64>> =
        lengths.iter().map(|n| DMatrix::from_fn(*n, 2, |_, _| 3.0 * g.normal())).collect();
    let (start, trans) = steps();
    let cov = vec![g.sym_pos(2), g.sym_pos(2)];
    let mean = vec![simplex(&[-1.0, 0.5]), simplex(&[2.0, 0.0])];
    let p = vectors::Params { start, trans, mean, cov };
    let data = vectors::Data { x: (&x).into() };
    let model = vectors::Model::new(2);
    let fit = model.infer(&data, &p).expect("it infers");
    let mut total = 0.0;
    for (s, x) in x.iter().enumerate() {
        let emission: Vec<Vec<f64>> = x
            .row_iter()
            .map(|row| {
                let row: Vec<f64> = row.iter().copied().collect();
                (0..2).map(|k| density::mv_student_t(&row, 5.0, &p.mean[k], &p.cov[k])).collect()
            })
            .collect();
        let (log, probs) = by_paths(&p.start, &p.trans, before, &emission);
        total += log;
        for (t, probs) in probs.iter().enumerate() {
            close(fit.posterior.z[s].probs(t)[1], probs[1], 1e-11);
        }
    }
    exact(&fit, &data, total);
    // One iteration climbs, and many threads say the same.
    let fits: Vec<_> = [1, 2, 5]
        .iter()
        .map(|threads| {
            let options = Options::new().threads(*threads).max_iterations(6);
            model.fit_from(&data, Start::Params(p.clone()), &options).expect("it fits")
        })
        .collect();
    monotone(&fits[0].trace);
    assert!(fits.iter().all(|f| f.trace == fits[0].trace && f.params == fits[0].params));
    let drawn = fits[0].posterior.sample(&mut vi_core::rng::stream(1, "draws", &[])).expect("it draws");
    assert!(drawn.u.iter().zip(&lengths).all(|(u, n)| u.len() == *n && u.iter().all(|u| *u > 0.0)));
}

#[test]
fn rates_that_vary_make_a_chain_of_negative_binomials() {
    let y = [Some(3), Some(0), None, Some(14), Some(9), None, Some(2)];
    let (start, trans) = steps();
    let p = counts::Params { start, trans, a: vec![1.5, 6.0], b: vec![0.8, 0.6] };
    let data = counts::Data { y: (&y).into() };
    let model = counts::Model::new(2);
    let fit = model.infer(&data, &p).expect("it infers");
    let law = |y: u64, k: usize| density::negative_binomial(y, p.a[k] / p.b[k], p.a[k]);
    let emission: Vec<Vec<f64>> =
        y.iter().map(|y| (0..2).map(|k| y.map_or(0.0, |y| law(y, k))).collect()).collect();
    let (total, probs) = by_paths(&p.start, &p.trans, before, &emission);
    exact(&fit, &data, total);
    for (t, y) in y.iter().enumerate() {
        let (mut mean, mut square) = (0.0, 0.0);
        for k in 0..2 {
            let (a, b) = match y {
                Some(y) => (p.a[k] + *y as f64, p.b[k] + 1.0),
                None => (p.a[k], p.b[k]),
            };
            mean += probs[t][k] * a / b;
            square += probs[t][k] * (a / (b * b) + (a / b) * (a / b));
        }
        close(fit.posterior.rate[t].mean(), mean, 1e-12);
        close(fit.posterior.rate[t].var(), square - mean * mean, 1e-10);
    }
    let fit = model.fit(&data, &Options::new().seed(2).max_iterations(60)).expect("it fits");
    monotone(&fit.trace);
}

#[test]
fn a_filter_and_a_forecast_have_the_laws_inside_the_states() {
    let y: Vec<Option<u64>> = [3, 0, 14, 9, 2, 1].map(Some).to_vec();
    let (start, trans) = steps();
    let p = counts::Params { start, trans, a: vec![1.5, 6.0], b: vec![0.8, 0.6] };
    let data = counts::Data { y: (&y).into() };
    let fit = counts::Model::new(2).infer(&data, &p).expect("it infers");
    let filtered = fit.filter(&data).expect("it filters");
    for t in 0..y.len() {
        let until = counts::Data { y: y[..=t].into() };
        let smoothed = counts::Model::new(2).infer(&until, &p).expect("it infers");
        close(filtered.z.probs(t)[1], smoothed.posterior.z.probs(t)[1], 1e-12);
        close(filtered.rate[t].mean(), smoothed.posterior.rate[t].mean(), 1e-12);
        close(filtered.rate[t].var(), smoothed.posterior.rate[t].var(), 1e-12);
    }
    // What is to come is what would be said of missing data.
    let ahead = fit.forecast(&data, 3).expect("it looks ahead");
    let longer: Vec<Option<u64>> = y.iter().copied().chain([None; 3]).collect();
    let whole = counts::Model::new(2).infer(&counts::Data { y: (&longer).into() }, &p).expect("it infers");
    for h in 0..3 {
        close(ahead.posterior.z.probs(h)[0], whole.posterior.z.probs(6 + h)[0], 1e-12);
        close(ahead.posterior.rate[h].mean(), whole.posterior.rate[6 + h].mean(), 1e-12);
        close(ahead.posterior.rate[h].var(), whole.posterior.rate[6 + h].var(), 1e-12);
    }
    let mut online = fit.online();
    let mut total = online.push(&counts::Data { y: y[..1].into() }).expect("a step").log_density;
    for window in y.windows(2) {
        total += online.push(&counts::Data { y: window.into() }).expect("a step").log_density;
    }
    close(total, fit.log_likelihood(), 1e-12);
}

#[test]
fn proportions_that_vary_make_a_chain_of_beta_binomials() {
    let y = [2, 11, 12, 5, 0, 9];
    let (start, trans) = steps();
    let p = proportions::Params { start, trans, a: vec![0.7, 5.0] };
    let data = proportions::Data { y: (&y).into() };
    let fit = proportions::Model::new(2).infer(&data, &p).expect("it infers");
    let beta = |a: f64, b: f64| ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
    let emission: Vec<Vec<f64>> = y
        .iter()
        .map(|y| {
            let y = *y as f64;
            let choose = ln_gamma(13.0) - ln_gamma(y + 1.0) - ln_gamma(13.0 - y);
            p.a.iter().map(|a| choose + beta(a + y, 14.0 - y) - beta(*a, 2.0)).collect()
        })
        .collect();
    let (total, probs) = by_paths(&p.start, &p.trans, before, &emission);
    exact(&fit, &data, total);
    let mean = (0..2).map(|k| probs[1][k] * (p.a[k] + 11.0) / (p.a[k] + 14.0)).sum();
    close(fit.posterior.p[1].mean(), mean, 1e-12);
}

#[test]
fn levels_of_single_steps_make_their_instruments_dependent() {
    let mut g = Noise::new(5);
    let x = DMatrix::from_fn(6, 3, |t, d| if (t + d) % 5 == 0 { f64::NAN } else { 2.0 * g.normal() });
    let (start, trans) = steps();
    let p = levels::Params { start, trans, mean: vec![-1.0, 2.0], v: vec![0.5, 3.0], s2: 0.7 };
    let data = levels::Data { x: (&x).into() };
    let model = levels::Model::new(2);
    let fit = model.infer(&data, &p).expect("it infers");
    let there = |t: usize| -> Vec<f64> { x.row(t).iter().copied().filter(|x| !x.is_nan()).collect() };
    let emission: Vec<Vec<f64>> = (0..6)
        .map(|t| {
            let row = there(t);
            (0..2)
                .map(|k| {
                    let cov = DMatrix::from_fn(row.len(), row.len(), |i, j| {
                        p.v[k] + if i == j { p.s2 } else { 0.0 }
                    });
                    density::mv_normal(&row, &DVector::from_element(row.len(), p.mean[k]), &cov)
                })
                .collect()
        })
        .collect();
    let (total, probs) = by_paths(&p.start, &p.trans, before, &emission);
    exact(&fit, &data, total);
    let law = |t: usize, k: usize| {
        let row = there(t);
        let prec = 1.0 / p.v[k] + row.len() as f64 / p.s2;
        ((p.mean[k] / p.v[k] + row.iter().sum::<f64>() / p.s2) / prec, 1.0 / prec)
    };
    for t in 0..6 {
        let mean: f64 = (0..2).map(|k| probs[t][k] * law(t, k).0).sum();
        close(fit.posterior.e[t].mean(), mean, 1e-12);
        let var: f64 = (0..2).map(|k| probs[t][k] * (law(t, k).1 + (law(t, k).0 - mean).powi(2))).sum();
        close(fit.posterior.e[t].var(), var, 1e-11);
    }
    // The M-step of the scale takes the uncertainty of the levels in.
    let next =
        model.fit_from(&data, Start::Params(p.clone()), &Options::new().max_iterations(1)).expect("it fits");
    let (mut square, mut count) = (0.0, 0.0);
    for t in 0..6 {
        for x in there(t) {
            square += (0..2).map(|k| probs[t][k] * (law(t, k).1 + (x - law(t, k).0).powi(2))).sum::<f64>();
            count += 1.0;
        }
    }
    close(next.params.s2, square / count, 1e-11);
    let n: f64 = (0..6).map(|t| probs[t][1]).sum();
    let m: f64 = (0..6).map(|t| probs[t][1] * law(t, 1).0).sum::<f64>() / n;
    close(next.params.mean[1], m, 1e-11);
    let v: f64 = (0..6).map(|t| probs[t][1] * (law(t, 1).1 + (law(t, 1).0 - m).powi(2))).sum::<f64>() / n;
    close(next.params.v[1], v, 1e-11);
    // A filter has them too.
    let filtered = fit.filter(&data).expect("it filters");
    close(filtered.e[5].mean(), fit.posterior.e[5].mean(), 1e-12);
}

#[test]
fn a_factor_analyser_in_every_state() {
    let mut g = Noise::new(15);
    let x = DMatrix::from_fn(6, 3, |_, _| 2.0 * g.normal());
    let (start, trans) = steps();
    let loading = |g: &mut Noise| DMatrix::from_fn(3, 2, |_, _| g.normal());
    let w = vec![loading(&mut g), loading(&mut g)];
    let mu = vec![DVector::from_fn(3, |_, _| g.normal()), DVector::from_fn(3, |_, _| g.normal())];
    let p = factors::Params { start, trans, W: w, mu, psi: vec![0.5, 0.8, 1.1] };
    let data = factors::Data { x: (&x).into() };
    let model = factors::Model::new(2, 2);
    let fit = model.infer(&data, &p).expect("it infers");
    let emission: Vec<Vec<f64>> = x
        .row_iter()
        .map(|row| {
            let row: Vec<f64> = row.iter().copied().collect();
            (0..2)
                .map(|k| {
                    let cov = &p.W[k] * p.W[k].transpose() + DMatrix::from_diagonal(&simplex(&p.psi));
                    density::mv_normal(&row, &p.mu[k], &cov)
                })
                .collect()
        })
        .collect();
    let (total, _) = by_paths(&p.start, &p.trans, before, &emission);
    exact(&fit, &data, total);
    let x =
        DMatrix::from_fn(120, 3, |t, d| (if t / 20 % 2 == 0 { 3.0 } else { -2.0 * d as f64 }) + g.normal());
    let data = factors::Data { x: (&x).into() };
    let fit = factors::Model::new(2, 1).fit(&data, &Options::new().seed(4).max_iterations(80)).expect("fits");
    monotone(&fit.trace);
    assert!(fit.verify(&data, 1).expect("it verifies").is_exact());
}

#[test]
fn a_family_and_a_gaussian_in_one_step() {
    let (y, x) = ([3, 0, 8, 1, 5], [0.3, 2.0, -1.0, 4.0, 1.0]);
    let (start, trans) = steps();
    let p = both::Params { start, trans, a: vec![1.5, 5.0], m: vec![0.0, 2.5] };
    let data = both::Data { y: (&y).into(), x: (&x).into() };
    let model = both::Model::new(2);
    let fit = model.infer(&data, &p).expect("it infers");
    let emission: Vec<Vec<f64>> = y
        .iter()
        .zip(&x)
        .map(|(y, x)| {
            (0..2)
                .map(|k| density::negative_binomial(*y, p.a[k], p.a[k]) + density::normal(*x, p.m[k], 2.5))
                .collect()
        })
        .collect();
    exact(&fit, &data, by_paths(&p.start, &p.trans, before, &emission).0);
}

#[test]
fn rates_on_a_tree() {
    let (y, parent) = ([2, 0, 7, 4, 9, 1], [0, 0, 0, 1, 1, 2]);
    let (start, trans) = steps();
    let p = tree::Params { start, trans, a: vec![1.0, 6.0] };
    let data = tree::Data { parent: (&parent).into(), y: (&y).into() };
    let fit = tree::Model::new(2).infer(&data, &p).expect("it infers");
    let emission: Vec<Vec<f64>> =
        y.iter().map(|y| (0..2).map(|k| density::negative_binomial(*y, p.a[k], p.a[k])).collect()).collect();
    let (total, probs) = by_paths(&p.start, &p.trans, |i| parent[i], &emission);
    exact(&fit, &data, total);
    let mean = (0..2).map(|k| probs[4][k] * (p.a[k] + 9.0) / 2.0).sum();
    close(fit.posterior.rate[4].mean(), mean, 1e-12);
}

#[test]
fn under_uncertain_parameters_the_block_is_the_chain_with_its_weights() {
    let mut g = Noise::new(21);
    let x: Vec<f64> = (0..80)
        .map(|t| if t / 16 % 2 == 0 { 0.0 } else { 5.0 } + g.normal() * if t % 11 == 0 { 5.0 } else { 1.0 })
        .collect();
    let data = bayes::Data { x: (&x).into() };
    let options = Options::new().seed(3).restarts(3).tolerance(1e-11).max_iterations(3000);
    let joint = bayes::Model::new(2).fit(&data, &options).expect("it fits");
    honest(&joint, &data);
    let data = apart::Data { x: (&x).into() };
    let apart = apart::Model::new(2).fit(&data, &options).expect("it fits");
    // A coarser product is never worse, and here it is better.
    assert!(joint.elbo() > apart.elbo() + 1e-3, "{} and {}", joint.elbo(), apart.elbo());
}

#[test]
fn weights_of_no_data_are_those_of_the_prior_and_a_long_chain_does_not_overflow() {
    let (start, trans) = steps();
    let p = counts::Params { start, trans, a: vec![1.5, 6.0], b: vec![0.8, 0.6] };
    let y: Vec<Option<u64>> = vec![None; 4];
    let fit = counts::Model::new(2).infer(&counts::Data { y: (&y).into() }, &p).expect("it infers");
    close(fit.log_likelihood(), 0.0, 1e-14);
    close(fit.posterior.rate[0].mean(), 0.3 * 1.5 / 0.8 + 0.7 * 10.0, 1e-12);
    let y: Vec<Option<u64>> = (0..50_000).map(|t| Some(t % 7)).collect();
    let fit = counts::Model::new(2).infer(&counts::Data { y: (&y).into() }, &p).expect("it infers");
    assert!(fit.log_likelihood().is_finite() && fit.posterior.rate.iter().all(|r| r.mean() > 0.0));
}
