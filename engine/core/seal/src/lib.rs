//! Suites that seal bytes with a key: AES-GCM and AES-GCM-SIV of aws-lc, and SM4-GCM (RFC 8998) beside them (R45).
//!
//! One key type for all of them, chosen where the key is made: what seals and opens with it does not ask which it is.
//! Bytes are sealed and opened where they lie; nothing is allocated for SM4.

use core::fmt;

use aes_gcm::aead::consts::U12;
use aes_gcm::{AeadInOut as _, AesGcm, KeyInit as _};
use aws_lc_rs::aead::{
    AES_128_GCM, AES_128_GCM_SIV, AES_256_GCM, Aad, Algorithm, LessSafeKey, Nonce, UnboundKey,
};
use aws_lc_rs::error::Unspecified;
use sm4::Sm4;
use sm4::cipher::BlockCipherEncrypt as _;

/// Bytes of a nonce, whatever the key.
pub const NONCE_BYTES: usize = 12;
/// Bytes of a tag, whatever the key.
pub const TAG_BYTES: usize = 16;

const BLOCK_BYTES: usize = 16;

/// A key that seals and opens bytes. Wiped when it is dropped, and never printed.
pub struct Key(Kind);

enum Kind {
    Aes(LessSafeKey),
    Sm4(Sm4Gcm),
    Sm4Shared { key: Sm4Gcm, nonces: NonceKey },
}

type Sm4Gcm = AesGcm<Sm4, U12>;

/// The bytes could not be sealed: the cryptographic library failed, or they are longer than 64 GiB. We are at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotSealed;

impl Key {
    /// AES-128-GCM. A nonce that seals two texts gives the key away.
    ///
    /// # Errors
    /// [`NotSealed`] when the cryptographic library fails.
    pub fn aes_128_gcm(key: &[u8; 16]) -> Result<Key, NotSealed> {
        Key::aes(&AES_128_GCM, key)
    }

    /// AES-128-GCM-SIV (RFC 8452). A nonce that seals two texts gives away whether they are equal.
    ///
    /// # Errors
    /// As [`aes_128_gcm`](Self::aes_128_gcm).
    pub fn aes_128_gcm_siv(key: &[u8; 16]) -> Result<Key, NotSealed> {
        Key::aes(&AES_128_GCM_SIV, key)
    }

    /// AES-256-GCM.
    ///
    /// # Errors
    /// As [`aes_128_gcm`](Self::aes_128_gcm).
    pub fn aes_256_gcm(key: &[u8; 32]) -> Result<Key, NotSealed> {
        Key::aes(&AES_256_GCM, key)
    }

    /// SM4-GCM (RFC 8998 section 3.2, GB/T 32907). A nonce that seals two texts gives the key away.
    pub fn sm4_gcm(key: &[u8; 16]) -> Key {
        Key(Kind::Sm4(Sm4Gcm::new(key.into())))
    }

    /// SM4-GCM for a key under which several machines seal, or one that was cloned while it ran: they may draw the same
    /// nonce. Take each nonce from [`nonce`](Self::nonce), and one that was drawn twice gives away at most whether two
    /// texts are equal (docs/decisions/0041). It opens what [`sm4_gcm`](Self::sm4_gcm) seals, and the other way round.
    pub fn sm4_gcm_shared(key: &[u8; 16]) -> Key {
        Key(Kind::Sm4Shared { key: Sm4Gcm::new(key.into()), nonces: NonceKey::of(key) })
    }

    fn aes(algorithm: &'static Algorithm, key: &[u8]) -> Result<Key, NotSealed> {
        Ok(Key(Kind::Aes(LessSafeKey::new(UnboundKey::new(algorithm, key)?))))
    }

    /// The nonce to seal `text` with, made from one that was drawn: another one for a key that is
    /// [shared](Self::sm4_gcm_shared), the drawn one for others. What is authenticated beside the text must follow from
    /// the text and the nonce.
    pub fn nonce(&self, drawn: [u8; NONCE_BYTES], text: &[u8]) -> [u8; NONCE_BYTES] {
        match &self.0 {
            Kind::Sm4Shared { nonces, .. } => nonces.nonce(drawn, text),
            Kind::Aes(_) | Kind::Sm4(_) => drawn,
        }
    }

    /// Seals `text` where it lies, with what is `beside` it authenticated; returns the tag.
    ///
    /// # Errors
    /// [`NotSealed`].
    pub fn seal(
        &self,
        nonce: [u8; NONCE_BYTES],
        beside: &[u8],
        text: &mut [u8],
    ) -> Result<[u8; TAG_BYTES], NotSealed> {
        match &self.0 {
            Kind::Aes(key) => {
                let nonce = Nonce::assume_unique_for_key(nonce);
                let tag = key.seal_in_place_separate_tag(nonce, Aad::from(beside), text)?;
                tag.as_ref().try_into().map_err(|_| NotSealed)
            }
            Kind::Sm4(key) | Kind::Sm4Shared { key, .. } => {
                let tag = key.encrypt_inout_detached(&nonce.into(), beside, text.into());
                tag.map(Into::into).map_err(|_| NotSealed)
            }
        }
    }

    /// Opens cipher text and tag where they lie; returns the text. `None`: they were not sealed with this key, this
    /// nonce and this `beside` them. What lies there then is of no use.
    pub fn open<'s>(
        &self,
        nonce: [u8; NONCE_BYTES],
        beside: &[u8],
        sealed: &'s mut [u8],
    ) -> Option<&'s mut [u8]> {
        match &self.0 {
            Kind::Aes(key) => {
                let nonce = Nonce::assume_unique_for_key(nonce);
                key.open_in_place(nonce, Aad::from(beside), sealed).ok()
            }
            Kind::Sm4(key) | Kind::Sm4Shared { key, .. } => {
                let (text, tag) = sealed.split_last_chunk_mut::<TAG_BYTES>()?;
                let opened =
                    key.decrypt_inout_detached(&nonce.into(), beside, (&mut *text).into(), &(*tag).into());
                opened.ok().map(|()| text)
            }
        }
    }
}

/// Makes nonces out of what they will seal: two texts get two nonces, also where the same was drawn for both.
///
/// A nonce is the first 96 bits of SM4-CBC-MAC (GB/T 15852.1, algorithm 1) over the drawn nonce, the length of the text
/// and the text. The length comes first, so no message is the beginning of another, which is what CBC-MAC needs.
struct NonceKey(Sm4);

impl NonceKey {
    /// The block that makes the key: GCM encrypts counters from 1 behind a nonce of 96 bits, and the block of
    /// zeroes, so never this one.
    const LABEL: [u8; BLOCK_BYTES] = *b"hufu/1 nonce\0\0\0\0";

    fn of(key: &[u8; 16]) -> NonceKey {
        let mut made = Self::LABEL.into();
        Sm4::new(key.into()).encrypt_block(&mut made);
        NonceKey(Sm4::new(&made))
    }

    fn nonce(&self, drawn: [u8; NONCE_BYTES], text: &[u8]) -> [u8; NONCE_BYTES] {
        let mut mac = [0; BLOCK_BYTES];
        mac[..NONCE_BYTES].copy_from_slice(&drawn);
        // Whatever is longer than this cannot be sealed.
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        mac[NONCE_BYTES..].copy_from_slice(&length.to_le_bytes());
        let mut mac = mac.into();
        self.0.encrypt_block(&mut mac);
        for block in text.chunks(BLOCK_BYTES) {
            mac.iter_mut().zip(block).for_each(|(mac, byte)| *mac ^= byte);
            self.0.encrypt_block(&mut mac);
        }
        let mut nonce = [0; NONCE_BYTES];
        nonce.copy_from_slice(&mac[..NONCE_BYTES]);
        nonce
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(secret)")
    }
}

impl From<Unspecified> for NotSealed {
    fn from(_: Unspecified) -> NotSealed {
        NotSealed
    }
}

impl fmt::Display for NotSealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the cryptographic library could not seal")
    }
}

impl core::error::Error for NotSealed {}

#[cfg(test)]
mod tests;
