//! A gate that was away while a key of an authority was revoked.

use hufu_offline::{KeeperFault, NotTaken, TurnedRed};
use hufu_wire::{Colour, OfflineAsk, Reason, Sequence, UnixMillis};

use super::{Engine, open, reason_of, world};
use crate::world::{ISSUER, START, after, trust_list};

/// The engine still has the set that the gate missed, and the gate may not believe it any more.
#[test]
fn r06_a_gate_that_missed_sets_of_a_revoked_key_takes_a_list() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gate");
    let mut engine = Engine::new(world(), &folder.path().join("shelf"));
    let mut gate = open(&path).unwrap();
    engine.serve(&mut gate, after(0));
    assert_eq!(reason_of(&mut gate, after(5000), 3), Reason::Clear);
    engine.change(UnixMillis(START.0 + 6000), 3, Colour::Red);
    engine.trust = trust_list(2);
    let (turned_red, faults) = engine.serve_refused(&mut gate, after(70_000));
    assert!(matches!(&*faults, [KeeperFault::Chain(NotTaken::Refused(_))]), "told: {faults:?}");
    assert_eq!(turned_red, [TurnedRed { counter: 1, issuer: ISSUER, sequence: Sequence(1) }]);
    assert_eq!(reason_of(&mut gate, after(70_001), 3), Reason::StatusRed);
    // A restart begins with that list, and only what is new comes after it.
    drop(gate);
    let mut gate = open(&path).unwrap();
    engine.asked.clear();
    assert_eq!(engine.serve(&mut gate, after(80_000)), []);
    assert_eq!(engine.asked.last(), Some(&OfflineAsk::Chain { issuer: ISSUER, after: Sequence(1) }));
    assert_eq!(reason_of(&mut gate, after(80_001), 3), Reason::StatusRed);
}
