//! Weighted moments of the units of tiles about a gauge: the statistics of normal distributions.
//!
//! The tiles passed here have their origin at the gauge `c` already (see [`super::shift_tile`]), so moments of tiles,
//! threads and machines that share a gauge are merged by plain addition. Components must be finite even where the
//! weight is 0: a missing entry is the caller's to replace.

use super::buffer::TileBuffer;
use super::packed_len;
use super::reduce::{add_gram, add_weighted_gram, dot, products, sum};
use super::simd::{Isa, vectorised};

/// Moments of one weighted set of vectors `x − c`.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// Dimension of the vectors.
    pub d: usize,
    /// `Σ w`
    pub count: f64,
    /// `Σ w (x − c)`, `d` entries.
    pub sum: Vec<f64>,
    /// `Σ w (x − c)(x − c)ᵀ`, packed lower triangle.
    pub square: Vec<f64>,
}

impl Moments {
    /// Moments of nothing.
    #[must_use]
    pub fn new(d: usize) -> Self {
        Self { d, count: 0.0, sum: vec![0.0; d], square: vec![0.0; packed_len(d)] }
    }

    /// Adds the `n` units of the tile `x` (`d × n`, component-major) with weights `w` (`n` entries).
    ///
    /// # Panics
    /// If a slice is shorter than its shape.
    pub fn add_weighted(&mut self, x: &[f64], n: usize, w: &[f64]) {
        let w = &w[..n];
        self.count += sum(w);
        for (j, total) in self.sum.iter_mut().enumerate() {
            *total += dot(w, &x[j * n..][..n]);
        }
        add_weighted_gram(x, self.d, n, w, &mut self.square);
    }

    /// Adds the `n` units of the tile `x`, each with weight 1.
    ///
    /// # Panics
    /// If `x` is shorter than its shape.
    pub fn add(&mut self, x: &[f64], n: usize) {
        self.count += n as f64;
        for (j, total) in self.sum.iter_mut().enumerate() {
            *total += sum(&x[j * n..][..n]);
        }
        add_gram(x, self.d, n, &mut self.square);
    }

    /// Adds moments about the same gauge.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        add_each(&mut self.sum, &other.sum);
        add_each(&mut self.square, &other.square);
    }
}

/// Moments of one weighted set of vectors `x − c`, without products of different components.
#[derive(Clone, Debug, PartialEq)]
pub struct DiagMoments {
    /// `Σ w`
    pub count: f64,
    /// `Σ w (x − c)`, `d` entries.
    pub sum: Vec<f64>,
    /// `Σ w (x − c)²`, `d` entries.
    pub square: Vec<f64>,
}

impl DiagMoments {
    /// Moments of nothing.
    #[must_use]
    pub fn new(d: usize) -> Self {
        Self { count: 0.0, sum: vec![0.0; d], square: vec![0.0; d] }
    }

    /// Adds the `n` units of the tile `x` (`d × n`, component-major) with weights `w` (`n` entries).
    ///
    /// # Panics
    /// If a slice is shorter than its shape.
    pub fn add_weighted(&mut self, x: &[f64], n: usize, w: &[f64]) {
        let w = &w[..n];
        self.count += sum(w);
        for (j, (total, square)) in self.sum.iter_mut().zip(&mut self.square).enumerate() {
            let column = &x[j * n..][..n];
            *total += dot(w, column);
            add_weighted_gram(column, 1, n, w, std::slice::from_mut(square));
        }
    }

    /// Adds the `n` units of the tile `x`, each with weight 1.
    ///
    /// # Panics
    /// If `x` is shorter than its shape.
    pub fn add(&mut self, x: &[f64], n: usize) {
        self.count += n as f64;
        for (j, (total, square)) in self.sum.iter_mut().zip(&mut self.square).enumerate() {
            let column = &x[j * n..][..n];
            *total += sum(column);
            *square += dot(column, column);
        }
    }

    /// Adds moments about the same gauge.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        add_each(&mut self.sum, &other.sum);
        add_each(&mut self.square, &other.square);
    }
}

/// Moments of the units under every state of a finite block at once.
///
/// The products `(x − c)(x − c)ᵀ` are formed once per unit, not once per unit and state.
#[derive(Clone, Debug)]
pub struct StateMoments {
    states: usize,
    d: usize,
    features: Vec<Feature>,
    /// `states × features`.
    totals: Vec<f64>,
    /// As many ones as the longest tile so far has units.
    ones: TileBuffer,
    /// The products of components that are being multiplied with the weights; kept to spare the allocation.
    formed: TileBuffer,
}

/// A function of a unit whose weighted sum is kept.
#[derive(Clone, Copy, Debug)]
enum Feature {
    One,
    Component(usize),
    Product(usize, usize),
}

impl StateMoments {
    /// `Σ w`, `Σ w (x − c)` and `Σ w (x − c)(x − c)ᵀ` of vectors of dimension `d` for each of `states` states.
    #[must_use]
    pub fn full(states: usize, d: usize) -> Self {
        Self::of(states, d, (0..d).flat_map(|row| (0..=row).map(move |column| (row, column))))
    }

    /// `Σ w`, `Σ w (x − c)` and `Σ w (x − c)²` of vectors of dimension `d` for each of `states` states.
    #[must_use]
    pub fn diagonal(states: usize, d: usize) -> Self {
        Self::of(states, d, (0..d).map(|j| (j, j)))
    }

    fn of(states: usize, d: usize, products: impl Iterator<Item = (usize, usize)>) -> Self {
        let mut features = vec![Feature::One];
        features.extend((0..d).map(Feature::Component));
        features.extend(products.map(|(a, b)| Feature::Product(a, b)));
        let totals = vec![0.0; states * features.len()];
        Self { states, d, features, totals, ones: TileBuffer::default(), formed: TileBuffer::default() }
    }

    /// Number of states.
    #[must_use]
    pub fn states(&self) -> usize {
        self.states
    }

    /// Dimension of the vectors.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.d
    }

    /// Adds the `n` units of the tile `x` (`d × n`, component-major) with the weights `w` (`states × n`, state-major).
    ///
    /// # Panics
    /// If a slice is shorter than its shape.
    pub fn add_weighted(&mut self, x: &[f64], n: usize, w: &[f64]) {
        add_features(self, x, n, w);
    }

    /// Adds moments of the same shape about the same gauge.
    pub fn merge(&mut self, other: &Self) {
        add_each(&mut self.totals, &other.totals);
    }

    /// Back to the moments of nothing.
    pub fn clear(&mut self) {
        self.totals.fill(0.0);
    }

    /// `Σ w` of state `k`.
    ///
    /// # Panics
    /// If `k` is not a state.
    #[must_use]
    pub fn count(&self, k: usize) -> f64 {
        self.row(k)[0]
    }

    /// `Σ w (x − c)` of state `k`, `d` entries.
    ///
    /// # Panics
    /// If `k` is not a state.
    #[must_use]
    pub fn sum(&self, k: usize) -> &[f64] {
        &self.row(k)[1..=self.d]
    }

    /// Second moments of state `k`: a packed lower triangle, or the `d` squares of a diagonal shape.
    ///
    /// # Panics
    /// If `k` is not a state.
    #[must_use]
    pub fn square(&self, k: usize) -> &[f64] {
        &self.row(k)[1 + self.d..]
    }

    /// All totals, state by state: `count`, `sum`, `square`. Sums over machines need no more than these.
    #[must_use]
    pub fn totals(&self) -> &[f64] {
        &self.totals
    }

    /// All totals, to be added to from elsewhere.
    pub fn totals_mut(&mut self) -> &mut [f64] {
        &mut self.totals
    }

    fn row(&self, k: usize) -> &[f64] {
        &self.totals[k * self.features.len()..][..self.features.len()]
    }
}

fn add_each(to: &mut [f64], from: &[f64]) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to += from;
    }
}

vectorised! {
    /// Adds one vector with weight `w` to `totals`: `Σ w`, `Σ w (u − c)`, and the packed lower triangle of
    /// `Σ w (u − c)(u − c)ᵀ`, one after the other.
    ///
    /// # Panics
    /// If `totals` or `c` is shorter than its shape.
    pub fn add_vector(totals: &mut [f64], w: f64, u: &[f64], c: &[f64]) = add_vector_with;
}

#[inline(always)]
fn add_vector_with<S: Isa>(isa: S, totals: &mut [f64], w: f64, u: &[f64], c: &[f64]) {
    let d = u.len();
    let c = &c[..d];
    totals[0] += w;
    let (sum, mut square) = totals[1..].split_at_mut(d);
    for i in 0..d {
        let weighted = w * (u[i] - c[i]);
        sum[i] += weighted;
        let (row, rest) = square.split_at_mut(i + 1);
        for ((total, &u), &c) in row.iter_mut().zip(u).zip(c) {
            *total = isa.scalar_fma(weighted, u - c, *total);
        }
        square = rest;
    }
}

vectorised! {
    fn add_features(moments: &mut StateMoments, x: &[f64], n: usize, w: &[f64]) = add_features_with;
}

#[inline(always)]
pub(super) fn add_features_with<S: Isa>(isa: S, moments: &mut StateMoments, x: &[f64], n: usize, w: &[f64]) {
    match S::COLUMNS {
        6 => add_feature_blocks::<S, 6>(isa, moments, x, n, w),
        3 => add_feature_blocks::<S, 3>(isa, moments, x, n, w),
        _ => add_feature_blocks::<S, 2>(isa, moments, x, n, w),
    }
}

/// The product of the weights (`states × n`) and the features (`n × features`), in blocks of four states and `B`
/// features; a block of features is formed in the first-level cache and used for all states.
#[inline(always)]
fn add_feature_blocks<S: Isa, const B: usize>(
    isa: S,
    moments: &mut StateMoments,
    x: &[f64],
    n: usize,
    w: &[f64],
) {
    if n == 0 {
        return;
    }
    let StateMoments { states, features, totals, ones, formed, .. } = moments;
    let width = features.len();
    let stride = n.next_multiple_of(8);
    if ones.len() < n {
        *ones = TileBuffer::new(n);
        ones.fill(1.0);
        *formed = TileBuffer::new(B * stride);
    }
    for (block, features) in features.chunks(B).enumerate() {
        for (to, &feature) in formed.chunks_exact_mut(stride).zip(features) {
            if let Feature::Product(a, b) = feature {
                for ((to, &a), &b) in to.iter_mut().zip(&x[a * n..][..n]).zip(&x[b * n..][..n]) {
                    *to = a * b;
                }
            }
        }
        // Columns past the last feature are ones; their sums are dropped.
        let mut columns = [&ones[..n]; B];
        for ((column, formed), &feature) in columns.iter_mut().zip(formed.chunks_exact(stride)).zip(features)
        {
            match feature {
                Feature::One => {}
                Feature::Component(j) => *column = &x[j * n..][..n],
                Feature::Product(..) => *column = &formed[..n],
            }
        }
        for first in (0..*states).step_by(4) {
            let mut rows: [&[f64]; 4] = [&[]; 4];
            for (r, row) in rows.iter_mut().enumerate() {
                *row = &w[(first + r).min(*states - 1) * n..][..n];
            }
            let sums = products::<S, B, false>(isa, rows, columns, &[]);
            for (r, k) in (first..*states).take(4).enumerate() {
                let totals = &mut totals[k * width + block * B..][..features.len()];
                for (total, sums) in totals.iter_mut().zip(&sums) {
                    *total += sums[r];
                }
            }
        }
    }
}
