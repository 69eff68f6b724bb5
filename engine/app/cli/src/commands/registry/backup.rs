//! `hufu registry backup`, `restore` and `accept-loss`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use hufu_codes::chain::Tip;
use hufu_files::moment;
use hufu_office::{ChainEnds, Config, Verified, open_vault, with_registry};
use hufu_wire::IssuerId;
use serde_json::json;
use tokio::runtime::Builder;

use crate::ask;
use crate::outcome::Exit;
use crate::term::{self, note, tell};

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
    let ends = config.chain_ends();
    let last = format!("the vault's keys and {} are not in it: back them up elsewhere", ends.display());
    show(&args.backup, &verified, &last);
    Ok(Exit::Yes)
}

/// Runs `hufu registry restore`.
pub(super) fn restore(args: &RestoreArgs) -> anyhow::Result<Exit> {
    let config = Config::load(&args.config)?;
    let vault = open_vault(&config.files.vault)?;
    let runtime = Builder::new_current_thread().enable_all().build().context("no runtime")?;
    let verified = runtime.block_on(hufu_office::restore(&config, vault, &args.backup))?;
    let next = format!("restored; next: hufu registry serve --config {}", args.config.display());
    show(&args.backup, &verified, if verified.lost.is_empty() { &next } else { "" });
    if verified.lost.is_empty() {
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
        tell!({ "accepted": 0 }, "nothing is lost: the database has every set that this registry has had");
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
    tell!(
        { "accepted": lost.len() },
        "accepted; next: hufu registry serve --config {}",
        args.config.display()
    );
    Ok(Exit::Yes)
}

/// What was verified, and a `last` line for a person.
fn show(file: &Path, verified: &Verified, last: &str) {
    let trail = &verified.trail;
    let object = || {
        let end = |(issuer, tip): &(IssuerId, Tip)| json!({ "issuer": issuer.0, "sequence": tip.sequence.0, "digest": tip.digest.to_string() });
        json!({
            "backup": file, "chains": verified.ends.iter().map(end).collect::<Vec<_>>(),
            "trail_end": format!("{}:{}", trail.number, trail.digest),
            "lost": verified.lost.iter().map(ToString::to_string).collect::<Vec<_>>(),
        })
    };
    let text = || {
        let file = file.display();
        let mut text = String::new();
        for (issuer, tip) in &verified.ends {
            let (sequence, digest) = (tip.sequence, tip.digest);
            let _ = writeln!(text, "{file}: the chain of issuer {issuer} ends with set {sequence}, {digest}");
        }
        let _ = writeln!(text, "{file}: verified; the trail ends {}:{}", trail.number, trail.digest);
        text + last
    };
    term::outcome(object, text);
}
