//! Figures of other parts of an engine, shown on the page of this one. Transport need not know what they count.

/// Something with figures to show. It is asked at every scrape, on the thread of the metrics, and must not block.
pub trait Exhibit: Send + Sync {
    /// Every figure there is, as it is now.
    fn families(&self) -> Vec<Family>;

    /// Why requests should not be sent here, one line a cause; none when this part is ready.
    fn not_ready(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Figures of one name.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// The name without the `hufu_` before it, and without the `_total` that counters get.
    pub name: &'static str,
    /// What it counts, for the page's reader.
    pub help: &'static str,
    /// The figures.
    pub values: Values,
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
}
