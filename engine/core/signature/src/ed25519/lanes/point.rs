//! Eight sums of points side by side.

use super::arch::{
    __m512i, __mmask8, _mm512_mask_blend_epi64, _mm512_mask_sub_epi64, _mm512_permutexvar_epi64,
};

use super::LANES;
use super::field::{Eight, Wide, splat};
use super::register::{load, transpose};
use crate::ed25519::field::{Fe, LIMBS, MASK};
use crate::ed25519::plan::Plan;
use crate::ed25519::table::Row;

/// Eight points in extended coordinates, Y + X and Y - X in place of X and Y: that is how they are added.
#[derive(Clone, Copy)]
pub(super) struct Sums {
    y_plus_x: Eight,
    y_minus_x: Eight,
    /// Never multiplied while look-ups are added, so not carried either. A product: below 2^61.
    z: Wide,
    t: Eight,
}

/// Eight affine points, prepared to be added: see `Addend`.
struct Addends {
    y_plus_x: Eight,
    y_minus_x: Eight,
    xy2d: Eight,
}

/// 2p in limbs of 52 bits.
const TWO_P: [u64; LIMBS] = [2 * (MASK - 18), 2 * MASK, 2 * MASK, 2 * MASK, 2 * MASK];

impl Addends {
    /// Takes row `i` for lane `i`, with the sign changed where bit `i` of `negative` is set.
    #[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
    #[inline]
    fn of(rows: &[&Row; LANES], negative: __mmask8) -> Addends {
        let first = transpose(std::array::from_fn(|lane| load(&rows[lane].0[0])));
        let second = transpose(std::array::from_fn(|lane| load(&rows[lane].0[1])));
        let plus = [first[0], first[1], first[2], first[3], first[4]];
        let minus = [first[5], first[6], first[7], second[0], second[1]];
        let xy2d = [second[2], second[3], second[4], second[5], second[6]];
        // -(x, y) = (-x, y): the sums change places and the product its sign. Limbs of rows are below 2^51, so
        // 2p takes them without a borrow and stays below 2^52.
        let blend = |a: __m512i, b: __m512i| _mm512_mask_blend_epi64(negative, a, b);
        Addends {
            y_plus_x: Eight(std::array::from_fn(|i| blend(plus[i], minus[i]))),
            y_minus_x: Eight(std::array::from_fn(|i| blend(minus[i], plus[i]))),
            xy2d: Eight(std::array::from_fn(|i| {
                _mm512_mask_sub_epi64(xy2d[i], negative, splat(TWO_P[i]), xy2d[i])
            })),
        }
    }
}

impl Sums {
    /// Zero of the group in every lane.
    #[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
    #[inline]
    pub(super) fn zero() -> Sums {
        let one = Eight::splat(Fe::ONE);
        Sums { y_plus_x: one, y_minus_x: one, z: one.widened(), t: Eight::splat(Fe::ZERO) }
    }

    /// Everything in `plan` added up: the sum of a job's look-ups in the lane of its number.
    #[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
    pub(super) fn of(plan: &Plan<'_, LANES>) -> Sums {
        let mut sums = Sums::zero();
        for step in plan.steps() {
            sums = sums.plus(&Addends::of(&step.rows, step.negative));
        }
        for distance in plan.distances() {
            sums = sums.plus_rotated(distance);
        }
        sums
    }

    /// Adds a point to each sum, by the formula of `Point::plus`.
    #[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
    #[inline]
    fn plus(&self, other: &Addends) -> Sums {
        let a = self.y_minus_x.mul(other.y_minus_x);
        let b = self.y_plus_x.mul(other.y_plus_x);
        let c = self.t.mul(other.xy2d);
        completed(a, b, c, self.z.plus(self.z))
    }

    /// Adds to each sum the one `distance` lanes further on, round the end. Then lanes that far apart hold the
    /// same point.
    #[expect(clippy::many_single_char_names, reason = "the names of the formula")]
    #[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
    fn plus_rotated(&self, distance: usize) -> Sums {
        let from = load(&std::array::from_fn(|lane| ((lane + distance) % LANES) as u64));
        let rotated = |value: Eight| Eight(value.0.map(|limb| _mm512_permutexvar_epi64(from, limb)));
        let a = self.y_minus_x.mul(rotated(self.y_minus_x));
        let b = self.y_plus_x.mul(rotated(self.y_plus_x));
        let c = self.t.times(Eight::splat(Fe::D2)).mul(rotated(self.t));
        let z = self.z.carried();
        let d = z.mul(rotated(z));
        completed(a, b, c, d.plus(d))
    }

    /// `(x 2Z, y 2Z, 2Z)` of the affine coordinates.
    #[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
    pub(super) fn coordinates(&self) -> [Eight; 3] {
        let (plus, minus) = (self.y_plus_x.widened(), self.y_minus_x.widened());
        [plus.minus(minus).carried(), plus.plus(minus).carried(), self.z.plus(self.z).carried()]
    }
}

/// The second half of every addition. `a`, `b` and `c` are products, below 2^61, and `d` is below 2^62: so `d - c` is
/// below 2^63 and everything else below that.
#[expect(clippy::many_single_char_names, reason = "the names of the formula")]
#[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
#[inline]
fn completed(a: Wide, b: Wide, c: Wide, d: Wide) -> Sums {
    let (e, h) = (b.minus(a).carried(), b.plus(a).carried());
    let (f, g) = (d.minus(c).carried(), d.plus(c).carried());
    let (x, y) = (e.mul(f), g.mul(h));
    Sums {
        y_plus_x: y.plus(x).carried(),
        y_minus_x: y.minus(x).carried(),
        z: f.mul(g),
        t: e.mul(h).carried(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ed25519::lanes::GROUPS;
    use crate::ed25519::lanes::encoding::encode_together;
    use crate::ed25519::lanes::tests::where_possible;
    use crate::ed25519::plan::tests::{Jobs, jobs, planned};
    use crate::ed25519::point::Point;
    use proptest::prelude::*;

    #[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
    fn check(jobs: &Jobs) {
        let (plan, expected) = planned(jobs);
        let mut sums = [Sums::zero(); GROUPS];
        sums[GROUPS - 1] = Sums::of(&plan);
        let encodings = encode_together(&sums);
        assert_eq!(encodings[GROUPS - 1][..jobs.len()], expected);
        assert_eq!(encodings[0][0], Point::ZERO.encode(Point::ZERO.z));
    }

    proptest! {
        /// However many jobs share the lanes, each sum is the comb's.
        #[test]
        fn sums_are_those_of_the_comb(jobs in jobs(LANES)) {
            where_possible(check, jobs.as_slice());
        }
    }
}
