//! Credentials.

use hufu_codes::cbor::Reader;
use hufu_codes::{Credential, Detail, SignedCredential, Verified};
use hufu_registry::Fault;
use hufu_registry::{CredentialRequest, Issuance};
use hufu_registry::{Issuer, SecondPhone};
use hufu_signature::backend;
use hufu_wire::chain::Change;
use hufu_wire::{CodeKind, HolderIndex, HubId, Step, UnixMillis, UnixSeconds};

use crate::scene::{keyring, now, person};
use crate::{Database, ISSUER, Scene, green};

const HOLDER: HolderIndex = HolderIndex(0);

async fn issue(scene: &Scene, wanted: &CredentialRequest, now: UnixMillis) -> Result<Issuance, Fault> {
    scene.registry.issue(&scene.operator, ISSUER, HOLDER, wanted, now).await
}

async fn phone(scene: &Scene, now: UnixMillis) -> CredentialRequest {
    let terms = scene.registry.terms(&scene.operator, ISSUER, HOLDER, now).await.expect("terms");
    CredentialRequest::Phone { terms, root: [9; 16], origin: terms.issued.step(), valid_s: 24 * 3600 }
}

pub(crate) fn believed(bytes: &[u8]) -> Verified<Credential<'_>> {
    let signed = SignedCredential::read(&mut Reader::new(bytes)).expect("one encoding");
    let keyring = keyring();
    let issued = signed.claims().issued;
    let admitted = keyring.admit(signed, issued).expect("a key that may sign it");
    admitted.verify(backend()).expect("a genuine signature")
}

/// Phone (R02), paper (R03) and trip (R04), as every gate believes them.
pub async fn r04_every_kind_is_issued_and_believed(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(4, 1).await;
    let at = now();
    let s = |after: u32| UnixSeconds(at.seconds().0 + after);
    let trip = CredentialRequest::Trip { hub: HubId(9), from: s(86_400), until: s(90_000) };
    let cases = [
        (phone(&scene, at).await, CodeKind::Phone, s(24 * 3600)),
        (CredentialRequest::Paper { valid_s: 3600 }, CodeKind::Paper, s(3600)),
        (trip, CodeKind::Trip, s(90_001)),
    ];
    for (wanted, kind, expires) in cases {
        let issued = issue(&scene, &wanted, at).await.expect("a credential");
        let credential = believed(&issued.bytes);
        assert_eq!(credential.kind(), kind);
        assert_eq!((credential.issued, credential.expires), (at.seconds(), expires), "{kind:?}");
        assert_eq!((credential.holder, credential.generation), (HOLDER, 0));
        assert_eq!(credential.display, person(4).display());
        assert_eq!(issued.code.is_some(), kind != CodeKind::Phone, "a phone adds its presentation");
        if kind == CodeKind::Trip {
            let detail = Detail::Trip { hub: HubId(9), from: s(86_400), until: s(90_000) };
            assert_eq!(credential.detail, detail);
        }
    }
}

/// The generation comes from the chain, and terms made before it do not hold after it.
pub async fn a_lost_phone_gets_another_generation(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(4, 1).await;
    scene.change(&[(0, Change::Word(green()))]).await;
    let at = now();
    let before = phone(&scene, at).await;
    scene.change(&[(0, Change::Generation(1))]).await;
    assert!(matches!(issue(&scene, &before, at).await, Err(Fault::Conflict(_))));
    let after = phone(&scene, at).await;
    let issued = issue(&scene, &after, at).await.expect("a credential");
    assert_eq!(believed(&issued.bytes).generation, 1);
}

/// What every gate would refuse is refused here, by the field that is wrong.
pub async fn what_no_gate_would_take_is_not_signed(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(4, 1).await;
    let at = now();
    let CredentialRequest::Phone { terms, root, origin, valid_s } = phone(&scene, at).await else {
        unreachable!("a phone")
    };
    let s = |after: i64| UnixSeconds(u32::try_from(i64::from(at.seconds().0) + after).expect("a time"));
    let trip = |from, until| CredentialRequest::Trip { hub: HubId(9), from: s(from), until: s(until) };
    let check = async |case: &str, wanted: CredentialRequest, at, field: Option<&str>| match issue(
        &scene, &wanted, at,
    )
    .await
    {
        Err(Fault::Invalid { field: found, .. }) => assert_eq!(Some(found), field, "{case}"),
        Err(Fault::Conflict(_)) => assert_eq!(field, None, "{case}"),
        other => panic!("{case}: {other:?}"),
    };
    check(
        "a week of phone",
        CredentialRequest::Phone { terms, root, origin, valid_s: 604_800 },
        at,
        Some("valid_s"),
    )
    .await;
    check(
        "a step to come",
        CredentialRequest::Phone { terms, root, origin: Step(origin.0 + 1), valid_s },
        at,
        Some("origin"),
    )
    .await;
    check(
        "a tree that is over",
        CredentialRequest::Phone { terms, root, origin: Step(0), valid_s },
        at,
        Some("origin"),
    )
    .await;
    let later = UnixMillis(at.0 + 121_000);
    check("terms of yesterday", CredentialRequest::Phone { terms, root, origin, valid_s }, later, None).await;
    check("paper for no time", CredentialRequest::Paper { valid_s: 0 }, at, Some("valid_s")).await;
    check("paper for a month", CredentialRequest::Paper { valid_s: 2_592_000 }, at, Some("valid_s")).await;
    check("a trip that was", trip(-7200, -3600), at, Some("until")).await;
    check("a trip backwards", trip(7200, 3600), at, Some("until")).await;
    check("a trip in a year", trip(31_536_000, 31_540_000), at, Some("until")).await;
    let nobody = scene
        .registry
        .issue(&scene.operator, ISSUER, HolderIndex(5), &CredentialRequest::Paper { valid_s: 60 }, at)
        .await;
    assert!(matches!(nobody, Err(Fault::NotFound(_))));
}

/// The same bytes are one credential; the list goes on where a page ended.
pub async fn credentials_are_written_down_once_and_listed(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(4, 2).await;
    let at = now();
    for _ in 0..2 {
        issue(&scene, &CredentialRequest::Paper { valid_s: 60 }, at).await.expect("a credential");
    }
    for valid_s in 61..65 {
        issue(&scene, &CredentialRequest::Paper { valid_s }, at).await.expect("a credential");
    }
    let list = async |holder, after, limit| {
        let listed = scene.registry.credentials(&scene.operator, ISSUER, holder, (after, limit), now()).await;
        listed.expect("a page")
    };
    let first = list(HOLDER, 0, 3).await;
    let rest = list(HOLDER, first[2].number, 100).await;
    let expires: Vec<_> =
        first.iter().chain(&rest).map(|listed| listed.credential.expires.0 - at.seconds().0).collect();
    assert_eq!(expires, [60, 61, 62, 63, 64]);
    assert!(list(HolderIndex(1), 0, 10).await.is_empty(), "of another holder");
}

/// Whoever issues to a second phone of one holder is told of the first (R05), and not of what ends soon, was superseded,
/// or is not on a phone.
pub async fn a_second_phone_is_told_to_who_issues_it(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(4, 1).await;
    let at = now();
    let others =
        async |wanted: CredentialRequest, at| issue(&scene, &wanted, at).await.expect("a credential").phones;
    assert_eq!(others(phone(&scene, at).await, at).await.others, 0);
    assert_eq!(others(CredentialRequest::Paper { valid_s: 60 }, at).await.others, 0, "paper is not a phone");
    let later = UnixMillis(at.0 + 7_200_000);
    let wanted = phone(&scene, later).await;
    let CredentialRequest::Phone { terms, origin, valid_s, .. } = wanted else { unreachable!("a phone") };
    let second = CredentialRequest::Phone { terms, origin, valid_s, root: [8; 16] };
    let told = others(second, later).await;
    assert_eq!((told.others, told.until), (1, Some(UnixSeconds(at.seconds().0 + 24 * 3600))));
    assert_eq!(others(second, later).await, told, "the same again is not another");

    // The first ends within the hour: a phone that renews its credential is no second phone. The second one goes on.
    let renewed = UnixMillis(at.0 + 23 * 3_600_000);
    assert_eq!(others(phone(&scene, renewed).await, renewed).await.others, 1);
    scene.change(&[(0, Change::Word(green()))]).await;
    scene.change(&[(0, Change::Generation(1))]).await;
    assert_eq!(others(phone(&scene, renewed).await, renewed).await.others, 0, "those are superseded");
}

/// An issuer may want the first phone superseded, by a change with both signatures, before a second one gets anything.
pub async fn a_second_phone_waits_for_a_generation_where_the_issuer_wants_that(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(4, 1).await;
    let issuer = scene.registry.issuer(&scene.operator, ISSUER).await.expect("the issuer");
    let issuer = Issuer { second_phone: SecondPhone::Supersede, ..issuer };
    scene.registry.put_issuer(&scene.operator, &issuer, now()).await.expect("a good issuer");
    let kept = scene.registry.issuer(&scene.operator, ISSUER).await;
    assert_eq!(kept.as_ref(), Ok(&issuer));

    let at = now();
    issue(&scene, &phone(&scene, at).await, at).await.expect("the first");
    let later = UnixMillis(at.0 + 60_000);
    let refused = issue(&scene, &phone(&scene, later).await, later).await;
    let Err(Fault::Conflict(said)) = refused else { panic!("{refused:?}") };
    assert!(said.contains("propose generation 1"), "{said}");
    let listed = scene.registry.credentials(&scene.operator, ISSUER, HOLDER, (0, 9), now()).await;
    assert_eq!(listed.expect("a list").len(), 1, "nothing was written down");
    issue(&scene, &CredentialRequest::Paper { valid_s: 60 }, later).await.expect("paper is not a phone");

    scene.change(&[(0, Change::Word(green()))]).await;
    scene.change(&[(0, Change::Generation(1))]).await;
    let issued = issue(&scene, &phone(&scene, later).await, later).await.expect("the next generation");
    assert_eq!((believed(&issued.bytes).generation, issued.phones.others), (1, 0));
}
