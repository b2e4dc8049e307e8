//! Packs of four and of eight lanes on x86-64.
//!
//! Intrinsics rather than arrays of `f64`: the accumulators of a register-blocked kernel written on arrays are spilled
//! to the stack in every iteration, which costs a factor of two to four.

use std::arch::x86_64::*;

use super::{BIAS, Isa, MANTISSA, ONE, TWO_52};

/// AVX-512 F, DQ, VL and BW, with AVX2 and FMA. A value is the proof that the machine has them.
#[derive(Clone, Copy)]
pub(crate) struct Avx512(());

impl Avx512 {
    pub(crate) fn detect() -> Option<Self> {
        let detected = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma");
        detected.then_some(Self(()))
    }
}

/// AVX2 and FMA. A value is the proof that the machine has them.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(());

impl Avx2 {
    pub(crate) fn detect() -> Option<Self> {
        let detected = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        detected.then_some(Self(()))
    }
}

impl Isa for Avx512 {
    type Pack = __m512d;
    const W: usize = 8;
    const COLUMNS: usize = 6;
    const FMA: bool = true;

    #[inline(always)]
    fn splat(self, value: f64) -> __m512d {
        // SAFETY: `self` proves AVX-512F.
        unsafe { _mm512_set1_pd(value) }
    }
    #[inline(always)]
    fn load(self, from: &[f64]) -> __m512d {
        let from = &from[..8];
        // SAFETY: `self` proves AVX-512F, and `from` has eight entries.
        unsafe { _mm512_loadu_pd(from.as_ptr()) }
    }
    #[inline(always)]
    fn store(self, pack: __m512d, to: &mut [f64]) {
        let to = &mut to[..8];
        // SAFETY: `self` proves AVX-512F, and `to` has eight entries.
        unsafe { _mm512_storeu_pd(to.as_mut_ptr(), pack) }
    }
    #[inline(always)]
    fn add(self, a: __m512d, b: __m512d) -> __m512d {
        // SAFETY: `self` proves AVX-512F.
        unsafe { _mm512_add_pd(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: __m512d, b: __m512d) -> __m512d {
        // SAFETY: `self` proves AVX-512F.
        unsafe { _mm512_sub_pd(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: __m512d, b: __m512d) -> __m512d {
        // SAFETY: `self` proves AVX-512F.
        unsafe { _mm512_mul_pd(a, b) }
    }
    #[inline(always)]
    fn div(self, a: __m512d, b: __m512d) -> __m512d {
        // SAFETY: `self` proves AVX-512F.
        unsafe { _mm512_div_pd(a, b) }
    }
    #[inline(always)]
    fn max(self, a: __m512d, b: __m512d) -> __m512d {
        // SAFETY: `self` proves AVX-512F.
        unsafe { _mm512_max_pd(a, b) }
    }
    #[inline(always)]
    fn select_less(self, a: __m512d, b: __m512d, x: __m512d, y: __m512d) -> __m512d {
        // SAFETY: `self` proves AVX-512F.
        unsafe { _mm512_mask_blend_pd(_mm512_cmp_pd_mask::<_CMP_LT_OQ>(a, b), y, x) }
    }
    #[inline(always)]
    fn zero_where_less(self, a: __m512d, b: __m512d, x: __m512d) -> __m512d {
        // SAFETY: `self` proves AVX-512F.
        unsafe { _mm512_maskz_mov_pd(_mm512_cmp_pd_mask::<_CMP_NLT_UQ>(a, b), x) }
    }
    #[inline(always)]
    fn with_nan_of(self, a: __m512d, x: __m512d) -> __m512d {
        // SAFETY: `self` proves AVX-512F.
        unsafe { _mm512_mask_mov_pd(x, _mm512_cmp_pd_mask::<_CMP_UNORD_Q>(a, a), a) }
    }
    #[inline(always)]
    fn times_power(self, x: __m512d, shifted: __m512d) -> __m512d {
        // SAFETY: `self` proves AVX-512F.
        unsafe {
            let power = _mm512_slli_epi64::<52>(_mm512_castpd_si512(shifted));
            _mm512_castsi512_pd(_mm512_add_epi64(_mm512_castpd_si512(x), power))
        }
    }
    #[inline(always)]
    fn split(self, x: __m512d) -> (__m512d, __m512d) {
        // SAFETY: `self` proves AVX-512F.
        unsafe {
            let bits = _mm512_castpd_si512(x);
            let mantissa = _mm512_and_si512(bits, _mm512_set1_epi64(MANTISSA as i64));
            let mantissa = _mm512_or_si512(mantissa, _mm512_set1_epi64(ONE as i64));
            let biased = _mm512_or_si512(_mm512_srli_epi64::<52>(bits), _mm512_set1_epi64(TWO_52 as i64));
            let exponent = _mm512_sub_pd(_mm512_castsi512_pd(biased), _mm512_set1_pd(BIAS));
            (_mm512_castsi512_pd(mantissa), exponent)
        }
    }
    #[inline(always)]
    fn fma(self, a: __m512d, b: __m512d, c: __m512d) -> __m512d {
        // SAFETY: `self` proves AVX-512F.
        unsafe { _mm512_fmadd_pd(a, b, c) }
    }
    #[inline(always)]
    fn sums(self, [a, b, c, d]: [__m512d; 4]) -> [f64; 4] {
        let mut sums = [0.0; 4];
        // SAFETY: `self` proves AVX-512F and AVX, and `sums` has four entries.
        unsafe {
            let ab = _mm512_add_pd(_mm512_unpacklo_pd(a, b), _mm512_unpackhi_pd(a, b));
            let cd = _mm512_add_pd(_mm512_unpacklo_pd(c, d), _mm512_unpackhi_pd(c, d));
            // Four quarters (a, b) and four (c, d) become (a, b), (a, b), (c, d), (c, d).
            let quarters =
                _mm512_add_pd(_mm512_shuffle_f64x2::<0x88>(ab, cd), _mm512_shuffle_f64x2::<0xdd>(ab, cd));
            let folded = _mm512_add_pd(quarters, _mm512_shuffle_f64x2::<0xb1>(quarters, quarters));
            let packed = _mm512_shuffle_f64x2::<0x08>(folded, folded);
            _mm256_storeu_pd(sums.as_mut_ptr(), _mm512_castpd512_pd256(packed));
        }
        sums
    }
    #[inline(always)]
    fn sums_of_eight(self, [a, b, c, d, e, f, g, h]: [__m512d; 8]) -> [f64; 8] {
        let mut sums = [0.0; 8];
        // SAFETY: `self` proves AVX-512F, and `sums` has eight entries.
        unsafe {
            let ab = _mm512_add_pd(_mm512_unpacklo_pd(a, b), _mm512_unpackhi_pd(a, b));
            let cd = _mm512_add_pd(_mm512_unpacklo_pd(c, d), _mm512_unpackhi_pd(c, d));
            let ef = _mm512_add_pd(_mm512_unpacklo_pd(e, f), _mm512_unpackhi_pd(e, f));
            let gh = _mm512_add_pd(_mm512_unpacklo_pd(g, h), _mm512_unpackhi_pd(g, h));
            // Of each pair four quarters, then two halves, then one.
            let abcd =
                _mm512_add_pd(_mm512_shuffle_f64x2::<0x88>(ab, cd), _mm512_shuffle_f64x2::<0xdd>(ab, cd));
            let efgh =
                _mm512_add_pd(_mm512_shuffle_f64x2::<0x88>(ef, gh), _mm512_shuffle_f64x2::<0xdd>(ef, gh));
            let all = _mm512_add_pd(
                _mm512_shuffle_f64x2::<0x88>(abcd, efgh),
                _mm512_shuffle_f64x2::<0xdd>(abcd, efgh),
            );
            _mm512_storeu_pd(sums.as_mut_ptr(), all);
        }
        sums
    }
    #[inline(always)]
    fn turned(self, rows: [&[f64; 4]; 4]) -> [[f64; 4]; 4] {
        // SAFETY: `self` proves AVX.
        unsafe { turned(rows) }
    }
    #[inline(always)]
    fn fetch(self, from: &[f64]) {
        fetch(from);
    }
}

/// # Safety
/// The machine has AVX.
#[inline(always)]
unsafe fn turned(rows: [&[f64; 4]; 4]) -> [[f64; 4]; 4] {
    let mut out = [[0.0; 4]; 4];
    // SAFETY: the machine has AVX, and rows and columns have four entries.
    unsafe {
        let [a, b, c, d] = [
            _mm256_loadu_pd(rows[0].as_ptr()),
            _mm256_loadu_pd(rows[1].as_ptr()),
            _mm256_loadu_pd(rows[2].as_ptr()),
            _mm256_loadu_pd(rows[3].as_ptr()),
        ];
        let (even, odd) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
        let (later_even, later_odd) = (_mm256_unpacklo_pd(c, d), _mm256_unpackhi_pd(c, d));
        _mm256_storeu_pd(out[0].as_mut_ptr(), _mm256_permute2f128_pd::<0x20>(even, later_even));
        _mm256_storeu_pd(out[1].as_mut_ptr(), _mm256_permute2f128_pd::<0x20>(odd, later_odd));
        _mm256_storeu_pd(out[2].as_mut_ptr(), _mm256_permute2f128_pd::<0x31>(even, later_even));
        _mm256_storeu_pd(out[3].as_mut_ptr(), _mm256_permute2f128_pd::<0x31>(odd, later_odd));
    }
    out
}

/// Brings the cache lines of `from` into the second level.
#[inline(always)]
fn fetch(from: &[f64]) {
    for line in from.chunks(8) {
        // SAFETY: a hint of an address; SSE is part of x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(line.as_ptr().cast()) };
    }
}

impl Isa for Avx2 {
    type Pack = __m256d;
    const W: usize = 4;
    const COLUMNS: usize = 3;
    const FMA: bool = true;

    #[inline(always)]
    fn splat(self, value: f64) -> __m256d {
        // SAFETY: `self` proves AVX.
        unsafe { _mm256_set1_pd(value) }
    }
    #[inline(always)]
    fn load(self, from: &[f64]) -> __m256d {
        let from = &from[..4];
        // SAFETY: `self` proves AVX, and `from` has four entries.
        unsafe { _mm256_loadu_pd(from.as_ptr()) }
    }
    #[inline(always)]
    fn store(self, pack: __m256d, to: &mut [f64]) {
        let to = &mut to[..4];
        // SAFETY: `self` proves AVX, and `to` has four entries.
        unsafe { _mm256_storeu_pd(to.as_mut_ptr(), pack) }
    }
    #[inline(always)]
    fn add(self, a: __m256d, b: __m256d) -> __m256d {
        // SAFETY: `self` proves AVX.
        unsafe { _mm256_add_pd(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: __m256d, b: __m256d) -> __m256d {
        // SAFETY: `self` proves AVX.
        unsafe { _mm256_sub_pd(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: __m256d, b: __m256d) -> __m256d {
        // SAFETY: `self` proves AVX.
        unsafe { _mm256_mul_pd(a, b) }
    }
    #[inline(always)]
    fn div(self, a: __m256d, b: __m256d) -> __m256d {
        // SAFETY: `self` proves AVX.
        unsafe { _mm256_div_pd(a, b) }
    }
    #[inline(always)]
    fn max(self, a: __m256d, b: __m256d) -> __m256d {
        // SAFETY: `self` proves AVX.
        unsafe { _mm256_max_pd(a, b) }
    }
    #[inline(always)]
    fn select_less(self, a: __m256d, b: __m256d, x: __m256d, y: __m256d) -> __m256d {
        // SAFETY: `self` proves AVX.
        unsafe { _mm256_blendv_pd(y, x, _mm256_cmp_pd::<_CMP_LT_OQ>(a, b)) }
    }
    #[inline(always)]
    fn zero_where_less(self, a: __m256d, b: __m256d, x: __m256d) -> __m256d {
        // SAFETY: `self` proves AVX.
        unsafe { _mm256_andnot_pd(_mm256_cmp_pd::<_CMP_LT_OQ>(a, b), x) }
    }
    #[inline(always)]
    fn with_nan_of(self, a: __m256d, x: __m256d) -> __m256d {
        // SAFETY: `self` proves AVX. All bits set are NaN.
        unsafe { _mm256_or_pd(_mm256_cmp_pd::<_CMP_UNORD_Q>(a, a), x) }
    }
    #[inline(always)]
    fn times_power(self, x: __m256d, shifted: __m256d) -> __m256d {
        // SAFETY: `self` proves AVX2.
        unsafe {
            let power = _mm256_slli_epi64::<52>(_mm256_castpd_si256(shifted));
            _mm256_castsi256_pd(_mm256_add_epi64(_mm256_castpd_si256(x), power))
        }
    }
    #[inline(always)]
    fn split(self, x: __m256d) -> (__m256d, __m256d) {
        // SAFETY: `self` proves AVX2.
        unsafe {
            let bits = _mm256_castpd_si256(x);
            let mantissa = _mm256_and_si256(bits, _mm256_set1_epi64x(MANTISSA as i64));
            let mantissa = _mm256_or_si256(mantissa, _mm256_set1_epi64x(ONE as i64));
            let biased = _mm256_or_si256(_mm256_srli_epi64::<52>(bits), _mm256_set1_epi64x(TWO_52 as i64));
            let exponent = _mm256_sub_pd(_mm256_castsi256_pd(biased), _mm256_set1_pd(BIAS));
            (_mm256_castsi256_pd(mantissa), exponent)
        }
    }
    #[inline(always)]
    fn fma(self, a: __m256d, b: __m256d, c: __m256d) -> __m256d {
        // SAFETY: `self` proves FMA.
        unsafe { _mm256_fmadd_pd(a, b, c) }
    }
    #[inline(always)]
    fn sums(self, [a, b, c, d]: [__m256d; 4]) -> [f64; 4] {
        let mut sums = [0.0; 4];
        // SAFETY: `self` proves AVX, and `sums` has four entries.
        unsafe {
            let ab = _mm256_hadd_pd(a, b);
            let cd = _mm256_hadd_pd(c, d);
            let low = _mm256_permute2f128_pd::<0x20>(ab, cd);
            let high = _mm256_permute2f128_pd::<0x31>(ab, cd);
            _mm256_storeu_pd(sums.as_mut_ptr(), _mm256_add_pd(low, high));
        }
        sums
    }
    #[inline(always)]
    fn turned(self, rows: [&[f64; 4]; 4]) -> [[f64; 4]; 4] {
        // SAFETY: `self` proves AVX.
        unsafe { turned(rows) }
    }
    #[inline(always)]
    fn fetch(self, from: &[f64]) {
        fetch(from);
    }
}
