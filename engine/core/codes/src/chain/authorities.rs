//! Whose keys count for one chain.

use hufu_wire::{IssuerId, KeyId, UnixMillis};

use super::fault::ChainFaultKind;
use super::role::Role;
use crate::keyring::{IssuerKey, Keyring};

/// Who signs one issuer's chain. The operator configures it; the trust list says which keys they have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authorities {
    issuer: IssuerId,
    national: IssuerId,
    publisher: IssuerId,
}

/// The national platform cannot be the issuer itself: one authority's keys would be enough for everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("issuer {issuer} cannot confirm its own changes: name the national platform's issuer")]
pub struct SameAuthority {
    /// The issuer that was named twice.
    pub issuer: IssuerId,
}

impl Authorities {
    /// The chain of `issuer`, confirmed by keys of `national`, with heads by keys of `publisher`, which may be
    /// either of them or somebody else.
    ///
    /// # Errors
    /// [`SameAuthority`]: two different keys of one authority are still one authority (R21).
    pub fn new(
        issuer: IssuerId,
        national: IssuerId,
        publisher: IssuerId,
    ) -> Result<Authorities, SameAuthority> {
        if issuer == national {
            Err(SameAuthority { issuer })
        } else {
            Ok(Authorities { issuer, national, publisher })
        }
    }

    /// Whose chain it is.
    pub fn issuer(&self) -> IssuerId {
        self.issuer
    }

    /// Whose keys must have signed in a role.
    pub fn of(&self, role: Role) -> IssuerId {
        match role {
            Role::Local => self.issuer,
            Role::National => self.national,
            Role::Publisher => self.publisher,
        }
    }

    /// The key `kid`, if it may sign in `role` and was in force at `signed`.
    pub(super) fn key<'k>(
        &self,
        keyring: &'k Keyring,
        role: Role,
        kid: KeyId,
        signed: UnixMillis,
    ) -> Result<&'k IssuerKey, ChainFaultKind> {
        let key = keyring
            .key_for(kid, role.uses(), signed.seconds())
            .map_err(|reason| ChainFaultKind::Key { role, kid, reason })?;
        let wanted = self.of(role);
        if key.issuer == wanted {
            Ok(key)
        } else {
            Err(ChainFaultKind::AnotherAuthority { role, kid, found: key.issuer, wanted })
        }
    }
}
