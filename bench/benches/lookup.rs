//! A holder's status among ten million: alone, where the memory is waited for, and in batches.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use hufu_bench::BATCH;
use hufu_fixtures::mix;
use hufu_table::{Limits, Slot, Table};
use hufu_wire::{Colour, HolderIndex, IssuerId, StatusWord};

const HOLDERS: u32 = 10_000_000;
/// Distinct look-ups before the same come again: enough to leave every cache.
const LOOK_UPS: usize = 1 << 20;

fn lookup(criterion: &mut Criterion) {
    let table = Table::new(Limits::for_holders(1, HOLDERS.into())).expect("80 MB");
    let mut writer = table.writer(IssuerId(1)).expect("the first writer");
    for holder in (0..HOLDERS).map(HolderIndex) {
        writer.set(holder, StatusWord::new(Colour::Green, 1)).expect("room for every holder");
    }
    let (reader, slot) = (table.reader(), writer.slot());
    let wanted: Vec<(Slot, HolderIndex)> = (0..LOOK_UPS as u64)
        .map(|n| (slot, HolderIndex(u32::try_from(mix(n) % u64::from(HOLDERS)).expect("below ten million"))))
        .collect();

    let mut group = criterion.benchmark_group("lookup");
    group.bench_function("single", |bencher| {
        // Each waits for the one before, as a lone check waits for its word.
        let mut at = 0;
        bencher.iter(|| {
            let (slot, holder) = wanted[at];
            let word = reader.lookup(slot, black_box(holder));
            at = (at + 1 + usize::from(word == StatusWord::UNKNOWN)) % wanted.len();
            word
        });
    });
    for batch in [8, 16, BATCH] {
        group.throughput(Throughput::Elements(batch as u64));
        group.bench_function(BenchmarkId::new("batch", batch), |bencher| {
            let mut batches = wanted.chunks_exact(batch).cycle();
            let mut words = [StatusWord::UNKNOWN; BATCH];
            bencher.iter(|| {
                reader.lookup_batch(batches.next().unwrap_or_default(), &mut words[..batch]);
                words[0]
            });
        });
    }
}

criterion_group!(benches, lookup);
criterion_main!(benches);
