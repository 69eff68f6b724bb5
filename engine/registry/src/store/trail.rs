//! The trail in the store.

use async_trait::async_trait;

use crate::fault::Fault;
use crate::trail::{Entry, Noted};

/// What was done. Nothing here changes or removes a line.
#[async_trait]
pub trait Trail {
    /// Adds a line for something that writes nothing else: a read of personal data, an export.
    async fn note(&self, entry: &Entry) -> Result<(), Fault>;

    /// Lines with a number above `after`, by rising number, at most `limit`.
    async fn trail(&self, after: u64, limit: u32) -> Result<Vec<Noted>, Fault>;
}
