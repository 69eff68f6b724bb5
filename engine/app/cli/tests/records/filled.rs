//! A folder of records of days long past, written as an engine writes them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use hufu_check::{Channel, Durability, Record, RosterTally, Trace};
use hufu_records::{
    Day, Folder, Identity, Kept, KeyFolder, Row, SEGMENT_BYTES_MIN, Secret, Store, StoreOptions,
};
use hufu_wire::{
    CheckNumber, CodeKind, Colour, DeviceGeneration, DeviceId, Grant, Lane, Reason, Scope, Sequence, SiteId,
    UnixMillis, Verdict,
};

use crate::common::{hufu, ok};

pub(crate) const DAY_MS: u64 = 86_400_000;
/// Noon of 2026-11-02, UTC.
pub(crate) const NOON: UnixMillis = UnixMillis(20_759 * DAY_MS + DAY_MS / 2);
pub(crate) const DAY: &str = "2026-11-02";
pub(crate) const FOLDERS: &str = "--folder records --keys record-keys --secret records.secret";

pub(crate) struct Filled(tempfile::TempDir);

impl Filled {
    pub(crate) fn new() -> Filled {
        let folder = tempfile::tempdir().unwrap();
        ok(folder.path(), &["records", "secret", "--out", "records.secret"]);
        Filled(folder)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// One run of an engine: it begins a segment of its own.
    pub(crate) fn engine(&self) -> Store {
        let digits = fs::read_to_string(self.path("records.secret")).unwrap();
        let mut bytes = [0; 32];
        hex::decode_to_slice(digits, &mut bytes).unwrap();
        let secret = Secret::new(bytes);
        let identity = Identity::of(&secret).unwrap();
        let keys = KeyFolder::new(Folder::lock(&self.path("record-keys")).unwrap(), Box::new(secret));
        let options = StoreOptions {
            segment_bytes: SEGMENT_BYTES_MIN,
            keep_days: 60,
            day_of: Box::new(|now| Day(u32::try_from(now.0 / DAY_MS).unwrap())),
        };
        Store::open(Folder::lock(&self.path("records")).unwrap(), keys, identity, options).unwrap()
    }

    /// So many checks at `now`, in a run of an engine of their own.
    pub(crate) fn checks(&self, now: UnixMillis, count: u64, reason: Reason) {
        let mut engine = self.engine();
        let kept: Vec<_> = (0..count).map(|number| check(now, number, reason)).collect();
        engine.commit(now, &kept).unwrap();
        engine.rest(now).unwrap();
    }

    /// Runs a command whose words have no spaces.
    pub(crate) fn run(&self, line: &str) -> String {
        ok(self.0.path(), &line.split(' ').collect::<Vec<_>>())
    }

    pub(crate) fn attempt(&self, line: &str) -> Output {
        hufu(self.0.path(), &line.split(' ').collect::<Vec<_>>())
    }
}

/// What is in a folder, and its content.
pub(crate) fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect();
    files.sort();
    files
}

fn check(now: UnixMillis, number: u64, reason: Reason) -> Kept {
    let verdict = Verdict {
        kind: Some(CodeKind::Phone),
        colour: Some(Colour::Green),
        as_of: Sequence(3),
        ..Verdict::of(CheckNumber(number), now, reason)
    };
    kept(Channel::Sealed, Trace::Step([u8::try_from(number % 256).unwrap(); 16]), verdict, None)
}

/// A roster of four.
pub(crate) fn roster(now: UnixMillis) -> Kept {
    let tally = RosterTally { members: 4, admitted: 2, referred: 1, refused: 1 };
    kept(Channel::Roster, Trace::None, Verdict::of(CheckNumber(0), now, Reason::Clear), Some(tally))
}

fn kept(channel: Channel, trace: Trace, verdict: Verdict, roster: Option<RosterTally>) -> Kept {
    let grant = Grant {
        device: DeviceId(7),
        generation: DeviceGeneration(1),
        site: SiteId(310_101),
        scope: Scope::CHECKS,
    };
    let durability = Durability::Written;
    let record = Record { channel, grant, lane: Some(Lane(2)), trace, durability, verdict, roster };
    Kept { row: Row::of(&record, 40), trace }
}
