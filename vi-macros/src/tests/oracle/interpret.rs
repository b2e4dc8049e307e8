//! An interpreter of the symbolic densities on a ground model: polynomials, monomials and residuals, taken literally.

use super::world::{Hole, Known, World, is_cholesky};
use crate::density::interval::Interval;
use crate::density::normal_form::{Atom, Monomial, Stat};
use crate::density::poly::{Factor, Func, MatrixRef, Poly, Term};
use crate::density::statement::{Case, Compared, Form, Residual, Scale, StatementDensity};
use crate::density::symbol::{Cmp, Cond, Elem, Ix, IxTerm, Var};
use crate::model::ir::{ArrayId, Model};
use vi_core::linalg::Cholesky;
use vi_core::prelude::DMatrix;
use vi_core::special;

pub struct Interpreter<'a> {
    pub model: &'a Model,
    pub world: &'a World,
    env: Vec<(Var, i64)>,
}

type Visit<'v> = &'v mut dyn FnMut(&mut Interpreter) -> Known<()>;

impl<'a> Interpreter<'a> {
    pub fn new(model: &'a Model, world: &'a World) -> Self {
        Interpreter { model, world, env: vec![] }
    }

    pub fn bind(&mut self, v: &Var, at: i64) {
        self.env.push((v.clone(), at));
    }

    pub fn ix(&self, i: &Ix) -> Known<i64> {
        let mut out = i.offset;
        for (c, t) in &i.terms {
            out += c * match t {
                IxTerm::Var(v) => {
                    let bound = self.env.iter().rev().find(|(u, _)| u == v);
                    bound.ok_or_else(|| Hole(format!("{v:?} is free")))?.1
                }
                IxTerm::Size(s, over) => self.world.size(*s, &self.all(over)?),
                IxTerm::Read(e) => self.elem(e)? as i64,
            };
        }
        Ok(out)
    }

    fn all(&self, ix: &[Ix]) -> Known<Vec<i64>> {
        ix.iter().map(|i| self.ix(i)).collect()
    }

    fn elem(&self, e: &Elem) -> Known<f64> {
        self.world.read(e.array, &self.all(&e.indices)?)
    }

    pub fn cond(&self, c: &Cond) -> Known<bool> {
        Ok(match c {
            Cond::Compare(op, a, b) => {
                let (a, b) = (self.ix(a)?, self.ix(b)?);
                match op {
                    Cmp::Eq => a == b,
                    Cmp::Ne => a != b,
                    Cmp::Lt => a < b,
                    Cmp::Le => a <= b,
                }
            }
            Cond::Read(e) => self.elem(e)? != 0.0,
            Cond::Not(c) => !self.cond(c)?,
            Cond::And(cs) => {
                for c in cs {
                    if !self.cond(c)? {
                        return Ok(false);
                    }
                }
                true
            }
            Cond::Or(cs) => {
                for c in cs {
                    if self.cond(c)? {
                        return Ok(true);
                    }
                }
                false
            }
            Cond::Always => true,
        })
    }

    fn conds(&self, cs: &[Cond]) -> Known<bool> {
        for c in cs {
            if !self.cond(c)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Runs over every value of the indices, each once those its range depends on are bound.
    fn over(&mut self, vars: &[Var], visit: Visit) -> Known<()> {
        let depends = |v: &Var, u: &Var| v.low.mentions(u) || v.high.mentions(u);
        let Some(next) = vars.iter().position(|v| !vars.iter().any(|u| u != v && depends(v, u))) else {
            return match vars.is_empty() {
                true => visit(self),
                false => Err(Hole("ranges depend on one another".into())),
            };
        };
        let v = vars[next].clone();
        let rest: Vec<Var> = vars.iter().filter(|u| **u != v).cloned().collect();
        let (low, high) = (self.ix(&v.low)?, self.ix(&v.high)?);
        for i in low..high {
            self.env.push((v.clone(), i));
            let done = self.over(&rest, visit);
            self.env.pop();
            done?;
        }
        Ok(())
    }

    pub fn poly(&mut self, p: &Poly) -> Known<f64> {
        let mut out = 0.0;
        for t in &p.0 {
            out += self.term(t)?;
        }
        Ok(out)
    }

    fn term(&mut self, t: &Term) -> Known<f64> {
        let mut out = 0.0;
        self.over(&t.sums, &mut |me| {
            if me.conds(&t.guard)? {
                out += me.product(t)?;
            }
            Ok(())
        })?;
        Ok(out)
    }

    fn product(&mut self, t: &Term) -> Known<f64> {
        // What is switched off is not looked at.
        for (f, _) in &t.factors {
            if let Factor::Iverson(c) = f
                && !self.cond(c)?
            {
                return Ok(0.0);
            }
        }
        let mut out = t.coef.0;
        for (f, e) in &t.factors {
            let x = self.factor(f)?;
            out *= if e.den == 1 { x.powi(e.num as i32) } else { x.powf(e.value()) };
        }
        Ok(out)
    }

    fn factor(&mut self, f: &Factor) -> Known<f64> {
        Ok(match f {
            Factor::Index(i) => self.ix(i)? as f64,
            Factor::Elem(e) => self.elem(e)?,
            Factor::LogDet(m) => log_det(&self.matrix(m)?)?,
            Factor::Inverse(m, i, j) => {
                let (i, j) = (self.ix(i)?, self.ix(j)?);
                entry(&inverse(&self.matrix(m)?)?, i, j)?
            }
            Factor::Gram(m, i, j) => {
                let (i, j) = (self.ix(i)?, self.ix(j)?);
                entry(&self.matrix(m)?, i, j)?
            }
            Factor::Iverson(c) => f64::from(self.cond(c)?),
            Factor::Apply(g, args) => self.apply(*g, args)?,
            Factor::Paren(p) => self.poly(p)?,
            Factor::Product(v, c, p) => {
                let mut out = 1.0;
                self.over(std::slice::from_ref(v), &mut |me| {
                    if me.cond(c)? {
                        out *= me.poly(p)?;
                    }
                    Ok(())
                })?;
                out
            }
            Factor::Infinity => f64::INFINITY,
        })
    }

    fn apply(&mut self, g: Func, args: &[Poly]) -> Known<f64> {
        let x: Known<Vec<f64>> = args.iter().map(|a| self.poly(a)).collect();
        let x = x?;
        Ok(match g {
            Func::Log => x[0].ln(),
            Func::Exp => x[0].exp(),
            Func::LGamma => special::lgamma(x[0]),
            Func::Digamma => special::digamma(x[0]),
            Func::Trigamma => special::trigamma(x[0]),
            Func::LGammaD => {
                // π^(d(d−1)/4) Π Γ(x + (1 − j)/2)
                let d = x[0];
                let steps = (0..d as i64).map(|j| special::lgamma(x[1] - j as f64 / 2.0)).sum::<f64>();
                d * (d - 1.0) / 4.0 * std::f64::consts::PI.ln() + steps
            }
            Func::Softplus => x[0].max(0.0) + (-x[0].abs()).exp().ln_1p(),
            Func::Sigmoid => 1.0 / (1.0 + (-x[0]).exp()),
            Func::LogPhi => special::normal_log_cdf(x[0]),
            Func::Abs => x[0].abs(),
            Func::LogInside => special::log_inside(x[0], x[1], x[2]),
            Func::InverseMills => special::inverse_mills(x[0]),
            Func::Sign => x[0].signum(),
            Func::PhiIntervalSlope => special::normal_interval_slope(x[0], x[1], x[2]),
            Func::LogPhiInterval => special::log_normal_interval(x[0], x[1]),
            Func::LogGammaInterval => special::log_gamma_interval(x[0], x[1], x[2]),
            Func::LogBetaInterval => special::log_beta_interval(x[0], x[1], x[2], x[3]),
            Func::LogPoissonInterval => special::log_poisson_interval(x[0], x[1], x[2]),
            Func::LogBinomialInterval => special::log_binomial_interval(x[0], x[1], x[2], x[3]),
            Func::LogNegativeBinomialInterval => {
                special::log_negative_binomial_interval(x[0], x[1], x[2], x[3])
            }
            Func::LogStudentInterval => special::log_student_interval(x[0], x[1], x[2]),
            Func::LogLaplaceInterval => special::log_laplace_interval(x[0], x[1]),
            Func::LogCauchyInterval => special::log_cauchy_interval(x[0], x[1]),
            Func::IntervalSlope(law, i) => interval_derivative(law, &x, i, None),
            Func::IntervalCurvature(law, i, j) => interval_derivative(law, &x, i, Some(j)),
        })
    }

    /// The matrix a reference stands for: of a Cholesky factor L, the matrix L Lᵀ.
    fn matrix(&self, m: &MatrixRef) -> Known<DMatrix<f64>> {
        let dim = self.ix(&m.dim)?;
        self.matrix_at(m.array, &self.all(&m.plates)?, dim, m.cholesky)
    }

    fn matrix_at(&self, a: ArrayId, plates: &[i64], dim: i64, cholesky: bool) -> Known<DMatrix<f64>> {
        let mut out = DMatrix::zeros(dim as usize, dim as usize);
        for i in 0..dim {
            for j in 0..dim {
                let at: Vec<i64> = plates.iter().copied().chain([i, j]).collect();
                out[(i as usize, j as usize)] = self.world.read(a, &at)?;
            }
        }
        Ok(if cholesky { &out * out.transpose() } else { out })
    }

    /// The residual form of a case, its square not expanded.
    pub fn case(&mut self, case: &Case) -> Known<f64> {
        let form = match &case.form {
            Form::Terms(p) => self.poly(p)?,
            Form::Normal(r) => self.residual(r)?,
            Form::Equal { value, to } => match self.compared(value)? == self.compared(to)? {
                true => 0.0,
                false => f64::NEG_INFINITY,
            },
            Form::Flat => 0.0,
        };
        Ok(form + self.poly(&case.normaliser)?)
    }

    fn compared(&mut self, c: &Compared) -> Known<f64> {
        match c {
            Compared::Index(i) => Ok(self.ix(i)? as f64),
            Compared::Number(p) => self.poly(p),
        }
    }

    fn residual(&mut self, r: &Residual) -> Known<f64> {
        let log_two_pi = (2.0 * std::f64::consts::PI).ln();
        let Some(event) = r.event.clone() else {
            let Scale::Diagonal(prec) = &r.scale else { return Err(Hole("scale".into())) };
            let (rho, prec) = (self.poly(&r.rho)?, self.poly(prec)?);
            return Ok(-0.5 * prec * rho * rho + 0.5 * prec.ln() - 0.5 * log_two_pi);
        };
        let mut rho = vec![];
        let mut diagonal = vec![];
        self.over(std::slice::from_ref(&event), &mut |me| {
            rho.push(me.poly(&r.rho)?);
            if let Scale::Diagonal(p) = &r.scale {
                diagonal.push(me.poly(p)?);
            }
            Ok(())
        })?;
        let d = rho.len() as f64;
        match &r.scale {
            Scale::Diagonal(_) => {
                Ok(rho.iter().zip(&diagonal).map(|(r, p)| -0.5 * p * r * r + 0.5 * p.ln()).sum::<f64>()
                    - 0.5 * d * log_two_pi)
            }
            Scale::Dense { factor, matrix, inverse: inverted } => {
                let factor = self.poly(factor)?;
                let m = self.matrix(matrix)?;
                let (prec, sign) = if *inverted { (inverse(&m)?, -0.5) } else { (m.clone(), 0.5) };
                let mut square = 0.0;
                for (i, a) in rho.iter().enumerate() {
                    for (j, b) in rho.iter().enumerate() {
                        square += a * b * prec[(i, j)];
                    }
                }
                Ok(-0.5 * factor * square + sign * log_det(&m)? + 0.5 * d * factor.ln()
                    - 0.5 * d * log_two_pi)
            }
        }
    }

    /// A statement by its cases: the gathered values are those of the ground model.
    pub fn statement(&mut self, d: &StatementDensity) -> Known<f64> {
        let mut out = 0.0;
        self.over(&d.vars, &mut |me| {
            let before = me.env.len();
            let found = me.instance(d);
            me.env.truncate(before);
            out += found?;
            Ok(())
        })?;
        Ok(out)
    }

    fn instance(&mut self, d: &StatementDensity) -> Known<f64> {
        // A guard may not read what is gathered.
        if !self.conds(&d.guards)? {
            return Ok(0.0);
        }
        self.gather(d)?;
        let copies = self.copies(&d.repeat)?;
        if copies == 0.0 {
            return Ok(0.0);
        }
        let mut out = 0.0;
        for case in &d.cases {
            if self.conds(&case.when)? {
                out += self.case(case)?;
            }
        }
        Ok(copies * out)
    }

    fn gather(&mut self, d: &StatementDensity) -> Known<()> {
        let mut left: Vec<_> = d.gathers.iter().collect();
        while !left.is_empty() {
            // One that is read at the value of another waits for it.
            let waits = |me: &Self, e: &Elem| e.indices.iter().any(|i| me.ix(i).is_err());
            let next = left
                .iter()
                .position(|g| !waits(self, &g.elem))
                .ok_or_else(|| Hole("a gathered element is out of range".into()))?;
            let g = left.remove(next);
            let at = self.elem(&g.elem)? as i64;
            self.env.push((g.var.clone(), at));
        }
        Ok(())
    }

    fn copies(&self, repeat: &[Elem]) -> Known<f64> {
        repeat.iter().map(|e| self.elem(e)).product()
    }

    /// One monomial, summed over its indices.
    pub fn monomial(&mut self, m: &Monomial, d: &StatementDensity) -> Known<f64> {
        let mut out = 0.0;
        let hard = matches!(d.cases[m.case].form, Form::Equal { .. });
        // The sum over a gathered value has one term: [v = k] is not 0 at the value of v alone.
        let gathered = |v: &Var| d.gathers.iter().any(|g| g.var == *v);
        let (values, plates): (Vec<Var>, Vec<Var>) = m.vars.iter().cloned().partition(gathered);
        let free: Vec<Var> = plates
            .iter()
            .filter(|v| !values.iter().any(|u| v.low.mentions(u) || v.high.mentions(u)))
            .cloned()
            .collect();
        let late: Vec<Var> = plates.iter().filter(|v| !free.contains(v)).cloned().collect();
        self.over(&free, &mut |me| {
            let before = me.env.len();
            let found = me.inside(m, d, &values, &late, hard);
            me.env.truncate(before);
            out += found?;
            Ok(())
        })?;
        Ok(out)
    }

    fn inside(
        &mut self,
        m: &Monomial,
        d: &StatementDensity,
        values: &[Var],
        late: &[Var],
        hard: bool,
    ) -> Known<f64> {
        // Guards that can be told without a gathered value come first: what they exclude may not exist.
        for g in &m.guards {
            let mut waits = false;
            g.visit_vars(&mut |v| waits |= values.contains(v) || late.contains(v));
            if !waits && !self.cond(g)? {
                return Ok(0.0);
            }
        }
        // Each gathered value of the monomial needs its indicator.
        let mut left: Vec<&Var> = values.iter().collect();
        while !left.is_empty() {
            let ready = left.iter().position(|v| {
                let g = d.gathers.iter().find(|g| g.var == **v);
                g.is_some_and(|g| g.elem.indices.iter().all(|i| self.ix(i).is_ok()))
            });
            let v = left.remove(ready.ok_or_else(|| Hole("a gathered element is out of range".into()))?);
            let g = d.gathers.iter().find(|g| g.var == *v).ok_or_else(|| Hole("gather".into()))?;
            let stands = m.atoms.iter().any(|a| is_indicator_of(a, &g.elem));
            if !stands {
                return Err(Hole(format!("{v:?} is summed over without its indicator")));
            }
            let at = self.elem(&g.elem)? as i64;
            self.env.push((v.clone(), at));
        }
        let mut out = 0.0;
        self.over(late, &mut |me| {
            if me.conds(&m.guards)? {
                out += me.value(m, d, values, hard)?;
            }
            Ok(())
        })?;
        Ok(out)
    }

    fn value(&mut self, m: &Monomial, d: &StatementDensity, values: &[Var], hard: bool) -> Known<f64> {
        let copies = self.copies(&m.copies)?;
        if copies == 0.0 {
            return Ok(0.0);
        }
        if hard {
            return Ok(copies * self.case(&d.cases[m.case])?);
        }
        // Numbers that are switches come first, as everywhere.
        let mut out = copies * self.poly(&m.coefficient)?;
        if out == 0.0 {
            return Ok(0.0);
        }
        let mut seen: Vec<&Poly> = vec![];
        for a in &m.atoms {
            let is_value = d.gathers.iter().any(|g| values.contains(&g.var) && is_indicator_of(a, &g.elem));
            if is_value {
                continue;
            }
            if let Stat::Opaque(p) = &a.stat {
                // One factor of several elements is one atom of each.
                if !seen.contains(&p) {
                    out *= self.poly(p)?;
                    seen.push(p);
                }
                continue;
            }
            out *= self.atom(a)?;
        }
        Ok(out)
    }

    fn atom(&self, a: &Atom) -> Known<f64> {
        let mut at = self.all(&a.plates)?;
        let plates = at.clone();
        at.extend(self.all(&a.events)?);
        let dim = || {
            let axes = self.model.arrays[a.array.0].elem.kind.axes();
            axes.first().map_or(Ok(1), |x| self.world.length(&x.length, &plates))
        };
        let whole = || self.matrix_at(a.array, &plates, dim()?, is_cholesky(self.model, a.array));
        Ok(match &a.stat {
            Stat::Indicator => self.world.read(a.array, &at)?,
            Stat::Power(e) => {
                let x = self.world.read(a.array, &at)?;
                if e.den == 1 { x.powi(e.num as i32) } else { x.powf(e.value()) }
            }
            Stat::Log => self.world.read(a.array, &at)?.ln(),
            Stat::Log1m => (-self.world.read(a.array, &at)?).ln_1p(),
            Stat::LogDet => log_det(&whole()?)?,
            Stat::Inverse => {
                let (i, j) = (self.ix(&a.events[0])?, self.ix(&a.events[1])?);
                entry(&inverse(&whole()?)?, i, j)?
            }
            Stat::Opaque(_) => return Err(Hole("an opaque atom".into())),
        })
    }
}

fn is_indicator_of(a: &Atom, e: &Elem) -> bool {
    a.array == e.array && a.plates.iter().chain(&a.events).eq(e.indices.iter()) && a.stat == Stat::Indicator
}

fn factored(m: &DMatrix<f64>) -> Known<Cholesky> {
    Cholesky::new(m).map_err(|_| Hole("not positive definite".into()))
}

fn log_det(m: &DMatrix<f64>) -> Known<f64> {
    Ok(factored(m)?.log_det())
}

fn inverse(m: &DMatrix<f64>) -> Known<DMatrix<f64>> {
    Ok(factored(m)?.inverse())
}

fn entry(m: &DMatrix<f64>, i: i64, j: i64) -> Known<f64> {
    m.get((i as usize, j as usize)).copied().ok_or_else(|| Hole("an entry".into()))
}

/// The runtime's derivative of the log probability of an interval.
fn interval_derivative(law: Interval, x: &[f64], i: usize, j: Option<usize>) -> f64 {
    use special::*;
    match (law, j) {
        (Interval::Gamma, None) => gamma_interval_slope(i, x[0], x[1], x[2]),
        (Interval::Gamma, Some(j)) => gamma_interval_curvature(i, j, x[0], x[1], x[2]),
        (Interval::Beta, None) => beta_interval_slope(i, x[0], x[1], x[2], x[3]),
        (Interval::Beta, Some(j)) => beta_interval_curvature(i, j, x[0], x[1], x[2], x[3]),
        (Interval::Poisson, None) => poisson_interval_slope(i, x[0], x[1], x[2]),
        (Interval::Poisson, Some(j)) => poisson_interval_curvature(i, j, x[0], x[1], x[2]),
        (Interval::Binomial, None) => binomial_interval_slope(i, x[0], x[1], x[2], x[3]),
        (Interval::Binomial, Some(j)) => binomial_interval_curvature(i, j, x[0], x[1], x[2], x[3]),
        (Interval::NegativeBinomial, None) => negative_binomial_interval_slope(i, x[0], x[1], x[2], x[3]),
        (Interval::NegativeBinomial, Some(j)) => {
            negative_binomial_interval_curvature(i, j, x[0], x[1], x[2], x[3])
        }
        (Interval::Student, None) => student_interval_slope(i, x[0], x[1], x[2]),
        (Interval::Student, Some(j)) => student_interval_curvature(i, j, x[0], x[1], x[2]),
        (Interval::Laplace, None) => laplace_interval_slope(i, x[0], x[1]),
        (Interval::Laplace, Some(j)) => laplace_interval_curvature(i, j, x[0], x[1]),
        (Interval::Cauchy, None) => cauchy_interval_slope(i, x[0], x[1]),
        (Interval::Cauchy, Some(j)) => cauchy_interval_curvature(i, j, x[0], x[1]),
    }
}
