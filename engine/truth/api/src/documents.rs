//! Documents that a process publishes over HTTP as they are in memory: whole or in part, each in several media types, with
//! tags by which a reader sees that nothing has changed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use aws_lc_rs::digest::{SHA256, digest};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hufu_contract::Hex;

use crate::range::RequestedRange;

/// What is published, by path. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Documents(Arc<ArcSwap<BTreeMap<String, Vec<Document>>>>);

/// One document in one media type.
#[derive(Clone, Debug)]
pub struct Document {
    media_type: &'static str,
    bytes: Bytes,
    tag: String,
    /// Until when caches may keep it.
    fresh_until: Instant,
}

impl Document {
    /// These bytes, which caches may keep for `fresh` from now on.
    pub fn new(
        media_type: &'static str,
        bytes: impl AsRef<[u8]> + Send + 'static,
        fresh: Duration,
    ) -> Document {
        let bytes = Bytes::from_owner(bytes);
        let mut tag = [0; 16];
        tag.copy_from_slice(&digest(&SHA256, &bytes).as_ref()[..16]);
        let tag = Hex(tag);
        Document { media_type, bytes, tag: format!("\"{tag}\""), fresh_until: Instant::now() + fresh }
    }
}

impl Documents {
    /// Puts a document in the place of the one at `path`; requests under way end with the one they began with.
    pub fn put(&self, path: &str, forms: &[Document]) {
        self.0.rcu(|all| {
            let mut all = BTreeMap::clone(all);
            all.insert(path.to_owned(), forms.to_vec());
            all
        });
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.load().len()
    }

    /// Routes that hand them out, for [`serve_routes`](crate::serve_routes).
    pub fn router(&self) -> Router {
        Router::new().fallback(answer).with_state(self.clone())
    }
}

async fn answer(State(Documents(all)): State<Documents>, request: Request) -> Response {
    let plain = |status: StatusCode, text: &'static str| (status, text).into_response();
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return (
            [(header::ALLOW, "GET, HEAD")],
            plain(StatusCode::METHOD_NOT_ALLOWED, "Only GET and HEAD.\n"),
        )
            .into_response();
    }
    let all = all.load();
    let Some(forms) = all.get(request.uri().path()) else {
        return plain(StatusCode::NOT_FOUND, "Nothing is published at this path.\n");
    };
    match preferred(request.headers(), forms) {
        Some(document) => document.answer(request.headers(), *request.method() == Method::HEAD),
        None => plain(StatusCode::NOT_ACCEPTABLE, "No media type of Accept is published at this path.\n"),
    }
}

impl Document {
    fn answer(&self, asked: &HeaderMap, is_head: bool) -> Response {
        let fresh = self.fresh_until.saturating_duration_since(Instant::now()).as_secs();
        let mut headers = HeaderMap::new();
        let mut set = |name, value: &str| {
            // Digits, digests and media types of ours.
            headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
        };
        set(header::CONTENT_TYPE, self.media_type);
        set(header::ETAG, &self.tag);
        set(header::CACHE_CONTROL, &format!("public, max-age={fresh}"));
        set(header::VARY, "accept");
        set(header::ACCEPT_RANGES, "bytes");
        // Nothing here depends on who asks.
        set(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
        set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        if is_known(asked, &self.tag) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        let length = self.bytes.len();
        let (status, bytes) = match RequestedRange::of(asked, &self.tag, length as u64) {
            RequestedRange::Whole => (StatusCode::OK, self.bytes.clone()),
            RequestedRange::Part { first, last } => {
                let range = format!("bytes {first}-{last}/{length}");
                headers
                    .extend(HeaderValue::from_str(&range).ok().map(|range| (header::CONTENT_RANGE, range)));
                let [first, last] = [first, last].map(|at| usize::try_from(at).unwrap_or(length));
                (
                    StatusCode::PARTIAL_CONTENT,
                    self.bytes.slice(first.min(length)..last.saturating_add(1).min(length)),
                )
            }
            RequestedRange::Beyond => {
                let range = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
                return (StatusCode::RANGE_NOT_SATISFIABLE, range).into_response();
            }
        };
        headers.insert(header::CONTENT_LENGTH, bytes.len().into());
        let body = if is_head { Body::empty() } else { Body::from(bytes) };
        (status, headers, body).into_response()
    }
}

/// RFC 9110 section 13.1.2.
fn is_known(asked: &HeaderMap, tag: &str) -> bool {
    let named = asked.get_all(header::IF_NONE_MATCH).into_iter().filter_map(|value| value.to_str().ok());
    let mut tags = named.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|named| named == "*" || named.strip_prefix("W/").unwrap_or(named) == tag)
}

/// The form with the highest quality (RFC 9110 section 12.5.1), of equals the first one; `None` when none is wanted.
fn preferred<'d>(asked: &HeaderMap, forms: &'d [Document]) -> Option<&'d Document> {
    let accept: Vec<&str> =
        asked.get_all(header::ACCEPT).into_iter().filter_map(|value| value.to_str().ok()).collect();
    if accept.is_empty() {
        return forms.first();
    }
    let ranges = || accept.iter().flat_map(|value| value.split(','));
    let quality = |form: &Document| {
        let matching = ranges().filter_map(|range| {
            let (named, parameters) = range.split_once(';').unwrap_or((range, ""));
            let named = named.trim();
            // The more a range says, the more it counts.
            let rank = match named {
                "*/*" => 0,
                "application/*" => 1,
                exact if exact.eq_ignore_ascii_case(form.media_type) => 2,
                _ => return None,
            };
            let q = parameters.split(';').find_map(|part| part.trim().strip_prefix("q="));
            let q: f32 = q.map_or(1.0, |q| q.trim().parse().unwrap_or(0.0));
            Some((rank, q.clamp(0.0, 1.0)))
        });
        matching.max_by_key(|(rank, _)| *rank).map_or(0.0, |(_, q)| q)
    };
    let best = forms.iter().map(quality).max_by(f32::total_cmp).filter(|best| *best > 0.0)?;
    forms.iter().find(|form| quality(form) >= best)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents() -> Documents {
        let documents = Documents::default();
        let form =
            |media_type, bytes: &'static [u8]| Document::new(media_type, bytes, Duration::from_secs(60));
        documents.put("/1/0", &[form("application/a+jwt", b"first"), form("application/a+cwt", b"second")]);
        documents
    }

    async fn ask(method: &str, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, Bytes) {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let (parts, body) = answer(State(documents()), request).await.into_parts();
        (parts.status.as_u16(), parts.headers, axum::body::to_bytes(body, 1000).await.unwrap())
    }

    #[tokio::test]
    async fn r64_a_document_is_handed_out_as_it_was_asked_for() {
        for (accept, status, body) in [
            ("*/*", 200, "first"),
            ("application/a+cwt", 200, "second"),
            ("application/a+cwt, application/a+jwt;q=0.9", 200, "second"),
            ("application/a+cwt;q=0.1, application/*;q=0.5", 200, "first"),
            ("application/a+jwt;q=0, */*", 200, "second"),
            ("text/html", 406, "No media type of Accept is published at this path.\n"),
            ("application/a+jwt;q=x", 406, "No media type of Accept is published at this path.\n"),
        ] {
            let (found, headers, bytes) = ask("GET", "/1/0", &[("accept", accept)]).await;
            assert_eq!((found, &*bytes), (status, body.as_bytes()), "{accept}");
            if status == 200 {
                assert_eq!(headers["vary"], "accept");
                let age = headers["cache-control"].to_str().unwrap();
                assert!(["public, max-age=59", "public, max-age=60"].contains(&age), "{age}");
            }
        }
        let (_, headers, body) = ask("HEAD", "/1/0", &[]).await;
        assert_eq!((headers["content-length"].to_str().unwrap(), body.len()), ("5", 0));
        let tag = headers["etag"].to_str().unwrap();
        let (status, again, body) =
            ask("GET", "/1/0", &[("if-none-match", &format!("\"x\", W/{tag}"))]).await;
        assert_eq!((status, &again["etag"], body.len()), (304, &headers["etag"], 0));
        let (status, headers, body) = ask("GET", "/1/0", &[("range", "bytes=1-2"), ("if-range", tag)]).await;
        assert_eq!(
            (status, &*body, &headers["content-range"]),
            (206, &b"ir"[..], &"bytes 1-2/5".parse().unwrap())
        );
        assert_eq!(ask("GET", "/1/0", &[("range", "bytes=9-")]).await.0, 416);
        assert_eq!(ask("GET", "/1/1", &[]).await.0, 404);
        assert_eq!(ask("POST", "/1/0", &[]).await.0, 405);
    }
}
