//! Expressions, by precedence climbing.

use super::index::{Binding, binds, integer, subscripts};
use super::stream::{
    Parsed, advance, any_word, brackets, closed, expected, found, here, list, name, parens, peek_word, word,
};
use crate::diagnostics::syntax as mistake;
use crate::report::Diagnostic;
use crate::syntax::ast::{Binary, Binders, Compare, Expr, ExprKind, Loc, Reducer, Unary};
use proc_macro2::{Delimiter, Group, TokenTree};
use syn::parse::{ParseStream, Parser};
use syn::{Lifetime, Lit, LitBool, LitChar, LitFloat, LitInt, Token, token};

/// How tightly an operator holds its operands, loosest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Or,
    And,
    Not,
    Compare,
    Add,
    Mul,
    Neg,
    Pow,
    Postfix,
}

impl Binary {
    pub fn level(self) -> Level {
        match self {
            Binary::Or => Level::Or,
            Binary::And => Level::And,
            Binary::Add | Binary::Sub => Level::Add,
            Binary::Mul | Binary::Div => Level::Mul,
            Binary::Pow => Level::Pow,
        }
    }

    /// The level an operand on the right must have: the next one, as operators lean left, except `^`.
    /// The right side of `^` may start with `-`, and being at that level it takes further powers itself.
    pub fn right_level(self) -> Level {
        match self {
            Binary::Or => Level::And,
            Binary::And => Level::Not,
            Binary::Add | Binary::Sub => Level::Mul,
            Binary::Mul | Binary::Div => Level::Neg,
            Binary::Pow => Level::Neg,
        }
    }
}

#[derive(Clone, Copy)]
enum Infix {
    Binary(Binary),
    Compare(Compare),
}

/// A whole expression.
pub fn expr(input: ParseStream) -> Parsed<Expr> {
    climb(input, Level::Or)
}

/// An expression without comparisons: a side of `constrain`.
pub fn sum(input: ParseStream) -> Parsed<Expr> {
    climb(input, Level::Add)
}

fn climb(input: ParseStream, floor: Level) -> Parsed<Expr> {
    let mut left = prefix(input, floor)?;
    let mut compared = false;
    loop {
        if let Some(mistake) = foreign_operator(input) {
            return Err(mistake);
        }
        let Some(op) = infix(input) else { return Ok(left) };
        let level = match op {
            Infix::Binary(op) => op.level(),
            Infix::Compare(_) => Level::Compare,
        };
        if level < floor {
            return Ok(left);
        }
        if compared && level == Level::Compare {
            return Err(mistake::chained_comparison(here(input)));
        }
        compared = level == Level::Compare;
        take_infix(input, op)?;
        let right = match op {
            Infix::Binary(op) => climb(input, op.right_level())?,
            Infix::Compare(_) => climb(input, Level::Add)?,
        };
        let loc = left.loc.to(right.loc);
        let (left_side, right_side) = (Box::new(left), Box::new(right));
        let kind = match op {
            Infix::Binary(op) => ExprKind::Binary(op, left_side, right_side),
            Infix::Compare(op) => ExprKind::Compare(op, left_side, right_side),
        };
        left = Expr { loc, kind };
    }
}

fn infix(input: ParseStream) -> Option<Infix> {
    if let Some(compare) = compare(input) {
        return Some(Infix::Compare(compare));
    }
    let op = match word(input).as_deref() {
        Some("or") => Binary::Or,
        Some("and") => Binary::And,
        Some(_) => return None,
        None if input.peek(Token![->]) => return None,
        None if input.peek(Token![+]) => Binary::Add,
        None if input.peek(Token![-]) => Binary::Sub,
        None if input.peek(Token![*]) => Binary::Mul,
        None if input.peek(Token![/]) => Binary::Div,
        None if input.peek(Token![^]) => Binary::Pow,
        None => return None,
    };
    Some(Infix::Binary(op))
}

pub fn compare(input: ParseStream) -> Option<Compare> {
    // Two marks before one: `<` also begins `<=`.
    if input.peek(Token![==]) {
        Some(Compare::Eq)
    } else if input.peek(Token![!=]) {
        Some(Compare::Ne)
    } else if input.peek(Token![<=]) {
        Some(Compare::Le)
    } else if input.peek(Token![>=]) {
        Some(Compare::Ge)
    } else if input.peek(Token![<]) {
        Some(Compare::Lt)
    } else if input.peek(Token![>]) {
        Some(Compare::Gt)
    } else {
        None
    }
}

pub fn take_compare(input: ParseStream, op: Compare) -> Parsed<Loc> {
    let loc = here(input);
    advance(input);
    match op {
        Compare::Eq | Compare::Ne | Compare::Le | Compare::Ge => advance(input),
        Compare::Lt | Compare::Gt => {}
    }
    Ok(loc)
}

fn take_infix(input: ParseStream, op: Infix) -> Parsed<()> {
    match op {
        Infix::Binary(_) => advance(input),
        Infix::Compare(op) => {
            take_compare(input, op)?;
        }
    }
    Ok(())
}

/// An operator of another language, after an operand: what to write instead.
fn foreign_operator(input: ParseStream) -> Option<Diagnostic> {
    let instead = if input.peek(Token![&&]) || input.peek(Token![&]) {
        "and"
    } else if input.peek(Token![||]) || input.peek(Token![|]) {
        "or"
    } else if input.peek(Token![*]) && input.peek2(Token![*]) {
        return Some(mistake::foreign_operator(here(input), "`**`", "^"));
    } else if input.peek(Lifetime) || input.peek(LitChar) {
        return Some(mistake::transpose_by_quote(here(input)));
    } else if input.peek(Token![?]) {
        return Some(mistake::if_expression(here(input)));
    } else if input.peek(Token![%]) {
        return Some(mistake::remainder(here(input)));
    } else if input.peek(Token![=]) && !input.peek(Token![==]) && !input.peek(Token![=>]) {
        if found(input) == "`=<`" { "<=" } else { "==" }
    } else {
        return None;
    };
    Some(mistake::foreign_operator(here(input), &found(input), instead))
}

fn prefix(input: ParseStream, floor: Level) -> Parsed<Expr> {
    let start = here(input);
    let (op, level) = if peek_word(input, "not") {
        if floor > Level::Not {
            return Err(mistake::not_inside_operator(start));
        }
        (Unary::Not, Level::Not)
    } else if input.peek(Token![-]) && !input.peek(Token![->]) {
        (Unary::Neg, Level::Neg)
    } else if input.peek(Token![!]) {
        return Err(mistake::foreign_operator(start, "`!`", "not"));
    } else {
        let operand = primary(input)?;
        return postfix(input, operand);
    };
    advance(input);
    let operand = climb(input, level)?;
    Ok(Expr { loc: start.to(operand.loc), kind: ExprKind::Unary(op, Box::new(operand)) })
}

/// `.t()` and `[index, …]`, any number of them.
fn postfix(input: ParseStream, mut operand: Expr) -> Parsed<Expr> {
    loop {
        if input.peek(token::Bracket) {
            let (end, indices) = subscripts(input)?;
            let loc = operand.loc.to(end);
            operand = Expr { loc, kind: ExprKind::Subscript(Box::new(operand), indices) };
        } else if input.peek(Token![.]) && !input.peek(Token![..]) {
            let end = transpose(input)?;
            operand = Expr { loc: operand.loc.to(end), kind: ExprKind::Transpose(Box::new(operand)) };
        } else if input.peek(token::Paren) {
            return Err(mistake::not_a_function(here(input)));
        } else {
            return Ok(operand);
        }
    }
}

fn transpose(input: ParseStream) -> Parsed<Loc> {
    input.parse::<Token![.]>()?;
    let at = here(input);
    let Some(method) = word(input) else { return Err(expected(input, "`t()` after the dot")) };
    any_word(input)?;
    if !["t", "T", "transpose"].contains(&method.as_str()) {
        return Err(mistake::unknown_method(at, &method));
    }
    if method != "t" || !input.peek(token::Paren) {
        return Err(mistake::transpose_spelling(at, &method));
    }
    let (end, inside) = parens(input)?;
    closed(&inside)?;
    Ok(end)
}

fn primary(input: ParseStream) -> Parsed<Expr> {
    let start = here(input);
    // First, as the questions below look through such a group at what is in it.
    if let Some((TokenTree::Group(group), _)) = input.cursor().token_tree()
        && group.delimiter() == Delimiter::None
    {
        advance(input);
        return fragment(group);
    }
    if input.peek(Lit) {
        return number(input);
    }
    if input.peek(token::Paren) {
        return parenthesised(input);
    }
    if input.peek(token::Bracket) {
        return vector(input);
    }
    let Some(word) = word(input) else { return Err(expected(input, "an expression")) };
    match word.as_str() {
        "if" => return Err(mistake::if_expression(start)),
        "match" => return Err(mistake::match_expression(start)),
        "and" | "or" | "in" | "for" => return Err(expected(input, "an expression")),
        _ => {}
    }
    if let Some(reducer) = reducer_of(&word)
        && input.peek2(token::Paren)
    {
        return reduction(input, reducer);
    }
    let name = name(input, "an expression")?;
    if !input.peek(token::Paren) {
        return Ok(Expr { loc: start, kind: ExprKind::Name(name) });
    }
    let (end, inside) = parens(input)?;
    let arguments = list(&inside, expr)?;
    Ok(Expr { loc: start.to(end), kind: ExprKind::Call(name, arguments) })
}

fn reducer_of(word: &str) -> Option<Reducer> {
    match word {
        "sum" => Some(Reducer::Sum),
        "prod" => Some(Reducer::Prod),
        "all" => Some(Reducer::All),
        "any" => Some(Reducer::Any),
        _ => None,
    }
}

fn number(input: ParseStream) -> Parsed<Expr> {
    let loc = here(input);
    let kind = if input.peek(LitInt) {
        ExprKind::Int(integer(&input.parse::<LitInt>()?)?)
    } else if input.peek(LitFloat) {
        let literal: LitFloat = input.parse()?;
        if !literal.suffix().is_empty() {
            return Err(mistake::suffix(literal.span(), literal.base10_digits(), literal.suffix()));
        }
        match literal.base10_parse::<f64>() {
            Ok(value) if value.is_finite() => ExprKind::Float(value),
            _ => return Err(mistake::number_out_of_range(literal.span(), &literal.to_string())),
        }
    } else if input.peek(LitBool) {
        ExprKind::Bool(input.parse::<LitBool>()?.value)
    } else {
        return Err(mistake::not_a_number(loc, &found(input)));
    };
    Ok(Expr { loc, kind })
}

fn parenthesised(input: ParseStream) -> Parsed<Expr> {
    let (loc, inside) = parens(input)?;
    let mut value = expr(&inside)?;
    if inside.peek(Token![,]) {
        return Err(mistake::tuple(here(&inside)));
    }
    complete(&inside)?;
    value.loc = loc;
    Ok(value)
}

/// `[a, b, c]` or `[e for k in K]`
fn vector(input: ParseStream) -> Parsed<Expr> {
    let (loc, inside) = brackets(input)?;
    if inside.is_empty() {
        return Err(mistake::empty_vector(loc));
    }
    let first = expr(&inside)?;
    if inside.peek(Token![for]) {
        let binders = generator(&inside)?;
        return Ok(Expr { loc, kind: ExprKind::Comprehension(Box::new(first), Box::new(binders)) });
    }
    let mut elements = vec![first];
    if inside.peek(Token![,]) {
        inside.parse::<Token![,]>()?;
        elements.extend(list(&inside, expr)?);
    } else {
        complete(&inside)?;
    }
    Ok(Expr { loc, kind: ExprKind::Vector(elements) })
}

/// `sum(e for k in K if cond)`
fn reduction(input: ParseStream, reducer: Reducer) -> Parsed<Expr> {
    let start = here(input);
    let word = any_word(input)?;
    let (end, inside) = parens(input)?;
    let loc = start.to(end);
    if inside.is_empty() {
        return Err(mistake::reduction_without_for(loc, &word.to_string()));
    }
    let body = expr(&inside)?;
    if inside.is_empty() || inside.peek(Token![,]) {
        return Err(mistake::reduction_without_for(loc, &word.to_string()));
    }
    if !inside.peek(Token![for]) {
        return Err(expected(&inside, "an operator or `for`"));
    }
    let binders = generator(&inside)?;
    Ok(Expr { loc, kind: ExprKind::Reduce(reducer, Box::new(body), Box::new(binders)) })
}

/// `for binds`, up to the closing bracket.
fn generator(inside: ParseStream) -> Parsed<Binders> {
    inside.parse::<Token![for]>()?;
    let binders = binds(inside, Binding::RangeOnly)?;
    if inside.peek(Token![for]) {
        return Err(mistake::nested_for(here(inside)));
    }
    if !inside.is_empty() {
        return Err(expected(inside, "`,`, `if` or the closing bracket"));
    }
    Ok(binders)
}

/// A fragment `$e:expr` of a macro of the user's own: one operand, whatever is in it.
fn fragment(group: Group) -> Parsed<Expr> {
    let mut read = None;
    let leftover = (|inside: ParseStream| {
        read = Some(expr(inside).and_then(|value| complete(inside).map(|()| value)));
        Ok(())
    })
    .parse2(group.stream());
    match (read, leftover) {
        (Some(read), _) => read,
        (None, Err(error)) => Err(error.into()),
        (None, Ok(())) => Err(mistake::expected(group.span(), "an expression", "nothing")),
    }
}

fn complete(inside: ParseStream) -> Parsed<()> {
    if inside.is_empty() { Ok(()) } else { Err(expected(inside, "an operator or the closing bracket")) }
}
