//! What a disk does when it is asked, and what may go wrong with each thing.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use hufu_table::{Disk, DiskFile, Stamp};

use super::{Contents, Pending, SimDisk, SimFile, missing, put};

impl Disk for SimDisk {
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let number = {
            let mut state = self.state();
            state.look()?;
            state.names.get(path).copied()
        };
        number.map(|number| self.file(number)).ok_or_else(missing)
    }

    fn open_to_write(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let number = {
            let mut state = self.state();
            if let Some(number) = state.names.get(path) {
                *number
            } else {
                state.change()?;
                state.room()?;
                let number = state.new_file();
                state.files.insert(number, Contents::default());
                state.name(path, Some(number));
                number
            }
        };
        Ok(self.file(number))
    }

    fn create_beside(&self, path: &Path) -> io::Result<(Box<dyn DiskFile>, PathBuf)> {
        let beside = {
            let made = self.state().made;
            let name = path.file_name().ok_or(ErrorKind::InvalidFilename)?.to_string_lossy().into_owned();
            path.with_file_name(format!(".{name}.{made}.partial"))
        };
        Ok((self.open_to_write(&beside)?, beside))
    }

    fn stamp(&self, path: &Path) -> io::Result<Stamp> {
        let mut state = self.state();
        state.look()?;
        let number = *state.names.get(path).ok_or_else(missing)?;
        let bytes = state.files.get(&number).map_or(0, |contents| contents.seen.len() as u64);
        Ok(Stamp { bytes, modified: None, file: number as u64 })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        let number = *state.names.get(from).ok_or_else(missing)?;
        state.change()?;
        state.name(from, None);
        state.name(to, Some(number));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        if !state.names.contains_key(path) {
            return Err(missing());
        }
        state.change()?;
        state.name(path, None);
        Ok(())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        let mut state = self.state();
        state.look()?;
        let state = &*state;
        let inside = state.names.keys().chain(&state.folders).filter(|path| path.parent() == Some(folder));
        Ok(inside.cloned().collect())
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.state();
        if !state.folders.contains(folder) {
            state.change()?;
            state.folders.insert(folder.to_owned());
        }
        Ok(())
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.change()?;
        let inside: Vec<PathBuf> =
            state.names.keys().filter(|path| path.starts_with(folder)).cloned().collect();
        for path in inside {
            state.name(&path, None);
        }
        state.folders.retain(|path| !path.starts_with(folder));
        Ok(())
    }

    fn sync_folder(&self, _folder: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.change()?;
        state.renamed.clear();
        state.drop_unnamed();
        Ok(())
    }
}

impl DiskFile for SimFile {
    fn bytes(&self) -> io::Result<u64> {
        let state = self.disk.state();
        Ok(state.files.get(&self.number).map_or(0, |contents| contents.seen.len() as u64))
    }

    fn read_at(&self, out: &mut [u8], at: u64) -> io::Result<usize> {
        let mut state = self.disk.state();
        state.look()?;
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        let rest =
            state.files.get(&self.number).and_then(|contents| contents.seen.get(at..)).unwrap_or_default();
        let read = rest.len().min(out.len());
        out[..read].copy_from_slice(&rest[..read]);
        Ok(read)
    }

    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        let was_dead = state.is_dead;
        let changed = state.change();
        // Who dies while it writes has written a part.
        let bytes = match &changed {
            Ok(()) => bytes,
            Err(_) if !was_dead && state.is_dead => &bytes[..bytes.len() / 2],
            Err(_) => return changed,
        };
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        let grows =
            state.files.get(&self.number).is_some_and(|contents| at + bytes.len() > contents.seen.len());
        if grows {
            state.room()?;
        }
        let contents = state.files.entry(self.number).or_default();
        put(&mut contents.seen, at, bytes);
        contents.pending.push(Pending::Bytes(at, bytes.to_vec()));
        changed
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.change()?;
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        let contents = state.files.entry(self.number).or_default();
        contents.seen.resize(bytes, 0);
        contents.pending.push(Pending::Length(bytes));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        state.change()?;
        let contents = state.files.entry(self.number).or_default();
        for pending in contents.pending.drain(..) {
            match pending {
                Pending::Bytes(at, bytes) => put(&mut contents.durable, at, &bytes),
                Pending::Length(length) => contents.durable.resize(length, 0),
            }
        }
        Ok(())
    }
}
