//! Whether all rows of some Gaussians are scaled by one element: then the scale cancels from the solution.

use super::edges::Frame;
use super::interact::{Class, Factor, Incidence, Interaction, Statistic};
use crate::density::normal_form::Stat;
use crate::density::poly::Exponent;
use crate::density::symbol::Ix;

/// One element of a scale, seen from the position of a frame.
#[derive(Clone, Debug)]
pub struct Whitener {
    pub node: usize,
    pub ix: Vec<Ix>,
    pub stat: Stat,
    /// For a matrix: the axis of each Gaussian that stands against it.
    pub rows: Vec<(usize, usize)>,
}

/// Why there is none.
#[derive(Clone, Debug)]
pub enum Unwhitened {
    Several(Vec<usize>),
    /// Rows carry different elements of the scale; the factor that shows it.
    Elements(usize, usize),
    /// A factor without the scale.
    Missing(usize, usize),
    Powers(usize, usize),
    /// The matrix does not stand against whole rows: the solution depends on it.
    Rows(usize, usize),
}

/// The scale of the members of a frame, given the factors that touch them, as the frame sees them.
///
/// `Ok(None)` if there is no scale at all. `gaussian` says which other nodes count as rows too.
pub fn whitener(
    g: &Interaction,
    frame: &Frame,
    factors: &[Factor],
    gaussian: &dyn Fn(usize) -> bool,
    unit: &dyn Fn(usize, usize) -> bool,
) -> Result<Option<Whitener>, Unwhitened> {
    let is_scale =
        |n: usize| matches!(g.nodes[n].class, Class::Positive | Class::PositiveInterval | Class::Matrix);
    let mut scales: Vec<usize> = vec![];
    for a in factors.iter().flat_map(|f| &f.atoms) {
        if is_scale(a.node) && !gaussian(a.node) && !scales.contains(&a.node) {
            scales.push(a.node);
        }
    }
    scales.sort_unstable();
    let node = match scales.as_slice() {
        [] => return Ok(None),
        [one] => *one,
        _ => return Err(Unwhitened::Several(scales)),
    };
    let mut found: Option<Whitener> = None;
    for (n, f) in factors.iter().enumerate() {
        for a in f.of(node) {
            if !frame.fixes(&a.ix) {
                return Err(Unwhitened::Elements(node, n));
            }
        }
    }
    let mut rows = vec![];
    for (n, f) in factors.iter().enumerate() {
        let own: Vec<&Incidence> = f.of(node).collect();
        let [a] = own.as_slice() else {
            return Err(if own.is_empty() {
                Unwhitened::Missing(node, n)
            } else {
                Unwhitened::Powers(node, n)
            });
        };
        let stat = match (&a.stat, g.nodes[node].class) {
            (Statistic::Of(s @ Stat::Power(_)), Class::Positive | Class::PositiveInterval) => s.clone(),
            (Statistic::Of(s @ Stat::Power(Exponent::ONE)), Class::Matrix) => s.clone(),
            (Statistic::Of(s @ Stat::Inverse), Class::Matrix) => s.clone(),
            (Statistic::Of(_) | Statistic::Support, _) => return Err(Unwhitened::Powers(node, n)),
        };
        match &found {
            None => found = Some(Whitener { node, ix: a.ix.clone(), stat, rows: vec![] }),
            Some(w) if w.ix != a.ix => return Err(Unwhitened::Elements(node, n)),
            Some(w) if w.stat != stat => return Err(Unwhitened::Powers(node, n)),
            Some(_) => {}
        }
        if g.nodes[node].class == Class::Matrix && !against_rows(f, a, gaussian, unit, &mut rows) {
            return Err(Unwhitened::Rows(node, n));
        }
    }
    Ok(found.map(|w| Whitener { rows, ..w }))
}

/// Λ_de between row indices: each Gaussian carries d or e as one of its own axes, always the same one, and nothing else in the term depends on
/// it. Then the precision is Λ ⊗ M, and the minimiser does not depend on Λ.
fn against_rows(
    f: &Factor,
    scale: &Incidence,
    gaussian: &dyn Fn(usize) -> bool,
    unit: &dyn Fn(usize, usize) -> bool,
    rows: &mut Vec<(usize, usize)>,
) -> bool {
    let [d, e] = scale.events.as_slice() else { return false };
    let (Some(dv), Some(ev)) = (d.as_var(), e.as_var()) else { return false };
    let atoms: Vec<&Incidence> = f.atoms.iter().filter(|a| gaussian(a.node)).collect();
    if dv == ev || atoms.iter().any(|a| a.stat != Statistic::Of(Stat::Power(Exponent::ONE))) {
        return false;
    }
    let mut taken = vec![];
    for a in atoms {
        let hits: Vec<usize> = (0..a.ix.len()).filter(|k| a.ix[*k] == *d || a.ix[*k] == *e).collect();
        let [k] = hits.as_slice() else { return false };
        let v = if a.ix[*k] == *d { dv } else { ev };
        let elsewhere = a.ix.iter().enumerate().any(|(j, i)| j != *k && (i.mentions(dv) || i.mentions(ev)));
        if elsewhere || unit(a.node, *k) || taken.contains(&v) || f.ambient.contains(v) {
            return false;
        }
        taken.push(v);
        match rows.iter().find(|(n, _)| *n == a.node) {
            Some((_, axis)) if axis != k => return false,
            Some(_) => {}
            None => rows.push((a.node, *k)),
        }
    }
    !taken.is_empty()
}
