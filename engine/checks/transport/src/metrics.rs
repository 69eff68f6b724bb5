//! Metrics and health over HTTP, on a thread of their own. Everything is read at each scrape: the hot paths
//! only count.

mod events;
mod exhibit;
mod http;
pub(crate) mod kernel;
mod listener;
mod page;
mod process;
mod readiness;
mod scrape;
mod standalone;

pub use exhibit::{Events, Exhibit, Family, Histogram, Labels, NoEvents, Values};
pub(crate) use http::{Metrics, bind};
pub(crate) use page::{Format, page};
pub(crate) use scrape::EngineMetrics;
pub use standalone::MetricsPage;
