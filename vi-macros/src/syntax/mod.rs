//! Tokens in, syntax tree out. Nothing is resolved here: a name is an identifier, a size may be an index.

pub mod ast;
