//! `hufu checkpoint confirm`: the national platform's half.

use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use hufu_codes::chain::{Authorities, Role};
use hufu_codes::keyring::Keyring;
use hufu_table::SnapshotDigest;
use hufu_wire::chain::Checkpoint;
use hufu_wire::{IssuerId, UnixMillis, read};
use serde_json::json;

use super::CommonArgs;
use crate::follow_api::{each_set, learn_reset};
use crate::ledger::{LedgerFolder, ensure_not_beyond};
use crate::outcome::Exit;
use crate::term::{self, note, say};
use crate::{ask, instructed};
use hufu_files as files;
use hufu_files::moment;

/// Check, sign and hand in a checkpoint.
#[derive(Debug, Args)]
pub(crate) struct ConfirmArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// The checkpoint with the local signature
    #[arg(value_name = "FILE")]
    checkpoint: PathBuf,
}

/// Runs `hufu checkpoint confirm`.
pub(super) fn run(args: &ConfirmArgs) -> anyhow::Result<Exit> {
    let common = &args.common;
    let now = moment::now();
    let signer = common.key.open()?;
    let keyring = common.trust.load(now.seconds())?;
    let authorities = common.authorities(signer.key().issuer())?;
    let bytes = files::read(&args.checkpoint)?;
    let checkpoint: Checkpoint =
        read(&bytes).with_context(|| format!("{} is not a checkpoint", args.checkpoint.display()))?;
    ensure!(
        checkpoint.issuer == IssuerId(common.issuer),
        "it is a checkpoint of issuer {}, not of {}",
        checkpoint.issuer,
        common.issuer
    );
    check_local(&checkpoint, &bytes, &authorities, &keyring)?;
    ensure!(
        checkpoint.made <= UnixMillis(now.0 + hufu_wire::limits::CHAIN_SKEW_MS_MAX),
        "it was made in the future: one of two clocks is wrong"
    );

    let remote = common.registry.connect()?;
    let folder = LedgerFolder::open(&common.state, authorities)?;
    let mut ledger = folder.load(now)?;
    ensure_not_beyond(&ledger, checkpoint.sequence)?;
    common.clocks.tip(&remote, authorities.issuer())?;
    learn_reset(&remote, &mut ledger, &keyring)?;
    let after = ledger.tip().sequence;
    if after < checkpoint.sequence {
        each_set(&remote, authorities.issuer(), after, |sequence, set| {
            ledger.take(set, &keyring, moment::now())?;
            Ok(sequence < checkpoint.sequence)
        })?;
    }
    let tip = *ledger.tip();
    let wanted = checkpoint.sequence;
    ensure!(
        tip.sequence == wanted,
        "the registry's chain ends at {}, before the checkpoint's {wanted}",
        tip.sequence
    );
    let (path, info) = folder.store(&ledger)?;
    if (tip.digest, tip.proposed) != (checkpoint.digest, checkpoint.proposed) {
        bail!(
            "the checkpoint is of another history than the chain that was followed here: nothing was signed"
        );
    }
    if info.digest != SnapshotDigest(checkpoint.snapshot) {
        bail!(
            "the checkpoint names snapshot {}, and the words that were followed here make {}: nothing was signed",
            SnapshotDigest(checkpoint.snapshot),
            info.digest
        );
    }

    if !common.json {
        term::note_text(&instructed::describe_checkpoint(&checkpoint, info.holders, term::stderr()));
        note!("the chain was followed here to the same place, to the same words");
    }
    if !ask::sure("Vouch for this table?", common.yes)? {
        note!("nothing was signed");
        return Ok(Exit::No);
    }
    let signed = signer.sign(signer.key().vouch(&checkpoint)?)?;
    // The same file again where it is there already; where it is not, engines could not load what this names.
    remote.ask(|api| api.put_snapshot(authorities.issuer(), info.digest, &path))?;
    remote.ask(|api| api.put_checkpoint(authorities.issuer(), signed))?;
    if common.json {
        say!(
            "{:#}",
            json!({
                "issuer": common.issuer, "sequence": wanted.0, "digest": tip.digest.to_string(),
                "snapshot": info.digest.to_string(), "holders": info.holders,
            })
        );
    } else {
        say!("checkpoint at {wanted} of issuer {}: {} holders, signed by both", common.issuer, info.holders);
    }
    Ok(Exit::Yes)
}

/// Whether the local authority signed it: a signature under somebody else's words would be missing its other half.
fn check_local(
    checkpoint: &Checkpoint,
    bytes: &[u8],
    authorities: &Authorities,
    keyring: &Keyring,
) -> anyhow::Result<()> {
    let at = checkpoint.made.seconds();
    let key = keyring
        .key_for(checkpoint.local_key, Role::Local.uses(), at)
        .map_err(|reason| anyhow::anyhow!("the local key {}: {}", checkpoint.local_key, reason.says()))?;
    ensure!(
        key.issuer == authorities.issuer(),
        "the local key {} belongs to issuer {}",
        checkpoint.local_key,
        key.issuer
    );
    let signer = hufu_codes::chain::AuthorityKey::new(key.prepared.public(), key.issuer);
    let again = signer.vouch(checkpoint)?.sealed(&checkpoint.local_signature);
    ensure!(again.as_deref().ok() == Some(&bytes[..Checkpoint::BYTES]), "its local signature is not genuine");
    Ok(())
}
