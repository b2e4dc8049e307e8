//! Refusals as obstacles with the line that would remove them, and as mistakes where there is no plan at all.

use super::Obstacle;
use super::interact::{Class, Interaction, Statistic};
use super::refusal::{Kind, Refusal};
use crate::density::normal_form::{Monomial, Stat};
use crate::density::poly::{Exponent, Factor, Func, Poly};
use crate::diagnostics::plan as mistakes;
use crate::model::ir::{Access, Dist, Expr, ExprKind, FamilyCall, Index, IndexTerm, Model, StatementId};
use crate::report::Diagnostic;
use crate::syntax::ast::{Binary, Loc};

pub fn obstacle(model: &Model, g: &Interaction, r: &Refusal, monomials: &[Monomial]) -> Obstacle {
    Obstacle {
        latent: g.nodes[r.node].array,
        reason: r.reason.clone(),
        loc: r.origin.loc,
        statement: r.origin.statement,
        help: help(model, g, r, monomials),
        apart: false,
    }
}

/// Latents that enter one statement through one function.
struct Shared {
    loc: Loc,
    statement: StatementId,
    through: Through,
    names: Vec<String>,
    reasons: Vec<String>,
}

/// The mistakes of latents that cannot be updated; those that share a line and a function are one.
pub fn mistakes(model: &Model, g: &Interaction, stuck: &[Refusal]) -> Vec<Diagnostic> {
    let mut out = vec![];
    let mut shared: Vec<Shared> = vec![];
    for r in stuck {
        let name = g.nodes[r.node].name.clone();
        let statistics = format!("`{name}`: {}", r.reason);
        if model.is_known_in_part(g.nodes[r.node].array) {
            out.push(mistakes::missing_read(r.origin.loc, &name, &statistics));
            continue;
        }
        match r.kind {
            Kind::Hard => out.push(mistakes::torn_constraint(r.origin.loc, &r.reason)),
            Kind::MayCoincide => out.push(mistakes::may_coincide(r.origin.loc, &name)),
            Kind::NoFamily | Kind::Structure | Kind::Unscaled { .. } | Kind::SelfCoupled => {
                match opaque(g, r.node) {
                    Some((loc, statement, through)) if through != Through::OwnLog => {
                        match shared.iter_mut().find(|s| s.statement == statement && s.through == through) {
                            Some(same) => {
                                same.names.push(name);
                                same.reasons.push(statistics);
                            }
                            None => shared.push(Shared {
                                loc,
                                statement,
                                through,
                                names: vec![name],
                                reasons: vec![statistics],
                            }),
                        }
                    }
                    Some(_) | None => {
                        let instead = other_prior(g.nodes[r.node].class, r);
                        out.push(mistakes::no_family(r.origin.loc, &name, &r.reason, instead));
                    }
                }
            }
        }
    }
    out.extend(shared.iter().map(|s| {
        mistakes::no_update(s.loc, &s.names, s.through.words(), s.through.augmentable(), &s.reasons)
    }));
    out
}

/// What to change of a prior whose terms match no family.
fn other_prior(class: Class, r: &Refusal) -> Option<&'static str> {
    match class {
        Class::UnitInterval => Some("write `Beta(1, 1)`, which is uniform from 0 to 1, without bounds"),
        Class::Interval | Class::PositiveInterval => Some("take the bounds off"),
        Class::Finite
        | Class::Gaussian
        | Class::Positive
        | Class::Unit
        | Class::Simplex
        | Class::Matrix
        | Class::Ordered
        | Class::Count => {
            (r.kind == Kind::NoFamily).then_some("change the prior to the distribution named below")
        }
    }
}

/// What a latent is inside of, in a term that no family has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Through {
    Logit,
    Probit,
    Exponential,
    LogOfSum,
    /// A power of log x: a matter of the prior, not of the link.
    OwnLog,
    GammaFunction,
    AbsoluteValue,
    Truncation,
    PowerOfSum,
    Product,
    Cholesky,
    Matrix,
    Nonlinear,
}

impl Through {
    fn words(self) -> &'static str {
        match self {
            Through::Logit => "a logit",
            Through::Probit => "a probit",
            Through::Exponential => "an exponential",
            Through::LogOfSum => "the log of a sum",
            Through::OwnLog => "a power of its log",
            Through::GammaFunction => "a gamma function",
            Through::AbsoluteValue => "an absolute value",
            Through::Truncation => "the bounds of a truncation",
            Through::PowerOfSum => "a power of a sum",
            Through::Product => "a product over an index",
            Through::Cholesky => "a Cholesky factor",
            Through::Matrix => "a matrix function",
            Through::Nonlinear => "a nonlinear function",
        }
    }

    /// Whether auxiliary variables are known that make the term quadratic, or a sum of logs.
    fn augmentable(self) -> bool {
        matches!(self, Through::Logit | Through::Probit | Through::LogOfSum)
    }
}

/// The first term in which a latent is inside a function that no family knows, and what to call it.
fn opaque(g: &Interaction, node: usize) -> Option<(Loc, StatementId, Through)> {
    g.factors.iter().find_map(|f| {
        f.of(node).find_map(|a| match &a.stat {
            Statistic::Of(Stat::Opaque(p)) => f.origin.statement.map(|s| (f.origin.loc, s, function(p))),
            Statistic::Of(
                Stat::Indicator | Stat::Power(_) | Stat::Log | Stat::Log1m | Stat::LogDet | Stat::Inverse,
            )
            | Statistic::Support => None,
        })
    })
}

fn one_term(p: &Poly) -> bool {
    matches!(p.0.as_slice(), [term] if term.sums.is_empty())
}

fn function(p: &Poly) -> Through {
    let of = |f: &Factor| match f {
        Factor::Apply(Func::Softplus | Func::Sigmoid, _) => Through::Logit,
        Factor::Apply(Func::LogPhi, _) => Through::Probit,
        Factor::Apply(Func::Exp, _) => Through::Exponential,
        Factor::Apply(Func::Log, of) if of.first().is_some_and(one_term) => Through::OwnLog,
        Factor::Apply(Func::Log, _) => Through::LogOfSum,
        Factor::Apply(Func::LGamma | Func::LGammaD | Func::Digamma | Func::Trigamma, _) => {
            Through::GammaFunction
        }
        Factor::Apply(Func::Abs, _) => Through::AbsoluteValue,
        Factor::Apply(
            Func::InverseMills
            | Func::Sign
            | Func::PhiIntervalSlope
            | Func::LogInside
            | Func::LogPhiInterval
            | Func::LogGammaInterval
            | Func::LogBetaInterval
            | Func::LogPoissonInterval
            | Func::LogBinomialInterval
            | Func::LogNegativeBinomialInterval
            | Func::LogStudentInterval
            | Func::LogLaplaceInterval
            | Func::LogCauchyInterval
            | Func::IntervalSlope(..)
            | Func::IntervalCurvature(..),
            _,
        ) => Through::Truncation,
        Factor::Paren(_) => Through::PowerOfSum,
        Factor::Product(..) => Through::Product,
        Factor::Gram(..) => Through::Cholesky,
        Factor::LogDet(_) | Factor::Inverse(..) => Through::Matrix,
        Factor::Index(_) | Factor::Elem(_) | Factor::Iverson(_) | Factor::Infinity => Through::Nonlinear,
    };
    p.0.first().and_then(|t| t.factors.first()).map_or(Through::Nonlinear, |(f, _)| of(f))
}

/// The line that would carry the missing scale.
fn help(model: &Model, g: &Interaction, r: &Refusal, monomials: &[Monomial]) -> Option<String> {
    let Kind::Unscaled { scale } = r.kind else { return None };
    let s = r.origin.statement?;
    let statement = &model.statements[s.0];
    let Some(Dist::Family(call)) = &statement.dist else { return None };
    // Only a scalar can be multiplied in, and only where it needs no index that is not there.
    let array = &model.arrays[g.nodes[scale].array.0];
    if !array.plates.is_empty() || !array.elem.kind.axes().is_empty() {
        return None;
    }
    let name = array.name.to_string();
    let power = monomials.iter().flat_map(|m| &m.atoms).find_map(|a| {
        match (&a.stat, a.array == g.nodes[scale].array) {
            (Stat::Power(p), true) => Some(*p),
            (
                Stat::Power(_)
                | Stat::Indicator
                | Stat::Log
                | Stat::Log1m
                | Stat::LogDet
                | Stat::Inverse
                | Stat::Opaque(_),
                _,
            ) => None,
        }
    })?;
    let (way, value) = scale_argument(call)?;
    let value = text(model, value)?;
    let as_precision = matches!(way, "prec");
    let times = match (as_precision, power == Exponent::ONE, power == Exponent::int(-1)) {
        (true, true, _) | (false, _, true) => true,
        (true, _, true) | (false, true, _) => false,
        (true | false, _, _) => return None,
    };
    let product = match (times, value.as_str(), way == "sd") {
        (_, _, true) => return None,
        (true, "1", _) => name.clone(),
        (true, v, _) => format!("{name} * {v}"),
        (false, v, _) => format!("{v} / {name}"),
    };
    let target = model.arrays[statement.array.0].name.to_string();
    Some(format!("{target}'s line is not scaled by {name}: write `{way}: {product}`"))
}

fn scale_argument(call: &FamilyCall) -> Option<(&'static str, &Expr)> {
    ["prec", "var", "cov", "sd"]
        .into_iter()
        .find_map(|way| call.args.iter().find(|(n, _)| *n == way).map(|(n, e)| (*n, e)))
}

/// A simple expression as it would be typed; none where retyping it would be guesswork.
fn text(model: &Model, e: &Expr) -> Option<String> {
    match &e.kind {
        ExprKind::Int(n) => Some(n.to_string()),
        ExprKind::Float(x) => Some(x.to_string()),
        ExprKind::Read(a) => access(model, a),
        ExprKind::Index(i) => index(model, i),
        ExprKind::Binary(Binary::Mul, a, b) => Some(format!("{} * {}", text(model, a)?, text(model, b)?)),
        ExprKind::Bool(_)
        | ExprKind::Let(..)
        | ExprKind::Unary(..)
        | ExprKind::Binary(..)
        | ExprKind::Compare(..)
        | ExprKind::Transpose(_)
        | ExprKind::Component(..)
        | ExprKind::Call(..)
        | ExprKind::Vector(_)
        | ExprKind::Comprehension { .. }
        | ExprKind::Reduce { .. } => None,
    }
}

fn access(model: &Model, a: &Access) -> Option<String> {
    let name = model.arrays[a.array.0].name.to_string();
    if a.indices.is_empty() {
        return Some(name);
    }
    let at: Option<Vec<String>> = a.indices.iter().map(|i| index(model, i)).collect();
    Some(format!("{name}[{}]", at?.join(", ")))
}

fn index(model: &Model, i: &Index) -> Option<String> {
    match (i.terms.as_slice(), i.offset) {
        ([(1, t)], 0) => match t {
            IndexTerm::Bound(b) => Some(model.indices[b.0].name.to_string()),
            IndexTerm::Size(s, args) if args.is_empty() => Some(model.sizes[s.0].name.to_string()),
            IndexTerm::Read(a) => access(model, a),
            IndexTerm::Size(..) | IndexTerm::Axis(_) => None,
        },
        ([], c) => Some(c.to_string()),
        _ => None,
    }
}
