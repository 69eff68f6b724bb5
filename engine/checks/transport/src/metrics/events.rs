//! Events of exhibits as server-sent events (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::time::timeout;

use super::exhibit::{Events, Exhibit, NoEvents};
use super::listener::Lasting;

/// A reader whose line is dead is noticed by what is written to it.
const ALIVE_EVERY: Duration = Duration::from_secs(15);

/// Every path that is no other's.
pub(super) async fn events(
    State(exhibit): State<Arc<dyn Exhibit>>,
    ConnectInfo(lasting): ConnectInfo<Lasting>,
    request: Request,
) -> Response {
    let Some(events) = exhibit.events(request.uri().path(), bearer(request.headers())) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match events {
        _ if request.method() != Method::GET => StatusCode::METHOD_NOT_ALLOWED.into_response(),
        Ok(events) => {
            lasting.set();
            let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")];
            (headers, body(events)).into_response()
        }
        Err(NoEvents::Unauthorized) => {
            let headers = [(WWW_AUTHENTICATE, "Bearer")];
            (StatusCode::UNAUTHORIZED, headers, "Missing or invalid token\n").into_response()
        }
        Err(NoEvents::Busy) => {
            (StatusCode::SERVICE_UNAVAILABLE, "Too many readers; try again later\n").into_response()
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Asked for more only when the connection takes more.
fn body(events: Box<dyn Events>) -> Body {
    Body::from_stream(stream::unfold(events, |mut events| async {
        let text = match timeout(ALIVE_EVERY, events.next()).await {
            Ok(next) => next?,
            // A comment: readers skip it.
            Err(_) => ":\n\n".to_owned(),
        };
        Some((Ok::<_, Infallible>(text), events))
    }))
}
