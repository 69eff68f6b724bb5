//! What ten million holders take as a list (docs/PERFORMANCE.md):
//! `cargo run --release -p hufu-statuslist --example encode`.

use std::time::Instant;

use hufu_statuslist::colours::{INVALID, VALID};
use hufu_statuslist::{Bits, Claims, Expected, Format, Keys, Shards, Signer, StatusList, read, write};
use hufu_wire::UnixSeconds;

const HOLDERS: u64 = 10_000_000;

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let signer = Signer::from_pem(Signer::generate()?.as_bytes(), b"")?;
    let keys = Keys::default().with(signer.public().clone());
    for per_100_000 in [220, 4_000] {
        for entries in [HOLDERS, Shards::ENTRIES.into()] {
            let begun = Instant::now();
            let mut bytes = [0; 2];
            let (mut lists, mut tokens) = (0, Vec::new());
            for first in (0..HOLDERS).step_by(usize::try_from(entries)?) {
                let value = |holder| if mixed(holder) % 100_000 < per_100_000 { INVALID } else { VALID };
                let list = StatusList::of(Bits::Two, (first..first + entries).map(value));
                let zlib = list.deflate();
                let (uri, issued) = (format!("https://status.example/{lists}"), UnixSeconds(1_790_000_000));
                let claims = Claims { uri, issued, expires: None, ttl_s: Some(300) };
                for (bytes, format) in bytes.iter_mut().zip(Format::ALL) {
                    let token = write(format, &claims, Bits::Two, &zlib, &signer)?;
                    *bytes += token.len();
                    tokens.push(token);
                }
                lists += 1;
            }
            let wrote_s = begun.elapsed().as_secs_f64();
            let begun = Instant::now();
            let expected = Expected { uri: None, entries: Some(entries), now: UnixSeconds(1_790_000_000) };
            for token in tokens.iter().skip(1).step_by(2) {
                read(token, &keys, &expected)?;
            }
            println!(
                "{:.2} % not green, {lists} lists: {} bytes as JWT, {} as CWT; written in {wrote_s:.2} s, read in {:.2} s",
                per_100_000 as f64 / 1000.0,
                bytes[0],
                bytes[1],
                begun.elapsed().as_secs_f64()
            );
        }
    }
    Ok(())
}

/// SplitMix64: places that deflate cannot foresee.
fn mixed(holder: u64) -> u64 {
    let mut bits = holder.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}
