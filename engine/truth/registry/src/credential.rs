//! What is written down of a credential that was issued, and what is asked for.

use hufu_wire::{CodeKind, HolderIndex, HubId, IssuerId, KeyId, Step, UnixSeconds};

/// A credential that was issued. Its bytes are the holder's alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedCredential {
    /// By whom.
    pub issuer: IssuerId,
    /// To whom.
    pub holder: HolderIndex,
    /// Which kind.
    pub kind: CodeKind,
    /// Which of the holder's credentials.
    pub generation: u8,
    /// From when it is valid.
    pub issued: UnixSeconds,
    /// From when it is refused.
    pub expires: UnixSeconds,
    /// The key that signed it.
    pub key: KeyId,
    /// SHA-256 of its bytes.
    pub digest: [u8; 32],
}

/// Other phone credentials of one holder that go on beside a new one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OtherPhones {
    /// How many of the same generation.
    pub others: u32,
    /// When the last of them ends.
    pub until: Option<UnixSeconds>,
}

/// A phone credential that ends within this many seconds is being renewed, and not another phone's.
pub const RENEWAL_S: u32 = 3600;

impl IssuedCredential {
    /// Another phone credential of the same holder and generation goes on beside this one when it ends after this time;
    /// `None` for what is not on a phone.
    pub fn others_from(&self) -> Option<UnixSeconds> {
        (self.kind == CodeKind::Phone).then(|| UnixSeconds(self.issued.0.saturating_add(RENEWAL_S)))
    }
}

/// The same, with its place in the list of its holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedCredential {
    /// Rises; where the next page begins.
    pub number: u64,
    /// What was issued.
    pub credential: IssuedCredential,
}

/// What a phone needs before it can make its step tree: the salt names all of it (`docs/CODES.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The key that will sign.
    pub key: KeyId,
    /// The generation that the credential will have.
    pub generation: u8,
    /// When it would be issued: now.
    pub issued: UnixSeconds,
}

/// What credential is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialRequest {
    /// One shown on a phone (R02).
    Phone {
        /// The terms that the phone made its tree for.
        terms: Terms,
        /// The root of the phone's step tree.
        root: [u8; 16],
        /// The step whose presentation has index 0.
        origin: Step,
        /// How long it is to be valid, seconds.
        valid_s: u32,
    },
    /// A printed one (R03).
    Paper {
        /// How long it is to be valid, seconds.
        valid_s: u32,
    },
    /// One for a ticket (R04).
    Trip {
        /// The hub.
        hub: HubId,
        /// The window's first second.
        from: UnixSeconds,
        /// The window's last second.
        until: UnixSeconds,
    },
}

/// A credential, signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuance {
    /// The credential's bytes.
    pub bytes: Vec<u8>,
    /// The text of its code; none for a phone, which adds a presentation.
    pub code: Option<String>,
    /// What was written down of it.
    pub issued: IssuedCredential,
    /// Which other phones of the holder go on beside it.
    pub phones: OtherPhones,
}

/// How old terms may be when the phone comes back with its root, seconds: a slow phone on a slow network makes
/// 4,096 leaves in less.
pub const TERMS_S_MAX: u32 = 120;
