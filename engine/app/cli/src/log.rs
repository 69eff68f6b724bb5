//! The log of a service, on standard error. A line that cannot be written is dropped and counted: no reader of the
//! log, and no full disk behind it, stops an engine or a registry.

use std::io::{self, IsTerminal as _, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use hufu_files::settings::LogFormat;
use hufu_transport::{Exhibit, Family};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::json;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::term;

/// What became of the lines of this process.
static TALLY: Tally = Tally::new();

/// Counts of lines that were lost.
struct Tally {
    /// Lines that were not written.
    dropped: AtomicU64,
    /// How many of them the log itself has mentioned.
    told: AtomicU64,
    /// Set while the reader takes nothing: only the first line waits for it.
    is_stuck: AtomicBool,
    /// Whether each line is a JSON object.
    is_json: AtomicBool,
}

/// How long one line waits for a reader that takes nothing. Far longer than a busy reader needs, short against the
/// second in which an engine looks at its files.
const WAIT: Duration = Duration::from_millis(100);

/// Most bytes written at once: a pipe that is ready takes this many without blocking (PIPE_BUF of pipe(7)).
const CHUNK_BYTES: usize = 4096;

/// Sends the log of this process to standard error. `RUST_LOG` says how much of it.
pub(crate) fn to_stderr(format: LogFormat) {
    let wanted = std::env::var("RUST_LOG").ok().and_then(|wanted| wanted.parse::<Targets>().ok());
    let filter = wanted.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
    let colours = process_stderr().is_terminal() && term::stderr().is_on();
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(|| Lines)
        // It would print about a failed line with `eprintln!`, which panics when standard error is closed.
        .log_internal_errors(false)
        .with_target(false);
    let log = tracing_subscriber::registry().with(filter);
    // Relaxed: no line is written before.
    TALLY.is_json.store(matches!(format, LogFormat::Json), Ordering::Relaxed);
    match format {
        LogFormat::Text => log.with(lines.with_ansi(colours)).init(),
        LogFormat::Json => log.with(lines.json().flatten_event(true)).init(),
    }
}

/// Log lines that could not be written so far.
pub(crate) fn dropped() -> u64 {
    // Relaxed: a count.
    TALLY.dropped.load(Ordering::Relaxed)
}

/// The count of dropped lines, for a metrics page.
pub(crate) struct Dropped;

impl Exhibit for Dropped {
    fn families(&self) -> Vec<Family> {
        vec![Family::count("log_lines_dropped", "Log lines that standard error did not take", dropped())]
    }
}

/// Takes one whole line at a time.
struct Lines;

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        TALLY.put(&mut process_stderr().lock(), line, takes_more);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Tally {
    const fn new() -> Tally {
        Tally {
            dropped: AtomicU64::new(0),
            told: AtomicU64::new(0),
            is_stuck: AtomicBool::new(false),
            is_json: AtomicBool::new(false),
        }
    }

    /// Writes a line, or counts it as dropped. `takes_more` waits at most so long for room.
    fn put(&self, out: &mut impl Write, line: &[u8], takes_more: impl Fn(Duration) -> bool) {
        // Relaxed: whoever calls this holds the lock of standard error, which orders the writers.
        let dropped = self.dropped.load(Ordering::Relaxed);
        let untold = dropped - self.told.load(Ordering::Relaxed);
        let told = if untold == 0 { String::new() } else { self.line_of(untold) };
        for chunk in told.as_bytes().chunks(CHUNK_BYTES).chain(line.chunks(CHUNK_BYTES)) {
            let wait = if self.is_stuck.load(Ordering::Relaxed) { Duration::ZERO } else { WAIT };
            let is_written = takes_more(wait) && out.write_all(chunk).is_ok();
            self.is_stuck.store(!is_written, Ordering::Relaxed);
            if !is_written {
                self.dropped.store(dropped + 1, Ordering::Relaxed);
                return;
            }
        }
        self.told.store(dropped, Ordering::Relaxed);
    }

    /// The line that tells how many were lost, in the format of the others.
    fn line_of(&self, untold: u64) -> String {
        let message = format!("{untold} log lines were lost here");
        if !self.is_json.load(Ordering::Relaxed) {
            return message + "\n";
        }
        let timestamp = format!("{:.6}", jiff::Timestamp::now());
        format!("{}\n", json!({ "timestamp": timestamp, "level": "WARN", "message": message }))
    }
}

/// Whether standard error has room within `wait`. A reader that is gone has room too: the write then fails.
fn takes_more(wait: Duration) -> bool {
    let stderr = process_stderr();
    let wait = Timespec { tv_sec: 0, tv_nsec: wait.subsec_nanos().into() };
    !matches!(poll(&mut [PollFd::new(&stderr, PollFlags::OUT)], Some(&wait)), Ok(0))
}

#[expect(clippy::disallowed_methods, reason = "the one place that writes the log")]
fn process_stderr() -> io::Stderr {
    io::stderr()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader that takes lines, is gone, or takes nothing.
    struct Reader(Option<Vec<u8>>);

    impl Write for Reader {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = self.0.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
            taken.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_that_cannot_be_written_is_dropped_and_told_of_by_the_next_one() {
        let tally = Tally::new();
        let ready = |_| true;
        tally.put(&mut Reader(None), b"one\n", ready);
        tally.put(&mut Reader(None), b"two\n", ready);
        let mut reader = Reader(Some(Vec::new()));
        tally.put(&mut reader, b"three\n", ready);
        tally.put(&mut reader, b"four\n", ready);
        assert_eq!(reader.0.unwrap(), b"2 log lines were lost here\nthree\nfour\n");
        assert_eq!(tally.dropped.into_inner(), 2);
    }

    #[test]
    fn each_line_of_a_log_in_json_is_an_object_also_the_one_about_lost_lines() {
        let tally = Tally { is_json: AtomicBool::new(true), ..Tally::new() };
        let ready = |_| true;
        tally.put(&mut Reader(None), b"{}\n", ready);
        let mut reader = Reader(Some(Vec::new()));
        tally.put(&mut reader, b"{}\n", ready);
        let text = String::from_utf8(reader.0.unwrap()).unwrap();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert_eq!(
            (&lines[0]["level"], &lines[0]["message"]),
            (&json!("WARN"), &json!("1 log lines were lost here"))
        );
        assert!(lines[0]["timestamp"].as_str().unwrap().ends_with('Z'), "{text}");
    }

    #[test]
    fn only_the_first_line_waits_for_a_reader_that_takes_nothing() {
        let tally = Tally::new();
        let mut reader = Reader(Some(Vec::new()));
        let waited = std::cell::RefCell::new(Vec::new());
        let stuck = |wait| {
            waited.borrow_mut().push(wait);
            false
        };
        tally.put(&mut reader, b"one\n", stuck);
        tally.put(&mut reader, b"two\n", stuck);
        assert_eq!(*waited.borrow(), [WAIT, Duration::ZERO]);
        tally.put(&mut reader, b"three\n", |_| true);
        tally.put(&mut reader, b"four\n", stuck);
        assert_eq!(*waited.borrow(), [WAIT, Duration::ZERO, WAIT], "it waits for one that reads again");
        assert_eq!(tally.dropped.into_inner(), 3);
    }
}
