//! Entries of foreign status lists (R64). A device names one when it has verified the credential that does. Nothing of it
//! is verified here, so it is good for public lists alone: never for another issuer's holders, whatever the table has of them.

use hufu_wire::IssuerId;

use super::{Age, StatusWord, UnixMillis};
use super::{Batch, Case, CodeKind, Facts, Gate, Keyring, Present, Reason, Reference, Shown, SitePolicy};

/// What such a text refers to, at a site that takes it. Where it does not, no one's colour is looked up.
#[cold]
pub(super) fn read<'p>(
    now: UnixMillis,
    index: usize,
    case: &mut Case<'_, '_>,
    gate: Gate,
    policy: &'p SitePolicy,
) -> Option<Present<'p>> {
    let Some(Reference { issuer, index: holder }) = case.code.and_then(Reference::read) else {
        case.settle(Reason::BadText);
        return None;
    };
    case.verdict.kind = Some(CodeKind::Reference);
    if !policy.accepts.contains(CodeKind::Reference) {
        case.settle(Reason::KindNotAccepted);
        return None;
    }
    let (shown, age, status) = (Shown::Reference, Age::Unknown, StatusWord::UNKNOWN);
    let facts = Facts { now: now.seconds(), shown, issuer, status, age };
    Some(Present { case: index, gate, policy, holder, step: None, facts })
}

/// Adds those of lists that are followed to those who have shown a code, and gives back the others: nothing of them is
/// known here. An issuer whose keys are in the trust list, revoked ones too, signs codes: a device that could name its holders
/// by number would learn colours that no one has shown it, most of all when its keys have just been revoked.
pub(super) fn join<'p>(
    cases: &mut [Case<'_, '_>],
    keyring: &Keyring,
    listed: &[IssuerId],
    present: &mut Batch<Present<'p>>,
    referred: Batch<Present<'p>>,
) -> Batch<Present<'p>> {
    let mut unlisted = Batch::new();
    for referred in referred {
        let issuer = referred.facts.issuer;
        if keyring.list().keys().iter().any(|(_, key)| key.issuer == issuer) {
            cases[referred.case].settle(Reason::IssuerNotRecognised);
        } else if listed.contains(&issuer) {
            present.push(referred);
        } else {
            unlisted.push(referred);
        }
    }
    unlisted
}
