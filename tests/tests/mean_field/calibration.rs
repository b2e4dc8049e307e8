//! Simulation-based calibration: latents and data are drawn from a model, the posterior is fitted to the data, and the rank of each latent
//! among draws from its q is counted. Under an exact posterior every rank is equally likely, whatever function of the latents is ranked
//! (Talts et al. 2018). A q that cuts a dependence is too narrow, so that the truth lies outside its draws too often, and for two Normals by
//! how much is known.

use vi_core::prelude::*;

model! {
    pub mod regression {
        given    x[n in N]: Vector[D];
        latent   tau       ~ Gamma(shape: 3, rate: 2);
        latent   w[d in D] ~ Normal(0, prec: 0.5 * tau);
        observed y[n in N] ~ Normal(dot(w, x[n]), prec: tau);
    }
}
model! {
    pub mod hierarchy {
        given    sd[j in J]: Positive;
        latent   mu           ~ Normal(1, sd: 2);
        latent   theta[j in J] ~ Normal(mu, var: 1.5);
        observed y[j in J]    ~ Normal(theta[j], sd: sd[j]);
    }
}
model! {
    pub mod coin {
        latent   p         ~ Beta(0.7, 2);
        observed y[n in N] ~ Bernoulli(p);
    }
}
model! {
    pub mod counts(G) {
        given    group[n in N]: Category[G];
        latent   rate[g in G] ~ Gamma(shape: 2, rate: 0.5);
        observed y[n in N]    ~ Poisson(rate[group[n]]);
    }
}
model! {
    pub mod line {
        given    x[n in N]: Real;
        latent   a         ~ Normal(0, sd: 2);
        latent   b         ~ Normal(0, sd: 2);
        observed y[n in N] ~ Normal(a + b * x[n], var: 1.5);
    }
}
model! {
    pub mod cut_line {
        given    x[n in N]: Real;
        latent   a         ~ Normal(0, sd: 2);
        latent   b         ~ Normal(0, sd: 2);
        observed y[n in N] ~ Normal(a + b * x[n], var: 1.5);
        factorize { q(a); q(b); }
    }
}

const REPLICATIONS: usize = 1000;
/// So that there are 20 ranks.
const DRAWS: usize = 19;
const RANKS: usize = DRAWS + 1;
/// χ² with 19 degrees of freedom exceeds it once in a thousand.
const LIMIT: f64 = 43.82;

/// Ranks of several functions of the latents, one column for each.
struct Ranks(Vec<[usize; RANKS]>);

impl Ranks {
    /// `one` returns, for a seed, the functions at the truth and at every draw from q.
    fn count(one: impl Fn(u64) -> (Vec<f64>, Vec<Vec<f64>>)) -> Ranks {
        let mut out = Ranks(vec![]);
        for seed in 0..REPLICATIONS as u64 {
            let (truth, draws) = one(seed);
            assert_eq!(draws.len(), DRAWS);
            out.0.resize(truth.len(), [0; RANKS]);
            for (k, column) in out.0.iter_mut().enumerate() {
                column[draws.iter().filter(|d| d[k] < truth[k]).count()] += 1;
            }
        }
        out
    }

    /// Σ (observed − expected)²/expected
    fn distance(&self, k: usize, expected: &[f64]) -> f64 {
        let term = |(seen, p): (&usize, &f64)| {
            let expected = p * REPLICATIONS as f64;
            (*seen as f64 - expected).powi(2) / expected
        };
        self.0[k].iter().zip(expected).map(term).sum()
    }

    fn are_uniform(&self) {
        for k in 0..self.0.len() {
            let distance = self.distance(k, &[1.0 / RANKS as f64; RANKS]);
            assert!(distance < LIMIT, "function {k}: χ² = {distance}, {:?}", self.0[k]);
        }
    }

    /// The share of the two outermost ranks.
    fn outside(&self, k: usize) -> f64 {
        (self.0[k][0] + self.0[k][RANKS - 1]) as f64 / REPLICATIONS as f64
    }
}

#[test]
fn a_regression_with_unknown_noise_is_calibrated() {
    let x = DMatrix::from_fn(6, 2, |i, j| if j == 0 { 1.0 } else { i as f64 - 1.0 });
    let functions = |l: &regression::Latents, y: &[f64]| {
        let w = &l.w;
        let square: f64 = (0..6).map(|n| (y[n] - w[0] * x[(n, 0)] - w[1] * x[(n, 1)]).powi(2)).sum();
        vec![l.tau, w[0], w[1], w[0] * w[1] * l.tau, 3.0 * l.tau.ln() - 0.5 * l.tau * square]
    };
    Ranks::count(|seed| {
        let model = regression::Model::new();
        let empty = regression::Data { x: (&x).into(), y: Absent(6).into() };
        let drawn = model.simulate(&regression::Params {}, &empty, seed).unwrap();
        let fit = model.fit(&drawn.data(), &Options::new()).unwrap();
        let draws = fit.draw(&drawn.data(), seed, DRAWS).unwrap();
        let at = |l: &regression::Latents| functions(l, &drawn.y);
        (at(&drawn.latents), draws.iter().map(at).collect())
    })
    .are_uniform();
}

#[test]
fn a_hierarchy_of_normals_is_calibrated() {
    let sd = [0.5, 1.0, 2.0, 4.0];
    let functions = |l: &hierarchy::Latents| {
        vec![l.mu, l.theta[0], l.theta[3], l.theta[1] - l.mu, l.theta[2] * l.theta[3]]
    };
    Ranks::count(|seed| {
        let model = hierarchy::Model::new();
        let empty = hierarchy::Data { sd: (&sd).into(), y: Absent(4).into() };
        let drawn = model.simulate(&hierarchy::Params {}, &empty, seed).unwrap();
        let fit = model.fit(&drawn.data(), &Options::new()).unwrap();
        let draws = fit.draw(&drawn.data(), seed, DRAWS).unwrap();
        (functions(&drawn.latents), draws.iter().map(functions).collect())
    })
    .are_uniform();
}

#[test]
fn shares_and_rates_are_calibrated() {
    Ranks::count(|seed| {
        let model = coin::Model::new();
        let drawn = model.simulate(&coin::Params {}, &coin::Data { y: Absent(7).into() }, seed).unwrap();
        let fit = model.fit(&drawn.data(), &Options::new()).unwrap();
        let draws = fit.draw(&drawn.data(), seed, DRAWS).unwrap();
        (vec![drawn.latents.p], draws.iter().map(|l| vec![l.p]).collect())
    })
    .are_uniform();

    let group = [0, 0, 0, 1];
    let functions = |l: &counts::Latents| vec![l.rate[0], l.rate[1], l.rate[0] / l.rate[1]];
    Ranks::count(|seed| {
        let model = counts::Model::new(2);
        let empty = counts::Data { group: (&group).into(), y: Absent(4).into() };
        let drawn = model.simulate(&counts::Params {}, &empty, seed).unwrap();
        let fit = model.fit(&drawn.data(), &Options::new()).unwrap();
        let draws = fit.draw(&drawn.data(), seed, DRAWS).unwrap();
        (functions(&drawn.latents), draws.iter().map(functions).collect())
    })
    .are_uniform();
}

/// P(rank) where the truth lies `wider` times as far from the centre as the Normal draws it is ranked among: the rank is binomial with the
/// probability of a draw below the truth.
fn too_narrow(wider: f64) -> Vec<f64> {
    let (steps, end) = (8000, 8.0);
    let width = 2.0 * end / f64::from(steps);
    let density = |z: f64| (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
    let mut out = vec![0.0; RANKS];
    let mut below: f64 = 0.0;
    for n in 0..=steps {
        let z = -end + width * f64::from(n);
        below += 0.5 * width * wider * (density(wider * z) + density(wider * (z - width)));
        let u = below.min(1.0);
        let mut choose = 1.0;
        for (rank, p) in out.iter_mut().enumerate() {
            *p += width * density(z) * choose * u.powi(rank as i32) * (1.0 - u).powi((DRAWS - rank) as i32);
            choose *= (DRAWS - rank) as f64 / (rank + 1) as f64;
        }
    }
    out
}

#[test]
fn what_a_cut_dependence_hides_is_what_algebra_says() {
    let x = [0.0, 1.0, 2.0, 3.0];
    let whole = Ranks::count(|seed| {
        let model = line::Model::new();
        let empty = line::Data { x: (&x).into(), y: Absent(4).into() };
        let drawn = model.simulate(&line::Params {}, &empty, seed).unwrap();
        let fit = model.fit(&drawn.data(), &Options::new()).unwrap();
        let draws = fit.draw(&drawn.data(), seed, DRAWS).unwrap();
        (vec![drawn.latents.a, drawn.latents.b], draws.iter().map(|l| vec![l.a, l.b]).collect())
    });
    whole.are_uniform();

    let cut = Ranks::count(|seed| {
        let model = cut_line::Model::new();
        let empty = cut_line::Data { x: (&x).into(), y: Absent(4).into() };
        let drawn = model.simulate(&cut_line::Params {}, &empty, seed).unwrap();
        let fit = model.fit(&drawn.data(), &Options::new().tolerance(1e-9)).unwrap();
        let draws = fit.draw(&drawn.data(), seed, DRAWS).unwrap();
        (vec![drawn.latents.a, drawn.latents.b], draws.iter().map(|l| vec![l.a, l.b]).collect())
    });
    // q has the right mean and the conditional variance, which is 1 − ρ² of the marginal one.
    let (aa, ab, bb) = (0.25 + 4.0 / 1.5, 6.0 / 1.5, 0.25 + 14.0 / 1.5);
    let expected = too_narrow(f64::powf(1.0 - ab * ab / (aa * bb), -0.5));
    assert!((expected.iter().sum::<f64>() - 1.0).abs() < 1e-6);
    for k in 0..2 {
        assert!(cut.distance(k, &[1.0 / RANKS as f64; RANKS]) > 3.0 * LIMIT, "{:?}", cut.0[k]);
        assert!(cut.outside(k) > 0.15 && whole.outside(k) < 0.13, "{} {}", cut.outside(k), whole.outside(k));
        let distance = cut.distance(k, &expected);
        assert!(distance < LIMIT, "function {k}: χ² = {distance}, {:?}, {expected:?}", cut.0[k]);
    }
}
