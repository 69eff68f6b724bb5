//! What phones of holders ask, on a socket of its own: a flood here takes no clerk's place (R46). `docs/REGISTRY.md`, Phones,
//! has the bytes.
//!
//! A request passes four doors, each cheaper than the next: room for one more, its headers and its time, its body, its
//! signature. What is turned away at the first two costs no store and no signature. The body of
//! what wants a credential is read before that, so that it has a place among those that get one only while it is worked at.

mod about;
mod handlers;
mod notes;
mod signed;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, FromRequest as _, MatchedPath, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use hufu_contract::{BindingId, PhoneName};
use hufu_registry::Registry;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use super::admission::IssuingPlace;
use super::extract::unread;
use super::guard;
use super::keyed_limit::KeyedLimit;
use super::meters::Meters;
use super::options::{ApiOptions, ServeFault, TlsFiles};
use super::problem::{ApiProblem, Chosen, Kind};
use super::server::{Front, Source, front};
use super::tally::Tally;

use about::About;
use notes::Notes;

/// How phones are served. Of `api` those of the socket, of TLS, of connections and of requests count; a token's limits are a
/// source's here.
#[derive(Clone, Debug)]
pub struct PhoneOptions {
    /// Where, with which certificate, and how much at once.
    pub api: ApiOptions,
    /// Requests of one phone in a minute.
    pub phone_requests_max: u32,
    /// What a page tells who appeals.
    pub appeal: Option<String>,
}

/// The phones' API, as it runs.
#[derive(Debug)]
pub struct RunningPhones {
    front: Front,
    stopping: watch::Sender<bool>,
    upkeep: JoinHandle<()>,
    state: Arc<Phones>,
    connections_max: usize,
}

/// What is counted of the phones' API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PhoneFigures {
    /// Answers by request and status.
    pub requests: Vec<(String, u16, u64)>,
    /// Refusals by cause.
    pub refusals: Vec<(&'static str, u64)>,
    /// Open connections.
    pub connections: usize,
    /// Credentials that were issued to phones.
    pub renewals: u64,
}

/// What every handler is given.
#[derive(Debug)]
struct Phones {
    registry: Arc<Registry>,
    appeal: Option<String>,
    /// Room for requests that are worked at.
    room: Arc<Semaphore>,
    /// Room for activations among them: guesses of numbers take no renewal's place.
    activations: Semaphore,
    /// Requests under way, by source.
    sources: Arc<KeyedLimit<IpAddr>>,
    /// Requests of each phone, once its signature was verified: no one uses up another's.
    asked: Tally<PhoneName>,
    /// Credentials that each phone got for its holder, and for each relative: every one is a row that is never deleted.
    issued: Tally<(PhoneName, Option<BindingId>)>,
    /// Activations under way, by source: who guesses numbers leaves places for others. How many numbers were wrong is not
    /// counted: thousands of phones share one address, and 80 random bits are not guessed.
    activating: Arc<KeyedLimit<IpAddr>>,
    about: About,
    notes: Notes,
    meters: Arc<Meters>,
    request: Duration,
}

/// Bytes of a request's body: the largest has a number and a key, or terms and a root.
const BODY_BYTES_MAX: usize = 4096;
/// Activations at once.
const ACTIVATIONS_MAX: usize = 16;
/// Activations at once of one source.
const ACTIVATIONS_SOURCE_MAX: usize = 4;
/// How long requests of a phone are counted together.
const PHONE_WINDOW: Duration = Duration::from_secs(60);
/// How long a body may take of a request that wants a credential: it mostly comes with the headers.
const BODY_TIME: Duration = Duration::from_secs(5);
/// How long credentials of a phone are counted together.
const ISSUED_WINDOW: Duration = Duration::from_secs(3600);
/// Credentials of a phone in that time: a phone renews once a day, and again when its terms do not hold or an answer is lost.
const ISSUED_MAX: u32 = 12;
/// When a phone that had so many is to come back, seconds: the time may be over sooner than an hour from then.
const ISSUED_PAUSE_S: u64 = 600;
/// Phones that are counted at once: some ten megabytes.
const COUNTED_MAX: usize = 1 << 20;

impl PhoneOptions {
    /// Plain HTTP on `listen`; 4,096 connections and 512 of one source, 256 requests and 64 of one source, 10 s a request,
    /// 30 requests of a phone in a minute.
    pub fn on(listen: SocketAddr) -> PhoneOptions {
        let api = ApiOptions {
            connections_max: 4096,
            connections_source_max: 512,
            requests_token_max: 64,
            request_ms_max: 10_000,
            ..ApiOptions::on(listen)
        };
        PhoneOptions { api, phone_requests_max: 30, appeal: None }
    }
}

/// Serves phones, and `beside` the page that they run, from the same origin, until [`RunningPhones::stop`]. Called within
/// a tokio runtime.
///
/// # Errors
/// [`ServeFault`]: nothing is served.
pub fn serve_phones(
    options: &PhoneOptions,
    registry: Arc<Registry>,
    beside: Option<Router>,
) -> Result<RunningPhones, ServeFault> {
    let PhoneOptions { api, phone_requests_max, appeal } = options;
    let state = Arc::new(Phones {
        registry,
        appeal: appeal.clone(),
        room: Arc::new(Semaphore::new(api.requests_max)),
        activations: Semaphore::new(ACTIVATIONS_MAX),
        sources: KeyedLimit::new(api.requests_token_max),
        asked: Tally::new(PHONE_WINDOW, *phone_requests_max, COUNTED_MAX),
        issued: Tally::new(ISSUED_WINDOW, ISSUED_MAX, COUNTED_MAX),
        activating: KeyedLimit::new(ACTIVATIONS_SOURCE_MAX),
        about: About::default(),
        notes: Notes::default(),
        meters: Arc::default(),
        request: Duration::from_millis(api.request_ms_max),
    });
    let front = front(api, router(Arc::clone(&state), beside), Arc::clone(&state.meters))?;
    let (stopping, stopped) = watch::channel(false);
    let refusals = Duration::from_millis(api.refusals_every_ms);
    let upkeep = tokio::spawn(notes::keep(Arc::clone(&state), refusals, stopped));
    Ok(RunningPhones { front, stopping, upkeep, state, connections_max: api.connections_max })
}

fn router(state: Arc<Phones>, beside: Option<Router>) -> Router {
    let phones = Router::new()
        .route("/phone/v1/about", get(about::about))
        .route("/phone/v1/activate", post(handlers::activate))
        .route("/phone/v1/renew", post(handlers::renew))
        .route("/phone/v1/status", post(handlers::status))
        .route("/phone/v1/family", post(handlers::family))
        .method_not_allowed_fallback(guard::other_method)
        .layer(from_fn_with_state(Arc::clone(&state), admitted))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn(guard::caught))
        .layer(from_fn_with_state(Arc::clone(&state), counted))
        .with_state(state);
    match beside {
        Some(pages) => phones.merge(pages),
        None => phones.fallback(async || ApiProblem::new(Kind::NotFound, "see docs/REGISTRY.md, Phones")),
    }
}

/// Turns away what there is no room for, and ends what takes too long. Who has not sent a whole request keeps no place from
/// others among those that get a credential.
async fn admitted(State(state): State<Arc<Phones>>, request: Request, next: Next) -> Response {
    if state.room.available_permits() == 0 {
        return state.busy().into_response();
    }
    let source = request.extensions().get::<Source>().map(|source| source.0);
    let share = match source.map(|source| state.sources.take(source)) {
        Some(None) => {
            let problem = ApiProblem::new(Kind::TooMany, "this address has too many requests under way");
            return problem.after(state.notes.pause_s()).into_response();
        }
        share => share,
    };
    let (request, _place) = if ["/phone/v1/renew", "/phone/v1/family"].contains(&request.uri().path()) {
        let request = match whole(request, state.request.min(BODY_TIME)).await {
            Ok(request) => request,
            Err(problem) => return problem.into_response(),
        };
        // Clerks' requests and phones' together: the same store writes all of them down.
        match IssuingPlace::enter(&state.registry) {
            Ok(place) => (request, Some(place)),
            Err(turned_away) => {
                // Thousands of phones share one address: who waits to be told takes no other's share.
                drop(share);
                return turned_away.told().await.into_response();
            }
        }
    } else {
        (request, None)
    };
    let answer = tokio::time::timeout(state.request, next.run(request)).await;
    answer.unwrap_or_else(|_| {
        ApiProblem::new(Kind::Slow, "send it again: what is sent twice has one effect").into_response()
    })
}

/// The request with all of its body.
async fn whole(request: Request, time: Duration) -> Result<Request, ApiProblem> {
    let (parts, body) = request.into_parts();
    let read = Bytes::from_request(Request::from_parts(parts.clone(), body), &());
    let late = |_| ApiProblem::new(Kind::Slow, "the body did not arrive in time: send the request again");
    let body = tokio::time::timeout(time, read).await.map_err(late)?.map_err(unread)?;
    Ok(Request::from_parts(parts, Body::from(body)))
}

/// Counts every answer, and keeps all of them out of caches. What phones send is in no log.
async fn counted(State(state): State<Arc<Phones>>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().cloned();
    let class = path.as_ref().and_then(|path| path.as_str().rsplit('/').next()).unwrap_or("other").to_owned();
    let begun = Instant::now();
    let mut response = next.run(request).await;
    let (status, took) = (response.status().as_u16(), begun.elapsed());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    state.meters.request(&class, status, took);
    if let Some(kind) = response.extensions().get::<Kind>().copied() {
        let is_chosen = response.extensions().get::<Chosen>().is_some();
        if kind.status() == StatusCode::SERVICE_UNAVAILABLE && !is_chosen {
            // Each is told another time to come back, so that they do not come together.
            response.headers_mut().insert(header::RETRY_AFTER, state.notes.pause_s().into());
        }
        state.meters.problem(kind, None);
        if state.meters.may_log_stranger(begun) {
            tracing::info!(
                class,
                status,
                ms = took.as_millis(),
                problem = kind.slug(),
                "a phone was refused"
            );
        }
    } else {
        tracing::debug!(class, status, ms = took.as_millis(), "a phone was answered");
    }
    response
}

impl Phones {
    /// There is no room. Each is told another time to come back, so that they do not come together.
    fn busy(&self) -> ApiProblem {
        let detail =
            "more phones ask than can be answered: the code that you have stays good until it expires";
        ApiProblem::new(Kind::Busy, detail).after(self.notes.pause_s())
    }

    /// Counts one more credential of a phone, for its holder or for a relative. It is given back where none was issued, and
    /// not where a request was broken off: then one may have been.
    ///
    /// # Errors
    /// [`Kind::TooMany`] beyond [`ISSUED_MAX`].
    fn may_issue(&self, counted: (PhoneName, Option<BindingId>)) -> Result<(), ApiProblem> {
        if self.issued.count(counted, Instant::now()) {
            return Ok(());
        }
        let detail = format!("this phone got {ISSUED_MAX} codes within an hour: use the last one");
        Err(ApiProblem::new(Kind::TooMany, detail).after(ISSUED_PAUSE_S))
    }
}

impl RunningPhones {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.front.addr()
    }

    /// As [`Front::renew`].
    ///
    /// # Errors
    /// [`ServeFault::Tls`]: the certificate stays what it was.
    pub fn renew(&self, files: &TlsFiles) -> Result<(), ServeFault> {
        self.front.renew(files)
    }

    /// Where its figures come from.
    pub fn figures(&self) -> impl Fn() -> PhoneFigures + Send + Sync + 'static {
        let (state, max) = (Arc::clone(&self.state), self.connections_max);
        let room = self.front.room();
        move || PhoneFigures {
            requests: state.meters.requests(),
            refusals: state.meters.refusals(),
            connections: max - room.available_permits(),
            renewals: state.notes.renewals(),
        }
    }

    /// Takes no more connections, lets requests under way come to their end for up to five seconds, and writes down what
    /// was noted.
    pub async fn stop(self) {
        self.front.stop().await;
        // Fails when no task waits for it.
        let _ = self.stopping.send(true);
        if tokio::time::timeout(super::server::FAREWELL, self.upkeep).await.is_err() {
            tracing::warn!("the last renewals of phones were not noted in time");
        }
    }
}
