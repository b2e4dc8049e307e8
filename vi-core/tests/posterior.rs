//! What is asked of posterior marginals, against quadrature, draws and published formulas.

mod quadrature;

use nalgebra::{DMatrix, DVector};
use quadrature::{expect, half_line, line, unit};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use vi_core::dist::*;
use vi_core::posterior::{Mixture, MvStudentT, RealLaw, VectorLaw, VectorMixture};

#[track_caller]
fn close(name: &str, got: f64, want: f64, tolerance: f64) {
    let agrees = got == want || (got - want).abs() <= tolerance * want.abs().max(1.0);
    assert!(agrees, "{name}: {got:e} is not {want:e}");
}

/// Moments by quadrature; the distribution function against the integral of the density, against its inverse and against draws.
fn check(name: &str, law: &impl RealLaw, nodes: &[(f64, f64)]) {
    let log_p = |x: f64| law.log_density(x);
    let mean = expect(nodes, log_p, |x, _| x);
    close(name, law.mean(), mean, 1e-9);
    close(name, law.var(), expect(nodes, log_p, |x, _| (x - mean) * (x - mean)), 1e-8);
    close(name, law.sd() * law.sd(), law.var(), 1e-14);

    for p in [1e-12, 1e-3, 0.1, 0.5, 0.8, 0.999] {
        let x = law.quantile(p);
        close(&format!("{name} at {p}"), law.cdf(x), p, 1e-13);
        assert!((law.cdf(x) / p - 1.0).abs() < 1e-11, "{name}: {} is not {p}", law.cdf(x));
        close(&format!("{name} above {p}"), law.survival(x), 1.0 - p, 1e-13);
        let step = 0.01 * (law.quantile(p) - law.quantile(0.98 * p));
        if (0.05..0.95).contains(&p) {
            let slope = (law.cdf(x + step) - law.cdf(x - step)) / (2.0 * step);
            close(&format!("{name} density at {p}"), slope, law.log_density(x).exp(), 1e-6);
        }
    }
    let (low, high) = law.interval(0.9);
    close(&format!("{name} low"), law.cdf(low), 0.05, 1e-13);
    close(&format!("{name} high"), law.survival(high), 0.05, 1e-13);
    assert_eq!(law.interval(0.0).0, law.interval(0.0).1, "{name}");
    assert!(law.interval(1.1).0.is_nan() && law.quantile(-0.1).is_nan() && law.quantile(f64::NAN).is_nan());

    // Kolmogorov & Smirnov: the chance of a distance beyond 2/√n is 7e-4.
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let n = 4000;
    let mut draws: Vec<f64> = (0..n).map(|_| law.cdf(law.sample(&mut rng))).collect();
    draws.sort_by(f64::total_cmp);
    let distance =
        draws.iter().enumerate().map(|(i, u)| (u - (i as f64 + 0.5) / n as f64).abs()).fold(0.0, f64::max);
    assert!(distance < 2.0 / (n as f64).sqrt(), "{name}: draws are off by {distance}");
}

#[test]
fn marginals_of_reals_answer_consistently() {
    let reals = line(1.0 / 256.0);
    let positive = half_line(1.0 / 256.0);
    let fractions = unit(1.0 / 256.0);
    check("Normal", &Normal::mean_sd(1.5, 0.7), &reals);
    check("StudentT", &StudentT::mean_scale_dof(-1.0, 2.0, 7.5), &reals);
    check("Gamma", &Gamma::shape_rate(2.5, 3.0), &positive);
    check("Gamma of small shape", &Gamma::shape_rate(0.3, 0.5), &positive);
    check("InverseGamma", &InverseGamma::shape_scale(4.5, 3.0), &positive);
    check("PowerGamma −2", &PowerGamma::shape_rate_power(3.5, 2.0, -2.0), &positive);
    check("PowerGamma 2", &PowerGamma::shape_rate_power(1.5, 2.0, 2.0), &positive);
    check("Beta", &Beta::a_b(2.5, 0.8), &fractions);
    let kinds = vec![Normal::mean_sd(-1.0, 0.5), Normal::mean_sd(2.0, 1.0), Normal::mean_sd(0.0, 3.0)];
    check("Mixture", &Mixture::new(vec![0.2, 0.5, 0.3], kinds).unwrap(), &reals);
    let kinds = vec![Beta::a_b(2.0, 9.0), Beta::a_b(7.0, 1.5)];
    check("Mixture of Betas", &Mixture::new(vec![0.6, 0.4], kinds).unwrap(), &fractions);
}

#[test]
fn divergences_are_expected_log_ratios() {
    let (reals, positive, fractions) = (line(1.0 / 256.0), half_line(1.0 / 256.0), unit(1.0 / 256.0));
    macro_rules! check {
        ($nodes:expr, $q:expr, $p:expr) => {{
            let (q, p) = ($q, $p);
            let want = expect(&$nodes, |x| q.log_density(x), |x, log_q| log_q - p.log_density(x));
            close(stringify!($q), q.kl_to(&p), want, 1e-9);
            assert_eq!(q.kl_to(&q), 0.0);
        }};
    }
    check!(reals, Normal::mean_sd(1.0, 0.5), Normal::mean_sd(-0.5, 2.0));
    check!(positive, Gamma::shape_rate(2.5, 3.0), Gamma::shape_rate(1.2, 0.8));
    check!(positive, InverseGamma::shape_scale(2.5, 3.0), InverseGamma::shape_scale(1.2, 0.8));
    let power = |shape, rate| PowerGamma::shape_rate_power(shape, rate, -2.0);
    check!(positive, power(2.5, 3.0), power(1.2, 0.8));
    check!(fractions, Beta::a_b(2.5, 3.0), Beta::a_b(1.2, 0.8));
    assert!(power(1.0, 1.0).kl_to(&PowerGamma::shape_rate_power(1.0, 1.0, 1.0)).is_nan());

    // Of one coordinate or two, the vector laws are the scalar ones.
    let q = Dirichlet::new(vec![2.5, 3.0]).kl_to(&Dirichlet::new(vec![1.2, 0.8]));
    close("Dirichlet", q, Beta::a_b(2.5, 3.0).kl_to(&Beta::a_b(1.2, 0.8)), 1e-14);
    let (one, other) = (DMatrix::from_row_slice(1, 1, &[0.25]), DMatrix::from_row_slice(1, 1, &[4.0]));
    let q = MvNormal::mean_cov(&[1.0], &one).unwrap().kl_to(&MvNormal::mean_cov(&[-0.5], &other).unwrap());
    close("MvNormal", q, Normal::mean_sd(1.0, 0.5).kl_to(&Normal::mean_sd(-0.5, 2.0)), 1e-14);
    let wishart =
        |dof, scale: f64| Wishart::dof_scale(dof, &DMatrix::from_row_slice(1, 1, &[scale])).unwrap();
    let gamma = |dof: f64, scale: f64| Gamma::shape_rate(0.5 * dof, 0.5 / scale);
    close(
        "Wishart",
        wishart(5.0, 2.0).kl_to(&wishart(3.0, 0.5)),
        gamma(5.0, 2.0).kl_to(&gamma(3.0, 0.5)),
        1e-13,
    );
}

/// KL between laws of matrices, as the mean of log ratios over draws, within five standard errors.
#[test]
fn divergences_of_matrix_laws_are_means_over_draws() {
    let (v, w) = (
        DMatrix::from_row_slice(2, 2, &[2.0, 0.5, 0.5, 1.0]),
        DMatrix::from_row_slice(2, 2, &[1.0, -0.3, -0.3, 1.5]),
    );
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut compare = |name: &str, kl: f64, ratio: &mut dyn FnMut(&mut ChaCha8Rng) -> f64| {
        let n = 4000;
        let ratios: Vec<f64> = (0..n).map(|_| ratio(&mut rng)).collect();
        let mean = ratios.iter().sum::<f64>() / n as f64;
        let var = ratios.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (n * n) as f64;
        assert!((mean - kl).abs() < 5.0 * var.sqrt(), "{name}: {kl} is not {mean} ± {}", var.sqrt());
    };
    let (q, p) = (Wishart::dof_scale(7.0, &v).unwrap(), Wishart::dof_scale(5.5, &w).unwrap());
    compare("Wishart", q.kl_to(&p), &mut |rng| {
        let x = q.sample(rng);
        q.log_density(&x) - p.log_density(&x)
    });
    let (q, p) = (InverseWishart::dof_scale(7.0, &v).unwrap(), InverseWishart::dof_scale(5.5, &w).unwrap());
    compare("InverseWishart", q.kl_to(&p), &mut |rng| {
        let x = q.sample(rng);
        q.log_density(&x) - p.log_density(&x)
    });
    let (q, p) =
        (MvNormal::mean_cov(&[1.0, 0.0], &v).unwrap(), MvNormal::mean_prec(&[0.0, 0.5], &w).unwrap());
    compare("MvNormal", q.kl_to(&p), &mut |rng| {
        let x = q.sample(rng);
        q.log_density(x.as_slice()) - p.log_density(x.as_slice())
    });
}

/// E x and Var x in 50 digits, where the difference of E x² and (E x)² has none left.
#[test]
fn moments_of_powers_keep_their_digits() {
    for (shape, rate, power, mean, var) in [
        (1e6, 3e5, -2.0, 0.5477227629012321, 7.500014062519453e-8),
        (1e9, 2.0, -1.0, 2.000000002e-9, 4.000000016e-27),
        (3.5, 2.0, -2.0, 0.8510768648563897, 0.07566817010621855),
        (1e4, 7.0, 2.0, 37.795974848284494, 0.03571383927455392),
    ] {
        let law = PowerGamma::shape_rate_power(shape, rate, power);
        assert!((law.mean() / mean - 1.0).abs() < 1e-13, "{law:?}: {:e}", law.mean());
        assert!((law.var() / var - 1.0).abs() < 1e-13, "{law:?}: {:e}", law.var());
    }
    // Neither exists.
    let law = PowerGamma::shape_rate_power(0.4, 1.0, -2.0);
    assert!(law.mean() == f64::INFINITY && law.var().is_nan());
    let law = PowerGamma::shape_rate_power(0.9, 1.0, -2.0);
    assert!(law.mean().is_finite() && law.var() == f64::INFINITY);
}

/// Mean and covariance of draws against those of the law, within six standard errors of the mean.
fn check_vector(name: &str, law: &impl VectorLaw) {
    let n = 8000;
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let draws: Vec<DVector<f64>> = (0..n).map(|_| law.sample(&mut rng)).collect();
    let (mean, cov) = (law.mean(), law.cov());
    let average = draws.iter().fold(DVector::zeros(mean.len()), |sum, x| sum + x) / n as f64;
    let gaps: Vec<DVector<f64>> = draws.iter().map(|x| x - &mean).collect();
    for i in 0..law.dimension() {
        let error = (cov[(i, i)] / n as f64).sqrt();
        assert!((average[i] - mean[i]).abs() < 6.0 * error, "{name}: mean {i}");
        let marginal = law.marginal(i);
        close(name, marginal.mean(), mean[i], 1e-13);
        close(name, marginal.var(), cov[(i, i)], 1e-13);
        close(name, law.var()[i], cov[(i, i)], 1e-13);
        assert_eq!(law.interval(0.8)[i], marginal.interval(0.8));
        for j in 0..law.dimension() {
            let products: Vec<f64> = gaps.iter().map(|g| g[i] * g[j]).collect();
            let found = products.iter().sum::<f64>() / n as f64;
            let error = (products.iter().map(|v| (v - found).powi(2)).sum::<f64>() / (n * n) as f64).sqrt();
            assert!((found - cov[(i, j)]).abs() < 6.0 * error, "{name}: cov {i} {j}");
        }
        // The marginal is the law of the coordinate of the draws.
        let mut u: Vec<f64> = draws.iter().map(|x| marginal.cdf(x[i])).collect();
        u.sort_by(f64::total_cmp);
        let distance =
            u.iter().enumerate().map(|(k, u)| (u - (k as f64 + 0.5) / n as f64).abs()).fold(0.0, f64::max);
        assert!(distance < 2.0 / (n as f64).sqrt(), "{name}: coordinate {i} is off by {distance}");
    }
    assert!(law.marginal(law.dimension()).mean().is_nan(), "{name}");
}

#[test]
fn marginals_of_vectors_answer_consistently() {
    let cov = DMatrix::from_row_slice(3, 3, &[2.0, 0.3, -0.4, 0.3, 1.0, 0.2, -0.4, 0.2, 0.8]);
    let mean = [1.0, -2.0, 0.5];
    check_vector("MvNormal by cov", &MvNormal::mean_cov(&mean, &cov).unwrap());
    check_vector("MvNormal by prec", &MvNormal::mean_prec(&mean, &cov).unwrap());
    check_vector("Dirichlet", &Dirichlet::new(vec![0.5, 2.0, 4.0]));
    check_vector("MvStudentT", &MvStudentT::mean_scale_dof(&mean, &cov, 9.0).unwrap());
    let kinds = vec![
        MvNormal::mean_cov(&[0.0, 3.0], &DMatrix::from_row_slice(2, 2, &[1.0, 0.5, 0.5, 1.0])).unwrap(),
        MvNormal::mean_cov(&[-2.0, 0.0], &DMatrix::from_row_slice(2, 2, &[0.3, 0.0, 0.0, 2.0])).unwrap(),
    ];
    let mixture = VectorMixture::new(vec![0.3, 0.7], kinds).unwrap();
    check_vector("VectorMixture", &mixture);
    let x = [-1.0, 1.0];
    let by_hand: f64 =
        (0..2).map(|k| mixture.weights()[k] * mixture.components()[k].log_density(&x).exp()).sum();
    close("VectorMixture", mixture.log_density(&x), by_hand.ln(), 1e-14);
}

#[test]
fn student_vectors_have_their_published_density() {
    let scale = DMatrix::from_row_slice(3, 3, &[2.0, 0.3, -0.4, 0.3, 1.0, 0.2, -0.4, 0.2, 0.8]);
    let law = MvStudentT::mean_scale_dof(&[1.0, -2.0, 0.5], &scale, 5.5).unwrap();
    // scipy.stats.multivariate_t
    close("log density", law.log_density(&[0.2, 0.1, 1.5]), -5.713879274161421, 1e-13);
    close("entropy", law.entropy(), 4.89210472, 1e-8);
    assert!(law.log_density(&[0.0]).is_nan());
    // Of one coordinate it is Student's own, also for many degrees of freedom.
    for dof in [0.7, 3.0, 1e3, 1e12] {
        let one = MvStudentT::mean_scale_dof(&[0.3], &DMatrix::from_row_slice(1, 1, &[2.25]), dof).unwrap();
        let same = StudentT::mean_scale_dof(0.3, 1.5, dof);
        for x in [-4.0, 0.3, 1.1, 50.0] {
            close("log density", one.log_density(&[x]), same.log_density(x), 1e-12);
        }
        close("entropy", one.entropy(), same.entropy(), 1e-12);
    }
}

/// The definition: the Normal's density averaged over the law of its precision.
#[test]
fn means_of_unknown_precision_are_students() {
    let precision = Gamma::shape_rate(2.5, 1.5);
    let law = StudentT::normal_gamma(0.4, 3.0, &precision);
    let nodes = half_line(1.0 / 128.0);
    for x in [-2.0, 0.4, 1.3] {
        let want = expect(
            &nodes,
            |t| precision.log_density(t),
            |t, _| Normal::mean_prec(0.4, 3.0 * t).log_density(x).exp(),
        );
        close("normal_gamma", law.log_density(x).exp(), want, 1e-12);
        let wishart = Wishart::dof_scale(5.0, &DMatrix::from_row_slice(1, 1, &[1.0 / 3.0])).unwrap();
        let same = MvStudentT::normal_wishart(&[0.4], 3.0, &wishart).unwrap();
        close("normal_wishart", same.log_density(&[x]), law.log_density(x), 1e-13);
    }
    let wishart = Wishart::dof_scale(6.0, &DMatrix::from_row_slice(2, 2, &[0.5, 0.1, 0.1, 0.3])).unwrap();
    let law = MvStudentT::normal_wishart(&[1.0, -1.0], 2.0, &wishart).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let x = [0.5, -0.2];
    let n = 20_000;
    let values: Vec<f64> = (0..n)
        .map(|_| {
            let precision = wishart.sample(&mut rng) * 2.0;
            MvNormal::mean_prec(&[1.0, -1.0], &precision).unwrap().log_density(&x).exp()
        })
        .collect();
    let mean = values.iter().sum::<f64>() / n as f64;
    let error = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n * n) as f64).sqrt();
    assert!((law.log_density(&x).exp() - mean).abs() < 5.0 * error);
    assert!(MvStudentT::normal_wishart(&[1.0], 2.0, &wishart).is_err());
    assert!(MvStudentT::normal_wishart(&[1.0, 0.0], 0.0, &wishart).is_err());
}

#[test]
fn diagonals_of_matrix_laws_have_their_own() {
    let scale = DMatrix::from_row_slice(3, 3, &[2.0, 0.5, 0.1, 0.5, 1.0, -0.2, 0.1, -0.2, 0.7]);
    let wishart = Wishart::dof_scale(9.0, &scale).unwrap();
    let inverse = InverseWishart::dof_scale(9.0, &scale).unwrap();
    for d in 0..3 {
        close("mean", wishart.marginal(d).mean(), wishart.mean()[(d, d)], 1e-13);
        close("var", wishart.marginal(d).var(), wishart.var()[(d, d)], 1e-13);
        close("mean", inverse.marginal(d).mean(), inverse.mean()[(d, d)], 1e-13);
        close("var", inverse.marginal(d).var(), inverse.var()[(d, d)], 1e-13);
        close("sd", inverse.marginal(d).sd(), inverse.sd()[(d, d)], 1e-13);
    }
    assert!(wishart.marginal(3).mean().is_nan() && inverse.marginal(3).mean().is_nan());

    // The law of X⁻¹, by change of variables: |dX⁻¹/dX| = |X|^−(D+1).
    let x = DMatrix::from_row_slice(3, 3, &[1.2, 0.3, 0.0, 0.3, 0.9, 0.1, 0.0, 0.1, 2.0]);
    let flipped = wishart.inverse();
    let inverted = x.clone().try_inverse().unwrap();
    let jacobian = 4.0 * f64::ln(x.determinant());
    close("inverse", flipped.log_density(&inverted) - jacobian, wishart.log_density(&x), 1e-12);
    let want: DMatrix<f64> = scale.try_inverse().unwrap();
    assert!((flipped.scale() - want).norm() < 1e-14);
}

#[test]
fn a_mixture_ignores_components_without_weight() {
    let law = Mixture::new(vec![1.0, 0.0], vec![Normal::mean_sd(1.0, 2.0), Normal::mean_sd(f64::NAN, 1.0)])
        .unwrap();
    assert_eq!((law.mean(), law.var(), law.quantile(0.5)), (1.0, 4.0, 1.0));
    assert_eq!(law.quantile(0.0), f64::NEG_INFINITY);
    assert_eq!(law.quantile(1.0), f64::INFINITY);
    // Components far apart: the median is anywhere between, at the edge of what is reached.
    let law =
        Mixture::new(vec![0.4, 0.6], vec![Normal::mean_sd(0.0, 1e-3), Normal::mean_sd(1e6, 1e-3)]).unwrap();
    assert!((law.quantile(0.7) - 1e6).abs() < 1e-2 && law.quantile(0.39).abs() < 1e-2);
    for weights in [vec![], vec![1.0], vec![0.5, 0.6], vec![1.5, -0.5], vec![f64::NAN, 1.0]] {
        assert!(Mixture::new(weights, vec![Normal::mean_sd(0.0, 1.0); 2]).is_err());
    }
    let unequal = vec![Dirichlet::new(vec![1.0, 2.0]), Dirichlet::new(vec![1.0, 2.0, 3.0])];
    assert!(VectorMixture::new(vec![0.5, 0.5], unequal).is_err());
}

#[test]
fn an_invalid_law_answers_nan() {
    fn undefined(law: &impl RealLaw) {
        let all = [law.mean(), law.var(), law.sd(), law.cdf(0.5), law.survival(0.5), law.quantile(0.5)];
        assert!(all.iter().all(|v| v.is_nan()), "{all:?}");
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        assert!(law.sample(&mut rng).is_nan());
    }
    undefined(&Normal::mean_sd(0.0, -1.0));
    undefined(&Gamma::shape_rate(1.0, 0.0));
    undefined(&Gamma::shape_rate(1.0, f64::INFINITY));
    undefined(&InverseGamma::shape_scale(-1.0, 1.0));
    undefined(&PowerGamma::shape_rate_power(1.0, 1.0, 0.0));
    undefined(&Beta::a_b(0.0, 1.0));
    undefined(&StudentT::mean_scale_dof(0.0, 1.0, f64::NAN));
    undefined(&Mixture::new(vec![1.0], vec![Beta::a_b(-1.0, 1.0)]).unwrap());
    assert!(Normal::mean_sd(0.0, 1.0).kl_to(&Normal::mean_sd(0.0, 0.0)).is_nan());
    // Of many degrees of freedom Student's t is normal, to the last digits of either.
    let (student, normal) = (StudentT::mean_scale_dof(0.0, 1.0, 1e13), Normal::mean_sd(0.0, 1.0));
    for x in [-9.0, -1.0, 0.3, 7.0] {
        assert!((student.cdf(x) / normal.cdf(x) - 1.0).abs() < 1e-9);
        close("quantile", student.quantile(student.cdf(x)), x, 1e-4);
    }
}

#[cfg(feature = "serde")]
#[test]
fn laws_survive_being_written_and_read() {
    fn round<T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(
        law: &T,
    ) -> String {
        let text = serde_json::to_string(law).unwrap();
        assert_eq!(serde_json::from_str::<T>(&text).unwrap(), *law);
        text
    }
    let cov = DMatrix::from_row_slice(2, 2, &[2.0, 0.3, 0.3, 1.0]);
    round(&Normal::mean_sd(0.1, 0.2));
    round(&Gamma::shape_rate(0.1, 0.2));
    round(&InverseGamma::shape_scale(0.1, 0.2));
    round(&PowerGamma::shape_rate_power(0.1, 0.2, -2.0));
    round(&Beta::a_b(0.1, 0.2));
    round(&StudentT::mean_scale_dof(0.1, 0.2, 3.0));
    round(&Dirichlet::new(vec![0.1, 0.2]));
    round(&MvNormal::mean_prec(&[0.1, 0.2], &cov).unwrap().into_owned());
    round(&InverseWishart::dof_scale(3.5, &cov).unwrap());
    round(&MvStudentT::mean_scale_dof(&[0.1, 0.2], &cov, 3.0).unwrap());
    let mixture =
        round(&Mixture::new(vec![0.25, 0.75], vec![Beta::a_b(1.0, 2.0), Beta::a_b(3.0, 4.0)]).unwrap());
    round(&VectorMixture::new(vec![1.0], vec![Dirichlet::new(vec![1.0, 2.0])]).unwrap());
    let wishart = round(&Wishart::dof_scale(3.5, &cov).unwrap());

    // What no constructor accepts is not read either.
    assert!(serde_json::from_str::<Wishart>(&wishart.replace("3.5", "0.5")).is_err());
    assert!(serde_json::from_str::<Mixture<Beta>>(&mixture.replace("0.75", "0.5")).is_err());
}
