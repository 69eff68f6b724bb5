//! Appeals of holders against a colour or a check (R29).

use hufu_contract::{
    AppealChannel, AppealDecision, AppealId, AppealPhase, AppealSubject, ProposalId, ProposalPhase,
};
use hufu_wire::chain::ContentDigest;
use hufu_wire::text::is_hidden;
use hufu_wire::{Colour, HolderIndex, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::holder::Subject;

/// How long an appeal may wait for its decision unless the operator says otherwise, seconds: a day.
pub const APPEAL_DUE_S: u32 = 24 * 3600;

/// Longest that an appellant says, characters.
pub const APPEAL_CHARS_MAX: usize = 2000;
/// Longest reference to a check, characters.
pub const CHECK_CHARS_MAX: usize = 200;
/// Longest words for an appellant, characters.
pub const STEP_CHARS_MAX: usize = 1000;

/// An appeal to take in.
#[derive(Clone)]
pub struct AppealRequest {
    /// The holder who appeals.
    pub holder: HolderIndex,
    /// What against.
    pub against: AppealSubject,
    /// How it came in.
    pub channel: AppealChannel,
    /// What the appellant says.
    pub said: AppealSaid,
}

/// What an appellant says: personal, and sealed in the store.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppealSaid {
    /// Why.
    pub words: String,
    /// Which check, as the appellant names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
}

/// What a reviewer decides.
#[derive(Clone, Debug)]
pub struct AppealRuling {
    /// Whether the appellant is right.
    pub decision: AppealDecision,
    /// Why, for the appellant.
    pub words: String,
    /// The proposal that gives the better colour.
    pub proposal: Option<NamedProposal>,
}

/// A proposal by number or by content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedProposal {
    /// Its number.
    Number(ProposalId),
    /// The digest of its content.
    Content(ContentDigest),
}

/// An appeal as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appeal {
    /// Its number within its issuer.
    pub id: AppealId,
    /// The holder who appeals.
    pub holder: HolderIndex,
    /// What against.
    pub against: AppealSubject,
    /// A keyed digest of what it is against.
    pub subject: Subject,
    /// How it came in.
    pub channel: AppealChannel,
    /// How far it has come. That it is carried out is read from the proposal and never written.
    pub phase: AppealPhase,
    /// The colour that the holder had, if one was known.
    pub colour: Option<Colour>,
    /// The appeal that was rejected in the first instance, of one in the second.
    pub first: Option<AppealId>,
    /// The proposal that gave the colour.
    pub given_by: Option<ProposalId>,
    /// The label of the token that handed that proposal in; empty when it is not known.
    pub proposer: String,
    /// When it came in.
    pub opened: UnixMillis,
    /// By when it is to be decided.
    pub due: UnixMillis,
    /// When it was decided.
    pub decided: Option<UnixMillis>,
    /// The label of the token that took it in.
    pub taken_by: String,
    /// The label of the token that reviews it; empty before.
    pub reviewer: String,
    /// The proposal that gives the better colour.
    pub proposal: Option<ProposalId>,
    /// What became of that proposal.
    pub proposal_phase: Option<ProposalPhase>,
    /// What the appellant said, sealed.
    pub sealed: Vec<u8>,
}

/// One step of an appeal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppealStep {
    /// Its number within the appeal, from 1.
    pub number: u32,
    /// When.
    pub at: UnixMillis,
    /// The label of the token that did it.
    pub who: String,
    /// How far the appeal came by it.
    pub phase: AppealPhase,
    /// Words for the appellant.
    pub words: String,
}

/// An appeal with all that the appellant and the reviewer see of it.
#[derive(Clone)]
pub struct AppealTold {
    /// The appeal.
    pub appeal: Appeal,
    /// What the appellant said.
    pub said: AppealSaid,
    /// Every step.
    pub steps: Vec<AppealStep>,
}

/// What became of an issuer's appeals in a time. Durations are milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AppealFigures {
    /// Taken in within it.
    pub opened: u64,
    /// Decided within it; what follows is of these.
    pub decided: u64,
    /// Accepted.
    pub accepted: u64,
    /// Accepted against a red.
    pub wrong_reds: u64,
    /// Accepted against an amber.
    pub wrong_ambers: u64,
    /// Rejected.
    pub rejected: u64,
    /// Decided after they were due.
    pub late: u64,
    /// Undecided and due by now, whenever they came in.
    pub overdue: u64,
    /// Time to a decision: no longer for half of them (nearest rank).
    pub p50_ms: Option<u64>,
    /// The same for nine of ten.
    pub p90_ms: Option<u64>,
    /// The longest.
    pub max_ms: Option<u64>,
}

impl Appeal {
    /// Whether it waits for a decision and is due.
    pub fn is_overdue(&self, now: UnixMillis) -> bool {
        self.phase.is_undecided() && self.due <= now
    }

    /// 1, or 2 for one against a rejection.
    pub const fn instance(&self) -> u8 {
        if self.first.is_some() { 2 } else { 1 }
    }

    /// Whether something is still to become of it: a decision, or the change that was decided.
    pub fn is_active(&self) -> bool {
        let waits = self.proposal_phase.is_some_and(ProposalPhase::is_open);
        self.phase.is_undecided() || self.phase == AppealPhase::Accepted && waits
    }

    /// Whether the change that was decided will never be made: its proposal came to nothing.
    pub fn is_stranded(&self) -> bool {
        let open = self.proposal_phase.is_some_and(ProposalPhase::is_open);
        self.phase == AppealPhase::Accepted && self.proposal.is_some() && !open
    }
}

/// How much a colour keeps a person out; less is better.
pub(crate) const fn severity(colour: Option<Colour>) -> u8 {
    match colour {
        Some(Colour::Green) => 0,
        Some(Colour::Amber) => 1,
        None => 2,
        Some(Colour::Red) => 3,
    }
}

/// Whether `text` has at least `least` and at most `most` characters of what a person sees; lines may be broken.
///
/// # Errors
/// [`Fault::Invalid`] of `field`.
pub(crate) fn check_words(
    field: &'static str,
    text: &str,
    (least, most): (usize, usize),
) -> Result<(), Fault> {
    if text.contains(|char| is_hidden(char) && char != '\n') {
        return Err(Fault::invalid(field, "control characters, or others that are not seen: leave them out"));
    }
    let length = text.chars().count();
    if length < least || length > most || text.trim().is_empty() && least > 0 {
        return Err(Fault::invalid(field, format!("{least} to {most} characters")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_a_person_sees() {
        let check = |text: &str| check_words("words", text, (1, 9)).is_ok();
        assert!(check("I was not") && check("two\nlines") && check("我没有去那里过呢"));
        assert!(
            !check("") && !check("  \n ") && !check("ten of th.") && !check("\u{202e}abc") && !check("a\tb")
        );
        assert!(check_words("words", "", (0, 9)).is_ok());
    }
}
