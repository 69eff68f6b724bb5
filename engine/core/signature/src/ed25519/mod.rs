//! Exactly `verify_strict`, for keys that are few and known.
//!
//! An engine checks millions of signatures under a few hundred issuer keys, so each key is prepared once:
//! tables of multiples of `-A` turn verification into additions alone. What a signature is worth never
//! changes by it: every back end gives the answer of `ed25519_dalek::VerifyingKey::verify_strict` on every
//! input, and a job's answer never depends on its neighbours in a batch.
//! `docs/decisions/0002-known-key-verification.md` tells why this and not batch verification.

mod comb;
mod equation;
mod field;
#[cfg(all(target_arch = "x86_64", not(emulated_lanes)))]
mod fours;
mod key;
#[cfg(any(target_arch = "x86_64", emulated_lanes))]
mod lanes;
#[cfg(test)]
mod oracle;
#[cfg(any(target_arch = "x86_64", emulated_lanes))]
mod plan;
mod point;
#[cfg(any(target_arch = "x86_64", emulated_lanes))]
mod sha512;
mod table;

#[cfg(any(target_arch = "x86_64", emulated_lanes))]
use std::sync::LazyLock;

use ed25519_dalek::{Signature, VerifyingKey};

use crate::key::PreparedKey;
use crate::sm2;
use crate::verify::{BATCH_MAX, Backend, Job};

pub use key::Key;

/// The fastest back end of this CPU.
pub fn backend() -> &'static dyn Backend {
    backends().next().unwrap_or(&comb::Comb)
}

/// Every back end this CPU can run, fastest first.
pub fn backends() -> impl Iterator<Item = &'static dyn Backend> {
    [lanes(), fours()].into_iter().flatten().chain([&comb::Comb as &dyn Backend])
}

/// The back end in AVX-512 lanes; the CPU is asked once.
#[cfg(any(target_arch = "x86_64", emulated_lanes))]
fn lanes() -> Option<&'static dyn Backend> {
    static LANES: LazyLock<Option<lanes::Lanes>> = LazyLock::new(lanes::Lanes::detect);
    LANES.as_ref().map(|lanes| lanes as &dyn Backend)
}

#[cfg(not(any(target_arch = "x86_64", emulated_lanes)))]
fn lanes() -> Option<&'static dyn Backend> {
    None
}

/// The back end in AVX2 registers; the CPU is asked once.
#[cfg(all(target_arch = "x86_64", not(emulated_lanes)))]
fn fours() -> Option<&'static dyn Backend> {
    static FOURS: LazyLock<Option<fours::Fours>> = LazyLock::new(fours::Fours::detect);
    FOURS.as_ref().map(|fours| fours as &dyn Backend)
}

#[cfg(not(all(target_arch = "x86_64", not(emulated_lanes))))]
fn fours() -> Option<&'static dyn Backend> {
    None
}

/// The answer for a key that was not prepared.
pub(crate) fn verify_once(public: &[u8; 32], message: &[&[u8]], signature: &[u8; 64]) -> bool {
    let key = VerifyingKey::from_bytes(public);
    key.is_ok_and(|key| key.verify_strict(&message.concat(), &Signature::from_bytes(signature)).is_ok())
}

/// Cuts a call into groups of at most `N` jobs. Jobs of another scheme leave `verify_group` as not genuine and get their
/// own answer after it; a group of nothing else never gets there.
fn in_groups<const N: usize>(
    jobs: &[Job<'_>],
    genuine: &mut [bool],
    mut verify_group: impl FnMut(&[Job<'_>], &mut [bool]),
) {
    const { assert!(N > 0 && N <= BATCH_MAX) };
    assert_eq!(jobs.len(), genuine.len(), "one answer for each job");
    for (jobs, genuine) in jobs.chunks(N).zip(genuine.chunks_mut(N)) {
        if jobs.iter().any(|job| matches!(job.key, PreparedKey::Ed25519(_))) {
            verify_group(jobs, genuine);
        }
        sm2::verify_ours(jobs, genuine);
    }
}
