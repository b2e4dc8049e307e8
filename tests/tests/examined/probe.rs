use vi_core::prelude::*;
use vi_core::fit::Program;
use vi_tests::data::Noise;

model! {
    pub mod em_comp(H) {
        param C[d in D]: Vector[H];
        param A[i in H]: Vector[H];
        latent x[0]: Vector[H] ~ Normal(0, var: 1);
        latent x[t in 1..T] ~ Normal([dot(A[i], x[t-1]) for i in H], var: 1);
        observed y[t in T, d in D]: Real? ~ Normal(dot(C[d], x[t]), var: 0.2);
    }
}

model! {
    pub mod em_mat(H) {
        param C[d in D]: Vector[H];
        param A[i in H]: Vector[H];
        latent x[0]: Vector[H] ~ Normal(0, var: 1);
        latent x[t in 1..T] ~ Normal(A * x[t-1], var: 1);
        observed y[t in T, d in D]: Real? ~ Normal(dot(C[d], x[t]), var: 0.2);
    }
}

model! {
    pub mod ard_mat(H) {
        latent c[h in H] ~ Gamma(shape: 1, rate: 1); latent C[d in D, h in H] ~ Normal(0, prec: c[h]);
        param A[i in H]: Vector[H];
        latent x[0]: Vector[H] ~ Normal(0, var: 1);
        latent x[t in 1..T] ~ Normal(A * x[t-1], var: 1);
        observed y[t in T, d in D]: Real? ~ Normal(dot(C[d], x[t]), var: 0.2);
    }
}

model! {
    pub mod lat_comp(H) {
        latent C[d in D, h in H] ~ Normal(0, prec: 1);
        param A[i in H]: Vector[H];
        latent x[0]: Vector[H] ~ Normal(0, var: 1);
        latent x[t in 1..T] ~ Normal([dot(A[i], x[t-1]) for i in H], var: 1);
        observed y[t in T, d in D]: Real? ~ Normal(dot(C[d], x[t]), var: 0.2);
    }
}

model! {
    pub mod ard_row(H) {
        latent c[h in H] ~ Gamma(shape: 1, rate: 1); latent C[d in D]: Vector[H] ~ Normal(0, prec: c);
        param A[i in H]: Vector[H];
        latent x[0]: Vector[H] ~ Normal(0, var: 1);
        latent x[t in 1..T] ~ Normal(A * x[t-1], var: 1);
        observed y[t in T, d in D]: Real? ~ Normal(dot(C[d], x[t]), var: 0.2);
    }
}
fn check<M: Program>(name: &str, data: &M::Data<'_>, fit: impl Fn(Options) -> Result<Fit<M>, vi_core::Error>) {
    for (its, ex, ac) in [(20, false, false), (300, false, false)] {
        let fit = match fit(Options::new().max_iterations(its).expand(ex).accelerate(ac)) { Ok(f) => f, Err(e) => { println!("{name} {its} {ex} {ac}: {e}"); continue } };
        let mut off = vec![];
        for seed in 0..60 { let v = fit.verify(data, seed).unwrap(); off.extend(v.values.iter().map(|x| x - v.objective)); }
        let n = off.len() as f64;
        let mean = off.iter().sum::<f64>() / n;
        let error = (off.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n * (n - 1.0))).sqrt();
        println!("{name} {its} {ex} {ac}: {mean} ± {error} of {n}; ");
        let mut tr = fit.trace.windows(2).map(|w| w[1] - w[0]).fold(0.0, f64::min); if tr > -1e-12 { tr = 0.0 }
        println!("   worst fall {tr}");
    }
}
model! {
    pub mod c6a {
        param p[k in 0..2]: Unit;
        param rate[k in 0..3]: Positive;
        let trans[0] = [p[0], 1 - p[0], 0];
        let trans[1] = [0, p[1], 1 - p[1]];
        let trans[2] = [0, 0, 1];
        latent   z[0]            ~ Constant(0);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed y[t in T]: Count? ~ Poisson(rate[z[t]]);
    }
}
model! {
    pub mod c6b {
        param p[k in 0..2]: Unit;
        param rate[k in 0..2]: Positive;
        let trans[0] = [p[0], 1 - p[0]];
        let trans[1] = [1 - p[1], p[1]];
        latent   z[0]            ~ Uniform();
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed y[t in T]: Count? ~ Poisson(rate[z[t]]);
    }
}
model! {
    pub mod c6c {
        param p: Unit;
        param rate[k in 0..2]: Positive;
        latent   z[0]            ~ Uniform();
        latent   z[t in 1..T] ~ match z[t-1] { 0 => Categorical([p, 1 - p]), 1 => Categorical([0.3, 0.7]) };
        observed y[t in T]: Count? ~ Poisson(rate[z[t]]);
    }
}
model! {
    pub mod c6d {
        param p: Unit;
        param rate[k in 0..2]: Positive;
        let w = [p, 1 - p];
        latent   z[t in T] ~ Categorical(w);
        observed y[t in T]: Count? ~ Poisson(rate[z[t]]);
    }
}
#[test]
fn bands() {
    let y: Vec<u64> = vec![1, 2, 0, 3, 2, 1, 9, 8, 12, 20, 25, 22, 19];
    let o = Options::new();
    { let d = c6a::Data { y: (&y).into() }; println!("{}", c6a::PLAN); println!("{}", c6a::Model::new().fit(&d, &o).unwrap()); }
    { let d = c6b::Data { y: (&y).into() }; println!("{}", c6b::PLAN); println!("{}", c6b::Model::new().fit(&d, &o).unwrap()); }
    { let d = c6c::Data { y: (&y).into() }; println!("{}", c6c::PLAN); println!("{}", c6c::Model::new().fit(&d, &o).unwrap()); }
    { let d = c6d::Data { y: (&y).into() }; println!("{}", c6d::PLAN); println!("{}", c6d::Model::new().fit(&d, &o).unwrap()); }
}
#[test]
fn g30_probe() {
        let (h, d, lens) = (2usize, 3usize, vec![20usize]);
        let mut g = Noise::new(22);
        let y: Vec<DMatrix<f64>> = lens.iter().map(|t| DMatrix::from_fn(*t, d, |i, j| (i as f64 * 0.5).sin() * (1.0 + j as f64) + 0.2 * g.normal() )).collect();
        { let data = em_comp::Data { y: (&y[0]).into() }; check("em_comp", &data, |o| em_comp::Model::new(h).fit(&data, &o)); }
        { let data = em_mat::Data { y: (&y[0]).into() }; check("em_mat", &data, |o| em_mat::Model::new(h).fit(&data, &o)); }
        { let data = ard_mat::Data { y: (&y[0]).into() }; check("ard_mat", &data, |o| ard_mat::Model::new(h).fit(&data, &o)); }
        { let data = lat_comp::Data { y: (&y[0]).into() }; check("lat_comp", &data, |o| lat_comp::Model::new(h).fit(&data, &o)); }
        { let data = ard_row::Data { y: (&y[0]).into() }; check("ard_row", &data, |o| ard_row::Model::new(h).fit(&data, &o)); }
}
