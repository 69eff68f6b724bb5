//! What a scanner, a camera or a person gave, and the text in it that is presented to an engine (CODES, "Text").

mod keyboard;
mod scans;

pub use scans::{SCAN_BYTES_MAX, Scans};

/// What a scanner was set up to add around each code. By default it adds nothing of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scanner {
    prefix: String,
    suffix: String,
}

/// Why what a scanner gave is not what was in front of it. The people at the gate correct it: the holder's code may be
/// good, and no engine is asked about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScannerFault {
    /// Capital letters arrive as small ones.
    #[error(
        "The scanner's keyboard layout or Caps Lock is wrong: capital letters arrive as small ones. Turn Caps Lock off, \
         set the scanner to leave upper and lower case as they are, and scan again."
    )]
    Case,
    /// The scanner types for another keyboard than this machine has.
    #[error(
        "The scanner's keyboard layout or Caps Lock is wrong: the signs of a code arrive as other ones. Set the scanner \
         and this machine to the same keyboard layout, switch input methods off, and scan again."
    )]
    Layout,
    /// The scanner adds something that it is not known to add.
    #[error(
        "The scanner adds characters before the code. Set the scanner to add nothing, or write what it adds into \
         gate.toml as scanner_prefix, and scan again."
    )]
    Prefix,
}

impl ScannerFault {
    /// The name in logs and JSON.
    pub const fn slug(self) -> &'static str {
        match self {
            ScannerFault::Case | ScannerFault::Layout => "scanner-keyboard",
            ScannerFault::Prefix => "scanner-prefix",
        }
    }
}

impl Scanner {
    /// A scanner that adds these texts before and after each code.
    pub fn new(prefix: &str, suffix: &str) -> Scanner {
        // Blanks and control characters around a code are taken off in any case.
        let text = |added: &str| added.trim_matches(is_around).to_owned();
        Scanner { prefix: text(prefix), suffix: text(suffix) }
    }

    /// The text that is presented, without what stands around it: blanks and control characters (STX, NUL, ...),
    /// a byte order mark, the scanner's own prefix and suffix, and an AIM identifier such as `]Q1`. What stands inside
    /// a text stays as it is, and so does a text that is no code: an engine judges it.
    ///
    /// # Errors
    /// [`ScannerFault`] for a text that is a code's, changed by a keyboard. It is never changed back: what a gate asks
    /// about is what was read.
    pub fn text<'g>(&self, given: &'g [u8]) -> Result<&'g [u8], ScannerFault> {
        let mut text = trimmed(given);
        text = text.strip_prefix(self.prefix.as_bytes()).unwrap_or(text);
        text = text.strip_suffix(self.suffix.as_bytes()).unwrap_or(text);
        text = trimmed(without_identifier(trimmed(text)));
        match keyboard::fault_of(text) {
            Some(fault) => Err(fault),
            None => Ok(text),
        }
    }
}

/// No code begins or ends in what is taken off: it begins with `HF1:`, and its last base45 digit is below 33.
fn trimmed(text: &[u8]) -> &[u8] {
    if let Ok(text) = str::from_utf8(text) {
        return text.trim_matches(is_around).as_bytes();
    }
    // Latin-1, from a serial line.
    let around = |byte: &u8| is_around(char::from(*byte));
    let begin = text.iter().position(|byte| !around(byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !around(byte)).map_or(begin, |last| last + 1);
    &text[begin..end]
}

/// Blanks of every kind, control characters, and what has no width: U+200B to U+200F, joiners, byte order marks.
fn is_around(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Without the symbology identifier that a scanner may send first (ISO/IEC 15424, once AIM's): `]`, the symbology's letter and a
/// modifier, `]Q0` to `]Q6` for QR; and without the character set that follows it in some modes, `\000026`.
fn without_identifier(text: &[u8]) -> &[u8] {
    let [b']', symbology, modifier, rest @ ..] = text else { return text };
    if !symbology.is_ascii_alphabetic() || !modifier.is_ascii_alphanumeric() {
        return text;
    }
    match rest {
        [b'\\', set @ ..] if set.len() >= 6 && set[..6].iter().all(u8::is_ascii_digit) => &set[6..],
        _ => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As long as a paper code, in its alphabet and with every character of it that keyboards change.
    pub(super) fn code() -> String {
        format!("HF1:{}", "6BFOXN*TS0BI$ZD.P7 +%-/YZQWM:A".repeat(6))
    }

    fn check(scanner: &Scanner, given: &[u8], wanted: &str) {
        assert_eq!(scanner.text(given), Ok(wanted.as_bytes()), "{:?}", String::from_utf8_lossy(given));
    }

    #[test]
    fn what_a_scanner_adds_is_taken_off_and_nothing_else() {
        let (code, plain) = (code(), Scanner::default());
        for (before, after) in [
            ("", ""),
            (" ", " \t"),
            ("\r\n", "\r\n"),
            ("\u{2}", "\u{3}"),
            ("\0", "\0\0"),
            ("\u{feff}", "\n"),
            ("\u{a0}", "\u{a0}"),
            ("\u{200b}\u{3000}", "\u{2028}"),
            ("]Q1", "\r"),
            ("\u{2}]Q0", "\u{3}\r\n"),
            ("]Q6 ", ""),
            ("]Q2\\000026", ""),
            ("]d2", ""),
        ] {
            check(&plain, format!("{before}{code}{after}").as_bytes(), &code);
        }
        // Latin-1.
        check(&plain, &[b"\xa0", code.as_bytes(), b"\xa0"].concat(), &code);
        for text in
            ["https://example.org/", "]", "]Q", "]]1", "HF1:ab", "HF1: A\u{a0}B", "HC1:6BF", "12345678"]
        {
            if text.is_ascii() {
                check(&plain, text.as_bytes(), text);
            }
        }
        check(&plain, b" \0\r\n", "");
    }

    #[test]
    fn a_prefix_and_a_suffix_that_were_set_are_taken_off() {
        let code = code();
        let scanner = Scanner::new("\u{2}GATE-7 ", " END\r");
        for (before, after) in
            [("GATE-7 ", " END"), ("\u{2}GATE-7 ", " END\r\n"), ("", ""), ("GATE-7]Q1", "END")]
        {
            check(&scanner, format!("{before}{code}{after}").as_bytes(), &code);
        }
        let nothing = Scanner::new("\u{2}", "\u{3}");
        check(&nothing, format!("\u{2}{code}\u{3}").as_bytes(), &code);
    }
}
