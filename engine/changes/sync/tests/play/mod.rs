//! Two histories that both authorities signed, a follower, and whatever happens to it. An oracle knows the words at every
//! link of every history; it is made with the chains and never asks the follower.

#![allow(dead_code, missing_docs, unreachable_pub, reason = "each test file uses its part")]

use std::collections::HashMap;
use std::sync::LazyLock;

use hufu_codes::chain::{AuthoritySigner, Tip};
use hufu_sync::{CheckpointAnswer, Follower, HeadAnswer, SetAnswer, WARM_BYTES, Wanted};
use hufu_table::{Snapshot, write_snapshot_as_of};
use hufu_wire::chain::{ChainDigest, Change, Position};
use hufu_wire::{Colour, Sequence, StatusWord, UnixMillis};
use tempfile::TempDir;

use crate::common::*;

/// Holders that change, two segments of them.
pub const HOLDERS: [u32; 8] = [0, 1, 2, 3, 5, 262_143, 262_144, 262_200];
/// Sets of the one history.
pub const TRUE_SETS: usize = 10;
/// After how many of them the other history begins.
pub const PARTED: usize = 4;
/// Where the authorities go on after a fork: above both.
pub const ABOVE: Sequence = Sequence(20);

pub struct World {
    /// The true history, its twin from [`PARTED`] on, and what follows the checkpoint above both.
    pub truth: Vec<Link>,
    pub twin: Vec<Link>,
    pub tail: Vec<Link>,
    /// Of the true history after 3 and after 8 sets, of the twin after 6, and above both.
    pub checkpoints: Vec<Vouched>,
    /// Every word at every link.
    pub oracle: HashMap<(Sequence, ChainDigest), Words>,
    _folder: TempDir,
}

pub fn world() -> &'static World {
    static WORLD: LazyLock<World> = LazyLock::new(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let truth = grown(&Tip::START, &Words::new(), TRUE_SETS, 1);
        let parted = &truth[PARTED - 1];
        let twin = grown(&parted.tip, &parted.words, 5, 1000);
        let chosen = &truth[TRUE_SETS - 1];
        let above = Tip { sequence: ABOVE, ..chosen.tip };
        let checkpoints =
            [&truth[2], &truth[7], &twin[1]].map(|link| vouched(&link.tip, &link.words, folder.path()));
        let mut checkpoints = Vec::from(checkpoints);
        checkpoints.push(vouched(&above, &chosen.words, folder.path()));
        let tail = grown(&checkpoints[3].tip, &chosen.words, 3, 2000);
        let links = truth.iter().chain(&twin).chain(&tail).map(|link| (link.tip, &link.words));
        let links = links.chain(checkpoints.iter().map(|vouched| (vouched.tip, &vouched.words)));
        let mut oracle: HashMap<_, _> =
            links.map(|(tip, words)| ((tip.sequence, tip.digest), words.clone())).collect();
        oracle.insert((Sequence(0), ChainDigest::NONE), Words::new());
        World { truth, twin, tail, checkpoints, oracle, _folder: folder }
    });
    &WORLD
}

/// `count` sets after `tip`, each with two to four changes of every kind; `seed` makes histories differ.
fn grown(tip: &Tip, words: &Words, count: usize, seed: u64) -> Vec<Link> {
    let (mut tip, mut words) = (*tip, words.clone());
    let mut random = seed;
    let mut roll = |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    let mut links = Vec::new();
    for _ in 0..count {
        let mut changes = Vec::new();
        for holder in HOLDERS {
            let colour =
                [Colour::Green, Colour::Red, Colour::Amber][usize::try_from(roll(3)).expect("small")];
            let generation = u8::try_from(roll(4)).expect("small");
            match roll(6) {
                0 => changes.push((holder, Change::Word(StatusWord::new(colour, generation)))),
                1 => changes.push((holder, Change::Generation(generation))),
                2 | 3 => changes.push((holder, Change::Status(StatusWord::new(colour, 0)))),
                _ => {}
            }
        }
        if changes.is_empty() {
            changes.push((HOLDERS[0], Change::Status(StatusWord::new(Colour::Red, 0))));
        }
        let link = next(&tip, &words, &changes);
        (tip, words) = (link.tip, link.words.clone());
        links.push(link);
    }
    links
}

impl World {
    fn sets(&self) -> Vec<&Link> {
        self.truth.iter().chain(&self.twin).chain(&self.tail).collect()
    }
}

/// Something that happens to a follower.
#[derive(Clone, Debug)]
pub enum Event {
    /// A genuine set of any history, perhaps again, perhaps too early.
    Set(usize),
    /// A set that was made without the authorities, or from what they signed.
    Forged(usize, Forgery),
    /// A publisher's head of any link, some time after its set.
    Head(usize, u64),
    /// A head that names another digest.
    Lie(usize, u64),
    /// A head by a key that is no publisher's.
    ForgedHead(usize),
    /// A checkpoint, its snapshot loaded where it leads on.
    Checkpoint(usize),
    /// A checkpoint with the snapshot of another one.
    Mixed(usize, usize),
    /// A warm copy is made.
    Save,
    /// The engine is killed and starts from its warm copy, or from nothing.
    Restart,
    /// Time goes by.
    Wait(u64),
}

#[derive(Clone, Copy, Debug)]
pub enum Forgery {
    NoLocal,
    NoNational,
    Swapped,
    Moved,
    Relinked,
    Cut(u16),
    Flipped(u16),
}

/// A follower, its warm copy, and the time.
pub struct Play {
    pub engine: Engine,
    pub now: UnixMillis,
    pub folder: TempDir,
    pub saved: Option<([u8; WARM_BYTES], Tip)>,
}

impl Play {
    pub fn begin() -> Play {
        let folder = tempfile::tempdir().expect("a folder");
        Play { engine: engine(), now: UnixMillis(START.0 + 5000), folder, saved: None }
    }

    pub fn happen(&mut self, event: &Event) {
        let world = world();
        let sets = world.sets();
        let now = self.now;
        let before = (*self.engine.follower.tip(), self.engine.heard());
        let follower = &mut self.engine.follower;
        match event {
            Event::Set(at) => match follower.change_set(&sets[*at].bytes, keyring(), now) {
                Ok(SetAnswer::Applied { sequence, .. }) => {
                    assert_eq!(follower.tip(), &sets[*at].tip);
                    assert_eq!(sequence.0, before.0.sequence.0 + 1, "the next one, never another");
                }
                _ => assert_eq!(follower.tip(), &before.0),
            },
            Event::Forged(at, forgery) => {
                let answer = follower.change_set(&forged(sets[*at], *forgery), keyring(), now);
                assert!(
                    matches!(answer, Err(_) | Ok(SetAnswer::Behind | SetAnswer::Duplicate)),
                    "{answer:?}"
                );
                assert_eq!(follower.tip(), &before.0);
            }
            Event::Head(at, ms) => {
                let tip = &sets[*at].tip;
                let time = UnixMillis(tip.confirmed.0 + ms);
                let head = publisher().head(ISSUER, tip, time);
                if let Ok(HeadAnswer::Current { .. }) = follower.head(&head, keyring(), now) {
                    assert_eq!((tip.sequence, tip.digest), (before.0.sequence, before.0.digest));
                    assert!(Some(time.min(now)) >= before.1, "never younger than it was told");
                }
            }
            Event::Lie(at, ms) => {
                let tip = Tip { digest: ChainDigest([7; 32]), ..sets[*at].tip };
                let time = UnixMillis(tip.confirmed.0 + ms);
                let answer = follower.head(&publisher().head(ISSUER, &tip, time), keyring(), now);
                assert!(!matches!(answer, Ok(HeadAnswer::Current { .. })));
            }
            Event::ForgedHead(at) => {
                let stranger = AuthoritySigner::from_seed(&[0x71; 32], PUBLISHER);
                for signer in [local(), national(), stranger] {
                    let head = signer.head(ISSUER, &sets[*at].tip, now);
                    assert!(follower.head(&head, keyring(), now).is_err());
                }
            }
            Event::Checkpoint(at) => self.take(*at, *at),
            Event::Mixed(one, other) => self.take(*one, *other),
            Event::Save => self.save(),
            Event::Restart => self.restart(),
            Event::Wait(ms) => self.now = UnixMillis(now.0 + ms),
        }
        if !matches!(event, Event::Restart) {
            assert!(self.engine.follower.tip().sequence >= before.0.sequence, "never back");
            assert!(self.engine.heard() >= before.1);
        }
        self.check();
    }

    fn take(&mut self, checkpoint: usize, snapshot: usize) {
        let checkpoints = &world().checkpoints;
        let (vouched, snapshot) = (&checkpoints[checkpoint], &checkpoints[snapshot]);
        let follower = &mut self.engine.follower;
        let Ok(CheckpointAnswer::Load(proof)) = follower.checkpoint(&vouched.bytes, keyring(), self.now)
        else {
            return;
        };
        let is_it = vouched.bytes == snapshot.bytes;
        assert_eq!(follower.load(&proof, &snapshot.snapshot, self.now).is_ok(), is_it);
    }

    fn save(&mut self) {
        let warm = self.engine.follower.warm();
        let path = self.folder.path().join("warm");
        let reader = self.engine.table.reader();
        let info = write_snapshot_as_of(&reader, ISSUER, warm.as_of(), &path).expect("room");
        self.saved = Some((warm.seal(&info).expect("as of it"), *self.engine.follower.tip()));
    }

    fn restart(&mut self) {
        let Some((state, tip)) = &self.saved else {
            self.engine = engine();
            return;
        };
        let (table, snapshot) = (table(), Snapshot::open(self.folder.path().join("warm")).expect("whole"));
        let writer = table.writer(ISSUER).expect("free");
        let follower =
            Follower::resume(writer, authorities(), state, &snapshot, self.now).expect("its own copy");
        assert_eq!(follower.tip(), tip);
        self.engine = Engine { table, follower };
    }

    /// The words are the oracle's at the very place that readers are told, all of them. So no one is green whom
    /// that history made red at that sequence or before it, unless it made them green again.
    fn check(&self) {
        let tip = self.engine.follower.tip();
        assert_eq!(self.engine.sequence(), tip.sequence);
        let words = world().oracle.get(&(tip.sequence, tip.digest)).expect("a link that both signed");
        for holder in HOLDERS {
            let expected = words.get(&holder).copied().unwrap_or_default();
            assert_eq!(self.engine.word(holder), expected, "holder {holder} at {}", tip.sequence);
        }
        assert!(self.engine.heard() <= Some(self.now), "never of the future");
    }

    /// What an engine's feed does: it brings what is wanted.
    pub fn converge(&mut self, upstream: &[Link]) {
        let last = &upstream[upstream.len() - 1].tip;
        for _ in 0..100 {
            self.now = UnixMillis(self.now.0.max(last.confirmed.0) + 100);
            let head = publisher().head(ISSUER, last, self.now);
            let current = self.engine.follower.head(&head, keyring(), self.now).expect("genuine");
            if matches!(current, HeadAnswer::Current { .. }) {
                assert_eq!(self.engine.follower.wants(), Wanted::Nothing);
                return;
            }
            match self.engine.follower.wants() {
                Wanted::Sets { from, .. } => match upstream.iter().find(|link| link.tip.sequence == from) {
                    Some(link) => _ = self.engine.follower.change_set(&link.bytes, keyring(), self.now),
                    None => self.take(3, 3),
                },
                Wanted::Checkpoint { .. } => self.take(3, 3),
                Wanted::Nothing => {}
            }
            self.check();
        }
        panic!("it never came to {}: {:?}", last.sequence, self.engine.follower);
    }
}

fn forged(link: &Link, forgery: Forgery) -> Vec<u8> {
    let mut bytes = link.bytes.clone();
    let end = bytes.len();
    match forgery {
        Forgery::NoLocal => bytes[end - 128..end - 64].fill(0),
        Forgery::NoNational => bytes[end - 64..].fill(0),
        Forgery::Swapped => bytes[end - 128..].rotate_left(64),
        Forgery::Moved => bytes[16..24].copy_from_slice(&(link.tip.sequence.0 + 1).to_le_bytes()),
        Forgery::Relinked => bytes[40..Position::BYTES].fill(7),
        Forgery::Cut(at) => bytes.truncate(usize::from(at) % end),
        Forgery::Flipped(at) => bytes[usize::from(at) % end] ^= 1 << (at % 8),
    }
    bytes
}
