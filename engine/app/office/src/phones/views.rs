//! `/views/`: what a page asks the service of the holder's view, handed on, because a page asks no other origin than its
//! own. Bodies are in no log and nowhere kept (decision 26); of an answer type and bytes go back.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{DefaultBodyLimit, Extension, State};
use axum::http::{HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use hufu_api::{Source, Tally};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

/// What is handed on at once: each holds one answer in memory.
const REQUESTS_MAX: usize = 16;
/// Bytes of a request: a code, or a ticket and 256 prefixes.
const BODY_BYTES_MAX: usize = 8 * 1024;
/// Bytes of an answer: 8 MiB of buckets, and the one that began before.
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// How long one may take.
const REQUEST_MAX: Duration = Duration::from_secs(30);
/// Tickets that one source gets in ten minutes: the service behind sees one source for all.
const TICKETS_SOURCE_MAX: u32 = 60;
const TICKETS_WINDOW: Duration = Duration::from_secs(600);
/// Sources that are counted.
const SOURCES_MAX: usize = 1 << 20;

/// The service behind, and who asked it for tickets.
struct Views {
    at: SocketAddr,
    room: Semaphore,
    asked: Tally<IpAddr>,
}

/// Routes that hand requests on to the service at `at`.
pub(super) fn router(at: SocketAddr) -> Router {
    let views = Arc::new(Views::of(at, REQUESTS_MAX));
    Router::new()
        .route(
            "/views/v1/days",
            get(async |State(views): State<Arc<Views>>| views.hand_on("GET", "/v1/days", Bytes::new()).await),
        )
        .route(
            "/views/v1/places",
            get(async |State(views): State<Arc<Views>>| {
                views.hand_on("GET", "/v1/places", Bytes::new()).await
            }),
        )
        .route("/views/v1/ticket", post(ticket))
        .route(
            "/views/v1/slips",
            post(async |State(views): State<Arc<Views>>, body: Bytes| {
                views.hand_on("POST", "/v1/slips", body).await
            }),
        )
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(views)
}

async fn ticket(
    State(views): State<Arc<Views>>,
    Extension(Source(source)): Extension<Source>,
    body: Bytes,
) -> Response {
    if !views.asked.count(source, Instant::now()) {
        return told(StatusCode::TOO_MANY_REQUESTS, Some(600));
    }
    views.hand_on("POST", "/v1/ticket", body).await
}

impl Views {
    fn of(at: SocketAddr, requests_max: usize) -> Views {
        let asked = Tally::new(TICKETS_WINDOW, TICKETS_SOURCE_MAX, SOURCES_MAX);
        Views { at, room: Semaphore::new(requests_max), asked }
    }

    async fn hand_on(&self, method: &'static str, path: &'static str, body: Bytes) -> Response {
        let Ok(_room) = self.room.try_acquire() else {
            return told(StatusCode::SERVICE_UNAVAILABLE, Some(10));
        };
        match tokio::time::timeout(REQUEST_MAX, self.ask(method, path, body)).await {
            Ok(Ok(response)) => response,
            Ok(Err(why)) => {
                tracing::warn!(path, %why, "the service of the holder's view does not answer");
                told(StatusCode::BAD_GATEWAY, None)
            }
            Err(_) => told(StatusCode::GATEWAY_TIMEOUT, None),
        }
    }

    /// One request on a connection of its own: nothing of the page's but the body goes on.
    async fn ask(&self, method: &str, path: &str, body: Bytes) -> anyhow::Result<Response> {
        let stream = TcpStream::connect(self.at).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, self.at.to_string())
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body))?;
        let exchange = async {
            let answer = sender.send_request(request).await?;
            let (status, kind) = (answer.status(), answer.headers().get(header::CONTENT_TYPE).cloned());
            let bytes = to_bytes(Body::new(answer.into_body()), ANSWER_BYTES_MAX).await?;
            anyhow::Ok((status, kind, bytes))
        };
        tokio::pin!(connection);
        tokio::pin!(exchange);
        let (status, kind, bytes) = tokio::select! {
            answer = &mut exchange => answer?,
            ended = &mut connection => {
                ended?;
                exchange.await?
            }
        };
        let mut response = (status, bytes).into_response();
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_TYPE);
        kind.map(|kind| headers.insert(header::CONTENT_TYPE, kind));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        Ok(response)
    }
}

/// A refusal without words: a page has its own.
fn told(status: StatusCode, retry_s: Option<u64>) -> Response {
    let mut response = status.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    retry_s.map(|retry_s| headers.insert(header::RETRY_AFTER, HeaderValue::from(retry_s)));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    use axum::Json;
    use hufu_api::{ApiOptions, serve_routes};
    use serde_json::{Value, json};

    async fn ask(at: SocketAddr, method: &str, path: &str, body: String) -> Response {
        Views::of(at, 1).ask(method, path, body.into()).await.unwrap()
    }

    #[tokio::test]
    async fn r41_a_page_asks_the_holder_s_view_through_its_own_origin() {
        let service = Router::new()
            .route("/v1/days", get(async || Json(json!({"days": []}))))
            .route("/v1/ticket", post(async || Json(json!({"ticket": "00"}))))
            .route("/v1/slips", post(async |Json(body): Json<Value>| (StatusCode::FORBIDDEN, Json(body))));
        let local = || ApiOptions::on(SocketAddr::from(([127, 0, 0, 1], 0)));
        let service = serve_routes(&local(), service).unwrap();
        let front = serve_routes(&local(), router(service.addr())).unwrap();

        let days = ask(front.addr(), "GET", "/views/v1/days", String::new()).await;
        assert_eq!(
            (days.status(), days.headers()["cache-control"].as_bytes()),
            (StatusCode::OK, &b"no-store"[..])
        );
        assert_eq!(to_bytes(days.into_body(), 99).await.unwrap(), r#"{"days":[]}"#);
        let slips = ask(front.addr(), "POST", "/views/v1/slips", r#"{"day":1}"#.into()).await;
        assert_eq!(slips.status(), StatusCode::FORBIDDEN, "as the service said");
        assert_eq!(to_bytes(slips.into_body(), 99).await.unwrap(), r#"{"day":1}"#);
        for path in ["/views/v1/keys", "/views/../etc", "/views/v1/days/..", "/views/"] {
            assert_eq!(ask(front.addr(), "GET", path, String::new()).await.status(), 404, "{path}");
        }
        let large = ask(front.addr(), "POST", "/views/v1/slips", "x".repeat(BODY_BYTES_MAX + 1)).await;
        assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
        for nth in 1..=TICKETS_SOURCE_MAX + 1 {
            let status = ask(front.addr(), "POST", "/views/v1/ticket", "{}".into()).await.status();
            let expected = if nth <= TICKETS_SOURCE_MAX { 200 } else { 429 };
            assert_eq!(status, expected, "ticket {nth} of one source");
        }
        service.stop().await;
        let gone = ask(front.addr(), "GET", "/views/v1/days", String::new()).await;
        assert_eq!(gone.status(), StatusCode::BAD_GATEWAY);
    }
}
