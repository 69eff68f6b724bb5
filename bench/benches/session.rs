//! Who asks: a cookie opened, and what it saves to have opened it before.
//!
//! The spine is asked for something that is no code, so that a packet's opening, the device's charge and the
//! reply's sealing are all that is left. With few gates every session is remembered; with more gates than a
//! worker remembers, every cookie is opened anew.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hufu_bench::{BATCH, Stage};
use hufu_check::{ClusterKeys, CookieKeys};
use hufu_wire::{Cookie, DeviceGeneration, DeviceId, Grant, Scope, SessionKeys, SiteId, Suite};

fn session(criterion: &mut Criterion) {
    let stage = Stage::new(10_000, 1);
    let mut group = criterion.benchmark_group("session");

    let cluster = ClusterKeys::first(stage.now, [0; 8], &[1; 32]);
    let keys = CookieKeys::new(&cluster, stage.now).expect("a key");
    let grant =
        Grant { device: DeviceId(1), generation: DeviceGeneration(0), site: SiteId(1), scope: Scope::CHECKS };
    let session = SessionKeys { request: [1; 16], reply: [2; 16] };
    let now = stage.now.seconds();
    let cookie = Cookie { grant, issued: now, expires: now, suite: Suite::Aes, keys: session };
    let sealed = keys.seal([3; 12], &cookie).expect("a key");
    group.bench_function("open a cookie", |bencher| {
        bencher
            .iter(|| keys.open(sealed.epoch, black_box(&sealed.nonce), black_box(&sealed.bytes)).is_some());
    });

    let mut spine = stage.spine();
    for (name, gates) in [("remembered", 64), ("opened anew", 20_000)] {
        let mut packets = stage.gates(gates).seal((0..gates).map(|_| b"no code".as_slice()));
        group.throughput(Throughput::Elements(BATCH as u64));
        group.bench_function(name, |bencher| {
            bencher
                .iter_custom(|times| (0..times).map(|_| packets.answer(&mut spine, stage.now, BATCH)).sum());
        });
    }
}

criterion_group!(benches, session);
criterion_main!(benches);
