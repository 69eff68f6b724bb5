//! What sealing costs in AES and in SM4: a phone code's request opened, a verdict sealed, a session's keys set up.
//!
//! Prints CPU time, not wall time, so that other load on the machine disturbs little.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "an example that measures")]

use std::fs;
use std::hint::black_box;

use hufu_seal::{Key, NONCE_BYTES};

const NONCE: [u8; NONCE_BYTES] = [9; NONCE_BYTES];
const HEADER: [u8; 108] = [1; 108];

/// CPU time of this thread, nanoseconds.
fn cpu_ns() -> u64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split(' ').next().unwrap().parse().unwrap()
}

fn time(name: &str, mut work: impl FnMut()) {
    // The system counts in ticks of some milliseconds: a run takes many of them.
    const RUN_NS: u64 = 300_000_000;
    let mut run = |times: u64| {
        let begun = cpu_ns();
        (0..times).for_each(|_| work());
        cpu_ns() - begun
    };
    let mut times = 1_000;
    while run(times) < RUN_NS {
        times *= 2;
    }
    let best = (0..7).map(|_| run(times)).min().unwrap();
    println!("{name:32} {:8} ns", best / times);
}

fn main() {
    type Make = fn() -> [Key; 2];
    let aes: Make = || [Key::aes_128_gcm(&[7; 16]), Key::aes_128_gcm_siv(&[8; 16])].map(Result::unwrap);
    let sm4: Make = || [Key::sm4_gcm(&[7; 16]), Key::sm4_gcm_shared(&[8; 16])];
    for (name, make) in [("AES", aes), ("SM4", sm4)] {
        let [of_requests, of_replies] = make();
        for plain_bytes in [32, 453] {
            let mut request = vec![5; plain_bytes];
            let tag = of_requests.seal(NONCE, &HEADER, &mut request).unwrap();
            request.extend(tag);
            let mut opened = request.clone();
            time(&format!("{name}: open {plain_bytes} bytes"), || {
                opened.copy_from_slice(&request);
                let text = of_requests.open(NONCE, black_box(&HEADER), &mut opened);
                assert!(text.is_some());
            });
        }
        let mut verdict = [3; 40];
        time(&format!("{name}: seal a verdict"), || {
            let nonce = of_replies.nonce(NONCE, black_box(&verdict));
            black_box(of_replies.seal(nonce, &HEADER[..24], &mut verdict).unwrap());
        });
        time(&format!("{name}: set up two keys"), || {
            black_box(make());
        });
        let (mut block, name) = ([0; 4096], format!("{name}: seal 4 KiB"));
        time(&name, || {
            black_box(of_requests.seal(NONCE, &[], black_box(&mut block)).unwrap());
        });
    }
    println!("one Key takes {} bytes", size_of::<Key>());
}
