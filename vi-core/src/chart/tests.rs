use super::*;
use crate::dist::{
    Beta, Dirichlet, Gamma, InverseGamma, InverseWishart, MvNormal, Normal, PowerGamma, Wishart,
};
use crate::error::Error;

fn matrix(entries: &[f64]) -> DMatrix<f64> {
    let d = (entries.len() as f64).sqrt() as usize;
    DMatrix::from_row_slice(d, d, entries)
}

#[test]
fn values_come_back_from_their_coordinates() {
    let cov = matrix(&[2.0, 0.3, -0.4, 0.3, 1.0, 0.2, -0.4, 0.2, 0.8]);
    let mut to = Writer::new();
    to.real(-3.5);
    to.positive(1e-200);
    to.unit(0.25);
    to.simplex(&[0.1, 0.6, 0.3]);
    to.sym_pos(&cov).unwrap();
    let flat = to.into_flat();
    assert_eq!(flat.len(), 3 + 2 + 6);
    let mut from = Reader::new(&flat);
    assert_eq!(from.real().unwrap(), -3.5);
    assert!((from.positive().unwrap() / 1e-200 - 1.0).abs() < 1e-12);
    assert!((from.unit().unwrap() - 0.25).abs() < 1e-15);
    assert!((from.simplex(&[1.0; 3]).unwrap() - DVector::from_vec(vec![0.1, 0.6, 0.3])).norm() < 1e-15);
    assert!((from.sym_pos(3).unwrap() - cov).norm() < 1e-14);
    from.finish().unwrap();
}

#[test]
fn every_flat_vector_is_a_value() {
    let flat: Vec<f64> = (0..14).map(|i| 7.0 * f64::sin(1.7 * f64::from(i))).collect();
    let mut from = Reader::new(&flat);
    assert!(from.positive().unwrap() > 0.0);
    let unit = from.unit().unwrap();
    assert!(unit > 0.0 && unit < 1.0);
    let p = from.simplex(&[1.0; 4]).unwrap();
    assert!((p.sum() - 1.0).abs() < 1e-15 && p.iter().all(|p| *p > 0.0));
    assert!(Cholesky::new(&from.sym_pos(3).unwrap()).is_ok());
    assert!(from.clone().finish().is_err());
    // The coordinates of what was read are those it was read from.
    let mut to = Writer::new();
    to.simplex(p.as_slice());
    for (a, b) in to.into_flat().iter().zip(&flat[2..5]) {
        assert!((a - b).abs() < 1e-12);
    }
}

#[test]
fn zeros_of_a_simplex_are_left_out_and_stay() {
    for (x, coordinates) in [
        (vec![0.0, 0.7, 0.0, 0.3], 1),
        (vec![0.4, 0.6, 0.0], 1),
        (vec![0.0, 1.0, 0.0], 0),
        (vec![1.0], 0),
        (vec![], 0),
    ] {
        let mut to = Writer::new();
        to.simplex(&x);
        let flat = to.into_flat();
        assert_eq!(flat.len(), coordinates, "{x:?}");
        let mut from = Reader::new(&flat);
        let back = from.simplex(&x).unwrap();
        for (a, b) in back.iter().zip(&x) {
            assert!((a - b).abs() < 1e-15 && (*a == 0.0) == (*b == 0.0), "{x:?}: {back}");
        }
        from.finish().unwrap();
    }
    // Moved, the zeros are still there.
    let moved = Reader::new(&[5.0]).simplex(&[0.0, 0.7, 0.0, 0.3]).unwrap();
    assert!(moved[0] == 0.0 && moved[2] == 0.0 && moved[1] > 0.99 && (moved.sum() - 1.0).abs() < 1e-15);
}

#[test]
fn bounds_are_kept_and_what_is_no_value_is_refused() {
    let mut to = Writer::new();
    to.positive(0.0);
    to.unit(0.0);
    to.unit(1.0);
    let flat = to.into_flat();
    let mut from = Reader::new(&flat);
    assert_eq!([from.positive().unwrap(), from.unit().unwrap(), from.unit().unwrap()], [0.0, 0.0, 1.0]);
    assert!(matches!(from.real(), Err(Error::NotFinite { .. })));

    assert!(Reader::new(&[800.0]).positive().is_err());
    assert!(Reader::new(&[f64::NAN]).real().is_err());
    assert!(Reader::new(&[f64::INFINITY]).simplex(&[0.5, 0.5]).is_err());
    assert!(Reader::new(&[0.0, 1e200, 0.0]).sym_pos(2).is_err());
    let singular = matrix(&[1.0, 1.0, 1.0, 1.0]);
    assert!(Writer::new().sym_pos(&singular).is_err());
}

#[test]
fn laws_come_back_from_their_coordinates() {
    fn flat(x: &impl Charted) -> Vec<f64> {
        let mut to = Writer::new();
        to.put(x).unwrap();
        to.into_flat()
    }
    /// Coordinates that are moved and read belong to a law that has them.
    fn round<T: Charted>(x: &T, coordinates: usize) {
        let before = flat(x);
        assert_eq!(before.len(), coordinates);
        let moved: Vec<f64> = before.iter().enumerate().map(|(i, v)| v + 0.3 * f64::cos(i as f64)).collect();
        let mut from = Reader::new(&moved);
        let after = flat(&from.take(x).unwrap());
        from.finish().unwrap();
        for (a, b) in after.iter().zip(&moved) {
            assert!((a - b).abs() < 1e-12, "{a} is not {b}");
        }
    }
    let scale = matrix(&[2.0, 0.3, 0.3, 1.0]);
    round(&Gamma::shape_rate(2.0, 3.0), 2);
    round(&InverseGamma::shape_scale(2.0, 3.0), 2);
    round(&PowerGamma::shape_rate_power(2.0, 3.0, -2.0), 2);
    round(&Beta::a_b(0.2, 3.0), 2);
    round(&Dirichlet::new(vec![0.1, 2.0, 30.0]), 3);
    round(&Normal::mean_sd(-1.0, 0.1), 2);
    round(&MvNormal::mean_cov(&[1.0, 2.0], &scale).unwrap().into_owned(), 5);
    round(&Wishart::dof_scale(1.5, &scale).unwrap(), 4);
    round(&InverseWishart::dof_scale(4.0, &scale).unwrap(), 4);
    round(&vec![Gamma::shape_rate(2.0, 3.0); 3], 6);
    assert_eq!(flat(&Normal::mean_sd(4.0, 0.5)), [4.0, 4f64.ln()]);
    assert_eq!(flat(&Wishart::dof_scale(2.0, &scale).unwrap())[0], 0.0);
}
