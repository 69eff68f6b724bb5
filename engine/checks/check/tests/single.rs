//! A check outside an engine gives the engine's verdict; family codes.

#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use common::{
    AMBER, Checkpoint, FAMILIES, GREEN, HUB, NOW, RED, SCHOOL, SITES, STATION, UNKNOWN, grant, keyring,
};
use hufu_check::SingleCheck;
use hufu_policy::Sites;
use hufu_wire::{
    CheckNumber, CheckRequest, CodeKind, Decision, HubId, Lane, Reason, Step, UnixMillis, Verdict,
};

fn single(checkpoint: &Checkpoint) -> SingleCheck {
    let sites = Sites::parse(SITES, "sites.toml").unwrap();
    SingleCheck::new(keyring(&checkpoint.operator, 1, &[(&checkpoint.signer, false)]), sites, 64, 64).unwrap()
}

/// The number is the session's own in an engine.
fn numbered(verdict: Verdict) -> Verdict {
    Verdict { number: CheckNumber(0), ..verdict }
}

#[test]
fn r06_a_check_outside_an_engine_gives_the_engines_verdict() {
    let mut checkpoint = Checkpoint::new();
    let mut single = single(&checkpoint);
    let mut codes: Vec<String> = [GREEN, RED, AMBER, UNKNOWN].map(|holder| checkpoint.phone(holder)).to_vec();
    codes.extend([GREEN, RED].map(|holder| checkpoint.paper(holder)));
    codes.extend([HUB, HubId(78)].map(|hub| checkpoint.trip(GREEN, hub)));
    codes.push(checkpoint.phone_in(GREEN, Step(NOW.seconds().step().0 - 5)));
    let mut forged = checkpoint.paper(GREEN).into_bytes();
    forged.swap(100, 101);
    codes.push(String::from_utf8(forged).unwrap());
    codes.push("milk".to_owned());
    let mut reasons = std::collections::BTreeSet::new();
    for site in [SCHOOL, STATION] {
        let grant = grant(site.0, 0, site);
        let mut gate = checkpoint.enrol(grant, NOW);
        for later_ms in [0, 5_000] {
            for code in &codes {
                let now = UnixMillis(NOW.0 + later_ms);
                let expected = checkpoint.show_at(now, &mut gate, code);
                let request = CheckRequest::of_scan(Lane(0), code.as_bytes());
                let reader = checkpoint.table.reader();
                let found = single.check(now, &grant, CheckNumber(0), &request, &reader);
                assert_eq!(found, numbered(expected), "{code} at {site}");
                reasons.insert(found.reason);
            }
        }
    }
    assert!(reasons.len() >= 8 && reasons.contains(&Reason::Clear), "{reasons:?}");
}

/// A family code is shown as one, and the colour of the relative decides as it does of anybody.
#[test]
fn r27_a_family_code_is_shown_as_such_and_its_colour_decides() {
    let mut checkpoint = Checkpoint::new();
    let mut gate = checkpoint.gate(1, FAMILIES);
    for (holder, decision, reason) in [
        (GREEN, Decision::Admit, Reason::Clear),
        (AMBER, Decision::Refer, Reason::StatusAmber),
        (RED, Decision::Refuse, Reason::StatusRed),
    ] {
        let code = checkpoint.family(holder);
        let verdict = checkpoint.show(&mut gate, &code);
        assert_eq!((verdict.decision, verdict.reason), (decision, reason));
        assert_eq!(verdict.kind, Some(CodeKind::Family), "not as paper");
    }
    let code = checkpoint.family(GREEN);
    let mut gate = checkpoint.gate(2, SCHOOL);
    let refused = checkpoint.show(&mut gate, &code);
    assert_eq!((refused.decision, refused.reason), (Decision::Refuse, Reason::KindNotAccepted));
}
