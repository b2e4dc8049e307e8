//! Sums over an index that an equality pins down.

use super::poly::{Exponent, Factor, Poly, Term};
use super::symbol::{Cond, Ix, Var};

/// Carries out a sum over an index that an equality pins down.
pub fn collapse(mut t: Term) -> Term {
    for v in t.sums.clone() {
        let pinned = t.factors.iter().enumerate().find_map(|(n, (f, _))| match f {
            Factor::Iverson(Cond::Compare(super::symbol::Cmp::Eq, a, b)) => solve(&v, a, b).map(|by| (n, by)),
            _ => None,
        });
        if let Some((n, by)) = pinned
            && t.sums.iter().all(|u| u == &v || !(u.low.mentions(&v) || u.high.mentions(&v)))
        {
            t.factors.remove(n);
            // The other indices of the sum that the value reads stay what they are: no fresh names for them.
            let (read, rest): (Vec<Var>, Vec<Var>) =
                t.sums.into_iter().filter(|u| u != &v).partition(|u| by.mentions(u));
            t.sums = rest;
            for c in inside(&v, &by) {
                match c.decided() {
                    Some(true) => {}
                    Some(false) => return Term::number(0.0),
                    None => t.push_factor(Factor::Iverson(c), Exponent::ONE),
                }
            }
            t.factors.sort();
            let mut p = Poly(vec![t]).substitute(&v, &by);
            let mut t = p.0.pop().unwrap_or_else(|| Term::number(0.0));
            t.sums.splice(0..0, read);
            return t;
        }
    }
    t
}

/// What has to hold for a value to lie in the range of an index. A category, a number and an index of the same size are known to lie below it.
fn inside(v: &Var, by: &Ix) -> Vec<Cond> {
    use super::symbol::{Cmp, IxTerm};
    let below = Cond::Compare(Cmp::Lt, by.clone(), v.high.clone());
    let above = Cond::Compare(Cmp::Le, v.low.clone(), by.clone());
    let whole = matches!(v.high.terms.as_slice(), [(1, IxTerm::Size(..))]) && v.high.offset == 0;
    let from_zero = v.low.as_constant() == Some(0);
    match (by.as_var(), by.terms.as_slice()) {
        (Some(u), _) => {
            let reaches = u.high.plus(-1, &v.high).as_constant().is_some_and(|d| d <= 0);
            let starts = from_zero || v.low.plus(-1, &u.low).as_constant().is_some_and(|d| d <= 0);
            let high = (!reaches).then_some(below);
            high.into_iter().chain((!starts).then_some(above)).collect()
        }
        (None, [] | [(1, IxTerm::Read(_))]) if by.terms.is_empty() || by.offset == 0 => {
            let high = (!whole).then_some(below);
            high.into_iter().chain((!from_zero).then_some(above)).collect()
        }
        _ => vec![below, above],
    }
}

/// `v = …` from `a = b`.
fn solve(v: &Var, a: &Ix, b: &Ix) -> Option<Ix> {
    match (a.as_var() == Some(v), b.as_var() == Some(v)) {
        (true, false) if !b.mentions(v) => Some(b.clone()),
        (false, true) if !a.mentions(v) => Some(a.clone()),
        _ => None,
    }
}
