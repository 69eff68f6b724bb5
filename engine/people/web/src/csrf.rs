//! That a form was sent from our own page: by the headers that browsers set, and by a token in the form itself.
//!
//! The token is the first field of every form, also where a file follows, so that it is read before anything else is. All of
//! a body has to arrive within a time, and at a pace.

use std::io;
use std::time::{Duration, Instant};

use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::Request;
use futures_util::stream::unfold;
use futures_util::{Stream, StreamExt as _};
use http::{HeaderMap, HeaderValue, header};
use tokio::time::timeout_at;

/// The name of the form's first field.
pub(crate) const FIELD: &str = "csrf";

/// How much of a body is looked at for the token, bytes: a boundary has at most 70, a token 43.
const PEEK_BYTES: usize = 1024;

/// A browser must send so many bytes in each span of this length, or the end: as slow as uploads of snapshots may be
/// (docs/REGISTRY.md).
const SPAN: Duration = Duration::from_secs(30);
const SPAN_BYTES: usize = 256 * 1024;

/// By when more of a body has to be there.
#[derive(Debug)]
pub(crate) struct Pace {
    /// By when all of it.
    until: Instant,
    span_end: Instant,
    /// Bytes that are missing in this span.
    missing: usize,
}

impl Pace {
    /// A body that begins now and has to end by then.
    pub(crate) fn until(until: Instant) -> Pace {
        Pace { until, span_end: Instant::now() + SPAN, missing: SPAN_BYTES }
    }

    fn due(&self) -> Instant {
        self.until.min(self.span_end)
    }

    fn arrived(&mut self, bytes: usize, now: Instant) {
        self.missing = self.missing.saturating_sub(bytes);
        if self.missing == 0 {
            (self.span_end, self.missing) = (now + SPAN, SPAN_BYTES);
        }
    }
}

/// Whether the request came from a page of ours, as far as the browser says: `Sec-Fetch-Site`, or else `Origin` beside
/// `Host`. A browser that sends neither is believed to be old; the token still has to be right.
pub(crate) fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(HeaderValue::to_str);
    if let Some(site) = text(http::HeaderName::from_static("sec-fetch-site")) {
        return matches!(site, Ok("same-origin"));
    }
    match (text(header::ORIGIN), text(header::HOST)) {
        (None, _) => true,
        (Some(Ok(origin)), Some(Ok(host))) => {
            origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host))
        }
        _ => false,
    }
}

/// Whether the form brings a file.
pub(crate) fn has_file(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"multipart/form-data"))
}

/// A body that breaks off where it does not arrive at its pace.
fn in_time(body: BodyDataStream, pace: Pace) -> impl Stream<Item = Result<Bytes, axum::Error>> {
    unfold(Some((body, pace)), |rest| async move {
        let (mut body, mut pace) = rest?;
        match timeout_at(pace.due().into(), body.next()).await {
            Ok(next) => {
                let next = next?;
                pace.arrived(next.as_ref().map_or(0, Bytes::len), Instant::now());
                Some((next, Some((body, pace))))
            }
            Err(_) => Some((Err(axum::Error::new(io::Error::from(io::ErrorKind::TimedOut))), None)),
        }
    })
}

/// The token of a form, and the request with its body whole again. A body that does not arrive at its pace breaks off.
pub(crate) async fn token(request: Request, pace: Pace) -> (Option<String>, Request) {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().to_owned();
    let (parts, body) = request.into_parts();
    let mut stream = Box::pin(in_time(body.into_data_stream(), pace).fuse());
    let mut begun = Vec::new();
    let mut parts_read: Vec<Result<Bytes, axum::Error>> = Vec::new();
    let mut found = find(&kind, &begun);
    while found.is_none() && begun.len() < PEEK_BYTES {
        let Some(next) = stream.next().await else { break };
        if let Ok(bytes) = &next {
            begun.extend_from_slice(&bytes[..bytes.len().min(PEEK_BYTES)]);
        }
        let is_broken = next.is_err();
        parts_read.push(next);
        if is_broken {
            break;
        }
        found = find(&kind, &begun);
    }
    if found.is_none() {
        found = find(&kind, &[&begun[..], b"&"].concat());
    }
    let body = Body::from_stream(futures_util::stream::iter(parts_read).chain(stream));
    (found, Request::from_parts(parts, body))
}

/// The token at the beginning of a body, once all of it is there.
fn find(kind: &str, begun: &[u8]) -> Option<String> {
    let is_token = |token: &&[u8]| {
        !token.is_empty()
            && token.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let token = if kind.starts_with("multipart/form-data") {
        let name = format!("name=\"{FIELD}\"");
        let end = find_in(begun, b"\r\n\r\n")?;
        let head = std::str::from_utf8(&begun[..end]).ok()?;
        if !head.starts_with("--") || !head.contains(&name) {
            return None;
        }
        let rest = &begun[end + 4..];
        &rest[..find_in(rest, b"\r\n")?]
    } else if kind.starts_with("application/x-www-form-urlencoded") {
        let rest = begun.strip_prefix(FIELD.as_bytes())?.strip_prefix(b"=")?;
        &rest[..rest.iter().position(|byte| *byte == b'&')?]
    } else {
        return None;
    };
    Some(token).filter(is_token).and_then(|token| String::from_utf8(token.to_vec()).ok())
}

fn find_in(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::to_bytes;
    use futures_util::stream::{iter, pending};

    const URLENCODED: &str = "application/x-www-form-urlencoded";

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
    }

    fn token_of(kind: &str, chunks: &[&str]) -> (Option<String>, String) {
        let chunks: Vec<_> =
            chunks.iter().map(|chunk| Ok::<_, std::io::Error>(Bytes::from(String::from(*chunk)))).collect();
        let body = Body::from_stream(futures_util::stream::iter(chunks));
        let request = Request::builder().header(header::CONTENT_TYPE, kind).body(body).unwrap();
        run(async {
            let pace = Pace::until(Instant::now() + Duration::from_secs(60));
            let (found, request) = token(request, pace).await;
            let body = to_bytes(request.into_body(), 1 << 20).await.unwrap();
            (found, String::from_utf8(body.to_vec()).unwrap())
        })
    }

    #[test]
    fn r61_the_token_is_the_first_field_and_the_body_stays_whole() {
        let check = |kind: &str, chunks: &[&str], is: Option<&str>| {
            let (found, body) = token_of(kind, chunks);
            assert_eq!(found.as_deref(), is, "{kind} {chunks:?}");
            assert_eq!(body, chunks.concat());
        };
        check(URLENCODED, &["csrf=abc-_1&name=li"], Some("abc-_1"));
        check(URLENCODED, &["cs", "rf=ab", "c&name=li"], Some("abc"));
        check(URLENCODED, &["csrf=abc"], Some("abc"));
        check(URLENCODED, &["name=li&csrf=abc"], None);
        check(URLENCODED, &["csrf=&name=li"], None);
        check(URLENCODED, &["csrf=a%20b&name=li"], None);
        check(URLENCODED, &[], None);
        check("text/plain", &["csrf=abc&name=li"], None);
        let part = "--x\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nabc\r\n--x\r\n";
        check(
            "multipart/form-data; boundary=x",
            &[part, "Content-Disposition: form-data; name=\"list\"\r\n"],
            Some("abc"),
        );
        check("multipart/form-data; boundary=x", &[&part[..30], &part[30..]], Some("abc"));
        check("multipart/form-data; boundary=x", &[&part.replace("csrf", "list")], None);
        check(URLENCODED, &[&"x".repeat(100_000), "csrf=abc"], None);
    }

    #[test]
    fn r61_a_body_that_does_not_arrive_in_time_breaks_off_before_and_after_its_token() {
        for begun in ["csrf=ab", "csrf=abc&name="] {
            let begun = Ok::<_, io::Error>(Bytes::from(begun));
            let body = Body::from_stream(iter([begun]).chain(pending()));
            let request = Request::builder().header(header::CONTENT_TYPE, URLENCODED).body(body).unwrap();
            run(async {
                let (_, request) = token(request, Pace::until(Instant::now())).await;
                assert!(to_bytes(request.into_body(), 1 << 20).await.is_err());
            });
        }
    }

    #[test]
    fn r61_a_body_that_trickles_in_breaks_off_long_before_its_last_moment() {
        let now = Instant::now();
        let mut pace = Pace { until: now + 3 * SPAN, span_end: now + SPAN, missing: SPAN_BYTES };
        pace.arrived(SPAN_BYTES - 1, now + SPAN / 2);
        assert_eq!(pace.due(), now + SPAN);
        pace.arrived(1, now + SPAN / 2);
        assert_eq!(pace.due(), now + SPAN / 2 + SPAN, "the next span begins");
        pace.arrived(SPAN_BYTES, now + SPAN * 5 / 2);
        assert_eq!(pace.due(), pace.until, "all of it has a time too");

        let body = Body::from_stream(iter([Ok::<_, io::Error>(Bytes::from("a"))]).chain(pending()));
        let slow = Pace { until: now + 20 * SPAN, span_end: now, missing: SPAN_BYTES };
        let arrived = run(in_time(body.into_data_stream(), slow).collect::<Vec<_>>());
        assert!(matches!(&arrived[..], [Ok(_), Err(_)]), "{arrived:?}");
    }

    #[test]
    fn r61_another_origin_is_told_by_the_browsers_headers() {
        let check = |headers: &[(&'static str, &'static str)], is: bool| {
            let headers = headers
                .iter()
                .map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value)));
            assert_eq!(is_same_origin(&headers.clone().collect()), is, "{:?}", headers.collect::<Vec<_>>());
        };
        check(&[("sec-fetch-site", "same-origin")], true);
        check(&[("sec-fetch-site", "same-site")], false);
        check(&[("sec-fetch-site", "cross-site"), ("origin", "http://here"), ("host", "here")], false);
        check(&[("sec-fetch-site", "none")], false);
        check(&[("origin", "https://here:7443"), ("host", "here:7443")], true);
        check(&[("origin", "https://there"), ("host", "here")], false);
        check(&[("origin", "null"), ("host", "here")], false);
        check(&[("origin", "https://here")], false);
        check(&[("host", "here")], true);
    }
}
