//! A Normal kept to an interval: a real.
//!
//! ```text
//! a = (min − m)/s   b = (max − m)/s   λₐ = φ(a)/Z   λ_b = φ(b)/Z   Z = Φ(b) − Φ(a)
//! E x = m + s (λₐ − λ_b)      Var x = s² (1 + a λₐ − b λ_b − (λₐ − λ_b)²)
//! ```
//!
//! Far out in a tail both are what is left of large numbers. There the distance of the law from its nearer bound is worked out instead: of a
//! side that is open by the continued fraction of Mills' ratio, of two sides by quadrature.

use super::{RealLaw, UNDEFINED, questions};
use crate::dist::{Normal, Truncated};
use crate::special::{gauss_legendre, log_normal_interval, normal_interval_slope};
use rand::Rng;

questions!([] Truncated<Normal>);

/// From here on a bound is far out.
const FAR: f64 = 4.0;
/// Terms of the continued fraction: enough for every bound that is far out.
const TERMS: usize = 120;
/// Scales of the decay e^{−a u} that hold all of the mass.
const REACH: f64 = 40.0;

/// E u and Var u of u = x − a under φ(x) on [a, b], 0 < a, one nat of decay being no shorter than the interval or the side open.
fn beyond(a: f64, b: f64) -> (f64, f64) {
    if b == f64::INFINITY {
        // λ = a + δ, δ = 1/(a + ε), ε = 2/(a + 3/(a + …)), and 1 − λδ = (ε − δ) δ.
        let mut epsilon = 0.0;
        for n in (2..TERMS).rev() {
            epsilon = n as f64 / (a + epsilon);
        }
        let delta = 1.0 / (a + epsilon);
        return (delta, (epsilon - delta) * delta);
    }
    let width = (b - a).min(REACH / a);
    let panels = 16;
    let moment = |f: &dyn Fn(f64) -> f64| -> f64 {
        (0..panels)
            .map(|p| {
                let at = |p: usize| width * p as f64 / panels as f64;
                gauss_legendre(|u| f(u) * (-u * (a + 0.5 * u)).exp(), at(p), at(p + 1))
            })
            .sum()
    };
    let mass = moment(&|_| 1.0);
    let mean = moment(&|u| u) / mass;
    (mean, moment(&|u| (u - mean) * (u - mean)) / mass)
}

impl Truncated<Normal> {
    /// The bounds, as the untruncated law measures them.
    fn ends(&self) -> (f64, f64) {
        let (m, s) = (self.inner().mean, self.inner().sd);
        ((self.min() - m) / s, (self.max() - m) / s)
    }

    /// (E x, Var x)
    fn moments(&self) -> (f64, f64) {
        let (m, s) = (self.inner().mean, self.inner().sd);
        if !self.inner().is_valid() || self.min().is_nan() || self.max().is_nan() || self.min() >= self.max()
        {
            return (f64::NAN, f64::NAN);
        }
        let (a, b) = self.ends();
        let (mean, var) = if a > FAR {
            let (mean, var) = beyond(a, b);
            (self.min() + s * mean, var)
        } else if b < -FAR {
            let (mean, var) = beyond(-b, -a);
            (self.max() - s * mean, var)
        } else if b - a < 1.0 {
            // Within a short interval the density hardly changes: about the middle of it.
            let c = 0.5 * (a + b);
            let weight = |u: f64| (-u * (c + 0.5 * u)).exp();
            let half = 0.5 * (b - a);
            let mass = gauss_legendre(weight, -half, half);
            let mean = gauss_legendre(|u| u * weight(u), -half, half) / mass;
            let var = gauss_legendre(|u| (u - mean) * (u - mean) * weight(u), -half, half) / mass;
            (m + s * (c + mean), var)
        } else {
            let slope = |x: f64| normal_interval_slope(x, a, b);
            let (low, high) = (slope(a), slope(b));
            let times = |x: f64, l: f64| if l == 0.0 { 0.0 } else { x * l };
            let off = low - high;
            (m + s * off, 1.0 + times(a, low) - times(b, high) - off * off)
        };
        // The mean lies within, whatever the last bit says.
        (mean.clamp(self.min(), self.max()), s * s * var)
    }

    /// −E log q(x) = log Z + ½ log 2π s² + E (x − m)²/2s².
    #[must_use]
    pub fn entropy(&self) -> f64 {
        let (m, s) = (self.inner().mean, self.inner().sd);
        let (mean, var) = self.moments();
        let z = (mean - m) / s;
        self.log_mass() + 0.5 * (2.0 * std::f64::consts::PI).ln() + s.ln() + 0.5 * (z * z + var / (s * s))
    }
}

impl RealLaw for Truncated<Normal> {
    fn mean(&self) -> f64 {
        self.moments().0
    }

    fn var(&self) -> f64 {
        self.moments().1
    }

    fn log_density(&self, x: f64) -> f64 {
        Truncated::log_density(self, x)
    }

    fn log_tails(&self, x: f64) -> (f64, f64) {
        if self.log_mass().is_nan() {
            return UNDEFINED;
        }
        let x = x.clamp(self.min(), self.max());
        (self.log_interval(self.min(), x), self.log_interval(x, self.max()))
    }

    fn quantile_of(&self, (log_p, log_q): (f64, f64)) -> f64 {
        let (m, s) = (self.inner().mean, self.inner().sd);
        if !(log_p <= 0.0 && log_q <= 0.0) || self.log_mass().is_nan() {
            return f64::NAN;
        }
        let (mut low, mut high) = self.ends();
        // Where the mass is, as far as doubles reach.
        (low, high) = (low.max(-1e9), high.min(1e9));
        let (a, b) = (low, high);
        let whole = log_normal_interval(a, b);
        for _ in 0..200 {
            let x = 0.5 * (low + high);
            if !(low < x && x < high) {
                break;
            }
            // The smaller tail has the digits.
            let below = match log_p <= log_q {
                true => log_normal_interval(a, x) - whole < log_p,
                false => log_normal_interval(x, b) - whole > log_q,
            };
            if below {
                low = x;
            } else {
                high = x;
            }
        }
        (m + s * high).clamp(self.min(), self.max())
    }

    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        Truncated::sample(self, rng)
    }
}
