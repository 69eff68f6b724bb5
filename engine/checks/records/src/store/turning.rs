//! The end of a day, and its destruction.

use std::io;

use hufu_wire::UnixMillis;
use sha2::Digest as _;

use super::Store;
use crate::day::Day;
use crate::days::{DayEntry, DayEvent};
use crate::scan;
use crate::segment::{file_name, numbers};

impl Store {
    pub(super) fn close(&mut self, now: UnixMillis) -> io::Result<()> {
        self.sync_segment()?;
        let Some(open) = &self.open_day else { return Ok(()) };
        let entry = DayEntry {
            event: DayEvent::Closed,
            day: open.day,
            first: open.begun.next,
            records: self.tip.next - open.begun.next,
            before: open.begun.link,
            after: self.tip.link,
            keys: open.keys.clone().finalize().into(),
            time: now,
        };
        self.days.append(&self.folder, &self.engine, &self.signer, entry)?;
        self.open_day = None;
        self.segment = None;
        Ok(())
    }

    /// Destroys the keys of days that are older than is kept, says so, and drops their segments.
    pub(super) fn destroy_old(&mut self, today: Day, now: UnixMillis) -> io::Result<()> {
        let old = |day: Day| day.0.saturating_add(self.options.keep_days) < today.0;
        let due: Vec<DayEntry> = self.days.kept().filter(|entry| old(entry.day)).copied().collect();
        if due.is_empty() {
            return Ok(());
        }
        for entry in &due {
            self.keys.destroy(entry.day)?;
        }
        for entry in due {
            let entry = DayEntry { event: DayEvent::Destroyed, time: now, ..entry };
            self.days.append(&self.folder, &self.engine, &self.signer, entry)?;
        }
        self.drop_destroyed()
    }

    /// Drops segments of days whose keys were destroyed. One is kept to be used again.
    pub(super) fn drop_destroyed(&mut self) -> io::Result<()> {
        for number in numbers(&self.folder)? {
            let name = file_name(number);
            let header = scan::header(&*self.folder.open(&name)?)?;
            if header.is_some_and(|header| self.days.destroyed(header.day)) {
                self.spare.give(&name)?;
            }
        }
        Ok(())
    }
}
