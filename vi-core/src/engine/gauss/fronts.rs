//! Many unknowns of which each row joins few: front by front, what is left of one front's rows being rows of the next.
//!
//! ```text
//!   rows of a front: own, and what its children leave          Q [A | targets] = [ R₁₁ R₁₂ z₁ ]   of its pivots
//!                                                                               [  0  R₂₂ z₂ ]   for its parent
//!   E x₁ = R₁₁⁻¹ (z₁ − R₁₂ E x₂)      log |det R| = Σ log R₁₁      x₁ = R₁₁⁻¹ (z₁ + ε − R₁₂ x₂) is a draw
//! ```
//!
//! (Duff and Reid 1983; Davis 2011.) Each front is reduced as a [`Dense`] block is, some rows at a time, with rows that change places: time is
//! linear in rows, and nothing is squared. Fronts follow one another in one order, and so do the rows of each.

use super::dense::Dense;
use super::householder::solve_upper;
use super::order::{Front, Pattern};
use super::selected;
use super::{Failure, HALF_LOG_TAU};
use std::sync::Arc;

/// Weighted residual rows, set by set of rows that join the same unknowns: coefficients in the order of the set, then targets.
#[derive(Clone, Debug, Default)]
pub struct SparseRows {
    pub(in crate::engine) columns: Vec<usize>,
    pub(in crate::engine) ends: Vec<usize>,
    entries: Vec<f64>,
    entry_ends: Vec<usize>,
}

impl SparseRows {
    /// No rows any more.
    pub fn clear(&mut self) {
        self.columns.clear();
        self.ends.clear();
        self.entries.clear();
        self.entry_ends.clear();
    }

    /// The unknowns of the next set.
    pub fn begin(&mut self, columns: impl IntoIterator<Item = usize>) {
        self.columns.extend(columns);
        self.ends.push(self.columns.len());
        self.entry_ends.push(self.entries.len());
    }

    /// A row of the set that was begun last. Coefficients of one unknown add up.
    pub fn row(&mut self, coefficients: impl IntoIterator<Item = f64>, targets: &[f64]) {
        self.entries.extend(coefficients);
        self.entries.extend_from_slice(targets);
        if let Some(end) = self.entry_ends.last_mut() {
            *end = self.entries.len();
        }
    }

    /// Whether a number is infinite or NaN.
    #[must_use]
    pub fn are_finite(&self) -> bool {
        self.entries.iter().all(|x| x.is_finite())
    }

    /// Targets less what these values of the unknowns explain, for each right-hand side.
    pub(in crate::engine) fn subtract(&mut self, rights: usize, value: impl Fn(usize, usize) -> f64) {
        let (mut first, mut from) = (0, 0);
        for (end, until) in self.ends.iter().zip(&self.entry_ends) {
            let columns = &self.columns[first..*end];
            for row in self.entries[from..*until].chunks_exact_mut(columns.len() + rights) {
                let (coefficients, targets) = row.split_at_mut(columns.len());
                for (o, t) in targets.iter_mut().enumerate() {
                    *t -= columns.iter().zip(&*coefficients).map(|(c, a)| a * value(*c, o)).sum::<f64>();
                }
            }
            (first, from) = (*end, *until);
        }
    }

    /// Row after row: its coefficients and its targets.
    pub(in crate::engine) fn each(&self, rights: usize, mut f: impl FnMut(&[(usize, f64)], &[f64])) {
        let (mut first, mut from) = (0, 0);
        let mut pairs = vec![];
        for (end, until) in self.ends.iter().zip(&self.entry_ends) {
            let columns = &self.columns[first..*end];
            for row in self.entries[from..*until].chunks_exact(columns.len() + rights) {
                let (coefficients, targets) = row.split_at(columns.len());
                pairs.clear();
                pairs.extend(columns.iter().copied().zip(coefficients.iter().copied()));
                f(&pairs, targets);
            }
            (first, from) = (*end, *until);
        }
    }

    fn set(&self, s: usize) -> &[f64] {
        let from = if s == 0 { 0 } else { self.entry_ends[s - 1] };
        &self.entries[from..self.entry_ends[s]]
    }
}

/// The joint law of the unknowns about their mean: R by fronts, and of Cov x what lies in fronts.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "serial::Repr", into = "serial::Repr"))]
pub struct Fronts {
    pattern: Arc<Pattern>,
    /// `[R₁₁ R₁₂]` of each front, by rows.
    roots: Vec<f64>,
    /// Cov of each front, by rows.
    covariances: Vec<f64>,
    log_det: f64,
}

impl Fronts {
    /// Eliminates all unknowns; their means, of all unknowns for one right-hand side after another.
    ///
    /// # Errors
    /// [`Failure::Undetermined`] with an unknown that no row tells apart from those before it, up to rounding; [`Failure::NotFinite`].
    pub fn eliminate(
        pattern: &Arc<Pattern>,
        rows: &SparseRows,
        rights: usize,
    ) -> Result<(Fronts, Vec<f64>), Failure> {
        if !rows.are_finite() {
            return Err(Failure::NotFinite { block: 0 });
        }
        let p = &**pattern;
        let mut roots = vec![0.0; p.roots()];
        let mut z = vec![0.0; p.unknowns() * rights];
        // What children left, in the columns of the parent.
        let mut left: Vec<Vec<f64>> = vec![vec![]; p.fronts().len()];
        let mut work = Dense::new();
        for (f, front) in p.fronts().iter().enumerate() {
            let width = front.width();
            let stride = width + rights;
            let mut stack = std::mem::take(&mut left[f]);
            own_rows(p, front, rows, rights, &mut stack);
            work.start(width, rights);
            work.absorb_entries(&stack);
            let triangle = work.triangle();
            for i in 0..front.pivots {
                let row = &triangle[i * stride..][..stride];
                if row[i] == 0.0 {
                    return Err(Failure::Undetermined { block: 0, column: p.unknown(front.first + i) });
                }
                if !row.iter().all(|x| x.is_finite()) {
                    return Err(Failure::NotFinite { block: 0 });
                }
                roots[front.root + i * width..][..width].copy_from_slice(&row[..width]);
                z[(front.first + i) * rights..][..rights].copy_from_slice(&row[width..]);
            }
            let Some(parent) = front.parent else { continue };
            let to = &mut left[parent];
            let parent = p.fronts()[parent].width() + rights;
            for i in front.pivots..width {
                let row = &triangle[i * stride..][..stride];
                if row[i..].iter().all(|x| *x == 0.0) {
                    continue;
                }
                let start = to.len();
                to.resize(start + parent, 0.0);
                for (at, x) in p.into(front).iter().zip(&row[front.pivots..width]) {
                    to[start + at] = *x;
                }
                to[start + parent - rights..].copy_from_slice(&row[width..]);
            }
        }
        let law = Fronts::from_roots(Arc::clone(pattern), roots)?;
        let mut means = vec![0.0; p.unknowns() * rights];
        let mut by_place = vec![0.0; p.unknowns()];
        for o in 0..rights {
            (0..p.unknowns()).for_each(|i| by_place[i] = z[i * rights + o]);
            law.solve(&mut by_place);
            (0..p.unknowns()).for_each(|i| means[o * p.unknowns() + p.unknown(i)] = by_place[i]);
        }
        Ok((law, means))
    }

    /// # Errors
    /// [`Failure::NotFinite`] if the covariance is.
    fn from_roots(pattern: Arc<Pattern>, roots: Vec<f64>) -> Result<Fronts, Failure> {
        let mut log_det = 0.0;
        for front in pattern.fronts() {
            let width = front.width();
            log_det += (0..front.pivots).map(|i| roots[front.root + i * width + i].ln()).sum::<f64>();
        }
        let covariances = selected::covariances(&pattern, &roots);
        if log_det.is_finite() && covariances.iter().all(|x| x.is_finite()) {
            return Ok(Fronts { pattern, roots, covariances, log_det });
        }
        Err(Failure::NotFinite { block: 0 })
    }

    /// The same law of unknowns under other names: unknown i here is `from[i]` there.
    ///
    /// # Errors
    /// As for [`eliminate`](Self::eliminate).
    pub fn renamed(&self, from: &[usize]) -> Result<Fronts, Failure> {
        let mut to = vec![0; from.len()];
        from.iter().enumerate().for_each(|(i, was)| to[*was] = i);
        let rows = self.as_rows(|unknown| to[unknown]);
        let pattern = Pattern::new(from.len(), rows.columns.clone(), rows.ends.clone());
        Ok(Fronts::eliminate(&Arc::new(pattern), &rows, 0)?.0)
    }

    /// The law of the unknowns times these signs.
    pub fn mirror(&mut self, signs: &[f64]) {
        let p = Arc::clone(&self.pattern);
        for front in p.fronts() {
            let own: Vec<f64> = p.unknowns_of(front).map(|unknown| signs[unknown]).collect();
            let width = front.width();
            // A row of R times the sign of its pivot is a row of the new R, with a positive diagonal.
            let root = &mut self.roots[front.root..][..front.pivots * width];
            let cov = &mut self.covariances[front.entries..][..width * width];
            for (row, sign) in
                root.chunks_exact_mut(width).zip(&own).chain(cov.chunks_exact_mut(width).zip(&own))
            {
                row.iter_mut().zip(&own).for_each(|(x, s)| *x *= s * sign);
            }
        }
    }

    /// R as rows.
    fn as_rows(&self, name: impl Fn(usize) -> usize) -> SparseRows {
        let mut rows = SparseRows::default();
        for front in self.pattern.fronts() {
            rows.begin(self.pattern.unknowns_of(front).map(&name));
            for row in self.roots[front.root..][..front.pivots * front.width()].chunks_exact(front.width()) {
                rows.row(row.iter().copied(), &[]);
            }
        }
        rows
    }

    /// What the fronts were found from.
    #[must_use]
    pub fn pattern(&self) -> &Arc<Pattern> {
        &self.pattern
    }

    /// Number of unknowns.
    #[must_use]
    pub fn unknowns(&self) -> usize {
        self.pattern.unknowns()
    }

    /// log |det R|: minus half the log determinant of the covariance.
    #[must_use]
    pub fn log_det(&self) -> f64 {
        self.log_det
    }

    pub(super) fn root(&self, front: &Front) -> &[f64] {
        &self.roots[front.root..][..front.pivots * front.width()]
    }

    /// Cov of a front, by rows.
    pub(super) fn covariance_of(&self, front: &Front) -> &[f64] {
        &self.covariances[front.entries..][..front.width() * front.width()]
    }

    /// x with R x = z, in place, by places.
    fn solve(&self, x: &mut [f64]) {
        let p = &*self.pattern;
        for front in p.fronts().iter().rev() {
            let (root, width) = (self.root(front), front.width());
            for i in 0..front.pivots {
                let row = &root[i * width + front.pivots..(i + 1) * width];
                let beside: f64 = p.border(front).iter().zip(row).map(|(b, r)| r * x[*b]).sum();
                x[front.first + i] -= beside;
            }
            solve_upper(root, width, &mut x[front.first..][..front.pivots]);
        }
    }

    /// w with Rᵀ w = c, in place, by places.
    fn solve_transposed(&self, c: &mut [f64]) {
        for front in self.pattern.fronts() {
            let (root, width) = (self.root(front), front.width());
            for i in 0..front.pivots {
                let row = &root[i * width..][..width];
                let w = c[front.first + i] / row[i];
                c[front.first + i] = w;
                for j in i + 1..front.pivots {
                    c[front.first + j] -= row[j] * w;
                }
                for (b, r) in self.pattern.border(front).iter().zip(&row[front.pivots..]) {
                    c[*b] -= r * w;
                }
            }
        }
    }

    /// Cov(xᵢ, xⱼ): from a front that holds both; of others along the paths to the root.
    #[must_use]
    pub fn covariance(&self, i: usize, j: usize) -> f64 {
        let p = &*self.pattern;
        let (a, b) = (p.place(i).min(p.place(j)), p.place(i).max(p.place(j)));
        let front = &p.fronts()[p.front_of(a)];
        if let Some(column) = p.local(front, b) {
            return self.covariances[front.entries + (a - front.first) * front.width() + column];
        }
        let (one, two) = (self.half(a), self.half(b));
        let mut others = two.iter().peekable();
        let mut sum = 0.0;
        for (f, x) in &one {
            while others.next_if(|(g, _)| g < f).is_some() {}
            if let Some((_, y)) = others.next_if(|(g, _)| g == f) {
                sum += x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
            }
        }
        sum
    }

    /// R⁻ᵀ e of one place: 0 but for the pivots of fronts from its own up to the root.
    fn half(&self, place: usize) -> Vec<(usize, Vec<f64>)> {
        let p = &*self.pattern;
        let path = std::iter::successors(Some(p.front_of(place)), |f| p.fronts()[*f].parent);
        let mut out: Vec<(usize, Vec<f64>)> = path.map(|f| (f, vec![0.0; p.fronts()[f].pivots])).collect();
        let first = p.fronts()[p.front_of(place)].first;
        out[0].1[place - first] = 1.0;
        for k in 0..out.len() {
            let (done, above) = out.split_at_mut(k + 1);
            let (f, own) = &mut done[k];
            let front = &p.fronts()[*f];
            let (root, width) = (self.root(front), front.width());
            for i in 0..front.pivots {
                let row = &root[i * width..][..width];
                own[i] /= row[i];
                let w = own[i];
                (i + 1..front.pivots).for_each(|j| own[j] -= row[j] * w);
                for (b, r) in p.border(front).iter().zip(&row[front.pivots..]) {
                    let home = p.front_of(*b);
                    if let Ok(at) = above.binary_search_by_key(&home, |(g, _)| *g) {
                        above[at].1[b - p.fronts()[home].first] -= r * w;
                    }
                }
            }
        }
        out
    }

    /// Var(Σ cⱼ xⱼ), a sum of squares.
    #[must_use]
    pub fn variance(&self, coefficients: impl IntoIterator<Item = (usize, f64)>) -> f64 {
        let mut c = vec![0.0; self.unknowns()];
        coefficients.into_iter().for_each(|(j, a)| c[self.pattern.place(j)] += a);
        self.solve_transposed(&mut c);
        c.iter().map(|w| w * w).sum()
    }

    /// Cov of these unknowns with all, one column after another: `unknowns` numbers for each.
    pub(crate) fn columns(&self, of: &[usize], mut each: impl FnMut(&[f64])) {
        let p = &*self.pattern;
        let (mut x, mut column) = (vec![0.0; p.unknowns()], vec![0.0; p.unknowns()]);
        for j in of {
            x.fill(0.0);
            x[p.place(*j)] = 1.0;
            self.solve_transposed(&mut x);
            self.solve(&mut x);
            x.iter().enumerate().for_each(|(place, v)| column[p.unknown(place)] = *v);
            each(&column);
        }
    }

    /// R⁻¹ ε, of covariance Cov x where ε is white: in place, ε in the order of the unknowns.
    pub fn colour(&self, x: &mut [f64]) {
        let p = &*self.pattern;
        let mut by_place: Vec<f64> = (0..p.unknowns()).map(|i| x[p.unknown(i)]).collect();
        self.solve(&mut by_place);
        by_place.iter().enumerate().for_each(|(place, v)| x[p.unknown(place)] = *v);
    }

    /// R x, white where x has covariance Cov x; and for each row what its rounding is measured by, Σ |R| reach.
    pub(crate) fn whiten(&self, x: &[f64], reach: &[f64], mut each: impl FnMut(f64, f64)) {
        let p = &*self.pattern;
        for front in p.fronts() {
            let unknowns: Vec<usize> = p.unknowns_of(front).collect();
            for row in self.root(front).chunks_exact(front.width()) {
                let along = |v: &[f64], r: fn(f64) -> f64| -> f64 {
                    unknowns.iter().zip(row).map(|(u, a)| r(*a) * v[*u]).sum()
                };
                each(along(x, |a| a), along(reach, f64::abs));
            }
        }
    }

    /// log Normal at a distance from the mean of which R makes a vector of this squared length.
    #[must_use]
    pub fn log_density(&self, square: f64) -> f64 {
        self.log_det - self.unknowns() as f64 * HALF_LOG_TAU - 0.5 * square
    }

    /// The entries of R that may be other than 0, front by front and row by row, with whether they are on the diagonal.
    pub(crate) fn coordinates(&self) -> impl Iterator<Item = (bool, f64)> + '_ {
        self.pattern.fronts().iter().flat_map(|front| {
            let width = front.width();
            let root = self.root(front);
            (0..front.pivots).flat_map(move |i| (i..width).map(move |j| (i == j, root[i * width + j])))
        })
    }

    /// The law of the same pattern with these [`coordinates`](Self::coordinates).
    pub(crate) fn at_coordinates<E>(
        &self,
        mut next: impl FnMut(bool) -> Result<f64, E>,
    ) -> Result<Result<Fronts, Failure>, E> {
        let mut roots = vec![0.0; self.roots.len()];
        for front in self.pattern.fronts() {
            let width = front.width();
            for i in 0..front.pivots {
                for j in i..width {
                    roots[front.root + i * width + j] = next(i == j)?;
                }
            }
        }
        Ok(Fronts::from_roots(Arc::clone(&self.pattern), roots))
    }
}

/// The front's own rows behind those that its children left.
fn own_rows(p: &Pattern, front: &Front, rows: &SparseRows, rights: usize, stack: &mut Vec<f64>) {
    let stride = front.width() + rights;
    for s in p.own(front) {
        let locals = &p.locals()[p.set(*s)];
        for row in rows.set(*s).chunks_exact(locals.len() + rights) {
            let start = stack.len();
            stack.resize(start + stride, 0.0);
            let to = &mut stack[start..];
            for (at, x) in locals.iter().zip(row) {
                to[*at] += x;
            }
            to[stride - rights..].copy_from_slice(&row[locals.len()..]);
        }
    }
}

#[cfg(feature = "serde")]
mod serial {
    use super::{Fronts, Pattern};
    use serde::{Deserialize, Serialize};
    use std::sync::Arc;

    /// What the rest follows from.
    #[derive(Serialize, Deserialize)]
    pub struct Repr {
        unknowns: usize,
        columns: Vec<usize>,
        ends: Vec<usize>,
        roots: Vec<f64>,
    }

    impl From<Fronts> for Repr {
        fn from(law: Fronts) -> Repr {
            let (columns, ends) = law.pattern.rows();
            let (columns, ends) = (columns.to_vec(), ends.to_vec());
            Repr { unknowns: law.unknowns(), columns, ends, roots: law.roots }
        }
    }

    impl TryFrom<Repr> for Fronts {
        type Error = &'static str;

        fn try_from(r: Repr) -> Result<Fronts, &'static str> {
            let sorted = r.ends.is_sorted() && r.ends.last().copied().unwrap_or(0) == r.columns.len();
            if !sorted || r.columns.iter().any(|c| *c >= r.unknowns) || r.roots.len() < r.unknowns {
                return Err("fronts: the rows do not fit the unknowns");
            }
            let pattern = Arc::new(Pattern::new(r.unknowns, r.columns, r.ends));
            if pattern.roots() != r.roots.len() {
                return Err("fronts: the roots do not fit the pattern");
            }
            Fronts::from_roots(pattern, r.roots).map_err(|_| "fronts: the covariance is not finite")
        }
    }
}
