//! Integers modulo p = 2^255 - 19 the slow and obvious way, to test the fast ones against.

use super::field::LIMBS;

/// An integer below p: high and low 128 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Integer(u128, u128);

const P: Integer = Integer((1 << 127) - 1, u128::MAX - 18);

impl Integer {
    /// `limbs[i] * 2^(51 i)` modulo p, for limbs of any size.
    pub(super) fn of_limbs(limbs: [u64; LIMBS]) -> Integer {
        limbs.iter().rev().fold(Integer(0, 0), |sum, limb| {
            (0..51).fold(sum, |sum, _| sum.plus(sum)).plus(Integer(0, u128::from(*limb)))
        })
    }

    /// 32 little-endian bytes without the highest bit, modulo p.
    pub(super) fn of_bytes(mut bytes: [u8; 32]) -> Integer {
        bytes[31] &= 0x7f;
        bytes.iter().rev().fold(Integer(0, 0), |sum, byte| {
            (0..8).fold(sum, |sum, _| sum.plus(sum)).plus(Integer(0, u128::from(*byte)))
        })
    }

    pub(super) fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(&self.1.to_le_bytes());
        bytes[16..].copy_from_slice(&self.0.to_le_bytes());
        bytes
    }

    pub(super) fn plus(self, other: Integer) -> Integer {
        // Both are below 2^255, so the high half cannot overflow.
        let (low, carry) = self.1.overflowing_add(other.1);
        let sum = Integer(self.0 + other.0 + u128::from(carry), low);
        if sum < P {
            return sum;
        }
        let (low, borrow) = sum.1.overflowing_sub(P.1);
        Integer(sum.0 - P.0 - u128::from(borrow), low)
    }

    /// The product, bit by bit.
    pub(super) fn times(self, other: Integer) -> Integer {
        (0..256_u32).rev().fold(Integer(0, 0), |sum, bit| {
            let half = if bit < 128 { other.1 >> bit } else { other.0 >> (bit - 128) };
            let doubled = sum.plus(sum);
            if half & 1 == 1 { doubled.plus(self) } else { doubled }
        })
    }
}
