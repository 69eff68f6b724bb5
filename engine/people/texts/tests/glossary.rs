//! A thing has one name in each language.

mod common;

use std::collections::BTreeMap;

use common::{messages, root};
use hufu_texts::{Area, Language};

type Terms = BTreeMap<String, BTreeMap<String, String>>;

fn terms() -> Terms {
    toml::from_str(&std::fs::read_to_string(root().join("glossary.toml")).unwrap()).unwrap()
}

#[test]
fn r62_every_term_has_a_word_in_every_language() {
    let terms = terms();
    assert!(terms.len() >= 20);
    for (name, term) in &terms {
        for language in Language::ALL {
            assert!(term.get(language.tag()).is_some_and(|stems| !stems.is_empty()), "{name}: {language}");
        }
    }
}

#[test]
fn r62_a_message_calls_a_thing_by_its_term_in_every_language() {
    let mut held = 0;
    let mut wrong = Vec::new();
    for (name, term) in terms() {
        let except: Vec<&str> = term.get("except").map(|ids| ids.split('|').collect()).unwrap_or_default();
        for area in Area::ALL {
            let english = messages(Language::En, area);
            // Short forms may leave the term out.
            let with = english.iter().filter(|(id, message)| {
                let text = message.texts.concat().to_lowercase();
                !id.contains('.')
                    && !except.contains(&id.as_str())
                    && stems(&term, Language::En).any(|word| has_word(&text, word))
            });
            for (id, _) in with {
                for language in Language::ALL.into_iter().filter(|&language| language != Language::En) {
                    let text = messages(language, area)[id].texts.concat();
                    held += 1;
                    if !stems(&term, language).any(|stem| text.to_lowercase().contains(&stem.to_lowercase()))
                    {
                        wrong.push(format!("{language} {id}: {name} is {}: {text}", term[language.tag()]));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "other words than glossary.toml has:\n{}", wrong.join("\n"));
    assert!(held > 1000, "{held}");
}

fn stems<'t>(term: &'t BTreeMap<String, String>, language: Language) -> impl Iterator<Item = &'t str> {
    term[language.tag()].split('|')
}

/// Whether `word` stands in `text` between what are no letters.
fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric());
        !is_letter(text[..at].chars().next_back()) && !is_letter(text[at + word.len()..].chars().next())
    })
}
