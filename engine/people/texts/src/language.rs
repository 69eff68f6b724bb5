//! The sixteen languages, and how a request or a setting names one.

/// Which way a language is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From left to right.
    Ltr,
    /// From right to left.
    Rtl,
}

impl Direction {
    /// The value of HTML's `dir`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Direction::Ltr => "ltr",
            Direction::Rtl => "rtl",
        }
    }
}

macro_rules! languages {
    ($($name:ident $tag:literal $locale:literal $own:literal;)*) => {
        /// A language that every sentence exists in.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Language { $(#[doc = $own] $name,)* }

        impl Language {
            /// Every language.
            pub const ALL: [Language; [$($tag),*].len()] = [$(Language::$name),*];

            /// Its tag (BCP 47): the value of HTML's `lang`, and the name of its folder.
            pub const fn tag(self) -> &'static str {
                match self { $(Language::$name => $tag,)* }
            }

            /// The locale whose dates and numbers are written, for ICU4X and for a browser's `Intl`.
            pub const fn locale(self) -> &'static str {
                match self { $(Language::$name => $locale,)* }
            }

            /// Its name in itself, as a reader looks for it in a list.
            pub const fn own_name(self) -> &'static str {
                match self { $(Language::$name => $own,)* }
            }
        }
    };
}

languages! {
    Zh "zh" "zh-CN" "中文";
    En "en" "en-GB" "English";
    Fr "fr" "fr-FR" "Français";
    De "de" "de-DE" "Deutsch";
    Es "es" "es-ES" "Español";
    Ms "ms" "ms-MY" "Bahasa Melayu";
    Ar "ar" "ar-EG" "العربية";
    It "it" "it-IT" "Italiano";
    Pt "pt" "pt-BR" "Português";
    Ru "ru" "ru-RU" "Русский";
    Tr "tr" "tr-TR" "Türkçe";
    Id "id" "id-ID" "Bahasa Indonesia";
    Ko "ko" "ko-KR" "한국어";
    Ja "ja" "ja-JP" "日本語";
    Th "th" "th-TH" "ไทย";
    Vi "vi" "vi-VN" "Tiếng Việt";
}

/// Bytes of an `Accept-Language` header that are looked at, and ranges in it: more than any browser sends.
const HEADER_BYTES_MAX: usize = 1024;
const RANGES_MAX: usize = 32;

impl Language {
    /// The language of a tag such as `zh`, `zh-CN`, `pt_BR` or `de_DE.UTF-8`: by its first part alone, in either case.
    pub fn from_tag(tag: &str) -> Option<Language> {
        let end = tag.bytes().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(tag.len());
        let (first, rest) = tag.split_at(end);
        if !(rest.is_empty() || rest.starts_with(['-', '_', '.', '@'])) {
            return None;
        }
        // `in` is what Indonesian was called before 1989; old Java programs still send it.
        let first = if first.eq_ignore_ascii_case("in") { "id" } else { first };
        Language::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(first))
    }

    /// The best language that an `Accept-Language` header asks for (RFC 9110, 12.5.4), `None` where it names none of ours.
    pub fn accepted(header: &str) -> Option<Language> {
        let mut best: Option<(u16, Language)> = None;
        // Of a longer one the ranges that are whole among its first bytes: half of `en;q=0.9` would say something else.
        let end = match header.as_bytes().get(..HEADER_BYTES_MAX) {
            Some(first) if header.len() > HEADER_BYTES_MAX => {
                first.iter().rposition(|byte| *byte == b',').unwrap_or(0)
            }
            _ => header.len(),
        };
        let header = &header[..end];
        for range in header.split(',').take(RANGES_MAX) {
            let (tag, weight) = range.split_once(';').unwrap_or((range, ""));
            let (Some(language), Some(weight)) = (Language::from_tag(tag.trim()), weight_mille(weight))
            else {
                continue;
            };
            if weight > best.map_or(0, |(weight, _)| weight) {
                best = Some((weight, language));
            }
        }
        best.map(|(_, language)| language)
    }

    /// Which way it is written.
    pub const fn direction(self) -> Direction {
        match self {
            Language::Ar => Direction::Rtl,
            _ => Direction::Ltr,
        }
    }

    /// Whether it is written from right to left.
    pub const fn is_right_to_left(self) -> bool {
        matches!(self.direction(), Direction::Rtl)
    }
}

impl std::fmt::Display for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.tag())
    }
}

impl std::str::FromStr for Language {
    type Err = String;

    fn from_str(tag: &str) -> Result<Language, String> {
        Language::from_tag(tag).ok_or_else(|| {
            let tags: Vec<&str> = Language::ALL.iter().map(|language| language.tag()).collect();
            format!("unknown language {tag:?}; expected one of {}", tags.join(", "))
        })
    }
}

/// `q=0.8` in thousandths; 1000 where there is none, `None` where it is not a weight.
fn weight_mille(parameter: &str) -> Option<u16> {
    let parameter = parameter.trim();
    if parameter.is_empty() {
        return Some(1000);
    }
    let value = parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q="))?;
    let (whole, part) = value.split_once('.').unwrap_or((value, ""));
    if part.len() > 3 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = format!("{part:0<3}").parse::<u16>().ok()?;
    match (whole, part) {
        ("0", part) => Some(part),
        ("1", 0) => Some(1000),
        _ => None,
    }
}
