//! Random sentences of the grammar, small: finite latents in plates, chains, maps, tables and guards, some with Gaussian or conjugate latents.

use super::claims::verify;
use super::{compiled, planned};
use crate::plan::Claim;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;

struct Sentence {
    rng: ChaCha8Rng,
    lines: Vec<String>,
    maps: BTreeSet<(char, char)>,
    /// Name, plates and whether it is a Category.
    latents: Vec<(String, Vec<char>, Kind)>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Category,
    Bool,
    Real,
    Positive,
}

impl Sentence {
    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.rng.random_range(0..from.len())]
    }

    fn plates(&mut self) -> Vec<char> {
        self.pick::<&[char]>(&[&[], &['N'], &['N'], &['N'], &['M'], &['N', 'M']]).to_vec()
    }

    /// An index over `plate`, where `bound` are the plates at hand; `lag` allows n − 1.
    fn index(&mut self, plate: char, bound: &[(char, String)], lag: bool) -> Option<String> {
        let same: Vec<String> = bound.iter().filter(|(p, _)| *p == plate).map(|(_, i)| i.clone()).collect();
        let roll = self.rng.random_range(0..12);
        if let (Some(i), 0..=8) = (same.get(self.rng.random_range(0..same.len().max(1))), roll) {
            return Some(match roll {
                0 if lag && plate == 'N' => format!("{i}-1"),
                1 => {
                    self.maps.insert((plate, plate));
                    format!("map{plate}{plate}[{i}]")
                }
                _ => i.clone(),
            });
        }
        let (from, i) = bound.get(self.rng.random_range(0..bound.len().max(1)))?.clone();
        if roll == 9 {
            return Some("0".into());
        }
        self.maps.insert((from, plate));
        Some(format!("map{from}{plate}[{i}]"))
    }

    fn read(&mut self, n: usize, bound: &[(char, String)], lag: bool) -> Option<String> {
        let (name, plates, _) = self.latents[n].clone();
        if plates.is_empty() {
            return Some(name);
        }
        let ix: Option<Vec<String>> = plates.iter().map(|p| self.index(*p, bound, lag)).collect();
        Some(format!("{name}[{}]", ix?.join(", ")))
    }

    fn finite(&self) -> Vec<usize> {
        let is = |k: Kind| matches!(k, Kind::Category | Kind::Bool);
        (0..self.latents.len()).filter(|n| is(self.latents[*n].2)).collect()
    }

    /// A law over the kind whose table is read at these places.
    fn law(&mut self, kind: Kind, name: &str, reads: &[String]) -> String {
        let axes: Vec<String> = (0..reads.len()).map(|k| format!("i{k} in 0..2")).collect();
        let binders = if axes.is_empty() { String::new() } else { format!("[{}]", axes.join(", ")) };
        let at = if reads.is_empty() { String::new() } else { format!("[{}]", reads.join(", ")) };
        let table = format!("t{name}");
        let (ty, law) = match kind {
            Kind::Category => ("Simplex[2]", format!("Categorical({table}{at})")),
            Kind::Bool => ("Unit", format!("Bernoulli({table}{at})")),
            Kind::Real => ("Real", format!("Normal({table}{at}, sd: 1)")),
            Kind::Positive => ("Positive", format!("Gamma(shape: 2, rate: {table}{at})")),
        };
        self.lines.push(format!("param {table}{binders}: {ty};"));
        law
    }

    fn latent(&mut self, mixed: bool) {
        let name = ["a", "b", "c", "d"][self.latents.len()].to_string();
        let kind = match mixed {
            true => self.pick(&[Kind::Category, Kind::Real, Kind::Real, Kind::Positive]),
            false => self.pick(&[Kind::Category, Kind::Category, Kind::Bool]),
        };
        let chain = self.rng.random_bool(0.35) && matches!(kind, Kind::Category | Kind::Bool | Kind::Real);
        let plates = if chain { vec!['N'] } else { self.plates() };
        let bound: Vec<(char, String)> = plates.iter().map(|p| (*p, p.to_lowercase().to_string())).collect();
        let mut parents: Vec<String> = vec![];
        for p in self.finite() {
            if self.rng.random_bool(0.4) && parents.len() < 2 {
                parents.extend(self.read(p, &bound, false));
            }
        }
        let binders: Vec<String> = bound.iter().map(|(p, i)| format!("{i} in {p}")).collect();
        let at = if binders.is_empty() { String::new() } else { format!("[{}]", binders.join(", ")) };
        if chain && kind == Kind::Real {
            self.lines.push(format!("latent {name}[0] ~ Normal(0, sd: 1);"));
            self.lines.push(format!("latent {name}[n in 1..N] ~ Normal(0.7 * {name}[n-1], sd: 1);"));
        } else if chain {
            let first = self.law(kind, &format!("{name}0"), &[]);
            self.lines.push(format!("latent {name}[0] ~ {first};"));
            parents.push(format!("{name}[n-1]"));
            let law = self.law(kind, &name, &parents);
            self.lines.push(format!("latent {name}[n in 1..N] ~ {law};"));
        } else {
            let law = self.law(kind, &name, &parents);
            self.lines.push(format!("latent {name}{at} ~ {law};"));
        }
        self.latents.push((name, plates, kind));
    }

    fn observed(&mut self, n: usize) -> Option<()> {
        let name = format!("x{n}");
        let pairs = self.rng.random_bool(0.12);
        let mut plates = self.plates();
        if plates.is_empty() {
            plates.push('N');
        }
        let mut bound: Vec<(char, String)> =
            plates.iter().map(|p| (*p, p.to_lowercase().to_string())).collect();
        let mut binders: Vec<String> = bound.iter().map(|(p, i)| format!("{i} in {p}")).collect();
        let mut guard = String::new();
        if pairs {
            bound = vec![('N', "n".into()), ('N', "o".into())];
            binders = vec!["n in N".into(), "o in N".into()];
            guard = self.pick(&[" if n < o", " if n != o", ""]).into();
        } else if self.rng.random_bool(0.15) && plates[0] == 'N' {
            self.lines.push(format!("given g{n}[n in N]: Bool;"));
            guard = format!(" if g{n}[n]");
        }
        let mut reads = vec![];
        let mut slopes = vec![];
        let mut scale = None;
        for _ in 0..self.rng.random_range(1..=3) {
            let k = self.rng.random_range(0..self.latents.len());
            let read = self.read(k, &bound, !pairs)?;
            match self.latents[k].2 {
                Kind::Category | Kind::Bool if reads.len() < 3 => reads.push(read),
                Kind::Real => slopes.push(read),
                Kind::Positive => scale = Some(read),
                Kind::Category | Kind::Bool => {}
            }
        }
        if reads.iter().chain(&slopes).chain(&scale).any(|r| r.contains("n-1")) {
            binders[0] = "n in 1..N".into();
        }
        let at = format!("[{}{guard}]", binders.join(", "));
        if !slopes.is_empty() || scale.is_some() {
            let law = self.law(Kind::Real, &name, &reads);
            let mean = law.strip_prefix("Normal(")?.strip_suffix(", sd: 1)")?.to_string();
            let mean = match self.rng.random_range(0..3) {
                0 => format!("{mean} + {}", if slopes.is_empty() { "1".into() } else { slopes.join(" + ") }),
                1 => format!(
                    "{mean} * {}",
                    if slopes.is_empty() { "1".into() } else { slopes.join(" - 2 * ") }
                ),
                _ if slopes.is_empty() => "0".into(),
                _ => slopes.join(" + "),
            };
            let by = scale.map_or("var: 2".into(), |s| format!("{}: {s}", self.pick(&["prec", "var", "sd"])));
            self.lines.push(format!("observed {name}{at} ~ Normal({mean}, {by});"));
            return Some(());
        }
        let kind = self.pick(&[Kind::Category, Kind::Bool, Kind::Real, Kind::Positive]);
        let law = self.law(kind, &name, &reads);
        if self.rng.random_bool(0.2) {
            let on = format!("{} == 0", reads[0]);
            self.lines.push(format!(
                "observed {name}{at} ~ match {on} {{ true => {law}, false => {} }};",
                match kind {
                    Kind::Category => "Uniform()",
                    Kind::Bool => "Bernoulli(0.3)",
                    Kind::Real => "Normal(0, sd: 2)",
                    Kind::Positive => "Exponential(rate: 1)",
                }
            ));
        } else {
            self.lines.push(format!("observed {name}{at} ~ {law};"));
        }
        Some(())
    }
}

pub fn sentence(seed: u64) -> Option<String> {
    let mut s = Sentence {
        rng: ChaCha8Rng::seed_from_u64(seed),
        lines: vec![],
        maps: BTreeSet::new(),
        latents: vec![],
    };
    let mixed = seed.is_multiple_of(3);
    for _ in 0..s.rng.random_range(1..=3) {
        s.latent(mixed);
    }
    for n in 0..s.rng.random_range(1..=2) {
        s.observed(n)?;
    }
    let maps: Vec<String> = s
        .maps
        .iter()
        .map(|(a, b)| format!("given map{a}{b}[{} in {a}]: Category[{b}];", a.to_lowercase()))
        .collect();
    let body = [maps, s.lines].concat().join("\n    ");
    let sizes: Vec<&str> = ["N", "M"]
        .into_iter()
        .filter(|n| {
            body.contains(&format!("in {n}"))
                || body.contains(&format!("..{n}"))
                || body.contains(&format!("Category[{n}]"))
        })
        .collect();
    let header = if sizes.is_empty() { String::new() } else { format!("({})", sizes.join(", ")) };
    Some(format!("mod m{header} {{\n    {body}\n}}"))
}

#[test]
fn what_the_planner_claims_of_random_models_holds() {
    let count: u64 = std::env::var("VI_ORACLE_MODELS").ok().and_then(|n| n.parse().ok()).unwrap_or(300);
    let (mut rejected, mut refused, mut exact, mut mean_field, mut cut, mut unknown) = (0, 0, 0, 0, 0, 0);
    let mut wrong = vec![];
    let mut disagree = vec![];
    for seed in 0..count {
        let Some(source) = sentence(seed) else { continue };
        let c = match compiled(&source) {
            Ok(c) => c,
            Err(e) => {
                rejected += 1;
                if std::env::var("VI_ORACLE_REJECTED").is_ok() {
                    println!("rejected {source}\n{e}\n");
                }
                continue;
            }
        };
        for w in super::agree::worlds(&c, 2) {
            disagree
                .extend(super::agree::disagreement(&c, &c.monomials, &w).map(|e| format!("{source}\n{e}")));
        }
        let Ok(plan) = planned(&c) else {
            refused += 1;
            continue;
        };
        let Some(found) = verify(&c, &plan, 1000 + seed) else {
            unknown += 1;
            continue;
        };
        if found.too_large {
            unknown += 1;
            continue;
        }
        match plan.claim {
            Claim::Exact => exact += 1,
            Claim::MeanField => {
                mean_field += 1;
                cut += usize::from(found.dependence);
                if !found.dependence && std::env::var("VI_ORACLE_NEEDLESS").is_ok() {
                    println!("no dependence found, seed {seed}: {source}");
                }
            }
        }
        if let Some(e) = found.false_claims.first() {
            wrong.push(format!("seed {seed}: {e}\n{source}\n{}", crate::plan::render(&plan, &c.model)));
        }
    }
    println!(
        "random models: {exact} exact, {mean_field} mean field ({cut} with a dependence shown), {refused} refused by the plan, {rejected} rejected before, {unknown} too large to check; {} false claims, {} disagreements",
        wrong.len(),
        disagree.len()
    );
    assert!(disagree.is_empty(), "{}", disagree.join("\n\n"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(exact as u64 > count / 8 && mean_field as u64 > count / 8, "too few of either claim");
    assert!(cut * 10 >= mean_field * 9, "of {mean_field} mean-field claims only {cut} cut anything");
}
