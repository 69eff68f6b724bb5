use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::words::words;
use crate::{Colour, Hex, ProposalPhase};

words! {
    /// What a holder appeals against.
    #[derive(Hash)]
    pub enum AppealSubject {
        /// The colour that the holder has.
        Colour = "colour",
        /// One check at a gate.
        Check = "check",
    }
}

words! {
    /// How an appeal came in.
    #[derive(Hash)]
    pub enum AppealChannel {
        /// On the holder's page.
        Page = "page",
        /// By telephone: a clerk wrote it down.
        Hotline = "hotline",
    }
}

words! {
    /// How far an appeal has come.
    #[derive(Hash)]
    pub enum AppealPhase {
        /// It waits for a reviewer.
        Open = "open",
        /// A reviewer looks at it.
        InReview = "in-review",
        /// The appellant is right. The change that follows waits for both authorities.
        Accepted = "accepted",
        /// The appellant is right, and the change is in the chain.
        CarriedOut = "carried-out",
        /// The appellant is not right.
        Rejected = "rejected",
        /// The appellant took it back.
        Withdrawn = "withdrawn",
    }
}

impl AppealPhase {
    /// Whether a reviewer must still decide it.
    pub const fn is_undecided(self) -> bool {
        matches!(self, AppealPhase::Open | AppealPhase::InReview)
    }
}

words! {
    /// What a reviewer decides.
    pub enum AppealDecision {
        /// The appellant is right.
        Accept = "accept",
        /// The appellant is not right.
        Reject = "reject",
    }
}

/// An appeal's number within its issuer, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppealId(pub u64);

impl core::fmt::Display for AppealId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}

/// An appeal to hand in, as the appellant says it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"holder": 42, "against": "colour", "channel": "hotline", "words": "I was not there."}))]
pub struct NewAppeal {
    /// The holder who appeals.
    pub holder: u32,
    /// What against.
    pub against: AppealSubject,
    /// How it came in.
    pub channel: AppealChannel,
    /// What the appellant says, 1 to 2,000 characters. It is sealed in the store.
    #[schema(min_length = 1, max_length = 2000)]
    pub words: String,
    /// Which check, as the appellant names it: gate or site, time, number; 1 to 200 characters. Only against a check, and
    /// sealed too: it says where a person was. The registry has no records of checks and does not look for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200)]
    pub check: Option<String>,
}

/// Words for the appellant, beside a step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"words": "A colleague looks at it today."}))]
pub struct AppealWords {
    /// What the appellant reads, at most 1,000 characters, without a name or an id number.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schema(max_length = 1000)]
    pub words: String,
}

/// A reviewer's decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"decision": "accept", "words": "The contact was another person.", "proposal": 17}))]
pub struct DecideAppeal {
    /// What is decided.
    pub decision: AppealDecision,
    /// Why, for the appellant, 1 to 1,000 characters, without a name or an id number.
    #[schema(min_length = 1, max_length = 1000)]
    pub words: String,
    /// The proposal that gives the better colour; an accepted appeal against a colour names one, by number or by content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<u64>,
    /// The same by the digest of its content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, pattern = "^[0-9a-f]{64}$")]
    pub content_digest: Option<Hex<32>>,
}

/// A page of appeals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Appeals {
    /// By rising id. The next page begins after the last one's id; an empty page is the last.
    pub appeals: Vec<Appeal>,
}

/// An appeal, without what the appellant said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Appeal {
    /// Its id, given by the registry.
    pub id: u64,
    /// Whose holder.
    pub issuer: u32,
    /// The holder who appeals.
    pub holder: u32,
    /// What against.
    pub against: AppealSubject,
    /// How it came in.
    pub channel: AppealChannel,
    /// How far it has come.
    pub state: AppealPhase,
    /// The colour that the holder had then, if one was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colour: Option<Colour>,
    /// 1, or 2 when it appeals against the rejection of another.
    pub instance: u8,
    /// The appeal that was rejected in the first instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
    /// The proposal that gave the colour, when one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_by: Option<u64>,
    /// When it came in.
    pub opened_ms: u64,
    /// By when it is to be decided.
    pub due_ms: u64,
    /// Whether that time has passed without a decision.
    pub overdue: bool,
    /// When it was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_ms: Option<u64>,
    /// The label of the token that took it in.
    pub taken_by: String,
    /// The label of the token that reviews it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewer: Option<String>,
    /// The proposal that gives the better colour; of an accepted one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<u64>,
    /// What became of that proposal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal_state: Option<ProposalPhase>,
}

/// An appeal with what the appellant said and every step.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AppealTold {
    /// The appeal.
    pub appeal: Appeal,
    /// What the appellant said.
    pub words: String,
    /// Which check, as the appellant named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// Every step, in order; what the appellant sees.
    pub steps: Vec<AppealStep>,
}

/// One step of an appeal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AppealStep {
    /// Its number within the appeal, from 1.
    pub number: u32,
    /// When.
    pub at_ms: u64,
    /// The label of the token that did it.
    pub who: String,
    /// How far the appeal came by it.
    pub state: AppealPhase,
    /// Words for the appellant.
    pub words: String,
}

/// What became of an issuer's appeals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AppealFigures {
    /// Handed in within the time that was asked for.
    pub opened: u64,
    /// Decided within that time; what follows is of these.
    pub decided: u64,
    /// Accepted.
    pub accepted: u64,
    /// Accepted against a red: wrong reds found.
    pub wrong_reds: u64,
    /// Accepted against an amber.
    pub wrong_ambers: u64,
    /// Rejected.
    pub rejected: u64,
    /// Decided after they were due.
    pub late: u64,
    /// Not decided and due by now, whenever they were handed in.
    pub overdue: u64,
    /// Time to a decision, seconds: no longer for half of them. Absent when none was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision_p50_s: Option<u64>,
    /// The same for nine of ten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision_p90_s: Option<u64>,
    /// The longest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision_max_s: Option<u64>,
}

/// What a person says belongs in no log.
impl core::fmt::Debug for NewAppeal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("NewAppeal")
    }
}

impl core::fmt::Debug for AppealTold {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("AppealTold")
    }
}
