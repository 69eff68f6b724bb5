//! Tokens: who may ask the registry for what.

use core::fmt::{self, Write as _};

use aws_lc_rs::digest;
use hufu_contract::{Base64Url, Scopes, TokenId};
use hufu_wire::{IssuerId, UnixMillis};
use zeroize::Zeroizing;

use crate::caller::{AUTHORITIES, OPERATOR, PHONE};
use crate::fault::Fault;
use crate::issuer::check_name;
use crate::trail::{ITSELF, PHONES, STRANGERS};

/// SHA-256 of a token's text. The text is 256 random bits, so the digest needs no salt.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);

/// What is known of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its number.
    pub id: TokenId,
    /// Who has it: what the trail names. No two tokens ever have the same.
    pub label: String,
    /// What it may do.
    pub scopes: Scopes,
    /// The only issuer it is for; none: all of them.
    pub issuer: Option<IssuerId>,
    /// When it was made.
    pub made: UnixMillis,
    /// From when it is refused.
    pub expires: UnixMillis,
    /// When it was revoked.
    pub revoked: Option<UnixMillis>,
}

/// A token to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// Who will have it.
    pub label: String,
    /// What it may do.
    pub scopes: Scopes,
    /// The only issuer it is for; none: all of them.
    pub issuer: Option<IssuerId>,
    /// From when it is refused.
    pub expires: UnixMillis,
}

/// The text of a token, `hufu_` and 43 characters. Shown once, wiped when dropped, never printed by accident.
pub struct TokenText(Zeroizing<String>);

const PREFIX: &str = "hufu_";

impl TokenText {
    /// A new one, from the operating system's randomness.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] when there is none.
    pub fn random() -> Result<TokenText, Fault> {
        let mut secret = Zeroizing::new([0_u8; 32]);
        aws_lc_rs::rand::fill(&mut *secret)
            .map_err(|_| Fault::Unavailable("the operating system gives no random bytes".into()))?;
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + 43));
        // Writing to a String cannot fail.
        let _ = write!(text, "{PREFIX}{}", Base64Url(&*secret));
        Ok(TokenText(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TokenHash {
    /// The hash of a token as a caller showed it; `None` when it cannot be one.
    pub fn of(text: &str) -> Option<TokenHash> {
        let secret = text.strip_prefix(PREFIX)?;
        let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if secret.len() != 43 || !secret.bytes().all(known) {
            return None;
        }
        let digest = digest::digest(&digest::SHA256, text.as_bytes());
        Some(TokenHash(digest.as_ref().try_into().ok()?))
    }
}

impl Token {
    /// Whether it may be used at `now`.
    pub fn is_valid_at(&self, now: UnixMillis) -> bool {
        self.revoked.is_none() && now < self.expires
    }
}

impl NewToken {
    /// Whether it may be made at `now`.
    ///
    /// # Errors
    /// [`Fault::Invalid`] with the field.
    pub fn check(&self, now: UnixMillis) -> Result<(), Fault> {
        check_name("label", &self.label)?;
        // The trail names a caller by the label alone: none may stand there as another.
        let is_taken = [OPERATOR, ITSELF, PHONES, STRANGERS].contains(&&*self.label)
            || [PHONE, AUTHORITIES].iter().any(|begin| self.label.starts_with(begin));
        if is_taken {
            return Err(Fault::invalid(
                "label",
                format!(
                    "another one: the registry calls somebody else so; no label begins with `{PHONE}` or \
                     `{AUTHORITIES}`"
                ),
            ));
        }
        if self.scopes == Scopes::default() {
            return Err(Fault::invalid("scopes", "at least one"));
        }
        if self.expires <= now {
            return Err(Fault::invalid("expires", "after now"));
        }
        Ok(())
    }
}

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenText(not shown)")
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(not shown)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_of_one_form_and_differ() {
        let [one, two] = [TokenText::random().unwrap(), TokenText::random().unwrap()];
        assert_ne!(one.as_str(), two.as_str());
        assert_eq!(one.as_str().len(), 48);
        assert!(TokenHash::of(one.as_str()).is_some());
        assert!(TokenHash::of(one.as_str()) != TokenHash::of(two.as_str()));
        for other in ["", "hufu_", "hufu_x", &one.as_str()[1..], &format!("{}A", one.as_str())] {
            assert!(TokenHash::of(other).is_none());
        }
    }
}
