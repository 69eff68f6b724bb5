//! The keys that all engines of a cluster share: one chain, or two while a newer one takes over.

mod fault;

use core::fmt;

use arrayvec::ArrayVec;
use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use aws_lc_rs::error::Unspecified;
use hufu_wire::{KeyEpoch, UnixMillis, UnixSeconds, limits};
use zeroize::Zeroizing;

pub use self::fault::ClusterFault;
use crate::chain::Chain;

/// The key chains of a cluster, as of one moment. With them every cookie of the cluster can be made and opened
/// from then on, and those that were made in the 24 hours before.
#[derive(Clone)]
pub struct ClusterKeys {
    /// Oldest first.
    chains: ArrayVec<Chain, 2>,
    /// The chain that seals new cookies.
    sealing: u8,
    /// Since when it does.
    sealing_since: UnixSeconds,
}

/// What is public about one chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainFacts {
    /// Its number, which is part of every packet.
    pub number: u8,
    /// Eight random bytes that tell it from every other chain.
    pub name: [u8; 8],
    /// The oldest epoch whose secret is still there.
    pub epoch: u32,
    /// Whether it seals new cookies.
    pub seals: bool,
}

impl ClusterKeys {
    const VERSION: u8 = 1;

    /// The keys of a new cluster: one chain that begins at `now`, of random `name` and `secret`.
    pub fn first(now: UnixMillis, name: [u8; 8], secret: &[u8; 32]) -> ClusterKeys {
        ClusterKeys::of(Chain::new(0, name, ClusterKeys::epoch_at(now), secret))
    }

    /// The keys that take the place of a static seed, as of `now`. Every engine that takes over the same seed gets
    /// the same keys.
    ///
    /// # Errors
    /// [`ClusterFault::Crypto`] when the cryptographic library fails.
    pub fn from_seed(seed: &[u8; 32], now: UnixMillis) -> Result<ClusterKeys, ClusterFault> {
        let mut keys = ClusterKeys::of(Chain::from_seed(seed)?);
        keys.advance_to(ClusterKeys::epoch_at(now))?;
        Ok(keys)
    }

    fn of(chain: Chain) -> ClusterKeys {
        let (sealing, sealing_since) = (chain.number, UnixSeconds(0));
        ClusterKeys { chains: ArrayVec::from_iter([chain]), sealing, sealing_since }
    }

    /// The epoch of a moment: Unix time divided by [`limits::EPOCH_S`].
    pub fn epoch_at(now: UnixMillis) -> u32 {
        now.seconds().0 / limits::EPOCH_S
    }

    /// The oldest epoch whose secret is still there.
    pub fn epoch(&self) -> u32 {
        self.chains.iter().map(|chain| chain.epoch).min().unwrap_or(0)
    }

    /// The chains, oldest first.
    pub fn facts(&self) -> impl Iterator<Item = ChainFacts> + '_ {
        self.chains.iter().map(|chain| ChainFacts {
            number: chain.number,
            name: chain.name,
            epoch: chain.epoch,
            seals: chain.number == self.sealing,
        })
    }

    /// Moves every chain to `epoch` and forgets what lies before it. Does nothing to a chain that is there already.
    ///
    /// # Errors
    /// [`ClusterFault::Crypto`], and nothing has changed.
    pub fn advance_to(&mut self, epoch: u32) -> Result<(), ClusterFault> {
        let mut chains = self.chains.clone();
        for chain in &mut chains {
            chain.advance_to(epoch)?;
        }
        self.chains = chains;
        Ok(())
    }

    /// Adds the next chain, of random `name` and `secret`. New cookies stay under the older one until
    /// [`use_newer`](Self::use_newer).
    ///
    /// # Errors
    /// [`ClusterFault::TwoChains`].
    pub fn add_next(
        &mut self,
        now: UnixMillis,
        name: [u8; 8],
        secret: &[u8; 32],
    ) -> Result<(), ClusterFault> {
        let number = self.chains.last().map_or(0, |newest| newest.number.wrapping_add(1));
        let next = Chain::new(number, name, ClusterKeys::epoch_at(now), secret);
        self.chains.try_push(next).map_err(|_| ClusterFault::TwoChains)
    }

    /// Seals new cookies under the newer chain from now on.
    ///
    /// # Errors
    /// [`ClusterFault::OneChain`].
    pub fn use_newer(&mut self, now: UnixMillis) -> Result<(), ClusterFault> {
        let [_, newer] = self.chains.as_slice() else { return Err(ClusterFault::OneChain) };
        if self.sealing != newer.number {
            (self.sealing, self.sealing_since) = (newer.number, now.seconds());
        }
        Ok(())
    }

    /// Forgets the older chain; `at_once` even if cookies of it can still be alive.
    ///
    /// # Errors
    /// [`ClusterFault`]: there is no newer chain, it is not in use, or not for long enough.
    pub fn drop_older(&mut self, now: UnixMillis, at_once: bool) -> Result<(), ClusterFault> {
        let [_, newer] = self.chains.as_slice() else { return Err(ClusterFault::OneChain) };
        if self.sealing != newer.number {
            return Err(ClusterFault::NotInUse);
        }
        let until = UnixSeconds(self.sealing_since.0.saturating_add(limits::COOKIE_S_MAX));
        if !at_once && now.seconds() < until {
            return Err(ClusterFault::Alive(until));
        }
        self.chains.remove(0);
        Ok(())
    }

    /// Takes over the chains of another engine of the cluster. A chain that is here already stays where it is, so
    /// that nothing comes back that was forgotten.
    ///
    /// # Errors
    /// [`ClusterFault::AnotherCluster`], or [`ClusterFault::TwoChains`] when there would be three.
    pub fn merge(&mut self, other: &ClusterKeys) -> Result<(), ClusterFault> {
        let mut chains = self.chains.clone();
        for theirs in &other.chains {
            match chains.iter().find(|ours| ours.number == theirs.number) {
                Some(ours) if ours.name == theirs.name => {}
                Some(_) => return Err(ClusterFault::AnotherCluster(theirs.number)),
                None => chains.try_push(theirs.clone()).map_err(|_| ClusterFault::TwoChains)?,
            }
        }
        // Numbers go round; the distance forward is short.
        if let [one, two] = chains.as_slice()
            && one.number == two.number.wrapping_add(1)
        {
            chains.swap(0, 1);
        }
        self.chains = chains;
        Ok(())
    }

    /// Hands out every key that counts at `now`, and returns the epoch under which new cookies are sealed. A chain
    /// that was moved further than the clock says stays the current one, so a clock that was ahead and is put right
    /// leaves an engine that can work.
    pub(crate) fn keys_at(
        &self,
        now: UnixMillis,
        mut each: impl FnMut(KeyEpoch, &[u8; 16]) -> Result<(), Unspecified>,
    ) -> Result<KeyEpoch, Unspecified> {
        let mut sealing = Err(Unspecified);
        for chain in &self.chains {
            let current = chain.epoch.max(ClusterKeys::epoch_at(now));
            chain.keys_at(current, &mut each)?;
            if chain.number == self.sealing {
                sealing = Ok(chain.label(current));
            }
        }
        sealing
    }

    /// The bytes to keep or to hand over, all of them secret:
    ///
    /// version (1), number of the sealing chain (1), since when it seals (4), number of chains (1); for each chain
    /// its number (1), name (8), epoch (4), secret (32), number of earlier keys (1), and for each of those its epoch
    /// (4) and the key (16); SHA-256 of all that (32). Integers are little-endian.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        // More than two chains with all their keys have, so that no copy is left behind by growing.
        let mut out = Zeroizing::new(Vec::with_capacity(512));
        out.extend([Self::VERSION, self.sealing]);
        out.extend(self.sealing_since.0.to_le_bytes());
        out.push(count(self.chains.len()));
        for chain in &self.chains {
            out.push(chain.number);
            out.extend(chain.name);
            out.extend(chain.epoch.to_le_bytes());
            out.extend(chain.secret.as_slice());
            out.push(count(chain.past.len()));
            for (epoch, key) in &chain.past {
                out.extend(epoch.to_le_bytes());
                out.extend(key.as_slice());
            }
        }
        let check = digest(&SHA256, &out);
        out.extend(check.as_ref());
        out
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// [`ClusterFault::Damaged`].
    pub fn from_bytes(bytes: &[u8]) -> Result<ClusterKeys, ClusterFault> {
        let (said, check) = bytes.split_last_chunk::<SHA256_OUTPUT_LEN>().ok_or(ClusterFault::Damaged)?;
        if digest(&SHA256, said).as_ref() != check {
            return Err(ClusterFault::Damaged);
        }
        let keys = Reader(said).keys().ok_or(ClusterFault::Damaged)?;
        let sealing = keys.chains.iter().any(|chain| chain.number == keys.sealing);
        sealing.then_some(keys).ok_or(ClusterFault::Damaged)
    }
}

fn count(len: usize) -> u8 {
    u8::try_from(len).unwrap_or(u8::MAX)
}

/// What is left to read.
struct Reader<'b>(&'b [u8]);

impl Reader<'_> {
    fn keys(mut self) -> Option<ClusterKeys> {
        let [version, sealing] = self.take()?;
        let sealing_since = UnixSeconds(self.number()?);
        let [chains] = self.take()?;
        let mut keys = ClusterKeys { chains: ArrayVec::new(), sealing, sealing_since };
        for _ in 0..chains {
            let chain = self.chain()?;
            keys.chains.try_push(chain).ok()?;
        }
        (self.0.is_empty() && version == ClusterKeys::VERSION).then_some(keys)
    }

    fn chain(&mut self) -> Option<Chain> {
        let [number] = self.take()?;
        let name = self.take()?;
        let epoch = self.number()?;
        let mut chain = Chain::new(number, name, epoch, &Zeroizing::new(self.take()?));
        let [past] = self.take()?;
        for _ in 0..past {
            let earlier = (self.number()?, Zeroizing::new(self.take()?));
            chain.past.try_push(earlier).ok()?;
        }
        Some(chain)
    }

    fn number(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }
}

impl fmt::Debug for ClusterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.facts()).finish()
    }
}

#[cfg(test)]
mod tests;
