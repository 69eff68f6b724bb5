//! IPv4 and IPv6, on one address and on several, and where gates look for engines.

use std::net::{IpAddr, SocketAddr};

use hufu_client::{CheckFault, Control, Gate, GateFault, GateOptions, Server};
use hufu_transport::profile::ENGINE_NAME;
use hufu_wire::{Lane, Reason};

use crate::rig::{Asker, MARKET_GATE, MARKET_GATE_2, Rig, block_on, sealed};

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn at(ip: &str, port: u16) -> SocketAddr {
    SocketAddr::new(ip.parse::<IpAddr>().unwrap(), port)
}

fn server(control: &str) -> Server {
    Server { control: control.parse().unwrap(), name: ENGINE_NAME.to_owned(), udp_port: None }
}

/// A rig that listens here with QUIC and sealed UDP.
fn rig(listen: &[&str]) -> Rig {
    let also: Vec<_> = listen[1..].iter().map(|text| addr(text)).collect();
    Rig::start_with(|setup| {
        (setup.options.udp.listen, setup.options.quic.listen) = (addr(listen[0]), addr(listen[0]));
        (setup.options.udp.also, setup.options.quic.also) = (also.clone(), also);
    })
}

fn admits(gate: &mut Gate, rig: &Rig) {
    let verdict = gate.check(rig.clear_code().as_bytes(), Lane(0)).unwrap();
    assert_eq!(verdict.reason, Reason::Clear);
}

#[test]
fn gates_of_both_families_enrol_and_are_answered_however_an_engine_listens() {
    for listen in
        [&["[::]:0"][..], &["127.0.0.1:0", "[::1]:0"], &["0.0.0.0:0", "[::]:0"], &["[::]:0", "0.0.0.0:0"]]
    {
        let rig = rig(listen);
        for ip in ["127.0.0.1", "::1"] {
            let quic = rig.running.quic_addrs.iter().filter(|addr| addr.is_ipv4() != ip.contains(':'));
            let port = quic.chain(&rig.running.quic_addrs).next().unwrap().port();
            let device = rig.ca.device(rig.grant(MARKET_GATE));
            let control = server(&at(ip, port).to_string());
            let mut gate = Gate::open(vec![control], device, GateOptions::default()).unwrap();
            admits(&mut gate, &rig);
        }
        rig.running.stop();
    }
}

#[test]
fn replies_leave_from_the_address_that_was_asked_in_both_families() {
    for (listen, asked) in [
        ("0.0.0.0:0", &["127.0.0.1", "127.0.0.2"][..]),
        ("[::1]:0", &["::1"]),
        ("[::]:0", &["::1", "127.0.0.1", "127.0.0.2"]),
    ] {
        let rig = rig(&[listen]);
        for ip in asked {
            // `Asker` holds every reply against the address it asked.
            let asker = Asker::new(at(ip, rig.running.udp_addr.port()));
            let identity = rig.ca.device(rig.grant(MARKET_GATE));
            let quic = at(ip, rig.running.quic_addr.port());
            let mut session = block_on(async {
                let control = Control::connect(quic, ENGINE_NAME, &identity).await.unwrap();
                hufu_client::Session::new(control.enrol().await.unwrap())
            });
            let code = rig.clear_code();
            assert_eq!(asker.check(&mut session, code.as_bytes()).reason, Reason::Clear, "{listen} {ip}");
            for _ in 0..40 {
                asker.send(&sealed(&mut session, code.as_bytes()));
            }
            assert!((0..40).all(|_| asker.receive().is_some()), "{listen} {ip}, a burst");
        }
        rig.running.stop();
    }
}

#[test]
fn an_ipv6_address_of_its_own_takes_no_ipv4() {
    let rig = rig(&["[::]:0", "0.0.0.0:0"]);
    let [v6, v4] = [0, 1].map(|place| rig.running.udp_addrs[place]);
    assert_eq!(
        (v6.is_ipv6(), v4.is_ipv4(), v6.port()),
        (true, true, v4.port()),
        "an enrolment names one port"
    );
    rig.running.stop();
}

#[test]
fn a_gate_goes_from_one_family_to_the_other_when_an_engine_dies() {
    let (first, second) = (rig(&["[::1]:0"]), rig(&["127.0.0.1:0"]));
    let server = |rig: &Rig| Server { udp_port: Some(rig.running.udp_addr.port()), ..rig.server() };
    let mut gate = first.gate(first.grant(MARKET_GATE), vec![server(&first), server(&second)]);
    admits(&mut gate, &first);
    first.running.stop();
    admits(&mut gate, &second);
    assert_eq!(second.running.figures().requests, 1);
    second.running.stop();
    let gone = gate.check(b"HF1:", Lane(0));
    assert!(matches!(gone, Err(CheckFault::NoAnswer { .. })));
}

#[test]
fn every_address_of_a_host_name_is_tried() {
    // `localhost` has an address of each family on most machines, and the engine listens at one.
    for listen in ["127.0.0.1:0", "[::]:0"] {
        let rig = rig(&[listen]);
        let name = server(&format!("localhost:{}", rig.running.quic_addr.port()));
        let nowhere = server("no-such-engine.invalid:7411");
        let mut gate = rig.gate(rig.grant(MARKET_GATE_2), vec![nowhere, name]);
        admits(&mut gate, &rig);
        rig.running.stop();
    }
}

#[test]
fn a_host_name_without_an_address_is_named() {
    let rig = Rig::start();
    let identity = rig.ca.device(rig.grant(MARKET_GATE));
    let opened = Gate::open(vec![server("no-such-engine.invalid:7411")], identity, GateOptions::default());
    let Err(GateFault::NoSession(fault)) = opened else { panic!("there is no such engine") };
    assert!(fault.to_string().contains("no-such-engine.invalid"), "{fault}");
    rig.running.stop();
}

#[test]
fn an_enrolment_names_the_port_that_is_forwarded() {
    let rig = Rig::start_with(|setup| setup.options.udp.advertised_port = Some(17_410));
    assert_eq!(rig.enrol(rig.grant(MARKET_GATE)).udp_port(), 17_410);
    rig.running.stop();
}
