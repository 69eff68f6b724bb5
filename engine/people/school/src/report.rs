//! A roster's verdicts beside the people they are about.

use std::collections::HashMap;

use hufu_wire::{Colour, Decision, HolderIndex, IssuerId, MemberVerdict, Reason, RosterReply};

use crate::people::{Named, Unfound};

/// What an engine said about a roster.
pub struct Report<'a> {
    summary: RosterReply,
    members: Vec<(Member, &'a MemberVerdict)>,
    /// What is known of members, and of people who could be none.
    names: &'a [Named],
    /// Two lines of a list may be one holder: a document with its issuing state and without.
    by_holder: HashMap<Member, Vec<&'a Named>>,
}

/// A member of a roster.
pub type Member = (IssuerId, HolderIndex);

/// One person of a report.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    /// What the list of names says.
    pub named: Option<&'a Named>,
    /// Who it is, if the registry knows.
    pub member: Option<Member>,
    /// What to do.
    pub decision: Decision,
    /// Why.
    pub why: Why,
    /// The colour behind it.
    pub colour: Option<Colour>,
}

/// Why a row has its decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The engine's reason.
    Checked(Reason),
    /// The registry does not know the person, so that nothing was checked.
    Unfound(Unfound),
}

impl Why {
    /// For a program.
    pub fn slug(self) -> &'static str {
        match self {
            Why::Checked(reason) => reason.slug(),
            Why::Unfound(unfound) => unfound.slug(),
        }
    }
}

impl<'a> Row<'a> {
    /// The class, empty when the list has none.
    pub fn group(&self) -> &'a str {
        self.named.map_or("", |named| &named.group)
    }

    /// The masked name, empty when no list has it.
    pub fn display(&self) -> &'a str {
        self.named.map_or("", |named| &named.display)
    }

    /// Issuer and holder.
    pub fn place(&self) -> [String; 2] {
        self.member.map(|(issuer, holder)| [issuer.to_string(), holder.to_string()]).unwrap_or_default()
    }

    /// The line in the name list; those that no list names come last.
    fn line(&self) -> u64 {
        self.named.map_or(u64::MAX, |named| named.line)
    }
}

impl<'a> Report<'a> {
    /// Puts verdicts beside the members they are about; they come in the roster's order.
    pub fn new(
        summary: RosterReply,
        members: &[Member],
        verdicts: &'a [MemberVerdict],
        names: &'a [Named],
    ) -> Report<'a> {
        let members = members.iter().copied().zip(verdicts).collect();
        let mut by_holder: HashMap<Member, Vec<&Named>> = HashMap::new();
        for (member, named) in names.iter().filter_map(|named| Some((named.holder.ok()?, named))) {
            by_holder.entry(member).or_default().push(named);
        }
        Report { summary, members, names, by_holder }
    }

    /// What is said of the roster as a whole.
    pub fn summary(&self) -> &RosterReply {
        &self.summary
    }

    /// Whether a list of names goes with it.
    pub fn has_names(&self) -> bool {
        !self.names.is_empty()
    }

    /// How many people of the list are on no roster.
    pub fn unfound(&self) -> usize {
        self.names.iter().filter(|named| named.holder.is_err()).count()
    }

    /// Members and verdicts, in the roster's order, with the first name of each.
    pub fn members(&self) -> impl Iterator<Item = (Member, &'a MemberVerdict, Option<&'a Named>)> {
        self.members.iter().map(|(member, verdict)| {
            (*member, *verdict, self.by_holder.get(member).and_then(|named| named.first().copied()))
        })
    }

    /// Everybody: the members, then the people of the list who could be none.
    pub fn rows(&self) -> impl Iterator<Item = Row<'a>> {
        let members = self.members.iter().flat_map(|(member, verdict)| {
            let row = |named| Row {
                named,
                member: Some(*member),
                decision: verdict.decision,
                why: Why::Checked(verdict.reason),
                colour: verdict.colour,
            };
            match self.by_holder.get(member) {
                Some(named) => named.iter().map(|named| row(Some(*named))).collect(),
                None => vec![row(None)],
            }
        });
        let unfound = self.names.iter().filter_map(|named| {
            let why = Why::Unfound(named.holder.err()?);
            Some(Row { named: Some(named), member: None, decision: Decision::Refer, why, colour: None })
        });
        members.chain(unfound)
    }

    /// Everybody by class, in the order of the name list: class 10 comes after class 9.
    pub fn groups(&self) -> Vec<(&'a str, Vec<Row<'a>>)> {
        let mut rows: Vec<_> = self.rows().collect();
        rows.sort_by_key(Row::line);
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut groups: Vec<(&str, Vec<Row<'_>>)> = Vec::new();
        for row in rows {
            let place = *places.entry(row.group()).or_insert(groups.len());
            if place == groups.len() {
                groups.push((row.group(), Vec::new()));
            }
            groups[place].1.push(row);
        }
        groups
    }
}

#[cfg(test)]
mod tests {
    use hufu_wire::{Age, UnixMillis};

    use super::*;

    #[test]
    fn two_lines_of_one_holder_both_have_its_verdict() {
        let holder = (IssuerId(1), HolderIndex(7));
        let named =
            |line| Named { line, group: String::new(), display: "a*1".to_owned(), holder: Ok(holder) };
        let verdict = MemberVerdict { reason: Reason::StatusRed, decision: Decision::Refuse, colour: None };
        let summary = RosterReply {
            server_time: UnixMillis(0),
            reason: Reason::Clear,
            age: Age::Unknown,
            members: 1,
            admitted: 0,
            referred: 0,
            refused: 1,
        };
        let names = [named(2), named(9)];
        let verdicts = [verdict];
        let report = Report::new(summary, &[holder], &verdicts, &names);
        let rows: Vec<_> = report.rows().map(|row| (row.line(), row.decision)).collect();
        assert_eq!(rows, [(2, Decision::Refuse), (9, Decision::Refuse)]);
    }
}
