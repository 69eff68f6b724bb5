//! People become holders, some thousands at once.

use anyhow::{Context as _, ensure};
use hufu_authority::Remote;
use hufu_contract::{NewHolder, NewHolders};
use hufu_files::moment::Clock;
use hufu_registry::Person;
use hufu_wire::{HolderIndex, IssuerId, StatusWord};

use super::Summary;
use super::columns::COLUMNS;
use super::statuses::Statuses;
use super::survey::Inspector;
use crate::people::{Named, NamesWriter};
use crate::table::Table;

/// Holders registered with one request.
const BATCH: usize = 4096;

/// Registers everybody whom a look at the file takes, and returns the statuses they are to have. Of ten million
/// people their places and words stay in memory, 160 MB, and of the others' names no more than one batch.
pub(super) fn enrol(
    (table, clock): (&Table, &Clock),
    remote: &Remote,
    issuer: IssuerId,
    (summary, mut names): (&mut Summary, Option<&mut NamesWriter>),
) -> anyhow::Result<Statuses> {
    let mut inspector = Inspector::new(clock);
    let mut batch = Batch::default();
    let mut statuses = Statuses::default();
    table.each(&COLUMNS, "registering", |(line, fields)| {
        // What is refused was told when the file was looked at.
        if let Ok(taken) = fields.and_then(|fields| inspector.inspect(&fields)) {
            batch.push(&taken.person, taken.status);
            batch.displays.push((line, taken.person.display()));
        }
        if batch.holders.len() == BATCH {
            batch.send(remote, issuer, &mut statuses, (summary, names.as_deref_mut()))?;
        }
        Ok(())
    })?;
    batch.send(remote, issuer, &mut statuses, (summary, names))?;
    statuses.sort()?;
    Ok(statuses)
}

#[derive(Default)]
struct Batch {
    holders: Vec<NewHolder>,
    statuses: Vec<Option<StatusWord>>,
    /// Line and masked name.
    displays: Vec<(u64, String)>,
}

impl Batch {
    fn push(&mut self, person: &Person, status: Option<StatusWord>) {
        self.holders.push(NewHolder {
            name: person.name().to_owned(),
            id_number: person.id_number().as_str().to_owned(),
            phone: person.phone().map(str::to_owned),
        });
        self.statuses.push(status);
    }

    fn send(
        &mut self,
        remote: &Remote,
        issuer: IssuerId,
        statuses: &mut Statuses,
        (summary, names): (&mut Summary, Option<&mut NamesWriter>),
    ) -> anyhow::Result<()> {
        if self.holders.is_empty() {
            return Ok(());
        }
        let holders = NewHolders { holders: std::mem::take(&mut self.holders) };
        let registered = remote
            .ask(|api| api.register_holders(issuer, &holders))
            .context("run the import again: holders who are registered keep their index")?;
        ensure!(
            registered.holders.len() == self.statuses.len(),
            "the registry registered {} of {} people",
            registered.holders.len(),
            self.statuses.len()
        );
        let displays = self.displays.drain(..);
        if let Some(names) = names {
            for (holder, (line, display)) in registered.holders.iter().zip(displays) {
                let holder = Ok((issuer, HolderIndex(holder.index)));
                names.push(&Named { line, group: String::new(), display, holder })?;
            }
        }
        for (holder, status) in registered.holders.iter().zip(self.statuses.drain(..)) {
            *(if holder.known { &mut summary.known } else { &mut summary.registered }) += 1;
            if let Some(status) = status {
                statuses.push(HolderIndex(holder.index), status);
            }
        }
        Ok(())
    }
}
