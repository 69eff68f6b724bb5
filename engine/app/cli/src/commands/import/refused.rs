//! The lines that are not taken, each with its cause.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::term::note;

/// Counts refused lines, shows the first of them and writes all of them down.
pub(crate) struct Refused {
    count: u64,
    file: Option<(PathBuf, csv::Writer<File>)>,
}

/// How many are shown on standard error; the file has all of them.
const SHOWN_MAX: u64 = 20;

impl Refused {
    /// Nothing is refused yet; all that will be goes to `path` as CSV, if there is one.
    pub(crate) fn new(path: Option<&Path>) -> anyhow::Result<Refused> {
        let file = path.map(|path| -> anyhow::Result<_> {
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
