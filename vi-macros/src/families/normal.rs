use super::{Argument, Constructor, Domain, Family, Param, Support, Way, Written, standard};
use crate::density::lower::{Lowered, Matrix};
use crate::density::poly::{Exponent, Func, Poly};
use crate::density::statement::{Args, Form, Residual, Scale};
use crate::density::symbol::Ix;
use crate::model::ir::{Expr, ExprKind, FamilyCall, Type};
use proc_macro2::Ident;

pub static FAMILY: Family = Family {
    name: "Normal",
    params: &[
        Param {
            positional: true,
            optional: false,
            ways: &[Way { name: "mean", accepts: &[Domain::Real, Domain::Vector] }],
        },
        Param {
            positional: false,
            optional: false,
            ways: &[
                Way { name: "var", accepts: &[Domain::Positive, Domain::PositiveVector] },
                Way { name: "sd", accepts: &[Domain::Positive, Domain::PositiveVector] },
                Way { name: "prec", accepts: &[Domain::Positive, Domain::PositiveVector, Domain::SymPos] },
                Way { name: "cov", accepts: &[Domain::SymPos, Domain::Positive, Domain::PositiveVector] },
                Way { name: "chol", accepts: &[Domain::Matrix] },
            ],
        },
    ],
    value: Support::RealOrVector,
    truncatable: true,
    log_density,
    log_interval,
    constructor: Some(constructor),
};

/// What is known of a number: it lies nowhere else. The precision is one that no other reaches, and neither it nor its square overflows; its root is
/// a power of 2, so that nothing is rounded.
pub fn known(value: Expr) -> FamilyCall {
    let loc = value.loc;
    let prec = Expr { loc, ty: Type::Positive, kind: ExprKind::Float(f64::powi(2.0, 332)) };
    let name = Ident::new(FAMILY.name, loc.start);
    FamilyCall {
        loc,
        family: &FAMILY,
        name,
        args: vec![("mean", value), ("prec", prec)],
        min: None,
        max: None,
    }
}

/// −½ Λ (x − μ)² + ½ log Λ − ½ log 2π, kept as the residual x − μ and its precision Λ.
fn log_density(a: &Args) -> Lowered<Form> {
    let event = a.axes().first().cloned();
    let rho = match &event {
        Some(d) => a.value_at(&[Ix::var(d)]).sub(&a.at("mean", &Ix::var(d))?),
        None => a.value().sub(&a.scalar("mean")?),
    };
    let at = event.as_ref().map(Ix::var).unwrap_or_default();
    let (name, power) = [("var", -1), ("sd", -2), ("prec", 1), ("cov", -1), ("chol", -1)]
        .into_iter()
        .find(|(name, _)| a.has(name))
        .unwrap_or(("var", -1));
    let scale = match a.matrix(name)? {
        Matrix::Scalar(s) => Scale::Diagonal(s.pow(Exponent::int(power))),
        Matrix::Diagonal(entry) => Scale::Diagonal(entry(&at)?.pow(Exponent::int(power))),
        Matrix::Dense { factor, matrix } if name == "chol" => {
            Scale::Dense { factor: factor.pow(Exponent::int(-2)), matrix, inverse: true }
        }
        Matrix::Dense { factor, matrix } => {
            Scale::Dense { factor: factor.pow(Exponent::int(power)), matrix, inverse: power < 0 }
        }
    };
    Ok(Form::Normal(Residual { event, rho, scale, log_jacobian: Poly::zero() }))
}

/// log(Φ((b − μ)/σ) − Φ((a − μ)/σ))
fn log_interval(a: &Args, low: &Poly, high: &Poly) -> Lowered {
    let mean = a.scalar("mean")?;
    let root = if a.has("var") {
        a.scalar("var")?.pow(Exponent::new(-1, 2))
    } else if a.has("sd") {
        a.scalar("sd")?.recip()
    } else {
        a.scalar("prec")?.pow(Exponent::new(1, 2))
    };
    Ok(Poly::apply(Func::LogPhiInterval, vec![standard(low, &mean, &root), standard(high, &mean, &root)]))
}

/// A vector has a law of its own for a scale that is a matrix, and one for a diagonal.
fn constructor(given: &Written) -> Constructor {
    let (way, rank) = given.way(&["var", "sd", "prec", "cov", "chol"]).unwrap_or(("var", 0));
    if !given.event {
        return Constructor::of_scalars("Normal", given);
    }
    // A covariance that is a diagonal is its variances, and the reverse.
    let (law, scale, function) = match (rank, way) {
        (2, "var") => ("MvNormal", Argument::Matrix(way), "cov"),
        (2, _) => ("MvNormal", Argument::Matrix(way), way),
        (_, "cov") => ("DiagNormal", Argument::Vector(way), "var"),
        (_, _) => ("DiagNormal", Argument::Vector(way), way),
    };
    let args = vec![Argument::Vector("mean"), scale];
    Constructor { law, function: format!("mean_{function}"), args, fallible: true }
}
