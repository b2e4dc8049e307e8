//! Products of small matrices with numbers side by side in lanes, and sums of products of two such rows: both kept in registers.

use super::chains::{LANES, Lanes};
use super::simd::Isa;

/// Columns of a panel.
pub const PANEL: usize = 4;

/// Length of a packed matrix.
#[must_use]
pub fn packed(rows: usize, cols: usize) -> usize {
    rows * cols.next_multiple_of(PANEL)
}

/// Appends a matrix cut into panels of [`PANEL`] columns, each of them row by row, with zeros behind the last column; entry (j, k) is
/// `at(j, k)`.
pub fn pack(rows: usize, cols: usize, at: impl Fn(usize, usize) -> f64, out: &mut Vec<f64>) {
    for first in (0..cols).step_by(PANEL) {
        for j in 0..rows {
            out.extend((first..first + PANEL).map(|k| if k < cols { at(j, k) } else { 0.0 }));
        }
    }
}

/// What the columns of a product are multiplied with.
#[derive(Clone, Copy)]
pub(super) struct Times<'a> {
    /// Of every column.
    pub weight: &'a [Lanes],
    /// Of all columns.
    pub all: &'a Lanes,
}

/// `out[k] = times[k] Σⱼ x[j] matrix[j, k]`, lane by lane for the first `lanes`, for a matrix in panels. Where there are `times`, returns
/// Σₖ out[k].
#[inline(always)]
pub(super) fn product<S: Isa>(
    isa: S,
    lanes: usize,
    x: &[Lanes],
    panels: &[f64],
    times: Option<Times<'_>>,
    out: &mut [Lanes],
) -> Lanes {
    let mut total = [0.0; LANES];
    let size = x.len() * PANEL;
    let mut at = 0;
    if S::W == LANES {
        while at + 2 * PANEL <= out.len() {
            let panels = [&panels[at * x.len()..][..size], &panels[(at + PANEL) * x.len()..][..size]];
            let out = &mut out[at..at + 2 * PANEL];
            let times = times.map(|t| Times { weight: &t.weight[at..at + 2 * PANEL], ..t });
            some_columns::<S, 2, 1>(isa, lanes, x, panels, times, out, &mut total);
            at += 2 * PANEL;
        }
    }
    while at < out.len() {
        let panels = [&panels[at * x.len()..][..size]];
        if at + PANEL <= out.len() {
            let out = &mut out[at..at + PANEL];
            let times = times.map(|t| Times { weight: &t.weight[at..at + PANEL], ..t });
            one_panel(isa, lanes, x, panels, times, out, &mut total);
        } else {
            // The columns that are not there are worked out all the same, and weigh nothing.
            let (mut whole, mut weight) = ([[0.0; LANES]; PANEL], [[0.0; LANES]; PANEL]);
            let left = out.len() - at;
            let times = times.map(|t| {
                weight[..left].copy_from_slice(&t.weight[at..]);
                Times { weight: &weight, ..t }
            });
            one_panel(isa, lanes, x, panels, times, &mut whole, &mut total);
            out[at..].copy_from_slice(&whole[..left]);
        }
        at += PANEL;
    }
    total
}

#[inline(always)]
fn one_panel<S: Isa>(
    isa: S,
    lanes: usize,
    x: &[Lanes],
    panels: [&[f64]; 1],
    times: Option<Times<'_>>,
    out: &mut [Lanes],
    total: &mut Lanes,
) {
    if 2 * S::W > lanes {
        some_columns::<S, 1, 1>(isa, lanes, x, panels, times, out, total);
    } else {
        some_columns::<S, 1, 2>(isa, lanes, x, panels, times, out, total);
    }
}

/// The sums of `P` panels for `Q` packs at a time stay in registers.
#[inline(always)]
fn some_columns<S: Isa, const P: usize, const Q: usize>(
    isa: S,
    lanes: usize,
    x: &[Lanes],
    panels: [&[f64]; P],
    times: Option<Times<'_>>,
    out: &mut [Lanes],
    total: &mut Lanes,
) {
    for p in (0..lanes).step_by(S::W * Q) {
        let mut sums = sums_of::<S, P, Q>(isa, x, panels, p);
        if let Some(times) = times {
            for q in 0..Q {
                let here = p + q * S::W;
                let all = isa.load(&times.all[here..]);
                let mut added = isa.load(&total[here..]);
                for n in 0..P {
                    for i in 0..PANEL {
                        let weight = isa.mul(all, isa.load(&times.weight[n * PANEL + i][here..]));
                        sums[n][i][q] = isa.mul(sums[n][i][q], weight);
                    }
                    let low = isa.add(sums[n][0][q], sums[n][1][q]);
                    let high = isa.add(sums[n][2][q], sums[n][3][q]);
                    added = isa.add(isa.add(low, high), added);
                }
                isa.store(added, &mut total[here..]);
            }
        }
        for n in 0..P {
            for i in 0..PANEL {
                for q in 0..Q {
                    isa.store(sums[n][i][q], &mut out[n * PANEL + i][p + q * S::W..]);
                }
            }
        }
    }
}

/// Σⱼ x[j] panel[j, ·] of `Q` packs from lane p on.
#[inline(always)]
fn sums_of<S: Isa, const P: usize, const Q: usize>(
    isa: S,
    x: &[Lanes],
    panels: [&[f64]; P],
    p: usize,
) -> [[[S::Pack; Q]; PANEL]; P] {
    let mut rows: [&[[f64; PANEL]]; P] = [&[]; P];
    for n in 0..P {
        rows[n] = &panels[n].as_chunks::<PANEL>().0[..x.len()];
    }
    let mut sums = [[[isa.splat(0.0); Q]; PANEL]; P];
    for j in 0..x.len() {
        let mut a = [isa.splat(0.0); Q];
        for q in 0..Q {
            a[q] = isa.load(&x[j][p + q * S::W..]);
        }
        for n in 0..P {
            for i in 0..PANEL {
                let f = isa.splat(rows[n][j][i]);
                for q in 0..Q {
                    sums[n][i][q] = isa.fma(a[q], f, sums[n][i][q]);
                }
            }
        }
    }
    sums
}

/// What is made of a product as it leaves the registers.
pub(super) struct Onward<'a> {
    /// `smooth[k] = alpha[k] out[k]`
    pub alpha: &'a [Lanes],
    pub smooth: &'a mut [Lanes],
    /// `w[k] = times[k] out[k]`
    pub times: Times<'a>,
    pub w: &'a mut [Lanes],
}

/// `out[k] = Σⱼ x[j] matrix[j, k]` as [`product`], of a square matrix: what is made of it is all that is kept.
#[inline(always)]
pub(super) fn product_onward<S: Isa>(isa: S, lanes: usize, x: &[Lanes], panels: &[f64], onward: Onward<'_>) {
    let Onward { alpha, smooth, times, w } = onward;
    let states = x.len();
    let (alpha, smooth, w) = (&alpha[..states], &mut smooth[..states], &mut w[..states]);
    let weight = &times.weight[..states];
    let size = x.len() * PANEL;
    let mut at = 0;
    while at + PANEL <= states {
        let panel = [&panels[at * x.len()..][..size]];
        let onward = Onward {
            alpha: &alpha[at..at + PANEL],
            smooth: &mut smooth[at..at + PANEL],
            times: Times { weight: &weight[at..at + PANEL], all: times.all },
            w: &mut w[at..at + PANEL],
        };
        if 2 * S::W > lanes {
            panel_onward::<S, 1>(isa, lanes, x, panel, onward);
        } else {
            panel_onward::<S, 2>(isa, lanes, x, panel, onward);
        }
        at += PANEL;
    }
    if at < states {
        let mut whole = [[0.0; LANES]; PANEL];
        one_panel(isa, lanes, x, [&panels[at * x.len()..][..size]], None, &mut whole, &mut [0.0; LANES]);
        for (i, k) in (at..states).enumerate() {
            for p in (0..LANES).step_by(S::W) {
                let sum = isa.load(&whole[i][p..]);
                let weight = isa.mul(isa.load(&times.all[p..]), isa.load(&weight[k][p..]));
                isa.store(isa.mul(isa.load(&alpha[k][p..]), sum), &mut smooth[k][p..]);
                isa.store(isa.mul(sum, weight), &mut w[k][p..]);
            }
        }
    }
}

#[inline(always)]
fn panel_onward<S: Isa, const Q: usize>(
    isa: S,
    lanes: usize,
    x: &[Lanes],
    panel: [&[f64]; 1],
    onward: Onward<'_>,
) {
    for p in (0..lanes).step_by(S::W * Q) {
        let [sums] = sums_of::<S, 1, Q>(isa, x, panel, p);
        for q in 0..Q {
            let here = p + q * S::W;
            let all = isa.load(&onward.times.all[here..]);
            for i in 0..PANEL {
                let weight = isa.mul(all, isa.load(&onward.times.weight[i][here..]));
                isa.store(isa.mul(sums[i][q], weight), &mut onward.w[i][here..]);
                let smooth = isa.mul(isa.load(&onward.alpha[i][here..]), sums[i][q]);
                isa.store(smooth, &mut onward.smooth[i][here..]);
            }
        }
    }
}

/// Some of the numbers of each step: `steps[t · stride + first + j]`.
#[derive(Clone, Copy)]
pub(super) struct Columns<'a> {
    pub steps: &'a [Lanes],
    pub stride: usize,
    pub first: usize,
}

/// `pairs[j, k] += Σ a[t, j] w[t, k]`, over steps and packs of the first `lanes`. `pairs` is `rows × cols × `[`lanes`](super::lanes), in an
/// order of its own that [`unfold`] knows; what is behind them is returned.
#[inline(always)]
pub(super) fn add_products<'p, S: Isa>(
    isa: S,
    lanes: usize,
    a: Columns<'_>,
    w: Columns<'_>,
    [rows, cols]: [usize; 2],
    mut pairs: &'p mut [f64],
) -> &'p mut [f64] {
    let mut j = 0;
    while j < rows {
        let some = rows_of_corner(rows - j);
        pairs = match (some, lanes) {
            (4, LANES) => add_rows::<S, 4, LANES>(isa, a, w, cols, j, pairs),
            (3, LANES) => add_rows::<S, 3, LANES>(isa, a, w, cols, j, pairs),
            (2, LANES) => add_rows::<S, 2, LANES>(isa, a, w, cols, j, pairs),
            (_, LANES) => add_rows::<S, 1, LANES>(isa, a, w, cols, j, pairs),
            (4, _) => add_rows::<S, 4, HALF>(isa, a, w, cols, j, pairs),
            (3, _) => add_rows::<S, 3, HALF>(isa, a, w, cols, j, pairs),
            (2, _) => add_rows::<S, 2, HALF>(isa, a, w, cols, j, pairs),
            (_, _) => add_rows::<S, 1, HALF>(isa, a, w, cols, j, pairs),
        };
        j += some;
    }
    pairs
}

const HALF: usize = LANES / 2;

/// How many of so many rows are taken together.
fn rows_of_corner(left: usize) -> usize {
    match left {
        5 | 6 => 3,
        _ => left.min(4),
    }
}

/// How many of so many columns are taken together beside so many rows: enough sums that additions need not wait for each other, and no more
/// than sixteen registers hold beside the numbers of the columns and one of a row.
#[inline(always)]
fn columns_of_corner(rows: usize, left: usize) -> usize {
    match (rows, left) {
        (3.., 4) => 2,
        (3.., _) => left.min(3),
        _ => left.min(4),
    }
}

/// Hands over the sums of [`add_products`] with packs of so many lanes, each with its position in a matrix of that shape, and returns what is
/// behind them.
pub fn unfold(
    mut pairs: &[f64],
    lanes: usize,
    [rows, cols]: [usize; 2],
    mut to: impl FnMut(usize, f64),
) -> &[f64] {
    let mut first = 0;
    while first < rows {
        let some = rows_of_corner(rows - first);
        let mut left = 0;
        while left < cols {
            let right = left + columns_of_corner(some, cols - left);
            for j in first..first + some {
                for k in left..right {
                    let (sum, rest) = pairs.split_at(lanes);
                    to(j * cols + k, sum.iter().sum());
                    pairs = rest;
                }
            }
            left = right;
        }
        first += some;
    }
    pairs
}

#[inline(always)]
fn add_rows<'p, S: Isa, const J: usize, const L: usize>(
    isa: S,
    a: Columns<'_>,
    w: Columns<'_>,
    cols: usize,
    j: usize,
    mut pairs: &'p mut [f64],
) -> &'p mut [f64] {
    let mut k = 0;
    while k < cols {
        let some = columns_of_corner(J, cols - k);
        pairs = match some {
            4 => add_corner::<S, J, 4, L>(isa, a, w, (j, k), pairs),
            3 => add_corner::<S, J, 3, L>(isa, a, w, (j, k), pairs),
            2 => add_corner::<S, J, 2, L>(isa, a, w, (j, k), pairs),
            _ => add_corner::<S, J, 1, L>(isa, a, w, (j, k), pairs),
        };
        k += some;
    }
    pairs
}

/// `J × K` sums stay in registers.
#[inline(always)]
fn add_corner<'p, S: Isa, const J: usize, const K: usize, const L: usize>(
    isa: S,
    a: Columns<'_>,
    w: Columns<'_>,
    (j, k): (usize, usize),
    pairs: &'p mut [f64],
) -> &'p mut [f64] {
    let (corner, rest) = pairs.split_at_mut(J * K * S::W);
    let mut sums = [[isa.splat(0.0); K]; J];
    for r in 0..J {
        for c in 0..K {
            sums[r][c] = isa.load(&corner[(r * K + c) * S::W..]);
        }
    }
    let (x, y) = (a.steps.chunks_exact(a.stride), w.steps.chunks_exact(w.stride));
    for (x, y) in x.zip(y) {
        let (x, y) = (&x[a.first + j..][..J], &y[w.first + k..][..K]);
        for p in (0..L).step_by(S::W) {
            let mut later = [isa.splat(0.0); K];
            for c in 0..K {
                later[c] = isa.load(&y[c][p..]);
            }
            for r in 0..J {
                let earlier = isa.load(&x[r][p..]);
                for c in 0..K {
                    sums[r][c] = isa.fma(earlier, later[c], sums[r][c]);
                }
            }
        }
    }
    for r in 0..J {
        for c in 0..K {
            isa.store(sums[r][c], &mut corner[(r * K + c) * S::W..]);
        }
    }
    rest
}
