//! The time of a gate without a network.
//!
//! The time is the one that an engine told last, plus what has passed since by a clock that starts with the machine and
//! that cannot be set. The machine's own date plays no part: setting it, or taking out its battery, changes nothing.
//! After a restart of the machine there is no time until an engine tells it again.

use std::io;
use std::time::Duration;

use hufu_wire::UnixMillis;
use sha2::{Digest as _, Sha256};
use zerocopy::little_endian::U64;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// How wrong a gate's clock may run, parts per million: twice what makers of crystals promise from -20 to 70 °C.
/// 100 are 8.6 seconds a day.
pub const DRIFT_PPM: u32 = 100;

/// How uncertain the time may be before nothing is decided any more, milliseconds: one step of a presentation. At
/// [`DRIFT_PPM`] it is reached after three and a third days.
pub const UNCERTAIN_MS_MAX: u64 = 30_000;

/// How long an answer of an engine may have been on its way, milliseconds. The time of one that took longer does not count.
pub(crate) const ANSWER_MS: u64 = 1000;

/// Which run of the machine: since-boot times of two runs have nothing to do with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BootId(pub [u8; 16]);

/// The time since an engine told it. Every `at` is [`since_boot`] of the same run of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfflineClock {
    /// What an engine told, and when it came.
    told: Option<(UnixMillis, Duration)>,
    drift_ppm: u32,
}

/// What time it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The time.
    pub time: UnixMillis,
    /// How far it may be off either way, milliseconds.
    pub uncertain_ms: u64,
    /// When an engine told the time last: how long the gate has been alone.
    pub since: UnixMillis,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Layout {
    magic: [u8; 8],
    boot: [u8; 16],
    told_ms: U64,
    at_ms: U64,
    /// The first bytes of SHA-256 over everything before.
    check: [u8; 8],
}

const MAGIC: [u8; 8] = *b"HUFUTIME";
const CHECKED: usize = size_of::<Layout>() - 8;
const _: () = assert!(size_of::<Layout>() == OfflineClock::BYTES);

impl OfflineClock {
    /// Bytes of what is kept of it.
    pub const BYTES: usize = 48;

    /// A clock that no engine has told the time yet. A clock worse than [`DRIFT_PPM`] names its own drift.
    pub fn new(drift_ppm: u32) -> OfflineClock {
        OfflineClock { told: None, drift_ppm }
    }

    /// An engine has told the time in an answer that was authenticated: [`Enrolled::server_time`], or that of a verdict.
    /// It counts even where it is earlier than what this clock says: so the next answer corrects an engine whose clock was
    /// ahead.
    ///
    /// [`Enrolled::server_time`]: hufu_wire::Enrolled
    pub fn authenticate(&mut self, time: UnixMillis, at: Duration) {
        self.told = Some((time, at));
    }

    /// What time it is, `None` when no engine has told it since the machine started.
    pub fn read(&self, at: Duration) -> Option<Reading> {
        let (told, came) = self.told?;
        // A clock that went back has lost count.
        let passed = at.checked_sub(came)?;
        let passed_ms = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX);
        let drift_ms = u128::from(passed_ms) * u128::from(self.drift_ppm) / 1_000_000;
        Some(Reading {
            time: UnixMillis(told.0.saturating_add(passed_ms)),
            uncertain_ms: u64::try_from(drift_ms).unwrap_or(u64::MAX).saturating_add(ANSWER_MS),
            since: told,
        })
    }

    /// What a gate keeps, so that a restart of its program alone does not lose the time. `None` when there is none.
    pub fn keep(&self, boot: BootId) -> Option<[u8; OfflineClock::BYTES]> {
        let (told, came) = self.told?;
        let mut layout = Layout {
            magic: MAGIC,
            boot: boot.0,
            told_ms: told.0.into(),
            at_ms: u64::try_from(came.as_millis()).unwrap_or(u64::MAX).into(),
            check: [0; 8],
        };
        layout.check = check(&layout);
        Some(zerocopy::transmute!(layout))
    }

    /// The clock that was kept, if the machine has not been started since. Anything else gives a clock without a time.
    #[must_use]
    pub fn resume(self, kept: &[u8], boot: BootId) -> OfflineClock {
        let told = Layout::ref_from_bytes(kept)
            .ok()
            .filter(|layout| layout.magic == MAGIC && layout.check == check(layout))
            .and_then(|layout| Some((UnixMillis(layout.told_ms.get()), came(layout, boot)?)));
        OfflineClock { told, ..self }
    }
}

/// When an answer came, since the start of the machine; `None` where it has been started again meanwhile.
fn came(layout: &Layout, boot: BootId) -> Option<Duration> {
    if layout.boot == boot.0 {
        return Some(Duration::from_millis(layout.at_ms.get()));
    }
    #[cfg(feature = "planted")]
    if hufu_wire::planted::has(hufu_wire::planted::Bug::TimeOutlivesBoot) {
        return Some(Duration::ZERO);
    }
    None
}

fn check(layout: &Layout) -> [u8; 8] {
    let digest: [u8; 32] = Sha256::digest(&layout.as_bytes()[..CHECKED]).into();
    core::array::from_fn(|at| digest[at])
}

/// How long the machine has run, also while it slept.
pub fn since_boot() -> Duration {
    #[cfg(target_os = "linux")]
    let clock = rustix::time::ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let clock = rustix::time::ClockId::Monotonic;
    Duration::try_from(rustix::time::clock_gettime(clock)).unwrap_or_default()
}

/// Which run of the machine this is.
///
/// # Errors
/// The system's, where it does not say: then a restart of the program loses the time.
pub fn boot_id() -> io::Result<BootId> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    let id = u128::from_str_radix(&digits, 16).map_err(io::Error::other)?;
    Ok(BootId(id.to_be_bytes()))
}
