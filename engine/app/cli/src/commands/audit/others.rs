//! Whoever says something of a chain beside its sets: the registry's tip and head, a checkpoint, warm copies.

use std::path::PathBuf;

use anyhow::Context as _;
use hufu_codes::chain::{Authorities, open_checkpoint, open_head};
use hufu_codes::keyring::Keyring;
use hufu_sync::Snapshots as _;
use hufu_table::{Snapshot, SnapshotDigest};
use hufu_upstream::RegistrySnapshots;
use hufu_wire::Sequence;
use hufu_wire::chain::ChainDigest;

use super::recompute::Claim;
use super::report::{Difference, Finding};
use crate::ledger::{Ledger, Words};
use crate::remote::Remote;
use hufu_files::moment;

/// Somebody's words at one place of the chain.
pub(super) struct Table {
    pub(super) who: String,
    pub(super) sequence: Sequence,
    /// The digest that they name there.
    pub(super) digest: Option<ChainDigest>,
    pub(super) words: Words,
}

/// What there is to say of the newest checkpoint.
#[derive(Default)]
pub(super) struct CheckpointClaims {
    pub(super) tables: Vec<Table>,
    pub(super) claims: Vec<Claim>,
    pub(super) faults: Vec<Finding>,
}

/// What the registry itself says: where its chain ends, and the head that it hands to engines.
pub(super) fn registry(
    remote: &Remote,
    authorities: &Authorities,
    keyring: &Keyring,
) -> anyhow::Result<Vec<Claim>> {
    let issuer = authorities.issuer();
    let tip = remote.ask(|api| api.tip(issuer))?;
    let bytes = remote.ask(|api| api.head(issuer))?;
    let head = open_head(&bytes, authorities, keyring, hufu_signature::backend())?;
    let claim = |who: &str, sequence, digest| Claim { who: who.to_owned(), sequence, digest };
    Ok(vec![
        claim("registry's tip", Sequence(tip.sequence), tip.digest.to_string()),
        claim("registry's head", head.sequence, head.digest.to_string()),
    ])
}

/// The newest checkpoint and the snapshot that it names, out of the registry.
pub(super) fn checkpoint(
    remote: &Remote,
    authorities: &Authorities,
    keyring: &Keyring,
) -> anyhow::Result<CheckpointClaims> {
    let issuer = authorities.issuer();
    let mut found = CheckpointClaims::default();
    let Some(bytes) = remote.ask(|api| api.checkpoint(issuer))? else { return Ok(found) };
    let checkpoint = match open_checkpoint(&bytes, authorities, keyring, hufu_signature::backend()) {
        Ok(checkpoint) => checkpoint,
        Err(fault) => {
            let sequence = fault.sequence.unwrap_or(Sequence(0));
            found.faults.push(told("newest checkpoint", sequence, fault.to_string()));
            return Ok(found);
        }
    };
    let digest = checkpoint.digest.to_string();
    found.claims.push(Claim { who: "newest checkpoint".to_owned(), sequence: checkpoint.sequence, digest });
    let who = "newest checkpoint's snapshot";
    let folder = tempfile::tempdir().context("no folder for a snapshot")?;
    let (path, wanted) = (folder.path().join("snapshot"), SnapshotDigest(checkpoint.snapshot));
    let fetched =
        remote.with(|api| async { RegistrySnapshots::new(api.clone(), issuer).fetch(wanted, &path).await });
    if let Err(fault) = fetched {
        found.faults.push(told(who, checkpoint.sequence, fault.to_string()));
        return Ok(found);
    }
    match load(&path, wanted) {
        Ok(words) => found.tables.push(Table {
            who: who.to_owned(),
            sequence: checkpoint.sequence,
            digest: Some(checkpoint.digest),
            words,
        }),
        Err(fault) => found.faults.push(told(who, checkpoint.sequence, format!("{fault:#}"))),
    }
    Ok(found)
}

/// The warm copies of engines, each in its folder.
pub(super) fn warm_copies(folders: &[PathBuf], authorities: Authorities) -> anyhow::Result<Vec<Table>> {
    let mut tables = Vec::new();
    for folder in folders {
        let state = folder.join("warm.state");
        let snapshot = |digest: SnapshotDigest| folder.join(format!("{digest}.snapshot"));
        let ledger = Ledger::resume(authorities, &state, moment::now(), snapshot)
            .with_context(|| format!("{} holds no warm copy of this issuer", folder.display()))?;
        let tip = *ledger.tip();
        tables.push(Table {
            who: format!("warm copy in {}", folder.display()),
            sequence: tip.sequence,
            digest: Some(tip.digest),
            words: ledger.into_words(),
        });
    }
    Ok(tables)
}

fn load(path: &std::path::Path, wanted: SnapshotDigest) -> anyhow::Result<Words> {
    let snapshot = Snapshot::open(path)?;
    let found = snapshot.info().digest;
    anyhow::ensure!(found == wanted, "the registry's file has the digest {found}, not {wanted}");
    Words::of_snapshot(&snapshot)
}

fn told(who: &str, sequence: Sequence, what: String) -> Finding {
    Finding { who: who.to_owned(), sequence, difference: Some(Difference::Told(what)) }
}
