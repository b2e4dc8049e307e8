//! Chains written in ways that invite mistakes: other axes, other beginnings, longer steps, nested plates, data-driven transitions.

use vi_core::prelude::*;
use vi_core::rng::stream;
use vi_tests::data::Noise;
use vi_tests::enumerate::{Case, marginals};
use vi_tests::joined::Joined;
use vi_tests::law::close;
use vi_tests::{along, case};

model! {
    pub mod two_apart(K) {
        param    start: Simplex[K];
        param    trans[i in K]: Simplex[K];
        param    rate[k in K]: Positive;
        latent   z[0]         ~ Categorical(start);
        latent   z[1]         ~ Categorical(start);
        latent   z[t in 2..T] ~ Categorical(trans[z[t-2]]);
        observed y[t in T]    ~ Poisson(rate[z[t]]);
    }
}
model! {
    pub mod from_one(K) {
        param    start: Simplex[K];
        param    trans[i in K]: Simplex[K];
        param    rate[k in K]: Positive;
        latent   z[1]         ~ Categorical(start);
        latent   z[t in 2..T] ~ Categorical(trans[z[t-1]]);
        observed y[t in 1..T] ~ Poisson(rate[z[t]]);
    }
}
model! {
    pub mod units_from_one(K) {
        param    weight: Simplex[K];
        param    rate[k in K]: Positive;
        latent   z[n in 1..N] ~ Categorical(weight);
        observed y[n in 1..N] ~ Poisson(rate[z[n]]);
    }
}
model! {
    pub mod late_partner(K) {
        param    a[i in K]: Simplex[K];
        param    b[i in K, j in K]: Simplex[K];
        param    rate[k in K]: Positive;
        latent   u[0]         ~ Uniform();
        latent   u[t in 1..T] ~ Categorical(a[u[t-1]]);
        latent   v[1]         ~ Uniform();
        latent   v[t in 2..T] ~ Categorical(b[v[t-1], u[t-1]]);
        observed y[t in 1..T] ~ Poisson(rate[v[t]]);
        observed x[t in T]    ~ Poisson(rate[u[t]]);
    }
}
model! {
    pub mod ahead(K) {
        param    trans[i in K]: Simplex[K];
        param    mean[k in K, l in K]: Real;
        param    late[k in K]: Real;
        param    s2: Positive;
        latent   z[0]           ~ Uniform();
        latent   z[t in 1..T]   ~ Categorical(trans[z[t-1]]);
        observed x[t in 0..T-1] ~ Normal(mean[z[t], z[t+1]], var: s2);
        observed y[t in 1..T]   ~ Normal(late[z[t-1]], var: s2);
    }
}
model! {
    pub mod driven_by_data(K, V) {
        param    trans[i in K, v in V]: Simplex[K];
        param    emit[k in K]: Simplex[V];
        latent   z[0]         ~ Uniform();
        observed w[t in T]    ~ Categorical(emit[z[t]]);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1], w[t-1]]);
    }
}
model! {
    pub mod sequences_and_rows(K) {
        param    trans[i in K]: Simplex[K];
        param    mean[k in K, d in D]: Real;
        param    s2[d in D]: Positive;
        for s in S {
            latent   z[s, 0]                    ~ Uniform();
            latent   z[s, t in 1..T[s]]         ~ Categorical(trans[z[s, t-1]]);
            observed y[s, t in T[s], d in D]: Real? ~ Normal(mean[z[s, t], d], var: s2[d]);
        }
    }
}

model! {
    pub mod permuted(K) {
        given    perm[r in R]: Category[T];
        given    x[t in T]: Real;
        param    trans[i in K]: Simplex[K];
        param    mean[k in K]: Real;
        param    s2: Positive;
        latent   z[0]         ~ Uniform();
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed y[r in R]    ~ Normal(mean[z[perm[r]]], var: s2);
    }
}
model! {
    pub mod carried(K, C) {
        param    w: Simplex[C];
        param    trans[c in C, i in K]: Simplex[K];
        param    mean[k in K]: Real;
        param    s2: Positive;
        for s in S {
            latent   c[s, 0]            ~ Categorical(w);
            latent   c[s, t in 1..T[s]] ~ Constant(c[s, t-1]);
            latent   z[s, 0]            ~ Uniform();
            latent   z[s, t in 1..T[s]] ~ Categorical(trans[c[s, t], z[s, t-1]]);
            observed y[s, t in T[s]]    ~ Normal(mean[z[s, t]], var: s2);
        }
    }
}

fn laws<M: vi_core::fit::Program + vi_core::ExactPosterior>(
    case: &Case<'_, M>,
    data: &M::Data<'_>,
    arrays: &[Joined<'_, M::Posterior>],
    draw: &dyn Fn(&M::Posterior, usize) -> Vec<usize>,
    mut params: impl FnMut(&mut Noise) -> M::Params,
) {
    let mut g = Noise::new(80);
    for round in 0..2 {
        let p = params(&mut g);
        case.evidence_and_marginals(&p);
        case.joint_law(&p, data, arrays, draw);
        case.gradient(&p, 100 * round);
        case.m_step_is_the_maximum(&p, 100 * round + 50);
    }
}

#[test]
fn steps_of_two_make_two_chains() {
    let y = [3u64, 0, 5, 1, 2];
    let model = two_apart::Model::new(2);
    let data = two_apart::Data { y: (&y).into() };
    let case = case! { two_apart, model, data;
        states: vec![2; 5], copies: vec![1.0; 5], independent: false,
        joint: &|z, p| model.log_joint(&data, &two_apart::Latents { z: z.to_vec() }, p).unwrap(),
        prior: &|_| 0.0,
        marginals: &|q| marginals(&q.z),
        moved: &|p, t, g| two_apart::Params {
            start: along::simplex(&p.start, t, g),
            trans: along::simplices(&p.trans, t, g),
            rate: along::positives(&p.rate, t, g),
        },
    };
    let arrays = [Joined::chain(&|q: &two_apart::Posterior| q.z.clone(), 0..5)];
    let draw = |q: &two_apart::Posterior, d| q.sample(&mut stream(3, "draw", &[d])).unwrap().z;
    laws(&case, &data, &arrays, &draw, |g| two_apart::Params {
        start: g.weights(2),
        trans: g.rows(2, 2),
        rate: vec![0.7 + g.unit(), 2.0 + g.unit()],
    });
}

#[test]
fn a_chain_that_begins_at_one() {
    let y = [99u64, 0, 5, 1, 2];
    let model = from_one::Model::new(2);
    let data = from_one::Data { y: (&y).into() };
    let case = case! { from_one, model, data;
        states: vec![2; 4], copies: vec![1.0; 4], independent: false,
        joint: &|z, p| {
            model.log_joint(&data, &from_one::Latents { z: [&[0], z].concat() }, p).unwrap()
        },
        prior: &|_| 0.0,
        marginals: &|q| marginals(&q.z).split_off(1),
        moved: &|p, t, g| from_one::Params {
            start: along::simplex(&p.start, t, g),
            trans: along::simplices(&p.trans, t, g),
            rate: along::positives(&p.rate, t, g),
        },
    };
    let mut g = Noise::new(80);
    for round in 0..2 {
        let p = from_one::Params {
            start: g.weights(2),
            trans: g.rows(2, 2),
            rate: vec![0.7 + g.unit(), 2.0 + g.unit()],
        };
        case.evidence_and_marginals(&p);
        case.gradient(&p, 100 * round);
        case.m_step_is_the_maximum(&p, 100 * round + 50);
        let fit = model.infer(&data, &p).unwrap();
        assert!(fit.verify(&data, round).unwrap().is_exact());
        assert_eq!(fit.posterior.z.path().unwrap().states.len(), 5);
    }
}

#[test]
fn a_unit_that_is_not_declared_adds_nothing() {
    let model = units_from_one::Model::new(2);
    let (y, rest) = ([99u64, 0, 5], [0u64, 5]);
    let data = units_from_one::Data { y: (&y).into() };
    let p = units_from_one::Params { weight: vec![0.3, 0.7].into(), rate: vec![1.0, 4.0] };
    let fit = model.infer(&data, &p).unwrap();
    let by_hand: f64 = rest
        .iter()
        .map(|y| {
            let at = |k: usize| p.weight[k].ln() + vi_tests::density::poisson(*y, p.rate[k]);
            vi_tests::density::log_sum_exp(&[at(0), at(1)])
        })
        .sum();
    close(fit.log_likelihood(), by_hand, 1e-12);
    assert!(fit.verify(&data, 1).unwrap().is_exact());
}

#[test]
fn partners_that_begin_at_different_times() {
    let (x, y) = ([1u64, 4, 2], [7u64, 0, 3]);
    let model = late_partner::Model::new(2);
    let data = late_partner::Data { x: (&x).into(), y: (&y).into() };
    let case = case! { late_partner, model, data;
        states: vec![2; 5], copies: vec![1.0; 5], independent: false,
        joint: &|z, p| {
            let latents = late_partner::Latents { u: z[..3].to_vec(), v: [&[0], &z[3..]].concat() };
            model.log_joint(&data, &latents, p).unwrap()
        },
        prior: &|_| 0.0,
        marginals: &|q| [marginals(&q.u), marginals(&q.v).split_off(1)].concat(),
        moved: &|p, t, g| late_partner::Params {
            a: along::simplices(&p.a, t, g),
            b: p.b.iter().map(|row| along::simplices(row, t, g)).collect(),
            rate: along::positives(&p.rate, t, g),
        },
    };
    let mut g = Noise::new(80);
    for round in 0..2 {
        let p = late_partner::Params {
            a: g.rows(2, 2),
            b: (0..2).map(|_| g.rows(2, 2)).collect(),
            rate: vec![0.7 + g.unit(), 2.0 + g.unit()],
        };
        case.evidence_and_marginals(&p);
        case.gradient(&p, 100 * round);
        case.m_step_is_the_maximum(&p, 100 * round + 50);
        assert!(model.infer(&data, &p).unwrap().verify(&data, round).unwrap().is_exact());
    }
}

#[test]
fn data_that_read_the_next_state_and_the_last() {
    let (x, y) = ([0.3, -1.0, 0.7], [9.0, 0.4, 1.0, -0.6]);
    let model = ahead::Model::new(2);
    let data = ahead::Data { x: (&x).into(), y: (&y).into() };
    let case = case! { ahead, model, data;
        states: vec![2; 4], copies: vec![1.0; 4], independent: false,
        joint: &|z, p| model.log_joint(&data, &ahead::Latents { z: z.to_vec() }, p).unwrap(),
        prior: &|_| 0.0,
        marginals: &|q| marginals(&q.z),
        moved: &|p, t, g| ahead::Params {
            trans: along::simplices(&p.trans, t, g),
            mean: p.mean.iter().map(|row| along::reals(row, t, g)).collect(),
            late: along::reals(&p.late, t, g),
            s2: along::positive(p.s2, t, g),
        },
    };
    let arrays = [Joined::chain(&|q: &ahead::Posterior| q.z.clone(), 0..4)];
    let draw = |q: &ahead::Posterior, d| q.sample(&mut stream(3, "draw", &[d])).unwrap().z;
    laws(&case, &data, &arrays, &draw, |g| ahead::Params {
        trans: g.rows(2, 2),
        mean: (0..2).map(|_| g.normals(2)).collect(),
        late: g.normals(2),
        s2: 0.5 + g.unit(),
    });
}

#[test]
fn transitions_that_the_last_observation_chooses() {
    let w = [0usize, 2, 1, 1];
    let model = driven_by_data::Model::new(2, 3);
    let data = driven_by_data::Data { w: (&w).into() };
    let case = case! { driven_by_data, model, data;
        states: vec![2; 4], copies: vec![1.0; 4], independent: false,
        joint: &|z, p| model.log_joint(&data, &driven_by_data::Latents { z: z.to_vec() }, p).unwrap(),
        prior: &|_| 0.0,
        marginals: &|q| marginals(&q.z),
        moved: &|p, t, g| driven_by_data::Params {
            trans: p.trans.iter().map(|row| along::simplices(row, t, g)).collect(),
            emit: along::simplices(&p.emit, t, g),
        },
    };
    let arrays = [Joined::chain(&|q: &driven_by_data::Posterior| q.z.clone(), 0..4)];
    let draw = |q: &driven_by_data::Posterior, d| q.sample(&mut stream(3, "draw", &[d])).unwrap().z;
    laws(&case, &data, &arrays, &draw, |g| driven_by_data::Params {
        trans: (0..2).map(|_| g.rows(3, 2)).collect(),
        emit: g.rows(2, 3),
    });
}

#[test]
fn rows_with_holes_in_every_state() {
    let nan = f64::NAN;
    let y = vec![
        DMatrix::from_row_slice(3, 2, &[0.3, nan, nan, nan, 1.0, -2.0]),
        DMatrix::from_row_slice(2, 2, &[nan, 0.5, 0.1, 0.2]),
    ];
    let model = sequences_and_rows::Model::new(2);
    let data = sequences_and_rows::Data { y: (&y).into() };
    let cut = |z: &[usize]| vec![z[..3].to_vec(), z[3..].to_vec()];
    let case = case! { sequences_and_rows, model, data;
        states: vec![2; 5], copies: vec![1.0; 5], independent: false,
        joint: &|z, p| model.log_joint(&data, &sequences_and_rows::Latents { z: cut(z) }, p).unwrap(),
        prior: &|_| 0.0,
        marginals: &|q| q.z.iter().flat_map(marginals).collect(),
        moved: &|p, t, g| sequences_and_rows::Params {
            trans: along::simplices(&p.trans, t, g),
            mean: p.mean.iter().map(|row| along::reals(row, t, g)).collect(),
            s2: along::positives(&p.s2, t, g),
        },
    };
    let arrays = [
        Joined::chain(&|q: &sequences_and_rows::Posterior| q.z[0].clone(), 0..3),
        Joined::chain(&|q: &sequences_and_rows::Posterior| q.z[1].clone(), 3..5),
    ];
    let draw =
        |q: &sequences_and_rows::Posterior, d| q.sample(&mut stream(3, "draw", &[d])).unwrap().z.concat();
    laws(&case, &data, &arrays, &draw, |g| sequences_and_rows::Params {
        trans: g.rows(2, 2),
        mean: (0..2).map(|_| g.normals(2)).collect(),
        s2: vec![0.5 + g.unit(), 0.5 + g.unit()],
    });
}

#[test]
fn data_that_find_their_element_by_a_map() {
    let y = [0.3, -1.0, 0.7, 2.0, -0.4];
    let perm = [2, 0, 2, 3, 0];
    let model = permuted::Model::new(2);
    let data = permuted::Data { perm: (&perm).into(), x: (&[0.0; 4]).into(), y: (&y).into() };
    let case = case! { permuted, model, data;
        states: vec![2; 4], copies: vec![1.0; 4], independent: false,
        joint: &|z, p| model.log_joint(&data, &permuted::Latents { z: z.to_vec() }, p).unwrap(),
        prior: &|_| 0.0,
        marginals: &|q| marginals(&q.z),
        moved: &|p, t, g| permuted::Params {
            trans: along::simplices(&p.trans, t, g),
            mean: along::reals(&p.mean, t, g),
            s2: along::positive(p.s2, t, g),
        },
    };
    let arrays = [Joined::chain(&|q: &permuted::Posterior| q.z.clone(), 0..4)];
    let draw = |q: &permuted::Posterior, d| q.sample(&mut stream(3, "draw", &[d])).unwrap().z;
    laws(&case, &data, &arrays, &draw, |g| permuted::Params {
        trans: g.rows(2, 2),
        mean: g.normals(2),
        s2: 0.5 + g.unit(),
    });
}

#[test]
fn a_class_of_each_sequence_that_is_carried_along() {
    let y = vec![vec![0.3, -1.0, 0.7], vec![2.0]];
    let model = carried::Model::new(2, 2);
    let data = carried::Data { y: (&y).into() };
    let cut = |z: &[usize]| vec![z[..3].to_vec(), z[3..].to_vec()];
    let case = case! { carried, model, data;
        states: vec![2; 8], copies: vec![1.0; 8], independent: false,
        joint: &|z, p| {
            let latents = carried::Latents { c: cut(&z[..4]), z: cut(&z[4..]) };
            model.log_joint(&data, &latents, p).unwrap()
        },
        prior: &|_| 0.0,
        marginals: &|q| q.c.iter().chain(&q.z).flat_map(marginals).collect(),
        moved: &|p, t, g| carried::Params {
            w: along::simplex(&p.w, t, g),
            trans: p.trans.iter().map(|row| along::simplices(row, t, g)).collect(),
            mean: along::reals(&p.mean, t, g),
            s2: along::positive(p.s2, t, g),
        },
    };
    let arrays = [
        Joined::chain(&|q: &carried::Posterior| q.c[0].clone(), 0..3),
        Joined::chain(&|q: &carried::Posterior| q.c[1].clone(), 3..4),
        Joined::chain(&|q: &carried::Posterior| q.z[0].clone(), 4..7).beside(),
        Joined::chain(&|q: &carried::Posterior| q.z[1].clone(), 7..8).beside(),
    ];
    let draw = |q: &carried::Posterior, d| {
        let l = q.sample(&mut stream(3, "draw", &[d])).unwrap();
        [l.c.concat(), l.z.concat()].concat()
    };
    laws(&case, &data, &arrays, &draw, |g| carried::Params {
        w: g.weights(2),
        trans: (0..2).map(|_| g.rows(2, 2)).collect(),
        mean: g.normals(2),
        s2: 0.5 + g.unit(),
    });
}
