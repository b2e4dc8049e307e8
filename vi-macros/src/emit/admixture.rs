//! Blocks that take turns with the units' latents, and the code that updates both group by group.

use super::Emitter;
use crate::density::symbol::{Ix, IxTerm};
use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

impl Emitter<'_> {
    /// The field of the context that holds the data of all groups.
    pub(super) fn draws_field(&self) -> Option<TokenStream> {
        self.kernel.admixture.as_ref().map(|_| {
            quote! {
                /// The values of the units of each group.
                pub draws: admixture::Draws,
            }
        })
    }

    /// `let draws = …;`
    pub(super) fn draws(&self) -> Option<TokenStream> {
        let a = self.kernel.admixture.as_ref()?;
        let [group, unit] = self.kernel.components.first()?.unit.as_slice() else { return None };
        let scope = self.scope();
        let (groups, units) = (scope.index(&group.high), scope.index(&unit.high));
        let (d, i) = (scope.var(group), scope.var(unit));
        let value = scope.index(&Ix::term(IxTerm::Read(a.value.clone())));
        let copies: Vec<TokenStream> = a.copies.iter().map(|e| scope.elem(e)).collect();
        let copies = if copies.is_empty() { quote!(1.0) } else { super::product(&copies) };
        Some(quote!(let draws = admixture::Draws::new(#groups, |#d| #units, |#d, #i| (#value, #copies));))
    }

    /// What the runtime's trait says of local blocks.
    pub(super) fn nested_fns(&self) -> TokenStream {
        if self.kernel.local.is_empty() {
            return TokenStream::new();
        }
        let local = self.kernel.local.iter().map(|n| Literal::usize_unsuffixed(*n));
        let fused = self.admixture_fns();
        quote! {
            const LOCAL: &'static [usize] = &[#(#local),*];

            #fused
        }
    }

    fn admixture_fns(&self) -> Option<TokenStream> {
        let a = self.kernel.admixture.as_ref()?;
        let c = self.kernel.components.first()?;
        let scope = self.scope();
        let open = self.open();
        let (own, shared) = (self.name(a.own), self.name(a.shared));
        let text = own.to_string();
        let states = scope.index(&c.locals.first()?.state.high);
        let values = scope.index(&self.kernel.stats[a.stats[1]].cells.get(1)?.var.high);
        let [own_stat, shared_stat] = a.stats.map(|n| format_ident!("{}", self.kernel.stats[n].name));
        Some(quote! {
            const NESTED: bool = true;

            fn nested(&self, context: &Context<'_>, globals: &mut Globals, groups: Option<&[usize]>, passes: usize, threads: usize) -> Result<Option<Stats>, Error> {
                #open
                let sizes = [#states, #values];
                let Some(posterior) = admixture::Admixture::new(&context.draws, sizes, &globals.#own, &globals.#shared, threads)? else {
                    return Ok(None);
                };
                let prior = &self.priors(context, globals)?.own;
                let mut stats = self.zero(context);
                if let Some(groups) = groups {
                    let done = posterior.update_some(prior, passes, groups)?;
                    // What belongs to one group is read off at once, and kept in no sum.
                    stats.#own_stat = Table::zeros([0, 0]);
                    done.shared_counts(stats.#shared_stat.values_mut());
                    done.laws_of(#text, groups, &mut globals.#own)?;
                    return Ok(Some(stats));
                }
                let done = posterior.update(prior, passes)?;
                done.own_counts(stats.#own_stat.values_mut());
                done.shared_counts(stats.#shared_stat.values_mut());
                stats.evidence = done.evidence;
                if passes > 0 {
                    globals.#own = done.laws(#text)?;
                }
                Ok(Some(stats))
            }

            fn nested_groups(&self, context: &Context<'_>) -> usize {
                context.draws.groups()
            }

            fn nested_bound(&self, context: &Context<'_>, globals: &Globals, threads: usize) -> Result<Option<(f64, f64)>, Error> {
                #open
                let sizes = [#states, #values];
                match admixture::Admixture::new(&context.draws, sizes, &globals.#own, &globals.#shared, threads)? {
                    Some(posterior) => posterior.bound(self.priors(context, globals)?).map(Some),
                    None => Ok(None),
                }
            }
        })
    }

    /// The laws that the blocks have before any data.
    pub(super) fn priors_fn(&self) -> Option<TokenStream> {
        let a = self.kernel.admixture.as_ref()?;
        let (own, shared) = (self.name(a.own), self.name(a.shared));
        let blocks = a.blocks.map(Literal::usize_unsuffixed);
        Some(quote! {
            fn priors<'c>(&self, context: &'c Context<'_>, globals: &Globals) -> Result<&'c admixture::Priors, Error> {
                context.draws.priors(|| {
                    let mut globals = globals.clone();
                    let none = self.zero(context);
                    #(self.update(context, &none, &mut globals, #blocks, &mut Notes::default())?;)*
                    Ok(admixture::Priors {
                        own: admixture::parameters(&globals.#own),
                        shared: admixture::parameters(&globals.#shared),
                    })
                })
            }
        })
    }
}
