//! Caps on handshakes and connections.

use std::time::{Duration, Instant};

use hufu_check::Rate;
use hufu_client::{Control, ControlFault};
use hufu_transport::QuicOptions;
use hufu_transport::profile::ENGINE_NAME;
use hufu_wire::{DeviceGeneration, Grant, Reason};

use crate::rig::{MARKET_GATE, MARKET_GATE_2, PATIENCE, Rig, block_on, closed_at_once, eventually_async};

/// What a handshake under these options ends in, and the outcomes that are counted.
fn check(change: impl FnOnce(&mut QuicOptions), outcomes: &[(&str, u64)]) -> Result<(), ControlFault> {
    let rig = Rig::start_with(|setup| change(&mut setup.options.quic));
    let identity = rig.ca.device(rig.grant(MARKET_GATE));
    let answer = block_on(async {
        let control = Control::connect(rig.running.quic_addr, ENGINE_NAME, &identity).await?;
        control.time().await.map(|_| ())
    });
    for (outcome, count) in outcomes {
        let name = format!("hufu_quic_handshakes_total{{outcome=\"{outcome}\"}}");
        assert_eq!(rig.metric(&name), *count, "{outcome}");
    }
    rig.running.stop();
    answer
}

#[test]
fn beyond_the_cap_in_all_handshakes_are_refused() {
    let answer = check(|quic| quic.handshakes_max = 0, &[("refused-total", 1), ("accepted", 0)]);
    assert!(matches!(answer, Err(ControlFault::Refused(Reason::Busy))), "{answer:?}");
}

#[test]
fn beyond_the_cap_of_a_source_it_must_prove_its_address_and_is_refused_then() {
    let outcomes = [("address-asked", 1), ("refused-source", 1), ("accepted", 0)];
    let answer = check(|quic| quic.handshakes_per_source_max = 0, &outcomes);
    assert!(matches!(answer, Err(ControlFault::Refused(Reason::Busy))), "{answer:?}");
}

#[test]
fn from_half_of_the_cap_on_a_proved_address_still_gets_in() {
    let outcomes = [("address-asked", 1), ("accepted", 1), ("refused-total", 0)];
    assert!(check(|quic| quic.handshakes_max = 1, &outcomes).is_ok());
}

#[test]
fn beyond_the_cap_on_connections_nobody_gets_in() {
    let answer = check(|quic| quic.connections_max = 0, &[("refused-connections", 1)]);
    assert!(matches!(answer, Err(ControlFault::Refused(Reason::Busy))), "{answer:?}");
}

/// The first packet of a handshake that nobody goes on with, as one who writes another's address sends it.
async fn first_packet(identity: &hufu_client::Identity) -> Vec<u8> {
    let sink = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut packet = vec![0; 2048];
    tokio::select! {
        _ = Control::connect(sink.local_addr().unwrap(), ENGINE_NAME, identity) => panic!("nobody answers"),
        received = sink.recv_from(&mut packet) => packet.truncate(received.unwrap().0),
    }
    packet
}

#[test]
fn r43_spoofed_first_packets_lock_no_gate_out() {
    const OF_SOURCE: usize = 4;
    let rig = Rig::start_with(|setup| {
        setup.options.quic.handshakes_per_source_max = OF_SOURCE;
        // None of those under way is given up meanwhile.
        setup.options.quic.step_timeout = 2 * PATIENCE;
    });
    let identity = rig.ca.device(rig.grant(MARKET_GATE));
    block_on(async {
        // More than one source may have, from the very address that the gate has.
        let spoofer = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let spoof =
            async || spoofer.send_to(&first_packet(&identity).await, rig.running.quic_addr).await.unwrap();
        for _ in 0..2 * OF_SOURCE {
            spoof().await;
        }
        let until = Instant::now() + PATIENCE;
        while rig.metric("hufu_quic_handshakes_total{outcome=\"address-asked\"}") < OF_SOURCE as u64 {
            assert!(Instant::now() < until, "no address is asked for");
            tokio::time::sleep(Duration::from_millis(50)).await;
            // One of them may have been lost.
            spoof().await;
        }
        assert_eq!(rig.metric("hufu_quic_handshakes_under_way"), OF_SOURCE as u64);
        let control = Control::connect(rig.running.quic_addr, ENGINE_NAME, &identity).await.unwrap();
        assert!(control.enrol().await.is_ok());
    });
    assert_eq!(rig.metric("hufu_quic_handshakes_total{outcome=\"refused-source\"}"), 0);
    rig.running.stop();
}

#[test]
fn a_devices_newest_connections_are_kept_and_its_oldest_closed() {
    let rig = Rig::start_with(|setup| setup.options.quic.connections_per_device_max = 2);
    block_on(async {
        let neighbour = rig.connect(rig.grant(MARKET_GATE_2)).await;
        let mut connections = Vec::new();
        for _ in 0..3 {
            let control = rig.connect(rig.grant(MARKET_GATE)).await;
            assert!(control.time().await.is_ok());
            connections.push(control);
        }
        let ended = closed_at_once(&connections[0]).await;
        assert!(matches!(ended, ControlFault::Refused(Reason::Busy)), "{ended}");
        for control in connections[1..].iter().chain([&neighbour]) {
            assert!(control.time().await.is_ok());
        }
    });
    assert_eq!(rig.metric("hufu_quic_closed_total{cause=\"surplus\"}"), 1);
    rig.running.stop();
}

/// A thief of an older certificate that is not revoked opens as many connections as can be.
#[test]
fn r43_an_older_generation_closes_no_connection_of_the_newest() {
    let rig = Rig::start_with(|setup| setup.options.quic.connections_per_device_max = 2);
    let old = rig.grant(MARKET_GATE);
    let new = Grant { generation: DeviceGeneration(old.generation.0 + 1), ..old };
    block_on(async {
        let first = rig.connect(new).await;
        assert!(first.time().await.is_ok());
        let older = rig.connect(old).await;
        assert!(older.time().await.is_ok(), "there is room for it");
        let second = rig.connect(new).await;
        assert!(second.time().await.is_ok());
        let ended = closed_at_once(&older).await;
        assert!(matches!(ended, ControlFault::Refused(Reason::Busy)), "{ended}");
        for _ in 0..3 {
            let identity = rig.ca.device(old);
            let ended = match Control::connect(rig.running.quic_addr, ENGINE_NAME, &identity).await {
                Ok(control) => closed_at_once(&control).await,
                Err(fault) => fault,
            };
            assert!(matches!(ended, ControlFault::Refused(Reason::Busy)), "{ended}");
        }
        assert!(first.time().await.is_ok() && second.time().await.is_ok());
    });
    assert_eq!(rig.metric("hufu_quic_closed_total{cause=\"surplus\"}"), 4);
    rig.running.stop();
}

#[test]
fn a_surplus_connection_is_counted_once_however_fast_the_next_ones_come() {
    const CONNECTIONS: u64 = 40;
    let rig = Rig::start_with(|setup| setup.options.quic.connections_per_device_max = 1);
    let (addr, identity) = (rig.running.quic_addr, rig.ca.device(rig.grant(MARKET_GATE)));
    block_on(async {
        let endpoint = hufu_client::endpoint(addr).unwrap();
        let mut connecting = tokio::task::JoinSet::new();
        for _ in 0..CONNECTIONS {
            let (endpoint, identity) = (endpoint.clone(), identity.clone());
            connecting.spawn(async move {
                let control = Control::connect_from(&endpoint, addr, ENGINE_NAME, &identity).await;
                // Left open: nobody closes it but the engine.
                control.unwrap().connection().clone()
            });
        }
        let connections = connecting.join_all().await;
        let accepted = || rig.metric("hufu_quic_handshakes_total{outcome=\"accepted\"}");
        eventually_async("all are accepted", || accepted() >= CONNECTIONS).await;
        drop(connections);
    });
    assert_eq!(rig.metric("hufu_quic_closed_total{cause=\"surplus\"}"), CONNECTIONS - 1);
    rig.running.stop();
}

#[test]
fn enrolments_and_the_clock_are_charged_like_checks() {
    // An enrolment asks for a session and for the revocation lists.
    let rig = Rig::start_with(|setup| setup.rate = Rate { per_s: 1, burst: 5 });
    block_on(async {
        let control = rig.connect(rig.grant(MARKET_GATE)).await;
        for _ in 0..2 {
            assert!(control.enrol().await.is_ok());
        }
        assert!(control.time().await.is_ok());
        for answer in [control.enrol().await.map(|_| ()), control.time().await.map(|_| ())] {
            let told = matches!(answer, Err(ControlFault::Refused(Reason::RateExceeded)));
            assert!(told, "{answer:?}");
        }
        assert!(rig.connect(rig.grant(MARKET_GATE_2)).await.enrol().await.is_ok(), "a neighbour");
    });
    assert_eq!(rig.metric("hufu_quic_enrolments_total"), 3);
    assert_eq!(rig.metric("hufu_quic_frames_refused_total{reason=\"rate-exceeded\"}"), 2);
    rig.running.stop();
}

#[test]
fn a_connection_that_has_ended_leaves_nothing_behind() {
    let rig = Rig::start();
    for _ in 0..5 {
        drop(rig.enrol(rig.grant(MARKET_GATE)));
    }
    crate::rig::eventually("the roll is empty", || rig.metric("hufu_quic_connections") == 0);
    assert_eq!(rig.metric("hufu_quic_handshakes_under_way"), 0);
    rig.running.stop();
}
