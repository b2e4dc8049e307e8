//! Beside a category that all of a sequence shares: latents that are integrated out in its states, and trees of several roots.

use vi_core::prelude::*;
use vi_core::rng::stream;
use vi_tests::data::Noise;
use vi_tests::density::{log_sum_exp, negative_binomial, poisson};
use vi_tests::law::{close, exact, monotone};

model! {
    /// Counts that vary beyond what class and state say, and a law of the first state for each class.
    pub mod rates(C, K) {
        param    w: Simplex[C];
        param    trans[c in C, i in K]: Simplex[K];
        param    a[c in C, k in K]: Positive;
        for s in S {
            latent   c[s]               ~ Categorical(w);
            latent   init[s, c in C]: Simplex[K] ~ Dirichlet(0.5 + c);
            latent   z[s, 0]            ~ Categorical(init[s, c[s]]);
            latent   z[s, t in 1..T[s]] ~ Categorical(trans[c[s], z[s, t-1]]);
            latent   r[s, t in T[s]]    ~ Gamma(shape: a[c[s], z[s, t]], rate: 2);
            observed y[s, t in T[s]]: Count? ~ Poisson(r[s, t]);
        }
    }
}
model! {
    /// One series whose class is not known, and the law of its first state.
    pub mod series(C, K) {
        param    w: Simplex[C];
        param    trans[c in C, i in K]: Simplex[K];
        param    rate[k in K]: Positive;
        latent   c            ~ Categorical(w);
        latent   init: Simplex[K] ~ Dirichlet(0.7);
        latent   z[0]         ~ Categorical(init);
        latent   z[t in 1..T] ~ Categorical(trans[c, z[t-1]]);
        observed y[t in T]    ~ Poisson(rate[z[t]]);
    }
}
model! {
    /// A class of each forest, of two roots or three.
    pub mod forests(C, K) {
        given    root[s in S, n in N[s]]: Bool;
        given    parent[s in S, n in 2..N[s]]: Category[n];
        param    w: Simplex[C];
        param    first[c in C]: Simplex[K];
        param    trans[c in C, i in K]: Simplex[K];
        param    rate[k in K]: Positive;
        for s in S {
            latent   c[s]               ~ Categorical(w);
            latent   z[s, 0]            ~ Categorical(first[c[s]]);
            latent   z[s, 1]            ~ Categorical(first[c[s]]);
            latent   z[s, n in 2..N[s]] ~ match root[s, n] {
                true => Categorical(first[c[s]]),
                false => Categorical(trans[c[s], z[s, parent[s, n]]]),
            };
            observed y[s, n in N[s]]    ~ Poisson(rate[z[s, n]]);
        }
    }
}

/// p(class, states | data) of one sequence and log p of its data, by all assignments.
fn assignments(
    c: usize,
    k: usize,
    n: usize,
    log: impl Fn(usize, &[usize]) -> f64,
) -> (f64, Vec<(usize, Vec<usize>, f64)>) {
    let mut all = vec![];
    for class in 0..c {
        for path in 0..k.pow(n as u32) {
            let z: Vec<usize> = (0..n).map(|t| path / k.pow(t as u32) % k).collect();
            let log = log(class, &z);
            all.push((class, z, log));
        }
    }
    let total = log_sum_exp(&all.iter().map(|(_, _, l)| *l).collect::<Vec<_>>());
    all.iter_mut().for_each(|(_, _, l)| *l = (*l - total).exp());
    (total, all)
}

fn expect(all: &[(usize, Vec<usize>, f64)], f: impl Fn(usize, &[usize]) -> f64) -> f64 {
    all.iter().map(|(c, z, p)| p * f(*c, z)).sum()
}

fn is(x: bool) -> f64 {
    f64::from(u8::from(x))
}

#[test]
fn rates_of_steps_and_laws_of_first_states_beside_a_class() {
    let mut g = Noise::new(3);
    let model = rates::Model::new(2, 2);
    let y = vec![vec![Some(4), None, Some(0), Some(7)], vec![Some(1)], vec![None, Some(9)]];
    let data = rates::Data { y: (&y).into() };
    for _ in 0..3 {
        let p = rates::Params {
            w: g.weights(2),
            trans: (0..2).map(|_| g.rows(2, 2)).collect(),
            a: (0..2).map(|_| vec![0.5 + 2.0 * g.unit(), 3.0 + g.unit()]).collect(),
        };
        let fit = model.infer(&data, &p).unwrap();
        let mut evidence = 0.0;
        for (s, y) in y.iter().enumerate() {
            let (log, all) = assignments(2, 2, y.len(), |c, z| {
                let moves: f64 = z.windows(2).map(|z| p.trans[c][z[0]][z[1]].ln()).sum();
                let said = z.iter().zip(y).filter_map(|(z, y)| {
                    // A Poisson whose rate is Gamma(a, 2).
                    Some(negative_binomial((*y)?, p.a[c][*z] / 2.0, p.a[c][*z]))
                });
                p.w[c].ln() - 2f64.ln() + moves + said.sum::<f64>()
            });
            evidence += log;
            close(fit.posterior.c.probs(s)[1], expect(&all, |c, _| is(c == 1)), 1e-12);
            for (t, y) in y.iter().enumerate() {
                close(fit.posterior.z[s].probs(t)[1], expect(&all, |_, z| is(z[t] == 1)), 1e-12);
                let rate = expect(&all, |c, z| match y {
                    Some(y) => (p.a[c][z[t]] + *y as f64) / 3.0,
                    None => p.a[c][z[t]] / 2.0,
                });
                close(fit.posterior.r[s][t].mean(), rate, 1e-11);
            }
            for class in 0..2 {
                // A Dirichlet of symmetric concentrations, read if the class is this one.
                let a = 0.5 + class as f64;
                let first = expect(&all, |c, z| {
                    let seen = is(c == class && z[0] == 1);
                    (a + seen) / (2.0 * a + is(c == class))
                });
                close(fit.posterior.init[s][class].mean()[1], first, 1e-12);
            }
        }
        exact(&fit, &data, evidence);
    }
    // Draws have class, states and rates together.
    let p = rates::Params {
        w: g.weights(2),
        trans: (0..2).map(|_| g.rows(2, 2)).collect(),
        a: vec![vec![0.5, 2.0], vec![6.0, 9.0]],
    };
    let fit = model.infer(&data, &p).unwrap();
    let mut rng = stream(1, "draws", &[]);
    const N: usize = 4000;
    let drawn: Vec<rates::Latents> = (0..N).map(|_| fit.posterior.sample(&mut rng).unwrap()).collect();
    let both: Vec<f64> = drawn.iter().map(|l| is(l.c[2] == 1) * l.r[2][0]).collect();
    // The rate of the hole given the class.
    let mean = both.iter().sum::<f64>() / N as f64;
    let (_, all) = assignments(2, 2, 2, |c, z| {
        let said = negative_binomial(9, p.a[c][z[1]] / 2.0, p.a[c][z[1]]);
        p.w[c].ln() - 2f64.ln() + p.trans[c][z[0]][z[1]].ln() + said
    });
    let expected = expect(&all, |c, z| is(c == 1) * p.a[c][z[0]] / 2.0);
    let sd = (both.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (N * (N - 1)) as f64).sqrt();
    assert!((mean - expected).abs() < 5.0 * sd, "{mean} ± {sd}, expected {expected}");
    let fit = model.fit(&data, &Options::new().seed(1).max_iterations(50)).unwrap();
    monotone(&fit.trace);
}

#[test]
fn one_series_of_unknown_class_and_the_law_of_its_first_state() {
    let mut g = Noise::new(9);
    let p = series::Params {
        w: g.weights(2),
        trans: (0..2).map(|_| g.rows(3, 3)).collect(),
        rate: vec![1.0, 4.0, 8.0],
    };
    let y = [3, 0, 9, 5];
    let data = series::Data { y: (&y).into() };
    let fit = series::Model::new(2, 3).infer(&data, &p).unwrap();
    let (evidence, all) = assignments(2, 3, 4, |c, z| {
        let moves: f64 = z.windows(2).map(|z| p.trans[c][z[0]][z[1]].ln()).sum();
        p.w[c].ln() - 3f64.ln() + moves + z.iter().zip(y).map(|(z, y)| poisson(y, p.rate[*z])).sum::<f64>()
    });
    exact(&fit, &data, evidence);
    close(fit.posterior.c.probs(0)[1], expect(&all, |c, _| is(c == 1)), 1e-12);
    for k in 0..3 {
        let mean = expect(&all, |_, z| (0.7 + is(z[0] == k)) / 3.1);
        close(fit.posterior.init.mean()[k], mean, 1e-12);
    }
    let l = fit.posterior.sample(&mut stream(4, "draw", &[])).unwrap();
    assert!(l.c < 2 && l.z.len() == 4 && (l.init.sum() - 1.0).abs() < 1e-12);
}

#[test]
fn forests_of_several_roots_share_their_class() {
    let mut g = Noise::new(17);
    let root = vec![vec![true, true, false, false, true], vec![true, true, false, false], vec![true, true]];
    let parent = vec![vec![0, 0, 1, 2, 0], vec![0, 0, 0, 0], vec![0, 0]];
    let y = vec![vec![1, 6, 2, 0, 7], vec![8, 2, 5, 1], vec![3, 3]];
    let data = forests::Data { root: (&root).into(), parent: (&parent).into(), y: (&y).into() };
    let model = forests::Model::new(2, 2);
    for _ in 0..3 {
        let p = forests::Params {
            w: g.weights(2),
            first: g.rows(2, 2),
            trans: (0..2).map(|_| g.rows(2, 2)).collect(),
            rate: vec![1.0 + g.unit(), 4.0],
        };
        let fit = model.infer(&data, &p).unwrap();
        let mut evidence = 0.0;
        for (s, y) in y.iter().enumerate() {
            let (log, all) = assignments(2, 2, y.len(), |c, z| {
                let moves: f64 = (0..z.len())
                    .map(|n| match root[s][n] {
                        true => p.first[c][z[n]].ln(),
                        false => p.trans[c][z[parent[s][n]]][z[n]].ln(),
                    })
                    .sum();
                p.w[c].ln() + moves + z.iter().zip(y).map(|(z, y)| poisson(*y, p.rate[*z])).sum::<f64>()
            });
            evidence += log;
            close(fit.posterior.c.probs(s)[1], expect(&all, |c, _| is(c == 1)), 1e-12);
            for n in 0..y.len() {
                close(fit.posterior.z[s].probs(n)[1], expect(&all, |_, z| is(z[n] == 1)), 1e-12);
            }
        }
        exact(&fit, &data, evidence);
        let best = fit.posterior.most_likely().unwrap();
        let top = model.log_joint(&data, &best, &p).unwrap();
        for seed in 0..20 {
            let l = fit.posterior.sample(&mut stream(seed, "draw", &[])).unwrap();
            assert!(model.log_joint(&data, &l, &p).unwrap() <= top + 1e-12);
        }
    }
    monotone(&model.fit(&data, &Options::new().seed(1).max_iterations(40)).unwrap().trace);
}

model! {
    /// Classes of sequences, of which some are empty; marks are of the sequence itself, and some of all of that is seen.
    pub mod marked(C, K) {
        param    w: Simplex[C];
        param    sign[c in C]: Unit;
        param    trans[c in C, i in K]: Simplex[K];
        param    emit[c in C, k in K]: Simplex[3];
        for s in S {
            observed c[s]: Category[C]?            ~ Categorical(w);
            observed mark[s]: Bool?                ~ Bernoulli(sign[c[s]]);
            observed z[s, 0]: Category[K]?         ~ Uniform();
            observed z[s, t in 1..T[s]]: Category[K]? ~ Categorical(trans[c[s], z[s, t-1]]);
            observed x[s, t in T[s]]: Category[3]  ~ Categorical(emit[c[s], z[s, t]]);
        }
    }
}
model! {
    /// Many sequences of symbols: kinds of units are all there is to say of them.
    pub mod symbols(C, K, V) {
        latent   w: Simplex[C] ~ Dirichlet(1.5);
        param    trans[c in C, i in K]: Simplex[K];
        param    emit[c in C, k in K]: Simplex[V];
        for s in S {
            latent   c[s]               ~ Categorical(w);
            latent   z[s, 0]            ~ Uniform();
            latent   z[s, t in 1..T[s]] ~ Categorical(trans[c[s], z[s, t-1]]);
            observed x[s, t in T[s]]    ~ Categorical(emit[c[s], z[s, t]]);
        }
    }
}

#[test]
fn a_sequence_without_steps_has_its_class() {
    let mut g = Noise::new(29);
    let model = marked::Model::new(2, 2);
    let class = [None, None, None, Some(1)];
    let mark = [Some(true), Some(false), None, None];
    let x = vec![vec![2, 0, 1], vec![], vec![], vec![]];
    let z = vec![vec![None, Some(1), None], vec![], vec![], vec![]];
    let data = marked::Data { c: (&class).into(), mark: (&mark).into(), z: (&z).into(), x: (&x).into() };
    let p = marked::Params {
        w: g.weights(2),
        sign: vec![0.2, 0.7],
        trans: (0..2).map(|_| g.rows(2, 2)).collect(),
        emit: (0..2).map(|_| g.rows(2, 3)).collect(),
    };
    let fit = model.infer(&data, &p).unwrap();
    let (log, all) = assignments(2, 2, 3, |c, path| {
        let moves: f64 = path.windows(2).map(|z| p.trans[c][z[0]][z[1]].ln()).sum();
        let said: f64 = path.iter().zip(&x[0]).map(|(z, x)| p.emit[c][*z][*x].ln()).sum();
        let seen = if path[1] == 1 { 0.0 } else { f64::NEG_INFINITY };
        p.w[c].ln() + p.sign[c].ln() - 2f64.ln() + moves + said + seen
    });
    let unmarked: f64 = (0..2).map(|c| p.w[c] * (1.0 - p.sign[c])).sum();
    exact(&fit, &data, log + unmarked.ln() + p.w[1].ln());
    close(fit.posterior.c.probs(0)[1], expect(&all, |c, _| is(c == 1)), 1e-12);
    close(fit.posterior.c.probs(1)[1], p.w[1] * (1.0 - p.sign[1]) / unmarked, 1e-12);
    close(fit.posterior.c.probs(2)[1], p.w[1], 1e-12);
    close(fit.posterior.c.probs(3)[1], 1.0, 0.0);
    assert_eq!(fit.posterior.z.iter().map(|z| z.len()).collect::<Vec<_>>(), [3, 0, 0, 0]);
    close(fit.posterior.z[0].probs(2)[1], expect(&all, |_, z| is(z[2] == 1)), 1e-12);
    let said = fit.predict(&data).unwrap();
    close(said.log_density[1], unmarked.ln(), 1e-12);
    close(said.log_density[2], 0.0, 1e-12);
    for l in fit.draw(&data, 5, 10).unwrap().into_iter().chain([fit.posterior.most_likely().unwrap()]) {
        assert_eq!((l.z.len(), l.z[0].len(), l.z[1].len(), l.c[3]), (4, 3, 0, 1));
    }
    // The M-step counts the class of a sequence without steps; fits rise, in any number of sequences and threads.
    let fitted = model.fit(&data, &Options::new().seed(2).restarts(2).max_iterations(60)).unwrap();
    monotone(&fitted.trace);
    let filtered = fit.filter(&data).unwrap();
    close(filtered.c.probs(1)[1], fit.posterior.c.probs(1)[1], 1e-12);
}

#[test]
fn batches_with_empty_sequences_are_what_each_sequence_is_alone() {
    let mut g = Noise::new(37);
    let lengths = [30, 0, 7, 80, 1, 0, 0, 12, 90, 5, 0, 9];
    let x: Vec<Vec<usize>> = lengths.iter().map(|n| (0..*n).map(|_| g.below(4)).collect()).collect();
    let data = symbols::Data { x: (&x).into() };
    let model = symbols::Model::new(2, 3, 4);
    let p = symbols::Params {
        trans: (0..2).map(|_| g.rows(3, 3)).collect(),
        emit: (0..2).map(|_| g.rows(3, 4)).collect(),
    };
    let begun = model.infer(&data, &p).unwrap();
    vi_tests::law::honest(&begun, &data);
    let fit = begun.infer(&data).unwrap();
    // At the fit's q of the weights, each by itself.
    let each: Vec<_> =
        x.iter().map(|x| fit.infer(&symbols::Data { x: std::slice::from_ref(x).into() }).unwrap()).collect();
    for (s, alone) in each.iter().enumerate() {
        close(fit.posterior.c.probs(s)[0], alone.posterior.c.probs(0)[0], 1e-12);
    }
    // What is said of a sequence without steps is what is said before any step: E log of the weights.
    let q = fit.posterior.w.law().unwrap();
    let logs = vi_tests::textbook::expected_logs(&q.a);
    let prior = logs[0].exp() / (logs[0].exp() + logs[1].exp());
    for s in [1, 5, 6, 10] {
        close(fit.posterior.c.probs(s)[0], prior, 1e-12);
        assert!(fit.posterior.z[s].is_empty());
    }
    let one = model.fit(&data, &Options::new().seed(1).threads(1).max_iterations(20)).unwrap();
    let two = model.fit(&data, &Options::new().seed(1).threads(2).max_iterations(20)).unwrap();
    assert_eq!(one.trace, two.trace);
    monotone(&one.trace);
    // Steps to come begin where a sequence has none, and with what is known of its class.
    for steps in [0, 1, 3] {
        let ahead = fit.forecast(&data, steps).unwrap();
        for (s, x) in x.iter().enumerate() {
            assert_eq!(ahead.posterior.z[s].len(), steps);
            let c = ahead.posterior.c.probs(s);
            close(c[0], fit.posterior.c.probs(s)[0], 1e-9);
            if x.is_empty() && steps > 0 {
                (0..3).for_each(|k| close(ahead.posterior.z[s].probs(0)[k], 1.0 / 3.0, 1e-12));
            }
            if x.is_empty() && steps > 2 {
                let one: f64 = (0..2)
                    .map(|c| {
                        fit.posterior.c.probs(s)[c] * (0..3).map(|i| p.trans[c][i][1]).sum::<f64>() / 3.0
                    })
                    .sum();
                close(ahead.posterior.z[s].probs(1)[1], one, 1e-9);
            }
        }
    }
}

#[test]
fn without_data_a_class_and_the_law_of_a_first_state_are_as_before() {
    let p = series::Params {
        w: vec![0.3, 0.7].into(),
        trans: vec![vec![vec![0.2, 0.3, 0.5].into(); 3]; 2],
        rate: vec![1.0, 2.0, 3.0],
    };
    let y: [u64; 0] = [];
    let data = series::Data { y: (&y).into() };
    let fit = series::Model::new(2, 3).infer(&data, &p).unwrap();
    exact(&fit, &data, 0.0);
    close(fit.posterior.c.probs(0)[1], 0.7, 1e-12);
    (0..3).for_each(|k| close(fit.posterior.init.mean()[k], 1.0 / 3.0, 1e-12));
    assert!(fit.posterior.z.is_empty());
    let l = fit.posterior.sample(&mut stream(1, "draw", &[])).unwrap();
    assert!(l.z.is_empty() && l.init.len() == 3);
    // Among other sequences, with rates of steps beside the class.
    let mut g = Noise::new(3);
    let model = rates::Model::new(2, 2);
    let p = rates::Params {
        w: g.weights(2),
        trans: (0..2).map(|_| g.rows(2, 2)).collect(),
        a: vec![vec![1.0, 2.0], vec![3.0, 0.5]],
    };
    let y = [vec![], vec![Some(4), Some(0)], vec![]];
    let with = rates::Data { y: (&y).into() };
    let fit = model.infer(&with, &p).unwrap();
    let without = model.infer(&rates::Data { y: (&y[1..2]).into() }, &p).unwrap();
    exact(&fit, &with, without.log_likelihood());
    close(fit.posterior.c.probs(2)[1], p.w[1], 1e-12);
    close(fit.posterior.init[0][1].mean()[0], 0.5, 1e-12);
    assert!(fit.posterior.r[0].is_empty());
    close(fit.posterior.r[1][1].mean(), without.posterior.r[0][1].mean(), 1e-12);
    let l = fit.posterior.sample(&mut stream(1, "draw", &[])).unwrap();
    assert!(l.z[0].is_empty() && l.r[2].is_empty() && l.z[1].len() == 2);
}
