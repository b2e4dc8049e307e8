//! Vectors with a dense scale of which some coordinates may be missing: what is there says what is not.

use super::Emitter;
use super::normals::RowPart;
use super::scope::Scope;
use crate::density::poly::{Poly, Term};
use crate::density::symbol::{Elem, Ix, Var, length};
use crate::kernel::{Component, DenseResidual, Rows, StatKind, is_unit_normal, pulled};
use crate::model::ir::ArrayId;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

impl Emitter<'_> {
    /// The rows that may have gaps, each with the case that says how.
    fn gapped_rows(&self) -> impl Iterator<Item = (&Rows, &DenseResidual)> {
        crate::kernel::rows_of(self.kernel).flat_map(|(_, r)| r.gapped().map(move |d| (r, d)))
    }

    pub(super) fn is_gapped(&self, a: ArrayId) -> bool {
        self.gapped_rows().any(|(r, _)| r.target.array == a)
    }

    /// What a component is called in which missing coordinates are all that is hidden.
    pub(super) fn name_of_gaps(&self, c: &Component) -> Option<String> {
        let target = |c: &Component| match c.arrays().is_empty() && c.link.is_none() && c.normals.is_empty() {
            true => c.rows.first().map(|r| (r.target.array, r.line)),
            false => None,
        };
        let step = self
            .kernel
            .components
            .iter()
            .any(|x| x.link.as_ref().is_some_and(|l| l.steps().any(|s| std::ptr::eq(c, s))));
        let (array, line) = target(c).filter(|_| !step)?;
        let name = &self.model.arrays[array.0].name;
        // Pieces of one array are components of their own.
        let alike = self.kernel.components.iter().filter_map(target).filter(|t| t.0 == array).count();
        Some(if alike > 1 { format!("{name}_{line}") } else { name.to_string() })
    }

    fn there_field(&self, a: ArrayId) -> Ident {
        self.own_field(format!("{}_there", self.model.arrays[a.0].name))
    }

    /// Fields of the context: their names, and how they are made.
    pub(super) fn there_fields(&self) -> Vec<(Ident, TokenStream)> {
        let mut arrays: Vec<ArrayId> = vec![];
        for (r, _) in self.gapped_rows() {
            if !arrays.contains(&r.target.array) {
                arrays.push(r.target.array);
            }
        }
        let scope = self.scope();
        let made = arrays.into_iter().map(|a| {
            let field = self.there_field(a);
            let plates = self.plates_of(a);
            let mut indices: Vec<Ix> = plates.iter().map(Ix::var).collect();
            let axes = self.model.arrays[a.0].elem.kind.axes();
            let events: Vec<Var> = axes
                .iter()
                .map(|x| {
                    let name = ('d'..='z').map(String::from).find(|n| plates.iter().all(|v| v.name != *n));
                    let name = name.unwrap_or_else(|| "d".into());
                    Var::new(name, x.nominal, Ix::constant(0), length(&x.length, &indices))
                })
                .collect();
            indices.extend(events.iter().map(Ix::var));
            let raw = scope.raw(&Elem { array: a, indices });
            let at = events.first().map_or(quote!(0), |v| {
                let v = scope.var(v);
                quote!(#v)
            });
            let vars: Vec<Var> = plates.into_iter().chain(events).collect();
            let add = scope.loops(&vars, quote!(#field.add(#at, #raw);));
            (field.clone(), quote!(let mut #field = There::default(); #add))
        });
        made.collect()
    }

    /// The function that tabulates the density of rows that may have gaps.
    pub(super) fn densities_name(&self, d: &DenseResidual) -> Ident {
        format_ident!("{}_of", self.density_field(d))
    }

    /// Those functions.
    pub(super) fn densities_fns(&self) -> TokenStream {
        let globals = self.globals_type();
        let open = self.open();
        let each = self.gapped_rows().map(|(r, d)| {
            let (name, field, made) = (self.densities_name(d), self.density_field(d), self.tabulated_density(d));
            let doc = format!(" The density of line {} in each of its cells.", r.line);
            quote! {
                #[doc = #doc]
                fn #name(&self, context: &Context<'_>, params: &#globals) -> Result<Vec<dense::Density>, Error> {
                    #open
                    #made
                    Ok(#field)
                }
            }
        });
        each.collect()
    }

    /// Binds the densities that complete the rows of a component.
    pub(super) fn densities_of(&self, rows: &[Rows]) -> TokenStream {
        let each = rows.iter().flat_map(Rows::gapped).map(|d| {
            let (field, name) = (self.density_field(d), self.densities_name(d));
            quote!(let Ok(#field) = self.#name(context, params) else { return };)
        });
        each.collect()
    }

    /// `body` for each coordinate of a row, in which `datum` stands for its value; 0 where there is none.
    fn coordinates(
        &self,
        scope: &Scope<'_>,
        r: &Rows,
        d: &DenseResidual,
        see: impl Fn(TokenStream) -> TokenStream,
        body: impl Fn(&Scope<'_>) -> TokenStream,
    ) -> TokenStream {
        let mut indices = r.target.indices.clone();
        indices.push(Ix::var(&d.event));
        let target = Elem { array: r.target.array, indices };
        let seen = see(scope.raw(&target));
        scope.value.replace(Some((target, quote!(datum))));
        let body = body(scope);
        scope.value.replace(None);
        scope.loops(std::slice::from_ref(&d.event), quote!(let datum = #seen; #body))
    }

    /// The log density of what is there of a row: an expression.
    pub(super) fn gapped_value(&self, scope: &Scope<'_>, r: &Rows, d: &DenseResidual) -> TokenStream {
        let fill = self.coordinates(
            scope,
            r,
            d,
            |raw| quote!(gaps.see(#raw)),
            |scope| {
                let x = if self.mean_only(d) {
                    scope.poly(&d.design.columns[0].value)
                } else {
                    scope.poly(&d.rho)
                };
                quote!(row.push(#x);)
            },
        );
        let (field, at) = (self.density_field(d), self.density_index(scope, d));
        quote! {
            let row = &mut scratch.row;
            row.clear();
            let gaps = &mut scratch.gaps;
            gaps.row();
            #fill
            at.#field[#at].present(row, gaps)
        }
    }

    /// The moments of a row whose gaps are filled by their expectations, and what is uncertain about them.
    pub(super) fn gapped_moments(
        &self,
        scope: &Scope<'_>,
        c: Option<&Component>,
        r: &Rows,
        d: &DenseResidual,
    ) -> TokenStream {
        let s = &self.kernel.stats[d.moments];
        let StatKind::Moments { columns } = &s.kind else { return TokenStream::new() };
        let Some((first, others)) = columns.split_first() else { return TokenStream::new() };
        let field = format_ident!("{}", s.name);
        let at = self.cell_index(scope, s);
        let mean = first.value.sub(&d.rho);
        // Latents with coefficients that are known stand in the first column itself: what is not there does not move with it.
        let moves = mean.sub(&first.value);
        let reads = |p: &Poly| {
            let mut found = false;
            p.visit_elems(&mut |e| found |= is_unit_normal(self.model, e.array));
            found
        };
        let fill = self.coordinates(
            scope,
            r,
            d,
            |raw| quote!(gaps.see(#raw)),
            |scope| {
                let (x, mean_value) = (scope.poly(&first.value), scope.poly(&mean));
                let slopes: TokenStream = moves
                    .0
                    .iter()
                    .filter_map(|t| {
                        let (e, rest) = pulled(self.model, t)?;
                        let latent = self.normal_index(scope, c?, &e);
                        let value = scope.poly(&Poly(vec![Term { guard: vec![], ..rest }]));
                        let write = scope.guarded(&t.guard, quote!(gaps.slope(#latent, #value);));
                        Some(scope.loops(&t.sums, write))
                    })
                    .collect();
                quote!(row.push(#x); gaps.expect(#mean_value); #slopes)
            },
        );
        let rest = self.fill_columns(scope, others, quote!(row));
        let high = scope.index(&d.event.high);
        let (density, there) = (self.density_field(d), self.there_field(r.target.array));
        let weight = quote!(responsibility);
        let follow = c.filter(|_| reads(&moves)).map(|c| {
            let width = self.width(c);
            quote!(scratch.gaps.follow(#width, spread);)
        });
        let spread = self.add_spread_and(scope, columns, (&field, &at, &weight), follow.as_ref());
        quote! {
            let row = &mut scratch.row;
            row.clear();
            let gaps = &mut scratch.gaps;
            gaps.row();
            #fill
            #rest
            #density[#at].complete(&mut row[..#high], &context.#there, gaps);
            stats.#field.add_row(#at, #weight, row);
            #spread
            scratch.gaps.add_spread(&mut stats.#field, #at, #weight);
        }
    }

    /// Whitened rows of the coordinates that are there.
    pub(super) fn gapped_normal(
        &self,
        scope: &Scope<'_>,
        c: &Component,
        r: &Rows,
        d: &DenseResidual,
        weighted: bool,
    ) -> TokenStream {
        let rows = self.coordinates(
            scope,
            r,
            d,
            |raw| quote!(system.see(#raw)),
            |scope| self.fill_normal(scope, c, &d.rho, RowPart::Whole),
        );
        let (field, at) = (self.density_field(d), self.density_index(scope, d));
        let high = scope.index(&d.event.high);
        let copies = if weighted { quote!(copies) } else { quote!(1.0) };
        quote! {
            system.begin_vector();
            #rows
            at.#field[#at].whiten_present(system, #high, #copies);
        }
    }

    /// What the plan says of missing coordinates.
    pub(super) fn gaps_text(&self) -> String {
        let mut lines: Vec<String> = vec![];
        for (r, d) in self.gapped_rows() {
            let name = &self.model.arrays[r.target.array.0].name;
            let scale = &self.model.arrays[d.matrix.array.0].name;
            let line = format!(
                "missing coordinates of {name} are integrated out with their row: given those that are there they are Gaussian, with one gain and\n  covariance by {scale} for each pattern\n"
            );
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        lines.concat()
    }
}
