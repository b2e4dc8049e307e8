//! Pareto-smoothed importance sampling.
//!
//! For draws x of q the ratios r(x) = p(x)/q(x), known up to a factor, say by how much each draw should count for p. Where q is too
//! narrow some ratios are huge. Their upper tail is nearly a generalised Pareto law,
//!
//! ```text
//! P(r > u + y | r > u) = (1 + k y/σ)^(−1/k),
//! ```
//!
//! whose shape k says how many moments the ratios have: those below 1/k. Its estimate k̂ is a diagnostic of q, and replacing the largest
//! ratios by quantiles of the fitted law makes their weighted means steadier.
//!
//! Sources: Vehtari, Simpson, Gelman, Yao & Gabry (2024), *Pareto smoothed importance sampling*, JMLR 25; Zhang & Stephens (2009), *A
//! new and efficient estimation method for the generalized Pareto distribution*, for the fit; Yao et al. (2018), *Yes, but did it
//! work?*, for its use with variational posteriors.

use crate::Error;
use crate::special::log_sum_exp;

/// What the importance ratios of draws from q say of q.
///
/// ```
/// use vi_core::diagnostics::Psis;
/// use vi_core::dist::Normal;
/// use vi_core::rng::stream;
///
/// // A posterior of ten independent coordinates.
/// let (p, wide, narrow) = (Normal::mean_sd(0.0, 1.0), Normal::mean_sd(0.0, 1.1), Normal::mean_sd(0.0, 0.5));
/// let judge = |q: &Normal| {
///     let ratio = |n| -> f64 {
///         let mut rng = stream(1, "x", &[n]);
///         (0..10).map(|_| q.sample(&mut rng)).map(|x| p.log_density(x) - q.log_density(x)).sum()
///     };
///     Psis::new(&(0..2000).map(ratio).collect::<Vec<_>>())
/// };
/// assert!(judge(&wide)?.k_hat < 0.5);
/// let narrow = judge(&narrow)?;
/// assert!(narrow.k_hat > 0.7 && narrow.advice().starts_with("q is not to be trusted"));
/// // From the posterior itself every ratio is the same.
/// let exact = judge(&p)?;
/// assert_eq!(exact.k_hat, f64::NEG_INFINITY);
/// assert!((exact.effective_draws - 2000.0).abs() < 1e-6);
/// # Ok::<(), vi_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Psis {
    /// k̂, the shape of the tail: −∞ if all ratios are equal, ∞ if fewer than five draws make up the tail, too few for an estimate.
    pub k_hat: f64,
    /// The logarithm of each draw's smoothed weight, in the order of the draws; the weights sum to 1.
    pub log_weights: Vec<f64>,
    /// 1/Σ w²: as many draws from p itself would give weighted means of about this accuracy, if k̂ is small.
    pub effective_draws: f64,
}

/// Ratios this close are those of p itself, up to rounding of the densities.
const EQUAL: f64 = 1e-6;
/// The tail of fewer draws has no estimate.
const LEAST_TAIL: usize = 5;

impl Psis {
    /// From log p(x) − log q(x) at draws x of q, up to a constant.
    ///
    /// The tail is the largest min(S/5, 3√S) of S ratios. −∞ stands for a draw that p excludes.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if there are no draws, if a ratio is NaN or ∞, or if p excludes every draw.
    pub fn new(log_ratios: &[f64]) -> Result<Psis, Error> {
        let max = log_ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if log_ratios.iter().any(|r| r.is_nan()) || !max.is_finite() {
            return Err(Error::NotFinite { what: "a log importance ratio".to_owned() });
        }
        let mut log_weights: Vec<f64> = log_ratios.iter().map(|r| r - max).collect();
        let k_hat = smooth_tail(&mut log_weights);
        let total = log_sum_exp(&log_weights);
        let mut squares = 0.0;
        for weight in &mut log_weights {
            *weight -= total;
            squares += (2.0 * *weight).exp();
        }
        Ok(Psis { k_hat, log_weights, effective_draws: 1.0 / squares })
    }

    /// The k̂ up to which means over this many draws can be relied on: min(1 − 1/log₁₀ S, 0.7).
    #[must_use]
    pub fn threshold(&self) -> f64 {
        (1.0 - 1.0 / (self.log_weights.len() as f64).log10()).min(0.7)
    }

    /// How many draws this k̂ asks for: 10^(1/(1 − max(k̂, 0))); ∞ for k̂ ≥ 1.
    #[must_use]
    pub fn draws_needed(&self) -> f64 {
        if self.k_hat < 1.0 { 10f64.powf(1.0 / (1.0 - self.k_hat.max(0.0))) } else { f64::INFINITY }
    }

    /// What to make of it, in a sentence.
    #[must_use]
    pub fn advice(&self) -> String {
        let (k, draws) = (self.k_hat, self.log_weights.len());
        if k == f64::NEG_INFINITY {
            "q is the posterior itself as far as these draws can tell: every draw has the same weight"
                .to_owned()
        } else if k == f64::INFINITY {
            format!("nothing can be said of q: the tail of {draws} draws is too short, take 100 at least")
        } else if k >= 1.0 {
            format!(
                "q is not to be trusted: k̂ = {k:.2} ≥ 1, so the ratios have not even a mean; it misses where the posterior is, \
                 and a richer family or fewer blocks are needed"
            )
        } else if k > 0.7 {
            format!(
                "q is not to be trusted: k̂ = {k:.2} > 0.7, it is much narrower than the posterior somewhere; means may still be \
                 close, but spreads and intervals are not"
            )
        } else if k > self.threshold() {
            format!(
                "too few draws to judge q: k̂ = {k:.2} is above {:.2}, the limit for {draws} draws; take {:.0} at least",
                self.threshold(),
                self.draws_needed().ceil()
            )
        } else if k > 0.5 {
            format!(
                "q is usable: k̂ = {k:.2} is between 0.5 and 0.7, it is narrower than the posterior somewhere; weighted means are \
                 reliable, unweighted spreads are too small"
            )
        } else {
            format!("q is close to the posterior: k̂ = {k:.2} < 0.5, and weighted means are reliable")
        }
    }
}

/// Replaces the upper tail of log weights, of which the largest is 0, by quantiles of the law fitted to it, and gives its shape.
fn smooth_tail(log_weights: &mut [f64]) -> f64 {
    let draws = log_weights.len();
    if log_weights.iter().all(|w| *w >= -EQUAL) {
        return f64::NEG_INFINITY;
    }
    let mut order: Vec<usize> = (0..draws).collect();
    order.sort_by(|&a, &b| log_weights[a].total_cmp(&log_weights[b]));
    let size = (draws as f64 / 5.0).min(3.0 * (draws as f64).sqrt()).ceil() as usize;
    if size >= draws {
        return f64::INFINITY;
    }
    let log_cutoff = log_weights[order[draws - size - 1]].max(f64::MIN_POSITIVE.ln());
    // Draws that equal the cutoff are not in the tail.
    let above = order.iter().position(|&n| log_weights[n] > log_cutoff).unwrap_or(draws);
    let tail = &order[above..];
    if tail.is_empty() || log_cutoff >= -EQUAL {
        return f64::NEG_INFINITY;
    }
    if tail.len() < LEAST_TAIL {
        return f64::INFINITY;
    }
    let cutoff = log_cutoff.exp();
    // e^w − e^cutoff, which does not cancel where the two are close.
    let excess: Vec<f64> = tail.iter().map(|&n| cutoff * (log_weights[n] - log_cutoff).exp_m1()).collect();
    let fit = GeneralisedPareto::fit(&excess);
    if !(fit.k.is_finite() && fit.sigma.is_finite()) {
        return f64::INFINITY;
    }
    let size = tail.len() as f64;
    for (z, &n) in tail.iter().enumerate() {
        let smooth = cutoff + fit.quantile((z as f64 + 0.5) / size);
        log_weights[n] = smooth.ln().min(0.0);
    }
    fit.k
}

struct GeneralisedPareto {
    k: f64,
    sigma: f64,
}

impl GeneralisedPareto {
    /// Of positive numbers in increasing order, by the posterior mean of θ = −k/σ under the prior of Zhang & Stephens, with k̂ drawn
    /// towards ½ as by ten further draws.
    fn fit(x: &[f64]) -> Self {
        const PRIOR: f64 = 3.0;
        const PRIOR_DRAWS: f64 = 10.0;
        let n = x.len() as f64;
        let points = 30 + n.sqrt() as usize;
        let quartile = x[((n / 4.0 + 0.5) as usize).max(1) - 1];
        let largest = x[x.len() - 1];
        let shape = |theta: f64| x.iter().map(|x| (-theta * x).ln_1p()).sum::<f64>() / n;
        let thetas: Vec<f64> = (1..=points)
            .map(|j| 1.0 / largest + (1.0 - (points as f64 / (j as f64 - 0.5)).sqrt()) / (PRIOR * quartile))
            .collect();
        // The likelihood where σ = −k/θ, and k is the mean above.
        let log_likelihoods: Vec<f64> = thetas
            .iter()
            .map(|&theta| {
                let k = shape(theta);
                n * ((-theta / k).ln() - k - 1.0)
            })
            .collect();
        let norm = log_sum_exp(&log_likelihoods);
        let theta: f64 = thetas.iter().zip(&log_likelihoods).map(|(t, l)| t * (l - norm).exp()).sum();
        let k = shape(theta);
        let sigma = -k / theta;
        Self { k: (n * k + 0.5 * PRIOR_DRAWS) / (n + PRIOR_DRAWS), sigma }
    }

    /// σ ((1 − p)^(−k) − 1)/k, with its limit −σ log(1 − p) at k = 0.
    fn quantile(&self, p: f64) -> f64 {
        let log_tail = (-p).ln_1p();
        if self.k == 0.0 {
            -self.sigma * log_tail
        } else {
            self.sigma * (-self.k * log_tail).exp_m1() / self.k
        }
    }
}
