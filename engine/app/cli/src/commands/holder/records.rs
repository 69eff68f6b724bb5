//! `hufu holder correct`, `join` and `part`: records of people that were wrong.

use clap::Args;
use hufu_authority::Remote;
use hufu_contract::{CorrectHolder, Holder, JoinHolder, PartHolder};
use hufu_wire::{HolderIndex, IssuerId};

use super::{WhomArgs, of, show};
use crate::ask;
use crate::idnumber::IdNumberArgs;
use crate::outcome::Exit;
use crate::term::{note, printable};

/// Whose record, why, and how it is asked and answered.
#[derive(Debug, Args)]
struct RecordArgs {
    #[command(flatten)]
    whom: WhomArgs,
    /// Why, at most 128 bytes, without a name or a number: the trail keeps it
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Do it without asking
    #[arg(long)]
    yes: bool,
}

/// Correct a holder's name, id number or phone.
#[derive(Debug, Args)]
#[group(id = "corrected", required = true, multiple = true, args = ["name", "id_number_file", "phone"])]
pub(crate) struct CorrectArgs {
    #[command(flatten)]
    record: RecordArgs,
    /// The right name
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    id_number: IdNumberArgs,
    /// The right phone number
    #[arg(long)]
    phone: Option<String>,
}

/// Join a record into another one of the same person.
#[derive(Debug, Args)]
pub(crate) struct JoinArgs {
    #[command(flatten)]
    record: RecordArgs,
    /// The holder whose record goes on
    #[arg(long, value_name = "HOLDER")]
    into: u32,
    /// Join them although the record that ends had the stricter colour: you have seen it
    #[arg(long)]
    stricter_seen: bool,
}

/// Part one record of two people, or a record that was joined by mistake.
#[derive(Debug, Args)]
pub(crate) struct PartArgs {
    #[command(flatten)]
    record: RecordArgs,
    /// The name of the second person, who has the same id number; not for a record that was joined by mistake
    #[arg(long)]
    name: Option<String>,
    /// The second person's phone number
    #[arg(long, requires = "name")]
    phone: Option<String>,
}

impl RecordArgs {
    fn issuer(&self) -> IssuerId {
        IssuerId(self.whom.issuer)
    }

    /// The holder as the registry shows them: a wrong index shows somebody else.
    fn seen(&self, remote: &Remote) -> anyhow::Result<Holder> {
        of(remote, self.whom.issuer, self.whom.holder)
    }

    /// Whether a person agrees.
    fn is_sure(&self, question: &str) -> anyhow::Result<bool> {
        let is_sure = ask::sure(question, self.yes)?;
        if !is_sure {
            note!("nothing was changed");
        }
        Ok(is_sure)
    }
}

/// Runs `hufu holder correct`.
pub(super) fn correct(args: &CorrectArgs) -> anyhow::Result<Exit> {
    let record = &args.record;
    let id_number = args.id_number.read()?.map(|number| number.to_string());
    let remote = record.whom.registry.connect()?;
    let seen = record.seen(&remote)?;
    note!("holder {} of issuer {}: {}", seen.index, seen.issuer, printable(&seen.display));
    if !record.is_sure("Correct this holder's record?")? {
        return Ok(Exit::No);
    }
    let edit = CorrectHolder {
        display: seen.display,
        name: args.name.clone(),
        id_number,
        phone: args.phone.clone(),
        reason: record.reason.clone(),
    };
    let holder = HolderIndex(record.whom.holder);
    Ok(show(&remote.ask(|api| api.correct_holder(record.issuer(), holder, &edit))?, ""))
}

/// Runs `hufu holder join`.
pub(super) fn join(args: &JoinArgs) -> anyhow::Result<Exit> {
    let record = &args.record;
    let remote = record.whom.registry.connect()?;
    let (ends, goes_on) = (record.seen(&remote)?, of(&remote, record.whom.issuer, args.into)?);
    for (holder, what) in [(&ends, "ends"), (&goes_on, "goes on")] {
        note!("holder {} of issuer {} {what}: {}", holder.index, holder.issuer, printable(&holder.display));
    }
    if !record.is_sure("Are they one person, whose records are joined?")? {
        return Ok(Exit::No);
    }
    let edit = JoinHolder {
        display: ends.display,
        into: args.into,
        into_display: goes_on.display,
        reason: record.reason.clone(),
        stricter_seen: args.stricter_seen,
    };
    let holder = HolderIndex(record.whom.holder);
    Ok(show(&remote.ask(|api| api.join_holder(record.issuer(), holder, &edit))?, ""))
}

/// Runs `hufu holder part`.
pub(super) fn part(args: &PartArgs) -> anyhow::Result<Exit> {
    let record = &args.record;
    let remote = record.whom.registry.connect()?;
    let seen = record.seen(&remote)?;
    note!("holder {} of issuer {}: {}", seen.index, seen.issuer, printable(&seen.display));
    if !record.is_sure("Part this record?")? {
        return Ok(Exit::No);
    }
    let generation = seen.status.map(|status| status.generation);
    let edit = PartHolder {
        display: seen.display,
        name: args.name.clone(),
        phone: args.phone.clone(),
        reason: record.reason.clone(),
    };
    let holder = HolderIndex(record.whom.holder);
    let parted = remote.ask(|api| api.part_holder(record.issuer(), holder, &edit))?;
    let next = match (generation, &args.name) {
        (Some(generation), Some(_)) => format!(
            "next: `hufu change propose --holder {} --generation {}`, so that codes of holder {} that the second person has are \
             refused",
            record.whom.holder,
            generation.wrapping_add(1),
            record.whom.holder
        ),
        _ => String::new(),
    };
    Ok(show(&parted, &next))
}
