//! Every check is noted once, on every way, before its answer leaves (R40).

use std::time::{Duration, Instant};

use hufu_check::Channel;
use hufu_client::Control;
use hufu_fixtures::sites;
use hufu_wire::{CheckNumber, CheckRequest, Grant, Lane, Reason, Verdict};

use crate::recorder::{Becomes, Recorder};
use crate::rig::{Asker, MARKET_GATE, MARKET_GATE_2, Rig, block_on, eventually, sealed};

/// Batches that a worker lets wait.
const WAITING_MAX: usize = 64;

fn rig(recorder: &Recorder) -> Rig {
    Rig::start_with(|setup| setup.journal = Some(recorder.clone()))
}

/// The reasons that one of each kind of request over a connection gets: a datagram, a frame of two checks, a roster.
async fn reasons_over_connections(rig: &Rig, gate: Grant, code: &str) -> Vec<Reason> {
    let request = CheckRequest::of_scan(Lane(3), code.as_bytes());
    let control = rig.connect(gate).await;
    control.send_check(CheckNumber(8), &request).unwrap();
    let mut verdicts = vec![control.next_verdict().await.unwrap()];
    verdicts.extend(control.checks(&[(CheckNumber(9), request), (CheckNumber(10), request)]).await.unwrap());
    let numbers: Vec<_> = verdicts.iter().map(|verdict| verdict.number.0).collect();
    assert_eq!(numbers, [8, 9, 10]);
    control.close().await;
    let control: Control = rig.connect(rig.device_at(&sites::SCHOOL, true)).await;
    let (summary, members) = control.roster(&rig.roster_of(&sites::SCHOOL, 40)).await.unwrap();
    assert_eq!(summary.members as usize, members.len());
    control.close().await;
    verdicts.iter().map(|verdict| verdict.reason).chain([summary.reason]).collect()
}

#[test]
fn r40_every_check_is_noted_once_and_is_durable_before_it_is_answered() {
    let recorder = Recorder::default();
    let rig = rig(&recorder);
    let (code, gate) = (rig.clear_code(), rig.grant(MARKET_GATE));
    let mut session = rig.enrol(gate);
    let asker = Asker::new(rig.running.udp_addr);
    let packet = sealed(&mut session, code.as_bytes());
    for changed in [&packet[1..], &packet[..packet.len() - 1]] {
        asker.send(changed);
    }
    let mut answered = Vec::new();
    for code in [code.as_bytes(), b"no code"] {
        let verdict = asker.check(&mut session, code);
        answered.push((Channel::Sealed, gate, Some(Lane(0)), verdict.number, verdict.reason));
        assert!(recorder.asked() >= Recorder::ASKS * answered.len() as u64, "not answered before");
    }

    let request = CheckRequest::of_scan(Lane(3), code.as_bytes());
    let terminal = rig.device_at(&sites::SCHOOL, true);
    let roster = rig.roster_of(&sites::SCHOOL, 40);
    let asked = recorder.asked();
    let members = block_on(async {
        let control = rig.connect(gate).await;
        control.send_check(CheckNumber(8), &request).unwrap();
        let mut verdicts = vec![control.next_verdict().await.unwrap()];
        verdicts
            .extend(control.checks(&[(CheckNumber(9), request), (CheckNumber(10), request)]).await.unwrap());
        answered.extend(
            verdicts.iter().map(|it| (Channel::Connection, gate, Some(Lane(3)), it.number, it.reason)),
        );
        control.close().await;
        let control = rig.connect(terminal).await;
        let (_, members) = control.roster(&roster).await.unwrap();
        control.close().await;
        members
    });
    answered.push((Channel::Roster, terminal, None, CheckNumber(0), Reason::Clear));
    assert_eq!(members.len(), 40);
    assert!(recorder.asked() >= asked + 3 * Recorder::ASKS, "a datagram, a frame and a roster");

    let noted: Vec<_> = recorder
        .records()
        .iter()
        .map(|record| {
            (record.channel, record.grant, record.lane, record.verdict.number, record.verdict.reason)
        })
        .collect();
    assert_eq!(noted, answered);
    rig.running.stop();
}

#[test]
fn r40_what_is_refused_before_it_is_checked_is_noted_too() {
    let recorder = Recorder::default();
    let rig = rig(&recorder);
    let mut session = rig.enrol(rig.grant(MARKET_GATE));
    rig.running.revoke(session.grant().device, session.grant().generation);
    let asker = Asker::new(rig.running.udp_addr);
    let verdict = asker.check(&mut session, rig.clear_code().as_bytes());
    assert_eq!(verdict.reason, Reason::DeviceRevoked);
    let noted = recorder.records();
    assert_eq!(noted.len(), 1);
    assert_eq!((noted[0].grant, noted[0].verdict), (session.grant(), verdict));
    rig.running.stop();
}

#[test]
fn r40_batches_are_checked_while_the_replies_of_others_wait() {
    let recorder = Recorder::default();
    let rig = rig(&recorder);
    let mut session = rig.enrol(rig.grant(MARKET_GATE));
    let asker = Asker::new(rig.running.udp_addr);
    let code = rig.clear_code();
    recorder.set(Becomes::DurableUpTo(0));
    for noted in 1..=3 {
        asker.send(&sealed(&mut session, code.as_bytes()));
        eventually("it is checked", || recorder.noted() == noted);
    }
    assert!(asker.hears_nothing());
    for durable in 1..=3 {
        recorder.set(Becomes::DurableUpTo(durable));
        let verdict = session.open(&asker.receive().unwrap()).unwrap();
        assert_eq!(verdict, recorder.records()[usize::try_from(durable).unwrap() - 1].verdict);
        assert!(asker.hears_nothing(), "the others wait on");
    }
    assert_eq!(rig.metric("hufu_verdicts_withheld_total"), 0);
    rig.running.stop();
}

#[test]
fn r40_as_many_batches_wait_as_there_is_room_for() {
    const MORE: usize = 6;
    let recorder = Recorder::default();
    let rig = rig(&recorder);
    let mut session = rig.enrol(rig.grant(MARKET_GATE));
    let asker = Asker::new(rig.running.udp_addr);
    recorder.set(Becomes::DurableUpTo(0));
    for noted in 1..=WAITING_MAX {
        asker.send(&sealed(&mut session, b"no code"));
        eventually("it is checked", || recorder.noted() == noted);
    }
    for _ in 0..MORE {
        asker.send(&sealed(&mut session, b"no code"));
    }
    let waits = recorder.waits();
    eventually("the worker waits", || recorder.waits() > waits + 3);
    assert!(asker.hears_nothing());
    assert_eq!(recorder.noted(), WAITING_MAX, "no more are checked");
    recorder.set(Becomes::DurableUpTo(u64::MAX));
    let mut answered: Vec<_> =
        (0..WAITING_MAX + MORE).map(|_| session.open(&asker.receive().unwrap()).unwrap().number).collect();
    answered.sort_unstable();
    let noted: Vec<_> = recorder.records().iter().map(|record| record.verdict.number).collect();
    assert_eq!(answered, noted);
    rig.running.stop();
}

#[test]
fn r40_a_verdict_whose_record_is_lost_never_leaves() {
    let recorder = Recorder::default();
    let rig = rig(&recorder);
    let mut session = rig.enrol(rig.grant(MARKET_GATE));
    let asker = Asker::new(rig.running.udp_addr);
    let code = rig.clear_code();
    let packet = sealed(&mut session, code.as_bytes());
    recorder.set(Becomes::DurableUpTo(0));
    asker.send(&packet);
    eventually("it is checked", || recorder.noted() == 1);
    recorder.set(Becomes::Lost);
    eventually("its reply is withheld", || rig.metric("hufu_verdicts_withheld_total") == 1);
    asker.send(&packet);
    eventually("nor does it wait", || rig.metric("hufu_verdicts_withheld_total") == 2);
    assert!(asker.hears_nothing(), "the gate asks again");

    let reasons = block_on(reasons_over_connections(&rig, rig.grant(MARKET_GATE_2), &code));
    assert_eq!(reasons, [Reason::Busy; 4]);
    assert_eq!(rig.metric("hufu_verdicts_withheld_total"), 6);

    let again = |reason| {
        asker.send(&packet);
        assert_eq!(session.open(&asker.receive().unwrap()).unwrap().reason, reason);
    };
    recorder.set_full(true);
    again(Reason::Busy);
    recorder.set_full(false);
    recorder.set(Becomes::DurableWhenAsked);
    again(Reason::Clear);
    rig.running.stop();
}

#[test]
fn r40_an_engine_that_cannot_keep_records_answers_busy() {
    let recorder = Recorder::default();
    let rig = rig(&recorder);
    let mut session = rig.enrol(rig.grant(MARKET_GATE));
    let asker = Asker::new(rig.running.udp_addr);
    let code = rig.clear_code();
    recorder.set_full(true);
    for code in [code.as_bytes(), b"no code"] {
        let Verdict { reason, colour, kind, .. } = asker.check(&mut session, code);
        assert_eq!((reason, colour, kind), (Reason::Busy, None, None));
    }
    let reasons = block_on(reasons_over_connections(&rig, rig.grant(MARKET_GATE), &code));
    assert_eq!(reasons, [Reason::Busy; 4]);
    let counted =
        ["records_refused", "verdicts_withheld"].map(|name| rig.metric(&format!("hufu_{name}_total")));
    assert_eq!((counted, recorder.noted(), recorder.waits()), ([6, 0], 0, 0));
    recorder.set_full(false);
    let reasons = block_on(reasons_over_connections(&rig, rig.grant(MARKET_GATE), &code));
    assert_eq!(reasons, [Reason::Clear; 4]);
    rig.running.stop();
}

#[test]
fn r40_a_stop_does_not_wait_for_records_that_never_become_durable() {
    let recorder = Recorder::default();
    let rig = rig(&recorder);
    let gate = rig.grant(MARKET_GATE);
    let mut session = rig.enrol(gate);
    let asker = Asker::new(rig.running.udp_addr);
    recorder.set(Becomes::DurableUpTo(0));
    asker.send(&sealed(&mut session, b"no code"));
    eventually("it is checked", || recorder.noted() == 1);
    let requests = [(CheckNumber(1), CheckRequest::of_scan(Lane(0), b"no code"))];
    let took = block_on(async {
        let control = rig.connect(gate).await;
        let stopping = tokio::task::spawn_blocking(move || {
            eventually("the frame is checked", || recorder.noted() == 2);
            let began = Instant::now();
            rig.running.stop();
            began.elapsed()
        });
        let verdicts = control.checks(&requests).await.unwrap();
        assert_eq!(verdicts[0].reason, Reason::Busy);
        stopping.await.unwrap()
    });
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert!(asker.hears_nothing());
}
