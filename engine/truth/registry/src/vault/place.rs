//! Where sealed bytes belong.

use core::fmt;

use hufu_contract::{AppealId, BindingId};
use hufu_wire::{HolderIndex, IssuerId, UnixMillis};

use crate::fault::Fault;
use crate::holder::Subject;

/// Where sealed bytes belong: what is authenticated with them, so that they open nowhere else, and what a message calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub(super) authenticated: Vec<u8>,
    what: &'static str,
    noun: &'static str,
    number: u64,
    issuer: IssuerId,
}

impl Place {
    /// Of a holder's fields.
    pub fn holder(issuer: IssuerId, index: HolderIndex) -> Place {
        let [issuer_bytes, index_bytes] = [issuer.0, index.0].map(u32::to_le_bytes);
        let authenticated = [b"hufu/1 holder".as_slice(), &issuer_bytes, &index_bytes].concat();
        Place { authenticated, what: "fields", noun: "holder", number: index.0.into(), issuer }
    }

    /// Of a fact of a holder, by its keyed digest.
    pub fn fact(issuer: IssuerId, index: HolderIndex, digest: &Subject) -> Place {
        let [issuer_bytes, index_bytes] = [issuer.0, index.0].map(u32::to_le_bytes);
        let authenticated = [b"hufu/1 fact".as_slice(), &issuer_bytes, &index_bytes, &digest.0].concat();
        Place { authenticated, ..Place::holder(issuer, index) }
    }

    /// Of what an appellant says.
    pub fn appeal(issuer: IssuerId, id: AppealId) -> Place {
        let authenticated =
            [b"hufu/1 appeal".as_slice(), &issuer.0.to_le_bytes(), &id.0.to_le_bytes()].concat();
        Place { authenticated, what: "words", noun: "appeal", number: id.0, issuer }
    }

    /// Of the evidence of a binding: all that must not be altered in the row.
    pub fn binding(
        issuer: IssuerId,
        id: BindingId,
        [user, relative]: [HolderIndex; 2],
        made: UnixMillis,
        until: Option<UnixMillis>,
    ) -> Place {
        let mut authenticated = b"hufu/1 binding".to_vec();
        authenticated.extend(issuer.0.to_le_bytes());
        authenticated.extend(id.0.to_le_bytes());
        authenticated.extend(user.0.to_le_bytes());
        authenticated.extend(relative.0.to_le_bytes());
        authenticated.extend(made.0.to_le_bytes());
        // No time has all bits.
        authenticated.extend(until.map_or(u64::MAX, |until| until.0).to_le_bytes());
        Place { authenticated, what: "evidence", noun: "binding", number: id.0, issuer }
    }

    pub(super) fn damaged(&self) -> Fault {
        Fault::Damaged(format!(
            "the {} of {self} cannot be decrypted: the row was altered or moved",
            self.what
        ))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} of issuer {}", self.noun, self.number, self.issuer)
    }
}
