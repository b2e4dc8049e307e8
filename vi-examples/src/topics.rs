//! What 395 articles of the news agency Reuters are about: topics are distributions over words, and an article has a share of each.

use std::error::Error;
use std::fmt::Write;
use vi_core::dist::Dirichlet;
use vi_core::prelude::*;

model! {
    /// Latent Dirichlet allocation (Blei, Ng & Jordan 2003), with a distribution over topics as well.
    pub mod topics(K, V, alpha: Positive = 0.1, eta: Positive = 0.01) {
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

/// Distinct words of each document, how often each occurs, and the words themselves.
pub struct Corpus {
    /// Positions in the vocabulary.
    pub word: Vec<Vec<usize>>,
    /// How often each occurs.
    pub count: Vec<Vec<u64>>,
    /// The words.
    pub vocabulary: Vec<String>,
}

/// Reads the articles.
///
/// # Errors
/// When a file cannot be read, or a line is not `n word:count word:count …`.
pub fn read() -> Result<Corpus, Box<dyn Error>> {
    let text = |file: &str| std::fs::read_to_string(crate::table::path(file));
    let vocabulary = text("reuters_vocab.txt")?.lines().map(str::to_string).collect();
    let mut corpus = Corpus { word: vec![], count: vec![], vocabulary };
    for line in text("reuters.ldac")?.lines() {
        let (mut words, mut counts) = (vec![], vec![]);
        for pair in line.split(' ').skip(1) {
            let (word, count) = pair.split_once(':').ok_or("a word without its count")?;
            words.push(word.parse()?);
            counts.push(count.parse()?);
        }
        corpus.word.push(words);
        corpus.count.push(counts);
    }
    Ok(corpus)
}

/// This many topics, after at most this many sweeps.
///
/// # Errors
/// Whatever the fit returns.
pub fn fit(corpus: &Corpus, topics: usize, sweeps: usize) -> Result<Fit<topics::Model>, vi_core::Error> {
    let data = topics::Data { count: (&corpus.count).into(), word: (&corpus.word).into() };
    let options = Options::new().seed(1).max_iterations(sweeps).tolerance(1e-4).keep_locals(false);
    // Each topic begins at the words of one article; seeding by density would tabulate the whole vocabulary for every candidate.
    let begin = |k: usize| {
        let mut a = vec![0.1; corpus.vocabulary.len()];
        let d = k * corpus.word.len() / topics;
        for (word, count) in corpus.word[d].iter().zip(&corpus.count[d]) {
            a[*word] += *count as f64;
        }
        Dirichlet::new(a).into()
    };
    let topic = (0..topics).map(begin).collect();
    let start = Start::Posterior(topics::Posterior { topic, ..Default::default() });
    topics::Model::new(topics, corpus.vocabulary.len()).fit_from(&data, start, &options)
}

/// Each topic's most probable words, and what the first article is about.
#[must_use]
pub fn report(fit: &Fit<topics::Model>, corpus: &Corpus) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{} articles; log p(words) ≥ {:.0}", corpus.word.len(), fit.elbo());
    for (k, topic) in fit.posterior.topic.iter().enumerate() {
        let words: Vec<&str> =
            largest(&topic.mean()).take(8).map(|v| corpus.vocabulary[v].as_str()).collect();
        let _ = writeln!(out, "topic {k:>2}: {}", words.join(", "));
    }
    if let Some(share) = fit.posterior.share.first().map(Marginal::mean) {
        let parts: Vec<String> =
            largest(&share).take(3).map(|k| format!("{:.0} % topic {k}", 100.0 * share[k])).collect();
        let _ = writeln!(out, "the first article: {}", parts.join(", "));
    }
    out
}

/// Positions from the largest entry to the smallest.
fn largest(x: &DVector<f64>) -> impl Iterator<Item = usize> + use<> {
    let mut order: Vec<usize> = (0..x.len()).collect();
    order.sort_by(|a, b| x[*b].total_cmp(&x[*a]));
    order.into_iter()
}
