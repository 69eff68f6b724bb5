//! The trust list: every key an operator trusts, in one signed message.

use hufu_signature::{PreparedKey, PublicKey, Scheme};
use hufu_wire::{IssuerId, KeyId, UnixSeconds, limits};

use super::fault::TrustFault;
use super::key::Uses;
use crate::cbor::{Fault, Reader, Writer};
use crate::cose::{self, Sign1};
use crate::operator::{OperatorSigner, open_signed};
use crate::sha256;

/// Private claim of a trust list.
const TRUST_LIST: i64 = -65540;
/// Private claim of a trust list from before its keys named their schemes: all are of Ed25519.
const UNNAMED_SCHEMES: i64 = -65539;
/// Items that describe one key.
const KEY_ITEMS: usize = 9;
/// Items of a list that says nothing but its keys.
const PLAIN_ITEMS: usize = 3;
/// Items of a list that also says when the next one is due and which branches it settles.
const DATED_ITEMS: usize = 5;
/// Branches that one list settles: as many as engines may hold after a mistake, times a few.
const SETTLED_MAX: usize = 16;

/// SHA-256 over a whole signed trust list: which list it is, where two have one version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListDigest(pub [u8; 32]);

/// One key as a trust list describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedKey {
    /// Whose key it is.
    pub issuer: IssuerId,
    /// The public key.
    pub public: PublicKey,
    /// The first second in which it may sign.
    pub from: UnixSeconds,
    /// The last second in which it may sign; not before `from`.
    pub until: UnixSeconds,
    /// When it was first in a trust list; not after `from`.
    pub published: UnixSeconds,
    /// What it may sign.
    pub uses: Uses,
    /// Never to be trusted again.
    pub revoked: bool,
}

impl ListDigest {
    /// The digest of a signed list's bytes.
    pub fn of(signed: &[u8]) -> ListDigest {
        ListDigest(sha256::digest(signed))
    }
}

/// A trust list whose signature was verified: only [`TrustList::open`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustList {
    version: u64,
    made_at: UnixSeconds,
    next_by: Option<UnixSeconds>,
    settles: Vec<ListDigest>,
    keys: Vec<(KeyId, ListedKey)>,
    signed: Vec<u8>,
}

impl TrustList {
    /// Signs a list without a time by which the next one is due. Its keys are put in the order of their ids; a key
    /// given twice comes out twice and is refused by [`open`](Self::open).
    pub fn sign(
        version: u64,
        made_at: UnixSeconds,
        keys: &[ListedKey],
        operator: &OperatorSigner,
    ) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.map(1).int(TRUST_LIST).array(PLAIN_ITEMS).uint(version).uint(made_at.0);
        write_keys(&mut writer, keys);
        operator.sign_payload(&writer.into_bytes())
    }

    /// Signs a list whose successor must have been heard of by `next_by`, after `made_at`. `settles` names lists
    /// that this one follows although they contradict each other: see [`Keyring::update`](super::Keyring::update).
    pub fn sign_dated(
        version: u64,
        (made_at, next_by): (UnixSeconds, UnixSeconds),
        settles: &[ListDigest],
        keys: &[ListedKey],
        operator: &OperatorSigner,
    ) -> Vec<u8> {
        let mut settles = settles.to_vec();
        settles.sort_unstable();
        let mut writer = Writer::new();
        writer.map(1).int(TRUST_LIST).array(DATED_ITEMS).uint(version).uint(made_at.0).uint(next_by.0);
        writer.array(settles.len());
        for digest in &settles {
            writer.bytes(&digest.0);
        }
        write_keys(&mut writer, keys);
        operator.sign_payload(&writer.into_bytes())
    }

    /// Opens a list that `operator` signed.
    ///
    /// # Errors
    /// [`TrustFault::Malformed`] for every byte string but the one encoding, [`TrustFault::AnotherOperator`]
    /// when it names another key, [`TrustFault::NotGenuine`] when the signature is not the operator's, and
    /// the faults of single keys.
    pub fn open(bytes: &[u8], operator: &PreparedKey) -> Result<TrustList, TrustFault> {
        let list = read_payload(&open_signed(bytes, operator)?)?;
        list.keys.iter().try_for_each(|(kid, key)| sound(*kid, key))?;
        Ok(list)
    }

    /// The list before any list.
    pub(super) fn none() -> TrustList {
        TrustList {
            version: 0,
            made_at: UnixSeconds(0),
            next_by: None,
            settles: Vec::new(),
            keys: Vec::new(),
            signed: Vec::new(),
        }
    }

    /// Its number; a keyring never goes back to a lower one.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// When the operator made it.
    pub fn made_at(&self) -> UnixSeconds {
        self.made_at
    }

    /// The last second in which it may be the newest list; `None` in a list of before there were such times.
    pub fn next_by(&self) -> Option<UnixSeconds> {
        self.next_by
    }

    /// Which lists it settles, by rising digest.
    pub fn settles(&self) -> &[ListDigest] {
        &self.settles
    }

    /// Which list it is.
    pub fn digest(&self) -> ListDigest {
        ListDigest::of(&self.signed)
    }

    /// Its keys, by rising key id, revoked ones among them.
    pub fn keys(&self) -> &[(KeyId, ListedKey)] {
        &self.keys
    }

    /// The bytes it was opened from.
    pub fn signed(&self) -> &[u8] {
        &self.signed
    }
}

/// Reads the list in a payload, believing nothing about it yet.
fn read_payload(envelope: &Sign1<'_>) -> Result<TrustList, TrustFault> {
    let mut reader = Reader::new(envelope.payload);
    reader.map_of(1)?;
    let names_schemes = match reader.int()? {
        TRUST_LIST => true,
        UNNAMED_SCHEMES => false,
        _ => return Err(Fault::Key.into()),
    };
    let items = reader.array()?;
    let version = reader.uint()?;
    let made_at = UnixSeconds(reader.u32()?);
    let (next_by, settles) = match items {
        PLAIN_ITEMS => (None, Vec::new()),
        DATED_ITEMS => {
            let next_by = UnixSeconds(reader.u32()?);
            if next_by <= made_at {
                return Err(Fault::Range.into());
            }
            (Some(next_by), read_settled(&mut reader)?)
        }
        _ => return Err(Fault::Count.into()),
    };
    let count = reader.array()?;
    if count > limits::ISSUER_KEYS_MAX {
        return Err(TrustFault::TooManyKeys { count });
    }
    let mut keys: Vec<(KeyId, ListedKey)> = Vec::with_capacity(count);
    for _ in 0..count {
        let entry = read_key(&mut reader, names_schemes)?;
        if keys.last().is_some_and(|last| last.0 >= entry.0) {
            return Err(Fault::Order.into());
        }
        keys.push(entry);
    }
    reader.end()?;
    Ok(TrustList { version, made_at, next_by, settles, keys, signed: envelope.bytes.to_vec() })
}

fn read_settled(reader: &mut Reader<'_>) -> Result<Vec<ListDigest>, Fault> {
    let count = reader.array()?;
    if count > SETTLED_MAX {
        return Err(Fault::Count);
    }
    let mut settles = Vec::with_capacity(count);
    for _ in 0..count {
        settles.push(ListDigest(*reader.bytes_of()?));
    }
    if settles.is_sorted_by(|a, b| a < b) { Ok(settles) } else { Err(Fault::Order) }
}

/// The keys, in the order of their ids.
fn write_keys(writer: &mut Writer, keys: &[ListedKey]) {
    let mut keys: Vec<_> = keys.iter().map(|key| (cose::key_id(&key.public), key)).collect();
    keys.sort_by_key(|(kid, _)| *kid);
    writer.array(keys.len());
    for (kid, key) in keys {
        writer.array(KEY_ITEMS).bytes(&kid.0).uint(key.issuer.0);
        writer.int(key.public.scheme().cose()).bytes(key.public.bytes());
        writer.uint(key.from.0).uint(key.until.0).uint(key.published.0);
        writer.uint(key.uses.to_bits()).bool(key.revoked);
    }
}

fn read_key(reader: &mut Reader<'_>, names_scheme: bool) -> Result<(KeyId, ListedKey), TrustFault> {
    reader.array_of(KEY_ITEMS - usize::from(!names_scheme))?;
    let kid = KeyId(*reader.bytes_of()?);
    let issuer = IssuerId(reader.u32()?);
    let algorithm = if names_scheme { reader.int()? } else { Scheme::Ed25519.cose() };
    let scheme = Scheme::of_cose(algorithm).ok_or(TrustFault::UnknownScheme { kid, algorithm })?;
    let public = PublicKey::new(scheme, reader.bytes()?);
    let public = public.map_err(|fault| TrustFault::BadKey { kid, fault })?;
    let [from, until, published] = [reader.u32()?, reader.u32()?, reader.u32()?].map(UnixSeconds);
    let uses = Uses::from_bits(reader.u8()?).ok_or(Fault::Range)?;
    let revoked = reader.bool()?;
    Ok((kid, ListedKey { issuer, public, from, until, published, uses, revoked }))
}

/// Rules that one key must meet by itself.
fn sound(kid: KeyId, key: &ListedKey) -> Result<(), TrustFault> {
    if cose::key_id(&key.public) != kid {
        return Err(TrustFault::WrongKeyId { kid });
    }
    if key.published > key.from {
        return Err(TrustFault::UsedBeforePublished { kid });
    }
    if key.until < key.from {
        return Err(TrustFault::NeverInForce { kid });
    }
    Ok(())
}
