//! How far the laws of all groups, and those that all share, are from their priors.

use crate::reduce;
use crate::special;
use crate::tile;
use std::convert::Infallible;
use std::ops::Range;

/// Σ KL(Dirichlet(q) ‖ Dirichlet(p)), and the sum of the absolute values of the terms that were added up.
pub(super) fn divergence(q: &[&[f64]], p: &[f64], threads: usize) -> (f64, f64) {
    /// Parameters of the laws that are added up by themselves.
    const SOME: usize = 8192;

    let width = q.first().map_or(1, |r| r.len()).max(1);
    let some = |laws: Range<usize>| {
        let mut scratch = vec![0.0; 3 * width];
        let (psi, rest) = scratch.split_at_mut(width);
        let (log_q, log_p) = rest.split_at_mut(width);
        let (mut total, mut size) = (0.0, 0.0);
        let prior = &p[laws.start * width..];
        for (q, p) in q[laws].iter().zip(prior.chunks_exact(width)) {
            tile::digamma(q, psi);
            tile::lgamma(q, log_q);
            tile::lgamma(p, log_p);
            let (all, before) = (tile::sum(q), tile::sum(p));
            let centre = special::digamma(all);
            let mut term = special::lgamma(all) - special::lgamma(before);
            size += term.abs();
            for k in 0..q.len() {
                let piece = log_p[k] - log_q[k] + (q[k] - p[k]) * (psi[k] - centre);
                term += piece;
                size += piece.abs();
            }
            total += term;
        }
        Ok((total, size))
    };
    let add = |a: &mut (f64, f64), b: (f64, f64)| {
        a.0 += b.0;
        a.1 += b.1;
    };
    match reduce::tree::<_, Infallible>(q.len(), (SOME / width).max(1), threads, some, add) {
        Ok(sum) => sum,
        Err(never) => match never {},
    }
}
