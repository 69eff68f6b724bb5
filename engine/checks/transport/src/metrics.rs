//! Metrics and health over HTTP, on a thread of their own. Everything is read at each scrape: the hot paths
//! only count.

mod exhibit;
mod http;
mod kernel;
mod listener;
mod page;
mod readiness;
mod scrape;
mod standalone;

pub use exhibit::{Exhibit, Family, Labels, Values};
pub(crate) use http::{Metrics, Report, bind};
pub(crate) use scrape::EngineMetrics;
pub use standalone::MetricsPage;
