//! Checks over sealed UDP, QUIC datagrams and streams, and what a gate does around them.

use std::net::UdpSocket;
use std::time::Duration;

use hufu_client::{CheckFault, Gate, GateOptions, Server, Session};
use hufu_fixtures::{Expected, sites};
use hufu_wire::{
    CheckNumber, CheckRequest, Decision, DeviceId, Grant, Lane, Reason, UnixSeconds, sealed as packet,
};

use crate::rig::{
    Asker, LOOPBACK, MARKET_GATE, MARKET_GATE_2, PATIENCE, Rig, block_on, decided, now, sealed,
};

#[test]
fn a_gate_enrols_over_quic_and_gets_every_verdict_right_over_sealed_udp() {
    let rig = Rig::start();
    let mut gate = rig.gate(rig.grant(MARKET_GATE), vec![rig.server()]);
    assert_eq!(gate.grant(), rig.grant(MARKET_GATE));
    for turn in 0..200 {
        let (code, wanted) = rig.phone_code(turn);
        let verdict = gate.check(code.as_bytes(), Lane(1)).unwrap();
        assert_eq!(decided(&verdict), wanted, "turn {turn}");
    }
    assert_eq!(rig.running.figures().requests, 200);
    rig.running.stop();
}

#[test]
fn the_same_codes_get_the_same_verdicts_in_datagrams_and_on_a_stream() {
    let rig = Rig::start();
    let codes: Vec<_> = (0..150).map(|turn| rig.phone_code(turn)).collect();
    block_on(async {
        let control = rig.connect(rig.grant(MARKET_GATE)).await;
        assert!(control.time().await.unwrap().seconds().0.abs_diff(now().0) <= 1);
        for ((code, wanted), number) in codes.iter().zip(1..) {
            let request = CheckRequest::of_scan(Lane(0), code.as_bytes());
            let verdict = control.check_datagram(CheckNumber(number), &request).await.unwrap();
            assert_eq!(decided(&verdict), *wanted);
        }
        // More than one frame's worth.
        let checks: Vec<_> = (0..2500)
            .map(|n| (CheckNumber(n), &codes[usize::try_from(n).unwrap() % codes.len()]))
            .map(|(number, (code, _))| (number, CheckRequest::of_scan(Lane(0), code.as_bytes())))
            .collect();
        let verdicts = control.checks(&checks).await.unwrap();
        assert_eq!(verdicts.len(), checks.len());
        for (verdict, (_, wanted)) in verdicts.iter().zip(codes.iter().cycle()) {
            assert_eq!(decided(verdict), *wanted);
        }
        control.close().await;
    });
    rig.running.stop();
}

#[test]
fn datagrams_under_way_together_are_answered_each_by_its_number() {
    let rig = Rig::start();
    let code = rig.clear_code();
    block_on(async {
        let control = rig.connect(rig.grant(MARKET_GATE)).await;
        for number in 1..=64 {
            let request = CheckRequest::of_scan(Lane(0), code.as_bytes());
            control.send_check(CheckNumber(number), &request).unwrap();
        }
        let mut answered = std::collections::BTreeSet::new();
        while answered.len() < 64 {
            let verdict = control.next_verdict().await.unwrap();
            assert_eq!(verdict.decision, Decision::Admit);
            answered.insert(verdict.number);
        }
        assert_eq!(answered.last(), Some(&CheckNumber(64)));
        control.close().await;
    });
    rig.running.stop();
}

#[test]
fn one_socket_may_ask_in_a_burst_and_many_sockets_at_once() {
    let rig = Rig::start();
    let code = rig.clear_code();
    let mut sessions: Vec<(Session, Asker)> =
        (0..40).map(|index| (rig.enrol(rig.grant(index)), Asker::new(rig.running.udp_addr))).collect();
    // As many at once as a socket's default buffer holds.
    for sessions in sessions.chunks_mut(4) {
        for (session, asker) in &mut *sessions {
            for _ in 0..25 {
                asker.send(&sealed(session, code.as_bytes()));
            }
        }
        for (session, asker) in &*sessions {
            let mut numbers: Vec<_> = (0..25)
                .map(|_| {
                    let reply = asker.receive().unwrap();
                    assert_eq!(reply.len(), packet::REPLY_BYTES);
                    let verdict = session.open(&reply).unwrap();
                    assert_eq!(verdict.reason, Reason::Clear);
                    verdict.number.0
                })
                .collect();
            numbers.sort_unstable();
            assert!(numbers.into_iter().eq(1..=25));
        }
    }
    assert_eq!(rig.running.figures().requests, 1000);
    assert_eq!(rig.running.figures().send_drops, 0);
    rig.running.stop();
}

#[test]
fn a_session_answers_only_to_its_own_key() {
    let rig = Rig::start();
    let (mut one, other) = (rig.enrol(rig.grant(MARKET_GATE)), rig.enrol(rig.grant(MARKET_GATE_2)));
    let asker = Asker::new(rig.running.udp_addr);
    asker.send(&sealed(&mut one, rig.clear_code().as_bytes()));
    let reply = asker.receive().unwrap();
    assert!(other.open(&reply).is_err());
    assert!(one.open(&reply).is_ok());
    rig.running.stop();
}

#[test]
fn the_same_bytes_get_the_same_verdict_and_the_same_code_none_at_another_gate_r09() {
    let rig = Rig::start();
    let mut here = rig.enrol(rig.device_at(&sites::SCHOOL, false));
    let mut there = rig.enrol(Grant { device: DeviceId(here.grant().device.0 + 1), ..here.grant() });
    let code = rig.code_admitted_at(&sites::SCHOOL);
    let asker = Asker::new(rig.running.udp_addr);
    let packet = sealed(&mut here, code.as_bytes());
    for _ in 0..3 {
        asker.send(&packet);
        assert_eq!(here.open(&asker.receive().unwrap()).unwrap().reason, Reason::Clear);
    }
    assert_eq!(asker.check(&mut there, code.as_bytes()).reason, Reason::PassBack);
    rig.running.stop();
}

#[test]
fn a_device_is_judged_by_the_policy_of_its_own_site_r06() {
    let rig = Rig::start();
    let hub_gate = rig.device_at(&sites::COACH_HUB, false);
    let mut session = rig.enrol(hub_gate);
    let verdict = Asker::new(rig.running.udp_addr).check(&mut session, rig.clear_code().as_bytes());
    assert_eq!(decided(&verdict), Expected::of(Reason::KindNotAccepted), "a phone code at a hub for trips");
    rig.running.stop();
}

#[test]
fn an_expired_cookie_is_named_and_a_gate_renews_it_by_itself() {
    let rig = Rig::start_with(|setup| setup.cookie_s = 2);
    let code = rig.clear_code();
    let mut session = rig.enrol(rig.grant(MARKET_GATE));
    // What it does is tried here, not how fast a busy machine enrols.
    let options = GateOptions { budget: PATIENCE, ..GateOptions::default() };
    let mut gate = Gate::open(vec![rig.server()], rig.ca.device(rig.grant(MARKET_GATE_2)), options).unwrap();
    assert_eq!(gate.check(code.as_bytes(), Lane(0)).unwrap().reason, Reason::Clear);
    assert!(session.renew_due(UnixSeconds(session.expires().0 - 1)));

    std::thread::sleep(Duration::from_millis(2100));
    let verdict = Asker::new(rig.running.udp_addr).check(&mut session, code.as_bytes());
    assert_eq!(verdict.reason, Reason::CookieExpired);
    assert_eq!(gate.check(code.as_bytes(), Lane(0)).unwrap().reason, Reason::Clear, "with a new session");
    rig.running.stop();
}

#[test]
fn a_gate_asks_the_next_engine_when_one_has_gone_and_says_so_when_all_have() {
    let first = Rig::start();
    let second = Rig::start();
    // Two engines of one cluster: the same seed, so each opens the other's cookies.
    let server = |rig: &Rig| Server { udp_port: Some(rig.running.udp_addr.port()), ..rig.server() };
    let mut gate = first.gate(first.grant(MARKET_GATE), vec![server(&first), server(&second)]);
    let code = first.clear_code();
    assert_eq!(gate.check(code.as_bytes(), Lane(0)).unwrap().reason, Reason::Clear);
    first.running.stop();
    assert_eq!(gate.check(code.as_bytes(), Lane(0)).unwrap().reason, Reason::Clear, "from the second");
    assert_eq!(second.running.figures().requests, 1);
    second.running.stop();
    assert!(matches!(gate.check(code.as_bytes(), Lane(0)), Err(CheckFault::NoAnswer { .. })));
}

#[test]
fn a_gate_asks_again_with_the_same_bytes_and_believes_nobody_else_r09() {
    let rig = Rig::start();
    let engine = rig.running.udp_addr;
    let between = UdpSocket::bind(LOOPBACK).unwrap();
    let server = Server { udp_port: Some(between.local_addr().unwrap().port()), ..rig.server() };
    let mut gate = rig.gate(rig.grant(MARKET_GATE), vec![server]);
    let code = rig.clear_code();
    // Loses every first request, and has much to say of its own.
    let meddler = std::thread::spawn(move || {
        let mut room = [0; 2048];
        let mut old_reply = vec![0; packet::REPLY_BYTES];
        for _ in 0..3 {
            let (length, _) = between.recv_from(&mut room).unwrap();
            let first = room[..length].to_vec();
            let (length, gate) = between.recv_from(&mut room).unwrap();
            assert_eq!(room[..length], first, "the same bytes again");
            between.send_to(&room[..length], engine).unwrap();
            let (length, _) = between.recv_from(&mut room).unwrap();
            let mut flipped = room[..length].to_vec();
            flipped[60] ^= 1;
            for noise in [&b""[..], &room[..length - 1], &flipped, &old_reply, &[7; 1500]] {
                between.send_to(noise, gate).unwrap();
            }
            old_reply = room[..length].to_vec();
            between.send_to(&old_reply, gate).unwrap();
            between.send_to(&old_reply, gate).unwrap();
        }
    });
    for _ in 0..3 {
        assert_eq!(gate.check(code.as_bytes(), Lane(0)).unwrap().reason, Reason::Clear);
    }
    meddler.join().unwrap();
    rig.running.stop();
}

#[test]
fn replies_leave_from_the_address_that_was_asked() {
    for listen in ["0.0.0.0:0", "[::1]:0", "[::]:0"] {
        let rig = Rig::start_with(|setup| setup.options.udp.listen = listen.parse().unwrap());
        let mut session = rig.enrol(rig.grant(MARKET_GATE));
        let mut server = rig.running.udp_addr;
        server.set_ip(if server.is_ipv4() { LOOPBACK.ip() } else { "::1".parse().unwrap() });
        // `Asker` holds every reply against the address it asked.
        let asker = Asker::new(server);
        let code = rig.clear_code();
        assert_eq!(asker.check(&mut session, code.as_bytes()).reason, Reason::Clear, "{listen}");
        for _ in 0..40 {
            asker.send(&sealed(&mut session, code.as_bytes()));
        }
        assert!((0..40).all(|_| asker.receive().is_some()), "{listen}, a burst");
        rig.running.stop();
    }
}

#[test]
fn pinned_and_spinning_workers_answer_as_well() {
    let rig = Rig::start_with(|setup| {
        setup.options.udp.cores = vec![0, 4096];
        setup.options.udp.busy_poll = Duration::from_micros(200);
    });
    let mut session = rig.enrol(rig.grant(MARKET_GATE));
    let asker = Asker::new(rig.running.udp_addr);
    for _ in 0..20 {
        assert_eq!(asker.check(&mut session, rig.clear_code().as_bytes()).reason, Reason::Clear);
    }
    rig.running.stop();
}
