//! What a person typed into a form whose session ended: kept in the page, sent again after signing in.

use askama::Template;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};

use super::csrf::FIELD;
use super::local::{encoded, fields, local_path};
use super::login;
use super::visit::{Page, Visit};

/// How much is kept, bytes.
const KEPT_BYTES_MAX: usize = 64 * 1024;

/// A form that is to be sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Where it was sent.
    pub(crate) to: String,
    /// Its fields, without the token and without passwords.
    pub(crate) fields: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "kept.html")]
struct KeptPage<'a> {
    visit: &'a Visit,
    says: String,
    kept: &'a Kept,
}

impl Kept {
    /// As one field of the sign-in form.
    pub(crate) fn text(&self) -> String {
        let pairs = self.fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
        pairs.collect::<Vec<_>>().join("&")
    }

    /// From the fields of the sign-in form.
    pub(crate) fn read(to: &str, text: &str) -> Option<Kept> {
        let to = local_path(to)?.to_owned();
        Some(Kept { to, fields: fields(text).into_iter().filter(|(name, _)| is_kept(name)).collect() })
    }
}

fn is_kept(name: &str) -> bool {
    name != FIELD && name != "password"
}

/// A form whose token is not right, though a page of this origin sent it: nothing is done, and what was typed is kept.
pub(crate) async fn keep(visit: &Visit, request: Request) -> Response {
    let kind = request.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let is_form = kind.starts_with(b"application/x-www-form-urlencoded");
    let body = if is_form { to_bytes(request.into_body(), KEPT_BYTES_MAX).await.ok() } else { None };
    let body = body.and_then(|body| String::from_utf8(body.to_vec()).ok());
    let kept = body.and_then(|body| Kept::read(visit.path(), &body));
    // The sign-in form itself, and signing out, are not sent again.
    let kept = kept.filter(|kept| kept.to != "/login" && kept.to != "/logout");
    if visit.person().is_some() {
        return match kept {
            Some(kept) => again(visit, &kept, visit.say("web-other-tab")),
            None => visit.problem_of(StatusCode::FORBIDDEN, "web-stale"),
        };
    }
    let is_own = visit.path().starts_with("/log");
    let says = if is_own {
        "web-stale"
    } else if kept.is_some() {
        "web-ended"
    } else {
        "web-ended-file"
    };
    let next = if is_own { "/" } else { visit.path() };
    login::page(visit, StatusCode::UNAUTHORIZED, next, Some(visit.say(says)), kept.as_ref(), "")
}

/// The form once more, with its fields, for one click.
pub(crate) fn again(visit: &Visit, kept: &Kept, says: String) -> Response {
    let page = KeptPage { visit, says, kept };
    visit.page(&visit.say("web-kept"), &page, Page::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r61_what_was_typed_is_kept_but_for_passwords_and_goes_to_this_origin_alone() {
        let kept = Kept::read("/school/list", "csrf=x&name=%E6%9D%8E+%26&password=secret&note=").unwrap();
        let is = [("name", "李 &"), ("note", "")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(kept.fields, is);
        assert_eq!(Kept::read(&kept.to, &kept.text()), Some(kept));
        assert_eq!(Kept::read("//evil.example", "a=b"), None);
    }
}
