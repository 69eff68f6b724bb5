//! A sentence of a language, with its arguments in it.

use std::borrow::Cow;

use crate::parts::{Key, Part, message};
use crate::{Language, format};

/// What stands in a sentence at `{ $name }`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arg<'a> {
    /// A name, a date that is already written, a file's name. It cannot turn the order of the sentence around it.
    Text(&'a str),
    /// A number, written as the language writes numbers; plural forms follow it.
    Number(i64),
}

impl<'a> From<&'a str> for Arg<'a> {
    fn from(text: &'a str) -> Arg<'a> {
        Arg::Text(text)
    }
}

impl<'a> From<&'a String> for Arg<'a> {
    fn from(text: &'a String) -> Arg<'a> {
        Arg::Text(text)
    }
}

macro_rules! numbers {
    ($($kind:ty)*) => {$(
        impl From<$kind> for Arg<'_> {
            fn from(number: $kind) -> Self {
                Arg::Number(i64::try_from(number).unwrap_or(i64::MAX))
            }
        }
    )*};
}

numbers!(i64 u64 u32 i32 u16 usize);

/// The sentence `id` in this language. `id.attribute` is an attribute of a message. What is missing in the language is said
/// in English, and an unknown id is said as itself; tests hold every id against the files.
///
/// An argument that the sentence does not name is left out; one that is not given shows as `{$name}`.
pub fn say(language: Language, id: &str, args: &[(&str, Arg<'_>)]) -> String {
    said(language, id, args).or_else(|| said(Language::En, id, args)).unwrap_or_else(|| id.to_owned())
}

/// Whether the language itself has this sentence.
pub fn has(language: Language, id: &str) -> bool {
    message(language, id).is_some()
}

fn said(language: Language, id: &str, args: &[(&str, Arg<'_>)]) -> Option<String> {
    let mut said = String::new();
    write(&mut said, language, message(language, id)?, args);
    Some(said)
}

fn write(said: &mut String, language: Language, parts: &[Part], args: &[(&str, Arg<'_>)]) {
    let given = |name: &str| args.iter().find(|&&(given, _)| given == name).map(|&(_, arg)| arg);
    for part in parts {
        match part {
            Part::Text(text) => said.push_str(text),
            Part::Argument(name) => match given(name) {
                Some(Arg::Text(text)) => said.push_str(&isolated(language, text)),
                Some(Arg::Number(number)) => said.push_str(&format::number(language, number)),
                None => said.push_str(&format!("{{${name}}}")),
            },
            Part::Choice { argument, of, default } => {
                let chosen = chosen(language, of, given(argument)).unwrap_or(&of[*default].1);
                write(said, language, chosen, args);
            }
        }
    }
}

/// The variant for this argument: of a number the one that names it, else the one of its plural category.
fn chosen<'p>(language: Language, of: &'p [(Key, Vec<Part>)], arg: Option<Arg<'_>>) -> Option<&'p Vec<Part>> {
    let find = |is: &dyn Fn(&Key) -> bool| of.iter().find(|(key, _)| is(key)).map(|(_, parts)| parts);
    let find_word = |word: &str| find(&|key| matches!(key, Key::Word(own) if *own == word));
    match arg? {
        Arg::Text(text) => find_word(text),
        Arg::Number(number) => find(&|key| matches!(key, Key::Number(own) if *own == number))
            .or_else(|| find_word(format::plural_category(language, number))),
    }
}

/// The text between marks that keep its direction to itself (FSI and PDI of UAX 9), where the direction of the sentence and
/// of the text may differ; marks of its own are taken out, so that it cannot end the isolation.
fn isolated(language: Language, text: &str) -> Cow<'_, str> {
    let is_control = |c: char| matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    let is_turning = |c: char| {
        let is_right_to_left = matches!(
            u32::from(c),
            0x0590..=0x08FF | 0x200E..=0x200F | 0xFB1D..=0xFDFF | 0xFE70..=0xFEFF | 0x10800..=0x10FFF | 0x1E800..=0x1EFFF
        );
        is_right_to_left || is_control(c)
    };
    if !language.is_right_to_left() && !text.chars().any(is_turning) {
        return Cow::Borrowed(text);
    }
    let kept: String = text.chars().filter(|&c| !is_control(c)).collect();
    Cow::Owned(format!("\u{2068}{kept}\u{2069}"))
}
