//! Conditional blocks: a family given finite latents, and then the sum over their states; and what looks like one and is none.

use super::{check, check_not_exact};

#[test]
fn mixture_of_student_t() {
    check(
        "pub mod t_mixture(K) {
            param    w: Simplex[K];   param m[k in K]: Real;   param tau[k in K]: Positive;   param nu: Positive;
            latent   z[n in N] ~ Categorical(w);
            latent   u[n in N] ~ Gamma(shape: nu / 2, rate: nu / 2);
            observed x[n in N] ~ Normal(m[z[n]], prec: u[n] * tau[z[n]]);
        }",
        &["EXACT", "{u, z}: u Gamma; z log-sum-exp"],
    );
}

#[test]
fn two_latents_of_one_unit_and_one_of_its_coordinates() {
    check(
        "pub mod scales(K) {
            param    w: Simplex[K];   param a[k in K]: Positive;
            latent   z[n in N] ~ Categorical(w);
            latent   u[n in N] ~ Gamma(shape: a[z[n]], rate: 1);
            latent   v[n in N, d in D] ~ InverseGamma(shape: 2, scale: a[z[n]]);
            observed x[n in N] ~ Normal(0, prec: u[n]);
            observed y[n in N, d in D] ~ Normal(0, var: v[n, d]);
        }",
        &["EXACT", "{u, v, z}: v InverseGamma; u Gamma; z log-sum-exp"],
    );
}

#[test]
fn change_point_whose_rates_are_integrated() {
    check(
        "pub mod change_point {
            latent   change: Category[T] ~ Uniform();
            latent   rate[k in 0..2] ~ Gamma(shape: 1, rate: 1);
            observed y[t in T]: Count? ~ match t < change { true => Poisson(rate[0]), false => Poisson(rate[1]) };
        }",
        &["EXACT", "{change, rate}: rate Gamma; change log-sum-exp"],
    );
}

#[test]
fn two_models_of_a_probability() {
    check(
        "pub mod coin {
            latent   fair ~ Bernoulli(0.5);
            latent   p ~ match fair { true => Beta(50, 50), false => Beta(1, 1) };
            observed y[n in N] ~ Bernoulli(p);
        }",
        &["EXACT", "{fair, p}: p Beta; fair log-sum-exp"],
    );
}

#[test]
fn under_uncertain_parameters_the_conditional_block_is_found_by_merging() {
    check_not_exact(
        "pub mod bayes(K) {
            latent   w: Simplex[K] ~ Dirichlet(1);
            latent   tau[k in K] ~ Gamma(shape: 2, rate: 2);
            latent   m[k in K] ~ Normal(0, prec: 0.01 * tau[k]);
            latent   z[n in N] ~ Categorical(w);
            latent   u[n in N] ~ Gamma(shape: 2, rate: 2);
            observed x[n in N] ~ Normal(m[z[n]], prec: u[n] * tau[z[n]]);
        }",
        &[
            "MEAN-FIELD",
            "{u, z}: u Gamma; z log-sum-exp",
            "{w}: w Dirichlet",
            "{m, tau}: m Gaussian / tau; tau Gamma",
        ],
        &["w: integrating it couples all of z"],
    );
}

#[test]
fn an_uncertain_rate_of_the_family_is_a_block_of_its_own() {
    check_not_exact(
        "pub mod hyper(K) {
            param    w: Simplex[K];   param m[k in K]: Real;
            latent   b ~ Gamma(shape: 1, rate: 1);
            latent   z[n in N] ~ Categorical(w);
            latent   u[n in N] ~ Gamma(shape: 3, rate: b);
            observed x[n in N] ~ Normal(m[z[n]], prec: u[n]);
        }",
        &["MEAN-FIELD", "{u, z}: u Gamma; z log-sum-exp", "{b}: b Gamma"],
        &["u: log-partition that is not closed over b"],
    );
}

#[test]
fn two_uncertain_scales_of_one_unit() {
    check_not_exact(
        "pub mod two_scales(K) {
            param    w: Simplex[K];   param m[k in K]: Real;
            latent   z[n in N] ~ Categorical(w);
            latent   u[n in N] ~ Gamma(shape: 3, rate: 3);
            latent   v[n in N] ~ Gamma(shape: 2, rate: 2);
            observed x[n in N] ~ Normal(m[z[n]], prec: u[n] * v[n]);
        }",
        &["MEAN-FIELD", "{u, z}: u Gamma; z log-sum-exp", "{v}: v Gamma"],
        &["u: log-partition that is not closed over v", "v: log-partition that is not closed over u"],
    );
}

#[test]
fn a_rate_shared_by_the_categories_of_all_units() {
    check_not_exact(
        "pub mod regimes {
            latent   z[t in T] ~ Bernoulli(0.5);
            latent   rate[k in 0..2] ~ Gamma(shape: 1, rate: 1);
            observed y[t in T] ~ match z[t] { true => Poisson(rate[0]), false => Poisson(rate[1]) };
        }",
        &["MEAN-FIELD", "{z}: z log-sum-exp", "{rate}: rate Gamma"],
        &["rate: integrating it couples all of z"],
    );
}

#[test]
fn a_latent_that_two_units_of_a_category_read() {
    check_not_exact(
        "pub mod pairs(K) {
            param    w: Simplex[K];   param a[k in K, l in K]: Positive;
            latent   z[n in N] ~ Categorical(w);
            latent   u[n in N, m in N if n < m] ~ Gamma(shape: a[z[n], z[m]], rate: 1);
            observed y[n in N, m in N if n < m] ~ Poisson(u[n, m]);
        }",
        &["MEAN-FIELD", "{z} each: z log-sum-exp", "{u}: u Gamma"],
        &["z: coupled in pairs"],
    );
}

#[test]
fn what_every_step_of_a_chain_has_of_its_own_goes_with_the_chain() {
    check_not_exact(
        "pub mod bayes(K) {
            latent   trans[i in K]: Simplex[K] ~ Dirichlet(1);
            latent   tau[k in K] ~ Gamma(shape: 2, rate: 2);
            latent   z[0] ~ Uniform();
            latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
            latent   u[t in T] ~ Gamma(shape: 2, rate: 2);
            observed x[t in T] ~ Normal(0, prec: u[t] * tau[z[t]]);
        }",
        &["MEAN-FIELD", "{u, z}: u Gamma; z scan over t", "{trans}: trans Dirichlet", "{tau}: tau Gamma"],
        &["trans: integrating it couples all of z"],
    );
}

#[test]
fn what_two_steps_read_takes_turns_with_the_chain() {
    check_not_exact(
        "pub mod bayes(K) {
            latent   trans[i in K]: Simplex[K] ~ Dirichlet(1);
            latent   tau[i in K, k in K] ~ Gamma(shape: 2, rate: 2);
            latent   z[0] ~ Uniform();
            latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
            latent   u[t in T] ~ Gamma(shape: 2, rate: 2);
            observed x[t in 1..T] ~ Normal(0, prec: u[t] * tau[z[t-1], z[t]]);
        }",
        &["MEAN-FIELD", "{z}: z scan over t", "{u}: u Gamma", "{trans}: trans Dirichlet", "{tau}: tau Gamma"],
        &["trans: integrating it couples all of z"],
    );
}

#[test]
fn an_effect_goes_with_the_category_that_chooses_its_law() {
    check_not_exact(
        "pub mod effects(K) {
            latent   m[k in K] ~ Normal(0, sd: 10);
            latent   c[j in J]: Category[K] ~ Uniform();
            latent   b[j in J] ~ Normal(m[c[j]], var: 2);
            observed y[j in J, i in I] ~ Normal(b[j], var: 1);
        }",
        &["MEAN-FIELD", "{b, c}: b Gaussian; c log-sum-exp", "{m}: m Gaussian"],
        &["m: gated by many elements of c"],
    );
}
