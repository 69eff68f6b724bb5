//! The `hufu` command: the engine itself, and everything an operator, an issuer, a gate or a curious person
//! needs around it. One file for each subcommand in [`commands`]; the rooms beside it hold what several share.

#![deny(clippy::print_stdout, clippy::print_stderr)]

mod about;
mod ask;
mod authority;
mod chain;
mod channel;
mod cli;
mod commands;
mod current;
mod gate;
mod handover;
mod holder;
mod idnumber;
mod instructed;
mod kept;
mod lanes;
mod language;
mod listing;
mod log;
mod message;
mod outcome;
mod page;
mod people;
mod picture;
mod progress;
mod qr;
mod remote;
mod show;
mod shown;
mod signals;
mod signer;
mod status;
mod statusfile;
mod table;
mod term;
mod trust;
mod verdict;
mod words;
mod written;

use std::error::Error as _;
use std::process::ExitCode;

use clap::Parser;
use hufu_files::moment;

use crate::cli::Cli;
use crate::outcome::Exit;
use crate::term::{Output, note};

/// The engine's batches allocate nothing; this serves QUIC, snapshots and everything else that does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(fault) => return refused(&fault),
    };
    if cli.json {
        term::set_json();
    }
    // Before any TLS: two linked providers would make rustls panic when it has to choose.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        note!("hufu: another cryptography provider is installed already");
        return Exit::Unavailable.into();
    }
    if let Some(zone) = cli.time_zone.or_else(remote::default_zone) {
        moment::set_zone(zone);
    }
    let exit = commands::run(cli.command).unwrap_or_else(|error| {
        let exit = outcome::exit_of(&error);
        term::fail("hufu:", &message::of(&error), exit);
        exit
    });
    let exit = match term::finish() {
        Output::Whole | Output::Closed => exit,
        Output::Lost(error) => {
            let exit = exit.with_output_lost();
            term::fail("hufu:", &format!("the output could not be written: {error}"), exit);
            exit
        }
    };
    exit.into()
}

/// What is wrong with the command line itself, or the help that was asked for.
fn refused(fault: &clap::Error) -> ExitCode {
    let told = fault.source().map(|cause| (cause.to_string(), message::in_words(cause)));
    let told = told.filter(|(raw, words)| raw != words);
    // The arguments could not be read, so this one is looked for among them.
    let asked = std::env::args_os().skip(1).take_while(|word| word != "--").any(|word| word == "--json");
    if !fault.use_stderr() || (!asked && told.is_none()) {
        fault.exit();
    }
    let mut said = fault.render().to_string();
    if let Some((raw, words)) = told {
        said = said.replace(&raw, &words);
    }
    if asked {
        term::set_json();
    }
    term::fail("hufu:", said.trim().trim_start_matches("error: "), Exit::Misused);
    Exit::Misused.into()
}
