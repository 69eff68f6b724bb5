//! Phones of holders: how clerks invite them, and what a phone and its registry tell each other (`docs/REGISTRY.md`, Phones).

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::words::words;
use crate::{Base64Url, Hex, Terms, TestResult};

/// Bytes of a public key: the uncompressed point of P-256.
pub const PHONE_KEY_BYTES: usize = 65;
/// How far the clock of a phone may be from the registry's, milliseconds.
pub const PHONE_CLOCK_MS_MAX: u64 = 120_000;
/// The header that says which phone asks; empty when it is being activated.
pub const PHONE_HEADER: &str = "hufu-phone";
/// The header with the time of a phone's request, milliseconds since 1970.
pub const PHONE_TIME_HEADER: &str = "hufu-time";
/// The header with the signature of a phone's request, base64url.
pub const PHONE_SIGNATURE_HEADER: &str = "hufu-signature";

/// What stands before everything else that a phone signs.
const DOMAIN: &[u8] = b"hufu/1 phone request";

words! {
    /// How it was proved who a holder is, before the phone got its invitation.
    #[derive(Hash)]
    pub enum ProofLevel {
        /// The person stood before a clerk, with a document.
        InPerson = "in-person",
        /// A machine read the document that the person showed.
        Document = "document",
        /// The face was compared with a register's picture over the network.
        RemoteFace = "remote-face",
        /// An account of another authority says so.
        Account = "account",
    }
}

/// Which phone: the issuer, the holder, and which of the holder's. In text `310000.42.1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PhoneName {
    /// The issuer.
    pub issuer: u32,
    /// The holder's index.
    pub holder: u32,
    /// Counts the holder's phones from 1.
    pub phone: u32,
}

/// A text that names no phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected issuer, holder and phone as decimal numbers with dots between, like 310000.42.1")]
pub struct NotAPhone;

impl fmt::Display for PhoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.issuer, self.holder, self.phone)
    }
}

impl FromStr for PhoneName {
    type Err = NotAPhone;

    /// Reads the one spelling that a name has.
    fn from_str(text: &str) -> Result<PhoneName, NotAPhone> {
        let mut parts = text.split('.').map(|part| part.parse::<u32>().map_err(|_| NotAPhone));
        let mut next = || parts.next().unwrap_or(Err(NotAPhone));
        let name = PhoneName { issuer: next()?, holder: next()?, phone: next()? };
        if parts.next().is_none() && name.to_string() == text { Ok(name) } else { Err(NotAPhone) }
    }
}

/// A request of a phone, as far as it is signed.
#[derive(Clone, Copy, Debug)]
pub struct PhoneRequest<'r> {
    /// The method, as in `POST`.
    pub method: &'r str,
    /// The path, as in `/phone/v1/renew`, without a query.
    pub path: &'r str,
    /// The value of [`PHONE_HEADER`].
    pub phone: &'r str,
    /// The value of [`PHONE_TIME_HEADER`].
    pub time: &'r str,
    /// SHA-256 of the body.
    pub body: [u8; 32],
}

impl PhoneRequest<'_> {
    /// The bytes that the phone signs. No part before the digest can hold a zero byte, so no two requests have the same.
    pub fn signed_bytes(&self) -> Vec<u8> {
        let PhoneRequest { method, path, phone, time, body } = self;
        let parts: [&[u8]; 6] =
            [DOMAIN, method.as_bytes(), path.as_bytes(), phone.as_bytes(), time.as_bytes(), body];
        parts.join(&0)
    }
}

/// An invitation that a clerk makes when the holder is known to be who they say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"level": "in-person"}))]
pub struct NewInvitation {
    /// How that was proved.
    pub level: ProofLevel,
    /// For how long its number is good, seconds; 24 hours when absent, at most seven days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 604_800)]
    pub valid_s: Option<u32>,
}

/// An invitation that was made. Its number is shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Invitation {
    /// The number that activates one phone: 16 letters of Crockford's base 32, in groups of four.
    #[schema(pattern = "^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}$", example = "K7QM-3ZTA-90XW-5HCD")]
    pub number: String,
    /// From when it is refused.
    pub expires_ms: u64,
    /// Phones of the holder that go on.
    pub other_phones: u32,
}

/// Every phone of a holder, those that were ended too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Phones {
    /// By rising number.
    pub phones: Vec<Phone>,
}

/// A phone of a holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Phone {
    /// Counts the holder's phones from 1.
    pub phone: u32,
    /// How it was proved who the holder is.
    pub level: ProofLevel,
    /// When it was activated.
    pub activated_ms: u64,
    /// When it last got a credential, to some seconds; absent before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewed_ms: Option<u64>,
    /// When it was ended; absent while it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_ms: Option<u64>,
    /// The first bytes of SHA-256 of its public key, to tell phones apart.
    #[schema(value_type = String, pattern = "^[0-9a-f]{16}$", example = "0123456789abcdef")]
    pub key: Hex<8>,
}

/// What a phone may know before it is one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneAbout {
    /// The issuers of this registry.
    pub issuers: Vec<PhoneIssuer>,
    /// The registry's clock.
    pub now_ms: u64,
    /// The time zone of the registry's place, a name of the IANA database.
    pub zone: String,
    /// How long a phone's credential is valid, seconds.
    pub valid_s: u32,
}

/// An issuer, as a phone sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneIssuer {
    /// Its id.
    pub issuer: u32,
    /// What people call it.
    pub name: String,
}

/// A phone that wants to be its holder's.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActivatePhone {
    /// The invitation's number, as it was typed.
    pub number: String,
    /// The phone's public key, base64url of the 65 bytes of the uncompressed point.
    pub public_key: Base64Url,
}

/// A phone that is its holder's now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneActivated {
    /// The issuer.
    pub issuer: u32,
    /// The holder's index.
    pub holder: u32,
    /// Which of the holder's phones it is.
    pub phone: u32,
    /// How it was proved who the holder is.
    pub level: ProofLevel,
    /// The holder, masked.
    pub display: String,
    /// The terms of a first credential.
    pub terms: Terms,
    /// How long a credential is valid, seconds.
    pub valid_s: u32,
    /// The registry's clock.
    pub now_ms: u64,
}

/// A phone that wants its next credential, for terms that it proposes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenewPhone {
    /// What the step tree was made for.
    pub terms: Terms,
    /// The root of the step tree.
    pub step_root: Hex<16>,
    /// The step whose presentation has index 0: Unix seconds divided by 30.
    pub origin_step: u32,
}

/// What the next credential of a phone will name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextTerms {
    /// The key that will sign.
    pub key: Hex<8>,
    /// The generation.
    pub generation: u8,
}

/// A phone's credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneRenewed {
    /// The signed credential.
    pub credential: Base64Url,
    /// The holder, masked.
    pub display: String,
    /// The key that signed it.
    pub key: Hex<8>,
    /// Its generation.
    pub generation: u8,
    /// From when it is valid.
    pub issued_ms: u64,
    /// From when it is refused.
    pub expires_ms: u64,
    /// From when on the phone renews it by itself.
    pub renew_from_ms: u64,
    /// From when on the phone tells its holder that it must.
    pub renew_until_ms: u64,
    /// What the next one will name, as far as is known.
    pub next_terms: NextTerms,
    /// The registry's clock.
    pub now_ms: u64,
}

/// A phone asks for its holder's own status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskStatus {}

/// A holder's status, as the holder's own phone shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneStatus {
    /// `green`, `amber`, `red`, or `unknown`.
    pub colour: String,
    /// From when the colour no longer holds; absent when it has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
    /// The last test; absent when none is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<PhoneTest>,
    /// Vaccine doses, 0 to 7.
    pub doses: u8,
    /// How it was proved who the holder is.
    pub level: ProofLevel,
    /// The holder, masked.
    pub display: String,
    /// Phones of the holder that go on, this one among them.
    pub phones: u32,
    /// Trips whose window has not ended.
    pub trips: Vec<PhoneTrip>,
    /// Relatives whose family codes this phone may ask for.
    pub relatives: Vec<PhoneRelative>,
    /// Where the holder appeals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appeal: Option<String>,
    /// What the next credential will name.
    pub terms: NextTerms,
    /// The registry's clock.
    pub now_ms: u64,
}

/// A test, as the holder's own phone shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneTest {
    /// When it was taken, to the minute.
    pub time_ms: u64,
    /// What it said.
    pub result: TestResult,
}

/// A trip, as the holder's own phone shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneTrip {
    /// The hub.
    pub hub: u32,
    /// The window's first second.
    pub from_ms: u64,
    /// The window's last second.
    pub until_ms: u64,
}

/// A relative of a holder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneRelative {
    /// The binding's number.
    pub relative: u64,
    /// The relative, masked.
    pub display: String,
    /// When the binding ends by itself; absent when it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
}

/// A phone asks for a relative's family code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskFamilyCode {
    /// The binding's number, as in [`PhoneRelative::relative`].
    pub relative: u64,
}

/// A relative's family code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneFamilyCode {
    /// The code's text.
    pub code: String,
    /// The relative, masked.
    pub display: String,
    /// From when it is refused.
    pub expires_ms: u64,
    /// The registry's clock.
    pub now_ms: u64,
}

impl fmt::Debug for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Invitation(not shown)")
    }
}

impl fmt::Debug for ActivatePhone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ActivatePhone(not shown)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_has_one_name() {
        let name: PhoneName = "310000.42.1".parse().unwrap();
        assert_eq!(name, PhoneName { issuer: 310_000, holder: 42, phone: 1 });
        for other in ["", "310000.42", "310000.42.1.2", "310000.042.1", "+1.2.3", "1.2.-3", "1.2.4294967296", "1. 2.3"] {
            assert_eq!(other.parse::<PhoneName>(), Err(NotAPhone), "{other:?}");
        }
    }
}
