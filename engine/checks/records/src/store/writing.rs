//! Blocks, and the segments that they are written to.

use std::io;

use hufu_check::Trace;
use hufu_wire::UnixMillis;
use sha2::{Digest as _, Sha256};

use super::{Kept, OpenDay, OpenSegment, RunKey, Store, Tip};
use crate::block::{self, BlockKey, Header, Kind, Place};
use crate::keys::random;
use crate::row::Row;
use crate::segment::{SegmentHeader, file_name};
use crate::slip::{CodeKey, Finder, Slip};

impl Store {
    pub(super) fn try_commit(&mut self, now: UnixMillis, kept: &[Kept]) -> io::Result<()> {
        self.close_if_over(now)?;
        let slips = kept.iter().filter(|kept| !matches!(kept.trace, Trace::None)).count();
        let length = kept.len() * Row::BYTES + slips * Slip::BYTES;
        self.make_room(now, length)?;
        self.begin_block();
        let Some(key) = self.open_day.as_ref().and_then(|open| open.key.as_ref()) else {
            return Err(io::Error::other("a segment was begun without a key"));
        };
        for kept in kept {
            self.room.extend_from_slice(&kept.row.to_bytes());
        }
        for kept in kept {
            let slip = Finder::of_trace(&key.code, &kept.trace).and_then(|finder| finder.seal(&kept.row));
            if let Some(slip) = slip {
                self.room.extend_from_slice(zerocopy::IntoBytes::as_bytes(&slip));
            }
        }
        self.write(now, Kind::Checks, u16::try_from(kept.len()).unwrap_or(u16::MAX))
    }

    /// Empties the room for the plain part of the next block.
    pub(super) fn begin_block(&mut self) {
        self.room.clear();
        self.room.resize(Header::BYTES, 0);
    }

    /// Seals what stands in the room as the next block and writes it.
    pub(super) fn write(&mut self, now: UnixMillis, kind: Kind, count: u16) -> io::Result<()> {
        let key = self.open_day.as_ref().and_then(|open| open.key.as_ref());
        let (Some(key), Some(segment)) = (key, &mut self.segment) else {
            return Err(io::Error::other("there is no segment to write to"));
        };
        let header = Header {
            length: u32::try_from(self.room.len() - Header::BYTES).unwrap_or(u32::MAX),
            count,
            kind,
            first: self.tip.next,
            synced: self.synced.next,
            before: self.tip.link,
            time: now,
        };
        let place = Place { segment: segment.number, block: segment.blocks };
        let link = block::seal(&key.block, place, &segment.salt, header, &mut self.room);
        segment.file.write_at(&self.room, segment.at)?;
        segment.at += header.step_bytes();
        segment.blocks += 1;
        self.tip = Tip { next: header.end(), link };
        Ok(())
    }

    /// Sees to it that the open segment has room for a block of `length` plain bytes.
    pub(super) fn make_room(&mut self, now: UnixMillis, length: usize) -> io::Result<()> {
        let bytes = (block::AROUND_BYTES + length) as u64;
        let fits =
            self.segment.as_ref().is_some_and(|segment| segment.at + bytes <= self.options.segment_bytes);
        #[cfg(feature = "planted")]
        let fits = fits && !hufu_wire::planted::rare(256);
        if fits {
            return Ok(());
        }
        // A segment that begins says that all before it is durable.
        self.sync_segment()?;
        self.begin_segment(now)
    }

    pub(super) fn begin_segment(&mut self, now: UnixMillis) -> io::Result<()> {
        self.segment = None;
        let today = self.day_at(now);
        let number = self.last_segment + 1;
        let name = file_name(number);
        let open = self.open_day.get_or_insert_with(|| OpenDay {
            day: today,
            begun: self.tip,
            keys: Sha256::new(),
            key: None,
        });
        if open.key.is_none() {
            let key = self.keys.make(open.day)?;
            let (block, code) = (BlockKey::new(key.bytes()), CodeKey::of(key.bytes()));
            open.key = Some(RunKey { name: key.name(), block, code });
        }
        let Some(key) = &open.key else { return Err(io::Error::other("a key was made and is not there")) };
        let mut salt = [0; 16];
        random(&mut salt)?;
        let header = SegmentHeader {
            engine: self.engine,
            number,
            day: open.day,
            first: self.tip.next,
            salt,
            before: self.tip.link,
            key: key.name,
            time: now,
        };
        // From here on the number is spent, whatever happens.
        self.last_segment = number;
        self.spare.take(&name)?;
        let file = self.folder.open_to_write(&name)?;
        file.write_at(&header.to_bytes(), 0)?;
        open.keys.update(header.key);
        self.segment = Some(OpenSegment { file, number, salt, at: SegmentHeader::ROOM_BYTES, blocks: 0 });
        if let Some(since) = self.gap_since {
            self.begin_block();
            self.room.extend_from_slice(&since.0.to_le_bytes());
            self.write(now, Kind::Gap, 0)?;
        }
        Ok(())
    }
}
