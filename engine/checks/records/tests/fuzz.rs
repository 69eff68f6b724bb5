//! A folder of records in an order that the fuzzer chooses: commits, syncs, rests, days that end, disks that refuse, kills in the
//! middle of any operation, losses of power, and in the end a byte that was turned. What was acknowledged is found, or
//! the folder says that it is damaged. Three bytes are one step.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "tests; it shares files with others and uses its part of them"
)]

#[path = "records/common.rs"]
mod common;
#[path = "records/disk.rs"]
mod disk;

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;

use hufu_records::{Answer, DAYS, FaultKind, SegmentHeader, Store, is_segment, read, verify};
use hufu_wire::UnixMillis;

use common::{Chance, DAY_MS, ENGINE, NOON, kept, keys, open, signer};
use disk::LyingDisk;

const STEPS_MAX: usize = 48;
/// Days that pass at most: fewer than are kept.
const DAYS_MAX: u64 = 20;

/// How far a record has come: it survives a kill, or a loss of power, or a later block says that it was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reached {
    Written,
    Synced,
    Told,
}

struct Play {
    records: LyingDisk,
    keys: LyingDisk,
    store: Option<Store>,
    now: UnixMillis,
    next: u64,
    acknowledged: BTreeMap<u64, Reached>,
    /// The disk has failed: a segment that was begun may be lost with the power, and its day says that it misses it.
    has_failed: bool,
}

#[test]
fn any_life_of_a_folder() {
    bolero::check!().for_each(|bytes: &[u8]| {
        let mut play = Play::begin();
        for &step in bytes.as_chunks::<3>().0.iter().take(STEPS_MAX) {
            play.step(step);
        }
        play.kill();
        if let Some(&[file, low, high]) = bytes.last_chunk::<3>() {
            play.turn_a_byte(file, u16::from_le_bytes([low, high]));
        }
    });
}

impl Play {
    fn begin() -> Play {
        let (records, keys) = (LyingDisk::default(), LyingDisk::default());
        let store = open(&records, &keys).unwrap();
        let acknowledged = BTreeMap::new();
        Play { records, keys, store: Some(store), now: NOON, next: 0, acknowledged, has_failed: false }
    }

    fn step(&mut self, [kind, one, two]: [u8; 3]) {
        match kind % 16 {
            0..=3 => self.commit(1 + u64::from(one % 40)),
            4 => self.commit(1 + u64::from(one) * 16),
            5 | 6 => self.sync(Store::sync),
            7 => self.sync(Store::rest),
            8 => self.pass(u64::from(one) * 60_000),
            9 => {
                self.pass(DAY_MS);
                if self.with(Store::sync) {
                    self.with(Store::turn);
                }
            }
            10 => self.records.fail_writes((one & 1 != 0).then_some(ErrorKind::StorageFull)),
            11 => self.records.fail_syncs((one & 1 != 0).then_some(ErrorKind::Other)),
            12 => {
                self.with(Store::resume);
            }
            13 => {
                self.records.die_after(1 + u32::from(one % 90));
                self.keys.die_after(1 + u32::from(two % 20));
            }
            14 => self.kill(),
            _ => self.cut_power(u64::from(u16::from_le_bytes([one, two]))),
        }
    }

    /// What the store answers; `false` also when it is gone. After an error what was not durable may be lost.
    fn with(&mut self, work: impl FnOnce(&mut Store, UnixMillis) -> std::io::Result<()>) -> bool {
        let now = self.now;
        let done = self.store.as_mut().is_some_and(|store| work(store, now).is_ok());
        if !done {
            self.has_failed = true;
            self.acknowledged.retain(|_, at| *at > Reached::Written);
        }
        done
    }

    fn pass(&mut self, by_ms: u64) {
        self.now = UnixMillis((self.now.0 + by_ms).min(NOON.0 + DAYS_MAX * DAY_MS));
    }

    fn commit(&mut self, count: u64) {
        let (now, from) = (self.now, self.next);
        self.next += count;
        if self.with(|store, _| store.commit(now, &kept(now, from, count))) {
            // The block says what was durable before it.
            self.acknowledged
                .values_mut()
                .filter(|at| **at == Reached::Synced)
                .for_each(|at| *at = Reached::Told);
            self.acknowledged.extend((from..from + count).map(|number| (number, Reached::Written)));
        }
    }

    fn sync(&mut self, how: impl FnOnce(&mut Store, UnixMillis) -> std::io::Result<()>) {
        if self.with(how) {
            self.acknowledged.values_mut().for_each(|at| *at = (*at).max(Reached::Synced));
        }
    }

    /// The process dies and another one begins: everything that was written is there.
    fn kill(&mut self) {
        self.restart(self.records.after_kill(), self.keys.after_kill());
    }

    /// Power goes: what was synced is there. The block that says so may be gone.
    fn cut_power(&mut self, seed: u64) {
        let mut chance = Chance::new(seed);
        self.acknowledged.retain(|_, at| *at > Reached::Written);
        self.acknowledged.values_mut().for_each(|at| *at = Reached::Synced);
        self.restart(self.records.after_power_cut(&mut chance), self.keys.after_power_cut(&mut chance));
    }

    fn restart(&mut self, records: LyingDisk, keys: LyingDisk) {
        (self.store, self.records, self.keys) = (None, records, keys);
        self.store =
            Some(open(&self.records, &self.keys).expect("neither a kill nor a loss of power is damage"));
        let missing = self.missing().expect("it is read");
        assert_eq!(missing, [], "acknowledged and lost");
    }

    /// Records that were acknowledged and are not found, with how far they had come.
    ///
    /// # Errors
    /// The folder says that it is damaged.
    fn missing(&self) -> Result<Vec<(u64, Reached)>, String> {
        let (records, keys) = (self.records.folder(), keys(&self.keys));
        let told = |fault: std::io::Error| fault.to_string();
        let report = verify(&records, Some(&keys), &ENGINE, &signer().verifying_key()).map_err(told)?;
        let is_expected = |what: FaultKind| self.has_failed && what == FaultKind::EndMissing;
        if !report.faults.iter().all(|fault| is_expected(fault.what)) {
            return Err(format!("{:?}", report.faults));
        }
        let mut found = BTreeSet::new();
        for day in report.days {
            read(&records, &keys, day.day, |one| {
                let Answer::Verdict(verdict) = one.row.answer else { panic!("no roster was checked") };
                assert!(found.insert(verdict.number.0), "{:?} twice", verdict.number);
                Ok(())
            })
            .map_err(told)?;
        }
        assert!(found.last().is_none_or(|last| *last < self.next), "never noted");
        let missing = self.acknowledged.iter().filter(|(number, _)| !found.contains(number));
        Ok(missing.map(|(number, at)| (*number, *at)).collect())
    }

    /// Someone, or the disk, turns a byte of a segment.
    fn turn_a_byte(mut self, file: u8, at: u16) {
        self.store = None;
        let name = |path: &std::path::PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        let segments: Vec<String> =
            self.records.names().iter().map(name).filter(|name| is_segment(name) || name == DAYS).collect();
        let Some(name) = segments.get(usize::from(file) % segments.len().max(1)) else { return };
        // A segment whose header is not whole was begun and not written yet, as far as can be told.
        let header = if is_segment(name) { SegmentHeader::ROOM_BYTES } else { 0 };
        let (header, length) = (usize::try_from(header).unwrap(), self.records.contents(name).len());
        if length <= header {
            return;
        }
        self.has_failed = false;
        self.records.flip(name, header + usize::from(at) * 8 % (length - header));
        let opened = open(&self.records, &self.keys);
        let told = match (&opened, self.missing()) {
            (Ok(_), Ok(missing)) => missing.iter().all(|(_, at)| *at < Reached::Told),
            _ => true,
        };
        assert!(told, "byte {at} of {name}: what was durable is gone, and no one is told");
    }
}
