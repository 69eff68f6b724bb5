//! Figures of other parts of an engine, shown on the page of this one. Transport need not know what they count.

use std::pin::Pin;
use std::sync::Arc;

/// Something with figures to show. It is asked at every scrape, on the thread of the metrics, and must not block.
pub trait Exhibit: Send + Sync {
    /// Every figure there is, as it is now.
    fn families(&self) -> Vec<Family>;

    /// Why requests should not be sent here, one line a cause; none when this part is ready.
    fn not_ready(&self) -> Vec<String> {
        Vec::new()
    }

    /// Events at `path`, for a reader with this bearer token; `None` when there are none at this path.
    fn events(&self, path: &str, token: Option<&str>) -> Option<Result<Box<dyn Events>, NoEvents>> {
        let _ = (path, token);
        None
    }
}

/// Events as they happen, for one reader.
pub trait Events: Send {
    /// The next ones, as server-sent events have them, each with the empty line behind it; `None` when no more will come.
    /// The future may be dropped and asked for again.
    fn next(&mut self) -> Pin<Box<dyn Future<Output = Option<String>> + Send + '_>>;
}

/// Why a reader gets no events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoEvents {
    /// The token is missing or invalid.
    Unauthorized,
    /// There are as many readers as there may be.
    Busy,
}

impl Exhibit for Vec<Arc<dyn Exhibit>> {
    fn families(&self) -> Vec<Family> {
        self.iter().flat_map(|exhibit| exhibit.families()).collect()
    }

    fn not_ready(&self) -> Vec<String> {
        self.iter().flat_map(|exhibit| exhibit.not_ready()).collect()
    }

    fn events(&self, path: &str, token: Option<&str>) -> Option<Result<Box<dyn Events>, NoEvents>> {
        self.iter().find_map(|exhibit| exhibit.events(path, token))
    }
}

/// Figures of one name.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// The name without the `hufu_` before it, and without the `_total` that counters get. A name that begins with
    /// `process_` is shown as it is: that is how all programs name the figures of their process.
    pub name: &'static str,
    /// What it counts, for the page's reader.
    pub help: &'static str,
    /// The figures.
    pub values: Values,
}

impl Family {
    /// One count.
    pub fn count(name: &'static str, help: &'static str, count: u64) -> Family {
        Family { name, help, values: Values::Counts(vec![(Labels::new(), count)]) }
    }

    /// One level.
    pub fn level(name: &'static str, help: &'static str, level: u64) -> Family {
        Family::levels(name, help, [(Labels::new(), level)])
    }

    /// Counts that one label tells apart.
    pub fn counts<L: Into<String>>(
        name: &'static str,
        help: &'static str,
        label: &'static str,
        counts: impl IntoIterator<Item = (L, u64)>,
    ) -> Family {
        let counts = counts.into_iter().map(|(value, count)| (vec![(label, value.into())], count));
        Family { name, help, values: Values::Counts(counts.collect()) }
    }

    /// Levels of things that are counted: what is beyond `i64` is shown as its largest number.
    pub fn levels(
        name: &'static str,
        help: &'static str,
        levels: impl IntoIterator<Item = (Labels, u64)>,
    ) -> Family {
        let levels =
            levels.into_iter().map(|(labels, level)| (labels, i64::try_from(level).unwrap_or(i64::MAX)));
        Family { name, help, values: Values::Levels(levels.collect()) }
    }

    /// Spans of time that go up and down, seconds.
    pub fn seconds(
        name: &'static str,
        help: &'static str,
        seconds: impl IntoIterator<Item = (Labels, f64)>,
    ) -> Family {
        Family { name, help, values: Values::Seconds(seconds.into_iter().collect()) }
    }
}

/// What tells the figures of one family apart: names and values.
pub type Labels = Vec<(&'static str, String)>;

/// Figures of one kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// What only grows.
    Counts(Vec<(Labels, u64)>),
    /// What goes up and down.
    Levels(Vec<(Labels, i64)>),
    /// Spans of time, seconds.
    Seconds(Vec<(Labels, f64)>),
    /// Spans of time, seconds, that only grow.
    SecondsInAll(Vec<(Labels, f64)>),
    /// How often something took how long.
    Histograms(Vec<(Labels, Histogram)>),
}

/// How often something took how long.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// Upper bounds, rising, seconds. A value that equals one belongs to it.
    pub bounds: &'static [f64],
    /// Events up to each bound and above the one before it; then those above all bounds.
    pub counts: Vec<u64>,
    /// What all events took together, seconds.
    pub sum: f64,
}
