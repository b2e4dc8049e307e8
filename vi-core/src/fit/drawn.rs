//! What is said of a function of uncertain latents.

/// Mean and spread of a reported `let` that reads latents, from seeded draws of their joint q.
///
/// The mean of a `let` that is linear in its latents is that of their means, and has no error.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Drawn {
    /// Where no draw is needed for it.
    exact: Option<f64>,
    mean: f64,
    /// Σ (x − mean)²
    square: f64,
    draws: usize,
}

/// Draws of a `let` of one element.
const MOST: usize = 1000;
/// However many elements it has.
const LEAST: usize = 50;
/// Elements that are worked out in all draws together, within those bounds.
const ALTOGETHER: usize = 4_000_000;

/// How often latents are drawn for `let`s of so many elements.
#[must_use]
pub fn draws_for(elements: usize) -> usize {
    (ALTOGETHER / elements.max(1)).clamp(LEAST, MOST)
}

/// The random numbers of one draw.
#[must_use]
pub fn let_stream(draw: usize) -> rand_chacha::ChaCha8Rng {
    crate::rng::stream(0, "let", &[draw])
}

impl Drawn {
    /// A `let` whose mean is known.
    #[must_use]
    pub fn known(mean: f64) -> Self {
        Drawn { exact: Some(mean), ..Drawn::default() }
    }

    /// One more draw.
    pub fn add(&mut self, x: f64) {
        self.draws += 1;
        let gap = x - self.mean;
        self.mean += gap / self.draws as f64;
        self.square += gap * (x - self.mean);
    }

    /// E f(latents) under q.
    #[must_use]
    pub fn mean(&self) -> f64 {
        match self.exact {
            Some(mean) => mean,
            None if self.draws == 0 => f64::NAN,
            None => self.mean,
        }
    }

    /// Standard deviation of f(latents) under q, estimated from the draws.
    #[must_use]
    pub fn sd(&self) -> f64 {
        if self.draws < 2 { f64::NAN } else { (self.square / (self.draws - 1) as f64).sqrt() }
    }

    /// Monte-Carlo standard error of the mean: 0 where it is exact.
    #[must_use]
    pub fn error(&self) -> f64 {
        match self.exact {
            Some(_) => 0.0,
            None => self.sd() / (self.draws as f64).sqrt(),
        }
    }
}
