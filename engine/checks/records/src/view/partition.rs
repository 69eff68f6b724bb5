//! The slips of a day on their way into order: dealt out by the first bits of their tags into a file without a name.
//!
//! What lies there is sealed under a random key that only this process has, in chunks: a process that is killed leaves
//! neither a file nor anything that could be read on the disk.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use aws_lc_rs::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};
use zerocopy::{FromBytes as _, IntoBytes as _};
use zeroize::Zeroizing;

use super::prefix_of;
use crate::keys::{cipher, random};
use crate::slip::Slip;

/// Slips dealt out.
pub(super) struct Partitions {
    file: File,
    key: LessSafeKey,
    bits: u8,
    parts: Vec<Part>,
    /// Chunks written.
    chunks: u64,
    room: Vec<u8>,
}

#[derive(Default)]
struct Part {
    /// Not written yet.
    slips: Vec<Slip>,
    /// The numbers of its chunks.
    chunks: Vec<u64>,
}

/// Slips of a chunk: 64 KiB, so that 256 parts hold 16 MiB.
const CHUNK_SLIPS: usize = 1365;
const CHUNK_BYTES: usize = CHUNK_SLIPS * Slip::BYTES;
const CHUNK_ROOM: u64 = CHUNK_BYTES as u64 + 16;

impl Partitions {
    /// 2^`bits` parts, in a file without a name on the disk of `folder`.
    pub(super) fn new(folder: &Path, bits: u8) -> io::Result<Partitions> {
        let mut key = Zeroizing::new([0; 32]);
        random(&mut *key)?;
        let parts = (0..1_u32 << bits).map(|_| Part::default()).collect();
        let file = tempfile::tempfile_in(folder)?;
        Ok(Partitions { file, key: cipher(&key), bits, parts, chunks: 0, room: Vec::new() })
    }

    /// One more slip.
    pub(super) fn add(&mut self, slip: Slip) -> io::Result<()> {
        let part = &mut self.parts[prefix_of(&slip.tag, self.bits) as usize];
        part.slips.push(slip);
        if part.slips.len() < CHUNK_SLIPS {
            return Ok(());
        }
        self.room.clear();
        self.room.extend_from_slice(part.slips.as_bytes());
        part.slips.clear();
        part.chunks.push(self.chunks);
        let tag = self.key.seal_in_place_separate_tag(nonce(self.chunks), Aad::empty(), &mut self.room);
        self.room.extend_from_slice(tag.map_err(io::Error::other)?.as_ref());
        self.file.write_all_at(&self.room, self.chunks * CHUNK_ROOM)?;
        self.chunks += 1;
        Ok(())
    }

    /// The parts in the order of their tags, each sorted. `each` is given one after the other.
    pub(super) fn sorted(mut self, mut each: impl FnMut(&[Slip]) -> io::Result<()>) -> io::Result<()> {
        let mut chunk = Vec::new();
        for part in std::mem::take(&mut self.parts) {
            let mut slips = Vec::with_capacity(part.chunks.len() * CHUNK_SLIPS + part.slips.len());
            for number in part.chunks {
                chunk.resize(CHUNK_BYTES + 16, 0);
                self.file.read_exact_at(&mut chunk, number * CHUNK_ROOM)?;
                let plain = self.key.open_in_place(nonce(number), Aad::empty(), &mut chunk);
                let plain = plain.map_err(|_| io::Error::other("the disk gave back other bytes"))?;
                let read = <[Slip]>::ref_from_bytes(plain)
                    .map_err(|_| io::Error::other("a chunk of another length"))?;
                slips.extend_from_slice(read);
            }
            slips.extend_from_slice(&part.slips);
            slips.sort_unstable();
            each(&slips)?;
        }
        Ok(())
    }
}

fn nonce(chunk: u64) -> Nonce {
    let mut nonce = [0; NONCE_LEN];
    nonce[..8].copy_from_slice(&chunk.to_le_bytes());
    Nonce::assume_unique_for_key(nonce)
}
