//! Proposals.

use hufu_codes::chain::Tip;
use hufu_registry::Fault;
use hufu_registry::chain::Appended;
use hufu_registry::store::ProposalFilter;
use hufu_registry::{ProposalId, ProposalPhase, ProposalState};
use hufu_wire::chain::Change;
use hufu_wire::{RuleId, Sequence, UnixMillis};

use crate::scene::{VALID_S, now};
use crate::{Database, ISSUER, Scene, green, red};

/// Whoever hands in an instruction again is told of the proposal there is; numbers count from 1.
pub async fn the_same_instruction_twice_is_one_proposal(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let one =
        scene.instruct(&[(1, Change::Status(red())), (2, Change::Generation(3)), (4, Change::Word(green()))]);
    let other = scene.instruct(&[(1, Change::Status(red()))]);
    let first = scene.propose(&one).await;
    assert_eq!((first.id, first.state), (ProposalId(1), ProposalState::Pending));
    assert_eq!((first.facts.changes, first.facts.reds, first.facts.rule), (3, 1, RuleId(7)));
    assert_eq!(scene.propose(&other).await.id, ProposalId(2));
    assert_eq!(scene.propose(&one).await, first);
    let bytes = scene.registry.instruction(&scene.operator, ISSUER, first.id).await;
    assert_eq!(bytes, Ok(one));
    let found = scene.registry.proposal(&scene.operator, ISSUER, first.id, now()).await;
    assert_eq!(found, Ok(first));
}

/// The ways in which nothing becomes of a proposal.
pub async fn a_proposal_is_withdrawn_expires_or_is_overtaken(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let (registry, caller) = (&scene.registry, &scene.operator);
    let of = |holder| scene.instruct(&[(holder, Change::Word(green()))]);
    let instructions = [of(1), of(2), of(3)];
    let [withdrawn, overtaken, confirmed] = [
        scene.propose(&instructions[0]).await,
        scene.propose(&instructions[1]).await,
        scene.propose(&instructions[2]).await,
    ];
    let set = scene.sign(&instructions[0], &Tip::START, now());
    let state = registry.withdraw(caller, ISSUER, withdrawn.id, now()).await.map(|proposal| proposal.state);
    assert_eq!(state, Ok(ProposalState::Withdrawn));
    assert_eq!(scene.confirm(&withdrawn, &set).await, Ok(Appended::Closed(ProposalPhase::Withdrawn)));

    let set = scene.sign(&instructions[2], &Tip::START, now());
    assert!(matches!(scene.confirm(&confirmed, &set).await, Ok(Appended::Appended { .. })));
    let late = scene.propose(&scene.instruct(&[(9, Change::Word(green()))])).await;
    let at = UnixMillis(late.facts.proposed.at().0 + u64::from(VALID_S) * 1000);
    let state = async |id, at| registry.proposal(caller, ISSUER, id, at).await.map(|proposal| proposal.state);
    assert_eq!(state(withdrawn.id, now()).await, Ok(ProposalState::Withdrawn));
    assert_eq!(state(overtaken.id, now()).await, Ok(ProposalState::Overtaken));
    assert_eq!(state(confirmed.id, now()).await, Ok(ProposalState::Confirmed(Sequence(1))));
    assert_eq!(state(late.id, UnixMillis(at.0 - 1)).await, Ok(ProposalState::Pending));
    assert_eq!(state(late.id, at).await, Ok(ProposalState::Expired));

    for proposal in [&overtaken, &confirmed, &late] {
        let refused = registry.withdraw(caller, ISSUER, proposal.id, at).await;
        assert!(matches!(refused, Err(Fault::Conflict(_))), "{refused:?}");
    }
    // Signed before the last one of the chain and handed in after it.
    let before =
        scene.instruct_at(&[(8, Change::Word(green()))], UnixMillis(confirmed.facts.proposed.at().0 - 1));
    assert_eq!(scene.propose(&before).await.state, ProposalState::Overtaken);
}

/// A page goes on where the last one ended, within a phase and over all.
pub async fn proposals_are_listed_by_phase_and_page(database: &dyn Database) {
    let scene = Scene::open(database).await;
    for holder in 1..=7 {
        scene.propose(&scene.instruct(&[(holder, Change::Word(green()))])).await;
    }
    for id in [2, 5] {
        let done = scene.registry.withdraw(&scene.operator, ISSUER, ProposalId(id), now()).await;
        done.expect("an open proposal");
    }
    let list = async |phase, after: u64, limit| {
        let page = (Some(ProposalId(after)), limit);
        let filter = ProposalFilter { phase, ..ProposalFilter::default() };
        let listed = scene.registry.proposals(&scene.operator, ISSUER, &filter, page, now()).await;
        listed.expect("a page").iter().map(|proposal| proposal.id.0).collect::<Vec<_>>()
    };
    assert_eq!(list(None, 0, 4).await, [1, 2, 3, 4]);
    assert_eq!(list(None, 4, 4).await, [5, 6, 7]);
    assert_eq!(list(Some(ProposalPhase::Pending), 0, 3).await, [1, 3, 4]);
    assert_eq!(list(Some(ProposalPhase::Pending), 4, 3).await, [6, 7]);
    assert_eq!(list(Some(ProposalPhase::Withdrawn), 0, 9).await, [2, 5]);
    assert!(list(Some(ProposalPhase::Braked), 0, 9).await.is_empty());
}

/// Signatures, keys and times are looked at before anything is kept.
pub async fn what_no_engine_would_believe_is_no_proposal(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let at = now();
    let good = scene.instruct_at(&[(1, Change::Word(green()))], at);
    let altered = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let propose = async |bytes: &[u8], at| scene.registry.propose(&scene.operator, ISSUER, bytes, at).await;
    let unbelieved = [good[1..].to_vec(), altered(12), altered(20), altered(64), altered(good.len() - 1)];
    for bytes in unbelieved {
        assert!(matches!(propose(&bytes, at).await, Err(Fault::Unbelieved(_))));
    }
    let early = propose(&good, UnixMillis(at.0 - 2001)).await;
    assert!(matches!(early, Err(Fault::Conflict(_))), "of the future: {early:?}");
    let late = propose(&good, UnixMillis(at.0 + u64::from(VALID_S) * 1000)).await;
    assert!(matches!(late, Err(Fault::Conflict(_))), "expired: {late:?}");
    let none =
        scene.registry.proposals(&scene.operator, ISSUER, &ProposalFilter::default(), (None, 9), at).await;
    assert_eq!(none, Ok(Vec::new()));
}
