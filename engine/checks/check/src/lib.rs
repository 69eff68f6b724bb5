//! The spine of a check: a batch of requests in, a batch of verdicts out.
//!
//! Nothing here does I/O, reads a clock or starts a thread: time, bytes and buffers are arguments. The path
//! is told once, downward, in [`Spine`]; a batch of one takes the same path. It allocates nothing, takes no
//! lock and writes no log line. It can read the status table and cannot write it (R11).
//!
//! [`Engine`] is what all workers share; a [`Spine`] is one worker's own, and so is its [`Journal`]. A gate without a
//! network checks with a [`SingleCheck`].

mod cases;
mod chain;
mod cluster;
mod cookie;
mod counters;
mod devices;
mod engine;
mod journal;
mod numbers;
mod passback;
mod replies;
mod roster;
mod sealed;
mod sessions;
mod single;
mod site_counts;
mod spine;
mod statuses;

pub use cluster::{ChainFacts, ClusterFault, ClusterKeys};
pub use cookie::CookieKeys;
pub use counters::{Counters, Silence};
pub use devices::{Charge, Devices, Rate};
pub use engine::{Engine, EngineParts, NotEnrolled};
pub use journal::{Channel, Durability, Journal, Mark, NoJournal, Record, RosterTally, Standing, Trace};
pub use numbers::SessionKey;
pub use passback::{Claim, Gate, PassBack, Use, Windows};
pub use replies::Replies;
pub use roster::turn_down_roster;
pub use single::SingleCheck;
pub use spine::Spine;
pub use statuses::Statuses;
