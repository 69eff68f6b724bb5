//! Where a folder ends that another run wrote to.

use sha2::{Digest as _, Sha256};

use super::{OpenDay, OpenFault, Store, Tip};
use crate::scan;
use crate::segment::{file_name, numbers};

impl Store {
    /// Reads the headers of all segments, and the blocks of the newest.
    pub(super) fn find_end(&mut self) -> Result<(), OpenFault> {
        self.drop_destroyed()?;
        let numbers = numbers(&self.folder)?;
        self.last_segment = numbers.last().copied().unwrap_or(0);
        let mut newest = None;
        for number in numbers {
            let file = self.folder.open(&file_name(number))?;
            // A segment that was begun and not written yet when the engine stopped.
            let Some(header) = scan::header(&*file)? else { continue };
            if self.days.last_closed().is_none_or(|closed| closed.day < header.day) {
                let begun = Tip { next: header.first, link: header.before };
                let open = self.open_day.get_or_insert_with(|| OpenDay {
                    day: header.day,
                    begun,
                    keys: Sha256::new(),
                    key: None,
                });
                open.keys.update(header.key);
            }
            newest = Some((number, header, file));
        }
        let Some((number, header, file)) = newest else { return Ok(()) };
        if header.engine != self.engine {
            return Err(OpenFault::OtherEngine { file: file_name(number) });
        }
        let begun = Tip { next: header.first, link: header.before };
        let closed = Tip::after(&self.days);
        let mut met_end = begun == closed;
        let end = scan::blocks(&*file, &header, |_, block| {
            met_end |= Tip { next: block.header.end(), link: block.link } == closed;
            Ok(())
        })?;
        if end.damaged {
            return Err(OpenFault::Damaged { file: file_name(number), at: end.at, next: end.next });
        }
        // What another run wrote and never made durable is made so before anything follows it.
        file.sync()?;
        self.tip = Tip { next: end.next, link: end.link };
        if self.open_day.is_none() && met_end && self.tip != closed {
            // Behind the day's end lies what could not be made durable and was given up.
            self.tip = closed;
            self.gap_since = self.days.last_closed().map(|closed| closed.time);
        }
        // The last closed day ends where its signed end says, and the open day begins there.
        let met = self.open_day.as_ref().map_or(self.tip, |open| open.begun);
        if met != closed {
            return Err(OpenFault::Damaged { file: file_name(number), at: 0, next: closed.next });
        }
        (self.synced, self.rested) = (self.tip, self.tip.next);
        Ok(())
    }
}
