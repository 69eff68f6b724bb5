//! Whatever a registry sends comes out as it was sent, however the network cuts it.

use bytes::{Bytes, BytesMut};
use hufu_contract::{FRAME_PAYLOAD_BYTES_MAX, Frame, FrameKind};
use hufu_sync::Delivery;
use hufu_upstream::Deliveries;
use hufu_wire::Sequence;
use proptest::collection::vec;
use proptest::prelude::*;

fn put(delivery: &Delivery, out: &mut BytesMut) {
    match delivery {
        Delivery::ChangeSet(bytes) => Frame::put(FrameKind::ChangeSet, bytes, out),
        Delivery::Head(bytes) => Frame::put(FrameKind::Head, bytes, out),
        Delivery::Checkpoint(bytes) => Frame::put(FrameKind::Checkpoint, bytes, out),
        Delivery::Trimmed { first } => {
            Frame::put(FrameKind::Trimmed, &first.map_or(0, |first| first.0).to_le_bytes(), out);
        }
    }
}

fn any_delivery() -> impl Strategy<Value = Delivery> {
    let bytes = |byte, length| Bytes::from(vec![byte; length]);
    prop_oneof![
        (any::<u8>(), 400..2000_usize)
            .prop_map(move |(byte, length)| Delivery::ChangeSet(bytes(byte, length))),
        any::<u8>().prop_map(move |byte| Delivery::ChangeSet(bytes(byte, FRAME_PAYLOAD_BYTES_MAX))),
        any::<u8>().prop_map(move |byte| Delivery::Head(bytes(byte, 136))),
        any::<u8>().prop_map(move |byte| Delivery::Checkpoint(bytes(byte, 248))),
        any::<u64>().prop_map(|first| Delivery::Trimmed { first: (first > 0).then_some(Sequence(first)) }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn deliveries_come_out_as_they_went_in(
        sent in vec(any_delivery(), 0..12),
        lengths in vec(1..70_000_usize, 1..8),
    ) {
        let mut bytes = BytesMut::new();
        for delivery in &sent {
            put(delivery, &mut bytes);
        }
        let mut deliveries = Deliveries::default();
        let (mut got, mut lengths) = (Vec::new(), lengths.into_iter().cycle());
        while !bytes.is_empty() {
            let length = lengths.next().unwrap_or(1).min(bytes.len());
            deliveries.push(&bytes.split_to(length));
            while let Some(delivery) = deliveries.pull().expect("good frames") {
                got.push(delivery);
            }
        }
        prop_assert!(!deliveries.is_partial());
        prop_assert_eq!(got, sent);
    }
}
