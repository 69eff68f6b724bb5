//! The opened facts of what was proposed or confirmed: what an auditor is given to find every colour again.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use hufu_files::{self as files, Readable};
use hufu_rules::Facts;
use hufu_wire::chain::InputsDigest;

use super::Computed;

/// A folder with a file for each instruction, called by its inputs' digest: facts, one holder a line. It holds health data; only its
/// owner reads it.
#[derive(Clone, Debug)]
pub struct Archive {
    folder: PathBuf,
}

impl Archive {
    /// The archive in this folder, which is made.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn open(folder: &Path) -> anyhow::Result<Archive> {
        files::folder(folder)?;
        Ok(Archive { folder: folder.to_owned() })
    }

    /// Where the facts of these inputs are.
    pub fn path(&self, inputs: InputsDigest) -> PathBuf {
        self.folder.join(format!("{}.jsonl", hex::encode(inputs.0)))
    }

    /// Keeps the facts of a group, durably.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep(&self, inputs: InputsDigest, group: &[Computed]) -> anyhow::Result<()> {
        let mut lines = Vec::new();
        for one in group {
            serde_json::to_writer(&mut lines, &one.facts)?;
            lines.push(b'\n');
        }
        files::replace(&self.path(inputs), &lines, Readable::Owner)
    }

    /// The facts of these inputs by rising holder; `None` where there is no file.
    ///
    /// # Errors
    /// The file cannot be read; a line holds no facts, or they are in another order.
    pub fn read(&self, inputs: InputsDigest) -> anyhow::Result<Option<Vec<Facts>>> {
        let path = self.path(inputs);
        if !path.exists() {
            return Ok(None);
        }
        let text = files::read_text(&path)?;
        let mut all: Vec<Facts> = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let named = || format!("{} line {number}", path.display());
            let facts = Facts::read(line).with_context(named)?;
            ensure!(
                all.last().is_none_or(|last| last.holder < facts.holder),
                "{}: holders must rise",
                named()
            );
            all.push(facts);
        }
        Ok(Some(all))
    }
}
