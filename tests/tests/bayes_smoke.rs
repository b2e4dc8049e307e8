//! First sight of latents that all units share.
#![allow(missing_docs)]

use vi_core::prelude::*;

model! {
    pub mod mean_and_precision {
        latent   mu  ~ Normal(0, prec: 1e-6);
        latent   tau ~ Gamma(shape: 1e-6, rate: 1e-6);
        observed y[n in N] ~ Normal(mu, prec: tau);
        factorize { q(mu); q(tau); }
    }
}

model! {
    pub mod normal_gamma {
        latent   tau ~ Gamma(shape: 1e-3, rate: 1e-3);
        latent   mu  ~ Normal(0, prec: 1e-6 * tau);
        observed y[n in N] ~ Normal(mu, prec: tau);
    }
}

model! {
    pub mod coins(K) {
        latent   p[k in K] ~ Beta(1, 1);
        given    coin[n in N]: Category[K];
        observed y[n in N] ~ Bernoulli(p[coin[n]]);
    }
}

model! {
    pub mod bernoulli_mixture(K) {
        latent   weight: Simplex[K] ~ Dirichlet(1e-5);
        latent   p[d in D, k in K] ~ Beta(0.5, 0.5);
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N, d in D] ~ Bernoulli(p[d, z[n]]);
        factorize { q(z[each]); q(weight); q(p); }
    }
}

model! {
    pub mod independent_mixture(K, s0: SymPos[D]) {
        latent   weight: Simplex[K] ~ Dirichlet(1e-5);
        latent   mean[k in K]: Vector[D] ~ Normal(0, prec: 1e-5);
        latent   prec[k in K] ~ Wishart(dof: 2, scale: s0);
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N]: Vector[D] ~ Normal(mean[z[n]], prec: prec[z[n]]);
        factorize { q(mean); q(prec); q(z[each]); q(weight); }
    }
}

model! {
    pub mod bayesian_mixture(K, m0: Vector[D], w0: SymPos[D], nu0: Positive, b0: Positive = 0.01, a0: Positive = 1.0) {
        latent   weight: Simplex[K] ~ Dirichlet(a0);
        latent   prec[k in K]       ~ Wishart(dof: nu0, scale: w0);
        latent   mean[k in K]       ~ Normal(m0, prec: b0 * prec[k]);
        latent   z[n in N]          ~ Categorical(weight);
        observed x[n in N]          ~ Normal(mean[z[n]], prec: prec[z[n]]);
    }
}

model! {
    pub mod dp_mixture(K, m0: Vector[D], w0: SymPos[D], nu0: Positive) {
        latent   conc            ~ Gamma(shape: 1, rate: 1);
        latent   v[k in 0..K-1]  ~ Beta(1, conc);
        let      w[k in 0..K-1]  = v[k] * prod(1 - v[j] for j in 0..k);
        let      w[K-1]          = prod(1 - v[j] for j in 0..K-1);
        latent   prec[k in K]    ~ Wishart(dof: nu0, scale: w0);
        latent   mean[k in K]    ~ Normal(m0, prec: 0.05 * prec[k]);
        latent   z[n in N]       ~ Categorical(w);
        observed x[n in N]       ~ Normal(mean[z[n]], prec: prec[z[n]]);
    }
}

model! {
    pub mod ard_regression {
        given    x[n in N]: Vector[D];
        latent   tau           ~ Gamma(shape: 1e-3, rate: 1e-3);
        latent   alpha[d in D] ~ Gamma(shape: 1e-3, rate: 1e-3);
        latent   w[d in D]     ~ Normal(0, prec: tau * alpha[d]);
        observed y[n in N]     ~ Normal(dot(w, x[n]), prec: tau);
    }
}

fn numbers(name: &str) -> Vec<f64> {
    let path = format!("{}/../tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path)
        .unwrap()
        .split([' ', ',', '\n', '\r'])
        .filter(|x| !x.is_empty())
        .map(|x| x.parse().unwrap())
        .collect()
}

#[test]
fn normal() {
    let y = numbers("normal_gamma_y.csv");
    let fit = mean_and_precision::Model::new()
        .fit(&mean_and_precision::Data { y: (&y).into() }, &Options::new())
        .unwrap();
    println!("{}", mean_and_precision::PLAN);
    println!("{:?}", fit.trace);
    println!("{:?}", fit.elbo_terms());
    println!("{:?}", fit.posterior);
}

fn table(name: &str) -> DMatrix<f64> {
    let path = format!("{}/../tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let rows: Vec<Vec<f64>> =
        text.lines().map(|l| l.split(',').map(|x| x.trim().parse().unwrap()).collect()).collect();
    DMatrix::from_fn(rows.len(), rows[0].len(), |i, j| rows[i][j])
}

#[test]
fn nile() {
    let text =
        std::fs::read_to_string(format!("{}/../tests/data/nile.csv", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let y: Vec<f64> = text.lines().filter_map(|x| x.trim().parse().ok()).collect();
    let data = normal_gamma::Data { y: (&y).into() };
    let fit = normal_gamma::Model::new().fit(&data, &Options::new()).unwrap();
    println!("{:?} {:?}", fit.trace, fit.posterior);
    println!("{}", fit.log_evidence());
    println!("{:?}", fit.verify(&data, 1).unwrap());
}

#[test]
fn bernoulli() {
    let x = table("bernoulli_mixture_x.csv");
    let p = table("bernoulli_mixture_p_init.csv");
    let b = x.map(|v| v == 1.0);
    let data = bernoulli_mixture::Data { x: (&b).into() };
    let start = bernoulli_mixture::Posterior {
        p: (0..p.nrows()).map(|d| (0..10).map(|k| Point(p[(d, k)]).into()).collect()).collect(),
        ..Default::default()
    };
    let fit =
        bernoulli_mixture::Model::new(10).fit_from(&data, Start::Posterior(start), &Options::new()).unwrap();
    println!("{:?} {} {} {:?}", fit.trace[0], fit.trace.len(), fit.elbo(), &fit.trace[15..18]);
}

#[test]
fn gaussian() {
    let y = table("vb_mixture_y.csv");
    let z = table("vb_mixture_z_init.csv");
    let z: Vec<usize> = z.iter().map(|v| *v as usize).collect();
    let data = independent_mixture::Data { x: (&y).into() };
    let start = independent_mixture::Posterior { z: Categories::one_hot(&z, 10), ..Default::default() };
    let model = independent_mixture::Model::new(10, DMatrix::identity(2, 2) * 1e5);
    let fit = model.fit_from(&data, Start::Posterior(start), &Options::new()).unwrap();
    println!("{:?} {} {}", fit.trace[0], fit.trace.len(), fit.elbo());
    println!("{:?}", &fit.trace[58..62]);
    let model = bayesian_mixture::Model::new(6, DVector::zeros(2), DMatrix::identity(2, 2), 3.0);
    let data = bayesian_mixture::Data { x: (&y).into() };
    let fit = model.fit(&data, &Options::new()).unwrap();
    println!("{} {} {}", fit.trace[0], fit.trace.len(), fit.elbo());
    println!("{fit}");
    let model = dp_mixture::Model::new(6, DVector::zeros(2), DMatrix::identity(2, 2), 3.0);
    let data = dp_mixture::Data { x: (&y).into() };
    let fit = model.fit(&data, &Options::new()).unwrap();
    println!("{} {} {}", fit.trace[0], fit.trace.len(), fit.elbo());
}

#[test]
fn ard() {
    let x = DMatrix::from_fn(30, 3, |i, j| ((i * 7 + j * 13) % 11) as f64 / 5.0 - 1.0);
    let y: Vec<f64> = (0..30).map(|i| 2.0 * x[(i, 0)] - x[(i, 1)] + 0.1 * ((i * 5) % 7) as f64).collect();
    let data = ard_regression::Data { x: (&x).into(), y: (&y).into() };
    let fit = ard_regression::Model::new().fit(&data, &Options::new()).unwrap();
    println!("{:?} {:?}", fit.trace, fit.posterior.w.mean());
}
