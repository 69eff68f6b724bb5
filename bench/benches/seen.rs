//! A credential that was verified before: its digest, and the look into a cache of four million.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use hufu_bench::{BATCH, Stage, read};
use hufu_codes::seen::SeenCache;
use hufu_wire::{Reason, limits};

fn seen(criterion: &mut Criterion) {
    let stage = Stage::new(10_000, 1);
    let keyring = stage.keyring();
    let codes = stage.phone_codes(4096);
    let mut binaries = vec![[0; limits::CODE_BINARY_BYTES_MAX]; codes.len()];
    let admitted: Vec<_> = codes
        .iter()
        .zip(&mut binaries)
        .map(|((code, _), binary)| {
            keyring.admit(read(code, binary).credential, stage.now.seconds()).expect("a key in force")
        })
        .collect();
    let cache = SeenCache::new(1 << 22, [7; 16]);
    let unseen: Vec<_> = admitted.iter().filter_map(|admitted| cache.recall(*admitted).err()).collect();
    for batch in unseen.chunks(BATCH) {
        let mut answers = vec![Err(Reason::BadSignature); batch.len()];
        cache.verify(hufu_signature::backend(), batch, &mut answers);
    }

    let mut group = criterion.benchmark_group("seen");
    group.bench_function("digest", |bencher| {
        let mut admitted = admitted.iter().cycle();
        bencher.iter(|| admitted.next().map(|admitted| cache.digest(black_box(admitted.signed().bytes()))));
    });
    group.bench_function("recall", |bencher| {
        let mut admitted = admitted.iter().cycle();
        bencher.iter(|| admitted.next().is_some_and(|admitted| cache.recall(black_box(*admitted)).is_ok()));
    });
    group.bench_function("admit", |bencher| {
        let mut admitted = admitted.iter().cycle();
        bencher.iter(|| {
            admitted.next().is_some_and(|admitted| {
                keyring.admit(black_box(*admitted.signed()), stage.now.seconds()).is_ok()
            })
        });
    });
}

criterion_group!(benches, seen);
criterion_main!(benches);
