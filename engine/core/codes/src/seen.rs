//! Which credentials were verified before: a bounded, lock-free memory of their digests.
//!
//! The same phone code is shown many times a day, and a signature stays as genuine as it was. A set of four
//! digests fills one cache line, so remembering and asking touch one line each.
//!
//! # Why a hit is proof
//! The digest is SipHash-2-4-128 of the whole `COSE_Sign1` under a key that never leaves the engine. Only
//! digests of verified messages are stored. Without the key nobody can find a message with a given digest, or
//! even tell digests of different messages from random ones: a message that was never verified meets one of
//! the four values in its set with probability 2^-126 a try.
//!
//! Each digest is stored as two halves that are read and written separately, so a reader may see the first
//! half of one digest beside the second of another, and two writers may leave such a pair behind. The
//! argument holds for such pairs as it does for whole ones: whatever the reader sees was made from digests
//! of *other* messages, and is as unrelated to this message's digest as any fixed 128-bit value. A half of
//! this message's own digest can only be there once this message has been verified. So torn pairs cost a
//! verification now and then, and can never forge a hit. That is also why `Relaxed` is enough: no other
//! memory is published through the cache.
//!
//! # What is forgotten
//! A new digest takes an empty place of its set, else one picked by bits of the digest itself. That is random
//! replacement: reading writes nothing, so hot lines stay shared between cores, and no order of arrivals can
//! be chosen that does worse than chance.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use hufu_signature::Backend;
use hufu_wire::{Reason, limits, prefetch};
use siphasher::sip128::SipHasher24;

use crate::verified::{Admitted, Claims, Verified};

/// Digests in one set: what fits a cache line.
const WAYS: usize = 4;
/// Most sets one cache may have: 2^26 lines are 4 GiB.
const SETS_MAX: usize = 1 << 26;

/// The memory of one keyring: make a new one, with a new key, when the keyring changes.
pub struct SeenCache {
    hasher: SipHasher24,
    /// A power of two of them.
    sets: Box<[Set]>,
}

/// A message's 128-bit keyed digest; means nothing under another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digest {
    first: u64,
    second: u64,
}

/// An admitted message of which it is to be told whether it was seen before.
#[derive(Clone, Copy, Debug)]
pub struct Sought<'k, 'a, T> {
    admitted: Admitted<'k, 'a, T>,
    digest: Digest,
}

/// An admitted message that was not seen before: its signature is to be verified.
#[derive(Clone, Copy, Debug)]
pub struct Unseen<'k, 'a, T>(Sought<'k, 'a, T>);

#[derive(Default)]
#[repr(align(64))]
struct Set([Way; WAYS]);

#[derive(Default)]
struct Way {
    first: AtomicU64,
    second: AtomicU64,
}

const _: () = assert!(size_of::<Set>() == 64);
// A batch of datagrams is verified together.
const _: () = assert!(hufu_signature::BATCH_MAX == limits::BATCH_MAX);

impl SeenCache {
    /// A cache for about `entries` digests at 16 bytes each; the number of sets is rounded up to a power of
    /// two. `key` must be random and secret.
    pub fn new(entries: usize, key: [u8; 16]) -> SeenCache {
        let sets = entries.div_ceil(WAYS).clamp(1, SETS_MAX).next_power_of_two();
        SeenCache {
            hasher: SipHasher24::new_with_key(&key),
            sets: core::iter::repeat_with(Set::default).take(sets).collect(),
        }
    }

    /// How many digests there is room for.
    pub fn capacity(&self) -> usize {
        self.sets.len() * WAYS
    }

    /// Answers from memory when this very message was verified before.
    ///
    /// # Errors
    /// The message back, to be verified with [`verify`](Self::verify).
    pub fn recall<'k, 'a, T: Claims<'a>>(
        &self,
        admitted: Admitted<'k, 'a, T>,
    ) -> Result<Verified<T>, Unseen<'k, 'a, T>> {
        self.recall_sought(self.look_for(admitted))
    }

    /// The first half of [`recall`](Self::recall). The memory is larger than any cache: of a batch, look for all before
    /// the first is recalled.
    #[inline]
    pub fn look_for<'k, 'a, T: Claims<'a>>(&self, admitted: Admitted<'k, 'a, T>) -> Sought<'k, 'a, T> {
        let digest = self.digest(admitted.signed().bytes());
        prefetch(self.set(digest));
        Sought { admitted, digest }
    }

    /// The second half of [`recall`](Self::recall).
    ///
    /// # Errors
    /// As [`recall`](Self::recall).
    #[inline]
    pub fn recall_sought<'k, 'a, T: Claims<'a>>(
        &self,
        sought: Sought<'k, 'a, T>,
    ) -> Result<Verified<T>, Unseen<'k, 'a, T>> {
        if self.contains(sought.digest) { Ok(sought.admitted.believed()) } else { Err(Unseen(sought)) }
    }

    /// Verifies the signatures of `batch`, writes each answer to the same place of `answers` and remembers
    /// the genuine ones. Each answer is the one that the message would get alone.
    ///
    /// # Panics
    /// When `batch` and `answers` differ in length.
    pub fn verify<'a, T: Claims<'a>>(
        &self,
        backend: &dyn Backend,
        batch: &[Unseen<'_, 'a, T>],
        answers: &mut [Result<Verified<T>, Reason>],
    ) {
        assert_eq!(batch.len(), answers.len(), "one answer for each message");
        let answers = answers.chunks_mut(limits::BATCH_MAX);
        for (batch, answers) in batch.chunks(limits::BATCH_MAX).zip(answers) {
            // Places beyond a short batch repeat its first job and are never looked at.
            let jobs: [_; limits::BATCH_MAX] =
                core::array::from_fn(|at| batch.get(at).unwrap_or(&batch[0]).0.admitted.job());
            let mut genuine = [false; limits::BATCH_MAX];
            backend.verify(&jobs[..batch.len()], &mut genuine[..batch.len()]);
            for ((unseen, answer), genuine) in batch.iter().zip(answers).zip(genuine) {
                *answer = if genuine { Ok(self.remember(unseen)) } else { Err(T::NOT_GENUINE) };
            }
        }
    }

    /// The digest of a message's bytes under this cache's key.
    pub fn digest(&self, bytes: &[u8]) -> Digest {
        let (first, second) = self.hasher.hash(bytes).as_u64();
        // All zero marks an empty place.
        Digest { first, second: if first == 0 && second == 0 { 1 } else { second } }
    }

    /// Whether a message with this digest was verified, as far as is remembered.
    pub fn contains(&self, digest: Digest) -> bool {
        self.set(digest).load().contains(&digest)
    }

    fn remember<'a, T: Claims<'a>>(&self, Unseen(sought): &Unseen<'_, 'a, T>) -> Verified<T> {
        self.insert(sought.digest);
        sought.admitted.believed()
    }

    fn insert(&self, digest: Digest) {
        let set = self.set(digest);
        let held = set.load();
        if held.contains(&digest) {
            return;
        }
        let way = held.iter().position(|held| *held == Digest::EMPTY).unwrap_or(digest.way());
        set.0[way].first.store(digest.first, Relaxed);
        set.0[way].second.store(digest.second, Relaxed);
    }

    #[expect(clippy::cast_possible_truncation, reason = "the mask keeps fewer bits than a usize has")]
    fn set(&self, digest: Digest) -> &Set {
        &self.sets[digest.first as usize & (self.sets.len() - 1)]
    }
}

impl Digest {
    const EMPTY: Digest = Digest { first: 0, second: 0 };

    /// Which digest of a full set it replaces; independent of which set that is.
    fn way(self) -> usize {
        usize::from(self.second.to_be_bytes()[0]) % WAYS
    }
}

impl Set {
    fn load(&self) -> [Digest; WAYS] {
        self.0
            .each_ref()
            .map(|way| Digest { first: way.first.load(Relaxed), second: way.second.load(Relaxed) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn it_remembers_as_many_as_fit_a_set_and_then_forgets_one() {
        let cache = SeenCache::new(4, [1; 16]);
        assert_eq!(cache.capacity(), 4);
        let digests: Vec<_> = (0..5_u8).map(|n| cache.digest(&[n])).collect();
        for digest in &digests[..4] {
            cache.insert(*digest);
        }
        assert!(digests[..4].iter().all(|digest| cache.contains(*digest)));
        cache.insert(digests[4]);
        assert!(cache.contains(digests[4]));
        assert_eq!(digests.iter().filter(|digest| cache.contains(**digest)).count(), 4);
    }

    #[test]
    fn inserting_again_takes_no_second_place() {
        let cache = SeenCache::new(4, [1; 16]);
        let digests: Vec<_> = (0..4_u8).map(|n| cache.digest(&[n])).collect();
        for _ in 0..10 {
            for digest in &digests {
                cache.insert(*digest);
            }
        }
        assert!(digests.iter().all(|digest| cache.contains(*digest)));
    }

    #[test]
    fn an_empty_cache_has_seen_nothing_whatever_its_size() {
        for entries in [0, 1, 5, 1000] {
            let cache = SeenCache::new(entries, [0; 16]);
            assert!(cache.capacity() >= entries);
            assert!((0..=u8::MAX).all(|n| !cache.contains(cache.digest(&[n]))));
        }
    }

    #[test]
    fn another_key_knows_another_digest() {
        assert_ne!(SeenCache::new(4, [1; 16]).digest(b"a"), SeenCache::new(4, [2; 16]).digest(b"a"));
    }

    proptest! {
        #[test]
        fn it_never_says_yes_to_what_was_not_inserted(
            sets in 0_usize..4,
            steps in proptest::collection::vec((any::<bool>(), 0_u16..200), 0..400),
        ) {
            let cache = SeenCache::new(sets * WAYS, [9; 16]);
            let mut model = HashSet::new();
            for (insert, message) in steps {
                let digest = cache.digest(&message.to_le_bytes());
                if insert {
                    cache.insert(digest);
                    model.insert(message);
                    prop_assert!(cache.contains(digest), "the last one in is there");
                } else if cache.contains(digest) {
                    prop_assert!(model.contains(&message));
                }
            }
        }
    }

    #[test]
    fn threads_that_tear_each_others_digests_forge_no_hit() {
        // One set for everybody, so that every store meets another.
        let cache = SeenCache::new(4, [5; 16]);
        let stop = AtomicBool::new(false);
        let digest = |family: u8, n: u32| cache.digest(&[&[family], n.to_le_bytes().as_slice()].concat());
        std::thread::scope(|threads| {
            for family in 0..2 {
                let (stop, digest, cache) = (&stop, &digest, &cache);
                threads.spawn(move || {
                    for n in (0..1000).cycle().take_while(|_| !stop.load(Relaxed)) {
                        cache.insert(digest(family, n));
                    }
                });
            }
            for round in 0..200_000 {
                assert!(!cache.contains(digest(9, round)), "message {round} was never inserted");
            }
            stop.store(true, Relaxed);
        });
        let genuine = (0..2).flat_map(|family| (0..1000).map(move |n| (family, n)));
        assert!(genuine.filter(|&(family, n)| cache.contains(digest(family, n))).count() <= WAYS);
    }
}
