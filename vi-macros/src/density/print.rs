//! Symbols as text, for documentation and messages.

use super::poly::{Exponent, Factor, Func, Poly, Term};
use super::symbol::{Cmp, Cond, Elem, Ix, IxTerm};
use crate::model::ir::{ArrayId, Model};

pub fn poly(p: &Poly, m: &Model) -> String {
    if p.0.is_empty() {
        return "0".into();
    }
    let mut out = String::new();
    for (n, t) in p.0.iter().enumerate() {
        let (negative, body) = term(t, m);
        out.push_str(match (n, negative) {
            (0, false) => "",
            (0, true) => "−",
            (_, false) => " + ",
            (_, true) => " − ",
        });
        out.push_str(&body);
    }
    out
}

fn term(t: &Term, m: &Model) -> (bool, String) {
    let mut parts = vec![];
    let size = t.coef.0.abs();
    if size == 0.5 {
        parts.push("½".to_string());
    } else if size != 1.0 || t.factors.is_empty() {
        // Twelve digits: what was typed, without the rounding of a difference.
        parts.push(format!("{}", (size * 1e12).round() / 1e12));
    }
    for (f, e) in &t.factors {
        let base = factor(f, m);
        parts.push(match (e.num, e.den) {
            (1, 1) => base,
            (2, 1) => format!("{base}²"),
            (-1, 1) => format!("{base}⁻¹"),
            (-2, 1) => format!("{base}⁻²"),
            (1, 2) => format!("√{base}"),
            (n, 1) => format!("{base}^{n}"),
            (n, d) => format!("{base}^({n}/{d})"),
        });
    }
    let sums: String = t.sums.iter().map(|v| format!("Σ_{} ", v.name)).collect();
    let guard = if t.guard.is_empty() {
        String::new()
    } else {
        format!("[{}] ", t.guard.iter().map(|c| cond(c, m)).collect::<Vec<_>>().join(" and "))
    };
    (t.coef.0 < 0.0, format!("{sums}{guard}{}", parts.join(" ")))
}

fn name(a: ArrayId, m: &Model) -> String {
    m.arrays[a.0].name.to_string()
}

pub fn elem(e: &Elem, m: &Model) -> String {
    if e.indices.is_empty() {
        return name(e.array, m);
    }
    format!("{}[{}]", name(e.array, m), e.indices.iter().map(|i| index(i, m)).collect::<Vec<_>>().join(", "))
}

pub fn index(i: &Ix, m: &Model) -> String {
    let mut out = String::new();
    for (c, t) in &i.terms {
        let text = match t {
            IxTerm::Var(v) => v.name.clone(),
            IxTerm::Size(s, args) => {
                let name = m.sizes[s.0].name.to_string();
                if args.is_empty() {
                    name
                } else {
                    format!("{name}[{}]", args.iter().map(|a| index(a, m)).collect::<Vec<_>>().join(", "))
                }
            }
            IxTerm::Read(e) => elem(e, m),
        };
        let sign = if *c < 0 {
            "-"
        } else if out.is_empty() {
            ""
        } else {
            "+"
        };
        let times = if c.abs() == 1 { String::new() } else { c.abs().to_string() };
        out.push_str(&format!("{sign}{times}{text}"));
    }
    match (out.is_empty(), i.offset) {
        (true, o) => o.to_string(),
        (false, 0) => out,
        (false, o) => format!("{out}{o:+}"),
    }
}

pub fn cond(c: &Cond, m: &Model) -> String {
    match c {
        Cond::Compare(op, a, b) => {
            let op = match op {
                Cmp::Eq => "=",
                Cmp::Ne => "≠",
                Cmp::Lt => "<",
                Cmp::Le => "≤",
            };
            format!("{} {op} {}", index(a, m), index(b, m))
        }
        Cond::Read(e) => elem(e, m),
        Cond::Not(c) => format!("not ({})", cond(c, m)),
        Cond::And(cs) => cs.iter().map(|c| cond(c, m)).collect::<Vec<_>>().join(" and "),
        Cond::Or(cs) => cs.iter().map(|c| cond(c, m)).collect::<Vec<_>>().join(" or "),
        Cond::Always => "true".into(),
    }
}

fn factor(f: &Factor, m: &Model) -> String {
    match f {
        Factor::Index(i) => {
            let text = index(i, m);
            if i.terms.len() + usize::from(i.offset != 0) > 1 { format!("({text})") } else { text }
        }
        Factor::Elem(e) => elem(e, m),
        Factor::LogDet(x) => {
            format!("log det {}", elem(&Elem { array: x.array, indices: x.plates.clone() }, m))
        }
        Factor::Inverse(x, i, j) => {
            format!(
                "{}⁻¹[{}, {}]",
                elem(&Elem { array: x.array, indices: x.plates.clone() }, m),
                index(i, m),
                index(j, m)
            )
        }
        Factor::Gram(x, i, j) => {
            let l = elem(&Elem { array: x.array, indices: x.plates.clone() }, m);
            format!("({l} {l}ᵀ)[{}, {}]", index(i, m), index(j, m))
        }
        Factor::Iverson(c) => format!("[{}]", cond(c, m)),
        Factor::Apply(g, args) => {
            let args: Vec<String> = args.iter().map(|a| poly(a, m)).collect();
            match g {
                Func::Log if args[0].contains(' ') => format!("log({})", args[0]),
                Func::Log => format!("log {}", args[0]),
                Func::Exp => format!("exp({})", args[0]),
                Func::LGamma => format!("log Γ({})", args[0]),
                Func::Digamma => format!("ψ({})", args[0]),
                Func::Trigamma => format!("ψ′({})", args[0]),
                Func::LGammaD => format!("log Γ_{}({})", args[0], args[1]),
                Func::Softplus => format!("log(1 + exp({}))", args[0]),
                Func::Sigmoid => format!("σ({})", args[0]),
                Func::LogPhi => format!("log Φ({})", args[0]),
                Func::Abs => format!("|{}|", args[0]),
                Func::LogPhiInterval => format!("log(Φ({}) − Φ({}))", args[1], args[0]),
                Func::InverseMills
                | Func::Sign
                | Func::PhiIntervalSlope
                | Func::LogInside
                | Func::LogGammaInterval
                | Func::LogBetaInterval
                | Func::LogPoissonInterval
                | Func::LogBinomialInterval
                | Func::LogNegativeBinomialInterval
                | Func::LogStudentInterval
                | Func::LogLaplaceInterval
                | Func::LogCauchyInterval
                | Func::IntervalSlope(..)
                | Func::IntervalCurvature(..) => format!("{g:?}({})", args.join(", ")),
            }
        }
        Factor::Paren(p) => format!("({})", poly(p, m)),
        Factor::Product(v, c, p) => {
            let guard = if *c == Cond::Always { String::new() } else { format!("[{}] ", cond(c, m)) };
            format!("Π_{} {guard}({})", v.name, poly(p, m))
        }
        Factor::Infinity => "∞".into(),
    }
}

/// A power as it stands behind a name: nothing for 1.
pub fn power(e: Exponent) -> String {
    match (e.num, e.den) {
        (1, 1) => String::new(),
        (n, 1) => format!("^{n}"),
        (n, d) => format!("^({n}/{d})"),
    }
}
