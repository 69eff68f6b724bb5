//! `hufu holder`: people in a registry, and their credentials.

mod checks;
mod credential;
mod history;
mod phones;
mod records;

use std::path::Path;

use anyhow::bail;
use clap::{Args, Subcommand};
use hufu_authority::{Remote, marked};
use hufu_contract::{FindHolder, Holder, NewHolder, NewHolders, RegisteredHolder};
use hufu_files::moment;
use hufu_texts::Language;
use hufu_wire::{HolderIndex, IssuerId, StatusWord, UnixMillis};
use serde::Serialize;
use serde_json::json;

use crate::idnumber::IdNumberArgs;
use crate::listing::list;
use crate::outcome::Exit;
use crate::people::{self, Named, PeopleArgs};
use crate::remote::RegistryArgs;
use crate::status;
use crate::term::{self, note, printable, tell};

pub(crate) const EXAMPLES: &str = "Examples:
  hufu holder add --issuer 310000 --name 'Wang Xiaoming'
  hufu holder add --issuer 310000 --name 'Ada' --id-number-file ada.txt --phone '+44 20 1234'
  hufu holder find --issuer 310000 --id-number-file -
  hufu holder find --issuer 310000 --people pupils.xlsx --names names.csv
  hufu holder show --issuer 310000 42
  hufu holder history --issuer 310000 42
  hufu holder history --holder zhang.holder --service https://views.example:7460
  hufu holder history --holder zhang.holder --service https://views.example:7460 --at 2026-11-21T08:00+08:00 --within 10
  hufu holder correct --issuer 310000 42 --name 'Wang Xiaoming' --reason 'misspelt in the class list'
  hufu holder correct --issuer 310000 43 --id-number-file ada.txt --reason 'the state was missing'
  hufu holder join --issuer 310000 44 --into 42 --reason 'one person with two documents'
  hufu holder part --issuer 310000 42 --name 'Li Hua' --reason 'two people have this number'
  hufu holder part --issuer 310000 44 --reason 'joined by mistake'
  hufu holder invite --issuer 310000 42 --level in-person --page https://code.example --qr
  hufu holder phones --issuer 310000 42
  hufu holder end-phone --issuer 310000 42 1
  hufu holder credential phone --issuer 310000 42 --out wang.holder
  hufu holder credential paper --issuer 310000 42 --png paper.png
  hufu holder credential trip --issuer 310000 42 --hub 9 --from now --until +4h --qr
  hufu holder credential list --issuer 310000 42

An id number comes from a file or from standard input, never as an argument: everybody on a machine sees those, and a shell \
keeps them. add asks for it.

A registry never shows a name or a number again: find answers where somebody is, show what a gate may show. A name list \
has the columns id_number (身份证号), name (姓名) and, if any, group (班级); --names writes index and masked name of each line. \
An id number that is registered with another name is refused; the name is compared by its letters. A foreign document has \
the state that issued it, in three letters: two states give out the same numbers.

history needs a token with the scope history, and the trail says who read it. history --holder needs no token: it asks \
the service of the holder's view (docs/RECORDS.md) for the checks on the steps that `hufu present` showed, and no record says \
that it did. correct, join and part ask before they \
write, and need a token with the scope correct. A record that was joined into \
another gets no code and no colour any more; both authorities must have forgotten it before. part gives a second person \
who has the same number a record without a status; raise the generation of the first one's, so that codes that the second \
person has are refused.

invite prints the number once, and the link that opens the page with it: it makes one phone the holder's, so hand it to no one but the person you have seen. A newer one ends those before. The levels are in docs/REGISTRY.md, Phones.

Exit status of `holder find`: 1 when somebody was not found, or is registered with another name; of `end-phone`: 1 when there is no such phone.";

/// Register people, find them, issue their credentials.
#[derive(Debug, Subcommand)]
pub(crate) enum HolderCommand {
    /// Register a holder; a holder who is registered already, with this number and name, keeps the index
    Add(AddArgs),
    /// Find a holder by id number
    Find(FindArgs),
    /// Show a holder as a gate may, with their status
    Show(WhomArgs),
    /// Show how a holder's colours came to be, with rule and reason; with --holder, who checked a phone
    History(Box<HistoryArgs>),
    /// Correct a holder's name, id number or phone
    Correct(records::CorrectArgs),
    /// Join a record into another one of the same person
    Join(records::JoinArgs),
    /// Part one record of two people, or a record that was joined by mistake
    Part(records::PartArgs),
    /// Invite the holder's phone with a number that is good once, when it is proved who the holder is
    Invite(phones::InviteArgs),
    /// List the holder's phones
    Phones(WhomArgs),
    /// End a phone that was lost; it gets no further code
    EndPhone(phones::EndArgs),
    /// Issue credentials
    #[command(subcommand)]
    Credential(credential::CredentialCommand),
}

/// Register a holder.
#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    #[command(flatten)]
    registry: RegistryArgs,
    /// Whose holder
    #[arg(long, value_name = "ID")]
    issuer: u32,
    /// The full name; without it the one in a passport's machine-readable lines
    #[arg(long, default_value = "", hide_default_value = true)]
    name: String,
    #[command(flatten)]
    id_number: IdNumberArgs,
    /// The phone number
    #[arg(long)]
    phone: Option<String>,
    /// A clerk has the document in hand, which a military one needs
    #[arg(long)]
    seen_by_clerk: bool,
}

/// Find a holder.
#[derive(Debug, Args)]
#[group(id = "sought", required = true, multiple = false, args = ["id_number_file", "people"])]
pub(crate) struct FindArgs {
    #[command(flatten)]
    registry: RegistryArgs,
    /// Whose holder
    #[arg(long, value_name = "ID")]
    issuer: u32,
    #[command(flatten)]
    id_number: IdNumberArgs,
    #[command(flatten)]
    list: PeopleArgs,
    /// The name, where several people have the number
    #[arg(long, conflicts_with = "people")]
    name: Option<String>,
}

/// One holder.
#[derive(Debug, Args)]
pub(crate) struct WhomArgs {
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
    /// Whose holder
    #[arg(long, value_name = "ID")]
    pub(crate) issuer: u32,
    /// The holder's index
    #[arg(value_name = "HOLDER")]
    pub(crate) holder: u32,
}

/// A holder's colours in a registry, or a phone's own checks.
#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    #[command(flatten)]
    registry: RegistryArgs,
    /// Whose holder
    #[arg(long, value_name = "ID", required_unless_present = "phone", requires = "index")]
    issuer: Option<u32>,
    /// The holder's index
    #[arg(value_name = "HOLDER", id = "index", requires = "issuer")]
    index: Option<u32>,
    #[command(flatten)]
    checks: checks::ChecksArgs,
}

impl HistoryArgs {
    fn run(&self) -> anyhow::Result<Exit> {
        match (&self.checks.phone, self.issuer.zip(self.index)) {
            (Some(phone), _) => checks::run(&self.checks, phone, self.registry.ca()?),
            (None, Some((issuer, holder))) => history::run(&self.registry, issuer, holder),
            (None, None) => bail!("give --issuer and HOLDER, or --holder and --service"),
        }
    }
}

/// Runs `hufu holder`.
pub(crate) fn run(command: &HolderCommand) -> anyhow::Result<Exit> {
    match command {
        HolderCommand::Add(args) => add(args),
        HolderCommand::Find(args) => find(args),
        HolderCommand::Show(WhomArgs { registry, issuer, holder }) => {
            Ok(show(&of(&registry.connect()?, *issuer, *holder)?, ""))
        }
        HolderCommand::History(args) => args.run(),
        HolderCommand::Correct(args) => records::correct(args),
        HolderCommand::Join(args) => records::join(args),
        HolderCommand::Part(args) => records::part(args),
        HolderCommand::Invite(args) => phones::invite(args),
        HolderCommand::Phones(whom) => phones::list(whom),
        HolderCommand::EndPhone(args) => phones::end(args),
        HolderCommand::Credential(command) => credential::run(command),
    }
}

/// A holder as the registry shows them.
pub(super) fn of(remote: &Remote, issuer: u32, holder: u32) -> anyhow::Result<Holder> {
    remote.ask(|api| api.holder(IssuerId(issuer), HolderIndex(holder)))
}

fn add(args: &AddArgs) -> anyhow::Result<Exit> {
    let remote = args.registry.connect()?;
    let id_number = args.id_number.read_or_ask()?.to_string();
    let new = NewHolder { name: args.name.clone(), id_number, phone: args.phone.clone() };
    let holders = NewHolders { holders: vec![new], seen_by_clerk: args.seen_by_clerk };
    let registered = remote.ask(|api| api.register_holders(IssuerId(args.issuer), &holders))?;
    let line = |holder: &RegisteredHolder| {
        let known = if holder.known { ", registered before" } else { "" };
        format!("holder {} of issuer {}{known}\n", holder.index, args.issuer)
    };
    term::outcome(|| json!(registered), || registered.holders.iter().map(line).collect());
    Ok(Exit::Yes)
}

fn find(args: &FindArgs) -> anyhow::Result<Exit> {
    if let Some(path) = &args.list.people {
        return find_list(args, path);
    }
    let remote = args.registry.connect()?;
    let id_number = args.id_number.read_or_ask()?.to_string();
    let whom = FindHolder { id_number, name: args.name.clone() };
    match remote.with(|api| api.find_holder(IssuerId(args.issuer), &whom)) {
        Ok(holder) => Ok(show(&holder, "")),
        Err(fault) if fault.problem().is_some_and(|problem| problem.name() == "not-found") => {
            note!("no holder is registered with this number");
            Ok(Exit::No)
        }
        Err(fault) => Err(marked(fault)),
    }
}

/// Finds everybody on a name list.
fn find_list(args: &FindArgs, path: &Path) -> anyhow::Result<Exit> {
    let listed = people::read(path, &args.list.table)?;
    let named = people::look_up(&args.registry.connect()?, IssuerId(args.issuer), &listed)?;
    let unfound = people::tell_unfound(&named);
    if let Some(names) = &args.list.names {
        people::write_names(names, &named)?;
    }
    let exit = if unfound == 0 { Exit::Yes } else { Exit::No };
    match &args.list.names {
        Some(names) if !term::is_json() => tell!(
            { "names": names },
            "{}: {} people, {unfound} of them not found",
            names.display(),
            named.len()
        ),
        _ => {
            let found: Vec<_> = named.iter().map(Row::of).collect();
            list(&found, ["line", "group", "display", "holder"], Row::cells);
        }
    }
    Ok(exit)
}

/// A line of a name list, as it is shown.
#[derive(Serialize)]
struct Row<'n> {
    line: u64,
    group: &'n str,
    display: &'n str,
    holder: Option<u32>,
    found: String,
}

impl<'n> Row<'n> {
    fn of(named: &'n Named) -> Row<'n> {
        Row {
            line: named.line,
            group: &named.group,
            display: &named.display,
            holder: named.holder.ok().map(|(_, holder)| holder.0),
            found: named.holder.map_or_else(|unfound| unfound.says(Language::En), |_| "yes".to_owned()),
        }
    }

    fn cells(&self) -> [String; 4] {
        let holder = self.holder.map_or_else(|| self.found.clone(), |holder| holder.to_string());
        [self.line.to_string(), printable(self.group), printable(self.display), holder]
    }
}

/// A holder, and what to do `next`.
fn show(holder: &Holder, next: &str) -> Exit {
    term::outcome(|| json!(holder), || describe(holder) + next);
    Exit::Yes
}

fn describe(holder: &Holder) -> String {
    let word = holder
        .status
        .map_or(StatusWord::UNKNOWN, |status| StatusWord::from_bits(u64::from_be_bytes(status.word.0)));
    let joined = holder.joined_into.map(|into| format!("joined into holder {into}: that record goes on\n"));
    format!(
        "holder {} of issuer {}: {}\nregistered {}\n{}{}\n",
        holder.index,
        holder.issuer,
        printable(&holder.display),
        moment::show(UnixMillis(holder.registered_ms).seconds()),
        joined.unwrap_or_default(),
        status::describe(word)
    )
}
