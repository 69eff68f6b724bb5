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
pub(crate) const INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// The constants of the rounds, four at a time, FIPS 180-4 section 4.2.2.
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
pub(crate) const ROUNDS: [[u32; 4]; 16] = [
    [0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5],
    [0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5],
    [0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3],
    [0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174],
    [0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc],
    [0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da],
    [0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7],
    [0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967],
    [0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13],
    [0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85],
    [0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3],
    [0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070],
    [0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5],
    [0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3],
    [0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208],
    [0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2],
];

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

    /// The message as it is hashed: with its padding.
    #[cfg(target_arch = "x86_64")]
    #[inline]
    pub(crate) fn padded(&self) -> &[u8; 64] {
        &self.0
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
