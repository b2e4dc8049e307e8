//! Families as sets of statistics on a support: the smallest that contains what a latent's terms hold is its conditional.
//!
//! No distribution and no pair of distributions is known here.

use super::interact::{Class, Factor, Statistic};
use crate::density::normal_form::Stat;
use crate::density::poly::Exponent;

/// The shape of one statistic, without its components.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    Indicator,
    Power(Exponent),
    Log,
    Log1m,
    LogDet,
    Inverse,
    /// Two statistics of one element in one term.
    Product,
    Opaque,
}

/// A latent's statistics match no registered family.
#[derive(Clone, Debug)]
pub struct Unmatched {
    pub found: Vec<Shape>,
    /// The family that shares most of them, and its statistics.
    pub nearest: Option<(&'static str, &'static str)>,
}

struct Registered {
    name: &'static str,
    /// How its statistics are written.
    written: &'static str,
    supports: &'static [Class],
    statistics: &'static [Shape],
}

const X: Shape = Shape::Power(Exponent { num: 1, den: 1 });
const SQUARE: Shape = Shape::Power(Exponent { num: 2, den: 1 });
const RECIPROCAL: Shape = Shape::Power(Exponent { num: -1, den: 1 });

/// Where two are as near, the earlier one is named. Log x with any one power of x is a Gamma too: see [`power_gamma`].
const REGISTERED: &[Registered] = &[
    Registered {
        name: "Categorical",
        written: "[x = k]",
        supports: &[Class::Finite],
        statistics: &[Shape::Indicator],
    },
    Registered { name: "Normal", written: "x, x²", supports: &[Class::Gaussian], statistics: &[X, SQUARE] },
    Registered {
        name: "Gamma",
        written: "log x, x",
        supports: &[Class::Positive],
        statistics: &[Shape::Log, X],
    },
    Registered {
        name: "InverseGamma",
        written: "log x, 1/x",
        supports: &[Class::Positive],
        statistics: &[Shape::Log, RECIPROCAL],
    },
    Registered {
        name: "Beta",
        written: "log x, log(1 − x)",
        supports: &[Class::Unit],
        statistics: &[Shape::Log, Shape::Log1m],
    },
    Registered {
        name: "Dirichlet",
        written: "log x",
        supports: &[Class::Simplex],
        statistics: &[Shape::Log],
    },
    Registered {
        name: "Wishart",
        written: "log det x, x",
        supports: &[Class::Matrix],
        statistics: &[Shape::LogDet, X],
    },
    Registered {
        name: "InverseWishart",
        written: "log det x, x⁻¹",
        supports: &[Class::Matrix],
        statistics: &[Shape::LogDet, Shape::Inverse],
    },
    Registered {
        name: "TruncatedNormal",
        written: "x, x²",
        supports: &[
            Class::Interval,
            Class::Positive,
            Class::PositiveInterval,
            Class::Unit,
            Class::UnitInterval,
        ],
        statistics: &[X, SQUARE],
    },
    Registered {
        name: "GeneralisedInverseGaussian",
        written: "log x, x, 1/x",
        supports: &[Class::Positive],
        statistics: &[Shape::Log, X, RECIPROCAL],
    },
];

/// The name of the family of the statistics of a node in some factors.
pub fn family(class: Class, node: usize, factors: &[&Factor]) -> Result<String, Unmatched> {
    recognise(class, &statistics(class, node, factors))
}

/// The smallest registered family on a support with these statistics.
pub fn recognise(class: Class, found: &[Shape]) -> Result<String, Unmatched> {
    let fits =
        |r: &&Registered| r.supports.contains(&class) && found.iter().all(|s| r.statistics.contains(s));
    let smallest = REGISTERED.iter().filter(fits).min_by_key(|r| r.statistics.len());
    if let Some(r) = smallest {
        return Ok(r.name.into());
    }
    if let Some(p) = power_gamma(class, found) {
        return Ok(format!("PowerGamma({})", exponent(p)));
    }
    let shared = |r: &Registered| found.iter().filter(|s| r.statistics.contains(s)).count();
    let nearest = REGISTERED.iter().filter(|r| r.supports.contains(&class)).rev().max_by_key(|r| shared(r));
    Err(Unmatched { found: found.to_vec(), nearest: nearest.map(|r| (r.name, r.written)) })
}

/// Whether a family is another one cut off at the ends of a smaller support: it has the same statistics, its normaliser is not the same.
pub fn is_cut(family: &str) -> bool {
    let whole = |r: &Registered| REGISTERED.iter().find(|w| w.statistics == r.statistics).map(|w| w.name);
    REGISTERED.iter().filter(|r| r.name == family).any(|r| whole(r) != Some(r.name))
}

/// log x and one power of x: x^p is Gamma.
pub fn power_gamma(class: Class, found: &[Shape]) -> Option<Exponent> {
    let mut power = None;
    for s in found {
        match s {
            Shape::Log => {}
            Shape::Power(p) if power.is_none() => power = Some(*p),
            Shape::Indicator
            | Shape::Power(_)
            | Shape::Log1m
            | Shape::LogDet
            | Shape::Inverse
            | Shape::Product
            | Shape::Opaque => return None,
        }
    }
    power.filter(|_| class == Class::Positive)
}

/// The statistics of one element of a node, over all factors.
pub fn statistics(class: Class, node: usize, factors: &[&Factor]) -> Vec<Shape> {
    let mut out = vec![];
    for f in factors {
        let own: Vec<_> = f.of(node).filter(|a| a.stat != Statistic::Support).collect();
        // Products of components are what a Gaussian is made of; of distinct elements of anything else they are edges, not statistics.
        let linear = class == Class::Gaussian || class == Class::Finite;
        let product = !linear && own.iter().enumerate().any(|(n, a)| own[..n].iter().any(|b| a.ix == b.ix));
        if product {
            add(&mut out, Shape::Product);
        }
        own.iter().for_each(|a| add(&mut out, shape(&a.stat)));
    }
    out.sort();
    out
}

fn add(out: &mut Vec<Shape>, s: Shape) {
    if !out.contains(&s) {
        out.push(s);
    }
}

fn shape(s: &Statistic) -> Shape {
    match s {
        Statistic::Support => Shape::Indicator,
        Statistic::Of(Stat::Indicator) => Shape::Indicator,
        Statistic::Of(Stat::Power(p)) => Shape::Power(*p),
        Statistic::Of(Stat::Log) => Shape::Log,
        Statistic::Of(Stat::Log1m) => Shape::Log1m,
        Statistic::Of(Stat::LogDet) => Shape::LogDet,
        Statistic::Of(Stat::Inverse) => Shape::Inverse,
        Statistic::Of(Stat::Opaque(_)) => Shape::Opaque,
    }
}

/// `x²`, `log x`, …
pub fn written(s: &Shape, name: &str) -> String {
    match s {
        Shape::Indicator => format!("[{name} = k]"),
        Shape::Power(p) if *p == Exponent::ONE => name.into(),
        Shape::Power(p) => power(name, *p),
        Shape::Log => format!("log {name}"),
        Shape::Log1m => format!("log(1 − {name})"),
        Shape::LogDet => format!("log det {name}"),
        Shape::Inverse => format!("{name}⁻¹"),
        Shape::Product => format!("a product of statistics of {name}"),
        Shape::Opaque => format!("a nonlinear function of {name}"),
    }
}

/// `x²`, `1/x`, `x^(1/2)`
fn power(name: &str, p: Exponent) -> String {
    match (p.num, p.den) {
        (2, 1) => format!("{name}²"),
        (3, 1) => format!("{name}³"),
        (-1, 1) => format!("1/{name}"),
        (-2, 1) => format!("1/{name}²"),
        (n, 1) if n > 0 => format!("{name}^{n}"),
        _ => format!("{name}^({})", exponent(p)),
    }
}

pub fn exponent(p: Exponent) -> String {
    if p.den == 1 { format!("{}", p.num) } else { format!("{}/{}", p.num, p.den) }
}
