//! What an application must show: a face check or a commitment, and the relative's consent.

use hufu_codes::issue::Secret;
use hufu_registry::{Application, Assurance, Base64Url, Consent, ConsentWay, FaceStatement, KeptAssurance};
use hufu_wire::{HolderIndex, IssuerId, UnixMillis};

use super::{
    HOUR_MS, MORNING, Someone, add, apply, asked, bind, commitment, face, is_invalid, said, statement, text,
    works,
};
use crate::scene::FACES;
use crate::{Database, ISSUER, Scene};

/// A child up to six: a commitment, of a known text, signed with the user's name; nobody else's.
pub async fn r27_up_to_six_years_a_signed_commitment_stands_for_the_face_check(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let (parent, user) = add(&scene, "19800101", 1).await;
    let (child, _) = add(&scene, "20200101", 1).await;
    let older = add(&scene, "20150101", 1).await;
    let signed = |change: &dyn Fn(&mut Assurance)| {
        let mut assurance = commitment(&scene, &parent, MORNING);
        change(&mut assurance);
        asked(user, &child, assurance, MORNING)
    };
    let refuses = async |application: &Application, why: &str| {
        let refused = apply(&scene, application, MORNING).await;
        assert!(is_invalid(&refused, "assurance"), "{why}");
        assert!(said(refused).contains(why), "{why}");
    };
    refuses(&asked(user, &child, face(user, 1, MORNING), MORNING), "the user signs a commitment").await;
    refuses(&asked(user, &older.0, commitment(&scene, &parent, MORNING), MORNING), "needs a face check")
        .await;
    let altered = |assurance: &mut Assurance| {
        if let Assurance::Commitment { text_digest, .. } = assurance {
            text_digest.0[0] ^= 1;
        }
    };
    refuses(&signed(&altered), "not the registry's of this version").await;
    let of_version = |assurance: &mut Assurance| {
        if let Assurance::Commitment { version, .. } = assurance {
            *version = "zh-0".into();
        }
    };
    refuses(&signed(&of_version), "no text of the registry has this version").await;
    let of_name = |assurance: &mut Assurance| {
        if let Assurance::Commitment { signed_name, .. } = assurance {
            *signed_name = "钱小二".into();
        }
    };
    refuses(&signed(&of_name), "another name than the user's").await;
    let of_tomorrow = |assurance: &mut Assurance| {
        if let Assurance::Commitment { signed_ms, .. } = assurance {
            *signed_ms += 24 * HOUR_MS;
        }
    };
    refuses(&signed(&of_tomorrow), "signed in the future").await;

    let bound = works(apply(&scene, &signed(&|_| ()), MORNING).await);
    let KeptAssurance::Commitment { version, text_digest, signed_name, .. } = &bound.evidence.assurance
    else {
        panic!("a commitment was kept")
    };
    assert_eq!((version.as_str(), text_digest.0), ("zh-1", text(&scene).digest()), "the text by its version");
    assert_eq!(*signed_name, parent.name);
}

/// A statement is of one application, fresh, high enough, and signed by a service that the operator listed.
pub async fn r27_a_face_check_is_believed_by_its_signature_alone(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let (_, user) = add(&scene, "19800101", 1).await;
    let (_, other) = add(&scene, "19800101", 2).await;
    let child = add(&scene, "20150101", 1).await;
    let good = statement(user, child.1, MORNING);
    let check = async |bytes: Vec<u8>, why: &str| {
        let assurance = Assurance::Face { statement: Base64Url(bytes) };
        let refused = apply(&scene, &asked(user, &child.0, assurance, MORNING), MORNING).await;
        assert!(is_invalid(&refused, "assurance"), "{why}");
        assert!(said(refused).contains(why), "{why}");
    };
    check(good.sign(&Secret::ed25519(&[0x67; 32])).to_vec(), "no key").await;
    let mut raised = good.sign(&Secret::ed25519(&FACES)).to_vec();
    raised[23] += 1;
    check(raised, "no key").await;
    check(good.sign(&Secret::ed25519(&FACES))[..95].to_vec(), "96 bytes").await;
    check(vec![0; 96], "another message").await;
    let signed = |statement: FaceStatement| statement.sign(&Secret::ed25519(&FACES)).to_vec();
    check(signed(FaceStatement { level: 1, ..good }), "level is too low").await;
    check(signed(FaceStatement { user: HolderIndex(other), ..good }), "another application").await;
    check(signed(FaceStatement { relative: HolderIndex(other), ..good }), "another application").await;
    check(signed(FaceStatement { issuer: IssuerId(9), ..good }), "another application").await;
    check(signed(FaceStatement { at: UnixMillis(MORNING.0 - HOUR_MS - 1), ..good }), "older than an hour")
        .await;
    check(signed(FaceStatement { at: UnixMillis(MORNING.0 + 60_000), ..good }), "of the future").await;

    let bound = works(bind(&scene, user, &child, MORNING).await);
    let KeptAssurance::Face { statement, level, at_ms, .. } = bound.evidence.assurance else {
        panic!("a statement was kept")
    };
    assert_eq!((level, at_ms, statement.0), (2, MORNING.0, good.sign(&Secret::ed25519(&FACES)).to_vec()));
}

/// Who consented, how and when; for children under 14 a guardian.
pub async fn r27_the_consent_of_the_relative_is_recorded(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let (_, user) = add(&scene, "19800101", 1).await;
    let child = add(&scene, "20150101", 1).await;
    let elder = add(&scene, "19500101", 1).await;
    let consented = |relative: &(Someone, u32), how, recorded_by: &str, given_ms| Application {
        consent: Consent { how, recorded_by: recorded_by.into(), given_ms },
        ..asked(user, &relative.0, face(user, relative.1, MORNING), MORNING)
    };
    for application in [
        consented(&child, ConsentWay::InPerson, "counter 3", MORNING.0),
        consented(&elder, ConsentWay::InPerson, "", MORNING.0),
        consented(&elder, ConsentWay::InPerson, "counter 3", MORNING.0 + HOUR_MS),
    ] {
        assert!(is_invalid(&apply(&scene, &application, MORNING).await, "consent"));
    }
    let bound = works(
        apply(&scene, &consented(&elder, ConsentWay::InPerson, "counter 3", MORNING.0 - 9), MORNING).await,
    );
    let kept = works(scene.registry.binding(&scene.operator, ISSUER, bound.binding.id, MORNING).await);
    let Consent { how, recorded_by, given_ms } = kept.evidence.consent;
    assert_eq!((how, recorded_by.as_str(), given_ms), (ConsentWay::InPerson, "counter 3", MORNING.0 - 9));
}
