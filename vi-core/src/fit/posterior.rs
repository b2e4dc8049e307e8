//! Posteriors of finite latents.

use super::paths::{Path, Paths};
use crate::Error;
use crate::engine::finite::{Choice, Max};
use nalgebra::DMatrix;
use std::sync::Arc;

/// q of an array of categories: one probability vector for each element, and, where elements follow one another along an axis or on a tree,
/// their joint law. Elsewhere they are independent.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Categories {
    states: usize,
    /// Element by element.
    probs: Vec<f64>,
    /// The joint laws of consecutive elements; none where elements are independent.
    joint: Vec<Joint>,
}

/// A digit of the joint states of a law.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Joint {
    law: Arc<Paths>,
    /// Joint states behind the digit.
    inner: usize,
    extent: usize,
}

impl Joint {
    fn value(&self, state: usize) -> usize {
        state / self.inner.max(1) % self.extent.max(1)
    }
}

impl Categories {
    /// One row of probabilities for each element; a row is normalised if it does not sum to 1.
    #[must_use]
    pub fn from_probs(probs: &DMatrix<f64>) -> Self {
        let mut out =
            Categories { states: probs.ncols(), probs: Vec::with_capacity(probs.len()), joint: vec![] };
        for row in probs.row_iter() {
            let total: f64 = row.iter().sum();
            out.probs.extend(row.iter().map(|p| if total > 0.0 { p / total } else { *p }));
        }
        out
    }

    /// Every element on one category.
    #[must_use]
    pub fn one_hot(values: &[usize], states: usize) -> Self {
        let mut probs = vec![0.0; values.len() * states];
        for (n, v) in values.iter().enumerate() {
            if *v < states {
                probs[n * states + v] = 1.0;
            }
        }
        Categories { states, probs, joint: vec![] }
    }

    /// From element-by-element probabilities that sum to 1 already.
    #[must_use]
    pub fn from_rows(states: usize, probs: Vec<f64>) -> Self {
        Categories { states, probs, joint: vec![] }
    }

    /// From probabilities and the joint laws of consecutive elements.
    pub(super) fn from_paths(states: usize, probs: Vec<f64>, laws: Vec<Paths>) -> Self {
        let joint = |law: Paths| Joint { law: Arc::new(law), inner: 1, extent: states };
        Categories { states, probs, joint: laws.into_iter().map(joint).collect() }
    }

    /// The joint laws of consecutive elements.
    pub(super) fn laws(&self) -> impl Iterator<Item = &Paths> {
        self.joint.iter().map(|j| &*j.law)
    }

    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.probs.len().checked_div(self.states).unwrap_or(0)
    }

    /// Whether there are none; so it is when locals were not kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.probs.is_empty()
    }

    /// Number of categories.
    #[must_use]
    pub fn states(&self) -> usize {
        self.states
    }

    /// q(z\[n\] = ·)
    ///
    /// # Panics
    /// If `n` is not an element.
    #[must_use]
    pub fn probs(&self, n: usize) -> &[f64] {
        &self.probs[n * self.states..][..self.states]
    }

    /// q(z\[n\] = 1): for a Bool.
    ///
    /// # Panics
    /// If `n` is not an element or there is one category only.
    #[must_use]
    pub fn prob(&self, n: usize) -> f64 {
        self.probs(n)[1]
    }

    /// The category of largest probability, the first of equals.
    ///
    /// # Panics
    /// If `n` is not an element.
    #[must_use]
    pub fn most_likely(&self, n: usize) -> usize {
        let p = self.probs(n);
        (0..p.len()).fold(0, |best, k| if p[k] > p[best] { k } else { best })
    }

    /// The expected number of elements in each category.
    #[must_use]
    pub fn counts(&self) -> Vec<f64> {
        let mut out = vec![0.0; self.states];
        for n in 0..self.len() {
            for (o, p) in out.iter_mut().zip(self.probs(n)) {
                *o += p;
            }
        }
        out
    }

    /// The most likely values of all elements together, and their log-probability (Viterbi). Where elements are independent these are the
    /// most likely one by one. Where other categories are decided together with these, as those of a mixture inside each step are, the values
    /// are this array's part of the joint best of all of them: not of the best after the others are summed out.
    ///
    /// ```
    /// use vi_core::prelude::*;
    ///
    /// model! {
    ///     mod weather(K, V) {
    ///         param    start: Simplex[K];
    ///         param    trans[i in K]: Simplex[K];
    ///         param    emit[k in K]: Simplex[V];
    ///         latent   z[0]         ~ Categorical(start);
    ///         latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
    ///         observed w[t in T]    ~ Categorical(emit[z[t]]);
    ///     }
    /// }
    /// let params = weather::Params {
    ///     start: vec![0.6, 0.4].into(),
    ///     trans: vec![vec![0.7, 0.3].into(), vec![0.4, 0.6].into()],
    ///     emit: vec![vec![0.1, 0.4, 0.5].into(), vec![0.6, 0.3, 0.1].into()],
    /// };
    /// let fit = weather::Model::new(2, 3).infer(&weather::Data { w: (&[0, 1, 2]).into() }, &params)?;
    /// let path = fit.posterior.z.path()?;
    /// assert_eq!(path.states, [1, 0, 0]);
    /// assert!((path.log_joint.exp() - 0.01344).abs() < 1e-12);
    /// # Ok::<(), vi_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::LocalsNotKept`] if there is no q.
    pub fn path(&self) -> Result<Path, Error> {
        if self.states == 0 {
            return Err(not_kept());
        }
        let mut out = Path { states: vec![], log_probability: 0.0, log_joint: 0.0 };
        for j in &self.joint {
            let path = j.law.path()?;
            out.states.extend(path.states.iter().map(|s| j.value(*s)));
            out.log_probability += path.log_probability;
            out.log_joint += path.log_joint;
        }
        if self.joint.is_empty() {
            out.states = self.choose(&mut Max::default())?;
            out.log_probability = out.states.iter().enumerate().map(|(n, k)| self.probs(n)[*k].ln()).sum();
            out.log_joint = f64::NAN;
        }
        Ok(out)
    }

    /// Values of all elements together, drawn from q.
    ///
    /// # Errors
    /// [`Error::LocalsNotKept`] if there is no q.
    pub fn sample_path(&self, rng: &mut impl rand::Rng) -> Result<Vec<usize>, Error> {
        self.choose(&mut crate::engine::finite::Sample(rng))
    }

    /// q(z\[before n\] = j, z\[n\] = k), where `before n` is the element that n follows; zeros where it follows none. Elements that are
    /// independent follow none.
    ///
    /// # Panics
    /// If `n` is not an element.
    #[must_use]
    pub fn pair(&self, n: usize) -> DMatrix<f64> {
        assert!(n < self.len(), "no element {n}");
        let mut at = n;
        let mut out = DMatrix::zeros(self.states, self.states);
        for j in &self.joint {
            if at < j.law.len() {
                let joint = j.law.pair(at);
                for (a, row) in joint.row_iter().enumerate() {
                    for (b, p) in row.iter().enumerate() {
                        out[(j.value(a), j.value(b))] += p;
                    }
                }
                break;
            }
            at -= j.law.len();
        }
        out
    }

    /// All probabilities, one row for each element.
    #[must_use]
    pub fn to_matrix(&self) -> DMatrix<f64> {
        DMatrix::from_row_slice(self.len(), self.states, &self.probs)
    }

    /// The marginal of one of several categories that share a table. State s of the table is (…, value, …) with `inner` joint states behind it.
    #[must_use]
    pub fn marginal(&self, states: usize, inner: usize) -> Categories {
        let mut probs = vec![0.0; self.len() * states];
        for n in 0..self.len() {
            for (s, p) in self.probs(n).iter().enumerate() {
                probs[n * states + (s / inner.max(1)) % states] += p;
            }
        }
        let joint = self.joint.iter().map(|j| Joint { law: j.law.clone(), inner, extent: states }).collect();
        Categories { states, probs, joint }
    }

    /// Cuts the elements into rows of these lengths: an array over two indices.
    #[must_use]
    pub fn nested(&self, lengths: impl IntoIterator<Item = usize>) -> Vec<Categories> {
        let mut at = 0;
        let mut laws = self.joint.iter().peekable();
        lengths
            .into_iter()
            .map(|len| {
                let probs = self.probs[at * self.states..(at + len) * self.states].to_vec();
                at += len;
                let mut covered = 0;
                let mut joint = vec![];
                while let Some(j) = laws.next_if(|j| covered + j.law.len() <= len) {
                    covered += j.law.len();
                    joint.push(j.clone());
                    if covered == len {
                        break;
                    }
                }
                Categories { states: self.states, probs, joint }
            })
            .collect()
    }

    /// Cuts the elements into rows, of each of which only so many are elements: of a row without any there may be one that stands for it.
    #[must_use]
    pub fn nested_in(&self, lengths: impl IntoIterator<Item = (usize, usize)>) -> Vec<Categories> {
        let (lengths, all): (Vec<usize>, Vec<usize>) = lengths.into_iter().unzip();
        let none = Categories { states: self.states, probs: vec![], joint: vec![] };
        if self.is_empty() {
            return vec![none; all.len()];
        }
        self.nested(all)
            .into_iter()
            .zip(lengths)
            .map(|(row, len)| if len > 0 { row } else { none.clone() })
            .collect()
    }

    /// Of rows of these lengths the last element each: of what all elements of a row share, as much as is known.
    #[must_use]
    pub fn at_ends(&self, lengths: impl IntoIterator<Item = usize>) -> Categories {
        let mut end = 0;
        let mut probs = vec![];
        for len in lengths.into_iter().filter(|len| *len > 0) {
            end = (end + len).min(self.len());
            if end == 0 {
                break;
            }
            probs.extend_from_slice(self.probs(end - 1));
        }
        Categories { states: self.states, probs, joint: vec![] }
    }

    /// Puts the elements, in their order, where `exists` holds; what does not exist has NaN for its probabilities.
    #[must_use]
    pub fn spread(&self, exists: &[bool]) -> Categories {
        let mut probs = Vec::with_capacity(exists.len() * self.states);
        let mut rows = self.probs.chunks(self.states.max(1));
        for here in exists {
            match if *here { rows.next() } else { None } {
                Some(row) => probs.extend_from_slice(row),
                None => probs.extend(std::iter::repeat_n(f64::NAN, self.states)),
            }
        }
        Categories { states: self.states, probs, joint: vec![] }
    }

    /// Category k becomes what category `order[k]` was.
    pub fn relabel(&mut self, order: &[usize]) {
        for row in self.probs.chunks_mut(self.states.max(1)) {
            let old = row.to_vec();
            for (p, &k) in row.iter_mut().zip(order) {
                *p = old[k];
            }
        }
        for j in &mut self.joint {
            j.law = Arc::new(j.law.relabelled(order, j.inner));
        }
    }

    /// The same for a table of several categories: the one with `inner` joint states behind it is renamed.
    pub fn relabel_digit(&mut self, order: &[usize], inner: usize) {
        let (inner, extent) = (inner.max(1), order.len().max(1));
        for row in self.probs.chunks_mut(self.states.max(1)) {
            let old = row.to_vec();
            for (s, p) in row.iter_mut().enumerate() {
                let digit = s / inner % extent;
                *p = old[s - digit * inner + order[digit] * inner];
            }
        }
        for j in &mut self.joint {
            j.law = Arc::new(j.law.relabelled(order, inner));
        }
    }

    /// One category for each element, as the semiring chooses.
    ///
    /// # Errors
    /// [`Error::LocalsNotKept`] if there is no q.
    pub fn choose(&self, choice: &mut impl Choice) -> Result<Vec<usize>, Error> {
        if self.states == 0 {
            return Err(not_kept());
        }
        if !self.joint.is_empty() {
            let mut out = Vec::with_capacity(self.len());
            for j in &self.joint {
                out.extend(j.law.choose(choice)?.0.into_iter().map(|s| j.value(s)));
            }
            return Ok(out);
        }
        Ok((0..self.len()).map(|n| choice.choose_by_weight(self.probs(n))).collect())
    }

    /// Draws every element by its own probabilities.
    #[must_use]
    pub fn sample(&self, rng: &mut impl rand::Rng) -> Vec<usize> {
        (0..self.len()).map(|n| crate::rng::categorical(rng, self.probs(n))).collect()
    }
}

/// [`Categories::choose`] for every row of an array over two indices.
///
/// # Errors
/// [`Error::LocalsNotKept`] if there is no q.
pub fn choose_rows(rows: &[Categories], choice: &mut impl Choice) -> Result<Vec<Vec<usize>>, Error> {
    if rows.is_empty() {
        return Err(not_kept());
    }
    rows.iter().map(|row| row.choose(choice)).collect()
}

/// Whether there is a q to choose from.
///
/// # Errors
/// [`Error::LocalsNotKept`] if there is none.
pub fn is_kept<Q>(q: &[Q]) -> Result<(), Error> {
    if q.is_empty() { Err(not_kept()) } else { Ok(()) }
}

fn not_kept() -> Error {
    Error::LocalsNotKept { what: "a choice of latents".into() }
}
