//! Credentials: who, which generation, what kind, how long (RFC 8392 claims in a `COSE_Sign1`).

use hufu_wire::{CodeKind, HolderIndex, HubId, KeyId, Reason, Step, UnixSeconds, limits};

use crate::cbor::{Fault, Reader, Writer};
use crate::cose::Sign1;
use crate::keyring::Uses;
use crate::verified::{Claims, Signed};

/// Claim key of the expiry, RFC 8392 section 3.1.4.
pub(crate) const EXP: i64 = 4;
/// Claim key of "not before", RFC 8392 section 3.1.5.
pub(crate) const NBF: i64 = 5;
/// Private claim (below -65536, RFC 8392 section 9.1): everything of ours, together to keep the QR small.
const HUFU: i64 = -65537;

/// The greatest step origin: its last step still begins within 32 bits of Unix seconds.
pub const ORIGIN_MAX: Step = Step(u32::MAX / limits::STEP_S - (limits::STEPS - 1));

/// What a credential claims. Who claims it is known by its key; it is believed only as
/// [`Verified<Credential>`](crate::Verified).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credential<'a> {
    /// The key that signed it. It decides the issuer.
    pub key: KeyId,
    /// When it was issued, and from when it is valid.
    pub issued: UnixSeconds,
    /// From when it is refused; after `issued`.
    pub expires: UnixSeconds,
    /// Whose status decides.
    pub holder: HolderIndex,
    /// Which of the holder's credentials: a status of a higher generation supersedes it.
    pub generation: u8,
    /// What a gate may show: the first character of a name and the tail of an id number (R10). At most
    /// [`limits::DISPLAY_BYTES_MAX`] bytes of UTF-8, no control characters.
    pub display: &'a str,
    /// What its kind adds.
    pub detail: Detail,
}

/// What each kind of credential has beside the common claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Shown on a phone, with a presentation (R02).
    Phone {
        /// The root of the phone's step tree.
        root: [u8; 16],
        /// The step whose presentation has index 0; at most [`ORIGIN_MAX`].
        origin: Step,
    },
    /// Printed (R03).
    Paper,
    /// Printed for a relative who is bound to a user (R27).
    Family,
    /// Good at one hub and in one window (R04).
    Trip {
        /// The hub.
        hub: HubId,
        /// The window's first second.
        from: UnixSeconds,
        /// The window's last second; not before `from`.
        until: UnixSeconds,
    },
}

/// A credential that has been read and not yet verified.
pub type SignedCredential<'a> = Signed<'a, Credential<'a>>;

impl Credential<'_> {
    /// The kind, as it was signed: it cannot be changed afterwards (R03).
    pub fn kind(&self) -> CodeKind {
        match self.detail {
            Detail::Phone { .. } => CodeKind::Phone,
            Detail::Paper => CodeKind::Paper,
            Detail::Family => CodeKind::Family,
            Detail::Trip { .. } => CodeKind::Trip,
        }
    }

    /// Whether it is valid at `now` by its own claims.
    ///
    /// # Errors
    /// [`Reason::NotYetValid`] more than [`limits::NOT_BEFORE_TOLERANCE_S`] before it was issued,
    /// [`Reason::Expired`] from its expiry on.
    pub fn valid_at(&self, now: UnixSeconds) -> Result<(), Reason> {
        if now.0.saturating_add(limits::NOT_BEFORE_TOLERANCE_S) < self.issued.0 {
            return Err(Reason::NotYetValid);
        }
        if now >= self.expires {
            return Err(Reason::Expired);
        }
        Ok(())
    }

    /// Whether it claims no more time than its kind may have.
    ///
    /// # Errors
    /// [`Reason::ValidityTooLong`].
    pub fn validity_fits(&self) -> Result<(), Reason> {
        let validity_s_max = match self.kind() {
            CodeKind::Phone => limits::PHONE_VALIDITY_S_MAX,
            CodeKind::Paper | CodeKind::Family => limits::PAPER_VALIDITY_S_MAX,
            CodeKind::Trip => limits::TRIP_VALIDITY_S_MAX,
            // No credential of ours: `read_detail` refuses it.
            CodeKind::Foreign => 0,
        };
        if self.expires.0.saturating_sub(self.issued.0) > validity_s_max {
            return Err(Reason::ValidityTooLong);
        }
        Ok(())
    }

    /// The signed payload: the claims without the key, which travels in the header.
    pub fn payload(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.map(3).int(EXP).uint(self.expires.0).int(NBF).uint(self.issued.0).int(HUFU);
        writer.array(self.detail.items()).uint(self.kind() as u8).uint(self.holder.0);
        writer.uint(self.generation).text(self.display);
        match self.detail {
            Detail::Phone { root, origin } => writer.bytes(&root).uint(origin.0),
            Detail::Paper | Detail::Family => &mut writer,
            Detail::Trip { hub, from, until } => writer.uint(hub.0).uint(from.0).uint(until.0),
        };
        writer.into_bytes()
    }
}

impl Detail {
    /// Items of the private claim.
    fn items(&self) -> usize {
        match self {
            Detail::Phone { .. } => 6,
            Detail::Paper | Detail::Family => 4,
            Detail::Trip { .. } => 7,
        }
    }
}

impl<'a> Claims<'a> for Credential<'a> {
    const NOT_GENUINE: Reason = Reason::BadSignature;

    fn read(envelope: &Sign1<'a>) -> Result<Credential<'a>, Fault> {
        let mut reader = Reader::new(envelope.payload);
        reader.map_of(3)?;
        reader.key(EXP)?;
        let expires = UnixSeconds(reader.u32()?);
        reader.key(NBF)?;
        let issued = UnixSeconds(reader.u32()?);
        reader.key(HUFU)?;
        let items = reader.array()?;
        let kind = CodeKind::from_byte(reader.u8()?).ok_or(Fault::Range)?;
        let holder = HolderIndex(reader.u32()?);
        let generation = reader.u8()?;
        let display = reader.text()?;
        let detail = read_detail(kind, &mut reader)?;
        reader.end()?;

        if items != detail.items() {
            return Err(Fault::Count);
        }
        if display.len() > limits::DISPLAY_BYTES_MAX || expires <= issued {
            return Err(Fault::Range);
        }
        if display.contains(char::is_control) {
            return Err(Fault::Text);
        }
        Ok(Credential { key: envelope.key, issued, expires, holder, generation, display, detail })
    }

    fn key_use(&self) -> Uses {
        match self.kind() {
            CodeKind::Phone => Uses::PHONE,
            CodeKind::Paper | CodeKind::Family => Uses::PAPER,
            CodeKind::Trip => Uses::TRIP,
            CodeKind::Foreign => Uses::default(),
        }
    }

    fn issued(&self) -> UnixSeconds {
        self.issued
    }

    fn within_rules(&self) -> Result<(), Reason> {
        self.validity_fits()
    }
}

fn read_detail(kind: CodeKind, reader: &mut Reader<'_>) -> Result<Detail, Fault> {
    Ok(match kind {
        CodeKind::Phone => {
            let root = *reader.bytes_of()?;
            let origin = Step(reader.u32()?);
            if origin > ORIGIN_MAX {
                return Err(Fault::Range);
            }
            Detail::Phone { root, origin }
        }
        // Not a kind that anything of ours is signed as.
        CodeKind::Foreign => return Err(Fault::Range),
        CodeKind::Paper => Detail::Paper,
        CodeKind::Family => Detail::Family,
        CodeKind::Trip => {
            let hub = HubId(reader.u32()?);
            let [from, until] = [UnixSeconds(reader.u32()?), UnixSeconds(reader.u32()?)];
            if until < from {
                return Err(Fault::Range);
            }
            Detail::Trip { hub, from, until }
        }
    })
}

/// What a gate may show of a person (R10): the first character of the name, a star, and the last four
/// characters of the id number, or fewer when it is no longer than eight.
pub fn masked(name: &str, id_number: &str) -> String {
    let shown = (id_number.chars().count() / 2).min(4);
    let tail = id_number.chars().rev().take(shown).collect::<Vec<_>>();
    name.chars().take(1).chain(['*']).chain(tail.into_iter().rev()).collect()
}
