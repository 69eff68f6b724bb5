//! A feed's bytes that no registry made: nothing panics, nothing is gathered that is too large, and the same bytes
//! give the same messages however they are cut. With a kept corpus in `__fuzz__` that begins with good ones.

use hufu_contract::{FRAME_HEADER_BYTES, FRAME_PAYLOAD_BYTES_MAX};
use hufu_sync::Delivery;
use hufu_upstream::Deliveries;

/// What comes out of `bytes` in pieces of `length`, and the fault at the end, if there is one.
fn pulled(bytes: &[u8], length: usize) -> (Vec<Delivery>, Option<String>) {
    let mut deliveries = Deliveries::default();
    let mut all = Vec::new();
    for piece in bytes.chunks(length) {
        deliveries.push(piece);
        loop {
            match deliveries.pull() {
                Ok(Some(delivery)) => all.push(delivery),
                Ok(None) => break,
                Err(fault) => return (all, Some(fault.to_string())),
            }
        }
    }
    (all, None)
}

fn bytes_of(delivery: &Delivery) -> usize {
    match delivery {
        Delivery::ChangeSet(bytes) | Delivery::Head(bytes) | Delivery::Checkpoint(bytes) => bytes.len(),
        Delivery::Trimmed { .. } => 8,
    }
}

#[test]
fn any_feed() {
    bolero::check!().for_each(|input: &[u8]| {
        // The first byte says how the rest is cut.
        let Some((&length, bytes)) = input.split_first() else { return };
        let whole = pulled(bytes, input.len());
        assert_eq!(pulled(bytes, usize::from(length) + 1), whole);
        let frames: usize = whole.0.iter().map(|delivery| FRAME_HEADER_BYTES + bytes_of(delivery)).sum();
        assert!(frames <= bytes.len());
        assert!(whole.0.iter().all(|delivery| bytes_of(delivery) <= FRAME_PAYLOAD_BYTES_MAX));
    });
}
