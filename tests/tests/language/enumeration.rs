//! Models with few units, whose latents can be gone through one by one: evidence, marginals, bounds, M-steps and gradients against sums of
//! `log_joint` over everything that is hidden.

use vi_core::prelude::*;
use vi_tests::along;
use vi_tests::data::Noise;
use vi_tests::density::{dirichlet, inverse_gamma, inverse_wishart, log_sum_exp, mv_normal, normal};
use vi_tests::enumerate::Case;
use vi_tests::law::close;

model! {
    pub mod mixture(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Vector[D];
        param    cov[k in K]: SymPos[D];
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(mean[z[n]], cov: cov[z[n]]);
    }
}
model! {
    pub mod regularised(K, m0: Vector[D], s0: SymPos[D]) {
        param    weight: Simplex[K] ~ Dirichlet(2.0);
        param    cov[k in K]        ~ InverseWishart(dof: D + 2, scale: s0);
        param    mean[k in K]       ~ Normal(m0, cov: 100 * cov[k]);
        latent   z[n in N]          ~ Categorical(weight);
        observed x[n in N]          ~ Normal(mean[z[n]], cov: cov[z[n]]);
    }
}
model! {
    pub mod two_factors(K, L) {
        param    a: Simplex[K];
        param    b[k in K]: Simplex[L];
        param    mean[k in K, l in L]: Real;
        param    s2: Positive;
        latent   u[n in N] ~ Categorical(a);
        latent   v[n in N] ~ Categorical(b[u[n]]);
        observed y[n in N] ~ Normal(mean[u[n], v[n]], var: s2);
    }
}
model! {
    pub mod latent_classes(K, V) {
        param    weight: Simplex[K];
        param    p[k in K, j in J]: Simplex[V];
        latent   c[n in N] ~ Categorical(weight);
        observed y[n in N, j in J]: Category[V]? ~ Categorical(p[c[n], j]);
    }
}
model! {
    pub mod groups(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Vector[D];
        param    s2[k in K, d in D]: Positive;
        for s in S {
            latent   z[s] ~ Categorical(weight);
            observed x[s, t in T[s]] ~ Normal(mean[z[s]], var: s2[z[s]]);
        }
    }
}
model! {
    pub mod documents(K, V) {
        param    share[d in Docs]: Simplex[K];
        param    topic[k in K]: Simplex[V];
        for d in Docs {
            latent   z[d, i in I[d]] ~ Categorical(share[d]);
            observed word[d, i in I[d]] ~ Categorical(topic[z[d, i]]);
        }
    }
}
model! {
    pub mod zero_inflated {
        param    p: Unit;   param rate: Positive;
        latent   active[n in N] ~ Bernoulli(p);
        observed y[n in N]      ~ match active[n] { true => Poisson(rate), false => Constant(0) };
    }
}
model! {
    pub mod raters(K) {
        given    item[r in R]: Category[N];   given who[r in R]: Category[J];
        param    prev: Simplex[K];
        param    conf[j in J, k in K]: Simplex[K] ~ Dirichlet(1.1);
        latent   truth[n in N] ~ Categorical(prev);
        observed label[r in R] ~ Categorical(conf[who[r], truth[item[r]]]);
    }
}
model! {
    pub mod lines(K) {
        given    x[n in N]: Vector[P];
        param    weight: Simplex[K];
        param    w[k in K]: Vector[P];
        param    s2[k in K]: Positive;
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Normal(dot(w[z[n]], x[n]), var: s2[z[n]]);
    }
}
model! {
    pub mod vector_targets(K) {
        given    x[n in N]: Vector[P];
        param    weight: Simplex[K];
        param    W[k in K]: Matrix[D, P];
        param    cov[k in K]: SymPos[D];
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Normal(W[z[n]] * x[n], cov: cov[z[n]]);
    }
}
model! {
    pub mod partly_labelled(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Real;
        param    s2: Positive;
        observed z[n in N]: Category[K]? ~ Categorical(weight);
        observed y[n in N] ~ Normal(mean[z[n]], var: s2);
    }
}
model! {
    pub mod repeated(K) {
        given    copies[n in N]: Count;
        param    weight: Simplex[K];
        param    mean[k in K]: Real;
        param    s[k in K]: Positive;
        for n in N repeat copies[n] {
            latent   z[n] ~ Categorical(weight);
            observed x[n] ~ Normal(mean[z[n]], sd: s[z[n]]);
        }
    }
}
model! {
    pub mod channels(K, V) {
        given    exposure[n in N]: Positive;
        param    weight: Simplex[K];
        param    rate[k in K]: Positive;
        param    q[k in K]: Unit;
        param    p[k in K]: Simplex[V];
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Poisson(exposure[n] * rate[z[n]]);
        observed b[n in N] ~ Binomial(5, q[z[n]]);
        observed w[n in N] ~ Categorical(p[z[n]]);
    }
}
model! {
    pub mod conditional_prior(K) {
        param    weight: Simplex[K] ~ Dirichlet(2.0);
        param    s2[k in K] ~ InverseGamma(shape: 2, scale: 1);
        param    mean[k in K] ~ Normal(1, var: 4 * s2[k]);
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Normal(mean[z[n]], var: s2[z[n]]);
    }
}

fn of(q: &Categories) -> Vec<Vec<f64>> {
    (0..q.len()).map(|n| q.probs(n).to_vec()).collect()
}

fn weights(n: usize, g: &mut Noise) -> DVector<f64> {
    DVector::from_vec(g.simplex(n)).map(|v| (v + 0.1) / (1.0 + 0.1 * n as f64))
}

fn spd(n: usize, g: &mut Noise) -> DMatrix<f64> {
    let a = DMatrix::from_fn(n, n, |_, _| g.normal());
    &a * a.transpose() + DMatrix::identity(n, n) * 0.7
}

fn many<T>(n: usize, mut f: impl FnMut() -> T) -> Vec<T> {
    (0..n).map(|_| f()).collect()
}

/// The ways into a model that every case needs. The rest of the fields follow the colon.
macro_rules! case {
    ($m:ident, $model:expr, $data:expr; $($field:ident: $value:expr),* $(,)?) => {
        Case::<$m::Model> {
            infer: &|p| $model.infer(&$data, p).unwrap(),
            m_step: &|p| $model.maximise(&$model.accumulate(&$data, p).unwrap(), p).unwrap(),
            $($field: $value),*
        }
    };
}

/// Everything at several params.
fn laws<M: vi_core::fit::Program + vi_core::ExactPosterior>(
    case: &Case<'_, M>,
    mut params: impl FnMut(&mut Noise) -> M::Params,
) {
    let mut g = Noise::new(77);
    for round in 0..3 {
        let p = params(&mut g);
        if case.copies.iter().all(|c| *c == 1.0) {
            case.evidence_and_marginals(&p);
        }
        if case.independent {
            case.divergence(&p, &mut g);
            case.attained(&p);
        }
        case.gradient(&p, 100 * round);
        case.m_step_is_the_maximum(&p, 100 * round + 50);
    }
}

#[test]
fn mixture_of_gaussians() {
    let mut g = Noise::new(1);
    let x = DMatrix::from_fn(6, 2, |_, _| 2.0 * g.normal());
    let model = mixture::Model::new(2);
    let data = mixture::Data { x: (&x).into() };
    let case = case! { mixture, model, data;
        states: vec![2; 6], copies: vec![1.0; 6], independent: true,
        joint: &|z, p| model.log_joint(&data, &mixture::Latents { z: z.to_vec() }, p).unwrap(),
        prior: &|_| 0.0,
        marginals: &|q| of(&q.z),
        moved: &|p, t, g| mixture::Params {
            weight: along::simplex(&p.weight, t, g),
            mean: p.mean.iter().map(|m| along::vector(m, t, g)).collect(),
            cov: p.cov.iter().map(|s| along::sym_pos(s, t, g)).collect(),
        },
    };
    laws(&case, |g| mixture::Params {
        weight: weights(2, g),
        mean: many(2, || DVector::from_fn(2, |_, _| g.normal())),
        cov: many(2, || spd(2, g)),
    });
}

#[test]
fn mixture_with_priors_of_its_params() {
    let mut g = Noise::new(2);
    let x = DMatrix::from_fn(6, 2, |_, _| 2.0 * g.normal());
    let (m0, s0) = (DVector::from_vec(vec![0.5, -1.0]), spd(2, &mut g));
    let model = regularised::Model::new(2, m0.clone(), s0.clone());
    let data = regularised::Data { x: (&x).into() };
    let case = case! { regularised, model, data;
        states: vec![2; 6], copies: vec![1.0; 6], independent: true,
        joint: &|z, p| model.log_joint(&data, &regularised::Latents { z: z.to_vec() }, p).unwrap(),
        prior: &|p| {
            let own = |k: usize| {
                inverse_wishart(&p.cov[k], 4.0, &s0)
                    + mv_normal(p.mean[k].as_slice(), &m0, &(&p.cov[k] * 100.0))
            };
            dirichlet(p.weight.as_slice(), &[2.0, 2.0]) + own(0) + own(1)
        },
        marginals: &|q| of(&q.z),
        moved: &|p, t, g| regularised::Params {
            weight: along::simplex(&p.weight, t, g),
            mean: p.mean.iter().map(|m| along::vector(m, t, g)).collect(),
            cov: p.cov.iter().map(|s| along::sym_pos(s, t, g)).collect(),
        },
    };
    laws(&case, |g| regularised::Params {
        weight: weights(2, g),
        mean: many(2, || DVector::from_fn(2, |_, _| g.normal())),
        cov: many(2, || spd(2, g)),
    });
}

#[test]
fn two_latents_of_a_unit() {
    let mut g = Noise::new(3);
    let y = many(4, || 2.0 * g.normal());
    let model = two_factors::Model::new(2, 3);
    let data = two_factors::Data { y: (&y).into() };
    let case = case! { two_factors, model, data;
        states: vec![2, 2, 2, 2, 3, 3, 3, 3], copies: vec![1.0; 8], independent: false,
        joint: &|z, p| {
            let latents = two_factors::Latents { u: z[..4].to_vec(), v: z[4..].to_vec() };
            model.log_joint(&data, &latents, p).unwrap()
        },
        prior: &|_| 0.0,
        marginals: &|q| [of(&q.u), of(&q.v)].concat(),
        moved: &|p, t, g| two_factors::Params {
            a: along::simplex(&p.a, t, g),
            b: p.b.iter().map(|b| along::simplex(b, t, g)).collect(),
            mean: p.mean.iter().map(|row| row.iter().map(|m| along::real(*m, t, g)).collect()).collect(),
            s2: along::positive(p.s2, t, g),
        },
    };
    laws(&case, |g| two_factors::Params {
        a: weights(2, g),
        b: many(2, || weights(3, g)),
        mean: many(2, || many(3, || 2.0 * g.normal())),
        s2: 0.5 + g.unit(),
    });
}

#[test]
fn latent_classes_with_answers_missing() {
    let mut g = Noise::new(4);
    let y = DMatrix::from_fn(5, 3, |n, j| if (n + 2 * j) % 4 == 1 { None } else { Some(g.below(2)) });
    let model = latent_classes::Model::new(3, 2);
    let data = latent_classes::Data { y: (&y).into() };
    let case = case! { latent_classes, model, data;
        states: vec![3; 5], copies: vec![1.0; 5], independent: true,
        joint: &|z, p| model.log_joint(&data, &latent_classes::Latents { c: z.to_vec() }, p).unwrap(),
        prior: &|_| 0.0,
        marginals: &|q| of(&q.c),
        moved: &|p, t, g| latent_classes::Params {
            weight: along::simplex(&p.weight, t, g),
            p: p.p.iter().map(|row| row.iter().map(|q| along::simplex(q, t, g)).collect()).collect(),
        },
    };
    laws(&case, |g| latent_classes::Params {
        weight: weights(3, g),
        p: many(3, || many(3, || weights(2, g))),
    });
}

#[test]
fn groups_of_rows_that_share_a_class() {
    let mut g = Noise::new(5);
    let x: Vec<DMatrix<f64>> =
        [3, 0, 1, 4, 2, 2].iter().map(|t| DMatrix::from_fn(*t, 2, |_, _| 2.0 * g.normal())).collect();
    let model = groups::Model::new(2);
    let data = groups::Data { x: (&x).into() };
    let case = case! { groups, model, data;
        states: vec![2; 6], copies: vec![1.0; 6], independent: true,
        joint: &|z, p| model.log_joint(&data, &groups::Latents { z: z.to_vec() }, p).unwrap(),
        prior: &|_| 0.0,
        marginals: &|q| of(&q.z),
        moved: &|p, t, g| groups::Params {
            weight: along::simplex(&p.weight, t, g),
            mean: p.mean.iter().map(|m| along::vector(m, t, g)).collect(),
            s2: p.s2.iter().map(|s| s.iter().map(|v| along::positive(*v, t, g)).collect()).collect(),
        },
    };
    laws(&case, |g| groups::Params {
        weight: weights(2, g),
        mean: many(2, || DVector::from_fn(2, |_, _| g.normal())),
        s2: many(2, || many(2, || 0.5 + g.unit())),
    });
}

#[test]
fn words_of_documents_each_with_a_topic() {
    let mut g = Noise::new(6);
    let word: Vec<Vec<usize>> = [3, 1, 2].iter().map(|n| many(*n, || g.below(3))).collect();
    let model = documents::Model::new(2, 3);
    let data = documents::Data { word: (&word).into() };
    let case = case! { documents, model, data;
        states: vec![2; 6], copies: vec![1.0; 6], independent: true,
        joint: &|z, p| {
            let z = vec![z[..3].to_vec(), z[3..4].to_vec(), z[4..].to_vec()];
            model.log_joint(&data, &documents::Latents { z }, p).unwrap()
        },
        prior: &|_| 0.0,
        marginals: &|q| q.z.iter().flat_map(of).collect(),
        moved: &|p, t, g| documents::Params {
            share: p.share.iter().map(|s| along::simplex(s, t, g)).collect(),
            topic: p.topic.iter().map(|s| along::simplex(s, t, g)).collect(),
        },
    };
    laws(&case, |g| documents::Params { share: many(3, || weights(2, g)), topic: many(2, || weights(3, g)) });
}

#[test]
fn counts_with_too_many_zeros() {
    let y = [0u64, 3, 0, 1, 0, 0, 2, 5];
    let model = zero_inflated::Model::new();
    let data = zero_inflated::Data { y: (&y).into() };
    let case = case! { zero_inflated, model, data;
        states: vec![2; 8], copies: vec![1.0; 8], independent: true,
        joint: &|z, p| {
            let active = z.iter().map(|k| *k == 1).collect();
            model.log_joint(&data, &zero_inflated::Latents { active }, p).unwrap()
        },
        prior: &|_| 0.0,
        marginals: &|q| of(&q.active),
        moved: &|p, t, g| zero_inflated::Params { p: along::unit(p.p, t, g), rate: along::positive(p.rate, t, g) },
    };
    laws(&case, |g| zero_inflated::Params { p: 0.2 + 0.6 * g.unit(), rate: 0.5 + 2.0 * g.unit() });
}

#[test]
fn observers_of_items() {
    // Two labels of one item by one observer; an item with a single label.
    let item = [0usize, 0, 0, 1, 1, 2, 3, 3, 4, 4];
    let who = [0usize, 1, 1, 0, 2, 1, 0, 2, 1, 2];
    let label = [0usize, 1, 0, 2, 2, 1, 0, 0, 2, 1];
    let model = raters::Model::new(3);
    let data = raters::Data { item: (&item).into(), who: (&who).into(), label: (&label).into() };
    let case = case! { raters, model, data;
        states: vec![3; 5], copies: vec![1.0; 5], independent: true,
        joint: &|z, p| model.log_joint(&data, &raters::Latents { truth: z.to_vec() }, p).unwrap(),
        prior: &|p| p.conf.iter().flatten().map(|row| dirichlet(row.as_slice(), &[1.1; 3])).sum(),
        marginals: &|q| of(&q.truth),
        moved: &|p, t, g| raters::Params {
            prev: along::simplex(&p.prev, t, g),
            conf: p.conf.iter().map(|rows| rows.iter().map(|r| along::simplex(r, t, g)).collect()).collect(),
        },
    };
    laws(&case, |g| raters::Params { prev: weights(3, g), conf: many(3, || many(3, || weights(3, g))) });
}

#[test]
fn regressions_by_class() {
    let mut g = Noise::new(8);
    let x = DMatrix::from_fn(7, 2, |_, j| if j == 0 { 1.0 } else { g.normal() });
    let y = many(7, || 2.0 * g.normal());
    let model = lines::Model::new(2);
    let data = lines::Data { x: (&x).into(), y: (&y).into() };
    let case = case! { lines, model, data;
        states: vec![2; 7], copies: vec![1.0; 7], independent: true,
        joint: &|z, p| model.log_joint(&data, &lines::Latents { z: z.to_vec() }, p).unwrap(),
        prior: &|_| 0.0,
        marginals: &|q| of(&q.z),
        moved: &|p, t, g| lines::Params {
            weight: along::simplex(&p.weight, t, g),
            w: p.w.iter().map(|w| along::vector(w, t, g)).collect(),
            s2: p.s2.iter().map(|s| along::positive(*s, t, g)).collect(),
        },
    };
    laws(&case, |g| lines::Params {
        weight: weights(2, g),
        w: many(2, || DVector::from_fn(2, |_, _| g.normal())),
        s2: many(2, || 0.5 + g.unit()),
    });
}

#[test]
fn vector_regressions_by_class() {
    let mut g = Noise::new(9);
    let x = DMatrix::from_fn(7, 2, |_, j| if j == 0 { 1.0 } else { g.normal() });
    let y = DMatrix::from_fn(7, 2, |_, _| 2.0 * g.normal());
    let model = vector_targets::Model::new(2);
    let data = vector_targets::Data { x: (&x).into(), y: (&y).into() };
    let case = case! { vector_targets, model, data;
        states: vec![2; 7], copies: vec![1.0; 7], independent: true,
        joint: &|z, p| model.log_joint(&data, &vector_targets::Latents { z: z.to_vec() }, p).unwrap(),
        prior: &|_| 0.0,
        marginals: &|q| of(&q.z),
        moved: &|p, t, g| vector_targets::Params {
            weight: along::simplex(&p.weight, t, g),
            W: p.W.iter().map(|w| along::matrix(w, t, g)).collect(),
            cov: p.cov.iter().map(|s| along::sym_pos(s, t, g)).collect(),
        },
    };
    laws(&case, |g| vector_targets::Params {
        weight: weights(2, g),
        W: many(2, || DMatrix::from_fn(2, 2, |_, _| 0.5 * g.normal())),
        cov: many(2, || spd(2, g) + DMatrix::identity(2, 2)),
    });
}

#[test]
fn labels_for_some_units() {
    let mut g = Noise::new(10);
    let y = many(9, || 2.0 * g.normal());
    let label = [None, Some(1), None, None, Some(0), None, Some(2), None, None];
    let hidden: Vec<usize> = (0..9).filter(|n| label[*n].is_none()).collect();
    let model = partly_labelled::Model::new(3);
    let data = partly_labelled::Data { z: (&label).into(), y: (&y).into() };
    let case = case! { partly_labelled, model, data;
        states: vec![3; 6], copies: vec![1.0; 6], independent: true,
        joint: &|z, p| {
            let mut all: Vec<usize> = label.iter().map(|l| l.unwrap_or(0)).collect();
            hidden.iter().zip(z).for_each(|(n, k)| all[*n] = *k);
            model.log_joint(&data, &partly_labelled::Latents { z: all }, p).unwrap()
        },
        prior: &|_| 0.0,
        marginals: &|q| hidden.iter().map(|n| q.z.probs(*n).to_vec()).collect(),
        moved: &|p, t, g| partly_labelled::Params {
            weight: along::simplex(&p.weight, t, g),
            mean: p.mean.iter().map(|m| along::real(*m, t, g)).collect(),
            s2: along::positive(p.s2, t, g),
        },
    };
    laws(&case, |g| partly_labelled::Params {
        weight: weights(3, g),
        mean: many(3, || g.normal()),
        s2: 0.5 + g.unit(),
    });
}

#[test]
fn copies_that_share_a_posterior() {
    let x = [0.3, -1.2, 2.5, 1.1, -0.4, 3.0];
    let copies = [2u64, 1, 3, 0, 1, 2];
    let model = repeated::Model::new(2);
    let data = repeated::Data { copies: (&copies).into(), x: (&x).into() };
    let case = case! { repeated, model, data;
        states: vec![2; 6], copies: copies.iter().map(|c| *c as f64).collect(), independent: true,
        joint: &|z, p| model.log_joint(&data, &repeated::Latents { z: z.to_vec() }, p).unwrap(),
        prior: &|_| 0.0,
        marginals: &|q| of(&q.z),
        moved: &|p, t, g| repeated::Params {
            weight: along::simplex(&p.weight, t, g),
            mean: p.mean.iter().map(|m| along::real(*m, t, g)).collect(),
            s: p.s.iter().map(|s| along::positive(*s, t, g)).collect(),
        },
    };
    let draw = |g: &mut Noise| repeated::Params {
        weight: weights(2, g),
        mean: many(2, || g.normal()),
        s: many(2, || 0.5 + g.unit()),
    };
    laws(&case, draw);
    // Each copy has a latent of its own: written out one by one they are enumerated.
    let rows: Vec<usize> = (0..6).flat_map(|n| vec![n; copies[n] as usize]).collect();
    let spread: Vec<f64> = rows.iter().map(|n| x[*n]).collect();
    let ones = vec![1u64; rows.len()];
    let apart = repeated::Data { copies: (&ones).into(), x: (&spread).into() };
    let mut g = Noise::new(3);
    for _ in 0..3 {
        let p = draw(&mut g);
        let joint: Vec<f64> = (0..1usize << rows.len())
            .map(|bits| {
                let z = (0..rows.len()).map(|i| bits >> i & 1).collect();
                model.log_joint(&apart, &repeated::Latents { z }, &p).unwrap()
            })
            .collect();
        let evidence = log_sum_exp(&joint);
        let fit = model.infer(&data, &p).unwrap();
        close(fit.log_likelihood(), evidence, 1e-11);
        for (i, n) in rows.iter().enumerate() {
            let on = joint.iter().enumerate().filter(|(bits, _)| bits >> i & 1 == 1);
            close(fit.posterior.z.probs(*n)[1], on.map(|(_, v)| (v - evidence).exp()).sum(), 1e-11);
        }
    }
}

#[test]
fn three_channels_and_exposures() {
    let mut g = Noise::new(12);
    let exposure = many(7, || 0.3 + 2.0 * g.unit());
    let y = many(7, || g.poisson(2.0));
    let b = many(7, || g.below(6) as u64);
    let w = many(7, || g.below(3));
    let model = channels::Model::new(2, 3);
    let data =
        channels::Data { exposure: (&exposure).into(), y: (&y).into(), b: (&b).into(), w: (&w).into() };
    let case = case! { channels, model, data;
        states: vec![2; 7], copies: vec![1.0; 7], independent: true,
        joint: &|z, p| model.log_joint(&data, &channels::Latents { z: z.to_vec() }, p).unwrap(),
        prior: &|_| 0.0,
        marginals: &|q| of(&q.z),
        moved: &|p, t, g| channels::Params {
            weight: along::simplex(&p.weight, t, g),
            rate: p.rate.iter().map(|r| along::positive(*r, t, g)).collect(),
            q: p.q.iter().map(|q| along::unit(*q, t, g)).collect(),
            p: p.p.iter().map(|p| along::simplex(p, t, g)).collect(),
        },
    };
    laws(&case, |g| channels::Params {
        weight: weights(2, g),
        rate: many(2, || 0.5 + 2.0 * g.unit()),
        q: many(2, || 0.2 + 0.6 * g.unit()),
        p: many(2, || weights(3, g)),
    });
}

#[test]
fn priors_of_means_and_variances() {
    let mut g = Noise::new(13);
    let y = many(7, || 1.0 + 2.0 * g.normal());
    let model = conditional_prior::Model::new(2);
    let data = conditional_prior::Data { y: (&y).into() };
    let case = case! { conditional_prior, model, data;
        states: vec![2; 7], copies: vec![1.0; 7], independent: true,
        joint: &|z, p| model.log_joint(&data, &conditional_prior::Latents { z: z.to_vec() }, p).unwrap(),
        prior: &|p| {
            let own = |k: usize| inverse_gamma(p.s2[k], 2.0, 1.0) + normal(p.mean[k], 1.0, 4.0 * p.s2[k]);
            dirichlet(p.weight.as_slice(), &[2.0, 2.0]) + own(0) + own(1)
        },
        marginals: &|q| of(&q.z),
        moved: &|p, t, g| conditional_prior::Params {
            weight: along::simplex(&p.weight, t, g),
            s2: p.s2.iter().map(|s| along::positive(*s, t, g)).collect(),
            mean: p.mean.iter().map(|m| along::real(*m, t, g)).collect(),
        },
    };
    laws(&case, |g| conditional_prior::Params {
        weight: weights(2, g),
        s2: many(2, || 0.5 + g.unit()),
        mean: many(2, || g.normal()),
    });
}
