//! Two-component mixtures of every family: fitted, certified, and compared with the likelihood written out by hand.

use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::density::{self, log_sum_exp};
use vi_tests::law::{close, exact};

model! {
    pub mod full(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Vector[D];
        param    cov[k in K]: SymPos[D];
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(mean[z[n]], cov: cov[z[n]]);
    }
}
model! {
    pub mod tied(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Vector[D];
        param    cov: SymPos[D];
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(mean[z[n]], cov: cov);
    }
}
model! {
    pub mod diagonal(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Vector[D];
        param    s2[k in K, d in D]: Positive;
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(mean[z[n]], var: s2[z[n]]);
    }
}
model! {
    pub mod spherical(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Vector[D];
        param    s2[k in K]: Positive;
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(mean[z[n]], var: s2[z[n]]);
    }
}
model! {
    pub mod known_cov(K, cov: SymPos[D]) {
        param    weight: Simplex[K];
        param    mean[k in K]: Vector[D];
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(mean[z[n]], cov: cov);
    }
}
model! {
    pub mod precisions(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Vector[D];
        param    prec[k in K]: SymPos[D];
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(mean[z[n]], prec: prec[z[n]]);
    }
}

/// Two clouds in the plane.
fn clouds(n: usize) -> DMatrix<f64> {
    let mut noise = Noise::new(5);
    let mut x = DMatrix::zeros(n, 2);
    for i in 0..n {
        let (a, b) = (noise.normal(), noise.normal());
        let far = if noise.unit() < 0.4 { 3.0 } else { 0.0 };
        x[(i, 0)] = far + a;
        x[(i, 1)] = 0.5 * a + (0.6 + 0.1 * far) * b - far;
    }
    x
}

fn normals_by_hand(
    x: &DMatrix<f64>,
    weight: &DVector<f64>,
    mean: &[DVector<f64>],
    cov: &[DMatrix<f64>],
) -> f64 {
    x.row_iter()
        .map(|row| {
            let row: Vec<f64> = row.iter().copied().collect();
            let terms: Vec<f64> = (0..mean.len())
                .map(|k| weight[k].ln() + density::mv_normal(&row, &mean[k], &cov[k]))
                .collect();
            log_sum_exp(&terms)
        })
        .sum()
}

#[test]
fn normals_of_every_shape() {
    let x = clouds(80);
    let options = Options::new().seed(2);

    let data = full::Data { x: (&x).into() };
    let fit = full::Model::new(2).fit(&data, &options).unwrap();
    exact(&fit, &data, normals_by_hand(&x, &fit.params.weight, &fit.params.mean, &fit.params.cov));
    let of_cov = fit.log_likelihood();

    let data = precisions::Data { x: (&x).into() };
    let fit = precisions::Model::new(2).fit(&data, &options).unwrap();
    let cov: Vec<_> = fit.params.prec.iter().map(|p| p.clone().try_inverse().unwrap()).collect();
    exact(&fit, &data, normals_by_hand(&x, &fit.params.weight, &fit.params.mean, &cov));
    close(fit.log_likelihood(), of_cov, 1e-6);

    let data = tied::Data { x: (&x).into() };
    let fit = tied::Model::new(2).fit(&data, &options).unwrap();
    let cov = vec![fit.params.cov.clone(); 2];
    exact(&fit, &data, normals_by_hand(&x, &fit.params.weight, &fit.params.mean, &cov));

    let data = diagonal::Data { x: (&x).into() };
    let fit = diagonal::Model::new(2).fit(&data, &options).unwrap();
    let cov: Vec<_> = fit
        .params
        .s2
        .iter()
        .map(|s| DMatrix::from_diagonal(&DVector::from_column_slice(s.as_slice())))
        .collect();
    exact(&fit, &data, normals_by_hand(&x, &fit.params.weight, &fit.params.mean, &cov));

    let data = spherical::Data { x: (&x).into() };
    let fit = spherical::Model::new(2).fit(&data, &options).unwrap();
    let cov: Vec<_> = fit.params.s2.iter().map(|s| DMatrix::identity(2, 2) * *s).collect();
    exact(&fit, &data, normals_by_hand(&x, &fit.params.weight, &fit.params.mean, &cov));

    let known = DMatrix::from_row_slice(2, 2, &[1.0, 0.3, 0.3, 0.8]);
    let data = known_cov::Data { x: (&x).into() };
    let fit = known_cov::Model::new(2, known.clone()).fit(&data, &options).unwrap();
    exact(&fit, &data, normals_by_hand(&x, &fit.params.weight, &fit.params.mean, &[known.clone(), known]));
}
