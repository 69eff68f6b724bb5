//! `hufu change`: what a local authority proposes and the national platform confirms (R21).

mod confirm;
mod list;
mod listed;
mod propose;
mod release;
mod undo;

use clap::Subcommand;

pub(crate) use self::confirm::{PlatformArgs, describe_braked};
use crate::outcome::Exit;

pub(crate) const EXAMPLES: &str = "Examples:
  hufu change propose --key shanghai.key --holder 42 --colour red --until +14d --rule 7 --reason 'contact of a case'
  hufu change propose --key shanghai.key --holder 42 --generation 3 --rule 1 --reason 'phone reported lost'
  hufu change propose --agent 'pkcs11-sign --slot 2' --public shanghai.pub --from evening.csv --rule 7 --reason 'evening review'
  hufu change list --issuer 310000 --state pending
  hufu change list --issuer 310000 --holder 42 --since -7d
  hufu change undo --issuer 310000 12 --national 100000 --key shanghai.key
  hufu change show --issuer 310000 12
  hufu change confirm --issuer 310000 12 --key national.key --operator operator.pub --trust trust.hufu
  hufu change confirm --issuer 310000 --all --key national.key --yes
  hufu change propose --key shanghai.key --from next.csv --rule 7 --reason 'evening review' --reset-time
  hufu change confirm --issuer 310000 12 --key national.key --state national-ledger --reset-time
  hufu change release --issuer 310000 13 --key national.key
  hufu change withdraw --issuer 310000 14

A table of changes has the columns holder, colour, valid_until, test_at, test_result, doses, generation; holder at \
least. A TOML file has rule, reason, valid, time_zone and [[change]] tables with the same keys. Times are written as in \
`hufu import --help`. A colour keeps the credential generation, the last test and the doses unless the line says \
otherwise (test_result = none and doses = 0 take them away), a generation keeps the colour, both set colour and \
generation; colour = forget forgets the holder. Every line that is wrong is named, and nothing is signed then.

propose, confirm and undo show what each holder has and gets. Only holders whom the registry knows are changed, unless \
--unregistered is given, and only by a rule that it knows, if it lists rules. undo reads the whole chain and verifies it; it \
never takes a credential generation back. --reset-time is for a chain whose last change was signed by a clock that was \
ahead (docs/OPERATIONS.md, Clocks).";

/// Propose, confirm and look at changes of holders' statuses.
#[derive(Debug, Subcommand)]
pub(crate) enum ChangeCommand {
    /// Sign an instruction as the local authority and hand it in
    Propose(Box<propose::ProposeArgs>),
    /// List proposals
    List(list::ListArgs),
    /// Show what a proposal says
    Show(list::ShowArgs),
    /// Give proposals their place in the chain, as the national platform
    Confirm(Box<confirm::ConfirmArgs>),
    /// Release a proposal that the brake holds because it sets too many holders back, as the national platform
    Release(Box<release::ReleaseArgs>),
    /// Withdraw a proposal
    Withdraw(list::WithdrawArgs),
    /// Propose what gives the holders of a confirmed proposal the statuses that they had before it
    Undo(Box<undo::UndoArgs>),
}

/// Runs `hufu change`.
pub(crate) fn run(command: &ChangeCommand) -> anyhow::Result<Exit> {
    match command {
        ChangeCommand::Propose(args) => propose::run(args),
        ChangeCommand::List(args) => list::list(args),
        ChangeCommand::Show(args) => list::show(args),
        ChangeCommand::Confirm(args) => confirm::run(args),
        ChangeCommand::Release(args) => release::run(args),
        ChangeCommand::Withdraw(args) => list::withdraw(args),
        ChangeCommand::Undo(args) => undo::run(args),
    }
}
