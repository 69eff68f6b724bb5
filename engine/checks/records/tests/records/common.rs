//! A disk that lies, and a scene on it.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use ed25519_dalek::SigningKey;
use hufu_check::{Channel, Durability, Record, Trace};
use hufu_records::{
    Day, Disk, DiskFile, EngineId, Identity, Kept, KeyFolder, OpenFault, Row, SEGMENT_BYTES_MIN, Secret,
    Store, StoreOptions, Wrapping,
};
use hufu_wire::{
    CheckNumber, CodeKind, DeviceGeneration, DeviceId, Grant, Lane, Reason, Scope, SiteId, UnixMillis,
    Verdict,
};

/// A disk in memory: what was written is seen at once and durable only after a sync.
#[derive(Clone, Default)]
pub(crate) struct LyingDisk(Arc<Mutex<State>>);

#[derive(Clone, Default)]
struct State {
    files: BTreeMap<String, Contents>,
    /// Operations that still succeed; the one after is cut in the middle, and nothing succeeds any more.
    left: Option<u32>,
    /// What every write, or every sync, answers.
    write_fails: Option<io::ErrorKind>,
    sync_fails: Option<io::ErrorKind>,
}

#[derive(Clone, Default)]
struct Contents {
    seen: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<(usize, Vec<u8>)>,
}

/// A file of it.
pub(crate) struct LyingFile {
    disk: LyingDisk,
    name: String,
}

/// Numbers with a seed: xorshift64*.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Chance {
        Chance(seed | 1)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap() % end
    }
}

impl LyingDisk {
    fn state<T>(&self, with: impl FnOnce(&mut State) -> T) -> T {
        with(&mut self.0.lock().unwrap())
    }

    /// The process dies after so many more operations.
    pub(crate) fn die_after(&self, operations: u32) {
        self.state(|state| state.left = Some(operations));
    }

    pub(crate) fn fail_writes(&self, with: Option<io::ErrorKind>) {
        self.state(|state| state.write_fails = with);
    }

    pub(crate) fn fail_syncs(&self, with: Option<io::ErrorKind>) {
        self.state(|state| state.sync_fails = with);
    }

    /// The disk as the next process finds it.
    pub(crate) fn after_kill(&self) -> LyingDisk {
        let mut state = self.state(|state| state.clone());
        (state.left, state.write_fails, state.sync_fails) = (None, None, None);
        LyingDisk(Arc::new(Mutex::new(state)))
    }

    /// The disk as it is found after a loss of power: of what was not durable, each write happened, did not, or in part.
    pub(crate) fn after_power_cut(&self, chance: &mut Chance) -> LyingDisk {
        let disk = self.after_kill();
        disk.state(|state| {
            for contents in state.files.values_mut() {
                let mut durable = std::mem::take(&mut contents.durable);
                for (at, bytes) in std::mem::take(&mut contents.pending) {
                    let kept = match chance.below(3) {
                        0 => 0,
                        1 => bytes.len(),
                        _ => chance.below(bytes.len() + 1),
                    };
                    let end = at + kept;
                    if durable.len() < end {
                        durable.resize(end, 0);
                    }
                    durable[at..end].copy_from_slice(&bytes[..kept]);
                }
                contents.seen.clone_from(&durable);
                contents.durable = durable;
            }
        });
        disk
    }

    /// Changes a byte behind everybody's back.
    pub(crate) fn flip(&self, name: &str, at: usize) {
        self.state(|state| {
            let contents = state.files.get_mut(name).unwrap();
            contents.seen[at] ^= 0x40;
        });
    }

    pub(crate) fn contents(&self, name: &str) -> Vec<u8> {
        self.state(|state| state.files[name].seen.clone())
    }

    pub(crate) fn put(&self, name: &str, bytes: &[u8]) {
        self.state(|state| {
            let contents = Contents { seen: bytes.to_vec(), durable: bytes.to_vec(), pending: Vec::new() };
            state.files.insert(name.to_owned(), contents);
        });
    }

    pub(crate) fn forget(&self, name: &str) {
        self.state(|state| state.files.remove(name)).unwrap();
    }

    pub(crate) fn everything(&self) -> Vec<u8> {
        self.state(|state| state.files.values().flat_map(|contents| contents.seen.clone()).collect())
    }
}

impl State {
    /// How much of an operation on `bytes` bytes happens.
    fn operate(&mut self, bytes: usize) -> io::Result<usize> {
        match &mut self.left {
            None => Ok(bytes),
            Some(0) => Err(io::Error::other("the process is dead")),
            Some(left) => {
                *left -= 1;
                Ok(if *left == 0 { bytes / 2 } else { bytes })
            }
        }
    }

    fn dead(&self) -> bool {
        self.left == Some(0)
    }
}

fn missing() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl Disk for LyingDisk {
    type File = LyingFile;

    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.state(|state| state.files.keys().cloned().collect()))
    }

    fn open(&self, name: &str) -> io::Result<LyingFile> {
        if !self.state(|state| state.files.contains_key(name)) {
            return Err(missing());
        }
        Ok(LyingFile { disk: self.clone(), name: name.to_owned() })
    }

    fn allocate(&self, name: &str, bytes: u64) -> io::Result<()> {
        let bytes = usize::try_from(bytes).unwrap();
        self.state(|state| {
            if let Some(kind) = state.write_fails {
                return Err(kind.into());
            }
            if state.operate(bytes)? != bytes {
                // Died in the middle: a file that is too short.
                let half = vec![0; bytes / 2];
                let contents = Contents { seen: half.clone(), durable: half, pending: Vec::new() };
                state.files.insert(name.to_owned(), contents);
                return Err(io::Error::other("the process is dead"));
            }
            let contents = Contents { seen: vec![0; bytes], durable: vec![0; bytes], pending: Vec::new() };
            state.files.insert(name.to_owned(), contents);
            Ok(())
        })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.state(|state| {
            state.operate(0)?;
            let contents = state.files.remove(from).ok_or_else(missing)?;
            state.files.insert(to.to_owned(), contents);
            if state.dead() { Err(io::Error::other("the process is dead")) } else { Ok(()) }
        })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.state(|state| {
            state.operate(0)?;
            state.files.remove(name).map(|_| ()).ok_or_else(missing)
        })
    }

    fn replace(&self, name: &str, contents: &[u8]) -> io::Result<()> {
        self.state(|state| {
            if let Some(kind) = state.write_fails {
                return Err(kind.into());
            }
            if state.operate(1)? == 1 {
                let new =
                    Contents { seen: contents.to_vec(), durable: contents.to_vec(), pending: Vec::new() };
                state.files.insert(name.to_owned(), new);
                Ok(())
            } else {
                Err(io::Error::other("the process is dead"))
            }
        })
    }
}

impl DiskFile for LyingFile {
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.disk.state(|state| {
            if let Some(kind) = state.write_fails {
                return Err(kind.into());
            }
            let written = state.operate(bytes.len())?;
            let dead = state.dead();
            let contents = state.files.get_mut(&self.name).ok_or_else(missing)?;
            let at = usize::try_from(at).unwrap();
            contents.seen[at..at + written].copy_from_slice(&bytes[..written]);
            contents.pending.push((at, bytes[..written].to_vec()));
            if dead { Err(io::Error::other("the process is dead")) } else { Ok(()) }
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.state(|state| {
            if let Some(kind) = state.sync_fails {
                return Err(kind.into());
            }
            state.operate(0)?;
            if state.dead() {
                return Err(io::Error::other("the process is dead"));
            }
            let contents = state.files.get_mut(&self.name).ok_or_else(missing)?;
            contents.durable.clone_from(&contents.seen);
            contents.pending.clear();
            Ok(())
        })
    }

    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        self.disk.state(|state| {
            let contents = state.files.get(&self.name).ok_or_else(missing)?;
            let rest = contents.seen.get(usize::try_from(at).unwrap()..).unwrap_or_default();
            let read = rest.len().min(bytes.len());
            bytes[..read].copy_from_slice(&rest[..read]);
            Ok(read)
        })
    }

    fn size(&self) -> io::Result<u64> {
        self.disk.state(|state| {
            state.files.get(&self.name).map(|contents| contents.seen.len() as u64).ok_or_else(missing)
        })
    }
}

pub(crate) const ENGINE: EngineId = [7; 16];
pub(crate) const DAY_MS: u64 = 86_400_000;
/// Noon of some day.
pub(crate) const NOON: UnixMillis = UnixMillis(20_000 * DAY_MS + DAY_MS / 2);
pub(crate) const KEEP_DAYS: u32 = 60;

pub(crate) fn signer() -> SigningKey {
    SigningKey::from_bytes(&[3; 32])
}

pub(crate) fn wrapping() -> Box<dyn Wrapping> {
    Box::new(Secret::new([9; 32]))
}

pub(crate) fn keys(disk: &LyingDisk) -> KeyFolder<LyingDisk> {
    KeyFolder::new(disk.clone(), wrapping())
}

pub(crate) fn day_of(now: UnixMillis) -> Day {
    Day(u32::try_from(now.0 / DAY_MS).unwrap())
}

pub(crate) fn options() -> StoreOptions {
    StoreOptions { segment_bytes: SEGMENT_BYTES_MIN, keep_days: KEEP_DAYS, day_of: Box::new(day_of) }
}

/// A store of `records`, its keys on `keys_disk`.
pub(crate) fn open(records: &LyingDisk, keys_disk: &LyingDisk) -> Result<Store<LyingDisk>, OpenFault> {
    let identity = Identity { signer: signer(), engine: ENGINE };
    Store::open(records.clone(), keys(keys_disk), identity, options())
}

/// A check of some phone; its number is in the verdict.
pub(crate) fn record(now: UnixMillis, number: u64, trace: Trace) -> Record {
    let grant = Grant {
        device: DeviceId(11),
        generation: DeviceGeneration(1),
        site: SiteId(7),
        scope: Scope::CHECKS,
    };
    let verdict =
        Verdict { kind: Some(CodeKind::Phone), ..Verdict::of(CheckNumber(number), now, Reason::Clear) };
    Record {
        channel: Channel::Sealed,
        grant,
        lane: Some(Lane(2)),
        trace,
        durability: Durability::Written,
        verdict,
        roster: None,
    }
}

/// The value that phone `phone` released in `step`.
pub(crate) fn value(phone: u64, step: u64) -> [u8; 16] {
    let mut value = [0x5a; 16];
    value[..8].copy_from_slice(&phone.to_le_bytes());
    value[8..].copy_from_slice(&step.to_le_bytes());
    value
}

/// The records `from..from + count`: every second one of a phone of that number.
pub(crate) fn kept(now: UnixMillis, from: u64, count: u64) -> Vec<Kept> {
    (from..from + count)
        .map(|number| {
            let trace = if number % 2 == 0 { Trace::Step(value(number, 1)) } else { Trace::None };
            Kept { row: Row::of(&record(now, number, trace), 40), trace }
        })
        .collect()
}

impl LyingDisk {
    /// Does `work` while no operation on the disk goes on.
    pub(crate) fn while_it_stands_still(&self, work: impl FnOnce()) {
        let held = self.0.lock().unwrap();
        work();
        drop(held);
    }
}
