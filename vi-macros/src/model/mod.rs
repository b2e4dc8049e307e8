//! Syntax tree in, checked model out: names, sizes, types, coverage and aliasing are settled here.

pub mod ir;
