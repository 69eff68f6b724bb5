//! Slips: what a holder, and only a holder, can find of a check (R41).
//!
//! A phone releases one value in each step of 30 seconds. Only the phone can make it before it is shown, and the
//! engine forgets it once the slip is made: `tag ‖ key = SHA-256("slip" ‖ 1 ‖ value)`. The tag says where the slip
//! lies, the key opens it. A tag does not tell the value, the person, or another tag of the same phone.
//! `docs/decisions/0024-slips.md` has the argument and what it does not cover.
//!
//! The content is sealed by its own digest (a synthetic nonce, as in RFC 5297): `nonce = SHA-256("slin" ‖ key ‖
//! content)[..8]`, `pad = SHA-256("slip" ‖ 0 ‖ key ‖ nonce)[..24]`. So one key may seal many contents (a code that is
//! shown at two gates in one step), an altered slip does not open, and the same check always makes the same slip.

use hufu_check::Trace;
use hufu_wire::{CodeKind, Decision, Reason, SiteId, UnixMillis};
use sha2::Digest as _;
use sha2::Sha256;
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};
use zeroize::Zeroizing;

use crate::row::{Answer, Row, SlipKind};

/// What finds a slip.
pub type Tag = [u8; 16];

/// A sealed slip: a tag, a nonce and the sealed content.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
    Unaligned,
)]
#[repr(C)]
pub struct Slip {
    /// Where it lies.
    pub tag: Tag,
    nonce: [u8; 8],
    sealed: [u8; CONTENT_BYTES],
}

/// What a holder learns of one check on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The engine's clock at the check.
    pub time: UnixMillis,
    /// Where.
    pub site: SiteId,
    /// Whether the gate opened.
    pub decision: Decision,
    /// Why.
    pub reason: Reason,
    /// The kind of code that was shown.
    pub kind: CodeKind,
}

/// What finds and opens the slips of one value or code. Wiped when dropped.
pub struct Finder {
    tag: Tag,
    key: Zeroizing<[u8; 16]>,
}

/// What the tags of paper and trip codes are keyed with: another one each day, derived from the day's key and gone
/// with it.
#[derive(Clone)]
pub struct CodeKey(Zeroizing<[u8; 16]>);

const CONTENT_BYTES: usize = 24;

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Content {
    time_ms: U64,
    site: U32,
    reason: U16,
    decision: u8,
    kind: u8,
    zero: [u8; 8],
}

const _: () = assert!(size_of::<Content>() == CONTENT_BYTES);
const _: () = assert!(size_of::<Slip>() == Slip::BYTES);

impl CodeKey {
    /// The key of this day.
    pub fn of(day_key: &[u8; 32]) -> CodeKey {
        let digest = Zeroizing::new(sha256(&[b"hufu code key of a day", day_key]));
        let mut key = Zeroizing::new([0; 16]);
        key.copy_from_slice(&digest[..16]);
        CodeKey(key)
    }

    /// The key with these bytes, as an operator's view hands it to who holds a code.
    pub fn from_bytes(bytes: [u8; 16]) -> CodeKey {
        CodeKey(Zeroizing::new(bytes))
    }

    /// The key's bytes.
    pub fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl Finder {
    /// Of the value that a phone released in one step.
    pub fn of_step(value: &[u8; 16]) -> Finder {
        Finder::of_digest(sha256(&[b"slip", &[SlipKind::Step as u8], value]))
    }

    /// Of a paper, family or trip code, by the first half of its issuer's signature, on the day of `key`.
    pub fn of_code(key: &CodeKey, signature: &[u8; 32]) -> Finder {
        Finder::of_digest(sha256(&[b"slip", &[SlipKind::Code as u8], key.0.as_slice(), signature]))
    }

    /// What an engine makes of what was shown; `None` when nothing genuine was.
    pub fn of_trace(key: &CodeKey, trace: &Trace) -> Option<Finder> {
        match trace {
            Trace::None => None,
            Trace::Step(value) => Some(Finder::of_step(value)),
            Trace::Code(signature) => Some(Finder::of_code(key, signature)),
        }
    }

    /// The finder that a phone kept: `tag ‖ key`.
    pub fn from_bytes(bytes: [u8; 32]) -> Finder {
        Finder::of_digest(bytes)
    }

    /// `tag ‖ key`, for a phone that remembers what it showed. It finds and opens the slips of one step, and no other's.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        let mut bytes = Zeroizing::new([0; 32]);
        bytes[..16].copy_from_slice(&self.tag);
        bytes[16..].copy_from_slice(self.key.as_slice());
        bytes
    }

    fn of_digest(digest: [u8; 32]) -> Finder {
        let digest = Zeroizing::new(digest);
        let (mut tag, mut key) = (Tag::default(), Zeroizing::new([0; 16]));
        tag.copy_from_slice(&digest[..16]);
        key.copy_from_slice(&digest[16..]);
        Finder { tag, key }
    }

    /// Where its slips lie.
    pub fn tag(&self) -> &Tag {
        &self.tag
    }

    /// The slip of this record; `None` for a roster's, which has none.
    pub fn seal(&self, row: &Row) -> Option<Slip> {
        let Answer::Verdict(verdict) = &row.answer else { return None };
        let content = Content {
            time_ms: verdict.server_time.0.into(),
            site: row.site.0.into(),
            reason: verdict.reason.code().into(),
            decision: verdict.decision as u8,
            kind: verdict.kind.map_or(0, |kind| kind as u8),
            zero: [0; 8],
        };
        let nonce = self.nonce(content.as_bytes());
        let mut sealed = self.pad(nonce);
        for (sealed, plain) in sealed.iter_mut().zip(content.as_bytes()) {
            *sealed ^= plain;
        }
        Some(Slip { tag: self.tag, nonce, sealed })
    }

    /// What a slip says; `None` when it is another's, or altered.
    pub fn open(&self, slip: &Slip) -> Option<Seen> {
        if slip.tag != self.tag {
            return None;
        }
        let mut plain = self.pad(slip.nonce);
        for (plain, sealed) in plain.iter_mut().zip(&slip.sealed) {
            *plain ^= sealed;
        }
        if self.nonce(&plain) != slip.nonce {
            return None;
        }
        let content = Content::ref_from_bytes(&plain).ok()?;
        Some(Seen {
            time: UnixMillis(content.time_ms.get()),
            site: SiteId(content.site.get()),
            decision: Decision::from_byte(content.decision)?,
            reason: Reason::from_code(content.reason.get())?,
            kind: CodeKind::from_byte(content.kind)?,
        })
    }

    fn nonce(&self, content: &[u8]) -> [u8; 8] {
        let digest = sha256(&[b"slin", self.key.as_slice(), content]);
        let mut nonce = [0; 8];
        nonce.copy_from_slice(&digest[..8]);
        nonce
    }

    fn pad(&self, nonce: [u8; 8]) -> [u8; CONTENT_BYTES] {
        let digest = sha256(&[b"slip", &[0], self.key.as_slice(), &nonce]);
        let mut pad = [0; CONTENT_BYTES];
        pad.copy_from_slice(&digest[..CONTENT_BYTES]);
        pad
    }
}

impl Slip {
    /// Bytes of every slip.
    pub const BYTES: usize = 48;
}

/// Every message here fits one block of SHA-256.
fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part);
    }
    digest.finalize().into()
}
