//! Products that are uncertain on both sides: turns that raise the objective, against plain formulas, and how many sweeps they save.

use vi_core::fit::Program;
use vi_core::posterior::{MvNormal, Normal, PowerGamma};
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::law::{close, honest, monotone};

model! {
    pub mod relevance(H) {
        latent   alpha[h in H]        ~ Gamma(shape: 0.001, rate: 0.001);
        latent   C[d in D]: Vector[H] ~ Normal(0, prec: alpha);
        latent   b[d in D]            ~ Normal(0, prec: 0.001);
        latent   r                    ~ Gamma(shape: 0.001, rate: 0.001);
        latent   x[n in N]: Vector[H] ~ Normal(0, var: 1);
        observed y[n in N, d in D]    ~ Normal(dot(C[d], x[n]) + b[d], prec: r);
    }
}
model! {
    /// One prior for all slopes, and a constant that is a param: it cannot take what is uncertain.
    pub mod alike(H) {
        param    b[d in D]: Real;
        latent   C[d in D]: Vector[H] ~ Normal(0, var: 4);
        latent   r[d in D]            ~ Gamma(shape: 2, rate: 1);
        latent   x[n in N]: Vector[H] ~ Normal(0, var: 1);
        observed y[n in N, d in D]    ~ Normal(dot(C[d], x[n]) + b[d], prec: r[d]);
    }
}
model! {
    /// A scale for each view of the same factors: no one axis serves both.
    pub mod views(H) {
        latent   alpha[h in H]        ~ Gamma(shape: 1, rate: 1);
        latent   beta[h in H]         ~ Gamma(shape: 1, rate: 1);
        latent   C[d in D]: Vector[H] ~ Normal(0, prec: alpha);
        latent   E[k in K]: Vector[H] ~ Normal(0, prec: beta);
        latent   r                    ~ Gamma(shape: 1, rate: 1);
        latent   s                    ~ Gamma(shape: 1, rate: 1);
        latent   x[n in N]: Vector[H] ~ Normal(0, var: 1);
        observed y[n in N, d in D]    ~ Normal(dot(C[d], x[n]), prec: r);
        observed u[n in N, k in K]    ~ Normal(dot(E[k], x[n]), prec: s);
    }
}
model! {
    /// A scale for each entry, and entries that may be missing.
    pub mod entries(H) {
        latent   v[d in D, h in H]        ~ Gamma(shape: 2, rate: 1);
        latent   C[d in D, h in H]        ~ Normal(0, prec: v[d, h]);
        latent   b[d in D]                ~ Normal(0, var: 9);
        latent   r                        ~ Gamma(shape: 1, rate: 1);
        latent   x[n in N]: Vector[H]     ~ Normal(0, var: 1);
        observed y[n in N, d in D]: Real? ~ Normal(sum(C[d, h] * x[n][h] for h in H) + b[d], prec: r);
    }
}
model! {
    /// Slopes that are points with a prior.
    pub mod ridge(H) {
        param    C[d in D]: Vector[H] ~ Normal(0, var: 2);
        param    b[d in D]            ~ Normal(0, var: 25);
        param    s2: Positive(min: 1e-9);
        latent   x[n in N]: Vector[H] ~ Normal(0, var: 1);
        observed y[n in N, d in D]    ~ Normal(dot(C[d], x[n]) + b[d], var: s2);
    }
}
model! {
    /// A weight of the data between slope and factor tells the directions apart.
    pub mod weighted(H) {
        given    u: Vector[H];
        param    C[d in D]: Vector[H];
        param    s2: Positive(min: 1e-9);
        latent   x[n in N]: Vector[H] ~ Normal(0, var: 1);
        observed y[n in N, d in D]    ~ Normal(sum(C[d][h] * u[h] * x[n][h] for h in H), var: s2);
    }
}

fn made(n: usize, d: usize, h: usize, noise: f64, seed: u64) -> DMatrix<f64> {
    let mut g = Noise::new(seed);
    let w = DMatrix::from_fn(d, h, |_, _| g.normal());
    let f = DMatrix::from_fn(n, h, |_, _| g.normal());
    let rest = DMatrix::from_fn(n, d, |_, _| g.normal() * noise);
    f * w.transpose() + rest.map_with_location(|_, j, x| x + 1.5 * j as f64)
}

/// Variational Bayes of `relevance` as a textbook writes it, one unit and one output at a time.
struct Plain {
    y: DMatrix<f64>,
    /// Means of (C, b) and their covariances.
    c: Vec<(DVector<f64>, DMatrix<f64>)>,
    x: Vec<(DVector<f64>, DMatrix<f64>)>,
    /// Shapes and rates.
    alpha: Vec<(f64, f64)>,
    r: (f64, f64),
}

const TAU: f64 = std::f64::consts::TAU;
const FIRST: f64 = 0.001;

fn digamma(x: f64) -> f64 {
    if x < 20.0 {
        return digamma(x + 1.0) - 1.0 / x;
    }
    let s = 1.0 / (x * x);
    x.ln() - 0.5 / x - s * (1.0 / 12.0 - s * (1.0 / 120.0 - s / 252.0))
}

fn ln_gamma(x: f64) -> f64 {
    if x < 20.0 {
        return ln_gamma(x + 1.0) - x.ln();
    }
    let s = 1.0 / (x * x);
    (x - 0.5) * x.ln() - x + 0.5 * TAU.ln() + (1.0 / 12.0 - s * (1.0 / 360.0 - s / 1260.0)) / x
}

/// −KL of a Gamma to Gamma(FIRST, FIRST).
fn gamma_gain((a, b): (f64, f64)) -> f64 {
    let (mean, log) = (a / b, digamma(a) - b.ln());
    let prior = FIRST * FIRST.ln() - ln_gamma(FIRST) + (FIRST - 1.0) * log - FIRST * mean;
    prior - (a * b.ln() - ln_gamma(a) + (a - 1.0) * log - b * mean)
}

impl Plain {
    fn second(q: &(DVector<f64>, DMatrix<f64>)) -> DMatrix<f64> {
        &q.1 + &q.0 * q.0.transpose()
    }

    fn width(&self) -> usize {
        self.alpha.len()
    }

    /// E (y − c·x − b)²
    fn square(&self, n: usize, d: usize) -> f64 {
        let (x, c) = (self.regressors(n), &self.c[d]);
        let y = self.y[(n, d)];
        y * y - 2.0 * y * c.0.dot(&x.0) + (Plain::second(c) * Plain::second(&x)).trace()
    }

    /// x with the constant 1.
    fn regressors(&self, n: usize) -> (DVector<f64>, DMatrix<f64>) {
        let (h, q) = (self.width(), &self.x[n]);
        let mean = DVector::from_fn(h + 1, |i, _| if i < h { q.0[i] } else { 1.0 });
        let cov = DMatrix::from_fn(h + 1, h + 1, |i, j| if i < h && j < h { q.1[(i, j)] } else { 0.0 });
        (mean, cov)
    }

    fn update_c(&mut self) {
        let h = self.width();
        let r = self.r.0 / self.r.1;
        let all: Vec<_> = (0..self.x.len()).map(|n| self.regressors(n)).collect();
        let gram: DMatrix<f64> = all.iter().map(Plain::second).sum();
        let mut prior = DMatrix::zeros(h + 1, h + 1);
        (0..h).for_each(|k| prior[(k, k)] = self.alpha[k].0 / self.alpha[k].1);
        prior[(h, h)] = 0.001;
        let cov = (prior + gram * r).try_inverse().unwrap();
        for d in 0..self.c.len() {
            let right: DVector<f64> =
                all.iter().enumerate().map(|(n, x)| &x.0 * self.y[(n, d)]).sum::<DVector<f64>>() * r;
            self.c[d] = (&cov * right, cov.clone());
        }
    }

    fn update_x(&mut self) {
        let h = self.width();
        let r = self.r.0 / self.r.1;
        let mut information = DMatrix::identity(h, h);
        let mut beside = DVector::zeros(h);
        for c in &self.c {
            let second = Plain::second(c);
            information += second.view((0, 0), (h, h)) * r;
            beside += second.view((0, h), (h, 1)) * r;
        }
        let cov = information.try_inverse().unwrap();
        for n in 0..self.x.len() {
            let mut right = -beside.clone();
            for (d, c) in self.c.iter().enumerate() {
                right += c.0.rows(0, h) * (self.y[(n, d)] * r);
            }
            self.x[n] = (&cov * right, cov.clone());
        }
    }

    fn update_scales(&mut self) {
        let d = self.c.len() as f64;
        for k in 0..self.width() {
            let sum: f64 = self.c.iter().map(|c| Plain::second(c)[(k, k)]).sum();
            self.alpha[k] = (FIRST + 0.5 * d, FIRST + 0.5 * sum);
        }
        let all: f64 =
            (0..self.x.len()).map(|n| (0..self.c.len()).map(|d| self.square(n, d)).sum::<f64>()).sum();
        self.r = (FIRST + 0.5 * self.y.len() as f64, FIRST + 0.5 * all);
    }

    /// x → T (x − a), with C and b against it.
    fn turn(&mut self, t: &DMatrix<f64>, a: &DVector<f64>) {
        let h = self.width();
        for x in &mut self.x {
            *x = (t * (&x.0 - a), t * &x.1 * t.transpose());
        }
        let mut by = DMatrix::identity(h + 1, h + 1);
        by.view_mut((0, 0), (h, h)).copy_from(&t.clone().try_inverse().unwrap().transpose());
        by.view_mut((h, 0), (1, h)).copy_from(&a.transpose());
        for c in &mut self.c {
            *c = (&by * &c.0, &by * &c.1 * by.transpose());
        }
    }

    /// The objective: the data's share of it, and the rest.
    fn objective(&self) -> (f64, f64) {
        let h = self.width();
        let half_log = |m: &DMatrix<f64>| 0.5 * (TAU.ln() * m.nrows() as f64 + m.determinant().ln());
        let (r, log_r) = (self.r.0 / self.r.1, digamma(self.r.0) - self.r.1.ln());
        let mut data = 0.0;
        for n in 0..self.x.len() {
            for d in 0..self.c.len() {
                data += 0.5 * (log_r - TAU.ln()) - 0.5 * r * self.square(n, d);
            }
        }
        let mut rest = gamma_gain(self.r) + self.alpha.iter().map(|a| gamma_gain(*a)).sum::<f64>();
        for x in &self.x {
            rest += half_log(&x.1) + 0.5 * h as f64;
            rest -= 0.5 * (TAU.ln() * h as f64 + Plain::second(x).trace());
        }
        for c in &self.c {
            rest += half_log(&c.1) + 0.5 * (h + 1) as f64;
            let second = Plain::second(c);
            for k in 0..h {
                let (a, b) = self.alpha[k];
                rest += 0.5 * (digamma(a) - b.ln() - TAU.ln()) - 0.5 * a / b * second[(k, k)];
            }
            rest += 0.5 * (FIRST.ln() - TAU.ln()) - 0.5 * FIRST * second[(h, h)];
        }
        (data, rest)
    }

    fn total(&self) -> f64 {
        let (data, rest) = self.objective();
        data + rest
    }

    /// The a and the T of the highest objective. The axes are those of Φ^½ M Φ^½, in the order of their lengths.
    fn best(&self) -> (DMatrix<f64>, DVector<f64>) {
        let (h, n, lines) = (self.width(), self.x.len() as f64, self.c.len() as f64);
        let seconds: Vec<DMatrix<f64>> = self.c.iter().map(Plain::second).collect();
        let m: DMatrix<f64> = seconds.iter().map(|s| s.view((0, 0), (h, h)).into_owned()).sum();
        let cross: DVector<f64> = seconds.iter().map(|s| s.view((0, h), (h, 1)).column(0).into_owned()).sum();
        let sum: DVector<f64> = self.x.iter().map(|x| x.0.clone()).sum();
        let a = (DMatrix::identity(h, h) * n + &m * FIRST).lu().solve(&(sum - cross * FIRST)).unwrap();
        let phi: DMatrix<f64> = self.x.iter().map(|x| Plain::second(&(&x.0 - &a, x.1.clone()))).sum();
        let e = phi.symmetric_eigen();
        let power = |f: fn(f64) -> f64| {
            &e.eigenvectors * DMatrix::from_diagonal(&e.eigenvalues.map(f)) * e.eigenvectors.transpose()
        };
        let root = power(f64::sqrt);
        let axes = (&root * m * &root).symmetric_eigen();
        let order = |v: Vec<f64>| {
            let mut at: Vec<usize> = (0..h).collect();
            at.sort_by(|i, j| v[*i].total_cmp(&v[*j]));
            at
        };
        let longest = order(axes.eigenvalues.iter().map(|l| -l).collect());
        let smallest = order(self.alpha.iter().map(|a| a.0 / a.1).collect());
        let mut t = DMatrix::zeros(h, h);
        for (i, k) in longest.into_iter().zip(smallest) {
            let p = axes.eigenvalues[i] * self.alpha[k].0 / self.alpha[k].1;
            let s = 0.5 * (n - lines + ((n - lines).powi(2) + 4.0 * p).sqrt());
            t.row_mut(k).copy_from(&(axes.eigenvectors.column(i).transpose() * s.sqrt()));
        }
        (t * power(|v| v.sqrt().recip()), a)
    }
}

fn start(y: &DMatrix<f64>, h: usize, seed: u64) -> Plain {
    let mut g = Noise::new(seed);
    let (n, d) = y.shape();
    let mut some = |len: usize, by: f64| {
        let mean = DVector::from_fn(len, |_, _| by * g.normal());
        (mean, DMatrix::from_diagonal(&DVector::from_fn(len, |_, _| 0.05 + 0.1 * g.unit())))
    };
    Plain {
        y: y.clone(),
        x: (0..n).map(|_| some(h, 1.0)).collect(),
        c: (0..d).map(|_| some(h + 1, 0.7)).collect(),
        alpha: (0..h).map(|k| (2.0, 1.0 + 0.3 * k as f64)).collect(),
        r: (2.0, 1.0),
    }
}

fn posterior(p: &Plain) -> relevance::Posterior {
    let h = p.width();
    let part = |(mean, cov): &(DVector<f64>, DMatrix<f64>)| {
        let cov = cov.view((0, 0), (h, h)).into_owned();
        Marginal::Law(MvNormal::owned(mean.as_slice()[..h].to_vec(), &cov).unwrap())
    };
    relevance::Posterior {
        alpha: p
            .alpha
            .iter()
            .map(|(a, b)| Marginal::Law(PowerGamma { shape: *a, rate: *b, power: 1.0 }))
            .collect(),
        C: p.c.iter().map(part).collect(),
        b: p.c.iter().map(|c| Marginal::Law(Normal::mean_var(c.0[h], c.1[(h, h)]))).collect(),
        r: Marginal::Law(PowerGamma { shape: p.r.0, rate: p.r.1, power: 1.0 }),
        x: p.x.iter().map(part).collect(),
    }
}

#[test]
fn sweeps_with_turns_are_those_of_a_textbook_that_turns() {
    for (n, d, h, noise, seed) in [(40, 6, 3, 0.5, 1), (25, 9, 4, 1.5, 2), (60, 5, 2, 0.1, 3)] {
        let y = made(n, d, 2, noise, seed);
        let mut plain = start(&y, h, seed);
        let data = relevance::Data { y: (&y).into() };
        let model = relevance::Model::new(h);
        let options = Options::new().threads(1);
        let mut state = model.start(&data, Start::Posterior(posterior(&plain)), &options).unwrap();
        for sweep in 0..20 {
            plain.update_c();
            if sweep > 0 {
                let (before, (t, a)) = (plain.objective(), plain.best());
                plain.turn(&t, &a);
                let after = plain.objective();
                close(after.0, before.0, 1e-9);
                assert!(after.1 >= before.1 - 1e-8, "sweep {sweep}: {} then {}", before.1, after.1);
                model.step(&mut state).unwrap();
            }
            plain.update_x();
            plain.update_scales();
            close(*state.trace.last().unwrap(), plain.total(), 1e-9);
        }
        let fit = state.finish().unwrap();
        for k in 0..h {
            close(fit.posterior.alpha[k].mean(), plain.alpha[k].0 / plain.alpha[k].1, 1e-6);
        }
        honest(&fit, &data);
    }
}

#[test]
fn no_other_turn_is_better() {
    let y = made(30, 6, 2, 0.7, 5);
    let mut plain = start(&y, 3, 9);
    let mut g = Noise::new(4);
    for _ in 0..2 {
        plain.update_c();
        let (t, a) = plain.best();
        let turned = |t: &DMatrix<f64>, a: &DVector<f64>| {
            let mut p = Plain {
                y: y.clone(),
                c: plain.c.clone(),
                x: plain.x.clone(),
                alpha: plain.alpha.clone(),
                r: plain.r,
            };
            p.turn(t, a);
            p.objective().1
        };
        let top = turned(&t, &a);
        for size in [1e-3, 0.03, 0.3, 1.0] {
            for _ in 0..30 {
                let e = DMatrix::from_fn(3, 3, |i, j| f64::from(u8::from(i == j)) + size * g.normal());
                assert!(turned(&(e * &t), &a) <= top + 1e-9);
                let moved = &a + DVector::from_fn(3, |_, _| size * g.normal());
                assert!(
                    turned(&DMatrix::identity(3, 3), &moved) <= turned(&DMatrix::identity(3, 3), &a) + 1e-9
                );
            }
        }
        plain.update_x();
        plain.update_scales();
    }
}

/// Both ends, and that neither trace falls.
fn both<M: Program>(run: impl Fn(&Options) -> Fit<M>, most: usize) -> [Fit<M>; 2] {
    [true, false].map(|e| {
        let fit = run(&Options::new().expand(e).threads(1).max_iterations(most).tolerance(1e-12));
        monotone(&fit.trace);
        fit
    })
}

#[test]
fn nothing_falls_in_models_of_many_shapes() {
    for seed in 0..4 {
        let noise = [0.2, 1.0, 3.0][seed as usize % 3];
        let (n, d, h) = (20 + 7 * seed as usize, 4 + seed as usize % 3, 1 + seed as usize % 4);
        let y = made(n, d, 2, noise, seed);
        let data = relevance::Data { y: (&y).into() };
        honest(&both(|o| relevance::Model::new(h).fit(&data, &o.clone().seed(seed)).unwrap(), 30)[0], &data);
        let data = alike::Data { y: (&y).into() };
        honest(&both(|o| alike::Model::new(h).fit(&data, &o.clone().seed(seed)).unwrap(), 30)[0], &data);
        let u = made(n, 3, 1, noise, seed + 100);
        let data = views::Data { y: (&y).into(), u: (&u).into() };
        honest(&both(|o| views::Model::new(h).fit(&data, &o.clone().seed(seed)).unwrap(), 30)[0], &data);
        let holes = y.map_with_location(|n, d, v| ((n * 5 + d * 3 + n / 7) % 4 != 0).then_some(v));
        let data = entries::Data { y: (&holes).into() };
        honest(&both(|o| entries::Model::new(h).fit(&data, &o.clone().seed(seed)).unwrap(), 30)[0], &data);
        let data = ridge::Data { y: (&y).into() };
        honest(&both(|o| ridge::Model::new(h).fit(&data, &o.clone().seed(seed)).unwrap(), 30)[0], &data);
        let scale = DVector::from_fn(h, |i, _| 0.5 + i as f64);
        let data = weighted::Data { y: (&y).into(), u: (&scale).into() };
        honest(&both(|o| weighted::Model::new(h).fit(&data, &o.clone().seed(seed)).unwrap(), 30)[0], &data);
    }
}

#[test]
fn the_plan_says_what_is_turned() {
    for text in
        [relevance::PLAN.text, alike::PLAN.text, views::PLAN.text, entries::PLAN.text, ridge::PLAN.text]
    {
        assert!(text.contains("expansion: x meets the data only in products with"), "{text}");
    }
    assert!(views::PLAN.text.contains("with C, E, so"), "{}", views::PLAN.text);
    assert!(relevance::PLAN.text.contains("b takes what E(x) gives up"), "{}", relevance::PLAN.text);
    assert!(!alike::PLAN.text.contains("gives up"), "{}", alike::PLAN.text);
    assert!(!weighted::PLAN.text.contains("expansion"), "{}", weighted::PLAN.text);
}

#[test]
fn more_data_are_added_without_turning_the_laws_of_old_units() {
    let y = made(80, 6, 2, 0.5, 1);
    let (first, second) = (y.rows(0, 50).into_owned(), y.rows(50, 30).into_owned());
    let options = Options::new().threads(1);
    let fit = relevance::Model::new(2).fit(&relevance::Data { y: (&first).into() }, &options).unwrap();
    monotone(&fit.update(&relevance::Data { y: (&second).into() }, &options).unwrap().trace);
    let fit = ridge::Model::new(2).fit(&ridge::Data { y: (&first).into() }, &options).unwrap();
    monotone(&fit.update(&ridge::Data { y: (&second).into() }, &options).unwrap().trace);
    use vi_tests::factors::factor_analysis as factors;
    let fit = factors::Model::new(2).fit(&factors::Data { x: (&first).into() }, &options).unwrap();
    monotone(&fit.update(&factors::Data { x: (&second).into() }, &options).unwrap().trace);
}

/// Sweeps until the objective is within a thousandth of a nat of its end.
fn reached(trace: &[f64]) -> usize {
    let top = trace.last().unwrap() - 1e-3;
    trace.iter().position(|x| *x > top).unwrap()
}

#[test]
fn principal_components_with_relevances_take_at_most_half_the_sweeps() {
    println!("  D  H true noise   with  without        objectives");
    for (d, h, known) in [(10, 4, 2), (12, 6, 3)] {
        for noise in [0.1, 0.3, 1.0, 2.0] {
            let y = made(200, d, known, noise, 7);
            let data = relevance::Data { y: (&y).into() };
            let run = |e: bool, most: usize| {
                let options = Options::new().expand(e).threads(1).max_iterations(most).tolerance(1e-9);
                relevance::Model::new(h).fit(&data, &options).unwrap()
            };
            let with = run(true, 500);
            let found = reached(&with.trace);
            // Without turns it has not settled after many times as many: whatever that comes to is not waited for.
            let without = run(false, 20 * found);
            monotone(&with.trace);
            monotone(&without.trace);
            let twice = without.trace[2 * found];
            let later = without.elbo();
            println!(
                "{d:3} {h:2} {known:4} {noise:5} {found:6}  {:>7}  {:.3} {later:.3}",
                reached(&without.trace),
                with.elbo(),
            );
            assert!(twice < later - 1e-3, "{d} {h} {noise}: {twice} and {later}");
            let kept = with.posterior.alpha.iter().filter(|a| a.mean() < 30.0).count();
            // In the last case a weak component is lost: of two optima, turns lead to the lower one.
            assert_eq!(kept, if (d, noise) == (12, 2.0) { known - 1 } else { known }, "{d} {h} {noise}");
        }
    }
}
