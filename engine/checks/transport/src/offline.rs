//! What an engine hands out to gates that go on without a network, and what it takes from them.

use hufu_wire::{Grant, OfflineAsk, Reason, RecordsKept};

/// Lists, chains, policies and keys for gates, and a place for their records. It is called on threads that may wait.
pub trait Offline: Send + Sync {
    /// What was asked for, at most [`FRAME_BYTES_MAX`](hufu_wire::limits::FRAME_BYTES_MAX) bytes.
    ///
    /// # Errors
    /// [`Reason::OutOfScope`] where the device's site may not go on without a network, or there is no such thing;
    /// [`Reason::Busy`] while it cannot be had.
    fn part(&self, grant: &Grant, ask: OfflineAsk) -> Result<Vec<u8>, Reason>;

    /// Keeps records that a device hands over (docs/OFFLINE.md), durably, each once.
    ///
    /// # Errors
    /// [`Reason::OutOfScope`] where they are another device's, or are none; [`Reason::Busy`] while they cannot be kept.
    fn receive(&self, grant: &Grant, records: &[u8]) -> Result<RecordsKept, Reason>;
}
