//! `Stats`, `Prepared`, and the implementation of the runtime's trait.

use super::Emitter;
use crate::model::ir::Role;
use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

impl Emitter<'_> {
    pub fn program(&self, reads_data: bool) -> TokenStream {
        let with_data = if reads_data { quote!(&context.data,) } else { quote!() };
        let data = self.data_type(quote!('a));
        let name = self.model.name.to_string();
        let context = self.context_fn();
        let floors = self.floors_fn();
        let parts = [
            self.components_fn(),
            self.neutral_fn(),
            self.overlay_fn(),
            self.validate_fn(),
            self.prepare_fn(),
            self.zero_fn(),
            self.dispatch_fn(),
            self.terms_fn(),
            self.direct_fn(),
            self.posterior_fn(),
            self.normal_fns(),
            self.collapse_fns(),
            self.init_fn(),
            self.describe_fn(),
            self.coordinates_fn(),
            self.relabel_fn(),
            self.conditional_fns(),
        ];
        let open = self.open();
        let globals = self.globals_type();
        let shared = self.shared_fns(reads_data);
        let imputes = self.impute_fn();
        let pairs = self.pair_fns();
        let links = self.link_fns();
        let meetings = self.meeting_fns();
        let chains = self.chain_fns();
        let alike = self.alike_fns();
        let gates = self.gate_fns();
        let looseness = self.looseness_fns();
        let perturb = self.perturb_fn();
        let lets = self.let_values();
        let has_series = self.has_series();
        let series = has_series.then(|| {
            quote!(
                const SERIES: bool = true;
            )
        });
        let lets = (!lets.is_empty()).then(|| {
            quote! {
                fn lets(&self, context: &Context<'_>, params: &#globals) -> Result<Lets, Error> {
                    #open
                    let mut lets = Lets::default();
                    #lets
                    Ok(lets)
                }
            }
        });
        let mixed = self.mixes().then(|| {
            quote!(
                const MIXED: bool = true;
            )
        });
        let stays = self.stays().map(|why| {
            quote!(
                const STAYS: &'static str = #why;
            )
        });
        let damping = if has_series { quote!(, damping) } else { quote!() };
        let update = quote!(self.update_params(&context.sizes, #with_data stats, current #damping));
        let (_, expansions) = self.expand();
        let rotation = self.rotation_fn();
        let update = match expansions.is_empty() {
            true => update,
            false => quote! {
                let mut found = #update?;
                if context.expand {
                    #expansions
                }
                Ok(found)
            },
        };
        quote! {
            impl Types for Model {
                type Data<'a> = #data;
                type Globals = #globals;
                type Params = Params;
                type Latents = Latents;
                type Posterior = Posterior;
                type Imputed = Imputed;
                type Lets = Lets;
                type Stats = Stats;
                type Context<'a> = Context<'a>;
                type Prepared = Prepared;
            }

            impl Joins for Model {
                #meetings
                #gates
                #alike
            }

            impl Imputes for Model {
                #imputes
            }

            impl Program for Model {
                const NAME: &'static str = #name;

                fn plan() -> &'static Plan {
                    PLAN
                }

                #context
                #(#parts)*

                #floors

                fn maximise(&self, context: &Context<'_>, stats: &Stats, current: &#globals, damping: f64) -> Result<Maximised<Model>, Error> {
                    #update
                }

                #rotation

                #shared
                #pairs
                #links
                #chains
                #looseness
                #perturb
                #series
                #mixed
                #stays
                #lets
            }
        }
    }

    pub(super) fn components_fn(&self) -> TokenStream {
        let scope = self.scope();
        let open = self.open();
        let items = self.kernel.components.iter().enumerate().map(|(i, c)| {
            let name = self.component_names(c).join(", ");
            let units = match c.unit.as_slice() {
                [] => quote!(1),
                [_] if !c.is_listed() => self.units_along(c),
                _ => {
                    let f = self.unit_field(i);
                    quote!(context.#f.len())
                }
            };
            let states: Vec<_> = c.locals.iter().map(|l| scope.index(&l.state.high)).collect();
            let joint = c.locals.len() > 1;
            let (first, states) = match states.first() {
                Some(first) => (first.clone(), super::product(&states)),
                None => (quote!(1), quote!(1)),
            };
            quote!(Component { name: #name, units: #units, states: #states, first: #first, joint: #joint })
        });
        let rows = self.kernel.fixed.iter().chain(&self.kernel.moving).map(|r| {
            let n = r.loops.first().map_or(quote!(1), |l| match l {
                crate::kernel::Loop::Range(v) => scope.index(&v.high),
                crate::kernel::Loop::Members { .. } => quote!(1),
            });
            let n = super::operand(&n);
            quote!(+ #n as f64)
        });
        let names = self.kernel.components.iter().enumerate().map(|(i, c)| {
            let n = Literal::usize_unsuffixed(i);
            let unit = self.unit_at(i, c, quote!(unit));
            let first = match c.own_local() {
                Some(l) => self.name(l.array).to_string(),
                None => self.component_names(c)[0].clone(),
            };
            let at: Vec<_> = c.unit.iter().map(|v| scope.var(v)).collect();
            let text =
                if at.is_empty() { first } else { format!("{first}[{}]", vec!["{}"; at.len()].join(", ")) };
            quote!(#n => { #unit format!(#text, #(#at),*) })
        });
        let copies: Vec<_> = self
            .kernel
            .components
            .iter()
            .enumerate()
            .filter(|(_, c)| !self.unit_copies(c).is_empty())
            .map(|(i, c)| {
                let n = Literal::usize_unsuffixed(i);
                let unit = self.unit_at(i, c, quote!(unit));
                let copies =
                    super::product(&self.unit_copies(c).iter().map(|e| scope.elem(e)).collect::<Vec<_>>());
                quote!(#n => { #unit #copies })
            })
            .collect();
        let copies = if copies.is_empty() {
            quote!()
        } else {
            quote! {
                fn copies(&self, context: &Context<'_>, component: usize, unit: usize) -> f64 {
                    #open
                    let data = &context.data;
                    match component {
                        #(#copies)*
                        _ => 1.0,
                    }
                }
            }
        };
        quote! {
            #copies

            fn components(&self, context: &Context<'_>) -> Vec<Component> {
                #open
                vec![#(#items),*]
            }

            fn observations(&self, context: &Context<'_>) -> f64 {
                #open
                self.components(context).iter().map(|c| c.units as f64).sum::<f64>() #(#rows)*
            }

            fn unit_name(&self, context: &Context<'_>, component: usize, unit: usize) -> String {
                match component {
                    #(#names)*
                    _ => String::new(),
                }
            }
        }
    }

    pub(super) fn dispatch_fn(&self) -> TokenStream {
        let arms = |prefix: &str, args: TokenStream| -> TokenStream {
            let all: Vec<TokenStream> = self
                .kernel
                .components
                .iter()
                .enumerate()
                // Chains with kinds of units are smoothed as a whole.
                .filter(|(_, c)| c.alike.is_none())
                .map(|(i, c)| {
                    let f = format_ident!("{prefix}_{}", self.component_name(c));
                    let i = Literal::usize_unsuffixed(i);
                    quote!(#i => self.#f(#args),)
                })
                .collect();
            if all.is_empty() { quote!() } else { quote!(match component { #(#all)* _ => {} }) }
        };
        let globals = self.globals_type();
        let potentials = arms("potentials", quote!(context, at, units, table, scratch));
        let collect = arms("collect", quote!(context, params, units, table, stats, scratch));
        let mut constants = TokenStream::new();
        let mut unit_constants: Vec<(usize, Vec<TokenStream>)> = vec![];
        let parts = self.kernel.components.iter().enumerate().flat_map(|(i, c)| {
            let steps = c.link.iter().flat_map(|l| l.steps()).map(move |s| (i, s, self.passage_name(c, s)));
            let gates = self.kernel.gates.iter().enumerate().filter(move |(_, g)| g.chain == i);
            let gates = gates.map(|(n, g)| (g.chain, &g.table, self.gate_name(n)));
            std::iter::once((i, c, self.component_name(c))).chain(steps).chain(gates)
        });
        let meetings = self.kernel.meetings.iter();
        let meetings = meetings.map(|m| (m.of[0], &m.component, self.meeting_name(&m.component)));
        let mut parts: Vec<_> = parts.chain(meetings).collect();
        parts.sort_by_key(|p| p.0);
        for (i, c, name) in parts {
            let f = format_ident!("constant_{name}");
            let index = Literal::usize_unsuffixed(i);
            let count = Literal::usize_unsuffixed(c.rows.len());
            if !c.rows.iter().any(|r| self.has_constant(i, c, r)) {
                continue;
            }
            for (n, r) in c.rows.iter().enumerate().filter(|(_, r)| self.has_constant(i, c, r)) {
                let n = Literal::usize_unsuffixed(n);
                let name = self.term_name(r);
                // The constant of a unit is that of one copy, as its evidence is.
                let one = quote!(self.#f(context, #n, unit));
                let all = match self.unit_copies(c) {
                    [] => one,
                    _ => quote!(special::times(self.copies(context, #index, unit), #one)),
                };
                constants.extend(quote! {
                    out.push((#name.to_string(), (0..self.components(context)[#index].units).map(|unit| #all).sum()));
                });
            }
            let all = quote!((0..#count).map(|statement| self.#f(context, statement, unit)));
            match unit_constants.last_mut() {
                Some((of, parts)) if *of == i => parts.push(all),
                Some(_) | None => unit_constants.push((i, vec![all])),
            }
        }
        let unit_constants: Vec<TokenStream> = unit_constants
            .into_iter()
            .map(|(i, parts)| {
                let index = Literal::usize_unsuffixed(i);
                match parts.as_slice() {
                    [one] => quote!(#index => #one.sum(),),
                    several => quote!(#index => #(#several.sum::<f64>())+*,),
                }
            })
            .collect();
        let pairs = self.kernel.components.iter().flat_map(|c| &c.pairs).map(|p| &p.rows);
        for r in self.kernel.fixed.iter().chain(&self.kernel.moving).chain(pairs) {
            let f = format_ident!("constant_{}", self.fixed_name(r));
            let name = self.term_name(r);
            constants.extend(quote!(out.push((#name.to_string(), self.#f(context)));));
        }
        let constants = if constants.is_empty() {
            quote!(Vec::new())
        } else {
            quote! {
                let mut out: Vec<(String, f64)> = Vec::new();
                #constants
                out
            }
        };
        let unit_constants = if unit_constants.is_empty() {
            quote!(0.0)
        } else {
            quote! {
                match component {
                    #(#unit_constants)*
                    _ => 0.0,
                }
            }
        };
        quote! {
            fn potentials(&self, context: &Context<'_>, at: &Prepared, component: usize, units: Range<usize>, table: &mut [f64], scratch: &mut Scratch) {
                #potentials
            }

            fn collect(&self, context: &Context<'_>, params: &#globals, component: usize, units: Range<usize>, table: &[f64], stats: &mut Stats, scratch: &mut Scratch) {
                #collect
            }

            fn constants(&self, context: &Context<'_>) -> Vec<(String, f64)> {
                #constants
            }

            fn unit_constant(&self, context: &Context<'_>, component: usize, unit: usize) -> f64 {
                #unit_constants
            }
        }
    }

    pub(super) fn direct_fn(&self) -> TokenStream {
        let open = self.open();
        let globals = self.globals_type();
        let prior = self.prior_sum(true);
        let points = self.prior_sum(false);
        let points = (!points.is_empty()).then(|| {
            quote! {
                fn log_points(&self, context: &Context<'_>, params: &Globals) -> Result<f64, Error> {
                    #open
                    let mut total = 0.0;
                    #points
                    Ok(total)
                }
            }
        });
        let prior = (!prior.is_empty()).then(|| {
            quote! {
                fn log_prior(&self, context: &Context<'_>, params: &#globals) -> Result<f64, Error> {
                    #open
                    let mut total = 0.0;
                    #prior
                    Ok(total)
                }
            }
        });
        let joint = self.density_sum(|s| {
            matches!(s.role, Role::Observed | Role::Latent) && !self.model.says_what_is_known(s.id)
        });
        // What is known of a latent that all units share has a density in its q.
        let known =
            self.kernel.fixed.iter().filter(|r| self.model.says_what_is_known(r.statement)).map(|r| {
                let f = format_ident!("constant_{}", self.fixed_name(r));
                quote!(total += self.#f(context);)
            });
        let constraints = self.constraints();
        quote! {
            #prior

            #points

            fn log_joint(&self, context: &Context<'_>, latents: &Latents, params: &Params) -> Result<f64, Error> {
                #open
                let mut total = 0.0;
                #joint
                #(#known)*
                #constraints
                Ok(total)
            }
        }
    }
}
