//! What of the covariance lies in fronts, from the roots down.
//!
//! ```text
//! K = −R₁₁⁻¹ R₁₂      Cov(x₁, x₂) = K Cov(x₂)      Cov(x₁) = R₁₁⁻¹ R₁₁⁻ᵀ + K Cov(x₂) Kᵀ
//! ```
//!
//! (Takahashi, Fagan and Chin 1973.) Sums of positive terms. All unknowns of a row are in one front, so that whatever a row is uncertain by is
//! here, at no more memory than the fronts themselves.

use super::householder::invert_upper;
use super::order::Pattern;

/// Cov of each front, by rows, one front after another.
pub(super) fn covariances(p: &Pattern, roots: &[f64]) -> Vec<f64> {
    let mut all = vec![0.0; p.entries()];
    let (mut inverse, mut gain, mut outer) = (vec![], vec![], vec![]);
    for front in p.fronts().iter().rev() {
        let (pivots, width) = (front.pivots, front.width());
        let border = width - pivots;
        let root = &roots[front.root..][..pivots * width];
        inverse.resize(pivots * pivots, 0.0);
        invert_upper(root, width, pivots, &mut inverse);
        // Cov(x₂), which the parent holds.
        outer.clear();
        if let Some(parent) = front.parent {
            let parent = &p.fronts()[parent];
            for i in p.into(front) {
                let row = &all[parent.entries + i * parent.width()..][..parent.width()];
                outer.extend(p.into(front).iter().map(|j| row[*j]));
            }
        }
        gain.clear();
        gain.resize(pivots * border, 0.0);
        for i in 0..pivots {
            let to = &mut gain[i * border..(i + 1) * border];
            for k in i..pivots {
                let a = inverse[i * pivots + k];
                let from = &root[k * width + pivots..(k + 1) * width];
                to.iter_mut().zip(from).for_each(|(t, r)| *t -= a * r);
            }
        }
        let cov = &mut all[front.entries..][..width * width];
        for (i, row) in outer.chunks_exact(border.max(1)).enumerate() {
            cov[(pivots + i) * width + pivots..][..border].copy_from_slice(row);
        }
        for i in 0..pivots {
            for j in 0..border {
                let cross: f64 = gain[i * border..(i + 1) * border]
                    .iter()
                    .zip(&outer[j * border..])
                    .map(|(k, c)| k * c)
                    .sum();
                cov[i * width + pivots + j] = cross;
                cov[(pivots + j) * width + i] = cross;
            }
            for j in 0..=i {
                let own: f64 = (i..pivots).map(|k| inverse[i * pivots + k] * inverse[j * pivots + k]).sum();
                let cross = &cov[i * width + pivots..(i + 1) * width];
                let through: f64 =
                    cross.iter().zip(&gain[j * border..(j + 1) * border]).map(|(c, k)| c * k).sum();
                cov[i * width + j] = own + through;
                cov[j * width + i] = own + through;
            }
        }
    }
    all
}
