//! The generator against a real server on loopback: every kind of check over every transport, and whether what
//! is wrong is noticed.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic")]

mod command;
mod rig;

use std::time::Duration;

use hufu_client::Control;
use hufu_fixtures::sites::MARKET;
use hufu_loadgen::{Carriage, CodeStock, Generator, Mix, Plan, QuicTarget, Report};
use hufu_transport::profile::ENGINE_NAME;
use hufu_wire::{Enrolled, Grant, Scope};
use rig::Rig;

const GATES: usize = 4;

fn gates(rig: &Rig) -> Vec<Grant> {
    let at_market = |grant: &Grant| grant.site == MARKET.id && grant.scope == Scope::CHECKS;
    rig.world.grants().into_iter().filter(at_market).take(GATES).collect()
}

fn enrolled(rig: &Rig) -> Vec<Enrolled> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut enrolled = Vec::new();
        for grant in gates(rig) {
            let control =
                Control::connect(rig.running.quic_addr, ENGINE_NAME, &rig.identity(grant)).await.unwrap();
            enrolled.push(control.enrol().await.unwrap());
            control.close().await;
        }
        enrolled
    })
}

fn over_udp(rig: &Rig, threads: usize) -> Generator {
    let stock = stock(rig);
    Generator::new(stock, enrolled(rig), rig.running.udp_addr, threads).unwrap()
}

fn stock(rig: &Rig) -> CodeStock {
    CodeStock::with_phones(rig.world.clone(), MARKET, 256, &|_, _| {})
}

/// A second's load, with patience for machines that have other things to do.
fn plan(mix: &str, rate_per_s: u32) -> Plan {
    Plan { timeout: Duration::from_secs(5), ..Plan::new(mix.parse::<Mix>().unwrap(), rate_per_s, 1.0) }
}

fn assert_all_right(report: &Report, kinds: usize) {
    assert_eq!(report.complaints, Vec::<String>::new());
    assert_eq!((report.wrong, report.lost), (0, 0), "{:?}", report.kinds);
    assert_eq!(report.sent, report.answered);
    assert_eq!(report.mix.len(), kinds, "{:?}", report.mix);
    assert_eq!((report.duplicates, report.strays), (0, 0));
}

#[test]
fn every_kind_of_check_is_answered_as_it_must_be() {
    let rig = Rig::start(20_000);
    let mut generator = over_udp(&rig, 1);
    let report = generator.run(&plan("gate", 1500), &|_| {}).unwrap();
    assert_all_right(&report, 11);
    assert!(report.garbage_sent > 0, "and garbage got silence");
    // Devices and sockets serve the next plan as well, here in bursts.
    let bursts = Plan { burst_max: Some(8), ..plan("hostile", 1500) };
    assert_all_right(&generator.run(&bursts, &|_| {}).unwrap(), 7);
    rig.running.stop();
}

#[test]
fn two_threads_share_the_load() {
    let rig = Rig::start(20_000);
    let report = over_udp(&rig, 2).run(&plan("phone-first=1,phone-again=1,paper=1", 1000), &|_| {}).unwrap();
    assert_all_right(&report, 3);
    assert_eq!(report.sent, 1000);
    rig.running.stop();
}

fn over_quic(rig: &Rig, scope: Scope, carriage: Carriage) -> Generator {
    let at_market = |grant: &Grant| grant.site == MARKET.id && grant.scope == scope;
    let grants = rig.world.grants().into_iter().filter(at_market).take(GATES);
    let target = QuicTarget {
        server: rig.running.quic_addr,
        name: ENGINE_NAME.to_owned(),
        identities: grants.map(|grant| rig.identity(grant)).collect(),
    };
    let stock = stock(rig);
    Generator::over_quic(stock, target, carriage)
}

const CODES: &str =
    "phone-first=40,phone-again=30,paper=10,trip=5,expired=3,skewed=3,forged=3,unknown-holder=3,malformed=3";

#[test]
fn every_kind_of_code_travels_as_a_quic_datagram() {
    let rig = Rig::start(20_000);
    let mut generator = over_quic(&rig, Scope::CHECKS, Carriage::Datagrams);
    assert_all_right(&generator.run(&plan(CODES, 1000), &|_| {}).unwrap(), 9);
    let refused = generator.run(&plan("garbage=1", 10), &|_| {}).unwrap_err();
    assert!(refused.to_string().contains("sealed UDP alone"), "{refused}");
    rig.running.stop();
}

#[test]
fn every_kind_of_code_travels_in_batches() {
    let rig = Rig::start(20_000);
    let mut generator = over_quic(&rig, Scope::CHECKS, Carriage::Batches(100));
    let report = generator.run(&plan(CODES, 5000), &|_| {}).unwrap();
    assert_all_right(&report, 9);
    assert_eq!(report.sent, 5000);
    rig.running.stop();
}

#[test]
fn r12_every_member_of_a_roster_is_answered_as_it_must_be() {
    let rig = Rig::start(20_000);
    let mut generator = over_quic(&rig, Scope::CHECKS_AND_ROSTERS, Carriage::Rosters(2000));
    let report = generator.run(&plan("again", 20_000), &|_| {}).unwrap();
    assert_all_right(&report, 1);
    assert_eq!(report.mix["roster-member"], 20_000);
    rig.running.stop();
}

#[test]
fn a_server_that_answers_otherwise_is_caught() {
    let rig = Rig::start_ignorant(20_000);
    let report = over_udp(&rig, 1).run(&plan("phone-again=1", 500), &|_| {}).unwrap();
    assert!(report.wrong > 400, "most people are known and green, and this server knows nobody");
    assert!(report.fault(true).unwrap().contains("status-unknown"), "{:?}", report.fault(true));
    rig.running.stop();
}

#[test]
fn a_server_that_is_gone_is_noticed_before_the_load() {
    let rig = Rig::start(1000);
    let mut generator = over_udp(&rig, 1);
    rig.running.stop();
    let impatient = Plan { timeout: Duration::from_millis(300), ..plan("phone-again=1", 100) };
    let error = generator.run(&impatient, &|_| {}).unwrap_err();
    assert!(error.to_string().contains("no answer"), "{error}");
}
