//! Enrolment over HTTPS, as firmware without QUIC asks for it (R60).

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use hufu_client::Session;
use hufu_fixtures::Expected;
use hufu_transport::profile::{self, ENGINE_NAME};
use hufu_wire::{Enrolled, Grant, Message as _};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::ca::Ca;
use crate::rig::{Asker, LOOPBACK, MARKET_GATE, MARKET_GATE_2, Rig, Setup, decided, eventually};

const ENROL: &str = "POST /v1/enrol HTTP/1.1\r\nHost: engine\r\nContent-Length: 0\r\n\r\n";

pub(crate) fn with_https(setup: &mut Setup) {
    setup.options.quic.https = Some(LOOPBACK);
}

pub(crate) fn address(rig: &Rig) -> SocketAddr {
    rig.running.https_addr.unwrap()
}

/// A client of the operator `ca`, with the certificate of `grant` by `signer`.
pub(crate) fn client(ca: &Ca, device: Option<(&Ca, Grant)>) -> ClientConnection {
    let mut roots = RootCertStore::empty();
    roots.add(ca.root()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots);
    let config = match device {
        Some((signer, grant)) => {
            let (certificate, key) = signer.device_certificate(&profile::names(grant), grant);
            config.with_client_auth_cert(vec![certificate], key).unwrap()
        }
        None => config.with_no_client_auth(),
    };
    ClientConnection::new(Arc::new(config), ENGINE_NAME.try_into().unwrap()).unwrap()
}

/// The status and the body of the answer to a request.
pub(crate) fn asked(to: SocketAddr, client: ClientConnection, request: &str) -> io::Result<(u16, Vec<u8>)> {
    let stream = TcpStream::connect(to)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut stream = StreamOwned::new(client, stream);
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    // Whether the end is announced does not matter: the length of the body is.
    let ended = stream.read_to_end(&mut answer);
    let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Err(ended.err().unwrap_or(io::ErrorKind::UnexpectedEof.into()));
    };
    let status = std::str::from_utf8(&answer[9..12]).unwrap().parse().unwrap();
    Ok((status, answer.split_off(head + 4)))
}

#[test]
fn r60_firmware_enrols_over_https_and_checks_over_sealed_udp() {
    let rig = Rig::start_with(with_https);
    let grant = rig.grant(MARKET_GATE);
    let (status, bytes) = asked(address(&rig), client(&rig.ca, Some((&rig.ca, grant))), ENROL).unwrap();
    assert_eq!((status, bytes.len()), (200, Enrolled::BYTES));
    let enrolled = Enrolled::read_from(&bytes).unwrap();
    assert_eq!((enrolled.grant, enrolled.udp_port), (grant, rig.running.udp_addr.port()));
    let mut session = Session::new(enrolled);
    let asker = Asker::new(rig.running.udp_addr);
    assert_eq!(decided(&asker.check(&mut session, rig.clear_code().as_bytes())), Expected::ADMIT);
    let other = asked(address(&rig), client(&rig.ca, Some((&rig.ca, grant))), ENROL).unwrap().1;
    assert_ne!(bytes, other, "each has keys of its own");
    rig.running.stop();
}

#[test]
fn r43_over_https_too_only_the_operators_own_devices_get_sessions() {
    let ca = Ca::new();
    let rig = Rig::start_in(ca, |setup| {
        with_https(setup);
        setup.devices_max = 256;
    });
    let (grant, to) = (rig.grant(MARKET_GATE), address(&rig));
    let stranger = Ca::named("another operator");
    assert!(asked(to, client(&rig.ca, None), ENROL).is_err(), "without a certificate");
    assert!(asked(to, client(&rig.ca, Some((&stranger, grant))), ENROL).is_err(), "of another CA");
    assert_eq!(rig.metric("hufu_quic_handshakes_total{outcome=\"accepted\"}"), 0);
    // One that was revoked while the engine runs, without a list.
    rig.running.revoke(grant.device, grant.generation);
    let refused = asked(to, client(&rig.ca, Some((&rig.ca, grant))), ENROL).unwrap();
    assert_eq!(refused, (403, b"device-revoked".to_vec()));
    // And another device still gets one.
    let other = rig.grant(MARKET_GATE_2);
    assert_eq!(asked(to, client(&rig.ca, Some((&rig.ca, other))), ENROL).unwrap().0, 200);
    rig.running.stop();
}

#[test]
fn what_is_no_enrolment_is_told_what_there_is() {
    let rig = Rig::start_with(with_https);
    let (grant, to) = (rig.grant(MARKET_GATE), address(&rig));
    for (request, wanted) in [
        (ENROL.replace("POST", "GET"), 405),
        (ENROL.replace("/v1/enrol", "/"), 404),
        ("enrol me\r\n\r\n".to_owned(), 400),
        (format!("POST /{} HTTP/1.1\r\n\r\n", "x".repeat(20_000)), 431),
        // One request a connection.
        (ENROL.repeat(2), 200),
    ] {
        let answer = asked(to, client(&rig.ca, Some((&rig.ca, grant))), &request);
        // One that is cut off in the middle of its request may not hear why.
        let status = answer.as_ref().map_or(431, |(status, _)| *status);
        assert_eq!(status, wanted, "{}", &request[..request.len().min(60)]);
        assert!(answer.is_err() || answer.unwrap().1.len() <= Enrolled::BYTES);
    }
    assert_eq!(rig.metric("hufu_quic_enrolments_total"), 1);
    rig.running.stop();
}

#[test]
fn r43_silent_connections_hold_no_more_places_than_a_source_has_and_lose_them() {
    let rig = Rig::start_with(|setup| {
        with_https(setup);
        setup.options.quic.handshakes_per_source_max = 2;
        setup.options.quic.step_timeout = Duration::from_millis(300);
    });
    let (grant, to) = (rig.grant(MARKET_GATE), address(&rig));
    let silent: Vec<_> = (0..2).map(|_| TcpStream::connect(to).unwrap()).collect();
    eventually("both have their places", || rig.metric("hufu_quic_handshakes_under_way") == 2);
    assert!(asked(to, client(&rig.ca, Some((&rig.ca, grant))), ENROL).is_err());
    assert_eq!(rig.metric("hufu_quic_handshakes_total{outcome=\"refused-source\"}"), 1);
    eventually("they lose them", || rig.metric("hufu_quic_handshakes_under_way") == 0);
    assert_eq!(asked(to, client(&rig.ca, Some((&rig.ca, grant))), ENROL).unwrap().0, 200);
    drop(silent);
    rig.running.stop();
}
