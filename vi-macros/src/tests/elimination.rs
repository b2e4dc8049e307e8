//! Elimination on shapes entered by hand: no parser, no densities, only the closure table and the alias analysis.

use crate::density::normal_form::Stat;
use crate::density::poly::{Exponent, Poly};
use crate::density::symbol::{Elem, Ix, IxTerm, Var};
use crate::model::ir::ArrayId;
use crate::plan::blocks::{self, Proof};
use crate::plan::edges::fresh;
use crate::plan::interact::{Class, Factor, Incidence, Interaction, Node, Origin, Statistic};
use std::collections::HashMap;

/// `z: finite[n]; w: gaussian[;d]` (components after the semicolon), then one term a line: `tau w[d] w[e]`, `log tau`, `logdet prec[k]`,
/// `prec[k|d,e] mean[k;d]`, `u[n]^-1`, `z[item(r)]`, `z[parent<n>]` for a map whose value is below its index.
pub struct Shape {
    pub g: Interaction,
    maps: Vec<String>,
}

const MAPS: usize = 1000;

impl Shape {
    pub fn new(nodes: &str, terms: &[&str]) -> Shape {
        let mut shape = Shape { g: Interaction::default(), maps: vec![] };
        for (n, decl) in nodes.split(',').map(str::trim).filter(|d| !d.is_empty()).enumerate() {
            let (name, kind) = decl.split_once(':').expect("name: class");
            let class = match kind.trim() {
                "finite" => Class::Finite,
                "gaussian" => Class::Gaussian,
                "positive" => Class::Positive,
                "matrix" => Class::Matrix,
                "simplex" => Class::Simplex,
                "unit" => Class::Unit,
                "interval" => Class::Interval,
                other => panic!("unknown class {other}"),
            };
            shape.g.nodes.push(Node {
                array: ArrayId(n),
                name: name.trim().into(),
                class,
                plates: 0,
                copies: 0,
                events: 0,
                axes: vec![],
            });
            shape.g.names.push(name.trim().into());
        }
        for (line, t) in terms.iter().enumerate() {
            shape.term(line + 1, t);
        }
        shape
    }

    fn term(&mut self, line: usize, text: &str) {
        let mut vars: HashMap<String, Var> = HashMap::new();
        let mut atoms = vec![];
        let mut words = text.split_whitespace();
        while let Some(w) = words.next() {
            let (head, w) = match w {
                "log" | "log1m" | "logdet" | "inverse" => (w, words.next().expect("an element")),
                _ => ("", w),
            };
            let (element, power) = match w.split_once('^') {
                Some((e, p)) => (e, p.parse().expect("a power")),
                None => (w, 1),
            };
            let (name, rest) = element.split_once('[').unwrap_or((element, "]"));
            let inside = rest.strip_suffix(']').expect("]");
            let (outer, events) = inside.split_once('|').unwrap_or((inside, ""));
            let (plates, own) = outer.split_once(';').unwrap_or((outer, ""));
            let node =
                self.g.nodes.iter().position(|n| n.name == name).unwrap_or_else(|| panic!("unknown {name}"));
            let mut read = |s: &str| -> Vec<Ix> {
                s.split(',')
                    .map(str::trim)
                    .filter(|s| !s.is_empty())
                    .map(|s| self.index(s, &mut vars))
                    .collect()
            };
            let (plates, own, events) = (read(plates), read(own), read(events));
            let n = &mut self.g.nodes[node];
            n.plates = plates.len();
            n.events = own.len();
            if n.axes.len() < n.plates || n.axes.iter().any(|a| a.contains(['-', '+', '('])) {
                n.axes = outer.split([',', ';']).map(|s| s.trim().to_string()).collect();
            }
            let stat = match (head, n.class) {
                ("log", _) => Stat::Log,
                ("log1m", _) => Stat::Log1m,
                ("logdet", _) => Stat::LogDet,
                ("inverse", _) => Stat::Inverse,
                (_, Class::Finite) => Stat::Indicator,
                _ => Stat::Power(Exponent::int(power)),
            };
            let ix = plates.into_iter().chain(own).collect();
            atoms.push(Incidence { node, ix, events, stat: Statistic::Of(stat) });
        }
        let loc = proc_macro2::Span::call_site().into();
        let origin = Origin { statement: None, loc, lines: vec![line] };
        self.g.factors.push(Factor {
            atoms,
            vars: vec![],
            ambient: vec![],
            guards: vec![],
            origin,
            hard: false,
        });
    }

    fn index(&mut self, s: &str, vars: &mut HashMap<String, Var>) -> Ix {
        if let Ok(c) = s.parse::<i64>() {
            return Ix::constant(c);
        }
        if let Some((map, at)) = s.split_once(['(', '<']) {
            let parent = s.ends_with('>');
            let at = self.index(&at[..at.len() - 1], vars);
            let id = self.maps.iter().position(|m| m == map).unwrap_or_else(|| {
                self.maps.push(map.into());
                self.maps.len() - 1
            });
            if parent && !self.g.parents.contains(&(ArrayId(MAPS + id), 0)) {
                self.g.parents.push((ArrayId(MAPS + id), 0));
            }
            return Ix::term(IxTerm::Read(Elem { array: ArrayId(MAPS + id), indices: vec![at] }));
        }
        let at = s[1..].find(['+', '-']).map_or(s.len(), |k| k + 1);
        let offset: i64 = if at == s.len() { 0 } else { s[at..].parse().expect("an offset") };
        let v = vars.entry(s[..at].into()).or_insert_with(|| fresh(&s[..at])).clone();
        Ix::var(&v).plus(1, &Ix::constant(offset))
    }
}

/// One line per block, as the prototype prints them.
#[track_caller]
fn check(nodes: &str, terms: &[&str], expected: &[&str]) {
    let shape = Shape::new(nodes, terms);
    let mut out = vec![];
    for part in blocks::prove(&shape.g, &[]) {
        for b in &part.blocks {
            let steps: Vec<String> = b
                .steps
                .iter()
                .map(|s| {
                    let latents: Vec<_> = s.nodes.iter().map(|n| shape.g.nodes[*n].name.as_str()).collect();
                    let by = s
                        .rule
                        .whitened_by
                        .map(|n| format!(" / {}", shape.g.nodes[n].name))
                        .unwrap_or_default();
                    format!("{}: {}{by}", latents.join("×"), crate::plan::print::rule_name(&s.rule.rule))
                })
                .collect();
            let claim = if part.exact { "exact" } else { "mean field" };
            out.push(format!(
                "{claim} {}",
                if b.each { format!("each {}", steps.join("; ")) } else { steps.join("; ") }
            ));
        }
        for r in &part.obstacles {
            out.push(format!("not {}: {}", shape.g.nodes[r.node].name, r.reason));
        }
    }
    assert_eq!(out, expected, "\n{}", out.join("\n"));
    let _: Option<Proof> = None;
    let _ = Poly::zero();
}

const GAUSSIAN_MIXTURE: &[&str] = &[
    "z[n] log weight",
    "log weight",
    "z[n] logdet prec[k]",
    "z[n] prec[k|d,e] mean[k;d] mean[k;e]",
    "z[n] prec[k|d,e] mean[k;d]",
    "z[n] prec[k|d,e]",
    "prec[k|d,e] mean[k;d] mean[k;e]",
    "prec[k|d,e] mean[k;d]",
    "prec[k|d,e]",
    "logdet prec[k]",
];

#[test]
fn mixture() {
    check("z: finite", &["z[n]"], &["exact z: log-sum-exp"]);
}

#[test]
fn bayesian_mixture() {
    check("z: finite, weight: simplex, mean: gaussian, prec: matrix", GAUSSIAN_MIXTURE, &[]);
}
