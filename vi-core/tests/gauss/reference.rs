use vi_core::engine::gauss::scan::{Filter, Patterns, Row, Scan, Sequence, Statistics};

const SMOOTHER: &str = include_str!("../../../tests/fixtures/smoother.csv");
const NILE: &str = include_str!("../../../tests/data/nile.csv");

/// Pattern 0 is the first step, pattern 1 a later one.
fn linear_trend(proper: bool, q: f64, gauge: (&[f64], &[f64])) -> Patterns {
    let mut patterns = Patterns::default();
    patterns.reset(2, 1, gauge.0, gauge.1);
    let observation = Row { current: &[1.0, 0.0], inputs: &[1.0], ..Row::default() };
    patterns.begin();
    if proper {
        patterns.density(
            1.0,
            Row { current: &[1.0, 0.0], constant: gauge.0.first().copied().unwrap_or(0.0), ..Row::default() },
        );
        patterns.density(1.0, Row { current: &[0.0, 1.0], ..Row::default() });
    }
    patterns.density(1.0, observation);
    patterns.begin();
    let weight = 1.0 / q.sqrt();
    patterns.density(weight, Row { previous: &[-1.0, -1.0], current: &[1.0, 0.0], ..Row::default() });
    patterns.density(weight, Row { previous: &[0.0, -1.0], current: &[0.0, 1.0], ..Row::default() });
    patterns.density(1.0, observation);
    patterns
}

fn table() -> Vec<(String, f64, Vec<Vec<f64>>)> {
    let mut models: Vec<(String, f64, Vec<Vec<f64>>)> = vec![];
    for line in SMOOTHER.lines().skip(1) {
        let (start, rest) = line.split_once(',').unwrap();
        let numbers: Vec<f64> = rest.split(',').map(|x| x.parse().unwrap_or(f64::NAN)).collect();
        if models.last().is_none_or(|m| m.0 != start || m.1 != numbers[0]) {
            models.push((start.to_string(), numbers[0], vec![]));
        }
        models.last_mut().unwrap().2.push(numbers);
    }
    models
}

#[test]
fn the_smoother_of_a_linear_trend_keeps_twelve_digits_whatever_the_process_noise() {
    let models = table();
    assert_eq!(models.len(), 11);
    let mut scan = Scan::new();
    for (start, q, lines) in &models {
        let y: Vec<f64> = lines.iter().map(|l| l[2]).collect();
        let which: Vec<usize> = (0..y.len()).map(|t| usize::from(t > 0)).collect();
        let patterns = linear_trend(start == "proper", *q, (&[], &[]));
        scan.smooth(&patterns, &[Sequence::new(&which, &y)]).unwrap();
        // Relative to the largest of its kind, as means may pass through 0.
        let largest = |column: usize| lines.iter().fold(0.0_f64, |m, l| m.max(l[column].abs()));
        let (mut means, mut variances) = (0.0_f64, 0.0_f64);
        for (t, l) in lines.iter().enumerate() {
            for i in 0..2 {
                means = means.max((scan.mean(0, t)[i] - l[3 + i]).abs() / largest(3 + i));
                variances = variances.max((scan.covariance(0, t)[3 * i] / l[5 + i] - 1.0).abs());
            }
            variances = variances.max((scan.covariance(0, t)[1] - l[7]).abs() / (l[5] * l[6]).sqrt());
            if t > 0 {
                for k in 0..4 {
                    let (before, now) = (&lines[t - 1], l);
                    let scale = (before[5 + k / 2] * now[5 + k % 2]).sqrt();
                    variances = variances.max((scan.cross(0, t)[k] - before[8 + k]).abs() / scale);
                }
            }
        }
        let evidence = (scan.log_evidence(0) / lines[0][12] - 1.0).abs();
        println!("{start} {q:e}: means {means:.1e}, variances {variances:.1e}, evidence {evidence:.1e}");
        assert!(means < 1e-12, "{start} {q:e}: means are off by {means:e}");
        assert!(variances < 1e-12, "{start} {q:e}: variances are off by {variances:e}");
        assert!(evidence < 1e-12, "{start} {q:e}: the evidence is off by {evidence:e}");

        // The last smoothed state is the filtered one.
        let mut filter = Filter::new();
        for t in 0..y.len() {
            filter.step(&patterns, which[t], &y[t..=t]).unwrap();
        }
        let mut mean = [0.0; 2];
        filter.mean(&mut mean).unwrap();
        for i in 0..2 {
            assert!((mean[i] - lines[99][3 + i]).abs() < 1e-12 * largest(3 + i));
        }
        assert!((filter.log_evidence().unwrap() / lines[0][12] - 1.0).abs() < 1e-12);
    }
}

#[test]
fn an_offset_in_the_data_moves_the_level_and_nothing_else() {
    let (_, q, lines) = &table()[1];
    let y: Vec<f64> = lines.iter().map(|l| l[2]).collect();
    let which: Vec<usize> = (0..y.len()).map(|t| usize::from(t > 0)).collect();
    let mut near = (Scan::new(), linear_trend(true, *q, (&[], &[])));
    near.0.smooth(&near.1, &[Sequence::new(&which, &y)]).unwrap();
    // Sums of the data and 10⁸ are exact.
    let far_y: Vec<f64> = y.iter().map(|y| y + 1e8).collect();
    let mut far = (Scan::new(), linear_trend(true, *q, (&[1e8, 0.0], &[1e8])));
    far.0.smooth(&far.1, &[Sequence::new(&which, &far_y)]).unwrap();
    assert_eq!(far.0.log_evidence(0), near.0.log_evidence(0));
    for t in 0..y.len() {
        assert_eq!(far.0.mean(0, t), [near.0.mean(0, t)[0] + 1e8, near.0.mean(0, t)[1]]);
        assert_eq!(far.0.covariance(0, t), near.0.covariance(0, t));
    }
    let mut sums = [Statistics::new(&near.1), Statistics::new(&far.1)];
    near.0.accumulate(&near.1, &[Sequence::new(&which, &y)], &mut sums[0]).unwrap();
    far.0.accumulate(&far.1, &[Sequence::new(&which, &far_y)], &mut sums[1]).unwrap();
    assert_eq!(sums[0].of_means(1), sums[1].of_means(1));
}

fn nile() -> Vec<f64> {
    let y: Vec<f64> =
        NILE.lines().filter_map(|l| l.rsplit(',').next().and_then(|x| x.parse().ok())).collect();
    assert_eq!(y.len(), 100);
    y
}

fn local_level(start: Option<(f64, f64)>, level: f64, noise: f64) -> Patterns {
    let mut patterns = Patterns::new(1, 1);
    let observation = Row { current: &[1.0], inputs: &[1.0], ..Row::default() };
    patterns.begin();
    if let Some((mean, var)) = start {
        patterns.density(var.sqrt().recip(), Row { current: &[1.0], constant: mean, ..Row::default() });
    }
    patterns.density(noise.sqrt().recip(), observation);
    patterns.begin();
    patterns.density(level.sqrt().recip(), Row { previous: &[-1.0], current: &[1.0], ..Row::default() });
    patterns.density(noise.sqrt().recip(), observation);
    patterns
}

#[test]
fn the_nile_has_its_known_likelihoods() {
    let y = nile();
    let which: Vec<usize> = (0..100).map(|t| usize::from(t > 0)).collect();
    let mut scan = Scan::new();
    let mut log_likelihood = |patterns: &Patterns| {
        scan.evidence(patterns, &[Sequence::new(&which, &y)]).unwrap();
        scan.log_evidence(0)
    };
    let known = log_likelihood(&local_level(Some((0.0, 1e7)), 1469.1, 15099.0));
    assert!((known + 641.585578459).abs() < 1e-9, "{known}");
    let diffuse = log_likelihood(&local_level(None, 1469.1765, 15098.518));
    assert!((diffuse + 632.545625).abs() < 1e-6, "{diffuse}");
    // It is the maximum.
    for (level, noise) in [(1469.1765 * 1.02, 15098.518), (1469.1765, 15098.518 * 1.02), (1440.0, 15098.518)]
    {
        assert!(log_likelihood(&local_level(None, level, noise)) < diffuse);
    }
}

/// Steps are factorised until the recursion stands still; a long chain costs no more of them.
#[test]
fn a_million_steps_repeat_after_a_few() {
    let y = nile();
    let long: Vec<f64> = y.iter().cycle().take(1_000_000).map(|y| y - 900.0).collect();
    let which: Vec<usize> = (0..long.len()).map(|t| usize::from(t > 0)).collect();
    let mut scan = Scan::new();
    let patterns = local_level(Some((0.0, 1e7)), 1469.1, 15099.0);
    scan.smooth(&patterns, &[Sequence::new(&which, &long)]).unwrap();
    let (steps, back) = scan.computed();
    assert!(steps < 200 && back < 400, "{steps} {back}");
    let middle = scan.covariance(0, 500_000)[0];
    // The steady state: P = P − P²/(P + noise) + level before an observation, and the smoothed variance after both sides.
    let p = 0.5 * (1469.1 + (1469.1_f64 * 1469.1 + 4.0 * 1469.1 * 15099.0).sqrt());
    let both = 1.0 / (1.0 / 15099.0 + 2.0 / p);
    assert!((middle / both - 1.0).abs() < 1e-13, "{middle} {both}");
}
