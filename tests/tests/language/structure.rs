//! Models with structure: several channels, nested and ragged plates, several latents of a unit, priors, partial labels, missing entries,
//! frequency weights, and no latent at all.

use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::density::{self, log_sum_exp};
use vi_tests::law::{close, exact};

model! {
    pub mod latent_classes(K, V) {
        param    weight: Simplex[K];
        param    p[k in K, j in J]: Simplex[V];
        latent   c[n in N] ~ Categorical(weight);
        observed y[n in N, j in J]: Category[V]? ~ Categorical(p[c[n], j]);
    }
}

#[test]
fn latent_classes_with_missing_answers() {
    let mut g = Noise::new(1);
    let y = DMatrix::from_fn(70, 4, |i, j| {
        let class = i % 2;
        let answer = if g.unit() < 0.7 { (class + j) % 3 } else { g.below(3) };
        if g.unit() < 0.1 { None } else { Some(answer) }
    });
    let data = latent_classes::Data { y: (&y).into() };
    let fit = latent_classes::Model::new(2, 3).fit(&data, &Options::new().seed(1)).unwrap();
    let q = &fit.params;
    let by_hand = (0..70)
        .map(|n| {
            log_sum_exp(&[0usize, 1].map(|k| {
                q.weight[k].ln() + (0..4).filter_map(|j| y[(n, j)].map(|v| q.p[k][j][v].ln())).sum::<f64>()
            }))
        })
        .sum();
    exact(&fit, &data, by_hand);
}

model! {
    pub mod binary_items(K) {
        param    weight: Simplex[K];
        param    p[k in K, j in J]: Unit;
        latent   c[n in N] ~ Categorical(weight);
        observed y[n in N, j in J]: Bool ~ Bernoulli(p[c[n], j]);
    }
}

#[test]
fn mixture_of_bernoullis() {
    let mut g = Noise::new(2);
    let y = DMatrix::from_fn(60, 5, |i, j| g.unit() < if (i + j) % 2 == 0 { 0.8 } else { 0.25 });
    let data = binary_items::Data { y: (&y).into() };
    let fit = binary_items::Model::new(2).fit(&data, &Options::new().seed(1)).unwrap();
    let q = &fit.params;
    let by_hand = (0..60)
        .map(|n| {
            log_sum_exp(&[0usize, 1].map(|k| {
                q.weight[k].ln()
                    + (0..5).map(|j| if y[(n, j)] { q.p[k][j] } else { 1.0 - q.p[k][j] }.ln()).sum::<f64>()
            }))
        })
        .sum();
    exact(&fit, &data, by_hand);
}

model! {
    pub mod multinomials(K) {
        given    total[n in N]: Count;
        param    weight: Simplex[K];
        param    p[k in K]: Simplex[V];
        latent   c[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Multinomial(total[n], p[c[n]]);
    }
}

#[test]
fn mixture_of_multinomials() {
    let mut g = Noise::new(3);
    let y = DMatrix::from_fn(50, 4, |i, j| g.poisson(if (i + j) % 2 == 0 { 6.0 } else { 1.5 }));
    let total: Vec<u64> = y.row_iter().map(|r| r.iter().sum()).collect();
    let data = multinomials::Data { total: (&total).into(), y: (&y).into() };
    let fit = multinomials::Model::new(2).fit(&data, &Options::new().seed(1)).unwrap();
    let q = &fit.params;
    let by_hand = (0..50)
        .map(|n| {
            let row: Vec<u64> = y.row(n).iter().copied().collect();
            log_sum_exp(
                &[0usize, 1].map(|k| q.weight[k].ln() + density::multinomial(&row, q.p[k].as_slice())),
            )
        })
        .sum();
    exact(&fit, &data, by_hand);
}

model! {
    pub mod compositions(K) {
        param    weight: Simplex[K];
        param    a[k in K, v in V]: Positive;
        latent   c[n in N] ~ Categorical(weight);
        observed x[n in N]: Simplex[V] ~ Dirichlet(a[c[n]]);
    }
}

#[test]
fn mixture_of_dirichlets() {
    let mut g = Noise::new(4);
    let mut x = DMatrix::zeros(60, 3);
    for n in 0..60 {
        let u: Vec<f64> = (0..3).map(|v| g.gamma(if (n + v) % 2 == 0 { 6 } else { 2 }, 1.0)).collect();
        let total: f64 = u.iter().sum();
        for v in 0..3 {
            x[(n, v)] = u[v] / total;
        }
    }
    let data = compositions::Data { x: (&x).into() };
    let fit = compositions::Model::new(2).fit(&data, &Options::new().seed(1)).unwrap();
    let q = &fit.params;
    let by_hand = (0..60)
        .map(|n| {
            let row: Vec<f64> = x.row(n).iter().copied().collect();
            log_sum_exp(&[0usize, 1].map(|k| {
                let a: Vec<f64> = q.a[k].to_vec();
                q.weight[k].ln() + density::dirichlet(&row, &a)
            }))
        })
        .sum();
    exact(&fit, &data, by_hand);
}

model! {
    pub mod scatter(K, nu: Positive = 5.0) {
        param    weight: Simplex[K];
        param    s[k in K]: SymPos[D];
        latent   c[n in N] ~ Categorical(weight);
        observed x[n in N]: SymPos[D] ~ Wishart(dof: nu, scale: s[c[n]]);
    }
}

model! {
    pub mod inverse_scatter(K, nu: Positive = 5.0) {
        param    weight: Simplex[K];
        param    s[k in K]: SymPos[D];
        latent   c[n in N] ~ Categorical(weight);
        observed x[n in N]: SymPos[D] ~ InverseWishart(dof: nu, scale: s[c[n]]);
    }
}

fn matrices() -> Vec<DMatrix<f64>> {
    let mut g = Noise::new(6);
    (0..50)
        .map(|n| {
            let a = DMatrix::from_fn(2, 5, |_, _| g.normal() * if n % 3 == 0 { 2.5 } else { 1.0 });
            &a * a.transpose()
        })
        .collect()
}

#[test]
fn mixture_of_wisharts() {
    let x = matrices();
    let data = scatter::Data { x: (&x).into() };
    let fit = scatter::Model::new(2).fit(&data, &Options::new().seed(1)).unwrap();
    let q = &fit.params;
    let by_hand = x
        .iter()
        .map(|x| log_sum_exp(&[0usize, 1].map(|k| q.weight[k].ln() + density::wishart(x, 5.0, &q.s[k]))))
        .sum();
    exact(&fit, &data, by_hand);
}

#[test]
fn mixture_of_inverse_wisharts() {
    let x: Vec<_> = matrices().into_iter().map(|m| m.try_inverse().unwrap()).collect();
    let data = inverse_scatter::Data { x: (&x).into() };
    let fit = inverse_scatter::Model::new(2).fit(&data, &Options::new().seed(1)).unwrap();
    let q = &fit.params;
    let by_hand = x
        .iter()
        .map(|x| {
            log_sum_exp(&[0usize, 1].map(|k| q.weight[k].ln() + density::inverse_wishart(x, 5.0, &q.s[k])))
        })
        .sum();
    exact(&fit, &data, by_hand);
}

model! {
    pub mod channels(K, V) {
        param    weight: Simplex[K];
        param    mean[k in K]: Vector[D];
        param    cov[k in K]: SymPos[D];
        param    rate[k in K]: Positive;
        param    p[k in K]: Simplex[V];
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(mean[z[n]], cov: cov[z[n]]);
        observed y[n in N] ~ Poisson(rate[z[n]]);
        observed w[n in N] ~ Categorical(p[z[n]]);
    }
}

#[test]
fn three_channels_of_one_class() {
    let mut g = Noise::new(7);
    let x = DMatrix::from_fn(60, 2, |i, _| g.normal() + if i % 2 == 0 { 2.0 } else { 0.0 });
    let y: Vec<u64> = (0..60).map(|i| g.poisson(if i % 2 == 0 { 4.0 } else { 1.0 })).collect();
    let w: Vec<usize> = (0..60).map(|i| if g.unit() < 0.6 { i % 2 } else { g.below(3) }).collect();
    let data = channels::Data { x: (&x).into(), y: (&y).into(), w: (&w).into() };
    let fit = channels::Model::new(2, 3).fit(&data, &Options::new().seed(1)).unwrap();
    let q = &fit.params;
    let by_hand = (0..60)
        .map(|n| {
            log_sum_exp(&[0usize, 1].map(|k| {
                q.weight[k].ln()
                    + density::mv_normal(&[x[(n, 0)], x[(n, 1)]], &q.mean[k], &q.cov[k])
                    + density::poisson(y[n], q.rate[k])
                    + q.p[k][w[n]].ln()
            }))
        })
        .sum();
    exact(&fit, &data, by_hand);
}

model! {
    pub mod unigrams(K, V) {
        param    weight: Simplex[K];
        param    topic[k in K]: Simplex[V];
        for d in Docs {
            latent   z[d] ~ Categorical(weight);
            observed word[d, i in I[d]] ~ Categorical(topic[z[d]]);
        }
    }
}

model! {
    pub mod plsa(K, V) {
        param    share[d in Docs]: Simplex[K];
        param    topic[k in K]: Simplex[V];
        for d in Docs {
            latent   z[d, i in I[d]] ~ Categorical(share[d]);
            observed word[d, i in I[d]] ~ Categorical(topic[z[d, i]]);
        }
    }
}

fn documents() -> Vec<Vec<usize>> {
    let mut g = Noise::new(8);
    (0..20)
        .map(|d| {
            (0..3 + d % 7)
                .map(|_| if g.unit() < 0.7 { 2 * (d % 2) + g.below(2) } else { g.below(5) })
                .collect()
        })
        .collect()
}

#[test]
fn documents_of_one_topic_each() {
    let word = documents();
    let data = unigrams::Data { word: (&word).into() };
    let fit = unigrams::Model::new(2, 5).fit(&data, &Options::new().seed(1)).unwrap();
    let q = &fit.params;
    let by_hand = word
        .iter()
        .map(|doc| {
            log_sum_exp(
                &[0usize, 1].map(|k| q.weight[k].ln() + doc.iter().map(|w| q.topic[k][*w].ln()).sum::<f64>()),
            )
        })
        .sum();
    exact(&fit, &data, by_hand);
}

#[test]
fn documents_that_share_topics() {
    let word = documents();
    let data = plsa::Data { word: (&word).into() };
    let fit = plsa::Model::new(2, 5).fit(&data, &Options::new().seed(1)).unwrap();
    let q = &fit.params;
    let by_hand = word
        .iter()
        .enumerate()
        .flat_map(|(d, doc)| {
            doc.iter().map(move |w| (0..2).map(|k| q.share[d][k] * q.topic[k][*w]).sum::<f64>().ln())
        })
        .sum();
    exact(&fit, &data, by_hand);
}

model! {
    pub mod ragged_rows(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Vector[D];
        param    cov[k in K]: SymPos[D];
        for s in S {
            latent   z[s] ~ Categorical(weight);
            observed x[s, t in T[s]] ~ Normal(mean[z[s]], cov: cov[z[s]]);
        }
    }
}

#[test]
fn groups_of_rows_of_one_class_each() {
    let mut g = Noise::new(9);
    let x: Vec<DMatrix<f64>> = (0..25)
        .map(|s| DMatrix::from_fn(s % 4, 2, |_, j| g.normal() + if s % 3 == 0 { 2.0 } else { -(j as f64) }))
        .collect();
    let data = ragged_rows::Data { x: (&x).into() };
    let fit = ragged_rows::Model::new(2).fit(&data, &Options::new().seed(1)).unwrap();
    let q = &fit.params;
    let by_hand = x
        .iter()
        .map(|x| {
            log_sum_exp(&[0usize, 1].map(|k| {
                let rows = x.row_iter().map(|r| density::mv_normal(&[r[0], r[1]], &q.mean[k], &q.cov[k]));
                q.weight[k].ln() + rows.sum::<f64>()
            }))
        })
        .sum();
    exact(&fit, &data, by_hand);
}

model! {
    pub mod two_factors(K, L) {
        param    a: Simplex[K];
        param    b[k in K]: Simplex[L];
        param    mean[k in K, l in L]: Real;
        param    s2: Positive;
        latent   u[n in N] ~ Categorical(a);
        latent   v[n in N] ~ Categorical(b[u[n]]);
        observed y[n in N] ~ Normal(mean[u[n], v[n]], var: s2);
    }
}

#[test]
fn two_latents_of_one_unit() {
    let mut g = Noise::new(10);
    let y: Vec<f64> = (0..80).map(|n| 3.0 * (n % 4) as f64 + g.normal()).collect();
    let data = two_factors::Data { y: (&y).into() };
    let fit = two_factors::Model::new(2, 2).fit(&data, &Options::new().seed(1)).unwrap();
    let q = &fit.params;
    let by_hand = y
        .iter()
        .map(|y| {
            let terms: Vec<f64> = (0..4)
                .map(|s| {
                    let (k, l) = (s / 2, s % 2);
                    q.a[k].ln() + q.b[k][l].ln() + density::normal(*y, q.mean[k][l], q.s2)
                })
                .collect();
            log_sum_exp(&terms)
        })
        .sum();
    exact(&fit, &data, by_hand);
}

model! {
    pub mod partly_labelled(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Real;
        param    s2: Positive;
        observed z[n in N]: Category[K]? ~ Categorical(weight);
        observed y[n in N] ~ Normal(mean[z[n]], var: s2);
    }
}

#[test]
fn labels_for_some() {
    let mut g = Noise::new(12);
    let truth: Vec<usize> = (0..60).map(|_| g.below(2)).collect();
    let y: Vec<f64> = truth.iter().map(|k| 2.0 * *k as f64 + g.normal()).collect();
    let z: Vec<Option<usize>> = (0..60).map(|n| (n % 3 == 0).then(|| truth[n])).collect();
    let data = partly_labelled::Data { z: (&z).into(), y: (&y).into() };
    let fit = partly_labelled::Model::new(2).fit(&data, &Options::new()).unwrap();
    let q = &fit.params;
    let of = |n: usize, k: usize| q.weight[k].ln() + density::normal(y[n], q.mean[k], q.s2);
    let by_hand = (0..60)
        .map(|n| match z[n] {
            Some(k) => of(n, k),
            None => log_sum_exp(&[of(n, 0), of(n, 1)]),
        })
        .sum();
    exact(&fit, &data, by_hand);
    for n in (0..60).step_by(3) {
        assert_eq!(fit.posterior.z.probs(n)[truth[n]], 1.0, "a label that is given is certain");
    }
    assert!(q.mean[0] < q.mean[1], "labels name the components");
}

#[test]
fn all_labels_given_is_a_closed_form() {
    let mut g = Noise::new(13);
    let truth: Vec<usize> = (0..40).map(|_| g.below(2)).collect();
    let y: Vec<f64> = truth.iter().map(|k| 2.0 * *k as f64 + g.normal()).collect();
    let z: Vec<Option<usize>> = truth.iter().map(|k| Some(*k)).collect();
    let data = partly_labelled::Data { z: (&z).into(), y: (&y).into() };
    let fit = partly_labelled::Model::new(2).fit(&data, &Options::new()).unwrap();
    let mut s2 = 0.0;
    for k in 0..2 {
        let own: Vec<f64> = (0..40).filter(|n| truth[*n] == k).map(|n| y[n]).collect();
        let mean = own.iter().sum::<f64>() / own.len() as f64;
        close(fit.params.mean[k], mean, 1e-13);
        close(fit.params.weight[k], own.len() as f64 / 40.0, 1e-14);
        s2 += own.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 40.0;
    }
    close(fit.params.s2, s2, 1e-13);
}

model! {
    pub mod diagonal_pairs(K) {
        param    weight: Simplex[K];
        param    b[k in K, l in K]: Real;
        latent   z[i in N] ~ Categorical(weight);
        observed y[i in N, j in N if i == j] ~ Normal(b[z[i], z[j]], sd: 1);
    }
}

#[test]
fn two_indices_that_a_guard_makes_one_read_one_latent() {
    let mut g = Noise::new(31);
    let y =
        DMatrix::from_fn(30, 30, |i, j| if i == j { g.normal() + 4.0 * (i % 2) as f64 } else { f64::NAN });
    let data = diagonal_pairs::Data { y: (&y).into() };
    let fit = diagonal_pairs::Model::new(2).fit(&data, &Options::new().seed(1)).unwrap();
    let q = &fit.params;
    let by_hand = (0..30)
        .map(|n| {
            log_sum_exp(&[0usize, 1].map(|k| {
                let gap = y[(n, n)] - q.b[k][k];
                q.weight[k].ln() - 0.5 * gap * gap - 0.5 * (2.0 * std::f64::consts::PI).ln()
            }))
        })
        .sum();
    exact(&fit, &data, by_hand);
}

model! {
    /// Grades are never below the truth: what begins at 0 stays there.
    pub mod upwards(K) {
        param    prev: Simplex[K];
        param    conf[i in K]: Simplex[K];
        latent   z[n in N] ~ Categorical(prev);
        observed x[n in N] ~ Categorical(conf[z[n]]);
        observed y[n in N] ~ Categorical(conf[z[n]]);
        observed w[n in N] ~ Categorical(conf[z[n]]);
        init { conf[i in K] = [(j >= i) / (K - i) for j in K]; }
    }
}

#[test]
fn a_probability_that_begins_at_0_stays_0() {
    let grades = |shift: usize| (0..60).map(|n| (n % 3).max((n + shift) % 4 % 3)).collect::<Vec<usize>>();
    let (x, y, w) = (grades(0), grades(1), grades(2));
    let data = upwards::Data { x: (&x).into(), y: (&y).into(), w: (&w).into() };
    let fit = upwards::Model::new(3).fit(&data, &Options::new().seed(1)).unwrap();
    for i in 0..3 {
        let conf = &fit.params.conf[i];
        assert!((0..i).all(|j| conf[j] == 0.0) && (i..3).any(|j| conf[j] > 0.0), "{conf}");
    }
}
