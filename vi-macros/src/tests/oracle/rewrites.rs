//! Rewrite rules and derivatives of polynomials, both sides evaluated at random points.

use super::compiled;
use super::interpret::Interpreter;
use super::world::World;
use crate::density::derive::derive;
use crate::density::interval::Interval;
use crate::density::poly::{Exponent, Func, Poly};
use crate::density::symbol::{Cmp, Cond, Elem, Ix, Var};
use crate::model::ir::{ArrayId, Model, Nominal};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const HOST: &str = "mod m(N) { latent p[n in N] ~ Gamma(shape: 2, rate: 1); latent r[n in N] ~ Normal(0, sd: 1); given c[n in N]: Category[N];
    observed y[n in N] ~ Normal(p[n] * r[c[n]], sd: 1); }";

struct Writer<'a> {
    rng: ChaCha8Rng,
    free: Vec<Var>,
    model: &'a Model,
    n: Ix,
}

impl<'a> Writer<'a> {
    fn new(model: &'a Model, seed: u64) -> Self {
        let size = model.arrays[0].plates[0].length.clone();
        let n = crate::density::symbol::length(&size, &[]);
        let free = vec![
            Var::new("i", Nominal::Literal(0), Ix::constant(0), n.clone()),
            Var::new("j", Nominal::Literal(0), Ix::constant(0), n.clone()),
        ];
        Writer { rng: ChaCha8Rng::seed_from_u64(seed), free, model, n }
    }

    fn array(&self, name: &str) -> ArrayId {
        ArrayId(self.model.arrays.iter().position(|a| a.name == name).expect("the host has it"))
    }

    fn index(&mut self, bound: &[Var]) -> Ix {
        let all: Vec<Var> = self.free.iter().chain(bound).cloned().collect();
        let v = Ix::var(&all[self.rng.random_range(0..all.len())]);
        match self.rng.random_range(0..5) {
            0 => Ix::term(crate::density::symbol::IxTerm::Read(Elem {
                array: self.array("c"),
                indices: vec![v],
            })),
            1 => Ix::constant(self.rng.random_range(0..2)),
            _ => v,
        }
    }

    fn cond(&mut self, bound: &[Var]) -> Cond {
        let (a, b) = (self.index(bound), self.index(bound));
        let op = [Cmp::Eq, Cmp::Ne, Cmp::Lt, Cmp::Le][self.rng.random_range(0..4)];
        match self.rng.random_range(0..6) {
            0 => Cond::Not(Box::new(Cond::Compare(op, a, b))),
            1 => Cond::And(vec![Cond::Compare(op, a.clone(), b.clone()), Cond::Compare(Cmp::Le, b, a)]),
            2 => Cond::Or(vec![Cond::Compare(op, a.clone(), b.clone()), Cond::Compare(Cmp::Eq, b, a)]),
            _ => Cond::Compare(op, a, b),
        }
    }

    /// Positive throughout.
    fn positive(&mut self, depth: usize, bound: &[Var]) -> Poly {
        match self.rng.random_range(0..if depth == 0 { 2 } else { 9 }) {
            0 => Poly::number([0.5, 2.0, 3.0][self.rng.random_range(0..3)]),
            1 => {
                let at = self.index(bound);
                Poly::elem(self.array("p"), vec![at])
            }
            2 | 3 => self.positive(depth - 1, bound).mul(&self.positive(depth - 1, bound)),
            4 => self.positive(depth - 1, bound).add(&self.positive(depth - 1, bound)),
            5 => self.positive(depth - 1, bound).recip(),
            6 => self.positive(depth - 1, bound).pow(Exponent::new(self.rng.random_range(1..4), 2)),
            7 => Poly::apply(Func::Exp, vec![self.real(depth - 1, bound).scale(0.2)]),
            _ => {
                let v = self.bound();
                let inner: Vec<Var> = bound.iter().cloned().chain([v.clone()]).collect();
                self.positive(depth - 1, &inner).sum_over(&v, &Cond::Always)
            }
        }
    }

    fn bound(&mut self) -> Var {
        let low = Ix::constant(self.rng.random_range(0..2));
        Var::new("k", Nominal::Literal(0), low, self.n.clone())
    }

    fn real(&mut self, depth: usize, bound: &[Var]) -> Poly {
        match self.rng.random_range(0..if depth == 0 { 2 } else { 10 }) {
            0 => Poly::number([-1.5, 0.5, 2.0][self.rng.random_range(0..3)]),
            1 => {
                let at = self.index(bound);
                Poly::elem(self.array("r"), vec![at])
            }
            2 | 3 => self.real(depth - 1, bound).mul(&self.real(depth - 1, bound)),
            4 => self.real(depth - 1, bound).sub(&self.real(depth - 1, bound)),
            5 => self.real(depth - 1, bound).pow(Exponent::int(self.rng.random_range(2..4))),
            6 => Poly::iverson(self.cond(bound)).mul(&self.real(depth - 1, bound)),
            7 => {
                let v = self.bound();
                let inner: Vec<Var> = bound.iter().cloned().chain([v.clone()]).collect();
                let guard = if self.rng.random_bool(0.5) { self.cond(&inner) } else { Cond::Always };
                self.real(depth - 1, &inner).sum_over(&v, &guard)
            }
            8 => {
                let f = [Func::Softplus, Func::Sigmoid, Func::LogPhi, Func::InverseMills]
                    [self.rng.random_range(0..4)];
                Poly::apply(f, vec![self.real(depth - 1, bound)])
            }
            _ => {
                let f = [Func::Log, Func::LGamma, Func::Digamma][self.rng.random_range(0..3)];
                Poly::apply(f, vec![self.positive(depth - 1, bound)])
            }
        }
    }
}

fn close(a: f64, b: f64, tolerance: f64) -> bool {
    a == b || (a - b).abs() <= tolerance * a.abs().max(b.abs()).max(1.0)
}

/// Runs `check` at random places with the two free indices bound; returns how often it could be carried out.
fn everywhere(
    cases: u64,
    check: impl Fn(&mut Writer, &World, [i64; 2]) -> Option<Result<(), String>>,
) -> usize {
    let c = compiled(HOST).expect("the host compiles");
    let mut done = 0;
    for seed in 0..cases {
        let world = World::draw(&c.model, seed, &|_| Some(3)).expect("a ground model");
        let mut w = Writer::new(&c.model, seed);
        let at = [w.rng.random_range(0..3), w.rng.random_range(0..3)];
        match check(&mut w, &world, at) {
            Some(Ok(())) => done += 1,
            Some(Err(e)) => panic!("case {seed}: {e}"),
            None => {}
        }
    }
    done
}

fn value(w: &Writer, world: &World, at: [i64; 2], p: &Poly) -> f64 {
    let mut i = Interpreter::new(w.model, world);
    w.free.iter().zip(at).for_each(|(v, x)| i.bind(v, x));
    i.poly(p).unwrap_or(f64::NAN)
}

#[test]
fn sums_products_and_powers_mean_what_they_say() {
    let done = everywhere(600, |w, world, at| {
        let (p, q) = (w.real(2, &[]), w.real(2, &[]));
        // A cube of a sum of sums is nine sums deep.
        let e =
            if p.0.len() > 2 || p.0.iter().any(|t| t.sums.len() > 1) { 1 } else { w.rng.random_range(1..4) };
        if p.0.len() * q.0.len() > 12 || p.0.iter().chain(&q.0).any(|t| t.sums.len() > 2) {
            return None;
        }
        let (x, y) = (value(w, world, at, &p), value(w, world, at, &q));
        if !(x.is_finite() && y.is_finite() && x.abs() < 1e4 && y.abs() < 1e4) {
            return None;
        }
        for (what, got, want) in [
            ("sum", value(w, world, at, &p.add(&q)), x + y),
            ("difference", value(w, world, at, &p.sub(&q)), x - y),
            ("product", value(w, world, at, &p.mul(&q)), x * y),
            ("square", value(w, world, at, &p.mul(&p)), x * x),
            ("power", value(w, world, at, &p.pow(Exponent::int(e))), x.powi(e as i32)),
        ] {
            if !close(got, want, 1e-9 * (1.0 + x.abs() + y.abs()).powi(3)) {
                return Some(Err(format!("{what}: {got} for {want}\n{p:?}\n{q:?}")));
            }
        }
        Some(Ok(()))
    });
    assert!(done > 400, "only {done}");
}

#[test]
fn logarithms_and_gamma_functions_are_pulled_apart_rightly() {
    let done = everywhere(600, |w, world, at| {
        let p = w.positive(3, &[]);
        let elem = w.array("p");
        let positive = |e: &Elem| e.array == elem;
        let x = value(w, world, at, &p);
        let cond = w.cond(&[]);
        let step = f64::from(w.rng.random_range(0..5));
        let pieces = Poly::iverson(cond.clone())
            .mul(&p)
            .add(&Poly::iverson(Cond::Not(Box::new(cond))).mul(&Poly::number(2.5)));
        if !(x.is_finite() && x > 1e-3 && x < 1e3) {
            return None;
        }
        let shifted = p.add(&Poly::number(step));
        let y = value(w, world, at, &pieces);
        for (what, got, want) in [
            ("log", value(w, world, at, &p.log(&positive)), x.ln()),
            ("reciprocal", value(w, world, at, &p.recip()), 1.0 / x),
            ("root", value(w, world, at, &p.pow(Exponent::new(1, 2))), x.sqrt()),
            ("log of pieces", value(w, world, at, &pieces.log(&positive)), y.ln()),
            (
                "lgamma",
                value(w, world, at, &Poly::lgamma(&shifted, &positive, &|e| e.array == elem)),
                vi_core::special::lgamma(x + step),
            ),
        ] {
            if !close(got, want, 1e-9) {
                return Some(Err(format!("{what}: {got} for {want}\n{p:?}")));
            }
        }
        Some(Ok(()))
    });
    assert!(done > 400, "only {done}");
}

#[test]
fn substitution_and_summation_mean_what_they_say() {
    let done = everywhere(800, |w, world, at| {
        let p = w.real(3, &[]);
        let by = match w.rng.random_range(0..3) {
            0 => Ix::constant(1),
            1 => Ix::var(&w.free[1].clone()),
            _ => w.index(&[]),
        };
        let i = w.free[0].clone();
        let mut inner = Interpreter::new(w.model, world);
        w.free.iter().zip(at).for_each(|(v, x)| inner.bind(v, x));
        let there = inner.ix(&by).ok()?;
        let want = value(w, world, [there, at[1]], &p);
        let got = value(w, world, at, &p.substitute(&i, &by));
        if !want.is_finite() {
            return None;
        }
        if !close(got, want, 1e-9) {
            return Some(Err(format!("substitution: {got} for {want}\n{p:?}\n{by:?}")));
        }
        let guard = if w.rng.random_bool(0.5) { w.cond(&[]) } else { Cond::Always };
        let mut want = 0.0;
        for k in 0..3 {
            let holds = value(w, world, [k, at[1]], &Poly::iverson(guard.clone()));
            want += if holds == 0.0 { 0.0 } else { value(w, world, [k, at[1]], &p) };
        }
        let got = value(w, world, at, &p.sum_over(&i, &guard));
        if !want.is_finite() {
            return None;
        }
        match close(got, want, 1e-9) {
            true => Some(Ok(())),
            false => Some(Err(format!("sum: {got} for {want}\n{p:?}\n{guard:?}"))),
        }
    });
    assert!(done > 500, "only {done}");
}

#[test]
fn derivatives_match_central_differences() {
    let done = everywhere(1500, |w, world, at| {
        let p = w.real(3, &[]);
        let name = if w.rng.random_bool(0.5) { "p" } else { "r" };
        let array = w.array(name);
        let k = w.rng.random_range(0..3);
        let d = derive(&p, array, &[Ix::constant(k)])?;
        let moved = |h: f64| {
            let mut other = world.clone();
            let x = world.read(array, &[k]).unwrap_or(f64::NAN);
            other.write(array, vec![k], x + h);
            value(w, &other, at, &p)
        };
        let h = 1e-3;
        let five = (moved(-2.0 * h) - 8.0 * moved(-h) + 8.0 * moved(h) - moved(2.0 * h)) / (12.0 * h);
        let coarse = (moved(h) - moved(-h)) / (2.0 * h);
        let got = value(w, world, at, &d);
        // Where the two differences do not agree, the function is too steep to tell.
        if !five.is_finite() || five.abs() > 1e4 || !close(five, coarse, 1e-3) {
            return None;
        }
        match close(got, five, 1e-6) {
            true => Some(Ok(())),
            false => Some(Err(format!("{got} for {five}\n{p:?}\nby {name}[{k}]\n{d:?}"))),
        }
    });
    println!("derivatives: {done} compared");
    assert!(done > 900, "only {done}");
}

#[test]
fn derivatives_of_intervals_match_central_differences() {
    let done = everywhere(600, |w, world, at| {
        let (reals, positives) = (w.array("r"), w.array("p"));
        let r = |n: i64| Poly::elem(reals, vec![Ix::constant(n)]);
        let p = |n: i64| Poly::elem(positives, vec![Ix::constant(n)]);
        let (low, high) = (r(0).sub(&p(0)), r(0).add(&p(1)).add(&p(2).mul(&r(1)).pow(Exponent::int(2))));
        // Bounds of a positive law, and of one on the unit interval.
        let (from, to) = (p(0), p(0).add(&p(1)));
        let unit = |x: &Poly| x.mul(&x.add(&p(2)).recip());
        let number = Poly::number;
        let slope = |law, n| Func::IntervalSlope(law, n);
        let interval = match w.rng.random_range(0..14) {
            0 => Poly::apply(Func::LogPhiInterval, vec![low, high]),
            1 => Poly::apply(Func::PhiIntervalSlope, vec![r(2), low, high]),
            2 => Poly::apply(Func::LogPhiInterval, vec![low, Poly::infinity(1.0)]),
            3 => Poly::apply(Func::LogGammaInterval, vec![p(2), from, to]),
            4 => Poly::apply(slope(Interval::Gamma, w.rng.random_range(0..3)), vec![p(2), from, to]),
            5 => Poly::apply(Func::LogBetaInterval, vec![p(2), p(1), unit(&from), unit(&to)]),
            6 => Poly::apply(slope(Interval::Beta, 0), vec![p(2), p(1), unit(&from), unit(&to)]),
            7 => Poly::apply(Func::LogPoissonInterval, vec![to, number(1.0), number(6.0)]),
            8 => Poly::apply(slope(Interval::Poisson, 0), vec![to, number(2.0), number(4.0)]),
            9 => {
                Poly::apply(Func::LogBinomialInterval, vec![number(9.0), unit(&to), number(1.0), number(9.0)])
            }
            10 => Poly::apply(
                slope(Interval::NegativeBinomial, w.rng.random_range(0..2)),
                vec![to, from, number(1.0), Poly::infinity(1.0)],
            ),
            11 => Poly::apply(Func::LogStudentInterval, vec![number(4.0), low, high]),
            12 => Poly::apply(Func::LogLaplaceInterval, vec![low, high]),
            _ => Poly::apply(slope(Interval::Cauchy, 1), vec![low, high]),
        };
        let name = if w.rng.random_bool(0.5) { "p" } else { "r" };
        let (array, k) = (w.array(name), w.rng.random_range(0..3));
        let d = derive(&interval, array, &[Ix::constant(k)])?;
        let moved = |h: f64| {
            let mut other = world.clone();
            other.write(array, vec![k], world.read(array, &[k]).unwrap_or(f64::NAN) + h);
            value(w, &other, at, &interval)
        };
        let h = 1e-3;
        let want = (moved(-2.0 * h) - 8.0 * moved(-h) + 8.0 * moved(h) - moved(2.0 * h)) / (12.0 * h);
        let got = value(w, world, at, &d);
        match close(got, want, 1e-6) {
            true => Some(Ok(())),
            false => Some(Err(format!("{got} for {want} by {name}[{k}]: {interval:?}"))),
        }
    });
    assert!(done > 450, "only {done}");
}
