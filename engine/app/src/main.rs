//! The `hufu` command: the engine itself, and everything an operator, an issuer, a gate or a curious person
//! needs around it. One file for each subcommand in [`commands`]; the rooms beside it hold what several share.

mod about;
mod ask;
mod authority;
mod cli;
mod clocks;
mod commands;
mod config;
mod files;
mod follow_api;
mod gate;
mod holder;
mod instructed;
mod ledger;
mod moment;
mod outcome;
mod qr;
mod remote;
mod secret;
mod server;
mod show;
mod signals;
mod signer;
mod status;
mod statusfile;
mod term;
mod trust;
mod verdict;
mod watched;
mod written;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;
use crate::outcome::Exit;

/// The engine's batches allocate nothing; this serves QUIC, snapshots and everything else that does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    // Before any TLS: two linked providers would make rustls panic when it has to choose.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        eprintln!("hufu: another cryptography provider is installed already");
        return Exit::Unavailable.into();
    }
    match commands::run(cli.command) {
        Ok(exit) => exit.into(),
        Err(error) if outcome::is_broken_pipe(&error) => Exit::Yes.into(),
        Err(error) => {
            eprintln!("{} {error:#}", term::stderr().bad("hufu:"));
            outcome::exit_of(&error).into()
        }
    }
}
