//! Rosters.

use hufu_codes::roster::parse;
use hufu_registry::Fault;
use hufu_registry::Roster;
use hufu_registry::Site;
use hufu_signature::backend;
use hufu_wire::{HolderIndex, IssuerId, SiteId};

use crate::scene::{keyring, now};
use crate::{Database, ISSUER, Scene};

/// A school's roster, as its terminal's engine believes it (R12).
pub async fn r12_a_roster_is_kept_signed_and_believed(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let (registry, caller) = (&scene.registry, &scene.operator);
    let id = SiteId(5);
    let members = [(ISSUER, HolderIndex(9)), (IssuerId(7), HolderIndex(3)), (ISSUER, HolderIndex(1))];
    let roster =
        |count: usize| Roster::new(id, "3b".into(), members.into_iter().take(count)).expect("a good roster");
    scene.add_people(0, 9).await;
    let unknown = registry.put_roster(caller, &roster(1), now()).await;
    assert!(matches!(unknown, Err(Fault::Invalid { field: "groups", .. })), "holder 9 is not registered");
    scene.add_people(9, 1).await;
    let nowhere = registry.put_roster(caller, &roster(3), now()).await;
    assert!(matches!(nowhere, Err(Fault::NotFound(_))), "no such site");
    let site = Site { id, name: "A school".into(), policy: "roster = true".into() };
    registry.put_site(caller, &site, now()).await.expect("a good site");
    registry.put_roster(caller, &roster(1), now()).await.expect("a roster");
    registry.put_roster(caller, &roster(3), now()).await.expect("the same, changed");
    assert_eq!(registry.roster(caller, id, "3b", now()).await, Ok(roster(3)));
    let summaries = registry.rosters(caller, id).await.expect("a list");
    assert_eq!(
        summaries.iter().map(|summary| (summary.name.as_str(), summary.members)).collect::<Vec<_>>(),
        [("3b", 3)]
    );

    let at = now();
    let bytes = registry.sign_roster(caller, id, "3b", 3600, at).await.expect("a signed roster");
    let keyring = keyring();
    let admitted =
        keyring.admit(parse(&bytes).expect("one encoding"), at.seconds()).expect("a key that may sign it");
    let signed = admitted.verify(backend()).expect("a genuine signature");
    assert_eq!(signed.usable(id, at.seconds()), Ok(()));
    assert_eq!((signed.expires().0 - signed.issued().0, signed.len()), (3600, 3));
    assert_eq!(signed.members().next(), Some((IssuerId(7), HolderIndex(3))));
    let endless = registry.sign_roster(caller, id, "3b", u32::MAX, at).await;
    assert!(matches!(endless, Err(Fault::Invalid { .. })));

    assert_eq!(registry.remove_roster(caller, id, "3b", now()).await, Ok(()));
    assert!(matches!(registry.remove_roster(caller, id, "3b", now()).await, Err(Fault::NotFound(_))));
    assert!(matches!(registry.sign_roster(caller, id, "3b", 60, now()).await, Err(Fault::NotFound(_))));
}
