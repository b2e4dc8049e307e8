//! The gamma function's logarithm, its derivatives, and combinations of them that would cancel if written out.

use super::normal::HALF_LN_2PI;
use super::quadrature::gauss_legendre;
use super::{half_deviance, x_minus_log1p};
use std::f64::consts::PI;

/// log Γ(x) for x > 0 (log |Γ(x)| elsewhere).
pub fn lgamma(x: f64) -> f64 {
    libm::lgamma(x)
}

/// log Γ(1 + x), with full relative accuracy as x → 0.
pub fn lgamma_1p(x: f64) -> f64 {
    if x.abs() > 0.5 {
        return lgamma(1.0 + x);
    }
    // −log(1+x) + (1−γ)x + Σₖ≥₂ (ζ(k)−1)(−x)ᵏ/k
    let mut power = -x;
    let mut sum = 0.0;
    for (k, zeta) in ZETA_MINUS_1.iter().enumerate() {
        power *= -x;
        sum += zeta * power / (k + 2) as f64;
    }
    sum + x_minus_log1p(x) - EULER * x
}

/// log Γ_D(x) = ¼D(D−1) log π + Σ_{d=1}^D log Γ(x + (1−d)/2): the multivariate gamma function, for x > (D−1)/2.
pub fn lgamma_d(dimension: usize, x: f64) -> f64 {
    if x <= 0.5 * (dimension as f64 - 1.0) {
        return f64::NAN;
    }
    let pairs = (dimension * dimension.saturating_sub(1)) as f64;
    0.25 * pairs * PI.ln() + (0..dimension).map(|d| lgamma(x - 0.5 * d as f64)).sum::<f64>()
}

/// log B(a, b) = log Γ(a) + log Γ(b) − log Γ(a+b), without cancellation between large arguments.
pub fn log_beta(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    let sum = low + high;
    if high < STIRLING_FROM {
        return lgamma(low) + lgamma(high) - lgamma(sum);
    }
    // log Γ(high) − log Γ(sum) by Stirling's formula with the logarithms joined.
    let step = -(high - 0.5) * (low / high).ln_1p() - low * (sum.ln() - 1.0) + stirling_gamma(high)
        - stirling_gamma(sum);
    lgamma(low) + step
}

/// log Γ(x + ½) − log Γ(x), without cancellation for large x.
pub fn lgamma_half_step(x: f64) -> f64 {
    if x < STIRLING_FROM {
        return lgamma(x + 0.5) - lgamma(x);
    }
    x * (0.5 / x).ln_1p() + 0.5 * x.ln() - 0.5 + stirling_gamma(x + 0.5) - stirling_gamma(x)
}

const STIRLING_FROM: f64 = 10.0;

/// log x! − log(√(2πx) (x/e)ˣ), the error of Stirling's formula; about 1/(12x).
pub fn stirling_error(x: f64) -> f64 {
    if x < STIRLING_FROM {
        if x == 0.0 {
            return f64::INFINITY;
        }
        return lgamma(x + 1.0) - (x + 0.5) * x.ln() + x - HALF_LN_2PI;
    }
    stirling_gamma(x)
}

/// The asymptotic series Σ B₂ₖ / (2k(2k−1) x²ᵏ⁻¹), for x ≥ 10.
fn stirling_gamma(x: f64) -> f64 {
    const SERIES: [f64; 8] = [
        1.0 / 12.0,
        -1.0 / 360.0,
        1.0 / 1260.0,
        -1.0 / 1680.0,
        1.0 / 1188.0,
        -691.0 / 360360.0,
        1.0 / 156.0,
        -3617.0 / 122400.0,
    ];
    let r = 1.0 / x;
    r * SERIES.iter().rev().fold(0.0, |sum, c| sum * r * r + c)
}

/// k log m − m − log Γ(k+1), the log probability of k under a Poisson law of mean m, for real k ≥ 0 and m ≥ 0.
///
/// `log_m` is log m, given apart so that m may underflow. Without cancellation for large k (Loader 2000).
pub fn log_poisson_kernel(k: f64, m: f64, log_m: f64) -> f64 {
    if k == 0.0 {
        -m
    } else if m == f64::INFINITY {
        f64::NEG_INFINITY
    } else if k < STIRLING_FROM || !m.is_normal() {
        k * log_m - m - lgamma(k + 1.0)
    } else {
        -stirling_gamma(k) - half_deviance(k, m) - 0.5 * k.ln() - HALF_LN_2PI
    }
}

/// (a−1) log y − y − log Γ(a), the log density of Gamma(a, 1) at y ≥ 0, with its limits at y = 0.
///
/// `log_y` is log y, given apart so that y may underflow. Without cancellation for large a.
pub fn standard_gamma_log_density(a: f64, y: f64, log_y: f64) -> f64 {
    if a >= 1.0 {
        log_poisson_kernel(a - 1.0, y, log_y)
    } else if log_y == f64::NEG_INFINITY {
        f64::INFINITY
    } else {
        log_poisson_kernel(a, y, log_y) + a.ln() - log_y
    }
}

/// The entropy of Gamma(a, 1): a + log Γ(a) + (1−a) ψ(a), without cancellation for large a.
pub fn standard_gamma_entropy(a: f64) -> f64 {
    if a < STIRLING_FROM {
        return a + lgamma(a) + (1.0 - a) * digamma(a);
    }
    0.5 * a.ln() + HALF_LN_2PI + stirling_gamma(a) + (a - 1.0) * log_minus_digamma(a)
}

/// log Γ(a) − log Γ(b) − (a−b) ψ(b) ≥ 0, the Bregman divergence of log Γ, accurate for a close to b.
///
/// Every Kullback–Leibler divergence between Gamma, Beta, Dirichlet or Wishart laws is made of it.
pub fn lgamma_bregman(a: f64, b: f64) -> f64 {
    let gap = a - b;
    if gap.abs() < 0.5 * b {
        // Taylor's remainder ∫ (1−s) ψ′(b + s gap) ds: a sum of positive terms.
        return gap * gap * gauss_legendre(|s| (1.0 - s) * trigamma(b + s * gap), 0.0, 1.0);
    }
    lgamma(a) - lgamma(b) - gap * digamma(b)
}

const EULER: f64 = 0.577215664901532860606512090082402431;

/// ψ(x) = d log Γ(x)/dx for x > 0; −∞ at 0, NaN below.
///
/// A Taylor series about the positive root, so that the relative accuracy holds there; elsewhere recurrence and the
/// asymptotic series (Abramowitz & Stegun 6.3.18).
pub fn digamma(x: f64) -> f64 {
    if x <= 0.0 || x.is_nan() {
        return if x == 0.0 { f64::NEG_INFINITY } else { f64::NAN };
    }
    if x < 0.95 {
        return digamma(x + 1.0) - 1.0 / x;
    }
    let from_root = (x - ROOT.0) - ROOT.1;
    if from_root.abs() < 0.52 {
        return from_root * ROOT_SERIES.iter().rev().fold(0.0, |sum, c| sum * from_root + c);
    }
    let (mut shifted, mut inverses) = (x, 0.0);
    while shifted < ASYMPTOTIC_FROM {
        inverses += 1.0 / shifted;
        shifted += 1.0;
    }
    shifted.ln() - log_minus_digamma_series(shifted) - inverses
}

/// log x − ψ(x) > 0, about 1/(2x), without cancellation for large x.
pub fn log_minus_digamma(x: f64) -> f64 {
    if x < ASYMPTOTIC_FROM { x.ln() - digamma(x) } else { log_minus_digamma_series(x) }
}

const ASYMPTOTIC_FROM: f64 = 10.0;

/// B₂ₖ for k = 1, 2, …
const BERNOULLI: [f64; 9] = [
    1.0 / 6.0,
    -1.0 / 30.0,
    1.0 / 42.0,
    -1.0 / 30.0,
    5.0 / 66.0,
    -691.0 / 2730.0,
    7.0 / 6.0,
    -3617.0 / 510.0,
    43867.0 / 798.0,
];

/// 1/(2x) + Σₖ B₂ₖ/(2k x²ᵏ)
fn log_minus_digamma_series(x: f64) -> f64 {
    let r = 1.0 / (x * x);
    let mut sum = 0.0;
    for (k, b) in BERNOULLI.iter().enumerate().rev() {
        sum = (sum + b / (2 * k + 2) as f64) * r;
    }
    0.5 / x + sum
}

/// ψ′(x) for x > 0; ∞ at 0, NaN below.
pub fn trigamma(x: f64) -> f64 {
    if x <= 0.0 || x.is_nan() {
        return if x == 0.0 { f64::INFINITY } else { f64::NAN };
    }
    let (mut shifted, mut inverses) = (x, 0.0);
    while shifted < ASYMPTOTIC_FROM {
        inverses += 1.0 / (shifted * shifted);
        shifted += 1.0;
    }
    // 1/x + 1/(2x²) + Σₖ B₂ₖ/x²ᵏ⁺¹
    let r = 1.0 / (shifted * shifted);
    let series = BERNOULLI.iter().rev().fold(0.0, |sum, b| (sum + b) * r);
    inverses + 1.0 / shifted + 0.5 * r + series / shifted
}

/// ψ″(x) < 0 for x > 0; −∞ at 0, NaN below.
pub fn tetragamma(x: f64) -> f64 {
    if x <= 0.0 || x.is_nan() {
        return if x == 0.0 { f64::NEG_INFINITY } else { f64::NAN };
    }
    let (mut shifted, mut inverses) = (x, 0.0);
    while shifted < ASYMPTOTIC_FROM {
        inverses += 2.0 / (shifted * shifted * shifted);
        shifted += 1.0;
    }
    // 1/x² + 1/x³ + Σₖ (2k+1) B₂ₖ/x²ᵏ⁺²
    let r = 1.0 / (shifted * shifted);
    let mut series = 0.0;
    for (k, b) in BERNOULLI.iter().enumerate().rev() {
        series = (series + (2 * k + 3) as f64 * b) * r;
    }
    -(inverses + r + r / shifted + series * r)
}

/// The x > 0 with ψ(x) = y, by Newton's method from Minka's starting point (2000, *Estimating a Dirichlet distribution*).
///
/// 0 for y = −∞, ∞ for y so large that eʸ overflows.
pub fn inverse_digamma(y: f64) -> f64 {
    if y.is_nan() || y > 709.0 {
        return if y.is_nan() { y } else { f64::INFINITY };
    }
    let mut x = if y >= -2.22 { y.exp() + 0.5 } else { -1.0 / (y + EULER) };
    if x == 0.0 {
        return 0.0;
    }
    for _ in 0..20 {
        let step = (digamma(x) - y) / trigamma(x);
        // ψ is concave, so a step from the right may pass 0; halving keeps the iterate positive.
        let next = if step < x { x - step } else { 0.5 * x };
        let done = (next - x).abs() <= 2.0 * f64::EPSILON * x;
        x = next;
        if done {
            break;
        }
    }
    x
}

/// The positive root of ψ as an unevaluated sum of two doubles.
const ROOT: (f64, f64) = (1.4616321449683622, 9.549995429965697e-17);

/// ψ⁽ᵏ⁾(root)/k! for k = 1, 2, …
const ROOT_SERIES: [f64; 36] = [
    0.9676722454476212,
    -0.4427631689835921,
    0.258499760955651,
    -0.16394270544240652,
    0.10782405069126237,
    -0.07219956125645471,
    0.04880428816414311,
    -0.03316112647484736,
    0.022597648232218104,
    -0.01542476590494896,
    0.010538791616612175,
    -0.007204534386356869,
    0.004926781395729853,
    -0.003369801655439328,
    0.002305126326734928,
    -0.0015769367714301972,
    0.0010788252019162967,
    -0.0007380709389960052,
    0.000504953265834602,
    -0.0003454680251063077,
    0.00023635601564027053,
    -0.00016170622091974803,
    0.0001106337276874741,
    -7.569179582195066e-05,
    5.178575795222081e-05,
    -3.5430070947659604e-05,
    2.424006611860132e-05,
    -1.6584242271854135e-05,
    1.134638458466385e-05,
    -7.762817668462094e-06,
    5.3110609208898636e-06,
    -3.6336507898010456e-06,
    2.486022733129538e-06,
    -1.7008538854332607e-06,
    1.1636675363548843e-06,
    -7.96142543124197e-07,
];

/// ζ(k) − 1 for k = 2, 3, …
const ZETA_MINUS_1: [f64; 28] = [
    0.6449340668482264,
    0.2020569031595943,
    0.08232323371113819,
    0.03692775514336993,
    0.01734306198444914,
    0.008349277381922827,
    0.00407735619794434,
    0.0020083928260822143,
    0.0009945751278180853,
    0.0004941886041194645,
    0.0002460865533080483,
    0.00012271334757848915,
    6.124813505870483e-05,
    3.058823630702049e-05,
    1.528225940865187e-05,
    7.637197637899763e-06,
    3.81729326499984e-06,
    1.908212716553939e-06,
    9.539620338727962e-07,
    4.769329867878064e-07,
    2.38450502727733e-07,
    1.1921992596531106e-07,
    5.960818905125948e-08,
    2.980350351465228e-08,
    1.4901554828365043e-08,
    7.45071178983543e-09,
    3.725334024788457e-09,
    1.862659723513049e-09,
];
