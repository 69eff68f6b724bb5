//! Stopping while there is work.

use std::net::{TcpListener, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hufu_client::ControlFault;
use hufu_fixtures::sites;
use hufu_transport::ServeError;
use hufu_wire::{CheckNumber, CheckRequest, Lane, Reason};

use crate::ca::Ca;
use crate::rig::{Asker, LOOPBACK, MARKET_GATE, MARKET_GATE_2, Rig, block_on, sealed};

#[test]
fn what_the_sockets_hold_is_answered_before_they_close() {
    let rig = Rig::start();
    let code = rig.clear_code();
    let mut session = rig.enrol(rig.grant(MARKET_GATE));
    let asker = Asker::new(rig.running.udp_addr);
    for _ in 0..100 {
        asker.send(&sealed(&mut session, code.as_bytes()));
    }
    rig.running.stop();
    for _ in 0..100 {
        let verdict = session.open(&asker.receive().unwrap()).unwrap();
        assert_eq!(verdict.reason, Reason::Clear);
    }
}

#[test]
fn under_load_stopping_takes_no_longer_than_it_may() {
    let rig = Rig::start_with(|setup| setup.options.stop_within = Duration::from_millis(500));
    let code = rig.clear_code();
    let over = AtomicBool::new(false);
    let answered = AtomicU64::new(0);
    let udp_addr = rig.running.udp_addr;
    let mut sessions: Vec<_> = (0..2).map(|index| rig.enrol(rig.grant(index))).collect();
    std::thread::scope(|scope| {
        for session in &mut sessions {
            let (code, over, answered) = (&code, &over, &answered);
            scope.spawn(move || {
                let asker = Asker::new(udp_addr);
                while !over.load(Ordering::Relaxed) {
                    asker.send(&sealed(session, code.as_bytes()));
                    std::thread::sleep(Duration::from_micros(200));
                    if answered.load(Ordering::Relaxed) < 50 && asker.receive().is_some() {
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        crate::rig::eventually("load is served", || answered.load(Ordering::Relaxed) >= 50);
        let began = Instant::now();
        rig.running.stop();
        let took = began.elapsed();
        over.store(true, Ordering::Relaxed);
        assert!(took < Duration::from_secs(2), "{took:?}");
    });
}

#[test]
fn a_frame_under_way_is_answered_and_a_later_one_told_to_go_elsewhere() {
    let rig = Rig::start();
    let terminal = rig.device_at(&sites::SCHOOL, true);
    let roster = rig.roster_of(&sites::SCHOOL, 1500);
    let code = rig.clear_code();
    block_on(async {
        let control = rig.connect(terminal).await;
        let gate = rig.connect(rig.grant(MARKET_GATE)).await;
        let idle = rig.connect(rig.grant(MARKET_GATE_2)).await;
        assert!(idle.time().await.is_ok());
        let asking = tokio::spawn({
            let control = control.clone();
            async move { control.roster(&roster).await }
        });
        // The frame has been sent by the time another stream of the same connection is answered.
        assert!(control.time().await.is_ok());
        let stopping = std::thread::spawn(move || rig.running.stop());

        let (summary, members) = asking.await.unwrap().unwrap();
        assert_eq!((summary.reason, members.len()), (Reason::Clear, 1500));
        let mut last = Ok(());
        while last.is_ok() {
            let request = CheckRequest::of_scan(Lane(0), code.as_bytes());
            last = gate.checks(&[(CheckNumber(1), request)]).await.map(|verdicts| {
                assert!(matches!(verdicts[0].reason, Reason::Clear | Reason::Stopping));
            });
        }
        let refused = last.unwrap_err();
        assert!(matches!(refused, ControlFault::Refused(Reason::Stopping)), "{refused}");
        let ended = ControlFault::from(idle.connection().closed().await);
        assert!(matches!(ended, ControlFault::Refused(Reason::Stopping)), "{ended}");
        stopping.join().unwrap();
    });
}

#[test]
fn streams_that_are_left_open_hold_nothing_up() {
    let rig = Rig::start_with(|setup| setup.options.stop_within = Duration::from_secs(20));
    block_on(async {
        let control = rig.connect(rig.grant(MARKET_GATE)).await;
        assert!(control.time().await.is_ok());
        let (mut untouched, _answers) = control.connection().open_bi().await.unwrap();
        let (mut half_asked, _more) = control.connection().open_bi().await.unwrap();
        untouched.write_all(&[1, 7, 0, 0, 0, 0, 0, 0]).await.unwrap();
        half_asked.write_all(&[1, 5, 0, 0, 9]).await.unwrap();
        let began = Instant::now();
        tokio::task::spawn_blocking(|| rig.running.stop()).await.unwrap();
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    });
}

#[test]
fn a_server_that_is_dropped_ends() {
    let rig = Rig::start();
    let (udp, quic, metrics) =
        (rig.running.udp_addr, rig.running.quic_addr, rig.running.metrics_addr.unwrap());
    drop(rig);
    crate::rig::eventually("the ports are free again", || {
        let ports = [udp, quic].map(|addr| std::net::UdpSocket::bind(addr).is_ok());
        ports == [true, true] && std::net::TcpListener::bind(metrics).is_ok()
    });
}

#[test]
fn a_server_that_cannot_start_leaves_nothing_running() {
    let rig = Rig::start();
    let taken = rig.running.quic_addr;
    let refused = std::panic::catch_unwind(|| Rig::start_with(|setup| setup.options.quic.listen = taken));
    assert!(refused.is_err());
    rig.running.stop();
    let again = Rig::start_with(|setup| setup.options.quic.listen = taken);
    assert_eq!(again.running.quic_addr, taken);
    again.running.stop();
}

#[test]
fn a_server_that_cannot_start_has_taken_no_sealed_packet() {
    let ca = Ca::new();
    // A socket that shares its port with nobody: joining it fails as well, so the error tells what came first.
    let [quic, udp] = [(); 2].map(|()| UdpSocket::bind(LOOPBACK).unwrap());
    let [quic_addr, udp_addr] = [&quic, &udp].map(|socket| socket.local_addr().unwrap());
    let metrics = TcpListener::bind(LOOPBACK).unwrap();
    let metrics_addr = metrics.local_addr().unwrap();
    for (quic_listen, metrics_listen, taken) in
        [(quic_addr, LOOPBACK, quic_addr), (LOOPBACK, metrics_addr, metrics_addr)]
    {
        let fault = Rig::refused(&ca, |setup| {
            setup.options.udp.listen = udp_addr;
            setup.options.quic.listen = quic_listen;
            setup.options.metrics = Some(metrics_listen);
        });
        assert!(matches!(fault, ServeError::Socket { addr, .. } if addr == taken), "{fault}");
    }
}

/// Workers of one server share a port; two servers must not, or each would get a part of the other's packets.
#[test]
fn a_second_server_does_not_join_the_port_of_the_first() {
    let rig = Rig::start();
    let taken = rig.running.udp_addr;
    let fault = Rig::refused(&Ca::new(), |setup| setup.options.udp.listen = taken);
    assert!(matches!(fault, ServeError::Socket { addr, .. } if addr == taken), "{fault}");
    rig.running.stop();
    let again = Rig::start_with(|setup| setup.options.udp.listen = taken);
    assert_eq!(again.running.udp_addr, taken);
    again.running.stop();
}
