//! Four sums of points side by side.

use core::arch::x86_64::{
    __m256d, _mm256_and_pd, _mm256_blendv_pd, _mm256_castsi256_pd, _mm256_permute4x64_pd, _mm256_set1_pd,
    _mm256_xor_pd,
};

use super::LANES;
use super::field::{Four, Wide};
use super::register::{load, mask, transpose};
use crate::ed25519::field::{Fe, LIMBS};
use crate::ed25519::plan::Plan;
use crate::ed25519::point::Projective;
use crate::ed25519::table::Row;

/// Four points in extended coordinates, Y + X and Y - X in place of X and Y: that is how they are added.
#[derive(Clone, Copy)]
pub(super) struct Sums {
    y_plus_x: Four,
    y_minus_x: Four,
    /// Never multiplied while look-ups are added, so not carried either. A product: below 2^59.
    z: Wide,
    t: Four,
}

/// Four affine points, prepared to be added: see `Addend`.
struct Addends {
    y_plus_x: Four,
    y_minus_x: Four,
    xy2d: Four,
}

impl Addends {
    /// Takes row `i` for lane `i`, with the sign changed where bit `i` of `negative` is set.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn of(rows: &[&Row; LANES], negative: u8) -> Addends {
        let quarters: [_; 4] = std::array::from_fn(|quarter| {
            transpose(std::array::from_fn(|lane| load(&rows[lane].0.as_flattened().as_chunks().0[quarter])))
        });
        let value = |first: usize| {
            Four::of(std::array::from_fn(|i| quarters[(first + i) / LANES][(first + i) % LANES]))
        };
        let (plus, minus, xy2d) = (value(0), value(LIMBS), value(2 * LIMBS));
        // -(x, y) = (-x, y): the sums change places and the product its sign.
        let negative = _mm256_castsi256_pd(mask(negative));
        let sign = _mm256_and_pd(negative, _mm256_set1_pd(-0.0));
        let chosen =
            |a: Four, b: Four| Four(std::array::from_fn(|i| _mm256_blendv_pd(a.0[i], b.0[i], negative)));
        Addends {
            y_plus_x: chosen(plus, minus),
            y_minus_x: chosen(minus, plus),
            xy2d: Four(xy2d.0.map(|limb| _mm256_xor_pd(limb, sign))),
        }
    }
}

impl Sums {
    /// Zero of the group in every lane.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn zero() -> Sums {
        let one = Four::splat(Fe::ONE);
        Sums { y_plus_x: one, y_minus_x: one, z: Wide::one(), t: Four::splat(Fe::ZERO) }
    }

    /// Everything in `plan` added up: the sum of a job's look-ups in the lane of its number.
    #[target_feature(enable = "avx2,fma")]
    pub(super) fn of(plan: &Plan<'_, LANES>) -> Sums {
        let mut sums = Sums::zero();
        for step in plan.steps() {
            sums = sums.plus(&Addends::of(&step.rows, step.negative));
        }
        for distance in plan.distances() {
            sums = if distance == 1 {
                sums.plus_moved(|limb| _mm256_permute4x64_pd::<0b00_11_10_01>(limb))
            } else {
                sums.plus_moved(|limb| _mm256_permute4x64_pd::<0b01_00_11_10>(limb))
            };
        }
        sums
    }

    /// Adds a point to each sum, by the formula of `Point::plus`.
    #[target_feature(enable = "avx2,fma")]
    #[inline]
    fn plus(&self, other: &Addends) -> Sums {
        let a = self.y_minus_x.mul(&other.y_minus_x);
        let b = self.y_plus_x.mul(&other.y_plus_x);
        let c = self.t.mul(&other.xy2d);
        completed(a, b, c, self.z.plus(self.z))
    }

    /// Adds to each sum another of them, the one that `moved` brings into its lane.
    #[expect(clippy::many_single_char_names, reason = "the names of the formula")]
    #[target_feature(enable = "avx2,fma")]
    fn plus_moved(&self, moved: impl Fn(__m256d) -> __m256d) -> Sums {
        let moved = |value: Four| Four(value.0.map(&moved));
        let a = self.y_minus_x.mul(&moved(self.y_minus_x));
        let b = self.y_plus_x.mul(&moved(self.y_plus_x));
        let c = self.t.times(&Four::splat(Fe::D2)).mul(&moved(self.t));
        let z = self.z.carried();
        let d = z.mul(&moved(z));
        completed(a, b, c, d.plus(d))
    }

    /// `(x 2Z, y 2Z, 2Z)` of the affine coordinates, lane by lane.
    #[target_feature(enable = "avx2,fma")]
    pub(super) fn apart(&self) -> [Projective; LANES] {
        let (plus, minus, z) = (self.y_plus_x.apart(), self.y_minus_x.apart(), self.z.carried().apart());
        std::array::from_fn(|i| Projective {
            x: plus[i].sub(minus[i]),
            y: plus[i].add(minus[i]),
            z: z[i].add(z[i]),
        })
    }
}

/// The second half of every addition. `a`, `b` and `c` are products, below 2^59 in size, and `d` is below 2^60: so all sums
/// and differences are below 2^61.
#[expect(clippy::many_single_char_names, reason = "the names of the formula")]
#[target_feature(enable = "avx2,fma")]
#[inline]
fn completed(a: Wide, b: Wide, c: Wide, d: Wide) -> Sums {
    let (e, h) = (b.minus(a).carried(), b.plus(a).carried());
    let (f, g) = (d.minus(c).carried(), d.plus(c).carried());
    let (x, y) = (e.mul(&f), g.mul(&h));
    Sums {
        y_plus_x: y.plus(x).carried(),
        y_minus_x: y.minus(x).carried(),
        z: f.mul(&g),
        t: e.mul(&h).carried(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ed25519::fours::tests::where_possible;
    use crate::ed25519::plan::tests::{Jobs, jobs, planned};
    use proptest::prelude::*;

    #[target_feature(enable = "avx2,fma")]
    fn check(jobs: &Jobs) {
        let (plan, expected) = planned(jobs);
        let encodings = Sums::of(&plan).apart().map(|sum| sum.encode(sum.z.invert()));
        assert_eq!(encodings[..jobs.len()], expected);
    }

    proptest! {
        /// However many jobs share the lanes, each sum is the comb's.
        #[test]
        fn sums_are_those_of_the_comb(jobs in jobs(LANES)) {
            where_possible(check, jobs.as_slice());
        }
    }
}
