//! A metrics page without an engine: for other processes that have figures to show.

use core::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::exhibit::Exhibit;
use super::http::{Metrics, Report, bind};
use super::page::{Page, encoded};
use crate::fault::ServeError;

/// A page that shows one exhibit, until it is stopped.
pub struct MetricsPage(Metrics);

impl MetricsPage {
    /// Serves `/metrics`, `/healthz` and `/readyz` on `listen`; port 0 takes any that is free. The names of the exhibit's
    /// families get `hufu_` in front.
    ///
    /// # Errors
    /// [`ServeError`] when the address or a thread cannot be had.
    pub fn serve(listen: SocketAddr, exhibit: Arc<dyn Exhibit>) -> Result<MetricsPage, ServeError> {
        Metrics::start(bind(listen)?, Arc::new(Standalone(exhibit))).map(MetricsPage)
    }

    /// Where it is served.
    pub fn addr(&self) -> SocketAddr {
        self.0.addr
    }

    /// Ends it; requests under way are cut off.
    pub fn stop(self) {
        self.0.stop();
    }
}

impl fmt::Debug for MetricsPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MetricsPage").field(&self.0.addr).finish()
    }
}

#[derive(Clone)]
struct Standalone(Arc<dyn Exhibit>);

impl Report for Standalone {
    fn text(&self) -> Result<String, fmt::Error> {
        encoded(self.clone())
    }

    fn not_ready(&self) -> Vec<String> {
        self.0.not_ready()
    }
}

impl Collector for Standalone {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page::new(encoder);
        self.0.families().iter().try_for_each(|family| page.family(family))
    }
}

impl fmt::Debug for Standalone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Standalone")
    }
}
