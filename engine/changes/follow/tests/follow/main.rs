//! Followings over feeds that behave and feeds that do not, restarts, kills and full disks. The oracle is the chain
//! that the tests sign themselves: at each sequence it knows every word.

#![allow(unreachable_pub, reason = "shared by the rooms of one test")]
#![allow(clippy::unwrap_used, reason = "what fails fails a test")]

#[path = "../../../sync/tests/common/mod.rs"]
mod chain;
mod clocks;
mod disk;
mod drops;
mod feeds;
mod kills;
mod restarts;
mod snapshots;
mod source;
mod world;
