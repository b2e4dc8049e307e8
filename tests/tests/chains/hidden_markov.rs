//! Chains whose answers are published or known.

use vi_core::prelude::*;
use vi_tests::law::close;

model! {
    pub mod discrete(K, V) {
        param    start: Simplex[K];
        param    trans[i in K]: Simplex[K];
        param    emit[k in K]: Simplex[V];
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed w[t in T]    ~ Categorical(emit[z[t]]);
    }
}

fn known() -> discrete::Params {
    discrete::Params {
        start: vec![0.6, 0.4].into(),
        trans: vec![vec![0.7, 0.3].into(), vec![0.4, 0.6].into()],
        emit: vec![vec![0.1, 0.4, 0.5].into(), vec![0.6, 0.3, 0.1].into()],
    }
}

#[test]
fn a_published_chain_has_its_published_path_and_marginals() {
    let data = discrete::Data { w: (&[0, 1, 2]).into() };
    let fit = discrete::Model::new(2, 3).infer(&data, &known()).unwrap();
    let path = fit.posterior.z.path().unwrap();
    assert_eq!(path.states, [1, 0, 0]);
    close(path.log_joint.exp(), 0.01344, 1e-12);
    close(path.log_probability, path.log_joint - fit.log_likelihood(), 1e-12);
    for (t, p) in [0.231_703_03, 0.624_062_81, 0.863_977_06].into_iter().enumerate() {
        close(fit.posterior.z.probs(t)[0], p, 1e-7);
    }
    assert!(fit.verify(&data, 1).unwrap().is_exact());
}

#[test]
fn the_evidence_of_a_hundred_observations_is_the_known_one() {
    let x = vi_tests::data::read("hmm_known_obs.csv");
    let w: Vec<usize> = x.iter().map(|v| *v as usize).collect();
    let data = discrete::Data { w: (&w).into() };
    let fit = discrete::Model::new(2, 3).infer(&data, &known()).unwrap();
    close(fit.log_likelihood(), -109.588_288_029_818_91, 1e-13);
}
