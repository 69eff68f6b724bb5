//! Engines that do not know a gate's session are silent to it; the gate finds its way back by itself.

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hufu_client::{AsyncGate, CheckFault, Gate, GateOptions, Server};
use hufu_transport::{Clock, QuicOptions, UdpOptions};
use hufu_wire::{Lane, Reason, UnixMillis};

use crate::rig::{LOOPBACK, MARKET_GATE, Rig};

const IMPATIENT: GateOptions = GateOptions {
    budget: Duration::from_millis(100),
    retry_after: Duration::from_millis(20),
    tries_per_engine: 3,
    open_budget: Duration::from_secs(10),
};

fn gate(rig: &Rig, server: Server) -> Gate {
    Gate::open(vec![server], rig.ca.device(rig.grant(MARKET_GATE)), IMPATIENT).unwrap()
}

/// Scans until a verdict comes, which it must within a few seconds.
fn admits_soon(gate: &mut Gate, code: &str) {
    let begun = Instant::now();
    let verdict = loop {
        match gate.check(code.as_bytes(), Lane(0)) {
            Ok(verdict) => break verdict,
            Err(fault) => assert!(begun.elapsed() < Duration::from_secs(3), "{fault}"),
        }
    };
    assert_eq!(verdict.reason, Reason::Clear);
}

#[test]
fn r51_a_gate_finds_its_way_back_when_the_cluster_seed_changes() {
    let rig = Rig::start();
    let mut gate = gate(&rig, rig.server());
    assert_eq!(gate.check(rig.clear_code().as_bytes(), Lane(0)).unwrap().reason, Reason::Clear);
    let (udp, quic) = (rig.running.udp_addr, rig.running.quic_addr);
    let Rig { ca, running, .. } = rig;
    running.stop();
    let rig = Rig::start_in(ca, |setup| {
        setup.options.udp = UdpOptions { workers: 2, ..UdpOptions::new(udp) };
        setup.options.quic = QuicOptions::new(quic);
        setup.cluster_seed[0] ^= 1;
    });
    admits_soon(&mut gate, &rig.clear_code());
    assert_eq!(rig.metric("hufu_quic_enrolments_total"), 1);
    rig.running.stop();
}

#[test]
fn r51_an_asynchronous_gate_does_the_same() {
    let rig = Rig::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let identity = rig.ca.device(rig.grant(MARKET_GATE));
    let opened = runtime.block_on(AsyncGate::open(vec![rig.server()], identity, IMPATIENT));
    let mut gate = opened.unwrap();
    let mut check = |code: &str| runtime.block_on(gate.check(code.as_bytes(), Lane(0)));
    assert_eq!(check(&rig.clear_code()).unwrap().reason, Reason::Clear);
    let (udp, quic) = (rig.running.udp_addr, rig.running.quic_addr);
    let Rig { ca, running, .. } = rig;
    running.stop();
    assert!(matches!(check("HF1:A"), Err(CheckFault::NoAnswer { .. })));
    let rig = Rig::start_in(ca, |setup| {
        setup.options.udp = UdpOptions { workers: 2, ..UdpOptions::new(udp) };
        setup.options.quic = QuicOptions::new(quic);
        setup.cluster_seed[0] ^= 1;
    });
    let (begun, code) = (Instant::now(), rig.clear_code());
    while check(&code).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(3), "it does not find its way back");
    }
    assert_eq!(rig.metric("hufu_quic_enrolments_total"), 1);
    rig.running.stop();
}

#[test]
fn r51_a_gate_finds_its_way_back_when_an_engines_clock_is_put_right() {
    // Two epochs of 6 hours and more, whatever time it is: engines accept a cookie one epoch ahead.
    const HOURS_13_MS: u64 = 13 * 3_600_000;
    let ahead_ms = Arc::new(AtomicU64::new(HOURS_13_MS));
    let rig = Rig::start_with(|setup| {
        let (system, ahead_ms) = (Clock::system(), Arc::clone(&ahead_ms));
        setup.clock = Clock::new(move || UnixMillis(system.now().0 + ahead_ms.load(Ordering::Relaxed)));
        setup.cookie_s = 86_400;
    });
    let mut gate = gate(&rig, rig.server());
    ahead_ms.store(0, Ordering::Relaxed);
    admits_soon(&mut gate, &rig.clear_code());
    assert_eq!(rig.metric("hufu_quic_enrolments_total"), 2);
    rig.running.stop();
}

#[test]
fn r51_one_lost_check_makes_no_gate_enrol_and_many_make_few_enrolments() {
    let rig = Rig::start();
    // Enrolments go through; what is sealed goes nowhere.
    let nowhere = UdpSocket::bind(LOOPBACK).unwrap();
    let server = Server { udp_port: Some(nowhere.local_addr().unwrap().port()), ..rig.server() };
    let mut gate = gate(&rig, server);
    let code = rig.clear_code();
    assert!(gate.check(code.as_bytes(), Lane(0)).is_err());
    assert_eq!(rig.metric("hufu_quic_enrolments_total"), 1);
    let begun = Instant::now();
    while rig.metric("hufu_quic_enrolments_total") < 3 {
        assert!(gate.check(code.as_bytes(), Lane(0)).is_err());
        assert!(begun.elapsed() < Duration::from_secs(3));
    }
    assert!(begun.elapsed() > Duration::from_millis(500), "no sooner than the pause allows");
    rig.running.stop();
}
