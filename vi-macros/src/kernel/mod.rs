//! The plan as loops: what is read for each unit, what is added to its table, which sums are kept, and how each param is read off them.
//!
//! Nothing here knows a distribution: a statement is a sum of `data · params` terms, a residual, or a structural zero.

use crate::density::poly::{Factor, Func, MatrixRef, Poly};
use crate::density::statement::StatementDensity;
use crate::density::symbol::{Cond, Elem, Ix, Var};
use crate::model::ir::{ArrayId, Model, Role, StatementId};
use crate::plan::points;

mod admixture;
mod alike;
mod build;
mod canon;
pub mod chain_scales;
mod chains;
mod coefficients;
mod collapse;
mod cuts;
mod exists;
mod expansion;
mod forms;
mod gaps;
mod gates;
mod hoists;
mod integrated;
pub mod links;
mod locations;
mod maximise;
mod meetings;
mod mstep;
mod normals;
mod once;
mod rotation;
mod round;
mod rows;
mod shared;
mod split;
mod steps;
mod whitened;

pub use admixture::Admixture;
pub use alike::Alike;
pub use build::{build, masked, rows_of};

pub use canon::{Canon, Open, Turning};
pub use chains::back;
pub use collapse::{Collapse, DataRow, Part, part};
pub use cuts::Side;
pub use expansion::Expansion;
pub use gates::Gate;
pub use hoists::{find_in, half_log, single};
pub use integrated::{Integrated, Own, own_terms, scale_of, touches};
pub use links::Link;
pub use locations::without;
pub use meetings::{Meeting, Span};
pub use mstep::*;
pub use normals::{depth, is_unit_normal, pulled, reads_normals, unit_normals};
pub use rotation::{Prior, Rotation};
pub use round::Rounding;
pub use split::Splitter;
pub use whitened::Whitened;

/// Whether an array is an unknown that is tabulated over no table of states: a param, or a latent of no finite type.
///
/// The only unknowns left in a kernel: finite latents have become states. A param and such a latent are the same node; the one is held at the
/// mode of its natural parameters, of the other the expectations are read.
///
/// A latent whose Gaussian is eliminated unit by unit is none: its moments stand where data stand.
pub fn is_param(model: &Model, array: ArrayId) -> bool {
    let a = &model.arrays[array.0];
    // What is integrated out beside the states is data of which the expectation is known.
    let integrated = model.integrated.contains(&array);
    !integrated
        && !is_unit_normal(model, array)
        && a.pieces.iter().any(|p| match model.statements[p.0].role {
            Role::Param => true,
            Role::Latent => !a.elem.kind.is_finite(),
            Role::Observed | Role::Given | Role::Const => false,
        })
}

/// Whether an unknown has a distribution for its q, not a point.
pub fn is_random(model: &Model, array: ArrayId) -> bool {
    let latent = model.arrays[array.0].pieces.iter().any(|p| model.statements[p.0].role == Role::Latent);
    latent && is_param(model, array) && !points(model).contains(&array)
}

#[derive(Debug)]
pub struct Kernel<'a> {
    pub model: &'a Model,
    pub components: Vec<Component>,
    /// Statements of chains of Gaussians with a row for each state of another component.
    pub gates: Vec<Gate>,
    /// Statements of several components.
    pub meetings: Vec<Meeting>,
    /// Observed statements that no latent touches: their statistics never change.
    pub fixed: Vec<Rows>,
    /// Observed statements without latents whose statistics are Taylor series: collected at every sweep.
    pub moving: Vec<Rows>,
    /// Bounds that latents are kept within.
    pub sides: Vec<Side>,
    /// Sufficient statistics, each a table over its cells.
    pub stats: Vec<Stat>,
    /// Functions of the params that are tabulated once a sweep.
    pub hoists: Vec<Hoist>,
    /// Given maps that are inverted, so that a unit finds its rows.
    pub groups: Vec<ArrayId>,
    /// Reads of latents that may not exist.
    pub partial: Vec<exists::Partial>,
    /// Statements that are priors of params and of shared latents.
    pub priors: Vec<StatementId>,
    /// Those of shared latents that are no points.
    pub latent_priors: Vec<StatementDensity>,
    pub steps: Vec<MStep>,
    /// What follows the M-steps.
    pub expansions: Vec<Expansion>,
    /// The same of chains whose steps are standard.
    pub roundings: Vec<Rounding>,
    /// Latents of which an orientation can be chosen when all is done.
    pub canons: Vec<Canon>,
    /// One sweep, in the order of the plan's blocks; local blocks come first, and the units last.
    pub turns: Vec<Turn>,
    /// Blocks that carry the outermost plate of the units: each has its own data, so that it can take turns with them before the other blocks
    /// are updated.
    pub local: Vec<usize>,
    /// Where units and local blocks can be updated group by group.
    pub admixture: Option<Admixture>,
}

impl Kernel<'_> {
    /// The statistics that are gathered: of what is known of a unit's latents nothing is learned.
    pub fn gathered(&self) -> impl Iterator<Item = (usize, &Stat)> {
        self.stats.iter().enumerate().filter(|(_, s)| !self.is_known_in_unit(s.statement))
    }

    /// Whether a statement says what is known of a latent of a unit.
    pub fn is_known_in_unit(&self, s: StatementId) -> bool {
        self.model.says_what_is_known(s) && self.fixed.iter().all(|r| r.statement != s)
    }

    /// The bounds that the elements of a latent are kept within.
    pub fn sides_of(&self, a: ArrayId) -> impl Iterator<Item = &Side> {
        self.sides.iter().filter(move |s| s.element.array == a)
    }

    /// Whether a latent is kept within an interval.
    pub fn is_cut(&self, a: ArrayId) -> bool {
        self.sides_of(a).next().is_some()
    }

    /// Everything that has a table of states: the components, each followed by the steps between its units, their meetings, and the gates. The
    /// number is that of the component whose units they have.
    pub fn tabled(&self) -> impl Iterator<Item = (usize, &Component)> {
        let own = self.components.iter().enumerate().flat_map(|(i, c)| {
            std::iter::once((i, c)).chain(c.link.iter().flat_map(|l| l.steps()).map(move |s| (i, s)))
        });
        let gates = self.gates.iter().map(|g| (g.chain, &g.table));
        own.chain(self.meetings.iter().map(|m| (m.of[0], &m.component))).chain(gates)
    }
}

/// One part of a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    Units,
    /// Steps of this block.
    Block(usize),
}

/// Latents that are enumerated together, once for each unit.
#[derive(Debug)]
pub struct Component {
    pub locals: Vec<Local>,
    /// Latents that are integrated out in every joint state.
    pub integrated: Vec<Integrated>,
    /// Gaussian given the states, and eliminated before them.
    pub normals: Vec<Normal>,
    /// The plates, which are the same for all locals.
    pub unit: Vec<Var>,
    /// Which units there are, in their own indices; none where all are.
    pub guards: Vec<Cond>,
    pub rows: Vec<Rows>,
    /// The data whose first two moments are all that a sweep reads, where that is so.
    pub collapse: Option<Collapse>,
    /// Whether one factor serves all units that have the same rows.
    pub hoisted: bool,
    /// Of a chain of Gaussians, and of its steps: what tells its units apart, where there are kinds of them.
    pub alike: Option<Alike>,
    /// Statements of two of its units; where there are any, the units take turns.
    pub pairs: Vec<Pairs>,
    /// Where its units follow one another.
    pub link: Option<Box<Link>>,
    /// The scale that all rows of its Gaussians have in common, where it is eliminated with them.
    pub whitened: Option<Whitened>,
    /// Whether its states are those of another block: its Gaussians have one posterior, whatever the state.
    pub beside: bool,
}

impl Component {
    /// The latents of these units, without a statement.
    pub fn new(locals: Vec<Local>, unit: Vec<Var>, guards: Vec<Cond>) -> Self {
        Component {
            locals,
            unit,
            guards,
            integrated: vec![],
            normals: vec![],
            rows: vec![],
            collapse: None,
            hoisted: false,
            alike: None,
            pairs: vec![],
            link: None,
            whitened: None,
            beside: false,
        }
    }

    /// Whether an array is one of its latents.
    pub fn holds(&self, a: ArrayId) -> bool {
        self.arrays().contains(&a)
    }

    /// A latent with all indices of a unit.
    pub fn own_local(&self) -> Option<&Local> {
        self.locals.iter().find(|l| !l.lasts)
    }

    /// Categories that are one for all units of a sequence.
    pub fn lasting(&self) -> impl Iterator<Item = &Local> {
        self.locals.iter().filter(|l| l.lasts)
    }

    /// Whether units are looked up in a list: those of several plates, and those that a condition picks.
    pub fn is_listed(&self) -> bool {
        self.unit.len() > 1 || !self.guards.is_empty()
    }
}

#[derive(Debug, Clone)]
pub struct Local {
    pub array: ArrayId,
    /// How many units before this one the element is.
    pub back: usize,
    /// Whether it has no index along the last axis of the units: one element for all units of a sequence, which is handed on as it is.
    pub lasts: bool,
    /// The value of the latent.
    pub state: Var,
}

impl Local {
    /// A further state of the latent, called like none of these.
    pub fn state_beside<'v>(&self, taken: impl Iterator<Item = &'v Var> + Clone) -> Var {
        let mut name = self.state.name.clone();
        while taken.clone().any(|v| v.name == name) {
            name.push('′');
        }
        Var::new(name, self.state.nominal, Ix::constant(0), self.state.high.clone())
    }
}

/// A latent of a unit with a Gaussian posterior in each of its states.
#[derive(Debug, Clone)]
pub struct Normal {
    pub array: ArrayId,
    /// How many units before this one the element is.
    pub back: usize,
    /// The components of a vector; none of a number.
    pub over: Vec<Var>,
}

/// A statement that reads the categories of two units.
#[derive(Debug)]
pub struct Pairs {
    /// Seen from outside: its loops bind both units, its states are those of the first and the second.
    pub rows: Rows,
    pub ends: [End; 2],
}

/// One end of a pair.
#[derive(Debug)]
pub struct End {
    /// Which unit it is.
    pub at: Ix,
    pub state: Var,
    /// Where a given map says so: the map's own index, and its inverse.
    pub group: Option<(Var, usize)>,
}

/// One statement, seen from one unit.
#[derive(Debug, Clone)]
pub struct Rows {
    pub statement: StatementId,
    pub line: usize,
    /// Loops inside the unit, outermost first.
    pub loops: Vec<Loop>,
    /// Conditions that do not read a state.
    pub guards: Vec<Cond>,
    /// The observed element, and whether it may be missing.
    pub target: Elem,
    pub missing: bool,
    pub copies: Vec<Elem>,
    /// Which locals of the component it reads.
    pub states: Vec<usize>,
    pub cases: Vec<RowCase>,
}

#[derive(Debug, Clone)]
pub enum Loop {
    /// Over the index's own range.
    Range(Var),
    /// Over the positions a given map sends to this unit.
    Members { var: Var, of: Ix, group: usize },
}

#[derive(Debug, Clone)]
pub struct RowCase {
    /// Conditions that read a state or the data.
    pub when: Vec<Cond>,
    /// Values of givens that params are read at.
    pub cells: Vec<Cell>,
    pub body: Body,
}

#[derive(Debug, Clone)]
pub enum Body {
    Terms(Terms),
    Scalar(ScalarResidual),
    Dense(DenseResidual),
    /// −∞ unless the two are equal.
    Equal {
        value: Poly,
        to: Poly,
    },
}

impl Body {
    /// Every function of data, states and params in it.
    pub fn visit_polys(&self, f: &mut impl FnMut(&Poly)) {
        match self {
            Body::Terms(t) => t.visit_polys(f),
            Body::Scalar(s) => {
                [&s.rho, &s.weight, &s.precision, &s.base].into_iter().for_each(&mut *f);
                s.normaliser.visit_polys(f);
            }
            Body::Dense(d) => {
                [&d.rho, &d.factor, &d.base].into_iter().for_each(&mut *f);
                let plates = d.matrix.plates.iter().map(Poly::index);
                plates.for_each(|p| f(&p));
            }
            Body::Equal { value, to } => {
                f(value);
                f(to);
            }
        }
    }
}

#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// Data alone: a constant of the fit.
    pub base: Poly,
    /// data · params
    pub separable: Vec<Separable>,
    /// Functions of data and params together: no sufficient statistic of fixed size exists, so their Taylor series about the current params is
    /// what is kept.
    pub pointwise: Option<Pointwise>,
}

impl Terms {
    fn visit_polys(&self, f: &mut impl FnMut(&Poly)) {
        f(&self.base);
        for s in &self.separable {
            f(&s.coefficient);
            f(&s.params);
        }
        if let Some(p) = &self.pointwise {
            f(&p.value);
        }
    }

    /// The indicator of a truncation's bounds, where a state decides whether they hold.
    pub fn inside(&self) -> Option<Poly> {
        let fixed = |s: &&Separable| s.params.as_number().is_some();
        // Without params there is nothing that the rows outside could mislead.
        if self.pointwise.is_none() && self.separable.iter().all(|s| fixed(&s)) {
            return None;
        }
        self.separable.iter().filter(fixed).find_map(|s| match s.coefficient.0.as_slice() {
            [t] => t.factors.iter().find_map(|(f, _)| {
                matches!(f, Factor::Apply(Func::LogInside, _)).then(|| Poly::factor(f.clone()))
            }),
            [] | [_, _, ..] => None,
        })
    }
}

#[derive(Debug, Clone)]
pub struct Pointwise {
    pub value: Poly,
    pub stat: usize,
}

#[derive(Debug, Clone)]
pub struct Separable {
    /// Data and states.
    pub coefficient: Poly,
    /// One term: a number times functions of params, at the cells.
    pub params: Poly,
    pub stat: usize,
}

impl Separable {
    /// Conditions on the cells alone under which there is a term at all: elsewhere the params' function may not exist.
    pub fn guards(&self, cells: &[Cell]) -> Vec<Cond> {
        let Some(first) = self.coefficient.0.first() else { return vec![] };
        let own = |c: &Cond| {
            let mut within = true;
            c.visit_vars(&mut |v| within &= cells.iter().any(|x| x.var == *v && x.value == Ix::var(v)));
            within
        };
        first
            .factors
            .iter()
            .filter(|f| self.coefficient.0.iter().all(|t| t.factors.contains(f)))
            .filter_map(|(f, _)| match f {
                Factor::Iverson(c) if own(c) => Some(c.clone()),
                _ => None,
            })
            .collect()
    }
}

/// An index of a statistic: a plate, a state, or the value of a given.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    pub var: Var,
    /// What the index is at a row; the variable itself for plates and states.
    pub value: Ix,
}

#[derive(Debug, Clone)]
pub struct Stat {
    /// A field of `Stats`.
    pub name: String,
    pub cells: Vec<Cell>,
    pub kind: StatKind,
    pub statement: StatementId,
    /// Whether the case it belongs to is complete. Another case of the statement counts under another condition.
    pub closed: bool,
}

#[derive(Debug, Clone)]
pub enum StatKind {
    /// Σ weight · coefficient
    Sum(Poly),
    /// Σ weight · (1, u)(1, u)ᵀ about a gauge
    Moments { columns: Vec<Column> },
    /// Σ weight · (value, gradient, Hessian) of a function of data and params
    Taylor { value: Poly, symbols: Vec<Symbol> },
}

/// Elements of a param that a Taylor series is taken in.
#[derive(Debug, Clone, PartialEq)]
pub struct Symbol {
    pub elem: Elem,
    /// Indices of the element that are not cells: each value is an element of its own.
    pub over: Vec<Var>,
}

/// Some components of a design vector u.
#[derive(Debug, Clone)]
pub struct Column {
    /// The indices the components run over, such as d of x[n]; none for one number.
    pub over: Vec<Var>,
    pub value: Poly,
}

/// −½ w λ ρ² + ½ log λ
#[derive(Debug, Clone)]
pub struct ScalarResidual {
    /// The component index of a vector with a diagonal scale: one more loop.
    pub event: Option<Var>,
    pub rho: Poly,
    /// A factor of the precision that is data.
    pub weight: Poly,
    /// The factor of the precision that is params; 1 if there is none.
    pub precision: Poly,
    pub design: Design,
    /// Σ weight · (1, u)(1, u)ᵀ
    pub moments: usize,
    /// Number of observations, where the data weight is not 1.
    pub count: Option<usize>,
    /// Terms of the density that are data alone.
    pub base: Poly,
    /// A truncation's −log P.
    pub normaliser: Terms,
}

#[derive(Debug, Clone)]
pub struct DenseResidual {
    pub event: Var,
    pub rho: Poly,
    /// A factor of the precision that is an integrated latent; 1 if there is none.
    pub weight: Poly,
    pub factor: Poly,
    pub matrix: MatrixRef,
    pub inverse: bool,
    pub design: Design,
    pub moments: usize,
    /// Number of observations, where the weight is not 1.
    pub count: Option<usize>,
    pub base: Poly,
    /// The logarithm of the weight.
    pub normaliser: Terms,
}

/// ρ = target − Σ coefficient · θ, with the target's and the coefficients' data in the columns of u.
#[derive(Debug, Clone)]
pub struct Design {
    /// Column 0 is the target. For a dense residual it runs over the event.
    pub columns: Vec<Column>,
    pub regressors: Vec<Regressor>,
}

#[derive(Debug, Clone)]
pub struct Regressor {
    pub param: Elem,
    /// Other unknowns that it is multiplied with.
    pub others: Vec<Elem>,
    /// Indices that are summed over, such as h in Σ_h W_dh f_h.
    pub sums: Vec<Var>,
    /// Where a vector has regressors of its own for each component, the component: its column runs over that too.
    pub component: Option<Var>,
    /// `None`: a constant.
    pub column: Option<usize>,
    /// −coefficient of θ in ρ is this number (for a constant), or 1 (the column holds the sign).
    pub constant: f64,
}

impl Regressor {
    /// All unknowns of the term.
    pub fn elems(&self) -> impl Iterator<Item = &Elem> {
        std::iter::once(&self.param).chain(&self.others)
    }

    /// The one of these arrays.
    pub fn of(&self, arrays: &[ArrayId]) -> Option<&Elem> {
        self.elems().find(|e| arrays.contains(&e.array))
    }
}

impl Design {
    /// Whether the components of a vector have regressors of their own.
    pub fn is_by_component(&self) -> bool {
        self.regressors.iter().any(|r| r.component.is_some())
    }

    /// Whether no term multiplies unknowns.
    pub fn is_linear(&self) -> bool {
        self.regressors.iter().all(|r| r.others.is_empty())
    }

    /// Whether no term multiplies latents by one another: what else is in a product is a point.
    pub fn is_affine(&self, model: &Model) -> bool {
        self.regressors.iter().all(|r| r.elems().filter(|e| is_random(model, e.array)).count() <= 1)
    }

    /// Another index in place of one.
    fn substitute(&mut self, from: &Var, to: &Ix) {
        for r in &mut self.regressors {
            r.param = r.param.substitute(from, to);
            for e in &mut r.others {
                *e = e.substitute(from, to);
            }
        }
        for c in &mut self.columns {
            c.value = c.value.substitute(from, to);
        }
    }
}

/// A function of params, tabulated over its cells.
#[derive(Debug, Clone)]
pub struct Hoist {
    pub name: String,
    pub over: Vec<Var>,
    pub value: Poly,
}
