//! Which lane adds which rows when.
//!
//! Eight jobs take a lane each and add their 64 look-ups one after the other. Fewer jobs would leave lanes idle,
//! so each gets several: a lane adds the look-ups of every second, fourth or eighth digit position, and the
//! parts are added together at the end. One job alone is then eight steps and three additions of parts long.

use super::LANES;
use super::point::{Addends, Sums};
use crate::ed25519::equation::{DIGITS, Equation};
use crate::ed25519::table::{self, Row, Table};

/// The look-ups of up to eight jobs.
pub(super) struct Plan<'t> {
    steps: [Step<'t>; STEPS_MAX],
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

/// Look-ups of one job: two scalars.
const STEPS_MAX: usize = 2 * DIGITS;

/// How many steps before its use a row is asked for: an addition takes longer than memory does.
const AHEAD: usize = 2;

impl<'t> Plan<'t> {
    /// A plan for so many jobs, at most [`LANES`]; what is not [`place`](Plan::place)d adds zero.
    pub(super) fn for_jobs(jobs: usize) -> Plan<'t> {
        let idle = Step { rows: [table::base().row(0, 0); LANES], negative: 0 };
        Plan { steps: [idle; STEPS_MAX], parts: LANES / jobs.next_power_of_two() }
    }

    /// Places the look-ups of job number `job`: part `i` of it goes `i * LANES / parts` lanes further on.
    pub(super) fn place(&mut self, job: usize, minus_a: &'t Table, equation: &Equation) {
        for position in 0..DIGITS {
            let lane = job + position % self.parts * self.stride();
            let step = position / self.parts * 2;
            self.steps[step].set(lane, table::base(), position, equation.s[position]);
            self.steps[step + 1].set(lane, minus_a, position, equation.k[position]);
        }
    }

    /// Adds everything up: the sum of a job's look-ups in the lane of its number.
    #[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
    pub(super) fn sum(&self) -> Sums {
        let steps = &self.steps[..STEPS_MAX / self.parts];
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

impl<'t> Step<'t> {
    fn set(&mut self, lane: usize, table: &'t Table, position: usize, digit: i8) {
        self.rows[lane] = table.row(position, digit);
        self.negative |= u8::from(digit < 0) << lane;
    }

    #[inline]
    fn prefetch(&self) {
        self.rows.iter().for_each(|row| row.prefetch());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ed25519::comb;
    use crate::ed25519::equation::Digits;
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
            Table::of(&Point::decode(&point.compress().to_bytes()).expect("a point"))
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

    fn digits() -> impl Strategy<Value = Digits> {
        prop_oneof![
            8 => any::<Digits>(),
            1 => Just([0; DIGITS]),
            1 => Just([-128; DIGITS]),
            1 => (0..DIGITS, any::<i8>()).prop_map(|(position, digit)| {
                let mut digits = [0; DIGITS];
                digits[position] = digit;
                digits
            }),
        ]
    }

    fn jobs() -> impl Strategy<Value = Vec<(usize, Equation)>> {
        let job = (0..2_usize, digits(), digits()).prop_map(|(table, s, k)| (table, Equation { s, k }));
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
