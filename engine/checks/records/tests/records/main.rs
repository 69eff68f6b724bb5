//! Records of checks, against a disk that lies: what is acknowledged is there, and only the holder finds it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;
mod disk;
mod golden;
mod killed;
mod recorder;
mod slips;
mod store;
mod view;
