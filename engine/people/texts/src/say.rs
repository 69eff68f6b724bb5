//! A sentence of a language, with its arguments in it.

use std::borrow::Cow;
use std::sync::OnceLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::memoizer::MemoizerKind;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use intl_memoizer::Memoizable;
use unic_langid::LanguageIdentifier;

use crate::areas::file;
use crate::{Area, Language, format};

/// What stands in a sentence at `{ $name }`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arg<'a> {
    /// A name, a date that is already written, a file's name. It cannot turn the order of the sentence around it.
    Text(&'a str),
    /// A number, written as the language writes numbers; plural forms follow it. Exact below 2^53.
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
    said(language, id, &[]).is_some()
}

fn said(language: Language, id: &str, args: &[(&str, Arg<'_>)]) -> Option<String> {
    let bundle = bundle(language);
    let (id, attribute) = id.split_once('.').map_or((id, None), |(id, attribute)| (id, Some(attribute)));
    let message = bundle.get_message(id)?;
    let pattern = match attribute {
        Some(attribute) => message.get_attribute(attribute)?.value(),
        None => message.value()?,
    };
    let args: FluentArgs<'_> = args
        .iter()
        .map(|&(name, arg)| {
            let value = match arg {
                Arg::Text(text) => FluentValue::String(isolated(language, text)),
                #[expect(clippy::cast_precision_loss, reason = "documented at Arg::Number")]
                Arg::Number(number) => FluentValue::from(number as f64),
            };
            (name, value)
        })
        .collect();
    Some(bundle.format_pattern(pattern, Some(&args), &mut Vec::new()).into_owned())
}

/// Made once for each language that something is said in.
fn bundle(language: Language) -> &'static FluentBundle<FluentResource> {
    static BUNDLES: [OnceLock<FluentBundle<FluentResource>>; Language::ALL.len()] =
        [const { OnceLock::new() }; Language::ALL.len()];
    BUNDLES[language as usize].get_or_init(|| {
        let tag = language.tag().parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![tag]);
        // Arguments are isolated by `isolated`, and only where it changes something.
        bundle.set_use_isolating(false);
        bundle.set_formatter(Some(numerals));
        for area in Area::ALL {
            // A test reads every file without an error.
            let resource =
                FluentResource::try_new(file(language, area).to_owned()).unwrap_or_else(|(read, _)| read);
            let _ = bundle.add_resource(resource);
        }
        bundle
    })
}

/// The language of a bundle, as its memoizer hands it to a formatter.
struct Numerals(Language);

impl Memoizable for Numerals {
    type Args = ();
    type Error = ();

    fn construct(tag: LanguageIdentifier, (): ()) -> Result<Numerals, ()> {
        Language::from_tag(tag.language.as_str()).map(Numerals).ok_or(())
    }
}

/// Numbers in a sentence, in the numerals of its language.
fn numerals<M: MemoizerKind>(value: &FluentValue<'_>, memoizer: &M) -> Option<String> {
    let FluentValue::Number(number) = value else {
        return None;
    };
    #[expect(clippy::cast_possible_truncation, reason = "it came from an i64")]
    let number = number.value as i64;
    memoizer.with_try_get_threadsafe::<Numerals, _, _>((), |numerals| format::number(numerals.0, number)).ok()
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
