//! Two at once, and one cut off in the middle.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use hufu_registry::Brake;
use hufu_registry::ChainSource as _;
use hufu_registry::Fault;
use hufu_registry::ProposalState;
use hufu_registry::chain::Appended;
use hufu_wire::chain::Change;
use hufu_wire::{HolderIndex, Sequence};

use crate::scene::{now, person};
use crate::{Database, ISSUER, Scene, green};

/// Sets that each of two processes appends.
const EACH: u32 = 8;

/// Both want every place; each gets half of them in the end, and no place is left out or taken twice.
pub async fn one_of_two_appenders_wins_each_place(database: &dyn Database) {
    let scenes = [Scene::open(database).await, Scene::beside(database).await];
    let [one, two] = &scenes;
    let (moved_one, moved_two) = tokio::join!(append_all(one, 0), append_all(two, 1000));
    let tip = one.tip().await;
    assert_eq!(tip.sequence, Sequence(u64::from(2 * EACH)));
    assert_eq!(two.tip().await, tip);
    let sets = one.registry.sets(ISSUER, Sequence(0), usize::MAX).await.expect("a chain without a gap");
    assert_eq!(sets.len(), 2 * EACH as usize);
    let words =
        one.store.statuses(ISSUER, HolderIndex(0), u32::MAX).await.expect("words").expect("an issuer").words;
    assert_eq!(words.len(), 2 * EACH as usize, "every set's word is there");
    println!("{}: moved {moved_one} and {moved_two} times", one.store.name());
}

/// Appends one set after the other, signing anew whenever somebody was faster; how often that was.
async fn append_all(scene: &Scene, from: u32) -> u32 {
    let mut moved = 0;
    for holder in from..from + EACH {
        loop {
            let instruction = scene.instruct(&[(holder, Change::Word(green()))]);
            let tip = scene.tip().await;
            if now() <= tip.proposed.at() {
                continue;
            }
            let proposal = match scene.registry.propose(&scene.operator, ISSUER, &instruction, now()).await {
                Ok(proposal) => proposal,
                // Each look at this clock is a second later: while this one waited, a set was appended that was
                // proposed after it.
                Err(Fault::Conflict(_)) => continue,
                Err(fault) => panic!("{fault}"),
            };
            if proposal.facts.proposed <= tip.proposed {
                continue;
            }
            let set = scene.sign(&instruction, &tip, now());
            match scene.confirm(&proposal, &set).await.expect("a set that is believed") {
                Appended::Appended { .. } => break,
                Appended::Moved { .. } => moved += 1,
                other => panic!("{other:?}"),
            }
        }
    }
    moved
}

/// The same people through two processes at once: everybody once, and no index left out.
pub async fn two_imports_register_everybody_once(database: &dyn Database) {
    let scenes = [Scene::open(database).await, Scene::beside(database).await];
    let import = async |scene: &Scene, order: Vec<u32>| {
        for lot in order.chunks(7) {
            let people: Vec<_> = lot.iter().map(|n| person(*n)).collect();
            let added = scene.registry.add_holders(&scene.operator, ISSUER, &people, now()).await;
            added.expect("good people");
        }
    };
    tokio::join!(import(&scenes[0], (0..60).collect()), import(&scenes[1], (0..60).rev().collect()));
    let holders = scenes[0].store.holders(ISSUER, None, 1000).await.expect("a page");
    let indices: Vec<_> = holders.iter().map(|holder| holder.index.0).collect();
    assert_eq!(indices, (0..60).collect::<Vec<_>>());
    let subjects: BTreeSet<_> = holders.iter().map(|holder| holder.subject.0).collect();
    assert_eq!(subjects.len(), 60);
}

/// An authority that asks two processes at once still has one proposal.
pub async fn the_same_proposal_from_two_sides_is_one(database: &dyn Database) {
    let scenes = [Scene::open(database).await, Scene::beside(database).await];
    for holder in 1..=6 {
        let instruction = scenes[0].instruct(&[(holder, Change::Word(green()))]);
        let (one, two) = tokio::join!(scenes[0].propose(&instruction), scenes[1].propose(&instruction));
        assert_eq!(one, two);
        assert_eq!(one.id.0, u64::from(holder), "numbers have no gap");
    }
}

/// A request may end at any moment, the process too: what it left is a whole set or none, in every table.
pub async fn an_append_is_all_or_nothing(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let mut appended = 0;
    // How long an append takes here: the shortest so far of those that were not cut off. The first is not.
    let mut whole = Duration::from_secs(60);
    for attempt in 0..40_u32 {
        let changes: Vec<_> = (0..2000).map(|n| (attempt * 2000 + n, Change::Word(green()))).collect();
        let instruction = scene.instruct(&changes);
        let proposal = scene.propose(&instruction).await;
        let before = scene.tip().await;
        let set = scene.sign(&instruction, &before, now());
        let patience = if attempt == 0 { whole } else { whole * attempt / 32 };
        let begun = Instant::now();
        if let Ok(answer) = tokio::time::timeout(patience, scene.confirm(&proposal, &set)).await {
            assert!(matches!(answer, Ok(Appended::Appended { .. })), "{answer:?}");
            whole = whole.min(begun.elapsed());
        }

        // Whatever still runs for it has the issuer's row: whoever gets that next comes after it.
        scene.put_brake(Brake { share_permille: 1000, ..Brake::DEFAULT }).await;
        // Another process looks: it sees what is committed and nothing else.
        let found = Scene::beside(database).await;
        let tip = found.tip().await;
        let is_there = tip.sequence > before.sequence;
        appended += u64::from(is_there);
        assert_eq!(tip.sequence, Sequence(appended));
        assert!(is_there || tip == before);
        let sets = found.registry.sets(ISSUER, before.sequence, 0).await.expect("a sound chain");
        assert_eq!(sets.len(), usize::from(is_there));
        let first = HolderIndex(attempt * 2000);
        let words =
            found.store.statuses(ISSUER, first, u32::MAX).await.expect("words").expect("an issuer").words;
        assert_eq!(words.len(), if is_there { 2000 } else { 0 });
        let state = found
            .registry
            .proposal(&found.operator, ISSUER, proposal.id, now())
            .await
            .map(|found| found.state);
        let expected = if is_there { ProposalState::Confirmed(tip.sequence) } else { ProposalState::Pending };
        assert_eq!(state, Ok(expected));
        found.store.close().await;
    }
    println!("{}: {appended} of 40 were appended before they were cut off", scene.store.name());
    assert!((1..40).contains(&appended), "some must be cut off, and some not: {appended}");
}

/// Several registries write lines at once: each follows the one before, and nobody who reads page by page misses one (R44).
pub async fn lines_of_several_writers_are_one_trail(database: &dyn Database) {
    const LINES: u32 = 8;
    let scene = Scene::open(database).await;
    let others = [Scene::beside(database).await, Scene::beside(database).await];
    let write = async |scene: &Scene, from: u32| {
        for person in from..from + LINES {
            scene.add_people(person, 1).await;
        }
    };
    tokio::join!(write(&scene, 0), write(&others[0], 100), write(&others[1], 200));
    let check = scene.registry.check_trail(&scene.operator).await.expect("a look").expect("a whole trail");
    assert_eq!((check.lines(), check.unsealed()), (u64::from(3 * LINES) + 1, 0));
    assert_eq!(check.end().number, check.lines(), "no number is left out");
}
