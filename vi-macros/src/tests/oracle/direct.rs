//! The log-joint by walking the checked model: every statement's density from `vi_core::dist`, at the values of a ground model.
//!
//! Nothing of the symbolic densities is used here.

pub use super::value::Value;
use super::value::arithmetic;
use super::world::{Hole, Known, World};
use crate::model::ir::{
    Access, ArrayId, Dist, Expr, ExprKind, FamilyCall, Function, Index, IndexId, IndexTerm, LetId, Model,
    Statement, StatementId, Type,
};
use crate::syntax::ast::{Binary, Compare, Reducer, Unary};
use std::collections::HashMap;
use vi_core::dist;
use vi_core::prelude::DMatrix;

pub type Env = HashMap<IndexId, i64>;

pub struct Direct<'a> {
    model: &'a Model,
    world: &'a World,
}

impl<'a> Direct<'a> {
    pub fn new(model: &'a Model, world: &'a World) -> Self {
        Direct { model, world }
    }

    pub fn total(&self) -> Known<f64> {
        let mut out = 0.0;
        for s in &self.model.statements {
            out += self.statement(s.id)?;
        }
        Ok(out)
    }

    pub fn statement(&self, id: StatementId) -> Known<f64> {
        let s = &self.model.statements[id.0];
        let Some(dist) = &s.dist else { return Ok(0.0) };
        let mut out = 0.0;
        for mut env in self.bindings(&s.binds, &s.guards)? {
            let mut copies = 1.0;
            for r in &s.repeat {
                copies *= self.world.read(r.array, &self.indices(&r.indices, &mut env)?)?;
            }
            // Absent altogether, even where its density would be 0.
            if copies != 0.0 {
                out += copies * self.element(s, dist, &mut env)?;
            }
        }
        Ok(out)
    }

    /// Every value of the bound indices at which the guards hold.
    pub fn bindings(&self, binds: &[IndexId], guards: &[Expr]) -> Known<Vec<Env>> {
        let mut out = vec![Env::new()];
        for id in binds {
            let mut next = vec![];
            for mut env in out {
                for i in self.range(*id, &mut env)? {
                    env.insert(*id, i);
                    next.push(env.clone());
                }
            }
            out = next;
        }
        let mut kept = vec![];
        for mut env in out {
            let mut holds = true;
            for g in guards {
                holds = holds && self.number(g, &mut env)? != 0.0;
            }
            if holds {
                kept.push(env);
            }
        }
        Ok(kept)
    }

    fn range(&self, id: IndexId, env: &mut Env) -> Known<std::ops::Range<i64>> {
        let v = &self.model.indices[id.0];
        Ok(self.index(&v.low, env)?..self.index(&v.high, env)?)
    }

    pub fn index(&self, i: &Index, env: &mut Env) -> Known<i64> {
        let mut out = i.offset;
        for (c, t) in &i.terms {
            out += c * match t {
                IndexTerm::Bound(id) => *env.get(id).ok_or_else(|| Hole("an index".into()))?,
                IndexTerm::Size(s, over) => self.world.size(*s, &self.indices(over, env)?),
                IndexTerm::Read(a) => self.world.read_index(a.array, &self.indices(&a.indices, env)?)?,
                IndexTerm::Axis(_) => return Err(Hole("an axis outside an extent".into())),
            };
        }
        Ok(out)
    }

    pub fn indices(&self, ix: &[Index], env: &mut Env) -> Known<Vec<i64>> {
        ix.iter().map(|i| self.index(i, env)).collect()
    }

    pub fn number(&self, e: &Expr, env: &mut Env) -> Known<f64> {
        match self.value(e, env)? {
            Value::Number(x) => Ok(x),
            Value::Vector(_) | Value::Matrix(_) => Err(Hole("a number is needed".into())),
        }
    }

    pub fn value(&self, e: &Expr, env: &mut Env) -> Known<Value> {
        let number = |x: f64| Ok(Value::Number(x));
        match &e.kind {
            ExprKind::Int(n) => number(*n as f64),
            ExprKind::Float(x) => number(*x),
            ExprKind::Bool(b) => number(f64::from(*b)),
            ExprKind::Index(i) => number(self.index(i, env)? as f64),
            ExprKind::Read(a) => self.read(a, env),
            ExprKind::Let(id, ix) => self.read_let(*id, &self.indices(ix, env)?),
            ExprKind::Unary(Unary::Neg, a) => Ok(self.value(a, env)?.map(|x| -x)),
            ExprKind::Unary(Unary::Not, a) => number(1.0 - self.number(a, env)?),
            ExprKind::Binary(Binary::And, a, b) => {
                number(f64::from(self.number(a, env)? != 0.0 && self.number(b, env)? != 0.0))
            }
            ExprKind::Binary(Binary::Or, a, b) => {
                number(f64::from(self.number(a, env)? != 0.0 || self.number(b, env)? != 0.0))
            }
            ExprKind::Binary(op, a, b) => arithmetic(*op, self.value(a, env)?, self.value(b, env)?),
            ExprKind::Compare(op, a, b) => {
                let (x, y) = (self.number(a, env)?, self.number(b, env)?);
                number(f64::from(match op {
                    Compare::Eq => x == y,
                    Compare::Ne => x != y,
                    Compare::Lt => x < y,
                    Compare::Le => x <= y,
                    Compare::Gt => x > y,
                    Compare::Ge => x >= y,
                }))
            }
            ExprKind::Transpose(a) => match self.value(a, env)? {
                Value::Matrix(m) => Ok(Value::Matrix(m.transpose())),
                Value::Number(_) | Value::Vector(_) => Err(Hole("transpose".into())),
            },
            ExprKind::Component(a, ix) => {
                let ix = self.indices(ix, env)?;
                self.value(a, env)?.component(&ix)
            }
            ExprKind::Call(f, args) => self.call(*f, e, args, env),
            ExprKind::Vector(items) => {
                let all: Known<Vec<f64>> = items.iter().map(|i| self.number(i, env)).collect();
                Ok(Value::Vector(all?))
            }
            ExprKind::Comprehension { index, guard, body } => {
                let range = self.range(*index, env)?;
                let mut rows = vec![];
                for i in 0..range.end {
                    env.insert(*index, i);
                    let there = match guard {
                        Some(g) => self.number(g, env)? != 0.0,
                        None => range.contains(&i),
                    };
                    rows.push(if there { self.number(body, env)? } else { 0.0 });
                }
                Ok(Value::Vector(rows))
            }
            ExprKind::Reduce { op, indices, guard, body } => {
                number(self.reduce(*op, indices, guard.as_deref(), body, env)?)
            }
        }
    }

    fn reduce(
        &self,
        op: Reducer,
        indices: &[IndexId],
        guard: Option<&Expr>,
        body: &Expr,
        env: &mut Env,
    ) -> Known<f64> {
        let Some((first, rest)) = indices.split_first() else {
            if let Some(g) = guard
                && self.number(g, env)? == 0.0
            {
                return Ok(neutral(op));
            }
            return self.number(body, env);
        };
        let mut out = neutral(op);
        for i in self.range(*first, env)? {
            env.insert(*first, i);
            let x = self.reduce(op, rest, guard, body, env)?;
            out = match op {
                Reducer::Sum => out + x,
                Reducer::Prod => out * x,
                Reducer::All => out.min(x),
                Reducer::Any => out.max(x),
            };
        }
        Ok(out)
    }

    fn call(&self, f: Function, e: &Expr, args: &[Expr], env: &mut Env) -> Known<Value> {
        let number = |x: f64| Ok(Value::Number(x));
        match f {
            Function::Dot => match (self.value(&args[0], env)?, self.value(&args[1], env)?) {
                (Value::Vector(a), Value::Vector(b)) if a.len() == b.len() => {
                    number(a.iter().zip(&b).map(|(x, y)| x * y).sum())
                }
                _ => Err(Hole("dot".into())),
            },
            Function::Exp => number(self.number(&args[0], env)?.exp()),
            Function::Log => number(self.number(&args[0], env)?.ln()),
            Function::Sqrt => number(self.number(&args[0], env)?.sqrt()),
            Function::Logit => {
                let p = self.number(&args[0], env)?;
                number((p / (1.0 - p)).ln())
            }
            Function::Sigmoid => number(1.0 / (1.0 + (-self.number(&args[0], env)?).exp())),
            Function::Diag => match self.value(&args[0], env)? {
                Value::Vector(v) => {
                    Ok(Value::Matrix(DMatrix::from_fn(
                        v.len(),
                        v.len(),
                        |i, j| if i == j { v[i] } else { 0.0 },
                    )))
                }
                Value::Number(_) | Value::Matrix(_) => Err(Hole("diag".into())),
            },
            Function::Onehot => {
                let k = self.number(&args[0], env)? as usize;
                let Type::Vector(d) = &e.ty else { return Err(Hole("onehot".into())) };
                let n = self.index(&d.length, env)?;
                Ok(Value::Vector((0..n as usize).map(|i| f64::from(i == k)).collect()))
            }
            Function::Trace => match self.value(&args[0], env)? {
                Value::Matrix(m) => number(m.trace()),
                Value::Number(_) | Value::Vector(_) => Err(Hole("trace".into())),
            },
        }
    }

    fn read(&self, a: &Access, env: &mut Env) -> Known<Value> {
        let at = self.indices(&a.indices, env)?;
        self.whole(a.array, &at)
    }

    /// An element or a slice: the axes that are left out run over everything that is there.
    fn whole(&self, a: ArrayId, at: &[i64]) -> Known<Value> {
        let array = &self.model.arrays[a.0];
        let events = array.elem.kind.axes();
        let rank = array.plates.len() + events.len();
        let length = |axis: usize, at: &[i64]| match array.plates.get(axis) {
            Some(p) => self.world.length(&p.length, at),
            None => self.world.length(&events[axis - array.plates.len()].length, at),
        };
        let with = |more: &[i64]| at.iter().chain(more).copied().collect::<Vec<i64>>();
        match rank.checked_sub(at.len()) {
            Some(0) => Ok(Value::Number(self.world.read(a, at)?)),
            Some(1) => {
                let n = length(at.len(), at)?;
                let all: Known<Vec<f64>> = (0..n).map(|i| self.world.read(a, &with(&[i]))).collect();
                Ok(Value::Vector(all?))
            }
            Some(2) => {
                let rows = length(at.len(), at)?;
                let columns = length(at.len() + 1, &with(&[0]))?;
                let mut m = DMatrix::zeros(rows as usize, columns as usize);
                for i in 0..rows {
                    for j in 0..columns {
                        m[(i as usize, j as usize)] = self.world.read(a, &with(&[i, j]))?;
                    }
                }
                Ok(Value::Matrix(m))
            }
            _ => Err(Hole("rank".into())),
        }
    }

    fn read_let(&self, id: LetId, at: &[i64]) -> Known<Value> {
        let l = &self.model.lets[id.0];
        let (plates, events) = at.split_at(l.plates.len().min(at.len()));
        for piece in &l.pieces {
            for mut env in self.bindings(&piece.binds, &piece.guards)? {
                if self.indices(&piece.target, &mut env)? == plates {
                    return self.value(&piece.value, &mut env)?.component(events);
                }
            }
        }
        // The `let` as a whole vector.
        if let (Some(axis), true) = (l.plates.get(plates.len()), events.is_empty()) {
            let n = self.world.length(&axis.length, plates)?;
            let mut all = vec![];
            for i in 0..n {
                match self.read_let(id, &plates.iter().copied().chain([i]).collect::<Vec<_>>())? {
                    Value::Number(x) => all.push(x),
                    Value::Vector(_) | Value::Matrix(_) => return Err(Hole("let".into())),
                }
            }
            return Ok(Value::Vector(all));
        }
        Err(Hole(format!("let {} at {at:?}", l.name)))
    }

    fn element(&self, s: &Statement, dist: &Dist, env: &mut Env) -> Known<f64> {
        let at = self.indices(&s.target, env)?;
        match dist {
            Dist::Family(call) => self.density(s, call, &at, env),
            Dist::Match { on, arms, .. } => {
                let on = self.number(on, env)?;
                let arm = arms
                    .iter()
                    .find(|a| a.value.is_none_or(|v| v as f64 == on))
                    .ok_or_else(|| Hole("no arm".into()))?;
                self.density(s, &arm.call, &at, env)
            }
        }
    }

    fn density(&self, s: &Statement, c: &FamilyCall, at: &[i64], env: &mut Env) -> Known<f64> {
        let array = &self.model.arrays[s.array.0];
        let kind = &array.elem.kind;
        // A missing value that nobody else reads integrates to 1.
        if array.missing && kind.axes().is_empty() && self.world.read(s.array, at)?.is_nan() {
            return Ok(0.0);
        }
        let target = || self.whole(s.array, at);
        let scalar = || match target()? {
            Value::Number(x) => Ok(x),
            Value::Vector(_) | Value::Matrix(_) => Err(Hole("value".into())),
        };
        let vector = || match target()? {
            Value::Vector(x) => Ok(x),
            Value::Number(_) | Value::Matrix(_) => Err(Hole("value".into())),
        };
        let matrix = || match target()? {
            Value::Matrix(x) => Ok(x),
            Value::Number(_) | Value::Vector(_) => Err(Hole("value".into())),
        };
        let low = c.min.as_ref().map(|e| self.number(e, env)).transpose()?;
        let high = c.max.as_ref().map(|e| self.number(e, env)).transpose()?;
        let truncated = low.is_some() || high.is_some();
        let (low, high) = (low.unwrap_or(f64::NEG_INFINITY), high.unwrap_or(f64::INFINITY));
        let mut number = |name: &str| match c.arg(name) {
            Some(e) => self.number(e, env).map(Some),
            None => Ok(None),
        };
        let invalid = |_| Hole("parameters outside their domain".into());
        macro_rules! univariate {
            ($law:expr, $x:expr) => {{
                let (law, x) = ($law, $x);
                if truncated {
                    dist::Truncated::new(law, low, high).log_density(x)
                } else {
                    law.log_density(x)
                }
            }};
        }
        macro_rules! ways {
            ($($name:literal => $make:expr),+ $(,)?) => {{
                let mut law = None;
                $(if let Some(x) = number($name)? { law = Some($make(x)); })+
                law.ok_or_else(|| Hole("argument".into()))?
            }};
        }
        let need = |x: Option<f64>| x.ok_or_else(|| Hole("argument".into()));
        Ok(match c.family.name {
            "Normal" if !kind.axes().is_empty() => return self.normal(c, &vector()?, env),
            "Normal" => {
                let mean = need(number("mean")?)?;
                let law = ways!("var" => |v| dist::Normal::mean_var(mean, v), "sd" => |v| dist::Normal::mean_sd(mean, v),
                    "prec" => |v| dist::Normal::mean_prec(mean, v), "cov" => |v| dist::Normal::mean_var(mean, v));
                univariate!(law, scalar()?)
            }
            "Gamma" => {
                let shape = need(number("shape")?)?;
                let law = ways!("rate" => |r| dist::Gamma::shape_rate(shape, r), "scale" => |s| dist::Gamma::shape_scale(shape, s));
                univariate!(law, scalar()?)
            }
            "InverseGamma" => {
                let law = dist::InverseGamma::shape_scale(need(number("shape")?)?, need(number("scale")?)?);
                univariate!(law, scalar()?)
            }
            "Exponential" => {
                let law = ways!("rate" => dist::Exponential::rate, "mean" => dist::Exponential::mean);
                univariate!(law, scalar()?)
            }
            "Beta" => univariate!(dist::Beta::a_b(need(number("a")?)?, need(number("b")?)?), scalar()?),
            "Dirichlet" => {
                let x = vector()?;
                let a = match self.value(c.arg("a").ok_or_else(|| Hole("a".into()))?, env)? {
                    Value::Number(a) => vec![a; x.len()],
                    Value::Vector(a) => a,
                    Value::Matrix(_) => return Err(Hole("a".into())),
                };
                dist::Dirichlet::a(&a).log_density(&x)
            }
            "Categorical" => {
                let x = scalar()? as usize;
                let (e, logit) = match c.arg("p") {
                    Some(e) => (e, false),
                    None => (c.arg("logit").ok_or_else(|| Hole("p".into()))?, true),
                };
                let Value::Vector(p) = self.value(e, env)? else { return Err(Hole("p".into())) };
                if logit {
                    dist::Categorical::logit(&p).log_density(x)
                } else {
                    // A vector that sums to 1 only up to rounding is a Simplex here.
                    p.get(x).map_or(f64::NEG_INFINITY, |p| p.ln())
                }
            }
            "Bernoulli" => {
                let law = ways!("p" => dist::Bernoulli::p, "logit" => dist::Bernoulli::logit, "probit" => dist::Bernoulli::probit);
                law.log_density(scalar()? != 0.0)
            }
            "Binomial" => {
                let n = need(number("n")?)? as u64;
                let law =
                    ways!("p" => |p| dist::Binomial::n_p(n, p), "logit" => |e| dist::Binomial::n_logit(n, e));
                univariate!(law, scalar()? as u64)
            }
            "Multinomial" => {
                let n = need(number("n")?)? as u64;
                let Value::Vector(p) = self.value(c.arg("p").ok_or_else(|| Hole("p".into()))?, env)? else {
                    return Err(Hole("p".into()));
                };
                let x: Vec<u64> = vector()?.iter().map(|x| *x as u64).collect();
                dist::Multinomial::n_p(n, &p).log_density(&x)
            }
            "Poisson" => {
                let law = ways!("rate" => dist::Poisson::rate, "log" => dist::Poisson::log);
                univariate!(law, scalar()? as u64)
            }
            "NegativeBinomial" => {
                let law = dist::NegativeBinomial::mean_dispersion(
                    need(number("mean")?)?,
                    need(number("dispersion")?)?,
                );
                univariate!(law, scalar()? as u64)
            }
            "Geometric" => univariate!(dist::Geometric::p(need(number("p")?)?), scalar()? as u64),
            "Uniform" if kind.is_finite() => -(self.world.states(self.model, s.array, at) as f64).ln(),
            "Uniform" => dist::Uniform::a_b(need(number("a")?)?, need(number("b")?)?).log_density(scalar()?),
            "Wishart" => {
                let (x, dof) = (matrix()?, need(number("dof")?)?);
                let scale = self.scale(c, "scale", x.nrows(), env)?;
                dist::Wishart::dof_scale(dof, &scale).map_err(invalid)?.log_density(&x)
            }
            "InverseWishart" => {
                let (x, dof) = (matrix()?, need(number("dof")?)?);
                let scale = self.scale(c, "scale", x.nrows(), env)?;
                dist::InverseWishart::dof_scale(dof, &scale).map_err(invalid)?.log_density(&x)
            }
            "StudentT" => {
                let (m, s, d) = (need(number("mean")?)?, need(number("scale")?)?, need(number("dof")?)?);
                univariate!(dist::StudentT::mean_scale_dof(m, s, d), scalar()?)
            }
            "Laplace" => {
                univariate!(
                    dist::Laplace::mean_scale(need(number("mean")?)?, need(number("scale")?)?),
                    scalar()?
                )
            }
            "Cauchy" => {
                univariate!(
                    dist::Cauchy::mean_scale(need(number("mean")?)?, need(number("scale")?)?),
                    scalar()?
                )
            }
            "LogNormal" => {
                let mean = need(number("mean")?)?;
                let law = ways!("var" => |v| dist::LogNormal::mean_var(mean, v), "sd" => |v| dist::LogNormal::mean_sd(mean, v),
                    "prec" => |v| dist::LogNormal::mean_prec(mean, v));
                univariate!(law, scalar()?)
            }
            "Constant" => dist::Constant::value(need(number("value")?)?).log_density(scalar()?),
            "Flat" => 0.0,
            other => return Err(Hole(format!("the oracle does not know {other}"))),
        })
    }

    fn normal(&self, c: &FamilyCall, x: &[f64], env: &mut Env) -> Known<f64> {
        let n = x.len();
        let mean = match self.value(c.arg("mean").ok_or_else(|| Hole("mean".into()))?, env)? {
            Value::Number(m) => vec![m; n],
            Value::Vector(m) => m,
            Value::Matrix(_) => return Err(Hole("mean".into())),
        };
        let (name, e) = ["var", "sd", "prec", "cov", "chol"]
            .into_iter()
            .find_map(|w| c.arg(w).map(|e| (w, e)))
            .ok_or_else(|| Hole("scale".into()))?;
        let invalid = |_| Hole("scale outside its domain".into());
        if mean.len() != n {
            return Err(Hole("lengths differ".into()));
        }
        let diagonal = match self.value(e, env)? {
            Value::Number(v) => vec![v; n],
            Value::Vector(v) => v,
            Value::Matrix(m) => {
                let law = match name {
                    "prec" => dist::MvNormal::mean_prec(&mean, &m),
                    "chol" => dist::MvNormal::mean_chol(&mean, &m),
                    _ => dist::MvNormal::mean_cov(&mean, &m),
                };
                return Ok(law.map_err(invalid)?.log_density(x));
            }
        };
        let law = match name {
            "prec" => dist::DiagNormal::mean_prec(&mean, &diagonal),
            "sd" | "chol" => dist::DiagNormal::mean_sd(&mean, &diagonal),
            _ => dist::DiagNormal::mean_var(&mean, &diagonal),
        };
        Ok(law.map_err(invalid)?.log_density(x))
    }

    fn scale(&self, c: &FamilyCall, name: &str, n: usize, env: &mut Env) -> Known<DMatrix<f64>> {
        let v = match self.value(c.arg(name).ok_or_else(|| Hole("scale".into()))?, env)? {
            Value::Matrix(m) => return Ok(m),
            Value::Number(x) => vec![x; n],
            Value::Vector(v) => v,
        };
        Ok(DMatrix::from_fn(n, n, |i, j| if i == j { v[i] } else { 0.0 }))
    }

    /// Whether every constraint holds.
    pub fn feasible(&self) -> Known<bool> {
        for c in &self.model.constraints {
            for mut env in self.bindings(&c.binds, &c.guards)? {
                let mut left = self.number(&c.first, &mut env)?;
                for (op, e) in &c.rest {
                    let right = self.number(e, &mut env)?;
                    let holds = match op {
                        Compare::Lt => left < right,
                        Compare::Le => left <= right,
                        Compare::Gt => left > right,
                        Compare::Ge => left >= right,
                        Compare::Eq => left == right,
                        Compare::Ne => left != right,
                    };
                    if !holds {
                        return Ok(false);
                    }
                    left = right;
                }
            }
        }
        Ok(true)
    }
}

fn neutral(op: Reducer) -> f64 {
    match op {
        Reducer::Sum | Reducer::Any => 0.0,
        Reducer::Prod | Reducer::All => 1.0,
    }
}
