//! Credentials that are issued in one moment: written together, each with its own answer, row and line.

use std::sync::Arc;

use hufu_registry::store::{NewCredential, Receiver};
use hufu_registry::{Action, CredentialRequest, Entry, Fault, Issuer, SecondPhone};
use hufu_registry::{IssuedCredential, RENEWAL_S};
use hufu_wire::{CodeKind, HolderIndex, KeyId, UnixMillis, UnixSeconds};
use tokio::task::JoinSet;

use crate::scene::now;
use crate::{Database, ISSUER, Scene};

/// More than any store writes in one statement, and no round number.
const MANY: u32 = 150;

/// Credential number `digest` of a holder, with its line.
pub(crate) fn new(holder: u32, kind: CodeKind, digest: u8, at: UnixMillis) -> NewCredential {
    let issued = at.seconds();
    let mut sha256 = [digest; 32];
    sha256[..4].copy_from_slice(&holder.to_be_bytes());
    NewCredential {
        credential: IssuedCredential {
            issuer: ISSUER,
            holder: HolderIndex(holder),
            kind,
            generation: 0,
            issued,
            expires: UnixSeconds(issued.0 + RENEWAL_S + 60),
            key: KeyId([7; 8]),
            digest: sha256,
        },
        receiver: Receiver::Unnamed,
        entry: Entry {
            at,
            who: "a clerk".into(),
            action: Action::CredentialIssued,
            issuer: Some(ISSUER),
            what: format!("{kind:?} {digest} for holder {holder}"),
        },
    }
}

/// What stands in the trail of issued credentials, in its order; the trail is whole.
async fn lines(scene: &Scene) -> Vec<String> {
    let check = scene.registry.check_trail(&scene.operator).await.expect("a look").expect("a whole trail");
    assert_eq!(check.end().number, check.lines(), "no number is left out");
    let lines = scene.store.trail(0, u32::MAX).await.expect("a trail");
    let issued = lines.into_iter().filter(|line| line.entry.action == Action::CredentialIssued);
    issued.map(|line| line.entry.what).collect()
}

async fn rows(scene: &Scene, holder: u32) -> Vec<IssuedCredential> {
    let rows = scene.store.credentials(ISSUER, HolderIndex(holder), 0, 1000).await.expect("a page");
    rows.into_iter().map(|row| row.credential).collect()
}

/// Who cannot get one is told so, leaves nothing, and fails no other.
pub async fn r46_of_many_credentials_together_each_has_its_own_outcome(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(0, MANY).await;
    let at = now();
    // Every seventh is not registered; the last comes twice, with the same bytes.
    let holder = |nth: u32| if nth.is_multiple_of(7) { 900_000 + nth } else { nth };
    let mut adds: Vec<_> = (0..MANY).map(|nth| new(holder(nth), CodeKind::Paper, 1, at)).collect();
    adds.push(adds[MANY as usize - 1].clone());
    let kept = scene.store.add_credentials(&adds).await.expect("a transaction");
    assert_eq!(kept.len(), adds.len());
    let mut written = Vec::new();
    for (add, kept) in adds.iter().zip(&kept) {
        if add.credential.holder.0 >= 900_000 {
            assert_eq!(*kept, Err(Fault::no_holder(ISSUER, add.credential.holder)));
            continue;
        }
        assert!(kept.is_ok(), "{kept:?}");
        assert_eq!(rows(&scene, add.credential.holder.0).await, std::slice::from_ref(&add.credential));
        written.push(add.entry.what.clone());
    }
    assert_eq!(lines(&scene).await, written, "in the order in which they came");
    assert!(scene.store.add_credentials(&[]).await.expect("nothing to do").is_empty());
    let unknown = [new(900_000, CodeKind::Phone, 2, at)];
    assert!(scene.store.add_credentials(&unknown).await.expect("an answer")[0].is_err());
    assert_eq!(lines(&scene).await.len(), written.len(), "what is refused leaves no line");
}

/// Two of one holder that come together are as two that come one after the other.
pub async fn r46_the_second_phone_rule_holds_among_those_that_come_together(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(0, 3).await;
    let at = now();
    let phones = [
        new(0, CodeKind::Phone, 1, at),
        new(1, CodeKind::Phone, 1, at),
        new(0, CodeKind::Phone, 2, at),
        new(0, CodeKind::Phone, 2, at),
        new(0, CodeKind::Paper, 3, at),
    ];
    let others = |kept: Vec<Result<hufu_registry::OtherPhones, Fault>>| -> Vec<u32> {
        kept.into_iter().map(|kept| kept.expect("a credential").others).collect()
    };
    assert_eq!(others(scene.store.add_credentials(&phones).await.expect("a transaction")), [0, 0, 1, 1, 0]);
    assert_eq!(rows(&scene, 0).await.len(), 3, "the same bytes are written down once");

    let issuer = scene.registry.issuer(&scene.operator, ISSUER).await.expect("the issuer");
    let issuer = Issuer { second_phone: SecondPhone::Supersede, ..issuer };
    scene.registry.put_issuer(&scene.operator, &issuer, now()).await.expect("a good issuer");
    let before = lines(&scene).await.len();
    assert_eq!(before, 4, "and so are lines of a phone's");
    let phones =
        [new(2, CodeKind::Phone, 1, at), new(2, CodeKind::Phone, 2, at), new(2, CodeKind::Paper, 3, at)];
    let kept = scene.store.add_credentials(&phones).await.expect("a transaction");
    assert!(kept[0].is_ok() && kept[2].is_ok(), "{kept:?}");
    assert!(
        matches!(&kept[1], Err(Fault::Conflict(said)) if said.contains("propose generation 1")),
        "{kept:?}"
    );
    let renewed = [NewCredential { receiver: Receiver::Renewing, ..new(2, CodeKind::Phone, 4, at) }];
    let kept = scene.store.add_credentials(&renewed).await.expect("a transaction");
    assert_eq!(kept[0].as_ref().expect("its own phone's").others, 1);
    assert_eq!(rows(&scene, 2).await.len(), 3);
    assert_eq!(lines(&scene).await.len(), before + 3);
}

/// Every answered credential has its row and its line, those of other processes among them, and nothing else has.
pub async fn r46_every_credential_of_a_rush_has_its_row_and_its_line(database: &dyn Database) {
    let scenes = [Scene::open(database).await, Scene::beside(database).await].map(Arc::new);
    scenes[0].add_people(0, MANY).await;
    let at = now();
    let mut rush = JoinSet::new();
    for nth in 0..3 * MANY {
        // A third of them is not registered.
        let scene = Arc::clone(&scenes[nth as usize % 2]);
        rush.spawn(async move {
            let wanted = CredentialRequest::Paper { valid_s: 60 + nth };
            let issued =
                scene.registry.issue(&scene.operator, ISSUER, HolderIndex(nth / 2), &wanted, at).await;
            (nth, issued)
        });
    }
    let mut issued = Vec::new();
    while let Some(one) = rush.join_next().await {
        match one.expect("no panic") {
            (nth, Ok(issuance)) => issued.push((nth, issuance.issued)),
            (nth, Err(fault)) => {
                assert!(nth / 2 >= MANY, "{nth}: {fault}");
                assert_eq!(fault, Fault::no_holder(ISSUER, HolderIndex(nth / 2)));
            }
        }
    }
    assert_eq!(u32::try_from(issued.len()), Ok(2 * MANY));
    for (nth, issued) in issued {
        assert!(rows(&scenes[0], nth / 2).await.contains(&issued), "{nth}");
    }
    let mut lines = lines(&scenes[0]).await;
    lines.sort();
    let mut expected: Vec<_> = (0..2 * MANY).map(|nth| format!("paper for holder {}", nth / 2)).collect();
    expected.sort();
    assert_eq!(lines, expected);
}
