use crate::oracle::{Joint, close, noise};
use vi_core::engine::gauss::{Failure, Rows, tree::Tree};
use vi_core::rng::stream;

#[test]
fn random_hierarchies_agree_with_their_joint_normal() {
    let mut tree = Tree::new();
    let mut rows = Rows::default();
    for case in 0..40 {
        let rng = &mut stream(1, "tree", &[case]);
        // Case 0 mod 4: one shared block and many around it; 1: a chain; 2: anything; 3: several trees.
        let blocks = 1 + case % 8;
        let sizes: Vec<usize> = (0..blocks).map(|_| (2.0 * (noise(rng) + 1.0)) as usize).collect();
        let parents: Vec<usize> = (0..blocks)
            .map(|n| match case % 4 {
                0 if n > 0 => 0,
                1 if n > 0 => n - 1,
                2 if n > 0 => (n as f64 * 0.5 * (noise(rng) + 1.0)) as usize,
                3 if n % 3 > 0 => n - n % 3,
                _ => usize::MAX,
            })
            .collect();
        let starts: Vec<usize> = sizes.iter().scan(0, |at, h| Some(std::mem::replace(at, *at + h))).collect();
        let mut joint = Joint::default();
        let mut per_block = vec![];
        for n in 0..blocks {
            let (h, p) = (sizes[n], parents[n]);
            let g = if p < n { sizes[p] } else { 0 };
            rows.reset(h + g, 1);
            for i in 0..h {
                let (offset, sd) = (noise(rng), 0.2 + noise(rng).abs());
                let from: Vec<f64> = (0..g).map(|_| noise(rng)).collect();
                let of: Vec<(usize, f64)> = (0..g).map(|j| (starts[p] + j, from[j])).collect();
                joint.add(&of, offset, sd * sd);
                let mut row = vec![(i, 1.0)];
                row.extend((0..g).map(|j| (h + j, -from[j])));
                rows.density(1.0 / sd, &row, &[offset]);
            }
            per_block.push(rows.clone());
        }
        let unknowns = joint.mean.len();
        let mut observed = vec![];
        for n in 0..blocks {
            let (h, p) = (sizes[n], parents[n]);
            let g = if p < n { sizes[p] } else { 0 };
            for k in 0..(case + n) % 5 {
                let a: Vec<(usize, f64)> = (0..h + g).map(|j| (j, noise(rng))).collect();
                let place = |j: usize| if j < h { starts[n] + j } else { starts[p] + j - h };
                let of: Vec<(usize, f64)> = a.iter().map(|(j, x)| (place(*j), *x)).collect();
                let (sd, y) = (0.1 + noise(rng).abs(), 3.0 * noise(rng));
                let at = joint.add(&of, 0.0, sd * sd);
                if k != 1 {
                    observed.push((at, y));
                    per_block[n].density(1.0 / sd, &a, &[y]);
                }
            }
        }
        tree.start(&sizes, &parents, 1);
        for n in (0..blocks).rev() {
            assert_eq!(tree.eliminate(&per_block[n]), Ok(n));
        }
        tree.finish();
        let hidden: Vec<usize> = (0..unknowns).collect();
        let (evidence, mean, cov) = joint.given(&observed, &hidden);
        close(tree.log_evidence(0), evidence, 1e-10);
        for n in 0..blocks {
            let (h, p) = (sizes[n], parents[n]);
            let g = if p < n { sizes[p] } else { 0 };
            for i in 0..h {
                close(tree.mean(n, 0)[i], mean[starts[n] + i], 1e-10);
                for j in 0..h {
                    close(tree.covariance(n)[i * h + j], cov[(starts[n] + i, starts[n] + j)], 1e-10);
                }
                for j in 0..g {
                    close(tree.cross(n)[i * g + j], cov[(starts[n] + i, starts[p] + j)], 1e-10);
                }
            }
        }
    }
}

/// y[i, j] ~ Normal(shared + own[j], 1), own[j] ~ Normal(0, 4), the shared level diffuse: balanced groups, so everything is known.
#[test]
fn a_diffuse_level_of_many_groups_is_the_mean_of_their_means() {
    let (groups, each) = (10_000, 3);
    let y = |j: usize, i: usize| ((j * 7 + i * 5) % 11) as f64;
    let parents: Vec<usize> = (0..=groups).map(|n| if n == 0 { usize::MAX } else { 0 }).collect();
    let mut tree = Tree::new();
    tree.start(&vec![1; groups + 1], &parents, 1);
    let mut rows = Rows::new(2, 1);
    for j in (0..groups).rev() {
        rows.clear();
        rows.density(0.5, &[(0, 1.0)], &[0.0]);
        (0..each).for_each(|i| rows.density(1.0, &[(0, 1.0), (1, 1.0)], &[y(j, i)]));
        tree.eliminate(&rows).unwrap();
    }
    tree.eliminate(&Rows::new(1, 1)).unwrap();
    tree.finish();
    let mean = |j: usize| (0..each).map(|i| y(j, i)).sum::<f64>() / each as f64;
    let level = (0..groups).map(mean).sum::<f64>() / groups as f64;
    let between = 4.0 + 1.0 / each as f64;
    close(tree.mean(0, 0)[0], level, 1e-13);
    close(tree.covariance(0)[0], between / groups as f64, 1e-12);
    for j in [0, 17, 9_999] {
        let shrink = 4.0 / between;
        close(tree.mean(j + 1, 0)[0], shrink * (mean(j) - level), 1e-12);
        close(tree.cross(j + 1)[0], -shrink * between / groups as f64, 1e-12);
    }
    // Without data in any group nothing says where the level is.
    tree.start(&[1, 1], &[0, 0], 1);
    rows.clear();
    rows.density(0.5, &[(0, 1.0), (1, -1.0)], &[0.0]);
    tree.eliminate(&rows).unwrap();
    assert_eq!(tree.eliminate(&Rows::new(1, 1)), Err(Failure::Undetermined { block: 0, column: 0 }));
}

#[test]
fn draws_of_a_tree_have_the_moments_of_its_posterior() {
    let mut tree = Tree::new();
    tree.start(&[1, 2], &[usize::MAX, 0], 1);
    let mut rows = Rows::new(3, 1);
    rows.density(1.0, &[(0, 1.0), (2, -0.5)], &[0.3]);
    rows.density(2.0, &[(1, 1.0), (0, 0.4)], &[1.0]);
    rows.density(1.0, &[(0, 1.0), (1, 1.0)], &[2.0]);
    tree.eliminate(&rows).unwrap();
    let mut root = Rows::new(1, 1);
    root.density(0.7, &[(0, 1.0)], &[1.0]);
    tree.eliminate(&root).unwrap();
    tree.finish();
    let draws = 40_000;
    let rng = &mut stream(2, "tree draws", &[]);
    let mut all = vec![0.0; 3 * draws];
    all.chunks_exact_mut(3).for_each(|x| tree.sample(0, rng, x));
    let error = 5.0 / (draws as f64).sqrt();
    let mean = [tree.mean(0, 0)[0], tree.mean(1, 0)[0], tree.mean(1, 0)[1]];
    let (v, c, root) = (tree.covariance(1), tree.cross(1), tree.covariance(0)[0]);
    let cov = [[root, c[0], c[1]], [c[0], v[0], v[1]], [c[1], v[2], v[3]]];
    for i in 0..3 {
        let average = all.chunks(3).map(|x| x[i]).sum::<f64>() / draws as f64;
        assert!((average - mean[i]).abs() < error * cov[i][i].sqrt());
        for j in 0..3 {
            let got = all.chunks(3).map(|x| (x[i] - mean[i]) * (x[j] - mean[j])).sum::<f64>() / draws as f64;
            let sd = (cov[i][i] * cov[j][j] + cov[i][j].powi(2)).sqrt();
            assert!((got - cov[i][j]).abs() < error * sd, "covariance {i}, {j}");
        }
    }
}
