//! Which processes use a registry's database and keys: those that serve it, or one command that needs it stopped.
//!
//! The lock is a file of its own: the database and the key file are moved and replaced, and the folder's lock is held by
//! commands that run beside a registry. Registries on other machines are not seen.

use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::config::{Config, StoreUrl};

/// A registry's database and keys, kept until this is dropped.
#[derive(Debug)]
#[must_use = "the registry is free again once this is dropped"]
pub struct Kept {
    _file: Option<File>,
    /// Why commands do not see it, for the operator.
    pub(crate) unseen: Option<String>,
}

/// Keeps a registry for a process that serves it; several may. With PostgreSQL it is served also where the file cannot be made:
/// its folder has keys, and may be read-only.
///
/// # Errors
/// A command has it to itself; beside SQLite, the file cannot be made or locked.
pub(crate) fn serving(config: &Config) -> anyhow::Result<Kept> {
    let path = place(config);
    match keep(&path, File::try_lock_shared) {
        Err(TryLockError::WouldBlock) => bail!(
            "a command changes this registry's keys or database ({} is locked): start the registry when it has ended",
            path.display()
        ),
        Err(TryLockError::Error(error)) if file_of(config).is_none() => {
            let unseen = format!(
                "cannot lock {} ({error}): `hufu registry vault rotate` and `retire` do not see that this registry runs; stop it \
                 before them, or let `chain_ends` under [files] name a file in a folder that this user can write",
                path.display()
            );
            Ok(Kept { _file: None, unseen: Some(unseen) })
        }
        Err(TryLockError::Error(error)) => Err(error).with_context(|| cannot(&path)),
        Ok(kept) => Ok(kept),
    }
}

/// Keeps a registry for a command that changes what a running one knows: none on this machine serves meanwhile. Where the file is
/// not there and cannot be made, none has locked it.
///
/// # Errors
/// A registry serves; the file is there and cannot be locked; beside SQLite, it cannot be made.
pub fn stopped(config: &Config) -> anyhow::Result<Kept> {
    let path = place(config);
    match keep(&path, File::try_lock) {
        Err(TryLockError::WouldBlock) => bail!(
            "a registry serves this database with these keys ({} is locked): stop it first, then run the command again",
            path.display()
        ),
        Err(TryLockError::Error(_))
            if file_of(config).is_none() && matches!(path.try_exists(), Ok(false)) =>
        {
            Ok(Kept { _file: None, unseen: None })
        }
        Err(TryLockError::Error(error)) => Err(error).with_context(|| cannot(&path)),
        Ok(kept) => Ok(kept),
    }
}

/// The database, where it is a file.
fn file_of(config: &Config) -> Option<PathBuf> {
    match StoreUrl::read(config.store.url.get_ref()) {
        Some(StoreUrl::Sqlite(file)) => Some(file),
        _ => None,
    }
}

/// Beside the database, or beside the note of where chains end: a registry writes there. The dot keeps it apart from
/// `registry.db*`, which an operator moves away.
fn place(config: &Config) -> PathBuf {
    let beside = file_of(config).unwrap_or_else(|| config.chain_ends());
    let mut name = std::ffi::OsString::from(".");
    name.push(beside.file_name().unwrap_or_default());
    name.push(".serving");
    beside.with_file_name(name)
}

fn keep(path: &Path, lock: impl FnOnce(&File) -> Result<(), TryLockError>) -> Result<Kept, TryLockError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => make(path),
        opened => opened,
    };
    let file = file.map_err(TryLockError::Error)?;
    lock(&file)?;
    Ok(Kept { _file: Some(file), unseen: None })
}

/// An empty file that other users can lock, too: a command may run as root, with a umask that keeps them out.
fn make(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    file.set_permissions(Permissions::from_mode(0o644))?;
    Ok(file)
}

fn cannot(path: &Path) -> String {
    format!("cannot lock {}: let this user read it and write its folder", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(folder: &Path, url: &str, chain_ends: &str) -> Config {
        let text = format!(
            "[store]\nurl = '{url}'\n[files]\nvault = 'v'\noperator_key = 'o'\ntrust_list = 't'\n\
             publisher_keys = ['p']\nchain_ends = '{chain_ends}'\n"
        );
        let file = folder.join("registry.toml");
        std::fs::write(&file, text).unwrap();
        Config::load(&file).unwrap()
    }

    #[test]
    fn r45_a_registry_on_postgresql_serves_also_where_its_lock_cannot_be_made_and_says_so() {
        const POSTGRES: &str = "postgres://hufu@localhost/registry";
        let folder = tempfile::tempdir().unwrap();
        let missing = config(folder.path(), POSTGRES, "missing/ends");
        let unseen = serving(&missing).unwrap().unseen.unwrap();
        assert!(unseen.contains("do not see") && unseen.contains("`chain_ends` under [files]"), "{unseen}");
        assert_eq!(stopped(&missing).unwrap().unseen, None, "without a file none has locked it");
        let file = config(folder.path(), "sqlite:missing/r.db", "ends");
        assert!(serving(&file).is_err() && stopped(&file).is_err());

        let there = config(folder.path(), POSTGRES, "ends");
        let served = serving(&there).unwrap();
        assert_eq!(served.unseen, None);
        let again = serving(&there).unwrap();
        assert!(stopped(&there).unwrap_err().to_string().contains("stop it first"));
        drop((served, again));
        let _command = stopped(&there).unwrap();
        assert!(serving(&there).unwrap_err().to_string().contains("start the registry when it has ended"));
    }

    #[test]
    fn r45_a_lock_that_one_user_made_is_there_for_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".ends.serving");
        let _kept = keep(&path, File::try_lock).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
    }
}
