//! A ground model: a number for every size and for every element of every array, drawn to satisfy the types.

use super::direct::Direct;
use super::stored::Point;
use crate::model::ir::{
    Array, ArrayId, Dist, Elem, ElemKind, ExprKind, Extent, Index, IndexTerm, Model, SizeId, SizeSource,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::HashMap;
use vi_core::prelude::DMatrix;

/// An element that is read but does not exist: an index out of range, or a sum that ran away.
#[derive(Clone, Debug, PartialEq)]
pub struct Hole(pub String);

pub type Known<T> = Result<T, Hole>;

#[derive(Clone)]
pub struct World {
    sizes: HashMap<SizeId, i64>,
    /// Ragged sizes that were set; the others are drawn from the next field.
    lengths: HashMap<(SizeId, Vec<i64>), i64>,
    ragged: u64,
    /// Plates, then event indices, to the value; a category is its number.
    values: Vec<HashMap<Vec<i64>, f64>>,
}

impl World {
    /// A random ground model in which the joint density is finite. `size` fixes the sizes that it knows.
    pub fn draw(model: &Model, seed: u64, size: &dyn Fn(&str) -> Option<i64>) -> Option<World> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        for _ in 0..400 {
            let mut world = World::attempt(model, &mut rng, size)?;
            let drawn = world.settle(model, &mut rng).and_then(|()| Direct::new(model, &world).total());
            if drawn.is_ok_and(f64::is_finite) {
                return Some(world);
            }
        }
        None
    }

    /// The ground model of a stored point. What is NaN there is not there, unless its array may have missing elements.
    pub fn stored(model: &Model, point: &Point<'_>) -> World {
        let mut world = World {
            sizes: HashMap::new(),
            lengths: HashMap::new(),
            ragged: 0,
            values: vec![HashMap::new(); model.arrays.len()],
        };
        for (n, s) in model.sizes.iter().enumerate() {
            let name = s.name.to_string();
            let values =
                point.sizes.get(name.as_str()).unwrap_or_else(|| panic!("{}: no size {name}", point.program));
            match s.over.len() {
                0 => drop(world.sizes.insert(SizeId(n), values[0])),
                _ => world.lengths.extend(values.iter().zip(0..).map(|(v, i)| ((SizeId(n), vec![i]), *v))),
            }
        }
        for (name, at, values) in &point.rows {
            let of = |a: &Array| a.name == name;
            let id = model
                .arrays
                .iter()
                .position(of)
                .unwrap_or_else(|| panic!("{}: no array {name}", point.program));
            let array = &model.arrays[id];
            let scalar = array.plates.is_empty() && array.elem.kind.axes().is_empty();
            for (x, i) in values.iter().zip(0..).filter(|(x, _)| !x.is_nan() || array.missing) {
                let mut at = at.clone();
                at.extend((!scalar).then_some(i));
                world.write(ArrayId(id), at, *x);
            }
        }
        world
    }

    fn attempt(model: &Model, rng: &mut ChaCha8Rng, size: &dyn Fn(&str) -> Option<i64>) -> Option<World> {
        let mut world =
            World { sizes: HashMap::new(), lengths: HashMap::new(), ragged: rng.random(), values: vec![] };
        for (n, s) in model.sizes.iter().enumerate().filter(|(_, s)| s.over.is_empty()) {
            let drawn = size(&s.name.to_string()).unwrap_or_else(|| rng.random_range(1..=3));
            world.sizes.insert(SizeId(n), drawn);
        }
        for (n, s) in model.sizes.iter().enumerate() {
            for source in &s.sources {
                if let SizeSource::Header { default: Some(index) } = source
                    && !index.terms.is_empty()
                {
                    let value = world.length(index, &[]).ok()?;
                    world.sizes.insert(SizeId(n), value);
                }
            }
        }
        for a in 0..model.arrays.len() {
            world.values.push(HashMap::new());
            for at in world.positions(model, ArrayId(a)) {
                world.draw_element(model, ArrayId(a), &at, rng);
            }
        }
        Some(world)
    }

    pub fn size(&self, id: SizeId, at: &[i64]) -> i64 {
        if at.is_empty() {
            return self.sizes.get(&id).copied().unwrap_or(0);
        }
        if let Some(n) = self.lengths.get(&(id, at.to_vec())) {
            return *n;
        }
        // A length of its own for every row, empty rows among them.
        let mixed = at.iter().fold(self.ragged ^ id.0 as u64, |h, i| {
            (h ^ (*i as u64).wrapping_add(0x9e37_79b9)).wrapping_mul(0x0100_0000_01b3)
        });
        ((mixed >> 17) % 4) as i64
    }

    /// The value of an index made of sizes and of positions along earlier axes.
    pub fn length(&self, index: &Index, at: &[i64]) -> Known<i64> {
        let mut out = index.offset;
        for (c, t) in &index.terms {
            out += c * match t {
                IndexTerm::Axis(a) => *at.get(*a).ok_or_else(|| Hole("axis".into()))?,
                IndexTerm::Size(s, over) => {
                    let over: Known<Vec<i64>> = over.iter().map(|i| self.length(i, at)).collect();
                    self.size(*s, &over?)
                }
                IndexTerm::Bound(_) | IndexTerm::Read(_) => return Err(Hole("a length reads".into())),
            };
        }
        Ok(out)
    }

    /// Every position of the box of an array.
    pub fn positions(&self, model: &Model, a: ArrayId) -> Vec<Vec<i64>> {
        let mut out = vec![vec![]];
        for plate in &model.arrays[a.0].plates {
            out = self.extended(out, plate);
        }
        out
    }

    fn extended(&self, rows: Vec<Vec<i64>>, by: &Extent) -> Vec<Vec<i64>> {
        let mut next = vec![];
        for at in rows {
            for i in 0..self.length(&by.length, &at).unwrap_or(0) {
                let mut more = at.clone();
                more.push(i);
                next.push(more);
            }
        }
        next
    }

    /// Event positions of one element.
    pub fn events(&self, elem: &Elem, at: &[i64]) -> Vec<Vec<i64>> {
        let mut rows = vec![vec![]];
        for axis in elem.kind.axes() {
            let n = self.length(&axis.length, at).unwrap_or(0);
            rows = rows
                .into_iter()
                .flat_map(|r: Vec<i64>| (0..n).map(move |i| r.iter().copied().chain([i]).collect()))
                .collect();
        }
        rows
    }

    pub fn read(&self, a: ArrayId, at: &[i64]) -> Known<f64> {
        self.values[a.0].get(at).copied().ok_or_else(|| Hole(format!("array {} at {at:?}", a.0)))
    }

    pub fn read_index(&self, a: ArrayId, at: &[i64]) -> Known<i64> {
        self.read(a, at).map(|x| x as i64)
    }

    pub fn write(&mut self, a: ArrayId, at: Vec<i64>, x: f64) {
        self.values[a.0].insert(at, x);
    }

    /// The number of values a finite element can take.
    pub fn states(&self, model: &Model, a: ArrayId, at: &[i64]) -> i64 {
        match &model.arrays[a.0].elem.kind {
            ElemKind::Category(extent) => self.length(&extent.length, at).unwrap_or(0),
            ElemKind::Bool => 2,
            ElemKind::Real
            | ElemKind::Positive
            | ElemKind::Unit
            | ElemKind::Count
            | ElemKind::Counts(_)
            | ElemKind::Simplex(_)
            | ElemKind::Ordered(_)
            | ElemKind::Vector(_)
            | ElemKind::Matrix(..)
            | ElemKind::SymPos(_) => 0,
        }
    }

    fn draw_element(&mut self, model: &Model, a: ArrayId, at: &[i64], rng: &mut ChaCha8Rng) {
        let array = &model.arrays[a.0];
        let here = |e: &[i64]| at.iter().chain(e).copied().collect::<Vec<i64>>();
        let events = self.events(&array.elem, at);
        let mut real = |low: f64, high: f64| low + (high - low) * rng.random::<f64>();
        let drawn: Vec<f64> = match &array.elem.kind {
            ElemKind::Real | ElemKind::Vector(_) => events.iter().map(|_| real(-1.5, 1.5)).collect(),
            ElemKind::Positive => vec![real(0.3, 2.8)],
            ElemKind::Unit => vec![real(0.1, 0.9)],
            ElemKind::Bool => vec![f64::from(real(0.0, 1.0) < 0.5)],
            ElemKind::Count => vec![real(0.0, 4.99).floor()],
            ElemKind::Counts(_) => events.iter().map(|_| real(0.0, 2.99).floor()).collect(),
            ElemKind::Category(_) => {
                let states = self.states(model, a, at);
                if states < 1 {
                    return;
                }
                vec![real(0.0, states as f64 - 1e-9).floor()]
            }
            ElemKind::Simplex(_) => {
                let raw: Vec<f64> = events.iter().map(|_| real(0.2, 1.0)).collect();
                let total: f64 = raw.iter().sum();
                raw.iter().map(|x| x / total).collect()
            }
            ElemKind::Ordered(_) => {
                let mut raw: Vec<f64> = events.iter().map(|_| real(-1.5, 1.5)).collect();
                raw.sort_by(f64::total_cmp);
                raw
            }
            ElemKind::Matrix(..) if is_cholesky(model, a) => {
                let lower = |e: &Vec<i64>, x: f64| match e[0].cmp(&e[1]) {
                    std::cmp::Ordering::Less => 0.0,
                    std::cmp::Ordering::Equal => 0.4 + x.abs(),
                    std::cmp::Ordering::Greater => x,
                };
                events.iter().map(|e| lower(e, real(-1.5, 1.5))).collect()
            }
            ElemKind::Matrix(..) => events.iter().map(|_| real(-1.5, 1.5)).collect(),
            ElemKind::SymPos(d) => {
                let n = self.length(&d.length, at).unwrap_or(0) as usize;
                let m = DMatrix::from_fn(n, n, |_, _| real(-1.0, 1.0));
                let m = &m * m.transpose() + DMatrix::identity(n, n) * 0.5;
                events.iter().map(|e| m[(e[0] as usize, e[1] as usize)]).collect()
            }
        };
        for (e, x) in events.iter().zip(drawn) {
            self.values[a.0].insert(here(e), x);
            // Read from both sides.
            if array.symmetric && at.len() == 2 {
                let flipped = [at[1], at[0]].iter().chain(e).copied().collect::<Vec<i64>>();
                let x = self.values[a.0][&here(e)];
                self.values[a.0].insert(flipped, x);
            }
        }
    }

    /// Moves values into supports that depend on other values: counts below their number of trials, truncated values into their interval.
    fn settle(&mut self, model: &Model, rng: &mut ChaCha8Rng) -> Known<()> {
        for (a, array) in model.arrays.iter().enumerate() {
            for at in self.positions(model, ArrayId(a)) {
                let direct = Direct::new(model, self);
                let bound = |e: &Option<crate::model::ir::Expr>| {
                    e.as_ref().map(|e| direct.number(e, &mut HashMap::new())).transpose()
                };
                let (low, high) = (bound(&array.elem.min)?, bound(&array.elem.max)?);
                if (low.is_some() || high.is_some()) && array.elem.kind.axes().is_empty() {
                    let x = between(
                        self.read(ArrayId(a), &at)?,
                        low,
                        high,
                        matches!(array.elem.kind, ElemKind::Count),
                        rng,
                    );
                    self.write(ArrayId(a), at, x);
                }
            }
        }
        for id in &model.order {
            let s = &model.statements[id.0];
            let Some(dist) = &s.dist else { continue };
            for env in Direct::new(model, self).bindings(&s.binds, &s.guards)? {
                let direct = Direct::new(model, self);
                let mut env = env;
                let at = direct.indices(&s.target, &mut env)?;
                let call = match dist {
                    Dist::Family(call) => call,
                    Dist::Match { on, arms, .. } => {
                        let on = direct.number(on, &mut env)?;
                        let Some(arm) = arms.iter().find(|a| a.value.is_none_or(|v| v as f64 == on)) else {
                            continue;
                        };
                        &arm.call
                    }
                };
                let mut number = |name: &str| call.arg(name).map(|e| direct.number(e, &mut env)).transpose();
                match call.family.name {
                    "Constant" => {
                        let x = number("value")?.unwrap_or(0.0);
                        self.write(s.array, at, x);
                    }
                    "Multinomial" => {
                        let n = number("n")?.unwrap_or(0.0) as i64;
                        let events = self.events(&model.arrays[s.array.0].elem, &at);
                        let mut left = vec![0; events.len()];
                        if left.is_empty() {
                            continue;
                        }
                        (0..n).for_each(|_| left[rng.random_range(0..events.len())] += 1);
                        for (e, x) in events.iter().zip(left) {
                            self.write(s.array, at.iter().chain(e).copied().collect(), f64::from(x));
                        }
                    }
                    family => {
                        let whole = matches!(model.arrays[s.array.0].elem.kind, ElemKind::Count);
                        let mut low = call.min.as_ref().map(|e| direct.number(e, &mut env)).transpose()?;
                        let mut high = call.max.as_ref().map(|e| direct.number(e, &mut env)).transpose()?;
                        let mut number =
                            |name: &str| call.arg(name).map(|e| direct.number(e, &mut env)).transpose();
                        if family == "Binomial" {
                            high = Some(number("n")?.unwrap_or(0.0).min(high.unwrap_or(f64::INFINITY)));
                        }
                        if family == "Uniform" && call.arg("a").is_some() {
                            (low, high) = (number("a")?, number("b")?);
                        }
                        if low.is_some() || high.is_some() {
                            let x = between(self.read(s.array, &at)?, low, high, whole, rng);
                            self.write(s.array, at, x);
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

fn between(x: f64, low: Option<f64>, high: Option<f64>, whole: bool, rng: &mut ChaCha8Rng) -> f64 {
    let (a, b) = (low.unwrap_or(f64::NEG_INFINITY), high.unwrap_or(f64::INFINITY));
    if x >= a && x <= b {
        return x;
    }
    let u: f64 = rng.random();
    match (low, high) {
        (Some(a), Some(b)) if whole => (a + u * (b - a + 1.0)).floor().min(b),
        (Some(a), Some(b)) => a + u * (b - a),
        (Some(a), None) if whole => a + (u * 3.0).floor(),
        (Some(a), None) => a + u + 0.01,
        (None, Some(b)) if whole => (b - (u * 3.0).floor()).max(0.0),
        (None, Some(b)) => b - u - 0.01,
        (None, None) => x,
    }
}

/// Whether a matrix stands in a `chol:`.
pub fn is_cholesky(model: &Model, a: ArrayId) -> bool {
    model.statements.iter().filter_map(|s| s.dist.as_ref()).any(|d| {
        let calls = match d {
            Dist::Family(c) => vec![c],
            Dist::Match { arms, .. } => arms.iter().map(|a| &a.call).collect(),
        };
        calls.iter().any(|c| {
            let mut found = false;
            if let Some(e) = c.arg("chol") {
                model.each_read_deep(e, &mut |r| found |= r.array == a);
                found |= matches!(&e.kind, ExprKind::Read(r) if r.array == a);
            }
            found
        })
    })
}
