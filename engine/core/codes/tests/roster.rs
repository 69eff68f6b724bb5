//! Rosters: signed, one spelling, read in place (R12).

mod common;

use common::*;
use hufu_codes::Verified;
use hufu_codes::issue::Misissued;
use hufu_codes::keyring::Keyring;
use hufu_codes::roster::{self, Roster};
use hufu_wire::{HolderIndex, IssuerId, Reason, SiteId, UnixSeconds, limits};
use proptest::prelude::*;

const SITE: SiteId = SiteId(77);
const EXPIRES: UnixSeconds = UnixSeconds(NOW.0 + 86_400);

fn holders(indexes: impl IntoIterator<Item = u32>) -> Vec<HolderIndex> {
    indexes.into_iter().map(HolderIndex).collect()
}

fn sign(groups: &[(u32, Vec<HolderIndex>)]) -> Result<Vec<u8>, Misissued> {
    let groups: Vec<_> =
        groups.iter().map(|(issuer, members)| (IssuerId(*issuer), members.as_slice())).collect();
    issuer().sign_roster(SITE, NOW, EXPIRES, &groups)
}

fn school() -> Vec<u8> {
    sign(&[(110_000, holders(0..40)), (310_000, holders([5, 70_000, u32::MAX]))]).expect("a good roster")
}

fn verify<'a>(keyring: &Keyring, bytes: &'a [u8]) -> Result<Verified<Roster<'a>>, Reason> {
    keyring.admit(roster::parse(bytes)?, NOW)?.verify(hufu_signature::backend())
}

#[test]
fn r12_a_roster_lists_its_members_in_order() {
    let bytes = school();
    let roster = verify(&keyring(), &bytes).expect("genuine");
    assert_eq!((roster.site(), roster.issued(), roster.expires()), (SITE, NOW, EXPIRES));
    assert_eq!((roster.len(), roster.is_empty(), roster.issuer()), (43, false, ISSUER));
    let members: Vec<_> = roster.members().map(|(issuer, holder)| (issuer.0, holder.0)).collect();
    let expected = (0..40).map(|n| (110_000, n)).chain([5, 70_000, u32::MAX].map(|n| (310_000, n)));
    assert_eq!(members, expected.collect::<Vec<_>>());
    let sizes: Vec<_> = roster.groups().map(|(issuer, members)| (issuer.0, members.len())).collect();
    assert_eq!(sizes, [(110_000, 40), (310_000, 3)]);
}

#[test]
fn r12_a_roster_is_for_one_site_and_one_time() {
    let bytes = school();
    let roster = verify(&keyring(), &bytes).expect("genuine");
    let tolerance = limits::NOT_BEFORE_TOLERANCE_S;
    for (site, now, answer) in [
        (SITE, NOW, Ok(())),
        (SiteId(78), NOW, Err(Reason::RosterOfAnotherSite)),
        (SITE, UnixSeconds(NOW.0 - tolerance), Ok(())),
        (SITE, UnixSeconds(NOW.0 - tolerance - 1), Err(Reason::RosterExpired)),
        (SITE, UnixSeconds(EXPIRES.0 - 1), Ok(())),
        (SITE, EXPIRES, Err(Reason::RosterExpired)),
    ] {
        assert_eq!(roster.usable(site, now), answer);
    }
}

#[test]
fn a_roster_with_one_change_is_refused() {
    let keyring = keyring();
    let bytes = school();
    for length in 0..bytes.len() {
        assert_eq!(roster::parse(&bytes[..length]), Err(Reason::RosterInvalid), "cut to {length}");
    }
    for (bit, flipped) in bit_flips(&bytes) {
        assert!(verify(&keyring, &flipped).is_err(), "bit {bit}");
    }
    for spelling in other_spellings(&bytes) {
        assert_eq!(roster::parse(&spelling), Err(Reason::RosterInvalid));
    }
    let mut forged = bytes.clone();
    *forged.last_mut().expect("bytes") ^= 1;
    assert_eq!(verify(&keyring, &forged).err(), Some(Reason::RosterInvalid));
}

#[test]
fn a_code_is_no_roster_and_a_roster_is_no_code() {
    assert_eq!(roster::parse(&signed(&paper())), Err(Reason::RosterInvalid));
    let as_code = hufu_codes::code::write(&school(), None);
    assert_eq!(hufu_codes::code::parse(&as_code), Err(Reason::BadEncoding));
}

#[test]
fn the_largest_roster_fits_a_frame_and_one_more_member_is_too_many() {
    let most = u32::try_from(limits::ROSTER_MEMBERS_MAX).expect("fits");
    let bytes = sign(&[(1, holders(0..most))]).expect("a good roster");
    assert!(bytes.len() <= limits::FRAME_BYTES_MAX);
    assert_eq!(roster::parse(&bytes).map(|roster| roster.claims().len()), Ok(limits::ROSTER_MEMBERS_MAX));
    // Every member from another issuer is the largest spelling there is.
    let spread: Vec<_> = (0..most).map(|n| (u32::MAX - most + n, holders([n]))).collect();
    assert!(sign(&spread).expect("a good roster").len() <= limits::FRAME_BYTES_MAX);

    let many = [(1, holders(0..=most))];
    assert_eq!(sign(&many), Err(Misissued::Refused(Reason::RosterTooLarge)));
    let mut writer = hufu_codes::cbor::Writer::new();
    writer.map(3).int(4).uint(EXPIRES.0).int(5).uint(NOW.0).int(-65538).array(2).uint(SITE.0).array(1);
    let members: Vec<u8> = (0..=most).flat_map(u32::to_le_bytes).collect();
    writer.array(2).uint(1_u8).bytes(&members);
    let bytes = issuer().sign_payload(&writer.into_bytes());
    assert_eq!(roster::parse(&bytes), Err(Reason::RosterTooLarge));
}

#[test]
fn order_and_content_have_one_spelling() {
    for (case, groups) in [
        ("members out of order", vec![(1, holders([2, 1]))]),
        ("a member twice", vec![(1, holders([1, 1]))]),
        ("issuers out of order", vec![(2, holders([1])), (1, holders([1]))]),
        ("an issuer twice", vec![(1, holders([1])), (1, holders([2]))]),
        ("an empty group", vec![(1, holders([]))]),
    ] {
        assert!(matches!(sign(&groups), Err(Misissued::Unreadable(_))), "{case}");
    }
    assert!(sign(&[]).is_ok(), "a site with no members yet");
}

proptest! {
    #[test]
    fn members_survive(groups in proptest::collection::btree_map(
        any::<u32>(),
        proptest::collection::btree_set(any::<u32>(), 1..30),
        0..5,
    )) {
        let given: Vec<_> = groups
            .iter()
            .map(|(issuer, members)| (*issuer, holders(members.iter().copied())))
            .collect();
        let bytes = sign(&given).expect("a good roster");
        let roster = roster::parse(&bytes).expect("our own");
        let groups = roster.claims().groups();
        let read: Vec<_> = groups.map(|(issuer, members)| (issuer.0, members.collect())).collect();
        prop_assert_eq!(read, given);
    }
}
