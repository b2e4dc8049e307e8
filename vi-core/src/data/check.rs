//! Whether data, constants and params lie where their types say, and whether extents that are one size agree.
//!
//! Each function returns the first element in the order of the index that breaks the rule, as an [`Error`] that names it.

use super::{Datum, Elements, View1, View2};
use crate::error::{Error, Mismatch};
use std::fmt;
use std::ops::{Bound, ControlFlow};

/// An array as its elements are written: the first `plates` indices in one bracket, those of a vector or matrix in the next.
///
/// ```
/// use vi_core::data::check::Name;
///
/// assert_eq!(Name::new("x", 2).element(&[3, 1]), "x[3, 1]");
/// assert_eq!(Name::new("x", 1).element(&[3, 1]), "x[3][1]");
/// assert_eq!(Name::new("P", 0).element(&[0, 1]), "P[0, 1]");
/// assert_eq!(Name::new("s", 0).element(&[]), "s");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name<'a> {
    variable: &'a str,
    plates: usize,
}

impl<'a> Name<'a> {
    /// The array `variable` with so many indices in its first bracket.
    pub fn new(variable: &'a str, plates: usize) -> Name<'a> {
        Name { variable, plates }
    }

    /// The element at `index`; an index that stops early names a slice.
    pub fn element(&self, index: &[usize]) -> String {
        let (plates, event) = index.split_at(self.plates.min(index.len()));
        let mut element = self.variable.to_string();
        for bracket in [plates, event] {
            if !bracket.is_empty() {
                let indices: Vec<String> = bracket.iter().map(usize::to_string).collect();
                element.push_str(&format!("[{}]", indices.join(", ")));
            }
        }
        element
    }

    /// The error of an element whose value breaks a rule.
    #[cold]
    fn violates(&self, index: &[usize], value: impl fmt::Debug, rule: impl fmt::Display) -> Error {
        Error::Domain {
            variable: self.variable.to_string(),
            element: self.element(index),
            value: format!("{value:?}"),
            rule: rule.to_string(),
        }
    }
}

/// A set of values. Its `Display` completes «x\[3\] is 5, but …», beginning with «must».
pub trait Rule<T>: fmt::Display {
    /// Whether `value` lies in the set.
    fn holds(&self, value: T) -> bool;

    /// Whether all of them do.
    fn holds_all(&self, values: &[T]) -> bool
    where
        T: Copy,
    {
        values.iter().all(|value| self.holds(*value))
    }
}

/// The finite reals between two bounds. NaN and the infinities are in no interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower bound.
    pub min: Bound<f64>,
    /// The upper bound.
    pub max: Bound<f64>,
}

impl Interval {
    /// ℝ
    pub const REAL: Interval = Interval { min: Bound::Unbounded, max: Bound::Unbounded };
    /// (0, ∞)
    pub const POSITIVE: Interval = Interval { min: Bound::Excluded(0.0), max: Bound::Unbounded };
    /// \[0, ∞)
    pub const NON_NEGATIVE: Interval = Interval { min: Bound::Included(0.0), max: Bound::Unbounded };
    /// \[0, 1\]
    pub const UNIT: Interval = Interval { min: Bound::Included(0.0), max: Bound::Included(1.0) };
    /// (0, 1)
    pub const OPEN_UNIT: Interval = Interval { min: Bound::Excluded(0.0), max: Bound::Excluded(1.0) };

    /// The part of it at or above `min`: the bound of `Positive(min: 1e-6)`.
    pub fn at_least(self, min: f64) -> Interval {
        let keep = match self.min {
            Bound::Unbounded => false,
            Bound::Included(known) => known >= min,
            Bound::Excluded(known) => known >= min,
        };
        if keep { self } else { Interval { min: Bound::Included(min), ..self } }
    }

    /// The part of it at or below `max`.
    pub fn at_most(self, max: f64) -> Interval {
        let keep = match self.max {
            Bound::Unbounded => false,
            Bound::Included(known) => known <= max,
            Bound::Excluded(known) => known <= max,
        };
        if keep { self } else { Interval { max: Bound::Included(max), ..self } }
    }
}

impl Rule<f64> for Interval {
    #[inline]
    fn holds(&self, value: f64) -> bool {
        let above = match self.min {
            Bound::Unbounded => true,
            Bound::Included(min) => value >= min,
            Bound::Excluded(min) => value > min,
        };
        let below = match self.max {
            Bound::Unbounded => true,
            Bound::Included(max) => value <= max,
            Bound::Excluded(max) => value < max,
        };
        value.is_finite() && above && below
    }

    fn holds_all(&self, values: &[f64]) -> bool {
        let low = match self.min {
            Bound::Unbounded => f64::MIN,
            Bound::Included(min) => min,
            Bound::Excluded(min) => min.next_up(),
        };
        let high = match self.max {
            Bound::Unbounded => f64::MAX,
            Bound::Included(max) => max,
            Bound::Excluded(max) => max.next_down(),
        };
        // Of finite numbers alone. A bound that is NaN leaves none, as it does one by one.
        let (low, high) =
            (if low < f64::MIN { f64::MIN } else { low }, if high > f64::MAX { f64::MAX } else { high });
        crate::tile::all_within(values, low, high)
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let low = match self.min {
            Bound::Unbounded => None,
            Bound::Included(min) => Some(("≥", "[", min)),
            Bound::Excluded(min) => Some((">", "(", min)),
        };
        let high = match self.max {
            Bound::Unbounded => None,
            Bound::Included(max) => Some(("≤", "]", max)),
            Bound::Excluded(max) => Some(("<", ")", max)),
        };
        match (low, high) {
            (None, None) => f.write_str("must be finite"),
            (Some((sign, _, bound)), None) | (None, Some((sign, _, bound))) => {
                write!(f, "must be {sign} {}", short(bound))
            }
            (Some((_, open, min)), Some((_, close, max))) => {
                write!(f, "must lie in {open}{}, {}{close}", short(min), short(max))
            }
        }
    }
}

/// 0 and 200 as one writes them, 1e-9 in the short form.
fn short(bound: f64) -> String {
    if bound.fract() == 0.0 && bound.abs() < 1e6 { format!("{bound}") } else { format!("{bound:?}") }
}

/// The counts min, …, max.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountRange {
    /// The smallest count allowed.
    pub min: u64,
    /// The largest, if there is one.
    pub max: Option<u64>,
}

impl Rule<u64> for CountRange {
    #[inline]
    fn holds(&self, value: u64) -> bool {
        value >= self.min && self.max.is_none_or(|max| value <= max)
    }
}

impl fmt::Display for CountRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.min, self.max) {
            (min, None) => write!(f, "must be at least {min}"),
            (0, Some(max)) => write!(f, "must be at most {max}"),
            (min, Some(max)) => write!(f, "must lie in {min}..={max}"),
        }
    }
}

/// The categories 0, …, count − 1 of a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Category<'a> {
    /// The size as written in the type: the K of `Category[K]`.
    pub size: &'a str,
    /// Its value.
    pub count: usize,
}

impl Rule<usize> for Category<'_> {
    #[inline]
    fn holds(&self, value: usize) -> bool {
        value < self.count
    }
}

impl fmt::Display for Category<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.size == self.count.to_string() {
            write!(f, "must be below {}", self.count)
        } else {
            write!(f, "must be below {} = {}", self.size, self.count)
        }
    }
}

/// That every element of a view obeys a rule; those that are missing are not asked.
///
/// # Errors
///
/// [`Error::Domain`] for the first that does not. For a NaN it adds that `?` lets values be missing.
pub fn all<E>(name: Name<'_>, view: &E, rule: &impl Rule<E::Value>) -> Result<(), Error>
where
    E: Elements<Value: Datum>,
{
    if view.all_in_pieces(|piece| rule.holds_all(piece)) {
        return Ok(());
    }
    let flow = view.visit(|index, value| {
        if rule.holds(value) {
            return ControlFlow::Continue(());
        }
        ControlFlow::Break(if value.present().is_none() {
            let variable = name.variable;
            name.violates(
                index,
                value,
                format_args!("{rule}; write `?` after the type of `{variable}` if it may be missing"),
            )
        } else {
            name.violates(index, value, rule)
        })
    });
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// That one value obeys a rule: for scalars (`index` empty), and for arrays of which only some elements are declared.
///
/// # Errors
///
/// [`Error::Domain`] if it does not.
#[inline]
pub fn one<T: Copy + fmt::Debug>(
    name: Name<'_>,
    index: &[usize],
    value: T,
    rule: &impl Rule<T>,
) -> Result<(), Error> {
    if rule.holds(value) { Ok(()) } else { Err(name.violates(index, value, rule)) }
}

/// That a sequence has a first step, without which what all its steps share would have no place.
///
/// # Errors
///
/// [`Error::Domain`] naming what is shared.
pub fn begun(name: Name<'_>, index: &[usize], steps: usize) -> Result<(), Error> {
    if steps > 0 {
        return Ok(());
    }
    Err(Error::Domain {
        variable: name.variable.to_string(),
        element: name.element(index),
        value: "shared by no step".into(),
        rule: "must have a sequence of one step or more: leave out sequences without any".into(),
    })
}

/// That an element which a condition may leave out is there where it is read.
///
/// # Errors
///
/// [`Error::Shape`] naming both elements.
pub fn exists(
    name: Name<'_>,
    index: &[usize],
    reader: Name<'_>,
    at: &[usize],
    here: bool,
) -> Result<(), Error> {
    if here {
        return Ok(());
    }
    Err(Mismatch::Hole { element: name.element(index), reader: reader.element(at) }.into())
}

/// How far from 1 the entries of a simplex may sum, to allow for probabilities that were rounded or normalised elsewhere.
const SIMPLEX_TOLERANCE: f64 = 1e-8;

/// That the vector at `index` is a simplex: entries ≥ 0 that sum to 1 within 10⁻⁸.
///
/// # Errors
///
/// [`Error::Domain`] for the first entry that is negative or not finite, or else for the sum.
pub fn simplex(name: Name<'_>, index: &[usize], values: impl IntoIterator<Item = f64>) -> Result<(), Error> {
    let mut sum = 0.0;
    for (k, value) in values.into_iter().enumerate() {
        if !Interval::NON_NEGATIVE.holds(value) {
            let entry: Vec<usize> = index.iter().copied().chain([k]).collect();
            return Err(name.violates(&entry, value, Interval::NON_NEGATIVE));
        }
        sum += value;
    }
    if (sum - 1.0).abs() <= SIMPLEX_TOLERANCE {
        return Ok(());
    }
    Err(Error::Domain {
        variable: name.variable.to_string(),
        element: format!("the sum of {}", name.element(index)),
        value: format!("{sum:?}"),
        rule: "must be 1".to_string(),
    })
}

/// That a vector is a simplex. An absent one is not asked.
///
/// # Errors
///
/// As [`simplex`].
pub fn simplex_vector(name: Name<'_>, view: &View1<'_, f64>) -> Result<(), Error> {
    view.as_slice().map_or(Ok(()), |values| simplex(name, &[], values.iter().copied()))
}

/// That each row is a simplex. Absent rows are not asked.
///
/// # Errors
///
/// As [`simplex`], for the first row that is none.
pub fn simplex_rows(name: Name<'_>, view: &View2<'_, f64>) -> Result<(), Error> {
    if view.is_absent() {
        return Ok(());
    }
    (0..view.nrows()).try_for_each(|i| simplex(name, &[i], (0..view.ncols()).map(|j| view.get(i, j))))
}

/// How far the halves of a symmetric matrix may differ, relative to √(a\[i, i\] a\[j, j\]), to allow for rounding.
const SYMMETRY_TOLERANCE: f64 = 1e-8;

/// That the matrix at `index` is symmetric positive definite: its halves agree within 10⁻⁸ √(a\[i, i\] a\[j, j\]), and Cholesky's pivots
/// exceed D ε a\[j, j\], below which nothing but rounding is left of them. An absent matrix is not asked.
///
/// # Errors
///
/// [`Error::Shape`] for a matrix that is not square; [`Error::Domain`] for the first entry that is not finite, diagonal entry that is
/// not positive, pair that differs, or leading block that is not positive definite.
pub fn positive_definite(name: Name<'_>, index: &[usize], matrix: &View2<'_, f64>) -> Result<(), Error> {
    if matrix.is_absent() {
        return Ok(());
    }
    let (nrows, ncols) = (matrix.nrows(), matrix.ncols());
    let element = name.element(index);
    if nrows != ncols {
        let size = format!("the number of its columns (`{element}` is a square matrix)");
        return Err(
            Mismatch::Extent { name: element, length: nrows, what: "rows", size, expected: ncols }.into()
        );
    }
    let entry = |i, j| -> Vec<usize> { index.iter().copied().chain([i, j]).collect() };
    for i in 0..nrows {
        for j in 0..nrows {
            let rule = if i == j { Interval::POSITIVE } else { Interval::REAL };
            one(name, &entry(i, j), matrix.get(i, j), &rule)?;
        }
    }
    for i in 0..nrows {
        for j in 0..i {
            let (lower, upper) = (matrix.get(i, j), matrix.get(j, i));
            let scale = matrix.get(i, i).sqrt() * matrix.get(j, j).sqrt();
            if (lower - upper).abs() > SYMMETRY_TOLERANCE * scale {
                let other = name.element(&entry(j, i));
                return Err(name.violates(
                    &entry(i, j),
                    lower,
                    format_args!("must equal {other}, which is {upper:?}"),
                ));
            }
        }
    }
    match failing_pivot(nrows, |i, j| matrix.get(i, j)) {
        None => Ok(()),
        Some((j, pivot)) => Err(Error::Domain {
            variable: name.variable.to_string(),
            value: format!("{pivot:e}"),
            rule: format!("must be > 0 ({element} must be positive definite)"),
            element: format!("pivot {j} of the Cholesky factor of {element}"),
        }),
    }
}

/// The first pivot of Cholesky's factorisation that is not safely positive.
fn failing_pivot(dim: usize, matrix: impl Fn(usize, usize) -> f64) -> Option<(usize, f64)> {
    let mut factor = vec![0.0; dim * dim];
    for j in 0..dim {
        let dot = |i: usize, factor: &[f64]| -> f64 {
            (0..j).map(|k| factor[i * dim + k] * factor[j * dim + k]).sum()
        };
        let pivot = matrix(j, j) - dot(j, &factor);
        // Written so that NaN fails.
        let safe = pivot > dim as f64 * f64::EPSILON * matrix(j, j);
        if !safe {
            return Some((j, pivot));
        }
        let root = pivot.sqrt();
        factor[j * dim + j] = root;
        for i in j + 1..dim {
            factor[i * dim + j] = (matrix(i, j) - dot(i, &factor)) / root;
        }
    }
    None
}

/// That two extents that stand for one size agree. `what` is what an extent counts (`columns`); where it adds nothing, "".
///
/// ```
/// use vi_core::data::check::sizes_agree;
///
/// assert!(sizes_agree("x", 7, "columns", "m0", 7, "", "D").is_ok());
/// let error = sizes_agree("x", 7, "columns", "m0", 5, "", "D").unwrap_err();
/// assert_eq!(error.to_string(), "x has 7 columns but m0 has 5 (both are D)");
/// ```
///
/// # Errors
///
/// [`Error::Shape`] naming both arrays and the size.
pub fn sizes_agree(
    name: &str,
    length: usize,
    what: &'static str,
    other: &str,
    other_length: usize,
    other_what: &'static str,
    size: &str,
) -> Result<(), Error> {
    if length == other_length {
        return Ok(());
    }
    let (name, other, size) = (name.to_string(), other.to_string(), size.to_string());
    Err(Mismatch::Sizes { name, length, what, other, other_length, other_what, size }.into())
}

/// That an extent is the value a size already has: «weight has 3 entries but K is 2».
///
/// # Errors
///
/// [`Error::Shape`] naming the array and the size.
pub fn size_is(
    name: &str,
    length: usize,
    what: &'static str,
    size: &str,
    expected: usize,
) -> Result<(), Error> {
    if length == expected {
        return Ok(());
    }
    Err(Mismatch::Extent { name: name.to_string(), length, what, size: size.to_string(), expected }.into())
}

/// That two ragged arrays agree in each T\[s\], s = 0..`count`, given the extent of each at s.
///
/// # Errors
///
/// [`Error::Shape`] naming the first s at which they differ: «x\[3\] has 4 rows but w\[3\] has 5 entries (both are T\[3\])».
pub fn ragged_sizes_agree(
    count: usize,
    name: &str,
    length: impl Fn(usize) -> usize,
    what: &'static str,
    other: &str,
    other_length: impl Fn(usize) -> usize,
    other_what: &'static str,
    size: &str,
) -> Result<(), Error> {
    match (0..count).find(|&s| length(s) != other_length(s)) {
        None => Ok(()),
        Some(s) => {
            let at = |array: &str| format!("{array}[{s}]");
            sizes_agree(&at(name), length(s), what, &at(other), other_length(s), other_what, &at(size))
        }
    }
}
