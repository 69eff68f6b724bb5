//! The routes. What may tell who asks, and for what, travels in bodies, which are in no log, here or at a proxy.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Extension, MatchedPath, Request, State as Of};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use hufu_api::{KeyedLimit, Source, hold_until_sent};
use hufu_contract::{PROBLEM_TYPE_PREFIX, Problem, ViewDay, ViewDays, ViewPlaces, WantSlips, WantTicket};
use hufu_records::{Day, OpenView, Slip};
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use zerocopy::IntoBytes as _;

use super::now;
use super::shelf::Days;
use super::tickets::{Refusal, Tickets};

/// What requests are answered from.
pub(super) struct State {
    pub(super) days: ArcSwap<Days>,
    pub(super) places: ArcSwap<ViewPlaces>,
    pub(super) tickets: Tickets,
    /// Room for requests that read views.
    pub(super) room: Arc<Semaphore>,
    /// What each source has of it.
    pub(super) sources: Arc<KeyedLimit<IpAddr>>,
}

/// Requests that read views at once: each holds one answer in memory until it is sent.
pub(super) const REQUESTS_MAX: usize = 16;
/// Of them those of one source, and those that wait: who does not read answers leaves room for others. This machine is no
/// one source: a registry or a proxy asks for many here.
pub(super) const REQUESTS_SOURCE_MAX: usize = 8;
/// A request has at most a code, or a ticket and 256 prefixes.
const BODY_BYTES_MAX: usize = 8 * 1024;
/// Bytes of an answer, beyond its first bucket.
const ANSWER_BYTES_MAX: usize = 8 << 20;
/// How long a request may take, its body included.
const REQUEST_MAX: Duration = Duration::from_secs(30);

pub(super) fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/v1/days", get(days))
        .route("/v1/places", get(places))
        .route("/v1/ticket", post(ticket))
        .route("/v1/slips", post(slips))
        .fallback(async || {
            Trouble::new(StatusCode::NOT_FOUND, "not-found", "there is no such path: see docs/RECORDS.md")
        })
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn(bounded))
        .with_state(state)
}

async fn days(Of(state): Of<Arc<State>>) -> Json<ViewDays> {
    let days = state.days.load();
    let days = days.iter().map(|(day, views)| {
        let times = views.iter().map(|view| view.header()).filter(|header| header.slips > 0);
        ViewDay {
            day: day.to_string(),
            prefix_bits: prefix_bits(views),
            slips: views.iter().map(|view| view.header().slips).sum(),
            first_ms: times.clone().map(|header| header.first.0).min().unwrap_or(0),
            last_ms: times.map(|header| header.last.0).max().unwrap_or(0),
        }
    });
    Json(ViewDays { days: days.collect() })
}

async fn places(Of(state): Of<Arc<State>>) -> Json<ViewPlaces> {
    Json(ViewPlaces::clone(&state.places.load()))
}

async fn ticket(
    Of(state): Of<Arc<State>>,
    Extension(Source(source)): Extension<Source>,
    body: Bytes,
) -> Result<Response, Trouble> {
    let WantTicket { code } = read(&body)?;
    let ticket = state.tickets.give(&code, source, now())?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(ticket)).into_response())
}

async fn slips(
    Of(state): Of<Arc<State>>,
    Extension(Source(source)): Extension<Source>,
    body: Bytes,
) -> Result<Response, Trouble> {
    let WantSlips { ticket, day, prefix_bits: bits, prefixes } = read(&body)?;
    let day: Day =
        day.parse().map_err(|_| Trouble::invalid("day is not a day; write it as in 2026-11-29"))?;
    if prefixes.is_empty() || prefixes.len() > WantSlips::PREFIXES_MAX {
        return Err(Trouble::invalid("prefixes must have 1 to 256 numbers"));
    }
    let views = state.days.load().get(&day).cloned().ok_or_else(|| {
        Trouble::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "this day is not there: ask for the list of days again",
        )
    })?;
    if bits != prefix_bits(&views) {
        return Err(Trouble::invalid(
            "prefix_bits is not the day's: ask for the list of days again; a longer prefix would tell more than needed",
        ));
    }
    if prefixes.iter().any(|prefix| u64::from(*prefix) >> bits != 0) {
        return Err(Trouble::invalid("a prefix has more bits than the day's"));
    }
    let share = match state.sources.take(source) {
        None if !source.is_loopback() => return Err(Trouble::busy()),
        share => share,
    };
    let buckets = u32::try_from(prefixes.len()).unwrap_or(u32::MAX);
    state.tickets.spend(&ticket, buckets, now())?;
    let room = Arc::clone(&state.room).acquire_owned().await.map_err(|_| Trouble::busy())?;
    let answer = tokio::task::spawn_blocking(move || answer(&views, bits, &prefixes));
    let answer = answer.await.map_err(|_| Trouble::busy())?.map_err(|why| {
        tracing::error!("{why}");
        Trouble::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "damaged",
            "the view of this day is damaged: tell the operator",
        )
    })?;
    let kind = HeaderValue::from_static("application/octet-stream");
    let headers =
        [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok(hold_until_sent((headers, answer).into_response(), (room, share)))
}

/// The longest prefix of the views of a day. Its own buckets are large enough, and others only add to them.
fn prefix_bits(views: &[Arc<OpenView>]) -> u8 {
    views.iter().map(|view| view.header().prefix_bits).max().unwrap_or(0)
}

/// For each prefix the number of its slips, and the slips of all engines, sorted. What is too much is left out at the end.
fn answer(views: &[Arc<OpenView>], bits: u8, prefixes: &[u32]) -> Result<Vec<u8>, hufu_records::ViewFault> {
    let mut answer = Vec::new();
    for prefix in prefixes {
        let mut slips: Vec<Slip> = Vec::new();
        for view in views {
            slips.append(&mut view.slips(bits, *prefix)?);
        }
        slips.sort_unstable();
        if !answer.is_empty() && answer.len() + slips.len() * Slip::BYTES > ANSWER_BYTES_MAX {
            break;
        }
        answer.extend_from_slice(&u32::try_from(slips.len()).unwrap_or(u32::MAX).to_le_bytes());
        answer.extend_from_slice(slips.as_bytes());
    }
    Ok(answer)
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Trouble> {
    // What is wrong stands at a place; the text around it is not repeated.
    serde_json::from_slice(body).map_err(|why| {
        let detail = format!("line {} column {} of the body", why.line(), why.column());
        Trouble::new(StatusCode::BAD_REQUEST, "malformed-json", detail)
    })
}

/// Answers in time, and logs route and status alone.
async fn bounded(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let begun = Instant::now();
    let response = match tokio::time::timeout(REQUEST_MAX, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Trouble::busy().into_response(),
    };
    let route = route.as_ref().map_or("unknown", MatchedPath::as_str);
    tracing::debug!(route, status = response.status().as_u16(), ms = begun.elapsed().as_millis(), "answered");
    response
}

/// Why a request was not carried out (RFC 9457).
struct Trouble {
    status: StatusCode,
    name: &'static str,
    detail: String,
}

impl Trouble {
    fn new(status: StatusCode, name: &'static str, detail: impl Into<String>) -> Trouble {
        Trouble { status, name, detail: detail.into() }
    }

    fn invalid(detail: &str) -> Trouble {
        Trouble::new(StatusCode::BAD_REQUEST, "invalid", detail)
    }

    fn busy() -> Trouble {
        Trouble::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "try again in a minute")
    }
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Trouble {
        match refusal {
            Refusal::Code(reason) => Trouble::new(
                StatusCode::FORBIDDEN,
                "no-live-code",
                format!("a ticket needs a code that is genuine and live; this one is refused: {reason}"),
            ),
            Refusal::TooMany => Trouble::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too-many",
                "this address asked for too many tickets: try again in ten minutes",
            ),
            Refusal::Full => Trouble::busy(),
            Refusal::Unknown => Trouble::new(
                StatusCode::UNAUTHORIZED,
                "unauthenticated",
                "the ticket is unknown or has expired",
            ),
            Refusal::Spent => Trouble::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too-many",
                "the ticket is not good for so many buckets: get another one",
            ),
        }
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let title = self.status.canonical_reason().unwrap_or("Refused").to_owned();
        let problem = Problem {
            kind: format!("{PROBLEM_TYPE_PREFIX}{}", self.name),
            title,
            status: self.status.as_u16(),
            detail: self.detail,
            tip: None,
            brake: None,
            holders: Vec::new(),
            now_ms: None,
            terms: None,
        };
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        (self.status, kind, Body::from(body)).into_response()
    }
}
