//! The `hufu` command: the engine itself, and everything an operator, an issuer, a gate or a curious person
//! needs around it. One file for each subcommand in [`commands`]; the rooms beside it hold what several share.

#![deny(clippy::print_stdout, clippy::print_stderr)]

mod about;
mod ask;
mod authority;
mod chain;
mod cli;
mod commands;
mod current;
mod gate;
mod handover;
mod holder;
mod instructed;
mod kept;
mod listing;
mod log;
mod outcome;
mod page;
mod people;
mod picture;
mod progress;
mod qr;
mod remote;
mod show;
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
    let cli = Cli::parse();
    // Before any TLS: two linked providers would make rustls panic when it has to choose.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        note!("hufu: another cryptography provider is installed already");
        return Exit::Unavailable.into();
    }
    if let Some(zone) = cli.time_zone.or_else(remote::default_zone) {
        moment::set_zone(zone);
    }
    let exit = commands::run(cli.command).unwrap_or_else(|error| {
        note!("{} {error:#}", term::stderr().bad("hufu:"));
        outcome::exit_of(&error)
    });
    let exit = match term::finish() {
        Output::Whole | Output::Closed => exit,
        Output::Lost(error) => {
            note!("{} the output could not be written: {error}", term::stderr().bad("hufu:"));
            exit.with_output_lost()
        }
    };
    exit.into()
}
