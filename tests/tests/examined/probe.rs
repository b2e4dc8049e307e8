use super::gauss::*;
use vi_core::prelude::*;
use vi_tests::data::Noise;

#[test]
fn g30_probe() {
    for (name, h, d, lens, miss) in [("full", 2usize, 3usize, vec![20usize, 0, 1, 9], 0.0), ("one seq full", 2, 3, vec![20], 0.0), ("one seq holes", 2, 3, vec![20], 0.2), ("row", 2, 3, vec![20], -1.0), ("H1", 1, 3, vec![20], 0.0), ("h1d1", 1, 1, vec![10], 0.0), ("h1d1 long", 1, 1, vec![200], 0.0)] {
        let mut g = Noise::new(22);
        let y: Vec<DMatrix<f64>> = lens.iter().map(|t| DMatrix::from_fn(*t, d, |i, j| if (miss < 0.0 && i == 3) || g.unit() < miss { f64::NAN } else { (i as f64 * 0.5).sin() * (1.0 + j as f64) + 0.2 * g.normal() })).collect();
        let data = g30::Data { y: (&y[..]).into() };
        let m = g30::Model::new(h);
        for its in [1, 20, 2000] {
        let fit = m.fit(&data, &Options::new().max_iterations(its)).unwrap();
        let mut off = vec![];
        for seed in 0..60 { let v = fit.verify(&data, seed).unwrap(); off.extend(v.values.iter().map(|x| x - v.objective)); }
        let n = off.len() as f64;
        let mean = off.iter().sum::<f64>() / n;
        let error = (off.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n * (n - 1.0))).sqrt();
        off.sort_by(f64::total_cmp);
        println!("{name} {its}: {mean} ± {error} of {n}; {} {} {} {}", off[0], off[off.len() / 10], off[off.len() / 2], off[off.len() - 1]);
        for t in fit.elbo_terms() { println!("   {t:?}"); }
        }
    }
}
