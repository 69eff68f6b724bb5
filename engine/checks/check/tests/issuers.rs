//! Several issuers: each holder is judged by the table, the age and the site of its own.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::*;
use hufu_codes::Detail;
use hufu_codes::issue::{IssuerSigner, code_text};
use hufu_policy::Sites;
use hufu_table::Writer;
use hufu_wire::{
    Age, CheckNumber, CheckRequest, Colour, HolderIndex, IssuerId, Lane, MemberVerdict, Reason, RosterReply,
    Sequence, SiteId, StatusWord, UnixMillis, UnixSeconds, Verdict, read,
};

const OTHER: IssuerId = IssuerId(320_000);

/// What a roster's reply says: the summary's reason and age, and each member's reason.
type Told = (Reason, Age, Vec<Reason>);

fn with_sites(keys: [&str; 2]) -> Checkpoint {
    let checkpoint = Checkpoint::new();
    let [one, two] = keys;
    let sites = format!(
        "[[site]]\nid = 1\nname = \"Door\"\naccepts = [\"paper\"]\nroster = true\n{one}\n\
         [[site]]\nid = 2\nname = \"Yard\"\naccepts = [\"paper\"]\nroster = true\n{two}\n"
    );
    checkpoint.engine.set_sites(Sites::parse(&sites, "sites.toml").unwrap());
    checkpoint
}

impl Checkpoint {
    /// What the roster of these holders gets, signed by the first issuer for this site.
    fn roster(
        &mut self,
        now: UnixMillis,
        site: SiteId,
        signer: &IssuerSigner,
        groups: &[(IssuerId, &[HolderIndex])],
    ) -> Told {
        let (from, until) = (UnixSeconds(NOW.seconds().0 - 60), UnixSeconds(NOW.seconds().0 + 3600));
        let roster = signer.sign_roster(site, from, until, groups).unwrap();
        let mut out = Vec::new();
        self.spine.check_roster(now, &grant(1, 0, site), &roster, &mut out);
        let (summary, members) = out.split_at(RosterReply::BYTES);
        let summary: RosterReply = read(summary).unwrap();
        let members = members.chunks(MemberVerdict::BYTES);
        (summary.reason, summary.age, members.map(|it| read::<MemberVerdict>(it).unwrap().reason).collect())
    }

    /// Follows another issuer, of which [`GREEN`] is red, heard at `heard`.
    fn follow_other(&self, heard: UnixMillis) -> Writer {
        let mut writer = self.table.writer(OTHER).unwrap();
        writer.set(GREEN, StatusWord::new(Colour::Red, 1)).unwrap();
        writer.advance(Sequence(9), heard).unwrap();
        writer
    }
}

fn signer() -> IssuerSigner {
    IssuerSigner::from_seed(&[1; 32], ISSUER)
}

#[test]
fn r12_a_roster_s_members_are_judged_by_the_age_of_their_data() {
    let mut checkpoint = with_sites(["staleness_ms_max = 5000", ""]);
    let groups: &[(IssuerId, &[HolderIndex])] = &[(ISSUER, &[GREEN, RED])];
    for (later_ms, member) in [(4_300, Reason::Clear), (4_301, Reason::StaleData)] {
        let told = checkpoint.roster(UnixMillis(NOW.0 + later_ms), SCHOOL, &signer(), groups);
        let age = Age::Millis(u32::try_from(later_ms).unwrap() + 700);
        assert_eq!(told, (Reason::Clear, age, vec![member, Reason::StatusRed]), "{later_ms} ms");
    }
}

#[test]
fn r12_each_group_of_a_roster_has_the_age_of_its_issuer() {
    for (ours_s, others_s) in [(0, 60), (60, 0)] {
        let mut checkpoint = with_sites(["staleness_ms_max = 5000", ""]);
        let now = UnixMillis(NOW.0 + 60_000);
        let _other = checkpoint.follow_other(UnixMillis(now.0 - 1000 * others_s));
        checkpoint.writer.heard(UnixMillis(now.0 - 1000 * ours_s));
        let member = |age_s| if age_s == 0 { Reason::StatusUnknown } else { Reason::StaleData };
        let groups: &[(IssuerId, &[HolderIndex])] = &[(ISSUER, &[UNKNOWN]), (OTHER, &[UNKNOWN])];
        let told = checkpoint.roster(now, SCHOOL, &signer(), groups);
        let members = vec![member(ours_s), member(others_s)];
        assert_eq!(told, (Reason::Clear, Age::Millis(60_000), members), "the summary has the oldest");
    }
}

#[test]
fn r12_a_roster_is_judged_by_the_issuers_of_its_own_site() {
    let keys = ["issuers = [310000]", "issuers = [320000]"];
    let groups: &[(IssuerId, &[HolderIndex])] = &[(ISSUER, &[GREEN]), (OTHER, &[GREEN])];
    let other = IssuerSigner::from_seed(&[7; 32], OTHER);
    let mut checkpoint = with_sites(keys);
    let both = keyring(&checkpoint.operator, 2, &[(&checkpoint.signer, false), (&other, false)]);
    checkpoint.engine.set_keyring(both).unwrap();
    let _other = checkpoint.follow_other(NOW);
    let unrecognised = Reason::IssuerNotRecognised;
    for (site, signer, told) in [
        (SCHOOL, signer(), (Reason::Clear, vec![Reason::Clear, unrecognised])),
        (STATION, signer(), (unrecognised, vec![])),
        (SCHOOL, other, (unrecognised, vec![])),
        (
            STATION,
            IssuerSigner::from_seed(&[7; 32], OTHER),
            (Reason::Clear, vec![unrecognised, Reason::StatusRed]),
        ),
    ] {
        let (reason, _, members) = checkpoint.roster(NOW, site, &signer, groups);
        assert_eq!((reason, members), told, "site {}", site.0);
    }
}

/// An issuer may be trusted while its data is not followed. The words at the same places of another table are not its own.
#[test]
fn r07_an_issuer_without_a_table_is_judged_in_no_other() {
    let mut checkpoint = with_sites(["", ""]);
    let other = IssuerSigner::from_seed(&[7; 32], OTHER);
    let both = keyring(&checkpoint.operator, 2, &[(&checkpoint.signer, false), (&other, false)]);
    checkpoint.engine.set_keyring(both).unwrap();
    let mut credential = checkpoint.credential(GREEN, Detail::Paper);
    credential.key = other.key();
    let theirs = code_text(&other.sign_credential(&credential).unwrap(), None);
    let (green, red) = (checkpoint.paper(GREEN), checkpoint.paper(RED));
    let blank = Verdict::of(CheckNumber(0), NOW, Reason::Busy);
    let ask = |checkpoint: &mut Checkpoint, codes: &[&str]| {
        let requests: Vec<_> = (1..)
            .zip(codes)
            .map(|(n, code)| (CheckNumber(n), CheckRequest::of_scan(Lane(0), code.as_bytes())))
            .collect();
        let mut verdicts = vec![blank; codes.len()];
        checkpoint.spine.check(NOW, &grant(1, 0, SCHOOL), &requests, &mut verdicts);
        verdicts.iter().map(|it| (it.reason, it.as_of, it.age, it.colour)).collect::<Vec<_>>()
    };
    let nothing = (Reason::StaleData, Sequence(0), Age::Unknown, None);
    let of = |reason, colour| (reason, Sequence(4), Age::Millis(700), Some(colour));
    let (clear, shut) = (of(Reason::Clear, Colour::Green), of(Reason::StatusRed, Colour::Red));
    let told = ask(&mut checkpoint, &[&theirs, &green, &theirs, &red, &theirs]);
    assert_eq!(told, [nothing, clear, nothing, shut, nothing]);
    let groups: &[(IssuerId, &[HolderIndex])] = &[(ISSUER, &[GREEN]), (OTHER, &[GREEN, RED])];
    let told = checkpoint.roster(NOW, SCHOOL, &signer(), groups);
    let members = vec![Reason::Clear, Reason::StaleData, Reason::StaleData];
    assert_eq!(told, (Reason::Clear, Age::Unknown, members));

    let _other = checkpoint.follow_other(NOW);
    let followed = (Reason::StatusRed, Sequence(9), Age::Millis(0), Some(Colour::Red));
    assert_eq!(ask(&mut checkpoint, &[&green, &theirs]), [clear, followed]);
}
