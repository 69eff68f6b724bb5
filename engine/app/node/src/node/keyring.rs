//! The trust list on disk and the keyring in force.

use std::path::Path;

use anyhow::{Context as _, ensure};
use hufu_codes::keyring::{Keyring, TrustFault};
use hufu_files::trust_list;
use hufu_signature::PreparedKey;
use hufu_wire::UnixSeconds;

use super::state::{KeptKeyring, State};

/// The keyring to start with. A list older than the one this engine had before is passed over, not taken: the
/// engine goes on with what it remembers. Under a new operator's key it goes on with nothing but a successor.
pub(super) fn start(
    path: &Path,
    operator: &PreparedKey,
    state: &State,
    must_be_fresh: bool,
    now: UnixSeconds,
) -> anyhow::Result<Keyring> {
    let KeptKeyring { keyring: held, of_another_operator } = state.keyring(operator)?;
    let held = held.that_must_be_fresh(must_be_fresh);
    match update(&held, path, operator, state, now) {
        Err(error) if of_another_operator => Err(error).with_context(|| {
            format!(
                "the operator's key has changed, and version {} of the trust list needs a successor; `hufu keys \
                 trust hand-over` signs it",
                held.version()
            )
        }),
        Err(error) if rolls_back(&error) => {
            tracing::warn!("{error:#}; version {} stays in use", held.version());
            Ok(held)
        }
        other => other,
    }
}

/// The keyring of a list that has changed.
pub(super) fn update(
    held: &Keyring,
    path: &Path,
    operator: &PreparedKey,
    state: &State,
    now: UnixSeconds,
) -> anyhow::Result<Keyring> {
    let list = trust_list::open(path, operator)?;
    ensure!(
        !held.must_be_fresh() || list.next_by().is_some(),
        "{} does not say when the next list is due, and list_must_be_fresh is set; `hufu keys trust refresh` signs a \
         list that does",
        path.display()
    );
    let keyring = held.update(&list, now).with_context(|| format!("{} cannot be taken", path.display()))?;
    state.remember_keyring(&keyring, operator);
    Ok(keyring)
}

fn rolls_back(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref::<TrustFault>(), Some(TrustFault::Rollback { .. }))
}
