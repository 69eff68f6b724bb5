//! Backups of a registry's database file: written beside, verified, and only then given their name.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use hufu_codes::chain::Tip;
use hufu_codes::keyring::Keyring;
use hufu_files as files;
use hufu_registry::store::Store as _;
use hufu_registry::vault::Vault;
use hufu_registry::{Caller, Registry, Signers, TrailEnd};
use hufu_sqlite::SqliteStore;
use hufu_wire::IssuerId;

use crate::assemble::marked;
use crate::config::{Config, StoreUrl};
use crate::ends::{ChainEnds, Lost};
use crate::serving::stopped;

/// What a verified database file holds.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Where each chain ends.
    pub ends: Vec<(IssuerId, Tip)>,
    /// Where the trail ends.
    pub trail: TrailEnd,
    /// Chains that lack sets which this registry has had.
    pub lost: Vec<Lost>,
}

/// Writes the database as it is now into the new file `to`, while registries go on. It has its name once all of it was
/// verified and is on the disk; a run that is interrupted leaves no such file.
///
/// # Errors
/// The store is not SQLite, `to` is there already, or a file cannot be written; the database is damaged.
pub async fn back_up(config: &Config, vault: Vault, to: &Path) -> anyhow::Result<Verified> {
    let from = file_of(config)?;
    ensure!(from.is_file(), "{} is not there: nothing to back up", from.display());
    let _lock = files::lock_folder_of(to)?;
    ensure!(!to.exists(), "{} exists already and is not overwritten", to.display());
    copy(config, vault, &from, to).await
}

/// Makes the database out of a backup. Nothing is overwritten.
///
/// # Errors
/// The store is not SQLite, a registry serves, a database is there already, or a file cannot be written; the backup is
/// damaged or is a bare copy of a file whose log lies beside it.
pub async fn restore(config: &Config, vault: Vault, backup: &Path) -> anyhow::Result<Verified> {
    let to = file_of(config)?;
    for companion in hufu_sqlite::companions(backup) {
        ensure!(
            !companion.exists(),
            "{} lies beside the backup: it is a copy of a database in use and not a backup of `hufu registry backup`",
            companion.display()
        );
    }
    let _lock = files::lock_folder_of(&to)?;
    // One that runs goes on with files that were moved away: what it answers would be lost.
    let _stopped = stopped(config)?;
    for file in hufu_sqlite::companions(&to).iter().chain([&to]) {
        ensure!(
            !file.exists(),
            "{} exists already and is not overwritten: move it away first",
            file.display()
        );
    }
    copy(config, vault, backup, &to).await
}

/// Writes a database beside its name, which it gets once it was verified. The folder is locked, and the name is free.
async fn copy(config: &Config, vault: Vault, from: &Path, to: &Path) -> anyhow::Result<Verified> {
    let partial = files::with_extension(to, "partial");
    remove(&partial)?;
    hufu_sqlite::copy(from, &partial).await.map_err(marked)?;
    let verified = verify(config, vault, &partial).await?;
    files::give_name(&partial, to)?;
    Ok(verified)
}

/// The database file.
fn file_of(config: &Config) -> anyhow::Result<PathBuf> {
    match StoreUrl::read(config.store.url.get_ref()).context("[store] names no database")? {
        StoreUrl::Sqlite(file) => Ok(file),
        StoreUrl::Postgres(_) => bail!(
            "the store is PostgreSQL, which has tools of its own: pg_dump and pg_restore, or a base backup with its WAL \
             (docs/OPERATIONS.md, Backups)"
        ),
    }
}

/// Every page, every chain, every line of the trail.
async fn verify(config: &Config, vault: Vault, file: &Path) -> anyhow::Result<Verified> {
    hufu_sqlite::check(file).await.map_err(marked)?;
    let store = Arc::new(SqliteStore::open(file).await.map_err(marked)?);
    let registry =
        Registry::new(Arc::clone(&store) as _, vault, Signers::default(), Arc::new(Keyring::empty()));
    let looked = look(config, &registry).await;
    store.close().await;
    looked
}

async fn look(config: &Config, registry: &Registry) -> anyhow::Result<Verified> {
    let caller = Caller::operator();
    let ends = registry.check_chains(&caller).await.map_err(marked)?;
    let trail = registry.check_trail(&caller).await.map_err(marked)?;
    let trail = trail.map_err(anyhow::Error::new)?.end();
    let lost = ChainEnds::load(&config.chain_ends())?.lost(registry).await.map_err(marked)?;
    Ok(Verified { ends, trail, lost })
}

/// Removes what an interrupted run left.
fn remove(partial: &Path) -> anyhow::Result<()> {
    for file in hufu_sqlite::companions(partial).iter().map(PathBuf::as_path).chain([partial]) {
        match fs::remove_file(file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot remove {}", file.display()));
            }
            _ => {}
        }
    }
    Ok(())
}
