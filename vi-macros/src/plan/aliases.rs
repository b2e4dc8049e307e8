//! What is proved of the positions at which a factor reads an array: which order they have, and which never meet.
//!
//! The proofs are those of [`alias`](crate::model::alias), from guards, bounds of indices and ranges of categories. Where an index is not the
//! user's own (the value of a latent, the other index of a square) there is nothing to prove from, and all stays as cautious as it was.

use super::interact::{Factor, Interaction, Node, Statistic};
use crate::density::normal_form::Stat;
use crate::density::symbol::{Cmp, Cond, Ix, IxTerm, Var};
use crate::model::alias::{Alias, alias, alias_access, at_most};
use crate::model::ir::{Access, Array, Expr, Index, IndexTerm, Model};
use crate::syntax::ast::Loc;

/// What proofs about a factor start from: its statement's guards, and the indices that are bound once around the whole statement. An index
/// that a sum binds may stand for several values in one term.
struct Around<'m> {
    model: &'m Model,
    guards: &'m [Expr],
    plates: Vec<Var>,
    loc: Loc,
}

impl<'m> Around<'m> {
    fn of(model: &'m Model, f: &Factor) -> Option<Self> {
        let s = &model.statements[f.origin.statement?.0];
        let plates = f.vars.iter().take(s.binds.len()).cloned().collect();
        Some(Around { model, guards: &s.guards, plates, loc: f.origin.loc })
    }

    fn at_most(&self, x: &Ix, y: &Ix) -> bool {
        let (x, y) = (self.index(x), self.index(y));
        x.zip(y).is_some_and(|(x, y)| at_most(self.model, &x, &y, self.guards))
    }

    fn distinct(&self, x: &Ix, y: &Ix) -> bool {
        let (x, y) = (self.index(x), self.index(y));
        x.zip(y).is_some_and(|(x, y)| alias(self.model, &[x], &[y], self.guards, true) == Alias::Distinct)
    }

    /// Whether two accesses of an array are one element.
    fn same(&self, node: &Node, x: &[Ix], y: &[Ix]) -> bool {
        let access = |ix: &[Ix]| {
            let indices = ix[..node.plates].iter().map(|i| self.index(i)).collect::<Option<_>>()?;
            Some(Access { loc: self.loc, array: node.array, indices })
        };
        let (x, y) = (access(x), access(y));
        x.zip(y).is_some_and(|(x, y)| alias_access(self.model, &x, &y, self.guards, true) == Alias::Same)
    }

    /// An index of the density as one of the model, if every variable in it is bound around the statement.
    fn index(&self, i: &Ix) -> Option<Index> {
        let mut out = Index::constant(self.loc, i.offset);
        for (c, t) in &i.terms {
            let all = |args: &[Ix]| args.iter().map(|a| self.index(a)).collect::<Option<Vec<_>>>();
            let term = match t {
                IxTerm::Var(v) if self.plates.contains(v) => IndexTerm::Bound(v.user?),
                IxTerm::Var(_) => return None,
                IxTerm::Size(s, args) => IndexTerm::Size(*s, all(args)?),
                IxTerm::Read(e) => {
                    IndexTerm::Read(Access { loc: self.loc, array: e.array, indices: all(&e.indices)? })
                }
            };
            out = out.plus(*c, &Index::of(self.loc, term));
        }
        Some(out)
    }
}

/// Writes each access of a symmetric array in the order it is kept in, where that order is proved. What is not proved is listed: such an
/// access may be either of two.
pub fn in_kept_order(
    model: &Model,
    g: &Interaction,
    f: &mut Factor,
    n: usize,
    (i, j): (usize, usize),
) -> Vec<usize> {
    let around = Around::of(model, f);
    let known = |x: &Ix, y: &Ix| x == y || around.as_ref().is_some_and(|a| a.at_most(x, y));
    for a in f.atoms.iter_mut().filter(|a| a.node == n) {
        if !known(&a.ix[i], &a.ix[j]) && known(&a.ix[j], &a.ix[i]) {
            a.ix.swap(i, j);
        }
    }
    // Of accesses whose order nothing tells, some are one element all the same: `B[f[r], g[r]]` and `B[g[r], f[r]]`.
    for k in 1..f.atoms.len() {
        let (before, rest) = f.atoms.split_at_mut(k);
        let same = before.iter().find(|a| {
            a.node == n
                && rest[0].node == n
                && around.as_ref().is_some_and(|w| w.same(&g.nodes[n], &a.ix, &rest[0].ix))
        });
        if let Some(a) = same {
            let plates = g.nodes[n].plates;
            rest[0].ix[..plates].clone_from_slice(&a.ix[..plates]);
        }
    }
    merge(&g.nodes[n], f, n);
    let open = f.atoms.iter().enumerate().filter(|(_, a)| a.node == n && !known(&a.ix[i], &a.ix[j]));
    open.map(|(at, _)| at).collect()
}

/// I1 of the normal form, for accesses that turned out to be of one element.
pub fn merge(node: &Node, f: &mut Factor, n: usize) {
    let outer = node.outer() + node.events;
    let mut k = 0;
    while k < f.atoms.len() {
        let twin = (0..k).find(|e| {
            let (a, b) = (&f.atoms[*e], &f.atoms[k]);
            a.node == n && b.node == n && a.ix[..outer] == b.ix[..outer] && a.events == b.events
        });
        let merged = twin.and_then(|e| match (&f.atoms[e].stat, &f.atoms[k].stat) {
            (Statistic::Of(Stat::Power(p)), Statistic::Of(Stat::Power(q))) => {
                Some((e, Statistic::Of(Stat::Power(p.plus(*q)))))
            }
            (
                Statistic::Support
                | Statistic::Of(
                    Stat::Power(_)
                    | Stat::Indicator
                    | Stat::Log
                    | Stat::Log1m
                    | Stat::LogDet
                    | Stat::Inverse
                    | Stat::Opaque(_),
                ),
                _,
            ) => None,
        });
        match merged {
            Some((e, stat)) => {
                f.atoms[e].stat = stat;
                f.atoms.remove(k);
            }
            None => k += 1,
        }
    }
}

/// Adds to the guards of a factor that two positions differ, where bounds or guards prove it but do not say it.
pub fn note_distinct(model: &Model, g: &Interaction, f: &mut Factor) {
    let Some(around) = Around::of(model, f) else { return };
    let mut apart = vec![];
    for (n, a) in f.atoms.iter().enumerate() {
        for b in f.atoms[..n].iter().filter(|b| b.node == a.node) {
            let positions = a.ix.iter().zip(&b.ix).take(g.nodes[a.node].plates);
            for (x, y) in positions.filter(|(x, y)| x != y && around.distinct(x, y)) {
                apart.push(Cond::Compare(Cmp::Ne, x.clone(), y.clone()));
            }
        }
    }
    f.guards.extend(apart);
}

/// Whether `[i, j]` of an array stands for `[j, i]` too.
pub fn symmetric_axes(array: &Array) -> Vec<(usize, usize)> {
    let plates = array.plates.len();
    let pairs = (0..plates).flat_map(|i| (i + 1..plates).map(move |j| (i, j)));
    let all = pairs.filter(|(i, j)| array.plates[*i].nominal == array.plates[*j].nominal);
    if array.symmetric { all.collect() } else { vec![] }
}
