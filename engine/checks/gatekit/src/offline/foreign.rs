//! Certificates of other systems at a gate without a network (docs/FOREIGN.md).

use std::sync::Arc;

use hufu_hc1::Verifier;

use super::{HUFU_NOT_TAKEN, HufuOffline, status, with};
use crate::slice;

/// Certificates that are remembered as verified, 128 bytes each.
const REMEMBERED: usize = 1 << 12;

/// From now on EU Digital COVID Certificates are verified by these lists, which the operator signed with `hufu foreign`: that
/// of signers, and that of revocations, which may be empty. Give them again at each start and when they change.
/// `HUFU_NOT_TAKEN` when they are not the operator's, are cut, or are older than lists that this gate has had; those in use
/// stay. Needs about 40 KiB of stack.
///
/// # Safety
/// `offline` is a gate or null; `signers` and `revocations` point to so many bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hufu_offline_foreign(
    offline: *mut HufuOffline,
    signers: *const u8,
    signers_length: usize,
    revocations: *const u8,
    revocations_length: usize,
) -> i32 {
    // SAFETY: as the caller says.
    status(unsafe {
        with(offline, |offline| {
            let (signers, revoked) =
                (slice(signers, signers_length)?, slice(revocations, revocations_length)?);
            let revoked = (!revoked.is_empty()).then_some(revoked);
            let verifier = match Verifier::open(signers, revoked, offline.keeper.operator(), REMEMBERED) {
                Ok(verifier) => verifier,
                Err(fault) => {
                    offline.says = format!("not taken: {fault}");
                    return Err(HUFU_NOT_TAKEN);
                }
            };
            let taken = offline.keeper.take_foreign(verifier.serials(), Arc::new(verifier));
            taken.map_err(|fault| offline.say(&fault))
        })
    })
}
