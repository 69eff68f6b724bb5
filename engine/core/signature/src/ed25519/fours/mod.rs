//! Four signatures side by side in AVX2 registers, multiplied by FMA (x86-64 only).
//!
//! The work is that of the lanes of eight, for CPUs without AVX-512 IFMA: the same plan, the same tables, the same formulas.
//! At the end each sum goes its own way, and the comb's code encodes it. Built into every x86-64 binary and used where the CPU
//! has the instructions.

mod field;
mod point;
mod register;
mod sha512;

use super::comb::compare;
use super::in_groups;
use super::plan::Plan;
use super::point::Projective;
use crate::verify::{BATCH_MAX, Backend, Job};
use point::Sums;

/// The back end itself. A value of this type is proof that the CPU has the instructions.
pub(super) struct Fours(());

/// Lanes of a register.
const LANES: usize = 4;

impl Fours {
    /// The back end, `None` on a CPU without the instructions.
    pub(super) fn detect() -> Option<Fours> {
        let present = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        present.then_some(Fours(()))
    }
}

impl Backend for Fours {
    fn name(&self) -> &'static str {
        "fours"
    }

    fn verify(&self, jobs: &[Job<'_>], genuine: &mut [bool]) {
        in_groups::<{ BATCH_MAX }>(jobs, genuine, |jobs, genuine| {
            #[expect(unsafe_code, reason = "the compiler cannot know the CPU")]
            // SAFETY: the only way to a `Fours` is `detect`, which found both features.
            unsafe {
                verify_batch(jobs, genuine);
            }
        });
    }
}

/// Verifies up to [`BATCH_MAX`] jobs.
#[target_feature(enable = "avx2,fma")]
fn verify_batch(jobs: &[Job<'_>], genuine: &mut [bool]) {
    let mut sums = [Projective::ZERO; BATCH_MAX];
    let groups = sums.as_chunks_mut::<LANES>().0;
    for ((jobs, genuine), sums) in jobs.chunks(LANES).zip(genuine.chunks_mut(LANES)).zip(groups) {
        *sums = Sums::of(&Plan::of(jobs, genuine, sha512::digests(jobs))).apart();
    }
    compare(jobs, genuine, &sums);
}

#[cfg(test)]
mod tests {
    use super::Fours;

    /// Runs a check of arithmetic in lanes where the CPU has them.
    pub(super) fn where_possible<A>(check: unsafe fn(A), argument: A) {
        if Fours::detect().is_some() {
            #[expect(unsafe_code, reason = "the compiler cannot know the CPU")]
            // SAFETY: the checks need the two features that were just found.
            unsafe {
                check(argument);
            }
        }
    }
}
