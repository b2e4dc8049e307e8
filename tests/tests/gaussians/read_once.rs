//! Data that are read once: however they are held, weighed, left out or missing, the sums over their tiles are those over their rows.

use vi_core::data::Sparse;
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::density::normal;
use vi_tests::law::close;

model! {
    pub mod line {
        given    x[n in N]: Vector[D];
        param    b: Real;   param w: Vector[D];   param s2: Positive;
        observed y[n in N] ~ Normal(dot(w, x[n]) + b, var: s2);
    }
}
model! {
    /// Rows that count several times or not at all, some of them without a target.
    pub mod counted {
        given    x[n in N]: Vector[D];   given times[n in N]: Count;
        param    b: Real;   param w: Vector[D];   param s2: Positive;
        for n in N repeat times[n] {
            observed y[n]: Real? ~ Normal(dot(w, x[n]) + b, var: s2);
        }
    }
}
model! {
    /// Rows of different precision.
    pub mod precise {
        given    x[n in N]: Vector[D];   given times[n in N]: Positive;
        param    b: Real;   param w: Vector[D];   param tau: Positive;
        observed y[n in N]: Real? ~ Normal(dot(w, x[n]) + b, prec: tau * times[n]);
    }
}
model! {
    /// A regression for each column of a matrix with holes.
    pub mod several {
        given    x[n in N]: Vector[P];
        param    b[d in D]: Real;   param w[d in D]: Vector[P];   param s2[d in D]: Positive;
        observed y[n in N, d in D]: Real? ~ Normal(dot(w[d], x[n]) + b[d], var: s2[d]);
    }
}
model! {
    /// Pairs in one order alone.
    pub mod pairs {
        given    u[i in N]: Real;
        param    a: Real;   param b: Real;   param c: Real;   param s2: Positive;
        observed y[i in N, j in N if j < i] ~ Normal(a * u[i] + b * u[j] + c, var: s2);
    }
}
model! {
    /// Sequences of different lengths.
    pub mod sequences {
        given    x[s in S, t in T[s]]: Vector[D];
        param    b: Real;   param w: Vector[D];   param s2: Positive;
        observed y[s in S, t in T[s]] ~ Normal(dot(w, x[s, t]) + b, var: s2);
    }
}
model! {
    pub mod factors(H) {
        param    W: Matrix[D, H];   param mu: Vector[D];   param psi[d in D]: Positive(min: 1e-9);
        latent   f[n in N]: Vector[H] ~ Normal(0, var: 1);
        observed x[n in N] ~ Normal(W * f[n] + mu, var: psi);
    }
}

/// Lengths about those of tiles and of packs.
const LENGTHS: [usize; 7] = [9, 31, 247, 248, 249, 500, 1003];

fn thorough() -> Options {
    Options::new().tolerance(1e-15).max_iterations(100)
}

/// (weight, regressors, target)
type Row = (f64, Vec<f64>, f64);

/// Coefficients, the intercept first, and the variance: by an orthogonal factor of the weighted rows.
fn by_hand(rows: &[Row]) -> (DVector<f64>, f64) {
    let width = rows[0].1.len() + 1;
    let design = DMatrix::from_fn(rows.len(), width, |n, j| {
        let (w, x, _) = &rows[n];
        w.sqrt() * if j == 0 { 1.0 } else { x[j - 1] }
    });
    let target = DVector::from_fn(rows.len(), |n, _| rows[n].0.sqrt() * rows[n].2);
    let qr = design.clone().qr();
    let found = qr.r().solve_upper_triangular(&(qr.q().transpose() * &target)).expect("full rank");
    let square = (target - design * &found).norm_squared();
    (found, square / rows.iter().map(|r| r.0).sum::<f64>())
}

fn mean((_, x, _): &Row, w: &DVector<f64>) -> f64 {
    w[0] + x.iter().zip(w.iter().skip(1)).map(|(x, w)| x * w).sum::<f64>()
}

fn log_likelihood(rows: &[Row], w: &DVector<f64>, s2: f64) -> f64 {
    rows.iter().map(|r| r.0 * normal(r.2, mean(r, w), s2)).sum()
}

/// Regressors far from the origin, in units of their own.
fn problem(n: usize, d: usize, noise: &mut Noise) -> (DMatrix<f64>, Vec<f64>) {
    let x = DMatrix::from_fn(n, d, |_, j| 100.0 * j as f64 + (1.0 + j as f64) * noise.normal());
    let y = (0..n).map(|n| 3.0 + x.row(n).sum() * 0.2 + noise.normal()).collect();
    (x, y)
}

#[track_caller]
fn check((b, w, s2): (f64, &DVector<f64>, f64), rows: &[Row]) {
    let (found, variance) = by_hand(rows);
    close(b, found[0], 1e-8);
    for (a, b) in w.iter().zip(found.iter().skip(1)) {
        close(*a, *b, 1e-9);
    }
    close(s2, variance, 1e-9);
}

#[test]
fn tiles_of_any_length_and_width_are_their_rows() {
    let mut noise = Noise::new(1);
    for n in LENGTHS {
        for d in [1, 2, 3, 4, 7] {
            let (x, y) = problem(n, d, &mut noise);
            let rows: Vec<Row> = (0..n).map(|n| (1.0, x.row(n).iter().copied().collect(), y[n])).collect();
            let fit = line::Model::new()
                .fit(&line::Data { x: (&x).into(), y: (&y).into() }, &thorough())
                .expect("fits");
            let p = &fit.params;
            check((p.b, &p.w, p.s2), &rows);
            let (found, variance) = by_hand(&rows);
            close(fit.log_likelihood(), log_likelihood(&rows, &found, variance), 1e-11);
        }
    }
}

#[test]
fn counts_and_missing_targets_pick_rows_of_a_tile() {
    let mut noise = Noise::new(2);
    for n in LENGTHS {
        let (x, y) = problem(n, 3, &mut noise);
        let y: Vec<Option<f64>> = y.iter().map(|y| (noise.unit() < 0.7).then_some(*y)).collect();
        let times: Vec<u64> = (0..n).map(|_| noise.below(4) as u64).collect();
        let rows: Vec<Row> = (0..n)
            .filter_map(|n| Some((times[n] as f64, x.row(n).iter().copied().collect(), y[n]?)))
            .collect();
        let data = counted::Data { x: (&x).into(), times: (&times).into(), y: (&y).into() };
        let fit = counted::Model::new().fit(&data, &thorough()).expect("fits");
        let p = &fit.params;
        check((p.b, &p.w, p.s2), &rows);
        let (found, variance) = by_hand(&rows);
        close(fit.log_likelihood(), log_likelihood(&rows, &found, variance), 1e-11);
    }
}

#[test]
fn precisions_of_their_own_weigh_rows_and_count_them_once() {
    let mut noise = Noise::new(3);
    for n in LENGTHS {
        let (x, y) = problem(n, 2, &mut noise);
        let y: Vec<Option<f64>> = y.iter().map(|y| (noise.unit() < 0.8).then_some(*y)).collect();
        let times: Vec<f64> = (0..n).map(|_| 0.1 + noise.unit()).collect();
        let rows: Vec<Row> =
            (0..n).filter_map(|n| Some((times[n], x.row(n).iter().copied().collect(), y[n]?))).collect();
        let data = precise::Data { x: (&x).into(), times: (&times).into(), y: (&y).into() };
        let fit = precise::Model::new().fit(&data, &thorough()).expect("fits");
        let (found, variance) = by_hand(&rows);
        // Σ w ρ² is divided by how many rows there are.
        let variance = variance * rows.iter().map(|r| r.0).sum::<f64>() / rows.len() as f64;
        let p = &fit.params;
        close(p.b, found[0], 1e-8);
        (0..2).for_each(|j| close(p.w[j], found[1 + j], 1e-9));
        close(1.0 / p.tau, variance, 1e-9);
        let log: f64 = rows.iter().map(|r| normal(r.2, mean(r, &found), variance / r.0)).sum();
        close(fit.log_likelihood(), log, 1e-11);
    }
}

#[test]
fn every_column_of_a_matrix_with_holes_has_tiles_of_its_own() {
    let mut noise = Noise::new(4);
    for n in [31, 249, 1003] {
        let (x, first) = problem(n, 3, &mut noise);
        let y = DMatrix::from_fn(n, 3, |n, d| {
            (noise.unit() < 0.6).then(|| first[n] * (1.0 + d as f64) + x[(n, d)] + noise.normal())
        });
        let fit = several::Model::new()
            .fit(&several::Data { x: (&x).into(), y: (&y).into() }, &thorough())
            .expect("fits");
        let p = &fit.params;
        for d in 0..3 {
            let rows: Vec<Row> =
                (0..n).filter_map(|n| Some((1.0, x.row(n).iter().copied().collect(), y[(n, d)]?))).collect();
            check((p.b[d], &p.w[d], p.s2[d]), &rows);
        }
    }
}

#[test]
fn a_condition_picks_rows_of_a_tile() {
    let mut noise = Noise::new(5);
    for n in [5, 60, 300] {
        let u = noise.normals(n);
        let y = DMatrix::from_fn(n, n, |i, j| 0.3 * u[i] - 1.2 * u[j] + 5.0 + noise.normal());
        let rows: Vec<Row> = (0..n)
            .flat_map(|i| (0..i).map(move |j| (i, j)))
            .map(|(i, j)| (1.0, vec![u[i], u[j]], y[(i, j)]))
            .collect();
        let fit = pairs::Model::new()
            .fit(&pairs::Data { u: (&u).into(), y: (&y).into() }, &thorough())
            .expect("fits");
        let p = &fit.params;
        check((p.c, &DVector::from_vec(vec![p.a, p.b]), p.s2), &rows);
    }
}

#[test]
fn sequences_have_tiles_of_their_own_lengths() {
    let mut noise = Noise::new(6);
    let lengths = [1, 0, 2, 300, 7, 248, 13];
    let (x, y): (Vec<DMatrix<f64>>, Vec<Vec<f64>>) =
        lengths.iter().map(|t| problem(*t, 2, &mut noise)).unzip();
    let rows: Vec<Row> = x
        .iter()
        .zip(&y)
        .flat_map(|(x, y)| {
            (0..y.len()).map(|t| (1.0, x.row(t).iter().copied().collect(), y[t])).collect::<Vec<_>>()
        })
        .collect();
    let fit = sequences::Model::new()
        .fit(&sequences::Data { x: (&x).into(), y: (&y).into() }, &thorough())
        .expect("fits");
    let p = &fit.params;
    check((p.b, &p.w, p.s2), &rows);
}

#[test]
fn the_way_rows_are_held_does_not_show() {
    let mut noise = Noise::new(7);
    let (x, y) = problem(1003, 5, &mut noise);
    let vectors: Vec<DVector<f64>> = x.row_iter().map(|r| r.transpose()).collect();
    let arrays: Vec<[f64; 5]> = x.row_iter().map(|r| std::array::from_fn(|j| r[j])).collect();
    let cells = (0..1003).flat_map(|n| (0..5).map(move |j| (n, j))).map(|(n, j)| (n, j, x[(n, j)]));
    let sparse = Sparse::from_triplets(1003, 5, cells).expect("cells in their places");
    let bits = |data: line::Data<'_>| {
        let fit = line::Model::new().fit(&data, &thorough()).expect("fits");
        let p = &fit.params;
        let all: Vec<u64> =
            p.w.iter().chain([&p.b, &p.s2, &fit.log_likelihood()]).map(|x| x.to_bits()).collect();
        all
    };
    let expected = bits(line::Data { x: (&x).into(), y: (&y).into() });
    assert_eq!(bits(line::Data { x: (&vectors).into(), y: (&y).into() }), expected);
    assert_eq!(bits(line::Data { x: (&arrays).into(), y: (&y).into() }), expected);
    assert_eq!(bits(line::Data { x: (&sparse).into(), y: (&y).into() }), expected);
}

#[test]
fn collapsed_units_say_the_same_however_they_are_held_and_on_any_number_of_threads() {
    let mut noise = Noise::new(8);
    let units = 5003;
    let x = DMatrix::from_fn(units, 4, |_, d| 1e6 + f64::from(d as u32) + noise.normal());
    let vectors: Vec<DVector<f64>> = x.row_iter().map(|r| r.transpose()).collect();
    let bits = |data: factors::Data<'_>, threads| {
        let start = Start::Params(factors::Params {
            W: DMatrix::from_fn(4, 1, |d, _| 0.3 + 0.1 * d as f64),
            mu: DVector::from_element(4, 1e6),
            psi: vec![1.0; 4],
        });
        let options = Options::new().max_iterations(20).threads(threads);
        let fit = factors::Model::new(1).fit_from(&data, start, &options).expect("fits");
        let p = &fit.params;
        let all: Vec<u64> =
            p.W.iter()
                .chain(p.mu.iter())
                .chain(&p.psi)
                .chain([&fit.log_likelihood()])
                .map(|x| x.to_bits())
                .collect();
        all
    };
    let expected = bits(factors::Data { x: (&x).into() }, 1);
    for threads in [1, 2, 3] {
        assert_eq!(bits(factors::Data { x: (&x).into() }, threads), expected);
        assert_eq!(bits(factors::Data { x: (&vectors).into() }, threads), expected);
    }
}

#[test]
fn the_first_element_that_is_no_number_is_named() {
    let mut noise = Noise::new(9);
    let (x, y) = problem(3000, 5, &mut noise);
    let mut broken = x.clone();
    // Columns are stored first, rows are read first.
    broken[(2900, 0)] = f64::INFINITY;
    broken[(1500, 3)] = f64::NAN;
    let vectors: Vec<DVector<f64>> = broken.row_iter().map(|r| r.transpose()).collect();
    let arrays: Vec<[f64; 5]> = broken.row_iter().map(|r| std::array::from_fn(|j| r[j])).collect();
    for data in [
        line::Data { x: (&broken).into(), y: (&y).into() },
        line::Data { x: (&vectors).into(), y: (&y).into() },
        line::Data { x: (&arrays).into(), y: (&y).into() },
    ] {
        let error = line::Model::new().fit(&data, &thorough()).expect_err("there is a NaN").to_string();
        assert!(error.contains("x[1500][3]") && error.contains("NaN"), "{error}");
    }
    let mut late = y.clone();
    late[2999] = f64::NEG_INFINITY;
    let data = line::Data { x: (&x).into(), y: (&late).into() };
    let error = line::Model::new().fit(&data, &thorough()).expect_err("there is an infinity").to_string();
    assert!(error.contains("y[2999]") && error.contains("-inf"), "{error}");
}
