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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tile::simd::on_every_isa;

    fn entry(i: usize, j: usize) -> f64 {
        ((i * 29 + j * 13) % 17) as f64 * 0.37 - 2.9
    }

    /// The product in every lane.
    fn products<I: Isa, const P: usize>(isa: I, n: usize, columns: usize) -> Vec<f64> {
        let lanes = lanes::<I, P>();
        let mut packed = vec![];
        pack(n, columns, entry, &mut packed);
        assert_eq!(packed.len(), len(n, columns));
        let v: Vec<f64> = (0..columns * lanes).map(|k| entry(k / lanes, k % lanes + 5)).collect();
        let mut out = vec![f64::NAN; rows(n) * lanes];
        multiply::<I, P>(isa, &packed, columns, &v, &mut out);
        out
    }

    fn check<I: Isa>(isa: I) {
        for (n, columns) in [(0, 3), (1, 1), (4, 2), (6, 5), (13, 9), (3, 0)] {
            let together = match I::W {
                2 => products::<I, 4>(isa, n, columns),
                4 => products::<I, 2>(isa, n, columns),
                _ => products::<I, 1>(isa, n, columns),
            };
            assert_eq!(together.len(), rows(n) * 8);
            for i in 0..rows(n) {
                for lane in 0..8 {
                    let term = |j: usize| if i < n { entry(i, j) * entry(j, lane + 5) } else { 0.0 };
                    let want: f64 = (0..columns).map(term).sum();
                    assert!((together[i * 8 + lane] - want).abs() < 1e-13, "{n} {columns} {i} {lane}");
                }
            }
            // Alone, the first lane gives the same bits.
            let alone = products::<I, 0>(isa, n, columns);
            for i in 0..rows(n) {
                assert_eq!(alone[i], together[i * 8]);
            }
        }
    }

    #[test]
    fn lanes_are_products_and_do_not_see_each_other() {
        on_every_isa!(isa => check(isa));
    }
}
