//! Typed access to one TOML table, where every refusal knows its line and its key.

use core::ops::RangeInclusive;

use hufu_wire::UnixSeconds;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::keys::{self, Key};
use crate::limits;
use crate::misconfigured::Misconfigured;
use crate::read::moment::unix_seconds;

/// A whole policy file.
#[derive(Clone, Copy)]
pub(super) struct Document<'t> {
    pub(super) text: &'t str,
    pub(super) file: &'t str,
}

/// One `[[site]]` table, from which keys are taken.
pub(super) struct Table<'t> {
    at: usize,
    entries: DeTable<'t>,
}

/// A value of a key that was in the table.
pub(super) struct Entry<'t> {
    key: &'static Key,
    at: usize,
    value: DeValue<'t>,
}

/// What is wrong, and at which byte of the file. Lines are counted only when somebody is told.
pub(super) struct Fault {
    at: usize,
    key: Option<String>,
    what: String,
    mend: String,
}

impl<'t> Document<'t> {
    /// The `[[site]]` tables; anything else at the top of the file is a fault.
    pub(super) fn site_tables(self) -> Result<Vec<Table<'t>>, Fault> {
        let top = DeTable::parse(self.text).map_err(|error| self.syntax(&error))?.into_inner();
        let mut sites = None;
        for (key, value) in in_order(top) {
            if key.get_ref() != "site" {
                let mend = "a policy file holds [[site]] tables: move this below one of them, or remove it";
                return Err(Fault::new(key.span().start, key.get_ref(), "is outside every site", mend));
            }
            sites = Some(value);
        }
        let none = |at| Fault::new(at, "site", "there is no site", "write at least one [[site]] table");
        let sites = sites.ok_or_else(|| none(0))?;
        let at = sites.span().start;
        let no_list = |at| {
            Fault::new(
                at,
                "site",
                "is not a list of tables",
                "write [[site]], in double brackets, above each site",
            )
        };
        let DeValue::Array(tables) = sites.into_inner() else { return Err(no_list(at)) };
        if tables.is_empty() {
            return Err(none(at));
        }
        if tables.len() > limits::SITES_MAX {
            let what = format!("{} sites are more than {}", tables.len(), limits::SITES_MAX);
            return Err(Fault::new(at, "site", what, "give each engine only the sites it serves"));
        }
        let table = |value: Spanned<DeValue<'t>>| match (value.span().start, value.into_inner()) {
            (at, DeValue::Table(entries)) => Ok(Table { at, entries }),
            (at, _) => Err(no_list(at)),
        };
        tables.into_iter().map(table).collect()
    }

    /// The line of the byte at `offset`, counted from 1.
    pub(super) fn line_at(self, offset: usize) -> usize {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        before.split(|byte| *byte == b'\n').count()
    }

    /// The fault as the operator reads it.
    pub(super) fn misconfigured(self, fault: Fault) -> Misconfigured {
        Misconfigured {
            file: self.file.to_owned(),
            line: self.line_at(fault.at),
            key: fault.key,
            what: fault.what,
            mend: fault.mend,
        }
    }

    fn syntax(self, error: &toml::de::Error) -> Fault {
        let at = error.span().map_or(0, |span| span.start);
        let key = self.key_on_line_of(at).map(str::to_owned);
        let mend =
            "write [[site]] above each site, and below it one key = value a line, text in double quotes";
        Fault { at, key, what: format!("is not TOML ({})", error.message()), mend: mend.to_owned() }
    }

    /// The bare key that begins the line of `offset`, if one does.
    fn key_on_line_of(self, offset: usize) -> Option<&'t str> {
        let (key, _) = self.text.lines().nth(self.line_at(offset) - 1)?.split_once('=')?;
        let key = key.trim();
        let bare = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        bare.then_some(key)
    }
}

impl<'t> Table<'t> {
    /// Takes `key` out of the table.
    pub(super) fn take(&mut self, key: &'static Key) -> Option<Entry<'t>> {
        let value = self.entries.remove(key.name)?;
        Some(Entry { key, at: value.span().start, value: value.into_inner() })
    }

    /// Takes `key`, which every site must have.
    pub(super) fn required(&mut self, key: &'static Key) -> Result<Entry<'t>, Fault> {
        self.take(key).ok_or_else(|| Fault::new(self.at, key.name, "is missing", "every site needs it"))
    }

    /// Where `key` is written, or the table when it is not.
    pub(super) fn offset_of(&self, key: &Key) -> usize {
        self.entries.get_key_value(key.name).map_or(self.at, |(written, _)| written.span().start)
    }

    /// Refuses whatever was not taken.
    pub(super) fn finish(self) -> Result<(), Fault> {
        let Some((key, _)) = in_order(self.entries).into_iter().next() else { return Ok(()) };
        let mend = keys::nearest(key.get_ref()).map_or_else(
            || "remove it, or see docs/POLICY.md for every key".to_owned(),
            |near| format!("did you mean {near}?"),
        );
        Err(Fault::new(key.span().start, key.get_ref(), "there is no such key", mend))
    }
}

/// The entries in the order of the file, so that the first fault told is the first one a reader meets.
fn in_order(entries: DeTable<'_>) -> Vec<(Spanned<DeString<'_>>, Spanned<DeValue<'_>>)> {
    let mut entries: Vec<_> = entries.into_iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

impl Entry<'_> {
    /// An id of 32 bits.
    pub(super) fn id(&self) -> Result<u32, Fault> {
        self.number(&(0..=u32::MAX.into()))
    }

    /// A whole number in `range`, which fits `T`.
    pub(super) fn number<T: TryFrom<u64>>(&self, range: &RangeInclusive<u64>) -> Result<T, Fault> {
        let mend = format!("write a whole number from {} to {}", range.start(), range.end());
        let DeValue::Integer(written) = &self.value else { return Err(self.not_a("a number", mend)) };
        u64::from_str_radix(written.as_str(), written.radix())
            .ok()
            .filter(|number| range.contains(number))
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| self.fault(format!("{} is out of range", brief(&written.to_string())), mend))
    }

    /// A moment: a date and a time with their zone, without quotes.
    pub(super) fn moment(&self) -> Result<UnixSeconds, Fault> {
        let mend = "write a date and a time with their zone, without quotes: 2026-11-30T18:00:00+08:00";
        let DeValue::Datetime(written) = &self.value else { return Err(self.not_a("a date and time", mend)) };
        unix_seconds(written)
            .map(UnixSeconds)
            .ok_or_else(|| self.fault(format!("{written} is no moment"), mend))
    }

    /// One line of text, neither empty nor too long.
    pub(super) fn text(&self) -> Result<String, Fault> {
        let mend = format!("write 1 to {} characters on one line, in double quotes", limits::TEXT_CHARS_MAX);
        let DeValue::String(text) = &self.value else { return Err(self.not_a("text", mend)) };
        let what = if text.trim().is_empty() {
            "is empty"
        } else if text.chars().count() > limits::TEXT_CHARS_MAX {
            "is too long"
        } else if text.chars().any(hufu_wire::text::is_hidden) {
            "has a line break, a control character or an invisible character in it"
        } else {
            return Ok(text.clone().into_owned());
        };
        Err(self.fault(what, mend))
    }

    /// `true` or `false`.
    pub(super) fn flag(&self) -> Result<bool, Fault> {
        let DeValue::Boolean(flag) = self.value else {
            return Err(self.not_a("true or false", "write true or false, without quotes"));
        };
        Ok(flag)
    }

    /// One of `words`.
    pub(super) fn word<T: Copy>(&self, words: &'static [(&'static str, T)]) -> Result<T, Fault> {
        let mend = || format!("write {}", one_of(words));
        let DeValue::String(written) = &self.value else { return Err(self.not_a("a word", mend())) };
        if let Some((_, meaning)) = words.iter().find(|(word, _)| word == written) {
            return Ok(*meaning);
        }
        let what = format!("\"{}\" has no meaning here", brief(written));
        let near = keys::nearest_of(written, words.iter().map(|(word, _)| *word));
        Err(self.fault(what, near.map_or_else(mend, |near| format!("did you mean \"{near}\"?"))))
    }

    /// Whether this is text rather than a list.
    pub(super) fn is_text(&self) -> bool {
        matches!(self.value, DeValue::String(_))
    }

    /// The members of a list, each read by `read`, none written twice.
    pub(super) fn list<T: PartialEq>(
        self,
        read: impl Fn(&Entry<'_>) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        let Entry { key, at, value: DeValue::Array(members) } = self else {
            return Err(self.not_a("a list", "write it in square brackets, with commas between its members"));
        };
        if members.len() > limits::LIST_MAX {
            let mend = format!("write at most {}", limits::LIST_MAX);
            return Err(Fault::new(at, key.name, format!("has {} members", members.len()), mend));
        }
        let mut list = Vec::with_capacity(members.len());
        for member in members {
            let entry = Entry { key, at: member.span().start, value: member.into_inner() };
            let member = read(&entry)?;
            if list.contains(&member) {
                return Err(entry.fault("names the same thing twice", "once is enough"));
            }
            list.push(member);
        }
        Ok(list)
    }

    /// Something wrong with this value.
    pub(super) fn fault(&self, what: impl Into<String>, mend: impl Into<String>) -> Fault {
        Fault::new(self.at, self.key.name, what, mend)
    }

    fn not_a(&self, wanted: &str, mend: impl Into<String>) -> Fault {
        let found = match &self.value {
            DeValue::String(_) => "text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number with a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.fault(format!("{found} stands where {wanted} belongs"), mend)
    }
}

impl Fault {
    /// A fault of `key` at byte `at`.
    pub(super) fn new(at: usize, key: &str, what: impl Into<String>, mend: impl Into<String>) -> Fault {
        Fault { at, key: Some(brief(key)), what: what.into(), mend: mend.into() }
    }
}

/// `"a", "b" or "c"`.
fn one_of<T>(words: &[(&str, T)]) -> String {
    let quoted: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

/// What an operator wrote, fit for one line of an error.
fn brief(written: &str) -> String {
    const CHARS_MAX: usize = 40;
    let mut brief: String = written.chars().take(CHARS_MAX).flat_map(char::escape_debug).collect();
    if written.chars().nth(CHARS_MAX).is_some() {
        brief.push('…');
    }
    brief
}
