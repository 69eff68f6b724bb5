//! Which texts were verified before, and what they said: bounded, lock-free, as the memory of our own credentials is.
//!
//! [`hufu_codes::seen::SeenCache`] keeps digests alone, because its caller has read the code anyway. Reading a certificate
//! costs an inflation, so what it said is kept beside the digest, in two cache lines.
//!
//! # Why a hit is proof
//! The digest is SipHash-2-4-128 of the text under a key that never leaves the engine. Half of it finds the place; the
//! other half goes, with everything that is kept, into a second such digest of 64 bits. Words are read and written one by
//! one, so a reader may see some of one entry beside some of another; the second digest does not fit such a mixture, nor
//! a text that was never verified, but with probability 2^-64. Then it is verified again. Nothing else is
//! published through the words, so `Relaxed` is enough.

use core::hash::Hasher;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use hufu_policy::foreign::{Certificate, Country, Product, Proof, TestKind};
use hufu_wire::UnixSeconds;
use siphasher::sip128::{Hash128, Hasher128, SipHasher24};

/// Words that are kept of a certificate.
const WORDS: usize = 10;
/// Entries that one text may lie in.
const WAYS: usize = 2;

/// What a verified text said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) certificate: Certificate,
    pub(crate) id: u64,
    pub(crate) signature: [u8; 32],
    pub(crate) issued: UnixSeconds,
    pub(crate) expires: UnixSeconds,
    pub(crate) key_from: UnixSeconds,
    pub(crate) key_until: UnixSeconds,
}

pub(crate) struct Seen {
    hasher: SipHasher24,
    /// A power of two of them.
    sets: Box<[[Entry; WAYS]]>,
}

#[derive(Default)]
#[repr(align(128))]
struct Entry {
    place: AtomicU64,
    proof: AtomicU64,
    words: [AtomicU64; WORDS],
}

const _: () = assert!(size_of::<Entry>() == 128);

impl Seen {
    /// Room for about `entries`, 128 bytes each. `key` must be random and secret.
    pub(crate) fn new(entries: usize, key: [u8; 16]) -> Seen {
        let sets = entries.div_ceil(WAYS).clamp(1, 1 << 24).next_power_of_two();
        let sets = core::iter::repeat_with(<[Entry; WAYS]>::default).take(sets).collect();
        Seen { hasher: SipHasher24::new_with_key(&key), sets }
    }

    /// The digest of a text.
    pub(crate) fn digest(&self, text: &[u8]) -> Hash128 {
        self.hasher.hash(text)
    }

    /// What a text with this digest said, if it is remembered.
    pub(crate) fn recall(&self, digest: Hash128) -> Option<Known> {
        let entry = self.set(digest).iter().find(|entry| entry.place.load(Relaxed) == digest.h1)?;
        let words = entry.words.each_ref().map(|word| word.load(Relaxed));
        (entry.proof.load(Relaxed) == self.proof(digest, &words)).then(|| unpack(&words)).flatten()
    }

    /// Remembers what was verified, in an empty place, or in one that the digest picks.
    pub(crate) fn remember(&self, digest: Hash128, known: &Known) {
        let set = self.set(digest);
        let free = |entry: &&Entry| [0, digest.h1].contains(&entry.place.load(Relaxed));
        let entry = set.iter().find(free).unwrap_or(&set[usize::from(digest.h2 >> 63 == 1)]);
        let words = pack(known);
        entry.place.store(digest.h1, Relaxed);
        entry.proof.store(self.proof(digest, &words), Relaxed);
        for (word, value) in entry.words.iter().zip(words) {
            word.store(value, Relaxed);
        }
    }

    fn proof(&self, digest: Hash128, words: &[u64; WORDS]) -> u64 {
        let mut hasher = self.hasher;
        hasher.write_u64(digest.h2);
        words.iter().for_each(|word| hasher.write_u64(*word));
        hasher.finish128().h1
    }

    #[expect(clippy::cast_possible_truncation, reason = "the mask keeps fewer bits than a usize has")]
    fn set(&self, digest: Hash128) -> &[Entry; WAYS] {
        &self.sets[digest.h1 as usize & (self.sets.len() - 1)]
    }
}

/// Country, kind of proof and its small numbers in one word; its times and its vaccine in two; then the rest.
fn pack(known: &Known) -> [u64; WORDS] {
    let Known { certificate, id, signature, issued, expires, key_from, key_until } = *known;
    let two = |high: UnixSeconds, low: UnixSeconds| u64::from(high.0) << 32 | u64::from(low.0);
    let zero = UnixSeconds(0);
    let (small, times, more) = match certificate.proof {
        Proof::Vaccination { product, dose, of, on } => ([1, dose, of], two(on, zero), product.0),
        Proof::Test { kind, negative, taken } => ([2, kind as u8, negative.into()], two(taken, zero), 0),
        Proof::Recovery { positive, from, until } => ([3, 0, 0], two(from, until), two(positive, zero)),
    };
    let [first, second] = certificate.country.0;
    let small = u64::from_be_bytes([0, 0, 0, first, second, small[0], small[1], small[2]]);
    let (halves, _) = signature.as_chunks::<8>();
    let [a, b, c, d] = [0, 1, 2, 3].map(|at| u64::from_le_bytes(halves[at]));
    [small, times, more, id, two(issued, expires), two(key_from, key_until), a, b, c, d]
}

/// What [`pack`] wrote; `None` for words that it never writes.
#[expect(clippy::cast_possible_truncation, reason = "each half of a word is a time")]
fn unpack(&[small, times, more, id, validity, key, a, b, c, d]: &[u64; WORDS]) -> Option<Known> {
    let two = |word: u64| (UnixSeconds((word >> 32) as u32), UnixSeconds(word as u32));
    let [_, _, _, first, second, kind, one, other] = small.to_be_bytes();
    let proof = match kind {
        1 => Proof::Vaccination { product: Product(more), dose: one, of: other, on: two(times).0 },
        2 => Proof::Test {
            kind: [TestKind::Naat, TestKind::Rapid, TestKind::Other].into_iter().find(|it| *it as u8 == one)?,
            negative: other == 1,
            taken: two(times).0,
        },
        3 => Proof::Recovery { positive: two(more).0, from: two(times).0, until: two(times).1 },
        _ => return None,
    };
    let mut signature = [0; 32];
    for (half, word) in signature.as_chunks_mut::<8>().0.iter_mut().zip([a, b, c, d]) {
        *half = word.to_le_bytes();
    }
    let ((issued, expires), (key_from, key_until)) = (two(validity), two(key));
    let certificate = Certificate { country: Country([first, second]), proof };
    Some(Known { certificate, id, signature, issued, expires, key_from, key_until })
}
