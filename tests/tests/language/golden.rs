//! Golden expansions, compiled as the files they are, beside the macro's own output: both must give the same numbers.

use vi_core::prelude::*;

#[allow(dead_code, reason = "only what is compared is used")]
mod kept {
    include!("../../expand/01_mixture.expanded.rs");
    include!("../../expand/13_dawid_skene.expanded.rs");
}

model! {
    /// Eruptions of Old Faithful as a mixture of Gaussians.
    pub mod mixture(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Vector[D];
        param    cov[k in K]: SymPos[D];
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(mean[z[n]], cov: cov[z[n]]);
    }
}

model! {
    pub mod dawid_skene(K) {
        given    item[r in R]: Category[N];   given who[r in R]: Category[J];
        param    prev: Simplex[K];
        param    conf[j in J, k in K]: Simplex[K] ~ Dirichlet(1.1);
        latent   truth[n in N] ~ Categorical(prev);
        observed label[r in R] ~ Categorical(conf[who[r], truth[item[r]]]);
        init { conf[j in J, k in K] = 0.7 * onehot(k) + 0.3 / K; }
    }
}

#[test]
fn a_kept_mixture_is_the_mixture() {
    let x = DMatrix::from_fn(90, 2, |i, j| {
        ((i * i * 7919 + (j + 1) * i * 104_729) % 1000) as f64 / 250.0 + if i % 3 == 0 { 5.0 } else { 0.0 }
    });
    let options = Options::new().seed(5);
    let a = mixture::Model::new(2).fit(&mixture::Data { x: (&x).into() }, &options).unwrap();
    let b = kept::mixture::Model::new(2).fit(&kept::mixture::Data { x: (&x).into() }, &options).unwrap();
    assert_eq!(a.trace, b.trace);
    assert_eq!((a.params.mean, a.params.cov), (b.params.mean, b.params.cov));
}

#[test]
fn a_kept_table_of_labels_is_the_table() {
    let item: Vec<usize> = (0..60).map(|r| r / 3).collect();
    let who: Vec<usize> = (0..60).map(|r| r % 3).collect();
    let label: Vec<usize> = (0..60).map(|r| if r % 7 == 0 { (r / 3 + 1) % 2 } else { (r / 3) % 2 }).collect();
    let data = dawid_skene::Data { item: (&item).into(), who: (&who).into(), label: (&label).into() };
    let same = kept::dawid_skene::Data { item: (&item).into(), who: (&who).into(), label: (&label).into() };
    let a = dawid_skene::Model::new(2).fit(&data, &Options::new()).unwrap();
    let b = kept::dawid_skene::Model::new(2).fit(&same, &Options::new()).unwrap();
    assert_eq!(a.trace, b.trace);
    assert_eq!(a.params.conf, b.params.conf);
}
