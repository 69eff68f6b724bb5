//! The brake: many holders set back at once need the national platform's word a second time.

use hufu_wire::UnixMillis;
use hufu_wire::chain::Turn;

use crate::fault::Fault;

/// When a change sets too many back to go without a second look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brake {
    /// How many of a thousand holders may be set back within the window.
    pub share_permille: u32,
    /// How long the window is, seconds.
    pub window_s: u32,
    /// How many holders may be set back within the window whatever share they are.
    pub free: u32,
}

/// A change that the brake holds: it waits for a [`Release`](hufu_wire::chain::Release).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// Holders that this change sets back.
    pub set_back: SetBack,
    /// Holders set back within the window before it.
    pub recent: u64,
    /// Holders there are.
    pub holders: u64,
    /// How many of a thousand may be set back within the window.
    pub share_permille: u32,
}

/// Holders that a change sets back, each counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SetBack {
    /// Turned red.
    pub reds: u32,
    /// Turned amber from green or unknown.
    pub ambers: u32,
    /// Their colour is unknown, and was known.
    pub forgotten: u32,
    /// They have another credential generation: the codes that they had end.
    pub generations: u32,
}

impl SetBack {
    /// Counts what became of one holder.
    pub const fn count(&mut self, turn: Turn) {
        match turn {
            Turn::Red => self.reds += 1,
            Turn::Amber => self.ambers += 1,
            Turn::Forgotten => self.forgotten += 1,
            Turn::Generation => self.generations += 1,
            Turn::Eased | Turn::Green | Turn::Kept => {}
        }
    }

    /// How many holders these are together: what the brake looks at, and what a release is for.
    pub const fn all(self) -> u32 {
        let reds_and_ambers = self.reds.saturating_add(self.ambers);
        reds_and_ambers.saturating_add(self.forgotten).saturating_add(self.generations)
    }
}

impl Brake {
    /// A hundredth of the holders in an hour, and a thousand in any case.
    pub const DEFAULT: Brake = Brake { share_permille: 10, window_s: 3600, free: 1000 };

    /// Longest window, seconds: a day.
    pub const WINDOW_S_MAX: u32 = 24 * 3600;

    /// Whether the brake can be kept.
    ///
    /// # Errors
    /// [`Fault::Invalid`] with the field.
    pub fn check(&self) -> Result<(), Fault> {
        if self.share_permille > 1000 {
            return Err(Fault::invalid("brake.share_permille", "0 to 1000"));
        }
        if self.window_s == 0 || self.window_s > Self::WINDOW_S_MAX {
            return Err(Fault::invalid("brake.window_s", format!("1 to {} seconds", Self::WINDOW_S_MAX)));
        }
        Ok(())
    }

    /// Sets appended after the first of these and not after the second count together with one that is appended `now`.
    /// A clock that was ahead may have dated sets later than `now`; those of a window are counted, and the others would
    /// hold every change until their time has come.
    pub fn window(&self, now: UnixMillis) -> [UnixMillis; 2] {
        let window_ms = u64::from(self.window_s) * 1000;
        [UnixMillis(now.0.saturating_sub(window_ms)), UnixMillis(now.0.saturating_add(window_ms))]
    }

    /// Whether so many more may be set back when `recent` of `holders` were within the window. A change that sets
    /// no holder back always may.
    ///
    /// # Errors
    /// The [`Alarm`].
    pub fn judge(&self, set_back: SetBack, recent: u64, holders: u64) -> Result<(), Alarm> {
        let together = recent.saturating_add(u64::from(set_back.all()));
        let beyond_free = together > u64::from(self.free);
        let beyond_share =
            u128::from(together) * 1000 > u128::from(holders) * u128::from(self.share_permille);
        if set_back.all() > 0 && beyond_free && beyond_share {
            Err(Alarm { set_back, recent, holders, share_permille: self.share_permille })
        } else {
            Ok(())
        }
    }
}

impl Default for Brake {
    fn default() -> Brake {
        Brake::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_brake_holds_what_is_many_and_a_large_share() {
        let brake = Brake { share_permille: 10, window_s: 3600, free: 100 };
        let check = |case: &str, count: u32, recent, holders, holds: bool| {
            // One limit for all kinds: it does not matter which they are.
            let kinds = [
                SetBack { reds: count, ..SetBack::default() },
                SetBack { ambers: count, ..SetBack::default() },
                SetBack { forgotten: count, ..SetBack::default() },
                SetBack { generations: count, ..SetBack::default() },
                SetBack { reds: count / 2, forgotten: count - count / 2, ..SetBack::default() },
            ];
            for set_back in kinds {
                assert_eq!(brake.judge(set_back, recent, holders).is_err(), holds, "{case}: {set_back:?}");
            }
        };
        check("few of few", 100, 0, 100, false);
        check("many of few", 101, 0, 100, true);
        check("many of very many", 10_000, 0, 1_000_000, false);
        check("one more than the share", 10_001, 0, 1_000_000, true);
        check("in slices", 1, 10_000, 1_000_000, true);
        check("nobody, after many", 0, 500_000, 1_000_000, false);
        check("everybody there can be", u32::MAX, u64::MAX, u64::MAX, true);
    }
}
