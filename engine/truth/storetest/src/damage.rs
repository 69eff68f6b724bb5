//! Rows that somebody altered behind the registry's back. Engines refuse what is not signed; here it is told sooner,
//! and by name.

use hufu_registry::ChainSource as _;
use hufu_registry::Fault;
use hufu_registry::ProposalId;
use hufu_registry::Roster;
use hufu_registry::Site;
use hufu_registry::store::ProposalFilter;
use hufu_registry::{TrailBreak, TrailCheck, TrailDigest, TrailEnd};
use hufu_wire::chain::Change;
use hufu_wire::{HolderIndex, Sequence, SiteId};

use crate::scene::{now, person};
use crate::{Database, ISSUER, Scene, Tampering, green};

fn damaged<T>(found: &Result<T, Fault>) -> bool {
    matches!(found, Err(Fault::Damaged(_)))
}

/// The seal names its place (R45).
pub async fn a_row_moved_to_another_holder_does_not_open(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(0, 3).await;
    database.tamper(Tampering::SwapSealed).await;
    let read = async |index| scene.registry.holder(&scene.operator, ISSUER, HolderIndex(index), now()).await;
    assert!(damaged(&read(0).await) && damaged(&read(1).await));
    assert!(read(2).await.is_ok());
}

/// The subject belongs to the number that was sealed.
pub async fn a_person_found_by_another_s_number_is_noticed(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(0, 3).await;
    database.tamper(Tampering::SwapSubjects).await;
    let found = scene.registry.find_holder(&scene.operator, ISSUER, person(0).id_number(), None, now()).await;
    assert!(damaged(&found), "a number that finds another person's record: {found:?}");
    let read = async |index| scene.registry.holder(&scene.operator, ISSUER, HolderIndex(index), now()).await;
    assert!(damaged(&read(0).await) && damaged(&read(1).await));
}

async fn scene_with_chain(database: &dyn Database) -> Scene {
    let scene = Scene::open(database).await;
    for holder in 1..=3 {
        scene.change(&[(holder, Change::Word(green()))]).await;
    }
    scene
}

/// A word of a set, turned in the database: found where it is read, before any engine has to refuse it (R22).
pub async fn an_altered_set_is_found(database: &dyn Database) {
    let scene = scene_with_chain(database).await;
    database.tamper(Tampering::AlterSet).await;
    assert!(damaged(&scene.registry.set(&scene.operator, ISSUER, Sequence(1)).await));
    assert!(damaged(&scene.registry.sets(ISSUER, Sequence(0), 1 << 20).await.map_err(Fault::from)));
    assert_eq!(scene.registry.sets(ISSUER, Sequence(1), 1 << 20).await.map(|sets| sets.len()), Ok(2));
}

/// A chain has no gaps.
pub async fn a_missing_set_is_found(database: &dyn Database) {
    let scene = scene_with_chain(database).await;
    database.tamper(Tampering::DropSet).await;
    assert!(damaged(&scene.registry.sets(ISSUER, Sequence(0), 1 << 20).await.map_err(Fault::from)));
    assert_eq!(scene.registry.sets(ISSUER, Sequence(1), 1 << 20).await.map(|sets| sets.len()), Ok(2));
}

/// Nothing is appended after an end that is not the chain's, and no head says so.
pub async fn an_altered_end_of_the_chain_is_found(database: &dyn Database) {
    let scene = scene_with_chain(database).await;
    let tip = scene.tip().await;
    let instruction = scene.instruct(&[(9, Change::Word(green()))]);
    let proposal = scene.propose(&instruction).await;
    let set = scene.sign(&instruction, &tip, now());
    database.tamper(Tampering::AlterTip).await;
    assert!(damaged(&scene.registry.tip(&scene.operator, ISSUER).await));
    assert!(damaged(&scene.registry.head_at(ISSUER, now()).await));
    assert!(damaged(&scene.confirm(&proposal, &set).await));
}

/// What the national platform would be asked to sign.
pub async fn an_altered_instruction_is_found(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.propose(&scene.instruct(&[(1, Change::Word(green()))])).await;
    database.tamper(Tampering::AlterInstruction).await;
    assert!(damaged(&scene.registry.instruction(&scene.operator, ISSUER, ProposalId(1)).await));
}

/// Members that do not come out even.
pub async fn cut_rosters_are_found(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let site = Site { id: SiteId(1), name: "A school".into(), policy: String::new() };
    scene.registry.put_site(&scene.operator, &site, now()).await.expect("a site");
    scene.add_people(0, 9).await;
    let roster = Roster::new(SiteId(1), "3b".into(), (1..9).map(|index| (ISSUER, HolderIndex(index))));
    scene.registry.put_roster(&scene.operator, &roster.expect("a roster"), now()).await.expect("a roster");
    database.tamper(Tampering::CutRosters).await;
    assert!(damaged(&scene.registry.sign_roster(&scene.operator, SiteId(1), "3b", 60, now()).await));
}

/// Words of lists are read strictly.
pub async fn words_that_nothing_writes_are_found(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.propose(&scene.instruct(&[(1, Change::Word(green()))])).await;
    database.tamper(Tampering::OddPhase).await;
    assert!(damaged(
        &scene
            .registry
            .proposals(&scene.operator, ISSUER, &ProposalFilter::default(), (None, 9), now())
            .await
    ));
}

/// A scene with some lines in the trail, whose last is `TrailEnd`.
async fn scene_with_trail(database: &dyn Database) -> (Scene, TrailEnd) {
    let scene = Scene::open(database).await;
    for person in 0..4 {
        scene.add_people(person, 1).await;
    }
    let check = scene.registry.check_trail(&scene.operator).await.expect("a look").expect("a whole trail");
    assert_eq!((check.lines(), check.unsealed()), (5, 0));
    assert_eq!(scene.registry.trail_end(&scene.operator).await, Ok(check.end()));
    (scene, check.end())
}

/// The line at which a trail with this damage is not whole.
async fn broken(database: &dyn Database, tampering: Tampering) -> TrailBreak {
    let (scene, _) = scene_with_trail(database).await;
    database.tamper(tampering).await;
    // What is written afterwards hides nothing.
    scene.add_people(9, 1).await;
    scene.registry.check_trail(&scene.operator).await.expect("a look").expect_err("a broken trail")
}

/// A line says what it said.
pub async fn r44_an_altered_line_of_the_trail_is_found(database: &dyn Database) {
    assert_eq!(broken(database, Tampering::AlterTrail).await.number, 2);
}

/// A line is followed by the one that followed it.
pub async fn r44_a_missing_line_of_the_trail_is_found(database: &dyn Database) {
    assert_eq!(broken(database, Tampering::DropTrail).await.number, 3);
}

/// A line is where it was.
pub async fn r44_lines_of_the_trail_that_changed_places_are_found(database: &dyn Database) {
    assert_eq!(broken(database, Tampering::SwapTrail).await.number, 2);
}

/// No line comes between.
pub async fn r44_a_line_put_into_the_trail_is_found(database: &dyn Database) {
    assert_eq!(broken(database, Tampering::RepeatTrail).await.number, 6);
}

/// Who has the database computes digests again. The key of the seals is not there.
pub async fn r44_an_altered_line_whose_digests_were_computed_again_is_found_by_its_seal(
    database: &dyn Database,
) {
    let (scene, _) = scene_with_trail(database).await;
    database.tamper(Tampering::AlterTrail).await;
    let mut digest = TrailDigest::START;
    for line in scene.store.trail(0, 9).await.expect("a trail") {
        digest = digest.after(line.number, &line.entry);
        if line.number >= 2 {
            database.put_digest(line.number, digest).await;
        }
    }
    let mut without_key = TrailCheck::new(None);
    for line in scene.store.trail(0, 9).await.expect("a trail") {
        without_key.take(&line).expect("its digest fits");
    }
    assert_eq!(without_key.lines(), 5);
    let check = scene.registry.check_trail(&scene.operator).await.expect("a look");
    let what = "its seal was not made with this registry's vault key";
    assert_eq!(check.expect_err("a broken trail"), TrailBreak { number: 2, what });
}

/// Only lines from before there were seals have none.
pub async fn r44_a_seal_taken_from_the_trail_is_found(database: &dyn Database) {
    let (scene, _) = scene_with_trail(database).await;
    database.tamper(Tampering::UnsealTrail).await;
    let check = scene.registry.check_trail(&scene.operator).await.expect("a look").expect("digests fit");
    assert_eq!((check.lines(), check.unsealed()), (5, 4), "the number of lines without a seal has grown");
}

/// A line without a seal comes after no line that has one.
pub async fn r44_a_seal_taken_from_a_line_between_sealed_ones_is_found(database: &dyn Database) {
    let what = "it has no seal, but an earlier line has one";
    assert_eq!(broken(database, Tampering::UnsealLine).await, TrailBreak { number: 3, what });
}

/// The last lines are missed by nobody but who noted where the trail ended.
pub async fn r44_a_shortened_trail_is_found_by_the_end_that_was_noted(database: &dyn Database) {
    let (scene, noted) = scene_with_trail(database).await;
    database.tamper(Tampering::CutTrail).await;
    let end = scene.registry.trail_end(&scene.operator).await.expect("a look");
    assert!(end.number < noted.number);
    // Another line takes the number, and not the digest.
    scene.add_people(9, 1).await;
    let check = scene.registry.check_trail(&scene.operator).await.expect("a look").expect("a whole trail");
    assert_eq!(check.end().number, noted.number);
    assert_ne!(check.end(), noted);
}
