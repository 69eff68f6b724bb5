//! SHA-512 of four messages side by side, a message in each lane.

use core::arch::x86_64::{
    __m256i, _mm256_add_epi64, _mm256_and_si256, _mm256_blendv_epi8, _mm256_or_si256, _mm256_sllv_epi64,
    _mm256_srlv_epi64, _mm256_xor_si256,
};

use super::LANES;
use super::register::{load, mask, splat, store, transpose};
use crate::ed25519::equation::Digest;
use crate::ed25519::sha512::{BLOCK_BYTES, BLOCKS_MAX, INITIAL, Padded, ROUNDS, pad, side_by_side};
use crate::verify::Job;

/// Fewer than these take longer together than one after the other.
const JOBS_MIN: usize = 2;

side_by_side!(
    __m256i,
    #[target_feature(enable = "avx2,fma")]
);

/// The sixteen words of a block, each of every message.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn words(messages: &[Padded; LANES], block: usize) -> [__m256i; 16] {
    let quarters: [_; 4] = core::array::from_fn(|quarter| {
        let rows = core::array::from_fn(|lane| {
            let bytes = messages[lane][block * BLOCK_BYTES + quarter * 32..][..32].as_chunks::<8>().0;
            load(&core::array::from_fn(|word| u64::from_be_bytes(bytes[word])))
        });
        transpose(rows)
    });
    core::array::from_fn(|word| quarters[word / LANES][word % LANES])
}

/// The words of each lane.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn apart(state: [__m256i; 8]) -> [[u64; 8]; LANES] {
    let halves = [0, 1].map(|half| {
        let words = transpose(core::array::from_fn(|word| state[half * LANES + word]));
        words.map(|lane| store(lane))
    });
    core::array::from_fn(|lane| core::array::from_fn(|word| halves[word / LANES][lane][word % LANES]))
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn add(a: __m256i, b: __m256i) -> __m256i {
    _mm256_add_epi64(a, b)
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn xor(a: __m256i, b: __m256i, c: __m256i) -> __m256i {
    _mm256_xor_si256(_mm256_xor_si256(a, b), c)
}

/// Bits of `f` where `e` has a one and of `g` where it has a zero.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn choose(e: __m256i, f: __m256i, g: __m256i) -> __m256i {
    _mm256_xor_si256(g, _mm256_and_si256(e, _mm256_xor_si256(f, g)))
}

/// The bits that two have: where `a` and `b` agree theirs, elsewhere that of `c`. The next round has `a ^ b` as its `b ^ c`.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn majority(a: __m256i, b: __m256i, c: __m256i) -> __m256i {
    let differ = _mm256_and_si256(_mm256_xor_si256(a, b), _mm256_xor_si256(b, c));
    _mm256_xor_si256(b, differ)
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn turned<const BITS: u64>(word: __m256i) -> __m256i {
    _mm256_or_si256(shifted::<BITS>(word), _mm256_sllv_epi64(word, splat(64 - BITS)))
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn shifted<const BITS: u64>(word: __m256i) -> __m256i {
    _mm256_srlv_epi64(word, splat(BITS))
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn kept(set: u8, first: __m256i, second: __m256i) -> __m256i {
    _mm256_blendv_epi8(first, second, mask(set))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ed25519::fours::tests::where_possible;
    use crate::ed25519::sha512::tests::{lengths, with_jobs};

    #[expect(clippy::needless_pass_by_value, reason = "`where_possible` passes it on")]
    #[target_feature(enable = "avx2,fma")]
    fn check(lengths: Vec<usize>) {
        with_jobs(&lengths, JOBS_MIN, |jobs, expected| {
            assert_eq!(digests(jobs).map(|digests| digests[..jobs.len()].to_vec()), expected, "{lengths:?}");
        });
    }

    #[test]
    fn four_digests_are_those_of_one_at_a_time() {
        lengths(LANES).for_each(|lengths| where_possible(check, lengths));
    }
}
