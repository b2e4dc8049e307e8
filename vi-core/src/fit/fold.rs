//! Chains of Gaussians whose steps read several steps back: as many units as are read make a block, and a block reads only the one before.

use crate::engine::gauss::scan::Scan;
use crate::engine::unit::UnitNormals;

/// Units of so many numbers, of which a step reads so many before its own. As many make a block, so that a block reads only the one before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fold {
    pub width: usize,
    pub order: usize,
}

impl Fold {
    /// Numbers of a block.
    pub fn side(self) -> usize {
        self.width * self.order
    }

    /// Blocks of a sequence of so many units.
    pub fn blocks(self, units: usize) -> usize {
        units.div_ceil(self.order)
    }

    /// The block of a unit, and where its numbers begin there.
    pub fn place(self, t: usize) -> (usize, usize) {
        (t / self.order, t % self.order * self.width)
    }
}

/// Writes E x\[t\] and Cov x\[t\] of a sequence.
pub(super) fn unit_moments(
    to: &mut UnitNormals,
    slot: usize,
    scan: &Scan,
    sequence: usize,
    t: usize,
    fold: Fold,
) {
    let (mean, cov) = to.moments_mut(slot);
    let (block, at) = fold.place(t);
    let (h, side) = (fold.width, fold.side());
    mean.copy_from_slice(&scan.mean(sequence, block)[at..][..h]);
    let all = scan.covariance(sequence, block);
    for (i, row) in cov.chunks_exact_mut(h).enumerate() {
        row.copy_from_slice(&all[(at + i) * side + at..][..h]);
    }
}

/// Writes the same of (x\[t−L\], …, x\[t\]); what would be before the first step is 0.
pub(super) fn step_moments(to: &mut UnitNormals, scan: &Scan, sequence: usize, t: usize, fold: Fold) {
    let (h, order, side) = (fold.width, fold.order, fold.side());
    if order == 1 {
        let (before, own) = (scan.covariance(sequence, t - 1), scan.covariance(sequence, t));
        let (means, cross) = ([scan.mean(sequence, t - 1), scan.mean(sequence, t)], scan.cross(sequence, t));
        return write_pair(to, means, before, own, |i, j| cross[i * h + j]);
    }
    let (mean, cov) = to.moments_mut(0);
    let width = (order + 1) * h;
    mean.fill(0.0);
    cov.fill(0.0);
    for a in order.saturating_sub(t)..=order {
        let (of_a, at_a) = fold.place(t + a - order);
        mean[a * h..][..h].copy_from_slice(&scan.mean(sequence, of_a)[at_a..][..h]);
        for b in a..=order {
            let (of_b, at_b) = fold.place(t + b - order);
            let both =
                if of_a == of_b { scan.covariance(sequence, of_b) } else { scan.cross(sequence, of_b) };
            for i in 0..h {
                for j in 0..h {
                    let x = both[(at_a + i) * side + at_b + j];
                    cov[(a * h + i) * width + b * h + j] = x;
                    cov[(b * h + j) * width + a * h + i] = x;
                }
            }
        }
    }
}

/// Writes moments of two neighbours: their means, the covariance of each, and the entries of that of the two.
pub(super) fn write_pair(
    to: &mut UnitNormals,
    means: [&[f64]; 2],
    before: &[f64],
    own: &[f64],
    cross: impl Fn(usize, usize) -> f64,
) {
    let h = means[0].len();
    let (mean, cov) = to.moments_mut(0);
    mean[..h].copy_from_slice(means[0]);
    mean[h..].copy_from_slice(means[1]);
    for i in 0..h {
        for j in 0..h {
            let cross = cross(i, j);
            cov[i * 2 * h + j] = before[i * h + j];
            cov[i * 2 * h + h + j] = cross;
            cov[(h + j) * 2 * h + i] = cross;
            cov[(h + i) * 2 * h + h + j] = own[i * h + j];
        }
    }
}
