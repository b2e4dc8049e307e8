//! Locations with bounds: the mode of least squares within them, and what is said of those that lie on one.

use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::density::{self, log_sum_exp};
use vi_tests::law::{close, exact};

model! {
    pub mod one { param m: Real(min: 0); param s: Positive; observed y[n in N] ~ Normal(m, sd: s); }
}
model! {
    pub mod positive { param r: Positive; param s: Positive; observed y[n in N] ~ Normal(r, sd: s); }
}
model! {
    pub mod regression {
        given x[n in N]: Vector[D];
        param b[d in D]: Real(min: 0); param c: Real; param v: Positive;
        observed y[n in N] ~ Normal(dot(b, x[n]) + c, var: v);
    }
}
model! {
    pub mod bounded_intercept {
        given x[n in N]: Real;
        param b: Real; param c: Real(min: 0, max: 1); param v: Positive;
        observed y[n in N] ~ Normal(b * x[n] + c, var: v);
    }
}
model! {
    pub mod mixture(K) {
        param w: Simplex[K]; param m[k in K]: Real(min: 0, max: 4); param s: Positive;
        latent z[n in N] ~ Categorical(w);
        observed y[n in N] ~ Normal(m[z[n]], sd: s);
    }
}
model! {
    pub mod vectors(K) {
        param w: Simplex[K]; param m[k in K, d in D]: Real(min: 0); param cov: SymPos[D];
        latent z[n in N] ~ Categorical(w);
        observed x[n in N] ~ Normal(m[z[n]], cov: cov);
    }
}
model! {
    pub mod map { param m: Real(min: 1) ~ Normal(0, sd: 1); observed y[n in N] ~ Normal(m, sd: 2); }
}
model! {
    pub mod share { param p: Unit; param v: Positive; observed y[n in N] ~ Normal(p, var: v); observed k[n in N] ~ Normal(2 * p, var: v); }
}

fn options() -> Options {
    Options::new().seed(3).threads(1).tolerance(1e-14).max_iterations(20_000)
}

fn mean(y: &[f64]) -> f64 {
    y.iter().sum::<f64>() / y.len() as f64
}

fn line(y: &[f64], m: f64, v: f64) -> f64 {
    y.iter().map(|y| density::normal(*y, m, v)).sum()
}

#[test]
fn one_location_is_moved_to_its_bound() {
    for shift in [-2.0, 2.0] {
        let mut g = Noise::new(1);
        let y: Vec<f64> = (0..40).map(|_| shift + g.normal()).collect();
        let want = mean(&y).max(0.0);
        let sd = (y.iter().map(|y| (y - want).powi(2)).sum::<f64>() / 40.0).sqrt();
        let data = one::Data { y: (&y).into() };
        let fit = one::Model::new().fit(&data, &options()).unwrap();
        close(fit.params.m, want, 1e-12);
        close(fit.params.s, sd, 1e-12);
        exact(&fit, &data, line(&y, want, sd * sd));
        let on: Vec<&str> = if shift < 0.0 { vec!["m"] } else { vec![] };
        assert_eq!(fit.at_boundary, on);

        let data = positive::Data { y: (&y).into() };
        let fit = positive::Model::new().fit(&data, &options()).unwrap();
        close(fit.params.r, want, 1e-12);
        close(fit.params.s, sd, 1e-12);
    }
    assert!(one::PLAN.text.contains("least squares within the bounds"), "{}", one::PLAN);
}

/// Non-negative least squares by trying every set of slopes that are 0.
fn best_subset(x: &DMatrix<f64>, y: &DVector<f64>, bounded: usize) -> (DVector<f64>, f64) {
    let p = x.ncols();
    let mut best = (DVector::zeros(p), f64::INFINITY);
    for code in 0..1usize << bounded {
        let kept: Vec<usize> = (0..p).filter(|j| *j >= bounded || code >> j & 1 == 1).collect();
        let part = x.select_columns(&kept);
        let solved = (part.transpose() * &part).try_inverse().unwrap() * part.transpose() * y;
        let mut full = DVector::zeros(p);
        kept.iter().zip(solved.iter()).for_each(|(j, v)| full[*j] = *v);
        let square = (y - x * &full).norm_squared();
        if full.rows(0, bounded).iter().all(|v| *v >= 0.0) && square < best.1 {
            best = (full, square);
        }
    }
    best
}

#[test]
fn slopes_that_may_not_be_negative() {
    for (seed, far) in [(2, 0.0), (3, 0.0), (4, 1e6)] {
        let mut g = Noise::new(seed);
        let x = DMatrix::from_fn(60, 3, |_, _| g.normal());
        let truth = [1.2, -0.8, 0.1];
        let y = DVector::from_fn(60, |n, _| {
            far + 0.5 + (0..3).map(|d| truth[d] * x[(n, d)]).sum::<f64>() + 0.7 * g.normal()
        });
        let design = DMatrix::from_fn(60, 4, |n, j| if j < 3 { x[(n, j)] } else { 1.0 });
        let (want, square) = best_subset(&design, &y.map(|v| v - far), 3);
        let target: Vec<f64> = y.iter().copied().collect();
        let data = regression::Data { x: (&x).into(), y: (&target).into() };
        let fit = regression::Model::new().fit(&data, &options()).unwrap();
        for d in 0..3 {
            assert!((fit.params.b[d] - want[d]).abs() < 1e-9, "{:?} for {}", fit.params.b, want);
        }
        assert!((fit.params.c - far - want[3]).abs() < 1e-9);
        close(fit.params.v, square / 60.0, 1e-8);
        assert!(fit.at_boundary.contains(&"b[1]".to_string()), "{:?}", fit.at_boundary);
    }
}

#[test]
fn an_intercept_between_two_bounds() {
    let mut g = Noise::new(5);
    let x: Vec<f64> = (0..50).map(|_| 3.0 + g.normal()).collect();
    for (c, on) in [(-2.0, Some(0.0)), (0.5, None), (3.0, Some(1.0))] {
        let y: Vec<f64> = x.iter().map(|x| 2.0 * x + c + 0.1 * g.normal()).collect();
        let fit = bounded_intercept::Model::new()
            .fit(&bounded_intercept::Data { x: (&x).into(), y: (&y).into() }, &options())
            .unwrap();
        if let Some(bound) = on {
            let slope = x.iter().zip(&y).map(|(x, y)| x * (y - bound)).sum::<f64>()
                / x.iter().map(|x| x * x).sum::<f64>();
            close(fit.params.c, bound, 1e-14);
            close(fit.params.b, slope, 1e-12);
            assert_eq!(fit.at_boundary, ["c"]);
        } else {
            assert!(fit.params.c > 0.0 && fit.params.c < 1.0 && fit.at_boundary.is_empty());
        }
    }
}

#[test]
fn locations_of_a_mixture() {
    let mut g = Noise::new(6);
    let y: Vec<f64> =
        (0..120).map(|_| if g.unit() < 0.5 { -1.0 + g.normal() } else { 3.0 + g.normal() }).collect();
    let data = mixture::Data { y: (&y).into() };
    let fit = mixture::Model::new(2).fit(&data, &options()).unwrap();
    let p = &fit.params;
    let of = |w: f64, m: [f64; 2], s: f64| -> f64 {
        y.iter()
            .map(|y| {
                log_sum_exp(&[
                    w.ln() + density::normal(*y, m[0], s * s),
                    (1.0 - w).ln() + density::normal(*y, m[1], s * s),
                ])
            })
            .sum()
    };
    let (m, best) = ([p.m[0], p.m[1]], of(p.w[0], [p.m[0], p.m[1]], p.s));
    exact(&fit, &data, best);
    // One lies on 0; no move within the bounds gains anything.
    let on = usize::from(m[1] == 0.0);
    assert_eq!(m[on], 0.0);
    assert_eq!(fit.at_boundary, [format!("m[{on}]")]);
    for h in [-1e-3, 1e-3] {
        let mut moved = m;
        moved[1 - on] += h;
        assert!(of(p.w[0], moved, p.s) < best);
        assert!(of(p.w[0] + h, m, p.s) < best);
        assert!(of(p.w[0], m, p.s + h) < best);
    }
    let mut inside = m;
    inside[on] = 1e-3;
    assert!(of(p.w[0], inside, p.s) < best);
}

/// Under a dense covariance the solution within the bounds depends on the covariance: they take turns.
#[test]
fn vectors_under_one_covariance() {
    let mut g = Noise::new(7);
    let x = DMatrix::from_fn(80, 2, |n, d| {
        let centre = if n % 2 == 0 { [3.0, -0.5] } else { [-0.4, 2.0] }[d];
        centre + g.normal() * 0.6
    });
    let data = vectors::Data { x: (&x).into() };
    let fit = vectors::Model::new(2).fit(&data, &options()).unwrap();
    let p = &fit.params;
    let of =
        |m: &[Vec<f64>], cov: &DMatrix<f64>| -> f64 {
            (0..80)
                .map(|n| {
                    let row: Vec<f64> = x.row(n).iter().copied().collect();
                    log_sum_exp(&[0, 1].map(|k| {
                        p.w[k].ln() + density::mv_normal(&row, &DVector::from_vec(m[k].clone()), cov)
                    }))
                })
                .sum()
        };
    let best = of(&p.m, &p.cov);
    exact(&fit, &data, best);
    assert_eq!(fit.at_boundary.len(), 2, "{:?}", fit.at_boundary);
    assert!(!vectors::PLAN.text.contains("whitened"), "{}", vectors::PLAN);
    for k in 0..2 {
        for d in 0..2 {
            for h in [-1e-3, 1e-3] {
                let mut m = p.m.clone();
                m[k][d] += h;
                if m[k][d] >= 0.0 {
                    assert!(of(&m, &p.cov) < best, "m[{k}][{d}] {h:+}");
                }
            }
        }
    }
    let mut wider = p.cov.clone();
    wider[(0, 1)] += 1e-3;
    wider[(1, 0)] += 1e-3;
    assert!(of(&p.m, &wider) < best);
}

#[test]
fn a_prior_and_two_statements_about_one_location() {
    let y = [0.3, -0.4, 1.1, 0.6];
    let fit = map::Model::new().fit(&map::Data { y: (&y).into() }, &options()).unwrap();
    // Without the bound: Σy/4 / (1 + 4/4) = 0.2.
    close(fit.params.m, 1.0, 1e-14);
    assert_eq!(fit.at_boundary, ["m"]);
    let (y, k) = ([0.2, 0.6, 0.1], [0.9, 0.4, 0.8]);
    let fit = share::Model::new().fit(&share::Data { y: (&y).into(), k: (&k).into() }, &options()).unwrap();
    // argmin Σ (y − p)² + (k − 2p)²
    let p = (y.iter().sum::<f64>() + 2.0 * k.iter().sum::<f64>()) / 15.0;
    close(fit.params.p, p, 1e-12);
    assert!(fit.at_boundary.is_empty());
}
