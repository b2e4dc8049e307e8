//! Sums inside of comprehensions and components, whose indices a user names as the compiler names its own.

use super::oracle::{enumerate, normal, sound};
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::law::close;

model! {
    pub mod whole(H) {
        param    A[i in H]: Vector[H];   param C[d in D]: Vector[H];   param s2: Positive;
        latent   x[0]: Vector[H] ~ Normal(0, var: 1);
        latent   x[t in 1..T]    ~ Normal(A * x[t-1], var: 1);
        observed y[t in T, d in D]: Real? ~ Normal(dot(C[d], x[t]), var: s2);
    }
}
model! {
    pub mod by_rows(H) {
        param    A[i in H]: Vector[H];   param C[d in D]: Vector[H];   param s2: Positive;
        latent   x[0]: Vector[H] ~ Normal(0, var: 1);
        latent   x[t in 1..T]    ~ Normal([dot(A[i], x[t-1]) for i in H], var: 1);
        observed y[t in T, d in D]: Real? ~ Normal(dot(C[d], x[t]), var: s2);
    }
}
model! {
    pub mod by_sums(H) {
        param    A[i in H]: Vector[H];   param C[d in D]: Vector[H];   param s2: Positive;
        latent   x[0]: Vector[H] ~ Normal(0, var: 1);
        latent   x[t in 1..T]    ~ Normal([sum(A[i][h] * x[t-1][h] for h in H) for i in H], var: 1);
        observed y[t in T, d in D]: Real? ~ Normal(sum(C[d][h] * x[t][h] for h in H), var: s2);
    }
}
model! {
    pub mod by_let(H) {
        param    A[i in H]: Vector[H];   param C[d in D]: Vector[H];   param s2: Positive;
        let      turned[t in 1..T, i in H] = dot(A[i], x[t-1]);
        latent   x[0]: Vector[H] ~ Normal(0, var: 1);
        latent   x[t in 1..T]    ~ Normal([turned[t, h] for h in H], var: 1);
        observed y[t in T, d in D]: Real? ~ Normal(dot(C[d], x[t]), var: s2);
    }
}
model! {
    /// States whose vectors are as long as there are states, and levels that some states have in common.
    pub mod states(K) {
        given    level[k in K]: Category[G];
        param    trans[i in K]: Simplex[K];
        param    mean[k in K]: Vector[K];
        param    base[g in G]: Real;
        param    s2[g in G]: Positive;
        latent   z[0]         ~ Uniform();
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed x[t in T]    ~ Normal(mean[z[t]], var: 1);
        observed y[t in T]: Real? ~ Normal(base[level[z[t]]], var: s2[level[z[t]]]);
    }
}

#[test]
fn a_product_of_a_matrix_is_the_same_in_all_spellings() {
    let mut g = Noise::new(22);
    let y = DMatrix::from_fn(12, 3, |t, d| {
        if (t * 3 + d) % 7 == 2 {
            f64::NAN
        } else {
            (t as f64 * 0.5).sin() * (1.0 + d as f64) + 0.2 * g.normal()
        }
    });
    let mut square = |n: usize, scale: f64| -> Vec<DVector<f64>> {
        (0..n).map(|_| DVector::from_vec(g.normals(2)) * scale).collect()
    };
    let (a, c) = (square(2, 0.6), square(3, 1.0));
    macro_rules! fits {
        ($module:ident) => {{
            let data = $module::Data { y: (&y).into() };
            let p = $module::Params { A: a.clone(), C: c.clone(), s2: 0.3 };
            let model = $module::Model::new(2);
            // Params that a `let` reads are not expanded.
            let options = Options::new().max_iterations(15).tolerance(0.0).expand(false);
            let known = model.infer(&data, &p).unwrap().log_likelihood();
            let fit = model.fit_from(&data, Start::Params(p.clone()), &options).unwrap();
            let latents =
                $module::Latents { x: (0..12).map(|t| DVector::from_vec(vec![t as f64, 1.0])).collect() };
            (known, model.log_joint(&data, &latents, &p).unwrap(), fit.trace, fit.params.A)
        }};
    }
    let one = fits!(whole);
    for other in [fits!(by_rows), fits!(by_sums), fits!(by_let)] {
        close(other.0, one.0, 1e-12);
        close(other.1, one.1, 1e-12);
        other.2.iter().zip(&one.2).for_each(|(a, b)| close(*a, *b, 1e-10));
        other.3.iter().zip(&one.3).for_each(|(a, b)| assert!((a - b).norm() < 1e-8));
    }
}

#[test]
fn levels_that_states_share_are_those_of_their_states() {
    let mut g = Noise::new(31);
    let level = [1_usize, 0, 1];
    let y: Vec<f64> = (0..5).map(|t| if t == 2 { f64::NAN } else { g.normal() }).collect();
    let x = DMatrix::from_fn(5, 3, |_, _| g.normal());
    let data = states::Data { level: (&level).into(), x: (&x).into(), y: (&y).into() };
    let model = states::Model::new(3);
    let p = states::Params {
        trans: g.rows(3, 3),
        mean: (0..3).map(|_| DVector::from_vec(g.normals(3))).collect(),
        base: vec![-1.0, 1.5],
        s2: vec![0.7, 1.4],
    };
    let joint = |p: &states::Params, z: &[usize]| {
        let of = |t: usize| {
            let k = z[t];
            let from = if t == 0 { 1.0 / 3.0 } else { p.trans[z[t - 1]][k] };
            let vector: f64 = (0..3).map(|j| normal(x[(t, j)], p.mean[k][j], 1.0)).sum();
            from.ln() + vector + normal(y[t], p.base[level[k]], p.s2[level[k]])
        };
        (0..5).map(of).sum::<f64>()
    };
    let known = model.infer(&data, &p).unwrap();
    let paths = enumerate(5, 3, |z| joint(&p, z));
    close(known.log_likelihood(), paths.evidence, 1e-12);
    for t in 0..5 {
        (0..3).for_each(|k| close(known.posterior.z.probs(t)[k], paths.marginals[t][k], 1e-12));
    }
    let options = Options::new().max_iterations(3).tolerance(0.0);
    let fit = sound(&data, &options, |o| model.fit_from(&data, Start::Params(p.clone()), o));
    close(fit.log_likelihood(), enumerate(5, 3, |z| joint(&fit.params, z)).evidence, 1e-11);
}
