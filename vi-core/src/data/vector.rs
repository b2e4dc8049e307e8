//! One-index arrays.

use super::{Absent, Elements, Value};
use nalgebra::DVector;
use std::fmt;
use std::ops::{ControlFlow, Range};

/// A borrowed one-index array x\[n\], n = 0..N.
///
/// Made by `.into()` from `&[T]`, `&[T; N]`, `&Vec<T>`, `&DVector<T>`, or `Absent(n)`, where T is `f64` (reals), `usize` (categories),
/// `u64` (counts) or `bool`.
///
/// ```
/// use vi_core::data::Counts;
///
/// let counts = vec![3, 0, 2];
/// let y: Counts = (&counts).into();
/// assert_eq!((y.len(), y.get(2)), (3, 2));
/// ```
#[derive(Clone, Copy)]
pub struct View1<'a, T> {
    /// Empty if the array is absent.
    data: &'a [T],
    len: usize,
    absent: bool,
}

impl<'a, T: Value> View1<'a, T> {
    /// The extent N.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// N = 0.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The array has an extent but no values.
    #[inline]
    pub fn is_absent(&self) -> bool {
        self.absent
    }

    /// x\[i\], for i < N. Of an absent array, [`Value::ABSENT`].
    #[inline]
    pub fn get(&self, i: usize) -> T {
        if self.absent { T::ABSENT } else { self.data[i] }
    }

    /// The values, if there are any.
    #[inline]
    pub fn as_slice(&self) -> Option<&'a [T]> {
        if self.absent { None } else { Some(self.data) }
    }

    /// out\[i\] = x\[range.start + i\], for the `range.len()` entries of `out`.
    pub fn copy_range(&self, range: Range<usize>, out: &mut [T]) {
        if self.absent {
            out.fill(T::ABSENT);
        } else {
            out.copy_from_slice(&self.data[range]);
        }
    }
}

impl<T: Value> Elements for View1<'_, T> {
    type Value = T;

    fn all_in_pieces(&self, mut holds: impl FnMut(&[T]) -> bool) -> bool {
        holds(self.data)
    }

    fn visit<B>(&self, mut f: impl FnMut(&[usize], T) -> ControlFlow<B>) -> ControlFlow<B> {
        self.data.iter().enumerate().try_for_each(|(i, &value)| f(&[i], value))
    }
}

impl<T> View1<'_, T> {
    /// `name` and the extents: an array of data is too long to read in a message.
    pub(super) fn shape(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{name}({})", if self.absent { "absent " } else { "" }, self.len)
    }
}

impl<T> fmt::Debug for View1<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shape("View1", f)
    }
}

impl<'a, T: Value> From<&'a [T]> for View1<'a, T> {
    fn from(data: &'a [T]) -> Self {
        View1 { data, len: data.len(), absent: false }
    }
}

impl<'a, T: Value, const N: usize> From<&'a [T; N]> for View1<'a, T> {
    fn from(data: &'a [T; N]) -> Self {
        data.as_slice().into()
    }
}

impl<'a, T: Value> From<&'a Vec<T>> for View1<'a, T> {
    fn from(data: &'a Vec<T>) -> Self {
        data.as_slice().into()
    }
}

impl<'a, T: Value> From<&'a DVector<T>> for View1<'a, T> {
    fn from(data: &'a DVector<T>) -> Self {
        data.as_slice().into()
    }
}

impl<T: Value> From<Absent<usize>> for View1<'_, T> {
    fn from(Absent(len): Absent<usize>) -> Self {
        View1 { data: &[], len, absent: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<'a, T: Value>(view: impl Into<View1<'a, T>>, expected: &[T]) {
        let view = view.into();
        assert_eq!(view.len(), expected.len());
        assert!(!view.is_absent());
        assert_eq!(view.as_slice(), Some(expected));
        assert_eq!((0..view.len()).map(|i| view.get(i)).collect::<Vec<_>>(), expected);
        let mut visited = Vec::new();
        let _ = view.visit(|index, value| -> ControlFlow<()> {
            assert_eq!(index, [visited.len()]);
            visited.push(value);
            ControlFlow::Continue(())
        });
        assert_eq!(visited, expected);
    }

    #[test]
    fn every_container_reads_the_same() {
        check(&[1.5, -2.0, 0.0][..], &[1.5, -2.0, 0.0]);
        check(&[1.5, -2.0], &[1.5, -2.0]);
        check(&vec![3usize, 1], &[3, 1]);
        check(&DVector::from_vec(vec![3u64, 1, 4]), &[3, 1, 4]);
        check(&vec![true, false], &[true, false]);
        check(&Vec::<f64>::new(), &[]);
    }

    #[test]
    fn an_absent_array_has_an_extent_only() {
        let view: View1<f64> = Absent(3).into();
        assert_eq!((view.len(), view.is_absent(), view.as_slice()), (3, true, None));
        assert!(view.get(2).is_nan());
        let mut out = [0.0; 2];
        view.copy_range(1..3, &mut out);
        assert!(out.iter().all(|x| x.is_nan()));
        assert_eq!(View1::<usize>::from(Absent(3)).largest(), None);
        assert!(View1::<u64>::from(Absent(0)).is_absent());
    }

    #[test]
    fn a_range_is_copied_in_place() {
        let mut out = [0.0; 2];
        View1::from(&[1.0, 2.0, 3.0, 4.0]).copy_range(1..3, &mut out);
        assert_eq!(out, [2.0, 3.0]);
    }

    #[test]
    fn the_largest_category_is_found() {
        assert_eq!(View1::from(&[2usize, 7, 3]).largest(), Some(7));
        assert_eq!(View1::<usize>::from(&[]).largest(), None);
    }

    #[test]
    fn a_view_prints_its_shape() {
        assert_eq!(format!("{:?}", View1::from(&[1.0; 3])), "View1(3)");
        assert_eq!(format!("{:?}", View1::<bool>::from(Absent(2))), "absent View1(2)");
    }
}
