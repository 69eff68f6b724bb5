use hufu_wire::{CheckNumber, DeviceGeneration, DeviceId, Grant, Lane, Scope, SiteId};

use super::case::objection;
use super::*;
use crate::passback::Claim;
use crate::statuses::moving::{BEGUN, HOLDERS, ISSUER, Moving};

const GRANT: Grant =
    Grant { device: DeviceId(1), generation: DeviceGeneration(0), site: SiteId(1), scope: Scope::CHECKS };

#[test]
fn r09_only_what_is_claimed_is_admitted() {
    for (claim, reason) in [
        (Claim::First { evicted: false }, None),
        (Claim::First { evicted: true }, None),
        (Claim::Again, None),
        (Claim::Elsewhere, Some(Reason::PassBack)),
        (Claim::Unclaimed, Some(Reason::CookieExpired)),
        (Claim::Contended, Some(Reason::Busy)),
    ] {
        assert_eq!(objection(claim), reason, "{claim:?}");
        assert!(reason.is_none_or(|reason| reason.decision() != Decision::Admit));
    }
}

/// The table changes after each read. No verdict names a change that its word does not have.
#[test]
fn r07_a_verdict_reads_its_sequence_before_its_word() {
    let table = Moving::new();
    let sites = Sites::parse("[[site]]\nid = 1\nname = \"Door\"\n", "sites.toml").unwrap();
    let now = UnixMillis(BEGUN.0 + 60_000);
    let holders = || (0..HOLDERS).zip(0..);
    let case = |_| Case::new(now, CheckNumber(1), GRANT, None, Err(Reason::Busy));
    let mut cases: Batch<Case<'_, '_>> = holders().map(case).collect();
    let wanted = holders().map(|(holder, case)| Present {
        case,
        gate: Gate { device: DeviceId(1), lane: Lane(0) },
        policy: sites.get(SiteId(1)).unwrap(),
        holder: HolderIndex(holder),
        step: None,
        facts: Facts {
            now: now.seconds(),
            shown: Shown::Paper { generation: 1 },
            issuer: ISSUER,
            status: StatusWord::UNKNOWN,
            age: Age::Unknown,
        },
    });
    let found = look_up(now, &mut cases, wanted.collect(), &table);
    for (case, present) in cases.iter().zip(&found) {
        let (told, has) = (case.verdict.as_of.0, u64::from(present.facts.status.generation()));
        assert!((1..=has).contains(&told), "told change {told}, the word is of change {has}");
        assert_eq!(case.verdict.age, Age::Millis(60_000 - 1000 * u32::try_from(told).unwrap()));
    }
    assert_eq!(u32::from(table.changes()), 1 + HOLDERS + 1, "each sequence alone, all words at once");
}
