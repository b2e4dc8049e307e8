//! Transitions with structural zeros that are functions of params.

use super::oracle::{Move, enumerate, is_maximum, poisson, sound};
use vi_core::prelude::*;
use vi_tests::data::Noise;
use vi_tests::law::close;

model! {
    pub mod left_to_right {
        param p[k in 0..2]: Unit;
        param rate[k in 0..3]: Positive;
        let trans[0] = [p[0], 1 - p[0], 0];
        let trans[1] = [0, p[1], 1 - p[1]];
        let trans[2] = [0, 0, 1];
        for s in S {
            latent   z[s, 0]            ~ Constant(0);
            latent   z[s, t in 1..T[s]] ~ Categorical(trans[z[s, t-1]]);
            observed y[s, t in T[s]]: Count? ~ Poisson(rate[z[s, t]]);
        }
    }
}

type Params = left_to_right::Params;

fn joint(p: &Params, y: &[Option<u64>], z: &[usize]) -> f64 {
    let trans = [[p.p[0], 1.0 - p.p[0], 0.0], [0.0, p.p[1], 1.0 - p.p[1]], [0.0, 0.0, 1.0]];
    let steps: f64 = z.windows(2).map(|w| trans[w[0]][w[1]].ln()).sum();
    let first = if z.first().is_none_or(|z| *z == 0) { 0.0 } else { f64::NEG_INFINITY };
    first + steps + z.iter().zip(y).map(|(k, y)| poisson(*y, p.rate[*k])).sum::<f64>()
}

#[test]
fn the_shares_of_a_chain_that_only_goes_on_are_at_their_maximum() {
    let mut g = Noise::new(12);
    let lengths = [7_usize, 1, 0, 5, 6];
    let row = |n: &usize, g: &mut Noise| {
        (0..*n).map(|t| (g.unit() < 0.9).then(|| g.poisson([2.0, 9.0, 30.0][t / 2 % 3]))).collect()
    };
    let y: Vec<Vec<Option<u64>>> = lengths.iter().map(|n| row(n, &mut g)).collect();
    let data = left_to_right::Data { y: (&y).into() };
    let model = left_to_right::Model::new();
    let start = Params { p: vec![0.3, 0.6], rate: vec![2.0, 8.0, 25.0] };
    let by_hand =
        |p: &Params| y.iter().map(|y| enumerate(y.len(), 3, |z| joint(p, y, z)).evidence).sum::<f64>();
    let known = model.infer(&data, &start).unwrap();
    close(known.log_likelihood(), by_hand(&start), 1e-11);
    for (q, y) in known.posterior.z.iter().zip(&y).filter(|(_, y)| !y.is_empty()) {
        let paths = enumerate(y.len(), 3, |z| joint(&start, y, z));
        let path = q.path().unwrap();
        assert_eq!(path.states, paths.path);
        close(path.log_joint, paths.best, 1e-11);
    }
    let options = Options::new().tolerance(1e-13).max_iterations(3000);
    let fit = sound(&data, &options, |o| model.fit_from(&data, Start::Params(start.clone()), o));
    close(fit.log_likelihood(), by_hand(&fit.params), 1e-11);
    let moves: [Move<'_, Params>; 5] = [
        &|p, h| p.p[0] += h,
        &|p, h| p.p[1] += h,
        &|p, h| p.rate[0] += h,
        &|p, h| p.rate[1] += h,
        &|p, h| p.rate[2] += h,
    ];
    is_maximum(&fit.params, by_hand, &moves);
    assert!((fit.params.p[0] - 0.3).abs() > 0.05);
}
