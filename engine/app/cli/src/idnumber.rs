//! The id number of one person, as commands take it: out of a file or from standard input. Everybody on a machine can list
//! the arguments of its processes, and a shell keeps them.

use std::io::{self, BufRead as _, IsTerminal as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use hufu_files as files;
use zeroize::Zeroizing;

use crate::term;

/// Characters of a machine-readable line of a passport.
const LINE_CHARS: usize = 44;

/// Where the id number is.
#[derive(Debug, Args)]
pub(crate) struct IdNumberArgs {
    /// A file with the id number alone: a resident's, or the kind of another document, its issuing state and its number,
    /// passport:USA:E12345678, or a passport's two machine-readable lines; - asks for it, or reads a line of standard input
    #[arg(long, value_name = "FILE")]
    id_number_file: Option<PathBuf>,
}

impl IdNumberArgs {
    /// The number, if one is given.
    ///
    /// # Errors
    /// There is not one line in the file, or on standard input. The message repeats nothing of it.
    pub(crate) fn read(&self) -> anyhow::Result<Option<Zeroizing<String>>> {
        self.id_number_file.as_deref().map(read).transpose()
    }

    /// The number; without an argument as for `-`.
    ///
    /// # Errors
    /// Those of [`read`](Self::read).
    pub(crate) fn read_or_ask(&self) -> anyhow::Result<Zeroizing<String>> {
        read(self.id_number_file.as_deref().unwrap_or(Path::new("-")))
    }
}

fn read(path: &Path) -> anyhow::Result<Zeroizing<String>> {
    let (text, place) = if path == Path::new("-") {
        (typed()?, "standard input".to_owned())
    } else {
        (Zeroizing::new(files::read_text(path)?), path.display().to_string())
    };
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let Some(number) = lines.next() else { bail!("there is no id number in {place}") };
    let Some(second) = lines.next() else { return Ok(Zeroizing::new(number.to_owned())) };
    let is_machine_readable = number.contains('<') && lines.next().is_none();
    ensure!(is_machine_readable, "{place} must have one id number, and nothing else");
    Ok(Zeroizing::new(format!("{number}\n{second}")))
}

fn typed() -> anyhow::Result<Zeroizing<String>> {
    if io::stdin().is_terminal() && term::stderr_is_terminal() {
        term::ask("id number: ").context("cannot ask for the id number")?;
    }
    let mut line = Zeroizing::new(String::new());
    io::stdin().lock().read_line(&mut line).context("cannot read the id number from standard input")?;
    if line.starts_with(['P', 'p'])
        && line.contains('<')
        && !line.contains(':')
        && line.trim().len() == LINE_CHARS
    {
        io::stdin().lock().read_line(&mut line).context("cannot read the second line from standard input")?;
    }
    Ok(line)
}
