//! Offered and answered over time. What wants silence is left out.

/// Length of one interval, nanoseconds.
pub(crate) const INTERVAL_NS: u64 = 100_000_000;

/// Intervals kept: an hour.
const INTERVALS_MAX: usize = 36_000;

/// Checks due and checks answered in each tenth of a second.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Timeline {
    pub(crate) due: Vec<u64>,
    pub(crate) answered: Vec<u64>,
}

impl Timeline {
    #[inline]
    pub(crate) fn due(&mut self, due_ns: u64) {
        count(&mut self.due, due_ns);
    }

    #[inline]
    pub(crate) fn answered(&mut self, now_ns: u64) {
        count(&mut self.answered, now_ns);
    }

    pub(crate) fn add(&mut self, other: &Timeline) {
        for (mine, theirs) in [(&mut self.due, &other.due), (&mut self.answered, &other.answered)] {
            mine.resize(mine.len().max(theirs.len()), 0);
            mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| *mine += theirs);
        }
    }
}

#[inline]
fn count(intervals: &mut Vec<u64>, at_ns: u64) {
    let interval = usize::try_from(at_ns / INTERVAL_NS).unwrap_or(usize::MAX);
    if interval >= INTERVALS_MAX {
        return;
    }
    if interval >= intervals.len() {
        intervals.resize(interval + 1, 0);
    }
    intervals[interval] += 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_counts_in_its_own_tenth_of_a_second() {
        let (mut one, mut two) = (Timeline::default(), Timeline::default());
        one.due(0);
        one.due(99_999_999);
        two.due(100_000_000);
        two.answered(250_000_000);
        one.answered(u64::MAX);
        one.add(&two);
        assert_eq!(one, Timeline { due: vec![2, 1], answered: vec![0, 0, 1] });
    }
}
