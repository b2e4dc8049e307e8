//! Topics of documents: inner loops of local blocks, the code that updates a group at once, and published values.

use vi_core::dist::Dirichlet;
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::law::{close, monotone};

model! {
    pub mod lda(K, V, alpha: Positive = 0.1, eta: Positive = 0.01) {
        latent topic[k in K]: Simplex[V] ~ Dirichlet(eta);
        given  count[d in Docs, i in I[d]]: Count;
        for d in Docs {
            latent share[d]: Simplex[K] ~ Dirichlet(alpha);
            for i in I[d] repeat count[d, i] {
                latent   z[d, i]    ~ Categorical(share[d]);
                observed word[d, i] ~ Categorical(topic[z[d, i]]);
            }
        }
    }
}
model! {
    /// The same, and one statement that keeps it from being updated document by document.
    pub mod general(K, V, alpha: Positive = 0.1, eta: Positive = 0.01) {
        latent topic[k in K]: Simplex[V] ~ Dirichlet(eta);
        given  count[d in Docs, i in I[d]]: Count;
        observed other[n in N] ~ Normal(0, sd: 1);
        for d in Docs {
            latent share[d]: Simplex[K] ~ Dirichlet(alpha);
            for i in I[d] repeat count[d, i] {
                latent   z[d, i]    ~ Categorical(share[d]);
                observed word[d, i] ~ Categorical(topic[z[d, i]]);
            }
        }
    }
}
model! {
    /// Every word comes once, and priors are no multiple of (1, …, 1).
    pub mod uneven(K, V) {
        given  a[k in K]: Positive;
        given  b[v in V]: Positive;
        latent topic[k in K]: Simplex[V] ~ Dirichlet([b[v] for v in V]);
        latent share[d in Docs]: Simplex[K] ~ Dirichlet([a[k] for k in K]);
        latent   z[d in Docs, i in I[d]]    ~ Categorical(share[d]);
        observed word[d in Docs, i in I[d]] ~ Categorical(topic[z[d, i]]);
    }
}

/// Words and counts of each document.
type Corpus = (Vec<Vec<usize>>, Vec<Vec<u64>>);

fn made_up(documents: usize, values: usize, seed: u64) -> Corpus {
    let mut g = Noise::new(seed);
    let lengths: Vec<usize> = (0..documents).map(|d| (d * 7 + 3) % 11).collect();
    let word = lengths
        .iter()
        .enumerate()
        .map(|(d, n)| (0..*n).map(|_| ((d % 3) * (values / 3) + g.below(values / 2)) % values).collect())
        .collect();
    // A count of 0 is a word that is not there.
    let count = lengths.iter().map(|n| (0..*n).map(|_| g.below(4) as u64).collect()).collect();
    (word, count)
}

fn simplexes(g: &mut Noise, rows: usize, size: usize, weight: f64) -> Vec<Marginal<Dirichlet<'static>>> {
    let law = |g: &mut Noise| Dirichlet::new(g.simplex(size).iter().map(|p| 0.1 + weight * p).collect());
    (0..rows).map(|_| law(g).into()).collect()
}

/// A few sweeps of one model from given shares and topics.
macro_rules! run {
    ($model:expr, $data:expr, $module:ident, $q:expr, $options:expr, $sweeps:expr) => {{
        let (share, topic) = $q.clone();
        let start = Start::Posterior($module::Posterior { share, topic, ..Default::default() });
        let mut state = $model.start(&$data, start, &$options).unwrap();
        for _ in 0..$sweeps {
            $model.step(&mut state).unwrap();
        }
        state.finish().unwrap()
    }};
}

/// Both paths from the same start; the bound after each sweep, shares, topics, assignments.
#[track_caller]
fn same(corpus: &Corpus, sizes: [usize; 2], prior: [f64; 2], q: &Start2, inner: usize, sweeps: usize) {
    let ((word, count), [k, v], [alpha, eta]) = (corpus, sizes, prior);
    let options = Options::new().inner_sweeps(inner).tolerance(0.0);
    let data = lda::Data { count: count.into(), word: word.into() };
    let fused = run!(lda::Model::new(k, v).alpha(alpha).eta(eta), data, lda, q, options, sweeps);
    let none: [f64; 0] = [];
    let data = general::Data { count: count.into(), word: word.into(), other: (&none).into() };
    let general = run!(general::Model::new(k, v).alpha(alpha).eta(eta), data, general, q, options, sweeps);
    monotone(&fused.trace);
    for (a, b) in fused.trace.iter().zip(&general.trace) {
        assert!((a - b).abs() <= 1e-10 * b.abs(), "{:?} and {:?}", fused.trace, general.trace);
    }
    for (a, b) in fused.posterior.topic.iter().zip(&general.posterior.topic) {
        assert!((a.mean() - b.mean()).amax() <= 1e-10);
    }
    for (d, (a, b)) in fused.posterior.share.iter().zip(&general.posterior.share).enumerate() {
        assert!((a.mean() - b.mean()).amax() <= 1e-10, "document {d}: {} and {}", a.mean(), b.mean());
        for i in 0..word[d].len() {
            for (p, r) in fused.posterior.z[d].probs(i).iter().zip(general.posterior.z[d].probs(i)) {
                assert!((p - r).abs() <= 1e-10, "word {i} of document {d}: {p} and {r}");
            }
        }
    }
    let terms = |t: &[vi_core::fit::ElboTerm]| t.iter().map(|t| t.value).sum::<f64>();
    close(terms(fused.elbo_terms()), fused.elbo(), 1e-10);
    close(terms(general.elbo_terms()), general.elbo(), 1e-10);
}

type Start2 = (Vec<Marginal<Dirichlet<'static>>>, Vec<Marginal<Dirichlet<'static>>>);

#[test]
fn document_by_document_is_what_turns_give() {
    for (seed, [k, v]) in [(1, [3, 7]), (2, [1, 4]), (3, [9, 12]), (4, [8, 40])] {
        let corpus = made_up(30, v, seed);
        let mut g = Noise::new(seed);
        let q = (simplexes(&mut g, 30, k, 3.0), simplexes(&mut g, k, v, 9.0));
        for inner in [1, 4] {
            same(&corpus, [k, v], [0.3, 0.2], &q, inner, 6);
        }
    }
}

/// exp E log of a parameter 1e-4 is e⁻¹⁰⁰⁰⁰: no product of a share and a topic is left that a number could hold.
#[test]
fn products_that_underflow_are_taken_in_logs() {
    let corpus = (vec![vec![0, 1, 2], vec![2, 2], vec![]], vec![vec![1, 2, 3], vec![1, 0], vec![]]);
    let at = |a: usize, n: usize| {
        let a: Vec<f64> = (0..n).map(|k| if k == a { 50.0 } else { 1e-4 }).collect();
        Marginal::from(Dirichlet::new(a))
    };
    let q = (vec![at(0, 3), at(1, 3), at(1, 3)], vec![at(0, 4), at(1, 4), at(2, 4)]);
    same(&corpus, [3, 4], [1e-4, 1e-4], &q, 2, 0);
    same(&corpus, [3, 4], [1e-4, 1e-4], &q, 2, 3);
}

#[test]
fn bits_do_not_depend_on_threads() {
    let (word, count) = made_up(1500, 40, 5);
    let mut g = Noise::new(6);
    let q: Start2 = (simplexes(&mut g, 1500, 5, 1.0), simplexes(&mut g, 5, 40, 9.0));
    let data = lda::Data { count: (&count).into(), word: (&word).into() };
    let model = lda::Model::new(5, 40);
    let traces: Vec<Vec<u64>> = [1, 2, 7]
        .iter()
        .map(|n| {
            let fit = run!(model, data, lda, q, Options::new().threads(*n).inner_sweeps(3), 2);
            let topic = fit.posterior.topic.iter().flat_map(|t| t.mean().iter().copied().collect::<Vec<_>>());
            fit.trace.iter().copied().chain(topic).map(f64::to_bits).collect()
        })
        .collect();
    assert!(traces.iter().all(|t| *t == traces[0]));
}

/// More turns within a sweep never lose, and the fit from the default start keeps what it found.
#[test]
fn a_fit_from_the_default_start_climbs() {
    let (word, _) = made_up(60, 12, 7);
    let b: Vec<f64> = (0..12).map(|v| 0.1 + 0.05 * f64::from(v)).collect();
    let data = uneven::Data { a: (&[0.2, 0.5, 0.9]).into(), b: (&b).into(), word: (&word).into() };
    let model = uneven::Model::new(3, 12);
    let fit = model.fit(&data, &Options::new().max_iterations(200)).unwrap();
    monotone(&fit.trace);
    assert!(fit.converged);
    let symmetric =
        fit.posterior.topic.iter().all(|t| (t.mean() - fit.posterior.topic[0].mean()).amax() < 0.01);
    assert!(!symmetric, "every topic is the same");
}

#[test]
fn a_start_of_another_size_is_an_error() {
    let (word, count) = made_up(4, 6, 1);
    let data = lda::Data { count: (&count).into(), word: (&word).into() };
    let mut g = Noise::new(1);
    for (documents, k, v) in [(3, 2, 6), (4, 3, 6), (4, 2, 5)] {
        let (share, topic) = (simplexes(&mut g, documents, k, 1.0), simplexes(&mut g, k, v, 1.0));
        let start = Start::Posterior(lda::Posterior { share, topic, ..Default::default() });
        assert!(lda::Model::new(2, 6).start(&data, start, &Options::new()).is_err());
    }
}

fn reuters() -> Corpus {
    let text = include_str!("../../../vi-examples/data/reuters.ldac");
    let pair = |p: &str| p.split_once(':').map(|(w, c)| (w.parse().unwrap(), c.parse().unwrap())).unwrap();
    text.lines().map(|l| l.split(' ').skip(1).map(pair).unzip::<usize, u64, Vec<_>, Vec<_>>()).unzip()
}

/// A little-endian NumPy array of f64, row by row.
fn topics_at_the_start() -> Vec<Vec<f64>> {
    let bytes = include_bytes!("../../data/reuters_lambda0.npy");
    let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let values: Vec<f64> =
        bytes[header..].chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect();
    values.chunks_exact(4258).map(<[f64]>::to_vec).collect()
}

/// Every sweep, the documents begin at Dirichlet(1, …, 1) and take 50 turns, then come the topics. A debug build is given the first two
/// sweeps only.
#[test]
fn reuters_to_the_digits() {
    let (word, count) = reuters();
    let data = lda::Data { count: (&count).into(), word: (&word).into() };
    let model = lda::Model::new(20, 4258);
    let topic = topics_at_the_start().into_iter().map(|a| Dirichlet::new(a).into()).collect();
    let share = vec![Dirichlet::new(vec![1.0; 20]).into(); word.len()];
    let again = lda::Posterior { share: share.clone(), ..Default::default() };
    let start = Start::Posterior(lda::Posterior { share, topic, ..Default::default() });
    let mut state = model.start(&data, start, &Options::new().inner_sweeps(50)).unwrap();
    let published = [
        (1, -884962.5938255108),
        (2, -730231.5205196188),
        (5, -679961.6507142342),
        (10, -669672.5956961698),
        (20, -665394.164574238),
    ];
    let last = if cfg!(debug_assertions) { 2 } else { 20 };
    for sweep in 1..=last {
        state.set(&again).unwrap();
        model.step(&mut state).unwrap();
        if let Some((_, bound)) = published.iter().find(|(n, _)| *n == sweep) {
            let found = state.trace[sweep];
            assert!((found - bound).abs() < 1e-11 * bound.abs(), "sweep {sweep}: {found} and {bound}");
        }
    }
}

/// Documents of three kinds, each with words of its own.
fn of_three_kinds(documents: usize) -> Corpus {
    let mut g = Noise::new(23);
    let word: Vec<Vec<usize>> = (0..documents)
        .map(|d| {
            (0..20).map(|_| if g.below(5) == 0 { g.below(30) } else { 10 * (d % 3) + g.below(10) }).collect()
        })
        .collect();
    let count = word.iter().map(|w| vec![1; w.len()]).collect();
    (word, count)
}

#[test]
fn topics_from_minibatches_of_documents() {
    use vi_core::fit::Schedule;
    let (word, count) = of_three_kinds(600);
    let data = lda::Data { count: (&count).into(), word: (&word).into() };
    let model = lda::Model::new(3, 30);
    let options = Options::new().seed(3).inner_sweeps(20);
    let schedule = Schedule { batch: 40, passes: 3, ..Schedule::default() };
    let fit = model.fit_stochastic(&data, &options, schedule).unwrap();
    // Whole sweeps from there come to rest close by.
    let (share, topic) = (fit.posterior.share.clone(), fit.posterior.topic.clone());
    let there = Start::Posterior(lda::Posterior { share, topic, ..Default::default() });
    let whole = model.fit_from(&data, there, &options).unwrap();
    assert!(fit.elbo() <= whole.elbo() + 1e-6 * whole.elbo().abs(), "{} {}", fit.elbo(), whole.elbo());
    close(fit.elbo(), whole.elbo(), 2e-3);
    // As many passes of whole sweeps from the same start are still far off: the minibatches did the work.
    let few = model.fit(&data, &options.clone().max_iterations(4)).unwrap();
    assert!(whole.elbo() - few.elbo() > 3.0 * (whole.elbo() - fit.elbo()), "{} {}", few.elbo(), fit.elbo());
    // Every word is counted once, in its document and in its topic.
    for (share, words) in fit.posterior.share.iter().zip(&word) {
        close(share.law().unwrap().a.iter().sum::<f64>(), 0.3 + words.len() as f64, 1e-10);
    }
    let terms: f64 = fit.elbo_terms().iter().map(|t| t.value).sum();
    close(terms, fit.elbo(), 1e-10);
    let again = model.fit_stochastic(&data, &options.clone().threads(2), schedule).unwrap();
    assert_eq!(again.elbo(), fit.elbo());
    let other = model.fit_stochastic(&data, &options.seed(4), schedule).unwrap();
    assert_ne!(other.elbo(), fit.elbo());
}

/// One minibatch of all documents is a sweep from the same start, whichever leaves of the tree they fall on.
#[test]
fn one_minibatch_of_all_documents_is_a_sweep() {
    use vi_core::fit::Schedule;
    let (word, count) = of_three_kinds(150);
    let data = lda::Data { count: (&count).into(), word: (&word).into() };
    let model = lda::Model::new(3, 30);
    let options = Options::new().seed(3).inner_sweeps(4).tolerance(0.0);
    let schedule = Schedule { batch: 150, passes: 1, ..Schedule::default() };
    let fit = model.fit_stochastic(&data, &options, schedule).unwrap();
    let mut state = model.start(&data, Start::Default, &options).unwrap();
    (0..3).for_each(|_| {
        model.step(&mut state).unwrap();
    });
    let bounds = state.finish().unwrap().trace;
    assert!(
        bounds.iter().any(|b| (b - fit.elbo()).abs() <= 1e-10 * b.abs()),
        "{} among {bounds:?}",
        fit.elbo()
    );
}
