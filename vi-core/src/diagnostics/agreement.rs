//! Whether two posteriors of categories say the same, whatever they call the categories.

use super::best_assignment;
use crate::error::{Error, Mismatch};
use crate::fit::Categories;
use nalgebra::DMatrix;

/// Two posteriors of the same elements, such as those of two restarts, after their categories are matched.
///
/// The overlap of category k of the first with category l of the second is the expected number of elements that have both,
///
/// ```text
/// C[k, l] = Σₙ q(z[n] = k) q'(z[n] = l),
/// ```
///
/// and π is the permutation that maximises `Σₖ C[k, π(k)]`. Source: Stephens (2000), *Dealing with label switching in mixture models*.
///
/// ```
/// use vi_core::Categories;
/// use vi_core::diagnostics::Agreement;
///
/// // The same groups by other names, but for the last element.
/// let first = Categories::one_hot(&[0, 0, 1, 1, 2], 3);
/// let mut second = Categories::one_hot(&[2, 2, 0, 0, 0], 3);
/// let agreement = Agreement::of(&first, &second)?;
/// assert_eq!(agreement.permutation, [2, 0, 1]);
/// assert_eq!(agreement.share, 0.8);
/// // Afterwards equal names mean equal categories.
/// second.relabel(&agreement.permutation);
/// assert_eq!(second.most_likely(2), first.most_likely(2));
/// # Ok::<(), vi_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Agreement {
    /// Category k of the first is category `permutation[k]` of the second; [`Categories::relabel`] takes it as it is.
    pub permutation: Vec<usize>,
    /// The share of the elements whose most likely categories are matched.
    pub share: f64,
    /// The expected share if both are drawn: `Σₖ C[k, π(k)]`/N. It is below 1 for two equal posteriors that are not certain.
    pub overlap: f64,
}

/// A probability too small to matter for the matching.
const NEGLIGIBLE: f64 = 1e-9;

impl Agreement {
    /// Matches the categories of two posteriors.
    ///
    /// # Errors
    /// [`Error::Shape`] if they have different numbers of elements or of categories; [`Error::LocalsNotKept`] if they have none;
    /// [`Error::NotFinite`] if a probability is not a number.
    pub fn of(first: &Categories, second: &Categories) -> Result<Agreement, Error> {
        if first.is_empty() && second.is_empty() {
            return Err(Error::LocalsNotKept { what: "the agreement of two posteriors".to_owned() });
        }
        same(first.len(), second.len(), "elements", "N")?;
        same(first.states(), second.states(), "categories", "K")?;
        let states = first.states();
        let mut together = DMatrix::zeros(states, states);
        let mut likely = DMatrix::<f64>::zeros(states, states);
        for n in 0..first.len() {
            let (p, q) = (first.probs(n), second.probs(n));
            if p.iter().chain(q).any(|v| !v.is_finite()) {
                return Err(Error::NotFinite { what: format!("a probability of element {n}") });
            }
            for (l, q) in q.iter().enumerate().filter(|(_, q)| **q > NEGLIGIBLE) {
                for (k, p) in p.iter().enumerate().filter(|(_, p)| **p > NEGLIGIBLE) {
                    together[(k, l)] += p * q;
                }
            }
            likely[(first.most_likely(n), second.most_likely(n))] += 1.0;
        }
        let permutation = best_assignment(&together);
        let matched = |m: &DMatrix<f64>| -> f64 {
            let sum: f64 = permutation.iter().enumerate().map(|(k, l)| m[(k, *l)]).sum();
            sum / first.len() as f64
        };
        let (share, overlap) = (matched(&likely), matched(&together));
        Ok(Agreement { permutation, share, overlap })
    }
}

fn same(first: usize, second: usize, what: &'static str, size: &str) -> Result<(), Error> {
    if first == second {
        return Ok(());
    }
    Err(Error::Shape {
        what: Box::new(Mismatch::Sizes {
            name: "the first posterior".to_owned(),
            length: first,
            what,
            other: "the second".to_owned(),
            other_length: second,
            other_what: what,
            size: size.to_owned(),
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{stream, uniform};

    fn random(elements: usize, states: usize) -> Categories {
        let mut rng = stream(8, "q", &[]);
        Categories::from_probs(&DMatrix::from_fn(elements, states, |_, _| uniform(&mut rng).powi(8)))
    }

    #[test]
    fn a_relabelled_posterior_agrees_with_itself() {
        let first = random(400, 12);
        let order: Vec<usize> = (0..12).map(|k| (5 * k + 3) % 12).collect();
        let mut second = first.clone();
        second.relabel(&order);
        let agreement = Agreement::of(&first, &second).unwrap();
        assert_eq!(agreement.share, 1.0);
        let squares: f64 = (0..400).flat_map(|n| first.probs(n)).map(|p| p * p).sum();
        assert!((agreement.overlap - squares / 400.0).abs() < 1e-8);
        second.relabel(&agreement.permutation);
        assert_eq!(second, first);
    }

    #[test]
    fn the_share_counts_elements_that_moved() {
        let names: Vec<usize> = (0..100).map(|n| n % 4).collect();
        let moved: Vec<usize> =
            names.iter().enumerate().map(|(n, k)| if n < 10 { (k + 2) % 4 } else { (k + 1) % 4 }).collect();
        let agreement =
            Agreement::of(&Categories::one_hot(&names, 4), &Categories::one_hot(&moved, 4)).unwrap();
        assert_eq!(agreement.permutation, [1, 2, 3, 0]);
        assert!((agreement.share - 0.9).abs() < 1e-15 && (agreement.overlap - 0.9).abs() < 1e-15);
    }

    #[test]
    fn what_cannot_be_compared_is_an_error() {
        let q = random(3, 2);
        assert!(matches!(Agreement::of(&q, &random(4, 2)), Err(Error::Shape { .. })));
        assert!(matches!(Agreement::of(&q, &random(3, 3)), Err(Error::Shape { .. })));
        let none = Categories::default();
        assert!(matches!(Agreement::of(&none, &none), Err(Error::LocalsNotKept { .. })));
        assert!(matches!(Agreement::of(&q, &none), Err(Error::Shape { .. })));
        let nan = Categories::from_rows(2, vec![f64::NAN; 6]);
        assert!(matches!(Agreement::of(&q, &nan), Err(Error::NotFinite { .. })));
    }
}
