//! The newest checkpoint.

use bytes::Bytes;
use hufu_wire::IssuerId;
use hufu_wire::chain::Checkpoint;

use crate::fault::{NatsFault, OrMissing as _};
use crate::link::Link;
use crate::names;

/// `None` when there is none.
pub(super) async fn newest(link: &Link, issuer: IssuerId) -> Result<Option<Bytes>, NatsFault> {
    let stream = link.jetstream.get_stream(names::CHECKPOINTS).await;
    let Some(stream) = stream.or_missing("looking for checkpoints")? else { return Ok(None) };
    let newest = stream.direct_get_last_for_subject(names::checkpoints(issuer)).await;
    match newest.or_missing("reading a checkpoint")? {
        Some(message) if message.payload.len() == Checkpoint::BYTES => Ok(Some(message.payload)),
        Some(message) => Err(NatsFault::Garbled(format!(
            "{} bytes instead of a checkpoint; the registry's publisher will replace them",
            message.payload.len()
        ))),
        None => Ok(None),
    }
}
