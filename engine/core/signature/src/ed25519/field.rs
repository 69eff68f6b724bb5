//! Arithmetic modulo p = 2^255 - 19 in five limbs of 51 bits.
//!
//! Limbs may be larger than 51 bits, and how much larger is the whole difficulty. Two names are used below:
//! * *tight*: every limb is below 2^51 + 2^13. Products and decoded values are tight.
//! * *loose*: every limb is below 2^54. Products take loose factors.
//!
//! The sum of two tight values is below 2^53, their difference below 2^54: both loose, without any carry.

/// An integer modulo p, as `limbs[i] * 2^(51 i)`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fe(pub(super) [u64; LIMBS]);

/// Limbs of a value.
pub(super) const LIMBS: usize = 5;

/// The low 51 bits.
pub(super) const MASK: u64 = (1 << 51) - 1;

/// 4p in limbs of 53 bits: more than any sum of two tight values, so that adding it first keeps a difference
/// above zero.
const FOUR_P: [u64; LIMBS] = [4 * (MASK - 18), 4 * MASK, 4 * MASK, 4 * MASK, 4 * MASK];

impl Fe {
    /// 0.
    pub(super) const ZERO: Fe = Fe([0; LIMBS]);
    /// 1.
    pub(super) const ONE: Fe = Fe([1, 0, 0, 0, 0]);
    /// d = -121665/121666, the curve's constant (RFC 8032 section 5.1).
    const D: Fe = Fe([
        929_955_233_495_203,
        466_365_720_129_213,
        1_662_059_464_998_953,
        2_033_849_074_728_123,
        1_442_794_654_840_575,
    ]);
    /// 2d.
    pub(super) const D2: Fe = Fe([
        1_859_910_466_990_425,
        932_731_440_258_426,
        1_072_319_116_312_658,
        1_815_898_335_770_999,
        633_789_495_995_903,
    ]);
    /// A square root of -1.
    const I: Fe = Fe([
        1_718_705_420_411_056,
        234_908_883_556_509,
        2_233_514_472_574_048,
        2_117_202_627_021_982,
        765_476_049_583_133,
    ]);

    /// The value of 32 little-endian bytes without their highest bit; need not be below p. Tight.
    pub(super) fn decode(bytes: &[u8; 32]) -> Fe {
        // A limb begins in byte 51 i / 8 and never ends beyond the eight bytes from there; the last one begins
        // at bit 12 of the last eight.
        let word = |start: usize| (0..8).fold(0, |word, i| word | u64::from(bytes[start + i]) << (8 * i));
        Fe([
            word(0) & MASK,
            word(6) >> 3 & MASK,
            word(12) >> 6 & MASK,
            word(19) >> 1 & MASK,
            word(24) >> 12 & MASK,
        ])
    }

    /// The one representative below p, in 32 little-endian bytes. Takes tight values.
    pub(super) fn encode(self) -> [u8; 32] {
        pack(self.canonical().0)
    }

    /// The same value below p, in limbs of 51 bits. Takes tight values.
    pub(super) fn canonical(self) -> Fe {
        let mut limbs = self.0;
        // A tight value is below 2p, so it is q p more than wanted with q = 0 or 1, and q is what carries out of
        // the top when 19 is added. Then x - q p = x + 19 q - 2^255 q, and the last term leaves with the mask.
        let q = limbs.iter().fold(19, |carry, limb| (limb + carry) >> 51);
        let mut carry = 19 * q;
        for limb in &mut limbs {
            let sum = *limb + carry;
            *limb = sum & MASK;
            carry = sum >> 51;
        }
        Fe(limbs)
    }

    /// The lowest bit of the representative below p, which RFC 8032 calls the sign. Takes tight values.
    pub(super) fn is_negative(self) -> bool {
        self.canonical().0[0] & 1 == 1
    }

    /// Whether both are the same modulo p. Takes tight values.
    fn equals(self, other: Fe) -> bool {
        self.canonical().0 == other.canonical().0
    }

    /// The sum. Of tight values: below 2^53.
    pub(super) fn add(self, other: Fe) -> Fe {
        Fe(std::array::from_fn(|i| self.0[i] + other.0[i]))
    }

    /// The difference. `other` below 2^53 - 76, as any sum of two tight values; the result is 4p more than
    /// `self` at most, so below 2^54 while `self` is below 2^53.
    pub(super) fn sub(self, other: Fe) -> Fe {
        Fe(std::array::from_fn(|i| self.0[i] + FOUR_P[i] - other.0[i]))
    }

    /// The product of loose values. Tight.
    #[inline]
    pub(super) fn mul(self, other: Fe) -> Fe {
        let (a, b) = (self.0, other.0);
        // 2^255 = 19: what would land at limb 5 + i is worth 19 times as much at limb i. Below 2^59.
        let b19 = b.map(|limb| 19 * limb);
        let m = |x: u64, y: u64| u128::from(x) * u128::from(y);
        // At most five products of 2^108, four of them 19 times: below 2^115.
        carried([
            m(a[0], b[0]) + m(a[1], b19[4]) + m(a[2], b19[3]) + m(a[3], b19[2]) + m(a[4], b19[1]),
            m(a[0], b[1]) + m(a[1], b[0]) + m(a[2], b19[4]) + m(a[3], b19[3]) + m(a[4], b19[2]),
            m(a[0], b[2]) + m(a[1], b[1]) + m(a[2], b[0]) + m(a[3], b19[4]) + m(a[4], b19[3]),
            m(a[0], b[3]) + m(a[1], b[2]) + m(a[2], b[1]) + m(a[3], b[0]) + m(a[4], b19[4]),
            m(a[0], b[4]) + m(a[1], b[3]) + m(a[2], b[2]) + m(a[3], b[1]) + m(a[4], b[0]),
        ])
    }

    /// The square of a loose value. Tight.
    #[inline]
    pub(super) fn square(self) -> Fe {
        let a = self.0;
        let (a3_19, a4_19) = (19 * a[3], 19 * a[4]);
        let m = |x: u64, y: u64| u128::from(x) * u128::from(y);
        carried([
            m(a[0], a[0]) + 2 * (m(a[1], a4_19) + m(a[2], a3_19)),
            m(a[3], a3_19) + 2 * (m(a[0], a[1]) + m(a[2], a4_19)),
            m(a[1], a[1]) + 2 * (m(a[0], a[2]) + m(a[3], a4_19)),
            m(a[4], a4_19) + 2 * (m(a[0], a[3]) + m(a[1], a[2])),
            m(a[2], a[2]) + 2 * (m(a[0], a[4]) + m(a[1], a[3])),
        ])
    }

    /// The inverse, 0 for 0: `self^(p - 2)`, and p - 2 = 2^255 - 21. Tight.
    pub(super) fn invert(self) -> Fe {
        let (ones, to_11) = power_of_ones(self, Fe::mul, Fe::squared_times);
        ones.squared_times(5).mul(to_11)
    }

    /// A square root of `u / v` for `v` not 0, tight; `None` when there is none.
    pub(super) fn root_of_ratio(u: Fe, v: Fe) -> Option<Fe> {
        // RFC 8032 section 5.1.3: u v^3 (u v^7)^((p - 5) / 8) is a root up to a root of -1.
        let v3 = v.square().mul(v);
        let v7 = v3.square().mul(v);
        let base = u.mul(v7);
        let (ones, _) = power_of_ones(base, Fe::mul, Fe::squared_times);
        // (p - 5) / 8 = 2^252 - 3.
        let root = u.mul(v3).mul(ones.squared_times(2).mul(base));
        let u_again = v.mul(root.square());
        let u = u.mul(Fe::ONE);
        if u_again.equals(u) {
            Some(root)
        } else if u_again.add(u).mul(Fe::ONE).equals(Fe::ZERO) {
            Some(root.mul(Fe::I))
        } else {
            None
        }
    }

    /// The x coordinate for this y and sign (RFC 8032 section 5.1.3), `None` when no point has this y. Takes and
    /// gives tight values.
    pub(super) fn x_of(y: Fe, is_negative: bool) -> Option<Fe> {
        let y2 = y.square();
        let x = Fe::root_of_ratio(y2.sub(Fe::ONE), y2.mul(Fe::D).add(Fe::ONE))?;
        Some(if x.is_negative() == is_negative { x } else { Fe::ZERO.sub(x).mul(Fe::ONE) })
    }

    /// `self^(2^times)`.
    fn squared_times(self, times: u32) -> Fe {
        (0..times).fold(self, |power, _| power.square())
    }
}

/// Carries limbs below 2^115 along and round to limb 0. The result is tight.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "carries are below 2^64, and of a limb its low 51 bits are meant"
)]
fn carried(wide: [u128; LIMBS]) -> Fe {
    let mut limbs = [0; LIMBS];
    let mut carry = 0;
    for (limb, wide) in limbs.iter_mut().zip(wide) {
        let sum = wide + u128::from(carry);
        *limb = sum as u64 & MASK;
        carry = (sum >> 51) as u64;
    }
    // The top limb had no factor 19: it was below 5 * 2^108 and a carry, its own carry is below 2^60, and 19 times
    // that below 2^64 - 2^51.
    limbs[0] += 19 * carry;
    limbs[1] += limbs[0] >> 51;
    limbs[0] &= MASK;
    Fe(limbs)
}

/// Five limbs of 51 bits in 32 bytes.
pub(super) fn pack(limbs: [u64; LIMBS]) -> [u8; 32] {
    let l = limbs;
    let words =
        [l[0] | l[1] << 51, l[1] >> 13 | l[2] << 38, l[2] >> 26 | l[3] << 25, l[3] >> 39 | l[4] << 12];
    let mut bytes = [0; 32];
    for (bytes, word) in bytes.chunks_exact_mut(8).zip(words) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

/// `(x^(2^250 - 1), x^11)`: the exponent of 250 ones from which both inverse and root are a step away. The
/// arithmetic comes as arguments because lanes have their own.
pub(super) fn power_of_ones<T: Copy>(
    x: T,
    mul: impl Fn(T, T) -> T,
    squared_times: impl Fn(T, u32) -> T,
) -> (T, T) {
    let to_2 = squared_times(x, 1);
    let to_9 = mul(squared_times(to_2, 2), x);
    let to_11 = mul(to_9, to_2);
    // Names count the ones in the exponent.
    let ones_5 = mul(squared_times(to_11, 1), to_9);
    let ones_10 = mul(squared_times(ones_5, 5), ones_5);
    let ones_20 = mul(squared_times(ones_10, 10), ones_10);
    let ones_40 = mul(squared_times(ones_20, 20), ones_20);
    let ones_50 = mul(squared_times(ones_40, 10), ones_10);
    let ones_100 = mul(squared_times(ones_50, 50), ones_50);
    let ones_200 = mul(squared_times(ones_100, 100), ones_100);
    (mul(squared_times(ones_200, 50), ones_50), to_11)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ed25519::oracle::Integer;
    use proptest::prelude::*;

    /// Limbs up to `bits` wide, the largest ones often.
    fn limbs(bits: u32) -> impl Strategy<Value = Fe> {
        let top = (1_u64 << bits) - 1;
        let limb =
            prop_oneof![4 => 0..=top, 1 => Just(top), 1 => Just(0), 1 => Just(MASK), 1 => Just(MASK - 18)];
        prop::array::uniform5(limb).prop_map(Fe)
    }

    fn loose() -> impl Strategy<Value = Fe> {
        limbs(54)
    }

    fn tight() -> impl Strategy<Value = Fe> {
        limbs(54).prop_map(|fe| Fe(fe.0.map(|limb| limb % (MASK + (1 << 13)))))
    }

    fn value(fe: Fe) -> Integer {
        Integer::of_limbs(fe.0)
    }

    fn check_tight(fe: Fe) {
        assert!(fe.0.iter().all(|limb| *limb < (1 << 51) + (1 << 13)), "{fe:x?}");
    }

    #[test]
    fn constants_are_what_they_are_called() {
        assert_eq!(value(Fe::D2), value(Fe::D.add(Fe::D)));
        assert_eq!(value(Fe::I.square().add(Fe::ONE)), value(Fe::ZERO));
    }

    #[test]
    fn values_near_p_have_one_encoding() {
        for above in 0..=40 {
            // From p - 20 to p + 20, also with the excess in other limbs.
            let fe = Fe([MASK - 38 + above, MASK, MASK, MASK, MASK]);
            assert_eq!(fe.encode(), value(fe).to_bytes(), "{above}");
        }
        let largest = Fe([MASK + (1 << 13); LIMBS]);
        assert_eq!(largest.encode(), value(largest).to_bytes());
    }

    proptest! {
        #[test]
        fn products_are_right_and_tight(a in loose(), b in loose()) {
            check_tight(a.mul(b));
            check_tight(a.square());
            prop_assert_eq!(value(a.mul(b)), value(a).times(value(b)));
            prop_assert_eq!(value(a.square()), value(a).times(value(a)));
        }

        #[test]
        fn sums_and_differences_of_tight_values_are_right_and_loose(a in tight(), b in tight(), c in tight()) {
            prop_assert_eq!(value(a.add(b)), value(a).plus(value(b)));
            prop_assert_eq!(value(a.sub(b)).plus(value(b)), value(a));
            prop_assert_eq!(value(a.add(b).sub(c)).plus(value(c)), value(a).plus(value(b)));
            prop_assert!(a.add(b).sub(c).0.iter().all(|limb| *limb < 1 << 54));
        }

        #[test]
        fn decoding_and_encoding_lose_only_multiples_of_p(bytes: [u8; 32], fe in tight()) {
            check_tight(Fe::decode(&bytes));
            prop_assert_eq!(value(Fe::decode(&bytes)), Integer::of_bytes(bytes));
            prop_assert_eq!(fe.encode(), value(fe).to_bytes());
            prop_assert_eq!(fe.is_negative(), value(fe).to_bytes()[0] & 1 == 1);
        }

        #[test]
        fn inverses_multiply_to_one(a in loose()) {
            let product = value(a.mul(a.invert()));
            let one = value(if value(a) == value(Fe::ZERO) { Fe::ZERO } else { Fe::ONE });
            prop_assert_eq!(product, one);
        }

        #[test]
        fn roots_are_found_exactly_where_there_are_some(root in tight(), v in tight()) {
            prop_assume!(value(v) != value(Fe::ZERO) && value(root) != value(Fe::ZERO));
            let u = root.square().mul(v);
            let found = Fe::root_of_ratio(u, v).expect("root is one");
            prop_assert_eq!(value(found.square()), value(root.square()));
            // 2 is not a square modulo p, so twice a square is none.
            prop_assert!(Fe::root_of_ratio(u.add(u), v).is_none());
        }
    }
}
