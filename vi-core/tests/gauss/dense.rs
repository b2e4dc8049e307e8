use crate::oracle::{Joint, close, noise, quadratic_form};
use nalgebra::DMatrix;
use vi_core::engine::gauss::{Failure, Rows, dense::Dense};
use vi_core::rng::stream;

#[test]
fn random_models_agree_with_their_joint_normal() {
    let mut dense = Dense::new();
    let mut rows = Rows::default();
    for case in 0..60 {
        let rng = &mut stream(1, "dense", &[case]);
        let (n, m) = (1 + case % 6, case % 9);
        let mut joint = Joint::default();
        rows.reset(n, 1);
        for i in 0..n {
            // A prior that leans on the unknowns before.
            let a: Vec<(usize, f64)> = (0..i).map(|j| (j, noise(rng))).collect();
            let (offset, sd) = (3.0 * noise(rng), 0.2 + noise(rng).abs());
            joint.add(&a, offset, sd * sd);
            let mut row: Vec<(usize, f64)> = a.iter().map(|(j, x)| (*j, -x)).collect();
            row.push((i, 1.0));
            rows.density(1.0 / sd, &row, &[offset]);
        }
        let mut observed = vec![];
        for k in 0..m {
            let a: Vec<(usize, f64)> = (0..n).map(|j| (j, noise(rng))).collect();
            let (offset, sd, y) = (noise(rng), 0.1 + noise(rng).abs(), 4.0 * noise(rng));
            let at = joint.add(&a, offset, sd * sd);
            // Every third value is missing: it is no row.
            if k % 3 != 2 {
                observed.push((at, y));
                rows.density(1.0 / sd, &a, &[y - offset]);
            } else {
                rows.density(0.0, &a, &[f64::NAN]);
            }
        }
        dense.eliminate(&rows).unwrap();
        let hidden: Vec<usize> = (0..n).collect();
        let (evidence, mean, cov) = joint.given(&observed, &hidden);
        close(dense.log_evidence(0), evidence, 1e-10);
        let (mut got, mut c) = (vec![0.0; n], vec![0.0; n * n]);
        dense.mean(0, &mut got);
        dense.covariance(&mut c);
        for i in 0..n {
            close(got[i], mean[i], 1e-10);
            for j in 0..n {
                close(c[i * n + j], cov[(i, j)], 1e-10);
            }
        }
        let along: Vec<(usize, f64)> = (0..n).map(|j| (j, noise(rng))).collect();
        let want: f64 = along
            .iter()
            .flat_map(|(i, a)| along.iter().map(move |(j, b)| (i, j, a * b)))
            .map(|(i, j, ab)| ab * cov[(*i, *j)])
            .sum();
        close(dense.variance(&along), want, 1e-10);
    }
}

#[test]
fn diffuse_unknowns_and_many_rows_agree_with_the_quadratic_form() {
    for (n, m) in [(1, 1), (3, 3), (4, 50), (7, 200)] {
        let rng = &mut stream(2, "flat", &[n, m]);
        let mut rows = Rows::new(n, 2);
        let mut list = [vec![], vec![]];
        for _ in 0..m {
            let a: Vec<f64> = (0..n).map(|_| noise(rng)).collect();
            let targets = [noise(rng), noise(rng)];
            let sparse: Vec<(usize, f64)> = a.iter().copied().enumerate().collect();
            rows.square(1.5, &sparse, &targets);
            for r in 0..2 {
                list[r].push((a.iter().map(|x| 1.5 * x).collect(), 1.5 * targets[r]));
            }
        }
        rows.add_log(0.25);
        let mut dense = Dense::new();
        dense.eliminate(&rows).unwrap();
        for r in 0..2 {
            let (evidence, mean, _) = quadratic_form(&list[r], 0.25);
            close(dense.log_evidence(r), evidence, 1e-10);
            let mut got = vec![0.0; n];
            dense.mean(r, &mut got);
            (0..n).for_each(|i| close(got[i], mean[i], 1e-9));
        }
    }
}

#[test]
fn right_hand_sides_that_are_a_basis_give_the_map_from_data() {
    // Data (1, y₀, y₁); the target of each row is a combination of them.
    let rng = &mut stream(3, "map", &[]);
    let (n, k, m) = (3, 3, 8);
    let coefficients: Vec<Vec<(usize, f64)>> =
        (0..m).map(|_| (0..n).map(|j| (j, noise(rng))).collect()).collect();
    let targets: Vec<Vec<f64>> = (0..m).map(|_| (0..k).map(|_| noise(rng)).collect()).collect();
    let table = || coefficients.iter().zip(&targets);
    let mut basis = Rows::new(n, k);
    table().for_each(|(a, b)| basis.density(2.0, a, b));
    let mut map = Dense::new();
    map.eliminate(&basis).unwrap();
    let u = [1.0, -0.7, 2.5];
    let mut direct = Rows::new(n, 1);
    for (a, b) in table() {
        direct.density(2.0, a, &[b.iter().zip(&u).map(|(b, u)| b * u).sum()]);
    }
    let mut one = Dense::new();
    one.eliminate(&direct).unwrap();
    let (mut mean, mut column) = ([0.0; 3], [0.0; 3]);
    let mut want = [0.0; 3];
    one.mean(0, &mut want);
    for r in 0..k {
        map.mean(r, &mut column);
        (0..n).for_each(|i| mean[i] += u[r] * column[i]);
    }
    (0..n).for_each(|i| close(mean[i], want[i], 1e-13));
    let square: f64 =
        (0..k).map(|i| (i..k).map(|r| map.residual_root(i, r) * u[r]).sum::<f64>()).map(|s| s * s).sum();
    close(map.log_normaliser() - 0.5 * square, one.log_evidence(0), 1e-13);
}

#[test]
fn copies_of_a_row_are_rows() {
    let a = [(0, 1.0), (1, -2.0)];
    let of = |fill: &dyn Fn(&mut Rows)| {
        let mut rows = Rows::new(2, 1);
        rows.density(0.5, &[(0, 1.0)], &[1.0]);
        rows.density(0.5, &[(1, 1.0)], &[0.0]);
        fill(&mut rows);
        let mut dense = Dense::new();
        dense.eliminate(&rows).unwrap();
        let mut mean = [0.0; 2];
        dense.mean(0, &mut mean);
        (dense.log_evidence(0), mean)
    };
    let thrice = of(&|rows| (0..3).for_each(|_| rows.density(0.7, &a, &[2.0])));
    let copies = of(&|rows| rows.copies(3.0, 0.7, &a, &[2.0]));
    close(copies.0, thrice.0, 1e-14);
    (0..2).for_each(|i| close(copies.1[i], thrice.1[i], 1e-14));
    assert_eq!(of(&|rows| rows.copies(0.0, 0.7, &a, &[2.0])), of(&|_| {}));
}

/// Σ_de Λ_de Cov(w_d · v, w_e · v) for v = (x, y): the expectation of a square over uncertain coefficients is that of its rows.
#[test]
fn uncertain_coefficients_are_rows() {
    let root = DMatrix::from_row_slice(4, 2, &[0.5, 0.1, -0.3, 0.4, 0.2, 0.0, 0.1, 0.7]);
    let s = &root * root.transpose();
    let y = 1.7;
    // Targets are multiples of the data.
    let mut dense = Dense::new();
    let mut scaled = Rows::new(3, 1);
    (0..3).for_each(|j| scaled.density(0.5, &[(j, 1.0)], &[0.3 / y]));
    scaled.uncertain(&s, &[2, 0, 1]);
    dense.eliminate(&scaled).unwrap();
    let mut list: Vec<(Vec<f64>, f64)> =
        (0..3).map(|j| ((0..3).map(|i| 0.5 * f64::from(i == j)).collect(), 0.15)).collect();
    for r in 0..2 {
        list.push((vec![-root[(1, r)], -root[(2, r)], -root[(0, r)]], root[(3, r)] * y));
    }
    let log_factor = 3.0 * (0.5_f64.ln() - 0.5 * crate::oracle::LOG_TAU);
    let (evidence, mean, _) = quadratic_form(&list, log_factor);
    let mut got = [0.0; 3];
    dense.mean(0, &mut got);
    (0..3).for_each(|i| close(got[i] * y, mean[i], 1e-13));
    close(dense.log_normaliser() - 0.5 * dense.residual(0) * y * y, evidence, 1e-13);
    assert_eq!(scaled.len(), 5);
}

#[test]
fn whitened_rows_are_a_normal_with_a_dense_covariance() {
    // x ~ Normal(0, 4), y = (x, 2x) + Normal(0, Σ)
    let sigma = DMatrix::from_row_slice(2, 2, &[1.3, 0.4, 0.4, 0.9]);
    let whitener = sigma.clone().cholesky().unwrap().l().try_inverse().unwrap();
    let mut rows = Rows::new(1, 1);
    rows.density(0.5, &[(0, 1.0)], &[0.0]);
    rows.whitened(&whitener, &[&[(0, 1.0)], &[(0, 2.0)]], &[0.7, -1.1]);
    let mut dense = Dense::new();
    dense.eliminate(&rows).unwrap();
    let load = DMatrix::from_row_slice(2, 1, &[1.0, 2.0]);
    let cov: DMatrix<f64> = &load * 4.0 * load.transpose() + sigma;
    let y = DMatrix::from_row_slice(2, 1, &[0.7, -1.1]);
    let square = (y.transpose() * cov.clone().try_inverse().unwrap() * &y)[(0, 0)];
    close(
        dense.log_evidence(0),
        -0.5 * (2.0 * crate::oracle::LOG_TAU + cov.determinant().ln() + square),
        1e-13,
    );
}

#[test]
fn an_unknown_without_rows_is_an_error_that_names_it() {
    let undetermined = |n: usize, fill: &dyn Fn(&mut Rows)| {
        let mut rows = Rows::new(n, 1);
        fill(&mut rows);
        Dense::new().eliminate(&rows)
    };
    let at = |column| Err(Failure::Undetermined { block: 0, column });
    assert_eq!(undetermined(1, &|_| {}), at(0));
    assert_eq!(undetermined(0, &|_| {}), Ok(()));
    assert_eq!(undetermined(3, &|rows| (0..2).for_each(|j| rows.density(1.0, &[(j, 1.0)], &[0.0]))), at(2));
    // Two rows that see the same combination, at any scale.
    for s in [1e-9, 1.0, 1e12] {
        assert_eq!(
            undetermined(2, &|rows| {
                (1..9).for_each(|k| rows.density(s, &[(0, 0.1 * k as f64), (1, 0.3 * k as f64)], &[1.0]))
            }),
            at(1)
        );
    }
    // A weak prior is a prior.
    assert_eq!(
        undetermined(2, &|rows| {
            rows.density(1e-6, &[(1, 1.0)], &[0.0]);
            rows.density(1.0, &[(0, 1.0), (1, 1.0)], &[1.0]);
        }),
        Ok(())
    );
    assert_eq!(
        undetermined(1, &|rows| rows.density(1.0, &[(0, f64::NAN)], &[0.0])),
        Err(Failure::NotFinite { block: 0 })
    );
    let named = Failure::Undetermined { block: 0, column: 2 }.named(|_, j| format!("w[{j}]"));
    assert_eq!(
        named.to_string(),
        "the posterior of w[2] is improper: neither its prior nor the data determine it"
    );
}

#[test]
fn draws_have_the_moments_of_the_posterior() {
    let mut rows = Rows::new(2, 1);
    rows.density(1.0, &[(0, 1.0)], &[2.0]);
    rows.density(2.0, &[(0, 1.0), (1, -1.0)], &[0.5]);
    let mut dense = Dense::new();
    dense.eliminate(&rows).unwrap();
    let (mut mean, mut cov) = ([0.0; 2], [0.0; 4]);
    dense.mean(0, &mut mean);
    dense.covariance(&mut cov);
    let draws = 40_000;
    let rng = &mut stream(4, "draws", &[]);
    let (mut x, mut sum, mut square) = ([0.0; 2], [0.0; 2], [0.0; 4]);
    for _ in 0..draws {
        dense.sample(0, rng, &mut x);
        for i in 0..2 {
            let d = x[i] - mean[i];
            sum[i] += d / draws as f64;
            (0..2).for_each(|j| square[2 * i + j] += d * (x[j] - mean[j]) / draws as f64);
        }
    }
    // Five standard errors.
    let error = 5.0 / f64::from(draws).sqrt();
    for i in 0..2 {
        assert!(sum[i].abs() < error * cov[3 * i].sqrt());
        for j in 0..2 {
            let sd = (cov[3 * i] * cov[3 * j] + cov[2 * i + j].powi(2)).sqrt();
            assert!((square[2 * i + j] - cov[2 * i + j]).abs() < error * sd);
        }
    }
}
