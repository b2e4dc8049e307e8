//! Mixtures of scalar families.

use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::density::{self, log_sum_exp};
use vi_tests::law::exact;

model! {
    pub mod gammas(K) {
        param    weight: Simplex[K];
        param    a[k in K]: Positive;
        param    r[k in K]: Positive;
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Gamma(shape: a[z[n]], rate: r[z[n]]);
    }
}
model! {
    pub mod gamma_scales(K) {
        param    weight: Simplex[K];
        param    a[k in K]: Positive;
        param    s[k in K]: Positive;
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Gamma(shape: a[z[n]], scale: s[z[n]]);
    }
}
model! {
    pub mod gamma_known_shape(K, a: Positive = 3.0) {
        param    weight: Simplex[K];
        param    r[k in K]: Positive;
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Gamma(shape: a, rate: r[z[n]]);
    }
}
model! {
    pub mod gamma_one_shape(K) {
        param    weight: Simplex[K];
        param    a: Positive;
        param    r[k in K]: Positive;
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Gamma(shape: a, rate: r[z[n]]);
    }
}
model! {
    pub mod inverse_gammas(K) {
        param    weight: Simplex[K];
        param    a[k in K]: Positive;
        param    s[k in K]: Positive;
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ InverseGamma(shape: a[z[n]], scale: s[z[n]]);
    }
}
model! {
    pub mod exponentials(K) {
        param    weight: Simplex[K];
        param    r[k in K]: Positive;
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Exponential(rate: r[z[n]]);
    }
}
model! {
    pub mod exponential_means(K) {
        param    weight: Simplex[K];
        param    m[k in K]: Positive;
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Exponential(mean: m[z[n]]);
    }
}
model! {
    pub mod betas(K) {
        param    weight: Simplex[K];
        param    a[k in K]: Positive;
        param    b[k in K]: Positive;
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Beta(a[z[n]], b[z[n]]);
    }
}
model! {
    pub mod log_normals(K) {
        param    weight: Simplex[K];
        param    m[k in K]: Real;
        param    s2[k in K]: Positive;
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ LogNormal(m[z[n]], var: s2[z[n]]);
    }
}
model! {
    pub mod students(K, nu: Positive = 4.0, s: Positive = 1.0, m: Vector[K]) {
        param    weight: Simplex[K];
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ StudentT(m[z[n]], scale: s, dof: nu);
    }
}
model! {
    pub mod laplaces(K, m: Vector[K]) {
        param    weight: Simplex[K];
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Laplace(m[z[n]], scale: 1.0);
    }
}
model! {
    pub mod cauchys(K, m: Vector[K]) {
        param    weight: Simplex[K];
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Cauchy(m[z[n]], scale: 0.5);
    }
}
model! {
    pub mod negative_binomials(K, m: Vector[K]) {
        param    weight: Simplex[K];
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ NegativeBinomial(mean: exp(m[z[n]]), dispersion: 3.0);
    }
}
model! {
    pub mod uniforms(K, m: Vector[K]) {
        param    weight: Simplex[K];
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Uniform(m[z[n]], m[z[n]] + 6);
    }
}
model! {
    pub mod poissons(K) {
        param    weight: Simplex[K];
        param    r[k in K]: Positive;
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Poisson(r[z[n]]);
    }
}
model! {
    pub mod geometrics(K) {
        param    weight: Simplex[K];
        param    q[k in K]: Unit;
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Geometric(q[z[n]]);
    }
}
model! {
    pub mod binomials(K) {
        param    weight: Simplex[K];
        param    q[k in K]: Unit;
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Binomial(12, q[z[n]]);
    }
}
model! {
    pub mod truncated_normals(K, m: Vector[K]) {
        param    weight: Simplex[K];
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Normal(m[z[n]], sd: 2.0, min: 0);
    }
}
model! {
    pub mod truncated_poissons(K) {
        param    weight: Simplex[K];
        param    r[k in K]: Positive;
        latent   z[n in N] ~ Categorical(weight);
        observed y[n in N] ~ Poisson(r[z[n]], min: 1);
    }
}

/// P(Z > x), by Simpson's rule.
fn upper_normal(x: f64) -> f64 {
    let (n, step) = (4000, 12.0 / 4000.0);
    let f = |i: usize| density::normal(x + step * i as f64, 0.0, 1.0).exp();
    let mass = |i: usize| {
        if i == 0 || i == n {
            f(i)
        } else if i % 2 == 1 {
            4.0 * f(i)
        } else {
            2.0 * f(i)
        }
    };
    (0..=n).map(mass).sum::<f64>() * step / 3.0
}

macro_rules! mixture {
    ($name:ident, $new:expr, $t:ty, |$g:ident, $far:ident| $draw:expr, |$y:ident, $k:ident, $p:ident| $density:expr) => {
        #[test]
        fn $name() {
            let mut $g = Noise::new(11);
            let y: Vec<$t> = (0..90)
                .map(|_| {
                    let $far = $g.unit() < 0.4;
                    let _ = $far;
                    $draw
                })
                .collect();
            let data = super::$name::Data { y: (&y).into() };
            let model = $new;
            let fit = model.fit(&data, &Options::new().seed(3).threads(1)).unwrap();
            #[allow(unused_variables, reason = "some families have no params")]
            let $p = &fit.params;
            let by_hand = y
                .iter()
                .map(|$y| {
                    let $y = *$y;
                    log_sum_exp(&[0usize, 1].map(|$k| fit.params.weight[$k].ln() + $density))
                })
                .sum();
            exact(&fit, &data, by_hand);
        }
    };
}

mod fits {
    use super::*;
    mixture!(
        gammas,
        super::gammas::Model::new(2),
        f64,
        |g, far| g.gamma(if far { 9 } else { 2 }, 1.5),
        |y, k, p| density::gamma(y, p.a[k], p.r[k])
    );
    mixture!(
        gamma_scales,
        super::gamma_scales::Model::new(2),
        f64,
        |g, far| g.gamma(if far { 9 } else { 2 }, 1.5),
        |y, k, p| density::gamma(y, p.a[k], 1.0 / p.s[k])
    );
    mixture!(
        gamma_known_shape,
        super::gamma_known_shape::Model::new(2),
        f64,
        |g, far| g.gamma(3, if far { 0.3 } else { 3.0 }),
        |y, k, p| density::gamma(y, 3.0, p.r[k])
    );
    mixture!(
        gamma_one_shape,
        super::gamma_one_shape::Model::new(2),
        f64,
        |g, far| g.gamma(3, if far { 0.3 } else { 3.0 }),
        |y, k, p| density::gamma(y, p.a, p.r[k])
    );
    mixture!(
        inverse_gammas,
        super::inverse_gammas::Model::new(2),
        f64,
        |g, far| 1.0 / g.gamma(if far { 9 } else { 3 }, if far { 9.0 } else { 0.3 }),
        |y, k, p| density::inverse_gamma(y, p.a[k], p.s[k])
    );
    mixture!(
        exponentials,
        super::exponentials::Model::new(2),
        f64,
        |g, far| g.gamma(1, if far { 0.1 } else { 5.0 }),
        |y, k, p| density::gamma(y, 1.0, p.r[k])
    );
    mixture!(
        exponential_means,
        super::exponential_means::Model::new(2),
        f64,
        |g, far| g.gamma(1, if far { 0.1 } else { 5.0 }),
        |y, k, p| density::gamma(y, 1.0, 1.0 / p.m[k])
    );
    mixture!(
        betas,
        super::betas::Model::new(2),
        f64,
        |g, far| {
            let (u, v) = (g.gamma(if far { 6 } else { 2 }, 1.0), g.gamma(if far { 2 } else { 5 }, 1.0));
            u / (u + v)
        },
        |y, k, p| density::beta(y, p.a[k], p.b[k])
    );
    mixture!(
        log_normals,
        super::log_normals::Model::new(2),
        f64,
        |g, far| (if far { 2.0 } else { -1.0 } + 0.6 * g.normal()).exp(),
        |y, k, p| density::normal(y.ln(), p.m[k], p.s2[k]) - y.ln()
    );
    mixture!(
        students,
        super::students::Model::new(2, DVector::from_vec(vec![-1.0, 4.0])),
        f64,
        |g, far| if far { 4.0 } else { -1.0 } + g.normal(),
        |y, k, p| density::student_t(y, 4.0, [-1.0, 4.0][k], 1.0)
    );
    mixture!(
        laplaces,
        super::laplaces::Model::new(2, DVector::from_vec(vec![-1.0, 4.0])),
        f64,
        |g, far| if far { 4.0 } else { -1.0 } + g.normal(),
        |y, k, p| -2f64.ln() - (y - [-1.0, 4.0][k]).abs()
    );
    mixture!(
        cauchys,
        super::cauchys::Model::new(2, DVector::from_vec(vec![-1.0, 4.0])),
        f64,
        |g, far| if far { 4.0 } else { -1.0 } + g.normal(),
        |y, k, p| density::student_t(y, 1.0, [-1.0, 4.0][k], 0.5)
    );
    mixture!(
        negative_binomials,
        super::negative_binomials::Model::new(2, DVector::from_vec(vec![-1.0, 4.0])),
        u64,
        |g, far| g.poisson(if far { 9.0 } else { 2.0 }),
        |y, k, p| density::negative_binomial(y, f64::exp([-1.0, 4.0][k]), 3.0)
    );
    mixture!(
        uniforms,
        super::uniforms::Model::new(2, DVector::from_vec(vec![-1.0, 4.0])),
        f64,
        |g, far| if far { 4.0 } else { -1.0 } + 6.0 * g.unit(),
        |y, k, p| {
            let a = [-1.0, 4.0][k];
            if y >= a && y <= a + 6.0 { -6f64.ln() } else { f64::NEG_INFINITY }
        }
    );
    mixture!(
        poissons,
        super::poissons::Model::new(2),
        u64,
        |g, far| g.poisson(if far { 9.0 } else { 1.5 }),
        |y, k, p| density::poisson(y, p.r[k])
    );
    mixture!(
        geometrics,
        super::geometrics::Model::new(2),
        u64,
        |g, far| g.gamma(1, if far { 0.1 } else { 2.0 }) as u64,
        |y, k, p| density::geometric(y, p.q[k])
    );
    mixture!(
        binomials,
        super::binomials::Model::new(2),
        u64,
        |g, far| (0..12).filter(|_| g.unit() < if far { 0.8 } else { 0.2 }).count() as u64,
        |y, k, p| density::binomial(y, 12, p.q[k])
    );
    mixture!(
        truncated_normals,
        super::truncated_normals::Model::new(2, DVector::from_vec(vec![-1.0, 4.0])),
        f64,
        |g, far| g.gamma(2, 1.0),
        |y, k, p| {
            let m = [-1.0, 4.0][k];
            density::normal(y, m, 4.0) - upper_normal(-m / 2.0).ln()
        }
    );
    mixture!(
        truncated_poissons,
        super::truncated_poissons::Model::new(2),
        u64,
        |g, far| 1 + g.poisson(if far { 9.0 } else { 1.5 }),
        |y, k, p| density::poisson(y, p.r[k]) - (-(-p.r[k]).exp()).ln_1p()
    );
}
