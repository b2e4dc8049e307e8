//! The instruction set of the running machine, chosen once, and the packs of lanes the kernels are written in.
//!
//! A kernel is one generic body over [`Isa`]; [`vectorised!`] compiles it for AVX-512, for AVX2 with FMA, and for the
//! target's baseline. A value of an `Isa` type proves that its instructions exist, because only [`detected`] makes one.
//! Bodies and everything that handles a pack must be `#[inline(always)]` and use no closure on packs: code outside the
//! wrapper's `target_feature` would pass packs through memory and call the instructions one by one.

use std::sync::OnceLock;

/// One instruction set: `W` lanes of `f64` and the arithmetic on them.
pub(crate) trait Isa: Copy {
    /// Lanes of `f64`.
    type Pack: Copy;
    /// Number of lanes.
    const W: usize;
    /// Columns that fit in registers beside four rows of accumulators: `4 · COLUMNS + COLUMNS + 1` packs are live.
    const COLUMNS: usize;
    /// Whether a fused multiply-add is one instruction. Without it `f64::mul_add` calls the C library.
    const FMA: bool;

    fn splat(self, value: f64) -> Self::Pack;
    /// The first `W` entries of `from`.
    fn load(self, from: &[f64]) -> Self::Pack;
    /// Writes the lanes over the first `W` entries of `to`.
    fn store(self, pack: Self::Pack, to: &mut [f64]);
    fn add(self, a: Self::Pack, b: Self::Pack) -> Self::Pack;
    fn sub(self, a: Self::Pack, b: Self::Pack) -> Self::Pack;
    fn mul(self, a: Self::Pack, b: Self::Pack) -> Self::Pack;
    fn div(self, a: Self::Pack, b: Self::Pack) -> Self::Pack;
    /// The larger of each two lanes; that of `b` where one is NaN.
    fn max(self, a: Self::Pack, b: Self::Pack) -> Self::Pack;
    /// `x` in the lanes where `a < b`, else `y`, also where one of `a` and `b` is NaN.
    fn select_less(self, a: Self::Pack, b: Self::Pack, x: Self::Pack, y: Self::Pack) -> Self::Pack;
    /// 0 in the lanes where `a < b`, else `x`.
    fn zero_where_less(self, a: Self::Pack, b: Self::Pack, x: Self::Pack) -> Self::Pack;
    /// `x`, and NaN in the lanes where `a` is NaN.
    fn with_nan_of(self, a: Self::Pack, x: Self::Pack) -> Self::Pack;
    /// `x · 2ⁿ`, where the low bits of `shifted` hold n: no check of what it becomes.
    fn times_power(self, x: Self::Pack, shifted: Self::Pack) -> Self::Pack;
    /// m in [1, 2) and n with x = m 2ⁿ, of positive normal numbers; of others, numbers of no meaning.
    fn split(self, x: Self::Pack) -> (Self::Pack, Self::Pack);
    /// `a b + c`
    fn fma(self, a: Self::Pack, b: Self::Pack, c: Self::Pack) -> Self::Pack;
    /// The sum over lanes of each of four packs.
    fn sums(self, packs: [Self::Pack; 4]) -> [f64; 4];
    /// The sum over lanes of each of eight packs.
    #[inline(always)]
    fn sums_of_eight(self, [a, b, c, d, e, f, g, h]: [Self::Pack; 8]) -> [f64; 8] {
        let ([a, b, c, d], [e, f, g, h]) = (self.sums([a, b, c, d]), self.sums([e, f, g, h]));
        [a, b, c, d, e, f, g, h]
    }
    /// Asks for the entries of `from` to be brought near. Only speed depends on it.
    #[inline(always)]
    fn fetch(self, _from: &[f64]) {}

    /// Four columns of four rows: `out[i][l] = rows[l][i]`.
    #[inline(always)]
    fn turned(self, rows: [&[f64; 4]; 4]) -> [[f64; 4]; 4] {
        std::array::from_fn(|i| std::array::from_fn(|l| rows[l][i]))
    }

    /// The entries of `from`, fewer than `W`, with zeros in the remaining lanes.
    #[inline(always)]
    fn load_partial(self, from: &[f64]) -> Self::Pack {
        let mut padded = [0.0; MAX_LANES];
        for (lane, &value) in padded.iter_mut().zip(from) {
            *lane = value;
        }
        self.load(&padded)
    }

    /// `a b + c` of scalars, fused where the machine fuses packs.
    #[inline(always)]
    fn scalar_fma(self, a: f64, b: f64, c: f64) -> f64 {
        if Self::FMA { a.mul_add(b, c) } else { a * b + c }
    }
}

/// The bits of the mantissa, and those of 1 and of 2⁵²: an integer below 2⁵² in the mantissa of 2⁵² becomes a number by a subtraction.
const MANTISSA: u64 = (1 << 52) - 1;
const ONE: u64 = 1.0_f64.to_bits();
const TWO_52: u64 = 4_503_599_627_370_496.0_f64.to_bits();
/// What is to be taken from 2⁵² and a biased exponent.
const BIAS: f64 = 4_503_599_627_370_496.0 + 1023.0;

/// The widest pack of any instruction set.
pub(crate) const MAX_LANES: usize = 8;

/// The target's baseline: the compiler vectorises what it can.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

impl Isa for Portable {
    type Pack = [f64; 2];
    const W: usize = 2;
    const COLUMNS: usize = 2;
    const FMA: bool = cfg!(any(target_feature = "fma", target_arch = "aarch64"));

    #[inline(always)]
    fn splat(self, value: f64) -> [f64; 2] {
        [value; 2]
    }
    #[inline(always)]
    fn load(self, from: &[f64]) -> [f64; 2] {
        [from[0], from[1]]
    }
    #[inline(always)]
    fn store(self, pack: [f64; 2], to: &mut [f64]) {
        to[..2].copy_from_slice(&pack);
    }
    #[inline(always)]
    fn add(self, a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
        [a[0] + b[0], a[1] + b[1]]
    }
    #[inline(always)]
    fn sub(self, a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
        [a[0] - b[0], a[1] - b[1]]
    }
    #[inline(always)]
    fn mul(self, a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
        [a[0] * b[0], a[1] * b[1]]
    }
    #[inline(always)]
    fn div(self, a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
        [a[0] / b[0], a[1] / b[1]]
    }
    #[inline(always)]
    fn max(self, a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
        [if a[0] > b[0] { a[0] } else { b[0] }, if a[1] > b[1] { a[1] } else { b[1] }]
    }
    #[inline(always)]
    fn select_less(self, a: [f64; 2], b: [f64; 2], x: [f64; 2], y: [f64; 2]) -> [f64; 2] {
        [if a[0] < b[0] { x[0] } else { y[0] }, if a[1] < b[1] { x[1] } else { y[1] }]
    }
    #[inline(always)]
    fn zero_where_less(self, a: [f64; 2], b: [f64; 2], x: [f64; 2]) -> [f64; 2] {
        [if a[0] < b[0] { 0.0 } else { x[0] }, if a[1] < b[1] { 0.0 } else { x[1] }]
    }
    #[inline(always)]
    fn with_nan_of(self, a: [f64; 2], x: [f64; 2]) -> [f64; 2] {
        [if a[0].is_nan() { a[0] } else { x[0] }, if a[1].is_nan() { a[1] } else { x[1] }]
    }
    #[inline(always)]
    fn times_power(self, x: [f64; 2], shifted: [f64; 2]) -> [f64; 2] {
        let of = |i: usize| f64::from_bits(x[i].to_bits().wrapping_add(shifted[i].to_bits() << 52));
        [of(0), of(1)]
    }
    #[inline(always)]
    fn split(self, x: [f64; 2]) -> ([f64; 2], [f64; 2]) {
        let bits = [x[0].to_bits(), x[1].to_bits()];
        (
            bits.map(|b| f64::from_bits(b & MANTISSA | ONE)),
            bits.map(|b| f64::from_bits(b >> 52 | TWO_52) - BIAS),
        )
    }
    #[inline(always)]
    fn fma(self, a: [f64; 2], b: [f64; 2], c: [f64; 2]) -> [f64; 2] {
        [self.scalar_fma(a[0], b[0], c[0]), self.scalar_fma(a[1], b[1], c[1])]
    }
    #[inline(always)]
    fn sums(self, p: [[f64; 2]; 4]) -> [f64; 4] {
        [p[0][0] + p[0][1], p[1][0] + p[1][1], p[2][0] + p[2][1], p[3][0] + p[3][1]]
    }
}

/// The best instruction set of the running machine.
#[derive(Clone, Copy)]
pub(crate) enum Detected {
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    Portable(Portable),
}

/// Looks at the machine on the first call.
pub(crate) fn detected() -> Detected {
    static DETECTED: OnceLock<Detected> = OnceLock::new();
    *DETECTED.get_or_init(|| {
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(isa) = Avx512::detect() {
                return Detected::Avx512(isa);
            }
            if let Some(isa) = Avx2::detect() {
                return Detected::Avx2(isa);
            }
        }
        Detected::Portable(Portable)
    })
}

/// Lanes of the machine's packs.
pub(crate) fn lanes() -> usize {
    match detected() {
        #[cfg(target_arch = "x86_64")]
        Detected::Avx512(_) => Avx512::W,
        #[cfg(target_arch = "x86_64")]
        Detected::Avx2(_) => Avx2::W,
        Detected::Portable(_) => Portable::W,
    }
}

/// Defines a function that runs `body(isa, arguments…)` compiled for the machine's instruction set.
macro_rules! vectorised {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? = $body:path;) => {
        $(#[$meta])*
        $vis fn $name($($arg: $ty),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx2,fma")]
            fn avx512(isa: $crate::tile::simd::Avx512, $($arg: $ty),*) $(-> $ret)? {
                $body(isa, $($arg),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2(isa: $crate::tile::simd::Avx2, $($arg: $ty),*) $(-> $ret)? {
                $body(isa, $($arg),*)
            }
            match $crate::tile::simd::detected() {
                // SAFETY: an `Avx512` exists only where every feature named on `avx512` was detected.
                #[cfg(target_arch = "x86_64")]
                $crate::tile::simd::Detected::Avx512(isa) => unsafe { avx512(isa, $($arg),*) },
                // SAFETY: an `Avx2` exists only where every feature named on `avx2` was detected.
                #[cfg(target_arch = "x86_64")]
                $crate::tile::simd::Detected::Avx2(isa) => unsafe { avx2(isa, $($arg),*) },
                $crate::tile::simd::Detected::Portable(isa) => $body(isa, $($arg),*),
            }
        }
    };
}
pub(crate) use vectorised;

/// Runs an expression once with each instruction set of the machine bound to `$isa`, not only the best one.
#[cfg(test)]
macro_rules! on_every_isa {
    ($isa:ident => $check:expr) => {{
        {
            let $isa = $crate::tile::simd::Portable;
            $check;
        }
        #[cfg(target_arch = "x86_64")]
        {
            if let Some($isa) = $crate::tile::simd::Avx2::detect() {
                $check;
            }
            if let Some($isa) = $crate::tile::simd::Avx512::detect() {
                $check;
            }
        }
    }};
}
#[cfg(test)]
pub(crate) use on_every_isa;

#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86;
