//! Which processes use a registry's database and keys: those that serve it, or one command that needs it stopped.
//!
//! The lock is a file of its own: the database and the key file are moved and replaced, and the folder's lock is held by
//! commands that run beside a registry. Registries on other machines are not seen.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::config::{Config, StoreUrl};

/// A registry's database and keys, kept until this is dropped.
#[derive(Debug)]
#[must_use = "the registry is free again once this is dropped"]
pub struct Kept {
    _file: File,
}

/// Keeps a registry for a process that serves it; several may.
///
/// # Errors
/// A command has it to itself; the file cannot be made or locked.
pub(crate) fn serving(config: &Config) -> anyhow::Result<Kept> {
    let path = place(config);
    keep(&path, File::try_lock_shared, || {
        format!(
            "a command changes this registry's keys or database ({} is locked): start the registry when it has ended",
            path.display()
        )
    })
}

/// Keeps a registry for a command that changes what a running one knows: none on this machine serves meanwhile.
///
/// # Errors
/// A registry serves; the file cannot be made or locked.
pub fn stopped(config: &Config) -> anyhow::Result<Kept> {
    let path = place(config);
    keep(&path, File::try_lock, || {
        format!(
            "a registry serves this database with these keys ({} is locked): stop it first, then run the command again",
            path.display()
        )
    })
}

/// Beside the database, or beside the note of where chains end: a registry writes there. The dot keeps it apart from
/// `registry.db*`, which an operator moves away.
fn place(config: &Config) -> PathBuf {
    let beside = match StoreUrl::read(config.store.url.get_ref()) {
        Some(StoreUrl::Sqlite(file)) => file,
        _ => config.chain_ends(),
    };
    let mut name = std::ffi::OsString::from(".");
    name.push(beside.file_name().unwrap_or_default());
    name.push(".serving");
    beside.with_file_name(name)
}

fn keep(
    path: &Path,
    lock: impl FnOnce(&File) -> Result<(), TryLockError>,
    used: impl FnOnce() -> String,
) -> anyhow::Result<Kept> {
    let opened = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
        }
        opened => opened,
    };
    let cannot = || format!("cannot lock {}: let this user write its folder", path.display());
    let file = opened.with_context(cannot)?;
    match lock(&file) {
        Ok(()) => Ok(Kept { _file: file }),
        Err(TryLockError::WouldBlock) => bail!(used()),
        Err(TryLockError::Error(error)) => Err(error).with_context(cannot),
    }
}
