//! Follows one issuer's chain of changes into the status table: what comes is believed, placed and applied, or
//! it changes nothing.
//!
//! A [`Follower`] owns the [`Words`] of its issuer: the one [`Writer`](hufu_table::Writer) of the table, or what a gate
//! keeps for the time without a network. It has no I/O, no clock and no thread:
//! bytes and the time come in, an answer comes out, and [`Follower::wants`] tells the caller what to fetch
//! next. Followers of different issuers share nothing, so none can slow another.
//!
//! * [`Follower::change_set`]: applied whole, or not at all;
//! * [`Follower::head`]: how current the words are (R24);
//! * [`Follower::checkpoint`] and [`Follower::load`]: the way back from a gap or a fork (R22);
//! * [`Follower::warm`] and [`Follower::resume`]: the way over a restart.
//!
//! `docs/SYNC.md` has the rules as tables; `docs/decisions/0007-change-sets.md` says why they are these.

mod answer;
mod apply;
mod checkpoint;
mod counters;
mod fault;
mod feed;
mod follower;
mod heads;
mod sets;
mod warm;
mod words;

pub use answer::{CheckpointAnswer, HeadAnswer, SetAnswer, Wanted};
pub use counters::Counters;
pub use fault::SyncFault;
pub use feed::{Delivery, Feed, FeedFault, Snapshots};
pub use follower::Follower;
pub use warm::{WARM_BYTES, WarmCopy};
pub use words::Words;
