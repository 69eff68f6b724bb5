//! What the AVX-512 instructions of the lanes do, in plain Rust. Names and arguments are those of
//! `core::arch::x86_64`; operation and operand order are as in Intel's Intrinsics Guide.

#![expect(non_camel_case_types, reason = "the names of core::arch")]

use std::array::from_fn;

/// Lanes of a register.
const LANES: usize = 8;

/// The low 52 bits: what IFMA multiplies.
const FACTOR: u64 = (1 << 52) - 1;

/// A register of eight 64-bit lanes.
#[derive(Clone, Copy)]
pub(crate) struct __m512i([u64; LANES]);

/// Bit `i` speaks of lane `i`.
pub(crate) type __mmask8 = u8;

fn lanes(a: __m512i, b: __m512i, each: impl Fn(u64, u64) -> u64) -> __m512i {
    __m512i(from_fn(|i| each(a.0[i], b.0[i])))
}

fn is_set(mask: __mmask8, lane: usize) -> bool {
    mask >> lane & 1 == 1
}

/// The 104-bit products of the low 52 bits of `b` and `c`.
fn products(b: __m512i, c: __m512i) -> [u128; LANES] {
    from_fn(|i| u128::from(b.0[i] & FACTOR) * u128::from(c.0[i] & FACTOR))
}

#[expect(clippy::cast_possible_truncation, reason = "52 bits are kept")]
pub(crate) fn _mm512_madd52lo_epu64(a: __m512i, b: __m512i, c: __m512i) -> __m512i {
    let products = products(b, c);
    __m512i(from_fn(|i| a.0[i].wrapping_add(products[i] as u64 & FACTOR)))
}

#[expect(clippy::cast_possible_truncation, reason = "a product has 104 bits")]
pub(crate) fn _mm512_madd52hi_epu64(a: __m512i, b: __m512i, c: __m512i) -> __m512i {
    let products = products(b, c);
    __m512i(from_fn(|i| a.0[i].wrapping_add((products[i] >> 52) as u64)))
}

pub(crate) fn _mm512_add_epi64(a: __m512i, b: __m512i) -> __m512i {
    lanes(a, b, u64::wrapping_add)
}

pub(crate) fn _mm512_sub_epi64(a: __m512i, b: __m512i) -> __m512i {
    lanes(a, b, u64::wrapping_sub)
}

pub(crate) fn _mm512_mullo_epi64(a: __m512i, b: __m512i) -> __m512i {
    lanes(a, b, u64::wrapping_mul)
}

pub(crate) fn _mm512_and_si512(a: __m512i, b: __m512i) -> __m512i {
    lanes(a, b, |a, b| a & b)
}

pub(crate) fn _mm512_or_si512(a: __m512i, b: __m512i) -> __m512i {
    lanes(a, b, |a, b| a | b)
}

pub(crate) fn _mm512_slli_epi64<const BITS: u32>(a: __m512i) -> __m512i {
    __m512i(a.0.map(|lane| lane.checked_shl(BITS).unwrap_or(0)))
}

pub(crate) fn _mm512_srli_epi64<const BITS: u32>(a: __m512i) -> __m512i {
    __m512i(a.0.map(|lane| lane.checked_shr(BITS).unwrap_or(0)))
}

pub(crate) fn _mm512_ror_epi64<const BITS: i32>(a: __m512i) -> __m512i {
    __m512i(a.0.map(|lane| lane.rotate_right(BITS.cast_unsigned())))
}

/// Each bit is that of the table whose number three bits make, of `a` the highest.
pub(crate) fn _mm512_ternarylogic_epi64<const TABLE: i32>(a: __m512i, b: __m512i, c: __m512i) -> __m512i {
    let of = |entry: i32, a: u64, b: u64, c: u64| {
        let pick = |word: u64, bit: i32| if entry >> bit & 1 == 1 { word } else { !word };
        if TABLE >> entry & 1 == 1 { pick(a, 2) & pick(b, 1) & pick(c, 0) } else { 0 }
    };
    __m512i(from_fn(|i| (0..8).fold(0, |bits, entry| bits | of(entry, a.0[i], b.0[i], c.0[i]))))
}

pub(crate) fn _mm512_set1_epi64(word: i64) -> __m512i {
    __m512i([word.cast_unsigned(); LANES])
}

pub(crate) fn _mm512_setzero_si512() -> __m512i {
    __m512i([0; LANES])
}

/// Of `b` where the mask is set, else of `a`.
pub(crate) fn _mm512_mask_blend_epi64(mask: __mmask8, a: __m512i, b: __m512i) -> __m512i {
    __m512i(from_fn(|i| if is_set(mask, i) { b.0[i] } else { a.0[i] }))
}

/// `a - b` where the mask is set, else `otherwise`.
pub(crate) fn _mm512_mask_sub_epi64(otherwise: __m512i, mask: __mmask8, a: __m512i, b: __m512i) -> __m512i {
    _mm512_mask_blend_epi64(mask, otherwise, _mm512_sub_epi64(a, b))
}

/// Lane `i` is lane `index[i]` of `a`; three bits of the index count.
pub(crate) fn _mm512_permutexvar_epi64(index: __m512i, a: __m512i) -> __m512i {
    __m512i(index.0.map(|index| a.0[(index & 7) as usize]))
}

/// The lower lane of each pair of 128 bits, of `a` and `b` in turn.
pub(crate) fn _mm512_unpacklo_epi64(a: __m512i, b: __m512i) -> __m512i {
    __m512i(from_fn(|i| if i % 2 == 0 { a.0[i] } else { b.0[i - 1] }))
}

/// The upper lane of each pair of 128 bits, of `a` and `b` in turn.
pub(crate) fn _mm512_unpackhi_epi64(a: __m512i, b: __m512i) -> __m512i {
    __m512i(from_fn(|i| if i % 2 == 0 { a.0[i + 1] } else { b.0[i] }))
}

/// Two pairs of 128 bits of `a`, then two of `b`, each chosen by two bits.
pub(crate) fn _mm512_shuffle_i64x2<const CHOICE: i32>(a: __m512i, b: __m512i) -> __m512i {
    __m512i(from_fn(|i| {
        let pair = (CHOICE.cast_unsigned() >> (i / 2 * 2) & 3) as usize;
        let from = if i < LANES / 2 { a } else { b };
        from.0[2 * pair + i % 2]
    }))
}

#[expect(unsafe_code, reason = "the real one takes a pointer")]
pub(crate) unsafe fn _mm512_loadu_epi64(words: *const i64) -> __m512i {
    // SAFETY: the caller's promise is the one asked for: 64 bytes, at any alignment.
    __m512i(unsafe { words.cast::<[u64; LANES]>().read_unaligned() })
}

#[expect(unsafe_code, reason = "the real one takes a pointer")]
pub(crate) unsafe fn _mm512_storeu_epi64(words: *mut i64, register: __m512i) {
    // SAFETY: the caller's promise is the one asked for: 64 bytes, at any alignment.
    unsafe { words.cast::<[u64; LANES]>().write_unaligned(register.0) }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::LANES;
    use crate::arch as emulated;
    use core::arch::x86_64 as real;
    use proptest::prelude::*;

    type Words = [u64; LANES];

    /// Every operation of the lanes on the same three registers and mask, by `$arch`.
    macro_rules! outcomes {
        ($arch:ident, $operands:expr, $mask:expr) => {{
            #[expect(unsafe_code, reason = "the intrinsic takes a pointer")]
            // SAFETY: reads the 64 bytes of `words`, at any alignment.
            let load = |words: &Words| unsafe { $arch::_mm512_loadu_epi64(words.as_ptr().cast()) };
            let store = |register| {
                let mut words: Words = [0; LANES];
                #[expect(unsafe_code, reason = "the intrinsic takes a pointer")]
                // SAFETY: writes the 64 bytes of `words`, at any alignment.
                unsafe {
                    $arch::_mm512_storeu_epi64(words.as_mut_ptr().cast(), register);
                }
                words
            };
            let [a, b, c] = $operands.each_ref().map(|words| load(words));
            [
                $arch::_mm512_madd52lo_epu64(a, b, c),
                $arch::_mm512_madd52hi_epu64(a, b, c),
                $arch::_mm512_add_epi64(a, b),
                $arch::_mm512_sub_epi64(a, b),
                $arch::_mm512_mullo_epi64(a, b),
                $arch::_mm512_and_si512(a, b),
                $arch::_mm512_or_si512(a, b),
                $arch::_mm512_slli_epi64::<12>(a),
                $arch::_mm512_slli_epi64::<63>(a),
                $arch::_mm512_srli_epi64::<13>(a),
                $arch::_mm512_srli_epi64::<51>(a),
                $arch::_mm512_ror_epi64::<1>(a),
                $arch::_mm512_ror_epi64::<41>(a),
                $arch::_mm512_ternarylogic_epi64::<0b1100_1010>(a, b, c),
                $arch::_mm512_ternarylogic_epi64::<0b1110_1000>(a, b, c),
                $arch::_mm512_ternarylogic_epi64::<0b1001_0110>(a, b, c),
                $arch::_mm512_set1_epi64($operands[0][0].cast_signed()),
                $arch::_mm512_setzero_si512(),
                $arch::_mm512_mask_blend_epi64($mask, a, b),
                $arch::_mm512_mask_sub_epi64(a, $mask, b, c),
                $arch::_mm512_permutexvar_epi64(a, b),
                $arch::_mm512_unpacklo_epi64(a, b),
                $arch::_mm512_unpackhi_epi64(a, b),
                $arch::_mm512_shuffle_i64x2::<0b10_00_10_00>(a, b),
                $arch::_mm512_shuffle_i64x2::<0b11_01_11_01>(a, b),
            ]
            .map(|register| store(register))
        }};
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn check(operands: &[Words; 3], mask: u8) {
        let (instructions, emulations) =
            (outcomes!(real, operands, mask), outcomes!(emulated, operands, mask));
        for (operation, (instruction, emulation)) in instructions.iter().zip(emulations).enumerate() {
            assert_eq!(*instruction, emulation, "operation {operation} of the list");
        }
    }

    proptest! {
        /// On a CPU that has them. Elsewhere the tests of the lanes hold the emulation to the curve library.
        #[test]
        fn emulations_do_what_the_instructions_do(operands: [Words; 3], mask: u8) {
            if is_x86_feature_detected!("avx512dq") && is_x86_feature_detected!("avx512ifma") {
                #[expect(unsafe_code, reason = "the compiler cannot know the CPU")]
                // SAFETY: the features were just found, and avx512f is part of them.
                unsafe {
                    check(&operands, mask);
                }
            }
        }
    }
}
