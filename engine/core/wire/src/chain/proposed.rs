//! When an instruction was proposed, as instructions are ordered.

use core::fmt;

use crate::message::Malformed;
use crate::time::UnixMillis;

/// When an instruction was proposed: the era of the chain's time, then the instant within it. Instructions of one
/// chain rise in this order, so that each counts once (R21).
///
/// The era counts how often both authorities have reset the chain's time, because it was ahead of the real one. On the
/// wire it is the last of the eight bytes: an instruction of era 0 has the bytes that it always had.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Proposed(u64);

const AT_BITS: u32 = 56;
const AT_MAX: u64 = (1 << AT_BITS) - 1;

impl Proposed {
    /// Before every instruction.
    pub const START: Proposed = Proposed(0);

    /// The last era that there can be: stores keep the eight bytes as a signed number.
    pub const ERA_MAX: u8 = 127;

    /// The instant `at` of an era; instants beyond 2^56 milliseconds, two million years, become the last one, and
    /// eras beyond [`ERA_MAX`](Self::ERA_MAX) that one.
    pub fn new(era: u8, at: UnixMillis) -> Proposed {
        Proposed(u64::from(era.min(Self::ERA_MAX)) << AT_BITS | at.0.min(AT_MAX))
    }

    /// The number that the eight bytes make, little-endian.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// From the number that the eight bytes make. Messages that were read have no other eras than there can be.
    pub const fn from_bits(bits: u64) -> Proposed {
        Proposed(bits)
    }

    /// The same for a `message` that is being read.
    pub(super) fn read(message: &'static str, bits: u64) -> Result<Proposed, Malformed> {
        let proposed = Proposed(bits);
        if proposed.era() > Self::ERA_MAX {
            return Err(Malformed { message, fault: "an era of the chain's time beyond the last one" });
        }
        Ok(proposed)
    }

    /// How often the chain's time had been reset.
    pub const fn era(self) -> u8 {
        self.0.to_le_bytes()[7]
    }

    /// When, by the clock of whoever proposed it.
    pub const fn at(self) -> UnixMillis {
        UnixMillis(self.0 & AT_MAX)
    }

    /// Whether an instruction proposed now may come right after one proposed at `last`: later in the same era, or at any
    /// instant of the next one.
    pub fn may_follow(self, last: Proposed) -> bool {
        self > last && self.era() - last.era() <= 1
    }
}

impl From<UnixMillis> for Proposed {
    /// An instant of era 0: the chain's time was never reset.
    fn from(at: UnixMillis) -> Proposed {
        Proposed::new(0, at)
    }
}

impl fmt::Debug for Proposed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proposed(era {}, {:?})", self.era(), self.at())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r21_an_era_comes_after_every_instant_of_the_one_before() {
        let at = |era, ms| Proposed::new(era, UnixMillis(ms));
        let cases = [
            ("later", at(0, 7), at(0, 6), true),
            ("at the same time", at(0, 7), at(0, 7), false),
            ("earlier", at(0, 6), at(0, 7), false),
            ("earlier, in the next era", at(1, 1), at(0, 7), true),
            ("later, in the era before", at(0, 8), at(1, 7), false),
            ("an era left out", at(2, 8), at(0, 7), false),
            ("after the last era", at(127, 1), at(127, 2), false),
        ];
        for (case, next, last, follows) in cases {
            assert_eq!(next.may_follow(last), follows, "{case}");
        }
    }

    #[test]
    fn the_era_is_the_last_byte_and_the_first_has_none() {
        let first = Proposed::from(UnixMillis(1_790_000_000_000));
        assert_eq!((first.bits(), first.era()), (1_790_000_000_000, 0));
        let reset = Proposed::new(3, UnixMillis(1_790_000_000_000));
        assert_eq!(reset.bits().to_le_bytes(), [0, 0x6c, 0x50, 0xc4, 0xa0, 0x01, 0, 3]);
        assert_eq!((reset.era(), reset.at()), (3, UnixMillis(1_790_000_000_000)));
        assert!(Proposed::read("content", u64::from(Proposed::ERA_MAX) << 56).is_ok());
        assert!(Proposed::read("content", 128 << 56).is_err());
        assert_eq!(Proposed::new(255, UnixMillis(u64::MAX)).bits(), i64::MAX.cast_unsigned());
    }
}
