//! SHA-256 of messages that fit one block, without the buffering of a general hasher.
//!
//! `sha2`'s block function is the fastest way to one block that was measured: about 45 ns with SHA-NI, where
//! a whole `sha2::Sha256` takes 48 and `aws_lc_rs::digest` 55 (`cargo run --release -p hufu-codes --example
//! cost`). What is left is the latency of the instruction itself.

use sha2::Digest;
use sha2::block_api::compress256;

/// Longest message whose padding still fits the same block (FIPS 180-4 section 5.1.1).
const ONE_BLOCK_BYTES_MAX: usize = 55;

/// The initial state, FIPS 180-4 section 5.3.3.
const INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// The digest of a message of any length.
pub(crate) fn digest(message: &[u8]) -> [u8; 32] {
    sha2::Sha256::digest(message).into()
}

/// A message of `N` bytes, padded. Its bytes may be changed between digests.
#[derive(Clone)]
pub(crate) struct Block<const N: usize>([u8; 64]);

impl<const N: usize> Block<N> {
    /// The block of `N` zero bytes.
    pub(crate) const ZEROS: Block<N> = {
        assert!(N <= ONE_BLOCK_BYTES_MAX);
        let mut block = [0; 64];
        block[N] = 0x80;
        let [.., high, low] = (8 * N).to_be_bytes();
        block[62] = high;
        block[63] = low;
        Block(block)
    };

    /// Overwrites the message's bytes from `at`.
    ///
    /// # Panics
    /// When that goes beyond the message.
    #[inline]
    pub(crate) fn put(&mut self, at: usize, bytes: &[u8]) {
        self.0[..N][at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// The first 16 bytes of the message's digest.
    #[inline]
    pub(crate) fn digest16(&self) -> [u8; 16] {
        let mut state = INITIAL;
        compress256(&mut state, core::slice::from_ref(&self.0));
        let mut digest = [0; 16];
        for (bytes, word) in digest.as_chunks_mut::<4>().0.iter_mut().zip(state) {
            *bytes = word.to_be_bytes();
        }
        digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agrees<const N: usize>() {
        let message: [u8; N] = core::array::from_fn(|i| i.to_le_bytes()[0] ^ 0x5a);
        let mut block = Block::<N>::ZEROS;
        block.put(0, &message);
        assert_eq!(block.digest16(), digest(&message)[..16]);
    }

    #[test]
    fn a_block_has_the_digest_of_its_message() {
        agrees::<0>();
        agrees::<1>();
        agrees::<35>();
        agrees::<37>();
        agrees::<51>();
        agrees::<55>();
    }
}
