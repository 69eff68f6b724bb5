//! The portable back end: a comb of table look-ups.
//!
//! With the multiples of `2^(bits i) P` for every digit position `i` at hand, a multiple of P is the sum of one
//! look-up per digit: 55 additions for `[S]B - [k]A` and not one doubling. Up to sixteen results share the one
//! inversion that their encodings need.

use super::equation::{Equation, LOOK_UPS, digest};
use super::field::Fe;
use super::in_groups;
use super::point::{Point, Projective, invert_together};
use super::table::{self, Table};
use crate::key::PreparedKey;
use crate::verify::{Backend, Job};

/// The back end itself.
pub(super) struct Comb;

/// Results encoded with one inversion, which is 3 µs for one and 0.4 for each of sixteen.
const TOGETHER: usize = 16;

impl Backend for Comb {
    fn name(&self) -> &'static str {
        "comb"
    }

    fn verify(&self, jobs: &[Job<'_>], genuine: &mut [bool]) {
        in_groups::<TOGETHER>(jobs, genuine, verify_group);
    }
}

/// Verifies up to [`TOGETHER`] jobs. Those refused without arithmetic ride along as zero.
fn verify_group(jobs: &[Job<'_>], genuine: &mut [bool]) {
    let mut sums = [Projective::ZERO; TOGETHER];
    for ((job, sum), genuine) in jobs.iter().zip(&mut sums).zip(&mut *genuine) {
        let PreparedKey::Ed25519(key) = job.key else {
            *genuine = false;
            continue;
        };
        let equation = Equation::of(job, || digest(key, job));
        *genuine = equation.is_some();
        if let Some(equation) = equation {
            *sum = expected_r(key.minus_a(), &equation).projective();
        }
    }
    compare(jobs, genuine, &sums);
}

/// Leaves those jobs genuine whose R encodes their sum. One inversion for all of them.
pub(super) fn compare<const N: usize>(jobs: &[Job<'_>], genuine: &mut [bool], sums: &[Projective; N]) {
    let mut inverses = sums.map(|sum| sum.z);
    invert_together(&mut inverses[..jobs.len()], &mut [Fe::ONE; N]);
    for (((job, genuine), sum), inverse) in jobs.iter().zip(genuine).zip(sums).zip(inverses) {
        *genuine = *genuine && job.signature.starts_with(&sum.encode(inverse));
    }
}

/// How many additions before its use a row is asked for: memory takes longer than an addition.
const AHEAD: usize = 2;

/// `R' = [S]B - [k]A`, of the table of -A.
pub(super) fn expected_r(minus_a: &Table, equation: &Equation) -> Point {
    let mut rows = [(table::base().row(0, 0), false); LOOK_UPS];
    equation.rows(minus_a).zip(&mut rows).for_each(|(row, place)| *place = row);
    rows[..AHEAD].iter().for_each(|(row, _)| row.prefetch());
    let mut sum = Point::ZERO;
    for (i, (row, negative)) in rows.iter().enumerate() {
        if let Some((ahead, _)) = rows.get(i + AHEAD) {
            ahead.prefetch();
        }
        sum = sum.plus(&row.addend(), *negative);
    }
    sum
}
