//! Regressions and effects of groups: regressors far from the origin, gaps, correlated slopes, what stands in a refusal.

use super::oracle::{Move, is_maximum, sound};
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::dense::{Dense, Known};
use vi_tests::density::{log_integral, mv_normal, normal, student_t};
use vi_tests::law::{close, honest};

model! {
    pub mod ridge {
        given x[n in N]: Vector[D]; given c[n in N]: Positive;
        param alpha: Positive; param s2: Positive;
        latent b ~ Flat();
        latent w[d in D] ~ Normal(0, var: s2 / alpha);
        observed y[n in N]: Real? ~ Normal(dot(w, x[n]) + b, var: s2 / c[n]);
    }
}
model! {
    pub mod correlated {
        given g[n in N]: Category[J]; given x[n in N]: Vector[P]; given c[n in N]: Positive;
        param S: SymPos[P]; param s2: Positive;
        latent m: Vector[P] ~ Normal(0, var: 100);
        latent w[j in J] ~ Normal(m, cov: S);
        observed y[n in N]: Real? ~ Normal(dot(w[g[n]], x[n]), var: s2 / c[n]);
    }
}
model! {
    pub mod crossed {
        given u[n in N]: Category[U]; given v[n in N]: Category[V]; given x[n in N]: Real; given m[n in N]: Category[M];
        param ta: Positive; param tb: Positive; param s2[k in M]: Positive; param c[k in M]: Real;
        latent mu ~ Normal(0, var: 100);
        latent a[i in U] ~ Normal(0, var: ta);
        latent b[j in V, e in 0..2] ~ Normal(0, var: tb);
        observed y[n in N]: Real? ~ Normal(mu + a[u[n]] + b[v[n], 0] + b[v[n], 1] * x[n] + c[m[n]] * x[n], var: s2[m[n]]);
    }
}
model! {
    pub mod errors_in_variables {
        param m: Real; param v: Positive; param a: Real; param b: Real; param s2: Positive;
        latent t[n in N] ~ Normal(m, var: v);
        observed x[n in N]: Real? ~ Normal(t[n], var: 0.3);
        observed y[n in N]: Real? ~ Normal(a + b * t[n], var: s2);
    }
}
model! {
    pub mod robust_lines {
        given g[n in N]: Category[G]; given x[n in N]: Vector[D];
        param w[k in G]: Vector[D]; param s2[k in G]: Positive; param nu: Positive;
        latent u[n in N] ~ Gamma(shape: nu / 2, rate: nu / 2);
        observed y[n in N]: Real? ~ Normal(dot(w[g[n]], x[n]), var: s2[g[n]] / u[n]);
    }
}
model! {
    pub mod carried {
        param m: Vector[P]; param S: SymPos[P]; param w: Vector[P]; param b: Real; param s2: Positive;
        latent s[n in N] ~ Normal(m, cov: S);
        observed x[n in N]: Vector[P]? ~ Normal(s[n], var: 1e-8);
        observed y[n in N]: Real? ~ Normal(dot(w, s[n]) + b, var: s2);
    }
}
model! {
    pub mod positive_deviation {
        given s[j in J]: Positive;
        latent mu ~ Normal(0, sd: 20);
        latent tau ~ Normal(0, sd: 10);
        latent eta[j in J] ~ Normal(0, sd: 1);
        observed y[j in J] ~ Normal(mu + tau * eta[j], sd: s[j]);
        constrain tau > 0;
    }
}

fn opts() -> Options {
    Options::new().tolerance(1e-13).max_iterations(3000).seed(1)
}

/// The same with regressors and data about their offset, which an intercept without a prior takes up.
fn ridge_by_hand(
    p: &ridge::Params,
    x: &DMatrix<f64>,
    c: &[f64],
    y: &[f64],
    offset: f64,
) -> (Known, Vec<usize>, Vec<usize>) {
    let mut d = Dense::new();
    let b = d.add_flat();
    let w: Vec<usize> = (0..x.ncols()).map(|_| d.add(0.0, &[], p.s2 / p.alpha)).collect();
    let all: Vec<usize> = (0..y.len())
        .map(|i| {
            let at = |j: usize| x[(i, j)] - if j == 2 { offset } else { 0.0 };
            let slopes = w.iter().enumerate().map(|(j, w)| (*w, at(j)));
            d.add(0.0, &std::iter::once((b, 1.0)).chain(slopes).collect::<Vec<_>>(), p.s2 / c[i])
        })
        .collect();
    let there = (0..y.len()).filter(|i| !y[*i].is_nan());
    let known = d.given(&there.map(|i| (all[i], y[i] - offset)).collect::<Vec<_>>());
    (known, w, all)
}

#[test]
fn regressors_far_from_the_origin_only_move_the_intercept() {
    let n = 40;
    for wide in [3, 30] {
        let mut near = None;
        for offset in [0.0, 1e4, 1e8] {
            let mut g = Noise::new(21);
            let x = DMatrix::from_fn(n, wide, |_, j| g.normal() + if j == 2 { offset } else { 0.0 });
            let c: Vec<f64> = (0..n).map(|i| [1.0, 2.0, 0.5][i % 3]).collect();
            let y: Vec<f64> = (0..n)
                .map(|i| {
                    let mean = x[(i, 0)] - 0.5 * x[(i, 1)] + 0.3 * (x[(i, 2)] - offset);
                    if i % 7 == 2 { f64::NAN } else { offset + mean + 0.5 * g.normal() / c[i].sqrt() }
                })
                .collect();
            let data = ridge::Data { x: (&x).into(), c: (&c).into(), y: (&y).into() };
            let fit = sound(&data, &opts().max_iterations(500), |o| ridge::Model::new().fit(&data, o));
            let by_hand = |p: &ridge::Params| ridge_by_hand(p, &x, &c, &y, offset);
            let (k, w, all) = by_hand(&fit.params);
            let tolerance = if offset > 1e6 { 1e-6 } else { 1e-9 };
            close(fit.log_likelihood(), k.log_evidence, tolerance);
            close(fit.log_likelihood(), *near.get_or_insert(fit.log_likelihood()), 1e-7);
            for (d, w_d) in w.iter().enumerate() {
                close(fit.posterior.w.mean()[d], k.mean(*w_d), tolerance);
                close(fit.posterior.w.cov()[(d, 0)], k.cov[(*w_d, w[0])], tolerance);
            }
            for i in (0..n).filter(|i| y[*i].is_nan()) {
                let q = fit.posterior.y.get([i]).unwrap();
                close(q.mean() - offset, k.mean(all[i]), 1e-6);
                close(q.var(), k.var(all[i]), 1e-6);
            }
            let moves: [Move<'_, ridge::Params>; 2] = [&|p, h| p.alpha += h, &|p, h| p.s2 += h];
            is_maximum(&fit.params, |p| by_hand(p).0.log_evidence, &moves);
        }
    }
}

#[test]
fn correlated_slopes_of_groups_with_gaps() {
    let mut g = Noise::new(22);
    let (n, j) = (60, 8);
    let grp: Vec<usize> = (0..n).map(|i| (i * 7 + i / 5) % 9 % 8).collect();
    let x = DMatrix::from_fn(n, 2, |_, k| if k == 0 { 1.0 } else { g.normal() });
    let w: Vec<[f64; 2]> = (0..j)
        .map(|_| {
            let a = g.normal();
            [2.0 + a, -1.0 + 0.7 * a + 0.7 * g.normal()]
        })
        .collect();
    let c: Vec<f64> = (0..n).map(|i| [1.0, 2.0][i % 2]).collect();
    let y: Vec<f64> = (0..n)
        .map(|i| {
            if i % 8 == 1 || grp[i] == 4 {
                f64::NAN
            } else {
                w[grp[i]][0] + w[grp[i]][1] * x[(i, 1)] + 0.5 * g.normal()
            }
        })
        .collect();
    let data = correlated::Data { g: (&grp).into(), x: (&x).into(), c: (&c).into(), y: (&y).into() };
    let lay = |p: &correlated::Params| {
        let mut d = Dense::new();
        let m = [d.add(0.0, &[], 100.0), d.add(0.0, &[], 100.0)];
        let w: Vec<Vec<usize>> =
            (0..j).map(|_| d.add_vector(&[0.0; 2], &[vec![(m[0], 1.0)], vec![(m[1], 1.0)]], &p.S)).collect();
        let all: Vec<usize> = (0..n)
            .map(|i| d.add(0.0, &[(w[grp[i]][0], x[(i, 0)]), (w[grp[i]][1], x[(i, 1)])], p.s2 / c[i]))
            .collect();
        let seen: Vec<_> = (0..n).filter(|i| !y[*i].is_nan()).map(|i| (all[i], y[i])).collect();
        let k = d.given(&seen);
        (k.log_evidence, k, w, m, all)
    };
    let fit = sound(&data, &opts(), |o| correlated::Model::new().fit(&data, o));
    let (ll, k, w, m, all) = lay(&fit.params);
    close(fit.log_likelihood(), ll, 1e-9);
    for jj in 0..j {
        for e in 0..2 {
            close(fit.posterior.w[jj].mean()[e], k.mean(w[jj][e]), 1e-8);
            close(fit.posterior.w[jj].cov()[(0, e)], k.cov[(w[jj][0], w[jj][e])], 1e-8);
        }
    }
    close(fit.posterior.m.cov()[(0, 1)], k.cov[(m[0], m[1])], 1e-8);
    for i in 0..n {
        if y[i].is_nan() {
            let q = fit.posterior.y.get([i]).unwrap();
            close(q.mean(), k.mean(all[i]), 1e-8);
            close(q.var(), k.var(all[i]), 1e-8);
        }
    }
    is_maximum(
        &fit.params,
        |p| lay(p).0,
        &[
            &|p, h| p.S[(0, 0)] += h,
            &|p, h| {
                p.S[(0, 1)] += h;
                p.S[(1, 0)] += h
            },
            &|p, h| p.S[(1, 1)] += h,
            &|p, h| p.s2 += h,
        ],
    );
    let draws: Vec<_> = fit.draw(&data, 1, 20000).unwrap();
    let (mut a, mut b, mut ab) = (0.0, 0.0, 0.0);
    for s in &draws {
        a += s.w[4][0];
        b += s.w[0][1];
        ab += s.w[4][0] * s.w[0][1];
    }
    let nn = draws.len() as f64;
    let cov = ab / nn - a / nn * b / nn;
    let want = k.cov[(w[4][0], w[0][1])];
    let sd = (k.var(w[4][0]) * k.var(w[0][1])).sqrt();
    assert!((cov - want).abs() < 4.0 * sd / nn.sqrt(), "{cov} {want}");
}

#[test]
fn crossed_effects_fill_gaps() {
    let mut g = Noise::new(41);
    let n = 60;
    let u: Vec<usize> = (0..n).map(|i| i % 7).collect();
    let v: Vec<usize> = (0..n).map(|i| (i / 3) % 5).collect();
    let m: Vec<usize> = (0..n).map(|i| i % 2).collect();
    let x = g.normals(n);
    let (a, b) = (g.normals(7), g.normals(10));
    let y: Vec<f64> = (0..n)
        .map(|i| {
            if i % 9 == 2 {
                f64::NAN
            } else {
                1.0 + a[u[i]]
                    + b[2 * v[i]]
                    + (b[2 * v[i] + 1] + m[i] as f64) * x[i]
                    + (0.5 + m[i] as f64) * g.normal()
            }
        })
        .collect();
    let data =
        crossed::Data { u: (&u).into(), v: (&v).into(), x: (&x).into(), m: (&m).into(), y: (&y).into() };
    let lay = |p: &crossed::Params| {
        let mut d = Dense::new();
        let mu = d.add(0.0, &[], 100.0);
        let a: Vec<usize> = (0..7).map(|_| d.add(0.0, &[], p.ta)).collect();
        let b: Vec<usize> = (0..10).map(|_| d.add(0.0, &[], p.tb)).collect();
        let all: Vec<usize> = (0..n)
            .map(|i| {
                d.add(
                    p.c[m[i]] * x[i],
                    &[(mu, 1.0), (a[u[i]], 1.0), (b[2 * v[i]], 1.0), (b[2 * v[i] + 1], x[i])],
                    p.s2[m[i]],
                )
            })
            .collect();
        let seen: Vec<_> = (0..n).filter(|i| !y[*i].is_nan()).map(|i| (all[i], y[i])).collect();
        let k = d.given(&seen);
        (k.log_evidence, k, all)
    };
    let fit = sound(&data, &opts(), |o| crossed::Model::new().fit(&data, o));
    let (ll, k, all) = lay(&fit.params);
    close(fit.log_likelihood(), ll, 1e-9);
    for i in 0..n {
        if y[i].is_nan() {
            let q = fit.posterior.y.get([i]).unwrap();
            close(q.mean(), k.mean(all[i]), 1e-8);
            close(q.var(), k.var(all[i]), 1e-8);
        }
    }
    is_maximum(
        &fit.params,
        |p| lay(p).0,
        &[
            &|p, h| p.ta += h,
            &|p, h| p.tb += h,
            &|p, h| p.s2[0] += h,
            &|p, h| p.s2[1] += h,
            &|p, h| p.c[0] += h,
            &|p, h| p.c[1] += h,
        ],
    );
}

#[test]
fn regressors_with_errors() {
    let mut g = Noise::new(24);
    let n = 40;
    let mut x = vec![];
    let mut y = vec![];
    for i in 0..n {
        let t = 1.0 + 1.5 * g.normal();
        x.push(if i % 5 == 1 || i == 12 { f64::NAN } else { t + 0.5477 * g.normal() });
        y.push(if i % 6 == 0 { f64::NAN } else { 0.5 + 1.2 * t + 0.7 * g.normal() });
    }
    let data = errors_in_variables::Data { x: (&x).into(), y: (&y).into() };
    let lay = |p: &errors_in_variables::Params| {
        let mut ll = 0.0;
        let mut post = vec![];
        for i in 0..n {
            let mut d = Dense::new();
            let t = d.add(p.m, &[], p.v);
            let xx = d.add(0.0, &[(t, 1.0)], 0.3);
            let yy = d.add(p.a, &[(t, p.b)], p.s2);
            let mut seen = vec![];
            if !x[i].is_nan() {
                seen.push((xx, x[i]));
            }
            if !y[i].is_nan() {
                seen.push((yy, y[i]));
            }
            let k = d.given(&seen);
            ll += k.log_evidence;
            post.push((k.mean(t), k.var(t), k.mean(yy), k.var(yy)));
        }
        (ll, post)
    };
    let fit = sound(&data, &opts(), |o| errors_in_variables::Model::new().fit(&data, o));
    let (ll, post) = lay(&fit.params);
    close(fit.log_likelihood(), ll, 1e-10);
    for i in 0..n {
        close(fit.posterior.t[i].mean(), post[i].0, 1e-9);
        close(fit.posterior.t[i].var(), post[i].1, 1e-9);
        if y[i].is_nan() {
            let q = fit.posterior.y.get([i]).unwrap();
            close(q.mean(), post[i].2, 1e-9);
            close(q.var(), post[i].3, 1e-9);
        }
    }
    is_maximum(
        &fit.params,
        |p| lay(p).0,
        &[&|p, h| p.m += h, &|p, h| p.v += h, &|p, h| p.a += h, &|p, h| p.b += h, &|p, h| p.s2 += h],
    );
}

#[test]
fn robust_lines_of_groups() {
    let mut g = Noise::new(26);
    let n = 120;
    let grp: Vec<usize> = (0..n).map(|i| i % 3).collect();
    let x = DMatrix::from_fn(n, 2, |_, k| if k == 0 { 1.0 } else { g.normal() });
    let y: Vec<f64> = (0..n)
        .map(|i| {
            if i % 13 == 4 {
                f64::NAN
            } else {
                1.0 + grp[i] as f64 * x[(i, 1)]
                    + (0.5 + grp[i] as f64) * g.normal() / (g.gamma(2, 2.0)).sqrt()
            }
        })
        .collect();
    let data = robust_lines::Data { g: (&grp).into(), x: (&x).into(), y: (&y).into() };
    let lay = |p: &robust_lines::Params| {
        (0..n)
            .filter(|i| !y[*i].is_nan())
            .map(|i| student_t(y[i], p.nu, p.w[grp[i]].dot(&x.row(i).transpose()), p.s2[grp[i]].sqrt()))
            .sum::<f64>()
    };
    let fit = sound(&data, &opts(), |o| robust_lines::Model::new().fit(&data, o));
    close(fit.log_likelihood(), lay(&fit.params), 1e-9);
    is_maximum(
        &fit.params,
        lay,
        &[&|p, h| p.w[0][1] += h, &|p, h| p.w[2][0] += h, &|p, h| p.s2[1] += h, &|p, h| p.nu += h],
    );
    for i in 0..n {
        if y[i].is_nan() {
            let q = fit.posterior.y.get([i]).unwrap();
            close(q.mean(), fit.params.w[grp[i]].dot(&x.row(i).transpose()), 1e-9);
        }
    }
}

#[test]
fn missing_regressors_carried_by_a_latent() {
    let mut g = Noise::new(44);
    let n = 60;
    let mut x = DMatrix::zeros(n, 2);
    let mut y = vec![];
    for i in 0..n {
        let a = g.normal();
        x[(i, 0)] = 1.0 + a;
        x[(i, 1)] = 0.5 * a + g.normal();
        y.push(0.5 + x[(i, 0)] - x[(i, 1)] + 0.5 * g.normal());
    }
    for i in 0..n {
        if i % 4 == 1 {
            x[(i, i % 3 % 2)] = f64::NAN;
        }
        if i % 11 == 3 {
            x[(i, 0)] = f64::NAN;
            x[(i, 1)] = f64::NAN;
        }
        if i % 7 == 2 {
            y[i] = f64::NAN;
        }
    }
    let data = carried::Data { x: (&x).into(), y: (&y).into() };
    let lay = |p: &carried::Params| {
        (0..n)
            .map(|i| {
                let mut c = DMatrix::zeros(3, 3);
                let sw = &p.S * &p.w;
                for a in 0..2 {
                    for b in 0..2 {
                        c[(a, b)] = p.S[(a, b)];
                    }
                    c[(a, 2)] = sw[a];
                    c[(2, a)] = sw[a];
                }
                c[(2, 2)] = p.w.dot(&sw) + p.s2;
                let m = [p.m[0], p.m[1], p.w.dot(&p.m) + p.b];
                let v = [x[(i, 0)], x[(i, 1)], y[i]];
                let o: Vec<usize> = (0..3).filter(|j| !v[*j].is_nan()).collect();
                if o.is_empty() {
                    return 0.0;
                }
                mv_normal(
                    &o.iter().map(|j| v[*j]).collect::<Vec<_>>(),
                    &DVector::from_fn(o.len(), |a, _| m[o[a]]),
                    &DMatrix::from_fn(o.len(), o.len(), |a, b| c[(o[a], o[b])]),
                )
            })
            .sum::<f64>()
    };
    let fit = carried::Model::new().fit(&data, &opts()).unwrap();
    close(fit.log_likelihood(), lay(&fit.params), 1e-6);
    is_maximum(
        &fit.params,
        lay,
        &[
            &|p, h| p.m[0] += h,
            &|p, h| {
                p.S[(0, 1)] += h;
                p.S[(1, 0)] += h;
            },
            &|p, h| p.w[0] += h,
            &|p, h| p.b += h,
            &|p, h| p.s2 += h,
        ],
    );
}

#[test]
fn a_deviation_that_is_positive_by_constraint() {
    let y = [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0];
    let s = [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0];
    let data = positive_deviation::Data { s: (&s).into(), y: (&y).into() };
    let fit = positive_deviation::Model::new().fit(&data, &opts()).unwrap();
    honest(&fit, &data);
    let given = |tau: f64| {
        let mut d = Dense::new();
        let mu = d.add(0.0, &[], 400.0);
        let seen: Vec<_> =
            (0..8).map(|j| (d.add(0.0, &[(mu, 1.0)], tau * tau + s[j] * s[j]), y[j])).collect();
        d.given(&seen).log_evidence
    };
    // The evidence counts the probability of the bound.
    let evidence = log_integral(-12.0, 6.0, |l| given(l.exp()) + normal(l.exp(), 0.0, 100.0) + l);
    assert!(fit.elbo() < evidence && fit.elbo() > evidence - 2.0, "{} {evidence}", fit.elbo());
}
