//! Sequences side by side against each of them by itself, with every instruction set of the machine.

use super::chains::{LANES, Room, Steps, To, backward_with, forward_with};
use super::evidence::{Evidence, add_scales_with, add_shifts_with};
use super::kinds::{Known, Weights};
use super::panels::{PANEL, pack, unfold};
use super::simd::{Isa, on_every_isa};

const STATES: usize = 7;
const KINDS: usize = 3;
const LENGTHS: [usize; LANES] = [50, 0, 1, 49, 17, 50, 33, 2];

/// Numbers that look like none others.
fn number(n: usize) -> f64 {
    0.1 + ((n * 7919 + 13) % 101) as f64 / 101.0
}

struct Expected {
    scale: Vec<Vec<f64>>,
    sums: Vec<[f64; STATES]>,
    pairs: [[f64; STATES]; STATES],
}

/// One lane after another, every step divided by its sum.
fn expected(factor: &[f64], weight: impl Fn(usize, usize) -> f64, which: &[Vec<u32>; LANES]) -> Expected {
    let mut out =
        Expected { scale: vec![], sums: vec![[0.0; STATES]; KINDS], pairs: [[0.0; STATES]; STATES] };
    for which in which {
        let (mut alphas, mut scales): (Vec<[f64; STATES]>, Vec<f64>) = (vec![], vec![]);
        for kind in which {
            let mut now = [0.0; STATES];
            for k in 0..STATES {
                let before =
                    |a: &[f64; STATES]| (0..STATES).map(|j| a[j] * factor[j * STATES + k]).sum::<f64>();
                now[k] = weight(*kind as usize, k) * alphas.last().map_or(1.0, before);
            }
            let scale: f64 = now.iter().sum();
            alphas.push(now.map(|a| a / scale));
            scales.push(scale);
        }
        let mut beta = [1.0; STATES];
        for t in (0..which.len()).rev() {
            for k in 0..STATES {
                out.sums[which[t] as usize][k] += alphas[t][k] * beta[k];
            }
            if t > 0 {
                let w: Vec<f64> =
                    (0..STATES).map(|k| weight(which[t] as usize, k) * beta[k] / scales[t]).collect();
                for j in 0..STATES {
                    for k in 0..STATES {
                        out.pairs[j][k] += alphas[t - 1][j] * w[k];
                    }
                    beta[j] = (0..STATES).map(|k| factor[j * STATES + k] * w[k]).sum();
                }
            }
        }
        out.scale.push(scales);
    }
    out
}

fn check<S: Isa>(isa: S, strict: bool) {
    let factor: Vec<f64> = (0..STATES * STATES).map(number).collect();
    let stride = STATES.next_multiple_of(PANEL);
    let mut weight = vec![0.0; (KINDS + 1) * stride];
    for kind in 0..KINDS {
        (0..STATES).for_each(|k| weight[kind * stride + k] = number(100 + kind * STATES + k));
    }
    let shift = [0.0; KINDS + 1];
    let known = Known { weight: &weight, shift: &shift, stride };
    let which: [Vec<u32>; LANES] =
        LENGTHS.map(|n| (0..n).map(|t| ((t * 5 + n) % (KINDS + t % 2)) as u32 % KINDS as u32).collect());
    let b = Weights::Kinds { known, which: which.each_ref().map(Vec::as_slice) };
    let (mut panels, mut transposed) = (vec![], vec![]);
    pack(STATES, STATES, |j, k| factor[j * STATES + k], &mut panels);
    pack(STATES, STATES, |k, j| factor[j * STATES + k], &mut transposed);

    let steps = Steps { states: STATES, lanes: LANES, lengths: &LENGTHS, first: 0, strict };
    let count = 50;
    let mut alpha = vec![0.0; count * STATES * LANES];
    let (mut scale, mut carry) = (vec![[0.0; LANES]; count], [1.0; LANES]);
    let (mut room, mut lost) = (Room::default(), [false; LANES]);
    forward_with(isa, b, &panels, steps, &mut alpha, &mut scale, &mut carry, &mut room, &mut lost);
    let mut sums = vec![0.0; (KINDS + 1) * stride];
    let mut pairs = vec![0.0; STATES * STATES * S::W];
    let mut beta = [[0.0; LANES]; STATES];
    let to = To::Kinds(&mut sums);
    backward_with(
        isa,
        b,
        &transposed,
        steps,
        &scale,
        &alpha,
        &[1.0; LANES],
        &mut beta,
        &mut room,
        to,
        &mut pairs,
    );

    let expected = expected(&factor, |kind, k| weight[kind * stride + k], &which);
    let near = |a: f64, b: f64| assert!((a - b).abs() <= 1e-12 * (1.0 + b.abs()), "{a} and {b}");
    for (lane, scales) in expected.scale.iter().enumerate() {
        assert!(!lost[lane]);
        scales.iter().zip(&scale).for_each(|(e, s)| near(s[lane], *e));
        scale[LENGTHS[lane]..].iter().for_each(|s| near(s[lane], 1.0));
    }
    for (kind, e) in expected.sums.iter().enumerate() {
        (0..STATES).for_each(|k| near(sums[kind * stride + k], e[k]));
    }
    let mut found = [[0.0; STATES]; STATES];
    let rest = unfold(&pairs, S::W, [STATES; 2], |at, sum| found[at / STATES][at % STATES] = sum);
    assert!(rest.is_empty());
    for j in 0..STATES {
        (0..STATES).for_each(|k| near(found[j][k], expected.pairs[j][k]));
    }
    let mut evidence = Evidence::default();
    add_scales_with(isa, &mut evidence, &scale[..31]);
    add_scales_with(isa, &mut evidence, &scale[31..]);
    for lane in 0..LANES {
        let shift: Vec<f64> = (0..LENGTHS[lane]).map(number).collect();
        add_shifts_with(isa, &mut evidence, lane, &shift);
    }
    for (lane, (total, scales)) in evidence.total().iter().zip(&expected.scale).enumerate() {
        let shifts: f64 = (0..LENGTHS[lane]).map(number).sum();
        near(*total, shifts + scales.iter().map(|s| s.ln()).sum::<f64>());
    }
}

#[test]
fn sequences_side_by_side_are_each_by_itself() {
    for strict in [false, true] {
        on_every_isa!(isa => check(isa, strict));
    }
}
