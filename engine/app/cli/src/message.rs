//! What an error says to a person: each thing once, and nothing in the words of a library that say neither what is wrong
//! nor who can correct it.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::net::AddrParseError;
use std::num::{IntErrorKind, ParseIntError};
use std::str::Utf8Error;
use std::string::FromUtf8Error;

/// An error and its causes in one line. What another of them says already is left out.
pub(crate) fn of(error: &anyhow::Error) -> String {
    let mut words: Vec<String> = Vec::new();
    for cause in error.chain() {
        let cause = in_words(cause);
        if words.iter().any(|said| says(said, &cause)) {
            continue;
        }
        if words.last().is_some_and(|said| says(&cause, said)) {
            words.pop();
        }
        words.push(cause);
    }
    words.join(": ")
}

/// Whether `text` has `part` in it, not as a piece of a longer word.
fn says(text: &str, part: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '/' | '.');
    text.match_indices(part).any(|(at, found)| {
        let (before, after) = (&text[..at], &text[at + found.len()..]);
        !before.ends_with(is_word) && !after.starts_with(is_word)
    })
}

/// One cause; what a library says without a hint is said in words that have one.
pub(crate) fn in_words(cause: &(dyn Error + 'static)) -> String {
    if let Some(error) = cause.downcast_ref::<io::Error>() {
        return of_io(error);
    }
    if let Some(error) = cause.downcast_ref::<ParseIntError>() {
        return match error.kind() {
            IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => "the number is too large",
            IntErrorKind::Empty => "a number is missing",
            _ => "write a whole number, in digits alone",
        }
        .to_owned();
    }
    if cause.is::<AddrParseError>() {
        return "write an address and a port, for example 127.0.0.1:7411".to_owned();
    }
    if cause.is::<Utf8Error>() || cause.is::<FromUtf8Error>() {
        return "it is not in UTF-8".to_owned();
    }
    if let Some(error) = cause.downcast_ref::<serde_json::Error>() {
        return format!(
            "it is not the JSON that is needed, line {}, column {}",
            error.line(),
            error.column()
        );
    }
    cause.to_string()
}

fn of_io(error: &io::Error) -> String {
    let words = match error.kind() {
        ErrorKind::NotFound => "there is no such file or folder",
        ErrorKind::IsADirectory => "it is a folder, and a file is needed",
        ErrorKind::NotADirectory => "a part of its path is a file, and a folder is needed",
        ErrorKind::AlreadyExists => "a file of this name exists",
        ErrorKind::PermissionDenied => {
            "permission denied; run the command as the owner, or have its mode changed"
        }
        ErrorKind::StorageFull => "the disk is full",
        ErrorKind::ReadOnlyFilesystem => "the disk is mounted read-only",
        ErrorKind::ConnectionRefused => "nothing listens there",
        ErrorKind::TimedOut => "no answer in time",
        ErrorKind::AddrInUse => "another process listens there",
        _ => return error.to_string(),
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::{Context as _, anyhow};

    fn check(error: &anyhow::Error, wanted: &str) {
        assert_eq!(of(error), wanted);
    }

    #[test]
    fn each_thing_is_said_once() {
        let nested = |inner: &'static str, outer: &'static str| anyhow!(inner).context(outer);
        check(&nested("cannot read none", "none"), "cannot read none");
        check(&nested("cannot read a: it is a folder", "cannot read a"), "cannot read a: it is a folder");
        check(&nested("at most 7", "a"), "a: at most 7");
        check(&nested("no such key", "no such key in the list"), "no such key in the list");
        check(&nested("issuer 10 is unknown", "issuer 1"), "issuer 1: issuer 10 is unknown");
        check(&nested("b", "a").context("a"), "a: b");
    }

    #[test]
    fn what_a_library_says_is_said_so_that_a_person_can_correct_it() {
        let path = |text: &str| text.to_owned();
        let read =
            |kind: ErrorKind| Err::<(), _>(io::Error::from(kind)).context("cannot read x").unwrap_err();
        for (kind, wanted) in [
            (ErrorKind::NotFound, "cannot read x: there is no such file or folder"),
            (ErrorKind::IsADirectory, "cannot read x: it is a folder, and a file is needed"),
            (ErrorKind::NotADirectory, "cannot read x: a part of its path is a file, and a folder is needed"),
            (
                ErrorKind::PermissionDenied,
                "cannot read x: permission denied; run the command as the owner, or have its mode changed",
            ),
            (ErrorKind::StorageFull, "cannot read x: the disk is full"),
        ] {
            check(&read(kind), wanted);
        }
        let number = |text: &str| path(text).parse::<u8>().context("--doses").unwrap_err();
        check(&number("x"), "--doses: write a whole number, in digits alone");
        check(&number("999"), "--doses: the number is too large");
        check(&number(""), "--doses: a number is missing");
        let address = "foo".parse::<std::net::SocketAddr>().context("listen").unwrap_err();
        check(&address, "listen: write an address and a port, for example 127.0.0.1:7411");
        let text = String::from_utf8(vec![0xff]).context("x is not text").unwrap_err();
        check(&text, "x is not text: it is not in UTF-8");
        let json = serde_json::from_str::<u8>("").context("index.json").unwrap_err();
        check(&json, "index.json: it is not the JSON that is needed, line 1, column 0");
    }
}
