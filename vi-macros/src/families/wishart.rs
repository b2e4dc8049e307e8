use super::{Argument, Constructor, Domain, Family, Param, Support, Way, Written};
use crate::density::lower::{Lowered, Matrix};
use crate::density::poly::Poly;
use crate::density::statement::{Args, Form, lgamma_d, log_det, matrix_entry, precision_entry};
use crate::density::symbol::{Cond, Ix};

pub static FAMILY: Family = Family {
    name: "Wishart",
    params: &[
        Param {
            positional: false,
            optional: false,
            ways: &[Way { name: "dof", accepts: &[Domain::Positive] }],
        },
        Param {
            positional: false,
            optional: false,
            ways: &[Way { name: "scale", accepts: &[Domain::SymPos, Domain::Positive] }],
        },
    ],
    value: Support::SymPos,
    truncatable: false,
    log_density,
    log_interval: super::untruncated,
    constructor: Some(constructor),
};

/// (ν − D − 1)/2 log det Λ − ½ tr(S⁻¹ Λ) − νD/2 log 2 − ν/2 log det S − log Γ_D(ν/2)
fn log_density(a: &Args) -> Lowered<Form> {
    let (d, e) = (a.axes()[0].clone(), a.axes()[1].clone());
    let dim = Poly::index(&d.high);
    let dof = a.scalar("dof")?;
    let value = a.value_matrix();
    let (i, j) = (Ix::var(&d), Ix::var(&e));
    let (trace, log_det_scale) = match a.matrix("scale")? {
        Matrix::Dense { factor, matrix } => {
            let entry = precision_entry(&matrix, true, &i, &j)
                .mul(&matrix_entry(&value, &i, &j))
                .mul(&factor.recip());
            (
                entry.sum_over(&e, &Cond::Always).sum_over(&d, &Cond::Always),
                log_det(&matrix).add(&a.log(&factor).mul(&dim)),
            )
        }
        Matrix::Diagonal(entry) => {
            let s = entry(&i)?;
            (
                matrix_entry(&value, &i, &i).mul(&s.recip()).sum_over(&d, &Cond::Always),
                a.log(&s).sum_over(&d, &Cond::Always),
            )
        }
        Matrix::Scalar(s) => {
            (matrix_entry(&value, &i, &i).mul(&s.recip()).sum_over(&d, &Cond::Always), a.log(&s).mul(&dim))
        }
    };
    let terms = dof
        .sub(&dim)
        .sub(&Poly::number(1.0))
        .scale(0.5)
        .mul(&log_det(&value))
        .sub(&trace.scale(0.5))
        .sub(&dof.mul(&dim).scale(0.5 * std::f64::consts::LN_2))
        .sub(&dof.scale(0.5).mul(&log_det_scale))
        .sub(&lgamma_d(&d.high, &dof.scale(0.5)));
    Ok(Form::Terms(terms))
}

fn constructor(_: &Written) -> Constructor {
    Constructor::named("Wishart", vec![Argument::Scalar("dof"), Argument::Matrix("scale")]).fallible()
}
