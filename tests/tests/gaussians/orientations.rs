//! `canonical()` where loadings have priors or posteriors: rotations where these are the same in every direction, else an order and signs.

use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::law::close;

model! {
    /// A relevance for each direction.
    pub mod relevance(H) {
        latent   alpha[h in H]        ~ Gamma(shape: 0.5, rate: 0.5);
        latent   C[d in D]: Vector[H] ~ Normal(0, prec: alpha);
        latent   b[d in D]            ~ Normal(0, prec: 0.01);
        latent   r                    ~ Gamma(shape: 0.5, rate: 0.5);
        latent   x[n in N]: Vector[H] ~ Normal(0, var: 1);
        observed y[n in N, d in D]    ~ Normal(dot(C[d], x[n]) + b[d], prec: r);
    }
}
model! {
    /// One prior for all loadings, entry by entry, and holes.
    pub mod alike(H) {
        latent   C[d in D, h in H]        ~ Normal(0, var: 4);
        latent   b[d in D]                ~ Normal(0, var: 25);
        latent   r[d in D]                ~ Gamma(shape: 2, rate: 1);
        latent   x[n in N]: Vector[H]     ~ Normal(0, var: 1);
        observed y[n in N, d in D]: Real? ~ Normal(sum(C[d, h] * x[n][h] for h in H) + b[d], prec: r[d]);
    }
}
model! {
    /// Loadings that are points with a prior.
    pub mod ridge(H) {
        param    C[d in D]: Vector[H] ~ Normal(0, var: 2);
        param    s2: Positive(min: 1e-9);
        latent   x[n in N]: Vector[H] ~ Normal(0, var: 1);
        observed y[n in N, d in D]    ~ Normal(dot(C[d], x[n]), var: s2);
    }
}
model! {
    /// States whose dynamics and loadings are uncertain, with a relevance for each of them and a scale for each step.
    pub mod space(H) {
        latent   alpha[h in H]        ~ Gamma(shape: 0.5, rate: 0.5);
        latent   A[i in H]: Vector[H] ~ Normal(0, prec: alpha);
        latent   q[i in H]            ~ Gamma(shape: 0.5, rate: 0.5);
        latent   gamma[h in H]        ~ Gamma(shape: 0.5, rate: 0.5);
        latent   C[d in D]: Vector[H] ~ Normal(0, prec: gamma);
        latent   b[d in D]            ~ Normal(0, prec: 0.01);
        latent   r[d in D]            ~ Gamma(shape: 0.5, rate: 0.5);
        latent   x[0]: Vector[H]      ~ Normal(0, var: 1);
        latent   x[t in 1..T]         ~ Normal(A * x[t-1], prec: q);
        observed y[t in T]: Vector[D]? ~ Normal(C * x[t] + b, prec: r);
    }
}
model! {
    /// The first direction is named: nothing is open.
    pub mod anchored(H) {
        latent   alpha[h in H]        ~ Gamma(shape: 0.5, rate: 0.5);
        latent   C[d in D]: Vector[H] ~ Normal(0, prec: alpha);
        latent   x[n in N]: Vector[H] ~ Normal(0, var: 1);
        observed y[n in N, d in D]    ~ Normal(dot(C[d], x[n]), var: 1);
        observed u[n in N]            ~ Normal(x[n][0], var: 1);
    }
}

fn made(n: usize, d: usize, noise: f64, seed: u64) -> DMatrix<f64> {
    let mut g = Noise::new(seed);
    let w = DMatrix::from_fn(d, 2, |_, h| g.normal() * (1.0 + h as f64));
    let f = DMatrix::from_fn(n, 2, |_, _| g.normal());
    let rest = DMatrix::from_fn(n, d, |_, _| g.normal() * noise);
    f * w.transpose() + rest.map_with_location(|_, j, x| x + 0.5 * j as f64)
}

/// E (c · x)² of two independent vectors, which no turn changes.
fn square(c: (&DVector<f64>, &DMatrix<f64>), x: (&DVector<f64>, &DMatrix<f64>)) -> f64 {
    ((c.1 + c.0 * c.0.transpose()) * (x.1 + x.0 * x.0.transpose())).trace()
}

#[track_caller]
fn is_ordered(c: &DMatrix<f64>) {
    for h in 0..c.ncols() {
        assert!(h == 0 || c.column(h).norm() <= c.column(h - 1).norm(), "{h}");
        let column = c.column(h);
        assert!(column[column.icamax()] >= 0.0, "{h}");
    }
}

#[test]
fn directions_with_relevances_of_their_own_change_order_and_sign_alone() {
    for seed in 1..4 {
        let (n, d, h) = (40, 6, 4);
        let y = made(n, d, 0.4, seed);
        let data = relevance::Data { y: (&y).into() };
        let fit = relevance::Model::new(h).fit(&data, &Options::new().seed(seed).max_iterations(60)).unwrap();
        let turned = fit.canonical();
        let means =
            |f: &vi_core::Fit<relevance::Model>| DMatrix::from_fn(d, h, |d, h| f.posterior.C[d].mean()[h]);
        let (old, new) = (means(&fit), means(&turned));
        is_ordered(&new);
        for k in 0..h {
            let was = (0..h).find(|j| old.column(*j).abs() == new.column(k).abs()).unwrap();
            assert_eq!(turned.posterior.alpha[k].mean(), fit.posterior.alpha[was].mean());
            let sign = (new[(0, k)] / old[(0, was)]).signum();
            for m in 0..n {
                close(turned.posterior.x[m].mean()[k], sign * fit.posterior.x[m].mean()[was], 1e-12);
            }
        }
        for m in 0..n {
            for d in 0..d {
                let at = |f: &vi_core::Fit<relevance::Model>| {
                    let (c, x) = (&f.posterior.C[d], &f.posterior.x[m]);
                    square((&c.mean(), &c.cov()), (&x.mean(), &x.cov()))
                };
                close(at(&turned), at(&fit), 1e-11);
            }
        }
        assert_eq!(turned.posterior.b, fit.posterior.b);
        let (a, b) = (fit.infer(&data).unwrap(), turned.infer(&data).unwrap());
        close(a.elbo(), b.elbo(), 1e-11);
        let again = a.canonical();
        for m in 0..n {
            assert!((b.posterior.x[m].mean() - again.posterior.x[m].mean()).norm() < 1e-10);
        }
        let twice = means(&turned.canonical());
        assert_eq!(twice, new);
    }
}

#[test]
fn loadings_with_one_prior_turn_with_their_covariances() {
    for seed in 1..4 {
        let (n, d, h) = (50, 5, 3);
        let mut y = made(n, d, 0.5, seed);
        (0..n).step_by(7).for_each(|m| y[(m, m % d)] = f64::NAN);
        let data = alike::Data { y: (&y).into() };
        let fit = alike::Model::new(h)
            .fit(&data, &Options::new().seed(seed).max_iterations(80).expand(false))
            .unwrap();
        let turned = fit.canonical();
        let of = |f: &vi_core::Fit<alike::Model>| DMatrix::from_fn(d, h, |d, h| f.posterior.C[d][h].mean());
        let c = of(&turned);
        is_ordered(&c);
        let products = c.transpose() * &c;
        for i in 0..h {
            (0..i).for_each(|j| assert!(products[(i, j)].abs() < 1e-12 * products.trace(), "({i}, {j})"));
        }
        assert!((&c - of(&fit)).norm() > 1e-3 * c.norm(), "the fit stood in that orientation already");
        let (a, b) = (fit.infer(&data).unwrap(), turned.infer(&data).unwrap());
        close(a.elbo(), b.elbo(), 1e-10);
        let turned = a.canonical();
        for m in 0..n {
            let (p, q) = (&b.posterior.x[m], &turned.posterior.x[m]);
            assert!((p.mean() - q.mean()).norm() < 1e-10 && (p.cov() - q.cov()).norm() < 1e-10);
            assert!((&c * p.mean() - of(&fit) * a.posterior.x[m].mean()).norm() < 1e-10);
        }
    }
}

#[test]
fn points_with_a_prior_turn_as_those_without() {
    let y = made(60, 5, 0.3, 8).map(|x| x - 1.0);
    let data = ridge::Data { y: (&y).into() };
    let model = ridge::Model::new(3);
    let fit = model.fit(&data, &Options::new().max_iterations(40)).unwrap();
    let turned = fit.canonical();
    let of = |p: &ridge::Params| DMatrix::from_fn(5, 3, |d, h| p.C[d][h]);
    let (old, new) = (of(&fit.params), of(&turned.params));
    is_ordered(&new);
    assert!((&old * old.transpose() - &new * new.transpose()).norm() < 1e-13 * old.norm_squared());
    close(model.infer(&data, &turned.params).unwrap().elbo(), fit.elbo(), 1e-11);
}

#[test]
fn states_with_uncertain_dynamics_change_order_and_sign_with_all_that_meets_them() {
    for seed in 1..4 {
        let (n, d, h) = (60, 4, 3);
        let mut y = made(n, d, 0.3, seed);
        (0..n).step_by(9).for_each(|t| y[(t, t % d)] = f64::NAN);
        let data = space::Data { y: (&y).into() };
        let fit = space::Model::new(h).fit(&data, &Options::new().seed(seed).max_iterations(40)).unwrap();
        let turned = fit.canonical();
        let means =
            |f: &vi_core::Fit<space::Model>| DMatrix::from_fn(d, h, |d, h| f.posterior.C[d].mean()[h]);
        let (old, new) = (means(&fit), means(&turned));
        is_ordered(&new);
        let was: Vec<usize> = (0..h)
            .map(|k| {
                (0..h).find(|j| fit.posterior.gamma[*j].mean() == turned.posterior.gamma[k].mean()).unwrap()
            })
            .collect();
        let sign: Vec<f64> = (0..h).map(|k| (new[(0, k)] / old[(0, was[k])]).signum()).collect();
        for i in 0..h {
            assert_eq!(turned.posterior.alpha[i].mean(), fit.posterior.alpha[was[i]].mean());
            assert_eq!(turned.posterior.q[i].mean(), fit.posterior.q[was[i]].mean());
            let (a, b) = (&turned.posterior.A[i], &fit.posterior.A[was[i]]);
            for j in 0..h {
                close(a.mean()[j], sign[i] * sign[j] * b.mean()[was[j]], 1e-12);
                for k in 0..h {
                    close(a.cov()[(j, k)], sign[j] * sign[k] * b.cov()[(was[j], was[k])], 1e-11);
                }
            }
        }
        let (a, b) = (fit.infer(&data).unwrap(), turned.infer(&data).unwrap());
        close(a.elbo(), b.elbo(), 1e-10);
        for t in 0..n {
            let (p, q) = (&a.posterior.x[t], &b.posterior.x[t]);
            for k in 0..h {
                close(q.mean()[k], sign[k] * p.mean()[was[k]], 1e-8);
            }
        }
    }
}

#[test]
fn the_plan_says_what_is_open() {
    for text in [relevance::PLAN.text, space::PLAN.text] {
        assert!(text.contains("say the same in any order of the directions and with any signs"), "{text}");
    }
    for text in [alike::PLAN.text, ridge::PLAN.text] {
        assert!(text.contains("under any rotation T; `canonical()` chooses one"), "{text}");
    }
    assert!(!anchored::PLAN.text.contains("orientation"), "{}", anchored::PLAN.text);
}
