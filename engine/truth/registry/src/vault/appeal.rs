//! What appellants say, sealed for one appeal, and what they appeal against, named without naming it.

use hufu_contract::AppealId;
use hufu_wire::{HolderIndex, IssuerId};
use zeroize::Zeroizing;

use super::{Vault, seal};
use crate::appeal::AppealSaid;
use crate::fault::Fault;
use crate::holder::Subject;

impl Vault {
    /// What a holder appeals against, for finding the same again: HMAC-SHA-256, keyed, per issuer and holder.
    pub(crate) fn appeal_subject(&self, issuer: IssuerId, holder: HolderIndex, against: &[u8]) -> Subject {
        self.digest(&[b"hufu/1 appeal subject", &issuer.0.to_le_bytes(), &holder.0.to_le_bytes(), against])
    }

    /// Seals what an appellant says.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] when the operating system gives no random bytes.
    pub(crate) fn seal_appeal(
        &self,
        issuer: IssuerId,
        id: AppealId,
        said: &AppealSaid,
    ) -> Result<Vec<u8>, Fault> {
        // With room from the start, so that no half of it is left behind in memory that grew.
        let mut plain = Zeroizing::new(Vec::with_capacity(16 * 1024));
        serde_json::to_writer(&mut *plain, said).map_err(|fault| Fault::Unavailable(fault.to_string()))?;
        self.sealing[0].seal(&place(issuer, id), &plain)
    }

    /// Opens what was sealed for an appeal.
    ///
    /// # Errors
    /// [`Fault::Misconfigured`] when the key is not in the key file; [`Fault::Damaged`] when the bytes were altered or
    /// sealed for another appeal.
    pub(crate) fn open_appeal(
        &self,
        issuer: IssuerId,
        id: AppealId,
        sealed: &[u8],
    ) -> Result<AppealSaid, Fault> {
        serde_json::from_slice(&self.open_said(issuer, id, sealed)?).map_err(|_| damaged(issuer, id))
    }

    /// The same sealed by the newest key; `None` when it is already.
    ///
    /// # Errors
    /// Those of [`open_appeal`](Self::open_appeal) and [`seal_appeal`](Self::seal_appeal).
    pub(crate) fn reseal_appeal(
        &self,
        issuer: IssuerId,
        id: AppealId,
        sealed: &[u8],
    ) -> Result<Option<Vec<u8>>, Fault> {
        if seal::key_of(sealed) == Some(self.newest()) {
            return Ok(None);
        }
        let plain = self.open_said(issuer, id, sealed)?;
        self.sealing[0].seal(&place(issuer, id), &plain).map(Some)
    }

    fn open_said(&self, issuer: IssuerId, id: AppealId, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let key_id = seal::key_of(sealed).ok_or_else(|| damaged(issuer, id))?;
        let key = self.sealing.iter().find(|key| key.id() == key_id).ok_or_else(|| {
            Fault::Misconfigured(format!(
                "appeal {id} of issuer {issuer} is sealed with key {key_id}, which is not in the vault's key file: put it \
                 back after the newest"
            ))
        })?;
        key.open(&place(issuer, id), sealed).ok_or_else(|| damaged(issuer, id))
    }
}

/// What is authenticated with the sealed words.
fn place(issuer: IssuerId, id: AppealId) -> Vec<u8> {
    [b"hufu/1 appeal".as_slice(), &issuer.0.to_le_bytes(), &id.0.to_le_bytes()].concat()
}

fn damaged(issuer: IssuerId, id: AppealId) -> Fault {
    Fault::Damaged(format!(
        "the words of appeal {id} of issuer {issuer} cannot be decrypted: the row was altered or moved"
    ))
}
