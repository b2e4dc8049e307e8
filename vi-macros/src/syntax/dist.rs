//! What follows `~`: a family with its arguments, or a choice between families.

use super::expr::expr;
use super::index::integer;
use super::stream::{Parsed, any_word, braces, comma, expected, here, list, name, parens};
use crate::diagnostics::syntax as mistake;
use crate::syntax::ast::{Arg, Arm, Dist, FamilyCall, Loc, Pat};
use proc_macro2::Span;
use syn::parse::ParseStream;
use syn::{LitBool, LitInt, Token, token};

pub fn dist(input: ParseStream) -> Parsed<Dist> {
    if input.peek(Token![match]) {
        return choice(input);
    }
    if input.peek(Token![if]) {
        return Err(mistake::if_distribution(here(input)));
    }
    let name = name(input, "a distribution")?;
    if !input.peek(token::Paren) {
        return Err(mistake::family_without_arguments(here(input), &name.to_string()));
    }
    let (end, inside) = parens(input)?;
    let args = list(&inside, arg)?;
    Ok(Dist::Family(FamilyCall { loc: Loc::from(name.span()).to(end), name, args }))
}

/// `(Ident ":")? expr`
fn arg(input: ParseStream) -> Parsed<Arg> {
    if !input.peek(syn::Ident) {
        return Ok(Arg { name: None, value: expr(input)? });
    }
    if input.peek2(Token![=]) && !input.peek2(Token![==]) {
        let name = any_word(input)?;
        return Err(mistake::argument_by_equals(here(input), &name.to_string()));
    }
    if !input.peek2(Token![:]) || input.peek2(Token![::]) {
        return Ok(Arg { name: None, value: expr(input)? });
    }
    let name = name(input, "an argument")?;
    input.parse::<Token![:]>()?;
    Ok(Arg { name: Some(name), value: expr(input)? })
}

/// `match cond { (pat => dist ,?)* }`
fn choice(input: ParseStream) -> Parsed<Dist> {
    let span = input.parse::<Token![match]>()?.span;
    let on = expr(input)?;
    if !input.peek(token::Brace) {
        return Err(expected(input, "`{` after what is matched"));
    }
    let (_, inside) = braces(input)?;
    let mut arms = Vec::new();
    while !inside.is_empty() {
        arms.push(arm(&inside)?);
        let closing = inside.is_empty() || pattern_begins(&inside);
        if inside.peek(Token![,]) || !closing {
            comma(&inside)?;
        }
    }
    Ok(Dist::Match { span, on, arms })
}

fn arm(input: ParseStream) -> Parsed<Arm> {
    let (pat, pat_span) = pattern(input)?;
    if input.peek(Token![|]) {
        return Err(mistake::alternative_patterns(here(input)));
    }
    if !input.peek(Token![=>]) {
        return Err(expected(input, "`=>` after the pattern"));
    }
    input.parse::<Token![=>]>()?;
    Ok(Arm { pat, pat_span, dist: dist(input)? })
}

fn pattern_begins(input: ParseStream) -> bool {
    input.peek(LitBool) || input.peek(LitInt) || input.peek(Token![_])
}

fn pattern(input: ParseStream) -> Parsed<(Pat, Span)> {
    if input.peek(LitBool) {
        let literal: LitBool = input.parse()?;
        let pat = if literal.value { Pat::True } else { Pat::False };
        return Ok((pat, literal.span));
    }
    if input.peek(LitInt) && !input.peek(Token![-]) {
        let literal: LitInt = input.parse()?;
        return Ok((Pat::Int(integer(&literal)?), literal.span()));
    }
    if input.peek(Token![_]) {
        return Ok((Pat::Wild, input.parse::<Token![_]>()?.span));
    }
    Err(expected(input, "`true`, `false`, a number or `_`"))
}
