//! Addresses within this origin: where a person may be sent after signing in.

/// The path, if it stays on this origin in every browser; a form's or a link's `next` can be written by every page.
pub fn local_path(text: &str) -> Option<&str> {
    let is_local = text.starts_with('/')
        // `//host` and `/\host` are other origins (WHATWG URL).
        && !text[1..].starts_with(['/', '\\'])
        && text.len() <= 2048
        && text.bytes().all(|byte| (0x21..0x7f).contains(&byte) && byte != b'\\');
    is_local.then_some(text)
}

/// Fields of a form, in order.
pub(crate) fn fields(body: &str) -> Vec<(String, String)> {
    let plain = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
    };
    let pairs = body.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (plain(name), plain(value)))
        .collect()
}

/// One part of an address or of a form, encoded.
pub fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r61_signing_in_leads_to_no_other_origin() {
        for good in ["/", "/engines?lang=ar", "/school/list#top", "/a//b"] {
            assert_eq!(local_path(good), Some(good));
        }
        let long = format!("/{}", "a".repeat(2048));
        for bad in [
            "",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil",
            "https://evil",
            "javascript:alert(1)",
            "/\n/evil",
            "/\t/evil",
            "/a b",
            "/é",
            "evil",
            "/a\\b",
            &long,
        ] {
            assert_eq!(local_path(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn fields_of_a_form_are_read_as_browsers_write_them() {
        let read = fields("a=1+2&b=%E6%9D%8E%26&c&=x&&d=%zz");
        let is = [("a", "1 2"), ("b", "李&"), ("c", ""), ("", "x"), ("d", "%zz")];
        assert_eq!(read, is.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(fields(&format!("n={}", encoded("李 &=+%"))), [("n".to_owned(), "李 &=+%".to_owned())]);
    }
}
