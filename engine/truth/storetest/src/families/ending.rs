//! What becomes of a binding, and the codes of its relative.

use hufu_codes::cbor::Reader;
use hufu_codes::{Detail, SignedCredential};
use hufu_registry::{BindingId, BindingState, Fault, Issuance, Meant, Side};
use hufu_signature::backend;
use hufu_wire::chain::Change;
use hufu_wire::{CodeKind, HolderIndex, UnixMillis, limits};

use super::{HOUR_MS, MORNING, add, bind, said, works};
use crate::scene::{keyring, now};
use crate::{Database, ISSUER, Scene, green};

async fn issue(scene: &Scene, id: BindingId, valid_s: u32, at: UnixMillis) -> Result<Issuance, Fault> {
    scene.registry.issue_family_code(&scene.operator, ISSUER, id, valid_s, at).await
}

async fn list(scene: &Scene, side: Side, holder: u32, at: UnixMillis) -> Vec<(u64, BindingState)> {
    let page = (BindingId(0), 100);
    let listed =
        scene.registry.bindings(&scene.operator, ISSUER, (side, HolderIndex(holder)), page, at).await;
    works(listed).into_iter().map(|view| (view.binding.id.0, view.state)).collect()
}

/// Neither side ends a binding within a day of making it; both may afterwards, and the other need not agree.
pub async fn r27_either_side_ends_a_binding_after_24_hours(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let (_, user) = add(&scene, "19800101", 1).await;
    let children = [add(&scene, "20150101", 1).await, add(&scene, "20150101", 2).await];
    for (child, side) in children.iter().zip(Side::ALL) {
        let id = works(bind(&scene, user, child, MORNING).await).binding.id;
        let end = async |at| scene.registry.end_binding(&scene.operator, ISSUER, id, side, at).await;
        let day = UnixMillis(MORNING.0 + 24 * HOUR_MS);
        let early = end(UnixMillis(day.0 - 1)).await;
        assert!(matches!(early, Err(Fault::Conflict(_))));
        assert_eq!(
            said(early),
            "a binding can be ended 24 hours after it was made: from 2026-09-23T10:00:00+08:00 on"
        );
        assert_eq!(list(&scene, Side::Relative, child.1, day).await, [(id.0, BindingState::Active)]);
        let ended = works(end(day).await);
        assert_eq!((ended.state, ended.binding.ended), (BindingState::Ended, Some((day, side))));
        let again = works(end(UnixMillis(day.0 + 1)).await);
        assert_eq!(again.binding.ended, Some((day, side)), "the first end counts");
        let refused = issue(&scene, id, 60, day).await;
        assert!(matches!(refused, Err(Fault::Conflict(_))), "no more codes are printed for it");
    }
    let nobody = scene.registry.end_binding(&scene.operator, ISSUER, BindingId(9), Side::User, MORNING).await;
    assert!(matches!(nobody, Err(Fault::NotFound(_))));
}

/// From the first second of the relative's 17th birthday the binding has ended by itself, and no code outlives it. People of
/// 60 and over stay bound.
pub async fn r27_a_child_s_binding_ends_on_the_17th_birthday(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let (_, user) = add(&scene, "19800101", 1).await;
    // Seventeen on the 25th of September 2026, in Shanghai.
    let child = add(&scene, "20090925", 1).await;
    let elder = add(&scene, "19500925", 1).await;
    let birthday = UnixMillis(1_790_265_600_000);
    let bound = works(bind(&scene, user, &child, MORNING).await).binding;
    assert_eq!(bound.until, Some(birthday));
    let week = limits::PAPER_VALIDITY_S_MAX;
    let code = works(issue(&scene, bound.id, week, MORNING).await).issued;
    assert_eq!(code.expires, birthday.seconds(), "not a week, but until the birthday");
    let short = works(issue(&scene, bound.id, 3600, MORNING).await).issued;
    assert_eq!(short.expires.0, MORNING.seconds().0 + 3600);
    let last = UnixMillis(birthday.0 - 1);
    assert_eq!(list(&scene, Side::User, user, last).await, [(1, BindingState::Active)]);
    assert_eq!(list(&scene, Side::User, user, birthday).await, [(1, BindingState::AgedOut)]);
    assert!(matches!(issue(&scene, bound.id, 60, birthday).await, Err(Fault::Conflict(_))));
    let again = bind(&scene, user, &child, birthday).await;
    assert_eq!(said(again), "only people of 16 and under or of 60 and over can be bound");
    // It counts for no limit any more, and ending it changes nothing.
    let ended = scene.registry.end_binding(&scene.operator, ISSUER, bound.id, Side::User, birthday).await;
    assert_eq!((works(ended).state), BindingState::AgedOut);

    let bound = works(bind(&scene, user, &elder, MORNING).await).binding;
    assert_eq!(bound.until, None);
    let years = UnixMillis(MORNING.0 + 30 * 365 * 24 * HOUR_MS);
    assert_eq!(list(&scene, Side::Relative, elder.1, years).await, [(bound.id.0, BindingState::Active)]);
}

/// A code is of the relative's own record: index, generation and masked name, so that the relative's own colour decides.
pub async fn r27_a_family_code_is_the_relative_s_own(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let (_, user) = add(&scene, "19800101", 1).await;
    let child = add(&scene, "20150101", 1).await;
    scene.change(&[(child.1, Change::Word(green()))]).await;
    scene.change(&[(child.1, Change::Generation(3))]).await;
    let bound = works(bind(&scene, user, &child, MORNING).await);
    let issued = works(issue(&scene, bound.binding.id, limits::PAPER_VALIDITY_S_MAX, MORNING).await);
    let signed = SignedCredential::read(&mut Reader::new(&issued.bytes)).expect("one encoding");
    let keyring = keyring();
    let admitted = keyring.admit(signed, MORNING.seconds()).expect("a key that signs paper");
    let code = admitted.verify(backend()).expect("a genuine signature");
    assert_eq!((code.kind(), code.detail), (CodeKind::Family, Detail::Family), "not a paper code");
    assert_eq!((code.holder, code.generation), (HolderIndex(child.1), 3));
    assert_eq!(code.display, format!("赵*{}", &child.0.number[14..]));
    assert_eq!(code.expires.0, MORNING.seconds().0 + 7 * 86_400);
    assert!(issued.code.is_some(), "there is something to print");
    let kept = works(scene.store.credentials(ISSUER, HolderIndex(child.1), 0, 10).await);
    assert_eq!(kept.iter().map(|kept| kept.credential.kind).collect::<Vec<_>>(), [CodeKind::Family]);
    for wrong in [0, limits::PAPER_VALIDITY_S_MAX + 1] {
        let refused = issue(&scene, bound.binding.id, wrong, MORNING).await;
        assert!(matches!(refused, Err(Fault::Invalid { field: "valid_s", .. })), "{wrong}");
    }
}

fn meant((index, display): &(u32, String)) -> Meant<'_> {
    Meant { index: HolderIndex(*index), display }
}

/// Bindings of a record that was joined are those of the one that goes on, for lists, for limits and for codes.
pub async fn r27_bindings_follow_a_record_that_was_joined(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let (parent, user) = add(&scene, "19800101", 1).await;
    let (old, retired) = add(&scene, "19800101", 2).await;
    let child = add(&scene, "20150101", 1).await;
    works(bind(&scene, retired, &child, MORNING).await);
    let display =
        |name: &str, number: &str| format!("{}*{}", name.chars().next().expect("a name"), &number[14..]);
    let [kept, ends] =
        [(user, display(&parent.name, &parent.number)), (retired, display(&old.name, &old.number))];
    let records = (meant(&kept), meant(&ends));
    works(scene.registry.join_holders(&scene.operator, ISSUER, records, false, ("one person", now())).await);

    let active = [(1, BindingState::Active)];
    assert_eq!(list(&scene, Side::User, user, MORNING).await, active);
    assert_eq!(list(&scene, Side::User, retired, MORNING).await, active, "the old index leads to the same");
    let again = works(bind(&scene, user, &child, MORNING).await);
    assert_eq!(again.binding.id, BindingId(1), "the same two people");
    assert_eq!(again.user_display, kept.1);
    works(issue(&scene, BindingId(1), 60, MORNING).await);
    for n in 2..9 {
        works(bind(&scene, user, &add(&scene, "20150101", n).await, MORNING).await);
    }
    let ninth = bind(&scene, user, &add(&scene, "20150101", 9).await, MORNING).await;
    assert!(matches!(ninth, Err(Fault::Conflict(_))), "the one of the old record counts");
}
