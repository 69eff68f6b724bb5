//! The language that a person at a gate, a terminal or a door reads.

use clap::Args;
use hufu_texts::Language;
use serde::Deserialize;

use crate::words::words;

/// As an argument.
#[derive(Debug, Args)]
pub(crate) struct LanguageArgs {
    /// The language of what a person at the gate reads
    #[arg(long, value_name = "TAG", default_value = "en", value_parser = words(Language::ALL.map(Language::tag), Language::from_tag))]
    pub(crate) language: Language,
}

/// As a setting: a tag such as `zh` or `pt-BR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Spoken(pub(crate) Language);

impl TryFrom<String> for Spoken {
    type Error = String;

    fn try_from(tag: String) -> Result<Spoken, String> {
        tag.parse().map(Spoken)
    }
}
