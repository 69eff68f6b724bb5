//! The brake: many holders set back at once, whatever the kind.

use hufu_codes::chain::{AuthoritySigner, content_digest};
use hufu_registry::Fault;
use hufu_registry::chain::Appended;
use hufu_registry::{Alarm, Brake, SetBack};
use hufu_registry::{Proposal, ProposalState};
use hufu_wire::chain::{Change, ContentDigest, InstructionParts, Release};
use hufu_wire::{HolderIndex, StatusWord, UnixMillis};

use crate::scene::now;
use crate::{Database, ISSUER, Scene, amber, green, red};

/// A tenth of the holders in an hour, and ten of them in any case.
const BRAKE: Brake = Brake { share_permille: 100, window_s: 3600, free: 10 };

async fn scene_with_brake(database: &dyn Database, holders: u32) -> Scene {
    let scene = Scene::open(database).await;
    scene.add_people(0, holders).await;
    scene.put_brake(BRAKE).await;
    scene
}

fn turned(holders: core::ops::Range<u32>, word: StatusWord) -> Vec<(u32, Change)> {
    holders.map(|holder| (holder, Change::Status(word))).collect()
}

fn release(signer: &AuthoritySigner, content: ContentDigest, set_back: u32, made: UnixMillis) -> Vec<u8> {
    let national_key = signer.key();
    let release =
        Release { issuer: ISSUER, content, made, national_key, set_back, holders: 200, signature: [0; 64] };
    signer.release(&release).expect("a good release")
}

async fn braked(scene: &Scene, changes: &[(u32, Change)], alarm: Alarm) -> (Proposal, Vec<u8>) {
    let (proposal, set, answer) = scene.try_change(changes).await;
    assert_eq!(answer, Appended::Braked(alarm));
    let proposal =
        scene.registry.proposal(&scene.operator, ISSUER, proposal.id, now()).await.expect("a proposal");
    assert_eq!(proposal.state, ProposalState::Braked(alarm));
    (proposal, set)
}

/// An alarm of so many reds.
fn reds(reds: u32, recent: u64, holders: u64) -> Alarm {
    let set_back = SetBack { reds, ..SetBack::default() };
    Alarm { set_back, recent, holders, share_permille: BRAKE.share_permille }
}

/// It waits for the national key's second word, and then the same confirmation does it.
pub async fn a_bulk_red_stops_until_it_is_released(database: &dyn Database) {
    let scene = scene_with_brake(database, 200).await;
    scene.change(&turned(0..200, green())).await;
    scene.change(&turned(0..20, red())).await;
    let before = scene.tip().await;
    // Twenty of these are red already and do not count.
    let alarm = reds(30, 20, 200);
    let (proposal, set) = braked(&scene, &turned(0..50, red()), alarm).await;
    assert_eq!(scene.tip().await, before, "nothing was appended");
    assert_eq!(scene.store.status(ISSUER, HolderIndex(49)).await, Ok(green()));
    assert_eq!(
        scene.confirm(&proposal, &set).await,
        Ok(Appended::Braked(alarm)),
        "asking again does not help"
    );

    let word = release(&scene.national, proposal.facts.content, 30, now());
    let released = scene.registry.release(&scene.operator, ISSUER, proposal.id, &word, now()).await;
    let released = released.expect("a good release");
    assert_eq!((released.state, released.released), (ProposalState::Pending, Some(30)));
    assert!(matches!(scene.confirm(&proposal, &set).await, Ok(Appended::Appended { .. })));
    assert_eq!(scene.store.status(ISSUER, HolderIndex(49)).await, Ok(red()));
    // Greens, ambers after red and who is red already pass whatever was before.
    scene.change(&turned(0..50, red().with_doses(1))).await;
    scene.change(&turned(0..25, amber())).await;
    scene.change(&turned(0..200, green())).await;
}

/// Slices count together until their window is over, and what was released counts too.
pub async fn a_bulk_red_in_slices_stops_too(database: &dyn Database) {
    let scene = scene_with_brake(database, 200).await;
    for slice in 0..4 {
        scene.change(&turned(slice * 5..slice * 5 + 5, red())).await;
    }
    let alarm = reds(1, 20, 200);
    let (proposal, set) = braked(&scene, &turned(20..21, red()), alarm).await;
    let later = UnixMillis(now().0 + 3_600_000);
    let appended = scene.registry.confirm(&scene.operator, ISSUER, proposal.id, &set, later).await;
    assert!(matches!(appended, Ok(Appended::Appended { .. })), "an hour later: {appended:?}");
}

/// What a release must be: of the national key, for this proposal, of now, for all whom it sets back.
pub async fn only_the_national_key_releases(database: &dyn Database) {
    let scene = scene_with_brake(database, 100).await;
    let alarm = reds(60, 0, 100);
    let (proposal, _) = braked(&scene, &turned(0..60, red()), alarm).await;
    let content = proposal.facts.content;
    let other = scene.instruct(&turned(0..61, red()));
    let pending = scene.propose(&other).await;
    let other = content_digest(InstructionParts::of(&other).expect("an instruction").content);
    let hand_in =
        async |id, bytes: &[u8]| scene.registry.release(&scene.operator, ISSUER, id, bytes, now()).await;

    let good = release(&scene.national, content, 60, now());
    let mut forged = good.clone();
    forged[8 + 8 + 32 + 8 + 8] ^= 1;
    for bytes in [release(&scene.local, content, 60, now()), forged, good[..135].to_vec()] {
        let refused = hand_in(proposal.id, &bytes).await;
        assert!(matches!(refused, Err(Fault::Unbelieved(_))), "{refused:?}");
    }
    let conflicts = [
        ("another proposal's", proposal.id, release(&scene.national, other, 61, now())),
        ("for fewer", proposal.id, release(&scene.national, content, 59, now())),
        (
            "of the future",
            proposal.id,
            release(&scene.national, content, 60, UnixMillis(now().0 + 1_000_000)),
        ),
        ("nothing to release", pending.id, release(&scene.national, other, 61, now())),
    ];
    for (case, id, bytes) in conflicts {
        let refused = hand_in(id, &bytes).await;
        assert!(matches!(refused, Err(Fault::Conflict(_))), "{case}: {refused:?}");
    }
    let released = hand_in(proposal.id, &good).await.expect("a good release");
    assert_eq!(hand_in(proposal.id, &good).await, Ok(released), "the first answer may have been lost");
    for set_back in [59, 61] {
        let other = hand_in(proposal.id, &release(&scene.national, content, set_back, now())).await;
        assert!(matches!(other, Err(Fault::Conflict(_))), "it is released: {other:?}");
    }
}

/// Amber for very many, everybody forgotten, or another generation for everybody is held as red is, and each is told.
pub async fn r21_each_kind_of_setback_is_braked(database: &dyn Database) {
    let scene = scene_with_brake(database, 200).await;
    scene.change(&turned(0..200, green())).await;
    let none = SetBack::default();
    let of_all = |change: Change| (0..21).map(|holder| (holder, change)).collect::<Vec<_>>();
    let kinds = [
        (Change::Status(red()), SetBack { reds: 21, ..none }),
        (Change::Status(amber()), SetBack { ambers: 21, ..none }),
        (Change::Word(StatusWord::UNKNOWN), SetBack { forgotten: 21, ..none }),
        (Change::Generation(1), SetBack { generations: 21, ..none }),
        (Change::Word(green().with_generation(1)), SetBack { generations: 21, ..none }),
    ];
    for (change, set_back) in kinds {
        let alarm = Alarm { set_back, ..reds(0, 0, 200) };
        braked(&scene, &of_all(change), alarm).await;
        assert_eq!(scene.store.status(ISSUER, HolderIndex(0)).await, Ok(green()), "{change:?}");
    }
}

/// One limit for all kinds, in one set and in slices: five of each pass alone, and the twenty-first holder does not.
pub async fn r21_kinds_of_setback_count_together(database: &dyn Database) {
    let scene = scene_with_brake(database, 200).await;
    scene.change(&turned(0..200, green())).await;
    scene.change(&turned(0..5, amber())).await;
    let generations: Vec<_> = (5..10).map(|holder| (holder, Change::Generation(1))).collect();
    scene.change(&generations).await;
    let forgotten: Vec<_> = (10..15).map(|holder| (holder, Change::Word(StatusWord::UNKNOWN))).collect();
    scene.change(&forgotten).await;
    let mixed = vec![
        (0, Change::Status(red())),
        (5, Change::Generation(2)),
        (10, Change::Generation(3)),
        (11, Change::Status(amber())),
        (20, Change::Status(red())),
        (21, Change::Word(StatusWord::UNKNOWN)),
        (22, Change::Generation(1)),
    ];
    // Holder 10 has no colour: other codes set nobody back.
    let set_back = SetBack { reds: 2, ambers: 1, forgotten: 1, generations: 2 };
    let (proposal, set) = braked(&scene, &mixed, Alarm { set_back, ..reds(0, 15, 200) }).await;
    let too_few = release(&scene.national, proposal.facts.content, 5, now());
    let refused = scene.registry.release(&scene.operator, ISSUER, proposal.id, &too_few, now()).await;
    assert!(matches!(refused, Err(Fault::Conflict(_))), "{refused:?}");
    let word = release(&scene.national, proposal.facts.content, 6, now());
    scene.registry.release(&scene.operator, ISSUER, proposal.id, &word, now()).await.expect("a good release");
    assert!(matches!(scene.confirm(&proposal, &set).await, Ok(Appended::Appended { .. })));
    let alarm = Alarm { set_back: SetBack { generations: 1, ..SetBack::default() }, ..reds(0, 21, 200) };
    braked(&scene, &[(30, Change::Generation(1))], alarm).await;
}
