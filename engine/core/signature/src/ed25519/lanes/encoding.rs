//! Encodings of many points with one inversion.

use super::arch::{__m512i, _mm512_or_si512, _mm512_slli_epi64, _mm512_srli_epi64};

use super::field::Eight;
use super::point::Sums;
use super::register::store;
use super::{GROUPS, LANES};
use crate::ed25519::field::{Fe, LIMBS};

/// The encodings (RFC 8032 section 5.1.2) of up to [`GROUPS`] sums, lane by lane; zeroes for those not there.
#[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
pub(super) fn encode_together(sums: &[Sums]) -> [[[u8; 32]; LANES]; GROUPS] {
    // Montgomery's trick, in all lanes at once: the inverse of the product of all groups, unrolled from the end. No Z
    // is 0.
    let mut before = [Eight::splat(Fe::ONE); GROUPS];
    let mut product = Eight::splat(Fe::ONE);
    for (sums, before) in sums.iter().zip(&mut before) {
        *before = product;
        let [_, _, z] = sums.coordinates();
        product = product.times(z);
    }
    let mut inverse = product.invert();
    let mut encodings = [[[0; 32]; LANES]; GROUPS];
    for ((sums, before), encodings) in sums.iter().zip(before).zip(&mut encodings).rev() {
        let [x, y, z] = sums.coordinates();
        let inverse_z = inverse.times(before);
        inverse = inverse.times(z);
        *encodings = encode(x.times(inverse_z), y.times(inverse_z));
    }
    encodings
}

/// y in 255 bits and the lowest bit of x.
#[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
fn encode(x: Eight, y: Eight) -> [[u8; 32]; LANES] {
    let l: [__m512i; LIMBS] = y.canonical();
    let sign = _mm512_slli_epi64::<63>(x.canonical()[0]);
    let words = [
        _mm512_or_si512(l[0], _mm512_slli_epi64::<51>(l[1])),
        _mm512_or_si512(_mm512_srli_epi64::<13>(l[1]), _mm512_slli_epi64::<38>(l[2])),
        _mm512_or_si512(_mm512_srli_epi64::<26>(l[2]), _mm512_slli_epi64::<25>(l[3])),
        _mm512_or_si512(_mm512_or_si512(_mm512_srli_epi64::<39>(l[3]), _mm512_slli_epi64::<12>(l[4])), sign),
    ]
    .map(|word| store(word));
    std::array::from_fn(|lane| {
        let mut encoding = [0; 32];
        for (bytes, word) in encoding.chunks_exact_mut(8).zip(&words) {
            bytes.copy_from_slice(&word[lane].to_le_bytes());
        }
        encoding
    })
}
