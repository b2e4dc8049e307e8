//! The logarithm of the gamma function and its derivative, of slices.

use super::exp::{exp_pack, log_one};
use super::simd::{Isa, MAX_LANES, vectorised};

vectorised! {
    /// `out[i] = ψ(x[i])` for the shorter of the two lengths, x > 0.
    ///
    /// Error below 1e-14 · max(1, |ψ|). ψ(0) = −∞; negative arguments and NaN give NaN.
    pub fn digamma(x: &[f64], out: &mut [f64]) = digamma_slice;
}

vectorised! {
    /// `out[i] = exp ψ(x[i])` for the shorter of the two lengths, x > 0.
    ///
    /// Relative error below 1e-14 · max(1, |ψ|) where the result is a normal number; smaller results are 0, as at 0. Negative arguments and
    /// NaN give NaN.
    pub fn exp_digamma(x: &[f64], out: &mut [f64]) = exp_digamma_slice;
}

vectorised! {
    /// `out[i] = log Γ(x[i])` for the shorter of the two lengths, x > 0.
    ///
    /// Error below 1e-13 · max(1, |log Γ|). log Γ(0) = ∞; negative arguments and NaN give NaN.
    pub fn lgamma(x: &[f64], out: &mut [f64]) = lgamma_slice;
}

#[inline(always)]
pub(super) fn digamma_slice<S: Isa>(isa: S, x: &[f64], out: &mut [f64]) {
    for (out, &x) in out.iter_mut().zip(x) {
        *out = digamma_one(isa, x);
    }
}

#[inline(always)]
pub(super) fn exp_digamma_slice<S: Isa>(isa: S, x: &[f64], out: &mut [f64]) {
    let n = x.len().min(out.len());
    let (x, out) = (x[..n].chunks_exact(S::W), out[..n].chunks_exact_mut(S::W));
    let rest = x.remainder();
    let mut last = [0.0; MAX_LANES];
    if !rest.is_empty() {
        isa.store(exp_digamma_pack(isa, isa.load_partial(rest)), &mut last);
    }
    let mut packs = out;
    for (out, x) in (&mut packs).zip(x) {
        isa.store(exp_digamma_pack(isa, isa.load(x)), out);
    }
    for (out, value) in packs.into_remainder().iter_mut().zip(last) {
        *out = value;
    }
}

#[inline(always)]
pub(super) fn lgamma_slice<S: Isa>(isa: S, x: &[f64], out: &mut [f64]) {
    for (out, &x) in out.iter_mut().zip(x) {
        *out = lgamma_one(isa, x);
    }
}

/// From here on the asymptotic series hold; smaller arguments are raised by as much.
const FROM: f64 = 8.0;

/// B₂ₖ/(2k) for k = 1, 2, …
const DIGAMMA: [f64; 8] = [
    1.0 / 12.0,
    -1.0 / 120.0,
    1.0 / 252.0,
    -1.0 / 240.0,
    1.0 / 132.0,
    -691.0 / 32760.0,
    1.0 / 12.0,
    -3617.0 / 8160.0,
];

/// B₂ₖ/(2k(2k − 1)) for k = 1, 2, …
const LGAMMA: [f64; 8] = [
    1.0 / 12.0,
    -1.0 / 360.0,
    1.0 / 1260.0,
    -1.0 / 1680.0,
    1.0 / 1188.0,
    -691.0 / 360360.0,
    1.0 / 156.0,
    -3617.0 / 122400.0,
];

/// P = x (x + 1) ⋯ (x + 7), and dP/dx.
///
/// The outermost factors make u = x (x + 7), the next (x + 1)(x + 6) = u + 6, then u + 10 and u + 12: half as many as of single factors.
#[inline(always)]
fn rising<S: Isa>(isa: S, x: f64) -> (f64, f64) {
    let u = x * (x + 7.0);
    let (mut product, mut slope) = (u, 1.0);
    for step in [6.0, 10.0, 12.0] {
        let factor = u + step;
        slope = isa.scalar_fma(slope, factor, product);
        product *= factor;
    }
    (product, slope * isa.scalar_fma(2.0, x, 7.0))
}

#[inline(always)]
fn series<S: Isa>(isa: S, coefficients: &[f64; 8], r: f64) -> f64 {
    let mut sum = coefficients[7];
    for k in [6, 5, 4, 3, 2, 1, 0] {
        sum = isa.scalar_fma(sum, r, coefficients[k]);
    }
    sum
}

/// y ≥ 8 and what is to be subtracted from log y for ψ(x) = ψ(y) − d log P/dx, without branches.
#[inline(always)]
fn below_log<S: Isa>(isa: S, x: f64) -> (f64, f64) {
    let (product, slope) = rising(isa, x);
    let small = x < FROM;
    let y = if small { x + FROM } else { x };
    // Of a large argument the product overflows, and is not wanted.
    let below = if small { slope / product } else { 0.0 };
    let inverse = 1.0 / y;
    let square = inverse * inverse;
    (y, isa.scalar_fma(series(isa, &DIGAMMA, square), square, 0.5 * inverse) + below)
}

#[inline(always)]
fn digamma_one<S: Isa>(isa: S, x: f64) -> f64 {
    let (y, below) = below_log(isa, x);
    let value = log_one(isa, y) - below;
    if x >= 0.0 { value } else { f64::NAN }
}

/// y exp(ψ(x) − log y): no logarithm is taken. What takes time is waiting, so that sums and products are taken by pairs.
#[inline(always)]
fn exp_digamma_pack<S: Isa>(isa: S, x: S::Pack) -> S::Pack {
    let (zero, one, half, from) = (isa.splat(0.0), isa.splat(1.0), isa.splat(0.5), isa.splat(FROM));
    let y = isa.select_less(x, from, isa.add(x, from), x);
    let r = isa.div(one, y);
    // As in `rising`, the first two factors and the last two: u (u + 6) and (u + 10)(u + 12).
    let u = isa.mul(x, isa.add(x, isa.splat(7.0)));
    let first = isa.mul(u, isa.add(u, isa.splat(6.0)));
    let last = isa.fma(u, isa.add(u, isa.splat(22.0)), isa.splat(120.0));
    let twice = isa.add(u, u);
    let slope = isa.mul(isa.add(twice, isa.splat(6.0)), last);
    let slope = isa.fma(isa.add(twice, isa.splat(22.0)), first, slope);
    let slope = isa.mul(slope, isa.fma(isa.splat(2.0), x, isa.splat(7.0)));
    // Of a large argument the product overflows, and is not wanted.
    let rise = isa.select_less(x, from, isa.div(slope, isa.mul(first, last)), zero);
    let square = isa.mul(r, r);
    let fourth = isa.mul(square, square);
    let mut pairs = [zero; 4];
    for (k, pair) in pairs.iter_mut().enumerate() {
        *pair = isa.fma(isa.splat(DIGAMMA[2 * k + 1]), square, isa.splat(DIGAMMA[2 * k]));
    }
    let (low, high) = (isa.fma(pairs[1], fourth, pairs[0]), isa.fma(pairs[3], fourth, pairs[2]));
    let sum = isa.fma(high, isa.mul(fourth, fourth), low);
    let below = isa.fma(sum, square, isa.fma(half, r, rise));
    let value = isa.mul(y, exp_pack(isa, isa.sub(zero, below)));
    isa.select_less(x, zero, isa.splat(f64::NAN), value)
}

/// log Γ(x) = log Γ(x + 8) − log P, without branches.
#[inline(always)]
fn lgamma_one<S: Isa>(isa: S, x: f64) -> f64 {
    const HALF_LN_2PI: f64 = 0.918_938_533_204_672_8;
    let (product, _) = rising(isa, x);
    let small = x < FROM;
    let y = if small { x + FROM } else { x };
    let below = log_one(isa, if small { product } else { 1.0 });
    let inverse = 1.0 / y;
    let log = log_one(isa, y);
    let tail = isa.scalar_fma(series(isa, &LGAMMA, inverse * inverse), inverse, HALF_LN_2PI);
    let value = isa.scalar_fma(y, log - 1.0, isa.scalar_fma(-0.5, log, tail)) - below;
    // ∞ − ∞ otherwise.
    let value = if x == f64::INFINITY { x } else { value };
    if x >= 0.0 { value } else { f64::NAN }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::special;
    use crate::tile::simd::on_every_isa;

    /// From 1e-300 to 1e300, densely where the functions have their roots.
    fn arguments() -> Vec<f64> {
        let wide = (-3000..3000).map(|n| 10f64.powf(f64::from(n) / 10.0));
        let near = (1..4000).map(|n| f64::from(n) / 200.0);
        wide.chain(near).collect()
    }

    #[test]
    fn digamma_agrees_with_the_scalar_function() {
        let x = arguments();
        let mut out = vec![0.0; x.len()];
        on_every_isa!(isa => {
            digamma_slice(isa, &x, &mut out);
            for (x, found) in x.iter().zip(&out) {
                let expected = special::digamma(*x);
                assert!((found - expected).abs() <= 1e-14 * expected.abs().max(1.0), "{x}: {found} and {expected}");
            }
        });
    }

    #[test]
    fn the_exponential_of_digamma_agrees_with_the_scalar_function() {
        let x = arguments();
        let mut out = vec![0.0; x.len()];
        on_every_isa!(isa => {
            exp_digamma_slice(isa, &x, &mut out);
            for (x, found) in x.iter().zip(&out) {
                let psi = special::digamma(*x);
                let expected = psi.exp();
                let expected = if expected < f64::MIN_POSITIVE { 0.0 } else { expected };
                assert!(
                    (found - expected).abs() <= 1e-14 * psi.abs().max(1.0) * expected,
                    "{x}: {found} and {expected}"
                );
            }
        });
    }

    #[test]
    fn lgamma_agrees_with_the_scalar_function() {
        let x = arguments();
        let mut out = vec![0.0; x.len()];
        on_every_isa!(isa => {
            lgamma_slice(isa, &x, &mut out);
            for (x, found) in x.iter().zip(&out) {
                let expected = special::lgamma(*x);
                assert!((found - expected).abs() <= 1e-13 * expected.abs().max(1.0), "{x}: {found} and {expected}");
            }
        });
    }

    #[test]
    fn the_edges_of_the_domain() {
        let x = [0.0, -1.0, f64::NAN, f64::INFINITY];
        let (mut psi, mut log, mut weight) = ([0.0; 4], [0.0; 4], [0.0; 4]);
        exp_digamma(&x, &mut weight);
        assert!(weight[0] == 0.0 && weight[1].is_nan() && weight[2].is_nan() && weight[3] == f64::INFINITY);
        digamma(&x, &mut psi);
        lgamma(&x, &mut log);
        assert_eq!(psi[0], f64::NEG_INFINITY);
        assert_eq!(log[0], f64::INFINITY);
        assert!(psi[1].is_nan() && log[1].is_nan() && psi[2].is_nan() && log[2].is_nan());
        assert_eq!((psi[3], log[3]), (f64::INFINITY, f64::INFINITY));
    }
}
