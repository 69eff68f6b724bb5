//! An explanation: fields with their meaning, and what would become of it.

use std::fmt::{self, Write as _};

use hufu_client::ScannerFault;
use hufu_texts::Language;
use hufu_wire::Reason;
use serde_json::{Value, json};

use crate::term::{Paint, printable};

/// What some bytes are.
pub(crate) struct Explained {
    what: String,
    fields: Vec<Field>,
    outcome: Outcome,
}

struct Field {
    name: &'static str,
    value: String,
    meaning: String,
}

enum Outcome {
    /// Read whole, and nothing was found against it.
    Sound(String),
    /// Read, and refused for this reason.
    Refused(Reason),
    /// Not what was in front of the scanner.
    Misread(ScannerFault),
    /// Not this kind of message.
    Unreadable(String),
}

impl Explained {
    /// Nothing known yet but what it is.
    pub(super) fn new(what: impl Into<String>) -> Explained {
        Explained { what: what.into(), fields: Vec::new(), outcome: Outcome::Sound(String::new()) }
    }

    /// Bytes that are not a `what`.
    pub(super) fn unreadable(what: impl Into<String>, why: impl Into<String>) -> Explained {
        Explained { outcome: Outcome::Unreadable(why.into()), ..Explained::new(what) }
    }

    /// Adds a field.
    pub(super) fn field(
        &mut self,
        name: &'static str,
        value: impl fmt::Display,
        meaning: impl Into<String>,
    ) -> &mut Explained {
        self.fields.push(Field { name, value: printable(&format!("{value}")), meaning: meaning.into() });
        self
    }

    /// It would be refused.
    pub(super) fn refused(mut self, reason: Reason) -> Explained {
        self.outcome = Outcome::Refused(reason);
        self
    }

    /// A gate would ask no engine about it.
    pub(super) fn misread(mut self, fault: ScannerFault) -> Explained {
        self.outcome = Outcome::Misread(fault);
        self
    }

    /// It is sound as far as was looked; `note` says how far.
    pub(super) fn sound(mut self, note: impl Into<String>) -> Explained {
        self.outcome = Outcome::Sound(note.into());
        self
    }

    /// Ends with what a judgement said.
    pub(super) fn judged(self, judgement: Result<&str, Reason>) -> Explained {
        match judgement {
            Ok(note) => self.sound(note),
            Err(reason) => self.refused(reason),
        }
    }

    /// Whether it is this kind of message at all.
    pub(super) fn is_readable(&self) -> bool {
        !matches!(self.outcome, Outcome::Unreadable(_))
    }

    /// Why an engine would refuse it.
    pub(super) fn reason(&self) -> Option<Reason> {
        match self.outcome {
            Outcome::Refused(reason) => Some(reason),
            _ => None,
        }
    }

    /// Whether it would be refused.
    pub(super) fn is_refused(&self) -> bool {
        !matches!(self.outcome, Outcome::Sound(_))
    }

    /// For a person.
    pub(super) fn to_text(&self, paint: Paint) -> String {
        let mut text = format!("{}\n", paint.strong(&self.what));
        let width = |of: fn(&Field) -> usize| self.fields.iter().map(of).max().unwrap_or(0);
        let names = width(|field| field.name.chars().count());
        let values = width(|field| field.value.chars().count()).min(VALUE_CHARS_MAX);
        for Field { name, value, meaning } in &self.fields {
            let line = format!("  {name:names$}  {value:values$}  {}", paint.faint(meaning));
            let _ = writeln!(text, "{}", line.trim_end());
        }
        let _ = match &self.outcome {
            Outcome::Sound(note) if note.is_empty() => Ok(()),
            Outcome::Sound(note) => writeln!(text, "{}", paint.good(note)),
            Outcome::Refused(reason) => writeln!(
                text,
                "{} {reason} ({}): {}",
                paint.bad("would be refused:"),
                reason.code(),
                hufu_texts::reason(Language::En, *reason)
            ),
            Outcome::Misread(fault) => {
                writeln!(text, "{} {}: {fault}", paint.look("the scanner is at fault:"), fault.slug())
            }
            Outcome::Unreadable(why) => writeln!(text, "{} {why}", paint.bad("cannot be read:")),
        };
        text
    }

    /// For a program.
    pub(super) fn to_json(&self) -> Value {
        let fields: Vec<Value> = self
            .fields
            .iter()
            .map(|field| json!({ "name": field.name, "value": field.value, "meaning": field.meaning }))
            .collect();
        let (refused, note) = match &self.outcome {
            Outcome::Sound(note) => (None, note.clone()),
            Outcome::Refused(reason) => {
                (Some(reason.slug()), hufu_texts::reason(Language::En, *reason).to_owned())
            }
            Outcome::Misread(fault) => (Some(fault.slug()), fault.to_string()),
            Outcome::Unreadable(why) => (Some("unreadable"), why.clone()),
        };
        json!({ "what": self.what, "fields": fields, "refused": refused, "note": note })
    }
}

/// Longer values move their own meaning to the right and no other.
const VALUE_CHARS_MAX: usize = 40;
