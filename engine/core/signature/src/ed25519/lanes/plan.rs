//! Which lane adds which rows when.
//!
//! Eight jobs take a lane each and add their 55 look-ups one after the other. Fewer jobs would leave lanes idle,
//! so each gets several: a lane adds every second, fourth or eighth look-up, and the parts are added together at the
//! end. One job alone is then seven steps and three additions of parts long.

use super::LANES;
use super::point::{Addends, Sums};
use crate::ed25519::equation::{Equation, LOOK_UPS};
use crate::ed25519::table::{self, Row, Table};

/// The look-ups of up to eight jobs.
pub(super) struct Plan<'t> {
    steps: [Step<'t>; LOOK_UPS],
    /// Lanes of one job: 1, 2, 4 or 8.
    parts: usize,
}

/// One addition in every lane.
#[derive(Clone, Copy)]
struct Step<'t> {
    rows: [&'t Row; LANES],
    /// Bit `i`: lane `i` subtracts.
    negative: u8,
}

/// How many steps before its use a row is asked for: an addition takes longer than memory does.
const AHEAD: usize = 2;

impl<'t> Plan<'t> {
    /// A plan for so many jobs, at most [`LANES`]; what is not [`place`](Plan::place)d adds zero.
    pub(super) fn for_jobs(jobs: usize) -> Plan<'t> {
        let idle = Step { rows: [table::base().row(0, 0); LANES], negative: 0 };
        Plan { steps: [idle; LOOK_UPS], parts: LANES / jobs.next_power_of_two() }
    }

    /// Places the look-ups of job number `job`: part `i` of it goes `i * LANES / parts` lanes further on.
    pub(super) fn place(&mut self, job: usize, minus_a: &'t Table, equation: &Equation) {
        let (stride, shift) = (self.stride(), self.parts.ilog2());
        equation.rows(minus_a).enumerate().for_each(|(i, (row, negative))| {
            let lane = job + (i & (self.parts - 1)) * stride;
            let step = &mut self.steps[i >> shift];
            step.rows[lane] = row;
            step.negative |= u8::from(negative) << lane;
        });
    }

    /// Adds everything up: the sum of a job's look-ups in the lane of its number.
    #[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
    pub(super) fn sum(&self) -> Sums {
        let steps = &self.steps[..LOOK_UPS.div_ceil(self.parts)];
        steps.iter().take(AHEAD).for_each(Step::prefetch);
        let mut sums = Sums::zero();
        for (i, step) in steps.iter().enumerate() {
            if let Some(ahead) = steps.get(i + AHEAD) {
                ahead.prefetch();
            }
            sums = sums.plus(&Addends::of(&step.rows, step.negative));
        }
        let mut distance = LANES / 2;
        while distance >= self.stride() {
            sums = sums.plus_rotated(distance);
            distance /= 2;
        }
        sums
    }

    /// Lanes from one part of a job to the next; [`LANES`] when jobs are not parted.
    fn stride(&self) -> usize {
        LANES / self.parts
    }
}

impl Step<'_> {
    #[inline]
    fn prefetch(&self) {
        self.rows.iter().for_each(|row| row.prefetch());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ed25519::comb;
    use crate::ed25519::equation::{BASE_BITS, KEY_BITS};
    use crate::ed25519::lanes::GROUPS;
    use crate::ed25519::lanes::encoding::encode_together;
    use crate::ed25519::lanes::tests::where_possible;
    use crate::ed25519::point::Point;
    use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
    use curve25519_dalek::edwards::EdwardsPoint;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    /// Tables of a point of mixed order and of one of order 8, whose sums meet every special case.
    static TABLES: LazyLock<[Table; 2]> = LazyLock::new(|| {
        [ED25519_BASEPOINT_POINT + EIGHT_TORSION[3], EIGHT_TORSION[1]].map(|point: EdwardsPoint| {
            Table::of_key(&Point::decode(&point.compress().to_bytes()).expect("a point"))
        })
    });

    type Jobs = [(usize, Equation)];

    #[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
    fn check(jobs: &Jobs) {
        let mut plan = Plan::for_jobs(jobs.len());
        for (number, (table, equation)) in jobs.iter().enumerate() {
            plan.place(number, &TABLES[*table], equation);
        }
        let mut sums = [Sums::zero(); GROUPS];
        sums[GROUPS - 1] = plan.sum();
        let encodings = encode_together(&sums);
        for ((table, equation), encoding) in jobs.iter().zip(encodings[GROUPS - 1]) {
            let expected = comb::expected_r(&TABLES[*table], equation);
            assert_eq!(encoding, expected.encode(expected.z.invert()));
        }
        assert_eq!(encodings[0][0], Point::ZERO.encode(Point::ZERO.z));
    }

    fn digits<const BITS: usize, const DIGITS: usize>() -> impl Strategy<Value = [i16; DIGITS]> {
        let half = 1_i16 << (BITS - 1);
        prop_oneof![
            8 => prop::array::uniform(-half..=half),
            1 => Just([0; DIGITS]),
            1 => Just([-half; DIGITS]),
            1 => (0..DIGITS, -half..=half).prop_map(|(position, digit)| {
                let mut digits = [0; DIGITS];
                digits[position] = digit;
                digits
            }),
        ]
    }

    fn jobs() -> impl Strategy<Value = Vec<(usize, Equation)>> {
        let job = (0..2_usize, digits::<BASE_BITS, _>(), digits::<KEY_BITS, _>())
            .prop_map(|(table, s, k)| (table, Equation { s, k }));
        prop::collection::vec(job, 1..=LANES)
    }

    proptest! {
        /// However many jobs share the lanes, each sum is the comb's.
        #[test]
        fn sums_are_those_of_the_comb(jobs in jobs()) {
            where_possible(check, jobs.as_slice());
        }
    }
}
