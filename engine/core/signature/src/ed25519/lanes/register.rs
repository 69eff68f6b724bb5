//! Registers of eight 64-bit lanes: in, out, and turned on their side.

use super::arch::{
    __m512i, _mm512_loadu_epi64, _mm512_shuffle_i64x2, _mm512_storeu_epi64, _mm512_unpackhi_epi64,
    _mm512_unpacklo_epi64,
};

use super::LANES;

/// Eight words, the first in lane 0.
#[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f"))]
#[inline]
pub(super) fn load(words: &[u64; LANES]) -> __m512i {
    #[expect(unsafe_code, reason = "the intrinsic takes a pointer")]
    // SAFETY: reads the 64 bytes of `words`, at any alignment.
    unsafe {
        _mm512_loadu_epi64(words.as_ptr().cast())
    }
}

/// The eight words of a register.
#[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f"))]
#[inline]
pub(super) fn store(register: __m512i) -> [u64; LANES] {
    let mut words = [0; LANES];
    #[expect(unsafe_code, reason = "the intrinsic takes a pointer")]
    // SAFETY: writes the 64 bytes of `words`, at any alignment.
    unsafe {
        _mm512_storeu_epi64(words.as_mut_ptr().cast(), register);
    }
    words
}

/// Rows become columns: word `i` of row `j` goes to lane `j` of register `i`. Twenty-four shuffles; eight gathers
/// would do the same several times slower.
#[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f"))]
#[inline]
pub(super) fn transpose(rows: [__m512i; LANES]) -> [__m512i; LANES] {
    let r = rows;
    // Names say which rows and which columns are inside, in pairs of 128 bits.
    let rows_01_even = _mm512_unpacklo_epi64(r[0], r[1]);
    let rows_01_odd = _mm512_unpackhi_epi64(r[0], r[1]);
    let rows_23_even = _mm512_unpacklo_epi64(r[2], r[3]);
    let rows_23_odd = _mm512_unpackhi_epi64(r[2], r[3]);
    let rows_45_even = _mm512_unpacklo_epi64(r[4], r[5]);
    let rows_45_odd = _mm512_unpackhi_epi64(r[4], r[5]);
    let rows_67_even = _mm512_unpacklo_epi64(r[6], r[7]);
    let rows_67_odd = _mm512_unpackhi_epi64(r[6], r[7]);

    let low_04 = _mm512_shuffle_i64x2::<FIRST_AND_THIRD>(rows_01_even, rows_23_even);
    let low_26 = _mm512_shuffle_i64x2::<SECOND_AND_FOURTH>(rows_01_even, rows_23_even);
    let low_15 = _mm512_shuffle_i64x2::<FIRST_AND_THIRD>(rows_01_odd, rows_23_odd);
    let low_37 = _mm512_shuffle_i64x2::<SECOND_AND_FOURTH>(rows_01_odd, rows_23_odd);
    let high_04 = _mm512_shuffle_i64x2::<FIRST_AND_THIRD>(rows_45_even, rows_67_even);
    let high_26 = _mm512_shuffle_i64x2::<SECOND_AND_FOURTH>(rows_45_even, rows_67_even);
    let high_15 = _mm512_shuffle_i64x2::<FIRST_AND_THIRD>(rows_45_odd, rows_67_odd);
    let high_37 = _mm512_shuffle_i64x2::<SECOND_AND_FOURTH>(rows_45_odd, rows_67_odd);

    [
        _mm512_shuffle_i64x2::<FIRST_AND_THIRD>(low_04, high_04),
        _mm512_shuffle_i64x2::<FIRST_AND_THIRD>(low_15, high_15),
        _mm512_shuffle_i64x2::<FIRST_AND_THIRD>(low_26, high_26),
        _mm512_shuffle_i64x2::<FIRST_AND_THIRD>(low_37, high_37),
        _mm512_shuffle_i64x2::<SECOND_AND_FOURTH>(low_04, high_04),
        _mm512_shuffle_i64x2::<SECOND_AND_FOURTH>(low_15, high_15),
        _mm512_shuffle_i64x2::<SECOND_AND_FOURTH>(low_26, high_26),
        _mm512_shuffle_i64x2::<SECOND_AND_FOURTH>(low_37, high_37),
    ]
}

/// Of the four pairs of 128 bits of each operand: 0 and 2, 0 and 2.
const FIRST_AND_THIRD: i32 = 0b10_00_10_00;
/// 1 and 3, 1 and 3.
const SECOND_AND_FOURTH: i32 = 0b11_01_11_01;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ed25519::lanes::tests::where_possible;

    #[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f"))]
    fn check(rows: [[u64; LANES]; LANES]) {
        let columns = transpose(rows.map(|row| load(&row))).map(|column| store(column));
        assert_eq!(columns, std::array::from_fn(|i| rows.map(|row| row[i])));
    }

    #[test]
    fn rows_become_columns() {
        where_possible(
            check,
            std::array::from_fn(|row| std::array::from_fn(|column| (8 * row + column) as u64)),
        );
    }
}
