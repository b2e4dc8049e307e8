//! Values by name: for printing and comparing.

use super::{Law, Marginal};

/// A named array of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    /// The name in the model.
    pub name: &'static str,
    /// Extents; empty for a number.
    pub dims: Vec<usize>,
    /// Row-major values.
    pub values: Vec<f64>,
}

/// Gathers the numbers of one nested array.
#[derive(Debug)]
pub struct Describer {
    name: &'static str,
    dims: Vec<usize>,
    depth: usize,
    values: Vec<f64>,
}

impl Describer {
    /// An array of this name.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Describer { name, dims: vec![], depth: 0, values: vec![] }
    }

    /// Enters an axis of this length. Arrays are rectangular, so the first entry tells for all.
    pub fn open(&mut self, len: usize) {
        if self.values.is_empty() {
            self.dims.push(len);
            self.depth = self.dims.len();
        }
    }

    /// A number.
    pub fn number(&mut self, x: &f64) {
        self.values.push(*x);
    }

    /// A vector: one more axis.
    pub fn vector(&mut self, x: &nalgebra::DVector<f64>) {
        self.open(x.len());
        self.values.extend(x.iter());
    }

    /// A matrix: two more axes.
    pub fn matrix(&mut self, x: &nalgebra::DMatrix<f64>) {
        if self.values.is_empty() {
            self.dims.extend([x.nrows(), x.ncols()]);
        }
        self.values.extend(x.row_iter().flat_map(|r| r.iter().copied().collect::<Vec<_>>()));
    }

    /// The array.
    #[must_use]
    pub fn finish(self) -> Described {
        Described { name: self.name, dims: self.dims, values: self.values }
    }
}

/// The law of one shared latent, in numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribedLaw {
    /// E x.
    pub mean: Described,
    /// √Var x, element by element: 0 throughout for a point.
    pub sd: Described,
}

/// Gathers means and standard deviations of one array of laws.
#[derive(Debug)]
pub struct LawDescriber {
    mean: Describer,
    sd: Describer,
}

/// A mean or a spread: a number, a vector or a matrix.
pub trait Numbers {
    /// Appends the square roots, or the numbers themselves.
    fn describe(&self, to: &mut Describer, root: bool);
}

fn rooted(x: f64, root: bool) -> f64 {
    if root { x.sqrt() } else { x }
}

impl Numbers for f64 {
    fn describe(&self, to: &mut Describer, root: bool) {
        to.number(&rooted(*self, root));
    }
}

impl Numbers for nalgebra::DVector<f64> {
    fn describe(&self, to: &mut Describer, root: bool) {
        to.vector(&self.map(|x| rooted(x, root)));
    }
}

impl Numbers for nalgebra::DMatrix<f64> {
    fn describe(&self, to: &mut Describer, root: bool) {
        to.matrix(&self.map(|x| rooted(x, root)));
    }
}

impl LawDescriber {
    /// An array of this name.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        LawDescriber { mean: Describer::new(name), sd: Describer::new(name) }
    }

    /// Enters an axis of this length.
    pub fn open(&mut self, len: usize) {
        self.mean.open(len);
        self.sd.open(len);
    }

    /// The law of one element.
    pub fn law<D: Law<Value: Numbers>>(&mut self, q: &Marginal<D>) {
        q.mean().describe(&mut self.mean, false);
        q.var().describe(&mut self.sd, true);
    }

    /// The arrays.
    #[must_use]
    pub fn finish(self) -> DescribedLaw {
        DescribedLaw { mean: self.mean.finish(), sd: self.sd.finish() }
    }
}
