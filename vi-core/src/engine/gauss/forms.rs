//! Covariances of forms in unknowns of one front, without the cancellation that entries of the covariance bring.
//!
//! ```text
//! w = R₁₁⁻ᵀ a₁      d = a₂ − R₁₂ᵀ w      Cov(a x, b x) = w·w′ + dᵀ Cov(x₂) d′
//! ```
//!
//! What pivots and border have in common leaves d before anything is multiplied by a covariance: the variance of a small step between large
//! uncertain states keeps its digits. Where d still cancels against Cov(x₂), it goes on as a form in the parent's front.

use super::fronts::Fronts;
use super::order::Front;

/// Fronts of up to so many unknowns need no memory of their own.
const FEW: usize = 24;

/// How many times a variance the terms of its last sum may be.
const LOSS: f64 = 16.0;

/// A front is wider than there is room for.
struct Wide;

impl Fronts {
    /// Cov(Σ aᵢ xᵢ, Σ bⱼ xⱼ) of unknowns of one front; none of others.
    pub(in crate::engine) fn within_front(&self, a: &[(usize, f64)], b: &[(usize, f64)]) -> Option<f64> {
        match self.along_fronts(a, b, &mut [0.0; 4 * FEW]) {
            Ok(found) => found,
            Err(Wide) => {
                self.along_fronts(a, b, &mut vec![0.0; 4 * self.pattern().widest()]).unwrap_or_default()
            }
        }
    }

    fn along_fronts(
        &self,
        a: &[(usize, f64)],
        b: &[(usize, f64)],
        room: &mut [f64],
    ) -> Result<Option<f64>, Wide> {
        let p = &**self.pattern();
        let Some(first) = a.iter().chain(b).map(|(i, _)| p.place(*i)).min() else { return Ok(Some(0.0)) };
        let mut front = &p.fronts()[p.front_of(first)];
        let space = room.len() / 4;
        if front.width() > space {
            return Err(Wide);
        }
        let (mut now, mut next) = room.split_at_mut(2 * space);
        for (form, half) in [a, b].into_iter().zip(now.chunks_exact_mut(space)) {
            for (i, x) in form {
                let Some(at) = p.local(front, p.place(*i)) else { return Ok(None) };
                half[at] += x;
            }
        }
        // Var a, Var b and Cov(a, b) through the pivots so far.
        let mut through = [0.0; 3];
        loop {
            let (one, two) = now.split_at_mut(space);
            self.pass(front, one);
            self.pass(front, two);
            let k = front.pivots;
            let dot = |x: &[f64], y: &[f64]| x[..k].iter().zip(&y[..k]).map(|(x, y)| x * y).sum::<f64>();
            let pairs = [(&*one, &*one), (&*two, &*two), (&*one, &*two)];
            through.iter_mut().zip(pairs).for_each(|(s, (x, y))| *s += dot(x, y));
            let sums = pairs.map(|(x, y)| self.through_border(front, x, y));
            let known = |n: usize| sums[n].1 <= LOSS * (through[n] + sums[n].0);
            let parent = front.parent.map(|f| &p.fronts()[f]);
            let parent = match parent {
                Some(parent) if !(known(0) && known(1)) => parent,
                Some(_) | None => return Ok(Some(through[2] + sums[2].0)),
            };
            if parent.width() > space {
                return Err(Wide);
            }
            for (from, to) in now.chunks_exact(space).zip(next.chunks_exact_mut(space)) {
                to.fill(0.0);
                p.into(front).iter().zip(&from[k..]).for_each(|(at, x)| to[*at] = *x);
            }
            std::mem::swap(&mut now, &mut next);
            front = parent;
        }
    }

    /// w and d in place of a₁ and a₂.
    fn pass(&self, front: &Front, half: &mut [f64]) {
        let width = front.width();
        for (i, row) in self.root(front).chunks_exact(width).enumerate() {
            half[i] /= row[i];
            let w = half[i];
            if w != 0.0 {
                half[i + 1..width].iter_mut().zip(&row[i + 1..]).for_each(|(h, r)| *h -= r * w);
            }
        }
    }

    /// dᵀ Cov(x₂) d′, and the sum of its terms without their signs.
    fn through_border(&self, front: &Front, one: &[f64], two: &[f64]) -> (f64, f64) {
        let (k, width) = (front.pivots, front.width());
        let (mut sum, mut size) = (0.0, 0.0);
        for (x, row) in one[k..width].iter().zip(self.covariance_of(front)[k * width..].chunks_exact(width)) {
            for (c, y) in row[k..].iter().zip(&two[k..width]) {
                let term = x * c * y;
                sum += term;
                size += term.abs();
            }
        }
        (sum, size)
    }
}
