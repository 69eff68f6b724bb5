//! What an operator is told about a configuration that cannot be used.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::Path;

use toml::Spanned;

/// The file, the line and the key that are wrong, what is wrong, and what to write instead.
#[derive(Debug)]
pub(crate) struct Misconfigured {
    file: String,
    line: usize,
    key: Option<String>,
    what: String,
    mend: String,
}

/// The file that is being read.
#[derive(Clone, Copy)]
pub(crate) struct Place<'t> {
    pub(crate) text: &'t str,
    pub(crate) path: &'t Path,
    /// The file that documents every key.
    pub(crate) example: &'static str,
}

impl Place<'_> {
    /// Refuses a number outside `range`.
    pub(crate) fn within<T>(
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
    pub(crate) fn misconfigured<T>(
        self,
        key: &str,
        value: &Spanned<T>,
        what: String,
        mend: &str,
    ) -> Misconfigured {
        let line = self.line_at(value.span().start);
        Misconfigured { file: self.file(), line, key: Some(key.to_owned()), what, mend: mend.to_owned() }
    }

    /// What serde and the TOML parser say, with the place they mean.
    pub(crate) fn unreadable(self, error: &toml::de::Error) -> Misconfigured {
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
    pub(crate) fn of<T>(self, value: &Spanned<T>) -> String {
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
    let near = names.map(|name| (edits(written, name), name)).min().filter(|(edits, _)| *edits <= 2);
    near.map_or_else(
        || format!("known here are {}", known.replace("one of ", "")),
        |(_, name)| format!("did you mean {name}?"),
    )
}

/// Insertions, deletions and replacements between two short words (Levenshtein 1966).
fn edits(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.bytes().take(64).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.bytes().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
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
