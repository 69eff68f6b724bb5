//! The current trust list, for every following at once.

use std::fmt;
use std::sync::Arc;

use hufu_codes::keyring::Keyring;
use tokio::sync::watch;

/// Hands one keyring to all followings. When it changes, each of them asks its feed again: what was refused
/// under the old one may be believed now.
#[derive(Clone)]
pub struct Keys(Arc<watch::Sender<Arc<Keyring>>>);

impl Keys {
    /// Begins with this one.
    pub fn new(keyring: Arc<Keyring>) -> Keys {
        Keys(Arc::new(watch::Sender::new(keyring)))
    }

    /// From now on this one counts.
    pub fn change(&self, keyring: Arc<Keyring>) {
        self.0.send_replace(keyring);
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Arc<Keyring>> {
        self.0.subscribe()
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keys").field(&self.0.borrow().version()).finish()
    }
}
