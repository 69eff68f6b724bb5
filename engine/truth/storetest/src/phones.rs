//! Phones of holders: invited, activated, renewed, ended.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use hufu_codes::Detail;
use hufu_contract::{BindingId, PhoneName, PhoneRequest, ProofLevel, SecondPhone};
use hufu_registry::store::{NewCredential, Receiver};
use hufu_registry::{
    Action, Activated, Fault, INVITATION_S_MAX, InvitationNumber, Issuer, KnownPhone, PhoneFault, PhoneKey,
    Renewal, Terms,
};
use hufu_wire::chain::Change;
use hufu_wire::{CodeKind, HolderIndex, UnixMillis, UnixSeconds};

use crate::credentials::believed;
use crate::scene::{now, person};
use crate::together::new;
use crate::{Database, ISSUER, Scene, green};

const HOLDER: HolderIndex = HolderIndex(0);
const DAY_S: u32 = 86_400;

/// A phone with its secret key.
struct Phone(EcdsaKeyPair);

impl Phone {
    fn new() -> Phone {
        Phone(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"))
    }

    fn key(&self) -> PhoneKey {
        PhoneKey(self.0.public_key().as_ref().try_into().expect("an uncompressed point"))
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(&SystemRandom::new(), message).expect("a signature").as_ref().to_vec()
    }

    /// As the registry knows it that asks for something.
    async fn known(&self, scene: &Scene, name: PhoneName) -> Result<KnownPhone, Fault> {
        let message = request(name);
        scene.registry.known_phone(name, &message, &self.sign(&message)).await
    }
}

fn request(name: PhoneName) -> Vec<u8> {
    let phone = name.to_string();
    PhoneRequest { method: "POST", path: "/phone/v1/status", phone: &phone, time: "1", body: [7; 32] }
        .signed_bytes()
}

fn later(at: UnixMillis, s: u32) -> UnixMillis {
    UnixMillis(at.0 + u64::from(s) * 1000)
}

async fn invite(scene: &Scene, holder: HolderIndex, now: UnixMillis) -> InvitationNumber {
    let whose = (ISSUER, holder);
    let invited = scene.registry.invite(&scene.operator, whose, (ProofLevel::InPerson, DAY_S), now).await;
    invited.expect("an invitation").number
}

async fn activate(
    scene: &Scene,
    number: &InvitationNumber,
    phone: &Phone,
    now: UnixMillis,
) -> Result<Activated, Fault> {
    scene.registry.activate(number, phone.key(), now).await
}

async fn renew(scene: &Scene, phone: &KnownPhone, terms: Terms, now: UnixMillis) -> Result<Renewal, Fault> {
    scene.registry.renew_phone(phone, (terms, [9; 16], terms.issued.step()), now).await
}

fn is(outcome: Result<impl core::fmt::Debug, Fault>, expected: PhoneFault) {
    match outcome {
        Err(Fault::Phone(fault)) => assert_eq!(fault, expected),
        other => panic!("{other:?} is not {expected:?}"),
    }
}

/// A clerk invites, the phone activates itself and gets a credential that gates believe. What it is told of its holder is
/// what the registry has.
pub async fn r41_a_number_makes_a_phone_that_gets_credentials(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(4, 1).await;
    scene.change(&[(0, Change::Word(green()))]).await;
    let (at, phone) = (now(), Phone::new());
    let number = invite(&scene, HOLDER, at).await;
    let activated = activate(&scene, &number, &phone, at).await.expect("a phone");
    assert_eq!(activated.name, PhoneName { issuer: ISSUER.0, holder: 0, phone: 1 });
    assert_eq!((activated.level, &*activated.display), (ProofLevel::InPerson, &*person(4).display()));

    let known = phone.known(&scene, activated.name).await.expect("its own signature");
    let renewal = renew(&scene, &known, activated.terms, at).await.expect("a credential");
    let credential = believed(&renewal.issuance.bytes);
    assert_eq!((credential.holder, credential.generation), (HOLDER, 0));
    assert_eq!((credential.issued, credential.expires.0), (at.seconds(), at.seconds().0 + DAY_S));
    assert_eq!(credential.detail, Detail::Phone { root: [9; 16], origin: at.seconds().step() });
    assert!(renewal.when.from > later(at, DAY_S / 2 - 1) && renewal.when.until < later(at, DAY_S));
    let again = renew(&scene, &known, activated.terms, later(at, 5)).await.expect("the same again");
    assert_eq!(again, renewal, "a request that was sent twice has one effect");
    let trail = scene.store.trail(0, u32::MAX).await.expect("a trail");
    let issued = trail.iter().filter(|line| line.entry.action == Action::CredentialIssued);
    assert_eq!(issued.count(), 1, "and one line");

    let status = scene.registry.own_status(&known, at).await.expect("its holder's data");
    assert_eq!((status.word, status.phones), (green(), 1));
    assert_eq!(status.display, person(4).display());
    let listed = scene.registry.phones(&scene.operator, ISSUER, HOLDER, at).await.expect("a list");
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].renewed, Some(later(at, 5)), "the first is noted at once");
    let renewed = [(activated.name, later(at, 9)), (PhoneName { phone: 7, ..activated.name }, at)];
    scene.registry.note_renewals(&renewed).await.expect("a note");
    scene.registry.note_renewals(&[(activated.name, at)]).await.expect("a note");
    let listed = scene.registry.phones(&scene.operator, ISSUER, HOLDER, at).await.expect("a list");
    assert_eq!((listed.len(), listed[0].renewed), (1, Some(later(at, 9))), "the latest stays");
}

/// A number opens one phone, for its time, and a newer one ends it. A lost answer burns none.
pub async fn r41_a_number_is_good_once_and_for_its_time(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(4, 2).await;
    let (at, phone, other) = (now(), Phone::new(), Phone::new());
    let number = invite(&scene, HOLDER, at).await;
    let first = activate(&scene, &number, &phone, at).await.expect("a phone");
    // Also a phone that comes back after the number's end: it has no other way to its name.
    for after_s in [1, 3600, 5 * DAY_S] {
        let again = activate(&scene, &number, &phone, later(at, after_s)).await.expect("the same phone");
        assert_eq!((again.name, again.terms.issued), (first.name, later(at, after_s).seconds()));
    }
    is(activate(&scene, &number, &other, at).await, PhoneFault::NumberUsed);
    scene.registry.end_phone(&scene.operator, (ISSUER, HOLDER, 1), at).await.expect("an end");
    is(activate(&scene, &number, &phone, at).await, PhoneFault::NumberUsed);

    let unknown = InvitationNumber::of([7; 10]);
    is(activate(&scene, &unknown, &phone, at).await, PhoneFault::NumberUnknown);
    let old = invite(&scene, HolderIndex(1), at).await;
    is(activate(&scene, &old, &other, later(at, DAY_S)).await, PhoneFault::NumberExpired);
    let new = invite(&scene, HolderIndex(1), later(at, 1)).await;
    is(activate(&scene, &old, &other, later(at, 2)).await, PhoneFault::NumberReplaced);
    let second = activate(&scene, &new, &other, later(at, DAY_S)).await.expect("to its last second");
    assert_eq!((second.name.holder, second.name.phone), (1, 1));
    // A month after its end a number is forgotten, when the holder gets another.
    invite(&scene, HolderIndex(1), later(at, 32 * DAY_S)).await;
    is(activate(&scene, &old, &other, later(at, 2)).await, PhoneFault::NumberUnknown);

    for valid_s in [0, INVITATION_S_MAX + 1] {
        let (whose, level) = ((ISSUER, HOLDER), ProofLevel::Account);
        let refused = scene.registry.invite(&scene.operator, whose, (level, valid_s), at).await;
        assert!(matches!(refused, Err(Fault::Invalid { field: "valid_s", .. })), "{valid_s}");
    }
    let stored = database.stored().await;
    let letters = number.shown().replace('-', "");
    assert!(!stored.windows(16).any(|bytes| bytes == letters.as_bytes()), "the number is stored nowhere");
}

/// Of two phones that hand in one number at once, one is the holder's.
pub async fn r41_one_of_two_phones_at_once_gets_the_number(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(4, 1).await;
    let beside = Scene::beside(database).await;
    for round in 1..=4 {
        let (at, phones) = (now(), [Phone::new(), Phone::new()]);
        let number = invite(&scene, HOLDER, at).await;
        let (one, two) = tokio::join!(
            activate(&scene, &number, &phones[0], at),
            activate(&beside, &number, &phones[1], at)
        );
        let (won, lost) = if one.is_ok() { (one, two) } else { (two, one) };
        assert_eq!(won.expect("one of them").name.phone, round);
        is(lost, PhoneFault::NumberUsed);
    }
    let listed = scene.registry.phones(&scene.operator, ISSUER, HOLDER, now()).await.expect("a list");
    assert_eq!(listed.len(), 4);
}

/// A phone is who signs as it: neither another phone's signature counts, nor one of another request.
pub async fn r41_a_phone_is_believed_by_its_signature_alone(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(4, 2).await;
    let (at, phones) = (now(), [Phone::new(), Phone::new()]);
    let mut names = Vec::new();
    for (phone, holder) in phones.iter().zip([HOLDER, HolderIndex(1)]) {
        let number = invite(&scene, holder, at).await;
        names.push(activate(&scene, &number, phone, at).await.expect("a phone").name);
    }
    let check = async |name: PhoneName, message: &[u8], signature: Vec<u8>| {
        scene.registry.known_phone(name, message, &signature).await
    };
    let message = request(names[0]);
    let signature = phones[0].sign(&message);
    assert!(check(names[0], &message, signature.clone()).await.is_ok());
    let cases = [
        (names[0], message.clone(), phones[1].sign(&message)),
        (names[1], message.clone(), signature.clone()),
        (names[0], request(names[1]), signature.clone()),
        (PhoneName { phone: 2, ..names[0] }, message.clone(), signature.clone()),
        (PhoneName { issuer: 1, ..names[0] }, message.clone(), signature.clone()),
        (names[0], message.clone(), signature[..63].to_vec()),
        (names[0], message.clone(), vec![0; 64]),
    ];
    for (case, (name, message, signature)) in cases.into_iter().enumerate() {
        let refused = check(name, &message, signature).await;
        assert_eq!(refused.err(), Some(Fault::Unauthenticated), "case {case}");
    }
}

/// An ended phone gets nothing from that moment on, in every registry on the database; a raised generation is told to
/// those that go on.
pub async fn r46_an_ended_phone_is_refused_at_once(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let beside = Scene::beside(database).await;
    scene.add_people(4, 1).await;
    scene.change(&[(0, Change::Word(green()))]).await;
    let (at, phones) = (now(), [Phone::new(), Phone::new()]);
    let mut names = Vec::new();
    for phone in &phones {
        let number = invite(&scene, HOLDER, at).await;
        names.push(activate(&scene, &number, phone, at).await.expect("a phone").name);
    }
    let goes_on = phones[1].known(&scene, names[1]).await.expect("a phone");
    assert_eq!(scene.registry.own_status(&goes_on, at).await.expect("its data").phones, 2);

    let end = async |phone| scene.registry.end_phone(&scene.operator, (ISSUER, HOLDER, phone), now()).await;
    let ended = end(1).await.expect("a phone").ended;
    assert!(ended.is_some());
    assert_eq!(end(1).await.expect("a phone").ended, ended, "once");
    assert!(matches!(end(3).await, Err(Fault::NotFound(_))));
    is(phones[0].known(&beside, names[0]).await, PhoneFault::Ended);
    let wrong = phones[1].sign(&request(names[0]));
    let told = scene.registry.known_phone(names[0], &request(names[0]), &wrong).await;
    assert_eq!(told.err(), Some(Fault::Unauthenticated), "only itself hears that it was ended");

    let held = Terms { issued: at.seconds(), ..terms_of(&scene, &goes_on, at).await };
    scene.change(&[(0, Change::Generation(1))]).await;
    let told = renew(&scene, &goes_on, held, at).await;
    let Err(Fault::Phone(PhoneFault::Terms(terms))) = told else { panic!("{told:?}") };
    assert_eq!((terms.generation, terms.key, terms.issued), (1, held.key, at.seconds()));
    let renewal = renew(&scene, &goes_on, terms, at).await.expect("the next generation");
    assert_eq!(believed(&renewal.issuance.bytes).generation, 1);
    let ahead = Terms { issued: UnixSeconds(at.seconds().0 + 1), ..terms };
    let behind = Terms { issued: UnixSeconds(at.seconds().0 - 121), ..terms };
    for other in [ahead, behind, Terms { key: hufu_wire::KeyId([1; 8]), ..terms }] {
        is(renew(&scene, &goes_on, other, at).await, PhoneFault::Terms(terms));
    }
}

async fn terms_of(scene: &Scene, phone: &KnownPhone, now: UnixMillis) -> Terms {
    scene.registry.own_status(phone, now).await.expect("its data").terms
}

/// Where the issuer wants one phone, another waits until that is ended and its credential superseded; the one that goes on
/// renews whenever it is told to.
pub async fn r46_a_second_phone_waits_where_the_issuer_wants_one(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(4, 1).await;
    scene.change(&[(0, Change::Word(green()))]).await;
    let issuer = scene.registry.issuer(&scene.operator, ISSUER).await.expect("the issuer");
    let issuer = Issuer { second_phone: SecondPhone::Supersede, ..issuer };
    scene.registry.put_issuer(&scene.operator, &issuer, now()).await.expect("a good issuer");
    let (at, first, second) = (now(), Phone::new(), Phone::new());
    let number = invite(&scene, HOLDER, at).await;
    let one = activate(&scene, &number, &first, at).await.expect("a phone");
    let known = first.known(&scene, one.name).await.expect("a phone");
    // The request for the first is gone when it is written down: the phone comes again, with another tree. That try may
    // have begun before.
    let lost = new(0, CodeKind::Phone, 8, at);
    let lost = NewCredential { receiver: Receiver::First(one.name), ..lost };
    assert!(scene.store.add_credentials(&[lost]).await.expect("a transaction")[0].is_ok());
    let noted = first.known(&scene, one.name).await.expect("a phone");
    assert_eq!((known.stored().renewed, noted.stored().renewed), (None, Some(at)), "with the credential");
    renew(&scene, &known, one.terms, at).await.expect("no other phone has one");
    let rows = scene.store.credentials(ISSUER, HOLDER, 0, 9).await.expect("a page");
    assert_eq!(rows.len(), 2);
    // Long before the hour in which any phone may renew.
    let midday = later(at, 13 * 3600);
    let known = first.known(&scene, one.name).await.expect("a phone");
    let terms = terms_of(&scene, &known, midday).await;
    renew(&scene, &known, terms, midday).await.expect("it renews, and is no second phone");

    let number = invite(&scene, HOLDER, midday).await;
    let refused = activate(&scene, &number, &second, midday).await;
    let Err(Fault::Conflict(said)) = refused else { panic!("{refused:?}") };
    assert!(said.contains("end-phone") && said.contains("generation"), "{said}");
    scene.registry.end_phone(&scene.operator, (ISSUER, HOLDER, 1), midday).await.expect("an end");
    let two = activate(&scene, &number, &second, midday).await.expect("the number is still good");
    let known = second.known(&scene, two.name).await.expect("a phone");
    let refused = renew(&scene, &known, two.terms, midday).await;
    let Err(Fault::Conflict(said)) = refused else { panic!("{refused:?}") };
    assert!(said.contains("propose generation 1"), "{said}");
    scene.change(&[(0, Change::Generation(1))]).await;
    let terms = terms_of(&scene, &known, midday).await;
    renew(&scene, &known, terms, midday).await.expect("the first phone's is superseded");
}

/// A record that was joined into another has no phone any more, and its number opens none.
pub async fn r47_phones_end_with_a_record_that_was_joined(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(4, 2).await;
    let (at, phone) = (now(), Phone::new());
    let number = invite(&scene, HolderIndex(1), at).await;
    let activated = activate(&scene, &number, &phone, at).await.expect("a phone");
    let waiting = invite(&scene, HolderIndex(1), at).await;
    crate::records::join_as(&scene, 1, 0, false).await.expect("one record");
    let known = phone.known(&scene, activated.name).await.expect("its own signature");
    is(renew(&scene, &known, activated.terms, at).await, PhoneFault::Ended);
    is(scene.registry.own_status(&known, at).await, PhoneFault::Ended);
    is(scene.registry.own_family_code(&known, BindingId(1), at).await, PhoneFault::Ended);
    is(activate(&scene, &waiting, &Phone::new(), at).await, PhoneFault::NumberReplaced);
    let whose = (ISSUER, HolderIndex(1));
    let refused = scene.registry.invite(&scene.operator, whose, (ProofLevel::InPerson, 60), at).await;
    assert!(matches!(refused, Err(Fault::Conflict(_))));
}

/// Every step of a phone is in the trail, and nothing of it is: a number, a key.
pub async fn r44_phones_leave_lines_of_the_trail(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(4, 1).await;
    let (at, phone) = (now(), Phone::new());
    let number = invite(&scene, HOLDER, at).await;
    let activated = activate(&scene, &number, &phone, at).await.expect("a phone");
    activate(&scene, &number, &phone, at).await.expect("the same again");
    let known = phone.known(&scene, activated.name).await.expect("a phone");
    renew(&scene, &known, activated.terms, at).await.expect("a credential");
    scene.registry.note_phones_asked(ISSUER, 17, at).await.expect("a line");
    scene.registry.phones(&scene.operator, ISSUER, HOLDER, at).await.expect("a list");
    scene.registry.end_phone(&scene.operator, (ISSUER, HOLDER, 1), at).await.expect("an end");
    let trail = scene.registry.trail(&scene.operator, 0, 1000, now()).await.expect("the trail");
    let lines: Vec<_> = trail.iter().map(|line| &line.entry).skip_while(|line| line.at != at).collect();
    let said: Vec<_> =
        lines.iter().map(|line| format!("{} {} {}", line.who, line.action.slug(), line.what)).collect();
    let operator = scene.operator.label();
    let phone = "phone 110000.0.1";
    assert_eq!(
        said[..6],
        [
            format!("{operator} invitation.made for holder 0, in-person, for 86400 s"),
            format!("{phone} phone.activated phone 1 of holder 0, in-person"),
            format!("{phone} credential.issued phone for holder 0"),
            "the registry phones.asked 17 times, by holders about themselves".to_owned(),
            format!("{operator} phones.read of holder 0"),
            format!("{operator} phone.ended phone 1 of holder 0"),
        ]
    );
}
