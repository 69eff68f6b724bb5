//! Eight signatures side by side in the lanes of AVX-512 registers, multiplied by IFMA (x86-64 only).
//!
//! The work is the comb's, look-up for look-up; only that every step is done for eight jobs at once, or that a
//! few jobs spread their look-ups over all eight lanes. Built into every x86-64 binary and used where the CPU has
//! the instructions, so that nobody has to build for their machine.
//!
//! The package `hufu-signature-emulated` builds the same files with the cfg `emulated_lanes`: without the target
//! features, and with plain Rust in place of the intrinsics. So every test of the lanes runs on every machine.

#![expect(
    clippy::large_types_passed_by_value,
    reason = "the arithmetic is inlined, its values live in registers"
)]

#[cfg(emulated_lanes)]
use crate::arch;
#[cfg(not(emulated_lanes))]
use core::arch::x86_64 as arch;

mod encoding;
mod field;
mod point;
mod register;
mod sha512;

use super::in_groups;
use super::plan::Plan;
use crate::verify::{BATCH_MAX, Backend, Job};
use encoding::encode_together;
use point::Sums;

/// The back end itself. A value of this type is proof that the CPU has the instructions.
pub(super) struct Lanes(());

/// Lanes of a register.
const LANES: usize = 8;

/// Groups of eight that share one inversion.
const GROUPS: usize = BATCH_MAX / LANES;

const _: () = assert!(GROUPS * LANES == BATCH_MAX, "every job of a batch has a lane");

impl Lanes {
    /// The back end, `None` on a CPU without the instructions.
    #[cfg(not(emulated_lanes))]
    pub(super) fn detect() -> Option<Lanes> {
        let present = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512ifma");
        present.then_some(Lanes(()))
    }

    /// The back end; an emulation needs nothing of the CPU.
    #[cfg(emulated_lanes)]
    #[expect(clippy::unnecessary_wraps, reason = "the real lanes may be absent")]
    pub(super) fn detect() -> Option<Lanes> {
        Some(Lanes(()))
    }
}

impl Backend for Lanes {
    fn name(&self) -> &'static str {
        if cfg!(emulated_lanes) { "lanes (emulated)" } else { "lanes" }
    }

    fn verify(&self, jobs: &[Job<'_>], genuine: &mut [bool]) {
        in_groups::<{ BATCH_MAX }>(jobs, genuine, |jobs, genuine| {
            #[expect(unsafe_code, reason = "the compiler cannot know the CPU")]
            #[cfg_attr(emulated_lanes, expect(unused_unsafe, reason = "an emulation needs no CPU features"))]
            // SAFETY: the only way to a `Lanes` is `detect`, which found all three features.
            unsafe {
                verify_batch(jobs, genuine);
            }
        });
    }
}

/// Verifies up to [`BATCH_MAX`] jobs.
#[cfg_attr(not(emulated_lanes), target_feature(enable = "avx512f,avx512dq,avx512ifma"))]
fn verify_batch(jobs: &[Job<'_>], genuine: &mut [bool]) {
    let mut sums = [Sums::zero(); GROUPS];
    for ((jobs, genuine), sums) in jobs.chunks(LANES).zip(genuine.chunks_mut(LANES)).zip(&mut sums) {
        *sums = Sums::of(&Plan::of(jobs, genuine, sha512::digests(jobs)));
    }
    let encodings = encode_together(&sums[..jobs.len().div_ceil(LANES)]);
    for ((job, genuine), encoding) in jobs.iter().zip(genuine).zip(encodings.as_flattened()) {
        *genuine = *genuine && job.signature.starts_with(encoding);
    }
}

#[cfg(test)]
mod tests {
    use super::Lanes;

    #[cfg(emulated_lanes)]
    #[test]
    fn lanes_are_tested_on_every_machine() {
        let names: Vec<&str> = crate::backends().map(crate::Backend::name).collect();
        assert_eq!(names, ["lanes (emulated)", "comb"]);
    }

    /// Runs a check of arithmetic in lanes where the CPU has them. The same check runs on every CPU in the
    /// package `hufu-signature-emulated`.
    pub(super) fn where_possible<A>(check: unsafe fn(A), argument: A) {
        if Lanes::detect().is_some() {
            #[expect(unsafe_code, reason = "the compiler cannot know the CPU")]
            // SAFETY: the checks need the three features that were just found.
            unsafe {
                check(argument);
            }
        }
    }
}
