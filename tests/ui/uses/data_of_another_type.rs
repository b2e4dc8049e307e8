use nalgebra::DMatrix;
use vi_core::prelude::*;

model! {
    pub mod regression(s: Positive = 1.0) {
        given    x[n in N]: Vector[D];
        given    c[n in N]: Category[K];
        param    w[k in K]: Vector[D];
        param    rate: Positive;
        observed seen[n in N]: Real? ~ Normal(dot(w[c[n]], x[n]), sd: s);
        observed y[n in N]           ~ Poisson(rate);
    }
}

fn main() {
    let x: DMatrix<f32> = DMatrix::zeros(2, 3);
    let c = vec![0i32, 1];
    let seen = vec![Some(1u64), None];
    let y = vec![1.0, 2.0];
    let _ = regression::Data { x: (&x).into(), c: (&c).into(), seen: (&seen).into(), y: (&y).into() };
}
