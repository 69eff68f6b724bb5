//! Headers of every answer.

use axum::response::Response;
use http::{HeaderName, HeaderValue, header};

/// Nothing but files of this origin, in no frame; no script or style inside a page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const PERMISSIONS: &str = "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), microphone=(), \
                           payment=(), usb=()";

/// Adds what the answer does not say itself. What a browser may keep is said by assets alone.
pub(crate) fn add(response: &mut Response, is_tls: bool) {
    let all = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), PERMISSIONS),
    ];
    // RFC 6797 section 7.2: never over plain HTTP.
    let strict = is_tls.then_some((header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"));
    for (name, value) in all.into_iter().chain(strict) {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
}
