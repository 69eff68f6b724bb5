//! `hufu trip import`: an office's file of tickets, every line of it looked at before the first is taken.

use std::collections::HashMap;
use std::path::PathBuf;

use clap::Args;
use hufu_authority::{Remote, marked};
use hufu_contract::{IssuedTrip, ListedTrip, PutTrip, PutTrips, TripOutcome};
use hufu_files::moment::{Clock, Moment};
use hufu_files::{self as files, Readable};
use hufu_registry::Reference;
use hufu_sheets::{Column, ID_NUMBER, NAME, Table, TableArgs, optional, required};
use hufu_wire::{IssuerId, UnixSeconds};
use serde_json::{Value, json};

use crate::commands::import::refused::{Refused, ensure_other};
use crate::outcome::Exit;
use crate::people::{id_number_in_table, no_formula};
use crate::progress::{told, watch};
use crate::remote::RegistryArgs;
use crate::term::{self, note};

/// A file of tickets.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The file: CSV, .xlsx, or Parquet when its name ends so
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    table: TableArgs,
    #[command(flatten)]
    registry: RegistryArgs,
    /// The office that sold the tickets
    #[arg(long, value_name = "NAME")]
    office: String,
    /// Whose holders travel
    #[arg(long, value_name = "ID")]
    issuer: u32,
    /// Look at every line and do nothing; the registry is not asked
    #[arg(long)]
    dry_run: bool,
    /// Write each ticket with its code, as CSV
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run", required_unless_present = "dry_run")]
    codes: Option<PathBuf>,
    /// Write every line that is refused, with its cause, as CSV
    #[arg(long, value_name = "FILE")]
    refused: Option<PathBuf>,
    /// How many lines may be refused for the others to be taken
    #[arg(long, value_name = "N", default_value_t = 0)]
    refuse_max: u64,
}

const COLUMNS: [Column; 8] = [
    required("ticket", &["票号", "客票号", "车票号"]),
    required("name", NAME),
    required("id_number", ID_NUMBER),
    required("hub", &[]),
    required("from", &[]),
    required("until", &[]),
    optional("reference", &["行李牌号"]),
    optional("state", &[]),
];

/// Tickets of one request: their codes come back in one answer.
const BATCH: usize = 2048;

/// What a line wants.
enum Wanted {
    Put(Box<ListedTrip>),
    Cancel(String),
}

/// What an import came to.
#[derive(Debug, Default)]
struct Summary {
    tickets: u64,
    refused: u64,
    issued: u64,
    changed: u64,
    unchanged: u64,
    cancelled: u64,
}

/// Runs `hufu trip import`.
pub(super) fn run(args: &ImportArgs) -> anyhow::Result<Exit> {
    hufu_registry::check_office(&args.office)?;
    let table = Table::open(&args.file, &args.table)?;
    args.codes.as_deref().map_or(Ok(()), |codes| ensure_other(codes, &args.file))?;
    let mut refused = Refused::new(args.refused.as_deref(), &args.file)?;
    let mut wanted = Vec::new();
    let (clock, mut seen) = (Clock::here(), HashMap::new());
    table.each(&COLUMNS, &mut watch("looking"), |(line, fields)| {
        match fields.map_err(told).and_then(|fields| read(line, fields, &clock, &mut seen)) {
            Ok(ticket) => wanted.push((line, ticket)),
            Err(cause) => refused.refuse(line, &cause)?,
        }
        Ok(())
    })?;
    let mut summary = Summary { tickets: wanted.len() as u64, ..Summary::default() };
    let outcome = if args.dry_run {
        Ok(())
    } else if refused.count() > args.refuse_max {
        note!(
            "nothing was done: {} lines are refused, and --refuse-max is {}; correct them, or raise --refuse-max",
            refused.count(),
            args.refuse_max
        );
        Ok(())
    } else {
        carry_out(args, wanted, &mut refused, &mut summary)
    };
    summary.refused = refused.count();
    // Also after a fault: what was refused by then is written.
    refused.finish()?;
    outcome?;
    term::outcome(|| summary.to_json(), || summary.to_text(args));
    Ok(if summary.refused > args.refuse_max { Exit::No } else { Exit::Yes })
}

/// Makes sense of a line.
///
/// # Errors
/// The cause, which repeats nothing personal of the line.
fn read(
    line: u64,
    fields: [&str; COLUMNS.len()],
    clock: &Clock,
    seen: &mut HashMap<String, u64>,
) -> Result<Wanted, String> {
    let [ticket, name, id_number, hub, from, until, reference, state] = fields;
    hufu_registry::check_ticket(ticket).map_err(|fault| fault.to_string())?;
    let wanted = match state {
        "cancelled" => Wanted::Cancel(ticket.to_owned()),
        "" | "active" => {
            let document = id_number_in_table(id_number)?;
            let name = document.called(name.to_owned());
            if name.is_empty() {
                return Err("name is empty".to_owned());
            }
            let moment =
                |what: &str, text: &str| text.parse::<Moment>().map_err(|error| format!("{what}: {error:#}"));
            let from = clock.any(moment("from", from)?).map_err(|error| format!("from: {error:#}"))?;
            let until = clock.end(moment("until", until)?).map_err(|error| format!("until: {error:#}"))?;
            if until <= from {
                return Err("until must be later than from".to_owned());
            }
            let reference = (!reference.is_empty()).then_some(reference);
            reference.map(Reference::read).transpose().map_err(|fault| fault.to_string())?;
            Wanted::Put(Box::new(ListedTrip {
                ticket: ticket.to_owned(),
                trip: PutTrip {
                    id_number: Some(document.number.as_str().to_owned()),
                    name: Some(name),
                    holder: None,
                    hub: hub.parse().map_err(|_| "hub must be a number".to_owned())?,
                    from_ms: from.millis().0,
                    // The window's last second.
                    until_ms: UnixSeconds(until.0 - 1).millis().0,
                    reference: reference.map(str::to_owned),
                },
            }))
        }
        _ => return Err("state must be active, cancelled or empty".to_owned()),
    };
    if let Some(first) = seen.insert(ticket.to_owned(), line) {
        return Err(format!("the same ticket as in line {first}"));
    }
    Ok(wanted)
}

fn carry_out(
    args: &ImportArgs,
    wanted: Vec<(u64, Wanted)>,
    refused: &mut Refused,
    summary: &mut Summary,
) -> anyhow::Result<()> {
    let (remote, issuer) = (args.registry.connect()?, IssuerId(args.issuer));
    let mut codes = csv::Writer::from_writer(Vec::new());
    codes.write_record(["ticket", "outcome", "display", "code"])?;
    let sent = || -> anyhow::Result<()> {
        let mut batch = Vec::new();
        for (line, wanted) in wanted {
            match wanted {
                Wanted::Put(listed) => batch.push((line, *listed)),
                Wanted::Cancel(ticket) => {
                    if cancel(&remote, issuer, (&args.office, &ticket), (line, refused))? {
                        summary.cancelled += 1;
                        codes.write_record([&*no_formula(&ticket), "cancelled", "", ""])?;
                    }
                }
            }
            if batch.len() == BATCH {
                send(args, &remote, std::mem::take(&mut batch), refused, (summary, &mut codes))?;
            }
        }
        if !batch.is_empty() {
            send(args, &remote, batch, refused, (summary, &mut codes))?;
        }
        Ok(())
    };
    let outcome = sent();
    // Also after a fault: these codes were issued.
    if let Some(path) = &args.codes {
        files::replace(path, &codes.into_inner()?, Readable::Owner)?;
    }
    outcome
}

fn send(
    args: &ImportArgs,
    remote: &Remote,
    batch: Vec<(u64, ListedTrip)>,
    refused: &mut Refused,
    (summary, codes): (&mut Summary, &mut csv::Writer<Vec<u8>>),
) -> anyhow::Result<()> {
    let (lines, tickets): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
    let trips = PutTrips { office: args.office.clone(), tickets };
    let answer = remote.ask(|api| api.put_trips(IssuerId(args.issuer), &trips))?.tickets;
    anyhow::ensure!(
        answer.len() == lines.len(),
        "the registry answered for {} of {} tickets",
        answer.len(),
        lines.len()
    );
    for ((line, listed), done) in lines.into_iter().zip(&trips.tickets).zip(answer) {
        match (done.issued, done.refused) {
            (Some(issued), None) => {
                summary.count(&issued);
                let ticket = no_formula(&listed.ticket);
                codes.write_record([&*ticket, issued.outcome.slug(), &issued.display, &issued.code])?;
            }
            (_, cause) => {
                refused.refuse(line, &cause.unwrap_or_else(|| "the registry does not say".to_owned()))?;
            }
        }
    }
    Ok(())
}

/// Cancels a ticket; whether there is such a one.
fn cancel(
    remote: &Remote,
    issuer: IssuerId,
    ticket: (&str, &str),
    (line, refused): (u64, &mut Refused),
) -> anyhow::Result<bool> {
    match remote.with(|api| api.cancel_trip(issuer, ticket)) {
        Ok(_) => Ok(true),
        Err(fault) if fault.problem().is_some_and(|problem| problem.name() == "not-found") => {
            refused.refuse(line, "cancelled, and no such ticket of this office is known")?;
            Ok(false)
        }
        Err(fault) => Err(marked(fault)),
    }
}

impl Summary {
    fn count(&mut self, issued: &IssuedTrip) {
        match issued.outcome {
            TripOutcome::Issued => self.issued += 1,
            TripOutcome::Changed => self.changed += 1,
            TripOutcome::Unchanged => self.unchanged += 1,
        }
    }

    fn to_text(&self, args: &ImportArgs) -> String {
        let Summary { tickets, refused, issued, changed, unchanged, cancelled } = self;
        let paint = term::stdout();
        let refused_text = format!("{refused} refused");
        let refused_text = if *refused == 0 { paint.good(&refused_text) } else { paint.bad(&refused_text) };
        let done = if args.dry_run {
            "nothing was done: --dry-run".to_owned()
        } else {
            format!("{issued} issued, {changed} changed, {unchanged} unchanged, {cancelled} cancelled")
        };
        format!("{}: {tickets} tickets can be read; {refused_text}\n{done}\n", args.file.display())
    }

    fn to_json(&self) -> Value {
        let Summary { tickets, refused, issued, changed, unchanged, cancelled } = self;
        json!({
            "tickets": tickets, "refused": refused, "issued": issued, "changed": changed, "unchanged": unchanged,
            "cancelled": cancelled,
        })
    }
}
