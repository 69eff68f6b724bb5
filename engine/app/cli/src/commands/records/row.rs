//! How one record is shown, without its slip.

use hufu_files::moment;
use hufu_records::{Answer, Found, Seen, decision_slug, record_json};
use serde_json::{Value, json};

pub(super) fn row_json(Found { number, row, slip }: &Found) -> Value {
    let mut object = record_json(*number, row);
    object["time"] = moment::show(row.time().seconds()).into();
    object["slip"] = slip.is_some().into();
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
