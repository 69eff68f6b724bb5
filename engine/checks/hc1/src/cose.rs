//! The envelope of a certificate: `COSE_Sign1` (RFC 9052 section 4.2), read leniently.

use crate::cbor::{Key, Reader, Unreadable};
use crate::text::BYTES_MAX;

/// Header parameters, RFC 9052 section 3.1.
const ALGORITHM: Key<'_> = Key::Int(1);
const CRITICAL: Key<'_> = Key::Int(2);
const KEY_ID: Key<'_> = Key::Int(4);
/// `COSE_Sign1`, a CWT (RFC 8392 section 6), and CBOR that says that it is CBOR.
const TAGS: [u64; 3] = [18, 61, 55_799];
/// Most bytes of a message to verify around its header and payload: an array, `Signature1`, three heads.
const AROUND_BYTES: usize = 32;

/// A signed message that was read and is believed in nothing yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sign1<'b> {
    /// The protected header as it travelled.
    pub protected: &'b [u8],
    /// Its algorithm, by the number that COSE gives it.
    pub algorithm: i64,
    /// Its key id: that of the protected header, or where it has none that of the other one (hcert-spec, section 3.3.2).
    /// A wrong one in the protected header counts, as the EU's published test data expects (`common/CO22`).
    pub key_id: Option<&'b [u8]>,
    /// What was signed.
    pub payload: &'b [u8],
    /// The signature.
    pub signature: &'b [u8],
}

/// The bytes that a signature is over.
pub struct Message {
    bytes: [u8; BYTES_MAX + AROUND_BYTES],
    size: usize,
}

impl<'b> Sign1<'b> {
    /// Reads a message.
    ///
    /// # Errors
    /// [`Unreadable`] for everything that is none, and for one whose header has something critical that is unknown.
    pub fn read(bytes: &'b [u8]) -> Result<Sign1<'b>, Unreadable> {
        let mut reader = Reader::new(bytes);
        reader.untag(&TAGS)?;
        let (mut protected, mut payload, mut signature): (&[u8], &[u8], &[u8]) = (&[], &[], &[]);
        let (mut algorithms, mut key_ids, mut places) = ([None; 2], [None; 2], 0);
        reader.array(|place, reader| {
            places = place + 1;
            match place {
                0 => {
                    protected = reader.bytes()?;
                    if !protected.is_empty() {
                        let mut inner = Reader::new(protected);
                        (algorithms[0], key_ids[0]) = header(&mut inner)?;
                        inner.end()?;
                    }
                }
                1 => (algorithms[1], key_ids[1]) = header(reader)?,
                2 => payload = reader.bytes()?,
                3 => signature = reader.bytes()?,
                _ => return Err(Unreadable),
            }
            Ok(())
        })?;
        reader.end()?;
        let algorithm = algorithms[0].or(algorithms[1]).ok_or(Unreadable)?;
        if places != 4 {
            return Err(Unreadable);
        }
        Ok(Sign1 { protected, algorithm, key_id: key_ids[0].or(key_ids[1]), payload, signature })
    }

    /// What its signature is over (RFC 9052 section 4.4).
    ///
    /// # Errors
    /// [`Unreadable`] when it is longer than any certificate.
    pub fn message(&self) -> Result<Message, Unreadable> {
        let mut message = Message { bytes: [0; BYTES_MAX + AROUND_BYTES], size: 0 };
        message.push(b"\x84\x6aSignature1")?;
        message.byte_string(self.protected)?;
        message.byte_string(&[])?;
        message.byte_string(self.payload)?;
        Ok(message)
    }
}

/// The algorithm and the key id of a header.
fn header<'b>(reader: &mut Reader<'b>) -> Result<(Option<i64>, Option<&'b [u8]>), Unreadable> {
    let (mut algorithm, mut key_id) = (None, None);
    reader.map(|key, reader| {
        match key {
            ALGORITHM => algorithm = Some(reader.int()?),
            KEY_ID => key_id = Some(reader.bytes()?),
            // It demands that something is understood, and nothing is that could be demanded.
            CRITICAL => return Err(Unreadable),
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok((algorithm, key_id))
}

impl Message {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.size]
    }

    fn byte_string(&mut self, bytes: &[u8]) -> Result<(), Unreadable> {
        let [high, low] = u16::try_from(bytes.len()).map_err(|_| Unreadable)?.to_be_bytes();
        match (high, low) {
            (0, 0..24) => self.push(&[0x40 | low])?,
            (0, _) => self.push(&[0x58, low])?,
            _ => self.push(&[0x59, high, low])?,
        }
        self.push(bytes)
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), Unreadable> {
        let to = self.size + bytes.len();
        self.bytes.get_mut(self.size..to).ok_or(Unreadable)?.copy_from_slice(bytes);
        self.size = to;
        Ok(())
    }
}
