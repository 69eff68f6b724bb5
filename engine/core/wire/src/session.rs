//! What a cookie holds: the whole session, so that the engine keeps none.

use core::mem::size_of;

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::ids::{DeviceGeneration, DeviceId, SiteId};
use crate::message::{Malformed, Message, exactly, put};
use crate::time::UnixSeconds;

/// What a device may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope(u32);

/// Who a device is and what it may do, as its certificate says and its cookie repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The device.
    pub device: DeviceId,
    /// How often it was enrolled anew.
    pub generation: DeviceGeneration,
    /// The only site it may ask about.
    pub site: SiteId,
    /// What it may ask.
    pub scope: Scope,
}

/// A family of ciphers (docs/decisions/0041): what seals the packets of a session in both directions, and the fields of a
/// registry's vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Suite {
    /// AES-128-GCM for requests, AES-128-GCM-SIV (RFC 8452) for replies; AES-256-GCM in a vault.
    Aes = 0,
    /// SM4-GCM (RFC 8998) for all of them.
    Sm4 = 1,
}

/// Suites that one side knows or offers: a bit each. Bits of suites that are not known here are kept and mean nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suites(u32);

/// The two keys of a session, 128 bits each.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionKeys {
    /// Seals requests; nonces are request counters.
    pub request: [u8; 16],
    /// Seals replies; nonces travel with the reply.
    pub reply: [u8; 16],
}

/// The plain text of a cookie. Only engines ever see it: it travels sealed under the cluster's epoch key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookie {
    /// Whose cookie.
    pub grant: Grant,
    /// When it was made: tells a device's newer session from its older ones.
    pub issued: UnixSeconds,
    /// From when it is refused.
    pub expires: UnixSeconds,
    /// What its keys are for.
    pub suite: Suite,
    /// The session's keys.
    pub keys: SessionKeys,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Layout {
    device: U32,
    site: U32,
    generation: U32,
    scope: U32,
    issued_s: U32,
    expires_s: U32,
    suite: u8,
    zero: [u8; 7],
    request_key: [u8; 16],
    reply_key: [u8; 16],
}

const _: () = assert!(size_of::<Layout>() == Cookie::BYTES);

impl Scope {
    /// Single checks.
    pub const CHECKS: Scope = Scope(1);
    /// Single checks and whole rosters.
    pub const CHECKS_AND_ROSTERS: Scope = Scope(3);

    /// The scope with these bits, `None` for all but the two there are: rosters alone would grant nothing more
    /// than both, and nothing at all is no grant.
    pub const fn from_bits(bits: u32) -> Option<Scope> {
        if bits == 1 || bits == 3 { Some(Scope(bits)) } else { None }
    }

    /// The bits as they travel.
    pub const fn to_bits(self) -> u32 {
        self.0
    }

    /// Whether everything in `wanted` is allowed.
    pub const fn allows(self, wanted: Scope) -> bool {
        self.0 & wanted.0 == wanted.0
    }
}

impl Suite {
    /// Every suite, the one that is taken first where both sides know several.
    pub const ALL: [Suite; 2] = [Suite::Sm4, Suite::Aes];

    /// The suite with this number on the wire.
    pub const fn from_byte(byte: u8) -> Option<Suite> {
        match byte {
            0 => Some(Suite::Aes),
            1 => Some(Suite::Sm4),
            _ => None,
        }
    }

    /// Its name in settings and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Suite::Aes => "aes",
            Suite::Sm4 => "sm4",
        }
    }

    /// The suite with this name.
    pub fn from_name(name: &str) -> Option<Suite> {
        Suite::ALL.into_iter().find(|suite| suite.name() == name)
    }
}

impl Suites {
    /// AES alone: what a device says that says nothing.
    pub const AES: Suites = Suites(1 << Suite::Aes as u8);
    /// SM4 alone.
    pub const SM4: Suites = Suites(1 << Suite::Sm4 as u8);
    /// Both.
    pub const AES_AND_SM4: Suites = Suites(Suites::AES.0 | Suites::SM4.0);
    /// Bytes on the wire.
    pub const BYTES: usize = 4;

    /// Those with these names, `None` for a name that is unknown, or without any.
    pub fn from_names<N: AsRef<str>>(names: &[N]) -> Option<Suites> {
        let bits = names.iter().try_fold(0, |all, name| {
            let suite = Suite::from_name(name.as_ref())?;
            Some(all | 1 << suite as u8)
        })?;
        (bits != 0).then_some(Suites(bits))
    }

    /// Whether `suite` is among them.
    pub const fn contain(self, suite: Suite) -> bool {
        self.0 & 1 << suite as u8 != 0
    }

    /// The suite for a session between two sides: SM4 where both have it, or else AES where both have that.
    pub fn shared(self, other: Suites) -> Option<Suite> {
        Suite::ALL.into_iter().find(|suite| self.contain(*suite) && other.contain(*suite))
    }
}

impl Message<'_> for Suites {
    const NAME: &'static str = "suites";

    fn read_from(bytes: &[u8]) -> Result<Suites, Malformed> {
        let bits: &U32 = exactly(Self::NAME, bytes)?;
        Ok(Suites(bits.get()))
    }

    fn size(&self) -> usize {
        Self::BYTES
    }

    fn write_to(&self, out: &mut [u8]) {
        put(&U32::new(self.0), out);
    }
}

impl Cookie {
    /// Bytes of a cookie's plain text.
    pub const BYTES: usize = 64;
}

impl core::fmt::Debug for SessionKeys {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SessionKeys(secret)")
    }
}

impl Message<'_> for Cookie {
    const NAME: &'static str = "cookie";

    fn read_from(bytes: &[u8]) -> Result<Cookie, Malformed> {
        let malformed = |fault| Malformed { message: Self::NAME, fault };
        let layout: &Layout = exactly(Self::NAME, bytes)?;
        if layout.zero != [0; 7] {
            return Err(malformed("reserved bytes are not zero"));
        }
        Ok(Cookie {
            grant: Grant {
                device: DeviceId(layout.device.get()),
                generation: DeviceGeneration(layout.generation.get()),
                site: SiteId(layout.site.get()),
                scope: Scope::from_bits(layout.scope.get()).ok_or(malformed("unknown scope"))?,
            },
            issued: UnixSeconds(layout.issued_s.get()),
            expires: UnixSeconds(layout.expires_s.get()),
            suite: Suite::from_byte(layout.suite).ok_or(malformed("unknown suite"))?,
            keys: SessionKeys { request: layout.request_key, reply: layout.reply_key },
        })
    }

    fn size(&self) -> usize {
        Self::BYTES
    }

    fn write_to(&self, out: &mut [u8]) {
        let layout = Layout {
            device: self.grant.device.0.into(),
            site: self.grant.site.0.into(),
            generation: self.grant.generation.0.into(),
            scope: self.grant.scope.0.into(),
            issued_s: self.issued.0.into(),
            expires_s: self.expires.0.into(),
            suite: self.suite as u8,
            zero: [0; 7],
            request_key: self.keys.request,
            reply_key: self.keys.reply,
        };
        put(&layout, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_one_of_two_and_allows_no_more_than_it_names() {
        let scopes: Vec<u32> = (0..8).filter(|bits| Scope::from_bits(*bits).is_some()).collect();
        assert_eq!(scopes, [1, 3]);
        let (checks, both) = (Scope::CHECKS, Scope::CHECKS_AND_ROSTERS);
        assert_eq!([checks, both].map(Scope::to_bits), [1, 3]);
        assert_eq!(Scope::from_bits(3), Some(both));
        let allowed = [(checks, checks), (checks, both), (both, checks), (both, both)];
        assert_eq!(allowed.map(|(scope, wanted)| scope.allows(wanted)), [true, false, true, true]);
    }

    #[test]
    fn r45_sm4_is_taken_where_both_sides_have_it_and_nothing_where_they_share_none() {
        let (aes, sm4, both) = (Suites::AES, Suites::SM4, Suites::AES_AND_SM4);
        let pairs = [(aes, aes), (aes, both), (both, both), (sm4, both), (aes, sm4)];
        let shared = [Some(Suite::Aes), Some(Suite::Aes), Some(Suite::Sm4), Some(Suite::Sm4), None];
        assert_eq!(pairs.map(|(one, other)| one.shared(other)), shared);
        assert_eq!(pairs.map(|(one, other)| other.shared(one)), shared);
        assert_eq!(Suites::from_names(&["sm4", "aes"]), Some(both));
        assert_eq!([&["sm5"][..], &[]].map(Suites::from_names), [None, None]);
        for suite in Suite::ALL {
            assert_eq!(Suite::from_byte(suite as u8), Some(suite));
        }
    }

    #[test]
    fn suites_that_are_not_known_here_mean_nothing() {
        let of_tomorrow = crate::read::<Suites>(&[0b1111_1101, 0, 0, 0x80]).unwrap();
        assert_eq!(of_tomorrow.shared(Suites::AES_AND_SM4), Some(Suite::Aes));
        assert_eq!(of_tomorrow.shared(Suites::SM4), None);
    }

    #[test]
    fn keys_do_not_show() {
        let keys = SessionKeys { request: [0xab; 16], reply: [0xcd; 16] };
        assert_eq!(format!("{keys:?}"), "SessionKeys(secret)");
    }
}
