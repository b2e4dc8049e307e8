//! What can go wrong with data, parameters and posteriors, as values.
//!
//! Nothing in this crate panics on data. Each error names the variable, the element as it is written in the model (`x[3][1]`), the
//! value found, and the rule that it breaks.
//!
//! ```
//! use vi_core::Error;
//! use vi_core::data::{Reals, check};
//!
//! let s = [15.0, 10.0, -1.0];
//! let error = check::all(check::Name::new("s", 1), &Reals::from(&s), &check::Interval::POSITIVE).unwrap_err();
//! assert_eq!(error.to_string(), "s[2] is -1.0, but must be > 0");
//! match error {
//!     Error::Domain { element, .. } => assert_eq!(element, "s[2]"),
//!     other => unreachable!("{other}"),
//! }
//! ```

/// Everything that taking data, params or a start, or fitting, may return instead of a value.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// Extents that should be one size differ, or an element is where none can be, or is read where none is.
    #[error("{what}")]
    Shape {
        /// Which extents or elements, and how they differ. Boxed, so that every `Result` stays small.
        what: Box<Mismatch>,
    },

    /// A value lies outside the domain of its type: x ∉ 𝒳.
    #[error("{element} is {value}, but {rule}")]
    Domain {
        /// The array, as named in the model.
        variable: String,
        /// The element, as it would be written in the model: `x[3][1]`.
        element: String,
        /// The value found.
        value: String,
        /// What was expected of it, beginning with «must».
        rule: String,
    },

    /// A posterior has no finite normaliser: ∫ exp(log p) = ∞.
    #[error("the posterior of {element} is improper: {reason}")]
    Improper {
        /// The latent, or the element of it, whose posterior it is.
        element: String,
        /// Such as «neither its prior nor the data determine it».
        reason: String,
    },

    /// The objective has no maximum: it grows without bound along some direction of the parameters.
    #[error("the likelihood is unbounded in {block}{}: {reason}", of_component(*.component))]
    Unbounded {
        /// The params of the M-step, such as `mean, cov`.
        block: String,
        /// The component that collapsed, if the block has components.
        component: Option<usize>,
        /// What happened, and the line that prevents it.
        reason: String,
    },

    /// Data of probability zero under every state of the latents.
    #[error("the data at {at} have probability zero under every state")]
    Impossible {
        /// The unit: `x[3]`, or «sequence 3 at t = 17».
        at: String,
    },

    /// An exact block would need a table of more joint states than `Options::budget`.
    #[error(
        "the exact posterior of {block} needs a table of {} joint states, more than the budget of {budget}; \
         raise `Options::budget`{}",
        count_states(*.states),
        if write.is_empty() { String::new() } else { format!(", or write `{write}`") }
    )]
    TooLarge {
        /// The categories that the table would join.
        block: String,
        /// The number of joint states; `u128::MAX` stands for that many or more.
        states: u128,
        /// The largest number allowed.
        budget: usize,
        /// The `factorize` line that makes the block smaller; empty if there is none.
        write: String,
    },

    /// A block of Gaussian latents that all units share would take more than a dense covariance of `Options::budget` rows.
    #[error(
        "the joint Gaussian of {block} has {unknowns} numbers{}, more than the budget of {budget}: a covariance has the square of that many, \
         and a sweep takes the cube; raise `Options::budget`",
        if width == unknowns { String::new() } else { format!(" and, eliminated by fill, takes what {width} do that are all tied to one another") }
    )]
    TooWide {
        /// The latents of the block.
        block: String,
        /// How many numbers they are.
        unknowns: usize,
        /// How many that are all tied to one another would take as much memory or time.
        width: usize,
        /// The largest number allowed.
        budget: usize,
    },

    /// A computation left the finite numbers although all data are finite.
    #[error("{what} is not finite")]
    NotFinite {
        /// The quantity, such as «the ELBO» or «E[log tau]».
        what: String,
    },

    /// An update lowered the objective by more than rounding explains. This is a defect of this crate, never of the data.
    #[error(
        "the update of {block} lowered the objective by {by:e}, more than rounding explains; please report this"
    )]
    ObjectiveDecreased {
        /// The block that was updated.
        block: String,
        /// Objective before minus objective after, in nats.
        by: f64,
    },

    /// More data were given to a fit that cannot take them.
    #[error("this fit cannot take more data: {reason}")]
    CannotUpdate {
        /// Why, and what to do instead.
        reason: String,
    },

    /// Categories were to be renamed that a model tells apart.
    #[error("categories of `{model}` cannot be renamed: {reason}")]
    CannotRelabel {
        /// The name of the model.
        model: String,
        /// What it tells them apart by.
        reason: String,
    },

    /// The posteriors of units were asked for, but the fit ran with `keep_locals(false)`.
    #[error("{what} needs the posteriors of the units, but the fit ran with `keep_locals(false)`")]
    LocalsNotKept {
        /// What was asked for.
        what: String,
    },
}

/// How the shapes of arrays fail to fit together.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// Two arrays give one size different values: «x has 7 columns but m0 has 5 (both are D)».
    #[error("{name} has {length}{} but {other} has {other_length}{} (both are {size})", space(.what), unit_if_new(.what, .other_what))]
    Sizes {
        /// The first array, or element of it.
        name: String,
        /// Its extent.
        length: usize,
        /// What the extent counts: «columns».
        what: &'static str,
        /// The second array, or element of it.
        other: String,
        /// Its extent.
        other_length: usize,
        /// What that extent counts.
        other_what: &'static str,
        /// The size both stand for: `D`, `T[3]`.
        size: String,
    },

    /// An array gives a size another value than the model has: «weight has 3 entries but K is 2».
    #[error("{name} has {length}{} but {size} is {expected}", space(.what))]
    Extent {
        /// The array, or element of it.
        name: String,
        /// Its extent.
        length: usize,
        /// What the extent counts.
        what: &'static str,
        /// The size.
        size: String,
        /// Its value.
        expected: usize,
    },

    /// The elements of an array should have one extent: «x\[3\] has 4 columns but x\[0\] has 5».
    #[error("{name}[{at}] has {length}{} but {name}[0] has {first}", space(.what))]
    Uneven {
        /// The array.
        name: String,
        /// The first element that differs from element 0.
        at: usize,
        /// Its extent.
        length: usize,
        /// The extent of element 0.
        first: usize,
        /// What the extent counts.
        what: &'static str,
    },

    /// An element is read that no statement declares.
    #[error("{element} has no value, but {reader} reads it")]
    Hole {
        /// The element.
        element: String,
        /// Who reads it.
        reader: String,
    },

    /// A window of another length than a filter needs for its next step.
    #[error(
        "the window has {steps} steps in all, but the next step of a filter needs {wanted}, of one sequence"
    )]
    Window {
        /// Steps of all sequences of the window.
        steps: usize,
        /// The first step alone, or the step before and the new one.
        wanted: usize,
    },

    /// A cell of a sparse array is listed more than once.
    #[error("the cell ({row}, {column}) of a sparse array is listed twice")]
    Duplicate {
        /// Its row.
        row: usize,
        /// Its column.
        column: usize,
    },

    /// A cell of a sparse array lies outside of it.
    #[error("the cell ({row}, {column}) lies outside of a sparse array of {nrows} rows and {ncols} columns")]
    Outside {
        /// Its row.
        row: usize,
        /// Its column.
        column: usize,
        /// Rows of the array.
        nrows: usize,
        /// Columns of the array.
        ncols: usize,
    },
}

impl From<Mismatch> for Error {
    fn from(what: Mismatch) -> Self {
        Error::Shape { what: Box::new(what) }
    }
}

fn of_component(component: Option<usize>) -> String {
    component.map_or_else(String::new, |k| format!(", component {k}"))
}

fn count_states(states: u128) -> String {
    if states == u128::MAX { "more than 10^38".into() } else { states.to_string() }
}

fn space(unit: &str) -> String {
    if unit.is_empty() { String::new() } else { format!(" {unit}") }
}

/// A unit is said once.
fn unit_if_new(said: &str, unit: &str) -> String {
    if said == unit { String::new() } else { space(unit) }
}

impl From<crate::dist::DomainError> for Error {
    fn from(e: crate::dist::DomainError) -> Error {
        Error::Domain {
            variable: e.family.to_string(),
            element: e.argument.to_string(),
            value: "its value".to_string(),
            rule: e.rule.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn says(error: impl Into<Error>, message: &str) {
        assert_eq!(error.into().to_string(), message);
    }

    fn sizes(other_what: &'static str) -> Mismatch {
        Mismatch::Sizes {
            name: "x".into(),
            length: 7,
            what: "columns",
            other: "m0".into(),
            other_length: 5,
            other_what,
            size: "D".into(),
        }
    }

    #[test]
    fn messages_name_the_variable_the_value_and_the_rule() {
        says(sizes(""), "x has 7 columns but m0 has 5 (both are D)");
        says(sizes("columns"), "x has 7 columns but m0 has 5 (both are D)");
        says(sizes("rows"), "x has 7 columns but m0 has 5 rows (both are D)");
        says(
            Mismatch::Extent {
                name: "weight".into(),
                length: 3,
                what: "entries",
                size: "K".into(),
                expected: 2,
            },
            "weight has 3 entries but K is 2",
        );
        says(
            Mismatch::Hole { element: "y[3]".into(), reader: "x[4]".into() },
            "y[3] has no value, but x[4] reads it",
        );
        says(
            Mismatch::Uneven { name: "x".into(), at: 3, length: 4, first: 5, what: "columns" },
            "x[3] has 4 columns but x[0] has 5",
        );
        says(Mismatch::Duplicate { row: 1, column: 2 }, "the cell (1, 2) of a sparse array is listed twice");
        says(
            Error::Domain {
                variable: "x".into(),
                element: "x[3][1]".into(),
                value: "-2.0".into(),
                rule: "must be > 0".into(),
            },
            "x[3][1] is -2.0, but must be > 0",
        );
        says(
            Error::Improper {
                element: "w[2]".into(),
                reason: "neither its prior nor the data determine it".into(),
            },
            "the posterior of w[2] is improper: neither its prior nor the data determine it",
        );
        says(
            Error::Impossible { at: "x[3]".into() },
            "the data at x[3] have probability zero under every state",
        );
    }

    #[test]
    fn results_stay_small() {
        // From 128 bytes on, clippy asks the users of a function for a smaller error.
        assert!(size_of::<Error>() <= 104);
    }

    #[test]
    fn a_component_is_named_only_where_there_is_one() {
        let unbounded = |component| Error::Unbounded {
            block: "`mean, cov`".into(),
            component,
            reason: "one point is left; give `cov` a prior".into(),
        };
        says(
            unbounded(Some(1)),
            "the likelihood is unbounded in `mean, cov`, component 1: one point is left; give `cov` a prior",
        );
        says(
            unbounded(None),
            "the likelihood is unbounded in `mean, cov`: one point is left; give `cov` a prior",
        );
    }

    #[test]
    fn a_table_beyond_the_budget_says_what_to_write() {
        let error = |states| Error::TooLarge {
            block: "q(a[..], b[..])".into(),
            states,
            budget: 4096,
            write: "factorize { q(a[..]); q(b[..]); }".into(),
        };
        says(
            error(10_000),
            "the exact posterior of q(a[..], b[..]) needs a table of 10000 joint states, more than the budget of 4096; \
             raise `Options::budget`, or write `factorize { q(a[..]); q(b[..]); }`",
        );
        assert!(error(u128::MAX).to_string().contains("more than 10^38 joint states"));
    }
}
