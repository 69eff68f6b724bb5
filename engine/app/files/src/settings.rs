//! What an operator is told about a configuration that cannot be used.

use std::fmt;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::Path;

use serde::{Deserialize, Serialize};
use toml::Spanned;

/// The file, the line and the key that are wrong, what is wrong, and what to write instead.
#[derive(Debug)]
pub struct Misconfigured {
    file: String,
    line: usize,
    key: Option<String>,
    what: String,
    mend: String,
}

/// The file that is being read.
#[derive(Clone, Copy)]
pub struct Place<'t> {
    /// What stands in it.
    pub text: &'t str,
    /// Which file.
    pub path: &'t Path,
    /// The file that documents every key.
    pub example: &'static str,
}

impl Place<'_> {
    /// Refuses a number outside `range`.
    ///
    /// # Errors
    /// The value lies outside: with file, line, key and range.
    pub fn within<T>(
        self,
        key: &str,
        value: &Spanned<T>,
        range: RangeInclusive<T>,
    ) -> Result<(), Misconfigured>
    where
        T: PartialOrd + fmt::Display,
    {
        if range.contains(value.get_ref()) {
            return Ok(());
        }
        let mend = format!("write a whole number from {} to {}", range.start(), range.end());
        Err(self.misconfigured(key, value, format!("{} is out of range", value.get_ref()), &mend))
    }

    /// A fault at the value of `key`.
    pub fn misconfigured<T>(self, key: &str, value: &Spanned<T>, what: String, mend: &str) -> Misconfigured {
        let line = self.line_at(value.span().start);
        Misconfigured { file: self.file(), line, key: Some(key.to_owned()), what, mend: mend.to_owned() }
    }

    /// What serde and the TOML parser say, with the place they mean.
    pub fn unreadable(self, error: &toml::de::Error) -> Misconfigured {
        let message = error.message().trim_end();
        let at = error.span().map_or(0, |span| span.start);
        let line = self.line_at(at);
        let (key, what, mend) = if let Some(field) = quoted_after(message, "unknown field ") {
            let known = message.split_once("expected ").map_or("", |(_, known)| known);
            (Some(field.to_owned()), "there is no such key".to_owned(), mend_unknown(field, known))
        } else if let Some(field) = quoted_after(message, "missing field ") {
            (Some(field.to_owned()), "is missing".to_owned(), format!("{} describes it", self.example))
        } else {
            (
                self.key_on(line),
                message.replace('\n', ", "),
                format!("{} shows how it is written", self.example),
            )
        };
        Misconfigured { file: self.file(), line, key, what, mend }
    }

    fn file(self) -> String {
        self.path.display().to_string()
    }

    /// Where a value stands, as messages name it.
    pub fn of<T>(self, value: &Spanned<T>) -> String {
        format!("{}:{}", self.file(), self.line_at(value.span().start))
    }

    /// The line of a byte, counted from 1.
    fn line_at(self, offset: usize) -> usize {
        1 + self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
    }

    /// The key a line begins with.
    fn key_on(self, line: usize) -> Option<String> {
        let key = self.text.lines().nth(line - 1)?.split_once('=')?.0.trim();
        let bare = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        bare.then(|| key.to_owned())
    }
}

/// What stands in backquotes after `before`.
fn quoted_after<'m>(message: &'m str, before: &str) -> Option<&'m str> {
    message.split_once(before)?.1.strip_prefix('`')?.split_once('`').map(|(name, _)| name)
}

/// The nearest key, or all of them.
fn mend_unknown(written: &str, known: &str) -> String {
    let names = known.split('`').skip(1).step_by(2);
    let near =
        names.map(|name| (strsim::levenshtein(written, name), name)).min().filter(|(edits, _)| *edits <= 2);
    near.map_or_else(
        || format!("known here are {}", known.replace("one of ", "")),
        |(_, name)| format!("did you mean {name}?"),
    )
}

impl fmt::Display for Misconfigured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        if let Some(key) = &self.key {
            write!(f, "{key}: ")?;
        }
        write!(f, "{}; {}", self.what, self.mend)
    }
}

impl std::error::Error for Misconfigured {}

/// An address where something is served, or an empty text for nowhere.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Somewhere(pub Option<SocketAddr>);

impl TryFrom<String> for Somewhere {
    type Error = String;

    fn try_from(text: String) -> Result<Somewhere, String> {
        if text.is_empty() {
            return Ok(Somewhere(None));
        }
        let address = text.parse().map_err(|_| format!("{text:?} is no address and port"))?;
        Ok(Somewhere(Some(address)))
    }
}

impl From<Somewhere> for String {
    fn from(somewhere: Somewhere) -> String {
        somewhere.0.map(|address| address.to_string()).unwrap_or_default()
    }
}

/// How the lines of the log are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for collectors of logs.
    Json,
}

/// A default: a value that stands nowhere in the file.
pub fn bare<T>(value: T) -> Spanned<T> {
    Spanned::new(0..0, value)
}
