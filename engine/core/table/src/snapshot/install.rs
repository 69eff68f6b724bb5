//! Makes a checked snapshot visible.

use std::sync::atomic::Ordering;

use super::info::SnapshotInfo;
use super::stage::{Content, Staged};
use crate::fault::TableFault;
use crate::published::Published;
use crate::segment::Words;
use crate::writer::{Writer, change};

/// Every word of the snapshot, and unknown wherever it has none. `staged` is in the order of segments. Readers
/// see words change one by one, as with any change set, and the sequence last. `keep` is called before the first.
pub(super) fn install(
    writer: &mut Writer,
    staged: Vec<Staged>,
    &SnapshotInfo { sequence, heard, .. }: &SnapshotInfo,
    keep: impl FnOnce(),
) -> Result<(), TableFault> {
    writer.admit(sequence)?;
    // Sequence 0 is where nothing was applied yet.
    if sequence.0 > 0 && sequence == writer.sequence() && !is_the_same(writer, &staged) {
        return Err(TableFault::Fork { issuer: writer.issuer(), sequence });
    }
    keep();
    let mut staged = staged.into_iter().peekable();
    for (segment, place) in writer.directory().iter().enumerate() {
        match (place.get(), staged.next_if(|staged| staged.segment == segment)) {
            (None, Some(staged)) => bring(place, staged),
            (Some(held), Some(staged)) => overwrite(held, &staged.content),
            (Some(held), None) => held.iter().for_each(|word| change(word, 0)),
            (None, None) => {}
        }
    }
    writer.head().advance(sequence);
    if let Some(heard) = heard {
        writer.head().hear(heard);
    }
    Ok(())
}

/// Whether the table already says what the file says, word for word.
fn is_the_same(writer: &Writer, staged: &[Staged]) -> bool {
    let unchanged =
        |staged: &Staged| matches!(&staged.content, Content::Changes(changes) if changes.is_empty());
    let left_out = |segment| staged.binary_search_by_key(&segment, |staged| staged.segment).is_err();
    // Relaxed: written by this writer, or before it was handed on.
    let unknown = |held: &Words| held.iter().all(|word| word.load(Ordering::Relaxed) == 0);
    let mut held = writer.directory().iter().enumerate().filter(|(segment, _)| left_out(*segment));
    staged.iter().all(unchanged) && held.all(|(_, place)| place.get().is_none_or(unknown))
}

fn bring(place: &Published, staged: Staged) {
    match staged.content {
        Content::Whole(fresh) => place.publish(fresh, staged.room),
        Content::Changes(_) => unreachable!("changes are to a segment that exists"),
    }
}

fn overwrite(held: &Words, content: &Content) {
    match content {
        Content::Whole(fresh) => {
            for (held, fresh) in held.iter().zip(fresh.iter()) {
                // Relaxed: no other thread has seen this segment.
                change(held, fresh.load(Ordering::Relaxed));
            }
        }
        Content::Changes(changes) => changes.iter().for_each(|to| change(&held[to.word as usize], to.bits)),
    }
}
