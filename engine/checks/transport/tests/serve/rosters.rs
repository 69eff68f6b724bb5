//! Rosters on a stream (R12).

use hufu_fixtures::{HOME, Shown, sites};
use hufu_wire::{HolderIndex, Reason};

use crate::rig::{Rig, block_on};

#[test]
fn a_school_gets_every_members_verdict_and_a_summary() {
    let rig = Rig::start();
    let terminal = rig.device_at(&sites::SCHOOL, true);
    let roster = rig.roster_of(&sites::SCHOOL, 1200);
    let (summary, members) = block_on(async {
        let control = rig.connect(terminal).await;
        let answer = control.roster(&roster).await.unwrap();
        control.close().await;
        answer
    });
    assert_eq!((summary.reason, summary.members), (Reason::Clear, 1200));
    let shown = Shown { kind: None, issuer: HOME, generation: 0, skewed: false, trip: None };
    for (member, holder) in members.iter().zip((0..).map(HolderIndex)) {
        let wanted = rig.world.expected(&sites::SCHOOL, &shown, holder);
        assert_eq!((member.decision, member.reason), (wanted.decision, wanted.reason), "{holder}");
    }
    rig.running.stop();
}

#[test]
fn rosters_that_may_not_be_asked_get_a_reason_and_no_members() {
    let rig = Rig::start();
    let roster = rig.roster_of(&sites::SCHOOL, 10);
    let mut forged = roster.clone();
    *forged.last_mut().unwrap() ^= 1;
    let cases = [
        ("another site's", sites::MARKET, true, roster.clone(), Reason::RosterOfAnotherSite),
        ("a gate's", sites::SCHOOL, false, roster.clone(), Reason::OutOfScope),
        ("forged", sites::SCHOOL, true, forged, Reason::RosterInvalid),
        ("cut short", sites::SCHOOL, true, roster[..roster.len() / 2].to_vec(), Reason::RosterInvalid),
        ("empty", sites::SCHOOL, true, Vec::new(), Reason::RosterInvalid),
    ];
    for (what, site, rosters, bytes, reason) in cases {
        let device = rig.device_at(&site, rosters);
        let (summary, members) = block_on(async {
            let control = rig.connect(device).await;
            control.roster(&bytes).await.unwrap()
        });
        assert_eq!((summary.reason, members.len()), (reason, 0), "{what}");
    }
    rig.running.stop();
}
