//! Mixtures of chains: a category of each sequence that all its steps read, by enumeration of whole paths.

use vi_core::prelude::*;
use vi_core::rng::stream;
use vi_tests::data::Noise;
use vi_tests::density::{dirichlet, normal};
use vi_tests::enumerate::{Case, marginals};
use vi_tests::joined::Joined;
use vi_tests::law::close;
use vi_tests::{along, case};

model! {
    pub mod classes(C, K) {
        param    w: Simplex[C];
        param    init[c in C]: Simplex[K];
        param    trans[c in C, i in K]: Simplex[K];
        param    mean[c in C, k in K]: Real;
        param    s2: Positive;
        param    sign[c in C]: Unit;
        for s in S {
            latent   c[s]               ~ Categorical(w);
            observed mark[s]: Bool?     ~ Bernoulli(sign[c[s]]);
            latent   z[s, 0]            ~ Categorical(init[c[s]]);
            latent   z[s, t in 1..T[s]] ~ Categorical(trans[c[s], z[s, t-1]]);
            observed y[s, t in T[s]]: Real? ~ Normal(mean[c[s], z[s, t]], var: s2);
        }
    }
}
model! {
    /// Some of the classes and some of the states are seen.
    pub mod known(C, K, V) {
        param    w: Simplex[C] ~ Dirichlet(1.5);
        param    trans[c in C, i in K]: Simplex[K] ~ Dirichlet(2.0);
        param    emit[k in K]: Simplex[V];
        for s in S {
            observed c[s]: Category[C]?               ~ Categorical(w);
            observed z[s, 0]: Category[K]?            ~ Uniform();
            observed z[s, t in 1..T[s]]: Category[K]? ~ Categorical(trans[c[s], z[s, t-1]]);
            observed x[s, t in T[s]]                  ~ Categorical(emit[z[s, t]]);
        }
    }
}
model! {
    /// One series, two things that all of it shares, and a chain that remembers two steps.
    pub mod single(C, D, K) {
        param    w: Simplex[C];
        param    v[c in C]: Simplex[D];
        param    trans[c in C, i in K, j in K]: Simplex[K];
        param    rate[d in D, k in K]: Positive;
        latent   c ~ Categorical(w);
        latent   d ~ Categorical(v[c]);
        latent   z[0]         ~ Uniform();
        latent   z[1]         ~ Uniform();
        latent   z[t in 2..T] ~ Categorical(trans[c, z[t-1], z[t-2]]);
        observed y[t in T]    ~ Poisson(rate[d, z[t]]);
    }
}
model! {
    /// No chain: the elements of a group are independent, given what the group shares.
    pub mod groups(C, K) {
        param    w: Simplex[C];
        param    share[c in C]: Simplex[K];
        param    mean[k in K]: Real;
        param    s2: Positive;
        latent   c[s in S]            ~ Categorical(w);
        latent   z[s in S, t in T[s]] ~ Categorical(share[c[s]]);
        observed y[s in S, t in T[s]] ~ Normal(mean[z[s, t]], var: s2);
    }
}

fn check<M: vi_core::fit::Program + vi_core::ExactPosterior>(
    case: &Case<'_, M>,
    data: &M::Data<'_>,
    arrays: &[Joined<'_, M::Posterior>],
    draw: &dyn Fn(&M::Posterior, usize) -> Vec<usize>,
    mut params: impl FnMut(&mut Noise) -> M::Params,
) {
    let mut g = Noise::new(21);
    for round in 0..3 {
        let p = params(&mut g);
        case.evidence_and_marginals(&p);
        case.joint_law(&p, data, arrays, draw);
        case.gradient(&p, 100 * round);
        case.m_step_is_the_maximum(&p, 100 * round + 50);
    }
}

fn classes_params(g: &mut Noise) -> classes::Params {
    classes::Params {
        w: g.weights(2),
        init: g.rows(2, 3),
        trans: (0..2).map(|_| g.rows(3, 3)).collect(),
        mean: (0..2).map(|_| g.normals(3)).collect(),
        s2: 0.5 + g.unit(),
        sign: vec![0.2 + 0.6 * g.unit(), 0.2 + 0.6 * g.unit()],
    }
}

#[test]
fn chains_of_several_classes_with_marks_and_holes() {
    let y = vec![vec![0.4, f64::NAN, -1.0], vec![2.2]];
    let mark = [Some(true), Some(false)];
    let model = classes::Model::new(2, 3);
    let data = classes::Data { mark: (&mark).into(), y: (&y).into() };
    let latents =
        |z: &[usize]| classes::Latents { c: z[..2].to_vec(), z: vec![z[2..5].to_vec(), z[5..].to_vec()] };
    let case = case! { classes, model, data;
        states: vec![2, 2, 3, 3, 3, 3], copies: vec![1.0; 6], independent: false,
        joint: &|z, p| model.log_joint(&data, &latents(z), p).unwrap(),
        prior: &|_| 0.0,
        marginals: &|q| [marginals(&q.c), q.z.iter().flat_map(marginals).collect()].concat(),
        moved: &|p, t, g| classes::Params {
            w: along::simplex(&p.w, t, g),
            init: along::simplices(&p.init, t, g),
            trans: p.trans.iter().map(|rows| along::simplices(rows, t, g)).collect(),
            mean: p.mean.iter().map(|row| along::reals(row, t, g)).collect(),
            s2: along::positive(p.s2, t, g),
            sign: p.sign.iter().map(|x| along::unit(*x, t, g)).collect(),
        },
    };
    let arrays = [
        Joined::chain(&|q: &classes::Posterior| q.z[0].clone(), 2..5),
        Joined::chain(&|q: &classes::Posterior| q.z[1].clone(), 5..6),
    ];
    let draw = |q: &classes::Posterior, d| {
        let l = q.sample(&mut stream(3, "draw", &[d])).unwrap();
        [l.c, l.z.concat()].concat()
    };
    check(&case, &data, &arrays, &draw, classes_params);

    // The most likely classes and paths together, the log density of every sequence, and what is said of marks that are missing.
    let mark = [Some(true), None];
    let data = classes::Data { mark: (&mark).into(), y: (&y).into() };
    let mut g = Noise::new(7);
    for _ in 0..4 {
        let p = classes_params(&mut g);
        let fit = model.infer(&data, &p).unwrap();
        let all: Vec<(Vec<usize>, f64)> = assignments(&case.states)
            .into_iter()
            .map(|z| {
                let log = model.log_joint(&data, &latents(&z), &p).unwrap();
                (z, log)
            })
            .collect();
        let best = all.iter().fold(&all[0], |best, x| if x.1 > best.1 { x } else { best });
        let found = fit.posterior.most_likely().unwrap();
        assert_eq!([found.c, found.z.concat()].concat(), best.0);
        // Under new names of the classes.
        let mut renamed = fit.clone();
        renamed.relabel(&[1, 0]).unwrap();
        let fresh = model.infer(&data, &renamed.params).unwrap();
        close(fresh.log_likelihood(), fit.log_likelihood(), 1e-12);
        for s in 0..2 {
            close(renamed.posterior.c.probs(s)[0], fit.posterior.c.probs(s)[1], 0.0);
            close(fresh.posterior.c.probs(s)[0], fit.posterior.c.probs(s)[1], 1e-11);
        }
        let turned = renamed.posterior.most_likely().unwrap();
        assert_eq!(turned.c, best.0[..2].iter().map(|c| 1 - c).collect::<Vec<_>>());
        assert_eq!(turned.z.concat(), best.0[2..]);
        let said = fit.predict(&data).unwrap();
        close(said.log_density.iter().sum(), fit.log_likelihood(), 1e-11);
        let alone = classes::Data { mark: (&mark[1..]).into(), y: (&y[1..]).into() };
        close(said.log_density[1], model.infer(&alone, &p).unwrap().log_likelihood(), 1e-11);
        let c = fit.posterior.c.probs(1);
        close(said.absent.mark.get([1]).unwrap()[1], c[0] * p.sign[0] + c[1] * p.sign[1], 1e-11);
        let mean = |c: usize, k: usize| p.mean[c][k];
        let hole: f64 =
            all.iter().map(|(z, log)| (log - fit.log_likelihood()).exp() * mean(z[0], z[3])).sum();
        close(said.absent.y.get([0, 1]).unwrap().mean(), hole, 1e-10);
    }
}

/// Every value of every element.
fn assignments(states: &[usize]) -> Vec<Vec<usize>> {
    states.iter().fold(vec![vec![]], |all: Vec<Vec<usize>>, n| {
        all.iter().flat_map(|z| (0..*n).map(|k| [z.as_slice(), &[k]].concat())).collect()
    })
}

#[test]
fn classes_and_states_some_of_which_are_seen() {
    let class = [None, Some(1), None];
    let label = vec![vec![None, Some(1), None], vec![None, None], vec![Some(0)]];
    let x = vec![vec![0, 2, 1], vec![1, 1], vec![2]];
    let model = known::Model::new(2, 2, 3);
    let data = known::Data { c: (&class).into(), z: (&label).into(), x: (&x).into() };
    let seen: Vec<Option<usize>> = [class.to_vec(), label.concat()].concat();
    let latents = |z: &[usize]| known::Latents {
        c: z[..3].to_vec(),
        z: vec![z[3..6].to_vec(), z[6..8].to_vec(), z[8..].to_vec()],
    };
    let case = case! { known, model, data;
        states: vec![2; 9], copies: vec![1.0; 9], independent: false,
        joint: &|z, p| match z.iter().zip(&seen).all(|(z, l)| l.is_none_or(|l| l == *z)) {
            true => model.log_joint(&data, &latents(z), p).unwrap(),
            false => f64::NEG_INFINITY,
        },
        prior: &|p| {
            dirichlet(p.w.as_slice(), &[1.5, 1.5])
                + p.trans.iter().flatten().map(|row| dirichlet(row.as_slice(), &[2.0, 2.0])).sum::<f64>()
        },
        marginals: &|q| [marginals(&q.c), q.z.iter().flat_map(marginals).collect()].concat(),
        moved: &|p, t, g| known::Params {
            w: along::simplex(&p.w, t, g),
            trans: p.trans.iter().map(|rows| along::simplices(rows, t, g)).collect(),
            emit: along::simplices(&p.emit, t, g),
        },
    };
    let arrays = [
        Joined::chain(&|q: &known::Posterior| q.z[0].clone(), 3..6),
        Joined::chain(&|q: &known::Posterior| q.z[1].clone(), 6..8),
        Joined::chain(&|q: &known::Posterior| q.z[2].clone(), 8..9),
    ];
    let draw = |q: &known::Posterior, d| {
        let l = q.sample(&mut stream(3, "draw", &[d])).unwrap();
        [l.c, l.z.concat()].concat()
    };
    check(&case, &data, &arrays, &draw, |g| known::Params {
        w: g.weights(2),
        trans: (0..2).map(|_| g.rows(2, 2)).collect(),
        emit: g.rows(2, 3),
    });
    let fit = model.fit(&data, &Options::new().seed(1).max_iterations(20)).unwrap();
    vi_tests::law::monotone(&fit.trace);
    assert_eq!(fit.posterior.c.probs(1), [0.0, 1.0]);
}

#[test]
fn one_series_with_two_things_that_all_of_it_shares() {
    let y = [2u64, 0, 5, 1];
    let model = single::Model::new(2, 2, 2);
    let data = single::Data { y: (&y).into() };
    let case = case! { single, model, data;
        states: vec![2; 6], copies: vec![1.0; 6], independent: false,
        joint: &|z, p| {
            model.log_joint(&data, &single::Latents { c: z[0], d: z[1], z: z[2..].to_vec() }, p).unwrap()
        },
        prior: &|_| 0.0,
        marginals: &|q| [marginals(&q.c), marginals(&q.d), marginals(&q.z)].concat(),
        moved: &|p, t, g| single::Params {
            w: along::simplex(&p.w, t, g),
            v: along::simplices(&p.v, t, g),
            trans: p
                .trans
                .iter()
                .map(|a| a.iter().map(|rows| along::simplices(rows, t, g)).collect())
                .collect(),
            rate: p.rate.iter().map(|row| along::positives(row, t, g)).collect(),
        },
    };
    let arrays = [Joined::chain(&|q: &single::Posterior| q.z.clone(), 2..6)];
    let draw = |q: &single::Posterior, d| {
        let l = q.sample(&mut stream(3, "draw", &[d])).unwrap();
        [vec![l.c, l.d], l.z].concat()
    };
    check(&case, &data, &arrays, &draw, |g| single::Params {
        w: g.weights(2),
        v: g.rows(2, 2),
        trans: (0..2).map(|_| (0..2).map(|_| g.rows(2, 2)).collect()).collect(),
        rate: (0..2).map(|_| vec![0.5 + g.unit(), 2.0 + 2.0 * g.unit()]).collect(),
    });
}

#[test]
fn groups_of_elements_that_share_their_weights() {
    let y = vec![vec![0.3, -1.0, 0.7], vec![2.0, 1.1]];
    let model = groups::Model::new(2, 2);
    let data = groups::Data { y: (&y).into() };
    let case = case! { groups, model, data;
        states: vec![2; 7], copies: vec![1.0; 7], independent: false,
        joint: &|z, p| {
            let latents = groups::Latents { c: z[..2].to_vec(), z: vec![z[2..5].to_vec(), z[5..].to_vec()] };
            model.log_joint(&data, &latents, p).unwrap()
        },
        prior: &|_| 0.0,
        marginals: &|q| [marginals(&q.c), q.z.iter().flat_map(marginals).collect()].concat(),
        moved: &|p, t, g| groups::Params {
            w: along::simplex(&p.w, t, g),
            share: along::simplices(&p.share, t, g),
            mean: along::reals(&p.mean, t, g),
            s2: along::positive(p.s2, t, g),
        },
    };
    let arrays = [
        Joined::chain(&|q: &groups::Posterior| q.z[0].clone(), 2..5),
        Joined::chain(&|q: &groups::Posterior| q.z[1].clone(), 5..7),
    ];
    let draw = |q: &groups::Posterior, d| {
        let l = q.sample(&mut stream(3, "draw", &[d])).unwrap();
        [l.c, l.z.concat()].concat()
    };
    check(&case, &data, &arrays, &draw, |g| groups::Params {
        w: g.weights(2),
        share: g.rows(2, 2),
        mean: g.normals(2),
        s2: 0.5 + g.unit(),
    });
}

#[test]
fn what_is_known_at_the_time_and_what_comes_next() {
    let y = [0.4, f64::NAN, -1.0, 2.2, 0.1];
    let rows = vec![y.to_vec()];
    let mark = [Some(true)];
    let model = classes::Model::new(2, 3);
    let data = classes::Data { mark: (&mark).into(), y: (&rows).into() };
    let p = classes_params(&mut Noise::new(5));
    let fit = model.infer(&data, &p).unwrap();
    // p(c, z[t], what is seen up to t), by plain sums.
    let says =
        |c: usize, k: usize, y: f64| if y.is_nan() { 1.0 } else { normal(y, p.mean[c][k], p.s2).exp() };
    let mut alpha: Vec<Vec<f64>> = (0..2)
        .map(|c| (0..3).map(|k| p.w[c] * p.sign[c] * p.init[c][k] * says(c, k, y[0])).collect())
        .collect();
    let step = |alpha: &[Vec<f64>], y: f64| -> Vec<Vec<f64>> {
        let next =
            |c: usize, k: usize| (0..3).map(|j| alpha[c][j] * p.trans[c][j][k]).sum::<f64>() * says(c, k, y);
        (0..2).map(|c| (0..3).map(|k| next(c, k)).collect()).collect()
    };
    let filtered = fit.filter(&data).unwrap();
    let mut online = fit.online();
    let mut total = 0.0;
    for t in 0..5 {
        if t > 0 {
            alpha = step(&alpha, y[t]);
        }
        let sum: f64 = alpha.concat().iter().sum();
        for k in 0..3 {
            close(filtered.z[0].probs(t)[k], (alpha[0][k] + alpha[1][k]) / sum, 1e-12);
        }
        let window = vec![y[t.saturating_sub(1)..=t].to_vec()];
        let window = classes::Data { mark: (&mark).into(), y: (&window).into() };
        let now = online.push(&window).unwrap();
        total += now.log_density;
        close(total, sum.ln(), 1e-12);
        alpha.concat().iter().zip(&now.probs).for_each(|(a, q)| close(*q, a / sum, 1e-12));
        assert_eq!(now.probs.len(), 6);
    }
    // All that a filter has seen at the end says what the class is.
    let sum: f64 = alpha.concat().iter().sum();
    for c in 0..2 {
        close(filtered.c.probs(0)[c], alpha[c].iter().sum::<f64>() / sum, 1e-12);
        close(fit.posterior.c.probs(0)[c], alpha[c].iter().sum::<f64>() / sum, 1e-12);
    }
    close(fit.log_likelihood(), sum.ln(), 1e-12);
    let ahead = fit.forecast(&data, 3).unwrap();
    for h in 0..3 {
        alpha = step(&alpha, f64::NAN);
        let mean: f64 =
            (0..2).flat_map(|c| (0..3).map(move |k| (c, k))).map(|(c, k)| alpha[c][k] * p.mean[c][k]).sum();
        for k in 0..3 {
            close(ahead.posterior.z[0].probs(h)[k], (alpha[0][k] + alpha[1][k]) / sum, 1e-12);
        }
        close(ahead.absent.y.get([0, h]).unwrap().mean(), mean / sum, 1e-12);
    }
    close(ahead.posterior.c.probs(0)[1], alpha[1].iter().sum::<f64>() / sum, 1e-12);
}

#[test]
fn nothing_seen_returns_the_prior_of_classes_and_states() {
    let p = classes_params(&mut Noise::new(8));
    let fit = classes::Model::new(2, 3)
        .infer(&classes::Data { mark: Absent(2).into(), y: Absent(&[3, 1]).into() }, &p)
        .unwrap();
    close(fit.log_likelihood(), 0.0, 1e-14);
    for s in 0..2 {
        (0..2).for_each(|c| close(fit.posterior.c.probs(s)[c], p.w[c], 1e-14));
        (0..3).for_each(|k| {
            close(fit.posterior.z[s].probs(0)[k], p.w[0] * p.init[0][k] + p.w[1] * p.init[1][k], 1e-14);
        });
    }
}

#[test]
fn the_class_of_a_sequence_without_steps_is_as_before() {
    let y = vec![vec![0.4], vec![]];
    let mark = [None, None];
    let data = classes::Data { mark: (&mark).into(), y: (&y).into() };
    let p = classes_params(&mut Noise::new(1));
    let fit = classes::Model::new(2, 3).infer(&data, &p).unwrap();
    (0..2).for_each(|c| close(fit.posterior.c.probs(1)[c], p.w[c], 1e-14));
    assert!(fit.posterior.z[1].is_empty());
}

#[test]
fn the_plan_says_what_the_classes_cost() {
    assert_eq!(classes::PLAN.claim, vi_core::Claim::Exact);
    let text = classes::PLAN.to_string();
    assert!(text.contains("ΣT·C·K²"), "{text}");
}
