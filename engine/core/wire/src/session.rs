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

/// The two AES-128 keys of a session.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionKeys {
    /// Seals requests with AES-GCM; nonces are request counters.
    pub request: [u8; 16],
    /// Seals replies with AES-GCM-SIV (RFC 8452); nonces travel with the reply.
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
    zero: [u8; 8],
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
        if layout.zero != [0; 8] {
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
            zero: [0; 8],
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
    fn keys_do_not_show() {
        let keys = SessionKeys { request: [0xab; 16], reply: [0xcd; 16] };
        assert_eq!(format!("{keys:?}"), "SessionKeys(secret)");
    }
}
