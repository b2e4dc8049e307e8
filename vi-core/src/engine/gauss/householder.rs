//! Orthogonal triangularisation of small matrices, stored by columns.

use crate::tile::simd::{Isa, vectorised};

/// Makes the first `pivots` columns upper triangular with a diagonal that is not negative, and transforms the other columns along with them.
///
/// `a` has `height` rows and is stored by columns; the first `unknowns` of them, at most `pivots`, hold the coefficients. A column that is 0
/// from its pivot on keeps it there. Rows past `pivots` hold, in the columns past `pivots`, what the first columns could not reach.
///
/// Before each reflection the row with the largest entry changes places with the pivot's. Reflections then keep the digits of every row, small
/// beside others as it may be (Powell and Reid 1969; Cox and Higham 1998): a row of weight 1 below one of weight 10⁷ loses none to it.
///
/// A pivot that is rounding only becomes 0, so that a direction no row determines is one without information: its pivot is 0, now and
/// wherever the triangle is taken further. `sizes` is a workspace.
pub(super) fn triangularise(
    a: &mut [f64],
    height: usize,
    unknowns: usize,
    pivots: usize,
    sizes: &mut Vec<f64>,
) {
    // Behind the sizes the vector of a reflection.
    sizes.clear();
    sizes.resize(2 * height, 0.0);
    let (sizes, v) = sizes.split_at_mut(height);
    for column in a.chunks_exact(height.max(1)).take(unknowns) {
        sizes.iter_mut().zip(column).for_each(|(size, x)| *size = size.max(x.abs()));
    }
    reduce(a, height, pivots.min(height), sizes, v);
    drop_rounding(a, height, unknowns, sizes);
}

vectorised! {
    fn reduce(a: &mut [f64], height: usize, pivots: usize, sizes: &mut [f64], v: &mut [f64]) = reduce_with;
}

#[inline(always)]
fn reduce_with<I: Isa>(
    isa: I,
    a: &mut [f64],
    height: usize,
    pivots: usize,
    sizes: &mut [f64],
    v: &mut [f64],
) {
    for j in 0..pivots {
        exchange(a, height, j, sizes);
        reflect(isa, a, height, j, v);
        if a[j * height + j] < 0.0 {
            a[j * height + j] = -a[j * height + j];
            a[(j + 1) * height..].iter_mut().skip(j).step_by(height).for_each(|x| *x = -*x);
        }
    }
}

/// Brings the largest entry of column j from its pivot on to the pivot; of equals, the first.
#[inline(always)]
fn exchange(a: &mut [f64], height: usize, j: usize, sizes: &mut [f64]) {
    let column = &a[j * height..][..height];
    let mut at = j;
    for i in j + 1..height {
        if column[i].abs() > column[at].abs() {
            at = i;
        }
    }
    if at != j {
        sizes.swap(j, at);
        a[j * height..].chunks_exact_mut(height).for_each(|column| column.swap(j, at));
    }
}

/// One reflection, which takes column j to a multiple of its unit vector j. `v` is a workspace.
#[inline(always)]
fn reflect<I: Isa>(isa: I, a: &mut [f64], height: usize, j: usize, v: &mut [f64]) {
    let (head, rest) = a.split_at_mut((j + 1) * height);
    let column = &mut head[j * height..];
    let below = &column[j + 1..];
    // A NaN is not 0, and goes on.
    if below.iter().all(|x| *x == 0.0) {
        return;
    }
    let first = column[j];
    let norm = norm(first, below);
    let target = if first > 0.0 { -norm } else { norm };
    let lead = first - target;
    // From a multiple of four on, with zeros before the pivot: most columns then have no remainder.
    let from = j - j % 4;
    v[from..j].fill(0.0);
    v[j] = 1.0;
    for i in j + 1..height {
        v[i] = column[i] / lead;
    }
    let v = &v[from..height];
    let tau = -lead / target;
    for other in rest.chunks_exact_mut(height) {
        let other = &mut other[from..];
        let along = tau * dot(isa, v, other);
        subtract(isa, other, along, v);
    }
    column[j] = target;
    column[j + 1..].fill(0.0);
}

/// √(first² + ‖below‖²)
#[inline(always)]
fn norm(first: f64, below: &[f64]) -> f64 {
    let largest = below.iter().fold(first.abs(), |m, x| m.max(x.abs()));
    // Squares of anything between are normal numbers.
    if (1e-140..1e140).contains(&largest) {
        (first * first + below.iter().map(|x| x * x).sum::<f64>()).sqrt()
    } else if largest == 0.0 {
        0.0
    } else {
        let first = first / largest;
        let sum: f64 = below.iter().map(|x| (x / largest) * (x / largest)).sum();
        largest * (first * first + sum).sqrt()
    }
}

/// a − s v. Four at a time: the compiler's own loop would be made for longer ones.
#[inline(always)]
fn subtract<I: Isa>(isa: I, a: &mut [f64], s: f64, v: &[f64]) {
    let (mut a4, v4) = (a.chunks_exact_mut(4), v.chunks_exact(4));
    let rest = v4.remainder();
    for (x, y) in a4.by_ref().zip(v4) {
        for i in 0..4 {
            x[i] = isa.scalar_fma(-s, y[i], x[i]);
        }
    }
    for (x, y) in a4.into_remainder().iter_mut().zip(rest) {
        *x = isa.scalar_fma(-s, *y, *x);
    }
}

/// In four partial sums, which the compiler can put into lanes.
#[inline(always)]
fn dot<I: Isa>(isa: I, a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (a4, b4) = (a.chunks_exact(4), b.chunks_exact(4));
    let mut s: f64 = a4.remainder().iter().zip(b4.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a4.zip(b4) {
        for i in 0..4 {
            sums[i] = isa.scalar_fma(x[i], y[i], sums[i]);
        }
    }
    s += (sums[0] + sums[1]) + (sums[2] + sums[3]);
    s
}

/// Sets pivots to 0 that are rounding only.
///
/// Rounding leaves no more in an entry than it takes from the column, and no more than it takes from the row. The row counts where one of
/// weight 1 meets rows of weight 10¹⁵, the column where unknowns are measured in different units.
fn drop_rounding(a: &mut [f64], height: usize, unknowns: usize, sizes: &[f64]) {
    for j in 0..unknowns.min(height) {
        let column = length(&a[j * height..=j * height + j]);
        let row = (j..unknowns).fold(sizes[j], |m, k| m.max(a[k * height + j].abs()));
        let pivot = &mut a[j * height + j];
        if *pivot <= LOST * unknowns as f64 * column.min(row) {
            *pivot = 0.0;
        }
    }
}

/// Rounding of one unknown's pivot, relative to what was rounded: some additions for each of some reflections.
const LOST: f64 = 16.0 * f64::EPSILON;

/// ‖x‖, without overflow.
fn length(x: &[f64]) -> f64 {
    x.split_first().map_or(0.0, |(first, rest)| norm(*first, rest))
}

/// R⁻¹ of an upper triangular `n × n` matrix; both are stored by rows, `r` with `stride` entries to a row.
pub(super) fn invert_upper(r: &[f64], stride: usize, n: usize, inverse: &mut [f64]) {
    inverse[..n * n].fill(0.0);
    for j in 0..n {
        inverse[j * n + j] = 1.0 / r[j * stride + j];
        for i in (0..j).rev() {
            let mut value = 0.0;
            for k in i + 1..=j {
                value -= r[i * stride + k] * inverse[k * n + j];
            }
            inverse[i * n + j] = value / r[i * stride + i];
        }
    }
}

/// x with R x = z, in place; R is stored by rows with `stride` entries to a row.
pub(super) fn solve_upper(r: &[f64], stride: usize, x: &mut [f64]) {
    for i in (0..x.len()).rev() {
        let mut value = x[i];
        for k in i + 1..x.len() {
            value -= r[i * stride + k] * x[k];
        }
        x[i] = value / r[i * stride + i];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_triangle_has_the_products_of_its_rows() {
        let (height, width, pivots) = (7, 5, 3);
        let a: Vec<f64> = (0..height * width).map(|i| ((i * 37 + 11) % 23) as f64 - 11.0).collect();
        let mut r = a.clone();
        triangularise(&mut r, height, pivots, pivots, &mut vec![]);
        for i in 0..width {
            for j in 0..width {
                let of =
                    |m: &[f64]| -> f64 { (0..height).map(|k| m[i * height + k] * m[j * height + k]).sum() };
                assert!((of(&a) - of(&r)).abs() < 1e-12 * of(&a).abs().max(1.0));
            }
        }
        for j in 0..pivots {
            assert!(r[j * height + j] > 0.0);
            assert!(r[j * height + j + 1..(j + 1) * height].iter().all(|x| *x == 0.0));
        }
    }

    #[test]
    fn a_pivot_that_is_rounding_is_none_and_a_small_one_is_one() {
        // Columns (a, b) of rows that are multiples of (0.1, 0.3), and then a row that tells them apart, weakly.
        for weak in [0.0, 1e-12, 1e-30] {
            let rows: Vec<[f64; 2]> =
                (1..9).map(|k| [0.1 * k as f64, 0.3 * k as f64]).chain([[0.0, weak]]).collect();
            let mut r: Vec<f64> = (0..2).flat_map(|j| rows.iter().map(move |row| row[j])).collect();
            triangularise(&mut r, 9, 2, 2, &mut vec![]);
            assert_eq!(r[10] > 0.0, weak == 1e-12, "{weak:e}: {:e}", r[10]);
        }
        // Weight 1e15 beside weight 1, and units 1e20 apart.
        let mut r = [1e15, 1.0, 1e15, 2.0];
        triangularise(&mut r, 2, 2, 2, &mut vec![]);
        assert!((r[3] - 1.0).abs() < 1e-14, "{r:?}");
        let mut r = [1e20, 0.0, 1.0, 1.0];
        triangularise(&mut r, 2, 2, 2, &mut vec![]);
        assert_eq!(r[3], 1.0);
    }

    #[test]
    fn the_scale_of_a_column_does_not_matter() {
        for scale in [1e-300, 1e-160, 1.0, 1e150, 1e300] {
            let mut r = vec![3.0 * scale, 4.0 * scale, 0.0, 1.0];
            triangularise(&mut r, 2, 1, 1, &mut vec![]);
            assert!((r[0] / scale - 5.0).abs() < 1e-14 && (r[2].abs() - 0.8).abs() < 1e-14, "{scale}: {r:?}");
        }
    }

    #[test]
    fn inverse_and_solution_of_a_triangle_agree() {
        let r = [2.0, 1.0, -1.0, 0.0, 4.0, 3.0, 0.0, 0.0, 0.5];
        let mut inverse = [0.0; 9];
        invert_upper(&r, 3, 3, &mut inverse);
        for j in 0..3 {
            let mut x = [0.0; 3];
            x[j] = 1.0;
            solve_upper(&r, 3, &mut x);
            for i in 0..3 {
                assert!((inverse[i * 3 + j] - x[i]).abs() < 1e-15);
            }
        }
    }
}
