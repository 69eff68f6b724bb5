//! What a nonce that may repeat costs: AES-GCM, AES-GCM-SIV, and a reply key of each boot (docs/decisions/0011).
//!
//! Prints CPU time, not wall time, so that other load on the machine disturbs little.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "an example that measures")]

use std::fs;
use std::hint::black_box;

use aws_lc_rs::aead::{AES_128_GCM, AES_128_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk};

struct Aes128;

impl KeyType for Aes128 {
    fn len(&self) -> usize {
        16
    }
}

/// CPU time of this thread, nanoseconds.
fn cpu_ns() -> u32 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let ns: u64 = stat.split(' ').next().unwrap().parse().unwrap();
    u32::try_from(ns % (1 << 32)).unwrap()
}

fn time(name: &str, mut work: impl FnMut()) {
    const TIMES: u32 = 200_000;
    let best = (0..9).map(|_| {
        let begun = cpu_ns();
        (0..TIMES).for_each(|_| work());
        cpu_ns().wrapping_sub(begun)
    });
    println!("{name:40} {:6.1} ns", f64::from(best.min().unwrap()) / f64::from(TIMES));
}

fn main() {
    for (name, algorithm) in [("AES-128-GCM", &AES_128_GCM), ("AES-128-GCM-SIV", &AES_128_GCM_SIV)] {
        let key = LessSafeKey::new(UnboundKey::new(algorithm, &[7; 16]).unwrap());
        let (mut count, mut reply) = (0_u128, [1; 40]);
        time(&format!("{name}: seal a reply"), || {
            count += 1;
            let nonce = Nonce::try_assume_unique_for_key(&count.to_le_bytes()[..12]).unwrap();
            let tag = key.seal_in_place_separate_tag(nonce, Aad::from([2; 24]), black_box(&mut reply));
            let _tag = black_box(tag.unwrap());
        });
        let mut cookie = vec![1; 64];
        let nonce = || Nonce::assume_unique_for_key([3; 12]);
        key.seal_in_place_append_tag(nonce(), Aad::from(b"hufu/1 cookie"), &mut cookie).unwrap();
        time(&format!("{name}: open a cookie"), || {
            let mut bytes: [u8; 80] = cookie.as_slice().try_into().unwrap();
            let plain = key.open_in_place(nonce(), Aad::from(b"hufu/1 cookie"), black_box(&mut bytes));
            black_box(plain.unwrap());
        });
        time(&format!("{name}: set up a key"), || {
            black_box(LessSafeKey::new(UnboundKey::new(algorithm, black_box(&[7; 16])).unwrap()));
        });
    }
    let session = Prk::new_less_safe(HKDF_SHA256, &[1; 32]);
    time("HKDF to a reply key of a boot", || {
        let mut key = [0; 16];
        let info = [b"reply key of boot ".as_slice(), black_box(&[9; 16])];
        session.expand(&info, Aes128).unwrap().fill(&mut key).unwrap();
        black_box(key);
    });
}
