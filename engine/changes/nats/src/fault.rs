//! Why a server does not do something, and who can correct it.

use std::error::Error as _;
use std::io;

use async_nats::jetstream;
use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::stream::{DirectGetErrorKind, LastRawMessageErrorKind};
use async_nats::{ConnectError, ConnectErrorKind, rustls};
use hufu_sync::FeedFault;

/// What went wrong between us and a server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NatsFault {
    /// There is no answer, or what was there is gone.
    #[error("{0}")]
    Unreachable(String),
    /// The server answers and will not do it.
    #[error("{0}")]
    Refused(String),
    /// What came is not what should.
    #[error("{0}")]
    Garbled(String),
}

impl NatsFault {
    /// The same, of a feed.
    pub(crate) fn of(self, feed: &str) -> FeedFault {
        let feed = feed.to_owned();
        match self {
            NatsFault::Unreachable(what) => FeedFault::Unreachable { feed, what },
            NatsFault::Refused(what) => FeedFault::Refused { feed, what },
            NatsFault::Garbled(what) => FeedFault::Garbled { feed, what },
        }
    }

    /// What JetStream says of a request: it has no time for it now, or it will not do it.
    pub(crate) fn jetstream(doing: &str, error: &jetstream::Error) -> NatsFault {
        let what = format!("{doing}: {error}");
        if error.code() >= 500 || error.code() == 408 || error.code() == 404 {
            NatsFault::Unreachable(what)
        } else {
            NatsFault::Refused(what)
        }
    }
}

impl From<ConnectError> for NatsFault {
    fn from(error: ConnectError) -> NatsFault {
        match error.kind() {
            ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => {
                NatsFault::Refused(
                    "the server refuses our credentials, or asks for credentials and none are configured"
                        .into(),
                )
            }
            ConnectErrorKind::Tls | ConnectErrorKind::ServerParse => NatsFault::Refused(error.to_string()),
            _ if is_tls(&error) => NatsFault::Refused(format!("TLS: {error}")),
            _ => NatsFault::Unreachable(error.to_string()),
        }
    }
}

/// Whether the two sides do not agree on encryption: a certificate, most likely.
fn is_tls(error: &ConnectError) -> bool {
    let io = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    io.and_then(io::Error::get_ref).is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>)
}

/// An answer, or `None` where there is no such thing.
pub(crate) trait OrMissing<T> {
    fn or_missing(self, doing: &str) -> Result<Option<T>, NatsFault>;
}

impl<T> OrMissing<T> for Result<T, jetstream::context::GetStreamError> {
    fn or_missing(self, doing: &str) -> Result<Option<T>, NatsFault> {
        let error = match self {
            Ok(stream) => return Ok(Some(stream)),
            Err(error) => error,
        };
        match error.kind() {
            GetStreamErrorKind::JetStream(error) if error.code() == 404 => Ok(None),
            GetStreamErrorKind::JetStream(error) => Err(NatsFault::jetstream(doing, &error)),
            _ => Err(NatsFault::Unreachable(format!("{doing}: {error}"))),
        }
    }
}

impl<T> OrMissing<T> for Result<T, jetstream::stream::LastRawMessageError> {
    fn or_missing(self, doing: &str) -> Result<Option<T>, NatsFault> {
        let error = match self {
            Ok(message) => return Ok(Some(message)),
            Err(error) => error,
        };
        match error.kind() {
            LastRawMessageErrorKind::NoMessageFound => Ok(None),
            LastRawMessageErrorKind::JetStream(error) => Err(NatsFault::jetstream(doing, &error)),
            _ => Err(NatsFault::Unreachable(format!("{doing}: {error}"))),
        }
    }
}

impl<T> OrMissing<T> for Result<T, jetstream::stream::DirectGetError> {
    fn or_missing(self, doing: &str) -> Result<Option<T>, NatsFault> {
        match self {
            Ok(message) => Ok(Some(message)),
            Err(error) if error.kind() == DirectGetErrorKind::NotFound => Ok(None),
            Err(error) => Err(NatsFault::Unreachable(format!("{doing}: {error}"))),
        }
    }
}
