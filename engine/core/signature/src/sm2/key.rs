//! A public key, ready to verify with.

use std::fmt;
use std::sync::Arc;

use sm2::AffinePoint;
use sm2::dsa::VerifyingKey;
use sm2::elliptic_curve::point::AffineCoordinates as _;
use sm3::{Digest as _, Sm3};

use super::DISTINGUISHING_ID;
use super::table::{self, Table};
use crate::key::KeyFault;

/// An SM2 public key with its table. Cloning shares it.
///
/// Making one takes about 4 ms and [`TABLE_BYTES`](Self::TABLE_BYTES), 256 KiB. The table of the base point, as large
/// again, is made with the first key and shared by all, so that verifying never has to allocate.
#[derive(Clone)]
pub struct Key(Arc<Prepared>);

struct Prepared {
    public: [u8; 65],
    /// Z, the digest of who signs and on which curve (GB/T 32918.2 section 5.5): every message begins with it.
    identity: [u8; 32],
    multiples: Table,
    /// For sums that need more than additions of different points.
    library: VerifyingKey,
}

/// The equation's a and b, big-endian (GB/T 32918.5): they are part of Z.
const CURVE: [[u8; 32]; 2] = [
    [
        0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, //
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfc,
    ],
    [
        0x28, 0xe9, 0xfa, 0x9e, 0x9d, 0x9f, 0x5e, 0x34, 0x4d, 0x5a, 0x9e, 0x4b, 0xcf, 0x65, 0x09,
        0xa7, //
        0xf3, 0x97, 0x89, 0xf5, 0x15, 0xab, 0x8f, 0x92, 0xdd, 0xbc, 0xbd, 0x41, 0x4d, 0x94, 0x0e, 0x93,
    ],
];

impl Key {
    /// Memory of one key's table, bytes; once more for the base point in every process that has such a key.
    pub const TABLE_BYTES: usize = Table::BYTES;

    /// Prepares the key with this encoding: `04`, then x and y of 32 bytes each (GM/T 0009 section 7.1).
    ///
    /// # Errors
    /// [`KeyFault`] tells why these bytes cannot be an issuer's key.
    pub fn new(public: &[u8; 65]) -> Result<Key, KeyFault> {
        let point = point(public)?;
        let library = VerifyingKey::from_affine(DISTINGUISHING_ID, point).map_err(|_| KeyFault::NotAPoint)?;
        table::base();
        let identity = identity(DISTINGUISHING_ID, &point);
        Ok(Key(Arc::new(Prepared { public: *public, identity, multiples: Table::of(&point), library })))
    }

    /// The key's encoding.
    pub fn public(&self) -> &[u8; 65] {
        &self.0.public
    }

    /// What SM3 takes in before any message of this key.
    pub(super) fn identity(&self) -> &[u8; 32] {
        &self.0.identity
    }

    pub(super) fn multiples(&self) -> &Table {
        &self.0.multiples
    }

    pub(super) fn library(&self) -> &VerifyingKey {
        &self.0.library
    }
}

/// The curve point that these bytes encode. Every point but infinity has exactly one encoding of 65 bytes that begins
/// with `04`, because coordinates of p and above are refused; and its order is the group's, so no point is of small order.
pub(super) fn point(public: &[u8; 65]) -> Result<AffinePoint, KeyFault> {
    let [4, coordinates @ ..] = public else { return Err(KeyFault::NotCanonical) };
    let (halves, _) = coordinates.as_chunks::<32>();
    let point = AffinePoint::from_coordinates(&halves[0].into(), &halves[1].into());
    point.into_option().ok_or(KeyFault::NotAPoint)
}

/// The digest e of a message, given in parts, that the key with this encoding signs; `None` for bytes that are no key.
/// For signers, and for devices that sign a digest.
pub fn digest(public: &[u8], message: &[&[u8]]) -> Option<[u8; 32]> {
    let point = point(public.try_into().ok()?).ok()?;
    let hash = Sm3::new().chain_update(identity(DISTINGUISHING_ID, &point));
    Some(message.iter().fold(hash, Sm3::chain_update).finalize().into())
}

/// Z of GB/T 32918.2 section 5.5: SM3 of the id's bits, the id, a, b, the base point and the key.
fn identity(id: &str, point: &AffinePoint) -> [u8; 32] {
    let bits = u16::try_from(8 * id.len()).unwrap_or(u16::MAX);
    let hash =
        Sm3::new().chain_update(bits.to_be_bytes()).chain_update(id).chain_update(CURVE.as_flattened());
    let base = AffinePoint::GENERATOR;
    let hash = hash.chain_update(base.x()).chain_update(base.y());
    hash.chain_update(point.x()).chain_update(point.y()).finalize().into()
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(")?;
        self.0.public.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}
