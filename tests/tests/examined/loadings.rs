//! Factors in their usual dresses: blocks of loadings, causes, Student's t, kinds, rows with gaps.

use super::oracle::{Move, is_maximum, sound};
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::density::{log_sum_exp, mv_normal, mv_student_t};
use vi_tests::law::close;

model! {
    pub mod ppca(H) {
        param W: Matrix[D, H]; param mu: Vector[D]; param s2: Positive;
        latent f[n in N]: Vector[H] ~ Normal(0, var: 1);
        observed x[n in N] ~ Normal(W * f[n] + mu, var: s2);
    }
}
model! {
    pub mod ppca_kinds(K, H) {
        param weight: Simplex[K]; param W[k in K, d in D]: Vector[H]; param mu[k in K, d in D]: Real; param s2[k in K]: Positive;
        latent z[n in N] ~ Categorical(weight);
        latent f[n in N]: Vector[H] ~ Normal(0, var: 1);
        observed x[n in N, d in D]: Real? ~ Normal(dot(W[z[n], d], f[n]) + mu[z[n], d], var: s2[z[n]]);
    }
}
model! {
    pub mod t_factors(H) {
        param W: Matrix[D, H]; param mu: Vector[D]; param psi[d in D]: Positive; param nu: Positive;
        latent u[n in N] ~ Gamma(shape: nu / 2, rate: nu / 2);
        latent f[n in N]: Vector[H] ~ Normal(0, prec: u[n]);
        observed x[n in N, d in D]: Real? ~ Normal(sum(W[d, h] * f[n][h] for h in H) + mu[d], var: psi[d] / u[n]);
    }
}
model! {
    pub mod t_mixture(K) {
        param weight: Simplex[K]; param mean[k in K]: Vector[D]; param prec[k in K]: SymPos[D]; param nu[k in K]: Positive;
        latent z[n in N] ~ Categorical(weight);
        latent u[n in N] ~ Gamma(shape: nu[z[n]] / 2, rate: nu[z[n]] / 2);
        observed x[n in N] ~ Normal(mean[z[n]], prec: u[n] * prec[z[n]]);
    }
}
model! {
    pub mod cfa(H) {
        given block[d in D]: Category[H];
        param l[d in D]: Real; param m[d in D]: Real; param psi[d in D]: Positive; param Phi: SymPos[H];
        latent f[n in N]: Vector[H] ~ Normal(0, cov: Phi);
        observed x[n in N, d in D]: Real? ~ Normal(l[d] * f[n][block[d]] + m[d], var: psi[d]);
    }
}
model! {
    pub mod mimic(H) {
        given u[n in N]: Vector[P];
        param W: Matrix[D, H]; param B: Matrix[H, P]; param m: Vector[D]; param psi[d in D]: Positive;
        latent f[n in N]: Vector[H] ~ Normal(B * u[n], var: 1);
        observed x[n in N]: Vector[D]? ~ Normal(W * f[n] + m, var: psi);
    }
}
model! {
    pub mod t_gaps(K) {
        param weight: Simplex[K]; param mean[k in K]: Vector[D]; param cov[k in K]: SymPos[D]; param nu[k in K]: Positive;
        latent z[n in N] ~ Categorical(weight);
        latent u[n in N] ~ Gamma(shape: nu[z[n]] / 2, rate: nu[z[n]] / 2);
        latent s[n in N] ~ Normal(mean[z[n]], cov: cov[z[n]] / u[n]);
        observed x[n in N, d in D]: Real? ~ Normal(s[n][d], var: 1e-6 / u[n]);
    }
}

fn opts() -> Options {
    Options::new().tolerance(1e-14).max_iterations(2000).seed(1)
}
/// What is there of a row, and where.
fn rows(m: &DMatrix<f64>, i: usize) -> (Vec<usize>, Vec<f64>) {
    let o: Vec<usize> = (0..m.ncols()).filter(|j| !m[(i, *j)].is_nan()).collect();
    let v = o.iter().map(|j| m[(i, *j)]).collect();
    (o, v)
}

fn sub(m: &DMatrix<f64>, o: &[usize]) -> DMatrix<f64> {
    DMatrix::from_fn(o.len(), o.len(), |i, j| m[(o[i], o[j])])
}

fn subv(m: &DVector<f64>, o: &[usize]) -> DVector<f64> {
    DVector::from_fn(o.len(), |i, _| m[o[i]])
}

/// log p of what is there of a row.
fn ll(x: &DMatrix<f64>, i: usize, m: &DVector<f64>, c: &DMatrix<f64>) -> f64 {
    let (o, v) = rows(x, i);
    if o.is_empty() { 0.0 } else { mv_normal(&v, &subv(m, &o), &sub(c, &o)) }
}

/// Rows of two kinds; row 5 is missing, and a share of the other entries.
fn gappy(g: &mut Noise, n: usize, d: usize, h: usize, share: f64) -> DMatrix<f64> {
    let w = DMatrix::from_fn(d, h, |_, _| g.normal());
    let mut x = DMatrix::zeros(n, d);
    for i in 0..n {
        let f = DVector::from_vec(g.normals(h));
        let m = &w * f;
        let k = (i % 2) as f64;
        for j in 0..d {
            x[(i, j)] = if i == 5 || g.unit() < share { f64::NAN } else { m[j] + 4.0 * k + 0.5 * g.normal() };
        }
    }
    x
}

#[test]
fn principal_components_are_those_of_the_covariance() {
    let mut g = Noise::new(31);
    let x = gappy(&mut g, 200, 5, 2, 0.0).remove_row(5);
    for (offset, h) in [(0.0, 2), (1e8, 2), (0.0, 5), (0.0, 7)] {
        let x = x.map(|v| v + offset);
        let n = x.nrows() as f64;
        let data = ppca::Data { x: (&x).into() };
        let o = opts().max_iterations(3000);
        let fit = ppca::Model::new(h).fit(&data, &o).unwrap();
        let mean = x.row_mean().transpose();
        let c = DMatrix::from_fn(5, 5, |i, j| {
            (0..x.nrows()).map(|r| (x[(r, i)] - mean[i]) * (x[(r, j)] - mean[j])).sum::<f64>() / n
        });
        let mut e: Vec<f64> = c.clone().symmetric_eigen().eigenvalues.iter().copied().collect();
        e.sort_by(|a, b| b.total_cmp(a));
        // From H = D − 1 on the likelihood is that of a Normal with any covariance.
        let keep = h.min(4);
        let s2 = e[keep..].iter().sum::<f64>() / (5 - keep) as f64;
        let logdet: f64 = e[..keep].iter().map(|v| v.ln()).sum::<f64>() + (5 - keep) as f64 * s2.ln();
        let want = -0.5 * n * (5.0 * std::f64::consts::TAU.ln() + logdet + 5.0);
        assert!(fit.log_likelihood() < want + 1e-6 && fit.log_likelihood() > want - 1e-3, "{h} {offset}");
    }
}

#[test]
fn kinds_of_principal_components_fill_gaps() {
    let mut g = Noise::new(32);
    let x = gappy(&mut g, 80, 4, 1, 0.15);
    let data = ppca_kinds::Data { x: (&x).into() };
    let lay = |p: &ppca_kinds::Params| {
        (0..x.nrows())
            .map(|i| {
                let l: Vec<f64> = (0..2)
                    .map(|k| {
                        let w = DMatrix::from_fn(4, 1, |d, h| p.W[k][d][h]);
                        let c = &w * w.transpose() + DMatrix::identity(4, 4) * p.s2[k];
                        p.weight[k].ln() + ll(&x, i, &DVector::from_fn(4, |d, _| p.mu[k][d]), &c)
                    })
                    .collect();
                log_sum_exp(&l)
            })
            .sum::<f64>()
    };
    let fit = sound(&data, &opts(), |o| ppca_kinds::Model::new(2, 1).fit(&data, o));
    close(fit.log_likelihood(), lay(&fit.params), 1e-9);
    is_maximum(
        &fit.params,
        lay,
        &[
            &|p, h| p.W[0][1][0] += h,
            &|p, h| p.W[1][2][0] += h,
            &|p, h| p.mu[0][1] += h,
            &|p, h| p.s2[0] += h,
            &|p, h| p.s2[1] += h,
            &|p, h| {
                p.weight[0] += h;
                p.weight[1] -= h;
            },
        ],
    );
    // What is missing is a mixture of Normals.
    let p = &fit.params;
    let mut seen = 0;
    for i in 0..x.nrows() {
        for j in 0..4 {
            if !x[(i, j)].is_nan() {
                continue;
            }
            seen += 1;
            let (mut a, mut m, mut s) = (vec![], vec![], vec![]);
            for k in 0..2 {
                let w = DMatrix::from_fn(4, 1, |d, h| p.W[k][d][h]);
                let c = &w * w.transpose() + DMatrix::identity(4, 4) * p.s2[k];
                let mu = DVector::from_fn(4, |d, _| p.mu[k][d]);
                a.push(p.weight[k].ln() + ll(&x, i, &mu, &c));
                let (o, v) = rows(&x, i);
                if o.is_empty() {
                    m.push(mu[j]);
                    s.push(c[(j, j)]);
                } else {
                    let ci = sub(&c, &o).try_inverse().unwrap();
                    let cj = DVector::from_fn(o.len(), |r, _| c[(j, o[r])]);
                    let r = DVector::from_vec(v) - subv(&mu, &o);
                    m.push(mu[j] + cj.dot(&(&ci * r)));
                    s.push(c[(j, j)] - cj.dot(&(&ci * &cj)));
                }
            }
            let t = log_sum_exp(&a);
            let w: Vec<f64> = a.iter().map(|v| (v - t).exp()).collect();
            let mean = w[0] * m[0] + w[1] * m[1];
            let var = w[0] * (s[0] + m[0] * m[0]) + w[1] * (s[1] + m[1] * m[1]) - mean * mean;
            let q = fit.posterior.x.get([i, j]).unwrap();
            close(q.mean(), mean, 1e-8);
            close(q.var(), var, 1e-8);
        }
    }
    assert!(seen > 20);
}

#[test]
fn factors_of_students_t() {
    let mut g = Noise::new(33);
    let (n, d) = (100, 4);
    let w = DMatrix::from_column_slice(4, 1, &[1.2, -0.8, 1.0, 0.7]);
    let mut x = DMatrix::zeros(n, d);
    for i in 0..n {
        let u = g.gamma(2, 2.0);
        let f = g.normal() / u.sqrt();
        for j in 0..d {
            let missing = i == 5 || g.unit() < 0.15;
            x[(i, j)] = if missing { f64::NAN } else { w[j] * f + 1.0 + 0.6 * g.normal() / u.sqrt() };
        }
    }
    let data = t_factors::Data { x: (&x).into() };
    let lay = |p: &t_factors::Params| {
        (0..n)
            .map(|i| {
                let mut c = &p.W * p.W.transpose();
                for j in 0..d {
                    c[(j, j)] += p.psi[j];
                }
                let (o, v) = rows(&x, i);
                if o.is_empty() { 0.0 } else { mv_student_t(&v, p.nu, &subv(&p.mu, &o), &sub(&c, &o)) }
            })
            .sum::<f64>()
    };
    let fit = sound(&data, &opts(), |o| t_factors::Model::new(1).fit(&data, o));
    close(fit.log_likelihood(), lay(&fit.params), 1e-9);
    is_maximum(
        &fit.params,
        lay,
        &[
            &|p, h| p.W[(1, 0)] += h,
            &|p, h| p.mu[2] += h,
            &|p, h| p.psi[0] += h,
            &|p, h| p.psi[3] += h,
            &|p, h| p.nu += h,
        ],
    );
}

#[test]
fn a_mixture_of_students_t() {
    let mut g = Noise::new(34);
    let (n, d) = (150, 2);
    let mut x = DMatrix::zeros(n, d);
    for i in 0..n {
        let k = (i % 2) as f64;
        let u = g.gamma(2, 2.0);
        let c = g.normal();
        for j in 0..d {
            x[(i, j)] = 5.0 * k + (0.5 * c + g.normal()) / u.sqrt();
        }
    }
    let data = t_mixture::Data { x: (&x).into() };
    let lay = |p: &t_mixture::Params| {
        (0..n)
            .map(|i| {
                let l: Vec<f64> = (0..2)
                    .map(|k| {
                        p.weight[k].ln()
                            + mv_student_t(
                                &[x[(i, 0)], x[(i, 1)]],
                                p.nu[k],
                                &p.mean[k],
                                &p.prec[k].clone().try_inverse().unwrap(),
                            )
                    })
                    .collect();
                log_sum_exp(&l)
            })
            .sum::<f64>()
    };
    let fit = sound(&data, &opts(), |o| t_mixture::Model::new(2).fit(&data, o));
    close(fit.log_likelihood(), lay(&fit.params), 1e-9);
    is_maximum(
        &fit.params,
        lay,
        &[
            &|p, h| p.mean[0][1] += h,
            &|p, h| {
                p.prec[1][(0, 1)] += h;
                p.prec[1][(1, 0)] += h;
            },
            &|p, h| p.prec[0][(0, 0)] += h,
            &|p, h| p.nu[0] += h,
            &|p, h| p.nu[1] += h,
        ],
    );
}

#[test]
fn rows_carried_by_a_latent_may_have_gaps() {
    let mut g = Noise::new(34);
    let (n, d) = (80, 2);
    let mut x = DMatrix::zeros(n, d);
    for i in 0..n {
        let k = (i % 2) as f64;
        let u = g.gamma(2, 2.0);
        let c = g.normal();
        for j in 0..d {
            x[(i, j)] = 5.0 * k + (0.5 * c + g.normal()) / u.sqrt();
        }
    }
    for i in (0..n).step_by(4) {
        x[(i, i % 3 % 2)] = f64::NAN;
    }
    x[(9, 0)] = f64::NAN;
    x[(9, 1)] = f64::NAN;
    let data = t_gaps::Data { x: (&x).into() };
    let lay = |p: &t_gaps::Params| {
        (0..n)
            .map(|i| {
                let l: Vec<f64> = (0..2)
                    .map(|k| {
                        let o: Vec<usize> = (0..2).filter(|j| !x[(i, *j)].is_nan()).collect();
                        if o.is_empty() {
                            return p.weight[k].ln();
                        }
                        let v: Vec<f64> = o.iter().map(|j| x[(i, *j)]).collect();
                        let c = DMatrix::from_fn(o.len(), o.len(), |a, b| {
                            p.cov[k][(o[a], o[b])] + if a == b { 1e-6 } else { 0.0 }
                        });
                        p.weight[k].ln()
                            + mv_student_t(
                                &v,
                                p.nu[k],
                                &DVector::from_fn(o.len(), |a, _| p.mean[k][o[a]]),
                                &c,
                            )
                    })
                    .collect();
                log_sum_exp(&l)
            })
            .sum::<f64>()
    };
    let fit = t_gaps::Model::new(2).fit(&data, &opts()).unwrap();
    close(fit.log_likelihood(), lay(&fit.params), 1e-7);
}

#[test]
fn blocks_of_loadings_with_correlated_factors() {
    let mut g = Noise::new(35);
    let (n, d) = (120, 6);
    let block = [0usize, 0, 0, 1, 1, 1];
    let mut x = DMatrix::zeros(n, d);
    for i in 0..n {
        let a = g.normal();
        let f = [a, 0.6 * a + 0.8 * g.normal()];
        for j in 0..d {
            x[(i, j)] = if i == 5 || g.unit() < 0.15 {
                f64::NAN
            } else {
                (0.6 + 0.2 * j as f64) * f[block[j]] + 1.0 + 0.7 * g.normal()
            };
        }
    }
    let data = cfa::Data { block: (&block).into(), x: (&x).into() };
    let lay = |p: &cfa::Params| {
        let c = DMatrix::from_fn(d, d, |a, b| {
            p.l[a] * p.l[b] * p.Phi[(block[a], block[b])] + if a == b { p.psi[a] } else { 0.0 }
        });
        (0..n).map(|i| ll(&x, i, &DVector::from_vec(p.m.clone()), &c)).sum::<f64>()
    };
    let fit = sound(&data, &opts(), |o| cfa::Model::new(2).fit(&data, o));
    close(fit.log_likelihood(), lay(&fit.params), 1e-9);
    let m: [Move<'_, cfa::Params>; 5] = [
        &|p, h| p.l[1] += h,
        &|p, h| p.m[4] += h,
        &|p, h| p.psi[2] += h,
        &|p, h| p.Phi[(0, 0)] += h,
        &|p, h| {
            p.Phi[(0, 1)] += h;
            p.Phi[(1, 0)] += h;
        },
    ];
    is_maximum(&fit.params, lay, &m);
}

#[test]
fn factors_with_causes() {
    let mut g = Noise::new(36);
    let (n, d) = (100, 4);
    let u = DMatrix::from_fn(n, 2, |_, _| g.normal());
    let w = DMatrix::from_fn(d, 1, |_, _| 1.0 + 0.5 * g.normal());
    let mut x = DMatrix::zeros(n, d);
    for i in 0..n {
        let f = u[(i, 0)] - 0.5 * u[(i, 1)] + g.normal();
        for j in 0..d {
            x[(i, j)] = if i == 5 || g.unit() < 0.15 { f64::NAN } else { w[j] * f + 1.0 + 0.6 * g.normal() };
        }
    }
    let data = mimic::Data { u: (&u).into(), x: (&x).into() };
    let lay = |p: &mimic::Params| {
        let mut c = &p.W * p.W.transpose();
        for j in 0..d {
            c[(j, j)] += p.psi[j];
        }
        (0..n).map(|i| ll(&x, i, &(&p.W * &p.B * u.row(i).transpose() + &p.m), &c)).sum::<f64>()
    };
    let fit = sound(&data, &opts(), |o| mimic::Model::new(1).fit(&data, o));
    close(fit.log_likelihood(), lay(&fit.params), 1e-9);
    is_maximum(
        &fit.params,
        lay,
        &[&|p, h| p.W[(0, 0)] += h, &|p, h| p.B[(0, 1)] += h, &|p, h| p.m[1] += h, &|p, h| p.psi[2] += h],
    );
}
