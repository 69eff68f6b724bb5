//! Certificates of other systems: the operator's lists of signers and of revocations.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use hufu_hc1::Verifier;
use hufu_hc1::lists::Dated;
use hufu_hc1::revoked::Revoked;
use hufu_hc1::signers::Signers;
use hufu_signature::PreparedKey;

use super::state::State;
use crate::config::Foreign;

/// Reads both lists. Neither may be older than one that this engine has had, also before a restart.
pub(super) fn read(config: &Foreign, operator: &PreparedKey, state: &State) -> anyhow::Result<Arc<Verifier>> {
    let signers = opened(&config.signers, |bytes| Signers::open(bytes, operator))?;
    never_back(&config.signers, "foreign signers", signers.dated, state)?;
    let revoked = match &config.revocations {
        Some(path) => {
            let revoked = opened(path, |bytes| Revoked::open(bytes, operator))?;
            never_back(path, "foreign revocations", revoked.dated, state)?;
            Some(revoked)
        }
        None => None,
    };
    let verifier = Verifier::new(signers, revoked, *config.seen_entries.get_ref());
    Ok(Arc::new(verifier.context("the system gives no random bytes")?))
}

fn opened<T>(
    path: &Path,
    open: impl FnOnce(&[u8]) -> Result<T, hufu_hc1::lists::ListFault>,
) -> anyhow::Result<T> {
    open(&hufu_files::read(path)?).with_context(|| path.display().to_string())
}

fn never_back(path: &Path, name: &str, list: Dated, state: &State) -> anyhow::Result<()> {
    let before = state.remember_list(name, list.serial);
    ensure!(
        list.serial >= before,
        "{}: list {} of {name} is older than {before}, which this engine has had; put the newer one back",
        path.display(),
        list.serial
    );
    Ok(())
}

impl super::Held {
    /// Takes the lists as they are now. What was verified under those before is forgotten.
    pub(super) fn take_foreign(&mut self) -> anyhow::Result<String> {
        let Some(config) = &self.config.foreign else { return Ok(String::new()) };
        let verifier = read(config, &self.operator, &self.state)?;
        let said = summary(&verifier);
        self.engine.set_foreign(Some(verifier));
        Ok(said)
    }
}

/// What was loaded, for the log.
pub(super) fn summary(verifier: &Verifier) -> String {
    let (signers, revoked) = (verifier.signers(), verifier.revoked());
    let revoked = revoked.map_or_else(String::new, |list| {
        format!("; list {} of {} revocations", list.dated.serial, list.len())
    });
    format!("list {} of {} foreign signers is loaded{revoked}", signers.dated.serial, signers.listed().len())
}

#[cfg(test)]
mod tests {
    use hufu_codes::issue::OperatorSigner;
    use hufu_files::settings::bare;
    use hufu_wire::UnixSeconds;

    use super::*;

    #[test]
    fn r63_an_engine_never_goes_back_to_an_older_list_also_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let operator = OperatorSigner::from_seed(&[2; 32]);
        let key = PreparedKey::new(operator.public()).unwrap();
        let config = Foreign {
            signers: folder.path().join("signers"),
            revocations: Some(folder.path().join("revocations")),
            seen_entries: bare(1024),
        };
        let write = |signers, revoked, operator: &OperatorSigner| {
            let dated = |serial| Dated { serial, made_at: UnixSeconds(9) };
            std::fs::write(&config.signers, Signers::sign(dated(signers), &[], operator)).unwrap();
            let revoked = Revoked::sign(dated(revoked), Vec::new(), operator);
            std::fs::write(config.revocations.as_ref().unwrap(), revoked).unwrap();
        };
        let state = folder.path().join("state");
        let read = |state: &State| read(&config, &key, state).map(drop).map_err(|error| format!("{error:#}"));
        let first = State::open(&state).unwrap();
        write(2, 5, &operator);
        assert_eq!(read(&first), Ok(()));
        write(1, 5, &operator);
        let said = read(&first).unwrap_err();
        assert!(said.contains("signers: list 1 of foreign signers is older than 2"), "{said}");
        drop(first);
        let again = State::open(&state).unwrap();
        write(2, 4, &operator);
        let said = read(&again).unwrap_err();
        assert!(said.contains("list 4 of foreign revocations is older than 5"), "{said}");
        write(3, 5, &OperatorSigner::from_seed(&[9; 32]));
        let said = read(&again).unwrap_err();
        assert!(said.contains("not signed by this operator"), "{said}");
        write(3, 6, &operator);
        let whole = std::fs::read(&config.signers).unwrap();
        std::fs::write(&config.signers, &whole[..whole.len() - 1]).unwrap();
        let said = read(&again).unwrap_err();
        assert!(said.contains("signers: the list is cut or malformed"), "{said}");
        std::fs::write(&config.signers, whole).unwrap();
        assert_eq!(read(&again), Ok(()));
    }
}
