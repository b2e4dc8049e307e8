//! Parameter expansion: what follows the M-steps, and the statistic it needs.

use super::Emitter;
use crate::density::poly::Poly;
use crate::density::symbol::{Elem, Ix, Var};
use crate::kernel::Component;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

impl Emitter<'_> {
    /// Gathers Σ q · f fᵀ of a tile.
    pub(super) fn collect_expansions(&self, index: usize, c: &Component) -> TokenStream {
        let scope = self.scope();
        let mut out = TokenStream::new();
        for e in self.kernel.expansions.iter().filter(|e| e.component == index) {
            let slot = self.slot(c);
            let means = self.bind_means(c, quote!(scratch.normals.mean(slot)));
            let add = self.collect_moments(&scope, e.stat, &Poly::number(1.0));
            let states: Vec<Var> = c.locals.iter().map(|l| l.state.clone()).collect();
            let body = scope.loops(
                &states,
                quote! {
                    let slot = #slot;
                    let responsibility = table[slot];
                    if responsibility > 0.0 {
                        #means
                        #add
                    }
                },
            );
            out.extend(quote!(for i in 0..len { #body }));
        }
        out
    }

    /// Whether M-steps are mixed: all that is hidden is read once, and stands in products with params, along which M-steps creep.
    pub(super) fn mixes(&self) -> bool {
        let kernel = self.kernel;
        let read_once = kernel.components.iter().all(|c| c.collapse.is_some());
        !kernel.expansions.is_empty() && read_once && !self.has_globals() && !self.has_series()
    }

    /// Whether there is anything to expand.
    pub(super) fn expands(&self) -> bool {
        !self.kernel.expansions.is_empty() || !self.kernel.roundings.is_empty()
    }

    /// W ← W Φ^½ for each latent whose covariance the data may choose.
    pub(super) fn expand(&self) -> (TokenStream, TokenStream) {
        let sizes = self.size_patterns();
        let (mut functions, mut calls) = (TokenStream::new(), TokenStream::new());
        let globals = self.globals_type();
        for e in self.kernel.expansions.iter().filter(|e| e.rotation.is_none()) {
            let latent = self.model.arrays[e.latent.0].name.to_string();
            let name = format_ident!("expand_{latent}");
            let slopes: Vec<String> =
                e.slopes.iter().map(|(a, _)| self.model.arrays[a.0].name.to_string()).collect();
            let slopes = slopes.join(", ");
            let (what, given) = match e.shifts.is_empty() {
                true => (format!("the covariance Φ of `{latent}`, and gives it"), slopes.clone()),
                false => {
                    let shifts: Vec<String> =
                        e.shifts.iter().map(|(m, _)| self.model.arrays[m.0].name.to_string()).collect();
                    let what = format!("the mean a and the covariance Φ of `{latent}`, and gives them");
                    (what, format!("{}`, `{slopes}", shifts.join(", ")))
                }
            };
            let law = match e.shifts.is_empty() {
                true => format!(" Φ = Σ E {latent} {latent}ᵀ / N          {slopes} ← {slopes} Φ^½"),
                false => {
                    let each = e.shifts.iter().map(|(m, w)| {
                        let (m, w) = (&self.model.arrays[m.0].name, &self.model.arrays[w.0].name);
                        format!("          {m} ← {m} + {w} a")
                    });
                    let each: String = each.collect();
                    format!(
                        " a = Σ E {latent} / N          Φ = Σ E ({latent} − a)({latent} − a)ᵀ / N{each}          {slopes} ← {slopes} Φ^½"
                    )
                }
            };
            let doc = [
                format!(
                    " Lets the data choose {what} back to `{given}`: the density of the data is the same."
                ),
                String::new(),
                " ```text".into(),
                law,
                " ```".into(),
            ];
            let doc = doc.iter().map(|d| quote!(#[doc = #d]));
            let field = format_ident!("{}", self.kernel.stats[e.stat].name);
            let body: TokenStream = e.slopes.iter().map(|(a, axis)| self.turn(*a, *axis)).collect();
            let shifts: TokenStream = e
                .shifts
                .iter()
                .filter_map(|(m, w)| {
                    let (_, axis) = e.slopes.iter().find(|(b, _)| b == w)?;
                    Some(self.shift(*m, *w, *axis))
                })
                .collect();
            let chosen = match e.shifts.is_empty() {
                true => quote!(let Some(root) = products::expansion(stats.#field.cell(0)) else { return };),
                false => {
                    quote!(let Some((shift, root)) = products::expansion_about_mean(stats.#field.cell(0)) else { return };)
                }
            };
            functions.extend(quote! {
                #(#doc)*
                fn #name(&self, sizes: &Sizes, stats: &Stats, params: &mut #globals) {
                    let &Sizes { #(#sizes),* } = sizes;
                    #chosen
                    #shifts
                    #body
                }
            });
            calls.extend(quote!(self.#name(&context.sizes, stats, &mut found.globals);));
        }
        for x in &self.kernel.roundings {
            let (function, call) = self.expand_round(x);
            functions.extend(function);
            calls.extend(call);
        }
        (functions, calls)
    }

    /// Adds to a constant what the mean of the latent makes of its slope.
    pub(super) fn shift(
        &self,
        m: crate::model::ir::ArrayId,
        w: crate::model::ir::ArrayId,
        axis: usize,
    ) -> TokenStream {
        let scope = self.scope();
        let (plates, events) = self.axes(w);
        let all: Vec<Var> = plates.into_iter().chain(events).collect();
        let others: Vec<Var> =
            all.iter().enumerate().filter(|(n, _)| *n != axis).map(|(_, v)| v.clone()).collect();
        let (name, high) = (scope.var(&all[axis]), scope.index(&all[axis].high));
        let from = scope.elem(&Elem { array: w, indices: all.iter().map(Ix::var).collect() });
        let to = scope.elem(&Elem { array: m, indices: others.iter().map(Ix::var).collect() });
        scope.loops(&others, quote!(#to += (0..#high).map(|#name| #from * shift[#name]).sum::<f64>();))
    }

    /// Multiplies a param along one axis.
    fn turn(&self, a: crate::model::ir::ArrayId, axis: usize) -> TokenStream {
        let scope = self.scope();
        let (plates, events) = self.axes(a);
        let all: Vec<Var> = plates.into_iter().chain(events).collect();
        let others: Vec<Var> =
            all.iter().enumerate().filter(|(n, _)| *n != axis).map(|(_, v)| v.clone()).collect();
        let v = &all[axis];
        let (name, high) = (scope.var(v), scope.index(&v.high));
        let place = scope.elem(&Elem { array: a, indices: all.iter().map(Ix::var).collect() });
        scope.loops(
            &others,
            quote! {
                let row: Vec<f64> = (0..#high).map(|#name| #place).collect();
                for #name in 0..#high {
                    #place = row.iter().zip(root.column(#name).iter()).map(|(x, y)| x * y).sum();
                }
            },
        )
    }

    /// What the kernel adds to the plan: what is read of the data, and what is free to expand.
    pub(super) fn reading_text(&self) -> String {
        let name = |a: crate::model::ir::ArrayId| self.model.arrays[a.0].name.to_string();
        let mut out = String::new();
        for c in self.kernel.components.iter().filter(|c| c.has_normals()) {
            let unit = c.unit.iter().map(|v| v.name.clone()).collect::<Vec<_>>().join(", ");
            let latents = c.normals.iter().map(|n| format!("{}[{unit}]", name(n.array))).collect::<Vec<_>>();
            let latents = latents.join(", ");
            if let Some(collapse) = &c.collapse {
                let data = collapse.data.iter().map(|d| format!("{}[{unit}]", name(d.array)));
                let data = data.collect::<Vec<_>>().join(", ");
                out += &format!(
                    "data are read once: Cov({latents}) is the same for each {unit} and E({latents}) is affine in ({data}), so every statistic follows\n  from their count, sum and products; the cost of a sweep does not grow with the number of units\n"
                );
            } else if c.hoisted {
                let states = if c.locals.is_empty() { "" } else { "each state and " };
                let shared = match self.has_patterns(c) {
                    true => format!("{states}each pattern of missing entries, where units share them"),
                    false => states.trim_end_matches(" and ").to_string(),
                };
                if !shared.is_empty() {
                    out += &format!("Cov({latents}) is worked out once a sweep for {shared}\n");
                }
            }
        }
        out += &self.gaps_text();
        for x in self.model.arrays.iter().filter(|x| x.data_of.is_some()) {
            let n = &x.name;
            out +=
                &format!("{n} is known where data have its value, and integrated out where they have none\n");
        }
        for e in &self.kernel.expansions {
            if let Some(r) = &e.rotation {
                out += &self.rotation_text(e.latent, r);
                continue;
            }
            let slopes = e.slopes.iter().map(|(a, _)| name(*a)).collect::<Vec<_>>().join(", ");
            let latent = name(e.latent);
            let (moments, back) = match e.shifts.is_empty() {
                true => (format!("Cov({latent}) is"), slopes.clone()),
                false => {
                    let shifts = e.shifts.iter().map(|(m, _)| name(*m)).collect::<Vec<_>>().join(", ");
                    (format!("E({latent}) and Cov({latent}) are"), format!("{shifts} and {slopes}"))
                }
            };
            out += &format!(
                "expansion: {latent} is standard and reaches the data through {slopes} alone, so {moments} maximised too and given back to {back}\n"
            );
        }
        if self.mixes() {
            out += "acceleration: each M-step is mixed with those before it, and taken back where the objective is lower; `accelerate(false)` leaves\n  that out\n";
        }
        out + &self.round_text() + &self.canonical_text()
    }
}
