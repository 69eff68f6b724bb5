//! What is said of a chain beside its sets: the registry's tip and head, a checkpoint, engines, warm copies.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use hufu_codes::chain::{Authorities, open_checkpoint, open_head};
use hufu_files::moment;
use hufu_sync::Snapshots as _;
use hufu_table::{Snapshot, SnapshotDigest};
use hufu_upstream::RegistrySnapshots;
use hufu_wire::{IssuerId, Sequence};

use super::{Claim, Difference, Report, Table};
use crate::chain::Chain;
use crate::figures;
use crate::ledger::{Ledger, Words};

/// A page is not read at one instant: a set may come between its sequence and its digest.
const TRIES: usize = 5;

fn claim(who: impl Into<String>, sequence: Sequence, digest: &impl ToString) -> Claim {
    Claim { who: who.into(), sequence, digest: digest.to_string() }
}

/// Where engines say that they are, on their metrics pages.
pub(super) fn engines(engines: &[String], issuer: IssuerId) -> anyhow::Result<Vec<Claim>> {
    engines.iter().map(|engine| ask(engine, issuer).with_context(|| format!("engine {engine}"))).collect()
}

fn ask(engine: &str, issuer: IssuerId) -> anyhow::Result<Claim> {
    let ask = || {
        figures::followed(&figures::page(engine)?, issuer).with_context(|| {
            format!("its metrics page does not name issuer {issuer}: it does not follow this chain")
        })
    };
    let mut last = ask()?;
    for _ in 1..TRIES {
        let seen = ask()?;
        // Twice the same, with whatever came between: sequence and digest belong together.
        if last == seen {
            break;
        }
        last = seen;
    }
    Ok(claim(format!("engine {engine}"), last.0, &last.1))
}

/// What the registry itself says: where its chain ends, and the head that it hands to engines.
pub(super) fn registry(chain: &Chain<'_>) -> anyhow::Result<[Claim; 2]> {
    let tip = chain.remote.tip(chain.issuer())?;
    let bytes = chain.remote.ask(|api| api.head(chain.issuer()))?;
    let head = open_head(&bytes, &chain.authorities, chain.keyring, hufu_signature::backend())?;
    Ok([
        claim("registry's tip", tip.sequence, &tip.digest),
        claim("registry's head", head.sequence, &head.digest),
    ])
}

/// The newest checkpoint and the snapshot that it names, out of the registry.
pub(super) fn checkpoint(
    chain: &Chain<'_>,
    claims: &mut Vec<Claim>,
    tables: &mut Vec<Table>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let Some(bytes) = chain.remote.ask(|api| api.checkpoint(chain.issuer()))? else { return Ok(()) };
    let who = "newest checkpoint";
    let checkpoint =
        match open_checkpoint(&bytes, &chain.authorities, chain.keyring, hufu_signature::backend()) {
            Ok(checkpoint) => checkpoint,
            Err(fault) => {
                let sequence = fault.sequence.unwrap_or(Sequence(0));
                report.note(who, sequence, Some(Difference::Other(fault.to_string())));
                return Ok(());
            }
        };
    claims.push(claim(who, checkpoint.sequence, &checkpoint.digest));
    let claim = claim("newest checkpoint's snapshot", checkpoint.sequence, &checkpoint.digest);
    let folder = tempfile::tempdir().context("no folder for a snapshot")?;
    let path = folder.path().join("snapshot");
    match fetch(chain, SnapshotDigest(checkpoint.snapshot), &path) {
        Ok(words) => tables.push(Table { claim, words }),
        Err(fault) => report.note(claim.who, claim.sequence, Some(Difference::Other(format!("{fault:#}")))),
    }
    Ok(())
}

/// The words of a snapshot out of the registry.
fn fetch(chain: &Chain<'_>, wanted: SnapshotDigest, path: &Path) -> anyhow::Result<Words> {
    chain.remote.with(|api| async {
        RegistrySnapshots::new(api.clone(), chain.issuer()).fetch(wanted, path).await
    })?;
    let snapshot = Snapshot::open(path)?;
    let found = snapshot.info().digest;
    ensure!(found == wanted, "the registry's file has the digest {found}, not {wanted}");
    Words::of_snapshot(&snapshot)
}

/// The warm copies of engines, each in its folder.
pub(super) fn warm_copies(folders: &[PathBuf], authorities: Authorities) -> anyhow::Result<Vec<Table>> {
    let load = |folder: &PathBuf| {
        let state = folder.join("warm.state");
        let snapshot = |digest: SnapshotDigest| folder.join(format!("{digest}.snapshot"));
        let ledger = Ledger::resume(authorities, &state, moment::now(), snapshot)
            .with_context(|| format!("{} has no warm copy of this issuer", folder.display()))?;
        let claim =
            claim(format!("warm copy in {}", folder.display()), ledger.tip().sequence, &ledger.tip().digest);
        Ok(Table { claim, words: ledger.into_words() })
    };
    folders.iter().map(load).collect()
}
