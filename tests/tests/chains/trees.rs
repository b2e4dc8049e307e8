//! Several latents of each node of a tree: one elimination, its steps in parts; by enumeration. Trees as deep, and as wide, as they come.

use super::identities::{symbols, tree};
use vi_core::prelude::*;
use vi_core::rng::stream;
use vi_tests::data::Noise;
use vi_tests::density::log_sum_exp;
use vi_tests::enumerate::marginals;
use vi_tests::joined::Joined;
use vi_tests::law::{close, monotone};
use vi_tests::{along, case};

model! {
    /// Two characters that evolve along one tree, the second by the first.
    pub mod characters(K, L) {
        given    parent[n in 1..N]: Category[n];
        param    root: Simplex[K];
        param    first[k in K]: Simplex[L];
        param    a[i in K]: Simplex[K];
        param    b[k in K, l in L]: Simplex[L];
        param    mean[k in K, l in L]: Real;
        param    s2: Positive;
        latent   u[0]         ~ Categorical(root);
        latent   v[0]         ~ Categorical(first[u[0]]);
        latent   u[n in 1..N] ~ Categorical(a[u[parent[n]]]);
        latent   v[n in 1..N] ~ Categorical(b[u[n], v[parent[n]]]);
        observed y[n in N]: Real? ~ Normal(mean[u[n], v[n]], var: s2);
    }
}
model! {
    /// Trees of several kinds: the kind is carried from node to node, and chooses the law of the states.
    pub mod kinds(C, K) {
        given    parent[s in S, n in 1..N[s]]: Category[n];
        param    w: Simplex[C];
        param    root: Simplex[K];
        param    trans[c in C, i in K]: Simplex[K];
        param    emit[k in K]: Simplex[2];
        for s in S {
            latent   c[s, 0]            ~ Categorical(w);
            latent   c[s, n in 1..N[s]] ~ Constant(c[s, parent[s, n]]);
            latent   z[s, 0]            ~ Categorical(root);
            latent   z[s, n in 1..N[s]] ~ Categorical(trans[c[s, n], z[s, parent[s, n]]]);
            observed y[s, n in N[s]]: Category[2]? ~ Categorical(emit[z[s, n]]);
        }
    }
}
model! {
    /// The same, with one kind for each tree.
    pub mod of_a_kind(C, K) {
        given    parent[s in S, n in 1..N[s]]: Category[n];
        param    w: Simplex[C];
        param    root: Simplex[K];
        param    trans[c in C, i in K]: Simplex[K];
        param    emit[k in K]: Simplex[2];
        for s in S {
            latent   c[s]               ~ Categorical(w);
            latent   z[s, 0]            ~ Categorical(root);
            latent   z[s, n in 1..N[s]] ~ Categorical(trans[c[s], z[s, parent[s, n]]]);
            observed y[s, n in N[s]]: Category[2]? ~ Categorical(emit[z[s, n]]);
        }
    }
}
model! {
    /// As a chain: the same two latents along an axis.
    pub mod side_by_side(K, L) {
        param    root: Simplex[K];
        param    first[k in K]: Simplex[L];
        param    a[i in K]: Simplex[K];
        param    b[k in K, l in L]: Simplex[L];
        param    mean[k in K, l in L]: Real;
        param    s2: Positive;
        latent   u[0]         ~ Categorical(root);
        latent   v[0]         ~ Categorical(first[u[0]]);
        latent   u[t in 1..T] ~ Categorical(a[u[t-1]]);
        latent   v[t in 1..T] ~ Categorical(b[u[t], v[t-1]]);
        observed y[t in T]: Real? ~ Normal(mean[u[t], v[t]], var: s2);
    }
}

fn random(g: &mut Noise) -> characters::Params {
    characters::Params {
        root: g.weights(2),
        first: g.rows(2, 3),
        a: g.rows(2, 2),
        b: (0..2).map(|_| g.rows(3, 3)).collect(),
        mean: (0..2).map(|_| g.normals(3)).collect(),
        s2: 0.5 + g.unit(),
    }
}

#[test]
fn two_characters_evolve_along_one_tree() {
    for (parent, y) in [(vec![0, 0, 0], vec![0.4, f64::NAN, -1.2]), (vec![0, 0, 1], vec![f64::NAN, 1.0, 0.2])]
    {
        let n = y.len();
        let model = characters::Model::new(2, 3);
        let data = characters::Data { parent: (&parent).into(), y: (&y).into() };
        let case = case! { characters, model, data;
            states: [vec![2; n], vec![3; n]].concat(), copies: vec![1.0; 2 * n], independent: false,
            joint: &|z, p| {
                let latents = characters::Latents { u: z[..n].to_vec(), v: z[n..].to_vec() };
                model.log_joint(&data, &latents, p).unwrap()
            },
            prior: &|_| 0.0,
            marginals: &|q| [marginals(&q.u), marginals(&q.v)].concat(),
            moved: &|p, t, g| characters::Params {
                root: along::simplex(&p.root, t, g),
                first: along::simplices(&p.first, t, g),
                a: along::simplices(&p.a, t, g),
                b: p.b.iter().map(|rows| along::simplices(rows, t, g)).collect(),
                mean: p.mean.iter().map(|row| along::reals(row, t, g)).collect(),
                s2: along::positive(p.s2, t, g),
            },
        };
        let before: Vec<Option<usize>> = (0..n).map(|i| (i > 0).then(|| parent[i])).collect();
        let arrays = [
            Joined::chain(&|q: &characters::Posterior| q.u.clone(), 0..n).following(before.clone()),
            Joined::chain(&|q: &characters::Posterior| q.v.clone(), n..2 * n).following(before).beside(),
        ];
        let draw = |q: &characters::Posterior, d| {
            let l = q.sample(&mut stream(3, "draw", &[d])).unwrap();
            [l.u, l.v].concat()
        };
        let mut g = Noise::new(17);
        for round in 0..2 {
            let p = random(&mut g);
            case.evidence_and_marginals(&p);
            case.joint_law(&p, &data, &arrays, &draw);
            case.gradient(&p, 100 * round);
            case.m_step_is_the_maximum(&p, 100 * round + 50);
        }
    }
    let text = characters::PLAN.to_string();
    assert!(text.contains("N·K²·L") && text.contains("N·L²·K") || text.contains("N·K·L²"), "{text}");
    assert!(!text.contains("K²·L²"), "{text}");
}

#[test]
fn kinds_of_trees_that_are_carried_along() {
    let parent = vec![vec![0, 0, 0, 1], vec![0, 0], vec![0]];
    let y = vec![vec![Some(0), None, Some(1), Some(1)], vec![Some(1), Some(0)], vec![None]];
    let model = kinds::Model::new(2, 2);
    let data = kinds::Data { parent: (&parent).into(), y: (&y).into() };
    let mut g = Noise::new(5);
    for _ in 0..3 {
        let p = kinds::Params {
            w: g.weights(2),
            root: g.weights(2),
            trans: (0..2).map(|_| g.rows(2, 2)).collect(),
            emit: g.rows(2, 2),
        };
        let fit = model.infer(&data, &p).unwrap();
        let same = of_a_kind::Params {
            w: p.w.clone(),
            root: p.root.clone(),
            trans: p.trans.clone(),
            emit: p.emit.clone(),
        };
        let (one, whole) = (of_a_kind::Model::new(2, 2), of_a_kind::Data { parent: data.parent, y: data.y });
        let shared = one.infer(&whole, &same).unwrap();
        let mut total = 0.0;
        for (s, tree) in parent.iter().enumerate() {
            // Σ over the kinds, and over all states of a tree of each.
            let n = tree.len();
            let of = |c: usize| -> f64 {
                let all = (0..1usize << n).map(|code| {
                    let z: Vec<usize> = (0..n).map(|i| code >> i & 1).collect();
                    let mut log = p.w[c].ln() + p.root[z[0]].ln();
                    for i in 0..n {
                        log += y[s][i].map_or(0.0, |y| p.emit[z[i]][y].ln());
                        if i > 0 {
                            log += p.trans[c][z[tree[i]]][z[i]].ln();
                        }
                    }
                    log
                });
                log_sum_exp(&all.collect::<Vec<_>>())
            };
            let both = [of(0), of(1)];
            let evidence = log_sum_exp(&both);
            total += evidence;
            for i in 0..n {
                close(fit.posterior.c[s].probs(i)[1], (both[1] - evidence).exp(), 1e-11);
                close(shared.posterior.c.probs(s)[1], (both[1] - evidence).exp(), 1e-11);
                close(shared.posterior.z[s].probs(i)[1], fit.posterior.z[s].probs(i)[1], 1e-11);
            }
        }
        close(fit.log_likelihood(), total, 1e-11);
        close(shared.log_likelihood(), total, 1e-11);
        assert!(shared.verify(&whole, 2).unwrap().is_exact());
        let a = model.maximise(&model.accumulate(&data, &p).unwrap(), &p).unwrap();
        let b = one.maximise(&one.accumulate(&whole, &same).unwrap(), &same).unwrap();
        for c in 0..2 {
            close(a.w[c], b.w[c], 1e-11);
            (0..2).for_each(|i| close(a.trans[c][i][0], b.trans[c][i][0], 1e-11));
        }
        let (x, y) = (fit.posterior.most_likely().unwrap(), shared.posterior.most_likely().unwrap());
        assert!(x.z == y.z && x.c.iter().zip(&y.c).all(|(x, y)| x[0] == *y));
        assert!(fit.verify(&data, 1).unwrap().is_exact());
    }
    let fit = model.fit(&data, &Options::new().seed(1).max_iterations(20)).unwrap();
    monotone(&fit.trace);
}

#[test]
fn trees_of_which_nothing_is_seen_and_trees_that_cannot_be() {
    let parent = vec![vec![0, 0, 0, 1]];
    let mut p = of_a_kind::Params {
        w: vec![0.4, 0.6].into(),
        root: vec![0.5, 0.5].into(),
        trans: vec![
            vec![vec![0.9, 0.1].into(), vec![0.2, 0.8].into()],
            vec![vec![0.5, 0.5].into(), vec![0.3, 0.7].into()],
        ],
        emit: vec![vec![0.1, 0.9].into(), vec![0.6, 0.4].into()],
    };
    let model = of_a_kind::Model::new(2, 2);
    let none = vec![vec![None; 4]];
    let fit = model.infer(&of_a_kind::Data { parent: (&parent).into(), y: (&none).into() }, &p).unwrap();
    close(fit.log_likelihood(), 0.0, 1e-14);
    close(fit.posterior.c.probs(0)[1], 0.6, 1e-14);
    // A child of the root, and a child of that.
    let one = |c: usize| 0.5 * p.trans[c][0][1] + 0.5 * p.trans[c][1][1];
    let two = |c: usize| (1.0 - one(c)) * p.trans[c][0][1] + one(c) * p.trans[c][1][1];
    close(fit.posterior.z[0].probs(1)[1], 0.4 * one(0) + 0.6 * one(1), 1e-14);
    close(fit.posterior.z[0].probs(3)[1], 0.4 * two(0) + 0.6 * two(1), 1e-14);
    // No state shows a 1.
    p.emit = vec![vec![1.0, 0.0].into(); 2];
    let y = vec![vec![None, None, Some(1), None]];
    let data = of_a_kind::Data { parent: (&parent).into(), y: (&y).into() };
    let error = model.infer(&data, &p).unwrap_err();
    assert!(matches!(&error, vi_core::Error::Impossible { at } if at == "z[0, 2]"), "{error}");
}

#[test]
fn a_path_of_parents_is_two_chains_side_by_side() {
    let mut g = Noise::new(30);
    let y: Vec<f64> = (0..200).map(|t| if t % 7 == 3 { f64::NAN } else { 2.0 * g.normal() }).collect();
    let parent: Vec<usize> = (0..200usize).map(|n| n.saturating_sub(1)).collect();
    let p = random(&mut g);
    let q = side_by_side::Params {
        root: p.root.clone(),
        first: p.first.clone(),
        a: p.a.clone(),
        b: p.b.clone(),
        mean: p.mean.clone(),
        s2: p.s2,
    };
    let on_tree = characters::Data { parent: (&parent).into(), y: (&y).into() };
    let along = side_by_side::Data { y: (&y).into() };
    let a = characters::Model::new(2, 3).infer(&on_tree, &p).unwrap();
    let b = side_by_side::Model::new(2, 3).infer(&along, &q).unwrap();
    close(a.log_likelihood(), b.log_likelihood(), 1e-12);
    for t in 0..200 {
        (0..3).for_each(|l| close(a.posterior.v.probs(t)[l], b.posterior.v.probs(t)[l], 1e-11));
    }
    let (x, y) = (a.posterior.u.path().unwrap(), b.posterior.u.path().unwrap());
    assert_eq!(x.states, y.states);
    close(x.log_joint, y.log_joint, 1e-12);
}

#[test]
fn a_million_steps_and_nodes_one_below_the_other_or_all_below_one() {
    const N: usize = 1_000_000;
    let mut g = Noise::new(2);
    let p = symbols::Params { start: g.weights(2), trans: g.rows(2, 2), emit: g.rows(2, 3) };
    let q = tree::Params { root: p.start.clone(), trans: p.trans.clone(), emit: p.emit.clone() };
    let w = vec![(0..N).map(|_| Some(g.below(3))).collect::<Vec<_>>()];
    // Forwards, scaled at every step.
    let (mut total, mut now) = (0.0, [0.0; 2]);
    for (t, v) in w[0].iter().flatten().enumerate() {
        let before = |k: usize| match t {
            0 => p.start[k],
            _ => now[0] * p.trans[0][k] + now[1] * p.trans[1][k],
        };
        let next = [before(0) * p.emit[0][*v], before(1) * p.emit[1][*v]];
        let sum = next[0] + next[1];
        total += sum.ln();
        now = [next[0] / sum, next[1] / sum];
    }
    let along = symbols::Model::new(2, 3).infer(&symbols::Data { w: (&w).into() }, &p).unwrap();
    close(along.log_likelihood(), total, 1e-11);
    let model = tree::Model::new(2, 3);
    let path: Vec<usize> = (0..N).map(|n| n.saturating_sub(1)).collect();
    let fit = model.infer(&tree::Data { parent: (&path).into(), w: (&w[0]).into() }, &q).unwrap();
    close(fit.log_likelihood(), total, 1e-11);
    let star = vec![0; N];
    let fit = model.infer(&tree::Data { parent: (&star).into(), w: (&w[0]).into() }, &q).unwrap();
    // As many children as show each symbol: a plain sum over them would round off more than the tolerance.
    let count = |v: usize| w[0][1..].iter().flatten().filter(|x| **x == v).count() as f64;
    let counts = [count(0), count(1), count(2)];
    let root = |k: usize| -> f64 {
        let child = |v: usize| (p.trans[k][0] * p.emit[0][v] + p.trans[k][1] * p.emit[1][v]).ln();
        let below: f64 = (0..3).map(|v| counts[v] * child(v)).sum();
        (p.start[k] * p.emit[k][w[0][0].unwrap()]).ln() + below
    };
    close(fit.log_likelihood(), log_sum_exp(&[root(0), root(1)]), 1e-11);
}
