//! How one record is shown, without its slip.

use hufu_check::Channel;
use hufu_files::moment;
use hufu_records::{Answer, Found, Seen};
use serde_json::{Value, json};

use crate::verdict::{colour_slug, decision_slug, kind_slug};

pub(super) fn row_json(Found { number, row, slip }: &Found) -> Value {
    let mut object = json!({
        "record": number,
        "time": moment::show(row.time().seconds()),
        "time_ms": row.time().0,
        "site": row.site.0,
        "device": row.device.0,
        "lane": row.lane.0,
        "channel": channel_slug(row.channel),
        "latency_us": row.latency_us,
        "reason": row.reason().to_string(),
        "slip": slip.is_some(),
    });
    let more = match &row.answer {
        Answer::Verdict(verdict) => json!({
            "check": verdict.number.0,
            "decision": decision_slug(verdict.decision),
            "kind": verdict.kind.map(kind_slug),
            "colour": verdict.colour.map(colour_slug),
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

pub(super) fn row_text(Found { number, row, .. }: &Found) -> String {
    let what = match &row.answer {
        Answer::Verdict(verdict) => format!("{}, {}", decision_slug(verdict.decision), verdict.reason),
        Answer::Roster(reply) => {
            format!("roster of {}: {} admitted, {}", reply.members, reply.admitted, reply.reason)
        }
    };
    format!(
        "{number}  {}  site {}  device {}  lane {}  {}",
        moment::show(row.time().seconds()),
        row.site,
        row.device,
        row.lane,
        what
    )
}

pub(super) fn seen_json(seen: &Seen) -> Value {
    json!({
        "time": moment::show(seen.time.seconds()),
        "site": seen.site.0,
        "decision": decision_slug(seen.decision),
        "reason": seen.reason.to_string(),
    })
}

pub(super) fn seen_text(seen: &Seen) -> String {
    let decision = decision_slug(seen.decision);
    format!("{}  site {}  {decision}, {}", moment::show(seen.time.seconds()), seen.site, seen.reason)
}

pub(super) const fn channel_slug(channel: Channel) -> &'static str {
    match channel {
        Channel::Sealed => "sealed",
        Channel::Connection => "connection",
        Channel::Roster => "roster",
    }
}
