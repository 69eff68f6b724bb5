//! Entries of foreign status lists, named by a device that has verified the credential (R64).

#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use common::{Checkpoint, GREEN, Gate, HOTEL, NOW, SCHOOL, grant, keyring};
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
    checkpoint.engine.set_listed(&[FOREIGN]);
    (checkpoint, foreign)
}

/// The verdict on the entry that the gate's device names.
fn refer(checkpoint: &mut Checkpoint, gate: &mut Gate, text: &str) -> Verdict {
    refer_at(NOW, checkpoint, gate, text)
}

fn refer_at(now: UnixMillis, checkpoint: &mut Checkpoint, gate: &mut Gate, text: &str) -> Verdict {
    checkpoint.ask_at(now, gate, &CheckRequest::of_reference(Lane(0), text))
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
        let verdict = refer(&mut checkpoint, &mut gate, text);
        assert_eq!((ruling(&verdict), verdict.colour), ((decision, reason), colour), "{text}");
        assert_eq!(verdict.kind, Some(CodeKind::Reference), "never as a code of ours");
        assert_eq!((verdict.age, verdict.as_of), (Age::Millis(300_000), Sequence(1_789_999_710)));
    }
    let later = UnixMillis(NOW.0 + 300_001);
    let verdict = refer_at(later, &mut checkpoint, &mut gate, "SL1:900001.0");
    assert_eq!(
        ruling(&verdict),
        (Decision::Refer, Reason::StaleData),
        "the site's outcome for data that is too old"
    );
    assert_eq!(verdict.age, Age::Millis(600_001));
    let verdict = refer_at(later, &mut checkpoint, &mut gate, "SL1:900001.1");
    assert_eq!(ruling(&verdict), (Decision::Refuse, Reason::StatusRed), "stale red is still red");
}

#[test]
fn r64_a_reference_is_taken_where_the_policy_names_it_and_nowhere_else() {
    let (mut checkpoint, _foreign) = checkpoint();
    let mut gate = checkpoint.gate(1, SCHOOL);
    let verdict = refer(&mut checkpoint, &mut gate, "SL1:900001.0");
    assert_eq!(ruling(&verdict), (Decision::Refuse, Reason::KindNotAccepted));
    assert_eq!((verdict.colour, verdict.age), (None, Age::Unknown), "and tells nothing of the entry");
}

/// A device may not read the colours of our own holders by their numbers.
#[test]
fn r64_no_reference_reaches_a_holder_of_an_issuer_with_keys() {
    let (mut checkpoint, _foreign) = checkpoint();
    let mut gate = checkpoint.gate(1, HOTEL);
    for holder in [GREEN.0, GREEN.0 + 1] {
        let verdict = refer(&mut checkpoint, &mut gate, &format!("SL1:{}.{holder}", common::ISSUER));
        assert_eq!(ruling(&verdict), (Decision::Refuse, Reason::IssuerNotRecognised));
        assert_eq!((verdict.colour, verdict.as_of), (None, Sequence(0)));
    }
    let verdict = refer(&mut checkpoint, &mut gate, "SL1:5.0");
    assert_eq!(ruling(&verdict), (Decision::Refer, Reason::StaleData), "issuer 5 is not followed");
}

/// Revoking the last key of an issuer, which is done in an emergency, opens no way to its holders by number, nor does a list
/// that names its keys no more.
#[test]
fn r64_no_reference_reaches_a_holder_of_an_issuer_whose_list_is_not_followed() {
    let (mut checkpoint, _foreign) = checkpoint();
    let mut gate = checkpoint.gate(1, HOTEL);
    let green = format!("SL1:{}.{}", common::ISSUER, GREEN.0);
    checkpoint.engine.set_keyring(keyring(&checkpoint.operator, 2, &[(&checkpoint.signer, true)])).unwrap();
    let verdict = refer(&mut checkpoint, &mut gate, &green);
    assert_eq!((ruling(&verdict), verdict.colour), ((Decision::Refuse, Reason::IssuerNotRecognised), None));

    checkpoint.engine.set_keyring(keyring(&checkpoint.operator, 3, &[])).unwrap();
    let verdict = refer(&mut checkpoint, &mut gate, &green);
    assert_eq!((ruling(&verdict), verdict.colour), ((Decision::Refer, Reason::StaleData), None));
    assert_eq!((verdict.age, verdict.as_of), (Age::Unknown, Sequence(0)), "nothing was looked up");
    assert_eq!(refer(&mut checkpoint, &mut gate, "SL1:900001.0").reason, Reason::Clear);
}

#[test]
fn r64_another_spelling_is_no_reference() {
    let (mut checkpoint, _foreign) = checkpoint();
    let mut gate = checkpoint.gate(1, HOTEL);
    let paper = checkpoint.paper(GREEN);
    for (text, reason) in [
        ("SL1:0900001.0", Reason::BadText),
        ("SL1:900001.0 0", Reason::BadText),
        ("SL1:900001", Reason::BadText),
        ("SL1:", Reason::BadText),
        ("sl1:900001.0", Reason::BadText),
        ("SL1", Reason::BadText),
        (paper.as_str(), Reason::BadText),
    ] {
        assert_eq!(refer(&mut checkpoint, &mut gate, text).reason, reason, "{text}");
    }
}

/// Anyone can print such a text and hold it before a scanner. Here the gate's program sends it as it is.
#[test]
fn r64_what_was_scanned_is_no_reference() {
    let (mut checkpoint, _foreign) = checkpoint();
    let mut gate = checkpoint.gate(1, HOTEL);
    for (text, reason) in [
        ("SL1:900001.0", Reason::BadText),
        ("SL1:", Reason::BadText),
        ("sl1:900001.0", Reason::NotACode),
        ("SL1", Reason::NotACode),
    ] {
        let scan = CheckRequest { lane: Lane(0), code: text.as_bytes(), is_reference: false };
        let sealed = checkpoint.ask_at(NOW, &mut gate, &scan);
        let mut connected = [Verdict::of(CheckNumber(0), NOW, Reason::Clear)];
        checkpoint.spine.check(NOW, &gate.grant, &[(CheckNumber(1), scan)], &mut connected);
        for verdict in [sealed, connected[0]] {
            assert_eq!(ruling(&verdict), (Decision::Refuse, reason), "{text}");
            assert_eq!((verdict.colour, verdict.kind), (None, None), "{text}");
        }
    }
}

/// As paper: one entry opens one gate within the window.
#[test]
fn r64_an_entry_used_at_one_gate_is_refused_at_the_next() {
    let (mut checkpoint, _foreign) = checkpoint();
    let [mut one, mut other] = [1, 2].map(|device| checkpoint.gate(device, HOTEL));
    assert_eq!(refer(&mut checkpoint, &mut one, "SL1:900001.0").reason, Reason::Clear);
    assert_eq!(refer(&mut checkpoint, &mut other, "SL1:900001.0").reason, Reason::PassBack);
}

/// References and codes of one batch do not disturb each other, and a gate without a network has no foreign list.
#[test]
fn r64_a_gate_without_a_network_says_that_it_has_no_such_list() {
    let (checkpoint, _foreign) = checkpoint();
    let sites = Sites::parse(common::SITES, "sites.toml").unwrap();
    let keyring = keyring(&checkpoint.operator, 1, &[(&checkpoint.signer, false)]);
    let mut single = SingleCheck::new(keyring, sites, 64, 64).unwrap();
    let mut check = |text: &str| {
        let request = CheckRequest::of_reference(Lane(0), text);
        single.check(NOW, &grant(1, 0, HOTEL), CheckNumber(0), &request, &checkpoint.table.reader())
    };
    for text in ["SL1:900001.0", "SL1:900002.0"] {
        assert_eq!(check(text).reason, Reason::StaleData, "{text}, whatever statuses it is given");
    }
}
