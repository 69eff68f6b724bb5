//! The files of a package or of a layer, kept in memory: each with its owner and mode, always in the same order.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};
use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};

/// Paths without a leading `/`, and what is there.
#[derive(Default)]
pub(crate) struct Tree(BTreeMap<String, Entry>);

struct Entry {
    /// `None` for a folder.
    bytes: Option<Vec<u8>>,
    mode: u32,
    /// User and group.
    owner: u64,
}

impl Tree {
    /// Puts a file of root's there, and the folders above it.
    pub(crate) fn file(&mut self, path: &str, mode: u32, bytes: impl Into<Vec<u8>>) {
        self.put(path, Entry { bytes: Some(bytes.into()), mode, owner: 0 });
    }

    /// Puts a folder there, and those above it.
    pub(crate) fn folder(&mut self, path: &str, mode: u32, owner: u64) {
        self.put(path, Entry { bytes: None, mode, owner });
    }

    fn put(&mut self, path: &str, entry: Entry) {
        for (at, _) in path.match_indices('/') {
            let parent = || Entry { bytes: None, mode: 0o755, owner: 0 };
            self.0.entry(path[..at].to_owned()).or_insert_with(parent);
        }
        self.0.insert(path.to_owned(), entry);
    }

    /// The paths of files that begin with `prefix`.
    pub(crate) fn files(&self, prefix: &str) -> impl Iterator<Item = &str> {
        let files = self.0.iter().filter(|(_, entry)| entry.bytes.is_some());
        files.map(|(path, _)| path.as_str()).filter(move |path| path.starts_with(prefix))
    }

    /// What the files take, in KiB, as `Installed-Size` counts it.
    pub(crate) fn size_kib(&self) -> usize {
        self.0.values().map(|entry| entry.bytes.as_ref().map_or(1, |bytes| bytes.len().div_ceil(1024))).sum()
    }

    /// An archive in which every entry is of `epoch`, Unix seconds.
    pub(crate) fn tar(&self, epoch: u64) -> Result<Vec<u8>> {
        let mut archive = tar::Builder::new(Vec::new());
        for (path, entry) in &self.0 {
            let mut header = tar::Header::new_gnu();
            header.set_mode(entry.mode);
            header.set_uid(entry.owner);
            header.set_gid(entry.owner);
            header.set_mtime(epoch);
            let (kind, path, bytes) = match &entry.bytes {
                Some(bytes) => (tar::EntryType::Regular, path.clone(), bytes.as_slice()),
                None => (tar::EntryType::Directory, format!("{path}/"), &[][..]),
            };
            header.set_entry_type(kind);
            header.set_size(bytes.len() as u64);
            archive.append_data(&mut header, &path, bytes)?;
        }
        Ok(archive.into_inner()?)
    }

    /// Writes everything into `folder`, which is emptied first. Owners are left to who reads it: they are root's.
    pub(crate) fn write(&self, folder: &Path, epoch: u64) -> Result<()> {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(epoch);
        empty(folder)?;
        for (path, entry) in &self.0 {
            let path = folder.join(path);
            match &entry.bytes {
                Some(bytes) => fs::write(&path, bytes)?,
                None => fs::create_dir(&path)?,
            }
            fs::set_permissions(&path, Permissions::from_mode(entry.mode))?;
        }
        // What is in a folder first: writing into it would change its time.
        for path in self.0.keys().rev() {
            File::open(folder.join(path))?.set_modified(time)?;
        }
        File::open(folder)?.set_modified(time)?;
        Ok(())
    }
}

/// Makes `folder`, with nothing in it.
pub(crate) fn empty(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("{} cannot be emptied", folder.display()))?;
    }
    fs::create_dir_all(folder)?;
    Ok(fs::set_permissions(folder, Permissions::from_mode(0o755))?)
}

/// `bytes` compressed, without a name and a time.
pub(crate) fn gzip(bytes: &[u8], level: Compression) -> Result<Vec<u8>> {
    let mut writer: GzEncoder<Vec<u8>> = GzBuilder::new().mtime(0).write(Vec::new(), level);
    writer.write_all(bytes)?;
    Ok(writer.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_work_does_not_show() {
        let files = [("usr/bin/hufu", "binary"), ("usr-x", "x"), ("etc/passwd", "root")];
        let tar = |order: &[usize]| {
            let mut tree = Tree::default();
            for &n in order {
                tree.file(files[n].0, 0o644, files[n].1);
            }
            tree.folder("var/lib/hufu", 0o700, 65532);
            tree.tar(1_795_883_865).unwrap()
        };
        let (archive, other) = (tar(&[0, 1, 2]), tar(&[2, 0, 1]));
        assert_eq!(archive, other);

        let mut archive = tar::Archive::new(archive.as_slice());
        let told = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            let header = entry.header();
            assert_eq!(header.mtime().unwrap(), 1_795_883_865);
            let owner = (header.uid().unwrap(), header.gid().unwrap());
            (entry.path().unwrap().display().to_string(), header.mode().unwrap(), owner)
        });
        let folder = |path: &str| (path.to_owned(), 0o755, (0, 0));
        let file = |path: &str| (path.to_owned(), 0o644, (0, 0));
        let state = ("var/lib/hufu/".to_owned(), 0o700, (65532, 65532));
        let expected = [
            folder("etc/"),
            file("etc/passwd"),
            folder("usr/"),
            file("usr-x"),
            folder("usr/bin/"),
            file("usr/bin/hufu"),
            folder("var/"),
            folder("var/lib/"),
            state,
        ];
        assert_eq!(told.collect::<Vec<_>>(), expected);
    }
}
