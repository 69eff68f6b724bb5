//! People become holders, some thousands at once.

use std::collections::BTreeSet;

use anyhow::{Context as _, ensure};
use hufu_authority::{Remote, marked};
use hufu_contract::{LookUpHolders, NewHolder, NewHolders, RegisteredHolder, SoughtHolder};
use hufu_files::moment::Clock;
use hufu_sheets::Table;
use hufu_upstream::ApiFault;
use hufu_wire::{HolderIndex, IssuerId, StatusWord};

use super::Summary;
use super::columns::COLUMNS;
use super::refused::Refused;
use super::statuses::Statuses;
use super::survey::{Inspector, Taken};
use crate::kept::Kept;
use crate::people::{Named, NamesWriter};
use crate::progress::{told, watch};

/// Holders registered with one request.
const BATCH: usize = 4096;

/// Registers everybody whom a look at the file takes, and returns the statuses they are to have. Of ten million
/// people their places and words stay in memory, 160 MB, and of the others' names no more than one batch. A line whose id
/// number the registry knows with another name is refused; the others are registered.
pub(super) fn enrol(
    (table, clock): (&Table, &Clock),
    remote: &Remote,
    issuer: IssuerId,
    refused: &mut Refused,
    (summary, mut names): (&mut Summary, Option<&mut NamesWriter>),
) -> anyhow::Result<Statuses> {
    let mut inspector = Inspector::new(clock);
    let mut batch = Batch::default();
    let mut statuses = Statuses::default();
    table.each(&COLUMNS, &mut watch("registering"), |(line, fields)| {
        // What is refused was told when the file was looked at.
        let looked =
            |[person @ .., group]: [&str; COLUMNS.len()]| Ok((inspector.inspect(&person)?, group.to_owned()));
        if let Ok((taken, group)) = fields.map_err(told).and_then(looked) {
            batch.push((line, group), &taken);
        }
        if batch.holders.len() == BATCH {
            batch.send(remote, issuer, refused, &mut statuses, (summary, names.as_deref_mut()))?;
        }
        Ok(())
    })?;
    batch.send(remote, issuer, refused, &mut statuses, (summary, names))?;
    statuses.sort()?;
    Ok(statuses)
}

/// Asks the registry which people it knows, and refuses those whom it knows with another name. Nothing is registered.
pub(super) fn look_up(
    (table, clock): (&Table, &Clock),
    remote: &Remote,
    issuer: IssuerId,
    refused: &mut Refused,
    summary: &mut Summary,
) -> anyhow::Result<()> {
    let mut inspector = Inspector::new(clock);
    let mut batch = Batch::default();
    table.each(&COLUMNS, &mut watch("asking"), |(line, fields)| {
        if let Ok(taken) = fields.map_err(told).and_then(|[person @ .., _]| inspector.inspect(&person)) {
            batch.push((line, String::new()), &taken);
        }
        if batch.holders.len() == BATCH {
            batch.look_up(remote, issuer, refused, summary)?;
        }
        Ok(())
    })?;
    batch.look_up(remote, issuer, refused, summary)
}

#[derive(Default)]
struct Batch {
    holders: Vec<NewHolder>,
    /// What is known of each holder's line.
    lines: Vec<Line>,
}

/// A line of the file.
struct Line {
    number: u64,
    group: String,
    status: Option<(StatusWord, Kept)>,
    /// The masked name.
    display: String,
}

/// Why a line is refused whose id number the registry knows with another name.
const OTHER_PERSON: &str = "the id number is registered with another name: correct the line, or the registered name with \
    `hufu holder correct`; a document of another state needs its state, like passport:USA:E12345678";

impl Batch {
    fn push(&mut self, (number, group): (u64, String), taken: &Taken) {
        let person = &taken.person;
        self.holders.push(NewHolder {
            name: person.name().to_owned(),
            id_number: person.id_number().as_str().to_owned(),
            phone: person.phone().map(str::to_owned),
        });
        let status = taken.status.map(|status| (status, taken.kept));
        self.lines.push(Line { number, group, status, display: person.display() });
    }

    fn send(
        &mut self,
        remote: &Remote,
        issuer: IssuerId,
        refused: &mut Refused,
        statuses: &mut Statuses,
        (summary, names): (&mut Summary, Option<&mut NamesWriter>),
    ) -> anyhow::Result<()> {
        while !self.holders.is_empty() {
            let holders = NewHolders { holders: std::mem::take(&mut self.holders), seen_by_clerk: false };
            match remote.with(|api| api.register_holders(issuer, &holders)) {
                Ok(registered) => return self.take(issuer, &registered.holders, statuses, (summary, names)),
                Err(fault) => {
                    // Nothing of the request was done: without the people that it names, it is sent again.
                    let others = other_people(&fault, holders.holders.len());
                    let others = others.ok_or_else(|| marked(fault)).context(AGAIN)?;
                    self.holders = holders.holders;
                    self.refuse(&others, refused)?;
                }
            }
        }
        Ok(())
    }

    fn look_up(
        &mut self,
        remote: &Remote,
        issuer: IssuerId,
        refused: &mut Refused,
        summary: &mut Summary,
    ) -> anyhow::Result<()> {
        if self.holders.is_empty() {
            return Ok(());
        }
        let sought =
            self.holders.drain(..).map(|new| SoughtHolder { id_number: new.id_number, name: Some(new.name) });
        let people = LookUpHolders { people: sought.collect() };
        let found = remote.ask(|api| api.look_up_holders(issuer, &people))?.found;
        ensure!(found.len() == self.lines.len(), "the registry's answer lacks people");
        for (line, found) in self.lines.drain(..).zip(found) {
            match found {
                Some(found) if found.same_name => summary.known += 1,
                Some(_) => refused.refuse(line.number, OTHER_PERSON)?,
                None => {}
            }
        }
        Ok(())
    }

    fn take(
        &mut self,
        issuer: IssuerId,
        registered: &[RegisteredHolder],
        statuses: &mut Statuses,
        (summary, names): (&mut Summary, Option<&mut NamesWriter>),
    ) -> anyhow::Result<()> {
        ensure!(
            registered.len() == self.lines.len(),
            "the registry registered {} of {} people",
            registered.len(),
            self.lines.len()
        );
        let lines: Vec<_> = registered.iter().zip(self.lines.drain(..)).collect();
        if let Some(names) = names {
            for (holder, Line { number, group, display, .. }) in &lines {
                let (group, display) = (group.clone(), display.clone());
                let holder = Ok((issuer, HolderIndex(holder.index)));
                names.push(&Named { line: *number, group, display, holder })?;
            }
        }
        for (holder, Line { status, .. }) in lines {
            *(if holder.known { &mut summary.known } else { &mut summary.registered }) += 1;
            if let Some((word, kept)) = status {
                statuses.push(HolderIndex(holder.index), word, kept);
            }
        }
        Ok(())
    }

    /// Leaves these people out.
    fn refuse(&mut self, others: &BTreeSet<usize>, refused: &mut Refused) -> anyhow::Result<()> {
        for nth in others {
            refused.refuse(self.lines[*nth].number, OTHER_PERSON)?;
        }
        let mut at = 0..;
        self.holders.retain(|_| at.next().is_none_or(|nth| !others.contains(&nth)));
        let mut at = 0..;
        self.lines.retain(|_| at.next().is_none_or(|nth| !others.contains(&nth)));
        Ok(())
    }
}

const AGAIN: &str = "run the import again: holders who are registered keep their index";

/// The people whom a registry knows with other names, if that is why it refused all `count` of them.
fn other_people(fault: &ApiFault, count: usize) -> Option<BTreeSet<usize>> {
    let problem = fault.problem().filter(|problem| problem.name() == "other-person")?;
    let others: BTreeSet<usize> = problem.holders.iter().copied().collect();
    (others.last().is_some_and(|last| *last < count)).then_some(others)
}
