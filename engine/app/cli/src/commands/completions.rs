//! `hufu completions` and `hufu man`: what a shell and `man` know about the command line, made from the command line
//! itself.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use hufu_files as files;
use serde_json::json;

use crate::cli::Cli;
use crate::outcome::Exit;
use crate::term::{self, tell};

pub(crate) const EXAMPLES: &str = "Examples:
  hufu completions bash > ~/.local/share/bash-completion/completions/hufu
  hufu completions zsh > ~/.zfunc/_hufu
  hufu completions fish > ~/.config/fish/completions/hufu.fish";

pub(crate) const MAN_EXAMPLES: &str = "Examples:
  hufu man /usr/local/share/man/man1

Afterwards: man hufu, man hufu-check, man hufu-keys-trust-add.";

/// Print what a shell needs to complete command lines.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// Which shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Write a manual page for every command.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// The folder; it is made if it is missing, and pages in it are replaced
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

/// Runs `hufu completions`.
#[expect(clippy::unnecessary_wraps, reason = "every command is run in one way")]
pub(crate) fn run(args: &CompletionsArgs) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "hufu", &mut script);
    let script = String::from_utf8_lossy(&script);
    term::outcome(
        || json!({ "shell": args.shell.to_string(), "script": script }),
        || script.clone().into_owned(),
    );
    Ok(Exit::Yes)
}

/// Runs `hufu man`.
pub(crate) fn man(args: &ManArgs) -> anyhow::Result<Exit> {
    files::folder(&args.folder)?;
    clap_mangen::generate_to(Cli::command(), &args.folder)
        .with_context(|| format!("cannot write manual pages into {}", args.folder.display()))?;
    let (folder, first) = (&args.folder, args.folder.join("hufu.1"));
    tell!(
        { "folder": folder, "first": first },
        "{}: manual pages; `man -l {}` shows one",
        folder.display(),
        first.display()
    );
    Ok(Exit::Yes)
}
