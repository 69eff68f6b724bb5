//! What a signature claims, `R = [S]B - [k]A`, and everything `verify_strict` refuses without arithmetic.
//!
//! `verify_strict` decodes R, refuses it when its order is small, computes `R' = [S]B - [k]A` and compares
//! encodings. Equal encodings make R the canonical encoding of R', so decoding R (4 µs) can tell nothing
//! that the comparison does not, except whether the order is small; and that is one of five y coordinates.

use curve25519_dalek::scalar::Scalar;
use ed25519_dalek::Signature;
use sha2::{Digest as _, Sha512};

use super::key::Key;
use crate::verify::Job;

/// Digits of a scalar.
pub(super) const DIGITS: usize = 32;

/// A scalar below 2^253 in signed digits: `digits[i] * 256^i` add up to the very integer, not only to its
/// residue, so they multiply points of any order rightly.
pub(super) type Digits = [i8; DIGITS];

/// The scalars of one job.
#[derive(Clone, Copy, Debug)]
pub(super) struct Equation {
    /// S, the multiple of the base point B.
    pub(super) s: Digits,
    /// k = SHA-512(R, A, message) mod L, the multiple of -A.
    pub(super) k: Digits,
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
        Some(Equation { s: digits(s), k: digits(k.as_bytes()) })
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

fn digits(scalar: &[u8; 32]) -> Digits {
    let mut carry = 0;
    let mut digits = [0; DIGITS];
    for (digit, byte) in digits.iter_mut().zip(scalar) {
        let sum = i16::from(*byte) + carry;
        carry = i16::from(sum >= 128);
        #[expect(clippy::cast_possible_truncation, reason = "-128..=127 after the carry is taken off")]
        {
            *digit = (sum - 256 * carry) as i8;
        }
    }
    debug_assert_eq!(carry, 0, "the top byte of a scalar below 2^253 is at most 0x1f");
    digits
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

    /// The integer that the digits stand for, as bytes.
    fn value(digits: &Digits) -> [u8; 32] {
        let mut carry = 0_i16;
        let bytes = digits.map(|digit| {
            let sum = i16::from(digit) + carry;
            carry = sum >> 8;
            sum.to_le_bytes()[0]
        });
        assert_eq!(carry, 0);
        bytes
    }

    proptest! {
        #[test]
        fn digits_add_up_to_the_very_scalar(mut scalar: [u8; 32]) {
            scalar[31] &= 0x1f;
            prop_assert_eq!(value(&digits(&scalar)), scalar);
        }

        #[test]
        fn canonical_is_what_the_curve_library_calls_so(mut s: [u8; 32], high in 0x0e_u8..0x12) {
            s[31] = high;
            check_canonical(s);
        }
    }
}
