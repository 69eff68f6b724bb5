//! What became of one holder, and what an authority sees before it changes one.

use std::collections::BTreeMap;

use hufu_registry::store::ProposalFilter;
use hufu_registry::{Action, Caller, Fault, NewToken, Registry};
use hufu_registry::{ProposalId, ProposalPhase, Scope, Scopes};
use hufu_wire::chain::Change;
use hufu_wire::{HolderIndex, RuleId, Sequence, StatusWord, UnixMillis};

use crate::scene::{now, person};
use crate::{Database, ISSUER, Scene, green, red};

/// A caller who may do these things alone.
pub(crate) async fn caller(registry: &Registry, scopes: Scopes) -> Caller {
    let at = now();
    let label = format!("a caller with scopes {:x} at {}", scopes.to_bits(), at.0);
    let token = NewToken { label, scopes, issuer: None, expires: UnixMillis(at.0 + 86_400_000) };
    let (_, text) = registry.add_token(&Caller::operator(), &token, at).await.expect("a token");
    registry.authenticate(text.as_str(), at).await.expect("a caller")
}

/// Each holder finds the proposals that name them; time and state narrow them, page by page.
pub async fn r47_proposals_are_found_by_holder_and_time(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let mut added = Vec::new();
    for holders in [vec![1, 2], vec![2], vec![3], vec![1, 2, 3], vec![2, 4]] {
        let changes: Vec<_> = holders.into_iter().map(|holder| (holder, Change::Word(green()))).collect();
        added.push(scene.propose(&scene.instruct(&changes)).await.added);
    }
    let withdrawn = scene.registry.withdraw(&scene.operator, ISSUER, ProposalId(4), now()).await;
    withdrawn.expect("an open proposal");
    let list = async |filter: ProposalFilter, after: u64, limit| {
        let page = (Some(ProposalId(after)), limit);
        let listed = scene.registry.proposals(&scene.operator, ISSUER, &filter, page, now()).await;
        listed.expect("a page").iter().map(|proposal| proposal.id.0).collect::<Vec<_>>()
    };
    let of = |holder| ProposalFilter { holder: Some(HolderIndex(holder)), ..ProposalFilter::default() };
    assert_eq!(list(of(2), 0, 3).await, [1, 2, 4]);
    assert_eq!(list(of(2), 4, 3).await, [5]);
    assert_eq!(list(of(4), 0, 9).await, [5]);
    assert!(list(of(9), 0, 9).await.is_empty());
    let pending = Some(ProposalPhase::Pending);
    assert_eq!(list(ProposalFilter { phase: pending, ..of(3) }, 0, 9).await, [3]);
    let between =
        ProposalFilter { since: Some(added[1]), until: Some(added[3]), ..ProposalFilter::default() };
    assert_eq!(list(between, 0, 9).await, [2, 3]);
    assert_eq!(list(ProposalFilter { since: Some(added[1]), ..of(2) }, 0, 9).await, [2, 4, 5]);
    assert_eq!(list(ProposalFilter { until: Some(added[0]), ..of(2) }, 0, 9).await, [0_u64; 0]);
}

/// Colour by colour, with rule and reason, for whoever may and with a line of the trail.
pub async fn r47_a_holder_s_history_is_told_with_rule_and_reason(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let lost = green().with_generation(3);
    scene.change(&[(1, Change::Word(green())), (2, Change::Word(red()))]).await;
    scene.change(&[(2, Change::Word(green()))]).await;
    scene.change(&[(1, Change::Generation(3))]).await;
    scene.propose(&scene.instruct(&[(1, Change::Word(red()))])).await;
    scene.change(&[(1, Change::Status(red())), (3, Change::Word(green()))]).await;
    scene.change(&[(1, Change::Word(StatusWord::UNKNOWN))]).await;
    let history = async |caller: &Caller, after: u64, limit| {
        let page = (Sequence(after), limit);
        scene.registry.history(caller, ISSUER, HolderIndex(1), page, now()).await
    };
    let unknown = StatusWord::UNKNOWN;
    let told = history(&scene.operator, 0, 99).await.expect("a history");
    let words: Vec<_> = told.iter().map(|entry| (entry.sequence.0, entry.before, entry.after)).collect();
    let late = red().with_generation(3);
    assert_eq!(words, [(1, unknown, green()), (3, green(), lost), (4, lost, late), (5, late, unknown)]);
    assert_eq!(
        (told[2].proposal, told[2].rule, &*told[2].reason),
        (ProposalId(5), RuleId(7), "contact of a case")
    );
    assert_eq!(history(&scene.operator, 1, 2).await.as_deref(), Ok(&told[1..3]));
    assert_eq!(history(&scene.operator, 5, 9).await, Ok(Vec::new()));

    let others =
        caller(&scene.registry, Scopes::of(Scope::ALL.into_iter().filter(|scope| *scope != Scope::History)))
            .await;
    let refused = history(&others, 0, 9).await;
    assert!(matches!(refused, Err(Fault::Forbidden { scope: Scope::History, .. })), "{refused:?}");
    let after = scene.store.trail_end().await.expect("an end").number;
    let reader = caller(&scene.registry, Scopes::of([Scope::History])).await;
    history(&reader, 0, 9).await.expect("who may");
    let line = scene.store.trail(after, 9).await.expect("a trail").pop().expect("a line").entry;
    assert_eq!((line.action, &*line.what, &*line.who), (Action::HistoryRead, "holder 1", reader.label()));
}

/// What holders have, in the order in which they were asked for; masked displays for whoever may see holders.
pub async fn r47_an_authority_sees_whom_it_changes_from_what(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(0, 2).await;
    scene.change(&[(0, Change::Word(red())), (7, Change::Word(green()))]).await;
    let look = async |caller: &Caller, holders: &[u32]| {
        let holders: Vec<_> = holders.iter().copied().map(HolderIndex).collect();
        scene.registry.current_statuses(caller, ISSUER, &holders, now()).await
    };
    let seen = look(&scene.operator, &[7, 1, 0]).await.expect("a look");
    let told: Vec<_> = seen.iter().map(|seen| (seen.index.0, seen.is_registered, seen.word)).collect();
    assert_eq!(told, [(7, false, green()), (1, true, StatusWord::UNKNOWN), (0, true, red())]);
    assert_eq!(seen[2].display, Some(person(0).display()));
    let proposer = caller(&scene.registry, Scopes::of([Scope::Propose])).await;
    let seen = look(&proposer, &[0]).await.expect("a look");
    assert_eq!((seen[0].is_registered, seen[0].word, &seen[0].display), (true, red(), &None));
    let clerk = caller(&scene.registry, Scopes::of([Scope::Holders])).await;
    assert!(matches!(look(&clerk, &[0]).await, Err(Fault::Forbidden { .. })));
    assert!(matches!(look(&proposer, &[]).await, Err(Fault::Invalid { field: "holders", .. })));
}

/// Where rules are listed, no other is taken.
pub async fn r47_only_a_known_rule_gives_colours(database: &dyn Database) {
    let mut scene = Scene::open(database).await;
    let instruction = scene.instruct(&[(1, Change::Word(green()))]);
    let rules =
        |rule| BTreeMap::from([(RuleId(1), "first import".to_owned()), (RuleId(rule), "another".to_owned())]);
    scene.registry = scene.registry.with_rules(rules(2));
    let refused = scene.registry.propose(&scene.operator, ISSUER, &instruction, now()).await;
    let Err(Fault::Invalid { field: "rule", what }) = refused else { panic!("{refused:?}") };
    assert_eq!(what, "7 is not known; known are 1 (first import), 2 (another)");
    scene.registry = scene.registry.with_rules(rules(7));
    scene.propose(&instruction).await;
}
