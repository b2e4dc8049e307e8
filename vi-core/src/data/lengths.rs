//! How long the rows of a ragged array are, and where each begins when rows follow one another.

use std::ops::Deref;

/// Lengths of rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(from = "Vec<usize>", into = "Vec<usize>"))]
pub struct Lengths {
    lengths: Vec<usize>,
    /// Elements before each row, and of all.
    starts: Vec<usize>,
}

impl Lengths {
    /// How many elements rows before this one have.
    #[inline]
    #[must_use]
    pub fn before(&self, row: usize) -> usize {
        self.starts[row]
    }

    /// How many elements all rows have.
    #[must_use]
    pub fn total(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }
}

impl Deref for Lengths {
    type Target = [usize];

    fn deref(&self) -> &[usize] {
        &self.lengths
    }
}

impl From<Vec<usize>> for Lengths {
    fn from(lengths: Vec<usize>) -> Lengths {
        let mut starts = Vec::with_capacity(lengths.len() + 1);
        starts.push(0);
        let mut end = 0;
        starts.extend(lengths.iter().map(|n| {
            end += n;
            end
        }));
        Lengths { lengths, starts }
    }
}

impl From<Lengths> for Vec<usize> {
    fn from(all: Lengths) -> Vec<usize> {
        all.lengths
    }
}

impl FromIterator<usize> for Lengths {
    fn from_iter<I: IntoIterator<Item = usize>>(lengths: I) -> Lengths {
        lengths.into_iter().collect::<Vec<_>>().into()
    }
}

#[cfg(test)]
mod tests {
    use super::Lengths;

    #[test]
    fn rows_follow_one_another() {
        let rows: Lengths = [3, 0, 2].into_iter().collect();
        assert_eq!([0, 1, 2].map(|s| rows.before(s)), [0, 3, 3]);
        assert_eq!((rows.total(), rows.len(), rows[2]), (5, 3, 2));
        assert_eq!(Lengths::default().total(), 0);
        assert_eq!(Vec::from(rows.clone()), [3, 0, 2]);
    }
}
