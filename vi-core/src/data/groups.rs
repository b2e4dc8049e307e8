//! The inverse of a given map: which elements refer to a thing.

use super::View1;

/// The groups {r : item\[r\] = n} of a map item: {0..R} → {0..N}, as one list of members by group.
///
/// ```
/// use vi_core::data::{Categories, Groups};
///
/// let item: Categories = (&[1, 0, 1, 3]).into();
/// let groups = Groups::of(&item, 4);
/// assert_eq!(groups.group(1), [0, 2]);
/// assert!(groups.group(2).is_empty());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Groups {
    /// Group n has members offsets\[n\]..offsets\[n + 1\]: one more than there are groups.
    offsets: Vec<usize>,
    members: Vec<usize>,
}

impl Groups {
    /// The groups of `item` with values below `n`, by a counting sort in time R + N.
    ///
    /// Values that are not below `n` are in no group: whether there are any is for [`check::all`](super::check::all) with a
    /// [`Category`](super::check::Category) to say. An absent map has empty groups.
    pub fn of(item: &View1<'_, usize>, n: usize) -> Groups {
        let item = item.as_slice().unwrap_or_default();
        Groups::from_fn(item.len(), n, |r| Some(item[r]))
    }

    /// The groups of any map r ↦ `item(r)`, r = 0..`len`, into 0..`n`, where it is defined. `item` is called twice for each r.
    pub fn from_fn(len: usize, n: usize, item: impl Fn(usize) -> Option<usize>) -> Groups {
        let group_of = |r| item(r).filter(|&group| group < n);
        let mut offsets = vec![0; n + 1];
        for group in (0..len).filter_map(group_of) {
            offsets[group + 1] += 1;
        }
        for group in 0..n {
            offsets[group + 1] += offsets[group];
        }
        let mut next = offsets.clone();
        let mut members = vec![0; offsets[n]];
        for r in 0..len {
            if let Some(group) = group_of(r) {
                members[next[group]] = r;
                next[group] += 1;
            }
        }
        Groups { offsets, members }
    }

    /// The number of groups N.
    #[inline]
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// N = 0.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The members of group `n` < N, increasing.
    #[inline]
    pub fn group(&self, n: usize) -> &[usize] {
        &self.members[self.offsets[n]..self.offsets[n + 1]]
    }
}

#[cfg(test)]
mod tests {
    use super::super::Absent;
    use super::*;

    #[test]
    fn groups_are_the_inverse_of_the_map() {
        let item: Vec<usize> = (0..1000).map(|r: usize| (r * r + 7 * r) % 41).collect();
        let groups = Groups::of(&(&item).into(), 41);
        assert_eq!(groups.len(), 41);
        for n in 0..41 {
            let expected: Vec<usize> = (0..item.len()).filter(|&r| item[r] == n).collect();
            assert_eq!(groups.group(n), expected, "{n}");
        }
    }

    #[test]
    fn groups_are_total() {
        assert!(Groups::of(&Absent(3).into(), 0).is_empty());
        let absent = Groups::of(&Absent(3).into(), 2);
        assert_eq!((absent.group(0), absent.group(1)), (&[][..], &[][..]));
        let beyond = Groups::of(&(&[0, 9, 1]).into(), 2);
        assert_eq!((beyond.group(0), beyond.group(1)), (&[0][..], &[2][..]));
        let holes = Groups::from_fn(4, 2, |r| (r != 1).then_some(r % 2));
        assert_eq!((holes.group(0), holes.group(1)), (&[0, 2][..], &[3][..]));
    }
}
