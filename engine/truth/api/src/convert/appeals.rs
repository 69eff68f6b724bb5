//! Appeals as the API spells them.

use hufu_contract as types;
use hufu_registry::{Appeal, AppealFigures, AppealStep};
use hufu_wire::{IssuerId, UnixMillis};

use super::Convert;

/// An appeal of an issuer, as it is at a time.
impl Convert<types::Appeal> for (IssuerId, Appeal, UnixMillis) {
    fn convert(self) -> types::Appeal {
        let (issuer, appeal, now) = self;
        let (overdue, instance) = (appeal.is_overdue(now), appeal.instance());
        types::Appeal {
            id: appeal.id.0,
            issuer: issuer.0,
            holder: appeal.holder.0,
            against: appeal.against,
            channel: appeal.channel,
            state: appeal.phase,
            colour: appeal.colour.map(Convert::convert),
            instance,
            first: appeal.first.map(|first| first.0),
            given_by: appeal.given_by.map(|proposal| proposal.0),
            opened_ms: appeal.opened.0,
            due_ms: appeal.due.0,
            overdue,
            decided_ms: appeal.decided.map(|decided| decided.0),
            taken_by: appeal.taken_by,
            reviewer: Some(appeal.reviewer).filter(|label| !label.is_empty()),
            proposal: appeal.proposal.map(|proposal| proposal.0),
            proposal_state: appeal.proposal_phase,
        }
    }
}

impl Convert<types::AppealStep> for AppealStep {
    fn convert(self) -> types::AppealStep {
        let AppealStep { number, at, who, phase, words } = self;
        types::AppealStep { number, at_ms: at.0, who, state: phase, words }
    }
}

impl Convert<types::AppealFigures> for AppealFigures {
    fn convert(self) -> types::AppealFigures {
        let seconds = |ms: u64| ms.div_ceil(1000);
        types::AppealFigures {
            opened: self.opened,
            decided: self.decided,
            accepted: self.accepted,
            wrong_reds: self.wrong_reds,
            wrong_ambers: self.wrong_ambers,
            rejected: self.rejected,
            late: self.late,
            overdue: self.overdue,
            decision_p50_s: self.p50_ms.map(seconds),
            decision_p90_s: self.p90_ms.map(seconds),
            decision_max_s: self.max_ms.map(seconds),
        }
    }
}
