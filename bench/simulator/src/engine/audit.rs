//! Which records of an engine must be on its disk, and whether they are.

use std::collections::{BTreeSet, HashMap};

use hufu_check::Durability;
use hufu_records::Day;

use super::{EngineMachine, RecordKey};

impl EngineMachine {
    /// Looks for every record that was acknowledged and must outlive what has happened; the keys of those that are not
    /// there.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub(crate) fn lost_records(&self, after_power_cut: bool) -> Result<Vec<RecordKey>, String> {
        // The disk may be in trouble; what is on it counts.
        let trouble = self.disk.trouble(None);
        let lost = self.look_for_records(after_power_cut);
        self.disk.trouble(trouble);
        lost
    }

    fn look_for_records(&self, after_power_cut: bool) -> Result<Vec<RecordKey>, String> {
        let mut wanted: HashMap<RecordKey, u32> = self
            .acknowledged
            .iter()
            .filter(|(_, (durability, _))| match durability {
                Durability::Synced => true,
                Durability::Written => !after_power_cut,
                Durability::Memory => false,
            })
            .map(|(key, (_, count))| (*key, *count))
            .collect();
        for n in 1..=self.record_folders {
            let (records, keys) = self.records_folder(n);
            let days: BTreeSet<u64> = wanted.keys().map(|key| key.2 / 86_400_000).collect();
            for day in days {
                let day = Day(u32::try_from(day).unwrap_or(u32::MAX));
                let read = hufu_records::read(&records, &keys, day, |found| {
                    if let hufu_records::Answer::Verdict(verdict) = found.row.answer {
                        let key = (found.row.device.0, verdict.number.0, verdict.server_time.0);
                        if let Some(count) = wanted.get_mut(&key) {
                            *count = count.saturating_sub(1);
                        }
                    }
                    Ok(())
                });
                if let Err(error) = read
                    && !self.is_rotten
                {
                    return Err(format!("records of {day} cannot be read: {error}"));
                }
            }
        }
        Ok(wanted.into_iter().filter(|(_, count)| *count > 0).map(|(key, _)| key).collect())
    }

    /// What is not known to be durable may be lost with the power: forgets it.
    pub(crate) fn forget_undurable(&mut self, after_power_cut: bool) {
        self.acknowledged.retain(|_, (durability, _)| match durability {
            Durability::Synced => true,
            Durability::Written => !after_power_cut,
            Durability::Memory => false,
        });
    }
}
