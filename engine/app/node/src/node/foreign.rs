//! Certificates of other systems: the operator's lists of signers and of revocations.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, ensure};
use hufu_check::Engine;
use hufu_files::moment;
use hufu_hc1::Verifier;
use hufu_hc1::lists::Dated;
use hufu_hc1::revoked::Revoked;
use hufu_hc1::signers::Signers;
use hufu_signature::PreparedKey;
use hufu_transport::{Exhibit, Family};

use super::state::State;
use crate::config::{Config, Foreign};

/// Gives an engine what verifies certificates, where its configuration says so.
pub(super) fn start(
    config: &Config,
    operator: &PreparedKey,
    state: &State,
    engine: &Engine,
) -> anyhow::Result<Option<Arc<Figures>>> {
    let Some(config) = &config.foreign else { return Ok(None) };
    let verifier = read(config, operator, state)?;
    engine.set_foreign(Some(Arc::<Verifier>::clone(&verifier)));
    Ok(Some(Arc::new(Figures(Mutex::new(verifier)))))
}

/// The lists in use, on the metrics page.
pub(super) struct Figures(Mutex<Arc<Verifier>>);

impl Figures {
    fn verifier(&self) -> MutexGuard<'_, Arc<Verifier>> {
        // Replaced whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Exhibit for Figures {
    fn families(&self) -> Vec<Family> {
        let verifier = Arc::clone(&self.verifier());
        let now = moment::now().seconds();
        let signers = verifier.signers();
        let lists: Vec<(&str, Dated, u64)> = [("signers", signers.dated, signers.listed().len() as u64)]
            .into_iter()
            .chain(verifier.revoked().map(|list| ("revocations", list.dated, list.len() as u64)))
            .collect();
        let label = |list: &str| vec![("list", list.to_owned())];
        let levels = |of: fn(&Dated, u64) -> u64| {
            lists.iter().map(move |(list, dated, entries)| (label(list), of(dated, *entries)))
        };
        let age = |(list, dated, _): &(&str, Dated, u64)| {
            (label(list), f64::from(now.0) - f64::from(dated.made_at.0))
        };
        vec![
            Family::levels(
                "foreign_list_serial",
                "The serial of a list for certificates from abroad",
                levels(|dated, _| dated.serial),
            ),
            Family::levels(
                "foreign_list_entries",
                "Signers, or revocations, on the list",
                levels(|_, entries| entries),
            ),
            Family::seconds(
                "foreign_list_age_seconds",
                "Time since the list was made",
                lists.iter().map(age),
            ),
        ]
    }
}

/// Reads both lists. Neither may be older than one that this engine has had, also before a restart.
fn read(config: &Foreign, operator: &PreparedKey, state: &State) -> anyhow::Result<Arc<Verifier>> {
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
        "{}: list {} of {name} is older than {before}, which this engine has had; put the newer one back, or, where it is lost, \
         make the list again with `hufu foreign` until its number is above {before}",
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
        if let Some(figures) = &self.foreign {
            *figures.verifier() = Arc::<Verifier>::clone(&verifier);
        }
        self.engine.set_foreign(Some(verifier));
        Ok(said)
    }
}

/// What was loaded, for the log.
fn summary(verifier: &Verifier) -> String {
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
        first.remember_keyring(&hufu_codes::keyring::Keyring::empty(), &key);
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
