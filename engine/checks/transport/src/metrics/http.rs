//! Three paths: `/metrics`, `/healthz`, `/readyz`.

use core::fmt;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::sync::oneshot;

use super::scrape::Board;
use super::visit::Doorman;

/// What a page shows.
pub(crate) trait Shown: Send + Sync {
    /// Everything as OpenMetrics text.
    fn text(&self) -> Result<String, fmt::Error>;

    /// Why requests should not be sent here, one line a cause; none when it is ready.
    fn not_ready(&self) -> Vec<String>;
}

impl Shown for Arc<Board> {
    fn text(&self) -> Result<String, fmt::Error> {
        Board::text(self)
    }

    fn not_ready(&self) -> Vec<String> {
        Board::not_ready(self)
    }
}

/// Serves until `stopped`.
pub(crate) async fn serve(
    listener: TcpListener,
    shown: Arc<dyn Shown>,
    stopped: oneshot::Receiver<()>,
) -> io::Result<()> {
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(readyz))
        .with_state(shown);
    let listener = Doorman::new(tokio::net::TcpListener::from_std(listener)?);
    tokio::select! {
        served = async { axum::serve(listener, router).await } => served,
        _ = stopped => Ok(()),
    }
}

async fn metrics(State(shown): State<Arc<dyn Shown>>) -> impl IntoResponse {
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match shown.text() {
        Ok(text) => (StatusCode::OK, [(CONTENT_TYPE, OPEN_METRICS)], text),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, [(CONTENT_TYPE, "text/plain")], String::new()),
    }
}

/// Whether requests should be sent here; if not, one line for each cause.
async fn readyz(State(shown): State<Arc<dyn Shown>>) -> impl IntoResponse {
    let why = shown.not_ready();
    if why.is_empty() {
        (StatusCode::OK, "ready\n".to_owned())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, why.join("\n") + "\n")
    }
}
