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
use hufu_api::{KeyedLimit, Source, Tally, hold_until_sent};
use hufu_wire::StrangerLines;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

/// What is handed on at once: each holds one answer in memory until it is sent.
const REQUESTS_MAX: usize = 16;
/// Of them those of one source: who does not read answers leaves room for others.
const REQUESTS_SOURCE_MAX: usize = 8;
/// Bytes of a request: a code, or a ticket and 256 prefixes.
const BODY_BYTES_MAX: usize = 8 * 1024;
/// Bytes of an answer: 8 MiB of buckets, and the one that began before.
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// How long the service may take.
const REQUEST_MAX: Duration = Duration::from_secs(30);
/// Tickets that one source gets in ten minutes: the service behind sees one source for all.
const TICKETS_SOURCE_MAX: u32 = 60;
const TICKETS_WINDOW: Duration = Duration::from_secs(600);
/// Sources that are counted.
const SOURCES_MAX: usize = 1 << 20;

/// The service behind, and who asked it for tickets.
struct Views {
    at: SocketAddr,
    room: Arc<Semaphore>,
    sources: Arc<KeyedLimit<IpAddr>>,
    asked: Tally<IpAddr>,
    /// Of a service that does not answer: anyone can ask.
    lines: StrangerLines,
}

/// Routes that hand requests on to the service at `at`.
pub(super) fn router(at: SocketAddr) -> Router {
    routes(Views::of(at, REQUESTS_MAX, REQUESTS_SOURCE_MAX))
}

fn routes(views: Views) -> Router {
    Router::new()
        .route("/views/v1/days", get(days))
        .route("/views/v1/places", get(places))
        .route("/views/v1/ticket", post(ticket))
        .route("/views/v1/slips", post(slips))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(Arc::new(views))
}

async fn days(State(views): State<Arc<Views>>, Extension(source): Extension<Source>) -> Response {
    views.hand_on(source, "GET", "/v1/days", Bytes::new()).await
}

async fn places(State(views): State<Arc<Views>>, Extension(source): Extension<Source>) -> Response {
    views.hand_on(source, "GET", "/v1/places", Bytes::new()).await
}

async fn ticket(
    State(views): State<Arc<Views>>,
    Extension(source): Extension<Source>,
    body: Bytes,
) -> Response {
    if !views.asked.count(source.0, Instant::now()) {
        return told(StatusCode::TOO_MANY_REQUESTS, Some(600));
    }
    views.hand_on(source, "POST", "/v1/ticket", body).await
}

async fn slips(
    State(views): State<Arc<Views>>,
    Extension(source): Extension<Source>,
    body: Bytes,
) -> Response {
    views.hand_on(source, "POST", "/v1/slips", body).await
}

impl Views {
    fn of(at: SocketAddr, requests_max: usize, source_max: usize) -> Views {
        Views {
            at,
            room: Arc::new(Semaphore::new(requests_max)),
            sources: KeyedLimit::new(source_max),
            asked: Tally::new(TICKETS_WINDOW, TICKETS_SOURCE_MAX, SOURCES_MAX),
            lines: StrangerLines::new(),
        }
    }

    async fn hand_on(
        &self,
        Source(source): Source,
        method: &'static str,
        path: &'static str,
        body: Bytes,
    ) -> Response {
        let room = Arc::clone(&self.room).try_acquire_owned().ok();
        let Some(place) = self.sources.take(source).zip(room) else {
            return told(StatusCode::SERVICE_UNAVAILABLE, Some(10));
        };
        match tokio::time::timeout(REQUEST_MAX, self.ask(method, path, body)).await {
            Ok(Ok(response)) => hold_until_sent(response, place),
            Ok(Err(why)) => {
                if self.lines.may_log(Instant::now()) {
                    tracing::warn!(path, %why, "the service of the holder's view does not answer");
                }
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
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpSocket;
    use tokio::time::timeout;

    fn local() -> ApiOptions {
        ApiOptions::on(SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    async fn ask(at: SocketAddr, method: &str, path: &str, body: String) -> Response {
        Views::of(at, 1, 1).ask(method, path, body.into()).await.unwrap()
    }

    /// Asks from 127.0.0.`source`, and reads the status alone.
    async fn unread(at: SocketAddr, source: u8) -> (TcpStream, u16) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, source], 0).into()).unwrap();
        let mut stream = socket.connect(at).await.unwrap();
        let request = b"GET /views/v1/days HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let mut status = [0; "HTTP/1.1 200".len()];
        stream.read_exact(&mut status).await.unwrap();
        let status = std::str::from_utf8(&status[9..]).unwrap().parse().unwrap();
        (stream, status)
    }

    /// Asks until there is room.
    async fn gets_room(at: SocketAddr, source: u8) {
        let asking = async { while unread(at, source).await.1 != 200 {} };
        timeout(Duration::from_secs(10), asking).await.expect("the place is not given back");
    }

    #[tokio::test]
    async fn r41_a_page_asks_the_holder_s_view_through_its_own_origin() {
        let service = Router::new()
            .route("/v1/days", get(async || Json(json!({"days": []}))))
            .route("/v1/ticket", post(async || Json(json!({"ticket": "00"}))))
            .route("/v1/slips", post(async |Json(body): Json<Value>| (StatusCode::FORBIDDEN, Json(body))));
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

    #[tokio::test]
    async fn r41_an_answer_keeps_its_place_until_it_is_read_or_its_reader_is_too_slow() {
        // More than sockets hold.
        let large = Bytes::from(vec![7; ANSWER_BYTES_MAX / 2]);
        let whole = large.len();
        let service = Router::new().route("/v1/days", get(move || std::future::ready(large.clone())));
        let service = serve_routes(&local(), service).unwrap();
        let front = serve_routes(&local(), routes(Views::of(service.addr(), 4, 2))).unwrap();
        let mut held = Vec::new();
        for (source, expected) in [(2, 200), (2, 200), (2, 503), (3, 200), (3, 200), (4, 503)] {
            let (stream, status) = unread(front.addr(), source).await;
            assert_eq!(status, expected, "127.0.0.{source}");
            held.extend((status == 200).then_some(stream));
        }
        let mut rest = Vec::new();
        held.swap_remove(0).read_to_end(&mut rest).await.unwrap();
        assert!(rest.len() > whole);
        gets_room(front.addr(), 2).await;

        let hasty = ApiOptions { sending_ms_max: 100, ..local() };
        let hasty = serve_routes(&hasty, routes(Views::of(service.addr(), 1, 1))).unwrap();
        let (mut cut, status) = unread(hasty.addr(), 2).await;
        assert_eq!(status, 200);
        gets_room(hasty.addr(), 3).await;
        rest.clear();
        // It may end with an error.
        let _ = cut.read_to_end(&mut rest).await;
        assert!(rest.len() < whole);
    }

    #[tokio::test]
    async fn requests_fill_no_log_while_the_service_is_down() {
        let service = serve_routes(&local(), Router::new()).unwrap();
        let views = Views::of(service.addr(), 1, 1);
        service.stop().await;
        // Another second may begin among them.
        for _ in 0..10 {
            for _ in 0..20 {
                let source = Source([127, 0, 0, 1].into());
                let gone = views.hand_on(source, "GET", "/v1/days", Bytes::new()).await;
                assert_eq!(gone.status(), StatusCode::BAD_GATEWAY);
            }
            if !views.lines.may_log(Instant::now()) {
                return;
            }
        }
        panic!("twenty requests have not used up a second's lines");
    }
}
