//! Clocks that were wrong, in either direction.

use hufu_codes::chain::Tip;
use hufu_registry::Brake;
use hufu_registry::Fault;
use hufu_registry::chain::Appended;
use hufu_registry::{Proposal, ProposalState};
use hufu_wire::chain::{Change, Proposed};
use hufu_wire::limits::CHAIN_SKEW_MS_MAX;
use hufu_wire::{HolderIndex, Sequence, UnixMillis};

use crate::checkpoints::vouched;
use crate::scene::now;
use crate::{Database, ISSUER, Scene, green, red};

const HOUR: u64 = 3_600_000;
/// How far a clock is wrong.
const LEAPS: [u64; 2] = [8 * HOUR, 200 * 24 * HOUR];

/// Proposes, signs and hands in, all of it by clocks that show `at`, in an era of the chain's time.
async fn change_at(
    scene: &Scene,
    at: UnixMillis,
    era: u8,
    changes: &[(u32, Change)],
) -> Result<(Proposal, Vec<u8>, Appended), Fault> {
    let instruction = scene.instruct_at(changes, Proposed::new(era, at));
    let proposal = scene.registry.propose(&scene.operator, ISSUER, &instruction, at).await?;
    let set = scene.sign(&instruction, &scene.tip().await, at);
    let appended = scene.registry.confirm(&scene.operator, ISSUER, proposal.id, &set, at).await?;
    Ok((proposal, set, appended))
}

fn is_appended(changed: &Result<(Proposal, Vec<u8>, Appended), Fault>) -> bool {
    matches!(changed, Ok((_, _, Appended::Appended { .. })))
}

/// The clocks of everybody were ahead and are right again: both authorities reset the time of the chain, no set is lost,
/// and what was signed ahead counts once (R21).
pub async fn r21_the_time_of_a_chain_is_reset_by_both_authorities(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.change(&[(1, Change::Word(green()))]).await;
    let mut era = 0;
    for leap in LEAPS {
        let wrong = UnixMillis(now().0 + leap);
        let (_, ahead, _) =
            change_at(&scene, wrong, era, &[(1, Change::Status(red()))]).await.expect("a change");
        let stuck = scene.instruct_at(&[(9, Change::Word(red()))], Proposed::new(era, wrong));
        let late = scene.registry.propose(&scene.operator, ISSUER, &stuck, UnixMillis(wrong.0 + 1)).await;
        assert_eq!(
            late.map(|proposal| proposal.state),
            Ok(ProposalState::Overtaken),
            "dated as the last set is"
        );

        // The clocks are right again. In this era nothing can follow, and the refusal says why.
        let refused =
            change_at(&scene, now(), era, &[(2, Change::Word(green()))]).await.expect_err("refused");
        assert!(refused.to_string().contains("--reset-time"), "{refused}");
        let skipped = change_at(&scene, now(), era + 2, &[(2, Change::Word(green()))]).await;
        assert!(matches!(skipped, Err(Fault::Conflict(_))), "an era left out: {skipped:?}");

        // A table can be vouched for at once, and after the reset.
        let put = async |tip: &Tip| {
            scene.registry.put_checkpoint(&scene.operator, ISSUER, &vouched(&scene, tip, now()), now()).await
        };
        assert_eq!(put(&scene.tip().await).await, Ok(true));
        let reset = change_at(&scene, now(), era + 1, &[(2, Change::Word(green()))]).await;
        assert!(is_appended(&reset), "{reset:?}");
        era += 1;
        assert_eq!(scene.tip().await.proposed.era(), era);
        assert_eq!(put(&scene.tip().await).await, Ok(true));
        assert_eq!(scene.store.status(ISSUER, HolderIndex(1)).await, Ok(red()), "no set is lost");

        // No reset where none is needed, and changes go on as always.
        let needless = change_at(&scene, now(), era + 1, &[(3, Change::Word(green()))]).await;
        assert!(matches!(needless, Err(Fault::Conflict(_))), "{needless:?}");
        assert!(is_appended(&change_at(&scene, now(), era, &[(1, Change::Status(green()))]).await));
        // When the real time has come so far, the old instruction is no new one.
        let late = UnixMillis(wrong.0 + 2);
        let again = scene.instruct_at(&[(1, Change::Status(red()))], Proposed::new(era - 1, wrong));
        let known = scene.registry.propose(&scene.operator, ISSUER, &again, late).await.expect("it is known");
        let ProposalState::Confirmed(sequence) = known.state else { panic!("{known:?}") };
        let before = Proposed::new(era - 1, UnixMillis(0));
        let beyond = Tip { proposed: before, ..scene.tip().await };
        let replayed = scene.sign(&again, &beyond, late);
        let answer = scene.registry.confirm(&scene.operator, ISSUER, known.id, &replayed, late).await;
        assert_eq!(answer, Ok(Appended::Moved { tip: scene.tip().await }));
        assert_eq!(scene.registry.set(&scene.operator, ISSUER, sequence).await.expect("a set").bytes, ahead);
        assert_eq!(scene.store.status(ISSUER, HolderIndex(1)).await, Ok(green()));
    }
    assert!(scene.tip().await.sequence > Sequence(6));
}

/// A chain that is ahead by no more than clocks differ is not reset; one millisecond further it is (R21).
pub async fn r21_a_chain_as_far_ahead_as_clocks_differ_is_not_reset(database: &dyn Database) {
    let scene = Scene::open(database).await;
    // Each call of the clock is a second later: one reading, for an exact boundary.
    let real = now();
    let reset = async || change_at(&scene, real, 1, &[(2, Change::Word(green()))]).await;
    for (beyond, holder) in [(0, 1), (1, 3)] {
        let ahead = UnixMillis(real.0 + CHAIN_SKEW_MS_MAX + beyond);
        assert!(is_appended(&change_at(&scene, ahead, 0, &[(holder, Change::Word(green()))]).await));
        let answer = reset().await;
        if beyond == 0 {
            let is_needless =
                matches!(&answer, Err(Fault::Conflict(what)) if what.contains("without a reset"));
            assert!(is_needless, "{answer:?}");
        } else {
            assert!(is_appended(&answer), "{answer:?}");
        }
    }
}

/// A registry whose clock is wrong takes nothing that is dated by right ones, and goes on when it is right (R21).
pub async fn r21_a_registry_whose_clock_is_wrong_takes_nothing_and_goes_on(database: &dyn Database) {
    let scene = Scene::open(database).await;
    for leap in LEAPS {
        let real = now();
        let instruction = scene.instruct_at(&[(1, Change::Word(green()))], real);
        let (behind, ahead) = (UnixMillis(real.0 - leap), UnixMillis(real.0 + leap));
        for (case, wrong) in [("behind", behind), ("ahead", ahead)] {
            let refused = scene.registry.propose(&scene.operator, ISSUER, &instruction, wrong).await;
            assert!(matches!(refused, Err(Fault::Conflict(_))), "{case}: {refused:?}");
        }
        let proposal =
            scene.registry.propose(&scene.operator, ISSUER, &instruction, real).await.expect("right");
        let set = scene.sign(&instruction, &scene.tip().await, real);
        let checkpoint = vouched(&scene, &scene.tip().await, real);
        let refused = scene.registry.confirm(&scene.operator, ISSUER, proposal.id, &set, behind).await;
        assert!(matches!(&refused, Err(Fault::Conflict(what)) if what.contains("clock")), "{refused:?}");
        for (case, wrong) in [("behind", behind), ("ahead", ahead)] {
            let is_refused = case == "behind" || leap > 7 * 24 * HOUR;
            if scene.tip().await != Tip::START && is_refused {
                let refused =
                    scene.registry.put_checkpoint(&scene.operator, ISSUER, &checkpoint, wrong).await;
                assert!(matches!(refused, Err(Fault::Conflict(_))), "{case}: {refused:?}");
            }
        }
        let appended = scene.registry.confirm(&scene.operator, ISSUER, proposal.id, &set, real).await;
        assert!(matches!(appended, Ok(Appended::Appended { .. })), "{appended:?}");
    }
}

/// An authority whose clock is wrong is refused by name of the clock, in both directions (R21).
pub async fn r21_what_a_wrong_clock_dated_is_no_proposal(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.change(&[(1, Change::Word(green()))]).await;
    for leap in LEAPS {
        let ahead = scene.instruct_at(&[(1, Change::Word(red()))], UnixMillis(now().0 + leap));
        let refused =
            scene.registry.propose(&scene.operator, ISSUER, &ahead, now()).await.expect_err("ahead");
        assert!(refused.to_string().contains("in the future by the registry's clock"), "{refused}");
        let behind = scene.instruct_at(&[(1, Change::Word(red()))], UnixMillis(now().0 - leap));
        let refused =
            scene.registry.propose(&scene.operator, ISSUER, &behind, now()).await.expect_err("behind");
        // Its key was not valid yet so long ago, or it has expired.
        let told = if leap == LEAPS[0] { "expired" } else { "key-not-valid" };
        assert!(refused.to_string().contains(told), "{refused}");
    }
    assert_eq!(scene.tip().await.sequence, Sequence(1));
}

/// Reds that a clock ahead has dated do not hold the brake for as long as it was ahead.
pub async fn a_clock_that_was_ahead_holds_no_brake_for_long(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(0, 100).await;
    scene.put_brake(Brake { share_permille: 100, window_s: 3600, free: 10 }).await;
    let reds = |from: u32, count: u32| -> Vec<_> {
        (from..from + count).map(|holder| (holder, Change::Status(red()))).collect()
    };
    let wrong = UnixMillis(now().0 + 8 * HOUR);
    assert!(is_appended(&change_at(&scene, wrong, 0, &reds(0, 10)).await));
    assert!(is_appended(&change_at(&scene, now(), 1, &reds(10, 10)).await), "those are 8 h ahead");
    let held = change_at(&scene, now(), 1, &reds(20, 1)).await;
    assert!(matches!(held, Ok((_, _, Appended::Braked(_)))), "these are of now: {held:?}");
    // Half an hour ahead is within a window.
    let soon = UnixMillis(now().0 + HOUR / 2);
    let held = change_at(&scene, soon, 1, &reds(21, 1)).await;
    assert!(matches!(held, Ok((_, _, Appended::Braked(_)))), "{held:?}");
}
