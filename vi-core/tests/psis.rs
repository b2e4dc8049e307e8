//! Pareto-smoothed importance sampling, against another implementation and against laws whose tails are known.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use vi_core::diagnostics::Psis;
use vi_core::dist::{Exponential, Laplace, Normal, StudentT};

fn close(got: f64, want: f64, tolerance: f64) {
    assert!((got - want).abs() <= tolerance * want.abs(), "{got} is not {want}");
}

/// k̂, the effective number of draws and two of the smoothed log weights, from ArviZ 0.22 on evenly spaced quantiles of Pareto laws.
#[test]
fn estimates_agree_with_another_implementation() {
    for (draws, k, k_hat, effective, first, eighth) in [
        (1000, 0.3, 0.32356064382606115, 832.3783680626324, -4.983915800174848, -5.781267479448367),
        (1000, 0.7, 0.6706577683143464, 138.9384700041017, -2.8109455356128725, -4.635597753379744),
        (200, 1.1, 0.9339930199862411, 11.567635753760001, -1.3469742214364218, -3.9165592512460825),
    ] {
        let ratios: Vec<f64> = (0..draws).map(|i| -k * ((i as f64 + 0.5) / draws as f64).ln()).collect();
        let psis = Psis::new(&ratios).unwrap();
        close(psis.k_hat, k_hat, 1e-10);
        close(psis.effective_draws, effective, 1e-10);
        close(psis.log_weights[0], first, 1e-10);
        close(psis.log_weights[7], eighth, 1e-10);
    }
    // Ratios with an upper bound.
    let ratio = |i: usize| -0.5 * ((i as f64 + 0.5) / 4000.0 * 8.0 - 4.0).powi(2);
    let psis = Psis::new(&(0..4000).map(ratio).collect::<Vec<_>>()).unwrap();
    close(psis.k_hat, -1.6880878480081973, 1e-9);
    close(psis.effective_draws, 1772.2456174963338, 1e-9);
}

#[test]
fn known_tails_are_recovered() {
    // The standard error of k̂ is about (1 + k)/√(3√S): 0.1 for 10⁴ draws.
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for k in [0.1, 0.4, 0.8, 1.3] {
        let estimates: Vec<f64> = (0..20)
            .map(|_| {
                let ratios: Vec<f64> =
                    (0..10_000).map(|_| k * Exponential::rate(1.0).sample(&mut rng)).collect();
                Psis::new(&ratios).unwrap().k_hat
            })
            .collect();
        let mean = estimates.iter().sum::<f64>() / 20.0;
        assert!((mean - k).abs() < 0.07 * (1.0 + k), "{mean} is not {k}");
    }
}

fn judge(p: impl Fn(f64) -> f64, q: &Normal, draws: usize) -> Psis {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let ratios: Vec<f64> = (0..draws)
        .map(|_| {
            let x = q.sample(&mut rng);
            p(x) - q.log_density(x)
        })
        .collect();
    Psis::new(&ratios).unwrap()
}

#[test]
fn narrow_posteriors_are_told_from_wide_ones() {
    let p = Normal::mean_sd(0.0, 1.0);
    // For normal laws with spreads in the ratio s, k is 1 − s² = ¾, which one coordinate shows for many draws only, and six do at once.
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let q = Normal::mean_sd(0.0, 0.5);
    let ratios: Vec<f64> = (0..4000)
        .map(|_| (0..6).map(|_| q.sample(&mut rng)).map(|x| p.log_density(x) - q.log_density(x)).sum())
        .collect();
    let narrow = Psis::new(&ratios).unwrap();
    assert!(narrow.k_hat > 0.7, "{}", narrow.k_hat);
    assert!(narrow.effective_draws < 400.0, "{}", narrow.effective_draws);
    assert!(narrow.advice().contains("not to be trusted"), "{}", narrow.advice());
    // Wider than the posterior: the ratios are bounded, and only some draws are lost.
    let wide = judge(|x| p.log_density(x), &Normal::mean_sd(0.0, 2.0), 4000);
    assert!(wide.k_hat < 0.3, "{}", wide.k_hat);
    assert!(wide.advice().starts_with("q is close"), "{}", wide.advice());
    // One side is enough, on either: q is Laplace(0, 1), and the posterior's density there falls by e^−0.05|x| only, so k is 0.95.
    let q = Laplace::mean_scale(0.0, 1.0);
    for side in [-1.0, 1.0] {
        let ratios: Vec<f64> = (0..20_000).map(|_| 0.95 * (side * q.sample(&mut rng)).max(0.0)).collect();
        let psis = Psis::new(&ratios).unwrap();
        assert!((psis.k_hat - 0.95).abs() < 0.25, "{side}: {}", psis.k_hat);
        assert!(psis.advice().contains("not to be trusted"), "{}", psis.advice());
    }
    // A tail heavier than any normal's.
    let heavy =
        judge(|x| StudentT::mean_scale_dof(0.0, 1.0, 2.0).log_density(x), &Normal::mean_sd(0.0, 1.0), 4000);
    assert!(heavy.k_hat > 0.5, "{}", heavy.k_hat);
}

/// E_p x² from draws of a q that is a little narrow: weighting removes most of the error.
#[test]
fn weights_correct_the_posterior() {
    let (p, q) = (Normal::mean_sd(0.5, 1.0), Normal::mean_sd(0.0, 0.9));
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let draws: Vec<f64> = (0..20_000).map(|_| q.sample(&mut rng)).collect();
    let psis =
        Psis::new(&draws.iter().map(|x| p.log_density(*x) - q.log_density(*x)).collect::<Vec<_>>()).unwrap();
    let total: f64 = psis.log_weights.iter().map(|w| w.exp()).sum();
    close(total, 1.0, 1e-12);
    let second: f64 = draws.iter().zip(&psis.log_weights).map(|(x, w)| x * x * w.exp()).sum();
    let plain = draws.iter().map(|x| x * x).sum::<f64>() / draws.len() as f64;
    assert!((second - 1.25).abs() < 0.06, "{second}");
    assert!((plain - 1.25).abs() > 0.3, "{plain}");
}

#[test]
fn equal_ratios_are_no_tail() {
    for constant in [0.0, -1e5, 700.0] {
        let rounding = |n: usize| 1e-12 * (n % 7) as f64;
        let psis = Psis::new(&(0..500).map(|n| constant + rounding(n)).collect::<Vec<_>>()).unwrap();
        assert_eq!(psis.k_hat, f64::NEG_INFINITY);
        close(psis.effective_draws, 500.0, 1e-9);
        assert!(psis.advice().starts_with("q is the posterior itself"), "{}", psis.advice());
    }
    // One draw is trivially like itself.
    assert_eq!(Psis::new(&[3.0]).unwrap().k_hat, f64::NEG_INFINITY);
    // p excludes half the draws, and agrees with q on the others.
    let half: Vec<f64> = (0..1000).map(|n| if n % 2 == 0 { 0.0 } else { f64::NEG_INFINITY }).collect();
    let psis = Psis::new(&half).unwrap();
    assert_eq!(psis.k_hat, f64::NEG_INFINITY);
    close(psis.effective_draws, 500.0, 1e-12);
    assert_eq!(psis.log_weights[1], f64::NEG_INFINITY);
}

#[test]
fn what_cannot_be_judged_is_said() {
    for bad in [vec![], vec![0.0, f64::NAN], vec![0.0, f64::INFINITY], vec![f64::NEG_INFINITY; 30]] {
        assert!(Psis::new(&bad).is_err());
    }
    let few: Vec<f64> = (0..12).map(f64::from).collect();
    let psis = Psis::new(&few).unwrap();
    assert_eq!(psis.k_hat, f64::INFINITY);
    assert!(psis.advice().contains("too short"), "{}", psis.advice());
    assert!(psis.log_weights.iter().all(|w| w.is_finite()) && psis.effective_draws >= 1.0);
    // One draw outweighs all others, which are equal: there is no tail to fit.
    let mut one = vec![0.0; 400];
    one[17] = 30.0;
    let psis = Psis::new(&one).unwrap();
    assert_eq!(psis.k_hat, f64::INFINITY);
    close(psis.effective_draws, 1.0, 1e-6);
    // Far fewer draws than the estimate asks for.
    let ratios: Vec<f64> = (0..100).map(|i| -0.58 * ((f64::from(i) + 0.5) / 100.0).ln()).collect();
    let psis = Psis::new(&ratios).unwrap();
    assert!(psis.threshold() == 0.5 && psis.k_hat > 0.5 && psis.k_hat < 0.7, "{}", psis.k_hat);
    assert!(psis.advice().starts_with("too few draws"), "{}", psis.advice());
    close(psis.draws_needed(), 10f64.powf(1.0 / (1.0 - psis.k_hat)), 1e-12);
    // Ratios over hundreds of orders of magnitude.
    let psis = Psis::new(&(0..1000).map(|i| -5.0 * f64::from(i)).collect::<Vec<_>>()).unwrap();
    assert!(
        !psis.k_hat.is_nan() && psis.k_hat > 1.0 && psis.advice().contains("not even a mean"),
        "{psis:?}"
    );
}
