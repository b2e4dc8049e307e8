//! The stochastic block model with a fully factorised posterior, one vertex after another: Daudin, Picard and Robin (2008) and Latouche,
//! Birmelé and Ambroise (2012).
//!
//! ```text
//! weight ~ Dirichlet(a0), B[a ≤ b] ~ Beta(b0, c0), z[i] ~ Categorical(weight), y[i < j] ~ Bernoulli(B[z[i], z[j]])
//! ```

use super::{dirichlet_divergence, expected_logs};
use crate::density::log_sum_exp;
use nalgebra::DMatrix;

/// Parameters of the priors.
#[derive(Clone, Copy, Debug)]
pub struct Prior {
    /// Of every weight.
    pub a0: f64,
    /// First parameter of every probability of an edge.
    pub b0: f64,
    /// Second parameter of every probability of an edge.
    pub c0: f64,
}

/// A posterior on its way.
#[derive(Clone, Debug)]
pub struct Blocks<'y> {
    y: &'y DMatrix<bool>,
    prior: Prior,
    /// q(z\[i\]), one row for each vertex.
    pub z: DMatrix<f64>,
    /// Parameters of q(weight).
    pub weight: Vec<f64>,
    /// Parameters of q(B\[a, b\]), filled on both sides.
    pub edges: Vec<Vec<[f64; 2]>>,
}

impl<'y> Blocks<'y> {
    /// Starts at given q(z), with weight and B at their priors. The upper triangle of `y` is read.
    #[must_use]
    pub fn new(y: &'y DMatrix<bool>, z: DMatrix<f64>, prior: Prior) -> Self {
        let k = z.ncols();
        Blocks { y, prior, z, weight: vec![prior.a0; k], edges: vec![vec![[prior.b0, prior.c0]; k]; k] }
    }

    fn edge(&self, i: usize, j: usize) -> bool {
        self.y[(i.min(j), i.max(j))]
    }

    /// E log p(y | B\[a, b\]).
    fn log_edge(&self, a: usize, b: usize, y: bool) -> f64 {
        expected_logs(&self.edges[a][b])[usize::from(!y)]
    }

    /// q(z\[i\]) given the others, for every i in turn.
    pub fn update_z(&mut self) {
        let (n, k) = self.z.shape();
        let log_weight = expected_logs(&self.weight);
        for i in 0..n {
            let scores: Vec<f64> = (0..k)
                .map(|a| {
                    let others = (0..n).filter(|j| *j != i);
                    let edges = others.map(|j| {
                        (0..k).map(|b| self.z[(j, b)] * self.log_edge(a, b, self.edge(i, j))).sum::<f64>()
                    });
                    log_weight[a] + edges.sum::<f64>()
                })
                .collect();
            let total = log_sum_exp(&scores);
            (0..k).for_each(|a| self.z[(i, a)] = (scores[a] - total).exp());
        }
    }

    /// q(weight) given q(z).
    pub fn update_weight(&mut self) {
        self.weight = (0..self.z.ncols()).map(|k| self.prior.a0 + self.z.column(k).sum()).collect();
    }

    /// q(B) given q(z).
    pub fn update_edges(&mut self) {
        let (n, k) = self.z.shape();
        for a in 0..k {
            for b in a..k {
                let mut found = [self.prior.b0, self.prior.c0];
                for i in 0..n {
                    for j in i + 1..n {
                        let straight = self.z[(i, a)] * self.z[(j, b)];
                        let crossed = if a == b { 0.0 } else { self.z[(i, b)] * self.z[(j, a)] };
                        found[usize::from(!self.edge(i, j))] += straight + crossed;
                    }
                }
                self.edges[a][b] = found;
                self.edges[b][a] = found;
            }
        }
    }

    /// E log p(y, z, weight, B) + H(q).
    #[must_use]
    pub fn bound(&self) -> f64 {
        let (n, k) = self.z.shape();
        let log_weight = expected_logs(&self.weight);
        let mut out = -dirichlet_divergence(&self.weight, &vec![self.prior.a0; k]);
        for i in 0..n {
            for a in (0..k).filter(|a| self.z[(i, *a)] > 0.0) {
                out += self.z[(i, a)] * (log_weight[a] - self.z[(i, a)].ln());
                for j in i + 1..n {
                    for b in 0..k {
                        out += self.z[(i, a)] * self.z[(j, b)] * self.log_edge(a, b, self.edge(i, j));
                    }
                }
            }
        }
        for a in 0..k {
            for b in a..k {
                out -= dirichlet_divergence(&self.edges[a][b], &[self.prior.b0, self.prior.c0]);
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Noise;
    use crate::density::ln_gamma;
    use crate::law::monotone;

    const PRIOR: Prior = Prior { a0: 1.0, b0: 1.0, c0: 1.0 };

    fn graph(n: usize, g: &mut Noise) -> DMatrix<bool> {
        DMatrix::from_fn(n, n, |i, j| i < j && g.unit() < if i % 2 == j % 2 { 0.8 } else { 0.15 })
    }

    /// log p(y), by every assignment of two classes: weight and B are integrated out in closed form.
    fn evidence(y: &DMatrix<bool>, p: Prior) -> f64 {
        let n = y.nrows();
        let ln_beta = |a: f64, b: f64| ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
        let terms: Vec<f64> = (0..1usize << n)
            .map(|bits| {
                let z: Vec<usize> = (0..n).map(|i| bits >> i & 1).collect();
                let ones = z.iter().sum::<usize>() as f64;
                let mut out = ln_beta(p.a0 + ones, p.a0 + n as f64 - ones) - ln_beta(p.a0, p.a0);
                for (a, b) in [(0, 0), (0, 1), (1, 1)] {
                    let mut count = [p.b0, p.c0];
                    for i in 0..n {
                        for j in i + 1..n {
                            if (z[i].min(z[j]), z[i].max(z[j])) == (a, b) {
                                count[usize::from(!y[(i, j)])] += 1.0;
                            }
                        }
                    }
                    out += ln_beta(count[0], count[1]) - ln_beta(p.b0, p.c0);
                }
                out
            })
            .collect();
        log_sum_exp(&terms)
    }

    #[test]
    fn every_update_raises_a_bound_below_the_evidence() {
        let mut g = Noise::new(3);
        for _ in 0..5 {
            let y = graph(8, &mut g);
            let rows: Vec<f64> = (0..8).flat_map(|_| g.simplex(2)).collect();
            let mut blocks = Blocks::new(&y, DMatrix::from_row_slice(8, 2, &rows), PRIOR);
            let mut trace = vec![blocks.bound()];
            for _ in 0..40 {
                for update in [Blocks::update_weight, Blocks::update_edges, Blocks::update_z] {
                    update(&mut blocks);
                    trace.push(blocks.bound());
                }
            }
            monotone(&trace);
            let exact = evidence(&y, PRIOR);
            let last = trace[trace.len() - 1];
            assert!(last < exact && last > exact - 8.0, "{last} and {exact}");
        }
    }

    /// With one class nothing is hidden but B[0, 0]: the bound is the evidence of a Beta and coins.
    #[test]
    fn one_class_is_exact() {
        let mut g = Noise::new(4);
        let y = graph(6, &mut g);
        let mut blocks = Blocks::new(&y, DMatrix::from_element(6, 1, 1.0), PRIOR);
        blocks.update_weight();
        blocks.update_edges();
        let on = y.iter().filter(|e| **e).count() as f64;
        let exact = ln_gamma(1.0 + on) + ln_gamma(16.0 - on) - ln_gamma(17.0);
        assert!((blocks.bound() - exact).abs() < 1e-12);
    }
}
