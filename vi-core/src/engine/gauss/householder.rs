//! Orthogonal triangularisation of small matrices, stored by columns.

/// Makes the first `pivots` columns upper triangular with a diagonal that is not negative, and transforms the other columns along with them.
///
/// `a` has `height` rows and is stored by columns. A column that is 0 from its pivot on keeps it there. Rows past `pivots` hold, in the
/// columns past `pivots`, what the first columns could not reach.
pub(super) fn triangularise(a: &mut [f64], height: usize, pivots: usize) {
    for j in 0..pivots.min(height) {
        let (head, rest) = a.split_at_mut((j + 1) * height);
        let column = &mut head[j * height + j..];
        reflect(column, rest, height, j);
        if column[0] < 0.0 {
            column[0] = -column[0];
            rest.iter_mut().skip(j).step_by(height).for_each(|x| *x = -*x);
        }
    }
}

/// Puts rows in the order of their largest coefficients, the largest first.
///
/// Reflections then keep the digits of every row, small beside others as it may be (Powell and Reid 1969; Cox and Higham 1998): a row of
/// weight 1 below one of weight 10⁷ loses none to it.
pub(super) fn sort_rows(a: &mut [f64], height: usize, pivots: usize, keys: &mut Vec<f64>) {
    keys.clear();
    keys.resize(height, 0.0);
    for column in a.chunks_exact(height).take(pivots) {
        keys.iter_mut().zip(column).for_each(|(key, x)| *key = key.max(x.abs()));
    }
    for i in 1..height {
        // Of equals, the first stays first.
        let at = keys[..i].partition_point(|key| *key >= keys[i]);
        if at < i {
            keys[at..=i].rotate_right(1);
            a.chunks_exact_mut(height).for_each(|column| column[at..=i].rotate_right(1));
        }
    }
}

/// One reflection, which takes `column` to a multiple of its first unit vector.
fn reflect(column: &mut [f64], rest: &mut [f64], height: usize, j: usize) {
    let (first, below) = column.split_first_mut().expect("a pivot lies within its column");
    // A NaN is not 0, and goes on.
    if below.iter().all(|x| *x == 0.0) {
        return;
    }
    let norm = norm(*first, below);
    let target = if *first > 0.0 { -norm } else { norm };
    let lead = *first - target;
    below.iter_mut().for_each(|x| *x /= lead);
    let tau = -lead / target;
    for other in rest.chunks_exact_mut(height) {
        let (top, tail) = other[j..].split_first_mut().expect("columns have one height");
        let along = tau * (*top + dot(below, tail));
        if along != 0.0 {
            *top -= along;
            tail.iter_mut().zip(&*below).for_each(|(x, v)| *x -= along * v);
        }
    }
    *first = target;
    below.fill(0.0);
}

/// √(first² + ‖below‖²)
fn norm(first: f64, below: &[f64]) -> f64 {
    let largest = below.iter().fold(first.abs(), |m, x| m.max(x.abs()));
    // Squares of anything between are normal numbers.
    if (1e-140..1e140).contains(&largest) {
        (first * first + dot(below, below)).sqrt()
    } else {
        let first = first / largest;
        let sum: f64 = below.iter().map(|x| (x / largest) * (x / largest)).sum();
        largest * (first * first + sum).sqrt()
    }
}

/// In four partial sums, which is also how the compiler can vectorise it.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (a4, b4) = (a.chunks_exact(4), b.chunks_exact(4));
    let mut s: f64 = a4.remainder().iter().zip(b4.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a4.zip(b4) {
        for i in 0..4 {
            sums[i] += x[i] * y[i];
        }
    }
    s += (sums[0] + sums[1]) + (sums[2] + sums[3]);
    s
}

/// Whether a pivot is rounding only: `scale` bounds what was rounded, as the length of its column does, and the size of its row.
pub(super) fn is_lost(pivot: f64, scale: f64, unknowns: usize) -> bool {
    pivot.abs() <= unknowns as f64 * f64::EPSILON * scale
}

/// What rounding can have left in the pivot of column j, of rows that were sorted by `keys`: no more than it takes from the column, and no
/// more than it takes from the row, which counts where a row of weight 1 meets rows of weight 10¹⁵.
pub(super) fn rounded(a: &[f64], height: usize, pivots: usize, keys: &[f64], j: usize) -> f64 {
    let column = length(a[j * height..=j * height + j].iter().copied());
    let row = (j..pivots).fold(keys[j], |m, k| m.max(a[k * height + j].abs()));
    column.min(row)
}

/// ‖x‖, without overflow.
pub(super) fn length(x: impl Iterator<Item = f64>) -> f64 {
    x.fold(0.0, f64::hypot)
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
        triangularise(&mut r, height, pivots);
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
    fn the_scale_of_a_column_does_not_matter() {
        for scale in [1e-300, 1e-160, 1.0, 1e150, 1e300] {
            let mut r = vec![3.0 * scale, 4.0 * scale, 0.0, 1.0];
            triangularise(&mut r, 2, 1);
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
