//! The last ten minutes, a point a second.

use std::collections::{BTreeMap, VecDeque};

use hufu_wire::Reason;

use crate::engine::{Decisions, Figures};

/// Points that are kept: ten minutes.
pub(crate) const POINTS: usize = 600;

/// What all engines did in one second.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Point {
    /// None while no engine answers.
    pub(crate) decisions: Option<Decisions>,
    /// In the order of [`Reason::ALL`].
    pub(crate) reasons: Vec<u32>,
    /// Answers within each bound, not cumulative.
    pub(crate) took: Vec<(f64, u32)>,
}

/// The points, the newest last.
#[derive(Clone, Debug, Default)]
pub(crate) struct History(pub(crate) VecDeque<Point>);

impl Point {
    /// Adds what one engine counted between two pages.
    #[expect(clippy::float_cmp, reason = "a bound is the same digits on each page")]
    pub(crate) fn add(&mut self, before: &Figures, now: &Figures) {
        let sums = self.decisions.get_or_insert_default();
        for (sum, (now, before)) in sums.iter_mut().zip(now.decisions.iter().zip(before.decisions)) {
            *sum += rise(before, *now);
        }
        self.reasons.resize(Reason::ALL.len(), 0);
        for (sum, (now, before)) in self.reasons.iter_mut().zip(now.reasons.iter().zip(&before.reasons)) {
            *sum = sum.saturating_add(small(rise(*before, *now)));
        }
        let mut below = 0;
        for (at, (bound, count)) in now.took.iter().enumerate() {
            let before = before.took.get(at).map_or(0, |(_, count)| *count);
            let within = rise(before, *count);
            let own = small(within.saturating_sub(below));
            below = within;
            match self.took.iter_mut().find(|(known, _)| known == bound) {
                Some((_, sum)) => *sum = sum.saturating_add(own),
                None => self.took.push((*bound, own)),
            }
        }
    }

    /// Verdicts in this second.
    pub(crate) fn checks(&self) -> Option<u64> {
        self.decisions.map(|decisions| decisions.iter().sum())
    }
}

/// By how much a counter rose; one that began again counts from 0.
fn rise(before: u64, now: u64) -> u64 {
    if now >= before { now - before } else { now }
}

fn small(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl History {
    /// Adds the newest second.
    pub(crate) fn push(&mut self, point: Point) {
        if self.0.len() == POINTS {
            self.0.pop_front();
        }
        self.0.push_back(point);
    }

    /// The last `seconds`.
    pub(crate) fn last(&self, seconds: usize) -> impl DoubleEndedIterator<Item = &Point> + Clone {
        self.0.range(self.0.len().saturating_sub(seconds)..)
    }

    /// Verdicts of the last `seconds`, by decision.
    pub(crate) fn decisions(&self, seconds: usize) -> Decisions {
        let mut sums = Decisions::default();
        for decisions in self.last(seconds).filter_map(|point| point.decisions) {
            sums.iter_mut().zip(decisions).for_each(|(sum, count)| *sum += count);
        }
        sums
    }

    /// Verdicts of the last `seconds` by reason, the most frequent first, without those that there were none of.
    pub(crate) fn reasons(&self, seconds: usize) -> Vec<(Reason, u64)> {
        let mut sums = vec![0_u64; Reason::ALL.len()];
        for point in self.last(seconds) {
            sums.iter_mut().zip(&point.reasons).for_each(|(sum, count)| *sum += u64::from(*count));
        }
        let mut counts: Vec<_> = Reason::ALL.into_iter().zip(sums).filter(|(_, count)| *count > 0).collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        counts
    }

    /// Verdicts a second over the last `seconds` in which an engine answered.
    pub(crate) fn rate(&self, seconds: usize) -> Option<f64> {
        rate(self.last(seconds))
    }

    /// The time within which `share` of the answers of the last `seconds` left, seconds.
    pub(crate) fn quantile(&self, seconds: usize, share: f64) -> Option<f64> {
        quantile(self.last(seconds), share)
    }
}

/// Verdicts a second, of points.
#[expect(clippy::cast_precision_loss, reason = "counts of ten minutes are far below 2^52")]
pub(crate) fn rate<'p>(points: impl Iterator<Item = &'p Point>) -> Option<f64> {
    let (sum, count) =
        points.filter_map(Point::checks).fold((0, 0_u32), |(sum, count), checks| (sum + checks, count + 1));
    (count > 0).then(|| sum as f64 / f64::from(count))
}

/// The upper bound of the bucket that a share of the answers lies in; none without answers. Of what is slower than every
/// bound: the largest one.
#[expect(clippy::cast_precision_loss, reason = "counts of ten minutes are far below 2^52")]
pub(crate) fn quantile<'p>(points: impl Iterator<Item = &'p Point>, share: f64) -> Option<f64> {
    // Bounds are positive: their bits sort as they do. A page may have other bounds each second.
    let mut sums: BTreeMap<u64, u64> = BTreeMap::new();
    for (bound, count) in points.flat_map(|point| &point.took) {
        *sums.entry(bound.to_bits()).or_default() += u64::from(*count);
    }
    let all: u64 = sums.values().sum();
    let (mut below, mut bound_s) = (0, None);
    for (bound, count) in sums.into_iter().filter(|_| all > 0) {
        let bound = f64::from_bits(bound);
        below += count;
        if bound.is_finite() {
            bound_s = Some(bound);
        }
        if below as f64 >= share * all as f64 {
            break;
        }
    }
    bound_s
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(admit: u64, clear: u64, took: &[(f64, u64)]) -> Figures {
        let mut figures =
            Figures { decisions: [admit, 0, 0], reasons: vec![0; Reason::ALL.len()], ..Figures::default() };
        figures.reasons[0] = clear;
        figures.took = took.to_vec();
        figures
    }

    #[test]
    fn counters_of_several_engines_become_one_second_and_a_restart_counts_from_nothing() {
        let mut point = Point::default();
        assert_eq!(point.checks(), None);
        let inf = f64::INFINITY;
        point.add(&figures(10, 10, &[(0.001, 8), (inf, 10)]), &figures(14, 14, &[(0.001, 11), (inf, 14)]));
        point.add(&figures(900, 900, &[(0.001, 900), (inf, 900)]), &figures(2, 2, &[(0.001, 2), (inf, 2)]));
        assert_eq!((point.decisions, point.reasons[0]), (Some([6, 0, 0]), 6));
        assert_eq!(point.took, [(0.001, 5), (inf, 1)]);
        let mut history = History::default();
        for _ in 0..POINTS + 5 {
            history.push(point.clone());
        }
        assert_eq!(history.0.len(), POINTS);
        assert_eq!((history.rate(60), history.decisions(60)), (Some(6.0), [360, 0, 0]));
        assert_eq!(history.reasons(10), [(Reason::ALL[0], 60)]);
        assert_eq!((history.quantile(60, 0.5), history.quantile(60, 0.99)), (Some(0.001), Some(0.001)));
        assert_eq!(History::default().quantile(60, 0.5), None);
        history.push(Point::default());
        assert_eq!(history.rate(1), None, "silence is not zero");
    }

    #[test]
    fn shares_of_answers_are_read_from_their_buckets() {
        let mut history = History::default();
        history.push(Point { took: vec![(0.001, 50), (0.01, 48), (0.1, 2)], ..Point::default() });
        assert_eq!(
            [0.5, 0.9, 0.99].map(|share| history.quantile(1, share)),
            [Some(0.001), Some(0.01), Some(0.1)]
        );
    }
}
