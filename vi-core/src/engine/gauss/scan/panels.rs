//! Small matrices times vectors, one vector or one in each lane.
//!
//! A matrix is cut into panels of four rows, a panel stored by columns. Every entry of a product is the sum over columns from the first to the
//! last, whatever the number of lanes, so what a sequence gives does not depend on those that were computed beside it.

use crate::tile::simd::Isa;

const PANEL: usize = 4;

/// Rows with those that fill the last panel.
pub(super) fn rows(rows: usize) -> usize {
    rows.next_multiple_of(PANEL)
}

/// Entries of a packed matrix.
pub(super) fn len(n: usize, columns: usize) -> usize {
    rows(n) * columns
}

/// Appends a matrix; rows that fill the last panel are 0.
pub(super) fn pack(n: usize, columns: usize, at: impl Fn(usize, usize) -> f64, packed: &mut Vec<f64>) {
    for first in (0..n).step_by(PANEL) {
        for j in 0..columns {
            packed.extend((first..first + PANEL).map(|i| if i < n { at(i, j) } else { 0.0 }));
        }
    }
}

/// Lanes of a sweep over `P` packs; 0 packs are one number.
pub(super) const fn lanes<I: Isa, const P: usize>() -> usize {
    if P == 0 { 1 } else { P * I::W }
}

/// out = M v, where `v` has one row of lanes for each column.
#[inline(always)]
pub(super) fn multiply<I: Isa, const P: usize>(
    isa: I,
    packed: &[f64],
    columns: usize,
    v: &[f64],
    out: &mut [f64],
) {
    let lanes = lanes::<I, P>();
    if columns == 0 {
        out.fill(0.0);
        return;
    }
    let v = &v[..columns * lanes];
    for (panel, out) in packed.chunks_exact(PANEL * columns).zip(out.chunks_exact_mut(PANEL * lanes)) {
        if P == 0 {
            let mut sums = [0.0; PANEL];
            for (m, x) in panel.chunks_exact(PANEL).zip(v) {
                for r in 0..PANEL {
                    sums[r] = isa.scalar_fma(m[r], *x, sums[r]);
                }
            }
            out.copy_from_slice(&sums);
        } else {
            let mut sums = [[isa.splat(0.0); P]; PANEL];
            for (m, x) in panel.chunks_exact(PANEL).zip(v.chunks_exact(lanes)) {
                let mut packs = [isa.splat(0.0); P];
                for p in 0..P {
                    packs[p] = isa.load(&x[p * I::W..]);
                }
                for r in 0..PANEL {
                    let a = isa.splat(m[r]);
                    for p in 0..P {
                        sums[r][p] = isa.fma(a, packs[p], sums[r][p]);
                    }
                }
            }
            for r in 0..PANEL {
                for p in 0..P {
                    isa.store(sums[r][p], &mut out[r * lanes + p * I::W..]);
                }
            }
        }
    }
}
