//! A metrics page without an engine: for other processes that have figures to show.

use core::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use super::exhibit::Exhibit;
use super::http::{Metrics, bind};
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
        Metrics::start(bind(listen)?, exhibit).map(MetricsPage)
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
