//! What the operator's two lists, of signers and of revocations, have in common.

use hufu_codes::cbor::{Fault, Reader, Writer};
use hufu_codes::keyring::TrustFault;
use hufu_codes::open_signed;
use hufu_policy::foreign::Country;
use hufu_signature::PreparedKey;
use hufu_wire::UnixSeconds;

use crate::signers::KeyId;

/// What a list says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dated {
    /// Its number. An engine never goes back to a lower one.
    pub serial: u64,
    /// When the operator made it.
    pub made_at: UnixSeconds,
}

/// Why a list is not taken. The operator can act; an engine keeps the list that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListFault {
    /// Cut, not sorted, or not the one encoding of such a list.
    #[error("the list is cut or malformed: {0}; make it again with `hufu foreign`")]
    Malformed(#[from] Fault),
    /// Not signed by this operator.
    #[error("the list is not signed by this operator: {0}; sign it with the key whose public half the engine has")]
    NotSigned(TrustFault),
    /// More entries than an engine takes.
    #[error("{count} entries are more than an engine takes; leave out countries that no site accepts")]
    TooLong {
        /// How many it declares.
        count: usize,
    },
    /// Not the number of entries that it declares.
    #[error("the list declares {declared} entries and has {found}; make it again with `hufu foreign`")]
    Count {
        /// How many it declares.
        declared: u64,
        /// How many it has.
        found: u64,
    },
    /// The system gives no random bytes.
    #[error("the system gives no random bytes; look at its log")]
    NoRandomness,
    /// A key that cannot be used.
    #[error("key {} of {}: no key of P-256, nor of RSA with 2048 bits or more, or its validity ends before it begins", hex(key_id), country.as_str())]
    BadKey {
        /// Whose it is.
        country: Country,
        /// Its id.
        key_id: KeyId,
    },
}

impl Dated {
    /// Begins a list's payload: one claim, with these and `more` items.
    pub(crate) fn write(self, claim: i64, more: usize, writer: &mut Writer) -> &mut Writer {
        writer.map(1).int(claim).array(2 + more).uint(self.serial).uint(self.made_at.0)
    }

    pub(crate) fn read(claim: i64, more: usize, reader: &mut Reader<'_>) -> Result<Dated, Fault> {
        reader.map_of(1)?;
        reader.key(claim)?;
        reader.array_of(2 + more)?;
        Ok(Dated { serial: reader.uint()?, made_at: UnixSeconds(reader.u32()?) })
    }
}

/// The payload of a list that this operator signed.
pub(crate) fn payload<'b>(bytes: &'b [u8], operator: &PreparedKey) -> Result<&'b [u8], ListFault> {
    match open_signed(bytes, operator) {
        Ok(envelope) => Ok(envelope.payload),
        Err(TrustFault::Malformed(fault)) => Err(fault.into()),
        Err(fault) => Err(ListFault::NotSigned(fault)),
    }
}

/// A key id, as people write it.
pub fn hex(key_id: &KeyId) -> String {
    key_id.iter().map(|byte| format!("{byte:02x}")).collect()
}
