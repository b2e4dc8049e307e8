//! Fronts beside one dense Normal: the rows as a matrix, its normal equations inverted by nalgebra.

use super::Failure;
use super::fronts::{Fronts, SparseRows};
use super::order::Pattern;
use nalgebra::{Cholesky, DMatrix, DVector};
use std::sync::Arc;

/// Numbers in −1..1 of which none says much about the next.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    fn below(&mut self, n: usize) -> usize {
        ((self.next() * 0.5 + 0.5) * n as f64) as usize % n
    }
}

/// Rows, and the same as one matrix.
struct Both {
    unknowns: usize,
    rows: SparseRows,
    all: Vec<(Vec<f64>, f64)>,
}

impl Both {
    fn new(unknowns: usize) -> Both {
        Both { unknowns, rows: SparseRows::default(), all: vec![] }
    }

    fn add(&mut self, row: &[(usize, f64)], target: f64) {
        self.rows.begin(row.iter().map(|(i, _)| *i));
        self.rows.row(row.iter().map(|(_, a)| *a), &[target]);
        let mut dense = vec![0.0; self.unknowns];
        row.iter().for_each(|(i, a)| dense[*i] += a);
        self.all.push((dense, target));
    }

    fn pattern(&self) -> Arc<Pattern> {
        Arc::new(Pattern::new(self.unknowns, self.rows.columns.clone(), self.rows.ends.clone()))
    }

    /// Everything that fronts say of it, against one matrix.
    #[track_caller]
    fn check(&self, tolerance: f64) -> Arc<Pattern> {
        let n = self.unknowns;
        let pattern = self.pattern();
        let (law, mean) = Fronts::eliminate(&pattern, &self.rows, 1).unwrap();
        let a = DMatrix::from_fn(self.all.len(), n, |i, j| self.all[i].0[j]);
        let t = DVector::from_fn(self.all.len(), |i, _| self.all[i].1);
        let chol = Cholesky::new(a.transpose() * &a).unwrap();
        let cov = chol.inverse();
        let expected = chol.solve(&(a.transpose() * t));
        let log_det: f64 = chol.l().diagonal().iter().map(|x| x.ln()).sum();
        assert!((law.log_det() - log_det).abs() < tolerance * n as f64, "{} {log_det}", law.log_det());
        for i in 0..n {
            let scale = expected.amax().max(1.0);
            assert!((mean[i] - expected[i]).abs() < tolerance * scale, "{} {}", mean[i], expected[i]);
            for j in 0..n {
                let scale = (cov[(i, i)] * cov[(j, j)]).sqrt();
                let found = law.covariance(i, j);
                assert!((found - cov[(i, j)]).abs() < tolerance * scale, "{i} {j}: {found} {}", cov[(i, j)]);
                assert_eq!(found.to_bits(), law.covariance(j, i).to_bits());
            }
        }
        // A form, a draw, a density.
        let c: Vec<f64> = (0..n).map(|i| (i as f64 * 1.7).sin()).collect();
        let along = DVector::from_column_slice(&c);
        let expected = (along.transpose() * &cov * &along)[(0, 0)];
        let found = law.variance(c.iter().copied().enumerate());
        assert!((found / expected - 1.0).abs() < tolerance);
        let mut back = vec![];
        law.whiten(&c, &c, |white, _| back.push(white));
        let square: f64 = back.iter().map(|x| x * x).sum();
        assert!((square / (&a * &along).norm_squared() - 1.0).abs() < tolerance);
        let mut unit = DMatrix::<f64>::identity(n, n);
        unit.as_mut_slice().chunks_exact_mut(n).for_each(|x| law.colour(x));
        assert!(((&unit * unit.transpose()) - &cov).amax() < tolerance * cov.amax());
        // Renamed.
        let from: Vec<usize> = (0..n).map(|i| (i * 7 + 3) % n).collect();
        if (0..n).all(|i| from.contains(&i)) {
            let renamed = law.renamed(&from).unwrap();
            for i in 0..n {
                for j in 0..n {
                    let scale = (cov[(from[i], from[i])] * cov[(from[j], from[j])]).sqrt();
                    assert!((renamed.covariance(i, j) - cov[(from[i], from[j])]).abs() < tolerance * scale);
                }
            }
        }
        pattern
    }
}

#[test]
fn a_hierarchy_of_intercepts_and_slopes_is_one_front_for_each_group() {
    let mut u = Numbers(1);
    let groups = 40;
    // Intercept and slope of each group, their means, and a coefficient that all share.
    let mut b = Both::new(2 * groups + 3);
    for g in 0..groups {
        b.add(&[(2 * g, 1.3), (2 * groups, -1.3)], 0.0);
        b.add(&[(2 * g + 1, 0.7), (2 * groups + 1, -0.7)], 0.0);
        for _ in 0..g % 4 {
            b.add(&[(2 * g, 1.0), (2 * g + 1, u.next()), (2 * groups + 2, u.next())], 3.0 * u.next());
        }
    }
    (0..3).for_each(|k| b.add(&[(2 * groups + k, 0.1)], 0.0));
    let pattern = b.check(1e-11);
    assert!(pattern.widest() <= 5, "{}", pattern.widest());
    assert!(pattern.cost() * 10.0 < (b.unknowns as f64).powi(3));
}

#[test]
fn nested_effects_have_fronts_of_two() {
    let mut u = Numbers(2);
    let (schools, classes, pupils) = (6, 30, 90);
    let mut b = Both::new(schools + classes + pupils + 1);
    let (class, pupil, top) = (schools, schools + classes, schools + classes + pupils);
    b.add(&[(top, 0.2)], 1.0);
    (0..schools).for_each(|s| b.add(&[(s, 1.1), (top, -1.1)], 0.0));
    for c in 0..classes {
        b.add(&[(class + c, 0.8), (u.below(schools), -0.8)], 0.0);
    }
    for p in 0..pupils {
        b.add(&[(pupil + p, 2.0), (class + u.below(classes), -2.0)], 0.0);
        b.add(&[(pupil + p, 1.0)], u.next());
    }
    let pattern = b.check(1e-11);
    assert_eq!(pattern.widest(), 2);
}

#[test]
fn crossed_effects_fill_no_more_than_the_smaller_side() {
    let mut u = Numbers(3);
    let (users, items) = (60, 12);
    let mut b = Both::new(users + items + 1);
    (0..users + items).for_each(|i| b.add(&[(i, 0.9)], 0.0));
    b.add(&[(users + items, 0.01)], 0.0);
    for _ in 0..300 {
        b.add(&[(u.below(users), 1.0), (users + u.below(items), 1.0), (users + items, 1.0)], 5.0 + u.next());
    }
    let pattern = b.check(1e-10);
    assert!(pattern.widest() <= items + 2, "{}", pattern.widest());
}

#[test]
fn a_walk_and_a_grid() {
    let mut u = Numbers(4);
    let n = 120;
    let mut b = Both::new(n);
    b.add(&[(0, 0.3)], 1.0);
    (1..n).for_each(|t| b.add(&[(t, 3.0), (t - 1, -3.0)], 0.0));
    (0..n).step_by(3).for_each(|t| b.add(&[(t, 1.0)], u.next()));
    assert_eq!(b.check(1e-10).widest(), 2);

    let side = 11;
    let mut b = Both::new(side * side);
    for i in 0..side {
        for j in 0..side {
            let at = i * side + j;
            b.add(&[(at, 0.5)], u.next());
            if i + 1 < side {
                b.add(&[(at, 2.0), (at + side, -2.0)], 0.0);
            }
            if j + 1 < side {
                b.add(&[(at, 2.0), (at + 1, -2.0)], 0.0);
            }
        }
    }
    let pattern = b.check(1e-10);
    assert!(pattern.widest() < 3 * side, "{}", pattern.widest());
}

#[test]
fn patterns_at_random_agree_with_one_matrix() {
    for seed in 0..60 {
        let mut u = Numbers(100 + seed);
        let n = 2 + u.below(30);
        let mut b = Both::new(n);
        (0..n).for_each(|i| b.add(&[(i, 0.3 + u.next().abs())], u.next()));
        for _ in 0..u.below(60) {
            let row: Vec<(usize, f64)> = (0..1 + u.below(4)).map(|_| (u.below(n), u.next())).collect();
            b.add(&row, u.next());
        }
        b.check(1e-9);
    }
}

#[test]
fn what_stands_beside_everything_is_one_front() {
    let mut b = Both::new(30);
    let mut u = Numbers(5);
    for _ in 0..50 {
        let row: Vec<(usize, f64)> = (0..30).map(|i| (i, u.next())).collect();
        b.add(&row, u.next());
    }
    let pattern = b.check(1e-9);
    assert_eq!((pattern.widest(), pattern.entries()), (30, 900));
}

#[test]
fn strong_rows_keep_the_digits_of_weak_ones_below_them() {
    // A walk with steps of variance 1e-14 under observations of variance 1: in exact arithmetic all levels are near the mean of the data.
    let n = 50;
    let mut b = Both::new(n);
    (1..n).for_each(|t| b.add(&[(t, 1e7), (t - 1, -1e7)], 0.0));
    (0..n).for_each(|t| b.add(&[(t, 1.0)], t as f64));
    let (law, mean) = Fronts::eliminate(&b.pattern(), &b.rows, 1).unwrap();
    assert!((mean[0] / 24.5 - 1.0).abs() < 1e-10, "{}", mean[0]);
    assert!((law.covariance(7, 7) * 50.0 - 1.0).abs() < 1e-10, "{}", law.covariance(7, 7));
    // What tells two neighbours apart is known to all its digits.
    assert!((law.variance([(3, 1.0), (4, -1.0)]) * 1e14 - 1.0).abs() < 1e-10);
}

#[test]
fn a_direction_that_no_row_determines_is_named() {
    let mut b = Both::new(4);
    b.add(&[(0, 1.0), (1, -1.0)], 0.0);
    b.add(&[(1, 1.0), (2, -1.0)], 0.0);
    b.add(&[(3, 1.0)], 0.0);
    let error = Fronts::eliminate(&b.pattern(), &b.rows, 1).unwrap_err();
    assert!(matches!(error, Failure::Undetermined { column: 0..=2, .. }), "{error}");
    b.add(&[(2, f64::NAN)], 0.0);
    let error = Fronts::eliminate(&b.pattern(), &b.rows, 1).unwrap_err();
    assert_eq!(error, Failure::NotFinite { block: 0 });
    // No rows at all.
    let none = Both::new(2);
    assert!(Fronts::eliminate(&none.pattern(), &none.rows, 1).is_err());
    assert!(Fronts::eliminate(&Both::new(0).pattern(), &none.rows, 1).is_ok());
}

#[test]
fn coordinates_lead_back_to_the_law() {
    let mut b = Both::new(6);
    (0..6).for_each(|i| b.add(&[(i, 1.0), ((i + 1) % 6, 0.4)], 0.0));
    let (law, _) = Fronts::eliminate(&b.pattern(), &b.rows, 1).unwrap();
    let flat: Vec<(bool, f64)> = law.coordinates().collect();
    let mut from = flat.iter();
    let next = |diagonal: bool| {
        let (was, x) = from.next().ok_or(())?;
        assert_eq!(*was, diagonal);
        Ok::<f64, ()>(*x)
    };
    assert_eq!(law.at_coordinates(next).unwrap().unwrap(), law);
}

#[test]
fn the_order_of_many_groups_takes_time_in_proportion() {
    let groups = 200_000;
    let (mut columns, mut ends) = (vec![], vec![]);
    for g in 0..groups {
        columns.extend([g, groups]);
        ends.push(columns.len());
        columns.extend([groups + 1, g]);
        ends.push(columns.len());
    }
    let pattern = Pattern::new(groups + 2, columns, ends);
    assert_eq!((pattern.widest(), pattern.entries()), (3, 9 * groups + 4));
}
