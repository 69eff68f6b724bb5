//! The sentences of a screen in one language, some of them the site's own.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{bail, ensure};
use hufu_files as files;
use hufu_files::settings::Place;
use hufu_texts::{Language, has, say};
use hufu_wire::Reason;
use serde::Deserialize;

/// A language and its sentences.
pub(crate) struct Words {
    /// Its tag (BCP 47), for the page.
    pub(crate) tag: String,
    /// What a sentence is in that the site has not written.
    pub(crate) language: Language,
    own: BTreeMap<String, String>,
}

/// A file of a site's own sentences.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WordsFile {
    language: String,
    words: BTreeMap<String, String>,
}

impl Words {
    /// The languages of a screen, English where none is named. A file of the site's own sentences is for one of them, or
    /// names the only one.
    ///
    /// # Errors
    /// The file cannot be read, or has a name that no screen shows, or is in a language that is not among them.
    pub(crate) fn all(languages: &[Language], own: Option<&Path>) -> anyhow::Result<Vec<Words>> {
        let mut all: Vec<Words> = languages.iter().copied().map(Words::of).collect();
        if let Some(path) = own {
            let own = Words::load(path)?;
            let known = all.iter().position(|words| Language::from_tag(&own.tag) == Some(words.language));
            match known {
                Some(known) => all[known] = own,
                None if all.is_empty() => all.push(own),
                None => bail!(
                    "{}: language: {} is not among `languages` of gate.toml; name it there, or leave `languages` out",
                    path.display(),
                    own.tag
                ),
            }
        }
        if all.is_empty() {
            all.push(Words::of(Language::En));
        }
        Ok(all)
    }

    fn of(language: Language) -> Words {
        Words { tag: language.tag().to_owned(), language, own: BTreeMap::new() }
    }

    fn load(path: &Path) -> anyhow::Result<Words> {
        let text = files::read_text(path)?;
        let place = Place { text: &text, path, example: "docs/examples/gate-words.toml" };
        let WordsFile { language: tag, words: own } =
            toml::from_str(&text).map_err(|error| place.unreadable(&error))?;
        let is_tag = tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        ensure!(is_tag, "{}: language: write a tag such as zh or pt-BR", path.display());
        if let Some(name) = own.keys().find(|name| id(name).is_none()) {
            bail!("{}: {name}: unknown name; docs/GATES.md lists them", path.display());
        }
        Ok(Words { language: Language::from_tag(&tag).unwrap_or(Language::En), tag, own })
    }

    /// The sentence of this name: a reason, or what a gate says beside reasons. The name itself where there is none.
    pub(crate) fn get(&self, name: &str) -> String {
        let built_in = || id(name).map_or_else(|| name.to_owned(), |id| say(self.language, &id, &[]));
        self.own.get(name).cloned().unwrap_or_else(built_in)
    }
}

/// The message of a name that a file of words may have.
fn id(name: &str) -> Option<String> {
    /// What a screen says beside reasons.
    const BESIDE: [&str; 8] = [
        "ready",
        "alone",
        "offline",
        "no-scanner",
        "appeal",
        "no-gate",
        "scanner-keyboard",
        "scanner-prefix",
    ];
    let id = if BESIDE.contains(&name) {
        format!("gate-{name}")
    } else {
        Reason::ALL
            .into_iter()
            .find(|reason| reason.slug() == name)
            .map(|reason| format!("reason-{reason}"))?
    };
    has(Language::En, &id).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r60_a_site_writes_its_own_sentences_and_an_unknown_name_is_refused() {
        let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/examples");
        let own = Path::new(examples).join("gate-words.toml");
        let [chinese] = &Words::all(&[], Some(&own)).unwrap()[..] else {
            unreachable!("the file's language")
        };
        assert_eq!((&*chinese.tag, &*chinese.get("ready")), ("zh-CN", "请出示健康码"));
        assert_eq!(chinese.get("test-too-old"), hufu_texts::reason(Language::Zh, Reason::TestTooOld));
        assert_eq!(chinese.get("scanner-prefix"), say(Language::Zh, "gate-scanner-prefix", &[]));

        let both = Words::all(&[Language::En, Language::Zh], Some(&own)).unwrap();
        assert_eq!((&*both[0].get("ready"), &*both[1].get("ready")), ("Show your code.", "请出示健康码"));
        let said = Words::all(&[Language::Fr], Some(&own)).err().unwrap().to_string();
        assert!(said.contains("zh-CN is not among `languages`"), "{said}");

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("words.toml");
        std::fs::write(&file, "language = \"fr\"\n[words]\nclear = \"Passez.\"\nstatus-blue = \"?\"\n")
            .unwrap();
        let said = Words::all(&[], Some(&file)).err().unwrap().to_string();
        assert!(said.contains("words.toml: status-blue: unknown name"), "{said}");
    }
}
