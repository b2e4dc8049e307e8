//! The checked model: names are numbers, types are known, boxes are covered, and every index says what it counts.
//!
//! Everything is an array: header constants, data, parameters and latents differ only in [`Role`], which is a property of a *piece* of an array.
//! The axes of an array are its plates followed by the event axes of its element (`mean[k in K]: Vector[D]` has axes K and D).

use crate::families::Family;
use crate::syntax::ast::{Binary, Compare, Form, Loc, Over, Reducer, Unary};
use proc_macro2::Ident;
use syn::{Attribute, Visibility};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub usize);
    )*};
}

ids! {
    /// A size: K, N, or the ragged T of `T[s]`. Index into [`Model::sizes`].
    SizeId,
    /// Anything with elements. Index into [`Model::arrays`].
    ArrayId,
    /// A bound index, unique in the whole model: two statements that both write `n in N` bind two of them. Index into [`Model::indices`].
    IndexId,
    /// Index into [`Model::statements`].
    StatementId,
    /// Index into [`Model::lets`].
    LetId,
}

#[derive(Clone, Debug)]
pub struct Model {
    pub attrs: Vec<Attribute>,
    pub exact: Option<Loc>,
    pub vis: Visibility,
    pub name: Ident,
    pub sizes: Vec<Size>,
    pub arrays: Vec<Array>,
    pub indices: Vec<IndexVar>,
    /// In source order. `order` is the order of dependence.
    pub statements: Vec<Statement>,
    pub lets: Vec<Let>,
    pub constraints: Vec<Constraint>,
    pub groups: Vec<Group>,
    pub init: Vec<Init>,
    /// A topological order of the statements: whatever a statement reads was declared by an earlier one, or by an earlier element of itself.
    pub order: Vec<StatementId>,
    /// Latents of no finite type that are integrated out in every state of their unit: known once there is a plan.
    pub integrated: Vec<ArrayId>,
    /// Whether laws that one element of a chain is drawn from take turns with the chain: set where together they have no code.
    pub laws_apart: bool,
    /// Latents whose Gaussians are eliminated unit by unit: empty until there is a plan.
    pub unit_normals: Vec<ArrayId>,
    /// Of each of them, how many of its plates are those of the units; the others are inside one unit.
    pub unit_plates: Vec<usize>,
}

#[derive(Clone, Debug)]
pub struct Size {
    pub name: Ident,
    /// For ragged `T[s]`: the sizes its subscripts range over, here [S].
    pub over: Vec<SizeId>,
    /// Every place the size can be read off, in order of preference. Never empty in a checked model.
    pub sources: Vec<SizeSource>,
}

#[derive(Clone, Debug)]
pub enum SizeSource {
    /// A field of `Model`, with its default if it has one (`K = 3`, `R = W + 1`).
    Header { default: Option<Index> },
    /// The extent of an axis of an observed or given array: `axis` counts plates, then event axes. The size is extent + `offset`.
    Axis { array: ArrayId, axis: usize, offset: i64 },
    /// The extent of an axis of a header constant or of a param (from `params` or a start).
    Value { array: ArrayId, axis: usize },
    /// 1 + the largest value over all these given Category arrays; used only when nothing else is there.
    LargestCategory { arrays: Vec<ArrayId> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// A constant of the header.
    Const,
    Given,
    Observed,
    Latent,
    Param,
}

#[derive(Clone, Debug)]
pub struct Array {
    pub name: Ident,
    /// The user's doc comments on its declarations.
    pub docs: Vec<Attribute>,
    /// Plate axes, outermost first. The extent of a ragged axis reads the positions of earlier axes through [`IndexTerm::Axis`].
    pub plates: Vec<Extent>,
    pub elem: Elem,
    /// Declared with `?`: elements may be missing.
    pub missing: bool,
    /// The latent whose values these are, where it has any.
    pub data_of: Option<ArrayId>,
    /// Declared over `a <= b` with both of one size: `B[i, j]` reads `B[min, max]`.
    pub symmetric: bool,
    /// The statements that declare it, in source order. A header constant has none.
    pub pieces: Vec<StatementId>,
    /// The role all pieces share, or the role of the first one; ask the piece where it matters.
    pub role: Role,
    /// Default of a header constant.
    pub default: Option<Expr>,
}

/// The length of an axis.
#[derive(Clone, Debug)]
pub struct Extent {
    /// What its indices are compared by.
    pub nominal: Nominal,
    /// The number of elements counted from 0, such as `K`, `K - 1`, `T[s]`, `3`.
    pub length: Index,
}

/// Two indices may meet only if they count the same thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Nominal {
    Literal(u64),
    Size(SizeId),
}

/// The type of one element, with its bounds.
#[derive(Clone, Debug)]
pub struct Elem {
    pub kind: ElemKind,
    pub min: Option<Expr>,
    pub max: Option<Expr>,
    /// Of `Simplex[k in K if …]`: which components there are; the others are structural zeros.
    pub cells: Option<Cells>,
}

impl Elem {
    /// Whether its numbers have bounds, their type's own included.
    pub fn is_bounded(&self) -> bool {
        self.min.is_some() || self.max.is_some() || matches!(self.kind, ElemKind::Positive | ElemKind::Unit)
    }
}

/// A component is there where the guard holds.
#[derive(Clone, Debug)]
pub struct Cells {
    pub loc: Loc,
    pub guard: Expr,
}

#[derive(Clone, Debug)]
pub enum ElemKind {
    Real,
    Positive,
    Unit,
    Bool,
    Count,
    /// Counts over one index that are drawn together: the value of a Multinomial.
    Counts(Extent),
    /// Its extent is the number of categories; it is not an axis of the array.
    Category(Extent),
    Simplex(Extent),
    Ordered(Extent),
    Vector(Extent),
    Matrix(Extent, Extent),
    SymPos(Extent),
}

impl ElemKind {
    /// Event axes, in order. A SymPos has two.
    pub fn axes(&self) -> Vec<&Extent> {
        match self {
            ElemKind::Real
            | ElemKind::Positive
            | ElemKind::Unit
            | ElemKind::Bool
            | ElemKind::Count
            | ElemKind::Category(_) => vec![],
            ElemKind::Counts(d) | ElemKind::Simplex(d) | ElemKind::Ordered(d) | ElemKind::Vector(d) => {
                vec![d]
            }
            ElemKind::Matrix(r, c) => vec![r, c],
            ElemKind::SymPos(d) => vec![d, d],
        }
    }

    pub fn is_finite(&self) -> bool {
        matches!(self, ElemKind::Bool | ElemKind::Category(_))
    }

    /// The type of one element, read in an expression.
    pub fn value_type(&self) -> Type {
        match self {
            ElemKind::Real => Type::Real,
            ElemKind::Positive => Type::Positive,
            ElemKind::Unit => Type::Unit,
            ElemKind::Bool => Type::Bool,
            ElemKind::Count => Type::Count,
            ElemKind::Category(d) => Type::Index(d.nominal),
            ElemKind::Simplex(d) => Type::Simplex(d.clone()),
            ElemKind::Ordered(d) => Type::Ordered(d.clone()),
            ElemKind::Counts(d) | ElemKind::Vector(d) => Type::Vector(d.clone()),
            ElemKind::Matrix(r, c) => Type::Matrix(r.clone(), c.clone()),
            ElemKind::SymPos(d) => Type::SymPos(d.clone()),
        }
    }
}

/// A bound index.
#[derive(Clone, Debug)]
pub struct IndexVar {
    pub name: Ident,
    pub nominal: Nominal,
    /// `low ≤ i < high`
    pub low: Index,
    pub high: Index,
}

/// An affine index expression: Σ coefficient · term + offset.
#[derive(Clone, Debug)]
pub struct Index {
    pub loc: Loc,
    pub terms: Vec<(i64, IndexTerm)>,
    pub offset: i64,
}

#[derive(Clone, Debug)]
pub enum IndexTerm {
    Bound(IndexId),
    /// A size; its subscripts if it is ragged.
    Size(SizeId, Vec<Index>),
    /// The value of a Category, Bool or Count element: `z[n]`, `item[r]`.
    Read(Access),
    /// In an [`Extent`] only: the position along an earlier plate axis of the same array.
    Axis(usize),
}

/// An element, or a slice when the trailing axes are left out: `mean[k]` is a vector, `mean[k][d]` its component.
#[derive(Clone, Debug)]
pub struct Access {
    pub loc: Loc,
    pub array: ArrayId,
    /// Plates first, then event axes; never longer than the rank.
    pub indices: Vec<Index>,
}

/// A role for a box of elements of one array, and their distribution.
#[derive(Clone, Debug)]
pub struct Statement {
    pub id: StatementId,
    pub loc: Loc,
    /// Counted from the first line of the block, which is 1.
    pub line: usize,
    pub role: Role,
    pub array: ArrayId,
    /// All indices in scope, outermost first: those of enclosing `for`s, then its own.
    pub binds: Vec<IndexId>,
    /// One index expression for each plate axis of the array: a bound index, or a fixed position.
    pub target: Vec<Index>,
    /// Conjunction. Includes the guards of enclosing `for`s, and for fixed positions the guard that they exist.
    pub guards: Vec<Expr>,
    /// `repeat c` of every enclosing `for`.
    pub repeat: Vec<Access>,
    /// Absent for `given`, and for a `param` without prior.
    pub dist: Option<Dist>,
}

#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "a match is rare, and a statement has one of them")]
pub enum Dist {
    Family(FamilyCall),
    Match { on: Expr, arms: Vec<Arm> },
}

#[derive(Clone, Debug)]
pub struct Arm {
    /// The values this arm covers are those of the pattern, less those of earlier arms. Bool: 0 or 1. `None` is `_`.
    pub value: Option<u64>,
    pub call: FamilyCall,
}

#[derive(Clone, Debug)]
pub struct FamilyCall {
    pub loc: Loc,
    pub family: &'static Family,
    /// The identifier as typed: its span is re-emitted.
    pub name: Ident,
    /// By canonical argument name (`mean`, `var`, `sd`, `prec`, …), in signature order; exactly those given.
    pub args: Vec<(&'static str, Expr)>,
    pub min: Option<Expr>,
    pub max: Option<Expr>,
}

impl FamilyCall {
    pub fn arg(&self, name: &str) -> Option<&Expr> {
        self.args.iter().find(|(n, _)| *n == name).map(|(_, e)| e)
    }
}

/// What an expression's value is.
#[derive(Clone, Debug)]
pub enum Type {
    /// A number with a sign: literals narrow to the smallest that fits.
    Real,
    Positive,
    Unit,
    Count,
    Bool,
    /// An index or a category, and what it counts.
    Index(Nominal),
    Simplex(Extent),
    Ordered(Extent),
    Vector(Extent),
    Matrix(Extent, Extent),
    SymPos(Extent),
    /// A vector literal: takes the size its place asks for.
    Literal(usize),
}

impl Model {
    /// Whether data may say what elements of a latent are.
    pub fn is_known_in_part(&self, a: ArrayId) -> bool {
        self.arrays[a.0].missing || self.arrays.iter().any(|x| x.data_of == Some(a))
    }

    /// Whether a statement says what is known of a latent.
    pub fn says_what_is_known(&self, s: StatementId) -> bool {
        self.arrays[self.statements[s.0].array.0].data_of.is_some()
    }
}

impl Type {
    pub fn is_scalar(&self) -> bool {
        match self {
            Type::Real | Type::Positive | Type::Unit | Type::Count | Type::Bool | Type::Index(_) => true,
            Type::Simplex(_)
            | Type::Ordered(_)
            | Type::Vector(_)
            | Type::Matrix(..)
            | Type::SymPos(_)
            | Type::Literal(_) => false,
        }
    }

    pub fn is_finite(&self) -> bool {
        matches!(self, Type::Bool | Type::Index(_))
    }

    /// The extents of its axes, outermost first; a literal has none of its own.
    pub fn axes(&self) -> Vec<&Extent> {
        match self {
            Type::Real
            | Type::Positive
            | Type::Unit
            | Type::Count
            | Type::Bool
            | Type::Index(_)
            | Type::Literal(_) => vec![],
            Type::Simplex(d) | Type::Ordered(d) | Type::Vector(d) => vec![d],
            Type::Matrix(r, c) => vec![r, c],
            Type::SymPos(d) => vec![d, d],
        }
    }
}

#[derive(Clone, Debug)]
pub struct Expr {
    pub loc: Loc,
    pub ty: Type,
    pub kind: ExprKind,
}

#[derive(Clone, Debug)]
pub enum ExprKind {
    Int(i64),
    Float(f64),
    Bool(bool),
    /// A bound index or a size as a number, or any affine combination that is one.
    Index(Box<Index>),
    Read(Access),
    /// A `let`, read at these plates (and event axes).
    Let(LetId, Vec<Index>),
    Unary(Unary, Box<Expr>),
    /// `Mul` covers scalar products and matrix products: the types say which.
    Binary(Binary, Box<Expr>, Box<Expr>),
    Compare(Compare, Box<Expr>, Box<Expr>),
    Transpose(Box<Expr>),
    /// A component of an expression that is not itself an access.
    Component(Box<Expr>, Vec<Index>),
    Call(Function, Vec<Expr>),
    Vector(Vec<Expr>),
    Comprehension {
        index: IndexId,
        guard: Option<Box<Expr>>,
        body: Box<Expr>,
    },
    Reduce {
        op: Reducer,
        indices: Vec<IndexId>,
        guard: Option<Box<Expr>>,
        body: Box<Expr>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    Dot,
    Exp,
    Log,
    Sqrt,
    Logit,
    Sigmoid,
    Diag,
    /// `onehot(k)`: the vector of its place with a 1 at k.
    Onehot,
    Trace,
}

#[derive(Clone, Debug)]
pub struct Let {
    pub name: Ident,
    pub docs: Vec<Attribute>,
    pub plates: Vec<Extent>,
    /// `let w[k in 0..K-1] = …; let w[K-1] = …` are two pieces of one let.
    pub pieces: Vec<LetPiece>,
    pub ty: Type,
    /// It reads a latent or a param, so its value is reported.
    pub reported: bool,
}

#[derive(Clone, Debug)]
pub struct LetPiece {
    pub loc: Loc,
    pub line: usize,
    pub binds: Vec<IndexId>,
    pub target: Vec<Index>,
    pub guards: Vec<Expr>,
    pub value: Expr,
}

/// `low < value <= high`, as the chain of comparisons that was typed.
#[derive(Clone, Debug)]
pub struct Constraint {
    pub loc: Loc,
    pub line: usize,
    pub binds: Vec<IndexId>,
    pub guards: Vec<Expr>,
    pub first: Expr,
    pub rest: Vec<(Compare, Expr)>,
}

#[derive(Clone, Debug)]
pub struct Group {
    pub loc: Loc,
    pub line: usize,
    pub vars: Vec<(ArrayId, Option<Over>, Loc)>,
    pub form: Option<(Form, Loc)>,
}

#[derive(Clone, Debug)]
pub struct Init {
    pub line: usize,
    pub array: ArrayId,
    pub binds: Vec<IndexId>,
    pub target: Vec<Index>,
    pub guards: Vec<Expr>,
    pub value: Expr,
}
