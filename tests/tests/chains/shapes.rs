//! Trees, reversed and banded chains, chains of Bools, copies, several chains that share params, and emissions of several families: each by
//! enumeration.

use vi_core::prelude::*;
use vi_core::rng::stream;
use vi_tests::data::Noise;
use vi_tests::density::{beta, dirichlet, gamma};
use vi_tests::enumerate::{Case, marginals};
use vi_tests::joined::Joined;
use vi_tests::law::{close, monotone};
use vi_tests::{along, case};

model! {
    pub mod tree(K) {
        given    parent[n in 1..N]: Category[n];
        param    root: Simplex[K];
        param    trans[i in K]: Simplex[K];
        param    emit[k in K]: Simplex[K];
        latent   z[0]         ~ Categorical(root);
        latent   z[n in 1..N] ~ Categorical(trans[z[parent[n]]]);
        observed y[n in N]: Category[K]? ~ Categorical(emit[z[n]]);
    }
}
model! {
    pub mod forest(K) {
        given    parent[s in S, n in 1..N[s]]: Category[n];
        param    root: Simplex[K];
        param    trans[i in K]: Simplex[K];
        param    shift[i in K, k in K]: Real;
        param    s2: Positive;
        for s in S {
            latent   z[s, 0]            ~ Categorical(root);
            latent   z[s, n in 1..N[s]] ~ Categorical(trans[z[s, parent[s, n]]]);
            observed y[s, n in 1..N[s]] ~ Normal(shift[z[s, parent[s, n]], z[s, n]], var: s2);
        }
    }
}
model! {
    pub mod reversed(K) {
        param    last: Simplex[K];
        param    back[i in K]: Simplex[K];
        param    rate[k in K]: Positive;
        latent   z[T-1]       ~ Categorical(last);
        latent   z[t in 0..T-1] ~ Categorical(back[z[t+1]]);
        observed y[t in T]    ~ Poisson(rate[z[t]]);
    }
}
model! {
    pub mod switch {
        param    p0: Unit ~ Beta(2, 2);
        param    stay: Unit ~ Beta(3, 2);
        param    leave: Unit ~ Beta(2, 4);
        param    shape[k in 0..2]: Positive;
        param    rate[k in 0..2]: Positive;
        latent   on[0]         ~ Bernoulli(p0);
        latent   on[t in 1..T] ~ match on[t-1] { true => Bernoulli(stay), false => Bernoulli(leave) };
        observed y[t in T]     ~ Gamma(shape: shape[on[t]], rate: rate[on[t]]);
    }
}
model! {
    pub mod regularised(K) {
        given    x[t in T]: Vector[P];
        param    start: Simplex[K] ~ Dirichlet(2.0);
        param    trans[i in K]: Simplex[K] ~ Dirichlet(1.5);
        param    rate[k in K] ~ Gamma(shape: 2, rate: 1);
        param    w[k in K]: Vector[P];
        param    s2: Positive;
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed y[t in T]    ~ Normal(dot(w[z[t]], x[t]), var: s2);
        observed n[t in T]: Count? ~ Poisson(rate[z[t]]);
    }
}
model! {
    pub mod shared_params(K) {
        param    trans[i in K]: Simplex[K];
        param    mean[k in K]: Real;
        param    s2: Positive;
        latent   u[0]         ~ Uniform();
        latent   u[t in 1..T] ~ Categorical(trans[u[t-1]]);
        observed x[t in T]    ~ Normal(mean[u[t]], var: s2);
        latent   v[0]         ~ Uniform();
        latent   v[r in 1..R] ~ Categorical(trans[v[r-1]]);
        observed y[r in R]    ~ Normal(mean[v[r]], var: s2);
    }
}
model! {
    pub mod banded(K) {
        param    start: Simplex[K];
        param    trans[i in K]: Simplex[K];
        param    mean[k in K]: Vector[D];
        param    s2[d in D]: Positive;
        for s in S {
            latent   z[s, 0]            ~ Categorical(start);
            latent   z[s, t in 1..T[s]] ~ Categorical(trans[z[s, t-1]]);
            observed x[s, t in T[s]]    ~ Normal(mean[z[s, t]], var: s2);
        }
    }
}
model! {
    pub mod repeated(K) {
        given    c[s in S]: Count;
        param    start: Simplex[K];
        param    trans[i in K]: Simplex[K];
        param    emit[k in K]: Simplex[K];
        for s in S repeat c[s] {
            latent   z[s, 0]            ~ Categorical(start);
            latent   z[s, t in 1..T[s]] ~ Categorical(trans[z[s, t-1]]);
            observed w[s, t in T[s]]    ~ Categorical(emit[z[s, t]]);
        }
    }
}
model! {
    pub mod copied(K) {
        given    keep[t in 1..T]: Bool;
        param    start: Simplex[K];
        param    trans[i in K]: Simplex[K];
        param    mean[k in K]: Real;
        param    cov: Positive;
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ match keep[t] { true => Constant(z[t-1]), false => Categorical(trans[z[t-1]]) };
        observed y[t in T]    ~ Normal(mean[z[t]], var: cov);
    }
}

fn laws<M: vi_core::fit::Program + vi_core::ExactPosterior>(
    case: &Case<'_, M>,
    data: &M::Data<'_>,
    arrays: &[Joined<'_, M::Posterior>],
    draw: &dyn Fn(&M::Posterior, usize) -> Vec<usize>,
    mut params: impl FnMut(&mut Noise) -> M::Params,
) {
    let mut g = Noise::new(79);
    for round in 0..2 {
        let p = params(&mut g);
        case.evidence_and_marginals(&p);
        case.joint_law(&p, data, arrays, draw);
        case.gradient(&p, 100 * round);
        case.m_step_is_the_maximum(&p, 100 * round + 50);
    }
}

#[test]
fn a_tree_of_parents() {
    for (parent, y) in [
        (vec![0, 0, 0, 1, 1, 0], vec![Some(0), None, Some(1), Some(1), None, Some(0)]),
        (vec![0, 0, 1, 2], vec![None, Some(1), Some(0), Some(1)]),
    ] {
        let n = y.len();
        let model = tree::Model::new(2);
        let data = tree::Data { parent: (&parent).into(), y: (&y).into() };
        let case = case! { tree, model, data;
            states: vec![2; n], copies: vec![1.0; n], independent: false,
            joint: &|z, p| model.log_joint(&data, &tree::Latents { z: z.to_vec() }, p).unwrap(),
            prior: &|_| 0.0,
            marginals: &|q| marginals(&q.z),
            moved: &|p, t, g| tree::Params {
                root: along::simplex(&p.root, t, g),
                trans: along::simplices(&p.trans, t, g),
                emit: along::simplices(&p.emit, t, g),
            },
        };
        let before = (0..n).map(|i| (i > 0).then(|| parent[i])).collect();
        let arrays = [Joined::chain(&|q: &tree::Posterior| q.z.clone(), 0..n).following(before)];
        let draw = |q: &tree::Posterior, d| q.sample(&mut stream(3, "draw", &[d])).unwrap().z;
        laws(&case, &data, &arrays, &draw, |g| tree::Params {
            root: g.weights(2),
            trans: g.rows(2, 2),
            emit: g.rows(2, 2),
        });
    }
}

#[test]
fn several_trees_whose_data_read_the_parent() {
    let parent = vec![vec![0, 0, 0, 1], vec![0], vec![], vec![0, 0, 1]];
    let y = vec![vec![0.0, 0.3, -1.2, 0.8], vec![0.0], vec![], vec![0.0, 1.1, -0.4]];
    let model = forest::Model::new(2);
    let data = forest::Data { parent: (&parent).into(), y: (&y).into() };
    let cut = |z: &[usize]| vec![z[..4].to_vec(), z[4..5].to_vec(), vec![], z[5..].to_vec()];
    let case = case! { forest, model, data;
        states: vec![2; 8], copies: vec![1.0; 8], independent: false,
        joint: &|z, p| model.log_joint(&data, &forest::Latents { z: cut(z) }, p).unwrap(),
        prior: &|_| 0.0,
        marginals: &|q| q.z.iter().flat_map(marginals).collect(),
        moved: &|p, t, g| forest::Params {
            root: along::simplex(&p.root, t, g),
            trans: along::simplices(&p.trans, t, g),
            shift: p.shift.iter().map(|row| along::reals(row, t, g)).collect(),
            s2: along::positive(p.s2, t, g),
        },
    };
    let arrays = [
        Joined::chain(&|q: &forest::Posterior| q.z[0].clone(), 0..4).following(vec![
            None,
            Some(0),
            Some(0),
            Some(1),
        ]),
        Joined::chain(&|q: &forest::Posterior| q.z[1].clone(), 4..5),
        Joined::chain(&|q: &forest::Posterior| q.z[2].clone(), 5..5),
        Joined::chain(&|q: &forest::Posterior| q.z[3].clone(), 5..8).following(vec![None, Some(0), Some(1)]),
    ];
    let draw = |q: &forest::Posterior, d| q.sample(&mut stream(3, "draw", &[d])).unwrap().z.concat();
    laws(&case, &data, &arrays, &draw, |g| forest::Params {
        root: g.weights(2),
        trans: g.rows(2, 2),
        shift: (0..2).map(|_| g.normals(2)).collect(),
        s2: 0.5 + g.unit(),
    });
}

#[test]
fn a_chain_written_backwards() {
    let y = [2u64, 0, 3, 1];
    let model = reversed::Model::new(2);
    let data = reversed::Data { y: (&y).into() };
    let case = case! { reversed, model, data;
        states: vec![2; 4], copies: vec![1.0; 4], independent: false,
        joint: &|z, p| model.log_joint(&data, &reversed::Latents { z: z.to_vec() }, p).unwrap(),
        prior: &|_| 0.0,
        marginals: &|q| marginals(&q.z),
        moved: &|p, t, g| reversed::Params {
            last: along::simplex(&p.last, t, g),
            back: along::simplices(&p.back, t, g),
            rate: along::positives(&p.rate, t, g),
        },
    };
    let arrays = [Joined::chain(&|q: &reversed::Posterior| q.z.clone(), 0..4)];
    let draw = |q: &reversed::Posterior, d| q.sample(&mut stream(3, "draw", &[d])).unwrap().z;
    laws(&case, &data, &arrays, &draw, |g| reversed::Params {
        last: g.weights(2),
        back: g.rows(2, 2),
        rate: vec![0.5 + g.unit(), 2.0 + g.unit()],
    });
}

#[test]
fn a_chain_of_bools_with_priors() {
    let y = [0.4, 1.3, 2.2, 0.1];
    let model = switch::Model::new();
    let data = switch::Data { y: (&y).into() };
    let case = case! { switch, model, data;
        states: vec![2; 4], copies: vec![1.0; 4], independent: false,
        joint: &|z, p| {
            let on = z.iter().map(|z| *z == 1).collect();
            model.log_joint(&data, &switch::Latents { on }, p).unwrap()
        },
        prior: &|p| beta(p.p0, 2.0, 2.0) + beta(p.stay, 3.0, 2.0) + beta(p.leave, 2.0, 4.0),
        marginals: &|q| marginals(&q.on),
        moved: &|p, t, g| switch::Params {
            p0: along::unit(p.p0, t, g),
            stay: along::unit(p.stay, t, g),
            leave: along::unit(p.leave, t, g),
            shape: along::positives(&p.shape, t, g),
            rate: along::positives(&p.rate, t, g),
        },
    };
    let arrays = [Joined::chain(&|q: &switch::Posterior| q.on.clone(), 0..4)];
    let draw = |q: &switch::Posterior, d| {
        q.sample(&mut stream(3, "draw", &[d])).unwrap().on.into_iter().map(usize::from).collect()
    };
    let mut g = Noise::new(4);
    for round in 0..2 {
        let p = switch::Params {
            p0: 0.2 + 0.6 * g.unit(),
            stay: 0.2 + 0.6 * g.unit(),
            leave: 0.2 + 0.6 * g.unit(),
            shape: vec![1.0 + g.unit(), 1.5 + g.unit()],
            rate: vec![1.0 + g.unit(), 1.5 + g.unit()],
        };
        case.evidence_and_marginals(&p);
        case.joint_law(&p, &data, &arrays, &draw);
        case.gradient(&p, 100 * round);
    }
}

#[test]
fn priors_of_transitions_and_a_regression_in_every_state() {
    let mut g = Noise::new(12);
    let x = DMatrix::from_fn(5, 2, |_, _| g.normal());
    let y = g.normals(5);
    let n = [Some(2), None, Some(0), Some(4), None];
    let model = regularised::Model::new(2);
    let data = regularised::Data { x: (&x).into(), y: (&y).into(), n: (&n).into() };
    let case = case! { regularised, model, data;
        states: vec![2; 5], copies: vec![1.0; 5], independent: false,
        joint: &|z, p| model.log_joint(&data, &regularised::Latents { z: z.to_vec() }, p).unwrap(),
        prior: &|p| {
            dirichlet(p.start.as_slice(), &[2.0, 2.0])
                + p.trans.iter().map(|row| dirichlet(row.as_slice(), &[1.5, 1.5])).sum::<f64>()
                + p.rate.iter().map(|r| gamma(*r, 2.0, 1.0)).sum::<f64>()
        },
        marginals: &|q| marginals(&q.z),
        moved: &|p, t, g| regularised::Params {
            start: along::simplex(&p.start, t, g),
            trans: along::simplices(&p.trans, t, g),
            rate: along::positives(&p.rate, t, g),
            w: p.w.iter().map(|w| along::vector(w, t, g)).collect(),
            s2: along::positive(p.s2, t, g),
        },
    };
    let arrays = [Joined::chain(&|q: &regularised::Posterior| q.z.clone(), 0..5)];
    let draw = |q: &regularised::Posterior, d| q.sample(&mut stream(3, "draw", &[d])).unwrap().z;
    laws(&case, &data, &arrays, &draw, |g| regularised::Params {
        start: g.weights(2),
        trans: g.rows(2, 2),
        rate: vec![0.5 + g.unit(), 2.0 + g.unit()],
        w: (0..2).map(|_| DVector::from_vec(g.normals(2))).collect(),
        s2: 0.5 + g.unit(),
    });
}

#[test]
fn two_chains_of_different_lengths_share_their_params() {
    let (x, y) = ([0.3, -1.0, 2.0], [1.1, -0.2]);
    let model = shared_params::Model::new(2);
    let data = shared_params::Data { x: (&x).into(), y: (&y).into() };
    let case = case! { shared_params, model, data;
        states: vec![2; 5], copies: vec![1.0; 5], independent: false,
        joint: &|z, p| {
            let latents = shared_params::Latents { u: z[..3].to_vec(), v: z[3..].to_vec() };
            model.log_joint(&data, &latents, p).unwrap()
        },
        prior: &|_| 0.0,
        marginals: &|q| [marginals(&q.u), marginals(&q.v)].concat(),
        moved: &|p, t, g| shared_params::Params {
            trans: along::simplices(&p.trans, t, g),
            mean: along::reals(&p.mean, t, g),
            s2: along::positive(p.s2, t, g),
        },
    };
    let arrays = [
        Joined::chain(&|q: &shared_params::Posterior| q.u.clone(), 0..3),
        Joined::chain(&|q: &shared_params::Posterior| q.v.clone(), 3..5),
    ];
    let draw = |q: &shared_params::Posterior, d| {
        let l = q.sample(&mut stream(3, "draw", &[d])).unwrap();
        [l.u, l.v].concat()
    };
    let mut g = Noise::new(6);
    for round in 0..2 {
        let p = shared_params::Params { trans: g.rows(2, 2), mean: g.normals(2), s2: 0.5 + g.unit() };
        case.joint_law(&p, &data, &arrays, &draw);
        case.gradient(&p, 100 * round);
        case.m_step_is_the_maximum(&p, 100 * round + 50);
    }
}

#[test]
fn transitions_that_cannot_happen_stay_impossible() {
    let mut g = Noise::new(31);
    let x: Vec<DMatrix<f64>> = [4, 1].iter().map(|t| DMatrix::from_fn(*t, 2, |_, _| g.normal())).collect();
    let model = banded::Model::new(3);
    let data = banded::Data { x: (&x).into() };
    let cut = |z: &[usize]| vec![z[..4].to_vec(), z[4..].to_vec()];
    let case = case! { banded, model, data;
        states: vec![3; 5], copies: vec![1.0; 5], independent: false,
        joint: &|z, p| model.log_joint(&data, &banded::Latents { z: cut(z) }, p).unwrap(),
        prior: &|_| 0.0,
        marginals: &|q| q.z.iter().flat_map(marginals).collect(),
        moved: &|p, t, g| banded::Params {
            start: along::simplex(&p.start, t, g),
            trans: along::simplices(&p.trans, t, g),
            mean: p.mean.iter().map(|m| along::vector(m, t, g)).collect(),
            s2: along::positives(&p.s2, t, g),
        },
    };
    let arrays = [
        Joined::chain(&|q: &banded::Posterior| q.z[0].clone(), 0..4),
        Joined::chain(&|q: &banded::Posterior| q.z[1].clone(), 4..5),
    ];
    let draw = |q: &banded::Posterior, d| q.sample(&mut stream(3, "draw", &[d])).unwrap().z.concat();
    let left_to_right = |g: &mut Noise| banded::Params {
        start: vec![0.8, 0.2, 0.0].into(),
        trans: vec![vec![0.6, 0.4, 0.0].into(), vec![0.0, 0.7, 0.3].into(), vec![0.0, 0.0, 1.0].into()],
        mean: (0..3).map(|_| DVector::from_vec(g.normals(2))).collect(),
        s2: vec![0.5 + g.unit(), 0.5 + g.unit()],
    };
    laws(&case, &data, &arrays, &draw, left_to_right);
    let start = vi_core::Start::Params(left_to_right(&mut g));
    let fit = model.fit_from(&data, start, &Options::new().max_iterations(30)).unwrap();
    monotone(&fit.trace);
    let zeros =
        [fit.params.trans[0][2], fit.params.trans[1][0], fit.params.trans[2][0], fit.params.trans[2][1]];
    assert_eq!(zeros, [0.0; 4]);
    assert!(fit.trace.len() > 2);
}

#[test]
fn copies_of_sequences_share_their_posterior() {
    let c = [2u64, 0, 3];
    let w = vec![vec![0, 1, 1], vec![1, 1], vec![1, 0]];
    let model = repeated::Model::new(2);
    let data = repeated::Data { c: (&c).into(), w: (&w).into() };
    let many = vec![vec![0, 1, 1], vec![0, 1, 1], vec![1, 0], vec![1, 0], vec![1, 0]];
    let ones = [1u64; 5];
    let written_out = repeated::Data { c: (&ones).into(), w: (&many).into() };
    let mut g = Noise::new(2);
    let p = repeated::Params { start: g.weights(2), trans: g.rows(2, 2), emit: g.rows(2, 2) };
    let (a, b) = (model.infer(&data, &p).unwrap(), model.infer(&written_out, &p).unwrap());
    close(a.log_likelihood(), b.log_likelihood(), 1e-13);
    for (x, y) in a.elbo_terms().iter().zip(b.elbo_terms()) {
        assert_eq!(x.name, y.name);
        close(x.value, y.value, 1e-12);
    }
    assert!(a.verify(&data, 1).unwrap().is_exact());
    let (a, b) = (
        model.maximise(&model.accumulate(&data, &p).unwrap(), &p).unwrap(),
        model.maximise(&model.accumulate(&written_out, &p).unwrap(), &p).unwrap(),
    );
    for k in 0..2 {
        close(a.trans[k][0], b.trans[k][0], 1e-13);
        close(a.emit[k][0], b.emit[k][0], 1e-13);
        close(a.start[k], b.start[k], 1e-13);
    }
}

#[test]
fn steps_that_copy_the_state() {
    let y = [0.4, -1.0, 2.2, 0.3];
    let keep = [false, true, false, true];
    let model = copied::Model::new(3);
    let data = copied::Data { keep: (&keep).into(), y: (&y).into() };
    let case = case! { copied, model, data;
        states: vec![3; 4], copies: vec![1.0; 4], independent: false,
        joint: &|z, p| model.log_joint(&data, &copied::Latents { z: z.to_vec() }, p).unwrap(),
        prior: &|_| 0.0,
        marginals: &|q| marginals(&q.z),
        moved: &|p, t, g| copied::Params {
            start: along::simplex(&p.start, t, g),
            trans: along::simplices(&p.trans, t, g),
            mean: along::reals(&p.mean, t, g),
            cov: along::positive(p.cov, t, g),
        },
    };
    let arrays = [Joined::chain(&|q: &copied::Posterior| q.z.clone(), 0..4)];
    let draw = |q: &copied::Posterior, d| q.sample(&mut stream(3, "draw", &[d])).unwrap().z;
    laws(&case, &data, &arrays, &draw, |g| copied::Params {
        start: g.weights(3),
        trans: g.rows(3, 3),
        mean: g.normals(3),
        cov: 0.5 + g.unit(),
    });
}
