//! Series as they are written first: coefficients and first states learned over many sequences, gaps, inputs, scales in common.

use super::oracle::{Move, is_maximum, sound};
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::dense::{Dense, Form};
use vi_tests::density::{inverse_gamma, inverse_wishart, mv_student_t, normal};
use vi_tests::law::close;

model! {
    pub mod mean_reverting {
        param mu: Real; param phi: Real; param q: Positive; param r: Positive;
        latent x[0] ~ Normal(mu, var: 4);
        latent x[t in 1..T] ~ Normal(mu + phi * (x[t-1] - mu), var: q);
        observed y[t in T]: Real? ~ Normal(x[t], var: r);
    }
}
model! {
    pub mod quarters {
        given u[t in T]: Vector[P];
        param q: Positive; param w: Positive; param r: Positive; param beta: Vector[P];
        latent level[0] ~ Normal(0, var: 100);
        latent s[0] ~ Normal(0, var: 10);
        latent s[1] ~ Normal(0, var: 10);
        latent s[2] ~ Normal(0, var: 10);
        latent level[t in 1..T] ~ Normal(level[t-1], var: q);
        latent s[t in 3..T] ~ Normal(-(s[t-1] + s[t-2] + s[t-3]), var: w);
        observed y[t in T]: Real? ~ Normal(level[t] + s[t] + dot(beta, u[t]), var: r);
    }
}
model! {
    pub mod ar2 {
        param c: Real; param a: Vector[2]; param q: Positive; param r: Positive; param m0: Real; param p0: Positive;
        for s in S {
            latent x[s, 0] ~ Normal(m0, var: p0);
            latent x[s, 1] ~ Normal(m0, var: p0);
            latent x[s, t in 2..T[s]] ~ Normal(c + a[0] * x[s, t-1] + a[1] * x[s, t-2], var: q);
            observed y[s, t in T[s]]: Real? ~ Normal(x[s, t], var: r);
        }
    }
}
model! {
    pub mod ng_dlm(a0: Positive, b0: Positive) {
        given w[p in P]: Positive;
        given u[s in S, t in T[s]]: Vector[P];
        latent tau ~ Gamma(shape: a0, rate: b0);
        for s in S {
            latent beta[s, 0]: Vector[P] ~ Normal(0, prec: 0.2 * tau);
            latent beta[s, t in 1..T[s]] ~ Normal(beta[s, t-1], prec: tau * w);
            observed y[s, t in T[s]]: Real? ~ Normal(dot(beta[s, t], u[s, t]), prec: tau);
        }
    }
}
model! {
    pub mod starts_learned(H) {
        param A: Matrix[H, H]; param C: Matrix[D, H]; param R: SymPos[D]; param m0: Vector[H]; param P0: SymPos[H];
        for s in S {
            latent x[s, 0] ~ Normal(m0, cov: P0);
            latent x[s, t in 1..T[s]] ~ Normal(A * x[s, t-1], var: 1);
            observed y[s, t in T[s]]: Vector[D]? ~ Normal(C * x[s, t], cov: R);
        }
    }
}
model! {
    pub mod beal(H) {
        latent alpha[h in H] ~ Gamma(shape: 1, rate: 1);
        latent gamma[h in H] ~ Gamma(shape: 1, rate: 1);
        latent rho[d in D] ~ Gamma(shape: 2, rate: 1);
        latent A[i in H]: Vector[H] ~ Normal(0, prec: alpha);
        latent C[d in D]: Vector[H] ~ Normal(0, prec: rho[d] * gamma);
        for s in S {
            latent x[s, 0]: Vector[H] ~ Normal(0, var: 1);
            latent x[s, t in 1..T[s]] ~ Normal(A * x[s, t-1], var: 1);
            observed y[s, t in T[s], d in D]: Real? ~ Normal(dot(C[d], x[s, t]), prec: rho[d]);
        }
    }
}
model! {
    pub mod map_space(H, q0: SymPos[H]) {
        param A: Matrix[H, H]; param Q ~ InverseWishart(dof: H + 3, scale: q0); param c[h in H] ~ Normal(0, sd: 1); param r ~ InverseGamma(shape: 2, scale: 1);
        latent x[0]: Vector[H] ~ Normal(0, var: 1);
        latent x[t in 1..T] ~ Normal(A * x[t-1], cov: Q);
        observed y[t in T]: Real? ~ Normal(dot(c, x[t]), var: r);
    }
}
model! {
    pub mod triangular {
        param a: Real; param b: Real; param c: Real; param q0: Positive; param q1: Positive; param r: Positive;
        latent level[0] ~ Normal(0, var: 10);
        latent slope[0] ~ Normal(0, var: 10);
        latent level[t in 1..T] ~ Normal(level[t-1] + slope[t-1], var: q0);
        latent slope[t in 1..T] ~ Normal(a * level[t-1] + b * slope[t-1] + c * (level[t] - level[t-1] - slope[t-1]), var: q1);
        observed y[t in T]: Real? ~ Normal(level[t], var: r);
    }
}

fn opts() -> Options {
    Options::new().tolerance(1e-13).max_iterations(2000).seed(1)
}

#[test]
fn a_level_to_which_a_series_returns() {
    for seed in 1..3 {
        let mut g = Noise::new(seed);
        let mut x = 0.0;
        let y: Vec<f64> = (0..160)
            .map(|t| {
                x = 0.85 * x + g.normal();
                if t % 9 == 4 || (30..34).contains(&t) { f64::NAN } else { 3.0 + x + 1.5 * g.normal() }
            })
            .collect();
        let data = mean_reverting::Data { y: (&y).into() };
        let lay = |p: &mean_reverting::Params| {
            let mut d = Dense::new();
            let mut seen = vec![];
            let mut xs: Vec<usize> = vec![];
            for v in &y {
                let mu = p.mu;
                let x = match xs.last() {
                    None => d.add(mu, &[], 4.0),
                    Some(&l) => d.add(mu - p.phi * mu, &[(l, p.phi)], p.q),
                };
                let at = d.add(0.0, &[(x, 1.0)], p.r);
                if !v.is_nan() {
                    seen.push((at, *v));
                }
                xs.push(x);
            }
            let k = d.given(&seen);
            (k.log_evidence, k, xs)
        };
        let model = mean_reverting::Model::new();
        let fit = model.fit(&data, &opts()).unwrap();
        // Nobody has to say where to begin.
        let truth = mean_reverting::Params { mu: 3.0, phi: 0.85, q: 1.0, r: 2.25 };
        let best = model.fit_from(&data, Start::Params(truth), &opts()).unwrap();
        close(fit.log_likelihood(), best.log_likelihood(), 1e-8);
        let (ll, k, xs) = lay(&fit.params);
        close(fit.log_likelihood(), ll, 1e-9);
        for (t, x) in xs.iter().enumerate() {
            close(fit.posterior.x[t].mean(), k.mean(*x), 1e-9);
            close(fit.posterior.x[t].var(), k.var(*x), 1e-9);
        }
        let m: [Move<'_, mean_reverting::Params>; 4] =
            [&|p, h| p.mu += h, &|p, h| p.phi += h, &|p, h| p.q += h, &|p, h| p.r += h];
        is_maximum(&fit.params, |p| lay(p).0, &m);
    }
}

#[test]
fn quarters_that_sum_to_nothing_with_inputs_and_gaps() {
    let mut g = Noise::new(5);
    let (n, p) = (60, 2);
    let u = DMatrix::from_fn(n, p, |_, _| g.normal());
    let mut l = 2.0;
    let mut s = vec![1.0, -2.0, 0.5];
    let y: Vec<f64> = (0..n)
        .map(|t| {
            l += 0.4 * g.normal();
            let k = s.len();
            if t >= 3 {
                s.push(-(s[k - 1] + s[k - 2] + s[k - 3]) + 0.4 * g.normal());
            }
            if t % 11 == 5 || t > 54 {
                f64::NAN
            } else {
                l + s[t] + u[(t, 0)] - 0.5 * u[(t, 1)] + 0.5 * g.normal()
            }
        })
        .collect();
    let data = quarters::Data { u: (&u).into(), y: (&y).into() };
    let lay = |p: &quarters::Params| {
        let mut d = Dense::new();
        let mut seen = vec![];
        let (mut ls, mut ss, mut ys): (Vec<usize>, Vec<usize>, Vec<usize>) = (vec![], vec![], vec![]);
        for (t, v) in y.iter().enumerate() {
            let l = match ls.last() {
                None => d.add(0.0, &[], 100.0),
                Some(&l) => d.add(0.0, &[(l, 1.0)], p.q),
            };
            let s = if t < 3 {
                d.add(0.0, &[], 10.0)
            } else {
                d.add(0.0, &[(ss[t - 1], -1.0), (ss[t - 2], -1.0), (ss[t - 3], -1.0)], p.w)
            };
            let at = d.add(p.beta[0] * u[(t, 0)] + p.beta[1] * u[(t, 1)], &[(l, 1.0), (s, 1.0)], p.r);
            if !v.is_nan() {
                seen.push((at, *v));
            }
            ls.push(l);
            ss.push(s);
            ys.push(at);
        }
        let k = d.given(&seen);
        (k.log_evidence, k, ls, ss, ys)
    };
    let fit = sound(&data, &opts(), |o| quarters::Model::new().fit(&data, o));
    let (ll, k, ls, ss, ys) = lay(&fit.params);
    close(fit.log_likelihood(), ll, 1e-9);
    for t in 0..n {
        close(fit.posterior.level[t].mean(), k.mean(ls[t]), 1e-8);
        close(fit.posterior.s[t].var(), k.var(ss[t]), 1e-8);
        if y[t].is_nan() {
            let q = fit.posterior.y.get([t]).unwrap();
            close(q.mean(), k.mean(ys[t]), 1e-8);
            close(q.var(), k.var(ys[t]), 1e-8);
        }
    }
    let m: [Move<'_, quarters::Params>; 5] =
        [&|p, h| p.q += h, &|p, h| p.w += h, &|p, h| p.r += h, &|p, h| p.beta[0] += h, &|p, h| {
            p.beta[1] += h
        }];
    is_maximum(&fit.params, |p| lay(p).0, &m);
}

#[test]
fn second_order_series_of_all_lengths_with_noise() {
    let mut g = Noise::new(6);
    let lengths = [60usize, 1, 0, 2, 30, 3];
    let y: Vec<Vec<f64>> = lengths
        .iter()
        .map(|n| {
            let (mut x1, mut x2) = (1.0 + g.normal(), 1.0 + g.normal());
            (0..*n)
                .map(|t| {
                    let x = 0.5 + 0.9 * x1 - 0.5 * x2 + g.normal();
                    x2 = x1;
                    x1 = x;
                    if t % 8 == 6 { f64::NAN } else { x + 1.2 * g.normal() }
                })
                .collect()
        })
        .collect();
    let data = ar2::Data { y: (&y).into() };
    let lay = |p: &ar2::Params| {
        let mut total = 0.0;
        let mut first = None;
        for y in &y {
            if y.is_empty() {
                continue;
            }
            let mut d = Dense::new();
            let mut seen = vec![];
            let mut xs: Vec<usize> = vec![];
            for (t, v) in y.iter().enumerate() {
                let x = if t < 2 {
                    d.add(p.m0, &[], p.p0)
                } else {
                    d.add(p.c, &[(xs[t - 1], p.a[0]), (xs[t - 2], p.a[1])], p.q)
                };
                let at = d.add(0.0, &[(x, 1.0)], p.r);
                if !v.is_nan() {
                    seen.push((at, *v));
                }
                xs.push(x);
            }
            let k = d.given(&seen);
            total += k.log_evidence;
            if first.is_none() {
                first = Some((k, xs));
            }
        }
        (total, first.unwrap())
    };
    let fit = sound(&data, &opts(), |o| ar2::Model::new().fit(&data, o));
    let (ll, (k, xs)) = lay(&fit.params);
    close(fit.log_likelihood(), ll, 1e-9);
    for (t, x) in xs.iter().enumerate() {
        close(fit.posterior.x[0][t].mean(), k.mean(*x), 1e-9);
        close(fit.posterior.x[0][t].var(), k.var(*x), 1e-9);
    }
    let m: [Move<'_, ar2::Params>; 7] = [
        &|p, h| p.c += h,
        &|p, h| p.a[0] += h,
        &|p, h| p.a[1] += h,
        &|p, h| p.q += h,
        &|p, h| p.r += h,
        &|p, h| p.m0 += h,
        &|p, h| p.p0 += h,
    ];
    is_maximum(&fit.params, |p| lay(p).0, &m);
}

#[test]
fn first_states_learned_over_many_sequences() {
    let mut g = Noise::new(7);
    let (h, dd) = (2, 3);
    let lengths: Vec<usize> = (0..20).map(|i| [6, 1, 0, 9, 4][i % 5]).collect();
    let c0 = DMatrix::from_fn(dd, h, |_, _| g.normal());
    let y: Vec<DMatrix<f64>> = lengths
        .iter()
        .map(|n| {
            let mut x = DVector::from_vec(vec![2.0 + 2.0 * g.normal(), -1.0 + g.normal()]);
            let mut m = DMatrix::zeros(*n, dd);
            for t in 0..*n {
                let e = DVector::from_vec(g.normals(dd)) * 0.6;
                let o = &c0 * &x + e;
                for j in 0..dd {
                    m[(t, j)] = if g.unit() < 0.2 { f64::NAN } else { o[j] };
                }
                x = DMatrix::from_row_slice(2, 2, &[0.8, 0.3, -0.2, 0.6]) * x
                    + DVector::from_vec(g.normals(h));
            }
            if *n > 5 {
                for j in 0..dd {
                    m[(3, j)] = f64::NAN;
                }
            }
            m
        })
        .collect();
    let data = starts_learned::Data { y: (&y).into() };
    let lay = |p: &starts_learned::Params| {
        let mut total = 0.0;
        for y in &y {
            let n = y.nrows();
            if n == 0 {
                continue;
            }
            let mut d = Dense::new();
            let mut seen = vec![];
            let mut x: Vec<usize> = vec![];
            for t in 0..n {
                x = if t == 0 {
                    d.add_vector(p.m0.as_slice(), &vec![vec![]; h], &p.P0)
                } else {
                    let f: Vec<Form> =
                        (0..h).map(|i| (0..h).map(|j| (x[j], p.A[(i, j)])).collect()).collect();
                    d.add_vector(&[0.0; 2], &f, &DMatrix::identity(h, h))
                };
                let f: Vec<Form> = (0..dd).map(|i| (0..h).map(|j| (x[j], p.C[(i, j)])).collect()).collect();
                let at = d.add_vector(&[0.0; 3], &f, &p.R);
                for j in 0..dd {
                    if !y[(t, j)].is_nan() {
                        seen.push((at[j], y[(t, j)]));
                    }
                }
            }
            if !seen.is_empty() {
                total += d.given(&seen).log_evidence;
            }
        }
        total
    };
    let model = starts_learned::Model::new(h);
    let few = opts().max_iterations(30);
    let fit = sound(&data, &few, |o| model.fit(&data, o));
    close(fit.log_likelihood(), lay(&fit.params), 1e-9);
    // One more M-step: moments of the first states, each under its own posterior.
    let next = model.fit_from(&data, Start::Params(fit.params.clone()), &opts().max_iterations(1)).unwrap();
    close(next.log_likelihood(), lay(&next.params), 1e-9);
    let first: Vec<_> = fit.posterior.x.iter().filter_map(|x| x.first()).collect();
    let n = first.len() as f64;
    let m0 = first.iter().fold(DVector::zeros(h), |sum, x| sum + x.mean()) / n;
    let scatter = first.iter().fold(DMatrix::zeros(h, h), |sum, x| {
        let off = x.mean() - &m0;
        sum + &off * off.transpose() + x.cov()
    });
    for i in 0..h {
        close(next.params.m0[i], m0[i], 1e-9);
        (0..h).for_each(|j| close(next.params.P0[(i, j)], scatter[(i, j)] / n, 1e-9));
    }
}

#[test]
fn a_walking_regression_whose_scale_is_common_is_students_t() {
    let mut g = Noise::new(8);
    let (a0, b0, w) = (2.5, 1.5, [3.0, 8.0]);
    let lengths = [7usize, 0, 1, 4];
    let u: Vec<DMatrix<f64>> = lengths.iter().map(|n| DMatrix::from_fn(*n, 2, |_, _| g.normal())).collect();
    let y: Vec<Vec<f64>> = lengths
        .iter()
        .map(|n| (0..*n).map(|t| if t == 2 { f64::NAN } else { 2.0 * g.normal() }).collect())
        .collect();
    let data = ng_dlm::Data { w: (&w).into(), u: (&u).into(), y: (&y).into() };
    let fit = sound(&data, &opts(), |o| ng_dlm::Model::new(a0, b0).fit(&data, o));
    // y is Student-t with scale b0/a0 times the covariance at tau = 1.
    let mut rows: Vec<f64> = vec![];
    let total: usize = lengths.iter().sum::<usize>() - 2;
    let mut cov = DMatrix::zeros(total, total);
    let mut k = 0;
    for s in 0..4 {
        let mut d = Dense::new();
        let mut b: Vec<usize> = vec![];
        let mut seen = vec![];
        for t in 0..lengths[s] {
            b = (0..2)
                .map(|i| if t == 0 { d.add(0.0, &[], 5.0) } else { d.add(0.0, &[(b[i], 1.0)], 1.0 / w[i]) })
                .collect();
            let at = d.add(0.0, &[(b[0], u[s][(t, 0)]), (b[1], u[s][(t, 1)])], 1.0);
            if !y[s][t].is_nan() {
                seen.push((at, y[s][t]));
            }
        }
        if seen.is_empty() {
            continue;
        }
        let prior = d.given(&[]);
        for (i, (v, x)) in seen.iter().enumerate() {
            rows.push(*x);
            for (j, (v2, _)) in seen.iter().enumerate() {
                cov[(k + i, k + j)] = prior.cov[(*v, *v2)];
            }
        }
        k += seen.len();
        let post = d.given(&seen);
        if s == 3 {
            let (m, v) = (post.mean(b[1]), post.var(b[1]));
            let q = &fit.posterior.beta[3][3];
            close(q.mean()[1], m, 1e-9);
            let c = cov.view((0, 0), (k, k)).into_owned().try_inverse().unwrap();
            let yy = DVector::from_vec(rows.clone());
            let bn = b0 + 0.5 * yy.dot(&(c * &yy));
            let an = a0 + 0.5 * k as f64;
            close(q.cov()[(1, 1)], v * bn / (an - 1.0), 1e-9);
            close(fit.posterior.tau.mean(), an / bn, 1e-9);
        }
    }
    close(
        fit.log_evidence(),
        mv_student_t(&rows, 2.0 * a0, &DVector::zeros(total), &(cov * (b0 / a0))),
        1e-9,
    );
}

#[test]
fn loadings_scaled_by_their_noise_stand_at_fixed_points() {
    let mut g = Noise::new(9);
    let (h, dd) = (3, 4);
    let lengths = [15usize, 0, 1, 10];
    let c0 = DMatrix::from_fn(dd, 1, |_, _| 1.0 + g.normal());
    let y: Vec<DMatrix<f64>> = lengths
        .iter()
        .map(|n| {
            let mut x = g.normal();
            let mut m = DMatrix::zeros(*n, dd);
            for t in 0..*n {
                for j in 0..dd {
                    m[(t, j)] = if g.unit() < 0.15 { f64::NAN } else { c0[j] * x + 0.4 * g.normal() };
                }
                x = 0.9 * x + g.normal();
            }
            m
        })
        .collect();
    let data = beal::Data { y: (&y).into() };
    let o = Options::new().tolerance(1e-12).max_iterations(2000).seed(2);
    let fit = sound(&data, &o, |o| beal::Model::new(h).fit(&data, o));
    // Textbook: each block at its own fixed point, from moments of the others.
    let q = &fit.posterior;
    for k in 0..h {
        let s: f64 = (0..h).map(|i| q.A[i].mean()[k].powi(2) + q.A[i].cov()[(k, k)]).sum();
        close(q.alpha[k].mean(), (1.0 + 0.5 * h as f64) / (1.0 + 0.5 * s), 1e-4);
    }
    for d in 0..dd {
        // C[d] | rho[d] ~ N(m, (rho L)^-1), L = diag(E gamma) + Σ E x xᵀ
        let mut l = DMatrix::from_fn(h, h, |i, j| if i == j { q.gamma[i].mean() } else { 0.0 });
        let mut b = DVector::zeros(h);
        let (mut yy, mut n) = (0.0, 0.0);
        for s in 0..4 {
            for t in 0..lengths[s] {
                let v = y[s][(t, d)];
                if v.is_nan() {
                    continue;
                }
                let m = q.x[s][t].mean().clone_owned();
                l += &m * m.transpose() + q.x[s][t].cov();
                b += &m * v;
                yy += v * v;
                n += 1.0;
            }
        }
        let m = l.clone().try_inverse().unwrap() * &b;
        let (an, bn) = (2.0 + 0.5 * n, 1.0 + 0.5 * (yy - b.dot(&m)));
        close(q.rho[d].mean(), an / bn, 1e-4);
        for k in 0..h {
            close(q.C[d].mean()[k], m[k], 1e-3);
        }
    }
}

#[test]
fn matrices_under_priors_of_their_own_are_at_the_mode() {
    let mut g = Noise::new(25);
    let mut x = [0.0, 0.0];
    let y: Vec<f64> = (0..50)
        .map(|t| {
            x = [0.8 * x[0] + 0.4 * x[1] + g.normal(), -0.4 * x[0] + 0.7 * x[1] + g.normal()];
            if t % 10 == 4 { f64::NAN } else { x[0] + 0.5 * x[1] + g.normal() }
        })
        .collect();
    let data = map_space::Data { y: (&y).into() };
    let q0 = DMatrix::from_row_slice(2, 2, &[2.0, 0.5, 0.5, 1.0]);
    let lay = |p: &map_space::Params| {
        let mut d = Dense::new();
        let mut seen = vec![];
        let mut x: Vec<usize> = vec![];
        for (t, v) in y.iter().enumerate() {
            x = if t == 0 {
                d.add_vector(&[0.0; 2], &[vec![], vec![]], &DMatrix::identity(2, 2))
            } else {
                let f: Vec<Form> = (0..2).map(|i| (0..2).map(|j| (x[j], p.A[(i, j)])).collect()).collect();
                d.add_vector(&[0.0; 2], &f, &p.Q)
            };
            let at = d.add(0.0, &[(x[0], p.c[0]), (x[1], p.c[1])], p.r);
            if !v.is_nan() {
                seen.push((at, *v));
            }
        }
        d.given(&seen).log_evidence
    };
    let prior = |p: &map_space::Params| {
        inverse_wishart(&p.Q, 5.0, &q0)
            + p.c.iter().map(|c| normal(*c, 0.0, 1.0)).sum::<f64>()
            + inverse_gamma(p.r, 2.0, 1.0)
    };
    let model = map_space::Model::new(2, q0.clone());
    let fit = model.fit(&data, &opts().max_iterations(6000)).unwrap();
    close(fit.log_likelihood(), lay(&fit.params), 1e-9);
    close(fit.log_posterior(), lay(&fit.params) + prior(&fit.params), 1e-9);
    is_maximum(
        &fit.params,
        |p| lay(p) + prior(p),
        &[
            &|p, h| p.A[(0, 1)] += h,
            &|p, h| p.A[(1, 1)] += h,
            &|p, h| p.Q[(0, 0)] += h,
            &|p, h| {
                p.Q[(0, 1)] += h;
                p.Q[(1, 0)] += h
            },
            &|p, h| p.c[0] += h,
            &|p, h| p.c[1] += h,
            &|p, h| p.r += h,
        ],
    );
}

#[test]
fn a_row_that_reads_what_is_left_of_another_is_a_dense_covariance() {
    let mut g = Noise::new(3);
    let (mut l, mut s) = (g.normal(), g.normal());
    let y: Vec<f64> = (0..60)
        .map(|t| {
            let (l0, s0) = (l, s);
            let e = g.normal();
            l = l0 + s0 + 0.9 * e;
            s = -0.25 * l0 + 0.6 * s0 + 0.4 * e + 0.6 * g.normal();
            if t % 7 == 3 { f64::NAN } else { l + 0.7 * g.normal() }
        })
        .collect();
    let data = triangular::Data { y: (&y).into() };
    let lay = |p: &triangular::Params| {
        let q = DMatrix::from_row_slice(2, 2, &[p.q0, p.c * p.q0, p.c * p.q0, p.q1 + p.c * p.c * p.q0]);
        let mut d = Dense::new();
        let mut seen = vec![];
        let mut x: Vec<usize> = vec![];
        for (t, v) in y.iter().enumerate() {
            x = if t == 0 {
                vec![d.add(0.0, &[], 10.0), d.add(0.0, &[], 10.0)]
            } else {
                d.add_vector(&[0.0; 2], &[vec![(x[0], 1.0), (x[1], 1.0)], vec![(x[0], p.a), (x[1], p.b)]], &q)
            };
            let at = d.add(0.0, &[(x[0], 1.0)], p.r);
            if !v.is_nan() {
                seen.push((at, *v));
            }
        }
        d.given(&seen).log_evidence
    };
    let fit = sound(&data, &opts(), |o| triangular::Model::new().fit(&data, o));
    close(fit.log_likelihood(), lay(&fit.params), 1e-9);
    is_maximum(
        &fit.params,
        lay,
        &[
            &|p, h| p.a += h,
            &|p, h| p.b += h,
            &|p, h| p.c += h,
            &|p, h| p.q0 += h * p.q0,
            &|p, h| p.q1 += h * p.q1,
            &|p, h| p.r += h * p.r,
        ],
    );
}
