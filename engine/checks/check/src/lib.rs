//! The spine of a check: a batch of requests in, a batch of verdicts out.
//!
//! Nothing here does I/O, reads a clock or starts a thread: time, bytes and buffers are arguments. The path
//! is told once, downward, in [`Spine`]; a batch of one takes the same path. It allocates nothing, takes no
//! lock and writes no log line. It can read the status table and cannot write it (R11).
//!
//! [`Engine`] is what all workers share; a [`Spine`] is one worker's own, and so is its [`Journal`]. A gate without a
//! network checks with a [`SingleCheck`].
//!
//! The feature `engine`, on by default, has everything but the single check and what it is made of. Without it nothing
//! here needs a cryptographic library in C.

#![cfg_attr(
    not(feature = "engine"),
    expect(dead_code, reason = "only an engine counts and notes every check")
)]

mod cases;
#[cfg(feature = "engine")]
mod chain;
#[cfg(feature = "engine")]
mod cluster;
#[cfg(feature = "engine")]
mod cookie;
mod counters;
#[cfg(feature = "engine")]
mod devices;
#[cfg(feature = "engine")]
mod engine;
mod fault;
mod foreign;
mod grounds;
mod journal;
#[cfg(feature = "engine")]
mod numbers;
mod passback;
mod random;
#[cfg(feature = "engine")]
mod replies;
#[cfg(feature = "engine")]
mod roster;
#[cfg(feature = "engine")]
mod sealed;
#[cfg(feature = "engine")]
mod sessions;
mod single;
mod site_counts;
#[cfg(feature = "engine")]
mod spine;
mod statuses;

#[cfg(feature = "engine")]
pub use self::{
    cluster::{ChainFacts, ClusterFault, ClusterKeys},
    cookie::CookieKeys,
    devices::{Charge, Devices, Rate},
    engine::{Engine, EngineParts},
    numbers::SessionKey,
    replies::Replies,
    roster::turn_down_roster,
    spine::Spine,
};
pub use counters::{Counters, Silence};
pub use fault::NotEnrolled;
pub use foreign::{Foreign, Genuine};
pub use journal::{Channel, Durability, Journal, Mark, NoJournal, Record, RosterTally, Standing, Trace};
pub use passback::{Claim, Gate, PassBack, Use, Windows};
pub use single::SingleCheck;
pub use statuses::Statuses;
