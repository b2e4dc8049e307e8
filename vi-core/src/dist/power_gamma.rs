//! The generalised gamma distribution: the law of u^(1/power) for u ~ Gamma(shape, rate).
//!
//! ```text
//! p(x) = |power| rateˢʰᵃᵖᵉ / Γ(shape) · x^(power·shape − 1) exp(−rate xᵖᵒʷᵉʳ)
//! ```
//!
//! Support: x > 0. With statistics {log x, xᵖᵒʷᵉʳ} it is one exponential family for each power: 1 is Gamma, −1 the inverse
//! gamma, −2 the law of a standard deviation whose precision is Gamma, 2 Nakagami's. Source: Stacy (1962), *A generalization
//! of the gamma distribution*.

use super::gamma::{Gamma, log_standard_gamma};
use super::inverse_gamma::InverseGamma;
use super::is_positive;
use crate::family::{ExponentialFamily, Improper};
use crate::special::{
    digamma, lgamma, lgamma_bregman, standard_gamma_entropy, standard_gamma_log_density, x_minus_log1p,
};
use rand::Rng;

/// xᵖᵒʷᵉʳ is Gamma with the given shape and rate.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PowerGamma {
    /// The shape of xᵖᵒʷᵉʳ.
    pub shape: f64,
    /// The rate of xᵖᵒʷᵉʳ.
    pub rate: f64,
    /// The power, not 0.
    pub power: f64,
}

impl PowerGamma {
    /// The law of x when xᵖᵒʷᵉʳ ~ Gamma(shape, rate).
    pub fn shape_rate_power(shape: f64, rate: f64, power: f64) -> Self {
        Self { shape, rate, power }
    }

    pub(crate) fn is_valid(&self) -> bool {
        is_positive(self.shape) && is_positive(self.rate) && is_positive(self.power.abs())
    }

    /// log |power| + shape log rate − log Γ(shape) + (power·shape − 1) log x − rate xᵖᵒʷᵉʳ; −∞ for x ≤ 0.
    pub fn log_density(&self, x: f64) -> f64 {
        if !self.is_valid() {
            return f64::NAN;
        }
        if !is_positive(x) {
            return f64::NEG_INFINITY;
        }
        let log_y = self.rate.ln() + self.power * x.ln();
        standard_gamma_log_density(self.shape, self.rate * x.powf(self.power), log_y)
            + self.power.abs().ln()
            + log_y
            - x.ln()
    }

    /// One draw; positive and finite even where it would round to 0 or overflow.
    pub fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        if !self.is_valid() {
            return f64::NAN;
        }
        let log_u = log_standard_gamma(self.shape, rng) - self.rate.ln();
        (log_u / self.power).exp().clamp(f64::MIN_POSITIVE, f64::MAX)
    }

    /// E xᵠ = Γ(shape + q/power)/Γ(shape) · rate^(−q/power); ∞ where shape + q/power ≤ 0.
    pub fn expect_power(&self, q: f64) -> f64 {
        if !self.is_valid() || q.is_nan() {
            return f64::NAN;
        }
        let step = q / self.power;
        if step == 1.0 {
            return self.shape / self.rate;
        }
        if self.shape + step <= 0.0 {
            return f64::INFINITY;
        }
        // log Γ(shape + step) − log Γ(shape) by its tangent and the rest, which do not cancel for a large shape.
        let tangent = step * (digamma(self.shape) - self.rate.ln());
        (lgamma_bregman(self.shape + step, self.shape) + tangent).exp()
    }

    /// E log x = (ψ(shape) − log rate)/power.
    pub fn expect_log(&self) -> f64 {
        if self.is_valid() { (digamma(self.shape) - self.rate.ln()) / self.power } else { f64::NAN }
    }

    /// E x.
    pub fn expectation(&self) -> f64 {
        self.expect_power(1.0)
    }

    /// Var x = E x² − (E x)²; ∞ where only the mean is finite, NaN where it is not.
    pub fn variance(&self) -> f64 {
        let mean = self.expectation();
        let step = 1.0 / self.power;
        if !mean.is_finite() {
            return f64::NAN;
        }
        if self.shape + 2.0 * step <= 0.0 {
            return f64::INFINITY;
        }
        // log E x² − 2 log E x, about the argument of Γ that is between the other two.
        let middle = self.shape + step;
        let excess = lgamma_bregman(self.shape + 2.0 * step, middle) + lgamma_bregman(self.shape, middle);
        mean * mean * excess.exp_m1()
    }

    /// −E log p(x).
    pub fn entropy(&self) -> f64 {
        if !self.is_valid() {
            return f64::NAN;
        }
        let entropy_of_power = standard_gamma_entropy(self.shape) - self.rate.ln();
        entropy_of_power - self.power.abs().ln() - (self.power - 1.0) * self.expect_log()
    }
}

impl From<Gamma> for PowerGamma {
    fn from(law: Gamma) -> Self {
        Self { shape: law.shape, rate: law.rate, power: 1.0 }
    }
}

impl From<InverseGamma> for PowerGamma {
    fn from(law: InverseGamma) -> Self {
        Self { shape: law.shape, rate: law.scale, power: -1.0 }
    }
}

/// The coefficients of the statistics {log x, xᵖᵒʷᵉʳ}: power·shape − 1 and −rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PowerGammaNatural {
    /// The coefficient of log x.
    pub log_x: f64,
    /// The coefficient of xᵖᵒʷᵉʳ.
    pub x_power: f64,
    /// The power: it names the family and is not a parameter.
    pub power: f64,
}

/// Expectations under a generalised gamma law.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PowerGammaMoments {
    /// E log x = (ψ(shape) − log rate)/power.
    pub log_x: f64,
    /// E xᵖᵒʷᵉʳ = shape/rate.
    pub x_power: f64,
}

impl ExponentialFamily for PowerGamma {
    type Natural = PowerGammaNatural;
    type Moments = PowerGammaMoments;
    type Value = f64;

    fn natural(&self) -> PowerGammaNatural {
        PowerGammaNatural { log_x: self.power * self.shape - 1.0, x_power: -self.rate, power: self.power }
    }

    fn from_natural(eta: &PowerGammaNatural) -> Result<Self, Improper> {
        let law = Self { shape: (eta.log_x + 1.0) / eta.power, rate: -eta.x_power, power: eta.power };
        if law.is_valid() {
            return Ok(law);
        }
        let Self { shape, rate, power } = law;
        let rule = format!("shape = {shape} and rate = {rate} of x^{power} must be positive and finite");
        Err(Improper::new("Gamma", rule))
    }

    fn log_partition(eta: &PowerGammaNatural) -> Result<f64, Improper> {
        let law = Self::from_natural(eta)?;
        Ok(lgamma(law.shape) - law.shape * law.rate.ln() - law.power.abs().ln())
    }

    fn moments(eta: &PowerGammaNatural) -> Result<PowerGammaMoments, Improper> {
        let law = Self::from_natural(eta)?;
        Ok(PowerGammaMoments { log_x: law.expect_log(), x_power: law.shape / law.rate })
    }

    /// xᵖᵒʷᵉʳ = −η₁/(power η₂) for coefficients η₁ of log x and η₂ of xᵖᵒʷᵉʳ; 0 where η₁ = 0 and power > 0.
    fn mode(eta: &PowerGammaNatural) -> Result<f64, Improper> {
        let PowerGammaNatural { log_x, x_power, power } = *eta;
        let at = -log_x / (power * x_power);
        if x_power < 0.0 && at.is_finite() && (log_x / power > 0.0 || log_x == 0.0 && power > 0.0) {
            return Ok(at.powf(1.0 / power));
        }
        let rule = format!("no mode for coefficients {log_x} of log x and {x_power} of x^{power}");
        Err(Improper::new("Gamma", rule))
    }

    fn log_kernel(eta: &PowerGammaNatural, x: &f64) -> f64 {
        if !is_positive(*x) {
            return f64::NEG_INFINITY;
        }
        eta.log_x * x.ln() + eta.x_power * x.powf(eta.power)
    }

    fn natural_entropy(eta: &PowerGammaNatural) -> Result<f64, Improper> {
        Self::from_natural(eta).map(|law| law.entropy())
    }

    fn kl(q: &PowerGammaNatural, p: &PowerGammaNatural) -> Result<f64, Improper> {
        let (q, p) = (Self::from_natural(q)?, Self::from_natural(p)?);
        if q.power != p.power {
            return Err(Improper::new("Gamma", format!("the powers {} and {} differ", q.power, p.power)));
        }
        Ok(gamma_kl((q.shape, q.rate), (p.shape, p.rate)))
    }
}

/// The divergence of gamma laws, each as (shape, rate): shape_q (t − log(1+t)) + (shape_q − shape_p) log(1+t) + the divergence of
/// log Γ, t = rate_p/rate_q − 1.
pub(crate) fn gamma_kl(q: (f64, f64), p: (f64, f64)) -> f64 {
    let t = (p.1 - q.1) / q.1;
    q.0 * x_minus_log1p(t) + (q.0 - p.0) * t.ln_1p() + lgamma_bregman(p.0, q.0)
}
