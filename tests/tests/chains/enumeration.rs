//! Chains so short that every path can be gone through: evidence, marginals, neighbours, the best path, draws, M-steps and gradients against
//! sums of `log_joint`.

use vi_core::Error;
use vi_core::prelude::*;
use vi_core::rng::stream;
use vi_tests::data::Noise;
use vi_tests::enumerate::{Case, marginals};
use vi_tests::joined::Joined;
use vi_tests::law::close;
use vi_tests::{along, case};

model! {
    pub mod sequences(K, V) {
        param start: Simplex[K];
        param trans[i in K]: Simplex[K];
        param mean[k in K]: Vector[D];
        param cov[k in K]: SymPos[D];
        param emit[k in K]: Simplex[V];
        for s in S {
            latent   z[s, 0]            ~ Categorical(start);
            latent   z[s, t in 1..T[s]] ~ Categorical(trans[z[s, t-1]]);
            observed x[s, t in T[s]]    ~ Normal(mean[z[s, t]], cov: cov[z[s, t]]);
            observed w[s, t in T[s]]: Category[V]? ~ Categorical(emit[z[s, t]]);
        }
    }
}
model! {
    pub mod mixtures(K, C) {
        param    start: Simplex[K];
        param    trans[i in K]: Simplex[K];
        param    weight[k in K]: Simplex[C];
        param    mean[k in K, c in C]: Real;
        param    s2: Positive;
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        latent   c[t in T]    ~ Categorical(weight[z[t]]);
        observed y[t in T]: Real? ~ Normal(mean[z[t], c[t]], var: s2);
    }
}
model! {
    pub mod second_order(K) {
        param    start: Simplex[K];
        param    first[i in K]: Simplex[K];
        param    trans[i in K, j in K]: Simplex[K];
        param    rate[k in K]: Positive;
        latent   z[0]         ~ Categorical(start);
        latent   z[1]         ~ Categorical(first[z[0]]);
        latent   z[t in 2..T] ~ Categorical(trans[z[t-2], z[t-1]]);
        observed y[t in T]    ~ Poisson(rate[z[t]]);
    }
}
model! {
    pub mod factorial(K, L) {
        param    a[i in K]: Simplex[K];
        param    b[i in L]: Simplex[L];
        param    mean[k in K, l in L]: Real;
        param    s2: Positive;
        latent   u[0]         ~ Uniform();
        latent   v[0]         ~ Uniform();
        latent   u[t in 1..T] ~ Categorical(a[u[t-1]]);
        latent   v[t in 1..T] ~ Categorical(b[v[t-1]]);
        observed y[t in T]    ~ Normal(mean[u[t], v[t]], var: s2);
    }
}
model! {
    pub mod driven(K, U) {
        given    input[t in 1..T]: Category[U];
        param    trans[c in U, i in K]: Simplex[K];
        param    a[k in K]: Real;
        param    s2[k in K]: Positive;
        latent   z[0]         ~ Uniform();
        latent   z[t in 1..T] ~ Categorical(trans[input[t], z[t-1]]);
        given    y[0]: Real;
        observed y[t in 1..T] ~ Normal(a[z[t]] * y[t-1], var: s2[z[t]]);
    }
}
model! {
    pub mod jumps(K) {
        param    trans[i in K]: Simplex[K];
        param    mean[i in K, k in K]: Real;
        param    s2: Positive;
        latent   z[0]         ~ Uniform();
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed y[t in 1..T] ~ Normal(mean[z[t-1], z[t]], var: s2);
    }
}
model! {
    pub mod labelled(K) {
        param    start: Simplex[K];
        param    trans[i in K]: Simplex[K];
        param    mean[k in K]: Real;
        param    s2: Positive;
        observed z[0]: Category[K]?         ~ Categorical(start);
        observed z[t in 1..T]: Category[K]? ~ Categorical(trans[z[t-1]]);
        observed y[t in T]    ~ Normal(mean[z[t]], var: s2);
    }
}
model! {
    pub mod coupled(K, L) {
        param    a[i in K, j in L]: Simplex[K];
        param    b[i in L, j in K]: Simplex[L];
        param    p[k in K, l in L]: Unit;
        latent   u[0]         ~ Uniform();
        latent   v[0]         ~ Uniform();
        latent   u[t in 1..T] ~ Categorical(a[u[t-1], v[t-1]]);
        latent   v[t in 1..T] ~ Categorical(b[v[t-1], u[t-1]]);
        observed y[t in T]: Bool ~ Bernoulli(p[u[t], v[t]]);
    }
}

/// Everything at several params.
fn laws<M: vi_core::fit::Program + vi_core::ExactPosterior>(
    case: &Case<'_, M>,
    data: &M::Data<'_>,
    arrays: &[Joined<'_, M::Posterior>],
    draw: &dyn Fn(&M::Posterior, usize) -> Vec<usize>,
    mut params: impl FnMut(&mut Noise) -> M::Params,
) {
    let mut g = Noise::new(78);
    for round in 0..2 {
        let p = params(&mut g);
        case.evidence_and_marginals(&p);
        case.joint_law(&p, data, arrays, draw);
        case.gradient(&p, 100 * round);
        case.m_step_is_the_maximum(&p, 100 * round + 50);
    }
}

#[test]
fn ragged_sequences_with_two_channels_and_holes() {
    let mut g = Noise::new(1);
    let lengths = [3, 0, 1, 2];
    let x: Vec<DMatrix<f64>> =
        lengths.iter().map(|t| DMatrix::from_fn(*t, 2, |_, _| 1.5 * g.normal())).collect();
    let w = vec![vec![Some(0), None, Some(1)], vec![], vec![Some(1)], vec![None, Some(0)]];
    let model = sequences::Model::new(2, 2);
    let data = sequences::Data { x: (&x).into(), w: (&w).into() };
    let cut = |z: &[usize]| vec![z[..3].to_vec(), vec![], z[3..4].to_vec(), z[4..].to_vec()];
    let case = case! { sequences, model, data;
        states: vec![2; 6], copies: vec![1.0; 6], independent: false,
        joint: &|z, p| {
            model.log_joint(&data, &sequences::Latents { z: cut(z) }, p).unwrap()
        },
        prior: &|_| 0.0,
        marginals: &|q| q.z.iter().flat_map(marginals).collect(),
        moved: &|p, t, g| sequences::Params {
            start: along::simplex(&p.start, t, g),
            trans: along::simplices(&p.trans, t, g),
            mean: p.mean.iter().map(|m| along::vector(m, t, g)).collect(),
            cov: p.cov.iter().map(|s| along::sym_pos(s, t, g)).collect(),
            emit: along::simplices(&p.emit, t, g),
        },
    };
    let arrays = [
        Joined::chain(&|q: &sequences::Posterior| q.z[0].clone(), 0..3),
        Joined::chain(&|q: &sequences::Posterior| q.z[1].clone(), 3..3),
        Joined::chain(&|q: &sequences::Posterior| q.z[2].clone(), 3..4),
        Joined::chain(&|q: &sequences::Posterior| q.z[3].clone(), 4..6),
    ];
    let draw = |q: &sequences::Posterior, d| q.sample(&mut stream(3, "draw", &[d])).unwrap().z.concat();
    laws(&case, &data, &arrays, &draw, |g| sequences::Params {
        start: g.weights(2),
        trans: g.rows(2, 2),
        mean: (0..2).map(|_| DVector::from_vec(g.normals(2))).collect(),
        cov: (0..2).map(|_| g.sym_pos(2)).collect(),
        emit: g.rows(2, 2),
    });
}

#[test]
fn a_mixture_in_every_state() {
    let y = [0.4, f64::NAN, -1.3, 2.0];
    let model = mixtures::Model::new(2, 2);
    let data = mixtures::Data { y: (&y).into() };
    let case = case! { mixtures, model, data;
        states: vec![2; 8], copies: vec![1.0; 8], independent: false,
        joint: &|z, p| {
            let latents = mixtures::Latents { z: z[..4].to_vec(), c: z[4..].to_vec() };
            model.log_joint(&data, &latents, p).unwrap()
        },
        prior: &|_| 0.0,
        marginals: &|q| [marginals(&q.z), marginals(&q.c)].concat(),
        moved: &|p, t, g| mixtures::Params {
            start: along::simplex(&p.start, t, g),
            trans: along::simplices(&p.trans, t, g),
            weight: along::simplices(&p.weight, t, g),
            mean: p.mean.iter().map(|m| along::reals(m, t, g)).collect(),
            s2: along::positive(p.s2, t, g),
        },
    };
    let arrays = [
        Joined::chain(&|q: &mixtures::Posterior| q.z.clone(), 0..4),
        Joined::chain(&|q: &mixtures::Posterior| q.c.clone(), 4..8).beside(),
    ];
    let draw = |q: &mixtures::Posterior, d| {
        let l = q.sample(&mut stream(3, "draw", &[d])).unwrap();
        [l.z, l.c].concat()
    };
    laws(&case, &data, &arrays, &draw, |g| mixtures::Params {
        start: g.weights(2),
        trans: g.rows(2, 2),
        weight: g.rows(2, 2),
        mean: (0..2).map(|_| g.normals(2)).collect(),
        s2: 0.5 + g.unit(),
    });
}

#[test]
fn a_chain_that_remembers_two_steps() {
    for y in [vec![3u64, 0, 5, 1, 2], vec![2, 1], vec![4]] {
        let n = y.len();
        let model = second_order::Model::new(2);
        let data = second_order::Data { y: (&y).into() };
        let case = case! { second_order, model, data;
            states: vec![2; n], copies: vec![1.0; n], independent: false,
            joint: &|z, p| model.log_joint(&data, &second_order::Latents { z: z.to_vec() }, p).unwrap(),
            prior: &|_| 0.0,
            marginals: &|q| marginals(&q.z),
            moved: &|p, t, g| second_order::Params {
                start: along::simplex(&p.start, t, g),
                first: along::simplices(&p.first, t, g),
                trans: p.trans.iter().map(|row| along::simplices(row, t, g)).collect(),
                rate: along::positives(&p.rate, t, g),
            },
        };
        let arrays = [Joined::chain(&|q: &second_order::Posterior| q.z.clone(), 0..n)];
        let draw = |q: &second_order::Posterior, d| q.sample(&mut stream(3, "draw", &[d])).unwrap().z;
        let mut g = Noise::new(5);
        let mut params = || second_order::Params {
            start: g.weights(2),
            first: g.rows(2, 2),
            trans: (0..2).map(|_| g.rows(2, 2)).collect(),
            rate: vec![0.7 + g.unit(), 2.0 + g.unit()],
        };
        let p = params();
        case.evidence_and_marginals(&p);
        case.joint_law(&p, &data, &arrays, &draw);
        if n == 5 {
            case.gradient(&p, 1);
            case.m_step_is_the_maximum(&p, 50);
        }
    }
}

#[test]
fn two_chains_that_meet_in_their_data() {
    let y = [0.4, -1.0, 2.2];
    let model = factorial::Model::new(2, 3);
    let data = factorial::Data { y: (&y).into() };
    let case = case! { factorial, model, data;
        states: vec![2, 2, 2, 3, 3, 3], copies: vec![1.0; 6], independent: false,
        joint: &|z, p| {
            let latents = factorial::Latents { u: z[..3].to_vec(), v: z[3..].to_vec() };
            model.log_joint(&data, &latents, p).unwrap()
        },
        prior: &|_| 0.0,
        marginals: &|q| [marginals(&q.u), marginals(&q.v)].concat(),
        moved: &|p, t, g| factorial::Params {
            a: along::simplices(&p.a, t, g),
            b: along::simplices(&p.b, t, g),
            mean: p.mean.iter().map(|m| along::reals(m, t, g)).collect(),
            s2: along::positive(p.s2, t, g),
        },
    };
    let arrays = [
        Joined::chain(&|q: &factorial::Posterior| q.u.clone(), 0..3),
        Joined::chain(&|q: &factorial::Posterior| q.v.clone(), 3..6).beside(),
    ];
    let draw = |q: &factorial::Posterior, d| {
        let l = q.sample(&mut stream(3, "draw", &[d])).unwrap();
        [l.u, l.v].concat()
    };
    laws(&case, &data, &arrays, &draw, |g| factorial::Params {
        a: g.rows(2, 2),
        b: g.rows(3, 3),
        mean: (0..2).map(|_| g.normals(3)).collect(),
        s2: 0.5 + g.unit(),
    });
}

#[test]
fn a_product_of_chains_above_the_budget_is_too_large() {
    let y = [0.4, -1.0, 2.2];
    let data = factorial::Data { y: (&y).into() };
    let options = Options::new().budget(5);
    let error = factorial::Model::new(2, 3).fit(&data, &options).unwrap_err();
    assert!(matches!(error, Error::TooLarge { states: 6, budget: 5, .. }), "{error}");
    assert!(error.to_string().contains("q(u); q(v);"), "{error}");
    let alone = second_order::Model::new(3).fit(&second_order::Data { y: (&[1, 2, 3, 0]).into() }, &options);
    let error = alone.unwrap_err();
    assert!(matches!(error, Error::TooLarge { states: 9, budget: 5, .. }), "{error}");
    println!("{error}");
}

#[test]
fn two_chains_that_drive_each_other() {
    let y = [true, false, true];
    let model = coupled::Model::new(2, 2);
    let data = coupled::Data { y: (&y).into() };
    let case = case! { coupled, model, data;
        states: vec![2; 6], copies: vec![1.0; 6], independent: false,
        joint: &|z, p| {
            let latents = coupled::Latents { u: z[..3].to_vec(), v: z[3..].to_vec() };
            model.log_joint(&data, &latents, p).unwrap()
        },
        prior: &|_| 0.0,
        marginals: &|q| [marginals(&q.u), marginals(&q.v)].concat(),
        moved: &|p, t, g| coupled::Params {
            a: p.a.iter().map(|row| along::simplices(row, t, g)).collect(),
            b: p.b.iter().map(|row| along::simplices(row, t, g)).collect(),
            p: p.p.iter().map(|row| row.iter().map(|v| along::unit(*v, t, g)).collect()).collect(),
        },
    };
    let arrays = [
        Joined::chain(&|q: &coupled::Posterior| q.u.clone(), 0..3),
        Joined::chain(&|q: &coupled::Posterior| q.v.clone(), 3..6).beside(),
    ];
    let draw = |q: &coupled::Posterior, d| {
        let l = q.sample(&mut stream(3, "draw", &[d])).unwrap();
        [l.u, l.v].concat()
    };
    laws(&case, &data, &arrays, &draw, |g| coupled::Params {
        a: (0..2).map(|_| g.rows(2, 2)).collect(),
        b: (0..2).map(|_| g.rows(2, 2)).collect(),
        p: (0..2).map(|_| (0..2).map(|_| 0.1 + 0.8 * g.unit()).collect()).collect(),
    });
}

#[test]
fn transitions_that_an_input_chooses_and_data_that_read_the_past() {
    let y = [0.4, -1.0, 2.2, 0.3, -0.8];
    let input = [2, 0, 1, 1, 0];
    let model = driven::Model::new(2, 2);
    let data = driven::Data { input: (&input).into(), y: (&y).into() };
    let case = case! { driven, model, data;
        states: vec![2; 5], copies: vec![1.0; 5], independent: false,
        joint: &|z, p| model.log_joint(&data, &driven::Latents { z: z.to_vec() }, p).unwrap(),
        prior: &|_| 0.0,
        marginals: &|q| marginals(&q.z),
        moved: &|p, t, g| driven::Params {
            trans: p.trans.iter().map(|row| along::simplices(row, t, g)).collect(),
            a: along::reals(&p.a, t, g),
            s2: along::positives(&p.s2, t, g),
        },
    };
    let arrays = [Joined::chain(&|q: &driven::Posterior| q.z.clone(), 0..5)];
    let draw = |q: &driven::Posterior, d| q.sample(&mut stream(3, "draw", &[d])).unwrap().z;
    laws(&case, &data, &arrays, &draw, |g| driven::Params {
        trans: (0..2).map(|_| g.rows(2, 2)).collect(),
        a: g.normals(2),
        s2: vec![0.5 + g.unit(), 0.5 + g.unit()],
    });
}

#[test]
fn data_of_a_jump_from_one_state_to_the_next() {
    let y = [f64::NAN, -1.0, 2.2, 0.3];
    let model = jumps::Model::new(2);
    let data = jumps::Data { y: (&y).into() };
    let case = case! { jumps, model, data;
        states: vec![2; 4], copies: vec![1.0; 4], independent: false,
        joint: &|z, p| model.log_joint(&data, &jumps::Latents { z: z.to_vec() }, p).unwrap(),
        prior: &|_| 0.0,
        marginals: &|q| marginals(&q.z),
        moved: &|p, t, g| jumps::Params {
            trans: along::simplices(&p.trans, t, g),
            mean: p.mean.iter().map(|m| along::reals(m, t, g)).collect(),
            s2: along::positive(p.s2, t, g),
        },
    };
    let arrays = [Joined::chain(&|q: &jumps::Posterior| q.z.clone(), 0..4)];
    let draw = |q: &jumps::Posterior, d| q.sample(&mut stream(3, "draw", &[d])).unwrap().z;
    laws(&case, &data, &arrays, &draw, |g| jumps::Params {
        trans: g.rows(2, 2),
        mean: (0..2).map(|_| g.normals(2)).collect(),
        s2: 0.5 + g.unit(),
    });
}

#[test]
fn states_some_of_which_are_seen() {
    let y = [0.4, -1.0, 2.2, 0.3, -0.8];
    let label = [None, Some(1), None, None, Some(0)];
    let model = labelled::Model::new(2);
    let data = labelled::Data { z: (&label).into(), y: (&y).into() };
    let case = case! { labelled, model, data;
        states: vec![2; 5], copies: vec![1.0; 5], independent: false,
        joint: &|z, p| match z.iter().zip(&label).all(|(z, l)| l.is_none_or(|l| l == *z)) {
            true => model.log_joint(&data, &labelled::Latents { z: z.to_vec() }, p).unwrap(),
            false => f64::NEG_INFINITY,
        },
        prior: &|_| 0.0,
        marginals: &|q| marginals(&q.z),
        moved: &|p, t, g| labelled::Params {
            start: along::simplex(&p.start, t, g),
            trans: along::simplices(&p.trans, t, g),
            mean: along::reals(&p.mean, t, g),
            s2: along::positive(p.s2, t, g),
        },
    };
    let arrays = [Joined::chain(&|q: &labelled::Posterior| q.z.clone(), 0..5)];
    let draw = |q: &labelled::Posterior, d| q.sample(&mut stream(3, "draw", &[d])).unwrap().z;
    laws(&case, &data, &arrays, &draw, |g| labelled::Params {
        start: g.weights(2),
        trans: g.rows(2, 2),
        mean: g.normals(2),
        s2: 0.5 + g.unit(),
    });
    let fit = model.infer(
        &data,
        &labelled::Params {
            start: vec![0.5, 0.5].into(),
            trans: vec![vec![0.5, 0.5].into(), vec![0.5, 0.5].into()],
            mean: vec![0.0, 1.0],
            s2: 1.0,
        },
    );
    close(fit.unwrap().posterior.z.probs(1)[1], 1.0, 0.0);
}
