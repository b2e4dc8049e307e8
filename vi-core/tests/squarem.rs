//! Extrapolated fixed points: fewer evaluations, the same answer, and never a step down.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use vi_core::Error;
use vi_core::chart::{Reader, Writer};
use vi_core::dist::Normal;
use vi_core::engine::squarem::{FixedPoint, Squarem, Told, accelerate};

#[track_caller]
fn monotone(trace: &[f64]) {
    for pair in trace.windows(2) {
        assert!(pair[1] >= pair[0], "{} after {}", pair[1], pair[0]);
    }
}

/// How often the map is evaluated without extrapolation, and where it ends.
fn plain(map: &mut impl FixedPoint, mut x: Vec<f64>, tolerance: f64) -> (Vec<f64>, usize) {
    for evaluations in 1..1_000_000 {
        let (next, _) = map.map(&x).unwrap();
        let moved = next.iter().zip(&x).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        if moved <= tolerance {
            return (x, evaluations);
        }
        x = next;
    }
    panic!("the plain map does not converge");
}

/// Gradient steps on −½ Σ h (x − 1)², of condition number 10⁴.
#[test]
fn an_ill_conditioned_linear_map_takes_far_fewer_evaluations() {
    let curvatures = [1.0, 0.3, 0.04, 0.01, 2e-3, 1e-4];
    let mut map = |x: &[f64]| {
        let objective = -0.5 * x.iter().zip(curvatures).map(|(x, h)| h * (x - 1.0).powi(2)).sum::<f64>();
        Ok((x.iter().zip(curvatures).map(|(x, h)| x - h * (x - 1.0)).collect(), objective))
    };
    let start = vec![-2.0, 3.0, 0.0, 5.0, -4.0, 2.0];
    let (_, slow) = plain(&mut map, start.clone(), 1e-10);
    let fast = accelerate(&mut map, start, 1e-10, 100_000).unwrap();
    println!("linear: {slow} plain, {} extrapolated, {} given up", fast.evaluations, fast.given_up);
    assert!(fast.converged && 20 * fast.evaluations < slow, "{} against {slow}", fast.evaluations);
    assert!(fast.x.iter().all(|x| (x - 1.0).abs() < 2e-6), "{:?}", fast.x);
    assert!(fast.given_up > 0);
    monotone(&fast.trace);
}

/// EM of weight · Normal(mean₀, var₀) + (1 − weight) · Normal(mean₁, var₁), in coordinates without bounds.
fn em(data: &[f64]) -> impl FnMut(&[f64]) -> Result<(Vec<f64>, f64), Error> {
    move |flat: &[f64]| {
        let mut from = Reader::new(flat);
        let weight = from.simplex(&[0.5, 0.5])?;
        let mean = [from.real()?, from.real()?];
        let var = [from.positive()?, from.positive()?];
        from.finish()?;
        let mut log_likelihood = 0.0;
        let mut sums = [[0.0; 3]; 2];
        for &x in data {
            let p = [0, 1].map(|k| weight[k] * Normal::mean_var(mean[k], var[k]).log_density(x).exp());
            log_likelihood += (p[0] + p[1]).ln();
            for k in 0..2 {
                let r = p[k] / (p[0] + p[1]);
                sums[k][0] += r;
                sums[k][1] += r * x;
                sums[k][2] += r * x * x;
            }
        }
        let mut to = Writer::new();
        to.simplex(&[sums[0][0] / data.len() as f64, sums[1][0] / data.len() as f64]);
        for k in 0..2 {
            to.real(sums[k][1] / sums[k][0]);
        }
        for k in 0..2 {
            let mean = sums[k][1] / sums[k][0];
            to.positive(sums[k][2] / sums[k][0] - mean * mean);
        }
        Ok((to.into_flat(), log_likelihood))
    }
}

#[test]
fn em_of_overlapping_components_takes_far_fewer_evaluations() {
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let kinds = [Normal::mean_sd(0.0, 1.0), Normal::mean_sd(2.0, 1.0)];
    let data: Vec<f64> = (0..600).map(|n| kinds[usize::from(n % 3 == 0)].sample(&mut rng)).collect();
    let mut start = Writer::new();
    start.simplex(&[0.5, 0.5]);
    start.real(-1.0);
    start.real(1.0);
    start.positive(1.0);
    start.positive(1.0);
    let start = start.into_flat();
    let mut map = em(&data);
    let (want, slow) = plain(&mut map, start.clone(), 1e-7);
    let fast = accelerate(&mut map, start, 1e-7, 100_000).unwrap();
    println!("EM: {slow} plain, {} extrapolated, {} given up", fast.evaluations, fast.given_up);
    assert!(fast.converged && 3 * fast.evaluations < slow, "{} against {slow}", fast.evaluations);
    let (_, best) = map(&want).unwrap();
    assert!((fast.objective - best).abs() < 1e-6, "{} is not {best}", fast.objective);
    monotone(&fast.trace);
}

/// Steps that serve the slow coordinate throw the fast one far out; there the map fails, as where a matrix is no longer positive
/// definite, or the objective is not a number, or only low.
#[test]
fn a_point_that_fails_or_is_lower_is_given_up_for_the_plain_one() {
    let outside = Error::NotFinite { what: "the map".to_owned() };
    for beyond in [Err(outside), Ok(f64::NAN), Ok(-1e9)] {
        let mut kept = 0;
        let mut map = |x: &[f64]| {
            let objective = if x[0].abs() > 3.0 {
                beyond.clone()?
            } else {
                -0.5 * (0.5 * x[0] * x[0] + 0.002 * x[1] * x[1])
            };
            kept += usize::from(x[0].abs() <= 3.0);
            Ok((vec![0.5 * x[0], 0.998 * x[1]], objective))
        };
        let fast = accelerate(&mut map, vec![2.0, 100.0], 1e-9, 5000).unwrap();
        assert!(fast.converged && fast.given_up > 0, "{beyond:?}: {} given up", fast.given_up);
        assert!(fast.x[0].abs() < 1e-6 && fast.x[1].abs() < 1e-6, "{:?}", fast.x);
        assert_eq!(fast.trace.len() + fast.given_up, fast.evaluations);
        assert!(kept < fast.evaluations, "the wall was never met");
        monotone(&fast.trace);
    }
}

#[test]
fn an_error_where_nothing_was_extrapolated_is_the_callers() {
    let error = Error::NotFinite { what: "the objective".to_owned() };
    let mut squarem = Squarem::new(vec![1.0]);
    assert_eq!(squarem.tell(Err(error.clone())), Err(error.clone()));
    let mut squarem = Squarem::new(vec![1.0]);
    assert_eq!(squarem.tell(Ok((vec![0.9], -1.0))), Ok(Told::Kept));
    assert_eq!(squarem.tell(Ok((vec![0.8], f64::NAN))), Err(error));
    // Nothing moves: no division by zero, and the same point.
    let still = accelerate(&mut |x: &[f64]| Ok((x.to_vec(), 2.0)), vec![1.0, 2.0], 0.0, 10).unwrap();
    assert!(still.converged && still.evaluations == 1 && still.x == [1.0, 2.0]);
    let mut squarem = Squarem::new(vec![1.0]);
    for _ in 0..9 {
        assert_eq!(squarem.tell(Ok((vec![1.0], 2.0))), Ok(Told::Kept));
        assert_eq!(squarem.at(), [1.0]);
    }
}

#[test]
fn params_on_a_bound_stay_there_and_vanishing_entries_restart_the_memory() {
    // The second coordinate is the logarithm of 0.
    let mut map = |x: &[f64]| Ok((vec![0.95 * x[0], x[1]], -x[0] * x[0]));
    let fast = accelerate(&mut map, vec![1.0, f64::NEG_INFINITY], 1e-8, 500).unwrap();
    assert!(fast.converged && fast.x[1] == f64::NEG_INFINITY && fast.x[0].abs() < 1e-6, "{fast:?}");
    assert!(fast.evaluations < 60, "{}", fast.evaluations);

    // After a while an entry of a simplex is 0, and its coordinate is gone.
    let mut map = |x: &[f64]| {
        let next: Vec<f64> = x.iter().map(|x| 0.95 * x).collect();
        let kept = if next.len() == 2 && next[0] < 0.5 { next[..1].to_vec() } else { next };
        Ok((kept, -x[0] * x[0]))
    };
    let fast = accelerate(&mut map, vec![1.0, 1.0], 1e-8, 500).unwrap();
    assert!(fast.converged && fast.x.len() == 1 && fast.x[0].abs() < 1e-6, "{fast:?}");
    monotone(&fast.trace);
}
