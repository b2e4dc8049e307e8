//! Paths drawn from the joint law of chains and trees, and chains whose states are written out by the user: durations of their own.

use vi_core::prelude::*;
use vi_core::rng::stream;
use vi_tests::data::Noise;
use vi_tests::enumerate::marginals;
use vi_tests::joined::Joined;
use vi_tests::law::close;
use vi_tests::{along, case};

model! {
    pub mod sequences(K) {
        param start: Simplex[K];
        param trans[i in K]: Simplex[K];
        param rate[k in K]: Positive;
        for s in S {
            latent   z[s, 0]            ~ Categorical(start);
            latent   z[s, t in 1..T[s]] ~ Categorical(trans[z[s, t-1]]);
            observed y[s, t in T[s]]: Count? ~ Poisson(rate[z[s, t]]);
        }
    }
}
model! {
    pub mod tree(K, V) {
        given    parent[n in 1..N]: Category[n];
        param    root: Simplex[K];
        param    trans[i in K]: Simplex[K];
        param    emit[k in K]: Simplex[V];
        latent   z[0]         ~ Categorical(root);
        latent   z[n in 1..N] ~ Categorical(trans[z[parent[n]]]);
        observed w[n in N]: Category[V]? ~ Categorical(emit[z[n]]);
    }
}
model! {
    /// A kind stays as long as was drawn when it came: `left` counts the steps that remain to it, each of which leads to the number below.
    pub mod durations(K, D) {
        given    below[d in D]: Simplex[D];
        param    start: Simplex[K];
        param    jump[i in K]: Simplex[K];
        param    stay[k in K]: Simplex[D];
        param    mean[k in K]: Real;
        param    s2: Positive;
        latent   kind[0]         ~ Categorical(start);
        latent   left[0]         ~ Categorical(stay[kind[0]]);
        latent   kind[t in 1..T] ~ match left[t-1] { 0 => Categorical(jump[kind[t-1]]), _ => Constant(kind[t-1]) };
        latent   left[t in 1..T] ~ match left[t-1] { 0 => Categorical(stay[kind[t]]), _ => Categorical(below[left[t-1]]) };
        observed y[t in T]: Real? ~ Normal(mean[kind[t]], var: s2);
    }
}

/// Draws behind a frequency.
const DRAWS: usize = 20_000;

/// Every assignment is drawn as often as its joint density says; `joint` is zero where it cannot be.
fn frequencies(states: &[usize], joint: &dyn Fn(&[usize]) -> f64, draw: &mut dyn FnMut(usize) -> Vec<usize>) {
    let all = states.iter().fold(vec![vec![]], |all: Vec<Vec<usize>>, n| {
        all.iter().flat_map(|z| (0..*n).map(|k| [z.as_slice(), &[k]].concat())).collect()
    });
    let weights: Vec<f64> = all.iter().map(|z| joint(z).exp()).collect();
    let total: f64 = weights.iter().sum();
    let mut counts = vec![0.0; all.len()];
    for d in 0..DRAWS {
        let z = draw(d);
        let at = all.iter().position(|a| *a == z).expect("a path is an assignment");
        assert!(weights[at] > 0.0, "{z:?} is impossible and was drawn");
        counts[at] += 1.0;
    }
    let n = DRAWS as f64;
    let mut chi = 0.0;
    for ((count, w), z) in counts.iter().zip(&weights).zip(&all) {
        let p = w / total;
        let sd = (n * p * (1.0 - p)).sqrt();
        assert!((count - n * p).abs() < 5.0 * sd + 5.0, "{z:?}: {count} draws, {} expected", n * p);
        chi += if p > 0.0 { (count - n * p).powi(2) / (n * p) } else { 0.0 };
    }
    // χ² of so many cells, as a Normal.
    let cells = weights.iter().filter(|w| **w > 0.0).count() as f64 - 1.0;
    assert!((chi - cells) / (2.0 * cells).sqrt() < 5.0, "χ² {chi} of {cells}");
}

#[test]
fn whole_paths_of_chains_are_drawn_as_often_as_they_are_likely() {
    let y = vec![vec![Some(3u64), None, Some(0), Some(2)], vec![], vec![Some(1), Some(4)]];
    let model = sequences::Model::new(2);
    let data = sequences::Data { y: (&y).into() };
    let mut g = Noise::new(3);
    let p = sequences::Params { start: g.weights(2), trans: g.rows(2, 2), rate: vec![0.7, 2.5] };
    let fit = model.infer(&data, &p).unwrap();
    let joint = |z: &[usize]| {
        let latents = sequences::Latents { z: vec![z[..4].to_vec(), vec![], z[4..].to_vec()] };
        model.log_joint(&data, &latents, &p).unwrap()
    };
    frequencies(&[2; 6], &joint, &mut |d| {
        let mut rng = stream(11, "paths", &[d]);
        fit.posterior.z.iter().flat_map(|q| q.sample_path(&mut rng).unwrap()).collect()
    });
    // The same path from the same stream.
    let draw = |seed| fit.posterior.z[0].sample_path(&mut stream(seed, "paths", &[1])).unwrap();
    assert_eq!(draw(5), draw(5));
    assert!((0..40).any(|seed| draw(seed) != draw(5)));
}

#[test]
fn whole_trees_are_drawn_as_often_as_they_are_likely() {
    let parent = [0, 0, 0, 1, 1];
    let w = [Some(0), None, Some(1), Some(1), None];
    let model = tree::Model::new(2, 2);
    let data = tree::Data { parent: (&parent).into(), w: (&w).into() };
    let mut g = Noise::new(4);
    // A transition that cannot happen is never drawn.
    let p = tree::Params {
        root: g.weights(2),
        trans: vec![g.weights(2), vec![0.0, 1.0].into()],
        emit: g.rows(2, 2),
    };
    let fit = model.infer(&data, &p).unwrap();
    let joint = |z: &[usize]| model.log_joint(&data, &tree::Latents { z: z.to_vec() }, &p).unwrap();
    frequencies(&[2; 5], &joint, &mut |d| {
        fit.posterior.z.sample_path(&mut stream(12, "trees", &[d])).unwrap()
    });
}

/// log p(y) of durations by segments (Ferguson 1980): `begins[t][k]` is the density of the data before t together with a kind k that comes
/// at t. The last segment may go on after the end.
fn by_segments(p: &durations::Params, y: &[f64]) -> f64 {
    let (kinds, longest, n) = (p.mean.len(), p.stay[0].len(), y.len());
    let density = |k: usize, t: usize| -> f64 {
        if y[t].is_nan() {
            return 1.0;
        }
        (-0.5 * (y[t] - p.mean[k]).powi(2) / p.s2).exp() / (std::f64::consts::TAU * p.s2).sqrt()
    };
    let mut begins = vec![vec![0.0; kinds]; n + 1];
    begins[0].copy_from_slice(p.start.as_slice());
    let mut total = 0.0;
    for t in 0..n {
        for k in 0..kinds {
            let mut seen = begins[t][k];
            for d in 0..longest {
                seen *= density(k, t + d);
                let all_later: f64 = p.stay[k].iter().skip(d).sum();
                if t + d + 1 == n {
                    total += seen * all_later;
                    break;
                }
                for j in 0..kinds {
                    begins[t + d + 1][j] += seen * p.stay[k][d] * p.jump[k][j];
                }
            }
        }
    }
    total.ln()
}

/// From d to d − 1; from 0 nothing leads this way.
fn below(longest: usize) -> DMatrix<f64> {
    DMatrix::from_fn(longest, longest, |d, next| f64::from(next == d.saturating_sub(1)))
}

fn duration_params(g: &mut Noise, kinds: usize, longest: usize) -> durations::Params {
    durations::Params {
        start: g.weights(kinds),
        jump: g.rows(kinds, kinds),
        stay: g.rows(kinds, longest),
        mean: g.normals(kinds),
        s2: 0.5 + g.unit(),
    }
}

#[test]
fn kinds_with_durations_of_their_own() {
    let y = [0.4, f64::NAN, -1.3, 0.8];
    let model = durations::Model::new(2, 3);
    let below = below(3);
    let data = durations::Data { below: (&below).into(), y: (&y).into() };
    let case = case! { durations, model, data;
        states: vec![2, 2, 2, 2, 3, 3, 3, 3], copies: vec![1.0; 8], independent: false,
        joint: &|z, p| {
            let latents = durations::Latents { kind: z[..4].to_vec(), left: z[4..].to_vec() };
            model.log_joint(&data, &latents, p).unwrap()
        },
        prior: &|_| 0.0,
        marginals: &|q| [marginals(&q.kind), marginals(&q.left)].concat(),
        moved: &|p, t, g| durations::Params {
            start: along::simplex(&p.start, t, g),
            jump: along::simplices(&p.jump, t, g),
            stay: along::simplices(&p.stay, t, g),
            mean: along::reals(&p.mean, t, g),
            s2: along::positive(p.s2, t, g),
        },
    };
    let arrays = [
        Joined::chain(&|q: &durations::Posterior| q.kind.clone(), 0..4),
        Joined::chain(&|q: &durations::Posterior| q.left.clone(), 4..8).beside(),
    ];
    let draw = |q: &durations::Posterior, d| {
        let l = q.sample(&mut stream(3, "draw", &[d])).unwrap();
        [l.kind, l.left].concat()
    };
    let mut g = Noise::new(17);
    for round in 0..2 {
        let p = duration_params(&mut g, 2, 3);
        case.evidence_and_marginals(&p);
        case.joint_law(&p, &data, &arrays, &draw);
        case.gradient(&p, 100 * round);
        case.m_step_is_the_maximum(&p, 100 * round + 50);
        close(model.infer(&data, &p).unwrap().log_likelihood(), by_segments(&p, &y), 1e-12);
    }
}

#[test]
fn long_series_of_kinds_with_durations_sum_over_segments() {
    let mut g = Noise::new(18);
    let p = duration_params(&mut g, 3, 5);
    let mut y = g.normals(60);
    y[7] = f64::NAN;
    let model = durations::Model::new(3, 5);
    let below = below(5);
    let data = durations::Data { below: (&below).into(), y: (&y).into() };
    let fit = model.infer(&data, &p).unwrap();
    close(fit.log_likelihood(), by_segments(&p, &y), 1e-12);
    assert!(fit.verify(&data, 1).unwrap().is_exact());
    let path = fit.posterior.kind.path().unwrap().states;
    let left = fit.posterior.left.path().unwrap().states;
    for t in 1..y.len() {
        assert!(left[t - 1] == 0 || (path[t] == path[t - 1] && left[t] + 1 == left[t - 1]), "step {t}");
    }
}
