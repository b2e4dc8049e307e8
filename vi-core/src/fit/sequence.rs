//! One sequence at a time: its potentials and the laws of its steps, and what is worked out of them.

use super::linked::Linked;
use super::program::{Program, Scratch};
use super::sweep::in_tiles;
use crate::Error;
use crate::engine::finite::batch::Batch;
use crate::engine::finite::scan::Pairs;
use crate::engine::finite::{Factors, Failure, Semiring, Sum, scan, tree};
use crate::tile::chains::LANES;
use std::fmt;
use std::ops::{Deref, DerefMut, Range};
use std::sync::{Mutex, PoisonError};

/// Workspace of one thread, for one sequence at a time and for several side by side.
#[derive(Default)]
pub(super) struct Desk {
    pub table: Vec<f64>,
    pub scratch: Scratch,
    pub scan: scan::Workspace,
    pub tree: tree::Workspace,
    /// Log potentials of all states, unit by unit.
    pub node: Vec<f64>,
    /// Of the states handed on, the others summed out; empty where there are no others.
    pub reduced: Vec<f64>,
    pub marginals: Vec<f64>,
    /// Sums over the pairs of each kind of step, or the pairs of each step.
    pub pairs: Vec<f64>,
    /// The laws of the steps of this sequence, where each has its own, and its number.
    pub own: Option<Factors>,
    pub each: Vec<usize>,
    pub batch: Batch,
    /// Of each lane, potentials and then probabilities of some steps: of all states, and of those handed on where these are fewer.
    pub tables: [Vec<f64>; LANES],
    pub handed_on: [Vec<f64>; LANES],
    /// Of each lane, the shares of states that are not handed on.
    pub leaves: [Vec<f64>; LANES],
    /// Potentials that are gathered once more, for what is known of latents inside the states.
    pub again: Vec<f64>,
    /// Probabilities of the states handed on, added up by kinds of units.
    pub sums: Vec<f64>,
}

/// Workspaces that no thread has: large ones, which the system would have to clear anew for every sweep.
#[derive(Default)]
pub(super) struct Shelf(Mutex<Vec<Desk>>);

/// A workspace that goes back.
pub(super) struct Lent<'s> {
    desk: Desk,
    shelf: &'s Shelf,
}

impl Shelf {
    pub(super) fn lend(&self) -> Lent<'_> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        // What generated code keeps while it works is of one sweep.
        let desk = Desk { scratch: Scratch::default(), ..kept.unwrap_or_default() };
        Lent { desk, shelf: self }
    }
}

impl Clone for Shelf {
    fn clone(&self) -> Self {
        Shelf::default()
    }
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf").finish_non_exhaustive()
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let desk = std::mem::take(&mut self.desk);
        self.shelf.0.lock().unwrap_or_else(PoisonError::into_inner).push(desk);
    }
}

impl Deref for Lent<'_> {
    type Target = Desk;

    fn deref(&self) -> &Desk {
        &self.desk
    }
}

impl DerefMut for Lent<'_> {
    fn deref_mut(&mut self) -> &mut Desk {
        &mut self.desk
    }
}

/// A sequence as the engines take it.
enum Sequence<'d> {
    Chain(scan::Chain<'d>),
    Tree(tree::Tree<'d>),
}

/// What works on a sequence, and where the pairs of its steps go.
struct Engines<'d> {
    scan: &'d mut scan::Workspace,
    tree: &'d mut tree::Workspace,
    pairs: &'d mut [f64],
}

impl Desk {
    /// q of a joint state of a unit.
    pub(super) fn probability(&self, unit: usize, state: usize, states: usize, frontier: usize) -> f64 {
        if states == frontier {
            return self.marginals[unit * states + state];
        }
        let at = unit * frontier + state / (states / frontier);
        let p = self.marginals[at];
        if p > 0.0 { p * (self.node[unit * states + state] - self.reduced[at]).exp() } else { 0.0 }
    }
}

impl<M: Program> Linked<'_, '_, M> {
    /// Log potentials of a sequence.
    fn potentials(&self, desk: &mut Desk, units: &Range<usize>) {
        let (states, size) = (self.component.states, self.links.frontier());
        desk.node.resize(units.len() * states, 0.0);
        for part in in_tiles(units.clone(), states) {
            let (n, start) = (part.len(), part.start);
            let table = &mut desk.table[..states * n];
            table.fill(0.0);
            let model = self.model;
            self.work.potentials(model, self.at, self.index, part, table, &mut desk.scratch);
            let node = &mut desk.node[(start - units.start) * states..][..n * states];
            for (s, column) in table.chunks(n).enumerate() {
                for (i, x) in column.iter().enumerate() {
                    node[i * states + s] = *x;
                }
            }
        }
        desk.reduced.clear();
        if states > size {
            desk.reduced.extend(desk.node.chunks(states / size).map(Sum::total));
        }
        desk.own = None;
        if self.factors.is_none() {
            let square = self.links.parts().len();
            let mut log = vec![0.0; units.len() * square];
            for unit in units.clone().filter(|unit| self.links.before(units, *unit).is_some()) {
                let table = &mut log[(unit - units.start) * square..][..square];
                self.model.step(&self.work.context, self.at, self.index, unit, table, &mut desk.scratch);
                self.work.add_to_step(self.index, unit, table);
            }
            desk.own = Some(Factors::in_parts(self.links.parts().clone(), log));
            desk.each.clear();
            desk.each.extend(0..units.len());
        }
    }

    /// The laws of the steps of a sequence, and which of them leads to each unit.
    pub(super) fn laws<'d>(
        &'d self,
        own: &'d Option<Factors>,
        each: &'d [usize],
        units: &Range<usize>,
    ) -> (&'d Factors, Option<&'d [usize]>) {
        match (&self.factors, own) {
            (Some(f), _) => (f, self.links.which(units)),
            (None, Some(f)) => (f, Some(each)),
            (None, None) => (&self.none, None),
        }
    }

    /// log p(x) of a sequence, by what is done with it; that has a place for marginals.
    fn eliminate(
        &self,
        desk: &mut Desk,
        units: &Range<usize>,
        with: impl FnOnce(&mut Engines<'_>, Sequence<'_>, &mut [f64]) -> Result<f64, Failure>,
    ) -> Result<f64, Error> {
        self.potentials(desk, units);
        let size = units.len() * self.links.frontier();
        desk.marginals.resize(size, 0.0);
        let log_potential = if desk.reduced.is_empty() { &desk.node } else { &desk.reduced };
        let log_potential = &log_potential[..size];
        let (factors, which) = self.laws(&desk.own, &desk.each, units);
        let sequence = match self.links.parents(units) {
            None => Sequence::Chain(scan::Chain { log_potential, factors, which }),
            Some(parent) => Sequence::Tree(tree::Tree { log_potential, parent, factors, which }),
        };
        let mut engines = Engines { scan: &mut desk.scan, tree: &mut desk.tree, pairs: &mut desk.pairs };
        with(&mut engines, sequence, &mut desk.marginals).map_err(|failure| {
            failure.named(|t| self.model.unit_name(&self.work.context, self.index, units.start + t))
        })
    }

    /// log p(x) of a sequence; leaves its marginals and pairs on the desk.
    pub(super) fn smooth(&self, desk: &mut Desk, units: &Range<usize>) -> Result<f64, Error> {
        let copies = if self.factors.is_none() { 1.0 } else { self.copies(units) };
        if self.factors.is_none() {
            desk.pairs.clear();
            desk.pairs.resize(units.len() * self.links.parts().len(), 0.0);
        }
        self.eliminate(desk, units, |engines, sequence, marginals| {
            let pairs = Some(Pairs { sums: engines.pairs, copies });
            match sequence {
                Sequence::Chain(chain) => engines.scan.smooth(&chain, marginals, pairs),
                Sequence::Tree(tree) => engines.tree.smooth(&tree, marginals, pairs),
            }
        })
    }

    /// log p(x) of a sequence along an axis; leaves its filtered probabilities on the desk.
    pub(super) fn filter(&self, desk: &mut Desk, units: &Range<usize>) -> Result<f64, Error> {
        self.eliminate(desk, units, |engines, sequence, marginals| match sequence {
            Sequence::Chain(chain) => engines.scan.filter(&chain, marginals),
            Sequence::Tree(tree) => engines.tree.smooth(&tree, marginals, None),
        })
    }

    /// log p(x) of a sequence.
    pub(super) fn evidence(&self, desk: &mut Desk, units: &Range<usize>) -> Result<f64, Error> {
        self.eliminate(desk, units, |engines, sequence, _| match sequence {
            Sequence::Chain(chain) => engines.scan.log_evidence(&chain),
            Sequence::Tree(tree) => engines.tree.log_evidence(&tree),
        })
    }
}
