//! Dense tables over a few indices, row-major: sufficient statistics and tabulated functions of params.

use std::ops::{AddAssign, Index, IndexMut};

/// Values over `R` indices, the last one contiguous. `table[[j, k]]` is an entry.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Table<const R: usize> {
    #[cfg_attr(feature = "serde", serde(with = "extents"))]
    dims: [usize; R],
    values: Vec<f64>,
}

impl<const R: usize> Table<R> {
    /// A table of zeros.
    #[must_use]
    pub fn zeros(dims: [usize; R]) -> Self {
        Table { dims, values: vec![0.0; dims.iter().product()] }
    }

    /// A table of a function of the indices.
    #[must_use]
    pub fn from_fn(dims: [usize; R], mut f: impl FnMut([usize; R]) -> f64) -> Self {
        let mut table = Table::zeros(dims);
        let mut at = [0; R];
        for value in &mut table.values {
            *value = f(at);
            for axis in (0..R).rev() {
                at[axis] += 1;
                if at[axis] < dims[axis] {
                    break;
                }
                at[axis] = 0;
            }
        }
        table
    }

    /// The extents.
    #[must_use]
    pub fn dims(&self) -> [usize; R] {
        self.dims
    }

    /// All entries, the last index fastest.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// All entries, to be written.
    pub fn values_mut(&mut self) -> &mut [f64] {
        &mut self.values
    }

    /// Back to zero.
    pub fn clear(&mut self) {
        self.values.fill(0.0);
    }

    #[inline]
    fn offset(&self, at: [usize; R]) -> usize {
        let mut offset = 0;
        for axis in 0..R {
            debug_assert!(at[axis] < self.dims[axis], "index {at:?} of a table of {:?}", self.dims);
            offset = offset * self.dims[axis] + at[axis];
        }
        offset
    }
}

impl<const R: usize> Index<[usize; R]> for Table<R> {
    type Output = f64;
    #[inline]
    fn index(&self, at: [usize; R]) -> &f64 {
        &self.values[self.offset(at)]
    }
}

impl<const R: usize> IndexMut<[usize; R]> for Table<R> {
    #[inline]
    fn index_mut(&mut self, at: [usize; R]) -> &mut f64 {
        let offset = self.offset(at);
        &mut self.values[offset]
    }
}

impl<const R: usize> Table<R> {
    /// Whether the other table has the same extents.
    #[must_use]
    pub fn fits(&self, other: &Table<R>) -> bool {
        self.dims == other.dims
    }
}

impl<const R: usize> AddAssign<&Table<R>> for Table<R> {
    fn add_assign(&mut self, other: &Table<R>) {
        for (a, b) in self.values.iter_mut().zip(&other.values) {
            *a += b;
        }
    }
}

#[cfg(feature = "serde")]
mod extents {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer, const R: usize>(dims: &[usize; R], s: S) -> Result<S::Ok, S::Error> {
        dims.as_slice().serialize(s)
    }

    pub fn deserialize<'de, D: Deserializer<'de>, const R: usize>(d: D) -> Result<[usize; R], D::Error> {
        let dims = Vec::<usize>::deserialize(d)?;
        let found = dims.len();
        dims.try_into().map_err(|_| serde::de::Error::invalid_length(found, &"one extent for each index"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_index_is_contiguous() {
        let t = Table::from_fn([2, 3], |[i, j]| (10 * i + j) as f64);
        assert_eq!(t.values(), [0.0, 1.0, 2.0, 10.0, 11.0, 12.0]);
        assert_eq!(t[[1, 2]], 12.0);
    }

    #[test]
    fn a_table_without_indices_has_one_entry() {
        let mut t = Table::zeros([]);
        t[[]] += 2.0;
        assert_eq!(t.values(), [2.0]);
    }
}
