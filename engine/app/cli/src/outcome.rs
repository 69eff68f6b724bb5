//! How a run ends, in a number that scripts can rely on.

use std::process::ExitCode;

use hufu_files::Unavailable;

/// The exit status of every subcommand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done; or the answer is yes: admitted, genuine.
    Yes = 0,
    /// The answer is no: refused, not genuine, the demo's promise not held.
    No = 1,
    /// An argument or a file is wrong; the message says which and how to correct it.
    Misused = 2,
    /// Something this machine or the network should have given is not there.
    Unavailable = 3,
    /// A person must look.
    Refer = 4,
    /// Done, but what was to be printed could not be written: the disk behind standard output is full, for example.
    Unwritten = 5,
}

/// The text of every `--help` about exit statuses.
pub(crate) const HELP: &str = "Exit status: 0 done, or yes; 1 the answer is no; 2 an argument or a file is wrong; \
3 no engine answers, or this machine has a fault; 4 a person must check; 5 done, but the output could not be written. A \
reader that closes the pipe early changes nothing: the work is completed.

With --json standard output has JSON alone; messages for people go to standard error, and why a run failed is one line \
there, {\"error\": TEXT, \"exit\": STATUS}.";

impl Exit {
    /// The status when the output is lost. What the work came to counts more.
    pub(crate) const fn with_output_lost(self) -> Exit {
        if matches!(self, Exit::Yes) { Exit::Unwritten } else { self }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// What an error means for the exit status.
pub(crate) fn exit_of(error: &anyhow::Error) -> Exit {
    if error.downcast_ref::<Unavailable>().is_some() { Exit::Unavailable } else { Exit::Misused }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;
    use hufu_files::unavailable;

    #[test]
    fn an_unavailable_cause_decides_the_status_under_any_context() {
        let error = Err::<(), _>(unavailable("nobody answers")).context("check").unwrap_err();
        assert_eq!(exit_of(&error), Exit::Unavailable);
        assert_eq!(exit_of(&anyhow::anyhow!("a typo")), Exit::Misused);
    }
}
