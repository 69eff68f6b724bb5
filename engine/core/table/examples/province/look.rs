//! What a look-up costs, in CPU time of this thread.

use std::hint::black_box;

use anyhow::ensure;
use hufu_table::{Reader, Slot};
use hufu_wire::{HolderIndex, StatusWord};
use serde::Serialize;

use crate::machine::thread_cpu_ns;
use crate::population::{mix, status};

/// Nanoseconds a look-up at random holders.
#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "a figure carries its unit")]
pub(crate) struct Costs {
    /// Each look-up begins when the one before it has its word: the whole latency.
    pub(crate) waited_for_ns: f64,
    /// As the path of a check does it.
    pub(crate) batch_32_ns: f64,
    /// As a roster does it.
    pub(crate) batch_1024_ns: f64,
}

const LOOKUPS: usize = 1 << 22;
const ROUNDS: usize = 5;

pub(crate) fn measure(reader: &Reader, slot: Slot, holders: u64) -> anyhow::Result<Costs> {
    let keys: Vec<(Slot, HolderIndex)> =
        (0..LOOKUPS as u64).map(|n| (slot, holder(mix(n), holders))).collect();
    for &(slot, holder) in keys.iter().step_by(16) {
        ensure!(
            reader.lookup(slot, holder) == status(u64::from(holder.0)),
            "holder {holder} has another status"
        );
    }
    Ok(Costs {
        waited_for_ns: median(|round| {
            let mut next = mix(round as u64);
            for _ in 0..LOOKUPS {
                next = mix(next ^ reader.lookup(slot, holder(next, holders)).to_bits());
            }
            black_box(next);
        }),
        batch_32_ns: median(|_| batches(reader, &keys, 32)),
        batch_1024_ns: median(|_| batches(reader, &keys, 1024)),
    })
}

fn batches(reader: &Reader, keys: &[(Slot, HolderIndex)], size: usize) {
    let mut words = vec![StatusWord::UNKNOWN; size];
    for keys in keys.chunks_exact(size) {
        reader.lookup_batch(keys, &mut words);
        black_box(&words);
    }
}

/// Nanoseconds a look-up, the middle of five rounds.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn median(work: impl Fn(usize)) -> f64 {
    let mut rounds: Vec<u64> = (0..ROUNDS)
        .map(|round| {
            let started = thread_cpu_ns();
            work(round);
            thread_cpu_ns() - started
        })
        .collect();
    rounds.sort_unstable();
    rounds[ROUNDS / 2] as f64 / LOOKUPS as f64
}

#[expect(clippy::cast_possible_truncation, reason = "below holders, at most 2^32")]
fn holder(random: u64, holders: u64) -> HolderIndex {
    HolderIndex(((u128::from(random) * u128::from(holders)) >> 64) as u32)
}
