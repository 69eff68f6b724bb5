//! One chain of cluster keys: a secret that only moves forward (docs/decisions/0011).
//!
//! Every epoch of six hours has a secret of its own, made from the secret before it with a one-way function. The
//! epoch's cookie key is made from the epoch's secret. With a chain of one epoch every later key can be made
//! and no earlier one.

use arrayvec::ArrayVec;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk};
use hufu_wire::{KeyEpoch, limits, sealed};
use zeroize::Zeroizing;

/// Epochs before the current one whose cookies can still be alive.
pub(crate) const EPOCHS_BACK: u32 = limits::COOKIE_S_MAX / limits::EPOCH_S;
/// Epochs ahead that another engine of the cluster may already have entered.
pub(crate) const EPOCHS_AHEAD: u32 = 1;
/// Keys of one chain that are accepted at a time.
pub(crate) const EPOCHS: usize = (EPOCHS_BACK + 1 + EPOCHS_AHEAD) as usize;

/// HKDF info of the next epoch's secret; the label of the epoch it is made from follows, little-endian.
const NEXT_INFO: &[u8] = b"hufu/1 next cluster secret ";
/// HKDF info of the first secret of a chain that is made from the seed of an older version.
const SEED_INFO: &[u8] = b"hufu/1 cluster secret from seed";
/// The epoch at which a chain made from a seed begins: 2026-09-03, before any engine can take a seed over. Every
/// engine that takes over the same seed makes the same chain, whenever it does so.
const SEED_EPOCH: u32 = 82_800;

/// A chain as of one epoch, and the keys of the epochs before whose cookies can still be alive.
#[derive(Clone)]
pub(crate) struct Chain {
    pub(crate) number: u8,
    pub(crate) name: [u8; Chain::NAME_BYTES],
    /// The epoch of `secret`; nothing before it can be made again.
    pub(crate) epoch: u32,
    pub(crate) secret: Zeroizing<[u8; 32]>,
    pub(crate) past: ArrayVec<(u32, Zeroizing<[u8; 16]>), { EPOCHS_BACK as usize }>,
}

/// So many bytes of output, as HKDF wants it said.
pub(crate) struct Bytes(pub(crate) usize);

impl KeyType for Bytes {
    fn len(&self) -> usize {
        self.0
    }
}

impl Chain {
    /// Bytes of a chain's name.
    pub(crate) const NAME_BYTES: usize = 8;

    pub(crate) fn new(number: u8, name: [u8; Self::NAME_BYTES], epoch: u32, secret: &[u8; 32]) -> Chain {
        Chain { number, name, epoch, secret: Zeroizing::new(*secret), past: ArrayVec::new() }
    }

    /// The chain that takes the place of a static seed.
    pub(crate) fn from_seed(seed: &[u8; 32]) -> Result<Chain, Unspecified> {
        let mut material = Zeroizing::new([0; 40]);
        let prk = Prk::new_less_safe(HKDF_SHA256, seed);
        prk.expand(&[SEED_INFO], Bytes(material.len()))?.fill(&mut material[..])?;
        let (mut name, mut secret) = ([0; Self::NAME_BYTES], Zeroizing::new([0; 32]));
        name.copy_from_slice(&material[..Self::NAME_BYTES]);
        secret.copy_from_slice(&material[Self::NAME_BYTES..]);
        Ok(Chain::new(0, name, SEED_EPOCH, &secret))
    }

    /// The label that `epoch` has in packets.
    pub(crate) fn label(&self, epoch: u32) -> KeyEpoch {
        KeyEpoch::of(self.number, epoch)
    }

    /// Moves the chain to `epoch` and forgets what lies before it, but for the keys of cookies that can still be
    /// alive then. Does nothing if the chain is there already.
    pub(crate) fn advance_to(&mut self, epoch: u32) -> Result<(), Unspecified> {
        if epoch <= self.epoch {
            return Ok(());
        }
        let mut past = ArrayVec::new();
        let oldest = epoch.saturating_sub(EPOCHS_BACK);
        for (at, key) in self.past.iter().filter(|(at, _)| *at >= oldest) {
            past.push((*at, key.clone()));
        }
        let mut secret = self.secret.clone();
        for at in self.epoch..epoch {
            if at >= oldest {
                past.push((at, self.cookie_key(&secret, at)?));
            }
            secret = self.next(&secret, at)?;
        }
        (self.epoch, self.secret, self.past) = (epoch, secret, past);
        Ok(())
    }

    /// Hands out the keys that count while `current` is the current epoch, in one walk along the chain.
    pub(crate) fn keys_at(
        &self,
        current: u32,
        mut each: impl FnMut(KeyEpoch, &[u8; 16]) -> Result<(), Unspecified>,
    ) -> Result<(), Unspecified> {
        let oldest = current.saturating_sub(EPOCHS_BACK);
        for (at, key) in self.past.iter().filter(|(at, _)| *at >= oldest) {
            each(self.label(*at), key)?;
        }
        let mut secret = self.secret.clone();
        for at in self.epoch..=current.saturating_add(EPOCHS_AHEAD) {
            if at >= oldest {
                each(self.label(at), &*self.cookie_key(&secret, at)?)?;
            }
            secret = self.next(&secret, at)?;
        }
        Ok(())
    }

    fn cookie_key(&self, secret: &[u8; 32], epoch: u32) -> Result<Zeroizing<[u8; 16]>, Unspecified> {
        let mut key = Zeroizing::new([0; 16]);
        self.expand(secret, sealed::EPOCH_KEY_INFO, epoch, &mut key[..])?;
        Ok(key)
    }

    fn next(&self, secret: &[u8; 32], epoch: u32) -> Result<Zeroizing<[u8; 32]>, Unspecified> {
        let mut next = Zeroizing::new([0; 32]);
        self.expand(secret, NEXT_INFO, epoch, &mut next[..])?;
        Ok(next)
    }

    /// HKDF-Expand (RFC 5869 section 2.3): a secret is uniform already.
    fn expand(&self, secret: &[u8; 32], info: &[u8], epoch: u32, out: &mut [u8]) -> Result<(), Unspecified> {
        let label = self.label(epoch).0.to_le_bytes();
        let prk = Prk::new_less_safe(HKDF_SHA256, secret);
        prk.expand(&[info, &label], Bytes(out.len()))?.fill(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const EPOCH: u32 = 82_870;

    fn chain() -> Chain {
        Chain::new(0, [7; 8], EPOCH, &[9; 32])
    }

    fn keys(chain: &Chain, current: u32) -> BTreeMap<u32, [u8; 16]> {
        let mut keys = BTreeMap::new();
        chain
            .keys_at(current, |epoch, key| {
                keys.insert(epoch.number(), *key);
                Ok(())
            })
            .unwrap();
        keys
    }

    #[test]
    fn a_chain_that_was_moved_makes_the_same_keys_as_one_that_stood_still() {
        let mut moved = chain();
        for epoch in EPOCH..EPOCH + 10 {
            moved.advance_to(epoch).unwrap();
            let still = keys(&chain(), epoch);
            assert_eq!(keys(&moved, epoch), still, "{epoch}");
            assert_eq!(still.len(), EPOCHS.min((epoch - EPOCH) as usize + 2));
        }
        let mut leapt = chain();
        leapt.advance_to(EPOCH + 9).unwrap();
        assert_eq!(keys(&leapt, EPOCH + 9), keys(&moved, EPOCH + 9), "one leap is as good as many steps");
    }

    #[test]
    fn b10_what_lies_behind_is_gone() {
        let mut moved = chain();
        moved.advance_to(EPOCH + 160).unwrap();
        let kept: Vec<_> = moved.past.iter().map(|(epoch, _)| *epoch).collect();
        assert_eq!(kept, [EPOCH + 156, EPOCH + 157, EPOCH + 158, EPOCH + 159]);
        assert_eq!(
            keys(&moved, EPOCH),
            keys(&moved, EPOCH).split_off(&(EPOCH + 156)),
            "nothing older is made"
        );
        assert_ne!(moved.secret, chain().secret);
        moved.advance_to(EPOCH).unwrap();
        assert_eq!(moved.epoch, EPOCH + 160, "no way back");
    }

    #[test]
    fn chains_of_different_numbers_and_epochs_have_different_keys() {
        let other = Chain { number: 1, ..chain() };
        let (one, two) = (keys(&chain(), EPOCH + 2), keys(&other, EPOCH + 2));
        let all: std::collections::BTreeSet<_> = one.values().chain(two.values()).collect();
        assert_eq!(all.len(), one.len() + two.len());
    }

    #[test]
    fn b10_keys_of_every_epoch_come_from_the_chain_s_own_secret() {
        let other = Chain::new(0, [7; 8], EPOCH, &[8; 32]);
        let (one, two) = (keys(&chain(), EPOCH + 6), keys(&other, EPOCH + 6));
        assert_eq!(one.len(), EPOCHS);
        assert!(one.iter().all(|(epoch, key)| two[epoch] != *key));
    }

    #[test]
    fn the_same_seed_makes_the_same_chain() {
        let [mut one, mut two] = [1, 1].map(|seed| Chain::from_seed(&[seed; 32]).unwrap());
        one.advance_to(EPOCH).unwrap();
        two.advance_to(EPOCH - 7).unwrap();
        two.advance_to(EPOCH).unwrap();
        assert_eq!((one.name, &one.secret), (two.name, &two.secret));
        assert_ne!(Chain::from_seed(&[2; 32]).unwrap().name, one.name);
    }
}
