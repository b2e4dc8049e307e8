//! Walking over the elements of any view, for checks and sizes. Not for inner loops, which call `get`.

use super::Value;
use std::ops::ControlFlow;

/// A view as a set of elements with an index each.
pub trait Elements {
    /// The type of an element: of `Partial…<T>`, those that are present, so T.
    type Value: Value;

    /// Calls `f(index, value)` in the order of the index until it breaks.
    ///
    /// Skipped are missing elements and all of an absent array. Of a sparse array come the listed cells and, where cells that are not
    /// listed stand for 0, the first of those: the distinct values all show, at a cost of what is stored.
    fn visit<B>(&self, f: impl FnMut(&[usize], Self::Value) -> ControlFlow<B>) -> ControlFlow<B>;

    /// Whether a condition holds of all elements, asked of pieces that lie in one stretch of memory. `false` also where they do not.
    fn all_in_pieces(&self, _holds: impl FnMut(&[Self::Value]) -> bool) -> bool {
        false
    }

    /// The largest value, if there is one: 1 + the largest category is the last resort of a size.
    fn largest(&self) -> Option<Self::Value>
    where
        Self::Value: PartialOrd,
    {
        let mut largest: Option<Self::Value> = None;
        let ControlFlow::Continue(()) = self.visit(|_, value| -> ControlFlow<std::convert::Infallible> {
            if largest.is_none_or(|known| value > known) {
                largest = Some(value);
            }
            ControlFlow::Continue(())
        });
        largest
    }
}
