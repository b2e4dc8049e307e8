//! Gaussian chains whose steps read several steps back, against one dense Normal of all states and data.

use nalgebra::{DMatrix, DVector};
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::density::{mv_normal, mv_student_t};
use vi_tests::law::{close, exact, honest, monotone};

model! {
    /// An autoregression of order 2, seen with noise.
    pub mod second {
        param    a: Real;   param b: Real;   param q: Positive;   param r: Positive;
        latent   x[0]             ~ Normal(0.5, var: 4);
        latent   x[1]             ~ Normal(0.7 * x[0], var: 2);
        latent   x[t in 2..T]     ~ Normal(a * x[t-1] + b * x[t-2], var: q);
        observed y[t in T]: Real? ~ Normal(x[t], var: r);
    }
}
model! {
    /// Three steps back but not two, in ragged series.
    pub mod third {
        param    a: Real;   param c: Real;   param q: Positive;
        for s in S {
            latent   x[s, 0]                  ~ Normal(0, var: 4);
            latent   x[s, 1]                  ~ Normal(0, var: 3);
            latent   x[s, 2]                  ~ Normal(0.5 * x[s, 0], var: 2);
            latent   x[s, t in 3..T[s]]       ~ Normal(a * x[s, t-1] + c * x[s, t-3], var: q);
            observed y[s, t in T[s]]: Real?   ~ Normal(2 * x[s, t] + 1, var: 0.3);
        }
    }
}
model! {
    /// Vectors, and everything free.
    pub mod vectors(H) {
        param    A: Matrix[H, H];   param B: Matrix[H, H];   param Q: SymPos[H];   param R: SymPos[D];
        param    C: Matrix[D, H];
        latent   x[0]: Vector[H]        ~ Normal(0, var: 1);
        latent   x[1]                   ~ Normal(0, var: 1);
        latent   x[t in 2..T]           ~ Normal(A * x[t-1] + B * x[t-2], cov: Q);
        observed y[t in T]: Vector[D]   ~ Normal(C * x[t], cov: R);
    }
}
model! {
    /// Both coefficients are uncertain.
    pub mod uncertain {
        latent   w: Vector[2]           ~ Normal(0, var: 1);
        latent   q                      ~ Gamma(shape: 2, rate: 1);
        latent   x[0]                   ~ Normal(0, var: 1);
        latent   x[1]                   ~ Normal(0, var: 1);
        latent   x[t in 2..T]           ~ Normal(w[0] * x[t-1] + w[1] * x[t-2], prec: q);
        observed y[t in T]: Real?       ~ Normal(x[t], var: 0.2);
    }
}
model! {
    /// A precision in common.
    pub mod scaled(a: Real, b: Real) {
        latent   tau                    ~ Gamma(shape: 2, rate: 3);
        latent   x[0]                   ~ Normal(0, prec: tau);
        latent   x[1]                   ~ Normal(0, prec: tau);
        latent   x[t in 2..T]           ~ Normal(a * x[t-1] + b * x[t-2], prec: 2 * tau);
        observed y[t in T]: Real?       ~ Normal(x[t], prec: tau);
    }
}

model! {
    /// Second differences are small, and nothing else is known: the smoother of Whittaker (1923).
    pub mod smooth {
        param    q: Positive;   param r: Positive;
        latent   x[0]                   ~ Flat();
        latent   x[1]                   ~ Flat();
        latent   x[t in 2..T]           ~ Normal(2 * x[t-1] - x[t-2], var: q);
        observed y[t in T]: Real?       ~ Normal(x[t], var: r);
    }
}

/// x[t] = Σ coefficients[t][k] x[t−k] + means[t] + Normal(0, noises[t]), and y[t] = c x[t] + b + Normal(0, r).
struct Dense {
    mean: DVector<f64>,
    cov: DMatrix<f64>,
    c: DMatrix<f64>,
    b: f64,
    r: DMatrix<f64>,
    h: usize,
}

/// How far back a step reads, and by what it multiplies what it finds.
type Lag<A> = (usize, A);

/// What a step reads, its mean and its noise.
type Reads<'a> = (&'a [Lag<f64>], f64, f64);

/// The same of vectors.
type Blocks = (Vec<Lag<DMatrix<f64>>>, DVector<f64>, DMatrix<f64>);

impl Dense {
    /// From blocks: of each step the lag and matrix of what it reads, its mean, and its noise.
    fn new(h: usize, steps: &[Blocks], (c, b, r): (DMatrix<f64>, f64, DMatrix<f64>)) -> Self {
        let n = steps.len() * h;
        let (mut lead, mut noise) = (DMatrix::identity(n, n), DMatrix::zeros(n, n));
        let mut shift = DVector::zeros(n);
        for (t, (reads, mean, var)) in steps.iter().enumerate() {
            for (back, a) in reads {
                lead.view_mut((t * h, (t - back) * h), (h, h)).copy_from(&-a);
            }
            shift.rows_mut(t * h, h).copy_from(mean);
            noise.view_mut((t * h, t * h), (h, h)).copy_from(var);
        }
        let root = if n == 0 { lead } else { lead.try_inverse().unwrap() };
        Dense { mean: &root * shift, cov: &root * noise * root.transpose(), c, b, r, h }
    }

    /// log p(y), and mean and covariance of all states given y.
    fn given(&self, y: &[Option<DVector<f64>>]) -> (f64, DVector<f64>, DMatrix<f64>) {
        let (h, d) = (self.h, self.c.nrows());
        let seen: Vec<usize> = (0..y.len()).filter(|t| y[*t].is_some()).collect();
        if seen.is_empty() {
            return (0.0, self.mean.clone(), self.cov.clone());
        }
        let mut see = DMatrix::zeros(seen.len() * d, self.mean.len());
        let mut values = DVector::zeros(seen.len() * d);
        let mut noise = DMatrix::zeros(seen.len() * d, seen.len() * d);
        for (i, t) in seen.iter().enumerate() {
            see.view_mut((i * d, t * h), (d, h)).copy_from(&self.c);
            values.rows_mut(i * d, d).copy_from(y[*t].as_ref().unwrap());
            noise.view_mut((i * d, i * d), (d, d)).copy_from(&self.r);
        }
        let mean = (&see * &self.mean).add_scalar(self.b);
        let of_data = &see * &self.cov * see.transpose() + noise;
        let gain = &self.cov * see.transpose() * of_data.clone().try_inverse().unwrap();
        let log = mv_normal(values.as_slice(), &mean, &of_data);
        (log, &self.mean + &gain * (values - mean), &self.cov - &gain * see * &self.cov)
    }
}

fn number(x: f64) -> DMatrix<f64> {
    DMatrix::from_element(1, 1, x)
}

fn scalars(steps: &[Reads<'_>], c: f64, b: f64, r: f64) -> Dense {
    let steps: Vec<_> = steps
        .iter()
        .map(|(reads, mean, var)| {
            let reads = reads.iter().map(|(back, a)| (*back, number(*a))).collect();
            (reads, DVector::from_element(1, *mean), number(*var))
        })
        .collect();
    Dense::new(1, &steps, (number(c), b, number(r)))
}

fn second_by_hand(p: &second::Params, n: usize) -> Dense {
    let later = [(1, p.a), (2, p.b)];
    let first = [(1, 0.7)];
    let steps: Vec<Reads<'_>> = (0..n)
        .map(|t| match t {
            0 => (&[][..], 0.5, 4.0),
            1 => (&first[..], 0.0, 2.0),
            _ => (&later[..], 0.0, p.q),
        })
        .collect();
    scalars(&steps, 1.0, 0.0, p.r)
}

fn third_by_hand(p: &third::Params, n: usize) -> Dense {
    let later = [(1, p.a), (3, p.c)];
    let early = [(2, 0.5)];
    let steps: Vec<Reads<'_>> = (0..n)
        .map(|t| match t {
            0 => (&[][..], 0.0, 4.0),
            1 => (&[][..], 0.0, 3.0),
            2 => (&early[..], 0.0, 2.0),
            _ => (&later[..], 0.0, p.q),
        })
        .collect();
    scalars(&steps, 2.0, 1.0, 0.3)
}

fn wrapped(y: &[Option<f64>]) -> Vec<Option<DVector<f64>>> {
    y.iter().map(|y| y.map(|y| DVector::from_element(1, y))).collect()
}

fn series(seed: u64, n: usize) -> Vec<Option<f64>> {
    let g = &mut Noise::new(seed);
    let (mut x, mut before) = (0.5, 0.0);
    (0..n)
        .map(|t| {
            (x, before) = (1.2 * x - 0.6 * before + 0.8 * g.normal(), x);
            (t % 7 != 4).then_some(x + 0.5 * g.normal())
        })
        .collect()
}

const SECOND: second::Params = second::Params { a: 1.1, b: -0.5, q: 0.7, r: 0.4 };

#[test]
fn two_steps_back_are_the_dense_normal_at_any_length() {
    for n in [1, 2, 3, 4, 11, 12] {
        let y = series(1, n);
        let data = second::Data { y: (&y).into() };
        let fit = second::Model::new().infer(&data, &SECOND).unwrap();
        let (log, mean, cov) = second_by_hand(&SECOND, n).given(&wrapped(&y));
        close(fit.log_likelihood(), log, 1e-11);
        exact(&fit, &data, log);
        let law = &fit.posterior.joint_x;
        assert_eq!(law.len(), n);
        for t in 0..n {
            close(fit.posterior.x[t].mean(), mean[t], 1e-10);
            close(fit.posterior.x[t].var(), cov[(t, t)], 1e-10);
            let Some((m, c)) = law.pair(t) else {
                assert_eq!(t, 0);
                continue;
            };
            close(m[0], mean[t - 1], 1e-10);
            close(c[(0, 1)], cov[(t - 1, t)], 1e-10);
            close(c[(1, 0)], cov[(t - 1, t)], 1e-10);
        }
        assert_eq!(law.means().nrows(), n);
        // Paths have the covariances of all pairs of steps.
        let mut rng = vi_core::rng::stream(3, "test", &[n]);
        let draws = 4000;
        let mut sum = DMatrix::<f64>::zeros(n, n);
        for _ in 0..draws {
            let path = law.sample_path(&mut rng).unwrap();
            assert_eq!(path.shape(), (n, 1));
            let gap = path.column(0) - &mean;
            sum += &gap * gap.transpose() / f64::from(draws);
        }
        for i in 0..n {
            for j in 0..n {
                let error = ((cov[(i, i)] * cov[(j, j)] + cov[(i, j)].powi(2)) / f64::from(draws)).sqrt();
                assert!((sum[(i, j)] - cov[(i, j)]).abs() < 5.0 * error, "{i} {j}");
            }
        }
    }
}

#[test]
fn a_filter_of_two_steps_back_and_one_step_at_a_time_know_the_past_alone() {
    let n = 12;
    let y = series(2, n);
    let data = second::Data { y: (&y).into() };
    let fit = second::Model::new().infer(&data, &SECOND).unwrap();
    let filtered = fit.filter(&data).unwrap();
    let logs = fit.log_densities(&data).unwrap();
    let mut online = fit.online();
    let mut before = 0.0;
    for t in 0..n {
        let (log, mean, cov) = second_by_hand(&SECOND, t + 1).given(&wrapped(&y[..=t]));
        close(filtered.x[t].mean(), mean[t], 1e-10);
        close(filtered.x[t].var(), cov[(t, t)], 1e-10);
        close(logs[0][t].unwrap(), log - before, 1e-9);
        let step = online.push(&second::Data { y: (&y[t.saturating_sub(2)..=t]).into() }).unwrap();
        close(step.mean[0], mean[t], 1e-10);
        close(step.log_density.unwrap(), log - before, 1e-9);
        before = log;
    }
    // The window has three steps from the third on.
    assert!(online.push(&second::Data { y: (&y[..2]).into() }).is_err());
    assert!(filtered.joint_x.pair(3).is_none());
}

#[test]
fn a_forecast_of_two_steps_back_is_the_dense_normal_given_the_data_however_short() {
    for n in [0, 1, 2, 3, 8, 9] {
        let y = series(3, n);
        let data = second::Data { y: (&y).into() };
        let fit = second::Model::new().infer(&second::Data { y: (&series(3, 9)).into() }, &SECOND).unwrap();
        for steps in [0, 1, 2, 5] {
            let ahead = fit.forecast(&data, steps).unwrap();
            let longer: Vec<Option<f64>> = y.iter().copied().chain((0..steps).map(|_| None)).collect();
            let (_, mean, cov) = second_by_hand(&SECOND, n + steps).given(&wrapped(&longer));
            assert_eq!(ahead.posterior.x.len(), steps);
            assert_eq!(ahead.posterior.joint_x.len(), steps);
            for k in 0..steps {
                let t = n + k;
                close(ahead.posterior.x[k].mean(), mean[t], 1e-10);
                close(ahead.posterior.x[k].var(), cov[(t, t)], 1e-10);
                let seen = ahead.absent.y.get([k]).unwrap();
                close(seen.var(), cov[(t, t)] + SECOND.r, 1e-10);
                if let Some((_, c)) = ahead.posterior.joint_x.pair(k) {
                    close(c[(0, 1)], cov[(t - 1, t)], 1e-10);
                }
            }
        }
    }
}

#[test]
fn em_of_an_autoregression_seen_with_noise_never_lowers_the_dense_density() {
    let y = series(4, 60);
    let data = second::Data { y: (&y).into() };
    let begin = second::Params { a: 0.5, b: 0.0, q: 1.0, r: 1.0 };
    let all = wrapped(&y);
    let of = |p: &second::Params| second_by_hand(p, 60).given(&all).0;
    let options = Options::new().max_iterations(300);
    let fit = second::Model::new().fit_from(&data, Start::Params(begin.clone()), &options).unwrap();
    exact(&fit, &data, of(&fit.params));
    close(fit.trace[0], of(&begin), 1e-10);
    assert!(of(&fit.params) > of(&begin) + 5.0);
}

#[test]
fn one_m_step_solves_for_both_coefficients_together() {
    let y = series(5, 40);
    let data = second::Data { y: (&y).into() };
    let options = Options::new().max_iterations(1).accelerate(false);
    let fit = second::Model::new().fit_from(&data, Start::Params(SECOND), &options).unwrap();
    let (_, mean, cov) = second_by_hand(&SECOND, 40).given(&wrapped(&y));
    let second = |i: usize, j: usize| cov[(i, j)] + mean[i] * mean[j];
    let (mut design, mut target, mut square) = (DMatrix::zeros(2, 2), DVector::zeros(2), 0.0);
    for t in 2..40 {
        for i in 0..2 {
            (0..2).for_each(|j| design[(i, j)] += second(t - 1 - i, t - 1 - j));
            target[i] += second(t - 1 - i, t);
        }
        square += second(t, t);
    }
    let w: DVector<f64> = design.clone().try_inverse().unwrap() * &target;
    close(fit.params.a, w[0], 1e-10);
    close(fit.params.b, w[1], 1e-10);
    close(fit.params.q, (square - w.dot(&target)) / 38.0, 1e-10);
    let seen: Vec<f64> = (0..40).filter_map(|t| Some((y[t]? - mean[t]).powi(2) + cov[(t, t)])).collect();
    close(fit.params.r, seen.iter().sum::<f64>() / seen.len() as f64, 1e-10);
}

#[test]
fn three_steps_back_in_ragged_series_are_the_dense_normal() {
    let p = third::Params { a: 0.6, c: -0.4, q: 0.5 };
    let y: Vec<Vec<Option<f64>>> =
        [8, 0, 1, 2, 3, 10].iter().enumerate().map(|(s, n)| series(s as u64, *n)).collect();
    let data = third::Data { y: (&y).into() };
    let fit = third::Model::new().infer(&data, &p).unwrap();
    let logs = fit.log_densities(&data).unwrap();
    let ahead = fit.forecast(&data, 4).unwrap();
    let mut total = 0.0;
    for (s, y) in y.iter().enumerate() {
        let (log, mean, cov) = third_by_hand(&p, y.len()).given(&wrapped(y));
        total += log;
        close(logs[s].iter().map(|l| l.unwrap()).sum::<f64>() + 1.0, log + 1.0, 1e-10);
        for t in 0..y.len() {
            close(fit.posterior.x[s][t].mean(), mean[t], 1e-10);
            close(fit.posterior.x[s][t].var(), cov[(t, t)], 1e-10);
        }
        let longer: Vec<Option<f64>> = y.iter().copied().chain([None; 4]).collect();
        let (_, mean, cov) = third_by_hand(&p, longer.len()).given(&wrapped(&longer));
        for k in 0..4 {
            close(ahead.posterior.x[s][k].mean(), mean[y.len() + k], 1e-10);
            close(ahead.posterior.x[s][k].var(), cov[(y.len() + k, y.len() + k)], 1e-10);
        }
    }
    close(fit.log_likelihood(), total, 1e-11);
    exact(&fit, &data, total);
    let learned = third::Model::new().fit(&data, &Options::new().max_iterations(200)).unwrap();
    monotone(&learned.trace);
    // The same on any number of threads, bit for bit.
    let alone = third::Model::new().fit(&data, &Options::new().max_iterations(200).threads(1)).unwrap();
    assert_eq!(learned.params, alone.params);
}

fn vectors_by_hand(p: &vectors::Params, n: usize) -> Dense {
    let steps: Vec<_> = (0..n)
        .map(|t| match t {
            0 | 1 => (vec![], DVector::zeros(2), DMatrix::identity(2, 2)),
            _ => (vec![(1, p.A.clone()), (2, p.B.clone())], DVector::zeros(2), p.Q.clone()),
        })
        .collect();
    Dense::new(2, &steps, (p.C.clone(), 0.0, p.R.clone()))
}

#[test]
fn vectors_that_read_two_steps_back_learn_everything_and_are_the_dense_normal() {
    let g = &mut Noise::new(6);
    let n = 15;
    let y = DMatrix::from_fn(n, 3, |_, _| g.normal());
    let p = vectors::Params {
        A: DMatrix::from_row_slice(2, 2, &[0.8, 0.1, -0.2, 0.5]),
        B: DMatrix::from_row_slice(2, 2, &[-0.3, 0.0, 0.1, -0.2]),
        Q: g.sym_pos(2),
        R: g.sym_pos(3),
        C: DMatrix::from_fn(3, 2, |_, _| g.normal()),
    };
    let data = vectors::Data { y: (&y).into() };
    let fit = vectors::Model::new(2).infer(&data, &p).unwrap();
    let all: Vec<_> = y.row_iter().map(|r| Some(r.transpose())).collect();
    let (log, mean, cov) = vectors_by_hand(&p, n).given(&all);
    close(fit.log_likelihood(), log, 1e-11);
    exact(&fit, &data, log);
    for t in 0..n {
        assert!((fit.posterior.x[t].mean() - mean.rows(2 * t, 2)).norm() < 1e-10);
        assert!((fit.posterior.x[t].cov() - cov.view((2 * t, 2 * t), (2, 2))).norm() < 1e-10);
        if t > 0 {
            let (_, pair) = fit.posterior.joint_x.pair(t).unwrap();
            assert!((pair.view((0, 2), (2, 2)) - cov.view((2 * t - 2, 2 * t), (2, 2))).norm() < 1e-10);
        }
    }
    let start = Start::Params(p);
    let learned = vectors::Model::new(2).fit_from(&data, start, &Options::new().max_iterations(300)).unwrap();
    monotone(&learned.trace);
    let by_hand = vectors_by_hand(&learned.params, n).given(&all).0;
    close(learned.log_likelihood(), by_hand, 1e-9);
    assert!(by_hand > log + 5.0);
}

#[test]
fn uncertain_coefficients_of_two_steps_have_a_bound_a_filter_and_draws() {
    let y = series(7, 25);
    let data = uncertain::Data { y: (&y).into() };
    let fit =
        uncertain::Model::new().fit(&data, &Options::new().max_iterations(3000).tolerance(1e-12)).unwrap();
    monotone(&fit.trace);
    honest(&fit, &data);
    // The quadratic form of the expected log joint on the data up to t.
    let (w, q) = (fit.posterior.w.law().unwrap(), &fit.posterior.q);
    let second = w.cov() + w.mean() * w.mean().transpose();
    let filtered = fit.filter(&data).unwrap();
    for t in [0, 1, 2, 5, 24] {
        let mut precision = DMatrix::<f64>::zeros(t + 1, t + 1);
        let mut linear = DVector::<f64>::zeros(t + 1);
        for u in 0..=t {
            if u < 2 {
                precision[(u, u)] += 1.0;
            } else {
                precision[(u, u)] += q.mean();
                for i in 0..2 {
                    precision[(u, u - 1 - i)] -= q.mean() * w.mean()[i];
                    precision[(u - 1 - i, u)] -= q.mean() * w.mean()[i];
                    for j in 0..2 {
                        precision[(u - 1 - i, u - 1 - j)] += q.mean() * second[(i, j)];
                    }
                }
            }
            if let Some(y) = y[u] {
                precision[(u, u)] += 5.0;
                linear[u] += 5.0 * y;
            }
        }
        let cov = precision.try_inverse().unwrap();
        let mean = &cov * linear;
        close(filtered.x[t].mean(), mean[t], 1e-9);
        close(filtered.x[t].var(), cov[(t, t)], 1e-9);
    }
    let ahead = fit.forecast_draws(&data, 3, 20, 1).unwrap();
    assert!(ahead.state(0, 2, 0).unwrap().sd().0 > 0.0);
}

#[test]
fn a_scale_in_common_with_two_steps_back_is_student_s_t() {
    let y = series(8, 20);
    let (a, b) = (1.1, -0.4);
    let data = scaled::Data { y: (&y).into() };
    let model = scaled::Model::new(a, b);
    let fit = model.fit(&data, &Options::new()).unwrap();
    let later = [(1, a), (2, b)];
    let steps: Vec<Reads<'_>> =
        (0..20).map(|t| if t < 2 { (&[][..], 0.0, 1.0) } else { (&later[..], 0.0, 0.5) }).collect();
    let dense = scalars(&steps, 1.0, 0.0, 1.0);
    let seen: Vec<usize> = (0..20).filter(|t| y[*t].is_some()).collect();
    let values: Vec<f64> = seen.iter().map(|t| y[*t].unwrap()).collect();
    let of_data = DMatrix::from_fn(seen.len(), seen.len(), |i, j| {
        dense.cov[(seen[i], seen[j])] + if i == j { 1.0 } else { 0.0 }
    });
    let log = mv_student_t(&values, 4.0, &DVector::zeros(seen.len()), &(of_data * 1.5));
    close(fit.log_evidence(), log, 1e-11);
    exact(&fit, &data, log);
    close(fit.log_densities(&data).unwrap()[0].iter().map(|l| l.unwrap()).sum(), log, 1e-11);
    let ahead = fit.forecast(&data, 3).unwrap();
    let longer: Vec<Option<f64>> = y.iter().copied().chain([None; 3]).collect();
    let whole = model.fit(&scaled::Data { y: (&longer).into() }, &Options::new()).unwrap();
    for k in 0..3 {
        let (q, p) = (ahead.posterior.x[k].law().unwrap(), whole.posterior.x[20 + k].law().unwrap());
        close(q.mean, p.mean, 1e-10);
        close(q.scale, p.scale, 1e-10);
        close(q.dof, p.dof, 1e-12);
    }
}

/// Precision of x and what multiplies it, and log p(y), of second differences with flat starts.
fn whittaker(y: &[Option<f64>], q: f64, r: f64) -> (DMatrix<f64>, DVector<f64>, f64) {
    let n = y.len();
    let mut precision = DMatrix::<f64>::zeros(n, n);
    for t in 2..n {
        let row = [(t, 1.0), (t - 1, -2.0), (t - 2, 1.0)];
        for (i, a) in row {
            row.iter().for_each(|(j, b)| precision[(i, *j)] += a * b / q);
        }
    }
    let (mut linear, mut square, mut seen) = (DVector::<f64>::zeros(n), 0.0, 0.0);
    for (t, y) in y.iter().enumerate().filter_map(|(t, y)| Some((t, (*y)?))) {
        precision[(t, t)] += 1.0 / r;
        linear[t] += y / r;
        square += y * y / r;
        seen += 1.0;
    }
    let cov = precision.clone().try_inverse().unwrap();
    let mean = &cov * &linear;
    let log_det = precision.cholesky().unwrap().l().diagonal().iter().map(|x| 2.0 * x.ln()).sum::<f64>();
    let tau = 2.0 * std::f64::consts::PI;
    let log = -0.5 * seen * (tau * r).ln() - 0.5 * (n as f64 - 2.0) * (tau * q).ln()
        + 0.5 * n as f64 * tau.ln()
        - 0.5 * log_det
        - 0.5 * (square - linear.dot(&mean));
    (cov, mean, log)
}

#[test]
fn second_differences_with_flat_starts_are_the_smoother_of_whittaker() {
    let y: Vec<Option<f64>> = series(9, 14);
    let p = smooth::Params { q: 0.3, r: 0.6 };
    let data = smooth::Data { y: (&y).into() };
    let fit = smooth::Model::new().infer(&data, &p).unwrap();
    let (cov, mean, log) = whittaker(&y, p.q, p.r);
    close(fit.log_likelihood(), log, 1e-10);
    for t in 0..14 {
        close(fit.posterior.x[t].mean(), mean[t], 1e-9);
        close(fit.posterior.x[t].var(), cov[(t, t)], 1e-9);
    }
    let logs = fit.log_densities(&data).unwrap();
    let filtered = fit.filter(&data).unwrap();
    // The first observation determines the first step, and has no density given nothing.
    let mut total = logs[0][0].unwrap();
    assert!(total.abs() < 1e-14);
    for t in 1..14 {
        total += logs[0][t].unwrap();
        let (cov, mean, log) = whittaker(&y[..=t], p.q, p.r);
        close(total, log, 1e-9);
        close(filtered.x[t].mean(), mean[t], 1e-9);
        close(filtered.x[t].var(), cov[(t, t)], 1e-9);
    }
    let ahead = fit.forecast(&data, 3).unwrap();
    let longer: Vec<Option<f64>> = y.iter().copied().chain([None; 3]).collect();
    let (cov, mean, _) = whittaker(&longer, p.q, p.r);
    for k in 0..3 {
        close(ahead.posterior.x[k].mean(), mean[14 + k], 1e-9);
        close(ahead.posterior.x[k].var(), cov[(14 + k, 14 + k)], 1e-9);
    }
    // One observation leaves the second step open, and with it the future.
    let short = [Some(1.0)];
    assert!(fit.forecast(&smooth::Data { y: (&short).into() }, 2).is_err());
}
