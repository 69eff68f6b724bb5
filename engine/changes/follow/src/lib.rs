//! Drives one issuer's follower over its feed, on a thread of its own.
//!
//! [`Following::start`] restores what the engine served before, and then follows: deliveries go to the
//! [`Follower`](hufu_sync::Follower), and what it wants is asked for, a few times a second at most, whatever a
//! hostile feed does. A watchdog tells a silent feed from a quiet one and a hung subscription from a slow one. Every
//! set is written to the tail before it can be seen, and warm copies are made beside the following, so that killed at
//! any instant an engine forgets nothing that it has served (R22).
//!
//! | file | what it does |
//! | --- | --- |
//! | `following` | the thread: start, status, stop, panics |
//! | `drive`, `take`, `hand` | the loop; what becomes of one message; the follower, whole or in the middle of something |
//! | `subscription`, `patience`, `backoff` | when to ask again, and how much nonsense is enough |
//! | `leap` | from a checkpoint to its snapshot |
//! | `restore`, `folder`, `tail`, `heard`, `keeper` | the engine's own disk |
//! | `filedrop` | a folder as a feed, and the writer of such a folder |
//! | `voice`, `told` | one log line for each change of a condition |
//!
//! The chapter "Driving a follower" of `docs/SYNC.md` has the tables.

mod backoff;
mod clock;
mod drive;
mod durable;
mod filedrop;
mod folder;
mod following;
mod hand;
mod heard;
mod keeper;
mod keys;
mod leap;
mod options;
mod patience;
mod restore;
mod status;
mod subscription;
mod tail;
mod take;
mod told;
mod voice;

pub use filedrop::{Bundle, BundleFault, FileDrop};
pub use following::Following;
pub use keys::Keys;
pub use options::{Options, StartFault, Timings};
pub use status::{FollowStatus, Life, Tally};
