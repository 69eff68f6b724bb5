//! COSE_Sign1 (RFC 9052 section 4.2) with exactly one protected header.

use hufu_signature::{MESSAGE_PARTS, PublicKey, Scheme};
use hufu_wire::KeyId;

use crate::cbor::{Fault, Reader, Writer};
use crate::secret::Secret;
use crate::sha256;

/// Header label of the algorithm, RFC 9052 section 3.1.
const ALG: i64 = 1;
/// Header label of the key id, RFC 9052 section 3.1.
const KID: i64 = 4;

/// `Sig_structure` up to the protected header: the head of an array of four and the text `Signature1`.
const SIG_STRUCTURE: &[u8] = b"\x84\x6aSignature1";
/// The external data of `Sig_structure`: none.
const EXTERNAL_AAD: &[u8] = b"\x40";

/// A signed message that has been read and not yet verified. Untagged, payload attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sign1<'a> {
    /// How it claims to be signed; part of what is signed. Whoever looks up the key compares.
    pub scheme: Scheme,
    /// Whose signature it claims to carry; part of what is signed.
    pub key: KeyId,
    /// The signed content.
    pub payload: &'a [u8],
    /// As its scheme writes it.
    pub signature: &'a [u8; 64],
    /// The whole array, as it travelled.
    pub bytes: &'a [u8],
    protected_item: &'a [u8],
    payload_item: &'a [u8],
}

impl<'a> Sign1<'a> {
    /// Reads the next item as a `COSE_Sign1`: structure only.
    ///
    /// # Errors
    /// [`Fault`] for every byte string but the one encoding of its content.
    pub fn read(reader: &mut Reader<'a>) -> Result<Sign1<'a>, Fault> {
        let (sign1, bytes) = reader.spanned(|reader| {
            reader.array_of(4)?;
            let (protected, protected_item) = reader.spanned(Reader::bytes)?;
            reader.map_of(0)?;
            let (payload, payload_item) = reader.spanned(Reader::bytes)?;
            let signature = reader.bytes_of()?;
            let (scheme, key) = read_protected(protected)?;
            Ok(Sign1 { scheme, key, payload, signature, bytes: &[], protected_item, payload_item })
        })?;
        Ok(Sign1 { bytes, ..sign1 })
    }

    /// The signed bytes, as parts to be taken one after the other. `Sig_structure` (RFC 9052 section 4.4)
    /// repeats two items just as they travelled, so nothing is copied.
    pub fn message(&self) -> [&'a [u8]; MESSAGE_PARTS] {
        [SIG_STRUCTURE, self.protected_item, EXTERNAL_AAD, self.payload_item]
    }
}

/// The id of this key.
pub fn key_id(public: &PublicKey) -> KeyId {
    let digest = sha256::digest(public.bytes());
    KeyId(core::array::from_fn(|at| digest[at]))
}

/// A private key with its id.
pub(crate) struct SigningPair {
    secret: Secret,
    id: KeyId,
}

impl SigningPair {
    pub(crate) fn new(secret: Secret) -> SigningPair {
        let id = key_id(secret.public());
        SigningPair { secret, id }
    }

    pub(crate) fn public(&self) -> &PublicKey {
        self.secret.public()
    }

    pub(crate) fn id(&self) -> KeyId {
        self.id
    }

    /// The `COSE_Sign1` of `payload`.
    pub(crate) fn sign(&self, payload: &[u8]) -> Vec<u8> {
        let mut protected = Writer::new();
        protected.map(2).int(ALG).int(self.public().scheme().cose()).int(KID).bytes(&self.id.0);
        let protected = protected.into_bytes();

        let mut message = Writer::new();
        message.raw(SIG_STRUCTURE).bytes(&protected).raw(EXTERNAL_AAD).bytes(payload);
        let signature = self.secret.sign(&[&message.into_bytes()]);

        let mut sign1 = Writer::new();
        sign1.array(4).bytes(&protected).map(0).bytes(payload).bytes(&signature);
        sign1.into_bytes()
    }
}

fn read_protected(header: &[u8]) -> Result<(Scheme, KeyId), Fault> {
    let mut reader = Reader::new(header);
    reader.map_of(2)?;
    reader.key(ALG)?;
    let scheme = Scheme::of_cose(reader.int()?).ok_or(Fault::Range)?;
    reader.key(KID)?;
    let kid = reader.bytes_of()?;
    reader.end()?;
    Ok((scheme, KeyId(*kid)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_is_the_sig_structure() {
        let pair = SigningPair::new(Secret::ed25519(&[1; 32]));
        let bytes = pair.sign(b"payload");
        let sign1 = Sign1::read(&mut Reader::new(&bytes)).expect("our own message");
        assert_eq!(sign1.bytes, bytes);
        assert_eq!(sign1.key, key_id(pair.public()));

        let message = sign1.message().concat();
        let mut reader = Reader::new(&message);
        reader.array_of(4).expect("four items");
        assert_eq!(reader.text(), Ok("Signature1"));
        assert_eq!(reader.bytes().map(read_protected), Ok(Ok((Scheme::Ed25519, pair.id()))));
        assert_eq!(reader.bytes(), Ok(&b""[..]));
        assert_eq!(reader.bytes(), Ok(&b"payload"[..]));
        assert_eq!(reader.end(), Ok(()));
        assert!(pair.public().verify_once(&[&message], sign1.signature));
    }

    #[test]
    fn r01_only_the_one_header_is_read() {
        let header = |write: &dyn Fn(&mut Writer)| {
            let mut writer = Writer::new();
            write(&mut writer);
            read_protected(&writer.into_bytes())
        };
        let kid = [9; 8];
        assert_eq!(
            header(&|w| _ = w.map(2).int(1).int(-8).int(4).bytes(&kid)),
            Ok((Scheme::Ed25519, KeyId(kid)))
        );
        for (case, refused) in [
            ("another algorithm", header(&|w| _ = w.map(2).int(1).int(-7).int(4).bytes(&kid))),
            ("a number for private use", header(&|w| _ = w.map(2).int(1).int(-65_794).int(4).bytes(&kid))),
            ("no key id", header(&|w| _ = w.map(1).int(1).int(-8))),
            ("a short key id", header(&|w| _ = w.map(2).int(1).int(-8).int(4).bytes(&kid[1..]))),
            (
                "one header more",
                header(&|w| _ = w.map(3).int(1).int(-8).int(4).bytes(&kid).int(5).uint(0_u8)),
            ),
            ("keys out of order", header(&|w| _ = w.map(2).int(4).bytes(&kid).int(1).int(-8))),
            ("a key twice", header(&|w| _ = w.map(2).int(1).int(-8).int(1).int(-8))),
            ("bytes after it", header(&|w| _ = w.map(2).int(1).int(-8).int(4).bytes(&kid).int(0))),
        ] {
            assert!(refused.is_err(), "{case}");
        }
    }
}
