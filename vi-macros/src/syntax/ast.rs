//! The syntax tree: one node for each thing that was typed, nothing resolved.

use proc_macro2::{Ident, Span};
use syn::{Attribute, Visibility};

/// The first and the last token of a piece of source. Two spans, because spans cannot be joined on stable Rust.
#[derive(Clone, Copy, Debug)]
pub struct Loc {
    pub start: Span,
    pub end: Span,
}

impl Loc {
    pub fn to(self, end: Loc) -> Loc {
        Loc { start: self.start, end: end.end }
    }
}

impl From<Span> for Loc {
    fn from(span: Span) -> Loc {
        Loc { start: span, end: span }
    }
}

/// `pub mod name(hyper, …) { item* }`
#[derive(Clone, Debug)]
pub struct Block {
    /// Documentation and every other attribute of the user's, except `#[exact]`.
    pub attrs: Vec<Attribute>,
    /// Where `#[exact]` stands, if it does.
    pub exact: Option<Span>,
    pub vis: Visibility,
    pub name: Ident,
    pub hypers: Vec<Hyper>,
    pub items: Vec<Item>,
}

#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "a header has a handful")]
pub enum Hyper {
    /// `K`, `K = 3`, `R = W + 1`
    Size { name: Ident, default: Option<Index> },
    /// `a0: Positive = 1.0`
    Constant { name: Ident, ty: Type, default: Option<Expr> },
}

#[derive(Clone, Debug)]
pub enum Item {
    Decl(Decl),
    For(For),
    Let(Let),
    Constrain(Constrain),
    Factorize(Factorize),
    Init(Init),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    Observed,
    Given,
    Latent,
    Param,
}

/// `role name[binds if cond]: Type? ~ dist;`
#[derive(Clone, Debug)]
pub struct Decl {
    pub attrs: Vec<Attribute>,
    pub loc: Loc,
    pub role: Role,
    pub role_span: Span,
    pub name: Ident,
    pub binders: Option<Binders>,
    pub ty: Option<Type>,
    /// Where the `?` after the type stands.
    pub missing: Option<Span>,
    pub dist: Option<Dist>,
}

/// `[bind, bind if cond]`
#[derive(Clone, Debug)]
pub struct Binders {
    pub binds: Vec<Bind>,
    pub guard: Option<Expr>,
}

#[derive(Clone, Debug)]
pub enum Bind {
    /// `k in K`, `t in 1..T`
    In { name: Ident, range: Range },
    /// `0`, or an index bound by an enclosing `for`
    At(Index),
}

#[derive(Clone, Debug)]
pub struct Range {
    pub loc: Loc,
    /// Absent in `k in K`, which is short for `k in 0..K`.
    pub low: Option<Index>,
    pub high: Index,
}

/// `term (± term)*`
#[derive(Clone, Debug)]
pub struct Index {
    pub loc: Loc,
    pub terms: Vec<IndexTerm>,
}

#[derive(Clone, Debug)]
pub struct IndexTerm {
    pub negative: bool,
    pub atom: IndexAtom,
}

#[derive(Clone, Debug)]
pub enum IndexAtom {
    Int(u64, Span),
    /// A bound index, a size, a given integer or a read of a Category: which one is for the model stage to say.
    Access(Access),
}

/// `name` or `name[index, …]`
#[derive(Clone, Debug)]
pub struct Access {
    pub loc: Loc,
    pub name: Ident,
    pub indices: Vec<Index>,
}

#[derive(Clone, Debug)]
pub struct For {
    pub attrs: Vec<Attribute>,
    pub loc: Loc,
    pub binds: Vec<Bind>,
    pub guard: Option<Expr>,
    pub repeat: Option<Access>,
    pub items: Vec<Item>,
}

#[derive(Clone, Debug)]
pub struct Let {
    pub attrs: Vec<Attribute>,
    pub loc: Loc,
    pub name: Ident,
    pub binders: Option<Binders>,
    pub ty: Option<Type>,
    pub value: Expr,
}

/// `constrain a < b <= c;`
#[derive(Clone, Debug)]
pub struct Constrain {
    pub attrs: Vec<Attribute>,
    pub loc: Loc,
    pub first: Expr,
    pub rest: Vec<(Compare, Span, Expr)>,
}

#[derive(Clone, Debug)]
pub struct Factorize {
    pub attrs: Vec<Attribute>,
    pub span: Span,
    pub groups: Vec<Group>,
}

/// `q(a, b[..], c[each]): Form;`
#[derive(Clone, Debug)]
pub struct Group {
    pub loc: Loc,
    pub vars: Vec<GroupVar>,
    pub form: Option<(Form, Span)>,
}

#[derive(Clone, Debug)]
pub struct GroupVar {
    pub name: Ident,
    pub over: Option<Over>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// `[..]`: joint over the array
    Joint,
    /// `[each]`: fully factorised
    Each,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Point,
    Exact,
    Gaussian,
    Diagonal,
    Laplace,
}

#[derive(Clone, Debug)]
pub struct Init {
    pub attrs: Vec<Attribute>,
    pub span: Span,
    pub entries: Vec<InitEntry>,
}

#[derive(Clone, Debug)]
pub struct InitEntry {
    pub loc: Loc,
    pub name: Ident,
    pub binders: Option<Binders>,
    pub value: Expr,
}

#[derive(Clone, Debug)]
pub enum Dist {
    Family(FamilyCall),
    Match { span: Span, on: Expr, arms: Vec<Arm> },
}

#[derive(Clone, Debug)]
pub struct FamilyCall {
    pub loc: Loc,
    pub name: Ident,
    pub args: Vec<Arg>,
}

#[derive(Clone, Debug)]
pub struct Arg {
    pub name: Option<Ident>,
    pub value: Expr,
}

#[derive(Clone, Debug)]
pub struct Arm {
    pub pat: Pat,
    pub pat_span: Span,
    pub dist: Dist,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pat {
    True,
    False,
    Int(u64),
    Wild,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compare {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

#[derive(Clone, Debug)]
pub struct Expr {
    pub loc: Loc,
    pub kind: ExprKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binary {
    Or,
    And,
    Add,
    Sub,
    Mul,
    Div,
    Pow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unary {
    Not,
    Neg,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reducer {
    Sum,
    Prod,
    All,
    Any,
}

#[derive(Clone, Debug)]
pub enum ExprKind {
    Int(u64),
    Float(f64),
    Bool(bool),
    Name(Ident),
    Unary(Unary, Box<Expr>),
    Binary(Binary, Box<Expr>, Box<Expr>),
    Compare(Compare, Box<Expr>, Box<Expr>),
    /// `e.t()`
    Transpose(Box<Expr>),
    /// `e[index, …]`
    Subscript(Box<Expr>, Vec<Index>),
    /// `dot(a, b)`
    Call(Ident, Vec<Expr>),
    /// `[a, b, c]`
    Vector(Vec<Expr>),
    /// `[e for k in K if cond]`
    Comprehension(Box<Expr>, Box<Binders>),
    /// `sum(e for k in K if cond)`
    Reduce(Reducer, Box<Expr>, Box<Binders>),
}

#[derive(Clone, Debug)]
pub struct Type {
    pub loc: Loc,
    pub kind: TypeKind,
    pub min: Option<Expr>,
    pub max: Option<Expr>,
}

#[derive(Clone, Debug)]
pub enum TypeKind {
    Real,
    Positive,
    Unit,
    Bool,
    Count,
    Category(Index),
    /// `Simplex[K]`, or `Simplex[k in K if cond]` for a simplex with structural zeros
    Simplex(SimplexDim),
    Ordered(Index),
    Vector(Index),
    Matrix(Index, Index),
    SymPos(Index),
}

#[derive(Clone, Debug)]
pub enum SimplexDim {
    Dim(Index),
    Bind(Box<Binders>),
}
