//! What theory says of a model with finite latents, worked out from its joint density alone: every value of every latent is gone through.
//!
//! Engines, statistics and M-steps are compared with these sums; none of them is used to form one.

use crate::data::Noise;
use crate::density::log_sum_exp;
use crate::law::close;
use vi_core::fit::Program;
use vi_core::{ExactPosterior, Fit};

/// Params at a distance along a direction that the noise decides: the params themselves at distance 0.
pub type Path<'a, P> = &'a dyn Fn(&P, f64, &mut Noise) -> P;

/// A model at a data set so small that its latents can be enumerated.
pub struct Case<'a, M: Program> {
    /// Number of values of each latent element.
    pub states: Vec<usize>,
    /// Copies of each latent element that share its q.
    pub copies: Vec<f64>,
    /// Latent elements that are independent of the others given data and params, so that marginals are all there is.
    pub independent: bool,
    /// `log_joint`.
    pub joint: &'a dyn Fn(&[usize], &M::Params) -> f64,
    /// log p(params), by hand.
    pub prior: &'a dyn Fn(&M::Params) -> f64,
    /// `infer`.
    pub infer: &'a dyn Fn(&M::Params) -> Fit<M>,
    /// `maximise` of what `accumulate` gathers.
    pub m_step: &'a dyn Fn(&M::Params) -> M::Params,
    /// q of each latent element, in the order of `states`.
    pub marginals: &'a dyn Fn(&M::Posterior) -> Vec<Vec<f64>>,
    /// Params nearby; they stay where they are allowed.
    pub moved: Path<'a, M::Params>,
}

/// q of every element of an array.
#[must_use]
pub fn marginals(q: &vi_core::prelude::Categories) -> Vec<Vec<f64>> {
    (0..q.len()).map(|n| q.probs(n).to_vec()).collect()
}

impl<M: Program + ExactPosterior> Case<'_, M> {
    pub(crate) fn assignments(&self) -> Vec<Vec<usize>> {
        self.states.iter().fold(vec![vec![]], |all, n| {
            all.iter().flat_map(|z| (0..*n).map(|k| [z.as_slice(), &[k]].concat())).collect()
        })
    }

    /// p(z | x; params) of every assignment, and log p(x; params).
    pub(crate) fn posterior(&self, p: &M::Params) -> (Vec<f64>, f64) {
        let joint: Vec<f64> = self.assignments().iter().map(|z| (self.joint)(z, p)).collect();
        let evidence = log_sum_exp(&joint);
        (joint.iter().map(|v| (v - evidence).exp()).collect(), evidence)
    }

    /// Σ q(z) log p(x, z; params)
    fn expected_joint(&self, q: &[f64], p: &M::Params) -> f64 {
        let terms = self.assignments().into_iter().zip(q).filter(|(_, q)| **q > 0.0);
        terms.map(|(z, q)| q * (self.joint)(&z, p)).sum()
    }

    /// Probabilities of every assignment when elements are independent.
    fn product(&self, marginals: &[Vec<f64>]) -> Vec<f64> {
        self.assignments().iter().map(|z| z.iter().zip(marginals).map(|(k, m)| m[*k]).product()).collect()
    }

    /// q of the engine, as probabilities of every assignment.
    fn engine(&self, fit: &Fit<M>) -> Vec<f64> {
        self.product(&(self.marginals)(&fit.posterior))
    }

    /// Σ copies q log q, over elements.
    fn negative_entropy(&self, marginals: &[Vec<f64>]) -> f64 {
        let of = |m: &Vec<f64>| m.iter().filter(|q| **q > 0.0).map(|q| q * q.ln()).sum::<f64>();
        marginals.iter().zip(&self.copies).map(|(m, c)| c * of(m)).sum()
    }

    /// The evidence is the sum over all assignments; the marginals are those of that sum; the terms of the objective are the expected joint
    /// density and the entropy.
    ///
    /// # Panics
    /// If one of these fails. Not for models with more than one copy of an element: their joint density counts one value several times.
    #[track_caller]
    pub fn evidence_and_marginals(&self, p: &M::Params) {
        let fit = (self.infer)(p);
        let (posterior, evidence) = self.posterior(p);
        close(fit.log_likelihood(), evidence, 1e-11);
        close(fit.log_posterior(), evidence + (self.prior)(p), 1e-11);
        let found = (self.marginals)(&fit.posterior);
        assert_eq!(found.len(), self.states.len());
        let all = self.assignments();
        for (n, m) in found.iter().enumerate() {
            assert_eq!(m.len(), self.states[n]);
            for k in 0..m.len() {
                let here = all.iter().zip(&posterior).filter(|(z, _)| z[n] == k);
                close(m[k], here.map(|(_, q)| q).sum(), 1e-11);
            }
        }
        let entropy: f64 = posterior.iter().filter(|q| **q > 0.0).map(|q| -q * q.ln()).sum();
        self.terms(&fit, self.expected_joint(&posterior, p), entropy, (self.prior)(p));
    }

    /// The terms that a fit reports are these.
    #[track_caller]
    fn terms(&self, fit: &Fit<M>, joint: f64, entropy: f64, prior: f64) {
        let sum = |keep: &dyn Fn(&str) -> bool| -> f64 {
            fit.elbo_terms().iter().filter(|t| keep(&t.name)).map(|t| t.value).sum()
        };
        close(sum(&|name| name.starts_with("E log p(")), joint, 1e-10);
        close(sum(&|name| name.starts_with("H(")), entropy, 1e-10);
        close(sum(&|name| name == "log p(params)"), prior, 1e-10);
        assert_eq!(
            fit.elbo_terms().iter().filter(|t| t.name.starts_with("H(")).count(),
            usize::from(!self.states.is_empty())
        );
    }

    /// F(q) + KL(q ‖ p(z | x)) = log p(x) for q that are not optimal: F from the joint density, the divergence from the engine's posterior.
    ///
    /// # Panics
    /// If it does not hold, or some q is as good as the posterior.
    #[track_caller]
    pub fn divergence(&self, p: &M::Params, noise: &mut Noise) {
        assert!(self.independent, "marginals do not tell the divergence of a joint posterior");
        let fit = (self.infer)(p);
        let own = (self.marginals)(&fit.posterior);
        for _ in 0..8 {
            // No mass where the posterior has none: the divergence is to be finite.
            let q: Vec<Vec<f64>> = own
                .iter()
                .map(|m| {
                    let raw: Vec<f64> = noise
                        .simplex(m.len())
                        .iter()
                        .zip(m)
                        .map(|(r, m)| if *m > 0.0 { *r } else { 0.0 })
                        .collect();
                    let total: f64 = raw.iter().sum();
                    raw.iter().map(|r| r / total).collect()
                })
                .collect();
            let bound = self.expected_joint(&self.product(&q), p) - self.negative_entropy(&q);
            let cross: f64 = q
                .iter()
                .zip(&own)
                .zip(&self.copies)
                .map(|((q, p), c)| {
                    c * q.iter().zip(p).filter(|(q, _)| **q > 0.0).map(|(q, p)| q * p.ln()).sum::<f64>()
                })
                .sum();
            let divergence = self.negative_entropy(&q) - cross;
            close(bound + divergence, fit.log_likelihood(), 1e-10);
            assert!(divergence > 1e-3 && bound < fit.log_likelihood(), "an arbitrary q is not the posterior");
        }
    }

    /// For a posterior with copies: the engine's own q makes the bound the evidence.
    ///
    /// # Panics
    /// If it does not.
    #[track_caller]
    pub fn attained(&self, p: &M::Params) {
        let fit = (self.infer)(p);
        let own = (self.marginals)(&fit.posterior);
        let joint = self.expected_joint(&self.product(&own), p);
        close(joint - self.negative_entropy(&own), fit.log_likelihood(), 1e-10);
        self.terms(&fit, joint, -self.negative_entropy(&own), (self.prior)(p));
    }

    /// Weights of the assignments in E_q: the posterior, or the engine's q if elements have copies.
    fn weights(&self, p: &M::Params) -> Vec<f64> {
        match self.copies.iter().all(|c| *c == 1.0) {
            true => self.posterior(p).0,
            false => self.engine(&(self.infer)(p)),
        }
    }

    /// After an M-step no direction leads up: E_q log p(x, z; θ) + log p(θ), by enumeration, has its maximum there.
    ///
    /// # Panics
    /// If a step along some direction gains, if the slope does not vanish, or if the directions change nothing.
    #[track_caller]
    pub fn m_step_is_the_maximum(&self, p: &M::Params, seed: u64) {
        let q = self.weights(p);
        let objective = |p: &M::Params| self.expected_joint(&q, p) + (self.prior)(p);
        let found = (self.m_step)(p);
        let (before, top) = (objective(p), objective(&found));
        assert!(top > before, "the M-step gained nothing: {before} then {top}");
        let at = |direction: u64, t: f64| objective(&(self.moved)(&found, t, &mut Noise::new(direction)));
        for direction in seed..seed + 12 {
            close(at(direction, 0.0), top, 1e-12);
            for t in [1e-3, 1e-2, 0.1, 0.5] {
                for t in [t, -t] {
                    let gain = at(direction, t) - top;
                    assert!(gain < 1e-10 * top.abs().max(1.0), "{t} along {direction} gains {gain:e}");
                }
            }
            let slope = (at(direction, 1e-4) - at(direction, -1e-4)) / 2e-4;
            assert!(slope.abs() < 1e-5 * top.abs().max(1.0), "slope {slope:e} along {direction}");
            assert!(
                at(direction, 0.1) + at(direction, -0.1) < 2.0 * top - 1e-5,
                "nothing changes along {direction}"
            );
        }
    }

    /// Fisher's identity: ∇ log p(x; θ) = E_q ∇ log p(x, z; θ), q the posterior at θ. The left from the engine's likelihood at two values of θ,
    /// the right from the joint density.
    ///
    /// # Panics
    /// If the two differ, or hardly any direction matters.
    #[track_caller]
    pub fn gradient(&self, p: &M::Params, seed: u64) {
        let q = self.weights(p);
        let h = 1e-5;
        let mut steep = 0;
        for direction in seed..seed + 12 {
            let slope = |f: &dyn Fn(&M::Params) -> f64| {
                let at = |t: f64| f(&(self.moved)(p, t, &mut Noise::new(direction)));
                (at(h) - at(-h)) / (2.0 * h)
            };
            let left = slope(&|p| (self.infer)(p).log_likelihood());
            let right = slope(&|p| self.expected_joint(&q, p));
            assert!((left - right).abs() < 1e-6 * (1.0 + left.abs()), "{left} and {right} along {direction}");
            steep += usize::from(left.abs() > 1e-2);
        }
        assert!(steep > 6, "only {steep} directions matter");
    }
}

/// The ways into a model that every [`Case`] needs. The rest of the fields follow the semicolon.
#[macro_export]
macro_rules! case {
    ($m:ident, $model:expr, $data:expr; $($field:ident: $value:expr),* $(,)?) => {
        $crate::enumerate::Case::<$m::Model> {
            infer: &|p| $model.infer(&$data, p).unwrap(),
            m_step: &|p| $model.maximise(&$model.accumulate(&$data, p).unwrap(), p).unwrap(),
            $($field: $value),*
        }
    };
}
