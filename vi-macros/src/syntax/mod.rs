//! Tokens in, syntax tree out. Nothing is resolved here: a name is an identifier, a size may be an index.

#[allow(dead_code, reason = "a node has the span of what was typed, whether or not a message points there")]
pub mod ast;
mod dist;
mod expr;
mod index;
mod parse;
mod print;
mod sections;
mod stream;
mod types;

use crate::report::Report;
use ast::Block;
use proc_macro2::TokenStream;

/// Reads the one block of a `model!`.
///
/// A statement that cannot be read is reported and left out, and the rest is read all the same; `None` if the header has no name or
/// there is no body. What was left out is missing for every later stage: show a report with mistakes of syntax before they speak.
pub fn parse(tokens: TokenStream, report: &mut Report) -> Option<Block> {
    parse::parse(tokens, report)
}
