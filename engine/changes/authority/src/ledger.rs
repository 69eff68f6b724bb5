//! An authority's own copy of a chain, followed set by set from the first one. It believes the signatures and nobody
//! who hands the sets over, so that what two authorities say of it is the word of two (docs/SYNC.md, Checkpoint).

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use hufu_codes::chain::{Authorities, Tip};
use hufu_codes::keyring::Keyring;
use hufu_files::{self as files, Lock, Readable};
use hufu_sync::{Follower, SetAnswer, WarmCopy};
use hufu_table::{
    AsOf, Limits, Reader, Slot, Snapshot, SnapshotDigest, SnapshotInfo, Table, Writer, write_snapshot_as_of,
};
use hufu_wire::{HolderIndex, IssuerId, StatusWord, UnixMillis};

/// One issuer's chain as far as it was followed, and every word at its end.
pub struct Ledger {
    follower: Follower,
    words: Words,
}

/// One issuer's words.
pub struct Words {
    reader: Reader,
    slot: Slot,
    /// How many holders the snapshot had that they were loaded from.
    loaded: u64,
}

/// Where a ledger is kept from one run to the next; others wait until this is dropped.
pub struct LedgerFolder {
    folder: PathBuf,
    authorities: Authorities,
    _lock: Lock,
}

impl Ledger {
    /// Nothing was followed yet.
    ///
    /// # Errors
    /// There is no memory for the table.
    pub fn new(authorities: Authorities) -> anyhow::Result<Ledger> {
        Ledger::with(authorities, |writer| Ok(Follower::new(writer, authorities)?))
    }

    /// The warm copy whose state is at `state`; `snapshot` says where its words are.
    ///
    /// # Errors
    /// It is damaged, or another issuer's.
    pub fn resume(
        authorities: Authorities,
        state: &Path,
        now: UnixMillis,
        snapshot: impl FnOnce(SnapshotDigest) -> PathBuf,
    ) -> anyhow::Result<Ledger> {
        let state = files::read(state)?;
        let (_, digest) = WarmCopy::open(&state, authorities.issuer())?;
        let snapshot = Snapshot::open(snapshot(digest))?;
        let resume = |writer| Ok(Follower::resume(writer, authorities, &state, &snapshot, now)?);
        let mut ledger = Ledger::with(authorities, resume)?;
        ledger.words.loaded = snapshot.info().holders;
        Ok(ledger)
    }

    fn with(
        authorities: Authorities,
        follower: impl FnOnce(Writer) -> anyhow::Result<Follower>,
    ) -> anyhow::Result<Ledger> {
        let (words, writer) = Words::new(authorities.issuer())?;
        Ok(Ledger { follower: follower(writer)?, words })
    }

    /// Takes the next set of the chain.
    ///
    /// # Errors
    /// It is not the next one, or not what both authorities signed: whoever hands it over is at fault.
    pub fn take(&mut self, set: &[u8], keyring: &Keyring, now: UnixMillis) -> anyhow::Result<()> {
        let at = self.tip().sequence;
        match self.follower.change_set(set, keyring, now)? {
            SetAnswer::Applied { .. } => Ok(()),
            SetAnswer::Fork { .. } => bail!(
                "the set after {at} belongs to another history than the one followed here: the chain was rewritten, or \
                 this folder is another registry's"
            ),
            SetAnswer::Duplicate | SetAnswer::Behind | SetAnswer::Gap { .. } => {
                bail!("the registry's answer is not the set after {at}")
            }
        }
    }

    /// Looks at a set far ahead without following it: a reset of the chain's time is known from then on.
    ///
    /// # Errors
    /// It is not what both authorities signed, or is of another history.
    pub(crate) fn look_ahead(
        &mut self,
        set: &[u8],
        keyring: &Keyring,
        now: UnixMillis,
    ) -> anyhow::Result<()> {
        match self.follower.change_set(set, keyring, now)? {
            SetAnswer::Gap { .. } | SetAnswer::Duplicate => Ok(()),
            other => bail!("the last set of the chain is not valid there: {other:?}"),
        }
    }

    /// Whose chain it is.
    pub fn issuer(&self) -> IssuerId {
        self.follower.issuer()
    }

    /// How far the chain was followed.
    pub fn tip(&self) -> &Tip {
        self.follower.tip()
    }

    /// The words there.
    pub fn words(&self) -> &Words {
        &self.words
    }

    /// The words alone.
    pub(crate) fn into_words(self) -> Words {
        self.words
    }

    /// Every word there, in the one file that there is for it: whoever followed the same chain to the same place
    /// writes the same bytes.
    fn write_snapshot(&self, path: &Path) -> anyhow::Result<SnapshotInfo> {
        let as_of = AsOf { sequence: self.tip().sequence, heard: None };
        Ok(write_snapshot_as_of(&self.words.reader, self.follower.issuer(), as_of, path)?)
    }
}

impl Words {
    fn new(issuer: IssuerId) -> anyhow::Result<(Words, Writer)> {
        let table = Table::new(Limits { issuers_max: 1, ..Limits::default() })?;
        let writer = table.writer(issuer)?;
        Ok((Words { reader: table.reader(), slot: writer.slot(), loaded: 0 }, writer))
    }

    /// The words of a snapshot, to be compared with others. Nobody has said that they are right.
    pub(crate) fn of_snapshot(snapshot: &Snapshot) -> anyhow::Result<Words> {
        let (words, mut writer) = Words::new(snapshot.info().issuer)?;
        let loaded = snapshot.load(&mut writer)?.holders;
        Ok(Words { loaded, ..words })
    }

    /// How many holders the snapshot had that these were loaded from, 0 for none.
    pub(crate) fn loaded(&self) -> u64 {
        self.loaded
    }

    /// A holder's word.
    pub fn of(&self, holder: HolderIndex) -> StatusWord {
        self.reader.lookup(self.slot, holder)
    }
}

impl LedgerFolder {
    /// The folder, made if need be. The table that a command was writing when it was interrupted is removed.
    ///
    /// # Errors
    /// The folder cannot be made or locked, or what was left cannot be removed.
    pub fn open(folder: &Path, authorities: Authorities) -> anyhow::Result<LedgerFolder> {
        files::folder(folder)?;
        let lock = files::lock(folder)?;
        let opened = LedgerFolder { folder: folder.to_owned(), authorities, _lock: lock };
        let unfinished = format!(".{}.", opened.unnamed());
        opened.remove(|name| name.starts_with(&unfinished) && name.ends_with(".partial"))?;
        files::remove_leftovers(&opened.state())?;
        Ok(opened)
    }

    /// The ledger in it, or an empty one.
    ///
    /// # Errors
    /// What is kept is damaged, or another issuer's.
    pub fn load(&self, now: UnixMillis) -> anyhow::Result<Ledger> {
        let path = self.state();
        if !path.exists() {
            return Ledger::new(self.authorities);
        }
        Ledger::resume(self.authorities, &path, now, |digest| self.snapshot(digest)).with_context(|| {
            format!("{}: remove the folder to follow the chain again from its start", path.display())
        })
    }

    /// Keeps a ledger, and says where its snapshot is. Whoever is interrupted finds the one before.
    ///
    /// # Errors
    /// A file cannot be written, replaced or removed.
    pub fn store(&self, ledger: &Ledger) -> anyhow::Result<(PathBuf, SnapshotInfo)> {
        let warm = ledger.follower.warm();
        let partial = self.folder.join(self.unnamed());
        let info = ledger.write_snapshot(&partial)?;
        let state = warm.seal(&info).context("the snapshot is not of the place that was followed to")?;
        let path = self.snapshot(info.digest);
        let what = || format!("cannot write {}", path.display());
        std::fs::rename(&partial, &path).with_context(what)?;
        files::replace(&self.state(), &state, Readable::All)?;
        self.sweep(&path)?;
        Ok((path, info))
    }

    /// Removes the snapshots of this issuer that no state names any more.
    fn sweep(&self, kept: &Path) -> anyhow::Result<()> {
        let prefix = format!("{}-", self.authorities.issuer());
        let kept = kept.file_name().and_then(|name| name.to_str());
        self.remove(|name| name.starts_with(&prefix) && name.ends_with(".snapshot") && Some(name) != kept)
    }

    /// Removes files by their names.
    fn remove(&self, is_over: impl Fn(&str) -> bool) -> anyhow::Result<()> {
        for entry in std::fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if is_over(path.file_name().and_then(|name| name.to_str()).unwrap_or_default()) {
                std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
            }
        }
        Ok(())
    }

    /// What a snapshot is called until its digest is known.
    fn unnamed(&self) -> String {
        format!("ledger-{}.snapshot", self.authorities.issuer())
    }

    fn state(&self) -> PathBuf {
        self.folder.join(format!("{}.state", self.authorities.issuer()))
    }

    fn snapshot(&self, digest: SnapshotDigest) -> PathBuf {
        self.folder.join(format!("{}-{digest}.snapshot", self.authorities.issuer()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_interrupted_command_left_is_removed_at_the_next_one() {
        let folder = tempfile::tempdir().unwrap();
        let authorities = Authorities::new(IssuerId(310_000), IssuerId(100_000), IssuerId(900_001)).unwrap();
        let at = |name: &str| folder.path().join(name);
        let left = [".ledger-310000.snapshot.Ab3xY9.partial", ".310000.state.Ab3xY9.partial"].map(at);
        // The folder may be another issuer's, too.
        let kept = [".ledger-440000.snapshot.Ab3xY9.partial", "310000-ab.snapshot", "310000.state"].map(at);
        for path in left.iter().chain(&kept) {
            std::fs::write(path, b"half").unwrap();
        }
        drop(LedgerFolder::open(folder.path(), authorities).unwrap());
        assert!(left.iter().all(|path| !path.exists()));
        assert!(kept.iter().all(|path| path.exists()));
    }
}
