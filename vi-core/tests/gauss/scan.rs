use crate::chain::{Model, data};
use crate::oracle::{Joint, close, noise, quadratic_form};
use nalgebra::{DMatrix, DVector};
use vi_core::engine::gauss::Failure;
use vi_core::engine::gauss::scan::{Failed, Filter, Patterns, Row, Scan, Sequence, Statistics};
use vi_core::rng::stream;

/// Means, covariances, neighbours and evidence of one sequence.
#[track_caller]
fn agrees(scan: &Scan, s: usize, h: usize, steps: usize, want: (f64, DVector<f64>, DMatrix<f64>)) {
    let (evidence, mean, cov) = want;
    close(scan.log_evidence(s), evidence, 1e-10);
    for t in 0..steps {
        for i in 0..h {
            close(scan.mean(s, t)[i], mean[t * h + i], 1e-10);
            for j in 0..h {
                close(scan.covariance(s, t)[i * h + j], cov[(t * h + i, t * h + j)], 1e-10);
                if t > 0 {
                    close(scan.cross(s, t)[i * h + j], cov[((t - 1) * h + i, t * h + j)], 1e-10);
                }
            }
        }
    }
}

#[test]
fn random_state_spaces_agree_with_their_joint_normal() {
    let mut scan = Scan::new();
    for case in 0..40 {
        let rng = &mut stream(1, "scan", &[case]);
        let (h, given, outputs) = (1 + case % 4, case % 3, case % 4);
        let model = Model::random(rng, h, given, outputs);
        let patterns = model.patterns((&[], &[]));
        // Ragged, down to nothing; some with holes, some alike.
        let lengths = [5, 0, 1, 9, 5, 2, 9, 14, 7, 9, 3];
        let many: Vec<_> = lengths.iter().map(|t| data(rng, &model, *t, case % 2 == 1)).collect();
        let which: Vec<_> = many.iter().map(|(sets, _)| Model::which(sets)).collect();
        let sequences: Vec<_> = which.iter().zip(&many).map(|(w, d)| Sequence::new(w, &d.1)).collect();
        scan.smooth(&patterns, &sequences).unwrap();
        for (s, (sets, inputs)) in many.iter().enumerate() {
            let (joint, states, observed) = model.joint(sets, inputs);
            agrees(&scan, s, h, sets.len(), joint.given(&observed, &states));
        }
    }
}

#[test]
fn company_does_not_change_a_bit() {
    let rng = &mut stream(2, "company", &[]);
    let model = Model::random(rng, 3, 1, 2);
    let patterns = model.patterns((&[0.5, -1.0, 0.25], &[]));
    let many: Vec<_> = (0..21).map(|s| data(rng, &model, 30 + s % 4, s % 5 == 0)).collect();
    let which: Vec<_> = many.iter().map(|(sets, _)| Model::which(sets)).collect();
    let sequences: Vec<_> = which.iter().zip(&many).map(|(w, d)| Sequence::new(w, &d.1)).collect();
    let (mut all, mut one) = (Scan::new(), Scan::new());
    all.smooth(&patterns, &sequences).unwrap();
    for (s, sequence) in sequences.iter().enumerate() {
        one.smooth(&patterns, &[*sequence]).unwrap();
        assert_eq!(all.log_evidence(s), one.log_evidence(0));
        assert_eq!(all.means(s), one.means(0));
        for t in 0..sequence.len() {
            assert_eq!(all.covariance(s, t), one.covariance(0, t));
        }
    }
}

/// Expected moments by brute force from the joint of every sequence.
#[test]
fn statistics_are_the_sums_of_expected_moments() {
    for (case, gauged) in [(0, false), (1, true), (2, true), (3, false)] {
        let rng = &mut stream(3, "statistics", &[case]);
        let (h, given, outputs) = (1 + case % 3, case % 2, 1 + case % 2);
        let model = Model::random(rng, h, given, outputs);
        let m = model.inputs();
        let gauge: (Vec<f64>, Vec<f64>) = if gauged {
            ((0..h).map(|i| 0.3 * i as f64 - 1.0).collect(), (0..m).map(|i| 0.5 - i as f64).collect())
        } else {
            (vec![0.0; h], vec![0.0; m])
        };
        let patterns = model.patterns((&gauge.0, &gauge.1));
        let many: Vec<_> = (0..12).map(|s| data(rng, &model, s % 6, s % 3 == 0)).collect();
        let which: Vec<_> = many.iter().map(|(sets, _)| Model::which(sets)).collect();
        let sequences: Vec<_> = which
            .iter()
            .zip(&many)
            .enumerate()
            .map(|(s, (w, d))| Sequence {
                weight: if case == 3 { 0.5 + s as f64 } else { 1.0 },
                ..Sequence::new(w, &d.1)
            })
            .collect();
        let mut statistics = Statistics::new(&patterns);
        let mut halves = [Statistics::new(&patterns), Statistics::new(&patterns)];
        let mut scan = Scan::new();
        scan.accumulate(&patterns, &sequences, &mut statistics).unwrap();
        scan.accumulate(&patterns, &sequences[..5], &mut halves[0]).unwrap();
        scan.accumulate(&patterns, &sequences[5..], &mut halves[1]).unwrap();
        let [mut both, second] = halves;
        both.merge(&second);

        let dim = 2 * h + m;
        let mut want = vec![(0.0, DVector::zeros(dim), DMatrix::zeros(dim, dim)); patterns.len()];
        for ((sets, inputs), sequence) in many.iter().zip(&sequences) {
            let (joint, states, observed) = model.joint(sets, inputs);
            let (_, mean, cov) = joint.given(&observed, &states);
            for (t, pattern) in sequence.patterns.iter().enumerate() {
                let read = |i: usize| i < given && t > 0 || i >= given && sets[t] & (1 << (i - given)) != 0;
                let place = |i: usize| match i {
                    i if i < h => Some(t * h + i),
                    i if i < 2 * h && t > 0 => Some((t - 1) * h + i - h),
                    _ => None,
                };
                let v = DVector::from_fn(dim, |i, _| match place(i) {
                    Some(at) => mean[at] - gauge.0[i % h],
                    None if i >= 2 * h && read(i - 2 * h) => inputs[t * m + i - 2 * h] - gauge.1[i - 2 * h],
                    None => 0.0,
                });
                let spread = DMatrix::from_fn(dim, dim, |i, j| match (place(i), place(j)) {
                    (Some(a), Some(b)) => cov[(a, b)],
                    _ => 0.0,
                });
                let w = sequence.weight;
                let (count, sum, square) = &mut want[*pattern];
                *count += w;
                *sum += &v * w;
                *square += (&v * v.transpose() + spread) * w;
            }
        }
        for statistics in [&statistics, &both] {
            for (p, (count, sum, square)) in want.iter().enumerate() {
                let moments = statistics.total([p]);
                let cell = moments.cell(0);
                close(cell.count, *count, 1e-12);
                for i in 0..dim {
                    close(cell.sum[i], sum[i], 1e-10);
                    for j in 0..dim {
                        close(cell.square(i, j), square[(i, j)], 1e-10);
                    }
                }
            }
        }
        // Some components of several patterns, in another order.
        let columns = [dim - 1, 0];
        let some = statistics.select([1, 3], &columns);
        let sum: f64 = [1, 3].iter().map(|p| want[*p].2[(dim - 1, 0)]).sum();
        close(some.cell(0).square(0, 1), sum, 1e-10);
        assert_eq!(some.gauge(0), [gauge.1[m - 1], gauge.0[0]]);
    }
}

#[test]
fn a_diffuse_start_is_a_start_without_rows() {
    // A level and a slope: two observations determine them, one does not.
    let rng = &mut stream(4, "diffuse", &[]);
    let mut model = Model::random(rng, 2, 0, 1);
    model.a = DMatrix::from_row_slice(2, 2, &[1.0, 1.0, 0.0, 1.0]);
    model.c = DMatrix::from_row_slice(1, 2, &[1.0, 0.0]);
    model.start = None;
    let patterns = model.patterns((&[], &[]));
    let mut scan = Scan::new();
    for steps in 1..7 {
        let (sets, inputs) = data(rng, &model, steps, false);
        let which = Model::which(&sets);
        let found = scan.smooth(&patterns, &[Sequence::new(&which, &inputs)]);
        if steps == 1 {
            let why = Failure::Undetermined { block: 0, column: 1 };
            assert_eq!(found, Err(Failed { sequence: 0, why }));
            continue;
        }
        found.unwrap();
        let mut rows: Vec<(Vec<f64>, f64)> = vec![];
        let mut log_factor = 0.0;
        let mut push = |a: &[(usize, f64)], target: f64, var: f64| {
            let mut row = vec![0.0; 2 * steps];
            a.iter().for_each(|(j, x)| row[*j] += x / var.sqrt());
            rows.push((row, target / var.sqrt()));
            log_factor -= 0.5 * (crate::oracle::LOG_TAU + var.ln());
        };
        for t in 0..steps {
            if t > 0 {
                push(&[(2 * t, 1.0), (2 * t - 2, -1.0), (2 * t - 1, -1.0)], 0.0, model.q[0]);
                push(&[(2 * t + 1, 1.0), (2 * t - 1, -1.0)], 0.0, model.q[1]);
            }
            push(&[(2 * t, 1.0)], inputs[t] - model.d[0], model.r[0]);
        }
        agrees(&scan, 0, 2, steps, quadratic_form(&rows, log_factor));
    }
    // Nothing is ever observed.
    let which = Model::which(&[0; 6]);
    let why = Failure::Undetermined { block: 5, column: 0 };
    let nothing = scan.smooth(&patterns, &[Sequence::new(&which, &[f64::NAN; 6])]);
    assert_eq!(nothing, Err(Failed { sequence: 0, why }));
}

/// Rows that change at every step, a lag of two by stacked blocks, and squares that are no densities.
#[test]
fn an_autoregression_of_order_two_under_mean_field_agrees_with_its_quadratic_form() {
    let rng = &mut stream(5, "lag", &[]);
    let steps = 12;
    let mut patterns = Patterns::new(2, 1);
    let mut rows: Vec<(Vec<f64>, f64)> = vec![];
    let mut log_factor = 0.0;
    let y: Vec<f64> = (0..steps).map(|_| noise(rng)).collect();
    // The state is (x[t], x[t−1]); its second component repeats the first of the step before, up to a tiny variance.
    for t in 0..steps {
        patterns.begin();
        let (a, b, gain, s) = (noise(rng), noise(rng), 1.0 + noise(rng), 0.2 + noise(rng).abs());
        let index = |i: usize| 2 * t + i;
        let mut both = |weight: f64,
                        is_density: bool,
                        previous: [f64; 2],
                        current: [f64; 2],
                        input: f64,
                        constant: f64| {
            let row = Row { previous: &previous, current: &current, inputs: &[input], constant };
            if is_density {
                patterns.density(weight, row);
                log_factor += weight.ln() - 0.5 * crate::oracle::LOG_TAU;
            } else {
                patterns.square(weight, row);
            }
            let mut a = vec![0.0; 2 * steps];
            for i in 0..2 {
                a[index(i)] += weight * current[i];
                if t > 0 {
                    a[index(i) - 2] += weight * previous[i];
                }
            }
            rows.push((a, weight * (input * y[t] + constant)));
        };
        if t == 0 {
            both(1.0, true, [0.0; 2], [1.0, 0.0], 0.0, 0.0);
            both(1.0, true, [0.0; 2], [0.0, 1.0], 0.0, 0.5);
        } else {
            both(1.0 / s, true, [-a, -b], [1.0, 0.0], 0.0, 0.1);
            both(1e3, true, [-1.0, 0.0], [0.0, 1.0], 0.0, 0.0);
            // Uncertainty of the coefficients a and b: rows of a root of their covariance.
            both(1.0 / s, false, [0.3, 0.1], [0.0; 2], 0.0, 0.0);
            both(1.0 / s, false, [0.0, 0.2], [0.0; 2], 0.0, 0.0);
        }
        if t % 4 != 3 {
            both(2.0, true, [0.0; 2], [gain, 0.0], 1.0, 0.0);
        }
        both(0.0, false, [0.0; 2], [1.0, 1.0], 1.0, 1.0);
    }
    let which: Vec<usize> = (0..steps).collect();
    let mut scan = Scan::new();
    scan.smooth(&patterns, &[Sequence::new(&which, &y)]).unwrap();
    agrees(&scan, 0, 2, steps, quadratic_form(&rows, log_factor));
    assert_eq!(scan.computed(), (steps, steps - 1));
}

#[test]
fn a_dense_observation_noise_is_whitened() {
    let sigma = DMatrix::from_row_slice(2, 2, &[1.0, 0.6, 0.6, 2.0]);
    let whitener = sigma.clone().cholesky().unwrap().l().try_inverse().unwrap();
    let mut patterns = Patterns::default();
    patterns.reset(1, 2, &[10.0], &[11.0, 19.0]);
    patterns.begin();
    patterns.density(0.5, Row { current: &[1.0], constant: 9.0, ..Row::default() });
    let of = |c: &'static [f64], u: &'static [f64]| Row { current: c, inputs: u, ..Row::default() };
    patterns.whitened(&whitener, &[of(&[1.0], &[1.0, 0.0]), of(&[2.0], &[0.0, 1.0])]);
    let y = [11.5, 20.3];
    let mut scan = Scan::new();
    scan.smooth(&patterns, &[Sequence::new(&[0], &y)]).unwrap();
    let mut joint = Joint::default();
    joint.add(&[], 9.0, 4.0);
    joint.add(&[(0, 1.0)], 0.0, 1.0);
    joint.add(&[(0, 2.0), (1, 0.6), (0, -0.6)], 0.0, 2.0 - 0.36);
    let (evidence, mean, cov) = joint.given(&[(1, y[0]), (2, y[1])], &[0]);
    close(scan.log_evidence(0), evidence, 1e-13);
    close(scan.mean(0, 0)[0], mean[0], 1e-13);
    close(scan.covariance(0, 0)[0], cov[(0, 0)], 1e-13);
}

#[test]
fn the_filter_sees_the_past_and_forecasts() {
    let rng = &mut stream(6, "filter", &[]);
    let model = Model::random(rng, 3, 1, 2);
    let patterns = model.patterns((&[1.0, 2.0, -1.0], &[0.5, -0.5, 0.25]));
    let (mut sets, inputs) = data(rng, &model, 12, true);
    // Nothing is observed at the end.
    sets[9..].fill(0);
    let which = Model::which(&sets);
    let mut filter = Filter::new();
    assert!(filter.is_empty() && filter.log_evidence() == Ok(0.0));
    let (mut mean, mut cov) = ([0.0; 3], [0.0; 9]);
    for t in 0..which.len() {
        filter.step(&patterns, which[t], &inputs[t * 3..][..3]).unwrap();
        filter.mean(&mut mean).unwrap();
        filter.covariance(&mut cov).unwrap();
        let (joint, states, observed) = model.joint(&sets[..=t], &inputs);
        let (evidence, m, v) = joint.given(&observed, &states[3 * t..]);
        close(filter.log_evidence().unwrap(), evidence, 1e-10);
        for i in 0..3 {
            close(mean[i], m[i], 1e-10);
            (0..3).for_each(|j| close(cov[3 * i + j], v[(i, j)], 1e-10));
        }
    }
}

#[test]
fn paths_are_drawn_from_the_posterior() {
    let rng = &mut stream(7, "paths", &[]);
    let model = Model::random(rng, 2, 0, 1);
    let patterns = model.patterns((&[3.0, -2.0], &[]));
    let (sets, inputs) = data(rng, &model, 4, true);
    let which = Model::which(&sets);
    let (joint, states, observed) = model.joint(&sets, &inputs);
    let (_, mean, cov) = joint.given(&observed, &states);
    let draws = 20_000;
    let mut paths = vec![0.0; draws * 8];
    Scan::new().sample(&patterns, Sequence::new(&which, &inputs), rng, &mut paths).unwrap();
    // Five standard errors.
    let error = 5.0 / (draws as f64).sqrt();
    for i in 0..8 {
        let average = paths.chunks(8).map(|x| x[i]).sum::<f64>() / draws as f64;
        assert!((average - mean[i]).abs() < error * cov[(i, i)].sqrt(), "mean {i}");
        for j in 0..8 {
            let c = paths.chunks(8).map(|x| (x[i] - mean[i]) * (x[j] - mean[j])).sum::<f64>() / draws as f64;
            let sd = (cov[(i, i)] * cov[(j, j)] + cov[(i, j)].powi(2)).sqrt();
            assert!((c - cov[(i, j)]).abs() < error * sd, "covariance {i}, {j}");
        }
    }
}

#[test]
fn data_that_are_not_finite_are_an_error_that_names_the_step() {
    let rng = &mut stream(8, "nan", &[]);
    let model = Model::random(rng, 2, 0, 1);
    let patterns = model.patterns((&[], &[]));
    let which = Model::which(&[1; 5]);
    let good = [0.5; 5];
    let bad = [0.5, 0.5, f64::NAN, 0.5, 0.5];
    let found = Scan::new().evidence(&patterns, &[Sequence::new(&which, &good), Sequence::new(&which, &bad)]);
    assert_eq!(found, Err(Failed { sequence: 1, why: Failure::NotFinite { block: 2 } }));
    let mut huge = Patterns::new(1, 0);
    huge.begin();
    huge.density(f64::INFINITY, Row { current: &[1.0], ..Row::default() });
    let found = Scan::new().evidence(&huge, &[Sequence::new(&[0], &[])]);
    assert_eq!(found, Err(Failed { sequence: 0, why: Failure::NotFinite { block: 0 } }));
}

#[test]
fn chains_without_states_or_steps_are_their_residuals() {
    let mut scan = Scan::new();
    let mut patterns = Patterns::new(0, 1);
    patterns.begin();
    patterns.density(1.0, Row { inputs: &[1.0], ..Row::default() });
    scan.smooth(&patterns, &[Sequence::new(&[0, 0], &[1.0, 2.0]), Sequence::new(&[], &[])]).unwrap();
    close(scan.log_evidence(0), -crate::oracle::LOG_TAU - 2.5, 1e-14);
    assert_eq!(scan.log_evidence(1), 0.0);
    scan.smooth(&patterns, &[]).unwrap();
}

/// Sensors that see one combination of two levels, at any scale and for any process noise: what rounding leaves must not pass for information.
#[test]
fn a_combination_that_no_sensor_sees_stays_undetermined() {
    for sensors in [[0.3, 0.1], [1e6, 3e5], [1.0, -1e-5]] {
        for noise in [1.0, 1e-3, 1e5] {
            let mut patterns = Patterns::new(2, 2);
            for later in [false, true] {
                patterns.begin();
                if later {
                    patterns.density(
                        noise,
                        Row { previous: &[-1.0, 0.0], current: &[1.0, 0.0], ..Row::default() },
                    );
                    patterns.density(
                        noise,
                        Row { previous: &[0.0, -1.0], current: &[0.0, 1.0], ..Row::default() },
                    );
                }
                let twice = sensors.map(|c| 2.1 * c);
                patterns.density(1.0, Row { current: &sensors, inputs: &[1.0, 0.0], ..Row::default() });
                patterns.density(0.7, Row { current: &twice, inputs: &[0.0, 1.0], ..Row::default() });
            }
            for steps in [1, 2, 30, 1000] {
                let which: Vec<usize> = (0..steps).map(|t| usize::from(t > 0)).collect();
                let inputs: Vec<f64> = (0..2 * steps).map(|i| (i % 7) as f64 * 0.3).collect();
                let found = Scan::new().evidence(&patterns, &[Sequence::new(&which, &inputs)]);
                let why = Failure::Undetermined { block: steps - 1, column: 1 };
                assert_eq!(found, Err(Failed { sequence: 0, why }), "{sensors:?} {noise} {steps}");
                let mut filter = Filter::new();
                for t in 0..steps {
                    filter.step(&patterns, which[t], &inputs[2 * t..][..2]).unwrap();
                }
                assert_eq!(filter.log_evidence(), Err(why));
                // A prior on one of them is enough.
                let mut proper = patterns.clone();
                proper.begin();
                proper.density(1e-3, Row { current: &[0.0, 1.0], ..Row::default() });
                let mut which = which;
                which[0] = 2;
                if steps > 1 {
                    Scan::new().evidence(&proper, &[Sequence::new(&which, &inputs)]).unwrap();
                }
            }
        }
    }
}

/// Holes at random, so long that what was factorised is let go between sequences.
#[test]
fn what_is_let_go_is_not_missed() {
    let rng = &mut stream(9, "long", &[]);
    let model = Model::random(rng, 3, 0, 2);
    let patterns = model.patterns((&[], &[]));
    let many: Vec<_> = (0..4).map(|_| data(rng, &model, 2_500, true)).collect();
    let which: Vec<_> = many.iter().map(|(sets, _)| Model::which(sets)).collect();
    let sequences: Vec<_> = which.iter().zip(&many).map(|(w, d)| Sequence::new(w, &d.1)).collect();
    let (mut all, mut one) = (Scan::new(), Scan::new());
    let (mut sums, mut merged) = (Statistics::new(&patterns), Statistics::new(&patterns));
    all.accumulate(&patterns, &sequences, &mut sums).unwrap();
    all.smooth(&patterns, &sequences).unwrap();
    assert!(all.computed().0 < 6_000 && all.computed().1 > 9_000, "{:?}", all.computed());
    for (s, sequence) in sequences.iter().enumerate() {
        let mut own = Statistics::new(&patterns);
        one.accumulate(&patterns, &[*sequence], &mut own).unwrap();
        merged.merge(&own);
        one.smooth(&patterns, &[*sequence]).unwrap();
        assert_eq!(all.log_evidence(s), one.log_evidence(0));
        assert_eq!(all.means(s), one.means(0));
        for t in 0..sequence.len() {
            assert_eq!(all.covariance(s, t), one.covariance(0, t));
            if t > 0 {
                assert_eq!(all.cross(s, t), one.cross(0, t));
            }
        }
    }
    for p in 0..patterns.len() {
        for i in 0..6 {
            close(sums.of_means(p).sum[i], merged.of_means(p).sum[i], 1e-11);
            (0..=i).for_each(|j| close(sums.covariance(p, i, j), merged.covariance(p, i, j), 1e-11));
        }
    }
}

/// With a prior of variance v, means differ from those of a diffuse start by O(1/v), and the evidence by the prior's density.
#[test]
fn a_vague_prior_is_a_prior_however_vague() {
    let rng = &mut stream(10, "vague", &[]);
    let mut model = Model::random(rng, 2, 0, 1);
    model.a = DMatrix::from_row_slice(2, 2, &[1.0, 1.0, 0.0, 1.0]);
    model.c = DMatrix::from_row_slice(1, 2, &[1.0, 0.0]);
    let (sets, inputs) = data(rng, &model, 30, false);
    let which = Model::which(&sets);
    let sequence = [Sequence::new(&which, &inputs)];
    let (mut vague, mut diffuse) = (Scan::new(), Scan::new());
    model.start = None;
    diffuse.smooth(&model.patterns((&[], &[])), &sequence).unwrap();
    for v in [1e10, 1e16, 1e24, 1e40] {
        model.start = Some((DVector::zeros(2), DVector::from_element(2, v)));
        vague.smooth(&model.patterns((&[], &[])), &sequence).unwrap();
        let tolerance = 1e-13 + 100.0 / v;
        close(vague.log_evidence(0), diffuse.log_evidence(0) - crate::oracle::LOG_TAU - v.ln(), tolerance);
        for t in 0..30 {
            (0..2).for_each(|i| close(vague.mean(0, t)[i], diffuse.mean(0, t)[i], tolerance));
            (0..4).for_each(|k| close(vague.covariance(0, t)[k], diffuse.covariance(0, t)[k], tolerance));
        }
        // Before anything tells of the slope, the prior alone does.
        let mut filter = Filter::new();
        filter.step(&model.patterns((&[], &[])), which[0], &inputs[..1]).unwrap();
        let mut cov = [0.0; 4];
        filter.covariance(&mut cov).unwrap();
        close(cov[3] / v, 1.0, 1e-13);
    }
}

/// y[t] ~ Normal(w · (x[t−1], x[t], u[t], 1), 1) with uncertain w, about a gauge: E over w is a row for each root of Cov w.
#[test]
fn uncertain_coefficients_of_a_chain_are_rows_and_copies_are_rows() {
    let root = DMatrix::from_row_slice(4, 2, &[0.5, 0.1, -0.3, 0.4, 0.2, 0.0, 0.1, 0.7]);
    let s = &root * root.transpose();
    let u = [0.3, -1.2, 2.0, 0.4];
    let mut patterns = Patterns::default();
    patterns.reset(1, 1, &[5.0], &[-3.0]);
    let drift = Row { previous: &[-1.0], current: &[1.0], ..Row::default() };
    patterns.begin();
    patterns.density(1.0, Row { current: &[1.0], constant: 4.0, ..Row::default() });
    patterns.begin();
    patterns.copies(2.5, 0.8, drift);
    patterns.uncertain(&s);
    let mut scan = Scan::new();
    scan.smooth(&patterns, &[Sequence::new(&[0, 1, 1, 1], &u)]).unwrap();
    let mut rows: Vec<(Vec<f64>, f64)> = vec![(vec![1.0, 0.0, 0.0, 0.0], 4.0)];
    let mut log_factor = -0.5 * crate::oracle::LOG_TAU;
    for t in 1..4 {
        let mut push = |before: f64, now: f64, target: f64| {
            let mut a = vec![0.0; 4];
            (a[t - 1], a[t]) = (before, now);
            rows.push((a, target));
        };
        let w = 0.8 * 2.5_f64.sqrt();
        push(-w, w, 0.0);
        log_factor += 2.5 * (0.8_f64.ln() - 0.5 * crate::oracle::LOG_TAU);
        for r in 0..2 {
            push(-root[(0, r)], -root[(1, r)], root[(2, r)] * u[t] + root[(3, r)]);
        }
    }
    agrees(&scan, 0, 1, 4, quadratic_form(&rows, log_factor));
}
