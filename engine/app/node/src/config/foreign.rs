//! `[foreign]`: certificates of other systems (docs/FOREIGN.md).

use std::path::{Path, PathBuf};

use hufu_files::settings::bare;
use serde::Deserialize;
#[cfg(test)]
use serde::Serialize;
use toml::Spanned;

/// Which certificates of other systems are verified.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(deny_unknown_fields)]
pub struct Foreign {
    /// The operator's list of the keys that sign them.
    pub signers: PathBuf,
    /// The operator's list of those that were revoked.
    pub revocations: Option<PathBuf>,
    /// Certificates remembered as verified.
    #[serde(default = "Foreign::entries")]
    pub seen_entries: Spanned<usize>,
}

impl Foreign {
    fn entries() -> Spanned<usize> {
        bare(65_536)
    }

    pub(super) fn make_relative_to(&mut self, folder: &Path) {
        self.signers = folder.join(&self.signers);
        self.revocations.iter_mut().for_each(|path| *path = folder.join(&*path));
    }

    /// The files.
    pub(crate) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        [&self.signers].into_iter().chain(&self.revocations)
    }
}
