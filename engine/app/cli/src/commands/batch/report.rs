//! A roster's verdicts as a table, JSON or CSV.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use comfy_table::{Table, presets};
use hufu_texts::Language;
use hufu_wire::{Colour, Decision, HolderIndex, IssuerId, MemberVerdict, Reason, RosterReply};
use serde_json::{Value, json};

use crate::people::{Named, no_formula};
use crate::term::{Paint, printable};
use crate::verdict::{age_ms, decision_slug};

/// What an engine said about a roster.
pub(super) struct Report<'a> {
    summary: RosterReply,
    members: Vec<((IssuerId, HolderIndex), &'a MemberVerdict)>,
    /// What is known of members, and of people who could be none.
    names: &'a [Named],
    by_holder: HashMap<(IssuerId, HolderIndex), &'a Named>,
    /// Of what a person at a door reads.
    pub(super) language: Language,
}

/// One person of a report.
pub(super) struct Row<'a> {
    /// What the list of names says.
    pub(super) named: Option<&'a Named>,
    member: Option<(IssuerId, HolderIndex)>,
    pub(super) decision: Decision,
    reason: &'static str,
    /// The reason in words.
    pub(super) says: Cow<'static, str>,
    colour: Option<&'static str>,
}

impl<'a> Row<'a> {
    /// The class, empty when the list has none.
    pub(super) fn group(&self) -> &'a str {
        self.named.map_or("", |named| &named.group)
    }

    /// The masked name, empty when no list has it.
    pub(super) fn display(&self) -> &'a str {
        self.named.map_or("", |named| &named.display)
    }

    /// Issuer and holder.
    pub(super) fn place(&self) -> [String; 2] {
        self.member.map(|(issuer, holder)| [issuer.to_string(), holder.to_string()]).unwrap_or_default()
    }
}

impl<'a> Report<'a> {
    /// Puts verdicts beside the members they are about; they come in the roster's order.
    pub(super) fn new(
        summary: RosterReply,
        names: &[(IssuerId, HolderIndex)],
        verdicts: &'a [MemberVerdict],
        known: &'a [Named],
        language: Language,
    ) -> Report<'a> {
        let members = names.iter().copied().zip(verdicts).collect();
        let by_holder = known.iter().filter_map(|named| Some((named.holder.ok()?, named))).collect();
        Report { summary, members, names: known, by_holder, language }
    }

    /// For a person: how many, why, and who needs a look.
    pub(super) fn to_text(&self, paint: Paint, rows_max: usize) -> String {
        let RosterReply { reason, members, admitted, referred, refused, .. } = self.summary;
        let mut text = String::new();
        if reason != Reason::Clear {
            let _ = writeln!(text, "{}  {reason}: {}", paint.bad("NOT CHECKED"), self.says(reason));
            return text;
        }
        let _ = writeln!(
            text,
            "{members} members: {}, {}, {}",
            paint.good(&format!("{admitted} may enter")),
            paint.look(&format!("{referred} need a look")),
            paint.bad(&format!("{refused} may not enter"))
        );
        if let unfound @ 1.. = self.unfound() {
            let people = format!("{unfound} people of the list are on no roster, and a person must look");
            let _ = writeln!(text, "{}", paint.look(&people));
        }
        let mut reasons = Table::new();
        reasons.load_style(presets::NOTHING).set_header(["members", "decision", "reason", "says"]);
        for ((decision, reason), count) in self.reasons() {
            reasons.add_row([
                count.to_string().as_str(),
                decision_slug(decision),
                reason.slug(),
                self.says(reason),
            ]);
        }
        let _ = writeln!(text, "{reasons}");

        let others: Vec<_> = self.rows().filter(|row| row.decision != Decision::Admit).collect();
        if others.is_empty() {
            return text;
        }
        let mut rows = Table::new();
        let with_names = !self.names.is_empty();
        let names: &[&str] = if with_names { &["line", "group", "name"] } else { &[] };
        rows.load_style(presets::NOTHING)
            .set_header(names.iter().chain(&["issuer", "holder", "decision", "reason", "colour"]));
        for row in others.iter().take(rows_max) {
            let line = row.named.map_or_else(String::new, |named| named.line.to_string());
            let [group, display] = [row.group(), row.display()].map(printable);
            let names = if with_names { vec![line, group, display] } else { Vec::new() };
            let [issuer, holder] = row.place();
            let rest =
                [&*issuer, &*holder, decision_slug(row.decision), row.reason, row.colour.unwrap_or("-")];
            rows.add_row(names.iter().map(String::as_str).chain(rest));
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
                let mut member = json!({
                    "issuer": issuer.0,
                    "holder": holder.0,
                    "decision": decision_slug(verdict.decision),
                    "reason": verdict.reason.slug(),
                    "colour": verdict.colour.map(Colour::slug),
                });
                if let Some(named) = self.by_holder.get(&(*issuer, *holder)) {
                    member["line"] = named.line.into();
                    member["group"] = (&*named.group).into();
                    member["display"] = (&*named.display).into();
                }
                member
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

    /// For a spreadsheet.
    ///
    /// # Errors
    /// It does not fit in memory.
    pub(super) fn to_csv(&self) -> anyhow::Result<Vec<u8>> {
        let mut file = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
        let names: &[&str] = if self.names.is_empty() { &[] } else { &["line", "group", "display"] };
        file.write_record(["issuer", "holder", "decision", "reason", "colour"].iter().chain(names))?;
        for row in self.rows() {
            let [issuer, holder] = row.place();
            let line = row.named.map_or_else(String::new, |named| named.line.to_string());
            let [group, display] = [row.group(), row.display()].map(no_formula);
            let first =
                [&*issuer, &*holder, decision_slug(row.decision), row.reason, row.colour.unwrap_or("")];
            let names = [&*line, &*group, &*display].into_iter().take(names.len());
            file.write_record(first.into_iter().chain(names))?;
        }
        Ok(file.into_inner()?)
    }

    /// Everybody: the members, then the people of the list who could be none.
    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'a>> {
        let members = self.members.iter().map(|(member, verdict)| Row {
            named: self.by_holder.get(member).copied(),
            member: Some(*member),
            decision: verdict.decision,
            reason: verdict.reason.slug(),
            says: self.says(verdict.reason).into(),
            colour: verdict.colour.map(Colour::slug),
        });
        let unfound = self.names.iter().filter_map(|named| {
            let unfound = named.holder.err()?;
            let (named, decision) = (Some(named), Decision::Refer);
            let (reason, says) = (unfound.slug(), unfound.says(self.language).into());
            Some(Row { named, member: None, decision, reason, says, colour: None })
        });
        members.chain(unfound)
    }

    fn says(&self, reason: Reason) -> &'static str {
        hufu_texts::reason(self.language, reason)
    }

    /// How many people of the list are on no roster.
    pub(super) fn unfound(&self) -> usize {
        self.names.iter().filter(|named| named.holder.is_err()).count()
    }

    /// What is said of the roster as a whole.
    pub(super) fn summary(&self) -> &RosterReply {
        &self.summary
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
