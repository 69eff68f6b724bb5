//! Phones of holders, and the invitations that make them.

mod number;

use core::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use hufu_contract::{PHONE_KEY_BYTES, PhoneName, ProofLevel};
use hufu_wire::{HolderIndex, IssuerId, UnixMillis, UnixSeconds};

use crate::credential::{Issuance, Terms};
use crate::fault::Fault;
use crate::ticket::StoredTicket;

pub use number::{InvitationDigest, InvitationNumber};

/// How long an invitation is good when its clerk does not say, seconds.
pub const INVITATION_S: u32 = 24 * 3600;
/// Longest time for which an invitation is good, seconds.
pub const INVITATION_S_MAX: u32 = 7 * 24 * 3600;
/// How long an invitation is kept after it has expired, milliseconds, so that its number is told from an unknown one.
pub const INVITATION_KEPT_MS: u64 = 30 * 86_400_000;

/// The public key of a phone: an uncompressed point of P-256, which is verified to be one when a signature is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PhoneKey(pub [u8; PHONE_KEY_BYTES]);

/// An invitation as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredInvitation {
    /// Which.
    pub number: InvitationDigest,
    /// By whom.
    pub issuer: IssuerId,
    /// Whose phone it makes.
    pub holder: HolderIndex,
    /// How it was proved who that is.
    pub level: ProofLevel,
    /// When it was made.
    pub made: UnixMillis,
    /// From when it is refused.
    pub expires: UnixMillis,
    /// When a newer one ended it.
    pub ended: Option<UnixMillis>,
    /// When it was used, and which phone it made.
    pub used: Option<(UnixMillis, u32)>,
}

/// A phone as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPhone {
    /// Whose issuer.
    pub issuer: IssuerId,
    /// Whose phone it is.
    pub holder: HolderIndex,
    /// Counts the holder's phones from 1.
    pub phone: u32,
    /// Its public key.
    pub key: PhoneKey,
    /// How it was proved who the holder is.
    pub level: ProofLevel,
    /// When it was activated.
    pub made: UnixMillis,
    /// When it last got a credential, to some seconds.
    pub renewed: Option<UnixMillis>,
    /// When it was ended.
    pub ended: Option<UnixMillis>,
}

/// A phone whose signature was verified just now, and that goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownPhone(StoredPhone);

/// What a clerk gets who made an invitation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invited {
    /// The number, shown this once.
    pub number: InvitationNumber,
    /// From when it is refused.
    pub expires: UnixMillis,
    /// Phones of the holder that go on.
    pub phones: u32,
}

/// What a phone gets that was activated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activated {
    /// The phone.
    pub name: PhoneName,
    /// How it was proved who the holder is.
    pub level: ProofLevel,
    /// The holder, masked.
    pub display: String,
    /// The terms of a first credential.
    pub terms: Terms,
}

/// What a phone gets that renews its credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// The credential.
    pub issuance: Issuance,
    /// The holder, masked.
    pub display: String,
    /// When the phone renews it.
    pub when: RenewalTime,
}

/// When a phone renews a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RenewalTime {
    /// From here on by itself.
    pub from: UnixMillis,
    /// From here on it tells its holder that it must.
    pub until: UnixMillis,
}

/// A holder's own data, for the holder's phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnStatus {
    /// The word.
    pub word: hufu_wire::StatusWord,
    /// The holder, masked.
    pub display: String,
    /// Phones that go on.
    pub phones: u32,
    /// Tickets whose window has not ended.
    pub trips: Vec<StoredTicket>,
    /// Relatives, by binding, masked.
    pub relatives: Vec<(hufu_contract::BindingId, String, Option<UnixMillis>)>,
    /// What the next credential will name.
    pub terms: Terms,
}

/// Why a phone's request is refused, where the page shows words of its own for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhoneFault {
    /// The number has other letters than a number has, or too few, or too many.
    #[error("the number is not one: it has 16 letters and digits in four groups; type it again")]
    NumberMistyped,
    /// No invitation has this number.
    #[error("no invitation has this number: read it again, or ask the authority for another")]
    NumberUnknown,
    /// Another key has used it.
    #[error(
        "this number was used by another phone: ask the authority for another, and say so if that was not you"
    )]
    NumberUsed,
    /// It is too old.
    #[error("this number has expired: ask the authority for another")]
    NumberExpired,
    /// A newer invitation of the holder ended it.
    #[error("a newer number was made for you after this one: use that one")]
    NumberReplaced,
    /// The phone was ended, or its record was joined into another.
    #[error("this phone was ended: ask the authority for a number and activate it again")]
    Ended,
    /// The terms that the phone proposes do not hold; these do.
    #[error(
        "key or generation are others by now, or the time is not within two minutes: make the tree for the terms here"
    )]
    Terms(Terms),
}

impl PhoneKey {
    /// Whether `signature` is this key's of `message`: ECDSA on P-256 with SHA-256, r and s of 32 bytes each. A key that
    /// is no point of the curve has signed nothing.
    pub fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &self.0[..]).verify(message, signature).is_ok()
    }

    /// The first bytes of SHA-256 of it, to tell keys apart.
    pub fn short(&self) -> [u8; 8] {
        let digest = digest(&SHA256, &self.0);
        let mut short = [0; 8];
        short.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
        short
    }
}

impl StoredInvitation {
    /// Why this invitation makes no phone at `now`, if it was not used.
    pub fn refusal(&self, now: UnixMillis) -> Option<PhoneFault> {
        match (self.ended, now >= self.expires) {
            (Some(_), _) => Some(PhoneFault::NumberReplaced),
            (None, true) => Some(PhoneFault::NumberExpired),
            (None, false) => None,
        }
    }
}

impl StoredPhone {
    /// Whether it goes on.
    pub fn goes_on(&self) -> bool {
        self.ended.is_none()
    }

    /// Its name.
    pub fn name(&self) -> PhoneName {
        PhoneName { issuer: self.issuer.0, holder: self.holder.0, phone: self.phone }
    }

    /// The phone, if it has signed `message`.
    ///
    /// # Errors
    /// [`Fault::Unauthenticated`] if it has not; [`PhoneFault::Ended`] if it has, and does not go on.
    pub fn known(self, message: &[u8], signature: &[u8]) -> Result<KnownPhone, Fault> {
        if !self.key.has_signed(message, signature) {
            return Err(Fault::Unauthenticated);
        }
        if self.goes_on() { Ok(KnownPhone(self)) } else { Err(PhoneFault::Ended.into()) }
    }
}

impl KnownPhone {
    /// What is kept of it.
    pub fn stored(&self) -> &StoredPhone {
        &self.0
    }
}

impl RenewalTime {
    /// When a credential with these signed bytes is renewed: from a moment between half of its life and an eighth of it
    /// before its end. Signed bytes are as good as random to who has not the issuer's key, so those moments are spread
    /// evenly, whenever the credentials were asked for (R46).
    pub fn of(digest: &[u8; 32], issued: UnixSeconds, expires: UnixSeconds) -> RenewalTime {
        let (issued, expires) = (issued.millis().0, expires.millis().0);
        let life = expires.saturating_sub(issued);
        let (half, until) = (issued + life / 2, expires - life / 8);
        let drawn = digest.iter().take(8).fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
        let from = half + drawn % (until - half).max(1);
        RenewalTime { from: UnixMillis(from), until: UnixMillis(until) }
    }
}

impl From<PhoneFault> for Fault {
    fn from(fault: PhoneFault) -> Fault {
        Fault::Phone(fault)
    }
}

impl fmt::Debug for PhoneKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PhoneKey({})", hufu_contract::HexDigits(&self.short()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_contract::{Base64Url, Hex, PhoneRequest};
    use serde_json::Value;

    fn golden() -> Value {
        serde_json::from_str(include_str!("../../../../fixtures/golden/phone.json")).unwrap()
    }

    fn base64(value: &Value) -> Vec<u8> {
        serde_json::from_value::<Base64Url>(value.clone()).unwrap().0
    }

    #[test]
    fn r41_golden_requests_of_phones_are_read_as_written() {
        let golden = golden();
        let key = PhoneKey(base64(&golden["public_key"]).try_into().unwrap());
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let mut signed = std::collections::BTreeMap::new();
        for request in golden["requests"].as_array().unwrap() {
            let body = digest(&SHA256, request["body"].as_str().unwrap().as_bytes());
            let body: [u8; 32] = body.as_ref().try_into().unwrap();
            assert_eq!(Hex(body).to_string(), text(&request["body_sha256"]));
            let [method, path, phone, time] =
                ["method", "path", "hufu_phone", "hufu_time"].map(|member| text(&request[member]));
            let (method, path, phone, time) = (&*method, &*path, &*phone, &*time);
            let bytes = PhoneRequest { method, path, phone, time, body }.signed_bytes();
            assert_eq!(hufu_contract::HexDigits(&bytes).to_string(), text(&request["signed_hex"]));
            assert!(key.has_signed(&bytes, &base64(&request["signature"])), "{}", request["name"]);
            signed.insert(text(&request["name"]), bytes);
        }
        for (list, taken) in [("also_accepted", true), ("refused", false)] {
            for case in golden[list].as_array().unwrap() {
                let bytes = &signed[case["of"].as_str().unwrap()];
                assert_eq!(key.has_signed(bytes, &base64(&case["signature"])), taken, "{}", case["why"]);
            }
        }
    }

    #[test]
    fn r46_renewals_are_spread_over_the_hours_before_the_end() {
        // Everybody opened their code at eight: what comes back comes evenly, and none at the end.
        let (issued, day) = (UnixSeconds(1_790_000_000), 86_400);
        let expires = UnixSeconds(issued.0 + day);
        let mut quarters = [0_u32; 36];
        for n in 0..36_000_u32 {
            let signed = digest(&SHA256, &n.to_le_bytes());
            let when = RenewalTime::of(&signed.as_ref().try_into().unwrap(), issued, expires);
            assert_eq!(when.until.0, expires.millis().0 - u64::from(day) * 1000 / 8);
            assert!(when.from < when.until);
            let after_s = (when.from.0 - issued.millis().0) / 1000 - u64::from(day) / 2;
            quarters[usize::try_from(after_s / 900).unwrap()] += 1;
        }
        // 1,000 are expected in each quarter of an hour of the nine hours; five standard deviations are 158.
        assert!(quarters.iter().all(|count| (842..1158).contains(count)), "{quarters:?}");
    }
}
