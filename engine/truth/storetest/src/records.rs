//! Records of people: whose an id number is, and records that were wrong.

use hufu_registry::chain::Appended;
use hufu_registry::{
    Action, Correction, CredentialRequest, Fault, HolderView, IdNumber, Meant, Person, Registered,
};
use hufu_wire::chain::Change;
use hufu_wire::{Colour, HolderIndex, StatusWord, UnixMillis};

use crate::scene::{now, number, person};
use crate::{Database, ISSUER, Scene, green};

const REASON: &str = "seen on the document";

fn someone(name: &str, number: &str) -> Person {
    Person::new(name.into(), IdNumber::read(number).expect("a good number"), None).expect("a good person")
}

async fn add(scene: &Scene, people: &[Person]) -> Result<Vec<(u32, bool)>, Fault> {
    let registered = scene.registry.add_holders(&scene.operator, ISSUER, people, now()).await?;
    Ok(registered.into_iter().map(|Registered { index, known }| (index.0, known)).collect())
}

async fn find(scene: &Scene, number: &str, name: Option<&str>) -> Result<Option<u32>, Fault> {
    let number = IdNumber::read(number).expect("a good number");
    let found = scene.registry.find_holder(&scene.operator, ISSUER, &number, name, now()).await?;
    Ok(found.map(|index| index.0))
}

async fn view(scene: &Scene, index: u32) -> HolderView {
    let view = scene.registry.holder(&scene.operator, ISSUER, HolderIndex(index), now()).await;
    view.expect("a holder")
}

async fn correct(scene: &Scene, index: u32, display: &str, to: Correction) -> Result<HolderView, Fault> {
    let meant = Meant { index: HolderIndex(index), display };
    scene.registry.correct_holder(&scene.operator, ISSUER, meant, to, (REASON, now())).await
}

fn name(name: &str) -> Correction {
    Correction { name: Some(name.into()), ..Correction::default() }
}

async fn join(scene: &Scene, retired: u32, kept: u32) -> Result<HolderView, Fault> {
    join_as(scene, retired, kept, false).await
}

pub(crate) async fn join_as(scene: &Scene, retired: u32, kept: u32, seen: bool) -> Result<HolderView, Fault> {
    join_at(scene, (retired, kept), seen, now()).await
}

pub(crate) async fn join_at(
    scene: &Scene,
    (retired, kept): (u32, u32),
    seen: bool,
    at: UnixMillis,
) -> Result<HolderView, Fault> {
    let displays = [view(scene, kept).await.display, view(scene, retired).await.display];
    let [kept, retired] = [(kept, &displays[0]), (retired, &displays[1])]
        .map(|(index, display)| Meant { index: HolderIndex(index), display });
    scene.registry.join_holders(&scene.operator, ISSUER, (kept, retired), seen, (REASON, at)).await
}

async fn part(scene: &Scene, index: u32, second: Option<&str>) -> Result<HolderView, Fault> {
    let display = view(scene, index).await.display;
    let meant = Meant { index: HolderIndex(index), display: &display };
    let second = second.map(|name| (name.to_owned(), None));
    scene.registry.part_holder(&scene.operator, ISSUER, meant, second, (REASON, now())).await
}

/// Actions of the trail with what was done them to, from the line after `after`.
async fn trail(scene: &Scene, after: u64) -> Vec<(Action, String)> {
    let lines = scene.store.trail(after, 1000).await.expect("a trail");
    lines.into_iter().map(|line| (line.entry.action, line.entry.what)).collect()
}

fn others(people: &[usize]) -> Result<Vec<(u32, bool)>, Fault> {
    Err(Fault::OtherPerson { people: people.into() })
}

fn is_conflict<T: core::fmt::Debug>(found: &Result<T, Fault>) -> bool {
    matches!(found, Err(Fault::Conflict(_)))
}

/// A number that is registered with another name is somebody else's, or a slip: nothing of the request is done, and
/// everybody it concerns is named.
pub async fn r47_a_known_number_with_another_name_is_refused_whole(database: &dyn Database) {
    let scene = Scene::open(database).await;
    assert_eq!(add(&scene, &[person(10), person(11)]).await, Ok(vec![(0, false), (1, false)]));
    let after = scene.store.trail_end().await.expect("an end").number;
    let wrong = [person(12), someone("李华", &number(10)), person(13), someone("王小明的名字", &number(11))];
    let refused = add(&scene, &wrong).await;
    assert_eq!(refused, others(&[1, 3]));
    let said = refused.expect_err("refused").to_string();
    assert!(
        said.contains("holders[1], holders[3]") && !said.contains('王') && !said.contains(&number(10)),
        "{said}"
    );
    assert_eq!(find(&scene, &number(12), None).await, Ok(None), "nothing was registered");
    assert_eq!(trail(&scene, after).await[0], (Action::HoldersRefused, "2 people with other names".into()));

    let spelt = someone("  王小明 的名字１０".trim(), &number(10));
    assert_eq!(add(&scene, &[spelt]).await, Ok(vec![(0, true)]), "spaces and width do not count");
    let twice = [person(14), someone("李华", &number(14)), person(14)];
    assert_eq!(add(&scene, &twice).await, others(&[1]), "within one request");
    assert_eq!(add(&scene, &[person(12)]).await, Ok(vec![(2, false)]), "no index was used up");
}

/// Passports are numbered by states, each as it likes.
pub async fn r47_one_number_of_two_states_is_two_people(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let [maria, hans] = [("Maria Silva", "passport:BRA:AB123456"), ("Hans Muster", "passport:DEU:AB123456")]
        .map(|(name, number)| someone(name, number));
    assert_eq!(add(&scene, &[maria.clone(), hans]).await, Ok(vec![(0, false), (1, false)]));
    assert_eq!(add(&scene, &[maria]).await, Ok(vec![(0, true)]));
    let without = |name| someone(name, "passport:AB123456");
    assert_eq!(add(&scene, &[without("hans muster")]).await, Ok(vec![(1, true)]), "found by number and name");
    assert_eq!(add(&scene, &[without("Ada")]).await, others(&[0]), "the state must be named");
    assert!(is_conflict(&find(&scene, "passport:AB123456", None).await));
    assert_eq!(find(&scene, "passport:AB123456", Some("MARIA SILVA")).await, Ok(Some(0)));
    assert_eq!(find(&scene, "passport:DEU:AB123456", None).await, Ok(Some(1)));

    // Stored without a state, it is that number in every state until it is given one.
    let old = someone("Ada", "passport:E12345678");
    assert_eq!(add(&scene, &[old]).await, Ok(vec![(2, false)]));
    let ada = someone("Ada", "passport:USA:E12345678");
    assert_eq!(add(&scene, std::slice::from_ref(&ada)).await, Ok(vec![(2, true)]));
    let bob = someone("Bob", "passport:CAN:E12345678");
    assert_eq!(add(&scene, std::slice::from_ref(&bob)).await, others(&[0]));
    let to = Correction { id_number: Some(ada.id_number().clone()), ..Correction::default() };
    correct(&scene, 2, "A*5678", to).await.expect("a number with its state");
    assert_eq!(add(&scene, &[bob, ada]).await, Ok(vec![(3, false), (2, true)]));
    let both = [someone("Eve", "passport:FRA:X1234"), someone("Eva", "passport:X1234")];
    assert_eq!(add(&scene, &both).await, others(&[1]), "within one request");

    // Two people of one name: a list without the state means neither of them for sure.
    let twins = ["passport:FRA:Y1234", "passport:DEU:Y1234"];
    assert_eq!(
        add(&scene, &twins.map(|number| someone("Ann", number))).await,
        Ok(vec![(4, false), (5, false)])
    );
    let sought = ["passport:Y1234", twins[1]].map(|number| IdNumber::read(number).expect("a good number"));
    let sought = sought.map(|number| (number, Some("Ann".to_owned())));
    let found =
        scene.registry.look_up_holders(&scene.operator, ISSUER, &sought, now()).await.expect("a list");
    let found: Vec<_> = found.into_iter().flatten().map(|found| (found.index.0, found.same_name)).collect();
    assert_eq!(found, [(4, false), (5, true)]);
}

/// The index, the status and what was issued stay; who and why stand in the trail.
pub async fn r47_a_name_is_corrected_and_nothing_else(database: &dyn Database) {
    let scene = Scene::open(database).await;
    add(&scene, &[someone("Wnag Xiaoming", &number(1)), person(2)]).await.expect("good people");
    scene.change(&[(0, Change::Word(green()))]).await;
    let display = format!("W*{}", &number(1)[14..]);
    let after = scene.store.trail_end().await.expect("an end").number;
    for (index, display, to) in [(1, &*display, name("Wang Xiaoming")), (0, "X*0000", name("Wang Xiaoming"))]
    {
        assert!(is_conflict(&correct(&scene, index, display, to).await), "whom the caller does not see");
    }
    let taken = Correction { id_number: Some(person(2).id_number().clone()), ..Correction::default() };
    let refused = correct(&scene, 0, &display, taken).await;
    assert!(matches!(&refused, Err(Fault::Conflict(said)) if said.contains("holder 1")), "{refused:?}");
    let meant = Meant { index: HolderIndex(0), display: &display };
    for reason in ["it is Wang  Xiao-ming", &format!("number {}", number(1)), ""] {
        let to = name("Wang Xiaoming");
        let refused =
            scene.registry.correct_holder(&scene.operator, ISSUER, meant, to, (reason, now())).await;
        assert!(matches!(refused, Err(Fault::Invalid { field: "reason", .. })), "{reason}: {refused:?}");
    }
    assert_eq!(trail(&scene, after).await, [], "what was refused leaves no line");

    let corrected = correct(&scene, 0, &display, name("Wang Xiaoming")).await.expect("a correction");
    assert_eq!((corrected.index, corrected.status), (HolderIndex(0), green()));
    let what = format!("holder 0, name: {REASON}");
    assert_eq!(trail(&scene, after).await, [(Action::HolderCorrected, what)]);
    let line = scene.store.trail(after, 1).await.expect("a trail").remove(0).entry;
    assert_eq!(line.who, scene.operator.label());
    assert_eq!(add(&scene, &[someone("wang xiaoming", &number(1))]).await, Ok(vec![(0, true)]));
    assert_eq!(add(&scene, &[someone("Wnag Xiaoming", &number(1))]).await, others(&[0]));
}

/// The record that ends gives nothing any more: no code, no colour, not even by what was proposed before.
pub async fn r47_two_records_of_one_person_are_joined(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(0, 3).await;
    scene.change(&[(1, Change::Word(green()))]).await;
    let refused = join(&scene, 1, 0).await;
    assert!(
        matches!(&refused, Err(Fault::Conflict(said)) if said.contains("--colour forget")),
        "{refused:?}"
    );
    assert!(matches!(join(&scene, 0, 0).await, Err(Fault::Invalid { field: "into", .. })));
    scene.change(&[(1, Change::Word(StatusWord::UNKNOWN))]).await;
    let early = scene.instruct(&[(1, Change::Status(green())), (2, Change::Status(green()))]);
    let proposal = scene.propose(&early).await;
    let set = scene.sign(&early, &scene.tip().await, now());
    let joined = join(&scene, 1, 0).await.expect("two records of one person");
    assert_eq!((joined.index, joined.joined), (HolderIndex(0), None));
    assert_eq!(view(&scene, 1).await.joined, Some(HolderIndex(0)));

    assert_eq!(add(&scene, &[person(1)]).await, Ok(vec![(0, true)]));
    assert_eq!(find(&scene, &number(1), None).await, Ok(Some(0)));
    assert_eq!(scene.confirm(&proposal, &set).await, Ok(Appended::Joined(HolderIndex(1))));
    assert_eq!(view(&scene, 2).await.status, StatusWord::UNKNOWN, "nothing of the set happened");
    let again = scene.instruct(&[(1, Change::Word(green()))]);
    assert!(is_conflict(&scene.registry.propose(&scene.operator, ISSUER, &again, now()).await));
    let paper = CredentialRequest::Paper { valid_s: 60 };
    let issued = scene.registry.issue(&scene.operator, ISSUER, HolderIndex(1), &paper, now()).await;
    assert!(is_conflict(&issued), "{issued:?}");
    assert!(is_conflict(&scene.registry.terms(&scene.operator, ISSUER, HolderIndex(1), now()).await));
    scene.registry.issue(&scene.operator, ISSUER, HolderIndex(0), &paper, now()).await.expect("a code");
    scene.change(&[(1, Change::Word(StatusWord::UNKNOWN))]).await;

    assert!(is_conflict(&join(&scene, 1, 2).await), "it was joined already");
    assert!(is_conflict(&join(&scene, 2, 1).await), "into one that ended");
    join(&scene, 0, 2).await.expect("three records of one person");
    assert_eq!(view(&scene, 1).await.joined, Some(HolderIndex(2)), "it goes on with the other");
    assert_eq!(find(&scene, &number(1), None).await, Ok(Some(2)));

    // The record that goes on had the wrong number, and the right one is that of a record which ended.
    let to = Correction { id_number: Some(person(1).id_number().clone()), ..Correction::default() };
    let right = correct(&scene, 2, &person(2).display(), to).await.expect("the number of the same person");
    assert_eq!(right.display, person(1).display(), "the tail of the number");
    for name in [None, Some(&*crate::scene::name(2))] {
        assert_eq!(find(&scene, &number(1), name).await, Ok(Some(2)));
    }
    assert_eq!(find(&scene, &number(2), None).await, Ok(None), "the wrong one is free");
    let to = Correction { id_number: Some(person(2).id_number().clone()), ..Correction::default() };
    correct(&scene, 2, &right.display, to).await.expect("its own number");

    assert!(matches!(part(&scene, 1, Some("李华")).await, Err(Fault::Invalid { field: "name", .. })));
    let alone = part(&scene, 1, None).await.expect("a mistake that is taken back");
    assert_eq!((alone.index, alone.joined, alone.status), (HolderIndex(1), None, StatusWord::UNKNOWN));
    assert_eq!(add(&scene, &[person(1)]).await, Ok(vec![(1, true)]));
    scene.change(&[(1, Change::Word(green()))]).await;
}

/// The colour that keeps a person out is not lost with the record that had it, unless somebody has seen it.
pub async fn r47_a_join_does_not_lose_the_stricter_colour(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(0, 4).await;
    let word = |colour| Change::Word(StatusWord::new(colour, 0));
    let (amber, red) = (word(Colour::Amber), word(Colour::Red));
    let forgotten = Change::Word(StatusWord::UNKNOWN);
    scene.change(&[(0, amber), (1, red), (2, amber)]).await;
    // Another generation gives no colour.
    scene.change(&[(1, Change::Generation(1))]).await;
    scene.change(&[(1, forgotten), (2, forgotten)]).await;
    let red_lost = join(&scene, 1, 0).await;
    let (ends, goes_on) = (HolderIndex(1), HolderIndex(0));
    assert_eq!(red_lost, Err(Fault::Stricter { ends, goes_on, colour: Colour::Red }));
    let into_unknown = join(&scene, 1, 3).await;
    assert!(matches!(into_unknown, Err(Fault::Stricter { .. })), "{into_unknown:?}");
    assert_eq!(view(&scene, 1).await.joined, None);
    join(&scene, 2, 0).await.expect("the one that goes on is as strict");

    scene.change(&[(0, red)]).await;
    join(&scene, 1, 0).await.expect("it has the stricter colour now");
    part(&scene, 1, None).await.expect("one of its own again");
    let lines = scene.store.trail(0, 1000).await.expect("a trail").last().map_or(0, |line| line.number);
    join_as(&scene, 1, 3, true).await.expect("a person has seen it");
    let said = trail(&scene, lines).await;
    assert!(said.iter().any(|(_, what)| what.contains("stricter colour seen")), "{said:?}");
}

/// Two people with one number are real. Each is found by number and name.
pub async fn r47_one_record_of_two_people_is_parted(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(0, 2).await;
    scene.change(&[(0, Change::Word(green()))]).await;
    let after = scene.store.trail_end().await.expect("an end").number;
    assert!(matches!(part(&scene, 0, None).await, Err(Fault::Invalid { field: "name", .. })));
    assert!(is_conflict(&part(&scene, 0, Some(&crate::scene::name(0))).await), "the same person");
    let second = part(&scene, 0, Some("李华")).await.expect("a second person");
    assert_eq!((second.index, second.status), (HolderIndex(2), StatusWord::UNKNOWN));
    assert_eq!(second.display, format!("李*{}", &number(0)[14..]));
    assert_eq!(view(&scene, 0).await.status, green(), "the first keeps what they have");
    let done = trail(&scene, after).await.into_iter().find(|(action, _)| *action == Action::HolderParted);
    assert_eq!(done.map(|(_, what)| what), Some(format!("holder 0: {REASON} (now holder 2)")));

    let people = [person(0), someone("李 华", &number(0)), person(1)];
    assert_eq!(add(&scene, &people).await, Ok(vec![(0, true), (2, true), (1, true)]));
    assert_eq!(add(&scene, &[someone("赵大山", &number(0))]).await, others(&[0]));
    assert!(is_conflict(&find(&scene, &number(0), None).await));
    assert_eq!(find(&scene, &number(0), Some("李华")).await, Ok(Some(2)));
    assert!(is_conflict(&part(&scene, 0, Some("李华")).await), "parted already");
    correct(&scene, 2, &second.display, name("李花")).await.expect("a correction");
    assert_eq!(add(&scene, &[someone("李花", &number(0))]).await, Ok(vec![(2, true)]));
    let third = part(&scene, 2, Some("赵大山")).await.expect("a third person");
    assert_eq!(third.index, HolderIndex(3));
    assert_eq!(add(&scene, &[person(4)]).await, Ok(vec![(4, false)]), "indices have no gap");
}

/// Two clerks at once: what one did, the other sees or is told.
pub async fn r47_two_clerks_at_once_leave_one_outcome(database: &dyn Database) {
    let scenes = [Scene::open(database).await, Scene::beside(database).await];
    let [one, two] = &scenes;
    for round in 0..6 {
        let base = round * 3;
        one.add_people(base, 2).await;
        let (there, back) = tokio::join!(join(one, base, base + 1), join(two, base + 1, base));
        assert!(there.is_ok() != back.is_ok(), "{there:?} and {back:?}");
        let kept = if there.is_ok() { base + 1 } else { base };
        for index in [base, base + 1] {
            let into = (index != kept).then_some(HolderIndex(kept));
            assert_eq!(view(one, index).await.joined, into, "round {round}");
        }
        let (first, second) = tokio::join!(part(one, kept, Some("李华")), part(two, kept, Some("李华")));
        assert!(first.is_ok() != second.is_ok(), "{first:?} and {second:?}");
        assert_eq!(find(one, &number(kept), Some("李华")).await, Ok(Some(base + 2)));
    }
}
