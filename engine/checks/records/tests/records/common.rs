//! A scene: an engine of one site, its phones and its days.

use ed25519_dalek::SigningKey;
use hufu_check::{Channel, Durability, Record, Trace};
use hufu_records::{
    Day, EngineId, Identity, Kept, KeyFolder, OpenFault, Row, SEGMENT_BYTES_MIN, Secret, Store, StoreOptions,
    Wrapping,
};
use hufu_wire::{
    CheckNumber, CodeKind, DeviceGeneration, DeviceId, Grant, Lane, Reason, Scope, SiteId, UnixMillis,
    Verdict,
};

use crate::disk::LyingDisk;

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

pub(crate) fn keys(disk: &LyingDisk) -> KeyFolder {
    KeyFolder::new(disk.folder(), wrapping())
}

pub(crate) fn day_of(now: UnixMillis) -> Day {
    Day(u32::try_from(now.0 / DAY_MS).unwrap())
}

pub(crate) fn options() -> StoreOptions {
    StoreOptions { segment_bytes: SEGMENT_BYTES_MIN, keep_days: KEEP_DAYS, day_of: Box::new(day_of) }
}

/// A store of `records`, its keys on `keys_disk`.
pub(crate) fn open(records: &LyingDisk, keys_disk: &LyingDisk) -> Result<Store, OpenFault> {
    let identity = Identity { signer: signer(), engine: ENGINE };
    Store::open(records.folder(), keys(keys_disk), identity, options())
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
