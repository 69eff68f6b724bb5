//! The portable back end: a comb of table look-ups.
//!
//! With the multiples of `256^i P` for every digit position `i` at hand, a multiple of P is the sum of one
//! look-up per digit: 64 additions for `[S]B - [k]A` and not one doubling. Up to sixteen results share the one
//! inversion that their encodings need.

use super::equation::{DIGITS, Equation, digest};
use super::field::Fe;
use super::in_groups;
use super::point::{Point, invert_together};
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
    let mut points = [Point::ZERO; TOGETHER];
    for ((job, point), genuine) in jobs.iter().zip(&mut points).zip(&mut *genuine) {
        let PreparedKey::Ed25519(key) = job.key else {
            *genuine = false;
            continue;
        };
        let equation = Equation::of(job, || digest(key, job));
        *genuine = equation.is_some();
        if let Some(equation) = equation {
            *point = expected_r(key.minus_a(), &equation);
        }
    }
    let mut inverses = points.map(|point| point.z);
    invert_together(&mut inverses[..jobs.len()], &mut [Fe::ONE; TOGETHER]);
    for (((job, genuine), point), inverse) in jobs.iter().zip(genuine).zip(&points).zip(inverses) {
        *genuine = *genuine && job.signature.starts_with(&point.encode(inverse));
    }
}

/// `R' = [S]B - [k]A`, of the table of -A.
pub(super) fn expected_r(minus_a: &Table, equation: &Equation) -> Point {
    let look_up = |position: usize| {
        [(table::base(), equation.s[position]), (minus_a, equation.k[position])].map(|(table, digit)| {
            let row = table.row(position, digit);
            row.prefetch();
            (row, digit < 0)
        })
    };
    let mut next = look_up(0);
    let mut sum = Point::ZERO;
    for position in 1..=DIGITS {
        let now = next;
        if position < DIGITS {
            next = look_up(position);
        }
        for (row, negative) in now {
            sum = sum.plus(&row.addend(), negative);
        }
    }
    sum
}
