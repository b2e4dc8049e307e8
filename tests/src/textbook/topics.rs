//! Latent Dirichlet allocation with smoothed topics: Blei, Ng and Jordan (2003), with a word that occurs c times counted c times.
//!
//! ```text
//! topic[k] ~ Dirichlet(eta), share[d] ~ Dirichlet(alpha), z ~ Categorical(share[d]), word ~ Categorical(topic[z])
//! ```

use super::{dirichlet_divergence, expected_logs};
use crate::density::log_sum_exp;

/// Distinct words of each document, each with how often it occurs.
pub type Corpus = Vec<Vec<(usize, u64)>>;

/// A posterior on its way.
#[derive(Clone, Debug)]
pub struct Topics<'c> {
    corpus: &'c Corpus,
    vocabulary: usize,
    alpha: f64,
    eta: f64,
    /// q(z\[d, i\]).
    pub z: Vec<Vec<Vec<f64>>>,
    /// Parameters of q(share\[d\]).
    pub share: Vec<Vec<f64>>,
    /// Parameters of q(topic\[k\]).
    pub topic: Vec<Vec<f64>>,
    /// The bound after each sweep.
    pub trace: Vec<f64>,
}

impl<'c> Topics<'c> {
    /// Starts at given q(z).
    #[must_use]
    pub fn new(corpus: &'c Corpus, vocabulary: usize, alpha: f64, eta: f64, z: Vec<Vec<Vec<f64>>>) -> Self {
        Topics { corpus, vocabulary, alpha, eta, z, share: vec![], topic: vec![], trace: vec![] }
    }

    /// Shares, topics, then z.
    ///
    /// # Panics
    /// If z has no states.
    pub fn sweep(&mut self) {
        let topics = self.z.iter().flatten().map(Vec::len).next().expect("z has states");
        self.share = vec![vec![self.alpha; topics]; self.corpus.len()];
        self.topic = vec![vec![self.eta; self.vocabulary]; topics];
        for (d, document) in self.corpus.iter().enumerate() {
            for (i, (word, count)) in document.iter().enumerate() {
                for k in 0..topics {
                    let mass = *count as f64 * self.z[d][i][k];
                    self.share[d][k] += mass;
                    self.topic[k][*word] += mass;
                }
            }
        }
        let log_topic: Vec<Vec<f64>> = self.topic.iter().map(|t| expected_logs(t)).collect();
        let mut bound = 0.0;
        for (d, document) in self.corpus.iter().enumerate() {
            let log_share = expected_logs(&self.share[d]);
            bound -= dirichlet_divergence(&self.share[d], &vec![self.alpha; topics]);
            for (i, (word, count)) in document.iter().enumerate() {
                let scores: Vec<f64> = (0..topics).map(|k| log_share[k] + log_topic[k][*word]).collect();
                // At the optimum Σ q (score − log q) is the log of the normaliser.
                let total = log_sum_exp(&scores);
                self.z[d][i] = scores.iter().map(|s| (s - total).exp()).collect();
                bound += *count as f64 * total;
            }
        }
        for topic in &self.topic {
            bound -= dirichlet_divergence(topic, &vec![self.eta; self.vocabulary]);
        }
        self.trace.push(bound);
    }
}

/// log p(words), by every topic of every token: shares and topics are integrated out in closed form.
#[must_use]
pub fn evidence(corpus: &Corpus, vocabulary: usize, alpha: f64, eta: f64) -> f64 {
    use crate::density::ln_gamma;
    let tokens: Vec<(usize, usize)> = corpus
        .iter()
        .enumerate()
        .flat_map(|(d, words)| words.iter().flat_map(move |(w, c)| (0..*c).map(move |_| (d, *w))))
        .collect();
    let urn = |counts: &[f64], a: f64| {
        let total = a * counts.len() as f64;
        ln_gamma(total) - ln_gamma(total + counts.iter().sum::<f64>())
            + counts.iter().map(|c| ln_gamma(a + c) - ln_gamma(a)).sum::<f64>()
    };
    let terms: Vec<f64> = (0..1usize << tokens.len())
        .map(|bits| {
            let mut share = vec![vec![0.0; 2]; corpus.len()];
            let mut topic = vec![vec![0.0; vocabulary]; 2];
            for (i, (d, w)) in tokens.iter().enumerate() {
                share[*d][bits >> i & 1] += 1.0;
                topic[bits >> i & 1][*w] += 1.0;
            }
            share.iter().map(|s| urn(s, alpha)).sum::<f64>() + topic.iter().map(|t| urn(t, eta)).sum::<f64>()
        })
        .collect();
    log_sum_exp(&terms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Noise;
    use crate::law::monotone;

    #[test]
    fn the_bound_rises_to_below_the_evidence() {
        let corpus = vec![vec![(0, 2), (1, 1)], vec![(2, 3)], vec![(0, 1), (2, 1), (1, 0)]];
        let exact = evidence(&corpus, 3, 0.6, 0.4);
        let mut g = Noise::new(1);
        for _ in 0..5 {
            let z = corpus.iter().map(|d| d.iter().map(|_| g.simplex(2)).collect()).collect();
            let mut topics = Topics::new(&corpus, 3, 0.6, 0.4, z);
            (0..200).for_each(|_| topics.sweep());
            monotone(&topics.trace);
            let last = topics.trace[199];
            assert!(last < exact && last > exact - 8.0, "{last} and {exact}");
        }
    }
}
