//! The sealed evidence of bindings (R27): what was signed and who consented.

use hufu_wire::IssuerId;
use zeroize::Zeroizing;

use super::{Vault, seal};
use crate::family::{Evidence, StoredBinding};
use crate::fault::Fault;

impl Vault {
    /// Seals the evidence of a binding for its place ([`StoredBinding::place`]).
    ///
    /// # Errors
    /// [`Fault::Unavailable`] when the operating system gives no random bytes.
    pub fn seal_evidence(&self, place: &[u8], evidence: &Evidence) -> Result<Vec<u8>, Fault> {
        let mut plain = Zeroizing::new(Vec::with_capacity(64 * 1024));
        serde_json::to_writer(&mut *plain, evidence)
            .map_err(|fault| Fault::Unavailable(fault.to_string()))?;
        self.sealing[0].seal(place, &plain)
    }

    /// Opens the evidence of a binding.
    ///
    /// # Errors
    /// [`Fault::Misconfigured`] when the key is not in the key file; [`Fault::Damaged`] when the row was altered or moved.
    pub fn open_evidence(&self, issuer: IssuerId, binding: &StoredBinding) -> Result<Evidence, Fault> {
        let plain = self.open_binding(issuer, binding)?;
        serde_json::from_slice(&plain).map_err(|_| damaged(issuer, binding))
    }

    /// The same evidence sealed by the newest key; `None` when it is already.
    ///
    /// # Errors
    /// Those of [`open_evidence`](Self::open_evidence) and [`seal_evidence`](Self::seal_evidence).
    pub fn reseal_evidence(
        &self,
        issuer: IssuerId,
        binding: &StoredBinding,
    ) -> Result<Option<Vec<u8>>, Fault> {
        if seal::key_of(&binding.sealed) == Some(self.newest()) {
            return Ok(None);
        }
        let plain = self.open_binding(issuer, binding)?;
        self.sealing[0].seal(&binding.place(issuer), &plain).map(Some)
    }

    fn open_binding(&self, issuer: IssuerId, binding: &StoredBinding) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let id = seal::key_of(&binding.sealed).ok_or_else(|| damaged(issuer, binding))?;
        let key = self.sealing.iter().find(|key| key.id() == id).ok_or_else(|| {
            Fault::Misconfigured(format!(
                "binding {} of issuer {issuer} is sealed with key {id}, which is not in the vault's key file: put it back \
                 after the newest",
                binding.id
            ))
        })?;
        key.open(&binding.place(issuer), &binding.sealed).ok_or_else(|| damaged(issuer, binding))
    }
}

fn damaged(issuer: IssuerId, binding: &StoredBinding) -> Fault {
    Fault::Damaged(format!(
        "the evidence of binding {} of issuer {issuer} cannot be decrypted: the row was altered or moved",
        binding.id
    ))
}
