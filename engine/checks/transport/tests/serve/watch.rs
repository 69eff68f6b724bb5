//! What operators see.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use hufu_client::Control;
use hufu_fixtures::sites;
use hufu_transport::profile::ENGINE_NAME;
use hufu_transport::{Exhibit, Family, Values};
use hufu_wire::{IssuerId, Sequence, UnixMillis};

use crate::rig::{Asker, MARKET_GATE, Rig, block_on, eventually, now};

fn get(addr: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(addr).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: engine\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split_ascii_whitespace().nth(1).unwrap().parse().unwrap();
    (status, answer)
}

#[test]
fn metrics_and_health_are_served_over_http() {
    let rig = Rig::start();
    let mut session = rig.enrol(rig.grant(MARKET_GATE));
    let asker = Asker::new(rig.running.udp_addr);
    assert!(asker.check(&mut session, rig.clear_code().as_bytes()).reason == hufu_wire::Reason::Clear);
    // A worker counts how long an answer took after it has sent it.
    eventually("the answer is timed", || {
        rig.running.metrics_text().contains("hufu_answer_seconds_count{via=\"udp\"} 1\n")
    });
    let addr = rig.running.metrics_addr.unwrap();
    assert_eq!(get(addr, "/healthz").0, 200);
    assert_eq!(get(addr, "/readyz").0, 200);
    assert_eq!(get(addr, "/secrets").0, 404);
    let (status, page) = get(addr, "/metrics");
    assert_eq!(status, 200);
    for row in [
        "hufu_verdicts_total{reason=\"clear\"} 1",
        "hufu_verdicts_total{reason=\"status-red\"} 0",
        "hufu_decisions_total{decision=\"admit\"} 1",
        "hufu_silences_total{cause=\"cookie\"} 0",
        "hufu_requests_total 1",
        "hufu_credentials_total{seen=\"first\"} 1",
        "hufu_udp_queue_drops_total{worker=\"1\"} 0",
        "hufu_udp_late_drops_total{worker=\"0\"} 0",
        "hufu_udp_send_drops_total{worker=\"0\"} 0",
        "hufu_quic_handshakes_total{outcome=\"accepted\"} 1",
        "hufu_quic_enrolments_total 1",
        "hufu_issuer_sequence{issuer=\"610000\"} 1",
        "hufu_site_verdicts_total{site=\"",
        "hufu_build_info{version=\"",
        "process_resident_memory_bytes ",
    ] {
        assert!(page.contains(row), "{row} is missing in\n{page}");
    }
    for name in
        ["hufu_cpu_seconds_total{thread=\"udp-0\"} ", "hufu_issuer_age_seconds{issuer=\"900344\"} 2592"]
    {
        assert!(page.contains(name), "{name} is missing in\n{page}");
    }
    assert!(rig.running.figures().cpu.len() == 3);
    rig.running.stop();
}

/// Another part of the engine shows figures that transport knows nothing of.
#[test]
fn what_others_exhibit_stands_on_the_page() {
    struct Shelf;

    impl Exhibit for Shelf {
        fn families(&self) -> Vec<Family> {
            let label = |value: &str| vec![("issuer", value.to_owned())];
            let labels = |value: &str| [label(value), vec![("digest", "00ff".to_owned())]].concat();
            vec![
                Family { name: "shelf_sets", help: "Sets", values: Values::Counts(vec![(label("7"), 3)]) },
                Family { name: "shelf_info", help: "Which", values: Values::Levels(vec![(labels("7"), 1)]) },
                Family {
                    name: "shelf_age_seconds",
                    help: "Age",
                    values: Values::Seconds(vec![(label("7"), 0.5)]),
                },
                Family { name: "shelf_all", help: "All", values: Values::Counts(vec![(Vec::new(), 4)]) },
                Family { name: "shelf_none", help: "Nothing yet", values: Values::Levels(Vec::new()) },
            ]
        }

        fn not_ready(&self) -> Vec<String> {
            vec!["the shelf is empty".to_owned()]
        }
    }

    let rig = Rig::start();
    assert!(!rig.running.metrics_text().contains("shelf"));
    rig.running.exhibit(Arc::new(Shelf));
    let (status, page) = get(rig.running.metrics_addr.unwrap(), "/metrics");
    assert_eq!(status, 200);
    for row in [
        "# TYPE hufu_shelf_sets_total counter",
        "hufu_shelf_sets_total{issuer=\"7\"} 3",
        "hufu_shelf_info{issuer=\"7\",digest=\"00ff\"} 1",
        "hufu_shelf_all_total 4\n",
        "hufu_shelf_age_seconds{issuer=\"7\"} 0.5",
        "# HELP hufu_shelf_none Nothing yet",
    ] {
        assert!(page.contains(row), "{row} is missing in\n{page}");
    }
    let (status, why) = get(rig.running.metrics_addr.unwrap(), "/readyz");
    assert!(status == 503 && why.contains("the shelf is empty"), "{why}");
    rig.running.stop();
}

#[test]
fn a9_an_issuer_whose_status_never_came_or_is_too_old_makes_the_engine_unready() {
    let rig = Rig::start();
    let addr = rig.running.metrics_addr.unwrap();
    let mut writer = rig.table.writer(IssuerId(1)).unwrap();
    let begun = Instant::now();
    let is_told = || {
        let (status, why) = get(addr, "/readyz");
        assert_eq!(status, 503);
        // Threads that have not begun yet are told as well.
        why.contains("never been loaded") && !why.contains("thread")
    };
    while !is_told() {
        assert!(begun.elapsed() < Duration::from_secs(20), "nobody is told which issuer is missing");
        thread::sleep(Duration::from_millis(10));
    }
    writer.advance(Sequence(1), UnixMillis(1)).unwrap();
    let (status, why) = get(addr, "/readyz");
    assert!(status == 503 && why.contains("issuer 1: its data is "), "{why}");
    assert!(rig.running.metrics_text().contains("hufu_ready 0"));
    writer.heard(now().millis());
    assert_eq!(get(addr, "/readyz").0, 200);
    let mut empty = rig.table.writer(IssuerId(2)).unwrap();
    assert_eq!(get(addr, "/readyz").0, 503);
    empty.heard(now().millis());
    assert_eq!(get(addr, "/readyz").0, 200, "its chain is empty, and that is known");
    assert!(rig.running.metrics_text().contains("hufu_ready 1"));
    rig.running.stop();
}

#[test]
fn every_verdict_is_a_requests_or_a_roster_members() {
    let rig = Rig::start();
    let mut session = rig.enrol(rig.grant(MARKET_GATE));
    let asker = Asker::new(rig.running.udp_addr);
    for turn in 0..10 {
        asker.check(&mut session, rig.phone_code(turn).0.as_bytes());
    }
    let roster = rig.roster_of(&sites::SCHOOL, 100);
    block_on(async {
        let control = rig.connect(rig.device_at(&sites::SCHOOL, true)).await;
        control.roster(&roster).await.unwrap();
    });
    let figures = rig.running.figures();
    assert_eq!((figures.requests, figures.roster_members), (10, 100));
    assert_eq!(figures.verdicts.iter().map(|(_, n)| n).sum::<u64>(), 110);
    rig.running.stop();
}

#[test]
fn visitors_who_say_nothing_are_shown_out() {
    let rig = Rig::start();
    let addr = rig.running.metrics_addr.unwrap();
    let mut idle: Vec<_> = (0..40).map(|_| TcpStream::connect(addr).unwrap()).collect();
    // More than may visit at a time: the page comes once those before it have been shown out.
    assert_eq!(get(addr, "/healthz").0, 200);
    for visitor in &mut idle {
        visitor.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let read = visitor.read(&mut [0; 100]);
        assert!(matches!(read, Ok(0)), "the connection is closed, not {read:?}");
    }
    rig.running.stop();
}

#[test]
fn many_devices_enrol_at_once() {
    let rig = Rig::start();
    let grants: Vec<_> = (0..60).map(|index| rig.grant(index)).collect();
    block_on(async {
        let endpoint = hufu_client::endpoint(rig.running.quic_addr).unwrap();
        let mut enrolling = tokio::task::JoinSet::new();
        for grant in grants {
            let (endpoint, identity) = (endpoint.clone(), rig.ca.device(grant));
            let addr = rig.running.quic_addr;
            enrolling.spawn(async move {
                let control = Control::connect_from(&endpoint, addr, ENGINE_NAME, &identity).await?;
                let enrolled = control.enrol().await?;
                assert_eq!(enrolled.grant, grant);
                Ok::<_, hufu_client::ControlFault>(())
            });
        }
        while let Some(enrolled) = enrolling.join_next().await {
            enrolled.unwrap().unwrap();
        }
    });
    assert_eq!(rig.metric("hufu_quic_enrolments_total"), 60);
    rig.running.stop();
}
