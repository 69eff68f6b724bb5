//! Issuers.

use hufu_registry::Brake;
use hufu_registry::Fault;
use hufu_registry::{Issuer, SecondPhone};
use hufu_wire::IssuerId;

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
