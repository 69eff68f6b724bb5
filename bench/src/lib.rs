//! A stage for benchmarks: one world, one engine, gates with sessions, and codes as they are shown.
//!
//! Each step of the spine has a bench of its own (`cargo bench -p hufu-bench`). `cargo run --release -p
//! hufu-bench` holds the whole path, served over sealed UDP, against the sum of what its parts cost.

mod stage;

pub use stage::{BATCH, Gates, Packets, Stage, cpu_us, read};
