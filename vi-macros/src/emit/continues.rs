//! Chains whose data can be continued: what a forecast needs is data of the future of which nothing is observed.

use super::Emitter;
use super::beside::Beside;
use super::types::Layout;
use super::unmet::unmet;
use crate::density::lower::{is_hidden, is_read};
use crate::density::poly::{Factor, Poly};
use crate::density::symbol::{Cmp, Cond, Elem, Ix, IxTerm, Var, length};
use crate::kernel::links::Along;
use crate::kernel::{Component, Link, Loop};
use crate::model::ir::{ArrayId, ElemKind, IndexTerm, Role, Statement, StatementId};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

impl Emitter<'_> {
    /// The axis along which the data of a model go on, if its latents are one chain whose steps to come have laws that are known.
    pub(super) fn open_axis(&self) -> Option<&Var> {
        self.ahead().ok()
    }

    /// That axis; or what of a step to come is not known, and what to do about it.
    fn ahead(&self) -> Result<&Var, (String, String)> {
        let chain = self.kernel.components.as_slice();
        let found = match chain {
            [c] => c
                .link
                .as_deref()
                .filter(|l| l.along == Along::Axis)
                .zip(c.unit.last())
                .map(|(l, x)| (c, l, x)),
            _ => None,
        };
        let Some((c, link, axis)) = found.filter(|(c, ..)| c.unit.len() <= 2) else {
            return Err(("the latents of this model are no chain".into(), String::new()));
        };
        let place = c.unit.len() - 1;
        for a in (0..self.model.arrays.len()).map(ArrayId).filter(|a| c.arrays().iter().all(|own| own != a)) {
            let array = &self.model.arrays[a.0];
            let kind = &array.elem.kind;
            let along = array.plates.iter().chain(kind.axes()).any(|x| x.nominal == axis.nominal);
            let points = matches!(kind, ElemKind::Category(x) if x.nominal == axis.nominal);
            if points || along && !self.is_open(a, axis, place) {
                return Err(self.closed_by(a, axis, points));
            }
        }
        let alike = match c.is_chain() {
            true => self.steps_are_alike(c, &link.step, axis),
            false => link.steps().all(is_of_states),
        };
        match alike && is_steady(c, axis) {
            true => Ok(axis),
            false => {
                let axis = &axis.name;
                Err((
                    format!("what a step of this model is depends on where along `{axis}` it stands"),
                    "append the steps to come to the data, their observations missing, and pass them to `infer`"
                        .into(),
                ))
            }
        }
    }

    /// Whether elements of an array in steps to come are observations that have no value yet, whose law is that of all others.
    fn is_open(&self, a: ArrayId, axis: &Var, place: usize) -> bool {
        let array = &self.model.arrays[a.0];
        let of = |p: &StatementId| self.model.statements[p.0].role == Role::Observed;
        let observed = !array.pieces.is_empty() && array.pieces.iter().all(of);
        let here = array.plates.get(place).is_some_and(|x| x.nominal == axis.nominal);
        let plates = array.plates.len() + array.elem.kind.axes().len();
        observed
            && here
            && plates <= place + 2
            && (is_hidden(self.model, a)
                || array.data_of.is_some()
                || self.is_whole(a, place, (0, 0)) && !is_read(self.model, a))
            && !self.in_step(a)
    }

    /// Why steps to come are not known without the elements of an array, and what to do.
    fn closed_by(&self, a: ArrayId, axis: &Var, points: bool) -> (String, String) {
        let (name, axis) = (self.name(a), &axis.name);
        let append = "append the steps to come to the data";
        if points {
            return (
                format!(
                    "`{name}` tells which elements along `{axis}` data are of, and it says nothing of steps to come"
                ),
                format!("{append}, and pass them to `infer`"),
            );
        }
        if self.params().contains(&a) {
            return (
                format!("the param `{name}` has a value of its own for every element of `{axis}`"),
                format!("steps to come have a law if `{name}` does not have the index along `{axis}`"),
            );
        }
        if !self.observed().contains(&a) {
            return (
                format!("`{name}` has values along `{axis}`, and those after the data are not known"),
                format!(
                    "{append}, `{name}` written and the observations missing (`[…]: …?`), and pass them to `infer`"
                ),
            );
        }
        (
            format!("`{name}` is read by other statements, or does not have one law along all of `{axis}`"),
            format!("{append}, the elements of `{name}` missing (`{name}[…]: …?`), and pass them to `infer`"),
        )
    }

    /// Whether an array is declared by one statement from a position on along the axis in `place`, besides so many at fixed positions.
    fn is_whole(&self, a: ArrayId, place: usize, (begins, fixed): (i64, usize)) -> bool {
        let low = |s: &Statement| match s.target.get(place)?.terms.as_slice() {
            [] => None,
            [(1, IndexTerm::Bound(id))] if s.target[place].offset == 0 => {
                let low = &self.model.indices[id.0].low;
                low.terms.is_empty().then_some(low.offset)
            }
            _ => Some(-1),
        };
        let pieces = self.model.arrays[a.0].pieces.iter().map(|p| &self.model.statements[p.0]);
        let (first, rest): (Vec<_>, Vec<_>) = pieces.partition(|s| low(s).is_none());
        let one = matches!(rest.as_slice(), [s] if low(s) == Some(begins) && s.guards.is_empty());
        first.len() == fixed && one
    }

    /// Whether all steps of a chain of Gaussians have one law.
    fn steps_are_alike(&self, c: &Component, step: &Component, axis: &Var) -> bool {
        let place = c.unit.len() - 1;
        // Arrays of one chain may look back fewer steps than the chain does: rows are known by position up to its order.
        let order = c.link.as_deref().map_or(1, Link::order);
        let whole = |a: ArrayId| (0..=order).any(|own| self.is_whole(a, place, (own as i64, own)));
        let mut alike = c.normals.iter().all(|n| whole(n.array));
        for r in c.rows.iter().chain(&step.rows) {
            alike &= r.loops.iter().all(|l| matches!(l, Loop::Range(_)));
            for case in &r.cases {
                case.when.iter().for_each(|w| w.visit_vars(&mut |v| alike &= v.nominal != axis.nominal));
                case.body.visit_polys(&mut |p| alike &= !counts(p, axis));
            }
        }
        alike
    }

    pub(super) fn continues(&self) -> TokenStream {
        if let Some(none) = self.no_filter() {
            return none;
        }
        let chain = |c: &Component| c.link.as_deref().is_some_and(|l| l.along == Along::Axis);
        let [c] = self.kernel.components.as_slice() else { return self.no_filter_beside() };
        if !chain(c) {
            return TokenStream::new();
        }
        let (step, gaussian) = match c.is_chain() {
            true => {
                let Some(beside) = self.beside(c) else { return self.no_filter_beside() };
                let more = self.scale_fns(c, &beside);
                let lone = (c.unit.len() == 1).then(|| {
                    quote!(
                        const LONE: bool = true;
                    )
                });
                let step = match beside {
                    Beside::Nothing => quote!(fit::NormalStep),
                    Beside::Scale(_) => quote!(fit::StudentStep),
                    Beside::Uncertain => quote!(fit::MeanFieldStep),
                };
                (
                    step,
                    quote! {
                        const GAUSSIAN: bool = true;
                        #lone
                        #more
                    },
                )
            }
            false => (quote!(fit::Step), quote!()),
        };
        let goes_on = self.goes_on();
        let steady = c.unit.last().is_some_and(|axis| is_steady(c, axis));
        let steady = steady.then(|| quote!(impl Steady for Model {}));
        quote! {
            impl Follows for Model {
                type Step = #step;
                #gaussian
            }

            #steady

            #goes_on
        }
    }

    /// A `Continues` that nothing can use.
    fn ends(&self, label: &str, note: &str) -> TokenStream {
        let data = self.data_type(quote!('_));
        let message = "a forecast of this model has not all it needs";
        let goes_on = unmet(&format_ident!("GoesOn"), message, label, &[note.to_string()]);
        quote! {
            const _: () = {
                #goes_on

                impl Continues for Model where for<'a> &'a Model: GoesOn {
                    fn unobserved<R>(&self, _context: &Context<'_>, _steps: usize, _then: impl FnOnce(&#data) -> R) -> R {
                        match GoesOn::never(self) {}
                    }
                }
            };
        }
    }

    fn goes_on(&self) -> TokenStream {
        let axis = match self.ahead() {
            Ok(axis) => axis,
            Err((label, note)) => return self.ends(&label, &note),
        };
        let scope = self.scope();
        let mut make = TokenStream::new();
        let mut fields = TokenStream::new();
        for a in self.data() {
            let array = &self.model.arrays[a.0];
            let name = self.name(a);
            let axes: Vec<_> = array.plates.iter().chain(array.elem.kind.axes()).collect();
            let Some(place) = axes.iter().position(|x| x.nominal == axis.nominal) else {
                fields.extend(quote!(#name: data.#name,));
                continue;
            };
            let extent = |n: usize| {
                let at: Vec<Ix> = (0..n).map(|_| Ix::constant(0)).collect();
                scope.index(&length(&axes[n].length, &at))
            };
            let value = match self.layout(a) {
                Layout::Scalar => quote!(data.#name),
                Layout::One => quote!(data::Absent(steps).into()),
                Layout::Two if place == 0 => {
                    let width = extent(1);
                    quote!(data::Absent((steps, #width)).into())
                }
                Layout::Two => {
                    let sequences = extent(0);
                    quote!(data::Absent((#sequences, steps)).into())
                }
                Layout::RaggedOne => {
                    let sequences = extent(0);
                    make.extend(quote!(let #name = vec![steps; #sequences];));
                    quote!(data::Absent(&#name).into())
                }
                Layout::RaggedTwo => {
                    let (sequences, width) = (extent(0), extent(2));
                    make.extend(quote!(let #name = vec![(steps, #width); #sequences];));
                    quote!(data::Absent(&#name).into())
                }
            };
            fields.extend(quote!(#name: #value,));
        }
        let open = self.open();
        let data = self.data_type(quote!('_));
        let impute = self.impute_along();
        quote! {
            impl Continues for Model {
                fn unobserved<R>(&self, context: &Context<'_>, steps: usize, then: impl FnOnce(&#data) -> R) -> R {
                    #open
                    #make
                    then(&Data { #fields })
                }

                #impute
            }
        }
    }
}

/// Whether the statements of a step are all of states: an observation of two steps would be looked for in both.
fn is_of_states(step: &Component) -> bool {
    step.rows.iter().all(|r| step.locals.iter().any(|l| l.array == r.target.array))
}

/// Whether two neighbouring units say of a step all there is to say, wherever they stand: no statement asks for more of a position than whether
/// it is the first.
fn is_steady(c: &Component, axis: &Var) -> bool {
    let steps = c.link.iter().flat_map(|l| l.steps()).flat_map(|step| &step.rows);
    let mut rows = c.rows.iter().chain(steps).chain(c.pairs.iter().map(|p| &p.rows));
    let order = if c.is_chain() { c.link.as_deref().map_or(1, Link::order) as i64 } else { 1 };
    rows.all(|r| {
        let mut steady = r.guards.iter().all(|g| asks_for_the_first(g, axis, order));
        for case in &r.cases {
            steady &= case.when.iter().all(|w| asks_for_the_first(w, axis, order));
            case.body.visit_polys(&mut |p| steady &= !counts(p, axis));
        }
        steady
    }) && c.locals.iter().all(|l| l.back == 0)
}

/// Whether an expression depends on a position along the axis otherwise than by what data say there, or one before.
fn is_position(i: &Ix, axis: &Var) -> bool {
    i.terms.iter().any(|(_, term)| match term {
        IxTerm::Var(v) => v.nominal == axis.nominal,
        IxTerm::Size(_, args) => args.iter().any(|i| mentions(i, axis)),
        IxTerm::Read(e) => reaches(e, axis),
    })
}

/// Whether a condition does.
fn asks(c: &Cond, axis: &Var) -> bool {
    match c {
        Cond::Compare(_, a, b) => is_position(a, axis) || is_position(b, axis),
        Cond::Read(e) => reaches(e, axis),
        Cond::Always => false,
        Cond::Not(c) => asks(c, axis),
        Cond::And(all) | Cond::Or(all) => all.iter().any(|c| asks(c, axis)),
    }
}

/// Whether an element may be elsewhere along the axis than at a position or one before.
fn reaches(e: &Elem, axis: &Var) -> bool {
    let here = |i: &Ix| matches!(i.as_shifted_var(), Some((_, 0 | -1)));
    e.indices.iter().any(|i| !here(i) && mentions(i, axis))
}

fn mentions(i: &Ix, axis: &Var) -> bool {
    let mut found = false;
    i.visit_vars(&mut |v| found |= v.nominal == axis.nominal);
    found
}

/// Whether a condition asks no more of a position along the axis than which of the first so many it is, if it is one of them.
fn asks_for_the_first(c: &Cond, axis: &Var, first: i64) -> bool {
    let along = |i: &Ix| is_position(i, axis);
    match c {
        Cond::Compare(op, a, b) => match (along(a), along(b)) {
            (false, false) => true,
            (true, true) => a == b,
            (true, false) => match (op, a.as_var(), b.as_constant()) {
                (Cmp::Eq | Cmp::Ne | Cmp::Le, Some(_), Some(n)) => n < first,
                (Cmp::Lt, Some(_), Some(n)) => n <= first,
                (Cmp::Eq | Cmp::Ne | Cmp::Le | Cmp::Lt, _, _) => false,
            },
            (false, true) => match (op, a.as_constant(), b.as_var()) {
                (Cmp::Eq | Cmp::Ne | Cmp::Lt, Some(n), Some(_)) => n < first,
                (Cmp::Le, Some(n), Some(_)) => n <= first,
                (Cmp::Eq | Cmp::Ne | Cmp::Le | Cmp::Lt, _, _) => false,
            },
        },
        Cond::Read(e) => !reaches(e, axis),
        Cond::Always => true,
        Cond::Not(c) => asks_for_the_first(c, axis, first),
        Cond::And(all) | Cond::Or(all) => all.iter().all(|c| asks_for_the_first(c, axis, first)),
    }
}

/// Whether a position along the axis is a number in a polynomial, or a condition of it.
fn counts(p: &Poly, axis: &Var) -> bool {
    p.0.iter().any(|t| {
        t.guard.iter().any(|c| asks(c, axis))
            || t.factors.iter().any(|(f, _)| match f {
                Factor::Index(i) => is_position(i, axis),
                Factor::Iverson(c) => asks(c, axis),
                Factor::Apply(_, all) => all.iter().any(|p| counts(p, axis)),
                Factor::Paren(p) | Factor::Product(_, _, p) => counts(p, axis),
                Factor::Elem(_)
                | Factor::LogDet(_)
                | Factor::Inverse(..)
                | Factor::Gram(..)
                | Factor::Infinity => false,
            })
    })
}
