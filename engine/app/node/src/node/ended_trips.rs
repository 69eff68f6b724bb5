//! The lists of trip credentials that ended before their time.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use hufu_codes::ended::{ENDED_MAX, EndedList, EndedTrips};
use hufu_wire::{IssuerId, UnixMillis, UnixSeconds};

/// The lists in use.
#[derive(Debug, Default)]
pub(super) struct Lists {
    /// When the list of each issuer was made.
    made: BTreeMap<IssuerId, UnixSeconds>,
}

impl Lists {
    /// Reads every list; none may be older than that of its issuer before. One that is dated after `now` counts as made then.
    pub(super) fn read(&mut self, paths: &[PathBuf], now: UnixMillis) -> anyhow::Result<EndedTrips> {
        let mut lists: Vec<EndedList> = Vec::with_capacity(paths.len());
        for path in paths {
            let what = || path.display().to_string();
            let list = EndedList::read(&hufu_files::read_text(path)?).with_context(what)?;
            let EndedList { issuer, made, .. } = list;
            ensure!(
                lists.iter().all(|other| other.issuer != issuer),
                "{}: another list is issuer {issuer}'s too; name one for each issuer in ended_trips",
                path.display()
            );
            if let Some(before) = self.made.get(&issuer) {
                ensure!(
                    made >= *before,
                    "{} is older than the list of issuer {issuer} in force; write it again with `hufu trip ended`",
                    path.display()
                );
            }
            lists.push(list);
        }
        let all = EndedTrips::of(&lists);
        ensure!(
            all.len() <= ENDED_MAX,
            "the lists of ended_trips have {} credentials, and {ENDED_MAX} are the most",
            all.len()
        );
        // What a list names has ended, also where the registry's clock was ahead; a right list that follows is not older.
        self.made.extend(lists.iter().map(|list| (list.issuer, list.made.min(now.seconds()))));
        Ok(all)
    }
}

impl super::Held {
    /// Takes the lists as they are now.
    pub(super) fn take_ended_trips(&mut self) -> anyhow::Result<String> {
        let ended = self.ended_trips.read(&self.config.files.ended_trips, self.config.now())?;
        let count = ended.len();
        self.engine.set_ended_trips(ended);
        Ok(format!("{count} trip codes have ended before their time"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r04_an_older_list_never_gives_a_cancelled_code_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ended");
        let write = |issuer, made, digests: &[[u8; 32]]| {
            std::fs::write(&path, EndedList::write(IssuerId(issuer), UnixSeconds(made), digests)).unwrap();
        };
        let (mut lists, now) = (Lists::default(), UnixSeconds(100).millis());
        write(1, 100, &[[1; 32]]);
        assert_eq!(lists.read(std::slice::from_ref(&path), now).unwrap().len(), 1);
        write(1, 99, &[]);
        let refused = lists.read(std::slice::from_ref(&path), now).unwrap_err().to_string();
        assert!(refused.contains("is older than the list of issuer 1"), "{refused}");
        // One that is dated ahead is taken, and makes none of those after it older.
        write(1, 8000, &[[1; 32], [2; 32], [3; 32]]);
        assert_eq!(lists.read(std::slice::from_ref(&path), now).unwrap().len(), 3);
        write(1, 100, &[[1; 32], [2; 32]]);
        assert_eq!(lists.read(std::slice::from_ref(&path), now).unwrap().len(), 2);
        let twice = lists.read(&[path.clone(), path.clone()], now).unwrap_err().to_string();
        assert!(twice.contains("another list is issuer 1's too"), "{twice}");
    }
}
