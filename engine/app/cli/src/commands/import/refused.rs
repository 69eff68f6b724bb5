//! The lines that are not taken, each with its cause.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};

use crate::term::note;

/// Counts refused lines, shows the first of them and writes all of them down.
pub(crate) struct Refused {
    count: u64,
    file: Option<(PathBuf, csv::Writer<File>)>,
}

/// Refuses to write over the file that is read, whatever its other name is.
pub(crate) fn ensure_other(output: &Path, input: &Path) -> anyhow::Result<()> {
    let file = |path: &Path| fs::metadata(path).ok().map(|file| (file.dev(), file.ino()));
    ensure!(
        file(output).is_none() || file(output) != file(input),
        "{} is the file that is read; give another name for what is written",
        output.display()
    );
    Ok(())
}

/// How many are shown on standard error; the file has all of them.
const SHOWN_MAX: u64 = 20;

impl Refused {
    /// Nothing is refused yet; all that will be goes to `path` as CSV, if there is one. It may not be `input`.
    pub(crate) fn new(path: Option<&Path>, input: &Path) -> anyhow::Result<Refused> {
        let file = path.map(|path| -> anyhow::Result<_> {
            ensure_other(path, input)?;
            let mut file =
                csv::Writer::from_path(path).with_context(|| format!("cannot write {}", path.display()))?;
            file.write_record(["line", "cause"])?;
            Ok((path.to_owned(), file))
        });
        Ok(Refused { count: 0, file: file.transpose()? })
    }

    /// How many lines are refused.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Refuses a line.
    pub(crate) fn refuse(&mut self, line: u64, cause: &str) -> anyhow::Result<()> {
        self.count += 1;
        if self.count <= SHOWN_MAX {
            note!("line {line}: {cause}");
        }
        if let Some((path, file)) = &mut self.file {
            let written = file.write_record([line.to_string().as_str(), cause]);
            written.with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }

    /// Writes the last of them.
    pub(crate) fn finish(&mut self) -> anyhow::Result<()> {
        if let Some((path, file)) = &mut self.file {
            file.flush().with_context(|| format!("cannot write {}", path.display()))?;
        }
        if self.count > SHOWN_MAX {
            let rest = self.count - SHOWN_MAX;
            match &self.file {
                Some((path, _)) => note!("and {rest} more, in {}", path.display()),
                None => note!("and {rest} more; --refused FILE writes all of them to a file"),
            }
        }
        Ok(())
    }
}
