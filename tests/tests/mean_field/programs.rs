//! The Bayesian programs of the language reference: `log_joint` against stored points, sweeps against textbook loops, evidence against
//! enumeration and dense Normals.

use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::density::mv_normal;
use vi_tests::law::{close, exact, monotone};
use vi_tests::stored::{Point as Stored, points};
use vi_tests::textbook::{mixture as textbook, topics};

const TABLE: &str = include_str!("../../fixtures/log_joints.txt");

model! {
    pub mod bayesian_mixture(K, m0: Vector[D], w0: SymPos[D], nu0: Positive, b0: Positive = 0.01, a0: Positive = 1.0) {
        latent   weight: Simplex[K] ~ Dirichlet(a0);
        latent   prec[k in K]       ~ Wishart(dof: nu0, scale: w0);
        latent   mean[k in K]       ~ Normal(m0, prec: b0 * prec[k]);
        latent   z[n in N]          ~ Categorical(weight);
        observed x[n in N]          ~ Normal(mean[z[n]], prec: prec[z[n]]);
    }
}
model! {
    pub mod lda(K, V, alpha: Positive = 0.1, eta: Positive = 0.01) {
        latent topic[k in K]: Simplex[V] ~ Dirichlet(eta);
        given  count[d in Docs, i in I[d]]: Count;
        for d in Docs {
            latent share[d]: Simplex[K] ~ Dirichlet(alpha);
            for i in I[d] repeat count[d, i] {
                latent   z[d, i]    ~ Categorical(share[d]);
                observed word[d, i] ~ Categorical(topic[z[d, i]]);
            }
        }
    }
}
model! {
    /// The same in the order in which the textbook goes.
    pub mod ordered_lda(K, V, alpha: Positive = 0.1, eta: Positive = 0.01) {
        latent topic[k in K]: Simplex[V] ~ Dirichlet(eta);
        given  count[d in Docs, i in I[d]]: Count;
        for d in Docs {
            latent share[d]: Simplex[K] ~ Dirichlet(alpha);
            for i in I[d] repeat count[d, i] {
                latent   z[d, i]    ~ Categorical(share[d]);
                observed word[d, i] ~ Categorical(topic[z[d, i]]);
            }
        }
        factorize { q(share); q(topic); q(z); }
    }
}
model! {
    pub mod ard_regression {
        given    x[n in N]: Vector[D];
        latent   tau           ~ Gamma(shape: 1e-3, rate: 1e-3);
        latent   alpha[d in D] ~ Gamma(shape: 1e-3, rate: 1e-3);
        latent   w[d in D]     ~ Normal(0, prec: tau * alpha[d]);
        observed y[n in N]     ~ Normal(dot(w, x[n]), prec: tau);
    }
}
model! {
    pub mod eight_schools {
        given    s[j in J]: Positive;
        latent   mu ~ Normal(0, sd: 20);
        param    tau2: Positive(min: 1e-8);
        latent   theta[j in J] ~ Normal(mu, var: tau2);
        observed y[j in J]     ~ Normal(theta[j], sd: s[j]);
    }
}
model! {
    pub mod dp_mixture(K, m0: Vector[D], w0: SymPos[D], nu0: Positive) {
        latent   conc            ~ Gamma(shape: 1, rate: 1);
        latent   v[k in 0..K-1]  ~ Beta(1, conc);
        let      w[k in 0..K-1]  = v[k] * prod(1 - v[j] for j in 0..k);
        let      w[K-1]          = prod(1 - v[j] for j in 0..K-1);
        latent   prec[k in K]    ~ Wishart(dof: nu0, scale: w0);
        latent   mean[k in K]    ~ Normal(m0, prec: 0.05 * prec[k]);
        latent   z[n in N]       ~ Categorical(w);
        observed x[n in N]       ~ Normal(mean[z[n]], prec: prec[z[n]]);
    }
}
model! {
    pub mod ordered_dp(K, m0: Vector[D], w0: SymPos[D], nu0: Positive) {
        latent   conc            ~ Gamma(shape: 1, rate: 1);
        latent   v[k in 0..K-1]  ~ Beta(1, conc);
        let      w[k in 0..K-1]  = v[k] * prod(1 - v[j] for j in 0..k);
        let      w[K-1]          = prod(1 - v[j] for j in 0..K-1);
        latent   prec[k in K]    ~ Wishart(dof: nu0, scale: w0);
        latent   mean[k in K]    ~ Normal(m0, prec: 0.05 * prec[k]);
        latent   z[n in N]       ~ Categorical(w);
        observed x[n in N]       ~ Normal(mean[z[n]], prec: prec[z[n]]);
        factorize { q(v); q(mean, prec); q(conc); q(z); }
    }
}

fn vector(p: &Stored<'_>, name: &str, at: &[i64]) -> DVector<f64> {
    DVector::from_column_slice(p.row(name, at))
}

fn matrix(p: &Stored<'_>, name: &str, at: &[i64], rows: usize) -> DMatrix<f64> {
    let all: Vec<f64> = (0..rows as i64).flat_map(|i| p.row(name, &[at, &[i]].concat()).to_vec()).collect();
    DMatrix::from_row_slice(rows, all.len() / rows, &all)
}

fn each<T>(n: usize, f: impl Fn(&[i64]) -> T) -> Vec<T> {
    (0..n as i64).map(|i| f(&[i])).collect()
}

fn whole(p: &Stored<'_>, name: &str, at: &[i64]) -> Vec<usize> {
    p.row(name, at).iter().map(|v| *v as usize).collect()
}

#[track_caller]
fn compare(program: &str, f: impl Fn(&Stored<'_>) -> f64) {
    let stored = points(TABLE);
    let own: Vec<_> = stored.iter().filter(|p| p.program == program).collect();
    assert!(own.len() >= 5, "{program} has {} points", own.len());
    for p in own {
        let (found, expected) = (f(p), p.log_joint);
        assert!(
            (found - expected).abs() <= 1e-11 * expected.abs().max(1.0),
            "{program}: found {found:.15e}, by hand {expected:.15e}"
        );
    }
}

#[test]
fn joint_density_of_a_bayesian_mixture() {
    compare("02_bayesian_mixture", |p| {
        let (k, d) = (p.size("K"), p.size("D"));
        let x = matrix(p, "x", &[], p.size("N"));
        let model = bayesian_mixture::Model::new(
            k,
            vector(p, "m0", &[]),
            matrix(p, "w0", &[], d),
            p.row("nu0", &[])[0],
        )
        .b0(p.row("b0", &[])[0])
        .a0(p.row("a0", &[])[0]);
        let latents = bayesian_mixture::Latents {
            weight: vector(p, "weight", &[]),
            prec: each(k, |at| matrix(p, "prec", at, d)),
            mean: each(k, |at| vector(p, "mean", at)),
            z: p.whole("z"),
        };
        let data = bayesian_mixture::Data { x: (&x).into() };
        model.log_joint(&data, &latents, &bayesian_mixture::Params::default()).unwrap()
    });
}

#[test]
fn joint_density_of_topics() {
    compare("06_lda", |p| {
        let docs = p.size("Docs");
        let count: Vec<Vec<u64>> = each(docs, |d| p.row("count", d).iter().map(|v| *v as u64).collect());
        let word: Vec<Vec<usize>> = each(docs, |d| whole(p, "word", d));
        let model =
            lda::Model::new(p.size("K"), p.size("V")).alpha(p.row("alpha", &[])[0]).eta(p.row("eta", &[])[0]);
        let latents = lda::Latents {
            topic: each(p.size("K"), |k| vector(p, "topic", k)),
            share: each(docs, |d| vector(p, "share", d)),
            z: each(docs, |d| whole(p, "z", d)),
        };
        let data = lda::Data { count: (&count).into(), word: (&word).into() };
        model.log_joint(&data, &latents, &lda::Params::default()).unwrap()
    });
}

#[test]
fn joint_density_of_a_regression() {
    compare("08_ard_regression", |p| {
        let x = matrix(p, "x", &[], p.size("N"));
        let y = p.row("y", &[]).to_vec();
        let latents = ard_regression::Latents {
            tau: p.row("tau", &[])[0],
            alpha: p.row("alpha", &[]).to_vec(),
            w: p.row("w", &[]).to_vec(),
        };
        let data = ard_regression::Data { x: (&x).into(), y: (&y).into() };
        ard_regression::Model::new().log_joint(&data, &latents, &ard_regression::Params::default()).unwrap()
    });
}

#[test]
fn joint_density_of_schools() {
    compare("14_eight_schools", |p| {
        let (s, y) = (p.row("s", &[]).to_vec(), p.row("y", &[]).to_vec());
        let latents = eight_schools::Latents { mu: p.row("mu", &[])[0], theta: p.row("theta", &[]).to_vec() };
        let data = eight_schools::Data { s: (&s).into(), y: (&y).into() };
        let params = eight_schools::Params { tau2: p.row("tau2", &[])[0] };
        eight_schools::Model::new().log_joint(&data, &latents, &params).unwrap()
    });
}

#[test]
fn joint_density_of_sticks() {
    compare("15_dp_mixture", |p| {
        let (k, d) = (p.size("K"), p.size("D"));
        let x = matrix(p, "x", &[], p.size("N"));
        let model =
            dp_mixture::Model::new(k, vector(p, "m0", &[]), matrix(p, "w0", &[], d), p.row("nu0", &[])[0]);
        let latents = dp_mixture::Latents {
            conc: p.row("conc", &[])[0],
            v: p.row("v", &[]).to_vec(),
            prec: each(k, |at| matrix(p, "prec", at, d)),
            mean: each(k, |at| vector(p, "mean", at)),
            z: p.whole("z"),
        };
        let data = dp_mixture::Data { x: (&x).into() };
        model.log_joint(&data, &latents, &dp_mixture::Params::default()).unwrap()
    });
}

/// Effects and standard errors of coaching in eight schools (Rubin 1981).
const EFFECT: [f64; 8] = [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0];
const ERROR: [f64; 8] = [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0];

/// log p(y), E theta, Cov theta and E mu, by the dense joint Normal.
fn schools_by_hand(tau2: f64) -> (f64, DVector<f64>, DMatrix<f64>, f64) {
    let prior = DMatrix::from_element(8, 8, 400.0) + DMatrix::identity(8, 8) * tau2;
    let total = &prior + DMatrix::from_fn(8, 8, |i, j| if i == j { ERROR[i] * ERROR[i] } else { 0.0 });
    let weights = total.clone().try_inverse().unwrap();
    let solved = &weights * DVector::from_column_slice(&EFFECT);
    let mean = &prior * &solved;
    let cov = &prior - &prior * &weights * &prior;
    (mv_normal(&EFFECT, &DVector::zeros(8), &total), mean, cov, 400.0 * solved.sum())
}

#[test]
fn schools_are_one_dense_normal() {
    let data = eight_schools::Data { s: (&ERROR).into(), y: (&EFFECT).into() };
    let model = eight_schools::Model::new();
    for tau2 in [0.01, 1.0, 30.0, 900.0] {
        let fit = model.infer(&data, &eight_schools::Params { tau2 }).unwrap();
        let (evidence, mean, cov, mu) = schools_by_hand(tau2);
        exact(&fit, &data, evidence);
        // Schools that hardly differ make a covariance whose inverse loses digits: the check must know, and not stop checking.
        let tolerance = fit.verify(&data, 1).unwrap().tolerance;
        assert!(tolerance < 1e-7, "{tolerance:e} at {tau2}");
        close(fit.posterior.mu.mean(), mu, 1e-10);
        for j in 0..8 {
            close(fit.posterior.theta.mean()[j], mean[j], 1e-10);
            close(fit.posterior.theta.var()[j], cov[(j, j)], 1e-10);
        }
    }
}

/// EM for tau2 by hand: tau2 ← Σ E (theta − mu)² / J, where theta − mu given y is one Normal.
#[test]
fn the_spread_of_schools_climbs_as_em_does() {
    let data = eight_schools::Data { s: (&ERROR).into(), y: (&EFFECT).into() };
    let model = eight_schools::Model::new();
    let mut state =
        model.start(&data, Start::Params(eight_schools::Params { tau2: 100.0 }), &Options::new()).unwrap();
    let mut tau2 = 100.0;
    for sweep in 0..20 {
        close(state.params.tau2, tau2, 1e-10);
        close(state.trace[sweep], schools_by_hand(tau2).0, 1e-11);
        // theta − mu ~ Normal(0, tau2 I); y = (theta − mu) + mu + noise.
        let total = DMatrix::from_element(8, 8, 400.0)
            + DMatrix::from_fn(8, 8, |i, j| if i == j { tau2 + ERROR[i] * ERROR[i] } else { 0.0 });
        let weights = total.try_inverse().unwrap();
        let mean = &weights * DVector::from_column_slice(&EFFECT) * tau2;
        let spread = 8.0 * tau2 - tau2 * tau2 * weights.trace();
        tau2 = (mean.norm_squared() + spread) / 8.0;
        model.step(&mut state).unwrap();
    }
    monotone(&state.trace);
}

fn begin(n: usize, k: usize, seed: u64) -> DMatrix<f64> {
    let mut g = Noise::new(seed);
    let rows: Vec<f64> = (0..n).flat_map(|_| g.simplex(k)).collect();
    DMatrix::from_row_slice(n, k, &rows)
}

#[test]
fn sticks_are_the_textbook_s() {
    let mut g = Noise::new(11);
    let x = DMatrix::from_fn(60, 2, |n, _| g.normal() + 3.0 * (n % 3) as f64);
    let prior = textbook::Prior {
        a0: f64::NAN,
        b0: 0.05,
        m0: DVector::from_vec(vec![2.0, 3.0]),
        w0: DMatrix::from_row_slice(2, 2, &[0.6, 0.1, 0.1, 0.4]),
        nu0: 3.0,
    };
    let z = begin(60, 6, 12);
    let model = ordered_dp::Model::new(6, prior.m0.clone(), prior.w0.clone(), prior.nu0);
    let data = ordered_dp::Data { x: (&x).into() };
    let start =
        Start::Posterior(ordered_dp::Posterior { z: Categories::from_probs(&z), ..Default::default() });
    let mut state = model.start(&data, start, &Options::new()).unwrap();
    while state.trace.len() < 40 {
        model.step(&mut state).unwrap();
    }
    let by_hand = textbook::stick_breaking(&x, &z, &prior, 40);
    for (sweep, (found, expected)) in state.trace.iter().zip(&by_hand.trace).enumerate() {
        assert!((found - expected).abs() < 1e-9 * expected.abs(), "sweep {sweep}: {found} and {expected}");
    }
    let fit = state.finish().unwrap();
    for k in 0..5 {
        let (a, b) = (by_hand.weight[2 * k], by_hand.weight[2 * k + 1]);
        close(fit.posterior.v[k].mean(), a / (a + b), 1e-7);
    }
    close(fit.posterior.conc.mean(), by_hand.weight[10] / by_hand.weight[11], 1e-7);
    for k in 0..6 {
        assert!((fit.posterior.mean[k].mean() - &by_hand.mean[k]).norm() < 1e-6);
        close(fit.posterior.prec[k].mean()[(0, 1)], by_hand.prec[k].mean()[(0, 1)], 1e-6);
    }
}

#[test]
fn topics_are_the_textbook_s() {
    let mut g = Noise::new(13);
    let corpus: topics::Corpus = (0..12)
        .map(|d| (0..3 + d % 4).map(|_| ((d % 2) * 3 + g.below(4), 1 + g.below(3) as u64)).collect())
        .collect();
    let count: Vec<Vec<u64>> = corpus.iter().map(|d| d.iter().map(|(_, c)| *c).collect()).collect();
    let word: Vec<Vec<usize>> = corpus.iter().map(|d| d.iter().map(|(w, _)| *w).collect()).collect();
    let z: Vec<Vec<Vec<f64>>> = corpus.iter().map(|d| d.iter().map(|_| g.simplex(3)).collect()).collect();
    let tables = z.iter().map(|d| Categories::from_rows(3, d.concat())).collect();
    let data = ordered_lda::Data { count: (&count).into(), word: (&word).into() };
    let model = ordered_lda::Model::new(3, 7).alpha(0.3).eta(0.2);
    let start = Start::Posterior(ordered_lda::Posterior { z: tables, ..Default::default() });
    let mut state = model.start(&data, start, &Options::new()).unwrap();
    while state.trace.len() < 40 {
        model.step(&mut state).unwrap();
    }
    let mut by_hand = topics::Topics::new(&corpus, 7, 0.3, 0.2, z);
    (0..40).for_each(|_| by_hand.sweep());
    for (sweep, (found, expected)) in state.trace.iter().zip(&by_hand.trace).enumerate() {
        assert!((found - expected).abs() < 1e-9 * expected.abs(), "sweep {sweep}: {found} and {expected}");
    }
    let fit = state.finish().unwrap();
    for k in 0..3 {
        let total: f64 = by_hand.topic[k].iter().sum();
        for v in 0..7 {
            close(fit.posterior.topic[k].mean()[v], by_hand.topic[k][v] / total, 1e-6);
        }
    }
    for d in 0..12 {
        for (i, q) in by_hand.z[d].iter().enumerate() {
            for k in 0..3 {
                close(fit.posterior.z[d].probs(i)[k], q[k], 1e-6);
            }
        }
    }
}

#[test]
fn the_bound_of_topics_is_below_the_evidence() {
    let corpus = vec![vec![(0, 2), (1, 1)], vec![(2, 3)], vec![(0, 1), (2, 1), (1, 0)]];
    let count: Vec<Vec<u64>> = corpus.iter().map(|d| d.iter().map(|(_, c)| *c).collect()).collect();
    let word: Vec<Vec<usize>> = corpus.iter().map(|d| d.iter().map(|(w, _)| *w).collect()).collect();
    let data = lda::Data { count: (&count).into(), word: (&word).into() };
    let evidence = topics::evidence(&corpus, 3, 0.6, 0.4);
    let model = lda::Model::new(2, 3).alpha(0.6).eta(0.4);
    for seed in 0..5 {
        let mut g = Noise::new(seed);
        let z = corpus
            .iter()
            .map(|d| Categories::from_rows(2, d.iter().flat_map(|_| g.simplex(2)).collect()))
            .collect();
        let start = Start::Posterior(lda::Posterior { z, ..Default::default() });
        let fit = model.fit_from(&data, start, &Options::new().max_iterations(2000)).unwrap();
        monotone(&fit.trace);
        let gap = evidence - fit.elbo();
        assert!(gap > 0.1 && gap < 8.0, "{gap}");
    }
}
