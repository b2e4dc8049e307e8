//! Categories under other names: everything indexed by them moves along, or nothing does.

use vi_core::prelude::*;
use vi_core::{Error, Options};
use vi_tests::data::Noise;
use vi_tests::law::close;

model! {
    pub mod mixture(K, m0: Vector[D], w0: SymPos[D], nu0: Positive) {
        latent   weight: Simplex[K] ~ Dirichlet(1);
        latent   prec[k in K]       ~ Wishart(dof: nu0, scale: w0);
        latent   mean[k in K]       ~ Normal(m0, prec: 0.05 * prec[k]);
        latent   z[n in N]          ~ Categorical(weight);
        observed x[n in N]          ~ Normal(mean[z[n]], prec: prec[z[n]]);
    }
}
model! {
    /// All levels and their mean in one joint Normal.
    pub mod levels(K) {
        latent   weight: Simplex[K] ~ Dirichlet(1);
        latent   mu                 ~ Normal(0, var: 9);
        latent   level[k in K]      ~ Normal(mu, var: 4);
        param    s2[k in K]: Positive;
        let      sd[k in K]         = sqrt(s2[k]);
        latent   z[n in N]          ~ Categorical(weight);
        observed x[n in N]          ~ Normal(level[z[n]], var: s2[z[n]]);
    }
}
model! {
    pub mod block_model(K) {
        latent   weight: Simplex[K]         ~ Dirichlet(1);
        latent   B[a in K, b in K if a <= b] ~ Beta(1, 1);
        latent   z[i in N]                  ~ Categorical(weight);
        observed y[i in N, j in N if i < j] ~ Bernoulli(B[z[i], z[j]]);
    }
}
model! {
    pub mod topics(K, V) {
        latent topic[k in K]: Simplex[V] ~ Dirichlet(0.5);
        given  count[d in Docs, i in I[d]]: Count;
        for d in Docs {
            latent share[d]: Simplex[K] ~ Dirichlet(0.3);
            for i in I[d] repeat count[d, i] {
                latent   z[d, i]    ~ Categorical(share[d]);
                observed word[d, i] ~ Categorical(topic[z[d, i]]);
            }
        }
    }
}
model! {
    pub mod sticks(K) {
        latent   v[k in 0..K-1] ~ Beta(1, 2);
        let      w[k in 0..K-1] = v[k] * prod(1 - v[j] for j in 0..k);
        let      w[K-1]         = prod(1 - v[j] for j in 0..K-1);
        latent   m[k in K]      ~ Normal(0, var: 9);
        latent   z[n in N]      ~ Categorical(w);
        observed x[n in N]      ~ Normal(m[z[n]], var: 1);
    }
}
model! {
    pub mod labelled(K) {
        param    conf[k in K]: Simplex[K];
        latent   z[n in N] ~ Categorical(conf[0]);
        observed l[n in N] ~ Categorical(conf[z[n]]);
    }
}
model! {
    pub mod placed(K, m0: Vector[K]) {
        param    weight: Simplex[K];
        latent   m[k in K] ~ Normal(m0[k], var: 9);
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(m[z[n]], var: 1);
    }
}
model! {
    pub mod numbered(K) {
        param    weight: Simplex[K];
        param    step: Real;   param s2: Positive(min: 1e-3);
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(step * z[n], var: s2);
    }
}
model! {
    pub mod switch {
        param    p: Unit;
        param    rate: Positive;
        latent   active[n in N] ~ Bernoulli(p);
        observed y[n in N]      ~ match active[n] { true => Poisson(rate), false => Constant(0) };
    }
}

const ORDER: [usize; 3] = [2, 0, 1];

fn three_groups(n: usize) -> DMatrix<f64> {
    let mut g = Noise::new(4);
    DMatrix::from_fn(n, 2, |i, j| 4.0 * ((i * i % 3) * (j + 1)) as f64 + (1.0 + (i % 3) as f64) * g.normal())
}

/// What the model says of the same data must not depend on names: an E-step at the renamed laws has the bound of one at the old laws.
#[track_caller]
fn same_bound<M: vi_core::fit::Program>(fit: &vi_core::Fit<M>, old: &vi_core::Fit<M>, data: &M::Data<'_>) {
    let (new, old) = (fit.infer(data).unwrap(), old.infer(data).unwrap());
    close(new.elbo(), old.elbo(), 1e-12);
    assert_eq!(new.elbo_terms().len(), old.elbo_terms().len());
    for (new, old) in new.elbo_terms().iter().zip(old.elbo_terms()) {
        assert_eq!(new.name, old.name);
        assert!((new.value - old.value).abs() < 1e-10 * old.magnitude.max(1.0), "{new:?} {old:?}");
    }
}

#[test]
fn a_variational_mixture_is_renamed_as_a_whole() {
    let x = three_groups(60);
    let data = mixture::Data { x: (&x).into() };
    let model = mixture::Model::new(3, DVector::zeros(2), DMatrix::identity(2, 2), 3.0);
    let old = model.fit(&data, &Options::new().seed(1).restarts(3).tolerance(1e-12)).unwrap();
    let mut fit = old.clone();
    fit.relabel(&ORDER).unwrap();
    for (k, was) in ORDER.into_iter().enumerate() {
        let (new, before) = (&fit.posterior, &old.posterior);
        assert_eq!(new.mean[k], before.mean[was]);
        assert_eq!(new.prec[k], before.prec[was]);
        close(new.weight.mean()[k], before.weight.mean()[was], 1e-14);
        for n in 0..60 {
            assert_eq!(new.z.probs(n)[k], before.z.probs(n)[was]);
        }
    }
    same_bound(&fit, &old, &data);
    assert_eq!(fit.infer(&data).unwrap().posterior.z.most_likely(7), fit.posterior.z.most_likely(7));
    // Draws have the new names: those of a mean lie about it.
    for draw in fit.draw(&data, 3, 20).unwrap() {
        for k in 0..3 {
            let q = &fit.posterior.mean[k];
            assert!((&draw.mean[k] - q.mean()).amax() < 6.0 * q.sd().amax());
        }
    }
    // There and back again.
    fit.relabel(&[1, 2, 0]).unwrap();
    assert_eq!(fit.posterior, old.posterior);
}

#[test]
fn covariances_within_a_block_move_with_their_elements() {
    let x: Vec<f64> = three_groups(40).column(0).iter().copied().collect();
    let data = levels::Data { x: (&x).into() };
    let old = levels::Model::new(3).fit(&data, &Options::new().seed(2).tolerance(1e-12)).unwrap();
    let mut fit = old.clone();
    fit.relabel(&ORDER).unwrap();
    for (k, was) in ORDER.into_iter().enumerate() {
        assert_eq!(fit.posterior.level.mean()[k], old.posterior.level.mean()[was]);
        for (j, before) in ORDER.into_iter().enumerate() {
            close(fit.posterior.level.cov()[(k, j)], old.posterior.level.cov()[(was, before)], 1e-13);
        }
        assert_eq!((fit.params.s2[k], fit.lets.sd[k]), (old.params.s2[was], old.lets.sd[was]));
    }
    assert_eq!(fit.posterior.mu, old.posterior.mu);
    same_bound(&fit, &old, &data);
}

#[test]
fn both_ends_of_a_pair_are_renamed() {
    let mut g = Noise::new(9);
    let y = DMatrix::from_fn(12, 12, |i, j| {
        g.unit() < if i % 3 == j % 3 { 0.9 } else { 0.1 + 0.1 * (i % 3) as f64 }
    });
    let data = block_model::Data { y: (&y).into() };
    let old = block_model::Model::new(3).fit(&data, &Options::new().seed(1).restarts(3)).unwrap();
    let mut fit = old.clone();
    fit.relabel(&ORDER).unwrap();
    for (a, first) in ORDER.into_iter().enumerate() {
        for (b, second) in ORDER.into_iter().enumerate() {
            close(fit.posterior.B[a][b].mean(), old.posterior.B[first][second].mean(), 1e-14);
            assert_eq!(fit.posterior.B[a][b], fit.posterior.B[b][a]);
        }
    }
    // The joint density of draws, and so the bound that they average to, is the old one.
    let average = |fit: &vi_core::Fit<block_model::Model>| {
        let draws = fit.draw(&data, 5, 400).unwrap();
        let log = |l: &block_model::Latents| fit.model.log_joint(&data, l, &fit.params).unwrap();
        draws.iter().map(log).sum::<f64>() / 400.0
    };
    assert!((average(&fit) - average(&old)).abs() < 1.0, "{} {}", average(&fit), average(&old));
}

#[test]
fn laws_of_documents_and_topics_are_renamed() {
    let word: Vec<Vec<usize>> = vec![vec![0, 1, 2], vec![3, 4], vec![0, 4, 5, 6], vec![5, 6]];
    let count: Vec<Vec<u64>> = vec![vec![3, 1, 2], vec![4, 2], vec![1, 1, 2, 2], vec![3, 3]];
    let data = topics::Data { count: (&count).into(), word: (&word).into() };
    let old = topics::Model::new(3, 7).fit(&data, &Options::new().seed(3)).unwrap();
    let mut fit = old.clone();
    fit.relabel(&ORDER).unwrap();
    for (k, was) in ORDER.into_iter().enumerate() {
        assert_eq!(fit.posterior.topic[k], old.posterior.topic[was]);
        for d in 0..4 {
            close(fit.posterior.share[d].mean()[k], old.posterior.share[d].mean()[was], 1e-14);
            assert_eq!(fit.posterior.z[d].probs(0)[k], old.posterior.z[d].probs(0)[was]);
        }
    }
    same_bound(&fit, &old, &data);
}

#[track_caller]
fn refused<M: vi_core::fit::Program>(fit: &vi_core::Fit<M>, order: &[usize], words: &str) {
    let mut renamed = fit.clone();
    match renamed.relabel(order) {
        Err(Error::CannotRelabel { reason, .. }) => assert!(reason.contains(words), "{reason}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(format!("{:?}", fit.posterior), format!("{:?}", renamed.posterior));
    assert_eq!(format!("{:?}", fit.params), format!("{:?}", renamed.params));
}

#[test]
fn models_that_tell_their_categories_apart_refuse() {
    let x = [0.1, 3.2, -2.5, 0.3, 2.9, 7.0, 6.5];
    let options = Options::new().max_iterations(3);
    let data = sticks::Data { x: (&x).into() };
    refused(&sticks::Model::new(3).fit(&data, &options).unwrap(), &ORDER, "`v` has no entry for some of K");
    let data = placed::Data { x: (&x).into() };
    let model = placed::Model::new(3, DVector::from_vec(vec![0.0, 3.0, 6.0]));
    refused(&model.fit(&data, &options).unwrap(), &ORDER, "`m0` is known in the order of K");
    let data = numbered::Data { x: (&x).into() };
    refused(&numbered::Model::new(3).fit(&data, &options).unwrap(), &ORDER, "read as a number");
    let l = [0, 1, 2, 1, 1, 0];
    let data = labelled::Data { l: (&l).into() };
    refused(&labelled::Model::new(3).fit(&data, &options).unwrap(), &ORDER, "`l` is known in the order of K");
    let y = [0, 0, 3, 2, 0];
    let data = switch::Data { y: (&y).into() };
    refused(&switch::Model::new().fit(&data, &options).unwrap(), &[1, 0], "no size of their own");
}
