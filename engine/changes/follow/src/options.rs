//! What one following is made of.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hufu_codes::chain::Authorities;
use hufu_sync::{Feed, Snapshots, SyncFault};
use hufu_table::Writer;
use hufu_wire::IssuerId;

use crate::keys::Keys;

/// One issuer: who signs, where it comes from, where it goes.
pub struct Options {
    /// The issuer's one writer, of an empty table.
    pub writer: Writer,
    /// Whose keys count.
    pub authorities: Authorities,
    /// What brings change sets, heads and checkpoints.
    pub feed: Box<dyn Feed>,
    /// Where the snapshots are that checkpoints name.
    pub snapshots: Arc<dyn Snapshots>,
    /// This issuer's own folder, on the engine's own disk: warm copy and tail. Created when it is missing.
    pub folder: PathBuf,
    /// The trust list that counts.
    pub keys: Keys,
    /// How long things may take.
    pub timings: Timings,
}

/// How long things may take. Each default has its reason in `docs/SYNC.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timings {
    /// Without a genuine message for so long, a live feed is silent, milliseconds.
    pub silent_ms: u64,
    /// When sets are known to be missing and none comes for so long, the subscription hangs, milliseconds.
    pub hung_ms: u64,
    /// When no head has agreed with the words for so long, the log says that they are stale, milliseconds.
    pub stale_ms: u64,
    /// How long a feed may take to subscribe, or to say which checkpoint is newest, milliseconds.
    pub answer_ms: u64,
    /// How long a snapshot may take to come, milliseconds.
    pub fetch_ms: u64,
    /// Between two subscriptions at least, milliseconds.
    pub ask_ms_min: u64,
    /// After the first fault, give or take a quarter, milliseconds; twice as long after each one more.
    pub backoff_ms_min: u64,
    /// And never longer, milliseconds.
    pub backoff_ms_max: u64,
    /// From one warm copy to the next, if anything has changed, seconds.
    pub warm_every_s: u64,
    /// After the disk has failed, milliseconds.
    pub disk_again_ms: u64,
    /// How long [`Following::stop`](crate::Following::stop) waits for the last warm copy, milliseconds.
    pub stop_ms: u64,
    /// Up to how many sets behind a checkpoint they are followed one by one rather than its snapshot loaded.
    pub gap_sets_max: u64,
}

impl Default for Timings {
    fn default() -> Timings {
        Timings {
            silent_ms: 5_000,
            hung_ms: 1_500,
            stale_ms: 15_000,
            answer_ms: 10_000,
            fetch_ms: 7_200_000,
            ask_ms_min: 200,
            backoff_ms_min: 100,
            backoff_ms_max: 10_000,
            warm_every_s: 300,
            disk_again_ms: 30_000,
            stop_ms: 20_000,
            gap_sets_max: 1_000,
        }
    }
}

impl Timings {
    /// Waits of nothing would be loops that never rest: a hundredth of a second at least.
    pub(crate) fn rested(self) -> Timings {
        Timings {
            ask_ms_min: self.ask_ms_min.max(REST_MS),
            backoff_ms_min: self.backoff_ms_min.max(REST_MS),
            backoff_ms_max: self.backoff_ms_max.max(REST_MS),
            disk_again_ms: self.disk_again_ms.max(REST_MS),
            ..self
        }
    }

    /// The shortest and the longest wait after a fault.
    pub(crate) fn backoff(&self) -> (Duration, Duration) {
        (Duration::from_millis(self.backoff_ms_min), Duration::from_millis(self.backoff_ms_max))
    }

    /// From one warm copy to the next.
    pub(crate) fn warm_every(&self) -> Duration {
        Duration::from_secs(self.warm_every_s).max(Duration::from_millis(REST_MS))
    }
}

const REST_MS: u64 = 10;

/// Why a following cannot begin. What came from elsewhere never stops it: a damaged warm copy is logged and
/// passed over.
#[derive(Debug, thiserror::Error)]
pub enum StartFault {
    /// The writer is not what a follower begins with. The program is at fault.
    #[error(transparent)]
    Writer(#[from] SyncFault),
    /// The folder cannot be used. The operator can correct it.
    #[error("issuer {issuer}: {} cannot be used to keep its statuses: {error}", folder.display())]
    Folder {
        /// The issuer.
        issuer: IssuerId,
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The system gives no thread, or no way to wait for sockets.
    #[error("issuer {issuer}: no thread to follow it with: {error}")]
    Thread {
        /// The issuer.
        issuer: IssuerId,
        /// What the system says.
        error: io::Error,
    },
}
