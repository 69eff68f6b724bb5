//! Signing in and out.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawForm, RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, body::Bytes};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use zeroize::Zeroizing;

use super::accounts::is_name;
use super::cookies::Cookie;
use super::kept::{Kept, again};
use super::local::{encoded, fields, local_path};
use super::lockout::Budget;
use super::secret::random_text;
use super::session::Person;
use super::visit::{Page, Seen, Visit};
use super::web::{Peer, Web};

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    visit: &'a Visit,
    next: &'a str,
    /// What went wrong.
    says: Option<String>,
    kept: Option<&'a Kept>,
    name: &'a str,
    has_accounts: bool,
    organisation: Option<String>,
}

/// The sign-in form.
pub(crate) fn page(
    visit: &Visit,
    status: StatusCode,
    next: &str,
    says: Option<String>,
    kept: Option<&Kept>,
    name: &str,
) -> Response {
    let web = &visit.0.web;
    let organisation =
        web.organisation.is_some().then(|| format!("/login/organisation?next={}", encoded(next)));
    let has_accounts = web.accounts.is_some();
    let form = LoginPage { visit, next, says, kept, name, has_accounts, organisation };
    visit.page(&visit.say("web-sign-in"), &form, Page { status: Some(status), ..Page::default() })
}

/// One field of a form or a query.
fn field(fields: &[(String, String)], name: &str) -> String {
    fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).unwrap_or_default()
}

/// Where to go after signing in.
fn next_of(fields: &[(String, String)]) -> Option<String> {
    local_path(&field(fields, "next"))
        .filter(|next| *next != "/" && !next.starts_with("/log"))
        .map(ToOwned::to_owned)
}

pub(crate) async fn form(visit: Visit, RawQuery(query): RawQuery) -> Response {
    let next = next_of(&fields(query.as_deref().unwrap_or_default()));
    match visit.person() {
        Some(person) => Redirect::to(next.as_deref().unwrap_or(visit.home(person.role))).into_response(),
        None => page(&visit, StatusCode::OK, next.as_deref().unwrap_or("/"), None, None, ""),
    }
}

/// Why somebody is not signed in.
enum Refused {
    Wrong,
    /// For so many seconds.
    Locked(u64),
    Busy,
}

pub(crate) async fn sign_in(
    visit: Visit,
    State(web): State<Arc<Web>>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
    RawForm(form): RawForm,
) -> Response {
    let form = fields(&String::from_utf8_lossy(&Zeroizing::new(Vec::from(form))));
    let (name, password) = (field(&form, "name"), Zeroizing::new(field(&form, "password")));
    let (name, next) = (name.trim(), next_of(&form));
    let kept = Kept::read(&field(&form, "kept_to"), &field(&form, "kept"));
    let known = Cookie::Browser.of(&headers, web.is_tls);
    let browser = known.and_then(|known| own_nonce(&web, name, known));
    // Strangers behind the same address cannot use up what known browsers have.
    let limit = if browser.is_some() { &web.known_sign_ins } else { &web.sign_ins };
    let signed_in = match limit.take(peer, web.now_ms()) {
        Err(retry_s) => Err(Refused::Locked(retry_s)),
        Ok(()) => check(&web, name, password, browser).await,
    };
    match signed_in {
        Ok((person, browser)) => {
            let nonce = browser.unwrap_or_else(random_text);
            let mark = web.marks.browser(&format!("{nonce}\0{name}"));
            let mut response = begin(&visit, &headers, person, next.as_deref(), kept.as_ref());
            let known = Cookie::Browser.set(&format!("{nonce}.{mark}"), web.is_tls);
            add_cookie(&mut response, known);
            response
        }
        Err(refused) => {
            let next = next.as_deref().unwrap_or("/");
            let (status, says) = match refused {
                Refused::Wrong => (StatusCode::UNAUTHORIZED, visit.say("web-wrong")),
                Refused::Busy => (StatusCode::SERVICE_UNAVAILABLE, visit.say("web-busy")),
                Refused::Locked(retry_s) => {
                    let minutes = retry_s.div_ceil(60);
                    (
                        StatusCode::TOO_MANY_REQUESTS,
                        visit.say_with("web-locked", &[("minutes", minutes.into())]),
                    )
                }
            };
            let mut response = page(&visit, status, next, Some(says), kept.as_ref(), name);
            if let Refused::Locked(retry_s) = refused {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_s));
            }
            response
        }
    }
}

/// The nonce of a browser that signed in to this account before, by its cookie.
fn own_nonce(web: &Web, name: &str, known: &str) -> Option<String> {
    let (nonce, mark) = known.split_once('.')?;
    web.marks.is_browser(&format!("{nonce}\0{name}"), mark).then(|| nonce.to_owned())
}

/// The person of a name and a password; with the nonce of a browser that was known already. A name without an account is
/// answered in the same words, after the same work.
async fn check(
    web: &Web,
    name: &str,
    password: Zeroizing<String>,
    browser: Option<String>,
) -> Result<(Person, Option<String>), Refused> {
    let find = |name| web.accounts.as_ref().and_then(|accounts| accounts.find(name, web.now_s()));
    let account = if is_name(name) { find(name) } else { None };
    let browser = browser.filter(|_| account.is_some() && web.lockout.has_room());
    let budget = browser.clone().map_or_else(|| web.lockout.stranger(name), Budget::Browser);
    web.lockout.take(&budget, web.now_s()).map_err(Refused::Locked)?;
    let hash = account.as_ref().map(|account| account.password.clone());
    match web.hashing.check(password, hash, browser.is_some()).await {
        Err(_) => Err(Refused::Busy),
        Ok(false) => Err(Refused::Wrong),
        Ok(true) => {
            let account = account.ok_or(Refused::Wrong)?;
            web.lockout.succeeded(&budget);
            let person = Person { name: name.to_owned(), role: account.role, stamp: Some(account.stamp()) };
            Ok((person, browser))
        }
    }
}

/// A new session: never one whose secret the browser had before.
fn begin(
    visit: &Visit,
    headers: &HeaderMap,
    person: Person,
    next: Option<&str>,
    kept: Option<&Kept>,
) -> Response {
    let web = &visit.0.web;
    if let Some(old) = Cookie::Session.of(headers, web.is_tls) {
        web.sessions.end(old);
    }
    let secret = random_text();
    tracing::info!(name = person.name, role = ?person.role, "signed in");
    let role = person.role;
    web.sessions.begin(&secret, person.clone(), web.now_s());
    let mut response = match kept {
        Some(kept) => {
            let seen = Seen {
                web: Arc::clone(web),
                language: visit.0.language,
                person: Some(Arc::new(person)),
                secret: secret.clone(),
                path: kept.to.clone(),
                query: String::new(),
            };
            let visit = Visit(Arc::new(seen));
            again(&visit, kept, visit.say("web-kept-back"))
        }
        None => Redirect::to(next.unwrap_or(visit.home(role))).into_response(),
    };
    add_cookie(&mut response, Cookie::Session.set(&secret, web.is_tls));
    response
}

pub(crate) async fn sign_out(State(web): State<Arc<Web>>, headers: HeaderMap, _: Bytes) -> Response {
    if let Some(secret) = Cookie::Session.of(&headers, web.is_tls) {
        web.sessions.end(secret);
    }
    let mut response = Redirect::to("/login").into_response();
    add_cookie(&mut response, Cookie::Session.set("", web.is_tls));
    response
}

pub(crate) async fn to_organisation(
    visit: Visit,
    State(web): State<Arc<Web>>,
    RawQuery(query): RawQuery,
) -> Response {
    let Some(organisation) = &web.organisation else { return visit.problem(StatusCode::NOT_FOUND) };
    let next = next_of(&fields(query.as_deref().unwrap_or_default()));
    match organisation.begin(visit.language(), next.as_deref().unwrap_or("/")).await {
        Ok((address, under_way)) => {
            let sealed = web.marks.seal(&under_way);
            let mut response = Redirect::to(&address).into_response();
            add_cookie(&mut response, Cookie::Organisation.set(&sealed, web.is_tls));
            response
        }
        Err(why) => not_by_organisation(&visit, &why),
    }
}

pub(crate) async fn from_organisation(
    visit: Visit,
    State(web): State<Arc<Web>>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let Some(organisation) = &web.organisation else { return visit.problem(StatusCode::NOT_FOUND) };
    if let Err(retry_s) = web.returns.take(peer, web.now_ms()) {
        return visit.too_many(retry_s);
    }
    let under_way = Cookie::Organisation.of(&headers, web.is_tls).and_then(|sealed| web.marks.open(sealed));
    let query = fields(query.as_deref().unwrap_or_default());
    let answered =
        organisation.end(under_way.as_deref(), &field(&query, "state"), &field(&query, "code")).await;
    let mut response = match answered {
        Ok((person, next)) => {
            let next = local_path(&next).filter(|next| *next != "/").map(ToOwned::to_owned);
            begin(&visit, &headers, person, next.as_deref(), None)
        }
        Err(why) => not_by_organisation(&visit, &why),
    };
    add_cookie(&mut response, Cookie::Organisation.set("", web.is_tls));
    response
}

fn not_by_organisation(visit: &Visit, why: &super::organisation::Refusal) -> Response {
    tracing::warn!(%why, "not signed in by the organisation");
    page(visit, why.status(), "/", Some(visit.say(why.text())), None, "")
}

fn add_cookie(response: &mut Response, cookie: Option<HeaderValue>) {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

#[cfg(test)]
mod tests {
    use hufu_texts::Language;

    use super::*;
    use crate::accounts::{Account, Accounts};
    use crate::lockout::FAILURES_MAX;
    use crate::password::hash_password;
    use crate::role::Role;
    use crate::session::SessionLimits;
    use crate::web::WebOptions;

    #[test]
    fn r61_a_lock_does_not_tell_whether_a_name_has_an_account() {
        const PASSWORD: &str = "five words make a password";
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("accounts.toml");
        let account = Account { role: Role::Operator, password: hash_password(PASSWORD).unwrap() };
        Accounts([("li".to_owned(), account)].into()).write(&file).unwrap();
        let web = Web::open(WebOptions {
            language: Language::En,
            is_tls: true,
            accounts: Some(file),
            organisation: None,
            sessions: SessionLimits::DEFAULT,
            nav: Vec::new(),
            assets: Vec::new(),
            source: |_| None,
        });
        let web = web.unwrap();
        let is_locked = |checked: Result<_, Refused>| matches!(checked, Err(Refused::Locked(_)));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let check = async |name: &str, browser: Option<&str>| {
                check(&web, name, Zeroizing::new(PASSWORD.to_owned()), browser.map(ToOwned::to_owned)).await
            };
            assert!(check("li", None).await.is_ok(), "nothing is locked yet");
            let share = |name: &String| web.lockout.stranger(name) == web.lockout.stranger("li");
            let other = (0..1_000_000).map(|n| format!("no account {n}")).find(share).unwrap();
            for _ in 0..FAILURES_MAX {
                web.lockout.take(&web.lockout.stranger("li"), web.now_s()).unwrap();
            }
            assert!(is_locked(check("li", None).await));
            assert!(is_locked(check(&other, None).await), "as a name without an account locks others");
            assert!(check("li", Some("nonce")).await.is_ok(), "a browser that is known");
        });
    }
}
