//! Modes: a param is a point mass at the mode of the object whose moments an E-step would take.
//!
//! | natural parameter | mode | none |
//! |---|---|---|
//! | Σ cₖ log πₖ | cₖ / Σ c | some cₖ < 0 |
//! | a log p + b log(1 − p) | a / (a + b) | a or b < 0 |
//! | η₁ log x + η₂ xᵖ | xᵖ = −η₁ / (p η₂) | it rises without bound |
//! | −½ w log det Σ − ½ tr Σ⁻¹ S | S / w, its eigenvalues clipped at the floor | S is singular, and no floor |
//!
//! An element to which nothing was assigned keeps its value: any value maximises, and the old one keeps the objective monotone.

use crate::Error;
use crate::engine::newton::{self, Domain, Maximum};
use crate::linalg;
use nalgebra::{DMatrix, DVector};

/// An element of a param, for messages.
#[derive(Clone, Copy, Debug)]
pub struct Element<'a> {
    /// The param.
    pub name: &'a str,
    /// Its position.
    pub at: &'a [usize],
}

/// An element by its name and its position.
#[must_use]
pub fn at<'a>(name: &'a str, at: &'a [usize]) -> Element<'a> {
    Element { name, at }
}

impl std::fmt::Display for Element<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)?;
        if !self.at.is_empty() {
            let at: Vec<String> = self.at.iter().map(ToString::to_string).collect();
            write!(f, "[{}]", at.join(", "))?;
        }
        Ok(())
    }
}

impl Element<'_> {
    fn unbounded(self, reason: &str) -> Error {
        Error::Unbounded {
            block: format!("`{}`", self.name),
            component: self.at.first().copied(),
            reason: reason.to_string(),
        }
    }
}

/// Scales below it are those of a likelihood without a bound.
const VANISHING: f64 = 1e-60;

/// What is left of the variance of a coordinate beside the others, as a part of it, where rounding of a scatter has taken the digits of the rest:
/// those of an objective go before all of a pivot's do.
const SINGULAR: f64 = 1e-12;

/// What an M-step has to say besides its result.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    /// Params on a bound.
    pub at_boundary: Vec<String>,
    /// In words.
    pub notes: Vec<String>,
}

impl Notes {
    fn note(&mut self, text: String) {
        if !self.notes.contains(&text) {
            self.notes.push(text);
        }
    }

    fn empty(&mut self, what: Element<'_>) {
        self.note(format!("{what} is empty: it keeps its value"));
    }

    /// Whether a location that least squares found lies on a bound.
    pub fn bounded(&mut self, what: Element<'_>, value: f64, bounds: (f64, f64)) {
        if value <= bounds.0 || value >= bounds.1 {
            self.at_boundary.push(what.to_string());
        }
    }

    /// Some unknowns of a regression are determined by nothing.
    pub fn rank_deficient(&mut self, names: &str) {
        self.note(format!("{names}: the regressors are collinear; the solution of least norm was taken"));
    }
}

/// argmax Σ cₖ log πₖ over the simplex, with every πₖ ≥ `floor`.
pub fn simplex(
    counts: &[f64],
    floor: f64,
    what: Element<'_>,
    value: &mut DVector<f64>,
    notes: &mut Notes,
) -> Result<(), Error> {
    let total: f64 = counts.iter().sum();
    if counts.iter().any(|c| *c < 0.0) {
        if floor <= 0.0 {
            return Err(what.unbounded(
                "a prior below 1 outweighs its counts; write `Simplex(min: …)` or a larger prior",
            ));
        }
    } else if total == 0.0 {
        notes.empty(what);
        return Ok(());
    }
    if !total.is_finite() {
        return Err(Error::NotFinite { what: format!("the counts of {what}") });
    }
    if floor <= 0.0 {
        value.iter_mut().zip(counts).for_each(|(v, c)| *v = c / total);
        return Ok(());
    }
    // Water-filling: components that would fall below the floor lie on it, the others share the rest in proportion.
    let mut on_floor = vec![false; counts.len()];
    loop {
        let left = 1.0 - floor * on_floor.iter().filter(|f| **f).count() as f64;
        let free: f64 = counts.iter().zip(&on_floor).filter(|(_, f)| !**f).map(|(c, _)| c.max(0.0)).sum();
        let mut changed = false;
        for k in 0..counts.len() {
            if !on_floor[k] {
                let p = if free > 0.0 { left * counts[k].max(0.0) / free } else { 0.0 };
                value[k] = p;
                if p < floor {
                    on_floor[k] = true;
                    changed = true;
                }
            }
        }
        if !changed || on_floor.iter().all(|f| *f) {
            break;
        }
    }
    for k in 0..counts.len() {
        if on_floor[k] {
            value[k] = floor;
        }
    }
    if on_floor.iter().any(|f| *f) {
        notes.at_boundary.push(what.to_string());
    }
    Ok(())
}

/// argmax a log p + b log(1 − p) over the interval.
pub fn unit(
    a: f64,
    b: f64,
    bounds: (f64, f64),
    what: Element<'_>,
    value: &mut f64,
    notes: &mut Notes,
) -> Result<(), Error> {
    if a == 0.0 && b == 0.0 {
        notes.empty(what);
        return Ok(());
    }
    if !(a + b).is_finite() {
        return Err(Error::NotFinite { what: format!("the counts of {what}") });
    }
    let mode = match (a >= 0.0, b >= 0.0) {
        (true, true) => a / (a + b),
        // The objective falls in p, rises in p, or dips in between: it is largest at an end.
        (false, true) => bounds.0,
        (true, false) => bounds.1,
        (false, false) => return Err(what.unbounded("a prior below 1 outweighs its counts at both ends")),
    };
    if (a < 0.0 && bounds.0 <= 0.0) || (b < 0.0 && bounds.1 >= 1.0) {
        return Err(what.unbounded("a prior below 1 outweighs its counts"));
    }
    *value = mode.clamp(bounds.0, bounds.1);
    if mode != *value {
        notes.at_boundary.push(what.to_string());
    }
    Ok(())
}

/// argmax η₁ log x + η₂ xᵖ over the interval.
pub fn power_gamma(
    log: f64,
    power: f64,
    p: f64,
    bounds: (f64, f64),
    what: Element<'_>,
    value: &mut f64,
    notes: &mut Notes,
) -> Result<(), Error> {
    if log == 0.0 && power == 0.0 {
        notes.empty(what);
        return Ok(());
    }
    if !(log.is_finite() && power.is_finite()) {
        return Err(Error::NotFinite { what: format!("the natural parameters of {what}") });
    }
    // In u = xᵖ: (η₁/p) log u + η₂ u.
    let shape = log / p;
    let (low, high) = bounds;
    let mode = match (shape > 0.0, power < 0.0) {
        (true, true) => (-shape / power).powf(1.0 / p),
        // Falls in u: u as small as it may be.
        (false, true) => {
            if p > 0.0 {
                low
            } else {
                high
            }
        }
        // Rises in u.
        (true, false) => {
            if p > 0.0 {
                high
            } else {
                low
            }
        }
        (false, false) => return Err(what.unbounded("the objective rises towards both ends")),
    };
    // shape = 0 is a boundary mode at u = 0, which for p > 0 is x = 0: a value, not a divergence. For a scale, 0 is a spike.
    // On its way there it passes what no data have, and where densities are nothing but rounding.
    let spike = (mode < VANISHING && (p < 0.0 || shape < 0.0) && low <= 0.0)
        || (mode > 1.0 / VANISHING && high > 1.0 / VANISHING);
    if spike {
        return Err(what.unbounded("nothing spreads the data it explains; write a lower bound such as `Positive(min: 1e-6)`, or a prior"));
    }
    *value = mode.clamp(low, high);
    if *value != mode || *value == low || *value == high {
        notes.at_boundary.push(what.to_string());
    }
    Ok(())
}

/// argmax −½ w log det Σ − ½ tr Σ⁻¹ S over Σ ⪰ floor · I.
pub fn covariance(
    scatter: &DMatrix<f64>,
    weight: f64,
    floor: f64,
    what: Element<'_>,
    value: &mut DMatrix<f64>,
    notes: &mut Notes,
) -> Result<(), Error> {
    if weight == 0.0 && scatter.iter().all(|x| *x == 0.0) {
        notes.empty(what);
        return Ok(());
    }
    if !(weight.is_finite() && scatter.iter().all(|x| x.is_finite())) {
        return Err(Error::NotFinite { what: format!("the scatter of {what}") });
    }
    if weight <= 0.0 {
        return Err(what.unbounded("its prior takes more than the data give"));
    }
    let mode = (scatter + scatter.transpose()) / (2.0 * weight);
    if floor > 0.0 {
        let clipped = linalg::clip_eigenvalues(&mode, floor)
            .map_err(|_| Error::NotFinite { what: format!("the eigenvalues of {what}") })?;
        if (&clipped - &mode).amax() > floor * 1e-6 {
            notes.at_boundary.push(what.to_string());
            *value = clipped;
        } else {
            *value = mode;
        }
        return Ok(());
    }
    // A spike: the expected scatter itself is singular. Counts are never the test.
    let pivots = |root: &linalg::Cholesky| {
        let lower = root.lower();
        (0..mode.nrows()).map(|j| lower[(j, j)].powi(2) / mode[(j, j)]).fold(f64::INFINITY, f64::min)
    };
    if linalg::Cholesky::new(&mode).map_or(0.0, |root| pivots(&root)) < SINGULAR {
        return Err(what.unbounded(
            "the scatter of what it explains is singular; write `SymPos[…](min: …)`, or a prior",
        ));
    }
    *value = mode;
    Ok(())
}

/// Takes a covariance to a part `keep` of itself in the directions in which `next` is smaller by more than a share of it. `false` if there are
/// none.
///
/// In coordinates in which the covariance is the identity, these are eigenvectors of `next`.
pub fn to_singular(value: &mut DMatrix<f64>, next: &DMatrix<f64>, share: f64, keep: f64) -> bool {
    let Ok(root) = linalg::Cholesky::new(value) else { return false };
    let inverse = root.inverse_lower();
    let seen = &inverse * next * inverse.transpose();
    if !seen.iter().all(|x| x.is_finite()) {
        return false;
    }
    let eigen = seen.symmetric_eigen();
    let falls: Vec<bool> = eigen.eigenvalues.iter().map(|l| 1.0 - l > share).collect();
    if !falls.contains(&true) {
        return false;
    }
    let mut axes = root.lower() * eigen.eigenvectors;
    for (mut axis, _) in axes.column_iter_mut().zip(&falls).filter(|(_, falls)| **falls) {
        axis *= keep.sqrt();
    }
    *value = linalg::outer_square(&axes);
    true
}

/// argmax ½ w log det Λ − ½ tr Λ S.
pub fn precision(
    scatter: &DMatrix<f64>,
    weight: f64,
    floor: f64,
    what: Element<'_>,
    value: &mut DMatrix<f64>,
    notes: &mut Notes,
) -> Result<(), Error> {
    let mut covariance_value = value.clone();
    let before = notes.notes.len();
    covariance(scatter, weight, 0.0, what, &mut covariance_value, notes)?;
    if notes.notes.len() > before {
        return Ok(());
    }
    let inverse = linalg::Cholesky::new(&covariance_value)
        .map_err(|_| what.unbounded("the scatter of what it explains is singular"))?
        .inverse();
    if floor > 0.0 {
        let clipped = linalg::clip_eigenvalues(&inverse, floor)
            .map_err(|_| Error::NotFinite { what: format!("the eigenvalues of {what}") })?;
        if (&clipped - &inverse).amax() > floor * 1e-6 {
            notes.at_boundary.push(what.to_string());
            *value = clipped;
            return Ok(());
        }
    }
    *value = inverse;
    Ok(())
}

/// Safeguarded Newton for numbers without a closed form.
pub fn newton(
    names: &str,
    start: &[f64],
    domains: &[Domain],
    f: impl FnMut(&[f64]) -> (f64, DVector<f64>, DMatrix<f64>),
    notes: &mut Notes,
) -> Result<Vec<f64>, Error> {
    let Maximum { values, unbounded } = newton::maximise(start, domains, f);
    if unbounded {
        return Err(Error::Unbounded {
            block: format!("`{names}`"),
            component: None,
            reason: "the likelihood keeps rising towards a limit; write bounds such as `Positive(min: 1e-6, max: 1e6)`, or a prior"
                .to_string(),
        });
    }
    if values.iter().zip(domains).any(|(x, d)| d.at_bound(*x)) {
        notes.at_boundary.push(names.to_string());
    }
    Ok(values)
}

/// One Newton step, `damping` times its length, for numbers of which only a Taylor series is known.
pub fn newton_step(
    names: &str,
    start: &[f64],
    domains: &[Domain],
    f: impl FnMut(&[f64]) -> (f64, DVector<f64>, DMatrix<f64>),
    damping: f64,
    notes: &mut Notes,
) -> Result<Vec<f64>, Error> {
    let values = newton::step(start, domains, f, damping);
    if values.iter().zip(domains).any(|(x, d)| d.at_bound(*x)) {
        notes.at_boundary.push(names.to_string());
    }
    Ok(values)
}

/// Safeguarded Newton where locations stand in a truncation: `f(x, false)` leaves the normaliser out.
///
/// Far below its bound a truncated Normal looks like an Exponential, and a location that starts far from its data is led there. So the
/// climb begins at the mode without truncation, where that is higher than the current value.
pub fn truncated(
    names: &str,
    start: &[f64],
    domains: &[Domain],
    f: impl Fn(&[f64], bool) -> (f64, DVector<f64>, DMatrix<f64>),
    notes: &mut Notes,
) -> Result<Vec<f64>, Error> {
    let here = f(start, true).0;
    let better = untruncated(start, domains, &f).filter(|x| {
        let there = f(x, true).0;
        there.is_finite() && (there > here || here.is_nan())
    });
    newton(names, better.as_deref().unwrap_or(start), domains, |x| f(x, true), notes)
}

/// The mode without truncation: locations given the rest first, which is one step, then all together.
fn untruncated(
    start: &[f64],
    domains: &[Domain],
    f: impl Fn(&[f64], bool) -> (f64, DVector<f64>, DMatrix<f64>),
) -> Option<Vec<f64>> {
    let held: Vec<Domain> = start
        .iter()
        .zip(domains)
        .map(|(x, d)| if d.chart == newton::Chart::Identity { *d } else { d.within(*x, *x) })
        .collect();
    let located = newton::maximise(start, &held, |x| f(x, false));
    let found = newton::maximise(&located.values, domains, |x| f(x, false));
    (!found.unbounded).then_some(found.values)
}

/// As [`newton_step`], where locations stand in a truncation of which only a Taylor series is known.
///
/// All numbers without bounds at 0 are a start that knows nothing: the mode without truncation takes its place.
pub fn truncated_step(
    names: &str,
    start: &[f64],
    domains: &[Domain],
    f: impl Fn(&[f64], bool) -> (f64, DVector<f64>, DMatrix<f64>),
    damping: f64,
    notes: &mut Notes,
) -> Result<Vec<f64>, Error> {
    let unset = |(x, d): (&f64, &Domain)| *x == 0.0 || d.chart != newton::Chart::Identity;
    if damping == 1.0
        && start.iter().zip(domains).all(unset)
        && let Some(found) = untruncated(start, domains, &f)
    {
        return Ok(found);
    }
    newton_step(names, start, domains, |x| f(x, true), damping, notes)
}
