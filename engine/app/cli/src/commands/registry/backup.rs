//! `hufu registry backup`, `restore` and `accept-loss`.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use hufu_files::moment;
use hufu_office::{ChainEnds, Config, Verified, open_vault, with_registry};
use tokio::runtime::Builder;

use crate::ask;
use crate::outcome::Exit;
use crate::term::{note, say};

/// Write a backup.
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "registry.toml")]
    config: PathBuf,
    /// The new file
    #[arg(value_name = "BACKUP")]
    backup: PathBuf,
}

/// Make the database out of a backup.
#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "registry.toml")]
    config: PathBuf,
    /// The backup
    #[arg(value_name = "BACKUP")]
    backup: PathBuf,
}

/// Go on without lost sets.
#[derive(Debug, Args)]
pub(crate) struct AcceptLossArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "registry.toml")]
    config: PathBuf,
    /// Do it without asking
    #[arg(long)]
    yes: bool,
}

/// Runs `hufu registry backup`.
pub(super) fn back_up(args: &BackupArgs) -> anyhow::Result<Exit> {
    let config = Config::load(&args.config)?;
    let vault = open_vault(&config.files.vault)?;
    let runtime = Builder::new_current_thread().enable_all().build().context("no runtime")?;
    let verified = runtime.block_on(hufu_office::back_up(&config, vault, &args.backup))?;
    show(&args.backup, &verified);
    say!("the vault's keys and {} are not in it: back them up elsewhere", config.chain_ends().display());
    Ok(Exit::Yes)
}

/// Runs `hufu registry restore`.
pub(super) fn restore(args: &RestoreArgs) -> anyhow::Result<Exit> {
    let config = Config::load(&args.config)?;
    let vault = open_vault(&config.files.vault)?;
    let runtime = Builder::new_current_thread().enable_all().build().context("no runtime")?;
    let verified = runtime.block_on(hufu_office::restore(&config, vault, &args.backup))?;
    show(&args.backup, &verified);
    if verified.lost.is_empty() {
        say!("restored; next: hufu registry serve --config {}", args.config.display());
        return Ok(Exit::Yes);
    }
    for lost in &verified.lost {
        note!("{lost}");
    }
    note!(
        "restored, but the registry does not start on it: read docs/OPERATIONS.md, A registry restored from a backup, then run \
         `hufu registry accept-loss`"
    );
    Ok(Exit::Refer)
}

/// Runs `hufu registry accept-loss`.
pub(super) fn accept_loss(args: &AcceptLossArgs) -> anyhow::Result<Exit> {
    let config = Config::load(&args.config)?;
    let mut ends = ChainEnds::load(&config.chain_ends())?;
    let vault = open_vault(&config.files.vault)?;
    let lost = with_registry(&config, vault, async |registry| ends.lost(registry).await)?;
    if lost.is_empty() {
        say!("nothing is lost: the database has every set that this registry has had");
        return Ok(Exit::Yes);
    }
    for lost in &lost {
        note!("{lost}");
    }
    if !ask::sure("Go on without these sets? Colours that they gave are gone", args.yes)? {
        note!("nothing was changed");
        return Ok(Exit::No);
    }
    let vault = open_vault(&config.files.vault)?;
    let accepted =
        with_registry(&config, vault, async |registry| Ok(ends.accept(registry, moment::now()).await))?;
    accepted?;
    say!("accepted; next: hufu registry serve --config {}", args.config.display());
    Ok(Exit::Yes)
}

fn show(file: &Path, verified: &Verified) {
    for (issuer, tip) in &verified.ends {
        say!(
            "{}: the chain of issuer {issuer} ends with set {}, {}",
            file.display(),
            tip.sequence,
            tip.digest
        );
    }
    let trail = verified.trail;
    say!("{}: verified; the trail ends {}:{}", file.display(), trail.number, trail.digest);
}
