//! Batches through the spine: what `bench/tests/instructions.rs` counts the instructions of, kind by kind.

use hufu_bench::{BATCH, Packets, Stage};
use hufu_check::Spine;

/// Different codes of a kind.
const CODES: usize = 4 * BATCH;

fn main() {
    let remembering = Stage::new(4096, 1 << 12);
    // With room for one code, an engine sees every other for the first time.
    let forgetful = Stage::new(4096, 1);
    for stage in [&remembering, &forgetful] {
        for codes in [stage.paper_codes(CODES), stage.phone_codes(CODES)] {
            let mut packets = stage.gates(CODES).seal(codes.iter().map(|(code, _)| code.as_slice()));
            let mut spine = stage.spine();
            // What is seen again was seen before, and every session was opened.
            for _ in 0..CODES / BATCH {
                packets.answer(&mut spine, stage.now, BATCH);
            }
            counted(stage, &mut packets, &mut spine);
        }
    }
}

/// The same checks once more. Its name is what the counter looks for.
#[inline(never)]
fn counted(stage: &Stage, packets: &mut Packets, spine: &mut Spine) {
    for _ in 0..CODES / BATCH {
        packets.answer(spine, stage.now, BATCH);
    }
}
