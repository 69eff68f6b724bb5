//! One file for each subcommand.

pub(crate) mod abroad;
pub(crate) mod appeal;
pub(crate) mod audit;
pub(crate) mod batch;
pub(crate) mod bridge;
pub(crate) mod ca;
pub(crate) mod change;
pub(crate) mod check;
pub(crate) mod checkpoint;
pub(crate) mod completions;
pub(crate) mod console;
pub(crate) mod demo;
pub(crate) mod device;
pub(crate) mod doctor;
pub(crate) mod enrol;
pub(crate) mod facts;
pub(crate) mod family;
pub(crate) mod foreign;
pub(crate) mod gate;
pub(crate) mod holder;
pub(crate) mod import;
pub(crate) mod inspect;
pub(crate) mod issue;
pub(crate) mod issuer;
pub(crate) mod keys;
pub(crate) mod present;
pub(crate) mod records;
pub(crate) mod registry;
pub(crate) mod roster;
pub(crate) mod rules;
pub(crate) mod serve;
pub(crate) mod site;
pub(crate) mod snapshot;
pub(crate) mod trip;

use crate::cli::Command;
use crate::outcome::Exit;

/// Does what the command line says.
///
/// # Errors
/// Whatever the subcommand could not do; [`exit_of`](crate::outcome::exit_of) turns it into a status.
pub(crate) fn run(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Serve(args) => serve::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Keys(command) => keys::run(&command),
        Command::Ca(command) => ca::run(&command),
        Command::Issue(command) => issue::run(&command),
        Command::Present(args) => present::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Gate(args) => gate::run(&args),
        Command::Enrol(args) => enrol::run(&args),
        Command::Bridge(args) => bridge::run(&args),
        Command::Console(command) => console::run(&command),
        Command::Batch(command) => batch::run(&command),
        Command::Snapshot(command) => snapshot::run(&command),
        Command::Records(command) => records::run(&command),
        Command::Registry(command) => registry::run(&command),
        Command::Change(command) => change::run(&command),
        Command::Checkpoint(command) => checkpoint::run(&command),
        Command::Holder(command) => holder::run(&command),
        Command::Abroad(command) => abroad::run(&command),
        Command::Facts(command) => facts::run(&command),
        Command::Appeal(command) => appeal::run(&command),
        Command::Family(command) => family::run(&command),
        Command::Rules(command) => rules::run(&command),
        Command::Site(command) => site::run(&command),
        Command::Device(command) => device::run(&command),
        Command::Roster(command) => roster::run(&command),
        Command::Trip(command) => trip::run(&command),
        Command::Foreign(command) => foreign::run(&command),
        Command::Audit(args) => audit::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => completions::man(&args),
    }
}
