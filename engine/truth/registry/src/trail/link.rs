//! What holds the trail's lines together: each carries a digest over itself and the digest of the line before, and a seal
//! over that digest with a key that is not in the database.
//!
//! To alter, remove, insert or move a line without the key breaks a digest or a seal. What is left is to remove
//! the last lines: only somebody who noted a later end finds that.

use core::fmt;

use aws_lc_rs::{digest, hmac};
use hufu_contract::Hex;

use super::entry::Entry;

/// A line with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrailLine {
    /// Rises; there may be gaps.
    pub number: u64,
    /// The line.
    pub entry: Entry,
    /// Covers it and every line before it; every store writes one.
    pub digest: Option<TrailDigest>,
    /// The registry's word for the digest; none from before there were seals.
    pub seal: Option<TrailSeal>,
}

/// The digest of a line and of all before it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TrailDigest(pub [u8; 32]);

/// HMAC-SHA-256 over the digest of a line.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TrailSeal(pub [u8; 32]);

/// Makes and verifies seals; comes out of the vault's key file.
#[derive(Clone)]
pub struct TrailKey(hmac::Key);

/// Where the trail ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrailEnd {
    /// The number of the last line; 0 before the first.
    pub number: u64,
    /// Its digest.
    pub digest: TrailDigest,
}

/// Follows the trail from its first line.
#[derive(Debug)]
pub struct TrailCheck {
    key: Option<TrailKey>,
    end: TrailEnd,
    lines: u64,
    unsealed: u64,
}

/// The first line at which the trail is not whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {number} of the trail: {what}")]
pub struct TrailBreak {
    /// The number of the line.
    pub number: u64,
    /// What is wrong there.
    pub what: &'static str,
}

impl TrailDigest {
    /// Before the first line.
    pub const START: TrailDigest = TrailDigest([0; 32]);

    /// The digest of a line that follows this one.
    ///
    /// SHA-256 of `hufu/1 trail`, this digest, number, time, and with its length in front each: who, action, what; the
    /// issuer, or -1, stands before what. Numbers are big-endian; lengths have 4 bytes, the others 8. A migration of
    /// PostgreSQL computes the same.
    #[must_use]
    pub fn after(self, number: u64, entry: &Entry) -> TrailDigest {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(b"hufu/1 trail");
        context.update(&self.0);
        context.update(&number.to_be_bytes());
        context.update(&entry.at.0.to_be_bytes());
        put_text(&mut context, &entry.who);
        put_text(&mut context, entry.action.slug());
        let issuer = entry.issuer.map_or(-1, |issuer| i64::from(issuer.0));
        context.update(&issuer.to_be_bytes());
        put_text(&mut context, &entry.what);
        TrailDigest(context.finish().as_ref().try_into().unwrap_or_default())
    }
}

fn put_text(context: &mut digest::Context, text: &str) {
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    context.update(&length.to_be_bytes());
    context.update(text.as_bytes());
}

impl TrailKey {
    /// The key that follows from a secret.
    pub(crate) fn new(key: hmac::Key) -> TrailKey {
        TrailKey(key)
    }

    /// The seal of a line.
    pub fn seal(&self, digest: &TrailDigest) -> TrailSeal {
        TrailSeal(hmac::sign(&self.0, &digest.0).as_ref().try_into().unwrap_or_default())
    }

    fn verify(&self, digest: &TrailDigest, seal: &TrailSeal) -> bool {
        hmac::verify(&self.0, &digest.0, &seal.0).is_ok()
    }
}

impl TrailEnd {
    /// Before the first line.
    pub const START: TrailEnd = TrailEnd { number: 0, digest: TrailDigest::START };

    /// Goes on to the line with this entry; its seal, where there is a key.
    pub fn go_on(&mut self, entry: &Entry, key: Option<&TrailKey>) -> Option<TrailSeal> {
        let number = self.number + 1;
        *self = TrailEnd { number, digest: self.digest.after(number, entry) };
        key.map(|key| key.seal(&self.digest))
    }
}

impl TrailCheck {
    /// A check from the first line on; without a key, seals are not looked at.
    pub fn new(key: Option<TrailKey>) -> TrailCheck {
        TrailCheck { key, end: TrailEnd::START, lines: 0, unsealed: 0 }
    }

    /// The next line.
    ///
    /// # Errors
    /// [`TrailBreak`]: the line does not follow the one before, or its seal is not the registry's.
    pub fn take(&mut self, line: &TrailLine) -> Result<(), TrailBreak> {
        let number = line.number;
        let broken = |what| TrailBreak { number, what };
        if number <= self.end.number {
            return Err(broken("its number is not higher than the one before"));
        }
        let Some(digest) = line.digest else { return Err(broken("it has no digest")) };
        if digest != self.end.digest.after(number, &line.entry) {
            return Err(broken(
                "it was altered, or a line before it was altered, removed, inserted or moved",
            ));
        }
        match (&self.key, &line.seal) {
            (None, _) => {}
            (Some(key), Some(seal)) if key.verify(&digest, seal) => {}
            (Some(_), Some(_)) => return Err(broken("its seal was not made with this registry's vault key")),
            // Lines from before there were seals: the first sealed one covers them all.
            (Some(_), None) if self.unsealed == self.lines => self.unsealed += 1,
            (Some(_), None) => return Err(broken("it has no seal, but an earlier line has one")),
        }
        self.lines += 1;
        self.end = TrailEnd { number, digest };
        Ok(())
    }

    /// The last line that was taken.
    pub fn end(&self) -> TrailEnd {
        self.end
    }

    /// How many lines were taken.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// How many at the beginning have no seal. The number never grows once there was a sealed line.
    pub fn unsealed(&self) -> u64 {
        self.unsealed
    }
}

impl fmt::Display for TrailDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(self.0).fmt(f)
    }
}

impl fmt::Debug for TrailDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TrailDigest({self})")
    }
}

impl fmt::Debug for TrailSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TrailSeal")
    }
}

impl fmt::Debug for TrailKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TrailKey(not shown)")
    }
}
