//! What must be the same: chains and mixtures, one sequence and two, a chain and its reversal, new names of states, missing data and the prior,
//! any number of threads; and chains of no, one and very many elements.

use vi_core::prelude::*;
use vi_core::{Error, Start};
use vi_tests::data::Noise;
use vi_tests::law::{close, digits, exact, monotone};

model! {
    pub mod counts(K) {
        param    start: Simplex[K];
        param    trans[i in K]: Simplex[K];
        param    rate[k in K]: Positive;
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed y[t in T]: Count? ~ Poisson(rate[z[t]]);
    }
}
model! {
    pub mod mixture(K) {
        param    weight: Simplex[K];
        param    rate[k in K]: Positive;
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Poisson(rate[z[n]]);
    }
}
model! {
    pub mod symbols(K, V) {
        param    start: Simplex[K];
        param    trans[i in K]: Simplex[K];
        param    emit[k in K]: Simplex[V];
        for s in S {
            latent   z[s, 0]            ~ Categorical(start);
            latent   z[s, t in 1..T[s]] ~ Categorical(trans[z[s, t-1]]);
            observed w[s, t in T[s]]: Category[V]? ~ Categorical(emit[z[s, t]]);
        }
    }
}
model! {
    pub mod tree(K, V) {
        given    parent[n in 1..N]: Category[n];
        param    root: Simplex[K];
        param    trans[i in K]: Simplex[K];
        param    emit[k in K]: Simplex[V];
        latent   z[0]         ~ Categorical(root);
        latent   z[n in 1..N] ~ Categorical(trans[z[parent[n]]]);
        observed w[n in N]: Category[V]? ~ Categorical(emit[z[n]]);
    }
}

fn some<T: Copy>(x: &[T]) -> Vec<Option<T>> {
    x.iter().copied().map(Some).collect()
}

fn drawn(n: usize, seed: u64) -> Vec<Option<u64>> {
    let mut g = Noise::new(seed);
    let mut z = 0;
    (0..n)
        .map(|_| {
            z = if g.unit() < 0.2 { 1 - z } else { z };
            Some(g.poisson([2.0, 7.0][z]))
        })
        .collect()
}

fn words(lengths: &[usize], seed: u64) -> Vec<Vec<Option<usize>>> {
    let mut g = Noise::new(seed);
    let mut z = 0;
    let mut word = |g: &mut Noise| {
        z = if g.unit() < 0.3 { 1 - z } else { z };
        if g.unit() < 0.1 {
            None
        } else if g.unit() < 0.7 {
            Some(z)
        } else {
            Some(2)
        }
    };
    lengths.iter().map(|n| (0..*n).map(|_| word(&mut g)).collect()).collect()
}

fn symbol_params(seed: u64) -> symbols::Params {
    let mut g = Noise::new(seed);
    symbols::Params { start: g.weights(2), trans: g.rows(2, 2), emit: g.rows(2, 3) }
}

/// log p(w) of one sequence by the scaled forward recursion, in probabilities.
fn forward(p: &symbols::Params, w: &[Option<usize>]) -> f64 {
    let k = p.start.len();
    let likelihood = |i: usize, w: Option<usize>| w.map_or(1.0, |v| p.emit[i][v]);
    let mut alpha: Vec<f64> = vec![];
    let mut total = 0.0;
    for (t, w) in w.iter().enumerate() {
        let next: Vec<f64> = (0..k)
            .map(|j| {
                let prior = if t == 0 { p.start[j] } else { (0..k).map(|i| alpha[i] * p.trans[i][j]).sum() };
                prior * likelihood(j, *w)
            })
            .collect();
        let scale: f64 = next.iter().sum();
        total += scale.ln();
        alpha = next.iter().map(|a| a / scale).collect();
    }
    total
}

#[test]
fn rows_that_are_all_alike_make_a_mixture() {
    let y = drawn(40, 1);
    let plain: Vec<u64> = y.iter().flatten().copied().collect();
    let weight = DVector::from_vec(vec![0.3, 0.7]);
    let rate = vec![2.0, 6.0];
    let chain = counts::Params { start: weight.clone(), trans: vec![weight.clone(); 2], rate: rate.clone() };
    let data = counts::Data { y: (&y).into() };
    let flat = mixture::Data { y: (&plain).into() };
    let (model, other) = (counts::Model::new(2), mixture::Model::new(2));
    let a = model.infer(&data, &chain).unwrap();
    let p = mixture::Params { weight, rate };
    let b = other.infer(&flat, &p).unwrap();
    close(a.log_likelihood(), b.log_likelihood(), 1e-13);
    for n in 0..40 {
        close(a.posterior.z.probs(n)[0], b.posterior.z.probs(n)[0], 1e-12);
    }
    let a = model.maximise(&model.accumulate(&data, &chain).unwrap(), &chain).unwrap();
    let b = other.maximise(&other.accumulate(&flat, &p).unwrap(), &p).unwrap();
    close(a.rate[0], b.rate[0], 1e-12);
    close(a.rate[1], b.rate[1], 1e-12);
}

#[test]
fn statistics_of_parts_are_those_of_the_whole() {
    let model = symbols::Model::new(2, 3);
    let p = symbol_params(3);
    let all = words(&[5, 0, 1, 7, 3], 4);
    let data = |w| symbols::Data { w };
    let whole = model.accumulate(&data((&all).into()), &p).unwrap();
    let (left, right) = (all[..2].to_vec(), all[2..].to_vec());
    let mut parts = model.accumulate(&data((&left).into()), &p).unwrap();
    parts += &model.accumulate(&data((&right).into()), &p).unwrap();
    close(parts.evidence.log, whole.evidence.log, 1e-13);
    let (a, b) = (model.maximise(&parts, &p).unwrap(), model.maximise(&whole, &p).unwrap());
    for k in 0..2 {
        close(a.trans[k][0], b.trans[k][0], 1e-13);
        close(a.emit[k][0], b.emit[k][0], 1e-13);
    }
    let fit = model.infer(&data((&all).into()), &p).unwrap();
    close(fit.log_likelihood(), all.iter().map(|w| forward(&p, w)).sum(), 1e-12);
}

#[test]
fn a_stationary_chain_read_backwards_is_its_reversal() {
    let trans = [[0.9, 0.1], [0.3, 0.7]];
    let law = [0.75, 0.25];
    let back = |j: usize| (0..2).map(|i| law[i] * trans[i][j] / law[j]).collect::<Vec<f64>>();
    let rate = vec![2.0, 6.0];
    let ahead = counts::Params {
        start: law.to_vec().into(),
        trans: trans.iter().map(|r| r.to_vec().into()).collect(),
        rate: rate.clone(),
    };
    let reversed = counts::Params { trans: (0..2).map(|j| back(j).into()).collect(), ..ahead.clone() };
    let y = drawn(30, 6);
    let turned: Vec<Option<u64>> = y.iter().rev().copied().collect();
    let model = counts::Model::new(2);
    let a = model.infer(&counts::Data { y: (&y).into() }, &ahead).unwrap();
    let b = model.infer(&counts::Data { y: (&turned).into() }, &reversed).unwrap();
    close(a.log_likelihood(), b.log_likelihood(), 1e-13);
    for t in 0..30 {
        close(a.posterior.z.probs(t)[1], b.posterior.z.probs(29 - t)[1], 1e-12);
    }
    for t in 1..30 {
        close(a.posterior.z.pair(t)[(0, 1)], b.posterior.z.pair(30 - t)[(1, 0)], 1e-12);
    }
    let path = b.posterior.z.path().unwrap().states;
    assert_eq!(a.posterior.z.path().unwrap().states, path.into_iter().rev().collect::<Vec<_>>());
}

#[test]
fn a_chain_is_a_tree_without_branches() {
    let w = words(&[12], 9);
    let parent: Vec<usize> = (0..12usize).map(|n| n.saturating_sub(1)).collect();
    let p = symbol_params(8);
    let chain = symbols::Model::new(2, 3).infer(&symbols::Data { w: (&w).into() }, &p).unwrap();
    let as_tree = tree::Params { root: p.start.clone(), trans: p.trans.clone(), emit: p.emit.clone() };
    let data = tree::Data { parent: (&parent).into(), w: (&w[0]).into() };
    let grown = tree::Model::new(2, 3).infer(&data, &as_tree).unwrap();
    close(chain.log_likelihood(), grown.log_likelihood(), 1e-13);
    for t in 0..12 {
        close(chain.posterior.z[0].probs(t)[0], grown.posterior.z.probs(t)[0], 1e-12);
        close(chain.posterior.z[0].pair(t)[(1, 0)], grown.posterior.z.pair(t)[(1, 0)], 1e-12);
    }
    assert_eq!(chain.posterior.z[0].path().unwrap().states, grown.posterior.z.path().unwrap().states);
}

#[test]
fn new_names_of_states_change_nothing_else() {
    let w = words(&[6, 4], 2);
    let data = symbols::Data { w: (&w).into() };
    let model = symbols::Model::new(2, 3);
    let before = model.infer(&data, &symbol_params(5)).unwrap();
    let mut after = before.clone();
    after.relabel(&[1, 0]).unwrap();
    let fresh = model.infer(&data, &after.params).unwrap();
    close(after.params.trans[1][0], before.params.trans[0][1], 0.0);
    close(fresh.log_likelihood(), before.log_likelihood(), 1e-13);
    for s in 0..2 {
        let (a, b, c) = (&before.posterior.z[s], &after.posterior.z[s], &fresh.posterior.z[s]);
        for t in 0..a.len() {
            close(a.probs(t)[0], b.probs(t)[1], 0.0);
            close(a.pair(t)[(0, 1)], b.pair(t)[(1, 0)], 1e-15);
            close(c.pair(t)[(1, 0)], b.pair(t)[(1, 0)], 1e-12);
        }
        let swapped: Vec<usize> = a.path().unwrap().states.iter().map(|k| 1 - k).collect();
        assert_eq!(b.path().unwrap().states, swapped);
        close(a.path().unwrap().log_joint, b.path().unwrap().log_joint, 1e-13);
    }
    assert!(after.verify(&data, 1).unwrap().is_exact());
}

#[test]
fn nothing_observed_returns_the_prior() {
    let p = counts::Params {
        start: vec![0.6, 0.4].into(),
        trans: vec![vec![0.7, 0.3].into(), vec![0.4, 0.6].into()],
        rate: vec![1.0, 5.0],
    };
    let model = counts::Model::new(2);
    let missing: Vec<Option<u64>> = vec![None; 4];
    for fit in [
        model.infer(&counts::Data { y: (&missing).into() }, &p).unwrap(),
        model.infer(&counts::Data { y: Absent(4).into() }, &p).unwrap(),
    ] {
        close(fit.log_likelihood(), 0.0, 1e-14);
        let mut law = 0.6;
        for t in 0..4 {
            close(fit.posterior.z.probs(t)[0], law, 1e-14);
            law = law * 0.7 + (1.0 - law) * 0.4;
        }
        close(fit.posterior.z.pair(1)[(0, 1)], 0.6 * 0.3, 1e-14);
    }
}

#[test]
fn one_state_one_symbol_and_sequences_of_no_or_one_element() {
    let y = drawn(9, 3);
    let one = counts::Params { start: vec![1.0].into(), trans: vec![vec![1.0].into()], rate: vec![3.0] };
    let fit = counts::Model::new(1).infer(&counts::Data { y: (&y).into() }, &one).unwrap();
    let by_hand: f64 = y.iter().flatten().map(|y| vi_tests::density::poisson(*y, 3.0)).sum();
    close(fit.log_likelihood(), by_hand, 1e-13);
    let fitted = counts::Model::new(1).fit(&counts::Data { y: (&y).into() }, &Options::new()).unwrap();
    close(fitted.params.rate[0], y.iter().flatten().sum::<u64>() as f64 / 9.0, 1e-12);

    let model = symbols::Model::new(2, 1);
    let w = vec![some(&[0usize, 0, 0]), vec![], some(&[0])];
    let p = symbols::Params { emit: vec![vec![1.0].into(); 2], ..symbol_params(1) };
    let fit = model.infer(&symbols::Data { w: (&w).into() }, &p).unwrap();
    close(fit.log_likelihood(), 0.0, 1e-14);
    assert_eq!(fit.posterior.z[1].len(), 0);
    assert!(fit.posterior.z[1].path().unwrap().states.is_empty());

    let model = counts::Model::new(2);
    let p = counts::Params {
        start: vec![0.6, 0.4].into(),
        trans: vec![vec![0.7, 0.3].into(), vec![0.4, 0.6].into()],
        rate: vec![1.0, 5.0],
    };
    let none: Vec<Option<u64>> = vec![];
    let empty = model.infer(&counts::Data { y: (&none).into() }, &p).unwrap();
    close(empty.log_likelihood(), 0.0, 0.0);
    let fit = model.infer(&counts::Data { y: (&[Some(2)]).into() }, &p).unwrap();
    let at = |k: usize| p.start[k] * vi_tests::density::poisson(2, p.rate[k]).exp();
    close(fit.log_likelihood(), (at(0) + at(1)).ln(), 1e-14);
    assert_eq!(fit.posterior.z.pair(0).sum(), 0.0);
    let fitted = model.fit(&counts::Data { y: (&[Some(2)]).into() }, &Options::new().seed(2)).unwrap();
    assert!(fitted.log_likelihood().is_finite());
    let w: Vec<Vec<Option<usize>>> = vec![vec![], vec![]];
    let nothing =
        symbols::Model::new(2, 3).infer(&symbols::Data { w: (&w).into() }, &symbol_params(1)).unwrap();
    close(nothing.log_likelihood(), 0.0, 0.0);
}

#[test]
fn a_hundred_thousand_steps() {
    let p = symbol_params(12);
    let w = words(&[100_000], 13);
    let model = symbols::Model::new(2, 3);
    let fit = model.infer(&symbols::Data { w: (&w).into() }, &p).unwrap();
    close(fit.log_likelihood(), forward(&p, &w[0]), 1e-11);
    let path = fit.posterior.z[0].path().unwrap();
    assert_eq!(path.states.len(), 100_000);
    assert!(path.log_joint < fit.log_likelihood());
    let parent: Vec<usize> = (0..100_000usize).map(|n| n.saturating_sub(1)).collect();
    let as_tree = tree::Params { root: p.start.clone(), trans: p.trans.clone(), emit: p.emit.clone() };
    let data = tree::Data { parent: (&parent).into(), w: (&w[0]).into() };
    let deep = tree::Model::new(2, 3).infer(&data, &as_tree).unwrap();
    close(deep.log_likelihood(), fit.log_likelihood(), 1e-11);
}

#[test]
fn data_that_no_state_allows_are_named() {
    let mut p = symbol_params(1);
    for e in &mut p.emit {
        *e = vec![0.5, 0.5, 0.0].into();
    }
    let w = vec![some(&[0usize, 1]), some(&[0, 1, 2, 0])];
    let error = symbols::Model::new(2, 3).infer(&symbols::Data { w: (&w).into() }, &p).unwrap_err();
    assert!(matches!(&error, Error::Impossible { at } if at == "z[1, 2]"), "{error}");
    // Every state allows each observation; no path allows them both.
    let p = symbols::Params {
        start: vec![0.5, 0.5].into(),
        trans: vec![vec![1.0, 0.0].into(), vec![0.0, 1.0].into()],
        emit: vec![vec![1.0, 0.0, 0.0].into(), vec![0.0, 1.0, 0.0].into()],
    };
    let w = vec![some(&[0usize, 0, 1])];
    let error = symbols::Model::new(2, 3).infer(&symbols::Data { w: (&w).into() }, &p).unwrap_err();
    assert!(matches!(&error, Error::Impossible { at } if at == "z[0, 2]"), "{error}");
}

#[test]
fn new_sequences_under_known_params() {
    let (old, new) = (words(&[20; 8], 30), words(&[7, 0, 3], 31));
    let model = symbols::Model::new(2, 3);
    let fit = model.fit(&symbols::Data { w: (&old).into() }, &Options::new().seed(1)).unwrap();
    let data = symbols::Data { w: (&new).into() };
    let again = fit.infer(&data).unwrap();
    close(again.log_likelihood(), new.iter().map(|w| forward(&fit.params, w)).sum(), 1e-12);
    let each = fit.predict(&data).unwrap().log_density;
    assert_eq!(each.len(), 3);
    for (found, w) in each.iter().zip(&new) {
        close(*found, forward(&fit.params, w), 1e-12);
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let lengths: Vec<usize> = (0..60).map(|s| (s * 37) % 120).collect();
    let w = words(&lengths, 21);
    let data = symbols::Data { w: (&w).into() };
    let fits = [1, 2, 7].map(|threads| {
        let options = Options::new().seed(1).max_iterations(8).threads(threads);
        symbols::Model::new(2, 3).fit(&data, &options).unwrap()
    });
    for other in &fits[1..] {
        assert_eq!(fits[0].trace, other.trace);
        assert_eq!(fits[0].params, other.params);
        assert_eq!(fits[0].posterior, other.posterior);
    }
}

#[test]
fn minibatches_of_sequences_come_near_the_fit() {
    let w = words(&[25; 60], 22);
    let data = symbols::Data { w: (&w).into() };
    let model = symbols::Model::new(2, 3);
    let full = model.fit(&data, &Options::new().seed(1).restarts(4)).unwrap();
    let schedule = vi_core::fit::Schedule { batch: 20, passes: 40, ..Default::default() };
    let part = model.fit_stochastic(&data, &Options::new().seed(1), schedule).unwrap();
    assert!(part.log_likelihood() <= full.log_likelihood() + 1e-6);
    assert!(part.log_likelihood() > full.log_likelihood() - 10.0, "{} and {}", part.elbo(), full.elbo());
}

#[test]
fn paths_survive_being_written_down() {
    let w = words(&[6, 4], 2);
    let data = symbols::Data { w: (&w).into() };
    let fit = symbols::Model::new(2, 3).infer(&data, &symbol_params(5)).unwrap();
    let text = serde_json::to_string(&fit).unwrap();
    let back: Fit<symbols::Model> = serde_json::from_str(&text).unwrap();
    for s in 0..2 {
        assert_eq!(fit.posterior.z[s].path().unwrap(), back.posterior.z[s].path().unwrap());
        assert_eq!(fit.posterior.z[s].pair(1), back.posterior.z[s].pair(1));
    }
}

#[test]
fn fits_of_chains_climb_and_are_exact() {
    let w = words(&[25; 12], 23);
    let data = symbols::Data { w: (&w).into() };
    for seed in 0..5 {
        let fit = symbols::Model::new(2, 3).fit(&data, &Options::new().seed(seed)).unwrap();
        let by_hand = w.iter().map(|w| forward(&fit.params, w)).sum();
        exact(&fit, &data, by_hand);
    }
}

#[test]
fn earthquakes_have_two_regimes() {
    let table = vi_tests::data::read("earthquakes.csv");
    let y: Vec<Option<u64>> = table.column(1).iter().map(|n| Some(*n as u64)).collect();
    assert_eq!(y.len(), 107);
    // Published values of this series often have a stationary start, −342.3183: here the first state has a law of its own.
    let data = counts::Data { y: (&y).into() };
    let model = counts::Model::new(2);
    let best = model.fit(&data, &Options::new().seed(3).restarts(5)).unwrap();
    monotone(&best.trace);
    digits(best.log_likelihood(), "-341.87870");
    let start = counts::Params { rate: vec![10.0, 30.0], ..counts::Params::default() };
    // Past the point where rounding hides what a sweep gains, the params still have digits to find.
    let mut state = model.start(&data, Start::Params(start), &Options::new()).unwrap();
    for _ in 0..200 {
        model.step(&mut state).unwrap();
    }
    let fit = state.finish().unwrap();
    monotone(&fit.trace);
    digits(fit.log_likelihood(), "-341.878701");
    digits(fit.params.rate[0], "15.420762");
    // The last digit of the reference, 26.018237, is where its own search stopped: a plain loop of 2500 sweeps ends here.
    digits(fit.params.rate[1], "26.0182357");
    for (row, expected) in [["0.928374", "0.071626"], ["0.119034", "0.880966"]].iter().enumerate() {
        digits(fit.params.trans[row][0], expected[0]);
        digits(fit.params.trans[row][1], expected[1]);
    }
}
