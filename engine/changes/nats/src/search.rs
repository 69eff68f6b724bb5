//! Where in a stream a set is. Streams count messages and chains count sets; the two differ by a constant until a
//! stream has been purged, or a chain has gone on from a checkpoint above its end.

use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::Stream;
use hufu_wire::{IssuerId, Sequence};

use crate::fault::{NatsFault, OrMissing as _};
use crate::{names, placed};

/// Twice what halving the largest stream takes. Beyond it the stream is full of messages that are no sets.
const READS_MAX: u32 = 128;

/// The stream's number from which on all sets after `after` come; sets before it may come too. `stream` has been
/// asked for its state just now.
pub(crate) async fn first_after(
    stream: &Stream,
    issuer: IssuerId,
    after: Sequence,
) -> Result<u64, NatsFault> {
    let state = &stream.cached_info().state;
    // Sets before `low` are not after `after`; nothing is lost by beginning at `high`.
    let (mut low, mut high) = (state.first_sequence, state.last_sequence + 1);
    if state.messages == 0 {
        return Ok(high);
    }
    let mut probe = match last(stream, issuer).await? {
        Some((_, newest)) if newest <= after => return Ok(high),
        Some((at, newest)) => at.saturating_sub(newest.0 - after.0 - 1),
        None => low.midpoint(high),
    };
    let mut reads = 0;
    while low < high && reads < READS_MAX {
        probe = probe.clamp(low, high - 1);
        let found = next(stream, issuer, probe, high, &mut reads).await?;
        match found {
            Some((at, sequence)) if sequence.0 == after.0 + 1 => return Ok(at),
            Some((at, sequence)) if sequence <= after => low = at + 1,
            _ => high = probe,
        }
        probe = low.midpoint(high);
    }
    Ok(if low < high { low } else { high })
}

/// The first set at `from` or later and before `end`, and the stream's number for it.
async fn next(
    stream: &Stream,
    issuer: IssuerId,
    from: u64,
    end: u64,
    reads: &mut u32,
) -> Result<Option<(u64, Sequence)>, NatsFault> {
    let mut from = from;
    while from < end && *reads < READS_MAX {
        *reads += 1;
        let Some(message) = message_from(stream, issuer, from).await? else { return Ok(None) };
        if message.sequence >= end {
            return Ok(None);
        }
        if let Some(sequence) = placed::sequence(&message.payload, issuer) {
            return Ok(Some((message.sequence, sequence)));
        }
        from = message.sequence + 1;
    }
    Ok(None)
}

/// The first message at `from` or later, whatever it is.
pub(crate) async fn message_from(
    stream: &Stream,
    issuer: IssuerId,
    from: u64,
) -> Result<Option<StreamMessage>, NatsFault> {
    let read = stream.direct_get_builder().next_by_subject(names::sets(issuer)).sequence(from);
    read.send().await.or_missing("reading a stream")
}

async fn last(stream: &Stream, issuer: IssuerId) -> Result<Option<(u64, Sequence)>, NatsFault> {
    let last = stream.direct_get_last_for_subject(names::sets(issuer)).await;
    let last = last.or_missing("reading a stream's end")?;
    Ok(last.and_then(|message| Some((message.sequence, placed::sequence(&message.payload, issuer)?))))
}
