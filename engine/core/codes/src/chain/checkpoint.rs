//! Both authorities' word for a whole table.

use hufu_signature::{Backend, Job};
use hufu_wire::chain::Checkpoint;
use hufu_wire::{Message, read};

use super::authorities::Authorities;
use super::fault::{ChainFault, ChainFaultKind};
use super::role::Role;
use super::set::{Confirmed, both_genuine};
use super::tip::Tip;
use super::{CHECKPOINT_CONFIRMATION, CHECKPOINT_INSTRUCTION};
use crate::keyring::Keyring;

/// Reads a checkpoint of the chain that `authorities` sign and verifies both signatures.
///
/// # Errors
/// The first rule it breaks: encoding, issuer, keys, signatures.
pub fn open_checkpoint(
    bytes: &[u8],
    authorities: &Authorities,
    keyring: &Keyring,
    backend: &dyn Backend,
) -> Result<Confirmed<Checkpoint>, ChainFault> {
    open(bytes, authorities, keyring, backend)
        .map_err(|kind| ChainFault::of(authorities.issuer(), Checkpoint::NAME, bytes, kind))
}

fn open(
    bytes: &[u8],
    authorities: &Authorities,
    keyring: &Keyring,
    backend: &dyn Backend,
) -> Result<Confirmed<Checkpoint>, ChainFaultKind> {
    let checkpoint: Checkpoint = read(bytes)?;
    if checkpoint.issuer != authorities.issuer() {
        return Err(ChainFaultKind::AnotherIssuer { found: checkpoint.issuer });
    }
    let local = authorities.key(keyring, Role::Local, checkpoint.local_key, checkpoint.made)?;
    let national = authorities.key(keyring, Role::National, checkpoint.national_key, checkpoint.made)?;
    let signed = &bytes[..Checkpoint::SIGNED_BYTES];
    let jobs = [
        Job {
            key: &local.prepared,
            message: [CHECKPOINT_INSTRUCTION, signed, &[], &[]],
            signature: &checkpoint.local_signature,
        },
        Job {
            key: &national.prepared,
            message: [CHECKPOINT_CONFIRMATION, signed, &[], &[]],
            signature: &checkpoint.national_signature,
        },
    ];
    both_genuine(&jobs, backend)?;
    let Checkpoint { sequence, digest, proposed, made, .. } = checkpoint;
    Ok(Confirmed::new(checkpoint, Tip { sequence, digest, proposed, confirmed: made }))
}
