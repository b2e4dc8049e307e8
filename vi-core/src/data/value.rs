//! What a container may hold: reals, categories, counts and Booleans, and `Option`s of them where an array is declared with `?`.

use std::fmt::Debug;

mod sealed {
    pub trait Sealed {}
    impl Sealed for f64 {}
    impl Sealed for usize {}
    impl Sealed for u64 {}
    impl Sealed for bool {}
    impl<T: super::Datum> Sealed for Option<T> {}
}

/// A scalar, or an `Option` of one.
#[diagnostic::on_unimplemented(
    message = "data cannot hold `{Self}`",
    label = "not a real, a category, a count or a Boolean",
    note = "reals are `f64`, categories are `usize`, counts are `u64` and Booleans are `bool`",
    note = "an array declared with `?` also takes an `Option` of these"
)]
pub trait Value: sealed::Sealed + Copy + PartialEq + Debug + Send + Sync + 'static {
    /// What a cell holds that a sparse array does not list: 0, or missing.
    const UNLISTED: Self;

    /// What an absent array reads as: NaN, 0, or missing. Its reader asks `is_absent` first.
    const ABSENT: Self;
}

/// A scalar: f64 for reals, usize for categories, u64 for counts, bool for Booleans.
#[diagnostic::on_unimplemented(
    message = "data cannot be of type `{Self}`",
    label = "not a real, a category, a count or a Boolean",
    note = "reals are `f64`, categories are `usize`, counts are `u64` and Booleans are `bool`"
)]
pub trait Datum: Value {
    /// The value unless it stands for a missing one, as NaN does.
    fn present(self) -> Option<Self>;
}

impl Value for f64 {
    const UNLISTED: f64 = 0.0;
    const ABSENT: f64 = f64::NAN;
}

impl Datum for f64 {
    #[inline]
    fn present(self) -> Option<f64> {
        if self.is_nan() { None } else { Some(self) }
    }
}

macro_rules! discrete {
    ($($datum:ty = $zero:expr),*) => {$(
        impl Value for $datum {
            const UNLISTED: $datum = $zero;
            const ABSENT: $datum = $zero;
        }

        impl Datum for $datum {
            #[inline]
            fn present(self) -> Option<$datum> {
                Some(self)
            }
        }
    )*};
}

discrete!(usize = 0, u64 = 0, bool = false);

impl<T: Datum> Value for Option<T> {
    const UNLISTED: Option<T> = None;
    const ABSENT: Option<T> = None;
}
