//! Latents that `constrain` keeps within an interval: coordinate updates in plain loops, truncated moments by quadrature, and bounds against the
//! evidence.

use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::density::normal;
use vi_tests::law::{close, exact, honest, monotone};

model! {
    pub mod ratings(beta2: Positive = 1.0) {
        given  winner[g in G]: Category[P];   given loser[g in G]: Category[P];
        latent skill[p in P] ~ Normal(0, var: 1);
        latent gap[g in G]   ~ Normal(skill[winner[g]] - skill[loser[g]], var: 2 * beta2);
        for g in G { constrain gap[g] > 0; }
    }
}
model! {
    /// Draws are gaps within a margin, some players' skill was measured, and how much it varies is estimated.
    pub mod league {
        given    first[g in G]: Category[P];   given second[g in G]: Category[P];
        given    low[g in G]: Real;            given high[g in G]: Real;
        given    who[m in M]: Category[P];
        param    spread: Positive(min: 1e-6);
        latent   skill[p in P] ~ Normal(0, var: spread);
        latent   gap[g in G]   ~ Normal(skill[first[g]] - skill[second[g]], var: 2);
        observed score[m in M] ~ Normal(skill[who[m]], var: 0.5);
        for g in G { constrain low[g] < gap[g] < high[g]; }
    }
}
model! {
    /// One number that is known to be positive, and seen with noise: nothing is cut.
    pub mod positive {
        latent   x ~ Normal(m, var: 2);
        given    m: Real;
        observed y[n in N] ~ Normal(x, var: 1);
        constrain x > 0;
    }
}
model! {
    /// Utilities of which one side is seen.
    pub mod probit {
        given    x[n in N]: Vector[D];   given up[n in N]: Bool;
        latent   w[d in D] ~ Normal(0, var: 4);
        latent   u[n in N] ~ Normal(dot(w, x[n]), var: 1);
        for n in N if up[n] { constrain 0 <= u[n]; }
        for n in N if not up[n] { constrain -u[n] > 0; }
    }
}

model! {
    /// Some of the elements are kept within bounds, each by a statement of its own.
    pub mod some {
        given    least[n in N]: Real;
        latent   x[n in N] ~ Normal(0, var: 1);
        observed y[n in N] ~ Normal(x[n], var: 1);
        constrain x[0] < 0.25;
        for n in 1..N-1 { constrain least[n] < x[n] + 0.5; }
    }
}

/// ∫ f over [a, b] by Simpson's rule.
fn simpson(f: impl Fn(f64) -> f64, a: f64, b: f64, n: usize) -> f64 {
    let h = (b - a) / n as f64;
    let inner: f64 = (1..n).map(|i| f(a + i as f64 * h) * if i % 2 == 1 { 4.0 } else { 2.0 }).sum();
    h / 3.0 * (f(a) + f(b) + inner)
}

/// (log Z, mean, variance) of Normal(m, v) within (low, high).
fn truncated(m: f64, v: f64, low: f64, high: f64) -> (f64, f64, f64) {
    let s = v.sqrt();
    let (a, b) = (low.max(m - 12.0 * s), high.min(m + 12.0 * s));
    let f = |x: f64| normal(x, m, v).exp();
    let z = simpson(f, a, b, 4000);
    let mean = simpson(|x| x * f(x), a, b, 4000) / z;
    (z.ln(), mean, simpson(|x| (x - mean).powi(2) * f(x), a, b, 4000) / z)
}

struct Game {
    winner: usize,
    loser: usize,
    low: f64,
    high: f64,
}

/// Coordinate ascent by hand: the skills as one Normal, then every gap.
struct ByHand {
    games: Vec<Game>,
    scores: Vec<(usize, f64)>,
    spread: f64,
    noise: f64,
    mean: DVector<f64>,
    cov: DMatrix<f64>,
    /// (untruncated mean, log Z, E, Var) of every gap.
    gaps: Vec<(f64, f64, f64, f64)>,
}

impl ByHand {
    fn new(players: usize, games: Vec<Game>, scores: Vec<(usize, f64)>, spread: f64, noise: f64) -> Self {
        let mut out = ByHand {
            games,
            scores,
            spread,
            noise,
            mean: DVector::zeros(players),
            cov: DMatrix::zeros(players, players),
            gaps: vec![],
        };
        out.turn_of_gaps();
        out
    }

    fn turn_of_skills(&mut self) {
        let n = self.mean.len();
        let mut precision = DMatrix::identity(n, n) / self.spread;
        let mut shift = DVector::zeros(n);
        for (g, (_, _, e, _)) in self.games.iter().zip(&self.gaps) {
            let mut row = DVector::zeros(n);
            row[g.winner] += 1.0;
            row[g.loser] -= 1.0;
            precision += &row * row.transpose() / self.noise;
            shift += &row * (*e / self.noise);
        }
        for (p, y) in &self.scores {
            precision[(*p, *p)] += 2.0;
            shift[*p] += 2.0 * y;
        }
        self.cov = precision.try_inverse().unwrap();
        self.mean = &self.cov * shift;
    }

    fn turn_of_gaps(&mut self) {
        self.gaps = self
            .games
            .iter()
            .map(|g| {
                let m = self.mean[g.winner] - self.mean[g.loser];
                let (z, e, v) = truncated(m, self.noise, g.low, g.high);
                (m, z, e, v)
            })
            .collect();
    }

    fn bound(&self) -> f64 {
        let tau = std::f64::consts::TAU;
        let n = self.mean.len() as f64;
        let mut sum = 0.5 * (n * (1.0 + tau.ln()) + self.cov.determinant().ln());
        for p in 0..self.mean.len() {
            sum += normal(self.mean[p], 0.0, self.spread) - 0.5 * self.cov[(p, p)] / self.spread;
        }
        for (p, y) in &self.scores {
            sum += normal(*y, self.mean[*p], 0.5) - self.cov[(*p, *p)];
        }
        for (g, (m, z, e, v)) in self.games.iter().zip(&self.gaps) {
            let (a, b) = (g.winner, g.loser);
            let var = self.cov[(a, a)] + self.cov[(b, b)] - 2.0 * self.cov[(a, b)];
            let now = self.mean[a] - self.mean[b];
            sum += normal(*e, now, self.noise) - 0.5 * (v + var) / self.noise;
            // H = log Z − E log Normal(gap; m, noise)
            sum += z - normal(*e, *m, self.noise) + 0.5 * v / self.noise;
        }
        sum
    }
}

fn season(seed: u64, players: usize, games: usize) -> (Vec<usize>, Vec<usize>) {
    let mut noise = Noise::new(seed);
    let skill = noise.normals(players);
    (0..games)
        .map(|_| {
            let a = noise.below(players);
            let b = (a + 1 + noise.below(players - 1)) % players;
            let gap = skill[a] - skill[b] + 2f64.sqrt() * noise.normal();
            if gap > 0.0 { (a, b) } else { (b, a) }
        })
        .unzip()
}

#[test]
fn sweeps_are_coordinate_updates_by_hand() {
    let (winner, loser) = season(3, 6, 40);
    let data = ratings::Data { winner: (&winner).into(), loser: (&loser).into() };
    let games = winner
        .iter()
        .zip(&loser)
        .map(|(w, l)| Game { winner: *w, loser: *l, low: 0.0, high: f64::INFINITY })
        .collect();
    let mut by_hand = ByHand::new(6, games, vec![], 1.0, 2.0);
    let model = ratings::Model::new();
    let mut state = model.start(&data, Start::Default, &Options::new()).unwrap();
    for sweep in 0..15 {
        by_hand.turn_of_skills();
        by_hand.turn_of_gaps();
        close(state.trace[sweep], by_hand.bound(), 1e-9);
        model.step(&mut state).unwrap();
    }
    let fit = state.finish().unwrap();
    by_hand.turn_of_skills();
    by_hand.turn_of_gaps();
    let q = &fit.posterior;
    for p in 0..6 {
        close(q.skill.mean()[p], by_hand.mean[p], 1e-9);
        close(q.skill.var()[p], by_hand.cov[(p, p)], 1e-9);
    }
    for (g, (_, _, e, v)) in by_hand.gaps.iter().enumerate() {
        close(q.gap[g].mean(), *e, 1e-9);
        close(q.gap[g].var(), *v, 1e-9);
        let (low, high) = q.gap[g].interval(0.9);
        assert!(low > 0.0 && low < *e && *e < high);
    }
    honest(&fit, &data);
}

#[test]
fn the_bound_is_below_the_probability_of_the_outcomes() {
    // The second player beats the first, the third the second, the first the third, the third the first.
    let (winner, loser) = (vec![1usize, 2, 0, 2], vec![0usize, 1, 2, 0]);
    let data = ratings::Data { winner: (&winner).into(), loser: (&loser).into() };
    let fit = ratings::Model::new().fit(&data, &Options::new()).unwrap();
    // P(outcomes) = E Π Φ((s_w − s_l)/√2) over three standard Normals.
    let phi = |x: f64| 0.5 * libm_erfc(-x / 2f64.sqrt());
    let weight = |x: f64| normal(x, 0.0, 1.0).exp();
    let evidence = simpson(
        |a| {
            weight(a)
                * simpson(
                    |b| {
                        weight(b)
                            * simpson(
                                |c| {
                                    let s = [a, b, c];
                                    let games = winner.iter().zip(&loser);
                                    let all = games.map(|(w, l)| phi((s[*w] - s[*l]) / 2f64.sqrt()));
                                    weight(c) * all.product::<f64>()
                                },
                                -7.0,
                                7.0,
                                70,
                            )
                    },
                    -7.0,
                    7.0,
                    70,
                )
        },
        -7.0,
        7.0,
        70,
    )
    .ln();
    assert!(fit.elbo() < evidence && fit.elbo() > evidence - 1.0, "{} and {evidence}", fit.elbo());
    honest(&fit, &data);
}

/// erfc by its series and continued fraction.
fn libm_erfc(x: f64) -> f64 {
    if x < 0.0 {
        return 2.0 - libm_erfc(-x);
    }
    if x < 2.5 {
        let (mut term, mut sum) = (x, x);
        for n in 1..80 {
            term *= -x * x / n as f64;
            sum += term / (2 * n + 1) as f64;
        }
        return 1.0 - 2.0 / std::f64::consts::PI.sqrt() * sum;
    }
    let mut f = 0.0;
    for n in (1..80).rev() {
        f = 0.5 * n as f64 / (x + f);
    }
    (-x * x).exp() / std::f64::consts::PI.sqrt() / (x + f)
}

#[test]
fn margins_measured_players_and_an_unknown_spread_follow_the_same_updates() {
    let (mut first, mut second) = season(8, 5, 25);
    first.push(0);
    second.push(3);
    let low: Vec<f64> = (0..26).map(|g| if g % 6 == 5 { -0.4 } else { 0.4 }).collect();
    let high: Vec<f64> = (0..26).map(|g| if g % 6 == 5 { 0.4 } else { 1e6 }).collect();
    let (who, score) = (vec![1usize, 1, 4], vec![0.3, 0.7, -1.2]);
    let data = league::Data {
        first: (&first).into(),
        second: (&second).into(),
        low: (&low).into(),
        high: (&high).into(),
        who: (&who).into(),
        score: (&score).into(),
    };
    let games =
        (0..26).map(|g| Game { winner: first[g], loser: second[g], low: low[g], high: high[g] }).collect();
    let scores = who.iter().copied().zip(score.iter().copied()).collect();
    let mut by_hand = ByHand::new(5, games, scores, 1.5, 2.0);
    let model = league::Model::new();
    let begin = Start::Params(league::Params { spread: 1.5 });
    let mut state = model.start(&data, begin, &Options::new()).unwrap();
    for sweep in 0..10 {
        by_hand.turn_of_skills();
        by_hand.turn_of_gaps();
        close(state.params.spread, by_hand.spread, 1e-9);
        close(state.trace[sweep], by_hand.bound(), 1e-9);
        by_hand.spread = (by_hand.mean.norm_squared() + by_hand.cov.trace()) / 5.0;
        model.step(&mut state).unwrap();
    }
    monotone(&state.trace);
    let fit = state.finish().unwrap();
    honest(&fit, &data);
}

#[test]
fn one_number_that_is_known_to_be_positive_has_its_exact_posterior() {
    for (m, shift) in [(0.3, 0.0), (-1.0, -3.0), (0.0, -30.0)] {
        let y: Vec<f64> = [0.4, -0.2, 0.1].iter().map(|y| y + shift).collect();
        let data = positive::Data { m, y: (&y).into() };
        let fit = positive::Model::new().fit(&data, &Options::new()).unwrap();
        let joint = |x: f64| normal(x, m, 2.0) + y.iter().map(|y| normal(*y, x, 1.0)).sum::<f64>();
        // Far out all of it is near 0.
        let reach = if shift < -10.0 { 1.0 } else { 12.0 };
        let top = joint(0.0f64.max(shift));
        let z = simpson(|x| (joint(x) - top).exp(), 0.0, reach, 20_000);
        let mean = simpson(|x| x * (joint(x) - top).exp(), 0.0, reach, 20_000) / z;
        let var = simpson(|x| (x - mean).powi(2) * (joint(x) - top).exp(), 0.0, reach, 20_000) / z;
        exact(&fit, &data, z.ln() + top);
        close(fit.log_evidence(), z.ln() + top, 1e-10);
        close(fit.posterior.x.mean() / mean, 1.0, 1e-9);
        close(fit.posterior.x.var() / var, 1.0, 1e-8);
        let (low, high) = fit.posterior.x.interval(0.8);
        for (end, p) in [(low, 0.1), (high, 0.9)] {
            close(simpson(|x| (joint(x) - top).exp(), 0.0, end, 20_000) / z, p, 1e-8);
        }
    }
}

#[test]
fn bounds_hold_where_they_are_written_and_nowhere_else() {
    let (least, y) = (vec![9.0, -0.3, 0.8, 9.0], vec![1.0, -0.6, 0.2, -1.5]);
    let data = some::Data { least: (&least).into(), y: (&y).into() };
    let fit = some::Model::new().fit(&data, &Options::new()).unwrap();
    let bounds = [(-12.0, 0.25), (-0.8, 12.0), (0.3, 12.0), (-12.0, 12.0)];
    let mut evidence = 0.0;
    for (n, (low, high)) in bounds.into_iter().enumerate() {
        // x given y is Normal(y/2, var: ½), and y by itself Normal(0, var: 2).
        let (log_mass, mean, var) = truncated(0.5 * y[n], 0.5, low, high);
        evidence += normal(y[n], 0.0, 2.0) + log_mass;
        close(fit.posterior.x[n].mean(), mean, 1e-9);
        close(fit.posterior.x[n].var(), var, 1e-9);
    }
    exact(&fit, &data, evidence);
}

#[test]
fn regressions_of_utilities_are_below_their_probability() {
    let x = DMatrix::from_row_slice(4, 1, &[1.0, 0.5, -0.3, 1.5]);
    let up = [true, true, true, false];
    let data = probit::Data { x: (&x).into(), up: (&up).into() };
    let fit = probit::Model::new().fit(&data, &Options::new()).unwrap();
    let phi = |x: f64| 0.5 * libm_erfc(-x / 2f64.sqrt());
    let all =
        |w: f64| x.iter().zip(&up).map(|(x, up)| phi(if *up { w * x } else { -w * x })).product::<f64>();
    let evidence = simpson(|w| normal(w, 0.0, 4.0).exp() * all(w), -20.0, 20.0, 4000).ln();
    assert!(fit.elbo() < evidence && fit.elbo() > evidence - 1.0, "{} and {evidence}", fit.elbo());
    honest(&fit, &data);
}

#[test]
fn bounds_that_leave_nothing_are_an_error_and_values_outside_have_no_density() {
    let data = league::Data {
        first: (&[0usize, 1]).into(),
        second: (&[1usize, 2]).into(),
        low: (&[0.0, 2.0]).into(),
        high: (&[1e6, 1.0]).into(),
        who: (&[2usize]).into(),
        score: (&[0.1]).into(),
    };
    let model = league::Model::new();
    let error = model.fit(&data, &Options::new()).unwrap_err().to_string();
    assert!(error.contains("gap[1]"), "{error}");

    let (winner, loser) = ([0usize], [1usize]);
    let data = ratings::Data { winner: (&winner).into(), loser: (&loser).into() };
    let model = ratings::Model::new();
    let latents = |gap: f64| ratings::Latents { skill: vec![0.2, -0.1], gap: vec![gap] };
    let inside = model.log_joint(&data, &latents(0.5), &ratings::Params {}).unwrap();
    close(inside, normal(0.2, 0.0, 1.0) + normal(-0.1, 0.0, 1.0) + normal(0.5, 0.3, 2.0), 1e-12);
    assert_eq!(model.log_joint(&data, &latents(-0.5), &ratings::Params {}).unwrap(), f64::NEG_INFINITY);
    let none: [usize; 0] = [];
    let data = ratings::Data { winner: (&none).into(), loser: (&none).into() };
    close(model.fit(&data, &Options::new()).unwrap().elbo(), 0.0, 1e-12);
}

#[test]
fn more_players_than_a_covariance_may_have_are_an_error() {
    let (winner, loser) = ([100_000_000usize], [1usize]);
    let data = ratings::Data { winner: (&winner).into(), loser: (&loser).into() };
    let error = ratings::Model::new().fit(&data, &Options::new()).unwrap_err();
    assert!(matches!(error, vi_core::Error::TooWide { unknowns: 100_000_001, budget: 4096, .. }), "{error}");
    let (winner, loser) = season(1, 30, 60);
    let data = ratings::Data { winner: (&winner).into(), loser: (&loser).into() };
    let few = Options::new().budget(10);
    assert!(ratings::Model::new().fit(&data, &few).unwrap_err().to_string().contains("skill has 30 numbers"));
}

#[test]
fn a_start_may_be_a_posterior_and_threads_change_nothing() {
    let (winner, loser) = season(5, 8, 60);
    let data = ratings::Data { winner: (&winner).into(), loser: (&loser).into() };
    let model = ratings::Model::new();
    let fit = model.fit(&data, &Options::new()).unwrap();
    assert!(fit.converged);
    monotone(&fit.trace);
    let again = model.fit_from(&data, Start::Posterior(fit.posterior.clone()), &Options::new()).unwrap();
    close(again.elbo(), fit.elbo(), 1e-7);
    assert!(again.iterations <= 4, "{}", again.iterations);
    let fast = model.fit(&data, &Options::new().accelerate(true)).unwrap();
    close(fast.elbo(), fit.elbo(), 1e-6);
    for p in fit.posterior.skill.mean().iter() {
        assert!(p.is_finite());
    }
    assert_eq!(model.fit(&data, &Options::new().threads(3)).unwrap().trace, fit.trace);
}
