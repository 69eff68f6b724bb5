//! What a gate fetches while it has a network, and what it does with it when the network is gone.

mod revoked;

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Duration;

use hufu_offline::{
    BookId, BootId, ChainPart, DRIFT_PPM, Errand, Handover, Keeper, KeeperFault, NotDecided, OpenFault, Room,
    Setup, Shelf, TurnedRed,
};
use hufu_signature::PreparedKey;
use hufu_table::OsDisk;
use hufu_wire::chain::Change;
use hufu_wire::{
    Colour, Decision, Lane, Message as _, OfflineAsk, OfflineIssuer, Reason, Sequence, StatusWord, UnixMillis,
};

use crate::book::kept;
use crate::world::{
    DEVICE, ISSUER, NATIONAL, PUBLISHER, SITES, START, World, after, grant, operator, paper, trust_list,
};

const BOOT_ID: BootId = BootId([1; 16]);

/// What an engine has, as it answers gates.
struct Engine {
    world: World,
    /// Change sets that it still has, with their sequences.
    sets: Vec<(Sequence, Vec<u8>)>,
    made: Vec<u8>,
    /// What it says of the chain while it has not caught up itself.
    late: Option<Vec<u8>>,
    trust: Vec<u8>,
    shelf: Shelf,
    asked: Vec<OfflineAsk>,
}

impl Engine {
    fn new(world: World, shelves: &Path) -> Engine {
        let shelf = Shelf::open(&OsDisk::shared(), shelves).unwrap();
        let trust = trust_list(1);
        Engine { world, sets: Vec::new(), made: Vec::new(), late: None, trust, shelf, asked: Vec::new() }
    }

    fn change(&mut self, now: UnixMillis, holder: u32, colour: Colour) {
        let change = Change::Status(StatusWord::new(colour, 0));
        let set = self.world.change(now, &[(holder, change)]);
        self.sets.push((self.world.tip.sequence, set));
    }

    fn part(&mut self, now: UnixMillis, ask: OfflineAsk) -> Vec<u8> {
        self.asked.push(ask);
        match ask {
            OfflineAsk::Site => SITES.into(),
            OfflineAsk::TrustList => self.trust.clone(),
            OfflineAsk::Issuers => {
                let mut row = vec![0; OfflineIssuer::BYTES];
                OfflineIssuer { issuer: ISSUER, national: NATIONAL, publisher: PUBLISHER }.write_to(&mut row);
                row
            }
            OfflineAsk::List { from, .. } => {
                if from == 0 {
                    self.made = self.world.file(now).to_bytes();
                }
                // In small parts.
                let rest = &self.made[from as usize..];
                rest[..rest.len().min(100)].to_vec()
            }
            OfflineAsk::Chain { after, .. } => {
                if let Some(late) = &self.late {
                    return late.clone();
                }
                let next = self.sets.iter().position(|(sequence, _)| sequence.0 == after.0 + 1);
                let sets = next.map_or(&[][..], |next| &self.sets[next..]);
                let head = self.world.head(now);
                ChainPart { sets: sets.iter().map(|(_, set)| &**set).collect(), head: Some(&head) }.to_bytes()
            }
        }
    }

    /// Everything that the gate wants done now; what turned red.
    fn serve(&mut self, gate: &mut Keeper, at: Duration) -> Vec<TurnedRed> {
        let (turned_red, faults) = self.serve_refused(gate, at);
        assert!(faults.is_empty(), "{faults:?}");
        turned_red
    }

    /// The same for a gate that may refuse an answer; also why it did.
    fn serve_refused(&mut self, gate: &mut Keeper, at: Duration) -> (Vec<TurnedRed>, Vec<KeeperFault>) {
        let now = UnixMillis(START.0 + u64::try_from(at.saturating_sub(after(0)).as_millis()).unwrap());
        let (mut turned_red, mut faults) = (Vec::new(), Vec::new());
        gate.told(at, now).unwrap();
        for _ in 0..1000 {
            match gate.errand(at).unwrap() {
                None => return (turned_red, faults),
                Some(Errand::Ask(ask)) => {
                    let part = self.part(now, ask);
                    faults.extend(gate.take(at, ask, &part, &mut turned_red).err());
                }
                Some(Errand::HandOver(records)) => {
                    let received = self.shelf.receive(DEVICE, &Handover::read(&records).unwrap()).unwrap();
                    gate.handed_over(received.kept).unwrap();
                }
            }
        }
        panic!("the gate asks for more and more: {:?}", self.asked);
    }
}

fn open(folder: &Path) -> Result<Keeper, OpenFault> {
    let setup = Setup {
        disk: OsDisk::shared(),
        folder: folder.to_owned(),
        operator: PreparedKey::new(operator().public()).unwrap(),
        grant: grant(1),
        fresh: BookId([8; 16]),
        boot: Some(BOOT_ID),
        drift_ppm: DRIFT_PPM,
        room: Room::for_holders(2_000_000),
    };
    let mut odd = Vec::new();
    let keeper = Keeper::open(setup, &mut odd);
    assert!(odd.is_empty(), "{odd:?}");
    keeper
}

fn world() -> World {
    World::new(&[0, 1, 2, 3].map(|holder| (holder, StatusWord::new(Colour::Green, 1))))
}

fn reason_of(gate: &mut Keeper, at: Duration, holder: u32) -> Reason {
    gate.check(at, Lane(0), paper(holder, 1).as_bytes()).unwrap().verdict.reason
}

#[test]
fn r06_a_gate_fetches_what_it_needs_and_then_only_what_is_new() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Engine::new(world(), &folder.path().join("shelf"));
    let mut gate = open(&folder.path().join("gate")).unwrap();
    assert_eq!(gate.lacks(), Some("its site's policy"));
    let early = gate.check(after(0), Lane(0), paper(0, 1).as_bytes());
    assert!(matches!(early, Err(NotDecided::Lacks { .. })), "{early:?}");
    engine.serve(&mut gate, after(0));
    assert_eq!(gate.lacks(), None);
    let parts = engine.asked.split_off(3);
    assert_eq!(engine.asked, [OfflineAsk::TrustList, OfflineAsk::Site, OfflineAsk::Issuers]);
    let list = |from| OfflineAsk::List { issuer: ISSUER, from };
    assert_eq!(parts, [list(0), list(100)], "a list in two parts");

    // Ten seconds later the chain alone.
    engine.change(UnixMillis(START.0 + 5000), 2, Colour::Red);
    engine.asked.clear();
    engine.serve(&mut gate, after(9_999));
    assert_eq!(engine.asked, []);
    engine.serve(&mut gate, after(10_000));
    assert_eq!(engine.asked, [OfflineAsk::Chain { issuer: ISSUER, after: Sequence(0) }]);
    assert_eq!(
        [reason_of(&mut gate, after(10_001), 1), reason_of(&mut gate, after(10_002), 2)],
        [Reason::Clear, Reason::StatusRed]
    );
    // After a minute everything is looked at again.
    engine.asked.clear();
    engine.serve(&mut gate, after(60_000));
    let chain = OfflineAsk::Chain { issuer: ISSUER, after: Sequence(1) };
    assert_eq!(engine.asked, [OfflineAsk::TrustList, OfflineAsk::Site, OfflineAsk::Issuers, chain]);
    assert_eq!(kept(&folder.path().join("shelf")), [1, 2]);
}

#[test]
fn r06_a_gate_that_missed_too_much_takes_a_list_and_hears_of_the_red_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Engine::new(world(), &folder.path().join("shelf"));
    let mut gate = open(&folder.path().join("gate")).unwrap();
    engine.serve(&mut gate, after(0));
    assert_eq!(reason_of(&mut gate, after(5000), 3), Reason::Clear);
    engine.change(UnixMillis(START.0 + 1000), 3, Colour::Red);
    engine.change(UnixMillis(START.0 + 2000), 1, Colour::Amber);
    // The engine does not have the first of them any more.
    engine.sets.remove(0);
    engine.asked.clear();
    let turned_red = engine.serve(&mut gate, after(70_000));
    assert_eq!(turned_red, [TurnedRed { counter: 1, issuer: ISSUER, sequence: Sequence(2) }]);
    assert!(engine.asked.contains(&OfflineAsk::List { issuer: ISSUER, from: 0 }), "{:?}", engine.asked);
    assert_eq!(gate.gate().lists()[0].tip().sequence, Sequence(2));
    // A second round finds nothing new, and does not take the list again and again.
    engine.asked.clear();
    assert_eq!(engine.serve(&mut gate, after(80_000)), []);
    assert_eq!(engine.asked, [OfflineAsk::Chain { issuer: ISSUER, after: Sequence(2) }]);
}

/// The first engine that answers may have been away itself, and has heard nothing yet, or nothing new.
#[test]
fn r06_an_engine_that_has_not_caught_up_does_not_end_the_watch_for_who_turned_red() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Engine::new(world(), &folder.path().join("shelf"));
    let mut gate = open(&folder.path().join("gate")).unwrap();
    engine.serve(&mut gate, after(0));
    let old_head = engine.world.head(START);
    assert_eq!(reason_of(&mut gate, after(5000), 3), Reason::Clear);
    engine.change(UnixMillis(START.0 + 6000), 3, Colour::Red);
    for (at, head) in [(10_000, None), (20_000, Some(&*old_head))] {
        engine.late = Some(ChainPart { sets: Vec::new(), head }.to_bytes());
        assert_eq!(engine.serve(&mut gate, after(at)), [], "{head:?}");
    }
    engine.late = None;
    let turned_red = engine.serve(&mut gate, after(30_000));
    assert_eq!(turned_red, [TurnedRed { counter: 1, issuer: ISSUER, sequence: Sequence(1) }]);
}

/// The program is started again while the network is gone, then the machine.
#[test]
fn r06_a_restart_without_a_network_loses_nothing_but_the_time_of_another_run() {
    let folder = tempfile::tempdir().unwrap();
    let (shelves, path) = (folder.path().join("shelf"), folder.path().join("gate"));
    let mut engine = Engine::new(world(), &shelves);
    let mut gate = open(&path).unwrap();
    engine.serve(&mut gate, after(0));
    engine.change(UnixMillis(START.0 + 5000), 2, Colour::Red);
    engine.serve(&mut gate, after(10_000));
    gate.save().unwrap();
    drop(gate);
    let mut gate = open(&path).unwrap();
    assert_eq!(gate.lacks(), None);
    assert_eq!(
        [reason_of(&mut gate, after(20_000), 1), reason_of(&mut gate, after(20_001), 2)],
        [Reason::Clear, Reason::StatusRed]
    );
    drop(gate);
    // Another run of the machine: the time is gone, the records are not.
    let mut odd = Vec::new();
    let setup = Setup {
        disk: OsDisk::shared(),
        folder: path.clone(),
        operator: PreparedKey::new(operator().public()).unwrap(),
        grant: grant(1),
        fresh: BookId([8; 16]),
        boot: Some(BootId([2; 16])),
        drift_ppm: DRIFT_PPM,
        room: Room::for_holders(2_000_000),
    };
    let mut gate = Keeper::open(setup, &mut odd).unwrap();
    let late = gate.check(after(30_000), Lane(0), paper(0, 1).as_bytes());
    assert!(matches!(late, Err(NotDecided::NoTime)), "{late:?}");
    engine.serve(&mut gate, after(40_000));
    assert_eq!((kept(&shelves), reason_of(&mut gate, after(40_001), 0)), (vec![1, 2], Reason::Clear));
}

/// Whatever an engine says, and however it is cut, the gate keeps what it has and asks again; it never asks without end.
#[test]
fn r06_wrong_answers_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Engine::new(world(), &folder.path().join("shelf"));
    let mut gate = open(&folder.path().join("gate")).unwrap();
    engine.serve(&mut gate, after(0));
    let mut at = after(0);
    let other_site = SITES.replace("id = 1\n", "id = 9\n");
    for wrong in
        [&b""[..], b"\xff\xff\xff\xff", &[0; 64], other_site.as_bytes(), b"[[site]]\nid = 1\nblue = 2\n"]
    {
        at += Duration::from_secs(60);
        let mut asked = 0;
        gate.told(at, UnixMillis(START.0 + 60_000)).unwrap();
        while let Some(errand) = gate.errand(at).unwrap() {
            let Errand::Ask(ask) = errand else { panic!("no records yet") };
            // No issuer, or one that is well formed, is an answer.
            let is_right = ask == OfflineAsk::Issuers && (wrong.is_empty() || wrong == [0; 64]);
            let taken = gate.take(at, ask, if is_right { b"\x01" } else { wrong }, &mut Vec::new());
            assert!(taken.is_err(), "{ask}: {wrong:?}");
            asked += 1;
        }
        assert!((4..=5).contains(&asked), "{asked} questions");
        assert_eq!((gate.lacks(), gate.gate().lists().len()), (None, 1), "{wrong:?}");
    }
    // No engine at all: one attempt a round, and everything as it was.
    at += Duration::from_secs(60);
    for _ in 0..3 {
        assert!(gate.errand(at).unwrap().is_some());
        gate.failed();
        assert_eq!(gate.errand(at).unwrap(), None);
        at += Duration::from_secs(10);
    }
    engine.serve(&mut gate, at);
    assert_eq!(reason_of(&mut gate, at, 1), Reason::Clear);
}

/// The clock claims to be a second wrong at most: an answer that was longer on its way does not set it.
#[test]
fn r06_the_time_of_an_answer_that_took_long_does_not_count() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Engine::new(world(), &folder.path().join("shelf"));
    let mut gate = open(&folder.path().join("gate")).unwrap();
    engine.serve(&mut gate, after(0));
    let time = |gate: &mut Keeper, at| gate.gate().clock().read(at).unwrap().time;
    let told = |ms| UnixMillis(START.0 + ms);
    gate.answered(after(1_000), after(2_001), told(1_000)).unwrap();
    assert_eq!(time(&mut gate, after(2_001)), told(2_001), "as the answer before says");
    gate.answered(after(3_000), after(4_000), told(3_000)).unwrap();
    assert_eq!(time(&mut gate, after(4_000)), told(3_000), "a second late, which it claims to be at most");
}

/// An engine that has no room for records is no reason to have old lists.
#[test]
fn r06_records_that_are_refused_wait_and_the_lists_stay_current() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Engine::new(world(), &folder.path().join("shelf"));
    let mut gate = open(&folder.path().join("gate")).unwrap();
    engine.serve(&mut gate, after(0));
    assert_eq!(reason_of(&mut gate, after(1), 1), Reason::Clear);
    gate.told(after(10_000), UnixMillis(START.0 + 10_000)).unwrap();
    let records = gate.errand(after(10_000)).unwrap().unwrap();
    assert!(matches!(records, Errand::HandOver(_)));
    gate.refused(&records, Reason::Busy).unwrap();
    let chain = gate.errand(after(10_000)).unwrap();
    assert!(matches!(chain, Some(Errand::Ask(OfflineAsk::Chain { .. }))), "{chain:?}");
    gate.failed();
    // An engine that says yes and takes none is not asked on and on.
    gate.told(after(20_000), UnixMillis(START.0 + 20_000)).unwrap();
    assert_eq!(gate.errand(after(20_000)).unwrap(), Some(records));
    assert!(gate.handed_over(0).is_err());
    let chain = gate.errand(after(20_000)).unwrap();
    assert!(matches!(chain, Some(Errand::Ask(OfflineAsk::Chain { .. }))), "{chain:?}");
    gate.failed();
    engine.serve(&mut gate, after(30_000));
    assert_eq!(kept(&folder.path().join("shelf")), [1]);
}

/// A disk that cannot give a record back is no reason to have old lists either.
#[test]
fn r06_records_that_cannot_be_read_wait_and_the_lists_stay_current() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gate");
    let mut engine = Engine::new(world(), &folder.path().join("shelf"));
    let mut gate = open(&path).unwrap();
    engine.serve(&mut gate, after(0));
    assert_eq!(reason_of(&mut gate, after(1), 1), Reason::Clear);
    let book = File::options().write(true).open(path.join("records")).unwrap();
    book.write_all_at(&[0xff; 64], 64).unwrap();
    for at in [10_000, 20_000] {
        gate.told(after(at), UnixMillis(START.0 + at)).unwrap();
        let unread = gate.errand(after(at));
        assert!(matches!(unread, Err(KeeperFault::Disk(_))), "{unread:?}");
        let chain = gate.errand(after(at)).unwrap();
        assert!(matches!(chain, Some(Errand::Ask(OfflineAsk::Chain { .. }))), "told once a round: {chain:?}");
        gate.failed();
    }
}

/// A code that an engine admitted just before the network went is not admitted once more.
#[test]
fn r06_r09_what_an_engine_admitted_is_used_when_the_network_goes() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Engine::new(world(), &folder.path().join("shelf"));
    let mut gate = open(&folder.path().join("gate")).unwrap();
    engine.serve(&mut gate, after(0));
    gate.admitted(after(1000), Lane(0), paper(1, 1).as_bytes());
    let again = gate.check(after(2000), Lane(1), paper(1, 1).as_bytes()).unwrap();
    assert_eq!((again.verdict.decision, again.verdict.reason), (Decision::Refuse, Reason::PassBack));
    assert_eq!(gate.gate().book().waiting(), 1, "what the engine answered is the engine's record");
}

#[test]
fn r06_lists_of_issuers_that_are_no_longer_named_are_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = Engine::new(world(), &folder.path().join("shelf"));
    let mut gate = open(&folder.path().join("gate")).unwrap();
    engine.serve(&mut gate, after(0));
    gate.told(after(60_000), UnixMillis(START.0 + 60_000)).unwrap();
    while let Some(Errand::Ask(ask)) = gate.errand(after(60_000)).unwrap() {
        let part = if ask == OfflineAsk::Issuers {
            Vec::new()
        } else {
            engine.part(UnixMillis(START.0 + 60_000), ask)
        };
        gate.take(after(60_000), ask, &part, &mut Vec::new()).unwrap();
    }
    assert_eq!((gate.lacks(), gate.gate().lists().len()), (Some("a list of any issuer"), 0));
}

/// The operator takes the permission back, or revokes the device: a restart does not bring it back either.
#[test]
fn r06_a_gate_that_may_not_go_on_alone_any_more_forgets_how() {
    for reason in [Reason::OutOfScope, Reason::DeviceRevoked] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gate");
        let mut engine = Engine::new(world(), &folder.path().join("shelf"));
        let mut gate = open(&path).unwrap();
        engine.serve(&mut gate, after(0));
        assert_eq!(reason_of(&mut gate, after(1), 1), Reason::Clear);
        gate.told(after(60_000), UnixMillis(START.0 + 60_000)).unwrap();
        let site = Errand::Ask(OfflineAsk::Site);
        // A busy engine takes nothing away.
        gate.refused(&site, Reason::Busy).unwrap();
        assert_eq!(gate.lacks(), None);
        gate.refused(&site, reason).unwrap();
        for _ in 0..2 {
            let check = gate.check(after(60_001), Lane(0), paper(2, 1).as_bytes());
            assert!(matches!(check, Err(NotDecided::Lacks { .. })), "{reason}: {check:?}");
            drop(gate);
            gate = open(&path).unwrap();
        }
        assert_eq!(gate.gate().book().waiting(), 1, "its records stay");
        // And it can be given again.
        engine.serve(&mut gate, after(70_000));
        assert_eq!(reason_of(&mut gate, after(70_001), 2), Reason::Clear);
    }
}
