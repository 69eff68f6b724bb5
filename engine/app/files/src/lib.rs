//! What every program of ours has on its machine's disk: files written whole or not at all and secrets for their owner
//! only ([`create`], [`replace`]), key files, trust lists, settings, files that are watched; and times as people write
//! them.

pub mod agent;
pub mod keys;
pub mod moment;
pub mod settings;
pub mod trust_list;
mod unavailable;
pub mod watched;

use std::fs::{self, File, Permissions, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use hufu_wire::without_bom;
use tempfile::NamedTempFile;

pub use unavailable::{Unavailable, unavailable};

/// What a file may be read by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readable {
    /// The owner alone: keys and seeds.
    Owner = 0o600,
    /// Everybody.
    All = 0o644,
}

/// The bytes of a file.
///
/// # Errors
/// The file cannot be read; the error names it.
pub fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// The text of a file, without a byte order mark in front.
///
/// # Errors
/// The file cannot be read, or is not UTF-8.
pub fn read_text(path: &Path) -> anyhow::Result<String> {
    let mut text =
        String::from_utf8(read(path)?).with_context(|| format!("{} is not text", path.display()))?;
    let mark = text.len() - without_bom(text.as_bytes()).len();
    text.drain(..mark);
    Ok(text)
}

/// The bytes of a PEM file, or of a DER file in its place, without a byte order mark in front. What stands between PEM
/// blocks need not be UTF-8.
///
/// # Errors
/// The file cannot be read; the error names it.
pub fn read_pem(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = read(path)?;
    let mark = bytes.len() - without_bom(&bytes).len();
    bytes.drain(..mark);
    Ok(bytes)
}

/// Writes a file that must not exist yet: a key that is written over is lost for good.
///
/// # Errors
/// The file exists, or cannot be written.
pub fn create(path: &Path, bytes: &[u8], readable: Readable) -> anyhow::Result<()> {
    create_by(path, readable, |mut file| {
        file.write_all(bytes).with_context(|| format!("cannot write {}", path.display()))
    })
}

/// The same for what `write` writes, piece by piece: it gets its name once it is whole.
///
/// # Errors
/// As [`create`], and those of `write`.
pub fn create_by<T>(
    path: &Path,
    readable: Readable,
    write: impl FnOnce(&File) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let file = temporary(path, readable)?;
    let written = write(file.as_file())?;
    file.as_file().sync_all().with_context(|| format!("cannot write {}", path.display()))?;
    match file.persist_noclobber(path) {
        Ok(file) => settle(&file, path).map(|()| written),
        Err(fault) if fault.error.kind() == ErrorKind::AlreadyExists => {
            bail!(
                "{} exists already and is not overwritten; choose another name or move it away",
                path.display()
            )
        }
        Err(fault) => Err(fault.error).with_context(|| format!("cannot write {}", path.display())),
    }
}

/// Replaces a file: readers see the old one or the new one, also after a power cut.
///
/// # Errors
/// The file cannot be written; what was there stays.
pub fn replace(path: &Path, bytes: &[u8], readable: Readable) -> anyhow::Result<()> {
    let written = || {
        let mut file = temporary(path, readable)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        Ok::<_, anyhow::Error>(file.persist(path).map_err(|fault| fault.error)?)
    };
    settle(&written().with_context(|| format!("cannot write {}", path.display()))?, path)
}

/// Gives a file that was written in full its name, for good once this returns. Both lie in one folder.
///
/// # Errors
/// The file cannot be flushed or renamed.
pub fn give_name(written: &Path, name: &Path) -> anyhow::Result<()> {
    let renamed = || {
        let file = File::open(written)?;
        file.sync_all()?;
        fs::rename(written, name)?;
        Ok::<_, std::io::Error>(file)
    };
    let file = renamed().with_context(|| format!("cannot write {}", name.display()))?;
    settle(&file, name)
}

/// `NAME.extension`, whatever dots `NAME` has.
pub fn with_extension(name: &Path, extension: &str) -> PathBuf {
    let mut path = name.as_os_str().to_owned();
    path.push(".");
    path.push(extension);
    path.into()
}

/// Changes to the files of one folder, one process at a time; others wait until this is dropped.
#[must_use = "the folder is free again once this is dropped"]
pub struct Lock {
    _folder: File,
}

/// Waits for the folder of `path` to be free and keeps it: whoever reads a file, changes what it says and
/// replaces it must do all three before the next one reads.
///
/// # Errors
/// The folder cannot be opened or locked.
pub fn lock_folder_of(path: &Path) -> anyhow::Result<Lock> {
    lock(folder_of(path))
}

/// The same for a folder itself. The folder carries the lock, for its files are replaced and not written to.
///
/// # Errors
/// It cannot be opened or locked.
pub fn lock(folder: &Path) -> anyhow::Result<Lock> {
    let locked = File::open(folder).and_then(|folder| folder.lock().map(|()| folder));
    let locked = locked.with_context(|| format!("cannot lock the folder {}", folder.display()))?;
    Ok(Lock { _folder: locked })
}

/// The same without waiting, for a process that keeps the folder as long as it runs.
///
/// # Errors
/// Another process has it; it cannot be opened or locked.
pub fn lock_now(folder: &Path) -> anyhow::Result<Lock> {
    let locked = File::open(folder).map_err(TryLockError::Error);
    match locked.and_then(|folder| folder.try_lock().map(|()| folder)) {
        Ok(folder) => Ok(Lock { _folder: folder }),
        Err(TryLockError::WouldBlock) => bail!(
            "another process works with the folder {}: stop that one, or name another folder",
            folder.display()
        ),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock the folder {}", folder.display()))
        }
    }
}

/// Makes a folder and those above it.
///
/// # Errors
/// It cannot be made.
pub fn folder(path: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(path).with_context(|| format!("cannot make the folder {}", path.display()))
}

fn temporary(path: &Path, readable: Readable) -> anyhow::Result<NamedTempFile> {
    let make = || {
        let file = NamedTempFile::new_in(folder_of(path))?;
        file.as_file().set_permissions(Permissions::from_mode(readable as u32))?;
        Ok::<_, std::io::Error>(file)
    };
    make().with_context(|| format!("cannot write {}", path.display()))
}

/// Makes the new name itself durable.
fn settle(file: &File, path: &Path) -> anyhow::Result<()> {
    let sync = || {
        file.sync_all()?;
        File::open(folder_of(path))?.sync_all()
    };
    sync().with_context(|| format!("cannot write {}", path.display()))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_text() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for (bytes, text) in [("\u{feff}a = 1\n", "a = 1\n"), ("a = 1\n", "a = 1\n"), ("\u{feff}", "")] {
            fs::write(&path, bytes).unwrap();
            assert_eq!(read_text(&path).unwrap(), text);
            assert_eq!(read_pem(&path).unwrap(), text.as_bytes());
            assert_eq!(read(&path).unwrap(), bytes.as_bytes(), "other files may begin with any bytes");
        }
    }

    #[test]
    fn what_exists_is_never_created_over_and_secrets_are_the_owners() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        create(&path, b"first", Readable::Owner).unwrap();
        assert!(
            create(&path, b"second", Readable::Owner).unwrap_err().to_string().contains("not overwritten")
        );
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        replace(&path, b"third", Readable::All).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"third");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file stays");
    }
}
