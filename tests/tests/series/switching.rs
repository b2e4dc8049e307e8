//! Chains of Gaussians whose rows categories choose: two blocks, each a whole chain, against the same updates in plain loops, against every path
//! of the categories, and against what they are where the categories do not matter.

use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::law::{close, honest, monotone};
use vi_tests::textbook::switching::{Belief, Law, Seen, Switching};

model! {
    pub mod switching(K, H) {
        param    start: Simplex[K];        param trans[i in K]: Simplex[K];
        param    A[k in K]: Matrix[H, H];  param Q[k in K]: SymPos[H];
        param    C: Matrix[D, H];          param R: SymPos[D];
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        latent   x[0]         ~ Normal(0, var: 10);
        latent   x[t in 1..T] ~ Normal(A[z[t]] * x[t-1], cov: Q[z[t]]);
        observed y[t in T]    ~ Normal(C * x[t], cov: R);
    }
}
model! {
    /// The states have their turn first.
    pub mod states_first(K, H) {
        param    start: Simplex[K];        param trans[i in K]: Simplex[K];
        param    A[k in K]: Matrix[H, H];  param Q[k in K]: SymPos[H];
        param    C: Matrix[D, H];          param R: SymPos[D];
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        latent   x[0]         ~ Normal(0, var: 10);
        latent   x[t in 1..T] ~ Normal(A[z[t]] * x[t-1], cov: Q[z[t]]);
        observed y[t in T]    ~ Normal(C * x[t], cov: R);
        factorize { q(x[..]); q(z[..]); }
    }
}
model! {
    pub mod state_space(H) {
        param    A: Matrix[H, H];   param Q: SymPos[H];
        param    C: Matrix[D, H];   param R: SymPos[D];
        latent   x[0]         ~ Normal(0, var: 10);
        latent   x[t in 1..T] ~ Normal(A * x[t-1], cov: Q);
        observed y[t in T]    ~ Normal(C * x[t], cov: R);
    }
}
model! {
    /// Many sequences with holes; the observations are of the regimes as well.
    pub mod panel(K) {
        param    start: Simplex[K];   param trans[i in K]: Simplex[K];
        param    a[k in K]: Real;     param q[k in K]: Positive;
        param    c[k in K]: Real;     param r[k in K]: Positive;
        for s in S {
            latent   z[s, 0]                ~ Categorical(start);
            latent   z[s, t in 1..T[s]]     ~ Categorical(trans[z[s, t-1]]);
            latent   x[s, 0]                ~ Normal(0.5, var: 2);
            latent   x[s, t in 1..T[s]]     ~ Normal(a[z[s, t]] * x[s, t-1], var: q[z[s, t]]);
            observed y[s, t in T[s]]: Real? ~ Normal(c[z[s, t]] * x[s, t], var: r[z[s, t]]);
        }
    }
}
model! {
    /// A level whose observations are spoilt now and then, each by itself.
    pub mod outliers(K) {
        param    w: Simplex[K];   param q: Positive;   param r[k in K]: Positive;
        latent   z[t in T]    ~ Categorical(w);
        latent   x[0]         ~ Normal(0, var: 10);
        latent   x[t in 1..T] ~ Normal(x[t-1], var: q);
        observed y[t in T]    ~ Normal(x[t], var: r[z[t]]);
    }
}
model! {
    /// The same, with arms for the two kinds of noise.
    pub mod arms {
        param    w: Unit;   param q: Positive;   param r: Positive;   param wide: Positive;
        latent   bad[t in T]  ~ Bernoulli(w);
        latent   x[0]         ~ Normal(0, var: 10);
        latent   x[t in 1..T] ~ Normal(x[t-1], var: q);
        observed y[t in T]    ~ match bad[t] { false => Normal(x[t], var: r), true => Normal(x[t], var: wide) };
    }
}

fn number(x: f64) -> DMatrix<f64> {
    DMatrix::from_element(1, 1, x)
}

fn numbers(x: &[f64]) -> Vec<DMatrix<f64>> {
    x.iter().map(|x| number(*x)).collect()
}

/// Two regimes of a plane that turns: slowly, or fast and with more noise.
fn planes(seed: u64, n: usize) -> (Switching, DMatrix<f64>) {
    let mut noise = Noise::new(seed);
    let turn = |angle: f64, by: f64| {
        DMatrix::from_row_slice(2, 2, &[angle.cos(), -angle.sin(), angle.sin(), angle.cos()]) * by
    };
    let model = Switching {
        start: DVector::from_row_slice(&[0.6, 0.4]),
        trans: DMatrix::from_row_slice(2, 2, &[0.9, 0.1, 0.2, 0.8]),
        a: vec![turn(0.1, 0.95), turn(1.2, 0.8)],
        q: vec![DMatrix::identity(2, 2) * 0.05, noise.sym_pos(2) * 0.3],
        c: vec![DMatrix::from_fn(3, 2, |_, _| noise.normal()); 2],
        r: vec![DMatrix::identity(3, 3) * 0.1; 2],
        m0: DVector::zeros(2),
        p0: DMatrix::identity(2, 2) * 10.0,
    };
    let mut x = DVector::from_fn(2, |_, _| noise.normal());
    let mut z = 0;
    let rows: Vec<_> = (0..n)
        .map(|t| {
            if t > 0 {
                z = usize::from(noise.unit() < model.trans[(z, 1)]);
                let l = model.q[z].clone().cholesky().unwrap().l();
                x = &model.a[z] * &x + l * DVector::from_fn(2, |_, _| noise.normal());
            }
            (&model.c[0] * &x + DVector::from_fn(3, |_, _| 0.3 * noise.normal())).transpose()
        })
        .collect();
    (model, DMatrix::from_rows(&rows))
}

fn seen(y: &DMatrix<f64>) -> Seen {
    y.row_iter().map(|r| Some(r.transpose())).collect()
}

fn params(m: &Switching) -> switching::Params {
    switching::Params {
        start: m.start.clone(),
        trans: m.trans.row_iter().map(|r| r.transpose()).collect(),
        A: m.a.clone(),
        Q: m.q.clone(),
        C: m.c[0].clone(),
        R: m.r[0].clone(),
    }
}

/// Where a sweep that begins with the regimes begins: the states given the prior of the regimes.
fn begun(by_hand: &Switching, all: &mut [(Seen, Belief)]) {
    for (seen, belief) in all {
        by_hand.turn_of_regimes(seen, belief);
        by_hand.turn_of_states(seen, belief);
    }
}

#[track_caller]
fn same(found: &DMatrix<f64>, expected: &DMatrix<f64>, to: f64) {
    found.iter().zip(expected.iter()).for_each(|(f, e)| close(*f, *e, to));
}

#[test]
fn sweeps_are_those_of_the_same_mean_field_in_plain_loops() {
    let (mut by_hand, y) = planes(3, 40);
    let data = switching::Data { y: (&y).into() };
    let model = switching::Model::new(2, 2);
    by_hand.c[0] *= 0.8;
    by_hand.c[1] = by_hand.c[0].clone();
    let mut state = model.start(&data, Start::Params(params(&by_hand)), &Options::new()).unwrap();
    let mut all = [(seen(&y), Belief::default())];
    begun(&by_hand, &mut all);
    // Where regimes part from one another every sweep triples what rounding has made different.
    for sweep in 0..7 {
        let p = &state.params;
        let expected = params(&by_hand);
        for k in 0..2 {
            same(&p.A[k], &expected.A[k], 1e-9);
            same(&p.Q[k], &expected.Q[k], 1e-9);
            (0..2).for_each(|l| close(p.trans[k][l], expected.trans[k][l], 1e-9));
            close(p.start[k], expected.start[k], 1e-9);
        }
        same(&p.C, &expected.C, 1e-9);
        same(&p.R, &expected.R, 1e-9);
        let (seen, belief) = &mut all[0];
        by_hand.turn_of_regimes(seen, belief);
        by_hand.turn_of_states(seen, belief);
        close(state.trace[sweep], by_hand.bound(seen, belief), 1e-9);
        by_hand.m_step(&all, Law::Own, Law::Shared);
        model.step(&mut state).unwrap();
    }
    monotone(&state.trace);
    let fit = state.finish().unwrap();
    let (seen, belief) = &mut all[0];
    by_hand.turn_of_regimes(seen, belief);
    by_hand.turn_of_states(seen, belief);
    for t in 0..40 {
        (0..2).for_each(|k| close(fit.posterior.z.probs(t)[k], belief.regime[t][k], 1e-9));
        assert!((fit.posterior.x[t].mean() - &belief.mean[t]).norm() < 1e-8, "step {t}");
        assert!((fit.posterior.x[t].cov() - belief.block(t, t)).norm() < 1e-8, "step {t}");
    }
}

#[test]
fn the_order_of_the_blocks_is_that_of_factorize() {
    let (mut by_hand, y) = planes(5, 30);
    let data = states_first::Data { y: (&y).into() };
    let model = states_first::Model::new(2, 2);
    let p = params(&by_hand);
    let begin = states_first::Params { start: p.start, trans: p.trans, A: p.A, Q: p.Q, C: p.C, R: p.R };
    let mut state = model.start(&data, Start::Params(begin), &Options::new()).unwrap();
    let mut all = [(seen(&y), Belief::default())];
    // Before its first turn, what is known of the regimes is their prior.
    by_hand.turn_of_regimes(&all[0].0, &mut all[0].1);
    for sweep in 0..8 {
        let (seen, belief) = &mut all[0];
        by_hand.turn_of_states(seen, belief);
        by_hand.turn_of_regimes(seen, belief);
        close(state.trace[sweep], by_hand.bound(seen, belief), 1e-9);
        by_hand.m_step(&all, Law::Own, Law::Shared);
        model.step(&mut state).unwrap();
        (0..2).for_each(|k| same(&state.params.A[k], &by_hand.a[k], 1e-9));
    }
    let fit = state.finish().unwrap();
    honest(&fit, &data);
}

#[test]
fn the_bound_is_below_the_sum_over_all_paths_and_its_terms_are_the_densities() {
    for seed in 0..6 {
        let (by_hand, y) = planes(seed, 5);
        let data = switching::Data { y: (&y).into() };
        let fit = switching::Model::new(2, 2).infer(&data, &params(&by_hand)).unwrap();
        let evidence = by_hand.log_evidence(&seen(&y));
        assert!(fit.elbo() <= evidence, "{} above {evidence}", fit.elbo());
        assert!(fit.elbo() > evidence - 5.0, "{} far below {evidence}", fit.elbo());
        monotone(&fit.trace);
        honest(&fit, &data);
    }
}

#[test]
fn one_regime_is_a_state_space() {
    let (by_hand, y) = planes(8, 50);
    let data = switching::Data { y: (&y).into() };
    let one = DVector::from_element(1, 1.0);
    let mut begin = params(&by_hand);
    begin.start = one.clone();
    begin.trans = vec![one];
    begin.A.truncate(1);
    begin.Q.truncate(1);
    let plain = state_space::Params {
        A: begin.A[0].clone(),
        Q: begin.Q[0].clone(),
        C: begin.C.clone(),
        R: begin.R.clone(),
    };
    let (model, of_plain) = (switching::Model::new(1, 2), state_space::Model::new(2));
    let mut state = model.start(&data, Start::Params(begin), &Options::new()).unwrap();
    let plain_data = state_space::Data { y: (&y).into() };
    let mut em = of_plain.start(&plain_data, Start::Params(plain), &Options::new()).unwrap();
    for sweep in 0..10 {
        close(state.trace[sweep], em.trace[sweep], 1e-11);
        model.step(&mut state).unwrap();
        of_plain.step(&mut em).unwrap();
        same(&state.params.A[0], &em.params.A, 1e-9);
        same(&state.params.Q[0], &em.params.Q, 1e-9);
        same(&state.params.R, &em.params.R, 1e-9);
    }
}

#[test]
fn regimes_of_one_law_change_nothing() {
    let (by_hand, y) = planes(13, 40);
    let data = switching::Data { y: (&y).into() };
    let mut begin = params(&by_hand);
    let even = DVector::from_element(2, 0.5);
    begin.start = even.clone();
    begin.trans = vec![even; 2];
    begin.A[1] = begin.A[0].clone();
    begin.Q[1] = begin.Q[0].clone();
    let plain = state_space::Params {
        A: begin.A[0].clone(),
        Q: begin.Q[0].clone(),
        C: begin.C.clone(),
        R: begin.R.clone(),
    };
    let (model, of_plain) = (switching::Model::new(2, 2), state_space::Model::new(2));
    let mut state = model.start(&data, Start::Params(begin), &Options::new()).unwrap();
    let plain_data = state_space::Data { y: (&y).into() };
    let mut em = of_plain.start(&plain_data, Start::Params(plain), &Options::new()).unwrap();
    for sweep in 0..10 {
        close(state.trace[sweep], em.trace[sweep], 1e-10);
        model.step(&mut state).unwrap();
        of_plain.step(&mut em).unwrap();
        (0..2).for_each(|k| same(&state.params.A[k], &em.params.A, 1e-8));
    }
}

/// Sequences of several lengths, one of a single step and one of which nothing is seen.
fn sequences(seed: u64, count: usize) -> Vec<Vec<Option<f64>>> {
    let mut noise = Noise::new(seed);
    (0..count)
        .map(|s| {
            let n = if s == 1 { 1 } else { 3 + noise.below(9) };
            let (mut x, mut z) = (0.5 + noise.normal(), 0);
            (0..n)
                .map(|t| {
                    z = if noise.unit() < 0.2 { 1 - z } else { z };
                    x = [0.9, -0.7][z] * x + [0.3, 0.9][z] * noise.normal();
                    (s != 3 && (t + s) % 4 != 2).then_some([1.0, 0.6][z] * x + 0.4 * noise.normal())
                })
                .collect()
        })
        .collect()
}

fn panel_params(m: &Switching) -> panel::Params {
    let all = |x: &[DMatrix<f64>]| x.iter().map(|x| x[(0, 0)]).collect();
    panel::Params {
        start: m.start.clone(),
        trans: m.trans.row_iter().map(|r| r.transpose()).collect(),
        a: all(&m.a),
        q: all(&m.q),
        c: all(&m.c),
        r: all(&m.r),
    }
}

fn panel_by_hand() -> Switching {
    Switching {
        start: DVector::from_row_slice(&[0.7, 0.3]),
        trans: DMatrix::from_row_slice(2, 2, &[0.8, 0.2, 0.3, 0.7]),
        a: numbers(&[0.8, -0.5]),
        q: numbers(&[0.2, 0.7]),
        c: numbers(&[1.1, 0.5]),
        r: numbers(&[0.2, 0.1]),
        m0: DVector::from_element(1, 0.5),
        p0: number(2.0),
    }
}

#[test]
fn ragged_sequences_with_holes_take_the_same_sweeps() {
    let y = sequences(21, 12);
    let data = panel::Data { y: (&y).into() };
    let model = panel::Model::new(2);
    let mut by_hand = panel_by_hand();
    let mut all: Vec<(Seen, Belief)> = y
        .iter()
        .map(|s| (s.iter().map(|y| y.map(|y| DVector::from_element(1, y))).collect(), Belief::default()))
        .collect();
    let mut state = model.start(&data, Start::Params(panel_params(&by_hand)), &Options::new()).unwrap();
    begun(&by_hand, &mut all);
    for sweep in 0..10 {
        let expected = panel_params(&by_hand);
        for k in 0..2 {
            close(state.params.a[k], expected.a[k], 1e-9);
            close(state.params.q[k], expected.q[k], 1e-9);
            close(state.params.c[k], expected.c[k], 1e-9);
            close(state.params.r[k], expected.r[k], 1e-9);
            close(state.params.start[k], expected.start[k], 1e-9);
        }
        let mut bound = 0.0;
        for (seen, belief) in &mut all {
            by_hand.turn_of_regimes(seen, belief);
            by_hand.turn_of_states(seen, belief);
            bound += by_hand.bound(seen, belief);
        }
        close(state.trace[sweep], bound, 1e-9);
        by_hand.m_step(&all, Law::Own, Law::Own);
        model.step(&mut state).unwrap();
    }
    let fit = state.finish().unwrap();
    honest(&fit, &data);
}

#[test]
fn the_bound_of_short_sequences_is_below_their_evidence() {
    let y: Vec<Vec<Option<f64>>> =
        sequences(33, 8).into_iter().map(|s| s.into_iter().take(5).collect()).collect();
    let data = panel::Data { y: (&y).into() };
    let by_hand = panel_by_hand();
    let fit = panel::Model::new(2).infer(&data, &panel_params(&by_hand)).unwrap();
    let evidence: f64 = y
        .iter()
        .map(|s| by_hand.log_evidence(&s.iter().map(|y| y.map(|y| DVector::from_element(1, y))).collect()))
        .sum();
    assert!(fit.elbo() <= evidence && fit.elbo() > evidence - 20.0, "{} and {evidence}", fit.elbo());
}

#[test]
fn outliers_one_by_one_are_regimes_without_a_memory() {
    let mut noise = Noise::new(2);
    let mut level = 0.0;
    let y: Vec<f64> = (0..60)
        .map(|t| {
            level += 0.3 * noise.normal();
            level + if t % 9 == 4 { 9.0 } else { 0.4 } * noise.normal()
        })
        .collect();
    let data = outliers::Data { y: (&y).into() };
    let w = DVector::from_row_slice(&[0.85, 0.15]);
    let mut by_hand = Switching {
        start: w.clone(),
        trans: DMatrix::from_row_slice(2, 2, &[0.85, 0.15, 0.85, 0.15]),
        a: numbers(&[1.0, 1.0]),
        q: numbers(&[0.1, 0.1]),
        c: numbers(&[1.0, 1.0]),
        r: numbers(&[0.2, 80.0]),
        m0: DVector::zeros(1),
        p0: number(10.0),
    };
    let begin = outliers::Params { w, q: 0.1, r: vec![0.2, 80.0] };
    let model = outliers::Model::new(2);
    let mut state = model.start(&data, Start::Params(begin), &Options::new()).unwrap();
    let mut all =
        [(y.iter().map(|y| Some(DVector::from_element(1, *y))).collect::<Seen>(), Belief::default())];
    begun(&by_hand, &mut all);
    for sweep in 0..8 {
        let (seen, belief) = &mut all[0];
        by_hand.turn_of_regimes(seen, belief);
        by_hand.turn_of_states(seen, belief);
        close(state.trace[sweep], by_hand.bound(seen, belief), 1e-9);
        let moved: f64 = (1..60)
            .map(|t| {
                let step = belief.mean[t][0] - belief.mean[t - 1][0];
                step * step + belief.cov[(t, t)] + belief.cov[(t - 1, t - 1)] - 2.0 * belief.cov[(t, t - 1)]
            })
            .sum();
        let share = belief.regime.iter().sum::<DVector<f64>>() / 60.0;
        by_hand.m_step(&all, Law::Own, Law::OwnNoise);
        by_hand.a = numbers(&[1.0, 1.0]);
        by_hand.q = numbers(&[moved / 59.0, moved / 59.0]);
        by_hand.start = share.clone();
        by_hand.trans = DMatrix::from_fn(2, 2, |_, k| share[k]);
        model.step(&mut state).unwrap();
        close(state.params.q, moved / 59.0, 1e-9);
        (0..2).for_each(|k| close(state.params.r[k], by_hand.r[k][(0, 0)], 1e-9));
    }
    let fit = state.finish().unwrap();
    honest(&fit, &data);
    let bad: Vec<usize> = (0..60).filter(|t| fit.posterior.z.probs(*t)[1] > 0.5).collect();
    assert!(bad.iter().all(|t| t % 9 == 4), "{bad:?}");
    assert!(bad.len() >= 3, "{bad:?}");

    // Arms say the same.
    let data = arms::Data { y: (&y).into() };
    let begin = arms::Params { w: 0.15, q: 0.1, r: 0.2, wide: 80.0 };
    let model = arms::Model::new();
    let mut by_arms = model.start(&data, Start::Params(begin), &Options::new()).unwrap();
    for sweep in 0..8 {
        close(by_arms.trace[sweep], fit.trace[sweep], 1e-11);
        model.step(&mut by_arms).unwrap();
    }
    honest(&by_arms.finish().unwrap(), &data);
}

#[test]
fn a_default_start_finds_the_regimes() {
    let (by_hand, y) = planes(3, 150);
    let data = switching::Data { y: (&y).into() };
    let model = switching::Model::new(2, 2);
    let truth =
        model.fit_from(&data, Start::Params(params(&by_hand)), &Options::new().max_iterations(60)).unwrap();
    let fit = model.fit(&data, &Options::new().seed(1).restarts(4).max_iterations(60)).unwrap();
    monotone(&fit.trace);
    assert!(fit.elbo() > truth.elbo() - 10.0, "{} from seeds, {} from the truth", fit.elbo(), truth.elbo());
}

#[test]
fn regimes_may_be_renamed_and_simulated() {
    let (by_hand, y) = planes(3, 30);
    let data = switching::Data { y: (&y).into() };
    let model = switching::Model::new(2, 2);
    let fit = model.infer(&data, &params(&by_hand)).unwrap();
    let mut renamed = fit.clone();
    renamed.relabel(&[1, 0]).unwrap();
    same(&renamed.params.A[0], &by_hand.a[1], 0.0);
    (0..30).for_each(|t| assert_eq!(renamed.posterior.z.probs(t)[0], fit.posterior.z.probs(t)[1]));
    close(model.infer(&data, &renamed.params).unwrap().elbo(), fit.elbo(), 1e-9);

    let made = model.simulate(&fit.params, &data, 4).unwrap();
    let (again, latents) = (made.data(), &made.latents);
    let joint = model.log_joint(&again, latents, &fit.params).unwrap();
    assert!(joint.is_finite() && latents.z.contains(&1) && latents.x.len() == 30);
    let known = model.infer(&again, &fit.params).unwrap();
    honest(&known, &again);
}

#[test]
fn threads_change_no_bit_and_a_start_may_be_a_posterior() {
    let y = sequences(31, 900);
    let data = panel::Data { y: (&y).into() };
    let model = panel::Model::new(2);
    let begin = panel_params(&panel_by_hand());
    let fits = [1, 2, 5].map(|threads| {
        let options = Options::new().max_iterations(4).threads(threads);
        model.fit_from(&data, Start::Params(begin.clone()), &options).unwrap()
    });
    assert_eq!(fits[0].trace, fits[1].trace);
    assert_eq!(fits[0].trace, fits[2].trace);
    let again =
        model.fit_from(&data, Start::Posterior(fits[0].posterior.clone()), &Options::new().max_iterations(3));
    monotone(&again.unwrap().trace);
}

#[test]
fn what_has_no_answer_says_so() {
    let (by_hand, y) = planes(3, 20);
    let data = switching::Data { y: (&y).into() };
    let model = switching::Model::new(2, 2);
    let fit = model.infer(&data, &params(&by_hand)).unwrap();
    let error = fit.predict(&data).unwrap_err().to_string();
    assert!(error.contains("depend on one another"), "{error}");
    let held = fit.infer(&data).unwrap();
    close(held.elbo(), fit.elbo(), 1e-9);
    let text = switching::PLAN.to_string();
    assert!(text.contains("mixture with exponentially many components"), "{text}");
    let empty = DMatrix::<f64>::zeros(0, 3);
    let fit = model.infer(&switching::Data { y: (&empty).into() }, &params(&by_hand)).unwrap();
    assert_eq!(fit.elbo(), 0.0);
    let mut spoilt = y.clone();
    spoilt[(4, 1)] = f64::INFINITY;
    assert!(model.infer(&switching::Data { y: (&spoilt).into() }, &params(&by_hand)).is_err());
}
