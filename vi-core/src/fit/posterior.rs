//! Posteriors of finite latents.

use crate::Error;
use crate::engine::finite::Choice;
use nalgebra::DMatrix;

/// q of an array of categories: one probability vector for each element.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Categories {
    states: usize,
    /// Element by element.
    probs: Vec<f64>,
}

impl Categories {
    /// One row of probabilities for each element; a row is normalised if it does not sum to 1.
    #[must_use]
    pub fn from_probs(probs: &DMatrix<f64>) -> Self {
        let mut out = Categories { states: probs.ncols(), probs: Vec::with_capacity(probs.len()) };
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
        Categories { states, probs }
    }

    /// From element-by-element probabilities that sum to 1 already.
    #[must_use]
    pub fn from_rows(states: usize, probs: Vec<f64>) -> Self {
        Categories { states, probs }
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
        Categories { states, probs }
    }

    /// Cuts the elements into rows of these lengths: an array over two indices.
    #[must_use]
    pub fn nested(&self, lengths: impl IntoIterator<Item = usize>) -> Vec<Categories> {
        let mut at = 0;
        lengths
            .into_iter()
            .map(|len| {
                let probs = self.probs[at * self.states..(at + len) * self.states].to_vec();
                at += len;
                Categories { states: self.states, probs }
            })
            .collect()
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
        Categories { states: self.states, probs }
    }

    /// Category k becomes what category `order[k]` was.
    pub fn relabel(&mut self, order: &[usize]) {
        for row in self.probs.chunks_mut(self.states.max(1)) {
            let old = row.to_vec();
            for (p, &k) in row.iter_mut().zip(order) {
                *p = old[k];
            }
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
    }

    /// One category for each element, as the semiring chooses.
    ///
    /// # Errors
    /// [`Error::LocalsNotKept`] if there is no q.
    pub fn choose(&self, choice: &mut impl Choice) -> Result<Vec<usize>, Error> {
        if self.states == 0 {
            return Err(not_kept());
        }
        Ok((0..self.len()).map(|n| choice.choose_by_weight(self.probs(n))).collect())
    }

    /// Draws every element.
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
