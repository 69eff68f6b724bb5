//! The question whether signatures are genuine, and who answers it.

use crate::key::PreparedKey;

/// Parts of a job's message. A COSE signature structure is a constant prefix, the protected header, a
/// constant between and the payload (RFC 9052 section 4.4).
pub const MESSAGE_PARTS: usize = 4;

/// Jobs worked on together: as many as the lanes hold, and as many datagrams as an engine takes together.
pub const BATCH_MAX: usize = 32;

/// One question: did the holder of `key` sign this message?
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// Whose signature it should be. It decides the scheme, whatever the message says of itself.
    pub key: &'a PreparedKey,
    /// The signed bytes are these parts, one after the other; a part may be empty.
    pub message: [&'a [u8]; MESSAGE_PARTS],
    /// As it travelled: of Ed25519 R and S (RFC 8032 section 5.1.6), of SM2 r and s, 32 bytes each, big-endian.
    pub signature: &'a [u8; 64],
}

/// One way to answer jobs. All ways give the same answers and differ in speed only.
pub trait Backend: Send + Sync {
    /// Short name for logs and reports.
    fn name(&self) -> &'static str;

    /// Writes to `genuine[i]` whether the signature of `jobs[i]` is genuine; for Ed25519, whether `verify_strict`
    /// accepts it; for SM2, whether the library does. Any number of jobs; up to [`BATCH_MAX`] are worked on together. Allocates nothing.
    ///
    /// # Panics
    /// When `jobs` and `genuine` differ in length.
    fn verify(&self, jobs: &[Job<'_>], genuine: &mut [bool]);
}
