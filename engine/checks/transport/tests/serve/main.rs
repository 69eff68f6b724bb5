//! A whole server on loopback, asked by real clients over real sockets.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic")]

mod ca;
mod checks;
mod families;
mod garbage;
mod handshakes;
mod https;
mod offline;
mod recorder;
mod records;
mod revoked_engines;
mod rig;
mod rosters;
mod silence;
mod stop;
mod suites;
mod time;
mod trust;
mod watch;
