//! Laws that hold of every distribution: total probability 1, moments and entropy by quadrature or summation, draws that
//! follow the density.

mod quadrature;

use nalgebra::{DMatrix, DVector};
use quadrature::{expect, half_line, line, unit};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use vi_core::dist::*;

#[track_caller]
fn close(name: &str, got: f64, want: f64, tolerance: f64) {
    assert!((got - want).abs() <= tolerance * want.abs().max(1.0), "{name}: {got} is not {want}");
}

/// Probability 1, and mean, variance and entropy as the sums or integrals that define them.
#[track_caller]
fn check(nodes: &[(f64, f64)], log_p: impl Fn(f64) -> f64, mean: f64, variance: f64, entropy: f64) {
    close("total", expect(nodes, &log_p, |_, _| 1.0), 1.0, 1e-10);
    close("entropy", expect(nodes, &log_p, |_, log_p| -log_p), entropy, 1e-9);
    if mean.is_finite() {
        close("mean", expect(nodes, &log_p, |x, _| x), mean, 1e-9);
    }
    if variance.is_finite() {
        close("variance", expect(nodes, &log_p, |x, _| (x - mean) * (x - mean)), variance, 1e-8);
    }
}

macro_rules! check_law {
    ($nodes:expr, $law:expr) => {{
        let law = $law;
        check($nodes, |x| law.log_density(x), law.expectation(), law.variance(), law.entropy())
    }};
}

macro_rules! check_count {
    ($greatest:expr, $law:expr) => {{
        let law = $law;
        let nodes: Vec<(f64, f64)> = (0..=$greatest).map(|k: u64| (k as f64, 1.0)).collect();
        check(&nodes, |x| law.log_density(x as u64), law.expectation(), law.variance(), law.entropy())
    }};
}

#[test]
fn real_laws_have_the_moments_and_entropy_of_their_densities() {
    let (line, half_line, unit) = (line(0.01), half_line(0.01), unit(0.01));
    check_law!(&line, Normal::mean_var(-1.5, 2.0));
    check_law!(&line, Normal::mean_prec(0.5, 40.0));
    // The density has a corner at 0, where the two halves meet.
    let halves: Vec<(f64, f64)> = half_line.iter().flat_map(|&(x, w)| [(x, w), (-x, w)]).collect();
    check_law!(&halves, Laplace::mean_scale(0.0, 1.7));
    check_law!(&line, StudentT::mean_scale_dof(0.3, 1.5, 7.0));
    check_law!(&line, StudentT::mean_scale_dof(0.3, 0.5, 30.0));
    check_law!(&half_line, Exponential::mean(2.5));
    check_law!(&half_line, Gamma::shape_rate(0.6, 1.5));
    check_law!(&half_line, Gamma::shape_scale(25.0, 0.2));
    check_law!(&half_line, InverseGamma::shape_scale(4.5, 2.0));
    check_law!(&half_line, LogNormal::mean_sd(0.3, 0.7));
    check_law!(&unit, Beta::a_b(0.7, 2.0));
    check_law!(&unit, Beta::a_b(30.0, 12.0));
    for power in [-2.0, -1.0, 1.0, 2.0] {
        check_law!(&half_line, PowerGamma::shape_rate_power(3.5, 1.3, power));
    }
    let uniform: Vec<(f64, f64)> = unit.iter().map(|(u, w)| (3.0 * u - 1.0, 3.0 * w)).collect();
    check_law!(&uniform, Uniform::a_b(-1.0, 2.0));
    let cauchy = Cauchy::mean_scale(0.0, 2.0);
    check(&line, |x| cauchy.log_density(x), f64::NAN, f64::NAN, cauchy.entropy());
    let heavy = StudentT::mean_scale_dof(0.0, 2.0, 1.5);
    check(&line, |x| heavy.log_density(x), f64::NAN, f64::NAN, heavy.entropy());
    assert!(heavy.variance() == f64::INFINITY && heavy.expectation() == 0.0);
}

#[test]
fn large_parameters_keep_the_entropy() {
    // The normal limits: a standardised gamma, beta or t law of many degrees approaches the normal law as 1/n.
    let half_log = 0.5 + 0.5 * (2.0 * std::f64::consts::PI).ln();
    let gamma = Gamma::shape_rate(1e12, 1.0);
    close("gamma", gamma.entropy(), half_log + 0.5 * gamma.variance().ln(), 1e-11);
    let beta = Beta::a_b(2e12, 1e12);
    close("beta", beta.entropy(), half_log + 0.5 * beta.variance().ln(), 1e-9);
    let t = StudentT::mean_scale_dof(0.0, 1.0, 1e13);
    close("t", t.entropy(), half_log, 1e-12);
    let poisson = Poisson::rate(1e12);
    close("poisson", poisson.entropy(), half_log + 0.5 * 1e12f64.ln(), 1e-9);
}

#[test]
fn count_laws_have_the_moments_and_entropy_of_their_densities() {
    check_count!(200, Poisson::rate(0.3));
    check_count!(400, Poisson::log(3.0));
    check_count!(30, Binomial::n_p(30, 0.2));
    check_count!(30, Binomial::n_logit(30, 2.0));
    check_count!(7, Binomial::n_p(7, 1.0));
    check_count!(3000, NegativeBinomial::mean_dispersion(5.0, 0.7));
    check_count!(3000, NegativeBinomial::mean_dispersion(50.0, 7.0));
    check_count!(4000, Geometric::p(0.03));
    check_count!(1, Geometric::p(1.0));
}

#[test]
fn entropies_of_wide_count_laws_are_sums_over_all_counts() {
    // Compensated (Kahan): there are more terms than a plain sum has digits for.
    let sum = |range: std::ops::Range<u64>, log_p: &dyn Fn(u64) -> f64| -> f64 {
        let (mut sum, mut carry) = (0.0, 0.0);
        for l in range.map(log_p).filter(|&l| l > -700.0) {
            let term = -l * l.exp() - carry;
            let next = sum + term;
            carry = (next - sum) - term;
            sum = next;
        }
        sum
    };
    let poisson = Poisson::rate(1e6);
    close("Poisson", poisson.entropy(), sum(960_000..1_040_000, &|k| poisson.log_density(k)), 1e-13);
    let binomial = Binomial::n_p(2_000_000, 0.3);
    close("Binomial", binomial.entropy(), sum(570_000..630_000, &|k| binomial.log_density(k)), 1e-13);
    let skewed = NegativeBinomial::mean_dispersion(1e4, 0.5);
    close("NegativeBinomial", skewed.entropy(), sum(0..1_500_000, &|k| skewed.log_density(k)), 1e-13);
    let peaked = NegativeBinomial::mean_dispersion(3e4, 3.0);
    close("NegativeBinomial", peaked.entropy(), sum(0..600_000, &|k| peaked.log_density(k)), 1e-13);
    let near = NegativeBinomial::mean_dispersion(9e3, 2.5);
    close("NegativeBinomial", near.entropy(), sum(0..200_000, &|k| near.log_density(k)), 1e-13);
}

#[test]
fn finite_laws_have_the_moments_and_entropy_of_their_densities() {
    for law in [Bernoulli::p(0.2), Bernoulli::logit(-3.0), Bernoulli::probit(0.4), Bernoulli::p(0.0)] {
        let p = [law.log_density(false).exp(), law.log_density(true).exp()];
        close("total", p[0] + p[1], 1.0, 1e-15);
        close("mean", law.expectation(), p[1], 1e-15);
        close("variance", law.variance(), p[0] * p[1], 1e-15);
        close("entropy", law.entropy(), p.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum(), 1e-15);
    }
    for law in [Categorical::p(&[0.2, 0.5, 0.3, 0.0]), Categorical::logit(&[700.0, 701.0, -5.0])] {
        let p: Vec<f64> = (0..law.len()).map(|k| law.log_density(k).exp()).collect();
        close("total", p.iter().sum(), 1.0, 1e-14);
        close("entropy", law.entropy(), p.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum(), 1e-14);
        assert_eq!(law.log_density(law.len()), f64::NEG_INFINITY);
    }
    let uniform = Uniform::categories(5);
    close("total", (0..7).map(|k| uniform.log_density(k).exp()).sum(), 1.0, 1e-15);
    close("entropy", uniform.entropy(), 5f64.ln(), 1e-15);
    let constant = Constant::value(3usize);
    assert_eq!([constant.log_density(3), constant.log_density(2)], [0.0, f64::NEG_INFINITY]);
    assert_eq!(Flat.log_density([1.0, 2.0]), 0.0);
}

#[test]
fn a_multinomial_has_the_moments_and_entropy_of_its_density() {
    let p = [0.2, 0.0, 0.5, 0.3];
    let n = 9;
    let law = Multinomial::n_p(n, &p);
    let (mut total, mut entropy, mut mean, mut square) = (0.0, 0.0, [0.0; 4], [0.0; 4]);
    for a in 0..=n {
        for b in 0..=n - a {
            for c in 0..=n - a - b {
                let x = [a, b, c, n - a - b - c];
                let log_p = law.log_density(&x);
                if log_p == f64::NEG_INFINITY {
                    continue;
                }
                total += log_p.exp();
                entropy -= log_p * log_p.exp();
                for k in 0..4 {
                    mean[k] += log_p.exp() * x[k] as f64;
                    square[k] += log_p.exp() * (x[k] * x[k]) as f64;
                }
            }
        }
    }
    close("total", total, 1.0, 1e-13);
    close("entropy", law.entropy(), entropy, 1e-12);
    for k in 0..4 {
        close("mean", law.expectation()[k], mean[k], 1e-13);
        close("variance", law.variance()[k], square[k] - mean[k] * mean[k], 1e-12);
    }
}

#[test]
fn vector_laws_have_the_moments_and_entropy_of_their_densities() {
    let (line, unit) = (line(0.04), unit(0.04));
    let plane: Vec<([f64; 2], f64)> =
        line.iter().flat_map(|&(x, w)| line.iter().map(move |&(y, v)| ([x, y], w * v))).collect();
    let cov = DMatrix::from_row_slice(2, 2, &[2.0, 0.6, 0.6, 0.5]);
    let normal = MvNormal::mean_cov(&[0.3, -0.4], &cov).unwrap();
    let log_p = |x: [f64; 2]| normal.log_density(&x);
    close("total", expect(&plane, log_p, |_, _| 1.0), 1.0, 1e-9);
    close("entropy", expect(&plane, log_p, |_, l| -l), normal.entropy(), 1e-9);
    close("cov", expect(&plane, log_p, |x, _| (x[0] - 0.3) * (x[1] + 0.4)), 0.6, 1e-9);
    close("cov", normal.variance()[(0, 1)], 0.6, 1e-14);
    let by_prec = MvNormal::mean_prec(&[0.3, -0.4], &normal.precision()).unwrap();
    close("cov", by_prec.variance()[(0, 1)], 0.6, 1e-13);
    close("entropy", by_prec.entropy(), normal.entropy(), 1e-13);
    let diagonal = DiagNormal::mean_var(&[0.3, -0.4], &[2.0, 0.5]).unwrap();
    close("entropy", expect(&plane, |x| diagonal.log_density(&x), |_, l| -l), diagonal.entropy(), 1e-9);
    close("variance", diagonal.variance()[1], 0.5, 1e-15);

    // The simplex as (u, (1−u)v, (1−u)(1−v)), of Jacobian 1 − u.
    let simplex: Vec<([f64; 3], f64)> = unit
        .iter()
        .flat_map(|&(u, w)| {
            unit.iter().map(move |&(v, s)| ([u, (1.0 - u) * v, (1.0 - u) * (1.0 - v)], w * s * (1.0 - u)))
        })
        .collect();
    let dirichlet = Dirichlet::a(&[0.8, 2.0, 3.5]);
    let log_p = |x: [f64; 3]| dirichlet.log_density(&x);
    close("total", expect(&simplex, log_p, |_, _| 1.0), 1.0, 1e-9);
    close("entropy", expect(&simplex, log_p, |_, l| -l), dirichlet.entropy(), 1e-8);
    let mean = dirichlet.expectation()[1];
    close("mean", expect(&simplex, log_p, |x, _| x[1]), mean, 1e-9);
    close(
        "variance",
        expect(&simplex, log_p, |x, _| (x[1] - mean) * (x[1] - mean)),
        dirichlet.variance()[1],
        1e-9,
    );
}

/// x₀₀, x₀₁, x₁₁ of a symmetric matrix, and its log density under some law.
type Point = ([f64; 3], f64);

/// Nodes over the 2 × 2 symmetric positive definite matrices, x₀₁ = r √(x₀₀ x₁₁), and the log density at each.
fn positive_definite(log_density: impl Fn(&DMatrix<f64>) -> f64) -> Vec<(Point, f64)> {
    // With log x for coordinate the trapezoidal rule converges exponentially: the integrand dies off at both ends.
    let step = 0.2;
    let diagonal: Vec<(f64, f64)> =
        (-48..=46).map(|i| (step * f64::from(i)).exp()).map(|x| (x, step * x)).collect();
    let correlation: Vec<(f64, f64)> = unit(0.15).into_iter().filter(|(_, w)| *w > 1e-14).collect();
    let mut nodes = Vec::new();
    for &(a, wa) in &diagonal {
        for &(b, wb) in &diagonal {
            for &(u, wu) in &correlation {
                let root = (a * b).sqrt();
                let c = (2.0 * u - 1.0) * root;
                let log_p = log_density(&DMatrix::from_row_slice(2, 2, &[a, c, c, b]));
                nodes.push((([a, c, b], log_p), 2.0 * wa * wb * wu * root));
            }
        }
    }
    nodes
}

#[track_caller]
fn check_matrix_law(
    log_density: impl Fn(&DMatrix<f64>) -> f64,
    mean: &DMatrix<f64>,
    variance: &DMatrix<f64>,
    expect_log_det: f64,
    entropy: f64,
) {
    let nodes = positive_definite(log_density);
    let expect = |f: &dyn Fn([f64; 3]) -> f64| expect(&nodes, |x: Point| x.1, |x, _| f(x.0));
    close("total", expect(&|_| 1.0), 1.0, 1e-7);
    close("log det", expect(&|x| (x[0] * x[2] - x[1] * x[1]).ln()), expect_log_det, 1e-7);
    close("entropy", quadrature::expect(&nodes, |x: Point| x.1, |_, l| -l), entropy, 1e-7);
    for (at, i, j) in [(0, 0, 0), (1, 0, 1), (2, 1, 1)] {
        let m = mean[(i, j)];
        close("mean", expect(&|x| x[at]), m, 1e-7);
        close("variance", expect(&|x| (x[at] - m) * (x[at] - m)), variance[(i, j)], 1e-7);
    }
}

#[test]
fn matrix_laws_have_the_moments_and_entropy_of_their_densities() {
    let scale = DMatrix::from_row_slice(2, 2, &[1.2, 0.3, 0.3, 0.7]);
    let law = Wishart::dof_scale(5.0, &scale).unwrap();
    let moments = (law.expectation(), law.variance());
    check_matrix_law(|x| law.log_density(x), &moments.0, &moments.1, law.expect_log_det(), law.entropy());
    let law = InverseWishart::dof_scale(13.0, &scale).unwrap();
    let moments = (law.expectation(), law.variance());
    check_matrix_law(|x| law.log_density(x), &moments.0, &moments.1, law.expect_log_det(), law.entropy());
}

const DRAWS: usize = 40_000;

/// The share of draws below each of several points is within 4.5 standard errors of its probability.
#[track_caller]
fn check_draws<F: Univariate>(law: &F, points: &[f64]) {
    let mut rng = ChaCha8Rng::seed_from_u64(20240229);
    let draws: Vec<f64> = (0..DRAWS).map(|_| law.sample(&mut rng).to_f64()).collect();
    let mut informative = 0;
    for &point in points {
        let p = law.log_interval(f64::NEG_INFINITY, point).exp();
        let share = draws.iter().filter(|&&x| x <= point).count() as f64 / DRAWS as f64;
        let error = (p * (1.0 - p) / DRAWS as f64).sqrt();
        assert!((share - p).abs() <= 4.5 * error + 1e-12, "below {point}: {share} of draws, probability {p}");
        informative += usize::from(p > 0.02 && p < 0.98);
    }
    assert!(informative >= 2, "the points tell too little");
}

const AROUND: [f64; 6] = [0.1, 0.5, 1.0, 2.0, 3.0, 5.0];

#[test]
fn draws_follow_the_density() {
    check_draws(&Normal::mean_sd(1.0, 1.5), &AROUND);
    check_draws(&LogNormal::mean_sd(0.3, 0.9), &AROUND);
    check_draws(&Laplace::mean_scale(1.0, 1.0), &AROUND);
    check_draws(&Cauchy::mean_scale(1.0, 0.7), &AROUND);
    check_draws(&StudentT::mean_scale_dof(1.0, 1.5, 2.5), &AROUND);
    check_draws(&Exponential::rate(0.7), &AROUND);
    check_draws(&Gamma::shape_rate(0.3, 0.3), &AROUND);
    check_draws(&Gamma::shape_rate(4.0, 2.0), &AROUND);
    check_draws(&InverseGamma::shape_scale(2.0, 2.0), &AROUND);
    check_draws(&Beta::a_b(0.5, 1.5), &[0.01, 0.1, 0.3, 0.7]);
    check_draws(&Uniform::a_b(-1.0, 2.0), &AROUND);
    check_draws(&Poisson::rate(2.5), &AROUND);
    check_draws(&Poisson::rate(1e5), &[99_500.0, 1e5, 100_300.0]);
    check_draws(&Binomial::n_p(10, 0.3), &AROUND);
    check_draws(&Binomial::n_logit(1000, 2.0), &[870.0, 880.0, 890.0]);
    check_draws(&NegativeBinomial::mean_dispersion(3.0, 0.8), &AROUND);
    check_draws(&Geometric::p(0.3), &AROUND);
}

#[track_caller]
fn check_truncated<F: Univariate>(law: F, min: f64, max: f64, points: &[f64]) {
    let law = Truncated::new(law, min, max);
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let draws: Vec<f64> = (0..4000).map(|_| law.sample(&mut rng).to_f64()).collect();
    assert!(draws.iter().all(|&x| min <= x && x <= max));
    for &point in points {
        let p = law.log_interval(f64::NEG_INFINITY, point).exp();
        assert!(p > 0.02 && p < 0.98, "{point} tells too little: {p}");
        let share = draws.iter().filter(|&&x| x <= point).count() as f64 / draws.len() as f64;
        let error = (p * (1.0 - p) / draws.len() as f64).sqrt();
        assert!((share - p).abs() <= 4.5 * error, "below {point}: {share} of draws, probability {p}");
    }
}

#[test]
fn truncated_draws_follow_the_truncated_density() {
    let open = f64::INFINITY;
    check_truncated(Normal::mean_sd(0.0, 1.0), 0.0, open, &[0.3, 0.7, 1.5]);
    check_truncated(Normal::mean_sd(0.0, 1.0), 12.0, open, &[12.02, 12.1]);
    check_truncated(Normal::mean_sd(0.0, 1.0), -open, -30.0, &[-30.05, -30.01]);
    check_truncated(Normal::mean_sd(0.0, 1.0), 1.0, 1.0 + 1e-9, &[1.0 + 5e-10]);
    check_truncated(Gamma::shape_rate(3.0, 1.0), 20.0, open, &[20.5, 22.0]);
    check_truncated(Gamma::shape_rate(0.1, 1.0), 0.0, 1e-9, &[1e-12, 5e-10]);
    check_truncated(InverseGamma::shape_scale(3.0, 1.0), 0.0, 0.05, &[0.045, 0.048]);
    check_truncated(LogNormal::mean_sd(0.0, 1.0), 50.0, open, &[55.0, 70.0]);
    check_truncated(Beta::a_b(2.0, 3.0), 0.95, 1.0, &[0.96, 0.97]);
    check_truncated(StudentT::mean_scale_dof(0.0, 1.0, 3.0), 30.0, open, &[33.0, 50.0]);
    check_truncated(Laplace::mean_scale(0.0, 1.0), 40.0, open, &[40.5, 41.0]);
    check_truncated(Cauchy::mean_scale(0.0, 1.0), -open, -1e6, &[-5e6, -2e6]);
    check_truncated(Exponential::rate(1.0), 0.0, 0.01, &[0.003, 0.006]);
    check_truncated(Poisson::rate(2.0), 1.0, open, &[1.0, 2.0]);
    check_truncated(Poisson::rate(2.0), 15.0, open, &[15.0]);
    check_truncated(Binomial::n_p(100, 0.1), 40.0, 60.0, &[40.0]);
    check_truncated(NegativeBinomial::mean_dispersion(2.0, 1.0), 30.0, 35.0, &[31.0, 33.0]);
    check_truncated(Geometric::p(0.2), 0.5, 20.0, &[2.0, 5.0]);
    check_truncated(Geometric::p(0.01), 2000.0, open, &[2020.0, 2100.0]);
}

#[test]
fn truncation_of_counts_includes_both_bounds() {
    let law = Truncated::new(Poisson::rate(2.0), 1.0, 3.0);
    let total: f64 = (0..10).map(|k| law.log_density(k).exp()).sum();
    close("total", total, 1.0, 1e-14);
    assert!(law.log_density(1).is_finite() && law.log_density(3).is_finite());
    assert_eq!([law.log_density(0), law.log_density(4)], [f64::NEG_INFINITY; 2]);
}

/// Sample means of each coordinate within 4.5 standard errors.
#[track_caller]
fn check_means(mean: &[f64], variance: &[f64], mut draw: impl FnMut(&mut ChaCha8Rng) -> Vec<f64>) {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let mut sums = vec![0.0; mean.len()];
    let mut squares = vec![0.0; mean.len()];
    for _ in 0..DRAWS {
        let x = draw(&mut rng);
        for d in 0..mean.len() {
            sums[d] += x[d] - mean[d];
            squares[d] += (x[d] - mean[d]).powi(2);
        }
    }
    let n = DRAWS as f64;
    for d in 0..mean.len() {
        let error = (variance[d] / n).sqrt();
        assert!((sums[d] / n).abs() <= 4.5 * error, "mean {d} is off by {}, se {error}", sums[d] / n);
        let ratio = squares[d] / n / variance[d];
        assert!((ratio - 1.0).abs() < 0.08, "variance {d} is {ratio} of what it should be");
    }
}

#[test]
fn draws_of_vectors_and_matrices_have_the_moments() {
    let vec = |v: &DVector<f64>| v.as_slice().to_vec();
    let dirichlet = Dirichlet::a(&[0.4, 2.0, 5.0]);
    check_means(&vec(&dirichlet.expectation()), &vec(&dirichlet.variance()), |rng| {
        vec(&dirichlet.sample(rng))
    });
    let p = [0.1, 0.6, 0.3];
    let multinomial = Multinomial::n_p(12, &p);
    check_means(&vec(&multinomial.expectation()), &vec(&multinomial.variance()), |rng| {
        multinomial.sample(rng).iter().map(|&k| k as f64).collect()
    });
    for law in [Categorical::p(&p), Categorical::logit(&[0.0, 1.0, -1.0])] {
        check_means(&vec(&law.expectation()), &vec(&law.variance()), |rng| {
            let k = law.sample(rng);
            (0..3).map(|j| f64::from(u8::from(j == k))).collect()
        });
    }
    let uniform = Uniform::categories(4);
    check_means(&[1.5], &[1.25], |rng| vec![uniform.sample(rng) as f64]);
    let bernoulli = Bernoulli::probit(0.5);
    check_means(&[bernoulli.expectation()], &[bernoulli.variance()], |rng| {
        vec![f64::from(u8::from(bernoulli.sample(rng)))]
    });
    for power in [-2.0, 2.0] {
        let law = PowerGamma::shape_rate_power(5.0, 2.0, power);
        check_means(&[law.expectation()], &[law.variance()], |rng| vec![law.sample(rng)]);
    }
    let diagonal = DiagNormal::mean_prec(&[1.0, -2.0], &[4.0, 0.25]).unwrap();
    check_means(&vec(&diagonal.expectation()), &vec(&diagonal.variance()), |rng| vec(&diagonal.sample(rng)));

    let cov = DMatrix::from_row_slice(2, 2, &[2.0, 0.6, 0.6, 0.5]);
    let by_cov = MvNormal::mean_cov(&[1.0, 2.0], &cov).unwrap();
    let by_prec = MvNormal::mean_prec(&[1.0, 2.0], &by_cov.precision()).unwrap();
    for law in [by_cov, by_prec] {
        // The third coordinate, a sum, carries the covariance.
        check_means(&[1.0, 2.0, 3.0], &[2.0, 0.5, 3.7], |rng| {
            let x = law.sample(rng);
            vec![x[0], x[1], x[0] + x[1]]
        });
    }
    let scale = DMatrix::from_row_slice(2, 2, &[1.2, 0.3, 0.3, 0.7]);
    let wishart = Wishart::dof_scale(6.5, &scale).unwrap();
    check_means(wishart.expectation().as_slice(), wishart.variance().as_slice(), |rng| {
        wishart.sample(rng).as_slice().to_vec()
    });
    let inverse = InverseWishart::dof_scale(14.0, &scale).unwrap();
    check_means(inverse.expectation().as_slice(), inverse.variance().as_slice(), |rng| {
        inverse.sample(rng).as_slice().to_vec()
    });
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    assert!(Constant::value(true).sample(&mut rng));
}

#[test]
fn tiny_shapes_draw_within_the_support() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for _ in 0..2000 {
        let x = Gamma::shape_rate(1e-3, 1.0).sample(&mut rng);
        assert!(x > 0.0 && x.is_finite());
        assert!(InverseGamma::shape_scale(1e-3, 1.0).sample(&mut rng).is_finite());
        let p = Dirichlet::symmetric(1e-3, 4).sample(&mut rng);
        assert!((p.sum() - 1.0).abs() < 1e-12, "{p}");
        assert!((0.0..=1.0).contains(&Beta::a_b(1e-3, 1e-3).sample(&mut rng)));
        let t = StudentT::mean_scale_dof(0.0, 1.0, 1e-3).sample(&mut rng);
        assert!(!t.is_nan());
    }
}
