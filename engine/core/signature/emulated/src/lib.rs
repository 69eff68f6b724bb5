//! The Ed25519 of `hufu-signature` with emulated lanes.
//!
//! The back end in AVX-512 lanes runs only where the CPU has IFMA, and so do its tests. This package builds the
//! same source files over [`arch`], which does in plain Rust what the instructions do. Every test of the lanes
//! runs here on every machine; on a CPU with IFMA the tests of `hufu-signature` run the instructions themselves.

#![expect(clippy::used_underscore_items, reason = "the intrinsics have such names")]
#![expect(
    clippy::redundant_closure,
    clippy::redundant_closure_for_method_calls,
    reason = "a function with target features is no closure, so the lanes need one"
)]

mod arch;
#[path = "../../src/ed25519/mod.rs"]
mod ed25519;

pub use ed25519::{BATCH_MAX, Backend, Job, KeyFault, MESSAGE_PARTS, PreparedKey, backend, backends};

#[cfg(test)]
mod tests {
    use crate::{Backend, backends};

    #[test]
    fn lanes_are_tested_on_every_machine() {
        let names: Vec<&str> = backends().map(Backend::name).collect();
        assert_eq!(names, ["lanes (emulated)", "comb"]);
    }
}
