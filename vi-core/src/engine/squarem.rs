//! Extrapolation of slow fixed-point iterations, without ever lowering the objective.
//!
//! EM and coordinate ascent are maps x ↦ M(x) that raise an objective and, near its maximum, shrink the error by a constant factor each
//! time: close to 1 where much is missing. From x₀, x₁ = M(x₀) and x₂ = M(x₁), with r = x₁ − x₀ and v = (x₂ − x₁) − r, SQUAREM goes to
//!
//! ```text
//! x' = x₀ + 2αr + α²v,   α = |r|/|v|   (step length S3)
//! ```
//!
//! which is x₂ at α = 1. A point whose objective is below that of x₁, or where the map fails, is given up for x₂. The largest α is
//! bounded; the bound grows fourfold when it is reached, and falls to a quarter of a step that is given up. Coordinates should have no bounds
//! of their own: see [`crate::chart`].
//!
//! Source: Varadhan & Roland (2008), *Simple and globally convergent methods for accelerating the convergence of any EM algorithm*,
//! Scandinavian Journal of Statistics 35.

use crate::Error;

/// A map whose fixed point is sought, and which raises an objective.
pub trait FixedPoint {
    /// M(x), and the objective at x itself (which EM knows after the E-step at x).
    ///
    /// # Errors
    /// Whatever keeps the map from being evaluated at x. At an extrapolated point that only costs the evaluation.
    fn map(&mut self, x: &[f64]) -> Result<(Vec<f64>, f64), Error>;
}

impl<F: FnMut(&[f64]) -> Result<(Vec<f64>, f64), Error>> FixedPoint for F {
    fn map(&mut self, x: &[f64]) -> Result<(Vec<f64>, f64), Error> {
        self(x)
    }
}

/// What became of a point that the map was evaluated at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// It is the best point so far.
    Kept,
    /// It was extrapolated, and is given up: the objective there is lower, or the map failed.
    GivenUp,
}

/// SQUAREM, one evaluation of the map at a time: it says where, and is told what came of it.
///
/// ```
/// use vi_core::engine::squarem::{Squarem, Told};
///
/// // x ↦ 0.99 x for the objective −x²: 20 evaluations instead of 1400.
/// let mut squarem = Squarem::new(vec![1.0]);
/// for _ in 0..20 {
///     let x = squarem.at()[0];
///     squarem.tell(Ok((vec![0.99 * x], -x * x)))?;
/// }
/// assert!(squarem.best().0[0].abs() < 1e-6);
/// # Ok::<(), vi_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Squarem {
    at: Vec<f64>,
    stage: Stage,
    best: Vec<f64>,
    objective: f64,
    bound: f64,
}

#[derive(Clone, Debug)]
enum Stage {
    /// Nothing is remembered.
    First,
    /// `at` is M(x₀).
    Second { x0: Vec<f64> },
    /// `at` is extrapolated; `plain` is x₂.
    Extrapolated { plain: Vec<f64>, alpha: f64 },
}

const GROWTH: f64 = 4.0;
/// Beyond it the differences that a step is made of have no digits left.
const LONGEST: f64 = 1e12;

impl Squarem {
    /// At a start.
    #[must_use]
    pub fn new(start: Vec<f64>) -> Self {
        Squarem {
            best: start.clone(),
            at: start,
            stage: Stage::First,
            objective: f64::NEG_INFINITY,
            bound: 1.0,
        }
    }

    /// Where the map is to be evaluated next.
    #[must_use]
    pub fn at(&self) -> &[f64] {
        &self.at
    }

    /// The last point that was kept, and the objective there: −∞ before the first evaluation.
    #[must_use]
    pub fn best(&self) -> (&[f64], f64) {
        (&self.best, self.objective)
    }

    /// Takes M and the objective at [`Self::at`], and moves on.
    ///
    /// If the map changes the number of coordinates, what is remembered of earlier points is dropped.
    ///
    /// # Errors
    /// That of the map, if the point was not extrapolated. [`Error::NotFinite`] if the objective is NaN there.
    pub fn tell(&mut self, outcome: Result<(Vec<f64>, f64), Error>) -> Result<Told, Error> {
        let stage = std::mem::replace(&mut self.stage, Stage::First);
        if let Stage::Extrapolated { plain, alpha } = &stage
            && !outcome
                .as_ref()
                .is_ok_and(|(mapped, f)| *f >= self.objective && mapped.iter().all(|v| !v.is_nan()))
        {
            self.bound = next_bound(self.bound, *alpha, false);
            self.at.clone_from(plain);
            return Ok(Told::GivenUp);
        }
        let (mapped, objective) = outcome?;
        if objective.is_nan() {
            return Err(Error::NotFinite { what: "the objective".to_owned() });
        }
        self.objective = objective;
        self.best = std::mem::replace(&mut self.at, mapped);
        if self.best.len() != self.at.len() {
            return Ok(Told::Kept);
        }
        match stage {
            Stage::First => self.stage = Stage::Second { x0: self.best.clone() },
            Stage::Second { x0 } => {
                let plain = std::mem::take(&mut self.at);
                self.extrapolate(&x0, plain);
            }
            Stage::Extrapolated { alpha, .. } => self.bound = next_bound(self.bound, alpha, true),
        }
        Ok(Told::Kept)
    }

    /// From x₀, x₁ (the best point) and x₂.
    fn extrapolate(&mut self, x0: &[f64], x2: Vec<f64>) {
        let (at, alpha) = extrapolated(x0, &self.best, &x2, self.bound);
        self.at = at;
        self.stage = Stage::Extrapolated { plain: x2, alpha };
    }
}

/// The point that three successive ones lead to, and α ≤ `bound`; at α = 1 it is x₂ itself, which needs no proof.
///
/// Coordinates that are infinite, as those of a param on its bound, are left where they are.
#[must_use]
pub fn extrapolated(x0: &[f64], x1: &[f64], x2: &[f64], bound: f64) -> (Vec<f64>, f64) {
    let differences = |i: usize| {
        let r = x1[i] - x0[i];
        let v = (x2[i] - x1[i]) - r;
        (r.is_finite() && v.is_finite()).then_some((r, v))
    };
    let (mut rr, mut vv) = (0.0, 0.0);
    for (r, v) in (0..x2.len()).filter_map(differences) {
        rr += r * r;
        vv += v * v;
    }
    // Nothing moved: any step is none.
    let wanted = if rr > 0.0 { (rr / vv).sqrt() } else { 1.0 };
    let alpha = wanted.min(bound);
    if alpha > 1.0 {
        let at = |i: usize| differences(i).map_or(x2[i], |(r, v)| x0[i] + alpha * (2.0 * r + alpha * v));
        ((0..x2.len()).map(at).collect(), alpha)
    } else {
        (x2.to_vec(), alpha)
    }
}

/// The bound on the next α after a step of this one, kept or given up.
#[must_use]
pub fn next_bound(bound: f64, alpha: f64, kept: bool) -> f64 {
    if !kept {
        (alpha / GROWTH).max(1.0)
    } else if alpha >= bound {
        (GROWTH * bound).min(LONGEST)
    } else {
        bound
    }
}

/// Where [`accelerate`] stopped.
#[derive(Clone, Debug, PartialEq)]
pub struct Accelerated {
    /// The fixed point.
    pub x: Vec<f64>,
    /// The objective there.
    pub objective: f64,
    /// The objective at each point that was kept: it never falls.
    pub trace: Vec<f64>,
    /// How often the map was evaluated.
    pub evaluations: usize,
    /// How many extrapolated points were given up.
    pub given_up: usize,
    /// Whether the map moved no coordinate by more than the tolerance.
    pub converged: bool,
}

/// Follows `map` from `start` until it moves no coordinate by more than `tolerance`.
///
/// # Errors
/// As for [`Squarem::tell`].
pub fn accelerate(
    map: &mut impl FixedPoint,
    start: Vec<f64>,
    tolerance: f64,
    most_evaluations: usize,
) -> Result<Accelerated, Error> {
    let mut squarem = Squarem::new(start);
    let (mut trace, mut given_up, mut converged) = (vec![], 0, false);
    let mut evaluations = 0;
    while evaluations < most_evaluations && !converged {
        let outcome = map.map(squarem.at());
        evaluations += 1;
        let moved = outcome.as_ref().map_or(f64::INFINITY, |(mapped, _)| furthest(squarem.at(), mapped));
        match squarem.tell(outcome)? {
            Told::Kept => {
                trace.push(squarem.objective);
                converged = moved <= tolerance;
            }
            Told::GivenUp => given_up += 1,
        }
    }
    let Squarem { best, objective, .. } = squarem;
    Ok(Accelerated { x: best, objective, trace, evaluations, given_up, converged })
}

/// The largest change of a coordinate; infinite coordinates that stay are no change.
fn furthest(from: &[f64], to: &[f64]) -> f64 {
    if from.len() != to.len() {
        return f64::INFINITY;
    }
    from.iter().zip(to).map(|(a, b)| if a == b { 0.0 } else { (a - b).abs() }).fold(0.0, |worst, d| {
        // A change that is not a number is no sign of rest.
        if d <= worst {
            worst
        } else if d.is_nan() {
            f64::INFINITY
        } else {
            d
        }
    })
}
