//! Coordinates of variational laws.
//!
//! Shapes, rates and concentrations are positive numbers; a Normal is its mean and its precision; degrees of freedom are measured from
//! D − 1, their least value.

use super::{Charted, Reader, Writer, outside};
use crate::Error;
use crate::dist::{
    Beta, Dirichlet, Gamma, InverseGamma, InverseWishart, MvNormal, Normal, PowerGamma, Wishart,
};
use crate::fit::{Law, Marginal};
use nalgebra::DMatrix;

/// Laws of two positive parameters.
macro_rules! two_positive {
    ($($law:ident { $a:ident, $b:ident $(, $kept:ident)* }),* $(,)?) => { $(
        impl Charted for $law {
            fn write(&self, to: &mut Writer) -> Result<(), Error> {
                to.positive(self.$a);
                to.positive(self.$b);
                Ok(())
            }

            fn read_like(&self, from: &mut Reader<'_>) -> Result<Self, Error> {
                Ok($law { $a: from.positive()?, $b: from.positive()? $(, $kept: self.$kept)* })
            }
        }
    )* };
}

two_positive! {
    Gamma { shape, rate }, InverseGamma { shape, scale }, PowerGamma { shape, rate, power }, Beta { a, b },
}

/// log `a[k]`
impl Charted for Dirichlet<'static> {
    fn write(&self, to: &mut Writer) -> Result<(), Error> {
        self.a.iter().for_each(|a| to.positive(*a));
        Ok(())
    }

    fn read_like(&self, from: &mut Reader<'_>) -> Result<Self, Error> {
        self.a.iter().map(|_| from.positive()).collect::<Result<_, _>>().map(Dirichlet::new)
    }
}

/// The mean, and the logarithm of the precision.
impl Charted for Normal {
    fn write(&self, to: &mut Writer) -> Result<(), Error> {
        to.real(self.mean);
        to.real(-2.0 * self.sd.ln());
        Ok(())
    }

    fn read_like(&self, from: &mut Reader<'_>) -> Result<Self, Error> {
        Ok(Normal::mean_sd(from.real()?, (-0.5 * from.real()?).exp()))
    }
}

/// The mean, and the precision matrix.
impl Charted for MvNormal<'static> {
    fn write(&self, to: &mut Writer) -> Result<(), Error> {
        self.mean_slice().iter().for_each(|m| to.real(*m));
        to.sym_pos(&self.precision())
    }

    fn read_like(&self, from: &mut Reader<'_>) -> Result<Self, Error> {
        let mean: Vec<f64> = (0..self.dimension()).map(|_| from.real()).collect::<Result<_, _>>()?;
        let precision = from.sym_pos(self.dimension())?;
        MvNormal::mean_prec(&mean, &precision).map(MvNormal::into_owned).map_err(|_| outside())
    }
}

fn write_wishart(dof: f64, scale: &DMatrix<f64>, to: &mut Writer) -> Result<(), Error> {
    to.positive(dof - (scale.nrows() as f64 - 1.0));
    to.sym_pos(scale)
}

fn read_wishart(d: usize, from: &mut Reader<'_>) -> Result<(f64, DMatrix<f64>), Error> {
    Ok((from.positive()? + (d as f64 - 1.0), from.sym_pos(d)?))
}

/// log(dof − D + 1), and the scale matrix.
impl Charted for Wishart {
    fn write(&self, to: &mut Writer) -> Result<(), Error> {
        write_wishart(self.dof(), &self.scale(), to)
    }

    fn read_like(&self, from: &mut Reader<'_>) -> Result<Self, Error> {
        let (dof, scale) = read_wishart(self.dimension(), from)?;
        Wishart::dof_scale(dof, &scale).map_err(|_| outside())
    }
}

/// log(dof − D + 1), and the scale matrix.
impl Charted for InverseWishart {
    fn write(&self, to: &mut Writer) -> Result<(), Error> {
        write_wishart(self.dof(), &self.scale(), to)
    }

    fn read_like(&self, from: &mut Reader<'_>) -> Result<Self, Error> {
        let (dof, scale) = read_wishart(self.dimension(), from)?;
        InverseWishart::dof_scale(dof, &scale).map_err(|_| outside())
    }
}

/// A point stays where it is and has no coordinates.
impl<D: Law + Charted> Charted for Marginal<D> {
    fn write(&self, to: &mut Writer) -> Result<(), Error> {
        match self {
            Marginal::Unset | Marginal::Point(_) => Ok(()),
            Marginal::Law(q) => q.write(to),
        }
    }

    fn read_like(&self, from: &mut Reader<'_>) -> Result<Self, Error> {
        match self {
            Marginal::Unset | Marginal::Point(_) => Ok(self.clone()),
            Marginal::Law(q) => q.read_like(from).map(Marginal::Law),
        }
    }
}
