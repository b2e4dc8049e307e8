//! Statements that read categories of several blocks: their tables, over the states of all of them.

use super::Emitter;
use crate::kernel::{Component, Meeting, Span};
use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

impl Emitter<'_> {
    pub(super) fn meeting_name(&self, c: &Component) -> String {
        // Meetings of the same latents at other units are others.
        let own = |m: &&Meeting| m.component.arrays() == c.arrays();
        let number =
            self.kernel.meetings.iter().filter(own).position(|m| std::ptr::eq(&raw const m.component, c));
        match number {
            None | Some(0) => format!("meeting_of_{}", self.component_name(c)),
            Some(n) => format!("meeting_{}_of_{}", n + 1, self.component_name(c)),
        }
    }

    /// The trait's side of it.
    pub(super) fn meeting_fns(&self) -> TokenStream {
        if self.kernel.meetings.is_empty() {
            return TokenStream::new();
        }
        let of = self.kernel.meetings.iter().map(|m| {
            let of = m.of.iter().map(|n| Literal::usize_unsuffixed(*n));
            quote!(&[#(#of),*])
        });
        let plain = self.kernel.meetings.iter().all(|m| m.spans.iter().all(|s| *s == Span::Here));
        let spans = self.kernel.meetings.iter().map(|m| {
            let spans = m.spans.iter().map(|s| match s {
                Span::Here => quote!(fit::Span::Here),
                Span::Before => quote!(fit::Span::Before),
                Span::Step => quote!(fit::Span::Step),
            });
            quote!(&[#(#spans),*])
        });
        let spans = (!plain).then(|| quote!(const SPANS: &'static [&'static [fit::Span]] = &[#(#spans),*];));
        let (mut potentials, mut collects) = (TokenStream::new(), TokenStream::new());
        for (n, m) in self.kernel.meetings.iter().enumerate() {
            let (n, name) = (Literal::usize_unsuffixed(n), self.meeting_name(&m.component));
            let (potential, collect) = (format_ident!("potentials_{name}"), format_ident!("collect_{name}"));
            potentials.extend(quote!(#n => self.#potential(context, at, units, table, scratch),));
            collects.extend(quote!(#n => self.#collect(context, params, units, table, stats, scratch),));
        }
        let globals = self.globals_type();
        quote! {
            const MEETINGS: &'static [&'static [usize]] = &[#(#of),*];

            #spans

            fn meet(&self, context: &Context<'_>, at: &Prepared, meeting: usize, units: Range<usize>, table: &mut [f64], scratch: &mut Scratch) {
                match meeting {
                    #potentials
                    _ => {}
                }
            }

            fn collect_meeting(&self, context: &Context<'_>, params: &#globals, meeting: usize, units: Range<usize>, table: &[f64], stats: &mut Stats, scratch: &mut Scratch) {
                match meeting {
                    #collects
                    _ => {}
                }
            }
        }
    }
}
