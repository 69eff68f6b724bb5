//! Four values modulo p = 2^255 - 19 side by side, in five AVX2 registers of 51-bit limbs.
//!
//! AVX2 multiplies integers of 32 bits only. FMA multiplies doubles of 53 bits, and adds to the exact product before it
//! rounds. So limbs are doubles that hold integers, and two additions cut a product in two without any error:
//! * from 2^103 to 2^104 doubles are 2^51 apart. A product of at most 2^102 added to 1.5 * 2^103 becomes the multiple of 2^51
//!   that is nearest: the *high* part;
//! * what is left is at most 2^50. Added to 1.5 * 2^52, where doubles are 1 apart, it is the *low* part.
//!
//! Rust promises that doubles are rounded to the nearest.
//! Between two powers of two the bits of a double count up by one for each double, so as integers the bits of either part
//! are those of its constant and the part itself, signed. They are added up as integers, constants and all.
//!
//! There are two types, as in the lanes of eight:
//! * [`Four`]: doubles of at most 2^51, fit to be multiplied;
//! * [`Wide`]: signed integers, what products and their sums are. It is carried before it is multiplied again.

use core::arch::x86_64::{
    __m256d, __m256i, _mm256_add_epi64, _mm256_add_pd, _mm256_and_si256, _mm256_castpd_si256,
    _mm256_castsi256_pd, _mm256_fmadd_pd, _mm256_mul_epu32, _mm256_set1_pd, _mm256_slli_epi64,
    _mm256_srli_epi64, _mm256_sub_epi64, _mm256_sub_pd,
};

use super::LANES;
use super::register::{splat, store};
use crate::ed25519::field::{Fe, LIMBS, MASK};

/// Four values; register `i` holds their limbs of weight 2^(51 i), integers from -2^51 to 2^51.
#[derive(Clone, Copy)]
pub(super) struct Four(pub(super) [__m256d; LIMBS]);

/// Four values in signed integers that wait for their carries. Limbs of products are below 2^59 in size; each function says
/// how large its sums may get.
#[derive(Clone, Copy)]
pub(super) struct Wide([__m256i; LIMBS]);

/// Limbs of a product before those beyond the fifth are folded back.
const PRODUCT_LIMBS: usize = 2 * LIMBS;

/// Where doubles are 1 apart, and where they are 2^51 apart.
const ONES: f64 = middle(52);
const HIGHS: f64 = middle(103);

/// `1.5 * 2^power`: there is as much room below as above.
const fn middle(power: u64) -> f64 {
    f64::from_bits((1023 + power) << 52 | 1 << 51)
}

/// What every limb of a product has too much: the constants of its low parts and high parts. Limb `i` has as many low parts
/// as limb `i + 1` has high ones.
const EXCESS: [u64; PRODUCT_LIMBS] = {
    let mut excess = [0; PRODUCT_LIMBS];
    let mut i = 0;
    while i < LIMBS * LIMBS {
        let limb = i / LIMBS + i % LIMBS;
        excess[limb] = ONES.to_bits().wrapping_add(excess[limb]);
        excess[limb + 1] = HIGHS.to_bits().wrapping_add(excess[limb + 1]);
        i += 1;
    }
    excess
};

/// 2p in limbs of 52 bits.
const TWO_P: [u64; LIMBS] = [2 * (MASK - 18), 2 * MASK, 2 * MASK, 2 * MASK, 2 * MASK];

impl Four {
    /// The same value in every lane. Takes limbs of 51 bits.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    pub(super) fn splat(value: Fe) -> Four {
        Four::of(value.0.map(|limb| splat(limb)))
    }

    /// The values with these limbs: signed, and of at most 51 bits.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    pub(super) fn of(limbs: [__m256i; LIMBS]) -> Four {
        Four(limbs.map(|limb| {
            let moved = _mm256_castsi256_pd(_mm256_add_epi64(limb, splat(ONES.to_bits())));
            _mm256_sub_pd(moved, _mm256_set1_pd(ONES))
        }))
    }

    /// The four values: limbs below 2^53, as a sum of tight ones.
    #[target_feature(enable = "avx2,fma")]
    pub(super) fn apart(self) -> [Fe; LANES] {
        let limbs: [_; LIMBS] = std::array::from_fn(|i| {
            let moved = _mm256_castpd_si256(_mm256_add_pd(self.0[i], _mm256_set1_pd(ONES)));
            store(_mm256_sub_epi64(moved, splat(ONES.to_bits() - TWO_P[i])))
        });
        std::array::from_fn(|lane| Fe(limbs.map(|limb| limb[lane])))
    }

    /// The products, lane by lane: limbs below 2^59 in size.
    ///
    /// Never inlined: several in one function fight for sixteen registers, and what they then keep in memory makes a
    /// verification a quarter dearer.
    #[target_feature(enable = "avx2,fma")]
    #[inline(never)]
    pub(super) fn mul(&self, other: &Four) -> Wide {
        let (a, b) = (&self.0, &other.0);
        let (highs, both) = (_mm256_set1_pd(HIGHS), _mm256_set1_pd(HIGHS + ONES));
        let mut product = EXCESS.map(|excess| splat(excess.wrapping_neg()));
        for i in 0..LIMBS {
            for j in 0..LIMBS {
                let high = _mm256_fmadd_pd(a[i], b[j], highs);
                // Exact: `both - high` is a multiple of 2^51 of at most 2^103.
                let low = _mm256_fmadd_pd(a[i], b[j], _mm256_sub_pd(both, high));
                product[i + j] = _mm256_add_epi64(product[i + j], _mm256_castpd_si256(low));
                product[i + j + 1] = _mm256_add_epi64(product[i + j + 1], _mm256_castpd_si256(high));
            }
        }
        // Back from beyond the fifth: 2^255 = 19. A limb is at most the sum of five low parts of 2^50 and five high ones of
        // 2^51, so 15 * 2^50; with 19 times another it stays below 300 * 2^50 < 2^59.
        Wide(std::array::from_fn(|i| {
            let far = product[i + LIMBS];
            let three = _mm256_add_epi64(far, _mm256_add_epi64(far, far));
            _mm256_add_epi64(product[i], _mm256_add_epi64(three, _mm256_slli_epi64::<4>(far)))
        }))
    }

    /// The products, carried.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    pub(super) fn times(&self, other: &Four) -> Four {
        self.mul(other).carried()
    }
}

impl Wide {
    /// 1 in every lane.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    pub(super) fn one() -> Wide {
        Wide(Fe::ONE.0.map(|limb| splat(limb)))
    }

    /// The sums. The caller keeps them below 2^62 - 2^50 in size.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    pub(super) fn plus(self, other: Wide) -> Wide {
        Wide(std::array::from_fn(|i| _mm256_add_epi64(self.0[i], other.0[i])))
    }

    /// The differences. The caller keeps them below 2^62 - 2^50 in size.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    pub(super) fn minus(self, other: Wide) -> Wide {
        Wide(std::array::from_fn(|i| _mm256_sub_epi64(self.0[i], other.0[i])))
    }

    /// The same values, fit to be multiplied: each limb below 2^62 - 2^50 in size keeps what is at most 2^50 and gives the
    /// rest, less than 2^11 in size, to the next one. The first gets 19 times as much: below 2^50 + 2^16 in size.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    pub(super) fn carried(self) -> Four {
        // There is no signed shift of 64 bits. With 2^62 more a limb is positive, its carry 2^11 more; with 2^50 more it
        // is rounded to the nearest.
        const MORE: u64 = 1 << 11;
        const HALF: u64 = 1 << 50;
        let limbs = self.0.map(|limb| _mm256_add_epi64(limb, splat((MORE << 51) + HALF)));
        let kept = limbs.map(|limb| _mm256_and_si256(limb, splat(MASK)));
        let carry = limbs.map(|limb| _mm256_srli_epi64::<51>(limb));
        Four::of(std::array::from_fn(|i| {
            let (carry, more) = match i.checked_sub(1) {
                Some(before) => (carry[before], MORE),
                None => (_mm256_mul_epu32(carry[LIMBS - 1], splat(19)), 19 * MORE),
            };
            _mm256_sub_epi64(_mm256_add_epi64(kept[i], carry), splat(HALF + more))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ed25519::fours::register::load;
    use crate::ed25519::fours::tests::where_possible;
    use crate::ed25519::oracle::Integer;
    use proptest::prelude::*;

    type Values = [[i64; LIMBS]; LANES];

    /// The largest limb that is fit to be multiplied, and the largest that can be carried.
    const FIT: i64 = 1 << 51;
    const WIDE: i64 = (1 << 62) - (1 << 50) - 1;

    #[target_feature(enable = "avx2,fma")]
    fn registers(values: &Values) -> [__m256i; LIMBS] {
        std::array::from_fn(|limb| load(&values.map(|value| value[limb].cast_unsigned())))
    }

    #[target_feature(enable = "avx2,fma")]
    fn four(values: &Values) -> Four {
        Four::of(registers(values))
    }

    fn integer(limbs: [i64; LIMBS]) -> Integer {
        let negative = Integer::of_limbs(limbs.map(|limb| if limb < 0 { limb.unsigned_abs() } else { 0 }));
        minus(Integer::of_limbs(limbs.map(|limb| limb.max(0).cast_unsigned())), negative)
    }

    fn minus(a: Integer, b: Integer) -> Integer {
        a.plus(Integer::of_limbs([MASK - 19, MASK, MASK, MASK, MASK]).times(b))
    }

    /// Whether limbs are below `bound` in size, lane by lane, and what became of `a` and `b` is as expected.
    #[target_feature(enable = "avx2,fma")]
    fn check(
        result: [__m256i; LIMBS],
        bound: i64,
        (a, b): (&Values, &Values),
        expected: fn(Integer, Integer) -> Integer,
    ) {
        let limbs = result.map(|register| store(register).map(u64::cast_signed));
        for (lane, (a, b)) in a.iter().zip(b).enumerate() {
            let result = limbs.map(|limb| limb[lane]);
            assert!(result.iter().all(|limb| limb.abs() < bound), "{result:x?} of {a:x?} and {b:x?}");
            assert_eq!(integer(result), expected(integer(*a), integer(*b)), "{a:x?} and {b:x?}");
        }
    }

    /// The doubles as integers.
    #[target_feature(enable = "avx2,fma")]
    fn whole(four: Four) -> [__m256i; LIMBS] {
        four.0.map(|limb| {
            let words = store(_mm256_castpd_si256(limb)).map(f64::from_bits);
            #[expect(clippy::cast_possible_truncation, reason = "integers of at most 52 bits")]
            let limbs = words.map(|word| word as i64);
            #[expect(clippy::cast_precision_loss, reason = "it would be seen")]
            let again = limbs.map(|limb| limb as f64);
            assert_eq!(again.map(f64::to_bits), words.map(f64::to_bits));
            load(&limbs.map(i64::cast_unsigned))
        })
    }

    /// Limbs up to `top` in size, that one and others at the edge often.
    fn any_values(top: i64) -> impl Strategy<Value = Values> {
        let mask = MASK.cast_signed();
        let edge = prop_oneof![Just(top), Just(-top), Just(top - 1), Just(1 - top)];
        let limb =
            prop_oneof![4 => -top..=top, 4 => edge, 1 => Just(0), 1 => Just(mask), 1 => Just(mask - 18)];
        prop::array::uniform4(prop::array::uniform5(limb))
    }

    #[target_feature(enable = "avx2,fma")]
    fn check_products(both: (&Values, &Values)) {
        let (a, b) = (four(both.0), four(both.1));
        check(a.mul(&b).0, 1 << 59, both, Integer::times);
        check(whole(a.times(&b)), (1 << 50) + (1 << 16), both, Integer::times);
        for ((apart, a), limbs) in a.apart().into_iter().zip(both.0).zip(a.apart().map(|value| value.0)) {
            assert_eq!(Integer::of_limbs(apart.0), integer(*a));
            assert!(limbs.iter().all(|limb| *limb < 1 << 53), "{limbs:x?}");
        }
    }

    #[target_feature(enable = "avx2,fma")]
    fn check_carries(both: (&Values, &Values)) {
        let (a, b) = (Wide(registers(both.0)), Wide(registers(both.1)));
        check(whole(a.carried()), (1 << 50) + (1 << 16), both, |a, _| a);
        check(a.plus(b).0, i64::MAX, both, Integer::plus);
        check(a.minus(b).0, i64::MAX, both, minus);
    }

    #[test]
    fn constants_are_where_doubles_are_so_far_apart() {
        let apart = |x: f64| (x.next_up() - x).to_bits();
        assert_eq!((apart(ONES), apart(HIGHS)), (1_f64.to_bits(), 51_f64.exp2().to_bits()));
        assert_eq!((HIGHS + ONES - HIGHS).to_bits(), ONES.to_bits());
    }

    #[test]
    fn the_largest_limbs_there_are_do_not_overflow() {
        for signs in 0..4 {
            let of = |size: i64, bit| [[if signs >> bit & 1 == 1 { -size } else { size }; LIMBS]; LANES];
            where_possible(check_products, (&of(FIT, 0), &of(FIT, 1)));
            where_possible(check_carries, (&of(WIDE, 0), &of(WIDE, 1)));
        }
    }

    proptest! {
        #[test]
        fn products_are_right_and_below_their_bound(a in any_values(FIT), b in any_values(FIT)) {
            where_possible(check_products, (&a, &b));
        }

        #[test]
        fn sums_and_differences_are_right_and_carried(a in any_values(WIDE), b in any_values(WIDE)) {
            where_possible(check_carries, (&a, &b));
        }
    }
}
