//! How a run ends, in a number that scripts can rely on.

use std::fmt;
use std::io;
use std::process::ExitCode;

/// The exit status of every subcommand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done; or the answer is yes: admitted, genuine.
    Yes = 0,
    /// The answer is no: refused, not genuine, the demo's promise not held.
    No = 1,
    /// An argument or a file is wrong; the message says which and how to mend it.
    Misused = 2,
    /// Something this machine or the network should have given is not there.
    Unavailable = 3,
    /// A person must look.
    Refer = 4,
}

/// The text of every `--help` about exit statuses.
pub(crate) const HELP: &str = "Exit status: 0 done, or yes; 1 the answer is no; 2 an argument or a file is wrong; \
3 no engine answers, or the machine refuses; 4 a person must look.";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Marks an error as nobody's mistake: the engine does not answer, a socket cannot be had.
#[derive(Debug)]
pub(crate) struct Unavailable(pub(crate) String);

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unavailable {}

/// The error for something that is not there now and may be later.
pub(crate) fn unavailable(what: impl fmt::Display) -> anyhow::Error {
    anyhow::Error::new(Unavailable(what.to_string()))
}

/// What an error means for the exit status.
pub(crate) fn exit_of(error: &anyhow::Error) -> Exit {
    if error.downcast_ref::<Unavailable>().is_some() { Exit::Unavailable } else { Exit::Misused }
}

/// Whether the reader of our output has gone away, as `hufu inspect ... | head` does; that is no error.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn an_unavailable_cause_decides_the_status_under_any_context() {
        let error = Err::<(), _>(unavailable("nobody answers")).context("check").unwrap_err();
        assert_eq!(exit_of(&error), Exit::Unavailable);
        assert_eq!(exit_of(&anyhow::anyhow!("a typo")), Exit::Misused);
    }
}
