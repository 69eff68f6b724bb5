//! `hufu registry vault`: the keys that seal personal fields (R45).

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::{Args, Subcommand};
use hufu_files::moment;
use hufu_files::{self as files, Readable};
use hufu_office::{Config, stopped, with_registry};
use hufu_registry::Caller;
use hufu_registry::vault::KeyFile;
use hufu_wire::Suite;
use zeroize::Zeroizing;

use crate::outcome::Exit;
use crate::term::tell;

/// Change the keys that seal personal fields.
#[derive(Debug, Subcommand)]
pub(crate) enum VaultCommand {
    /// Make a new key, seal every holder's fields with it, and keep the old ones for opening. Stop the registry
    /// first: it knows the keys that it was started with. Registries on other machines that share a PostgreSQL database
    /// are not seen from here: stop them, too
    Rotate(RotateArgs),
    /// Leave out old keys once nothing is sealed with them any more. Stop the registry first; those on other machines that
    /// share a PostgreSQL database must have been started again with the newest key in front
    Retire(VaultArgs),
}

/// Which registry's.
#[derive(Debug, Args)]
pub(crate) struct VaultArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "registry.toml")]
    config: PathBuf,
}

/// Which registry's, and what with.
#[derive(Debug, Args)]
pub(crate) struct RotateArgs {
    #[command(flatten)]
    vault: VaultArgs,
    /// What the new key is for: AES-256-GCM or SM4-GCM [default: as the key before it]
    #[arg(long, value_parser = ["aes", "sm4"])]
    suite: Option<String>,
}

/// Runs `hufu registry vault`.
pub(super) fn run(command: &VaultCommand) -> anyhow::Result<Exit> {
    match command {
        VaultCommand::Rotate(args) => rotate(&args.vault.config, args.suite.as_deref()),
        VaultCommand::Retire(args) => retire(&args.config),
    }
}

fn rotate(config: &Path, suite: Option<&str>) -> anyhow::Result<Exit> {
    let config = Config::load(config)?;
    let path = &config.files.vault;
    let _lock = files::lock_folder_of(path)?;
    let _stopped = stopped(&config)?;
    let mut keys = read(path)?;
    let suite = suite.and_then(Suite::from_name).unwrap_or(keys.suite());
    keys.rotate(suite)?;
    // The key before its first use: fields sealed with a key that is lost are lost.
    files::replace(path, keys.to_text().as_bytes(), Readable::Owner)?;
    let count = reseal(&config, &keys)?;
    let newest = keys.ids()?.first().map(ToString::to_string).unwrap_or_default();
    tell!(
        { "vault": path, "key": newest, "suite": suite.name(), "sealed": count },
        "{}: key {newest} of {} seals from now on, {count} holders and appeals were sealed again\n\
         start the registry; back the file up; then `hufu registry vault retire` leaves out the old keys",
        path.display(),
        suite.name()
    );
    Ok(Exit::Yes)
}

fn retire(config: &Path) -> anyhow::Result<Exit> {
    let config = Config::load(config)?;
    let path = &config.files.vault;
    let _lock = files::lock_folder_of(path)?;
    let _stopped = stopped(&config)?;
    let mut keys = read(path)?;
    let before = keys.ids()?.len();
    ensure!(before > 1, "{} has one sealing key only", path.display());
    // Whatever was still sealed with an old key is not any more after this.
    let count = reseal(&config, &keys)?;
    keys.retire();
    files::replace(path, keys.to_text().as_bytes(), Readable::Owner)?;
    // Those of commands that were killed have the old keys.
    files::remove_leftovers(path)?;
    tell!(
        { "vault": path, "retired": before - 1, "sealed": count },
        "{}: {} old keys are left out; {count} holders and appeals were sealed again before",
        path.display(),
        before - 1
    );
    Ok(Exit::Yes)
}

fn reseal(config: &Config, keys: &KeyFile) -> anyhow::Result<u64> {
    with_registry(config, keys.vault()?, async |registry| {
        registry.rotate_vault(&Caller::operator(), moment::now()).await
    })
}

fn read(path: &Path) -> anyhow::Result<KeyFile> {
    let text = Zeroizing::new(files::read_text(path)?);
    KeyFile::read(&text).with_context(|| path.display().to_string())
}
