//! One key of the keyring, and what keys are for.

use core::fmt;
use core::ops::BitOr;

use hufu_signature::PreparedKey;
use hufu_wire::{IssuerId, KeyId, UnixSeconds, limits};

/// A key that may verify: listed by the operator and never revoked.
#[derive(Clone, Debug)]
pub struct IssuerKey {
    /// The first eight bytes of SHA-256 over its public bytes.
    pub kid: KeyId,
    /// Whose key it is.
    pub issuer: IssuerId,
    /// What it may sign.
    pub uses: Uses,
    /// The first second in which it may sign.
    pub from: UnixSeconds,
    /// The last second in which it may sign. Codes and rosters that it signed until then are admitted until
    /// [`believed_until`](Self::believed_until).
    pub until: UnixSeconds,
    /// Ready to verify with.
    pub prepared: PreparedKey,
}

impl IssuerKey {
    /// The last second in which codes and rosters that it signed are admitted, however long they claim to be valid.
    pub fn believed_until(&self) -> UnixSeconds {
        UnixSeconds(self.until.0.saturating_add(limits::ENDED_KEY_S_MAX))
    }
}

/// What a key may sign.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Uses(u8);

const NAMES: [(Uses, &str); 7] = [
    (Uses::PHONE, "phone"),
    (Uses::PAPER, "paper"),
    (Uses::TRIP, "trip"),
    (Uses::ROSTER, "roster"),
    (Uses::INSTRUCTION, "instruction"),
    (Uses::CONFIRMATION, "confirmation"),
    (Uses::HEAD, "head"),
];

impl Uses {
    /// Phone credentials.
    pub const PHONE: Uses = Uses(1);
    /// Paper credentials.
    pub const PAPER: Uses = Uses(2);
    /// Trip credentials.
    pub const TRIP: Uses = Uses(4);
    /// Rosters.
    pub const ROSTER: Uses = Uses(8);
    /// A local authority's proposals of status changes (R21).
    pub const INSTRUCTION: Uses = Uses(16);
    /// The national platform's confirmations of them (R21).
    pub const CONFIRMATION: Uses = Uses(32);
    /// A publisher's heads: where a chain ends, and since when (R24).
    pub const HEAD: Uses = Uses(64);
    /// Every credential and rosters.
    pub const CODES: Uses = Uses(1 | 2 | 4 | 8);

    /// The uses with these bits, `None` when one is unknown.
    pub const fn from_bits(bits: u8) -> Option<Uses> {
        if bits < 128 { Some(Uses(bits)) } else { None }
    }

    /// The bits as a trust list carries them.
    pub const fn to_bits(self) -> u8 {
        self.0
    }

    /// Whether all of `others` are among these.
    pub const fn contain(self, others: Uses) -> bool {
        self.0 & others.0 == others.0
    }
}

impl BitOr for Uses {
    type Output = Uses;

    fn bitor(self, other: Uses) -> Uses {
        Uses(self.0 | other.0)
    }
}

impl fmt::Display for Uses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (_, name) in NAMES.iter().filter(|(uses, _)| self.contain(*uses)) {
            write!(f, "{separator}{name}")?;
            separator = ", ";
        }
        if self.0 == 0 { f.write_str("nothing") } else { Ok(()) }
    }
}

impl fmt::Debug for Uses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uses({self})")
    }
}
