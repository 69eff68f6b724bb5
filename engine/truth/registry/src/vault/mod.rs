//! The vault: seals personal fields before they reach the store (R45), and names people without naming them.
//!
//! The key file lies outside the database, so neither a copy of the database nor its administrator shows anybody's
//! name. Sealed bytes are a key id (4), a nonce (12), the ciphertext and a tag (16), AES-256-GCM; the issuer and the
//! index are authenticated with them, so a row moved to another holder does not open.

mod appeal;
mod binding;
mod fault;
mod file;
mod seal;

use core::fmt;

use aws_lc_rs::hmac;
use hufu_contract::Fact;
use hufu_wire::{HolderIndex, IssuerId};
use zeroize::Zeroizing;

use crate::fault::Fault;
use crate::holder::{Lookup, Subject};
use crate::id_number::IdNumber;
use crate::person::Person;
use crate::ticket::TicketKey;
use crate::trail::TrailKey;

pub use fault::VaultFault;
pub use file::{KeyFile, SealingSecret};
use seal::SealingKey;
pub use seal::SealingKeyId;

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
        // With room from the start, so that no half of it is left behind in memory that grew.
        let mut plain = Zeroizing::new(Vec::with_capacity(1024));
        serde_json::to_writer(&mut *plain, person).map_err(|fault| Fault::Unavailable(fault.to_string()))?;
        self.sealing[0].seal(&place(issuer, index), &plain)
    }

    /// Opens what was sealed for one place.
    ///
    /// # Errors
    /// [`Fault::Misconfigured`] when the key is not in the key file; [`Fault::Damaged`] when the bytes were altered
    /// or sealed for another place.
    pub fn open_person(&self, issuer: IssuerId, index: HolderIndex, sealed: &[u8]) -> Result<Person, Fault> {
        let plain = self.open_bytes(issuer, index, sealed)?;
        serde_json::from_slice(&plain).map_err(|_| damaged(issuer, index))
    }

    /// A fact of one holder, sealed, and its keyed digest: the same fact of the same holder has the same one.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] when the operating system gives no random bytes.
    pub fn seal_fact(
        &self,
        issuer: IssuerId,
        index: HolderIndex,
        fact: &Fact,
    ) -> Result<(Subject, Vec<u8>), Fault> {
        let mut plain = Zeroizing::new(Vec::with_capacity(8192));
        serde_json::to_writer(&mut *plain, fact).map_err(|fault| Fault::Unavailable(fault.to_string()))?;
        let [issuer_bytes, index_bytes] = [issuer.0, index.0].map(u32::to_le_bytes);
        let digest = self.digest(&[b"hufu/1 fact", &issuer_bytes, &index_bytes, &plain]);
        Ok((digest, self.sealing[0].seal(&fact_place(issuer, index, &digest), &plain)?))
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
        let plain = self.open_at(issuer, index, &fact_place(issuer, index, digest), sealed)?;
        serde_json::from_slice(&plain).map_err(|_| damaged(issuer, index))
    }

    /// The same fact sealed by the newest key; `None` when it is already.
    ///
    /// # Errors
    /// Those of [`open_fact`](Self::open_fact) and [`seal_fact`](Self::seal_fact).
    pub fn reseal_fact(
        &self,
        issuer: IssuerId,
        index: HolderIndex,
        digest: &Subject,
        sealed: &[u8],
    ) -> Result<Option<Vec<u8>>, Fault> {
        if seal::key_of(sealed) == Some(self.newest()) {
            return Ok(None);
        }
        let place = fact_place(issuer, index, digest);
        let plain = self.open_at(issuer, index, &place, sealed)?;
        self.sealing[0].seal(&place, &plain).map(Some)
    }

    /// The same fields sealed by the newest key; `None` when they are already.
    ///
    /// # Errors
    /// Those of [`open_person`](Self::open_person) and [`seal`](Self::seal).
    pub fn reseal(
        &self,
        issuer: IssuerId,
        index: HolderIndex,
        sealed: &[u8],
    ) -> Result<Option<Vec<u8>>, Fault> {
        if seal::key_of(sealed) == Some(self.newest()) {
            return Ok(None);
        }
        let plain = self.open_bytes(issuer, index, sealed)?;
        self.sealing[0].seal(&place(issuer, index), &plain).map(Some)
    }

    fn open_bytes(
        &self,
        issuer: IssuerId,
        index: HolderIndex,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Fault> {
        self.open_at(issuer, index, &place(issuer, index), sealed)
    }

    fn open_at(
        &self,
        issuer: IssuerId,
        index: HolderIndex,
        place: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let id = seal::key_of(sealed).ok_or_else(|| damaged(issuer, index))?;
        let key = self.sealing.iter().find(|key| key.id() == id).ok_or_else(|| {
            Fault::Misconfigured(format!(
                "holder {index} of issuer {issuer} is sealed with key {id}, which is not in the vault's key file: \
                 put it back after the newest"
            ))
        })?;
        key.open(place, sealed).ok_or_else(|| damaged(issuer, index))
    }
}

/// What is authenticated with the sealed fields.
fn place(issuer: IssuerId, index: HolderIndex) -> Vec<u8> {
    [b"hufu/1 holder".as_slice(), &issuer.0.to_le_bytes(), &index.0.to_le_bytes()].concat()
}

/// What is authenticated with a sealed fact.
fn fact_place(issuer: IssuerId, index: HolderIndex, digest: &Subject) -> Vec<u8> {
    [b"hufu/1 fact".as_slice(), &issuer.0.to_le_bytes(), &index.0.to_le_bytes(), &digest.0].concat()
}

fn damaged(issuer: IssuerId, index: HolderIndex) -> Fault {
    Fault::Damaged(format!(
        "the fields of holder {index} of issuer {issuer} cannot be decrypted: the row was altered or moved"
    ))
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault({} keys, newest {})", self.sealing.len(), self.newest())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: IssuerId = IssuerId(310_000);
    const SEVENTH: HolderIndex = HolderIndex(7);

    fn person() -> Person {
        Person::new(
            "王小明".into(),
            IdNumber::read("11010519491231002X").unwrap(),
            Some("+86 21 1234".into()),
        )
        .unwrap()
    }

    #[test]
    fn r45_sealed_fields_open_at_their_place_alone() {
        let vault = KeyFile::generate().unwrap().vault().unwrap();
        let sealed = vault.seal(ISSUER, SEVENTH, &person()).unwrap();
        assert_eq!(vault.open_person(ISSUER, SEVENTH, &sealed).unwrap(), person());
        assert_ne!(vault.seal(ISSUER, SEVENTH, &person()).unwrap(), sealed, "another nonce");
        assert!(!sealed.windows(6).any(|window| window == "王小".as_bytes()));

        let damaged = |found: Result<Person, Fault>| matches!(found, Err(Fault::Damaged(_)));
        assert!(damaged(vault.open_person(ISSUER, HolderIndex(8), &sealed)), "moved to another holder");
        assert!(damaged(vault.open_person(IssuerId(1), SEVENTH, &sealed)), "moved to another issuer");
        for at in 4..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert!(damaged(vault.open_person(ISSUER, SEVENTH, &altered)), "altered at {at}");
        }
        assert!(damaged(vault.open_person(ISSUER, SEVENTH, &sealed[..31])), "cut");
        assert!(damaged(vault.open_person(ISSUER, SEVENTH, &[])), "empty");
    }

    #[test]
    fn old_keys_open_and_the_newest_seals() {
        let mut file = KeyFile::generate().unwrap();
        let old = file.vault().unwrap();
        let sealed = old.seal(ISSUER, SEVENTH, &person()).unwrap();
        file.rotate().unwrap();
        let new = file.vault().unwrap();
        assert_eq!(new.open_person(ISSUER, SEVENTH, &sealed).unwrap(), person());
        let resealed = new.reseal(ISSUER, SEVENTH, &sealed).unwrap().unwrap();
        assert_eq!(new.reseal(ISSUER, SEVENTH, &resealed).unwrap(), None);
        assert_eq!(new.open_person(ISSUER, SEVENTH, &resealed).unwrap(), person());
        let found = old.open_person(ISSUER, SEVENTH, &resealed);
        assert!(matches!(found, Err(Fault::Misconfigured(_))), "the old file lacks the new key: {found:?}");
        let number = person();
        assert_eq!(old.subject(ISSUER, number.id_number()), new.subject(ISSUER, number.id_number()));
    }

    #[test]
    fn a_subject_says_who_in_one_issuer_only() {
        let vault = KeyFile::generate().unwrap().vault().unwrap();
        let number = |text| IdNumber::read(text).unwrap();
        let subject = vault.subject(ISSUER, &number("11010519491231002x"));
        assert_eq!(subject, vault.subject(ISSUER, &number("11010519491231002X")));
        assert_ne!(subject, vault.subject(IssuerId(1), &number("11010519491231002X")));
        assert_ne!(subject, vault.subject(ISSUER, &number("440524188001010014")));
        let other = KeyFile::generate().unwrap().vault().unwrap();
        assert_ne!(subject, other.subject(ISSUER, &number("11010519491231002X")), "keyed");
    }
}
