//! Uncertain laws of first states that one state is drawn from: integrated out at that step, so that they and the chain are one exact block.
//! Against sums over all paths, each with what a Dirichlet, a Beta or a Gamma that was seen once says in closed form.

use vi_core::dist::Dirichlet;
use vi_core::prelude::*;
use vi_core::rng::stream;
use vi_tests::data::Noise;
use vi_tests::density::{digamma, log_sum_exp, negative_binomial, poisson};
use vi_tests::law::{close, exact, honest, monotone};
use vi_tests::textbook::expected_logs;

model! {
    /// One series; some of its symbols are missing and some of its states are seen.
    pub mod series(K, V) {
        given    a[k in K]: Positive;
        param    trans[i in K]: Simplex[K];
        param    emit[k in K]: Simplex[V];
        latent   init: Simplex[K] ~ Dirichlet(a);
        observed z[0]: Category[K]?         ~ Categorical(init);
        observed z[t in 1..T]: Category[K]? ~ Categorical(trans[z[t-1]]);
        observed w[t in T]: Category[V]?    ~ Categorical(emit[z[t]]);
    }
}
model! {
    /// The same, nothing known of the states.
    pub mod symbols(K, V) {
        given    a[k in K]: Positive;
        param    trans[i in K]: Simplex[K];
        param    emit[k in K]: Simplex[V];
        latent   init: Simplex[K] ~ Dirichlet(a);
        latent   z[0]         ~ Categorical(init);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed w[t in T]    ~ Categorical(emit[z[t]]);
    }
}
model! {
    /// Everything is uncertain: promoted from the textbook's model by one word each.
    pub mod bayes(K, V) {
        given    a[k in K]: Positive;
        latent   trans[i in K]: Simplex[K] ~ Dirichlet(0.8);
        param    emit[k in K]: Simplex[V];
        latent   init: Simplex[K] ~ Dirichlet(a);
        latent   z[0]         ~ Categorical(init);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed w[t in T]    ~ Categorical(emit[z[t]]);
    }
}
model! {
    pub mod apart(K, V) {
        given    a[k in K]: Positive;
        latent   trans[i in K]: Simplex[K] ~ Dirichlet(0.8);
        param    emit[k in K]: Simplex[V];
        latent   init: Simplex[K] ~ Dirichlet(a);
        latent   z[0]         ~ Categorical(init);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed w[t in T]    ~ Categorical(emit[z[t]]);
        factorize { q(init); }
    }
}
model! {
    /// A law for each of many sequences.
    pub mod many(K, V) {
        given    a[k in K]: Positive;
        param    trans[i in K]: Simplex[K];
        param    emit[k in K]: Simplex[V];
        for s in S {
            latent   init[s]: Simplex[K]   ~ Dirichlet(a);
            latent   z[s, 0]               ~ Categorical(init[s]);
            latent   z[s, t in 1..T[s]]    ~ Categorical(trans[z[s, t-1]]);
            observed w[s, t in T[s]]       ~ Categorical(emit[z[s, t]]);
        }
    }
}
model! {
    /// The root of a tree; votes are drawn from its law too.
    pub mod tree(K, V) {
        given    a[k in K]: Positive;
        given    parent[n in 1..N]: Category[n];
        param    trans[i in K]: Simplex[K];
        param    emit[k in K]: Simplex[V];
        latent   init: Simplex[K] ~ Dirichlet(a);
        observed vote[m in M] ~ Categorical(init);
        latent   z[0]         ~ Categorical(init);
        latent   z[n in 1..N] ~ Categorical(trans[z[parent[n]]]);
        observed w[n in N]    ~ Categorical(emit[z[n]]);
    }
}
model! {
    /// No chain: one category of all data.
    pub mod single(K) {
        given    a[k in K]: Positive;
        param    rate[k in K]: Positive;
        latent   init: Simplex[K] ~ Dirichlet(a);
        latent   z ~ Categorical(init);
        observed y[n in N] ~ Poisson(rate[z]);
    }
}
model! {
    /// A switch, and rates of its first state alone.
    pub mod switch {
        param    stay: Unit;   param b: Positive;   param later[k in 0..2]: Positive;
        latent   p ~ Beta(2, 3);
        latent   first[k in 0..2] ~ Gamma(shape: 2, rate: b);
        latent   on[0]         ~ Bernoulli(p);
        latent   on[t in 1..T] ~ match on[t-1] { true => Bernoulli(stay), false => Bernoulli(1 - stay) };
        observed y[0]          ~ Poisson(first[on[0]]);
        observed y[t in 1..T]  ~ Poisson(later[on[t]]);
    }
}
model! {
    /// Two steps are remembered, and the law of the second state has not been seen elsewhere.
    pub mod second_order(K, V) {
        param    trans[i in K, j in K]: Simplex[K];
        param    emit[k in K]: Simplex[V];
        for s in S {
            latent   second[s, i in K]: Simplex[K] ~ Dirichlet(0.7);
            latent   z[s, 0]            ~ Uniform();
            latent   z[s, 1]            ~ Categorical(second[s, z[s, 0]]);
            latent   z[s, t in 2..T[s]] ~ Categorical(trans[z[s, t-2], z[s, t-1]]);
            observed w[s, t in T[s]]    ~ Categorical(emit[z[s, t]]);
        }
    }
}
model! {
    /// The states choose how a level moves: two blocks, of which one holds the law of the first state.
    pub mod switching(K) {
        given    a[k in K]: Positive;
        param    trans[i in K]: Simplex[K];
        param    q[k in K]: Positive;
        latent   init: Simplex[K] ~ Dirichlet(a);
        latent   z[0]         ~ Categorical(init);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        latent   x[0]         ~ Normal(0, var: 4);
        latent   x[t in 1..T] ~ Normal(x[t-1], var: q[z[t]]);
        observed y[t in T]    ~ Normal(x[t], var: 0.5);
    }
}

/// Sums over all paths: log p of the data, p(path | data), path by path with the path itself.
struct Paths {
    log_total: f64,
    all: Vec<(Vec<usize>, f64)>,
}

impl Paths {
    fn of(k: usize, n: usize, log: impl Fn(&[usize]) -> f64) -> Self {
        let paths = (0..k.pow(n as u32)).map(|p| (0..n).map(|t| p / k.pow(t as u32) % k).collect::<Vec<_>>());
        let mut all: Vec<(Vec<usize>, f64)> = paths.map(|z| (z.clone(), log(&z))).collect();
        let log_total = log_sum_exp(&all.iter().map(|(_, l)| *l).collect::<Vec<_>>());
        all.iter_mut().for_each(|(_, l)| *l = (*l - log_total).exp());
        Paths { log_total, all }
    }

    fn expect(&self, f: impl Fn(&[usize]) -> f64) -> f64 {
        self.all.iter().filter(|(_, p)| *p > 0.0).map(|(z, p)| p * f(z)).sum()
    }

    fn marginal(&self, t: usize, k: usize) -> f64 {
        self.expect(|z| f64::from(u8::from(z[t] == k)))
    }
}

/// log p of a path's steps and symbols.
fn steps(
    z: &[usize],
    w: &[Option<usize>],
    trans: &[DVector<f64>],
    emit: &[DVector<f64>],
    parent: impl Fn(usize) -> usize,
) -> f64 {
    let moves: f64 = (1..z.len()).map(|t| trans[z[parent(t)]][z[t]].ln()).sum();
    moves + z.iter().zip(w).filter_map(|(z, w)| Some(emit[*z][(*w)?].ln())).sum::<f64>()
}

/// E, Var and E log of a Dirichlet(a) that was seen once more, in a category with these probabilities.
fn seen_once(a: &[f64], probs: &[f64]) -> [Vec<f64>; 3] {
    let given: Vec<Vec<f64>> = (0..a.len())
        .map(|k| a.iter().enumerate().map(|(j, a)| a + f64::from(u8::from(j == k))).collect())
        .collect();
    let mix = |f: &dyn Fn(&[f64], usize) -> f64| -> Vec<f64> {
        (0..a.len()).map(|j| given.iter().zip(probs).map(|(a, p)| p * f(a, j)).sum()).collect()
    };
    let mean = mix(&|a, j| a[j] / a.iter().sum::<f64>());
    let square = mix(&|a, j| {
        let total = a.iter().sum::<f64>();
        a[j] * (a[j] + 1.0) / (total * (total + 1.0))
    });
    let var = square.iter().zip(&mean).map(|(s, m)| s - m * m).collect();
    [mean, var, mix(&|a, j| expected_logs(a)[j])]
}

type Law = vi_core::Marginal<vi_core::posterior::VectorMixture<Dirichlet<'static>>>;

fn check_law(found: &Law, a: &[f64], probs: &[f64]) {
    let [mean, var, logs] = seen_once(a, probs);
    for k in 0..a.len() {
        close(found.mean()[k], mean[k], 1e-12);
        close(found.var()[k], var[k], 1e-12);
        close(found.expect_log(k), logs[k], 1e-11);
    }
}

const A: [f64; 3] = [0.5, 2.0, 1.2];

fn vector(a: &[f64]) -> DVector<f64> {
    DVector::from_column_slice(a)
}

#[test]
fn one_series_and_the_law_of_its_first_state_are_one_exact_block() {
    let mut g = Noise::new(5);
    let model = series::Model::new(3, 2);
    type Known = Vec<Option<usize>>;
    let cases: [(Known, Known); 4] = [
        (vec![None; 6], vec![Some(0), Some(1), None, Some(1), Some(0), Some(0)]),
        (vec![None; 5], vec![None, None, Some(1), None, None]),
        (vec![Some(2), None, Some(0), None], vec![Some(1), None, Some(1), Some(0)]),
        (vec![None], vec![Some(1)]),
    ];
    for (z, w) in &cases {
        let p = series::Params { trans: g.rows(3, 3), emit: g.rows(3, 2) };
        let data = series::Data { a: (&A).into(), z: z.into(), w: w.into() };
        let fit = model.infer(&data, &p).unwrap();
        let total: f64 = A.iter().sum();
        let paths = Paths::of(3, w.len(), |path| {
            let seen = path.iter().zip(z).all(|(k, z)| z.is_none_or(|z| z == *k));
            let log = (A[path[0]] / total).ln() + steps(path, w, &p.trans, &p.emit, |t| t - 1);
            if seen { log } else { f64::NEG_INFINITY }
        });
        exact(&fit, &data, paths.log_total);
        for t in 0..w.len() {
            (0..3).for_each(|k| close(fit.posterior.z.probs(t)[k], paths.marginal(t, k), 1e-12));
        }
        for t in 1..w.len() {
            let pair = fit.posterior.z.pair(t);
            for (i, j) in (0..9).map(|n| (n / 3, n % 3)) {
                let both = paths.expect(|z| f64::from(u8::from(z[t - 1] == i && z[t] == j)));
                close(pair[(i, j)], both, 1e-12);
            }
        }
        let first: Vec<f64> = (0..3).map(|k| paths.marginal(0, k)).collect();
        check_law(&fit.posterior.init, &A, &first);
        let best = paths.all.iter().fold(&paths.all[0], |best, x| if x.1 > best.1 { x } else { best });
        assert_eq!(fit.posterior.z.path().unwrap().states, best.0);
    }
}

#[test]
fn draws_have_the_law_and_the_states_together() {
    let model = symbols::Model::new(3, 2);
    let mut g = Noise::new(11);
    let p = symbols::Params { trans: g.rows(3, 3), emit: g.rows(3, 2) };
    let w = [0, 1, 1, 0];
    let data = symbols::Data { a: (&A).into(), w: (&w).into() };
    let fit = model.infer(&data, &p).unwrap();
    let seen = w.map(Some);
    let total: f64 = A.iter().sum();
    let paths = Paths::of(3, 4, |z| (A[z[0]] / total).ln() + steps(z, &seen, &p.trans, &p.emit, |t| t - 1));
    const N: usize = 20_000;
    let mut rng = stream(7, "draws", &[]);
    let drawn: Vec<symbols::Latents> = (0..N).map(|_| fit.posterior.sample(&mut rng).unwrap()).collect();
    for k in 0..3 {
        for j in 0..3 {
            // E [init_j; z[0] = k] and its error.
            let p_k = paths.marginal(0, k);
            let mean = p_k * (A[j] + f64::from(u8::from(j == k))) / (total + 1.0);
            let found: Vec<f64> = drawn.iter().map(|l| if l.z[0] == k { l.init[j] } else { 0.0 }).collect();
            let average = found.iter().sum::<f64>() / N as f64;
            let sd = (found.iter().map(|x| (x - average).powi(2)).sum::<f64>() / (N * (N - 1)) as f64).sqrt();
            assert!((average - mean).abs() < 5.0 * sd, "{k}, {j}: {average} ± {sd}, expected {mean}");
        }
    }
    // The same of draws with the data, and of whole paths.
    for l in fit.draw(&data, 3, 200).unwrap() {
        close(l.init.sum(), 1.0, 1e-12);
        assert!(model.log_joint(&data, &l, &p).unwrap().is_finite());
    }
    let last = drawn.iter().filter(|l| l.z == paths.all[5].0).count() as f64;
    let expected = N as f64 * paths.all[5].1;
    assert!((last - expected).abs() < 5.0 * expected.sqrt() + 5.0, "{last} draws, {expected} expected");
}

#[test]
fn filters_forecasts_and_steps_one_at_a_time_begin_with_the_mean_of_the_law() {
    let model = symbols::Model::new(3, 2);
    let mut g = Noise::new(23);
    let p = symbols::Params { trans: g.rows(3, 3), emit: g.rows(3, 2) };
    let w = [1, 1, 0, 1, 0];
    let data = symbols::Data { a: (&A).into(), w: (&w).into() };
    let fit = model.infer(&data, &p).unwrap();
    let total: f64 = A.iter().sum();
    let filtered = fit.filter(&data).unwrap();
    let (mut online, mut sum) = (fit.online(), 0.0);
    for t in 0..w.len() {
        let seen: Vec<Option<usize>> = w[..=t].iter().copied().map(Some).collect();
        let paths =
            Paths::of(3, t + 1, |z| (A[z[0]] / total).ln() + steps(z, &seen, &p.trans, &p.emit, |t| t - 1));
        let step =
            online.push(&symbols::Data { a: (&A).into(), w: (&w[t.saturating_sub(1)..=t]).into() }).unwrap();
        sum += step.log_density;
        close(sum, paths.log_total, 1e-12);
        for k in 0..3 {
            close(filtered.z.probs(t)[k], paths.marginal(t, k), 1e-12);
            close(step.probs[k], paths.marginal(t, k), 1e-12);
        }
        if t == 0 {
            // What is known of the law at the time of the step that reads it.
            let first: Vec<f64> = (0..3).map(|k| paths.marginal(0, k)).collect();
            check_law(&filtered.init, &A, &first);
        }
    }
    let ahead = fit.forecast(&data, 3).unwrap();
    let mut now = DVector::from_column_slice(fit.posterior.z.probs(4));
    for t in 0..3 {
        now = DVector::from_fn(3, |j, _| (0..3).map(|i| now[i] * p.trans[i][j]).sum());
        (0..3).for_each(|k| close(ahead.posterior.z.probs(t)[k], now[k], 1e-12));
        let one: f64 = (0..3).map(|k| now[k] * p.emit[k][1]).sum();
        close(ahead.absent.w.get([t]).unwrap()[1], one, 1e-12);
    }
    assert_eq!(ahead.posterior.init, Law::Unset, "no step to come is the one that reads the law");
    assert!(fit.update(&data, &Options::new()).is_err(), "more data would be another sequence");
    // New data are a sequence of their own.
    close(fit.infer(&data).unwrap().log_likelihood(), fit.log_likelihood(), 1e-13);
    close(fit.predict(&data).unwrap().log_density[0], fit.log_likelihood(), 1e-12);
}

#[test]
fn beside_uncertain_transitions_the_bound_is_the_sum_over_paths_at_their_q_and_above_that_of_turns() {
    let model = bayes::Model::new(3, 2);
    let mut g = Noise::new(31);
    let w = [0, 0, 1, 1, 0, 1];
    let seen = w.map(Some);
    let data = bayes::Data { a: (&A).into(), w: (&w).into() };
    let options = Options::new().seed(2).restarts(2).max_iterations(3000).tolerance(1e-13);
    let fit = model.fit(&data, &options).unwrap();
    honest(&fit, &data);
    let total: f64 = A.iter().sum();
    // What the transitions' q says, as it was when the states were updated last.
    let trans: Vec<DVector<f64>> = (0..3)
        .map(|i| {
            let q = fit.posterior.trans[i].law().unwrap();
            vector(&expected_logs(&q.a).iter().map(|x| x.exp()).collect::<Vec<_>>())
        })
        .collect();
    let paths =
        Paths::of(3, 6, |z| (A[z[0]] / total).ln() + steps(z, &seen, &trans, &fit.params.emit, |t| t - 1));
    for t in 0..6 {
        (0..3).for_each(|k| close(fit.posterior.z.probs(t)[k], paths.marginal(t, k), 1e-6));
    }
    let first: Vec<f64> = (0..3).map(|k| fit.posterior.z.probs(0)[k]).collect();
    check_law(&fit.posterior.init, &A, &first);
    let kl: f64 = fit
        .posterior
        .trans
        .iter()
        .map(|q| vi_tests::textbook::dirichlet_divergence(&q.law().unwrap().a, &[0.8; 3]))
        .sum();
    close(fit.elbo(), paths.log_total - kl, 1e-7);

    // From the same place, turns reach no more.
    let start = vi_core::Start::Params(bayes::Params { emit: g.rows(3, 2) });
    let other = apart::Model::new(3, 2);
    let known = fit.params.emit.clone();
    let joint = model.infer(&data, &bayes::Params { emit: known.clone() }).unwrap();
    let turns =
        other.infer(&apart::Data { a: (&A).into(), w: (&w).into() }, &apart::Params { emit: known }).unwrap();
    assert!(joint.elbo() > turns.elbo() + 1e-3, "{} and {}", joint.elbo(), turns.elbo());
    monotone(&model.fit_from(&data, start, &options).unwrap().trace);
}

#[test]
fn each_of_many_sequences_is_as_if_it_were_alone() {
    let mut g = Noise::new(41);
    let p = many::Params { trans: g.rows(3, 3), emit: g.rows(3, 2) };
    let w: Vec<Vec<usize>> =
        [3, 1, 40, 7, 7, 2, 300, 5, 9, 1, 12].map(|n| (0..n).map(|_| g.below(2)).collect()).to_vec();
    let data = many::Data { a: (&A).into(), w: (&w).into() };
    let model = many::Model::new(3, 2);
    let fit = model.infer(&data, &p).unwrap();
    let alone = symbols::Model::new(3, 2);
    let q = symbols::Params { trans: p.trans.clone(), emit: p.emit.clone() };
    let each: Vec<_> =
        w.iter().map(|w| alone.infer(&symbols::Data { a: (&A).into(), w: w.into() }, &q).unwrap()).collect();
    exact(&fit, &data, each.iter().map(|f| f.log_likelihood()).sum());
    for (s, f) in each.iter().enumerate() {
        for k in 0..3 {
            close(fit.posterior.init[s].mean()[k], f.posterior.init.mean()[k], 1e-12);
            close(fit.posterior.init[s].expect_log(k), f.posterior.init.expect_log(k), 1e-11);
        }
        close(fit.predict(&data).unwrap().log_density[s], f.log_likelihood(), 1e-12);
    }
    // Statistics of whole fits, on any number of threads.
    let options = Options::new().seed(1).max_iterations(30);
    let one = model.fit(&data, &options.clone().threads(1)).unwrap();
    let two = model.fit(&data, &options.threads(2)).unwrap();
    assert_eq!(one.trace, two.trace);
    monotone(&one.trace);
    let more = one.update(&data, &Options::new()).unwrap();
    assert!(more.elbo().is_finite());
}

#[test]
fn a_tree_and_the_law_of_its_root() {
    let mut g = Noise::new(43);
    let p = tree::Params { trans: g.rows(3, 3), emit: g.rows(3, 2) };
    let parent = [0, 0, 0, 1, 1, 2];
    let w = [0, 1, 1, 0, 1, 1];
    let vote = [2, 0, 2];
    let data = tree::Data { a: (&A).into(), parent: (&parent).into(), vote: (&vote).into(), w: (&w).into() };
    let fit = tree::Model::new(3, 2).infer(&data, &p).unwrap();
    // Votes are seen before the root.
    let a = [A[0] + 1.0, A[1], A[2] + 2.0];
    let total: f64 = A.iter().sum();
    let votes = (A[2] / total).ln() + (A[0] / (total + 1.0)).ln() + ((A[2] + 1.0) / (total + 2.0)).ln();
    let seen = w.map(Some);
    let paths = Paths::of(3, 6, |z| {
        (a[z[0]] / (total + 3.0)).ln() + steps(z, &seen, &p.trans, &p.emit, |t| parent[t])
    });
    exact(&fit, &data, votes + paths.log_total);
    let first: Vec<f64> = (0..3).map(|k| paths.marginal(0, k)).collect();
    check_law(&fit.posterior.init, &a, &first);
    for n in 0..6 {
        (0..3).for_each(|k| close(fit.posterior.z.probs(n)[k], paths.marginal(n, k), 1e-12));
    }
    // Votes to come are drawn from the law's mean.
    let data = tree::Data { vote: Absent(2).into(), ..data };
    let said = fit.predict(&data).unwrap();
    let fresh = fit.infer(&data).unwrap();
    (0..3).for_each(|k| close(said.absent.vote.get([1]).unwrap()[k], fresh.posterior.init.mean()[k], 1e-12));
}

#[test]
fn one_category_of_all_data_and_its_law() {
    let rate = [1.0, 3.0, 6.0];
    let y = [2, 4, 3];
    let data = single::Data { a: (&A).into(), y: (&y).into() };
    let fit = single::Model::new(3).infer(&data, &single::Params { rate: rate.to_vec() }).unwrap();
    let total: f64 = A.iter().sum();
    let paths =
        Paths::of(3, 1, |z| (A[z[0]] / total).ln() + y.iter().map(|y| poisson(*y, rate[z[0]])).sum::<f64>());
    exact(&fit, &data, paths.log_total);
    let first: Vec<f64> = (0..3).map(|k| paths.marginal(0, k)).collect();
    (0..3).for_each(|k| close(fit.posterior.z.probs(0)[k], first[k], 1e-12));
    check_law(&fit.posterior.init, &A, &first);
}

#[test]
fn a_switch_with_a_law_and_rates_of_its_first_state() {
    let y = [3, 0, 1, 4, 2];
    let data = switch::Data { y: (&y).into() };
    let evidence = |p: &switch::Params| {
        Paths::of(2, 5, |z| {
            let begin = if z[0] == 1 { 0.4_f64 } else { 0.6 };
            // A Poisson whose rate is Gamma(2, b).
            let first = negative_binomial(y[0], 2.0 / p.b, 2.0);
            let moves: f64 =
                z.windows(2).map(|z| if z[0] == z[1] { p.stay.ln() } else { (1.0 - p.stay).ln() }).sum();
            // Off, the next is on with probability 1 − stay.
            begin.ln() + first + moves + (1..5).map(|t| poisson(y[t], p.later[z[t]])).sum::<f64>()
        })
    };
    let p = switch::Params { stay: 0.8, b: 1.5, later: vec![0.7, 3.0] };
    let model = switch::Model::new();
    let fit = model.infer(&data, &p).unwrap();
    let paths = evidence(&p);
    exact(&fit, &data, paths.log_total);
    let on = paths.marginal(0, 1);
    close(fit.posterior.on.probs(0)[1], on, 1e-12);
    close(fit.posterior.p.mean(), on * 3.0 / 6.0 + (1.0 - on) * 2.0 / 6.0, 1e-12);
    let log = on * (digamma(3.0) - digamma(6.0)) + (1.0 - on) * (digamma(2.0) - digamma(6.0));
    close(fit.posterior.p.expect_log(), log, 1e-11);
    // A rate that was not read has its prior.
    for k in 0..2 {
        let read = paths.marginal(0, k);
        close(fit.posterior.first[k].mean(), read * 5.0 / 2.5 + (1.0 - read) * 2.0 / 1.5, 1e-12);
    }
    // The M-step of b has what is expected of both rates: the evidence is highest where it stops.
    let fitted = model
        .fit_from(&data, vi_core::Start::Params(p), &Options::new().max_iterations(5000).tolerance(1e-14))
        .unwrap();
    monotone(&fitted.trace);
    let best = evidence(&fitted.params).log_total;
    close(best, fitted.log_likelihood(), 1e-10);
    for factor in [0.97, 1.03] {
        let near = switch::Params { b: fitted.params.b * factor, ..fitted.params.clone() };
        assert!(evidence(&near).log_total < best, "b {}: {best}", fitted.params.b);
    }
}

#[test]
fn the_law_of_a_second_state_is_integrated_with_both_and_unread_where_a_sequence_has_one() {
    let mut g = Noise::new(53);
    let p = second_order::Params { trans: (0..3).map(|_| g.rows(3, 3)).collect(), emit: g.rows(3, 2) };
    let w = vec![vec![0, 1, 1, 0], vec![1], vec![0, 0]];
    let data = second_order::Data { w: (&w).into() };
    let model = second_order::Model::new(3, 2);
    let fit = model.infer(&data, &p).unwrap();
    let (a, total) = (0.7, 2.1);
    let each: Vec<Paths> = w
        .iter()
        .map(|w| {
            Paths::of(3, w.len(), |z| {
                let second = if z.len() > 1 { -3f64.ln() } else { 0.0 };
                let moves: f64 = z.windows(3).map(|z| p.trans[z[0]][z[1]][z[2]].ln()).sum();
                let said: f64 = z.iter().zip(w).map(|(z, w)| p.emit[*z][*w].ln()).sum();
                second + moves + said - 3f64.ln()
            })
        })
        .collect();
    exact(&fit, &data, each.iter().map(|p| p.log_total).sum());
    for (s, paths) in each.iter().enumerate() {
        for i in 0..3 {
            // Row i was read with the probability that the first state was i.
            for k in 0..3 {
                let read = paths.expect(|z| f64::from(u8::from(z.len() > 1 && z[0] == i)));
                let hit = paths.expect(|z| f64::from(u8::from(z.len() > 1 && z[0] == i && z[1] == k)));
                let mean = (1.0 - read) * a / total + (read * a + hit) / (total + 1.0);
                close(fit.posterior.second[s][i].mean()[k], mean, 1e-12);
            }
        }
    }
    // Renamed categories take rows and coordinates of the laws along.
    let order = [2, 0, 1];
    let mut renamed = fit.clone();
    renamed.relabel(&order).unwrap();
    let fresh = model.infer(&data, &renamed.params).unwrap();
    for s in 0..3 {
        for (i, j) in (0..9).map(|n| (n / 3, n % 3)) {
            let (new, old) = (&renamed.posterior.second[s][i], &fit.posterior.second[s][order[i]]);
            close(new.mean()[j], old.mean()[order[j]], 1e-14);
            close(new.mean()[j], fresh.posterior.second[s][i].mean()[j], 1e-12);
            close(new.expect_log(j), fresh.posterior.second[s][i].expect_log(j), 1e-11);
        }
    }
    for l in fit.draw(&data, 1, 20).unwrap() {
        assert!(l.second.iter().flatten().all(|x| (x.sum() - 1.0).abs() < 1e-12));
    }
}

#[test]
fn beside_a_gaussian_chain_that_the_states_choose_the_steps_of() {
    let mut g = Noise::new(61);
    let y: Vec<f64> = (0..40).map(|t| if t % 13 > 6 { 3.0 } else { 0.0 } + 0.5 * g.normal()).collect();
    let data = switching::Data { a: (&[1.5, 0.5]).into(), y: (&y).into() };
    let model = switching::Model::new(2);
    let fit = model.fit(&data, &Options::new().seed(3).max_iterations(200)).unwrap();
    honest(&fit, &data);
    let first: Vec<f64> = fit.posterior.z.probs(0).to_vec();
    check_law(&fit.posterior.init, &[1.5, 0.5], &first);
}
