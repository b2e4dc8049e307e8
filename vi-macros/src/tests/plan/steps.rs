//! What a step of a scan costs: latents of two units are summed over as soon as nothing reads them any more.

use super::ok;
use crate::plan::passes::{Element, Pass, passes};

/// A model whose only block is a scan, and what its certificate says of the cost.
#[track_caller]
fn costs(sizes: &str, statements: &str, expected: &str) {
    let p = ok(&format!("pub mod m({sizes}) {{ {statements} }}"));
    let [block] = p.plan.blocks.as_slice() else { panic!("{}", p.text) };
    // Terms and factors in any order.
    let sorted = |cost: &str| {
        let mut terms: Vec<Vec<String>> =
            cost.split(" + ").map(|t| t.split('·').map(str::to_string).collect()).collect();
        terms.iter_mut().for_each(|t| t.sort());
        terms.sort();
        terms
    };
    assert_eq!(sorted(&block.cost), sorted(expected), "{}", p.text);
}

#[test]
fn a_chain_of_order_one_costs_a_square() {
    costs(
        "K",
        "param trans[i in K]: Simplex[K]; param rate[k in K]: Positive;
         latent z[0] ~ Uniform();
         latent z[t in 1..T] ~ Categorical(trans[z[t-1]]);
         observed y[t in T] ~ Poisson(rate[z[t]]);",
        "T·K²",
    );
}

#[test]
fn a_chain_that_remembers_costs_one_power_for_each_state_it_reads() {
    costs(
        "K",
        "param first[i in K]: Simplex[K]; param trans[i in K, j in K]: Simplex[K]; param rate[k in K]: Positive;
         latent z[0] ~ Uniform();
         latent z[1] ~ Categorical(first[z[0]]);
         latent z[t in 2..T] ~ Categorical(trans[z[t-2], z[t-1]]);
         observed y[t in T] ~ Poisson(rate[z[t]]);",
        "T·K³",
    );
    // What is between is remembered, though nothing reads it.
    costs(
        "K",
        "param trans[i in K]: Simplex[K]; param rate[k in K]: Positive;
         latent z[0] ~ Uniform();
         latent z[1] ~ Uniform();
         latent z[t in 2..T] ~ Categorical(trans[z[t-2]]);
         observed y[t in T] ~ Poisson(rate[z[t]]);",
        "T·K³",
    );
}

#[test]
fn chains_that_meet_in_their_data_come_in_one_after_another() {
    costs(
        "K, L",
        "param a[i in K]: Simplex[K]; param b[i in L]: Simplex[L]; param mean[k in K, l in L]: Real; param s2: Positive;
         latent u[0] ~ Uniform();
         latent v[0] ~ Uniform();
         latent u[t in 1..T] ~ Categorical(a[u[t-1]]);
         latent v[t in 1..T] ~ Categorical(b[v[t-1]]);
         observed y[t in T] ~ Normal(mean[u[t], v[t]], var: s2);",
        "T·K²·L + T·K·L²",
    );
}

#[test]
fn a_chain_that_another_drives_comes_in_last() {
    for expected in ["v[t-1], u[t-1]", "v[t-1], u[t]"] {
        costs(
            "K, L",
            &format!(
                "param a[i in K]: Simplex[K]; param b[i in L, j in K]: Simplex[L]; param p[l in L]: Unit;
                 latent u[0] ~ Uniform();
                 latent v[0] ~ Uniform();
                 latent u[t in 1..T] ~ Categorical(a[u[t-1]]);
                 latent v[t in 1..T] ~ Categorical(b[{expected}]);
                 observed y[t in T]: Bool ~ Bernoulli(p[v[t]]);"
            ),
            "T·K²·L + T·K·L²",
        );
    }
}

#[test]
fn chains_that_drive_each_other_come_in_together() {
    costs(
        "K, L",
        "param a[i in K, j in L]: Simplex[K]; param b[i in L, j in K]: Simplex[L]; param p[k in K, l in L]: Unit;
         latent u[0] ~ Uniform();
         latent v[0] ~ Uniform();
         latent u[t in 1..T] ~ Categorical(a[u[t-1], v[t-1]]);
         latent v[t in 1..T] ~ Categorical(b[v[t-1], u[t-1]]);
         observed y[t in T]: Bool ~ Bernoulli(p[u[t], v[t]]);",
        "T·K²·L²",
    );
}

#[test]
fn what_all_steps_share_costs_a_chain_for_each_value() {
    costs(
        "C, K",
        "param w: Simplex[C]; param trans[c in C, i in K]: Simplex[K]; param rate[c in C, k in K]: Positive;
         latent c[s in S] ~ Categorical(w);
         latent z[s in S, 0] ~ Uniform();
         latent z[s in S, t in 1..T[s]] ~ Categorical(trans[c[s], z[s, t-1]]);
         observed y[s in S, t in T[s]] ~ Poisson(rate[c[s], z[s, t]]);",
        "ΣT·C·K²",
    );
}

#[test]
fn latents_of_one_node_of_a_tree_come_in_one_after_another() {
    costs(
        "K, L",
        "given parent[n in 1..N]: Category[n];
         param a[i in K]: Simplex[K]; param b[i in L, j in K]: Simplex[L]; param p[k in K, l in L]: Unit;
         latent u[0] ~ Uniform();
         latent v[0] ~ Uniform();
         latent u[n in 1..N] ~ Categorical(a[u[parent[n]]]);
         latent v[n in 1..N] ~ Categorical(b[v[parent[n]], u[n]]);
         observed y[n in N]: Bool ~ Bernoulli(p[u[n], v[n]]);",
        "N·K²·L + N·K·L²",
    );
}

#[test]
fn what_is_integrated_beside_two_states_costs_a_state_that_is_remembered() {
    costs(
        "K",
        "param trans[i in K]: Simplex[K]; param mean[i in K, k in K]: Real;
         latent lambda[t in T] ~ Gamma(shape: 2, rate: 3);
         latent z[0] ~ Uniform();
         latent z[t in 1..T] ~ Categorical(trans[z[t-1]]);
         observed y[t in 1..T] ~ Normal(mean[z[t-1], z[t]], prec: lambda[t]);",
        "T·K³",
    );
}

/// Whether parts, carried out in order, sum over everything that is not remembered, and over nothing that is read later.
#[track_caller]
fn check_parts(depths: &[usize], reads: &[Vec<Element>], parts: &[Pass]) {
    let sorted = |mut e: Vec<Element>| {
        e.sort_unstable();
        e
    };
    // What all units share is with every part, as it is.
    let shared = || depths.iter().enumerate().filter(|(_, d)| **d == 0).map(|(a, _)| (a, 0));
    let before = depths.iter().enumerate().flat_map(|(a, d)| (1..=*d).map(move |b| (a, b)));
    let mut current: Vec<Element> = before.chain(shared()).collect();
    for pass in parts {
        assert_eq!(sorted(current.clone()), sorted([pass.kept.clone(), pass.lost.clone()].concat()));
        assert!(shared().all(|e| pass.kept.contains(&e)), "{pass:?}");
        current = [pass.kept.clone(), pass.new.clone()].concat();
    }
    let own = depths.iter().enumerate().flat_map(|(a, d)| (0..*d).map(move |b| (a, b)));
    assert_eq!(sorted(current), sorted(own.chain(shared()).collect()), "what the unit itself has");
    for read in reads {
        assert!(parts.iter().any(|p| p.covers(read)), "{read:?} has no part in {parts:?}");
    }
}

#[test]
fn parts_of_random_steps_sum_over_everything_once_and_are_never_dearer() {
    let mut seed = 7u64;
    let mut below = |n: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % n
    };
    let mut cheaper = 0;
    for _ in 0..400 {
        let arrays = 1 + below(4);
        let depths: Vec<usize> = (0..arrays).map(|_| below(4)).collect();
        let reads: Vec<Vec<Element>> = (0..arrays)
            .map(|a| {
                let mut read = vec![(a, 0), (a, depths[a])];
                for _ in 0..below(3) {
                    let b = below(arrays);
                    read.push((b, below(depths[b] + 1)));
                }
                read.sort_unstable();
                read.dedup();
                read
            })
            .collect();
        let parts = passes(&depths, &reads);
        check_parts(&depths, &reads, &parts);
        let all = depths.iter().sum::<usize>() + arrays;
        let largest = parts.iter().map(|p| p.elements().count()).max().unwrap_or(0);
        assert!(largest <= all);
        cheaper += usize::from(largest < all);
    }
    assert!(cheaper > 100, "{cheaper}");
}
