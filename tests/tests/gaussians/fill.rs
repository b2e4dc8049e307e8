//! Latents that all units share, eliminated front by front: hierarchies, crossed and nested effects, walks, against one dense Normal.

use nalgebra::DMatrix;
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::dense::{Dense, Known};
use vi_tests::law::{close, exact, honest};

model! {
    pub mod varying {
        given    group[n in N]: Category[groups];
        given    x[n in N]: Real;
        param    tau2: Positive;
        param    s2: Positive;
        latent   mu ~ Normal(0, var: 100);
        latent   theta[j in groups] ~ Normal(mu, var: tau2);
        latent   beta ~ Normal(0, var: 10);
        observed y[n in N] ~ Normal(theta[group[n]] + x[n] * beta, var: s2);
    }
}
model! {
    pub mod slopes {
        given    group[n in N]: Category[groups];
        given    x[n in N, d in D]: Real;
        param    t2[d in D]: Positive;
        param    s2: Positive;
        latent   m[d in D] ~ Normal(0, var: 100);
        latent   w[j in groups, d in D] ~ Normal(m[d], var: t2[d]);
        observed y[n in N] ~ Normal(sum(x[n, d] * w[group[n], d] for d in D), var: s2);
    }
}
model! {
    pub mod crossed {
        given    user[n in N]: Category[users];
        given    item[n in N]: Category[items];
        param    s2: Positive;
        param    ta: Positive;
        param    tb: Positive;
        latent   mu ~ Normal(0, var: 100);
        latent   a[u in users] ~ Normal(0, var: ta);
        latent   b[i in items] ~ Normal(0, var: tb);
        observed y[n in N] ~ Normal(mu + a[user[n]] + b[item[n]], var: s2);
    }
}
model! {
    pub mod nested {
        given    school[c in classes]: Category[schools];
        given    class[n in N]: Category[classes];
        param    s2: Positive;
        param    ta: Positive;
        param    tb: Positive;
        latent   mu ~ Normal(0, var: 100);
        latent   a[k in schools] ~ Normal(mu, var: ta);
        latent   b[c in classes] ~ Normal(a[school[c]], var: tb);
        observed y[n in N] ~ Normal(b[class[n]], var: s2);
    }
}
model! {
    /// Neighbours on a map: what tells two of them apart is small.
    pub mod map {
        given    from[e in E]: Category[places];
        given    to[e in E]: Category[places];
        given    place[n in N]: Category[places];
        param    q: Positive;
        param    s2: Positive;
        latent   level[i in places] ~ Normal(0, var: 25);
        observed gap[e in E] ~ Normal(level[from[e]] - level[to[e]], var: q);
        observed y[n in N] ~ Normal(level[place[n]], var: s2);
    }
}

/// A law of a vector has these means and covariances, all of them.
#[track_caller]
fn same(q: &Marginal<vi_core::dist::MvNormal<'static>>, known: &Known, at: &[usize]) {
    let (mean, cov, var) = (q.mean(), q.cov(), q.var());
    for (i, v) in at.iter().enumerate() {
        close(mean[i], known.mean(*v), 1e-10);
        for (j, w) in at.iter().enumerate() {
            let scale = (known.cov[(*v, *v)] * known.cov[(*w, *w)]).sqrt();
            assert!((cov[(i, j)] - known.cov[(*v, *w)]).abs() < 1e-10 * scale, "{i} {j}");
        }
        assert!((var[i] / known.cov[(*v, *v)] - 1.0).abs() < 1e-10);
    }
}

/// E (a − b)² under the dense posterior.
fn apart(known: &Known, a: usize, b: usize) -> f64 {
    (known.mean(a) - known.mean(b)).powi(2) + known.cov[(a, a)] + known.cov[(b, b)] - 2.0 * known.cov[(a, b)]
}

#[test]
fn intercepts_of_many_groups_beside_a_common_slope() {
    let groups = 70;
    let mut u = Noise::new(1);
    // Some groups have no rows, others several; the last names how many there are.
    let mut group: Vec<usize> = (0..150).map(|_| u.below(groups)).collect();
    group.push(groups - 1);
    let x: Vec<f64> = group.iter().map(|_| 2.0 * u.normal()).collect();
    let y: Vec<f64> =
        group.iter().zip(&x).map(|(g, x)| 4.0 + (*g as f64).sin() + 0.7 * x + u.normal()).collect();
    let data = varying::Data { group: (&group).into(), x: (&x).into(), y: (&y).into() };
    let params = varying::Params { tau2: 0.8, s2: 0.5 };
    let fit = varying::Model::new().infer(&data, &params).unwrap();

    let mut dense = Dense::new();
    let mu = dense.add(0.0, &[], 100.0);
    let theta: Vec<usize> = (0..groups).map(|_| dense.add(0.0, &[(mu, 1.0)], 0.8)).collect();
    let beta = dense.add(0.0, &[], 10.0);
    let seen: Vec<(usize, f64)> =
        (0..y.len()).map(|n| (dense.add(0.0, &[(theta[group[n]], 1.0), (beta, x[n])], 0.5), y[n])).collect();
    let known = dense.given(&seen);
    exact(&fit, &data, known.log_evidence);
    same(&fit.posterior.theta, &known, &theta);
    close(fit.posterior.mu.mean(), known.mean(mu), 1e-10);
    assert!((fit.posterior.beta.var() / known.cov[(beta, beta)] - 1.0).abs() < 1e-10);

    // The M-step that follows reads the moments of pairs.
    let mut state = varying::Model::new().start(&data, Start::Params(params), &Options::new()).unwrap();
    varying::Model::new().step(&mut state).unwrap();
    let next = state.finish().unwrap().params;
    let tau2 = theta.iter().map(|t| apart(&known, *t, mu)).sum::<f64>() / groups as f64;
    let s2 = (0..y.len())
        .map(|n| {
            let rho = y[n] - known.mean(theta[group[n]]) - x[n] * known.mean(beta);
            let (t, b) = (theta[group[n]], beta);
            let cov = &known.cov;
            rho * rho + cov[(t, t)] + x[n] * x[n] * cov[(b, b)] + 2.0 * x[n] * cov[(t, b)]
        })
        .sum::<f64>()
        / y.len() as f64;
    close(next.tau2, tau2, 1e-10);
    close(next.s2, s2, 1e-10);
}

#[test]
fn a_fit_by_fronts_starts_again_from_its_posterior_and_does_not_depend_on_threads() {
    let groups = 50;
    let mut u = Noise::new(7);
    let mut group: Vec<usize> = (0..200).map(|_| u.below(groups)).collect();
    group.push(groups - 1);
    let x: Vec<f64> = group.iter().map(|_| u.normal()).collect();
    let y: Vec<f64> = group.iter().zip(&x).map(|(g, x)| (*g as f64).cos() - x + 0.5 * u.normal()).collect();
    let data = varying::Data { group: (&group).into(), x: (&x).into(), y: (&y).into() };
    let options = Options::new().max_iterations(40);
    let fit = varying::Model::new().fit(&data, &options.clone().threads(1)).unwrap();
    honest(&fit, &data);
    for threads in [2, 5] {
        let other = varying::Model::new().fit(&data, &options.clone().threads(threads)).unwrap();
        assert_eq!(fit.params, other.params);
        assert_eq!(fit.posterior, other.posterior);
        assert_eq!(fit.trace, other.trace);
    }
    // Nothing is lost in a posterior: E log p − log q is the same where its law is taken up again.
    let mut state = varying::Model::new().start(&data, Start::Params(fit.params.clone()), &options).unwrap();
    state.set(&fit.posterior).unwrap();
    let again = state.finish().unwrap();
    close(again.elbo(), fit.elbo(), 1e-12);
    assert_eq!(again.posterior.theta, fit.posterior.theta);
    // A form of the whole vector, and draws.
    let c: Vec<f64> = (0..groups).map(|j| if j < 2 { 1.0 } else { 0.0 }).collect();
    let law = fit.posterior.theta.law().unwrap();
    let cov = law.cov();
    close(law.combination(&c).var(), cov[(0, 0)] + cov[(1, 1)] + 2.0 * cov[(0, 1)], 1e-12);
    let mut rng = <rand_chacha::ChaCha8Rng as rand::SeedableRng>::seed_from_u64(3);
    let n = 4000;
    let draws: Vec<f64> = (0..n).map(|_| law.sample(&mut rng)[3] - law.mean()[3]).collect();
    let found = draws.iter().map(|d| d * d).sum::<f64>() / f64::from(n);
    assert!((found / cov[(3, 3)] - 1.0).abs() < 0.15);
}

#[test]
fn slopes_of_many_groups() {
    let (groups, dim) = (20, 3);
    let mut u = Noise::new(2);
    let mut group: Vec<usize> = (0..180).map(|_| u.below(groups)).collect();
    group.push(groups - 1);
    let x = DMatrix::from_fn(group.len(), dim, |_, d| if d == 0 { 1.0 } else { 1.5 * u.normal() });
    let y: Vec<f64> = group.iter().map(|g| 1.0 + (*g as f64 * 0.3).sin() + u.normal()).collect();
    let data = slopes::Data { group: (&group).into(), x: (&x).into(), y: (&y).into() };
    let params = slopes::Params { t2: vec![0.5, 0.2, 1.1], s2: 0.4 };
    let fit = slopes::Model::new().infer(&data, &params).unwrap();
    let mut dense = Dense::new();
    let m: Vec<usize> = (0..dim).map(|_| dense.add(0.0, &[], 100.0)).collect();
    let w: Vec<Vec<usize>> = (0..groups)
        .map(|_| (0..dim).map(|d| dense.add(0.0, &[(m[d], 1.0)], params.t2[d])).collect())
        .collect();
    let seen: Vec<(usize, f64)> = (0..y.len())
        .map(|n| {
            let form: Vec<(usize, f64)> = (0..dim).map(|d| (w[group[n]][d], x[(n, d)])).collect();
            (dense.add(0.0, &form, 0.4), y[n])
        })
        .collect();
    let known = dense.given(&seen);
    exact(&fit, &data, known.log_evidence);
    for g in 0..groups {
        for d in 0..dim {
            close(fit.posterior.w[g][d].mean(), known.mean(w[g][d]), 1e-10);
            assert!((fit.posterior.w[g][d].var() / known.cov[(w[g][d], w[g][d])] - 1.0).abs() < 1e-10);
        }
    }
}

#[test]
fn crossed_effects_of_users_and_items() {
    let (users, items) = (55, 8);
    let mut u = Noise::new(3);
    let mut user: Vec<usize> = (0..160).map(|_| u.below(users)).collect();
    let mut item: Vec<usize> = (0..160).map(|_| u.below(items)).collect();
    user.push(users - 1);
    item.push(items - 1);
    let y: Vec<f64> = user
        .iter()
        .zip(&item)
        .map(|(a, b)| 3.0 + (*a as f64).sin() + (*b as f64).cos() + u.normal())
        .collect();
    let data = crossed::Data { user: (&user).into(), item: (&item).into(), y: (&y).into() };
    let params = crossed::Params { s2: 0.4, ta: 0.6, tb: 0.9 };
    let fit = crossed::Model::new().infer(&data, &params).unwrap();
    let mut dense = Dense::new();
    let mu = dense.add(0.0, &[], 100.0);
    let a: Vec<usize> = (0..users).map(|_| dense.add(0.0, &[], 0.6)).collect();
    let b: Vec<usize> = (0..items).map(|_| dense.add(0.0, &[], 0.9)).collect();
    let seen: Vec<(usize, f64)> = (0..y.len())
        .map(|n| (dense.add(0.0, &[(mu, 1.0), (a[user[n]], 1.0), (b[item[n]], 1.0)], 0.4), y[n]))
        .collect();
    let known = dense.given(&seen);
    exact(&fit, &data, known.log_evidence);
    same(&fit.posterior.a, &known, &a);
    same(&fit.posterior.b, &known, &b);
    let fit = crossed::Model::new().fit(&data, &Options::new()).unwrap();
    honest(&fit, &data);
}

#[test]
fn classes_within_schools_and_data_far_from_the_origin() {
    let (schools, classes) = (9, 60);
    let mut u = Noise::new(4);
    let mut school: Vec<usize> = (0..classes).map(|_| u.below(schools)).collect();
    school[classes - 1] = schools - 1;
    let mut class: Vec<usize> = (0..200).map(|_| u.below(classes)).collect();
    class.push(classes - 1);
    let y: Vec<f64> = class.iter().map(|c| (*c as f64).sin() + u.normal()).collect();
    let data = nested::Data { school: (&school).into(), class: (&class).into(), y: (&y).into() };
    let params = nested::Params { s2: 0.3, ta: 0.5, tb: 0.2 };
    let fit = nested::Model::new().infer(&data, &params).unwrap();
    let mut dense = Dense::new();
    let mu = dense.add(0.0, &[], 100.0);
    let a: Vec<usize> = (0..schools).map(|_| dense.add(0.0, &[(mu, 1.0)], 0.5)).collect();
    let b: Vec<usize> = (0..classes).map(|c| dense.add(0.0, &[(a[school[c]], 1.0)], 0.2)).collect();
    let seen: Vec<(usize, f64)> =
        (0..y.len()).map(|n| (dense.add(0.0, &[(b[class[n]], 1.0)], 0.3), y[n])).collect();
    let known = dense.given(&seen);
    exact(&fit, &data, known.log_evidence);
    same(&fit.posterior.a, &known, &a);
    same(&fit.posterior.b, &known, &b);

    let fit = nested::Model::new().fit(&data, &Options::new()).unwrap();
    honest(&fit, &data);
    // A budget that one dense matrix of all is beyond, and the fronts are not; and one that they are beyond too.
    let small = nested::Model::new().fit(&data, &Options::new().budget(40)).unwrap();
    assert_eq!(small.params, fit.params);
    let error = nested::Model::new().fit(&data, &Options::new().budget(9)).unwrap_err();
    assert!(matches!(error, vi_core::Error::TooWide { unknowns: 70, budget: 9, .. }), "{error}");
    assert!(error.to_string().contains("has 70 numbers and, eliminated by fill, takes what"), "{error}");
}

#[test]
fn neighbours_on_a_map() {
    let side = 8;
    let mut u = Noise::new(5);
    let (mut from, mut to) = (vec![], vec![]);
    for i in 0..side {
        for j in 0..side {
            let at = i * side + j;
            if i + 1 < side {
                from.push(at);
                to.push(at + side);
            }
            if j + 1 < side {
                from.push(at + 1);
                to.push(at);
            }
        }
    }
    let gap = vec![0.0; from.len()];
    let place: Vec<usize> = (0..90).map(|_| u.below(side * side)).collect();
    let y: Vec<f64> = place.iter().map(|p| (*p as f64 * 0.1).sin() + 0.3 * u.normal()).collect();
    let data = map::Data {
        from: (&from).into(),
        to: (&to).into(),
        place: (&place).into(),
        gap: (&gap).into(),
        y: (&y).into(),
    };
    let fit = map::Model::new().infer(&data, &map::Params { q: 0.05, s2: 0.1 }).unwrap();
    let mut dense = Dense::new();
    let level: Vec<usize> = (0..side * side).map(|_| dense.add(0.0, &[], 25.0)).collect();
    let mut seen = vec![];
    for (f, t) in from.iter().zip(&to) {
        seen.push((dense.add(0.0, &[(level[*f], 1.0), (level[*t], -1.0)], 0.05), 0.0));
    }
    for (p, y) in place.iter().zip(&y) {
        seen.push((dense.add(0.0, &[(level[*p], 1.0)], 0.1), *y));
    }
    let known = dense.given(&seen);
    exact(&fit, &data, known.log_evidence);
    same(&fit.posterior.level, &known, &level);
}
