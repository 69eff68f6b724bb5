//! The status table, its writers, and the snapshots that fill it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, bail};
use hufu_table::{Limits, MemoryUse, Reader, Snapshot, SnapshotDigest, SnapshotInfo, Table, Writer};
use hufu_wire::{IssuerId, UnixMillis, limits};

use super::state::State;
use crate::config::Memory;

/// Every issuer's statuses.
pub(super) struct Statuses {
    table: Table,
    followed: BTreeMap<IssuerId, Followed>,
    /// Issuers whose writer somebody else has, and where that is said.
    given: BTreeMap<IssuerId, String>,
}

struct Followed {
    /// The one file its statuses come from.
    file: PathBuf,
    writer: Writer,
    holders: u64,
    /// What was loaded last.
    content: Option<SnapshotDigest>,
}

impl Statuses {
    /// An empty table.
    pub(super) fn new(memory: &Memory) -> anyhow::Result<Statuses> {
        let limits = Limits::for_holders(*memory.issuers_max.get_ref(), *memory.holders_max.get_ref());
        Ok(Statuses { table: Table::new(limits)?, followed: BTreeMap::new(), given: BTreeMap::new() })
    }

    /// For checks.
    pub(super) fn reader(&self) -> Reader {
        self.table.reader()
    }

    /// Loads a snapshot over whatever is known of its issuer, at `now` by the engine's clock.
    ///
    /// # Errors
    /// It is damaged, or older than one that was applied before, in this run or an earlier one, or of the same
    /// sequence with other statuses (R22). Readers then see what they saw before.
    pub(super) fn apply(&mut self, path: &Path, state: &State, now: UnixMillis) -> anyhow::Result<String> {
        let snapshot = Snapshot::open(path)?;
        let SnapshotInfo { issuer, sequence, heard, .. } = *snapshot.info();
        let content = snapshot.content_digest();
        let followed = self.follow(issuer, path)?;
        state.admit(issuer, sequence, content).with_context(|| path.display().to_string())?;
        if followed.content == Some(content) && followed.writer.sequence() == sequence {
            followed.hear(heard, now);
            return Ok(format!("issuer {issuer} is still at sequence {sequence}"));
        }
        let begun = Instant::now();
        let info = snapshot.load(&mut followed.writer)?;
        followed.holders = info.holders;
        followed.content = Some(content);
        state.remember_snapshot(issuer, sequence, content);
        let took_ms = begun.elapsed().as_millis();
        Ok(format!(
            "issuer {issuer} is at sequence {} with {} holders ({took_ms} ms)",
            info.sequence, info.holders
        ))
    }

    /// The writer of an issuer that is followed from `place`; no snapshot file speaks for it any more.
    ///
    /// # Errors
    /// One does already, or the table has no room for another issuer.
    pub(super) fn give_writer(&mut self, issuer: IssuerId, place: String) -> anyhow::Result<Writer> {
        if let Some(Followed { file, .. }) = self.followed.get(&issuer) {
            bail!(two_sources(issuer, file, &place));
        }
        let writer = self.table.writer(issuer)?;
        self.given.insert(issuer, place);
        Ok(writer)
    }

    /// The issuer's writer, if this file is the one that speaks for it: a file put in the wrong place must not
    /// change whom it speaks for.
    fn follow(&mut self, issuer: IssuerId, path: &Path) -> anyhow::Result<&mut Followed> {
        if let Some(place) = self.given.get(&issuer) {
            bail!(two_sources(issuer, path, place));
        }
        let other =
            self.followed.iter().find(|(known, followed)| (**known == issuer) != (followed.file == path));
        if let Some((known, Followed { file, .. })) = other {
            bail!("{} is of issuer {issuer}; {} is of issuer {known}", path.display(), file.display());
        }
        match self.followed.entry(issuer) {
            Entry::Occupied(followed) => Ok(followed.into_mut()),
            Entry::Vacant(place) => {
                let writer = self.table.writer(issuer)?;
                Ok(place.insert(Followed { file: path.to_owned(), writer, holders: 0, content: None }))
            }
        }
    }

    /// Issuers with a snapshot file.
    pub(super) fn issuers(&self) -> usize {
        self.followed.len()
    }

    /// Holders of whom something is known.
    pub(super) fn holders(&self) -> u64 {
        self.followed.values().map(|followed| followed.holders).sum()
    }

    /// What the table takes, if the kernel says.
    pub(super) fn memory(&self) -> Option<MemoryUse> {
        self.table.reader().memory().ok()
    }
}

impl Followed {
    /// Nothing but the time has changed since the last loading.
    fn hear(&mut self, heard: Option<UnixMillis>, now: UnixMillis) {
        let before = self.writer.reader().as_of(self.writer.slot()).heard;
        let counts = |heard: &UnixMillis| before.is_none_or(|before| replaces(*heard, before, now));
        if let Some(heard) = heard.filter(counts) {
            self.writer.heard(heard);
        }
    }
}

/// Whether `heard` counts instead of `before`: the later one does, unless a clock that was ahead has written it.
fn replaces(heard: UnixMillis, before: UnixMillis, now: UnixMillis) -> bool {
    let is_ahead = |time: UnixMillis| time.since(now) > limits::HEAD_AHEAD_MS_MAX;
    match (is_ahead(heard), is_ahead(before)) {
        (false, true) => true,
        (true, false) => false,
        (false, false) | (true, true) => heard > before,
    }
}

fn two_sources(issuer: IssuerId, file: &Path, place: &str) -> String {
    format!(
        "issuer {issuer} is followed ({place}), and {} in [files] snapshots is of the same issuer; keep one of the \
         two",
        file.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_table::SnapshotWriter;
    use hufu_wire::{Colour, HolderIndex, Sequence, StatusWord};

    const ISSUER: IssuerId = IssuerId(310_000);
    const HOLDER: HolderIndex = HolderIndex(0);
    const NOW: UnixMillis = UnixMillis(100_000);

    fn write(path: &Path, sequence: u64, colour: Colour, heard_ms: u64) {
        let heard = Some(UnixMillis(heard_ms));
        let mut snapshot = SnapshotWriter::create(path, ISSUER, Sequence(sequence), heard).unwrap();
        snapshot.push(&[StatusWord::new(colour, 0)]).unwrap();
        snapshot.finish().unwrap();
    }

    #[test]
    fn r22_red_is_not_green_under_the_same_sequence_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("statuses.snapshot");
        // An engine's state, without the keyring it keeps first.
        let state = State::look(folder.path()).unwrap();
        let engine = || Statuses::new(&Memory::default()).unwrap();
        write(&path, 9, Colour::Red, 1_000);
        engine().apply(&path, &state, NOW).unwrap();

        write(&path, 9, Colour::Green, 2_000);
        let error = format!("{:#}", engine().apply(&path, &state, NOW).unwrap_err());
        assert!(error.contains("statuses.snapshot: ") && error.contains("other statuses"), "{error}");
        write(&path, 9, Colour::Red, 2_000);
        engine().apply(&path, &state, NOW).unwrap();
        write(&path, 10, Colour::Green, 3_000);
        engine().apply(&path, &state, NOW).unwrap();
    }

    #[test]
    fn a_snapshot_that_was_only_heard_of_again_is_not_loaded_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("statuses.snapshot");
        let state = State::look(folder.path()).unwrap();
        let mut statuses = Statuses::new(&Memory::default()).unwrap();
        write(&path, 9, Colour::Red, 1_000);
        assert!(statuses.apply(&path, &state, NOW).unwrap().contains("with 1 holders"));
        let (reader, slot) = (statuses.reader(), statuses.followed[&ISSUER].writer.slot());
        for (heard_ms, wanted) in [(2_000, 2_000), (1_500, 2_000)] {
            write(&path, 9, Colour::Red, heard_ms);
            assert!(statuses.apply(&path, &state, NOW).unwrap().contains("still at sequence 9"));
            assert_eq!(reader.as_of(slot).heard, Some(UnixMillis(wanted)));
        }
        assert_eq!(reader.lookup(slot, HOLDER).colour(), Some(Colour::Red));
    }

    /// One `snapshot touch` by a clock that was ahead leaves no issuer stale until a restart.
    #[test]
    fn r24_a_time_far_ahead_replaces_no_usable_one_and_a_correct_one_replaces_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("statuses.snapshot");
        let state = State::look(folder.path()).unwrap();
        let mut statuses = Statuses::new(&Memory::default()).unwrap();
        let ahead = NOW.0 + 86_400_000;
        // What is loaded first is dated ahead as well.
        let touches = [
            (ahead, ahead),
            (99_000, 99_000),
            (ahead, 99_000),
            (99_500, 99_500),
            (NOW.0 + limits::HEAD_AHEAD_MS_MAX, NOW.0 + limits::HEAD_AHEAD_MS_MAX),
            (NOW.0 + limits::HEAD_AHEAD_MS_MAX + 1, NOW.0 + limits::HEAD_AHEAD_MS_MAX),
        ];
        for (heard_ms, wanted) in touches {
            write(&path, 9, Colour::Red, heard_ms);
            statuses.apply(&path, &state, NOW).unwrap();
            let slot = statuses.followed[&ISSUER].writer.slot();
            assert_eq!(statuses.reader().as_of(slot).heard, Some(UnixMillis(wanted)), "{heard_ms}");
        }
    }
}
