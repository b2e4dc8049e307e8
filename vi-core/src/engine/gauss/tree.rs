//! Blocks on a tree, each joined to its parent: hierarchies, of which the simplest is one shared block and many around it.
//!
//! ```text
//! Q [ carried  0      | z̃       ]   [ R  G   | z ]    x[n] = R⁻¹ z − R⁻¹ G x[parent]
//!   [ own      parent | targets ] = [ 0  ·   | · ]    carried to the parent
//!
//! V[n] = R⁻¹ R⁻ᵀ + K V[parent] Kᵀ      Cov(x[n], x[parent]) = K V[parent]      K = −R⁻¹ G
//! ```
//!
//! Blocks may differ in size. Cost and memory grow with the number of blocks and of rows: no matrix of all unknowns is formed. Because
//! parents come first, both passes are loops: no recursion, whatever the depth. Covariances are sums of positive terms.

use super::compensated::Compensated;
use super::dense::{Dense, outer_square_upper};
use super::householder::{invert_upper, solve_upper};
use super::{Failure, HALF_LOG_TAU, Rows};
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

/// The posterior of the blocks of a tree, or of several side by side, and what it is computed on: to be used again for the next one.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    rights: usize,
    nodes: Vec<Node>,
    /// Blocks that are still to be eliminated.
    left: usize,
    log_factor: Compensated,
    log_det: Compensated,
    /// For each block that has children, the triangle of (block, targets) that they carried to it, by rows.
    carried: Vec<f64>,
    /// For each block `[R G Z]`, by rows.
    factors: Vec<f64>,
    /// For each block R⁻¹, K, V and Cov(x, parent), by rows.
    moments: Vec<f64>,
    /// For each right-hand side the means of all blocks.
    means: Vec<f64>,
    /// S: squares that no unknown can reach.
    residual: Vec<f64>,
    desk: Dense,
    buffer: Vec<f64>,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    size: usize,
    parent: Option<usize>,
    parent_size: usize,
    has_children: bool,
    /// Where the parts of this block begin.
    carried: usize,
    factor: usize,
    moments: usize,
    mean: usize,
}

impl Tree {
    /// Nothing is allocated yet.
    #[must_use]
    pub fn new() -> Tree {
        Tree::default()
    }

    /// Begins with blocks of these sizes. `parents[n] < n`; a block whose entry is not smaller than itself is a root.
    pub fn start(&mut self, sizes: &[usize], parents: &[usize], rights: usize) {
        self.rights = rights;
        self.nodes.clear();
        let (mut factor, mut moments, mut mean) = (0, 0, 0);
        for (n, &size) in sizes.iter().enumerate() {
            let parent = (parents[n] < n).then_some(parents[n]);
            let parent_size = parent.map_or(0, |p| sizes[p]);
            if let Some(p) = parent {
                self.nodes[p].has_children = true;
            }
            self.nodes.push(Node {
                size,
                parent,
                parent_size,
                has_children: false,
                carried: 0,
                factor,
                moments,
                mean,
            });
            factor += size * (size + parent_size + rights);
            moments += 2 * size * (size + parent_size);
            mean += size;
        }
        let mut carried = 0;
        for node in self.nodes.iter_mut().filter(|node| node.has_children) {
            node.carried = carried;
            carried += (node.size + rights) * (node.size + rights);
        }
        let zeros = |to: &mut Vec<f64>, len: usize| {
            to.clear();
            to.resize(len, 0.0);
        };
        zeros(&mut self.carried, carried);
        zeros(&mut self.factors, factor);
        zeros(&mut self.moments, moments);
        zeros(&mut self.means, mean * rights);
        zeros(&mut self.residual, rights * rights);
        self.left = sizes.len();
        self.log_factor = Compensated::default();
        self.log_det = Compensated::default();
    }

    /// Number of blocks.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Eliminates the last block that is left, given all rows that touch it and blocks before it: itself and its parent, whose unknowns follow
    /// its own in `rows`. A root has no parent there. Returns the block.
    ///
    /// # Errors
    /// [`Failure::Undetermined`] with the first unknown of the block that no row tells apart from those before it, up to rounding.
    /// [`Failure::NotFinite`].
    ///
    /// # Panics
    /// If no block is left.
    pub fn eliminate(&mut self, rows: &Rows) -> Result<usize, Failure> {
        let n = self.left.checked_sub(1).expect("a block is left");
        self.left = n;
        let Node { size, parent_size, has_children, carried, factor, .. } = self.nodes[n];
        let (both, k) = (size + parent_size, self.rights);
        let width = both + k;
        self.desk.start(both, k);
        if has_children {
            // Rows of (block, targets) become rows of (block, parent, targets).
            self.buffer.clear();
            for row in self.carried[carried..][..(size + k) * (size + k)].chunks_exact((size + k).max(1)) {
                self.buffer.extend_from_slice(&row[..size]);
                self.buffer.resize(self.buffer.len() + parent_size, 0.0);
                self.buffer.extend_from_slice(&row[size..]);
            }
            self.desk.absorb_entries(&self.buffer);
        }
        self.desk.absorb(rows);
        self.log_factor.add(rows.log_factor());
        let triangle = self.desk.triangle();
        if !triangle.iter().all(|x| x.is_finite()) || !rows.log_factor().is_finite() {
            return Err(Failure::NotFinite { block: n });
        }
        if let Some(column) = (0..size).find(|j| triangle[j * width + j] == 0.0) {
            return Err(Failure::Undetermined { block: n, column });
        }
        self.factors[factor..][..size * width].copy_from_slice(&triangle[..size * width]);
        (0..size).for_each(|j| self.log_det.add(triangle[j * width + j].abs().ln()));

        // What is left are rows of (parent, targets); of a root, squares.
        let of_parent = parent_size + k;
        self.buffer.clear();
        for i in size..width {
            let row = &triangle[i * width + size..][..of_parent];
            let start = self.buffer.len();
            self.buffer.extend_from_slice(row);
            if self.buffer[start..].iter().all(|x| *x == 0.0) {
                self.buffer.truncate(start);
            }
        }
        let to = match self.nodes[n].parent {
            Some(p) => &mut self.carried[self.nodes[p].carried..][..of_parent * of_parent],
            None => &mut self.residual[..],
        };
        self.desk.start(parent_size, k);
        self.desk.set_triangle(to);
        self.desk.absorb_entries(&self.buffer);
        to.copy_from_slice(self.desk.triangle());
        Ok(n)
    }

    /// The posterior of all blocks, after all of them were eliminated: it may be asked for only after this.
    pub fn finish(&mut self) {
        let k = self.rights;
        for n in 0..self.nodes.len() {
            let node = self.nodes[n];
            let (h, g) = (node.size, node.parent_size);
            let width = h + g + k;
            let factor = &self.factors[node.factor..][..h * width];
            let (above, own) = self.moments.split_at_mut(node.moments);
            let (inverse, rest) = own.split_at_mut(h * h);
            let (slope, rest) = rest.split_at_mut(h * g);
            let (v, rest) = rest.split_at_mut(h * h);
            let cross = &mut rest[..h * g];
            invert_upper(factor, width, h, inverse);
            outer_square_upper(inverse, h, v);
            self.buffer.resize(self.buffer.len().max(h), 0.0);
            let column = &mut self.buffer[..h];
            if let Some(p) = node.parent {
                let parent = self.nodes[p];
                let of_parent = &above[parent.moments + g * (g + parent.parent_size)..][..g * g];
                for j in 0..g {
                    (0..h).for_each(|i| column[i] = -factor[i * width + h + j]);
                    solve_upper(factor, width, column);
                    (0..h).for_each(|i| slope[i * g + j] = column[i]);
                }
                for i in 0..h {
                    for j in 0..g {
                        cross[i * g + j] = (0..g).map(|l| slope[i * g + l] * of_parent[l * g + j]).sum();
                    }
                    for j in 0..=i {
                        let spread: f64 = (0..g).map(|l| cross[i * g + l] * slope[j * g + l]).sum();
                        v[i * h + j] += spread;
                        v[j * h + i] = v[i * h + j];
                    }
                }
            }
            let total = self.means.len().checked_div(k).unwrap_or(0);
            for right in 0..k {
                let means = &mut self.means[right * total..][..total];
                for i in 0..h {
                    column[i] = factor[i * width + h + g + right];
                    if let Some(p) = node.parent {
                        let x = &means[self.nodes[p].mean..][..g];
                        column[i] -= (0..g).map(|j| factor[i * width + h + j] * x[j]).sum::<f64>();
                    }
                }
                solve_upper(factor, width, column);
                means[node.mean..][..h].copy_from_slice(column);
            }
        }
    }

    /// E x\[n\] for one right-hand side.
    #[must_use]
    pub fn mean(&self, n: usize, right: usize) -> &[f64] {
        let total = self.means.len() / self.rights;
        &self.means[right * total + self.nodes[n].mean..][..self.nodes[n].size]
    }

    /// Cov x\[n\], by rows, symmetric to the last bit.
    #[must_use]
    pub fn covariance(&self, n: usize) -> &[f64] {
        let Node { size, parent_size, moments, .. } = self.nodes[n];
        &self.moments[moments + size * (size + parent_size)..][..size * size]
    }

    /// Cov(x\[n\], x\[parent\]), by rows; nothing for a root.
    #[must_use]
    pub fn cross(&self, n: usize) -> &[f64] {
        let Node { size, parent_size, moments, .. } = self.nodes[n];
        &self.moments[moments + size * (2 * size + parent_size)..][..size * parent_size]
    }

    /// log |det R| of all blocks: minus half the log determinant of the joint covariance.
    #[must_use]
    pub fn log_det(&self) -> f64 {
        self.log_det.value()
    }

    /// min ‖targets − A x‖² for one right-hand side.
    #[must_use]
    pub fn residual(&self, right: usize) -> f64 {
        (0..=right).map(|i| self.residual[i * self.rights + right]).map(|s| s * s).sum()
    }

    /// log ∫ exp(log_factor − ½ ‖targets − A x‖²) dx over all blocks, for one right-hand side.
    #[must_use]
    pub fn log_evidence(&self, right: usize) -> f64 {
        let unknowns: usize = self.nodes.iter().map(|node| node.size).sum();
        self.log_factor.value() + unknowns as f64 * HALF_LOG_TAU - self.log_det() - 0.5 * self.residual(right)
    }

    /// A joint draw of all blocks for one right-hand side, one block after another.
    pub fn sample(&self, right: usize, rng: &mut impl Rng, x: &mut [f64]) {
        for node in &self.nodes {
            let (h, g) = (node.size, node.parent_size);
            let width = h + g + self.rights;
            let factor = &self.factors[node.factor..][..h * width];
            let (before, own) = x.split_at_mut(node.mean);
            for i in 0..h {
                let noise: f64 = StandardNormal.sample(rng);
                own[i] = factor[i * width + h + g + right] + noise;
                if let Some(p) = node.parent {
                    let from = &before[self.nodes[p].mean..][..g];
                    own[i] -= (0..g).map(|j| factor[i * width + h + j] * from[j]).sum::<f64>();
                }
            }
            solve_upper(factor, width, &mut own[..h]);
        }
    }
}
