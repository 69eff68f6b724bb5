//! Printing, with colours on terminals and nowhere else (<https://no-color.org>).

use std::fmt;
use std::io::{self, IsTerminal as _, Write as _, stderr as process_stderr, stdout as process_stdout};

/// Prints a line. Unlike `println!` it returns when the reader has gone away, as with `hufu ... | head`.
macro_rules! say {
    ($($argument:tt)*) => { $crate::term::line(format_args!($($argument)*))? };
}

pub(crate) use say;

/// Prints a line.
pub(crate) fn line(line: fmt::Arguments<'_>) -> io::Result<()> {
    writeln!(process_stdout().lock(), "{line}")
}

/// Prints text that ends its own lines.
pub(crate) fn text(text: &str) -> io::Result<()> {
    process_stdout().lock().write_all(text.as_bytes())
}

/// Whether one output stream gets colours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint(bool);

/// How standard output is painted.
pub(crate) fn stdout() -> Paint {
    Paint(wanted(process_stdout().is_terminal()))
}

/// How standard error is painted.
pub(crate) fn stderr() -> Paint {
    Paint(wanted(process_stderr().is_terminal()))
}

/// No colours, whatever the stream.
#[cfg(test)]
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

/// Text from outside, safe to print: a code or a certificate may not move somebody's cursor, nor turn a line around
/// (Unicode Standard Annex 9: the explicit directional formatting characters).
pub(crate) fn printable(text: &str) -> String {
    let unsafe_ = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if unsafe_(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}
