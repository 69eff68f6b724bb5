//! The national platform's second word for a change that sets very many holders back, as a registry checks it.

use hufu_signature::{Backend, Job};
use hufu_wire::chain::Release;
use hufu_wire::{Message, read};

use super::RELEASE;
use super::authorities::Authorities;
use super::fault::{ChainFault, ChainFaultKind};
use super::role::Role;
use crate::keyring::Keyring;
use crate::verified::Verified;

/// Reads and verifies a release for the chain that `authorities` sign.
///
/// # Errors
/// The first rule it breaks: encoding, issuer, key, signature.
pub fn open_release(
    bytes: &[u8],
    authorities: &Authorities,
    keyring: &Keyring,
    backend: &dyn Backend,
) -> Result<Verified<Release>, ChainFault> {
    open(bytes, authorities, keyring, backend).map_err(|kind| ChainFault {
        issuer: authorities.issuer(),
        message: Release::NAME,
        sequence: None,
        kind,
    })
}

fn open(
    bytes: &[u8],
    authorities: &Authorities,
    keyring: &Keyring,
    backend: &dyn Backend,
) -> Result<Verified<Release>, ChainFaultKind> {
    let release: Release = read(bytes)?;
    if release.issuer != authorities.issuer() {
        return Err(ChainFaultKind::AnotherIssuer { found: release.issuer });
    }
    let key = authorities.key(keyring, Role::National, release.national_key, release.made)?;
    let message = [RELEASE, &bytes[..Release::SIGNED_BYTES], &[], &[]];
    let mut genuine = [false];
    backend.verify(&[Job { key: &key.prepared, message, signature: &release.signature }], &mut genuine);
    match genuine {
        [true] => Ok(Verified::proved(release, key.issuer)),
        [false] => Err(ChainFaultKind::NotGenuine { role: Role::National }),
    }
}
