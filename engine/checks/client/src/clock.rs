//! The time by which a device judges engines' certificates.
//!
//! A device may have no clock that runs while it is switched off: it starts in 1970, or hours behind. So it takes
//! the latest of three times: its own clock's, the one that an engine told it last, and the start of its own
//! certificate, before which it was not issued. The engine's time is kept in a file, so that a restart
//! does not lose it.

use core::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Instant, SystemTime};

use hufu_wire::{UnixMillis, UnixSeconds};
use rustls::time_provider::TimeProvider;
use rustls_pki_types::UnixTime;

use crate::kept;

/// Reads a device's own clock.
type Read = Box<dyn Fn() -> UnixSeconds + Send + Sync>;

/// What a device knows of the time.
pub(crate) struct DeviceClock {
    /// notBefore of the device's certificate.
    certificate_start: UnixSeconds,
    own: OnceLock<Read>,
    heard: Mutex<Heard>,
}

#[derive(Default)]
struct Heard {
    /// An engine's time, and when it came.
    last: Option<(UnixSeconds, Instant)>,
    kept_in: Option<PathBuf>,
}

/// A time, and how the device knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Judged {
    pub(crate) time: UnixSeconds,
    source: Source,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    Certificate,
    Engine,
    OwnClock,
}

impl DeviceClock {
    /// The clock of a device whose certificate starts at `certificate_start`.
    pub(crate) fn new(certificate_start: UnixSeconds) -> DeviceClock {
        DeviceClock { certificate_start, own: OnceLock::new(), heard: Mutex::default() }
    }

    /// Reads the device's own clock with `read`; `false` when another way was set before.
    pub(crate) fn set_own(&self, read: Read) -> bool {
        self.own.set(read).is_ok()
    }

    /// Takes up the time kept in `path`, and keeps it there from now on.
    pub(crate) fn keep_in(&self, path: &Path) -> Result<(), String> {
        let kept = read_kept(path);
        let mut heard = self.heard();
        heard.kept_in = Some(path.to_owned());
        if let Some(time) = kept? {
            heard.last = Some((time, Instant::now()));
        }
        Ok(())
    }

    /// An engine whose certificate was accepted says what time it is. It is believed up to the end of its
    /// certificate: so an engine whose clock is ahead cannot shut itself out, and each enrolment corrects the one
    /// before.
    pub(crate) fn hear(&self, engine: UnixMillis, certificate_end: UnixSeconds) {
        let time = engine.seconds().min(certificate_end);
        let mut heard = self.heard();
        heard.last = Some((time, Instant::now()));
        if let Some(path) = &heard.kept_in {
            // A folder that cannot be written costs the device its memory of the time and nothing else.
            let _ = kept::replace(path, format!("{}\n", time.0).as_bytes());
        }
    }

    /// The latest of the three times.
    pub(crate) fn judge(&self) -> Judged {
        let own = self.own.get().map_or_else(system_clock, |read| read());
        let engine = self.heard().last.map(|(time, since)| {
            let passed = u32::try_from(since.elapsed().as_secs()).unwrap_or(u32::MAX);
            UnixSeconds(time.0.saturating_add(passed))
        });
        let times = [
            Some((self.certificate_start, Source::Certificate)),
            engine.map(|time| (time, Source::Engine)),
            Some((own, Source::OwnClock)),
        ];
        let latest = times.into_iter().flatten().max();
        let (time, source) = latest.unwrap_or((own, Source::OwnClock));
        Judged { time, source }
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        // Every step under this lock leaves it whole.
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TimeProvider for DeviceClock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(core::time::Duration::from_secs(self.judge().time.0.into())))
    }
}

impl fmt::Debug for DeviceClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceClock").field("judged", &self.judge()).finish_non_exhaustive()
    }
}

impl fmt::Display for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = match self.source {
            Source::Certificate => "the start of this device's certificate",
            Source::Engine => "what an engine said last",
            Source::OwnClock => "this device's clock",
        };
        write!(f, "{} by {source}", Utc(self.time))
    }
}

/// A moment as people write it, in UTC.
struct Utc(UnixSeconds);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, second) = (self.0.0 / 86_400, self.0.0 % 86_400);
        // Days since 0000-03-01 in years that begin in March (Hinnant, `civil_from_days`).
        let days = days + 719_468;
        let (era, of_era) = (days / 146_097, days % 146_097);
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year + era * 400 + u32::from(month <= 2);
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

fn system_clock() -> UnixSeconds {
    UnixMillis::from(SystemTime::now()).seconds()
}

/// Unix seconds in decimal and a line end; `None` when there is no such file.
fn read_kept(path: &Path) -> Result<Option<UnixSeconds>, String> {
    match fs::read_to_string(path) {
        Ok(text) => match text.trim_end().parse() {
            Ok(time) => Ok(Some(UnixSeconds(time))),
            Err(_) => Err("it does not hold a time; the next enrolment writes it again".to_owned()),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: UnixSeconds = UnixSeconds(1_700_000_000);
    const FAR: UnixSeconds = UnixSeconds(u32::MAX);

    fn clock(own: u32) -> DeviceClock {
        let clock = DeviceClock::new(START);
        assert!(clock.set_own(Box::new(move || UnixSeconds(own))));
        clock
    }

    /// The time may pass a second while a test runs.
    fn about(clock: &DeviceClock) -> u32 {
        clock.judge().time.0 / 10 * 10
    }

    #[test]
    fn the_latest_of_three_times_counts_and_says_where_it_is_from() {
        let behind = clock(0);
        assert_eq!(
            behind.judge().to_string(),
            "2023-11-14T22:13:20Z by the start of this device's certificate"
        );
        behind.hear(UnixMillis(1_750_000_000_000), FAR);
        assert_eq!(about(&behind), 1_750_000_000);
        assert!(behind.judge().to_string().ends_with("by what an engine said last"));
        let right = clock(1_760_000_000);
        right.hear(UnixMillis(1_750_000_000_000), FAR);
        assert_eq!(right.judge().to_string(), "2025-10-09T08:53:20Z by this device's clock");
    }

    #[test]
    fn an_engines_time_counts_up_to_its_certificates_end_and_until_the_next() {
        let clock = clock(0);
        clock.hear(UnixMillis(1_800_000_000_000), UnixSeconds(1_760_000_000));
        assert_eq!(about(&clock), 1_760_000_000, "an engine that is ahead");
        clock.hear(UnixMillis(1_750_000_000_000), UnixSeconds(1_760_000_000));
        assert_eq!(about(&clock), 1_750_000_000, "and was put right");
    }

    #[test]
    fn the_time_is_kept_and_a_damaged_file_is_told_and_replaced() {
        let folder = std::env::temp_dir().join(format!("hufu-clock-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("server-time");
        let first = clock(0);
        assert_eq!(first.keep_in(&path), Ok(()));
        first.hear(UnixMillis(1_750_000_000_000), FAR);
        let second = clock(0);
        assert_eq!(second.keep_in(&path), Ok(()));
        assert_eq!(about(&second), 1_750_000_000);

        fs::write(&path, "17500").unwrap();
        assert_eq!(clock(0).keep_in(&path), Ok(()), "an early time is a time");
        for damaged in ["", "now\n", "-1\n", "99999999999\n"] {
            fs::write(&path, damaged).unwrap();
            let third = clock(0);
            assert!(third.keep_in(&path).is_err(), "{damaged:?}");
            assert_eq!(third.judge().time, START);
            third.hear(UnixMillis(1_750_000_000_000), FAR);
            assert_eq!(fs::read_to_string(&path).unwrap(), "1750000000\n");
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing is left beside it");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn moments_are_written_as_people_do() {
        for (time, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_798_761_599, "2026-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (u32::MAX, "2106-02-07T06:28:15Z"),
        ] {
            assert_eq!(Utc(UnixSeconds(time)).to_string(), text);
        }
    }
}
