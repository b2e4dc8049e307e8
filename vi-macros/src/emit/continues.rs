//! Chains whose data can be continued: what a forecast needs is data of the future of which nothing is observed.

use super::Emitter;
use super::beside::Beside;
use super::types::Layout;
use crate::density::lower::{is_hidden, is_read};
use crate::density::poly::{Factor, Poly};
use crate::density::symbol::{Cmp, Cond, Ix, Var, length};
use crate::kernel::links::Along;
use crate::kernel::{Component, Link, Loop};
use crate::model::ir::{ArrayId, ElemKind, IndexTerm, Role, Statement};
use proc_macro2::TokenStream;
use quote::quote;

impl Emitter<'_> {
    /// The axis along which the data of a model go on, if its latents are one chain and nothing else has that axis.
    pub(super) fn open_axis(&self) -> Option<&Var> {
        let [c] = self.kernel.components.as_slice() else { return None };
        let link = c.link.as_deref().filter(|l| l.along == Along::Axis)?;
        let axis = c.unit.last()?;
        let alike = match c.is_chain() {
            true => self.steps_are_alike(c, &link.step, axis),
            false => link.kinds.as_ref().is_some_and(|k| k.conds.is_empty() && k.values.is_empty()),
        };
        let place = c.unit.len() - 1;
        let alike = alike && is_steady(c, axis);
        let mut others = (0..self.model.arrays.len()).map(ArrayId).filter(|a| {
            let array = &self.model.arrays[a.0];
            c.arrays().iter().all(|own| own != a)
                && array.plates.iter().chain(array.elem.kind.axes()).any(|x| x.nominal == axis.nominal)
        });
        let open = |a: ArrayId| {
            let array = &self.model.arrays[a.0];
            let observed = array.pieces.iter().all(|p| self.model.statements[p.0].role == Role::Observed);
            let here = array.plates.get(place).is_some_and(|x| x.nominal == axis.nominal);
            let plates = array.plates.len() + array.elem.kind.axes().len();
            observed
                && here
                && plates <= place + 2
                && (is_hidden(self.model, a) || self.is_whole(a, place, (0, 0)) && !is_read(self.model, a))
                && !self.in_step(a)
        };
        (alike && c.unit.len() <= 2 && others.all(open)).then_some(axis)
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
        let order = c.link.as_deref().map_or(1, Link::order);
        let mut alike = c.normals.iter().all(|n| self.is_whole(n.array, place, (order as i64, order)));
        for array in &self.model.arrays {
            let kind = &array.elem.kind;
            alike &= !matches!(kind, ElemKind::Category(x) if x.nominal == axis.nominal);
        }
        for r in c.rows.iter().chain(&step.rows) {
            alike &= r.loops.iter().all(|l| matches!(l, Loop::Range(_)));
            for case in &r.cases {
                alike &= case.when.is_empty();
                case.body.visit_polys(&mut |p| alike &= !counts(p, axis));
            }
        }
        alike
    }

    pub(super) fn continues(&self) -> TokenStream {
        let chain = |c: &Component| c.link.as_deref().is_some_and(|l| l.along == Along::Axis);
        let [c] = self.kernel.components.as_slice() else { return TokenStream::new() };
        if !chain(c) {
            return TokenStream::new();
        }
        let (step, gaussian) = match c.is_chain() {
            true => {
                let Some(beside) = self.beside(c) else { return TokenStream::new() };
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

    fn goes_on(&self) -> TokenStream {
        let Some(axis) = self.open_axis() else { return TokenStream::new() };
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

/// Whether two neighbouring units say of a step all there is to say, wherever they stand: no statement asks for more of a position than whether
/// it is the first.
fn is_steady(c: &Component, axis: &Var) -> bool {
    let steps = c.link.iter().flat_map(|l| &l.step.rows);
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

/// Whether a condition asks no more of a position along the axis than which of the first so many it is, if it is one of them.
fn asks_for_the_first(c: &Cond, axis: &Var, first: i64) -> bool {
    let along = |i: &Ix| {
        let mut found = false;
        i.visit_vars(&mut |v| found |= v.nominal == axis.nominal);
        found
    };
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
        Cond::Read(_) | Cond::Always => true,
        Cond::Not(c) => asks_for_the_first(c, axis, first),
        Cond::And(all) | Cond::Or(all) => all.iter().all(|c| asks_for_the_first(c, axis, first)),
    }
}

/// Whether a position along the axis is a number in a polynomial, or a condition of it.
fn counts(p: &Poly, axis: &Var) -> bool {
    let along = |v: &Var| v.nominal == axis.nominal;
    p.0.iter().any(|t| {
        let guarded = t.guard.iter().any(|c| {
            let mut found = false;
            c.visit_vars(&mut |v| found |= along(v));
            found
        });
        guarded
            || t.factors.iter().any(|(f, _)| match f {
                Factor::Index(i) => {
                    let mut found = false;
                    i.visit_vars(&mut |v| found |= along(v));
                    found
                }
                Factor::Iverson(c) => {
                    let mut found = false;
                    c.visit_vars(&mut |v| found |= along(v));
                    found
                }
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
