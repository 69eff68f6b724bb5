//! Which lane adds which rows when.
//!
//! As many jobs as there are lanes take a lane each and add their 55 look-ups one after the other. Fewer jobs would leave
//! lanes idle, so each gets several: a lane adds every second, fourth or eighth look-up, and the parts are added together
//! at the end. One job alone is then seven steps of eight lanes and three additions of parts long, or fourteen of four
//! lanes and two.

use super::equation::{Digest, Equation, LOOK_UPS, digest};
use super::table::{self, Row, Table};
use crate::key::PreparedKey;
use crate::verify::Job;

/// The look-ups of up to `LANES` jobs, which are a power of two and at most 8.
pub(super) struct Plan<'t, const LANES: usize> {
    steps: [Step<'t, LANES>; LOOK_UPS],
    /// Lanes of one job: 1, 2, 4 or 8.
    parts: usize,
}

/// One addition in every lane.
#[derive(Clone, Copy)]
pub(super) struct Step<'t, const LANES: usize> {
    pub(super) rows: [&'t Row; LANES],
    /// Bit `i`: lane `i` subtracts.
    pub(super) negative: u8,
}

/// How many steps before its use a row is asked for: an addition takes longer than memory does.
const AHEAD: usize = 2;

impl<'t, const LANES: usize> Plan<'t, LANES> {
    /// The plan of up to `LANES` jobs with their digests, where these were made together. Writes to `genuine` whether the
    /// signature may be genuine; those refused without arithmetic leave zero in their lane.
    pub(super) fn of(
        jobs: &[Job<'t>],
        genuine: &mut [bool],
        digests: Option<[Digest; LANES]>,
    ) -> Plan<'t, LANES> {
        let mut plan = Plan::for_jobs(jobs.len());
        for (lane, (job, genuine)) in jobs.iter().zip(genuine).enumerate() {
            let PreparedKey::Ed25519(key) = job.key else {
                *genuine = false;
                continue;
            };
            let equation =
                Equation::of(job, || digests.map_or_else(|| digest(key, job), |digests| digests[lane]));
            *genuine = equation.is_some();
            if let Some(equation) = equation {
                plan.place(lane, key.minus_a(), &equation);
            }
        }
        plan
    }

    /// A plan for so many jobs; what is not [`place`](Plan::place)d adds zero.
    fn for_jobs(jobs: usize) -> Plan<'t, LANES> {
        const { assert!(LANES.is_power_of_two() && LANES <= 8) };
        let idle = Step { rows: [table::base().row(0, 0); LANES], negative: 0 };
        Plan { steps: [idle; LOOK_UPS], parts: LANES / jobs.next_power_of_two() }
    }

    /// Places the look-ups of job number `job`: part `i` of it goes `i * LANES / parts` lanes further on.
    fn place(&mut self, job: usize, minus_a: &'t Table, equation: &Equation) {
        let (stride, shift) = (self.stride(), self.parts.ilog2());
        equation.rows(minus_a).enumerate().for_each(|(i, (row, negative))| {
            let lane = job + (i & (self.parts - 1)) * stride;
            let step = &mut self.steps[i >> shift];
            step.rows[lane] = row;
            step.negative |= u8::from(negative) << lane;
        });
    }

    /// The additions in their order, each asked for ahead of its turn.
    #[inline]
    pub(super) fn steps(&self) -> impl Iterator<Item = &Step<'t, LANES>> {
        let steps = &self.steps[..LOOK_UPS.div_ceil(self.parts)];
        steps.iter().take(AHEAD).for_each(Step::prefetch);
        steps.iter().enumerate().map(|(i, step)| {
            if let Some(ahead) = steps.get(i + AHEAD) {
                ahead.prefetch();
            }
            step
        })
    }

    /// How many lanes apart parts are that are added together after the steps, one after the other.
    pub(super) fn distances(&self) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(LANES / 2), |distance| Some(distance / 2))
            .take(self.parts.ilog2() as usize)
    }

    /// Lanes from one part of a job to the next; `LANES` when jobs are not parted.
    fn stride(&self) -> usize {
        LANES / self.parts
    }
}

impl<const LANES: usize> Step<'_, LANES> {
    #[inline]
    fn prefetch(&self) {
        self.rows.iter().for_each(|row| row.prefetch());
    }
}

/// What the tests of either width add up.
#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::ed25519::comb;
    use crate::ed25519::equation::{BASE_BITS, KEY_BITS};
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

    /// The number of a table, and what is looked up in it.
    pub(in crate::ed25519) type Jobs = [(usize, Equation)];

    /// The plan of `jobs`, and the encodings of what the comb says their sums are.
    pub(in crate::ed25519) fn planned<const LANES: usize>(
        jobs: &Jobs,
    ) -> (Plan<'static, LANES>, Vec<[u8; 32]>) {
        let mut plan = Plan::for_jobs(jobs.len());
        let encodings = jobs.iter().enumerate().map(|(number, (table, equation))| {
            plan.place(number, &TABLES[*table], equation);
            let sum = comb::expected_r(&TABLES[*table], equation);
            sum.encode(sum.z.invert())
        });
        let encodings = encodings.collect();
        (plan, encodings)
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

    /// As many jobs as `lanes` hold, or fewer.
    pub(in crate::ed25519) fn jobs(lanes: usize) -> impl Strategy<Value = Vec<(usize, Equation)>> {
        let job = (0..2_usize, digits::<BASE_BITS, _>(), digits::<KEY_BITS, _>())
            .prop_map(|(table, s, k)| (table, Equation { s, k }));
        prop::collection::vec(job, 1..=lanes)
    }
}
