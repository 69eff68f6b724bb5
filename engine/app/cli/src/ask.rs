//! The question before something that cannot be taken back.

use std::io::{self, BufRead as _, IsTerminal as _};

use anyhow::{Context as _, ensure};

use crate::term;

/// Whether what is to be signed is described on standard error: not with both `--json` and `--yes`, where no person is
/// asked.
pub(crate) fn describes(yes: bool) -> bool {
    !(yes && term::is_json())
}

/// Whether a person said yes, or `--yes` was given.
///
/// # Errors
/// There is no terminal to ask on: a script must say `--yes`.
pub(crate) fn sure(question: &str, yes: bool) -> anyhow::Result<bool> {
    if yes {
        return Ok(true);
    }
    ensure!(
        io::stdin().is_terminal() && term::stderr_is_terminal(),
        "cannot ask: this is not a terminal; check what is shown, then run the command again with --yes"
    );
    term::ask(&format!("{} [y/N] ", term::stderr().strong(question))).context("cannot ask")?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).context("cannot read the answer")?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
