//! What holders have before a change: what a person sees beside what the change says.

use std::collections::BTreeMap;

use anyhow::{bail, ensure};
use hufu_authority::Remote;
use hufu_contract::{CurrentStatus, LookAtHolders};
use hufu_wire::chain::{Change, Content};
use hufu_wire::{Colour, HolderIndex, IssuerId, RuleId, StatusWord, limits};

use crate::listing::first_of;

/// Statuses of the holders of a change as the registry has them, and its rules.
#[derive(Debug, Default)]
pub(crate) struct Current {
    holders: BTreeMap<u32, CurrentStatus>,
    rules: BTreeMap<u32, String>,
}

impl Current {
    /// Asks the registry.
    ///
    /// # Errors
    /// Those of [`Remote::ask`].
    pub(crate) fn fetch(
        remote: &Remote,
        issuer: IssuerId,
        holders: impl Iterator<Item = HolderIndex>,
    ) -> anyhow::Result<Current> {
        let mut current = Current::default();
        let rules = remote.ask(|api| api.rules(issuer))?.rules;
        current.rules = rules.into_iter().map(|rule| (rule.id, rule.name)).collect();
        let holders: Vec<_> = holders.map(|holder| holder.0).collect();
        for holders in holders.chunks(limits::CHANGES_MAX) {
            let sought = LookAtHolders { holders: holders.to_vec() };
            let found = remote.ask(|api| api.current_statuses(issuer, &sought))?.holders;
            ensure!(found.len() == holders.len(), "the registry's answer lacks holders");
            current.holders.extend(found.into_iter().map(|holder| (holder.index, holder)));
        }
        Ok(current)
    }

    /// The word that a holder has.
    pub(crate) fn word(&self, holder: HolderIndex) -> StatusWord {
        let bits = self.holders.get(&holder.0).map_or(0, |holder| u64::from_be_bytes(holder.word.0));
        StatusWord::from_bits(bits)
    }

    /// A holder's masked display, if the token may see it.
    pub(crate) fn display(&self, holder: HolderIndex) -> Option<&str> {
        self.holders.get(&holder.0)?.display.as_deref()
    }

    /// What a rule is called.
    pub(crate) fn rule_name(&self, rule: RuleId) -> Option<&str> {
        self.rules.get(&rule.0).map(String::as_str)
    }

    /// Whether every holder is registered.
    ///
    /// # Errors
    /// The message names everybody who is not.
    pub(crate) fn check_holders(&self) -> anyhow::Result<()> {
        let unknown = self.holders.values().filter(|holder| !holder.registered);
        let unknown: Vec<_> = unknown.map(|holder| holder.index).collect();
        ensure!(
            unknown.is_empty(),
            "no holder is registered with index {}: nothing was signed; check the indices, or give --unregistered",
            first_of(&unknown)
        );
        Ok(())
    }

    /// Whether the rule is one that the registry knows, if it knows any.
    ///
    /// # Errors
    /// It is not; with those that are.
    pub(crate) fn check_rule(&self, rule: RuleId) -> anyhow::Result<()> {
        if self.rules.is_empty() || self.rules.contains_key(&rule.0) {
            return Ok(());
        }
        let known: Vec<_> = self.rules.iter().map(|(rule, name)| format!("{rule} ({name})")).collect();
        bail!("--rule {rule} is not known: nothing was signed; known are {}", known.join(", "))
    }

    /// How many holders go from which colour to which, for a person.
    pub(crate) fn tally(&self, content: &Content<'_>) -> String {
        let mut tally: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for (holder, change) in content.changes.iter() {
            let before = self.word(holder);
            let (from, to) = (colour_of(before), colour_of(change.apply(before)));
            let to = if matches!(change, Change::Generation(_)) { "another generation" } else { to };
            *tally.entry((from, to)).or_default() += 1;
        }
        let parts: Vec<_> =
            tally.iter().map(|((from, to), count)| format!("{count} {from} -> {to}")).collect();
        parts.join(", ")
    }
}

fn colour_of(word: StatusWord) -> &'static str {
    word.colour().map_or("unknown", Colour::slug)
}
