//! The pages as routes, and the stream that keeps them lively.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use askama::Template;
use axum::Router;
use axum::extract::{Query, State as Shared};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream::unfold;
use http::StatusCode;
use hufu_texts::Language;
use hufu_web::{Page, Role, SignedIn, only};
use serde::Deserialize;
use tokio::sync::{Semaphore, watch};

use crate::pages::{Show, live};
use crate::state::State;

/// A browser without scripts loads a page again after so many seconds.
const REFRESH_S: u32 = 5;

/// What was made of one second, for readers of the same page.
type Made = HashMap<(Show, Language, bool, Option<u32>), Arc<str>>;

/// Streams of one session at once: a browser opens six connections to one address.
const STREAMS_MAX: usize = 8;

/// How many streams each session has.
#[derive(Debug, Default)]
struct Streams(Mutex<HashMap<String, usize>>);

/// A stream of a session, counted until it is dropped.
#[derive(Debug)]
struct Stream {
    streams: Arc<Streams>,
    session: String,
}

impl Streams {
    fn begin(self: &Arc<Streams>, session: String) -> Option<Stream> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(session.clone()).or_default();
        if *count >= STREAMS_MAX {
            return None;
        }
        *count += 1;
        Some(Stream { streams: Arc::clone(self), session })
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut all = self.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(&self.session) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.session);
            }
        }
    }
}

/// What all readers share.
pub(crate) struct Console {
    state: watch::Receiver<Arc<State>>,
    /// Room for more streams.
    readers: Arc<Semaphore>,
    streams: Arc<Streams>,
    made: Mutex<(u64, Made)>,
}

#[derive(Template)]
#[template(path = "page.html")]
struct ConsolePage {
    title: String,
    lost: String,
    looks: String,
    events: String,
    live: Arc<str>,
}

/// Which devices are meant.
#[derive(Deserialize)]
struct Wanted {
    site: Option<u32>,
}

/// What a stream is to show.
#[derive(Deserialize)]
struct Followed {
    of: String,
    site: Option<u32>,
}

impl Console {
    pub(crate) fn new(state: watch::Receiver<Arc<State>>, readers_max: usize) -> Arc<Console> {
        Arc::new(Console {
            state,
            readers: Arc::new(Semaphore::new(readers_max)),
            streams: Arc::default(),
            made: Mutex::default(),
        })
    }

    pub(crate) fn routes(self: &Arc<Console>) -> Router {
        let page = |show: Show| {
            let handler = move |visit: SignedIn,
                                Shared(console): Shared<Arc<Console>>,
                                Query(wanted): Query<Wanted>| async move {
                console.page(&visit, show, wanted.site)
            };
            Router::new().route(show.path(), get(handler)).with_state(Arc::clone(self))
        };
        let pages = |is_wanted: fn(&Show) -> bool| {
            Show::ALL.into_iter().filter(is_wanted).fold(Router::new(), |pages, show| pages.merge(page(show)))
        };
        let events = Router::new().route("/events", get(events)).with_state(Arc::clone(self));
        only(pages(|show| !show.is_for(Role::Auditor)), |role| role == Role::Operator)
            .merge(only(pages(|show| show.is_for(Role::Auditor)).merge(events), |role| role.site().is_none()))
    }

    /// The live part of a page, made once a second for all who look at it.
    fn live(&self, show: Show, language: Language, role: Role, site: Option<u32>) -> Arc<str> {
        let state = Arc::clone(&self.state.borrow());
        let key = (show, language, role == Role::Operator, site);
        {
            let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
            if made.0 != state.number {
                *made = (state.number, Made::new());
            }
            if let Some(live) = made.1.get(&key) {
                return Arc::clone(live);
            }
        }
        let made: Arc<str> = live(show, &state, language, role, site).into();
        let mut kept = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.0 == state.number {
            kept.1.insert(key, Arc::clone(&made));
        }
        made
    }

    fn page(&self, visit: &SignedIn, show: Show, site: Option<u32>) -> Response {
        let title = visit.say(show.text());
        let of_site = site.map(|site| format!("&site={site}")).unwrap_or_default();
        let page = ConsolePage {
            title: title.clone(),
            lost: visit.say("console-lost"),
            looks: visit.say("console-looks"),
            events: format!("/events?of={}{of_site}", hufu_web::encoded(show.path())),
            live: self.live(show, visit.language(), visit.role(), site),
        };
        visit.page(
            &title,
            &page,
            Page { script: Some("console.js"), refresh_s: Some(REFRESH_S), ..Page::default() },
        )
    }
}

async fn events(
    visit: SignedIn,
    Shared(console): Shared<Arc<Console>>,
    Query(Followed { of, site }): Query<Followed>,
) -> Response {
    let show = Show::ALL.into_iter().find(|show| show.path() == of);
    let Some(show) = show else { return StatusCode::NOT_FOUND.into_response() };
    if !show.is_for(visit.role()) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let Ok(room) = Arc::clone(&console.readers).try_acquire_owned() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    // The token of its forms is as much a session's own as its secret, and no secret.
    let Some(counted) = console.streams.begin(visit.token()) else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let state = console.state.clone();
    let room = (room, counted);
    let stream = unfold((console, state, visit, room), move |(console, mut state, visit, room)| async move {
        state.changed().await.ok()?;
        state.borrow_and_update();
        // A session that ended, or whose account changed, sees no more.
        if !visit.lasts() {
            return None;
        }
        let live = console.live(show, visit.language(), visit.role(), site);
        Some((Ok::<_, Infallible>(Event::default().data(&*live)), (console, state, visit, room)))
    });
    Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use axum::body::Body;
    use futures_util::StreamExt as _;
    use http::{Request, header};
    use hufu_web::{Account, Accounts, SessionLimits, Web, WebOptions, hash_password};
    use tower_service::Service as _;

    use super::*;

    #[test]
    fn r61_a_session_has_so_many_streams_at_once_and_takes_none_from_others() {
        let streams = Arc::new(Streams::default());
        let begin = |session: &str| streams.begin(session.to_owned());
        let mut of_one: Vec<_> = (0..STREAMS_MAX).map(|_| begin("one").unwrap()).collect();
        assert!(begin("one").is_none() && begin("other").is_some());
        of_one.pop();
        assert!(begin("one").is_some(), "a closed stream is given back");
        of_one.clear();
        assert!(streams.0.lock().unwrap().is_empty());
    }

    /// What a browser with these cookies is answered, and the cookies that it is given.
    async fn ask(pages: &mut Router, request: Request<Body>, cookies: &str) -> (Response, String) {
        let (mut parts, body) = request.into_parts();
        parts.headers.insert(header::COOKIE, cookies.parse().unwrap());
        let response = pages.call(Request::from_parts(parts, body)).await.unwrap();
        let given = response.headers().get_all(header::SET_COOKIE).iter();
        let given = given.map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap());
        let given = given.collect::<Vec<_>>().join("; ");
        (response, given)
    }

    async fn read(response: Response) -> String {
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[test]
    fn r61_a_stream_ends_when_its_account_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("accounts.toml");
        let password = hash_password("five words make a password").unwrap();
        let account = Account { role: Role::Operator, password };
        Accounts([("li".to_owned(), account)].into()).write(&file).unwrap();
        let web = Web::open(WebOptions {
            language: Language::En,
            is_tls: false,
            accounts: Some(file.clone()),
            organisation: None,
            sessions: SessionLimits::DEFAULT,
            nav: Vec::new(),
            assets: Vec::new(),
            source: |_| None,
        });
        let (seconds, state) = watch::channel(Arc::new(State::default()));
        let mut pages = web.unwrap().finish(Console::new(state, 1).routes());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let form = Request::get("/login").body(Body::empty()).unwrap();
            let (form, guest) = ask(&mut pages, form, "").await;
            let form = read(form).await;
            let token = form.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
            let sign_in = Request::post("/login")
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(Body::from(format!("csrf={token}&name=li&password=five+words+make+a+password")));
            let (signed_in, session) = ask(&mut pages, sign_in.unwrap(), &guest).await;
            assert_eq!(signed_in.status(), StatusCode::SEE_OTHER);
            let events = Request::get("/events?of=/").body(Body::empty()).unwrap();
            let (events, _) = ask(&mut pages, events, &session).await;
            assert_eq!(events.status(), StatusCode::OK);
            let mut events = events.into_body().into_data_stream();
            let mut next = async |number| {
                seconds.send_replace(Arc::new(State { number, ..State::default() }));
                events.next().await
            };
            assert!(next(1).await.unwrap().unwrap().starts_with(b"data:"));
            Accounts::default().write(&file).unwrap();
            // The file is looked at once a second.
            let removed = Instant::now();
            let mut number = 2;
            while next(number).await.is_some() {
                assert!(removed.elapsed() < Duration::from_secs(5), "it is still shown second {number}");
                tokio::time::sleep(Duration::from_millis(20)).await;
                number += 1;
            }
        });
    }
}
