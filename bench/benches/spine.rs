//! The whole spine, sealed packets in and sealed verdicts out, by kind of code and batch. Times are for a
//! batch; the throughput is in checks.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use hufu_bench::{BATCH, Stage};

const HOLDERS: u32 = 1_000_000;
/// Different codes in turn.
const CODES: usize = 4096;
/// More than fit the nearest caches with what is remembered of them.
const MANY_CODES: usize = 131_072;

fn spine(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("spine");
    // An engine that remembers four credentials verifies every one of thousands again.
    let forgetful = Stage::new(HOLDERS, 1);
    let remembering = Stage::new(HOLDERS, 1 << 22);
    let phones = forgetful.phone_codes(CODES);
    let papers = forgetful.paper_codes(CODES);
    let many_papers = forgetful.paper_codes(MANY_CODES);
    for (name, stage, codes) in [
        ("phone, first seen", &forgetful, &phones),
        ("phone, seen again", &remembering, &phones),
        ("paper, first seen", &forgetful, &papers),
        ("paper, seen again", &remembering, &papers),
        ("one of many papers, seen again", &remembering, &many_papers),
    ] {
        let mut packets = stage.gates(64).seal(codes.iter().map(|(code, _)| code.as_slice()));
        let mut worker = stage.spine();
        for _ in 0..codes.len() / BATCH {
            packets.answer(&mut worker, stage.now, BATCH);
        }
        for batch in [1, 4, BATCH] {
            group.throughput(Throughput::Elements(batch as u64));
            group.bench_function(BenchmarkId::new(name, batch), |bencher| {
                bencher.iter_custom(|times| {
                    (0..times).map(|_| packets.answer(&mut worker, stage.now, batch)).sum()
                });
            });
        }
    }
}

criterion_group!(benches, spine);
criterion_main!(benches);
