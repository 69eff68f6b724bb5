//! Families: relatives bound to users (R27). What an application must show is in `assured`, limits and races in
//! `crowded`, what becomes of a binding in `ending`.

mod assured;
mod crowded;
mod ending;

use std::fmt::Debug;

use hufu_codes::issue::Secret;
use hufu_registry::{
    Application, Assurance, Base64Url, BindingId, BindingView, Caller, Commitment, Consent, ConsentWay,
    FaceStatement, Fault, Hex, IdNumber, NewToken, Person, Scope, Scopes, Side,
};
use hufu_wire::{HolderIndex, IssuerId, UnixMillis};

use crate::scene::{FACES, now};
use crate::{Database, ISSUER, Scene, Tampering};

pub use assured::{
    r27_a_face_check_is_believed_by_its_signature_alone, r27_the_consent_of_the_relative_is_recorded,
    r27_up_to_six_years_a_signed_commitment_stands_for_the_face_check,
};
pub use crowded::{
    r27_a_user_has_8_relatives_and_a_relative_3_users, r27_many_applicants_at_once_do_not_pass_the_limits,
    r27_the_same_application_twice_is_one_binding,
};
pub use ending::{
    r27_a_child_s_binding_ends_on_the_17th_birthday, r27_a_family_code_is_the_relative_s_own,
    r27_bindings_follow_a_record_that_was_joined, r27_either_side_ends_a_binding_after_24_hours,
};

/// 2026-09-22T00:00 in Shanghai, where it is still the 21st in Greenwich.
const MIDNIGHT: UnixMillis = UnixMillis(1_790_006_400_000);
const HOUR_MS: u64 = 3_600_000;
/// Ten in the morning of that day.
const MORNING: UnixMillis = UnixMillis(MIDNIGHT.0 + 10 * HOUR_MS);

/// The `n`th person who was born on a day, `19800101`.
#[derive(Clone, Debug)]
struct Someone {
    name: String,
    number: String,
}

impl Someone {
    fn born(day: &str, n: u32) -> Someone {
        let front = format!("110105{day}{n:03}");
        let numbers = "10X98765432".chars().map(|check| format!("{front}{check}"));
        let number = numbers.into_iter().find(|number| IdNumber::read(number).is_ok());
        Someone { name: format!("赵{day}的{n}"), number: number.expect("one of eleven is right") }
    }

    async fn registered(&self, scene: &Scene) -> u32 {
        let number = IdNumber::read(&self.number).expect("a good number");
        let person = Person::new(self.name.clone(), number, None).expect("a good person");
        let registered = scene.registry.add_holders(&scene.operator, ISSUER, &[person], now()).await;
        registered.expect("a place")[0].index.0
    }
}

/// Registers somebody.
async fn add(scene: &Scene, day: &str, n: u32) -> (Someone, u32) {
    let someone = Someone::born(day, n);
    let index = someone.registered(scene).await;
    (someone, index)
}

fn statement(user: u32, relative: u32, at: UnixMillis) -> FaceStatement {
    let (user, relative) = (HolderIndex(user), HolderIndex(relative));
    FaceStatement { issuer: ISSUER, user, relative, level: 2, at }
}

fn face(user: u32, relative: u32, at: UnixMillis) -> Assurance {
    Assurance::Face {
        statement: Base64Url(statement(user, relative, at).sign(&Secret::ed25519(&FACES)).to_vec()),
    }
}

fn text(scene: &Scene) -> Commitment {
    let texts = scene.registry.commitments(&scene.operator, ISSUER).expect("the operator may");
    texts.iter().find(|text| text.version == "zh-1").expect("the text that comes with the registry").clone()
}

fn commitment(scene: &Scene, user: &Someone, at: UnixMillis) -> Assurance {
    let text = text(scene);
    Assurance::Commitment {
        text_digest: Hex(text.digest()),
        version: text.version,
        signed_name: user.name.clone(),
        signature: Some(Base64Url(b"the strokes of a pen".to_vec())),
        signed_ms: at.0,
    }
}

fn asked(user: u32, relative: &Someone, assurance: Assurance, at: UnixMillis) -> Application {
    Application {
        user: HolderIndex(user),
        name: relative.name.clone().into(),
        id_number: relative.number.clone().into(),
        born: None,
        assurance,
        consent: Consent {
            how: ConsentWay::Guardian,
            recorded_by: "counter 3 of Chaoyang".into(),
            given_ms: at.0,
        },
    }
}

async fn apply(scene: &Scene, application: &Application, at: UnixMillis) -> Result<BindingView, Fault> {
    scene.registry.bind(&scene.operator, ISSUER, application, at).await
}

/// Binds somebody above six years.
async fn bind(
    scene: &Scene,
    user: u32,
    relative: &(Someone, u32),
    at: UnixMillis,
) -> Result<BindingView, Fault> {
    apply(scene, &asked(user, &relative.0, face(user, relative.1, at), at), at).await
}

/// What a refused applicant reads.
fn said<T>(refused: Result<T, Fault>) -> String {
    match refused {
        Ok(_) => "nothing: it was done".into(),
        Err(Fault::Invalid { what, .. }) => what,
        Err(fault) => fault.to_string(),
    }
}

fn is_invalid<T>(found: &Result<T, Fault>, wanted: &str) -> bool {
    matches!(found, Err(Fault::Invalid { field, .. }) if *field == wanted)
}

fn works<T, E: Debug>(done: Result<T, E>) -> T {
    done.expect("what may be done")
}

/// Each kind of wrong number gets the message to enter a correct one, whoever the relative is.
pub async fn r27_a_wrong_number_is_told_so(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let (_, user) = add(&scene, "19800101", 1).await;
    let child = Someone::born("20150101", 1);
    let check = async |number: &str, why: &str| {
        let someone = Someone { number: number.into(), ..child.clone() };
        let refused = apply(&scene, &asked(user, &someone, face(user, 1, MORNING), MORNING), MORNING).await;
        assert!(is_invalid(&refused, "id_number"));
        let said = said(refused);
        assert_eq!(said, format!("enter a correct id number: {why}"), "{number}");
    };
    check("110105194912310021", "the check character is wrong: a digit is wrong or two are swapped").await;
    check("110105491231002", "it has 15 digits, as before 1999; write the number with 18 digits").await;
    check("990105194912310023", "it begins with 9, as that of a foreigner's permanent residence: its second and third digits are those of no province").await;
    check(&Someone::born("20270101", 1).number, "it has a date of birth in the future").await;
    let short = Someone { number: "1".into(), ..child.clone() };
    let refused = apply(&scene, &asked(user, &short, face(user, 1, MORNING), MORNING), MORNING).await;
    assert!(said(refused).starts_with("enter a correct id number: "));
}

/// 16 and under, 60 and over, on the day of application in the issuer's zone; nobody between.
pub async fn r27_ages_are_those_of_the_day_of_application(database: &dyn Database) {
    const BETWEEN: &str = "only people of 16 and under or of 60 and over can be bound";
    let scene = Scene::open(database).await;
    let (_, user) = add(&scene, "19800101", 1).await;
    // The last millisecond of the 21st and the first of the 22nd of September 2026, in Shanghai.
    let (before, on) = (UnixMillis(MIDNIGHT.0 - 1), MIDNIGHT);
    let check = async |born: &str, at: UnixMillis, may: bool| {
        let (someone, relative) = add(&scene, born, 1).await;
        let found = apply(&scene, &asked(user, &someone, face(user, relative, at), at), at).await;
        if may {
            let bound = works(found);
            assert_eq!(bound.binding.relative, HolderIndex(relative), "{born}");
            let later = UnixMillis(at.0 + 24 * HOUR_MS);
            works(
                scene
                    .registry
                    .end_binding(&scene.operator, ISSUER, bound.binding.id, Side::User, later)
                    .await,
            );
        } else {
            assert!(is_invalid(&found, "id_number"), "{born}");
            assert_eq!(said(found), BETWEEN, "{born}");
        }
    };
    // Seventeen on the 22nd: sixteen the day before.
    check("20090922", before, true).await;
    check("20090922", on, false).await;
    check("20090923", on, true).await;
    // Sixty on the 22nd: fifty-nine the day before.
    check("19660922", before, false).await;
    check("19660922", on, true).await;
    check("19660923", on, false).await;
    check("19880808", on, false).await;
    check("19300101", on, true).await;
    // Seven on the 22nd: a commitment still stands for the face check the day before.
    let (someone, relative) = add(&scene, "20190922", 1).await;
    let young = apply(&scene, &asked(user, &someone, face(user, relative, before), before), before).await;
    assert!(is_invalid(&young, "assurance"));
    works(apply(&scene, &asked(user, &someone, face(user, relative, on), on), on).await);
}

/// A passport's number says no date of birth: the request does, and it decides and is kept.
pub async fn r27_a_document_without_a_date_of_birth_needs_one(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let (_, user) = add(&scene, "19800101", 1).await;
    let someone = Someone { name: "Ada".into(), number: "passport:GBR:E12345678".into() };
    let relative = someone.registered(&scene).await;
    let with = |born: Option<&str>| Application {
        born: born.map(str::to_owned),
        ..asked(user, &someone, face(user, relative, MORNING), MORNING)
    };
    for (born, field) in [
        (None, "born"),
        (Some("2015"), "born"),
        (Some("2015-02-29"), "born"),
        (Some("2026-09-23"), "born"),
        (Some("2000-01-01"), "id_number"),
    ] {
        assert!(is_invalid(&apply(&scene, &with(born), MORNING).await, field), "{born:?}");
    }
    let bound = works(apply(&scene, &with(Some("2015-02-28")), MORNING).await);
    assert_eq!(bound.evidence.born.as_deref(), Some("2015-02-28"));
    // 2032-02-28 in Shanghai.
    assert_eq!(bound.binding.until, Some(UnixMillis(1_961_510_400_000)));
    let child = add(&scene, "20150101", 1).await;
    let other = Application {
        born: Some("2015-01-02".into()),
        ..asked(user, &child.0, face(user, child.1, MORNING), MORNING)
    };
    assert!(is_invalid(&apply(&scene, &other, MORNING).await, "born"), "the number says another");
}

/// The relative is the registered person with this number and this name.
pub async fn r27_names_are_compared_with_the_register(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let (_, user) = add(&scene, "19800101", 1).await;
    let child = add(&scene, "20150101", 1).await;
    let spelt = Someone { name: child.0.name.replace("赵", " 赵　"), ..child.0.clone() };
    let other = Someone { name: "钱小二".into(), ..child.0.clone() };
    let application = |someone: &Someone| asked(user, someone, face(user, child.1, MORNING), MORNING);
    let refused = apply(&scene, &application(&other), MORNING).await;
    assert!(
        matches!(&refused, Err(Fault::Conflict(said)) if said.contains("another name") && !said.contains('赵'))
    );
    works(apply(&scene, &application(&spelt), MORNING).await);
    let nobody = apply(&scene, &application(&Someone::born("20150101", 2)), MORNING).await;
    assert!(matches!(&nobody, Err(Fault::NotFound(_))));
    assert!(said(nobody).contains("register the relative first"));
    let no_user = apply(&scene, &asked(99, &child.0, face(99, child.1, MORNING), MORNING), MORNING).await;
    assert!(matches!(no_user, Err(Fault::NotFound(_))));
    let (elder, itself) = add(&scene, "19500101", 1).await;
    let alone = apply(&scene, &asked(itself, &elder, face(itself, itself, MORNING), MORNING), MORNING).await;
    assert_eq!(said(alone), "the user and the relative are one person");
}

/// Nothing of an application is in the database in clear, and the newest key seals it again (R45).
pub async fn r27_what_an_application_showed_is_kept_sealed(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let (parent, user) = add(&scene, "19800101", 1).await;
    let (child, _) = add(&scene, "20200101", 1).await;
    let bound = works(
        apply(&scene, &asked(user, &child, commitment(&scene, &parent, MORNING), MORNING), MORNING).await,
    );
    let stored = database.stored().await;
    let holds = |text: &str| memchr::memmem::find(&stored, text.as_bytes()).is_some();
    assert!(holds("family.bound"), "values stand in it as they are");
    for secret in [&parent.name, &parent.number, &child.name, &child.number, "counter 3", "zh-1", "strokes"] {
        assert!(!holds(secret), "{secret}");
    }
    let both = crate::scene::key_file().replacen("seal", &format!("seal {}\nseal", "c3".repeat(32)), 1);
    let rotating = Scene::with_vault(database, &both).await;
    assert_eq!(
        rotating.registry.rotate_vault(&rotating.operator, now()).await,
        Ok(3),
        "two people and a binding"
    );
    let id = bound.binding.id;
    let newest_only = both.lines().take(3).collect::<Vec<_>>().join("\n");
    let rotated = Scene::with_vault(database, &newest_only).await;
    let kept = works(rotated.registry.binding(&rotated.operator, ISSUER, id, MORNING).await);
    assert!(kept.evidence == bound.evidence, "the same as before");
}

/// Who administers the database makes no binding last longer.
pub async fn r27_an_altered_binding_is_found(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let (_, user) = add(&scene, "19800101", 1).await;
    let child = add(&scene, "20150101", 1).await;
    let id = works(bind(&scene, user, &child, MORNING).await).binding.id;
    database.tamper(Tampering::StretchBindings).await;
    let damaged = |fault: Option<Fault>| matches!(fault, Some(Fault::Damaged(_)));
    let (registry, operator) = (&scene.registry, &scene.operator);
    assert!(damaged(registry.binding(operator, ISSUER, id, MORNING).await.err()));
    assert!(damaged(registry.issue_family_code(operator, ISSUER, id, 3600, MORNING).await.err()));
    let later = UnixMillis(MORNING.0 + 48 * HOUR_MS);
    assert!(damaged(registry.end_binding(operator, ISSUER, id, Side::User, later).await.err()));
}

/// Every method needs the scope, for this issuer, and reads leave a line of the trail (R44).
pub async fn r27_only_who_may_binds_relatives(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let (_, user) = add(&scene, "19800101", 1).await;
    let child = add(&scene, "20150101", 1).await;
    let caller = async |label: &str, scopes: Scopes, issuer: Option<IssuerId>| {
        let expires = UnixMillis(now().0 + HOUR_MS * 1000);
        let new = NewToken { label: label.into(), scopes, issuer, expires };
        let (_, secret) = works(scene.registry.add_token(&scene.operator, &new, now()).await);
        works(scene.registry.authenticate(secret.as_str(), now()).await)
    };
    let others = Scopes::of(Scope::ALL.into_iter().filter(|scope| *scope != Scope::Families));
    let strangers =
        [caller("others", others, None).await, caller("elsewhere", Scopes::ALL, Some(IssuerId(9))).await];
    let forbidden =
        |fault: Option<Fault>| matches!(fault, Some(Fault::Forbidden { scope: Scope::Families, .. }));
    let registry = &scene.registry;
    let application = asked(user, &child.0, face(user, child.1, MORNING), MORNING);
    let id = BindingId(1);
    for stranger in &strangers {
        assert!(forbidden(registry.bind(stranger, ISSUER, &application, MORNING).await.err()));
        assert!(forbidden(registry.binding(stranger, ISSUER, id, MORNING).await.err()));
        assert!(forbidden(registry.end_binding(stranger, ISSUER, id, Side::User, MORNING).await.err()));
        assert!(forbidden(registry.issue_family_code(stranger, ISSUER, id, 60, MORNING).await.err()));
        let page = (BindingId(0), 10);
        let listed =
            registry.bindings(stranger, ISSUER, (Side::User, HolderIndex(user)), page, MORNING).await;
        assert!(forbidden(listed.err()));
        assert!(forbidden(registry.commitments(stranger, ISSUER).err()));
    }
    let clerk: Caller = caller("clerk", Scopes::of([Scope::Families]), Some(ISSUER)).await;
    let after = works(scene.store.trail_end().await).number;
    works(registry.bind(&clerk, ISSUER, &application, MORNING).await);
    works(registry.issue_family_code(&clerk, ISSUER, id, 60, MORNING).await);
    works(registry.binding(&clerk, ISSUER, id, MORNING).await);
    let lines = works(scene.store.trail(after, 100).await);
    let lines: Vec<_> =
        lines.iter().map(|line| (line.entry.action.slug(), line.entry.what.as_str())).collect();
    assert_eq!(
        lines,
        [
            ("family.read", "application of holder 0"),
            ("family.bound", "holder 1 to user 0: binding 1"),
            ("credential.issued", "family for holder 1, binding 1"),
            ("family.read", "binding 1"),
        ]
    );
}
