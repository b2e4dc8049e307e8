//! Reads `fixtures/log_joints.txt`: points of models, and their log joint densities by another program.
//!
//! Needs nothing but the standard library: the compiler's own tests include this file.

use std::collections::HashMap;

/// One row of an array: its name, its indices but the last, its values along the last.
pub type Row<'t> = (&'t str, Vec<i64>, Vec<f64>);

/// Values for everything a model names, and the densities there.
#[derive(Clone, Debug)]
pub struct Point<'t> {
    /// The number and the name of the program.
    pub program: &'t str,
    /// A ragged size has one number for each element of the axis it runs over.
    pub sizes: HashMap<&'t str, Vec<i64>>,
    /// Every array, row by row.
    pub rows: Vec<Row<'t>>,
    /// log p(x, z; params)
    pub log_joint: f64,
    /// log p(params)
    pub log_prior: f64,
}

impl Point<'_> {
    /// One row: a scalar, a vector, or a row of a matrix, after the indices given.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn row(&self, name: &str, at: &[i64]) -> &[f64] {
        let found = self.rows.iter().find(|r| r.0 == name && r.1 == at);
        &found.unwrap_or_else(|| panic!("{}: no {name} at {at:?}", self.program)).2
    }

    /// A row of whole numbers.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn whole(&self, name: &str) -> Vec<usize> {
        self.row(name, &[]).iter().map(|v| *v as usize).collect()
    }

    /// A size that is not ragged.
    ///
    /// # Panics
    /// If the program has none of this name.
    #[must_use]
    pub fn size(&self, name: &str) -> usize {
        self.sizes[name][0] as usize
    }
}

/// All points of a table.
///
/// # Panics
/// If a line is not of the form that the table describes.
#[must_use]
pub fn points(table: &str) -> Vec<Point<'_>> {
    table.split("\n\n").map(point).collect()
}

fn point(block: &str) -> Point<'_> {
    let mut out =
        Point { program: "", sizes: HashMap::new(), rows: vec![], log_joint: f64::NAN, log_prior: f64::NAN };
    for line in block.lines() {
        if let Some(program) = line.strip_prefix("program ") {
            out.program = program;
            continue;
        }
        let (left, right) = line.split_once('=').unwrap_or_else(|| panic!("`{line}` sets nothing"));
        let left = left.trim();
        let values: Vec<f64> = right.split_whitespace().map(|v| v.parse().expect("a number")).collect();
        if let Some(size) = left.strip_prefix("size ") {
            out.sizes.insert(size, values.iter().map(|v| *v as i64).collect());
            continue;
        }
        let (name, at) = left.split_once('[').unwrap_or((left, ""));
        let at = at.trim_end_matches(']').split(", ").filter(|i| !i.is_empty());
        match name {
            "log_joint" => out.log_joint = values[0],
            "log_prior" => out.log_prior = values[0],
            _ => out.rows.push((name, at.map(|i| i.parse().expect("an index")).collect(), values)),
        }
    }
    out
}
