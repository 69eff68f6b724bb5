//! The byte order mark that some editors put before a text (Unicode section 23.8).

/// UTF-8's mark.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// The text of a file that a person made: PEM, a token, JSON, a list. A byte order mark in front says nothing and is
/// passed over; readers that see it miss the first line, and with it the first certificate of a chain. Not for files that
/// may begin with any bytes.
pub fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(MARK).unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mark_in_front_is_passed_over_and_nothing_else() {
        for (bytes, wanted) in [
            ("\u{feff}text", "text"),
            ("text", "text"),
            ("", ""),
            ("\u{feff}", ""),
            ("te\u{feff}xt", "te\u{feff}xt"),
            ("\u{feff}\u{feff}text", "\u{feff}text"),
        ] {
            assert_eq!(without_bom(bytes.as_bytes()), wanted.as_bytes());
        }
    }
}
