//! Revoked certificates, as a list of digests that the operator signs.
//!
//! The gateway of the EU publishes three kinds of digest, each SHA-256 cut to 16 bytes: of the signature, of the
//! identifier, of country and identifier. Of an ES256 signature only `r`, its first half, is digested: `(r, -s)` verifies
//! as well as `(r, s)`.

use aws_lc_rs::digest::{SHA256, digest};
use hufu_codes::cbor::{Fault, Reader, Writer};
use hufu_codes::issue::OperatorSigner;
use hufu_signature::PreparedKey;

use crate::lists::{self, Dated, ListFault, ListKind};
use crate::signers::KeyId;

/// Most digests of one list: 64 MiB.
pub const REVOKED_MAX: usize = 1 << 22;

/// SHA-256, cut to 16 bytes.
pub type Digest16 = [u8; 16];

/// What is digested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Digested {
    /// The signature; of ES256 its first half.
    Signature = 1,
    /// The identifier.
    Id = 2,
    /// Country and identifier.
    CountryAndId = 3,
}

/// One kind of digests, of the certificates of one key or of any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The key; `None` for any.
    pub key_id: Option<KeyId>,
    /// What is digested.
    pub of: Digested,
    /// The digests, rising, each once.
    pub digests: Vec<Digest16>,
}

/// A list whose signature was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// What every list of the operator's says of itself.
    pub dated: Dated,
    /// Rising by key and kind.
    groups: Vec<Group>,
}

/// What is looked up of one certificate.
#[derive(Clone, Copy, Debug)]
pub struct Sought<'a> {
    /// The key that signed it.
    pub key_id: KeyId,
    /// Its signature, or the half of it that counts.
    pub signature: &'a [u8],
    /// Its country.
    pub country: &'a str,
    /// Its identifier.
    pub id: &'a str,
}

impl Digested {
    /// The kind with this number.
    pub const fn of_number(number: u8) -> Option<Digested> {
        match number {
            1 => Some(Digested::Signature),
            2 => Some(Digested::Id),
            3 => Some(Digested::CountryAndId),
            _ => None,
        }
    }

    /// The digest of this kind of a certificate.
    pub fn digest(self, sought: &Sought<'_>) -> Digest16 {
        match self {
            Digested::Signature => digest16(&[sought.signature]),
            Digested::Id => digest16(&[sought.id.as_bytes()]),
            Digested::CountryAndId => digest16(&[sought.country.as_bytes(), sought.id.as_bytes()]),
        }
    }
}

/// SHA-256 over the parts, cut to 16 bytes.
fn digest16(parts: &[&[u8]]) -> Digest16 {
    let whole = match parts {
        [one] => digest(&SHA256, one),
        parts => {
            let mut context = aws_lc_rs::digest::Context::new(&SHA256);
            for part in parts {
                context.update(part);
            }
            context.finish()
        }
    };
    whole.as_ref().first_chunk().copied().unwrap_or_default()
}

impl Revoked {
    /// Signs a list. Groups of one key and kind become one.
    pub fn sign(dated: Dated, groups: Vec<Group>, operator: &OperatorSigner) -> Vec<u8> {
        let mut all = std::collections::BTreeMap::<_, Vec<Digest16>>::new();
        for group in groups {
            all.entry((group.key_id, group.of)).or_default().extend(group.digests);
        }
        for digests in all.values_mut() {
            digests.sort_unstable();
            digests.dedup();
        }
        all.retain(|_, digests| !digests.is_empty());
        let count: usize = all.values().map(Vec::len).sum();
        let mut writer = Writer::new();
        dated.write(ListKind::Revocations, 2, &mut writer).uint(count as u64).array(all.len());
        for ((key_id, of), digests) in &all {
            let key_id = key_id.as_ref().map_or(&[][..], |key_id| key_id);
            writer.array(3).bytes(key_id).uint(*of as u8).bytes(digests.as_flattened());
        }
        operator.sign_payload(&writer.into_bytes())
    }

    /// Opens a list that `operator` signed.
    ///
    /// # Errors
    /// [`ListFault`] for any byte string but the one encoding, for another operator's, for digests that do not rise, and
    /// for another number of them than it declares.
    pub fn open(bytes: &[u8], operator: &PreparedKey) -> Result<Revoked, ListFault> {
        let mut reader = Reader::new(lists::payload(bytes, operator, ListKind::Revocations)?);
        let dated = Dated::read(ListKind::Revocations, 2, &mut reader)?;
        let declared = reader.uint()?;
        let (mut groups, mut found) = (Vec::new(), 0);
        for _ in 0..reader.array()? {
            let group = read_group(&mut reader)?;
            let after = |last: &Group| (last.key_id, last.of) < (group.key_id, group.of);
            if !groups.last().is_none_or(after) {
                return Err(Fault::Order.into());
            }
            found += group.digests.len();
            if found > REVOKED_MAX {
                return Err(ListFault::TooLong { count: found });
            }
            groups.push(group);
        }
        reader.end()?;
        if declared != found as u64 {
            return Err(ListFault::Count { declared, found: found as u64 });
        }
        Ok(Revoked { dated, groups })
    }

    /// Its groups.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// How many digests it has.
    pub fn len(&self) -> usize {
        self.groups.iter().map(|group| group.digests.len()).sum()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Whether a certificate is on it: at most three digests and six searches, no allocation.
    pub fn has(&self, sought: &Sought<'_>) -> bool {
        [Digested::Signature, Digested::Id, Digested::CountryAndId].into_iter().any(|of| {
            let groups = [None, Some(sought.key_id)].map(|key_id| self.group(key_id, of));
            if groups == [None, None] {
                return false;
            }
            let digest = of.digest(sought);
            groups.into_iter().flatten().any(|group| group.digests.binary_search(&digest).is_ok())
        })
    }

    fn group(&self, key_id: Option<KeyId>, of: Digested) -> Option<&Group> {
        let at = self.groups.binary_search_by_key(&(key_id, of), |group| (group.key_id, group.of));
        at.ok().map(|at| &self.groups[at])
    }
}

fn read_group(reader: &mut Reader<'_>) -> Result<Group, Fault> {
    reader.array_of(3)?;
    let key_id = match reader.bytes()? {
        [] => None,
        key_id => Some(key_id.try_into().map_err(|_| Fault::Range)?),
    };
    let of = Digested::of_number(reader.u8()?).ok_or(Fault::Range)?;
    let (digests, rest) = reader.bytes()?.as_chunks::<16>();
    if !rest.is_empty() || digests.is_empty() {
        return Err(Fault::Count);
    }
    if !digests.is_sorted_by(|a, b| a < b) {
        return Err(Fault::Order);
    }
    Ok(Group { key_id, of, digests: digests.to_vec() })
}
