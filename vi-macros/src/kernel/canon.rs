//! What the data leave open of a Gaussian latent and all that it is multiplied with: x and T x say the same, if everything that meets x turns
//! along.
//!
//! An index of a param that is summed with x turns by T⁻ᵀ, and one that stands for a component of x by T. Where every law of x has a free
//! covariance, T is any invertible matrix; where one of them is the same in every direction, it is a rotation. What turns may have a law of its
//! own, a square about 0: one that is the same in every direction leaves the rotations open, any other the order of the directions and their
//! signs, if nothing else tells them apart.

use super::{Body, Component, Kernel, RowCase, Rows, is_param, is_random};
use crate::density::poly::{Exponent, Factor, Poly, Term};
use crate::density::statement::StatementDensity;
use crate::density::symbol::{Elem, Ix, Var, length};
use crate::model::exchange::told_apart;
use crate::model::ir::{ArrayId, ElemKind, Extent, Model, Nominal, Role, StatementId};

/// How an index of a param turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turning {
    /// With x.
    Along,
    /// Against it, so that the product stays.
    Against,
}

/// What is open of T.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    /// All of it: this covariance of x, or of its steps, becomes the identity.
    Any(ArrayId),
    /// A rotation.
    Rotation {
        /// Whether what turns with x are params that nothing holds.
        free: bool,
    },
    /// The order of the directions, along all that this size counts, and their signs.
    Order(Nominal),
}

/// A latent of which an orientation can be chosen.
#[derive(Debug)]
pub struct Canon {
    pub latent: ArrayId,
    /// Params that turn, with the indices of theirs that do.
    pub params: Vec<(ArrayId, Vec<(usize, Turning)>)>,
    pub open: Open,
    /// Whether each category has an orientation of its own: its index comes first in every param that turns.
    pub by_state: bool,
}

impl Canon {
    /// The params through which x reaches the data: what is ordered.
    pub fn loadings(&self) -> impl Iterator<Item = (ArrayId, usize)> {
        self.params.iter().filter_map(|(a, axes)| match axes.as_slice() {
            [(axis, Turning::Against)] => Some((*a, *axis)),
            [] | [_] | [_, _, ..] => None,
        })
    }
}

/// The orientations that are open in a kernel.
pub fn canons(kernel: &Kernel<'_>, densities: &[StatementDensity]) -> Vec<Canon> {
    kernel.components.iter().filter_map(|c| canon(kernel, densities, c)).collect()
}

struct Search<'k> {
    kernel: &'k Kernel<'k>,
    latent: ArrayId,
    state: Option<Var>,
    params: Vec<(ArrayId, Vec<(usize, Turning)>)>,
    by_state: bool,
    /// Whether some law of the latent is the same in every direction, or has a scale for each.
    round: bool,
    uneven: bool,
    scale: Option<ArrayId>,
}

fn canon(kernel: &Kernel<'_>, densities: &[StatementDensity], c: &Component) -> Option<Canon> {
    let model = kernel.model;
    let first = c.normals.first().filter(|n| n.over.len() == 1)?;
    let latent = first.array;
    if c.normals.iter().any(|n| n.array != latent)
        || !c.integrated.is_empty()
        || c.link.is_some() != c.is_chain()
    {
        return None;
    }
    let state = match c.locals.as_slice() {
        [one] => Some(one.state.clone()),
        [] | [_, _, ..] => None,
    };
    let by_state = state.is_some();
    let mut s =
        Search { kernel, latent, state, params: vec![], by_state, round: false, uneven: false, scale: None };
    // The step's law comes last: of several covariances it is that which becomes the identity.
    let rows: Vec<&Rows> = c.rows.iter().chain(c.link.iter().flat_map(|l| &l.step.rows)).collect();
    // Once more when all that turns is known: nothing else may read it.
    for r in rows.iter().chain(&rows) {
        for case in &r.cases {
            s.case(r, case)?;
        }
    }
    let Search { params, by_state, round, uneven, scale, .. } = s;
    let (open, laws) = match (params.iter().all(|(a, _)| is_plain(model, *a)), scale.filter(|_| !round)) {
        // Scales that nothing holds could take what the params give.
        (true, _) if uneven => return None,
        (true, Some(scale)) => (Open::Any(scale), vec![]),
        (true, None) => (Open::Rotation { free: true }, vec![]),
        (false, _) => open_under_laws(kernel, densities, c, &params, uneven)?,
    };
    let own_each = by_state && !params.is_empty() && scale.is_none();
    let out = Canon { latent, by_state: own_each, open, params };
    let extent = model.arrays[latent.0].elem.kind.axes().first().map(|x| whole(x));
    let turns = |(a, axes): &(ArrayId, Vec<(usize, Turning)>)| {
        let array = &model.arrays[a.0];
        let number = matches!(
            array.elem.kind,
            ElemKind::Real | ElemKind::Vector(_) | ElemKind::Matrix(..) | ElemKind::SymPos(_)
        );
        let own = |axis: usize| array.plates.iter().chain(array.elem.kind.axes()).nth(axis).map(whole);
        number && !array.elem.is_bounded() && axes.iter().all(|(axis, _)| own(*axis) == extent)
    };
    let ids: Vec<_> = rows.iter().map(|r| r.statement).chain(laws).collect();
    let elsewhere = |d: &StatementDensity| {
        let mut found = false;
        super::normals::each_elem(d, &mut |e| found |= out.params.iter().any(|(a, _)| *a == e.array));
        found
    };
    let reported = model.lets.iter().filter(|l| l.reported).flat_map(|l| &l.pieces).any(|piece| {
        let mut found = false;
        model.each_read_deep(&piece.value, &mut |a| found |= out.params.iter().any(|(b, _)| *b == a.array));
        found
    });
    let sound = out.loadings().next().is_some()
        && out.params.iter().all(turns)
        && densities.iter().filter(|d| !ids.contains(&d.id)).all(|d| !elsewhere(d))
        && !reported;
    sound.then_some(out)
}

fn whole(x: &Extent) -> (Nominal, Ix) {
    (x.nominal, length(&x.length, &[]))
}

/// Whether nothing holds a param but the data.
fn is_plain(model: &Model, a: ArrayId) -> bool {
    model.arrays[a.0].pieces.iter().all(|p| {
        let s = &model.statements[p.0];
        s.role == Role::Param && s.dist.is_none()
    })
}

/// What is open where some of what turns has a law, and the statements of these laws.
fn open_under_laws(
    kernel: &Kernel<'_>,
    densities: &[StatementDensity],
    c: &Component,
    turning: &[(ArrayId, Vec<(usize, Turning)>)],
    uneven: bool,
) -> Option<(Open, Vec<StatementId>)> {
    let model = kernel.model;
    let latent = c.normals.first()?.array;
    if !kernel.gates.is_empty() || !c.locals.is_empty() || !c.pairs.is_empty() || c.whitened.is_some() {
        return None;
    }
    let (mut laws, mut round) = (vec![], !uneven);
    for (a, axes) in turning.iter().filter(|(a, _)| !is_plain(model, *a)) {
        let prior = super::rotation::prior(kernel, densities, *a, &mut laws)?;
        let mut alike = true;
        if let Some(p) = &prior {
            let mut apart = true;
            p.precision.visit_elems(&mut |e| {
                apart &= e.array != latent && turning.iter().all(|(b, _)| *b != e.array);
            });
            if !apart {
                return None;
            }
            alike = axes.iter().all(|(axis, _)| !p.precision.mentions(&p.at[*axis]));
        }
        let joint = || match axes.as_slice() {
            [(axis, Turning::Against)] => super::rotation::is_joint(kernel, *a, *axis),
            [] | [_] | [_, _, ..] => false,
        };
        let uncertain = is_random(model, *a);
        if uncertain && !super::rotation::regression_of(kernel, *a).is_some_and(|r| r.is_unscaled()) {
            return None;
        }
        round &= alike && (!uncertain || joint());
    }
    if round {
        return Some((Open::Rotation { free: false }, laws));
    }
    let nominal = model.arrays[latent.0].elem.kind.axes().first()?.nominal;
    let Nominal::Size(size) = nominal else { return None };
    // What else is counted by the size changes places too: all that units share does.
    let moves = |a: usize| {
        let (array, a) = (&model.arrays[a], ArrayId(a));
        let along = array.plates.iter().chain(array.elem.kind.axes()).any(|x| x.nominal == nominal);
        !along || a == latent || is_param(model, a)
    };
    let reported = model.lets.iter().filter(|l| l.reported);
    let alike = (0..model.arrays.len()).all(moves)
        && reported.flat_map(|l| l.plates.iter().chain(l.ty.axes())).all(|x| x.nominal != nominal)
        && told_apart(model, size).is_none();
    alike.then_some((Open::Order(nominal), laws))
}

impl Search<'_> {
    fn case(&mut self, r: &Rows, case: &RowCase) -> Option<()> {
        let own = r.target.array == self.latent;
        match &case.body {
            Body::Scalar(s) => {
                let event = if own { Some(s.event.as_ref()?) } else { None };
                if let Some(d) = event {
                    self.round = true;
                    self.uneven |= s.precision.mentions(d);
                    if s.weight.mentions(d) {
                        return None;
                    }
                }
                let mut apart = true;
                s.normaliser.visit_polys(&mut |p| apart &= p.is_zero() || !self.reads_latent(p));
                if !apart || self.turns(&s.precision) {
                    return None;
                }
                s.rho.0.iter().try_for_each(|t| self.term(t, event))
            }
            Body::Dense(d) => {
                if own {
                    if d.matrix.cholesky || !r.copies.is_empty() {
                        return None;
                    }
                    let plates = d.matrix.plates.len();
                    let way = if d.inverse { Turning::Along } else { Turning::Against };
                    self.add(d.matrix.array, &d.matrix.plates, vec![(plates, way), (plates + 1, way)])?;
                    if d.inverse && plates == 0 {
                        self.scale = Some(d.matrix.array);
                    } else {
                        self.round = true;
                    }
                }
                if self.turns(&d.factor) || !own && self.params.iter().any(|(a, _)| *a == d.matrix.array) {
                    return None;
                }
                let event = own.then_some(&d.event);
                d.rho.0.iter().try_for_each(|t| self.term(t, event))
            }
            // What has no law at all changes its volume under anything but a rotation.
            Body::Terms(t) => {
                self.round |= own;
                let mut apart = true;
                t.visit_polys(&mut |p| apart &= !self.reads_latent(p));
                apart.then_some(())
            }
            Body::Equal { .. } => (!own).then_some(()),
        }
    }

    fn reads_latent(&self, p: &Poly) -> bool {
        let mut found = false;
        p.visit_elems(&mut |e| found |= e.array == self.latent);
        found
    }

    fn turns(&self, p: &Poly) -> bool {
        let mut found = false;
        p.visit_elems(&mut |e| found |= self.params.iter().any(|(a, _)| *a == e.array));
        found
    }

    /// A term of a residual; `event` is the component of the latent whose law it belongs to.
    fn term(&mut self, t: &Term, event: Option<&Var>) -> Option<()> {
        let elems: Vec<(&Elem, Exponent)> = t
            .factors
            .iter()
            .filter_map(|(f, p)| match f {
                Factor::Elem(e) => Some((e, *p)),
                _ => None,
            })
            .collect();
        let mut latents = elems.iter().filter(|(e, _)| e.array == self.latent);
        let latent = latents.next();
        if latents.next().is_some() || !t.guard.is_empty() {
            return None;
        }
        // Everything but the latent that reads one of these indices must turn with it.
        let readers = |v: &Var| -> Option<Vec<&Elem>> {
            let mut out = vec![];
            for (f, p) in &t.factors {
                let mut reads = false;
                f.visit_vars(&mut |u| reads |= u == v);
                match f {
                    Factor::Elem(e) if e.array == self.latent => {}
                    Factor::Elem(e) if reads && *p == Exponent::ONE => out.push(e),
                    _ if reads => return None,
                    _ => {}
                }
            }
            Some(out)
        };
        let axis = |e: &Elem, v: &Var| -> Option<usize> {
            let mut at = (0..e.indices.len()).filter(|i| e.indices[*i].mentions(v));
            let one = at.next().filter(|i| e.indices[*i].as_var() == Some(v))?;
            at.next().is_none().then_some(one)
        };
        match (latent, event) {
            (Some((x, p)), _) => {
                let v = x.indices.last()?.as_var().filter(|_| *p == Exponent::ONE)?.clone();
                if Some(&v) == event {
                    // A multiple of x itself turns with it.
                    return readers(&v)?.is_empty().then_some(());
                }
                if !t.sums.contains(&v) || v.low != Ix::constant(0) {
                    return None;
                }
                let [w] = readers(&v)?[..] else { return None };
                if !is_param(self.kernel.model, w.array) {
                    return None;
                }
                let mut axes = vec![(axis(w, &v)?, Turning::Against)];
                if let Some(d) = event {
                    let [same] = readers(d)?[..] else { return None };
                    if same != w {
                        return None;
                    }
                    axes.push((axis(w, d)?, Turning::Along));
                }
                let w = w.clone();
                self.add(w.array, &w.indices, axes)
            }
            (None, Some(d)) => {
                let [m] = readers(d)?[..] else { return None };
                if !is_param(self.kernel.model, m.array) {
                    return None;
                }
                let (m, axes) = (m.clone(), vec![(axis(m, d)?, Turning::Along)]);
                self.add(m.array, &m.indices, axes)
            }
            (None, None) => (!self.turns(&Poly(vec![t.clone()]))).then_some(()),
        }
    }

    fn add(&mut self, a: ArrayId, indices: &[Ix], mut axes: Vec<(usize, Turning)>) -> Option<()> {
        axes.sort_by_key(|x| x.0);
        self.by_state &= self.state.is_some() && indices.first().and_then(Ix::as_var) == self.state.as_ref();
        match self.params.iter().find(|(b, _)| *b == a) {
            Some((_, known)) => (*known == axes).then_some(()),
            None => {
                self.params.push((a, axes));
                Some(())
            }
        }
    }
}
