//! What the operator's two lists, of signers and of revocations, have in common.

use core::fmt;

use hufu_codes::cbor::{Fault, Reader, Writer};
use hufu_codes::cose::Sign1;
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

/// Which of the two lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListKind {
    /// Keys that sign certificates abroad.
    Signers,
    /// Certificates that were revoked.
    Revocations,
}

impl ListKind {
    /// What bytes are by their outside; no signature is verified.
    pub fn of(bytes: &[u8]) -> Option<ListKind> {
        ListKind::of_payload(Sign1::read(&mut Reader::new(bytes)).ok()?.payload)
    }

    fn of_payload(payload: &[u8]) -> Option<ListKind> {
        let is = |kind: &ListKind| {
            let mut reader = Reader::new(payload);
            reader.map_of(1).is_ok() && reader.key(kind.claim()).is_ok()
        };
        [ListKind::Signers, ListKind::Revocations].into_iter().find(is)
    }

    /// The private claim of such a list.
    const fn claim(self) -> i64 {
        match self {
            ListKind::Signers => -65560,
            ListKind::Revocations => -65561,
        }
    }
}

impl fmt::Display for ListKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ListKind::Signers => "signers",
            ListKind::Revocations => "revocations",
        })
    }
}

/// Why a list is not taken. The operator can act; an engine keeps the list that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListFault {
    /// Cut, not sorted, or not the one encoding of such a list.
    #[error("the list is cut or malformed: {0}; make it again with `hufu foreign`")]
    Malformed(Fault),
    /// Signed by this operator, and none of the two lists.
    #[error("this is no list of foreign {wanted}; name a file that `hufu foreign {wanted} import` wrote")]
    NoList {
        /// What it must be.
        wanted: ListKind,
    },
    /// The other one of the operator's two lists.
    #[error(
        "this is a list of foreign {found}, and one of foreign {wanted} is needed; name that file instead"
    )]
    AnotherList {
        /// What it is.
        found: ListKind,
        /// What it must be.
        wanted: ListKind,
    },
    /// Not signed by this operator.
    #[error(
        "the list is not signed by this operator: {}; make it again with the operator's key of this deployment",
        not_signed(.0)
    )]
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

// By hand: the words of the fault are in those of the list already, and a source would be said twice.
impl From<Fault> for ListFault {
    fn from(fault: Fault) -> ListFault {
        ListFault::Malformed(fault)
    }
}

fn not_signed(fault: &TrustFault) -> String {
    match fault {
        TrustFault::AnotherOperator { kid } => format!("its key is {kid}"),
        fault => fault.to_string(),
    }
}

impl Dated {
    /// Begins a list's payload: one claim, with these and `more` items.
    pub(crate) fn write(self, kind: ListKind, more: usize, writer: &mut Writer) -> &mut Writer {
        writer.map(1).int(kind.claim()).array(2 + more).uint(self.serial).uint(self.made_at.0)
    }

    pub(crate) fn read(kind: ListKind, more: usize, reader: &mut Reader<'_>) -> Result<Dated, Fault> {
        reader.map_of(1)?;
        reader.key(kind.claim())?;
        reader.array_of(2 + more)?;
        Ok(Dated { serial: reader.uint()?, made_at: UnixSeconds(reader.u32()?) })
    }
}

/// The payload of a list of this kind that this operator signed.
pub(crate) fn payload<'b>(
    bytes: &'b [u8],
    operator: &PreparedKey,
    wanted: ListKind,
) -> Result<&'b [u8], ListFault> {
    let payload = match open_signed(bytes, operator) {
        Ok(envelope) => envelope.payload,
        Err(TrustFault::Malformed(fault)) => return Err(fault.into()),
        Err(fault) => return Err(ListFault::NotSigned(fault)),
    };
    match ListKind::of_payload(payload) {
        Some(found) if found != wanted => Err(ListFault::AnotherList { found, wanted }),
        Some(_) => Ok(payload),
        None => Err(ListFault::NoList { wanted }),
    }
}

/// A key id, as people write it.
pub fn hex(key_id: &KeyId) -> String {
    format!("{:016x}", u64::from_be_bytes(*key_id))
}

#[cfg(test)]
mod tests {
    use hufu_codes::issue::OperatorSigner;
    use hufu_codes::keyring::TrustList;

    use super::*;
    use crate::revoked::Revoked;
    use crate::signers::Signers;

    #[test]
    fn r63_a_list_in_the_place_of_the_other_one_is_told_as_such() {
        let (operator, other) = (OperatorSigner::from_seed(&[2; 32]), OperatorSigner::from_seed(&[3; 32]));
        let key = PreparedKey::new(operator.public()).unwrap();
        let dated = Dated { serial: 1, made_at: UnixSeconds(9) };
        let signers = Signers::sign(dated, &[], &operator);
        let revoked = Revoked::sign(dated, Vec::new(), &operator);
        assert_eq!(
            (ListKind::of(&signers), ListKind::of(&revoked), ListKind::of(b"\x84")),
            (Some(ListKind::Signers), Some(ListKind::Revocations), None)
        );
        let said = Signers::open(&revoked, &key).err().unwrap().to_string();
        assert!(
            said.contains("a list of foreign revocations, and one of foreign signers is needed"),
            "{said}"
        );
        assert!(matches!(Revoked::open(&signers, &key), Err(ListFault::AnotherList { .. })));
        let trust = TrustList::sign(1, dated.made_at, &[], &operator);
        let said = Signers::open(&trust, &key).err().unwrap().to_string();
        assert!(said.starts_with("this is no list of foreign signers"), "{said}");
        let said = Signers::open(&Signers::sign(dated, &[], &other), &key).err().unwrap().to_string();
        assert!(!said.contains("trust list"), "{said}");
        let cut = Signers::open(&signers[..9], &key).map(drop).unwrap_err();
        assert!(std::error::Error::source(&cut).is_none(), "its cause would be said twice");
    }
}
