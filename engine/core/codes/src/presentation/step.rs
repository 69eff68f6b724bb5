//! Which step: counted from a credential's origin, and against a clock.

use hufu_wire::{ClockOffset, Step, UnixSeconds, limits};

use super::node::CHAIN_LINKS;

/// A step of one credential, counted from its origin: 0 to 4095.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepIndex(u16);

const _: () = assert!(limits::STEPS == 256 * CHAIN_LINKS as u32);

impl StepIndex {
    /// The credential's last step.
    pub const LAST: StepIndex = StepIndex(4095);

    /// The step with this number, `None` beyond the last.
    pub fn new(index: u32) -> Option<StepIndex> {
        let index = u16::try_from(index).ok()?;
        (index <= Self::LAST.0).then_some(StepIndex(index))
    }

    /// Where `step` lies in a tree that begins at `origin`, `None` outside of it.
    pub fn of(step: Step, origin: Step) -> Option<StepIndex> {
        StepIndex::new(step.0.checked_sub(origin.0)?)
    }

    /// The number.
    pub fn get(self) -> u16 {
        self.0
    }

    /// The step of time it stands for in a tree that begins at `origin`.
    pub fn after(self, origin: Step) -> Step {
        Step(origin.0.saturating_add(self.0.into()))
    }

    /// The leaf that serves the step, and the link of its chain that the released value goes into. Later
    /// steps of a leaf release earlier values.
    pub(super) fn place(self) -> (u8, u8) {
        let [leaf, link] = [self.0 / u16::from(CHAIN_LINKS), self.0 % u16::from(CHAIN_LINKS)]
            .map(|place| place.to_le_bytes()[0]);
        (leaf, CHAIN_LINKS - 1 - link)
    }
}

/// How many steps the shown one is ahead of the step of `now`; negative when it is behind, 0 when it is
/// current.
pub fn steps_ahead(shown: Step, now: UnixSeconds) -> i64 {
    i64::from(shown.0) - i64::from(now.step().0)
}

/// The least error of the holder's clock that explains why `shown` is shown at `now`, in seconds: 0 within
/// the step, else to the nearest of its seconds (R08).
pub fn clock_offset(shown: Step, now: UnixSeconds) -> ClockOffset {
    let first = i64::from(shown.0) * i64::from(limits::STEP_S);
    let last = first + i64::from(limits::STEP_S) - 1;
    let offset = i64::from(now.0).clamp(first, last) - i64::from(now.0);
    ClockOffset(i32::try_from(offset).unwrap_or(if offset < 0 { i32::MIN } else { i32::MAX }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_belongs_to_its_origin() {
        let origin = Step(1000);
        assert_eq!(StepIndex::of(Step(999), origin), None);
        assert_eq!(StepIndex::of(Step(1000), origin), StepIndex::new(0));
        assert_eq!(StepIndex::of(Step(5095), origin), Some(StepIndex::LAST));
        assert_eq!(StepIndex::of(Step(5096), origin), None);
        assert_eq!(StepIndex::LAST.after(origin), Step(5095));
    }

    #[test]
    fn places_cover_every_link_of_every_leaf() {
        let place = |index| StepIndex::new(index).expect("in range").place();
        assert_eq!(place(0), (0, 15));
        assert_eq!(place(15), (0, 0));
        assert_eq!(place(16), (1, 15));
        assert_eq!(place(4095), (255, 0));
    }

    #[test]
    fn r08_the_offset_is_signed_and_the_least_that_explains() {
        let now = UnixSeconds(3000 * 30 + 10);
        for (shown, steps, seconds) in [
            (3000, 0, 0),
            (3001, 1, 20),
            (3002, 2, 50),
            (2999, -1, -11),
            (2998, -2, -41),
            (0, -3000, -89_981),
        ] {
            assert_eq!(steps_ahead(Step(shown), now), steps);
            assert_eq!(clock_offset(Step(shown), now), ClockOffset(seconds));
        }
        assert_eq!(clock_offset(Step(u32::MAX), UnixSeconds(0)), ClockOffset(i32::MAX));
    }
}
