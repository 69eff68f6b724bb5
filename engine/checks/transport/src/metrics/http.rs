//! Three paths, `/metrics`, `/healthz` and `/readyz`, and the events of exhibits.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use axum::Router;
use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::sync::oneshot;

use super::events::events;
use super::exhibit::Exhibit;
use super::listener::{Lasting, LimitedListener};
use super::page::{Format, page};
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
        exhibit: Arc<dyn Exhibit>,
    ) -> Result<Metrics, ServeError> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(ServeError::Thread)?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("hufu-metrics".to_owned())
            .spawn(move || {
                if let Err(error) = runtime.block_on(serve(listener, exhibit, stopped)) {
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

/// Serves until `stopped`.
async fn serve(
    listener: TcpListener,
    exhibit: Arc<dyn Exhibit>,
    stopped: oneshot::Receiver<()>,
) -> io::Result<()> {
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(readyz))
        .fallback(events)
        .with_state(exhibit)
        .into_make_service_with_connect_info::<Lasting>();
    let listener = LimitedListener::new(tokio::net::TcpListener::from_std(listener)?);
    tokio::select! {
        served = async { axum::serve(listener, router).await } => served,
        _ = stopped => Ok(()),
    }
}

async fn metrics(State(exhibit): State<Arc<dyn Exhibit>>, headers: HeaderMap) -> impl IntoResponse {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    let format = Format::wanted(accept.unwrap_or_default());
    match page(&exhibit, format) {
        Ok(text) => (StatusCode::OK, [(CONTENT_TYPE, format.content_type())], text),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, [(CONTENT_TYPE, "text/plain")], String::new()),
    }
}

/// Whether requests should be sent here; if not, one line for each cause.
async fn readyz(State(exhibit): State<Arc<dyn Exhibit>>) -> impl IntoResponse {
    let why = exhibit.not_ready();
    if why.is_empty() {
        (StatusCode::OK, "ready\n".to_owned())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, why.join("\n") + "\n")
    }
}
