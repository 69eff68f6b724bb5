//! Printing, with colours on terminals and nowhere else (<https://no-color.org>).

use std::fmt;
use std::io::{self, IsTerminal as _, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) use hufu_sheets::printable;
use serde_json::{Value, json};

use crate::outcome::Exit;

/// Prints what a command came to: an object for a program with `--json`, else the text behind it. See [`outcome`].
macro_rules! tell {
    ({ $($object:tt)* }, $($text:tt)*) => {
        $crate::term::outcome(|| ::serde_json::json!({ $($object)* }), || format!($($text)*))
    };
}

/// Prints a line on standard error, for a person. It never fails and never panics: the exit status says the same.
macro_rules! note {
    ($($argument:tt)*) => { $crate::term::note_line(format_args!($($argument)*)) };
}

pub(crate) use {note, tell};

/// Why standard output takes nothing any more. Set once; nothing is written there afterwards.
static FAILED: OnceLock<io::Error> = OnceLock::new();

/// What became of everything that was printed on standard output.
#[derive(Debug)]
pub(crate) enum Output {
    /// It was written.
    Whole,
    /// The reader closed the pipe, as `hufu ... | head` does: it has what it wanted.
    Closed,
    /// It could not be written, for example because the disk is full.
    Lost(&'static io::Error),
}

/// Whether `--json` was given.
static JSON: AtomicBool = AtomicBool::new(false);

/// From here on outcomes are printed as JSON.
pub(crate) fn set_json() {
    // Relaxed: it is set before there is a second thread.
    JSON.store(true, Ordering::Relaxed);
}

/// Whether outcomes are printed as JSON.
pub(crate) fn is_json() -> bool {
    JSON.load(Ordering::Relaxed)
}

/// Prints what a command came to, once a run. Nothing else reaches standard output but [`event`] and [`along`]: no command
/// can have a text without an object. It never fails and never panics: see [`finish`].
pub(crate) fn outcome(object: impl FnOnce() -> Value, text: impl FnOnce() -> String) {
    if is_json() { put_text(&format!("{:#}", object())) } else { put_text(&text()) }
}

/// Prints an outcome that is bytes for another program, as they are.
pub(crate) fn bytes(object: impl FnOnce() -> Value, bytes: &[u8]) {
    if is_json() { put_text(&format!("{:#}", object())) } else { put(|out| out.write_all(bytes)) }
}

/// Prints one of many outcomes at once, with `--json` as a line of its own: a reader acts on it while the command runs.
pub(crate) fn event(object: impl FnOnce() -> Value, text: impl FnOnce() -> String) {
    if is_json() {
        put_text(&object().to_string());
    } else {
        put_text(&text());
    }
    put(Write::flush);
}

/// Prints a line on the way to an outcome that has the same in its object: with `--json` it is a message for a person.
pub(crate) fn along(line: fmt::Arguments<'_>) {
    if is_json() { note_line(line) } else { put_text(&line.to_string()) }
}

fn put_text(text: &str) {
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    put(|out| write!(out, "{text}{end}"));
}

/// Whether standard output may still be read. A command whose only work is to print stops when it is not.
pub(crate) fn is_read() -> bool {
    FAILED.get().is_none()
}

/// Flushes standard output and says what became of it. Work that was asked for is done all the same: no command
/// stops in the middle because its output is lost.
pub(crate) fn finish() -> Output {
    put(Write::flush);
    match FAILED.get() {
        None => Output::Whole,
        Some(error) if error.kind() == io::ErrorKind::BrokenPipe => Output::Closed,
        Some(error) => Output::Lost(error),
    }
}

/// Tells why a run did not do what was asked, on standard error: with `--json` as one object on one line.
pub(crate) fn fail(who: &str, message: &str, exit: Exit) {
    if is_json() {
        note!("{}", json!({ "error": message, "exit": exit as u8 }));
    } else {
        note!("{} {message}", stderr().bad(who));
    }
}

/// Prints a line on standard error.
pub(crate) fn note_line(line: fmt::Arguments<'_>) {
    note_text(&format!("{line}\n"));
}

/// Prints text on standard error that ends its own lines.
pub(crate) fn note_text(text: &str) {
    // There is no other place to say it.
    let _ = process_stderr().lock().write_all(text.as_bytes());
}

/// Prints a question on standard error, for the answer to stand beside it.
///
/// # Errors
/// It cannot be shown, so it cannot be answered.
pub(crate) fn ask(question: &str) -> io::Result<()> {
    let mut out = process_stderr().lock();
    out.write_all(question.as_bytes())?;
    out.flush()
}

/// Whether a person sees what is printed on standard error.
pub(crate) fn stderr_is_terminal() -> bool {
    process_stderr().is_terminal()
}

fn put(write: impl FnOnce(&mut io::StdoutLock<'static>) -> io::Result<()>) {
    if FAILED.get().is_none()
        && let Err(error) = write(&mut process_stdout().lock())
    {
        // Set already when two threads failed at the same time; the first error stays.
        let _ = FAILED.set(error);
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that writes to standard output")]
fn process_stdout() -> io::Stdout {
    io::stdout()
}

#[expect(clippy::disallowed_methods, reason = "the one place that writes messages to standard error")]
fn process_stderr() -> io::Stderr {
    io::stderr()
}

/// Whether one output stream gets colours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint(bool);

/// How standard output is painted.
pub(crate) fn stdout() -> Paint {
    Paint(!is_json() && wanted(process_stdout().is_terminal()))
}

/// How standard error is painted.
pub(crate) fn stderr() -> Paint {
    Paint(wanted(process_stderr().is_terminal()))
}

/// No colours, whatever the stream.
pub(crate) fn plain() -> Paint {
    Paint(false)
}

fn wanted(terminal: bool) -> bool {
    terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

impl Paint {
    /// Whether there are colours at all.
    pub(crate) const fn is_on(self) -> bool {
        self.0
    }

    /// Good news, green.
    pub(crate) fn good(self, text: &str) -> String {
        self.with("32;1", text)
    }

    /// Bad news, red.
    pub(crate) fn bad(self, text: &str) -> String {
        self.with("31;1", text)
    }

    /// Something to look at, yellow.
    pub(crate) fn look(self, text: &str) -> String {
        self.with("33;1", text)
    }

    /// A heading.
    pub(crate) fn strong(self, text: &str) -> String {
        self.with("1", text)
    }

    /// What may be skipped.
    pub(crate) fn faint(self, text: &str) -> String {
        self.with("2", text)
    }

    fn with(self, sequence: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{sequence}m{text}\x1b[0m") } else { text.to_owned() }
    }
}
