//! A registry out of its configuration.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use hufu_codes::chain::AuthoritySigner;
use hufu_codes::issue::IssuerSigner;
use hufu_codes::keyring::Keyring;
use hufu_files as files;
use hufu_files::keys::{self, Owner, SecretKey};
use hufu_files::unavailable;
use hufu_registry::store::Store;
use hufu_registry::vault::Vault;
use hufu_registry::{Families, Fault, Registry, Signers};
use hufu_sqlite::SqliteStore;
use hufu_wire::RuleId;
use tokio::runtime::Builder;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::config::{Config, Files, StoreUrl};
use crate::ends::ChainEnds;
use crate::trust::Trust;

const NO_DATABASE: &str = "[store] names no database";
#[cfg(not(feature = "postgres"))]
const NO_POSTGRES: &str =
    "this hufu was built without PostgreSQL; build it with `--features postgres`, or use sqlite:FILE";

/// A registry, and what says whose keys it believes.
pub(crate) struct Assembled {
    pub(crate) registry: Arc<Registry>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) trust: Trust,
    pub(crate) ends: Arc<Mutex<ChainEnds>>,
}

/// The database of a registry that may be started.
#[derive(Clone, Debug)]
pub struct Looked {
    /// Which it is.
    pub store: String,
    /// How many migrations a start runs on it; `None` where it is not there or empty, and is made.
    pub migrations_due: Option<usize>,
}

/// What the files say that `config` names.
struct Parts {
    trust: Trust,
    vault: Vault,
    signers: Signers,
    families: Families,
}

impl Parts {
    fn read(config: &Config) -> anyhow::Result<Parts> {
        Ok(Parts {
            trust: Trust::load(&config.files.operator_key, &config.files.trust_list)?,
            vault: open_vault(&config.files.vault)?,
            signers: read_signers(&config.files)?,
            families: config.families.load()?,
        })
    }
}

/// Reads every file that `config` names and opens the store.
///
/// # Errors
/// The file that cannot be used, or the store that does not answer.
pub(crate) async fn assemble(config: &Config) -> anyhow::Result<Assembled> {
    join(config, Parts::read(config)?).await
}

/// Whether [`assemble`] would succeed. The database is neither made nor brought up to date: an older program may serve it.
///
/// # Errors
/// As [`assemble`].
pub(crate) async fn look(config: &Config) -> anyhow::Result<Looked> {
    let parts = Parts::read(config)?;
    let (store, migrations_due) = migrations_due(config).await?;
    if migrations_due == Some(0) {
        join(config, parts).await?.store.close().await;
        return Ok(Looked { store, migrations_due });
    }
    // How far the chains have come is looked at when the tables are those of this program.
    let ends = ChainEnds::load(&config.chain_ends())?;
    ensure!(
        migrations_due.is_some() || ends.is_empty(),
        "{store} is not there or empty, and this registry has had chains (noted in {}): restore a backup (`hufu registry \
         restore`)",
        config.chain_ends().display()
    );
    Ok(Looked { store, migrations_due })
}

async fn join(config: &Config, parts: Parts) -> anyhow::Result<Assembled> {
    let Parts { trust, vault, signers, families } = parts;
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
    match StoreUrl::read(config.store.url.get_ref()).context(NO_DATABASE)? {
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
    anyhow::bail!(NO_POSTGRES)
}

/// The database, and how many migrations [`open_store`] would run on it; `None` where it would make its tables.
///
/// # Errors
/// As [`open_store`].
async fn migrations_due(config: &Config) -> anyhow::Result<(String, Option<usize>)> {
    match StoreUrl::read(config.store.url.get_ref()).context(NO_DATABASE)? {
        StoreUrl::Sqlite(file) => {
            let due = SqliteStore::migrations_due(&file).await.map_err(marked)?;
            Ok((format!("sqlite {}", file.display()), due))
        }
        StoreUrl::Postgres(url) => postgres_migrations_due(&url).await,
    }
}

#[cfg(feature = "postgres")]
async fn postgres_migrations_due(url: &str) -> anyhow::Result<(String, Option<usize>)> {
    hufu_postgres::PostgresStore::migrations_due(url).await.map_err(marked)
}

#[cfg(not(feature = "postgres"))]
#[expect(clippy::unused_async, reason = "as with the feature")]
async fn postgres_migrations_due(_: &str) -> anyhow::Result<(String, Option<usize>)> {
    anyhow::bail!(NO_POSTGRES)
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
