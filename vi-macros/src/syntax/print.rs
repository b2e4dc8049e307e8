//! The syntax tree back to text, in one canonical form that reads back to the same tree.
//!
//! A statement prints without its attributes, as it is quoted in messages; a block or a `for` prints those of the statements in it.

use super::ast::{
    Access, Arg, Arm, Binary, Bind, Binders, Block, Compare, Constrain, Decl, Dist, Expr, ExprKind,
    Factorize, FamilyCall, For, Form, Group, GroupVar, Hyper, Index, IndexAtom, Init, InitEntry, Item, Let,
    Over, Pat, Range, Reducer, Role, SimplexDim, Type, TypeKind, Unary,
};
use super::expr::Level;
use quote::ToTokens;
use std::fmt::{Display, Formatter, Result};
use syn::{Attribute, Lit, Meta, Visibility};

const INDENT: &str = "    ";

impl Display for Block {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        attributes(f, &self.attrs, "")?;
        if self.exact.is_some() {
            writeln!(f, "#[exact]")?;
        }
        match &self.vis {
            Visibility::Public(_) => write!(f, "pub ")?,
            Visibility::Restricted(to) => {
                let path = to.path.to_token_stream().to_string().replace(' ', "");
                let in_word = if to.in_token.is_some() { "in " } else { "" };
                write!(f, "pub({in_word}{path}) ")?;
            }
            Visibility::Inherited => {}
        }
        write!(f, "mod {}", self.name)?;
        if !self.hypers.is_empty() {
            write!(f, "({})", List(&self.hypers))?;
        }
        writeln!(f, " {{")?;
        items(f, &self.items, INDENT)?;
        write!(f, "}}")
    }
}

impl Display for Hyper {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Hyper::Size { name, default: None } => write!(f, "{name}"),
            Hyper::Size { name, default: Some(default) } => write!(f, "{name} = {default}"),
            Hyper::Constant { name, ty, default: None } => write!(f, "{name}: {ty}"),
            Hyper::Constant { name, ty, default: Some(default) } => write!(f, "{name}: {ty} = {default}"),
        }
    }
}

fn attributes(f: &mut Formatter<'_>, attrs: &[Attribute], indent: &str) -> Result {
    for attr in attrs {
        match doc_line(attr) {
            Some(line) => writeln!(f, "{indent}///{line}")?,
            None => writeln!(f, "{indent}{}", attr.to_token_stream())?,
        }
    }
    Ok(())
}

/// The text of a one-line doc comment. One over several lines is written as an attribute, so that it stays one.
fn doc_line(attr: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attr.meta else { return None };
    let syn::Expr::Lit(value) = &pair.value else { return None };
    let Lit::Str(text) = &value.lit else { return None };
    let text = text.value();
    // `////` begins a plain comment, and a line of nothing but a carriage return is not one.
    let plain = !text.contains(['\n', '\r']) && !text.starts_with('/');
    (pair.path.is_ident("doc") && plain).then_some(text)
}

fn items(f: &mut Formatter<'_>, items: &[Item], indent: &str) -> Result {
    for item in items {
        let attrs = match item {
            Item::Decl(decl) => &decl.attrs,
            Item::For(each) => &each.attrs,
            Item::Let(value) => &value.attrs,
            Item::Constrain(constraint) => &constraint.attrs,
            Item::Factorize(section) => &section.attrs,
            Item::Init(section) => &section.attrs,
        };
        attributes(f, attrs, indent)?;
        write!(f, "{indent}")?;
        match item {
            Item::For(each) => for_loop(f, each, indent)?,
            Item::Decl(decl) => write!(f, "{decl}")?,
            Item::Let(value) => write!(f, "{value}")?,
            Item::Constrain(constraint) => write!(f, "{constraint}")?,
            Item::Factorize(section) => write!(f, "{section}")?,
            Item::Init(section) => write!(f, "{section}")?,
        }
        writeln!(f)?;
    }
    Ok(())
}

fn for_loop(f: &mut Formatter<'_>, each: &For, indent: &str) -> Result {
    write!(f, "for {}", List(&each.binds))?;
    if let Some(guard) = &each.guard {
        write!(f, " if {guard}")?;
    }
    if let Some(count) = &each.repeat {
        write!(f, " repeat {count}")?;
    }
    writeln!(f, " {{")?;
    items(f, &each.items, &format!("{indent}{INDENT}"))?;
    write!(f, "{indent}}}")
}

impl Display for For {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for_loop(f, self, "")
    }
}

impl Display for Item {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Item::Decl(decl) => decl.fmt(f),
            Item::For(each) => each.fmt(f),
            Item::Let(value) => value.fmt(f),
            Item::Constrain(constraint) => constraint.fmt(f),
            Item::Factorize(section) => section.fmt(f),
            Item::Init(section) => section.fmt(f),
        }
    }
}

impl Display for Role {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Role::Observed => "observed",
            Role::Given => "given",
            Role::Latent => "latent",
            Role::Param => "param",
        })
    }
}

impl Display for Decl {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{} {}", self.role, self.name)?;
        brackets(f, self.binders.as_ref())?;
        if let Some(ty) = &self.ty {
            write!(f, ": {ty}")?;
        }
        if self.missing.is_some() {
            write!(f, "?")?;
        }
        if let Some(dist) = &self.dist {
            write!(f, " ~ {dist}")?;
        }
        write!(f, ";")
    }
}

impl Display for Let {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "let {}", self.name)?;
        brackets(f, self.binders.as_ref())?;
        if let Some(ty) = &self.ty {
            write!(f, ": {ty}")?;
        }
        write!(f, " = {};", self.value)
    }
}

impl Display for Constrain {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "constrain {}", Operand(&self.first, Level::Add))?;
        for (op, _, side) in &self.rest {
            write!(f, " {op} {}", Operand(side, Level::Add))?;
        }
        write!(f, ";")
    }
}

impl Display for Factorize {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "factorize {{ ")?;
        for group in &self.groups {
            write!(f, "{group} ")?;
        }
        write!(f, "}}")
    }
}

impl Display for Group {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "q({})", List(&self.vars))?;
        if let Some((form, _)) = self.form {
            write!(f, ": {form}")?;
        }
        write!(f, ";")
    }
}

impl Display for GroupVar {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self.over {
            None => write!(f, "{}", self.name),
            Some(Over::Joint) => write!(f, "{}[..]", self.name),
            Some(Over::Each) => write!(f, "{}[each]", self.name),
        }
    }
}

impl Display for Form {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Form::Point => "Point",
            Form::Exact => "Exact",
            Form::Gaussian => "Gaussian",
            Form::Diagonal => "Diagonal",
            Form::Laplace => "Laplace",
        })
    }
}

impl Display for Init {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "init {{ ")?;
        for entry in &self.entries {
            write!(f, "{entry} ")?;
        }
        write!(f, "}}")
    }
}

impl Display for InitEntry {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}", self.name)?;
        brackets(f, self.binders.as_ref())?;
        write!(f, " = {};", self.value)
    }
}

fn brackets(f: &mut Formatter<'_>, binders: Option<&Binders>) -> Result {
    match binders {
        Some(binders) => write!(f, "[{binders}]"),
        None => Ok(()),
    }
}

impl Display for Binders {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}", List(&self.binds))?;
        match &self.guard {
            Some(guard) => write!(f, " if {guard}"),
            None => Ok(()),
        }
    }
}

impl Display for Bind {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Bind::In { name, range } => write!(f, "{name} in {range}"),
            Bind::At(index) => write!(f, "{index}"),
        }
    }
}

impl Display for Range {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match &self.low {
            Some(low) => write!(f, "{low}..{}", self.high),
            None => write!(f, "{}", self.high),
        }
    }
}

impl Display for Index {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for (position, term) in self.terms.iter().enumerate() {
            match (term.negative, position) {
                (true, _) => write!(f, "-")?,
                (false, 0) => {}
                (false, _) => write!(f, "+")?,
            }
            match &term.atom {
                IndexAtom::Int(value, _) => write!(f, "{value}")?,
                IndexAtom::Access(access) => write!(f, "{access}")?,
            }
        }
        Ok(())
    }
}

impl Display for Access {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}", self.name)?;
        if !self.indices.is_empty() {
            write!(f, "[{}]", List(&self.indices))?;
        }
        Ok(())
    }
}

impl Display for Dist {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Dist::Family(call) => call.fmt(f),
            Dist::Match { on, arms, .. } if arms.is_empty() => write!(f, "match {on} {{}}"),
            Dist::Match { on, arms, .. } => write!(f, "match {on} {{ {} }}", List(arms)),
        }
    }
}

impl Display for Arm {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{} => {}", self.pat, self.dist)
    }
}

impl Display for Pat {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Pat::True => write!(f, "true"),
            Pat::False => write!(f, "false"),
            Pat::Int(value) => write!(f, "{value}"),
            Pat::Wild => write!(f, "_"),
        }
    }
}

impl Display for FamilyCall {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}({})", self.name, List(&self.args))
    }
}

impl Display for Arg {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match &self.name {
            Some(name) => write!(f, "{name}: {}", self.value),
            None => self.value.fmt(f),
        }
    }
}

impl Display for Type {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.kind.fmt(f)?;
        match (&self.min, &self.max) {
            (None, None) => Ok(()),
            (Some(min), None) => write!(f, "(min: {min})"),
            (None, Some(max)) => write!(f, "(max: {max})"),
            (Some(min), Some(max)) => write!(f, "(min: {min}, max: {max})"),
        }
    }
}

impl Display for TypeKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            TypeKind::Real => write!(f, "Real"),
            TypeKind::Positive => write!(f, "Positive"),
            TypeKind::Unit => write!(f, "Unit"),
            TypeKind::Bool => write!(f, "Bool"),
            TypeKind::Count => write!(f, "Count"),
            TypeKind::Category(size) => write!(f, "Category[{size}]"),
            TypeKind::Simplex(SimplexDim::Dim(size)) => write!(f, "Simplex[{size}]"),
            TypeKind::Simplex(SimplexDim::Bind(binders)) => write!(f, "Simplex[{binders}]"),
            TypeKind::Ordered(size) => write!(f, "Ordered[{size}]"),
            TypeKind::Vector(size) => write!(f, "Vector[{size}]"),
            TypeKind::Matrix(rows, columns) => write!(f, "Matrix[{rows}, {columns}]"),
            TypeKind::SymPos(size) => write!(f, "SymPos[{size}]"),
        }
    }
}

impl Display for Compare {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Compare::Eq => "==",
            Compare::Ne => "!=",
            Compare::Lt => "<",
            Compare::Le => "<=",
            Compare::Gt => ">",
            Compare::Ge => ">=",
        })
    }
}

impl Display for Binary {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Binary::Or => "or",
            Binary::And => "and",
            Binary::Add => "+",
            Binary::Sub => "-",
            Binary::Mul => "*",
            Binary::Div => "/",
            Binary::Pow => "^",
        })
    }
}

impl Display for Reducer {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Reducer::Sum => "sum",
            Reducer::Prod => "prod",
            Reducer::All => "all",
            Reducer::Any => "any",
        })
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match &self.kind {
            ExprKind::Int(value) => write!(f, "{value}"),
            // `Debug` keeps the point or the exponent, so that the number reads back as a float.
            ExprKind::Float(value) => write!(f, "{value:?}"),
            ExprKind::Bool(value) => write!(f, "{value}"),
            ExprKind::Name(name) => write!(f, "{name}"),
            ExprKind::Unary(Unary::Not, of) => write!(f, "not {}", Operand(of, Level::Not)),
            // Two signs in a row are hard to read.
            ExprKind::Unary(Unary::Neg, of) => match of.kind {
                ExprKind::Unary(Unary::Neg, _) => write!(f, "-({of})"),
                _ => write!(f, "-{}", Operand(of, Level::Neg)),
            },
            ExprKind::Binary(Binary::Pow, base, exponent) => {
                let (base, exponent) =
                    (Operand(base, Level::Postfix), Operand(exponent, Binary::Pow.right_level()));
                write!(f, "{base}^{exponent}")
            }
            ExprKind::Binary(op, left, right) => {
                write!(f, "{} {op} {}", Operand(left, op.level()), Operand(right, op.right_level()))
            }
            ExprKind::Compare(op, left, right) => {
                write!(f, "{} {op} {}", Operand(left, Level::Add), Operand(right, Level::Add))
            }
            ExprKind::Transpose(of) => write!(f, "{}.t()", Operand(of, Level::Postfix)),
            ExprKind::Subscript(of, indices) => {
                write!(f, "{}[{}]", Operand(of, Level::Postfix), List(indices))
            }
            ExprKind::Call(name, arguments) => write!(f, "{name}({})", List(arguments)),
            ExprKind::Vector(elements) => write!(f, "[{}]", List(elements)),
            ExprKind::Comprehension(of, binders) => write!(f, "[{of} for {binders}]"),
            ExprKind::Reduce(reducer, of, binders) => write!(f, "{reducer}({of} for {binders})"),
        }
    }
}

/// An operand, in parentheses if it holds looser than the place asks for.
struct Operand<'a>(&'a Expr, Level);

impl Display for Operand<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Operand(expr, floor) = self;
        if level(expr) < *floor { write!(f, "({expr})") } else { write!(f, "{expr}") }
    }
}

fn level(expr: &Expr) -> Level {
    match &expr.kind {
        ExprKind::Unary(Unary::Not, _) => Level::Not,
        ExprKind::Unary(Unary::Neg, _) => Level::Neg,
        ExprKind::Binary(op, ..) => op.level(),
        ExprKind::Compare(..) => Level::Compare,
        ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Bool(_)
        | ExprKind::Name(_)
        | ExprKind::Transpose(_)
        | ExprKind::Subscript(..)
        | ExprKind::Call(..)
        | ExprKind::Vector(_)
        | ExprKind::Comprehension(..)
        | ExprKind::Reduce(..) => Level::Postfix,
    }
}

struct List<'a, T>(&'a [T]);

impl<T: Display> Display for List<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for (position, item) in self.0.iter().enumerate() {
            let separator = if position == 0 { "" } else { ", " };
            write!(f, "{separator}{item}")?;
        }
        Ok(())
    }
}
