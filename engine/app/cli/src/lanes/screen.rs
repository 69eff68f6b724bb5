//! The page of a lane, for a screen at the gate: a colour, one sentence, the masked name.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use futures_util::stream::{Stream, unfold};
use hufu_api::{ApiOptions, Front, serve_routes};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::words::Words;
use crate::channel::Channel;
use crate::term::printable;

const PAGE: &str = include_str!("screen/page.html");
const STYLE: &str = include_str!("screen/style.css");
const SCRIPT: &str = include_str!("screen/script.js");

/// Nothing but the page's own files, in no frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// What a lane's screens show, and until when; then they are ready for the next holder.
#[derive(Clone)]
struct Shown {
    text: Arc<str>,
    until: Option<Instant>,
}

/// The lane's end of its screens.
pub(crate) struct Screen {
    shown: watch::Sender<Shown>,
    words: Arc<[Words]>,
    channel: Channel,
    time: Duration,
}

/// Every lane's screens.
pub(crate) struct Screens {
    words: Arc<[Words]>,
    channel: Channel,
    time: Duration,
    lanes: BTreeMap<u16, watch::Receiver<Shown>>,
}

impl Screens {
    /// Screens that show a verdict for `time`, and with a refusal where to appeal.
    pub(crate) fn new(words: Vec<Words>, channel: Channel, time: Duration) -> Screens {
        Screens { words: words.into(), channel, time, lanes: BTreeMap::new() }
    }

    /// The screens of one more lane.
    pub(crate) fn add(&mut self, lane: u16) -> Screen {
        let (shown, seen) = watch::channel(ready(&self.words));
        self.lanes.insert(lane, seen);
        Screen { shown, words: Arc::clone(&self.words), channel: self.channel.clone(), time: self.time }
    }

    /// Serves them at an address of this machine alone. Called within a tokio runtime.
    ///
    /// # Errors
    /// The address cannot be used.
    pub(crate) fn serve(self, listen: SocketAddr) -> anyhow::Result<Front> {
        let routes = Router::new()
            .route("/", get(first))
            .route("/lanes/{lane}", get(page))
            .route("/lanes/{lane}/events", get(events))
            .route("/screen.css", get(async || ([(header::CONTENT_TYPE, "text/css")], STYLE)))
            .route("/screen.js", get(async || ([(header::CONTENT_TYPE, "text/javascript")], SCRIPT)))
            .layer(from_fn(guarded))
            .with_state(Arc::new(self));
        Ok(serve_routes(&ApiOptions { connections_max: 256, ..ApiOptions::on(listen) }, routes)?)
    }
}

impl Screen {
    /// Shows a verdict for its time.
    pub(crate) fn show(&self, verdict: &Value) {
        let mark = verdict["decision"].as_str().unwrap_or("none");
        let name = verdict["reason"].as_str().unwrap_or("offline");
        let display = printable(verdict["display"].as_str().unwrap_or_default());
        let (is_alone, is_told) = (!verdict["without_network"].is_null(), !verdict["appeal"].is_null());
        let said = self.words.iter().map(|words| {
            // What the settings name is in the site's language; the sentence for everywhere is in that of the words.
            let appeal = || self.channel.own().map_or_else(|| words.get("appeal"), printable);
            Said {
                says: words.get(name),
                note: if is_alone { words.get("alone") } else { String::new() },
                appeal: if is_told { appeal() } else { String::new() },
                ..Said::of(words)
            }
        });
        let text = text(mark, &display, said);
        self.shown.send_replace(Shown { text, until: Some(Instant::now() + self.time) });
    }

    /// Shows whether there is a scanner.
    pub(crate) fn tell_scanner(&self, is_there: bool) {
        let words = &self.words;
        self.shown.send_replace(if is_there { ready(words) } else { without(words, "none", "no-scanner") });
    }
}

/// What a screen says in one language. Empty is not shown.
#[derive(Serialize)]
struct Said<'w> {
    lang: &'w str,
    dir: &'static str,
    says: String,
    note: String,
    appeal: String,
}

impl Said<'_> {
    fn of(words: &Words) -> Said<'_> {
        let nothing = String::new;
        let dir = words.language.direction().as_str();
        Said { lang: &words.tag, dir, says: nothing(), note: nothing(), appeal: nothing() }
    }
}

fn ready(words: &[Words]) -> Shown {
    without(words, "ready", "ready")
}

/// What is shown without a verdict.
fn without(words: &[Words], mark: &str, name: &str) -> Shown {
    let said = words.iter().map(|words| Said { says: words.get(name), ..Said::of(words) });
    Shown { text: text(mark, "", said), until: None }
}

/// The first language is that of the page; the others stand beneath.
fn text<'w>(mark: &str, display: &str, mut said: impl Iterator<Item = Said<'w>>) -> Arc<str> {
    let first = said.next();
    let mut event = json!(first);
    event["mark"] = json!(mark);
    event["display"] = json!(display);
    event["more"] = json!(said.collect::<Vec<_>>());
    event.to_string().into()
}

async fn first(State(screens): State<Arc<Screens>>) -> Redirect {
    let lane = screens.lanes.keys().next().copied().unwrap_or(0);
    Redirect::temporary(&format!("/lanes/{lane}"))
}

async fn page(State(screens): State<Arc<Screens>>, Path(lane): Path<u16>) -> Response {
    if !screens.lanes.contains_key(&lane) {
        return unknown();
    }
    let escaped = |text: &str| text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
    let gone: Vec<String> = screens.words.iter().map(|words| words.get("no-gate")).collect();
    let gone = gone.join(" · ");
    let page = PAGE
        .replace("{language}", &screens.words[0].tag)
        .replace("{dir}", screens.words[0].language.direction().as_str())
        .replace("{lane}", &lane.to_string())
        .replace("{no-gate}", &escaped(&gone));
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
}

async fn events(State(screens): State<Arc<Screens>>, Path(lane): Path<u16>) -> Response {
    let Some(seen) = screens.lanes.get(&lane) else { return unknown() };
    let stream = stream(seen.clone(), ready(&screens.words));
    Sse::new(stream).keep_alive(KeepAlive::default()).into_response()
}

fn unknown() -> Response {
    (StatusCode::NOT_FOUND, "There is no such lane in gate.toml.\n").into_response()
}

/// What is shown now, then every change. A verdict whose time is over is not shown.
fn stream(seen: watch::Receiver<Shown>, ready: Shown) -> impl Stream<Item = Result<Event, Infallible>> {
    unfold((seen, None::<Shown>), move |(mut seen, last)| {
        let ready = ready.clone();
        async move {
            match last.as_ref().map(|last| last.until) {
                None => {}
                Some(None) => seen.changed().await.ok()?,
                Some(Some(until)) => tokio::select! {
                    changed = seen.changed() => changed.ok()?,
                    () = sleep_until(until) => {}
                },
            }
            let mut now = seen.borrow_and_update().clone();
            if now.until.is_some_and(|until| until <= Instant::now()) {
                now = ready;
            }
            Some((Ok(Event::default().data(&*now.text)), (seen, Some(now))))
        }
    })
}

/// Answers only those who ask for this machine by its own name: a page of another site cannot read names by having its
/// own name lead here.
async fn guarded(request: Request, next: Next) -> Response {
    if !is_local(request.headers()) {
        return (StatusCode::FORBIDDEN, "Ask for 127.0.0.1 or localhost.\n").into_response();
    }
    let mut response = next.run(request).await;
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    response.headers_mut().extend(headers.map(|(name, value)| (name, HeaderValue::from_static(value))));
    response
}

fn is_local(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let port = host.rfind(':').filter(|at| host[at + 1..].bytes().all(|byte| byte.is_ascii_digit()));
    let name = &host[..port.unwrap_or(host.len())];
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    name == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
