//! Problem details (RFC 9457): every answer to a request that was not carried out.

use std::time::Instant;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hufu_contract::{BrakeReport, PROBLEM_TYPE_PREFIX, Problem, SourceFault, Terms, Tip};
use hufu_registry::{Crowded, Fault, PhoneFault};
use hufu_wire::{StrangerLines, UnixMillis};

use super::convert::Convert as _;

/// The media type of a problem.
const PROBLEM_JSON: &str = "application/problem+json";

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $slug:literal, $status:ident, $title:literal;)+) => {
        /// Which problem. Names and statuses are part of the API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Kind {
            $($(#[$doc])* $name),+
        }

        impl Kind {
            /// Every kind, for the document.
            pub(super) const ALL: &[Kind] = &[$(Kind::$name),+];

            pub(super) const fn slug(self) -> &'static str {
                match self {
                    $(Kind::$name => $slug),+
                }
            }

            pub(super) const fn status(self) -> StatusCode {
                match self {
                    $(Kind::$name => StatusCode::$status),+
                }
            }

            pub(super) const fn title(self) -> &'static str {
                match self {
                    $(Kind::$name => $title),+
                }
            }
        }
    };
}

kinds! {
    MalformedJson = "malformed-json", BAD_REQUEST, "The body is not valid JSON";
    MalformedPath = "malformed-path", BAD_REQUEST, "The path is not valid";
    MalformedQuery = "malformed-query", BAD_REQUEST, "The query is not valid";
    CutOff = "cut-off", BAD_REQUEST, "The body is incomplete";
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "Missing or invalid token";
    Forbidden = "forbidden", FORBIDDEN, "The token does not allow this";
    NotFound = "not-found", NOT_FOUND, "Not found";
    MethodNotAllowed = "method-not-allowed", METHOD_NOT_ALLOWED, "Method not allowed";
    Conflict = "conflict", CONFLICT, "The request conflicts with the current state";
    Moved = "moved", CONFLICT, "The chain has advanced";
    Braked = "braked", CONFLICT, "Too many holders would be set back at once";
    OtherPerson = "other-person", CONFLICT, "The id number is registered with another name";
    Stricter = "stricter", CONFLICT, "The stricter colour would be lost";
    WrongDigest = "wrong-digest", UNPROCESSABLE_ENTITY, "The body does not match the digest";
    TooMany = "too-many", TOO_MANY_REQUESTS, "Too many concurrent requests for one token";
    TooLarge = "too-large", PAYLOAD_TOO_LARGE, "The body is too large";
    BeyondEnd = "beyond-end", RANGE_NOT_SATISFIABLE, "The range starts after the end of the file";
    MediaType = "media-type", UNSUPPORTED_MEDIA_TYPE, "The content type is not supported";
    Invalid = "invalid", UNPROCESSABLE_ENTITY, "The request is not valid";
    Unbelieved = "unbelieved", UNPROCESSABLE_ENTITY, "Engines would reject the message";
    Misissued = "misissued", UNPROCESSABLE_ENTITY, "Gates would reject the credential";
    Internal = "internal", INTERNAL_SERVER_ERROR, "Internal error";
    Damaged = "damaged", INTERNAL_SERVER_ERROR, "The stored data is inconsistent";
    Misconfigured = "misconfigured", INTERNAL_SERVER_ERROR, "The registry is not configured for this";
    Busy = "busy", SERVICE_UNAVAILABLE, "The registry is busy";
    Slow = "slow", SERVICE_UNAVAILABLE, "The request timed out";
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "The database is not available";
    Clock = "clock", UNAUTHORIZED, "The phone's clock is off";
    PhoneEnded = "phone-ended", FORBIDDEN, "The phone was ended";
    NumberMistyped = "number-mistyped", UNPROCESSABLE_ENTITY, "The number is not one of an invitation";
    NumberUnknown = "number-unknown", NOT_FOUND, "No invitation has this number";
    NumberUsed = "number-used", CONFLICT, "The number was used";
    NumberExpired = "number-expired", GONE, "The number has expired";
    NumberReplaced = "number-replaced", GONE, "A newer number was made";
    Terms = "terms", CONFLICT, "The terms do not hold";
    Full = "full", INSUFFICIENT_STORAGE, "A storage limit is reached";
}

impl Kind {
    /// Whether a caller was refused, so that it is written to the log and the trail too.
    pub(super) const fn is_refusal(self) -> bool {
        matches!(
            self,
            Kind::Unauthenticated
                | Kind::Forbidden
                | Kind::TooMany
                | Kind::TooLarge
                | Kind::WrongDigest
                | Kind::NumberUnknown
                | Kind::Busy
                | Kind::Slow
                | Kind::Full
        )
    }
}

/// With an answer whose Retry-After was chosen for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chosen;

/// A problem on its way out.
#[derive(Debug)]
pub(super) struct ApiProblem {
    kind: Kind,
    detail: String,
    tip: Option<Box<Tip>>,
    brake: Option<Box<BrakeReport>>,
    holders: Vec<usize>,
    terms: Option<Box<Terms>>,
    now: Option<UnixMillis>,
    /// When to come back, where that was chosen for this answer; a second otherwise.
    retry_s: Option<u64>,
}

impl ApiProblem {
    pub(super) fn new(kind: Kind, detail: impl Into<String>) -> ApiProblem {
        let (tip, brake, holders, terms, now) = Default::default();
        ApiProblem { kind, detail: detail.into(), tip, brake, holders, terms, now, retry_s: None }
    }

    /// The same, for who is to come back after so many seconds.
    pub(super) fn after(self, retry_s: u64) -> ApiProblem {
        ApiProblem { retry_s: Some(retry_s), ..self }
    }

    /// What a phone reads whose clock is off: ours.
    pub(super) fn clock(now: UnixMillis) -> ApiProblem {
        let detail =
            "the phone's clock is more than two minutes off: correct the time by now_ms and send again";
        ApiProblem { now: Some(now), ..ApiProblem::new(Kind::Clock, detail) }
    }

    /// What a phone reads whose terms do not hold: those that do.
    fn terms(detail: String, terms: hufu_registry::Terms) -> ApiProblem {
        let now = Some(super::clock::now());
        ApiProblem { terms: Some(Box::new(terms.convert())), now, ..ApiProblem::new(Kind::Terms, detail) }
    }

    /// The request shows no token.
    pub(super) fn without_token() -> ApiProblem {
        ApiProblem::new(Kind::Unauthenticated, "send the header Authorization: Bearer hufu_…")
    }

    /// More want a credential than are answered in time.
    pub(super) fn crowded(Crowded { retry_after_s, .. }: Crowded) -> ApiProblem {
        let detail = format!(
            "many want a credential now, and those before you take all there is: ask again in {retry_after_s} s; a code that \
             you have stays valid until it expires"
        );
        ApiProblem::new(Kind::Busy, detail).after(u64::from(retry_after_s))
    }

    /// What a confirmation's author reads: where the chain ends now.
    pub(super) fn moved(tip: Tip) -> ApiProblem {
        let detail =
            format!("the chain now ends at set {}: confirm again for the position after it", tip.sequence);
        ApiProblem { tip: Some(Box::new(tip)), ..ApiProblem::new(Kind::Moved, detail) }
    }

    /// What the national platform reads: what a release would let through.
    pub(super) fn braked(brake: BrakeReport) -> ApiProblem {
        let detail = format!(
            "the change sets {} holders back ({} turn red, {} amber, {} are forgotten, {} get another generation), after {} \
             in the window before it, of {}: the national platform must sign a release, then submit the same confirmation again",
            brake.set_back,
            brake.reds,
            brake.ambers,
            brake.forgotten,
            brake.generations,
            brake.recent,
            brake.holders,
        );
        ApiProblem { brake: Some(Box::new(brake)), ..ApiProblem::new(Kind::Braked, detail) }
    }
}

impl From<Fault> for ApiProblem {
    fn from(fault: Fault) -> ApiProblem {
        let detail = fault.to_string();
        let kind = match fault {
            Fault::Unavailable(_) => {
                // What the database says is the operator's to read, not the caller's. While it is away each request says
                // it again, also those without a valid token.
                static LINES: StrangerLines = StrangerLines::new();
                if LINES.may_log(Instant::now()) {
                    tracing::warn!(%detail, "a request failed");
                }
                return ApiProblem::new(
                    Kind::Unavailable,
                    "try again later; the operator must check the database",
                );
            }
            Fault::Damaged(_) => {
                tracing::error!(%detail, "a request failed");
                return ApiProblem::new(
                    Kind::Damaged,
                    "the cause is in the registry's log: ask the operator",
                );
            }
            Fault::OtherPerson { people } => {
                return ApiProblem { holders: people, ..ApiProblem::new(Kind::OtherPerson, detail) };
            }
            Fault::Misconfigured(_) => Kind::Misconfigured,
            Fault::NotFound(_) => Kind::NotFound,
            Fault::Invalid { .. } => Kind::Invalid,
            Fault::Conflict(_) => Kind::Conflict,
            Fault::Stricter { .. } => Kind::Stricter,
            Fault::Full(_) => Kind::Full,
            Fault::Unauthenticated => Kind::Unauthenticated,
            Fault::Forbidden { .. } => Kind::Forbidden,
            Fault::Unbelieved(_) => Kind::Unbelieved,
            Fault::Misissued(_) => Kind::Misissued,
            Fault::Phone(fault) => match fault {
                PhoneFault::Terms(terms) => return ApiProblem::terms(detail, terms),
                PhoneFault::NumberMistyped => Kind::NumberMistyped,
                PhoneFault::NumberUnknown => Kind::NumberUnknown,
                PhoneFault::NumberUsed => Kind::NumberUsed,
                PhoneFault::NumberExpired => Kind::NumberExpired,
                PhoneFault::NumberReplaced => Kind::NumberReplaced,
                PhoneFault::Ended => Kind::PhoneEnded,
            },
        };
        ApiProblem::new(kind, detail)
    }
}

impl From<SourceFault> for ApiProblem {
    fn from(fault: SourceFault) -> ApiProblem {
        Fault::from(fault).into()
    }
}

impl IntoResponse for ApiProblem {
    fn into_response(self) -> Response {
        let ApiProblem { kind, detail, tip, brake, holders, terms, now, retry_s } = self;
        let problem = Problem {
            kind: format!("{PROBLEM_TYPE_PREFIX}{}", kind.slug()),
            title: kind.title().to_owned(),
            status: kind.status().as_u16(),
            detail,
            tip: tip.map(|tip| *tip),
            brake: brake.map(|brake| *brake),
            holders,
            now_ms: now.map(|now| now.0),
            terms: terms.map(|terms| *terms),
        };
        // A struct of texts and numbers always becomes JSON.
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = (kind.status(), Body::from(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        match kind {
            // RFC 6750 section 3.
            Kind::Unauthenticated => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"hufu\""));
            }
            Kind::Busy | Kind::Slow | Kind::Unavailable | Kind::TooMany => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(retry_s.unwrap_or(1)));
                if retry_s.is_some() {
                    response.extensions_mut().insert(Chosen);
                }
            }
            _ => {}
        }
        // For who counts the answers.
        response.extensions_mut().insert(kind);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_has_a_name_of_its_own() {
        for (place, kind) in Kind::ALL.iter().enumerate() {
            assert!(kind.slug().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
            assert!(kind.status().is_client_error() || kind.status().is_server_error());
            assert!(Kind::ALL[..place].iter().all(|other| other.slug() != kind.slug()), "{}", kind.slug());
        }
    }

    #[test]
    fn what_a_database_says_stays_here() {
        let problem = ApiProblem::from(Fault::Unavailable("password authentication failed for hufu".into()));
        assert_eq!(problem.kind, Kind::Unavailable);
        assert!(!problem.detail.contains("password"));
    }
}
