//! Which units follow one another.

use super::sequence::Shelf;
use crate::engine::finite::{Part, Parts};
use crate::tile::chains::LANES;
use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Range;

/// Sequences of one leaf of the fixed tree: a multiple of as many as are taken side by side, and at least so many units.
const SEQUENCES: usize = LANES;
const UNITS: usize = 2048;

/// Units for each kind of unit, below which it is not worth while to work out what is said of a kind.
const ALIKE: usize = 4;

/// How the units of a component follow one another: in sequences along an axis, or on trees of parents.
#[derive(Clone, Debug, Default)]
pub struct Links {
    /// Joint states of what is handed on.
    frontier: usize,
    /// How a step goes from those of one unit to those of the next.
    parts: Parts,
    /// Numbers handed on, where the units are Gaussian; 0 where they have states.
    normals: usize,
    /// How many steps back a step of Gaussian units reads.
    order: usize,
    /// Where each sequence begins among the units, and at the end their number.
    starts: Vec<usize>,
    /// On a tree, the parent of each unit within its sequence; a root is its own.
    parents: Option<Vec<usize>>,
    /// Which kind of step leads to each unit, and one unit of each kind. `None`: every step has its own law.
    kinds: Option<(Vec<usize>, Vec<usize>)>,
    /// Of which kind each unit is, and one unit of each kind. `None`: each is taken by itself.
    units: Option<(Vec<u32>, Vec<usize>)>,
    /// Leaves of the fixed tree, as ranges of sequences.
    leaves: Vec<usize>,
    /// Where sequences have latents without having units: which of them have one unit that stands for none.
    empty: Option<Vec<bool>>,
    /// Workspaces between sweeps.
    pub(super) shelf: Shelf,
    /// Where Gaussian units differ by little but their data.
    alike: Option<Alike>,
}

/// Kinds of units of a chain of Gaussians: those of one kind have the same rows but for what their data are.
#[derive(Clone, Debug)]
pub(super) struct Alike {
    /// The kind of each unit.
    pub which: Vec<u32>,
    /// A unit of each kind, and whether units of it begin a sequence.
    pub examples: Vec<(usize, bool)>,
    /// What the latents of a unit are measured from, and its data.
    pub gauges: (Vec<f64>, Vec<f64>),
}

impl Links {
    /// Sequences along an axis; `starts` holds where each begins, and at the end the number of units.
    #[must_use]
    pub fn along(frontier: usize, starts: Vec<usize>) -> Self {
        let mut leaves = vec![0];
        let (mut sequences, mut units) = (0_usize, 0);
        for (n, w) in starts.windows(2).enumerate() {
            sequences += 1;
            units += w[1] - w[0];
            if sequences.is_multiple_of(SEQUENCES) && units >= UNITS {
                leaves.push(n + 1);
                (sequences, units) = (0, 0);
            }
        }
        if sequences > 0 {
            leaves.push(starts.len() - 1);
        }
        let parts = Parts::dense(frontier);
        Links {
            frontier,
            parts,
            normals: 0,
            order: 1,
            starts,
            parents: None,
            kinds: None,
            units: None,
            empty: None,
            leaves,
            shelf: Shelf::default(),
            alike: None,
        }
    }

    /// Steps along an axis go in these parts, one after another.
    #[must_use]
    pub fn in_parts(mut self, parts: Vec<Part>) -> Self {
        self.parts = Parts::new(self.frontier, parts);
        self
    }

    /// Sequences along an axis of so many Gaussian numbers.
    #[must_use]
    pub fn of_normals(width: usize, starts: Vec<usize>) -> Self {
        Links { normals: width, ..Links::along(1, starts) }
    }

    /// Steps of Gaussian units read so many steps back.
    #[must_use]
    pub fn of_order(mut self, order: usize) -> Self {
        self.order = order;
        self
    }

    /// How many steps back a step of Gaussian units reads.
    pub(super) fn order(&self) -> usize {
        self.order.max(1)
    }

    /// Gaussian units with the same key have the same rows, but for their data, so many numbers each. The key is asked of a unit and of whether
    /// it begins a sequence.
    #[must_use]
    pub fn alike<K: Eq + Hash>(mut self, data: usize, key: impl Fn(usize, bool) -> K) -> Self {
        let mut known: HashMap<(bool, K), u32> = HashMap::new();
        let (mut which, mut examples) = (Vec::with_capacity(self.units()), vec![]);
        for range in (0..self.sequences()).map(|s| self.sequence(s)) {
            for unit in range.clone() {
                let first = unit == range.start;
                which.push(*known.entry((first, key(unit, first))).or_insert_with(|| {
                    examples.push((unit, first));
                    examples.len() as u32 - 1
                }));
            }
        }
        self.alike = Some(Alike { which, examples, gauges: (vec![0.0; self.normals], vec![0.0; data]) });
        self
    }

    pub(super) fn kinds_of_units(&self) -> Option<&Alike> {
        self.alike.as_ref()
    }

    /// Sets what the latents and the data of units are measured from.
    pub(super) fn set_gauges(&mut self, gauges: (Vec<f64>, Vec<f64>)) {
        if let Some(alike) = &mut self.alike {
            alike.gauges = gauges;
        }
    }

    /// The first units of a chain of Gaussians, and no others.
    pub(super) fn first(&self, units: usize) -> Self {
        let first = Links::of_normals(self.normals, self.starts.iter().map(|s| *s.min(&units)).collect());
        Links { alike: self.alike.clone(), order: self.order, ..first }
    }

    /// Numbers of each unit of a chain of Gaussians.
    pub(super) fn normals(&self) -> Option<usize> {
        (self.normals > 0).then_some(self.normals)
    }

    /// Trees: the parent of each unit within its sequence, before it; a root is its own parent.
    #[must_use]
    pub fn on_trees(mut self, parents: Vec<usize>) -> Self {
        self.parents = Some(parents);
        self
    }

    /// Sequences that have one unit which stands for none.
    #[must_use]
    pub fn with_empty(mut self, empty: Vec<bool>) -> Self {
        self.empty = Some(empty);
        self
    }

    /// Whether sequences have latents without having units.
    pub(super) fn outlasts(&self) -> bool {
        self.empty.is_some()
    }

    /// The last unit of a sequence that is one of the data.
    pub(super) fn last(&self, s: usize) -> Option<usize> {
        let is_empty = self.empty.as_ref().is_some_and(|empty| empty[s]);
        self.sequence(s).last().filter(|_| !is_empty)
    }

    /// Steps to units with the same key have one law.
    #[must_use]
    pub fn by_kind<K: Eq + Hash>(mut self, key: impl Fn(usize) -> K) -> Self {
        let mut known: HashMap<K, usize> = HashMap::new();
        let mut examples = vec![];
        let mut which = vec![0; self.units()];
        for s in 0..self.sequences() {
            let range = self.sequence(s);
            for unit in range.clone().filter(|unit| self.before(&range, *unit).is_some()) {
                which[unit] = *known.entry(key(unit)).or_insert_with(|| {
                    examples.push(unit);
                    examples.len() - 1
                });
            }
        }
        self.kinds = Some((which, examples));
        self
    }

    /// What units with the same key say of their own states is the same, and so is what they add to the statistics. Where nearly every unit
    /// has a key of its own, that is of no use.
    #[must_use]
    pub fn with_units_alike<K: Eq + Hash>(mut self, key: impl Fn(usize) -> K) -> Self {
        let most = self.units() / (ALIKE * self.leaves().max(1));
        let mut known: HashMap<K, u32> = HashMap::new();
        let mut examples = vec![];
        let mut which = Vec::with_capacity(self.units());
        for unit in 0..self.units() {
            let next = examples.len() as u32;
            let kind = *known.entry(key(unit)).or_insert(next);
            if kind == next {
                examples.push(unit);
            }
            if examples.len() > most {
                return self;
            }
            which.push(kind);
        }
        self.units = Some((which, examples));
        self
    }

    /// Of which kind each unit is, and one unit of each kind.
    pub(super) fn units_alike(&self) -> Option<(&[u32], &[usize])> {
        self.units.as_ref().map(|(which, examples)| (which.as_slice(), examples.as_slice()))
    }

    fn units(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    /// Number of sequences, empty ones among them.
    #[must_use]
    pub fn sequences(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// The units of a sequence.
    #[must_use]
    pub fn sequence(&self, s: usize) -> Range<usize> {
        self.starts[s]..self.starts[s + 1]
    }

    /// The sequence that a unit belongs to.
    pub(super) fn sequence_of(&self, unit: usize) -> usize {
        self.starts.partition_point(|s| *s <= unit).saturating_sub(1)
    }

    /// Joint states of what is handed on.
    pub(super) fn frontier(&self) -> usize {
        self.frontier
    }

    /// How a step goes.
    pub(super) fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Joint probabilities of the two units of a step of which nothing is known.
    pub(super) fn even_pairs(&self) -> Vec<f64> {
        let even = vec![1.0 / self.frontier.max(1) as f64; self.frontier];
        let mut out = vec![0.0; self.parts.len()];
        self.parts.add_independent(&even, &even, &mut out);
        out
    }

    pub(super) fn leaves(&self) -> usize {
        self.leaves.len() - 1
    }

    pub(super) fn leaf(&self, n: usize) -> Range<usize> {
        self.leaves[n]..self.leaves[n + 1]
    }

    /// The unit before this one, if the two are joined.
    pub(super) fn before(&self, sequence: &Range<usize>, unit: usize) -> Option<usize> {
        match &self.parents {
            None => (unit > sequence.start).then(|| unit - 1),
            Some(p) => {
                let parent = sequence.start + p[unit];
                (parent < unit).then_some(parent)
            }
        }
    }

    /// Whether a unit follows another.
    pub(super) fn has_step(&self, unit: usize) -> bool {
        let after = self.starts.partition_point(|s| *s <= unit);
        after > 0 && after < self.starts.len() && self.before(&self.sequence(after - 1), unit).is_some()
    }

    pub(super) fn is_on_trees(&self) -> bool {
        self.parents.is_some()
    }

    /// The parents within a sequence, on a tree.
    pub(super) fn parents(&self, sequence: &Range<usize>) -> Option<&[usize]> {
        self.parents.as_ref().map(|p| &p[sequence.clone()])
    }

    /// One unit of each kind of step.
    pub(super) fn examples(&self) -> Option<&[usize]> {
        self.kinds.as_ref().map(|k| k.1.as_slice())
    }

    /// The kinds of the steps of a sequence, where there are several.
    pub(super) fn which(&self, sequence: &Range<usize>) -> Option<&[usize]> {
        self.kinds.as_ref().filter(|k| k.1.len() > 1).map(|k| &k.0[sequence.clone()])
    }

    /// Pieces of a range of units, none of which reaches over the end of a sequence.
    pub(super) fn pieces(&self, units: Range<usize>) -> impl Iterator<Item = Range<usize>> + use<'_> {
        let first = self.starts.partition_point(|s| *s <= units.start).saturating_sub(1);
        (first..self.sequences())
            .map(|s| self.sequence(s))
            .take_while(move |s| s.start < units.end)
            .map(move |s| s.start.max(units.start)..s.end.min(units.end))
            .filter(|s| !s.is_empty())
    }
}
