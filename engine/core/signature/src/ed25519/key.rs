//! An issuer's public key, ready to verify with.

use std::fmt;
use std::sync::Arc;

use curve25519_dalek::edwards::CompressedEdwardsY;

use super::point::Point;
use super::table::{self, Table};
use crate::key::KeyFault;

/// An Ed25519 public key with its tables. Cloning shares them.
///
/// Making one takes about 1.5 ms and [`TABLE_BYTES`](Self::TABLE_BYTES), 516 KiB. The table of the base point, 2.9 MiB,
/// is made in 8 ms with the first key and shared by all, so that verifying never has to allocate.
#[derive(Clone)]
pub struct Key {
    public: [u8; 32],
    minus_a: Arc<Table>,
}

impl Key {
    /// Memory of one key's table, bytes.
    pub const TABLE_BYTES: usize = Table::KEY_BYTES;
    /// Memory of the base point's table in every process that has a key, bytes.
    pub const BASE_TABLE_BYTES: usize = Table::BASE_BYTES;

    /// Prepares the key with this encoding (RFC 8032 section 5.1.2).
    ///
    /// A key with a torsion component is taken, as `verify_strict` takes it: the tables hold multiples of the
    /// very point, so that such a key gets `verify_strict`'s answers too.
    ///
    /// # Errors
    /// [`KeyFault`] tells why these bytes cannot be an issuer's key.
    pub fn new(public: &[u8; 32]) -> Result<Key, KeyFault> {
        let a = CompressedEdwardsY(*public).decompress().ok_or(KeyFault::NotAPoint)?;
        if a.compress().as_bytes() != public {
            return Err(KeyFault::NotCanonical);
        }
        if a.is_small_order() {
            return Err(KeyFault::SmallOrder);
        }
        // Decoded once more into our own limbs, after dalek has judged the bytes.
        let a = Point::decode(public).ok_or(KeyFault::NotAPoint)?;
        table::base();
        Ok(Key { public: *public, minus_a: Arc::new(Table::of_key(&a.negated())) })
    }

    /// The key's encoding.
    pub fn public(&self) -> &[u8; 32] {
        &self.public
    }

    pub(super) fn minus_a(&self) -> &Table {
        &self.minus_a
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(")?;
        self.public.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use curve25519_dalek::constants::EIGHT_TORSION;
    use ed25519_dalek::VerifyingKey;

    fn check(public: [u8; 32], expected: Option<KeyFault>) {
        assert_eq!(Key::new(&public).err(), expected, "{public:02x?}");
    }

    #[test]
    fn all_eight_points_of_small_order_are_refused() {
        for point in EIGHT_TORSION {
            check(point.compress().to_bytes(), Some(KeyFault::SmallOrder));
        }
    }

    #[test]
    fn every_second_encoding_of_a_point_is_refused() {
        let mut points = 0;
        for above_p in 0..19 {
            for sign in [0, 0x80] {
                let mut public = [0xff; 32];
                (public[0], public[31]) = (0xed + above_p, 0x7f | sign);
                let is_point = VerifyingKey::from_bytes(&public).is_ok();
                points += u32::from(is_point);
                check(public, Some(if is_point { KeyFault::NotCanonical } else { KeyFault::NotAPoint }));
            }
        }
        assert!(points > 0, "some of them are points");
        // x = 0 with its sign bit set: negative zero, at y = 1 and y = -1.
        for mut public in [EIGHT_TORSION[0], EIGHT_TORSION[4]].map(|point| point.compress().to_bytes()) {
            public[31] |= 0x80;
            check(public, Some(KeyFault::NotCanonical));
        }
    }

    #[test]
    fn what_is_no_point_is_refused() {
        let mut public = [0; 32];
        public[0] = 2;
        assert!(VerifyingKey::from_bytes(&public).is_err());
        check(public, Some(KeyFault::NotAPoint));
    }

    #[test]
    fn a_key_shows_its_public_bytes() {
        let public = curve25519_dalek::constants::ED25519_BASEPOINT_COMPRESSED.to_bytes();
        let key = Key::new(&public).unwrap();
        assert_eq!(key.public(), &public);
        assert_eq!(format!("{key:?}"), format!("Key({})", hex::encode(public)));
    }
}
