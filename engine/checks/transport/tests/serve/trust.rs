//! Who gets in and who is thrown out (R43).

use std::sync::Arc;
use std::time::Duration;

use hufu_client::{ALPN, Control, ControlFault, Identity};
use hufu_transport::profile::{self, ENGINE_NAME};
use hufu_wire::{DeviceGeneration, DeviceId, Grant, Reason, UnixSeconds};

use crate::ca::Ca;
use crate::rig::{Asker, MARKET_GATE, MARKET_GATE_2, Rig, block_on, closed_at_once, now, sealed};

/// What connecting and enrolling with `identity` ends in.
fn enrolled(rig: &Rig, identity: &Identity) -> Result<(), ControlFault> {
    block_on(async {
        let control = Control::connect(rig.running.quic_addr, ENGINE_NAME, identity).await?;
        control.enrol().await.map(|_| ())
    })
}

fn is_refused(answer: &Result<(), ControlFault>, reason: Reason) -> bool {
    matches!(answer, Err(ControlFault::Refused(refused)) if *refused == reason)
}

#[test]
fn certificates_of_another_ca_are_refused_on_both_sides() {
    let rig = Rig::start();
    let stranger = Ca::new();
    let grant = rig.grant(MARKET_GATE);
    let names = profile::names(grant);
    let forged = enrolled(&rig, &stranger.with_names(&names, grant, &rig.ca));
    assert!(matches!(forged, Err(ControlFault::Untrusted { .. })), "{forged:?}");
    let impostor = enrolled(&rig, &rig.ca.with_names(&names, grant, &stranger));
    assert!(matches!(impostor, Err(ControlFault::Untrusted { .. })), "{impostor:?}");
    assert_eq!(rig.running.figures().requests, 0);
    rig.running.stop();
}

#[test]
fn an_engine_under_another_name_is_not_ours() {
    let rig = Rig::start();
    let identity = rig.ca.device(rig.grant(MARKET_GATE));
    let answer = block_on(Control::connect(rig.running.quic_addr, "other.hufu", &identity));
    assert!(matches!(answer, Err(ControlFault::Untrusted { .. })));
    rig.running.stop();
}

#[test]
fn a_certificate_that_grants_nothing_gets_nothing() {
    let rig = Rig::start();
    let grant = rig.grant(MARKET_GATE);
    let mut twice = profile::names(grant).to_vec();
    twice.push("urn:hufu:site:1".to_owned());
    for names in [vec![], vec!["urn:hufu:device:1:0".to_owned()], twice] {
        let answer = enrolled(&rig, &rig.ca.with_names(&names, grant, &rig.ca));
        assert!(is_refused(&answer, Reason::OutOfScope), "{names:?}: {answer:?}");
    }
    assert_eq!(rig.metric("hufu_quic_closed_total{cause=\"profile\"}"), 3);
    rig.running.stop();
}

#[test]
fn a_device_of_a_site_without_a_policy_gets_no_session() {
    let rig = Rig::start();
    let lost = Grant { site: hufu_wire::SiteId(1), ..rig.grant(MARKET_GATE) };
    assert!(is_refused(&enrolled(&rig, &rig.ca.device(lost)), Reason::SiteUnknown));
    assert_eq!(rig.metric("hufu_quic_frames_refused_total{reason=\"site-unknown\"}"), 1);
    rig.running.stop();
}

#[test]
fn a_certificate_on_the_revocation_list_gets_in_no_more() {
    let revoked = Grant { device: DeviceId(9), ..Rig::start().grant(MARKET_GATE) };
    let rig = Rig::start_with(|setup| setup.revoked = vec![revoked]);
    let answer = enrolled(&rig, &rig.ca.device(revoked));
    assert!(matches!(answer, Err(ControlFault::Untrusted { .. })), "{answer:?}");
    let anew = Grant { generation: DeviceGeneration(revoked.generation.0 + 1), ..revoked };
    assert!(enrolled(&rig, &rig.ca.device(anew)).is_ok(), "enrolled anew");
    assert!(enrolled(&rig, &rig.ca.device(rig.grant(MARKET_GATE))).is_ok(), "a neighbour");
    rig.running.stop();
}

#[test]
fn revocation_bites_at_once_on_both_ways() {
    let check = |revoke: &dyn Fn(&Rig, Grant)| {
        let rig = Rig::start();
        let (grant, neighbour) = (rig.grant(MARKET_GATE), rig.grant(MARKET_GATE_2));
        let code = rig.clear_code();
        let mut session = rig.enrol(grant);
        let asker = Asker::new(rig.running.udp_addr);
        assert_eq!(asker.check(&mut session, code.as_bytes()).reason, Reason::Clear);
        block_on(async {
            let control = rig.connect(grant).await;
            let other = rig.connect(neighbour).await;
            assert!(control.time().await.is_ok() && other.time().await.is_ok());
            revoke(&rig, grant);
            let fault = closed_at_once(&control).await;
            assert!(matches!(fault, ControlFault::Refused(Reason::DeviceRevoked)), "{fault}");
            assert!(other.time().await.is_ok(), "the neighbour stays");
        });
        let verdict = asker.check(&mut session, code.as_bytes());
        assert_eq!(verdict.reason, Reason::DeviceRevoked, "the cookie is worth nothing");
        assert!(enrolled(&rig, &rig.ca.device(grant)).is_err());
        let mut neighbours = rig.enrol(neighbour);
        assert_eq!(asker.check(&mut neighbours, code.as_bytes()).reason, Reason::Clear);
        rig.running.stop();
    };
    check(&|rig, grant| rig.running.revoke(grant.device, grant.generation));
    check(&|rig, grant| rig.running.set_tls(rig.ca.engine(&[grant])).unwrap());
}

/// Engines of one cluster may have room for different numbers of devices.
#[test]
fn r43_a_device_beyond_the_last_is_told_the_same_on_both_ways() {
    let ca = Ca::new();
    let larger = Rig::start();
    let rig = Rig::start_in(ca, |setup| setup.devices_max = 1);
    let beyond = Grant { device: DeviceId(1), ..rig.grant(MARKET_GATE) };
    assert!(is_refused(&enrolled(&rig, &rig.ca.device(beyond)), Reason::DeviceUnknown));
    let mut session = larger.enrol(beyond);
    let verdict = Asker::new(rig.running.udp_addr).check(&mut session, rig.clear_code().as_bytes());
    assert_eq!(verdict.reason, Reason::DeviceUnknown);
    larger.running.stop();
    rig.running.stop();
}

#[test]
fn a_connection_that_is_closed_twice_is_counted_once() {
    let rig = Rig::start();
    let grant = rig.grant(MARKET_GATE);
    block_on(async {
        let mut connections = Vec::new();
        for _ in 0..4 {
            let control = rig.connect(grant).await;
            assert!(control.time().await.is_ok());
            connections.push(control);
        }
        // Faster than the endpoint's thread can notice that they are closed.
        (0..100).for_each(|_| rig.running.revoke(grant.device, grant.generation));
    });
    assert_eq!(rig.metric("hufu_quic_closed_total{cause=\"revoked\"}"), 4);
    rig.running.stop();
}

#[test]
fn a_new_root_throws_out_the_devices_of_the_old_one() {
    let rig = Rig::start();
    let grant = rig.grant(MARKET_GATE);
    let mut session = rig.enrol(grant);
    let next = Ca::new();
    block_on(async {
        let control = rig.connect(grant).await;
        assert!(control.time().await.is_ok());
        rig.running.set_tls(next.engine(&[])).unwrap();
        let fault = closed_at_once(&control).await;
        assert!(matches!(fault, ControlFault::Refused(Reason::OutOfScope)), "{fault}");
    });
    assert_eq!(rig.metric("hufu_quic_closed_total{cause=\"certificate\"}"), 1);
    let other = rig.grant(MARKET_GATE_2);
    assert!(enrolled(&rig, &next.device(other)).is_ok());
    assert!(enrolled(&rig, &rig.ca.device(other)).is_err());
    assert!(enrolled(&rig, &rig.ca.device(grant)).is_err());

    // Perhaps the root was only a wrong file: nobody is revoked for it.
    rig.running.set_tls(rig.ca.engine(&[])).unwrap();
    assert!(enrolled(&rig, &rig.ca.device(grant)).is_ok(), "the same device under the right root");
    let verdict = Asker::new(rig.running.udp_addr).check(&mut session, rig.clear_code().as_bytes());
    assert_eq!(verdict.reason, Reason::Clear);
    assert_eq!(rig.metric("hufu_quic_closed_total{cause=\"revoked\"}"), 0);
    rig.running.stop();
}

#[test]
fn a_certificates_end_is_the_end_of_its_connection_and_of_its_cookies() {
    let rig = Rig::start();
    let end = UnixSeconds(now().0 + 3);
    let identity = rig.ca.device_until(rig.grant(MARKET_GATE), end);
    block_on(async {
        let control = Control::connect(rig.running.quic_addr, ENGINE_NAME, &identity).await.unwrap();
        let neighbour = rig.connect(rig.grant(MARKET_GATE_2)).await;
        assert_eq!(control.enrol().await.unwrap().expires, end, "no cookie outlives its certificate");
        // Its three seconds, and what "at once" may take.
        let closed = tokio::time::timeout(Duration::from_secs(8), control.connection().closed()).await;
        let fault = ControlFault::from(closed.unwrap());
        assert!(matches!(fault, ControlFault::Refused(Reason::OutOfScope)), "{fault}");
        assert!(now() >= end, "not before its end");
        assert!(neighbour.enrol().await.unwrap().expires > end, "the neighbour stays");
    });
    assert_eq!(rig.metric("hufu_quic_closed_total{cause=\"certificate\"}"), 1);
    assert!(rig.enrol(rig.grant(MARKET_GATE)).expires() > end, "a new certificate is not the old one");
    rig.running.stop();
}

#[test]
fn nothing_can_be_sent_before_the_handshake_is_over() {
    let rig = Rig::start();
    let grant = rig.grant(MARKET_GATE);
    let (certificate, key) = rig.ca.device_certificate(&profile::names(grant), grant);
    let mut roots = rustls::RootCertStore::empty();
    roots.add(rig.ca.root()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![certificate], key)
        .unwrap();
    tls.alpn_protocols = vec![ALPN.to_vec()];
    tls.enable_early_data = true;
    let crypto = quinn::crypto::rustls::QuicClientConfig::try_from(tls).unwrap();
    let config = quinn::ClientConfig::new(Arc::new(crypto));
    block_on(async {
        let endpoint = hufu_client::endpoint(rig.running.quic_addr).unwrap();
        let connect = || endpoint.connect_with(config.clone(), rig.running.quic_addr, ENGINE_NAME).unwrap();
        let connection = connect().await.unwrap();
        // Whatever ticket the engine were to give has come by the time it has answered.
        let (mut send, mut recv) = connection.open_bi().await.unwrap();
        send.write_all(&[1, 7, 0, 0, 0, 0, 0, 0]).await.unwrap();
        send.finish().unwrap();
        assert_eq!(recv.read_to_end(100).await.unwrap().len(), 16);
        assert!(connect().into_0rtt().is_err(), "a second connection has no early data to offer");
    });
    rig.running.stop();
}

#[test]
fn a_client_that_speaks_another_protocol_is_refused() {
    let rig = Rig::start();
    let mut session = rig.enrol(rig.grant(MARKET_GATE));
    // A sealed request on the QUIC port is no QUIC packet; QUIC's first packet is no sealed request.
    let asker = Asker::new(rig.running.quic_addr);
    asker.send(&sealed(&mut session, b"HF1:"));
    assert!(asker.hears_nothing());
    rig.running.stop();
}
