//! What a gate asks its engine for, to be able to go on without a network (R06), over QUIC or HTTPS.

use core::fmt;
use core::mem::size_of;

use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::ids::{IssuerId, Sequence};
use crate::message::{Malformed, Message, exactly, put};

/// Where records of checks without a network are handed over by HTTPS.
pub const OFFLINE_RECORDS_PATH: &str = "/v1/offline/records";

/// One thing that an engine hands out to gates whose site may go on without a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfflineAsk {
    /// The policy of the device's site: its table of the engine's file of sites, as text.
    Site,
    /// The operator's trust list, signed.
    TrustList,
    /// The issuers that have a list, each with those who sign its chain: [`OfflineIssuer`] after
    /// [`OfflineIssuer`].
    Issuers,
    /// The offline list of an issuer (docs/OFFLINE.md), a part of it.
    List {
        /// Whose list.
        issuer: IssuerId,
        /// The first byte of the part. Where the list ends the answer is empty.
        from: u32,
    },
    /// What an issuer's chain has become: change sets in order, and the last head when no set is left out.
    Chain {
        /// Whose chain.
        issuer: IssuerId,
        /// The last change set that the gate has.
        after: Sequence,
    },
}

/// An issuer that can have a list at a gate, and who else signs its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfflineIssuer {
    /// The issuer, which is the local authority.
    pub issuer: IssuerId,
    /// The national authority.
    pub national: IssuerId,
    /// Who publishes heads.
    pub publisher: IssuerId,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct AskLayout {
    part: u8,
    zero: [u8; 3],
    issuer: U32,
    from: U64,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct IssuerLayout {
    issuer: U32,
    national: U32,
    publisher: U32,
    zero: [u8; 4],
}

const _: () = assert!(size_of::<AskLayout>() == OfflineAsk::BYTES);
const _: () = assert!(size_of::<IssuerLayout>() == OfflineIssuer::BYTES);

impl OfflineAsk {
    /// Bytes of the payload.
    pub const BYTES: usize = 16;

    /// What a request over HTTPS asks for: the path and query that its `Display` gives. `None` for any other.
    pub fn from_path(path: &str) -> Option<OfflineAsk> {
        let rest = path.strip_prefix("/v1/offline/")?;
        match rest {
            "site" => return Some(OfflineAsk::Site),
            "trust-list" => return Some(OfflineAsk::TrustList),
            "issuers" => return Some(OfflineAsk::Issuers),
            _ => {}
        }
        if let Some((issuer, from)) = rest.strip_prefix("lists/").and_then(|rest| rest.split_once("?from=")) {
            return Some(OfflineAsk::List { issuer: IssuerId(number(issuer)?), from: number(from)? });
        }
        let (issuer, after) = rest.strip_prefix("chains/")?.split_once("?after=")?;
        Some(OfflineAsk::Chain { issuer: IssuerId(number(issuer)?), after: Sequence(number(after)?) })
    }
}

/// A number in decimal digits and nothing else.
fn number<N: core::str::FromStr>(text: &str) -> Option<N> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// The path and query of the request over HTTPS.
impl fmt::Display for OfflineAsk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("/v1/offline/")?;
        match self {
            OfflineAsk::Site => f.write_str("site"),
            OfflineAsk::TrustList => f.write_str("trust-list"),
            OfflineAsk::Issuers => f.write_str("issuers"),
            OfflineAsk::List { issuer, from } => write!(f, "lists/{issuer}?from={from}"),
            OfflineAsk::Chain { issuer, after } => write!(f, "chains/{issuer}?after={after}"),
        }
    }
}

impl Message<'_> for OfflineAsk {
    const NAME: &'static str = "offline ask";

    fn read_from(bytes: &[u8]) -> Result<OfflineAsk, Malformed> {
        let malformed = |fault| Malformed { message: Self::NAME, fault };
        let layout: &AskLayout = exactly(Self::NAME, bytes)?;
        let (issuer, from) = (IssuerId(layout.issuer.get()), layout.from.get());
        let ask = match layout.part {
            1 => OfflineAsk::Site,
            2 => OfflineAsk::TrustList,
            3 => OfflineAsk::Issuers,
            4 => {
                let from = u32::try_from(from).map_err(|_| malformed("no list is so long"))?;
                OfflineAsk::List { issuer, from }
            }
            5 => OfflineAsk::Chain { issuer, after: Sequence(from) },
            _ => return Err(malformed("unknown part")),
        };
        let has_more = layout.issuer.get() != 0 || from != 0;
        let takes_more = matches!(ask, OfflineAsk::List { .. } | OfflineAsk::Chain { .. });
        if layout.zero != [0; 3] || has_more && !takes_more {
            return Err(malformed("reserved bytes are not zero"));
        }
        Ok(ask)
    }

    fn size(&self) -> usize {
        Self::BYTES
    }

    fn write_to(&self, out: &mut [u8]) {
        let (part, issuer, from) = match *self {
            OfflineAsk::Site => (1, 0, 0),
            OfflineAsk::TrustList => (2, 0, 0),
            OfflineAsk::Issuers => (3, 0, 0),
            OfflineAsk::List { issuer, from } => (4, issuer.0, from.into()),
            OfflineAsk::Chain { issuer, after } => (5, issuer.0, after.0),
        };
        put(&AskLayout { part, zero: [0; 3], issuer: issuer.into(), from: from.into() }, out);
    }
}

impl OfflineIssuer {
    /// Bytes of one.
    pub const BYTES: usize = 16;
}

impl Message<'_> for OfflineIssuer {
    const NAME: &'static str = "offline issuer";

    fn read_from(bytes: &[u8]) -> Result<OfflineIssuer, Malformed> {
        let layout: &IssuerLayout = exactly(Self::NAME, bytes)?;
        if layout.zero != [0; 4] {
            return Err(Malformed { message: Self::NAME, fault: "reserved bytes are not zero" });
        }
        Ok(OfflineIssuer {
            issuer: IssuerId(layout.issuer.get()),
            national: IssuerId(layout.national.get()),
            publisher: IssuerId(layout.publisher.get()),
        })
    }

    fn size(&self) -> usize {
        Self::BYTES
    }

    fn write_to(&self, out: &mut [u8]) {
        let layout = IssuerLayout {
            issuer: self.issuer.0.into(),
            national: self.national.0.into(),
            publisher: self.publisher.0.into(),
            zero: [0; 4],
        };
        put(&layout, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{read, write};

    #[test]
    fn asks_have_one_form_as_bytes_and_one_as_a_path() {
        let issuer = IssuerId(110_000);
        for (ask, path) in [
            (OfflineAsk::Site, "/v1/offline/site"),
            (OfflineAsk::TrustList, "/v1/offline/trust-list"),
            (OfflineAsk::Issuers, "/v1/offline/issuers"),
            (OfflineAsk::List { issuer, from: 655_360 }, "/v1/offline/lists/110000?from=655360"),
            (
                OfflineAsk::Chain { issuer, after: Sequence(u64::MAX) },
                "/v1/offline/chains/110000?after=18446744073709551615",
            ),
        ] {
            let mut bytes = [0xff; OfflineAsk::BYTES];
            write(&ask, &mut bytes).unwrap();
            assert_eq!(read(&bytes), Ok(ask));
            assert_eq!((ask.to_string().as_str(), OfflineAsk::from_path(path)), (path, Some(ask)));
        }
        for path in [
            "/v1/offline/",
            "/v1/offline/site?",
            "/v1/offline/lists/1",
            "/v1/offline/lists/+1?from=0",
            "/v1/offline/lists/1?from=",
            "/v1/offline/lists/1?from=4294967296",
            "/v1/offline/chains/1?from=0",
            "/v1/enrol",
        ] {
            assert_eq!(OfflineAsk::from_path(path), None, "{path}");
        }
        for bytes in [
            [0; 16],
            [6; 16],
            [1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            [5, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            [4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0],
        ] {
            assert!(read::<OfflineAsk>(&bytes).is_err(), "{bytes:?}");
        }
    }
}
