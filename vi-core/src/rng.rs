//! Random numbers keyed by what they are for.
//!
//! Each ground element of each statement has a stream of its own, found from (seed, statement name, index) alone. So draws do not
//! depend on the order of the loop or on the number of threads, and a new statement does not reshuffle the draws of the others.

/// What draws take.
pub use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// The stream of one element: a function of `seed`, the statement's `name` and the element's `index`, and of nothing else.
///
/// The 256-bit ChaCha8 key is seed (64 bits, little endian) ‖ FNV-1a-128 of the name's UTF-8 bytes ‖ a 64-bit word for the leading
/// indices; the ChaCha stream number is the last index. The word is 0 for at most one index, the first index for two of them, and a
/// SplitMix64 chain over all but the last beyond that. So elements of one statement with at most two indices never share a stream,
/// and those with more share one with probability about n² / 2⁶⁵ for n different leading parts. All elements of a statement are taken
/// to have equally many indices.
///
/// ```
/// use vi_core::rng::{stream, uniform};
///
/// let draw = |name, index: &[usize]| uniform(&mut stream(7, name, index));
/// assert_eq!(draw("z", &[3, 1]), draw("z", &[3, 1]));
/// assert_ne!(draw("z", &[3, 1]), draw("z", &[1, 3]));
/// assert_ne!(draw("z", &[3, 1]), draw("x", &[3, 1]));
/// ```
pub fn stream(seed: u64, name: &str, index: &[usize]) -> ChaCha8Rng {
    let (last, leading) = match index {
        [] => (0, 0),
        [n] => (*n as u64, 0),
        [s, t] => (*t as u64, *s as u64),
        [leading @ .., last] => (*last as u64, chain(leading)),
    };
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..24].copy_from_slice(&fnv1a(name.as_bytes()).to_le_bytes());
    key[24..].copy_from_slice(&leading.to_le_bytes());
    let mut rng = ChaCha8Rng::from_seed(key);
    rng.set_stream(last);
    rng
}

/// A draw from the uniform distribution on [0, 1): a multiple of 2⁻⁵³, each equally likely.
pub fn uniform(rng: &mut impl Rng) -> f64 {
    const UNIT: f64 = 1.0 / (1u64 << 53) as f64;
    (rng.next_u64() >> 11) as f64 * UNIT
}

/// A draw from the categorical distribution with p\[k\] ∝ `weights[k]`, by inversion.
///
/// Weights that are not positive numbers have probability 0; if none is positive the draw is 0. A category of weight 0 is never drawn
/// when another has weight. Consumes one draw whatever the weights.
pub fn categorical(rng: &mut impl Rng, weights: &[f64]) -> usize {
    categorical_by(rng, weights.len(), |k| weights[k])
}

/// [`categorical`] for weights that do not lie side by side.
pub(crate) fn categorical_by(rng: &mut impl Rng, categories: usize, weight: impl Fn(usize) -> f64) -> usize {
    let positive = |k: usize| {
        let w = weight(k);
        if w > 0.0 { w } else { 0.0 }
    };
    let mut left = uniform(rng) * (0..categories).map(positive).sum::<f64>();
    let mut drawn = 0;
    for k in 0..categories {
        let weight = positive(k);
        if weight > 0.0 {
            drawn = k;
            if left < weight {
                break;
            }
            left -= weight;
        }
    }
    drawn
}

/// FNV-1a with the 128-bit parameters of the FNV specification.
fn fnv1a(bytes: &[u8]) -> u128 {
    const OFFSET: u128 = 0x6c62272e07bb014262b821756295c58d;
    const PRIME: u128 = 0x0000000001000000000000000000013b;
    bytes.iter().fold(OFFSET, |hash, &byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME))
}

fn chain(index: &[usize]) -> u64 {
    index.iter().fold(0, |hash, &i| splitmix64(hash ^ i as u64))
}

/// One step of SplitMix64 (Steele, Lea and Flood 2014), a bijection of the 64-bit words.
fn splitmix64(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d049bb133111eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn hashes_agree_with_their_published_vectors() {
        // draft-eastlake-fnv, FNV-1a-128 of "" and "a"; SplitMix64 from state 0 as in the JDK's SplittableRandom.
        assert_eq!(fnv1a(b""), 0x6c62272e07bb014262b821756295c58d);
        assert_eq!(fnv1a(b"a"), 0xd228cb696f1a8caf78912b704e4a8964);
        assert_eq!(splitmix64(0), 0xe220a8397b1dcdaf);
    }

    #[test]
    fn streams_differ_in_seed_name_and_index() {
        let mut seen = HashSet::new();
        let mut count = 0;
        for seed in 0..3 {
            for name in ["z", "x", "z1", "", "ζ"] {
                for i in 0..4 {
                    for j in 0..4 {
                        for k in 0..4 {
                            seen.insert(stream(seed, name, &[i, j, k]).next_u64());
                            count += 1;
                        }
                    }
                }
            }
        }
        assert_eq!(seen.len(), count);
    }

    #[test]
    fn indices_beyond_32_bits_are_told_apart() {
        let first = |index: &[usize]| stream(1, "x", index).next_u64();
        assert_ne!(first(&[5]), first(&[5 + (1 << 32)]));
        assert_ne!(first(&[5, 0]), first(&[5 + (1 << 32), 0]));
        assert_ne!(first(&[0, 0, 7]), first(&[0, 0, 7 + (1 << 40)]));
    }

    #[test]
    fn streams_are_frozen() {
        // Computed from RFC 8439's block function at 8 rounds, with the key and the 64-bit stream number laid out as documented.
        // A change of these numbers changes every seeded result of every user.
        let mut rng = stream(1, "z", &[2, 3]);
        assert_eq!([rng.next_u64(), rng.next_u64()], [0xa45d6be9f04ebaec, 0x3836932faa3804b6]);
    }

    #[test]
    fn uniform_stays_below_one_and_has_the_moments_of_its_law() {
        struct Constant(u64);
        impl rand::TryRng for Constant {
            type Error = std::convert::Infallible;
            fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
                Ok(self.0 as u32)
            }
            fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
                Ok(self.0)
            }
            fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
                bytes.fill(self.0 as u8);
                Ok(())
            }
        }
        assert_eq!(uniform(&mut Constant(u64::MAX)), 1.0 - f64::EPSILON / 2.0);
        assert_eq!(uniform(&mut Constant(0)), 0.0);

        let n = 100_000;
        let draws: Vec<f64> = (0..n).map(|i| uniform(&mut stream(3, "u", &[i]))).collect();
        let mean = draws.iter().sum::<f64>() / n as f64;
        let square = draws.iter().map(|u| u * u).sum::<f64>() / n as f64;
        // Five standard errors: sd(u) = 1/√12, sd(u²) = √(4/45).
        let error = 5.0 / (n as f64).sqrt();
        assert!((mean - 0.5).abs() < error / 12f64.sqrt(), "{mean}");
        assert!((square - 1.0 / 3.0).abs() < error * (4.0f64 / 45.0).sqrt(), "{square}");
    }

    #[test]
    fn categorical_draws_in_proportion_and_never_a_zero() {
        let weights = [0.0, 3.0, 0.0, 1.0, f64::NAN, -1.0];
        let n = 40_000;
        let mut counts = [0usize; 6];
        for i in 0..n {
            counts[categorical(&mut stream(5, "c", &[i]), &weights)] += 1;
        }
        assert_eq!([counts[0], counts[2], counts[4], counts[5]], [0; 4]);
        let share = counts[1] as f64 / n as f64;
        assert!((share - 0.75).abs() < 5.0 * (0.75f64 * 0.25 / n as f64).sqrt(), "{share}");
    }

    #[test]
    fn categorical_is_total() {
        let mut rng = stream(5, "c", &[]);
        assert_eq!(categorical(&mut rng, &[]), 0);
        assert_eq!(categorical(&mut rng, &[0.0, 0.0]), 0);
        assert_eq!(categorical(&mut rng, &[0.0, 1e-320]), 1);
    }
}
