use super::exp::{exp_pack, exp_packs, exp_slice, log_slice};
use super::forms::quadratic_forms_with;
use super::moments::add_features_with;
use super::normal::{add_diag_quadratic_with, add_quadratic_with};
use super::reduce::{add_gram_with, add_scaled_with, dot_with, sum_with};
use super::scatter::add_scatter_with;
use super::simd::{Isa, on_every_isa};
use super::table::{log_evidence_with, maximise_with, normalise_with};
use super::within::all_within_with;
use super::*;

const SIZES: [usize; 11] = [1, 2, 3, 7, 8, 9, 31, 64, 100, 255, 256];

/// Reproducible numbers in [−1, 1).
fn noise(seed: usize, len: usize) -> Vec<f64> {
    let mut state = (seed as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        })
        .collect()
}

/// Equality up to 1e-13 of the size of the terms that were added.
#[track_caller]
fn assert_close(found: f64, expected: f64, size: f64) {
    assert!((found - expected).abs() <= 1e-13 * size, "{found:e} instead of {expected:e}");
}

/// `Σ f(i)` and `Σ |f(i)|`.
fn total(n: usize, f: impl Fn(usize) -> f64) -> (f64, f64) {
    (0..n).fold((0.0, 0.0), |(sum, size), i| (sum + f(i), size + f(i).abs()))
}

#[track_caller]
fn assert_ulps(found: f64, expected: f64, x: f64) {
    if expected.is_finite() && expected != 0.0 {
        let error = ((found - expected) / expected).abs();
        assert!(error <= 3e-16, "at {x:e}: {found:e} instead of {expected:e}, relative error {error:e}");
    } else {
        assert!(
            found == expected || found.is_nan() && expected.is_nan(),
            "at {x:e}: {found:e}, not {expected:e}"
        );
    }
}

#[inline(always)]
fn exp_by_packs<S: Isa>(isa: S, x: &[f64], out: &mut [f64]) {
    for (out, x) in out.chunks_exact_mut(S::W).zip(x.chunks_exact(S::W)) {
        isa.store(exp_pack(isa, isa.load(x)), out);
    }
}

#[test]
fn exp_of_packs_is_accurate_below_zero() {
    let mut x: Vec<f64> = (0..40_000).map(|i| -708.39 * f64::from(i) / 40_000.0).collect();
    x.extend((0..2_000).map(|i| -1e-3 * f64::from(i) / 2_000.0));
    x.extend([0.0, -0.0, f64::NEG_INFINITY, f64::NAN, -1e-300, -709.0, -746.0, -1e300]);
    let mut out = vec![0.0; x.len()];
    on_every_isa!(isa => {
        exp_by_packs(isa, &x, &mut out);
        for (&found, &x) in out.iter().zip(&x) {
            assert_ulps(found, if x < -708.3964 { 0.0 } else { x.exp() }, x);
        }
    });
}

#[test]
fn exp_of_several_packs_is_accurate_below_zero() {
    #[inline(always)]
    fn by_four<S: Isa>(isa: S, x: &[f64], out: &mut [f64]) {
        for (out, x) in out.chunks_exact_mut(4 * S::W).zip(x.chunks_exact(4 * S::W)) {
            let packs = std::array::from_fn(|i| isa.load(&x[i * S::W..]));
            let values: [S::Pack; 4] = exp_packs(isa, packs);
            (0..4).for_each(|i| isa.store(values[i], &mut out[i * S::W..]));
        }
    }
    let mut x: Vec<f64> = (0..40_000).map(|i| -708.0 * f64::from(i) / 40_000.0).collect();
    x.extend((0..1_984).map(|i| -1e-3 * f64::from(i) / 2_000.0));
    x.extend([0.0, -0.0, f64::NEG_INFINITY, f64::NAN, -1e-300, -709.0, -746.0, -1e300]);
    // NaN of which the low bits are set.
    x.extend([f64::from_bits(f64::NAN.to_bits() | 1954); 24]);
    assert!(x.len().is_multiple_of(32));
    let mut out = vec![0.0; x.len()];
    on_every_isa!(isa => {
        by_four(isa, &x, &mut out);
        for (&found, &x) in out.iter().zip(&x) {
            assert_ulps(found, if x < -708.3964 { 0.0 } else { x.exp() }, x);
        }
    });
}

#[test]
fn exp_is_accurate_over_its_whole_range() {
    let mut x: Vec<f64> = (0..40_000).map(|i| -708.39 + 1418.17 * f64::from(i) / 40_000.0).collect();
    x.extend(noise(1, 20_000));
    x.extend([0.0, -0.0, 1e-300, -1e-17, 709.782_712_893_384, 709.79, 1e308, f64::INFINITY, f64::NAN]);
    x.extend([-708.396_418_532_264, f64::NEG_INFINITY, -1e308, -746.0]);
    let mut out = vec![0.5; x.len()];
    on_every_isa!(isa => {
        exp_slice(isa, &x, &mut out);
        for (&x, &found) in x.iter().zip(&out) {
            assert_ulps(found, x.exp(), x);
        }
        for subnormal in [-708.4, -720.0, -745.0] {
            exp_slice(isa, &[subnormal], &mut out);
            assert_eq!(out[0], 0.0);
        }
    });
}

#[test]
fn log_is_accurate_over_its_whole_range() {
    let mut x: Vec<f64> = (-1074..1024).map(|e| 2f64.powi(e)).collect();
    x.extend((-1074..1024).map(|e| 2f64.powi(e) * 1.4));
    x.extend(noise(2, 20_000).iter().map(|u| u.abs()));
    x.extend(noise(3, 20_000).iter().map(|u| 1.0 + 1e-3 * u));
    x.extend([
        0.0,
        -0.0,
        1.0,
        f64::MAX,
        f64::MIN_POSITIVE,
        f64::INFINITY,
        f64::NEG_INFINITY,
        -1.0,
        -1e-310,
        f64::NAN,
    ]);
    let mut out = vec![0.5; x.len()];
    on_every_isa!(isa => {
        log_slice(isa, &x, &mut out);
        for (&x, &found) in x.iter().zip(&out) {
            assert_ulps(found, x.ln(), x);
        }
    });
}

#[test]
fn exp_and_log_stop_at_the_shorter_slice() {
    let mut out = [9.0; 3];
    exp(&[0.0, 0.0], &mut out);
    assert_eq!(out, [1.0, 1.0, 9.0]);
    log(&[1.0; 5], &mut out);
    assert_eq!(out, [0.0; 3]);
}

#[test]
fn responsibilities_agree_with_the_naive_sum() {
    for n in SIZES {
        for states in [1, 2, 3, 16] {
            let logits: Vec<f64> =
                noise(n * 31 + states, states * n).iter().map(|t| 300.0 * t - 900.0).collect();
            on_every_isa!(isa => {
                let (mut table, mut evidence, mut alone) = (logits.clone(), vec![7.0; n], vec![7.0; n]);
                normalise_with(isa, &mut table, states, n, &mut evidence);
                log_evidence_with(isa, &logits, states, n, &mut alone);
                assert_eq!(evidence, alone);
                for i in 0..n {
                    let top = (0..states).map(|k| logits[k * n + i]).fold(f64::NEG_INFINITY, f64::max);
                    let (sum, _) = total(states, |k| (logits[k * n + i] - top).exp());
                    assert_close(evidence[i], top + sum.ln(), top.abs() + sum.ln());
                    for k in 0..states {
                        let expected = (logits[k * n + i] - top).exp() / sum;
                        assert_close(table[k * n + i], expected, expected.max(f64::MIN_POSITIVE));
                    }
                }
            });
        }
    }
}

const INF: f64 = f64::INFINITY;

#[test]
fn structural_zeros_stay_zero_and_impossible_units_are_no_nan() {
    // Units: one state impossible; all impossible; hugely unlikely; hugely likely; +∞; NaN.
    let (states, n) = (2, 6);
    let logits = [-INF, -INF, -1e300, 1e300, INF, f64::NAN, 1.0, -INF, -1e300, 0.0, 0.0, 0.0];
    on_every_isa!(isa => {
        let (mut table, mut evidence) = (logits, [0.0; 6]);
        normalise_with(isa, &mut table, states, n, &mut evidence);
        assert_eq!((table[0], table[6]), (0.0, 1.0));
        assert_eq!((table[1], table[7]), (0.0, 0.0));
        assert_eq!((table[2], table[8]), (0.5, 0.5));
        assert_eq!((table[3], table[9]), (1.0, 0.0));
        assert_eq!(evidence[..5], [1.0, -INF, -1e300, 1e300, INF]);
        assert!(evidence[5].is_nan());
    });
    let mut nothing = [0.0; 3];
    log_evidence(&[], 0, 3, &mut nothing);
    assert_eq!(nothing, [-INF; 3]);
}

#[test]
fn the_best_state_is_the_first_that_attains_the_maximum() {
    for n in SIZES {
        let states = 5;
        let logits: Vec<f64> = noise(n, states * n).iter().map(|t| (3.0 * t).round()).collect();
        on_every_isa!(isa => {
            let (mut best, mut state) = (vec![0.0; n], vec![9; n]);
            maximise_with(isa, &logits, states, n, &mut best, &mut state);
            for i in 0..n {
                let top = (0..states).map(|k| logits[k * n + i]).fold(-INF, f64::max);
                let first = (0..states).position(|k| logits[k * n + i] == top).unwrap();
                assert_eq!((best[i], state[i] as usize), (top, first));
            }
        });
    }
    let (mut best, mut state) = ([0.0; 2], [9; 2]);
    maximise(&[-INF, f64::NAN, -INF, 1.0], 2, 2, &mut best, &mut state);
    assert_eq!((best[0], state[0]), (-INF, 0));
    assert!(best[1].is_nan());
}

/// `‖L⁻¹ (x_i − m)‖²`
fn squared_distance(x: &[f64], n: usize, mean: &[f64], inv_chol: &[f64], i: usize) -> f64 {
    (0..mean.len())
        .map(|r| (0..=r).map(|c| inv_chol[packed_len(r) + c] * (x[c * n + i] - mean[c])).sum::<f64>())
        .map(|whitened| whitened * whitened)
        .sum()
}

#[test]
fn normal_log_densities_agree_with_the_naive_loop() {
    for n in SIZES {
        for d in (1..=20).chain([33, 64, 65, 70]) {
            // The origin is far from the data, as it is when nobody has moved it.
            let offset = 1e3;
            let x: Vec<f64> = noise(d, d * n).iter().map(|x| x + offset).collect();
            let mean: Vec<f64> = noise(d + 100, d).iter().map(|m| m + offset).collect();
            let inv_chol = noise(d + 200, packed_len(d));
            let density = NormalDensity::new(&mean, &inv_chol, -3.5);
            let before = noise(n, n);
            on_every_isa!(isa => {
                let mut out = before.clone();
                add_quadratic_with(isa, &density, &x, n, -3.5, -0.5, &mut out);
                for i in 0..n {
                    let distance = squared_distance(&x, n, &mean, &inv_chol, i);
                    let size = 1.0 + 3.5 + d as f64 * distance;
                    assert_close(out[i], before[i] - 3.5 - 0.5 * distance, size);
                }
            });
        }
    }
}

#[test]
fn public_densities_use_their_constants() {
    let (n, d) = (5, 3);
    let x = noise(1, d * n);
    let (mean, inv_chol) = (noise(2, d), noise(3, packed_len(d)));
    let density = NormalDensity::new(&mean, &inv_chol, 0.25);
    let (mut log_density, mut distance) = (vec![1.0; n], vec![2.0; n]);
    density.add_log_density(&x, n, &mut log_density);
    density.add_squared_distance(&x, n, &mut distance);
    for i in 0..n {
        let expected = squared_distance(&x, n, &mean, &inv_chol, i);
        assert_close(log_density[i], 1.25 - 0.5 * expected, 2.0 + expected);
        assert_close(distance[i], 2.0 + expected, 2.0 + expected);
    }
}

#[test]
fn a_factor_gives_the_density_of_its_covariance() {
    let covariance = nalgebra::DMatrix::from_row_slice(2, 2, &[4.0, 1.0, 1.0, 2.0]);
    let factor = crate::linalg::Cholesky::new(&covariance).unwrap();
    let mut out = [0.0];
    NormalDensity::from_cholesky(&[1.0, -1.0], &factor).add_log_density(&[2.0, 1.0], 1, &mut out);
    // (1, 2) Σ⁻¹ (1, 2)ᵀ with det Σ = 7
    let quadratic = (2.0 * 1.0 - 2.0 * 1.0 * 2.0 + 4.0 * 4.0) / 7.0;
    let expected = -std::f64::consts::TAU.ln() - 0.5 * 7f64.ln() - 0.5 * quadratic;
    assert_close(out[0], expected, 10.0);
}

#[test]
fn diagonal_log_densities_agree_with_the_naive_loop() {
    for n in SIZES {
        for d in 1..=20 {
            let x = noise(d, d * n);
            let mean = noise(d + 100, d);
            let precision: Vec<f64> = noise(d + 200, d).iter().map(|u| 1.5 + u).collect();
            let density = DiagNormalDensity::new(&mean, &precision, 0.0);
            on_every_isa!(isa => {
                let mut out = vec![1.0; n];
                add_diag_quadratic_with(isa, &density, &x, n, 0.75, -0.5, &mut out);
                for i in 0..n {
                    let (distance, _) = total(d, |j| precision[j] * (x[j * n + i] - mean[j]).powi(2));
                    assert_close(out[i], 1.75 - 0.5 * distance, 1.75 + distance);
                }
            });
        }
    }
}

#[test]
fn sums_agree_with_the_naive_loop() {
    for n in SIZES.into_iter().chain([0, 257, 1000]) {
        let (w, x) = (noise(n, n), noise(n + 1, n));
        on_every_isa!(isa => {
            let (expected, size) = total(n, |i| w[i] * x[i]);
            assert_close(dot_with(isa, &w, &x), expected, size);
            let (expected, size) = total(n, |i| w[i]);
            assert_close(sum_with(isa, &w), expected, size);
            let mut out = w.clone();
            add_scaled_with(isa, &mut out, 0.3, &x);
            for i in 0..n {
                assert_close(out[i], w[i] + 0.3 * x[i], 2.0);
            }
        });
    }
}

#[test]
fn gram_matrices_agree_with_the_naive_loop() {
    for n in SIZES {
        for m in 1..=20 {
            let (u, w) = (noise(m, m * n), noise(n + 50, n));
            let before = noise(7, packed_len(m));
            on_every_isa!(isa => for weights in [None, Some(w.as_slice())] {
                let mut out = before.clone();
                add_gram_with(isa, &u, m, n, weights, &mut out);
                for row in 0..m {
                    for column in 0..=row {
                        let weight = |i: usize| weights.map_or(1.0, |w| w[i]);
                        let (expected, size) = total(n, |i| weight(i) * u[row * n + i] * u[column * n + i]);
                        let at = packed_len(row) + column;
                        assert_close(out[at], before[at] + expected, size + before[at].abs());
                    }
                }
            });
        }
    }
}

#[test]
fn moments_of_states_agree_with_those_of_one_state_and_with_the_naive_loop() {
    for n in SIZES {
        for d in [1, 2, 3, 4, 5, 8, 16, 17, 20] {
            for states in [1, 2, 4, 5, 7] {
                let x = noise(d, d * n);
                let w: Vec<f64> = noise(states + n, states * n).iter().map(|w| w.abs()).collect();
                on_every_isa!(isa => {
                    let (mut full, mut diagonal) = (StateMoments::full(states, d), StateMoments::diagonal(states, d));
                    // Twice, to see that the totals add up, and a smaller tile first, to see the scratch grow.
                    add_features_with(isa, &mut full, &x[..d], 1, &w[..states]);
                    full.clear();
                    for moments in [&mut full, &mut diagonal] {
                        add_features_with(isa, moments, &x, n, &w);
                        add_features_with(isa, moments, &x, n, &w);
                    }
                    for k in 0..states {
                        let w = &w[k * n..][..n];
                        check_moments(&x, d, w, full.count(k), full.sum(k), full.square(k), false);
                        check_moments(&x, d, w, diagonal.count(k), diagonal.sum(k), diagonal.square(k), true);
                    }
                });
                let (mut one, mut diagonal) = (Moments::new(d), DiagMoments::new(d));
                let w = &w[..n];
                one.add_weighted(&x, n, w);
                diagonal.add_weighted(&x, n, w);
                one.merge(&one.clone());
                diagonal.merge(&diagonal.clone());
                check_moments(&x, d, w, one.count, &one.sum, &one.square, false);
                check_moments(&x, d, w, diagonal.count, &diagonal.sum, &diagonal.square, true);
            }
        }
    }
}

/// Twice the moments of the tile.
#[track_caller]
fn check_moments(x: &[f64], d: usize, w: &[f64], count: f64, sum: &[f64], square: &[f64], diagonal: bool) {
    let n = w.len();
    let (expected, size) = total(n, |i| 2.0 * w[i]);
    assert_close(count, expected, size);
    assert_eq!(sum.len(), d);
    assert_eq!(square.len(), if diagonal { d } else { packed_len(d) });
    for a in 0..d {
        let (expected, size) = total(n, |i| 2.0 * w[i] * x[a * n + i]);
        assert_close(sum[a], expected, size);
        for b in if diagonal { a } else { 0 }..=a {
            let (expected, size) = total(n, |i| 2.0 * w[i] * x[a * n + i] * x[b * n + i]);
            assert_close(square[if diagonal { a } else { packed_len(a) + b }], expected, size);
        }
    }
}

#[test]
fn unweighted_moments_are_those_of_weight_one() {
    for (n, d) in [(1, 1), (3, 2), (255, 5), (256, 16)] {
        let (x, ones) = (noise(n, d * n), vec![0.5 + 0.5; n]);
        let (mut full, mut diagonal) = (Moments::new(d), DiagMoments::new(d));
        for _ in 0..2 {
            full.add(&x, n);
            diagonal.add(&x, n);
        }
        check_moments(&x, d, &ones, full.count, &full.sum, &full.square, false);
        check_moments(&x, d, &ones, diagonal.count, &diagonal.sum, &diagonal.square, true);
    }
}

#[test]
fn tiles_are_gathered_from_any_strides_about_the_centre() {
    let (n, d) = (7, 3);
    let data: Vec<f64> = (0..100).map(f64::from).collect();
    let centre = [0.5, 10.0, -1.0];
    for (row_stride, col_stride) in [(3, 1), (5, 1), (1, 7), (2, 20), (0, 1), (0, 4)] {
        let mut tile = TileBuffer::new(d * n);
        gather_tile(&data, row_stride, col_stride, n, &centre, &mut tile);
        let mut moved: Vec<f64> =
            (0..d * n).map(|at| data[(at % n) * row_stride + (at / n) * col_stride]).collect();
        shift_tile(&mut moved, n, &centre);
        assert_eq!(*tile, *moved);
        for j in 0..d {
            for i in 0..n {
                assert_eq!(tile[j * n + i], data[i * row_stride + j * col_stride] - centre[j]);
            }
        }
    }
}

#[test]
fn buffers_start_on_a_cache_line_also_as_copies() {
    for len in [0, 1, 5, 4096] {
        let mut buffer = TileBuffer::new(len);
        assert_eq!(*buffer, *vec![0.0; len]);
        buffer.fill(2.0);
        let copy = buffer.clone();
        assert_eq!(*copy, *vec![2.0; len]);
        assert_eq!((buffer.as_ptr() as usize % 64, copy.as_ptr() as usize % 64), (0, 0));
    }
}

#[test]
fn the_machine_s_instruction_set_gives_the_same_bits_twice() {
    let (n, d, states) = (200, 5, 3);
    let (x, w) = (noise(1, d * n), noise(2, states * n));
    let run = || {
        let mut moments = StateMoments::full(states, d);
        moments.add_weighted(&x, n, &w);
        moments.totals().iter().map(|total| total.to_bits()).collect::<Vec<_>>()
    };
    assert_eq!(run(), run());
}

#[test]
fn scatter_is_the_sum_of_outer_products() {
    for (d, n) in
        [(1, 1), (2, 1), (3, 2), (4, 3), (5, 8), (7, 31), (8, 64), (9, 248), (13, 255), (65, 5), (65, 100)]
    {
        let (u, w) = (noise(d, d * n), noise(n, n));
        let start = noise(3, 1 + d + packed_len(d));
        for weighted in [false, true] {
            let weight = |i: usize| if weighted { w[i] } else { 1.0 };
            on_every_isa!(isa => {
                let mut totals = start.clone();
                add_scatter_with(isa, &mut totals, &u, d, n, weighted.then_some(&w));
                let check = |at: usize, f: &dyn Fn(usize) -> f64| {
                    let (sum, size) = total(n, |i| weight(i) * f(i));
                    assert_close(totals[at], start[at] + sum, size + start[at].abs());
                };
                check(0, &|_| 1.0);
                for a in 0..d {
                    check(1 + a, &|i| u[a * n + i]);
                    for b in 0..=a {
                        check(1 + d + packed_len(a) + b, &|i| u[a * n + i] * u[b * n + i]);
                    }
                }
            });
        }
    }
}

#[test]
fn one_number_out_of_bounds_is_enough() {
    for n in SIZES.into_iter().chain([1023, 1024, 1025, 3000]) {
        let x = noise(n, n);
        on_every_isa!(isa => {
            assert!(all_within_with(isa, &x, -1.0, 1.0));
            for at in [0, n / 2, n - 1] {
                for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.0_f64.next_up(), (-1.0_f64).next_down()] {
                    let mut x = x.clone();
                    x[at] = value;
                    assert!(!all_within_with(isa, &x, -1.0, 1.0), "{value} at {at} of {n}");
                }
                let mut x = x.clone();
                (x[at], x[n - 1 - at]) = (1.0, -1.0);
                assert!(all_within_with(isa, &x, -1.0, 1.0));
            }
        });
    }
    assert!(all_within(&[], 1.0, 0.0));
}

#[test]
fn quadratic_forms_are_sums_over_pairs() {
    for (side, n) in [(1, 1), (2, 5), (3, 1), (4, 3), (5, 7), (9, 6), (33, 20)] {
        let stride = side + 2;
        let half = noise(side, side * side);
        let matrix: Vec<f64> = (0..side * side).map(|k| half[k] + half[k % side * side + k / side]).collect();
        let rows = noise(n, n * stride);
        on_every_isa!(isa => {
            let mut out = vec![f64::NAN; n];
            quadratic_forms_with(isa, &matrix, side, &rows, stride, &mut out);
            for (r, out) in out.iter().enumerate() {
                let e = &rows[r * stride..][..side];
                let (sum, size) = total(side * side, |k| e[k / side] * matrix[k] * e[k % side]);
                assert_close(*out, sum, size);
            }
        });
    }
}
