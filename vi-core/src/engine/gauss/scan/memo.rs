//! What has been computed already, found again by the bits of what it was computed from.
//!
//! The factorisation of a step is a function of the one before it and of the step's pattern. Where a recursion has reached a fixed point or
//! goes round in a circle, its bits repeat, and so does everything that follows; nothing is ever taken for equal that is not.

use std::collections::HashMap;

/// Stands for no node, edge or column.
pub(super) const NONE: u32 = u32::MAX;

/// Vectors of one length, each kept once.
#[derive(Clone, Debug, Default)]
pub(super) struct Nodes {
    width: usize,
    values: Vec<f64>,
    /// The last of the nodes with this hash, and for each node the one before it.
    last: HashMap<u64, u32>,
    before: Vec<u32>,
}

impl Nodes {
    pub fn reset(&mut self, width: usize) {
        self.width = width;
        self.values.clear();
        self.last.clear();
        self.before.clear();
    }

    pub fn len(&self) -> usize {
        self.before.len()
    }

    pub fn get(&self, node: u32) -> &[f64] {
        &self.values[node as usize * self.width..][..self.width]
    }

    /// The node with these bits.
    pub fn find_or_add(&mut self, value: &[f64]) -> u32 {
        let hash = hash(value);
        let last = self.last.get(&hash).copied().unwrap_or(NONE);
        let mut node = last;
        while node != NONE {
            if self.get(node).iter().zip(value).all(|(a, b)| a.to_bits() == b.to_bits()) {
                return node;
            }
            node = self.before[node as usize];
        }
        let new = self.before.len() as u32;
        self.values.extend_from_slice(value);
        self.before.push(last);
        self.last.insert(hash, new);
        new
    }
}

fn hash(value: &[f64]) -> u64 {
    value.iter().fold(0x9e37_79b9_7f4a_7c15, |h, x| {
        let mixed = (h ^ x.to_bits()).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 29)
    })
}

/// For every node, what was computed from it and a second number.
#[derive(Clone, Debug, Default)]
pub(super) struct Edges {
    /// The last edge of each node, and for each edge the one before it.
    last: Vec<u32>,
    before: Vec<u32>,
    with: Vec<u32>,
    to: Vec<u32>,
}

impl Edges {
    pub fn clear(&mut self) {
        self.last.clear();
        self.before.clear();
        self.with.clear();
        self.to.clear();
    }

    /// Finds no edge of those so far, which stay.
    pub fn forget(&mut self) {
        self.last.clear();
    }

    pub fn len(&self) -> usize {
        self.to.len()
    }

    pub fn find(&self, node: u32, with: u32) -> Option<u32> {
        let mut edge = self.last.get(node as usize).copied().unwrap_or(NONE);
        while edge != NONE {
            if self.with[edge as usize] == with {
                return Some(edge);
            }
            edge = self.before[edge as usize];
        }
        None
    }

    pub fn add(&mut self, node: u32, with: u32, to: u32) -> u32 {
        let edge = self.to.len() as u32;
        if self.last.len() <= node as usize {
            self.last.resize(node as usize + 1, NONE);
        }
        self.before.push(std::mem::replace(&mut self.last[node as usize], edge));
        self.with.push(with);
        self.to.push(to);
        edge
    }

    /// The second number.
    pub fn with(&self, edge: u32) -> usize {
        self.with[edge as usize] as usize
    }

    pub fn to(&self, edge: u32) -> u32 {
        self.to[edge as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_bits_are_one_node_and_nothing_else_is() {
        let mut nodes = Nodes::default();
        nodes.reset(2);
        let a = nodes.find_or_add(&[1.0, 2.0]);
        let b = nodes.find_or_add(&[1.0, 2.0 + 4e-16]);
        let zero = nodes.find_or_add(&[1.0, 0.0]);
        let negative = nodes.find_or_add(&[1.0, -0.0]);
        assert_eq!(nodes.find_or_add(&[1.0, 2.0]), a);
        assert!(a != b && zero != negative);
        assert_eq!(nodes.get(b), [1.0, 2.0 + 4e-16]);
    }

    #[test]
    fn edges_are_found_by_both_their_numbers() {
        let mut edges = Edges::default();
        assert_eq!(edges.find(0, 0), None);
        let a = edges.add(3, 1, 7);
        let b = edges.add(3, 2, 8);
        assert_eq!((edges.find(3, 1), edges.find(3, 2), edges.find(2, 1)), (Some(a), Some(b), None));
        assert_eq!((edges.to(b), edges.with(a)), (8, 1));
    }
}
