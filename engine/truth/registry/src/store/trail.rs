//! The trail in the store.

use async_trait::async_trait;

use crate::fault::Fault;
use crate::trail::{Entry, Noted, TrailEnd, TrailKey};

/// What was done. Nothing here changes or removes a line. Each line that any method of a store writes carries the digest
/// over itself and the line before ([`TrailDigest::after`](crate::TrailDigest::after)) and a seal.
#[async_trait]
pub trait Trail {
    /// Seals every line from now on with this key. The first key that is given counts.
    fn seal_with(&self, key: TrailKey);

    /// The last line; [`TrailEnd::START`] when there is none.
    ///
    /// # Errors
    /// [`Fault::Damaged`] when it has no digest.
    async fn trail_end(&self) -> Result<TrailEnd, Fault>;

    /// Adds a line for something that writes nothing else: a read of personal data, an export.
    async fn note(&self, entry: &Entry) -> Result<(), Fault>;

    /// Lines with a number above `after`, by rising number, at most `limit`.
    async fn trail(&self, after: u64, limit: u32) -> Result<Vec<Noted>, Fault>;
}
