//! One file per distribution: its signature, its support, and its log density as an expression.
//!
//! Nothing here knows of any other distribution: which prior is conjugate to what follows from the statistics.

use crate::density::lower::Lowered;
use crate::density::poly::{Factor, Poly};
use crate::density::statement::{Args, Form};

mod bernoulli;
mod beta;
mod binomial;
mod categorical;
mod cauchy;
mod constant;
mod dirichlet;
mod exponential;
mod flat;
mod gamma;
mod geometric;
mod inverse_gamma;
mod inverse_wishart;
mod laplace;
mod log_normal;
mod multinomial;
mod negative_binomial;
mod normal;
mod poisson;
mod student_t;
mod uniform;
mod wishart;

pub use normal::known;

/// Every family of the language, in alphabetical order.
pub static ALL: &[&Family] = &[
    &bernoulli::FAMILY,
    &beta::FAMILY,
    &binomial::FAMILY,
    &categorical::FAMILY,
    &cauchy::FAMILY,
    &constant::FAMILY,
    &dirichlet::FAMILY,
    &exponential::FAMILY,
    &flat::FAMILY,
    &gamma::FAMILY,
    &geometric::FAMILY,
    &inverse_gamma::FAMILY,
    &inverse_wishart::FAMILY,
    &laplace::FAMILY,
    &log_normal::FAMILY,
    &multinomial::FAMILY,
    &negative_binomial::FAMILY,
    &normal::FAMILY,
    &poisson::FAMILY,
    &student_t::FAMILY,
    &uniform::FAMILY,
    &wishart::FAMILY,
];

/// A distribution of the language.
pub struct Family {
    pub name: &'static str,
    pub params: &'static [Param],
    pub value: Support,
    /// Takes `min:` and `max:` (every univariate continuous or count family does).
    pub truncatable: bool,
    /// The log density as symbols, of a value and arguments as symbols.
    pub log_density: fn(&Args) -> Lowered<Form>,
    /// log P(low ≤ X ≤ high), for a truncation.
    pub log_interval: fn(&Args, &Poly, &Poly) -> Lowered,
    /// How the runtime makes it; nothing where it is no distribution, which has no factor and cannot be drawn.
    pub constructor: Option<fn(&Written) -> Constructor>,
}

/// What of a statement decides how its distribution is made.
pub struct Written<'a> {
    /// The arguments given, in the order of the signature, and the number of axes that each has.
    pub args: &'a [(&'static str, usize)],
    /// The value has axes of its own.
    pub event: bool,
    /// The value is a category or a Boolean.
    pub finite: bool,
}

impl Written<'_> {
    /// The number of axes of an argument, if it was given.
    pub fn rank(&self, name: &str) -> Option<usize> {
        self.args.iter().find(|(n, _)| *n == name).map(|(_, rank)| *rank)
    }

    /// The first of these ways to give an argument that was taken.
    pub fn way(&self, ways: &[&'static str]) -> Option<(&'static str, usize)> {
        ways.iter().find_map(|way| self.rank(way).map(|rank| (*way, rank)))
    }
}

/// A function of the runtime that makes a distribution: `Gamma::shape_rate(shape, rate)`.
pub struct Constructor {
    /// The type, in `vi_core::dist`.
    pub law: &'static str,
    pub function: String,
    pub args: Vec<Argument>,
    /// It returns a `Result`: a scale may have no inverse, for example.
    pub fallible: bool,
}

/// An argument of a constructor, by its name in the language.
pub enum Argument {
    Scalar(&'static str),
    /// A number that counts.
    Count(&'static str),
    /// Of the length of the value, or of its categories; a scalar is repeated.
    Vector(&'static str),
    /// Over the value's axis twice; a scalar or a vector is a diagonal.
    Matrix(&'static str),
    /// The number of the value's categories.
    States,
    /// Of the type of the value.
    Value(&'static str),
}

impl Constructor {
    /// The constructor that is called as its arguments are, joined by `_`.
    fn named(law: &'static str, args: Vec<Argument>) -> Constructor {
        let names: Vec<&str> = args.iter().map(|a| a.name()).collect();
        Constructor { law, function: names.join("_"), args, fallible: false }
    }

    fn fallible(self) -> Constructor {
        Constructor { fallible: true, ..self }
    }

    /// As [`Self::named`], of scalars.
    fn of_scalars(law: &'static str, given: &Written) -> Constructor {
        Constructor::named(law, given.args.iter().map(|(name, _)| Argument::Scalar(name)).collect())
    }
}

impl Argument {
    fn name(&self) -> &'static str {
        match self {
            Argument::Scalar(n)
            | Argument::Count(n)
            | Argument::Vector(n)
            | Argument::Matrix(n)
            | Argument::Value(n) => n,
            Argument::States => "categories",
        }
    }
}

impl std::fmt::Debug for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// One argument, or several ways to give it.
pub struct Param {
    /// May be given without its name, in this position.
    pub positional: bool,
    pub optional: bool,
    /// Exactly one of these must be given (`var` or `sd` or `prec` …); the first is the canonical one.
    pub ways: &'static [Way],
}

pub struct Way {
    pub name: &'static str,
    /// What the argument may be; the first that fits is taken.
    pub accepts: &'static [Domain],
}

/// The set an argument must lie in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    Real,
    Positive,
    Unit,
    Count,
    /// Any finite value (Constant copies one), or a number for a structural zero.
    Any,
    /// A vector over the value's axis; for a Categorical, over its categories.
    Vector,
    /// A vector with positive components.
    PositiveVector,
    Simplex,
    SymPos,
    /// A lower-triangular Cholesky factor.
    Matrix,
}

/// The type of value a family gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    Real,
    /// Real or Vector, by the arguments and the declared type.
    RealOrVector,
    Positive,
    Unit,
    Bool,
    Count,
    /// A Count array over one index.
    CountVector,
    /// The extent is that of the vector argument.
    Category,
    Simplex,
    SymPos,
    /// Uniform: Real, or Category when declared so.
    RealOrCategory,
    /// Constant: whatever the argument is.
    Finite,
}

/// The family of that name.
pub fn find(name: &str) -> Option<&'static Family> {
    ALL.iter().copied().find(|f| f.name == name)
}

/// (x − μ) / σ, with an open bound left alone.
fn standard(x: &Poly, mean: &Poly, inverse_scale: &Poly) -> Poly {
    if is_infinite(x) { x.clone() } else { x.sub(mean).mul(inverse_scale) }
}

fn is_infinite(p: &Poly) -> bool {
    matches!(p.0.as_slice(), [t] if t.factors.iter().any(|(f, _)| *f == Factor::Infinity))
}

fn untruncated(_: &Args, _: &Poly, _: &Poly) -> Lowered {
    Ok(Poly::zero())
}
