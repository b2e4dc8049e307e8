//! Columns of a tile: what generated loops hand over as a whole, one call for all units of a tile.

use crate::tile;

/// `out[i] += constant − ½ precision (x[i] − mean)²`: one component of a Normal whose components are independent.
pub fn add_square(x: &[f64], mean: f64, precision: f64, constant: f64, out: &mut [f64]) {
    tile::add_square(x, mean, precision, constant, out);
}

/// Writes one design vector into column i of a tile of `n` units, measured from the gauge; no gauge is the origin.
pub fn place(tile: &mut [f64], n: usize, i: usize, row: &[f64], gauge: &[f64]) {
    for (j, x) in row.iter().enumerate() {
        tile[j * n + i] = x - gauge.get(j).copied().unwrap_or(0.0);
    }
}

/// Σᵢ w\[i\]
#[must_use]
pub fn sum(w: &[f64]) -> f64 {
    tile::sum(w)
}

/// `out[i] += by · x[i]`
pub fn add_scaled(out: &mut [f64], by: f64, x: &[f64]) {
    for (o, x) in out.iter_mut().zip(x) {
        *o += by * x;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_is_its_formula() {
        let x: Vec<f64> = (0..37).map(|i| f64::from(i) * 0.3 - 4.0).collect();
        let mut out: Vec<f64> = (0..37).map(f64::from).collect();
        add_square(&x, 1.5, 0.7, -2.0, &mut out);
        for (i, out) in out.iter().enumerate() {
            let expected = i as f64 - 2.0 - 0.35 * (x[i] - 1.5).powi(2);
            assert!((out - expected).abs() < 1e-13, "{i}: {out} {expected}");
        }
    }

    #[test]
    fn rows_become_columns_measured_from_the_gauge() {
        let mut tile = vec![0.0; 6];
        place(&mut tile, 2, 0, &[1.0, 2.0, 3.0], &[]);
        place(&mut tile, 2, 1, &[10.0, 20.0, 30.0], &[1.0, 2.0, 3.0]);
        assert_eq!(tile, [1.0, 9.0, 2.0, 18.0, 3.0, 27.0]);
    }
}
