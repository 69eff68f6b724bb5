//! What a reason of a verdict says to a person. Read line by line: firmware has no parser of messages, and no such sentence
//! has an argument.

use hufu_wire::Reason;

use crate::Language;

/// Cells of one line of a small display; a Chinese, Japanese or Korean character takes two.
pub const CELLS: usize = 20;

/// Whether reasons are built in in this language.
pub const fn has_reasons(language: Language) -> bool {
    cfg!(feature = "languages") || matches!(language, Language::En)
}

/// One sentence, for a screen, a page or a terminal; in English where the language is not built in.
pub fn reason(language: Language, reason: Reason) -> &'static str {
    said(language, reason).next().unwrap_or(reason.slug())
}

/// Two lines of at most [`CELLS`] cells, for a small display. The second may be empty.
pub fn reason_short(language: Language, reason: Reason) -> [&'static str; 2] {
    let mut lines = said(language, reason).skip(1);
    [lines.next().unwrap_or(reason.slug()), lines.next().unwrap_or_default()]
}

/// The sentence, then the short lines.
fn said(language: Language, reason: Reason) -> impl Iterator<Item = &'static str> {
    let value =
        |line: &'static str| line.strip_prefix("reason-")?.strip_prefix(reason.slug())?.strip_prefix(" = ");
    let mut lines = file(language).lines();
    let long = lines.find_map(value);
    let short = |name: &'static str| move |line: &'static str| line.strip_prefix(name);
    let first = lines.next().and_then(short("    .first = "));
    let second = lines.next().and_then(short("    .second = "));
    long.into_iter().chain(first).chain(second)
}

/// The file of reasons.
#[cfg(feature = "pages")]
fn file(language: Language) -> &'static str {
    crate::areas::file(language, crate::Area::Reasons)
}

/// The file of reasons, without the others.
#[cfg(all(feature = "languages", not(feature = "pages")))]
fn file(language: Language) -> &'static str {
    macro_rules! files {
        ($($name:ident $tag:literal)*) => {
            match language {
                $(Language::$name => include_str!(concat!("../texts/", $tag, "/reasons.ftl")),)*
            }
        };
    }
    files!(Zh "zh" En "en" Fr "fr" De "de" Es "es" Ms "ms" Ar "ar" It "it" Pt "pt" Ru "ru" Tr "tr" Id "id" Ko "ko" Ja "ja" Th "th" Vi "vi")
}

/// English.
#[cfg(not(feature = "languages"))]
fn file(_: Language) -> &'static str {
    include_str!("../texts/en/reasons.ftl")
}
