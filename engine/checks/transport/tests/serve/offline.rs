//! What gates need to go on without a network, over QUIC and over HTTPS (R06).

use std::sync::Arc;

use hufu_client::ControlFault;
use hufu_transport::Offline;
use hufu_wire::limits::FRAME_BYTES_MAX;
use hufu_wire::{Grant, IssuerId, Message as _, OfflineAsk, Reason, RecordsKept, Sequence};

use crate::https::{asked, client};
use crate::rig::{LOOPBACK, MARKET_GATE, MARKET_GATE_2, Rig, block_on};

/// Says who asked for what, gives the largest part there may be, and keeps what is not empty.
struct Echo;

impl Offline for Echo {
    fn part(&self, grant: &Grant, ask: OfflineAsk) -> Result<Vec<u8>, Reason> {
        match ask {
            OfflineAsk::List { from: 0, .. } => Ok(vec![7; FRAME_BYTES_MAX]),
            OfflineAsk::List { .. } => Err(Reason::OutOfScope),
            ask => Ok(format!("{}: {ask}", grant.device).into_bytes()),
        }
    }

    fn receive(&self, _grant: &Grant, records: &[u8]) -> Result<RecordsKept, Reason> {
        if records.is_empty() { Err(Reason::Busy) } else { Ok(RecordsKept(records.len() as u64)) }
    }
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: engine\r\n\r\n")
}

fn post(body: &str) -> String {
    format!(
        "POST /v1/offline/records HTTP/1.1\r\nHost: engine\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn r06_gates_get_what_they_need_by_either_door() {
    let rig = Rig::start_with(|setup| setup.options.quic.https = Some(LOOPBACK));
    let (grant, to) = (rig.grant(MARKET_GATE), rig.running.https_addr.unwrap());
    let https = |request: &str| asked(to, client(&rig.ca, Some((&rig.ca, grant))), request).unwrap();
    // An engine that was started a moment ago takes nothing back, as `out-of-scope` would: gates ask again.
    let nothing = block_on(async { rig.connect(grant).await.offline(OfflineAsk::Site).await });
    assert!(matches!(nothing, Err(ControlFault::Refused(Reason::Busy))), "{nothing:?}");
    assert_eq!(https(&get("/v1/offline/site")), (503, b"busy".to_vec()));

    rig.running.hand_out(Arc::new(Echo));
    let issuer = IssuerId(110_000);
    block_on(async {
        let control = rig.connect(grant).await;
        for ask in [
            OfflineAsk::Site,
            OfflineAsk::TrustList,
            OfflineAsk::Issuers,
            OfflineAsk::List { issuer, from: 0 },
            OfflineAsk::Chain { issuer, after: Sequence(7) },
        ] {
            let part = control.offline(ask).await.unwrap();
            assert_eq!((200, part), https(&get(&ask.to_string())), "{ask}");
        }
        let past = OfflineAsk::List { issuer, from: 1 };
        let refused = control.offline(past).await;
        assert!(matches!(refused, Err(ControlFault::Refused(Reason::OutOfScope))), "{refused:?}");
        assert_eq!(https(&get(&past.to_string())), (403, b"out-of-scope".to_vec()));
        assert_eq!(control.hand_over(b"records").await.unwrap(), 7);
        let busy = control.hand_over(b"").await;
        assert!(matches!(busy, Err(ControlFault::Refused(Reason::Busy))), "{busy:?}");
    });
    let mut kept = [0; RecordsKept::BYTES];
    RecordsKept(7).write_to(&mut kept);
    assert_eq!(https(&post("records")), (200, kept.to_vec()));
    assert_eq!(https(&post("")), (503, b"busy".to_vec()));
    assert_eq!(https(&post(&"x".repeat(FRAME_BYTES_MAX + 1))).0, 413);
    assert_eq!(https(&get("/v1/offline/records")).0, 405);
    assert_eq!(https(&get("/v1/offline/everything")).0, 404);
    rig.running.stop();
}

/// Parts are much larger than checks, and a device has no more of them.
#[test]
fn r06_parts_count_towards_a_devices_rate() {
    let rig = Rig::start_with(|setup| {
        setup.rate.burst = 5;
        setup.rate.per_s = 1;
    });
    rig.running.hand_out(Arc::new(Echo));
    let grant = rig.grant(MARKET_GATE);
    let given = block_on(async {
        let control = rig.connect(grant).await;
        let mut given = 0;
        while control.offline(OfflineAsk::Site).await.is_ok() {
            given += 1;
        }
        given
    });
    assert!((5..=7).contains(&given), "{given} parts at once");
    let other =
        block_on(async { rig.connect(rig.grant(MARKET_GATE_2)).await.offline(OfflineAsk::Site).await });
    assert!(other.is_ok(), "another device has a rate of its own: {other:?}");
    rig.running.stop();
}
