//! Records as JSON and CSV have them, without their slips.

use hufu_check::Channel;
use hufu_wire::{CodeKind, Colour, Decision};
use serde_json::{Value, json};

use crate::row::{Answer, Row};

/// The record of this number as a JSON object.
pub fn record_json(number: u64, row: &Row) -> Value {
    let mut object = json!({
        "record": number,
        "time_ms": row.time().0,
        "site": row.site.0,
        "device": row.device.0,
        "lane": row.lane.0,
        "channel": channel_slug(row.channel),
        "latency_us": row.latency_us,
        "reason": row.reason().slug(),
    });
    let more = match &row.answer {
        Answer::Verdict(verdict) => json!({
            "check": verdict.number.0,
            "decision": decision_slug(verdict.decision),
            "kind": verdict.kind.map(kind_slug),
            "colour": verdict.colour.map(Colour::slug),
            "as_of": verdict.as_of.0,
        }),
        Answer::Roster(reply) => json!({
            "members": reply.members, "admitted": reply.admitted, "referred": reply.referred,
            "refused": reply.refused,
        }),
    };
    if let (Value::Object(object), Value::Object(more)) = (&mut object, more) {
        object.extend(more);
    }
    object
}

/// How a request came.
pub const fn channel_slug(channel: Channel) -> &'static str {
    match channel {
        Channel::Sealed => "sealed",
        Channel::Connection => "connection",
        Channel::Roster => "roster",
    }
}

/// A decision.
pub const fn decision_slug(decision: Decision) -> &'static str {
    match decision {
        Decision::Admit => "admit",
        Decision::Refer => "refer",
        Decision::Refuse => "refuse",
    }
}

/// A kind of code.
pub const fn kind_slug(kind: CodeKind) -> &'static str {
    match kind {
        CodeKind::Phone => "phone",
        CodeKind::Paper => "paper",
        CodeKind::Trip => "trip",
        CodeKind::Family => "family",
        CodeKind::Foreign => "foreign",
    }
}
