//! Derivatives of a polynomial with respect to one element of an array.

use super::interval::Interval;
use super::poly::{Exponent, Factor, Func, Num, Poly, Term};
use super::symbol::{Cmp, Cond, Ix};
use crate::model::ir::ArrayId;

/// ∂p / ∂ array[at]; `None` where a function has no derivative in the table.
///
/// Elements at other indices contribute [index = at], so that one expression serves every element.
pub fn derive(p: &Poly, array: ArrayId, at: &[Ix]) -> Option<Poly> {
    let mut out = Poly::zero();
    for t in &p.0 {
        let mut sum = Poly::zero();
        for (n, (f, e)) in t.factors.iter().enumerate() {
            let inner = factor(f, array, at)?;
            if inner.is_zero() {
                continue;
            }
            let rest = Term {
                factors: t
                    .factors
                    .iter()
                    .enumerate()
                    .filter(|(m, _)| *m != n)
                    .map(|(_, x)| x.clone())
                    .collect(),
                sums: vec![],
                guard: t.guard.clone(),
                coef: t.coef,
            };
            let less = e.plus(Exponent::int(-1));
            let mut power = Poly::number(e.value());
            if !less.is_zero() {
                power = power.mul(&crate::kernel::single(f, less));
            }
            sum = sum.add(&Poly(vec![rest]).mul(&power).mul(&inner));
        }
        // The sums are put back last: an equality inside may pin them.
        for v in t.sums.iter().rev() {
            sum = sum.sum_over(v, &Cond::Always);
        }
        out = out.add(&sum);
    }
    Some(out)
}

fn factor(f: &Factor, array: ArrayId, at: &[Ix]) -> Option<Poly> {
    let mut touched = false;
    f.visit_elems(&mut |e| touched |= e.array == array);
    if !touched {
        return Some(Poly::zero());
    }
    match f {
        Factor::Elem(e) => {
            let mut out = Poly::number(1.0);
            for (i, j) in e.indices.iter().zip(at) {
                out = out.mul(&Poly::iverson(Cond::Compare(Cmp::Eq, i.clone(), j.clone())));
            }
            Some(out)
        }
        Factor::Paren(p) => derive(p, array, at),
        Factor::Apply(g, args) => apply(*g, args, array, at),
        Factor::Index(_)
        | Factor::LogDet(_)
        | Factor::Inverse(..)
        | Factor::Gram(..)
        | Factor::Iverson(_)
        | Factor::Product(..)
        | Factor::Infinity => None,
    }
}

fn apply(g: Func, args: &[Poly], array: ArrayId, at: &[Ix]) -> Option<Poly> {
    let of = |f: Func| Poly::apply(f, args.to_vec());
    let x = &args[0];
    let outer = match g {
        Func::Log => x.recip(),
        Func::Exp => of(Func::Exp),
        Func::LGamma => of(Func::Digamma),
        Func::Digamma => of(Func::Trigamma),
        Func::Softplus => of(Func::Sigmoid),
        Func::Sigmoid => of(Func::Sigmoid).mul(&Poly::number(1.0).sub(&of(Func::Sigmoid))),
        Func::LogPhi => of(Func::InverseMills),
        Func::InverseMills => {
            let m = of(Func::InverseMills);
            m.mul(&x.add(&m)).scale(-1.0)
        }
        Func::Abs => of(Func::Sign),
        Func::LogPhiInterval => {
            let slope = |n: usize| {
                Poly::apply(Func::PhiIntervalSlope, vec![args[n].clone(), args[0].clone(), args[1].clone()])
            };
            let (low, high) = (derive(&args[0], array, at)?, derive(&args[1], array, at)?);
            return Some(slope(1).mul(&high).sub(&slope(0).mul(&low)));
        }
        Func::PhiIntervalSlope => {
            // φ(x)/Z: −x φ(x)/Z · x′ − φ(x)/Z · (log Z)′
            let own = Poly::apply(Func::PhiIntervalSlope, args.to_vec());
            let slope = |n: usize| {
                Poly::apply(Func::PhiIntervalSlope, vec![args[n].clone(), args[1].clone(), args[2].clone()])
            };
            let d = |n: usize| derive(&args[n], array, at);
            let log_z = slope(2).mul(&d(2)?).sub(&slope(1).mul(&d(1)?));
            return Some(own.mul(&x.mul(&d(0)?).add(&log_z)).scale(-1.0));
        }
        Func::LogGammaInterval
        | Func::LogBetaInterval
        | Func::LogPoissonInterval
        | Func::LogBinomialInterval
        | Func::LogNegativeBinomialInterval
        | Func::LogStudentInterval
        | Func::LogLaplaceInterval
        | Func::LogCauchyInterval => {
            let law = Interval::of(g)?;
            return law.derive(args, array, at, &|i| Func::IntervalSlope(law, i));
        }
        Func::IntervalSlope(law, i) => {
            return law.derive(args, array, at, &|j| Func::IntervalCurvature(law, i.min(j), i.max(j)));
        }
        Func::Sign | Func::LGammaD | Func::Trigamma | Func::LogInside | Func::IntervalCurvature(..) => {
            return None;
        }
    };
    Some(outer.mul(&derive(x, array, at)?))
}

/// A polynomial without terms whose number is zero.
pub fn tidy(p: Poly) -> Poly {
    Poly(p.0.into_iter().filter(|t| t.coef != Num(0.0)).collect())
}
