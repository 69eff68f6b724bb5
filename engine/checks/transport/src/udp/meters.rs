//! What one worker's socket has seen.

use crate::meter::{Latency, Meter};
use crate::thread::ThreadId;

/// What one worker's socket has seen, besides what its spine counts.
#[derive(Debug, Default)]
pub(crate) struct WorkerMeters {
    pub(crate) index: usize,
    pub(crate) inode: u64,
    pub(crate) receives: Meter,
    pub(crate) datagrams: Meter,
    pub(crate) replies: Meter,
    pub(crate) send_drops: Meter,
    /// Datagrams dropped unread because they had waited too long behind others; several that came as one piece count once.
    pub(crate) late_drops: Meter,
    /// Replies not sent because their records were lost.
    pub(crate) withheld: Meter,
    pub(crate) receive_errors: Meter,
    pub(crate) sleeps: Meter,
    /// From a batch's receipt to its replies being handed to the system.
    pub(crate) latency: Latency,
    pub(crate) thread: ThreadId,
}
