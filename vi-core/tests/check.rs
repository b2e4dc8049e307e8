//! Data outside their domain are refused with the variable, the element, the value and the rule.

use nalgebra::DMatrix;
use vi_core::Error;
use vi_core::data::check::*;
use vi_core::data::*;

macro_rules! dmatrix {
    ($($($x:expr),+);+) => {{
        let rows = [$([$($x),+]),+];
        DMatrix::from_fn(rows.len(), rows[0].len(), |i, j| rows[i][j])
    }};
}

#[track_caller]
fn refused(result: Result<(), Error>, message: &str) {
    assert_eq!(result.expect_err("refused").to_string(), message);
}

#[test]
fn an_interval_holds_what_lies_in_it() {
    let cases: [(Interval, &[f64], &[f64]); 6] = [
        (Interval::REAL, &[0.0, -1e308, 5e-324], &[]),
        (Interval::POSITIVE, &[5e-324, 1e308], &[0.0, -0.0, -1.0]),
        (Interval::NON_NEGATIVE, &[0.0, -0.0, 1.0], &[-5e-324]),
        (Interval::UNIT, &[0.0, 1.0, 0.5], &[-5e-324, 1.0 + f64::EPSILON]),
        (Interval::OPEN_UNIT, &[5e-324, 1.0 - f64::EPSILON], &[0.0, 1.0]),
        (Interval::POSITIVE.at_least(1e-6).at_most(2.0), &[1e-6, 2.0], &[9e-7, 2.1, 0.0]),
    ];
    for (interval, inside, outside) in cases {
        for &value in inside {
            assert!(interval.holds(value), "{interval}: {value}");
        }
        for &value in outside.iter().chain(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY]) {
            assert!(!interval.holds(value), "{interval}: {value}");
        }
    }
}

#[test]
fn a_bound_never_widens_an_interval() {
    assert_eq!(Interval::POSITIVE.at_least(-1.0), Interval::POSITIVE);
    assert_eq!(Interval::POSITIVE.at_least(0.0), Interval::POSITIVE);
    assert_eq!(Interval::UNIT.at_most(3.0), Interval::UNIT);
    assert_eq!(Interval::OPEN_UNIT.at_most(1.0), Interval::OPEN_UNIT);
}

#[test]
fn reals_are_refused_in_words() {
    let x = Name::new("x", 1);
    assert_eq!(all(x, &Reals::from(&[1.0, -2.0]), &Interval::REAL), Ok(()));
    refused(
        all(x, &Reals::from(&[1.0, f64::NAN]), &Interval::REAL),
        "x[1] is NaN, but must be finite; write `?` after the type of `x` if it may be missing",
    );
    refused(all(x, &Reals::from(&[1.0, f64::INFINITY]), &Interval::REAL), "x[1] is inf, but must be finite");
    refused(all(x, &Reals::from(&[1.0, 0.0]), &Interval::POSITIVE), "x[1] is 0.0, but must be > 0");
    refused(all(x, &Reals::from(&[1.5]), &Interval::UNIT), "x[0] is 1.5, but must lie in [0, 1]");
    refused(all(x, &Reals::from(&[1.0]), &Interval::OPEN_UNIT), "x[0] is 1.0, but must lie in (0, 1)");
    refused(
        all(x, &Reals::from(&[1e-9]), &Interval::POSITIVE.at_least(1e-6)),
        "x[0] is 1e-9, but must be ≥ 1e-6",
    );
    refused(all(x, &Reals::from(&[7.0]), &Interval::REAL.at_most(2.5)), "x[0] is 7.0, but must be ≤ 2.5");
}

#[test]
fn the_first_element_is_named_as_it_is_written() {
    let matrix = dmatrix![1.0, 2.0; f64::INFINITY, 4.0; 5.0, f64::INFINITY];
    let view = RealRows::from(&matrix);
    refused(all(Name::new("x", 1), &view, &Interval::REAL), "x[1][0] is inf, but must be finite");
    refused(all(Name::new("x", 2), &view, &Interval::REAL), "x[1, 0] is inf, but must be finite");
    let sequences = [dmatrix![0.0], dmatrix![0.0; -1.0]];
    refused(
        all(Name::new("x", 2), &RaggedRealRows::from(&sequences), &Interval::NON_NEGATIVE),
        "x[1, 1][0] is -1.0, but must be ≥ 0",
    );
    let result =
        all(Name::new("x", 2), &RaggedReals::from(&vec![vec![], vec![1.0, -1.0]]), &Interval::POSITIVE);
    assert_eq!(
        result,
        Err(Error::Domain {
            variable: "x".into(),
            element: "x[1, 1]".into(),
            value: "-1.0".into(),
            rule: "must be > 0".into()
        })
    );
}

#[test]
fn missing_is_allowed_where_infinite_is_not() {
    let x = Name::new("x", 1);
    assert_eq!(all(x, &PartialReals::from(&[1.0, f64::NAN]), &Interval::REAL), Ok(()));
    assert_eq!(all(x, &PartialReals::from(&[Some(1.0), None]), &Interval::REAL), Ok(()));
    refused(
        all(x, &PartialReals::from(&[f64::NAN, f64::INFINITY]), &Interval::REAL),
        "x[1] is inf, but must be finite",
    );
    refused(
        all(x, &PartialCategories::from(&[None, Some(3)]), &Category { size: "K", count: 3 }),
        "x[1] is 3, but must be below K = 3",
    );
    assert_eq!(all(x, &Reals::from(Absent(3)), &Interval::POSITIVE), Ok(()));
}

#[test]
fn categories_and_counts_have_their_ranges() {
    let z = Name::new("z", 1);
    assert_eq!(all(z, &Categories::from(&[0, 2]), &Category { size: "K", count: 3 }), Ok(()));
    refused(
        all(z, &Categories::from(&[0, 3]), &Category { size: "K", count: 3 }),
        "z[1] is 3, but must be below K = 3",
    );
    refused(
        all(z, &Categories::from(&[2]), &Category { size: "2", count: 2 }),
        "z[0] is 2, but must be below 2",
    );
    let range = |min, max| CountRange { min, max };
    assert_eq!(all(z, &Counts::from(&[u64::MAX, 1]), &range(1, None)), Ok(()));
    refused(all(z, &Counts::from(&[5, 0]), &range(1, None)), "z[1] is 0, but must be at least 1");
    refused(all(z, &Counts::from(&[201]), &range(0, Some(200))), "z[0] is 201, but must be at most 200");
    refused(all(z, &Counts::from(&[0]), &range(1, Some(2))), "z[0] is 0, but must lie in 1..=2");
}

#[test]
fn a_sparse_array_is_refused_for_its_zeros_too() {
    let y = Name::new("y", 2);
    let cells = [(0, 0, 1.0), (1, 1, 2.0)];
    let sparse = Sparse::from_triplets(1_000_000, 1_000_000, cells).unwrap();
    assert_eq!(all(y, &RealRows::from(&sparse), &Interval::NON_NEGATIVE), Ok(()));
    refused(all(y, &RealRows::from(&sparse), &Interval::POSITIVE), "y[0, 1] is 0.0, but must be > 0");
    // Declared with `?`, cells that are not listed are missing.
    assert_eq!(all(y, &PartialRealRows::from(&sparse), &Interval::POSITIVE), Ok(()));
}

#[test]
fn one_value_is_checked_like_an_array() {
    assert_eq!(one(Name::new("alpha", 0), &[], 0.1, &Interval::POSITIVE), Ok(()));
    refused(one(Name::new("alpha", 0), &[], -0.1, &Interval::POSITIVE), "alpha is -0.1, but must be > 0");
    refused(
        one(Name::new("parent", 1), &[4], 4usize, &Category { size: "n", count: 4 }),
        "parent[4] is 4, but must be below n = 4",
    );
}

#[test]
fn a_simplex_sums_to_one() {
    let p = Name::new("p", 1);
    let third = 1.0 / 3.0;
    assert_eq!(simplex_rows(p, &RealRows::from(&[[third; 3], [0.0, 1.0, 0.0]])), Ok(()));
    assert_eq!(simplex_rows(p, &RealRows::from(Absent((2, 3)))), Ok(()));
    assert_eq!(simplex_vector(Name::new("w", 0), &Reals::from(&[0.25 + 5e-9, 0.75])), Ok(()));
    refused(
        simplex_rows(p, &RealRows::from(&[[0.5, 0.5], [0.5, 0.25]])),
        "the sum of p[1] is 0.75, but must be 1",
    );
    refused(simplex_rows(p, &RealRows::from(&[[1.5, -0.5]])), "p[0][1] is -0.5, but must be ≥ 0");
    refused(
        simplex_vector(Name::new("w", 0), &Reals::from(&[f64::NAN, 1.0])),
        "w[0] is NaN, but must be ≥ 0",
    );
    assert!(simplex_vector(Name::new("w", 0), &Reals::from(&[0.25 + 2e-8, 0.75])).is_err());
    refused(
        simplex_vector(Name::new("w", 0), &Reals::from(&[0.5, 0.75])),
        "the sum of w is 1.25, but must be 1",
    );
    refused(simplex_vector(Name::new("w", 0), &Reals::from(&[])), "the sum of w is 0.0, but must be 1");
}

#[test]
fn a_covariance_is_symmetric_positive_definite() {
    let check = |matrix: DMatrix<f64>| positive_definite(Name::new("P", 1), &[3], &View2::from(&matrix));
    assert_eq!(check(dmatrix![2.0, 1.0; 1.0, 2.0]), Ok(()));
    assert_eq!(check(dmatrix![1e-30]), Ok(()));
    assert_eq!(check(DMatrix::zeros(0, 0)), Ok(()));
    // Ill-scaled is not ill-conditioned.
    assert_eq!(check(dmatrix![1e-20, 0.5; 0.5, 1e20]), Ok(()));
    assert_eq!(check(dmatrix![2.0, 1.0; 1.0 + 1e-12, 2.0]), Ok(()));
    refused(
        check(dmatrix![1.0, 2.0; 2.0, 1.0]),
        "pivot 1 of the Cholesky factor of P[3] is -3e0, but must be > 0 (P[3] must be positive definite)",
    );
    refused(
        check(dmatrix![2.0, 1.0; 1.1, 2.0]),
        "P[3][1, 0] is 1.1, but must equal P[3][0, 1], which is 1.0",
    );
    refused(check(dmatrix![1.0, 0.0; 0.0, 0.0]), "P[3][1, 1] is 0.0, but must be > 0");
    refused(check(dmatrix![1.0, f64::NAN; f64::NAN, 1.0]), "P[3][0, 1] is NaN, but must be finite");
    refused(
        check(dmatrix![1.0, 0.0]),
        "P[3] has 1 rows but the number of its columns (`P[3]` is a square matrix) is 2",
    );
    assert_eq!(positive_definite(Name::new("P", 0), &[], &Absent((2, 3)).into()), Ok(()));
}

#[test]
fn a_singular_matrix_is_refused_whatever_rounding_leaves_of_its_pivots() {
    for seed in 1..50 {
        let v: Vec<f64> = (0..4).map(|i| ((seed * (i + 2)) as f64).sin() * 10f64.powi(i - 2)).collect();
        let rank_one = DMatrix::from_fn(4, 4, |i, j| v[i] * v[j]);
        assert!(positive_definite(Name::new("P", 0), &[], &View2::from(&rank_one)).is_err(), "{rank_one}");
        let regular = &rank_one + DMatrix::from_diagonal(&rank_one.diagonal()) * 1e-10;
        assert_eq!(positive_definite(Name::new("P", 0), &[], &View2::from(&regular)), Ok(()), "{regular}");
    }
}

#[test]
fn sizes_that_differ_name_both_sources() {
    refused(sizes_agree("x", 7, "columns", "m0", 5, "", "D"), "x has 7 columns but m0 has 5 (both are D)");
    refused(
        sizes_agree("x", 7, "columns", "y", 5, "rows", "D"),
        "x has 7 columns but y has 5 rows (both are D)",
    );
    assert_eq!(size_is("weight", 2, "entries", "K", 2), Ok(()));
    refused(size_is("weight", 3, "entries", "K", 2), "weight has 3 entries but K is 2");
    let lengths = [[3, 4], [3, 5]];
    let agree = |other: [usize; 2]| {
        ragged_sizes_agree(2, "x", |s| lengths[0][s], "rows", "w", move |s| other[s], "entries", "T")
    };
    assert_eq!(agree(lengths[0]), Ok(()));
    refused(agree(lengths[1]), "x[1] has 4 rows but w[1] has 5 entries (both are T[1])");
}
