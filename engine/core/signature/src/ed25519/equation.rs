//! What a signature claims, `R = [S]B - [k]A`, and everything `verify_strict` refuses without arithmetic.
//!
//! `verify_strict` decodes R, refuses it when its order is small, computes `R' = [S]B - [k]A` and compares
//! encodings. Equal encodings make R the canonical encoding of R', so decoding R (4 µs) can tell nothing
//! that the comparison does not, except whether the order is small; and that is one of five y coordinates.

use curve25519_dalek::scalar::Scalar;
use ed25519_dalek::Signature;
use sha2::{Digest as _, Sha512};

use super::key::Key;
use super::table::{self, Row, Table};
use crate::verify::Job;

/// Bits and digits of S. B has one table in a process, so it may be large: the more bits a digit has, the fewer
/// additions.
pub(super) const BASE_BITS: usize = 11;
pub(super) const BASE_DIGITS: usize = SCALAR_BITS.div_ceil(BASE_BITS);

/// Bits and digits of k. Every issuer's key has a table of its own.
pub(super) const KEY_BITS: usize = 8;
pub(super) const KEY_DIGITS: usize = SCALAR_BITS.div_ceil(KEY_BITS);

/// Look-ups of one job, which are its additions.
pub(super) const LOOK_UPS: usize = BASE_DIGITS + KEY_DIGITS;

const SCALAR_BITS: usize = 253;

/// The scalars of one job in signed digits: `digits[i] * 2^(bits i)` add up to the very integer, not only to its
/// residue, so they multiply points of any order rightly.
#[derive(Clone, Copy, Debug)]
pub(super) struct Equation {
    /// S, the multiple of the base point B.
    pub(super) s: [i16; BASE_DIGITS],
    /// k = SHA-512(R, A, message) mod L, the multiple of -A.
    pub(super) k: [i16; KEY_DIGITS],
}

/// L, the order of the base point, little-endian.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, //
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// The y coordinates of the eight points whose order divides 8, as encoded: 1, -1, 0 and the two of order 8.
const SMALL_ORDER_Y: [[u8; 32]; 5] = [
    [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    [
        0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, //
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f,
    ],
    [0; 32],
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, //
        0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, //
        0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
];

/// SHA-512 of R, A and a message.
pub(super) type Digest = [u8; 64];

/// The digest of `job` under its `key`.
pub(super) fn digest(key: &Key, job: &Job<'_>) -> Digest {
    let mut hash = Sha512::new().chain_update(&job.signature[..32]).chain_update(key.public());
    for part in job.message {
        hash.update(part);
    }
    hash.finalize().into()
}

impl Equation {
    /// The scalars of `job`, which has this digest; `None` when its signature is refused whatever they are.
    pub(super) fn of(job: &Job<'_>, digest: impl FnOnce() -> Digest) -> Option<Equation> {
        let signature = Signature::from_bytes(job.signature);
        let (r, s) = (signature.r_bytes(), signature.s_bytes());
        if !is_canonical(s) || is_small_order(r) {
            return None;
        }
        let k = Scalar::from_bytes_mod_order_wide(&digest());
        Some(Equation { s: digits::<BASE_BITS, _>(s), k: digits::<KEY_BITS, _>(k.as_bytes()) })
    }

    /// The rows that add up to `R' = [S]B - [k]A`, of the table of -A, and whether each is subtracted.
    #[inline]
    pub(super) fn rows<'t>(&self, minus_a: &'t Table) -> impl Iterator<Item = (&'t Row, bool)> {
        let base = table::base();
        let key =
            self.k.iter().enumerate().map(|(position, digit)| (minus_a.row(position, *digit), *digit < 0));
        let base =
            self.s.iter().enumerate().map(|(position, digit)| (base.row(position, *digit), *digit < 0));
        key.chain(base)
    }
}

/// Whether S is below L: S + L would be a second signature of the same message (RFC 8032 section 5.1.7).
fn is_canonical(s: &[u8; 32]) -> bool {
    s.iter().rev().lt(ORDER.iter().rev())
}

/// Whether R encodes a point of small order. Encodings that are not canonical need no care: they never equal
/// an encoding that was computed.
fn is_small_order(r: &[u8; 32]) -> bool {
    let mut y = *r;
    y[31] &= 0x7f;
    SMALL_ORDER_Y.contains(&y)
}

/// The digits of a scalar below L, each at most half of `2^BITS` in size.
fn digits<const BITS: usize, const DIGITS: usize>(scalar: &[u8; 32]) -> [i16; DIGITS] {
    const { assert!(BITS < 15 && BITS * DIGITS >= SCALAR_BITS && BITS * DIGITS <= 256) };
    // Half of 2^BITS is added at every position and taken off every digit: so none borrows from the next.
    let halves = const { halves(BITS, DIGITS) };
    let mut sum = [0; 40];
    let mut carry = false;
    for ((sum, word), half) in
        sum.as_chunks_mut::<8>().0.iter_mut().zip(scalar.as_chunks::<8>().0).zip(halves)
    {
        let (word, carried) = u64::from_le_bytes(*word).overflowing_add(u64::from(carry));
        let (word, carried_too) = word.overflowing_add(half);
        carry = carried || carried_too;
        *sum = word.to_le_bytes();
    }
    std::array::from_fn(|i| {
        let at = BITS * i / 8;
        let window = u32::from_le_bytes([sum[at], sum[at + 1], sum[at + 2], sum[at + 3]]) >> (BITS * i % 8);
        // The top digit is not cut: it is twice the half, for scalars from 2^252 on.
        let digit = if i + 1 < DIGITS { window & ((1 << BITS) - 1) } else { window };
        #[expect(clippy::cast_possible_truncation, reason = "at most 2^BITS")]
        let digit = digit as i16;
        digit - (1 << (BITS - 1))
    })
}

/// Half of `2^bits` at every position, little-endian.
const fn halves(bits: usize, digits: usize) -> [u64; 4] {
    let mut halves = [0; 4];
    let mut position = 0;
    while position < digits {
        let bit = bits * position + bits - 1;
        halves[bit / 64] |= 1 << (bit % 64);
        position += 1;
    }
    halves
}

#[cfg(test)]
mod tests {
    use super::*;
    use curve25519_dalek::constants::EIGHT_TORSION;
    use proptest::prelude::*;

    #[test]
    fn the_five_heights_are_those_of_the_eight_points() {
        let mut heights: Vec<[u8; 32]> =
            EIGHT_TORSION.iter().map(|point| point.compress().to_bytes()).collect();
        assert!(heights.iter().all(is_small_order));
        for height in &mut heights {
            height[31] &= 0x7f;
        }
        heights.sort_unstable();
        heights.dedup();
        assert_eq!(heights.len(), SMALL_ORDER_Y.len());
    }

    fn check_canonical(s: [u8; 32]) {
        assert_eq!(is_canonical(&s), bool::from(Scalar::from_canonical_bytes(s).is_some()), "{s:02x?}");
    }

    #[test]
    fn canonical_scalars_end_below_the_order() {
        for (byte, change) in (0..32).flat_map(|byte| [(byte, -1_i8), (byte, 0), (byte, 1)]) {
            let mut s = ORDER;
            s[byte] = s[byte].wrapping_add_signed(change);
            check_canonical(s);
        }
        check_canonical([0; 32]);
        check_canonical([0xff; 32]);
    }

    /// Whether the digits are small enough for a table, and stand for this very integer.
    fn check_digits<const BITS: usize, const DIGITS: usize>(scalar: &[u8; 32]) {
        let digits = digits::<BITS, DIGITS>(scalar);
        assert!(digits.iter().all(|digit| digit.unsigned_abs() <= 1 << (BITS - 1)), "{digits:?}");
        // Bit by bit from the top, modulo 2^256: no integer of 253 bits gets there.
        let mut bytes = [0_u8; 32];
        for digit in digits.iter().rev() {
            let mut carry = i32::from(*digit);
            for byte in &mut bytes {
                carry += i32::from(*byte) << BITS;
                *byte = carry.to_le_bytes()[0];
                carry >>= 8;
            }
        }
        assert_eq!(&bytes, scalar, "{digits:?}");
    }

    #[test]
    fn digits_of_the_largest_scalars_add_up() {
        let mut largest = ORDER;
        largest[0] -= 1;
        let mut ones = [0xff; 32];
        ones[31] = 0x0f;
        for scalar in [largest, ones, [0; 32]] {
            check_digits::<BASE_BITS, BASE_DIGITS>(&scalar);
            check_digits::<KEY_BITS, KEY_DIGITS>(&scalar);
        }
    }

    proptest! {
        #[test]
        fn digits_add_up_to_the_very_scalar(mut scalar: [u8; 32]) {
            scalar[31] &= 0x0f;
            check_digits::<BASE_BITS, BASE_DIGITS>(&scalar);
            check_digits::<KEY_BITS, KEY_DIGITS>(&scalar);
        }

        #[test]
        fn canonical_is_what_the_curve_library_calls_so(mut s: [u8; 32], high in 0x0e_u8..0x12) {
            s[31] = high;
            check_canonical(s);
        }
    }
}
