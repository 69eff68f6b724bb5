//! Certificates for abroad (R63).

use hufu_contract::{CertifyAbroad, Fact, Hex, SaidAbroad, Sample};
use hufu_registry::{Fault, Of, Scope, Scopes};
use hufu_wire::chain::Change;
use hufu_wire::{HolderIndex, StatusMinute, TestResult, UnixMillis, UnixSeconds};

use crate::history::caller;
use crate::scene::{name, now, number};
use crate::{Database, ISSUER, Scene, green};

/// Noon of 2026-09-01 in Greenwich.
const NOON: UnixSeconds = UnixSeconds(1_788_264_000);

fn wanted(says: SaidAbroad) -> CertifyAbroad {
    let number = number(4);
    let born = format!("{}-{}-{}", &number[6..10], &number[10..12], &number[12..14]);
    // The surname is the first letter.
    let name = name(4);
    let (surname, given) = name.split_at('王'.len_utf8());
    CertifyAbroad { surname: surname.into(), given: given.into(), born, says, certificate: Hex([7; 16]) }
}

fn dose(dose: u8, day: &str) -> SaidAbroad {
    SaidAbroad::Vaccination { dose, day: day.into() }
}

async fn certify(scene: &Scene, wanted: &CertifyAbroad) -> Result<String, Fault> {
    scene.registry.certify_abroad(&scene.operator, ISSUER, HolderIndex(0), wanted, now()).await
}

async fn refused(scene: &Scene, wanted: &CertifyAbroad) -> String {
    certify(scene, wanted).await.expect_err("refused").to_string()
}

/// No more doses than are known, no other day of a dose that is recorded, no other test, no other person.
pub async fn r63_a_certificate_says_nothing_that_the_registry_does_not_know(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(4, 1).await;
    let first = wanted(dose(1, "2026-09-01"));
    assert!(refused(&scene, &first).await.contains("has 0 doses, and dose 1 is claimed"));
    let minute = StatusMinute::at(NOON).expect("a minute");
    let word = green().with_doses(2).with_test(minute, TestResult::Negative);
    scene.change(&[(0, Change::Word(word))]).await;
    let display = certify(&scene, &first).await.expect("a dose that is known");
    assert_eq!(display, crate::scene::person(4).display());
    assert!(
        refused(&scene, &wanted(dose(3, "2026-09-01"))).await.contains("has 2 doses, and dose 3 is claimed")
    );
    assert!(refused(&scene, &wanted(dose(0, "2026-09-01"))).await.contains("dose 0 is claimed"));
    for day in ["2026-09-31", "2026-9-1", "20260901", "2026-09-01T00:00", ""] {
        assert!(
            refused(&scene, &wanted(dose(1, day))).await.starts_with("day: a day that there is"),
            "{day}"
        );
    }

    let at_ms = NOON.millis().0;
    let text = |text: &str| text.to_owned();
    let fact = |number| Fact::Dose {
        at_ms,
        product: text("CoronaVac"),
        manufacturer: text("Sinovac"),
        batch: text("B1"),
        number,
        site: text("S"),
        signer: text("Dr Li"),
        document: None,
    };
    let positive_ms = at_ms - 90 * 86_400_000;
    let positive = Fact::Test { at_ms: positive_ms, result: Sample::Positive, laboratory: text("L-1") };
    let add = async |fact: Fact| {
        let of = [(Ok(Of::Holder(HolderIndex(0))), fact)];
        let taken =
            scene.registry.add_facts(&scene.operator, ISSUER, &of, false, now()).await.expect("facts");
        assert!(taken[0].outcome.is_ok(), "{:?}", taken[0].outcome);
    };
    add(fact(1)).await;
    certify(&scene, &first).await.expect("its day");
    // Where it was given it may have been another day than in Greenwich.
    certify(&scene, &wanted(dose(1, "2026-09-02"))).await.expect("the day of Kiribati");
    assert!(refused(&scene, &wanted(dose(1, "2026-09-03"))).await.contains("recorded with another day"));
    certify(&scene, &wanted(dose(2, "2026-09-03"))).await.expect("of this one no day is recorded");

    let test = |taken_ms| wanted(SaidAbroad::Test { taken_ms });
    certify(&scene, &test(at_ms + 59_000)).await.expect("the test of that minute");
    assert!(refused(&scene, &test(at_ms + 60_000)).await.contains("not a negative one of that minute"));
    let recovery = |day: &str| wanted(SaidAbroad::Recovery { day: day.into() });
    assert!(refused(&scene, &recovery("2026-06-03")).await.contains("no positive test of that day"));
    add(positive).await;
    certify(&scene, &recovery("2026-06-03")).await.expect("a positive test that is recorded");
    add(Fact::Void { at_ms: now().0 / 1000 * 1000, number: 2, reason: text("another person's") }).await;
    assert!(refused(&scene, &recovery("2026-06-03")).await.contains("no positive test of that day"));
    let word = green().with_test(minute, TestResult::Positive);
    scene.change(&[(0, Change::Word(word))]).await;
    assert!(refused(&scene, &test(at_ms)).await.contains("not a negative one"));
    certify(&scene, &recovery("2026-09-01")).await.expect("the last test was positive");
}

/// The wrong passport, the wrong index; who may, and what the trail keeps.
pub async fn r63_a_certificate_is_of_the_person_who_is_registered(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(4, 1).await;
    scene.change(&[(0, Change::Word(green().with_doses(1)))]).await;
    let good = wanted(dose(1, "2026-09-01"));
    let year = CertifyAbroad { born: good.born[..4].to_owned(), ..good.clone() };
    let swapped = CertifyAbroad { surname: good.given.clone(), given: good.surname.clone(), ..good.clone() };
    for fit in [&good, &year, &swapped] {
        certify(&scene, fit).await.expect("the same person");
    }
    let other = CertifyAbroad { given: "小红".into(), ..good.clone() };
    let said = refused(&scene, &other).await;
    assert!(said.contains("registered with another name") && !said.contains('小'), "{said}");
    for born in ["1949-12-32", "", "1", "1999"] {
        let other = CertifyAbroad { born: born.into(), ..good.clone() };
        assert!(refused(&scene, &other).await.contains("another date of birth"), "{born}");
    }
    let clerk = caller(&scene.registry, Scopes::of([Scope::Credentials])).await;
    let certified = scene.registry.certify_abroad(&clerk, ISSUER, HolderIndex(0), &good, now()).await;
    assert!(matches!(certified, Err(Fault::Forbidden { .. })), "{certified:?}");
    let unknown =
        scene.registry.certify_abroad(&scene.operator, ISSUER, HolderIndex(9), &good, UnixMillis(0)).await;
    assert!(matches!(unknown, Err(Fault::NotFound(_))), "{unknown:?}");
    let lines = scene.store.trail(0, u32::MAX).await.expect("a trail");
    let count = |action: &str| lines.iter().filter(|line| line.entry.action.slug() == action).count();
    assert_eq!((count("abroad.noted"), count("abroad.refused")), (3, 5));
    let noted = lines.iter().find(|line| line.entry.action.slug() == "abroad.noted").expect("a line");
    assert_eq!(noted.entry.what, format!("vaccination of holder 0, certificate {}", "07".repeat(16)));
}
