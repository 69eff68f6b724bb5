//! An audit's report, for a person and for a program.

use std::fmt::Write as _;

use hufu_authority::audit::{Difference, Finding, Report};
use hufu_registry::TrailEnd;
use serde_json::{Value, json};

use crate::status;
use crate::term::{Paint, printable};

/// For a person.
pub(super) fn to_text(report: &Report, trail: Option<TrailEnd>, paint: Paint) -> String {
    let Report { issuer, end, digest, changes, findings } = report;
    let mut text = format!("issuer {issuer}: {end} change sets, {changes} changes\ndigest {digest}\n");
    // Writing into a string does not fail.
    let _ = match trail {
        Some(end) => writeln!(text, "trail end {}:{}", end.number, end.digest),
        None => writeln!(text, "trail not recomputed to its end"),
    };
    for Finding { who, sequence, difference } in findings {
        let who = printable(who);
        let _ = match difference {
            None => writeln!(text, "{}  {who}, at {sequence}", paint.good("agrees")),
            Some(difference) => {
                writeln!(text, "{}  {who}, at {sequence}: {}", paint.bad("DIFFERS"), describe(difference))
            }
        };
    }
    text
}

/// For a program.
pub(super) fn to_json(report: &Report, trail: Option<TrailEnd>) -> Value {
    let finding = |Finding { who, sequence, difference }: &Finding| {
        let difference = difference.as_ref().map(difference_to_json);
        json!({ "who": who, "sequence": sequence.0, "agrees": difference.is_none(), "difference": difference })
    };
    json!({
        "issuer": report.issuer.0,
        "sequence": report.end.0,
        "digest": report.digest,
        "changes": report.changes,
        "trail_end": trail.map(|end| format!("{}:{}", end.number, end.digest)),
        "agrees": report.agrees(),
        "compared": report.findings.iter().map(finding).collect::<Vec<_>>(),
    })
}

fn describe(difference: &Difference) -> String {
    match difference {
        Difference::Word { holder, held, should } => format!(
            "holder {holder} is {} there and should be {}",
            status::describe(*held),
            status::describe(*should)
        ),
        Difference::Digest { held, should } => {
            format!("another history: digest {} there and should be {should}", printable(held))
        }
        Difference::Other(what) => printable(what),
    }
}

fn difference_to_json(difference: &Difference) -> Value {
    match difference {
        Difference::Word { holder, held, should } => json!({
            "holder": holder.0,
            "held": status::to_json(*held), "held_word": format!("{:016x}", held.to_bits()),
            "should": status::to_json(*should), "should_word": format!("{:016x}", should.to_bits()),
        }),
        Difference::Digest { held, should } => json!({ "held_digest": held, "should_digest": should }),
        Difference::Other(what) => json!({ "told": what }),
    }
}
