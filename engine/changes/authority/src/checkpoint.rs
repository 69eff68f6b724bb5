//! A checkpoint: both authorities vouch for a whole table, each after following the chain by itself.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use hufu_codes::chain::{AuthorityKey, Role};
use hufu_files::moment;
use hufu_table::{SnapshotDigest, SnapshotInfo};
use hufu_wire::chain::Checkpoint as Message;
use hufu_wire::{KeyId, Sequence, UnixMillis, limits, read};

use crate::chain::{Chain, Dated};
use crate::ledger::{Ledger, LedgerFolder};
use crate::signer::Signer;

/// A checkpoint that agrees with the chain that was followed here, and lacks this authority's signature.
pub struct Checkpoint {
    /// What is to be signed.
    pub message: Message,
    /// The snapshot that it names.
    pub snapshot: SnapshotInfo,
    /// Where the snapshot is.
    path: PathBuf,
    /// Kept from others until the checkpoint is handed in.
    _folder: LedgerFolder,
}

impl Checkpoint {
    /// The local authority's: follows the chain to its end in the folder `state`.
    ///
    /// # Errors
    /// Clocks differ, the chain cannot be followed, or it has no set.
    pub fn propose(
        chain: &Chain<'_>,
        state: &Path,
        local: &AuthorityKey,
        national_key: KeyId,
    ) -> anyhow::Result<Checkpoint> {
        let folder = LedgerFolder::open(state, chain.authorities)?;
        let mut ledger = folder.load(moment::now())?;
        chain.tip()?;
        chain.follow(&mut ledger, Dated::ByNow)?;
        let tip = *ledger.tip();
        ensure!(tip.sequence > Sequence(0), "the chain of issuer {} has no set yet", chain.issuer());
        let (path, snapshot) = folder.store(&ledger)?;
        let message = Message {
            issuer: chain.issuer(),
            sequence: tip.sequence,
            made: moment::now(),
            proposed: tip.proposed,
            local_key: local.id(),
            national_key,
            digest: tip.digest,
            snapshot: snapshot.digest.0,
            local_signature: [0; 64],
            national_signature: [0; 64],
        };
        Ok(Checkpoint { message, snapshot, path, _folder: folder })
    }

    /// The national platform's: the local authority's checkpoint in `bytes`, compared with the chain, which is followed
    /// to the same place in the folder `state`.
    ///
    /// # Errors
    /// The local authority did not sign it, clocks differ, or the chain that is followed here is another one.
    pub fn check(chain: &Chain<'_>, state: &Path, bytes: &[u8]) -> anyhow::Result<Checkpoint> {
        let now = moment::now();
        let message: Message = read(bytes).context("not a checkpoint")?;
        let found = message.issuer;
        ensure!(found == chain.issuer(), "a checkpoint of issuer {found}, not of {}", chain.issuer());
        check_local(chain, &message, bytes)?;
        ensure!(
            message.made <= UnixMillis(now.0 + limits::CHAIN_SKEW_MS_MAX),
            "the checkpoint was made in the future: one of two clocks is wrong"
        );

        let folder = LedgerFolder::open(state, chain.authorities)?;
        let mut ledger = folder.load(now)?;
        follow_to(chain, &mut ledger, message.sequence)?;
        let (path, snapshot) = folder.store(&ledger)?;
        let tip = ledger.tip();
        ensure!(
            (tip.digest, tip.proposed) == (message.digest, message.proposed),
            "the checkpoint is of another history than the chain that was followed here: nothing was signed"
        );
        let named = SnapshotDigest(message.snapshot);
        ensure!(
            snapshot.digest == named,
            "the checkpoint names snapshot {named}, and the words that were followed here make {}: nothing was signed",
            snapshot.digest
        );
        Ok(Checkpoint { message, snapshot, path, _folder: folder })
    }

    /// Signs it, and hands in the snapshot: a checkpoint that names a snapshot which nobody has leads nowhere. Returns
    /// the checkpoint's bytes.
    ///
    /// # Errors
    /// Those of [`Signer::sign`] and of [`Remote::ask`](crate::Remote::ask).
    pub fn sign(&self, chain: &Chain<'_>, signer: &dyn Signer) -> anyhow::Result<Vec<u8>> {
        let bytes = signer.sign(signer.key().vouch(&self.message)?)?;
        chain.remote.ask(|api| api.put_snapshot(chain.issuer(), self.snapshot.digest, &self.path))?;
        Ok(bytes)
    }
}

/// Follows the chain to exactly `wanted`.
fn follow_to(chain: &Chain<'_>, ledger: &mut Ledger, wanted: Sequence) -> anyhow::Result<()> {
    let held = ledger.tip().sequence;
    ensure!(
        held <= wanted,
        "the chain was followed here to {held} already, and this is for {wanted}: propose a newer checkpoint"
    );
    chain.tip()?;
    chain.learn_reset(ledger)?;
    if held < wanted {
        chain.remote.each_set(chain.issuer(), held, |sequence, set| {
            ledger.take(set, chain.keyring, moment::now())?;
            Ok(sequence < wanted)
        })?;
    }
    let end = ledger.tip().sequence;
    ensure!(end == wanted, "the registry's chain ends at {end}, before the checkpoint's {wanted}");
    Ok(())
}

/// Whether the local authority signed it: a signature under somebody else's words would be missing its other half.
fn check_local(chain: &Chain<'_>, checkpoint: &Message, bytes: &[u8]) -> anyhow::Result<()> {
    let id = checkpoint.local_key;
    let key = chain
        .keyring
        .key_for(id, Role::Local.uses(), checkpoint.made.seconds())
        .map_err(|reason| anyhow::anyhow!("the local key {id}: {reason}"))?;
    ensure!(key.issuer == chain.issuer(), "the local key {id} belongs to issuer {}", key.issuer);
    let unsigned = AuthorityKey::new(key.prepared.public(), key.issuer).vouch(checkpoint)?;
    let again = unsigned.sealed(&checkpoint.local_signature);
    ensure!(again.as_deref().ok() == Some(&bytes[..Message::BYTES]), "the local signature is not genuine");
    Ok(())
}
