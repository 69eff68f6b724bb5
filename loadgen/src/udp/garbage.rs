//! Bytes that no session sealed. The right answer is silence.

use hufu_fixtures::mix as scramble;
use hufu_wire::limits;

/// Datagrams in the collection.
const PIECES: usize = 256;

/// Datagrams of five sorts: noise, noise behind a right beginning, and sealed requests that were cut, changed in
/// one bit, or lengthened.
pub(super) struct Garbage {
    pieces: Vec<Vec<u8>>,
    next: usize,
}

impl Garbage {
    /// A collection around one `genuine` sealed request.
    pub(super) fn around(genuine: &[u8], seed: u64) -> Garbage {
        let piece = |index: usize| {
            let drawn = scramble(seed ^ index as u64);
            let at = usize::try_from(drawn >> 40).unwrap_or(0);
            match index % 5 {
                0 => noise(drawn, 1 + at % 1400),
                1 => {
                    let mut bytes = noise(drawn, limits::SEALED_REQUEST_BYTES_MIN + at % 400);
                    bytes[..4].copy_from_slice(&genuine[..4]);
                    bytes
                }
                2 => genuine[..=at % (genuine.len() - 1)].to_vec(),
                3 => {
                    let mut bytes = genuine.to_vec();
                    bytes[at % genuine.len()] ^= 1 << (drawn % 8);
                    bytes
                }
                _ => [genuine, &noise(drawn, 1 + at % 16)].concat(),
            }
        };
        Garbage { pieces: (0..PIECES).map(piece).collect(), next: 0 }
    }

    /// The next piece.
    pub(super) fn next(&mut self) -> &[u8] {
        self.next = (self.next + 1) % self.pieces.len();
        &self.pieces[self.next]
    }
}

fn noise(seed: u64, length: usize) -> Vec<u8> {
    (0..length as u64).map(|at| scramble(seed ^ at << 32).to_le_bytes()[0]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_the_collection_is_the_genuine_request() {
        let genuine: Vec<u8> = noise(1, 300);
        let mut garbage = Garbage::around(&genuine, 7);
        for _ in 0..PIECES {
            assert_ne!(garbage.next(), genuine);
        }
    }
}
