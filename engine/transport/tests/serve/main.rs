//! A whole server on loopback, asked by real clients over real sockets.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic")]

mod ca;
mod checks;
mod garbage;
mod handshakes;
mod rig;
mod rosters;
mod stop;
mod trust;
mod watch;
