//! Three paths: `/metrics`, `/healthz`, `/readyz`.

use core::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::sync::oneshot;

use super::listener::LimitedListener;
use crate::fault::ServeError;

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
        report: Arc<dyn Report>,
    ) -> Result<Metrics, ServeError> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(ServeError::Thread)?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("hufu-metrics".to_owned())
            .spawn(move || {
                if let Err(error) = runtime.block_on(serve(listener, report, stopped)) {
                    tracing::error!(%error, "the metrics server has stopped; checks are still served");
                }
            })
            .map_err(ServeError::Thread)?;
        Ok(Metrics { addr, stop, thread })
    }

    /// Ends the server; requests under way are cut off.
    pub(crate) fn stop(self) {
        // Fails when the server has stopped by itself.
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }
}

/// What the server answers with.
pub(crate) trait Report: Send + Sync {
    /// Everything as OpenMetrics text.
    fn text(&self) -> Result<String, fmt::Error>;

    /// Why requests should not be sent here, one line a cause; none when it is ready.
    fn not_ready(&self) -> Vec<String>;
}

/// Serves until `stopped`.
async fn serve(
    listener: TcpListener,
    report: Arc<dyn Report>,
    stopped: oneshot::Receiver<()>,
) -> io::Result<()> {
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(readyz))
        .with_state(report);
    let listener = LimitedListener::new(tokio::net::TcpListener::from_std(listener)?);
    tokio::select! {
        served = async { axum::serve(listener, router).await } => served,
        _ = stopped => Ok(()),
    }
}

async fn metrics(State(report): State<Arc<dyn Report>>) -> impl IntoResponse {
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match report.text() {
        Ok(text) => (StatusCode::OK, [(CONTENT_TYPE, OPEN_METRICS)], text),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, [(CONTENT_TYPE, "text/plain")], String::new()),
    }
}

/// Whether requests should be sent here; if not, one line for each cause.
async fn readyz(State(report): State<Arc<dyn Report>>) -> impl IntoResponse {
    let why = report.not_ready();
    if why.is_empty() {
        (StatusCode::OK, "ready\n".to_owned())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, why.join("\n") + "\n")
    }
}
