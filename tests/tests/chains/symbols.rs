//! Chains whose observations have finitely many values, each of them seen many times: against forward and backward written out, with holes,
//! several observations of a step, and states that are not handed on.

use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::law::close;

model! {
    pub mod symbols(K, V) {
        param start: Simplex[K];
        param trans[i in K]: Simplex[K];
        param emit[k in K]: Simplex[V];
        for s in S {
            latent   z[s, 0]            ~ Categorical(start);
            latent   z[s, t in 1..T[s]] ~ Categorical(trans[z[s, t-1]]);
            observed y[s, t in T[s]]    ~ Categorical(emit[z[s, t]]);
        }
    }
}

model! {
    /// Two observations of a step, one of which may be missing, by a given that chooses the law.
    pub mod pairs(K, V, W, G) {
        given group[s in S, t in T[s]]: Category[G];
        param start: Simplex[K];
        param trans[i in K]: Simplex[K];
        param emit[k in K]: Simplex[V];
        param other[g in G, k in K]: Simplex[W];
        for s in S {
            latent   z[s, 0]                          ~ Categorical(start);
            latent   z[s, t in 1..T[s]]               ~ Categorical(trans[z[s, t-1]]);
            observed y[s, t in T[s]]: Category[V]?    ~ Categorical(emit[z[s, t]]);
            observed w[s, t in T[s]]                  ~ Categorical(other[group[s, t], z[s, t]]);
        }
    }
}

model! {
    /// A second latent of each step, which no other step reads.
    pub mod leaves(K, L, V) {
        param start: Simplex[K];
        param trans[i in K]: Simplex[K];
        param kind[k in K]: Simplex[L];
        param emit[k in K, l in L]: Simplex[V];
        for s in S {
            latent   z[s, 0]            ~ Categorical(start);
            latent   z[s, t in 1..T[s]] ~ Categorical(trans[z[s, t-1]]);
            latent   c[s, t in T[s]]    ~ Categorical(kind[z[s, t]]);
            observed y[s, t in T[s]]    ~ Categorical(emit[z[s, t], c[s, t]]);
        }
    }
}

model! {
    /// What is seen depends on what was seen before.
    pub mod echoes(K, V) {
        param start: Simplex[K];
        param trans[i in K]: Simplex[K];
        param first[k in K]: Simplex[V];
        param emit[k in K, v in V]: Simplex[V];
        for s in S {
            latent   z[s, 0]            ~ Categorical(start);
            latent   z[s, t in 1..T[s]] ~ Categorical(trans[z[s, t-1]]);
            observed y[s, 0]            ~ Categorical(first[z[s, 0]]);
            observed y[s, t in 1..T[s]] ~ Categorical(emit[z[s, t], y[s, t-1]]);
        }
    }
}

/// log p(y) of a sequence, p(z[t] = k | y), and Σₜ p(z[t−1] = i, z[t] = j | y); `b[t][k]` is p(y[t] | z[t] = k).
struct ByHand {
    evidence: f64,
    marginals: Vec<Vec<f64>>,
    steps: Vec<Vec<f64>>,
}

fn by_hand(start: &DVector<f64>, trans: &[DVector<f64>], b: &[Vec<f64>]) -> ByHand {
    let (k, n) = (start.len(), b.len());
    let mut out = ByHand { evidence: 0.0, marginals: vec![], steps: vec![vec![0.0; k]; k] };
    let mut alpha: Vec<Vec<f64>> = vec![];
    for t in 0..n {
        let mut now: Vec<f64> = (0..k)
            .map(|j| match t {
                0 => start[j] * b[0][j],
                _ => (0..k).map(|i| alpha[t - 1][i] * trans[i][j]).sum::<f64>() * b[t][j],
            })
            .collect();
        let total: f64 = now.iter().sum();
        out.evidence += total.ln();
        now.iter_mut().for_each(|a| *a /= total);
        alpha.push(now);
    }
    let mut beta = vec![1.0; k];
    for t in (0..n).rev() {
        let total: f64 = (0..k).map(|i| alpha[t][i] * beta[i]).sum();
        out.marginals.insert(0, (0..k).map(|i| alpha[t][i] * beta[i] / total).collect());
        if t == 0 {
            break;
        }
        let weight = |i: usize, j: usize| trans[i][j] * b[t][j] * beta[j];
        let all: f64 = (0..k * k).map(|n| alpha[t - 1][n / k] * weight(n / k, n % k)).sum();
        for i in 0..k {
            for j in 0..k {
                out.steps[i][j] += alpha[t - 1][i] * weight(i, j) / all;
            }
        }
        let next: Vec<f64> = (0..k).map(|i| (0..k).map(|j| weight(i, j)).sum::<f64>() / all).collect();
        beta = next;
    }
    out
}

/// Rows of expected counts, each divided by its sum.
fn check_rows(found: &[DVector<f64>], counts: &[Vec<f64>]) {
    for (found, counts) in found.iter().zip(counts) {
        let total: f64 = counts.iter().sum();
        for (p, c) in found.iter().zip(counts) {
            assert!((p - c / total).abs() < 1e-11, "{p} {}", c / total);
        }
    }
}

fn lengths(n: usize) -> Vec<usize> {
    (0..n).map(|s| [170, 0, 1, 140, 3, 2, 65, 64][s % 8] + s / 16).collect()
}

fn column(emit: &[DVector<f64>], v: usize) -> Vec<f64> {
    emit.iter().map(|e| e[v]).collect()
}

fn symbols_start(k: usize, v: usize) -> symbols::Params {
    let mut g = Noise::new(k as u64);
    symbols::Params { start: g.weights(k), trans: g.rows(k, k), emit: g.rows(k, v) }
}

#[test]
fn symbols_seen_many_times_are_what_each_says() {
    let mut g = Noise::new(1);
    for (k, v) in [(1, 3), (2, 2), (5, 7), (16, 9)] {
        let y: Vec<Vec<usize>> = lengths(40).iter().map(|n| (0..*n).map(|_| g.below(v)).collect()).collect();
        let p = symbols_start(k, v);
        let (model, data) = (symbols::Model::new(k, v), symbols::Data { y: (&y).into() });
        let fit = model.infer(&data, &p).unwrap();
        let all: Vec<ByHand> = y
            .iter()
            .map(|y| by_hand(&p.start, &p.trans, &y.iter().map(|v| column(&p.emit, *v)).collect::<Vec<_>>()))
            .collect();
        close(fit.log_likelihood(), all.iter().map(|h| h.evidence).sum(), 1e-12);
        let next = model.maximise(&model.accumulate(&data, &p).unwrap(), &p).unwrap();
        let mut first = vec![vec![0.0; k]];
        let (mut steps, mut emit) = (vec![vec![0.0; k]; k], vec![vec![0.0; v]; k]);
        for (y, h) in y.iter().zip(&all) {
            for i in 0..k {
                first[0][i] += h.marginals.first().map_or(0.0, |m| m[i]);
                (0..k).for_each(|j| steps[i][j] += h.steps[i][j]);
                y.iter().zip(&h.marginals).for_each(|(y, m)| emit[i][*y] += m[i]);
            }
        }
        check_rows(std::slice::from_ref(&next.start), &first);
        check_rows(&next.trans, &steps);
        check_rows(&next.emit, &emit);
    }
}

#[test]
fn a_fit_of_symbols_does_not_depend_on_the_number_of_threads() {
    let mut g = Noise::new(2);
    let y: Vec<Vec<usize>> = lengths(60).iter().map(|n| (0..*n).map(|_| g.below(6)).collect()).collect();
    let data = symbols::Data { y: (&y).into() };
    let run = |threads: usize| {
        let options = Options::new().threads(threads).max_iterations(7);
        symbols::Model::new(4, 6).fit_from(&data, Start::Params(symbols_start(4, 6)), &options).unwrap()
    };
    let (one, three) = (run(1), run(3));
    assert_eq!(one.params, three.params);
    assert_eq!(one.trace, three.trace);
}

#[test]
fn holes_and_givens_are_part_of_what_is_seen() {
    let mut g = Noise::new(3);
    let (k, v, w, groups) = (3, 4, 3, 2);
    let sizes = lengths(40);
    let mut of = |n: usize| -> Vec<Vec<usize>> {
        sizes.iter().map(|len| (0..*len).map(|_| g.below(n)).collect()).collect()
    };
    let (group, other, seen) = (of(groups), of(w), of(v + 2));
    let y: Vec<Vec<Option<usize>>> =
        seen.iter().map(|row| row.iter().map(|y| (*y < v).then_some(*y)).collect()).collect();
    let p = pairs::Params {
        start: g.weights(k),
        trans: g.rows(k, k),
        emit: g.rows(k, v),
        other: (0..groups).map(|_| g.rows(k, w)).collect(),
    };
    let model = pairs::Model::new(k, v, w, groups);
    let data = pairs::Data { group: (&group).into(), y: (&y).into(), w: (&other).into() };
    let fit = model.infer(&data, &p).unwrap();
    let next = model.maximise(&model.accumulate(&data, &p).unwrap(), &p).unwrap();
    let mut evidence = 0.0;
    let mut emit = vec![vec![0.0; v]; k];
    let mut others = vec![vec![vec![0.0; w]; k]; groups];
    for s in 0..sizes.len() {
        let b: Vec<Vec<f64>> = (0..sizes[s])
            .map(|t| {
                (0..k)
                    .map(|i| y[s][t].map_or(1.0, |y| p.emit[i][y]) * p.other[group[s][t]][i][other[s][t]])
                    .collect()
            })
            .collect();
        let h = by_hand(&p.start, &p.trans, &b);
        evidence += h.evidence;
        for (t, m) in h.marginals.iter().enumerate() {
            for i in 0..k {
                others[group[s][t]][i][other[s][t]] += m[i];
                if let Some(y) = y[s][t] {
                    emit[i][y] += m[i];
                }
            }
        }
    }
    close(fit.log_likelihood(), evidence, 1e-12);
    check_rows(&next.emit, &emit);
    (0..groups).for_each(|g| check_rows(&next.other[g], &others[g]));
}

#[test]
fn a_state_that_is_not_handed_on_has_its_share() {
    let mut g = Noise::new(4);
    let (k, l, v) = (3, 2, 5);
    let y: Vec<Vec<usize>> = lengths(40).iter().map(|n| (0..*n).map(|_| g.below(v)).collect()).collect();
    let p = leaves::Params {
        start: g.weights(k),
        trans: g.rows(k, k),
        kind: g.rows(k, l),
        emit: (0..k).map(|_| g.rows(l, v)).collect(),
    };
    let (model, data) = (leaves::Model::new(k, l, v), leaves::Data { y: (&y).into() });
    let fit = model.infer(&data, &p).unwrap();
    let next = model.maximise(&model.accumulate(&data, &p).unwrap(), &p).unwrap();
    let joint = |i: usize, c: usize, v: usize| p.kind[i][c] * p.emit[i][c][v];
    let (mut evidence, mut kind) = (0.0, vec![vec![0.0; l]; k]);
    let mut emit = vec![vec![vec![0.0; v]; l]; k];
    for y in &y {
        let sum = |i: usize, v: usize| (0..l).map(|c| joint(i, c, v)).sum::<f64>();
        let b: Vec<Vec<f64>> = y.iter().map(|v| (0..k).map(|i| sum(i, *v)).collect()).collect();
        let h = by_hand(&p.start, &p.trans, &b);
        evidence += h.evidence;
        for (v, m) in y.iter().zip(&h.marginals) {
            for i in 0..k {
                for c in 0..l {
                    let q = m[i] * joint(i, c, *v) / sum(i, *v);
                    kind[i][c] += q;
                    emit[i][c][*v] += q;
                }
            }
        }
    }
    close(fit.log_likelihood(), evidence, 1e-12);
    check_rows(&next.kind, &kind);
    (0..k).for_each(|i| check_rows(&next.emit[i], &emit[i]));
}

#[test]
fn what_was_seen_before_is_part_of_what_is_seen() {
    let mut g = Noise::new(5);
    let (k, v) = (3, 4);
    let y: Vec<Vec<usize>> = lengths(60).iter().map(|n| (0..*n).map(|_| g.below(v)).collect()).collect();
    let p = echoes::Params {
        start: g.weights(k),
        trans: g.rows(k, k),
        first: g.rows(k, v),
        emit: (0..k).map(|_| g.rows(v, v)).collect(),
    };
    let (model, data) = (echoes::Model::new(k, v), echoes::Data { y: (&y).into() });
    let fit = model.infer(&data, &p).unwrap();
    let next = model.maximise(&model.accumulate(&data, &p).unwrap(), &p).unwrap();
    let (mut evidence, mut first) = (0.0, vec![vec![0.0; v]; k]);
    let mut emit = vec![vec![vec![0.0; v]; v]; k];
    for y in &y {
        let one = |t: usize, i: usize| match t {
            0 => p.first[i][y[0]],
            _ => p.emit[i][y[t - 1]][y[t]],
        };
        let b: Vec<Vec<f64>> = (0..y.len()).map(|t| (0..k).map(|i| one(t, i)).collect()).collect();
        let h = by_hand(&p.start, &p.trans, &b);
        evidence += h.evidence;
        for (t, m) in h.marginals.iter().enumerate() {
            for i in 0..k {
                let counts = if t == 0 { &mut first[i] } else { &mut emit[i][y[t - 1]] };
                counts[y[t]] += m[i];
            }
        }
    }
    close(fit.log_likelihood(), evidence, 1e-12);
    check_rows(&next.first, &first);
    (0..k).for_each(|i| check_rows(&next.emit[i], &emit[i]));
}
