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

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
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

/// Replaces a file: readers see the old one or the new one, also after a power cut. It stays its owner's where root
/// replaces it: a service goes on reading its own.
///
/// # Errors
/// The file cannot be written; what was there stays.
pub fn replace(path: &Path, bytes: &[u8], readable: Readable) -> anyhow::Result<()> {
    let written = || {
        let mut file = temporary(path, readable)?;
        if let Ok(before) = path.metadata()
            && before.uid() != file.as_file().metadata()?.uid()
        {
            match fchown(file.as_file(), Some(before.uid()), Some(before.gid())) {
                // Who is not root, and may replace the file, makes it theirs.
                Err(error) if error.kind() == ErrorKind::PermissionDenied => {}
                given => given?,
            }
        }
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        Ok::<_, anyhow::Error>(file.persist(path).map_err(|fault| fault.error)?)
    };
    settle(&written().with_context(|| format!("cannot write {}", path.display()))?, path)
}

/// Overwrites and removes what writers of `path` left beside it that were killed before it had its name. The caller has the
/// lock that all writers of `path` take: the file of one that still writes would be removed, too.
///
/// # Errors
/// One of them is still there, or was removed and not overwritten.
pub fn remove_leftovers(path: &Path) -> anyhow::Result<()> {
    let prefix = temporary_prefix(path);
    let is_leftover = |name: OsString| {
        let middle = name.as_encoded_bytes().strip_prefix(prefix.as_encoded_bytes());
        let random = middle.and_then(|middle| middle.strip_suffix(PARTIAL.as_bytes()));
        random.is_some_and(|random| {
            random.len() == RANDOM_CHARS && random.iter().all(u8::is_ascii_alphanumeric)
        })
    };
    let remove = || {
        for entry in fs::read_dir(folder_of(path))? {
            let entry = entry?;
            if !is_leftover(entry.file_name()) || !entry.file_type()?.is_file() {
                continue;
            }
            // Some file systems name a file by a second link: then this is the file that is used.
            let is_alone = entry.metadata()?.nlink() == 1;
            let overwritten = if is_alone {
                OpenOptions::new().write(true).open(entry.path()).and_then(|file| overwrite(&file))
            } else {
                Ok(())
            };
            fs::remove_file(entry.path())?;
            overwritten?;
        }
        Ok::<_, io::Error>(())
    };
    remove().with_context(|| format!("what was left beside {} could not be removed", path.display()))
}

/// Overwrites a file with zeros, so that nothing of it stays where the file system writes in place.
///
/// # Errors
/// Those of the disk.
pub fn overwrite(mut file: &File) -> io::Result<()> {
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(0);
    file.write_all(&vec![0; length])?;
    file.sync_all()
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

/// How the name of a temporary file ends, and how many random characters come before that.
const PARTIAL: &str = ".partial";
const RANDOM_CHARS: usize = 6;

/// How the names of the temporary files of `path` begin, so that [`remove_leftovers`] finds them.
fn temporary_prefix(path: &Path) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(path.file_name().unwrap_or_default());
    prefix.push(".");
    prefix
}

fn temporary(path: &Path, readable: Readable) -> anyhow::Result<NamedTempFile> {
    let make = || {
        let prefix = temporary_prefix(path);
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(PARTIAL).rand_bytes(RANDOM_CHARS);
        let file = builder.tempfile_in(folder_of(path))?;
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

    #[test]
    fn what_a_killed_writer_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let (_, left) = temporary(&path, Readable::Owner).unwrap().keep().unwrap();
        let others = ["secret", ".secret.key.Ab3xY9.partial", "secret.Ab3xY9.partial"];
        for name in others {
            fs::write(folder.path().join(name), b"another file").unwrap();
        }
        let second_link = folder.path().join(".secret.Ab3xY9.partial");
        fs::hard_link(&path, &second_link).unwrap();
        remove_leftovers(&path).unwrap();
        assert!(!left.exists() && !second_link.exists());
        assert_eq!(fs::read(&path).unwrap(), b"another file");
        assert!(others.iter().all(|name| folder.path().join(name).exists()));
    }
}
