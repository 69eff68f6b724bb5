//! The brake on bulk reds: many holders turned red at once need the national platform's word a second time.

use hufu_wire::UnixMillis;

use crate::fault::Fault;

/// When a change is too red to go without a second look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brake {
    /// How many of a thousand holders may turn red within the window.
    pub share_permille: u32,
    /// How long the window is, seconds.
    pub window_s: u32,
    /// How many holders may turn red within the window whatever share they are.
    pub free: u32,
}

/// A change that the brake holds: it waits for a [`Release`](hufu_wire::chain::Release).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// Holders whom this change turns red and who were not.
    pub reds: u32,
    /// Holders turned red within the window before it.
    pub recent: u64,
    /// Holders there are.
    pub holders: u64,
    /// How many of a thousand may turn red within the window.
    pub share_permille: u32,
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
    /// hold every red until their time has come.
    pub fn window(&self, now: UnixMillis) -> [UnixMillis; 2] {
        let window_ms = u64::from(self.window_s) * 1000;
        [UnixMillis(now.0.saturating_sub(window_ms)), UnixMillis(now.0.saturating_add(window_ms))]
    }

    /// Whether `reds` more may turn red when `recent` of `holders` did within the window. A change that turns
    /// no holder red always may.
    ///
    /// # Errors
    /// The [`Alarm`].
    pub fn judge(&self, reds: u32, recent: u64, holders: u64) -> Result<(), Alarm> {
        let together = recent.saturating_add(u64::from(reds));
        let beyond_free = together > u64::from(self.free);
        let beyond_share =
            u128::from(together) * 1000 > u128::from(holders) * u128::from(self.share_permille);
        if reds > 0 && beyond_free && beyond_share {
            Err(Alarm { reds, recent, holders, share_permille: self.share_permille })
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
        let check = |case: &str, reds, recent, holders, holds: bool| {
            assert_eq!(brake.judge(reds, recent, holders).is_err(), holds, "{case}");
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
