//! Sealing as a check needs it: a phone code's request opened, a verdict sealed, a key set up; in AES and in SM4.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use hufu_seal::Key;
use hufu_wire::{Suite, Verdict, limits, sealed};

/// A phone code's text of 445 bytes behind its request's head.
const PLAIN_BYTES: usize = limits::CHECK_REQUEST_HEADER_BYTES + 445;
const NONCE: [u8; 12] = [9; 12];

/// The keys of requests and of replies, as an engine sets them up.
fn keys(suite: Suite) -> [Key; 2] {
    let bytes = black_box(&[7; 16]);
    match suite {
        Suite::Aes => {
            [Key::aes_128_gcm(bytes), Key::aes_128_gcm_siv(bytes)].map(|key| key.expect("16 bytes"))
        }
        Suite::Sm4 => [Key::sm4_gcm(bytes), Key::sm4_gcm_shared(bytes)],
    }
}

fn sealing(criterion: &mut Criterion) {
    let header = [1; sealed::REQUEST_HEADER_BYTES];
    let mut group = criterion.benchmark_group("sealing");
    for (suite, name) in [(Suite::Aes, ""), (Suite::Sm4, ", SM4")] {
        let [of_requests, of_replies] = keys(suite);
        let mut request = vec![5; PLAIN_BYTES];
        let tag = of_requests.seal(NONCE, &header, &mut request).expect("sealed");
        request.extend(tag);
        group.bench_function(format!("open a request{name}"), |bencher| {
            let mut opened = request.clone();
            bencher.iter(|| {
                opened.copy_from_slice(&request);
                of_requests.open(NONCE, black_box(&header), &mut opened).is_some()
            });
        });
        group.bench_function(format!("seal a reply{name}"), |bencher| {
            let mut plain = [3; Verdict::BYTES];
            bencher.iter(|| {
                let nonce = of_replies.nonce(NONCE, &plain);
                let beside = black_box(&header[..sealed::REPLY_HEADER_BYTES]);
                of_replies.seal(nonce, beside, &mut plain).is_ok()
            });
        });
        group.bench_function(format!("set up two keys{name}"), |bencher| bencher.iter(|| keys(suite)));
    }
    group.finish();
}

criterion_group!(benches, sealing);
criterion_main!(benches);
