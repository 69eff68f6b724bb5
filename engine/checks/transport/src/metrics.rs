//! Metrics and health over HTTP, on a thread of their own. Everything is read when somebody asks: the hot paths
//! only count.

mod alone;
mod exhibit;
mod http;
mod kernel;
mod page;
mod readiness;
mod scrape;
mod visit;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use crate::running::ServeError;
pub use alone::MetricsPage;
pub use exhibit::{Exhibit, Family, Labels, Values};
pub(crate) use scrape::Board;

/// The running HTTP server.
pub(crate) struct Metrics {
    pub(crate) addr: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

/// Opens the socket, and says where.
pub(crate) fn bind(listen: SocketAddr) -> Result<(TcpListener, SocketAddr), ServeError> {
    let open = || {
        let listener = TcpListener::bind(listen)?;
        listener.set_nonblocking(true)?;
        let addr = listener.local_addr()?;
        Ok((listener, addr))
    };
    open().map_err(|why| ServeError::Socket { addr: listen, why })
}

impl Metrics {
    pub(crate) fn start(
        (listener, addr): (TcpListener, SocketAddr),
        shown: Arc<dyn http::Shown>,
    ) -> Result<Metrics, ServeError> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(ServeError::Thread)?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("hufu-metrics".to_owned())
            .spawn(move || {
                if let Err(error) = runtime.block_on(http::serve(listener, shown, stopped)) {
                    tracing::error!(%error, "metrics are no longer served; checks are");
                }
            })
            .map_err(ServeError::Thread)?;
        Ok(Metrics { addr, stop, thread })
    }

    /// Ends the server; requests under way are cut off.
    pub(crate) fn stop(self) {
        // Fails when the server has ended by itself.
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }
}
