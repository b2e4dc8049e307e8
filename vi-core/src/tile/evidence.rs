//! log p(x) of sequences side by side, from what was taken out of their steps.

use super::chains::{LANES, Lanes};
use super::exp::log_one;
use super::simd::{Isa, MAX_LANES, vectorised};

/// `Σₜ shift[t] + log scale[t]` of each lane so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evidence {
    sum: Lanes,
    /// What rounding took away from the sum.
    rest: Lanes,
    /// Above 0 where a scale has no finite logarithm, or is no normal number.
    bad: Lanes,
}

vectorised! {
    /// Adds the shifts of some steps of a lane.
    pub fn add_shifts(evidence: &mut Evidence, lane: usize, shift: &[f64]) = add_shifts_with;
}

vectorised! {
    /// Adds the scales of some steps. One logarithm is taken of the product of all of them: their exponents are added up by themselves.
    pub fn add_scales(evidence: &mut Evidence, scale: &[Lanes]) = add_scales_with;
}

impl Evidence {
    /// The sum of each lane; NaN where there is none.
    #[must_use]
    pub fn total(&self) -> Lanes {
        std::array::from_fn(|l| if self.bad[l] > 0.0 { f64::NAN } else { self.sum[l] + self.rest[l] })
    }

    #[inline(always)]
    fn add(&mut self, lane: usize, x: f64) {
        let (sum, rest) = two_sum(self.sum[lane], x);
        self.sum[lane] = sum;
        self.rest[lane] += rest;
    }
}

/// a + b and what rounding takes away from it (Knuth).
#[inline(always)]
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let added = sum - a;
    (sum, (a - (sum - added)) + (b - added))
}

/// Numbers below 2 whose product is far below the largest there is.
const FACTORS: usize = 512;

#[inline(always)]
pub(super) fn add_shifts_with<S: Isa>(isa: S, evidence: &mut Evidence, lane: usize, shift: &[f64]) {
    let (mut sum, mut rest) = (isa.splat(0.0), isa.splat(0.0));
    let packs = shift.chunks_exact(S::W);
    let last = packs.remainder();
    for x in packs {
        let x = isa.load(x);
        let next = isa.add(sum, x);
        let added = isa.sub(next, sum);
        let lost = isa.sub(sum, isa.sub(next, added));
        rest = isa.add(isa.add(lost, isa.sub(x, added)), rest);
        sum = next;
    }
    let (mut sums, mut rests) = ([0.0; MAX_LANES], [0.0; MAX_LANES]);
    isa.store(sum, &mut sums);
    isa.store(rest, &mut rests);
    for x in sums[..S::W].iter().chain(last).chain(&rests[..S::W]) {
        evidence.add(lane, *x);
    }
}

#[inline(always)]
pub(super) fn add_scales_with<S: Isa>(isa: S, evidence: &mut Evidence, scale: &[Lanes]) {
    let (one, normal, infinite) = (isa.splat(1.0), isa.splat(f64::MIN_POSITIVE), isa.splat(f64::INFINITY));
    for scale in scale.chunks(FACTORS) {
        let (mut products, mut exponents) = ([0.0; LANES], [0.0; LANES]);
        for p in (0..LANES).step_by(S::W) {
            let mut bad = isa.load(&evidence.bad[p..]);
            let (mut product, mut exponent) = (one, isa.splat(0.0));
            for scale in scale {
                let scale = isa.load(&scale[p..]);
                bad = isa.select_less(scale, normal, one, isa.select_less(scale, infinite, bad, one));
                let (mantissa, power) = isa.split(scale);
                product = isa.mul(product, mantissa);
                exponent = isa.add(exponent, power);
            }
            isa.store(bad, &mut evidence.bad[p..]);
            isa.store(product, &mut products[p..]);
            isa.store(exponent, &mut exponents[p..]);
        }
        for l in 0..LANES {
            evidence.add(l, exponents[l] * std::f64::consts::LN_2);
            evidence.add(l, log_one(isa, products[l]));
        }
    }
}
