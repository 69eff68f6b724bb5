//! Random values, keys of one process, and what they seal.

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
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

/// Keys that live as long as the process: mark values as made here, and seal what a browser is to bring back.
pub(crate) struct Marks {
    marks: Key,
    seals: RandomizedNonceKey,
}

/// Bytes of a nonce before what it sealed.
const NONCE_BYTES: usize = 12;

impl Marks {
    /// # Panics
    /// The operating system has no randomness.
    #[expect(clippy::expect_used, reason = "32 bytes are a key of this algorithm")]
    pub(crate) fn new() -> Marks {
        let seals = RandomizedNonceKey::new(&AES_256_GCM, &random::<32>()).expect("32 bytes");
        Marks { marks: Key::new(HMAC_SHA256, &random::<32>()), seals }
    }

    /// What a browser keeps and cannot read or change; empty where it cannot be sealed.
    pub(crate) fn seal(&self, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        match self.seals.seal_in_place_append_tag(Aad::empty(), &mut bytes) {
            Ok(nonce) => URL_SAFE_NO_PAD.encode([nonce.as_ref(), bytes.as_slice()].concat()),
            Err(_) => String::new(),
        }
    }

    /// What was sealed here.
    pub(crate) fn open(&self, sealed: &str) -> Option<String> {
        let mut bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, rest) = bytes.split_at_mut_checked(NONCE_BYTES)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let opened = self.seals.open_in_place(nonce, Aad::empty(), rest).ok()?;
        String::from_utf8(opened.to_vec()).ok()
    }

    /// The mark of a value made for `purpose`; the purpose has no zero byte.
    pub(crate) fn mark(&self, purpose: &str, value: &str) -> String {
        URL_SAFE_NO_PAD.encode(sign(&self.marks, &Self::input(purpose, value)))
    }

    /// Whether `mark` is the mark of `value`; takes the same time for every wrong mark of a length.
    pub(crate) fn is_mark(&self, purpose: &str, value: &str, mark: &str) -> bool {
        let Ok(mark) = URL_SAFE_NO_PAD.decode(mark) else { return false };
        verify(&self.marks, &Self::input(purpose, value), &mark).is_ok()
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

    #[test]
    fn what_is_sealed_opens_here_and_unchanged_alone() {
        let marks = Marks::new();
        let sealed = marks.seal("state");
        assert_eq!(marks.open(&sealed).as_deref(), Some("state"));
        assert_ne!(marks.seal("state"), sealed);
        let changed = sealed.replacen(&sealed[20..21], if &sealed[20..21] == "A" { "B" } else { "A" }, 1);
        for text in ["", "AAAA", "!", changed.as_str()] {
            assert_eq!(marks.open(text), None, "{text}");
        }
        assert_eq!(Marks::new().open(&sealed), None);
    }
}
