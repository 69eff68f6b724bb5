//! What terminals ask: our own JSON here, other dialects in files of their own.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::State as Of;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use hufu_texts::Language;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::time::timeout;

use super::qr86::{self, Output};
use super::terminal::{Outcome, Terminal};

/// Every terminal, by what tells the bridge which one asks.
#[derive(Default)]
pub(super) struct Terminals {
    /// By the digests of their tokens: how long it takes to find one tells nothing of any token.
    by_token: HashMap<[u8; 32], Arc<Terminal>>,
    pub(super) by_serial: HashMap<String, Numbered>,
}

/// A terminal that is known by its serial number and its address.
pub(super) struct Numbered {
    pub(super) terminal: Arc<Terminal>,
    pub(super) source: Ipv4Addr,
    pub(super) output: Output,
}

/// A code, and little around it.
const BODY_BYTES_MAX: usize = 4_096;
/// How long the body of a request may take to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(5);
/// Longest name of a scan.
const ID_BYTES_MAX: usize = 64;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    /// What was scanned.
    code: String,
    /// The terminal's name for this scan: the same when it asks again because it heard no answer.
    id: Option<String>,
    /// The language of the answer.
    lang: Option<String>,
}

impl Terminals {
    pub(super) fn len(&self) -> usize {
        self.by_token.len() + self.by_serial.len()
    }

    /// `false` when another terminal has this token.
    pub(super) fn add_with_token(&mut self, digest: [u8; 32], terminal: Terminal) -> bool {
        self.by_token.insert(digest, Arc::new(terminal)).is_none()
    }

    /// `false` when another terminal has this serial number.
    pub(super) fn add_with_serial(
        &mut self,
        serial: &str,
        source: Ipv4Addr,
        output: Output,
        terminal: Terminal,
    ) -> bool {
        let numbered = Numbered { terminal: Arc::new(terminal), source, output };
        self.by_serial.insert(serial.to_owned(), numbered).is_none()
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Terminal>> {
        self.by_token.values().chain(self.by_serial.values().map(|numbered| &numbered.terminal))
    }

    fn with_token(&self, headers: &HeaderMap) -> Option<&Arc<Terminal>> {
        let token = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
        self.by_token.get(&<[u8; 32]>::from(Sha256::digest(token.trim().as_bytes())))
    }
}

pub(super) fn router(terminals: Arc<Terminals>) -> Router {
    Router::new()
        .route("/v1/check", post(check))
        .route("/qa/{page}", get(qr86::check))
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .fallback(async || no_such_path())
        .with_state(terminals)
}

/// Ready when an engine answers every terminal.
async fn ready(Of(terminals): Of<Arc<Terminals>>) -> Response {
    let online = terminals.all().filter(|terminal| terminal.is_online()).count();
    let status = if online == terminals.len() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "terminals": terminals.len(), "online": online }))).into_response()
}

/// A gate opens on the decision `admit` and on nothing else.
async fn check(Of(terminals): Of<Arc<Terminals>>, headers: HeaderMap, body: Body) -> Response {
    let Some(terminal) = terminals.with_token(&headers) else {
        return problem(StatusCode::UNAUTHORIZED, "no terminal has this token");
    };
    let body = match timeout(BODY_WITHIN, to_bytes(body, BODY_BYTES_MAX)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => {
            return problem(StatusCode::PAYLOAD_TOO_LARGE, "the body is cut, or longer than 4,096 bytes");
        }
        Err(_) => return problem(StatusCode::REQUEST_TIMEOUT, "the body did not arrive within 5 s"),
    };
    let Ok(Ask { code, id, lang }) = serde_json::from_slice(&body) else {
        // What serde would say can repeat what was sent.
        return problem(
            StatusCode::BAD_REQUEST,
            "the body is not {\"code\": \"...\"}, with or without \"id\" and \"lang\"",
        );
    };
    if id.as_ref().is_some_and(|id| id.is_empty() || id.len() > ID_BYTES_MAX) {
        return problem(StatusCode::BAD_REQUEST, "an id has 1 to 64 bytes");
    }
    let accepted = || Language::accepted(headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?);
    let named = lang.as_deref().and_then(Language::from_tag);
    let language = named.or(terminal.language).or_else(accepted).unwrap_or(Language::En);
    let mut given = terminal.check(code.into_bytes(), id.clone(), language).await;
    if let Some(id) = id {
        given.answer["id"] = Value::String(id);
    }
    let status = match given.outcome {
        Outcome::Admit | Outcome::Shut => StatusCode::OK,
        Outcome::Offline => StatusCode::SERVICE_UNAVAILABLE,
        Outcome::Busy => StatusCode::TOO_MANY_REQUESTS,
    };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(given.answer)).into_response()
}

pub(super) fn no_such_path() -> Response {
    problem(StatusCode::NOT_FOUND, "there is no such path: see docs/GATES.md")
}

/// No verdict, and why.
pub(super) fn problem(status: StatusCode, why: &str) -> Response {
    (status, Json(json!({ "decision": null, "error": why }))).into_response()
}
