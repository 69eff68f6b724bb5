//! The trust list of a running registry.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hufu_codes::keyring::Keyring;
use hufu_files::keys::{Owner, PublicKey};
use hufu_files::moment;
use hufu_files::trust_list;
use hufu_signature::PreparedKey;

/// Whose keys count, and from which files that is known.
pub(crate) struct Trust {
    operator: PathBuf,
    list: PathBuf,
    keyring: Arc<Keyring>,
}

impl Trust {
    /// Reads the operator's key and the list.
    pub(crate) fn load(operator: &Path, list: &Path) -> anyhow::Result<Trust> {
        let keyring = Arc::new(Keyring::empty());
        let mut trust = Trust { operator: operator.to_owned(), list: list.to_owned(), keyring };
        trust.renew()?;
        Ok(trust)
    }

    /// The files that it is known from.
    pub(crate) fn files(&self) -> [&PathBuf; 2] {
        [&self.operator, &self.list]
    }

    /// The keys of the newest list.
    pub(crate) fn keyring(&self) -> Arc<Keyring> {
        Arc::clone(&self.keyring)
    }

    /// Reads the files again. What was believed stays believed when the new ones cannot be used.
    ///
    /// # Errors
    /// The file that cannot be used.
    pub(crate) fn renew(&mut self) -> anyhow::Result<()> {
        let operator = PreparedKey::new(&PublicKey::load(&self.operator, Owner::Operator)?.public)?;
        let list = trust_list::open(&self.list, &operator)?;
        self.keyring = Arc::new(self.keyring.update(&list, moment::now().seconds())?);
        Ok(())
    }
}
