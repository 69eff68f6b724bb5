//! Keys of days, in a folder of their own: apart from the records, and never in a backup. Each is random, belongs to
//! one day and one run of an engine, and is wrapped by a key that is elsewhere. Who destroys it destroys the day.

use std::io;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::day::Day;
use crate::disk::Folder;
use crate::segment::KeyName;

/// The key of one day and one run of an engine. Wiped when dropped.
#[derive(Clone)]
pub struct DayKey(Zeroizing<[u8; 32]>);

impl DayKey {
    fn random() -> io::Result<DayKey> {
        let mut key = Zeroizing::new([0; 32]);
        random(&mut *key)?;
        Ok(DayKey(key))
    }

    /// The key.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What segments call it.
    pub fn name(&self) -> KeyName {
        Sha256::new().chain_update(b"hufu name of a day's key").chain_update(*self.0).finalize().into()
    }
}

/// What wraps the keys of days.
pub trait Wrapping: Send + 'static {
    /// The key that wraps the keys of `day` with this `salt`.
    ///
    /// # Errors
    /// Whoever holds it does not answer, or refuses.
    fn key(&self, day: Day, salt: &[u8; 16]) -> io::Result<Zeroizing<[u8; 32]>>;
}

/// A secret of 32 bytes, as a file holds it.
pub struct Secret(Zeroizing<[u8; 32]>);

impl Secret {
    /// The wrapping key with these bytes.
    pub fn new(bytes: [u8; 32]) -> Secret {
        Secret(Zeroizing::new(bytes))
    }
}

impl Wrapping for Secret {
    fn key(&self, day: Day, salt: &[u8; 16]) -> io::Result<Zeroizing<[u8; 32]>> {
        let digest = Sha256::new()
            .chain_update(b"hufu wraps a day's key")
            .chain_update(*self.0)
            .chain_update(day.0.to_le_bytes())
            .chain_update(salt);
        Ok(Zeroizing::new(digest.finalize().into()))
    }
}

/// The folder of the keys of days.
pub struct KeyFolder {
    folder: Folder,
    wrapping: Box<dyn Wrapping>,
}

const SALT_BYTES: usize = 16;
const WRAPPED_BYTES: usize = SALT_BYTES + 32 + 16;

impl KeyFolder {
    /// The keys in `folder`, with what wraps them.
    pub fn new(folder: Folder, wrapping: Box<dyn Wrapping>) -> KeyFolder {
        KeyFolder { folder, wrapping }
    }

    /// Removes what a process that was killed left half written.
    pub(crate) fn remove_partial(&self) -> io::Result<()> {
        self.folder.remove_partial()
    }

    /// Makes a new key for `day`; it is durable when this returns.
    ///
    /// # Errors
    /// The disk's, or what wraps keys does not answer.
    pub fn make(&self, day: Day) -> io::Result<DayKey> {
        let key = DayKey::random()?;
        let mut salt = [0; SALT_BYTES];
        random(&mut salt)?;
        let mut wrapped = Vec::with_capacity(WRAPPED_BYTES);
        wrapped.extend_from_slice(&salt);
        wrapped.extend_from_slice(key.bytes());
        let cipher = cipher(&*self.wrapping.key(day, &salt)?);
        let tag = cipher
            .seal_in_place_separate_tag(nonce(), aad(day), &mut wrapped[SALT_BYTES..])
            .map_err(io::Error::other)?;
        wrapped.extend_from_slice(tag.as_ref());
        self.folder.replace(&file_name(day, &key.name()), &wrapped)?;
        Ok(key)
    }

    /// The key of `day` with this name; `None` when it is not here, or was wrapped by another key.
    ///
    /// # Errors
    /// The disk's, or what wraps keys does not answer.
    pub fn find(&self, day: Day, name: &KeyName) -> io::Result<Option<DayKey>> {
        let wrapped = match self.folder.contents(&file_name(day, name)) {
            Ok(wrapped) => Zeroizing::new(wrapped),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some((salt, sealed)) = wrapped.split_first_chunk::<SALT_BYTES>() else { return Ok(None) };
        let mut sealed = Zeroizing::new(sealed.to_vec());
        let cipher = cipher(&*self.wrapping.key(day, salt)?);
        let Ok(plain) = cipher.open_in_place(nonce(), aad(day), &mut sealed) else { return Ok(None) };
        let Ok(key) = <[u8; 32]>::try_from(&*plain) else { return Ok(None) };
        let key = DayKey(Zeroizing::new(key));
        Ok((key.name() == *name).then_some(key))
    }

    /// Destroys every key of `day`: overwritten, then removed. How many there were.
    ///
    /// # Errors
    /// The disk's; some keys may be left then, and it may be done again.
    pub fn destroy(&self, day: Day) -> io::Result<usize> {
        let front = file_front(day);
        let mut destroyed = 0;
        for name in self.folder.names()?.iter().filter(|name| name.starts_with(&front)) {
            // On disks that move what they overwrite, the wrapping key must be what makes the old bytes worthless.
            let file = self.folder.open_to_write(name)?;
            file.write_at(&[0; WRAPPED_BYTES], 0)?;
            file.sync()?;
            self.folder.remove(name)?;
            destroyed += 1;
        }
        Ok(destroyed)
    }
}

fn file_front(day: Day) -> String {
    format!("day-{day}-")
}

pub(crate) fn file_name(day: Day, name: &KeyName) -> String {
    format!("{}{}.key", file_front(day), hex::encode(&name[..8]))
}

/// # Panics
/// Never: the key is as long as the cipher's.
pub(crate) fn cipher(key: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("32 bytes"))
}

/// Each wrapping key is derived with a random salt and used once.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

fn aad(day: Day) -> Aad<Vec<u8>> {
    Aad::from([b"hufu day key ".as_slice(), &day.0.to_le_bytes()].concat())
}

pub(crate) fn random(bytes: &mut [u8]) -> io::Result<()> {
    aws_lc_rs::rand::fill(bytes).map_err(|_| io::Error::other("the operating system gives no random bytes"))
}
