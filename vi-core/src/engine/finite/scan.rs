//! Latents along an axis, each joined to the one before.
//!
//! ```text
//! p(z, x) = Πₜ exp(log_potential[t, z[t]]) · Πₜ₌₁ factor[z[t−1], z[t]]
//! α[t, k] = log_potential[t, k] + log ⊕ⱼ exp(α[t−1, j]) factor[j, k]                 moved so that its largest entry is 0
//! p(z[t] = j | z[t+1] = k, x) ∝ exp(α[t, j]) factor[j, k]                            mixed, maximised or drawn, backwards
//! ```
//!
//! A chain of order two or more is a chain whose states are tuples, and its steps go in [parts](super::parts). Cost: T times the number of
//! weights of a step, T·K² for a chain of order one; memory T·K; nothing is allocated inside the loop over t.

use super::factors::Factors;
use super::messages::{self, Total};
use super::steps::Steps;
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

impl Chain<'_> {
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
}

/// What the eliminations of a chain write on; it grows to the longest sequence and can be used for any number of them.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    /// α, step by step.
    messages: Vec<f64>,
    steps: Steps,
}

/// A table of joint probabilities of neighbours, to which those of a chain are added.
#[derive(Debug)]
pub struct Pairs<'a> {
    /// Shaped like the factors: `[which, j, k]` gains Σₜ p(z\[t−1\] = j, z\[t\] = k | x), and the same of every part of a step.
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
        self.steps.resize(factors);
        let mut moved = message.to_vec();
        let shift = messages::raise(&mut moved);
        let shift = shift + self.steps.forward::<Sum>(&moved, factors, which, out);
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
                    let size = chain.factors.parts().len();
                    (Some(&mut p.sums[chain.index(t) * size..][..size]), p.copies)
                }
            };
            let (out, after) = (&mut before[(t - 1) * states..], &after[..states]);
            self.steps.backward(message, chain.factors, chain.index(t), after, out, table, copies);
        }
        Ok(total)
    }

    /// p(z\[t−1\] = j, z\[t\] = k | x) of one step (`states × states`), for t ≥ 1.
    ///
    /// # Errors
    /// See [`filter`](Self::filter).
    pub fn pair(&mut self, chain: &Chain<'_>, t: usize) -> Result<Vec<f64>, Failure> {
        let (states, len) = (chain.factors.states(), chain.len());
        let mut marginals = vec![0.0; len * states];
        self.smooth(chain, &mut marginals, None)?;
        let step = Factors::from_logs(states, chain.factors.expanded(chain.index(t)));
        let (mut before, mut out) = (vec![0.0; states], vec![0.0; states * states]);
        let (message, after) =
            (&self.messages[(t - 1) * states..][..states], &marginals[t * states..][..states]);
        self.steps.resize(&step);
        self.steps.backward(message, &step, 0, after, &mut before, Some(&mut out), 1.0);
        Ok(out)
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
        let (states, len) = (chain.factors.states(), chain.len());
        for t in (0..len).rev() {
            let message = &self.messages[t * states..][..states];
            path[t] = if t + 1 == len {
                let weights = &mut self.steps.desk.column[..states];
                weights.copy_from_slice(message);
                choice.choose(weights)
            } else {
                self.steps.choose(choice, message, chain.factors, chain.index(t + 1), path[t + 1])
            };
        }
        Ok(total)
    }

    /// α of every step, and log ⊕ over all paths.
    fn forward<S: Semiring>(&mut self, chain: &Chain<'_>) -> Result<f64, Failure> {
        let (states, len) = (chain.factors.states(), chain.len());
        self.steps.resize(chain.factors);
        self.messages.resize(self.messages.len().max(len * states), 0.0);
        let mut total = Total::default();
        for t in 0..len {
            let potential = &chain.log_potential[t * states..][..states];
            let (before, now) = self.messages.split_at_mut(t * states);
            let now = &mut now[..states];
            if t == 0 {
                now.copy_from_slice(potential);
            } else {
                let before = &before[(t - 1) * states..];
                total.add(self.steps.forward::<S>(before, chain.factors, chain.index(t), now));
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
