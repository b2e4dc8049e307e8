//! Faults put into the normal form, one at a time: the share that the comparison with the direct density notices.

use super::agree::{disagreement, worlds};
use super::{Compiled, compiled, models};
use crate::density::normal_form::{Atom, Monomial, Stat};
use crate::density::poly::{Exponent, Poly};
use crate::density::symbol::{Cond, Ix};
use crate::tests::programs;
use std::collections::BTreeMap;

/// Every single fault of one normal form: its kind, where it is, and the form with it.
fn faults(c: &Compiled) -> Vec<(&'static str, String, Vec<Monomial>)> {
    let mut out = vec![];
    let all = &c.monomials;
    for (n, m) in all.iter().enumerate() {
        let mut put = |kind: &'static str, with: Vec<Monomial>| {
            let mut changed = all.clone();
            changed.splice(n..=n, with);
            out.push((kind, format!("line {}, monomial {n}", m.line), changed));
        };
        let touched = |f: &dyn Fn(&mut Monomial)| {
            let mut with = m.clone();
            f(&mut with);
            vec![with]
        };
        put("a monomial dropped", vec![]);
        put("a sign flipped", touched(&|m| m.coefficient = m.coefficient.scale(-1.0)));
        put("a term counted twice", vec![m.clone(), m.clone()]);
        for g in 0..m.guards.len() {
            put("a guard forgotten", touched(&|m| drop(m.guards.remove(g))));
            put("a guard turned round", touched(&|m| m.guards[g] = Cond::Not(Box::new(m.guards[g].clone()))));
        }
        if !m.copies.is_empty() {
            put("copies forgotten", touched(&|m| drop(m.copies.pop())));
        }
        for v in &m.vars {
            put(
                "a coefficient times its index",
                touched(&|m| m.coefficient = m.coefficient.mul(&Poly::index(&Ix::var(v)))),
            );
        }
        for a in 0..m.atoms.len() {
            put("a statistic dropped", touched(&|m| drop(m.atoms.remove(a))));
            if let Stat::Power(p) = m.atoms[a].stat.clone() {
                put("a power raised", touched(&|m| m.atoms[a].stat = Stat::Power(p.plus(Exponent::ONE))));
            }
            for i in 0..m.atoms[a].plates.len() + m.atoms[a].events.len() {
                put("an offset shifted", touched(&|m| shift(&mut m.atoms[a], i)));
            }
            for v in &m.vars {
                for u in m.vars.iter().filter(|u| *u != v && u.nominal == v.nominal) {
                    let here = |i: &Ix| i.mentions(v);
                    if m.atoms[a].plates.iter().chain(&m.atoms[a].events).any(here) {
                        let swap = |i: &Ix| i.substitute(v, &Ix::var(u));
                        put(
                            "an index swapped",
                            touched(&|m| {
                                let a = &mut m.atoms[a];
                                a.plates = a.plates.iter().map(swap).collect();
                                a.events = a.events.iter().map(swap).collect();
                            }),
                        );
                    }
                }
            }
        }
    }
    out
}

fn shift(a: &mut Atom, i: usize) {
    let plates = a.plates.len();
    let one = Ix::constant(1);
    let at = if i < plates { &mut a.plates[i] } else { &mut a.events[i - plates] };
    *at = at.plus(1, &one);
}

#[test]
fn faults_in_the_normal_form_are_noticed() {
    let mut tally: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut missed = vec![];
    let sources = programs::ALL.iter().map(|(_, s)| (*s).to_string()).chain(models::all());
    for source in sources {
        let Ok(c) = compiled(&source) else { continue };
        let worlds = worlds(&c, 6);
        if worlds.iter().any(|w| disagreement(&c, &c.monomials, w).is_some()) {
            continue;
        }
        for (kind, at, changed) in faults(&c) {
            let noticed = worlds.iter().any(|w| disagreement(&c, &changed, w).is_some());
            let (killed, total) = tally.entry(kind).or_default();
            *total += 1;
            *killed += usize::from(noticed);
            if !noticed {
                missed.push(format!(
                    "{kind}, {at}: {}",
                    source.split_whitespace().collect::<Vec<_>>().join(" ")
                ));
            }
        }
    }
    let (killed, total) = tally.values().fold((0, 0), |(k, t), (a, b)| (k + a, t + b));
    for (kind, (k, t)) in &tally {
        println!("{kind}: {k} of {t}");
    }
    if std::env::var("VI_ORACLE_MISSED").is_ok() {
        missed.iter().for_each(|m| println!("missed: {m}"));
    }
    println!("faults: {killed} of {total} noticed, {:.2} %", 100.0 * killed as f64 / total as f64);
    assert!(total > 5000, "too few faults to mean anything: {total}");
    assert!(killed as f64 >= 0.95 * total as f64, "only {killed} of {total} faults are noticed");
}
