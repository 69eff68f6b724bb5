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
//! | `machine` | every decision, without I/O: `step(now, event, follower)` answers with actions (`event`) |
//! | `subscription`, `allowance`, `backoff` | when to ask again, and how many useless messages are too many |
//! | `resync`, `copies` | from a checkpoint to its snapshot; when to make a warm copy |
//! | `notices`, `condition` | one log line for each change of a condition |
//! | `applier` | the follower and its folder: what a message does to both |
//! | `restore`, `folder`, `tail`, `last_head`, `warm` | the engine's own disk |
//! | `following`, `driver` | the thread: start, status, stop, panics; clocks, feed and fetches |
//! | `recent` | the last sets and the last head as they came, for gates that keep lists of their own |
//! | `filedrop` | a folder as a feed, and the writer of such a folder |
//!
//! The chapter "Driving a follower" of `docs/SYNC.md` has the tables. A simulation drives [`Machine`]s and [`Applier`]s
//! itself, with clocks, feeds and a [`Disk`](hufu_table::Disk) of its own.

mod allowance;
mod applier;
mod backoff;
#[cfg(test)]
#[path = "../../sync/tests/common/mod.rs"]
mod chain;
mod condition;
mod copies;
mod driver;
mod event;
mod filedrop;
mod folder;
mod following;
mod keys;
mod last_head;
mod machine;
mod notices;
mod now;
mod options;
mod recent;
#[cfg(test)]
#[path = "../../../core/table/tests/common/recorded.rs"]
mod recorded;
mod restore;
mod resync;
mod status;
mod subscription;
mod tail;
mod warm;

pub use applier::Applier;
pub use copies::{CopyJob, CopyOutcome, KeptCopy};
pub use event::{Action, Event};
pub use filedrop::{Bundle, BundleFault, FileDrop};
pub use following::Following;
pub use keys::Keys;
pub use machine::{Machine, Setup};
pub use notices::{LINE_CHARS_MAX, one_line};
pub use now::Now;
pub use options::{Options, StartFault, Timings};
pub use recent::{Recent, Since};
pub use status::{FollowStatus, Life, Tally};
