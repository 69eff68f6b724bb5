//! The keys that sign certificates abroad (DSC, document signer certificates), as a list that the operator signs.

use core::ops::BitOr;

use aws_lc_rs::signature::{self, ParsedPublicKey};
use hufu_codes::cbor::{Fault, Reader, Writer};
use hufu_codes::issue::OperatorSigner;
use hufu_policy::foreign::Country;
use hufu_signature::PreparedKey;
use hufu_wire::UnixSeconds;

use crate::cose::Sign1;
use crate::lists::{self, Dated, ListFault, ListKind};

/// Items that describe one key.
const KEY_ITEMS: usize = 7;
/// Most keys of one list: the EU gateway had about 3,000 of 60 countries, the WHO's network is to have 190.
pub const SIGNERS_MAX: usize = 1 << 16;
/// Most keys that are tried for one certificate. An id has 8 bytes of a digest: two keys with one are chance or malice.
const TRIES_MAX: usize = 8;

/// A key id: the first 8 bytes of SHA-256 of the certificate, or what its publisher says instead.
pub type KeyId = [u8; 8];

/// What certificates prove, as a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kinds(u8);

/// An algorithm of certificates, with the kind of key that it is of. A key is never used as another one's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256. The key is an uncompressed point of 65 bytes.
    Es256,
    /// RSASSA-PSS with SHA-256 and a salt of 32 bytes, 2048 bits or more. The key is a DER `RSAPublicKey`.
    Ps256,
}

/// One key as a list describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedSigner {
    /// Its id.
    pub key_id: KeyId,
    /// Whose it is.
    pub country: Country,
    /// What it signs with.
    pub algorithm: Algorithm,
    /// The public key.
    pub public: Vec<u8>,
    /// The first second of its certificate's validity.
    pub from: UnixSeconds,
    /// The last second of it.
    pub until: UnixSeconds,
    /// What it may sign.
    pub kinds: Kinds,
}

/// A list whose signature was verified, ready to verify certificates.
pub struct Signers {
    /// What every list of the operator's says of itself.
    pub dated: Dated,
    /// By rising key id.
    signers: Vec<Signer>,
}

/// A key that is ready.
pub(crate) struct Signer {
    pub(crate) listed: ListedSigner,
    key: ParsedPublicKey,
}

/// Why no key is behind a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsigned {
    /// No key has its id.
    NoKey,
    /// None of those that have signed it.
    NotGenuine,
}

impl Kinds {
    /// Vaccinations.
    pub const VACCINATION: Kinds = Kinds(1);
    /// Tests.
    pub const TEST: Kinds = Kinds(2);
    /// Recoveries.
    pub const RECOVERY: Kinds = Kinds(4);
    /// All of them.
    pub const ALL: Kinds = Kinds(7);
    /// None.
    pub const NONE: Kinds = Kinds(0);

    /// The set with these bits, `None` when one is unknown.
    pub const fn from_bits(bits: u8) -> Option<Kinds> {
        if bits < 8 { Some(Kinds(bits)) } else { None }
    }

    /// Its bits.
    pub const fn to_bits(self) -> u8 {
        self.0
    }

    /// Whether all of `others` are among these.
    pub const fn contain(self, others: Kinds) -> bool {
        self.0 & others.0 == others.0
    }
}

impl BitOr for Kinds {
    type Output = Kinds;

    fn bitor(self, other: Kinds) -> Kinds {
        Kinds(self.0 | other.0)
    }
}

impl Algorithm {
    /// The number that COSE gives it.
    pub const fn cose(self) -> i64 {
        match self {
            Algorithm::Es256 => -7,
            Algorithm::Ps256 => -37,
        }
    }

    /// The algorithm with this number.
    pub const fn of_cose(number: i64) -> Option<Algorithm> {
        match number {
            -7 => Some(Algorithm::Es256),
            -37 => Some(Algorithm::Ps256),
            _ => None,
        }
    }

    /// A key of it, made ready. A point that is not on P-256 and an RSA key of fewer than 2048 bits are refused here.
    fn ready(self, public: &[u8]) -> Option<ParsedPublicKey> {
        match self {
            Algorithm::Es256 if public.len() == 65 => {
                ParsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, public).ok()
            }
            Algorithm::Es256 => None,
            Algorithm::Ps256 => ParsedPublicKey::new(&signature::RSA_PSS_2048_8192_SHA256, public).ok(),
        }
    }
}

impl ListedSigner {
    /// Whether its public key can be used at all.
    pub fn is_usable(&self) -> bool {
        self.from <= self.until && self.algorithm.ready(&self.public).is_some()
    }
}

impl Signers {
    /// Signs a list. The same key twice comes out once.
    pub fn sign(dated: Dated, signers: &[ListedSigner], operator: &OperatorSigner) -> Vec<u8> {
        let mut signers: Vec<_> = signers.iter().collect();
        signers.sort_by_key(|signer| (signer.key_id, &signer.public));
        signers.dedup_by_key(|signer| (signer.key_id, &signer.public));
        let mut writer = Writer::new();
        dated.write(ListKind::Signers, 1, &mut writer).array(signers.len());
        for signer in signers {
            writer.array(KEY_ITEMS).bytes(&signer.key_id).text(signer.country.as_str());
            writer.int(signer.algorithm.cose()).bytes(&signer.public);
            writer.uint(signer.from.0).uint(signer.until.0).uint(signer.kinds.to_bits());
        }
        operator.sign_payload(&writer.into_bytes())
    }

    /// Opens a list that `operator` signed.
    ///
    /// # Errors
    /// [`ListFault`] for any byte string but the one encoding, for another operator's, and for a key that cannot be used.
    pub fn open(bytes: &[u8], operator: &PreparedKey) -> Result<Signers, ListFault> {
        let payload = lists::payload(bytes, operator, ListKind::Signers)?;
        let mut reader = Reader::new(payload);
        let dated = Dated::read(ListKind::Signers, 1, &mut reader)?;
        let count = reader.array()?;
        if count > SIGNERS_MAX {
            return Err(ListFault::TooLong { count });
        }
        let mut signers: Vec<Signer> = Vec::with_capacity(count);
        for _ in 0..count {
            let listed = read_key(&mut reader)?;
            let after =
                |last: &Signer| (last.listed.key_id, &last.listed.public) < (listed.key_id, &listed.public);
            if !signers.last().is_none_or(after) {
                return Err(Fault::Order.into());
            }
            let key = listed.algorithm.ready(&listed.public).filter(|_| listed.from <= listed.until);
            let key = key.ok_or(ListFault::BadKey { country: listed.country, key_id: listed.key_id })?;
            signers.push(Signer { listed, key });
        }
        reader.end()?;
        Ok(Signers { dated, signers })
    }

    /// How many keys such a list would have: the same key twice comes out once.
    pub fn count(signers: &[ListedSigner]) -> usize {
        let keys = signers.iter().map(|signer| (signer.key_id, &signer.public));
        keys.collect::<std::collections::BTreeSet<_>>().len()
    }

    /// Its keys, by rising id.
    pub fn listed(&self) -> impl ExactSizeIterator<Item = &ListedSigner> {
        self.signers.iter().map(|signer| &signer.listed)
    }

    /// The key that signed a message: all with its id are tried, as far as their algorithm is the message's.
    pub(crate) fn signer_of(&self, message: &Sign1<'_>) -> Result<&Signer, Unsigned> {
        let mut reason = Unsigned::NoKey;
        let signed = message.message().map_err(|_| Unsigned::NotGenuine)?;
        let candidates = message.key_id.map_or(&[][..], |key_id| self.with_id(key_id));
        for signer in candidates.iter().take(TRIES_MAX) {
            reason = Unsigned::NotGenuine;
            let fits = signer.listed.algorithm.cose() == message.algorithm;
            if fits && signer.key.verify_sig(signed.bytes(), message.signature).is_ok() {
                return Ok(signer);
            }
        }
        Err(reason)
    }

    fn with_id(&self, key_id: &[u8]) -> &[Signer] {
        let from = self.signers.partition_point(|signer| signer.listed.key_id.as_slice() < key_id);
        let same = self.signers[from..].partition_point(|signer| signer.listed.key_id == key_id);
        &self.signers[from..from + same]
    }
}

fn read_key(reader: &mut Reader<'_>) -> Result<ListedSigner, Fault> {
    reader.array_of(KEY_ITEMS)?;
    Ok(ListedSigner {
        key_id: *reader.bytes_of()?,
        country: Country::of(reader.text()?).ok_or(Fault::Range)?,
        algorithm: Algorithm::of_cose(reader.int()?).ok_or(Fault::Range)?,
        public: reader.bytes()?.to_vec(),
        from: UnixSeconds(reader.u32()?),
        until: UnixSeconds(reader.u32()?),
        kinds: Kinds::from_bits(reader.u8()?).ok_or(Fault::Range)?,
    })
}
