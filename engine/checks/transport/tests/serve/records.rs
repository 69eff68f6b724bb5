//! Every check is noted once, on every way, before its answer leaves (R40).

use hufu_check::Channel;
use hufu_fixtures::sites;
use hufu_wire::{CheckNumber, CheckRequest, Lane, Reason};

use crate::rig::{Asker, MARKET_GATE, Recorder, Rig, block_on, sealed};

#[test]
fn r40_every_check_is_noted_once_and_is_durable_before_it_is_answered() {
    let recorder = Recorder::default();
    let rig = Rig::start_with(|setup| setup.journal = Some(recorder.clone()));
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

    let request = CheckRequest { lane: Lane(3), code: code.as_bytes() };
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
    let rig = Rig::start_with(|setup| setup.journal = Some(recorder.clone()));
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
