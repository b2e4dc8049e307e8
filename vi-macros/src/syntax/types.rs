//! Types and the sizes in them.

use super::expr::expr;
use super::index::{Binding, binds, index};
use super::stream::{Parsed, any_word, brackets, closed, expected, found, here, list, parens, word};
use crate::diagnostics::syntax as mistake;
use crate::syntax::ast::{Index, IndexTerm, Loc, SimplexDim, Type, TypeKind};
use proc_macro2::Ident;
use syn::parse::ParseStream;
use syn::{Token, token};

/// How each type is written: the list for messages.
pub const TYPES: &[&str] = &[
    "Real",
    "Positive",
    "Unit",
    "Bool",
    "Count",
    "Category[K]",
    "Simplex[K]",
    "Ordered[K]",
    "Vector[D]",
    "Matrix[D, H]",
    "SymPos[D]",
];

pub fn ty(input: ParseStream) -> Parsed<Type> {
    if word(input).is_none() {
        return Err(expected(input, "a type"));
    }
    let name = any_word(input)?;
    let mut loc = Loc::from(name.span());
    if input.peek(Token![<]) {
        return Err(mistake::angle_brackets(here(input), &name.to_string()));
    }
    let written = TYPES.iter().find(|written| written.split('[').next() == Some(&name.to_string()));
    let Some(written) = written else {
        return Err(mistake::unknown_type(name.span(), &name.to_string(), TYPES));
    };
    let sized = written.contains('[');
    if sized && !input.peek(token::Bracket) {
        return Err(mistake::type_without_size(name.span(), &name.to_string(), written));
    }
    if !sized && input.peek(token::Bracket) {
        return Err(mistake::type_takes_no_size(here(input), &name.to_string()));
    }
    let kind = if sized {
        let (end, inside) = brackets(input)?;
        loc = loc.to(end);
        sized_kind(&name, written, end, &inside)?
    } else {
        match name.to_string().as_str() {
            "Real" => TypeKind::Real,
            "Positive" => TypeKind::Positive,
            "Unit" => TypeKind::Unit,
            "Bool" => TypeKind::Bool,
            _ => TypeKind::Count,
        }
    };
    let mut ty = Type { loc, kind, min: None, max: None };
    if input.peek(token::Paren) {
        bounds(input, &mut ty)?;
    }
    Ok(ty)
}

fn sized_kind(name: &Ident, written: &str, at: Loc, inside: ParseStream) -> Parsed<TypeKind> {
    let name = name.to_string();
    if name == "Simplex" && inside.peek(syn::Ident) && inside.peek2(Token![in]) {
        let binders = binds(inside, Binding::RangeOnly)?;
        closed(inside)?;
        if binders.binds.len() > 1 {
            return Err(mistake::type_size_count(at, "Simplex", "Simplex[k in K]"));
        }
        return Ok(TypeKind::Simplex(SimplexDim::Bind(Box::new(binders))));
    }
    if name == "Category" {
        let mut sizes = list(inside, index)?;
        return match (sizes.pop(), sizes.is_empty()) {
            (Some(size), true) => Ok(TypeKind::Category(size)),
            _ => Err(mistake::type_size_count(at, &name, written)),
        };
    }
    let mut sizes = list(inside, dim)?.into_iter();
    let kind = match (name.as_str(), sizes.next(), sizes.next(), sizes.next()) {
        ("Matrix", Some(rows), Some(columns), None) => TypeKind::Matrix(rows, columns),
        ("Simplex", Some(size), None, None) => TypeKind::Simplex(SimplexDim::Dim(size)),
        ("Ordered", Some(size), None, None) => TypeKind::Ordered(size),
        ("Vector", Some(size), None, None) => TypeKind::Vector(size),
        ("SymPos", Some(size), None, None) => TypeKind::SymPos(size),
        _ => return Err(mistake::type_size_count(at, &name, written)),
    };
    Ok(kind)
}

/// One size or number: a size that is computed is declared in the header, where data can be checked against it.
fn dim(input: ParseStream) -> Parsed<Index> {
    let size = index(input)?;
    match &size.terms[..] {
        [IndexTerm { negative: false, .. }] => Ok(size),
        _ => Err(mistake::computed_size(size.loc, &size.to_string())),
    }
}

/// `(min: a, max: b)`
fn bounds(input: ParseStream, ty: &mut Type) -> Parsed<()> {
    let (loc, inside) = parens(input)?;
    if inside.is_empty() {
        return Err(mistake::empty_bounds(loc));
    }
    list(&inside, |inside| {
        let at = here(inside);
        let text = found(inside);
        let bound = word(inside).unwrap_or_default();
        if (bound != "min" && bound != "max") || !inside.peek2(Token![:]) {
            return Err(mistake::unknown_bound(at, &text));
        }
        any_word(inside)?;
        inside.parse::<Token![:]>()?;
        let slot = if bound == "min" { &mut ty.min } else { &mut ty.max };
        if slot.is_some() {
            return Err(mistake::twice(at, &bound));
        }
        *slot = Some(expr(inside)?);
        Ok(())
    })?;
    ty.loc = ty.loc.to(loc);
    Ok(())
}
