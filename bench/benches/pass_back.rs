//! Claiming a presentation in a memory of four million: a first showing, and one shown before.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use hufu_check::{PassBack, Use, Windows};
use hufu_wire::{DeviceId, HolderIndex, IssuerId, Step, UnixSeconds};

const NOW: UnixSeconds = UnixSeconds(1_795_000_000);

fn pass_back(criterion: &mut Criterion) {
    let memory = PassBack::new(1 << 22, [7; 16]);
    let claim = |holder: u32| {
        let shown =
            Use { issuer: IssuerId(610_000), holder: HolderIndex(holder), step: Some(Step(59_833_333)) };
        memory.claim(shown, DeviceId(1), NOW, Windows { here_s: 90, longest_s: 90, repeated: false })
    };
    let mut group = criterion.benchmark_group("pass_back");
    group.bench_function("first", |bencher| {
        let mut holder = 0_u32;
        bencher.iter(|| {
            holder = holder.wrapping_add(1);
            claim(black_box(holder))
        });
    });
    group.bench_function("again", |bencher| bencher.iter(|| claim(black_box(1))));
}

criterion_group!(benches, pass_back);
criterion_main!(benches);
