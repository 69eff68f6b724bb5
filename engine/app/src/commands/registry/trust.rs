//! The trust list of a running registry: read again when it changes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use hufu_codes::ed25519::PreparedKey;
use hufu_codes::keyring::Keyring;

use crate::commands::keys::trust;
use crate::moment;
use crate::secret::{Owner, PublicKey};

/// Whose keys count, and from which files that is known.
pub(super) struct Trust {
    operator: PathBuf,
    list: PathBuf,
    keyring: Arc<Keyring>,
    seen: [Option<Seen>; 2],
}

/// What a file looked like when it was read.
type Seen = (SystemTime, u64);

impl Trust {
    /// Reads the operator's key and the list.
    pub(super) fn load(operator: &Path, list: &Path) -> anyhow::Result<Trust> {
        let keyring = Arc::new(Keyring::empty());
        let mut trust =
            Trust { operator: operator.to_owned(), list: list.to_owned(), keyring, seen: [None, None] };
        trust.read()?;
        Ok(trust)
    }

    /// The keys of the newest list.
    pub(super) fn keyring(&self) -> Arc<Keyring> {
        Arc::clone(&self.keyring)
    }

    /// Reads the files again if they changed, or in any case; answers whether there is a newer list. What was
    /// believed stays believed when the new one cannot be used.
    ///
    /// # Errors
    /// The file that cannot be used.
    pub(super) fn renew(&mut self, in_any_case: bool) -> anyhow::Result<bool> {
        if !in_any_case && self.look() == self.seen {
            return Ok(false);
        }
        let version = self.keyring.version();
        self.read()?;
        Ok(self.keyring.version() != version)
    }

    fn read(&mut self) -> anyhow::Result<()> {
        // Before reading: what changes meanwhile is read again.
        self.seen = self.look();
        let operator = PreparedKey::new(&PublicKey::load(&self.operator, Owner::Operator)?.public)?;
        let list = trust::open(&self.list, &operator)?;
        self.keyring = Arc::new(self.keyring.update(&list, moment::now().seconds())?);
        Ok(())
    }

    fn look(&self) -> [Option<Seen>; 2] {
        [&self.operator, &self.list].map(|path| {
            let metadata = fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        })
    }
}
