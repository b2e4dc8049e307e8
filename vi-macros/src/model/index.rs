//! Arithmetic of affine index expressions.

use super::ir::{Access, Extent, Index, IndexId, IndexTerm, Nominal, SizeId};
use crate::syntax::ast::Loc;

impl Index {
    pub fn constant(loc: Loc, value: i64) -> Index {
        Index { loc, terms: Vec::new(), offset: value }
    }

    pub fn of(loc: Loc, term: IndexTerm) -> Index {
        Index { loc, terms: vec![(1, term)], offset: 0 }
    }

    pub fn bound(loc: Loc, id: IndexId) -> Index {
        Index::of(loc, IndexTerm::Bound(id))
    }

    pub fn size(loc: Loc, id: SizeId) -> Index {
        Index::of(loc, IndexTerm::Size(id, Vec::new()))
    }

    /// `self + factor · other`, with like terms combined.
    pub fn plus(&self, factor: i64, other: &Index) -> Index {
        let mut sum = self.clone();
        for (coefficient, term) in &other.terms {
            sum.add_term(factor.saturating_mul(*coefficient), term.clone());
        }
        sum.offset = sum.offset.saturating_add(factor.saturating_mul(other.offset));
        sum
    }

    pub fn shift(&self, by: i64) -> Index {
        Index { offset: self.offset.saturating_add(by), ..self.clone() }
    }

    pub fn add_term(&mut self, coefficient: i64, term: IndexTerm) {
        match self.terms.iter_mut().find(|(_, t)| t.same(&term)) {
            Some((c, _)) => *c = c.saturating_add(coefficient),
            None => self.terms.push((coefficient, term)),
        }
        self.terms.retain(|(c, _)| *c != 0);
    }

    pub fn as_constant(&self) -> Option<i64> {
        self.terms.is_empty().then_some(self.offset)
    }

    /// The bound index this is, when it is nothing else.
    pub fn as_bound(&self) -> Option<IndexId> {
        match self.terms.as_slice() {
            [(1, IndexTerm::Bound(id))] if self.offset == 0 => Some(*id),
            _ => None,
        }
    }

    /// A single size plus a constant: the size, its subscripts and the constant.
    pub fn as_shifted_size(&self) -> Option<(SizeId, &[Index], i64)> {
        match self.terms.as_slice() {
            [(1, IndexTerm::Size(id, over))] => Some((*id, over, self.offset)),
            _ => None,
        }
    }

    /// Equal for every value of what it reads.
    pub fn same(&self, other: &Index) -> bool {
        self.plus(-1, other).as_constant() == Some(0)
    }

    /// Replaces terms, inside subscripts too. `None` keeps a term.
    pub fn replace(&self, with: &mut dyn FnMut(&IndexTerm) -> Option<Index>) -> Index {
        let mut result = Index::constant(self.loc, self.offset);
        for (coefficient, term) in &self.terms {
            match with(term) {
                Some(index) => result = result.plus(*coefficient, &index),
                None => {
                    let term = match term {
                        IndexTerm::Size(id, over) => {
                            IndexTerm::Size(*id, over.iter().map(|i| i.replace(with)).collect())
                        }
                        IndexTerm::Read(access) => IndexTerm::Read(Access {
                            indices: access.indices.iter().map(|i| i.replace(with)).collect(),
                            ..access.clone()
                        }),
                        IndexTerm::Bound(_) | IndexTerm::Axis(_) => term.clone(),
                    };
                    result.add_term(*coefficient, term);
                }
            }
        }
        result
    }

    /// Reads the positions of earlier axes off `indices`.
    pub fn at_position(&self, indices: &[Index]) -> Index {
        self.replace(&mut |term| match term {
            IndexTerm::Axis(axis) => indices.get(*axis).cloned(),
            IndexTerm::Bound(_) | IndexTerm::Size(..) | IndexTerm::Read(_) => None,
        })
    }

    /// Calls `visit` on every term, inside subscripts too.
    pub fn each_term<'a>(&'a self, visit: &mut dyn FnMut(&'a IndexTerm)) {
        for (_, term) in &self.terms {
            visit(term);
            match term {
                IndexTerm::Size(_, over) => over.iter().for_each(|i| i.each_term(visit)),
                IndexTerm::Read(access) => access.indices.iter().for_each(|i| i.each_term(visit)),
                IndexTerm::Bound(_) | IndexTerm::Axis(_) => {}
            }
        }
    }
}

impl IndexTerm {
    pub fn same(&self, other: &IndexTerm) -> bool {
        match (self, other) {
            (IndexTerm::Bound(a), IndexTerm::Bound(b)) => a == b,
            (IndexTerm::Axis(a), IndexTerm::Axis(b)) => a == b,
            (IndexTerm::Size(a, x), IndexTerm::Size(b, y)) => a == b && all_same(x, y),
            (IndexTerm::Read(a), IndexTerm::Read(b)) => a.same(b),
            (
                IndexTerm::Bound(_) | IndexTerm::Axis(_) | IndexTerm::Size(..) | IndexTerm::Read(_),
                IndexTerm::Bound(_) | IndexTerm::Axis(_) | IndexTerm::Size(..) | IndexTerm::Read(_),
            ) => false,
        }
    }
}

impl Access {
    /// The same element, written the same way up to the order of terms.
    pub fn same(&self, other: &Access) -> bool {
        self.array == other.array && all_same(&self.indices, &other.indices)
    }
}

fn all_same(a: &[Index], b: &[Index]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| x.same(y))
}

impl Extent {
    /// All of a size.
    pub fn of_size(loc: Loc, id: SizeId) -> Extent {
        Extent { nominal: Nominal::Size(id), length: Index::size(loc, id) }
    }

    pub fn literal(loc: Loc, length: u64) -> Extent {
        Extent { nominal: Nominal::Literal(length), length: Index::constant(loc, length as i64) }
    }

    /// Whether the two certainly differ: another size, or the same size with another number of elements taken off.
    pub fn differs(&self, other: &Extent) -> bool {
        if self.nominal != other.nominal {
            return true;
        }
        match self.length.plus(-1, &other.length).as_constant() {
            Some(difference) => difference != 0,
            // Ragged extents of different rows, or lengths that only the data can compare.
            None => false,
        }
    }
}
