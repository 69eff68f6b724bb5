//! One type for each id, so that two of them cannot be swapped by mistake.

use core::fmt;

use crate::session::Suite;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// A status authority that issues credentials and colours, for example a province (GB/T 2260 code).
    IssuerId(u32)
}
id! {
    /// A holder's place in one issuer's status list: the index of a word in the table, nothing personal.
    HolderIndex(u32)
}
id! {
    /// A place with gates and one policy: a school, a station.
    SiteId(u32)
}
id! {
    /// A transit hub that trip codes name; several sites may belong to one hub.
    HubId(u32)
}
id! {
    /// A verifier device: a gate, a turnstile, a batch terminal. Small and dense, given by the operator's CA.
    DeviceId(u32)
}
id! {
    /// How often a device has been enrolled anew. Revoking generation `g` kills every certificate and cookie
    /// of generation `g` and below.
    DeviceGeneration(u32)
}
id! {
    /// One lane of a device that serves several: another gate to pass-back where the site says so.
    Lane(u16)
}
id! {
    /// The number of a check within one session: the counter of the sealed request, echoed in the verdict.
    CheckNumber(u64)
}
id! {
    /// Which cluster key sealed a cookie: the number of the key chain in the high 8 bits, and of the epoch in the
    /// low 23: Unix time divided by [`limits::EPOCH_S`](crate::limits::EPOCH_S). The bit between says that the cookie is
    /// sealed with SM4. Devices do not look into it.
    KeyEpoch(u32)
}
id! {
    /// Position of a change set in one issuer's chain.
    Sequence(u64)
}
id! {
    /// The rule that gave a colour, as the authority numbers its rules (R28).
    RuleId(u32)
}

impl KeyEpoch {
    /// Set in the epoch of a cookie that is sealed with SM4: epochs come this far in the year 7710.
    const SM4: u32 = 1 << 23;

    /// Epoch `number` of key chain `chain`; numbers are below 2^23.
    pub const fn of(chain: u8, number: u32) -> KeyEpoch {
        KeyEpoch((chain as u32) << 24 | number & 0x007f_ffff)
    }

    /// The same epoch for cookies that are sealed with `suite`.
    #[must_use]
    pub const fn sealed_with(self, suite: Suite) -> KeyEpoch {
        match suite {
            Suite::Aes => KeyEpoch(self.0 & !Self::SM4),
            Suite::Sm4 => KeyEpoch(self.0 | Self::SM4),
        }
    }

    /// What its cookie is sealed with. It selects a key and proves nothing: the cookie says it again inside.
    pub const fn suite(self) -> Suite {
        if self.0 & Self::SM4 == 0 { Suite::Aes } else { Suite::Sm4 }
    }

    /// The key chain.
    pub const fn chain(self) -> u8 {
        self.0.to_le_bytes()[3]
    }

    /// The epoch's number in its chain.
    pub const fn number(self) -> u32 {
        self.0 & 0x007f_ffff
    }
}

/// The `kid` of a signing key: the first eight bytes of SHA-256 over its 32 public bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 8]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_shown_as_people_type_them() {
        assert_eq!(IssuerId(110_000).to_string(), "110000");
        assert_eq!(KeyId([0, 1, 0x2a, 0xff, 4, 5, 6, 7]).to_string(), "00012aff04050607");
    }
}
