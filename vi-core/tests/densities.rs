//! Log densities and interval probabilities against values computed from textbook formulas in 60 digits
//! (`tests/fixtures/densities.py`).

use nalgebra::DMatrix;
use vi_core::dist::*;

const DENSITIES: &str = include_str!("../../tests/fixtures/densities.csv");
const INTERVALS: &str = include_str!("../../tests/fixtures/intervals.csv");

/// Of the log density, or of the density where its logarithm is less than 1.
const TOLERANCE: f64 = 1e-12;

struct Row<'a> {
    line: &'a str,
    family: &'a str,
    way: &'a str,
    arguments: Vec<Vec<f64>>,
    point: Vec<f64>,
    expected: f64,
}

fn rows(table: &str) -> impl Iterator<Item = Row<'_>> {
    let numbers = |text: &str| text.split(' ').map(|v| v.parse().expect("a number")).collect::<Vec<f64>>();
    table.lines().map(move |line| {
        let fields: Vec<&str> = line.split(',').collect();
        let [family, way, arguments, point, expected] = fields[..] else { panic!("five fields: {line}") };
        Row {
            line,
            family,
            way,
            arguments: arguments.split(';').map(numbers).collect(),
            point: numbers(point),
            expected: expected.parse().expect("a number"),
        }
    })
}

fn square(values: &[f64]) -> DMatrix<f64> {
    let size = values.len().isqrt();
    DMatrix::from_row_slice(size, size, values)
}

/// `f` applied to the scalar law of a row, whatever its type.
macro_rules! with_scalar_law {
    ($row:expr, $a:ident, $real:ident, $count:ident, $other:expr) => {
        match ($row.family, $row.way) {
            ("Normal", "mean_var") => $real(&Normal::mean_var($a(0), $a(1))),
            ("Normal", "mean_sd") => $real(&Normal::mean_sd($a(0), $a(1))),
            ("Normal", "mean_prec") => $real(&Normal::mean_prec($a(0), $a(1))),
            ("LogNormal", "mean_var") => $real(&LogNormal::mean_var($a(0), $a(1))),
            ("LogNormal", "mean_sd") => $real(&LogNormal::mean_sd($a(0), $a(1))),
            ("LogNormal", "mean_prec") => $real(&LogNormal::mean_prec($a(0), $a(1))),
            ("Gamma", "shape_rate") => $real(&Gamma::shape_rate($a(0), $a(1))),
            ("Gamma", "shape_scale") => $real(&Gamma::shape_scale($a(0), $a(1))),
            ("InverseGamma", "shape_scale") => $real(&InverseGamma::shape_scale($a(0), $a(1))),
            ("Exponential", "rate") => $real(&Exponential::rate($a(0))),
            ("Exponential", "mean") => $real(&Exponential::mean($a(0))),
            ("Beta", "a_b") => $real(&Beta::a_b($a(0), $a(1))),
            ("StudentT", "mean_scale_dof") => $real(&StudentT::mean_scale_dof($a(0), $a(1), $a(2))),
            ("Laplace", "mean_scale") => $real(&Laplace::mean_scale($a(0), $a(1))),
            ("Cauchy", "mean_scale") => $real(&Cauchy::mean_scale($a(0), $a(1))),
            ("Uniform", "a_b") => $real(&Uniform::a_b($a(0), $a(1))),
            ("Poisson", "rate") => $count(&Poisson::rate($a(0))),
            ("Poisson", "log") => $count(&Poisson::log($a(0))),
            ("Binomial", "n_p") => $count(&Binomial::n_p($a(0) as u64, $a(1))),
            ("Binomial", "n_logit") => $count(&Binomial::n_logit($a(0) as u64, $a(1))),
            ("NegativeBinomial", "mean_dispersion") => {
                $count(&NegativeBinomial::mean_dispersion($a(0), $a(1)))
            }
            ("Geometric", "p") => $count(&Geometric::p($a(0))),
            _ => $other,
        }
    };
}

fn log_density(row: &Row) -> f64 {
    let a = |i: usize| row.arguments[i][0];
    let x = row.point[0];
    let real = |law: &dyn RealLaw| law.log_density(x);
    let count = |law: &dyn CountLaw| law.log_density(x as u64);
    with_scalar_law!(row, a, real, count, vector_log_density(row))
}

fn vector_log_density(row: &Row) -> f64 {
    let (v, x) = (&row.arguments, &row.point);
    let counts = || x.iter().map(|&k| k as u64).collect::<Vec<u64>>();
    match (row.family, row.way) {
        ("PowerGamma", "shape_rate_power") => {
            PowerGamma::shape_rate_power(v[0][0], v[1][0], v[2][0]).log_density(x[0])
        }
        ("Bernoulli", "p") => Bernoulli::p(v[0][0]).log_density(x[0] == 1.0),
        ("Bernoulli", "logit") => Bernoulli::logit(v[0][0]).log_density(x[0] == 1.0),
        ("Bernoulli", "probit") => Bernoulli::probit(v[0][0]).log_density(x[0] == 1.0),
        ("Uniform", "categories") => Uniform::categories(v[0][0] as usize).log_density(x[0] as usize),
        ("Categorical", "p") => Categorical::p(&v[0]).log_density(x[0] as usize),
        ("Categorical", "logit") => Categorical::logit(&v[0]).log_density(x[0] as usize),
        ("Dirichlet", "a") => Dirichlet::a(&v[0]).log_density(x),
        ("Dirichlet", "symmetric") => Dirichlet::symmetric(v[0][0], v[1][0] as usize).log_density(x),
        ("Multinomial", "n_p") => Multinomial::n_p(v[0][0] as u64, &v[1]).log_density(&counts()),
        ("DiagNormal", "mean_var") => DiagNormal::mean_var(&v[0], &v[1]).unwrap().log_density(x),
        ("DiagNormal", "mean_sd") => DiagNormal::mean_sd(&v[0], &v[1]).unwrap().log_density(x),
        ("DiagNormal", "mean_prec") => DiagNormal::mean_prec(&v[0], &v[1]).unwrap().log_density(x),
        ("MvNormal", "mean_cov") => MvNormal::mean_cov(&v[0], &square(&v[1])).unwrap().log_density(x),
        ("MvNormal", "mean_prec") => MvNormal::mean_prec(&v[0], &square(&v[1])).unwrap().log_density(x),
        ("MvNormal", "mean_chol") => MvNormal::mean_chol(&v[0], &square(&v[1])).unwrap().log_density(x),
        ("Wishart", "dof_scale") => {
            Wishart::dof_scale(v[0][0], &square(&v[1])).unwrap().log_density(&square(x))
        }
        ("InverseWishart", "dof_scale") => {
            InverseWishart::dof_scale(v[0][0], &square(&v[1])).unwrap().log_density(&square(x))
        }
        other => panic!("no law for {other:?}"),
    }
}

/// The families' own methods behind one type, so that a table row can choose among them.
trait RealLaw {
    fn log_density(&self, x: f64) -> f64;
    fn log_interval(&self, lo: f64, hi: f64) -> f64;
}

trait CountLaw {
    fn log_density(&self, k: u64) -> f64;
    fn log_interval(&self, lo: f64, hi: f64) -> f64;
}

impl<F: Univariate<Value = f64>> RealLaw for F {
    fn log_density(&self, x: f64) -> f64 {
        Univariate::log_density(self, x)
    }
    fn log_interval(&self, lo: f64, hi: f64) -> f64 {
        Univariate::log_interval(self, lo, hi)
    }
}

impl<F: Univariate<Value = u64>> CountLaw for F {
    fn log_density(&self, k: u64) -> f64 {
        Univariate::log_density(self, k)
    }
    fn log_interval(&self, lo: f64, hi: f64) -> f64 {
        Univariate::log_interval(self, lo, hi)
    }
}

#[track_caller]
fn check_all(table: &str, least_rows: usize, value: impl Fn(&Row) -> f64) {
    let (mut seen, mut failures) = (0, Vec::new());
    for row in rows(table) {
        seen += 1;
        let (got, want) = (value(&row), row.expected);
        let agrees = got == want || (got - want).abs() <= TOLERANCE * want.abs().max(1.0);
        if !agrees {
            failures.push(format!("{}: got {got:e}, off by {:e}", row.line, (got - want).abs()));
        }
    }
    assert!(seen >= least_rows, "only {seen} rows");
    assert!(failures.is_empty(), "{} of {seen} rows:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn log_densities_agree_with_the_reference() {
    check_all(DENSITIES, 1000, log_density);
}

#[test]
fn interval_probabilities_agree_with_the_reference() {
    check_all(INTERVALS, 300, |row| {
        let a = |i: usize| row.arguments[i][0];
        let real = |law: &dyn RealLaw| law.log_interval(row.point[0], row.point[1]);
        let count = |law: &dyn CountLaw| law.log_interval(row.point[0], row.point[1]);
        with_scalar_law!(row, a, real, count, panic!("no interval for {}", row.family))
    });
}

#[test]
fn a_truncated_density_is_the_density_over_the_interval() {
    check_all(INTERVALS, 300, |row| {
        // log p(x) − log p(x | lo ≤ X ≤ hi) at a point of the interval is the interval's log probability.
        let a = |i: usize| row.arguments[i][0];
        let (lo, hi) = (row.point[0], row.point[1]);
        fn mass<F: Univariate + Copy>(law: &F, lo: f64, hi: f64, x: F::Value) -> f64 {
            let truncated = Truncated::new(*law, lo, hi);
            Univariate::log_density(law, x) - truncated.log_density(x)
        }
        macro_rules! real {
            ($law:expr) => {
                mass($law, lo, hi, lo + 0.5 * (hi - lo))
            };
        }
        macro_rules! count {
            ($law:expr) => {
                mass($law, lo, hi, lo as u64)
            };
        }
        match row.family {
            "Normal" => real!(&Normal::mean_sd(a(0), a(1))),
            "LogNormal" => real!(&LogNormal::mean_sd(a(0), a(1))),
            "Gamma" => real!(&Gamma::shape_rate(a(0), a(1))),
            "InverseGamma" => real!(&InverseGamma::shape_scale(a(0), a(1))),
            "Exponential" => real!(&Exponential::rate(a(0))),
            "Beta" => real!(&Beta::a_b(a(0), a(1))),
            "StudentT" => real!(&StudentT::mean_scale_dof(a(0), a(1), a(2))),
            "Laplace" => real!(&Laplace::mean_scale(a(0), a(1))),
            "Cauchy" => real!(&Cauchy::mean_scale(a(0), a(1))),
            // The interval may reach past the support, but starts within it.
            "Uniform" => mass(&Uniform::a_b(a(0), a(1)), lo, hi, lo),
            "Poisson" => count!(&Poisson::rate(a(0))),
            "Binomial" => count!(&Binomial::n_p(a(0) as u64, a(1))),
            "NegativeBinomial" => count!(&NegativeBinomial::mean_dispersion(a(0), a(1))),
            "Geometric" => count!(&Geometric::p(a(0))),
            other => panic!("no truncation for {other}"),
        }
    });
}

#[test]
fn parameters_outside_their_domain_give_nan() {
    let nan = |value: f64| assert!(value.is_nan(), "{value}");
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        nan(Normal::mean_var(0.0, bad).log_density(1.0));
        nan(Normal::mean_sd(0.0, bad).log_density(1.0));
        nan(Normal::mean_prec(0.0, bad).log_density(1.0));
        nan(LogNormal::mean_sd(0.0, bad).log_density(1.0));
        nan(Gamma::shape_rate(bad, 1.0).log_density(1.0));
        nan(Gamma::shape_rate(1.0, bad).log_density(1.0));
        nan(Gamma::shape_scale(1.0, bad).log_density(1.0));
        nan(InverseGamma::shape_scale(bad, 1.0).log_density(1.0));
        nan(InverseGamma::shape_scale(1.0, bad).log_density(1.0));
        nan(Exponential::rate(bad).log_density(1.0));
        nan(Exponential::mean(bad).log_density(1.0));
        nan(Beta::a_b(bad, 1.0).log_density(0.5));
        nan(Beta::a_b(1.0, bad).log_density(0.5));
        nan(StudentT::mean_scale_dof(0.0, bad, 1.0).log_density(1.0));
        nan(StudentT::mean_scale_dof(0.0, 1.0, bad).log_density(1.0));
        nan(Laplace::mean_scale(0.0, bad).log_density(1.0));
        nan(Cauchy::mean_scale(0.0, bad).log_density(1.0));
        nan(NegativeBinomial::mean_dispersion(bad, 1.0).log_density(0));
        nan(NegativeBinomial::mean_dispersion(1.0, bad).log_density(1));
        nan(PowerGamma::shape_rate_power(1.0, bad, -2.0).log_density(1.0));
        nan(Dirichlet::a(&[1.0, bad]).log_density(&[0.5, 0.5]));
    }
    for bad in [-0.1, 1.1, f64::NAN] {
        nan(Bernoulli::p(bad).log_density(true));
        nan(Binomial::n_p(3, bad).log_density(1));
        nan(Geometric::p(bad).log_density(0));
        nan(Categorical::p(&[bad, 1.0 - bad]).log_density(0));
        nan(Multinomial::n_p(1, &[bad, 1.0 - bad]).log_density(&[0, 1]));
    }
    nan(Geometric::p(0.0).log_density(0));
    nan(Poisson::rate(-1.0).log_density(0));
    nan(Poisson::rate(f64::INFINITY).log_density(0));
    nan(Poisson::log(f64::NAN).log_density(0));
    nan(Uniform::a_b(1.0, 1.0).log_density(1.0));
    nan(Uniform::categories(0).log_density(0));
    nan(Categorical::p(&[]).log_density(0));
    nan(Categorical::logit(&[f64::NEG_INFINITY]).log_density(0));
    nan(Categorical::logit(&[f64::NAN, 0.0]).log_density(1));
    nan(Truncated::new(Normal::mean_sd(0.0, 1.0), 2.0, 1.0).log_density(1.5));
    nan(Truncated::new(Gamma::shape_rate(1.0, 1.0), f64::NEG_INFINITY, -1.0).log_density(0.0));
}

#[test]
fn no_point_of_the_line_gives_nan() {
    for x in [
        f64::NEG_INFINITY,
        f64::MIN,
        -1.0,
        -0.0,
        0.0,
        f64::MIN_POSITIVE,
        1.0,
        f64::MAX,
        f64::INFINITY,
        f64::NAN,
    ] {
        let check = |name: &str, value: f64| assert!(!value.is_nan(), "{name} at {x}: {value}");
        check("Normal", Normal::mean_sd(0.0, 1.0).log_density(x));
        check("LogNormal", LogNormal::mean_sd(0.0, 1.0).log_density(x));
        check("Exponential", Exponential::rate(2.0).log_density(x));
        check("Laplace", Laplace::mean_scale(0.0, 1.0).log_density(x));
        check("Cauchy", Cauchy::mean_scale(0.0, 1.0).log_density(x));
        check("Uniform", Uniform::a_b(0.0, 1.0).log_density(x));
        check("Beta", Beta::a_b(0.5, 2.0).log_density(x));
        check("Truncated", Truncated::new(Normal::mean_sd(0.0, 1.0), 1.0, 2.0).log_density(x));
        for shape in [0.01, 1.0, 3.0, 1e6] {
            check("Gamma", Gamma::shape_rate(shape, 2.0).log_density(x));
            check("InverseGamma", InverseGamma::shape_scale(shape, 2.0).log_density(x));
            check("StudentT", StudentT::mean_scale_dof(0.0, 1.0, shape).log_density(x));
            for power in [-2.0, -1.0, 1.0, 2.0] {
                check("PowerGamma", PowerGamma::shape_rate_power(shape, 2.0, power).log_density(x));
            }
        }
        check("MvNormal", MvNormal::mean_cov(&[0.0], &DMatrix::identity(1, 1)).unwrap().log_density(&[x]));
        check("Dirichlet", Dirichlet::a(&[0.5, 2.0]).log_density(&[x, 1.0 - x]));
        check(
            "Wishart",
            Wishart::dof_scale(3.0, &DMatrix::identity(1, 1)).unwrap().log_density(&square(&[x])),
        );
    }
}

#[test]
fn a_matrix_that_is_not_positive_definite_is_refused_with_its_name() {
    let bad = square(&[1.0, 2.0, 2.0, 1.0]);
    let message = |e: DomainError| e.to_string();
    assert_eq!(
        MvNormal::mean_cov(&[0.0, 0.0], &bad).map_err(message).unwrap_err(),
        "Normal: `cov` must be symmetric and positive definite"
    );
    assert!(MvNormal::mean_prec(&[0.0, 0.0], &bad).map_err(message).unwrap_err().contains("`prec`"));
    assert!(MvNormal::mean_chol(&[0.0], &square(&[-1.0])).map_err(message).unwrap_err().contains("`chol`"));
    assert!(MvNormal::mean_cov(&[0.0], &bad).map_err(message).unwrap_err().contains("rows and columns"));
    assert!(Wishart::dof_scale(3.0, &bad).map_err(message).unwrap_err().contains("`scale`"));
    assert!(
        InverseWishart::dof_scale(1.0, &DMatrix::identity(2, 2))
            .map_err(message)
            .unwrap_err()
            .contains("`dof`")
    );
    assert!(DiagNormal::mean_sd(&[0.0], &[1.0, 2.0]).map_err(message).unwrap_err().contains("as long as"));
}

#[test]
fn an_interval_narrower_than_its_standardised_bounds_can_tell_keeps_its_probability() {
    // Both bounds standardise to 1: the probability is the density there times the width.
    let law = Normal::mean_sd(-1e17, 1e17);
    let want = -0.5 - 0.5 * (2.0 * std::f64::consts::PI).ln() + 1e-17f64.ln();
    assert!((law.log_interval(1.0, 2.0) - want).abs() < TOLERANCE * want.abs());
}
