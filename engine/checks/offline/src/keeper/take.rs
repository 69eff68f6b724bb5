//! What a keeper does with an engine's answers.

use std::collections::BTreeMap;
use std::time::Duration;

use hufu_codes::chain::{Authorities, Role};
use hufu_codes::keyring::TrustList;
use hufu_policy::Sites;
use hufu_sync::{HeadAnswer, SetAnswer};
use hufu_wire::{IssuerId, OfflineAsk, OfflineIssuer, read};

use super::{BASICS, ISSUERS, Keeper, KeeperFault, SAVE, SITE, TRUST, store};
use crate::format::OfflineFile;
use crate::gate::{NotDecided, NotTaken, TurnedRed};
use crate::part::ChainPart;

impl Keeper {
    /// Takes the answer to `ask`. Adds to `turned_red` the holders that it makes red and that the gate admitted on its own.
    ///
    /// # Errors
    /// [`KeeperFault`]; what was known before stays known, and the next answer may be given.
    pub fn take(
        &mut self,
        at: Duration,
        ask: OfflineAsk,
        answer: &[u8],
        turned_red: &mut Vec<TurnedRed>,
    ) -> Result<(), KeeperFault> {
        if self.todo.front() != Some(&ask) {
            return Ok(());
        }
        self.todo.pop_front();
        match ask {
            OfflineAsk::Site => {
                let taken = self.take_site(answer);
                taken.and_then(|()| self.store.write(SITE, answer))
            }
            OfflineAsk::TrustList => self.take_trust_list(at, answer),
            OfflineAsk::Issuers => {
                let taken = self.take_issuers(answer);
                self.ask_for_chains();
                taken.and_then(|()| self.store.write(ISSUERS, answer))
            }
            OfflineAsk::List { issuer, from } => self.take_list_part(at, issuer, from, answer, turned_red),
            OfflineAsk::Chain { issuer, .. } => self.take_chain(at, issuer, answer, turned_red),
        }
    }

    pub(super) fn take_site(&mut self, text: &[u8]) -> Result<(), KeeperFault> {
        let text =
            str::from_utf8(text).map_err(|_| KeeperFault::Odd { what: "a site's policy that is no text" })?;
        let sites = Sites::parse(text, "the policy from the engine")?;
        if sites.get(self.grant.site).is_none() {
            return Err(KeeperFault::Odd { what: "the policy of another site" });
        }
        self.gate.set_sites(&sites);
        self.has_site = true;
        Ok(())
    }

    fn take_trust_list(&mut self, at: Duration, bytes: &[u8]) -> Result<(), KeeperFault> {
        if bytes == self.gate.keyring().list().signed() {
            return Ok(());
        }
        let now = self.gate.clock().read(at).ok_or(NotDecided::NoTime)?.time;
        let list = TrustList::open(bytes, &self.operator).map_err(KeeperFault::Trust)?;
        let keyring = self.gate.keyring().update(&list, now.seconds()).map_err(KeeperFault::Trust)?;
        let state = keyring.to_state();
        self.gate.set_keyring(keyring)?;
        self.store.write(TRUST, &state)
    }

    pub(super) fn take_issuers(&mut self, bytes: &[u8]) -> Result<(), KeeperFault> {
        let odd = KeeperFault::Odd { what: "a table of issuers that is not well formed" };
        let (named, []) = bytes.as_chunks::<{ OfflineIssuer::BYTES }>() else { return Err(odd) };
        let named = named.iter().map(|bytes| {
            let OfflineIssuer { issuer, national, publisher } = read(bytes).ok()?;
            Some((issuer, Authorities::new(issuer, national, publisher).ok()?))
        });
        let named: BTreeMap<_, _> = named.collect::<Option<_>>().ok_or(odd)?;
        let signers = |authorities: &Authorities| Role::ALL.map(|role| authorities.of(role));
        let stays = |issuer| {
            let (held, new) = (self.authorities.get(&issuer), named.get(&issuer));
            held.zip(new).is_some_and(|(held, new)| signers(held) == signers(new))
        };
        self.gate.keep_lists(stays);
        self.authorities = named;
        Ok(())
    }

    fn take_list_part(
        &mut self,
        at: Duration,
        issuer: IssuerId,
        from: u32,
        part: &[u8],
        turned_red: &mut Vec<TurnedRed>,
    ) -> Result<(), KeeperFault> {
        if from == 0 {
            self.coming.clear();
            self.due.lists.insert(issuer, at + BASICS);
        }
        self.coming.extend_from_slice(part);
        let whole = OfflineFile::bytes_announced(&self.coming);
        if whole.is_some_and(|whole| whole > self.room.file_bytes_max()) {
            self.coming = Vec::new();
            return Err(KeeperFault::Odd { what: "a list that is larger than this gate has room for" });
        }
        if !part.is_empty() && whole.is_none_or(|whole| self.coming.len() < whole) {
            let from = u32::try_from(self.coming.len()).unwrap_or(u32::MAX);
            self.todo.push_front(OfflineAsk::List { issuer, from });
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.coming);
        let file = OfflineFile::read(&bytes, self.room)?;
        let authorities = self.authorities.get(&issuer).filter(|_| file.list.issuer() == issuer);
        let authorities = *authorities.ok_or(KeeperFault::Odd { what: "a list of another issuer" })?;
        self.gate.take_list(file, authorities, turned_red)?;
        self.store.write(&store::list(issuer), &bytes)
    }

    fn take_chain(
        &mut self,
        at: Duration,
        issuer: IssuerId,
        answer: &[u8],
        turned_red: &mut Vec<TurnedRed>,
    ) -> Result<(), KeeperFault> {
        let odd = KeeperFault::Odd { what: "a part of a chain that is not well formed" };
        let ChainPart { sets, head } = ChainPart::read(answer).ok_or(odd)?;
        let (mut follows, has_sets, mut refused) = (true, !sets.is_empty(), None);
        for set in sets {
            match self.gate.change_set(at, issuer, set, turned_red) {
                Ok(taken) => follows &= !matches!(taken, SetAnswer::Gap { .. } | SetAnswer::Fork { .. }),
                // A key that signed it was revoked since, for example: a list leads past it.
                Err(fault @ NotTaken::Refused(_)) => {
                    (follows, refused) = (false, Some(fault));
                    break;
                }
                Err(fault) => return Err(fault.into()),
            }
        }
        match head.map(|head| self.gate.head(at, issuer, head)) {
            Some(Ok(taken)) => {
                let is_current = matches!(taken, HeadAnswer::Current { .. });
                follows &= is_current || matches!(taken, HeadAnswer::Late);
                // With a late head, who turned red meanwhile may still come.
                if follows && is_current {
                    self.gate.forget_admitted(issuer);
                }
            }
            // A list would bring no other head.
            Some(Err(fault)) => {
                refused.get_or_insert(fault);
            }
            // There is more than one answer takes.
            None if has_sets && follows => {
                let list = self.gate.lists().iter().find(|list| list.issuer() == issuer);
                let after = list.map(|list| list.tip().sequence);
                self.todo.extend(after.map(|after| OfflineAsk::Chain { issuer, after }));
            }
            // The engine itself has heard nothing yet.
            None => {}
        }
        if !follows && self.due.lists.get(&issuer).is_none_or(|due| at >= *due) {
            self.todo.push_front(OfflineAsk::List { issuer, from: 0 });
        }
        if at >= self.due.saved {
            self.due.saved = at + SAVE;
            self.save()?;
        }
        refused.map_or(Ok(()), |fault| Err(fault.into()))
    }
}
