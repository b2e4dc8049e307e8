//! A chain whose steps read several steps back, as its data come in: of the last steps a triangle is kept, and a step is eliminated once none
//! that comes later reads it.
//!
//! ```text
//! [R̃ z̃] of x[t−L..t]          rows of x[t−L..=t]          →          R of x[t−L]          [R̃ z̃] of x[t−L+1..=t]
//! ```
//!
//! So that a step is read again there is no copy of it, and no row without noise that holds a copy to it.

use crate::engine::gauss::compensated::Compensated;
use crate::engine::gauss::dense::outer_square_upper;
use crate::engine::gauss::householder::{invert_upper, solve_upper, triangularise};
use crate::engine::gauss::{Failure, HALF_LOG_TAU};
use nalgebra::{DMatrix, DVector};

/// p(x\[t\] | y\[0..=t\]) and log p(y\[t\] | y\[0..t\]).
#[derive(Clone, Debug, Default)]
pub struct Front {
    /// Numbers of a step, and how many steps are handed on.
    width: usize,
    order: usize,
    steps: usize,
    /// `[R̃ z̃]` of the last steps, by rows.
    carry: Vec<f64>,
    log_constant: Compensated,
    squares: Compensated,
    /// Rows of the step at hand: coefficients of the steps that are handed on, of the step itself, and the target.
    rows: Vec<f64>,
    factor: f64,
    stack: Vec<f64>,
    sizes: Vec<f64>,
    inverse: Vec<f64>,
    /// log p of the last step's data given those before it and its squares, were the states before and after it determined.
    last: (f64, f64),
    /// log |det R̃|
    log_det: f64,
    /// Whether the states before and after the last step are not determined.
    open: (bool, bool),
}

impl Front {
    /// Before the first step of so many numbers, of which so many steps are handed on.
    pub fn begin(&mut self, width: usize, order: usize) {
        (self.width, self.order, self.steps) = (width, order, 0);
        self.carry.clear();
        self.log_constant = Compensated::default();
        self.squares = Compensated::default();
        self.log_det = 0.0;
        self.open = (false, false);
        self.clear();
    }

    /// Number of steps taken.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Unknowns of the steps that are handed on.
    pub fn held(&self) -> usize {
        self.steps.min(self.order) * self.width
    }

    fn clear(&mut self) {
        self.rows.clear();
        self.factor = 0.0;
    }

    /// Adds rows to the step that comes next: with coefficients of the step alone, or of all steps that may be handed on before it too.
    /// Returns how many there are.
    pub fn add(&mut self, rows: &[f64], log: f64, joined: bool) -> usize {
        let (held, width, reach) = (self.held(), self.width, self.order * self.width);
        self.factor += log;
        let own = if joined { reach + width + 1 } else { width + 1 };
        for row in rows.chunks_exact(own) {
            match joined {
                true => self.rows.extend_from_slice(&row[reach - held..]),
                false => {
                    self.rows.resize(self.rows.len() + held, 0.0);
                    self.rows.extend_from_slice(row);
                }
            }
        }
        rows.len() / own
    }

    /// Takes the step whose rows were added.
    ///
    /// # Errors
    /// [`Failure::Undetermined`] if no row determines the state that is eliminated, [`Failure::NotFinite`]; it is then of no use.
    pub fn step(&mut self) -> Result<(), Failure> {
        let (held, width) = (self.held(), self.width);
        let unknowns = held + width;
        let kept = unknowns.min(self.order * width);
        let gone = unknowns - kept;
        let rows = self.rows.len() / (unknowns + 1);
        let height = held + rows.max(width);
        self.stack.clear();
        self.stack.resize(height * (unknowns + 1), 0.0);
        let stack = &mut self.stack;
        for (i, row) in self.carry.chunks_exact(held + 1).take(held).enumerate() {
            (0..held).for_each(|j| stack[j * height + i] = row[j]);
            stack[unknowns * height + i] = row[held];
        }
        for (i, row) in self.rows.chunks_exact(unknowns + 1).enumerate() {
            row.iter().enumerate().for_each(|(j, x)| stack[j * height + held + i] = *x);
        }
        triangularise(stack, height, unknowns, unknowns, &mut self.sizes);
        if !stack.iter().all(|x| x.is_finite()) {
            return Err(Failure::NotFinite { block: self.steps });
        }
        let at = |i: usize, j: usize| stack[j * height + i];
        let factor = self.factor + width as f64 * HALF_LOG_TAU;
        self.log_constant.add(factor);
        let mut last = factor + self.log_det;
        for j in 0..gone {
            if at(j, j) == 0.0 {
                return Err(Failure::Undetermined {
                    block: self.steps.saturating_sub(self.order),
                    column: j,
                });
            }
            let log = at(j, j).abs().ln();
            self.log_constant.add(-log);
            last -= log;
        }
        self.carry.clear();
        for i in gone..unknowns {
            self.carry.extend((gone..=unknowns).map(|j| at(i, j)));
        }
        let mut squares = 0.0;
        for i in unknowns..height {
            let square = at(i, unknowns) * at(i, unknowns);
            self.squares.add(square);
            squares += square;
        }
        self.log_det = (0..kept).map(|j| self.carry[j * (kept + 2)].abs().ln()).sum();
        last -= self.log_det + 0.5 * squares;
        self.last = (last, squares);
        self.steps += 1;
        let open = (0..kept).any(|j| self.carry[j * (kept + 2)] == 0.0);
        self.open = (self.open.1, open);
        self.clear();
        Ok(())
    }

    /// log p(y\[t\] | y\[0..t\]) of the last step and Σ ρ² in it, from that step alone: no digits are lost however long the sequence is. Where the
    /// data before did not determine the steps that are handed on, those of y\[0..=t\], so that the sum over steps is the log evidence. `None`
    /// while they are not determined: there is no number yet.
    pub fn log_density(&self) -> Option<(f64, f64)> {
        match self.open {
            (_, true) => None,
            (true, false) => {
                let squares = self.squares.value();
                Some((self.log_constant.value() - self.log_det - 0.5 * squares, squares))
            }
            (false, false) => Some(self.last),
        }
    }

    /// `[R̃ z̃]`, by rows: all that is known of the last [`held`](Self::held) unknowns, as residual rows.
    pub fn triangle(&self) -> &[f64] {
        &self.carry
    }

    /// log p(y\[0..=t\]) where the steps that are handed on are determined.
    pub fn log_evidence(&self) -> f64 {
        self.log_constant.value() - self.log_det - 0.5 * self.squares.value()
    }

    /// The triangle of the last step alone, whose rows know nothing of what stands before, and how far they are apart.
    fn own(&self) -> (&[f64], usize) {
        let held = self.held();
        (&self.carry[held.saturating_sub(self.width) * (held + 2)..], held + 1)
    }

    /// The first number of the last step that nothing determines, if there is one.
    pub fn undetermined(&self) -> Option<usize> {
        let (own, stride) = self.own();
        (0..self.width.min(self.held())).find(|j| own[j * (stride + 1)] == 0.0)
    }

    /// The mean of the last step, all of which is determined.
    pub fn mean(&self, mean: &mut [f64]) {
        let ((own, stride), h) = (self.own(), self.width);
        (0..h).for_each(|i| mean[i] = own[i * stride + h]);
        solve_upper(own, stride, &mut mean[..h]);
    }

    /// The covariance, by rows, of the last step, all of which is determined.
    pub fn covariance(&mut self, covariance: &mut [f64]) {
        let h = self.width;
        let mut inverse = std::mem::take(&mut self.inverse);
        inverse.resize(h * h, 0.0);
        let (own, stride) = self.own();
        invert_upper(own, stride, h, &mut inverse);
        outer_square_upper(&inverse, h, covariance);
        self.inverse = inverse;
    }

    /// Mean and covariance, by rows, of the last step; NaN for unknowns that nothing determines.
    pub fn moments(&mut self, mean: &mut [f64], covariance: &mut [f64]) {
        if self.undetermined().is_some() {
            return self.determined_part(mean, covariance);
        }
        self.mean(mean);
        self.covariance(covariance);
    }

    /// Mean and covariance, by rows, of the numbers of the last step that are determined; NaN for the others.
    pub fn determined_part(&self, mean: &mut [f64], covariance: &mut [f64]) {
        let ((own, stride), h) = (self.own(), self.width);
        let root = DMatrix::from_fn(h, h, |i, j| own[i * stride + j]);
        let target = DVector::from_fn(h, |i, _| own[i * stride + h]);
        // Unknowns of different units are compared with their own.
        let scales: Vec<f64> = root.column_iter().map(|c| c.norm()).collect();
        let scale = |j: usize| if scales[j] > 0.0 { scales[j] } else { 1.0 };
        let scaled = DMatrix::from_fn(h, h, |i, j| root[(i, j)] / scale(j));
        let svd = scaled.svd(true, true);
        let (Some(u), Some(vt)) = (&svd.u, &svd.v_t) else {
            mean.fill(f64::NAN);
            return covariance.fill(f64::NAN);
        };
        let least = h as f64 * f64::EPSILON * svd.singular_values.amax();
        let known: Vec<usize> = (0..h).filter(|k| svd.singular_values[*k] > least).collect();
        let lost = |i: usize| 1.0 - known.iter().map(|k| vt[(*k, i)] * vt[(*k, i)]).sum::<f64>() > 1e-9;
        for i in 0..h {
            let along = |k: &usize| vt[(*k, i)] * u.column(*k).dot(&target) / svd.singular_values[*k];
            mean[i] = match lost(i) {
                true => f64::NAN,
                false => known.iter().map(along).sum::<f64>() / scale(i),
            };
            for j in 0..h {
                let both = |k: &usize| vt[(*k, i)] * vt[(*k, j)] / svd.singular_values[*k].powi(2);
                covariance[i * h + j] = match lost(i) || lost(j) {
                    true => f64::NAN,
                    false => known.iter().map(both).sum::<f64>() / (scale(i) * scale(j)),
                };
            }
        }
    }
}
