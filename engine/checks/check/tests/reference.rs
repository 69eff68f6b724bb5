//! Entries of foreign status lists, named by a device that has verified the credential (R64).

#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use common::{Checkpoint, GREEN, HOTEL, NOW, SCHOOL, grant, keyring};
use hufu_check::SingleCheck;
use hufu_policy::Sites;
use hufu_table::Writer;
use hufu_wire::{
    Age, CheckNumber, CheckRequest, CodeKind, Colour, Decision, HolderIndex, IssuerId, Lane, Reason,
    Sequence, StatusWord, UnixMillis, Verdict,
};

const FOREIGN: IssuerId = IssuerId(900_001);

/// A checkpoint whose engine follows a foreign list: 0 green, 1 red, 2 amber, dated five minutes ago.
fn checkpoint() -> (Checkpoint, Writer) {
    let checkpoint = Checkpoint::new();
    let mut foreign = checkpoint.table.writer(FOREIGN).unwrap();
    for (index, colour) in (0..).zip(Colour::ALL) {
        foreign.set(HolderIndex(index), StatusWord::new(colour, 0)).unwrap();
    }
    foreign.advance(Sequence(1_789_999_710), UnixMillis(NOW.0 - 300_000)).unwrap();
    (checkpoint, foreign)
}

fn ruling(verdict: &Verdict) -> (Decision, Reason) {
    (verdict.decision, verdict.reason)
}

#[test]
fn r64_a_reference_gets_the_verdict_of_its_entry_with_its_age() {
    let (mut checkpoint, _foreign) = checkpoint();
    let mut gate = checkpoint.gate(1, HOTEL);
    for (text, decision, reason, colour) in [
        ("SL1:900001.0", Decision::Admit, Reason::Clear, Some(Colour::Green)),
        ("SL1:900001.1", Decision::Refuse, Reason::StatusRed, Some(Colour::Red)),
        ("SL1:900001.2", Decision::Refer, Reason::StatusAmber, Some(Colour::Amber)),
        ("SL1:900001.3", Decision::Refer, Reason::StatusUnknown, None),
    ] {
        let verdict = checkpoint.show(&mut gate, text);
        assert_eq!((ruling(&verdict), verdict.colour), ((decision, reason), colour), "{text}");
        assert_eq!(verdict.kind, Some(CodeKind::Reference), "never as a code of ours");
        assert_eq!((verdict.age, verdict.as_of), (Age::Millis(300_000), Sequence(1_789_999_710)));
    }
    let later = UnixMillis(NOW.0 + 300_001);
    let verdict = checkpoint.show_at(later, &mut gate, "SL1:900001.0");
    assert_eq!(
        ruling(&verdict),
        (Decision::Refer, Reason::StaleData),
        "the site's outcome for data that is too old"
    );
    assert_eq!(verdict.age, Age::Millis(600_001));
    let verdict = checkpoint.show_at(later, &mut gate, "SL1:900001.1");
    assert_eq!(ruling(&verdict), (Decision::Refuse, Reason::StatusRed), "stale red is still red");
}

#[test]
fn r64_a_reference_is_taken_where_the_policy_names_it_and_nowhere_else() {
    let (mut checkpoint, _foreign) = checkpoint();
    let mut gate = checkpoint.gate(1, SCHOOL);
    let verdict = checkpoint.show(&mut gate, "SL1:900001.0");
    assert_eq!(ruling(&verdict), (Decision::Refuse, Reason::KindNotAccepted));
    assert_eq!((verdict.colour, verdict.age), (None, Age::Unknown), "and tells nothing of the entry");
}

/// A device may not read the colours of our own holders by their numbers.
#[test]
fn r64_no_reference_reaches_a_holder_of_an_issuer_with_keys() {
    let (mut checkpoint, _foreign) = checkpoint();
    let mut gate = checkpoint.gate(1, HOTEL);
    for holder in [GREEN.0, GREEN.0 + 1] {
        let verdict = checkpoint.show(&mut gate, &format!("SL1:{}.{holder}", common::ISSUER));
        assert_eq!(ruling(&verdict), (Decision::Refuse, Reason::IssuerNotRecognised));
        assert_eq!((verdict.colour, verdict.as_of), (None, Sequence(0)));
    }
    let verdict = checkpoint.show(&mut gate, "SL1:5.0");
    assert_eq!(ruling(&verdict), (Decision::Refer, Reason::StaleData), "nobody follows issuer 5");
}

#[test]
fn r64_another_spelling_is_no_reference() {
    let (mut checkpoint, _foreign) = checkpoint();
    let mut gate = checkpoint.gate(1, HOTEL);
    for (text, reason) in [
        ("SL1:0900001.0", Reason::BadText),
        ("SL1:900001.0 0", Reason::BadText),
        ("SL1:900001", Reason::BadText),
        ("SL1:", Reason::BadText),
        ("sl1:900001.0", Reason::NotACode),
        ("SL1", Reason::NotACode),
    ] {
        assert_eq!(checkpoint.show(&mut gate, text).reason, reason, "{text}");
    }
}

/// As paper: one entry opens one gate within the window.
#[test]
fn r64_an_entry_used_at_one_gate_is_refused_at_the_next() {
    let (mut checkpoint, _foreign) = checkpoint();
    let [mut one, mut other] = [1, 2].map(|device| checkpoint.gate(device, HOTEL));
    assert_eq!(checkpoint.show(&mut one, "SL1:900001.0").reason, Reason::Clear);
    assert_eq!(checkpoint.show(&mut other, "SL1:900001.0").reason, Reason::PassBack);
}

/// References and codes of one batch do not disturb each other, and a gate without a network has no foreign list.
#[test]
fn r64_a_gate_without_a_network_says_that_it_has_no_such_list() {
    let (checkpoint, _foreign) = checkpoint();
    let sites = Sites::parse(common::SITES, "sites.toml").unwrap();
    let keyring = keyring(&checkpoint.operator, 1, &[(&checkpoint.signer, false)]);
    let mut single = SingleCheck::new(keyring, sites, 64, 64).unwrap();
    let mut check = |text: &str| {
        let request = CheckRequest::of_scan(Lane(0), text.as_bytes());
        single.check(NOW, &grant(1, 0, HOTEL), CheckNumber(0), &request, &checkpoint.table.reader())
    };
    assert_eq!(check("SL1:900001.0").reason, Reason::Clear, "the same code, over the engine's table");
    assert_eq!(check("SL1:900002.0").reason, Reason::StaleData);
}
