//! Exactly `verify_strict`, for keys that are few and known.
//!
//! An engine checks millions of signatures under a few hundred issuer keys, so each key is prepared once:
//! tables of multiples of `-A` turn verification into additions alone. What a signature is worth never
//! changes by it: every back end gives the answer of `ed25519_dalek::VerifyingKey::verify_strict` on every
//! input, and a job's answer never depends on its neighbours in a batch.
//! `docs/decisions/0002-known-key-verification.md` tells why this and not batch verification.
//!
//! Keys, messages and signatures are public, so nothing here is constant time; never use it with secrets.

mod comb;
mod equation;
mod field;
mod key;
#[cfg(any(target_arch = "x86_64", emulated_lanes))]
mod lanes;
#[cfg(test)]
mod oracle;
mod point;
mod table;

#[cfg(any(target_arch = "x86_64", emulated_lanes))]
use std::sync::LazyLock;

pub use key::{KeyFault, PreparedKey};

/// Parts of a job's message. A COSE signature structure is a constant prefix, the protected header, a
/// constant between and the payload (RFC 9052 section 4.4).
pub const MESSAGE_PARTS: usize = 4;

/// Jobs worked on together: as many as the lanes hold, and as many datagrams as an engine takes together.
pub const BATCH_MAX: usize = 32;

/// One question: did the holder of `key` sign this message?
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// Whose signature it should be.
    pub key: &'a PreparedKey,
    /// The signed bytes are these parts, one after the other; a part may be empty.
    pub message: [&'a [u8]; MESSAGE_PARTS],
    /// R and S as they travelled, RFC 8032 section 5.1.6.
    pub signature: &'a [u8; 64],
}

/// One way to answer jobs. All ways give the same answers and differ in speed only.
pub trait Backend: Send + Sync {
    /// Short name for logs and reports.
    fn name(&self) -> &'static str;

    /// Writes to `genuine[i]` whether `verify_strict` accepts `jobs[i]`. Any number of jobs; up to
    /// [`BATCH_MAX`] are worked on together. Allocates nothing.
    ///
    /// # Panics
    /// When `jobs` and `genuine` differ in length.
    fn verify(&self, jobs: &[Job<'_>], genuine: &mut [bool]);
}

/// The fastest back end of this CPU.
pub fn backend() -> &'static dyn Backend {
    match lanes() {
        Some(lanes) => lanes,
        None => &comb::Comb,
    }
}

/// Every back end this CPU can run, fastest first.
pub fn backends() -> impl Iterator<Item = &'static dyn Backend> {
    lanes().into_iter().chain([&comb::Comb as &dyn Backend])
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

/// Cuts a call into groups of at most `N` jobs.
fn in_groups<const N: usize>(
    jobs: &[Job<'_>],
    genuine: &mut [bool],
    mut verify_group: impl FnMut(&[Job<'_>], &mut [bool]),
) {
    const { assert!(N > 0 && N <= BATCH_MAX) };
    assert_eq!(jobs.len(), genuine.len(), "one answer for each job");
    for (jobs, genuine) in jobs.chunks(N).zip(genuine.chunks_mut(N)) {
        verify_group(jobs, genuine);
    }
}
