//! Data that come in parts.

use vi_core::prelude::*;
use vi_core::{Error, Options};
use vi_tests::data::Noise;
use vi_tests::law::close;

model! {
    pub mod normal_gamma(m0: Real, k0: Positive, a0: Positive, b0: Positive) {
        latent   tau ~ Gamma(shape: a0, rate: b0);
        latent   mu  ~ Normal(m0, prec: k0 * tau);
        observed y[n in N] ~ Normal(mu, prec: tau);
    }
}
model! {
    pub mod normal_wishart(m0: Vector[D], k0: Positive, nu0: Positive, w0: SymPos[D]) {
        latent   prec ~ Wishart(dof: nu0, scale: w0);
        latent   mean ~ Normal(m0, prec: k0 * prec);
        observed x[n in N] ~ Normal(mean, prec: prec);
    }
}
model! {
    pub mod coins(G) {
        given    group[n in N]: Category[G];
        latent   p[g in G] ~ Beta(1, 1);
        observed y[n in N] ~ Bernoulli(p[group[n]]);
    }
}
model! {
    pub mod regression {
        given    x[n in N]: Vector[D];
        latent   tau       ~ Gamma(shape: 2, rate: 1);
        latent   w[d in D] ~ Normal(0, prec: 0.1 * tau);
        observed y[n in N] ~ Normal(dot(w, x[n]), prec: tau);
    }
}
model! {
    pub mod apart {
        latent   tau ~ Gamma(shape: 2, rate: 1);
        latent   mu  ~ Normal(0, prec: 0.1);
        observed y[n in N] ~ Normal(mu, prec: tau);
        factorize { q(mu); q(tau); }
    }
}
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
    pub mod em(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Vector[D];
        param    cov[k in K]: SymPos[D];
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(mean[z[n]], cov: cov[z[n]]);
    }
}
model! {
    pub mod schools {
        given    sd[j in J]: Positive;
        latent   mu       ~ Normal(0, var: 100);
        latent   effect[j in J] ~ Normal(mu, var: 25);
        observed y[j in J] ~ Normal(effect[j], sd: sd[j]);
    }
}

fn numbers(n: usize, seed: u64) -> Vec<f64> {
    let mut g = Noise::new(seed);
    (0..n).map(|_| 30.0 + 0.5 * g.normal()).collect()
}

fn three_groups(n: usize, apart: f64, seed: u64) -> DMatrix<f64> {
    let mut g = Noise::new(seed);
    DMatrix::from_fn(n, 2, |i, j| apart * ((i % 3) * (j + 1) % 3) as f64 + g.normal())
}

#[test]
fn a_normal_in_three_parts() {
    let y = numbers(60, 1);
    let model = normal_gamma::Model::new(20.0, 0.1, 2.0, 1.0);
    let all = model.fit(&normal_gamma::Data { y: (&y).into() }, &Options::new()).unwrap();
    let mut fit = model.fit(&normal_gamma::Data { y: (&y[..7]).into() }, &Options::new()).unwrap();
    for part in [&y[7..8], &y[8..8], &y[8..60]] {
        fit = fit.update(&normal_gamma::Data { y: part.into() }, &Options::new()).unwrap();
    }
    close(fit.log_evidence(), all.log_evidence(), 1e-12);
    close(fit.posterior.mu.mean(), all.posterior.mu.mean(), 1e-13);
    close(fit.posterior.mu.var(), all.posterior.mu.var(), 1e-12);
    close(fit.posterior.tau.mean(), all.posterior.tau.mean(), 1e-12);
    // log p − log q is the evidence of all the data, whatever is drawn.
    for value in fit.verify(&normal_gamma::Data { y: (&y).into() }, 1).unwrap().values {
        close(value, fit.log_evidence(), 1e-12);
    }
}

#[test]
fn gauges_of_parts_that_lie_far_apart() {
    // Both lie where squares about the origin would have no digits left for the spread.
    let x = three_groups(50, 3.0, 2).map(|x| x + 1e7);
    let far = x.map(|x| x + 20.0);
    let both = DMatrix::from_fn(100, 2, |i, j| if i < 50 { x[(i, j)] } else { far[(i - 50, j)] });
    let model = normal_wishart::Model::new(DVector::from_element(2, 1e7), 0.1, 4.0, DMatrix::identity(2, 2));
    let all = model.fit(&normal_wishart::Data { x: (&both).into() }, &Options::new()).unwrap();
    let one = model.fit(&normal_wishart::Data { x: (&x).into() }, &Options::new()).unwrap();
    let two = one.update(&normal_wishart::Data { x: (&far).into() }, &Options::new()).unwrap();
    close(two.log_evidence(), all.log_evidence(), 1e-9);
    close(two.posterior.mean.mean()[1], all.posterior.mean.mean()[1], 1e-12);
    close(two.posterior.prec.mean()[(0, 0)], all.posterior.prec.mean()[(0, 0)], 1e-9);
}

#[test]
fn groups_and_regressions() {
    let group: Vec<usize> = (0..40).map(|n| (n * 7) % 3).collect();
    let y: Vec<bool> = (0..40).map(|n| (n * 11) % 5 < 2).collect();
    let part =
        |r: std::ops::Range<usize>| coins::Data { group: (&group[r.clone()]).into(), y: (&y[r]).into() };
    let model = coins::Model::new(3);
    let all = model.fit(&part(0..40), &Options::new()).unwrap();
    let two =
        model.fit(&part(0..12), &Options::new()).unwrap().update(&part(12..40), &Options::new()).unwrap();
    assert_eq!(two.posterior.p, all.posterior.p);
    close(two.log_evidence(), all.log_evidence(), 1e-12);

    let mut g = Noise::new(3);
    let x = DMatrix::from_fn(30, 3, |_, _| g.normal());
    let y: Vec<f64> = (0..30).map(|n| x[(n, 0)] - 2.0 * x[(n, 2)] + 0.2 * g.normal()).collect();
    let (x1, x2) = (x.rows(0, 10).into_owned(), x.rows(10, 20).into_owned());
    let model = regression::Model::new();
    let all = model.fit(&regression::Data { x: (&x).into(), y: (&y).into() }, &Options::new()).unwrap();
    let one =
        model.fit(&regression::Data { x: (&x1).into(), y: (&y[..10]).into() }, &Options::new()).unwrap();
    let two =
        one.update(&regression::Data { x: (&x2).into(), y: (&y[10..]).into() }, &Options::new()).unwrap();
    close(two.log_evidence(), all.log_evidence(), 1e-10);
    for d in 0..3 {
        close(two.posterior.w.mean()[d], all.posterior.w.mean()[d], 1e-10);
    }
    let narrow = DMatrix::zeros(2, 2);
    let none = regression::Data { x: (&narrow).into(), y: (&[0.0, 0.0]).into() };
    assert!(matches!(
        one.update(&none, &Options::new()),
        Err(Error::CannotUpdate { .. } | Error::Shape { .. })
    ));
}

#[test]
fn blocks_without_units_find_the_batch_answer() {
    let y = numbers(60, 1);
    let options = Options::new().tolerance(1e-14);
    let all = apart::Model::new().fit(&apart::Data { y: (&y).into() }, &options).unwrap();
    let one = apart::Model::new().fit(&apart::Data { y: (&y[..9]).into() }, &options).unwrap();
    let two = one.update(&apart::Data { y: (&y[9..]).into() }, &options).unwrap();
    close(two.elbo(), all.elbo(), 1e-10);
    close(two.posterior.tau.mean(), all.posterior.tau.mean(), 1e-6);
}

#[test]
fn old_units_keep_their_minds() {
    let x = three_groups(120, 6.0, 4);
    let (a, b) = (x.rows(0, 60).into_owned(), x.rows(60, 60).into_owned());
    let options = Options::new().seed(1).restarts(4).tolerance(1e-12);
    let model = mixture::Model::new(3, DVector::zeros(2), DMatrix::identity(2, 2), 3.0);
    let all = model.fit(&mixture::Data { x: (&x).into() }, &options).unwrap();
    let one = model.fit(&mixture::Data { x: (&a).into() }, &options).unwrap();
    let two = one.update(&mixture::Data { x: (&b).into() }, &options).unwrap();
    // A lower bound for the same data, with q of half the units held: below the best q, and not by much where the groups are apart.
    assert!(two.elbo() <= all.elbo() + 1e-9, "{} {}", two.elbo(), all.elbo());
    assert!(two.elbo() > all.elbo() - 1.0, "{} {}", two.elbo(), all.elbo());
    assert_eq!(two.posterior.z.len(), 60);
    let sum: f64 = two.elbo_terms().iter().map(|t| t.value).sum();
    close(sum, two.elbo(), 1e-10);
    let count: f64 = two.posterior.weight.law().unwrap().a.iter().sum();
    close(count, 123.0, 1e-10);
    vi_tests::law::monotone(&two.trace);

    // The same for params: their statistics are those of both parts.
    let model = em::Model::new(3);
    let all = model.fit(&em::Data { x: (&x).into() }, &options).unwrap();
    let one = model.fit(&em::Data { x: (&a).into() }, &options).unwrap();
    let two = one.update(&em::Data { x: (&b).into() }, &options).unwrap();
    assert!(
        two.elbo() <= all.elbo() + 1e-9 && two.elbo() > all.elbo() - 1.0,
        "{} {}",
        two.elbo(),
        all.elbo()
    );
    vi_tests::law::monotone(&two.trace);
}

#[test]
fn what_cannot_take_more_data_says_why() {
    let (sd, y) = ([1.0, 2.0, 3.0], [0.5, -1.0, 2.0]);
    let data = schools::Data { sd: (&sd).into(), y: (&y).into() };
    let fit = schools::Model::new().fit(&data, &Options::new()).unwrap();
    let error = fit.update(&data, &Options::new()).unwrap_err();
    assert!(error.to_string().contains("`effect`"), "{error}");
}

#[test]
fn renamed_categories_stay_renamed() {
    let x = three_groups(60, 9.0, 4);
    let options = Options::new().seed(1).restarts(4);
    let data = em::Data { x: (&x).into() };
    let mut fit = em::Model::new(3).fit(&data, &options).unwrap();
    let before = fit.predict(&data).unwrap().log_density;
    fit.relabel(&[2, 0, 1]).unwrap();
    let draw = &fit.draw(&data, 1, 1).unwrap()[0];
    let again = fit.infer(&data).unwrap();
    for n in 0..60 {
        assert!(fit.posterior.z.probs(n)[fit.posterior.z.most_likely(n)] > 0.999);
        assert_eq!(draw.z[n], fit.posterior.z.most_likely(n));
        assert_eq!(again.posterior.z.most_likely(n), fit.posterior.z.most_likely(n));
        close(fit.predict(&data).unwrap().log_density[n], before[n], 1e-12);
    }
    assert!(fit.verify(&data, 1).unwrap().is_exact());
    assert!(matches!(fit.update(&data, &options), Err(Error::CannotUpdate { .. })));
}

#[test]
fn a_fit_that_was_read_from_a_file_takes_more_data() {
    let y = numbers(60, 1);
    let model = normal_gamma::Model::new(20.0, 0.1, 2.0, 1.0);
    let all = model.fit(&normal_gamma::Data { y: (&y).into() }, &Options::new()).unwrap();
    let fit = model.fit(&normal_gamma::Data { y: (&y[..20]).into() }, &Options::new()).unwrap();
    let text = serde_json::to_string(&fit).unwrap();
    let read: vi_core::Fit<normal_gamma::Model> = serde_json::from_str(&text).unwrap();
    let two = read.update(&normal_gamma::Data { y: (&y[20..]).into() }, &Options::new()).unwrap();
    close(two.log_evidence(), all.log_evidence(), 1e-12);
    close(two.posterior.tau.mean(), all.posterior.tau.mean(), 1e-12);

    let x = three_groups(120, 6.0, 4);
    let (a, b) = (x.rows(0, 60).into_owned(), x.rows(60, 60).into_owned());
    let options = Options::new().seed(1).restarts(2);
    let model = mixture::Model::new(3, DVector::zeros(2), DMatrix::identity(2, 2), 3.0);
    let one = model.fit(&mixture::Data { x: (&a).into() }, &options).unwrap();
    let read: vi_core::Fit<mixture::Model> =
        serde_json::from_str(&serde_json::to_string(&one).unwrap()).unwrap();
    let direct = one.update(&mixture::Data { x: (&b).into() }, &options).unwrap();
    let after = read.update(&mixture::Data { x: (&b).into() }, &options).unwrap();
    close(after.elbo(), direct.elbo(), 1e-12);

    // A file of a version that left the statistics out is read, and says what it lacks.
    let mut fields: serde_json::Value = serde_json::from_str(&text).unwrap();
    fields.as_object_mut().unwrap().remove("totals").unwrap();
    let old: vi_core::Fit<normal_gamma::Model> = serde_json::from_value(fields).unwrap();
    let error = old.update(&normal_gamma::Data { y: (&y[20..]).into() }, &Options::new()).unwrap_err();
    assert!(error.to_string().contains("holds no statistics"), "{error}");
}
