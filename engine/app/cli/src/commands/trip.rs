//! `hufu trip`: trip codes for tickets, as a ticket office issues, changes and cancels them (R04).

mod import;

use std::path::{Path, PathBuf};

use anyhow::ensure;
use clap::{Args, Subcommand};
use hufu_authority::Remote;
use hufu_codes::ended::EndedList;
use hufu_contract::{EndedTrip, PutTrip, TicketPhase, Trip};
use hufu_files::moment::{self, Moment};
use hufu_files::{self as files, Readable};
use hufu_wire::{IssuerId, UnixMillis, UnixSeconds};
use serde_json::json;

use crate::commands::issue::window;
use crate::idnumber::IdNumberArgs;
use crate::outcome::Exit;
use crate::remote::RegistryArgs;
use crate::show::{ShowArgs, show};
use crate::term::{self, note, printable, tell};

pub(crate) const EXAMPLES: &str = "Examples:
  hufu trip put E123456789 --office 12306 --issuer 310000 --name 'Wang Xiaoming' --id-number-file wang.txt \
--hub 3101 --from 2026-12-03T06:00 --until 2026-12-03T09:00 --reference G7-0412 --png ticket.png
  hufu trip put 784-2412345678 --office PVG --issuer 310000 --holder 42 --hub 3102 --from now --until +6h
  hufu trip cancel E123456789 --office 12306 --issuer 310000
  hufu trip show E123456789 --office 12306 --issuer 310000
  hufu trip import tonight.csv --office 12306 --issuer 310000 --dry-run
  hufu trip import tonight.csv --office 12306 --issuer 310000 --codes codes.csv --refused bad.csv --refuse-max 100
  hufu trip ended --issuer 310000 --out ended-310000.list

put, cancel, show and import need a token with the scope trips, and no other; ended takes one with feed too. The traveller \
must be registered. put again with other values changes the ticket: it gets another code, and the code before ends. The same \
again gives the same code. A cancelled ticket gets no code any more.

A code that ended is refused by engines that have the list of ended codes: write it with `hufu trip ended`, every minute \
from a timer, and name it in their `ended_trips`. A gate without a network has no such list.

A file for import has the columns ticket (票号), name (姓名), id_number (身份证号), hub, from, until, and if any reference and \
state: empty or active, or cancelled for a ticket that is cancelled, which needs no other column filled. Each line is taken \
or refused by itself; nothing is done while more lines than --refuse-max cannot be read. --codes has a line a ticket with its \
code: it is good for whoever has it, so the file is readable by you alone. An import that was cut off is run again.

The reference stands in the signed code behind the masked name, and each gate shows it: 1 to 12 of A to Z, 0 to 9 and -.

Exit status of import: 0 when no more lines were refused than --refuse-max, 1 when more were.";

/// Codes for tickets.
#[derive(Debug, Subcommand)]
pub(crate) enum TripCommand {
    /// Issue a ticket's code, or change it
    Put(PutArgs),
    /// Cancel a ticket: its code ends
    Cancel(WhichArgs),
    /// Show a ticket
    Show(WhichArgs),
    /// Issue, change and cancel the tickets of a file
    Import(import::ImportArgs),
    /// Write the codes that ended before their time, for engines
    Ended(EndedArgs),
}

/// Which ticket.
#[derive(Debug, Args)]
pub(crate) struct WhichArgs {
    #[command(flatten)]
    registry: RegistryArgs,
    /// The office's number of the ticket
    #[arg(value_name = "TICKET")]
    ticket: String,
    /// The office that sold it
    #[arg(long, value_name = "NAME")]
    office: String,
    /// Whose holder travels
    #[arg(long, value_name = "ID")]
    issuer: u32,
}

/// A ticket.
#[derive(Debug, Args)]
#[group(id = "traveller", required = true, multiple = false, args = ["holder", "name"])]
pub(crate) struct PutArgs {
    #[command(flatten)]
    which: WhichArgs,
    /// The traveller's full name; asks for the id number unless it is in a file
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    id_number: IdNumberArgs,
    /// The traveller's index
    #[arg(long, value_name = "N", conflicts_with = "id_number_file")]
    holder: Option<u32>,
    /// The only hub
    #[arg(long, value_name = "ID")]
    hub: u32,
    /// When the window begins
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    from: Moment,
    /// When the window ends
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    until: Moment,
    /// What gates show beside the masked name, such as a bag tag
    #[arg(long, value_name = "TEXT")]
    reference: Option<String>,
    #[command(flatten)]
    show: ShowArgs,
}

/// Which list.
#[derive(Debug, Args)]
pub(crate) struct EndedArgs {
    #[command(flatten)]
    registry: RegistryArgs,
    /// Whose codes
    #[arg(long, value_name = "ID")]
    issuer: u32,
    /// The list, replaced whole
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Runs `hufu trip`.
pub(crate) fn run(command: &TripCommand) -> anyhow::Result<Exit> {
    match command {
        TripCommand::Put(args) => put(args)?,
        TripCommand::Cancel(which) => {
            let key = (which.office.as_str(), which.ticket.as_str());
            let trip = which.registry.connect()?.ask(|api| api.cancel_trip(IssuerId(which.issuer), key))?;
            term::outcome(|| json!(trip), || describe(&trip));
        }
        TripCommand::Show(which) => {
            let key = (which.office.as_str(), which.ticket.as_str());
            let trip = which.registry.connect()?.ask(|api| api.trip(IssuerId(which.issuer), key))?;
            term::outcome(|| json!(trip), || describe(&trip));
        }
        TripCommand::Import(args) => return import::run(args),
        TripCommand::Ended(args) => ended(&args.registry.connect()?, IssuerId(args.issuer), &args.out)?,
    }
    Ok(Exit::Yes)
}

fn put(args: &PutArgs) -> anyhow::Result<()> {
    let WhichArgs { registry, ticket, office, issuer } = &args.which;
    let (from, until) = window(args.from, args.until)?;
    let id_number = match args.holder {
        Some(_) => None,
        None => Some(args.id_number.read_or_ask()?.to_string()),
    };
    let trip = PutTrip {
        id_number,
        name: args.name.clone(),
        holder: args.holder,
        hub: args.hub,
        from_ms: from.millis().0,
        // The window's last second.
        until_ms: UnixSeconds(until.0 - 1).millis().0,
        reference: args.reference.clone(),
    };
    let issued = registry.connect()?.ask(|api| api.put_trip(IssuerId(*issuer), (office, ticket), &trip))?;
    note!("{}, {}", issued.outcome, printable(&issued.display));
    show(&issued.code, &args.show)
}

/// Takes all pages, so that an engine reads one list.
fn ended(remote: &Remote, issuer: IssuerId, out: &Path) -> anyhow::Result<()> {
    let mut made = None;
    let mut all: Vec<EndedTrip> = Vec::new();
    loop {
        let after = all.last().map(|trip| trip.digest);
        let page = remote.ask(|api| api.ended_trips(issuer, after))?;
        // What ends while the pages are read is on the next list.
        let made_ms = *made.get_or_insert(page.made_ms);
        let Some(first) = page.ended.first() else {
            let digests = all.iter().map(|trip| &trip.digest.0);
            let text = EndedList::write(issuer, UnixMillis(made_ms).seconds(), digests);
            files::replace(out, text.as_bytes(), Readable::All)?;
            tell!(
                { "file": out, "issuer": issuer.0, "made_ms": made_ms, "ended": all.len() },
                "{}: {} trip codes of issuer {issuer} ended before their time",
                out.display(),
                all.len()
            );
            return Ok(());
        };
        ensure!(after.is_none_or(|after| first.digest.0 > after.0), "the registry's pages do not go on");
        all.extend(page.ended);
    }
}

fn describe(trip: &Trip) -> String {
    let at = |ms| moment::show(UnixMillis(ms).seconds());
    let changed = match trip.phase {
        TicketPhase::Active => "last code issued",
        TicketPhase::Cancelled => "cancelled",
    };
    format!(
        "ticket of office {}: {}\nholder {}: {}\nhub {}, from {} to {}\nmade {}, {changed} {}\n",
        printable(&trip.office),
        trip.phase,
        trip.holder,
        printable(&trip.display),
        trip.hub,
        at(trip.from_ms),
        at(trip.until_ms),
        at(trip.made_ms),
        at(trip.changed_ms),
    )
}
