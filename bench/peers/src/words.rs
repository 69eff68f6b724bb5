//! Decisions as a peer spells them in JSON.

use hufu_wire::Decision;

/// The word of a decision.
pub(crate) const fn of(decision: Decision) -> &'static str {
    match decision {
        Decision::Admit => "admit",
        Decision::Refer => "refer",
        Decision::Refuse => "refuse",
    }
}
