//! What is said of latents that are integrated out in the states of their units: marginals, and draws given the states.

use super::Emitter;
use crate::density::symbol::{Elem, Ix};
use crate::kernel::{Component, Integrated};
use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

impl Emitter<'_> {
    /// Marginals and draws of what is integrated out.
    pub(super) fn conditional_fns(&self) -> TokenStream {
        let with: Vec<_> =
            self.kernel.components.iter().enumerate().filter(|(_, c)| !c.integrated.is_empty()).collect();
        if with.is_empty() {
            return TokenStream::new();
        }
        let open = self.open();
        let which = with.iter().map(|(n, _)| Literal::usize_unsuffixed(*n));
        let (mut marginals, mut draws) = (TokenStream::new(), TokenStream::new());
        let (mut of_one, mut there) = (TokenStream::new(), TokenStream::new());
        for (n, c) in &with {
            let unit = self.unit_at(*n, c, quote!(units.start + i));
            let (mut write, mut draw, mut once) =
                (TokenStream::new(), TokenStream::new(), TokenStream::new());
            let mut conds: Vec<TokenStream> = vec![];
            for (k, i) in c.integrated.iter().enumerate() {
                let (one, two) = self.conditional_of(c, k, i);
                match i.is_there(&c.unit).map(|cond| self.scope().cond(&cond)) {
                    None => match self.unit_is_there(c) {
                        Some(there) => {
                            write.extend(quote!(if #there { #one }));
                            draw.extend(quote!(if #there { #two }));
                        }
                        None => {
                            write.extend(one);
                            draw.extend(two);
                        }
                    },
                    Some(cond) => {
                        once.extend(quote!(if #cond { #one }));
                        draw.extend(quote!(if #cond { #two }));
                        conds.push(cond);
                    }
                }
            }
            let index = *n;
            let n = Literal::usize_unsuffixed(index);
            if !write.is_empty() {
                marginals.extend(quote!(#n => { for i in 0..len { #unit #write } }));
            }
            if !once.is_empty() {
                of_one.extend(quote!(#n => { for i in 0..len { #unit #once } }));
            }
            if c.hides_once() {
                let unit = self.unit_at(index, c, quote!(unit));
                there.extend(quote!(#n => units.clone().any(|unit| { #unit #(#conds)||* }),));
            }
            draws.extend(quote! {
                #n => {
                    for i in 0..len {
                        #unit
                        let rng = &mut rng(units.start + i);
                        let state = states[i];
                        #draw
                    }
                }
            });
        }
        let marginals_fn = |name: &str, arms: TokenStream| {
            let name = format_ident!("{name}");
            (!arms.is_empty()).then(|| {
                quote! {
                    fn #name(&self, context: &Context<'_>, component: usize, units: Range<usize>, table: &[f64], scratch: &Scratch, posterior: &mut Posterior) {
                        #open
                        let len = units.len();
                        match component {
                            #arms
                            _ => {}
                        }
                    }
                }
            })
        };
        let marginals = marginals_fn("conditionals", marginals);
        let of_one = marginals_fn("conditionals_once", of_one);
        let hides = (!there.is_empty()).then(|| {
            quote! {
                fn hides(&self, context: &Context<'_>, component: usize, units: &Range<usize>) -> bool {
                    #open
                    match component {
                        #there
                        _ => true,
                    }
                }
            }
        });
        quote! {
            const CONDITIONAL: &'static [usize] = &[#(#which),*];

            #marginals

            #of_one

            #hides

            fn realise(&self, context: &Context<'_>, component: usize, units: Range<usize>, states: &[usize], scratch: &Scratch, rng: &mut dyn FnMut(usize) -> ChaCha8Rng, latents: &mut Latents) -> f64 {
                #open
                let len = units.len();
                let mut total = 0.0;
                match component {
                    #draws
                    _ => {}
                }
                total
            }
        }
    }

    fn conditional_of(&self, c: &Component, k: usize, i: &Integrated) -> (TokenStream, TokenStream) {
        let scope = self.scope();
        let (name, law) = (self.name(i.array), self.integrated_law(i));
        let (power, k) = (super::number(i.power.value()), Literal::usize_unsuffixed(k));
        let mut indices: Vec<Ix> = i.own(&c.unit).iter().map(Ix::var).collect();
        indices.extend(i.inner.iter().map(Ix::var));
        let element = Elem { array: i.array, indices };
        let [at, _] = self.place(&scope, c, i, &element, 0);
        let plates: Vec<_> = element.indices.iter().map(|x| scope.index(x)).collect();
        let one = |state: TokenStream| quote!(scratch.integrals[#k].law::<#law>(#power, #state, #at, i));
        let marginal = if c.locals.is_empty() {
            one(quote!(0))
        } else {
            let states = self.states(c);
            let each = one(quote!(state));
            let mixed = if i.event.is_some() { quote!(fit::mixed_vectors) } else { quote!(fit::mixed) };
            quote! {
                #mixed((0..#states).map(|state| table[state * len + i]).collect(), (0..#states).map(|state| #each))
            }
        };
        let write = scope.loops(&i.inner, quote!(posterior.#name #([#plates])* = #marginal;));
        let drawn = one(quote!(state));
        let draw = scope.loops(
            &i.inner,
            quote! {
                let law = #drawn;
                let value = law.sample(rng);
                total += law.log_density(&value);
                latents.#name #([#plates])* = value;
            },
        );
        (write, draw)
    }

    /// `Posterior::sample` where latents are integrated out: each given the state that was drawn for its unit.
    pub(super) fn conditional_sample(&self) -> TokenStream {
        if self.model.integrated.is_empty() || self.kernel.components.iter().any(|c| c.unit.len() > 2) {
            return TokenStream::new();
        }
        let mut body = TokenStream::new();
        let mut names = vec![];
        let hiding = |c: &&Component| !c.locals.is_empty() || !c.integrated.is_empty();
        for c in self.kernel.components.iter().filter(hiding) {
            let rows = c.unit.len() == 2;
            let first = c.own_local().or(c.locals.first());
            let q = self.joint_field(c).or(first.map(|l| self.name(l.array)));
            body.extend(match &q {
                Some(q) if rows => {
                    quote!(let states = fit::choose_rows(&self.#q, &mut finite::Sample(&mut *rng))?;)
                }
                Some(q) => quote!(let states = self.#q.choose(&mut finite::Sample(&mut *rng))?;),
                None => {
                    let any = self.name(c.integrated[0].array);
                    match rows {
                        true => quote! {
                            fit::kept(&self.#any)?;
                            let states: Vec<Vec<usize>> = self.#any.iter().map(|row| vec![0; row.len()]).collect();
                        },
                        false => quote!(let states = vec![0; fit::kept(&self.#any)?];),
                    }
                }
            });
            let sizes: Vec<_> = c
                .locals
                .iter()
                .map(|l| {
                    let n = self.name(l.array);
                    match rows && !l.lasts {
                        true => quote!(self.#n.first().map_or(1, Categories::states)),
                        false => quote!(self.#n.states()),
                    }
                })
                .collect();
            for (n, l) in c.locals.iter().enumerate().filter(|(_, l)| l.back == 0) {
                let name = self.name(l.array);
                let value = self.digit(l.array, n, &sizes, quote!(state));
                let taken = self.outlasts(c).then(|| match rows {
                    true => quote!(.take(q.len())),
                    false => quote!(.take(self.#name.len())),
                });
                let each = quote!(states.iter() #taken .map(|&state| #value).collect());
                let last = quote!(states.last().map(|&state| #value).unwrap_or_default());
                body.extend(match c.unit.len() {
                    1 if l.lasts => quote!(let #name = #last;),
                    2 if l.lasts => quote!(let #name = states.iter().map(|states| #last).collect();),
                    0 => quote!(let #name = states.first().map(|&state| #value).unwrap_or_default();),
                    1 => quote!(let #name = #each;),
                    _ if taken.is_some() => {
                        quote!(let #name = states.iter().zip(&self.#name).map(|(states, q)| #each).collect();)
                    }
                    _ => quote!(let #name = states.iter().map(|states| #each).collect();),
                });
                names.push(name);
            }
            for i in &c.integrated {
                let name = self.name(i.array);
                let one = if c.locals.is_empty() {
                    quote!(x.sample(rng))
                } else {
                    quote!(x.sample_given(state, rng))
                };
                let inner = i.inner.iter().fold(one, |one, _| quote!(x.iter().map(|x| #one).collect()));
                let each = quote!(x.iter().zip(states).map(|(x, &state)| #inner).collect());
                if let Some(at) = i.at {
                    let at = Literal::usize_unsuffixed(at);
                    let state =
                        quote!(let state = states.get(#at).or(states.first()).copied().unwrap_or_default(););
                    body.extend(match rows {
                        false => quote!(let #name = { let x = &self.#name; #state #inner };),
                        true => quote! {
                            let #name = self.#name.iter().zip(&states).map(|(x, states)| { #state #inner }).collect();
                        },
                    });
                    names.push(name);
                    continue;
                }
                body.extend(match c.unit.len() {
                    0 => quote! {
                        let (x, state) = (&self.#name, states.first().copied().unwrap_or_default());
                        let #name = #inner;
                    },
                    1 => quote!(let #name = self.#name.iter().zip(&states).map(|(x, &state)| #inner).collect();),
                    _ => quote!(let #name = self.#name.iter().zip(&states).map(|(x, states)| #each).collect();),
                });
                names.push(name);
            }
        }
        let rest = (names.len() < self.hidden().len()).then(|| quote!(..Latents::default()));
        quote! {
            impl Posterior {
                /// Latents drawn from q: those of one unit jointly, one unit after another.
                ///
                /// # Errors
                /// [`Error::LocalsNotKept`] where there is no q: locals were not kept.
                pub fn sample(&self, rng: &mut impl rng::Rng) -> Result<Latents, Error> {
                    #body
                    Ok(Latents { #(#names,)* #rest })
                }
            }
        }
    }
}
