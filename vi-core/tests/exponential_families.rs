//! Laws of the exponential-family view: E T = ∇A, standard ∘ natural = identity, entropy, divergence and mode.

mod quadrature;

use nalgebra::{DMatrix, DVector};
use quadrature::{expect, half_line, line, unit};
use vi_core::dist::*;
use vi_core::family::ExponentialFamily;

#[track_caller]
fn close(name: &str, got: f64, want: f64, tolerance: f64) {
    let agrees = got == want || (got - want).abs() <= tolerance * want.abs().max(1.0);
    assert!(agrees, "{name}: {got:e} is not {want:e}");
}

/// A family's parameters as coordinates, so that it can be moved along each.
trait Coordinates: ExponentialFamily {
    fn coordinates(eta: &Self::Natural) -> Vec<f64>;
    fn at(&self, coordinates: &[f64]) -> Self::Natural;
    /// ∂A along each coordinate, from the moments.
    fn gradient(moments: &Self::Moments) -> Vec<f64>;
}

impl Coordinates for Normal {
    fn coordinates(eta: &NormalNatural) -> Vec<f64> {
        vec![eta.x, eta.xx]
    }
    fn at(&self, c: &[f64]) -> NormalNatural {
        NormalNatural { x: c[0], xx: c[1] }
    }
    fn gradient(m: &NormalMoments) -> Vec<f64> {
        vec![m.mean, m.mean * m.mean + m.var]
    }
}

impl Coordinates for PowerGamma {
    fn coordinates(eta: &PowerGammaNatural) -> Vec<f64> {
        vec![eta.log_x, eta.x_power]
    }
    fn at(&self, c: &[f64]) -> PowerGammaNatural {
        PowerGammaNatural { log_x: c[0], x_power: c[1], power: self.power }
    }
    fn gradient(m: &PowerGammaMoments) -> Vec<f64> {
        vec![m.log_x, m.x_power]
    }
}

impl Coordinates for Beta {
    fn coordinates(eta: &BetaNatural) -> Vec<f64> {
        vec![eta.log_x, eta.log_1mx]
    }
    fn at(&self, c: &[f64]) -> BetaNatural {
        BetaNatural { log_x: c[0], log_1mx: c[1] }
    }
    fn gradient(m: &BetaMoments) -> Vec<f64> {
        vec![m.log_x, m.log_1mx]
    }
}

impl Coordinates for Dirichlet<'static> {
    fn coordinates(eta: &DirichletNatural) -> Vec<f64> {
        eta.log_x.clone()
    }
    fn at(&self, c: &[f64]) -> DirichletNatural {
        DirichletNatural { log_x: c.to_vec() }
    }
    fn gradient(m: &DVector<f64>) -> Vec<f64> {
        m.as_slice().to_vec()
    }
}

impl Coordinates for Categorical<'static> {
    fn coordinates(eta: &Vec<f64>) -> Vec<f64> {
        eta.clone()
    }
    fn at(&self, c: &[f64]) -> Vec<f64> {
        c.to_vec()
    }
    fn gradient(m: &DVector<f64>) -> Vec<f64> {
        m.as_slice().to_vec()
    }
}

impl Coordinates for Bernoulli {
    fn coordinates(eta: &BernoulliNatural) -> Vec<f64> {
        vec![eta.x]
    }
    fn at(&self, c: &[f64]) -> BernoulliNatural {
        BernoulliNatural { x: c[0] }
    }
    fn gradient(m: &f64) -> Vec<f64> {
        vec![*m]
    }
}

impl Coordinates for Poisson {
    fn coordinates(eta: &PoissonNatural) -> Vec<f64> {
        vec![eta.k]
    }
    fn at(&self, c: &[f64]) -> PoissonNatural {
        PoissonNatural { k: c[0] }
    }
    fn gradient(m: &f64) -> Vec<f64> {
        vec![*m]
    }
}

/// The lower triangle; a coordinate off the diagonal stands for two elements.
fn lower(m: &DMatrix<f64>) -> Vec<f64> {
    (0..m.nrows()).flat_map(|i| (0..=i).map(move |j| m[(i, j)])).collect()
}

fn symmetric(size: usize, c: &[f64]) -> DMatrix<f64> {
    DMatrix::from_fn(size, size, |i, j| {
        let (i, j) = (i.max(j), i.min(j));
        c[i * (i + 1) / 2 + j]
    })
}

fn doubled_off_diagonal(m: &DMatrix<f64>) -> Vec<f64> {
    lower(&DMatrix::from_fn(m.nrows(), m.ncols(), |i, j| if i == j { m[(i, j)] } else { 2.0 * m[(i, j)] }))
}

impl Coordinates for MvNormal<'static> {
    fn coordinates(eta: &MvNormalNatural) -> Vec<f64> {
        [eta.x.as_slice(), &lower(&eta.xx)].concat()
    }
    fn at(&self, c: &[f64]) -> MvNormalNatural {
        let size = self.dimension();
        MvNormalNatural { x: DVector::from_row_slice(&c[..size]), xx: symmetric(size, &c[size..]) }
    }
    fn gradient(m: &MvNormalMoments) -> Vec<f64> {
        [m.mean.as_slice(), &doubled_off_diagonal(&(&m.mean * m.mean.transpose() + &m.cov))].concat()
    }
}

impl Coordinates for Wishart {
    fn coordinates(eta: &WishartNatural) -> Vec<f64> {
        [&[eta.log_det][..], &lower(&eta.x)].concat()
    }
    fn at(&self, c: &[f64]) -> WishartNatural {
        WishartNatural { log_det: c[0], x: symmetric(self.dimension(), &c[1..]) }
    }
    fn gradient(m: &WishartMoments) -> Vec<f64> {
        [&[m.log_det][..], &doubled_off_diagonal(&m.x)].concat()
    }
}

impl Coordinates for InverseWishart {
    fn coordinates(eta: &InverseWishartNatural) -> Vec<f64> {
        [&[eta.log_det][..], &lower(&eta.inverse)].concat()
    }
    fn at(&self, c: &[f64]) -> InverseWishartNatural {
        InverseWishartNatural { log_det: c[0], inverse: symmetric(self.dimension(), &c[1..]) }
    }
    fn gradient(m: &InverseWishartMoments) -> Vec<f64> {
        [&[m.log_det][..], &doubled_off_diagonal(&m.inverse)].concat()
    }
}

/// The laws that need no integral, at `law` and between `law` and `other`.
#[track_caller]
fn check<F: Coordinates>(
    law: &F,
    other: &F,
    points: &[F::Value],
    log_density: impl Fn(&F, &F::Value) -> f64,
) {
    let eta = law.natural();
    let c = F::coordinates(&eta);
    let partition = |c: &[f64]| F::log_partition(&law.at(c)).expect("proper");
    let gradient = F::gradient(&F::moments(&eta).expect("proper"));
    assert_eq!(gradient.len(), c.len());

    for i in 0..c.len() {
        let step = 1e-3 * c[i].abs().max(0.1);
        let along = |s: f64| {
            let mut moved = c.clone();
            moved[i] += s * step;
            partition(&moved)
        };
        let difference = (8.0 * (along(1.0) - along(-1.0)) - (along(2.0) - along(-2.0))) / (12.0 * step);
        close(&format!("∂A[{i}]"), difference, gradient[i], 1e-8);
    }

    let back = F::from_natural(&eta).expect("proper");
    for (got, want) in F::coordinates(&back.natural()).iter().zip(&c) {
        close("standard ∘ natural", *got, *want, 1e-12);
    }
    for x in points {
        let want = log_density(law, x);
        close("density after the round trip", log_density(&back, x), want, 1e-11);
        let natural = F::natural_log_density(&eta, x).expect("proper");
        assert!(
            natural == want || (natural - want).abs() < 1e-11 * want.abs().max(1.0),
            "{natural} is not {want}"
        );
    }

    // KL(q ‖ p) = A(p) − A(q) − ⟨∇A(q), p − q⟩
    let eta_p = other.natural();
    let c_p = F::coordinates(&eta_p);
    let inner: f64 = gradient.iter().zip(c_p.iter().zip(&c)).map(|(g, (p, q))| g * (p - q)).sum();
    let kl = F::kl(&eta, &eta_p).expect("proper");
    close("KL", kl, partition(&c_p) - partition(&c) - inner, 1e-10);
    assert!(kl > 0.0);
    assert!(F::kl(&eta, &eta).expect("proper").abs() < 1e-28 * c.len() as f64);

    // Close together KL is half the second derivative of A, which the textbook form loses altogether.
    for i in 0..c.len() {
        let (wide, tiny) = (1e-2 * c[i].abs().max(0.1), 1e-7 * c[i].abs().max(0.1));
        let moved = |step: f64| {
            let mut moved = c.clone();
            moved[i] += step;
            moved
        };
        let along = |s: f64| partition(&moved(s * wide));
        let curvature = (16.0 * (along(1.0) + along(-1.0)) - along(2.0) - along(-2.0) - 30.0 * along(0.0))
            / (12.0 * wide * wide);
        let kl = F::kl(&eta, &law.at(&moved(tiny))).expect("proper");
        let want = 0.5 * tiny * tiny * curvature;
        assert!((kl - want).abs() < 1e-4 * want, "KL to a step along {i}: {kl:e} is not {want:e}");
    }
}

/// No point near the mode has a greater density.
#[track_caller]
fn check_mode<F: Coordinates>(eta: &F::Natural, neighbours: impl Fn(&F::Value, f64) -> Vec<F::Value>) {
    let mode = F::mode(eta).expect("a mode");
    let peak = F::log_kernel(eta, &mode);
    for step in [1e-1, 1e-3] {
        for x in neighbours(&mode, step) {
            assert!(F::log_kernel(eta, &x) < peak, "a neighbour is as likely as the mode");
        }
    }
}

fn both_sides(x: &f64, step: f64) -> Vec<f64> {
    vec![x - step * x.abs(), x + step * x.abs()]
}

/// Entropy and divergence as integrals of the densities.
#[track_caller]
fn check_integrals<F: ExponentialFamily<Value = f64>>(nodes: &[(f64, f64)], q: &F, p: &F) {
    let (q, p) = (q.natural(), p.natural());
    let log_q = |x: f64| F::natural_log_density(&q, &x).expect("proper");
    let log_p = |x: f64| F::natural_log_density(&p, &x).expect("proper");
    close("entropy", F::natural_entropy(&q).expect("proper"), expect(nodes, log_q, |_, l| -l), 1e-9);
    close("KL", F::kl(&q, &p).expect("proper"), expect(nodes, log_q, |x, l| l - log_p(x)), 1e-9);
}

#[test]
fn normal() {
    let (q, p) = (Normal::mean_var(1.5, 0.7), Normal::mean_sd(-0.3, 2.0));
    check(&q, &p, &[-3.0, 0.0, 1.5, 40.0], |f, x| f.log_density(*x));
    check_integrals(&line(0.02), &q, &p);
    check_mode::<Normal>(&q.natural(), both_sides);
}

#[test]
fn power_gamma() {
    for power in [1.0, -1.0, 2.0, -2.0] {
        let q = PowerGamma::shape_rate_power(3.5, 1.2, power);
        let p = PowerGamma::shape_rate_power(0.8, 4.0, power);
        check(&q, &p, &[0.01, 1.0, 7.0, -1.0], |f, x| f.log_density(*x));
        check(&p, &q, &[0.01, 1.0, 7.0], |f, x| f.log_density(*x));
        check_integrals(&half_line(0.02), &q, &p);
        check_mode::<PowerGamma>(&q.natural(), both_sides);
        close(
            "E log x",
            q.expect_log(),
            expect(&half_line(0.02), |x| q.log_density(x), |x, _| x.ln()),
            1e-10,
        );
        for exponent in [-0.5, 0.5, 1.0, 3.0] {
            let integral = expect(&half_line(0.01), |x| q.log_density(x), |x, _| x.powf(exponent));
            close("E x^q", q.expect_power(exponent), integral, 1e-9);
        }
    }
    let gamma = Gamma::shape_rate(2.5, 3.0);
    close("Gamma", PowerGamma::from(gamma).log_density(0.8), gamma.log_density(0.8), 1e-14);
    let inverse = InverseGamma::shape_scale(2.5, 3.0);
    close("InverseGamma", PowerGamma::from(inverse).log_density(0.8), inverse.log_density(0.8), 1e-14);
    close("mode", PowerGamma::mode(&PowerGamma::from(inverse).natural()).unwrap(), 3.0 / 3.5, 1e-14);
    close("mode", PowerGamma::mode(&PowerGamma::from(gamma).natural()).unwrap(), 1.5 / 3.0, 1e-14);
}

#[test]
fn beta() {
    let (q, p) = (Beta::a_b(2.5, 4.0), Beta::a_b(1.2, 1.5));
    check(&q, &p, &[0.0, 0.1, 0.9, 1.0, 1.2], |f, x| f.log_density(*x));
    check_integrals(&unit(0.02), &q, &p);
    check_mode::<Beta>(&q.natural(), both_sides);
    assert_eq!(Beta::mode(&BetaNatural { log_x: 0.0, log_1mx: 3.0 }), Ok(0.0));
    assert_eq!(Beta::mode(&BetaNatural { log_x: 3.0, log_1mx: 0.0 }), Ok(1.0));
}

#[test]
fn dirichlet() {
    let law = |a: &[f64]| Dirichlet { a: a.to_vec().into() };
    let (q, p) = (law(&[2.5, 4.0, 1.5]), law(&[0.3, 2.0, 9.0]));
    let point = |v: &[f64]| DVector::from_row_slice(v);
    let points = [point(&[0.2, 0.5, 0.3]), point(&[0.0, 0.5, 0.5]), point(&[0.9, 0.5, 0.3])];
    check(&q, &p, &points, |f, x| f.log_density(x.as_slice()));
    check(&p, &q, &points[..1], |f, x| f.log_density(x.as_slice()));
    close("entropy", Dirichlet::natural_entropy(&q.natural()).unwrap(), q.entropy(), 1e-15);
    check_mode::<Dirichlet>(&q.natural(), |x, step| {
        vec![x + point(&[step, -step, 0.0]) * 0.1, x + point(&[-step, 0.0, step]) * 0.1]
    });
    let counts = DirichletNatural { log_x: vec![3.0, 0.0, 1.0] };
    assert_eq!(Dirichlet::mode(&counts), Ok(point(&[0.75, 0.0, 0.25])));
    // A law in two categories is a beta law.
    let (two, beta) = (law(&[2.5, 4.0]), Beta::a_b(2.5, 4.0));
    close("Beta", two.log_density(&[0.3, 0.7]), beta.log_density(0.3), 1e-13);
    close("Beta", two.entropy(), beta.entropy(), 1e-14);
}

#[test]
fn categorical() {
    let (q, p) = ([0.3, -1.0, 2.0], [1.0, 0.0, 0.5]);
    let law = |eta: &[f64]| Categorical::from_natural(&eta.to_vec()).unwrap();
    // The logits are free up to a constant: the round trip is of the normalised ones.
    check(&law(&q), &law(&p), &[0, 1, 2, 3], |f, x| f.log_density(*x));
    let entropy: f64 = (0..3).map(|k| law(&q).log_density(k)).map(|l| -l * l.exp()).sum();
    close("entropy", Categorical::natural_entropy(&q.to_vec()).unwrap(), entropy, 1e-14);
    assert_eq!(Categorical::mode(&q.to_vec()), Ok(2));
    let excluded = vec![f64::NEG_INFINITY, 0.0];
    assert_eq!(Categorical::natural_log_density(&excluded, &0), Ok(f64::NEG_INFINITY));
    assert_eq!(Categorical::natural_entropy(&excluded), Ok(0.0));
    assert_eq!(Categorical::kl(&vec![0.0, 0.0], &excluded), Ok(f64::INFINITY));
    close("KL", Categorical::kl(&excluded, &vec![0.0, 0.0]).unwrap(), 2f64.ln(), 1e-15);
}

#[test]
fn bernoulli() {
    let (q, p) = (Bernoulli::p(0.2), Bernoulli::logit(1.5));
    check(&q, &p, &[false, true], |f, x| f.log_density(*x));
    assert_eq!(Bernoulli::mode(&q.natural()), Ok(false));
    assert_eq!(Bernoulli::mode(&p.natural()), Ok(true));
    close("entropy", Bernoulli::natural_entropy(&p.natural()).unwrap(), p.entropy(), 1e-15);
}

#[test]
fn poisson() {
    let (q, p) = (Poisson::rate(3.7), Poisson::log(0.2));
    check(&q, &p, &[0, 1, 5, 50], |f, x| f.log_density(*x));
    check_mode::<Poisson>(&q.natural(), |x, _| vec![x - 1, x + 1]);
    let nodes: Vec<(u64, f64)> = (0..200).map(|k| (k, 1.0)).collect();
    let kl = expect(&nodes, |k| q.log_density(k), |k, l| l - p.log_density(k));
    close("KL", Poisson::kl(&q.natural(), &p.natural()).unwrap(), kl, 1e-12);
}

fn matrix(values: [f64; 4]) -> DMatrix<f64> {
    DMatrix::from_row_slice(2, 2, &values)
}

/// A matrix and others a small symmetric step away.
fn matrix_neighbours(x: &DMatrix<f64>, step: f64) -> Vec<DMatrix<f64>> {
    let step = step * x.diagonal().min();
    [
        [1.0, 0.0, 0.0, 0.0],
        [-1.0, 0.0, 0.0, 0.0],
        [0.0, 1.0, 1.0, 0.0],
        [0.0, -0.5, -0.5, 1.0],
        [0.0, 0.0, 0.0, -1.0],
    ]
    .iter()
    .map(|d| x + matrix(*d) * (0.3 * step))
    .collect()
}

#[test]
fn mv_normal() {
    let law = |mean: &[f64], cov: [f64; 4]| {
        MvNormal::from_natural(&{
            let precision = MvNormal::mean_cov(mean, &matrix(cov)).unwrap().precision();
            MvNormalNatural { x: &precision * DVector::from_row_slice(mean), xx: precision * -0.5 }
        })
        .unwrap()
    };
    let (q, p) = (law(&[0.3, -1.0], [2.0, 0.6, 0.6, 0.5]), law(&[1.0, 0.4], [1.0, -0.3, -0.3, 3.0]));
    let points = [DVector::from_row_slice(&[0.0, 0.0]), DVector::from_row_slice(&[3.0, -2.0])];
    check(&q, &p, &points, |f, x| f.log_density(x.as_slice()));
    close("entropy", MvNormal::natural_entropy(&q.natural()).unwrap(), q.entropy(), 1e-13);
    check_mode::<MvNormal>(&q.natural(), |x, step| {
        vec![x + DVector::from_row_slice(&[step, 0.0]), x - DVector::from_row_slice(&[step, step])]
    });
    let one = |v: f64, m: f64| MvNormalNatural {
        x: DVector::from_element(1, m / v),
        xx: DMatrix::from_element(1, 1, -0.5 / v),
    };
    let scalar =
        Normal::kl(&Normal::mean_var(0.4, 2.0).natural(), &Normal::mean_var(1.0, 3.0).natural()).unwrap();
    close("KL", MvNormal::kl(&one(2.0, 0.4), &one(3.0, 1.0)).unwrap(), scalar, 1e-14);
}

#[test]
fn wishart() {
    let q = Wishart::dof_scale(5.5, &matrix([1.2, 0.3, 0.3, 0.7])).unwrap();
    let p = Wishart::dof_scale(3.2, &matrix([0.5, -0.1, -0.1, 2.0])).unwrap();
    let points = [matrix([1.0, 0.2, 0.2, 3.0]), matrix([1.0, 2.0, 2.0, 1.0])];
    check(&q, &p, &points, |f, x| f.log_density(x));
    close("entropy", Wishart::natural_entropy(&q.natural()).unwrap(), q.entropy(), 1e-13);
    check_mode::<Wishart>(&q.natural(), matrix_neighbours);
    // One row is a gamma law of shape dof/2 and rate 1/(2 scale).
    let one = |dof: f64, scale: f64| Wishart::dof_scale(dof, &DMatrix::from_element(1, 1, scale)).unwrap();
    let gamma = |dof: f64, scale: f64| PowerGamma::shape_rate_power(0.5 * dof, 0.5 / scale, 1.0);
    let (a, b) = (one(3.0, 2.0), one(5.0, 0.7));
    close("entropy", a.entropy(), gamma(3.0, 2.0).entropy(), 1e-13);
    let kl = PowerGamma::kl(&gamma(3.0, 2.0).natural(), &gamma(5.0, 0.7).natural()).unwrap();
    close("KL", Wishart::kl(&a.natural(), &b.natural()).unwrap(), kl, 1e-13);
}

#[test]
fn inverse_wishart() {
    let q = InverseWishart::dof_scale(5.5, &matrix([1.2, 0.3, 0.3, 0.7])).unwrap();
    let p = InverseWishart::dof_scale(3.2, &matrix([0.5, -0.1, -0.1, 2.0])).unwrap();
    let points = [matrix([1.0, 0.2, 0.2, 3.0]), matrix([1.0, 2.0, 2.0, 1.0])];
    check(&q, &p, &points, |f, x| f.log_density(x));
    close("entropy", InverseWishart::natural_entropy(&q.natural()).unwrap(), q.entropy(), 1e-13);
    check_mode::<InverseWishart>(&q.natural(), matrix_neighbours);
    let mode = InverseWishart::mode(&q.natural()).unwrap();
    assert!((mode - q.scale() / 8.5).amax() < 1e-14);
}

#[test]
fn coefficients_without_an_integral_are_improper_and_say_why() {
    let message = Normal::moments(&NormalNatural { x: 1.0, xx: 0.0 }).unwrap_err().to_string();
    assert!(
        message.starts_with("Normal is improper: the coefficient of x², 0, must be negative"),
        "{message}"
    );
    for xx in [0.0, 1.0, f64::NAN] {
        assert!(Normal::log_partition(&NormalNatural { x: 0.0, xx }).is_err());
        assert!(Normal::mode(&NormalNatural { x: 0.0, xx }).is_err());
    }
    for (log_x, x_power) in [(-1.0, -1.0), (1.0, 0.0), (1.0, f64::NAN)] {
        assert!(PowerGamma::from_natural(&PowerGammaNatural { log_x, x_power, power: 1.0 }).is_err());
        assert!(
            PowerGamma::from_natural(&PowerGammaNatural { log_x: -log_x, x_power: 0.0, power: -1.0 })
                .is_err()
        );
    }
    let (gamma, inverse) =
        (PowerGamma::shape_rate_power(1.0, 1.0, 1.0), PowerGamma::shape_rate_power(1.0, 1.0, -1.0));
    assert!(PowerGamma::kl(&gamma.natural(), &inverse.natural()).is_err());
    assert!(PowerGamma::mode(&PowerGammaNatural { log_x: -0.5, x_power: -1.0, power: 1.0 }).is_err());
    // A mode needs no integral: x^-½ exp(−1/x) has none.
    let flat_tail = PowerGammaNatural { log_x: -0.5, x_power: -1.0, power: -1.0 };
    assert!(PowerGamma::from_natural(&flat_tail).is_err());
    assert_eq!(PowerGamma::mode(&flat_tail), Ok(2.0));
    assert!(Beta::moments(&BetaNatural { log_x: -1.0, log_1mx: 2.0 }).is_err());
    assert!(Beta::mode(&BetaNatural { log_x: 0.0, log_1mx: 0.0 }).is_err());
    let message = Dirichlet::moments(&DirichletNatural { log_x: vec![1.0, -1.0] }).unwrap_err().to_string();
    assert!(message.contains("a[1] = 0 must be positive"), "{message}");
    assert!(Dirichlet::mode(&DirichletNatural { log_x: vec![0.0, 0.0] }).is_err());
    assert!(Categorical::moments(&vec![]).is_err());
    assert!(Categorical::moments(&vec![f64::NEG_INFINITY]).is_err());
    assert!(Bernoulli::moments(&BernoulliNatural { x: f64::INFINITY }).is_err());
    assert!(Poisson::moments(&PoissonNatural { k: 800.0 }).is_err());
    let indefinite = matrix([-1.0, 2.0, 2.0, -1.0]);
    assert!(MvNormal::moments(&MvNormalNatural { x: DVector::zeros(2), xx: indefinite.clone() }).is_err());
    assert!(Wishart::moments(&WishartNatural { log_det: 3.0, x: indefinite.clone() }).is_err());
    assert!(Wishart::moments(&WishartNatural { log_det: -1.5, x: -DMatrix::identity(2, 2) }).is_err());
    assert!(Wishart::mode(&WishartNatural { log_det: 0.0, x: -DMatrix::identity(2, 2) }).is_err());
    assert!(InverseWishart::moments(&InverseWishartNatural { log_det: -3.0, inverse: indefinite }).is_err());
    assert!(
        InverseWishart::moments(&InverseWishartNatural { log_det: -1.0, inverse: -DMatrix::identity(2, 2) })
            .is_err()
    );
}
