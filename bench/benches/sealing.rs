//! AES-128-GCM as a check needs it: a phone code's request opened, a verdict sealed, a key set up.

use std::hint::black_box;

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use criterion::{Criterion, criterion_group, criterion_main};
use hufu_wire::{Verdict, limits, sealed};

/// A phone code's text of 445 bytes behind its request's head.
const PLAIN_BYTES: usize = limits::CHECK_REQUEST_HEADER_BYTES + 445;

fn key() -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &[7; 16]).expect("16 bytes"))
}

fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([9; 12])
}

fn sealing(criterion: &mut Criterion) {
    let key_set_up = key();
    let header = [1; sealed::REQUEST_HEADER_BYTES];
    let mut request = vec![5; PLAIN_BYTES];
    key_set_up.seal_in_place_append_tag(nonce(), Aad::from(header), &mut request).expect("sealed");

    let mut group = criterion.benchmark_group("sealing");
    group.bench_function("open a request", |bencher| {
        let mut opened = request.clone();
        bencher.iter(|| {
            opened.copy_from_slice(&request);
            key_set_up.open_in_place(nonce(), Aad::from(black_box(&header)), &mut opened).is_ok()
        });
    });
    group.bench_function("seal a reply", |bencher| {
        let mut plain = [3; Verdict::BYTES];
        bencher.iter(|| {
            let aad = Aad::from(black_box(&header[..sealed::REPLY_HEADER_BYTES]));
            key_set_up.seal_in_place_separate_tag(nonce(), aad, &mut plain).is_ok()
        });
    });
    group.bench_function("set up a key", |bencher| bencher.iter(key));
}

criterion_group!(benches, sealing);
criterion_main!(benches);
