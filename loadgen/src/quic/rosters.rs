//! Whole rosters: a school's click. The rate counts members; a roster is due as one.

use std::io;
use std::rc::Rc;

use hufu_client::Control;
use hufu_fixtures::RosterFixture;
use hufu_wire::{CheckNumber, MemberVerdict, Reason, RosterReply, Verdict};

use super::load::{Results, Work, until};
use crate::live::Live;
use crate::mix::Kind;
use crate::pending::Asked;

pub(super) async fn run(
    controls: &[Control],
    work: Work,
    results: &Rc<Results>,
    live: &Live,
) -> io::Result<()> {
    let roster = Rc::new(work.roster.ok_or_else(|| io::Error::other("a load of rosters needs a roster"))?);
    let mut under_way = Vec::new();
    for (due_ns, control) in work.schedule.zip(controls.iter().cycle()) {
        until(results.clock, due_ns).await;
        let now_ns = results.clock.now_ns();
        {
            let mut tally = results.tally.borrow_mut();
            for _ in &roster.members {
                tally.sent(Kind::RosterMember, due_ns, now_ns);
            }
            tally.sends += 1;
            live.update(&tally);
        }
        let ask = ask(control.clone(), Rc::clone(&roster), due_ns, Rc::clone(results));
        under_way.push(tokio::task::spawn_local(ask));
        under_way.retain(|roster| !roster.is_finished());
    }
    for roster in under_way {
        roster.await.map_err(io::Error::other)?;
    }
    Ok(())
}

async fn ask(control: Control, roster: Rc<RosterFixture>, due_ns: u64, results: Rc<Results>) {
    let answered = control.roster(&roster.bytes).await;
    let now_ns = results.clock.now_ns();
    let mut tally = results.tally.borrow_mut();
    let Ok((summary, members)) = answered else {
        roster.members.iter().for_each(|_| tally.lost(Kind::RosterMember));
        return;
    };
    if summary.reason != Reason::Clear || members.len() != roster.members.len() {
        let turned_down =
            MemberVerdict { decision: summary.reason.decision(), reason: summary.reason, colour: None };
        let verdict = as_verdict(&summary, turned_down);
        roster
            .members
            .iter()
            .for_each(|member| tally.wrong(Kind::RosterMember, Some(*member), Some(verdict)));
        return;
    }
    for (member, expected) in members.into_iter().zip(&roster.members) {
        let asked = Asked { kind: Kind::RosterMember, expected: *expected, due_ns };
        tally.judge(&asked, &as_verdict(&summary, member), now_ns, results.timeout);
    }
}

/// A member's verdict in the words of a single check's.
fn as_verdict(summary: &RosterReply, member: MemberVerdict) -> Verdict {
    let MemberVerdict { decision, reason, colour } = member;
    Verdict { decision, colour, ..Verdict::of(CheckNumber(0), summary.server_time, reason) }
}
