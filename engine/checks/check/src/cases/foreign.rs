//! Certificates of other systems among the cases of a batch (R63).

use hufu_policy::{SitePolicy, evaluate_foreign};
use hufu_wire::{CodeKind, Decision, Reason, UnixMillis};

use super::{Batch, Case, Proof};
use crate::counters::Counters;
use crate::foreign::Foreign;
use crate::grounds::Rules;
use crate::passback::{Gate, PassBack, Windows};

/// A certificate that was shown at a site that has a policy.
pub(super) struct Abroad<'p, 'd, 'b> {
    pub(super) case: usize,
    pub(super) gate: Gate,
    pub(super) policy: &'p SitePolicy,
    pub(super) text: &'d [u8],
    /// Room for the beginning of its signature: it has no code of ours to decode.
    pub(super) room: &'b mut [u8; 32],
}

/// Verifies each certificate and applies its site's policy. What is admitted is claimed as a code of ours is.
pub(super) fn judge<'b>(
    now: UnixMillis,
    cases: &mut [Case<'_, 'b>],
    abroad: Batch<Abroad<'_, '_, 'b>>,
    foreign: &dyn Foreign,
    (rules, pass_back, counters): (&Rules, &PassBack, &Counters),
) {
    for Abroad { case, gate, policy, text, room } in abroad {
        let case = &mut cases[case];
        // No signature is verified for a site that takes none.
        if !policy.accepts.contains(CodeKind::Foreign) {
            case.settle(Reason::KindNotAccepted);
            continue;
        }
        let genuine = match foreign.verify(now.seconds(), text) {
            Ok(genuine) => genuine,
            Err(reason) => {
                case.settle(reason);
                continue;
            }
        };
        if genuine.remembered {
            counters.count_seen_again(1);
        } else {
            counters.count_seen_first(1);
        }
        *room = genuine.signature;
        case.proof = Proof::Code(room);
        let ruling = evaluate_foreign(policy, now.seconds(), &genuine.certificate);
        (case.verdict.decision, case.verdict.reason) = (ruling.decision(), ruling.reason());
        if ruling.decision() == Decision::Admit {
            let windows = Windows {
                here_s: rules.pass_back_s(policy, false),
                longest_s: rules.pass_back_s_max,
                repeated: case.repeated,
                by: policy.pass_back_by,
            };
            let claim = pass_back.claim_foreign(genuine.id, gate, now.seconds(), windows);
            case.claimed(claim, counters);
        }
    }
}
