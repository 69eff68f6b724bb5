//! `hufu holder history`: how a holder's colours came to be.

use hufu_contract::{HistoryEntry, Status};
use hufu_files::moment;
use hufu_wire::{HolderIndex, IssuerId, StatusWord, UnixMillis};

use crate::outcome::Exit;
use crate::remote::RegistryArgs;
use crate::term::printable;
use crate::{listing, status};

/// Changes asked for at once.
const PAGE: u32 = 500;

/// Runs `hufu holder history`.
pub(super) fn run(registry: &RegistryArgs, issuer: u32, holder: u32) -> anyhow::Result<Exit> {
    let remote = registry.connect()?;
    let (issuer, holder) = (IssuerId(issuer), HolderIndex(holder));
    let mut changes: Vec<HistoryEntry> = Vec::new();
    loop {
        let after = changes.last().map_or(0, |change| change.sequence);
        let page = remote.ask(|api| api.history(issuer, holder, after, PAGE))?.changes;
        if page.is_empty() {
            break;
        }
        changes.extend(page);
    }
    let header = ["set", "proposal", "confirmed", "before", "after", "rule", "reason"];
    Ok(listing::list(&changes, header, |change| {
        let rule = change.rule_name.as_ref();
        [
            change.sequence.to_string(),
            change.proposal.to_string(),
            moment::show(UnixMillis(change.confirmed_ms).seconds()),
            describe(change.before),
            describe(change.after),
            rule.map_or(change.rule.to_string(), |name| format!("{} {}", change.rule, printable(name))),
            printable(&change.reason),
        ]
    }))
}

fn describe(found: Option<Status>) -> String {
    let word = found.map_or(0, |status| u64::from_be_bytes(status.word.0));
    status::describe(StatusWord::from_bits(word))
}
