use crate::em::{StateSpace, Workspace};
use crate::oracle::{LOG_TAU, close, noise};
use nalgebra::{DMatrix, DVector};
use vi_core::engine::gauss::scan::Sequence;
use vi_core::rng::stream;

/// The textbook: filter, Rauch–Tung–Striebel smoother, and sums of raw second moments.
fn textbook(model: &StateSpace, sequences: &[Vec<f64>]) -> (f64, StateSpace) {
    let (h, m) = (model.a.nrows(), model.c.nrows());
    let StateSpace { a, c, q, r, m0, p0 } = model;
    let zero = |n, k| DMatrix::<f64>::zeros(n, k);
    let mut log_likelihood = 0.0;
    let (mut now, mut before, mut cross, mut all) = (zero(h, h), zero(h, h), zero(h, h), zero(h, h));
    let (mut yx, mut yy) = (zero(m, h), zero(m, m));
    let (mut start, mut start_square) = (DVector::<f64>::zeros(h), zero(h, h));
    let (mut transitions, mut steps) = (0.0, 0.0);
    for y in sequences {
        let len = y.len() / m;
        let observed = |t: usize| DVector::from_column_slice(&y[t * m..][..m]);
        let (mut filtered, mut predicted) = (vec![], vec![]);
        for t in 0..len {
            let (x, p) = match filtered.last() {
                None => (m0.clone(), p0.clone()),
                Some((x, p)) => (a * x, a * p * a.transpose() + q),
            };
            predicted.push((x.clone(), p.clone()));
            let s = c * &p * c.transpose() + r;
            let inverse = s.clone().try_inverse().unwrap();
            let e = observed(t) - c * &x;
            log_likelihood -=
                0.5 * (m as f64 * LOG_TAU + s.determinant().ln() + (e.transpose() * &inverse * &e)[0]);
            let gain = &p * c.transpose() * inverse;
            filtered.push((x + &gain * e, &p - &gain * c * &p));
        }
        let (mut x, mut v) = filtered[len - 1].clone();
        for t in (0..len).rev() {
            let second = &x * x.transpose() + &v;
            all += &second;
            yx += observed(t) * x.transpose();
            yy += observed(t) * observed(t).transpose();
            if t == 0 {
                start += &x;
                start_square += &second;
                break;
            }
            let (fx, fv) = &filtered[t - 1];
            let gain = fv * a.transpose() * predicted[t].1.clone().try_inverse().unwrap();
            let earlier = fx + &gain * (&x - &predicted[t].0);
            let earlier_v = fv + &gain * (&v - &predicted[t].1) * gain.transpose();
            now += &second;
            cross += &x * earlier.transpose() + &v * gain.transpose();
            before += &earlier * earlier.transpose() + &earlier_v;
            (x, v) = (earlier, earlier_v);
        }
        transitions += (len - 1) as f64;
        steps += len as f64;
    }
    let n = sequences.len() as f64;
    let a = &cross * before.try_inverse().unwrap();
    let q = (now - &a * cross.transpose()) / transitions;
    let c = &yx * all.try_inverse().unwrap();
    let r = (yy - &c * yx.transpose()) / steps;
    let m0 = start / n;
    let p0 = start_square / n - &m0 * m0.transpose();
    (log_likelihood, StateSpace { a, c, q, r, m0, p0 })
}

fn rotations(sequences: usize, steps: usize) -> (StateSpace, Vec<Vec<f64>>) {
    let rng = &mut stream(1, "learning", &[]);
    let a = DMatrix::from_row_slice(2, 2, &[0.88, -0.38, 0.38, 0.88]);
    let c = DMatrix::from_row_slice(3, 2, &[1.0, 0.2, -0.4, 0.7, 0.3, 0.9]);
    let data = (0..sequences)
        .map(|s| {
            let mut x = DVector::from_fn(2, |_, _| noise(rng));
            (0..steps + s)
                .flat_map(|_| {
                    x = &a * &x + DVector::from_fn(2, |_, _| 0.5 * noise(rng));
                    (&c * &x).iter().map(|y| y + 0.6 * noise(rng)).collect::<Vec<_>>()
                })
                .collect()
        })
        .collect();
    let start = StateSpace {
        a: DMatrix::identity(2, 2) * 0.9,
        c: DMatrix::from_row_slice(3, 2, &[0.5, 0.1, 0.2, 0.6, -0.3, 0.4]),
        q: DMatrix::identity(2, 2) * 0.5,
        r: DMatrix::identity(3, 3),
        m0: DVector::zeros(2),
        p0: DMatrix::identity(2, 2),
    };
    (start, data)
}

#[test]
fn em_of_a_state_space_is_the_textbooks_and_climbs() {
    let (mut model, data) = rotations(5, 40);
    let mut book = model.clone();
    let which: Vec<usize> = (0..44).map(|t| usize::from(t > 0)).collect();
    let sequences: Vec<Sequence<'_>> = data.iter().map(|y| Sequence::new(&which[..y.len() / 3], y)).collect();
    let mut on = Workspace::default();
    let mut last = f64::NEG_INFINITY;
    for _ in 0..20 {
        let (want, next) = textbook(&book, &data);
        let value = model.step(&sequences, &mut on).unwrap();
        close(value, want, 1e-10);
        assert!(value > last, "{value} after {last}");
        last = value;
        book = next;
        for (got, want) in [
            (&model.a, &book.a),
            (&model.c, &book.c),
            (&model.q, &book.q),
            (&model.r, &book.r),
            (&model.p0, &book.p0),
        ] {
            got.iter().zip(want.iter()).for_each(|(x, y)| close(*x, *y, 1e-9));
        }
        model.m0.iter().zip(book.m0.iter()).for_each(|(x, y)| close(*x, *y, 1e-9));
    }
}

#[test]
fn a_sequence_of_weight_two_is_two_of_them() {
    let (model, data) = rotations(2, 12);
    let which: Vec<usize> = (0..13).map(|t| usize::from(t > 0)).collect();
    let of =
        |s: usize, weight: f64| Sequence { weight, ..Sequence::new(&which[..data[s].len() / 3], &data[s]) };
    let (mut once, mut twice) = (model.clone(), model);
    once.step(&[of(0, 1.0), of(1, 1.0), of(1, 1.0)], &mut Workspace::default()).unwrap();
    twice.step(&[of(0, 1.0), of(1, 2.0)], &mut Workspace::default()).unwrap();
    once.a.iter().zip(twice.a.iter()).for_each(|(x, y)| close(*x, *y, 1e-12));
    once.r.iter().zip(twice.r.iter()).for_each(|(x, y)| close(*x, *y, 1e-12));
    once.p0.iter().zip(twice.p0.iter()).for_each(|(x, y)| close(*x, *y, 1e-12));
}
