//! What is wrong, as the fault of a feed: who can correct it.

use std::error::Error;
use std::fmt::{Display, Write};

use hufu_sync::FeedFault;
use object_store::Error as StoreError;

/// A place for files that cannot be used as it is configured. The operator can correct it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("store {place:?}: {what}")]
pub struct Misconfigured {
    /// The place, as it was given.
    pub place: String,
    /// What is wrong, and what to do about it.
    pub what: String,
}

/// What `error` of the store called `feed` means to its caller.
pub(crate) fn of_store(feed: &str, error: &StoreError) -> FeedFault {
    let (feed, what) = (feed.to_owned(), with_causes(error));
    match error {
        StoreError::NotFound { .. } => FeedFault::Refused { feed, what: format!("file not found: {what}") },
        StoreError::PermissionDenied { .. } | StoreError::Unauthenticated { .. } => {
            FeedFault::Refused { feed, what: format!("check its credentials and their rights: {what}") }
        }
        _ => FeedFault::Unreachable { feed, what },
    }
}

/// A snapshot file here that cannot be read or written.
pub(crate) fn of_disk(feed: &str, what: &impl Display) -> FeedFault {
    FeedFault::Disk { feed: feed.to_owned(), what: what.to_string() }
}

/// An error with its causes, each once: many of the store's already print theirs.
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let next_text = next.to_string();
        if !text.contains(&next_text) {
            _ = write!(text, ": {next_text}");
        }
        cause = next.source();
    }
    text
}
