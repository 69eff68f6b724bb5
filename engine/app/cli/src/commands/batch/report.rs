//! A roster's verdicts as a table, JSON or CSV.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use comfy_table::{Table, presets};
use hufu_wire::{Decision, HolderIndex, IssuerId, MemberVerdict, Reason, RosterReply};
use serde_json::{Value, json};

use crate::term::Paint;
use crate::verdict::{age_ms, colour_slug, decision_slug};

/// What an engine said about a roster.
pub(super) struct Report<'a> {
    summary: RosterReply,
    members: Vec<((IssuerId, HolderIndex), &'a MemberVerdict)>,
}

impl<'a> Report<'a> {
    /// Puts verdicts beside the members they are about; they come in the roster's order.
    pub(super) fn new(
        summary: RosterReply,
        names: &[(IssuerId, HolderIndex)],
        verdicts: &'a [MemberVerdict],
    ) -> Report<'a> {
        Report { summary, members: names.iter().copied().zip(verdicts).collect() }
    }

    /// For a person: how many, why, and who needs a look.
    pub(super) fn to_text(&self, paint: Paint, rows_max: usize) -> String {
        let RosterReply { reason, members, admitted, referred, refused, .. } = self.summary;
        let mut text = String::new();
        if reason != Reason::Clear {
            let _ = writeln!(text, "{}  {reason}: {}", paint.bad("NOT CHECKED"), reason.says());
            return text;
        }
        let _ = writeln!(
            text,
            "{members} members: {}, {}, {}",
            paint.good(&format!("{admitted} may enter")),
            paint.look(&format!("{referred} need a look")),
            paint.bad(&format!("{refused} may not enter"))
        );
        let mut reasons = Table::new();
        reasons.load_style(presets::NOTHING).set_header(["members", "decision", "reason", "says"]);
        for ((decision, reason), count) in self.reasons() {
            reasons.add_row([
                count.to_string().as_str(),
                decision_slug(decision),
                reason.slug(),
                reason.says(),
            ]);
        }
        let _ = writeln!(text, "{reasons}");

        let others: Vec<_> = self.others().collect();
        if others.is_empty() {
            return text;
        }
        let mut rows = Table::new();
        rows.load_style(presets::NOTHING).set_header(["issuer", "holder", "decision", "reason", "colour"]);
        for ((issuer, holder), verdict) in others.iter().take(rows_max) {
            rows.add_row([
                issuer.to_string().as_str(),
                &holder.to_string(),
                decision_slug(verdict.decision),
                verdict.reason.slug(),
                verdict.colour.map_or("-", colour_slug),
            ]);
        }
        let _ = writeln!(text, "\n{rows}");
        if let Some(more @ 1..) = others.len().checked_sub(rows_max) {
            let _ = writeln!(text, "and {more} more; --all lists them");
        }
        text
    }

    /// For a program.
    pub(super) fn to_json(&self) -> Value {
        let members: Vec<_> = self
            .members
            .iter()
            .map(|((issuer, holder), verdict)| {
                json!({
                    "issuer": issuer.0,
                    "holder": holder.0,
                    "decision": decision_slug(verdict.decision),
                    "reason": verdict.reason.slug(),
                    "colour": verdict.colour.map(colour_slug),
                })
            })
            .collect();
        json!({
            "reason": self.summary.reason.slug(),
            "server_time_ms": self.summary.server_time.0,
            "age_ms": age_ms(self.summary.age),
            "members": self.summary.members,
            "admitted": self.summary.admitted,
            "referred": self.summary.referred,
            "refused": self.summary.refused,
            "verdicts": members,
        })
    }

    /// For a spreadsheet. No field can hold a comma or a quote.
    pub(super) fn to_csv(&self) -> String {
        let mut text = "issuer,holder,decision,reason,colour\r\n".to_owned();
        for ((issuer, holder), verdict) in &self.members {
            let decision = decision_slug(verdict.decision);
            let colour = verdict.colour.map_or("", colour_slug);
            let _ = write!(text, "{issuer},{holder},{decision},{},{colour}\r\n", verdict.reason);
        }
        text
    }

    fn others(&self) -> impl Iterator<Item = &((IssuerId, HolderIndex), &'a MemberVerdict)> {
        self.members.iter().filter(|(_, verdict)| verdict.decision != Decision::Admit)
    }

    /// How many members got which answer, the gravest first.
    fn reasons(&self) -> Vec<((Decision, Reason), usize)> {
        let mut counts = BTreeMap::new();
        for (_, verdict) in &self.members {
            *counts.entry((verdict.decision, verdict.reason)).or_insert(0) += 1;
        }
        counts.into_iter().rev().collect()
    }
}
