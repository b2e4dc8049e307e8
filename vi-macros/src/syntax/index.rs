//! Indices, the ranges they run over, and what stands in the brackets of a declaration.

use super::expr::expr;
use super::stream::{Parsed, brackets, expected, found, here, list, name, peek_word, word};
use crate::diagnostics::syntax as mistake;
use crate::syntax::ast::{Access, Bind, Binders, Expr, Index, IndexAtom, IndexTerm, Loc, Range};
use syn::parse::ParseStream;
use syn::{LitFloat, LitInt, Token, token};

/// Whether a bind must have a range. In a declaration `x[s, 0]` fixes an index; a `for` and a sum have nothing to fix.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    RangeOrIndex,
    RangeOnly,
}

/// `[binds]` after a name, if it is there.
pub fn binders(input: ParseStream) -> Parsed<Option<Binders>> {
    if !input.peek(token::Bracket) {
        return Ok(None);
    }
    let (loc, inside) = brackets(input)?;
    if inside.is_empty() {
        return Err(mistake::empty_brackets(loc));
    }
    let binders = binds(&inside, Binding::RangeOrIndex)?;
    if !inside.is_empty() {
        let unbound = matches!(binders.binds.last(), Some(Bind::At(_))) && binders.guard.is_none();
        let what = if unbound { "`in`, `,` or the closing bracket" } else { "`,` or the closing bracket" };
        return Err(expected(&inside, what));
    }
    Ok(Some(binders))
}

/// `bind ("," bind)* ("if" cond)?`
pub fn binds(input: ParseStream, binding: Binding) -> Parsed<Binders> {
    let mut binds = vec![bind(input, binding)?];
    while input.peek(Token![,]) {
        input.parse::<Token![,]>()?;
        if ends(input) {
            break;
        }
        binds.push(bind(input, binding)?);
    }
    let guard = guard(input)?;
    if guard.is_some() && input.peek(Token![,]) {
        input.parse::<Token![,]>()?;
    }
    Ok(Binders { binds, guard })
}

fn ends(input: ParseStream) -> bool {
    input.is_empty() || input.peek(Token![if]) || input.peek(token::Brace) || peek_word(input, "repeat")
}

fn guard(input: ParseStream) -> Parsed<Option<Expr>> {
    if !input.peek(Token![if]) {
        return Ok(None);
    }
    input.parse::<Token![if]>()?;
    expr(input).map(Some)
}

fn bind(input: ParseStream, binding: Binding) -> Parsed<Bind> {
    if input.peek(token::Paren) {
        return Err(mistake::parens_around_bind(here(input)));
    }
    if word(input).is_some() && input.peek2(Token![in]) {
        let name = name(input, "an index")?;
        input.parse::<Token![in]>()?;
        return Ok(Bind::In { name, range: range(input)? });
    }
    if input.peek(syn::Ident) && input.peek2(Token![=]) && !input.peek2(Token![==]) {
        let name = name(input, "an index")?;
        return Err(mistake::range_by_equals(here(input), &name.to_string()));
    }
    let at = index(input)?;
    match binding {
        Binding::RangeOrIndex => Ok(Bind::At(at)),
        Binding::RangeOnly => Err(mistake::bind_without_range(at.loc, &at.to_string())),
    }
}

/// The upper bound of a range that is written wrongly, if it can be read.
fn upper(input: ParseStream) -> Option<String> {
    index(input).ok().map(|high| high.to_string())
}

/// `K`, `T[s]` or `low..high`
fn range(input: ParseStream) -> Parsed<Range> {
    if input.peek(token::Paren) {
        return Err(mistake::parens_around_bind(here(input)));
    }
    let first = index(input)?;
    if input.peek(Token![..=]) {
        let dots = here(input);
        input.parse::<Token![..=]>()?;
        return Err(mistake::inclusive_range(dots, &first.to_string(), upper(input).as_deref()));
    }
    if input.peek(Token![:]) {
        let colon = here(input);
        input.parse::<Token![:]>()?;
        return Err(mistake::range_by_colon(colon, &first.to_string(), upper(input).as_deref()));
    }
    if !input.peek(Token![..]) {
        let is_size = matches!(&first.terms[..], [IndexTerm { negative: false, atom: IndexAtom::Access(_) }]);
        if !is_size {
            return Err(mistake::range_from_zero(first.loc, &first.to_string()));
        }
        return Ok(Range { loc: first.loc, low: None, high: first });
    }
    let dots = here(input);
    input.parse::<Token![..]>()?;
    if ends(input) || input.peek(Token![,]) {
        return Err(mistake::open_range(dots, &first.to_string()));
    }
    let high = index(input)?;
    Ok(Range { loc: first.loc.to(high.loc), low: Some(first), high })
}

/// `[index, …]` after an expression or a name.
pub fn subscripts(input: ParseStream) -> Parsed<(Loc, Vec<Index>)> {
    let (loc, inside) = brackets(input)?;
    if inside.is_empty() {
        return Err(mistake::empty_brackets(loc));
    }
    Ok((loc, list(&inside, index)?))
}

/// `term (± term)*`
pub fn index(input: ParseStream) -> Parsed<Index> {
    let mut terms = Vec::new();
    let mut negative = false;
    let (mut loc, first) = atom(input)?;
    terms.push(IndexTerm { negative, atom: first });
    while input.peek(Token![+]) || input.peek(Token![-]) {
        negative = input.peek(Token![-]);
        if negative {
            input.parse::<Token![-]>()?;
        } else {
            input.parse::<Token![+]>()?;
        }
        let (end, next) = atom(input)?;
        loc = loc.to(end);
        terms.push(IndexTerm { negative, atom: next });
    }
    if input.peek(Token![*]) || input.peek(Token![/]) || input.peek(Token![%]) || input.peek(Token![^]) {
        return Err(mistake::index_product(here(input), &found(input)));
    }
    Ok(Index { loc, terms })
}

fn atom(input: ParseStream) -> Parsed<(Loc, IndexAtom)> {
    // Before the number: to syn, `-1` is a literal.
    if input.peek(Token![-]) {
        return Err(mistake::negative_index(here(input)));
    }
    if input.peek(LitInt) {
        let literal: LitInt = input.parse()?;
        let value = integer(&literal)?;
        return Ok((literal.span().into(), IndexAtom::Int(value, literal.span())));
    }
    if input.peek(LitFloat) {
        return Err(mistake::fractional_index(here(input), &found(input)));
    }
    if input.peek(token::Paren) {
        return Err(mistake::parens_in_index(here(input)));
    }
    if input.peek(Token![..]) {
        return Err(mistake::slice(here(input)));
    }
    let access = access(input, "an index")?;
    Ok((access.loc, IndexAtom::Access(access)))
}

/// `name` or `name[index, …]`
pub fn access(input: ParseStream, what: &str) -> Parsed<Access> {
    let name = name(input, what)?;
    let mut access = Access { loc: name.span().into(), name, indices: Vec::new() };
    if input.peek(token::Bracket) {
        let (end, indices) = subscripts(input)?;
        access.loc = access.loc.to(end);
        access.indices = indices;
    }
    if input.peek(token::Bracket) {
        return Err(mistake::chained_index(here(input), &access.to_string()));
    }
    if input.peek(token::Paren) {
        return Err(expected(input, "an index, which holds no calls"));
    }
    Ok(access)
}

pub fn integer(literal: &LitInt) -> Parsed<u64> {
    if !literal.suffix().is_empty() {
        return Err(mistake::suffix(literal.span(), literal.base10_digits(), literal.suffix()));
    }
    literal.base10_parse().map_err(|_| mistake::number_out_of_range(literal.span(), &literal.to_string()))
}
