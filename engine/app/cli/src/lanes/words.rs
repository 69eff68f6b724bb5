//! The sentences of a screen, in the language of the site.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{bail, ensure};
use hufu_client::ScannerFault;
use hufu_files as files;
use hufu_files::settings::Place;
use hufu_wire::Reason;
use serde::Deserialize;

use crate::channel::ANYWHERE;

/// A language and its sentences.
pub(crate) struct Words {
    /// Its tag (BCP 47), for the page.
    pub(crate) language: String,
    sentences: BTreeMap<String, String>,
}

/// A file of sentences. A name that is left out keeps its English sentence.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WordsFile {
    language: String,
    words: BTreeMap<String, String>,
}

/// What a screen says beside reasons.
const OWN: [(&str, &str); 6] = [
    ("ready", "Show your code."),
    ("alone", "Decided without a network."),
    ("offline", "The engine does not answer. The gate stays shut."),
    ("no-scanner", "The scanner is not connected."),
    ("appeal", ANYWHERE),
    ("no-gate", "This screen has no connection to the gate."),
];

impl Words {
    /// English.
    pub(crate) fn english() -> Words {
        let own = OWN.map(|(name, says)| (name.to_owned(), says.to_owned()));
        let faults = [ScannerFault::Layout, ScannerFault::Prefix]
            .map(|fault| (fault.slug().to_owned(), fault.to_string()));
        let reasons = Reason::ALL.map(|reason| (reason.slug().to_owned(), reason.says().to_owned()));
        let sentences = own.into_iter().chain(faults).chain(reasons).collect();
        Words { language: "en".to_owned(), sentences }
    }

    /// Another language.
    ///
    /// # Errors
    /// The file cannot be read, or has a name that no screen shows.
    pub(crate) fn load(path: &Path) -> anyhow::Result<Words> {
        let text = files::read_text(path)?;
        let place = Place { text: &text, path, example: "docs/examples/gate-words-zh.toml" };
        let read: WordsFile = toml::from_str(&text).map_err(|error| place.unreadable(&error))?;
        let mut words = Words { language: read.language, ..Words::english() };
        let is_tag = words.language.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        ensure!(is_tag, "{}: language: write a tag such as zh or pt-BR", path.display());
        for (name, says) in read.words {
            match words.sentences.get_mut(&name) {
                Some(sentence) => *sentence = says,
                None => bail!("{}: {name}: unknown name; docs/PROTOCOL.md lists the reasons", path.display()),
            }
        }
        Ok(words)
    }

    /// The sentence of this name; the name itself where there is none.
    pub(crate) fn of<'w>(&'w self, name: &'w str) -> &'w str {
        self.sentences.get(name).map_or(name, String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r60_the_chinese_words_have_every_sentence_and_an_unknown_name_is_refused() {
        let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/examples");
        let chinese = Words::load(&Path::new(examples).join("gate-words-zh.toml")).unwrap();
        let english = Words::english();
        for (name, says) in &english.sentences {
            assert_ne!(chinese.of(name), says, "{name} is not in gate-words-zh.toml");
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("words.toml");
        std::fs::write(&file, "language = \"fr\"\n[words]\nclear = \"Passez.\"\nstatus-blue = \"?\"\n")
            .unwrap();
        let said = Words::load(&file).err().unwrap().to_string();
        assert!(said.contains("words.toml: status-blue: unknown name"), "{said}");
        std::fs::write(&file, "language = \"fr\"\n[words]\nclear = \"Passez.\"\n").unwrap();
        let french = Words::load(&file).unwrap();
        assert_eq!((french.of("clear"), french.of("status-red")), ("Passez.", Reason::StatusRed.says()));
    }
}
