//! Facts of holders, and papers (R28).

use hufu_contract::{Fact, PaperKind, Risk, Sample};
use hufu_registry::{
    Action, Caller, FactTaken, Fault, HolderFacts, IdNumber, Of, PAPER_BYTES_MAX, Scope, Scopes,
    StoredHolder, VISIT_KEPT_MS,
};
use hufu_wire::chain::Change;
use hufu_wire::{Colour, HolderIndex, StatusMinute, StatusWord, TestResult, UnixMillis};

use crate::history::caller;
use crate::records::{join_as, join_at};
use crate::scene::{key_file, name, now, number};
use crate::{Database, ISSUER, Scene, green, red};

const HOUR: u64 = 3_600_000;

fn test(at: UnixMillis, laboratory: &str) -> Fact {
    Fact::Test { at_ms: at.0 / 1000 * 1000, result: Sample::Negative, laboratory: laboratory.into() }
}

fn visit(to: UnixMillis, place: &str) -> Fact {
    let to_ms = to.0 / 1000 * 1000;
    Fact::Visit { from_ms: to_ms - HOUR, to_ms, place: place.into() }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "as the registry takes it: whose fact it is, or why that is not known"
)]
fn of(holder: u32) -> Result<Of, Fault> {
    Ok(Of::Holder(HolderIndex(holder)))
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "as the registry takes it: whose fact it is, or why that is not known"
)]
fn of_person(n: u32, name: &str) -> Result<Of, Fault> {
    Ok(Of::Person(IdNumber::read(&number(n)).expect("a good number"), name.into()))
}

async fn add(scene: &Scene, facts: &[(Result<Of, Fault>, Fact)], dry_run: bool) -> Vec<FactTaken> {
    scene.registry.add_facts(&scene.operator, ISSUER, facts, dry_run, now()).await.expect("facts")
}

async fn open(scene: &Scene, holders: &[u32], until: Option<u64>, at: UnixMillis) -> Vec<HolderFacts> {
    let holders: Vec<_> = holders.iter().map(|holder| HolderIndex(*holder)).collect();
    scene.registry.open_facts(&scene.operator, ISSUER, &holders, until, at).await.expect("facts")
}

fn refused(taken: &FactTaken) -> String {
    taken.outcome.as_ref().expect_err("refused").to_string()
}

/// By index or by number and name; the same twice is one; a wrong one leaves the others; a dry run keeps none.
pub async fn r28_a_fact_is_taken_once_and_each_by_itself(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(0, 3).await;
    let at = now();
    let facts = [
        (of(0), test(at, "L-1")),
        (of_person(1, &name(1)), test(at, "L-1")),
        (of_person(1, "赵大宝"), test(at, "L-1")),
        (of_person(9, &name(9)), test(at, "L-1")),
        (of(7), test(at, "L-1")),
        (of(0), test(at, "L-1")),
        (Err(Fault::invalid("id_number", "not one")), test(at, "L-1")),
        (of(2), test(UnixMillis(at.0 + HOUR), "L-1")),
    ];
    let look = add(&scene, &facts, true).await;
    assert_eq!(open(&scene, &[0], None, now()).await[0].facts, [], "a dry run");
    let taken = add(&scene, &facts, false).await;
    let outcomes: Vec<_> = taken.iter().map(|taken| taken.outcome.clone().ok()).collect();
    assert_eq!(outcomes, [Some(false), Some(false), None, None, None, Some(true), None, None]);
    assert_eq!(
        look.iter().map(|taken| taken.outcome.is_ok()).collect::<Vec<_>>(),
        [true, true, false, false, false, true, false, false]
    );
    assert_eq!(taken[1].holder, Some(HolderIndex(1)));
    assert!(refused(&taken[2]).contains("register the person first, or correct"), "{}", refused(&taken[2]));
    assert_eq!(refused(&taken[4]), format!("there is no holder 7 of issuer {ISSUER}"));
    assert_eq!(refused(&taken[6]), "id_number: not one");
    assert!(refused(&taken[7]).contains("not ahead of the registry's clock"));
    let again = add(&scene, &facts[..2], true).await;
    assert!(again.iter().all(|taken| taken.outcome == Ok(true)), "known: {again:?}");
    let opened = open(&scene, &[1, 0, 2], None, now()).await;
    assert_eq!(opened.iter().map(|one| one.facts.len()).collect::<Vec<_>>(), [1, 1, 0]);
    assert_eq!(opened[0].facts[0].1, test(at, "L-1"));
    let none = scene.registry.add_facts(&scene.operator, ISSUER, &[], false, now()).await;
    assert!(matches!(none, Err(Fault::Invalid { field: "facts", .. })), "{none:?}");
}

/// Each member that no fact has is named, with what to write.
pub async fn r28_what_cannot_be_a_fact_is_refused_with_what_to_write(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(0, 1).await;
    let at = now().0 / 1000 * 1000;
    let dose = |batch: &str, number, document: usize| Fact::Dose {
        at_ms: at,
        product: "BBIBP-CorV".into(),
        manufacturer: "Beijing Institute".into(),
        batch: batch.into(),
        number,
        site: "Chaoyang 3".into(),
        signer: "Dr. Li".into(),
        document: (document > 0).then(|| hufu_contract::Base64Url(vec![7; document])),
    };
    let old = now().0 - VISIT_KEPT_MS - HOUR;
    let cases = [
        (Fact::Case { at_ms: at + 1 }, "at_ms: a whole second"),
        (Fact::Arrival { at_ms: 1_000 }, "at_ms: an instant since 2019"),
        (Fact::Stay { from_ms: at, to_ms: at - 1000, risk: Risk::High }, "to_ms: not before from_ms"),
        (Fact::Quarantine { from_ms: at, to_ms: at + 400 * 24 * HOUR }, "to_ms: an instant since 2019"),
        (visit(UnixMillis(old), "310105"), "to_ms: within 60 days"),
        (visit(UnixMillis(at), "31 01"), "place: a code of 1 to 64"),
        (visit(UnixMillis(at), ""), "place: a code of 1 to 64"),
        (test(UnixMillis(at), " "), "laboratory: 1 to 128 bytes"),
        (dose("A\nB", 1, 0), "batch: 1 to 128 bytes"),
        (dose("A", 0, 0), "number: 1 to 20"),
        (dose("A", 1, 3073), "document: at most 4096"),
        (Fact::Symptoms { at_ms: at + 60_000, has: true }, "at_ms: an instant since 2019"),
        (Fact::Record { at_ms: at }, "kind: another"),
        (
            Fact::Void { at_ms: at, number: 1, reason: "wrong".into() },
            "number: the number of a fact of this person",
        ),
    ];
    let facts: Vec<_> = cases.iter().map(|(fact, _)| (of(0), fact.clone())).collect();
    for (taken, (fact, wanted)) in add(&scene, &facts, false).await.iter().zip(&cases) {
        assert!(refused(taken).starts_with(wanted), "{fact:?}: {}", refused(taken));
    }
    // Of another person, or of a fact to come, a void is none either.
    scene.add_people(1, 1).await;
    let void = |number| Fact::Void { at_ms: at, number, reason: "another person".into() };
    assert_eq!(add(&scene, &[(of(1), test(UnixMillis(at), "L-1"))], false).await[0].outcome, Ok(false));
    let voids = [(of(0), void(1)), (of(1), void(2)), (of(1), void(1))];
    let taken = add(&scene, &voids, false).await;
    assert_eq!(taken.iter().map(|taken| taken.outcome.is_ok()).collect::<Vec<_>>(), [false, false, true]);
    let good =
        [(of(0), dose("A", 1, 3072)), (of(0), Fact::Quarantine { from_ms: at, to_ms: at + 14 * 24 * HOUR })];
    assert!(add(&scene, &good, false).await.iter().all(|taken| taken.outcome == Ok(false)));
}

/// Facts of one holder fill no answer by themselves, and those of several holders come in as many answers as they need.
pub async fn r28_facts_of_a_holder_end_at_what_one_answer_takes(database: &dyn Database) {
    const EACH: u32 = 140;
    let scene = Scene::open(database).await;
    scene.add_people(0, 10).await;
    let at_ms = now().0 / 1000 * 1000;
    let dose = |nth: u32| Fact::Dose {
        at_ms,
        product: "BBIBP-CorV".into(),
        manufacturer: "Beijing Institute".into(),
        batch: format!("batch {nth}"),
        number: 1,
        site: "Chaoyang 3".into(),
        signer: "Dr. Li".into(),
        document: Some(hufu_contract::Base64Url(vec![7; 3072])),
    };
    let facts: Vec<_> = (0..10 * EACH).map(|nth| (of(nth / EACH), dose(nth))).collect();
    let taken = add(&scene, &facts, false).await;
    for of_one in taken.chunks(EACH as usize) {
        let kept = of_one.iter().filter(|taken| taken.outcome == Ok(false)).count();
        assert!((100..EACH as usize).contains(&kept), "{kept} of {EACH}");
        assert!(refused(&of_one[kept]).starts_with("limit reached"), "{}", refused(&of_one[kept]));
    }
    let again = add(&scene, &facts[..EACH as usize], false).await;
    assert_eq!(again[0].outcome, Ok(true), "known is known without room");
    assert!(refused(&again[EACH as usize - 1]).starts_with("limit reached"));
    // Who fills the room of a holder shuts out neither what makes them red nor what makes the others void.
    let positive = Fact::Test { at_ms, result: Sample::Positive, laboratory: "L-1".into() };
    let void = Fact::Void { at_ms, number: 1, reason: "another person".into() };
    let others = [(of(0), positive), (of(0), Fact::Case { at_ms }), (of(0), void), (of(0), dose(EACH))];
    let taken = add(&scene, &others, false).await;
    assert!(taken[..3].iter().all(|taken| taken.outcome == Ok(false)), "{taken:?}");
    assert!(refused(&taken[3]).contains("hand in a void"), "{}", refused(&taken[3]));
    let opened = open(&scene, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], None, now()).await;
    assert_eq!(opened.len(), 9, "4 MiB and the holder that goes beyond them");
    assert!(opened.iter().all(|one| one.facts.len() < EACH as usize));
}

/// Nothing of a fact lies in the database in clear; another sealing key takes over; itineraries end.
pub async fn r28_facts_are_sealed_and_places_are_gone_after_60_days(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(0, 2).await;
    let left = UnixMillis(now().0 - 59 * 24 * HOUR);
    let facts = [
        (of(0), visit(left, "310105-0042")),
        (of(0), test(left, "Laboratory Seventeen")),
        (of(1), visit(now(), "44")),
    ];
    add(&scene, &facts, false).await;
    let stored = database.stored().await;
    for text in ["310105-0042", "Laboratory Seventeen", "from_ms"] {
        assert!(memchr::memmem::find(&stored, text.as_bytes()).is_none(), "{text}");
    }
    let newest = format!("seal {}", "c3".repeat(32));
    let rotating =
        Scene::with_vault(database, &key_file().replacen("seal", &format!("{newest}\nseal"), 1)).await;
    assert_eq!(rotating.registry.rotate_vault(&rotating.operator, now()).await, Ok(2 + 3));
    let only = key_file().lines().take(2).chain([newest.as_str()]).collect::<Vec<_>>().join("\n");
    let rotated = Scene::with_vault(database, &only).await;
    assert_eq!(open(&rotated, &[0], None, now()).await[0].facts.len(), 2);

    let later = UnixMillis(now().0 + 24 * HOUR);
    assert_eq!(
        open(&rotated, &[0], None, later).await[0].facts.len(),
        1,
        "not shown, though nothing was deleted yet"
    );
    assert_eq!(rotated.registry.forget_facts(later).await, Ok(1));
    assert_eq!(rotated.registry.forget_facts(later).await, Ok(0));
    let opened = open(&rotated, &[0, 1], None, later).await;
    assert!(matches!(opened[0].facts[..], [(2, Fact::Test { .. })]), "{opened:?}");
    assert_eq!(opened[1].facts.len(), 1, "of today");
}

/// A fact stays with its record and is found under the one that goes on.
pub async fn r28_facts_of_joined_records_go_on_with_the_one(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(0, 2).await;
    let at = now();
    add(&scene, &[(of(0), test(at, "L-1")), (of(1), test(at, "L-2"))], false).await;
    join_as(&scene, 1, 0, false).await.expect("joined");
    add(&scene, &[(of(1), test(at, "L-3")), (of_person(1, &name(1)), test(at, "L-4"))], false).await;
    let opened = open(&scene, &[0, 1], None, now()).await;
    // The third was written by the join: the colour is computed again.
    assert_eq!(opened[0].facts.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert!(matches!(opened[0].facts[2].1, Fact::Record { .. }));
    assert_eq!(opened[1].facts.len(), 1, "who asks for the record that ended sees what was kept with it");
    assert_eq!(opened.iter().map(|one| one.joined).collect::<Vec<_>>(), [None, Some(HolderIndex(0))]);
    let changes = scene.registry.fact_changes(&scene.operator, ISSUER, 1, 10).await.expect("changes");
    assert_eq!(changes, [2, 3, 4, 5].map(|number| (number, HolderIndex(0))));
    let kept: Vec<StoredHolder> = scene.store.holders(ISSUER, None, 10).await.expect("records");
    assert_eq!(kept[1].joined, Some(HolderIndex(0)));
}

/// Each join is a change of its own, also the second one within a second, and is written together with the join.
pub async fn r28_every_join_has_colours_computed_again(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(0, 5).await;
    add(&scene, &[(of(0), test(now(), "L-1"))], false).await;
    let at = now();
    for retired in [1, 2] {
        join_at(&scene, (retired, 0), false, at).await.expect("joined");
        let lines = scene.store.trail(0, 1000).await.expect("a trail");
        assert_eq!(
            lines.last().map(|line| line.entry.action),
            Some(Action::HoldersJoined),
            "one line for both"
        );
    }
    let changes = scene.registry.fact_changes(&scene.operator, ISSUER, 1, 10).await;
    assert_eq!(changes, Ok([2, 3].map(|number| (number, HolderIndex(0))).to_vec()));
    join_at(&scene, (4, 3), false, at).await.expect("joined");
    let changes = scene.registry.fact_changes(&scene.operator, ISSUER, 3, 10).await;
    assert_eq!(changes, Ok(Vec::new()), "nothing is recorded of these");
}

/// A word that changes without its colour keeps the time of the colour; the facts until a number are those of then.
pub async fn r28_a_colour_keeps_the_time_that_gave_it(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(0, 2).await;
    let standing = async |at| open(&scene, &[0], None, at).await[0].standing;
    assert_eq!(standing(now()).await.word, StatusWord::UNKNOWN);
    scene.change(&[(0, Change::Word(green())), (1, Change::Word(green()))]).await;
    let first = standing(now()).await;
    assert_eq!(first.word.colour(), Some(Colour::Green));
    assert_eq!(first.since, scene.tip().await.confirmed);
    let tested = green().with_test(StatusMinute::nearest(now().seconds()), TestResult::Negative);
    scene.change(&[(0, Change::Status(tested))]).await;
    scene.change(&[(0, Change::Generation(4))]).await;
    let same = standing(now()).await;
    assert_eq!((same.word, same.since), (tested.with_generation(4), first.since));
    scene.change(&[(0, Change::Status(red()))]).await;
    let turned = standing(now()).await;
    assert_eq!((turned.word.colour(), turned.since), (Some(Colour::Red), scene.tip().await.confirmed));
    scene.change(&[(0, Change::Word(StatusWord::UNKNOWN))]).await;
    scene.change(&[(0, Change::Word(red()))]).await;
    assert_eq!(standing(now()).await.since, scene.tip().await.confirmed, "forgotten in between");

    add(
        &scene,
        &[(of(0), test(now(), "L-1")), (of(1), test(now(), "L-1")), (of(0), test(now(), "L-2"))],
        false,
    )
    .await;
    let until = open(&scene, &[0, 1], Some(2), now()).await;
    assert_eq!(until.iter().map(|one| one.facts.len()).collect::<Vec<_>>(), [1, 1]);
}

/// Who hands facts in does not read them, and who reads them hands none in.
pub async fn r28_only_who_computes_colours_opens_facts(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(0, 1).await;
    let [laboratory, others] = [
        caller(&scene.registry, Scopes::of([Scope::Facts])).await,
        caller(&scene.registry, Scopes::of(Scope::ALL.into_iter().filter(|scope| *scope != Scope::Rulings)))
            .await,
    ];
    let reader = caller(&scene.registry, Scopes::of([Scope::Rulings])).await;
    let facts = [(of(0), test(now(), "L-1"))];
    let registry = &scene.registry;
    let add = async |who: &Caller| registry.add_facts(who, ISSUER, &facts, false, now()).await.map(drop);
    let open =
        async |who: &Caller| registry.open_facts(who, ISSUER, &[HolderIndex(0)], None, now()).await.map(drop);
    let follow = async |who: &Caller| registry.fact_changes(who, ISSUER, 0, 1).await.map(drop);
    assert_eq!(add(&laboratory).await, Ok(()));
    assert_eq!((open(&reader).await, follow(&reader).await), (Ok(()), Ok(())));
    let forbidden = |fault: Result<(), Fault>| matches!(fault, Err(Fault::Forbidden { .. }));
    assert!(forbidden(add(&reader).await));
    // The salt of the facts' digests is for those who open facts.
    let propose = caller(&scene.registry, Scopes::of([Scope::Propose])).await;
    let put = registry.put_paper(&propose, ISSUER, (PaperKind::Workings, [7; 32]), b"{}", now()).await;
    assert_eq!(put, Ok(()));
    let workings = (PaperKind::Workings, [8; 32]);
    assert!(forbidden(registry.put_paper(&laboratory, ISSUER, workings, b"{}", now()).await));
    let read =
        async |who: &Caller| registry.paper(who, ISSUER, PaperKind::Workings, &[7; 32]).await.map(drop);
    assert_eq!(read(&reader).await, Ok(()));
    assert!(forbidden(read(&laboratory).await) && forbidden(read(&propose).await));
    for who in [&laboratory, &others] {
        assert!(forbidden(open(who).await) && forbidden(follow(who).await));
    }
    let last = scene.store.trail(0, 1000).await.expect("lines");
    let read =
        last.iter().find(|line| line.entry.action.slug() == "facts.read").expect("a line for who read");
    assert_eq!(read.entry.who, reader.label());
}

/// Two laboratories hand in at once; who reads on from the last number sees each fact once.
pub async fn r28_who_follows_facts_misses_none(database: &dyn Database) {
    let scenes = [Scene::open(database).await, Scene::beside(database).await];
    let [one, two] = &scenes;
    one.add_people(0, 2).await;
    let hand_in = async |scene: &Scene, holder: u32| {
        for nth in 0..20 {
            add(
                scene,
                &[(of(holder), test(now(), &format!("L-{nth}"))), (of(holder), visit(now(), "31"))],
                false,
            )
            .await;
        }
    };
    let follow = async {
        let (mut seen, mut end) = (Vec::new(), 0);
        while seen.len() < 80 {
            let page = one.registry.fact_changes(&one.operator, ISSUER, end, 7).await.expect("a page");
            end = page.last().map_or(end, |(number, _)| *number);
            seen.extend(page);
            tokio::task::yield_now().await;
        }
        seen
    };
    let ((), (), seen) = tokio::join!(hand_in(one, 0), hand_in(two, 1), follow);
    assert!(seen.is_sorted(), "{seen:?}");
    assert_eq!(seen.iter().filter(|(_, holder)| holder.0 == 0).count(), 40);
    assert_eq!(one.registry.fact_changes(&one.operator, ISSUER, 0, 1000).await, Ok(seen));
}

/// The same again is taken; another of its name is not; a rule file is called by its digest.
pub async fn r28_a_paper_never_changes(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let registry = &scene.registry;
    let put = async |kind, name: [u8; 32], bytes: &[u8]| {
        registry.put_paper(&scene.operator, ISSUER, (kind, name), bytes, now()).await
    };
    assert_eq!(put(PaperKind::Workings, [7; 32], b"one").await, Ok(()));
    assert_eq!(put(PaperKind::Workings, [7; 32], b"one").await, Ok(()));
    assert!(matches!(put(PaperKind::Workings, [7; 32], b"other").await, Err(Fault::Conflict(_))));
    assert!(matches!(
        put(PaperKind::Rules, [6; 32], b"rules").await,
        Err(Fault::Invalid { field: "name", .. })
    ));
    // SHA-256 of "rules".
    let name: hufu_contract::Hex<32> =
        "6c621d1a05138a7888d37d9269a9da8e2e11e4aced2f6cfd24b05ab1b9e61bb0".parse().expect("a digest");
    let named = put(PaperKind::Rules, name.0, b"rules").await;
    assert_eq!(named, Ok(()));
    assert_eq!(put(PaperKind::Workings, [8; 32], b"two").await, Ok(()));
    let names = registry.papers(&scene.operator, ISSUER, PaperKind::Workings, 10).await.expect("names");
    assert_eq!(names.iter().map(|(name, _)| *name).collect::<Vec<_>>(), [[8; 32], [7; 32]]);
    let paper = registry.paper(&scene.operator, ISSUER, PaperKind::Workings, &[7; 32]).await;
    assert_eq!(paper.as_deref(), Ok(b"one".as_slice()));
    let missing = registry.paper(&scene.operator, ISSUER, PaperKind::Places, &[7; 32]).await;
    assert!(matches!(missing, Err(Fault::NotFound(_))), "{missing:?}");
    for wrong in [&b""[..], &vec![0; PAPER_BYTES_MAX + 1]] {
        assert!(matches!(put(PaperKind::Workings, [9; 32], wrong).await, Err(Fault::Invalid { .. })));
    }
}
