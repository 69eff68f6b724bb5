//! Codes that a keyboard has changed on their way.
//!
//! A scanner that plays a keyboard sends keys, not characters: the machine makes characters of them by its own layout,
//! and Caps Lock turns their case around. The text that comes out is no code any more, and nothing is wrong with the
//! code. It is told by what becomes of the four characters that every code begins with.

use hufu_wire::scan::CODE_PREFIX;

use super::ScannerFault;

/// A shorter text is no code that was changed: the shortest code has more than twice as many characters.
const CODE_CHARS_MIN: usize = 60;
/// How far behind the beginning a code is looked for: an identifier or a prefix may have been changed with it.
const BEFORE_CHARS_MAX: usize = 16;

/// What the keys of `HF1` give on layouts that have H or F elsewhere, in small letters.
const ELSEWHERE: [&str; 11] = [
    "ра1ж",  // Russian, Ukrainian, Belarusian
    "хф1ч",  // Serbian, Macedonian
    "хф1:",  // Bulgarian, phonetic
    "ηφ1",   // Greek
    "ㅗㄹ1", // Korean
    "็โๅซ",   // Thai
    "أ[1",   // Arabic
    "du1s",  // Dvorak
    "jy1z",  // a scanner for Dvorak
    "ht1o",  // Colemak
    "ce\"n", // Bépo
];

/// What is wrong with the keyboard, if this text looks as if a keyboard had changed it. `text` has nothing around it.
pub(super) fn fault_of(text: &[u8]) -> Option<ScannerFault> {
    if let Some(rest) = text.strip_prefix(CODE_PREFIX.as_bytes()) {
        // A layout that has these four in their places and others not, for example French of Canada.
        return (!rest.is_ascii() && rest.len() >= CODE_CHARS_MIN).then_some(ScannerFault::Layout);
    }
    let beginning = text.get(..CODE_PREFIX.len());
    if beginning.is_some_and(|beginning| beginning.eq_ignore_ascii_case(CODE_PREFIX.as_bytes())) {
        return Some(ScannerFault::Case);
    }
    let chars = || characters(text).map(narrow);
    let first: Vec<char> = chars().take(BEFORE_CHARS_MAX + CODE_PREFIX.len()).collect();
    chars().nth(CODE_CHARS_MIN)?;
    first.windows(CODE_PREFIX.len()).enumerate().find_map(|(at, four)| {
        let lower: String = four.iter().flat_map(|c| c.to_lowercase()).collect();
        if lower == "hf1:" {
            let as_they_are: String = characters(text).skip(at).take(four.len()).collect();
            return Some(match &*as_they_are {
                CODE_PREFIX => ScannerFault::Prefix,
                narrow if narrow.is_ascii() => ScannerFault::Case,
                // The wide characters of an input method.
                _ => ScannerFault::Layout,
            });
        }
        let elsewhere = ELSEWHERE.iter().any(|beginning| lower.starts_with(beginning));
        (elsewhere || is_mistyped(&lower)).then_some(ScannerFault::Layout)
    })
}

/// Whether these are H, F, what the key of 1 gives, and a sign or letter in the place of the colon. Layouts in use: 1 is
/// `&` in French, `+` in Czech, `!` from a scanner set to French, a letter in Lithuanian and Vietnamese; the colon is `ö`, `ñ`,
/// `ç`, `>` or another in most of Europe.
fn is_mistyped(lower: &str) -> bool {
    let mut chars = lower.chars();
    let (Some('h'), Some('f'), Some(one), Some(colon)) =
        (chars.next(), chars.next(), chars.next(), chars.next())
    else {
        return false;
    };
    match one {
        '1' => !colon.is_ascii_alphanumeric() && colon != ' ',
        '&' | '!' | '+' | '"' | '\'' => !colon.is_ascii_digit() && colon != ' ',
        'ą' | 'ă' | 'ĕ' => true,
        _ => false,
    }
}

/// UTF-8, or else Latin-1.
fn characters(text: &[u8]) -> Box<dyn Iterator<Item = char> + '_> {
    match str::from_utf8(text) {
        Ok(text) => Box::new(text.chars()),
        Err(_) => Box::new(text.iter().map(|byte| char::from(*byte))),
    }
}

/// Without the width that East Asian input methods give to ASCII (Unicode, Halfwidth and Fullwidth Forms).
fn narrow(c: char) -> char {
    match u32::from(c) {
        wide @ 0xff01..=0xff5e => char::from_u32(wide - 0xfee0).unwrap_or(c),
        0x3000 => ' ',
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Scanner;
    use super::super::tests::code;
    use super::*;

    /// What a layout makes of the keys: each character of the first text becomes that of the second.
    fn typed(text: &str, from: &str, to: &str) -> String {
        let to: Vec<char> = to.chars().collect();
        let key = |c: char| from.chars().position(|from| from == c).map_or(c, |at| to[at]);
        text.chars().map(key).collect()
    }

    fn check(name: &str, text: &[u8], wanted: Result<(), ScannerFault>) {
        assert_eq!(Scanner::default().text(text).map(|_| ()), wanted, "{name}");
    }

    #[test]
    fn a_code_in_small_letters_is_told_from_a_damaged_one() {
        let code = code();
        check("as it is", code.as_bytes(), Ok(()));
        check("Caps Lock", code.to_lowercase().as_bytes(), Err(ScannerFault::Case));
        check(
            "with an identifier",
            format!("]q1{}", code.to_lowercase()).as_bytes(),
            Err(ScannerFault::Case),
        );
        check("with a prefix", format!("gate-7 {}", code.to_lowercase()).as_bytes(), Err(ScannerFault::Case));
        check("short", b"hf1:abc", Err(ScannerFault::Case));
        check("damaged inside", code.replace('B', "b").as_bytes(), Ok(()));
        check("a text in small letters", "hello ".repeat(30).as_bytes(), Ok(()));
    }

    #[test]
    fn a_code_on_a_foreign_keyboard_is_told_and_never_changed_back() {
        let code = code();
        let keys = "YZ:*+-/";
        for (name, from, to) in [
            ("German", keys, "ZYÖ(`ß-"),
            ("Spanish", keys, "YZÑ(¿'-"),
            ("Italian", keys, "YZç(^'-"),
            ("Swedish", keys, "YZÖ(`+-"),
            ("Turkish", keys, "YZŞ(-*."),
            ("Hungarian", keys, "ZYÉ(Óü-"),
            ("French", "1234567890AQZWM:*+-/.$%", "&é\"'(-è_çàQAWZ?M8+)!:45"),
            ("Czech", "1234567890YZ:*+-/", "+ěščřžýáíéZY\"*ˇ=-"),
            ("Russian", "HF:ABCMOPX", "РАЖФИСЬЩЗЧ"),
            ("Greek", "HF:", "ΗΦ¨"),
            ("Dvorak", "HF:BOX", "DUSXRQ"),
            ("a scanner set to German", keys, "ZY>}]/&"),
            ("a scanner set to French", "1:0", "!.)"),
            ("an input method", ":", "："),
            ("French of Canada", "/", "é"),
        ] {
            let text = typed(&code, from, to);
            check(name, text.as_bytes(), Err(ScannerFault::Layout));
            assert!(
                Scanner::default().text(text.to_lowercase().as_bytes()).is_err(),
                "{name}, with Caps Lock"
            );
            if let Some(bytes) = text.chars().map(|c| u8::try_from(c).ok()).collect::<Option<Vec<_>>>() {
                check(name, &bytes, Err(ScannerFault::Layout));
            }
        }
        let wide: String = code.chars().map(|c| char::from_u32(u32::from(c) + 0xfee0).unwrap_or(c)).collect();
        check("full width", wide.as_bytes(), Err(ScannerFault::Layout));
        check(
            "an identifier with it",
            format!("+Q1{}", typed(&code, keys, "ZYÖ(`ß-")).as_bytes(),
            Err(ScannerFault::Layout),
        );
    }

    #[test]
    fn what_is_no_code_stays_what_it_is() {
        check("a prefix that is not set", format!("GATE 7 {}", code()).as_bytes(), Err(ScannerFault::Prefix));
        for text in [
            format!("https://example.org/{}", "a".repeat(100)),
            format!("HF12345{}", "6".repeat(100)),
            format!("HF1 4567{}", "6".repeat(100)),
            format!("HC1:{}", "6BF".repeat(60)),
            "HF1>".to_owned(),
            format!("HF1>{}", "6".repeat(30)),
            "ра1ж".to_owned(),
            String::new(),
        ] {
            check("no code", text.as_bytes(), Ok(()));
        }
    }
}
