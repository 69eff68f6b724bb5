//! `hufu registry trail`: the trail, verified where the vault's key is (R44).

use std::path::PathBuf;

use clap::{Args, Subcommand};
use hufu_office::Config;
use hufu_office::{open_vault, with_registry};
use hufu_registry::Caller;

use crate::outcome::Exit;
use crate::term::tell;

/// Look after the trail.
#[derive(Debug, Subcommand)]
pub(crate) enum TrailCommand {
    /// Verify every line: its digest, and its seal by the vault's key. Exit status 1 when one does not fit
    Verify(TrailArgs),
}

/// Which registry's.
#[derive(Debug, Args)]
pub(crate) struct TrailArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "registry.toml")]
    config: PathBuf,
}

/// Runs `hufu registry trail`.
pub(super) fn run(command: &TrailCommand) -> anyhow::Result<Exit> {
    let TrailCommand::Verify(args) = command;
    let config = Config::load(&args.config)?;
    let vault = open_vault(&config.files.vault)?;
    let checked =
        with_registry(&config, vault, async |registry| registry.check_trail(&Caller::operator()).await)?;
    match checked {
        Ok(check) => {
            let end = check.end();
            tell!(
                {
                    "verified": true, "lines": check.lines(), "unsealed": check.unsealed(),
                    "end": format!("{}:{}", end.number, end.digest),
                },
                "{} lines, {} of them from before lines were sealed\nend {}:{}\n\
                 note the end: `hufu audit --trail-end` finds by it whether later lines were removed",
                check.lines(),
                check.unsealed(),
                end.number,
                end.digest
            );
            Ok(Exit::Yes)
        }
        Err(broken) => {
            tell!({ "verified": false, "broken": broken.to_string() }, "BROKEN  {broken}");
            Ok(Exit::No)
        }
    }
}
