//! Steps whose weights are looked up against the same steps written out.

use super::tests::{near, side_by_side};
use super::{Digit, Factors, Kinds, Part, Parts, batch};
use crate::rng;

/// What a batch says of sequences of kinds: log evidence, probabilities added up by kinds, and the sums of pairs.
fn by_kind(factors: &Factors, kinds: &Kinds, which: &[Vec<u32>; 8]) -> ([f64; 8], Vec<Vec<f64>>, Vec<f64>) {
    let mut side = batch::Batch::default();
    let (mut sums, mut pairs) = (vec![], vec![0.0; factors.parts().len()]);
    kinds.clear(&mut sums);
    side.begin(factors, which.each_ref().map(Vec::len), [1.0; 8]);
    let of = |from: usize, to: usize| {
        which.each_ref().map(|units| &units[from.min(units.len())..to.min(units.len())])
    };
    for span in side.spans() {
        side.advance_by_kind(factors, span.clone(), kinds, of(span.start, span.end));
    }
    let logs = side.evidence();
    for span in side.spans().rev() {
        let which = of(span.start, span.end + 1);
        side.retreat_by_kind(factors, span, kinds, which, &mut sums);
    }
    side.add_pairs(factors, &mut pairs);
    (logs, kinds.each(&sums).map(<[f64]>::to_vec).collect(), pairs)
}

/// A chain of order two, in one part that carries a digit along.
fn of_order_two(extent: usize, weights: impl FnMut(usize) -> f64) -> Factors {
    let digits = vec![
        Digit { extent, before: Some(0), after: Some(1) },
        Digit { extent, before: Some(1), after: None },
        Digit { extent, before: None, after: Some(0) },
    ];
    let parts = Parts::new(extent * extent, vec![Part::new(1, 1, digits)]);
    let weights: Vec<f64> = (0..parts.len()).map(weights).collect();
    Factors::in_parts(parts, weights.iter().map(|w| w.ln()).collect())
}

#[test]
fn units_of_one_kind_are_what_their_potentials_say() {
    for seed in 0..60 {
        let mut g = rng::stream(11, "kinds", &[seed]);
        let mut below = |n: usize| ((rng::uniform(&mut g) * n as f64) as usize).min(n - 1);
        let zeros = seed % 2 == 0;
        let scale = [1.0, 30.0, 300.0][seed % 3];
        let mut weight = |_| if zeros && below(4) == 0 { 0.0 } else { (1 + below(1000)) as f64 / 1500.0 };
        let factors = match seed % 5 {
            0 => of_order_two(3, &mut weight),
            states => {
                let states = [1, 2, 5, 11][states - 1];
                Factors::new(states, (0..states * states).map(&mut weight).collect())
            }
        };
        let (states, count) = (factors.states(), 1 + below(6));
        let logs: Vec<f64> = (0..count * states)
            .map(|_| match below(10) {
                0 if zeros => f64::NEG_INFINITY,
                _ => (below(2001) as f64 / 1000.0 - 1.0) * scale,
            })
            .collect();
        let longest = if seed % 4 == 0 { 2 * batch::SPAN + 9 } else { 12 };
        let most = if seed % 7 == 0 { 4 } else { 8 };
        let mut length = |lane: usize| if lane < most { below(longest) } else { 0 };
        let lengths: [usize; 8] = std::array::from_fn(&mut length);
        let which: [Vec<u32>; 8] = lengths.map(|n| (0..n).map(|_| below(count) as u32).collect());
        let (evidence, sums, pairs) = by_kind(&factors, &Kinds::from_logs(states, &logs), &which);

        let row = |kind: &u32| logs[*kind as usize * states..][..states].to_vec();
        let potentials: Vec<Vec<f64>> = which.iter().map(|w| w.iter().flat_map(row).collect()).collect();
        let written = side_by_side(&factors, which.each_ref().map(Vec::len), [1.0; 8], &potentials);
        let mut expected = vec![vec![0.0; states]; count];
        for (lane, which) in which.iter().enumerate() {
            assert_eq!(evidence[lane].is_nan(), written.logs[lane].is_nan(), "lost in one way only");
            if evidence[lane].is_nan() {
                continue;
            }
            near(evidence[lane], written.logs[lane], "log evidence");
            for (kind, p) in which.iter().zip(written.smoothed[lane].chunks(states)) {
                expected[*kind as usize].iter_mut().zip(p).for_each(|(e, p)| *e += p);
            }
        }
        sums.iter().zip(&expected).for_each(|(a, b)| a.iter().zip(b).for_each(|(a, b)| near(*a, *b, "sums")));
        pairs.iter().zip(&written.sums).for_each(|(a, b)| near(*a, *b, "pairs"));
    }
}

#[test]
fn a_state_that_falls_behind_before_it_is_weighed_is_not_taken_for_none() {
    // State 2 is reached from state 1 alone, which nothing allows after the start: what is left of it is below the smallest number, and is all
    // that explains the end.
    let (rare, never) = (1e-140, f64::NEG_INFINITY);
    let factors = Factors::new(3, vec![1.0, rare, 0.0, 0.0, 1.0, rare, 0.0, 0.0, 1.0]);
    assert!(batch::takes(&factors));
    let low = rare.ln();
    let end = [low, never, 0.0];
    let logs = [[0.0, low, never], [0.0, never, low], end, end, end, end].concat();
    let which: [Vec<u32>; 8] = std::array::from_fn(|_| (0..6).collect());
    let (evidence, ..) = by_kind(&factors, &Kinds::from_logs(3, &logs), &which);
    let written = side_by_side(&factors, [6; 8], [1.0; 8], &vec![logs.clone(); 8]);
    let chain = super::scan::Chain { log_potential: &logs, factors: &factors, which: None };
    let alone = super::scan::Workspace::default().log_evidence(&chain).unwrap();
    near(alone, 3.0 * low, "by the path through state 2");
    for log in evidence.iter().chain(&written.logs) {
        assert!(log.is_nan() || (log - alone).abs() < 1e-9, "{log} {alone}");
    }
}
