use super::*;
use crate::tile::{add_weighted_gram, packed_len};

/// Reproducible numbers in [−1, 1).
fn noise(seed: u64, len: usize) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        })
        .collect()
}

fn matrix(seed: u64, rows: usize, columns: usize) -> DMatrix<f64> {
    DMatrix::from_vec(rows, columns, noise(seed, rows * columns))
}

fn positive_definite(seed: u64, d: usize) -> DMatrix<f64> {
    outer_square(&matrix(seed, d, 2 * d + 1)) + DMatrix::identity(d, d) * 0.1
}

#[track_caller]
fn assert_close(found: &DMatrix<f64>, expected: &DMatrix<f64>, tolerance: f64) {
    let scale = expected.amax().max(f64::MIN_POSITIVE);
    let error = (found - expected).amax() / scale;
    assert!(error <= tolerance, "relative error {error:e}\nfound {found}\nexpected {expected}");
}

#[test]
fn factor_inverse_and_determinant_agree_with_the_matrix() {
    for d in 1..=12 {
        let a = positive_definite(d as u64, d);
        let factor = Cholesky::new(&a).unwrap();
        assert_close(&(factor.lower() * factor.lower().transpose()), &a, 1e-14);
        assert_close(&(factor.inverse_lower() * factor.lower()), &DMatrix::identity(d, d), 1e-13);
        assert_close(&(factor.inverse() * &a), &DMatrix::identity(d, d), 1e-12);
        let b = matrix(77, d, 3);
        assert_close(&(&a * factor.solve(&b)), &b, 1e-13);
        assert!((factor.log_det() - a.determinant().ln()).abs() < 1e-11);
    }
}

#[test]
fn the_failing_pivot_is_named_in_any_units() {
    // Component 2 is the sum of components 0 and 1.
    let map = DMatrix::from_row_slice(4, 3, &[1., 0., 0., 0., 1., 0., 1., 1., 0., 0., 0., 1.]);
    let a = &map * positive_definite(5, 3) * map.transpose();
    for unit in [1.0, 1e-9, 1e7] {
        let mut scaled = a.clone();
        scaled.row_mut(2).scale_mut(unit);
        scaled.column_mut(2).scale_mut(unit);
        match Cholesky::new(&scaled) {
            Err(MatrixError::NotPositiveDefinite { pivot: 2, value }) => {
                assert!(value.abs() < 1e-15, "{value:e}")
            }
            other => panic!("{other:?}"),
        }
    }
    let tiny = DMatrix::from_diagonal(&DVector::from_vec(vec![1.0, 1e-200, 1e200]));
    assert!(Cholesky::new(&tiny).is_ok());
    let negative = DMatrix::from_diagonal(&DVector::from_vec(vec![1.0, -2.0]));
    assert_eq!(Cholesky::new(&negative), Err(MatrixError::NotPositiveDefinite { pivot: 1, value: -2.0 }));
    let nan = DMatrix::from_element(2, 2, f64::NAN);
    assert_eq!(Cholesky::new(&nan), Err(MatrixError::NotFinite));
}

#[test]
fn packing_and_unpacking_are_inverse() {
    for d in 0..6 {
        let packed = noise(9, packed_len(d));
        let full = unpack_symmetric(&packed, d);
        assert_eq!(full, full.transpose());
        assert_eq!(pack_lower(&full), packed);
        assert_eq!(pack_lower(&unpack_lower(&packed, d)), packed);
        assert_eq!(unpack_lower(&packed, d).upper_triangle(), DMatrix::from_diagonal(&full.diagonal()));
    }
}

/// `−log det Σ − tr(Σ⁻¹ S)`
fn log_likelihood(covariance: &DMatrix<f64>, s: &DMatrix<f64>) -> f64 {
    let factor = Cholesky::new(covariance).unwrap();
    -factor.log_det() - (factor.inverse() * s).trace()
}

#[test]
fn clipped_eigenvalues_are_the_constrained_maximum() {
    let (d, floor) = (4, 0.5);
    // A rotation of known eigenvalues, two of them below the floor.
    let vectors = positive_definite(3, d).symmetric_eigen().eigenvectors;
    let s = rebuild(&vectors, [2.0, 0.0, 0.3, 0.9].into_iter());
    let best = clip_eigenvalues(&s, floor).unwrap();
    assert_close(&best, &rebuild(&vectors, [2.0, 0.5, 0.5, 0.9].into_iter()), 1e-14);
    let top = log_likelihood(&best, &s);
    for seed in 0..500 {
        let step = outer_square(&matrix(seed, d, 2)) - outer_square(&matrix(seed + 1000, d, 2));
        let feasible = clip_eigenvalues(&(&best + step * 0.05), floor).unwrap();
        assert!(log_likelihood(&feasible, &s) <= top + 1e-12);
    }
    assert_eq!(clip_eigenvalues(&best, 0.1).unwrap(), best);
    assert_eq!(clip_eigenvalues(&(best * f64::NAN), 0.1), Err(MatrixError::NotFinite));
}

#[test]
fn the_root_squared_is_the_matrix() {
    let a = positive_definite(8, 6);
    let root = symmetric_sqrt(&a).unwrap();
    assert_eq!(root, root.transpose());
    assert_close(&outer_square(&root), &a, 1e-14);
}

#[test]
fn singular_systems_give_the_solution_of_least_norm() {
    let a = positive_definite(2, 5);
    let b = matrix(3, 5, 2);
    let solution = solve_symmetric(&a, &b).unwrap();
    assert_eq!(solution.rank, 5);
    assert_close(&(&a * &solution.x), &b, 1e-14);

    // Two equal components share their coefficient, and a component without variance gets none.
    let mut singular = DMatrix::zeros(4, 4);
    singular.view_mut((0, 0), (2, 2)).fill(4.0);
    singular[(2, 2)] = 9.0;
    let right = DMatrix::from_column_slice(4, 1, &[8.0, 8.0, 27.0, 0.0]);
    let solution = solve_symmetric(&singular, &right).unwrap();
    assert_eq!(solution.rank, 2);
    assert_close(&solution.x, &DMatrix::from_column_slice(4, 1, &[1.0, 1.0, 3.0, 0.0]), 1e-14);
}

/// Products of `y = B a + b + e` with weights, far from 0 but measured from a gauge, against the normal equations of
/// the centred data solved by QR.
#[test]
fn regression_from_products_agrees_with_orthogonal_factorisation() {
    let (p, m, n, offset) = (2, 3, 200, 1e6);
    let order = p + m;
    let a = matrix(1, m, n);
    let truth = matrix(2, p, m);
    let weights: Vec<f64> = noise(3, n).iter().map(|w| w + 1.5).collect();
    let y = &truth * &a + matrix(4, p, n) * 0.1 + DMatrix::from_element(p, n, 0.7);

    // Data as they would arrive, and the design vector about the gauge.
    let mut u = vec![0.0; (order + 1) * n];
    for i in 0..n {
        for j in 0..order {
            let value = if j < p { y[(j, i)] } else { a[(j - p, i)] };
            u[j * n + i] = (value + offset) - offset;
        }
        u[order * n + i] = 1.0;
    }
    let mut gram = vec![0.0; packed_len(order + 1)];
    add_weighted_gram(&u, order + 1, n, &weights, &mut gram);
    let found = Regression::from_gram(&gram, p, m, true).unwrap();

    let design = DMatrix::from_fn(n, m + 1, |i, j| weights[i].sqrt() * u[(p + j) * n + i]);
    let response = DMatrix::from_fn(n, p, |i, j| weights[i].sqrt() * u[j * n + i]);
    let expected = design.clone().svd(true, true).solve(&response, 0.0).unwrap();
    let error = &response - &design * &expected;
    assert_eq!(found.rank, m);
    assert_close(&found.coefficients.transpose(), &expected.rows(0, m).clone_owned(), 1e-12);
    assert_close(
        &DMatrix::from_column_slice(1, p, found.intercept.as_slice()),
        &expected.rows(m, 1).clone_owned(),
        1e-12,
    );
    assert_close(&found.residual, &(error.transpose() * &error), 1e-12);

    let origin = DVector::from_element(p, offset);
    let moved = found.about_origin(&origin, &DVector::from_element(m, offset));
    let at_gauge = &found.coefficients * DVector::from_element(m, offset) + moved;
    assert!((at_gauge - (&found.intercept + origin)).amax() < 1e-9);
}

#[test]
fn regression_without_intercept_without_regressors_and_without_weight() {
    let (n, weights) = (40, vec![1.0; 40]);
    let x = noise(6, n);
    let mut u: Vec<f64> = x.iter().map(|x| 3.0 * x).collect();
    u.extend(&x);
    let mut gram = vec![0.0; packed_len(2)];
    add_weighted_gram(&u, 2, n, &weights, &mut gram);
    let line = Regression::from_gram(&gram, 1, 1, false).unwrap();
    assert!((line.coefficients[(0, 0)] - 3.0).abs() < 1e-14);
    assert!(line.residual[(0, 0)] < 1e-14 * gram[0]);
    assert_eq!(line.intercept[0], 0.0);

    let mean = Regression::from_gram(&[10.0, 4.0, 2.0], 1, 0, true).unwrap();
    assert_eq!((mean.intercept[0], mean.residual[(0, 0)]), (2.0, 2.0));

    let nothing = Regression::from_gram(&[0.0; 6], 1, 1, true).unwrap();
    assert_eq!((nothing.coefficients[(0, 0)], nothing.intercept[0], nothing.rank), (0.0, 0.0, 0));
}

#[test]
fn dependent_regressors_are_reported_and_fit_as_well() {
    let n = 60;
    let x = noise(11, n);
    let mut u: Vec<f64> = x.iter().map(|x| 2.0 * x + 1.0).collect();
    u.extend(&x);
    u.extend(x.iter().map(|x| 1e4 * x));
    u.extend(std::iter::repeat_n(1.0, n));
    let mut gram = vec![0.0; packed_len(4)];
    add_weighted_gram(&u, 4, n, &vec![1.0; n], &mut gram);
    let found = Regression::from_gram(&gram, 1, 2, true).unwrap();
    assert_eq!(found.rank, 1);
    assert!((found.coefficients[(0, 0)] - 1.0).abs() < 1e-12);
    assert!((found.coefficients[(0, 1)] - 1e-4).abs() < 1e-16);
    assert!((found.intercept[0] - 1.0).abs() < 1e-12);
    assert!(found.residual[(0, 0)] < 1e-13 * gram[0]);
}

#[test]
fn a_constant_regressor_beside_an_intercept_has_no_coefficient() {
    let n = 5000;
    let x = noise(12, n);
    let weights: Vec<f64> = noise(13, n).iter().map(|w| w + 1.1).collect();
    let mut u: Vec<f64> = x.iter().map(|x| 2.0 * x + 1.0).collect();
    u.extend(&x);
    u.extend(std::iter::repeat_n(0.3, n));
    u.extend(std::iter::repeat_n(1.0, n));
    let mut gram = vec![0.0; packed_len(4)];
    add_weighted_gram(&u, 4, n, &weights, &mut gram);
    let found = Regression::from_gram(&gram, 1, 2, true).unwrap();
    assert_eq!((found.rank, found.coefficients[(0, 1)]), (1, 0.0));
    assert!((found.coefficients[(0, 0)] - 2.0).abs() < 1e-12);
    assert!((found.intercept[0] - 1.0).abs() < 1e-12);
}
