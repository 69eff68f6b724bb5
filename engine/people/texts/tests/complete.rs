//! Each language has each message, whole.

mod common;

use std::collections::BTreeSet;

use common::{Message, messages, root};
use hufu_texts::{Area, Language};

/// The categories of CLDR's cardinal plurals that whole numbers of people, codes and days fall into.
fn categories(language: Language) -> &'static [&'static str] {
    use Language::*;
    match language {
        Zh | Ms | Id | Ko | Ja | Th | Vi => &["other"],
        // The "many" of fr, es, it and pt is for whole millions.
        En | De | Tr | Fr | Es | It | Pt => &["one", "other"],
        Ru => &["one", "few", "many", "other"],
        Ar => &["zero", "one", "two", "few", "many", "other"],
    }
}

/// What reads the same in English and in the language.
const SAME: [&str; 15] = [
    "Name",
    "Status",
    "Code",
    "Test",
    "Hufu",
    "No",
    "Person",
    "Data",
    "Excel",
    "CSV",
    "PDF",
    "OK",
    "Site",
    "QR",
    "Administrator",
];

/// Names that stay as they are in every language.
const NAMES: [&str; 16] = [
    "hufu",
    "csv",
    "pdf",
    "excel",
    "xlsx",
    "caps",
    "lock",
    "javascript",
    "wifi",
    "json",
    "http",
    "https",
    "oidc",
    "sqlite",
    "postgresql",
    "nats",
];

/// Words that no other of the sixteen languages has.
const ENGLISH: [&str; 26] = [
    "the", "this", "that", "these", "your", "and", "with", "please", "cannot", "should", "which", "from",
    "have", "does", "been", "than", "their", "there", "again", "when", "what", "will", "would", "show",
    "every", "not",
];

#[test]
fn r62_every_language_has_every_message_with_the_same_arguments() {
    for area in Area::ALL {
        let english = messages(Language::En, area);
        for language in Language::ALL {
            let own = messages(language, area);
            let ids = |messages: &std::collections::BTreeMap<String, Message>| -> BTreeSet<String> {
                // A short form may do with one line.
                messages.keys().filter(|id| !id.ends_with(".second")).cloned().collect()
            };
            let (own_ids, all_ids) = (ids(&own), ids(&english));
            let missing: Vec<_> = all_ids.difference(&own_ids).collect();
            let more: Vec<_> = own_ids.difference(&all_ids).collect();
            let name = area.name();
            assert!(
                missing.is_empty() && more.is_empty(),
                "{language} {name}: missing {missing:?}, more {more:?}"
            );
            for (id, message) in &own {
                let arguments =
                    english.get(id).map(|english| &english.arguments).cloned().unwrap_or_default();
                assert_eq!(message.arguments, arguments, "{language} {id}");
                assert_eq!(
                    message.others, 0,
                    "{language} {id}: only texts, arguments and choices of arguments"
                );
                let is_empty = message.texts.iter().all(|text| text.trim().is_empty());
                assert!(!is_empty, "{language} {id} says nothing");
            }
        }
    }
}

#[test]
fn r62_ids_are_of_one_area_and_written_alike() {
    let mut ids = BTreeSet::new();
    for area in Area::ALL {
        for id in messages(Language::En, area).into_keys() {
            let is_kebab =
                id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.');
            assert!(is_kebab, "{id}");
            assert!(ids.insert(id.clone()), "{id} stands in two areas");
        }
    }
}

#[test]
fn r62_plural_forms_are_complete_in_every_language() {
    const PLURAL: [&str; 6] = ["zero", "one", "two", "few", "many", "other"];
    let mut plurals = 0;
    for language in Language::ALL {
        let wanted: BTreeSet<&str> = categories(language).iter().copied().collect();
        for area in Area::ALL {
            let english = messages(Language::En, area);
            for (id, message) in messages(language, area) {
                for (at, keys) in message.choices.iter().enumerate() {
                    let named = keys.iter().map(String::as_str).filter(|key| !key.starts_with('='));
                    let named: BTreeSet<&str> = named.collect();
                    if named.iter().all(|key| PLURAL.contains(key)) {
                        plurals += 1;
                        assert_eq!(named, wanted, "{language} {id}: the forms of a number");
                    } else {
                        let same: BTreeSet<&str> =
                            english[&id].choices[at].iter().map(String::as_str).collect();
                        assert_eq!(named, same, "{language} {id}: the choices of a word");
                    }
                }
            }
        }
    }
    assert!(plurals >= Language::ALL.len());
}

#[test]
fn r62_no_english_shows_in_another_language() {
    let mut left = Vec::new();
    for area in Area::ALL {
        let english = messages(Language::En, area);
        for language in Language::ALL.into_iter().filter(|&language| language != Language::En) {
            use Language::*;
            let is_latin = !matches!(language, Zh | Ar | Ru | Ko | Ja | Th);
            for (id, message) in messages(language, area) {
                for text in &message.texts {
                    let text = letters(text);
                    let has_letters = text.chars().any(char::is_alphabetic);
                    let is_same = english.get(&id).is_some_and(|english| {
                        english.texts.iter().any(|said| letters(said).eq_ignore_ascii_case(text))
                    });
                    if has_letters && is_same && !SAME.contains(&text) {
                        left.push(format!("{language} {id}: {text:?} is the English text"));
                    }
                    for word in text.split(|c: char| !c.is_ascii_alphabetic() && !c.is_alphabetic()) {
                        let word = word.to_lowercase();
                        let is_ascii = word.len() > 2 && word.bytes().all(|byte| byte.is_ascii_alphabetic());
                        let is_english = ENGLISH.contains(&&*word) || !is_latin && is_ascii;
                        if is_english && !NAMES.contains(&&*word) {
                            left.push(format!("{language} {id}: {word:?}"));
                        }
                    }
                }
            }
        }
    }
    assert!(left.is_empty(), "English is left, or a name is missing in NAMES or SAME:\n{}", left.join("\n"));
}

/// Without what stands around the letters.
fn letters(text: &str) -> &str {
    text.trim_matches(|c: char| !c.is_alphabetic())
}

/// `say("id"`, `say(language, "id"` in Rust, templates and scripts.
#[test]
fn r62_every_message_that_is_asked_for_exists() {
    let known: BTreeSet<String> =
        Area::ALL.into_iter().flat_map(|area| messages(Language::En, area)).map(|m| m.0).collect();
    let mut asked = 0;
    let mut unknown = Vec::new();
    let mut folders = vec![root().join("../../people"), root().join("../../app/cli/src")];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let kind = path.extension().and_then(|kind| kind.to_str()).unwrap_or_default();
            if !["rs", "html", "mjs", "js"].contains(&kind) || path.ends_with("texts/tests/complete.rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let calls = ["say(", "say_with("].into_iter().flat_map(|call| text.split(call).skip(1));
            for arguments in calls {
                if let Some(id) = literal(arguments) {
                    asked += 1;
                    if !known.contains(id) {
                        unknown.push(format!("{}: {id}", path.display()));
                    }
                }
            }
        }
    }
    assert!(unknown.is_empty(), "no such message:\n{}", unknown.join("\n"));
    assert!(asked >= 5, "{asked}");
}

/// The first or second argument of a call, where it is a literal in kebab-case.
fn literal(arguments: &str) -> Option<&str> {
    let quoted = arguments.find(['"', '\''])?;
    let before = &arguments[..quoted];
    if before.contains([')', '(', '{', ';']) || before.matches(',').count() > 1 {
        return None;
    }
    let quote = &arguments[quoted..=quoted];
    let id = arguments[quoted + 1..].split(quote).next()?;
    let is_id = id.contains('-')
        && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.');
    is_id.then_some(id)
}
