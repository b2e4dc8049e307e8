//! What generated code names, and nobody else.

pub use crate::data;
pub use crate::data::{Groups, Lengths, check};
pub use crate::dist;
pub use crate::engine::collapse::{Collapse, Forms, Joint};
pub use crate::engine::covariance::Covariance as SharedCovariance;
pub use crate::engine::design::Design;
pub use crate::engine::elimination::Elimination;
pub use crate::engine::gaps::{Gaps, There};
pub use crate::engine::least_squares::{LeastSquares, Term};
pub use crate::engine::mode::Notes;
pub use crate::engine::pattern::Patterns;
pub use crate::engine::products::{Product, Uncertain};
pub use crate::engine::unit::UnitNormals;
pub use crate::engine::unit_laws;
pub use crate::engine::{
    admixture, columns, dense, design, finite, integrals, law, least_squares, mode, newton, products,
    quadratic, rotation, spread,
};
pub use crate::fit::program::{
    Component, ElboTerm, Evidence, Gate, Imputes, Joins, Maximised, Program, Scratch, Statistics, Turn, Types,
};
pub use crate::fit::{
    self, Categories, Claim, Continues, Described, ExactPosterior, Fit, Follows, Links, Marginal, NoParams,
    Options, Plan, Start, State, Steady,
};
pub use crate::posterior::MvStudentT;

pub use crate::rng;
pub use crate::special;
pub use crate::stats::Moments;
pub use crate::table::Table;
pub use crate::tile;
pub use crate::{Error, error::Mismatch};
pub use crate::{chart, diagnostics, posterior};
pub use nalgebra::{DMatrix, DVector};
pub use rand_chacha::ChaCha8Rng;

/// Names a model for which `model!` has a proof to show.
pub trait Proved {}

/// serde for generated structs. A `cfg` in generated code would read the features of the user's crate, so the choice is made here.
#[cfg(not(feature = "serde"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __serde_impls {
    ($($tokens:tt)*) => {};
}

#[cfg(feature = "serde")]
pub use serde;

/// serde for generated structs: through a twin that derives it.
#[cfg(feature = "serde")]
#[doc(hidden)]
#[macro_export]
macro_rules! __serde_impls {
    ($name:ident { $($field:ident: $ty:ty),* $(,)? }) => {
        const _: () = {
            #[derive($crate::private::serde::Serialize)]
            #[serde(crate = "::vi_core::private::serde")]
            struct Borrowed<'a> {
                $($field: &'a $ty,)*
                #[serde(skip)]
                lifetime: ::std::marker::PhantomData<&'a ()>,
            }
            #[derive($crate::private::serde::Deserialize)]
            #[serde(crate = "::vi_core::private::serde")]
            struct Owned {
                $($field: $ty,)*
            }
            impl $crate::private::serde::Serialize for $name {
                fn serialize<S: $crate::private::serde::Serializer>(&self, s: S) -> ::std::result::Result<S::Ok, S::Error> {
                    Borrowed { $($field: &self.$field,)* lifetime: ::std::marker::PhantomData }.serialize(s)
                }
            }
            impl<'de> $crate::private::serde::Deserialize<'de> for $name {
                fn deserialize<D: $crate::private::serde::Deserializer<'de>>(d: D) -> ::std::result::Result<Self, D::Error> {
                    let owned = Owned::deserialize(d)?;
                    Ok($name { $($field: owned.$field,)* })
                }
            }
        };
    };
}

pub use crate::__serde_impls as serde_impls;
