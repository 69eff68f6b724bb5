//! A publisher's head: proof of nothing but that its publisher said so.

use hufu_signature::{Backend, Job};
use hufu_wire::chain::Head;
use hufu_wire::{Message, read};

use super::HEAD;
use super::authorities::Authorities;
use super::fault::{ChainFault, ChainFaultKind};
use super::role::Role;
use crate::keyring::Keyring;
use crate::verified::Verified;

/// Reads and verifies a head of the chain that `authorities` sign.
///
/// # Errors
/// The first rule it breaks: encoding, issuer, key, signature.
pub fn open_head(
    bytes: &[u8],
    authorities: &Authorities,
    keyring: &Keyring,
    backend: &dyn Backend,
) -> Result<Verified<Head>, ChainFault> {
    open(bytes, authorities, keyring, backend)
        .map_err(|kind| ChainFault::of(authorities.issuer(), Head::NAME, bytes, kind))
}

fn open(
    bytes: &[u8],
    authorities: &Authorities,
    keyring: &Keyring,
    backend: &dyn Backend,
) -> Result<Verified<Head>, ChainFaultKind> {
    let head: Head = read(bytes)?;
    if head.issuer != authorities.issuer() {
        return Err(ChainFaultKind::AnotherIssuer { found: head.issuer });
    }
    let key = authorities.key(keyring, Role::Publisher, head.publisher_key, head.time)?;
    let message = [HEAD, &bytes[..Head::SIGNED_BYTES], &[], &[]];
    let mut genuine = [false];
    backend.verify(&[Job { key: &key.prepared, message, signature: &head.signature }], &mut genuine);
    match genuine {
        [true] => Ok(Verified::proved(head, key.issuer)),
        [false] => Err(ChainFaultKind::NotGenuine { role: Role::Publisher }),
    }
}
