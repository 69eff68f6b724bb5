//! The vault: seals personal fields before they reach the store (R45), and names people without naming them.
//!
//! The key file lies outside the database, so neither a copy of the database nor its administrator shows anybody's
//! name. Sealed bytes are a key id (4), a nonce (12), the ciphertext and a tag (16), AES-256-GCM or SM4-GCM as the key's line in
//! the file says; the issuer and the index are authenticated with them, so a row moved to another holder does not open.

mod fault;
mod file;
mod place;
mod seal;

use core::fmt;

use aws_lc_rs::hmac;
use hufu_contract::{AppealId, Fact};
use hufu_wire::{HolderIndex, IssuerId, Suite};
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::appeal::AppealSaid;
use crate::family::{Evidence, StoredBinding};
use crate::fault::Fault;
use crate::holder::{Lookup, Subject};
use crate::id_number::IdNumber;
use crate::person::Person;
use crate::ticket::TicketKey;
use crate::trail::TrailKey;

pub use fault::VaultFault;
use file::seals;
pub use file::{KeyFile, SealingSecret};
pub use place::Place;
pub use seal::SealingKeyId;
use seal::{SealingKey, random};

/// Everything that opens, seals and names holders.
pub struct Vault {
    /// Newest first; the newest seals, all open.
    sealing: Vec<SealingKey>,
    index: hmac::Key,
    trail: TrailKey,
}

impl Vault {
    /// The key that seals now.
    pub fn newest(&self) -> SealingKeyId {
        self.sealing[0].id()
    }

    /// Seals the trail's lines; stays the same for good, as the index key does.
    pub fn trail_key(&self) -> TrailKey {
        self.trail.clone()
    }

    /// Who has this id number, for finding them again: HMAC-SHA-256 of its one spelling, keyed, per issuer.
    pub fn subject(&self, issuer: IssuerId, number: &IdNumber) -> Subject {
        self.digest(&[b"hufu/1 subject", &issuer.0.to_le_bytes(), number.as_str().as_bytes()])
    }

    /// Who a second person with an id number is that an earlier holder has: HMAC-SHA-256 of the number and the place.
    pub fn twin(&self, issuer: IssuerId, number: &IdNumber, index: HolderIndex) -> Subject {
        self.digest(&[
            b"hufu/1 twin",
            &issuer.0.to_le_bytes(),
            &index.0.to_le_bytes(),
            number.as_str().as_bytes(),
        ])
    }

    /// How the holders of this id number are found.
    pub fn lookup(&self, issuer: IssuerId, number: &IdNumber) -> Lookup {
        let stateless = number.without_state().map(|number| self.subject(issuer, &number));
        Lookup { number: self.subject(issuer, number), stateless }
    }

    /// Which ticket an office's number is: HMAC-SHA-256 of issuer, office and number. No office's name has a line feed.
    pub fn ticket(&self, issuer: IssuerId, office: &str, ticket: &str) -> TicketKey {
        let office_ends = b"\n";
        let parts = [
            b"hufu/1 ticket".as_slice(),
            &issuer.0.to_le_bytes(),
            office.as_bytes(),
            office_ends,
            ticket.as_bytes(),
        ];
        TicketKey(self.digest(&parts).0)
    }

    fn digest(&self, parts: &[&[u8]]) -> Subject {
        let mut context = hmac::Context::with_key(&self.index);
        for part in parts {
            context.update(part);
        }
        let mut subject = [0; 32];
        subject.copy_from_slice(context.sign().as_ref());
        Subject(subject)
    }

    /// Seals a person's fields for one place.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] when the operating system gives no random bytes.
    pub fn seal(&self, issuer: IssuerId, index: HolderIndex, person: &Person) -> Result<Vec<u8>, Fault> {
        self.seal_plain(&Place::holder(issuer, index), &plain(person, 1024)?)
    }

    /// Opens what was sealed for one place.
    ///
    /// # Errors
    /// [`Fault::Misconfigured`] when the key is not in the key file; [`Fault::Damaged`] when the bytes were altered
    /// or sealed for another place.
    pub fn open_person(&self, issuer: IssuerId, index: HolderIndex, sealed: &[u8]) -> Result<Person, Fault> {
        self.open_value(&Place::holder(issuer, index), sealed)
    }

    /// A fact of one holder, sealed, and its keyed digest: the same fact of the same holder has the same one. Only each
    /// [`Fact::Record`] has another one, for several joins and partings of a second are as many facts.
    ///
    /// # Errors
    /// Those of [`seal`](Self::seal).
    pub fn seal_fact(
        &self,
        issuer: IssuerId,
        index: HolderIndex,
        fact: &Fact,
    ) -> Result<(Subject, Vec<u8>), Fault> {
        let plain = plain(fact, 8192)?;
        let [issuer_bytes, index_bytes] = [issuer.0, index.0].map(u32::to_le_bytes);
        let apart = if matches!(fact, Fact::Record { .. }) { random::<16>()?.to_vec() } else { Vec::new() };
        let digest = self.digest(&[b"hufu/1 fact", &issuer_bytes, &index_bytes, &plain, &apart]);
        Ok((digest, self.seal_plain(&Place::fact(issuer, index, &digest), &plain)?))
    }

    /// Opens a fact.
    ///
    /// # Errors
    /// Those of [`open_person`](Self::open_person).
    pub fn open_fact(
        &self,
        issuer: IssuerId,
        index: HolderIndex,
        digest: &Subject,
        sealed: &[u8],
    ) -> Result<Fact, Fault> {
        self.open_value(&Place::fact(issuer, index, digest), sealed)
    }

    /// What a holder appeals against, for finding the same again: HMAC-SHA-256, keyed, per issuer and holder.
    pub(crate) fn appeal_subject(&self, issuer: IssuerId, holder: HolderIndex, against: &[u8]) -> Subject {
        self.digest(&[b"hufu/1 appeal subject", &issuer.0.to_le_bytes(), &holder.0.to_le_bytes(), against])
    }

    /// Seals what an appellant says.
    ///
    /// # Errors
    /// Those of [`seal`](Self::seal).
    pub(crate) fn seal_appeal(
        &self,
        issuer: IssuerId,
        id: AppealId,
        said: &AppealSaid,
    ) -> Result<Vec<u8>, Fault> {
        self.seal_plain(&Place::appeal(issuer, id), &plain(said, 16 * 1024)?)
    }

    /// Opens what was sealed for an appeal.
    ///
    /// # Errors
    /// Those of [`open_person`](Self::open_person).
    pub(crate) fn open_appeal(
        &self,
        issuer: IssuerId,
        id: AppealId,
        sealed: &[u8],
    ) -> Result<AppealSaid, Fault> {
        self.open_value(&Place::appeal(issuer, id), sealed)
    }

    /// Seals the evidence of a binding for its place.
    ///
    /// # Errors
    /// Those of [`seal`](Self::seal).
    pub fn seal_evidence(&self, place: &Place, evidence: &Evidence) -> Result<Vec<u8>, Fault> {
        self.seal_plain(place, &plain(evidence, 64 * 1024)?)
    }

    /// Opens the evidence of a binding.
    ///
    /// # Errors
    /// Those of [`open_person`](Self::open_person).
    pub fn open_evidence(&self, issuer: IssuerId, binding: &StoredBinding) -> Result<Evidence, Fault> {
        self.open_value(&binding.place(issuer), &binding.sealed)
    }

    /// The same bytes sealed by the newest key; `None` when they are already.
    ///
    /// # Errors
    /// Those of [`open_person`](Self::open_person) and [`seal`](Self::seal).
    pub fn reseal(&self, place: &Place, sealed: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        if seal::key_of(sealed) == Some(self.newest()) {
            return Ok(None);
        }
        self.seal_plain(place, &self.open_plain(place, sealed)?).map(Some)
    }

    /// What to do about a key that is not there.
    fn missing(&self, place: &Place, id: SealingKeyId) -> String {
        match self.sealing.iter().find_map(|key| key.is_mistaken_for(id)) {
            None => format!(
                "{place} is sealed with key {id}, which this registry did not find in the vault's key file: put it back after the \
                 newest, or restart the registry, if the key is in the file"
            ),
            Some(wrong) => {
                let right = if wrong == Suite::Aes { Suite::Sm4 } else { Suite::Aes };
                format!(
                    "{place} is sealed with key {id}, which is in the vault's key file as a key of {}: begin its line \
                     with `{}`",
                    wrong.name(),
                    seals(right)
                )
            }
        }
    }

    fn seal_plain(&self, place: &Place, plain: &[u8]) -> Result<Vec<u8>, Fault> {
        self.sealing[0].seal(&place.authenticated, plain)
    }

    fn open_value<T: DeserializeOwned>(&self, place: &Place, sealed: &[u8]) -> Result<T, Fault> {
        serde_json::from_slice(&self.open_plain(place, sealed)?).map_err(|_| place.damaged())
    }

    fn open_plain(&self, place: &Place, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let id = seal::key_of(sealed).ok_or_else(|| place.damaged())?;
        let key = self.sealing.iter().find(|key| key.id() == id);
        let key = key.ok_or_else(|| Fault::Misconfigured(self.missing(place, id)))?;
        key.open(&place.authenticated, sealed).ok_or_else(|| place.damaged())
    }
}

/// What is to be sealed, with `room` from the start, so that no half of it is left behind in memory that grew.
fn plain(value: &impl Serialize, room: usize) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let mut plain = Zeroizing::new(Vec::with_capacity(room));
    serde_json::to_writer(&mut *plain, value).map_err(|fault| Fault::Unavailable(fault.to_string()))?;
    Ok(plain)
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault({} keys, newest {})", self.sealing.len(), self.newest())
    }
}

#[cfg(test)]
mod tests;
