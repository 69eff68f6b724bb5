//! What of a folder of records changes no more, and can be copied elsewhere while an engine writes to the folder.

use std::io;

use ed25519_dalek::VerifyingKey;

use crate::days::Days;
use crate::disk::Folder;
use crate::identity::engine_of;
use crate::segment::number_of;
use crate::verify::segments;

/// The closed part of a folder: sealed blocks and the public chain of days, which lead to nothing without a key.
#[derive(Clone, Debug)]
pub struct Closed {
    /// The chain of days.
    pub days: Days,
    /// The files of the segments that nothing is written to any more and whose keys were not destroyed, rising. With
    /// `days` they are whole: every segment of a closed day is among them.
    pub segments: Vec<String>,
}

impl Closed {
    /// Looks at the folder of the engine with this key.
    ///
    /// # Errors
    /// The disk's; an [`io::ErrorKind::InvalidData`] when the chain of days is not genuine.
    pub fn read(records: &Folder, key: &VerifyingKey) -> io::Result<Closed> {
        // In this order: what the chain calls closed is there when the segments are listed.
        let days = Days::read(records, &engine_of(key), key)?;
        let all = segments(records)?;
        let last_closed = days.last_closed().map(|entry| entry.day);
        let is_over = |day| last_closed.is_some_and(|last| day <= last);
        let open = all.iter().map(|(_, header)| header.day).find(|day| !is_over(*day));
        let newest = all.last().map(|(_, header)| header.number);
        let segments = all.iter().filter(|(_, header)| {
            // A day that was begun since the chain was read waits for the next time.
            let is_closed = is_over(header.day) || (open == Some(header.day) && newest > Some(header.number));
            is_closed && !days.destroyed(header.day)
        });
        let segments = segments.map(|(name, _)| name.clone()).collect();
        Ok(Closed { days, segments })
    }
}

/// Whether a file of this name is a segment.
pub fn is_segment(name: &str) -> bool {
    number_of(name).is_some()
}
