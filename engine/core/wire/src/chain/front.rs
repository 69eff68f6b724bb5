//! How every message of a chain begins.

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::ids::IssuerId;
use crate::message::Malformed;

/// The only version of every message here.
const VERSION: u32 = 1;

/// The first 16 bytes: which message it is, of which version, and whose chain it is about.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct Front {
    magic: [u8; 8],
    version: U32,
    issuer: U32,
}

impl Front {
    /// The front of the message that `magic` names.
    pub(super) fn new(magic: [u8; 8], issuer: IssuerId) -> Front {
        Front { magic, version: VERSION.into(), issuer: issuer.0.into() }
    }

    /// Whose chain it is, when it is the `message` that `magic` names; `another` says that it is not.
    pub(super) fn issuer(
        &self,
        message: &'static str,
        magic: [u8; 8],
        another: &'static str,
    ) -> Result<IssuerId, Malformed> {
        if self.magic != magic {
            return Err(Malformed { message, fault: another });
        }
        if self.version.get() != VERSION {
            return Err(Malformed { message, fault: "unknown version" });
        }
        Ok(IssuerId(self.issuer.get()))
    }
}
