//! Every container that a view accepts reads the same, cell by cell, as the table it was made from.

use nalgebra::{DMatrix, DVector};
use std::ops::{ControlFlow, Deref};
use vi_core::Error;
use vi_core::data::*;
use vi_core::error::Mismatch;

macro_rules! dmatrix {
    ($($($x:expr),+);+) => {{
        let rows = [$([$($x),+]),+];
        DMatrix::from_fn(rows.len(), rows[0].len(), |i, j| rows[i][j])
    }};
}

macro_rules! dvector {
    ($($x:expr),+) => { DVector::from_vec(vec![$($x),+]) };
}

fn visited<E: Elements>(view: &E) -> Vec<(Vec<usize>, E::Value)> {
    let mut all = Vec::new();
    let _ = view.visit(|index, value| -> ControlFlow<()> {
        all.push((index.to_vec(), value));
        ControlFlow::Continue(())
    });
    all
}

/// A plain two-index view against its rows: cells, tiles of every height, rows, and the walk.
#[track_caller]
fn rows<'a, T: Value, const M: usize>(view: impl Into<View2<'a, T>>, expected: &[[T; M]]) {
    let view = view.into();
    assert_eq!((view.nrows(), view.ncols()), (expected.len(), M));
    assert!(!view.is_absent());
    for (i, row) in expected.iter().enumerate() {
        for (j, &value) in row.iter().enumerate() {
            assert_eq!(view.get(i, j), value, "({i}, {j})");
        }
        let mut out = vec![T::ABSENT; M];
        view.copy_row(i, &mut out);
        assert_eq!(out, row);
        let mut cells = vec![T::UNLISTED; M];
        view.visit_row(i, |j, value| cells[j] = value);
        assert_eq!(cells, row);
    }
    for start in 0..=expected.len() {
        for end in start..=expected.len() {
            let height = end - start;
            let mut tile = vec![T::ABSENT; height * M];
            view.copy_tile(start..end, &mut tile);
            for j in 0..M {
                for b in 0..height {
                    assert_eq!(
                        tile[j * height + b],
                        expected[start + b][j],
                        "tile {start}..{end}, ({b}, {j})"
                    );
                }
            }
        }
    }
    if let Some((data, row, column)) = view.strided() {
        for (i, expected) in expected.iter().enumerate() {
            for (j, &value) in expected.iter().enumerate() {
                assert_eq!(data[i * row + j * column], value);
            }
        }
    }
    if view.sparse().is_none() {
        let walk = (0..expected.len()).flat_map(|i| (0..M).map(move |j| (vec![i, j], expected[i][j])));
        assert_eq!(visited(&view), walk.collect::<Vec<_>>());
    }
}

#[test]
fn two_index_containers_read_as_their_table() {
    let table = [[1.5, 2.5, 0.0], [-1.0, 0.0, 7.0], [0.0, 3.0, 9.5], [4.0, 8.0, -6.0]];
    rows(&DMatrix::from_fn(4, 3, |i, j| table[i][j]), &table);
    rows(&table[..], &table);
    rows(&table, &table);
    rows(&table.to_vec(), &table);
    let vectors: Vec<DVector<f64>> = table.iter().map(|row| DVector::from_column_slice(row)).collect();
    rows(&vectors, &table);
    rows(&vectors[..], &table);
    rows(&[vectors[0].clone(), vectors[1].clone()], &table[..2]);
    let cells = (0..4).flat_map(|i| (0..3).map(move |j| (i, j, table[i][j]))).filter(|cell| cell.2 != 0.0);
    rows(&Sparse::from_triplets(4, 3, cells).unwrap(), &table);
}

#[test]
fn every_kind_of_value_and_every_odd_shape_reads_as_its_table() {
    rows(&dmatrix![3usize, 1; 0, 2], &[[3, 1], [0, 2]]);
    rows(&dmatrix![3u64, 1; 0, 2], &[[3, 1], [0, 2]]);
    rows(&dmatrix![true, false, true], &[[true, false, true]]);
    rows(&dmatrix![1.0; 2.0; 3.0], &[[1.0], [2.0], [3.0]]);
    rows(&[[1.0], [2.0]], &[[1.0], [2.0]]);
    rows(&DMatrix::<f64>::zeros(0, 2), &[[0.0; 2]; 0]);
    rows(&DMatrix::<f64>::zeros(3, 0), &[[0.0; 0]; 3]);
    rows(&[[0.0; 0]; 3], &[[0.0; 0]; 3]);
    let wide: Vec<[f64; 19]> = (0..7).map(|i| std::array::from_fn(|j| (100 * i + j) as f64)).collect();
    rows(&wide, &wide);
    let vectors: Vec<DVector<f64>> = wide.iter().map(|row| DVector::from_column_slice(row)).collect();
    rows(&vectors, &wide);
    assert_eq!(View2::<f64>::from(&Vec::<DVector<f64>>::new()).nrows(), 0);
}

#[test]
fn a_sparse_walk_shows_the_listed_cells_and_one_zero_in_order() {
    let walk = |cells: &[(usize, usize, u64)]| {
        let sparse = Sparse::from_triplets(2, 2, cells.iter().copied()).unwrap();
        visited(&View2::from(&sparse)).into_iter().map(|(at, v)| (at[0], at[1], v)).collect::<Vec<_>>()
    };
    assert_eq!(walk(&[(0, 1, 5)]), [(0, 0, 0), (0, 1, 5)]);
    assert_eq!(walk(&[(0, 0, 5), (1, 1, 6)]), [(0, 0, 5), (0, 1, 0), (1, 1, 6)]);
    assert_eq!(walk(&[(0, 0, 5), (0, 1, 4), (1, 0, 6)]), [(0, 0, 5), (0, 1, 4), (1, 0, 6), (1, 1, 0)]);
    assert_eq!(walk(&[(0, 0, 5), (0, 1, 4), (1, 0, 6), (1, 1, 7)]).len(), 4);
}

#[test]
fn rows_of_different_lengths_are_refused_by_name() {
    let good = vec![dvector![1.0, 2.0], dvector![3.0, 4.0]];
    assert_eq!(View2::from(&good).validate("x"), Ok(()));
    let bad = vec![dvector![1.0, 2.0], dvector![3.0, 4.0], dvector![5.0]];
    let error = View2::from(&bad).validate("x").unwrap_err();
    assert_eq!(error.to_string(), "x[2] has 1 entries but x[0] has 2");
    let what = Mismatch::Uneven { name: "x".into(), at: 2, length: 1, first: 2, what: "entries" };
    assert_eq!(error, Error::from(what));
    assert_eq!(PartialRealRows::from(&bad).validate("x"), Err(error));
}

#[test]
fn an_absent_grid_has_extents_only() {
    let view: RealRows = Absent((2, 3)).into();
    assert_eq!((view.nrows(), view.ncols(), view.is_absent()), (2, 3, true));
    assert!(view.get(1, 2).is_nan());
    let mut tile = [0.0; 6];
    view.copy_tile(0..2, &mut tile);
    assert!(tile.iter().all(|x| x.is_nan()));
    assert!(visited(&view).is_empty());
    let mut seen = 0;
    view.visit_row(0, |_, _| seen += 1);
    assert_eq!(seen, 0);
}

/// A ragged view against its rows.
#[track_caller]
fn ragged<'a, T: Value>(view: impl Into<Ragged1<'a, T>>, expected: &[&[T]]) {
    let view = view.into();
    assert_eq!(view.len(), expected.len());
    assert!(!view.is_absent());
    let mut walk = Vec::new();
    for (s, row) in expected.iter().enumerate() {
        assert_eq!(view.len_of(s), row.len());
        for (t, &value) in row.iter().enumerate() {
            assert_eq!(view.get(s, t), value, "({s}, {t})");
            walk.push((vec![s, t], value));
        }
        if let Some(slice) = view.row(s) {
            assert_eq!(slice, *row);
        }
        for start in 0..row.len() {
            let mut out = vec![T::ABSENT; row.len() - start];
            view.copy_range(s, start..row.len(), &mut out);
            assert_eq!(out, row[start..]);
        }
    }
    assert_eq!(visited(&view), walk);
}

#[test]
fn ragged_containers_read_as_their_rows() {
    let vecs = vec![vec![4usize, 1, 1], vec![], vec![2]];
    let expected: [&[usize]; 3] = [&[4, 1, 1], &[], &[2]];
    ragged(&vecs, &expected);
    ragged(&vecs[..], &expected);
    ragged(&[vec![4usize, 1, 1], vec![], vec![2]], &expected);
    let vectors: Vec<DVector<usize>> = vecs.iter().map(|row| DVector::from_column_slice(row)).collect();
    ragged(&vectors, &expected);
    ragged(&vectors[..], &expected);
    let even: [&[f64]; 2] = [&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]];
    ragged(&dmatrix![1.0, 2.0, 3.0; 4.0, 5.0, 6.0], &even);
    ragged(&[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], &even);
    ragged(&vec![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], &even);
    assert_eq!(Ragged1::from(&[[1.0, 2.0]]).row(0), Some(&[1.0, 2.0][..]));
    assert_eq!(Ragged1::from(&dmatrix![1.0, 2.0; 3.0, 4.0]).row(0), None);
}

#[test]
fn absent_ragged_arrays_have_their_extents() {
    let lengths = vec![3, 0, 5];
    for view in [RaggedReals::from(Absent(&lengths)), Absent(&lengths[..]).into(), Absent(&[3, 0, 5]).into()]
    {
        assert_eq!((view.len(), view.len_of(0), view.len_of(2), view.is_absent()), (3, 3, 5, true));
        assert!(view.get(2, 4).is_nan());
        assert!(visited(&view).is_empty());
    }
    let shapes = vec![(3, 2), (0, 2)];
    for view in
        [RaggedRealRows::from(Absent(&shapes)), Absent(&shapes[..]).into(), Absent(&[(3, 2), (0, 2)]).into()]
    {
        assert_eq!((view.len(), view.len_of(0), view.ncols(), view.is_absent()), (2, 3, 2, true));
        assert!(view.get(0, 2, 1).is_nan() && view.matrix(0).is_absent());
        assert!(visited(&view).is_empty());
    }
}

#[test]
fn sequences_of_rows_read_as_their_matrices() {
    let sequences = [dmatrix![1.0, 2.0; 3.0, 4.0; 5.0, 6.0], DMatrix::zeros(0, 2), dmatrix![7.0, 8.0]];
    let held = sequences.to_vec();
    for view in [RaggedRealRows::from(&held), (&held[..]).into(), (&sequences).into()] {
        assert_eq!(
            (view.len(), view.ncols(), view.len_of(0), view.len_of(1), view.width_of(2)),
            (3, 2, 3, 0, 2)
        );
        assert_eq!(view.get(0, 2, 1), 6.0);
        assert_eq!(view.matrix(2).get(0, 1), 8.0);
        let mut tile = [0.0; 4];
        view.copy_tile(0, 1..3, &mut tile);
        assert_eq!(tile, [3.0, 5.0, 4.0, 6.0]);
        assert_eq!(visited(&view).last(), Some(&(vec![2, 0, 1], 8.0)));
        assert_eq!(view.validate_widths("x"), Ok(()));
        assert_eq!(view.validate_heights("x").unwrap_err().to_string(), "x[1] has 0 rows but x[0] has 3");
    }
    let bad = [dmatrix![1.0, 2.0], dmatrix![1.0, 2.0, 3.0]];
    let error = Ragged2::from(&bad).validate_widths("x").unwrap_err();
    assert_eq!(error.to_string(), "x[1] has 3 columns but x[0] has 2");
    assert_eq!(PartialRaggedRealRows::from(&bad).validate_widths("x"), Err(error));
    assert_eq!(Ragged2::<f64>::from(&[]).ncols(), 0);
}

#[track_caller]
fn partial1<'a, T: Datum>(view: impl Deref<Target = Partial1<'a, T>>, expected: &[Option<T>]) {
    assert_eq!((view.len(), view.is_absent()), (expected.len(), false));
    assert_eq!((0..view.len()).map(|i| view.get(i)).collect::<Vec<_>>(), expected);
    let present: Vec<_> = expected.iter().enumerate().filter_map(|(i, v)| v.map(|v| (vec![i], v))).collect();
    assert_eq!(visited(&*view), present);
}

#[test]
fn missing_elements_of_one_index_arrays_are_none() {
    partial1(PartialReals::from(&[1.0, f64::NAN]), &[Some(1.0), None]);
    partial1(PartialReals::from(&vec![1.0, f64::NAN]), &[Some(1.0), None]);
    partial1(PartialReals::from(&dvector![1.0, f64::NAN]), &[Some(1.0), None]);
    partial1(PartialReals::from(&[Some(1.0), None, Some(f64::NAN)]), &[Some(1.0), None, None]);
    partial1(PartialCategories::from(&vec![Some(3usize), None]), &[Some(3), None]);
    partial1(PartialCounts::from(&dvector![Some(3u64), None]), &[Some(3), None]);
    partial1(PartialBools::from(&[Some(true), None][..]), &[Some(true), None]);
    partial1(PartialCategories::from(&[0usize, 7]), &[Some(0), Some(7)]);
    partial1(PartialReals::from(&[f64::INFINITY]), &[Some(f64::INFINITY)]);
    assert_eq!(PartialCategories::from(&[Some(4), None, Some(9)]).largest(), Some(9));

    let mut out = [0.0; 2];
    PartialReals::from(&[Some(1.0), None, Some(3.0)]).copy_range(1..3, &mut out);
    assert!(out[0].is_nan() && out[1] == 3.0);
    PartialReals::from(&[1.0, 2.0, f64::NAN]).copy_range(1..3, &mut out);
    assert!(out[0] == 2.0 && out[1].is_nan());
}

#[test]
fn every_element_of_an_absent_array_is_missing() {
    let z: PartialCategories = Absent(2).into();
    assert_eq!((z.len(), z.is_absent(), z.get(0)), (2, true, None));
    let y: PartialCountRows = Absent((2, 3)).into();
    assert_eq!((y.nrows(), y.ncols(), y.is_absent(), y.get(1, 2)), (2, 3, true, None));
    let w: PartialRaggedBools = Absent(&[2, 1]).into();
    assert_eq!((w.len(), w.len_of(1), w.is_absent(), w.get(1, 0)), (2, 1, true, None));
    let x: PartialRaggedRealRows = Absent(&[(2, 1)]).into();
    assert_eq!((x.len(), x.len_of(0), x.width_of(0), x.is_absent(), x.get(0, 1, 0)), (1, 2, 1, true, None));
    assert!(
        visited(&z).is_empty() && visited(&y).is_empty() && visited(&w).is_empty() && visited(&x).is_empty()
    );
}

#[track_caller]
fn partial2<'a, T: Datum, const M: usize>(
    view: impl Deref<Target = Partial2<'a, T>>,
    expected: &[[Option<T>; M]],
) {
    assert_eq!((view.nrows(), view.ncols(), view.is_absent()), (expected.len(), M, false));
    let mut walk = Vec::new();
    for (i, row) in expected.iter().enumerate() {
        let mut cells = [None; M];
        view.visit_row(i, |j, value| cells[j] = Some(value));
        assert_eq!(cells, *row);
        for (j, &value) in row.iter().enumerate() {
            assert_eq!(view.get(i, j), value, "({i}, {j})");
            walk.extend(value.map(|value| (vec![i, j], value)));
        }
    }
    assert_eq!(visited(&*view), walk);
}

#[track_caller]
fn nan_tile<'a>(view: impl Into<PartialRealRows<'a>>, expected: [f64; 4]) {
    let mut tile = [0.0; 4];
    view.into().copy_tile(1..3, &mut tile);
    assert_eq!(tile.map(f64::to_bits), expected.map(f64::to_bits));
}

#[test]
fn missing_cells_are_none() {
    let nan = f64::NAN;
    let some = [[Some(1.0), None], [None, Some(4.0)], [Some(5.0), Some(0.0)]];
    partial2(PartialRealRows::from(&dmatrix![1.0, nan; nan, 4.0; 5.0, 0.0]), &some);
    partial2(PartialRealRows::from(&[[1.0, nan], [nan, 4.0], [5.0, 0.0]]), &some);
    partial2(PartialRealRows::from(&vec![[1.0, nan], [nan, 4.0], [5.0, 0.0]]), &some);
    partial2(PartialRealRows::from(&vec![dvector![1.0, nan], dvector![nan, 4.0], dvector![5.0, 0.0]]), &some);
    partial2(PartialRealRows::from(&some), &some);
    partial2(PartialRealRows::from(&some.to_vec()), &some);
    partial2(PartialRealRows::from(&DMatrix::from_fn(3, 2, |i, j| some[i][j])), &some);
    partial2(PartialRealRows::from(&some.map(|row| DVector::from_column_slice(&row))), &some);
    let cells = [(2, 1, 0.0), (0, 0, 1.0), (1, 1, 4.0), (2, 0, 5.0)];
    let sparse = Sparse::from_triplets(3, 2, cells).unwrap();
    partial2(PartialRealRows::from(&sparse), &some);
    let optional = Sparse::from_triplets(3, 2, cells.map(|(i, j, v)| (i, j, Some(v)))).unwrap();
    partial2(PartialRealRows::from(&optional), &some);

    nan_tile(&dmatrix![1.0, nan; nan, 4.0; 5.0, 0.0], [nan, 5.0, 4.0, 0.0]);
    nan_tile(&some, [nan, 5.0, 4.0, 0.0]);
    nan_tile(&sparse, [nan, 5.0, 4.0, 0.0]);

    partial2(PartialCategoryRows::from(&[[Some(1usize)], [None]]), &[[Some(1)], [None]]);
    partial2(
        PartialBoolRows::from(&Sparse::from_triplets(1, 2, [(0, 1, false)]).unwrap()),
        &[[None, Some(false)]],
    );
}

#[test]
fn missing_elements_of_ragged_arrays_are_none() {
    #[track_caller]
    fn check<'a>(view: impl Into<PartialRaggedReals<'a>>, lengths: [usize; 2]) {
        let view = view.into();
        assert_eq!((view.len(), view.is_absent()), (2, false));
        assert_eq!([view.len_of(0), view.len_of(1)], lengths);
        assert_eq!((view.get(0, 0), view.get(0, 1), view.get(1, 0)), (Some(1.0), None, Some(3.0)));
        assert_eq!(visited(&view)[..2], [(vec![0, 0], 1.0), (vec![1, 0], 3.0)]);
        let mut out = [0.0; 2];
        view.copy_range(0, 0..2, &mut out);
        assert!(out[0] == 1.0 && out[1].is_nan());
    }
    let nan = f64::NAN;
    check(&vec![vec![1.0, nan], vec![3.0]], [2, 1]);
    check(&[vec![Some(1.0), None], vec![Some(3.0)]], [2, 1]);
    check(&vec![dvector![1.0, nan], dvector![3.0]], [2, 1]);
    check(&vec![dvector![Some(1.0), None], dvector![Some(3.0)]], [2, 1]);
    check(&dmatrix![1.0, nan; 3.0, 4.0], [2, 2]);
    check(&dmatrix![Some(1.0), None; Some(3.0), Some(4.0)], [2, 2]);
    check(&[[Some(1.0), None], [Some(3.0), Some(4.0)]], [2, 2]);
}

#[test]
fn missing_elements_of_matrices_are_none() {
    let nan = f64::NAN;
    let plain = vec![dmatrix![1.0, nan], dmatrix![3.0, 4.0; nan, 6.0]];
    let optional: Vec<_> = plain.iter().map(|m| m.map(|v: f64| (!v.is_nan()).then_some(v))).collect();
    for view in [PartialRaggedRealRows::from(&plain), (&optional).into(), (&optional[..]).into()] {
        assert_eq!((view.len(), view.len_of(1), view.width_of(1), view.ncols()), (2, 2, 2, 2));
        assert_eq!((view.get(0, 0, 1), view.get(1, 1, 1)), (None, Some(6.0)));
        assert_eq!(view.matrix(1).get(1, 0), None);
        let walk: Vec<f64> = visited(&view).into_iter().map(|(_, v)| v).collect();
        assert_eq!(walk, [1.0, 3.0, 4.0, 6.0]);
        let mut tile = [0.0; 4];
        view.copy_tile(1, 0..2, &mut tile);
        assert_eq!(tile.map(f64::to_bits), [3.0, nan, 4.0, 6.0].map(f64::to_bits));
    }
}

#[test]
fn views_are_small_values_that_cross_threads() {
    fn value<T: Copy + Send + Sync + std::fmt::Debug>() {}
    value::<Reals>();
    value::<RealRows>();
    value::<RaggedCategories>();
    value::<RaggedCountRows>();
    value::<PartialBools>();
    value::<PartialRealRows>();
    value::<PartialRaggedReals>();
    value::<PartialRaggedRealRows>();
    assert_eq!(format!("{:?}", RealRows::from(&[[1.0, 2.0]; 3])), "RealRows(3 × 2)");
    assert_eq!(format!("{:?}", PartialReals::from(Absent(4))), "absent PartialReals(4)");
    assert_eq!(format!("{:?}", RaggedReals::from(&[vec![1.0]])), "RaggedReals(1 rows)");
}
