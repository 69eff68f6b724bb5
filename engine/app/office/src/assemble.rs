//! A registry out of its configuration.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use hufu_codes::chain::AuthoritySigner;
use hufu_codes::issue::IssuerSigner;
use hufu_codes::keyring::Keyring;
use hufu_files as files;
use hufu_files::keys::{self, Owner, SecretKey};
use hufu_files::unavailable;
use hufu_registry::store::Store;
use hufu_registry::vault::Vault;
use hufu_registry::{Fault, Registry, Signers};
use hufu_sqlite::SqliteStore;
use hufu_wire::RuleId;
use tokio::runtime::Builder;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::config::{Config, Files, StoreUrl};
use crate::ends::ChainEnds;
use crate::trust::Trust;

/// A registry, and what says whose keys it believes.
pub(crate) struct Assembled {
    pub(crate) registry: Arc<Registry>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) trust: Trust,
    pub(crate) ends: Arc<Mutex<ChainEnds>>,
}

/// Reads every file that `config` names and opens the store.
///
/// # Errors
/// The file that cannot be used, or the store that does not answer.
pub(crate) async fn assemble(config: &Config) -> anyhow::Result<Assembled> {
    let trust = Trust::load(&config.files.operator_key, &config.files.trust_list)?;
    let vault = open_vault(&config.files.vault)?;
    let signers = read_signers(&config.files)?;
    let families = config.families.load()?;
    let store = open_store(config).await?;
    let rules = config.rules.iter().map(|(rule, name)| (RuleId(rule.0), name.clone())).collect();
    let registry = Registry::new(Arc::clone(&store), vault, signers, trust.keyring())
        .with_rules(rules)
        .with_appeals_due(*config.appeals.due_s.get_ref())
        .with_families(families);
    registry.ready().await.map_err(marked)?;
    let ends = ChainEnds::load(&config.chain_ends())?;
    if let Err(old) = ends.check(&registry).await {
        store.close().await;
        return Err(old);
    }
    Ok(Assembled { registry: Arc::new(registry), store, trust, ends: Arc::new(Mutex::new(ends)) })
}

/// Opens the database, which is made or brought up to date if need be.
///
/// # Errors
/// The database does not answer, cannot be migrated, or is of a kind that was not built in.
async fn open_store(config: &Config) -> anyhow::Result<Arc<dyn Store>> {
    let url = config.store.url.get_ref();
    match StoreUrl::read(url).context("[store] names no database")? {
        StoreUrl::Sqlite(file) => {
            let store = SqliteStore::open(&file).await.map_err(marked);
            Ok(Arc::new(store.with_context(|| file.display().to_string())?))
        }
        StoreUrl::Postgres(url) => open_postgres(&url, *config.store.connections.get_ref()).await,
    }
}

#[cfg(feature = "postgres")]
async fn open_postgres(url: &str, connections: u32) -> anyhow::Result<Arc<dyn Store>> {
    Ok(Arc::new(hufu_postgres::PostgresStore::open(url, connections).await.map_err(marked)?))
}

#[cfg(not(feature = "postgres"))]
#[expect(clippy::unused_async, reason = "as with the feature")]
async fn open_postgres(_: &str, _: u32) -> anyhow::Result<Arc<dyn Store>> {
    anyhow::bail!(
        "this hufu was built without PostgreSQL; build it with `--features postgres`, or use sqlite:FILE"
    )
}

/// The keys that seal personal fields.
///
/// # Errors
/// The file cannot be read, holds no keys, or others can use it.
pub fn open_vault(path: &Path) -> anyhow::Result<Vault> {
    keys::ensure_private(path)?;
    let text = Zeroizing::new(files::read_text(path)?);
    Vault::open(&text).with_context(|| path.display().to_string())
}

/// Does `work` as a command on the registry's own machine, on its database and without its server: the registry that
/// `work` is given signs nothing and trusts no key. The store is closed afterwards in any case.
///
/// # Errors
/// The database cannot be opened, or what `work` says.
pub fn with_registry<T>(
    config: &Config,
    vault: Vault,
    work: impl AsyncFnOnce(&Registry) -> Result<T, Fault>,
) -> anyhow::Result<T> {
    let runtime = Builder::new_current_thread().enable_all().build().context("no runtime")?;
    runtime.block_on(async {
        let store = open_store(config).await?;
        let registry =
            Registry::new(Arc::clone(&store), vault, Signers::default(), Arc::new(Keyring::empty()));
        let done = work(&registry).await;
        store.close().await;
        done.map_err(marked)
    })
}

fn read_signers(files: &Files) -> anyhow::Result<Signers> {
    let issuers = |paths: &[PathBuf]| -> anyhow::Result<Vec<IssuerSigner>> {
        let signer = |path: &PathBuf| SecretKey::load(path, Owner::Issuer)?.issuer_signer();
        paths.iter().map(signer).collect()
    };
    let publisher = |path: &PathBuf| -> anyhow::Result<AuthoritySigner> {
        SecretKey::load(path, Owner::Issuer)?.authority_signer()
    };
    Ok(Signers {
        codes: issuers(&files.credential_keys)?,
        rosters: issuers(&files.roster_keys)?,
        publishers: files.publisher_keys.iter().map(publisher).collect::<Result<_, _>>()?,
    })
}

/// A fault of the registry as a command ends with it.
pub(crate) fn marked(fault: Fault) -> anyhow::Error {
    match fault {
        Fault::Unavailable(_) => unavailable(fault),
        fault => anyhow::Error::new(fault),
    }
}
