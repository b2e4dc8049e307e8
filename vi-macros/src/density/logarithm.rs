//! The rewrite rules of log and log Γ: what positivity allows to be pulled apart, so that the statistics of every variable stand alone.

use super::poly::{Exponent, Factor, Func, Poly};
use super::symbol::{Cond, Elem};

impl Poly {
    /// Γ: pulls integer steps out of the argument where something unknown is inside, so that lgamma(c + 1) − lgamma(c) = log c.
    pub fn lgamma(arg: &Poly, positive: &dyn Fn(&Elem) -> bool, unknown: &dyn Fn(&Elem) -> bool) -> Poly {
        if let Some(x) = arg.as_number()
            && (x == 1.0 || x == 2.0)
        {
            return Poly::zero();
        }
        let mut touches = false;
        arg.visit_elems(&mut |e| touches |= unknown(e));
        let step = arg.0.iter().find(|t| t.factors.is_empty() && t.sums.is_empty()).map_or(0.0, |t| t.coef.0);
        if touches && step >= 1.0 && step.fract() == 0.0 && step <= 4.0 {
            let below = arg.sub(&Poly::number(1.0));
            return Poly::lgamma(&below, positive, unknown).add(&below.log(positive));
        }
        Poly::apply(Func::LGamma, vec![arg.clone()])
    }

    /// log, pulled apart: log Π xᵢ^pᵢ = Σ pᵢ log xᵢ where every xᵢ is known to be positive.
    pub fn log(&self, positive: &dyn Fn(&Elem) -> bool) -> Poly {
        if let Some(x) = self.as_number()
            && x > 0.0
        {
            return Poly::number(x.ln());
        }
        // Pieces that exclude one another: log Σ [cᵢ] vᵢ = Σ [cᵢ] log vᵢ.
        if self.0.len() > 1 && pieces_exclude(self) {
            let mut out = Poly::zero();
            for t in &self.0 {
                out = out.add(&Poly(vec![t.clone()]).log(positive));
            }
            return out;
        }
        if let [t] = self.0.as_slice()
            && t.sums.is_empty()
            && t.guard.is_empty()
            && t.coef.0 > 0.0
            && t.factors.iter().all(|(f, e)| is_positive(f, *e, positive))
        {
            let mut cond = Poly::number(1.0);
            for (f, _) in &t.factors {
                if let Factor::Iverson(_) = f {
                    cond = cond.mul(&Poly::factor(f.clone()));
                }
            }
            let mut out = Poly::number(t.coef.0.ln());
            for (f, e) in &t.factors {
                let one = match f {
                    Factor::Iverson(_) => continue,
                    Factor::Apply(Func::Exp, args) => args[0].clone(),
                    Factor::Product(v, c, p) => p.log(positive).sum_over(v, c),
                    Factor::Paren(p) => Poly::apply(Func::Log, vec![p.clone()]),
                    Factor::Index(_)
                    | Factor::Elem(_)
                    | Factor::LogDet(_)
                    | Factor::Inverse(..)
                    | Factor::Gram(..)
                    | Factor::Apply(..)
                    | Factor::Infinity => Poly::apply(Func::Log, vec![Poly::factor(f.clone())]),
                };
                out = out.add(&one.scale(e.value()));
            }
            return cond.mul(&out);
        }
        Poly::apply(Func::Log, vec![self.clone()])
    }
}

fn is_positive(f: &Factor, e: Exponent, positive: &dyn Fn(&Elem) -> bool) -> bool {
    match f {
        Factor::Elem(x) => positive(x),
        Factor::Index(_) => true,
        Factor::Iverson(_) => true,
        Factor::Apply(Func::Exp | Func::Sigmoid, _) => true,
        Factor::Product(_, _, p) => {
            p.0.len() > 1 || p.0.iter().all(|t| t.factors.iter().all(|(f, e)| is_positive(f, *e, positive)))
        }
        Factor::Paren(_) => e.den == 1,
        Factor::Inverse(_, i, j) | Factor::Gram(_, i, j) => i == j,
        Factor::LogDet(_) | Factor::Apply(..) | Factor::Infinity => false,
    }
}

/// Whether each term carries an equality or an order that no two terms can both meet: the pieces of a `let`.
fn pieces_exclude(p: &Poly) -> bool {
    let conds: Option<Vec<&Cond>> = p
        .0
        .iter()
        .map(|t| t.factors.iter().find_map(|(f, _)| if let Factor::Iverson(c) = f { Some(c) } else { None }))
        .collect();
    let Some(conds) = conds else { return false };
    conds.iter().enumerate().all(|(i, a)| conds[..i].iter().all(|b| exclusive(a, b)))
}

fn exclusive(a: &Cond, b: &Cond) -> bool {
    use super::symbol::Cmp::*;
    match (a, b) {
        (Cond::Not(x), y) | (y, Cond::Not(x)) if **x == *y => true,
        (Cond::And(xs), y) | (y, Cond::And(xs)) => xs.iter().any(|x| exclusive(x, y)),
        (Cond::Compare(Eq, a1, b1), Cond::Compare(Eq, a2, b2)) => {
            let d = a1.plus(-1, b1).plus(-1, &a2.plus(-1, b2)).as_constant();
            d.is_some_and(|d| d != 0)
        }
        (Cond::Compare(Eq, a1, b1), Cond::Compare(Lt, a2, b2))
        | (Cond::Compare(Lt, a2, b2), Cond::Compare(Eq, a1, b1)) => {
            // a1 = b1 makes a2 − b2 a known number that is not negative.
            let (d1, d2) = (a1.plus(-1, b1), a2.plus(-1, b2));
            d2.plus(-1, &d1).as_constant().is_some_and(|c| c >= 0)
                || d2.plus(1, &d1).as_constant().is_some_and(|c| c >= 0)
        }
        _ => false,
    }
}
