//! SHA-512 of several messages side by side (FIPS 180-4 section 6.4): what is the same for four and for eight.

use crate::key::PreparedKey;
use crate::verify::Job;

/// Blocks that a message may have here. Codes have two; what has more is hashed alone.
pub(super) const BLOCKS_MAX: usize = 4;
pub(super) const BLOCK_BYTES: usize = 128;
/// Behind a message: one bit, and its length in 16 bytes.
const PADDING_BYTES_MIN: usize = 17;
const MESSAGE_BYTES_MAX: usize = BLOCKS_MAX * BLOCK_BYTES - PADDING_BYTES_MIN;

/// A message with its padding, then zeros.
pub(super) type Padded = [u8; BLOCKS_MAX * BLOCK_BYTES];

/// Writes R, A and the message of `job` with their padding over zeros; how many blocks that is, `None` when it is too long.
/// None of them is a block when its key is of another scheme.
pub(super) fn pad(job: &Job<'_>, into: &mut Padded) -> Option<usize> {
    let PreparedKey::Ed25519(key) = job.key else { return Some(0) };
    let (r, _) = job.signature.split_first_chunk::<32>()?;
    let bytes = r.len() + key.public().len() + job.message.iter().map(|part| part.len()).sum::<usize>();
    if bytes > MESSAGE_BYTES_MAX {
        return None;
    }
    let mut at = 0;
    for part in [&r[..], key.public()].iter().chain(&job.message) {
        into[at..][..part.len()].copy_from_slice(part);
        at += part.len();
    }
    into[at] = 0x80;
    let blocks = (bytes + PADDING_BYTES_MIN).div_ceil(BLOCK_BYTES);
    let bits = 8 * bytes as u64;
    into[blocks * BLOCK_BYTES - 8..][..8].copy_from_slice(&bits.to_be_bytes());
    Some(blocks)
}

/// The functions `digests` and `compress` for a register of `LANES` words, and `JOBS_MIN` jobs or more. The room that asks
/// for them has the instructions: `splat`, `add`, `xor` of three, `choose`, `majority`, `turned` and `shifted` right, `kept` (where a bit is
/// set the second, elsewhere the first), `words` (the sixteen of a block of each message) and `apart` (each lane's state).
macro_rules! side_by_side {
    ($register:ty, #[$features:meta]) => {
        /// The digest of R, A and the message of each job, in the order of `jobs`; `None` when they are too few or one is
        /// too long.
        #[$features]
        pub(super) fn digests(jobs: &[Job<'_>]) -> Option<[Digest; LANES]> {
            if jobs.len() < JOBS_MIN {
                return None;
            }
            let mut messages = [[0; BLOCKS_MAX * BLOCK_BYTES]; LANES];
            let mut blocks = [0; LANES];
            for ((job, message), blocks) in jobs.iter().zip(&mut messages).zip(&mut blocks) {
                *blocks = pad(job, message)?;
            }
            let mut state = INITIAL.map(|word| splat(word));
            for block in 0..BLOCKS_MAX {
                // Lanes whose message goes on.
                let going_on = (0..LANES).fold(0, |mask, lane| mask | u8::from(blocks[lane] > block) << lane);
                if going_on == 0 {
                    break;
                }
                let reached = compress(state, words(&messages, block));
                for (state, reached) in state.iter_mut().zip(reached) {
                    *state = kept(going_on, *state, reached);
                }
            }
            let mut digests = [[0; 64]; LANES];
            for (digest, words) in digests.iter_mut().zip(apart(state)) {
                for (bytes, word) in digest.as_chunks_mut::<8>().0.iter_mut().zip(words) {
                    *bytes = word.to_be_bytes();
                }
            }
            Some(digests)
        }

        /// The state after one block of each message.
        #[$features]
        fn compress(state: [$register; 8], mut w: [$register; 16]) -> [$register; 8] {
            let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
            let mut sixteen = 0;
            loop {
                $crate::ed25519::sha512::round!(w, a b c d e f g h, 0, sixteen);
                $crate::ed25519::sha512::round!(w, h a b c d e f g, 1, sixteen);
                $crate::ed25519::sha512::round!(w, g h a b c d e f, 2, sixteen);
                $crate::ed25519::sha512::round!(w, f g h a b c d e, 3, sixteen);
                $crate::ed25519::sha512::round!(w, e f g h a b c d, 4, sixteen);
                $crate::ed25519::sha512::round!(w, d e f g h a b c, 5, sixteen);
                $crate::ed25519::sha512::round!(w, c d e f g h a b, 6, sixteen);
                $crate::ed25519::sha512::round!(w, b c d e f g h a, 7, sixteen);
                $crate::ed25519::sha512::round!(w, a b c d e f g h, 8, sixteen);
                $crate::ed25519::sha512::round!(w, h a b c d e f g, 9, sixteen);
                $crate::ed25519::sha512::round!(w, g h a b c d e f, 10, sixteen);
                $crate::ed25519::sha512::round!(w, f g h a b c d e, 11, sixteen);
                $crate::ed25519::sha512::round!(w, e f g h a b c d, 12, sixteen);
                $crate::ed25519::sha512::round!(w, d e f g h a b c, 13, sixteen);
                $crate::ed25519::sha512::round!(w, c d e f g h a b, 14, sixteen);
                $crate::ed25519::sha512::round!(w, b c d e f g h a, 15, sixteen);
                sixteen += 16;
                if sixteen == ROUNDS.len() {
                    break;
                }
                $crate::ed25519::sha512::schedule!(w, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
            }
            let reached = [a, b, c, d, e, f, g, h];
            core::array::from_fn(|word| add(state[word], reached[word]))
        }
    };
}

/// One round; the names move on and the registers stay.
macro_rules! round {
    ($w:ident, $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident, $at:expr, $sixteen:expr) => {
        let added = add($h, add(splat(ROUNDS[$sixteen + $at]), $w[$at]));
        let turned_e = xor(turned::<14>($e), turned::<18>($e), turned::<41>($e));
        let first = add(add(added, choose($e, $f, $g)), turned_e);
        let turned_a = xor(turned::<28>($a), turned::<34>($a), turned::<39>($a));
        $d = add($d, first);
        $h = add(first, add(turned_a, majority($a, $b, $c)));
    };
}

/// The words of sixteen rounds later.
macro_rules! schedule {
    ($w:ident, $($at:literal)*) => {
        $(
            let (near, far) = ($w[($at + 14) % 16], $w[($at + 1) % 16]);
            let near = xor(turned::<19>(near), turned::<61>(near), shifted::<6>(near));
            let far = xor(turned::<1>(far), turned::<8>(far), shifted::<7>(far));
            $w[$at] = add(add(add($w[$at], $w[($at + 9) % 16]), near), far);
        )*
    };
}

pub(super) use {round, schedule, side_by_side};

/// The initial state, FIPS 180-4 section 5.3.5.
#[rustfmt::skip]
pub(super) const INITIAL: [u64; 8] = [
    0x6a09_e667_f3bc_c908, 0xbb67_ae85_84ca_a73b, 0x3c6e_f372_fe94_f82b, 0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1, 0x9b05_688c_2b3e_6c1f, 0x1f83_d9ab_fb41_bd6b, 0x5be0_cd19_137e_2179,
];

/// The constants of the rounds, FIPS 180-4 section 4.2.3.
#[rustfmt::skip]
pub(super) const ROUNDS: [u64; 80] = [
    0x428a_2f98_d728_ae22, 0x7137_4491_23ef_65cd, 0xb5c0_fbcf_ec4d_3b2f, 0xe9b5_dba5_8189_dbbc,
    0x3956_c25b_f348_b538, 0x59f1_11f1_b605_d019, 0x923f_82a4_af19_4f9b, 0xab1c_5ed5_da6d_8118,
    0xd807_aa98_a303_0242, 0x1283_5b01_4570_6fbe, 0x2431_85be_4ee4_b28c, 0x550c_7dc3_d5ff_b4e2,
    0x72be_5d74_f27b_896f, 0x80de_b1fe_3b16_96b1, 0x9bdc_06a7_25c7_1235, 0xc19b_f174_cf69_2694,
    0xe49b_69c1_9ef1_4ad2, 0xefbe_4786_384f_25e3, 0x0fc1_9dc6_8b8c_d5b5, 0x240c_a1cc_77ac_9c65,
    0x2de9_2c6f_592b_0275, 0x4a74_84aa_6ea6_e483, 0x5cb0_a9dc_bd41_fbd4, 0x76f9_88da_8311_53b5,
    0x983e_5152_ee66_dfab, 0xa831_c66d_2db4_3210, 0xb003_27c8_98fb_213f, 0xbf59_7fc7_beef_0ee4,
    0xc6e0_0bf3_3da8_8fc2, 0xd5a7_9147_930a_a725, 0x06ca_6351_e003_826f, 0x1429_2967_0a0e_6e70,
    0x27b7_0a85_46d2_2ffc, 0x2e1b_2138_5c26_c926, 0x4d2c_6dfc_5ac4_2aed, 0x5338_0d13_9d95_b3df,
    0x650a_7354_8baf_63de, 0x766a_0abb_3c77_b2a8, 0x81c2_c92e_47ed_aee6, 0x9272_2c85_1482_353b,
    0xa2bf_e8a1_4cf1_0364, 0xa81a_664b_bc42_3001, 0xc24b_8b70_d0f8_9791, 0xc76c_51a3_0654_be30,
    0xd192_e819_d6ef_5218, 0xd699_0624_5565_a910, 0xf40e_3585_5771_202a, 0x106a_a070_32bb_d1b8,
    0x19a4_c116_b8d2_d0c8, 0x1e37_6c08_5141_ab53, 0x2748_774c_df8e_eb99, 0x34b0_bcb5_e19b_48a8,
    0x391c_0cb3_c5c9_5a63, 0x4ed8_aa4a_e341_8acb, 0x5b9c_ca4f_7763_e373, 0x682e_6ff3_d6b2_b8a3,
    0x748f_82ee_5def_b2fc, 0x78a5_636f_4317_2f60, 0x84c8_7814_a1f0_ab72, 0x8cc7_0208_1a64_39ec,
    0x90be_fffa_2363_1e28, 0xa450_6ceb_de82_bde9, 0xbef9_a3f7_b2c6_7915, 0xc671_78f2_e372_532b,
    0xca27_3ece_ea26_619c, 0xd186_b8c7_21c0_c207, 0xeada_7dd6_cde0_eb1e, 0xf57d_4f7f_ee6e_d178,
    0x06f0_67aa_7217_6fba, 0x0a63_7dc5_a2c8_98a6, 0x113f_9804_bef9_0dae, 0x1b71_0b35_131c_471b,
    0x28db_77f5_2304_7d84, 0x32ca_ab7b_40c7_2493, 0x3c9e_be0a_15c9_bebc, 0x431d_67c4_9c10_0d4c,
    0x4cc5_d4be_cb3e_42b6, 0x597f_299c_fc65_7e2a, 0x5fcb_6fab_3ad6_faec, 0x6c44_198c_4a47_5817,
];

/// What the tests of either width hash.
#[cfg(test)]
pub(super) mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::ed25519::equation::{Digest, digest};
    use crate::key::PublicKey;

    /// Lengths of up to `lanes` messages beside each other: every length of one, two, three and four blocks, too few, too
    /// long.
    pub(in crate::ed25519) fn lengths(lanes: usize) -> impl Iterator<Item = Vec<usize>> {
        let longest = MESSAGE_BYTES_MAX - 64;
        let beside = move |length| vec![length, longest, 47, 48, 0, 175, length / 2, 176];
        let all = (0..=longest).map(beside).chain([
            vec![200; 3],
            vec![200; 2],
            vec![200],
            vec![100, longest + 1, 100],
        ]);
        all.map(move |mut lengths| {
            lengths.truncate(lanes);
            lengths
        })
    }

    /// Jobs of messages so long and their digests, `None` where these are not made together: too few, or one too long.
    pub(in crate::ed25519) fn with_jobs(
        lengths: &[usize],
        jobs_min: usize,
        check: impl FnOnce(&[Job<'_>], Option<Vec<Digest>>),
    ) {
        // The base point: its table takes a while.
        static KEY: LazyLock<PreparedKey> = LazyLock::new(|| {
            let mut base = [0x66; 32];
            base[0] = 0x58;
            PreparedKey::new(&PublicKey::Ed25519(base)).expect("a point")
        });
        let key = &*KEY;
        let PreparedKey::Ed25519(public) = key else { panic!("another scheme") };
        let text: Vec<u8> = (0..=u8::MAX).cycle().take(2 * MESSAGE_BYTES_MAX).collect();
        let signature = core::array::from_fn(|at| 3 * u8::try_from(at).unwrap());
        let jobs: Vec<_> = lengths
            .iter()
            .map(|&length| {
                let (front, end) = text[..length].split_at(length / 3);
                Job { key, message: [front, &[], end, &[]], signature: &signature }
            })
            .collect();
        let fits = lengths.len() >= jobs_min && lengths.iter().all(|length| length + 64 <= MESSAGE_BYTES_MAX);
        check(&jobs, fits.then(|| jobs.iter().map(|job| digest(public, job)).collect()));
    }
}
