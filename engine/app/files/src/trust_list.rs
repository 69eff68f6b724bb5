//! The operator's trust list as a file.

use std::path::Path;

use anyhow::Context as _;
use hufu_codes::keyring::{ListedKey, TrustList};
use hufu_signature::PreparedKey;
use hufu_wire::UnixSeconds;

/// Opens a list.
///
/// # Errors
/// When the file cannot be read, or is not a list that `operator` signed; the error names it.
pub fn open(path: &Path, operator: &PreparedKey) -> anyhow::Result<TrustList> {
    TrustList::open(&crate::read(path)?, operator)
        .with_context(|| format!("{} is not a trust list of this operator", path.display()))
}

/// What a key is at `now`.
pub fn state(key: &ListedKey, now: UnixSeconds) -> &'static str {
    if key.revoked {
        "revoked"
    } else if now < key.from {
        "published"
    } else if now > key.until {
        "over"
    } else {
        "in force"
    }
}
