//! The assignment problem.

use nalgebra::DMatrix;

/// The permutation π that maximises Σₖ `profit[k, π(k)]`, for a square matrix.
///
/// By shortest augmenting paths with dual prices, in O(K³) (Kuhn 1955; Jonker & Volgenant 1987). An entry that is not finite counts as
/// worse than any other. Of a matrix that is not square, the part that is: as many rows and columns as it has of both.
///
/// ```
/// use nalgebra::DMatrix;
/// use vi_core::diagnostics::best_assignment;
///
/// // The largest entry of each row is in column 0, which only one of them can have.
/// let profit = DMatrix::from_row_slice(3, 3, &[9.0, 8.0, 1.0, 9.0, 2.0, 3.0, 9.0, 5.0, 7.0]);
/// assert_eq!(best_assignment(&profit), [1, 0, 2]);
/// ```
#[must_use]
pub fn best_assignment(profit: &DMatrix<f64>) -> Vec<usize> {
    let size = profit.nrows().min(profit.ncols());
    let finite = || profit.iter().copied().filter(|p| p.is_finite());
    let (least, most) =
        finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), p| (low.min(p), high.max(p)));
    // Worse than any difference of two assignments.
    let worst = (most - least).max(1.0) * (2.0 * size as f64 + 1.0);
    let cost = |i: usize, j: usize| {
        let p = profit[(i, j)];
        if p.is_finite() { most - p } else { worst }
    };

    // Row 0 and column 0 are none: `row_of[0]` is the row that is being assigned.
    let mut row_price = vec![0.0; size + 1];
    let mut column_price = vec![0.0; size + 1];
    let mut row_of = vec![0; size + 1];
    for row in 1..=size {
        row_of[0] = row;
        let mut column = 0;
        let mut slack = vec![f64::INFINITY; size + 1];
        let mut before = vec![0; size + 1];
        let mut reached = vec![false; size + 1];
        while row_of[column] != 0 {
            reached[column] = true;
            let at = row_of[column];
            let (mut nearest, mut step) = (0, f64::INFINITY);
            for j in (1..=size).filter(|j| !reached[*j]) {
                let reduced = cost(at - 1, j - 1) - row_price[at] - column_price[j];
                if reduced < slack[j] {
                    slack[j] = reduced;
                    before[j] = column;
                }
                if slack[j] < step || nearest == 0 {
                    step = slack[j];
                    nearest = j;
                }
            }
            for j in 0..=size {
                if reached[j] {
                    row_price[row_of[j]] += step;
                    column_price[j] -= step;
                } else {
                    slack[j] -= step;
                }
            }
            column = nearest;
        }
        while column != 0 {
            row_of[column] = row_of[before[column]];
            column = before[column];
        }
    }
    let mut permutation = vec![0; size];
    for j in 1..=size {
        permutation[row_of[j] - 1] = j - 1;
    }
    permutation
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{stream, uniform};

    fn total(profit: &DMatrix<f64>, permutation: &[usize]) -> f64 {
        permutation.iter().enumerate().map(|(k, l)| profit[(k, *l)]).sum()
    }

    /// The best of all permutations.
    fn exhaustive(profit: &DMatrix<f64>, row: usize, taken: &mut Vec<usize>) -> f64 {
        if row == profit.nrows() {
            return 0.0;
        }
        let mut best = f64::NEG_INFINITY;
        for j in 0..profit.ncols() {
            if !taken.contains(&j) {
                taken.push(j);
                best = best.max(profit[(row, j)] + exhaustive(profit, row + 1, taken));
                taken.pop();
            }
        }
        best
    }

    #[test]
    fn no_permutation_is_better() {
        for case in 0..200 {
            let size = case % 7 + 1;
            let mut rng = stream(3, "profit", &[case]);
            // Whole numbers have ties, others have not; some are negative.
            let coarse = case % 3 == 0;
            let profit = DMatrix::from_fn(size, size, |_, _| {
                let u = 10.0 * uniform(&mut rng) - 4.0;
                if coarse { u.round() } else { u }
            });
            let permutation = best_assignment(&profit);
            let mut sorted = permutation.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..size).collect::<Vec<_>>());
            let best = exhaustive(&profit, 0, &mut vec![]);
            assert!((total(&profit, &permutation) - best).abs() < 1e-12, "{profit}: {permutation:?}");
        }
    }

    #[test]
    fn a_hidden_permutation_of_hundreds_is_found() {
        let size = 300;
        let mut rng = stream(4, "profit", &[]);
        let hidden: Vec<usize> = (0..size).map(|k| (k * 7 + 13) % size).collect();
        let profit =
            DMatrix::from_fn(size, size, |k, l| uniform(&mut rng) + if hidden[k] == l { 1.0 } else { 0.0 });
        let found = best_assignment(&profit);
        assert!(total(&profit, &found) >= total(&profit, &hidden));
        assert!(found.iter().zip(&hidden).filter(|(a, b)| a == b).count() > 290);
    }

    #[test]
    fn entries_that_are_no_numbers_are_avoided() {
        let nan = f64::NAN;
        let profit =
            DMatrix::from_row_slice(3, 3, &[nan, 1.0, 1.0, 5.0, nan, f64::NEG_INFINITY, 9.0, 2.0, nan]);
        assert_eq!(best_assignment(&profit), [2, 0, 1]);
        assert_eq!(best_assignment(&DMatrix::from_element(2, 2, nan)).len(), 2);
        assert!(best_assignment(&DMatrix::zeros(0, 0)).is_empty());
        assert_eq!(best_assignment(&DMatrix::zeros(1, 3)), [0]);
    }
}
