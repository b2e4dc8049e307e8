//! Rows of a chain of Gaussians that categories of another block choose: the row of one state, its statistics under both, and whose state it is.

use super::Emitter;
use super::normals::RowPart;
use super::rows::Pass;
use crate::density::symbol::{Cond, Var};
use crate::kernel::{Gate, Loop};
use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

impl Emitter<'_> {
    /// What the functions of a gate are called after.
    pub(super) fn gate_name(&self, n: usize) -> String {
        format!("gate_{}", n + 1)
    }

    /// Inherent functions of every gate.
    pub(super) fn gate_passes(&self) -> TokenStream {
        self.kernel.gates.iter().enumerate().map(|(n, g)| self.gate_pass(n, g)).collect()
    }

    fn gate_pass(&self, n: usize, g: &Gate) -> TokenStream {
        let (c, globals, open) = (&g.table, self.globals_type(), self.open());
        let name = self.gate_name(n);
        let (rows, collect, constant) =
            (format_ident!("rows_{name}"), format_ident!("collect_{name}"), format_ident!("constant_{name}"));
        let lines = self.lines(c.rows.iter().map(|r| r.line));
        let width = self.width(c);
        let unit = self.unit_at(g.chain, c, quote!(unit));
        let states = self.states_of(c.locals.iter().map(|l| &l.state));
        let each = c.rows.iter().map(|r| self.normal_rows(c, r, RowPart::Whole));
        let (refresh, densities) = (self.refresh(c), self.densities_of(&c.rows));
        let gather = c.rows.iter().map(|r| self.rows(g.chain, c, r, Pass::Collect));
        let base: Vec<TokenStream> =
            c.rows.iter().map(|r| self.rows(g.chain, c, r, Pass::Base)).filter(|b| !b.is_empty()).collect();
        let base = if base.is_empty() {
            quote!(0.0)
        } else {
            quote! {
                #open
                let units = unit..unit + 1;
                let len = 1;
                let mut constant = 0.0;
                #(#base)*
                constant
            }
        };
        let doc = format!(" The weighted residual rows of line {lines} in one state of the categories.");
        let doc2 = format!(
            " Adds the statistics of line {lines}, weighted by the probabilities of the states of the categories."
        );
        quote! {
            #[doc = #doc]
            fn #rows(&self, context: &Context<'_>, at: &Prepared, unit: usize, state: usize, system: &mut UnitNormals) {
                #open
                let params = &at.params;
                #unit
                #states
                system.begin(#width, 0, 1);
                #(#each)*
            }

            #[doc = #doc2]
            fn #collect(&self, context: &Context<'_>, params: &#globals, units: Range<usize>, table: &[f64], stats: &mut Stats, scratch: &mut Scratch) {
                #open
                let len = units.len();
                #refresh
                #densities
                #(#gather)*
            }

            /// What depends on the data alone in one unit.
            fn #constant(&self, context: &Context<'_>, _statement: usize, unit: usize) -> f64 {
                #base
            }
        }
    }

    /// The states of a joint state, the last fastest.
    fn states_of<'v>(&self, states: impl DoubleEndedIterator<Item = &'v Var>) -> TokenStream {
        let scope = self.scope();
        let all: Vec<&Var> = states.collect();
        if let [one] = all.as_slice() {
            let one = scope.var(one);
            return quote!(let #one = state;);
        }
        let each = all.iter().rev().map(|v| {
            let (name, high) = (scope.var(v), scope.index(&v.high));
            quote! {
                let #name = state % #high;
                let state = state / #high;
            }
        });
        quote!(#(#each)*)
    }

    /// The trait's side of it.
    pub(super) fn gate_fns(&self) -> TokenStream {
        let gates = &self.kernel.gates;
        if gates.is_empty() {
            return TokenStream::new();
        }
        let (globals, open) = (self.globals_type(), self.open());
        let items = gates.iter().map(|g| {
            let (chain, categories) =
                (Literal::usize_unsuffixed(g.chain), Literal::usize_unsuffixed(g.categories));
            let step = g.step;
            quote!(Gate { chain: #chain, categories: #categories, step: #step })
        });
        let arm = |prefix: &str, args: TokenStream| -> TokenStream {
            let arms = (0..gates.len()).map(|n| {
                let (index, f) =
                    (Literal::usize_unsuffixed(n), format_ident!("{prefix}_{}", self.gate_name(n)));
                quote!(#index => self.#f(#args),)
            });
            arms.collect()
        };
        let rows = arm("rows", quote!(context, at, unit, state, system));
        let collects = arm("collect", quote!(context, params, unit..unit + 1, table, stats, scratch));
        let units = gates.iter().enumerate().map(|(n, g)| {
            let (index, body) = (Literal::usize_unsuffixed(n), self.gate_unit(g));
            quote!(#index => { #body })
        });
        quote! {
            const GATES: &'static [Gate] = &[#(#items),*];

            fn gate_unit(&self, context: &Context<'_>, gate: usize, unit: usize) -> Option<usize> {
                #open
                match gate {
                    #(#units)*
                    _ => None,
                }
            }

            fn gate_rows(&self, context: &Context<'_>, at: &Prepared, gate: usize, unit: usize, state: usize, system: &mut UnitNormals) {
                match gate {
                    #rows
                    _ => {}
                }
            }

            fn collect_gate(&self, context: &Context<'_>, params: &#globals, gate: usize, unit: usize, table: &[f64], stats: &mut Stats, scratch: &mut Scratch) {
                match gate {
                    #collects
                    _ => {}
                }
            }
        }
    }

    /// The unit of the categories that a unit of the chain reads, if its statement is there.
    fn gate_unit(&self, g: &Gate) -> TokenStream {
        let scope = self.scope();
        let categories = &self.kernel.components[g.categories];
        let unit = self.unit_at(g.chain, &g.table, quote!(unit));
        let at: Vec<TokenStream> = g.at.iter().take(categories.unit.len()).map(|i| scope.index(i)).collect();
        let found = match (at.as_slice(), categories.is_listed()) {
            ([], _) => quote!(Some(0)),
            ([one], false) => {
                let high = scope.index(&categories.unit[0].high);
                let one = super::operand(one);
                quote!(Some(#one).filter(|at| *at < #high))
            }
            (all, _) => {
                let field = self.unit_field(g.categories);
                quote!(context.#field.binary_search(&[#(#all),*]).ok())
            }
        };
        let row = &g.table.rows[0];
        let inner: Vec<&Var> = row
            .loops
            .iter()
            .map(|l| match l {
                Loop::Range(v) | Loop::Members { var: v, .. } => v,
            })
            .collect();
        let outside = |c: &&Cond| {
            let mut outside = true;
            c.visit_vars(&mut |v| outside &= !inner.contains(&v));
            outside
        };
        let guards: Vec<TokenStream> = row.guards.iter().filter(outside).map(|c| scope.cond(c)).collect();
        if guards.is_empty() {
            return quote!(#unit #found);
        }
        quote!(#unit if #(#guards)&&* { #found } else { None })
    }
}
