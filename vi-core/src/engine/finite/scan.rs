//! Latents along an axis, each joined to the one before.
//!
//! ```text
//! p(z, x) = Πₜ exp(log_potential[t, z[t]]) · Πₜ₌₁ factor[z[t−1], z[t]]
//! α[t, k] = log_potential[t, k] + log ⊕ⱼ exp(α[t−1, j]) factor[j, k]                 moved so that its largest entry is 0
//! p(z[t] = j | z[t+1] = k, x) ∝ exp(α[t, j]) factor[j, k]                            mixed, maximised or drawn, backwards
//! ```
//!
//! A chain of order two or more is a chain whose states are tuples. Cost T·K², memory T·K; nothing is allocated inside the loop over t.

use super::factors::{Factor, Factors};
use super::messages::{self, Desk, Total};
use super::semiring::Step;
use super::{Choice, Failure, Max, Sample, Semiring, Sum};

/// One sequence.
#[derive(Clone, Copy, Debug)]
pub struct Chain<'a> {
    /// `T × states`, a step's states side by side. Step 0 holds the law of the first state as well.
    pub log_potential: &'a [f64],
    /// The transitions.
    pub factors: &'a Factors,
    /// Which of the factors leads to step t, for t ≥ 1; `None`: the only one.
    pub which: Option<&'a [usize]>,
}

impl<'a> Chain<'a> {
    /// Number of steps.
    #[must_use]
    pub fn len(&self) -> usize {
        self.log_potential.len().checked_div(self.factors.states()).unwrap_or(0)
    }

    /// Whether there are none; then there is nothing to eliminate and every total is 0.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn index(&self, t: usize) -> usize {
        self.which.map_or(0, |w| w[t])
    }

    fn factor(&self, t: usize) -> Factor<'a> {
        self.factors.at(self.index(t))
    }
}

/// What the eliminations of a chain write on; it grows to the longest sequence and can be used for any number of them.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    /// α, step by step.
    messages: Vec<f64>,
    desk: Desk,
}

/// A table of joint probabilities of neighbours, to which those of a chain are added.
#[derive(Debug)]
pub struct Pairs<'a> {
    /// Shaped like the factors: `[which, j, k]` gains Σₜ p(z\[t−1\] = j, z\[t\] = k | x).
    pub sums: &'a mut [f64],
    /// Every chain counts this often.
    pub copies: f64,
}

impl Workspace {
    /// log p(x), and for every t the filtered p(z\[t\] | x\[0..=t\]) in `filtered` (`T × states`).
    ///
    /// # Errors
    /// [`Failure`], naming the first t that the steps before it make impossible.
    pub fn filter(&mut self, chain: &Chain<'_>, filtered: &mut [f64]) -> Result<f64, Failure> {
        let total = self.forward::<Sum>(chain)?;
        let states = chain.factors.states();
        for t in 0..chain.len() {
            let step = &mut filtered[t * states..][..states];
            step.copy_from_slice(&self.messages[t * states..][..states]);
            messages::normalise(step);
        }
        Ok(total)
    }

    /// One step ahead: `out[k] = log Σⱼ exp(message[j]) factor[j, k]` of the factor with this number.
    pub fn predict(&mut self, message: &[f64], factors: &Factors, which: usize, out: &mut [f64]) {
        self.desk.resize(factors.states());
        let largest = message.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let shift = if largest.is_finite() { largest } else { 0.0 };
        let moved: Vec<f64> = message.iter().map(|m| m - shift).collect();
        Sum::over_rows(&moved, Step(factors.at(which)), &mut self.desk, out);
        out.iter_mut().for_each(|o| *o += shift);
    }

    /// log p(x).
    ///
    /// # Errors
    /// See [`filter`](Self::filter).
    pub fn log_evidence(&mut self, chain: &Chain<'_>) -> Result<f64, Failure> {
        self.forward::<Sum>(chain)
    }

    /// log p(x), for every t the smoothed p(z\[t\] | x) in `marginals` (`T × states`), and the sums of pairs where they are asked for.
    ///
    /// # Errors
    /// See [`filter`](Self::filter).
    pub fn smooth(
        &mut self,
        chain: &Chain<'_>,
        marginals: &mut [f64],
        mut pairs: Option<Pairs<'_>>,
    ) -> Result<f64, Failure> {
        let total = self.forward::<Sum>(chain)?;
        let (states, len) = (chain.factors.states(), chain.len());
        if len == 0 {
            return Ok(total);
        }
        let last = &mut marginals[(len - 1) * states..][..states];
        last.copy_from_slice(&self.messages[(len - 1) * states..][..states]);
        messages::normalise(last);
        for t in (1..len).rev() {
            let (before, after) = marginals[..(t + 1) * states].split_at_mut(t * states);
            let message = &self.messages[(t - 1) * states..][..states];
            let (table, copies) = match &mut pairs {
                None => (None, 1.0),
                Some(p) => {
                    let size = states * states;
                    (Some(&mut p.sums[chain.index(t) * size..][..size]), p.copies)
                }
            };
            let out = &mut before[(t - 1) * states..];
            self.desk.condition_on_columns(message, chain.factor(t), after, out, table, copies);
        }
        Ok(total)
    }

    /// The most likely path, and log p(x, path).
    ///
    /// # Errors
    /// See [`filter`](Self::filter).
    pub fn most_likely(&mut self, chain: &Chain<'_>, path: &mut [usize]) -> Result<f64, Failure> {
        self.choose(chain, &mut Max::default(), path)
    }

    /// log p(x), and a path drawn from p(z | x).
    ///
    /// # Errors
    /// See [`filter`](Self::filter).
    pub fn sample(
        &mut self,
        chain: &Chain<'_>,
        rng: &mut impl rand::Rng,
        path: &mut [usize],
    ) -> Result<f64, Failure> {
        self.choose(chain, &mut Sample(rng), path)
    }

    /// What the semiring chooses: forward with ⊕, then one state after another, last first; and log ⊕ over all paths.
    ///
    /// # Errors
    /// See [`filter`](Self::filter).
    pub fn choose<C: Choice>(
        &mut self,
        chain: &Chain<'_>,
        choice: &mut C,
        path: &mut [usize],
    ) -> Result<f64, Failure> {
        let total = self.forward::<C>(chain)?;
        let states = chain.factors.states();
        let weights = &mut self.desk.column;
        let mut after: Option<usize> = None;
        for t in (0..chain.len()).rev() {
            weights.copy_from_slice(&self.messages[t * states..][..states]);
            if let Some(k) = after {
                let logs = chain.factor(t + 1).log_column(k);
                weights.iter_mut().zip(logs).for_each(|(w, log)| *w += log);
            }
            path[t] = choice.choose(weights);
            after = Some(path[t]);
        }
        Ok(total)
    }

    /// α of every step, and log ⊕ over all paths.
    fn forward<S: Semiring>(&mut self, chain: &Chain<'_>) -> Result<f64, Failure> {
        let (states, len) = (chain.factors.states(), chain.len());
        self.desk.resize(states);
        self.messages.resize(self.messages.len().max(len * states), 0.0);
        let mut total = Total::default();
        for t in 0..len {
            let potential = &chain.log_potential[t * states..][..states];
            let (before, now) = self.messages.split_at_mut(t * states);
            let now = &mut now[..states];
            if t == 0 {
                now.copy_from_slice(potential);
            } else {
                S::over_rows(&before[(t - 1) * states..], Step(chain.factor(t)), &mut self.desk, now);
                now.iter_mut().zip(potential).for_each(|(m, p)| *m += p);
            }
            total.add(messages::settle(now, t)?);
        }
        if len > 0 {
            total.add(S::total(&self.messages[(len - 1) * states..][..states]));
        }
        Ok(total.value())
    }
}
