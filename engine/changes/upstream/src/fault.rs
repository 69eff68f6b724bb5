//! Why a call failed, and who can mend it.

use std::error::Error;
use std::fmt::Write;
use std::io;

use hufu_contract::Problem;
use hufu_sync::FeedFault;

/// A call that was not carried out. With [`Unreachable`](Self::Unreachable) alone it is not known whether it was.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ApiFault {
    /// Something here is not as it should be: a URL, a file, the roots that a certificate is held against. Whoever
    /// runs this can mend it.
    #[error("{0}")]
    Misconfigured(String),
    /// Nobody answers at the registry's address, or the answer breaks off. The network or the registry is at fault.
    #[error("{registry} cannot be reached: {what}")]
    Unreachable {
        /// The registry's URL.
        registry: String,
        /// What happened.
        what: String,
    },
    /// The registry says why not; [`Problem::name`] tells which problem it is, and its detail who can mend it.
    #[error("{registry}: {}", words(problem))]
    Refused {
        /// The registry's URL.
        registry: String,
        /// In its own words.
        problem: Box<Problem>,
    },
    /// Something answers, and not as a registry of this version does.
    #[error(
        "{registry} does not answer as a registry does ({what}); check the URL, and the versions of both"
    )]
    Garbled {
        /// The registry's URL.
        registry: String,
        /// What is wrong with it.
        what: String,
    },
}

/// A problem's title and detail; the detail alone where it begins with the title.
fn words(problem: &Problem) -> String {
    let Problem { title, detail, .. } = problem;
    let begins = detail.get(..title.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(title));
    if begins { detail.clone() } else { format!("{title}: {detail}") }
}

impl ApiFault {
    /// The registry's problem, if that is what it is.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            ApiFault::Refused { problem, .. } => Some(problem),
            _ => None,
        }
    }

    /// Whether the same call may well succeed a moment later.
    pub fn is_passing(&self) -> bool {
        match self {
            ApiFault::Unreachable { .. } => true,
            ApiFault::Refused { problem, .. } => matches!(problem.status, 429 | 502..=504),
            ApiFault::Misconfigured(_) | ApiFault::Garbled { .. } => false,
        }
    }

    /// The same as whoever follows a feed called `feed` tells faults apart.
    pub(crate) fn of_feed(self, feed: &str) -> FeedFault {
        let feed = feed.to_owned();
        match self {
            ApiFault::Misconfigured(what) => FeedFault::Refused { feed, what },
            ApiFault::Unreachable { what, .. } => FeedFault::Unreachable { feed, what },
            ApiFault::Refused { problem, .. } => {
                let what = format!("{}: {}", problem.title, problem.detail);
                // 4xx: the request is wrong, here. 5xx: the registry is. 429 passes.
                if problem.status < 500 && problem.status != 429 {
                    FeedFault::Refused { feed, what }
                } else {
                    FeedFault::Unreachable { feed, what }
                }
            }
            ApiFault::Garbled { what, .. } => FeedFault::Garbled { feed, what },
        }
    }
}

/// Whether the registry's certificate is the cause: not of the roots, of another name, expired.
pub(crate) fn is_certificate(error: &(dyn Error + 'static)) -> bool {
    matches!(of_tls(error), Some(rustls::Error::InvalidCertificate(_)))
}

/// What TLS says, where it is among the causes.
fn of_tls<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    if let Some(tls) = error.downcast_ref() {
        return Some(tls);
    }
    // An `io::Error` names as its source what is behind the error that it carries, not that error.
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(carried) => of_tls(carried),
        None => error.source().and_then(of_tls),
    }
}

/// Why there is no connection: what the last cause says, and what the layers above it add nothing to.
fn unconnected(error: &(dyn Error + 'static)) -> String {
    let mut is_name = false;
    let mut last = error;
    while let Some(next) = last.source() {
        is_name |= next.to_string().contains("dns error");
        last = next;
    }
    let refused = last
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
    if refused {
        return "nothing listens there; start what serves it, or correct its address".to_owned();
    }
    // As of a server of plain HTTP.
    if let Some(rustls::Error::InvalidMessage(_)) = of_tls(last) {
        return "it does not speak TLS; correct the address, or write http:// where it is meant to be plain"
            .to_owned();
    }
    if is_name {
        return format!("its name is not known here ({last}); correct the address, or the name service");
    }
    last.to_string()
}

/// An error of the HTTP client with its causes. It never has headers in it, and so no token.
pub(crate) fn told(error: reqwest::Error) -> String {
    // The URL is named beside it already.
    let error = error.without_url();
    if error.is_connect() {
        return unconnected(&error);
    }
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        // What hyper says of the alert that a server of TLS answers with.
        if next.to_string().contains("invalid HTTP version") {
            return "it does not speak HTTP; does it speak TLS? write https://, or correct the address"
                .to_owned();
        }
        _ = write!(text, ": {next}");
        cause = next.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_tls_is_told_as_such() {
        let corrupt = rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
        let said = unconnected(&io::Error::new(io::ErrorKind::InvalidData, corrupt));
        assert!(said.starts_with("it does not speak TLS"), "{said}");
        let other = io::Error::new(io::ErrorKind::InvalidData, rustls::Error::DecryptError);
        assert!(!unconnected(&other).contains("http://"));
    }

    #[test]
    fn a_problem_is_told_once() {
        let told = |title: &str, detail: &str| {
            let problem = serde_json::json!({ "type": "x", "title": title, "status": 403, "detail": detail });
            words(&serde_json::from_value(problem).unwrap())
        };
        let detail = "the token does not allow this: it needs scope holders";
        assert_eq!(told("The token does not allow this", detail), detail);
        assert_eq!(told("Not found", "there is no holder 7"), "Not found: there is no holder 7");
        assert_eq!(told("Not found", "é"), "Not found: é");
    }
}
