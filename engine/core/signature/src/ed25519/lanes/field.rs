//! Eight values modulo p = 2^255 - 19 side by side, in five registers of 51-bit limbs.
//!
//! IFMA multiplies the low 52 bits of two lanes and adds either the low or the high 52 bits of the 104-bit product
//! to a third lane. So there are two types, and the compiler keeps them apart:
//! * [`Eight`]: every limb is below 2^52, fit to be multiplied;
//! * [`Wide`]: what products and their sums are, limbs below 2^63. It is carried before it is multiplied
//!   again, and sums of products are carried only once.

use super::arch::{
    __m512i, _mm512_add_epi64, _mm512_and_si512, _mm512_madd52hi_epu64, _mm512_madd52lo_epu64,
    _mm512_mullo_epi64, _mm512_set1_epi64, _mm512_setzero_si512, _mm512_srli_epi64, _mm512_sub_epi64,
};

use crate::ed25519::field::{Fe, LIMBS, MASK, power_of_ones};

/// Eight values; register `i` holds their limbs of weight 2^(51 i). Every limb is below 2^52.
#[derive(Clone, Copy)]
pub(super) struct Eight(pub(super) [__m512i; LIMBS]);

/// Eight values whose limbs wait for their carries. Products are below 2^61 ([`folded`]); each function says how
/// large its sums may get.
#[derive(Clone, Copy)]
pub(super) struct Wide([__m512i; LIMBS]);

/// Limbs of a product before those beyond the fifth are folded back.
const PRODUCT_LIMBS: usize = 2 * LIMBS;

/// 2^11 p: limbs between 2^61 and 2^62, so that a product can be taken off without going below zero.
const ABOVE_PRODUCTS: [u64; LIMBS] = [(MASK - 18) << 11, MASK << 11, MASK << 11, MASK << 11, MASK << 11];

impl Eight {
    /// The same value in every lane.
    #[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
    #[inline]
    pub(super) fn splat(value: Fe) -> Eight {
        Eight(value.0.map(|limb| splat(limb)))
    }

    /// The products, lane by lane: limbs below 2^61.
    #[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
    #[inline]
    pub(super) fn mul(self, other: Eight) -> Wide {
        let (a, b) = (self.0, other.0);
        let mut product = [_mm512_setzero_si512(); PRODUCT_LIMBS];
        // The high half begins at bit 52, one more than a limb has: it counts twice at the next limb.
        for i in 0..LIMBS {
            for j in 0..LIMBS {
                product[i + j + 1] = _mm512_madd52hi_epu64(product[i + j + 1], a[i], b[j]);
            }
        }
        double(&mut product);
        for i in 0..LIMBS {
            for j in 0..LIMBS {
                product[i + j] = _mm512_madd52lo_epu64(product[i + j], a[i], b[j]);
            }
        }
        folded(product)
    }

    /// The squares: limbs below 2^61.
    #[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
    #[inline]
    pub(super) fn square(self) -> Wide {
        let a = self.0;
        // As in `mul`, but a[i] a[j] and a[j] a[i] are made once and doubled. An inversion is one square after the
        // other, so what counts is how long one takes: high and low halves are summed apart and meet late.
        let (mut high, mut low) =
            ([_mm512_setzero_si512(); PRODUCT_LIMBS], [_mm512_setzero_si512(); PRODUCT_LIMBS]);
        for i in 0..LIMBS {
            for j in i + 1..LIMBS {
                high[i + j + 1] = _mm512_madd52hi_epu64(high[i + j + 1], a[i], a[j]);
                low[i + j] = _mm512_madd52lo_epu64(low[i + j], a[i], a[j]);
            }
            low[2 * i + 1] = _mm512_madd52hi_epu64(low[2 * i + 1], a[i], a[i]);
        }
        double(&mut high);
        let mut product: [__m512i; PRODUCT_LIMBS] =
            std::array::from_fn(|i| _mm512_add_epi64(high[i], low[i]));
        double(&mut product);
        for i in 0..LIMBS {
            product[2 * i] = _mm512_madd52lo_epu64(product[2 * i], a[i], a[i]);
        }
        folded(product)
    }

    /// The products, carried.
    #[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
    #[inline]
    pub(super) fn times(self, other: Eight) -> Eight {
        self.mul(other).carried()
    }

    /// The inverses, 0 for 0.
    #[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
    pub(super) fn invert(self) -> Eight {
        let squared_times = |value: Eight, times| (0..times).fold(value, |power, _| power.square().carried());
        // p - 2 = 2^255 - 21.
        let (ones, to_11) = power_of_ones(self, |a, b| a.times(b), squared_times);
        squared_times(ones, 5).times(to_11)
    }

    /// The same values as sums to add to. Limbs below 2^52.
    #[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
    #[inline]
    pub(super) fn widened(self) -> Wide {
        Wide(self.0)
    }

    /// The representatives below p, in limbs of 51 bits. Takes what [`Wide::carried`] gives.
    #[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
    pub(super) fn canonical(self) -> [__m512i; LIMBS] {
        let mask = splat(MASK);
        // As `Fe::canonical`: a carried value is below 2p.
        let mut carry = splat(19);
        for limb in self.0 {
            carry = _mm512_srli_epi64::<51>(_mm512_add_epi64(limb, carry));
        }
        carry = times_19(carry);
        self.0.map(|limb| {
            let sum = _mm512_add_epi64(limb, carry);
            carry = _mm512_srli_epi64::<51>(sum);
            _mm512_and_si512(sum, mask)
        })
    }
}

impl Wide {
    /// The sums. The caller keeps them below 2^63.
    #[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
    #[inline]
    pub(super) fn plus(self, other: Wide) -> Wide {
        Wide(std::array::from_fn(|i| _mm512_add_epi64(self.0[i], other.0[i])))
    }

    /// The differences, `other` a product. Below 2^62 more than `self`, which the caller keeps below 2^62.
    #[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
    #[inline]
    pub(super) fn minus(self, other: Wide) -> Wide {
        Wide(std::array::from_fn(|i| {
            _mm512_sub_epi64(_mm512_add_epi64(self.0[i], splat(ABOVE_PRODUCTS[i])), other.0[i])
        }))
    }

    /// The same values, fit to be multiplied: each limb below 2^63 gives what is above its 51 bits, less than
    /// 2^12, to the next one. The first gets 19 times as much: below 2^51 + 2^17, and value below 2p.
    #[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
    #[inline]
    pub(super) fn carried(self) -> Eight {
        let mask = splat(MASK);
        let low = self.0.map(|limb| _mm512_and_si512(limb, mask));
        let carry = self.0.map(|limb| _mm512_srli_epi64::<51>(limb));
        Eight([
            _mm512_madd52lo_epu64(low[0], carry[4], splat(19)),
            _mm512_add_epi64(low[1], carry[0]),
            _mm512_add_epi64(low[2], carry[1]),
            _mm512_add_epi64(low[3], carry[2]),
            _mm512_add_epi64(low[4], carry[3]),
        ])
    }
}

/// Brings the upper limbs of a product back: 2^255 = 19. A limb of a product is at most the sum of five low halves
/// and twice five high ones, below 15 * 2^52; with 19 times another it stays below 300 * 2^52 < 2^61.
#[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
#[inline]
fn folded(product: [__m512i; PRODUCT_LIMBS]) -> Wide {
    Wide(std::array::from_fn(|i| _mm512_add_epi64(product[i], times_19(product[i + LIMBS]))))
}

/// 19 times a lane of less than 2^59. Shifts and additions would do, but the compiler makes a multiplication of
/// them whatever is written, and this one (AVX-512 DQ) is its best.
#[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
#[inline]
fn times_19(x: __m512i) -> __m512i {
    _mm512_mullo_epi64(x, splat(19))
}

#[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
#[inline]
fn double(limbs: &mut [__m512i; PRODUCT_LIMBS]) {
    *limbs = limbs.map(|limb| _mm512_add_epi64(limb, limb));
}

/// The same word in every lane.
#[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f"))]
#[inline]
pub(super) fn splat(word: u64) -> __m512i {
    _mm512_set1_epi64(word.cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ed25519::lanes::LANES;
    use crate::ed25519::lanes::register::{load, store};
    use crate::ed25519::lanes::tests::where_possible;
    use crate::ed25519::oracle::Integer;
    use proptest::prelude::*;

    type Values = [[u64; LIMBS]; LANES];

    #[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
    fn eight(values: &Values) -> Eight {
        Eight(std::array::from_fn(|limb| load(&values.map(|value| value[limb]))))
    }

    #[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
    fn values(registers: [__m512i; LIMBS]) -> Values {
        let limbs = registers.map(|register| store(register));
        std::array::from_fn(|lane| limbs.map(|limb| limb[lane]))
    }

    /// What lane by lane became of `a` and `b`, with limbs below `2^bits`.
    #[track_caller]
    #[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
    fn check(
        result: [__m512i; LIMBS],
        bits: u32,
        (a, b): (&Values, &Values),
        expected: fn(Integer, Integer) -> Integer,
    ) {
        for ((result, a), b) in values(result).into_iter().zip(*a).zip(*b) {
            assert!(result.iter().all(|limb| *limb < 1 << bits), "{result:x?} of {a:x?} and {b:x?}");
            let expected = expected(Integer::of_limbs(a), Integer::of_limbs(b));
            assert_eq!(Integer::of_limbs(result), expected, "{a:x?} and {b:x?}");
        }
    }

    /// Limbs up to `top`, that one and others at the edge often.
    fn any_values(top: u64) -> impl Strategy<Value = Values> {
        let limb =
            prop_oneof![3 => 0..=top, 1 => Just(top), 1 => Just(0), 1 => Just(MASK), 1 => Just(MASK - 18)];
        prop::array::uniform8(prop::array::uniform5(limb))
    }

    /// All that fits to be multiplied.
    fn eights() -> impl Strategy<Value = Values> {
        any_values((1 << 52) - 1)
    }

    #[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
    fn check_products(both: (&Values, &Values)) {
        let (a, b) = (eight(both.0), eight(both.1));
        check(a.mul(b).0, 61, both, Integer::times);
        check(a.times(b).0, 52, both, Integer::times);
        check(a.square().0, 61, both, |a, _| a.times(a));
    }

    #[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
    fn check_sums(both: (&Values, &Values)) {
        let (a, b) = (eight(both.0), eight(both.1));
        let (a2, b2) = (a.square(), b.square());
        check(a2.plus(a2).plus(b2).carried().0, 52, both, |a, b| {
            a.times(a).plus(a.times(a)).plus(b.times(b))
        });
        // (2 a^2 - b^2) + b^2, the first difference as large as it may be.
        check(a2.plus(a2).minus(b2).0, 63, both, |a, b| {
            let minus_one = Integer::of_limbs([MASK - 19, MASK, MASK, MASK, MASK]);
            a.times(a).plus(a.times(a)).plus(b.times(b).times(minus_one))
        });
        let difference = a2.plus(a2).minus(b2).carried();
        check(difference.widened().plus(b2).0, 62, both, |a, _| a.times(a).plus(a.times(a)));
    }

    #[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
    fn check_canonical((a, _): (&Values, &Values)) {
        for (canonical, a) in values(eight(a).canonical()).into_iter().zip(*a) {
            assert_eq!(crate::ed25519::field::pack(canonical), Integer::of_limbs(a).to_bytes());
        }
    }

    #[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
    fn check_inverses((a, _): (&Values, &Values)) {
        let product = eight(a).times(eight(a).invert());
        for (product, a) in values(product.0).into_iter().zip(*a) {
            let (zero, one) = (Integer::of_limbs([0; LIMBS]), Integer::of_limbs([1, 0, 0, 0, 0]));
            assert_eq!(Integer::of_limbs(product), if Integer::of_limbs(a) == zero { zero } else { one });
        }
    }

    #[test]
    fn the_largest_limbs_there_are_do_not_overflow() {
        let largest = [[(1 << 52) - 1; LIMBS]; LANES];
        where_possible(check_products, (&largest, &largest));
        where_possible(check_sums, (&largest, &largest));
    }

    #[test]
    fn values_near_p_have_one_canonical_form() {
        for above in (0..=40).step_by(LANES) {
            // From p - 20 on, eight at a time.
            let near_p =
                std::array::from_fn(|lane| [MASK - 38 + above + lane as u64, MASK, MASK, MASK, MASK]);
            where_possible(check_canonical, (&near_p, &near_p));
        }
    }

    proptest! {
        #[test]
        fn products_are_right_and_below_their_bound(a in eights(), b in eights()) {
            where_possible(check_products, (&a, &b));
        }

        #[test]
        fn sums_and_differences_of_products_are_right_and_carried(a in eights(), b in eights()) {
            where_possible(check_sums, (&a, &b));
        }

        #[test]
        fn carried_values_have_one_canonical_form(a in any_values(MASK + (1 << 17))) {
            where_possible(check_canonical, (&a, &a));
        }

        #[test]
        fn inverses_multiply_to_one(a in eights()) {
            where_possible(check_inverses, (&a, &a));
        }
    }
}
