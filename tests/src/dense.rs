//! A linear-Gaussian model as one dense Normal: every variable is a form in those before it, and a noise of its own.
//!
//! Nothing is eliminated here and nothing is exploited: conditioning is one solve with the covariance of all that was seen.

use nalgebra::{Cholesky, DMatrix, DVector, Dyn};

/// A linear form: variables with their coefficients.
pub type Form = Vec<(usize, f64)>;

/// Variables in the order in which they were added.
#[derive(Clone, Debug, Default)]
pub struct Dense {
    constants: Vec<f64>,
    /// Coefficients over the unit noises.
    noises: Vec<Vec<f64>>,
    /// Coefficients over the variables without a prior.
    flats: Vec<Vec<f64>>,
    count: usize,
    diffuse: usize,
}

/// Everything given what was seen.
#[derive(Clone, Debug)]
pub struct Known {
    /// log p of what was seen; the integral over variables without a prior is against Lebesgue measure.
    pub log_evidence: f64,
    /// Means of all variables.
    pub mean: DVector<f64>,
    /// Their covariance.
    pub cov: DMatrix<f64>,
}

impl Dense {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Dense::default()
    }

    fn form(&self, constant: f64, form: &[(usize, f64)]) -> (f64, Vec<f64>, Vec<f64>) {
        let (mut c, mut noise, mut flat) = (constant, vec![0.0; self.count], vec![0.0; self.diffuse]);
        for &(v, a) in form {
            c += a * self.constants[v];
            self.noises[v].iter().enumerate().for_each(|(i, x)| noise[i] += a * x);
            self.flats[v].iter().enumerate().for_each(|(i, x)| flat[i] += a * x);
        }
        (c, noise, flat)
    }

    /// A variable: constant + Σ a v + noise of this variance.
    pub fn add(&mut self, constant: f64, form: &[(usize, f64)], var: f64) -> usize {
        let (c, mut noise, flat) = self.form(constant, form);
        noise.push(var.sqrt());
        self.count += 1;
        self.push(c, noise, flat)
    }

    fn push(&mut self, constant: f64, noise: Vec<f64>, flat: Vec<f64>) -> usize {
        self.constants.push(constant);
        self.noises.push(noise);
        self.flats.push(flat);
        self.constants.len() - 1
    }

    /// A variable without a prior.
    pub fn add_flat(&mut self) -> usize {
        let mut flat = vec![0.0; self.diffuse];
        flat.push(1.0);
        self.diffuse += 1;
        self.push(0.0, vec![], flat)
    }

    /// A vector: constants + forms + noise with this covariance.
    ///
    /// # Panics
    /// If the covariance is singular.
    pub fn add_vector(&mut self, constants: &[f64], forms: &[Form], cov: &DMatrix<f64>) -> Vec<usize> {
        let l = Cholesky::new(cov.clone()).expect("a covariance").l();
        let old = self.count;
        self.count += cov.nrows();
        (0..cov.nrows())
            .map(|d| {
                let (c, mut noise, flat) = self.form(constants[d], &forms[d]);
                (0..=d).for_each(|i| noise[old + i] += l[(d, i)]);
                self.push(c, noise, flat)
            })
            .collect()
    }

    /// Means and covariance given values of some variables.
    ///
    /// # Panics
    /// If what was seen has a singular covariance, or does not determine the variables without a prior.
    #[must_use]
    pub fn given(&self, seen: &[(usize, f64)]) -> Known {
        let n = self.constants.len();
        let wide = |rows: &[Vec<f64>], width| {
            DMatrix::from_fn(n, width, |i, j| rows[i].get(j).copied().unwrap_or(0.0))
        };
        let (noise, flat) = (wide(&self.noises, self.count), wide(&self.flats, self.diffuse));
        let pick = |m: &DMatrix<f64>| DMatrix::from_fn(seen.len(), m.ncols(), |i, j| m[(seen[i].0, j)]);
        let (here, x) = (pick(&noise), pick(&flat));
        let all = DVector::from_column_slice(&self.constants);
        let off = DVector::from_fn(seen.len(), |i, _| seen[i].1 - self.constants[seen[i].0]);
        let v: Cholesky<f64, Dyn> = Cholesky::new(&here * here.transpose()).expect("noise in what is seen");
        let cross = &noise * here.transpose();
        let log_det =
            |c: &Cholesky<f64, Dyn>| c.l_dirty().diagonal().iter().map(|x| 2.0 * x.ln()).sum::<f64>();
        let ln_tau = std::f64::consts::TAU.ln();
        if self.diffuse == 0 {
            return Known {
                log_evidence: -0.5 * (seen.len() as f64 * ln_tau + log_det(&v) + off.dot(&v.solve(&off))),
                mean: all + &cross * v.solve(&off),
                cov: &noise * noise.transpose() - &cross * v.solve(&cross.transpose()),
            };
        }
        let information = Cholesky::new(x.transpose() * v.solve(&x)).expect("data for all that has no prior");
        let beta = information.solve(&(x.transpose() * v.solve(&off)));
        let left = &off - &x * &beta;
        let free = &flat - &cross * v.solve(&x);
        Known {
            log_evidence: -0.5
                * ((seen.len() - self.diffuse) as f64 * ln_tau
                    + log_det(&v)
                    + log_det(&information)
                    + left.dot(&v.solve(&left))),
            mean: all + &flat * &beta + &cross * v.solve(&left),
            cov: &noise * noise.transpose() - &cross * v.solve(&cross.transpose())
                + &free * information.solve(&free.transpose()),
        }
    }
}

impl Known {
    /// E v
    #[must_use]
    pub fn mean(&self, v: usize) -> f64 {
        self.mean[v]
    }

    /// Var v
    #[must_use]
    pub fn var(&self, v: usize) -> f64 {
        self.cov[(v, v)]
    }

    /// E (a + Σ …)(b + Σ …)
    #[must_use]
    pub fn product(&self, (a, f): (f64, &[(usize, f64)]), (b, g): (f64, &[(usize, f64)])) -> f64 {
        let mean = |c: f64, f: &[(usize, f64)]| c + f.iter().map(|(v, x)| x * self.mean[*v]).sum::<f64>();
        let mut s = mean(a, f) * mean(b, g);
        for &(v, x) in f {
            for &(w, y) in g {
                s += x * y * self.cov[(v, w)];
            }
        }
        s
    }

    /// E (a + Σ …)²
    #[must_use]
    pub fn square(&self, constant: f64, form: &[(usize, f64)]) -> f64 {
        self.product((constant, form), (constant, form))
    }
}
