//! Sealed datagrams kept to be sent once more.

use hufu_wire::{CheckNumber, limits};

/// Datagrams kept for each device.
pub(super) const KEPT: usize = 4;

/// A few recent datagrams of one session.
pub(super) struct Replays {
    kept: Vec<Sealed>,
    next: usize,
    /// Numbers between one kept datagram and the next.
    every: u64,
}

struct Sealed {
    number: CheckNumber,
    bytes: [u8; limits::SEALED_REQUEST_BYTES_MAX],
    length: usize,
}

impl Replays {
    /// Keeps datagrams of the last `numbers` numbers.
    pub(super) fn new(numbers: u64) -> Replays {
        Replays { kept: Vec::with_capacity(KEPT), next: 0, every: (numbers / KEPT as u64).max(1) }
    }

    /// Keeps a datagram that is about to be sent, when it is time for another one.
    pub(super) fn offer(&mut self, number: CheckNumber, datagram: &[u8]) {
        if self.kept.len() == KEPT && !number.0.is_multiple_of(self.every) {
            return;
        }
        let mut sealed =
            Sealed { number, bytes: [0; limits::SEALED_REQUEST_BYTES_MAX], length: datagram.len() };
        sealed.bytes[..datagram.len()].copy_from_slice(datagram);
        if self.kept.len() < KEPT {
            self.kept.push(sealed);
        } else {
            self.kept[self.next % KEPT] = sealed;
            self.next = self.next.wrapping_add(1);
        }
    }

    /// The first kept datagram that `usable` says may be sent again.
    pub(super) fn find(&self, mut usable: impl FnMut(CheckNumber) -> bool) -> Option<&[u8]> {
        let sealed = self.kept.iter().find(|sealed| usable(sealed.number))?;
        Some(&sealed.bytes[..sealed.length])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kept_ones_are_recent() {
        let mut replays = Replays::new(40);
        for number in 1..=1000_u64 {
            replays.offer(CheckNumber(number), &number.to_le_bytes());
            let mut oldest = number;
            replays.find(|kept| {
                oldest = oldest.min(kept.0);
                false
            });
            assert!(number - oldest <= 50, "{oldest} is still kept at {number}");
        }
        let found = replays.find(|number| number.0 == 990).map(<[u8]>::to_vec);
        assert_eq!(found, Some(990_u64.to_le_bytes().to_vec()));
    }
}
