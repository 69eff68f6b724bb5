//! The trail in the store.

use async_trait::async_trait;
use hufu_wire::IssuerId;

use super::row::{Columns, FromColumns};
use crate::fault::Fault;
use crate::trail::{Action, Entry, TrailDigest, TrailEnd, TrailKey, TrailLine, TrailSeal};

/// What was done. Nothing here changes or removes a line. Each line that any method of a store writes carries the digest
/// over itself and the line before ([`TrailDigest::after`]) and a seal.
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
    async fn trail(&self, after: u64, limit: u32) -> Result<Vec<TrailLine>, Fault>;
}

impl FromColumns for TrailLine {
    fn read(row: &impl Columns) -> Result<TrailLine, Fault> {
        Ok(TrailLine {
            number: row.number("number")?,
            entry: Entry {
                at: row.time("at")?,
                who: row.text("who")?,
                action: row.word("deed", Action::from_slug)?,
                issuer: row.number_or_none("issuer")?.map(IssuerId),
                what: row.text("what")?,
            },
            digest: row.array_or_none("digest")?.map(TrailDigest),
            seal: row.array_or_none("seal")?.map(TrailSeal),
        })
    }
}

impl FromColumns for TrailEnd {
    fn read(row: &impl Columns) -> Result<TrailEnd, Fault> {
        Ok(TrailEnd { number: row.number("number")?, digest: TrailDigest(row.array("digest")?) })
    }
}
