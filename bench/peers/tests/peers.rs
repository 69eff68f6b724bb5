//! Every server answers a few hundred checks, all of them right: real processes, a real redis-server.

use std::path::Path;
use std::time::Duration;

use hufu_peers::load::{Codes, Http, Pace, Plain, Sealed, Show, Udp};
use hufu_peers::{Child, Scene, System, enrol, queues};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hufu-peers");

fn scene() -> Scene {
    let now = hufu_wire::UnixMillis::from(std::time::SystemTime::now());
    Scene { seed: 5, holders: 20_000, now_s: now.seconds().0 }
}

fn start(system: System) -> Child {
    Child::start(Path::new(PROGRAM), system, scene(), None).expect("it comes to serve")
}

fn check(system: System, helpers: usize) {
    let peer = start(system);
    assert_eq!(peer.ready.helpers.len(), helpers);
    let mut http = Http::connect(peer.ready.addr, 8).expect("connections");
    for show in [Show::First, Show::Again] {
        let mut codes = Codes::new(&scene().world(), show, 300);
        for (pace, checks) in [(Pace::PerSecond(400.0), 200), (Pace::Saturation, 20)] {
            let before = peer.cpu().expect("its CPU time");
            let sample = http.round(&mut codes, pace, Duration::from_millis(500)).expect("answers");
            assert!(sample.answered >= checks, "{} answers", sample.answered);
            assert_eq!((sample.wrong, sample.lost), (0, 0));
            assert!(peer.cpu_ns_since(&before).expect("its CPU time") > 0, "its CPU time is counted");
        }
    }
}

#[test]
fn axum_with_redis_gets_every_verdict_right() {
    check(System::AxumRedis, 1);
}

#[test]
fn axum_with_dashmap_gets_every_verdict_right() {
    check(System::AxumDashmap, 0);
}

#[test]
fn ours_gets_every_verdict_right_for_the_same_codes() {
    let ours = start(System::Ours);
    for show in [Show::First, Show::Again] {
        let codes = Codes::new(&scene().world(), show, 5_000);
        let sealed = Sealed::new(enrol(&ours.ready).unwrap(), codes);
        let mut gates = Udp::connect(ours.ready.addr, ours.ready.devices.len(), sealed).unwrap();
        let steady = gates.round(400.0, Duration::from_millis(500)).unwrap();
        assert_eq!((steady.answered, steady.wrong, steady.lost), (200, 0, 0));
        let queue = queues(&ours, None, &mut gates, 1).unwrap();
        assert_eq!((queue.answered, queue.wrong, queue.lost), (hufu_peers::QUEUE as u64, 0, 0));
        assert!(queue.server_cpu_ns > 0);
    }
}

#[test]
fn the_echo_answers_every_datagram() {
    let echo = start(System::Echo);
    let mut lines = Udp::connect(echo.ready.addr, 8, Plain::default()).unwrap();
    let sample = lines.round(400.0, Duration::from_millis(500)).unwrap();
    assert_eq!((sample.answered, sample.wrong, sample.lost), (200, 0, 0));
}
