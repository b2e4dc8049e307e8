//! The table of a finite block: one column of log potentials per unit, reduced over states.

use super::exp::{exp_one, exp_pack, log_one};
use super::simd::{Isa, MAX_LANES, vectorised};

/// Units handled together: their maxima and sums stay in the first-level cache while the states are passed over.
const CHUNK: usize = 64;

vectorised! {
    /// Turns log potentials into responsibilities, in place, and gives the log evidence of each unit.
    ///
    /// ```text
    /// m[i] = max_k table[k,i]
    /// log_evidence[i] = m[i] + log Σ_k exp(table[k,i] − m[i])
    /// table[k,i] ← exp(table[k,i] − m[i]) / Σ_k exp(table[k,i] − m[i])
    /// ```
    ///
    /// `table` is `states × n`, state-major; `log_evidence` has `n` entries and is overwritten. An entry −∞ is a
    /// structural zero. A unit whose entries are all −∞ has log evidence −∞ and responsibilities 0. An entry +∞ or NaN
    /// shows as +∞ or NaN in the unit's log evidence; its responsibilities mean nothing then.
    ///
    /// # Panics
    /// If a slice is shorter than its shape.
    pub fn normalise(table: &mut [f64], states: usize, n: usize, log_evidence: &mut [f64]) = normalise_with;
}

vectorised! {
    /// The log evidence of each unit, `log Σ_k exp(table[k,i])`, as [`normalise`] gives it; the table is left alone.
    ///
    /// # Panics
    /// If a slice is shorter than its shape.
    pub fn log_evidence(table: &[f64], states: usize, n: usize, log_evidence: &mut [f64]) = log_evidence_with;
}

vectorised! {
    /// The best state of each unit: `best[i] = max_k table[k,i]`, and the lowest `k` that attains it in `state[i]`.
    ///
    /// A unit whose entries are all −∞ has `best` −∞ and state 0; a NaN entry makes `best` NaN.
    ///
    /// # Panics
    /// If a slice is shorter than its shape.
    pub fn maximise(table: &[f64], states: usize, n: usize, best: &mut [f64], state: &mut [u32]) = maximise_with;
}

#[inline(always)]
pub(super) fn normalise_with<S: Isa>(
    isa: S,
    table: &mut [f64],
    states: usize,
    n: usize,
    log_evidence: &mut [f64],
) {
    for start in (0..n).step_by(CHUNK) {
        let len = CHUNK.min(n - start);
        let shift = shifts(isa, table, states, n, start, len);
        let mut total = [0.0; CHUNK];
        for k in 0..states {
            raise(isa, &mut table[k * n + start..][..len], &shift, &mut total);
        }
        let evidence = &mut log_evidence[start..][..len];
        for ((evidence, &shift), total) in evidence.iter_mut().zip(&shift).zip(&mut total) {
            *evidence = shift + log_one(isa, *total);
            *total = if *total == 0.0 { 0.0 } else { 1.0 / *total };
        }
        for k in 0..states {
            let row = &mut table[k * n + start..][..len];
            for (t, &inverse) in row.iter_mut().zip(&total) {
                *t *= inverse;
            }
        }
    }
}

/// `row[i] ← exp(row[i] − shift[i])`, which is added to `total[i]`: no shift is less than its entry, unless the entry is not finite.
#[inline(always)]
fn raise<S: Isa>(isa: S, row: &mut [f64], shift: &[f64; CHUNK], total: &mut [f64; CHUNK]) {
    let whole = row.len() / S::W * S::W;
    let (packs, rest) = row.split_at_mut(whole);
    let shifts = shift.chunks_exact(S::W).zip(total.chunks_exact_mut(S::W));
    for (t, (shift, total)) in packs.chunks_exact_mut(S::W).zip(shifts) {
        let value = exp_pack(isa, isa.sub(isa.load(t), isa.load(shift)));
        isa.store(value, t);
        isa.store(isa.add(value, isa.load(total)), total);
    }
    if !rest.is_empty() {
        let mut last = [0.0; MAX_LANES];
        let value =
            exp_pack(isa, isa.sub(isa.load_partial(rest), isa.load_partial(&shift[whole..][..rest.len()])));
        isa.store(value, &mut last);
        for ((t, total), value) in rest.iter_mut().zip(&mut total[whole..]).zip(last) {
            *t = value;
            *total += value;
        }
    }
}

#[inline(always)]
pub(super) fn log_evidence_with<S: Isa>(
    isa: S,
    table: &[f64],
    states: usize,
    n: usize,
    log_evidence: &mut [f64],
) {
    for start in (0..n).step_by(CHUNK) {
        let len = CHUNK.min(n - start);
        let shift = shifts(isa, table, states, n, start, len);
        let mut total = [0.0; CHUNK];
        for k in 0..states {
            let row = &table[k * n + start..][..len];
            for ((&t, &shift), total) in row.iter().zip(&shift).zip(&mut total) {
                *total += exp_one(isa, t - shift);
            }
        }
        let evidence = &mut log_evidence[start..][..len];
        for ((evidence, &shift), &total) in evidence.iter_mut().zip(&shift).zip(&total) {
            *evidence = shift + log_one(isa, total);
        }
    }
}

/// The maximum over states of each unit where it is finite, otherwise 0: then `exp(t − shift)` is 0 for a structural
/// zero and not finite for an entry +∞ or NaN, and the sums show it.
#[inline(always)]
fn shifts<S: Isa>(isa: S, table: &[f64], states: usize, n: usize, start: usize, len: usize) -> [f64; CHUNK] {
    let mut shift = [f64::NEG_INFINITY; CHUNK];
    let whole = len / S::W * S::W;
    for k in 0..states {
        let row = &table[k * n + start..][..len];
        let (packs, rest) = row.split_at(whole);
        for (shift, t) in shift.chunks_exact_mut(S::W).zip(packs.chunks_exact(S::W)) {
            isa.store(isa.max(isa.load(t), isa.load(shift)), shift);
        }
        for (shift, &t) in shift[whole..].iter_mut().zip(rest) {
            *shift = if t > *shift { t } else { *shift };
        }
    }
    for shift in &mut shift {
        *shift = if shift.abs() < f64::INFINITY { *shift } else { 0.0 };
    }
    shift
}

#[inline(always)]
pub(super) fn maximise_with<S: Isa>(
    _isa: S,
    table: &[f64],
    states: usize,
    n: usize,
    best: &mut [f64],
    state: &mut [u32],
) {
    let (best, state) = (&mut best[..n], &mut state[..n]);
    best.fill(f64::NEG_INFINITY);
    state.fill(0);
    for k in 0..states {
        let row = &table[k * n..][..n];
        for ((best, state), &t) in best.iter_mut().zip(state.iter_mut()).zip(row) {
            let better = t > *best || t.is_nan();
            *best = if better { t } else { *best };
            *state = if better { k as u32 } else { *state };
        }
    }
}
