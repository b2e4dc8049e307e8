//! Storage of tiles.

use std::ops::{Deref, DerefMut};

/// A line of the cache: 64 bytes.
const LINE: usize = 64;

/// A slice of zeros to begin with, aligned to a line of the cache.
///
/// Allocators align to 16 bytes; then every load of eight lanes touches two lines, which slows the kernels down by a
/// fifth. Rows of tiles whose number of units is a multiple of eight are all aligned.
#[derive(Debug)]
pub struct TileBuffer {
    storage: Vec<f64>,
    start: usize,
    len: usize,
}

impl TileBuffer {
    /// A buffer of `len` zeros.
    #[must_use]
    pub fn new(len: usize) -> Self {
        let storage = vec![0.0; len + LINE / size_of::<f64>() - 1];
        // `align_offset` may decline to answer (it does in const evaluation); alignment is for speed only.
        let start = match storage.as_ptr().align_offset(LINE) {
            start if start.saturating_add(len) <= storage.len() => start,
            _ => 0,
        };
        Self { storage, start, len }
    }
}

impl Deref for TileBuffer {
    type Target = [f64];
    fn deref(&self) -> &[f64] {
        &self.storage[self.start..][..self.len]
    }
}

impl DerefMut for TileBuffer {
    fn deref_mut(&mut self) -> &mut [f64] {
        &mut self.storage[self.start..][..self.len]
    }
}

impl Clone for TileBuffer {
    fn clone(&self) -> Self {
        let mut copy = Self::new(self.len);
        copy.copy_from_slice(self);
        copy
    }
}

impl Default for TileBuffer {
    fn default() -> Self {
        Self::new(0)
    }
}
