//! Registers of four 64-bit lanes: in, out, and turned on their side.

use core::arch::x86_64::{
    __m256i, _mm256_and_si256, _mm256_cmpeq_epi64, _mm256_loadu_si256, _mm256_permute2x128_si256,
    _mm256_set1_epi64x, _mm256_storeu_si256, _mm256_unpackhi_epi64, _mm256_unpacklo_epi64,
};

use super::LANES;

/// Four words, the first in lane 0.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(super) fn load(words: &[u64; LANES]) -> __m256i {
    #[expect(unsafe_code, reason = "the intrinsic takes a pointer")]
    // SAFETY: reads the 32 bytes of `words`, at any alignment.
    unsafe {
        _mm256_loadu_si256(words.as_ptr().cast())
    }
}

/// The four words of a register.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(super) fn store(register: __m256i) -> [u64; LANES] {
    let mut words = [0; LANES];
    #[expect(unsafe_code, reason = "the intrinsic takes a pointer")]
    // SAFETY: writes the 32 bytes of `words`, at any alignment.
    unsafe {
        _mm256_storeu_si256(words.as_mut_ptr().cast(), register);
    }
    words
}

/// The same word in every lane.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(super) fn splat(word: u64) -> __m256i {
    _mm256_set1_epi64x(word.cast_signed())
}

/// All ones in lane `i` where bit `i` is set.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(super) fn mask(set: u8) -> __m256i {
    let bits = load(&[1, 2, 4, 8]);
    _mm256_cmpeq_epi64(_mm256_and_si256(splat(set.into()), bits), bits)
}

/// Rows become columns: word `i` of row `j` goes to lane `j` of register `i`.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub(super) fn transpose(rows: [__m256i; LANES]) -> [__m256i; LANES] {
    let r = rows;
    // Names say which rows and which columns are inside, in pairs of 128 bits.
    let rows_01_even = _mm256_unpacklo_epi64(r[0], r[1]);
    let rows_01_odd = _mm256_unpackhi_epi64(r[0], r[1]);
    let rows_23_even = _mm256_unpacklo_epi64(r[2], r[3]);
    let rows_23_odd = _mm256_unpackhi_epi64(r[2], r[3]);
    [
        _mm256_permute2x128_si256::<FIRST>(rows_01_even, rows_23_even),
        _mm256_permute2x128_si256::<FIRST>(rows_01_odd, rows_23_odd),
        _mm256_permute2x128_si256::<SECOND>(rows_01_even, rows_23_even),
        _mm256_permute2x128_si256::<SECOND>(rows_01_odd, rows_23_odd),
    ]
}

/// The first 128 bits of each operand.
const FIRST: i32 = 0x20;
/// The second.
const SECOND: i32 = 0x31;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ed25519::fours::tests::where_possible;

    #[target_feature(enable = "avx2,fma")]
    fn check(rows: [[u64; LANES]; LANES]) {
        let columns = transpose(rows.map(|row| load(&row))).map(|column| store(column));
        assert_eq!(columns, core::array::from_fn(|i| rows.map(|row| row[i])));
    }

    #[test]
    fn rows_become_columns() {
        where_possible(
            check,
            core::array::from_fn(|row| core::array::from_fn(|column| (4 * row + column) as u64)),
        );
    }

    #[target_feature(enable = "avx2,fma")]
    fn check_mask(set: u8) {
        let expected = core::array::from_fn(|lane| if set >> lane & 1 == 1 { u64::MAX } else { 0 });
        assert_eq!(store(mask(set)), expected);
    }

    #[test]
    fn a_mask_has_a_lane_for_each_bit() {
        (0..16).for_each(|set| where_possible(check_mask, set));
    }
}
