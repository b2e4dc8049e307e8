//! The types of the fields of a model's `Data`, named for what they hold.
//!
//! Each is a type of its own, so that rustc answers data of another type with this name and the containers it takes. They are read
//! through the view that they dereference to.

use super::{
    Absent, Elements, Partial1, Partial2, PartialRagged1, PartialRagged2, Ragged1, Ragged2, Sparse, View1,
    View2,
};
use nalgebra::{DMatrix, DVector};
use std::fmt;
use std::ops::{ControlFlow, Deref};

/// `From` for each container, by way of the view that it makes.
macro_rules! from {
    ($name:ident by $view:ident<$value:ty>: $([$($length:ident)*] $container:ty;)*) => {$(
        impl<'a $(, const $length: usize)*> From<$container> for $name<'a> {
            #[inline]
            fn from(data: $container) -> Self {
                $name($view::<'a, $value>::from(data).into())
            }
        }
    )*};
}

/// The containers of each view.
macro_rules! containers {
    ($name:ident: View1<$value:ty>) => {
        from! { $name by View1<$value>:
            [] &'a [$value];
            [N] &'a [$value; N];
            [] &'a Vec<$value>;
            [] &'a DVector<$value>;
        }
    };
    ($name:ident: View2<$value:ty>) => {
        from! { $name by View2<$value>:
            [] &'a DMatrix<$value>;
            [M] &'a [[$value; M]];
            [M N] &'a [[$value; M]; N];
            [M] &'a Vec<[$value; M]>;
            [] &'a [DVector<$value>];
            [N] &'a [DVector<$value>; N];
            [] &'a Vec<DVector<$value>>;
            [] &'a Sparse<$value>;
        }
    };
    ($name:ident: Ragged1<$value:ty>) => {
        from! { $name by Ragged1<$value>:
            [] &'a [Vec<$value>];
            [N] &'a [Vec<$value>; N];
            [] &'a Vec<Vec<$value>>;
            [] &'a [DVector<$value>];
            [N] &'a [DVector<$value>; N];
            [] &'a Vec<DVector<$value>>;
            [] &'a DMatrix<$value>;
            [M] &'a [[$value; M]];
            [M N] &'a [[$value; M]; N];
            [M] &'a Vec<[$value; M]>;
        }
    };
    ($name:ident: Ragged2<$value:ty>) => {
        from! { $name by Ragged2<$value>:
            [] &'a [DMatrix<$value>];
            [N] &'a [DMatrix<$value>; N];
            [] &'a Vec<DMatrix<$value>>;
        }
    };
}

/// What an array that has no values says of its extents.
macro_rules! extents {
    ($name:ident: View1<$value:ty>) => {
        from! { $name by View1<$value>: [] Absent<usize>; }
    };
    ($name:ident: View2<$value:ty>) => {
        from! { $name by View2<$value>: [] Absent<(usize, usize)>; }
    };
    ($name:ident: Ragged1<$value:ty>) => {
        from! { $name by Ragged1<$value>:
            [] Absent<&'a [usize]>;
            [N] Absent<&'a [usize; N]>;
            [] Absent<&'a Vec<usize>>;
        }
    };
    ($name:ident: Ragged2<$value:ty>) => {
        from! { $name by Ragged2<$value>:
            [] Absent<&'a [(usize, usize)]>;
            [N] Absent<&'a [(usize, usize); N]>;
            [] Absent<&'a Vec<(usize, usize)>>;
        }
    };
}

macro_rules! named {
    ($(#[$doc:meta])* $name:ident = $view:ident<$value:ty>) => {
        $(#[$doc])*
        #[doc = concat!("\nRead as a [`", stringify!($view), "`].")]
        #[derive(Clone, Copy)]
        pub struct $name<'a>($view<'a, $value>);

        impl<'a> Deref for $name<'a> {
            type Target = $view<'a, $value>;

            #[inline]
            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }

        impl<'a> From<$name<'a>> for $view<'a, $value> {
            #[inline]
            fn from(named: $name<'a>) -> Self {
                named.0
            }
        }

        impl Elements for $name<'_> {
            type Value = $value;

            #[inline]
            fn visit<B>(&self, f: impl FnMut(&[usize], $value) -> ControlFlow<B>) -> ControlFlow<B> {
                self.0.visit(f)
            }

            #[inline]
            fn all_in_pieces(&self, holds: impl FnMut(&[$value]) -> bool) -> bool {
                self.0.all_in_pieces(holds)
            }
        }

        impl fmt::Debug for $name<'_> {
            /// The shape: an array of data is too long to read in a message.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.shape(stringify!($name), f)
            }
        }
    };
}

macro_rules! views {
    ($($(#[$doc:meta])* $name:ident = $view:ident<$value:ty>;)*) => {$(
        named! { $(#[$doc])* $name = $view<$value> }
        containers! { $name: $view<$value> }
        extents! { $name: $view<$value> }
    )*};
}

/// As `views`, of containers of T and of `Option<T>`: of an absent array every element is missing.
macro_rules! partial_views {
    ($($(#[$doc:meta])* $name:ident = $partial:ident<$value:ty>, $view:ident;)*) => {$(
        named! { $(#[$doc])* $name = $partial<$value> }
        containers! { $name: $view<$value> }
        containers! { $name: $view<Option<$value>> }
        extents! { $name: $view<Option<$value>> }
    )*};
}

views! {
    /// One real for each unit.
    Reals = View1<f64>;
    /// One category for each unit.
    Categories = View1<usize>;
    /// One count for each unit.
    Counts = View1<u64>;
    /// One Boolean for each unit.
    Bools = View1<bool>;

    /// A row of reals for each unit, or a grid of them.
    RealRows = View2<f64>;
    /// A row of categories for each unit, or a grid of them.
    CategoryRows = View2<usize>;
    /// A row of counts for each unit, or a grid of them.
    CountRows = View2<u64>;
    /// A row of Booleans for each unit, or a grid of them.
    BoolRows = View2<bool>;

    /// A sequence of reals for each unit.
    RaggedReals = Ragged1<f64>;
    /// A sequence of categories for each unit.
    RaggedCategories = Ragged1<usize>;
    /// A sequence of counts for each unit.
    RaggedCounts = Ragged1<u64>;
    /// A sequence of Booleans for each unit.
    RaggedBools = Ragged1<bool>;

    /// A sequence of rows of reals, or a matrix, for each unit.
    RaggedRealRows = Ragged2<f64>;
    /// A sequence of rows of categories for each unit.
    RaggedCategoryRows = Ragged2<usize>;
    /// A sequence of rows of counts for each unit.
    RaggedCountRows = Ragged2<u64>;
    /// A sequence of rows of Booleans for each unit.
    RaggedBoolRows = Ragged2<bool>;
}

partial_views! {
    /// [`Reals`] that may be missing.
    PartialReals = Partial1<f64>, View1;
    /// [`Categories`] that may be missing.
    PartialCategories = Partial1<usize>, View1;
    /// [`Counts`] that may be missing.
    PartialCounts = Partial1<u64>, View1;
    /// [`Bools`] that may be missing.
    PartialBools = Partial1<bool>, View1;

    /// [`RealRows`] of which elements may be missing.
    PartialRealRows = Partial2<f64>, View2;
    /// [`CategoryRows`] of which elements may be missing.
    PartialCategoryRows = Partial2<usize>, View2;
    /// [`CountRows`] of which elements may be missing.
    PartialCountRows = Partial2<u64>, View2;
    /// [`BoolRows`] of which elements may be missing.
    PartialBoolRows = Partial2<bool>, View2;

    /// [`RaggedReals`] of which elements may be missing.
    PartialRaggedReals = PartialRagged1<f64>, Ragged1;
    /// [`RaggedCategories`] of which elements may be missing.
    PartialRaggedCategories = PartialRagged1<usize>, Ragged1;
    /// [`RaggedCounts`] of which elements may be missing.
    PartialRaggedCounts = PartialRagged1<u64>, Ragged1;
    /// [`RaggedBools`] of which elements may be missing.
    PartialRaggedBools = PartialRagged1<bool>, Ragged1;

    /// [`RaggedRealRows`] of which elements may be missing.
    PartialRaggedRealRows = PartialRagged2<f64>, Ragged2;
    /// [`RaggedCategoryRows`] of which elements may be missing.
    PartialRaggedCategoryRows = PartialRagged2<usize>, Ragged2;
    /// [`RaggedCountRows`] of which elements may be missing.
    PartialRaggedCountRows = PartialRagged2<u64>, Ragged2;
    /// [`RaggedBoolRows`] of which elements may be missing.
    PartialRaggedBoolRows = PartialRagged2<bool>, Ragged2;
}
