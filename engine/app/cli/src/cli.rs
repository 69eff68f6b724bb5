//! The command line: one subcommand, one file in [`commands`](crate::commands).

use clap::{Parser, Subcommand};
use hufu_files::moment::Zone;

use crate::commands::{
    abroad, appeal, audit, batch, bridge, ca, change, check, checkpoint, completions, console, demo, device,
    doctor, enrol, facts, family, foreign, gate, holder, import, inspect, issue, keys, present, records,
    registry, roster, rules, serve, site, snapshot, status_list, trip,
};
use crate::outcome;

/// Hufu, a checkpoint verification engine: a signed code in, a verdict out.
#[derive(Debug, Parser)]
#[command(name = "hufu", version = crate::about::version(), after_help = outcome::HELP)]
#[command(propagate_version = false, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// The zone of times that name none, and of times shown: Asia/Shanghai or +08:00; else `time_zone` in hufu.toml
    #[arg(long, value_name = "ZONE", env = "HUFU_TIME_ZONE", global = true, help_heading = "Times")]
    pub(crate) time_zone: Option<Zone>,
    /// Print what the command comes to as JSON: one object, or one a line where it answers while it runs
    #[arg(long, global = true, overrides_with = "json", help_heading = "Output")]
    pub(crate) json: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run an engine
    #[command(after_help = serve::EXAMPLES)]
    Serve(serve::ServeArgs),
    /// Run a whole deployment with generated people on this machine, and measure it
    #[command(after_help = demo::EXAMPLES)]
    Demo(demo::DemoArgs),
    /// Make signing keys, and the trust list that says whose codes are accepted
    #[command(subcommand, after_help = keys::EXAMPLES)]
    Keys(keys::KeysCommand),
    /// Issue and revoke the certificates of devices and engines
    #[command(subcommand, after_help = ca::EXAMPLES)]
    Ca(ca::CaCommand),
    /// Issue a credential and show its code
    #[command(subcommand, after_help = issue::EXAMPLES)]
    Issue(issue::IssueCommand),
    /// Show a phone's code as it is at this moment
    #[command(after_help = present::EXAMPLES)]
    Present(present::PresentArgs),
    /// Ask an engine about codes, as a gate does
    #[command(after_help = check::EXAMPLES)]
    Check(check::CheckArgs),
    /// Run a gate: scanners, relays, lamps, screens
    #[command(after_help = gate::EXAMPLES)]
    Gate(gate::GateArgs),
    /// Enrol a gate and write its session, for firmware without QUIC
    #[command(after_help = enrol::EXAMPLES)]
    Enrol(enrol::EnrolArgs),
    /// Answer terminals that speak HTTP
    #[command(after_help = bridge::EXAMPLES)]
    Bridge(bridge::BridgeArgs),
    /// Serve the operators' pages, and keep the accounts that sign in to them
    #[command(subcommand, after_help = console::EXAMPLES)]
    Console(console::ConsoleCommand),
    /// Sign rosters and check them, as a school does
    #[command(subcommand, after_help = batch::EXAMPLES)]
    Batch(batch::BatchCommand),
    /// Verify and read the records of checks
    #[command(subcommand, after_help = records::EXAMPLES)]
    Records(records::RecordsCommand),
    /// Make, run and look after a registry
    #[command(subcommand, after_help = registry::EXAMPLES)]
    Registry(registry::RegistryCommand),
    /// Propose, confirm and look at changes of holders' statuses
    #[command(subcommand, after_help = change::EXAMPLES)]
    Change(change::ChangeCommand),
    /// Vouch for a whole table with both keys
    #[command(subcommand, after_help = checkpoint::EXAMPLES)]
    Checkpoint(checkpoint::CheckpointCommand),
    /// Register people, find them, issue their credentials
    #[command(subcommand, after_help = holder::EXAMPLES)]
    Holder(holder::HolderCommand),
    /// Certify a holder's dose, negative test or recovery for other countries (EU DCC, HC1)
    #[command(subcommand, after_help = abroad::EXAMPLES)]
    Abroad(abroad::AbroadCommand),
    /// Hand in what is recorded of holders, and open it
    #[command(subcommand, after_help = facts::EXAMPLES)]
    Facts(facts::FactsCommand),
    /// Take in, review and decide appeals of holders against a colour or a check
    #[command(subcommand, after_help = appeal::EXAMPLES)]
    Appeal(appeal::AppealCommand),
    /// Bind relatives to users, and print their codes
    #[command(subcommand, after_help = family::EXAMPLES)]
    Family(family::FamilyCommand),
    /// Issue, change and cancel trip codes for tickets
    #[command(subcommand, after_help = trip::EXAMPLES)]
    Trip(trip::TripCommand),
    /// Make the lists by which certificates of other systems are verified
    #[command(subcommand, after_help = foreign::EXAMPLES)]
    Foreign(foreign::ForeignCommand),
    /// Compute colours from recorded facts by a rule file, and say why
    #[command(subcommand, after_help = rules::EXAMPLES)]
    Rules(rules::RulesCommand),
    /// Say which sites there are and what they admit
    #[command(subcommand, after_help = site::EXAMPLES)]
    Site(site::SiteCommand),
    /// Say which devices there are
    #[command(subcommand, after_help = device::EXAMPLES)]
    Device(device::DeviceCommand),
    /// Keep and sign rosters in a registry
    #[command(subcommand, after_help = roster::EXAMPLES)]
    Roster(roster::RosterCommand),
    /// Recompute a chain and compare registry, checkpoint and engines with it
    #[command(after_help = audit::EXAMPLES)]
    Audit(Box<audit::AuditArgs>),
    /// Bring an existing population into a registry, from CSV or Parquet
    #[command(after_help = import::EXAMPLES)]
    Import(Box<import::ImportArgs>),
    /// Publish an issuer's colours as Token Status Lists, and check an entry of any such list
    #[command(subcommand, after_help = status_list::EXAMPLES)]
    StatusList(status_list::StatusListCommand),
    /// Look into a status snapshot and change it
    #[command(subcommand, after_help = snapshot::EXAMPLES)]
    Snapshot(snapshot::SnapshotCommand),
    /// Explain the bytes of a code, a credential, a roster, a list, a packet, a verdict, a snapshot, a checkpoint or a key
    #[command(after_help = inspect::EXAMPLES)]
    Inspect(inspect::InspectArgs),
    /// Look for what is wrong or ends soon on this machine, and say what to do
    #[command(after_help = doctor::EXAMPLES)]
    Doctor(doctor::DoctorArgs),
    /// Print what a shell needs to complete command lines
    #[command(after_help = completions::EXAMPLES)]
    Completions(completions::CompletionsArgs),
    /// Write a manual page for every command
    #[command(after_help = completions::MAN_EXAMPLES)]
    Man(completions::ManArgs),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_subcommand_shows_examples_that_parse() {
        for command in Cli::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let lines: Vec<_> = help.lines().filter_map(|line| line.trim().strip_prefix("hufu ")).collect();
            assert!(!lines.is_empty(), "{} has no examples", command.get_name());
            for line in lines {
                let line = line.split(" | ").next().unwrap().split(" > ").next().unwrap();
                let words: Vec<_> = std::iter::once("hufu").chain(words(line)).collect();
                match Cli::try_parse_from(words.iter().copied().chain(["--json"])) {
                    Ok(cli) => assert!(cli.json, "{line}"),
                    Err(error) => panic!("{line}: {error}"),
                }
            }
        }
    }

    #[test]
    fn every_command_takes_json_and_none_has_a_json_of_its_own() {
        fn look(command: &clap::Command, leaves: &mut u32) {
            let json: Vec<_> =
                command.get_arguments().filter(|argument| argument.get_long() == Some("json")).collect();
            let flags = json.iter().filter(|json| !json.get_action().takes_values() && json.is_global_set());
            assert_eq!((json.len(), flags.count()), (1, 1), "{}", command.get_name());
            *leaves += u32::from(!command.has_subcommands());
            command
                .get_subcommands()
                .filter(|inner| inner.get_name() != "help")
                .for_each(|inner| look(inner, leaves));
        }
        let mut command = Cli::command();
        command.build();
        let mut leaves = 0;
        look(&command, &mut leaves);
        assert!(leaves > 70, "{leaves}");
    }

    /// Splits an example as a shell would, as far as the examples go.
    fn words(line: &str) -> impl Iterator<Item = &str> {
        let mut quoted = false;
        line.split(move |c: char| {
            quoted ^= c == '\'';
            c == '\'' || (c == ' ' && !quoted)
        })
        .filter(|word| !word.is_empty())
    }
}
