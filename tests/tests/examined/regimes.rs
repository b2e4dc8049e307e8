//! Regimes that choose what is seen of a state.

use super::oracle::sound;
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::density::normal;

model! {
    pub mod regimes(K, H) {
        param    start: Simplex[K];        param trans[i in K]: Simplex[K];
        param    A[k in K]: Matrix[H, H];  param b[k in K]: Vector[H];  param Q: SymPos[H];
        param    C[k in K]: Matrix[D, H];  param r[d in D]: Positive;
        for s in S {
            latent   z[s, 0]                     ~ Categorical(start);
            latent   z[s, t in 1..T[s]]          ~ Categorical(trans[z[s, t-1]]);
            latent   x[s, 0]: Vector[H]          ~ Normal(0, var: 1);
            latent   x[s, t in 1..T[s]]          ~ Normal(A[z[s, t]] * x[s, t-1] + b[z[s, t]], cov: Q);
            observed y[s, t in T[s]]: Vector[D]? ~ Normal(C[z[s, t]] * x[s, t], var: r);
        }
    }
}

#[test]
fn loadings_that_regimes_choose_do_not_stay_at_nothing() {
    let mut g = Noise::new(10);
    let y: Vec<DMatrix<f64>> = [60, 0, 1, 40]
        .iter()
        .map(|n| {
            let (mut x, mut z) = ([g.normal(), g.normal()], 0);
            let mut y = DMatrix::zeros(*n, 3);
            for t in 0..*n {
                z = if g.unit() < 0.1 { 1 - z } else { z };
                let a = [[0.9, 0.3, -0.3, 0.9], [0.3, 0.0, 0.0, -0.5]][z];
                x = [
                    a[0] * x[0] + a[1] * x[1] + 0.5 * g.normal(),
                    a[2] * x[0] + a[3] * x[1] + 0.5 * g.normal() + z as f64,
                ];
                for (j, seen) in [x[0], x[1], x[0] + x[1]].into_iter().enumerate() {
                    y[(t, j)] =
                        if t % 5 == 3 && j == 1 || t == 7 { f64::NAN } else { seen + 0.3 * g.normal() };
                }
            }
            y
        })
        .collect();
    let data = regimes::Data { y: (&y).into() };
    let options = Options::new().tolerance(1e-9).max_iterations(60).seed(2);
    let fit = sound(&data, &options, |o| regimes::Model::new(2, 2).fit(&data, o));
    // Without states every column is noise about 0.
    let noise: f64 = (0..3)
        .map(|j| {
            let seen: Vec<f64> =
                y.iter().flat_map(|y| y.column(j).iter().copied().collect::<Vec<_>>()).collect();
            let seen: Vec<f64> = seen.into_iter().filter(|y| !y.is_nan()).collect();
            let var = seen.iter().map(|y| y * y).sum::<f64>() / seen.len() as f64;
            seen.iter().map(|y| normal(*y, 0.0, var)).sum::<f64>()
        })
        .sum();
    assert!(fit.elbo() > noise + 30.0, "{} and {noise}", fit.elbo());
}
