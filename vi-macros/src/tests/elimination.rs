//! Elimination on shapes entered by hand: no parser, no densities, only the closure table and the alias analysis.

use crate::density::normal_form::Stat;
use crate::density::poly::Exponent;
use crate::density::symbol::{Elem, Ix, IxTerm, Var};
use crate::model::ir::ArrayId;
use crate::plan::blocks;
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
}

#[test]
fn mixture() {
    check("z: finite", &["z[n]"], &["exact z: log-sum-exp"]);
}

#[test]
fn bayesian_mixture() {
    check(
        "z: finite, weight: simplex, mean: gaussian, prec: matrix",
        &[
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
        ],
        &[
            "mean field z: log-sum-exp",
            "mean field weight: Dirichlet",
            "mean field mean: Gaussian / prec; prec: Wishart",
            "not z: summing it leaves a log-sum-exp of terms in `weight`, `mean` and `prec`",
            "not weight: integrating it couples all of `z`: counts inside a log-partition",
            "not mean: gated by `z` and still coupled to `prec`: a mixture with exponentially many components",
            "not prec: integrating it leaves a log-partition that is not closed over `mean` (a matrix variable)",
        ],
    );
}

#[test]
fn hidden_markov_model() {
    check("z: finite", &["z[s,t-1] z[s,t]", "z[s,t]"], &["exact z: scan over t"]);
}

#[test]
fn bayesian_hidden_markov_model() {
    check(
        "z: finite, trans: simplex",
        &["z[s,t-1] z[s,t] log trans[i]", "log trans[i]", "z[s,t]"],
        &[
            "mean field z: scan over t",
            "mean field trans: Dirichlet",
            "not z: summing it leaves a log-sum-exp of terms in `trans`",
            "not trans: integrating it couples all of `z`: counts inside a log-partition",
        ],
    );
}

#[test]
fn factorial_hidden_markov_model() {
    check("a: finite, b: finite", &["a[t-1] a[t]", "b[t-1] b[t]", "a[t] b[t]"], &["exact a×b: scan over t"]);
}

#[test]
fn state_space() {
    check("x: gaussian", &["x[t-1;h] x[t;g]", "x[t;h] x[t;g]", "x[t;h]"], &["exact x: Gaussian scan over t"]);
}

#[test]
fn bayesian_state_space() {
    check(
        "x: gaussian, A: gaussian, Q: matrix",
        &[
            "Q[|d,e] x[t-1;h] x[t;e] A[;d,h]",
            "Q[|d,e] x[t-1;h] x[t-1;g] A[;d,h] A[;e,g]",
            "Q[|d,e] x[t;d] x[t;e]",
            "logdet Q",
            "Q[|d,e] A[;d,h] A[;e,h]",
            "Q[|d,e]",
            "x[t;h]",
            "x[t;h] x[t;g]",
        ],
        &[
            "mean field x: Gaussian scan over t",
            "mean field A: Gaussian / Q; Q: Wishart",
            "not x: it multiplies `A`: degree above 2 together (bilinear)",
            "not A: it multiplies `x`: degree above 2 together (bilinear)",
            "not Q: integrating it leaves a log-partition that is not closed over `x` and `A` (a matrix variable)",
        ],
    );
}

#[test]
fn latent_dirichlet_allocation() {
    check(
        "z: finite, share: simplex, topic: simplex",
        &["z[d,i] log share[d]", "log share[d]", "z[d,i] log topic[k]", "log topic[k]"],
        &[
            "mean field z: log-sum-exp",
            "mean field share: Dirichlet",
            "mean field topic: Dirichlet",
            "not z: summing it leaves a log-sum-exp of terms in `share` and `topic`",
            "not share: integrating it couples all of `z`: counts inside a log-partition",
            "not topic: integrating it couples all of `z`: counts inside a log-partition",
        ],
    );
}

#[test]
fn factor_analysis() {
    check("f: gaussian", &["f[n;h] f[n;g]", "f[n;h]"], &["exact f: Gaussian"]);
}

#[test]
fn factor_analysis_with_latent_loadings() {
    check(
        "f: gaussian, W: gaussian",
        &["f[n;h] f[n;g] W[d;h] W[d;g]", "f[n;h] W[d;h]", "f[n;h]^2", "W[d;h]^2"],
        &[
            "mean field f: Gaussian",
            "mean field W: Gaussian",
            "not f: it multiplies `W`: degree above 2 together (bilinear)",
            "not W: it multiplies `f`: degree above 2 together (bilinear)",
        ],
    );
}

#[test]
fn relevance_determination_scaled_by_the_noise() {
    check(
        "w: gaussian, tau: positive, alpha: positive",
        &[
            "tau",
            "log tau",
            "tau w[d]",
            "tau w[d] w[e]",
            "tau w[d]^2",
            "tau alpha[d] w[d]^2",
            "log alpha[d]",
            "alpha[d]",
        ],
        &[
            "mean field w: Gaussian stack / tau; tau: Gamma",
            "mean field alpha: Gamma",
            "not w: its rows have two scales, `tau` and `alpha`",
            "not tau: integrating it leaves a log-partition that is not closed over `w` and `alpha` (a positive variable)",
            "not alpha: integrating it leaves a log-partition that is not closed over `w` and `tau` (a positive variable)",
        ],
    );
}

#[test]
fn relevance_determination_on_its_own() {
    check(
        "w: gaussian, tau: positive, alpha: positive",
        &[
            "tau",
            "log tau",
            "tau w[d]",
            "tau w[d] w[e]",
            "tau w[d]^2",
            "alpha[d] w[d]^2",
            "log alpha[d]",
            "alpha[d]",
        ],
        &[
            "mean field w: Gaussian stack",
            "mean field tau: Gamma",
            "mean field alpha: Gamma",
            "not w: its rows have two scales, `tau` and `alpha`",
            "not tau: integrating it leaves a log-partition that is not closed over `w` (a positive variable)",
            "not alpha: integrating it leaves a log-partition that is not closed over `w` (a positive variable)",
        ],
    );
}

#[test]
fn conjugate_regression() {
    check(
        "w: gaussian, tau: positive",
        &["tau", "log tau", "tau w[d]", "tau w[d] w[e]", "tau w[d]^2"],
        &["exact w: Gaussian stack / tau; tau: Gamma"],
    );
}

#[test]
fn student_t() {
    check("u: positive", &["log u[n]", "u[n]"], &["exact u: Gamma"]);
}

#[test]
fn mixture_of_student_ts() {
    check(
        "z: finite, u: positive",
        &["z[n] log u[n]", "z[n] u[n]", "z[n]"],
        &["exact u: Gamma; z: log-sum-exp"],
    );
}

#[test]
fn augmented_logistic_regression() {
    check(
        "w: gaussian, b: gaussian, om: positive",
        &["om[n] w[d]^2", "om[n] w[d] w[e]", "om[n] w[d] b", "om[n] b^2", "w[d]", "b", "w[d]^2", "b^2"],
        &[
            "mean field w: Gaussian stack; b: Gaussian",
            "mean field om: Gamma",
            "not w: its rows are scaled by different elements of `om`",
            "not b: its rows are scaled by different elements of `om`",
            "not om: integrating it leaves a log-partition that is not closed over `w` and `b` (a positive variable)",
        ],
    );
}

#[test]
fn block_model() {
    check(
        "z: finite, B: unit, weight: simplex",
        &["z[i] z[j] log B[a,b]", "log B[a,b]", "z[i] log weight"],
        &[
            "mean field each z: log-sum-exp",
            "mean field B: Beta",
            "mean field weight: Dirichlet",
            "not z: its elements are coupled in pairs (i and j): no finite frontier",
            "not B: integrating it couples all of `z`: counts inside a log-partition",
            "not weight: integrating it couples all of `z`: counts inside a log-partition",
        ],
    );
}

#[test]
fn dawid_skene() {
    check("truth: finite", &["truth[item(r)]", "truth[n]"], &["exact truth: log-sum-exp"]);
}

#[test]
fn eight_schools() {
    check(
        "mu: gaussian, theta: gaussian",
        &["theta[j]^2", "theta[j] mu", "mu^2", "theta[j]"],
        &["exact theta: Gaussian; mu: Gaussian"],
    );
}

#[test]
fn eight_schools_with_a_latent_variance() {
    check(
        "mu: gaussian, theta: gaussian, t2: positive",
        &[
            "t2^-1 theta[j]^2",
            "t2^-1 theta[j] mu",
            "t2^-1 mu^2",
            "log t2",
            "t2^-1",
            "mu^2",
            "theta[j]^2",
            "theta[j]",
        ],
        &[
            "mean field theta: Gaussian; mu: Gaussian",
            "mean field t2: InverseGamma",
            "not mu: not every term of it is scaled by `t2`",
            "not theta: not every term of it is scaled by `t2`",
            "not t2: integrating it leaves a log-partition that is not closed over `mu` and `theta` (a positive variable)",
        ],
    );
}

#[test]
fn ratings() {
    check(
        "skill: gaussian, gap: interval",
        &[
            "gap[g]^2",
            "gap[g] skill[w(g)]",
            "gap[g] skill[l(g)]",
            "skill[w(g)]^2",
            "skill[w(g)] skill[l(g)]",
            "skill[p]^2",
        ],
        &[
            "mean field skill: Gaussian stack",
            "mean field gap: TruncatedNormal",
            "not skill: it meets `gap`, which is bounded, not Gaussian",
            "not gap: integrating it leaves a log-partition that is not closed over `skill` (a bounded variable)",
        ],
    );
}

#[test]
fn switching_state_space() {
    check(
        "z: finite, x: gaussian",
        &["z[t-1] z[t]", "z[t] x[t;h] x[t;g]", "z[t] x[t-1;h] x[t;g]", "x[t;h] x[t;g]", "x[t;h]"],
        &[
            "mean field z: scan over t",
            "mean field x: Gaussian scan over t",
            "not z: summing it leaves a log-sum-exp of terms in `x`",
            "not x: gated by `z` along a chain: a mixture with exponentially many components",
        ],
    );
}

#[test]
fn mixture_of_factor_analysers() {
    check(
        "z: finite, f: gaussian",
        &["z[n]", "z[n] f[n;h] f[n;g]", "z[n] f[n;h]", "f[n;h]^2"],
        &["exact f: Gaussian; z: log-sum-exp"],
    );
}

#[test]
fn chain_of_factor_analysers() {
    check(
        "z: finite, f: gaussian",
        &["z[t-1] z[t]", "z[t] f[t;h] f[t;g]", "z[t] f[t;h]", "f[t;h]^2"],
        &["exact f: Gaussian; z: scan over t"],
    );
}

#[test]
fn robust_regression_with_latent_weights() {
    check(
        "w: gaussian, u: positive",
        &["u[n] w[d] w[e]", "u[n] w[d]", "u[n]", "log u[n]"],
        &[
            "mean field w: Gaussian stack",
            "mean field u: Gamma",
            "not w: its rows are scaled by different elements of `u`",
            "not u: integrating it leaves a log-partition that is not closed over `w` (a positive variable)",
        ],
    );
}

#[test]
fn state_space_with_one_scale() {
    check(
        "x: gaussian, tau: positive",
        &["tau x[t-1] x[t]", "tau x[t]^2", "tau x[t]", "tau", "log tau"],
        &["exact x: Gaussian scan over t / tau; tau: Gamma"],
    );
}

#[test]
fn local_level_with_two_scales() {
    check(
        "x: gaussian, q: positive, r: positive",
        &["q x[t-1] x[t]", "q x[t]^2", "log q", "q", "r x[t]^2", "r x[t]", "r", "log r"],
        &[
            "mean field x: Gaussian scan over t",
            "mean field q: Gamma",
            "mean field r: Gamma",
            "not x: its rows have two scales, `q` and `r`",
            "not q: integrating it leaves a log-partition that is not closed over `x` (a positive variable)",
            "not r: integrating it leaves a log-partition that is not closed over `x` (a positive variable)",
        ],
    );
}

#[test]
fn chains_that_meet_at_other_places_than_their_frontier() {
    let chains = ["a[t-1] a[t]", "b[t-1] b[t]", "a[t] b[t]"];
    let held = [
        "mean field a: scan over t",
        "mean field b: scan over t",
        "not a: its chain meets `b` away from the frontier",
        "not b: its chain meets `a` away from the frontier",
    ];
    check("a: finite, b: finite", &[&chains[..], &["a[t] b[f(t)]"]].concat(), &held);
    check("a: finite, b: finite", &[&chains[..], &["a[0] b[t]"]].concat(), &held);
    check("a: finite, b: finite", &[&chains[..], &["a[t-2] b[t]"]].concat(), &["exact a×b: scan over t"]);
}

#[test]
fn chains_of_neighbouring_sequences() {
    let chains = ["a[s,t-1] a[s,t]", "b[s,t-1] b[s,t]", "a[s,t] b[s,t]"];
    check("a: finite, b: finite", &chains, &["exact a×b: scan over t"]);
    check(
        "a: finite, b: finite",
        &[&chains[..], &["a[s,t] b[s-1,t]"]].concat(),
        &[
            "mean field a: scan over t",
            "mean field b: scan over t",
            "not a: its chain meets `b` away from the frontier",
            "not b: its chain meets `a` away from the frontier",
        ],
    );
}

#[test]
fn a_matrix_against_rows_in_one_term_and_columns_in_another() {
    check(
        "A: gaussian, L: matrix",
        &["L[|d,e] A[;d,h] A[;e,g]", "L[|d,e] A[;d,h]", "L[|d,e]", "logdet L"],
        &["exact A: Gaussian / L; L: Wishart"],
    );
    check(
        "A: gaussian, L: matrix",
        &["L[|d,e] A[;d,h] A[;e,g]", "L[|d,e] A[;h,d]", "L[|d,e]", "logdet L"],
        &[
            "mean field A: Gaussian",
            "mean field L: Wishart",
            "not A: `L` does not scale whole rows of it, so it does not cancel",
            "not L: integrating it leaves a log-partition that is not closed over `A` (a matrix variable)",
        ],
    );
}
