//! One EM iteration of a full-covariance normal mixture over tiles, and its parts, on one thread.

use std::hint::black_box;

use divan::Bencher;
use vi_core::tile::{
    DiagNormalDensity, Moments, NormalDensity, StateMoments, TILE, TileBuffer, gather_tile, normalise,
    packed_len, sum,
};

const UNITS: usize = 200_000;
const D: usize = 16;
const STATES: usize = 16;

fn main() {
    divan::main();
}

/// Reproducible numbers in [−1, 1).
fn noise(seed: u64, len: usize) -> Vec<f64> {
    let mut state = seed;
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        })
        .collect()
}

/// Reproducible numbers in [−1, 1), aligned as tiles are.
fn tile_of_noise(seed: u64, len: usize) -> TileBuffer {
    let mut tile = TileBuffer::new(len);
    tile.copy_from_slice(&noise(seed, len));
    tile
}

/// Units around `STATES` centres, rows of `D`.
fn data() -> Vec<f64> {
    let centres = noise(1, STATES * D);
    let mut x = noise(2, UNITS * D);
    for (i, row) in x.chunks_exact_mut(D).enumerate() {
        for (value, centre) in row.iter_mut().zip(&centres[(i % STATES) * D..]) {
            *value += centre;
        }
    }
    x
}

fn densities() -> Vec<NormalDensity> {
    let means = noise(1, STATES * D);
    means
        .chunks_exact(D)
        .enumerate()
        .map(|(k, mean)| {
            let mut inv_chol = noise(3 + k as u64, packed_len(D));
            inv_chol.iter_mut().for_each(|value| *value *= 0.2);
            for j in 0..D {
                inv_chol[packed_len(j) + j] += 1.7;
            }
            let log_norm = (0..D).map(|j| inv_chol[packed_len(j) + j].ln()).sum();
            NormalDensity::new(mean, &inv_chol, log_norm)
        })
        .collect()
}

/// Flops of one multiply-add per entry of the triangle, for every unit and state.
const TRIANGLE: usize = 2 * UNITS * STATES * packed_len(D);

#[divan::bench]
fn mixture_iteration(bencher: Bencher) {
    let x = data();
    let densities = densities();
    let centre = noise(9, D);
    let mut tile = TileBuffer::new(D * TILE);
    let mut table = TileBuffer::new(STATES * TILE);
    let mut evidence = TileBuffer::new(TILE);
    let mut moments = StateMoments::full(STATES, D);
    bencher.counter(divan::counter::ItemsCount::new(2 * TRIANGLE)).bench_local(|| {
        moments.clear();
        let mut objective = 0.0;
        for rows in black_box(&x).chunks(TILE * D) {
            let n = rows.len() / D;
            gather_tile(rows, D, 1, n, &centre, &mut tile);
            for (density, log_density) in densities.iter().zip(table.chunks_exact_mut(n)) {
                log_density.fill(-(STATES as f64).ln());
                density.add_log_density(&tile, n, log_density);
            }
            normalise(&mut table, STATES, n, &mut evidence);
            objective += sum(&evidence[..n]);
            moments.add_weighted(&tile, n, &table);
        }
        black_box((objective, moments.totals()[0]))
    });
}

#[divan::bench]
fn gather(bencher: Bencher) {
    let x = data();
    let centre = noise(9, D);
    let mut tile = TileBuffer::new(D * TILE);
    bencher.bench_local(|| {
        for rows in black_box(&x).chunks(TILE * D) {
            gather_tile(rows, D, 1, rows.len() / D, &centre, &mut tile);
            black_box(&tile);
        }
    });
}

#[divan::bench]
fn log_densities(bencher: Bencher) {
    let tile = tile_of_noise(5, D * TILE);
    let densities = densities();
    let mut table = TileBuffer::new(STATES * TILE);
    bencher.counter(divan::counter::ItemsCount::new(TRIANGLE)).bench_local(|| {
        for _ in 0..UNITS.div_ceil(TILE) {
            for (density, log_density) in densities.iter().zip(table.chunks_exact_mut(TILE)) {
                log_density.fill(0.0);
                density.add_log_density(black_box(&tile), TILE, log_density);
            }
            black_box(&table);
        }
    });
}

#[divan::bench]
fn diag_log_densities(bencher: Bencher) {
    let tile = tile_of_noise(5, D * TILE);
    let density = DiagNormalDensity::new(&noise(1, D), &[1.5; D], -0.5);
    let mut table = TileBuffer::new(STATES * TILE);
    bencher.bench_local(|| {
        for _ in 0..UNITS.div_ceil(TILE) {
            for log_density in table.chunks_exact_mut(TILE) {
                log_density.fill(0.0);
                density.add_log_density(black_box(&tile), TILE, log_density);
            }
            black_box(&table);
        }
    });
}

#[divan::bench]
fn responsibilities(bencher: Bencher) {
    let logits = tile_of_noise(6, STATES * TILE);
    let mut table = logits.clone();
    let mut evidence = TileBuffer::new(TILE);
    bencher.bench_local(|| {
        for _ in 0..UNITS.div_ceil(TILE) {
            table.copy_from_slice(&logits);
            normalise(black_box(&mut table), STATES, TILE, &mut evidence);
            black_box((&table, &evidence));
        }
    });
}

#[divan::bench]
fn moments_of_all_states(bencher: Bencher) {
    let tile = tile_of_noise(5, D * TILE);
    let table = tile_of_noise(7, STATES * TILE);
    let mut moments = StateMoments::full(STATES, D);
    bencher.counter(divan::counter::ItemsCount::new(TRIANGLE)).bench_local(|| {
        for _ in 0..UNITS.div_ceil(TILE) {
            moments.add_weighted(black_box(&tile), TILE, &table);
        }
        black_box(moments.totals()[0])
    });
}

#[divan::bench]
fn moments_state_by_state(bencher: Bencher) {
    let tile = tile_of_noise(5, D * TILE);
    let table = tile_of_noise(7, STATES * TILE);
    let mut moments = vec![Moments::new(D); STATES];
    bencher.counter(divan::counter::ItemsCount::new(TRIANGLE)).bench_local(|| {
        for _ in 0..UNITS.div_ceil(TILE) {
            for (moments, weights) in moments.iter_mut().zip(table.chunks_exact(TILE)) {
                moments.add_weighted(black_box(&tile), TILE, weights);
            }
        }
        black_box(moments[0].count)
    });
}
