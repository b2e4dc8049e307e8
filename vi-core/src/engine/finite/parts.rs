//! A step as one latent after another: what is summed over and what comes in its place, while the others are carried along.
//!
//! A state that two neighbours share by a number of digits, such as (z\[t−1\], z\[t−2\]) and (z\[t\], z\[t−1\]), has as many transitions as
//! there are values of all digits together; and where a latent of the next unit depends on some digits of this one alone, the digits that
//! nothing else reads can be summed over before the others are looked at:
//!
//! ```text
//! one part     out[kept, new] = Σ over lost of in[kept, lost] · weight[kept, lost, new]
//! cost         kept · lost · new instead of (kept · lost)(kept · new)
//! ```

/// A digit of the states of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Digit {
    /// Its number of values.
    pub extent: usize,
    /// Its place among the digits of the unit before, if it is one of them.
    pub before: Option<usize>,
    /// Its place among the digits of the unit itself, if it is one of them.
    pub after: Option<usize>,
}

/// One part of a step: blocks of rows and columns, the digits that are kept outside.
///
/// Its weights are `blocks × rows × cols`; a position of what comes in is (block, row), of what goes out (block, column).
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Part {
    pub(crate) blocks: usize,
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    /// Those that are kept, then those that are summed over, then those that come in.
    digits: Vec<Digit>,
    kept: usize,
    lost: usize,
    /// Where what comes in at (block, row) stands in what went out of the part before, or among the states of the unit before; `None`: as it is.
    pub(crate) from: Option<Vec<usize>>,
    /// Where the weights of this part begin among those of the step.
    pub(crate) start: usize,
}

impl Part {
    /// A part by its digits: the first are kept, the next are summed over, the others come in.
    #[must_use]
    pub fn new(kept: usize, lost: usize, digits: Vec<Digit>) -> Self {
        let product = |digits: &[Digit]| digits.iter().map(|d| d.extent).product();
        let (blocks, rows) = (product(&digits[..kept]), product(&digits[kept..kept + lost]));
        let cols = product(&digits[kept + lost..]);
        Part { blocks, rows, cols, digits, kept, lost, from: None, start: 0 }
    }

    /// Number of weights.
    pub(crate) fn len(&self) -> usize {
        self.blocks * self.rows * self.cols
    }

    pub(crate) fn inward(&self) -> usize {
        self.blocks * self.rows
    }

    pub(crate) fn outward(&self) -> usize {
        self.blocks * self.cols
    }

    fn coming_in(&self) -> &[Digit] {
        &self.digits[..self.kept + self.lost]
    }

    fn going_out(&self) -> Vec<Digit> {
        [&self.digits[..self.kept], &self.digits[self.kept + self.lost..]].concat()
    }
}

/// The parts of a step, in order.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Parts {
    states: usize,
    each: Vec<Part>,
    /// Where each state of the unit stands in what goes out of the last part; `None`: as it is.
    end: Option<Vec<usize>>,
}

impl Parts {
    /// A step from any state to any other.
    #[must_use]
    pub fn dense(states: usize) -> Self {
        let digit = |before, after| Digit { extent: states, before, after };
        let part = Part::new(0, 1, vec![digit(Some(0), None), digit(None, Some(0))]);
        Parts { states, each: vec![part], end: None }
    }

    /// A step in these parts, the first of which takes all digits of the unit before and the last of which gives all of the unit's own.
    #[must_use]
    pub fn new(states: usize, mut each: Vec<Part>) -> Self {
        let mut digits: Vec<Digit> = each.first().map_or(vec![], |p| p.coming_in().to_vec());
        digits.sort_by_key(|d| d.before);
        let mut start = 0;
        for part in &mut each {
            part.from = places(part.coming_in(), &digits);
            part.start = start;
            start += part.len();
            digits = part.going_out();
        }
        let mut own = digits.clone();
        own.sort_by_key(|d| d.after);
        let end = places(&own, &digits);
        Parts { states, each, end }
    }

    /// Joint states of a unit.
    pub(crate) fn states(&self) -> usize {
        self.states
    }

    /// Number of weights of a step.
    #[must_use]
    pub fn len(&self) -> usize {
        self.each.iter().map(Part::len).sum()
    }

    /// Whether there is no state.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn each(&self) -> &[Part] {
        &self.each
    }

    pub(crate) fn end(&self) -> Option<&[usize]> {
        self.end.as_deref()
    }

    /// Whether the step is one matrix between the states as they are.
    pub(crate) fn is_dense(&self) -> bool {
        matches!(self.each.as_slice(), [p] if p.blocks == 1 && p.from.is_none()) && self.end.is_none()
    }

    /// Whether a digit of the unit before is one of the unit's own: most transitions are none.
    pub(crate) fn shares_digits(&self) -> bool {
        self.each.iter().flat_map(|p| &p.digits).any(|d| d.before.is_some() && d.after.is_some())
    }

    /// Digits of both units that stay in their place: how many joint values they have, and the value that belongs to each state of a unit.
    pub(crate) fn lasting(&self) -> Option<(usize, Vec<usize>)> {
        let digits = || self.each.iter().flat_map(|p| &p.digits);
        let mut places: Vec<usize> =
            digits().filter(|d| d.before == d.after).filter_map(|d| d.after).collect();
        places.sort_unstable();
        places.dedup();
        if places.is_empty() {
            return None;
        }
        let extents = self.extents(|d| d.after);
        let value = |state: usize| {
            let digits = digits_of(state, &extents);
            places.iter().fold(0, |all, place| all * extents[*place] + digits[*place])
        };
        let values = places.iter().map(|place| extents[*place]).product();
        Some((values, (0..self.states).map(value).collect()))
    }

    /// The largest number of states between parts.
    pub(crate) fn widest(&self) -> usize {
        self.each.iter().flat_map(|p| [p.inward(), p.outward()]).max().unwrap_or(0)
    }

    /// Adds the joint probabilities of all parts where both units are independent of one another.
    pub(crate) fn add_independent(&self, before: &[f64], after: &[f64], sums: &mut [f64]) {
        for part in &self.each {
            let first = marginal(before, &self.extents(|d| d.before), &part.digits, |d| d.before);
            let second: Vec<f64> = marginal(after, &self.extents(|d| d.after), &part.digits, |d| {
                // A digit of both is that of the unit before.
                if d.before.is_some() { None } else { d.after }
            });
            let sums = &mut sums[part.start..][..part.len()];
            for (n, sum) in sums.iter_mut().enumerate() {
                let at = |of: &dyn Fn(&Digit) -> bool| place(n, &part.digits, of);
                *sum += first[at(&|d| d.before.is_some())] * second[at(&|d| d.before.is_none())];
            }
        }
    }

    /// Extents of the digits of one of the units, in their order.
    fn extents(&self, of: impl Fn(&Digit) -> Option<usize>) -> Vec<usize> {
        let mut out: Vec<(usize, usize)> =
            self.each.iter().flat_map(|p| &p.digits).filter_map(|d| Some((of(d)?, d.extent))).collect();
        out.sort_unstable();
        out.dedup();
        out.into_iter().map(|(_, extent)| extent).collect()
    }

    /// The logarithms of the weights between all states of the unit before and all of the unit, from those of the parts.
    pub(crate) fn expand(&self, log: &[f64]) -> Vec<f64> {
        let states = self.states;
        (0..states * states).map(|n| self.log_weight(log, n / states, n % states)).collect()
    }

    /// The logarithm of the weight of one state after another, from those of the parts.
    pub(crate) fn log_weight(&self, log: &[f64], before: usize, after: usize) -> f64 {
        let j = digits_of(before, &self.extents(|d| d.before));
        let k = digits_of(after, &self.extents(|d| d.after));
        let mut total = 0.0;
        for part in &self.each {
            let mut n = 0;
            for d in &part.digits {
                let (own, later) = (d.before.map(|b| j[b]), d.after.map(|a| k[a]));
                if own.is_some() && later.is_some() && own != later {
                    return f64::NEG_INFINITY;
                }
                n = n * d.extent + own.or(later).unwrap_or(0);
            }
            total += log[part.start + n];
        }
        total
    }
}

/// The values of the digits of a state, the last of which varies fastest.
fn digits_of(mut n: usize, extents: &[usize]) -> Vec<usize> {
    let mut out = vec![0; extents.len()];
    for (value, extent) in out.iter_mut().zip(extents).rev() {
        *value = n % extent.max(&1);
        n /= extent.max(&1);
    }
    out
}

/// Where each state, by its digits in one order, stands among the states by the same digits in another; `None` where the orders are one.
fn places(wanted: &[Digit], given: &[Digit]) -> Option<Vec<usize>> {
    if wanted == given {
        return None;
    }
    let extents: Vec<usize> = wanted.iter().map(|d| d.extent).collect();
    let states = extents.iter().product();
    let value = |n: usize, d: &Digit| {
        let at = wanted.iter().position(|w| w == d);
        at.map_or(0, |at| digits_of(n, &extents)[at])
    };
    Some((0..states).map(|n| given.iter().fold(0, |all, d| all * d.extent + value(n, d))).collect())
}

/// The place of a joint value among those of some digits.
fn place(n: usize, digits: &[Digit], of: &dyn Fn(&Digit) -> bool) -> usize {
    let extents: Vec<usize> = digits.iter().map(|d| d.extent).collect();
    let values = digits_of(n, &extents);
    let chosen = digits.iter().zip(values).filter(|(d, _)| of(d));
    chosen.fold(0, |all, (d, value)| all * d.extent + value)
}

/// The law of those digits of a part that are digits of a unit, in the order of the part.
fn marginal(
    law: &[f64],
    extents: &[usize],
    digits: &[Digit],
    of: impl Fn(&Digit) -> Option<usize>,
) -> Vec<f64> {
    let chosen: Vec<(usize, usize)> = digits.iter().filter_map(|d| Some((of(d)?, d.extent))).collect();
    let mut out = vec![0.0; chosen.iter().map(|c| c.1).product()];
    for (n, p) in law.iter().enumerate() {
        let values = digits_of(n, extents);
        out[chosen.iter().fold(0, |all, (at, extent)| all * extent + values[*at])] += p;
    }
    out
}
