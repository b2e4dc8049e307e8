//! What a plan claims, held to the ground model: who is independent of whom, what is quadratic, what has a family once the rest is integrated out.
//!
//! Only the direct density is asked. A latent that interacts with another shows in a mixed difference of log p.

use super::Compiled;
use super::direct::Direct;
use super::world::World;
use crate::model::ir::{ArrayId, ElemKind, Role};
use crate::plan::{Block, Claim, Plan, Rule};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;
use vi_core::linalg::Cholesky;
use vi_core::prelude::DMatrix;

/// One latent element, with its event coordinates.
#[derive(Clone, Debug, PartialEq)]
struct Latent {
    array: ArrayId,
    at: Vec<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum How {
    Finite,
    Gaussian,
    Family,
}

pub struct Ground<'a> {
    c: &'a Compiled,
    plan: &'a Plan,
    world: World,
    rng: ChaCha8Rng,
}

/// What was found at one ground model.
#[derive(Default)]
pub struct Findings {
    pub false_claims: Vec<String>,
    /// The plan is MEAN-FIELD, and some cut is between latents that do interact.
    pub dependence: bool,
    /// More latents than the check can go through.
    pub too_large: bool,
    /// Width of the widest elimination of the finite latents of each block.
    pub widths: Vec<usize>,
}

impl<'a> Ground<'a> {
    pub fn new(c: &'a Compiled, plan: &'a Plan, seed: u64, size: i64) -> Option<Ground<'a>> {
        let fixed = |name: &str| Some(if name == "N" || name == "T" { size } else { 2 });
        let world = World::draw(&c.model, seed, &fixed)?;
        Some(Ground { c, plan, world, rng: ChaCha8Rng::seed_from_u64(seed) })
    }

    fn log_joint(&self) -> f64 {
        Direct::new(&self.c.model, &self.world).total().unwrap_or(f64::NAN)
    }

    fn latents(&self, a: ArrayId) -> Vec<Latent> {
        let direct = Direct::new(&self.c.model, &self.world);
        let mut out = vec![];
        for s in &self.c.model.statements {
            let hidden =
                s.role == Role::Latent || s.role == Role::Observed && self.c.model.arrays[a.0].missing;
            if s.array != a || !hidden {
                continue;
            }
            for mut env in direct.bindings(&s.binds, &s.guards).unwrap_or_default() {
                if let Ok(at) = direct.indices(&s.target, &mut env) {
                    out.push(Latent { array: a, at });
                }
            }
        }
        out
    }

    fn coordinates(&self, l: &Latent) -> Vec<Vec<i64>> {
        let events = self.world.events(&self.c.model.arrays[l.array.0].elem, &l.at);
        events.into_iter().map(|e| l.at.iter().copied().chain(e).collect()).collect()
    }

    fn get(&self, l: &Latent) -> Vec<f64> {
        self.coordinates(l).iter().map(|at| self.world.read(l.array, at).unwrap_or(f64::NAN)).collect()
    }

    fn set(&mut self, l: &Latent, x: &[f64]) {
        let flipped = self.c.model.arrays[l.array.0].symmetric && l.at.len() == 2;
        for (at, x) in self.coordinates(l).into_iter().zip(x) {
            if flipped {
                let mut other = at.clone();
                other.swap(0, 1);
                self.world.write(l.array, other, *x);
            }
            self.world.write(l.array, at, *x);
        }
    }

    /// Another value the element may take.
    fn other(&mut self, l: &Latent) -> Vec<f64> {
        let x = self.get(l);
        let mut u = || self.rng.random::<f64>();
        match &self.c.model.arrays[l.array.0].elem.kind {
            ElemKind::Category(_) | ElemKind::Bool => {
                let n = self.world.states(&self.c.model, l.array, &l.at).max(1);
                let step = if n > 1 { 1 + (u() * (n - 1) as f64) as i64 } else { 0 };
                vec![((x[0] as i64 + step) % n) as f64]
            }
            ElemKind::Positive => vec![x[0] * (0.4 + 1.4 * u())],
            ElemKind::Unit => vec![0.1 + 0.8 * u()],
            ElemKind::Simplex(_) => {
                let raw: Vec<f64> = x.iter().map(|_| 0.2 + u()).collect();
                let total: f64 = raw.iter().sum();
                raw.iter().map(|x| x / total).collect()
            }
            ElemKind::SymPos(_) => {
                let by = 0.5 + u();
                x.iter().map(|x| x * by).collect()
            }
            ElemKind::Real
            | ElemKind::Vector(_)
            | ElemKind::Matrix(..)
            | ElemKind::Ordered(_)
            | ElemKind::Count
            | ElemKind::Counts(_) => x.iter().map(|x| x + 2.0 * u() - 1.0).collect(),
        }
    }

    fn scatter(&mut self, all: &[Latent]) {
        let kept = self.world.clone();
        for l in all {
            if self.rng.random_bool(0.6) {
                let x = self.other(l);
                self.set(l, &x);
            }
        }
        if !self.log_joint().is_finite() {
            self.world = kept;
        }
    }

    /// The mixed difference of a function of the state in two elements, relative to the size of what is subtracted.
    fn mixed(&mut self, a: &Latent, b: &Latent, f: &dyn Fn(&mut Self) -> f64) -> f64 {
        let (a0, b0) = (self.get(a), self.get(b));
        let (a1, b1) = (self.other(a), self.other(b));
        let at = |me: &mut Self, x: &[f64], y: &[f64]| {
            me.set(a, x);
            me.set(b, y);
            f(me)
        };
        let all = [at(self, &a0, &b0), at(self, &a1, &b0), at(self, &a0, &b1), at(self, &a1, &b1)];
        at(self, &a0, &b0);
        if all.iter().any(|x| !x.is_finite()) {
            return 0.0;
        }
        (all[0] - all[1] - all[2] + all[3]) / (1.0 + all.iter().map(|x| x.abs()).sum::<f64>())
    }

    /// Pairs of elements that interact in some state, by position.
    fn graph(
        &mut self,
        nodes: &[Latent],
        all: &[Latent],
        tries: usize,
        f: &dyn Fn(&mut Self) -> f64,
    ) -> BTreeSet<(usize, usize)> {
        let mut out = BTreeSet::new();
        let kept = self.world.clone();
        for i in 0..nodes.len() {
            for j in i + 1..nodes.len() {
                for _ in 0..tries {
                    self.scatter(all);
                    if self.mixed(&nodes[i], &nodes[j], f).abs() > 1e-9 {
                        out.insert((i, j));
                        break;
                    }
                }
                self.world = kept.clone();
            }
        }
        out
    }

    fn how(&self, b: &Block, a: ArrayId) -> How {
        let step = b.trace.iter().find(|s| s.latents.contains(&a));
        match step.map(|s| &s.rule) {
            Some(Rule::Sum | Rule::Scan { .. } | Rule::Tree { .. }) => How::Finite,
            Some(Rule::Gaussian { .. } | Rule::GaussianScan { .. }) => How::Gaussian,
            Some(Rule::Family { .. }) | None => How::Family,
        }
    }

    /// log ∫ p over the Gaussian coordinates, from the differences of a quadratic; NaN if it is none.
    fn integrated(&mut self, gaussian: &[Latent]) -> f64 {
        let cells: Vec<(ArrayId, Vec<i64>)> =
            gaussian.iter().flat_map(|l| self.coordinates(l).into_iter().map(|at| (l.array, at))).collect();
        if cells.is_empty() {
            return self.log_joint();
        }
        let kept = self.world.clone();
        let at = |me: &mut Self, moves: &[(usize, f64)]| {
            for (k, by) in moves {
                let (a, ix) = &cells[*k];
                let x = me.world.read(*a, ix).unwrap_or(f64::NAN) + by;
                me.world.write(*a, ix.clone(), x);
            }
            let out = me.log_joint();
            for (k, _) in moves {
                let (a, ix) = &cells[*k];
                let x = kept.read(*a, ix).unwrap_or(f64::NAN);
                me.world.write(*a, ix.clone(), x);
            }
            out
        };
        let n = cells.len();
        let here = at(self, &[]);
        let up: Vec<f64> = (0..n).map(|i| at(self, &[(i, 1.0)])).collect();
        let down: Vec<f64> = (0..n).map(|i| at(self, &[(i, -1.0)])).collect();
        let mut h = DMatrix::zeros(n, n);
        for i in 0..n {
            h[(i, i)] = -(up[i] - 2.0 * here + down[i]);
            for j in 0..i {
                let both = at(self, &[(i, 1.0), (j, 1.0)]);
                h[(i, j)] = -(both - up[i] - up[j] + here);
                h[(j, i)] = h[(i, j)];
            }
        }
        let g = DMatrix::from_fn(n, 1, |i, _| (up[i] - down[i]) / 2.0);
        let Ok(factor) = Cholesky::new(&h) else { return f64::NAN };
        let solved = factor.solve(&g);
        let square: f64 = g.iter().zip(solved.iter()).map(|(a, b)| a * b).sum();
        here + 0.5 * square - 0.5 * factor.log_det() + 0.5 * n as f64 * (2.0 * std::f64::consts::PI).ln()
    }

    pub fn findings(mut self) -> Findings {
        let plan = self.plan;
        let mut out = Findings::default();
        let blocks: Vec<&Block> = plan.blocks.iter().filter(|b| !b.point).collect();
        let members: Vec<Vec<Latent>> =
            blocks.iter().map(|b| b.latents.iter().flat_map(|a| self.latents(*a)).collect()).collect();
        let all: Vec<Latent> = members.concat();
        if all.len() > 10 {
            out.too_large = true;
            return out;
        }
        let of: Vec<usize> = members.iter().enumerate().flat_map(|(b, m)| m.iter().map(move |_| b)).collect();
        let direct = self.graph(&all, &all, 4, &|me| me.log_joint());
        for &(i, j) in &direct {
            let crosses = of[i] != of[j] || blocks[of[i]].each;
            out.dependence |= crosses;
            if crosses && plan.claim == Claim::Exact {
                out.false_claims
                    .push(format!("EXACT, but {:?} and {:?} interact across blocks", all[i], all[j]));
            }
        }
        for (n, b) in blocks.iter().enumerate() {
            let own: Vec<usize> = (0..all.len()).filter(|i| of[*i] == n).collect();
            if b.each {
                continue;
            }
            self.units(b, &own, &all, &direct, &mut out);
            self.inside(b, &members[n], &all, &mut out);
        }
        out
    }

    /// Copies that are called independent are not joined, not even through other latents of the block.
    fn units(
        &self,
        b: &Block,
        own: &[usize],
        all: &[Latent],
        edges: &BTreeSet<(usize, usize)>,
        out: &mut Findings,
    ) {
        if b.unit.is_empty() {
            return;
        }
        let key = |l: &Latent| b.unit.iter().map(|k| l.at[*k]).collect::<Vec<_>>();
        for start in own.iter().filter(|i| all[**i].array == b.latents[0]) {
            let mut reached = BTreeSet::from([*start]);
            loop {
                let more: Vec<usize> = edges
                    .iter()
                    .flat_map(|&(i, j)| [(i, j), (j, i)])
                    .filter(|(i, j)| reached.contains(i) && own.contains(j) && !reached.contains(j))
                    .map(|(_, j)| j)
                    .collect();
                if more.is_empty() {
                    break;
                }
                reached.extend(more);
            }
            let joined = reached
                .iter()
                .find(|i| all[**i].array == b.latents[0] && key(&all[**i]) != key(&all[*start]));
            if let Some(i) = joined {
                out.false_claims.push(format!(
                    "{:?} and {:?} are called independent copies and are not",
                    all[*start], all[*i]
                ));
                return;
            }
        }
    }

    fn inside(&mut self, b: &Block, own: &[Latent], all: &[Latent], out: &mut Findings) {
        if !self.c.model.constraints.is_empty() {
            return;
        }
        let by = |me: &Self, how: How| -> Vec<Latent> {
            own.iter().filter(|l| me.how(b, l.array) == how).cloned().collect()
        };
        let (finite, gaussian, family) =
            (by(self, How::Finite), by(self, How::Gaussian), by(self, How::Family));
        let kept = self.world.clone();
        for _ in 0..3 {
            self.scatter(all);
            if let Some(third) = self.third_difference(&gaussian)
                && third > 1e-8
            {
                out.false_claims.push(format!("a Gaussian block is not quadratic: {third}"));
            }
            for l in &family {
                if let Some(e) = self.off_family(b, l, &gaussian) {
                    out.false_claims
                        .push(format!("{l:?} has no such family once the rest is integrated: {e}"));
                }
            }
        }
        self.world = kept;
        if gaussian.iter().map(|l| self.coordinates(l).len()).sum::<usize>() > 8 {
            return;
        }
        let integrated = |me: &mut Self| me.integrated(&gaussian);
        let tries = if gaussian.is_empty() { 4 } else { 2 };
        if !family.is_empty() {
            let edges = self.graph(&family, all, tries, &integrated);
            if let Some((i, j)) = edges.first() {
                out.false_claims.push(format!(
                    "{:?} and {:?} are not independent once the Gaussian is integrated",
                    family[*i], family[*j]
                ));
            }
        }
        if family.is_empty() && finite.len() > 1 {
            let edges = self.graph(&finite, all, tries, &integrated);
            out.widths.push(width(finite.len(), &edges));
        }
    }

    fn third_difference(&mut self, gaussian: &[Latent]) -> Option<f64> {
        if gaussian.is_empty() {
            return None;
        }
        let start: Vec<Vec<f64>> = gaussian.iter().map(|l| self.get(l)).collect();
        let along: Vec<Vec<f64>> =
            start.iter().map(|x| x.iter().map(|_| self.rng.random::<f64>() * 2.0 - 1.0).collect()).collect();
        let mut f = [0.0; 4];
        for (t, f) in f.iter_mut().enumerate() {
            for (l, (x, d)) in gaussian.iter().zip(start.iter().zip(&along)) {
                let moved: Vec<f64> = x.iter().zip(d).map(|(x, d)| x + t as f64 * d).collect();
                self.set(l, &moved);
            }
            *f = self.log_joint();
        }
        gaussian.iter().zip(&start).for_each(|(l, x)| self.set(l, x));
        let size: f64 = 1.0 + f.iter().map(|x| x.abs()).sum::<f64>();
        Some((f[3] - 3.0 * f[2] + 3.0 * f[1] - f[0]).abs() / size)
    }

    /// Whether the density of one element, the Gaussians integrated out, lies outside the span of every family's statistics.
    fn off_family(&mut self, b: &Block, l: &Latent, gaussian: &[Latent]) -> Option<f64> {
        let x = self.get(l);
        let points: Vec<f64> = (1..=9).map(|k| k as f64 / 10.0).collect();
        let kind = &self.c.model.arrays[l.array.0].elem.kind;
        type Basis = Vec<fn(f64) -> f64>;
        let log: fn(f64) -> f64 = f64::ln;
        let truncated = b.trace.iter().any(|s| {
            s.latents.contains(&l.array)
                && matches!(&s.rule, Rule::Family { family } if family == "TruncatedNormal")
        });
        let bases: Vec<Basis> = match kind {
            ElemKind::Positive if truncated => vec![vec![|x| x, |x| x * x]],
            // Along a ray of matrices: log det is log c.
            ElemKind::Positive | ElemKind::SymPos(_) => vec![
                vec![log, |x| x],
                vec![log, |x| 1.0 / x],
                vec![log, |x| x * x],
                vec![log, |x| x.powi(-2)],
                vec![log, |x| x.sqrt()],
                vec![log, |x| 1.0 / x.sqrt()],
                vec![log, |x| x, |x| 1.0 / x],
            ],
            ElemKind::Unit => vec![vec![log, |x| (1.0 - x).ln()]],
            ElemKind::Real
            | ElemKind::Bool
            | ElemKind::Count
            | ElemKind::Counts(_)
            | ElemKind::Category(_)
            | ElemKind::Simplex(_)
            | ElemKind::Ordered(_)
            | ElemKind::Vector(_)
            | ElemKind::Matrix(..) => return None,
        };
        let ray = !matches!(kind, ElemKind::Unit);
        let mut values = vec![];
        let mut at = vec![];
        for p in points {
            let t = if ray { 0.3 + 2.0 * p } else { p };
            let moved: Vec<f64> = if ray { x.iter().map(|x| x * t).collect() } else { vec![t] };
            self.set(l, &moved);
            values.push(self.integrated(gaussian));
            at.push(t);
        }
        self.set(l, &x);
        if values.iter().any(|v| !v.is_finite()) {
            return None;
        }
        let worst = bases.iter().map(|b| misfit(b, &at, &values)).fold(f64::INFINITY, f64::min);
        (worst > 1e-7).then_some(worst)
    }
}

/// The largest residual of a least-squares fit by the basis and a constant, relative to the values.
fn misfit(basis: &[fn(f64) -> f64], at: &[f64], values: &[f64]) -> f64 {
    let p = basis.len() + 1;
    let x = DMatrix::from_fn(at.len(), p, |i, j| if j == 0 { 1.0 } else { basis[j - 1](at[i]) });
    let y = DMatrix::from_fn(values.len(), 1, |i, _| values[i]);
    let Ok(factor) = Cholesky::new(&(x.transpose() * &x)) else { return f64::INFINITY };
    let mut coefficients = factor.solve(&(x.transpose() * &y));
    // Once more on what is left: the normal equations lose half of the digits.
    let left = &y - &x * &coefficients;
    coefficients += factor.solve(&(x.transpose() * left));
    let left = &y - &x * &coefficients;
    let size = 1.0 + values.iter().map(|v| v.abs()).fold(0.0, f64::max);
    left.iter().map(|r| r.abs()).fold(0.0, f64::max) / size
}

/// The widest scope met when elements are eliminated, fewest neighbours first.
fn width(n: usize, edges: &BTreeSet<(usize, usize)>) -> usize {
    let mut near: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); n];
    for &(i, j) in edges {
        near[i].insert(j);
        near[j].insert(i);
    }
    let mut left: BTreeSet<usize> = (0..n).collect();
    let mut widest = 0;
    while let Some(next) = left.iter().copied().min_by_key(|i| near[*i].len()) {
        left.remove(&next);
        let scope = near[next].clone();
        widest = widest.max(scope.len());
        for i in &scope {
            near[*i].remove(&next);
            let more: Vec<usize> = scope.iter().copied().filter(|j| j != i).collect();
            near[*i].extend(more);
        }
    }
    widest
}

/// Everything that is claimed, at two sizes: false claims, whether a MEAN-FIELD claim cuts a dependence, and widths that grow.
pub fn verify(c: &Compiled, plan: &Plan, seed: u64) -> Option<Findings> {
    let mut out = Findings::default();
    let mut widths = vec![];
    for size in [3, 4] {
        let mut widest: Vec<usize> = vec![];
        for more in 0..2 {
            let found = Ground::new(c, plan, seed + more, size)?.findings();
            out.dependence |= found.dependence;
            // The small size is always checked first.
            out.too_large |= found.too_large && size == 3;
            out.false_claims.extend(found.false_claims);
            widest = match widest.is_empty() {
                true => found.widths,
                false if found.widths.len() == widest.len() => {
                    widest.iter().zip(&found.widths).map(|(a, b)| *a.max(b)).collect()
                }
                false => widest,
            };
        }
        widths.push(widest);
    }
    if widths[0].len() == widths[1].len() {
        for (small, large) in widths[0].iter().zip(&widths[1]) {
            if large > small && *large > 2 {
                out.false_claims.push(format!("the scope of a finite step grows: {small}, then {large}"));
            }
        }
    }
    Some(out)
}
