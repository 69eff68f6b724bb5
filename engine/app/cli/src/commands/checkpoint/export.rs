//! `hufu checkpoint export`: a chain in a folder, for engines without a line to the registry.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;
use hufu_files::unavailable;
use hufu_follow::Bundle;
use hufu_sync::Snapshots as _;
use hufu_table::SnapshotDigest;
use hufu_upstream::RegistrySnapshots;
use hufu_wire::chain::Checkpoint;
use hufu_wire::{IssuerId, Sequence, read};

use crate::outcome::Exit;
use crate::remote::RegistryArgs;
use crate::term::tell;

/// Fill a folder.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    registry: RegistryArgs,
    /// Whose chain
    #[arg(long, value_name = "ID")]
    issuer: u32,
    /// The folder, of this issuer alone; what is in it stays
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Sets from this one on, in place of a checkpoint and the sets after it
    #[arg(long, value_name = "SEQUENCE")]
    from: Option<u64>,
}

/// Runs `hufu checkpoint export`.
pub(super) fn run(args: &ExportArgs) -> anyhow::Result<Exit> {
    let issuer = IssuerId(args.issuer);
    let remote = args.registry.connect()?;
    // Before the sets: what it names is fetched then.
    let head = remote.ask(|api| api.head(issuer))?;
    let bundle = Bundle::open(&args.out)?;
    let mut after = Sequence(args.from.unwrap_or(1).saturating_sub(1));
    if args.from.is_none()
        && let Some(bytes) = remote.ask(|api| api.checkpoint(issuer))?
    {
        let checkpoint: Checkpoint = read(&bytes).context("the registry's answer is not a checkpoint")?;
        let digest = SnapshotDigest(checkpoint.snapshot);
        let folder =
            tempfile::tempdir_in(&args.out).context("cannot make a temporary folder for the snapshot")?;
        let path = folder.path().join("fetched");
        let snapshots = remote.with(|api| async { RegistrySnapshots::new(api.clone(), issuer) });
        remote.with(|_| snapshots.fetch(digest, &path)).map_err(unavailable)?;
        let found = bundle.snapshot(&path)?;
        if found != digest {
            bail!("the registry's snapshot has the digest {found}, and the checkpoint names {digest}");
        }
        after = bundle.checkpoint(&bytes)?;
    }
    let first = after;
    remote.each_set(issuer, first, |_, set| {
        after = bundle.set(set)?;
        Ok(true)
    })?;
    bundle.head(&head)?;
    let sets = after.0 - first.0;
    tell!(
        { "folder": args.out, "issuer": issuer.0, "after": first.0, "to": after.0, "sets": sets },
        "{}: issuer {issuer}, {sets} sets after {first}, to {after}",
        args.out.display()
    );
    Ok(Exit::Yes)
}
