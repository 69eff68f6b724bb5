//! What things are called on a NATS server. `docs/SYNC.md` says the same.

use async_nats::header::{NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, NATS_EXPECTED_STREAM, NATS_MESSAGE_ID};
use async_nats::{HeaderMap, HeaderValue};
use hufu_wire::IssuerId;

use crate::placed::Placed;

/// The stream of every issuer's newest checkpoint.
pub(crate) const CHECKPOINTS: &str = "HUFU-CHECKPOINTS";
/// Its subjects.
pub(crate) const CHECKPOINT_SUBJECTS: &str = "hufu.checkpoints.*";
/// A set's place in its chain, for people and tools: we read the set itself.
const SEQUENCE: &str = "Hufu-Sequence";

/// The stream of an issuer's sets.
pub(crate) fn stream(issuer: IssuerId) -> String {
    format!("HUFU-{issuer}")
}

/// Where an issuer's sets are published.
pub(crate) fn sets(issuer: IssuerId) -> String {
    format!("hufu.sets.{issuer}")
}

/// Where its heads are published.
pub(crate) fn heads(issuer: IssuerId) -> String {
    format!("hufu.heads.{issuer}")
}

/// Where its checkpoints are published.
pub(crate) fn checkpoints(issuer: IssuerId) -> String {
    format!("hufu.checkpoints.{issuer}")
}

/// What a set travels with: it is stored only right after the message `last`, in the stream that is meant.
pub(crate) fn set_headers(issuer: IssuerId, set: &Placed, last: u64, with_id: bool) -> HeaderMap {
    let mut headers = stored_after(&stream(issuer), last);
    if with_id {
        let digest = set.digest.to_string();
        let digest = digest.get(..16).unwrap_or(&digest);
        headers.insert(NATS_MESSAGE_ID, format!("{issuer}:{}:{digest}", set.sequence));
    }
    headers.insert(SEQUENCE, set.sequence.to_string());
    headers
}

/// Stored in `stream`, and only if the last message of its subject is `last`, 0 for none.
pub(crate) fn stored_after(stream: &str, last: u64) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(NATS_EXPECTED_STREAM, stream);
    headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, HeaderValue::from(last));
    headers
}
