//! Issuers.

use hufu_registry::Brake;
use hufu_registry::Fault;
use hufu_registry::store::{AppealFilter, ProposalFilter};
use hufu_registry::{Issuer, SecondPhone};
use hufu_wire::{HolderIndex, IssuerId, Sequence, SiteId};

use crate::scene::now;
use crate::{Database, ISSUER, NATIONAL, PUBLISHER, Scene};

fn issuer(id: u32, national: IssuerId) -> Issuer {
    Issuer {
        id: IssuerId(id),
        name: "Somewhere".into(),
        national,
        publisher: PUBLISHER,
        brake: Brake::DEFAULT,
        second_phone: SecondPhone::Tell,
    }
}

/// Name, publisher and brake change; the national platform, which engines are configured with, does not.
pub async fn an_issuer_is_put_changed_and_keeps_its_national_platform(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let caller = &scene.operator;
    let put = async |issuer: &Issuer| scene.registry.put_issuer(caller, issuer, now()).await;
    put(&issuer(7, NATIONAL)).await.expect("a good issuer");
    let changed = Issuer {
        name: "Elsewhere".into(),
        publisher: NATIONAL,
        brake: Brake { share_permille: 3, window_s: 60, free: 0 },
        ..issuer(7, NATIONAL)
    };
    put(&changed).await.expect("a good issuer");
    assert_eq!(scene.registry.issuer(caller, IssuerId(7)).await.as_ref(), Ok(&changed));

    assert!(matches!(put(&issuer(7, PUBLISHER)).await, Err(Fault::Conflict(_))));
    assert_eq!(scene.registry.issuer(caller, IssuerId(7)).await.as_ref(), Ok(&changed), "as it was");
    let ids: Vec<_> =
        scene.registry.issuers(caller).await.expect("issuers").iter().map(|issuer| issuer.id).collect();
    assert_eq!(ids, [IssuerId(7), ISSUER]);
    assert!(matches!(scene.registry.issuer(caller, IssuerId(8)).await, Err(Fault::NotFound(_))));
}

/// A mistyped number is no issuer, holder or site without anything: an empty list of ended trips lets cancelled codes pass.
pub async fn what_is_not_there_is_told_and_is_no_empty_list(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let (registry, caller, at) = (&scene.registry, &scene.operator, now());
    scene.add_people(0, 1).await;
    for (issuer, holder, is_there) in [(ISSUER, 0, true), (ISSUER, 1, false), (IssuerId(7), 0, false)] {
        let index = HolderIndex(holder);
        let found = [
            registry.phones(caller, issuer, index, at).await.map(|found| found.len()),
            registry.credentials(caller, issuer, index, (0, 9), at).await.map(|found| found.len()),
            registry.history(caller, issuer, index, (Sequence(0), 9), at).await.map(|found| found.len()),
        ];
        for found in found {
            let as_meant = if is_there { found == Ok(0) } else { matches!(found, Err(Fault::NotFound(_))) };
            assert!(as_meant, "holder {index} of issuer {issuer}: {found:?}");
        }
    }
    for (issuer, is_there) in [(ISSUER, true), (IssuerId(7), false)] {
        let (proposals, appeals) = (ProposalFilter::default(), AppealFilter::default());
        let found = [
            registry.ended_trips(caller, issuer, (None, 9), at).await.map(|found| found.len()),
            registry.proposals(caller, issuer, &proposals, (None, 9), at).await.map(|found| found.len()),
            registry.appeals(caller, issuer, &appeals, (None, 9), at).await.map(|found| found.len()),
            registry.fact_changes(caller, issuer, 0, 9).await.map(|found| found.len()),
        ];
        for found in found {
            let told = Err(Fault::no_issuer(issuer));
            assert_eq!(found, if is_there { Ok(0) } else { told });
        }
    }
    let nowhere = SiteId(7);
    assert_eq!(registry.rosters(caller, nowhere).await, Err(Fault::no_site(nowhere)));
    assert_eq!(registry.devices(caller, Some(nowhere), None, 9).await, Err(Fault::no_site(nowhere)));
}

/// One authority's keys must never be enough (R21).
pub async fn nobody_confirms_their_own_changes(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let check = async |case: &str, issuer: Issuer| {
        let put = scene.registry.put_issuer(&scene.operator, &issuer, now()).await;
        assert!(matches!(put, Err(Fault::Invalid { .. })), "{case}: {put:?}");
    };
    check("its own national platform", issuer(7, IssuerId(7))).await;
    check("no name", Issuer { name: String::new(), ..issuer(7, NATIONAL) }).await;
    let endless = Brake { window_s: 0, ..Brake::DEFAULT };
    check("no window", Issuer { brake: endless, ..issuer(7, NATIONAL) }).await;
}
