//! SHA-512 of eight messages side by side, a message in each lane.

use super::LANES;
use super::arch::{
    __m512i, _mm512_add_epi64, _mm512_mask_blend_epi64, _mm512_ror_epi64, _mm512_srli_epi64,
    _mm512_ternarylogic_epi64,
};
use super::field::splat;
use super::register::{load, store, transpose};
use crate::ed25519::equation::Digest;
use crate::ed25519::sha512::{BLOCK_BYTES, BLOCKS_MAX, INITIAL, Padded, ROUNDS, pad, side_by_side};
use crate::verify::Job;

/// Fewer than these take longer together than one after the other.
const JOBS_MIN: usize = 3;

side_by_side!(
    __m512i,
    #[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
);

/// The sixteen words of a block, each of every message.
#[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
#[inline]
fn words(messages: &[Padded; LANES], block: usize) -> [__m512i; 16] {
    let half = |half: usize| {
        let rows: [__m512i; LANES] = core::array::from_fn(|lane| {
            let bytes = messages[lane][block * BLOCK_BYTES + half * 64..][..64].as_chunks::<8>().0;
            load(&core::array::from_fn(|word| u64::from_be_bytes(bytes[word])))
        });
        transpose(rows)
    };
    let [first, second] = [half(0), half(1)];
    core::array::from_fn(|word| if word < 8 { first[word] } else { second[word - 8] })
}

/// The words of each lane.
#[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
#[inline]
fn apart(state: [__m512i; 8]) -> [[u64; 8]; LANES] {
    transpose(state).map(|lane| store(lane))
}

#[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
#[inline]
fn add(a: __m512i, b: __m512i) -> __m512i {
    _mm512_add_epi64(a, b)
}

#[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
#[inline]
fn xor(a: __m512i, b: __m512i, c: __m512i) -> __m512i {
    _mm512_ternarylogic_epi64::<XOR>(a, b, c)
}

#[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
#[inline]
fn choose(e: __m512i, f: __m512i, g: __m512i) -> __m512i {
    _mm512_ternarylogic_epi64::<CHOOSE>(e, f, g)
}

#[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
#[inline]
fn majority(a: __m512i, b: __m512i, c: __m512i) -> __m512i {
    _mm512_ternarylogic_epi64::<MAJORITY>(a, b, c)
}

#[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
#[inline]
fn turned<const BITS: i32>(word: __m512i) -> __m512i {
    _mm512_ror_epi64::<BITS>(word)
}

#[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
#[inline]
fn shifted<const BITS: u32>(word: __m512i) -> __m512i {
    _mm512_srli_epi64::<BITS>(word)
}

#[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
#[inline]
fn kept(set: u8, first: __m512i, second: __m512i) -> __m512i {
    _mm512_mask_blend_epi64(set, first, second)
}

/// Truth tables of three bits, the first operand's the highest of an entry's number.
const XOR: i32 = 0b1001_0110;
const CHOOSE: i32 = 0b1100_1010;
const MAJORITY: i32 = 0b1110_1000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ed25519::lanes::tests::where_possible;
    use crate::ed25519::sha512::tests::{lengths, with_jobs};

    #[expect(clippy::needless_pass_by_value, reason = "`where_possible` passes it on")]
    #[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
    fn check(lengths: Vec<usize>) {
        with_jobs(&lengths, JOBS_MIN, |jobs, expected| {
            assert_eq!(digests(jobs).map(|digests| digests[..jobs.len()].to_vec()), expected, "{lengths:?}");
        });
    }

    #[test]
    fn eight_digests_are_those_of_one_at_a_time() {
        lengths(LANES).for_each(|lengths| where_possible(check, lengths));
    }
}
