//! In which order unknowns are eliminated, and what that leaves to be eliminated together: found from the pattern of rows, before any number.
//!
//! ```text
//! front = (pivots, border)        a row belongs to the front of its first unknown, and joins unknowns of that front only
//! border ⊂ pivots and border of the parent, which is the front of the first unknown of the border
//! ```
//!
//! Minimum degree: next comes the unknown that has least others beside it (George and Liu 1989), and with it all whose rows are among its
//! own; ties go to the first. What an elimination leaves is one set of unknowns in place of the sets that it took, so that no pair of
//! unknowns is ever written down. Degrees that would be dear are brought up to date only where they may matter: an unknown beside all others,
//! as the mean of a hierarchy, costs as much as its rows. If everything stands beside everything, there is one front: the dense case.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::ops::Range;

/// The fronts of a pattern of rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    unknowns: usize,
    /// The unknowns of each set of rows, and where they end.
    columns: Vec<usize>,
    ends: Vec<usize>,
    /// Where an unknown stands in the order, and back.
    place: Vec<usize>,
    unknown: Vec<usize>,
    fronts: Vec<Front>,
    /// The front of each place.
    front_of: Vec<usize>,
    /// Places, ascending, of the borders one after another, and the columns of the parents' fronts that they are.
    borders: Vec<usize>,
    into: Vec<usize>,
    /// Sets of rows by front.
    own: Vec<usize>,
    /// The column in its front of each entry of `columns`.
    locals: Vec<usize>,
    roots: usize,
    entries: usize,
    cost: f64,
}

/// Unknowns that are eliminated together, and those that what is left of their rows joins.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Front {
    /// Pivots are the places from here on.
    pub first: usize,
    pub pivots: usize,
    /// In [`Pattern::borders`].
    pub border: Range<usize>,
    /// None of a root.
    pub parent: Option<usize>,
    /// In [`Pattern::own`].
    pub own: Range<usize>,
    /// Where its `pivots × width` root begins, and its `width × width` covariance.
    pub root: usize,
    pub entries: usize,
}

impl Front {
    pub fn width(&self) -> usize {
        self.pivots + self.border.len()
    }
}

/// Additions and multiplications that a front costs whatever its size.
const VISIT: f64 = 500.0;

impl Pattern {
    /// The fronts of rows that join these unknowns: set s of rows those of `columns[ends[s − 1]..ends[s]]`.
    #[must_use]
    pub fn new(unknowns: usize, columns: Vec<usize>, ends: Vec<usize>) -> Pattern {
        let (order, borders) = merged(unknowns, order(unknowns, &columns, &ends));
        let mut p = Pattern {
            unknowns,
            columns,
            ends,
            place: vec![0; unknowns],
            unknown: Vec::with_capacity(unknowns),
            fronts: Vec::with_capacity(order.len()),
            front_of: Vec::with_capacity(unknowns),
            borders: vec![],
            into: vec![],
            own: vec![],
            locals: vec![],
            roots: 0,
            entries: 0,
            cost: 0.0,
        };
        for (f, pivots) in order.iter().enumerate() {
            for c in pivots {
                p.place[*c] = p.unknown.len();
                p.unknown.push(*c);
                p.front_of.push(f);
            }
        }
        let mut first = 0;
        for (pivots, border) in order.iter().zip(&borders) {
            let from = p.borders.len();
            p.borders.extend(border.iter().map(|c| p.place[*c]));
            p.borders[from..].sort_unstable();
            let parent = p.borders.get(from).map(|b| p.front_of[*b]);
            let pivots = pivots.len();
            let width = pivots + border.len();
            let (root, entries) = (p.roots, p.entries);
            p.fronts.push(Front {
                first,
                pivots,
                border: from..p.borders.len(),
                parent,
                own: 0..0,
                root,
                entries,
            });
            first += pivots;
            p.roots += pivots * width;
            p.entries += width * width;
        }
        p.connect();
        p
    }

    /// Where borders stand in the parents, rows in their fronts, and what all of it costs.
    fn connect(&mut self) {
        let mut heights = vec![0_usize; self.fronts.len()];
        for front in &self.fronts {
            let Some(parent) = front.parent else { continue };
            for b in front.border.clone() {
                let at = self.local(&self.fronts[parent], self.borders[b]).unwrap_or(0);
                self.into.push(at);
            }
            heights[parent] += front.border.len();
        }
        let mut counts = vec![0_usize; self.fronts.len() + 1];
        let homes: Vec<Option<usize>> = self
            .sets()
            .map(|s| self.columns[s].iter().map(|c| self.place[*c]).min().map(|first| self.front_of[first]))
            .collect();
        homes.iter().flatten().for_each(|f| counts[f + 1] += 1);
        for f in 0..self.fronts.len() {
            counts[f + 1] += counts[f];
            self.fronts[f].own = counts[f]..counts[f + 1];
            heights[f] += self.fronts[f].own.len();
        }
        self.own = vec![0; counts[self.fronts.len()]];
        let mut next = counts;
        self.locals = vec![0; self.columns.len()];
        for (s, home) in homes.iter().enumerate() {
            let Some(f) = *home else { continue };
            self.own[next[f]] = s;
            next[f] += 1;
            for at in self.set(s) {
                let local = self.local(&self.fronts[f], self.place[self.columns[at]]);
                self.locals[at] = local.unwrap_or(0);
            }
        }
        self.cost = (self.fronts.iter().zip(&heights))
            .map(|(f, h)| VISIT + (f.width() * f.width()) as f64 * (f.width() + h) as f64)
            .sum();
    }

    fn sets(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        (0..self.ends.len()).map(|s| self.set(s))
    }

    /// Where the unknowns of a set of rows stand.
    pub(super) fn set(&self, s: usize) -> Range<usize> {
        if s == 0 { 0..self.ends[0] } else { self.ends[s - 1]..self.ends[s] }
    }

    /// Whether these are the rows that the fronts were found for.
    pub(in crate::engine) fn is_of(&self, unknowns: usize, columns: &[usize], ends: &[usize]) -> bool {
        self.unknowns == unknowns && self.columns == columns && self.ends == ends
    }

    /// Number of unknowns.
    #[must_use]
    pub fn unknowns(&self) -> usize {
        self.unknowns
    }

    /// Additions and multiplications of one elimination, about.
    #[must_use]
    pub fn cost(&self) -> f64 {
        self.cost
    }

    /// Numbers in the covariances of all fronts.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.entries
    }

    /// Numbers in the roots of all fronts.
    pub(super) fn roots(&self) -> usize {
        self.roots
    }

    /// The most unknowns that are in one front.
    #[must_use]
    pub fn widest(&self) -> usize {
        self.fronts.iter().map(Front::width).max().unwrap_or(0)
    }

    pub(super) fn fronts(&self) -> &[Front] {
        &self.fronts
    }

    /// What the rows join, and where each set ends.
    #[cfg(feature = "serde")]
    pub(super) fn rows(&self) -> (&[usize], &[usize]) {
        (&self.columns, &self.ends)
    }

    pub(super) fn locals(&self) -> &[usize] {
        &self.locals
    }

    pub(super) fn own(&self, f: &Front) -> &[usize] {
        &self.own[f.own.clone()]
    }

    /// Places of a border.
    pub(super) fn border(&self, f: &Front) -> &[usize] {
        &self.borders[f.border.clone()]
    }

    /// The columns of the parent's front that a border is.
    pub(super) fn into(&self, f: &Front) -> &[usize] {
        &self.into[f.border.clone()]
    }

    pub(super) fn place(&self, unknown: usize) -> usize {
        self.place[unknown]
    }

    pub(super) fn unknown(&self, place: usize) -> usize {
        self.unknown[place]
    }

    pub(super) fn front_of(&self, place: usize) -> usize {
        self.front_of[place]
    }

    /// The column of a front that a place is.
    pub(super) fn local(&self, f: &Front, place: usize) -> Option<usize> {
        match place.checked_sub(f.first) {
            Some(at) if at < f.pivots => Some(at),
            _ => self.border(f).binary_search(&place).ok().map(|at| f.pivots + at),
        }
    }

    /// The unknowns of a front, in the order of its columns.
    pub(super) fn unknowns_of(&self, f: &Front) -> impl Iterator<Item = usize> + '_ {
        (f.first..f.first + f.pivots).chain(self.border(f).iter().copied()).map(|place| self.unknown[place])
    }
}

/// The pivots of each front and its border.
type Fronts = (Vec<Vec<usize>>, Vec<Vec<usize>>);

/// Degrees of unknowns in more sets than these are found again only where they have half as many.
const FEW: usize = 16;

/// Sets of unknowns that stand beside one another, as elimination goes on.
struct Graph {
    /// Ascending; empty where they were taken up in another.
    sets: Vec<Vec<usize>>,
    /// The sets that each unknown is in, and some that are no longer there.
    within: Vec<Vec<usize>>,
    /// How many of those are there, and how many were when its degree was last found.
    there: Vec<usize>,
    known: Vec<usize>,
    degree: Vec<usize>,
    stale: Vec<bool>,
    /// The last count that came by.
    mark: Vec<usize>,
    count: usize,
    queue: BinaryHeap<Reverse<(usize, usize)>>,
}

impl Graph {
    fn new(unknowns: usize, columns: &[usize], ends: &[usize]) -> Graph {
        let mut g = Graph {
            sets: vec![],
            within: vec![vec![]; unknowns],
            there: vec![0; unknowns],
            known: vec![0; unknowns],
            degree: vec![0; unknowns],
            stale: vec![false; unknowns],
            mark: vec![0; unknowns],
            count: 0,
            queue: BinaryHeap::with_capacity(unknowns),
        };
        let mut seen: HashSet<Vec<usize>> = HashSet::new();
        let mut start = 0;
        for &end in ends {
            let mut set = columns[start..end].to_vec();
            start = end;
            set.sort_unstable();
            set.dedup();
            if set.len() > 1 && !seen.contains(&set) {
                seen.insert(set.clone());
                g.add(set);
            }
        }
        drop(seen);
        for c in 0..unknowns {
            // No less than the degree.
            g.degree[c] = g.within[c].iter().map(|s| g.sets[*s].len() - 1).sum();
            g.known[c] = g.there[c];
            g.stale[c] = true;
            g.queue.push(Reverse((g.degree[c], c)));
        }
        g
    }

    fn add(&mut self, set: Vec<usize>) {
        for c in &set {
            self.within[*c].push(self.sets.len());
            self.there[*c] += 1;
        }
        self.sets.push(set);
    }

    /// Unknowns beside this one, in `into` if they are wanted.
    fn beside(&mut self, c: usize, mut into: Option<&mut Vec<usize>>) -> usize {
        let sets = &self.sets;
        self.within[c].retain(|s| !sets[*s].is_empty());
        if let ([one], None) = (self.within[c].as_slice(), &into) {
            return self.sets[*one].len() - 1;
        }
        self.count += 1;
        self.mark[c] = self.count;
        let mut found = 0;
        for s in &self.within[c] {
            for other in &self.sets[*s] {
                if self.mark[*other] != self.count {
                    self.mark[*other] = self.count;
                    found += 1;
                    if let Some(into) = into.as_deref_mut() {
                        into.push(*other);
                    }
                }
            }
        }
        found
    }

    fn refresh(&mut self, c: usize) {
        let degree = self.beside(c, None);
        self.known[c] = self.there[c];
        self.stale[c] = false;
        if degree != self.degree[c] {
            self.degree[c] = degree;
            self.queue.push(Reverse((degree, c)));
        }
    }

    /// Eliminates an unknown: the pivots of a front, and its border.
    fn eliminate(&mut self, c: usize) -> (Vec<usize>, Vec<usize>) {
        let mut beside = vec![];
        self.beside(c, Some(&mut beside));
        beside.sort_unstable();
        for s in std::mem::take(&mut self.within[c]) {
            for other in std::mem::take(&mut self.sets[s]) {
                self.there[other] -= 1;
            }
        }
        // What is in no other set comes along at no cost.
        let (mut pivots, mut border) = (vec![c], vec![]);
        for other in beside {
            if self.there[other] == 0 { pivots.push(other) } else { border.push(other) }
        }
        if border.len() > 1 {
            self.add(border.clone());
        }
        for &other in &border {
            if self.there[other] <= FEW || 2 * self.there[other] <= self.known[other] {
                self.refresh(other);
            } else {
                self.stale[other] = true;
            }
        }
        (pivots, border)
    }
}

fn order(unknowns: usize, columns: &[usize], ends: &[usize]) -> Fronts {
    let mut g = Graph::new(unknowns, columns, ends);
    let mut gone = vec![false; unknowns];
    let (mut order, mut borders) = (vec![], vec![]);
    while let Some(Reverse((degree, c))) = g.queue.pop() {
        if gone[c] || g.degree[c] != degree {
            continue;
        }
        if g.stale[c] {
            g.refresh(c);
            if g.degree[c] != degree {
                continue;
            }
        }
        let (pivots, border) = g.eliminate(c);
        pivots.iter().for_each(|p| gone[*p] = true);
        order.push(pivots);
        borders.push(border);
    }
    (order, borders)
}

/// A front that is its parent's only child, and whose border is all of the parent, is one front with it.
fn merged(unknowns: usize, (mut order, borders): Fronts) -> Fronts {
    let mut front_of = vec![0; unknowns];
    let mut place = vec![0; unknowns];
    let mut next = 0;
    for (f, pivots) in order.iter().enumerate() {
        for c in pivots {
            front_of[*c] = f;
            place[*c] = next;
            next += 1;
        }
    }
    let parent: Vec<Option<usize>> =
        borders.iter().map(|b| b.iter().min_by_key(|c| place[**c]).map(|c| front_of[*c])).collect();
    let mut children = vec![0; order.len()];
    parent.iter().flatten().for_each(|p| children[*p] += 1);
    let mut kept = vec![true; order.len()];
    for f in 0..order.len() {
        let Some(p) = parent[f] else { continue };
        if children[p] == 1 && borders[f].len() == order[p].len() + borders[p].len() {
            let mut pivots = std::mem::take(&mut order[f]);
            pivots.append(&mut order[p]);
            order[p] = pivots;
            children[p] = children[f];
            kept[f] = false;
        }
    }
    let keep = |all: Vec<Vec<usize>>| {
        all.into_iter().zip(&kept).filter(|(_, kept)| **kept).map(|(x, _)| x).collect::<Vec<_>>()
    };
    (keep(order), keep(borders))
}
