//! Chains of Gaussians whose units are of kinds: those of one kind have the same rows but for data that the rows are affine in.
//!
//! Which rows a unit has, and at which values of givens they read params, is its kind; everything else of a row that differs along the chain
//! must be a datum, as a term of its own.

use super::collapse::in_cond;
use super::links::always;
use super::split::{Splitter, reads_data, solve_shift};
use super::{
    Body, Cell, Collapse, Component, DataRow, Design, Kernel, Loop, Part, RowCase, Rows, StatKind, Terms,
    masked, part,
};
use crate::density::poly::{Poly, Term};
use crate::density::symbol::{Cond, Elem, Ix, Var};
use crate::model::ir::Role;

/// What tells the units of a chain apart.
#[derive(Clone, Debug, Default)]
pub struct Alike {
    /// The data of a unit.
    pub data: Collapse,
    /// The kinds of units by themselves, and of the steps to them.
    pub units: Kind,
    pub steps: Kind,
}

/// What a kind is told by, besides which data are missing.
#[derive(Clone, Debug, Default)]
pub struct Kind {
    pub conds: Vec<Cond>,
    pub values: Vec<Ix>,
}

/// Finds the chains of a kernel that have kinds of units.
pub fn find_all(kernel: &mut Kernel<'_>) {
    for at in 0..kernel.components.len() {
        let found = find(kernel, at);
        let c = &mut kernel.components[at];
        if let Some(link) = &mut c.link {
            link.step.alike.clone_from(&found);
        }
        c.alike = found;
    }
}

fn find(kernel: &Kernel<'_>, at: usize) -> Option<Alike> {
    let c = &kernel.components[at];
    let link = c.link.as_deref()?;
    let apart = c.is_chain()
        && link.order() == 1
        && c.whitened.is_none()
        && c.pairs.is_empty()
        && c.integrated.is_empty()
        && kernel.gates.iter().all(|g| g.chain != at)
        && kernel.expansions.iter().all(|e| e.component != at);
    if !apart {
        return None;
    }
    let mut search = Search { kernel, unit: &c.unit, data: Collapse::default(), kind: Kind::default() };
    c.rows.iter().try_for_each(|r| search.row(r, None))?;
    let units = std::mem::take(&mut search.kind);
    link.step.rows.iter().try_for_each(|r| search.row(r, Some((c, &link.step))))?;
    Some(Alike { data: search.data, units, steps: search.kind })
}

struct Search<'s, 'a> {
    kernel: &'s Kernel<'a>,
    unit: &'s [Var],
    data: Collapse,
    kind: Kind,
}

impl Search<'_, '_> {
    fn of_unit(&self, mentions: impl Fn(&Var) -> bool) -> bool {
        self.unit.iter().any(mentions)
    }

    /// Takes in a statement; `None` if units differ by it in another way.
    fn row(&mut self, r: &Rows, step: Option<(&Component, &Component)>) -> Option<()> {
        let fixed = |l: &Loop| matches!(l, Loop::Range(v) if !self.of_unit(|u| v.low.mentions(u) || v.high.mentions(u)));
        if !r.copies.is_empty() || r.gapped().next().is_some() || !r.loops.iter().all(fixed) {
            return None;
        }
        for g in &r.guards {
            let implied =
                step.is_some_and(|(c, step)| c.link.as_ref().is_some_and(|l| always(&l.along, step, g)));
            if !implied {
                self.condition(g)?;
            }
        }
        for case in &r.cases {
            case.when.iter().try_for_each(|w| self.condition(w))?;
            for cell in &case.cells {
                self.value(&cell.value)?;
            }
            self.case(r, case)?;
        }
        Some(())
    }

    /// Whether a condition holds is the same in all units, or a matter of their kind.
    fn condition(&mut self, c: &Cond) -> Option<()> {
        let mut all = true;
        c.visit_vars(&mut |v| all &= self.unit.contains(v));
        if self.of_unit(|u| in_cond(c, u)) {
            if !all {
                return None;
            }
            if !self.kind.conds.contains(c) {
                self.kind.conds.push(c.clone());
            }
        }
        Some(())
    }

    /// Whether a factor is a number, or made of constants of the header.
    fn is_constant(&self, p: &Poly) -> bool {
        let mut constant = !self.of_unit(|u| p.mentions(u));
        p.visit_elems(&mut |e| constant &= self.kernel.model.arrays[e.array.0].role == Role::Const);
        constant
    }

    fn value(&mut self, i: &Ix) -> Option<()> {
        let mut all = true;
        i.visit_vars(&mut |v| all &= self.unit.contains(v));
        if self.of_unit(|u| i.mentions(u)) {
            if !all {
                return None;
            }
            if !self.kind.values.contains(i) {
                self.kind.values.push(i.clone());
            }
        }
        Some(())
    }

    /// Something that the units of a kind share: it may read which sequence they are in, never where along it.
    fn shared(&mut self, mentions: impl Fn(&Var) -> bool) -> Option<()> {
        let (last, outer) = self.unit.split_last()?;
        for u in outer.iter().filter(|u| mentions(u)) {
            let at = Ix::var(u);
            if !self.kind.values.contains(&at) {
                self.kind.values.push(at);
            }
        }
        (!mentions(last)).then_some(())
    }

    fn case(&mut self, r: &Rows, case: &RowCase) -> Option<()> {
        if self.kernel.model.says_what_is_known(r.statement) {
            return None;
        }
        let (design, rho, moments): (&Design, &Poly, usize) = match &case.body {
            Body::Scalar(s) => {
                if !self.is_constant(&s.weight) || !is_empty(&s.normaliser) {
                    return None;
                }
                let precision = at_cells(self.kernel, &case.cells, &s.precision);
                self.shared(|u| precision.mentions(u))?;
                (&s.design, &s.rho, s.moments)
            }
            Body::Dense(d) => {
                let plain = d.weight.as_number() == Some(1.0) && d.count.is_none() && is_empty(&d.normaliser);
                if !plain {
                    return None;
                }
                let factor = at_cells(self.kernel, &case.cells, &d.factor);
                self.shared(|u| factor.mentions(u) || d.matrix.plates.iter().any(|i| i.mentions(u)))?;
                (&d.design, &d.rho, d.moments)
            }
            // Flat: no row.
            Body::Terms(t) => return is_empty(t).then_some(()),
            Body::Equal { .. } => return None,
        };
        self.terms(r, &case.cells, rho)?;
        for column in &design.columns {
            self.terms(r, &case.cells, &column.value)?;
        }
        let stat = &self.kernel.stats[moments];
        for cell in stat.cells.iter().filter(|x| x.value == Ix::var(&x.var)) {
            self.shared(|u| cell.var == *u)?;
        }
        let moments = matches!(stat.kind, StatKind::Moments { .. });
        let rounded = self.kernel.roundings.iter().flat_map(|x| &x.laws);
        let columns: Vec<Poly> = rounded
            .filter(|l| self.kernel.stats[l.stat].statement == r.statement)
            .flat_map(|l| l.design.columns.iter().map(|c| c.value.clone()))
            .collect();
        columns.iter().try_for_each(|p| self.terms(r, &case.cells, p))?;
        moments.then_some(())
    }

    /// Every term is a latent, or a datum, times what units share.
    fn terms(&mut self, r: &Rows, cells: &[Cell], p: &Poly) -> Option<()> {
        let model = self.kernel.model;
        for t in &p.0 {
            let rest = match part(model, self.unit, t)? {
                Part::Fixed(rest) | Part::Latent(_, rest) => rest,
                Part::Datum(e, rest) => {
                    self.datum(r, &e)?;
                    rest
                }
            };
            let mut there = true;
            rest.visit_elems(&mut |e| there &= !masked(model, e.array));
            if !there {
                return None;
            }
            let rest = Splitter { cells: cells.to_vec(), ..Splitter::new(model) }.at_cells(&rest);
            self.shared(|u| Term { sums: vec![], ..rest.clone() }.mentions(u))?;
            self.shared(|u| t.sums.iter().any(|v| v.low.mentions(u) || v.high.mentions(u)))?;
        }
        Some(())
    }

    fn datum(&mut self, r: &Rows, e: &Elem) -> Option<()> {
        let (last, _) = self.unit.split_last()?;
        // Behind the unit, along the chain, data are there; what may be missing says so only at the statement that is about it.
        for i in e.indices.iter().filter(|i| self.of_unit(|u| i.mentions(u))) {
            let (v, shift) = solve_shift(i)?;
            let back = shift.as_constant()?;
            if back > 0 || back < 0 && v != *last || reads_data(i) {
                return None;
            }
        }
        let own = e.array == r.target.array && e.indices.starts_with(&r.target.indices);
        if masked(self.kernel.model, e.array) && !own {
            return None;
        }
        if !self.data.data.iter().any(|d| d.holds(self.unit, e)) {
            self.data.data.push(DataRow::of(self.kernel.model, self.unit, e)?);
        }
        Some(())
    }
}

fn is_empty(t: &Terms) -> bool {
    t.separable.is_empty() && t.pointwise.is_none()
}

fn at_cells(kernel: &Kernel<'_>, cells: &[Cell], p: &Poly) -> Poly {
    Splitter { cells: cells.to_vec(), ..Splitter::new(kernel.model) }.poly_at_cells(p)
}
