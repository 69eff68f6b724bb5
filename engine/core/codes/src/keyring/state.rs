//! What an engine keeps on disk so that a restart forgets no revocation and no version.

use hufu_signature::PreparedKey;
use hufu_wire::{KeyId, UnixSeconds};

use super::Keyring;
use super::fault::TrustFault;
use super::list::TrustList;
use super::update::REVOKED_MAX;
use crate::cbor::{Fault, Reader, Writer};
use crate::sha256;

/// The only layout there is.
const VERSION: u64 = 1;

impl Keyring {
    /// The keyring as bytes: the signed list it was made from, and every key ever revoked.
    ///
    /// A SHA-256 over the rest comes first, so that a damaged file is noticed. Whoever can write the file
    /// could drop a revocation that the list itself no longer carries: protect it like the engine's own
    /// program.
    pub fn to_state(&self) -> Vec<u8> {
        let revoked: Vec<u8> = self.revoked.iter().flat_map(|kid| kid.0).collect();
        let mut writer = Writer::new();
        writer.array(3).uint(VERSION).bytes(self.list.signed()).bytes(&revoked);
        let content = writer.into_bytes();
        [sha256::digest(&content).as_slice(), &content].concat()
    }

    /// The keyring that [`to_state`](Self::to_state) wrote. The list's signature is verified again.
    ///
    /// # Errors
    /// [`TrustFault::Damaged`], or those of [`TrustList::open`] and of single keys. An engine must not start
    /// with an empty keyring instead: it would forget revocations.
    pub fn from_state(bytes: &[u8], operator: &PreparedKey) -> Result<Keyring, TrustFault> {
        let (digest, content) = bytes.split_first_chunk::<32>().ok_or(TrustFault::Damaged)?;
        if sha256::digest(content) != *digest {
            return Err(TrustFault::Damaged);
        }
        let (list, revoked) = read_content(content).map_err(|_| TrustFault::Damaged)?;
        let kept = Keyring { revoked, ..Keyring::empty() };
        if list.is_empty() {
            return Ok(kept);
        }
        // The list was checked against its clock when it was taken.
        kept.update(&TrustList::open(list, operator)?, UnixSeconds(u32::MAX))
    }
}

fn read_content(content: &[u8]) -> Result<(&[u8], Vec<KeyId>), Fault> {
    let mut reader = Reader::new(content);
    reader.array_of(3)?;
    if reader.uint()? != VERSION {
        return Err(Fault::Range);
    }
    let list = reader.bytes()?;
    let (kids, rest) = reader.bytes()?.as_chunks::<8>();
    reader.end()?;
    if !rest.is_empty() || kids.len() > REVOKED_MAX {
        return Err(Fault::Count);
    }
    if !kids.is_sorted_by(|a, b| a < b) {
        return Err(Fault::Order);
    }
    Ok((list, kids.iter().copied().map(KeyId).collect()))
}
