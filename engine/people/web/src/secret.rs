//! Random values, keys of one process, and what they seal.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign, verify};
use aws_lc_rs::rand::fill;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// 32 random bytes as text of 43 characters.
///
/// # Panics
/// The operating system has no randomness: nothing may be served then.
pub(crate) fn random_text() -> String {
    URL_SAFE_NO_PAD.encode(random::<32>())
}

/// Random bytes of the operating system.
///
/// # Panics
/// The operating system has no randomness: nothing may be served then.
#[expect(clippy::expect_used, reason = "a page without randomness would have guessable sessions")]
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes).expect("the operating system has randomness");
    bytes
}

/// SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    out
}

/// A key that lives as long as the process: marks values as made here.
pub(crate) struct Marks(Key);

impl Marks {
    pub(crate) fn new() -> Marks {
        Marks(Key::new(HMAC_SHA256, &random::<32>()))
    }

    /// The mark of a value made for `purpose`; the purpose has no zero byte.
    pub(crate) fn mark(&self, purpose: &str, value: &str) -> String {
        URL_SAFE_NO_PAD.encode(sign(&self.0, &Self::input(purpose, value)))
    }

    /// Whether `mark` is the mark of `value`; takes the same time for every wrong mark of a length.
    pub(crate) fn is_mark(&self, purpose: &str, value: &str, mark: &str) -> bool {
        let Ok(mark) = URL_SAFE_NO_PAD.decode(mark) else { return false };
        verify(&self.0, &Self::input(purpose, value), &mark).is_ok()
    }

    fn input(purpose: &str, value: &str) -> Vec<u8> {
        [purpose.as_bytes(), &[0], value.as_bytes()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_counts_for_its_value_purpose_and_process_alone() {
        let marks = Marks::new();
        let mark = marks.mark("form", "value");
        assert!(marks.is_mark("form", "value", &mark));
        assert!(!marks.is_mark("form", "valu", &mark));
        assert!(!marks.is_mark("known", "value", &mark));
        assert!(!Marks::new().is_mark("form", "value", &mark));
        assert!(!marks.is_mark("form", "value", "not base64 !"));
        assert!(!marks.is_mark("form", "value", ""));
    }
}
