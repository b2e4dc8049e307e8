//! State spaces with inputs, regressions whose coefficients walk, and a scale that ragged chains share.

use super::oracle::sound;
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::dense::Dense;
use vi_tests::density::{gamma, log_integral};
use vi_tests::law::close;

model! {
    pub mod inputs(H) {
        given    u[s in S, t in T[s]]: Vector[U];
        param    A: Matrix[H, H];   param B: Matrix[H, U];   param Q: SymPos[H];
        param    C: Matrix[D, H];   param E: Matrix[D, U];   param r[d in D]: Positive;
        param    m0: Vector[H];     param P0: SymPos[H];
        for s in S {
            latent   x[s, 0]                     ~ Normal(m0, cov: P0);
            latent   x[s, t in 1..T[s]]          ~ Normal(A * x[s, t-1] + B * u[s, t], cov: Q);
            observed y[s, t in T[s]]: Vector[D]? ~ Normal(C * x[s, t] + E * u[s, t], var: r);
        }
    }
}
model! {
    pub mod walking {
        given    x[s in S, t in T[s]]: Vector[P];
        param    q[p in P]: Positive;   param r: Positive;
        for s in S {
            latent   beta[s, 0]: Vector[P]   ~ Normal(0, var: 10);
            latent   beta[s, t in 1..T[s]]   ~ Normal(beta[s, t-1], var: q);
            observed y[s, t in T[s]]: Real?  ~ Normal(dot(beta[s, t], x[s, t]), var: r);
        }
    }
}
model! {
    pub mod common_scale {
        latent tau ~ Gamma(shape: 2, rate: 1);
        for s in S {
            latent   x[s, 0]                ~ Normal(0, prec: 0.1 * tau);
            latent   x[s, t in 1..T[s]]     ~ Normal(0.9 * x[s, t-1], prec: 2 * tau);
            observed y[s, t in T[s]]: Real? ~ Normal(x[s, t], prec: tau);
        }
    }
}

fn holes(g: &mut Noise, n: usize) -> Vec<f64> {
    (0..n).map(|t| if t % 4 == 2 { f64::NAN } else { g.normal() }).collect()
}

fn matrix(g: &mut Noise, rows: usize, columns: usize, scale: f64) -> DMatrix<f64> {
    DMatrix::from_fn(rows, columns, |_, _| scale * g.normal())
}

/// A sequence as one dense Normal: it, its states and its data.
fn laid_out(p: &inputs::Params, u: &DMatrix<f64>) -> (Dense, Vec<Vec<usize>>, Vec<Vec<usize>>) {
    let mut d = Dense::new();
    let (h, wide) = (p.m0.len(), p.r.len());
    let (mut states, mut data): (Vec<Vec<usize>>, Vec<Vec<usize>>) = (vec![], vec![]);
    for t in 0..u.nrows() {
        let given = u.row(t).transpose();
        let now = match states.last() {
            None => d.add_vector(p.m0.as_slice(), &vec![vec![]; h], &p.P0),
            Some(last) => {
                let forms: Vec<Vec<(usize, f64)>> =
                    (0..h).map(|i| (0..h).map(|j| (last[j], p.A[(i, j)])).collect()).collect();
                d.add_vector((&p.B * &given).as_slice(), &forms, &p.Q)
            }
        };
        let push = &p.E * &given;
        let form = |i: usize| -> Vec<(usize, f64)> { (0..h).map(|j| (now[j], p.C[(i, j)])).collect() };
        data.push((0..wide).map(|i| d.add(push[i], &form(i), p.r[i])).collect());
        states.push(now);
    }
    (d, states, data)
}

#[test]
fn ragged_state_spaces_with_inputs_and_holes_are_dense_normals() {
    let mut g = Noise::new(11);
    for (h, wide, ins, lengths) in [(2, 3, 2, vec![6, 1, 0, 4]), (1, 1, 1, vec![1]), (3, 2, 1, vec![2, 5])] {
        let u: Vec<DMatrix<f64>> = lengths.iter().map(|t| matrix(&mut g, *t, ins, 1.0)).collect();
        let y: Vec<DMatrix<f64>> = lengths
            .iter()
            .map(|t| {
                DMatrix::from_fn(
                    *t,
                    wide,
                    |i, _| if i == 2 || g.unit() < 0.2 { f64::NAN } else { g.normal() },
                )
            })
            .collect();
        let p = inputs::Params {
            A: matrix(&mut g, h, h, 0.4),
            B: matrix(&mut g, h, ins, 1.0),
            Q: g.sym_pos(h),
            C: matrix(&mut g, wide, h, 1.0),
            E: matrix(&mut g, wide, ins, 1.0),
            r: (0..wide).map(|_| 0.4 + g.unit()).collect(),
            m0: DVector::from_vec(g.normals(h)),
            P0: g.sym_pos(h),
        };
        let data = inputs::Data { u: (&u).into(), y: (&y).into() };
        let model = inputs::Model::new(h);
        let known = |p: &inputs::Params, s: usize| {
            let (d, states, at) = laid_out(p, &u[s]);
            let all = (0..lengths[s]).flat_map(|t| (0..wide).map(move |i| (t, i)));
            let there = all.filter(|&i| !y[s][i].is_nan());
            let seen: Vec<(usize, f64)> = there.map(|(t, i)| (at[t][i], y[s][(t, i)])).collect();
            (d.given(&seen), states)
        };
        let long = || (0..lengths.len()).filter(|s| lengths[*s] > 0);
        let by_hand = |p: &inputs::Params| long().map(|s| known(p, s).0.log_evidence).sum::<f64>();
        let fit = model.infer(&data, &p).unwrap();
        close(fit.log_likelihood(), by_hand(&p), 1e-10);
        for s in long() {
            let (known, states) = known(&p, s);
            for (q, x) in fit.posterior.x[s].iter().zip(&states) {
                (0..h).for_each(|i| close(q.mean()[i], known.mean[x[i]], 1e-10));
                (0..h).for_each(|i| close(q.cov()[(i, 0)], known.cov[(x[i], x[0])], 1e-10));
            }
        }
        if lengths.len() == 4 {
            let options = Options::new().tolerance(0.0).max_iterations(3);
            let fit = sound(&data, &options, |o| model.fit_from(&data, Start::Params(p.clone()), o));
            close(fit.log_likelihood(), by_hand(&fit.params), 1e-9);
        }
    }
}

#[test]
fn coefficients_that_walk_are_dense_normals() {
    let mut g = Noise::new(13);
    for (wide, lengths) in [(2, vec![6, 0, 1, 4]), (1, vec![1]), (3, vec![2, 2])] {
        let x: Vec<DMatrix<f64>> = lengths.iter().map(|t| matrix(&mut g, *t, wide, 1.0)).collect();
        let y: Vec<Vec<f64>> = lengths.iter().map(|t| holes(&mut g, *t)).collect();
        let data = walking::Data { x: (&x).into(), y: (&y).into() };
        let p = walking::Params { q: (0..wide).map(|_| 0.1 + g.unit()).collect(), r: 0.5 };
        let fit = walking::Model::new().infer(&data, &p).unwrap();
        let mut total = 0.0;
        for s in (0..lengths.len()).filter(|s| lengths[*s] > 0) {
            let mut d = Dense::new();
            let (mut beta, mut seen): (Vec<Vec<usize>>, Vec<(usize, f64)>) = (vec![], vec![]);
            for t in 0..lengths[s] {
                let now: Vec<usize> = (0..wide)
                    .map(|i| match beta.last() {
                        None => d.add(0.0, &[], 10.0),
                        Some(last) => d.add(0.0, &[(last[i], 1.0)], p.q[i]),
                    })
                    .collect();
                let form: Vec<(usize, f64)> = (0..wide).map(|i| (now[i], x[s][(t, i)])).collect();
                let at = d.add(0.0, &form, p.r);
                seen.extend((!y[s][t].is_nan()).then_some((at, y[s][t])));
                beta.push(now);
            }
            let known = d.given(&seen);
            total += known.log_evidence;
            for (q, beta) in fit.posterior.beta[s].iter().zip(&beta) {
                (0..wide).for_each(|i| close(q.mean()[i], known.mean[beta[i]], 1e-10));
            }
        }
        close(fit.log_likelihood(), total, 1e-10);
    }
}

#[test]
fn a_scale_that_ragged_chains_share_is_integrated() {
    let mut g = Noise::new(17);
    for lengths in [vec![5, 0, 1, 3], vec![1], vec![0]] {
        let y: Vec<Vec<f64>> = lengths.iter().map(|t| holes(&mut g, *t)).collect();
        let data = common_scale::Data { y: (&y).into() };
        let fit = sound(&data, &Options::new(), |o| common_scale::Model::new().fit(&data, o));
        let given = |tau: f64| {
            let one = |y: &Vec<f64>| {
                let mut d = Dense::new();
                let (mut last, mut seen) = (None, vec![]);
                for y in y {
                    let x = match last {
                        None => d.add(0.0, &[], 10.0 / tau),
                        Some(x) => d.add(0.0, &[(x, 0.9)], 0.5 / tau),
                    };
                    let at = d.add(0.0, &[(x, 1.0)], 1.0 / tau);
                    seen.extend((!y.is_nan()).then_some((at, *y)));
                    last = Some(x);
                }
                if seen.is_empty() { 0.0 } else { d.given(&seen).log_evidence }
            };
            y.iter().map(one).sum::<f64>()
        };
        let all = log_integral(-20.0, 8.0, |l| given(l.exp()) + gamma(l.exp(), 2.0, 1.0) + l);
        close(fit.log_evidence(), all, 1e-7);
    }
}
