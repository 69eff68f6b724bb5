//! The trail.

use hufu_registry::Action;
use hufu_registry::ChainSource as _;
use hufu_registry::Fault;
use hufu_registry::ProposalId;
use hufu_registry::Site;
use hufu_registry::TokenId;
use hufu_registry::store::ProposalFilter;
use hufu_wire::chain::Change;
use hufu_wire::{HolderIndex, Sequence, SiteId};

use crate::scene::{now, person};
use crate::{Database, ISSUER, Scene, green};

async fn actions(scene: &Scene) -> Vec<Action> {
    scene.store.trail(0, u32::MAX).await.expect("a trail").iter().map(|line| line.entry.action).collect()
}

/// Nobody looks at a person, or at everybody, without a line that says who and when (R44).
pub async fn r44_reads_of_personal_data_and_exports_leave_a_line(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let (registry, caller) = (&scene.registry, &scene.operator);
    scene.add_people(0, 1).await;
    let before = actions(&scene).await.len();
    let at = now();
    registry.holder(caller, ISSUER, HolderIndex(0), at).await.expect("a holder");
    registry.find_holder(caller, ISSUER, person(0).id_number(), None, at).await.expect("a search");
    registry.credentials(caller, ISSUER, HolderIndex(0), (0, 9), at).await.expect("a list");
    registry.statuses(caller, ISSUER, HolderIndex(0), 9, at).await.expect("an export");
    // Who was not there was looked for all the same.
    assert!(registry.holder(caller, ISSUER, HolderIndex(7), at).await.is_err());
    // What is the name of no roster may be anything, and the trail keeps it for good.
    assert!(registry.roster(caller, SiteId(1), "11010519491231002X", at).await.is_err());
    let lines = registry.trail(caller, 0, 4096, at).await.expect("a trail");
    let found: Vec<_> =
        lines[before..].iter().map(|line| (line.entry.action, line.entry.what.as_str())).collect();
    let expected = [
        (Action::HolderRead, "0"),
        (Action::HolderSought, "0"),
        (Action::CredentialsRead, "of holder 0"),
        (Action::StatusesExported, "9 from holder 0"),
        (Action::HolderRead, "7"),
        (Action::TrailRead, "after 0"),
    ];
    assert_eq!(found, expected);
    for line in &lines[before..] {
        assert_eq!((line.entry.at, line.entry.who.as_str()), (at, caller.label()));
    }

    let first = registry.trail(caller, 0, 2, at).await.expect("a page");
    let next = registry.trail(caller, first[1].number, 3, at).await.expect("a page");
    assert_eq!([&first[..], &next[..]].concat(), lines[..5], "page by page");
}

/// Whoever goes on after the highest number there is gets nothing, whatever number a database can hold.
pub async fn nothing_lies_beyond_the_last_number(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let (registry, caller) = (&scene.registry, &scene.operator);
    scene.add_people(0, 1).await;
    scene.change(&[(0, Change::Word(green()))]).await;
    let paper = hufu_registry::CredentialRequest::Paper { valid_s: 60 };
    registry.issue(caller, ISSUER, HolderIndex(0), &paper, now()).await.expect("a credential");
    for after in [1 << 40, i64::MAX.cast_unsigned(), 1 << 63, u64::MAX] {
        let trail = registry.trail(caller, after, 9, now()).await;
        assert_eq!(trail, Ok(Vec::new()), "after line {after}");
        let page = (after, 9);
        let credentials = registry.credentials(caller, ISSUER, HolderIndex(0), page, now()).await;
        assert_eq!(credentials, Ok(Vec::new()), "after credential {after}");
        let page = (Some(ProposalId(after)), 9);
        let proposals = registry.proposals(caller, ISSUER, &ProposalFilter::default(), page, now()).await;
        assert_eq!(proposals, Ok(Vec::new()), "after proposal {after}");
        let sets = registry.sets(ISSUER, Sequence(after), 9).await;
        assert_eq!(sets, Ok(Vec::new()), "after set {after}");
        let set = registry.set(caller, ISSUER, Sequence(after)).await;
        assert!(matches!(set, Err(Fault::NotFound(_))), "set {after}: {set:?}");
        let token = registry.revoke_token(caller, TokenId(after), now()).await;
        assert!(matches!(token, Err(Fault::NotFound(_))), "token {after}: {token:?}");
    }
}

/// A line and what it tells are written together or not at all.
pub async fn every_write_leaves_a_line_and_a_refused_one_leaves_none(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let (registry, caller) = (&scene.registry, &scene.operator);
    scene.add_people(0, 1).await;
    let site = Site { id: SiteId(1), name: "A school".into(), policy: String::new() };
    registry.put_site(caller, &site, now()).await.expect("a site");
    registry.add_device(caller, SiteId(1), "gate", now()).await.expect("a device");
    scene.change(&[(0, Change::Word(green()))]).await;
    let expected = [
        Action::IssuerPut,
        Action::IssuerPut,
        Action::HoldersAdded,
        Action::SitePut,
        Action::DeviceAdded,
        Action::Proposed,
        Action::Appended,
    ];
    // The scene makes the issuer with one line.
    assert_eq!(actions(&scene).await, expected[1..]);

    assert!(registry.add_device(caller, SiteId(1), "gate", now()).await.is_err());
    assert!(registry.add_device(caller, SiteId(9), "gate", now()).await.is_err());
    assert!(registry.remove_site(caller, SiteId(1), now()).await.is_err());
    assert!(registry.propose(caller, ISSUER, &[], now()).await.is_err());
    assert_eq!(actions(&scene).await, expected[1..], "nothing was done");
}
