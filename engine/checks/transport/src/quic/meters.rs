//! What the endpoint has seen, besides what its spine counts.

use super::frame::Awaited;
use crate::meter::{ByReason, Latency, Meter};
use crate::thread::ThreadId;

/// Counted on the endpoint's thread alone, but for `closed_revoked` and `closed_certificate`, to which threads
/// that revoke or replace certificates add as well.
#[derive(Debug, Default)]
pub(crate) struct QuicMeters {
    /// Handshakes that led to a device.
    pub(crate) accepted: Meter,
    /// Handshakes that failed or took too long: no certificate, a wrong or a revoked one.
    pub(crate) failed: Meter,
    /// Sources told to prove their address first.
    pub(crate) retried: Meter,
    /// Refused: too many handshakes in all.
    pub(crate) refused_total: Meter,
    /// Refused: too many handshakes from one source.
    pub(crate) refused_source: Meter,
    /// Refused: too many connections.
    pub(crate) refused_connections: Meter,
    /// Refused: stopping.
    pub(crate) refused_stopping: Meter,
    /// Closed after the handshake: the certificate grants nothing.
    pub(crate) closed_profile: Meter,
    /// Closed: the device was revoked.
    pub(crate) closed_revoked: Meter,
    /// Closed: the certificate has expired, or is not accepted any more after a replacement of roots or lists.
    pub(crate) closed_certificate: Meter,
    /// Closed: the device opened one connection too many, and this was the oldest of its lowest generation.
    pub(crate) closed_surplus: Meter,
    pub(crate) enrolments: Meter,
    pub(crate) frames: Meter,
    /// Frames answered `Refused`.
    pub(crate) frames_refused: ByReason,
    pub(crate) frames_unreadable: Meter,
    /// Streams broken off because the device kept the engine waiting.
    pub(crate) slow_to_ask: Meter,
    pub(crate) slow_to_finish: Meter,
    pub(crate) slow_to_read: Meter,
    pub(crate) datagrams: Meter,
    pub(crate) datagrams_unreadable: Meter,
    /// Verdicts, and rosters' replies, that became `busy` because their records were lost.
    pub(crate) withheld: Meter,
    /// From a batch of checks being read to its verdicts being written, its records durable.
    pub(crate) latency: Latency,
    pub(crate) thread: ThreadId,
}

impl QuicMeters {
    /// Streams broken off while the engine waited for this.
    pub(crate) fn too_slow(&self, awaited: Awaited) -> &Meter {
        match awaited {
            Awaited::Frame => &self.slow_to_ask,
            Awaited::RestOfFrame => &self.slow_to_finish,
            Awaited::Answer => &self.slow_to_read,
        }
    }
}
