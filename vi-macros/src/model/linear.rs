//! Systems of linear inequalities over the integers: proof that one has no solution.
//!
//! Fourier–Motzkin elimination with integer tightening. It is sound for infeasibility: `true` is a proof, `false` says nothing.

use std::collections::BTreeMap;

/// `Σ coefficient · variable + constant ≥ 0`
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Inequality {
    pub coefficients: BTreeMap<usize, i128>,
    pub constant: i128,
}

/// Beyond these the question is left open rather than answered slowly.
const MOST_ROWS: usize = 400;
const LARGEST: i128 = 1 << 60;

impl Inequality {
    pub fn negated_strictly(&self) -> Inequality {
        // not (e ≥ 0)  ⇔  −e − 1 ≥ 0
        let coefficients = self.coefficients.iter().map(|(v, c)| (*v, -c)).collect();
        Inequality { coefficients, constant: -self.constant - 1 }
    }

    /// Divides by the common divisor of the coefficients; the constant rounds down, since everything is whole.
    fn tighten(mut self) -> Inequality {
        self.coefficients.retain(|_, c| *c != 0);
        let divisor = self.coefficients.values().fold(0, |d, c| gcd(d, c.abs()));
        if divisor > 1 {
            self.coefficients.values_mut().for_each(|c| *c /= divisor);
            self.constant = self.constant.div_euclid(divisor);
        }
        self
    }

    fn is_contradiction(&self) -> bool {
        self.coefficients.is_empty() && self.constant < 0
    }

    /// `a · self + b · other` for positive a and b.
    fn combine(&self, a: i128, other: &Inequality, b: i128) -> Option<Inequality> {
        let mut sum = Inequality::default();
        for (row, factor) in [(self, a), (other, b)] {
            for (variable, c) in &row.coefficients {
                let entry = sum.coefficients.entry(*variable).or_insert(0);
                *entry = entry.checked_add(c.checked_mul(factor)?)?;
            }
            sum.constant = sum.constant.checked_add(row.constant.checked_mul(factor)?)?;
        }
        let sum = sum.tighten();
        let small = |v: &i128| v.abs() <= LARGEST;
        (small(&sum.constant) && sum.coefficients.values().all(small)).then_some(sum)
    }
}

/// Whether no integers satisfy all the inequalities at once.
pub fn infeasible(system: &[Inequality]) -> bool {
    let mut rows: Vec<Inequality> = system.iter().cloned().map(Inequality::tighten).collect();
    loop {
        rows.sort();
        rows.dedup();
        drop_implied(&mut rows);
        if rows.iter().any(Inequality::is_contradiction) {
            return true;
        }
        let Some(variable) = cheapest(&rows) else { return false };
        let sign = |row: &Inequality| row.coefficients.get(&variable).copied().unwrap_or(0);
        let (touching, mut rest): (Vec<_>, Vec<_>) = rows.into_iter().partition(|r| sign(r) != 0);
        let (lower, upper): (Vec<_>, Vec<_>) = touching.iter().partition(|r| sign(r) > 0);
        if rest.len() + lower.len() * upper.len() > MOST_ROWS {
            return false;
        }
        for low in &lower {
            for high in &upper {
                // A row too large to hold is left out: fewer rows prove less, never more.
                rest.extend(low.combine(-sign(high), high, sign(low)));
            }
        }
        rows = rest;
    }
}

/// The variable whose elimination makes the fewest rows.
fn cheapest(rows: &[Inequality]) -> Option<usize> {
    let mut counts: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    for row in rows {
        for (variable, c) in &row.coefficients {
            let count = counts.entry(*variable).or_insert((0, 0));
            if *c > 0 {
                count.0 += 1;
            } else {
                count.1 += 1;
            }
        }
    }
    counts.into_iter().min_by_key(|(_, (low, high))| low * high).map(|(variable, _)| variable)
}

/// Of rows with equal coefficients the smallest constant says everything.
fn drop_implied(rows: &mut Vec<Inequality>) {
    // Sorted by coefficients, then constant: the first of each run is the strongest.
    rows.dedup_by(|later, first| later.coefficients == first.coefficients);
    rows.retain(|r| !(r.coefficients.is_empty() && r.constant >= 0));
}

fn gcd(a: i128, b: i128) -> i128 {
    if b == 0 { a } else { gcd(b, a % b) }
}
