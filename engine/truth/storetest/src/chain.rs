//! Chains.

use std::time::{Duration, Instant};

use hufu_codes::chain::{Authorities, AuthoritySigner, Tip, open_head};
use hufu_registry::ChainSource as _;
use hufu_registry::Fault;
use hufu_registry::ProposalState;
use hufu_registry::chain::Appended;
use hufu_signature::backend;
use hufu_wire::chain::{ChainDigest, Change, ChangeSet};
use hufu_wire::limits::CHANGES_MAX;
use hufu_wire::{HolderIndex, IssuerId, Sequence, StatusMinute, StatusWord, UnixMillis};

use crate::scene::{VALID_S, keyring, now};
use crate::{Database, ISSUER, NATIONAL, PUBLISHER, Scene, green, red};

/// Whatever one hand alone can make changes nothing (R21).
pub async fn r21_both_signatures_and_nothing_less_append_a_set(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let instruction = scene.instruct(&[(7, Change::Word(red()))]);
    let proposal = scene.propose(&instruction).await;
    let set = scene.sign(&instruction, &Tip::START, now());
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = set.clone();
        change(&mut bytes);
        bytes
    };
    let [local, national] = [set.len() - 128, set.len() - 64];
    let alone = AuthoritySigner::from_seed(&[0x61; 32], NATIONAL);
    let mut by_one = Scene::beside(database).await;
    by_one.national = alone;
    let cases = [
        ("no national signature", with(&|bytes| bytes[national..].fill(0))),
        ("no local signature", with(&|bytes| bytes[local..national].fill(0))),
        ("signatures swapped", with(&|bytes| bytes[local..].rotate_left(64))),
        ("another word", with(&|bytes| bytes[local - 8] ^= 2)),
        ("another place", with(&|bytes| bytes[16] = 2)),
        ("another issuer", with(&|bytes| bytes[12] ^= 1)),
        ("cut off", set[..set.len() - 1].to_vec()),
        ("something after it", with(&|bytes| bytes.push(0))),
        ("the local key twice", by_one.sign(&instruction, &Tip::START, now())),
    ];
    for (case, bytes) in cases {
        let refused = scene.confirm(&proposal, &bytes).await;
        assert!(matches!(refused, Err(Fault::Unbelieved(_))), "{case}: {refused:?}");
    }
    let other = scene.propose(&scene.instruct(&[(8, Change::Word(red()))])).await;
    let refused = scene.confirm(&other, &set).await;
    assert!(matches!(refused, Err(Fault::Conflict(_))), "another proposal's: {refused:?}");
    let ahead = scene.sign(&instruction, &Tip::START, UnixMillis(now().0 + 3_000_000));
    let refused = scene.confirm(&proposal, &ahead).await;
    assert!(matches!(refused, Err(Fault::Conflict(_))), "of the future: {refused:?}");
    assert_eq!(scene.tip().await, Tip::START);
    assert_eq!(scene.store.status(ISSUER, HolderIndex(7)).await, Ok(StatusWord::UNKNOWN));

    let appended = scene.confirm(&proposal, &set).await;
    assert!(matches!(appended, Ok(Appended::Appended { sequence: Sequence(1), .. })), "{appended:?}");
    assert_eq!(scene.store.status(ISSUER, HolderIndex(7)).await, Ok(red()));
}

/// The projection is what every engine's table becomes, bit by bit.
pub async fn words_follow_the_chain(database: &dyn Database) {
    let scene = Scene::open(database).await;
    // The end of a colour takes the highest bits: a signed column must not care.
    let far = green().with_until(StatusMinute::MAX).with_doses(7).with_generation(255);
    scene
        .change(&[(0, Change::Word(far)), (3, Change::Word(green())), (u32::MAX, Change::Word(red()))])
        .await;
    scene.change(&[(0, Change::Generation(1)), (2, Change::Generation(9)), (3, Change::Status(red()))]).await;
    scene.change(&[(3, Change::Word(StatusWord::UNKNOWN)), (4, Change::Status(green()))]).await;
    let at = HolderIndex;
    let words = [
        (at(0), far.with_generation(1)),
        (at(2), StatusWord::UNKNOWN.with_generation(9)),
        (at(4), green()),
        (at(u32::MAX), red()),
    ];
    let statuses = async |from, limit| {
        let page =
            scene.registry.statuses(&scene.operator, ISSUER, at(from), limit, now()).await.expect("a page");
        assert_eq!(page.tip, scene.tip().await);
        page.words
    };
    assert_eq!(statuses(0, 100).await, words);
    assert_eq!(statuses(0, 2).await, words[..2]);
    assert_eq!(statuses(3, 2).await, words[2..]);
    assert_eq!(scene.store.status(ISSUER, at(0)).await, Ok(far.with_generation(1)));
    assert_eq!(scene.store.status(ISSUER, at(3)).await, Ok(StatusWord::UNKNOWN));
    let nowhere = scene.registry.statuses(&scene.operator, IssuerId(9), at(0), 1, now()).await;
    assert!(matches!(nowhere, Err(Fault::NotFound(_))));
}

/// A retransmission is answered as what it is, for every place there is.
pub async fn a_set_comes_twice_late_or_early(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let first = scene.instruct(&[(1, Change::Word(green()))]);
    let second = scene.instruct(&[(1, Change::Word(red()))]);
    let [one, two] = [scene.propose(&first).await, scene.propose(&second).await];
    let set = scene.sign(&first, &Tip::START, now());
    let elsewhere = scene.sign(&second, &Tip::START, now());
    let beyond = Tip { sequence: Sequence(4), digest: ChainDigest([4; 32]), ..Tip::START };
    let early = scene.sign(&second, &beyond, now());
    assert_eq!(scene.confirm(&two, &early).await, Ok(Appended::Moved { tip: Tip::START }));
    assert!(matches!(scene.confirm(&one, &set).await, Ok(Appended::Appended { .. })));
    let tip = scene.tip().await;
    assert_eq!(scene.confirm(&one, &set).await, Ok(Appended::Duplicate { sequence: Sequence(1) }));
    assert_eq!(scene.confirm(&two, &elsewhere).await, Ok(Appended::Moved { tip }), "the place is taken");
    let next = scene.sign(&second, &tip, now());
    assert!(matches!(scene.confirm(&two, &next).await, Ok(Appended::Appended { sequence: Sequence(2), .. })));
    assert_eq!(
        scene.confirm(&one, &set).await,
        Ok(Appended::Duplicate { sequence: Sequence(1) }),
        "long after"
    );
    assert_eq!(scene.store.status(ISSUER, HolderIndex(1)).await, Ok(red()), "red stays red");
}

/// What counts is what both authorities signed, not when the network brought it.
pub async fn a_confirmation_that_came_late_was_still_in_time(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let instruction = scene.instruct(&[(1, Change::Word(red()))]);
    let proposal = scene.propose(&instruction).await;
    let set = scene.sign(&instruction, &Tip::START, now());
    let late = UnixMillis(proposal.facts.expires.0 + 1);
    let expired =
        scene.registry.proposal(&scene.operator, ISSUER, proposal.id, late).await.expect("a proposal");
    assert_eq!(expired.state, ProposalState::Expired);
    let appended = scene.registry.confirm(&scene.operator, ISSUER, proposal.id, &set, late).await;
    assert!(matches!(appended, Ok(Appended::Appended { .. })), "{appended:?}");
    let confirmed =
        scene.registry.proposal(&scene.operator, ISSUER, proposal.id, late).await.expect("a proposal");
    assert_eq!(confirmed.state, ProposalState::Confirmed(Sequence(1)));
    assert!(late.0 > proposal.facts.proposed.at().0 + u64::from(VALID_S) * 1000);
}

/// In order, without a gap, as many as fit, and never none while there is one.
pub async fn sets_are_handed_out_in_order_and_by_size(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let mut sets = Vec::new();
    for holder in 0..5 {
        sets.push(scene.change(&[(holder, Change::Word(green()))]).await);
    }
    let size = ChangeSet::OVERHEAD_BYTES + 16;
    assert!(sets.iter().all(|set| set.len() == size));
    let check = async |case: &str, after: u64, bytes_max, expected: core::ops::Range<usize>| {
        let found = scene.registry.sets(ISSUER, Sequence(after), bytes_max).await.expect("sets");
        let sequences: Vec<_> = found.iter().map(|set| set.sequence.0).collect();
        let bytes: Vec<_> = found.iter().map(|set| set.bytes.to_vec()).collect();
        assert_eq!(
            sequences,
            (expected.start as u64 + 1..=expected.end as u64).collect::<Vec<_>>(),
            "{case}"
        );
        assert_eq!(bytes, sets[expected], "{case}");
    };
    check("all", 0, 1 << 20, 0..5).await;
    check("some", 1, 2 * size, 1..3).await;
    check("at least one", 2, 0, 2..3).await;
    check("the last", 4, 1 << 20, 4..5).await;
    check("none any more", 5, 1 << 20, 5..5).await;
    assert_eq!(scene.registry.sets(ISSUER, Sequence(9), 1 << 20).await, Ok(Vec::new()), "beyond");
    assert_eq!(scene.registry.sets(IssuerId(9), Sequence(0), 1 << 20).await, Ok(Vec::new()));
    let third = scene.registry.set(&scene.operator, ISSUER, Sequence(3)).await.expect("a set");
    assert_eq!(third.bytes, sets[2]);
    let beyond = scene.registry.set(&scene.operator, ISSUER, Sequence(6)).await;
    assert!(matches!(beyond, Err(Fault::NotFound(_))));
}

/// The largest set there is, twice over the same holders: every word of it, and in what time.
pub async fn a_full_set_is_appended_whole(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let count = u32::try_from(CHANGES_MAX).expect("few");
    // Spread over ten million holders, as a day's tests are.
    let spread = |n: u32| n * 305;
    let mut took = Vec::new();
    for (doses, colour) in [(1, green()), (2, red())] {
        let changes: Vec<_> =
            (0..count).map(|n| (spread(n), Change::Status(colour.with_doses(doses)))).collect();
        let instruction = scene.instruct(&changes);
        let proposal = scene.propose(&instruction).await;
        let set = scene.sign(&instruction, &scene.tip().await, now());
        let begun = Instant::now();
        let appended = scene.confirm(&proposal, &set).await.expect("a set that is believed");
        took.push(begun.elapsed());
        assert!(matches!(appended, Appended::Appended { .. }), "{appended:?}");
        let words = scene.store.statuses(ISSUER, HolderIndex(0), u32::MAX).await;
        let words = words.expect("words").expect("an issuer").words;
        assert_eq!(words.len(), CHANGES_MAX);
        assert!(
            (0..count)
                .zip(&words)
                .all(|(n, held)| *held == (HolderIndex(spread(n)), colour.with_doses(doses)))
        );
    }
    println!(
        "{}: {CHANGES_MAX} new words in {:?}, the same again in {:?}",
        scene.store.name(),
        took[0],
        took[1]
    );
}

/// From the commit to whoever waits for it (R23).
pub async fn r23_whoever_waits_is_woken(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let mut grown = scene.registry.grown();
    scene.change(&[(1, Change::Word(red()))]).await;
    let woken = tokio::time::timeout(Duration::from_secs(10), grown.recv()).await;
    assert_eq!(woken.expect("within seconds").ok(), Some(ISSUER));
    assert_eq!(
        scene.registry.sets(ISSUER, Sequence(0), 0).await.map(|sets| sets.len()),
        Ok(1),
        "it is there then"
    );
}

/// The publisher's word for the end of the chain, as followers believe it (R24).
pub async fn r24_heads_say_where_the_chain_ends(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let authorities = Authorities::new(ISSUER, NATIONAL, PUBLISHER).expect("two authorities");
    for sequence in 0..2 {
        let at = now();
        let head = scene.registry.head_at(ISSUER, at).await.expect("a head");
        let head = open_head(&head, &authorities, &keyring(), backend()).expect("a head that is believed");
        assert_eq!((head.sequence, head.time), (Sequence(sequence), at));
        assert_eq!(head.digest, scene.tip().await.digest);
        scene.change(&[(1, Change::Word(green()))]).await;
    }
    assert!(matches!(scene.registry.head_at(IssuerId(9), now()).await, Err(Fault::NotFound(_))));
}
