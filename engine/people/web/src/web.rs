//! What all pages of a process share, and the guard that every request passes.

use std::net::{IpAddr, Ipv4Addr};
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use futures_util::FutureExt as _;
use http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, header};
use hufu_texts::Language;

use super::accounts::{AccountsFault, Watched};
use super::assets::{Asset, Assets, FOLDER, OWN};
use super::cookies::Cookie;
use super::csrf::Pace;
use super::local::{encoded, fields, local_path};
use super::lockout::Lockout;
use super::organisation::{Organisation, OrganisationOptions};
use super::password::{BadPassword, Hashing};
use super::rate::Rate;
use super::role::Role;
use super::secret::{Marks, random_text};
use super::session::{Person, SessionLimits, Sessions};
use super::visit::{Seen, Visit};
use super::{csrf, headers, kept, login};

/// How pages are served.
#[derive(Clone, Debug)]
pub struct WebOptions {
    /// The language of readers who ask for none of ours.
    pub language: Language,
    /// Whether browsers reach the pages over TLS, here or at a proxy before: cookies and headers follow it.
    pub is_tls: bool,
    /// The file of local accounts; without, only an organisation signs people in.
    pub accounts: Option<PathBuf>,
    /// The organisation that signs people in.
    pub organisation: Option<OrganisationOptions>,
    /// How long sessions last.
    pub sessions: SessionLimits,
    /// The menu, in order. After signing in, a person begins at the first entry that their role may see.
    pub nav: Vec<NavEntry>,
    /// Files that pages refer to.
    pub assets: Vec<Asset>,
    /// Who sent a request, as the server put it among the extensions.
    pub source: fn(&Extensions) -> Option<IpAddr>,
}

/// A line of the menu.
#[derive(Clone, Copy, Debug)]
pub struct NavEntry {
    /// The page.
    pub path: &'static str,
    /// The id of its text.
    pub text: &'static str,
    /// Which roles see it.
    pub who: fn(Role) -> bool,
}

/// Why there are no pages. The operator can fix each.
#[derive(Debug, thiserror::Error)]
pub enum WebFault {
    /// The accounts cannot be used.
    #[error(transparent)]
    Accounts(#[from] AccountsFault),
    /// Passwords cannot be hashed here.
    #[error(transparent)]
    Hashing(#[from] BadPassword),
    /// The organisation's settings cannot be used.
    #[error("sign-in of the organisation: {0}")]
    Organisation(String),
    /// No person could sign in.
    #[error("there is neither an accounts file nor an organisation; name one, so that people can sign in")]
    NoAccounts,
}

/// Requests of a source at once and then one each so many milliseconds. A page brings three files, a script one more a
/// second; a school behind one address has twenty people.
const REQUESTS: (u64, u64) = (400, 10);

/// Sign-ins of a source at once, and then one each so many milliseconds: as many again for browsers that are known, and for
/// people that the organisation sends back.
const SIGN_INS: (u64, u64) = (20, 3000);

/// How long the body of a form may take to arrive, and how long a file of a person who signed in.
const FORM: Duration = Duration::from_secs(30);
const UPLOAD: Duration = Duration::from_secs(600);

/// What all pages share.
pub struct Web {
    pub(crate) assets: Assets,
    pub(crate) nav: Vec<NavEntry>,
    pub(crate) marks: Marks,
    pub(crate) sessions: Sessions,
    pub(crate) accounts: Option<Watched>,
    pub(crate) organisation: Option<Organisation>,
    pub(crate) hashing: Hashing,
    pub(crate) lockout: Lockout,
    pub(crate) sign_ins: Rate,
    /// Of browsers that signed in to the account before.
    pub(crate) known_sign_ins: Rate,
    /// Of people that the organisation sends back.
    pub(crate) returns: Rate,
    pub(crate) is_tls: bool,
    requests: Rate,
    language: Language,
    source: fn(&Extensions) -> Option<IpAddr>,
    began: Instant,
}

/// The source of a request, for limits.
#[derive(Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

impl Web {
    /// Reads accounts and settings.
    ///
    /// # Errors
    /// [`WebFault`].
    pub fn open(options: WebOptions) -> Result<Arc<Web>, WebFault> {
        if options.accounts.is_none() && options.organisation.is_none() {
            return Err(WebFault::NoAccounts);
        }
        Ok(Arc::new(Web {
            assets: Assets::of(OWN.into_iter().chain(options.assets)),
            nav: options.nav,
            marks: Marks::beside(options.accounts.as_deref()),
            sessions: Sessions::new(options.sessions),
            accounts: options.accounts.as_deref().map(Watched::open).transpose()?,
            organisation: options
                .organisation
                .map(Organisation::open)
                .transpose()
                .map_err(WebFault::Organisation)?,
            hashing: Hashing::new()?,
            lockout: Lockout::new(),
            sign_ins: Rate::new(SIGN_INS.0, SIGN_INS.1),
            known_sign_ins: Rate::new(SIGN_INS.0, SIGN_INS.1),
            returns: Rate::new(SIGN_INS.0, SIGN_INS.1),
            is_tls: options.is_tls,
            requests: Rate::new(REQUESTS.0, REQUESTS.1),
            language: options.language,
            source: options.source,
            began: Instant::now(),
        }))
    }

    /// The pages with sign-in, files and problems, all behind the guard. Without it no page is to be served: extractors
    /// refuse.
    pub fn finish(self: &Arc<Web>, pages: Router) -> Router {
        let own = Router::new()
            .route("/login", get(login::form).post(login::sign_in))
            .route("/login/organisation", get(login::to_organisation))
            .route("/login/organisation/back", get(login::from_organisation))
            .route("/logout", post(login::sign_out))
            .route(&format!("{FOLDER}{{file}}"), get(asset))
            .with_state(Arc::clone(self));
        pages
            .merge(own)
            .fallback(async || StatusCode::NOT_FOUND)
            .layer(from_fn_with_state(Arc::clone(self), guard))
    }

    /// Milliseconds since the process began to serve: never set back.
    pub(crate) fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Seconds likewise.
    pub(crate) fn now_s(&self) -> u64 {
        self.now_ms() / 1000
    }

    /// Whether the account of a session is as it was when the session began.
    fn is_current(&self, person: &Person) -> bool {
        let Some(stamp) = person.stamp else { return true };
        let account = self.accounts.as_ref().and_then(|accounts| accounts.find(&person.name, self.now_s()));
        account.is_some_and(|account| account.stamp() == stamp)
    }

    pub(crate) fn lasts(&self, secret: &str) -> bool {
        self.sessions.find(secret, self.now_s(), false, |person| self.is_current(person)).is_some()
    }

    /// The language that a reader chose before, or that the browser asks for.
    fn language_of(&self, headers: &HeaderMap) -> Language {
        let kept = Cookie::Language.of(headers, self.is_tls).and_then(Language::from_tag);
        let accepted = || headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok().and_then(Language::accepted);
        kept.or_else(accepted).unwrap_or(self.language)
    }

    /// Who asks, in which language; and the cookies that the answer sets.
    fn visit(self: &Arc<Web>, request: &Request) -> (Visit, Vec<HeaderValue>) {
        let headers = request.headers();
        let mut cookies = Vec::new();
        let secret = Cookie::Session.of(headers, self.is_tls);
        // A stream goes on by itself: it does not keep a session from being idle.
        let touches = !asks_for_a_stream(headers);
        let person = secret.and_then(|secret| {
            self.sessions.find(secret, self.now_s(), touches, |person| self.is_current(person))
        });
        let secret = secret.filter(|_| person.is_some()).map(ToOwned::to_owned);
        let secret = secret.or_else(|| Cookie::Guest.of(headers, self.is_tls).map(ToOwned::to_owned));
        let secret = secret.unwrap_or_else(|| {
            let secret = random_text();
            cookies.extend(Cookie::Guest.set(&secret, self.is_tls));
            secret
        });
        let query = request.uri().query().unwrap_or_default();
        let (asked, others): (Vec<_>, Vec<_>) =
            fields(query).into_iter().partition(|(name, _)| name == "lang");
        let asked = asked.last().and_then(|(_, tag)| Language::from_tag(tag));
        cookies.extend(asked.and_then(|language| Cookie::Language.set(language.tag(), self.is_tls)));
        let others: Vec<_> =
            others.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        // Pages link to themselves in other languages; `//host` would be another origin.
        let path = local_path(request.uri().path()).unwrap_or("/").to_owned();
        // A long query would stand on the page once for each language.
        let is_short = |query: &String| local_path(&format!("{path}?{query}")).is_some();
        let query = Some(others.join("&")).filter(is_short).unwrap_or_default();
        let seen = Seen {
            web: Arc::clone(self),
            language: asked.unwrap_or_else(|| self.language_of(headers)),
            person,
            secret,
            path,
            query,
        };
        (Visit(Arc::new(seen)), cookies)
    }
}

fn asks_for_a_stream(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).is_some_and(|accept| accept.as_bytes().starts_with(b"text/event-stream"))
}

async fn asset(State(web): State<Arc<Web>>, Path(file): Path<String>) -> Response {
    web.assets.serve(&file)
}

/// Lets only some roles see the pages of a router: `router.route_layer(only(|role| role == Role::Operator))` is written as
/// `only(router, |role| role == Role::Operator)`. Others are told that they may not; strangers are sent to the sign-in form.
pub fn only(pages: Router, who: fn(Role) -> bool) -> Router {
    pages.route_layer(from_fn(move |visit: Visit, request: Request, next: Next| async move {
        match visit.person() {
            Some(person) if who(person.role) => next.run(request).await,
            // The bare address is where everyone begins, as after signing in.
            Some(person) if request.uri().path() == "/" && visit.home(person.role) != "/" => {
                Redirect::to(visit.home(person.role)).into_response()
            }
            Some(_) => visit.problem(StatusCode::FORBIDDEN),
            None => visit.stranger(&request.into_parts().0),
        }
    }))
}

/// What every request passes: limits of its source, who it is, the check of forms, and on the way back the page of a
/// problem and the headers.
async fn guard(State(web): State<Arc<Web>>, mut request: Request, next: Next) -> Response {
    let peer = (web.source)(request.extensions()).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    if let Err(retry_s) = web.requests.take(peer, web.now_ms()) {
        let mut response = web.too_many(web.language_of(request.headers()), retry_s);
        headers::add(&mut response, web.is_tls);
        return response;
    }
    let (visit, cookies) = web.visit(&request);
    let is_asset = request.uri().path().starts_with(FOLDER);
    request.extensions_mut().insert(Peer(peer));
    request.extensions_mut().insert(visit.clone());
    // A panic reaches the log and no person.
    let answered = AssertUnwindSafe(checked(&visit, request, next)).catch_unwind().await;
    let mut response = answered.unwrap_or_else(|_| visit.problem(StatusCode::INTERNAL_SERVER_ERROR));
    if is_bare_problem(&response) {
        let retry = response.headers_mut().remove(header::RETRY_AFTER);
        response = visit.problem(response.status());
        response.headers_mut().extend(retry.map(|retry| (header::RETRY_AFTER, retry)));
    }
    headers::add(&mut response, web.is_tls);
    // Files are kept by caches between: no cookie goes with them.
    if !is_asset {
        for cookie in cookies {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    response
}

/// Whether it is an error that no page was made of: of the router, of an extractor.
fn is_bare_problem(response: &Response) -> bool {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    (status.is_client_error() || status.is_server_error())
        && (kind.is_empty() || kind.starts_with(b"text/plain"))
}

/// Everything but reading has to come from a form of ours.
async fn checked(visit: &Visit, request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    if !csrf::is_same_origin(request.headers()) {
        return visit.problem_of(StatusCode::FORBIDDEN, "web-foreign");
    }
    let is_upload = visit.person().is_some() && csrf::has_file(request.headers());
    let until = Instant::now() + if is_upload { UPLOAD } else { FORM };
    let (token, request) = csrf::token(request, Pace::until(until)).await;
    let web = &visit.0.web;
    if token.is_some_and(|token| web.marks.is_mark("form", &visit.0.secret, &token)) {
        return next.run(request).await;
    }
    // The session ended while the form was filled in, or another tab signed in again.
    kept::keep(visit, request).await.into_response()
}
