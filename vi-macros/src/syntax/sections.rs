//! The two sections of a block that are lists themselves: `factorize` and `init`.

use super::expr::expr;
use super::index::binders;
use super::stream::{
    Parsed, any_word, braces, brackets, closed, expected, found, here, list, name, no_semicolon, parens,
    peek_word, semicolon, statements, word,
};
use crate::diagnostics::syntax as mistake;
use crate::report::Report;
use crate::syntax::ast::{Factorize, Form, Group, GroupVar, Init, InitEntry, Over};
use proc_macro2::Span;
use syn::parse::ParseStream;
use syn::{Attribute, Token, token};

/// `{ q(a, b[..]): Form; … }` after the word `factorize`.
pub fn factorize(
    input: ParseStream,
    attrs: Vec<Attribute>,
    span: Span,
    report: &mut Report,
) -> Parsed<Factorize> {
    if !input.peek(token::Brace) {
        return Err(expected(input, "`{` after `factorize`"));
    }
    let (_, inside) = braces(input)?;
    let groups = statements(&inside, report, group_begins, |input, report| group(input, report).map(Some));
    no_semicolon(input, report, "the `}` of `factorize`")?;
    Ok(Factorize { attrs, span, groups })
}

fn group_begins(input: ParseStream) -> bool {
    peek_word(input, "q") && input.peek2(token::Paren)
}

fn group(input: ParseStream, report: &mut Report) -> Parsed<Group> {
    let start = here(input);
    if !peek_word(input, "q") {
        return Err(mistake::not_a_group(start, &found(input)));
    }
    any_word(input)?;
    if !input.peek(token::Paren) {
        return Err(expected(input, "`(` after `q`"));
    }
    let (parens, inside) = parens(input)?;
    if inside.is_empty() {
        return Err(mistake::empty_group(parens));
    }
    let vars = list(&inside, group_var)?;
    let mut loc = start.to(parens);
    let mut read = None;
    if input.peek(Token![:]) {
        input.parse::<Token![:]>()?;
        let at = here(input);
        let Some(form) = word(input).as_deref().and_then(form_of) else {
            return Err(mistake::unknown_form(at, &found(input)));
        };
        any_word(input)?;
        loc = loc.to(at);
        read = Some((form, at.start));
    }
    if let Some(end) = semicolon(input, report, group_begins, "the group")? {
        loc = loc.to(end);
    }
    Ok(Group { loc, vars, form: read })
}

/// The words for the form of q, as they are written.
pub const FORMS: &[(&str, Form)] = &[
    ("Point", Form::Point),
    ("Exact", Form::Exact),
    ("Gaussian", Form::Gaussian),
    ("Diagonal", Form::Diagonal),
    ("Laplace", Form::Laplace),
];

fn form_of(word: &str) -> Option<Form> {
    FORMS.iter().find(|(written, _)| *written == word).map(|(_, form)| *form)
}

/// `a`, `a[..]` or `a[each]`
fn group_var(input: ParseStream) -> Parsed<GroupVar> {
    let name = name(input, "a latent")?;
    if !input.peek(token::Bracket) {
        return Ok(GroupVar { name, over: None });
    }
    let (loc, inside) = brackets(input)?;
    let over = if inside.peek(Token![..]) && !inside.peek(Token![..=]) {
        inside.parse::<Token![..]>()?;
        Over::Joint
    } else if peek_word(&inside, "each") {
        any_word(&inside)?;
        Over::Each
    } else {
        return Err(mistake::group_subscript(loc, &name.to_string()));
    };
    closed(&inside)?;
    Ok(GroupVar { name, over: Some(over) })
}

/// `{ name[binds] = value; … }` after the word `init`.
pub fn init(input: ParseStream, attrs: Vec<Attribute>, span: Span, report: &mut Report) -> Parsed<Init> {
    if !input.peek(token::Brace) {
        return Err(expected(input, "`{` after `init`"));
    }
    let (_, inside) = braces(input)?;
    let entries = statements(&inside, report, entry_begins, |input, report| entry(input, report).map(Some));
    no_semicolon(input, report, "the `}` of `init`")?;
    Ok(Init { attrs, span, entries })
}

fn entry_begins(input: ParseStream) -> bool {
    let plain = input.peek2(Token![=]) && !input.peek2(Token![==]);
    let indexed = input.peek2(token::Bracket) && input.peek3(Token![=]) && !input.peek3(Token![==]);
    input.peek(syn::Ident) && (plain || indexed)
}

fn entry(input: ParseStream, report: &mut Report) -> Parsed<InitEntry> {
    let start = here(input);
    let name = name(input, "a name")?;
    let binders = binders(input)?;
    if input.peek(Token![~]) {
        return Err(mistake::random_start(here(input), &name.to_string()));
    }
    if !input.peek(Token![=]) {
        return Err(expected(input, "`=` and where it starts"));
    }
    input.parse::<Token![=]>()?;
    let value = expr(input)?;
    let after = format!("the start of {}", mistake::quoted(&name.to_string()));
    let end = semicolon(input, report, entry_begins, &after)?;
    let loc = start.to(end.unwrap_or(value.loc));
    Ok(InitEntry { loc, name, binders, value })
}
